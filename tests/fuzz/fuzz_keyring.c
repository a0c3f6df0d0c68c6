/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz_support.h"

#include "format/config.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct vrv_ring_key keys[VRV_KEYRING_MAX];
	vrv_auto_buf struct vrv_buf again = {0};
	struct vrv_rd r;
	uint32_t n;
	struct varve_err err;

	if (vrv_keyring_open(data, size, &r, &n, &err) != 0)
		return 0;
	for (uint32_t i = 0; i < n; i++)
		fuzz_check(vrv_keyring_get(&r, &keys[i], &err) == 0,
		    "a key decodes");
	vrv_keyring_put(&again, keys, n);
	fuzz_same(&again, data, size);
	return 0;
}
