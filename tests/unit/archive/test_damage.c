/* SPDX-License-Identifier: BSD-2-Clause */
/* Directories that are not what they state, made by somebody with the keys:
 * told, and what is sound beside them is still read. */
#include "meta_map.h"

#include <string.h>

/* A leaf of files with these names. */
static void
put_leaf(struct meta_map *m, const char *const *names, size_t n, uint8_t *ret)
{
	vrv_auto_buf struct vrv_buf leaf = {0};

	vrv_leaf_put(&leaf, VRV_META_TREE_LEAF, n);
	for (size_t i = 0; i < n; i++)
		put_file(&leaf, names[i], 0);
	meta_map_put(m, &leaf, ret);
}

struct plan {
	const char *first; /* as the node states it */
	uint64_t entries;
	const char *names[4];
	size_t n;
};

/* A node of depth 1 over leaves as planned. */
static struct vrv_ref
put_tree(struct meta_map *m, const struct plan *plan, size_t n)
{
	vrv_auto_buf struct vrv_buf node = {0};
	struct vrv_ref ref = {.depth = 1};

	vrv_node_put(&node, VRV_META_TREE_NODE, 1, n);
	for (size_t i = 0; i < n; i++) {
		struct vrv_tree_child child = {
		    .first = (const uint8_t *)plan[i].first,
		    .first_n = strlen(plan[i].first),
		    .entries = plan[i].entries,
		};
		put_leaf(m, plan[i].names, plan[i].n, child.id);
		vrv_tree_child_put(&node, &child);
	}
	meta_map_put(m, &node, ref.id);
	return ref;
}

/* Read all: the names that came, one letter each, '!' for every CORRUPT, and
 * for every FORMAT: another kind is a later version's. */
static void
expect_read(struct meta_map *m, const struct vrv_ref *ref, const char *expect)
{
	struct vrv_tree_iter *it;
	struct vrv_entry e;
	struct varve_err err;
	char got[64] = "";
	int rc;

	assert_int_equal(vrv_tree_iter_new(&m->source, ref, &it, &err), 0);
	for (size_t i = 0; i < sizeof(got) - 1; i++) {
		rc = vrv_tree_iter_next(it, &e, NULL, &err);
		if (rc == VARVE_NOENT)
			break;
		if (rc != 0)
			assert_true(rc == VARVE_CORRUPT || rc == VARVE_FORMAT);
		got[i] = rc == 0 ? (char)e.name[0] : '!';
	}
	assert_string_equal(got, expect);
	vrv_tree_iter_free(it);
}

static void
expect_plan(const struct plan *plan, size_t n, const char *expect)
{
	struct meta_map m;

	meta_map_init(&m);
	struct vrv_ref ref = put_tree(&m, plan, n);
	expect_read(&m, &ref, expect);
	meta_map_fini(&m);
}

static void
test_statements(void **state)
{
	const struct plan good[] = {{"a", 2, {"a", "b"}, 2},
	    {"c", 1, {"c"}, 1}};
	const struct plan other_first[] = {{"a", 2, {"b", "bb"}, 2},
	    {"c", 1, {"c"}, 1}};
	const struct plan more[] = {{"a", 3, {"a", "b"}, 2},
	    {"c", 1, {"c"}, 1}};
	const struct plan fewer[] = {{"a", 1, {"a", "b"}, 2},
	    {"c", 1, {"c"}, 1}};
	const struct plan overlap[] = {{"a", 2, {"a", "d"}, 2},
	    {"c", 2, {"c", "e"}, 2}};
	const struct plan twice[] = {{"a", 3, {"a", "b", "b"}, 3}};
	const struct plan unsorted[] = {{"c", 1, {"c"}, 1}, {"a", 1, {"a"}, 1}};
	const struct plan hollow[] = {{"a", 1, {NULL}, 0}, {"c", 1, {"c"}, 1}};
	const struct plan overflow[] = {{"a", UINT64_MAX - 1, {"a"}, 1},
	    {"c", 9, {"c"}, 1}};

	(void)state;
	expect_plan(good, 2, "abc");
	expect_plan(other_first, 2, "!c");
	expect_plan(more, 2, "!c");
	expect_plan(fewer, 2, "!c");
	expect_plan(overlap, 2, "ad!e");
	expect_plan(twice, 1, "ab!");
	expect_plan(unsorted, 2, "!");
	expect_plan(hollow, 2, "!c");
	expect_plan(overflow, 2, "!");
}

