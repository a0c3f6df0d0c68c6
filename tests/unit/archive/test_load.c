/* SPDX-License-Identifier: BSD-2-Clause */
/* Loading archives: revisions, tombstones, conflicts, alarms, the cache. */
#include "archive_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "faultstore.h"

#define MUST(call) assert_int_equal((call), 0)

static void
expect_counts(struct fixture *f, size_t n, size_t damaged, size_t missing)
{
	struct vrv_archives *list;

	must_load(f, &list);
	assert_int_equal(list->n, n);
	assert_int_equal(list->damaged, damaged);
	assert_int_equal(list->missing, missing);
	vrv_archives_free(list);
}

static void
test_cache(void **state)
{
	struct fixture *f = *state;
	struct vrv_archives *list;
	char path[256];

	expect_counts(f, 0, 0, 0);
	for (uint8_t i = 3; i > 0; i--) {
		struct vrv_archive a = some_archive(f, i);
		commit(f, &a);
	}
	fixture_reopen(f, false);
	must_load(f, &list);
	assert_int_equal(list->n, 3);
	assert_int_equal(hooks_count(&f->hooks, "get archives/"), 3);
	for (size_t i = 0; i < 3; i++) {
		const struct vrv_archive *a = list->items[i];
		assert_int_equal(a->sealed.nominal.s, i + 1);
		assert_int_equal(a->clear.logical[0], i + 1);
		assert_memory_equal(a->sealed.name.p, "noon", 4);
		assert_ptr_equal(vrv_archives_get(list, a->clear.logical), a);
	}
	assert_true(vrv_archives_has_name(list, "noon"));
	assert_false(vrv_archives_has_name(list, "nine"));
	vrv_archives_free(list);

	fixture_reopen(f, false);
	expect_counts(f, 3, 0, 0);
	assert_int_equal(hooks_count(&f->hooks, "get archives/"), 0);

	/* A cut or changed file costs fetches of what it lost. */
	snprintf(path, sizeof(path), "%s/archives", vrv_repo_cache(f->repo));
	FILE *file = fopen(path, "r+b");
	assert_non_null(file);
	MUST(fseek(file, 0, SEEK_END));
	long size = ftell(file);
	MUST(fseek(file, size - 5, SEEK_SET));
	int c = fgetc(file);
	MUST(fseek(file, size - 5, SEEK_SET));
	fputc(c ^ 1, file);
	MUST(fclose(file));
	fixture_reopen(f, false);
	expect_counts(f, 3, 0, 0);
	assert_int_equal(hooks_count(&f->hooks, "get archives/"), 1);
	MUST(truncate(path, size / 2));
	fixture_reopen(f, false);
	expect_counts(f, 3, 0, 0);
	assert_in_range(hooks_count(&f->hooks, "get archives/"), 1, 2);
	MUST(truncate(path, 3));
	fixture_reopen(f, false);
	expect_counts(f, 3, 0, 0);
	assert_int_equal(hooks_count(&f->hooks, "get archives/"), 3);
	fixture_reopen(f, false);
	expect_counts(f, 3, 0, 0);
	assert_int_equal(hooks_count(&f->hooks, "get archives/"), 0);
}

/* Names that writers refuse, and readers do not. */
static void
test_names(void **state)
{
	static const char *const refused[] = {"", ".", "..", "aid:", "aid:1234",
	    " a", "a ", " ", "a/b", "/", "a\n", "\x7f", "a\xc2\x85",
	    "a\xe2\x80\xae", "\xff", "a\xc3", "\xc0\xaf", "\xed\xa0\x80"};
	static const char *const fine[] = {"a", "...", "a b", "aid", "xaid:1",
	    "\xc3\xa4\xe2\x82\xac", "a:b", "-", "\\"};
	struct fixture *f = *state;
	struct vrv_archives *list;
	struct varve_err err;
	struct vrv_archive a = some_archive(f, 1);

	a.sealed.name.p = (const uint8_t *)"aid:12345678 ";
	a.sealed.name.n = 13;
	commit(f, &a);
	must_load(f, &list);
	assert_int_equal(list->n, 1);
	assert_true(vrv_archives_has_name(list, "aid:12345678 "));
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(vrv_archive_name_check(refused[i], &err),
		    VARVE_USAGE);
		assert_int_equal(vrv_archive_rename(f->repo, list->items[0],
				     refused[i], &err),
		    VARVE_USAGE);
	}
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
		MUST(vrv_archive_name_check(fine[i], &err));
	MUST(vrv_archive_rename(f->repo, list->items[0], "good", &err));
	vrv_archives_free(list);
	must_load(f, &list);
	assert_int_equal(list->n, 1);
	assert_true(vrv_archives_has_name(list, "good"));
	vrv_archives_free(list);
}

