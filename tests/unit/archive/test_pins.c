/* SPDX-License-Identifier: BSD-2-Clause */
/* What a client remembers of each series: which archives must be there. */
#include "archive_fixture.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MUST(call) assert_int_equal((call), 0)

static void
refused(struct fixture *f)
{
	struct vrv_archives *list;
	struct varve_err err;

	assert_int_equal(vrv_archives_load(f->repo, &list, &err), VARVE_AUTH);
	assert_int_equal(err.exit, VARVE_EXIT_REPLAY);
	fixture_reopen(f, false);
	assert_int_equal(vrv_archives_load(f->repo, &list, &err), VARVE_AUTH);
	assert_int_equal(err.exit, VARVE_EXIT_REPLAY);
}

/* The next run refuses a repository in which this object is missing. */
static void
refused_without(struct fixture *f, const struct vrv_name *name)
{
	delete_object(f, name);
	fixture_reopen(f, false);
	refused(f);
}

/* What the next run loads. */
static void
expect_again(struct fixture *f, size_t n, size_t damaged)
{
	fixture_reopen(f, false);
	expect(f, n, damaged);
}

/* Go on as the client before this one. */
static void
earlier_client(struct fixture *f)
{
	f->client--;
	fixture_reopen(f, false);
}

/* Change a byte of an object, also for who keeps it in a cache. */
static void
spoil(struct fixture *f, const struct vrv_name *name)
{
	char path[256];

	flip_byte(f, name, 80);
	snprintf(path, sizeof(path), "%s/archives", vrv_repo_cache(f->repo));
	(void)unlink(path);
}

/* Pins of archives with this first byte; all of them for 0. */
static size_t
pins_of(struct fixture *f, uint8_t which)
{
	struct vrv_pin *pins;
	struct varve_err err;
	size_t n, count = 0;

	MUST(vrv_repo_state_pins(f->repo, &pins, &n, &err));
	for (size_t i = 0; i < n; i++)
		count += which == 0 || pins[i].logical[0] == which;
	free(pins);
	return count;
}

/* Archives 1 to n, each of which follows up to eight before it. */
static void
commit_chain(struct fixture *f, struct vrv_archive *chain, uint8_t n)
{
	for (uint8_t i = 1; i <= n; i++) {
		struct vrv_archive *a = &chain[i];

		*a = some_archive(f, i);
		for (uint8_t k = 1; k < i && k <= VRV_PREVIOUS_MAX; k++)
			memset(a->clear.previous[a->clear.n_previous++], i - k,
			    VRV_LOGICAL_ID);
		commit(f, a);
	}
}

static void
test_missing(void **state)
{
	struct fixture *f = *state;
	char name[VRV_NAME_SIZE];
	struct varve_err err;
	uint8_t *bytes;
	size_t n;
	struct vrv_archive a = some_archive(f, 1), b = some_archive(f, 2);

	commit(f, &a);
	commit(f, &b);
	expect_again(f, 2, 0);
	refused_without(f, &b.object);
	/* Somebody who was never here cannot know. */
	fixture_reopen(f, true);
	expect(f, 1, 0);
	/* What was seen is remembered, not only what was committed. */
	vrv_name_print(&a.object, name);
	MUST(vrv_store_get_all(f->store, name, VRV_MAX_RECORD, &bytes, &n,
	    &err));
	refused_without(f, &a.object);
	MUST(vrv_store_put(f->store, name, bytes, n, &err));
	free(bytes);
	bury(f, &a);
	delete_object(f, &a.object);
	expect(f, 0, 0);
}

static void
test_message(void **state)
{
	struct fixture *f = *state;
	struct vrv_archives *list;
	struct varve_err err;
	struct vrv_archive chain[6];

	commit_chain(f, chain, 5);
	for (int i = 2; i <= 5; i++)
		delete_object(f, &chain[i].object);
	assert_int_equal(vrv_archives_load(f->repo, &list, &err), VARVE_AUTH);
	assert_non_null(strstr(err.message, "(repository "));
	assert_non_null(strstr(err.message,
	    "4 archives that were never deleted are missing: "
	    "aid:0202020202020202, aid:0303030303030303, "
	    "aid:0404040404040404 and 1 more"));
}

/* A revision goes back. */
static void
test_revision(void **state)
{
	struct fixture *f = *state;
	struct vrv_archive a = some_archive(f, 1), b = a;

	commit(f, &a);
	b.clear.revision = 1;
	commit(f, &b);
	refused_without(f, &b.object);
}

/* Another client renames the archive: its new revision is what must be there,
 * and the object of the old one excuses nothing. */
