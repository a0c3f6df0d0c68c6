/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef OS_OS_INTERNAL_H
#define OS_OS_INTERNAL_H

/* Shared by the files of this module, and opened to its tests. */

#include <sys/types.h>

#include "util/err.h"

#define VRV_OS_FD_PATH_MAX 32

/* "/proc/self/fd/N": the file that a descriptor is open on, as a path. */
void vrv_os_fd_path(char path[VRV_OS_FD_PATH_MAX], int fd);

/* Open the directory that holds `path`; *ret_leaf (may be NULL) points at the
 * last component within `path`. */
int vrv_os_open_parent(int dirfd, const char *path, int *ret_fd,
    const char **ret_leaf, struct varve_err *err) VRV_MUST;

/* Rename without overwriting where the file system can neither do that nor
 * make links (rclone, s3fs and other FUSE file systems): look, then rename. A
 * file that gets the name in between is replaced. 0, or -1 with errno. */
int vrv_os_rename_unless_there(int from_dir, const char *from, int to_dir,
    const char *to) VRV_MUST;

/* vrv_os_open_beneath() without openat2(). */
int vrv_os_walk_beneath(int root, const char *path, int flags, mode_t mode,
    int *ret_fd, struct varve_err *err) VRV_MUST;

#endif
