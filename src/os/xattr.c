/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/meta.h"

#include <sys/xattr.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/os_internal.h"
#include "util/mem.h"

/*
 * There are no calls that take a directory and a name (before Linux 6.13), so
 * the name goes through /proc/self/fd. A descriptor serves itself, unless it
 * is O_PATH: its link in /proc leads to the very file, even a symbolic link.
 */
struct place {
	enum {
		BY_FD,
		BY_PATH,
		BY_FD_PATH
	} how;
	int fd;
	char path[PATH_MAX];
};

static int
find_place(int dirfd, const char *name, struct place *ret,
    struct varve_err *err)
{
	char dir[VRV_OS_FD_PATH_MAX] = ".";

	if (dirfd != AT_FDCWD)
		vrv_os_fd_path(dir, dirfd);
	ret->fd = dirfd;
	ret->how = BY_PATH;
	if (name[0] == '\0') {
		strcpy(ret->path, dir);
		int flags = fcntl(dirfd, F_GETFL);
		ret->how =
		    flags >= 0 && (flags & O_PATH) == 0 ? BY_FD : BY_FD_PATH;
		return 0;
	}
	const char *slash = name[0] == '/' ? "" : "/";
	if (name[0] == '/')
		dir[0] = '\0'; /* as for openat() */
	int n =
	    snprintf(ret->path, sizeof(ret->path), "%s%s%s", dir, slash, name);
	if ((size_t)n >= sizeof(ret->path))
		return vrv_fail_sys(err, ENAMETOOLONG, "extended attributes");
	return 0;
}

static ssize_t
list_names(const struct place *at, char *to, size_t n)
{
	switch (at->how) {
	case BY_FD:
		return flistxattr(at->fd, to, n);
	case BY_PATH:
		return llistxattr(at->path, to, n);
	default:
		return listxattr(at->path, to, n);
	}
}

static ssize_t
get_value(const struct place *at, const char *attr, void *to, size_t n)
{
	switch (at->how) {
	case BY_FD:
		return fgetxattr(at->fd, attr, to, n);
	case BY_PATH:
		return lgetxattr(at->path, attr, to, n);
	default:
		return getxattr(at->path, attr, to, n);
	}
}

int
vrv_os_set_xattr(int dirfd, const char *name, const struct vrv_xattr *x,
    struct varve_err *err)
{
	struct place at;
	int rc = find_place(dirfd, name, &at, err);
	if (rc != 0)
		return rc;

	switch (at.how) {
	case BY_FD:
		rc = fsetxattr(at.fd, x->name, x->value, x->size, 0);
		break;
	case BY_PATH:
		rc = lsetxattr(at.path, x->name, x->value, x->size, 0);
		break;
	default:
		rc = setxattr(at.path, x->name, x->value, x->size, 0);
	}
	if (rc != 0)
		return vrv_fail_sys(err, errno, "set attribute %s", x->name);
	return 0;
}

int
vrv_os_remove_xattr(int dirfd, const char *name, const char *attr,
    struct varve_err *err)
{
	struct place at;
	int rc = find_place(dirfd, name, &at, err);
	if (rc != 0)
		return rc;

	switch (at.how) {
	case BY_FD:
		rc = fremovexattr(at.fd, attr);
		break;
	case BY_PATH:
		rc = lremovexattr(at.path, attr);
		break;
	default:
		rc = removexattr(at.path, attr);
	}
	if (rc != 0)
		return vrv_fail_sys(err, errno, "remove attribute %s", attr);
	return 0;
}

/* Returns 0; NOENT if it is not there any more; AUTH if it cannot be read;
 * `err` is set only for other codes. */
static int
read_one(const struct place *at, const char *attr, struct vrv_arena *arena,
    struct vrv_xattr *ret, struct varve_err *err)
{
	for (;;) {
		ssize_t room = get_value(at, attr, NULL, 0), n = room;
		uint8_t *value = NULL;
		if (room >= 0) {
			value = vrv_arena_alloc(arena, (size_t)room + 1);
			if (value == NULL)
				return VRV_NOMEM(err, "extended attributes");
			/* Room 0 would only ask for the size again. */
			n = get_value(at, attr, value, (size_t)room + 1);
		}
		if (n < 0 && errno == ERANGE)
			continue; /* it has grown meanwhile */
		if (n >= 0) {
			char *name = vrv_arena_dup(arena, attr, strlen(attr));
			if (name == NULL)
				return VRV_NOMEM(err, "extended attributes");
			*ret = (struct vrv_xattr){name, value, (size_t)n};
			return 0;
		}
		if (errno == ENODATA)
			return VARVE_NOENT;
		if (errno == EACCES || errno == EPERM || errno == EOPNOTSUPP)
			return VARVE_AUTH;
		return vrv_fail_sys(err, errno, "read attribute %s", attr);
	}
}

