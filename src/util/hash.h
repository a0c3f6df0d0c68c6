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

/* 64 bits that are the same in each process; never stored, and no place in a
 * table: that is for whoever chose the bytes to know. */
uint64_t vrv_hash64(const void *bytes, size_t n);

/*
 * SipHash-2-4 (github.com/veorq/SipHash) for what stands in memory: names and
 * ids come from archives and file systems, and nobody there may choose them so
 * that they meet in one place of a table, or stand for each other.
 */
struct vrv_hash_key {
	uint64_t k[2];
};
/* A random one. */
void vrv_hash_key_init(struct vrv_hash_key *);
uint64_t vrv_hash_keyed(const struct vrv_hash_key *, const void *bytes,
    size_t n);
/* Long enough to stand for the bytes. */
#define VRV_HASH_LONG 16
void vrv_hash_keyed_long(const struct vrv_hash_key *, const void *bytes,
    size_t n, uint8_t out[VRV_HASH_LONG]);

#endif
