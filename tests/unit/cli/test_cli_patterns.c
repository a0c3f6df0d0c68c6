/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/glob.h"
#include "cli/pattern.h"
#include "cli/patterns.h"
#include "util/mem.h"

/* What Borg's manual says of single patterns, and what its program does. */
static void
test_patterns(void **state)
{
	static const struct {
		const char *pattern, *path;
		bool matches;
	} cases[] = {
	    {"fm:*.o", "a.o", true},
	    {"fm:*.o", "home/user/a.o", true},
	    {"fm:*.o", "a.oo", false},
	    {"fm:*.o", "dir.o/below", true},
	    {"fm:home/*/cache/", "home/u/cache", false},
	    {"fm:home/*/cache/", "home/u/cache/x", true},
	    {"fm:home/*/cache/", "home/u/v/cache/x/y", true},
	    {"fm:/home/user", "home/user", true},
	    {"fm:/home/user", "home/user2", false},
	    {"fm:a?c", "a/c", true},
	    {"fm:[!ab]x", "cx", true},
	    {"fm:[!ab]x", "ax", false},
	    {"fm:[]-]", "]", true},
	    {"fm:[a", "[a", true},
	    {"fm:a[c-a]", "ab", false},
	    {"fm:a//b/./c/../d", "a/b/d", true},
	    {"sh:home/*/cache", "home/u/cache", true},
	    {"sh:home/*/cache", "home/u/v/cache", false},
	    {"sh:home/**/cache", "home/u/v/cache", true},
	    {"sh:home/**/cache", "home/cache", true},
	    {"sh:home/**/cache", "home/xcache", false},
	    {"sh:**/*X*/**", "a/bXb", true},
	    {"sh:**/*X*/**", "aXa", true},
	    {"sh:**/*X*/**", "a/X/b/c", true},
	    {"sh:**/*X*/**", "a/b", false},
	    {"sh:*.o", "a/b.o", false},
	    {"sh:*.o/", "x.o", false},
	    {"sh:*.o/", "x.o/y", true},
	    {"sh:a?c", "a/c", false},
	    {"sh:a?c",
		"a\xc3\xa9"
		"c",
		true},
	    {"sh:a?c",
		"a\xff"
		"c",
		true},
	    {"sh:[[]x]", "[x]", true},
	    {"pp:home/user", "home/user", true},
	    {"pp:home/user/", "home/user/a", true},
	    {"pp:home/user", "home/user2", false},
	    {"pp:/home", "home/x", true},
	    {"pp:/", "anything", true},
	    {"pp:.", "anything", true},
	    {"pf:home/a", "home/a", true},
	    {"pf:/home/a/", "home/a", true},
	    {"pf:home", "home/a", false},
	    {"re:^home/[^/]+/tmp", "home/u/tmp/x", true},
	    {"re:\\.o$", "a.o", true},
	    {"re:\\.o$", "\xff.o", true},
	    {"re:^.$", "\xc3\xa9", true},
	    {"re:user", "home/user/x", true},
	    {"re:^user", "home/user/x", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vrv_pattern p;
		struct varve_err err;
		bool gave_up = false;
		assert_int_equal(vrv_pattern_init(&p, cases[i].pattern,
				     VRV_STYLE_FM, &err),
		    0);
		bool got = vrv_pattern_match(&p, cases[i].path, &gave_up);
		if (got != cases[i].matches)
			print_error("%s on %s\n", cases[i].pattern,
			    cases[i].path);
		assert_int_equal(got, cases[i].matches);
		assert_false(gave_up);
		vrv_pattern_fini(&p);
	}
}

static void
test_bad_patterns(void **state)
{
	struct vrv_pattern p;
	struct varve_err err;
	char *huge = test_malloc(VRV_GLOB_MAX + 10);

	(void)state;
	assert_int_equal(vrv_pattern_init(&p, "xx:a", VRV_STYLE_FM, &err),
	    VARVE_USAGE);
	assert_non_null(strstr(err.message, "'xx:'"));
	assert_int_equal(vrv_pattern_init(&p, "re:a(", VRV_STYLE_FM, &err),
	    VARVE_USAGE);
	assert_non_null(strstr(err.message, "a("));
	memset(huge, 'a', VRV_GLOB_MAX + 9);
	huge[VRV_GLOB_MAX + 9] = '\0';
	assert_int_equal(vrv_pattern_init(&p, huge, VRV_STYLE_SH, &err),
	    VARVE_LIMIT);
	test_free(huge);
}

/* Stars by the dozen against a text that almost matches. */
static void
test_hostile_glob(void **state)
{
	struct varve_err err;
	char pattern[256] = "", text[2001];
	vrv_auto_glob glob = NULL;

	(void)state;
	for (size_t i = 0; i < 40; i++)
		strcat(pattern, "a**/*");
	strcat(pattern, "b");
	memset(text, 'a', 2000);
	text[2000] = '\0';
	assert_int_equal(vrv_glob_new(pattern, VRV_GLOB_SHELL, &glob, &err), 0);
	assert_false(vrv_glob_match(glob, text, false));
}

static void
test_glob_names(void **state)
{
	struct varve_err err;
	vrv_auto_glob glob = NULL;

	(void)state;
	assert_int_equal(vrv_glob_new("vm-*", VRV_GLOB_SHELL, &glob, &err), 0);
	assert_true(vrv_glob_match(glob, "vm-2026", false));
	assert_true(vrv_glob_match(glob, "vm-", false));
	assert_false(vrv_glob_match(glob, "xvm-1", false));
	assert_false(vrv_glob_match(glob, "vm", false));
}

static void
test_path_normal(void **state)
{
	static const char *const cases[][2] = {{"/a//b/", "a/b"},
	    {"./a/../b", "b"}, {"../a", "../a"}, {"/..", "."}, {"", "."},
	    {"a/../..", ".."}, {"/../a", "a"}, {"../../x/..", "../.."}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		vrv_auto_free char *got = vrv_path_normal(cases[i][0]);
		assert_string_equal(got, cases[i][1]);
	}
}

/* --- lists --- */

struct fixture {
	struct vrv_arena arena;
	struct vrv_rules rules;
	struct vrv_strings paths;
	struct vrv_matcher *m;
	struct varve_err err;
};

static void
rule(struct fixture *f, enum vrv_rule_origin origin, const char *text)
{
	assert_int_equal(vrv_rules_add(&f->rules, &f->arena, origin, text,
			     &f->err),
	    0);
}

static int
compile(struct fixture *f, enum vrv_matcher_use use)
{
	return vrv_matcher_new(&f->rules, &f->paths, use, &f->m, &f->err);
}

static void
finish(struct fixture *f)
{
	vrv_matcher_free(f->m);
	vrv_arena_fini(&f->arena);
	memset(f, 0, sizeof(*f));
}

#define BOTH (VARVE_MATCH_INCLUDE | VARVE_MATCH_RECURSE)

static void
test_order(void **state)
{
	struct fixture f = {0};

	(void)state;
	rule(&f, VRV_RULE_PATTERN, "+ home/keep");
	rule(&f, VRV_RULE_PATTERN, "- home/*");
	rule(&f, VRV_RULE_EXCLUDE, "*.o");
	rule(&f, VRV_RULE_EXCLUDE, "pf:home/keep/secret");
	assert_int_equal(compile(&f, VRV_MATCH_SOURCES), 0);
	assert_int_equal(vrv_matcher_match(f.m, "home", true), BOTH);
	assert_int_equal(vrv_matcher_match(f.m, "/home/keep", true), BOTH);
	assert_int_equal(vrv_matcher_match(f.m, "home/keep/a.o", false), BOTH);
	/* Style pf goes before everything. */
	assert_int_equal(vrv_matcher_match(f.m, "home/keep/secret", true), 0);
	assert_int_equal(vrv_matcher_match(f.m, "home/x", true),
	    VARVE_MATCH_RECURSE);
	assert_int_equal(vrv_matcher_match(f.m, "lib/a.o", true), 0);
	finish(&f);

	/* The later of two full paths overrules. */
	rule(&f, VRV_RULE_EXCLUDE, "pf:b");
	rule(&f, VRV_RULE_EXCLUDE, "pf:a");
	rule(&f, VRV_RULE_PATTERN, "+ pf:a");
	assert_int_equal(compile(&f, VRV_MATCH_SOURCES), 0);
	assert_int_equal(vrv_matcher_match(f.m, "a", false), BOTH);
	assert_int_equal(vrv_matcher_match(f.m, "b", false), 0);
	finish(&f);
}

/* What lies in a directory, as a whole. */
static void
test_content(void **state)
{
	static const struct {
		const char *pattern, *dir;
		bool covers, reaches;
	} cases[] = {
	    {"fm:a/d/*", "a/d", true, true},
	    {"fm:a/d/", "a/d", true, true},
	    {"fm:a/d", "a/d", true, true},
	    {"fm:*/d/*", "a/d", true, true},
	    {"fm:a/*", "a/d", true, true},
	    {"fm:a/d/?*", "a/d", false, true},
	    {"fm:a/d/[!x]*", "a/d", false, true},
	    {"fm:a/d/**x", "a/d", false, true},
	    {"fm:a/d/x/*", "a/d", false, true},
	    {"fm:a/d/*", "a", false, true},
	    {"fm:a/d/*", "a/dd", false, false},
	    {"fm:a/d/*", "b", false, false},
	    {"fm:*.o", "a/d", false, true},
	    {"sh:a/d/*", "a/d", true, true},
	    {"sh:a/d/**/*", "a/d", true, true},
	    {"sh:**/d/*", "a/d", true, true},
	    {"sh:**/d/", "a/d", true, true},
	    {"sh:a/*/*", "a/d", true, true},
	    {"sh:a/*/x", "a/d", false, true},
	    {"sh:a/**/x", "a/d", false, true},
	    {"sh:*/x", "a/d", false, false},
	    {"sh:*", "a/d", true, true},
	    {"pp:a/d", "a/d", true, true},
	    {"pp:a/d/x", "a/d", false, true},
	    {"pp:a/dd", "a/d", false, false},
	    {"pf:a/d", "a/d", false, false},
	    {"pf:a/d/x/y", "a/d", false, true},
	    {"re:^a/d/", "a/d", false, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vrv_pattern p;
		struct varve_err err;

		assert_int_equal(vrv_pattern_init(&p, cases[i].pattern,
				     VRV_STYLE_FM, &err),
		    0);
		if (vrv_pattern_covers_content(&p, cases[i].dir) !=
			cases[i].covers ||
		    vrv_pattern_reaches(&p, cases[i].dir) != cases[i].reaches)
			fail_msg("%s on %s", cases[i].pattern, cases[i].dir);
		vrv_pattern_fini(&p);
	}
}

/* A directory of which nothing is wanted is included, but not looked into. */
static void
test_excluded_content(void **state)
{
	static const struct {
		const char *first, *second;
		unsigned want;
	} cases[] = {
	    {"! fm:d/*", "+ d", VARVE_MATCH_INCLUDE},
	    {"! d/*", "+ d/keep", VARVE_MATCH_INCLUDE},
	    {"+ d/keep", "! d/*", BOTH},
	    {"+ */keep", "! d/*", BOTH},
	    {"+ e/keep", "! d/*", VARVE_MATCH_INCLUDE},
	    {"- d/keep", "! d/*", BOTH},
	    {"- d/*", "! x", BOTH},
	    {"+ pf:d", "! d", VARVE_MATCH_INCLUDE},
	    {"! d/*", "+ pf:d/keep", BOTH},
	    {"! re:^d/", "! x", BOTH},
	    {"! d", "! x", 0},
	};
	struct fixture f = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rule(&f, VRV_RULE_PATTERN, cases[i].first);
		rule(&f, VRV_RULE_PATTERN, cases[i].second);
		assert_int_equal(compile(&f, VRV_MATCH_SOURCES), 0);
		unsigned got = vrv_matcher_match(f.m, "d", true);
		if (got != cases[i].want)
			fail_msg("%s, %s: %u", cases[i].first, cases[i].second,
			    got);
		finish(&f);
	}
}

static void
test_paths(void **state)
{
	struct fixture f = {0};
	size_t at = 0;

	(void)state;
	rule(&f, VRV_RULE_EXCLUDE, "*.tmp");
	assert_int_equal(vrv_strings_add(&f.paths, &f.arena, "home/user/docs",
			     &f.err),
	    0);
	assert_int_equal(vrv_strings_add(&f.paths, &f.arena, "nowhere", &f.err),
	    0);
	assert_int_equal(compile(&f, VRV_MATCH_ARCHIVE), 0);
	assert_int_equal(vrv_matcher_match(f.m, ".", true),
	    VARVE_MATCH_RECURSE);
	assert_int_equal(vrv_matcher_match(f.m, "home", true),
	    VARVE_MATCH_RECURSE);
	assert_int_equal(vrv_matcher_match(f.m, "home/user", true),
	    VARVE_MATCH_RECURSE);
	assert_int_equal(vrv_matcher_match(f.m, "home/other", true), 0);
	assert_int_equal(vrv_matcher_match(f.m, "homes", true), 0);
	assert_int_equal(vrv_matcher_match(f.m, "home/user/docs/a", false),
	    BOTH);
	assert_int_equal(vrv_matcher_match(f.m, "home/user/docs/a.tmp", false),
	    0);
	assert_string_equal(vrv_matcher_unmatched(f.m, &at), "nowhere");
	assert_null(vrv_matcher_unmatched(f.m, &at));
	finish(&f);
}

/* In an archive an earlier pattern may include what lies in a folder that is
 * left out, whatever the letter. */
static void
test_archive_use(void **state)
{
	struct fixture f = {0};

	(void)state;
	rule(&f, VRV_RULE_PATTERN, "+ pp:a/b");
	rule(&f, VRV_RULE_EXCLUDE, "a");
	rule(&f, VRV_RULE_EXCLUDE, "c");
	rule(&f, VRV_RULE_EXCLUDE, "re:^d$");
	assert_int_equal(compile(&f, VRV_MATCH_ARCHIVE), 0);
	assert_int_equal(vrv_matcher_match(f.m, "a", true),
	    VARVE_MATCH_RECURSE);
	assert_int_equal(vrv_matcher_match(f.m, "a/b", true), BOTH);
	assert_int_equal(vrv_matcher_match(f.m, "a/c", true), 0);
	assert_int_equal(vrv_matcher_match(f.m, "c", true), 0);
	assert_int_equal(vrv_matcher_match(f.m, "d", true),
	    VARVE_MATCH_RECURSE);
	assert_int_equal(vrv_matcher_match(f.m, "d/e", false), BOTH);
	finish(&f);
}

static void
write_file(const char *name, const char *text)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	assert_int_equal(fclose(file), 0);
}

