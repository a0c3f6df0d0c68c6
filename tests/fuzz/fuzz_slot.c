/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz_support.h"

#include "format/config.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vrv_auto_buf struct vrv_buf again = {0};
	struct vrv_rd r = vrv_rd_over(data, size);
	struct vrv_slot slot;
	struct varve_err err;

	if (vrv_slot_get(&r, &slot, &err) == 0) {
		vrv_slot_put_clear(&again, &slot);
		fuzz_same(&again, data, size - vrv_rd_left(&r));
	}
	return 0;
}
