/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CHUNK_ROLLING_H
#define CHUNK_ROLLING_H

/*
 * The hash of VRV_CHUNK_PRF: a universal hash that rolls, then AES-128 of it at
 * every position.
 *
 * The digest is two u64, each a polynomial over GF(2) modulo
 * x^64 + x^4 + x^3 + x + 1: the sum of x^d * t[b] over the 64 bytes b before
 * the position, the last of them at d = 0 (Krawczyk, "LFSR-based Hashing and
 * Authentication", CRYPTO '94). t[i], for each byte i, is the first 16 bytes,
 * two little-endian u64, of BLAKE2b-512(key chunker, "varve-prf", u8 i). Two
 * windows that differ have one digest for 2^-128 of all tables: of some byte
 * the factors of its entry differ by a polynomial below x^64, which has an
 * inverse. This holds for a window of at most 64 bytes only.
 *
 * The key of AES is the first 16 bytes of BLAKE2b-512(key chunker,
 * "varve-prf-aes"), the block is the digest, both u64 little-endian, and the
 * hash is the first u64 of what comes out. No test precedes it: a filter that
 * an outsider can compute, or that is linear in a key, would show in the sizes.
 */

#include <stddef.h>
#include <stdint.h>

#include "crypto/crypto.h"
#include "util/err.h"

#define VRV_ROLLING_WINDOW 64
#define VRV_ROLLING_BATCH 1024

struct vrv_rolling; /* of one thread */

int vrv_rolling_new(const struct vrv_key *key, struct vrv_rolling **ret,
    struct varve_err *err) VRV_MUST;
void vrv_rolling_free(struct vrv_rolling *);

/* The hashes of the `n` <= VRV_ROLLING_BATCH positions behind each byte from
 * `bytes` on: a little-endian u64 at the start of every 16 bytes. Reads the
 * VRV_ROLLING_WINDOW - 1 bytes before `bytes` too. Valid until the next call.
 */
const uint8_t *vrv_rolling_hashes(struct vrv_rolling *, const uint8_t *bytes,
    size_t n);

#endif
