/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UTIL_UTF8_H
#define UTIL_UTF8_H

/* Code points in bytes that need not be UTF-8. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The code point at the start of `n` > 0 bytes and how many bytes it takes; 0
 * where no valid UTF-8 starts. */
size_t vrv_utf8_decode(const char *p, size_t n, uint32_t *ret);

/* Would it move the cursor, start an escape sequence, or turn the direction of
 * the text that follows? */
bool vrv_utf8_is_control(uint32_t c);

#endif
