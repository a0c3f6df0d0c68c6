/* SPDX-License-Identifier: BSD-2-Clause */
/* Directories: what is built is read back, cut by the rule, and changes stay
 * local. */
#include "meta_map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/levels.h"
#include "util/mem.h"

#define MANY 60000

static struct vrv_tree_builder *
new_builder(struct meta_map *m)
{
	struct vrv_tree_builder *b;
	struct varve_err err;

	assert_int_equal(vrv_tree_builder_new(&m->sink, &b, &err), 0);
	return b;
}

static struct vrv_tree_iter *
new_iter(struct meta_map *m, const struct vrv_ref *ref)
{
	struct vrv_tree_iter *it;
	struct varve_err err;

	assert_int_equal(vrv_tree_iter_new(&m->source, ref, &it, &err), 0);
	return it;
}

static void
test_empty(void **state)
{
	struct meta_map m;
	struct vrv_entry e;
	struct varve_err err;

	(void)state;
	meta_map_init(&m);
	struct vrv_ref ref = build_files(&m, 0, SIZE_MAX);
	assert_int_equal(ref.depth, 0);
	assert_int_equal(m.puts, 1);
	assert_int_equal(meta_map_chunk(&m, ref.id)->len, 2);
	struct vrv_tree_iter *it = new_iter(&m, &ref);
	assert_int_equal(m.gets, 0);
	assert_int_equal(vrv_tree_iter_next(it, &e, NULL, &err), VARVE_NOENT);
	assert_int_equal(vrv_tree_iter_next(it, &e, NULL, &err), VARVE_NOENT);
	vrv_tree_iter_free(it);
	vrv_tree_iter_free(NULL);
	vrv_tree_builder_free(NULL);
	meta_map_fini(&m);
}

/* Every entry comes back as it was given, and the same input gives the same
 * chunks, also from a builder that was used before. */
static void
test_many(void **state)
{
	struct meta_map m;
	struct vrv_entry e;
	struct vrv_text raw;
	struct varve_err err;
	vrv_auto_buf struct vrv_buf entry = {0};
	char name[32];

	(void)state;
	meta_map_init(&m);
	struct vrv_ref ref = build_files(&m, MANY, SIZE_MAX);
	assert_true(ref.depth >= 1 && ref.depth <= 3);
	/* 256 entries a leaf, give or take. */
	assert_in_range(m.puts, MANY / 256 * 7 / 10, MANY / 256 * 13 / 10);

	struct vrv_tree_iter *it = new_iter(&m, &ref);
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(vrv_tree_iter_next(it, &e, &raw, &err), 0);
		snprintf(name, sizeof(name), "f%08zu", i);
		vrv_buf_clear(&entry);
		put_file(&entry, name, i % 3);
		assert_int_equal(raw.n, entry.len);
		assert_memory_equal(raw.p, entry.data, entry.len);
		assert_memory_equal(e.name, name, e.name_n);
	}
	assert_int_equal(vrv_tree_iter_next(it, &e, NULL, &err), VARVE_NOENT);
	assert_int_equal(m.gets, m.puts);
	vrv_tree_iter_free(it);

	size_t fresh = m.fresh;
	struct vrv_ref again = build_files(&m, MANY, SIZE_MAX);
	assert_memory_equal(&again, &ref, sizeof(ref));
	assert_int_equal(m.fresh, fresh);
	meta_map_fini(&m);
}

/* One entry more or less touches its leaf, perhaps a neighbor, and the nodes
 * above. */
static void
test_local(void **state)
{
	struct meta_map m;

	(void)state;
	meta_map_init(&m);
	struct vrv_ref ref = build_files(&m, MANY, SIZE_MAX);
	for (size_t without = 1; without < MANY; without += MANY / 8) {
		size_t fresh = m.fresh;
		struct vrv_ref less = build_files(&m, MANY, without);
		assert_memory_not_equal(less.id, ref.id, VRV_CHUNK_ID);
		assert_true(m.fresh - fresh <= 2u + 2u * ref.depth);
	}
	meta_map_fini(&m);
}

