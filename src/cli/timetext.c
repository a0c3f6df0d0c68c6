/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/timetext.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cli/text.h"
#include "util/mem.h"

#define TEXT_MAX ((size_t)1 << 20) /* of a formatted time */

/* Append what strftime() makes of `format`. */
static void
add_strftime(struct vrv_buf *buf, struct vrv_buf *format, const struct tm *tm)
{
	size_t size = 128, n = 0;

	/* strftime() returns 0 for "no room" and for an empty text: a blank at
	 * the end tells them apart. */
	vrv_buf_u8(format, ' ');
	const char *text = vrv_text_part(buf, format);
	while (n == 0 && size <= TEXT_MAX) {
		uint8_t *to = vrv_buf_extend(buf, size);

		if (to == NULL)
			return;
			/* The format is the user's, and strftime() reads only
			 * `tm`. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		n = strftime((char *)to, size, text, tm);
#pragma GCC diagnostic pop
		buf->len -= n == 0 ? size : size - (n - 1);
		size *= 4;
	}
	if (n == 0)
		buf->failed = true;
}

void
vrv_time_format(struct vrv_buf *buf, struct varve_time t, const char *format,
    bool utc)
{
	vrv_auto_buf struct vrv_buf plain = {0};
	time_t s = (time_t)t.s;
	struct tm tm;

	if ((utc ? gmtime_r(&s, &tm) : localtime_r(&s, &tm)) == NULL) {
		/* A year that no calendar here can count. */
		vrv_text_add(buf, "@%" PRId64, t.s);
		return;
	}
	for (; *format != '\0'; format++) {
		if (format[0] == '%' && format[1] == 'f') {
			vrv_text_add(&plain, "%06u", t.ns / 1000);
			format++;
		} else if (format[0] == '%' && format[1] != '\0') {
			vrv_buf_bytes(&plain, format++, 2);
		} else {
			vrv_buf_u8(&plain, (uint8_t)*format);
		}
	}
	add_strftime(buf, &plain, &tm);
}

void
vrv_time_text(struct vrv_buf *buf, struct varve_time t)
{
	vrv_time_format(buf, t, "%a, %Y-%m-%d %H:%M:%S", false);
}

void
vrv_time_iso(struct vrv_buf *buf, struct varve_time t)
{
	vrv_time_format(buf, t, "%Y-%m-%dT%H:%M:%S.%f", false);
}

double
vrv_time_between(struct varve_time a, struct varve_time b)
{
	return (double)b.s - (double)a.s + ((double)b.ns - (double)a.ns) / 1e9;
}

void
vrv_duration_text(struct vrv_buf *buf, double seconds)
{
	double left = seconds < 0 ? 0 : seconds;
	uint64_t minutes = (uint64_t)(left / 60);

	if (minutes >= 60)
		vrv_text_add(buf, "%" PRIu64 " hours ", minutes / 60);
	if (minutes >= 1)
		vrv_text_add(buf, "%" PRIu64 " minutes ", minutes % 60);
	vrv_text_add(buf, "%.2f seconds", left - 60 * (double)minutes);
}
