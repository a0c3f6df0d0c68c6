/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/attrs.h"

#include <string.h>

#define ACL_VERSION 2
#define ACL_USER 0x02
#define ACL_GROUP 0x08
#define ACL_ENTRY 8

bool
vrv_attr_is_acl(const char *name)
{
	return strncmp(name, "system.posix_acl_", 17) == 0;
}

int
vrv_attr_value(const struct vrv_meta_source *source,
    const struct vrv_entry_xattr *x, struct vrv_buf *buf, const uint8_t **ret,
    struct varve_err *err)
{
	if (x->value != NULL || x->size == 0) {
		*ret = x->size == 0 ? (const uint8_t *)"" : x->value;
		return 0;
	}
	int rc = source->get(source->arg, x->id, buf, err);
	if (rc != 0)
		return rc;
	struct vrv_rd rd;
	rc = vrv_meta_open(buf->data, buf->len, VRV_META_VALUE, &rd, err);
	if (rc != 0)
		return rc;
	if (vrv_rd_left(&rd) != x->size)
		return vrv_fail(err, VARVE_CORRUPT, "no value of its size");
	*ret = rd.p;
	return 0;
}

void
vrv_attr_localize_acl(struct vrv_owners *owners, uint8_t *acl, size_t n)
{
	if (n < 4 || vrv_get_u32(acl) != ACL_VERSION)
		return;
	for (size_t at = 4; at + ACL_ENTRY <= n; at += ACL_ENTRY) {
		unsigned tag = (unsigned)acl[at] | (unsigned)acl[at + 1] << 8;
		if (tag == ACL_USER || tag == ACL_GROUP)
			vrv_put_u32(acl + at + 4,
			    vrv_owners_local(owners, tag == ACL_GROUP,
				vrv_get_u32(acl + at + 4)));
	}
}