static void
test_seek(void **state)
{
	struct meta_map m;
	struct vrv_entry e;
	struct varve_err err;
	vrv_auto_buf struct vrv_buf leaf = {0};
	char name[32];

	(void)state;
	meta_map_init(&m);
	struct vrv_ref ref = build_files(&m, MANY, SIZE_MAX);
	struct vrv_tree_iter *it = new_iter(&m, &ref);
	for (size_t i = 0; i < MANY; i += 997) {
		/* What is there, and the gap behind it. */
		for (int gap = 0; gap < 2; gap++) {
			int n = snprintf(name, sizeof(name), "f%08zu%s", i,
			    gap ? "x" : "");
			assert_int_equal(vrv_tree_iter_seek(it, (uint8_t *)name,
					     n, &err),
			    0);
			assert_int_equal(vrv_tree_iter_next(it, &e, NULL, &err),
			    0);
			n = snprintf(name, sizeof(name), "f%08zu", i + gap);
			assert_int_equal(e.name_n, n);
			assert_memory_equal(e.name, name, n);
		}
		size_t gets = m.gets;
		int n = snprintf(name, sizeof(name), "f%08zu", i);
		assert_int_equal(vrv_tree_find(&m.source, &ref, (uint8_t *)name,
				     n, &leaf, &e, &err),
		    0);
		assert_memory_equal(e.name, name, n);
		assert_int_equal(e.size, i % 3);
		assert_int_equal(m.gets - gets, ref.depth + 1u);
		n = snprintf(name, sizeof(name), "f%08zux", i);
		assert_int_equal(vrv_tree_find(&m.source, &ref, (uint8_t *)name,
				     n, &leaf, &e, &err),
		    VARVE_NOENT);
		assert_int_equal(m.gets - gets, 2 * (ref.depth + 1u));
	}
	/* Before the first, behind the last, and on to the next leaves. */
	assert_int_equal(vrv_tree_iter_seek(it, (const uint8_t *)"a", 1, &err),
	    0);
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(vrv_tree_iter_next(it, &e, NULL, &err), 0);
	assert_int_equal(vrv_tree_iter_next(it, &e, NULL, &err), VARVE_NOENT);
	assert_int_equal(vrv_tree_iter_seek(it, (const uint8_t *)"z", 1, &err),
	    0);
	assert_int_equal(vrv_tree_iter_next(it, &e, NULL, &err), VARVE_NOENT);
	/* Neighbors are found without reading anything again. */
	assert_int_equal(vrv_tree_iter_seek(it, (const uint8_t *)"f00000100", 9,
			     &err),
	    0);
	size_t gets = m.gets;
	assert_int_equal(vrv_tree_iter_seek(it, (const uint8_t *)"f00000099", 9,
			     &err),
	    0);
	assert_true(m.gets - gets <= 1);
	vrv_tree_iter_free(it);
	meta_map_fini(&m);
}

/* By number: any place, its neighbor, and the end; and back from a place to the
 * entry. */
static void
test_numbers(void **state)
{
	struct vrv_tree_place place, again;
	struct meta_map m;
	struct vrv_entry e, same;
	struct varve_err err;
	char name[32];

	(void)state;
	meta_map_init(&m);
	struct vrv_ref ref = build_files(&m, MANY, SIZE_MAX);
	struct vrv_tree_iter *it = new_iter(&m, &ref);
	for (size_t i = 0; i < MANY; i += 991) {
		size_t gets = m.gets;
		assert_int_equal(vrv_tree_iter_seek_number(it, i, &err), 0);
		assert_true(m.gets - gets <= ref.depth + 1u);
		for (size_t k = i; k < i + 2 && k < MANY; k++) {
			assert_int_equal(vrv_tree_iter_next(it, &e, NULL, &err),
			    0);
			int n = snprintf(name, sizeof(name), "f%08zu", k);
			assert_int_equal(e.name_n, n);
			assert_memory_equal(e.name, name, n);
			vrv_tree_iter_place(it, &place);
			assert_int_equal(place.number, k);
			struct vrv_buf *leaf = meta_map_chunk(&m, place.leaf);
			assert_int_equal(vrv_tree_leaf_entry(leaf->data,
					     leaf->len, place.ordinal, &same,
					     &err),
			    0);
			assert_int_equal(same.name_n, n);
			assert_memory_equal(same.name, name, n);
		}
		/* Found by name it has the same place. */
		int n = snprintf(name, sizeof(name), "f%08zu", i);
		assert_int_equal(vrv_tree_iter_find(it, (uint8_t *)name, n, &e,
				     &err),
		    0);
		vrv_tree_iter_place(it, &again);
		assert_int_equal(again.number, i);
		assert_int_equal(vrv_tree_iter_find(it, (const uint8_t *)"f0",
				     2, &e, &err),
		    VARVE_NOENT);
	}
	assert_int_equal(vrv_tree_iter_seek_number(it, MANY, &err), 0);
	assert_int_equal(vrv_tree_iter_next(it, &e, NULL, &err), VARVE_NOENT);
	assert_int_equal(vrv_tree_iter_seek_number(it, UINT64_MAX, &err), 0);
	assert_int_equal(vrv_tree_iter_next(it, &e, NULL, &err), VARVE_NOENT);
	vrv_tree_iter_free(it);

	struct vrv_buf *leaf = meta_map_chunk(&m, place.leaf);
	assert_int_equal(vrv_tree_leaf_entry(leaf->data, leaf->len, 1u << 20,
			     &same, &err),
	    VARVE_CORRUPT);
	for (size_t cut = 0; cut < 40; cut++)
		assert_int_not_equal(vrv_tree_leaf_entry(leaf->data, cut, 3,
					 &same, &err),
		    0);
	meta_map_fini(&m);
}

