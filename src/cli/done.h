/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_DONE_H
#define CLI_DONE_H

/* The line that ends, with -v, every command that writes something. */

#include "cli/cli.h"

/* Items are what `list` shows as lines; files are those of them that are
 * regular files. VRV_DONE_UNKNOWN: the command does not count these. */
#define VRV_DONE_UNKNOWN UINT64_MAX
struct vrv_done {
	uint64_t items, files, bytes, warnings;
};

/* Log "`fmt`: 17 items (10 files), 20 B, 0 warnings"; without `done`, what was
 * done has no counts. */
void vrv_cli_done(struct vrv_cli *, const struct vrv_done *done,
    const char *fmt, ...) VRV_PRINTF(3, 4);

#endif
