/* SPDX-License-Identifier: BSD-2-Clause */
#include "index/index_internal.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

#define SETS 128
#define WAYS 8 /* blocks of a set; the one used longest ago is replaced */

/* Threads that want blocks of different sets do not meet. */
struct set {
	pthread_mutex_t lock;
	uint64_t clock;
	struct {
		uint64_t block, used; /* used 0: empty */
		uint32_t serial;
	} way[WAYS];
};

struct vrv_blocks {
	struct set sets[SETS];
	uint8_t *bytes; /* of SETS x WAYS blocks */
};

struct vrv_blocks *
vrv_blocks_new(void)
{
	struct vrv_blocks *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	/* Zeroed pages cost nothing until they are used. */
	b->bytes = vrv_alloc_array((size_t)SETS * WAYS, VRV_RUN_BLOCK);
	if (b->bytes == NULL) {
		free(b);
		return NULL;
	}
	for (size_t i = 0; i < SETS; i++)
		(void)pthread_mutex_init(&b->sets[i].lock, NULL);
	return b;
}

void
vrv_blocks_free(struct vrv_blocks *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < SETS; i++)
		(void)pthread_mutex_destroy(&b->sets[i].lock);
	free(b->bytes);
	free(b);
}

static size_t
set_of(uint32_t serial, uint64_t block)
{
	uint64_t h = (block + ((uint64_t)serial << 40)) * 0x9e3779b97f4a7c15u;

	return (size_t)(h >> 32) % SETS;
}

static uint8_t *
bytes_of(const struct vrv_blocks *b, size_t set, size_t way)
{
	return b->bytes + (set * WAYS + way) * VRV_RUN_BLOCK;
}

bool
vrv_blocks_get(struct vrv_blocks *b, uint32_t serial, uint64_t block,
    uint8_t ret[VRV_RUN_BLOCK])
{
	size_t at = set_of(serial, block);
	struct set *set = &b->sets[at];
	bool found = false;

	(void)pthread_mutex_lock(&set->lock);
	for (size_t i = 0; i < WAYS && !found; i++) {
		found = set->way[i].used != 0 && set->way[i].block == block &&
		    set->way[i].serial == serial;
		if (!found)
			continue;
		set->way[i].used = ++set->clock;
		memcpy(ret, bytes_of(b, at, i), VRV_RUN_BLOCK);
	}
	(void)pthread_mutex_unlock(&set->lock);
	return found;
}

void
vrv_blocks_put(struct vrv_blocks *b, uint32_t serial, uint64_t block,
    const uint8_t bytes[VRV_RUN_BLOCK])
{
	size_t at = set_of(serial, block), oldest = 0;
	struct set *set = &b->sets[at];

	(void)pthread_mutex_lock(&set->lock);
	for (size_t i = 1; i < WAYS; i++) {
		if (set->way[i].used < set->way[oldest].used)
			oldest = i;
	}
	/* Two threads may have missed the same block: held twice, it does no
	 * harm. */
	set->way[oldest].used = ++set->clock;
	set->way[oldest].block = block;
	set->way[oldest].serial = serial;
	memcpy(bytes_of(b, at, oldest), bytes, VRV_RUN_BLOCK);
	(void)pthread_mutex_unlock(&set->lock);
}
