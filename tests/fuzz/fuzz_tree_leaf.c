/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz_support.h"

#include "format/tree.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vrv_auto_buf struct vrv_buf again = {0};
	struct vrv_rd r;
	uint64_t count;
	struct vrv_entry item;
	struct varve_err err;
	const uint8_t *name;
	size_t name_n;

	if (vrv_leaf_open(data, size, VRV_META_TREE_LEAF, &r, &count, &err) !=
	    0)
		return 0;
	fuzz_check(count <= size, "no more than there can be");
	vrv_leaf_put(&again, VRV_META_TREE_LEAF, count);
	for (; count > 0; count--) {
		struct vrv_rd only_name = r;
		bool named = vrv_entry_name(&only_name, &name, &name_n);

		if (vrv_entry_get(&r, &item, &err) != 0)
			return 0;
		fuzz_check(named && only_name.p == r.p, "it has a name");
		fuzz_check(name == item.name && name_n == item.name_n,
		    "the same name");
		vrv_entry_put(&again, &item);
	}
	fuzz_same(&again, data, size - vrv_rd_left(&r));
	return 0;
}
