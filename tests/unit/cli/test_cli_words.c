/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/stat.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/child.h"
#include "cli/chunksizes.h"
#include "cli/cmd.h"
#include "cli/compression.h"
#include "cli/dirs.h"
#include "cli/location.h"
#include "cli/options.h"
#include "cli/passphrase.h"
#include "cli/placeholders.h"
#include "cli/text.h"
#include "cli/timeparse.h"
#include "util/mem.h"

static const struct varve_time NOW = {1795314245, 266811000};

struct parsed {
	bool all, quiet;
	const char *name;
	unsigned number;
	struct vrv_strings list;
};

#define AT(field) offsetof(struct parsed, field)
static const struct vrv_option table[] = {
    {'a', "all", NULL, vrv_set_true, AT(all), "all"},
    {'n', "name", "NAME", vrv_set_string, AT(name), "name"},
    {0, "number", "N", vrv_set_unsigned, AT(number), "number"},
    {'l', "list", "X", vrv_set_list, AT(list), "list"},
    {0},
};
static const struct vrv_option common_table[] = {
    {'q', "quiet", NULL, vrv_set_true, AT(quiet), "quiet"},
    {0},
};

struct fixture {
	struct vrv_arena arena;
	struct parsed p;
	struct vrv_strings words;
	struct varve_err err;
};

static int
parse(struct fixture *f, const char *const *args)
{
	struct vrv_option_set own = {table, &f->p};
	struct vrv_option_set common = {common_table, &f->p};
	size_t used;

	vrv_arena_fini(&f->arena);
	memset(f, 0, sizeof(*f));
	return vrv_options_parse(&own, &common, args, &f->arena, &f->words,
	    &used, &f->err);
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void
test_options(void **state)
{
	struct fixture f = {0};

	(void)state;
	assert_int_equal(parse(&f,
			     ARGS("r", "-aq", "x", "--name=v", "-l1", "-l", "2",
				 "--number", "7")),
	    0);
	assert_true(f.p.all && f.p.quiet);
	assert_string_equal(f.p.name, "v");
	assert_int_equal(f.p.number, 7);
	assert_int_equal(f.p.list.n, 2);
	assert_string_equal(f.p.list.items[1], "2");
	assert_int_equal(f.words.n, 2);
	assert_string_equal(f.words.items[1], "x");

	assert_int_equal(parse(&f, ARGS("-", "--", "-a", "--nope")), 0);
	assert_int_equal(f.words.n, 3);
	assert_string_equal(f.words.items[0], "-");
	assert_false(f.p.all);
	assert_int_equal(parse(&f, ARGS("-anq")), 0);
	assert_string_equal(f.p.name, "q");
	assert_int_equal(parse(&f, ARGS("--name=", "--number=0")), 0);
	assert_string_equal(f.p.name, "");
	vrv_arena_fini(&f.arena);
}

static void
test_bad_options(void **state)
{
	static const char *const cases[][3] = {{"--nope=1", NULL, "--nope"},
	    {"-az", NULL, "-z"}, {"--name", NULL, "NAME"}, {"-n", NULL, "NAME"},
	    {"--all=x", NULL, "--all"}, {"--number", "-1", "-1"},
	    {"--number", "", "''"}, {"--number", "99999999999", "999"},
	    {"--number", "1x", "1x"}};
	struct fixture f = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *const args[] = {cases[i][0], cases[i][1], NULL};
		assert_int_equal(parse(&f, args), VARVE_USAGE);
		assert_int_equal(f.err.exit, VARVE_EXIT_ERROR);
		assert_non_null(strstr(f.err.message, cases[i][2]));
		vrv_arena_fini(&f.arena);
	}
}

/* Every line of every help fits a terminal, and every option is explained. */
static void
test_help_width(void **state)
{
	(void)state;
	for (size_t i = 0; vrv_commands[i] != NULL; i++) {
		vrv_auto_buf struct vrv_buf buf = {0};
		vrv_help_command(&buf, vrv_commands[i]);
		if (i == 0)
			vrv_help_overview(&buf);
		const char *line = vrv_text_str(&buf);
		assert_true(*line != '\0');
		while (*line != '\0') {
			size_t n = strcspn(line, "\n");
			if (n > 80)
				print_error("%.*s\n", (int)n, line);
			assert_true(n <= 80);
			line += n + (line[n] == '\n');
		}
	}
}

/* No option of a command hides a common one. */
static void
test_no_clash(void **state)
{
	(void)state;
	for (size_t i = 0; vrv_commands[i] != NULL; i++) {
		const struct vrv_option *o = vrv_commands[i]->options, *c;
		for (; o->name != NULL; o++) {
			for (c = vrv_common_options; c->name != NULL; c++) {
				assert_string_not_equal(o->name, c->name);
				assert_true(
				    o->letter == 0 || o->letter != c->letter);
			}
			for (c = o + 1; c->name != NULL; c++) {
				assert_string_not_equal(o->name, c->name);
				assert_true(
				    o->letter == 0 || o->letter != c->letter);
			}
		}
	}
}

