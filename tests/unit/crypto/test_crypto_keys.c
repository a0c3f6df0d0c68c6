/* SPDX-License-Identifier: BSD-2-Clause */
/* The KEM and signatures. */
#include "test_crypto.h"

#include <stdlib.h>
#include <string.h>

#include "crypto_vectors.h"

struct kem_setup {
	uint8_t repository[32];
	struct vrv_key psk;
	struct vrv_pair recipient, ephemeral;
	struct vrv_kem kem;
};

static void
kem_setup(struct kem_setup *s)
{
	struct vrv_key seed = fill_key(0x20), other = fill_key(0x60);

	fill(s->repository, 0xc0, sizeof(s->repository));
	s->psk = fill_key(0x40);
	vrv_pair_from_seed(&s->recipient, &seed);
	vrv_pair_from_seed(&s->ephemeral, &other);
	s->kem = (struct vrv_kem){s->repository, &s->psk, &s->recipient.public,
	    0x0102, 0x03040506, VRV_KEM_ARCHIVE};
}

static void
test_pair(void **state)
{
	struct vrv_key seed = fill_key(0x20);
	struct vrv_pair pair;

	(void)state;
	vrv_pair_from_seed(&pair, &seed);
	assert_memory_equal(&pair.secret, &seed, sizeof(seed));
	assert_memory_equal(pair.public.b, kat_public, 32);
}

static void
test_kem_vector(void **state)
{
	struct kem_setup s;
	struct vrv_key sent, received;
	struct varve_err err;

	(void)state;
	kem_setup(&s);
	assert_int_equal(vrv_kem_send(&sent, &s.kem, &s.ephemeral, &err), 0);
	assert_memory_equal(sent.b, kat_kem, 32);
	assert_int_equal(vrv_kem_receive(&received, &s.kem, &s.recipient.secret,
			     s.ephemeral.public.b, &err),
	    0);
	assert_memory_equal(received.b, kat_kem, 32);
}

/* Whatever goes in changes the key. */
static void
test_kem_binds(void **state)
{
	struct kem_setup s;
	struct vrv_key out;
	struct varve_err err;

	(void)state;
	for (int what = 0; what < 7; what++) {
		kem_setup(&s);
		s.repository[31] ^= what == 0;
		s.psk.b[31] ^= what == 1;
		s.kem.domain ^= what == 2 ? 0x8000 : 0;
		s.kem.epoch ^= what == 3 ? 0x80000000 : 0;
		if (what == 4)
			s.kem.kind = VRV_KEM_INTENT;
		s.ephemeral.public.b[0] ^= what == 5;
		s.recipient.public.b[0] ^= what == 6;
		assert_int_equal(vrv_kem_receive(&out, &s.kem,
				     &s.recipient.secret, s.ephemeral.public.b,
				     &err),
		    0);
		assert_memory_not_equal(out.b, kat_kem, 32);
	}
}

/* Points of order 1, 2, 4 and 8 would make a secret that everybody knows. */
static void
test_kem_low_order(void **state)
{
	static const uint8_t points[][32] = {
	    {0},
	    {1},
	    {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3,
		0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c,
		0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8,
		0x00},
	    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0x7f},
	};
	struct kem_setup s;
	struct varve_err err;

	(void)state;
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		struct vrv_key out = fill_key(5), before = out;
		kem_setup(&s);
		assert_int_equal(vrv_kem_receive(&out, &s.kem,
				     &s.recipient.secret, points[i], &err),
		    VARVE_AUTH);
		memcpy(s.recipient.public.b, points[i], 32);
		assert_int_equal(vrv_kem_send(&out, &s.kem, &s.ephemeral, &err),
		    VARVE_AUTH);
		assert_int_equal(err.code, VARVE_AUTH);
		assert_memory_equal(&out, &before, sizeof(out));
	}
}

static void
make_signed(struct vrv_buf *object)
{
	struct vrv_key seed = fill_key(0x20);
	struct vrv_signer signer;
	struct varve_err err;

	vrv_signer_from_seed(&signer, &seed);
	vrv_buf_bytes(object, "the object", 10);
	assert_int_equal(vrv_sign(object, &signer, &err), 0);
}

static void
test_sign_vector(void **state)
{
	vrv_auto_buf struct vrv_buf object = {0};
	uint8_t signer[VRV_SIGN_PUBLIC];
	struct varve_err err;
	size_t end;

	(void)state;
	make_signed(&object);
	assert_int_equal(object.len, 10 + VRV_SIGN_COST);
	assert_int_equal(sizeof(kat_signature), VRV_SIGN_COST);
	assert_memory_equal(object.data + 10, kat_signature, VRV_SIGN_COST);
	assert_int_equal(vrv_verify(object.data, object.len, signer, &end,
			     &err),
	    0);
	assert_memory_equal(signer, kat_signature + 3, VRV_SIGN_PUBLIC);
	assert_int_equal(end, 10);
}

/* Of a copy in memory of its own, so that a read past it is seen. */
static int
verify_bytes(const uint8_t *bytes, size_t n, struct varve_err *err)
{
	uint8_t signer[VRV_SIGN_PUBLIC], untouched[VRV_SIGN_PUBLIC];
	uint8_t *copy = malloc(n + (n == 0));
	size_t end = 77;

	assert_non_null(copy);
	memcpy(copy, bytes, n);
	fill(signer, 3, sizeof(signer));
	memcpy(untouched, signer, sizeof(signer));
	int rc = vrv_verify(copy, n, signer, &end, err);
	free(copy);
	if (rc != 0) {
		assert_memory_equal(signer, untouched, sizeof(signer));
		assert_int_equal(end, 77);
	}
	return rc;
}

