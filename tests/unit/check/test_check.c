/* SPDX-License-Identifier: BSD-2-Clause */
/* Checking: a sound repository, and every way of damaging one. */
#include "small_repo.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check/check.h"
#include "laterpack.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static const struct small_node in_sub[] = {
    {"deep", VRV_FILE, 0600, "inner"},
};
static const struct small_node tree[] = {
    {"large", VRV_FILE, 0644, "piece ", .chunks = 200},
    {"small", VRV_FILE, 0640, "hello"},
    {"sub", VRV_DIR, 0755, NULL, .children = in_sub, .n = 1},
};

struct seen {
	unsigned problems, progress;
	char all[4096];
	struct varve_progress last;
};

static void
on_event(void *arg, const struct varve_event *event)
{
	struct seen *seen = arg;
	size_t n = strlen(seen->all);

	if (event->type == VARVE_EVENT_PROGRESS) {
		seen->progress++;
		seen->last = *event->progress;
	}
	if (event->type != VARVE_EVENT_PROBLEM &&
	    event->type != VARVE_EVENT_INFO)
		return;
	seen->problems += event->type == VARVE_EVENT_PROBLEM;
	snprintf(seen->all + n, sizeof(seen->all) - n, "[%s] %s\n",
	    event->path == NULL ? "" : event->path, event->message);
}

static struct varve_check_result
check(struct small_repo *s, bool verify, struct seen *seen)
{
	const struct vrv_archive *only[] = {&s->archive};
	const struct varve_check_options options = {
	    .size = sizeof(options),
	    .objects = true,
	    .archives = true,
	    .verify_data = verify,
	    .threads = 2,
	    .event = on_event,
	    .event_arg = seen,
	};
	struct varve_check_result result = {0};
	struct varve_err err = {0};

	*seen = (struct seen){0};
	if (vrv_check(s->repo, &options, only, 1, &result, &err) != 0)
		fail_msg("check: %s", err.message);
	return result;
}

static void
assert_told(const struct seen *seen, const char *what)
{
	if (strstr(seen->all, what) == NULL)
		fail_msg("'%s' is not in:\n%s", what, seen->all);
}

static void
test_sound(void **state)
{
	struct small_repo *s = *state;
	struct seen seen;

	small_repo_fill(s, tree, N(tree));
	struct varve_check_result r = check(s, true, &seen);
	if (r.problems != 0)
		fail_msg("%s", seen.all);
	assert_int_equal(seen.problems, 0);
	/* slot and config twice each, pack, index */
	assert_int_equal(r.objects, 6);
	assert_true(r.object_bytes > 500);
	assert_int_equal(r.archives, 1);
	assert_int_equal(r.trees, 2);
	assert_int_equal(r.entries, 4);
	assert_true(r.frames >= 2);
	assert_true(r.chunks >= 204);
	assert_int_equal(r.unknown, 0);
	assert_int_equal(r.unreferenced, 0);
	assert_true(seen.last.finished);
	assert_true(seen.last.current > 0);
	assert_int_equal(seen.last.current, seen.last.total);
}

/* A copy of the config that is missing is nobody's damage yet, and told. */
static void
test_config_once(void **state)
{
	struct small_repo *s = *state;
	char path[256];
	struct seen seen;

	small_repo_fill(s, tree, N(tree));
	small_repo_only_object(s, "config", path);
	assert_int_equal(unlink(path), 0);
	small_repo_reopen(s);
	struct varve_check_result r = check(s, false, &seen);
	assert_int_equal(r.problems, 1);
	assert_told(&seen, "config: only one copy of two is whole");
}

static void
test_damaged_frame(void **state)
{
	struct small_repo *s = *state;
	struct seen seen;

	small_repo_fill(s, tree, N(tree));
	small_repo_damage_pack(s, VRV_HEADER_SIZE + 30);
	struct varve_check_result r = check(s, true, &seen);
	/* The object's sum, and the frame. */
	assert_int_equal(r.problems, 2);
	assert_told(&seen, "packs/");
	assert_told(&seen, "frame at 64");
	assert_told(&seen, "[large] cannot be restored from archive 'one'");
	assert_told(&seen,
	    "[] 3 paths cannot be restored from 1 archive, first 'large'");
	/* One line for each problem, and one for what the frame hits. */
	assert_int_equal(seen.problems, 3);
	assert_int_equal(r.archives_damaged, 1);
	assert_told(&seen, "[sub/deep]");

	/* Without reading data the sum alone finds it, and the trace tries. */
	r = check(s, false, &seen);
	assert_int_equal(r.problems, 1);
	assert_told(&seen, "[small]");
}

