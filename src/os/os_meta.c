/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/meta.h"

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <unistd.h>

#include "os/os_internal.h"

static int
empty_path(const char *name)
{
	return name[0] == '\0' ? AT_EMPTY_PATH : 0;
}

/* 0 if it is none that we know. */
static enum vrv_kind
kind_of(unsigned mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return VRV_FILE;
	case S_IFDIR:
		return VRV_DIR;
	case S_IFLNK:
		return VRV_SYMLINK;
	case S_IFIFO:
		return VRV_FIFO;
	case S_IFSOCK:
		return VRV_SOCKET;
	case S_IFCHR:
		return VRV_CHAR;
	case S_IFBLK:
		return VRV_BLOCK;
	default:
		return (enum vrv_kind)0;
	}
}

static struct vrv_time
time_of(const struct statx_timestamp *t)
{
	return (struct vrv_time){t->tv_sec, t->tv_nsec};
}

/* They have the numbers of FS_COMPR_FL, FS_IMMUTABLE_FL, FS_APPEND_FL and
 * FS_NODUMP_FL. */
#define TOLD_FLAGS                                                             \
	(STATX_ATTR_COMPRESSED | STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND |    \
	    STATX_ATTR_NODUMP)

static int
stat_with(int dirfd, const char *name, int flags, struct vrv_stat *ret,
    struct varve_err *err)
{
	struct statx x;

	flags |= AT_NO_AUTOMOUNT | AT_STATX_SYNC_AS_STAT | empty_path(name);

	while (statx(dirfd, name, flags, STATX_BASIC_STATS | STATX_BTIME, &x) !=
	    0) {
		if (errno != EINTR)
			return vrv_fail_sys(err, errno, "stat");
	}
	enum vrv_kind kind = kind_of(x.stx_mode);
	if (kind == 0)
		return vrv_fail(err, VARVE_NOTSUP, "unknown kind of file");
	*ret = (struct vrv_stat){
	    .kind = kind,
	    .has_btime = (x.stx_mask & STATX_BTIME) != 0,
	    .mode = x.stx_mode & 07777,
	    .iflags = (uint32_t)(x.stx_attributes & TOLD_FLAGS),
	    .uid = x.stx_uid,
	    .gid = x.stx_gid,
	    .inode = x.stx_ino,
	    .dev = (uint64_t)x.stx_dev_major << 32 | x.stx_dev_minor,
	    .rdev_major = x.stx_rdev_major,
	    .rdev_minor = x.stx_rdev_minor,
	    .nlink = x.stx_nlink,
	    .size = x.stx_size,
	    .blocks = x.stx_blocks,
	    .mtime = time_of(&x.stx_mtime),
	    .ctime = time_of(&x.stx_ctime),
	    .atime = time_of(&x.stx_atime),
	};
	if (ret->has_btime)
		ret->btime = time_of(&x.stx_btime);
	return 0;
}

int
vrv_os_stat(int dirfd, const char *name, struct vrv_stat *ret,
    struct varve_err *err)
{
	return stat_with(dirfd, name, AT_SYMLINK_NOFOLLOW, ret, err);
}

int
vrv_os_stat_target(int dirfd, const char *name, struct vrv_stat *ret,
    struct varve_err *err)
{
	return stat_with(dirfd, name, 0, ret, err);
}

bool
vrv_os_is_sizeless(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 &&
	    (fs.f_type == PROC_SUPER_MAGIC || fs.f_type == SYSFS_MAGIC);
}

int
vrv_os_readlink(int dirfd, const char *name, struct vrv_arena *arena,
    char **ret, struct varve_err *err)
{
	char target[PATH_MAX + 1];
	ssize_t n = readlinkat(dirfd, name, target, sizeof(target));

	if (n < 0)
		return vrv_fail_sys(err, errno, "readlink");
	if ((size_t)n == sizeof(target))
		return vrv_fail(err, VARVE_LIMIT,
		    "target of the link is longer than %d bytes", PATH_MAX);
	char *copy = vrv_arena_dup(arena, target, (size_t)n);
	if (copy == NULL)
		return vrv_fail(err, VARVE_NOMEM, "no memory for a link");
	*ret = copy;
	return 0;
}

