/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/arena.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/hash.h"
#include "util/hex.h"
#include "util/map.h"
#include "util/mem.h"
#include "util/rd.h"

/* --- errors --- */

static void
test_codes_of_the_system(void **state)
{
	struct varve_err err;

	(void)state;
	assert_int_equal(vrv_fail_sys(&err, ENOENT, "open"), VARVE_NOENT);
	assert_int_equal(vrv_fail_sys(&err, EEXIST, "link"), VARVE_EXISTS);
	assert_int_equal(vrv_fail_sys(&err, ENOMEM, "read"), VARVE_NOMEM);
	assert_int_equal(vrv_fail_sys(&err, ENOSPC, "write"), VARVE_IO);
	assert_int_equal(err.sys, ENOSPC);
	assert_int_equal(err.exit, VARVE_EXIT_NO_SPACE);
	assert_string_equal(err.message, "write: No space left on device");
	assert_int_equal(vrv_fail(&err, VARVE_CORRUPT, "bad"), VARVE_CORRUPT);
	assert_int_equal(err.exit, VARVE_EXIT_INTEGRITY);
}

static void
test_context_never_cuts_the_cause(void **state)
{
	struct varve_err err;
	char wide[400];

	(void)state;
	memset(wide, 'x', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = '\0';
	vrv_fail(&err, VARVE_IO, "the cause");
	for (int i = 0; i < 10; i++) {
		assert_int_equal(vrv_ctx(&err, "%s", wide), VARVE_IO);
		assert_true(strlen(err.message) < sizeof(err.message));
	}
	assert_non_null(strstr(err.message, ": the cause"));
	vrv_fail_sys(&err, EIO, "%s%s%s", wide, wide, wide);
	assert_non_null(strstr(err.message, ": Input/output error"));
	vrv_fail(&err, VARVE_IO, "begin %s%s%s: the cause", wide, wide, wide);
	assert_memory_equal(err.message, "begin xx", 8);
	assert_non_null(strstr(err.message, "x...x"));
	assert_non_null(strstr(err.message, "x: the cause"));
	assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
	/* What to do next stays too, and what stands in front. */
	vrv_hint(&err, "; do this");
	vrv_ctx(&err, "first");
	assert_memory_equal(err.message, "first: begin x", 14);
	assert_non_null(strstr(err.message, "x: the cause; do this"));
}

/* --- records --- */

static void
test_numbers_come_back(void **state)
{
	static const uint64_t numbers[] = {0, 1, 127, 128, 16383, 16384,
	    UINT32_MAX, (uint64_t)1 << 63, UINT64_MAX};
	vrv_auto_buf struct vrv_buf b = {0};
	struct varve_err err;

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		size_t before = b.len;

		vrv_buf_v(&b, numbers[i]);
		assert_int_equal(b.len - before, vrv_v_size(numbers[i]));
		vrv_buf_z(&b, (int64_t)numbers[i]);
		vrv_buf_z(&b, -(int64_t)(numbers[i] >> 1));
		vrv_buf_u64(&b, numbers[i]);
	}
	vrv_buf_str(&b, "text");
	assert_int_equal(vrv_buf_check(&b, &err), 0);

	struct vrv_rd r = vrv_rd_over(b.data, b.len);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		assert_true(vrv_rd_v(&r) == numbers[i]);
		assert_true(vrv_rd_z(&r) == (int64_t)numbers[i]);
		assert_true(vrv_rd_z(&r) == -(int64_t)(numbers[i] >> 1));
		assert_true(vrv_rd_u64(&r) == numbers[i]);
	}
	size_t n;
	assert_memory_equal(vrv_rd_vbytes(&r, &n), "text", 4);
	assert_int_equal(n, 4);
	assert_true(vrv_rd_done(&r));
}

static bool
reads_v(const uint8_t *bytes, size_t n)
{
	struct vrv_rd r = vrv_rd_over(bytes, n);

	(void)vrv_rd_v(&r);
	return vrv_rd_ok(&r);
}

static void
test_only_the_shortest_form(void **state)
{
	static const uint8_t zero_twice[] = {0x80, 0x00};
	static const uint8_t padded[] = {0xff, 0x80, 0x00};
	static const uint8_t open_end[] = {0x80};
	static const uint8_t too_large[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	    0xff, 0xff, 0xff, 0x02};
	static const uint8_t eleven[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
	    0x80, 0x80, 0x80, 0x80, 0x01};

	(void)state;
	assert_false(reads_v(zero_twice, sizeof(zero_twice)));
	assert_false(reads_v(padded, sizeof(padded)));
	assert_false(reads_v(open_end, sizeof(open_end)));
	assert_false(reads_v(too_large, sizeof(too_large)));
	assert_false(reads_v(eleven, sizeof(eleven)));
}

