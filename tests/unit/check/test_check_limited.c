/* SPDX-License-Identifier: BSD-2-Clause */
/* Checking a part at a time: each run goes on where the last one stopped. */
#include "small_repo.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check/check.h"
#include "ledger/ledger.h"
#include "util/hex.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define PACKS 4
#define MANY 35 /* more than are recorded at a time */

static const struct small_node trees[PACKS][1] = {
    {{"a", VRV_FILE, 0644, "one ", .chunks = 9}},
    {{"b", VRV_FILE, 0644, "two ", .chunks = 9}},
    {{"c", VRV_FILE, 0644, "three ", .chunks = 9}},
    {{"d", VRV_FILE, 0644, "four ", .chunks = 9}},
};

struct known {
	size_t n, sums, frames;
	uint8_t ids[MANY][VRV_OBJECT_ID];
	int64_t last[MANY];
};

static void
on_pack(void *arg, const uint8_t *pack, enum vrv_ledger_level level,
    int64_t checked)
{
	struct known *known = arg;

	assert_true(known->n < N(known->ids));
	known->last[known->n] = checked;
	memcpy(known->ids[known->n++], pack, VRV_OBJECT_ID);
	known->sums += level == VRV_LEDGER_SUM;
	known->frames += level == VRV_LEDGER_FRAMES;
}

static struct known
known(struct small_repo *s)
{
	struct vrv_ledger *ledger = vrv_ledger_open(s->repo);
	struct known known = {0};

	assert_non_null(ledger);
	vrv_ledger_packs(ledger, on_pack, &known);
	vrv_ledger_close(ledger);
	return known;
}

static bool
knows(const struct known *known, const uint8_t *pack)
{
	for (size_t i = 0; i < known->n; i++)
		if (memcmp(known->ids[i], pack, VRV_OBJECT_ID) == 0)
			return true;
	return false;
}

static void
fill(struct small_repo *s)
{
	for (size_t i = 0; i < PACKS; i++)
		small_repo_fill(s, trees[i], 1);
}

static struct varve_check_result
check(struct small_repo *s, struct varve_check_options options)
{
	const struct vrv_archive *only[] = {&s->archive};
	struct varve_check_result result = {0};
	struct varve_err err = {0};

	options.size = sizeof(options);
	options.event = small_repo_event;
	options.event_arg = s;
	if (vrv_check(s->repo, &options, only, 1, &result, &err) != 0)
		fail_msg("check: %s", err.message);
	return result;
}

static const struct varve_check_options one_pack = {
    .objects = true,
    .archives = true,
    .max_packs = 1,
};

static void
test_goes_on(void **state)
{
	struct small_repo *s = *state;

	fill(s);
	for (size_t i = 0; i < PACKS; i++) {
		struct varve_check_result r = check(s, one_pack);
		assert_int_equal(r.problems, 0);
		assert_int_equal(r.packs_listed, PACKS);
		assert_int_equal(r.packs, 1);
		assert_int_equal(r.packs_left, PACKS - 1);
		/* Each time another one. */
		struct known now = known(s);
		assert_int_equal(now.sums, i + 1);
		assert_int_equal(now.frames, 0);
	}
	/* All were looked at: nothing is due by age. */
	struct varve_check_options by_age = one_pack;
	by_age.max_age = 1000;
	struct varve_check_result r = check(s, by_age);
	assert_int_equal(r.packs, 0);
	assert_int_equal(r.packs_recent, PACKS);
	assert_int_equal(r.packs_left, 0);
	assert_int_equal(s->problems, 0);
}

/* The levels are apart: sums say nothing of frames. */
static void
test_levels(void **state)
{
	struct small_repo *s = *state;
	struct varve_check_options deep = one_pack;

	fill(s);
	struct varve_check_result r =
	    check(s, (struct varve_check_options){.objects = true});
	assert_int_equal(r.packs, PACKS);
	assert_int_equal(known(s).sums, PACKS);
	deep.verify_data = true;
	deep.max_age = 1000;
	r = check(s, deep);
	assert_int_equal(r.packs, 1);
	assert_int_equal(r.packs_recent, 0);
	assert_int_equal(r.packs_left, PACKS - 1);
	assert_int_equal(known(s).frames, 1);
	deep.max_packs = 2;
	r = check(s, deep);
	assert_int_equal(r.packs_recent, 1);
	assert_int_equal(r.packs_left, PACKS - 3);
	assert_int_equal(known(s).frames, 3);
	/* Frames that are sound make the sum no news either. */
	struct vrv_ledger *ledger = vrv_ledger_open(s->repo);
	struct known now = known(s);
	for (size_t i = 0; i < now.n; i++)
		vrv_ledger_forget(ledger, now.ids[i]);
	for (size_t i = 0; i < now.n; i++)
		vrv_ledger_sound(ledger, now.ids[i], VRV_LEDGER_FRAMES,
		    now.last[0]);
	vrv_ledger_close(ledger);
	struct varve_check_options sums = one_pack;
	sums.max_age = 1000;
	assert_int_equal(check(s, sums).packs_recent, PACKS);
}

