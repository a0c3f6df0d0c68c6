/* SPDX-License-Identifier: BSD-2-Clause */
/* Secret memory, hashes and what derives keys from secrets. */
#include "test_crypto.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "crypto_vectors.h"

void
fill(void *to, uint8_t start, size_t n)
{
	uint8_t *p = to;

	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(start + i);
}

struct vrv_key
fill_key(uint8_t start)
{
	struct vrv_key key;

	fill(key.b, start, sizeof(key.b));
	return key;
}

static void
test_secret(void **state)
{
	(void)state;
	for (size_t n = 0; n < 70; n++) {
		vrv_auto_secret uint8_t *secret = vrv_secret_new(n);
		assert_non_null(secret);
		assert_int_equal((uintptr_t)secret % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(secret[i], 0);
		memset(secret, 0xff, n);
	}
	vrv_secret_free(NULL);
	assert_null(vrv_secret_new(SIZE_MAX));
	assert_null(vrv_secret_new(SIZE_MAX / 2));
}

static void
test_wipe(void **state)
{
	struct vrv_key key = fill_key(1), zero = {0};

	(void)state;
	assert_false(vrv_same(&key, &zero, sizeof(key)));
	vrv_key_wipe(&key);
	assert_true(vrv_same(&key, &zero, sizeof(key)));
	key.b[31] = 1;
	assert_false(vrv_same(&key, &zero, sizeof(key)));
	assert_true(vrv_same(&key, &zero, sizeof(key) - 1));

	struct vrv_key a, b;
	vrv_random(&a, sizeof(a));
	vrv_random(&b, sizeof(b));
	assert_memory_not_equal(&a, &b, sizeof(a));
}

static void
test_blake2b(void **state)
{
	struct vrv_key key = fill_key(0x40);
	uint8_t out[64], message[200];

	(void)state;
	vrv_blake2b(out, 32, NULL, "varve", 5);
	assert_memory_equal(out, kat_blake2b_256, 32);
	fill(message, 0, sizeof(message));
	vrv_blake2b(out, 64, &key, message, sizeof(message));
	assert_memory_equal(out, kat_blake2b_512_keyed, 64);
	vrv_blake2b(out, 8, &key, "host\0label", 10);
	assert_memory_equal(out, kat_blake2b_64_keyed, 8);
}

static void
test_blake2b_parts(void **state)
{
	struct vrv_key key = fill_key(0x40);
	uint8_t out[64], message[200];

	(void)state;
	fill(message, 0, sizeof(message));
	for (size_t cut = 0; cut <= sizeof(message); cut++) {
		struct vrv_part parts[] = {
		    {message, cut},
		    {NULL, 0},
		    {message + cut, sizeof(message) - cut},
		};
		vrv_blake2b_parts(out, 64, &key, parts, 3);
		assert_memory_equal(out, kat_blake2b_512_keyed, 64);
	}
	struct vrv_part one = {"varve", 5};
	vrv_blake2b_parts(out, 32, NULL, &one, 1);
	assert_memory_equal(out, kat_blake2b_256, 32);
}

static void
test_siphash(void **state)
{
	static const size_t sizes[] = {0, 7, 15, 64};
	struct vrv_key key = fill_key(0x40);
	uint8_t message[64];

	(void)state;
	fill(message, 0, sizeof(message));
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(vrv_siphash(&key, message, sizes[i]),
		    kat_siphash[i]);
	/* The vector of the paper. */
	key = fill_key(0);
	assert_int_equal(vrv_siphash(&key, message, 15), 0xa129ca6149be45e5);
}

static void
test_derive(void **state)
{
	struct vrv_key master = fill_key(0x40), out;

	(void)state;
	vrv_derive(&out, &master, VRV_K_ID_DATA, 0, 0);
	assert_memory_equal(out.b, kat_derive_0, 32);
	vrv_derive(&out, &master, VRV_K_WRITER_SIGN, 0x1234, 0x89abcdef);
	assert_memory_equal(out.b, kat_derive_1, 32);
}

static void
test_argon2id(void **state)
{
	uint8_t out[64], salt[16];
	struct varve_err err;

	(void)state;
	fill(salt, 0x10, sizeof(salt));
	assert_int_equal(vrv_argon2id(out, "pass word", 9, salt, 2, 64 << 10,
			     &err),
	    0);
	assert_memory_equal(out, kat_argon2id, 64);
}

/* Every failure leaves the output alone. */
static void
argon2id_fails(int code, uint32_t passes, uint64_t memory)
{
	uint8_t out[64], before[64], salt[16] = {0};
	struct varve_err err;

	memset(out, 0xaa, sizeof(out));
	memcpy(before, out, sizeof(out));
	assert_int_equal(vrv_argon2id(out, "p", 1, salt, passes, memory, &err),
	    code);
	assert_int_equal(err.code, code);
	assert_memory_equal(out, before, sizeof(out));
}

static void
test_argon2id_limits(void **state)
{
	(void)state;
	argon2id_fails(VARVE_LIMIT, 0, 1 << 20);
	argon2id_fails(VARVE_LIMIT, 1, 0);
	argon2id_fails(VARVE_LIMIT, 1, 8191);
	argon2id_fails(VARVE_LIMIT, 1, UINT64_C(1) << 42);
	argon2id_fails(VARVE_LIMIT, 1, UINT64_MAX);
}

/* Let this process have 1 GiB of address space more, and ask for 4 GiB. */
static void
test_argon2id_nomem(void **state)
{
	struct rlimit old, tight;
	unsigned long pages;

	(void)state;
	FILE *f = fopen("/proc/self/statm", "r");
	if (f == NULL)
		skip();
	assert_int_equal(fscanf(f, "%lu", &pages), 1);
	(void)fclose(f);
	assert_int_equal(getrlimit(RLIMIT_AS, &old), 0);
	tight = old;
	tight.rlim_cur =
	    (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + (1u << 30);
	assert_int_equal(setrlimit(RLIMIT_AS, &tight), 0);
	argon2id_fails(VARVE_NOMEM, 1, UINT64_C(4) << 30);
	assert_int_equal(setrlimit(RLIMIT_AS, &old), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_secret),
	    cmocka_unit_test(test_wipe),
	    cmocka_unit_test(test_blake2b),
	    cmocka_unit_test(test_blake2b_parts),
	    cmocka_unit_test(test_siphash),
	    cmocka_unit_test(test_derive),
	    cmocka_unit_test(test_argon2id),
	    cmocka_unit_test(test_argon2id_limits),
	    cmocka_unit_test(test_argon2id_nomem),
	};
	struct varve_err err;

	if (vrv_crypto_init(&err) != 0 || vrv_crypto_init(&err) != 0)
		return 1;
	int failed = cmocka_run_group_tests_name("hash", tests, NULL, NULL);
	failed += run_seal_tests();
	failed += run_key_tests();
	return failed != 0;
}
