/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_JSON_H
#define CLI_JSON_H

/*
 * JSON for output: values are put into objects and arrays from the top down,
 * then the whole is written, pure ASCII. Running out of memory is remembered
 * by the top and found when it is written. Bytes that are no UTF-8 become '?'.
 */

#include <stdbool.h>
#include <stdint.h>

#include <varve/event.h>

#include "util/buf.h"

struct vrv_json;

/* A new top. NULL, which every function takes, when memory ran out. */
struct vrv_json *vrv_json_object(void);
void vrv_json_free(struct vrv_json *);

/* Put a value under `key`, or at the end of an array where `key` is NULL. */
void vrv_json_str(struct vrv_json *, const char *key, const char *value);
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
