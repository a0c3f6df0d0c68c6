/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FUZZ_SUPPORT_H
#define FUZZ_SUPPORT_H

/*
 * A target decodes whatever it is given. Memory errors are for the sanitizers
 * to see; what decodes must encode to the same bytes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/arena.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/rd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void
fuzz_check(bool holds, const char *what)
{
	if (!holds) {
		fprintf(stderr, "does not hold: %s\n", what);
		abort();
	}
}

/* The encoding `b` is the `n` bytes that were decoded. */
static inline void
fuzz_same(const struct vrv_buf *b, const uint8_t *data, size_t n)
{
	fuzz_check(b->failed ||
		(b->len == n && (n == 0 || memcmp(b->data, data, n) == 0)),
	    "encodes as decoded");
}

#endif
