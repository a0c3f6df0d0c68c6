/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers of nodes: what they stand for, that equal things have equal ones,
 * and what is kept of a million of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mount/nodes.h"
#include "task/task.h"

static struct vrv_archive
archive(uint8_t number)
{
	static const char name[] = "an archive";
	struct vrv_archive a = {0};

	memset(a.clear.logical, number, sizeof(a.clear.logical));
	a.sealed.name =
	    (struct vrv_text){(const uint8_t *)name, sizeof(name) - 1};
	a.sealed.nominal.s = number;
	memset(a.sealed.root.id, number, VRV_CHUNK_ID);
	return a;
}

static struct vrv_mounted *
meet(struct vrv_nodes *nodes, uint8_t number)
{
	const struct vrv_archive a = archive(number);
	struct vrv_mounted *mounted;
	struct varve_err err;

	assert_int_equal(vrv_nodes_archive(nodes, &a, false, &mounted, &err),
	    0);
	return mounted;
}

static uint64_t
enter(struct vrv_nodes *nodes, const struct vrv_dirnode *dir, uint32_t leaf,
    uint32_t ordinal)
{
	struct vrv_tree_place place = {.ordinal = ordinal};
	struct varve_err err;
	uint64_t node;

	memcpy(place.leaf, &leaf, sizeof(leaf));
	assert_int_equal(vrv_nodes_enter(nodes, dir, &place, &node, &err), 0);
	return node;
}

static void
test_made(void **state)
{
	static const enum vrv_made kinds[] = {VRV_MADE_ARCHIVES, VRV_MADE_HOSTS,
	    VRV_MADE_SERIES, VRV_MADE_LATEST, VRV_MADE_GROUP,
	    VRV_MADE_GROUP_LINK, VRV_MADE_GROUP_LATEST, VRV_MADE_ARCHIVE};
	static const uint32_t numbers[] = {0, 1, 77777, (1u << 28) - 1};

	(void)state;
	assert_int_equal(vrv_node_made(VRV_MADE_ROOT, 0, 0), VRV_NODE_ROOT);
	assert_int_equal(vrv_node_parse(VRV_NODE_ROOT).kind, VRV_MADE_ROOT);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		for (size_t k = 0; k < 16; k++) {
			uint32_t group = numbers[k / 4], a = numbers[k % 4];
			struct vrv_made_node node =
			    vrv_node_parse(vrv_node_made(kinds[i], group, a));
			assert_int_equal(node.kind, kinds[i]);
			assert_int_equal(node.group, group);
			assert_int_equal(node.archive, a);
		}
	}
}

static void
test_entries(void **state)
{
	struct vrv_nodes *nodes = vrv_nodes_new();
	struct vrv_leafnode leaf;
	uint32_t ordinal;

	(void)state;
	struct vrv_mounted *a = meet(nodes, 1), *b = meet(nodes, 2);
	assert_ptr_equal(meet(nodes, 1), a);
	assert_ptr_equal(vrv_nodes_archive_at(nodes, a->number), a);
	assert_ptr_equal(vrv_nodes_archive_at(nodes, b->number), b);
	assert_null(vrv_nodes_archive_at(nodes, 2));
	assert_ptr_equal(vrv_nodes_dir(nodes, a->node), a->root);
	assert_string_equal(a->name, "an archive");

	uint64_t first = enter(nodes, a->root, 5, 0);
	uint64_t next = enter(nodes, a->root, 5, 1);
	assert_int_equal(next, first + 1);
	assert_int_equal(enter(nodes, a->root, 5, 0), first);
	/* The same chunk in another folder is something else. */
	uint64_t other = enter(nodes, b->root, 5, 0);
	assert_int_not_equal(other, first);
	assert_int_equal(vrv_node_parse(first).kind, VRV_MADE_NOT);
	assert_true(first > VRV_NODE_ROOT);
	assert_true(vrv_nodes_leaf(nodes, next, &leaf, &ordinal));
	assert_int_equal(ordinal, 1);
	assert_int_equal(leaf.id[0], 5);
	assert_ptr_equal(leaf.dir, a->root);
	assert_true(vrv_nodes_leaf(nodes, other, &leaf, &ordinal));
	assert_ptr_equal(leaf.dir, b->root);
	/* Numbers that were never given. */
	assert_false(vrv_nodes_leaf(nodes, 7, &leaf, &ordinal));
	assert_false(vrv_nodes_leaf(nodes, UINT64_MAX, &leaf, &ordinal));
	vrv_nodes_free(nodes);
	vrv_nodes_free(NULL);
}

