/* SPDX-License-Identifier: BSD-2-Clause */
/* AEAD, padding and sealed blocks. */
#include "test_crypto.h"

#include <string.h>

#include "crypto_vectors.h"
#include "util/rd.h"

static const uint8_t frame_aad[4] = {'V', 'F', 1, 2};

static void
test_aead_vector(void **state)
{
	struct vrv_key key = fill_key(0x40);
	uint8_t nonce[VRV_NONCE_SIZE], plain[100], out[116];
	struct varve_err err;

	(void)state;
	fill(nonce, 0x80, sizeof(nonce));
	fill(plain, 0, sizeof(plain));
	vrv_aead_seal(out, plain, 100, frame_aad, 4, nonce, &key);
	assert_memory_equal(out, kat_frame, sizeof(kat_frame));

	/* In place, both ways. */
	memcpy(out, plain, 100);
	vrv_aead_seal(out, out, 100, frame_aad, 4, nonce, &key);
	assert_memory_equal(out, kat_frame, sizeof(kat_frame));
	assert_int_equal(vrv_aead_open(out, out, sizeof(out), frame_aad, 4,
			     nonce, &key, &err),
	    0);
	assert_memory_equal(out, plain, 100);
}

static void
opens_not(const uint8_t *sealed, size_t n, const uint8_t *aad, size_t aad_n,
    const uint8_t *nonce, const struct vrv_key *key)
{
	uint8_t out[128] = {0}, zeros[128] = {0};
	struct varve_err err;

	assert_int_equal(vrv_aead_open(out, sealed, n, aad, aad_n, nonce, key,
			     &err),
	    VARVE_AUTH);
	assert_int_equal(err.code, VARVE_AUTH);
	assert_memory_equal(out, zeros, sizeof(out));
}

/* Each byte of message, AAD, nonce and key matters, and so do lengths. */
static void
test_aead_changed(void **state)
{
	struct vrv_key key = fill_key(0x40);
	uint8_t nonce[VRV_NONCE_SIZE], sealed[117] = {0}, aad[5] = {0};

	(void)state;
	fill(nonce, 0x80, sizeof(nonce));
	memcpy(sealed, kat_frame, sizeof(kat_frame));
	memcpy(aad, frame_aad, 4);
	for (size_t i = 0; i < 116; i++) {
		sealed[i] ^= 0x20;
		opens_not(sealed, 116, aad, 4, nonce, &key);
		sealed[i] ^= 0x20;
	}
	for (size_t i = 0; i < 4; i++) {
		aad[i] ^= 1;
		opens_not(sealed, 116, aad, 4, nonce, &key);
		aad[i] ^= 1;
	}
	for (size_t i = 0; i < sizeof(nonce); i++) {
		nonce[i] ^= 1;
		opens_not(sealed, 116, aad, 4, nonce, &key);
		nonce[i] ^= 1;
	}
	for (size_t i = 0; i < sizeof(key.b); i++) {
		key.b[i] ^= 0x80;
		opens_not(sealed, 116, aad, 4, nonce, &key);
		key.b[i] ^= 0x80;
	}
	for (size_t n = 0; n < 116; n++)
		opens_not(sealed, n, aad, 4, nonce, &key);
	opens_not(sealed, 117, aad, 4, nonce, &key);
	opens_not(sealed, 116, aad, 3, nonce, &key);
	opens_not(sealed, 116, aad, 5, nonce, &key);
	opens_not(sealed, 116, NULL, 0, nonce, &key);
}

static void
test_aead_empty(void **state)
{
	struct vrv_key key = fill_key(0x40);
	uint8_t nonce[VRV_NONCE_SIZE] = {0}, sealed[VRV_MAC_SIZE], none[1];
	struct varve_err err;

	(void)state;
	vrv_aead_seal(sealed, NULL, 0, frame_aad, 4, nonce, &key);
	assert_int_equal(vrv_aead_open(none, sealed, sizeof(sealed), frame_aad,
			     4, nonce, &key, &err),
	    0);
	sealed[3] ^= 1;
	assert_int_equal(vrv_aead_open(none, sealed, sizeof(sealed), frame_aad,
			     4, nonce, &key, &err),
	    VARVE_AUTH);
}

