/* SPDX-License-Identifier: BSD-2-Clause */
/* Rolls: archives that are known from them, deletions, dead intents. */
#include "archive_fixture.h"

#include <stdio.h>
#include <string.h>

#include "retire.h"
#include "rollwriter.h"

#define MUST(call) assert_int_equal((call), 0)

static void
commit_three(struct fixture *f, struct vrv_archive a[3])
{
	for (uint8_t i = 0; i < 3; i++) {
		a[i] = some_archive(f, (uint8_t)(i + 1));
		commit(f, &a[i]);
	}
}

static void
expect_all(struct fixture *f, size_t n, size_t damaged, size_t missing,
    unsigned gets)
{
	struct vrv_archives *list;

	must_load(f, &list);
	assert_int_equal(list->n, n);
	assert_int_equal(list->damaged, damaged);
	assert_int_equal(list->missing, missing);
	vrv_archives_free(list);
	assert_int_equal(hooks_count(&f->hooks, "get archives/"), gets);
}

/* What a roll holds whole is not read; what is only short, or of a form that
 * is not known, is. */
static void
test_no_reads(void **state)
{
	struct fixture *f = *state;
	struct roll_draft d = {0};
	struct vrv_archive a[3];
	struct vrv_archives *list;

	commit_three(f, a);
	roll_archive(&d, f->repo, &a[0], VRV_ROLL_WHOLE);
	roll_archive(&d, f->repo, &a[1], VRV_ROLL_WHOLE);
	roll_store(&d, f->repo, true, NULL);
	fixture_reopen(f, true);
	must_load(f, &list);
	assert_int_equal(list->n, 3);
	assert_int_equal(hooks_count(&f->hooks, "get archives/"), 1);
	for (size_t i = 0; i < 3; i++) {
		const struct vrv_archive *b = list->items[i];

		assert_memory_equal(b->clear.logical, a[i].clear.logical,
		    VRV_LOGICAL_ID);
		assert_memory_equal(&b->sealed.root, &a[i].sealed.root,
		    sizeof(b->sealed.root));
		assert_int_equal(b->sealed.nominal.s, a[i].sealed.nominal.s);
		assert_true(vrv_text_is(b->sealed.name, "noon"));
		assert_int_equal(b->is_rolled, i < 2);
	}
	vrv_archives_free(list);
	/* The roll itself is kept by the client. */
	fixture_reopen(f, false);
	expect_all(f, 3, 0, 0, 0);
	assert_int_equal(hooks_count(&f->hooks, "get rolls/"), 0);
}

static void
test_forms(void **state)
{
	struct fixture *f = *state;
	struct roll_draft d = {0};
	struct vrv_archive a[3];

	commit_three(f, a);
	roll_archive(&d, f->repo, &a[0], VRV_ROLL_SHORT);
	roll_archive(&d, f->repo, &a[1], 9);
	roll_archive(&d, f->repo, &a[2], VRV_ROLL_WHOLE);
	roll_store(&d, f->repo, true, NULL);
	fixture_reopen(f, true);
	expect_all(f, 3, 0, 0, 2);
}

static void
test_deleted(void **state)
{
	struct fixture *f = *state;
	struct roll_draft d = {0};
	struct vrv_archive a[3];
	struct vrv_archives *list;
	struct vrv_name tombstone, roll;
	bool deleted, unsure;
	char path[256];
	struct varve_err err;

	commit_three(f, a);
	bury_seen(f, &a[1], &tombstone);
	expect(f, 2, 0);
	roll_deleted(&d, &a[1]);
	roll_store(&d, f->repo, true, &roll);
	/* Both, then the roll alone, which is what the pin then needs. */
	expect(f, 2, 0);
	delete_object(f, &tombstone);
	fixture_reopen(f, false);
	expect(f, 2, 0);
	must_load(f, &list);
	assert_true(vrv_archives_is_buried(list, a[1].clear.logical, 0));
	assert_false(vrv_archives_is_buried(list, a[1].clear.logical, 1));
	vrv_archives_free(list);
	MUST(vrv_archive_is_deleted(f->repo, &a[1], NULL, &deleted, &unsure,
	    &err));
	assert_true(deleted);
	MUST(vrv_archive_is_deleted(f->repo, &a[0], NULL, &deleted, &unsure,
	    &err));
	assert_false(deleted);
	assert_false(unsure);
	fixture_reopen(f, true);
	expect(f, 2, 0);
	/* The pins of the first client know which roll it was. */
	flip_byte(f, &roll, 100);
	f->client = 0;
	fixture_reopen(f, false);
	snprintf(path, sizeof(path), "%s/archives", vrv_repo_cache(f->repo));
	MUST(remove(path));
	expect(f, 3, 1);
}