static void
test_a_cursor_stays_failed(void **state)
{
	static const uint8_t bytes[] = {1, 2, 3};
	struct vrv_rd r = vrv_rd_over(bytes, sizeof(bytes));
	uint8_t copy[4] = {9, 9, 9, 9};

	(void)state;
	vrv_rd_copy(&r, copy, sizeof(copy));
	assert_int_equal(copy[0] | copy[3], 0);
	assert_int_equal(vrv_rd_u8(&r), 0);
	assert_null(vrv_rd_bytes(&r, 0));
	assert_int_equal(vrv_rd_left(&r), 0);
	assert_false(vrv_rd_done(&r));
}

static void
test_hex(void **state)
{
	static const uint8_t bytes[] = {0x00, 0x9f, 0xff};
	uint8_t back[3];
	char text[7];

	(void)state;
	vrv_hex(text, bytes, 3);
	assert_string_equal(text, "009fff");
	assert_true(vrv_unhex(back, text, 3));
	assert_memory_equal(back, bytes, 3);
	assert_false(vrv_unhex(back, "009FFF", 3));
	assert_false(vrv_unhex(back, "009ff", 3));
}

/* --- maps --- */

/* Against an array that says which keys are there. */
static void
test_map_against_a_model(void **state)
{
	enum {
		KEYS = 3000,
		STEPS = 60000
	};
	static uint64_t model[KEYS];
	struct vrv_map *map = vrv_map_new(sizeof(uint32_t), sizeof(uint64_t));
	size_t count = 0;
	uint32_t x = 1;

	(void)state;
	assert_non_null(map);
	for (int i = 1; i <= STEPS; i++) {
		x = x * 1664525 + 1013904223;
		uint32_t key = (x >> 8) % KEYS;
		bool fresh;

		if ((x >> 24) % 3 == 0) {
			assert_true(
			    vrv_map_remove(map, &key) == (model[key] != 0));
			count -= model[key] != 0;
			model[key] = 0;
		} else {
			uint64_t *value = vrv_map_put(map, &key, &fresh);

			assert_true(fresh == (model[key] == 0));
			assert_true(*value == model[key]);
			count += fresh;
			*value = model[key] = (uint64_t)i;
		}
		assert_int_equal(vrv_map_count(map), count);
	}
	for (uint32_t key = 0; key < KEYS; key++) {
		const uint64_t *value = vrv_map_get(map, &key);

		assert_true((value == NULL) == (model[key] == 0));
		assert_true(value == NULL || *value == model[key]);
	}
	const void *key;
	void *value;
	size_t at = 0, walked = 0;
	while (vrv_map_next(map, &at, &key, &value))
		walked++;
	assert_int_equal(walked, count);
	vrv_map_clear(map);
	assert_int_equal(vrv_map_count(map), 0);
	vrv_map_free(map);
}

/* Who chooses the keys does not choose where they stand: two maps of the same
 * keys have them in different orders. */
static void
test_maps_differ(void **state)
{
	struct vrv_map *maps[2];
	const void *key[2];
	size_t at[2] = {0};
	bool same = true;
	void *value;

	(void)state;
	for (int i = 0; i < 2; i++) {
		maps[i] = vrv_map_new(sizeof(uint32_t), 0);
		assert_non_null(maps[i]);
		for (uint32_t k = 0; k < 40; k++)
			assert_non_null(vrv_map_put(maps[i], &k, NULL));
	}
	while (vrv_map_next(maps[0], &at[0], &key[0], &value)) {
		assert_true(vrv_map_next(maps[1], &at[1], &key[1], &value));
		same &= memcmp(key[0], key[1], sizeof(uint32_t)) == 0;
	}
	assert_false(same);
	vrv_map_free(maps[0]);
	vrv_map_free(maps[1]);
}

/* As OpenSSL computes it. */
static void
test_keyed_hash(void **state)
{
	static const struct {
		size_t n;
		const char *text, *wide;
	} cases[] = {
	    {0, "310e0edd47db6f72", "a3817f04ba25a8e66df67214c7550293"},
	    {1, "fd67dc93c539f874", "da87c1d86b99af44347659119b22fc45"},
	    {15, "e545be4961ca29a1", "5493e99933b0a8117e08ec0f97cfc3d9"},
	};
	struct vrv_hash_key key;
	uint8_t bytes[16], out[VRV_HASH_LONG];
	char hex[33];

	(void)state;
	for (uint8_t i = 0; i < 16; i++)
		bytes[i] = i;
	key.k[0] = vrv_get_u64(bytes);
	key.k[1] = vrv_get_u64(bytes + 8);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		vrv_put_u64(out, vrv_hash_keyed(&key, bytes, cases[i].n));
		vrv_hex(hex, out, 8);
		assert_string_equal(hex, cases[i].text);
		vrv_hash_keyed_long(&key, bytes, cases[i].n, out);
		vrv_hex(hex, out, VRV_HASH_LONG);
		assert_string_equal(hex, cases[i].wide);
	}
}

/* --- the rest --- */

