/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/trees.h"

#include "repo/repo.h"

static int
get(void *arg, const uint8_t id[VRV_CHUNK_ID], struct vrv_buf *ret,
    struct varve_err *err)
{
	const uint8_t *bytes;
	size_t n;

	int rc = vrv_reader_get(arg, VRV_FRAME_META, id, &bytes, &n, err);
	if (rc != 0)
		return rc;
	vrv_buf_clear(ret);
	vrv_buf_bytes(ret, bytes, n);
	return vrv_buf_check(ret, err);
}

struct vrv_meta_source
vrv_meta_from_reader(struct vrv_reader *reader)
{
	return (struct vrv_meta_source){.get = get, .arg = reader};
}
