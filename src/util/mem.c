/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/mem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void *
vrv_alloc_array(size_t n, size_t size)
{
	/* calloc(0) may give NULL, which would read as an error. */
	return calloc(n == 0 ? 1 : n, size);
}

void *
vrv_grow_array(void *old, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	return realloc(old, bytes == 0 ? 1 : bytes);
}

int
vrv_room_for_one(void *pp, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return 0;

	size_t more = *cap == 0 ? 16 : *cap * 2;
	void *old, *grown;
	memcpy(&old, pp, sizeof(old));
	grown = vrv_grow_array(old, more, size);
	if (grown == NULL)
		return -1;
	memcpy(pp, &grown, sizeof(grown));
	*cap = more;
	return 0;
}

void *
vrv_dup(const void *bytes, size_t len)
{
	if (len == SIZE_MAX)
		return NULL;
	char *copy = malloc(len + 1);
	if (copy == NULL)
		return NULL;
	if (len > 0)
		memcpy(copy, bytes, len);
	copy[len] = '\0';
	return copy;
}

char *
vrv_strf(const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	int len = vasprintf(&text, fmt, ap);
	va_end(ap);
	return len < 0 ? NULL : text;
}

void
vrv_cleanup_free(void *pp)
{
	void *p;

	memcpy(&p, pp, sizeof(p));
	free(p);
}

void
vrv_cleanup_fd(const int *fd)
{
	if (*fd >= 0) {
		int keep = errno;
		(void)close(*fd);
		errno = keep;
	}
}