/* The number of entries in each leaf, in order. */
static size_t
leaf_counts(struct meta_map *m, const struct vrv_ref *ref, uint64_t *counts,
    size_t max)
{
	struct vrv_buf *node = meta_map_chunk(m, ref->id);
	struct vrv_tree_child child;
	struct varve_err err;
	struct vrv_rd rd;
	uint64_t n;

	assert_int_equal(ref->depth, 1);
	assert_int_equal(vrv_node_open(node->data, node->len,
			     VRV_META_TREE_NODE, 1, &rd, &n, &err),
	    0);
	assert_true(n <= max);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(vrv_tree_child_get(&rd, &child, &err), 0);
		counts[i] = child.entries;
	}
	return (size_t)n;
}

/* Names that no hash cuts: leaves end for their count. */
static void
test_count_cut(void **state)
{
	struct meta_map m;
	vrv_auto_buf struct vrv_buf entry = {0};
	struct vrv_ref ref;
	struct varve_err err;
	uint64_t counts[8];
	char name[32];

	(void)state;
	meta_map_init(&m);
	struct vrv_tree_builder *b = new_builder(&m);
	for (size_t i = 0, added = 0; added < 5000; i++) {
		int n = snprintf(name, sizeof(name), "%08zu", i);
		if ((vrv_siphash(&m.key, name, n) & 0xff) == 0)
			continue;
		vrv_buf_clear(&entry);
		put_file(&entry, name, 0);
		add_entry(b, &entry);
		added++;
	}
	assert_int_equal(vrv_tree_builder_finish(b, &ref, &err), 0);
	assert_int_equal(leaf_counts(&m, &ref, counts, 8), 3);
	assert_int_equal(counts[0], 2048);
	assert_int_equal(counts[1], 2048);
	assert_int_equal(counts[2], 5000 - 4096);
	vrv_tree_builder_free(b);
	meta_map_fini(&m);
}

/* An entry of about `bulk` bytes. */
static void
put_bulky(struct vrv_buf *b, const char *name, size_t bulk)
{
	vrv_auto_buf struct vrv_buf list = {0};
	struct vrv_entry_xattr x = {.value = calloc(1, VRV_XATTR_INLINE_MAX)};
	size_t n = (bulk + VRV_XATTR_INLINE_MAX - 1) / VRV_XATTR_INLINE_MAX;
	char xname[32];

	assert_non_null(x.value);
	vrv_buf_v(&list, n);
	for (size_t i = 0; i < n; i++) {
		snprintf(xname, sizeof(xname), "user.%04zu", i);
		x.name = (uint8_t *)xname;
		x.name_n = strlen(xname);
		x.size = vrv_min(bulk, VRV_XATTR_INLINE_MAX);
		bulk -= x.size;
		vrv_xattr_put(&list, &x);
	}
	struct vrv_entry e = {
	    .kind = 4,
	    .flags = VRV_ENTRY_XATTRS,
	    .name = (const uint8_t *)name,
	    .name_n = strlen(name),
	    .xattrs = list.data,
	    .xattrs_n = list.len,
	};
	vrv_entry_put(b, &e);
	free((void *)(uintptr_t)x.value);
}

/* Large entries: leaves end before they are too long; an entry that is longer
 * stands alone; one that no chunk can hold is refused. */
static void
test_size_cut(void **state)
{
	struct meta_map m;
	vrv_auto_buf struct vrv_buf entry = {0};
	struct vrv_ref ref;
	struct vrv_entry e;
	struct varve_err err;
	uint64_t counts[64];
	char name[32];

	(void)state;
	meta_map_init(&m);
	struct vrv_tree_builder *b = new_builder(&m);
	for (size_t i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "%03zu", i);
		vrv_buf_clear(&entry);
		put_bulky(&entry, name, i == 50 ? 300000 : 20000);
		add_entry(b, &entry);
	}
	assert_int_equal(vrv_tree_builder_finish(b, &ref, &err), 0);
	size_t n = leaf_counts(&m, &ref, counts, 64);
	size_t alone = 0, sum = 0;
	for (size_t i = 0; i < n; i++) {
		alone += sum == 50 && counts[i] == 1;
		sum += counts[i];
		assert_true(counts[i] <= VRV_LEAF_BYTES / 20000);
	}
	assert_int_equal(alone, 1);
	assert_int_equal(sum, 100);

	struct vrv_tree_iter *it = new_iter(&m, &ref);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(vrv_tree_iter_next(it, &e, NULL, &err), 0);
	vrv_tree_iter_free(it);

	vrv_buf_clear(&entry);
	put_bulky(&entry, "x", VRV_META_MAX);
	assert_int_equal(vrv_tree_builder_add(b, (const uint8_t *)"x", 1,
			     entry.data, entry.len, &err),
	    VARVE_LIMIT);
	vrv_tree_builder_free(b);
	meta_map_fini(&m);
}

