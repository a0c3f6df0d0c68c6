/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_CHANGE_H
#define CLI_CHANGE_H

/* One difference between archives in Borg's words. */

#include <varve/archive.h>

#include "cli/json.h"

/* A line with its newline. */
void vrv_change_text(struct vrv_buf *, const struct varve_difference *,
    bool iec);
/* {"changes": [...], "path": ...} */
void vrv_change_json(struct vrv_json *, const struct varve_difference *);

#endif
