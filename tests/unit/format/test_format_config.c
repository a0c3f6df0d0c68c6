/* SPDX-License-Identifier: BSD-2-Clause */
#include "format_support.h"

#include "format/config.h"
#include "format/frame.h"

static struct varve_err err;

/* --- config --- */

static struct vrv_config
sample(void)
{
	static struct vrv_config_pair pairs[2] = {{0, 0, {1}, {2}},
	    {1, 7, {3}, {4}}};
	static uint8_t admins[1][32] = {{5}};
	static uint8_t slots[2][VRV_OBJECT_ID] = {{8}, {3}};
	static struct vrv_member members[2] =
	    {{{6}, VRV_RIGHT_WRITE | VRV_RIGHT_ADMIN,
		 {(const uint8_t *)"sealed", 6}},
		{{7}, VRV_RIGHT_WRITE | VRV_RIGHT_RETIRED | 0x80, {NULL, 0}}};

	return (struct vrv_config){
	    .generation = 3,
	    .previous = {9},
	    .write_features = 0x80,
	    .pairs = pairs,
	    .admins = admins,
	    .members = members,
	    .n_pairs = 2,
	    .n_admins = 1,
	    .n_members = 2,
	    .slots = slots,
	    .n_slots = 2,
	    .chunk_method = 1,
	    .chunk_min = 1 << 19,
	    .chunk_average = 1 << 20,
	    .chunk_max = VRV_FRAME_PLAIN_MAX,
	    .grace = 172800,
	    .min_age = 3600,
	};
}

static int
get_config(const uint8_t *bytes, size_t n, struct varve_err *e)
{
	struct vrv_rd r = vrv_rd_over(bytes, n);
	struct vrv_arena arena = {0};
	struct vrv_config c;

	int rc = vrv_config_get(&r, &arena, &c, e);
	/* However many values a config says it has. */
	assert_true(arena.used <= 16 * n + 100);
	vrv_arena_fini(&arena);
	return rc;
}

static int
config_verdict(const struct vrv_config *c)
{
	vrv_auto_buf struct vrv_buf b = {0};

	vrv_config_put(&b, c);
	return verdict(get_config, b.data, b.len);
}

static void
test_config_round_trip(void **state)
{
	vrv_auto_buf struct vrv_buf b = {0}, again = {0};
	struct vrv_arena arena = {0};
	struct vrv_config in = sample(), out;

	(void)state;
	vrv_config_put(&b, &in);
	assert_exact(get_config, &b);
	struct vrv_rd r = vrv_rd_over(b.data, b.len);
	assert_int_equal(vrv_config_get(&r, &arena, &out, &err), 0);
	assert_int_equal(out.generation, 3);
	assert_int_equal(out.previous[0], 9);
	assert_int_equal(out.write_features, 0x80);
	assert_int_equal(out.n_pairs, 2);
	assert_memory_equal(out.pairs[1].data, in.pairs[1].data, 32);
	assert_int_equal(out.pairs[1].epoch, 7);
	assert_int_equal(out.pairs[1].domain, 1);
	assert_int_equal(out.pairs[1].meta[0], 4);
	assert_int_equal(out.n_admins, 1);
	assert_int_equal(out.admins[0][0], 5);
	assert_int_equal(out.n_members, 2);
	assert_int_equal(out.members[0].rights, 3);
	assert_int_equal(out.members[0].label.n, 6);
	assert_int_equal(out.members[1].label.n, 0);
	assert_int_equal(out.members[1].rights, 0x85);
	assert_int_equal(out.n_slots, 2);
	assert_int_equal(out.slots[1][0], 3);
	assert_int_equal(out.chunk_method, VRV_CHUNKER_GEAR);
	assert_int_equal(out.chunk_average, 1 << 20);
	assert_int_equal(out.grace, 172800);
	assert_int_equal(out.min_age, 3600);
	vrv_config_put(&again, &out);
	assert_same(&b, &again);
	vrv_arena_fini(&arena);
}