/* The facts of one archive under the id of another are no facts. */
static void
test_mixed_up(void **state)
{
	struct fixture *f = *state;
	struct roll_draft d = {0};
	struct vrv_archive a[3];

	commit_three(f, a);
	roll_archive(&d, f->repo, &a[0], VRV_ROLL_WHOLE);
	memset(d.items[0].entry.logical, 2, VRV_LOGICAL_ID);
	roll_archive(&d, f->repo, &a[1], VRV_ROLL_WHOLE);
	roll_archive(&d, f->repo, &a[2], VRV_ROLL_WHOLE);
	d.items[2].entry.revision++;
	roll_store(&d, f->repo, true, NULL);
	fixture_reopen(f, true);
	expect(f, 1, 2);
	assert_non_null(strstr(f->notes, "has the facts of another archive"));
}

/* Nor are those in which more stands than an archive has. */
static void
test_too_much(void **state)
{
	struct fixture *f = *state;
	struct roll_draft d = {0};
	struct vrv_archive a = some_archive(f, 1);
	vrv_auto_buf struct vrv_buf clear = {0}, list = {0};

	commit(f, &a);
	roll_archive(&d, f->repo, &a, VRV_ROLL_WHOLE);
	vrv_archive_clear_put(&clear, &a.clear);
	vrv_buf_u8(&clear, 0);
	vrv_archive_sealed_put(&list, &a.sealed);
	const struct vrv_roll_facts facts = {
	    .clear = {clear.data, clear.len},
	    .list = {list.data, list.len},
	};
	vrv_buf_clear(&d.items[0].facts);
	vrv_roll_facts_put(&d.items[0].facts, &facts);
	roll_store(&d, f->repo, true, NULL);
	fixture_reopen(f, true);
	expect(f, 0, 1);
}

/* Rolls are a union, but for those that another one replaces. */
static void
test_union(void **state)
{
	struct fixture *f = *state;
	struct roll_draft d = {0};
	struct vrv_archive a[3];
	struct vrv_name first;

	commit_three(f, a);
	roll_deleted(&d, &a[0]);
	roll_store(&d, f->repo, true, &first);
	roll_deleted(&d, &a[1]);
	roll_store(&d, f->repo, true, NULL);
	fixture_reopen(f, true);
	expect(f, 1, 0);
	/* An admin who takes one back. */
	vrv_buf_bytes(&d.superseded, first.id, VRV_OBJECT_ID);
	roll_deleted(&d, &a[2]);
	roll_store(&d, f->repo, true, NULL);
	fixture_reopen(f, true);
	expect(f, 1, 0);
	struct vrv_archives *list;
	must_load(f, &list);
	assert_int_equal(list->items[0]->clear.logical[0], 1);
	vrv_archives_free(list);
}

