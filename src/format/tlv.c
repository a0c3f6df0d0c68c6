/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/format_internal.h"

#define TAGS_IN_SET 64

static bool
may_repeat(uint64_t tag, uint64_t repeated)
{
	return tag >= TAGS_IN_SET || (repeated & VRV_TAG_BIT(tag)) != 0;
}

int
vrv_tlv_get(struct vrv_rd *r, struct vrv_tlv *at, uint64_t repeated,
    struct varve_err *err)
{
	struct vrv_tlv next;

	next.tag = vrv_rd_v(r);
	next.p = vrv_rd_vbytes(r, &next.n);
	if (!vrv_rd_ok(r))
		return VRV_CORRUPT(err, "list of values is cut short");
	/* Tags start at 1, as does the order after the first, zero `at`. */
	if (next.tag < at->tag || next.tag == 0)
		return VRV_CORRUPT(err, "value %llu out of order",
		    (unsigned long long)next.tag);
	if (next.tag == at->tag && !may_repeat(next.tag, repeated))
		return VRV_CORRUPT(err, "value %llu stands twice",
		    (unsigned long long)next.tag);
	*at = next;
	return 0;
}

uint32_t
vrv_tlv_count(struct vrv_rd list, uint64_t tag)
{
	uint32_t count = 0;
	size_t n;

	while (vrv_rd_left(&list) > 0) {
		uint64_t next = vrv_rd_v(&list);

		(void)vrv_rd_vbytes(&list, &n);
		if (vrv_rd_ok(&list) && next == tag)
			count++;
	}
	return count;
}

int
vrv_tlv_unknown(uint64_t tag, struct varve_err *err)
{
	if (tag % 2 != 0)
		return 0;
	return VRV_UNKNOWN(err, "value of unknown tag %llu",
	    (unsigned long long)tag);
}

int
vrv_tlv_skip(struct vrv_rd *r, struct varve_err *err)
{
	struct vrv_tlv at = {0};
	int rc = vrv_rd_ok(r) ? 0 : VRV_CORRUPT(err, "list is cut short");

	while (rc == 0 && vrv_rd_left(r) > 0) {
		rc = vrv_tlv_get(r, &at, 0, err);
		if (rc == 0)
			rc = vrv_tlv_unknown(at.tag, err);
	}
	return rc;
}

void
vrv_tlv_put_head(struct vrv_buf *b, uint64_t tag, size_t n)
{
	vrv_buf_v(b, tag);
	vrv_buf_v(b, n);
}

void
vrv_tlv_put(struct vrv_buf *b, uint64_t tag, const void *value, size_t n)
{
	vrv_buf_v(b, tag);
	vrv_buf_vbytes(b, value, n);
}