static void
test_config_refusals(void **state)
{
	struct vrv_config c;

	(void)state;
#define WITH(field, value) (c = sample(), c.field = (value), config_verdict(&c))
	assert_int_equal(WITH(read_features, 1), VARVE_FORMAT);
	assert_int_equal(WITH(read_features, (uint64_t)1 << 63), VARVE_FORMAT);
	assert_int_equal(WITH(generation, 0), VARVE_CORRUPT);
	assert_int_equal(WITH(n_pairs, 0), VARVE_CORRUPT);
	assert_int_equal(WITH(n_admins, 0), VARVE_CORRUPT);
	assert_int_equal(WITH(n_members, 0), 0);
	assert_int_equal(WITH(chunk_method, VRV_CHUNKER_PRF), 0);
	assert_int_equal(WITH(chunk_method, 0), VARVE_FORMAT);
	assert_int_equal(WITH(chunk_method, 3), VARVE_FORMAT);
	assert_int_equal(WITH(chunk_min, 0), VARVE_CORRUPT);
	assert_int_equal(WITH(chunk_min, 2 << 20), VARVE_CORRUPT);
	assert_int_equal(WITH(chunk_max, 1), VARVE_CORRUPT);
	assert_int_equal(WITH(chunk_max, VRV_FRAME_PLAIN_MAX + 1),
	    VARVE_CORRUPT);
#undef WITH
}

/* A list of raw values as a config's. */
static int
list_verdict(const struct vrv_buf *list)
{
	vrv_auto_buf struct vrv_buf b = {0};

	vrv_buf_u32(&b, 0);
	vrv_buf_zero(&b, VRV_CONFIG_HASH);
	vrv_buf_u32(&b, (uint32_t)list->len);
	vrv_buf_bytes(&b, list->data, list->len);
	return verdict(get_config, b.data, b.len);
}

static int
with_value(uint64_t tag, const void *value, size_t n)
{
	vrv_auto_buf struct vrv_buf b = {0}, list = {0};
	struct vrv_config c = sample();

	vrv_config_put(&b, &c);
	vrv_buf_bytes(&list, b.data + 40, b.len - 40);
	vrv_buf_v(&list, tag);
	vrv_buf_vbytes(&list, value, n);
	return list_verdict(&list);
}

static void
test_config_values(void **state)
{
	vrv_auto_buf struct vrv_buf many = {0}, chunker = {0};

	(void)state;
	assert_int_equal(with_value(17, "later", 5), 0);
	assert_int_equal(with_value(16, "later", 5), VARVE_FORMAT);
	assert_int_equal(with_value(12, "", 0), VARVE_CORRUPT);
	/* Short values must not cost memory by their number. */
	for (int i = 0; i < 10000; i++)
		vrv_buf_bytes(&many, "\x06\x00", 2);
	assert_int_equal(list_verdict(&many), VARVE_CORRUPT);
	vrv_buf_bytes(&chunker, "\x0c\x04\x03\x01\x01\x01", 6);
	assert_int_equal(list_verdict(&chunker), VARVE_FORMAT);
}

/* Keys of a suite that a later version adds stand beside those that are
 * known; alone they are of a later version. */
static void
test_config_suites(void **state)
{
	vrv_auto_buf struct vrv_buf b = {0}, list = {0}, only = {0};
	static const uint8_t later[] = {VRV_C_ADMIN, 5, 2, 2, 0, 1, 2};
	struct vrv_config c = sample();

	(void)state;
	vrv_config_put(&b, &c);
	/* Features and pairs, then the new key before the known one. */
	const uint8_t *admin = memchr(b.data + 40 + 20, VRV_C_ADMIN, 300);
	while (admin[1] != 35 || admin[2] != 1 || admin[3] != 32)
		admin = memchr(admin + 1, VRV_C_ADMIN, 300);
	vrv_buf_bytes(&list, b.data + 40, (size_t)(admin - b.data) - 40);
	vrv_buf_bytes(&list, later, sizeof(later));
	vrv_buf_bytes(&only, list.data, list.len);
	vrv_buf_bytes(&list, admin, b.len - (size_t)(admin - b.data));
	assert_int_equal(list_verdict(&list), 0);
	vrv_buf_bytes(&only, admin + 37, b.len - (size_t)(admin - b.data) - 37);
	assert_int_equal(list_verdict(&only), VARVE_FORMAT);
	/* Another length of a known suite is damage. */
	list.data[admin - b.data - 40 + 2] = VRV_KEY_SUITE_25519;
	assert_int_equal(list_verdict(&list), VARVE_CORRUPT);
}

/* What this version does not know goes into the next generation as it is: a
 * roster entry's list, keys of another suite, odd tags at any place. */
