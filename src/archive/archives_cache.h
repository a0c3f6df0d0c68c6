/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_ARCHIVES_CACHE_H
#define ARCHIVE_ARCHIVES_CACHE_H

/*
 * Internal: opened records of the repository, kept in one file on this client
 * so that they need not be fetched, verified and opened again. Whatever is
 * odd about the file costs a fetch and nothing else. Confined to one thread.
 */

#include "format/object.h"
#include "repo/repo.h"

struct vrv_archive_cache;

/* A record taken apart: its clear body, what was sealed in it, and what tells
 * whether it counts once its signer is retired. */
struct vrv_opened_record {
	const uint8_t *clear, *plain;
	size_t clear_n, plain_n;
	uint8_t signer[VRV_SIGN_PUBLIC];
	uint8_t hash[32]; /* BLAKE2b-256 of the object */
};

/* Read the file in `folder` (NULL: there is none). Fails only when memory ran
 * out. */
int vrv_archive_cache_open(const char *folder,
    const uint8_t cache_id[VRV_CACHE_ID], struct vrv_archive_cache **ret,
    struct varve_err *err) VRV_MUST;
void vrv_archive_cache_free(struct vrv_archive_cache *);

/* The record of that name, valid until the next _add; false if it is not
 * here. */
bool vrv_archive_cache_get(struct vrv_archive_cache *, const struct vrv_name *,
    struct vrv_opened_record *ret);
int vrv_archive_cache_add(struct vrv_archive_cache *, const struct vrv_name *,
    const struct vrv_opened_record *, struct varve_err *err) VRV_MUST;

/* Write the file anew if anything was added, or was there that nobody asked
 * for since. */
void vrv_archive_cache_save(struct vrv_archive_cache *);

#endif
