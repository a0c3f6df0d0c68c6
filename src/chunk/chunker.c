/* SPDX-License-Identifier: BSD-2-Clause */
#include "chunk/chunk.h"

#include <endian.h>
#include <string.h>

#include "chunk/rolling.h"
#include "util/mem.h"
#include "util/rd.h"

#define WINDOW VRV_ROLLING_WINDOW /* a 64-bit gear hash has the same */
#define NORMALIZATION 2 /* bits more before the switch, and less after it */

struct vrv_chunker {
	uint64_t gear[256];
	size_t min, normal, max;
	/* A hash below its limit starts with enough zero bits. */
	uint64_t strict, loose;
	struct vrv_rolling *rolling; /* or NULL: gear */
};

static void
make_gear(uint64_t gear[256], const struct vrv_key *key)
{
	uint8_t digest[64], message[] = "varve-gear";

	for (unsigned i = 0; i < 256; i++) {
		/* The index takes the place of the NUL. */
		message[sizeof(message) - 1] = (uint8_t)i;
		vrv_blake2b(digest, sizeof(digest), key, message,
		    sizeof(message));
		gear[i] = vrv_get_u64(digest);
	}
	vrv_wipe(digest, sizeof(digest));
}

int
vrv_chunker_new(const struct vrv_chunk_params *p, const struct vrv_key *key,
    struct vrv_chunker **ret, struct varve_err *err)
{
	if (p->method != VRV_CHUNK_GEAR && p->method != VRV_CHUNK_PRF)
		return vrv_fail(err, VARVE_USAGE, "unknown chunker %d",
		    (int)p->method);
	if (p->min < WINDOW || p->min > p->average || p->average > p->max ||
	    p->max > VRV_CHUNK_MAX || (p->average & (p->average - 1)) != 0)
		return vrv_fail(err, VARVE_USAGE,
		    "impossible chunk sizes %u, %u, %u: min, average and max "
		    "must grow from %u to %u, and the average be a power of "
		    "two",
		    p->min, p->average, p->max, (unsigned)WINDOW,
		    VRV_CHUNK_MAX);

	/* Whoever knows the table knows where cuts are. */
	struct vrv_chunker *c = vrv_secret_new(sizeof(*c));
	if (c == NULL)
		return VRV_NOMEM(err, "a chunker");
	int bits = __builtin_ctz(p->average);
	if (p->method == VRV_CHUNK_GEAR) {
		make_gear(c->gear, key);
	} else {
		int rc = vrv_rolling_new(key, &c->rolling, err);
		if (rc != 0) {
			vrv_secret_free(c);
			return rc;
		}
	}
	c->min = p->min;
	c->normal = p->average - p->average / 8;
	c->max = p->max;
	c->strict = UINT64_C(1) << (64 - bits - NORMALIZATION);
	c->loose = UINT64_C(1) << (64 - bits + NORMALIZATION);
	*ret = c;
	return 0;
}

void
vrv_chunker_free(struct vrv_chunker *c)
{
	if (c == NULL)
		return;
	vrv_rolling_free(c->rolling);
	vrv_secret_free(c);
}

/* Roll over the bytes from..to; the length of the chunk that ends behind the
 * first of them with a hash below `limit`, or 0. */
static size_t
scan(const uint64_t gear[256], const uint8_t *bytes, size_t from, size_t to,
    uint64_t limit, uint64_t *hash)
{
	uint64_t h = *hash;
	size_t i = from;

	/* Each hash needs the one before it. Taking two bytes in one step,
	 * their table entries summed up beforehand, halves that chain. */
	for (; i + 4 <= to; i += 4) {
		uint64_t g0 = gear[bytes[i]], g1 = gear[bytes[i + 1]];
		uint64_t g2 = gear[bytes[i + 2]], g3 = gear[bytes[i + 3]];
		uint64_t h1 = (h << 1) + g0;
		uint64_t h2 = (h << 2) + ((g0 << 1) + g1);
		uint64_t h3 = (h2 << 1) + g2;
		h = (h2 << 2) + ((g2 << 1) + g3);
		if (h1 < limit)
			return i + 1;
		if (h2 < limit)
			return i + 2;
		if (h3 < limit)
			return i + 3;
		if (h < limit)
			return i + 4;
	}
	for (; i < to; i++) {
		h = (h << 1) + gear[bytes[i]];
		if (h < limit)
			return i + 1;
	}
	*hash = h;
	return 0;
}

static size_t
cut_gear(const struct vrv_chunker *c, const uint8_t *bytes, size_t end)
{
	uint64_t hash = 0;

	/* The byte at `min` - 1 ends the shortest chunk; the window before it
	 * is full by then. */
	for (size_t i = c->min - WINDOW; i < c->min - 1; i++)
		hash = (hash << 1) + c->gear[bytes[i]];
	size_t from = c->min - 1;
	size_t normal = vrv_min(end, vrv_max(from, c->normal - 1));
	size_t cut = scan(c->gear, bytes, from, normal, c->strict, &hash);
	if (cut == 0)
		cut = scan(c->gear, bytes, normal, end, c->loose, &hash);
	return cut;
}

/* As vrv_get_u64(), which is a call: here that would cost as much as AES. */
static inline uint64_t
get_hash(const uint8_t *bytes)
{
	uint64_t hash;

	memcpy(&hash, bytes, sizeof(hash));
	return le64toh(hash);
}

/* As scan(), with the hashes that roll. */
static size_t
scan_rolling(struct vrv_rolling *rolling, const uint8_t *bytes, size_t from,
    size_t to, uint64_t limit)
{
	while (from < to) {
		size_t n = vrv_min(to - from, VRV_ROLLING_BATCH);
		const uint8_t *hashes =
		    vrv_rolling_hashes(rolling, bytes + from, n);

		for (size_t i = 0; i < n; i++)
			if (get_hash(hashes + i * VRV_PRF_BLOCK) < limit)
				return from + i + 1;
		from += n;
	}
	return 0;
}

static size_t
cut_prf(struct vrv_chunker *c, const uint8_t *bytes, size_t end)
{
	size_t from = c->min - 1;
	size_t normal = vrv_min(end, vrv_max(from, c->normal - 1));
	size_t cut = scan_rolling(c->rolling, bytes, from, normal, c->strict);

	return cut != 0 ?
	    cut :
	    scan_rolling(c->rolling, bytes, normal, end, c->loose);
}

size_t
vrv_chunker_cut(struct vrv_chunker *c, const uint8_t *bytes, size_t n,
    bool last)
{
	size_t end = vrv_min(n, c->max);

	if (end < c->min)
		return last ? n : 0;
	size_t cut = c->rolling == NULL ? cut_gear(c, bytes, end) :
					  cut_prf(c, bytes, end);
	if (cut != 0)
		return cut;
	return last || end == c->max ? end : 0;
}