static void
test_renamed(void **state)
{
	struct fixture *f = *state;
	struct vrv_archives *list;
	struct varve_err err;
	struct vrv_archive a = some_archive(f, 1), b = after(f, 2, 1, 0);

	commit(f, &a);
	commit(f, &b);
	fixture_reopen(f, true);
	MUST(vrv_archive_rename(f->repo, &a, "old", &err));
	MUST(vrv_archive_rename(f->repo, &b, "new", &err));
	earlier_client(f);
	must_load(f, &list);
	assert_int_equal(list->n, 2);
	for (size_t i = 0; i < list->n_all; i++) {
		if (list->all[i]->clear.revision == 1)
			delete_object(f, &list->all[i]->object);
	}
	vrv_archives_free(list);
	spoil(f, &a.object);
	spoil(f, &b.object);
	fixture_reopen(f, false);
	refused(f);
}

/* Two clients append at the same time: both archives must be there, until one
 * follows both. */
static void
test_fork(void **state)
{
	struct fixture *f = *state;
	struct vrv_archive a = some_archive(f, 1);
	struct vrv_archive b = after(f, 2, 1, 0), c = after(f, 3, 1, 0);

	commit(f, &a);
	commit(f, &b);
	commit(f, &c);
	/* For somebody who only saw it. */
	fixture_reopen(f, true);
	expect(f, 3, 0);
	assert_int_equal(pins_of(f, 2), 1);
	assert_int_equal(pins_of(f, 3), 1);
	struct vrv_archive d = after(f, 4, 3, 2, 1, 0);
	fixture_reopen(f, true);
	commit(f, &d);
	earlier_client(f);
	expect(f, 4, 0);
	assert_int_equal(pins_of(f, 4), 1);
	refused_without(f, &b.object);
}

/* A clock that is wrong freezes nothing: what follows counts, not what claims
 * to be later. */
static void
test_wrong_clock(void **state)
{
	struct fixture *f = *state;
	struct vrv_archive a = some_archive(f, 200);

	commit(f, &a);
	struct vrv_archive b = after(f, 2, 200, 0);
	fixture_reopen(f, true);
	commit(f, &b);
	struct vrv_archive c = after(f, 3, 2, 200, 0);
	commit(f, &c);
	earlier_client(f);
	expect(f, 3, 0);
	refused_without(f, &c.object);
}

/* What was pinned stays while nothing that can be read stands for it. */
static void
test_no_step_back(void **state)
{
	struct fixture *f = *state;
	struct vrv_archive chain[13];

	commit_chain(f, chain, 12);
	expect_again(f, 12, 0);
	assert_int_equal(pins_of(f, 0), 8);
	assert_int_equal(pins_of(f, 12), 1);
	assert_int_equal(pins_of(f, 4), 0);
	/* The newest is damaged: no less is remembered afterwards. */
	spoil(f, &chain[12].object);
	expect_again(f, 11, 1);
	assert_int_equal(pins_of(f, 12), 1);
	expect_again(f, 11, 1);
	refused_without(f, &chain[12].object);
}

/* The store goes back and leaves something broken to hide it. */
static void
test_masked(void **state)
{
	struct fixture *f = *state;
	struct vrv_archive chain[11];

	commit_chain(f, chain, 10);
	/* One that only saw them knows as much. */
	fixture_reopen(f, true);
	expect(f, 10, 0);
	spoil(f, &chain[10].object);
	for (int i = 6; i < 10; i++)
		delete_object(f, &chain[i].object);
	fixture_reopen(f, false);
	refused(f);
	earlier_client(f);
	refused(f);
}

/* Another unreadable object of the series is no excuse. */
static void
test_other_damage(void **state)
{
	struct fixture *f = *state;
	struct vrv_archive chain[4];

	commit_chain(f, chain, 3);
	spoil(f, &chain[1].object);
	expect_again(f, 2, 1);
	refused_without(f, &chain[3].object);
}

/* The newest is deleted: its tombstone must stay, and so must the others. */
static void
test_deleted(void **state)
{
	struct fixture *f = *state;
	struct vrv_name tombstone;
	struct vrv_archive chain[4];

	commit_chain(f, chain, 3);
	bury_seen(f, &chain[3], &tombstone);
	expect(f, 2, 0);
	delete_object(f, &chain[3].object);
	expect_again(f, 2, 0);
	assert_int_equal(pins_of(f, 3), 1);
	assert_int_equal(pins_of(f, 2), 1);
	struct vrv_archive d = after(f, 4, 2, 1, 0);
	commit(f, &d);
	expect_again(f, 3, 0);

	/* That the tombstone cannot be read excuses nothing. */
	spoil(f, &tombstone);
	fixture_reopen(f, false);
	refused(f);
	spoil(f, &tombstone);
	expect_again(f, 3, 0);
}

