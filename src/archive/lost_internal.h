/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_LOST_INTERNAL_H
#define ARCHIVE_LOST_INTERNAL_H

#include "archive/lost.h"

#define VRV_LOST_DAY ((int64_t)86400)

/* Save `now`, and with it what the file got since `before` was read from it;
 * that is added to `now`. */
int vrv_lost_replace(struct vrv_repo *, const struct vrv_lost *before,
    struct vrv_lost *now, struct varve_err *err) VRV_MUST;

#endif
