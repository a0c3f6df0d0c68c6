/* SPDX-License-Identifier: BSD-2-Clause */
/* The command verify, the ledger in other output, and check in parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fakevarve.h"
#include "program.h"

static const struct varve_verify_options *
given(const char *command)
{
	assert_int_equal(program_run(command), 0);
	return &fakevarve.verify;
}

void
test_verify_options(void **state)
{
	(void)state;
	fakevarve.verify_result.sampled = 1;
	const struct varve_verify_options *o = given("verify ::one");
	assert_false(o->all || o->has_seed);
	assert_int_equal(o->files, 0);
	assert_int_equal(o->sample_ppm, 0);
	assert_null(o->into);
	assert_null(o->against);
	assert_true(given("verify --all ::one")->all);
	assert_int_equal(given("verify --files 12 ::one")->files, 12);
	assert_int_equal(given("verify --threads 3 ::one")->threads, 3);
	static const struct {
		const char *text;
		uint32_t ppm;
	} shares[] = {{"1%", 10000}, {"1", 10000}, {"0.5", 5000},
	    {"12.34%", 123400}, {"100", 1000000}, {"0.00001%", 1}};
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		char command[64];
		snprintf(command, sizeof(command), "verify --sample %s ::one",
		    shares[i].text);
		assert_int_equal(given(command)->sample_ppm, shares[i].ppm);
	}
	o = given("verify --seed 18446744073709551615 --into x ::one");
	assert_true(o->has_seed);
	assert_true(o->seed == UINT64_MAX);
	assert_string_equal(fakevarve.into, "x");
	(void)given("verify --against / ::one");
	assert_string_equal(fakevarve.against, "/");

	fakevarve.archives[0].series = "another";
	static const char *const bad[] = {"verify --sample 101 ::one",
	    "verify --sample -1 ::one", "verify --sample 1x ::one",
	    "verify --sample inf ::one", "verify --seed x ::one",
	    "verify --seed 18446744073709551616 ::one", "verify --status ::one",
	    "verify --status --files 3", "verify --into a --against b ::one",
	    "verify --into a", "verify --all --files 1 ::one",
	    "verify --last 1 ::one"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(program_run(bad[i]), 2);
}

/* The newest of each series, unless archives are chosen. */
void
test_verify_choice(void **state)
{
	(void)state;
	fakevarve.verify_result.sampled = 1;
	fakevarve.archives[0].series = "a";
	fakevarve.archives[1].series = "b";
	assert_int_equal(program_run("verify"), 0);
	assert_string_equal(fakevarve.text, "one\ntwo\n");
	fakevarve.text[0] = '\0';
	fakevarve.archives[1].series = "a";
	assert_int_equal(program_run("verify"), 0);
	assert_string_equal(fakevarve.text, "two\n");
	fakevarve.text[0] = '\0';
	fakevarve.archives[1].host = "other";
	assert_int_equal(program_run("verify"), 0);
	assert_string_equal(fakevarve.text, "one\ntwo\n");
	fakevarve.text[0] = '\0';
	assert_int_equal(program_run("verify --first 1"), 0);
	assert_string_equal(fakevarve.text, "one\n");
	assert_int_equal(program_run("verify -a 'x*'"), 31);
}

void
test_verify_result(void **state)
{
	struct varve_verify_result *r = &fakevarve.verify_result;

	(void)state;
	*r = (struct varve_verify_result){
	    .seed = 9,
	    .files = 200,
	    .bytes = 4000,
	    .sampled = 10,
	    .sampled_bytes = 1000,
	};
	assert_int_equal(program_run("verify ::one"), 0);
	assert_string_equal(program_out,
	    "one: 10 of 200 files, 1.00 kB of 4.00 kB (25.0 %), seed 9: "
	    "sound\n");
	r->equal = 9;
	r->filled = 1;
	assert_int_equal(program_run("verify --against / ::one"), 0);
	assert_non_null(strstr(program_out,
	    "seed 9: 1 with holes that take space, 9 equal\n"));
	r->vanished = 1;
	assert_int_equal(program_run("verify --against / ::one"), 1);
	assert_non_null(strstr(program_out, ": 1 gone, "));
	r->changed = 2;
	r->vanished = 0;
	assert_int_equal(program_run("verify --against / ::one"), 1);
	assert_non_null(strstr(program_out, ": 2 changed, "));
	r->problems = 3;
	assert_int_equal(program_run("verify --against / ::one"), 2);
	assert_non_null(strstr(program_out, ": 3 problems, 2 changed, "));
	assert_string_equal(program_err, "varve: 3 problems found\n");
	r->denied = 3;
	assert_int_equal(program_run("verify --against / ::one"), 21);
	/* An archive without files proves nothing. */
	*r = (struct varve_verify_result){.seed = 9};
	assert_int_equal(program_run("verify ::one"), 1);
	assert_string_equal(program_out,
	    "one: 0 of 0 files, 0 B of 0 B (100.0 %), seed 9: nothing was "
	    "verified, it has no files\n");
	r->equal = 2;
	assert_int_equal(program_run("verify --against / ::one"), 1);
	assert_non_null(strstr(program_out,
	    "seed 9: 2 equal; nothing was verified, it has no files\n"));
}