/* Long names fill nodes by size. */
static void
test_long_names(void **state)
{
	struct meta_map m;
	vrv_auto_buf struct vrv_buf entry = {0};
	struct vrv_ref ref;
	struct vrv_entry e;
	struct varve_err err;
	char name[VRV_ENTRY_NAME_MAX + 1];

	(void)state;
	meta_map_init(&m);
	memset(name, 'n', sizeof(name));
	name[VRV_ENTRY_NAME_MAX] = '\0';
	struct vrv_tree_builder *b = new_builder(&m);
	for (unsigned i = 0; i < 6000; i++) {
		snprintf(name, 9, "%08u", i);
		name[8] = 'n';
		vrv_buf_clear(&entry);
		put_file(&entry, name, 0);
		add_entry(b, &entry);
	}
	assert_int_equal(vrv_tree_builder_finish(b, &ref, &err), 0);
	struct vrv_tree_iter *it = new_iter(&m, &ref);
	for (unsigned i = 0; i < 6000; i++) {
		assert_int_equal(vrv_tree_iter_next(it, &e, NULL, &err), 0);
		assert_int_equal(strtoul((const char *)e.name, NULL, 10), i);
	}
	assert_int_equal(vrv_tree_iter_next(it, &e, NULL, &err), VARVE_NOENT);
	vrv_tree_iter_free(it);
	vrv_tree_builder_free(b);
	meta_map_fini(&m);
}

static int
add(struct vrv_tree_builder *b, const char *name, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf entry = {0};

	put_file(&entry, "x", 0);
	return vrv_tree_builder_add(b, (const uint8_t *)name, strlen(name),
	    entry.data, entry.len, err);
}

static void
test_refused(void **state)
{
	static const char *const bad[] = {"b", "a", "", ".", "..", "c/d"};
	struct meta_map m;
	struct vrv_ref ref;
	struct varve_err err;

	(void)state;
	meta_map_init(&m);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct vrv_tree_builder *b = new_builder(&m);
		assert_int_equal(add(b, "b", &err), 0);
		assert_int_equal(add(b, bad[i], &err), VARVE_INTERNAL);
		vrv_tree_builder_free(b);
	}
	/* The next directory begins anew. */
	struct vrv_tree_builder *b = new_builder(&m);
	assert_int_equal(add(b, "b", &err), 0);
	assert_int_equal(vrv_tree_builder_finish(b, &ref, &err), 0);
	assert_int_equal(add(b, "a", &err), 0);
	assert_int_equal(vrv_tree_builder_finish(b, &ref, &err), 0);
	vrv_tree_builder_free(b);
	meta_map_fini(&m);
}

/* A store that fails ends the directory, wherever it happens. */
static void
test_sink_fails(void **state)
{
	struct meta_map m;
	vrv_auto_buf struct vrv_buf entry = {0};
	struct vrv_ref ref;
	struct varve_err err;
	char name[32];
	int rc = 0;

	(void)state;
	for (size_t fail = 1; rc == 0 || fail < 8; fail++) {
		meta_map_init(&m);
		m.fail_put = fail;
		struct vrv_tree_builder *b = new_builder(&m);
		for (size_t i = 0; rc == 0 && i < 1000; i++) {
			int n = snprintf(name, sizeof(name), "%08zu", i);
			vrv_buf_clear(&entry);
			put_file(&entry, name, 0);
			rc = vrv_tree_builder_add(b, (uint8_t *)name, n,
			    entry.data, entry.len, &err);
		}
		if (rc == 0)
			rc = vrv_tree_builder_finish(b, &ref, &err);
		vrv_tree_builder_free(b);
		bool hit = m.puts >= fail;
		meta_map_fini(&m);
		if (!hit) {
			assert_int_equal(rc, 0);
			break;
		}
		assert_int_equal(rc, VARVE_IO);
		rc = 0;
	}
}

int
run_tree_tests(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_local),
	    cmocka_unit_test(test_seek),
	    cmocka_unit_test(test_numbers),
	    cmocka_unit_test(test_count_cut),
	    cmocka_unit_test(test_size_cut),
	    cmocka_unit_test(test_long_names),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_sink_fails),
	};

	return cmocka_run_group_tests_name("trees", tests, NULL, NULL);
}

int
main(void)
{
	int failed = run_tree_tests();

	failed += run_damage_tests();
	failed += run_list_tests();
	failed += run_walk_tests();
	failed += run_bounds_tests();
	return failed != 0;
}
