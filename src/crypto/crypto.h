/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CRYPTO_CRYPTO_H
#define CRYPTO_CRYPTO_H

/*
 * All cryptography of varve, on libsodium (doc.libsodium.org) and, for AES,
 * libcrypto. Constructions and context strings are part of the format:
 * varve-repository(5).
 *
 * Functions are safe from any thread on different objects. Secrets live only
 * in memory from vrv_secret_new() or in cleanup variables that wipe themselves.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/err.h"

#define VRV_KEY_SIZE 32	  /* every symmetric key, secret and public key */
#define VRV_ID_SIZE 32	  /* a chunk id */
#define VRV_NONCE_SIZE 24 /* XChaCha20-Poly1305 */
#define VRV_MAC_SIZE 16
#define VRV_SEAL_COST (VRV_NONCE_SIZE + VRV_MAC_SIZE)
#define VRV_SIGN_PUBLIC 32
#define VRV_SIGN_SECRET 64
#define VRV_SIGNATURE 64
/* Of the signature part of an object that is written: one record, its total. */
#define VRV_SIGN_COST (1 + 2 + VRV_SIGN_PUBLIC + VRV_SIGNATURE + 4)
#define VRV_SIGNATURES_MAX 65536 /* bytes of the records of one object */

/* What a key or signature is made for; the numbers are stored. */
enum vrv_suite {
	VRV_SUITE_SYMMETRIC = 0, /* 32 bytes */
	VRV_SUITE_25519 = 1	 /* Ed25519 and X25519 */
};

/* Once per process before anything else here; safe to repeat. */
int vrv_crypto_init(struct varve_err *err) VRV_MUST;

/* Locked, guarded memory for `n` zeroed bytes, aligned for any type and wiped
 * when freed. NULL when memory ran out. Costs several pages: one object for a
 * whole set of keys. */
void *vrv_secret_new(size_t n) VRV_MUST;
void vrv_secret_free(void *);
#define vrv_auto_secret __attribute__((cleanup(vrv_cleanup_secret)))
void vrv_cleanup_secret(void *pp);

/* 32 bytes on the stack that are wiped when they go out of scope. */
struct vrv_key {
	uint8_t b[VRV_KEY_SIZE];
};
#define vrv_auto_key __attribute__((cleanup(vrv_key_wipe))) struct vrv_key
void vrv_key_wipe(struct vrv_key *);
void vrv_wipe(void *, size_t n);

void vrv_random(void *to, size_t n);
/* Equal, in time that depends on `n` only. */
bool vrv_same(const void *a, const void *b, size_t n);

/* --- hashes --- */

/* BLAKE2b of `n` bytes to `size` bytes (8 to 64), keyed if key != NULL. */
void vrv_blake2b(uint8_t *out, size_t size, const struct vrv_key *key,
    const void *bytes, size_t n);
/* The same over several parts, one behind the other. */
struct vrv_part {
	const void *bytes;
	size_t n;
};
void vrv_blake2b_parts(uint8_t *out, size_t size, const struct vrv_key *key,
    const struct vrv_part *parts, size_t n_parts);

/* BLAKE2b-256 of bytes that come one by one. */
struct vrv_digest;
struct vrv_digest *vrv_digest_new(void); /* NULL: no memory */
void vrv_digest_add(struct vrv_digest *, const void *bytes, size_t n);
/* The digest is then only to be freed. */
void vrv_digest_end(struct vrv_digest *, uint8_t ret[32]);
void vrv_digest_free(struct vrv_digest *);

/* SipHash-2-4 keyed with the first 16 bytes of `key`: places cuts in trees. */
uint64_t vrv_siphash(const struct vrv_key *key, const void *bytes, size_t n);

/*
 * A pseudorandom function of blocks: AES-128 (FIPS 197), by libcrypto, which
 * takes the processor's instructions where there are some. One thread at a
 * time.
 */
#define VRV_PRF_KEY 16
#define VRV_PRF_BLOCK 16
struct vrv_prf;
int vrv_prf_new(const uint8_t key[VRV_PRF_KEY], struct vrv_prf **ret,
    struct varve_err *err) VRV_MUST;
void vrv_prf_free(struct vrv_prf *);
/* Replace each of the `n` blocks at `blocks` by its image. */
void vrv_prf_blocks(struct vrv_prf *, uint8_t *blocks, size_t n);

/* --- deriving keys --- */

/* What a derived key is for; the numbers are stored. */
enum vrv_what {
	VRV_K_ID_DATA = 1,
	VRV_K_ID_META = 2,
	VRV_K_CHUNKER = 3,
	VRV_K_INDEX = 4,
	VRV_K_PSK = 5,
	VRV_K_TAG = 6,
	VRV_K_DATA_PAIR = 7, /* seed of an X25519 pair */
	VRV_K_META_PAIR = 8,
	VRV_K_ADMIN_SIGN = 9, /* seed of an Ed25519 pair */
	VRV_K_WRITER_SIGN = 10
};

/* crypto_kdf_derive_from_key(master, "varve-k1", what + domain<<16 +
 * epoch<<32). */
void vrv_derive(struct vrv_key *out, const struct vrv_key *master,
    enum vrv_what what, uint16_t domain, uint32_t epoch);

/* Argon2id 1.3 with one lane to 64 bytes; `memory` in bytes, whole KiB. LIMIT
 * outside of what libsodium computes (passes 1 to 2^32 - 1, 8 KiB to just below
 * 4 TiB); NOMEM if `memory` bytes are not to be had. */