static void
test_verify_refuses(void **state)
{
	vrv_auto_buf struct vrv_buf object = {0};
	struct varve_err err;

	(void)state;
	make_signed(&object);
	for (size_t i = 0; i < object.len; i++) {
		object.data[i] ^= 1;
		assert_int_not_equal(verify_bytes(object.data, object.len,
					 &err),
		    0);
		/* All but how the part is laid out. */
		if (i < 10 || (i > 12 && i < object.len - 4))
			assert_int_equal(err.code, VARVE_AUTH);
		object.data[i] ^= 1;
	}
	for (size_t n = 0; n < object.len; n++)
		assert_int_not_equal(verify_bytes(object.data, n, &err), 0);
	assert_int_equal(verify_bytes(object.data + 1, object.len - 1, &err),
	    VARVE_AUTH);
	/* A signer of low order, for which one signature fits everything. */
	memset(object.data + 13, 0, VRV_SIGN_PUBLIC + VRV_SIGNATURE);
	object.data[13] = 1;
	object.data[13 + VRV_SIGN_PUBLIC] = 1;
	assert_int_equal(verify_bytes(object.data, object.len, &err),
	    VARVE_AUTH);

	struct vrv_buf failed = {.failed = true};
	struct vrv_signer any = {{0}, {0}};
	assert_int_equal(vrv_sign(&failed, &any, &err), VARVE_NOMEM);
}

/* The signed bytes with the records of `before` and `after` around theirs. */
static int
verify_among(const void *before, size_t before_n, const void *after,
    size_t after_n, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf object = {0}, among = {0};

	make_signed(&object);
	size_t record_n = object.len - 10 - 4;
	vrv_buf_bytes(&among, object.data, 10);
	vrv_buf_bytes(&among, before, before_n);
	vrv_buf_bytes(&among, object.data + 10, record_n);
	vrv_buf_bytes(&among, after, after_n);
	vrv_buf_u32(&among, (uint32_t)(before_n + record_n + after_n));
	return verify_bytes(among.data, among.len, err);
}

static void
test_verify_suites(void **state)
{
	vrv_auto_buf struct vrv_buf object = {0}, long_one = {0};
	struct varve_err err;

	(void)state;
	/* Signatures of later suites, before and behind, up to the limit. */
	assert_int_equal(verify_among("\2\3\0abc", 6, "\xff\0\0", 3, &err), 0);
	assert_int_equal(verify_among("\0\0\0", 3, NULL, 0, &err), 0);
	size_t most = VRV_SIGNATURES_MAX - (VRV_SIGN_COST - 4);
	vrv_buf_u8(&long_one, 2);
	vrv_buf_u16(&long_one, (uint16_t)(most - 3));
	assert_non_null(vrv_buf_extend(&long_one, most - 3));
	assert_int_equal(verify_among(long_one.data, most, NULL, 0, &err), 0);
	assert_int_equal(verify_among("\2\0\0", 3, long_one.data, most, &err),
	    VARVE_LIMIT);

	/* Cut short, or two of suite 1, or one of another length. */
	assert_int_equal(verify_among(NULL, 0, "\2\4\0abc", 6, &err),
	    VARVE_CORRUPT);
	assert_int_equal(verify_among(NULL, 0, "\2\4", 2, &err), VARVE_CORRUPT);
	assert_int_equal(verify_among("\1\0\0", 3, NULL, 0, &err),
	    VARVE_CORRUPT);
	make_signed(&object);
	assert_int_equal(verify_among(NULL, 0, object.data + 10,
			     VRV_SIGN_COST - 4, &err),
	    VARVE_CORRUPT);

	/* The only one, with a byte less or more. */
	for (int more = -1; more <= 1; more += 2) {
		vrv_auto_buf struct vrv_buf odd = {0};

		vrv_buf_bytes(&odd, object.data, 10);
		vrv_buf_u8(&odd, 1);
		vrv_buf_u16(&odd, (uint16_t)(96 + more));
		vrv_buf_zero(&odd, (size_t)(96 + more));
		vrv_buf_u32(&odd, (uint32_t)(99 + more));
		assert_int_equal(verify_bytes(odd.data, odd.len, &err),
		    VARVE_CORRUPT);
	}
	/* Records that begin before the object. */
	for (uint32_t total = 7; total < 30; total++) {
		vrv_auto_buf struct vrv_buf before = {0};

		vrv_buf_bytes(&before, "\2\3\0abc", 6);
		vrv_buf_u32(&before, total);
		assert_int_equal(verify_bytes(before.data, before.len, &err),
		    VARVE_CORRUPT);
	}

	/* None of suite 1, and none at all. */
	object.data[10] = 2;
	assert_int_equal(verify_bytes(object.data, object.len, &err),
	    VARVE_FORMAT);
	assert_int_equal(verify_bytes((const uint8_t *)"object\0\0\0\0", 10,
			     &err),
	    VARVE_CORRUPT);
}

int
run_key_tests(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pair),
	    cmocka_unit_test(test_kem_vector),
	    cmocka_unit_test(test_kem_binds),
	    cmocka_unit_test(test_kem_low_order),
	    cmocka_unit_test(test_sign_vector),
	    cmocka_unit_test(test_verify_refuses),
	    cmocka_unit_test(test_verify_suites),
	};

	return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
