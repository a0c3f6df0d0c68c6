/* SPDX-License-Identifier: BSD-2-Clause */
/* An exported key: as text if the first byte is 'V', else the bytes of the
 * object, as which it comes out of its text again. */
#include "fuzz_support.h"

#include "repo/repo_internal.h"
#include "util/mem.h"

static void
parse_object(const uint8_t *bytes, size_t n)
{
	__attribute__((
	    cleanup(vrv_slot_object_fini))) struct vrv_slot_object slot = {0};
	struct vrv_name name = {.type = VRV_KEY_SLOT};
	struct vrv_header header;
	struct varve_err damage, err;

	if (vrv_header_get(bytes, n, &header, &err) != 0)
		return;
	uint8_t *copy = vrv_dup(bytes, n);
	fuzz_check(copy != NULL, "memory");
	memcpy(name.id, header.id, sizeof(name.id));
	if (vrv_slot_object_parse(copy, n, &name, &slot, &damage, &err) != 0)
		return;
	fuzz_check(slot.slot.label.n <= VRV_SLOT_LABEL_MAX &&
		slot.sealed <= n && slot.commitment <= slot.sealed,
	    "its parts lie within it");
}

/* Bytes to text and back. */
static void
there_and_back(const uint8_t *bytes, size_t n)
{
	vrv_auto_buf struct vrv_buf text = {0}, back = {0};
	static const uint8_t id[VRV_REPO_ID] = {0xab};
	struct varve_err err;

	vrv_slot_text_put(&text, id, bytes, n);
	vrv_buf_u8(&text, 0);
	fuzz_check(!text.failed, "memory");
	fuzz_check(vrv_slot_text_get((const char *)text.data, &back, &err) == 0,
	    "what is written is read");
	fuzz_same(&back, bytes, n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vrv_auto_buf struct vrv_buf text = {0}, object = {0};
	struct varve_err err;

	fuzz_check(vrv_crypto_init(&err) == 0, "crypto starts");
	if (size == 0)
		return 0;
	if (data[0] != 'V') {
		/* With a trailer that is right, so that what it covers is
		 * looked at. */
		there_and_back(data + 1, size - 1);
		if (size > 1 + VRV_TRAILER_SIZE)
			vrv_buf_bytes(&object, data + 1,
			    size - 1 - VRV_TRAILER_SIZE);
		vrv_trailer_put(&object);
		fuzz_check(!object.failed, "memory");
		parse_object(object.data, object.len);
		return 0;
	}
	vrv_buf_bytes(&text, data, size);
	vrv_buf_u8(&text, 0);
	fuzz_check(!text.failed, "memory");
	if (vrv_slot_text_get((const char *)text.data, &object, &err) == 0) {
		parse_object(object.data, object.len);
		there_and_back(object.data, object.len);
	}
	return 0;
}
