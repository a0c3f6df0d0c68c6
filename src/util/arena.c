/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Each block is twice as large as the one before: most arenas are of one small
 * directory, and a deep tree has one for each level. */
#define FIRST_BLOCK ((size_t)256)
#define BLOCK_SIZE ((size_t)16 << 10)
#define ALIGN _Alignof(max_align_t)

struct vrv_arena_block {
	struct vrv_arena_block *next;
	size_t used, size;
	_Alignas(ALIGN) uint8_t bytes[];
};

static struct vrv_arena_block *
new_block(struct vrv_arena *arena, size_t size)
{
	struct vrv_arena_block *b;

	if (size > SIZE_MAX - sizeof(*b))
		return NULL;
	b = malloc(sizeof(*b) + size);
	if (b == NULL)
		return NULL;
	b->used = 0;
	b->size = size;
	b->next = arena->blocks;
	arena->blocks = b;
	return b;
}

void *
vrv_arena_alloc(struct vrv_arena *arena, size_t n)
{
	if (n > SIZE_MAX - ALIGN)
		return NULL;
	n = (n + ALIGN - 1) / ALIGN * ALIGN;
#ifdef VRV_ARENA_DEBUG
	struct vrv_arena_block *b = new_block(arena, n);
#else
	struct vrv_arena_block *b = arena->blocks;
	if (b == NULL || b->size - b->used < n) {
		size_t size = b == NULL	     ? FIRST_BLOCK :
		    b->size < BLOCK_SIZE / 2 ? 2 * b->size :
					       BLOCK_SIZE;
		b = new_block(arena, n > size ? n : size);
	}
#endif
	if (b == NULL)
		return NULL;
	void *at = b->bytes + b->used;
	b->used += n;
	arena->used += n;
	return at;
}

void *
vrv_arena_dup(struct vrv_arena *arena, const void *bytes, size_t n)
{
	char *copy = n == SIZE_MAX ? NULL : vrv_arena_alloc(arena, n + 1);

	if (copy == NULL)
		return NULL;
	if (n > 0)
		memcpy(copy, bytes, n);
	copy[n] = '\0';
	return copy;
}

void
vrv_arena_fini(struct vrv_arena *arena)
{
	while (arena->blocks != NULL) {
		struct vrv_arena_block *next = arena->blocks->next;

		free(arena->blocks);
		arena->blocks = next;
	}
	arena->used = 0;
}
