/* SPDX-License-Identifier: BSD-2-Clause */
#include "codec/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/mem.h"

#define MIB ((size_t)1 << 20)

struct fixture {
	struct vrv_encoder *encoder;
	struct vrv_decoder *decoder;
};

static int
setup(void **state)
{
	struct fixture *f = malloc(sizeof(*f));

	if (f == NULL)
		return -1;
	f->encoder = vrv_encoder_new();
	f->decoder = vrv_decoder_new();
	*state = f;
	return f->encoder == NULL || f->decoder == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	vrv_encoder_free(f->encoder);
	vrv_decoder_free(f->decoder);
	free(f);
	return 0;
}

/* `n` bytes of noise: splitmix64. Exactly `n`, so that ASan sees the end. */
static uint8_t *
noise(uint64_t seed, size_t n)
{
	uint8_t *p = malloc(n + (n == 0));

	assert_non_null(p);
	for (size_t i = 0; i < n; i++) {
		uint64_t z = seed + (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
		z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
		p[i] = (uint8_t)((z ^ (z >> 31)) >> 56);
	}
	return p;
}

/* Noise of four different bytes: a quarter of the size at best. */
static uint8_t *
letters(uint64_t seed, size_t n)
{
	uint8_t *p = noise(seed, n);

	for (size_t i = 0; i < n; i++)
		p[i] = "varv"[p[i] & 3];
	return p;
}

/* Encode, decode, compare; the length it took. */
static size_t
round_trip(struct fixture *f, const struct vrv_compression *how,
    const uint8_t *in, size_t n, const uint8_t *prefix, size_t prefix_n,
    enum vrv_codec want)
{
	struct varve_err err;
	enum vrv_codec codec;
	size_t got;
	vrv_auto_free uint8_t *out = malloc(vrv_encode_bound(n));
	vrv_auto_free uint8_t *back = malloc(n + (n == 0));

	assert_non_null(out);
	assert_non_null(back);
	assert_int_equal(vrv_encode(f->encoder, how, in, n, prefix, prefix_n,
			     out, &got, &codec, &err),
	    0);
	assert_int_equal(codec, want);
	if (codec == VRV_STORED)
		assert_int_equal(got, n);
	else
		assert_true(got < n);
	vrv_auto_free uint8_t *exact = vrv_dup(out, got);
	assert_int_equal(vrv_decode(f->decoder, codec, exact, got, prefix,
			     prefix_n, back, n, &err),
	    0);
	if (n > 0)
		assert_memory_equal(back, in, n);
	return got;
}

static void
test_levels(void **state)
{
	static const size_t sizes[] = {100, 5000, 70000, 300000};

	for (int level = VRV_LEVEL_MIN; level <= VRV_LEVEL_MAX; level++) {
		struct vrv_compression how = {VRV_ZSTD, level, 0};
		for (size_t i = 0; i < 4; i++) {
			vrv_auto_free uint8_t *in = letters(i, sizes[i]);
			/* Without entropy coding letters need not shrink. */
			memset(in, 'v', sizes[i] / 2);
			round_trip(*state, &how, in, sizes[i], NULL, 0,
			    VRV_ZSTD);
		}
	}
}

static void
test_stored(void **state)
{
	struct vrv_compression zstd = {VRV_ZSTD, VRV_LEVEL_DEFAULT, 0};
	struct vrv_compression stored = {VRV_STORED, 0, 0};
	vrv_auto_free uint8_t *text = letters(1, 1000);
	vrv_auto_free uint8_t *in = noise(1, MIB);

	for (size_t n = 0; n < 20; n++) {
		round_trip(*state, &zstd, text, n, NULL, 0, VRV_STORED);
		round_trip(*state, &stored, text, n, NULL, 0, VRV_STORED);
	}
	round_trip(*state, &stored, text, 1000, NULL, 0, VRV_STORED);
	round_trip(*state, &zstd, in, MIB, NULL, 0, VRV_STORED);
}

static void
test_try_first(void **state)
{
	const size_t n = 100000;
	struct vrv_compression just = {VRV_ZSTD, 9, 0}, try = {VRV_ZSTD, 9, 1};
	vrv_auto_free uint8_t *in = noise(1, n);
	vrv_auto_free uint8_t *text = letters(1, n);

	size_t direct = round_trip(*state, &just, text, n, NULL, 0, VRV_ZSTD);
	size_t tried = round_trip(*state, &try, text, n, NULL, 0, VRV_ZSTD);
	assert_int_equal(direct, tried);
	round_trip(*state, &try, in, n, NULL, 0, VRV_STORED);
	round_trip(*state, &try, in, 0, NULL, 0, VRV_STORED);
	/* Two percent of zeros are not worth it, five are. */
	memset(in, 0, n / 50);
	round_trip(*state, &just, in, n, NULL, 0, VRV_ZSTD);
	round_trip(*state, &try, in, n, NULL, 0, VRV_STORED);
	memset(in, 0, n / 20);
	round_trip(*state, &try, in, n, NULL, 0, VRV_ZSTD);
}

static void
test_prefix(void **state)
{
	const size_t n = MIB / 2;
	struct fixture *f = *state;
	struct varve_err err;

	for (int try = 0; try < 2; try++) {
		struct vrv_compression how = {VRV_ZSTD, 3, try};
		vrv_auto_free uint8_t *prefix = noise(1, n);
		vrv_auto_free uint8_t *in = vrv_dup(prefix, n);
		for (size_t i = 1; i < 5; i++)
			in[i * 100000] ^= 0x55;
		size_t got = round_trip(f, &how, in, n, prefix, n, VRV_ZSTD);
		assert_true(got < 300);
		/* Nothing of it reaches the next frame. */
		round_trip(f, &how, in, n, NULL, 0, VRV_STORED);
	}

	/* The prefix is needed: neither none nor another one will do. */
	struct vrv_compression how = {VRV_ZSTD, 3, 0};
	vrv_auto_free uint8_t *prefix = noise(1, n);
	vrv_auto_free uint8_t *in = vrv_dup(prefix, n);
	vrv_auto_free uint8_t *out = malloc(vrv_encode_bound(n));
	vrv_auto_free uint8_t *back = malloc(n);
	enum vrv_codec codec;
	size_t got;
	assert_int_equal(vrv_encode(f->encoder, &how, in, n, prefix, n, out,
			     &got, &codec, &err),
	    0);
	assert_int_equal(vrv_decode(f->decoder, VRV_ZSTD, out, got, NULL, 0,
			     back, n, &err),
	    VARVE_CORRUPT);
	prefix[n / 2] ^= 1;
	assert_int_equal(vrv_decode(f->decoder, VRV_ZSTD, out, got, prefix, n,
			     back, n, &err),
	    0);
	assert_memory_not_equal(back, in, n);
}

/* Prefixes larger than the window and the tables of the level, and larger than
 * the largest window. */
static void
test_prefix_large(void **state)
{
	static const size_t sizes[] = {6 * MIB, 16 * MIB, 20 * MIB};
	struct vrv_compression how = {VRV_ZSTD, 1, 0};
	vrv_auto_free uint8_t *prefix = noise(1, 20 * MIB);
	vrv_auto_free uint8_t *in = vrv_dup(prefix, MIB);

	for (size_t i = 0; i < 3; i++) {
		memcpy(in + MIB / 2, prefix + sizes[i] - MIB, MIB / 2);
		size_t got = round_trip(*state, &how, in, MIB, prefix, sizes[i],
		    VRV_ZSTD);
		assert_true(got < 300);
	}
}

static void
test_largest(void **state)
{
	static const int levels[] = {-5, 3, 19};
	const size_t n = 16 * MIB;
	vrv_auto_free uint8_t *in = calloc(n, 1);

	assert_non_null(in);
	for (size_t i = 0; i < 3; i++) {
		struct vrv_compression how = {VRV_ZSTD, levels[i], 0};
		round_trip(*state, &how, in, n, NULL, 0, VRV_ZSTD);
	}
}

static void
encode_fails(struct fixture *f, int codec, int level, size_t n, int code)
{
	struct vrv_compression how = {(enum vrv_codec)codec, level, 0};
	enum vrv_codec ret_codec = VRV_ZSTD;
	uint8_t out[100];
	size_t ret_n = 4711;
	struct varve_err err;

	assert_int_equal(vrv_encode(f->encoder, &how, "x", n, NULL, 0, out,
			     &ret_n, &ret_codec, &err),
	    code);
	assert_int_equal(err.code, code);
	assert_int_equal(ret_n, 4711);
	assert_int_equal(ret_codec, VRV_ZSTD);
}

static void
test_bad_arguments(void **state)
{
	encode_fails(*state, 2, 3, 1, VARVE_USAGE);
	encode_fails(*state, VRV_ZSTD, VRV_LEVEL_MIN - 1, 1, VARVE_USAGE);
	encode_fails(*state, VRV_ZSTD, VRV_LEVEL_MAX + 1, 1, VARVE_USAGE);
	encode_fails(*state, VRV_ZSTD, 3, 16 * MIB + 1, VARVE_LIMIT);
	encode_fails(*state, VRV_STORED, 0, 16 * MIB + 1, VARVE_LIMIT);
	vrv_encoder_free(NULL);
	vrv_decoder_free(NULL);
}

/* Decode a frame that was made by hand to the 5 bytes "hello". */
#define MAGIC 0x28, 0xb5, 0x2f, 0xfd
#define BLOCK 0x29, 0, 0, 'h', 'e', 'l', 'l', 'o'

static int
decode_hello(struct fixture *f, const uint8_t *frame, size_t n)
{
	struct varve_err err = {0};
	char out[5] = "-----";
	vrv_auto_free uint8_t *exact = malloc(n + (n == 0));

	assert_non_null(exact);
	if (n > 0)
		memcpy(exact, frame, n);
	int rc =
	    vrv_decode(f->decoder, VRV_ZSTD, exact, n, NULL, 0, out, 5, &err);
	assert_int_equal(rc, err.code);
	if (rc == 0)
		assert_memory_equal(out, "hello", 5);
	return rc;
}

#define HELLO(code, ...)                                                       \
	do {                                                                   \
		const uint8_t frame_[] = {__VA_ARGS__};                        \
		assert_int_equal(decode_hello(*state, frame_, sizeof(frame_)), \
		    code);                                                     \
	} while (0)

static void
test_frames(void **state)
{
	HELLO(0, MAGIC, 0x20, 5, BLOCK);
	/* Windows of 1 KiB, 16 MiB, 18 MiB and the largest there is. */
	HELLO(0, MAGIC, 0x80, 0x00, 5, 0, 0, 0, BLOCK);
	HELLO(0, MAGIC, 0x80, 0x70, 5, 0, 0, 0, BLOCK);
	HELLO(VARVE_LIMIT, MAGIC, 0x80, 0x71, 5, 0, 0, 0, BLOCK);
	HELLO(VARVE_LIMIT, MAGIC, 0x80, 0xff, 5, 0, 0, 0, BLOCK);
	/* Another content size, or none. */
	HELLO(VARVE_CORRUPT, MAGIC, 0x20, 4, BLOCK);
	HELLO(VARVE_CORRUPT, MAGIC, 0x20, 6, BLOCK);
	HELLO(VARVE_CORRUPT, MAGIC, 0x00, 0x00, BLOCK);
	/* Less or more content than its size says. */
	HELLO(VARVE_CORRUPT, MAGIC, 0x20, 5, 0x21, 0, 0, 'h', 'e', 'l', 'l');
	HELLO(VARVE_CORRUPT, MAGIC, 0x20, 5, 0x31, 0, 0, 'h', 'e', 'l', 'l',
	    'o', '!');
	HELLO(VARVE_CORRUPT, MAGIC, 0x20, 5, 0x33, 0, 0, 'h');
	/* A checksum (the right one), a dictionary id, a reserved bit. */
	HELLO(VARVE_CORRUPT, MAGIC, 0x24, 5, BLOCK, 0xc5, 0x32, 0x1b, 0xaf);
	HELLO(VARVE_CORRUPT, MAGIC, 0x21, 0, 5, BLOCK);
	HELLO(VARVE_CORRUPT, MAGIC, 0x21, 7, 5, BLOCK);
	HELLO(VARVE_CORRUPT, MAGIC, 0x28, 5, BLOCK);
	/* Anything behind or in front: a byte, an empty frame, one to skip. */
	HELLO(VARVE_CORRUPT, MAGIC, 0x20, 5, BLOCK, 0);
	HELLO(VARVE_CORRUPT, MAGIC, 0x20, 5, BLOCK, MAGIC, 0x20, 0, 1, 0, 0);
	HELLO(VARVE_CORRUPT, MAGIC, 0x20, 5, BLOCK, 0x50, 0x2a, 0x4d, 0x18, 0,
	    0, 0, 0);
	HELLO(VARVE_CORRUPT, 0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0, MAGIC, 0x20, 5,
	    BLOCK);
	/* Cut off anywhere. */
	const uint8_t whole[] = {MAGIC, 0x80, 0x00, 5, 0, 0, 0, BLOCK};
	for (size_t n = 0; n < sizeof(whole); n++)
		assert_int_equal(decode_hello(*state, whole, n), VARVE_CORRUPT);
}

static void
test_decode_limits(void **state)
{
	const uint8_t unknown[] = {MAGIC, 0x00, 0x00, BLOCK};
	struct fixture *f = *state;
	struct varve_err err;
	uint8_t out[8];

	assert_int_equal(vrv_decode(f->decoder, 2, "hello", 5, NULL, 0, out, 5,
			     &err),
	    VARVE_FORMAT);
	assert_int_equal(vrv_decode(f->decoder, VRV_STORED, "hello", 5, NULL, 0,
			     out, 6, &err),
	    VARVE_CORRUPT);
	assert_int_equal(vrv_decode(f->decoder, VRV_STORED, "hello", 5, NULL, 0,
			     out, 4, &err),
	    VARVE_CORRUPT);
	assert_int_equal(vrv_decode(f->decoder, VRV_ZSTD, unknown,
			     sizeof(unknown), NULL, 0, out, 16 * MIB + 1, &err),
	    VARVE_LIMIT);
	assert_int_equal(vrv_decode(f->decoder, VRV_ZSTD, unknown,
			     sizeof(unknown), NULL, 0, out, SIZE_MAX, &err),
	    VARVE_LIMIT);
}

/* Damage of any byte is found or gives other bytes, within bounds; and the
 * decoder works afterwards. */
static void
test_damage(void **state)
{
	const size_t n = 3000;
	struct vrv_compression how = {VRV_ZSTD, 5, 0};
	struct fixture *f = *state;
	vrv_auto_free uint8_t *in = letters(3, n);
	vrv_auto_free uint8_t *out = malloc(vrv_encode_bound(n));
	vrv_auto_free uint8_t *back = malloc(n);
	enum vrv_codec codec;
	struct varve_err err;
	size_t got;

	assert_int_equal(vrv_encode(f->encoder, &how, in, n, NULL, 0, out, &got,
			     &codec, &err),
	    0);
	for (size_t i = 0; i < got * 8; i++) {
		out[i / 8] ^= (uint8_t)(1u << i % 8);
		int rc = vrv_decode(f->decoder, VRV_ZSTD, out, got, NULL, 0,
		    back, n, &err);
		assert_true(rc == 0 || rc == VARVE_CORRUPT ||
		    (rc == VARVE_LIMIT && i / 8 < 6));
		out[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	round_trip(f, &how, in, n, NULL, 0, VRV_ZSTD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_levels),
	    cmocka_unit_test(test_stored),
	    cmocka_unit_test(test_try_first),
	    cmocka_unit_test(test_prefix),
	    cmocka_unit_test(test_prefix_large),
	    cmocka_unit_test(test_largest),
	    cmocka_unit_test(test_bad_arguments),
	    cmocka_unit_test(test_frames),
	    cmocka_unit_test(test_decode_limits),
	    cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests_name("codec", tests, setup, teardown);
}