static void
test_locations(void **state)
{
	static const struct {
		const char *text, *repo, *archive;
		int code;
	} cases[] = {
	    {"/srv/r::a", "/srv/r", "a", 0},
	    {"rel/r", "rel/r", NULL, 0},
	    {"file:///srv/r::a:b::c", "/srv/r", "a:b::c", 0},
	    {"r::aid:0123abcd", "r", "aid:0123abcd", 0},
	    {"./h:r", "./h:r", NULL, 0},
	    {"::x", "/env/r", "x", 0},
	    {"::", "/env/r", NULL, 0},
	    {"", "/env/r", NULL, 0},
	    {NULL, "/env/r", NULL, 0},
	    {"::{utcnow:%Y}", "/env/r", "2026", 0},
	    {"r::a/b", "r", "a/b", 0},
	    {"file://r", NULL, NULL, VARVE_USAGE},
	    {"ssh://h/r::a", NULL, NULL, VARVE_NOTSUP},
	    {"u@h:r", NULL, NULL, VARVE_NOTSUP},
	    {"s3:bucket", NULL, NULL, VARVE_NOTSUP},
	    {"::{x}", NULL, NULL, VARVE_USAGE},
	};

	(void)state;
	setenv("VARVE_REPO", "/env/r", 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vrv_location l = {0};
		struct varve_err err;
		assert_int_equal(vrv_location_parse(cases[i].text, NOW, &l,
				     &err),
		    cases[i].code);
		if (cases[i].code != 0)
			continue;
		assert_string_equal(l.repo, cases[i].repo);
		if (cases[i].archive == NULL)
			assert_null(l.archive);
		else
			assert_string_equal(l.archive, cases[i].archive);
		vrv_location_fini(&l);
	}
	struct vrv_location l = {0};
	struct varve_err err;
	setenv("VARVE_REPO", "/env/r::a", 1);
	assert_int_equal(vrv_location_parse("::b", NOW, &l, &err), VARVE_USAGE);
	unsetenv("VARVE_REPO");
	assert_int_equal(vrv_location_parse("::b", NOW, &l, &err), VARVE_USAGE);
	assert_non_null(strstr(err.message, "VARVE_REPO"));
}

static void
test_placeholders(void **state)
{
	static const char *const good[][2] = {
	    {"a{{b}}", "a{b}"},
	    {"{utcnow}", "2026-11-22T02:24:05"},
	    {"{now:%H-%M.%f}", "02-24.266811"},
	    {"{now:}", "2026-11-22T02:24:05"},
	    {"{varveversion}", "0.0.1"},
	};
	static const char *const bad[] = {"{nope}", "{", "}", "{pid:x}", "{now",
	    "{}", "{ now }"};
	struct varve_err err;
	char *text;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(vrv_placeholders(good[i][0], NOW, &text, &err),
		    0);
		assert_string_equal(text, good[i][1]);
		free(text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(vrv_placeholders(bad[i], NOW, &text, &err),
		    VARVE_USAGE);
		assert_int_equal(err.exit, VARVE_EXIT_PLACEHOLDER);
	}
	assert_int_equal(vrv_placeholders("{hostname}-{user}-{pid}", NOW, &text,
			     &err),
	    0);
	assert_null(strpbrk(text, "{}."));
	free(text);
}