static void
test_config_keeps(void **state)
{
	static const uint8_t pair[] = {VRV_C_PAIR, 13, 0, 0, 0, 0, 0, 0, 2, 1,
	    0, 9, 2, 0, 0};
	static const uint8_t half[2 + 6 + 35 + 3] = {VRV_C_PAIR, 44, [8] = 1,
	    32, [43] = 2};
	static const uint8_t admin[] = {VRV_C_ADMIN, 5, 2, 2, 0, 1, 2};
	static const uint8_t member[] = {VRV_C_MEMBER, 6, 9, 1, 0, 7, 1, 0};
	static const uint8_t third[] = {3, 1, 42};
	static const uint8_t later[] = {17, 2, 4, 2, 0xff, 1, 1, 8};
	vrv_auto_buf struct vrv_buf b = {0}, in = {0}, again = {0};
	struct vrv_config c = sample(), out;
	struct vrv_arena arena = {0};

	(void)state;
	c.members[1].more =
	    (struct vrv_text){(const uint8_t *)"\x03\x04more", 6};
	vrv_config_put(&b, &c);
	c.members[1].more = (struct vrv_text){NULL, 0};
	const struct {
		uint64_t before;
		const uint8_t *bytes;
		size_t n;
	} insert[] = {{VRV_C_WRITE_FEATURES, third, sizeof(third)},
	    {VRV_C_PAIR, pair, sizeof(pair)}, {VRV_C_PAIR, half, sizeof(half)},
	    {VRV_C_ADMIN, admin, sizeof(admin)},
	    {VRV_C_MEMBER, member, sizeof(member)},
	    {1000, later, sizeof(later)}};
	struct vrv_rd r = vrv_rd_over(b.data + 40, b.len - 40);
	size_t next = 0;

	vrv_buf_bytes(&in, b.data, 40);
	while (vrv_rd_left(&r) > 0) {
		const uint8_t *from = r.p;
		uint64_t tag = vrv_rd_v(&r);
		size_t n;

		(void)vrv_rd_vbytes(&r, &n);
		for (; tag >= insert[next].before; next++)
			vrv_buf_bytes(&in, insert[next].bytes, insert[next].n);
		vrv_buf_bytes(&in, from, (size_t)(r.p - from));
	}
	vrv_buf_bytes(&in, later, sizeof(later));
	vrv_put_u32(in.data + 36, (uint32_t)in.len - 40);
	assert_int_equal(next, 5);

	r = vrv_rd_over(in.data, in.len);
	assert_int_equal(vrv_config_get(&r, &arena, &out, &err), 0);
	assert_int_equal(out.n_pairs, 2);
	assert_int_equal(out.n_admins, 1);
	assert_int_equal(out.n_members, 2);
	vrv_config_put(&again, &out);
	assert_same(&in, &again);
	vrv_arena_fini(&arena);
}

/* --- key slot --- */

static int
get_slot(const uint8_t *bytes, size_t n, struct varve_err *e)
{
	struct vrv_rd r = vrv_rd_over(bytes, n);
	struct vrv_slot slot;

	int rc = vrv_slot_get(&r, &slot, e);
	if (rc == 0 && !vrv_rd_done(&r))
		return vrv_fail(e, VARVE_CORRUPT, "more");
	return rc;
}

static int
slot_verdict(uint8_t kdf, uint32_t passes, uint64_t memory, size_t label)
{
	vrv_auto_buf struct vrv_buf b = {0};
	static const uint8_t text[VRV_SLOT_LABEL_MAX + 1];
	struct vrv_slot in = {.kdf = kdf,
			    .passes = passes,
			    .memory = memory,
			    .salt = {1},
			    .label = {text, label},
			    .commitment = {2}},
			out;

	vrv_slot_put_clear(&b, &in);
	int rc = verdict(get_slot, b.data, b.len);
	if (rc == 0) {
		struct vrv_rd r = vrv_rd_over(b.data, b.len);

		assert_exact(get_slot, &b);
		assert_int_equal(vrv_slot_get(&r, &out, &err), 0);
		assert_int_equal(out.kdf, kdf);
		assert_int_equal(out.passes, passes);
		assert_true(out.memory == memory);
		assert_int_equal(out.salt[0], 1);
		assert_int_equal(out.label.n, label);
		assert_memory_equal(b.data + b.len - VRV_COMMITMENT_SIZE,
		    out.commitment, VRV_COMMITMENT_SIZE);
	}
	return rc;
}

