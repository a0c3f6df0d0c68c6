/* SPDX-License-Identifier: BSD-2-Clause */
/* Walking an archive: order, patterns, leaving, damage. */
#include "meta_map.h"

#include <stdio.h>
#include <string.h>

#include <varve/event.h>

#include "archive/archive.h"

/* root: . { a, home(way) { u { x, y } }, z(dir) {} } */
struct fixture {
	struct meta_map m;
	struct vrv_ref u;
	struct vrv_archive archive;
	struct vrv_buf root_entry;
	char log[512];
	int stop_rc;
};

static struct vrv_ref
dir_of(struct meta_map *m, const struct vrv_buf *entries, size_t n)
{
	struct vrv_tree_builder *b;
	struct vrv_ref ref;
	struct varve_err err;

	assert_int_equal(vrv_tree_builder_new(&m->sink, &b, &err), 0);
	for (size_t i = 0; i < n; i++)
		add_entry(b, &entries[i]);
	assert_int_equal(vrv_tree_builder_finish(b, &ref, &err), 0);
	vrv_tree_builder_free(b);
	return ref;
}

static void
setup(struct fixture *f)
{
	struct vrv_buf e[6] = {{0}};

	*f = (struct fixture){0};
	meta_map_init(&f->m);
	put_file(&e[0], "x", 1);
	put_file(&e[1], "y", 2);
	f->u = dir_of(&f->m, &e[0], 2);
	put_dir(&e[2], "u", 0, &f->u);
	struct vrv_ref home = dir_of(&f->m, &e[2], 1);
	struct vrv_ref z = dir_of(&f->m, NULL, 0);
	put_file(&e[3], "a", 0);
	put_dir(&e[4], "home", VRV_ENTRY_WAY, &home);
	put_dir(&e[5], "z", 0, &z);
	f->archive.sealed.root = dir_of(&f->m, &e[3], 3);
	for (size_t i = 0; i < 6; i++)
		vrv_buf_fini(&e[i]);
}

static void
teardown(struct fixture *f)
{
	vrv_buf_fini(&f->root_entry);
	meta_map_fini(&f->m);
}

static void
note(struct fixture *f, const char *text)
{
	size_t n = strlen(f->log);

	snprintf(f->log + n, sizeof(f->log) - n, "%s ", text);
}

static int
on_item(void *arg, const struct vrv_walk_item *item, struct varve_err *err)
{
	struct fixture *f = arg;
	char text[128];
	unsigned depth = strcmp(item->path, ".") == 0 ? 0 : 1;

	assert_int_equal(strlen(item->path), item->path_n);
	for (const char *p = item->path; *p != '\0'; p++)
		depth += *p == '/';
	assert_int_equal(item->depth, depth);
	const char *base = strrchr(item->path, '/');
	base = base == NULL ? item->path : base + 1;
	assert_int_equal(item->entry->name_n, strlen(base));
	assert_memory_equal(item->entry->name, base, strlen(base));
	snprintf(text, sizeof(text), "%s%s", item->leaving ? "<" : "",
	    item->path);
	note(f, text);
	return f->stop_rc == 0 ? 0 : vrv_fail(err, f->stop_rc, "stopped");
}

static int
on_damaged(void *arg, const char *path, struct varve_err *err)
{
	struct fixture *f = arg;
	char text[128];

	(void)err;
	snprintf(text, sizeof(text), "!%s", path);
	note(f, text);
	return 0;
}

/* Everything but x, and nothing is asked of "home". */
static unsigned
match(void *arg, const char *path, bool is_dir)
{
	(void)arg;
	assert_string_not_equal(path, "home");
	assert_int_equal(is_dir,
	    path[strlen(path) - 1] == 'u' || path[strlen(path) - 1] == 'z' ||
		path[0] == '.');
	if (strcmp(path, "home/u") == 0)
		return VARVE_MATCH_RECURSE;
	if (strcmp(path, "home/u/y") == 0)
		return VARVE_MATCH_INCLUDE;
	return 0;
}

