/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_CMD_H
#define CLI_CMD_H

/* The table of commands. */

#include <stdbool.h>
#include <stddef.h>

#include "cli/cli.h"
#include "cli/options.h"

struct vrv_command {
	const char *name;  /* one word, or two for those of a group */
	const char *usage; /* what follows the name */
	const char *summary;
	const char *help; /* NULL: the summary says it all */
	const struct vrv_option *options;
	size_t size; /* of the struct that `options` fill, zeroed */
	int (*run)(struct vrv_cli *, void *options,
	    const struct vrv_strings *words, struct varve_err *err);
};

/* All of them, in the order of `varve help`; ends with NULL. */
extern const struct vrv_command *const vrv_commands[];
extern const struct vrv_option vrv_common_options[];

extern const struct vrv_command vrv_cmd_init, vrv_cmd_create, vrv_cmd_list,
    vrv_cmd_info, vrv_cmd_extract, vrv_cmd_check, vrv_cmd_diff, vrv_cmd_find,
    vrv_cmd_history, vrv_cmd_du, vrv_cmd_catalog_rebuild,
    vrv_cmd_catalog_status, vrv_cmd_catalog_drop, vrv_cmd_rename,
    vrv_cmd_delete, vrv_cmd_mount, vrv_cmd_umount, vrv_cmd_key_add,
    vrv_cmd_key_list, vrv_cmd_key_remove, vrv_cmd_key_change_passphrase,
    vrv_cmd_key_export, vrv_cmd_key_import, vrv_cmd_verify, vrv_cmd_version,
    vrv_cmd_help;

/* The command that starts `args`; *ret_words tells how many words name it.
 * USAGE if there is none of that name. */
int vrv_command_find(const char *const *args, const struct vrv_command **ret,
    size_t *ret_words, struct varve_err *err) VRV_MUST;

/* Is it the first of the two words of some commands? */
bool vrv_command_is_group(const char *word);

/* Append the text of `varve CMD --help`, of `varve GROUP --help`, of `varve
 * help`. */
void vrv_help_command(struct vrv_buf *, const struct vrv_command *);
void vrv_help_group(struct vrv_buf *, const char *group);
void vrv_help_overview(struct vrv_buf *);

#endif
