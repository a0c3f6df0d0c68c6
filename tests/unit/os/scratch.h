/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SCRATCH_H
#define SCRATCH_H

/* A fresh directory per test: cmocka's setup and teardown, *state is it. */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

struct scratch {
	int dir;
	char path[64];
};

int scratch_setup(void **state);
int scratch_teardown(void **state);

/* A file of these bytes; asserts that it worked. */
void scratch_write(int dir, const char *name, const void *bytes, size_t n);

#define SCRATCH_TEST(f)                                                        \
	cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

#endif