static int
run(struct fixture *f, struct vrv_walk w, struct varve_err *err)
{
	w.source = f->m.source;
	w.fn = on_item;
	w.arg = f;
	f->log[0] = '\0';
	return vrv_walk_archive(&w, &f->archive, err);
}

static void
test_walk(void **state)
{
	struct fixture f;
	struct varve_err err;

	(void)state;
	setup(&f);
	assert_int_equal(run(&f, (struct vrv_walk){0}, &err), 0);
	assert_string_equal(f.log, "a home home/u home/u/x home/u/y z ");
	assert_int_equal(run(&f, (struct vrv_walk){.want_leaving = true}, &err),
	    0);
	assert_string_equal(f.log,
	    "a home home/u home/u/x home/u/y <home/u <home z <z ");
	assert_int_equal(run(&f,
			     (struct vrv_walk){.match = match,
				 .want_leaving = true},
			     &err),
	    0);
	assert_string_equal(f.log, "home home/u/y <home ");

	f.stop_rc = VARVE_NOENT;
	assert_int_equal(run(&f, (struct vrv_walk){0}, &err), VARVE_NOENT);
	assert_string_equal(f.log, "a ");
	teardown(&f);
}

static void
test_root_entry(void **state)
{
	struct fixture f;
	struct varve_err err;
	struct vrv_walk w = {.want_leaving = true};

	(void)state;
	setup(&f);
	put_dir(&f.root_entry, ".", 0, &f.archive.sealed.root);
	f.archive.sealed.root_entry =
	    (struct vrv_text){f.root_entry.data, f.root_entry.len};
	assert_int_equal(run(&f, w, &err), 0);
	assert_string_equal(f.log,
	    ". a home home/u home/u/x home/u/y <home/u <home z <z <. ");
	w.match = match;
	assert_int_equal(run(&f, w, &err), 0);
	assert_string_equal(f.log, "home home/u/y <home ");
	w.match = NULL;

	/* An entry that names another tree is not believed, the tree is. */
	f.archive.sealed.root = f.u;
	assert_int_equal(run(&f, w, &err), VARVE_CORRUPT);
	w.damaged = on_damaged;
	assert_int_equal(run(&f, w, &err), 0);
	assert_string_equal(f.log, "!. x y ");
	teardown(&f);
}

static void
test_damaged(void **state)
{
	struct fixture f;
	struct varve_err err;

	(void)state;
	setup(&f);
	meta_map_chunk(&f.m, f.u.id)->data[0] = 'X';
	assert_int_equal(run(&f, (struct vrv_walk){0}, &err), VARVE_CORRUPT);
	assert_string_equal(f.log, "a home home/u ");
	assert_int_equal(run(&f,
			     (struct vrv_walk){.damaged = on_damaged,
				 .want_leaving = true},
			     &err),
	    0);
	/* The callback is given the walk's own argument. */
	assert_string_equal(f.log, "a home home/u !home/u <home/u <home z <z ");
	f.archive.sealed.root.depth = VRV_TREE_DEPTH_MAX + 1;
	assert_int_equal(run(&f, (struct vrv_walk){.damaged = on_damaged},
			     &err),
	    0);
	assert_string_equal(f.log, "!. ");
	teardown(&f);
}

static int
count_item(void *arg, const struct vrv_walk_item *item, struct varve_err *err)
{
	unsigned *deepest = arg;

	(void)err;
	*deepest = item->depth;
	return 0;
}

/* As deep as the system allows and deeper, up to the limit of the path. */
static void
test_deep(void **state)
{
	struct fixture f;
	struct varve_err err;
	vrv_auto_buf struct vrv_buf entry = {0};
	char name[201];

	(void)state;
	setup(&f);
	memset(name, 'd', 200);
	name[200] = '\0';
	struct vrv_ref ref = dir_of(&f.m, NULL, 0);
	for (int i = 0; i < 6000; i++) {
		vrv_buf_clear(&entry);
		put_dir(&entry, name, VRV_ENTRY_WAY, &ref);
		ref = dir_of(&f.m, &entry, 1);
	}
	f.archive.sealed.root = ref;
	unsigned deepest = 0;
	struct vrv_walk w = {
	    .source = f.m.source,
	    .fn = count_item,
	    .arg = &deepest,
	};
	assert_int_equal(vrv_walk_archive(&w, &f.archive, &err), VARVE_LIMIT);
	assert_int_equal(deepest, VRV_WALK_PATH_MAX / 201);
	teardown(&f);
}

