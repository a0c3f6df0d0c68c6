/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "util/mem.h"

void
vrv_text_escape(struct vrv_buf *buf, const char *s)
{
	size_t n = strlen(s);

	while (n > 0) {
		uint32_t c = 0;
		size_t len = vrv_utf8_decode(s, n, &c);
		if (len > 0 && !vrv_utf8_is_control(c)) {
			vrv_buf_bytes(buf, s, len);
		} else {
			len = vrv_max(len, 1);
			for (size_t i = 0; i < len; i++)
				vrv_text_add(buf, "\\x%02x", (uint8_t)s[i]);
		}
		s += len;
		n -= len;
	}
}

bool
vrv_text_lossy(struct vrv_buf *buf, const char *s)
{
	size_t n = strlen(s);
	bool valid = true;

	while (n > 0) {
		uint32_t c;
		size_t len = vrv_utf8_decode(s, n, &c);
		if (len > 0)
			vrv_buf_bytes(buf, s, len);
		else
			vrv_buf_u8(buf, '?');
		valid = valid && len > 0;
		len = vrv_max(len, 1);
		s += len;
		n -= len;
	}
	return valid;
}

void
vrv_text_shell(struct vrv_buf *buf, const char *s)
{
	static const char plain[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789@%_-+=:,./";

	if (s[0] != '\0' && s[strspn(s, plain)] == '\0') {
		vrv_buf_bytes(buf, s, strlen(s));
		return;
	}
	vrv_auto_buf struct vrv_buf part = {0};
	vrv_buf_u8(buf, '\'');
	for (; *s != '\0'; s++) {
		if (*s == '\'')
			vrv_buf_bytes(&part, "'\"'\"'", 5);
		else
			vrv_buf_u8(&part, (uint8_t)*s);
	}
	vrv_text_escape(buf, vrv_text_part(buf, &part));
	vrv_buf_u8(buf, '\'');
}

const char *
vrv_or_empty(const char *s)
{
	return s != NULL ? s : "";
}

const char *
vrv_plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static size_t
char_width(uint32_t c)
{
	int w = wcwidth((wchar_t)c);
	return w < 0 ? 1 : (size_t)w;
}

size_t
vrv_text_width(const char *s, size_t n)
{
	size_t width = 0;

	while (n > 0) {
		uint32_t c = '?';
		size_t len = vrv_max(vrv_utf8_decode(s, n, &c), 1);
		width += char_width(c);
		s += len;
		n -= len;
	}
	return width;
}

/* Bytes at the start of `s` that fit into `columns`. */
static size_t
fit_head(const char *s, size_t n, size_t columns)
{
	size_t at = 0;

	while (at < n) {
		uint32_t c = '?';
		size_t len = vrv_max(vrv_utf8_decode(s + at, n - at, &c), 1);
		size_t width = char_width(c);
		if (width > columns)
			break;
		columns -= width;
		at += len;
	}
	return at;
}

/* Where the longest end of `s` starts that fits into `columns`. */
static size_t
fit_tail(const char *s, size_t n, size_t columns)
{
	size_t at = 0, width = vrv_text_width(s, n);

	while (at < n && width > columns) {
		uint32_t c = '?';
		size_t len = vrv_max(vrv_utf8_decode(s + at, n - at, &c), 1);
		width -= char_width(c);
		at += len;
	}
	return at;
}

void
vrv_text_fit(struct vrv_buf *buf, const char *s, size_t columns)
{
	vrv_auto_buf struct vrv_buf whole = {0};

	vrv_text_escape(&whole, s);
	const char *text = vrv_text_part(buf, &whole);
	size_t n = strlen(text);
	if (vrv_text_width(text, n) <= columns) {
		vrv_buf_bytes(buf, text, n);
		return;
	}
	if (columns < 8) {
		vrv_buf_bytes(buf, "...", vrv_min(columns, 3));
		return;
	}
	size_t head = (columns - 3) / 2;
	vrv_buf_bytes(buf, text, fit_head(text, n, head));
	vrv_buf_bytes(buf, "...", 3);
	size_t tail = fit_tail(text, n, columns - 3 - head);
	vrv_buf_bytes(buf, text + tail, n - tail);
}

void
vrv_text_size(struct vrv_buf *buf, int64_t bytes, bool iec, int precision,
    bool sign)
{
	static const char *const decimal[] = {"", "k", "M", "G", "T", "P", "E"};
	static const char *const binary[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi",
	    "Ei"};
	double power = iec ? 1024 : 1000, value = (double)bytes;
	double scale = precision > 1 ? 100 : 10;
	size_t unit = 0;

	/* 999,999 is 1.00 MB, not 1000.00 kB. */
	while (unit < 6 &&
	    (unit == 0 ? fabs(value) : round(fabs(value) * scale) / scale) >=
		power) {
		value /= power;
		unit++;
	}
	vrv_text_add(buf, "%s%.*f %sB", sign && bytes > 0 ? "+" : "",
	    unit == 0 ? 0 : precision, value, (iec ? binary : decimal)[unit]);
}

void
vrv_text_add(struct vrv_buf *buf, const char *fmt, ...)
{
	va_list ap, again;

	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n >= 0) {
		/* One more for the NUL, which is then given back. */
		char *to = (char *)vrv_buf_extend(buf, (size_t)n + 1);
		if (to != NULL) {
			vsnprintf(to, (size_t)n + 1, fmt, again);
			buf->len--;
		}
	}
	va_end(again);
}

const char *
vrv_text_str(struct vrv_buf *buf)
{
	char *end = (char *)vrv_buf_extend(buf, 1);

	if (end == NULL || buf->failed)
		return "(out of memory)";
	*end = '\0';
	buf->len--;
	return (const char *)buf->data;
}

const char *
vrv_text_part(struct vrv_buf *to, struct vrv_buf *part)
{
	const char *text = vrv_text_str(part);

	to->failed = to->failed || part->failed;
	return text;
}

void
vrv_text_mode(char out[11], char type, uint32_t mode)
{
	static const char letters[] = "rwxrwxrwx";

	out[0] = type;
	for (unsigned i = 0; i < 9; i++)
		out[1 + i] = mode & (0400u >> i) ? letters[i] : '-';
	if (mode & 04000)
		out[3] = mode & 0100 ? 's' : 'S';
	if (mode & 02000)
		out[6] = mode & 0010 ? 's' : 'S';
	if (mode & 01000)
		out[9] = mode & 0001 ? 't' : 'T';
	out[10] = '\0';
}