/* All are deleted: what was pinned stays so. */
static void
test_all_deleted(void **state)
{
	struct fixture *f = *state;
	struct vrv_archive chain[4];

	commit_chain(f, chain, 3);
	for (int i = 1; i <= 3; i++)
		bury(f, &chain[i]);
	expect_again(f, 0, 0);
	assert_int_equal(pins_of(f, 0), 3);
	/* The next one counts although it follows none. */
	struct vrv_archive d = some_archive(f, 4);
	fixture_reopen(f, true);
	commit(f, &d);
	earlier_client(f);
	expect(f, 1, 0);
	refused_without(f, &d.object);
}

static void
refused_with(struct fixture *f, const char *text)
{
	struct vrv_archives *list;
	struct varve_err err;

	refused(f);
	assert_int_equal(vrv_archives_load(f->repo, &list, &err), VARVE_AUTH);
	if (strstr(err.message, text) == NULL)
		fail_msg("%s", err.message);
	fixture_look(f);
	must_load(f, &list);
	vrv_archives_free(list);
	fixture_reopen(f, false);
}

/* A deletion is undone: who deleted it knows, though it was not pinned, and so
 * does who saw that a pinned one was deleted. */
static void
test_undone(void **state)
{
	struct fixture *f = *state;
	struct vrv_name first, last;
	struct vrv_archive chain[13];

	commit_chain(f, chain, 12);
	expect(f, 12, 0);
	assert_int_equal(pins_of(f, 1), 0);
	fixture_reopen(f, true);
	expect(f, 12, 0);
	earlier_client(f);
	bury_seen(f, &chain[1], &first);
	bury_seen(f, &chain[11], &last);
	expect_again(f, 10, 0);
	/* The live ones do not take their room. */
	assert_int_equal(pins_of(f, 1), 1);
	assert_int_equal(pins_of(f, 11), 1);
	fixture_reopen(f, true);
	expect(f, 10, 0);

	delete_object(f, &last);
	fixture_reopen(f, false);
	refused_with(f, "1 archive that was deleted is back: aid:0b0b");
	delete_object(f, &first);
	earlier_client(f);
	refused_with(f, "2 archives that were deleted are back: aid:0101");
}

/* More deletions than are remembered: the last ones are. */
static void
test_many_deleted(void **state)
{
	struct fixture *f = *state;
	struct vrv_name last;
	struct vrv_archive chain[13];

	commit_chain(f, chain, 12);
	const struct vrv_archive *all[11];
	struct varve_err err;
	for (int i = 2; i <= 12; i++)
		all[i - 2] = &chain[i];
	MUST(vrv_archive_bury(f->repo, all, 11, &err));
	assert_int_equal(pins_of(f, 0), 12);
	expect(f, 1, 0);
	assert_int_equal(pins_of(f, 0), 9);
	bury_seen(f, &chain[1], &last);
	expect_again(f, 0, 0);
	delete_object(f, &last);
	fixture_reopen(f, false);
	refused_with(f, "1 archive that was deleted is back: aid:0101");
}

/* Nothing lives any more: who only saw that remembers it, too. */
static void
test_all_undone(void **state)
{
	struct fixture *f = *state;
	struct vrv_name tombstones[4];
	struct vrv_archive chain[4];

	commit_chain(f, chain, 3);
	fixture_reopen(f, true);
	for (int i = 1; i <= 3; i++)
		bury_seen(f, &chain[i], &tombstones[i]);
	earlier_client(f);
	expect(f, 0, 0);
	for (int i = 1; i <= 3; i++)
		delete_object(f, &tombstones[i]);
	fixture_reopen(f, false);
	refused_with(f, "3 archives that were deleted are back: aid:0101");
}

/* A bad tombstone is damage, which is told, and excuses what it buried itself,
 * as long as it is there. */
static void
test_bad_tombstone(void **state)
{
	struct fixture *f = *state;
	struct vrv_name first, second;
	struct vrv_archive chain[4];

	commit_chain(f, chain, 3);
	bury_seen(f, &chain[1], &first);
	bury_seen(f, &chain[2], &second);
	expect(f, 1, 0);
	spoil(f, &second);
	expect_again(f, 2, 1);
	assert_non_null(strstr(f->notes, "tombstone cannot be read"));
	expect_again(f, 2, 1);
	/* It is not the tombstone of the first. */
	delete_object(f, &first);
	fixture_reopen(f, false);
	refused_with(f, "1 archive that was deleted is back: aid:0101");
	delete_object(f, &second);
	fixture_reopen(f, false);
	refused_with(f, "2 archives that were deleted are back: aid:0101");
}

/* The object of a renamed archive is broken: its old name must not be shown
 * instead. Without the old object it is damage. */
