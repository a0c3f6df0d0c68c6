/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_FORMAT_H
#define CLI_FORMAT_H

/*
 * Lines by a format of `list --format`: text with {KEY} or {KEY:SPEC}. SPEC is
 * [[FILL]ALIGN][WIDTH][.PRECISION] with ALIGN one of < > ^ =, as Python has
 * it, or for times a format of strftime; {{ and }} are braces. The keys NL
 * NEWLINE NUL SPACE TAB CR LF exist in every format.
 */

#include <stdbool.h>
#include <stddef.h>

#include <varve/event.h>

#include "util/buf.h"

struct vrv_format;

/* What a key stands for in the line at hand. Set one of them; a number is
 * aligned to the right where SPEC does not say. */
struct vrv_value {
	struct vrv_buf text; /* escaped, unless the key means raw bytes */
	bool is_number;
	bool is_time;
	struct varve_time time;
};

/* Compile; `keys` ends with NULL. USAGE names an unknown key. Free with
 * vrv_format_free(). */
int vrv_format_new(const char *text, const char *const *keys,
    struct vrv_format **ret, struct varve_err *err) VRV_MUST;
void vrv_format_free(struct vrv_format *); /* NULL is fine */
void vrv_format_cleanup(struct vrv_format **);
#define vrv_auto_format                                                        \
	__attribute__((cleanup(vrv_format_cleanup))) struct vrv_format *

/* Does the format use keys[key]? */
bool vrv_format_uses(const struct vrv_format *, size_t key);

typedef void vrv_value_fn(void *arg, size_t key, struct vrv_value *ret);

/* Append the line; `value` is asked for each key in it. */
void vrv_format_line(const struct vrv_format *, vrv_value_fn *value, void *arg,
    struct vrv_buf *);

#endif
