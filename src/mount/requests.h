/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MOUNT_REQUESTS_H
#define MOUNT_REQUESTS_H

/* Internal: what the kernel asks, answered. */

struct fuse_lowlevel_ops;

/* The session's user data is the struct vrv_mount. */
extern const struct fuse_lowlevel_ops vrv_requests;

#endif
