/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/pathlist.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/hex.h"
#include "util/mem.h"

/* One escape behind its backslash; the bytes it takes, 0: unknown. */
static size_t
unescape(const char *p, uint8_t *ret)
{
	static const char letters[] = "ntr0\\", bytes[] = "\n\t\r\0\\";
	const char *found = *p != '\0' ? strchr(letters, *p) : NULL;

	if (found != NULL) {
		*ret = (uint8_t)bytes[found - letters];
		return 1;
	}
	return *p == 'x' && vrv_unhex(ret, p + 1, 1) ? 3 : 0;
}

static int
parse_delimiter(struct vrv_buf *buf, const char *text, struct varve_err *err)
{
	for (const char *p = text; *p != '\0'; p++) {
		uint8_t byte = (uint8_t)*p;
		if (*p == '\\') {
			size_t n = unescape(p + 1, &byte);
			if (n == 0)
				return vrv_fail(err, VARVE_USAGE,
				    "option --paths-delimiter: unknown escape "
				    "in '%s'",
				    text);
			p += n;
		}
		vrv_buf_u8(buf, byte);
	}
	if (buf->len == 0)
		return vrv_fail(err, VARVE_USAGE,
		    "option --paths-delimiter: it is empty");
	return vrv_buf_check(buf, err);
}

static int
cannot_read(const struct vrv_pathlist *l, struct varve_err *err)
{
	return vrv_fail_sys(err, errno, "cannot read the list of paths from %s",
	    l->child == NULL ? "standard input" : "the command");
}

int
vrv_pathlist_open(struct vrv_pathlist *l, int fd, const char *delimiter,
    struct vrv_child *child, struct varve_err *err)
{
	int rc = parse_delimiter(&l->delimiter,
	    delimiter != NULL ? delimiter : "\\n", err);

	if (rc != 0)
		return rc;
	l->child = child;
	vrv_auto_fd own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (own < 0 || (l->file = fdopen(own, "r")) == NULL)
		return cannot_read(l, err);
	own = -1;
	return 0;
}

/* Read up to a delimiter or the end. Returns the length, or -1. */
static ssize_t
read_path(struct vrv_pathlist *l)
{
	const uint8_t *end = l->delimiter.data;
	size_t n = l->delimiter.len, len = 0;
	char *part = NULL;
	size_t cap = 0;
	ssize_t got;

	/* Only the last byte of the delimiter stops getdelim(). */
	while ((got = getdelim(&part, &cap, end[n - 1], l->file)) > 0) {
		size_t need = len + (size_t)got + 1;
		char *grown = need > l->cap ? realloc(l->line, need) : l->line;
		if (grown == NULL)
			break;
		l->line = grown;
		l->cap = vrv_max(l->cap, need);
		memcpy(l->line + len, part, (size_t)got);
		len += (size_t)got;
		if (len >= n && memcmp(l->line + len - n, end, n) == 0) {
			len -= n;
			l->line[len] = '\0';
			break;
		}
		l->line[len] = '\0';
	}
	free(part);
	if (len == 0 && got <= 0)
		return -1;
	return (ssize_t)len;
}

int
vrv_pathlist_next(void *arg, const char **ret, struct varve_err *err)
{
	struct vrv_pathlist *l = arg;
	ssize_t n;

	do {
		errno = 0;
		n = read_path(l);
	} while (n == 0);
	if (n > 0 && memchr(l->line, '\0', (size_t)n) != NULL)
		return vrv_fail(err, VARVE_USAGE,
		    "a path with a NUL byte: is "
		    "--paths-delimiter right?");
	if (n > 0) {
		*ret = l->line;
		return 0;
	}
	if (ferror(l->file))
		return cannot_read(l, err);
	if (l->child != NULL && l->child->pid != 0) {
		int rc = vrv_child_wait(l->child, err);
		if (rc != 0)
			return rc;
	}
	return vrv_fail(err, VARVE_NOENT, "no more paths");
}

void
vrv_pathlist_close(struct vrv_pathlist *l)
{
	if (l->file != NULL)
		fclose(l->file);
	free(l->line);
	vrv_buf_fini(&l->delimiter);
	*l = (struct vrv_pathlist){0};
}