static void
test_padme(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(kat_padme) / sizeof(kat_padme[0]); i++)
		assert_int_equal(vrv_padme(kat_padme[i][0]), kat_padme[i][1]);
	uint64_t before = 0;
	for (uint64_t n = 1; n < 100000; n++) {
		uint64_t padded = vrv_padme(n);
		assert_true(padded >= n && padded >= before);
		assert_true((padded - n) * 100 <= n * 12);
		assert_int_equal(vrv_padme(padded), padded);
		before = padded;
	}
}

#define HEADER 64
#define CLEAR 10
#define PLAIN "sealed plaintext of a block"

/* Header, clear part and `block`, and one byte behind it all. */
static void
make_object(struct vrv_buf *b, const uint8_t *block, size_t n)
{
	uint8_t header[HEADER];

	fill(header, 0, sizeof(header));
	vrv_buf_clear(b);
	vrv_buf_bytes(b, header, sizeof(header));
	vrv_buf_bytes(b, "clear part", CLEAR);
	vrv_buf_bytes(b, block, n);
	vrv_buf_u8(b, 0x77);
	assert_false(b->failed);
}

static int
open_object(const struct vrv_buf *b, struct vrv_buf *ret, size_t *ret_end,
    uint8_t number)
{
	struct vrv_key key = fill_key(0x40);
	struct varve_err err = {0};

	int rc = vrv_block_open(b->data, b->len, HEADER, HEADER + CLEAR, number,
	    &key, ret, ret_end, &err);
	assert_int_equal(rc, err.code);
	return rc;
}

static void
object_fails(const struct vrv_buf *b, uint8_t number, int code)
{
	vrv_auto_buf struct vrv_buf out = {0};
	size_t end = 4711;

	vrv_buf_str(&out, "before");
	assert_int_equal(open_object(b, &out, &end, number), code);
	assert_int_equal(out.len, 7);
	assert_memory_equal(out.data, "\6before", 7);
	assert_int_equal(end, 4711);
}

static void
test_block_vector(void **state)
{
	vrv_auto_buf struct vrv_buf object = {0}, out = {0};
	size_t end;

	(void)state;
	make_object(&object, kat_block, sizeof(kat_block));
	vrv_buf_str(&out, "before");
	assert_int_equal(open_object(&object, &out, &end, 1), 0);
	assert_int_equal(end, object.len - 1);
	assert_int_equal(out.len, 5 * strlen(PLAIN));
	for (size_t i = 0; i < 5; i++)
		assert_memory_equal(out.data + i * strlen(PLAIN), PLAIN,
		    strlen(PLAIN));
}

static void
test_block_changed(void **state)
{
	vrv_auto_buf struct vrv_buf object = {0};
	const size_t at = HEADER + CLEAR, block_end = at + sizeof(kat_block);

	(void)state;
	make_object(&object, kat_block, sizeof(kat_block));
	object_fails(&object, 2, VARVE_AUTH);
	for (size_t i = 0; i < block_end; i++) {
		object.data[i] ^= 0x40;
		bool high_length = i > at && i < at + 4;
		bool low_length = i == at;
		/* A length beyond the object does not fit; a shorter one
		 * does, and then does not open. */
		bool fits = !high_length &&
		    !(low_length &&
			vrv_get_u32(object.data + at) > object.len - at - 4);
		object_fails(&object, 1, fits ? VARVE_AUTH : VARVE_CORRUPT);
		object.data[i] ^= 0x40;
	}
	/* Cut off anywhere; and a byte more or less by its own account. */
	struct vrv_buf cut = object;
	for (cut.len = 0; cut.len < block_end; cut.len++)
		object_fails(&cut, 1, VARVE_CORRUPT);
	object.data[at]++;
	object_fails(&object, 1, VARVE_AUTH);
	object.data[at] -= 2;
	object_fails(&object, 1, VARVE_AUTH);
}

