/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz_support.h"

#include "format/frame.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[VRV_FOOTER_PLAIN];
	uint64_t offset;
	uint32_t length;
	struct varve_err err;

	if (size < VRV_FOOTER_PLAIN ||
	    vrv_footer_get(data, &offset, &length, &err) != 0)
		return 0;
	vrv_footer_put(again, offset, length);
	fuzz_check(memcmp(again, data, sizeof(again)) == 0,
	    "encodes as decoded");
	return 0;
}
