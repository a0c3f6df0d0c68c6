/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_ATTRS_H
#define ARCHIVE_ATTRS_H

/* Attributes of an entry, as a file of this system should have them. */

#include <linux/fs.h>

#include <stdbool.h>

#include "archive/owners.h"
#include "archive/trees.h"

/* Inode flags that a user may set; the others tell of how the file system
 * stores it. */
#define VRV_IFLAGS_SETTABLE                                                    \
	((uint32_t)(FS_SECRM_FL | FS_UNRM_FL | FS_COMPR_FL | FS_SYNC_FL |      \
	    FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NODUMP_FL | FS_NOATIME_FL |    \
	    FS_NOCOMP_FL | FS_JOURNAL_DATA_FL | FS_NOTAIL_FL | FS_DIRSYNC_FL | \
	    FS_TOPDIR_FL | FS_NOCOW_FL | FS_PROJINHERIT_FL))

/* Is the extended attribute of that name a POSIX access control list? */
bool vrv_attr_is_acl(const char *name);

/* The value of an extended attribute; a long one is a meta chunk of its own,
 * which is read into `buf`. `ret` points into it or where the list does. */
int vrv_attr_value(const struct vrv_meta_source *,
    const struct vrv_entry_xattr *, struct vrv_buf *buf, const uint8_t **ret,
    struct varve_err *err) VRV_MUST;

/* The ids in a POSIX ACL are those of the archive: make them local ones. */
void vrv_attr_localize_acl(struct vrv_owners *, uint8_t *acl, size_t n);

#endif
