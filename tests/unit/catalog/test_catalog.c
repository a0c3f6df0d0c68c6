/* SPDX-License-Identifier: BSD-2-Clause */
/* The catalog against a model: random trees over many archives, which come in
 * any order, go and get other names. */
#include "catalog_fixture.h"

#include <string.h>

/* Archives in any order of time, several at once, deleted, renamed. */
static void
test_model(void **state)
{
	struct fixture *f = setup();

	(void)state;
	while (f->n < ARCHIVES) {
		unsigned series = roll(f, SERIES);

		change_tree(f, &f->now[series], f->n < 4 ? 100 : roll(f, 12));
		add_archive(f, series,
		    roll(f, 4) == 0 ? roll(f, 1000) : (int64_t)f->n * 5);
		if (roll(f, 4) == 0)
			f->archives[roll(f, (unsigned)f->n)].exists = false;
		if (roll(f, 4) == 0) {
			struct archive *x =
			    &f->archives[roll(f, (unsigned)f->n)];
			x->a.clear.revision++;
			x->name[0]++;
		}
		if (roll(f, 3) == 0)
			continue;
		if (roll(f, 5) == 0)
			reopen(f);
		update(f);
		if (roll(f, 4) == 0)
			check_all(f);
	}
	update(f);
	check_all(f);
	/* All of a series go: nothing of it is left. */
	for (size_t i = 0; i < f->n; i++)
		f->archives[i].exists =
		    f->archives[i].exists && f->archives[i].series == 1;
	update(f);
	check_all(f);
	for (size_t i = 0; i < f->n; i++)
		f->archives[i].exists = false;
	update(f);
	check_all(f);
	struct vrv_catalog_status status;
	struct varve_err err;
	assert_int_equal(vrv_catalog_status(f->c, &status, &err), 0);
	assert_int_equal(status.archives, 0);
	assert_int_equal(status.versions, 0);
	assert_int_equal(status.dirs, 0);
	teardown(f);
}

/* A tree that is known is not read, and nothing is done when nothing is new. */
static void
test_reads(void **state)
{
	struct fixture *f = setup();

	(void)state;
	change_tree(f, &f->now[0], 200);
	f->now[0].state[1] = 1;
	add_archive(f, 0, 1);
	update(f);
	assert_int_equal(f->change.archives, 1);
	assert_true(f->m.gets > 1);
	add_archive(f, 0, 2);
	update(f);
	assert_int_equal(f->change.archives, 1);
	assert_int_equal(f->change.entries, 0);
	assert_int_equal(f->m.gets, 0);
	update(f);
	assert_int_equal(f->change.archives, 0);
	/* One file at the top: only that directory is read. */
	f->now[0].state[0] = f->now[0].state[0] == 3 ? 4 : 3;
	add_archive(f, 0, 3);
	update(f);
	assert_int_equal(f->m.gets, 1);
	check_all(f);
	teardown(f);
}

/* What no archive holds is removed in the end. */
static void
test_sweep(void **state)
{
	struct fixture *f = setup();
	struct vrv_catalog_status before, after;
	struct varve_err err;

	(void)state;
	for (int i = 0; i < 60; i++) {
		change_tree(f, &f->now[0], 30);
		add_archive(f, 0, i);
	}
	update(f);
	assert_int_equal(vrv_catalog_status(f->c, &before, &err), 0);
	for (int i = 0; i < 50; i++)
		f->archives[i].exists = false;
	update(f);
	assert_int_equal(f->change.removed, 50);
	check_all(f);
	assert_int_equal(vrv_catalog_status(f->c, &after, &err), 0);
	assert_int_equal(after.archives, 10);
	assert_true(after.versions < before.versions / 3);
	/* So few are not worth it. */
	f->archives[50].exists = false;
	before = after;
	update(f);
	assert_int_equal(vrv_catalog_status(f->c, &after, &err), 0);
	assert_true(after.versions <= before.versions);
	check_all(f);
	teardown(f);
}

/* A series is covered when it is asked for, and stays so. */
static void
test_covers(void **state)
{
	struct fixture *f = setup();

	(void)state;
	f->covered[1] = false;
	for (unsigned s = 0; s < SERIES; s++) {
		change_tree(f, &f->now[s], 20);
		add_archive(f, s, 1 + (int)s);
	}
	update(f);
	assert_int_equal(f->change.archives, 1);
	f->covered[1] = true;
	update(f);
	assert_int_equal(f->change.archives, 1);
	f->covered[1] = false;
	add_archive(f, 1, 5);
	update(f);
	assert_int_equal(f->change.archives, 1);
	check_all(f);
	teardown(f);
}

/* An archive of which a directory is gone or damaged is left out, nothing of
 * it is seen, and it is taken when it can be read again. */
static void
test_unreadable(void **state)
{
	struct fixture *f = setup();
	struct vrv_buf *chunk;

	(void)state;
	change_tree(f, &f->now[0], 100);
	add_archive(f, 0, 1);
	change_tree(f, &f->now[0], 100);
	f->now[0].state[4] = 1;
	f->now[0].state[child_of(4, 1)] = 5;
	add_archive(f, 0, 2);
	change_tree(f, &f->now[0], 100);
	f->now[0].state[4] = 1;
	f->now[0].state[child_of(4, 1)] = 4;
	add_archive(f, 0, 3);
	struct vrv_ref ref = build(f, &f->archives[1].tree, 4);
	chunk = meta_map_chunk(&f->m, ref.id);
	chunk->data[0] ^= 1;
	update(f);
	assert_int_equal(f->failed, 1);
	assert_int_equal(f->change.failed, 1);
	assert_int_equal(f->change.archives, 2);
	f->archives[1].exists = false;
	check_all(f);
	f->archives[1].exists = true;
	chunk->data[0] ^= 1;
	update(f);
	assert_int_equal(f->failed, 1);
	assert_int_equal(f->change.archives, 1);
	check_all(f);
	teardown(f);
}

static bool
only_odd(void *arg, const struct vrv_catalog_series *s,
    const struct vrv_catalog_archive *a)
{
	(void)arg;
	(void)s;
	return a->logical[0] % 2 == 1;
}

/* Only archives that are wanted exist. */
static void
test_want(void **state)
{
	struct fixture *f = setup();

	(void)state;
	for (int i = 0; i < 20; i++) {
		change_tree(f, &f->now[i % 2], 20);
		add_archive(f, (unsigned)i % 2, i);
	}
	update(f);
	for (size_t i = 0; i < f->n; i += 2)
		f->archives[i].exists = false;
	vrv_catalog_want(f->c, only_odd, NULL);
	check_all(f);
	vrv_catalog_want(f->c, NULL, NULL);
	for (size_t i = 0; i < f->n; i += 2)
		f->archives[i].exists = true;
	update(f);
	check_all(f);
	teardown(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_model),
	    cmocka_unit_test(test_reads),
	    cmocka_unit_test(test_sweep),
	    cmocka_unit_test(test_covers),
	    cmocka_unit_test(test_unreadable),
	    cmocka_unit_test(test_want),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
