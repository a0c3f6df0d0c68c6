/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/cmd.h"

#include <string.h>

#include "cli/text.h"

const struct vrv_command *const vrv_commands[] = {&vrv_cmd_init,
    &vrv_cmd_create, &vrv_cmd_list, &vrv_cmd_info, &vrv_cmd_extract,
    &vrv_cmd_check, &vrv_cmd_verify, &vrv_cmd_diff, &vrv_cmd_find,
    &vrv_cmd_history, &vrv_cmd_du, &vrv_cmd_rename, &vrv_cmd_delete,
    &vrv_cmd_mount, &vrv_cmd_umount, &vrv_cmd_key_add, &vrv_cmd_key_list,
    &vrv_cmd_key_remove, &vrv_cmd_key_change_passphrase, &vrv_cmd_key_export,
    &vrv_cmd_key_import, &vrv_cmd_catalog_rebuild, &vrv_cmd_catalog_status,
    &vrv_cmd_catalog_drop, &vrv_cmd_version, &vrv_cmd_help, NULL};

/* Does `name` start `args`? The words it takes, else 0. */
static size_t
names(const char *name, const char *const *args)
{
	const char *second = strchr(name, ' ');
	size_t n = second != NULL ? (size_t)(second - name) : strlen(name);

	if (strlen(args[0]) != n || memcmp(args[0], name, n) != 0)
		return 0;
	if (second == NULL)
		return 1;
	return args[1] != NULL && strcmp(args[1], second + 1) == 0 ? 2 : 0;
}

/* What follows the word of the group in the name; NULL if it is not of it. */
static const char *
in_group(const char *name, const char *group)
{
	size_t n = strlen(group);

	return strncmp(name, group, n) == 0 && name[n] == ' ' ? name + n + 1 :
								NULL;
}

bool
vrv_command_is_group(const char *word)
{
	for (size_t i = 0; vrv_commands[i] != NULL; i++) {
		if (in_group(vrv_commands[i]->name, word) != NULL)
			return true;
	}
	return false;
}

static int
unknown_in_group(const char *const *args, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf there = {0};

	for (size_t i = 0; vrv_commands[i] != NULL; i++) {
		const char *name = in_group(vrv_commands[i]->name, args[0]);

		if (name != NULL)
			vrv_text_add(&there, "%s%s", there.len > 0 ? ", " : "",
			    name);
	}
	if (args[1] == NULL)
		return vrv_fail(err, VARVE_USAGE, "'%s' needs one of %s",
		    args[0], vrv_text_str(&there));
	return vrv_fail(err, VARVE_USAGE,
	    "unknown command '%s %s': there are %s", args[0], args[1],
	    vrv_text_str(&there));
}

int
vrv_command_find(const char *const *args, const struct vrv_command **ret,
    size_t *ret_words, struct varve_err *err)
{
	for (size_t i = 0; vrv_commands[i] != NULL; i++) {
		size_t words = names(vrv_commands[i]->name, args);
		if (words > 0) {
			*ret = vrv_commands[i];
			*ret_words = words;
			return 0;
		}
	}
	if (vrv_command_is_group(args[0]))
		return unknown_in_group(args, err);
	return vrv_fail(err, VARVE_USAGE, "unknown command '%s'", args[0]);
}

/* Is there an option that --help shows? */
static bool
has_options(const struct vrv_option *table)
{
	while (table->name != NULL && table->help == NULL)
		table++;
	return table->name != NULL;
}

void
vrv_help_command(struct vrv_buf *buf, const struct vrv_command *cmd)
{
	vrv_text_add(buf, "usage: varve %s [options]%s%s\n\n", cmd->name,
	    cmd->usage[0] != '\0' ? " " : "", cmd->usage);
	vrv_text_add(buf, "%c%s.\n", cmd->summary[0] - 'a' + 'A',
	    cmd->summary + 1);
	if (cmd->help != NULL) {
		vrv_buf_u8(buf, '\n');
		vrv_wrap(buf, cmd->help, 0);
	}
	if (has_options(cmd->options)) {
		vrv_text_add(buf, "\nOptions:\n");
		vrv_options_help(buf, cmd->options);
	}
	vrv_text_add(buf, "\nCommon options:\n");
	vrv_options_help(buf, vrv_common_options);
	vrv_buf_u8(buf, '\n');
	vrv_options_help_ignored(buf, cmd->options, vrv_common_options);
}

/* Append a line for each command; `group`: only for those of the group. */
static void
list_commands(struct vrv_buf *buf, const char *group)
{
	vrv_text_add(buf, "\nCommands:\n");
	for (size_t i = 0; vrv_commands[i] != NULL; i++) {
		const struct vrv_command *cmd = vrv_commands[i];

		if (group == NULL || in_group(cmd->name, group) != NULL)
			vrv_text_add(buf, "  %-22s %s\n", cmd->name,
			    cmd->summary);
	}
}

void
vrv_help_group(struct vrv_buf *buf, const char *group)
{
	vrv_text_add(buf, "usage: varve %s COMMAND [options] ...\n", group);
	list_commands(buf, group);
	vrv_text_add(buf, "\n'varve help %s COMMAND' tells more.\n", group);
}

void
vrv_help_overview(struct vrv_buf *buf)
{
	vrv_text_add(buf,
	    "usage: varve [options] COMMAND [options] [REPO][::ARCHIVE] ...\n"
	    "\n"
	    "Deduplicating, encrypted, authenticated backups.\n");
	list_commands(buf, NULL);
	vrv_text_add(buf, "\nCommon options:\n");
	vrv_options_help(buf, vrv_common_options);
	vrv_text_add(buf,
	    "\n"
	    "'varve help COMMAND' tells more; so does 'varve help' of "
	    "patterns,\n"
	    "placeholders, compression, format or environment.\n");
}
