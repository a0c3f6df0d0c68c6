/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_HINTS_H
#define CLI_HINTS_H

/* What to do next about an error, behind its message. */

#include <stdbool.h>

#include "util/err.h"

/* Append the hint for `err`, if there is one. `repo` is the path of the
 * repository that the command was about, or NULL. */
void vrv_hints_add(struct varve_err *err, const char *repo);

/* Is a disk likely missing at `path`? True if the nearest directory of it that
 * exists, or one above, is a mount point of the table `fstab` that is not
 * mounted, or if that directory is empty and lies where disks are mounted by
 * convention: /mnt, /media, /run/media. */
bool vrv_hints_unmounted(const char *path, const char *fstab);

#endif