static void
test_masked_revision(void **state)
{
	struct fixture *f = *state;
	struct vrv_archives *list;
	struct vrv_name renamed;
	struct varve_err err;
	struct vrv_archive a = some_archive(f, 1), b = after(f, 2, 1, 0);

	commit(f, &a);
	commit(f, &b);
	MUST(vrv_archive_rename(f->repo, &b, "new", &err));
	must_load(f, &list);
	renamed = vrv_archives_get(list, b.clear.logical)->object;
	vrv_archives_free(list);
	spoil(f, &renamed);
	fixture_reopen(f, false);
	refused_with(f,
	    "1 archive is shown as it was before a change that cannot be "
	    "read: aid:0202");
	delete_object(f, &b.object);
	expect_again(f, 1, 1);
	fixture_look(f);
	expect(f, 1, 1);
}

/* A pinned one is deleted between the two listings. */
static void
test_deleted_meanwhile(void **state)
{
	struct fixture *f = *state;
	struct vrv_archive chain[3];

	commit_chain(f, chain, 2);
	bury_during_list(f, &chain[2]);
	expect(f, 1, 0);
	assert_string_equal(f->notes, "");
}

/* Two runs of two series at once. */
static void
test_overlap(void **state)
{
	struct fixture *f = *state;
	struct fixture slow;
	struct vrv_archive a = some_archive(f, 1), b = some_archive(f, 2);

	commit(f, &a);
	slow = *f;
	/* A second handle with the folders of the first. */
	f->repo = NULL;
	fixture_reopen(f, false);
	b.sealed.series.p = (const uint8_t *)"mail";
	b.sealed.series.n = 4;
	vrv_repo_tag(f->repo, "host", "mail", b.object.tag);
	commit(f, &b);
	struct vrv_archive c = after(&slow, 3, 1, 0);
	commit(&slow, &c);
	vrv_repo_close(slow.repo);
	refused_without(f, &b.object);
}

/* An older copy is looked at, and nothing of that is remembered. */
static void
test_look(void **state)
{
	struct fixture *f = *state;
	struct varve_err err;
	struct vrv_archive chain[4];

	commit_chain(f, chain, 3);
	delete_object(f, &chain[3].object);
	fixture_look(f);
	expect(f, 2, 0);
	assert_non_null(strstr(f->notes,
	    "1 archive that was never deleted is missing: aid:0303"));
	assert_int_equal(vrv_archive_rename(f->repo, &chain[2], "x", &err),
	    VARVE_USAGE);
	const struct vrv_archive *first = &chain[1];
	assert_int_equal(vrv_archive_bury(f->repo, &first, 1, &err),
	    VARVE_USAGE);
	fixture_reopen(f, false);
	refused(f);
}

/* More heads than pins: the choice is stable, and an archive of this client is
 * pinned all the same. */
static void
test_many_heads(void **state)
{
	struct fixture *f = *state;

	for (uint8_t i = 1; i <= 12; i++) {
		struct vrv_archive a = some_archive(f, i);
		commit(f, &a);
	}
	assert_int_equal(pins_of(f, 0), 12);
	expect(f, 12, 0);
	assert_int_equal(pins_of(f, 0), 12);
	fixture_reopen(f, true);
	expect(f, 12, 0);
	assert_int_equal(pins_of(f, 0), 8);
	assert_int_equal(pins_of(f, 12), 1);
	struct vrv_archive b = some_archive(f, 13);
	commit(f, &b);
	expect(f, 13, 0);
	assert_int_equal(pins_of(f, 13), 1);
	struct vrv_archive c = after(f, 14, 13, 12, 11, 10, 9, 8, 7, 6, 0);
	commit(f, &c);
	expect(f, 14, 0);
	assert_int_equal(pins_of(f, 14), 1);
}

int
run_pin_tests(void)
{
	const struct CMUnitTest tests[] = {
	    FIXTURE_TEST(test_missing),
	    FIXTURE_TEST(test_message),
	    FIXTURE_TEST(test_revision),
	    FIXTURE_TEST(test_renamed),
	    FIXTURE_TEST(test_fork),
	    FIXTURE_TEST(test_wrong_clock),
	    FIXTURE_TEST(test_no_step_back),
	    FIXTURE_TEST(test_masked),
	    FIXTURE_TEST(test_other_damage),
	    FIXTURE_TEST(test_deleted),
	    FIXTURE_TEST(test_all_deleted),
	    FIXTURE_TEST(test_undone),
	    FIXTURE_TEST(test_many_deleted),
	    FIXTURE_TEST(test_all_undone),
	    FIXTURE_TEST(test_bad_tombstone),
	    FIXTURE_TEST(test_masked_revision),
	    FIXTURE_TEST(test_deleted_meanwhile),
	    FIXTURE_TEST(test_overlap),
	    FIXTURE_TEST(test_look),
	    FIXTURE_TEST(test_many_heads),
	};

	return cmocka_run_group_tests_name("pins", tests, NULL, NULL);
}
