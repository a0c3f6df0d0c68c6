/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UTIL_MAP_H
#define UTIL_MAP_H

/*
 * A hash map with keys and values of fixed sizes, kept inside its table. Open
 * addressing with linear probing; each map hashes with a random key of its own.
 * Confined to one thread at a time. Keys and values are copied; a value's
 * address holds until the next insertion or removal.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

struct vrv_map;

/* NULL when memory ran out. `value_size` may be 0: a set. */
struct vrv_map *vrv_map_new(size_t key_size, size_t value_size) VRV_MUST;
void vrv_map_free(struct vrv_map *);
#define vrv_auto_map __attribute__((cleanup(vrv_map_cleanup))) struct vrv_map *
void vrv_map_cleanup(struct vrv_map **);

/* The value of `key`, or NULL if it is not there. For a set, any non-NULL. */
void *vrv_map_get(const struct vrv_map *, const void *key);

/* The value of `key`, inserted zeroed if it was not there; *ret_new (may be
 * NULL) tells. NULL when memory ran out. */
void *vrv_map_put(struct vrv_map *, const void *key, bool *ret_new) VRV_MUST;

/* Remove `key`; false if it was not there. */
bool vrv_map_remove(struct vrv_map *, const void *key);

size_t vrv_map_count(const struct vrv_map *);
/* Bytes of memory that the table takes. */
size_t vrv_map_bytes(const struct vrv_map *);
/* Remove everything, keep the table. */
void vrv_map_clear(struct vrv_map *);

/* Walk in no particular order: start with *at = 0; false at the end. */
bool vrv_map_next(const struct vrv_map *, size_t *at, const void **ret_key,
    void **ret_value);

#endif