static void
test_compression(void **state)
{
	static const struct {
		const char *text;
		enum varve_compression kind;
		int level;
	} good[] = {{"none", VARVE_COMPRESS_NONE, 0},
	    {"zstd", VARVE_COMPRESS_ZSTD, 0},
	    {"zstd,19", VARVE_COMPRESS_ZSTD, 19},
	    {"zstd,-5", VARVE_COMPRESS_ZSTD, -5},
	    {"auto", VARVE_COMPRESS_AUTO, 0},
	    {"auto,zstd,7", VARVE_COMPRESS_AUTO, 7},
	    {"lz4", VARVE_COMPRESS_ZSTD, 1},
	    {"auto,lz4", VARVE_COMPRESS_AUTO, 1},
	    {"zlib", VARVE_COMPRESS_ZSTD, 3},
	    {"zlib,0", VARVE_COMPRESS_NONE, 0},
	    {"zlib,1", VARVE_COMPRESS_ZSTD, 1},
	    {"zlib,9", VARVE_COMPRESS_ZSTD, 5},
	    {"lzma", VARVE_COMPRESS_ZSTD, 16},
	    {"lzma,0", VARVE_COMPRESS_ZSTD, 10},
	    {"auto,lzma,9", VARVE_COMPRESS_AUTO, 19},
	    {"zstd,22", VARVE_COMPRESS_ZSTD, 19},
	    {"obfuscate,3,none", VARVE_COMPRESS_NONE, 0},
	    {"obfuscate,110,auto,zstd,7", VARVE_COMPRESS_AUTO, 7}};
	static const char *const bad[] = {"", "lz4,1", "zstd,", "zstd,23",
	    "zlib,10", "lzma,", "bzip2", "obfuscate", "obfuscate,zstd",
	    "obfuscate,3", "obfuscate,3,", "zstd,-6", "zstd,0", "zstd,3x",
	    "auto,", "auto,none", "none,1", "zstd, 3", "auto,auto,zstd"};
	struct vrv_compression c;
	struct varve_err err;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(vrv_compression_parse(good[i].text, &c, &err),
		    0);
		assert_int_equal(c.kind, good[i].kind);
		assert_int_equal(c.level, good[i].level);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(vrv_compression_parse(bad[i], &c, &err),
		    VARVE_USAGE);
}

static void
test_chunk_sizes(void **state)
{
	static const struct {
		const char *text;
		struct vrv_chunk_sizes sizes;
	} good[] = {{"gear,64K,256K,2M",
			{VARVE_CHUNKER_GEAR, 65536, 262144, 2097152}},
	    {"gear,65536,262144,2097152",
		{VARVE_CHUNKER_GEAR, 65536, 262144, 2097152}},
	    {"gear,1,2,4294967295", {VARVE_CHUNKER_GEAR, 1, 2, 4294967295}},
	    {"gear,4M,2K,1", {VARVE_CHUNKER_GEAR, 4u << 20, 2048, 1}}};
	static const char *const bad[] = {"", "gear", "gear,", "64K,256K,2M",
	    "buzhash,64K,256K,2M", "gear,64K,256K", "gear,64K,256K,2M,",
	    "gear,64K,256K,2M,4095", "gear,0,256K,2M", "gear,64K,0K,2M",
	    "gear,,256K,2M", "gear,K,256K,2M", "gear,64k,256K,2M",
	    "gear,64K,256K,1G", "gear,64K,256K,2MB", "gear,-1,256K,2M",
	    "gear, 64K,256K,2M", "gear,64K,256K,4294967296",
	    "gear,64K,256K,4096M", "gear,64K,256K,18446744073709551617"};
	struct varve_err err;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct vrv_chunk_sizes s = {0};
		assert_int_equal(vrv_chunk_sizes_parse(good[i].text, &s, &err),
		    0);
		assert_int_equal(s.chunker, good[i].sizes.chunker);
		assert_int_equal(s.min, good[i].sizes.min);
		assert_int_equal(s.average, good[i].sizes.average);
		assert_int_equal(s.max, good[i].sizes.max);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct vrv_chunk_sizes s = {.min = 1, .average = 2, .max = 3};
		assert_int_equal(vrv_chunk_sizes_parse(bad[i], &s, &err),
		    VARVE_USAGE);
		assert_true(s.min == 1 && s.average == 2 && s.max == 3);
	}
}

static void
test_timestamps(void **state)
{
	static const struct {
		const char *text;
		int64_t s;
		uint32_t ns;
	} good[] = {
	    {"2026-11-22T02:24:05", 1795314245, 0},
	    {"2026-11-22 02:24:05Z", 1795314245, 0},
	    {"2026-11-22T02:24:05.2668", 1795314245, 266800000},
	    {"2026-11-22T03:24:05+01:00", 1795314245, 0},
	    {"2026-11-21T21:24-0500", 1795314240, 0},
	    {"1970-01-01", 0, 0},
	    {"1969-12-31T23:59:59Z", -1, 0},
	    {"2024-02-29", 1709164800, 0},
	    {"2024-366", 1735603200, 0},
	};
	static const char *const bad[] = {"", "yesterday", "2026-13-01",
	    "2026-02-29", "2026-366", "2026-11-22T24:00", "2026-11-22T1:00",
	    "2026-11-22T02:24:05+1", "2026-11-22x", "2026-11-22T02:24:05.",
	    "0000-01-01", "2026-04-31"};
	struct varve_time t;
	struct varve_err err;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(vrv_time_parse(good[i].text, &t, &err), 0);
		assert_int_equal(t.s, good[i].s);
		assert_int_equal(t.ns, good[i].ns);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(vrv_time_parse(bad[i], &t, &err), VARVE_USAGE);

	struct stat st;
	assert_int_equal(stat("/", &st), 0);
	assert_int_equal(vrv_time_parse("/", &t, &err), 0);
	assert_int_equal(t.s, st.st_mtim.tv_sec);
	assert_int_equal(t.ns, st.st_mtim.tv_nsec);
}

