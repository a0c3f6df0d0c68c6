/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/place.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "os/os_internal.h"

int
vrv_os_mkdir(int dirfd, const char *name, mode_t mode, struct varve_err *err)
{
	if (mkdirat(dirfd, name, mode) != 0)
		return vrv_fail_sys(err, errno, "mkdir");
	return 0;
}

int
vrv_os_symlink(const char *target, int dirfd, const char *name,
    struct varve_err *err)
{
	if (symlinkat(target, dirfd, name) != 0)
		return vrv_fail_sys(err, errno, "symlink");
	return 0;
}

int
vrv_os_linkat(int from_dir, const char *from, int to_dir, const char *to,
    int flags)
{
	int how = (flags & AT_EMPTY_PATH) |
	    ((flags & AT_SYMLINK_FOLLOW) == 0 ? AT_SYMLINK_NOFOLLOW : 0);
	struct stat a, b;

	if (linkat(from_dir, from, to_dir, to, flags) == 0)
		return 0;
	if (errno != EEXIST)
		return -1;
	if (fstatat(from_dir, from, &a, how) == 0 &&
	    fstatat(to_dir, to, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino)
		return 0;
	errno = EEXIST;
	return -1;
}

int
vrv_os_link(int fd, int dirfd, const char *name, struct varve_err *err)
{
	char path[VRV_OS_FD_PATH_MAX];

	/* The first form wants a capability, the second /proc. */
	if (vrv_os_linkat(fd, "", dirfd, name, AT_EMPTY_PATH) == 0)
		return 0;
	if (errno == ENOENT || errno == EPERM || errno == EACCES) {
		vrv_os_fd_path(path, fd);
		if (vrv_os_linkat(AT_FDCWD, path, dirfd, name,
			AT_SYMLINK_FOLLOW) == 0)
			return 0;
	}
	return vrv_fail_sys(err, errno, "link");
}

int
vrv_os_rename(int dirfd, const char *from, const char *to,
    struct varve_err *err)
{
	if (renameat(dirfd, from, dirfd, to) != 0)
		return vrv_fail_sys(err, errno, "rename");
	return 0;
}

int
vrv_os_rename_unless_there(int from_dir, const char *from, int to_dir,
    const char *to)
{
	struct stat st;

	if (fstatat(to_dir, to, &st, AT_SYMLINK_NOFOLLOW) == 0)
		errno = EEXIST;
	if (errno != ENOENT)
		return -1;
	return renameat(from_dir, from, to_dir, to);
}

int
vrv_os_rename_new(int dirfd, const char *from, const char *to,
    struct varve_err *err)
{
	if (renameat2(dirfd, from, dirfd, to, RENAME_NOREPLACE) == 0)
		return 0;
	/* NFS and others cannot rename so, but have links. */
	if (errno != EINVAL && errno != ENOSYS)
		return vrv_fail_sys(err, errno, "rename");
	if (vrv_os_linkat(dirfd, from, dirfd, to, 0) != 0) {
		if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS)
			return vrv_fail_sys(err, errno, "link");
		if (vrv_os_rename_unless_there(dirfd, from, dirfd, to) != 0)
			return vrv_fail_sys(err, errno, "rename");
		return 0;
	}
	if (unlinkat(dirfd, from, 0) != 0)
		return vrv_fail_sys(err, errno, "remove");
	return 0;
}

int
vrv_os_unlink(int dirfd, const char *name, bool is_dir, struct varve_err *err)
{
	if (unlinkat(dirfd, name, is_dir ? AT_REMOVEDIR : 0) != 0)
		return vrv_fail_sys(err, errno, "remove");
	return 0;
}

int
vrv_os_truncate(int fd, uint64_t size, struct varve_err *err)
{
	int rc;

	if (size > INT64_MAX)
		return vrv_fail_sys(err, EFBIG, "set size");
	do {
		rc = ftruncate(fd, (off_t)size);
	} while (rc != 0 && errno == EINTR);
	return rc == 0 ? 0 : vrv_fail_sys(err, errno, "set size");
}