static void
test_files(void **state)
{
	struct fixture f = {0};
	char name[] = "/tmp/varve-patterns-XXXXXX";

	(void)state;
	int fd = mkstemp(name);
	assert_true(fd >= 0);
	close(fd);
	write_file(name,
	    "# a comment\n\n  R /srv/data \nP re\n+ ^srv/data/k\n"
	    "P sh\n! srv/data/*\n");
	rule(&f, VRV_RULE_PATTERNS_FROM, name);
	assert_int_equal(compile(&f, VRV_MATCH_SOURCES), 0);
	assert_int_equal(vrv_matcher_roots(f.m)->n, 1);
	assert_string_equal(vrv_matcher_roots(f.m)->items[0], "/srv/data");
	assert_int_equal(vrv_matcher_match(f.m, "srv/data/keep", true), BOTH);
	assert_int_equal(vrv_matcher_match(f.m, "srv/data/x", true), 0);
	finish(&f);

	write_file(name, "*.o\n\t# no\nsh:b/*\n");
	rule(&f, VRV_RULE_EXCLUDE_FROM, name);
	assert_int_equal(compile(&f, VRV_MATCH_SOURCES), 0);
	assert_int_equal(vrv_matcher_match(f.m, "x/y.o", false), 0);
	assert_int_equal(vrv_matcher_match(f.m, "b/c", false), 0);
	assert_int_equal(vrv_matcher_match(f.m, "# no", false), BOTH);
	finish(&f);

	write_file(name, "+ a\nno rule\n");
	rule(&f, VRV_RULE_PATTERNS_FROM, name);
	assert_int_equal(compile(&f, VRV_MATCH_SOURCES), VARVE_USAGE);
	assert_non_null(strstr(f.err.message, "line 2"));
	finish(&f);
	unlink(name);

	rule(&f, VRV_RULE_EXCLUDE_FROM, name);
	assert_int_equal(compile(&f, VRV_MATCH_SOURCES), VARVE_NOENT);
	assert_non_null(strstr(f.err.message, name));
	finish(&f);
}

