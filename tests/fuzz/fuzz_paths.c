/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz_support.h"

#include "format/tree.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vrv_auto_buf struct vrv_buf again = {0};
	struct vrv_rd r;
	enum vrv_skip reason;
	const uint8_t *path;
	size_t n;
	struct varve_err err;

	if (vrv_meta_open(data, size, VRV_META_PATHS, &r, &err) != 0)
		return 0;
	while (vrv_rd_left(&r) > 0) {
		const uint8_t *at = r.p;

		if (vrv_path_get(&r, &reason, &path, &n, &err) != 0)
			return 0;
		/* Reasons of later versions read as this one. */
		if (reason == VRV_SKIP_OTHER)
			continue;
		vrv_buf_clear(&again);
		vrv_path_put(&again, reason, path, n);
		fuzz_same(&again, at, (size_t)(r.p - at));
	}
	return 0;
}
