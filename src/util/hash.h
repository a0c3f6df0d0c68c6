/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UTIL_HASH_H
#define UTIL_HASH_H

/*
 * XXH3-128 (github.com/Cyan4973/xxHash), seed 0, in its canonical (big-endian)
 * byte order: finds accidental damage at memory speed. It proves nothing
 * against intent; that is what signatures and sealing are for.
 */

#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

#define VRV_XXH_SIZE 16

void vrv_xxh(uint8_t out[VRV_XXH_SIZE], const void *bytes, size_t n);

/* The same over bytes that come in parts. NULL when memory ran out. */
struct vrv_xxh_state;
struct vrv_xxh_state *vrv_xxh_new(void) VRV_MUST;
void vrv_xxh_update(struct vrv_xxh_state *, const void *bytes, size_t n);
/* The sum so far; more may follow. */
void vrv_xxh_sum(const struct vrv_xxh_state *, uint8_t out[VRV_XXH_SIZE]);
void vrv_xxh_free(struct vrv_xxh_state *);

/* 64 bits for tables in memory; never stored. */
uint64_t vrv_hash64(const void *bytes, size_t n);

#endif
