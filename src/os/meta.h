/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef OS_META_H
#define OS_META_H

/*
 * What a file system says of a file: stat, extended attributes (POSIX ACLs
 * and capabilities are extended attributes), inode flags, holes. Nothing here
 * but vrv_os_stat_target() follows a symbolic link in the last component.
 *
 * `name` is looked up below the open directory `dirfd`; "" means the file
 * that `dirfd` itself is open on.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/arena.h"
#include "util/clock.h"
#include "util/err.h"

/* The kinds of a tree entry; the numbers are stored (varve-repository(5)). */
enum vrv_kind {
	VRV_FILE = 1,
	VRV_DIR = 2,
	VRV_SYMLINK = 3,
	VRV_FIFO = 4,
	VRV_SOCKET = 5,
	VRV_CHAR = 6,
	VRV_BLOCK = 7
};

struct vrv_stat {
	enum vrv_kind kind;
	bool has_btime;
	uint16_t mode;	 /* the low 12 bits */
	uint32_t iflags; /* of the inode flags c, i, a and d those that are
			  * known without opening the file */
	uint32_t uid, gid;
	uint64_t inode, dev; /* dev: major << 32 | minor */
	uint32_t rdev_major, rdev_minor;
	uint64_t nlink, size, blocks; /* blocks of 512 bytes */
	struct vrv_time mtime, ctime, atime, btime;
};

int vrv_os_stat(int dirfd, const char *name, struct vrv_stat *ret,
    struct varve_err *err) VRV_MUST;
/* Stat the file that the symlink `name` leads to. */
int vrv_os_stat_target(int dirfd, const char *name, struct vrv_stat *ret,
    struct varve_err *err) VRV_MUST;

/* Does the open file lie on proc or sysfs, whose files have content although
 * their size is 0? */
bool vrv_os_is_sizeless(int fd);

/* The target of a symbolic link, NUL-terminated, in the arena. */
int vrv_os_readlink(int dirfd, const char *name, struct vrv_arena *arena,
    char **ret, struct varve_err *err) VRV_MUST;

struct vrv_xattr {
	const char *name; /* NUL-terminated, with its namespace prefix */
	const uint8_t *value;
	size_t size;
};

/* All extended attributes, sorted by name bytes, in the arena; *ret_n is 0
 * where the file system has none. One that vanishes meanwhile is left out.
 * When one cannot be read (EACCES, EPERM, EOPNOTSUPP) or has a name that the
 * kernel does not take (a FUSE server may list any), or the values are longer
 * than VRV_OS_XATTRS_MAX with it, the others are still given, *ret_lost counts
 * it and `err` is not set. */
#define VRV_OS_XATTRS_MAX ((size_t)1 << 20)
int vrv_os_xattrs(int dirfd, const char *name, struct vrv_arena *arena,
    struct vrv_xattr **ret, size_t *ret_n, size_t *ret_lost,
    struct varve_err *err) VRV_MUST;

/* The value of the attribute `attr`, in the arena; NOENT if there is none. */
int vrv_os_xattr(int dirfd, const char *name, const char *attr,
    struct vrv_arena *arena, struct vrv_xattr *ret, struct varve_err *err)
    VRV_MUST;
int vrv_os_set_xattr(int dirfd, const char *name, const struct vrv_xattr *,
    struct varve_err *err) VRV_MUST;
int vrv_os_remove_xattr(int dirfd, const char *name, const char *attr,
    struct varve_err *err) VRV_MUST;

/* Inode flags as FS_IOC_GETFLAGS gives them; 0 where there are none. `fd` is
 * open on a regular file or directory (a device's driver would get the request)
 * and not O_PATH. */
int vrv_os_flags(int fd, uint32_t *ret, struct varve_err *err) VRV_MUST;
int vrv_os_set_flags(int fd, uint32_t flags, struct varve_err *err) VRV_MUST;

/* The next run of data at or after `from`: [*ret_from, *ret_to). At the end
 * both are `size`. Where the file system knows no holes it is all data.
 * Moves the descriptor's position. */
int vrv_os_next_data(int fd, uint64_t from, uint64_t size, uint64_t *ret_from,
    uint64_t *ret_to, struct varve_err *err) VRV_MUST;

int vrv_os_chown(int dirfd, const char *name, uint32_t uid, uint32_t gid,
    struct varve_err *err) VRV_MUST;
/* Not for symbolic links, which have no mode. */
int vrv_os_chmod(int dirfd, const char *name, uint16_t mode,
    struct varve_err *err) VRV_MUST;
/* Modification and access time; atime may be NULL: left as it is. */
int vrv_os_set_times(int dirfd, const char *name, const struct vrv_time *mtime,
    const struct vrv_time *atime, struct varve_err *err) VRV_MUST;
/* A FIFO, socket or device of mode 0600. */
int vrv_os_make_node(int dirfd, const char *name, enum vrv_kind kind,
    uint32_t major, uint32_t minor, struct varve_err *err) VRV_MUST;

#endif