/* Oldest first, and what is from a time to come counts as never. */
static void
test_oldest_first(void **state)
{
	static const size_t order[PACKS] = {2, 1, 3, 0};
	struct small_repo *s = *state;

	fill(s);
	(void)check(s, (struct varve_check_options){.objects = true});
	struct known now = known(s);
	assert_int_equal(now.n, PACKS);
	const int64_t times[PACKS] = {3000, 1000, now.last[0] + 100000, 2000};
	struct vrv_ledger *ledger = vrv_ledger_open(s->repo);
	for (size_t i = 0; i < PACKS; i++)
		vrv_ledger_sound(ledger, now.ids[i], VRV_LEDGER_SUM, times[i]);
	vrv_ledger_close(ledger);
	for (size_t i = 0; i < PACKS; i++) {
		(void)check(s, one_pack);
		struct known then = known(s);
		for (size_t k = 0; k <= i; k++)
			assert_true(then.last[order[k]] >= now.last[0]);
		for (size_t k = i + 1; k < PACKS; k++)
			assert_int_equal(then.last[order[k]], times[order[k]]);
	}
}

static void
first_pack(struct small_repo *s, char path[300], uint8_t id[VRV_OBJECT_ID])
{
	char hex[2 * VRV_OBJECT_ID + 1];
	struct known now = known(s);

	assert_true(now.n > 0);
	memcpy(id, now.ids[0], VRV_OBJECT_ID);
	vrv_hex(hex, id, VRV_OBJECT_ID);
	snprintf(path, 300, "%s/repo/packs/%.2s/%s", s->path, hex, hex);
}

/* What is damaged is not on record, and so is the first next time; what is
 * gone is no longer. */
static void
test_damaged_and_gone(void **state)
{
	struct small_repo *s = *state;
	uint8_t id[VRV_OBJECT_ID];
	char path[300];

	fill(s);
	(void)check(s, (struct varve_check_options){.objects = true});
	assert_int_equal(known(s).n, PACKS);
	first_pack(s, path, id);
	assert_int_equal(chmod(path, 0600), 0);
	int fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "XXXX", 4, 70), 4);
	close(fd);
	struct varve_check_result r =
	    check(s, (struct varve_check_options){.objects = true});
	assert_int_equal(r.problems, 1);
	struct known now = known(s);
	assert_int_equal(now.n, PACKS - 1);
	assert_false(knows(&now, id));
	struct varve_check_options due = {
	    .objects = true,
	    .max_packs = 1,
	};
	s->problems = 0;
	assert_int_equal(check(s, due).problems, 1);
	assert_int_equal(s->problems, 1);

	first_pack(s, path, id);
	assert_int_equal(unlink(path), 0);
	(void)check(s, due);
	now = known(s);
	assert_int_equal(now.n, PACKS - 2);
	assert_false(knows(&now, id));
}

/* A damaged pack is due in every run, but does not keep the others waiting. */
static void
test_damage_is_no_obstacle(void **state)
{
	struct small_repo *s = *state;
	uint8_t id[VRV_OBJECT_ID];
	char path[300];

	fill(s);
	(void)check(s, (struct varve_check_options){.objects = true});
	first_pack(s, path, id);
	assert_int_equal(chmod(path, 0600), 0);
	int fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, "XXXX", 4, 70), 4);
	close(fd);
	struct vrv_ledger *ledger = vrv_ledger_open(s->repo);
	struct known now = known(s);
	for (size_t i = 0; i < now.n; i++)
		vrv_ledger_forget(ledger, now.ids[i]);
	vrv_ledger_close(ledger);
	for (size_t i = 0; i < PACKS - 1; i++) {
		struct varve_check_options due = {
		    .objects = true,
		    .max_packs = 1,
		    .threads = 4,
		};
		(void)check(s, due);
		assert_int_equal(known(s).n, i + 1);
	}
	now = known(s);
	assert_false(knows(&now, id));
}

