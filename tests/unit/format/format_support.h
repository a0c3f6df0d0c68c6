/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FORMAT_SUPPORT_H
#define FORMAT_SUPPORT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/buf.h"
#include "util/err.h"
#include "util/mem.h"
#include "util/rd.h"

typedef int decode_fn(const uint8_t *bytes, size_t n, struct varve_err *err);

/* The decoder's verdict on a copy that ends where the memory ends. */
static inline int
verdict(decode_fn *decode, const uint8_t *bytes, size_t n)
{
	struct varve_err err = {0};
	vrv_auto_free uint8_t *copy = malloc(n + 1);

	assert_non_null(copy);
	if (n > 0)
		memcpy(copy + 1, bytes, n);
	int rc = decode(copy + 1, n, &err);
	assert_int_equal(rc, err.code);
	if (rc == VARVE_FORMAT)
		assert_int_equal(err.exit, VARVE_EXIT_FEATURE);
	return rc;
}

/* Whole it decodes; cut anywhere, or with a byte more, it is CORRUPT. */
static inline void
assert_exact(decode_fn *decode, const struct vrv_buf *b)
{
	vrv_auto_buf struct vrv_buf more = {0};

	assert_false(b->failed);
	assert_int_equal(verdict(decode, b->data, b->len), 0);
	for (size_t n = 0; n < b->len; n++)
		assert_int_equal(verdict(decode, b->data, n), VARVE_CORRUPT);
	vrv_buf_bytes(&more, b->data, b->len);
	vrv_buf_u8(&more, 1);
	assert_int_equal(verdict(decode, more.data, more.len), VARVE_CORRUPT);
}

static inline void
assert_same(const struct vrv_buf *a, const struct vrv_buf *b)
{
	assert_int_equal(a->len, b->len);
	assert_memory_equal(a->data, b->data, a->len);
}

static inline void
fill(uint8_t *p, size_t n, uint8_t first)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(first + i);
}

#endif
