/* SPDX-License-Identifier: BSD-2-Clause */
/* Which packs count as lost, and when a client looks. */
#include "archive_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/lost.h"
#include "util/clock.h"

#define MUST(call) assert_int_equal((call), 0)

static const uint8_t tag[VRV_TAG_SIZE] = {1}, other[VRV_TAG_SIZE] = {2};

/* Store one chunk in a pack of its own; the name of the pack. */
static void
put_pack(struct fixture *f, const char *content, struct vrv_name *ret)
{
	const struct vrv_writer_options options = {
	    .compression = {.codec = VRV_ZSTD, .level = 1},
	    .lanes = 1,
	    .checkpoint_ns = UINT64_MAX,
	    .checkpoint_bytes = UINT64_MAX,
	};
	struct vrv_group *group = vrv_group_new();
	struct vrv_writer *writer;
	struct vrv_lane *lane;
	struct vrv_location at;
	struct varve_err err;
	uint8_t id[VRV_ID_SIZE];
	uint32_t n;
	bool is_new;

	assert_non_null(group);
	MUST(vrv_writer_new(f->repo, group, &options, &writer, &err));
	MUST(vrv_lane_new(writer, VRV_FRAME_DATA, &lane, &err));
	MUST(vrv_lane_put(lane, content, strlen(content), id, &is_new, &err));
	MUST(vrv_lane_done(lane, &err));
	MUST(vrv_group_join(group, &err));
	vrv_lane_free(lane);
	vrv_writer_free(writer);
	vrv_group_free(group);
	MUST(vrv_repo_locate(f->repo, id, &at, 1, &n, &err));
	*ret = (struct vrv_name){.type = VRV_PACK};
	memcpy(ret->id, at.pack, VRV_OBJECT_ID);
}

static size_t
apply(struct fixture *f, bool now)
{
	struct varve_err err;
	size_t n = 77;
	bool check, listed;

	f->hooks.log[0] = '\0';
	MUST(vrv_lost_apply(f->repo, tag, now, &n, &check, &err));
	listed = strstr(f->hooks.log, "list packs/") != NULL;
	assert_true(check || !(listed || n > 0));
	return n;
}

/* Change what this client remembers. */
static void
remember(struct fixture *f, int64_t compared)
{
	struct vrv_lost lost;
	struct varve_err err;

	MUST(vrv_lost_load(f->repo, &lost, &err));
	lost.compared = compared;
	MUST(vrv_lost_save(f->repo, &lost, &err));
	vrv_lost_fini(&lost);
}

static bool
is_remembered(struct fixture *f, const struct vrv_name *pack)
{
	struct vrv_lost lost;
	struct varve_err err;

	MUST(vrv_lost_load(f->repo, &lost, &err));
	bool is = vrv_lost_find(&lost, pack->id) != NULL;
	vrv_lost_fini(&lost);
	return is;
}

static bool
compares(struct fixture *f, bool now)
{
	fixture_reopen(f, false);
	f->hooks.log[0] = '\0';
	assert_int_equal(apply(f, now), 0);
	bool listed = strstr(f->hooks.log, "list packs/") != NULL;
	/* Anything at all is too much for an hourly run. */
	assert_int_equal(listed, f->hooks.log[0] != '\0');
	return listed;
}

static void
test_when(void **state)
{
	struct fixture *f = *state;
	struct vrv_name pack;
	const int64_t now = vrv_time_now().s;

	put_pack(f, "one", &pack);
	assert_true(compares(f, false));
	assert_false(compares(f, false));
	assert_true(compares(f, true));
	remember(f, now - 86300);
	assert_false(compares(f, false));
	remember(f, now - 86400);
	assert_true(compares(f, false));
	assert_false(compares(f, false));
	/* The clock was set back. */
	remember(f, now + 1000);
	assert_true(compares(f, false));
}

static bool
must_look(struct fixture *f, const uint8_t series[VRV_TAG_SIZE])
{
	struct varve_err err;
	size_t n;
	bool check;

	MUST(vrv_lost_apply(f->repo, series, false, &n, &check, &err));
	return check;
}

/* A run looks up what it inherits once a day in each series, and has done so
 * when its archive is stored. */
static void
test_series(void **state)
{
	struct fixture *f = *state;
	const int64_t now = vrv_time_now().s;

	assert_true(must_look(f, tag));
	assert_true(must_look(f, tag)); /* it made no archive */
	vrv_lost_checked(f->repo, tag, now);
	assert_false(must_look(f, tag));
	assert_true(must_look(f, other));
	vrv_lost_checked(f->repo, other, now);
	assert_false(must_look(f, tag));
	assert_false(must_look(f, other));
	/* Comparing does not forget it, nor does a check. */
	assert_true(compares(f, true));
	assert_false(must_look(f, tag));
	vrv_lost_checked(f->repo, tag, now - 86400);
	assert_true(must_look(f, tag));
	assert_false(must_look(f, other));
}

/* The index is listed after the packs, and condemn records after both. */
static void
test_order(void **state)
{
	struct fixture *f = *state;
	struct vrv_name pack;

	put_pack(f, "one", &pack);
	f->hooks.log[0] = '\0';
	assert_int_equal(apply(f, true), 0);
	assert_string_equal(f->hooks.log,
	    "list packs/\nlist index/\nlist condemned/\n");
}

