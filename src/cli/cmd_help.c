/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "cli/cmd.h"
#include "cli/topics.h"

struct help_options {
	bool words;
};

static const struct vrv_option options[] = {
    /* For the shell's completion: what may be typed next, one a line. */
    {0, "words", NULL, vrv_set_true, offsetof(struct help_options, words),
	NULL},
    {0},
};

static void
option_words(struct vrv_buf *text, const struct vrv_option *table)
{
	for (; table->name != NULL; table++) {
		if (table->help != NULL)
			vrv_buf_bytes(text, "--", 2),
			    vrv_buf_bytes(text, table->name,
				strlen(table->name)),
			    vrv_buf_u8(text, '\n');
	}
}

/* Names of commands, without `group`'s own word in front. */
static void
command_words(struct vrv_buf *text, const char *group)
{
	size_t n = strlen(group);

	for (size_t i = 0; vrv_commands[i] != NULL; i++) {
		const char *name = vrv_commands[i]->name;
		if (strncmp(name, group, n) != 0 || (n > 0 && name[n] != ' '))
			continue;
		name += n > 0 ? n + 1 : 0;
		vrv_buf_bytes(text, name, strcspn(name, " "));
		vrv_buf_u8(text, '\n');
	}
}

static int
words_for(struct vrv_buf *text, const char *const *args, struct varve_err *err)
{
	const struct vrv_command *cmd = NULL;
	size_t used;

	if (args[0] == NULL) {
		command_words(text, "");
	} else if (vrv_command_is_group(args[0]) && args[1] == NULL) {
		command_words(text, args[0]);
	} else {
		int rc = vrv_command_find(args, &cmd, &used, err);
		if (rc != 0)
			return rc;
		option_words(text, cmd->options);
	}
	option_words(text, vrv_common_options);
	return 0;
}

static int
help_for(struct vrv_buf *text, const char *const *args, struct varve_err *err)
{
	const struct vrv_command *cmd;
	const char *topic;
	size_t used;

	if (args[0] == NULL) {
		vrv_help_overview(text);
		return 0;
	}
	if ((topic = vrv_topic(args[0])) != NULL) {
		vrv_wrap(text, topic, 0);
		return 0;
	}
	if (vrv_command_is_group(args[0]) && args[1] == NULL) {
		vrv_help_group(text, args[0]);
		return 0;
	}
	int rc = vrv_command_find(args, &cmd, &used, err);
	if (rc != 0)
		return vrv_ctx(err, "see 'varve help' for what there is");
	vrv_help_command(text, cmd);
	return 0;
}

static int
run(struct vrv_cli *cli, void *arg, const struct vrv_strings *words,
    struct varve_err *err)
{
	const struct help_options *o = arg;
	vrv_auto_buf struct vrv_buf text = {0};
	struct vrv_strings args = *words;

	int rc = vrv_strings_add(&args, &cli->arena, NULL, err);
	if (rc == 0)
		rc = (o->words ? words_for : help_for)(&text, args.items, err);
	return rc != 0 ? rc : vrv_cli_out(cli, &text, err);
}

const struct vrv_command vrv_cmd_help = {
    .name = "help",
    .usage = "[COMMAND | TOPIC]",
    .summary = "explain a command or a topic",
    .options = options,
    .size = sizeof(struct help_options),
    .run = run,
};
