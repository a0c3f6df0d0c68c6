/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UTIL_HEX_H
#define UTIL_HEX_H

/* Lower-case hexadecimal. */

#include <stdbool.h>
#include <stddef.h>

/* Write 2n digits and a NUL to `out`. */
void vrv_hex(char *out, const void *bytes, size_t n);

/* Read exactly 2n lower-case digits; false if there is anything else (what
 * follows them is not looked at). */
bool vrv_unhex(void *out, const char *digits, size_t n);

#endif
