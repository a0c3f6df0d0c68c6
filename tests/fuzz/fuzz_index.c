/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz_support.h"

#include "fuzz_packs.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vrv_auto_buf struct vrv_buf again = {0};
	struct vrv_rd r = vrv_rd_over(data, size);
	struct vrv_index_body body;
	const uint8_t *lost;
	uint32_t n_lost;
	struct varve_err err;

	if (vrv_index_head_get(&r, &body, &err) != 0)
		return 0;
	vrv_index_head_put(&again, body.superseded, body.n_superseded,
	    body.n_entries);
	for (uint32_t i = 0; i < body.n_entries; i++) {
		if (fuzz_copy_entry(&r, &again, &err) != 0)
			return 0;
	}
	if (vrv_index_lost_get(&r, &lost, &n_lost, &err) != 0)
		return 0;
	vrv_index_lost_put(&again, lost, n_lost);
	/* A list of a later version may follow. */
	fuzz_check(again.len <= size, "no more than there was");
	fuzz_same(&again, data, again.len);
	return 0;
}