static void
test_block_lengths(void **state)
{
	vrv_auto_buf struct vrv_buf object = {0};
	uint8_t block[100] = {0};

	(void)state;
	for (uint8_t n = 0; n < VRV_SEAL_COST + 4; n++) {
		block[0] = n;
		make_object(&object, block, sizeof(block));
		object_fails(&object, 1, VARVE_CORRUPT);
	}
	block[0] = VRV_SEAL_COST + 4;
	make_object(&object, block, sizeof(block));
	object_fails(&object, 1, VARVE_AUTH);
	memset(block, 0xff, 4);
	make_object(&object, block, sizeof(block));
	object_fails(&object, 1, VARVE_CORRUPT);

	/* Sealed by a key holder, yet not as the format says. */
	make_object(&object, bad_block_pad, sizeof(bad_block_pad));
	object_fails(&object, 1, VARVE_CORRUPT);
	make_object(&object, bad_block_length, sizeof(bad_block_length));
	object_fails(&object, 1, VARVE_CORRUPT);
}

static void
test_block_round_trip(void **state)
{
	struct vrv_key key = fill_key(9);
	uint8_t plain[300];
	struct varve_err err;

	(void)state;
	fill(plain, 0, sizeof(plain));
	for (size_t n = 0; n <= sizeof(plain); n++) {
		vrv_auto_buf struct vrv_buf object = {0}, out = {0};
		size_t end;
		vrv_buf_zero(&object, HEADER);
		vrv_buf_u8(&object, 7);
		assert_int_equal(vrv_block_seal(&object, HEADER, 1, &key, plain,
				     n, &err),
		    0);
		assert_int_equal(object.len,
		    HEADER + 1 + 4 + VRV_SEAL_COST + vrv_padme(4 + n));
		assert_int_equal(vrv_block_open(object.data, object.len, HEADER,
				     HEADER + 1, 1, &key, &out, &end, &err),
		    0);
		assert_int_equal(end, object.len);
		assert_int_equal(out.len, n);
		if (n > 0)
			assert_memory_equal(out.data, plain, n);
	}
}

static void
test_block_bad_arguments(void **state)
{
	vrv_auto_buf struct vrv_buf object = {0}, out = {0};
	struct vrv_key key = fill_key(9);
	struct varve_err err;
	size_t end;

	(void)state;
	vrv_buf_zero(&object, HEADER);
	assert_int_equal(vrv_block_seal(&object, HEADER, 1, &key, "",
			     UINT32_MAX, &err),
	    VARVE_LIMIT);
	assert_int_equal(vrv_block_seal(&object, HEADER, 1, &key, "",
			     UINT32_MAX - 10, &err),
	    VARVE_LIMIT);
	assert_int_equal(object.len, HEADER);
	assert_int_equal(vrv_block_seal(&object, HEADER, 1, &key, "x", 1, &err),
	    0);
	/* Offsets that an object of somebody else may state. */
	assert_int_equal(vrv_block_open(object.data, object.len, HEADER,
			     object.len + 1, 1, &key, &out, &end, &err),
	    VARVE_CORRUPT);
	assert_int_equal(vrv_block_open(object.data, object.len, HEADER,
			     HEADER - 1, 1, &key, &out, &end, &err),
	    VARVE_CORRUPT);
	assert_int_equal(vrv_block_open(object.data, object.len, HEADER,
			     SIZE_MAX, 1, &key, &out, &end, &err),
	    VARVE_CORRUPT);
	assert_null(out.data);

	object.failed = true;
	assert_int_equal(vrv_block_seal(&object, HEADER, 1, &key, "x", 1, &err),
	    VARVE_NOMEM);
}

int
run_seal_tests(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_aead_vector),
	    cmocka_unit_test(test_aead_changed),
	    cmocka_unit_test(test_aead_empty),
	    cmocka_unit_test(test_padme),
	    cmocka_unit_test(test_block_vector),
	    cmocka_unit_test(test_block_changed),
	    cmocka_unit_test(test_block_lengths),
	    cmocka_unit_test(test_block_round_trip),
	    cmocka_unit_test(test_block_bad_arguments),
	};

	return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