static void
test_split(void **state)
{
	struct vrv_arena arena = {0};
	struct vrv_strings words = {0};
	struct varve_err err;

	(void)state;
	assert_int_equal(vrv_split_command(" pass  'a b'\"c\\\"d\\e\" \\ x '' ",
			     &arena, &words, &err),
	    0);
	assert_int_equal(words.n, 4);
	assert_string_equal(words.items[0], "pass");
	assert_string_equal(words.items[1], "a bc\"d\\e");
	assert_string_equal(words.items[2], " x");
	assert_string_equal(words.items[3], "");
	assert_int_equal(vrv_split_command("a 'b", &arena, &words, &err),
	    VARVE_USAGE);
	words.n = 0;
	assert_int_equal(vrv_split_command("  ", &arena, &words, &err),
	    VARVE_USAGE);
	vrv_arena_fini(&arena);
}

static void
test_child(void **state)
{
	vrv_auto_child struct vrv_child c = VRV_CHILD_INIT;
	struct varve_err err;
	char out[64] = "";

	(void)state;
	struct vrv_passphrase passphrase = {0};
	static char variable[] = "VARVE_PASSPHRASE=secret";
	putenv(variable);
	assert_int_equal(vrv_passphrase_take(&passphrase, &err), 0);
	assert_string_equal(passphrase.secrets[VRV_SECRET_CURRENT], "secret");
	assert_memory_equal(variable, "VARVE_PASSPHRASE=\0\0\0\0\0\0",
	    sizeof(variable));
	vrv_passphrase_fini(&passphrase);
	assert_int_equal(vrv_child_start(ARGS("sh", "-c",
					     "echo x${VARVE_PASSPHRASE}x; exit "
					     "3"),
			     &c, &err),
	    0);
	assert_int_equal(read(c.fd, out, sizeof(out) - 1), 3);
	assert_string_equal(out, "xx\n");
	assert_int_equal(vrv_child_wait(&c, &err), VARVE_IO);
	assert_int_equal(err.exit, VARVE_EXIT_COMMAND);
	assert_non_null(strstr(err.message, "status 3"));

	struct vrv_child none = VRV_CHILD_INIT;
	assert_int_equal(vrv_child_start(ARGS("/nonexistent/command"), &none,
			     &err),
	    VARVE_NOENT);
	assert_int_equal(err.exit, VARVE_EXIT_COMMAND);
}

static void
test_dirs(void **state)
{
	struct vrv_dirs d;
	struct varve_err err;

	(void)state;
	unsetenv("VARVE_BASE_DIR");
	unsetenv("VARVE_STATE_DIR");
	unsetenv("VARVE_CACHE_DIR");
	unsetenv("VARVE_KEYS_DIR");
	unsetenv("XDG_STATE_HOME");
	unsetenv("XDG_CACHE_HOME");
	setenv("HOME", "/h", 1);
	setenv("XDG_CACHE_HOME", "relative", 1);
	setenv("XDG_CONFIG_HOME", "/xdg", 1);
	assert_int_equal(vrv_dirs_find(&d, &err), 0);
	assert_string_equal(d.state, "/h/.local/state/varve");
	assert_string_equal(d.cache, "/h/.cache/varve");
	assert_string_equal(d.keys, "/xdg/varve/keys");
	vrv_dirs_fini(&d);
	setenv("VARVE_BASE_DIR", "/b", 1);
	setenv("VARVE_STATE_DIR", "/s", 1);
	assert_int_equal(vrv_dirs_find(&d, &err), 0);
	assert_string_equal(d.state, "/s");
	assert_string_equal(d.cache, "/b/.cache/varve");
	assert_string_equal(d.keys, "/b/.config/varve/keys");
	vrv_dirs_fini(&d);
	unsetenv("VARVE_BASE_DIR");
	unsetenv("VARVE_STATE_DIR");
	unsetenv("XDG_CACHE_HOME");
	unsetenv("XDG_CONFIG_HOME");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_options),
	    cmocka_unit_test(test_bad_options),
	    cmocka_unit_test(test_help_width),
	    cmocka_unit_test(test_no_clash),
	    cmocka_unit_test(test_locations),
	    cmocka_unit_test(test_placeholders),
	    cmocka_unit_test(test_compression),
	    cmocka_unit_test(test_chunk_sizes),
	    cmocka_unit_test(test_timestamps),
	    cmocka_unit_test(test_split),
	    cmocka_unit_test(test_child),
	    cmocka_unit_test(test_dirs),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
