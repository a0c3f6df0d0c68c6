/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/json.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/text.h"
#include "cli/timetext.h"
#include "util/mem.h"

#define DEPTH 8
#define KEY_MAX 40 /* bytes of the longest key with its "_b64" */

struct vrv_json {
	json_t *stack[DEPTH]; /* the top, and what is open within it */
	unsigned depth;	      /* of the innermost that is open */
	bool failed;
};

struct vrv_json *
vrv_json_object(void)
{
	struct vrv_json *j = vrv_alloc_array(1, sizeof(*j));

	if (j == NULL)
		return NULL;
	j->stack[0] = json_object();
	j->failed = j->stack[0] == NULL;
	return j;
}

void
vrv_json_free(struct vrv_json *j)
{
	if (j == NULL)
		return;
	json_decref(j->stack[0]);
	free(j);
}

/* Takes the value. */
static void
put(struct vrv_json *j, const char *key, json_t *value)
{
	if (j == NULL || j->failed) {
		json_decref(value);
		return;
	}
	json_t *in = j->stack[j->depth];
	int rc = key != NULL ? json_object_set_new(in, key, value) :
			       json_array_append_new(in, value);
	if (rc != 0)
		j->failed = true;
}

/* --- strings --- */

/* NULL, which put() takes, when memory ran out. */
static json_t *
text_value(struct vrv_buf *text)
{
	const char *s = vrv_text_str(text);

	return text->failed ? NULL : json_string(s);
}

static json_t *
string_value(const char *value, bool *ret_valid)
{
	vrv_auto_buf struct vrv_buf text = {0};

	*ret_valid = vrv_text_lossy(&text, value);
	return text_value(&text);
}

static json_t *
base64_value(const char *value)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	vrv_auto_buf struct vrv_buf text = {0};

	for (size_t n = strlen(value), at = 0; at < n; at += 3) {
		uint32_t bits = 0;

		for (size_t i = 0; i < 3; i++)
			bits = bits << 8 |
			    (at + i < n ? (uint8_t)value[at + i] : 0u);
		for (size_t i = 0; i < 4; i++)
			vrv_buf_u8(&text,
			    at + i > n ?
				'=' :
				(uint8_t)digits[bits >> (18 - 6 * i) & 63]);
	}
	return text_value(&text);
}

static void
base64_key(char ret[KEY_MAX], const char *key)
{
	int n = snprintf(ret, KEY_MAX, "%s_b64", key);

	assert(n > 0 && n < KEY_MAX);
	(void)n;
}

void
vrv_json_str(struct vrv_json *j, const char *key, const char *value)
{
	char beside[KEY_MAX];
	bool valid;

	put(j, key, string_value(value, &valid));
	if (valid)
		return;
	assert(key != NULL);
	base64_key(beside, key);
	put(j, beside, base64_value(value));
}

void
vrv_json_strings(struct vrv_json *j, const char *key, const char *const *values,
    size_t n)
{
	char beside[KEY_MAX];
	bool all_valid = true;

	vrv_json_begin_array(j, key);
	for (size_t i = 0; i < n; i++) {
		bool valid;
		put(j, NULL, string_value(values[i], &valid));
		all_valid = all_valid && valid;
	}
	vrv_json_end(j);
	if (all_valid)
		return;
	base64_key(beside, key);
	vrv_json_begin_array(j, beside);
	for (size_t i = 0; i < n; i++)
		put(j, NULL, base64_value(values[i]));
	vrv_json_end(j);
}

/* --- other values --- */

void
vrv_json_buf(struct vrv_json *j, const char *key, struct vrv_buf *value)
{
	const char *s = vrv_text_str(value);

	if (value->failed)
		put(j, key, NULL);
	else
		vrv_json_str(j, key, s);
}

void
vrv_json_int(struct vrv_json *j, const char *key, uint64_t value)
{
	json_int_t n = value > INT64_MAX ? INT64_MAX : (json_int_t)value;

	put(j, key, json_integer(n));
}

void
vrv_json_real(struct vrv_json *j, const char *key, double value)
{
	put(j, key, json_real(value));
}

void
vrv_json_bool(struct vrv_json *j, const char *key, bool value)
{
	put(j, key, json_boolean(value));
}

void
vrv_json_null(struct vrv_json *j, const char *key)
{
	put(j, key, json_null());
}

void
vrv_json_time(struct vrv_json *j, const char *key, struct varve_time value)
{
	vrv_auto_buf struct vrv_buf text = {0};

	vrv_time_iso(&text, value);
	vrv_json_buf(j, key, &text);
}

void
vrv_json_fail(struct vrv_json *j)
{
	if (j != NULL)
		j->failed = true;
}

static void
begin(struct vrv_json *j, const char *key, json_t *inner)
{
	put(j, key, inner);
	if (j == NULL || j->failed)
		return;
	if (j->depth + 1 == DEPTH)
		j->failed = true;
	else
		j->stack[++j->depth] = inner;
}

void
vrv_json_begin(struct vrv_json *j, const char *key)
{
	begin(j, key, json_object());
}

void
vrv_json_begin_array(struct vrv_json *j, const char *key)
{
	begin(j, key, json_array());
}

void
vrv_json_end(struct vrv_json *j)
{
	if (j != NULL && j->depth > 0)
		j->depth--;
}

static int
append(const char *bytes, size_t n, void *buf)
{
	vrv_buf_bytes(buf, bytes, n);
	return 0;
}

static bool
dump(const struct vrv_json *j, struct vrv_buf *buf, size_t flags)
{
	/* 16 digits hold a time of today in microseconds. */
	flags |= JSON_ENSURE_ASCII | JSON_REAL_PRECISION(16);
	if (j == NULL || j->failed ||
	    json_dump_callback(j->stack[0], append, buf, flags) != 0)
		return false;
	vrv_buf_u8(buf, '\n');
	return !buf->failed;
}

bool
vrv_json_line(const struct vrv_json *j, struct vrv_buf *buf)
{
	return dump(j, buf, 0);
}

bool
vrv_json_sorted(const struct vrv_json *j, struct vrv_buf *buf)
{
	return dump(j, buf, JSON_SORT_KEYS);
}

bool
vrv_json_text(const struct vrv_json *j, struct vrv_buf *buf)
{
	return dump(j, buf, JSON_SORT_KEYS | JSON_INDENT(4));
}
