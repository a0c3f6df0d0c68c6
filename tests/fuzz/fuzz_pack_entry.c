/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz_support.h"

#include "fuzz_packs.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vrv_auto_buf struct vrv_buf again = {0};
	struct vrv_rd r = vrv_rd_over(data, size);
	struct varve_err err;

	if (fuzz_copy_entry(&r, &again, &err) == 0)
		fuzz_same(&again, data, size - vrv_rd_left(&r));
	return 0;
}
