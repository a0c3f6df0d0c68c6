/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef OS_PLACE_H
#define OS_PLACE_H

/*
 * Giving names to things and taking them away, below an open directory. A
 * `name` is a single component; no symbolic link in its place is followed.
 * Nothing here is made durable.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/err.h"

/* EXISTS if the name is taken. */
int vrv_os_mkdir(int dirfd, const char *name, mode_t mode,
    struct varve_err *err) VRV_MUST;
int vrv_os_symlink(const char *target, int dirfd, const char *name,
    struct varve_err *err) VRV_MUST;

/* Another name for the file that `fd` is open on (O_PATH will do), whatever
 * kind it is of and whatever its own name stands for by now. */
int vrv_os_link(int fd, int dirfd, const char *name, struct varve_err *err)
    VRV_MUST;

/* linkat(), but 0 also if EEXIST is about a link that is there already: over a
 * network the request may have been done although its answer was lost, and is
 * repeated (NFS). With AT_EMPTY_PATH `from` may be "". 0, or -1 with errno. */
int vrv_os_linkat(int from_dir, const char *from, int to_dir, const char *to,
    int flags) VRV_MUST;

/* Within one directory; replaces what has the name `to`. */
int vrv_os_rename(int dirfd, const char *from, const char *to,
    struct varve_err *err) VRV_MUST;

/* The same, but EXISTS if the name `to` is taken. On file systems that can
 * neither rename so nor make links, a file that gets the name at the same
 * moment may be replaced. */
int vrv_os_rename_new(int dirfd, const char *from, const char *to,
    struct varve_err *err) VRV_MUST;

/* With `is_dir` an empty directory, else anything but a directory. */
int vrv_os_unlink(int dirfd, const char *name, bool is_dir,
    struct varve_err *err) VRV_MUST;

/* Cut or extend an open file to `size` bytes; what is new is a hole. */
int vrv_os_truncate(int fd, uint64_t size, struct varve_err *err) VRV_MUST;

#endif
