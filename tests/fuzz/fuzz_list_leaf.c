/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz_support.h"

#include "format/tree.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vrv_auto_buf struct vrv_buf again = {0};
	struct vrv_rd r;
	uint64_t count;
	struct vrv_extent item;
	struct varve_err err;

	if (vrv_leaf_open(data, size, VRV_META_LIST_LEAF, &r, &count, &err) !=
	    0)
		return 0;
	fuzz_check(count <= size, "no more than there can be");
	vrv_leaf_put(&again, VRV_META_LIST_LEAF, count);
	for (; count > 0; count--) {
		if (vrv_extent_get(&r, &item, &err) != 0)
			return 0;
		vrv_extent_put(&again, &item);
	}
	fuzz_same(&again, data, size - vrv_rd_left(&r));
	return 0;
}
