/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/hash.h"

#include <xxhash.h>

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