/* A roll is an admin's; one that cannot be used replaces nothing. */
static void
test_refused(void **state)
{
	struct fixture *f = *state;
	struct roll_draft d = {0};
	struct vrv_archive a[3];
	struct vrv_name good, bad;
	struct vrv_archives *list;

	commit_three(f, a);
	roll_deleted(&d, &a[0]);
	roll_store(&d, f->repo, true, &good);
	vrv_buf_bytes(&d.superseded, good.id, VRV_OBJECT_ID);
	roll_deleted(&d, &a[1]);
	roll_store(&d, f->repo, false, NULL);
	fixture_reopen(f, true);
	expect(f, 2, 1);
	assert_non_null(strstr(f->notes, "roll cannot be read"));

	vrv_buf_bytes(&d.superseded, good.id, VRV_OBJECT_ID);
	roll_store(&d, f->repo, true, &bad);
	flip_byte(f, &bad, 100);
	fixture_reopen(f, true);
	must_load(f, &list);
	assert_int_equal(list->n, 2);
	assert_int_equal(list->damaged, 2);
	vrv_archives_free(list);
}

/* What a roll holds must be there. */
static void
test_missing(void **state)
{
	struct fixture *f = *state;
	struct roll_draft d = {0};
	struct vrv_archive a[3];

	commit_three(f, a);
	for (int i = 0; i < 3; i++)
		roll_archive(&d, f->repo, &a[i], VRV_ROLL_WHOLE);
	roll_store(&d, f->repo, true, NULL);
	delete_object(f, &a[0].object);
	bury(f, &a[1]);
	delete_object(f, &a[1].object);
	fixture_reopen(f, true);
	expect_all(f, 1, 0, 1, 0);
	assert_non_null(strstr(f->notes, "which a roll holds, is gone"));
}

/* An archive whose intent is dead never lived, nor is it missed. */
static void
test_dead(void **state)
{
	struct fixture *f = *state;
	struct roll_draft d = {0};
	struct vrv_archive a[2], renamed;
	struct vrv_archives *list;
	bool deleted, unsure;
	struct varve_err err;

	a[0] = some_archive(f, 1);
	commit(f, &a[0]);
	a[1] = after(f, 2, 1, 0);
	commit(f, &a[1]);
	renamed = a[1];
	renamed.clear.revision = 1;
	commit(f, &renamed);
	expect(f, 2, 0); /* pinned */
	vrv_buf_bytes(&d.dead, renamed.object.id, VRV_OBJECT_ID);
	roll_store(&d, f->repo, true, NULL);
	fixture_reopen(f, false);
	must_load(f, &list);
	assert_int_equal(list->n, 2);
	assert_int_equal(list->items[1]->clear.revision, 0);
	vrv_archives_free(list);

	vrv_buf_bytes(&d.dead, a[0].object.id, VRV_OBJECT_ID);
	roll_store(&d, f->repo, true, NULL);
	fixture_reopen(f, false);
	expect_all(f, 1, 0, 0, 0);
	assert_string_equal(f->notes, "");
	MUST(vrv_archive_is_deleted(f->repo, &a[0], NULL, &deleted, &unsure,
	    &err));
	assert_true(deleted);
}

struct strike {
	struct fixture *f;
	const char *op; /* before which the roll appears */
	const struct vrv_archive *parent;
	bool bad;
	struct vrv_name intent;
};

/* A collector's roll appears while a run commits. */
static void
strike(void *arg, const char *op, const char *name)
{
	struct strike *s = arg;
	struct roll_draft d = {0};
	struct vrv_name roll;

	if (strcmp(op, "put") == 0 && strncmp(name, "intents/", 8) == 0)
		assert_true(vrv_name_parse(name, &s->intent));
	if (strcmp(op, "put") != 0 || strncmp(name, s->op, strlen(s->op)) != 0)
		return;
	s->f->hooks.before = NULL;
	if (s->parent != NULL)
		roll_deleted(&d, s->parent);
	else
		vrv_buf_bytes(&d.dead, s->intent.id, VRV_OBJECT_ID);
	roll_store(&d, s->f->repo, true, &roll);
	if (s->bad)
		flip_byte(s->f, &roll, 70);
}

