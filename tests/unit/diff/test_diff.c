/* SPDX-License-Identifier: BSD-2-Clause */
/* Differences of trees: what is told, in which order, and what is not read. */
#include "diff/diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meta_map.h"

struct fixture {
	struct meta_map m;
	struct vrv_archive a, b;
	struct vrv_buf root_a, root_b;
	struct varve_diff_options options;
	vrv_owner_fn *owner;
	char log[1024]; /* "path changes +added -removed\n" */
	int fail;
};

static void
setup(struct fixture *f)
{
	*f = (struct fixture){.options = VARVE_DIFF_OPTIONS_INIT};
	meta_map_init(&f->m);
}

static void
teardown(struct fixture *f)
{
	vrv_buf_fini(&f->root_a);
	vrv_buf_fini(&f->root_b);
	meta_map_fini(&f->m);
}

static const char letters[] = "ARCKTMOmcXFD"; /* bits of enum varve_change */

static int
on_difference(void *arg, const struct vrv_difference *d, struct varve_err *err)
{
	struct fixture *f = arg;
	char bits[16] = "";

	for (size_t i = 0, n = 0; i < sizeof(letters) - 1; i++)
		if (d->changes & 1u << i)
			bits[n++] = letters[i];
	assert_int_equal(d->old == NULL, (d->changes & 1) != 0);
	assert_int_equal(d->new == NULL, (d->changes & 2) != 0);
	size_t n = strlen(f->log);
	snprintf(f->log + n, sizeof(f->log) - n, "%s %s +%llu -%llu\n", d->path,
	    bits, (unsigned long long)d->added, (unsigned long long)d->removed);
	return f->fail == 0 ? 0 : vrv_fail(err, f->fail, "enough");
}

static int
run(struct fixture *f, struct varve_err *err)
{
	f->log[0] = '\0';
	f->m.gets = 0;
	return vrv_diff_from(&f->m.source, &f->a, &f->b, &f->options, f->owner,
	    f, on_difference, f, err);
}

static void
expect(struct fixture *f, const char *log)
{
	struct varve_err err;

	assert_int_equal(run(f, &err), 0);
	assert_string_equal(f->log, log);
}

/* A directory of these entries, each encoded. */
static struct vrv_ref
dir_of(struct meta_map *m, struct vrv_buf *entries, size_t n)
{
	struct vrv_tree_builder *b;
	struct vrv_ref ref;
	struct varve_err err;

	assert_int_equal(vrv_tree_builder_new(&m->sink, &b, &err), 0);
	for (size_t i = 0; i < n; i++) {
		add_entry(b, &entries[i]);
		vrv_buf_fini(&entries[i]);
	}
	assert_int_equal(vrv_tree_builder_finish(b, &ref, &err), 0);
	vrv_tree_builder_free(b);
	return ref;
}

/* A directory with one entry. */
static struct vrv_ref
dir_with(struct meta_map *m, const struct vrv_entry *e)
{
	struct vrv_buf entry = {0};

	vrv_entry_put(&entry, e);
	return dir_of(m, &entry, 1);
}

/* old: d{a, gone}, same{...}, was_file, z     new: d{a', new}, same{...},
 * was_file{inner}, z */
static void
test_order(void **state)
{
	struct fixture f;
	struct vrv_buf e[4] = {{0}};

	(void)state;
	setup(&f);
	struct vrv_ref same = build_files(&f.m, 1000, SIZE_MAX);
	put_file(&e[0], "a", 1);
	put_file(&e[1], "gone", 2);
	struct vrv_ref d = dir_of(&f.m, e, 2);
	put_dir(&e[0], "d", 0, &d);
	put_dir(&e[1], "same", 0, &same);
	put_file(&e[2], "was_file", 7);
	put_file(&e[3], "z", 3);
	f.a.sealed.root = dir_of(&f.m, e, 4);

	put_file(&e[0], "a", 5);
	put_file(&e[1], "new", 4);
	d = dir_of(&f.m, e, 2);
	put_file(&e[0], "inner", 6);
	struct vrv_ref inner = dir_of(&f.m, e, 1);
	put_dir(&e[0], "d", 0, &d);
	put_dir(&e[1], "same", 0, &same);
	put_dir(&e[2], "was_file", 0, &inner);
	put_file(&e[3], "z", 3);
	f.b.sealed.root = dir_of(&f.m, e, 4);

	expect(&f,
	    "d/a C +5 -1\nd/gone R +0 -2\nd/new A +4 -0\n"
	    "was_file K +0 -7\nwas_file/inner A +6 -0\n");
	/* Two roots, two times d, inner: nothing of `same`. */
	assert_int_equal(f.m.gets, 5);

	struct varve_err err;
	f.fail = VARVE_CANCELLED;
	assert_int_equal(run(&f, &err), VARVE_CANCELLED);
	assert_string_equal(f.log, "d/a C +5 -1\n");
	teardown(&f);
}

