/* SPDX-License-Identifier: BSD-2-Clause */
#include "format_support.h"

#include "format/frame.h"
#include "format/tree.h"

static struct varve_err err;

/* --- extents and content --- */

static int
get_extent(const uint8_t *bytes, size_t n, struct varve_err *e)
{
	struct vrv_rd r = vrv_rd_over(bytes, n);
	struct vrv_extent extent;

	int rc = vrv_extent_get(&r, &extent, e);
	if (rc == 0 && !vrv_rd_done(&r))
		return vrv_fail(e, VARVE_CORRUPT, "more");
	return rc;
}

static int
extent_verdict(uint64_t length, bool hole)
{
	vrv_auto_buf struct vrv_buf b = {0};
	struct vrv_extent in = {.length = length, .hole = hole, .id = {7}}, out;

	vrv_extent_put(&b, &in);
	int rc = verdict(get_extent, b.data, b.len);
	if (rc == 0) {
		struct vrv_rd r = vrv_rd_over(b.data, b.len);

		assert_exact(get_extent, &b);
		assert_int_equal(vrv_extent_get(&r, &out, &err), 0);
		assert_true(out.length == length);
		assert_int_equal(out.hole, hole);
		assert_int_equal(out.id[0], hole ? 0 : 7);
	}
	return rc;
}

static void
test_extents(void **state)
{
	(void)state;
	assert_int_equal(extent_verdict(1, false), 0);
	assert_int_equal(extent_verdict(VRV_FRAME_PLAIN_MAX, false), 0);
	assert_int_equal(extent_verdict(VRV_FRAME_PLAIN_MAX + 1, false),
	    VARVE_CORRUPT);
	assert_int_equal(extent_verdict(INT64_MAX, true), 0);
	assert_int_equal(extent_verdict(0, false), VARVE_CORRUPT);
	assert_int_equal(extent_verdict(0, true), VARVE_CORRUPT);
}

/* A file of `size` with the content of `n` holes of `each` bytes. */
static int
holes_verdict(uint64_t size, uint32_t n, uint64_t each)
{
	vrv_auto_buf struct vrv_buf extents = {0}, content = {0}, b = {0};
	struct vrv_extent hole = {.length = each, .hole = true};
	struct vrv_entry e = {.kind = 1,
			     .name = (const uint8_t *)"f",
			     .name_n = 1,
			     .size = size},
			 out;

	for (uint32_t i = 0; i < n; i++)
		vrv_extent_put(&extents, &hole);
	vrv_content_put_inline(&content, n, extents.data, extents.len);
	e.content = content.data;
	e.content_n = content.len;
	vrv_entry_put(&b, &e);
	struct vrv_rd r = vrv_rd_over(b.data, b.len);
	return vrv_entry_get(&r, &out, &err);
}

static void
test_inline_content_adds_up(void **state)
{
	(void)state;
	assert_int_equal(holes_verdict(0, 0, 0), 0);
	assert_int_equal(holes_verdict(320, 32, 10), 0);
	assert_int_equal(holes_verdict(330, 33, 10), VARVE_CORRUPT);
	assert_int_equal(holes_verdict(319, 32, 10), VARVE_CORRUPT);
	assert_int_equal(holes_verdict(321, 32, 10), VARVE_CORRUPT);
	assert_int_equal(holes_verdict(INT64_MAX, 1, INT64_MAX), 0);
	/* sums that would wrap to the size */
	assert_int_equal(holes_verdict((uint64_t)INT64_MAX * 2, 2, INT64_MAX),
	    VARVE_CORRUPT);
	assert_int_equal(holes_verdict(0, 4, (uint64_t)1 << 62), VARVE_CORRUPT);
}

static void
test_content_taken_apart(void **state)
{
	vrv_auto_buf struct vrv_buf b = {0};
	struct vrv_ref in = {.id = {4}, .depth = 3}, ref;
	struct vrv_rd r;
	bool is_ref = false;
	uint32_t n = 99;

	(void)state;
	vrv_content_put_ref(&b, &in);
	assert_int_equal(vrv_content_get(b.data, b.len, &is_ref, &ref, &n, &r,
			     &err),
	    0);
	assert_true(is_ref);
	assert_int_equal(ref.depth, 3);
	assert_int_equal(ref.id[0], 4);
	assert_int_equal(vrv_content_get(b.data, b.len - 1, &is_ref, &ref, &n,
			     &r, &err),
	    VARVE_CORRUPT);
	vrv_buf_clear(&b);
	vrv_content_put_inline(&b, 2, (const uint8_t *)"\x03\x05", 2);
	assert_int_equal(vrv_content_get(b.data, b.len, &is_ref, &ref, &n, &r,
			     &err),
	    0);
	assert_false(is_ref);
	assert_int_equal(n, 2);
	assert_int_equal(vrv_rd_left(&r), 2);
}

/* --- leaves and nodes --- */