static int
commit_under(struct fixture *f, struct strike *s, struct varve_err *err)
{
	struct vrv_archive a = some_archive(f, 9);
	struct vrv_commit c = {.archive = &a, .parent = s->parent};

	f->hooks.before = strike;
	f->hooks.arg = s;
	int rc = vrv_archive_commit(f->repo, &c, err);
	f->hooks.before = NULL;
	return rc;
}

/* W5: a run whose intent a roll calls dead, or may, is not acknowledged. */
static void
test_dead_meanwhile(void **state)
{
	struct fixture *f = *state;
	struct strike s = {.f = f, .op = "archives/"};
	struct roll_draft d = {0};
	struct vrv_name old;
	struct varve_err err;

	/* An older one that cannot be read cannot mean this run. */
	roll_store(&d, f->repo, true, &old);
	flip_byte(f, &old, 70);
	struct vrv_archive a = some_archive(f, 1);
	commit(f, &a);
	assert_int_equal(commit_under(f, &s, &err), VARVE_LOCKED);
	assert_non_null(strstr(err.message, "took this run for dead"));
	s.bad = true;
	assert_int_equal(commit_under(f, &s, &err), VARVE_CORRUPT);
	assert_non_null(strstr(err.message, "calls this run dead"));
}

/* W3: what was inherited from a parent that a roll deletes is looked at. Here
 * there is nothing that could be read. */
static void
test_parent_meanwhile(void **state)
{
	struct fixture *f = *state;
	struct vrv_archive a = some_archive(f, 1);
	struct strike s = {.f = f, .op = "nothing", .parent = &a};
	struct varve_err err;

	commit(f, &a);
	MUST(commit_under(f, &s, &err));
	s.op = "intents/";
	assert_int_not_equal(commit_under(f, &s, &err), 0);
}

/* Opening compares the object with the roll; the roll counts. */
static void
test_compare(void **state)
{
	struct fixture *f = *state;
	struct roll_draft d = {0};
	struct vrv_archive a[3];
	struct vrv_archives *list;
	struct varve_err err;

	commit_three(f, a);
	for (int i = 0; i < 2; i++)
		roll_archive(&d, f->repo, &a[i], VRV_ROLL_WHOLE);
	d.items[0].entry.hash[0] ^= 1;
	roll_store(&d, f->repo, true, NULL);
	fixture_reopen(f, true);
	must_load(f, &list);
	for (size_t i = 0; i < 3; i++) {
		f->notes[0] = '\0';
		MUST(vrv_archive_compare(f->repo, list->items[i], &err));
		assert_int_equal(strstr(f->notes, "vouched for") != NULL,
		    i == 0);
	}
	/* Nothing final is done by a roll alone. */
	assert_int_equal(vrv_archive_rename(f->repo, list->items[0], "new",
			     &err),
	    VARVE_AUTH);
	assert_int_equal(vrv_archive_bury(f->repo,
			     (const struct vrv_archive *const *)list->items, 1,
			     &err),
	    VARVE_AUTH);
	MUST(vrv_archive_rename(f->repo, list->items[1], "new", &err));
	vrv_archives_free(list);
}

/* --- retired writers --- */

/* What a thief with the writer's key puts in the place of an object. */
static void
resign(struct fixture *f, const struct vrv_archive *a)
{
	vrv_auto_buf struct vrv_buf object = {0}, plain = {0};
	struct vrv_archive forged = *a;
	struct varve_err err;

	delete_object(f, &a->object);
	forged.clear.stored++;
	MUST(vrv_draft_begin(f->repo, &forged.object, true, &object, &err));
	vrv_archive_clear_put(&object, &forged.clear);
	vrv_archive_sealed_put(&plain, &forged.sealed);
	MUST(vrv_draft_seal_meta(f->repo, &object, VRV_KEM_ARCHIVE, &plain,
	    &err));
	MUST(vrv_draft_store(f->repo, &forged.object, &object, false, &err));
}

static void
reopen_retired(struct fixture *f, bool fresh)
{
	fixture_reopen(f, fresh);
	retire_writer(f->repo);
}