static void
test_equal(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	f.a.sealed.root = build_files(&f.m, 5000, SIZE_MAX);
	f.b.sealed.root = f.a.sealed.root;
	expect(&f, "");
	assert_int_equal(f.m.gets, 0);
	/* One of many entries, in the middle. */
	f.b.sealed.root = build_files(&f.m, 5000, 2500);
	expect(&f, "f00002500 R +0 -1\n");
	teardown(&f);
}

static void
test_metadata(void **state)
{
	struct fixture f;
	const struct vrv_entry base = {
	    .kind = VARVE_SYMLINK,
	    .flags = VRV_ENTRY_IFLAGS,
	    .name = (const uint8_t *)"l",
	    .name_n = 1,
	    .mode = 0777,
	    .mtime = {5, 5},
	    .ctime = {6, 6},
	    .target = (const uint8_t *)"there",
	    .target_n = 5,
	};
	struct vrv_entry e = base;

	(void)state;
	setup(&f);
	f.a.sealed.root = dir_with(&f.m, &base);
	e.mode = 0700;
	e.uid = 1;
	e.mtime.ns = 6;
	e.ctime.s = 7;
	e.iflags = 1;
	e.flags |= VRV_ENTRY_XATTRS;
	e.xattrs = (const uint8_t *)"\1\1a\2x";
	e.xattrs_n = 5;
	e.target = (const uint8_t *)"There";
	f.b.sealed.root = dir_with(&f.m, &e);
	expect(&f, "l TMOmcXF +0 -0\n");
	f.options.content_only = true;
	expect(&f, "l T +0 -0\n");
	f.options.content_only = false;

	/* What one side did not record is no difference. */
	e = base;
	e.ctime = (struct vrv_time){0, 0};
	e.flags = 0;
	f.b.sealed.root = dir_with(&f.m, &e);
	expect(&f, "");

	e = base;
	e.kind = VARVE_CHAR;
	e.flags = 0;
	e.target_n = 0;
	f.a.sealed.root = dir_with(&f.m, &e);
	e.minor = 1;
	f.b.sealed.root = dir_with(&f.m, &e);
	expect(&f, "l D +0 -0\n");
	teardown(&f);
}

/* On the old side 1 is "ann", on the new side 2 is; 3 has no name. */
static const char *
owner(void *arg, int side, bool group, uint32_t id)
{
	(void)arg;
	if (group || id == 3)
		return NULL;
	return id == (side == 0 ? 1u : 2u) ? "ann" : "bob";
}

static void
test_owners(void **state)
{
	struct fixture f;
	struct vrv_entry e = {
	    .kind = VARVE_FIFO,
	    .name = (const uint8_t *)"p",
	    .name_n = 1,
	    .uid = 1,
	};

	(void)state;
	setup(&f);
	f.owner = owner;
	f.a.sealed.root = dir_with(&f.m, &e);
	e.uid = 2;
	f.b.sealed.root = dir_with(&f.m, &e);
	expect(&f, "");
	f.options.numeric_ids = true;
	expect(&f, "p O +0 -0\n");
	f.options.numeric_ids = false;
	e.uid = 1; /* somebody else now */
	e.mode = 1;
	f.b.sealed.root = dir_with(&f.m, &e);
	expect(&f, "p MO +0 -0\n");
	e.uid = 3; /* nobody knows: by id */
	e.mode = 0;
	f.b.sealed.root = dir_with(&f.m, &e);
	expect(&f, "p O +0 -0\n");
	teardown(&f);
}

