/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/trees.h"

#include "repo/framecache.h"
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

static int
get_cached(void *arg, const uint8_t id[VRV_CHUNK_ID], struct vrv_buf *ret,
    struct varve_err *err)
{
	struct vrv_chunk_pin pin = {0};

	int rc = vrv_framecache_get(arg, VRV_FRAME_META, id, &pin, err);
	if (rc != 0)
		return rc;
	vrv_buf_clear(ret);
	vrv_buf_bytes(ret, pin.bytes, pin.n);
	vrv_framecache_release(arg, &pin);
	return vrv_buf_check(ret, err);
}

struct vrv_meta_source
vrv_meta_from_cache(struct vrv_framecache *cache)
{
	return (struct vrv_meta_source){.get = get_cached, .arg = cache};
}
