/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/cmd.h"

static const struct vrv_option options[] = {{0}};

static int
run(struct vrv_cli *cli, void *arg, const struct vrv_strings *words,
    struct varve_err *err)
{
	(void)cli, (void)arg;
	if (words->n == 0)
		return vrv_fail(err, VARVE_USAGE, "no MOUNTPOINT given");
	int rc = vrv_cli_no_more(words, 1, err);
	return rc == 0 ? varve_unmount(words->items[0], err) : rc;
}

const struct vrv_command vrv_cmd_umount = {
    .name = "umount",
    .usage = "MOUNTPOINT",
    .summary = "end a mount",
    .help = "Unmounts what 'varve mount' shows at MOUNTPOINT, also what is "
	    "left of a mount whose process was killed.",
    .options = options,
    .size = 0,
    .run = run,
};