struct peak {
	struct vrv_meta_source inner;
	size_t items, leaving;
	uint64_t sum;
};

static int
on_deep(void *arg, const struct vrv_walk_item *item, struct varve_err *err)
{
	struct peak *peak = arg;

	(void)err;
	/* Told right again when it is left: "a" is the directory, "b" follows
	 * what is in it. */
	const char *base = strrchr(item->path, '/');
	base = base == NULL ? item->path : base + 1;
	assert_int_equal(item->entry->name_n, strlen(base));
	assert_memory_equal(item->entry->name, base, strlen(base));
	peak->leaving += item->leaving;
	peak->items += !item->leaving;
	return 0;
}

/* Directories of a deep tree let go of their chunks and read them again. */
static void
test_rest(void **state)
{
	enum {
		LEVELS = 100
	};
	struct fixture f;
	struct varve_err err;
	struct peak peak = {0};

	(void)state;
	setup(&f);
	struct vrv_ref ref = dir_of(&f.m, NULL, 0);
	for (int i = 0; i < LEVELS; i++) {
		struct vrv_buf e[3] = {{0}};
		put_dir(&e[0], "a", 0, &ref);
		put_file(&e[1], "b", 1);
		put_file(&e[2], "c", (uint64_t)i + 1);
		ref = dir_of(&f.m, e, 3);
		for (int j = 0; j < 3; j++)
			vrv_buf_fini(&e[j]);
	}
	f.archive.sealed.root = ref;
	size_t before = f.m.gets;
	const struct vrv_walk w = {
	    .source = f.m.source,
	    .fn = on_deep,
	    .arg = &peak,
	    .want_leaving = true,
	};
	assert_int_equal(vrv_walk_archive(&w, &f.archive, &err), 0);
	assert_int_equal(peak.items, 3 * LEVELS);
	assert_int_equal(peak.leaving, LEVELS);
	/* Each but the deepest VRV_LEVELS_HELD is read twice. */
	assert_int_equal(f.m.gets - before, 2 * (LEVELS + 1) - VRV_LEVELS_HELD);
	teardown(&f);
}

/* An iterator goes on where it rested, in each leaf of a large directory. */
static void
test_rest_anywhere(void **state)
{
	struct meta_map m;
	struct vrv_tree_iter *it;
	struct vrv_entry entry, again;
	struct varve_err err;
	char name[16];
	size_t n = 0;

	(void)state;
	meta_map_init(&m);
	struct vrv_ref ref = build_files(&m, 3000, SIZE_MAX);
	assert_int_equal(vrv_tree_iter_new(&m.source, &ref, &it, &err), 0);
	vrv_tree_iter_rest(it);
	for (;; n++) {
		int rc = vrv_tree_iter_next(it, &entry, NULL, &err);
		if (rc == VARVE_NOENT)
			break;
		assert_int_equal(rc, 0);
		snprintf(name, sizeof(name), "f%08zu", n);
		assert_int_equal(entry.name_n, strlen(name));
		assert_memory_equal(entry.name, name, entry.name_n);
		if (n % 7 == 0)
			vrv_tree_iter_rest(it);
		if (n % 3 == 0) {
			assert_int_equal(vrv_tree_iter_again(it, &again, &err),
			    0);
			assert_memory_equal(again.name, name, again.name_n);
		}
	}
	assert_int_equal(n, 3000);
	vrv_tree_iter_free(it);
	meta_map_fini(&m);
}

int
run_walk_tests(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_walk),
	    cmocka_unit_test(test_root_entry),
	    cmocka_unit_test(test_damaged),
	    cmocka_unit_test(test_deep),
	    cmocka_unit_test(test_rest),
	    cmocka_unit_test(test_rest_anywhere),
	};

	return cmocka_run_group_tests_name("walk", tests, NULL, NULL);
}
