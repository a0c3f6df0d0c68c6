/* SPDX-License-Identifier: BSD-2-Clause */
#include "chunk/chunk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "chunk/rolling.h"
#include "chunk_vectors.h"
#include "util/mem.h"
#include "util/rd.h"

#define VECTOR_BYTES ((size_t)3 << 20)
#define MANY 60000

/* Of the method that all tests are run for. */
static struct vrv_chunk_params small = {1000, 4096, 16384, VRV_CHUNK_GEAR};

/* `n` bytes of noise, as the vectors have it: splitmix64. */
static uint8_t *
noise(uint64_t seed, size_t n)
{
	uint8_t *p = malloc(n);

	assert_non_null(p);
	for (size_t i = 0; i < n; i++) {
		uint64_t z = seed + (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
		z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
		p[i] = (uint8_t)((z ^ (z >> 31)) >> 56);
	}
	return p;
}

static struct vrv_chunker *
chunker(struct vrv_chunk_params params, uint8_t key_start)
{
	struct vrv_chunker *c;
	struct varve_err err;
	struct vrv_key key;

	for (size_t i = 0; i < sizeof(key.b); i++)
		key.b[i] = (uint8_t)(key_start + i);
	assert_int_equal(vrv_chunker_new(&params, &key, &c, &err), 0);
	return c;
}

/* Where the chunks of `n` bytes end; how many there are. */
static size_t
cut_all(struct vrv_chunker *c, const uint8_t *bytes, size_t n, size_t *ret_ends)
{
	size_t at = 0, count = 0;

	while (at < n) {
		size_t length = vrv_chunker_cut(c, bytes + at, n - at, true);
		assert_true(length > 0 && length <= n - at);
		at += length;
		assert_true(count < MANY);
		ret_ends[count++] = at;
	}
	return count;
}

static void
test_vectors(void **state)
{
	vrv_auto_free uint8_t *data = noise(1, VECTOR_BYTES);
	vrv_auto_free size_t *ends = vrv_alloc_array(MANY, sizeof(*ends));

	(void)state;
	for (size_t i = 0; i < sizeof(chunk_vectors) / sizeof(chunk_vectors[0]);
	     i++) {
		const struct chunk_vector *v = &chunk_vectors[i];
		if (v->method != small.method)
			continue;
		struct vrv_chunker *c =
		    chunker((struct vrv_chunk_params){v->min, v->average,
				v->max, v->method},
			0x40);
		assert_int_equal(cut_all(c, data, v->bytes, ends), v->chunks);
		for (size_t k = 0, before = 0; k < 10; before = ends[k++])
			assert_int_equal(ends[k] - before, v->first[k]);
		vrv_chunker_free(c);
	}
}

static void
test_limits_and_average(void **state)
{
	const size_t n = VECTOR_BYTES;
	vrv_auto_free uint8_t *data = noise(2, n);
	vrv_auto_free size_t *ends = vrv_alloc_array(MANY, sizeof(*ends));
	struct vrv_chunker *c = chunker(small, 1);

	(void)state;
	size_t count = cut_all(c, data, n, ends);
	for (size_t i = 0, before = 0; i < count; before = ends[i++]) {
		assert_true(ends[i] - before <= small.max);
		assert_true(i == count - 1 || ends[i] - before >= small.min);
	}
	assert_int_equal(ends[count - 1], n);
	assert_in_range(n / count, small.average * 9 / 10,
	    small.average * 11 / 10);
	vrv_chunker_free(c);
}

/* The same key cuts alike, another one elsewhere. */
static void
test_key(void **state)
{
	const size_t n = VECTOR_BYTES / 4;
	vrv_auto_free uint8_t *data = noise(3, n);
	size_t *ends[3];
	size_t count[3], same = 0;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct vrv_chunker *c = chunker(small, i == 2 ? 7 : 8);
		ends[i] = vrv_alloc_array(MANY, sizeof(**ends));
		assert_non_null(ends[i]);
		count[i] = cut_all(c, data, n, ends[i]);
		vrv_chunker_free(c);
	}
	assert_int_equal(count[0], count[1]);
	assert_memory_equal(ends[0], ends[1], count[0] * sizeof(size_t));
	for (size_t i = 0, k = 0; i < count[0]; i++) {
		while (k < count[2] && ends[2][k] < ends[0][i])
			k++;
		same += k < count[2] && ends[2][k] == ends[0][i];
	}
	assert_true(same < 10);
	for (size_t i = 0; i < 3; i++)
		free(ends[i]);
}

