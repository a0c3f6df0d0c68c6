/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/private.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "os/file.h"
#include "os/os_internal.h"
#include "util/mem.h"

#define LOCK_STEP_MS 20

static int
check_owner(const struct stat *st, struct varve_err *err)
{
	if (st->st_uid == geteuid() || st->st_uid == 0)
		return 0;
	return vrv_fail_sys(err, EPERM, "belongs to user %u, not to user %u",
	    (unsigned)st->st_uid, (unsigned)geteuid());
}

static int
check_dir(int fd, struct varve_err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return vrv_fail_sys(err, errno, "stat");
	int rc = check_owner(&st, err);
	if (rc == 0 && (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		rc = vrv_fail_sys(err, EPERM,
		    "writable by other users (mode %03o): use chmod go-w",
		    (unsigned)(st.st_mode & 0777));
	return rc;
}

int
vrv_private_dir(const char *path, bool create, int *ret_fd,
    struct varve_err *err)
{
	vrv_auto_fd fd = -1;
	size_t n = strlen(path);

	/* A slash at the end would follow a link in spite of O_NOFOLLOW. */
	while (n > 1 && path[n - 1] == '/')
		n--;
	vrv_auto_free char *bare = vrv_dup(path, n);
	if (bare == NULL)
		return VRV_NOMEM(err, "a path");
	int rc = create ? vrv_os_mkdirs(bare, err) : 0;
	if (rc == 0)
		rc = vrv_os_open(AT_FDCWD, bare,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &fd, err);
	if (rc == 0)
		rc = check_dir(fd, err);
	if (rc != 0)
		return vrv_ctx(err, "%s", path);
	*ret_fd = vrv_steal_fd(&fd);
	return 0;
}

int
vrv_private_parent(const char *path, int *ret_fd, const char **ret_leaf,
    struct varve_err *err)
{
	const char *slash = strrchr(path, '/');
	vrv_auto_free char *dir = slash == NULL ?
	    vrv_dup(".", 1) :
	    vrv_dup(path, (size_t)(slash - path) + 1);

	if (dir == NULL)
		return VRV_NOMEM(err, "a path");
	int rc = vrv_private_dir(dir, false, ret_fd, err);
	if (rc == 0)
		*ret_leaf = slash == NULL ? path : slash + 1;
	return rc;
}

int
vrv_private_open(int dir, const char *name, int flags, int *ret_fd,
    struct varve_err *err)
{
	vrv_auto_fd fd = -1;
	struct stat st;

	int rc = vrv_os_open(dir, name,
	    flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600, &fd, err);
	if (rc == 0 && fstat(fd, &st) != 0)
		rc = vrv_fail_sys(err, errno, "stat");
	if (rc == 0 && !S_ISREG(st.st_mode))
		rc = vrv_fail_sys(err, EPERM, "not a regular file");
	if (rc == 0)
		rc = check_owner(&st, err);
	if (rc != 0)
		return vrv_ctx(err, "%s", name);
	*ret_fd = vrv_steal_fd(&fd);
	return 0;
}

int
vrv_private_load(int dir, const char *name, size_t max, struct vrv_buf *buf,
    struct varve_err *err)
{
	vrv_auto_fd fd = -1;
	int rc = vrv_private_open(dir, name, O_RDONLY, &fd, err);

	if (rc != 0)
		return rc;
	rc = vrv_os_load_fd(fd, max, buf, err);
	return rc != 0 ? vrv_ctx(err, "%s", name) : 0;
}

int
vrv_private_lock(int dir, const char *name, unsigned wait_ms, int *ret_fd,
    struct varve_err *err)
{
	const struct timespec step = {.tv_nsec = LOCK_STEP_MS * 1000000L};
	vrv_auto_fd fd = -1;
	unsigned waited = 0;

	int rc = vrv_private_open(dir, name, O_RDWR | O_CREAT, &fd, err);
	if (rc != 0)
		return rc;
	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return vrv_fail_sys(err, errno, "%s: lock", name);
		if (waited >= wait_ms)
			return vrv_fail(err, VARVE_LOCKED,
			    "%s: locked by another process for %u ms", name,
			    waited);
		(void)nanosleep(&step, NULL);
		waited += LOCK_STEP_MS;
	}
	*ret_fd = vrv_steal_fd(&fd);
	return 0;
}
