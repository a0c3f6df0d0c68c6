/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_LISTS_H
#define ARCHIVE_LISTS_H

/* What an archive says beside its tree: names of owners, paths left out. */

#include "archive/archive.h"
#include "archive/trees.h"

/* One name; not NUL-terminated. Returns 0 to go on. */
typedef int vrv_name_fn(void *arg, bool group, uint32_t id, const uint8_t *name,
    size_t n, struct varve_err *err);
/* Every name of the archive's table; `seen` (may be NULL) is told the table's
 * own chunks. LIMIT for more than VRV_OWNERS_MAX; CORRUPT, here and below, for
 * a list that names a chunk twice: no writer makes one. */
int vrv_archive_owners(const struct vrv_meta_source *,
    const struct vrv_archive *, vrv_name_fn *fn, void *arg,
    vrv_meta_seen_fn *seen, void *seen_arg, struct varve_err *err) VRV_MUST;

typedef int vrv_skipped_fn(void *arg, enum vrv_skip reason, const uint8_t *path,
    size_t n, struct varve_err *err);
int vrv_archive_skipped(const struct vrv_meta_source *,
    const struct vrv_archive *, vrv_skipped_fn *fn, void *arg,
    struct varve_err *err) VRV_MUST;

/* The names as a table. Confined to one thread. */
struct vrv_names;
int vrv_names_new(const struct vrv_meta_source *, const struct vrv_archive *,
    struct vrv_names **ret, struct varve_err *err) VRV_MUST;
/* NUL-terminated, as long as the table lives; NULL if there is none. */
const char *vrv_names_get(const struct vrv_names *, bool group, uint32_t id);
void vrv_names_free(struct vrv_names *);

#endif
