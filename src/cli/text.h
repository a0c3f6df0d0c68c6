/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

/*
 * Bytes that come from file systems and archives, made fit to be shown.
 *
 * Names are bytes in no particular encoding. Whatever goes to a line of text
 * is valid UTF-8 without control characters: an invalid byte or a control
 * character is written \xNN, so that a name can neither break a line nor
 * drive a terminal.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/utf8.h"

/* Append `s` as described above. */
void vrv_text_escape(struct vrv_buf *, const char *s);
/* Append `s` with '?' for each invalid byte, as Borg's JSON has it. Return
 * whether there was none. */
bool vrv_text_lossy(struct vrv_buf *, const char *s);
/* Append `s` as a shell would need it to be quoted, escaped. */
void vrv_text_shell(struct vrv_buf *, const char *s);

/* A text that may be missing: "" for NULL. */
const char *vrv_or_empty(const char *);

/* "1 pack", "2 packs": the end of a noun behind the number `n`. */
const char *vrv_plural(uint64_t n);

/* Columns that an escaped text takes on a terminal. */
size_t vrv_text_width(const char *s, size_t n);
/* Append `s`, escaped, in at most `columns`: a longer text loses its middle,
 * which "..." stands for. */
void vrv_text_fit(struct vrv_buf *, const char *s, size_t columns);

/* Append a size as Borg shows it: "11 B", "1.68 kB", with `iec` "1.64 KiB".
 * `precision` is the number of decimals. */
void vrv_text_size(struct vrv_buf *, int64_t bytes, bool iec, int precision,
    bool sign);
/* Append formatted text. */
void vrv_text_add(struct vrv_buf *, const char *fmt, ...) VRV_PRINTF(2, 3);
/* The buffer as a string for a message; "(out of memory)" when it failed. */
const char *vrv_text_str(struct vrv_buf *);
/* The same for a part of an output: if `part` failed, `to`, where it goes,
 * fails as well, so that no output lacks a piece without an error. */
const char *vrv_text_part(struct vrv_buf *to, struct vrv_buf *part);

/* "-rw-r--r--" of a mode with permission bits only and the letter of the
 * file's type. */
void vrv_text_mode(char out[11], char type, uint32_t mode);

#endif