static void
test_revisions(void **state)
{
	struct fixture *f = *state;
	struct vrv_archives *list;
	struct varve_err err;
	struct vrv_archive a = some_archive(f, 1);

	commit(f, &a);
	assert_int_equal(vrv_archive_rename(f->repo, &a, "", &err),
	    VARVE_USAGE);
	MUST(vrv_archive_rename(f->repo, &a, "midnight", &err));
	must_load(f, &list);
	assert_int_equal(list->n, 1);
	assert_int_equal(list->n_all, 2);
	assert_int_equal(list->items[0]->clear.revision, 1);
	assert_true(vrv_archives_has_name(list, "midnight"));
	assert_false(vrv_archives_has_name(list, "noon"));

	/* Deleting the old revision does not reach the new one. */
	bury(f, &a);
	expect_counts(f, 1, 0, 0);
	bury(f, list->items[0]);
	vrv_archives_free(list);
	must_load(f, &list);
	assert_int_equal(list->n, 0);
	assert_null(vrv_archives_get(list, a.clear.logical));
	assert_true(vrv_archives_is_buried(list, a.clear.logical, 0));
	assert_true(vrv_archives_is_buried(list, a.clear.logical, 1));
	assert_false(vrv_archives_is_buried(list, a.clear.logical, 2));
	vrv_archives_free(list);

	/* The next revision lives again. */
	a.clear.revision = 2;
	commit(f, &a);
	expect_counts(f, 1, 0, 0);
	assert_string_equal(f->notes, "");
}

static void
test_conflict(void **state)
{
	struct fixture *f = *state;
	struct vrv_archive a = some_archive(f, 1), b = some_archive(f, 1);

	commit(f, &a);
	commit(f, &b);
	expect_counts(f, 2, 0, 0);
	assert_non_null(strstr(f->notes, "another object is revision 0"));
	bury(f, &a);
	expect_counts(f, 0, 0, 0);
}

static void
test_missing(void **state)
{
	struct fixture *f = *state;
	struct vrv_archive a = some_archive(f, 1), b = after(f, 2, 1, 0);

	commit(f, &a);
	commit(f, &b);
	expect_counts(f, 2, 0, 0);
	/* A deleted one may go. */
	bury(f, &a);
	expect_counts(f, 1, 0, 0);
	delete_object(f, &a.object);
	expect_counts(f, 1, 0, 0);
	assert_string_equal(f->notes, "");

	struct vrv_archive c = after(f, 3, 2, 9, 0);
	commit(f, &c);
	expect_counts(f, 2, 0, 1);
	assert_non_null(strstr(f->notes, "aid:0909"));
	assert_null(strstr(f->notes, "aid:0202"));
}

/* Deleted and collected between the two listings: no alarm. */
static void
test_deleted_meanwhile(void **state)
{
	struct fixture *f = *state;
	struct vrv_archive a = some_archive(f, 1), b = after(f, 2, 1, 0);

	commit(f, &a);
	commit(f, &b);
	bury_during_list(f, &a);
	expect_counts(f, 1, 0, 0);
	assert_null(f->hooks.before);
	assert_string_equal(f->notes, "");
}

struct creation {
	struct fixture *f;
	const char *follower; /* read after the listing showed it */
	char name[VRV_NAME_SIZE];
	uint8_t *bytes;
	size_t n;
	int rc;
};

static void
create_now(void *arg, const char *op, const char *name)
{
	struct creation *c = arg;
	struct varve_err err;

	if (strcmp(op, "get") != 0 || strcmp(name, c->follower) != 0)
		return;
	c->f->hooks.before = NULL;
	c->rc = vrv_store_put(c->f->store, c->name, c->bytes, c->n, &err);
}

/* Both were stored while archives/ was listed, and the listing shows only the
 * one that follows the other: no alarm. */
static void
test_created_meanwhile(void **state)
{
	struct fixture *f = *state;
	char follower[VRV_NAME_SIZE];
	struct varve_err err;
	struct vrv_archive a = some_archive(f, 1), b = after(f, 2, 1, 0);
	struct creation c = {.f = f, .follower = follower, .rc = -1};

	commit(f, &a);
	commit(f, &b);
	vrv_name_print(&a.object, c.name);
	vrv_name_print(&b.object, follower);
	assert_int_equal(vrv_store_get_all(f->store, c.name, VRV_MAX_RECORD,
			     &c.bytes, &c.n, &err),
	    0);
	delete_object(f, &a.object);
	fixture_reopen(f, true);
	f->hooks.before = create_now;
	f->hooks.arg = &c;
	expect_counts(f, 2, 0, 0);
	assert_int_equal(c.rc, 0);
	assert_string_equal(f->notes, "");
	free(c.bytes);
}