static void
test_leaves(void **state)
{
	vrv_auto_buf struct vrv_buf b = {0};
	struct vrv_rd r;
	uint64_t count = 99;

	(void)state;
	vrv_leaf_put(&b, VRV_META_TREE_LEAF, 0);
	assert_int_equal(vrv_leaf_open(b.data, b.len, VRV_META_TREE_LEAF, &r,
			     &count, &err),
	    0);
	assert_int_equal(count, 0);
	assert_true(vrv_rd_done(&r));
	assert_int_equal(vrv_leaf_open(b.data, b.len, VRV_META_LIST_LEAF, &r,
			     &count, &err),
	    VARVE_CORRUPT);
	/* A kind of a later version is no damage. */
	b.data[0] = 'Q';
	assert_int_equal(vrv_leaf_open(b.data, b.len, VRV_META_TREE_LEAF, &r,
			     &count, &err),
	    VARVE_FORMAT);
	assert_int_equal(vrv_node_open(b.data, b.len, VRV_META_TREE_NODE, 1, &r,
			     &count, &err),
	    VARVE_FORMAT);
	b.data[0] = VRV_META_TREE_LEAF;
	assert_int_equal(vrv_leaf_open(b.data, 1, VRV_META_TREE_LEAF, &r,
			     &count, &err),
	    VARVE_CORRUPT);
	assert_int_equal(vrv_leaf_open(b.data, 0, VRV_META_TREE_LEAF, &r,
			     &count, &err),
	    VARVE_CORRUPT);

	vrv_buf_clear(&b);
	vrv_leaf_put(&b, VRV_META_LIST_LEAF, 10);
	vrv_buf_zero(&b, 9);
	assert_int_equal(vrv_leaf_open(b.data, b.len, VRV_META_LIST_LEAF, &r,
			     &count, &err),
	    VARVE_CORRUPT);
	vrv_buf_u8(&b, 0);
	assert_int_equal(vrv_leaf_open(b.data, b.len, VRV_META_LIST_LEAF, &r,
			     &count, &err),
	    0);
	assert_int_equal(count, 10);
	vrv_buf_zero(&b, VRV_META_MAX);
	assert_int_equal(vrv_leaf_open(b.data, b.len, VRV_META_LIST_LEAF, &r,
			     &count, &err),
	    VARVE_CORRUPT);
}

static int
get_tree_node(const uint8_t *bytes, size_t n, struct varve_err *e)
{
	struct vrv_rd r;
	uint64_t count;
	struct vrv_tree_child child;

	int rc = vrv_node_open(bytes, n, VRV_META_TREE_NODE, 3, &r, &count, e);
	for (uint64_t i = 0; rc == 0 && i < count; i++) {
		rc = vrv_tree_child_get(&r, &child, e);
		if (rc == 0) {
			assert_int_equal(child.entries, 1000 + i);
			assert_int_equal(child.first_n, 5);
			assert_int_equal(child.first[4], '0' + (int)i);
		}
	}
	if (rc == 0 && !vrv_rd_done(&r))
		return vrv_fail(e, VARVE_CORRUPT, "more");
	return rc;
}

static void
test_tree_nodes(void **state)
{
	vrv_auto_buf struct vrv_buf b = {0}, bad = {0};
	struct vrv_rd r;
	uint64_t count;

	(void)state;
	vrv_node_put(&b, VRV_META_TREE_NODE, 3, 3);
	for (uint8_t i = 0; i < 3; i++) {
		uint8_t name[5] = {'n', 'a', 'm', 'e', (uint8_t)('0' + i)};
		struct vrv_tree_child child = {.first = name,
		    .first_n = 5,
		    .entries = 1000u + i};

		vrv_tree_child_put(&b, &child);
	}
	assert_exact(get_tree_node, &b);
	assert_int_equal(vrv_node_open(b.data, b.len, VRV_META_TREE_NODE, 2, &r,
			     &count, &err),
	    VARVE_CORRUPT);
	b.data[1] = 0;
	assert_int_equal(vrv_node_open(b.data, b.len, VRV_META_TREE_NODE, 0, &r,
			     &count, &err),
	    VARVE_CORRUPT);
	vrv_node_put(&bad, VRV_META_TREE_NODE, 3, 0);
	assert_int_equal(verdict(get_tree_node, bad.data, bad.len),
	    VARVE_CORRUPT);
}

static void
test_tree_children(void **state)
{
	static const struct vrv_tree_child bad[] = {
	    {.first = (const uint8_t *)"..", .first_n = 2, .entries = 1},
	    {.first = (const uint8_t *)"a", .first_n = 1, .entries = 0},
	};
	struct vrv_tree_child child;

	(void)state;
	for (int i = 0; i < 2; i++) {
		vrv_auto_buf struct vrv_buf b = {0};

		vrv_tree_child_put(&b, &bad[i]);
		struct vrv_rd r = vrv_rd_over(b.data, b.len);
		assert_int_equal(vrv_tree_child_get(&r, &child, &err),
		    VARVE_CORRUPT);
	}
}

