/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz_support.h"

#include "format/record.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vrv_auto_buf struct vrv_buf first = {0}, second = {0};
	struct vrv_arena arena = {0};
	struct vrv_archive_sealed a;
	struct varve_err err;

	/* Unknown odd tags are not kept: the encoding is a fixed point only. */
	if (vrv_archive_sealed_get(data, size, &arena, &a, &err) == 0) {
		vrv_archive_sealed_put(&first, &a);
		int rc = first.len > VRV_MAX_RECORD ?
		    VARVE_LIMIT :
		    vrv_archive_sealed_get(first.data, first.len, &arena, &a,
			&err);
		if (rc == 0)
			vrv_archive_sealed_put(&second, &a);
		fuzz_check(rc == 0 || rc == VARVE_LIMIT, "decodes again");
		if (rc == 0)
			fuzz_same(&second, first.data, first.len);
	}
	vrv_arena_fini(&arena);
	return 0;
}
