/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz_support.h"

#include "format/record.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vrv_auto_buf struct vrv_buf again = {0};
	struct vrv_rd r = vrv_rd_over(data, size);
	struct vrv_archive_clear clear;
	struct varve_err err;

	if (vrv_archive_clear_get(&r, &clear, &err) != 0)
		return 0;
	vrv_archive_clear_put(&again, &clear);
	fuzz_same(&again, data, size - vrv_rd_left(&r));
	return 0;
}