int vrv_argon2id(uint8_t out[64], const void *passphrase, size_t n,
    const uint8_t salt[16], uint32_t passes, uint64_t memory,
    struct varve_err *err) VRV_MUST;

/* --- sealing --- */

/* XChaCha20-Poly1305-IETF. Writes `n` + VRV_MAC_SIZE bytes to `out`, which may
 * be `plain` itself. The nonce is not stored by this function. */
void vrv_aead_seal(uint8_t *out, const void *plain, size_t n, const void *aad,
    size_t aad_n, const uint8_t nonce[VRV_NONCE_SIZE],
    const struct vrv_key *key);

/* Opens `n` bytes (tag included) to n - VRV_MAC_SIZE bytes at `out`, which may
 * be `sealed` itself. AUTH if it is not what was sealed; `out` is then zeros
 * or untouched. */
int vrv_aead_open(uint8_t *out, const void *sealed, size_t n, const void *aad,
    size_t aad_n, const uint8_t nonce[VRV_NONCE_SIZE],
    const struct vrv_key *key, struct varve_err *err) VRV_MUST;

/* The length to which `n` (at most 2^63) is padded, at most 12 % more: PADME of
 * Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and
 * Communication with PURBs", 2019. */
uint64_t vrv_padme(uint64_t n);

/*
 * The sealed block of an object: u32 length of what follows it, nonce,
 * sealed(u32 true length, plaintext, zeros up to PADME of all that). Its AAD is
 * the first `header_n` bytes of the object, u8 `number`, and all bytes of the
 * object between header and block. Readers check that the padding is zeros and
 * leave its length to the writer.
 */
/* Append a block to the object that `object` holds so far; `plain` lies
 * elsewhere. LIMIT if its lengths do not fit their fields. */
int vrv_block_seal(struct vrv_buf *object, size_t header_n, uint8_t number,
    const struct vrv_key *key, const void *plain, size_t n,
    struct varve_err *err) VRV_MUST;
/* Open the block that starts at `at` in an object of `object_n` bytes. The
 * plaintext replaces the content of `ret` (in memory of its own that the caller
 * wipes if it must); *ret_end is the offset behind the block. CORRUPT if it
 * does not fit in or is not laid out as above, AUTH if it does not open. */
int vrv_block_open(const uint8_t *object, size_t object_n, size_t header_n,
    size_t at, uint8_t number, const struct vrv_key *key, struct vrv_buf *ret,
    size_t *ret_end, struct varve_err *err) VRV_MUST;

/* --- to a public key, so that a writer cannot read what it wrote --- */

/* What a KEM key seals; the numbers go into its derivation. */
enum vrv_kem_kind {
	VRV_KEM_DATA = 1,
	VRV_KEM_META = 2,
	VRV_KEM_ARCHIVE = 3,
	VRV_KEM_INTENT = 4,
	VRV_KEM_ROLL = 5
};

struct vrv_pair {
	struct vrv_key secret, public;
};
/* X25519 pair of a seed: the secret is the seed. */
void vrv_pair_from_seed(struct vrv_pair *out, const struct vrv_key *seed);

/* What both sides of the KEM mix into the key. */
struct vrv_kem {
	const uint8_t *repository; /* 32 bytes */
	const struct vrv_key *psk;
	const struct vrv_key *recipient; /* public half */
	uint16_t domain;
	uint32_t epoch;
	enum vrv_kem_kind kind;
};
/* s = X25519(esk, recipient), AUTH if all zero (a key of low order); out =
 * BLAKE2b-256(key psk, "varve-kem-v1", repository, u16 domain, u32 epoch, u8
 * kind, epk, recipient, s). The writer gives the ephemeral pair ... */
int vrv_kem_send(struct vrv_key *out, const struct vrv_kem *,
    const struct vrv_pair *ephemeral, struct varve_err *err) VRV_MUST;
/* ... the reader the recipient's secret and the ephemeral public key. */
int vrv_kem_receive(struct vrv_key *out, const struct vrv_kem *,
    const struct vrv_key *recipient_secret, const uint8_t epk[VRV_KEY_SIZE],
    struct varve_err *err) VRV_MUST;

/* --- signatures --- */

struct vrv_signer {
	uint8_t public[VRV_SIGN_PUBLIC];
	uint8_t secret[VRV_SIGN_SECRET];
};
void vrv_signer_from_seed(struct vrv_signer *out, const struct vrv_key *seed);

/* Append the signature part of an object: records {u8 suite, u16 length,
 * value}, here one, then u32 their bytes. The value of suite 1 is the signer's
 * public key and Ed25519 over "varve-sig-v1" and BLAKE2b-256 of every byte of
 * `object` and of the record up to the signature. */
int vrv_sign(struct vrv_buf *object, const struct vrv_signer *,
    struct varve_err *err) VRV_MUST;
/* Check the signature part that ends at object + n and give the number of
 * bytes before it. Records of other suites are passed over. CORRUPT if they do
 * not fill it, LIMIT if it is larger than one may be, FORMAT if none is of
 * suite 1, AUTH if that one is wrong. The caller decides whether `ret_signer`
 * may sign such an object. */
int vrv_verify(const uint8_t *object, size_t n,
    uint8_t ret_signer[VRV_SIGN_PUBLIC], size_t *ret_body_end,
    struct varve_err *err) VRV_MUST;

#endif
