/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz_support.h"

#include "format/record.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vrv_auto_buf struct vrv_buf again = {0};
	struct vrv_rd r = vrv_rd_over(data, size);
	struct vrv_arena arena = {0};
	struct vrv_condemn condemn;
	struct varve_err err;

	if (vrv_condemn_get(&r, &arena, &condemn, &err) == 0) {
		vrv_condemn_put(&again, &condemn);
		/* A list of a later version may follow. */
		fuzz_check(again.len <= size, "no more than there was");
		fuzz_same(&again, data, again.len);
	}
	vrv_arena_fini(&arena);
	return 0;
}
