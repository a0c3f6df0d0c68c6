/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/map.h"

#include <stdlib.h>
#include <string.h>

#include "util/hash.h"
#include "util/mem.h"

#define FIRST_SLOTS 64

/* A slot is one byte that says whether it is taken, the key, the value. The
 * value stands first in memory, so that its alignment is that of the slot. */
struct vrv_map {
	size_t key_size, value_size, slot_size;
	size_t slots, count;
	uint8_t *table; /* slots x (value, key) */
	uint8_t *taken;
	struct vrv_hash_key key;
};

static size_t
round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

static int
set_slots(struct vrv_map *map, size_t slots)
{
	uint8_t *table = vrv_alloc_array(slots, map->slot_size);
	uint8_t *taken = vrv_alloc_array(slots, 1);

	if (table == NULL || taken == NULL) {
		free(table);
		free(taken);
		return -1;
	}
	map->table = table;
	map->taken = taken;
	map->slots = slots;
	return 0;
}

struct vrv_map *
vrv_map_new(size_t key_size, size_t value_size)
{
	struct vrv_map *map = calloc(1, sizeof(*map));

	if (map == NULL)
		return NULL;
	map->key_size = key_size;
	map->value_size = value_size;
	map->slot_size = round_up(value_size + key_size,
	    value_size == 0 ? 1 : sizeof(uint64_t));
	vrv_hash_key_init(&map->key);
	if (set_slots(map, FIRST_SLOTS) != 0) {
		free(map);
		return NULL;
	}
	return map;
}

void
vrv_map_free(struct vrv_map *map)
{
	if (map == NULL)
		return;
	free(map->table);
	free(map->taken);
	free(map);
}

void
vrv_map_cleanup(struct vrv_map **map)
{
	vrv_map_free(*map);
}

static uint8_t *
slot_value(const struct vrv_map *map, size_t i)
{
	return map->table + i * map->slot_size;
}

static uint8_t *
slot_key(const struct vrv_map *map, size_t i)
{
	return slot_value(map, i) + map->value_size;
}

/* Where `key` would stand if nothing else did. */
static size_t
home_of(const struct vrv_map *map, const void *key)
{
	return vrv_hash_keyed(&map->key, key, map->key_size) & (map->slots - 1);
}

/* The slot that holds `key`, or the free one where it would go. */
static size_t
find(const struct vrv_map *map, const void *key)
{
	size_t i = home_of(map, key);

	while (
	    map->taken[i] && memcmp(slot_key(map, i), key, map->key_size) != 0)
		i = (i + 1) & (map->slots - 1);
	return i;
}

void *
vrv_map_get(const struct vrv_map *map, const void *key)
{
	size_t i = find(map, key);

	return map->taken[i] ? slot_value(map, i) : NULL;
}

static int
grow(struct vrv_map *map)
{
	struct vrv_map old = *map;

	if (set_slots(map, old.slots * 2) != 0)
		return -1;
	for (size_t i = 0; i < old.slots; i++) {
		if (!old.taken[i])
			continue;
		size_t to = find(map, slot_key(&old, i));
		memcpy(slot_value(map, to), slot_value(&old, i),
		    map->slot_size);
		map->taken[to] = 1;
	}
	free(old.table);
	free(old.taken);
	return 0;
}

void *
vrv_map_put(struct vrv_map *map, const void *key, bool *ret_new)
{
	size_t i = find(map, key);
	bool is_new = !map->taken[i];

	if (is_new) {
		/* At most three quarters full. */
		if (map->count + 1 > map->slots / 4 * 3) {
			if (grow(map) != 0)
				return NULL;
			i = find(map, key);
		}
		memcpy(slot_key(map, i), key, map->key_size);
		memset(slot_value(map, i), 0, map->value_size);
		map->taken[i] = 1;
		map->count++;
	}
	if (ret_new != NULL)
		*ret_new = is_new;
	return slot_value(map, i);
}

bool
vrv_map_remove(struct vrv_map *map, const void *key)
{
	size_t mask = map->slots - 1;
	size_t hole = find(map, key);

	if (!map->taken[hole])
		return false;
	map->count--;
	/* Move back what probed past the hole, so that no search stops short.
	 */
	for (size_t i = (hole + 1) & mask; map->taken[i]; i = (i + 1) & mask) {
		size_t home = home_of(map, slot_key(map, i));

		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		memcpy(slot_value(map, hole), slot_value(map, i),
		    map->slot_size);
		hole = i;
	}
	map->taken[hole] = 0;
	return true;
}

size_t
vrv_map_count(const struct vrv_map *map)
{
	return map->count;
}

size_t
vrv_map_bytes(const struct vrv_map *map)
{
	return map->slots * (map->slot_size + 1);
}

void
vrv_map_clear(struct vrv_map *map)
{
	memset(map->taken, 0, map->slots);
	map->count = 0;
}

bool
vrv_map_next(const struct vrv_map *map, size_t *at, const void **ret_key,
    void **ret_value)
{
	for (; *at < map->slots; ++*at) {
		if (!map->taken[*at])
			continue;
		*ret_key = slot_key(map, *at);
		*ret_value = slot_value(map, *at);
		++*at;
		return true;
	}
	return false;
}