static void
test_bad_rules(void **state)
{
	static const char *const bad[] = {"", "a", "+", "+  ", "P xx", "- re:(",
	    "! zz:a"};
	struct fixture f = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		rule(&f, VRV_RULE_PATTERN, bad[i]);
		assert_int_equal(compile(&f, VRV_MATCH_SOURCES), VARVE_USAGE);
		assert_int_equal(f.err.exit, VARVE_EXIT_ERROR);
		finish(&f);
	}
	assert_int_equal(compile(&f, VRV_MATCH_SOURCES), 0);
	assert_true(vrv_matcher_is_empty(f.m));
	finish(&f);
}

/* A regular expression that explodes is given up, and said so. */
static void
test_runaway_regex(void **state)
{
	struct fixture f = {0};
	char path[3000];

	(void)state;
	memset(path, 'a', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	rule(&f, VRV_RULE_EXCLUDE, "re:(?:(a+)+)+$(?<=b)");
	rule(&f, VRV_RULE_EXCLUDE, "re:((a*)*)*b\\1");
	assert_int_equal(compile(&f, VRV_MATCH_SOURCES), 0);
	assert_int_equal(vrv_matcher_match(f.m, path, false), BOTH);
	finish(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_patterns),
	    cmocka_unit_test(test_bad_patterns),
	    cmocka_unit_test(test_hostile_glob),
	    cmocka_unit_test(test_glob_names),
	    cmocka_unit_test(test_path_normal),
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_content),
	    cmocka_unit_test(test_excluded_content),
	    cmocka_unit_test(test_paths),
	    cmocka_unit_test(test_archive_use),
	    cmocka_unit_test(test_files),
	    cmocka_unit_test(test_bad_rules),
	    cmocka_unit_test(test_runaway_regex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