/* Store an archive's object without the commit. */
static void
store_raw(struct fixture *f, struct vrv_archive *a, bool as_admin)
{
	vrv_auto_buf struct vrv_buf object = {0};
	vrv_auto_buf struct vrv_buf plain = {0};
	struct varve_err err;

	MUST(vrv_draft_begin(f->repo, &a->object, false, &object, &err));
	vrv_archive_clear_put(&object, &a->clear);
	vrv_archive_sealed_put(&plain, &a->sealed);
	MUST(vrv_draft_seal_meta(f->repo, &object, VRV_KEM_ARCHIVE, &plain,
	    &err));
	MUST(vrv_draft_store(f->repo, &a->object, &object, as_admin, &err));
}

static void
test_refused(void **state)
{
	struct fixture *f = *state;
	struct vrv_archives *list;
	struct varve_err err;
	struct vrv_archive good = some_archive(f, 1);

	commit(f, &good);
	/* A name that puts it into another series. */
	struct vrv_archive other = some_archive(f, 2);
	vrv_repo_tag(f->repo, "host", "mail", other.object.tag);
	store_raw(f, &other, false);
	/* A later revision by who may only write. */
	struct vrv_archive forged = some_archive(f, 1);
	forged.clear.revision = 7;
	store_raw(f, &forged, false);
	/* Damaged bytes; the newest, pinned one of its series, at that. */
	struct vrv_archive broken = some_archive(f, 3);
	commit(f, &broken);
	flip_byte(f, &broken.object, 300);
	/* No object at all. */
	MUST(vrv_store_put(f->store, "archives/readme", "x", 1, &err));
	MUST(vrv_store_put(f->store, "tombstones/readme", "x", 1, &err));

	fixture_reopen(f, false);
	must_load(f, &list);
	assert_int_equal(list->n, 1);
	assert_int_equal(list->items[0]->clear.revision, 0);
	assert_int_equal(list->damaged, 3);
	assert_int_equal(list->unknown, 2);
	assert_non_null(strstr(f->notes, "another series"));
	assert_non_null(strstr(f->notes, "not signed by an admin"));
	vrv_archives_free(list);
	vrv_archives_free(NULL);
}

/* A tombstone that cannot be read deletes nothing. */
static void
test_damaged_tombstone(void **state)
{
	struct fixture *f = *state;
	struct vrv_name name;
	struct vrv_archive a = some_archive(f, 1);

	commit(f, &a);
	bury_seen(f, &a, &name);
	flip_byte(f, &name, 80);
	expect_counts(f, 1, 1, 0);
	flip_byte(f, &name, 80);
	expect_counts(f, 0, 0, 0);
}

/* Deleting works without a free byte, whatever call notices that. */
static void
test_full_disk(void **state)
{
	struct fixture *f = *state;
	static const enum faultstore_op ops[] = {FAULT_PUT_BEGIN,
	    FAULT_PUT_WRITE, FAULT_PUT_COMMIT};
	struct faultstore_fault fault = {.nth = 1,
	    .prefix = "tombstones/",
	    .code = VARVE_IO,
	    .exit = VARVE_EXIT_NO_SPACE};
	struct varve_err err;

	f->store = faultstore_new(f->store);
	fixture_reopen(f, false);
	for (uint8_t i = 0; i < 3; i++) {
		struct vrv_archive a = some_archive(f, i + 1);

		commit(f, &a);
		fault.op = ops[i];
		faultstore_arm(f->store, &fault);
		bury(f, &a);
		assert_int_equal(faultstore_calls(f->store, FAULT_RELEASE),
		    i + 1);
		expect_counts(f, 0, 0, 0);
	}

	/* Once the reserve is used up, a full disk is an error. */
	struct vrv_archive last = some_archive(f, 4);
	const struct vrv_archive *a = &last;
	commit(f, &last);
	fault.persistent = true;
	faultstore_arm(f->store, &fault);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(vrv_archive_bury(f->repo, &a, 1, &err),
		    VARVE_IO);
		assert_int_equal(err.exit, VARVE_EXIT_NO_SPACE);
	}
	faultstore_arm(f->store, NULL);
	expect_counts(f, 1, 0, 0);
}

int
run_load_tests(void)
{
	const struct CMUnitTest tests[] = {
	    FIXTURE_TEST(test_cache),
	    FIXTURE_TEST(test_names),
	    FIXTURE_TEST(test_revisions),
	    FIXTURE_TEST(test_conflict),
	    FIXTURE_TEST(test_missing),
	    FIXTURE_TEST(test_deleted_meanwhile),
	    FIXTURE_TEST(test_created_meanwhile),
	    FIXTURE_TEST(test_refused),
	    FIXTURE_TEST(test_damaged_tombstone),
	    FIXTURE_TEST(test_full_disk),
	};

	return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}

int
main(void)
{
	int failed = run_load_tests();

	failed += run_pin_tests();
	failed += run_roll_tests();
	failed += run_commit_tests();
	failed += run_cache_tests();
	failed += run_lost_tests();
	fixture_template_fini();
	return failed != 0;
}
