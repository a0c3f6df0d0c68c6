/* SPDX-License-Identifier: BSD-2-Clause */
/* The ledger: what is recorded is there, and nothing fails for its sake. */
#include "small_repo.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/db.h"
#include "ledger/ledger_internal.h"
#include "ledger/ledger.h"
#include "util/hex.h"

static void
path_of(const struct small_repo *s, char path[200])
{
	char id[2 * VRV_REPO_ID + 1];

	vrv_hex(id, vrv_repo_id(s->repo), VRV_REPO_ID);
	snprintf(path, 200, "%s/state/ledger-%s.db", s->path, id);
}

struct runs {
	unsigned n;
	struct varve_run run[4];
	char name[4][32], options[4][32];
	int stop; /* returned by the first */
};

static int
on_run(void *arg, const struct varve_run *run, struct varve_err *err)
{
	struct runs *runs = arg;
	unsigned i = runs->n++;

	(void)err;
	assert_true(i < 4);
	runs->run[i] = *run;
	snprintf(runs->name[i], 32, "%s", run->name);
	snprintf(runs->options[i], 32, "%s", run->options);
	return runs->stop;
}

static struct runs
runs(struct small_repo *s)
{
	struct runs runs = {0};
	struct varve_err err = {0};

	if (vrv_ledger_runs(s->repo, on_run, &runs, &err) != 0)
		fail_msg("runs: %s", err.message);
	return runs;
}

static void
record(struct small_repo *s, const char *name)
{
	struct vrv_ledger *ledger = vrv_ledger_open(s->repo);
	struct varve_run run = {
	    .kind = VARVE_RUN_VERIFY,
	    .start = {100, 5},
	    .name = name,
	    .options = "--all",
	    .of_items = 10,
	    .of_bytes = 1000,
	};

	assert_non_null(ledger);
	memset(run.archive, 'a', 64);
	vrv_ledger_begin(ledger, &run);
	assert_true(run.number > 0);
	run.result = VARVE_RUN_CHANGED;
	run.end = (struct varve_time){200, 7};
	run.items = 3;
	run.bytes = 300;
	run.changed = 2;
	run.problems = UINT64_MAX;
	vrv_ledger_end(ledger, &run);
	vrv_ledger_close(ledger);
}

