/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef OS_DIR_H
#define OS_DIR_H

/* Directories: listing them, and opening what lies beneath one. */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "os/meta.h"
#include "util/arena.h"
#include "util/err.h"

struct vrv_dirent {
	const char *name; /* NUL-terminated */
	size_t len;
	enum vrv_kind kind; /* 0 where the file system does not tell */
};

/* How many files this process may have open at a time. */
size_t vrv_os_open_max(void);

/* Every name in the open directory `fd` but "." and "..", once, sorted by
 * bytes (memcmp, shorter first), in the arena. Reads from the start whatever
 * the descriptor's position. The array is owned by the caller: free(). An error
 * half way is an error: no partial listing is given. */
int vrv_os_list_dir(int fd, struct vrv_arena *arena, struct vrv_dirent **ret,
    size_t *ret_n, struct varve_err *err) VRV_MUST;

/* Open `path` (relative, several components) so that the result lies beneath
 * `root` and no component is a symbolic link: openat2() with RESOLVE_BENEATH,
 * RESOLVE_NO_SYMLINKS and RESOLVE_NO_MAGICLINKS, component by component with
 * O_NOFOLLOW where the kernel has no openat2. A ".." in `path` may be refused
 * even if it does not leave `root`. */
int vrv_os_open_beneath(int root, const char *path, int flags, mode_t mode,
    int *ret_fd, struct varve_err *err) VRV_MUST;

/* Open one file of the source for reading: `name` is a single component, it
 * is not followed if it is a link, never blocks on a FIFO, does not become a
 * controlling terminal, and does not touch atime where we may ask for that. */
int vrv_os_open_source(int dirfd, const char *name, int *ret_fd,
    struct varve_err *err) VRV_MUST;
/* The same for a directory. */
int vrv_os_open_source_dir(int dirfd, const char *name, int *ret_fd,
    struct varve_err *err) VRV_MUST;

#endif
