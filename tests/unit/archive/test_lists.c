/* SPDX-License-Identifier: BSD-2-Clause */
/* Extent lists: inline and cut, holes, seeking. */
#include "meta_map.h"

#include <stdlib.h>
#include <string.h>

#include "format/frame.h"

#define MANY 60000

static struct vrv_list_builder *
new_builder(struct meta_map *m)
{
	struct vrv_list_builder *b;
	struct varve_err err;

	assert_int_equal(vrv_list_builder_new(&m->sink, &b, &err), 0);
	return b;
}

/* The i-th extent of the test's list: every tenth is a hole. */
static struct vrv_extent
extent_at(uint32_t i)
{
	struct vrv_extent e = {.length = 1000 + i % 77, .hole = i % 10 == 9};

	if (!e.hole)
		vrv_blake2b(e.id, sizeof(e.id), NULL, &i, sizeof(i));
	return e;
}

static void
add(struct vrv_list_builder *b, const struct vrv_extent *extent)
{
	struct varve_err err;

	assert_int_equal(vrv_list_builder_add(b, extent, &err), 0);
}

static void
finish(struct vrv_list_builder *b, struct vrv_buf *content)
{
	struct varve_err err;

	assert_int_equal(vrv_list_builder_finish(b, content, &err), 0);
}

static struct vrv_list_iter *
new_iter(struct meta_map *m, const struct vrv_buf *content)
{
	struct vrv_list_iter *it;
	struct varve_err err;

	assert_int_equal(vrv_list_iter_new(&m->source, content->data,
			     content->len, &it, &err),
	    0);
	return it;
}

static void
test_inline(void **state)
{
	struct meta_map m;
	struct varve_err err;

	(void)state;
	meta_map_init(&m);
	struct vrv_list_builder *b = new_builder(&m);
	for (uint32_t n = 0; n <= VRV_INLINE_EXTENTS + 1; n++) {
		vrv_auto_buf struct vrv_buf content = {0};
		for (uint32_t i = 0; i < n; i++) {
			struct vrv_extent e = extent_at(i);
			add(b, &e);
		}
		finish(b, &content);
		assert_int_equal(m.puts, n > VRV_INLINE_EXTENTS);
		assert_int_equal(content.data[0],
		    n > VRV_INLINE_EXTENTS ? 0 : n + 1);
		struct vrv_list_iter *it = new_iter(&m, &content);
		struct vrv_extent e;
		uint64_t at, expect = 0;
		for (uint32_t i = 0; i < n; i++) {
			struct vrv_extent want = extent_at(i);
			assert_int_equal(vrv_list_iter_next(it, &e, &at, &err),
			    0);
			assert_int_equal(at, expect);
			assert_memory_equal(e.id, want.id, sizeof(e.id));
			assert_int_equal(e.length, want.length);
			expect += e.length;
		}
		assert_int_equal(vrv_list_iter_next(it, &e, &at, &err),
		    VARVE_NOENT);
		if (n > 3) {
			assert_int_equal(vrv_list_iter_seek(it, 2500, &err), 0);
			assert_int_equal(vrv_list_iter_next(it, &e, &at, &err),
			    0);
			assert_int_equal(at, 2001);
		}
		assert_int_equal(vrv_list_iter_seek(it, expect, &err), 0);
		assert_int_equal(vrv_list_iter_next(it, &e, &at, &err),
		    VARVE_NOENT);
		vrv_list_iter_free(it);
	}
	vrv_list_builder_free(b);
	vrv_list_builder_free(NULL);
	vrv_list_iter_free(NULL);
	meta_map_fini(&m);
}

static void
build_many(struct meta_map *m, uint32_t without, struct vrv_buf *content)
{
	struct vrv_list_builder *b = new_builder(m);

	for (uint32_t i = 0; i < MANY; i++) {
		struct vrv_extent e = extent_at(i);
		if (i != without)
			add(b, &e);
	}
	finish(b, content);
	vrv_list_builder_free(b);
}