/* A long file: what is added and removed counts chunks of one side only. */
static struct vrv_ref
long_file(struct meta_map *m, uint32_t from, uint32_t to)
{
	struct vrv_list_builder *b;
	vrv_auto_buf struct vrv_buf content = {0};
	struct vrv_entry e = {
	    .kind = VARVE_FILE,
	    .name = (const uint8_t *)"big",
	    .name_n = 3,
	};
	struct varve_err err;

	assert_int_equal(vrv_list_builder_new(&m->sink, &b, &err), 0);
	for (uint32_t i = from; i < to; i++) {
		struct vrv_extent x = {.length = 10, .hole = i % 10 == 0};
		if (!x.hole)
			vrv_blake2b(x.id, sizeof(x.id), NULL, &i, sizeof(i));
		e.size += x.length;
		assert_int_equal(vrv_list_builder_add(b, &x, &err), 0);
	}
	assert_int_equal(vrv_list_builder_finish(b, &content, &err), 0);
	vrv_list_builder_free(b);
	e.content = content.data;
	e.content_n = content.len;
	return dir_with(m, &e);
}

static void
test_content(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	f.a.sealed.root = long_file(&f.m, 0, 5000);
	f.b.sealed.root = long_file(&f.m, 3, 5001);
	/* Chunks 1 and 2 went; 5000 is a hole and no chunk. */
	expect(&f, "big C +0 -20\n");
	f.b.sealed.root = long_file(&f.m, 0, 5010);
	expect(&f, "big C +90 -0\n");
	teardown(&f);
}

static unsigned
match(void *arg, const char *path, bool is_dir)
{
	struct fixture *f = arg;

	assert_non_null(f);
	assert_string_not_equal(path, "way");
	assert_int_equal(is_dir, strcmp(path, "way/d") == 0);
	return strcmp(path, "way/d") == 0  ? VARVE_MATCH_RECURSE :
	    strcmp(path, "way/d/yes") == 0 ? VARVE_MATCH_INCLUDE :
					     0;
}

static void
test_match(void **state)
{
	struct fixture f;
	struct vrv_buf e[3] = {{0}};

	(void)state;
	setup(&f);
	f.options.match = match;
	f.options.match_arg = &f;
	for (int side = 0; side < 2; side++) {
		put_file(&e[0], "no", 1 + side);
		put_file(&e[1], "yes", 1 + side);
		struct vrv_ref d = dir_of(&f.m, e, 2);
		put_dir(&e[0], "d", 0, &d);
		put_file(&e[1], "x", 1 + side);
		struct vrv_ref way = dir_of(&f.m, e, 2);
		put_dir(&e[0], "way", VRV_ENTRY_WAY, &way);
		struct vrv_ref root = dir_of(&f.m, e, 1);
		if (side == 0)
			f.a.sealed.root = root;
		else
			f.b.sealed.root = root;
	}
	expect(&f, "way/d/yes C +2 -1\n");
	teardown(&f);
}

/* The roots themselves, where both archives know them. */
static void
test_roots(void **state)
{
	struct fixture f;
	struct varve_err err;

	(void)state;
	setup(&f);
	f.a.sealed.root = f.b.sealed.root = build_files(&f.m, 3, SIZE_MAX);
	put_dir(&f.root_a, ".", 0, &f.a.sealed.root);
	f.a.sealed.root_entry = (struct vrv_text){f.root_a.data, f.root_a.len};
	expect(&f, "");
	struct vrv_entry e;
	assert_int_equal(vrv_root_entry_get(f.root_a.data, f.root_a.len, &e,
			     &err),
	    0);
	e.mode = 0700;
	vrv_entry_put(&f.root_b, &e);
	f.b.sealed.root_entry = (struct vrv_text){f.root_b.data, f.root_b.len};
	expect(&f, ". M +0 -0\n");

	/* A listing that cannot be read ends the comparison. */
	f.b.sealed.root = build_files(&f.m, 4, SIZE_MAX);
	meta_map_chunk(&f.m, f.b.sealed.root.id)->data[0] = 'X';
	assert_int_equal(run(&f, &err), VARVE_CORRUPT);
	teardown(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_equal),
	    cmocka_unit_test(test_metadata),
	    cmocka_unit_test(test_owners),
	    cmocka_unit_test(test_content),
	    cmocka_unit_test(test_match),
	    cmocka_unit_test(test_roots),
	};

	return cmocka_run_group_tests_name("diff", tests, NULL, NULL);
}
