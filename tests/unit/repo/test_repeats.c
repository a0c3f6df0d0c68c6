/* SPDX-License-Identifier: BSD-2-Clause */
/* Warnings that repeat: one of each kind and file system, then a count. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "repo/repeats.h"

struct told {
	unsigned n;
	char last[512];
};

static void
remember(void *arg, const struct varve_event *event)
{
	struct told *told = arg;

	assert_int_equal(event->type, VARVE_EVENT_WARNING);
	assert_null(event->path);
	told->n++;
	snprintf(told->last, sizeof(told->last), "%s", event->message);
}

static void
assert_shown(struct vrv_repeats *r, const char *kind, int sys, uint64_t dev,
    const char *path)
{
	assert_int_equal(vrv_repeats_count(r, kind, sys, dev, path),
	    VARVE_EVENT_WARNING);
}

static void
assert_counted(struct vrv_repeats *r, const char *kind, int sys, uint64_t dev,
    const char *path)
{
	assert_int_equal(vrv_repeats_count(r, kind, sys, dev, path),
	    VARVE_EVENT_INFO);
}

static void
test_kinds(void **state)
{
	struct vrv_repeats r = {0};
	struct told told = {0};

	(void)state;
	assert_shown(&r, "mode is not restored", EPERM, 1, "a/b");
	assert_counted(&r, "mode is not restored", EPERM, 1, "c");
	assert_counted(&r, "mode is not restored", EPERM, 1, "d");
	/* Another cause, file system or kind is one of its own. */
	assert_shown(&r, "mode is not restored", EIO, 1, "e");
	assert_shown(&r, "mode is not restored", EPERM, 2, "f");
	assert_shown(&r, "times are not restored", 0, 1, NULL);
	vrv_repeats_end(&r, remember, &told);
	assert_int_equal(told.n, 1);
	assert_string_equal(told.last,
	    "2 more warnings like 'a/b': mode is not restored: "
	    "Operation not permitted");
	/* All is forgotten. */
	assert_shown(&r, "times are not restored", 0, 1, "g");
	assert_counted(&r, "times are not restored", 0, 1, "h");
	vrv_repeats_end(&r, remember, &told);
	assert_string_equal(told.last,
	    "1 more warning like 'g': times are not restored");
	vrv_repeats_fini(&r);
}

static void
test_many_kinds(void **state)
{
	struct vrv_repeats r = {0};
	struct told told = {0};

	(void)state;
	for (uint64_t dev = 0; dev < VRV_REPEATS_MAX; dev++)
		assert_shown(&r, "kind", 0, dev, "p");
	assert_counted(&r, "kind", 0, VRV_REPEATS_MAX - 1, "p");
	/* Memory stays bounded, and nothing is hidden. */
	for (int i = 0; i < 3; i++)
		assert_shown(&r, "kind", 0, VRV_REPEATS_MAX, "p");
	assert_int_equal(r.n, VRV_REPEATS_MAX);
	vrv_repeats_end(&r, remember, &told);
	assert_int_equal(told.n, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kinds),
	    cmocka_unit_test(test_many_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
