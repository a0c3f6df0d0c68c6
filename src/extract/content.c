/* SPDX-License-Identifier: BSD-2-Clause */
#include "extract/extract_internal.h"

static int
give_extent(struct vrv_restore *run, const struct vrv_extent *extent,
    uint64_t offset, vrv_piece_fn *fn, void *arg, struct varve_err *err)
{
	const uint8_t *bytes;
	size_t n;

	if (extent->hole)
		return fn(arg, offset, NULL, extent->length, err);
	int rc = vrv_reader_get(run->reader, VRV_FRAME_DATA, extent->id, &bytes,
	    &n, err);
	if (rc != 0)
		return rc;
	if (n != extent->length)
		return vrv_fail(err, VARVE_CORRUPT,
		    "a chunk is %zu bytes long instead of %llu", n,
		    (unsigned long long)extent->length);
	return fn(arg, offset, bytes, n, err);
}

int
vrv_content_each(struct vrv_restore *run, const uint8_t *content,
    size_t content_n, uint64_t size, vrv_piece_fn *fn, void *arg,
    struct varve_err *err)
{
	struct vrv_list_iter *list;
	struct vrv_extent extent;
	uint64_t offset, end = 0;

	int rc =
	    vrv_list_iter_new(&run->source, content, content_n, &list, err);
	if (rc != 0)
		return rc;
	while (end <= size) {
		rc = vrv_list_iter_next(list, &extent, &offset, err);
		if (rc == VARVE_NOENT)
			break;
		if (rc == 0)
			end = offset + extent.length;
		if (rc == 0 && end <= size)
			rc = give_extent(run, &extent, offset, fn, arg, err);
		if (rc != 0) {
			vrv_list_iter_free(list);
			return rc;
		}
	}
	vrv_list_iter_free(list);
	if (end != size)
		return vrv_fail(err, VARVE_CORRUPT,
		    "its pieces do not add up to its size");
	vrv_err_clear(err);
	return 0;
}
