/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz_support.h"

#include "format/tree.h"

/* What an entry decoded with must come apart without an error. */
static void
check_content(const struct vrv_entry *e)
{
	vrv_auto_buf struct vrv_buf again = {0}, extents = {0};
	bool is_ref;
	struct vrv_ref ref;
	struct vrv_rd r;
	struct vrv_extent extent;
	uint32_t n;
	uint64_t sum = 0;
	struct varve_err err;

	fuzz_check(vrv_content_get(e->content, e->content_n, &is_ref, &ref, &n,
		       &r, &err) == 0,
	    "the content comes apart");
	if (is_ref) {
		vrv_content_put_ref(&again, &ref);
	} else {
		for (uint32_t i = 0; i < n; i++) {
			fuzz_check(vrv_extent_get(&r, &extent, &err) == 0,
			    "an extent decodes");
			vrv_extent_put(&extents, &extent);
			sum += extent.length;
		}
		fuzz_check(vrv_rd_done(&r) && sum == e->size, "extents add up");
		vrv_content_put_inline(&again, n, extents.data, extents.len);
	}
	fuzz_same(&again, e->content, e->content_n);
}

static void
check_lists(const struct vrv_entry *e)
{
	vrv_auto_buf struct vrv_buf xattrs = {0}, extensions = {0};
	struct vrv_rd r = vrv_rd_over(e->xattrs, e->xattrs_n);
	struct vrv_entry_xattr xattr;
	const uint8_t *bytes;
	uint64_t n, tag;
	size_t bytes_n;
	struct varve_err err;

	if (e->flags & VRV_ENTRY_XATTRS) {
		n = vrv_rd_v(&r);
		vrv_buf_v(&xattrs, n);
		for (; n > 0; n--) {
			fuzz_check(vrv_xattr_get(&r, &xattr, &err) == 0,
			    "an xattr decodes");
			vrv_xattr_put(&xattrs, &xattr);
		}
		fuzz_same(&xattrs, e->xattrs, e->xattrs_n);
	}
	if (e->flags & VRV_ENTRY_EXTENSIONS) {
		r = vrv_rd_over(e->extensions, e->extensions_n);
		n = vrv_rd_v(&r);
		vrv_buf_v(&extensions, n);
		for (; n > 0; n--) {
			fuzz_check(vrv_extension_get(&r, &tag, &bytes, &bytes_n,
				       &err) == 0,
			    "an extension decodes");
			vrv_extension_put(&extensions, tag, bytes, bytes_n);
		}
		fuzz_same(&extensions, e->extensions, e->extensions_n);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vrv_auto_buf struct vrv_buf again = {0};
	struct vrv_rd r = vrv_rd_over(data, size);
	struct vrv_entry e;
	struct varve_err err;

	if (vrv_root_entry_get(data, size, &e, &err) == 0) {
		vrv_entry_put(&again, &e);
		fuzz_same(&again, data, size);
		check_lists(&e);
	}
	vrv_buf_clear(&again);
	if (vrv_entry_get(&r, &e, &err) != 0)
		return 0;
	vrv_entry_put(&again, &e);
	fuzz_same(&again, data, size - vrv_rd_left(&r));
	fuzz_check(vrv_name_ok(e.name, e.name_n), "the name is good");
	if (e.kind == 1)
		check_content(&e);
	check_lists(&e);
	return 0;
}
