/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FORMAT_CONFIG_H
#define FORMAT_CONFIG_H

/* The records that open a repository: config generations and key slots. */

#include <stdbool.h>
#include <stdint.h>

#include "format/object.h"
#include "format/record.h"
#include "util/arena.h"

/* --- config --- */

/* Tags of the config's list, which is one as record.h describes. All even ones
 * but VRV_C_MEMBER must be there. */
enum vrv_config_tag {
	VRV_C_READ_FEATURES = 2,  /* u64 bits a reader must know */
	VRV_C_WRITE_FEATURES = 4, /* u64 bits a writer must know */
	VRV_C_PAIR = 6,		  /* u16 domain, u32 epoch, data and meta public
				     keys; repeated */
	VRV_C_ADMIN = 8,	  /* public key; repeated */
	VRV_C_MEMBER = 10,  /* public key, u8 rights, v len + sealed label,
			       tagged  list; repeated */
	VRV_C_CHUNKER = 12, /* v method, v min, v average, v max */
	VRV_C_POLICY = 13,  /* v grace, v minimum age of unreferenced packs, in
			       seconds */
	VRV_C_SLOT = 15	    /* b16 id of a key slot; repeated */
};
/* A public key is (u8 suite, u16 length, value). */
#define VRV_KEY_SUITE_25519 1 /* Ed25519 to sign, X25519 to seal: 32 bytes */
#define VRV_READ_FEATURES_KNOWN 0u
#define VRV_WRITE_FEATURES_KNOWN 0u
#define VRV_CHUNKER_GEAR 1
#define VRV_CHUNKER_PRF 2

enum vrv_right {
	VRV_RIGHT_WRITE = 1u << 0, /* packs, index, intents, archives */
	VRV_RIGHT_ADMIN = 1u << 1, /* the rest */
	/* What it signed counts only where a roll names it by its hash. */
	VRV_RIGHT_RETIRED = 1u << 2
};
#define VRV_CONFIG_HASH 32 /* BLAKE2b-256 of the body of a config object */

struct vrv_config_pair {
	uint16_t domain;
	uint32_t epoch;
	uint8_t data[32], meta[32];
};
struct vrv_member {
	uint8_t key[32];
	uint8_t rights; /* bits of enum vrv_right; unknown ones mean nothing */
	struct vrv_text label; /* sealed; may be empty */
	struct vrv_text more;  /* values of a later version, kept */
};
struct vrv_config {
	uint32_t generation;
	uint8_t previous[VRV_CONFIG_HASH]; /* zero in generation 0 */
	uint64_t read_features, write_features;
	struct vrv_config_pair *pairs;
	uint8_t (*admins)[32];
	struct vrv_member *members;
	/* Slots to try first, in this order: a hint, which nothing proves
	 * before one of them opens. */
	uint8_t (*slots)[VRV_OBJECT_ID];
	uint32_t n_pairs, n_admins, n_members, n_slots;
	uint32_t chunk_method, chunk_min, chunk_average, chunk_max;
	uint64_t grace, min_age; /* seconds; 0 when there is no policy */
	/* The body that it was decoded from, or nothing: what this version does
	 * not know there goes into the next generation as it is. */
	struct vrv_text body;
};
/* The body of the object: u32 generation, b32 previous, u32 length of the
 * list, the list. */
void vrv_config_put(struct vrv_buf *, const struct vrv_config *);
/* The cursor covers the body and nothing else. Arrays are in the arena, labels
 * and body point into the bytes. Skips keys of an unknown suite. FORMAT for an
 * unknown even tag, reader feature bit or chunker, and if no pair or admin key
 * is left; unknown writer features are for who writes to refuse.
 * CORRUPT for anything missing, out of order, malformed, and for chunk sizes
 * that are 0, beyond VRV_FRAME_PLAIN_MAX or not min <= average <= max. */
int vrv_config_get(struct vrv_rd *, struct vrv_arena *arena,
    struct vrv_config *ret, struct varve_err *err) VRV_MUST;

/* --- key slot --- */

enum vrv_kdf {
	VRV_KDF_FILE = 0,
	VRV_KDF_ARGON2ID = 1
};
#define VRV_ARGON_MEMORY_MIN ((uint64_t)64 << 20)
#define VRV_ARGON_MEMORY_MAX ((uint64_t)4 << 30)
#define VRV_ARGON_PASSES_MIN 2
#define VRV_ARGON_PASSES_MAX 64
#define VRV_SLOT_LABEL_MAX 255
/* Bytes of a key file, the keys of a slot without KDF. */
#define VRV_KEY_FILE_MIN 32
#define VRV_KEY_FILE_MAX ((size_t)1 << 20)

#define VRV_COMMITMENT_SIZE 32

struct vrv_slot {
	uint8_t kdf;
	uint32_t passes; /* 0 without KDF, as is memory */
	uint64_t memory; /* bytes */
	uint8_t salt[16];
	struct vrv_text label;
	uint8_t commitment[VRV_COMMITMENT_SIZE];
};
/* Append the clear part: the fields in their order. The commitment is its last
 * VRV_COMMITMENT_SIZE bytes and covers, with the header, all before it; the
 * sealed keyring follows. */
void vrv_slot_put_clear(struct vrv_buf *, const struct vrv_slot *);
/* Decode it; the cursor then stands at the sealed keyring, the label points
 * into the bytes. FORMAT for an unknown kdf; LIMIT for passes or memory
 * outside the bounds above, before anybody derives a key with them. */
int vrv_slot_get(struct vrv_rd *, struct vrv_slot *ret, struct varve_err *err)
    VRV_MUST;

/* --- keyring --- */

#define VRV_KEYRING_MASTER 0 /* "what" of the master itself */
#define VRV_KEYRING_HALF 64  /* added to "what": one half of a pair */
#define VRV_KEYRING_MAX 4096

/* The value is borrowed. */
struct vrv_ring_key {
	uint8_t what, suite;
	uint16_t domain;
	uint32_t epoch;
	uint16_t n;
	const uint8_t *value;
};
/* Makes room once for all of it, so that growing leaves no copies of keys in
 * freed memory if the buffer was empty. Wiping it is the caller's. */
void vrv_keyring_put(struct vrv_buf *, const struct vrv_ring_key *, uint32_t n);
/* Decode the head, v n (at most VRV_KEYRING_MAX), which n keys must fill to
 * the end; then each key, whose value points into the bytes. Keys of an unknown
 * `what` or suite are given like others. */
int vrv_keyring_open(const uint8_t *bytes, size_t n, struct vrv_rd *ret_rd,
    uint32_t *ret_n, struct varve_err *err) VRV_MUST;
int vrv_keyring_get(struct vrv_rd *, struct vrv_ring_key *ret,
    struct varve_err *err) VRV_MUST;

#endif
