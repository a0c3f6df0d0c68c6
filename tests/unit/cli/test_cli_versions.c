/* SPDX-License-Identifier: BSD-2-Clause */
/* find, history and catalog over the fake library. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/timeparse.h"
#include "fakevarve.h"
#include "program.h"

/* A file of two versions with a gap between them, then another series. */
static int
setup(void **state)
{
	struct fakevarve *f = &fakevarve;
	static const struct varve_item big = {.path = "src/big",
	    .kind = VARVE_FILE,
	    .mode = 0644,
	    .uid = 7,
	    .gid = 8,
	    .size = 3000000,
	    .mtime = {1795314245, 0}};
	int rc = program_setup(state);

	f->archives[0].series = f->archives[1].series = "docs";
	f->archives[2] = f->archives[1];
	f->archives[2].name = "three";
	f->archives[2].series = "/music /films";
	f->archives[2].host = "other";
	f->n_archives = 3;
	f->items[1].path = "src/a\n\xff";
	for (size_t i = 0; i < 4; i++)
		f->periods[i].version =
		    (struct varve_version){.path = "src/a\n\xff",
			.first = &f->archives[i % 2],
			.last = &f->archives[i % 2],
			.archives = 1};
	f->periods[0].number = 1;
	f->periods[0].version.item = &f->items[1];
	strcpy(f->periods[0].version.content, "00112233aabbccdd");
	f->periods[2].number = 2;
	f->periods[2].version.item = &big;
	f->periods[2].version.path = "src/big";
	f->periods[2].version.last = &f->archives[1];
	f->periods[2].version.archives = 2;
	f->periods[3].number = 3;
	f->periods[3].version.item = &f->items[2];
	f->periods[3].version.path = "src/l";
	f->periods[3].version.first = f->periods[3].version.last =
	    &f->archives[2];
	f->n_periods = 4;
	return rc;
}

static void
must_find(const char *options, const char *paths)
{
	char command[256], found[256] = "";

	snprintf(command, sizeof(command), "find %s", options);
	assert_int_equal(program_run(command), paths[0] == '\0');
	if (strstr(program_out, "src/a\\x0a\\xff [one]\n") != NULL)
		strcat(found, "a ");
	if (strstr(program_out, "src/big [one .. two: 2]\n") != NULL)
		strcat(found, "big ");
	if (strstr(program_out, "src/l [three]\n") != NULL)
		strcat(found, "l ");
	assert_string_equal(found, paths);
}

static void
test_find(void **state)
{
	(void)state;
	must_find("", "a big l ");
	assert_string_equal(program_out,
	    "-rwSr--r--      12 B 2026-11-22 02:24:05 src/a\\x0a\\xff [one]\n"
	    "-rw-r--r--   3.00 MB 2026-11-22 02:24:05 src/big "
	    "[one .. two: 2]\n"
	    "lrwxrwxrwx       1 B 2026-11-22 02:24:05 src/l [three]\n");
	must_find("--name 'b*'", "big ");
	must_find("--name src", "");
	must_find("--regex '^src/.$'", "l ");
	must_find("--path 'src/b*'", "big ");
	must_find("--path re:l", "l ");
	must_find("--path pp:src --name l", "l ");
	must_find("--type f", "a big ");
	must_find("--type l,d", "l ");
	must_find("--size 12", "a ");
	must_find("--size +2M", "big ");
	must_find("--size -3M", "a big ");
	must_find("--size +2929k", "big ");
	must_find("--size +2930k", "");
	must_find("--newer 2026-11-22T02:24:05", "a l ");
	must_find("--newer 2026-11-22T02:24:04", "a big l ");
	must_find("--older 2026-11-22T02:24:05.5", "a big l ");
	must_find("--older 2026-11-22T02:24:05", "");
	must_find("-a 't*'", "big l ");
	must_find("--series docs", "a big ");
	must_find("--series '*films'", "l ");
	must_find("--series 'other:*'", "l ");
	assert_true(fakevarve.catalog.series != NULL);
	assert_non_null(fakevarve.catalog.host);
	assert_false(fakevarve.catalog.no_update);
	must_find("--no-update", "a big l ");
	assert_true(fakevarve.catalog.no_update);
	assert_true(fakevarve.find.name == NULL && fakevarve.find.item == NULL);
	assert_true(
	    fakevarve.find.path == NULL && fakevarve.find.archive == NULL);
	assert_false(fakevarve.find.want_owners);
}