static void
test_many(void **state)
{
	struct meta_map m;
	struct vrv_extent e;
	struct varve_err err;
	uint64_t at, total = 0;
	vrv_auto_buf struct vrv_buf content = {0};
	uint64_t *starts = calloc(MANY, sizeof(*starts));

	(void)state;
	assert_non_null(starts);
	meta_map_init(&m);
	build_many(&m, UINT32_MAX, &content);
	assert_in_range(m.puts, MANY / 1600 / 2, MANY / 1600 * 2);
	struct vrv_list_iter *it = new_iter(&m, &content);
	for (uint32_t i = 0; i < MANY; i++) {
		struct vrv_extent want = extent_at(i);
		assert_int_equal(vrv_list_iter_next(it, &e, &at, &err), 0);
		assert_int_equal(at, total);
		assert_int_equal(e.length, want.length);
		assert_int_equal(e.hole, want.hole);
		assert_memory_equal(e.id, want.id, sizeof(e.id));
		starts[i] = at;
		total += e.length;
	}
	assert_int_equal(vrv_list_iter_next(it, &e, &at, &err), VARVE_NOENT);
	for (uint32_t i = 0; i < MANY; i += 371) {
		uint64_t within = i % 2 == 0 ? 0 : 999;
		assert_int_equal(vrv_list_iter_seek(it, starts[i] + within,
				     &err),
		    0);
		assert_int_equal(vrv_list_iter_next(it, &e, &at, &err), 0);
		assert_int_equal(at, starts[i]);
		if (i + 1 < MANY) {
			assert_int_equal(vrv_list_iter_next(it, &e, &at, &err),
			    0);
			assert_int_equal(at, starts[i + 1]);
		}
	}
	assert_int_equal(vrv_list_iter_seek(it, total + 5, &err), 0);
	assert_int_equal(vrv_list_iter_next(it, &e, &at, &err), VARVE_NOENT);
	vrv_list_iter_free(it);

	/* A change in the middle leaves the other leaves alone. */
	size_t fresh = m.fresh;
	vrv_auto_buf struct vrv_buf less = {0};
	build_many(&m, MANY / 2, &less);
	assert_int_equal(less.len, content.len);
	assert_memory_not_equal(less.data, content.data, content.len);
	assert_true(m.fresh - fresh <= 8);
	free(starts);
	meta_map_fini(&m);
}

static void
test_holes(void **state)
{
	struct meta_map m;
	struct vrv_extent hole = {.length = 5, .hole = true};
	struct vrv_extent chunk = {.length = 7, .id = {1}};
	struct vrv_extent e;
	struct varve_err err;
	uint64_t at;
	vrv_auto_buf struct vrv_buf content = {0};

	(void)state;
	meta_map_init(&m);
	struct vrv_list_builder *b = new_builder(&m);
	for (int i = 0; i < 1000; i++)
		add(b, &hole);
	add(b, &chunk);
	add(b, &hole);
	add(b, &hole);
	finish(b, &content);
	assert_int_equal(m.puts, 0);
	struct vrv_list_iter *it = new_iter(&m, &content);
	assert_int_equal(vrv_list_iter_next(it, &e, &at, &err), 0);
	assert_true(e.hole);
	assert_int_equal(e.length, 5000);
	assert_int_equal(vrv_list_iter_next(it, &e, &at, &err), 0);
	assert_false(e.hole);
	assert_int_equal(at, 5000);
	assert_int_equal(vrv_list_iter_next(it, &e, &at, &err), 0);
	assert_int_equal(at, 5007);
	assert_int_equal(e.length, 10);
	assert_int_equal(vrv_list_iter_next(it, &e, &at, &err), VARVE_NOENT);
	vrv_list_iter_free(it);

	/* A file of the greatest size, and a byte more. */
	hole.length = VRV_ENTRY_SIZE_MAX;
	add(b, &hole);
	hole.length = 1;
	assert_int_equal(vrv_list_builder_add(b, &hole, &err), VARVE_LIMIT);
	vrv_buf_clear(&content);
	finish(b, &content);
	hole.length = 0;
	assert_int_equal(vrv_list_builder_add(b, &hole, &err), VARVE_INTERNAL);
	chunk.length = 0;
	assert_int_equal(vrv_list_builder_add(b, &chunk, &err), VARVE_INTERNAL);
	chunk.length = VRV_FRAME_PLAIN_MAX + 1;
	assert_int_equal(vrv_list_builder_add(b, &chunk, &err), VARVE_INTERNAL);
	vrv_list_builder_free(b);
	meta_map_fini(&m);
}

/* One chunk over and over: whether its id cuts everywhere or nowhere, the
 * list stays small and shallow. */