/* After an insertion the cuts find back to where they were. */
static void
test_resynchronization(void **state)
{
	const size_t n = VECTOR_BYTES / 2, at = 500000, more = 777;
	vrv_auto_free uint8_t *data = noise(4, n);
	vrv_auto_free uint8_t *edited = malloc(n + more);
	vrv_auto_free size_t *old = vrv_alloc_array(MANY, sizeof(*old));
	vrv_auto_free size_t *new = vrv_alloc_array(MANY, sizeof(*new));
	struct vrv_chunker *c = chunker(small, 1);
	size_t i = 0, k = 0;

	(void)state;
	memcpy(edited, data, at);
	memset(edited + at, 'x', more);
	memcpy(edited + at + more, data + at, n - at);
	size_t old_count = cut_all(c, data, n, old);
	size_t new_count = cut_all(c, edited, n + more, new);
	while (old[i] <= at) {
		assert_int_equal(old[i], new[i]);
		i++;
	}
	/* From the end towards the insertion. */
	while (old[old_count - 1 - k] + more == new[new_count - 1 - k])
		k++;
	assert_true(old[old_count - 1 - k] < at + 10 * small.max);
	assert_true(k > 200);
	vrv_chunker_free(c);
}

/* Given bytes as they come, the first answer is the one for all of them. */
static void
test_streaming(void **state)
{
	const size_t n = small.method == VRV_CHUNK_GEAR ? 200000 : 20000;
	vrv_auto_free uint8_t *data = noise(5, n);
	struct vrv_chunker *c = chunker(small, 1);
	size_t at = 0;

	(void)state;
	while (at < n) {
		size_t whole = vrv_chunker_cut(c, data + at, n - at, true);
		for (size_t have = 0; have <= n - at; have += 61) {
			size_t cut = vrv_chunker_cut(c, data + at, have, false);
			if (have < whole)
				assert_int_equal(cut, 0);
			else if (at + whole < n)
				assert_int_equal(cut, whole);
		}
		/* One byte less shows no cut; just enough shows it. */
		assert_int_equal(vrv_chunker_cut(c, data + at, whole - 1,
				     false),
		    0);
		if (at + whole < n)
			assert_int_equal(vrv_chunker_cut(c, data + at, whole,
					     false),
			    whole);
		at += whole;
	}
	vrv_chunker_free(c);
}

/* All bytes equal: one hash everywhere, so chunks of min or of max. */
static void
test_all_equal(void **state)
{
	const size_t n = 100000;
	vrv_auto_free uint8_t *data = malloc(n);
	struct vrv_chunker *c = chunker(small, 1);

	(void)state;
	for (unsigned b = 0; b < 256; b++) {
		memset(data, (int)b, n);
		size_t length = vrv_chunker_cut(c, data, n, true);
		assert_true(length == small.min ||
		    length == small.average / 8 * 7 || length == small.max);
		assert_int_equal(length,
		    vrv_chunker_cut(c, data + 1, n - 1, false));
	}
	vrv_chunker_free(c);
}

static void
test_short(void **state)
{
	vrv_auto_free uint8_t *data = noise(6, small.max);
	struct vrv_chunker *c = chunker(small, 1);

	(void)state;
	assert_int_equal(vrv_chunker_cut(c, NULL, 0, true), 0);
	assert_int_equal(vrv_chunker_cut(c, NULL, 0, false), 0);
	for (size_t n = 1; n < small.min; n++) {
		vrv_auto_free uint8_t *exact = vrv_dup(data, n);
		assert_int_equal(vrv_chunker_cut(c, exact, n, false), 0);
		assert_int_equal(vrv_chunker_cut(c, exact, n, true), n);
	}
	vrv_chunker_free(c);
	vrv_chunker_free(NULL);

	/* min = average = max: cuts of one size. */
	c = chunker((struct vrv_chunk_params){4096, 4096, 4096, small.method},
	    1);
	assert_int_equal(vrv_chunker_cut(c, data, 16384, false), 4096);
	assert_int_equal(vrv_chunker_cut(c, data, 4095, false), 0);
	vrv_chunker_free(c);
}

