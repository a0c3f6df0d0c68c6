/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/hex.h"

#include <stdint.h>

void
vrv_hex(char *out, const void *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = bytes;

	for (size_t i = 0; i < n; i++) {
		*out++ = digits[p[i] >> 4];
		*out++ = digits[p[i] & 15];
	}
	*out = '\0';
}

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool
vrv_unhex(void *out, const char *digits, size_t n)
{
	uint8_t *p = out;

	for (size_t i = 0; i < n; i++) {
		int hi = digit(digits[2 * i]);
		int lo = hi < 0 ? -1 : digit(digits[2 * i + 1]);

		if (lo < 0)
			return false;
		p[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}
