/* SPDX-License-Identifier: BSD-2-Clause */

/* The fault decorator itself: tests that rely on it are worth what it is. */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "faultstore.h"

static struct varve_err err;

static int
setup(void **state)
{
	struct vrv_store *inner;

	if (vrv_store_open_memory(&inner, &err) != 0)
		return -1;
	*state = faultstore_new(inner);
	return *state == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	vrv_store_free(*state);
	return 0;
}

static int
head(struct vrv_store *s, const char *name)
{
	return vrv_store_head(s, name, NULL, NULL, &err);
}

static void
fails_the_nth_call_once(void **state)
{
	struct vrv_store *s = *state;
	struct faultstore_fault fault = {.op = FAULT_HEAD,
	    .nth = 2,
	    .code = VARVE_NET};

	assert_int_equal(vrv_store_put(s, "keys/a", "x", 1, &err), 0);
	faultstore_arm(s, &fault);
	assert_int_equal(head(s, "keys/a"), 0);
	assert_int_equal(head(s, "keys/a"), VARVE_NET);
	assert_int_equal(head(s, "keys/a"), 0);
	assert_int_equal(faultstore_calls(s, FAULT_HEAD), 3);
}

static void
fails_for_good_below_a_prefix(void **state)
{
	struct vrv_store *s = *state;
	struct faultstore_fault fault = {.op = FAULT_OPS,
	    .nth = 1,
	    .prefix = "archives/",
	    .code = VARVE_IO,
	    .exit = VARVE_EXIT_NO_SPACE,
	    .persistent = true};

	faultstore_arm(s, &fault);
	assert_int_equal(vrv_store_put(s, "keys/a", "x", 1, &err), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(vrv_store_put(s, "archives/a", "x", 1, &err),
		    VARVE_IO);
	assert_int_equal(err.exit, VARVE_EXIT_NO_SPACE);
	faultstore_arm(s, NULL);
	assert_int_equal(vrv_store_put(s, "archives/a", "x", 1, &err), 0);
}

static void
an_answer_may_be_lost(void **state)
{
	struct vrv_store *s = *state;
	struct faultstore_fault fault = {.op = FAULT_PUT_COMMIT,
	    .nth = 1,
	    .code = VARVE_NET};

	faultstore_arm(s, &fault);
	assert_int_equal(vrv_store_put(s, "keys/a", "x", 1, &err), VARVE_NET);
	assert_int_equal(head(s, "keys/a"), VARVE_NOENT);
	fault.late = true;
	faultstore_arm(s, &fault);
	assert_int_equal(vrv_store_put(s, "keys/a", "x", 1, &err), VARVE_NET);
	assert_int_equal(head(s, "keys/a"), 0);
}

static void
a_failed_write_cannot_be_committed(void **state)
{
	struct vrv_store *s = *state;
	struct faultstore_fault fault = {.op = FAULT_PUT_WRITE,
	    .nth = 2,
	    .code = VARVE_IO};
	struct vrv_put *put;

	faultstore_arm(s, &fault);
	assert_int_equal(vrv_put_begin(s, "keys/a", &put, &err), 0);
	assert_int_equal(vrv_put_write(put, "x", 1, &err), 0);
	assert_int_equal(vrv_put_write(put, "y", 1, &err), VARVE_IO);
	assert_int_equal(vrv_put_write(put, "z", 1, &err), 0);
	assert_int_equal(vrv_put_commit(put, &err), VARVE_INTERNAL);
	assert_int_equal(head(s, "keys/a"), VARVE_NOENT);
}

static void
a_power_cut_takes_what_was_not_synced(void **state)
{
	struct vrv_store *s = *state;

	faultstore_hold_syncs(s, true);
	assert_int_equal(vrv_store_put(s, "index/a", "x", 1, &err), 0);
	assert_int_equal(vrv_store_put(s, "archives/a", "x", 1, &err), 0);
	assert_int_equal(head(s, "archives/a"), 0);
	assert_int_equal(vrv_store_sync(s, "index/", &err), 0);
	faultstore_hold_syncs(s, false);
	assert_int_equal(vrv_store_put(s, "archives/b", "x", 1, &err), 0);
	assert_int_equal(faultstore_power_cut(s, &err), 0);
	assert_int_equal(head(s, "index/a"), 0);
	assert_int_equal(head(s, "archives/a"), VARVE_NOENT);
	assert_int_equal(head(s, "archives/b"), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(fails_the_nth_call_once),
	    TEST(fails_for_good_below_a_prefix),
	    TEST(an_answer_may_be_lost),
	    TEST(a_failed_write_cannot_be_committed),
	    TEST(a_power_cut_takes_what_was_not_synced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