static void
test_bad_params(void **state)
{
	static const struct vrv_chunk_params bad[] = {
	    {0, 0, 0, VRV_CHUNK_PRF},
	    {63, 4096, 16384, VRV_CHUNK_PRF},
	    {4097, 4096, 16384, VRV_CHUNK_PRF},
	    {1000, 4096, 4095, VRV_CHUNK_PRF},
	    {1000, 4095, 16384, VRV_CHUNK_PRF},
	    {1000, 6000, 16384, VRV_CHUNK_PRF},
	    {1000, 4096, VRV_CHUNK_MAX + 1, VRV_CHUNK_PRF},
	    {1000, 4096, 16384, (enum vrv_chunk_method)0},
	    {1000, 4096, 16384, (enum vrv_chunk_method)3},
	};
	struct vrv_chunker *c = NULL;
	struct vrv_key key = {{0}};
	struct varve_err err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(vrv_chunker_new(&bad[i], &key, &c, &err),
		    VARVE_USAGE);
	assert_null(c);
	c = chunker((struct vrv_chunk_params){64, 64, VRV_CHUNK_MAX,
			small.method},
	    0);
	vrv_chunker_free(c);
	c = chunker(VRV_CHUNK_PARAMS_DEFAULT, 0);
	vrv_chunker_free(c);
}

static struct vrv_rolling *
make_rolling(void)
{
	struct vrv_rolling *r;
	struct varve_err err;
	struct vrv_key key;

	for (size_t i = 0; i < sizeof(key.b); i++)
		key.b[i] = (uint8_t)i;
	assert_int_equal(vrv_rolling_new(&key, &r, &err), 0);
	return r;
}

/* Those that varve-repository(5) gives. */
static void
test_page_hashes(void **state)
{
	struct vrv_rolling *r = make_rolling();
	uint8_t window[VRV_ROLLING_WINDOW];

	(void)state;
	for (size_t i = 0; i < sizeof(window); i++)
		window[i] = (uint8_t)i;
	assert_true(vrv_get_u64(vrv_rolling_hashes(r, window + 63, 1)) ==
	    UINT64_C(0xee0c8af8ac5e696a));
	memset(window, 255, sizeof(window));
	assert_true(vrv_get_u64(vrv_rolling_hashes(r, window + 63, 1)) ==
	    UINT64_C(0x07c35eb6ae84a13e));
	vrv_rolling_free(r);
}

/* The hash of a position is the same in a batch of any size. */
static void
test_batches(void **state)
{
	static const size_t sizes[] = {1, 2, 3, 64, 65, 127, 1023, 1024};
	struct vrv_rolling *r = make_rolling();
	vrv_auto_free uint8_t *data = noise(7, 63 + VRV_ROLLING_BATCH);
	vrv_auto_free uint64_t *alone =
	    vrv_alloc_array(VRV_ROLLING_BATCH, sizeof(*alone));

	(void)state;
	for (size_t i = 0; i < VRV_ROLLING_BATCH; i++)
		alone[i] = vrv_get_u64(vrv_rolling_hashes(r, data + 63 + i, 1));
	for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
		vrv_auto_free uint8_t *exact = vrv_dup(data, 63 + sizes[k]);
		const uint8_t *h = vrv_rolling_hashes(r, exact + 63, sizes[k]);
		for (size_t i = 0; i < sizes[k]; i++)
			assert_true(vrv_get_u64(h + 16 * i) == alone[i]);
	}
	vrv_rolling_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vectors),
	    cmocka_unit_test(test_limits_and_average),
	    cmocka_unit_test(test_key),
	    cmocka_unit_test(test_resynchronization),
	    cmocka_unit_test(test_streaming),
	    cmocka_unit_test(test_all_equal),
	    cmocka_unit_test(test_short),
	    cmocka_unit_test(test_bad_params),
	};
	const struct CMUnitTest rolling_tests[] = {
	    cmocka_unit_test(test_page_hashes),
	    cmocka_unit_test(test_batches),
	};
	struct varve_err err;

	if (vrv_crypto_init(&err) != 0)
		return 1;
	int failed = cmocka_run_group_tests_name("gear", tests, NULL, NULL);
	small.method = VRV_CHUNK_PRF;
	failed += cmocka_run_group_tests_name("prf", tests, NULL, NULL);
	return failed +
	    cmocka_run_group_tests_name("rolling", rolling_tests, NULL, NULL);
}