static void
test_slots(void **state)
{
	const uint64_t least = VRV_ARGON_MEMORY_MIN;
	const uint64_t most = VRV_ARGON_MEMORY_MAX;

	(void)state;
	assert_int_equal(slot_verdict(VRV_KDF_ARGON2ID, 3, least, 5), 0);
	assert_int_equal(slot_verdict(VRV_KDF_ARGON2ID, 2, most, 0), 0);
	assert_int_equal(slot_verdict(VRV_KDF_FILE, 0, 0, VRV_SLOT_LABEL_MAX),
	    0);
	assert_int_equal(slot_verdict(VRV_KDF_FILE, 0, 0,
			     VRV_SLOT_LABEL_MAX + 1),
	    VARVE_CORRUPT);
	assert_int_equal(slot_verdict(1, 1, least, 0), VARVE_LIMIT);
	assert_int_equal(slot_verdict(1, 65, least, 0), VARVE_LIMIT);
	assert_int_equal(slot_verdict(1, 3, least - 1, 0), VARVE_LIMIT);
	assert_int_equal(slot_verdict(1, 3, most + 1, 0), VARVE_LIMIT);
	assert_int_equal(slot_verdict(0, 1, 0, 0), VARVE_FORMAT);
	assert_int_equal(slot_verdict(2, 3, least, 0), VARVE_FORMAT);
}

/* --- keyring --- */

static const uint8_t ring_value[200] = {1, 2, 3, [198] = 9};

static int
get_keyring(const uint8_t *bytes, size_t n, struct varve_err *e)
{
	struct vrv_rd r;
	struct vrv_ring_key key;
	uint32_t count;

	int rc = vrv_keyring_open(bytes, n, &r, &count, e);
	for (uint32_t i = 0; rc == 0 && i < count; i++) {
		rc = vrv_keyring_get(&r, &key, e);
		if (rc == 0) {
			assert_int_equal(key.what, i);
			assert_int_equal(key.domain, 0x102);
			assert_int_equal(key.epoch, 0x1020304);
			assert_int_equal(key.suite, 200 - i);
			assert_int_equal(key.n, i % 37);
			assert_memory_equal(key.value, ring_value, key.n);
		}
	}
	return rc;
}

static void
test_keyring(void **state)
{
	vrv_auto_buf struct vrv_buf b = {0}, none = {0};
	struct vrv_ring_key keys[200] = {0};
	struct vrv_ring_key key;

	(void)state;
	for (uint8_t i = 0; i < 200; i++) {
		keys[i].what = i;
		keys[i].domain = 0x102;
		keys[i].epoch = 0x1020304;
		keys[i].suite = (uint8_t)(200 - i);
		keys[i].n = i % 37;
		keys[i].value = ring_value;
	}
	vrv_keyring_put(&b, keys, 200);
	assert_exact(get_keyring, &b);
	vrv_keyring_put(&none, keys, 0);
	assert_exact(get_keyring, &none);
	struct vrv_rd end = vrv_rd_over(b.data, 10);
	assert_int_equal(vrv_keyring_get(&end, &key, &err), VARVE_CORRUPT);
}

static int
open_keyring(const uint8_t *bytes, size_t n, struct varve_err *e)
{
	struct vrv_rd r;
	uint32_t count;

	return vrv_keyring_open(bytes, n, &r, &count, e);
}

static void
test_keyring_limit(void **state)
{
	vrv_auto_buf struct vrv_buf b = {0};

	(void)state;
	vrv_buf_v(&b, VRV_KEYRING_MAX + 1);
	vrv_buf_zero(&b, (VRV_KEYRING_MAX + 1) * (size_t)10);
	assert_int_equal(verdict(open_keyring, b.data, b.len), VARVE_CORRUPT);
	vrv_buf_clear(&b);
	vrv_buf_v(&b, VRV_KEYRING_MAX);
	vrv_buf_zero(&b, VRV_KEYRING_MAX * (size_t)10);
	assert_int_equal(verdict(open_keyring, b.data, b.len), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_config_round_trip),
	    cmocka_unit_test(test_config_refusals),
	    cmocka_unit_test(test_config_values),
	    cmocka_unit_test(test_config_suites),
	    cmocka_unit_test(test_config_keeps),
	    cmocka_unit_test(test_slots),
	    cmocka_unit_test(test_keyring),
	    cmocka_unit_test(test_keyring_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
