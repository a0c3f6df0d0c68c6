/* SPDX-License-Identifier: BSD-2-Clause */
/* A state file: as it is if the first byte is 0, else what is before its sum,
 * which is then made right. What is read is written and read alike. */
#include "fuzz_support.h"

#include "repo/state.h"
#include "util/hex.h"

static void
add_sum(struct vrv_buf *text)
{
	uint8_t sum[16];
	char digits[33];

	vrv_blake2b(sum, sizeof(sum), NULL, text->data, text->len);
	vrv_hex(digits, sum, sizeof(sum));
	vrv_buf_bytes(text, "end ", 4);
	vrv_buf_bytes(text, digits, 32);
	vrv_buf_u8(text, '\n');
}

static void
again(const struct vrv_state *state)
{
	vrv_auto_buf struct vrv_buf text = {0};
	struct vrv_state read = {0};
	struct varve_err err;
	bool v1;

	fuzz_check(vrv_state_print(state, false, &text, &err) == 0, "printed");
	fuzz_check(vrv_state_parse(&text, &read, &v1, &err) == 0,
	    "what is written is read");
	fuzz_check(!v1 && read.n_pins == state->n_pins &&
		read.generation == state->generation &&
		memcmp(&read.who, &state->who, sizeof(read.who)) == 0 &&
		(read.n_pins == 0 ||
		    memcmp(read.pins, state->pins,
			read.n_pins * sizeof(*read.pins)) == 0),
	    "and is the same");
	for (size_t i = 0; i < VRV_STATE_PLACES; i++)
		fuzz_check((read.places[i] == NULL) ==
			    (state->places[i] == NULL) &&
			(read.places[i] == NULL ||
			    strcmp(read.places[i], state->places[i]) == 0),
		    "places are the same");
	vrv_state_fini(&read);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vrv_auto_buf struct vrv_buf text = {0};
	struct vrv_state state = {0};
	struct varve_err err;
	bool v1;

	fuzz_check(vrv_crypto_init(&err) == 0, "crypto starts");
	if (size == 0)
		return 0;
	vrv_buf_bytes(&text, data + 1, size - 1);
	if (data[0] != 0)
		add_sum(&text);
	fuzz_check(!text.failed, "memory");
	if (vrv_state_parse(&text, &state, &v1, &err) == 0) {
		again(&state);
		vrv_state_fini(&state);
	}
	return 0;
}