int
vrv_os_xattr(int dirfd, const char *name, const char *attr,
    struct vrv_arena *arena, struct vrv_xattr *ret, struct varve_err *err)
{
	struct place at;

	int rc = find_place(dirfd, name, &at, err);
	if (rc == 0)
		rc = read_one(&at, attr, arena, ret, err);
	/* These two are told by their code alone. */
	if (rc == VARVE_NOENT)
		return vrv_fail(err, rc, "attribute %s is missing", attr);
	if (rc == VARVE_AUTH)
		return vrv_fail_sys(err, errno, "read attribute %s", attr);
	return rc;
}

static int
by_name(const void *a, const void *b)
{
	const struct vrv_xattr *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int
read_all(const struct place *at, const char *names, size_t len,
    struct vrv_arena *arena, struct vrv_xattr **ret, size_t *ret_n,
    size_t *ret_lost, struct varve_err *err)
{
	size_t count = 0, n = 0, lost = 0, bytes = 0;
	bool full = false;

	for (size_t i = 0; i < len; i += strlen(names + i) + 1)
		count++;
	struct vrv_xattr *x = vrv_arena_alloc(arena, count * sizeof(*x));
	if (x == NULL)
		return VRV_NOMEM(err, "extended attributes");

	for (size_t i = 0; i < len; i += strlen(names + i) + 1) {
		if (full) {
			lost++;
			continue;
		}
		size_t name_n = strlen(names + i);
		/* The kernel says ERANGE for such a name, each time. */
		int rc = name_n == 0 || name_n > XATTR_NAME_MAX ?
		    VARVE_AUTH :
		    read_one(at, names + i, arena, &x[n], err);
		full = rc == 0 && x[n].size > VRV_OS_XATTRS_MAX - bytes;
		if (full)
			lost++;
		else if (rc == 0)
			bytes += x[n++].size;
		else if (rc == VARVE_AUTH)
			lost++;
		else if (rc != VARVE_NOENT)
			return rc;
	}
	qsort(x, n, sizeof(*x), by_name);
	*ret = x;
	*ret_n = n;
	*ret_lost = lost;
	return 0;
}

/* Most files have none, and a backup asks every file: one call tells. */
static bool
has_none(int dirfd, const char *name)
{
	if (name[0] != '\0')
		return false;
	ssize_t n = flistxattr(dirfd, NULL, 0);
	return n == 0 || (n < 0 && errno == EOPNOTSUPP);
}

int
vrv_os_xattrs(int dirfd, const char *name, struct vrv_arena *arena,
    struct vrv_xattr **ret, size_t *ret_n, size_t *ret_lost,
    struct varve_err *err)
{
	struct place at;
	char few[1024];
	vrv_auto_free char *many = NULL;
	char *names = few;

	if (has_none(dirfd, name)) {
		*ret = NULL;
		*ret_n = 0;
		*ret_lost = 0;
		return 0;
	}
	int rc = find_place(dirfd, name, &at, err);
	if (rc != 0)
		return rc;
	ssize_t len = list_names(&at, few, sizeof(few) - 1);
	if (len < 0 && errno == ERANGE) {
		many = malloc(XATTR_LIST_MAX + 1);
		if (many == NULL)
			return VRV_NOMEM(err, "extended attributes");
		names = many;
		len = list_names(&at, many, XATTR_LIST_MAX);
	}
	if (len < 0 && errno != EOPNOTSUPP)
		return vrv_fail_sys(err, errno, "list attributes");
	if (len <= 0) {
		*ret = NULL;
		*ret_n = 0;
		*ret_lost = 0;
		return 0;
	}
	names[len] = '\0';
	return read_all(&at, names, (size_t)len, arena, ret, ret_n, ret_lost,
	    err);
}
