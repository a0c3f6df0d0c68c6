/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz_support.h"

#include "format/object.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[2 * VRV_NAME_SIZE] = {0}, printed[VRV_NAME_SIZE];
	struct vrv_name name;

	memcpy(text, data, size < sizeof(text) ? size : sizeof(text) - 1);
	if (vrv_name_parse(text, &name)) {
		vrv_name_print(&name, printed);
		fuzz_check(strcmp(text, printed) == 0, "prints as parsed");
	}
	return 0;
}