/* Bytes of the chunks themselves. */
static void
test_bytes(void **state)
{
	const struct plan plan[] = {{"a", 2, {"a", "b"}, 2},
	    {"c", 1, {"c"}, 1}};
	struct meta_map m;
	uint8_t id[VRV_CHUNK_ID];

	(void)state;
	meta_map_init(&m);
	struct vrv_ref ref = put_tree(&m, plan, 2);
	put_leaf(&m, plan[0].names, 2, id);
	struct vrv_buf *leaf = meta_map_chunk(&m, id);
	struct vrv_buf *node = meta_map_chunk(&m, ref.id);

	/* Behind the last entry, behind the last child. */
	vrv_buf_u8(leaf, 0);
	expect_read(&m, &ref, "ab!c");
	leaf->len--;
	vrv_buf_u8(node, 0);
	expect_read(&m, &ref, "!");
	node->len--;
	/* Within the last entry: the rest of the leaf is lost. */
	leaf->len--;
	expect_read(&m, &ref, "a!c");
	leaf->len++;
	/* A bad kind of the first entry: the next one is read. */
	leaf->data[3] = 9;
	expect_read(&m, &ref, "!bc");
	leaf->data[3] = 1;
	/* Another kind of chunk, another depth. */
	leaf->data[0] = VRV_META_LIST_LEAF;
	expect_read(&m, &ref, "!c");
	leaf->data[0] = VRV_META_TREE_LEAF;
	node->data[1] = 2;
	expect_read(&m, &ref, "!");
	ref.depth = 2;
	/* Its children are leaves where nodes should be. */
	expect_read(&m, &ref, "!!");
	meta_map_fini(&m);
}

static void
test_missing(void **state)
{
	const struct plan plan[] = {{"a", 2, {"a", "b"}, 2}, {"c", 1, {"c"}, 1},
	    {"d", 1, {"d"}, 1}};
	struct meta_map m;
	uint8_t id[VRV_CHUNK_ID];
	struct vrv_entry e;
	struct varve_err err;
	vrv_auto_buf struct vrv_buf leaf = {0};

	(void)state;
	meta_map_init(&m);
	struct vrv_ref ref = put_tree(&m, plan, 3);
	put_leaf(&m, plan[1].names, 1, id);
	struct vrv_buf *chunk = meta_map_chunk(&m, id);
	vrv_buf_fini(chunk);
	vrv_map_remove(m.map, id);
	expect_read(&m, &ref, "ab!d");

	assert_int_equal(vrv_tree_find(&m.source, &ref, (const uint8_t *)"d", 1,
			     &leaf, &e, &err),
	    0);
	/* Not "no such entry": nobody knows. */
	assert_int_equal(vrv_tree_find(&m.source, &ref, (const uint8_t *)"c", 1,
			     &leaf, &e, &err),
	    VARVE_CORRUPT);
	struct vrv_tree_iter *it;
	assert_int_equal(vrv_tree_iter_new(&m.source, &ref, &it, &err), 0);
	assert_int_equal(vrv_tree_iter_seek(it, (const uint8_t *)"c", 1, &err),
	    VARVE_CORRUPT);
	assert_int_equal(vrv_tree_iter_next(it, &e, NULL, &err), 0);
	assert_int_equal(e.name[0], 'd');
	vrv_tree_iter_free(it);

	ref.depth = VRV_TREE_DEPTH_MAX + 1;
	assert_int_equal(vrv_tree_iter_new(&m.source, &ref, &it, &err),
	    VARVE_CORRUPT);
	meta_map_fini(&m);
}

static int
count_seen(void *arg, const uint8_t id[VRV_CHUNK_ID], struct varve_err *err)
{
	size_t *n = arg;

	(void)id;
	return ++*n == 3 ? vrv_fail(err, VARVE_CANCELLED, "enough") : 0;
}

static void
test_seen(void **state)
{
	const struct plan plan[] = {{"a", 2, {"a", "b"}, 2}, {"c", 1, {"c"}, 1},
	    {"d", 1, {"d"}, 1}};
	struct meta_map m;
	struct vrv_tree_iter *it;
	struct vrv_entry e;
	struct varve_err err;
	size_t n = 0;

	(void)state;
	meta_map_init(&m);
	struct vrv_ref ref = put_tree(&m, plan, 3);
	assert_int_equal(vrv_tree_iter_new(&m.source, &ref, &it, &err), 0);
	vrv_tree_iter_on_meta(it, count_seen, &n);
	assert_int_equal(vrv_tree_iter_next(it, &e, NULL, &err), 0);
	assert_int_equal(n, 2);
	assert_int_equal(m.gets, 2);
	assert_int_equal(vrv_tree_iter_next(it, &e, NULL, &err), 0);
	assert_int_equal(vrv_tree_iter_next(it, &e, NULL, &err),
	    VARVE_CANCELLED);
	assert_int_equal(m.gets, 2);
	vrv_tree_iter_free(it);
	meta_map_fini(&m);
}

int
run_damage_tests(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_statements),
	    cmocka_unit_test(test_bytes),
	    cmocka_unit_test(test_missing),
	    cmocka_unit_test(test_seen),
	};

	return cmocka_run_group_tests_name("damaged trees", tests, NULL, NULL);
}
