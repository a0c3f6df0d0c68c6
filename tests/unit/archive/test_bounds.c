/* SPDX-License-Identifier: BSD-2-Clause */
/* Archives whose few chunks span more than anybody can go through. */
#include "meta_map.h"

#include <stdio.h>
#include <string.h>

#include <varve/archive.h>

#include "archive/bounds.h"
#include "archive/lists.h"
#include "archive/tour.h"

#define LEVELS 61
#define FANOUT 100
#define EXTENTS 1000
#define EXTENT_BYTES 1000

/* Each directory names the next one twice: 2^LEVELS paths. */
static void
build_graph(struct meta_map *m, struct vrv_ref *ret)
{
	struct vrv_tree_builder *b;
	struct varve_err err;

	assert_int_equal(vrv_tree_builder_new(&m->sink, &b, &err), 0);
	assert_int_equal(vrv_tree_builder_finish(b, ret, &err), 0);
	for (int i = 0; i < LEVELS; i++) {
		vrv_auto_buf struct vrv_buf one = {0}, two = {0};
		put_dir(&one, "a", 0, ret);
		put_dir(&two, "b", 0, ret);
		add_entry(b, &one);
		add_entry(b, &two);
		assert_int_equal(vrv_tree_builder_finish(b, ret, &err), 0);
	}
	vrv_tree_builder_free(b);
}

struct count {
	uint64_t items, damages;
	char message[200];
};

static int
on_item(void *arg, const struct vrv_walk_item *item, struct varve_err *err)
{
	struct count *count = arg;

	(void)item;
	(void)err;
	count->items++;
	return 0;
}

static int
on_damaged(void *arg, const char *path, struct varve_err *err)
{
	struct count *count = arg;

	(void)path;
	count->damages++;
	assert_int_equal(err->code, VARVE_CORRUPT);
	snprintf(count->message, sizeof(count->message), "%.150s",
	    err->message);
	return 0;
}

static void
test_walk_ends(void **state)
{
	struct meta_map m;
	struct vrv_archive archive = {.sealed.entries = 2 * LEVELS};
	struct count count = {0};
	struct varve_err err;

	(void)state;
	meta_map_init(&m);
	build_graph(&m, &archive.sealed.root);
	struct vrv_walk walk = {
	    .source = m.source,
	    .fn = on_item,
	    .arg = &count,
	};
	assert_int_equal(vrv_walk_archive(&walk, &archive, &err),
	    VARVE_CORRUPT);
	assert_int_equal(count.items, 2 * LEVELS);
	count = (struct count){0};
	walk.damaged = on_damaged;
	assert_int_equal(vrv_walk_archive(&walk, &archive, &err), 0);
	assert_int_equal(count.items, 2 * LEVELS);
	assert_int_equal(count.damages, 1);
	assert_non_null(strstr(count.message, "states 122 entries"));
	meta_map_fini(&m);
}

/* An archive that does not state its entries may have more than its files. */
static void
test_not_stated(void **state)
{
	struct vrv_archive archive = {.sealed.files = 10};
	struct vrv_bounds bounds;

	(void)state;
	vrv_bounds_init(&bounds, &archive);
	assert_int_equal(bounds.entries,
	    VRV_BOUNDS_BESIDES + 10 * VRV_BOUNDS_PER_FILE);
	archive.sealed.files = UINT64_MAX;
	vrv_bounds_init(&bounds, &archive);
	assert_true(bounds.entries > (uint64_t)1 << 60);
	assert_true(bounds.failures > bounds.entries);
	archive.sealed.entries = 7;
	vrv_bounds_init(&bounds, &archive);
	assert_int_equal(bounds.entries, 7);
}

/* What is unreadable is bounded, too: many paths lead to the lost chunk. */
static void
test_failures_end(void **state)
{
	struct meta_map m;
	struct vrv_archive archive = {.sealed.entries = 100};
	struct vrv_bounds bounds;
	struct varve_err err;

	(void)state;
	meta_map_init(&m);
	vrv_bounds_init(&bounds, &archive);
	for (int i = 0; i < 201; i++)
		assert_int_equal(vrv_bounds_failure(&bounds, &err), 0);
	assert_int_equal(vrv_bounds_failure(&bounds, &err), VARVE_CORRUPT);
	meta_map_fini(&m);
}

/* --- tours --- */

static bool
enter_all(void *arg, const struct vrv_ref *ref)
{
	(void)arg;
	(void)ref;
	return true;
}

static int
on_entry(void *arg, const char *path, const struct vrv_entry *entry,
    bool *ret_bad, struct varve_err *err)
{
	struct count *count = arg;

	(void)path;
	(void)entry;
	(void)ret_bad;
	(void)err;
	count->items++;
	return 0;
}

static void
on_left(void *arg, const struct vrv_ref *ref, bool bad)
{
	(void)arg;
	(void)ref;
	(void)bad;
}