static void
test_find_json(void **state)
{
	(void)state;
	assert_int_equal(program_run("find --json-lines --name 'a*'"), 0);
	assert_non_null(strstr(program_out, "\"path\": \"src/a\\n?\""));
	assert_non_null(strstr(program_out, "\"path_b64\": \"c3JjL2EK/w==\""));
	assert_non_null(
	    strstr(program_out, "\"content\": \"00112233aabbccdd\""));
	assert_non_null(strstr(program_out,
	    "\"first\": {\"name\": \"one\", \"id\": \"aaaa"));
	assert_non_null(strstr(program_out, "\"archives\": 1}\n"));
	assert_non_null(strstr(program_out, "\"size\": 12"));
	assert_true(fakevarve.find.want_owners);
	assert_int_equal(program_run("find --json-lines --name l"), 0);
	assert_null(strstr(program_out, "path_b64"));
	assert_non_null(strstr(program_out, "\"hostname\": \"other\""));
}

static void
test_find_refuses(void **state)
{
	static const char *const bad[][2] = {
	    {"--size k", "'k' is not a size"},
	    {"--size ''", "'' is not a size"},
	    {"--size +", "'+' is not a size"},
	    {"--size 1kk", "'1kk' is not a size"},
	    {"--size 18446744073709551616", "is not a size"},
	    {"--size 16777216T", "is not a size"},
	    {"--type ''", "'' is not made of"},
	    {"--type fx", "'fx' is not made of"},
	    {"--newer 7q", "'7q' is neither a time"},
	    {"--older 99999999999d", "is neither a time"},
	    {"--regex '('", "bad regular expression"},
	    {"--path xx:y", "unknown pattern style"},
	    {":: x more", "unexpected argument 'more'"},
	    {"::one", "names an archive"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char command[128];

		snprintf(command, sizeof(command), "find %s", bad[i][0]);
		assert_int_equal(program_run(command), 2);
		assert_non_null(strstr(program_err, bad[i][1]));
	}
}

static void
test_history(void **state)
{
	(void)state;
	assert_int_equal(program_run("history :: /src//./a"), 0);
	assert_string_equal(fakevarve.text, "src/a");
	assert_string_equal(program_out,
	    "   1      12 B 2026-11-22 02:24:05 00112233aabbccdd [one] "
	    "-rwSr--r-- 7:8 (vm:docs)\n"
	    "   - not in [two] (vm:docs)\n"
	    "   2   3.00 MB 2026-11-22 02:24:05                - "
	    "[one .. two: 2] -rw-r--r-- 7:8 (vm:docs)\n"
	    "   3       1 B 2026-11-22 02:24:05                - [three] "
	    "lrwxrwxrwx root:root (other:/music /films)\n");
	assert_int_equal(program_run("history --series docs :: src/a"), 0);
	assert_null(strstr(program_out, "three"));
	assert_null(strstr(program_out, "(vm:docs)"));
	assert_int_equal(program_run("history --json :: src/a"), 0);
	assert_non_null(strstr(program_out, "\"number\": null"));
	assert_non_null(strstr(program_out, "\"number\": 3"));
	assert_int_equal(program_run("history ::"), 2);
	assert_int_equal(program_run("history :: a b"), 2);
	assert_int_equal(program_run("history --overwrite :: a"), 2);
	assert_int_equal(program_run("history --json --restore 1 :: a"), 2);
	assert_int_equal(program_run(
			     "history --restore 1 --stdout --overwrite :: a"),
	    2);
}

static void
must_restore(const char *which, const char *archive)
{
	char command[128];

	snprintf(command, sizeof(command), "history --restore %s :: src/l",
	    which);
	assert_int_equal(program_run(command), 0);
	assert_string_equal(fakevarve.restored, archive);
}

static void
test_restore(void **state)
{
	const struct varve_restore_options *r = &fakevarve.restore;

	(void)state;
	must_restore("1", "one");
	must_restore("2", "two");
	must_restore("3", "three");
	must_restore("latest", "three");
	must_restore("before:2026-11-22T02:24:06", "two");
	assert_int_equal(r->stdout_fd, -1);
	assert_false(r->overwrite);
	assert_int_equal(program_run(
			     "history --restore 1 --overwrite :: src/l"),
	    0);
	assert_true(r->overwrite);
	assert_int_equal(program_run("history --restore 1 --stdout :: src/l"),
	    0);
	assert_int_equal(r->stdout_fd, STDOUT_FILENO);
	for (int i = 0; i < 5; i++) {
		static const char *const bad[] = {"0", "4", "1x", "-1",
		    "before:2026-11-22T02:24:05"};
		char command[128];

		snprintf(command, sizeof(command),
		    "history --restore %s :: src/l", bad[i]);
		assert_int_equal(program_run(command), 2);
	}
	fakevarve.restore_result.skipped = 1;
	assert_int_equal(program_run("history --restore 1 :: src/l"), 2);
	fakevarve.restore_result.skipped = 0;
	fakevarve.restore_result.warnings = 1;
	assert_int_equal(program_run("history --restore 1 :: src/l"), 1);
}

static void
test_catalog(void **state)
{
	static const struct varve_catalog_series series[] = {{"vm", "docs", 2,
								 3},
	    {"other", "/music", 0, 1}};
	struct varve_catalog_status *s = &fakevarve.catalog_status;

	(void)state;
	assert_int_equal(program_run("catalog rebuild"), 0);
	assert_int_equal(fakevarve.rebuilt, 1);
	assert_true(fakevarve.catalog.no_update);
	assert_string_equal(program_err, "");
	assert_int_equal(program_run("catalog rebuild --series '*' -s"), 0);
	assert_string_equal(program_err,
	    "catalogued 2 archives, 1000 entries in 0.50 seconds "
	    "(2000 entries/s)\n");
	assert_int_equal(program_run("catalog drop -v"), 0);
	assert_non_null(strstr(program_err, "removed the catalog"));
	assert_int_equal(program_run("catalog drop -v"), 0);
	assert_non_null(strstr(program_err, "there was no catalog"));
	*s = (struct varve_catalog_status){.path = "/cache/catalog.db",
	    .series = series,
	    .n_series = 2};
	assert_int_equal(program_run("catalog status"), 0);
	assert_string_equal(program_out,
	    "Catalog: /cache/catalog.db\nState: there is none yet\n"
	    "Archives catalogued, of each series:\n"
	    "       2 of 3        vm:docs\n"
	    "       0 of 1        other:/music\n");
	s->exists = true;
	s->damage = "a page";
	assert_int_equal(program_run("catalog status"), 0);
	assert_non_null(strstr(program_out, "State: damaged (a page); it is"));
	s->whole = true;
	s->size = 40960;
	s->versions = 17;
	s->dirs = 3;
	assert_int_equal(program_run("catalog status"), 0);
	assert_non_null(strstr(program_out,
	    "State: whole\nSize: 40.96 kB\nEntries: 17 in 3 folders\n"
	    "Updated: never\n"));
	assert_int_equal(program_run("catalog status --json"), 0);
	assert_non_null(strstr(program_out, "\"entries\": 17"));
	assert_non_null(strstr(program_out, "\"updated\": null"));
	assert_int_equal(program_run("catalog"), 2);
	assert_non_null(strstr(program_err,
	    "'catalog' needs one of rebuild, status, drop"));
	assert_int_equal(program_run("catalog nope"), 2);
	assert_int_equal(program_run("help --words catalog"), 0);
	assert_non_null(strstr(program_out, "rebuild\nstatus\ndrop\n"));
}

static void
test_create(void **state)
{
	(void)state;
	assert_int_equal(program_run("create ::x src"), 0);
	assert_false(fakevarve.backup.no_catalog);
	assert_int_equal(program_run("create --no-catalog ::x src"), 0);
	assert_true(fakevarve.backup.no_catalog);
}

static void
test_spans(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} spans[] = {{"0S", 0}, {"5S", 5}, {"2M", 120}, {"3H", 10800},
	    {"1d", 86400}, {"2w", 1209600}, {"1m", 2678400}, {"1y", 31536000}};
	const struct varve_time now = {1800000000, 7};
	struct varve_time t;
	struct varve_err err;

	(void)state;
	for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
		assert_int_equal(vrv_time_or_span(spans[i].text, now, &t, &err),
		    0);
		assert_int_equal(t.s, now.s - spans[i].seconds);
		assert_int_equal(t.ns, 7);
	}
	assert_int_equal(vrv_time_or_span("2026-01-01T00:00:00Z", now, &t,
			     &err),
	    0);
	assert_int_equal(t.s, 1767225600);
	assert_int_equal(vrv_time_or_span("d", now, &t, &err), VARVE_USAGE);
	assert_int_equal(vrv_time_or_span("1dd", now, &t, &err), VARVE_USAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_find, setup),
	    cmocka_unit_test_setup(test_find_json, setup),
	    cmocka_unit_test_setup(test_find_refuses, setup),
	    cmocka_unit_test_setup(test_history, setup),
	    cmocka_unit_test_setup(test_restore, setup),
	    cmocka_unit_test_setup(test_catalog, setup),
	    cmocka_unit_test_setup(test_create, setup),
	    cmocka_unit_test(test_spans),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
