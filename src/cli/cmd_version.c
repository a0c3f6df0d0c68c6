/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/cmd.h"
#include "cli/text.h"

static const struct vrv_option options[] = {{0}};

static int
run(struct vrv_cli *cli, void *arg, const struct vrv_strings *words,
    struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf text = {0};

	(void)arg;
	(void)words;
	vrv_text_add(&text, "varve %s\n", varve_version());
	return vrv_cli_out(cli, &text, err);
}

const struct vrv_command vrv_cmd_version = {
    .name = "version",
    .usage = "",
    .summary = "show the version",
    .options = options,
    .run = run,
};
