/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz_support.h"

#include "format/record.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vrv_auto_buf struct vrv_buf again = {0};
	struct vrv_rd r = vrv_rd_over(data, size);
	struct vrv_intent_clear clear;
	struct vrv_intent_sealed sealed;
	struct varve_err err;

	if (vrv_intent_clear_get(&r, &clear, &err) == 0) {
		vrv_intent_clear_put(&again, &clear);
		fuzz_same(&again, data, size - vrv_rd_left(&r));
	}
	if (vrv_intent_sealed_get(data, size, &sealed, &err) == 0) {
		vrv_buf_clear(&again);
		vrv_intent_sealed_put(&again, &sealed);
		/* A list of a later version may follow. */
		fuzz_check(again.len <= size, "no more than there was");
		fuzz_same(&again, data, again.len);
	}
	return 0;
}
