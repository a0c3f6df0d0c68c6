/* SPDX-License-Identifier: BSD-2-Clause */
/* The clear part of an index object, and then what is sealed in it. */
#include "fuzz_support.h"

#include "format/frame.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct vrv_pack_sum sums[64];
	vrv_auto_buf struct vrv_buf again = {0};
	struct vrv_rd r = vrv_rd_over(data, size);
	struct vrv_index_clear clear;
	struct varve_err err;

	if (vrv_index_clear_get(&r, &clear, &err) != 0)
		return 0;
	for (uint32_t i = 0; i < clear.n && i < 64; i++)
		vrv_pack_sum_get(&clear, i, &sums[i]);
	if (clear.n <= 64) {
		vrv_index_clear_put(&again, sums, clear.n);
		fuzz_same(&again, data, size - vrv_rd_left(&r));
	}
	int rc = vrv_index_clear_check(&clear, r.p, vrv_rd_left(&r), &err);
	fuzz_check(rc == 0 || rc == VARVE_CORRUPT || rc == VARVE_FORMAT,
	    "a reason");
	return 0;
}
