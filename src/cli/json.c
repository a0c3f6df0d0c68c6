/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/json.h"

#include <jansson.h>

#include "cli/text.h"
#include "cli/timetext.h"
#include "util/mem.h"

#define DEPTH 8

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

void
vrv_json_str(struct vrv_json *j, const char *key, const char *value)
{
	vrv_auto_buf struct vrv_buf text = {0};

	vrv_text_lossy(&text, value);
	const char *s = vrv_text_str(&text);
	put(j, key, text.failed ? NULL : json_string(s));
}

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