/* Nobody can say whether it is sound: it is told as of a later version. */
static void
test_later_frame(void **state)
{
	struct small_repo *s = *state;
	struct seen seen;

	small_repo_fill(s, tree, N(tree));
	later_first_frame(s->repo);
	struct varve_check_result r = check(s, true, &seen);
	assert_int_equal(r.problems, 1 + 3);
	assert_told(&seen, "has frames that need a newer varve");
	assert_told(&seen, "[large] cannot be restored from archive 'one'");
	assert_told(&seen, "lies only in frames that need a newer varve");
	if (strstr(seen.all, "in no pack") != NULL)
		fail_msg("%s", seen.all);
}

/* A byte of the pad or the trailer: no data is lost, and no path is named. */
static void
test_damaged_trailer(void **state)
{
	struct small_repo *s = *state;
	struct seen seen;

	small_repo_fill(s, tree, N(tree));
	small_repo_damage_pack(s, -1);
	struct varve_check_result r = check(s, false, &seen);
	assert_int_equal(r.problems, 1);
	assert_int_equal(seen.problems, 1);
	assert_told(&seen, "its sum is wrong");
}

static void
test_cut_pack(void **state)
{
	struct small_repo *s = *state;
	struct seen seen;
	char path[256];

	small_repo_fill(s, tree, N(tree));
	small_repo_only_object(s, "packs", path);
	assert_int_equal(chmod(path, 0600), 0);
	for (off_t n = 0; n < 200; n += 40) {
		assert_int_equal(truncate(path, n), 0);
		struct varve_check_result r = check(s, true, &seen);
		assert_true(r.problems >= 2);
		assert_told(&seen, "packs/");
		assert_told(&seen, "the index says");
	}
}

static void
test_missing_pack(void **state)
{
	struct small_repo *s = *state;
	struct seen seen;
	char path[256];

	small_repo_fill(s, tree, N(tree));
	small_repo_only_object(s, "packs", path);
	assert_int_equal(unlink(path), 0);
	struct varve_check_result r = check(s, true, &seen);
	assert_true(r.problems >= 1);
	assert_told(&seen, "is missing, but the index names it");
	assert_told(&seen, "cannot be restored from archive 'one'");
}

static void
test_unindexed_pack_and_unknown_names(void **state)
{
	struct small_repo *s = *state;
	struct seen seen;
	char path[256], other[280];

	small_repo_fill(s, tree, N(tree));
	small_repo_only_object(s, "packs", path);
	snprintf(other, sizeof(other), "%s.orig", path);
	assert_int_equal(link(path, other), 0);
	/* The same bytes under another object's name are no such object. */
	snprintf(other, sizeof(other), "%s", path);
	char *last = other + strlen(other) - 1;
	*last = *last == '0' ? '1' : '0';
	assert_int_equal(link(path, other), 0);
	struct varve_check_result r = check(s, false, &seen);
	assert_int_equal(r.unknown, 1);
	assert_int_equal(r.unreferenced, 1);
	assert_int_equal(r.problems, 1);
	assert_told(&seen, "holds another object than its name says");
}

static void
test_lost_reference(void **state)
{
	struct small_repo *s = *state;
	struct seen seen;

	small_repo_fill(s, tree, N(tree));
	s->archive.sealed.root.id[3] ^= 1;
	struct varve_check_result r = check(s, false, &seen);
	assert_int_equal(r.problems, 1);
	assert_told(&seen, "archive 'one'");
	assert_int_equal(r.entries, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SMALL_REPO_TEST(test_sound),
	    SMALL_REPO_TEST(test_config_once),
	    SMALL_REPO_TEST(test_damaged_frame),
	    SMALL_REPO_TEST(test_later_frame),
	    SMALL_REPO_TEST(test_damaged_trailer),
	    SMALL_REPO_TEST(test_cut_pack),
	    SMALL_REPO_TEST(test_missing_pack),
	    SMALL_REPO_TEST(test_unindexed_pack_and_unknown_names),
	    SMALL_REPO_TEST(test_lost_reference),
	};

	return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