static void
test_lost_pack(void **state)
{
	struct fixture *f = *state;
	struct vrv_name gone, stays;
	char text[VRV_NAME_SIZE];
	struct vrv_index *index;
	struct varve_err err;
	uint8_t *bytes;
	size_t n;

	put_pack(f, "gone", &gone);
	put_pack(f, "stays", &stays);
	vrv_name_print(&gone, text);
	MUST(vrv_store_get_all(f->store, text, 1 << 20, &bytes, &n, &err));
	delete_object(f, &gone);
	for (int i = 0; i < 2; i++) {
		fixture_reopen(f, false);
		f->hooks.log[0] = '\0';
		assert_int_equal(apply(f, i == 0), 1);
		/* Told once; afterwards looked up again, without a listing. */
		assert_int_equal(strstr(f->notes, text) != NULL, i == 0);
		assert_int_equal(strstr(f->hooks.log, "list packs/") != NULL,
		    i == 0);
		assert_non_null(strstr(f->hooks.log, "head packs/"));
		MUST(vrv_repo_index(f->repo, &index, &err));
		assert_true(vrv_index_is_dropped(index, gone.id));
		assert_false(vrv_index_is_dropped(index, stays.id));
	}
	/* Of another length, it is as good as gone; put back, it is not. */
	MUST(vrv_store_put(f->store, text, bytes, n - 1, &err));
	fixture_reopen(f, false);
	assert_int_equal(apply(f, false), 1);
	delete_object(f, &gone);
	MUST(vrv_store_put(f->store, text, bytes, n, &err));
	free(bytes);
	fixture_reopen(f, false);
	assert_int_equal(apply(f, false), 0);
	assert_false(is_remembered(f, &gone));
}

/* A pack that a collector deleted is not lost. */
static void
test_condemned(void **state)
{
	struct fixture *f = *state;
	struct vrv_name pack;

	put_pack(f, "one", &pack);
	condemn(f, VRV_PACK, pack.id);
	delete_object(f, &pack);
	assert_int_equal(apply(f, true), 0);
}

/* What happens between two listings. */
struct meanwhile {
	struct fixture *f;
	const char *op, *prefix;
	struct vrv_name pack;
	uint8_t *bytes;
	size_t n;
	bool leave, store;
};

static void
on_call(void *arg, const char *op, const char *name)
{
	struct meanwhile *m = arg;
	char text[VRV_NAME_SIZE];
	struct varve_err err;

	if (m->op == NULL || strcmp(op, m->op) != 0 ||
	    strncmp(name, m->prefix, strlen(m->prefix)) != 0)
		return;
	m->op = NULL;
	vrv_name_print(&m->pack, text);
	if (m->store)
		MUST(vrv_store_put(m->f->store, text, m->bytes, m->n, &err));
	if (m->leave) {
		struct vrv_lost found = {.compared = 1};

		MUST(vrv_lost_add(&found, m->pack.id, true, &err));
		vrv_lost_leave(m->f->repo, &found, false);
		vrv_lost_fini(&found);
	}
}

/* A listing may be late: what it lacks is looked up. */
static void
test_late_listing(void **state)
{
	struct fixture *f = *state;
	struct meanwhile m = {.f = f,
	    .op = "list",
	    .prefix = "index/",
	    .store = true};
	char text[VRV_NAME_SIZE];
	struct varve_err err;

	put_pack(f, "one", &m.pack);
	vrv_name_print(&m.pack, text);
	MUST(vrv_store_get_all(f->store, text, 1 << 20, &m.bytes, &m.n, &err));
	delete_object(f, &m.pack);
	f->hooks.before = on_call;
	f->hooks.arg = &m;
	assert_int_equal(apply(f, true), 0);
	assert_null(m.op);
	assert_string_equal(f->notes, "");
	free(m.bytes);
}

/* What a check leaves while a run compares is there for the next one. */
static void
test_check_beside(void **state)
{
	struct fixture *f = *state;
	struct meanwhile m = {.f = f,
	    .op = "list",
	    .prefix = "condemned/",
	    .leave = true};

	put_pack(f, "one", &m.pack);
	assert_int_equal(apply(f, true), 0);
	f->hooks.before = on_call;
	f->hooks.arg = &m;
	(void)apply(f, true);
	assert_null(m.op);
	assert_true(is_remembered(f, &m.pack));
	fixture_reopen(f, false);
	assert_int_equal(apply(f, false), 1);
}

/* Damage that a check found cannot be seen by looking a pack up: it is
 * believed until a check has seen every pack. */
static void
test_left_by_check(void **state)
{
	struct fixture *f = *state;
	struct vrv_name pack;
	struct vrv_lost found = {.compared = 1};
	struct varve_err err;

	put_pack(f, "one", &pack);
	assert_int_equal(apply(f, true), 0);
	MUST(vrv_lost_add(&found, pack.id, true, &err));
	vrv_lost_leave(f->repo, &found, false);
	for (int i = 0; i < 2; i++) {
		fixture_reopen(f, false);
		assert_int_equal(apply(f, i == 1), 1);
	}
	vrv_lost_fini(&found);
	found.compared = 1;
	vrv_lost_leave(f->repo, &found, false);
	assert_true(is_remembered(f, &pack));
	vrv_lost_leave(f->repo, &found, true);
	assert_false(is_remembered(f, &pack));
	assert_false(compares(f, false));
	found.compared = 0;
	vrv_lost_leave(f->repo, &found, false);
	assert_true(compares(f, false));
}

int
run_lost_tests(void)
{
	const struct CMUnitTest tests[] = {
	    FIXTURE_TEST(test_when),
	    FIXTURE_TEST(test_series),
	    FIXTURE_TEST(test_order),
	    FIXTURE_TEST(test_lost_pack),
	    FIXTURE_TEST(test_condemned),
	    FIXTURE_TEST(test_late_listing),
	    FIXTURE_TEST(test_check_beside),
	    FIXTURE_TEST(test_left_by_check),
	};

	return cmocka_run_group_tests_name("lost", tests, NULL, NULL);
}
