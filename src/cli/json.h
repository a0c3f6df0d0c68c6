/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_JSON_H
#define CLI_JSON_H

/*
 * JSON for output: values are put into objects and arrays from the top down,
 * then the whole is written, pure ASCII. Running out of memory is remembered
 * by the top and found when it is written.
 *
 * JSON cannot hold bytes that are not valid UTF-8. A string that has such bytes
 * has '?' for each of them, and beside it, under the same key with "_b64"
 * behind it, stand all its bytes in base64 (RFC 4648). A valid string has no
 * such companion. Every string passes through here, so the rule holds in all
 * outputs; varve-json(5) promises it.
 */

#include <stdbool.h>
#include <stdint.h>

#include <varve/event.h>

#include "util/buf.h"

struct vrv_json;

/* A new top. NULL, which every function takes, when memory ran out. */
struct vrv_json *vrv_json_object(void);
void vrv_json_free(struct vrv_json *);

/* Put a value under `key`, or at the end of an array where `key` is NULL. A
 * string in an array must be valid UTF-8: see vrv_json_strings(). */
void vrv_json_str(struct vrv_json *, const char *key, const char *value);
/* Put an array of strings. If one of them is not valid UTF-8, the array beside
 * it holds all of them in base64. */
void vrv_json_strings(struct vrv_json *, const char *key,
    const char *const *values, size_t n);
/* A string from a buffer; a buffer that failed fails the whole. */
void vrv_json_buf(struct vrv_json *, const char *key, struct vrv_buf *value);
void vrv_json_int(struct vrv_json *, const char *key, uint64_t value);
void vrv_json_real(struct vrv_json *, const char *key, double value);
void vrv_json_bool(struct vrv_json *, const char *key, bool value);
void vrv_json_null(struct vrv_json *, const char *key);
void vrv_json_time(struct vrv_json *, const char *key, struct varve_time);

/* Memory ran out for a value: the whole fails. */
void vrv_json_fail(struct vrv_json *);

/* From here on values go into a new object or array under `key`, until
 * vrv_json_end() goes back to what holds it. */
void vrv_json_begin(struct vrv_json *, const char *key);
void vrv_json_begin_array(struct vrv_json *, const char *key);
void vrv_json_end(struct vrv_json *);

/* Append the whole: on one line with keys in their order (`line`) or sorted
 * (`sorted`), or indented by 4 and sorted (`text`); a newline ends it. false
 * when memory ran out. */
bool vrv_json_line(const struct vrv_json *, struct vrv_buf *) VRV_MUST;
bool vrv_json_sorted(const struct vrv_json *, struct vrv_buf *) VRV_MUST;
bool vrv_json_text(const struct vrv_json *, struct vrv_buf *) VRV_MUST;

#endif