static void
test_runs(void **state)
{
	struct small_repo *s = *state;
	struct varve_err err = {0};
	struct stat st;
	char path[200];

	assert_int_equal(runs(s).n, 0);
	path_of(s, path);
	/* Reading makes none. */
	assert_int_equal(stat(path, &st), -1);
	record(s, "one");
	record(s, "two\xff\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	struct runs all = runs(s);
	assert_int_equal(all.n, 2);
	assert_string_equal(all.name[0], "two\xff\n");
	assert_string_equal(all.name[1], "one");
	assert_string_equal(all.options[1], "--all");
	const struct varve_run *run = &all.run[1];
	assert_true(run->number < all.run[0].number);
	assert_int_equal(run->kind, VARVE_RUN_VERIFY);
	assert_int_equal(run->result, VARVE_RUN_CHANGED);
	assert_int_equal(run->start.s, 100);
	assert_int_equal(run->start.ns, 5);
	assert_int_equal(run->end.s, 200);
	assert_int_equal(run->end.ns, 7);
	assert_int_equal(run->archive[63], 'a');
	assert_int_equal(run->items, 3);
	assert_int_equal(run->of_items, 10);
	assert_int_equal(run->bytes, 300);
	assert_int_equal(run->of_bytes, 1000);
	assert_int_equal(run->changed, 2);
	assert_int_equal(run->problems, INT64_MAX);

	all = (struct runs){.stop = 7};
	assert_int_equal(vrv_ledger_runs(s->repo, on_run, &all, &err), 7);
	assert_int_equal(all.n, 1);
	all = (struct runs){.stop = VARVE_NOENT};
	assert_int_equal(vrv_ledger_runs(s->repo, on_run, &all, &err),
	    VARVE_NOENT);
}

/* A run that was killed is there, as one without an end. */
static void
test_unfinished(void **state)
{
	struct small_repo *s = *state;
	struct vrv_ledger *ledger = vrv_ledger_open(s->repo);
	struct varve_run run = {.kind = VARVE_RUN_CHECK};

	vrv_ledger_begin(ledger, &run);
	struct runs all = runs(s);
	assert_int_equal(all.n, 1);
	assert_int_equal(all.run[0].result, VARVE_RUN_UNFINISHED);
	assert_int_equal(all.run[0].end.s, 0);
	assert_string_equal(all.run[0].archive, "");
	vrv_ledger_close(ledger);
}

static void
count(void *arg, const uint8_t *pack, enum vrv_ledger_level level, int64_t time)
{
	unsigned *n = arg;

	assert_int_equal(level, VRV_LEDGER_SUM);
	assert_int_equal(time, 1000 + pack[0]);
	++*n;
}

static unsigned
packs(struct small_repo *s)
{
	struct vrv_ledger *ledger = vrv_ledger_open(s->repo);
	unsigned n = 0;

	vrv_ledger_packs(ledger, count, &n);
	vrv_ledger_close(ledger);
	return n;
}

/* Packs are there before the one who records them is done. */
static void
test_packs_as_they_go(void **state)
{
	struct small_repo *s = *state;
	struct vrv_ledger *ledger = vrv_ledger_open(s->repo);
	uint8_t id[VRV_OBJECT_ID] = {0};

	for (unsigned i = 0; i < 100; i++) {
		id[0] = (uint8_t)i;
		vrv_ledger_sound(ledger, id, VRV_LEDGER_SUM, 1000 + i);
	}
	assert_true(packs(s) >= 96);
	vrv_ledger_close(ledger);
	assert_int_equal(packs(s), 100);
	ledger = vrv_ledger_open(s->repo);
	vrv_ledger_forget(ledger, id);
	vrv_ledger_close(ledger);
	assert_int_equal(packs(s), 99);
}

/* Files of the state folder whose names have `word` in them. */
static unsigned
files_with(const struct small_repo *s, const char *word)
{
	char path[128];
	unsigned n = 0;

	snprintf(path, sizeof(path), "%s/state", s->path);
	DIR *dir = opendir(path);
	assert_non_null(dir);
	for (struct dirent *e; (e = readdir(dir)) != NULL;)
		n += strstr(e->d_name, word) != NULL;
	closedir(dir);
	return n;
}

static void
damage(const char *path, off_t at)
{
	uint8_t byte;
	int fd = open(path, O_RDWR);

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

/* Whatever byte it is: the ledger is begun anew, once, and the old one kept. */
static void
test_damaged(void **state)
{
	struct small_repo *s = *state;
	char path[200];
	struct stat st;

	path_of(s, path);
	record(s, "one");
	assert_int_equal(stat(path, &st), 0);
	damage(path, st.st_size - 100);
	record(s, "two");
	struct runs all = runs(s);
	assert_int_equal(all.n, 1);
	assert_string_equal(all.name[0], "two");
	assert_int_equal(files_with(s, ".damaged-"), 1);
	damage(path, 3);
	assert_int_equal(runs(s).n, 0);
	record(s, "three");
	assert_int_equal(runs(s).n, 1);
}

static void
test_not_a_database(void **state)
{
	struct small_repo *s = *state;
	char path[200];

	path_of(s, path);
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(write(fd, "no database ", 12), 12);
	close(fd);
	record(s, "one");
	assert_int_equal(runs(s).n, 1);
	assert_int_equal(files_with(s, ".damaged-"), 1);
}

/* One of a later version is left alone, and nothing is recorded. */
static void
test_newer(void **state)
{
	struct small_repo *s = *state;
	struct varve_err err = {0};
	struct runs all = {0};

	record(s, "one");
	struct vrv_ledger *ledger = vrv_ledger_open(s->repo);
	assert_non_null(ledger);
	assert_int_equal(vrv_db_exec(ledger->db,
			     "CREATE TABLE later(a); PRAGMA user_version = 99",
			     &err),
	    0);
	vrv_ledger_close(ledger);
	assert_null(vrv_ledger_open(s->repo));
	assert_int_equal(vrv_ledger_runs(s->repo, on_run, &all, &err),
	    VARVE_FORMAT);
	assert_int_equal(files_with(s, ".damaged-"), 0);
}

/* The first version did not tell checks of data apart. */
static void
test_version_1(void **state)
{
	static const char *const steps[] = {
	    "CREATE TABLE run("
	    " number INTEGER PRIMARY KEY AUTOINCREMENT,"
	    " kind INTEGER NOT NULL, result INTEGER NOT NULL,"
	    " start_s INTEGER NOT NULL, start_ns INTEGER NOT NULL,"
	    " end_s INTEGER NOT NULL, end_ns INTEGER NOT NULL,"
	    " archive TEXT NOT NULL, name BLOB NOT NULL, options TEXT NOT NULL,"
	    " items INTEGER NOT NULL, of_items INTEGER NOT NULL,"
	    " bytes INTEGER NOT NULL, of_bytes INTEGER NOT NULL,"
	    " changed INTEGER NOT NULL, problems INTEGER NOT NULL);"
	    "CREATE TABLE pack("
	    " id BLOB NOT NULL, level INTEGER NOT NULL, checked INTEGER NOT"
	    " NULL, PRIMARY KEY(id, level)) WITHOUT ROWID;",
	    NULL};
	static const char row[] =
	    "INSERT INTO run(kind, result, start_s, start_ns, end_s, end_ns,"
	    " archive, name, options, items, of_items, bytes, of_bytes,"
	    " changed, problems) VALUES(%d, 1, 1, 1, 1, 1, '', x'', '%s',"
	    " 0, 0, 0, 0, 0, 0)";
	const struct vrv_db_schema first = {0x76726c67u, steps};
	struct small_repo *s = *state;
	struct varve_err err = {0};
	char path[200], sql[500];
	struct vrv_db *db;

	path_of(s, path);
	assert_int_equal(vrv_db_open(path, &first, VRV_DB_KEPT, &db, &err), 0);
	snprintf(sql, sizeof(sql), row, 2, "--verify-data --max-age 1");
	assert_int_equal(vrv_db_exec(db, sql, &err), 0);
	snprintf(sql, sizeof(sql), row, 2, "--archives-only");
	assert_int_equal(vrv_db_exec(db, sql, &err), 0);
	vrv_db_close(db);
	struct runs all = runs(s);
	assert_int_equal(all.n, 2);
	assert_int_equal(all.run[0].kind, VARVE_RUN_CHECK);
	assert_int_equal(all.run[1].kind, VARVE_RUN_CHECK_DATA);
}

/* --- sweeps --- */

struct covered {
	unsigned n;
	struct varve_coverage at[4];
	char name[4][32], host[4][32], archive[4][65];
};

static int
on_coverage(void *arg, const struct varve_coverage *c, struct varve_err *err)
{
	struct covered *all = arg;
	unsigned i = all->n++;

	(void)err;
	assert_true(i < 4);
	all->at[i] = *c;
	snprintf(all->name[i], 32, "%s", c->name);
	snprintf(all->host[i], 32, "%s", c->host);
	snprintf(all->archive[i], 65, "%s", c->archive);
	return 0;
}

static struct covered
coverage(struct small_repo *s)
{
	struct covered all = {0};
	struct varve_err err = {0};

	if (vrv_ledger_coverage(s->repo, on_coverage, &all, &err) != 0)
		fail_msg("coverage: %s", err.message);
	return all;
}

static void
test_sweeps(void **state)
{
	const struct vrv_sweep_of series = {"web\xff", "host", ""},
				  other = {"t\xff", "hostweb", ""},
				  archive = {"web\xff", "host", "aabb"};
	struct small_repo *s = *state;
	struct vrv_sweep sweep;

	assert_int_equal(coverage(s).n, 0);
	struct vrv_ledger *ledger = vrv_ledger_open(s->repo);
	assert_false(vrv_ledger_sweep(ledger, &series, &sweep));
	vrv_ledger_sweep_put(ledger, &series,
	    &(struct vrv_sweep){UINT64_MAX, 3ull << 62, 5, 0, 0});
	assert_false(vrv_ledger_sweep(ledger, &archive, &sweep));
	assert_false(vrv_ledger_sweep(ledger, &other, &sweep));
	vrv_ledger_sweep_put(ledger, &archive,
	    &(struct vrv_sweep){1, 0, 0, 7, 8});
	vrv_ledger_close(ledger);

	ledger = vrv_ledger_open(s->repo);
	assert_true(vrv_ledger_sweep(ledger, &series, &sweep));
	assert_true(sweep.seed == UINT64_MAX && sweep.start == 3ull << 62);
	assert_int_equal(sweep.since, 5);
	assert_int_equal(sweep.full_to, 0);
	assert_true(vrv_ledger_sweep(ledger, &archive, &sweep));
	assert_int_equal(sweep.full_from, 7);
	assert_int_equal(sweep.full_to, 8);
	uint8_t pack[VRV_OBJECT_ID] = {1};
	vrv_ledger_sound(ledger, pack, VRV_LEDGER_FRAMES, 100);
	pack[0] = 2;
	vrv_ledger_sound(ledger, pack, VRV_LEDGER_FRAMES, 50);
	vrv_ledger_close(ledger);

	struct covered all = coverage(s);
	assert_int_equal(all.n, 3);
	assert_int_equal(all.at[0].kind, VARVE_COVERS_DATA);
	assert_int_equal(all.at[0].packs, 2);
	assert_int_equal(all.at[0].since, 50);
	for (unsigned i = 1; i < 3; i++) {
		bool is_series = all.at[i].kind == VARVE_COVERS_SERIES;
		assert_string_equal(all.name[i], "web\xff");
		assert_string_equal(all.host[i], "host");
		assert_string_equal(all.archive[i], is_series ? "" : "aabb");
		assert_true(all.at[i].part == (is_series ? 0.75 : 0));
		assert_int_equal(all.at[i].complete_to, is_series ? 0 : 8);
	}
}

/* Where there can be none, nothing is recorded and nothing fails. */
static void
test_none(void **state)
{
	struct small_repo *s = *state;
	struct varve_run run = {.kind = VARVE_RUN_CHECK};
	uint8_t id[VRV_OBJECT_ID] = {0};
	char path[200];
	unsigned n = 0;

	path_of(s, path);
	assert_int_equal(mkdir(path, 0700), 0);
	struct vrv_ledger *ledger = vrv_ledger_open(s->repo);
	assert_null(ledger);
	vrv_ledger_begin(ledger, &run);
	vrv_ledger_sound(ledger, id, VRV_LEDGER_SUM, 1);
	vrv_ledger_forget(ledger, id);
	vrv_ledger_packs(ledger, count, &n);
	vrv_ledger_end(ledger, &run);
	vrv_ledger_close(ledger);
	assert_int_equal(n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SMALL_REPO_TEST(test_runs),
	    SMALL_REPO_TEST(test_unfinished),
	    SMALL_REPO_TEST(test_packs_as_they_go),
	    SMALL_REPO_TEST(test_damaged),
	    SMALL_REPO_TEST(test_not_a_database),
	    SMALL_REPO_TEST(test_newer),
	    SMALL_REPO_TEST(test_version_1),
	    SMALL_REPO_TEST(test_sweeps),
	    SMALL_REPO_TEST(test_none),
	};

	return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
