/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CREATE_TREECACHE_H
#define CREATE_TREECACHE_H

/*
 * The plaintext of a series' tree chunks, kept beside the client so that the
 * next run reads its parent's trees at memory speed and never opens the chunk
 * index. Everything in it can be lost: what is not there comes from the
 * repository, and what comes out is checked against the id that was asked for.
 *
 * The file is a sequence of segments, one per run that stored new trees, each
 * ending in a table sorted by id. A run that finds more than half of it unused
 * writes it anew.
 *
 * Memory: at most 16 MiB of tables, 44 bytes for each chunk that this run adds,
 * and 16 bytes and the overhead of a map for each that it uses, until these
 * have more bytes than a cache keeps: then nothing of the run is kept.
 *
 * The write side belongs to one thread; _get may come from any. It sees what
 * was there when the cache was opened.
 */

#include <stdbool.h>
#include <stdint.h>

#include "repo/repo.h"

struct vrv_treecache;

/* Open the cache of a series. Never fails for want of a cache: NULL in *ret is
 * a cache that holds and keeps nothing, which all functions accept. */
void vrv_treecache_open(struct vrv_repo *, const uint8_t tag[VRV_TAG_SIZE],
    struct vrv_treecache **ret);
/* Without vrv_treecache_keep() nothing of this run is kept. */
void vrv_treecache_close(struct vrv_treecache *);

/* Put the chunk into `ret` in place of what that holds; false if it is not
 * there. The caller compares the id. */
bool vrv_treecache_get(struct vrv_treecache *, const uint8_t id[VRV_ID_SIZE],
    struct vrv_buf *ret);

/* A chunk that this run's archive refers to. */
void vrv_treecache_put(struct vrv_treecache *, const uint8_t id[VRV_ID_SIZE],
    const uint8_t *bytes, size_t n);

/* The archive is committed: keep its trees for the next run. */
void vrv_treecache_keep(struct vrv_treecache *);

#endif
