/* SPDX-License-Identifier: BSD-2-Clause */
#include "chunk/rolling.h"

#include <assert.h>
#include <string.h>

#include "util/mem.h"
#include "util/rd.h"

#define REDUCTION 0x1b /* x^64 modulo the polynomial */

/* Both u64 of a digest at once, where the processor can. */
typedef uint64_t digest __attribute__((vector_size(16)));
_Static_assert(sizeof(digest) == VRV_PRF_BLOCK, "a digest is a block");

struct vrv_rolling {
	digest in[256];	 /* t[i] */
	digest out[256]; /* x^64 * t[i], to take out what leaves the window */
	digest blocks[VRV_ROLLING_BATCH];
	struct vrv_prf *prf;
};

static inline digest
times_x(digest h)
{
	const digest zero = {0, 0}, reduction = {REDUCTION, REDUCTION};

	return (h << 1) ^ ((zero - (h >> 63)) & reduction);
}

static inline digest
little_endian(digest h)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return (digest){__builtin_bswap64(h[0]), __builtin_bswap64(h[1])};
#else
	return h;
#endif
}

static void
make_tables(struct vrv_rolling *r, const struct vrv_key *key)
{
	uint8_t hash[64], message[] = "varve-prf";

	for (unsigned i = 0; i < 256; i++) {
		/* The index takes the place of the NUL. */
		message[sizeof(message) - 1] = (uint8_t)i;
		vrv_blake2b(hash, sizeof(hash), key, message, sizeof(message));
		r->in[i] = (digest){vrv_get_u64(hash), vrv_get_u64(hash + 8)};
		r->out[i] = r->in[i];
		for (int d = 0; d < VRV_ROLLING_WINDOW; d++)
			r->out[i] = times_x(r->out[i]);
	}
	vrv_wipe(hash, sizeof(hash));
}

int
vrv_rolling_new(const struct vrv_key *key, struct vrv_rolling **ret,
    struct varve_err *err)
{
	uint8_t hash[64];

	/* Whoever knows the tables can make windows with one digest. */
	struct vrv_rolling *r = vrv_secret_new(sizeof(*r));
	if (r == NULL)
		return VRV_NOMEM(err, "a chunker");
	make_tables(r, key);
	vrv_blake2b(hash, sizeof(hash), key, "varve-prf-aes", 13);
	int rc = vrv_prf_new(hash, &r->prf, err);
	vrv_wipe(hash, sizeof(hash));
	if (rc != 0)
		vrv_secret_free(r);
	else
		*ret = r;
	return rc;
}

void
vrv_rolling_free(struct vrv_rolling *r)
{
	if (r == NULL)
		return;
	vrv_prf_free(r->prf);
	vrv_secret_free(r);
}

const uint8_t *
vrv_rolling_hashes(struct vrv_rolling *r, const uint8_t *bytes, size_t n)
{
	/* Each digest needs the one before it: two halves roll side by side,
	 * so that the processor does not wait for either. */
	size_t half = (n + 1) / 2, rest = n - half;
	const uint8_t *left = bytes - (VRV_ROLLING_WINDOW - 1);
	digest h = {0, 0}, g = {0, 0};

	assert(n > 0 && n <= VRV_ROLLING_BATCH);
	for (size_t i = 0; i < VRV_ROLLING_WINDOW - 1; i++) {
		h = times_x(h) ^ r->in[left[i]];
		g = times_x(g) ^ r->in[left[half + i]];
	}
	/* The windows lack one byte, so nothing leaves them at first. */
	h = times_x(h) ^ r->in[bytes[0]];
	r->blocks[0] = little_endian(h);
	if (rest > 0) {
		g = times_x(g) ^ r->in[bytes[half]];
		r->blocks[half] = little_endian(g);
	}
	for (size_t i = 1; i < rest; i++) {
		h = times_x(h) ^ (r->in[bytes[i]] ^ r->out[left[i - 1]]);
		g = times_x(g) ^
		    (r->in[bytes[half + i]] ^ r->out[left[half + i - 1]]);
		r->blocks[i] = little_endian(h);
		r->blocks[half + i] = little_endian(g);
	}
	if (rest > 0 && half > rest) {
		h = times_x(h) ^ (r->in[bytes[rest]] ^ r->out[left[rest - 1]]);
		r->blocks[rest] = little_endian(h);
	}
	vrv_prf_blocks(r->prf, (uint8_t *)r->blocks, n);
	return (const uint8_t *)r->blocks;
}
