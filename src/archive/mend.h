/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_MEND_H
#define ARCHIVE_MEND_H

/* Internal: the way out when a collector takes away what a run relied on. */

#include "archive/archive.h"

/* Walk the whole archive, which is not stored yet. A chunk whose last good
 * place is a condemned pack is copied from there to a new one. Repeated from
 * fresh listings until nothing is left to do; the condemned packs are then out
 * of the index. LOCKED if a chunk is gone for good; the store's error if it
 * refuses the pack that holds it. */
int vrv_mend(struct vrv_repo *, const struct vrv_archive *,
    struct vrv_condemned_set *, struct varve_err *err) VRV_MUST;

#endif