/* --- a run that is killed --- */

static char greatest[300];

static int
find_greatest(const char *path, const struct stat *st, int type,
    struct FTW *ftw)
{
	const char *name = path + ftw->base;

	(void)st;
	if (type == FTW_F &&
	    (greatest[0] == '\0' ||
		strcmp(name, strrchr(greatest, '/') + 1) > 0))
		snprintf(greatest, sizeof(greatest), "%s", path);
	return 0;
}

static void
die(void *arg, const struct varve_event *event)
{
	(void)arg;
	if (event->type == VARVE_EVENT_PROBLEM)
		(void)raise(SIGKILL);
}

static void
test_killed(void **state)
{
	const struct varve_check_options options = {
	    .objects = true,
	    .max_duration = 3600,
	    .threads = 1,
	    .event = die,
	};
	struct small_repo *s = *state;
	struct varve_check_result result;
	struct varve_err err = {0};
	char path[128], text[16];
	int status;

	for (unsigned i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text), "text %u ", i);
		const struct small_node node = {"f", VRV_FILE, 0600, text};
		small_repo_fill(s, &node, 1);
	}
	/* The last to be looked at is damaged, and what tells so kills. */
	snprintf(path, sizeof(path), "%s/repo/packs", s->path);
	greatest[0] = '\0';
	assert_int_equal(nftw(path, find_greatest, 8, FTW_PHYS), 0);
	assert_int_equal(chmod(greatest, 0600), 0);
	int fd = open(greatest, O_WRONLY);
	assert_int_equal(pwrite(fd, "XXXX", 4, 70), 4);
	close(fd);
	pid_t child = fork();
	if (child == 0) {
		(void)!vrv_check(s->repo, &options, NULL, 0, &result, &err);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	struct known then = known(s);
	assert_true(then.n >= 32 && then.n < MANY);

	/* The next takes those that are left, and among them the damaged. */
	const struct varve_check_options next = {
	    .objects = true,
	    .max_packs = MANY - then.n,
	};
	struct varve_check_result r = check(s, next);
	assert_int_equal(r.problems, 1);
	assert_int_equal(known(s).n, MANY - 1);
}

struct runs {
	unsigned n;
	struct varve_run last;
	char options[80];
};

static int
on_run(void *arg, const struct varve_run *run, struct varve_err *err)
{
	struct runs *runs = arg;

	(void)err;
	if (runs->n++ == 0) {
		runs->last = *run;
		snprintf(runs->options, sizeof(runs->options), "%s",
		    run->options);
	}
	return 0;
}

static void
test_run_on_record(void **state)
{
	struct small_repo *s = *state;
	struct varve_check_options options = one_pack;
	struct runs runs = {0};
	struct varve_err err = {0};

	fill(s);
	assert_int_equal(vrv_ledger_runs(s->repo, on_run, &runs, &err), 0);
	assert_int_equal(runs.n, 0);
	options.max_duration = 3600;
	options.max_age = 7 * 86400;
	(void)check(s, options);
	assert_int_equal(vrv_ledger_runs(s->repo, on_run, &runs, &err), 0);
	assert_int_equal(runs.n, 1);
	assert_int_equal(runs.last.kind, VARVE_RUN_CHECK);
	assert_int_equal(runs.last.result, VARVE_RUN_GOOD);
	assert_int_equal(runs.last.items, 1);
	assert_int_equal(runs.last.of_items, PACKS);
	assert_true(runs.last.bytes > 0);
	assert_true(runs.last.bytes < runs.last.of_bytes);
	assert_true(runs.last.end.s >= runs.last.start.s);
	assert_string_equal(runs.options, "--max-duration 3600 --max-age 7");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SMALL_REPO_TEST(test_goes_on),
	    SMALL_REPO_TEST(test_levels),
	    SMALL_REPO_TEST(test_oldest_first),
	    SMALL_REPO_TEST(test_damaged_and_gone),
	    SMALL_REPO_TEST(test_damage_is_no_obstacle),
	    SMALL_REPO_TEST(test_killed),
	    SMALL_REPO_TEST(test_run_on_record),
	};

	return cmocka_run_group_tests_name("check_limited", tests, NULL, NULL);
}
