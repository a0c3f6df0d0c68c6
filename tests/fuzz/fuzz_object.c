/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz_support.h"

#include "format/object.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vrv_auto_buf struct vrv_buf whole = {0}, again = {0};
	struct vrv_header header;
	struct varve_err err;

	if (vrv_header_get(data, size, &header, &err) != 0)
		return 0;
	vrv_header_put(&again, &header);
	fuzz_same(&again, data, VRV_HEADER_SIZE);
	struct vrv_name name = {.type = header.type};
	memcpy(name.id, header.id, VRV_OBJECT_ID);

	/* As it is, and with a trailer that fits, which no change can make. */
	(void)!vrv_object_check(data, size, &name, &header, &err);
	vrv_buf_bytes(&whole, data, size);
	vrv_trailer_put(&whole);
	fuzz_check(whole.failed ||
		vrv_object_check(whole.data, whole.len, &name, &header, &err) ==
		    0,
	    "a whole object checks");
	return 0;
}
