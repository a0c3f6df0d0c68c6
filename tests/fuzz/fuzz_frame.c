/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz_support.h"

#include "format/frame.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vrv_auto_buf struct vrv_buf again = {0};
	struct vrv_frame_head head;
	uint32_t lengths[VRV_FRAME_CHUNKS_MAX], total;
	const uint8_t *payload;
	size_t payload_n;
	struct varve_err err;

	if (vrv_frame_head_get(data, size, &head, lengths, &total, &payload,
		&payload_n, &err) != 0)
		return 0;
	fuzz_check(total <= VRV_FRAME_PLAIN_MAX, "the total has a limit");
	vrv_frame_head_put(&again, &head);
	vrv_buf_bytes(&again, payload, payload_n);
	fuzz_same(&again, data, size);
	return 0;
}
