/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_ARCHIVE_FETCH_H
#define ARCHIVE_ARCHIVE_FETCH_H

/* Internal: archive objects and tombstones from the store, verified, and
 * archives decoded. */

#include "archive/archive.h"
#include "archive/archives_cache.h"

/* A record fetched from the store; `opened` points into the other two. */
struct vrv_record {
	struct vrv_object object;
	struct vrv_buf plain;
	struct vrv_opened_record opened;
};
/* Zero-initialize. */
void vrv_record_fini(struct vrv_record *);
#define vrv_auto_record                                                        \
	__attribute__((cleanup(vrv_record_fini))) struct vrv_record

/* Fetch the record `name`, verify its signature, open what is sealed. */
int vrv_record_fetch(struct vrv_repo *, const struct vrv_name *,
    struct vrv_record *ret, struct varve_err *err) VRV_MUST;

/* Decode an archive. Its texts are copied to the arena. */
int vrv_archive_decode(struct vrv_repo *, const struct vrv_name *,
    const struct vrv_opened_record *, struct vrv_arena *,
    struct vrv_archive *ret, struct varve_err *err) VRV_MUST;

/* USAGE if it is unvouched: then nothing is done to it. */
int vrv_archive_is_vouched(const struct vrv_archive *, struct varve_err *err)
    VRV_MUST;

/* Read the archive again, from the store and not from the cache: what deletes
 * it or signs a copy of it must not act on a file of this client alone.
 * CORRUPT if the store holds another archive under this name. */
int vrv_archive_confirm(struct vrv_repo *, const struct vrv_archive *,
    struct vrv_arena *, struct vrv_archive *ret, struct varve_err *err)
    VRV_MUST;

#endif
