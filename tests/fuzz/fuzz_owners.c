/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz_support.h"

#include "format/tree.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vrv_auto_buf struct vrv_buf again = {0};
	struct vrv_rd r;
	bool group;
	uint32_t id;
	const uint8_t *name;
	size_t n;
	struct varve_err err;

	if (vrv_meta_open(data, size, VRV_META_NAMES, &r, &err) != 0)
		return 0;
	vrv_buf_u8(&again, VRV_META_NAMES);
	while (vrv_rd_left(&r) > 0) {
		if (vrv_owner_get(&r, &group, &id, &name, &n, &err) != 0)
			return 0;
		char *text = strndup((const char *)name, n);
		if (text == NULL)
			return 0;
		vrv_owner_put(&again, group, id, text);
		free(text);
	}
	fuzz_same(&again, data, size);
	return 0;
}