/* Only what a roll names by its hash counts; the rest is shown. */
static void
test_retired(void **state)
{
	struct fixture *f = *state;
	struct roll_draft d = {0};
	struct vrv_archive a[4];
	struct vrv_archives *list;
	struct varve_err err;

	commit_three(f, a);
	a[3] = after(f, 4, 1, 0x77, 0); /* it names one that never was */
	roll_archive(&d, f->repo, &a[0], VRV_ROLL_WHOLE);
	roll_archive(&d, f->repo, &a[1], VRV_ROLL_SHORT);
	roll_store(&d, f->repo, true, NULL);
	expect(f, 3, 0); /* pinned */
	commit(f, &a[3]);
	/* From the store, and then from the cache. */
	for (int i = 0; i < 2; i++) {
		reopen_retired(f, false);
		must_load(f, &list);
		assert_string_equal(f->notes, "");
		assert_int_equal(list->n, 4);
		assert_int_equal(list->missing, 0);
		for (size_t k = 0; k < 4; k++) {
			const struct vrv_archive *b = list->items[k];

			assert_int_equal(b->unvouched, k >= 2);
			assert_ptr_equal(vrv_archives_get(list,
					     b->clear.logical),
			    k >= 2 ? NULL : b);
			/* Nor does it make another one no head. */
			assert_false(vrv_archives_is_named(list, b));
		}
		assert_int_equal(vrv_archive_bury(f->repo,
				     (const struct vrv_archive *const *)
					     list->items +
					 2,
				     1, &err),
		    VARVE_USAGE);
		assert_int_equal(vrv_archive_rename(f->repo, list->items[2],
				     "new", &err),
		    VARVE_USAGE);
		vrv_archives_free(list);
	}
	/* It is not missed, although it was pinned. */
	delete_object(f, &a[2].object);
	reopen_retired(f, false);
	expect(f, 3, 0);
}

/* The same id with other bytes is another object. */
static void
test_retired_thief(void **state)
{
	struct fixture *f = *state;
	struct roll_draft d = {0};
	struct vrv_archive a[3];

	commit_three(f, a);
	roll_archive(&d, f->repo, &a[0], VRV_ROLL_WHOLE);
	roll_archive(&d, f->repo, &a[1], VRV_ROLL_SHORT);
	roll_store(&d, f->repo, true, NULL);
	resign(f, &a[0]);
	resign(f, &a[1]);
	reopen_retired(f, true);
	expect_all(f, 2, 1, 0, 2);
	assert_non_null(strstr(f->notes, "that an admin vouched for"));
}

/* Nothing else of a retired key counts at all. */
static void
test_retired_tombstone(void **state)
{
	struct fixture *f = *state;
	struct roll_draft d = {0};
	struct vrv_archive a[3];

	commit_three(f, a);
	roll_deleted(&d, &a[0]);
	roll_store(&d, f->repo, false, NULL);
	reopen_retired(f, true);
	expect(f, 3, 1);
	assert_non_null(strstr(f->notes, "signed by a retired key"));
}

int
run_roll_tests(void)
{
	const struct CMUnitTest tests[] = {
	    FIXTURE_TEST(test_no_reads),
	    FIXTURE_TEST(test_forms),
	    FIXTURE_TEST(test_deleted),
	    FIXTURE_TEST(test_mixed_up),
	    FIXTURE_TEST(test_too_much),
	    FIXTURE_TEST(test_union),
	    FIXTURE_TEST(test_refused),
	    FIXTURE_TEST(test_missing),
	    FIXTURE_TEST(test_dead),
	    FIXTURE_TEST(test_dead_meanwhile),
	    FIXTURE_TEST(test_parent_meanwhile),
	    FIXTURE_TEST(test_compare),
	    FIXTURE_TEST(test_retired),
	    FIXTURE_TEST(test_retired_thief),
	    FIXTURE_TEST(test_retired_tombstone),
	};

	return cmocka_run_group_tests_name("rolls", tests, NULL, NULL);
}
