/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef META_MAP_H
#define META_MAP_H

/* Meta chunks in memory: a sink and a source for trees. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "archive/trees.h"
#include "util/map.h"

struct meta_map {
	struct vrv_map *map; /* id to struct vrv_buf */
	struct vrv_key key;
	size_t puts, fresh, gets;
	size_t fail_put; /* fail the put with this number, from 1; 0: never */
	struct vrv_meta_sink sink;
	struct vrv_meta_source source;
};

void meta_map_init(struct meta_map *);
void meta_map_fini(struct meta_map *);
/* The bytes of a chunk, to be damaged. */
struct vrv_buf *meta_map_chunk(struct meta_map *, const uint8_t *id);
/* Store under the id of the content. */
void meta_map_put(struct meta_map *, const struct vrv_buf *, uint8_t *ret_id);

/* An encoded file entry, empty or with one extent. */
void put_file(struct vrv_buf *, const char *name, uint64_t size);
void put_dir(struct vrv_buf *, const char *name, uint32_t flags,
    const struct vrv_ref *);
void add_entry(struct vrv_tree_builder *, const struct vrv_buf *);
/* A directory of `n` files named "f%08zu", but for one number. */
struct vrv_ref build_files(struct meta_map *, size_t n, size_t without);

int run_tree_tests(void);
int run_damage_tests(void);
int run_list_tests(void);
int run_walk_tests(void);
int run_bounds_tests(void);

#endif