static void
test_arena(void **state)
{
	struct vrv_arena arena = {0};
	char *all[200];

	(void)state;
	for (int i = 0; i < 200; i++) {
		all[i] = vrv_arena_dup(&arena, "0123456789", (size_t)i % 11);
		assert_non_null(all[i]);
		void *big = vrv_arena_alloc(&arena, (size_t)i * 1000);
		assert_int_equal((uintptr_t)big % _Alignof(max_align_t), 0);
		memset(big, 0xff, (size_t)i * 1000);
	}
	for (int i = 0; i < 200; i++)
		assert_int_equal(strlen(all[i]), i % 11);
	vrv_arena_fini(&arena);
	assert_int_equal(arena.used, 0);
}

static void
test_sum_in_parts(void **state)
{
	static uint8_t bytes[100000];
	uint8_t whole[VRV_XXH_SIZE], parts[VRV_XXH_SIZE];
	/* XXH3-128 of no bytes, canonical: from the xxHash specification. */
	static const uint8_t none[VRV_XXH_SIZE] = {0x99, 0xaa, 0x06, 0xd3, 0x01,
	    0x47, 0x98, 0xd8, 0x60, 0x01, 0xc3, 0x24, 0x46, 0x8d, 0x49, 0x7f};

	(void)state;
	vrv_xxh(whole, bytes, 0);
	assert_memory_equal(whole, none, sizeof(none));
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	vrv_xxh(whole, bytes, sizeof(bytes));
	struct vrv_xxh_state *sum = vrv_xxh_new();
	vrv_xxh_update(sum, bytes, 1);
	vrv_xxh_update(sum, bytes + 1, 777);
	vrv_xxh_update(sum, bytes + 778, sizeof(bytes) - 778);
	vrv_xxh_sum(sum, parts);
	vrv_xxh_free(sum);
	assert_memory_equal(whole, parts, sizeof(whole));
}

static void
test_times_compare(void **state)
{
	const struct vrv_time a = {-5, 999999999}, b = {-4, 0}, c = {-4, 1};

	(void)state;
	assert_true(vrv_time_cmp(a, b) < 0);
	assert_true(vrv_time_cmp(c, b) > 0);
	assert_int_equal(vrv_time_cmp(b, b), 0);
}

static void
errors_blame_the_run_or_the_object(void **state)
{
	static const int damage[] = {VARVE_CORRUPT, VARVE_AUTH, VARVE_FORMAT,
	    VARVE_LIMIT};
	static const int run[] = {ENOMEM, EMFILE, ENFILE, EAGAIN};
	static const int object[] = {EACCES, EIO, ELOOP, EISDIR};
	struct varve_err e;

	(void)state;
	for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		(void)vrv_fail(&e, damage[i], "x");
		assert_true(vrv_err_is_damage(&e));
		assert_true(vrv_err_is_unusable(&e));
		assert_false(vrv_err_is_fatal(&e));
	}
	for (size_t i = 0; i < sizeof(run) / sizeof(run[0]); i++) {
		(void)vrv_fail_sys(&e, run[i], "x");
		vrv_exit(&e, VARVE_EXIT_NO_KEY_FILE);
		assert_int_equal(e.exit, VARVE_EXIT_ERROR);
		assert_true(vrv_err_is_fatal(&e));
		assert_false(vrv_err_is_unusable(&e));
		assert_false(vrv_err_is_damage(&e));
	}
	for (size_t i = 0; i < sizeof(object) / sizeof(object[0]); i++) {
		(void)vrv_fail_sys(&e, object[i], "x");
		vrv_exit(&e, VARVE_EXIT_NO_KEY_FILE);
		assert_int_equal(e.exit, VARVE_EXIT_NO_KEY_FILE);
		assert_true(vrv_err_is_unusable(&e));
		assert_false(vrv_err_is_damage(&e));
	}
	(void)vrv_fail_sys(&e, ENOENT, "x");
	assert_false(vrv_err_is_unusable(&e));
	vrv_err_clear(&e);
	assert_false(vrv_err_is_unusable(&e));
}

static void
test_ticks_are_apart(void **state)
{
	uint64_t next = 0;

	(void)state;
	assert_true(vrv_tick_due(&next));
	next = UINT64_MAX;
	assert_false(vrv_tick_due(&next));
	assert_int_equal(next, UINT64_MAX);
	next = vrv_ticks();
	assert_true(vrv_tick_due(&next));
	assert_true(next > vrv_ticks());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(errors_blame_the_run_or_the_object),
	    cmocka_unit_test(test_codes_of_the_system),
	    cmocka_unit_test(test_context_never_cuts_the_cause),
	    cmocka_unit_test(test_numbers_come_back),
	    cmocka_unit_test(test_only_the_shortest_form),
	    cmocka_unit_test(test_a_cursor_stays_failed),
	    cmocka_unit_test(test_hex),
	    cmocka_unit_test(test_map_against_a_model),
	    cmocka_unit_test(test_maps_differ),
	    cmocka_unit_test(test_keyed_hash),
	    cmocka_unit_test(test_arena),
	    cmocka_unit_test(test_sum_in_parts),
	    cmocka_unit_test(test_times_compare),
	    cmocka_unit_test(test_ticks_are_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