static void
test_repeated(void **state)
{
	struct meta_map m;
	struct vrv_ref ref;
	struct varve_err err;

	(void)state;
	for (int fill = 0; fill <= 0xff; fill += 0xff) {
		meta_map_init(&m);
		struct vrv_list_builder *b = new_builder(&m);
		struct vrv_extent e = {.length = VRV_FRAME_PLAIN_MAX};
		memset(e.id, fill, sizeof(e.id));
		for (int i = 0; i < 200000; i++)
			add(b, &e);
		assert_int_equal(vrv_list_builder_finish_ref(b, &ref, &err), 0);
		assert_in_range(ref.depth, 1, 3);
		assert_true(m.fresh < 10);
		vrv_list_builder_free(b);
		meta_map_fini(&m);
	}
	/* However short, a Ref if that is what is wanted. */
	meta_map_init(&m);
	struct vrv_list_builder *b = new_builder(&m);
	assert_int_equal(vrv_list_builder_finish_ref(b, &ref, &err), 0);
	assert_int_equal(ref.depth, 0);
	vrv_auto_buf struct vrv_buf content = {0};
	vrv_content_put_ref(&content, &ref);
	struct vrv_list_iter *it = new_iter(&m, &content);
	struct vrv_extent e;
	uint64_t at;
	assert_int_equal(vrv_list_iter_next(it, &e, &at, &err), VARVE_NOENT);
	vrv_list_iter_free(it);
	vrv_list_builder_free(b);
	meta_map_fini(&m);
}

/* Two leaves of 1000 bytes each; the node states other numbers. */
static struct vrv_ref
put_list(struct meta_map *m, uint64_t first, uint64_t second)
{
	uint64_t stated[] = {first, second};
	vrv_auto_buf struct vrv_buf node = {0};
	struct vrv_ref ref = {.depth = 1};

	vrv_node_put(&node, VRV_META_LIST_NODE, 1, 2);
	for (size_t i = 0; i < 2; i++) {
		vrv_auto_buf struct vrv_buf leaf = {0};
		struct vrv_list_child child = {.bytes = stated[i]};
		struct vrv_extent e = {.length = 1000, .id = {(uint8_t)i}};
		vrv_leaf_put(&leaf, VRV_META_LIST_LEAF, 1);
		vrv_extent_put(&leaf, &e);
		meta_map_put(m, &leaf, child.id);
		vrv_list_child_put(&node, &child);
	}
	meta_map_put(m, &node, ref.id);
	return ref;
}

static void
test_damage(void **state)
{
	struct meta_map m;
	struct vrv_extent e;
	struct varve_err err;
	uint64_t at;
	vrv_auto_buf struct vrv_buf content = {0};
	struct vrv_list_iter *it = NULL;

	(void)state;
	meta_map_init(&m);
	struct vrv_ref ref = put_list(&m, 999, 1000);
	vrv_content_put_ref(&content, &ref);
	it = new_iter(&m, &content);
	assert_int_equal(vrv_list_iter_next(it, &e, &at, &err), VARVE_CORRUPT);
	/* The second leaf stands where the node says. */
	assert_int_equal(vrv_list_iter_next(it, &e, &at, &err), 0);
	assert_int_equal(at, 999);
	assert_int_equal(e.id[0], 1);
	assert_int_equal(vrv_list_iter_next(it, &e, &at, &err), VARVE_NOENT);
	vrv_list_iter_free(it);

	ref = put_list(&m, VRV_ENTRY_SIZE_MAX, 1000);
	vrv_buf_clear(&content);
	vrv_content_put_ref(&content, &ref);
	it = new_iter(&m, &content);
	assert_int_equal(vrv_list_iter_next(it, &e, &at, &err), VARVE_CORRUPT);
	assert_int_equal(vrv_list_iter_next(it, &e, &at, &err), VARVE_NOENT);
	vrv_list_iter_free(it);

	/* Content that is none. */
	assert_int_equal(vrv_list_iter_new(&m.source, content.data,
			     content.len - 1, &it, &err),
	    VARVE_CORRUPT);
	assert_int_equal(vrv_list_iter_new(&m.source, (const uint8_t *)"\3\2",
			     2, &it, &err),
	    VARVE_CORRUPT);
	meta_map_fini(&m);
}

int
run_list_tests(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_inline),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_holes),
	    cmocka_unit_test(test_repeated),
	    cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests_name("lists", tests, NULL, NULL);
}
