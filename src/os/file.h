/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef OS_FILE_H
#define OS_FILE_H

/*
 * Reading and writing files: the one place where varve writes bytes. Every
 * call retries EINTR and short transfers. Messages name the operation; the
 * caller adds the path. Safe from any thread on different descriptors.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/buf.h"
#include "util/err.h"

/* openat() with O_CLOEXEC added. */
int vrv_os_open(int dirfd, const char *path, int flags, mode_t mode,
    int *ret_fd, struct varve_err *err) VRV_MUST;

/* Close and report what close reports: for descriptors written to. It is
 * closed also on failure. */
int vrv_os_close(int fd, struct varve_err *err) VRV_MUST;

/* Read until `n` bytes are there or the file ends: *ret_n < n means its end. */
int vrv_os_read(int fd, void *to, size_t n, size_t *ret_n,
    struct varve_err *err) VRV_MUST;
/* Read what comes first, up to `n` bytes: *ret_n is 0 only at the end. */
int vrv_os_read_some(int fd, void *to, size_t n, size_t *ret_n,
    struct varve_err *err) VRV_MUST;
int vrv_os_pread(int fd, uint64_t offset, void *to, size_t n, size_t *ret_n,
    struct varve_err *err) VRV_MUST;

/* Wait up to `ms` milliseconds until a descriptor is readable: there are bytes,
 * or the last writer has closed it. */
int vrv_os_await(int fd, int ms, bool *ret_ready, struct varve_err *err)
    VRV_MUST;
/* Clear O_NONBLOCK, so that reads wait for bytes. */
int vrv_os_set_blocking(int fd, struct varve_err *err) VRV_MUST;

/* Write all `n` bytes. */
int vrv_os_write(int fd, const void *bytes, size_t n, struct varve_err *err)
    VRV_MUST;
int vrv_os_pwrite(int fd, uint64_t offset, const void *bytes, size_t n,
    struct varve_err *err) VRV_MUST;

/* Flush to stable storage. After a failure the file must be thrown away: a
 * second fsync may succeed although the data is gone (fsyncgate, 2018). Works
 * for directories. */
int vrv_os_fsync(int fd, struct varve_err *err) VRV_MUST;

/* Ask the kernel to start writing [offset, offset + n) now; a hint only. */
void vrv_os_start_writeback(int fd, uint64_t offset, uint64_t n);

/* fsync of the directory that holds `path`, which must not end in "/". */
int vrv_os_sync_parent(int dirfd, const char *path, struct varve_err *err)
    VRV_MUST;

/* Append what follows the position of an open descriptor to `buf`; LIMIT if it
 * is longer than `max`. On failure `buf` holds what it held. */
int vrv_os_load_fd(int fd, size_t max, struct vrv_buf *buf,
    struct varve_err *err) VRV_MUST;

/*
 * A file that appears whole or not at all. vrv_newfile_open() makes a file of
 * a unique temporary name in `dir` (borrowed; the umask applies to the mode),
 * the caller writes to `fd`, then exactly one of _link, _replace and _abort
 * ends it; all of them release it, also on failure. _link and _replace fsync
 * the file, check close and fsync the target directory before they return 0.
 * When the last of these fails, _link takes the name away again; after
 * _replace it may lead to the old content or the new.
 *
 * The temporary file is locked (flock) from before anybody can take it for an
 * abandoned one until it has its final name: what is locked is in use, whatever
 * its age.
 */
#define VRV_NEWFILE_NAME 48
struct vrv_newfile {
	int dir, fd;
	char name[VRV_NEWFILE_NAME];
};

int vrv_newfile_open(int dir, mode_t mode, struct vrv_newfile *ret,
    struct varve_err *err) VRV_MUST;
/* Give it the name `path` below `to`; EXISTS if that is taken. On file systems
 * that can neither link nor rename without overwriting, a file that gets the
 * name at the same moment may be replaced. */
int vrv_newfile_link(struct vrv_newfile *, int to, const char *path,
    struct varve_err *err) VRV_MUST;
/* The same, replacing what has the name. */
int vrv_newfile_replace(struct vrv_newfile *, int to, const char *path,
    struct varve_err *err) VRV_MUST;
void vrv_newfile_abort(struct vrv_newfile *);

/* Remove the temporary files of killed processes from the open directory
 * `dir`, at once: regular files with exactly the form of a name that
 * vrv_newfile_open() makes, which nobody has locked. Where files cannot be
 * locked, or locks may not reach other machines (network file systems, FUSE),
 * a file must also be a day old by the clock of its file system. Nothing else
 * is touched. This is housekeeping: failures are left to the next sweep. */
void vrv_newfile_sweep(int dir);

/* For files that are made otherwise and shall be swept as well: a random name
 * of that form; and the lock of an open file, which goes when it is closed. */
int vrv_newfile_name(char ret[VRV_NEWFILE_NAME], struct varve_err *err)
    VRV_MUST;
void vrv_newfile_hold(int fd);

/* Close `*fd` and report what close reports, while the lock on the file stays:
 * on success *fd is another descriptor of it. On failure it may be closed. */
int vrv_newfile_close(int *fd, struct varve_err *err) VRV_MUST;

/* All of it for bytes in memory: the file `path` below `dir` (a temporary
 * file appears beside it) holds the old content or the new, at any instant. */
int vrv_os_replace_file(int dir, const char *path, mode_t mode,
    const void *bytes, size_t n, struct varve_err *err) VRV_MUST;
/* The same for a new file; EXISTS if the name is taken. */
int vrv_os_make_file(int dir, const char *path, mode_t mode, const void *bytes,
    size_t n, struct varve_err *err) VRV_MUST;

/* mkdir -p with mode 0700 for new folders, each made durable. */
int vrv_os_mkdirs(const char *path, struct varve_err *err) VRV_MUST;

#endif
