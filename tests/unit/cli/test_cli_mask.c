/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/mask.h"
#include "cli/timetext.h"
#include "util/mem.h"

static void
test_mask(void **state)
{
	static const char *const cases[][2] = {
	    {"varve", "varve"},
	    {"--password=abc", "--password=***"},
	    {"--db-Passphrase=a b", "--db-Passphrase=***"},
	    {"PGPASSWORD=x", "PGPASSWORD=***"},
	    {"user=me,password=x,port=1", "user=me,password=***,port=1"},
	    {"--password=a,b,,c", "--password=***"},
	    {"password=a,b,user=me,ro", "password=***,user=me,ro"},
	    {"https://me:secret@host/p:a@th", "https://me:***@host/p:a@th"},
	    {"https://me:a,b@host", "https://me:***@host"},
	    {"https://me@host/a:b@c", "https://me@host/a:b@c"},
	    {"https://host:80/", "https://host:80/"},
	    {"me:word@host", "me:word@host"},
	    {"--api-token", "--api-token"},
	    {"abc", "***"},
	    {"--password", "--password"},
	    {"--verbose", "--verbose"},
	    {"-e*/.password-store", "-e*/.password-store"},
	    {"repo::name", "repo::name"},
	    {"-pass", "-pass"},
	    {"x", "***"},
	    {"plain", "plain"},
	    {"passport.pdf", "passport.pdf"},
	    {"next", "next"},
	    {"", ""},
	    {"a=b", "a=b"},
	};
	const size_t n = sizeof(cases) / sizeof(cases[0]);
	const char *args[sizeof(cases) / sizeof(cases[0])];
	struct vrv_arena arena = {0};
	struct vrv_strings masked = {0};
	struct varve_err err;

	(void)state;
	for (size_t i = 0; i < n; i++)
		args[i] = cases[i][0];
	assert_int_equal(vrv_mask(args, n, &arena, &masked, &err), 0);
	assert_int_equal(masked.n, n);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(masked.items[i], cases[i][1]);
	vrv_arena_fini(&arena);
}

/* Times of hostile archives are anything that fits. */
static void
test_extreme_times(void **state)
{
	static const int64_t seconds[] = {INT64_MIN, INT64_MIN + 1, -1, 0,
	    INT64_MAX / 1000, INT64_MAX - 1, INT64_MAX};
	const size_t n = sizeof(seconds) / sizeof(seconds[0]);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < n; k++) {
			const struct varve_time a = {seconds[i], 999999999};
			const struct varve_time b = {seconds[k], 0};
			vrv_auto_buf struct vrv_buf text = {0};
			double between = vrv_time_between(a, b);

			if (i < k)
				assert_true(between > 0 || k - i == 1);
			vrv_duration_text(&text, between);
			vrv_time_text(&text, a);
			vrv_time_iso(&text, b);
			assert_false(text.failed);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mask),
	    cmocka_unit_test(test_extreme_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