static int
count_chunk(void *arg, enum vrv_frame_kind kind, const uint8_t id[VRV_ID_SIZE],
    struct varve_err *err)
{
	struct count *count = arg;

	(void)kind;
	(void)id;
	(void)err;
	count->items++;
	return 0;
}

static void
test_tour_ends(void **state)
{
	struct meta_map m;
	struct vrv_archive archive = {.sealed.entries = 2 * LEVELS};
	struct count count = {0};
	struct varve_err err;
	const struct vrv_tour tour = {
	    .arg = &count,
	    .enter = enter_all,
	    .entry = on_entry,
	    .left = on_left,
	    .damaged = on_damaged,
	};

	(void)state;
	meta_map_init(&m);
	build_graph(&m, &archive.sealed.root);
	struct vrv_tour t = tour;
	t.source = m.source;
	assert_int_equal(vrv_tour_run(&t, &archive, &err), 0);
	assert_int_equal(count.items, 2 * LEVELS);
	assert_int_equal(count.damages, 1);
	/* Chunks are told once for each directory. */
	count = (struct count){0};
	assert_int_equal(vrv_archive_chunks(&m.source, &archive, count_chunk,
			     &count, &err),
	    0);
	assert_int_equal(count.items, LEVELS + 1);
	meta_map_fini(&m);
}

/* --- lists --- */

/* A leaf and `levels` nodes above it, each naming the one below FANOUT times.
 * Every leaf of another `first` is another one. */
static void
build_list(struct meta_map *m, unsigned levels, uint8_t first,
    struct vrv_ref *ret, uint64_t *ret_bytes)
{
	vrv_auto_buf struct vrv_buf chunk = {0};
	struct vrv_extent extent = {.length = EXTENT_BYTES};

	vrv_leaf_put(&chunk, VRV_META_LIST_LEAF, EXTENTS);
	extent.id[0] = first;
	for (int i = 0; i < EXTENTS; i++)
		vrv_extent_put(&chunk, &extent);
	meta_map_put(m, &chunk, ret->id);
	*ret_bytes = (uint64_t)EXTENTS * EXTENT_BYTES;
	for (ret->depth = 0; ret->depth < levels; *ret_bytes *= FANOUT) {
		struct vrv_list_child child = {.bytes = *ret_bytes};
		memcpy(child.id, ret->id, VRV_CHUNK_ID);
		vrv_buf_clear(&chunk);
		vrv_node_put(&chunk, VRV_META_LIST_NODE, ++ret->depth, FANOUT);
		for (int i = 0; i < FANOUT; i++)
			vrv_list_child_put(&chunk, &child);
		meta_map_put(m, &chunk, ret->id);
	}
}

static int
chunks_of(struct meta_map *m, const struct vrv_ref *ref, uint64_t size,
    struct vrv_visited *visited, vrv_chunk_fn *fn, void *arg,
    struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf content = {0};
	struct vrv_entry entry = {.kind = VARVE_FILE, .size = size};

	vrv_content_put_ref(&content, ref);
	entry.content = content.data;
	entry.content_n = content.len;
	return vrv_entry_chunks(&m->source, &entry, visited, fn, arg, err);
}

static void
test_list_once(void **state)
{
	struct vrv_visited visited = {0};
	struct count count = {0};
	struct meta_map m;
	struct vrv_ref ref;
	struct varve_err err;
	uint64_t bytes;

	(void)state;
	meta_map_init(&m);
	build_list(&m, 6, 1, &ref, &bytes);
	assert_true(bytes == (uint64_t)1000000000000000000);
	assert_int_equal(chunks_of(&m, &ref, bytes, NULL, count_chunk, &count,
			     &err),
	    0);
	assert_int_equal(count.items, 7 + EXTENTS);
	assert_int_equal(chunks_of(&m, &ref, bytes - 1, NULL, count_chunk,
			     &count, &err),
	    VARVE_CORRUPT);
	/* For the next file with that list nothing is left to be told, but
	 * its size is compared. */
	count.items = 0;
	assert_int_equal(chunks_of(&m, &ref, bytes, &visited, count_chunk,
			     &count, &err),
	    0);
	assert_int_equal(chunks_of(&m, &ref, bytes, &visited, count_chunk,
			     &count, &err),
	    0);
	assert_int_equal(count.items, 7 + EXTENTS);
	assert_int_equal(chunks_of(&m, &ref, bytes - 1, &visited, count_chunk,
			     &count, &err),
	    VARVE_CORRUPT);
	vrv_visited_fini(&visited);
	meta_map_fini(&m);
}

