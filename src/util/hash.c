/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/hash.h"

#include <sys/random.h>

#include <string.h>

#include <xxhash.h>

#include "util/buf.h"
#include "util/clock.h"
#include "util/rd.h"

void
vrv_xxh(uint8_t out[VRV_XXH_SIZE], const void *bytes, size_t n)
{
	XXH128_canonical_t c;

	XXH128_canonicalFromHash(&c, XXH3_128bits(bytes, n));
	for (int i = 0; i < VRV_XXH_SIZE; i++)
		out[i] = c.digest[i];
}

/* The state is the library's own; only its name is ours. */
struct vrv_xxh_state *
vrv_xxh_new(void)
{
	XXH3_state_t *state = XXH3_createState();

	if (state != NULL)
		(void)XXH3_128bits_reset(state);
	return (struct vrv_xxh_state *)state;
}

void
vrv_xxh_update(struct vrv_xxh_state *state, const void *bytes, size_t n)
{
	(void)XXH3_128bits_update((XXH3_state_t *)state, bytes, n);
}

void
vrv_xxh_sum(const struct vrv_xxh_state *state, uint8_t out[VRV_XXH_SIZE])
{
	XXH128_canonical_t c;

	XXH128_canonicalFromHash(&c,
	    XXH3_128bits_digest((const XXH3_state_t *)state));
	for (int i = 0; i < VRV_XXH_SIZE; i++)
		out[i] = c.digest[i];
}

void
vrv_xxh_free(struct vrv_xxh_state *state)
{
	(void)XXH3_freeState((XXH3_state_t *)state);
}

uint64_t
vrv_hash64(const void *bytes, size_t n)
{
	return XXH3_64bits(bytes, n);
}

/* --- SipHash --- */

struct sip {
	uint64_t v[4];
};

static uint64_t
rotate(uint64_t x, unsigned by)
{
	return x << by | x >> (64 - by);
}

static void
rounds(struct sip *s, unsigned n)
{
	uint64_t *v = s->v;

	for (; n > 0; n--) {
		v[0] += v[1];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[0] = rotate(v[0], 32);
		v[2] += v[3];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] += v[3];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] += v[1];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[2] = rotate(v[2], 32);
	}
}

static void
absorb(struct sip *s, uint64_t word)
{
	s->v[3] ^= word;
	rounds(s, 2);
	s->v[0] ^= word;
}

static uint64_t
squeeze(struct sip *s)
{
	rounds(s, 4);
	return s->v[0] ^ s->v[1] ^ s->v[2] ^ s->v[3];
}

/* `mark` tells the two lengths of results apart. */
static struct sip
take_in(const struct vrv_hash_key *key, const uint8_t *p, size_t n,
    uint64_t mark)
{
	uint64_t k0 = key->k[0], k1 = key->k[1];
	struct sip s = {{k0 ^ UINT64_C(0x736f6d6570736575),
	    k1 ^ UINT64_C(0x646f72616e646f6d) ^ mark,
	    k0 ^ UINT64_C(0x6c7967656e657261),
	    k1 ^ UINT64_C(0x7465646279746573)}};
	uint8_t last[8] = {0};
	size_t left = n;

	for (; left >= 8; p += 8, left -= 8)
		absorb(&s, vrv_get_u64(p));
	if (left > 0)
		memcpy(last, p, left);
	last[7] = (uint8_t)n;
	absorb(&s, vrv_get_u64(last));
	return s;
}

void
vrv_hash_key_init(struct vrv_hash_key *key)
{
	if (getrandom(key->k, sizeof(key->k), GRND_NONBLOCK) ==
	    (ssize_t)sizeof(key->k))
		return;
	/* A machine that has only begun to start: nobody attacks it yet. */
	key->k[0] = vrv_ticks();
	key->k[1] = (uintptr_t)key;
}

uint64_t
vrv_hash_keyed(const struct vrv_hash_key *key, const void *bytes, size_t n)
{
	struct sip s = take_in(key, bytes, n, 0);

	s.v[2] ^= 0xff;
	return squeeze(&s);
}

void
vrv_hash_keyed_long(const struct vrv_hash_key *key, const void *bytes, size_t n,
    uint8_t out[VRV_HASH_LONG])
{
	struct sip s = take_in(key, bytes, n, 0xee);

	s.v[2] ^= 0xee;
	vrv_put_u64(out, squeeze(&s));
	s.v[1] ^= 0xdd;
	vrv_put_u64(out + 8, squeeze(&s));
}
