/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "archive/attrs.h"
#include "mount/mount_internal.h"

#define ACL_HEADER 4
#define ACL_ENTRY 8
#define ACL_USER_OBJ 0x01

static mode_t
class_of(const struct stat *st, unsigned shift)
{
	return st->st_mode >> shift & 7;
}

/* Who is in which group is not known. So where owner or group differ, whoever
 * is in one class of the one may have been in any other class of the other. */
void
vrv_rights_limit(struct stat *st, const struct stat *by)
{
	mode_t owner = class_of(by, 6), group = class_of(by, 3),
	       other = class_of(by, 0), both = group & other;
	mode_t keep[3] = {owner, group, other};

	if (st->st_gid != by->st_gid)
		keep[1] = keep[2] = both;
	if (st->st_uid != by->st_uid) {
		keep[0] = both;
		keep[1] &= owner;
		keep[2] &= owner;
	}
	st->st_mode &= (mode_t)S_IFMT | keep[0] << 6 | keep[1] << 3 | keep[2];
}

/* What the list gives to everybody but the owner. */
static mode_t
common(const uint8_t *acl, size_t n)
{
	mode_t all = 7;

	if (n < ACL_HEADER || (n - ACL_HEADER) % ACL_ENTRY != 0)
		return 0;
	for (size_t at = ACL_HEADER; at < n; at += ACL_ENTRY) {
		if (acl[at] != ACL_USER_OBJ) /* tag, permissions: le16 each */
			all &= acl[at + 2];
	}
	return all;
}

void
vrv_rights_of_acl(struct vrv_mount *m, const struct vrv_entry *entry,
    mode_t *mode)
{
	static const char name[] = "system.posix_acl_access";
	struct vrv_rd rd = vrv_rd_over(entry->xattrs, entry->xattrs_n);
	struct vrv_entry_xattr x;
	struct varve_err unused;

	if ((entry->flags & VRV_ENTRY_XATTRS) == 0)
		return;
	for (uint64_t n = vrv_rd_v(&rd); n > 0; n--) {
		vrv_auto_buf struct vrv_buf chunk = {0};
		const uint8_t *value;
		mode_t all = 0; /* a list that cannot be read gives nothing */

		int rc = vrv_xattr_get(&rd, &x, &unused);
		if (rc == 0 &&
		    (x.name_n != sizeof(name) - 1 ||
			memcmp(x.name, name, x.name_n) != 0))
			continue;
		if (rc == 0 &&
		    vrv_attr_value(&m->source, &x, &chunk, &value, &unused) ==
			0)
			all = common(value, x.size);
		*mode &= ~(mode_t)077 | all << 3 | all;
		return;
	}
}
