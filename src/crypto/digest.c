/* SPDX-License-Identifier: BSD-2-Clause */
#include "crypto/crypto.h"

#include <assert.h>
#include <stdlib.h>

#include <sodium.h>

#include "util/rd.h"

void
vrv_blake2b(uint8_t *out, size_t size, const struct vrv_key *key,
    const void *bytes, size_t n)
{
	assert(size >= 8 && size <= crypto_generichash_BYTES_MAX);
	int rc = crypto_generichash(out, size, bytes, n,
	    key == NULL ? NULL : key->b, key == NULL ? 0 : sizeof(key->b));
	assert(rc == 0);
}

void
vrv_blake2b_parts(uint8_t *out, size_t size, const struct vrv_key *key,
    const struct vrv_part *parts, size_t n_parts)
{
	crypto_generichash_state state;

	assert(size >= 8 && size <= crypto_generichash_BYTES_MAX);
	int rc = crypto_generichash_init(&state, key == NULL ? NULL : key->b,
	    key == NULL ? 0 : sizeof(key->b), size);
	assert(rc == 0);
	for (size_t i = 0; i < n_parts; i++)
		crypto_generichash_update(&state, parts[i].bytes, parts[i].n);
	crypto_generichash_final(&state, out, size);
	vrv_wipe(&state, sizeof(state));
}

struct vrv_digest {
	crypto_generichash_state state; /* must be aligned */
};

struct vrv_digest *
vrv_digest_new(void)
{
	struct vrv_digest *digest =
	    aligned_alloc(_Alignof(struct vrv_digest), sizeof(*digest));

	if (digest == NULL)
		return NULL;
	int rc = crypto_generichash_init(&digest->state, NULL, 0, 32);
	assert(rc == 0);
	return digest;
}

void
vrv_digest_add(struct vrv_digest *digest, const void *bytes, size_t n)
{
	crypto_generichash_update(&digest->state, bytes, n);
}

void
vrv_digest_end(struct vrv_digest *digest, uint8_t ret[32])
{
	crypto_generichash_final(&digest->state, ret, 32);
}

void
vrv_digest_free(struct vrv_digest *digest)
{
	free(digest);
}

uint64_t
vrv_siphash(const struct vrv_key *key, const void *bytes, size_t n)
{
	uint8_t out[crypto_shorthash_siphash24_BYTES];

	crypto_shorthash_siphash24(out, bytes, n, key->b);
	return vrv_get_u64(out);
}