/* Whatever it holds, the table has 80 columns at most. */
void
test_verify_status(void **state)
{
	(void)state;
	fakevarve.n_runs = 4;
	for (size_t i = 0; i < 4; i++)
		fakevarve.runs[i] = (struct varve_run){
		    .number = 4 - (int64_t)i,
		    .kind = i == 3 ? VARVE_RUN_CHECK_DATA : VARVE_RUN_VERIFY,
		    .result = (enum varve_run_result)i,
		    .start = {1795314245, 0},
		    .end = {1795314247, 0},
		    .archive = "aa",
		    .name = i == 3 ? "" : "a long name\n that goes on and on",
		    .options = "--all",
		    .items = i == 0 ? UINT64_MAX : 999999,
		    .of_items = i == 0 ? UINT64_MAX : 1000000,
		    .bytes = i == 0 ? INT64_MAX : 1023 * 1024,
		    .of_bytes = i == 0 ? INT64_MAX : 2048 * 1024,
		};
	fakevarve.runs[3].archive[0] = '\0';
	for (int iec = 0; iec < 2; iec++) {
		assert_int_equal(program_run(iec ? "verify --iec --status" :
						   "verify --status"),
		    0);
		unsigned lines = 0, all = 0;
		for (char *p = program_out, *end;
		     (end = strchr(p, '\n')) != NULL; p = end + 1) {
			/* Names stand last, and are never cut. */
			static const char name[] =
			    "a long name\\x0a that goes on and on";
			size_t n = strlen(name);
			bool named = (size_t)(end - p) >= n &&
			    memcmp(end - n, name, n) == 0;
			assert_true(end - p - (named ? (ptrdiff_t)n : 0) <= 80);
			all += named;
			lines++;
		}
		assert_int_equal(all, 3);
		/* One or two lines say where the ledger is. */
		assert_true(lines == 6 || lines == 7);
		assert_non_null(
		    strstr(program_out, "\nRuns are recorded in /state\n"));
		assert_non_null(strstr(program_out, " check-data "));
		assert_non_null(strstr(program_out, " unfinished a long"));
		assert_non_null(strstr(program_out, " 999k/1000k "));
		assert_non_null(strstr(program_out, " 50.0% good       a"));
	}
	assert_int_equal(program_run("verify --status --json"), 0);
	assert_non_null(strstr(program_out, "\"result\": \"changed\""));
	assert_non_null(strstr(program_out, "\"end\": null"));
	assert_non_null(strstr(program_out, "\"archive\": null"));

	/* The last that was finished. */
	assert_int_equal(program_run("info"), 0);
	assert_non_null(strstr(program_out,
	    " a long name\\x0a that goes on and on (999999 of 1000000 files, "
	    "50.0 % of their size): good\n"));
	assert_int_equal(program_run("info --json"), 0);
	assert_non_null(strstr(program_out, "\"verified\": {"));
	fakevarve.n_runs = 0;
	assert_int_equal(program_run("info"), 0);
	assert_non_null(strstr(program_out, "Last verified: never\n"));
	assert_int_equal(program_run("info --json"), 0);
	assert_non_null(strstr(program_out, "\"verified\": null"));
}

void
test_check_part(void **state)
{
	struct varve_check_result *r = &fakevarve.check_result;

	(void)state;
	assert_int_equal(program_run("check --max-duration 60 --max-age 2"), 0);
	assert_int_equal(fakevarve.check.max_duration, 60);
	assert_int_equal(fakevarve.check.max_age, 2 * 86400);
	assert_int_equal(fakevarve.check.max_packs, 0);
	r->packs_listed = 12;
	r->packs_left = 5;
	assert_int_equal(program_run("check -v --max-duration 60"), 0);
	assert_non_null(strstr(program_err,
	    "no problems found in what was looked at; 5 of 12 packs left for "
	    "the next run\n"));
	r->packs_recent = 1;
	r->problems = 2;
	assert_int_equal(program_run("check --max-duration 60"), 90);
	assert_string_equal(program_err,
	    "varve: 2 problems found; 1 of 12 packs left out for their age; "
	    "5 of 12 packs left for the next run\n");
}
