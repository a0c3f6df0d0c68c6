/* SPDX-License-Identifier: BSD-2-Clause */
#include "scratch.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/spawn.h"

static struct varve_err err;

static void
splits_as_a_shell_does(void **state)
{
	static const struct {
		const char *command;
		const char *words[6];
	} cases[] = {
	    {"a", {"a"}},
	    {"  a\tb \n c ", {"a", "b", "c"}},
	    {"a b", {"a", "b"}},
	    {"'a b' \"c d\"", {"a b", "c d"}},
	    {"x'a'\"b\"c", {"xabc"}},
	    {"'' \"\" x", {"", "", "x"}},
	    {"a\\ b \\'c", {"a b", "'c"}},
	    {"'a\\b' \"a\\b\"", {"a\\b", "a\\b"}},
	    {"\"a\\\"b\\\\c\\$d\\`\"", {"a\"b\\c$d`"}},
	    {"\"it's\" '\"'", {"it's", "\""}},
	    {"$HOME *", {"$HOME", "*"}},
	    {"a\\", {"a\\"}},
	    {"a\\\nb", {"ab"}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char **words;
		size_t n = 0;
		assert_int_equal(vrv_os_split_words(cases[i].command, &words,
				     &err),
		    0);
		for (; cases[i].words[n] != NULL; n++) {
			assert_non_null(words[n]);
			assert_string_equal(words[n], cases[i].words[n]);
		}
		assert_null(words[n]);
		free(words);
	}
}

static void
refuses_bad_commands(void **state)
{
	static const char *const bad[] = {"", "  \n", "'a", "a \"b", "\"a\\\"",
	    "'a\\' 'b"};
	char **words = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(vrv_os_split_words(bad[i], &words, &err),
		    VARVE_USAGE);
	size_t n = 128 << 10;
	char *many = malloc(n + 1);
	for (size_t i = 0; i < n; i++)
		many[i] = i % 2 == 0 ? 'x' : ' ';
	many[n] = '\0';
	assert_int_equal(vrv_os_split_words(many, &words, &err), VARVE_LIMIT);
	assert_null(words);
	many[n - 1] = '\0';
	assert_int_equal(vrv_os_split_words(many, &words, &err), 0);
	assert_string_equal(words[n / 2 - 1], "x");
	assert_null(words[n / 2]);
	free(words);
	free(many);
}

static void
captures_output(void **state)
{
	vrv_auto_buf struct vrv_buf buf = {0};

	(void)state;
	vrv_buf_bytes(&buf, "> ", 2);
	assert_int_equal(vrv_os_capture("printf '%s-' 'a b' c", 6, &buf, &err),
	    0);
	assert_int_equal(buf.len, 8);
	assert_memory_equal(buf.data, "> a b-c-", 8);

	assert_int_equal(vrv_os_capture("printf abcdef", 5, &buf, &err),
	    VARVE_LIMIT);
	/* One that never stops is not waited for for ever. */
	assert_int_equal(vrv_os_capture("yes", 100, &buf, &err), VARVE_LIMIT);
	assert_int_equal(vrv_os_capture("sh -c 'echo no; exit 3'", 100, &buf,
			     &err),
	    VARVE_IO);
	assert_non_null(strstr(err.message, "status 3"));
	assert_int_equal(vrv_os_capture("sh -c 'kill -9 $$'", 100, &buf, &err),
	    VARVE_IO);
	assert_non_null(strstr(err.message, "signal 9"));
	assert_int_equal(vrv_os_capture("no-such-program-here", 100, &buf,
			     &err),
	    VARVE_NOENT);
	assert_int_equal(vrv_os_capture("'", 100, &buf, &err), VARVE_USAGE);
	assert_int_equal(buf.len, 8);
}

static void
hardening_forbids_dumps(void **state)
{
	struct rlimit limit;

	(void)state;
	vrv_os_harden();
	assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
	assert_int_equal(limit.rlim_cur, 0);
	assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(splits_as_a_shell_does),
	    cmocka_unit_test(refuses_bad_commands),
	    cmocka_unit_test(captures_output),
	    cmocka_unit_test(hardening_forbids_dumps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