int
vrv_os_flags(int fd, uint32_t *ret, struct varve_err *err)
{
	int flags = 0;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0 && errno != ENOTTY &&
	    errno != EOPNOTSUPP && errno != EINVAL && errno != ENOSYS)
		return vrv_fail_sys(err, errno, "get inode flags");
	*ret = (uint32_t)flags;
	return 0;
}

int
vrv_os_set_flags(int fd, uint32_t flags, struct varve_err *err)
{
	struct stat st;
	int word = (int)flags;

	if (fstat(fd, &st) != 0)
		return vrv_fail_sys(err, errno, "stat");
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return vrv_fail_sys(err, ENOTTY, "set inode flags");
	if (ioctl(fd, FS_IOC_SETFLAGS, &word) != 0)
		return vrv_fail_sys(err, errno, "set inode flags");
	return 0;
}

int
vrv_os_next_data(int fd, uint64_t from, uint64_t size, uint64_t *ret_from,
    uint64_t *ret_to, struct varve_err *err)
{
	off_t data = -1, hole = -1;

	if (from < size) {
		data = lseek(fd, (off_t)from, SEEK_DATA);
		if (data >= 0)
			hole = lseek(fd, data, SEEK_HOLE);
		if (hole < 0 && (errno == EINVAL || errno == EOPNOTSUPP)) {
			data = (off_t)from;
			hole = (off_t)size;
		} else if (hole < 0 && errno != ENXIO) {
			return vrv_fail_sys(err, errno, "seek data");
		}
	}
	bool none = hole < 0 || (uint64_t)data >= size;
	*ret_from = none ? size : (uint64_t)data;
	*ret_to = none || (uint64_t)hole > size ? size : (uint64_t)hole;
	return 0;
}

int
vrv_os_chown(int dirfd, const char *name, uint32_t uid, uint32_t gid,
    struct varve_err *err)
{
	if (fchownat(dirfd, name, uid, gid,
		AT_SYMLINK_NOFOLLOW | empty_path(name)) != 0)
		return vrv_fail_sys(err, errno, "chown");
	return 0;
}

int
vrv_os_chmod(int dirfd, const char *name, uint16_t mode, struct varve_err *err)
{
	char path[VRV_OS_FD_PATH_MAX];
	int rc;

	if (name[0] != '\0') {
		rc = fchmodat(dirfd, name, mode, AT_SYMLINK_NOFOLLOW);
	} else {
		rc = fchmod(dirfd, mode);
		if (rc != 0 && errno == EBADF) { /* O_PATH */
			vrv_os_fd_path(path, dirfd);
			rc = chmod(path, mode);
		}
	}
	return rc == 0 ? 0 : vrv_fail_sys(err, errno, "chmod");
}

int
vrv_os_set_times(int dirfd, const char *name, const struct vrv_time *mtime,
    const struct vrv_time *atime, struct varve_err *err)
{
	struct timespec times[2] = {
	    {.tv_nsec = UTIME_OMIT},
	    {.tv_sec = mtime->s, .tv_nsec = mtime->ns},
	};

	if (atime != NULL)
		times[0] = (struct timespec){atime->s, atime->ns};
	if (utimensat(dirfd, name, times,
		AT_SYMLINK_NOFOLLOW | empty_path(name)) != 0)
		return vrv_fail_sys(err, errno, "set times");
	return 0;
}

int
vrv_os_make_node(int dirfd, const char *name, enum vrv_kind kind,
    uint32_t major, uint32_t minor, struct varve_err *err)
{
	mode_t type;

	switch (kind) {
	case VRV_FIFO:
		type = S_IFIFO;
		break;
	case VRV_SOCKET:
		type = S_IFSOCK;
		break;
	case VRV_CHAR:
		type = S_IFCHR;
		break;
	case VRV_BLOCK:
		type = S_IFBLK;
		break;
	default:
		return vrv_fail(err, VARVE_USAGE, "no special file");
	}
	if (mknodat(dirfd, name, type | 0600, makedev(major, minor)) != 0)
		return vrv_fail_sys(err, errno, "mknod");
	return 0;
}
