/* SPDX-License-Identifier: BSD-2-Clause */
/* The KEM and signatures. */
#include "test_crypto.h"

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

	(void)state;
	make_signed(&object);
	assert_int_equal(object.len, 10 + VRV_SIGN_COST);
	assert_memory_equal(object.data + 10, kat_signature, VRV_SIGN_COST);
	assert_int_equal(vrv_verify(object.data, object.len, signer, &err), 0);
	assert_memory_equal(signer, kat_signature, VRV_SIGN_PUBLIC);
}

static void
test_verify_refuses(void **state)
{
	vrv_auto_buf struct vrv_buf object = {0};
	uint8_t signer[VRV_SIGN_PUBLIC], untouched[VRV_SIGN_PUBLIC];
	struct varve_err err;

	(void)state;
	fill(signer, 3, sizeof(signer));
	memcpy(untouched, signer, sizeof(signer));
	make_signed(&object);
	for (size_t i = 0; i < object.len; i++) {
		object.data[i] ^= 1;
		assert_int_equal(vrv_verify(object.data, object.len, signer,
				     &err),
		    VARVE_AUTH);
		object.data[i] ^= 1;
	}
	for (size_t n = 0; n < object.len; n++)
		assert_int_equal(vrv_verify(object.data, n, signer, &err),
		    n < VRV_SIGN_COST ? VARVE_CORRUPT : VARVE_AUTH);
	assert_int_equal(vrv_verify(object.data + 1, object.len - 1, signer,
			     &err),
	    VARVE_AUTH);
	/* A signer of low order, for which one signature fits everything. */
	memset(object.data + 10, 0, VRV_SIGN_COST);
	object.data[10] = 1;
	object.data[10 + VRV_SIGN_PUBLIC] = 1;
	assert_int_equal(vrv_verify(object.data, object.len, signer, &err),
	    VARVE_AUTH);
	assert_memory_equal(signer, untouched, sizeof(signer));

	struct vrv_buf failed = {.failed = true};
	struct vrv_signer any = {{0}, {0}};
	assert_int_equal(vrv_sign(&failed, &any, &err), VARVE_NOMEM);
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
	};

	return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