static void
test_list_children(void **state)
{
	static const uint64_t sizes[] = {1, INT64_MAX, 0, UINT64_MAX};

	(void)state;
	for (int i = 0; i < 4; i++) {
		vrv_auto_buf struct vrv_buf b = {0};
		struct vrv_list_child in = {.bytes = sizes[i], .id = {1}}, out;

		vrv_list_child_put(&b, &in);
		struct vrv_rd r = vrv_rd_over(b.data, b.len);
		int rc = vrv_list_child_get(&r, &out, &err);
		assert_int_equal(rc, i < 2 ? 0 : VARVE_CORRUPT);
		if (rc == 0) {
			assert_true(out.bytes == sizes[i]);
			assert_int_equal(out.id[0], 1);
		}
		r = vrv_rd_over(b.data, b.len - 1);
		assert_int_equal(vrv_list_child_get(&r, &out, &err),
		    VARVE_CORRUPT);
	}
}

/* --- path lists and name tables --- */

static void
test_paths(void **state)
{
	vrv_auto_buf struct vrv_buf b = {0};
	enum vrv_skip reason;
	const uint8_t *path;
	size_t n;

	(void)state;
	vrv_buf_u8(&b, VRV_META_PATHS);
	vrv_path_put(&b, VRV_SKIP_CHANGED, "a/b", 3);
	vrv_path_put(&b, (enum vrv_skip)77, "c", 1);
	vrv_path_put(&b, VRV_SKIP_VANISHED, "", 0);

	struct vrv_rd r;
	assert_int_equal(vrv_meta_open(b.data, b.len, VRV_META_NAMES, &r, &err),
	    VARVE_CORRUPT);
	assert_int_equal(vrv_meta_open(b.data, b.len, VRV_META_PATHS, &r, &err),
	    0);
	assert_int_equal(vrv_path_get(&r, &reason, &path, &n, &err), 0);
	assert_int_equal(reason, VRV_SKIP_CHANGED);
	assert_int_equal(n, 3);
	assert_memory_equal(path, "a/b", 3);
	assert_int_equal(vrv_path_get(&r, &reason, &path, &n, &err), 0);
	assert_int_equal(reason, VRV_SKIP_OTHER);
	assert_int_equal(vrv_path_get(&r, &reason, &path, &n, &err),
	    VARVE_CORRUPT);
}

static int
owner_verdict(uint8_t what, uint64_t id, const char *name, size_t name_n)
{
	vrv_auto_buf struct vrv_buf b = {0};
	bool group;
	uint32_t got;
	const uint8_t *text;
	size_t n;

	vrv_buf_u8(&b, what);
	vrv_buf_v(&b, id);
	vrv_buf_vbytes(&b, name, name_n);
	struct vrv_rd r = vrv_rd_over(b.data, b.len);
	return vrv_owner_get(&r, &group, &got, &text, &n, &err);
}

static void
test_owners(void **state)
{
	vrv_auto_buf struct vrv_buf b = {0};
	bool group;
	uint32_t id;
	const uint8_t *name;
	size_t n;

	(void)state;
	vrv_owner_put(&b, true, UINT32_MAX, "staff");
	struct vrv_rd r = vrv_rd_over(b.data, b.len);
	assert_int_equal(vrv_owner_get(&r, &group, &id, &name, &n, &err), 0);
	assert_true(vrv_rd_done(&r));
	assert_true(group);
	assert_true(id == UINT32_MAX);
	assert_int_equal(n, 5);
	assert_memory_equal(name, "staff", 5);

	assert_int_equal(owner_verdict(1, 0, "root", 4), 0);
	assert_int_equal(owner_verdict(0, 0, "root", 4), VARVE_CORRUPT);
	assert_int_equal(owner_verdict(3, 0, "root", 4), VARVE_CORRUPT);
	assert_int_equal(owner_verdict(1, (uint64_t)UINT32_MAX + 1, "r", 1),
	    VARVE_CORRUPT);
	assert_int_equal(owner_verdict(1, 0, "", 0), VARVE_CORRUPT);
	assert_int_equal(owner_verdict(1, 0, "a\0b", 3), VARVE_CORRUPT);

	char long_name[VRV_OWNER_NAME_MAX + 1];
	memset(long_name, 'n', sizeof(long_name));
	assert_int_equal(owner_verdict(1, 0, long_name, sizeof(long_name) - 1),
	    0);
	assert_int_equal(owner_verdict(1, 0, long_name, sizeof(long_name)),
	    VARVE_LIMIT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_extents),
	    cmocka_unit_test(test_inline_content_adds_up),
	    cmocka_unit_test(test_content_taken_apart),
	    cmocka_unit_test(test_leaves),
	    cmocka_unit_test(test_tree_nodes),
	    cmocka_unit_test(test_tree_children),
	    cmocka_unit_test(test_list_children),
	    cmocka_unit_test(test_paths),
	    cmocka_unit_test(test_owners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
