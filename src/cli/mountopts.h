/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_MOUNTOPTS_H
#define CLI_MOUNTOPTS_H

/* The argument of `mount -o`: a list with commas. */

#include <varve/mount.h>

#include "cli/strings.h"
#include "util/err.h"

/* Set what the lists say in *ret. What mount(8) passes on from fstab is
 * accepted and, where it means nothing here, ignored; USAGE for what is not
 * known. Texts lie in the arena. */
int vrv_mountopts_parse(const struct vrv_strings *lists, struct vrv_arena *,
    struct varve_mount_options *ret, struct varve_err *err) VRV_MUST;

#endif
