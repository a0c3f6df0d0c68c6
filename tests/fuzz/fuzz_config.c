/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz_support.h"

#include "format/config.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vrv_auto_buf struct vrv_buf first = {0}, second = {0};
	struct vrv_rd r = vrv_rd_over(data, size);
	struct vrv_arena arena = {0};
	struct vrv_config config;
	struct varve_err err;

	/* Values of one tag may change places: the encoding is a fixed point
	 * only. */
	if (vrv_config_get(&r, &arena, &config, &err) == 0) {
		vrv_config_put(&first, &config);
		r = vrv_rd_over(first.data, first.len);
		fuzz_check(vrv_config_get(&r, &arena, &config, &err) == 0,
		    "decodes again");
		vrv_config_put(&second, &config);
		fuzz_same(&second, first.data, first.len);
	}
	vrv_arena_fini(&arena);
	return 0;
}
