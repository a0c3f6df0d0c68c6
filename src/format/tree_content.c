/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/tree.h"

#include <string.h>

#include "format/format_internal.h"
#include "format/frame.h"

#define HOLE 1u	 /* bit of an extent's length */
#define CHUNK 1u /* bit of an xattr's size */

/* --- extents --- */

void
vrv_extent_put(struct vrv_buf *b, const struct vrv_extent *extent)
{
	vrv_buf_v(b, extent->length << 1 | (extent->hole ? HOLE : 0));
	if (!extent->hole)
		vrv_buf_bytes(b, extent->id, VRV_CHUNK_ID);
}

int
vrv_extent_get(struct vrv_rd *r, struct vrv_extent *ret, struct varve_err *err)
{
	uint64_t x = vrv_rd_v(r);
	uint64_t length = x >> 1;
	bool hole = (x & HOLE) != 0;
	const uint8_t *id = hole ? NULL : vrv_rd_bytes(r, VRV_CHUNK_ID);

	if (!vrv_rd_ok(r))
		return VRV_CORRUPT(err, "extent is cut short");
	if (length == 0 || (!hole && length > VRV_FRAME_PLAIN_MAX))
		return VRV_CORRUPT(err, "extent of %llu bytes",
		    (unsigned long long)length);
	ret->length = length;
	ret->hole = hole;
	if (hole)
		memset(ret->id, 0, VRV_CHUNK_ID);
	else
		memcpy(ret->id, id, VRV_CHUNK_ID);
	return 0;
}

/* --- content --- */

/* The number in front: 0 for a Ref, else one more than the extents. */
static int
get_count(struct vrv_rd *r, uint32_t *ret, struct varve_err *err)
{
	uint64_t x = vrv_rd_v(r);

	if (!vrv_rd_ok(r))
		return VRV_CORRUPT(err, "content is cut short");
	if (x > VRV_INLINE_EXTENTS + 1)
		return VRV_CORRUPT(err, "content of %llu extents",
		    (unsigned long long)(x - 1));
	*ret = (uint32_t)x;
	return 0;
}

int
vrv_content_scan(struct vrv_rd *r, uint64_t size, struct varve_err *err)
{
	uint32_t x;
	struct vrv_ref ref;
	struct vrv_extent extent;

	int rc = get_count(r, &x, err);
	if (rc != 0)
		return rc;
	if (size > VRV_ENTRY_SIZE_MAX)
		return VRV_CORRUPT(err, "file of %llu bytes",
		    (unsigned long long)size);
	if (x == 0) {
		vrv_ref_get(r, &ref);
		return vrv_rd_ok(r) ? 0 : VRV_CORRUPT(err, "bad reference");
	}
	for (; x > 1; x--) {
		rc = vrv_extent_get(r, &extent, err);
		if (rc != 0)
			return rc;
		if (extent.length > size)
			return VRV_CORRUPT(err, "extents beyond the file");
		size -= extent.length;
	}
	if (size != 0)
		return VRV_CORRUPT(err, "extents short of the file");
	return 0;
}

int
vrv_content_get(const uint8_t *content, size_t content_n, bool *ret_is_ref,
    struct vrv_ref *ret_ref, uint32_t *ret_n, struct vrv_rd *ret_rd,
    struct varve_err *err)
{
	struct vrv_rd r = vrv_rd_over(content, content_n);
	uint32_t x;
	struct vrv_ref ref;

	int rc = get_count(&r, &x, err);
	if (rc != 0)
		return rc;
	if (x == 0) {
		vrv_ref_get(&r, &ref);
		if (!vrv_rd_done(&r))
			return VRV_CORRUPT(err, "bad reference");
		*ret_ref = ref;
	} else {
		*ret_n = x - 1;
		*ret_rd = r;
	}
	*ret_is_ref = x == 0;
	return 0;
}

void
vrv_content_put_ref(struct vrv_buf *b, const struct vrv_ref *ref)
{
	vrv_buf_v(b, 0);
	vrv_ref_put(b, ref);
}

void
vrv_content_put_inline(struct vrv_buf *b, uint32_t n, const uint8_t *extents,
    size_t extents_n)
{
	vrv_buf_v(b, (uint64_t)n + 1);
	vrv_buf_bytes(b, extents, extents_n);
}

/* --- extended attributes --- */

