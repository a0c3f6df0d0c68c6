/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef OS_PRIVATE_H
#define OS_PRIVATE_H

/*
 * Files of this client: caches, state, key files.
 *
 * Another user must not be able to choose what varve reads or overwrites here,
 * whatever HOME says. A private directory therefore belongs to the effective
 * user (or to root) and is writable by nobody else; a private file is a regular
 * file of the same owner, opened without following a symbolic link and without
 * blocking. Anything else is refused with IO and a sys of ELOOP, EPERM or
 * ENOTDIR, and a message that says what is wrong.
 *
 * Several processes may share a directory: what is replaced is replaced as a
 * whole (vrv_os_replace_file()), what is read, changed and written back is
 * locked meanwhile.
 */

#include <stddef.h>

#include "util/buf.h"
#include "util/err.h"

/* Open the directory `path`, following symbolic links above its last
 * component only, also if a slash stands behind it. With `create`, make it and
 * its parents with mode 0700. */
int vrv_private_dir(const char *path, bool create, int *ret_fd,
    struct varve_err *err) VRV_MUST;

/* Open the private directory that holds `path`; *ret_leaf is the name in it, a
 * part of `path`. */
int vrv_private_parent(const char *path, int *ret_fd, const char **ret_leaf,
    struct varve_err *err) VRV_MUST;

/* Open the file `name`, one component, in the private directory `dir`.
 * `flags` are those of open(); what O_CREAT makes has mode 0600. */
int vrv_private_open(int dir, const char *name, int flags, int *ret_fd,
    struct varve_err *err) VRV_MUST;

/* Append the whole file to `buf`; LIMIT if it is longer than `max`. */
int vrv_private_load(int dir, const char *name, size_t max, struct vrv_buf *buf,
    struct varve_err *err) VRV_MUST;

/* Take the lock file `name` exclusively, made if it is missing; it is held
 * until *ret_fd is closed, and never deleted. Waits up to `wait_ms`, then
 * LOCKED. Excludes other descriptors of the same process too. */
int vrv_private_lock(int dir, const char *name, unsigned wait_ms, int *ret_fd,
    struct varve_err *err) VRV_MUST;

#endif