/* A node that states something else of a leaf met before. */
static void
test_list_disagrees(void **state)
{
	vrv_auto_buf struct vrv_buf chunk = {0};
	struct vrv_visited visited = {0};
	struct count count = {0};
	struct meta_map m;
	struct vrv_ref ref;
	struct varve_err err;
	uint64_t bytes;

	(void)state;
	meta_map_init(&m);
	build_list(&m, 0, 1, &ref, &bytes);
	assert_int_equal(chunks_of(&m, &ref, bytes, &visited, count_chunk,
			     &count, &err),
	    0);
	struct vrv_list_child child = {.bytes = bytes + 1};
	memcpy(child.id, ref.id, VRV_CHUNK_ID);
	ref.depth = 1;
	vrv_node_put(&chunk, VRV_META_LIST_NODE, 1, 1);
	vrv_list_child_put(&chunk, &child);
	meta_map_put(&m, &chunk, ref.id);
	assert_int_equal(chunks_of(&m, &ref, bytes + 1, &visited, count_chunk,
			     &count, &err),
	    VARVE_CORRUPT);
	vrv_visited_fini(&visited);
	meta_map_fini(&m);
}

static int
refuse_data(void *arg, enum vrv_frame_kind kind, const uint8_t id[VRV_ID_SIZE],
    struct varve_err *err)
{
	(void)arg;
	(void)id;
	return kind == VRV_FRAME_META ? 0 :
					vrv_fail(err, VARVE_CORRUPT, "missing");
}

/* What ended with an error was not gone through. */
static void
test_list_error(void **state)
{
	struct vrv_visited visited = {0};
	struct meta_map m;
	struct vrv_ref ref;
	struct varve_err err;
	uint64_t bytes;

	(void)state;
	meta_map_init(&m);
	build_list(&m, 2, 1, &ref, &bytes);
	for (int i = 0; i < 2; i++)
		assert_int_equal(chunks_of(&m, &ref, bytes, &visited,
				     refuse_data, NULL, &err),
		    VARVE_CORRUPT);
	vrv_visited_fini(&visited);
	meta_map_fini(&m);
}

/* --- names of owners --- */

static int
count_name(void *arg, bool group, uint32_t id, const uint8_t *name, size_t n,
    struct varve_err *err)
{
	size_t *count = arg;

	(void)group;
	(void)id;
	(void)name;
	(void)n;
	(void)err;
	(*count)++;
	return 0;
}

/* A list of `chunks` chunks, or of one that is named as often, each of
 * `names` names. */
static int
names_of(struct meta_map *m, unsigned chunks, bool same, uint32_t names,
    size_t *ret_count)
{
	vrv_auto_buf struct vrv_buf chunk = {0};
	struct vrv_archive archive = {.sealed.has_owners = true};
	struct vrv_list_builder *list;
	struct varve_err err;

	assert_int_equal(vrv_list_builder_new(&m->sink, &list, &err), 0);
	for (unsigned i = 0; i < chunks; i++) {
		struct vrv_extent extent = {0};
		vrv_buf_clear(&chunk);
		vrv_buf_u8(&chunk, VRV_META_NAMES);
		for (uint32_t j = 0; j < names; j++)
			vrv_owner_put(&chunk, false, same ? j : i * names + j,
			    "n");
		meta_map_put(m, &chunk, extent.id);
		extent.length = chunk.len;
		assert_int_equal(vrv_list_builder_add(list, &extent, &err), 0);
	}
	assert_int_equal(vrv_list_builder_finish_ref(list,
			     &archive.sealed.owners, &err),
	    0);
	vrv_list_builder_free(list);
	*ret_count = 0;
	return vrv_archive_owners(&m->source, &archive, count_name, ret_count,
	    NULL, NULL, &err);
}

static void
test_owners(void **state)
{
	struct meta_map m;
	size_t n;

	(void)state;
	meta_map_init(&m);
	assert_int_equal(names_of(&m, 2, false, 3, &n), 0);
	assert_int_equal(n, 6);
	assert_int_equal(names_of(&m, 1000, true, 3, &n), VARVE_CORRUPT);
	assert_int_equal(n, 3);
	assert_int_equal(names_of(&m, 4, false, VRV_OWNERS_MAX / 4, &n), 0);
	assert_int_equal(n, VRV_OWNERS_MAX);
	assert_int_equal(names_of(&m, 5, false, VRV_OWNERS_MAX / 4, &n),
	    VARVE_LIMIT);
	assert_int_equal(n, VRV_OWNERS_MAX);
	meta_map_fini(&m);
}

int
run_bounds_tests(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_walk_ends),
	    cmocka_unit_test(test_not_stated),
	    cmocka_unit_test(test_failures_end),
	    cmocka_unit_test(test_tour_ends),
	    cmocka_unit_test(test_list_once),
	    cmocka_unit_test(test_list_disagrees),
	    cmocka_unit_test(test_list_error),
	    cmocka_unit_test(test_owners),
	};

	return cmocka_run_group_tests_name("bounds", tests, NULL, NULL);
}