static void
test_dirs(void **state)
{
	struct vrv_nodes *nodes = vrv_nodes_new();
	struct vrv_dirnode *dir, *again;
	struct varve_err err;

	(void)state;
	struct vrv_mounted *a = meet(nodes, 1);
	struct vrv_dirnode as = {
	    .node = enter(nodes, a->root, 1, 3),
	    .parent = a->root,
	    .archive = a,
	    .ino = 77,
	};
	assert_null(vrv_nodes_dir(nodes, as.node));
	assert_int_equal(vrv_nodes_visit(nodes, &as, "a/b", &dir, &err), 0);
	assert_int_equal(vrv_nodes_visit(nodes, &as, "a/b", &again, &err), 0);
	assert_ptr_equal(dir, again);
	assert_ptr_equal(vrv_nodes_dir(nodes, as.node), dir);
	assert_string_equal(dir->path, "a/b");
	assert_int_equal(dir->ino, 77);
	assert_int_equal(vrv_nodes_visit(nodes, a->root, NULL, &dir, &err), 0);
	assert_ptr_equal(dir, a->root);
	assert_null(dir->path);
	vrv_nodes_free(nodes);
}

/* A million files cost nothing beyond their leaves. */
static void
test_memory(void **state)
{
	struct vrv_nodes *nodes = vrv_nodes_new();

	(void)state;
	struct vrv_mounted *a = meet(nodes, 1);
	size_t before = vrv_nodes_bytes(nodes);
	for (uint32_t i = 0; i < 1000000; i++)
		enter(nodes, a->root, i / 256, i % 256);
	assert_true(vrv_nodes_bytes(nodes) - before < 4000 * 300);
	vrv_nodes_free(nodes);
}

static void
test_inos(void **state)
{
	const struct vrv_archive a = archive(1), b = archive(2);
	uint64_t root = vrv_ino_of_archive(a.clear.logical);

	(void)state;
	assert_int_equal(vrv_ino_of_archive(a.clear.logical), root);
	assert_int_not_equal(vrv_ino_of_archive(b.clear.logical), root);
	uint64_t x = vrv_ino_of_name(root, "x", 1);
	assert_int_equal(vrv_ino_of_name(root, "x", 1), x);
	assert_int_not_equal(vrv_ino_of_name(root, "y", 1), x);
	assert_int_not_equal(vrv_ino_of_name(x, "x", 1), x);
	assert_int_not_equal(vrv_ino_of_linked(root, 5),
	    vrv_ino_of_linked(root, 6));
	assert_int_not_equal(vrv_ino_of_linked(root, 5),
	    vrv_ino_of_linked(x, 5));
}

struct racer {
	struct vrv_nodes *nodes;
	struct vrv_mounted *a;
	uint64_t sum;
};

static int
race(void *arg, struct varve_err *err)
{
	struct racer *r = arg;

	for (uint32_t i = 0; i < 20000; i++) {
		struct vrv_tree_place place = {.ordinal = i % 10};
		uint32_t leaf = i / 10 % 500, ordinal;
		struct vrv_leafnode at;
		uint64_t node;

		memcpy(place.leaf, &leaf, sizeof(leaf));
		int rc =
		    vrv_nodes_enter(r->nodes, r->a->root, &place, &node, err);
		if (rc != 0)
			return rc;
		if (!vrv_nodes_leaf(r->nodes, node, &at, &ordinal) ||
		    ordinal != i % 10)
			return vrv_fail(err, VARVE_INTERNAL, "another leaf");
		r->sum += node;
	}
	return 0;
}

static void
test_race(void **state)
{
	struct vrv_nodes *nodes = vrv_nodes_new();
	struct racer racers[4] = {{0}};
	struct vrv_group *group = vrv_group_new();
	struct varve_err err;

	(void)state;
	struct vrv_mounted *a = meet(nodes, 1);
	for (size_t i = 0; i < 4; i++) {
		racers[i] = (struct racer){nodes, a, 0};
		assert_int_equal(vrv_group_start(group, "race", race,
				     &racers[i], &err),
		    0);
	}
	assert_int_equal(vrv_group_join(group, &err), 0);
	for (size_t i = 1; i < 4; i++)
		assert_int_equal(racers[i].sum, racers[0].sum);
	vrv_group_free(group);
	vrv_nodes_free(nodes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_made),
	    cmocka_unit_test(test_entries),
	    cmocka_unit_test(test_dirs),
	    cmocka_unit_test(test_memory),
	    cmocka_unit_test(test_inos),
	    cmocka_unit_test(test_race),
	};

	return cmocka_run_group_tests_name("nodes", tests, NULL, NULL);
}
