/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_OWNERS_H
#define ARCHIVE_OWNERS_H

/* Owners of an archive as owners of this system. Confined to one thread. */

#include "archive/archive.h"
#include "archive/trees.h"

struct vrv_owners;
/* `source` NULL: numbers stay as they are. */
int vrv_owners_new(const struct vrv_meta_source *, const struct vrv_archive *,
    struct vrv_owners **ret, struct varve_err *err) VRV_MUST;
void vrv_owners_free(struct vrv_owners *); /* NULL is fine */
/* The local id for an id of the archive: that of its name if the name exists
 * here, else the same number. */
uint32_t vrv_owners_local(struct vrv_owners *, bool group, uint32_t id);

#endif