void
vrv_xattr_put(struct vrv_buf *b, const struct vrv_entry_xattr *xattr)
{
	vrv_buf_vbytes(b, xattr->name, xattr->name_n);
	if (xattr->size <= VRV_XATTR_INLINE_MAX) {
		vrv_buf_v(b, xattr->size << 1);
		vrv_buf_bytes(b, xattr->value, (size_t)xattr->size);
	} else {
		vrv_buf_v(b, xattr->size << 1 | CHUNK);
		vrv_buf_bytes(b, xattr->id, VRV_CHUNK_ID);
	}
}

bool
vrv_xattr_is_acl(const struct vrv_entry_xattr *x)
{
	static const char start[] = "system.posix_acl_";

	return x->name_n >= sizeof(start) - 1 &&
	    memcmp(x->name, start, sizeof(start) - 1) == 0;
}

size_t
vrv_xattr_size(size_t name_n, uint64_t size)
{
	return vrv_v_size(name_n) + name_n + vrv_v_size(size << 1) +
	    (size <= VRV_XATTR_INLINE_MAX ? (size_t)size : VRV_CHUNK_ID);
}

int
vrv_xattr_get(struct vrv_rd *r, struct vrv_entry_xattr *ret,
    struct varve_err *err)
{
	struct vrv_entry_xattr xattr = {0};

	xattr.name = vrv_rd_vbytes(r, &xattr.name_n);
	uint64_t x = vrv_rd_v(r);
	xattr.size = x >> 1;
	bool chunk = (x & CHUNK) != 0;
	if (chunk != (xattr.size > VRV_XATTR_INLINE_MAX) ||
	    xattr.size > VRV_XATTR_VALUE_MAX)
		return VRV_CORRUPT(err, "xattr value of %llu bytes",
		    (unsigned long long)xattr.size);
	if (chunk)
		vrv_rd_copy(r, xattr.id, VRV_CHUNK_ID);
	else
		xattr.value = vrv_rd_bytes(r, xattr.size);
	if (!vrv_rd_ok(r))
		return VRV_CORRUPT(err, "xattr is cut short");
	if (xattr.name_n == 0 || xattr.name_n > VRV_XATTR_NAME_MAX ||
	    memchr(xattr.name, '\0', xattr.name_n) != NULL)
		return VRV_CORRUPT(err, "xattr with a bad name");
	*ret = xattr;
	return 0;
}

int
vrv_xattrs_scan(struct vrv_rd *r, struct varve_err *err)
{
	struct vrv_entry_xattr xattr, previous = {0};
	uint64_t n = vrv_rd_v(r), bytes = 0;

	if (n == 0)
		return VRV_CORRUPT(err, "empty xattr list");
	for (; n > 0; n--) {
		int rc = vrv_xattr_get(r, &xattr, err);
		if (rc != 0)
			return rc;
		/* No name is empty, so the first comes after `previous`. */
		if (vrv_name_cmp(previous.name, previous.name_n, xattr.name,
			xattr.name_n) >= 0)
			return VRV_CORRUPT(err, "xattrs out of order");
		previous = xattr;
		bytes += xattr.size;
		if (bytes > VRV_XATTRS_BYTES_MAX)
			return vrv_fail(err, VARVE_LIMIT,
			    "extended attributes beyond %zu bytes",
			    VRV_XATTRS_BYTES_MAX);
	}
	return 0;
}

/* --- extensions --- */

void
vrv_extension_put(struct vrv_buf *b, uint64_t tag, const void *bytes, size_t n)
{
	vrv_buf_v(b, tag);
	vrv_buf_vbytes(b, bytes, n);
}

int
vrv_extension_get(struct vrv_rd *r, uint64_t *ret_tag,
    const uint8_t **ret_bytes, size_t *ret_n, struct varve_err *err)
{
	size_t n;
	uint64_t tag = vrv_rd_v(r);
	const uint8_t *bytes = vrv_rd_vbytes(r, &n);

	if (!vrv_rd_ok(r))
		return VRV_CORRUPT(err, "extension is cut short");
	*ret_tag = tag;
	*ret_bytes = bytes;
	*ret_n = n;
	return 0;
}

int
vrv_extensions_scan(struct vrv_rd *r, struct varve_err *err)
{
	uint64_t tag, previous = 0;
	const uint8_t *bytes;
	size_t bytes_n;
	uint64_t n = vrv_rd_v(r);

	if (n == 0)
		return VRV_CORRUPT(err, "empty extension list");
	for (; n > 0; n--) {
		int rc = vrv_extension_get(r, &tag, &bytes, &bytes_n, err);
		if (rc != 0)
			return rc;
		if (tag <= previous)
			return VRV_CORRUPT(err, "extensions out of order");
		previous = tag;
	}
	return 0;
}
