/* SPDX-License-Identifier: BSD-2-Clause */
#include "format_support.h"

#include "format/object.h"

static struct varve_err err;

static const char *const names[] = {
    "config/0000002a-000102030405060708090a0b0c0d0e0f",
    "keys/000102030405060708090a0b0c0d0e0f",
    "packs/00/000102030405060708090a0b0c0d0e0f",
    "index/a0a1a2a3a4a5a6a7-000102030405060708090a0b0c0d0e0f.d",
    "index/a0a1a2a3a4a5a6a7-000102030405060708090a0b0c0d0e0f.m",
    "index/a0a1a2a3a4a5a6a7-000102030405060708090a0b0c0d0e0f.b",
    "intents/a0a1a2a3a4a5a6a7-000102030405060708090a0b0c0d0e0f",
    "archives/a0a1a2a3a4a5a6a7-000102030405060708090a0b0c0d0e0f",
    "tombstones/a0a1a2a3a4a5a6a7-000102030405060708090a0b0c0d0e0f",
    "condemned/000102030405060708090a0b0c0d0e0f",
    "rolls/000102030405060708090a0b0c0d0e0f",
};
#define N_NAMES (sizeof(names) / sizeof(names[0]))

static void
test_names_print_as_parsed(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_NAMES; i++) {
		struct vrv_name name;
		char out[VRV_NAME_SIZE];

		assert_true(vrv_name_parse(names[i], &name));
		assert_int_equal(name.id[15], 15);
		const char *prefix = vrv_type_prefix(name.type);
		assert_memory_equal(names[i], prefix, strlen(prefix));
		vrv_name_print(&name, out);
		assert_string_equal(out, names[i]);
	}
}

static void
test_name_fields(void **state)
{
	struct vrv_name name;

	(void)state;
	assert_true(vrv_name_parse(names[0], &name));
	assert_int_equal(name.type, VRV_CONFIG);
	assert_int_equal(name.generation, 42);
	assert_true(vrv_name_parse(names[4], &name));
	assert_int_equal(name.type, VRV_INDEX);
	assert_int_equal(name.tag[7], 0xa7);
	assert_int_equal(name.suffix, 'm');
}

static void
test_mangled_names_are_refused(void **state)
{
	struct vrv_name name;
	char text[VRV_NAME_SIZE + 1];

	(void)state;
	for (size_t i = 0; i < N_NAMES; i++) {
		size_t n = strlen(names[i]);

		for (size_t cut = 0; cut < n; cut++) {
			memcpy(text, names[i], cut);
			text[cut] = '\0';
			assert_false(vrv_name_parse(text, &name));
		}
		for (size_t at = 0; at < n; at++) {
			memcpy(text, names[i], n + 1);
			text[at] = 'A'; /* no name has capitals */
			assert_false(vrv_name_parse(text, &name));
		}
		memcpy(text, names[i], n);
		memcpy(text + n, "0", 2);
		assert_false(vrv_name_parse(text, &name));
	}
	/* Another pack's folder. */
	assert_false(
	    vrv_name_parse("packs/01/000102030405060708090a0b0c0d0e0f", &name));
	assert_false(vrv_name_parse(
	    "index/a0a1a2a3a4a5a6a7-000102030405060708090a0b0c0d0e0f.x",
	    &name));
	assert_false(
	    vrv_name_parse("tmp/000102030405060708090a0b0c0d0e0f", &name));
}

static const struct vrv_header sample = {
    .type = VRV_INTENT,
    .repository = {1, 2, 3},
    .id = {9, 8, 7},
};
static const struct vrv_name sample_name = {
    .type = VRV_INTENT,
    .id = {9, 8, 7},
};

static void
put_object(struct vrv_buf *b)
{
	vrv_header_put(b, &sample);
	vrv_buf_bytes(b, "a body", 6);
	vrv_trailer_put(b);
	assert_int_equal(b->len, VRV_HEADER_SIZE + 6 + VRV_TRAILER_SIZE);
}

static int
check_object(const uint8_t *bytes, size_t n, struct varve_err *e)
{
	struct vrv_header header;

	return vrv_object_check(bytes, n, &sample_name, &header, e);
}

static int
get_header(const uint8_t *bytes, size_t n, struct varve_err *e)
{
	struct vrv_header header;

	return vrv_header_get(bytes, n, &header, e);
}

static void
test_object_round_trip(void **state)
{
	vrv_auto_buf struct vrv_buf b = {0};
	struct vrv_header header;

	(void)state;
	put_object(&b);
	assert_exact(check_object, &b);
	assert_int_equal(vrv_object_check(b.data, b.len, &sample_name, &header,
			     &err),
	    0);
	assert_int_equal(header.type, VRV_INTENT);
	assert_memory_equal(header.repository, sample.repository, VRV_REPO_ID);
	assert_memory_equal(header.id, sample.id, VRV_OBJECT_ID);
}

/* Also in the version: damage is never taken for a later version. */
static void
test_flipped_bits_are_corrupt(void **state)
{
	vrv_auto_buf struct vrv_buf b = {0};

	(void)state;
	put_object(&b);
	for (size_t bit = 0; bit < 8 * b.len; bit++) {
		b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(verdict(check_object, b.data, b.len),
		    VARVE_CORRUPT);
		b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void
test_header_of_another_version(void **state)
{
	vrv_auto_buf struct vrv_buf b = {0};
	static const struct {
		size_t at;
		uint8_t value;
		int verdict;
	} cases[] = {
	    {0, 0x88, VARVE_CORRUPT}, /* magic */
	    {8, 2, VARVE_FORMAT},     /* version */
	    {8, 0, VARVE_FORMAT},
	    {9, 0, VARVE_FORMAT}, /* type */
	    {9, VRV_TYPES, VARVE_FORMAT},
	    {10, 1, VARVE_FORMAT}, /* domain */
	    {15, 1, VARVE_FORMAT}, /* epoch */
	    {9, VRV_ROLL, 0},
	};

	(void)state;
	vrv_header_put(&b, &sample);
	assert_int_equal(verdict(get_header, b.data, b.len), 0);
	assert_int_equal(verdict(get_header, b.data, b.len - 1), VARVE_CORRUPT);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t kept = b.data[cases[i].at];

		b.data[cases[i].at] = cases[i].value;
		assert_int_equal(verdict(get_header, b.data, b.len),
		    cases[i].verdict);
		b.data[cases[i].at] = kept;
	}
}

static void
test_a_whole_object_of_a_later_version(void **state)
{
	vrv_auto_buf struct vrv_buf b = {0};

	(void)state;
	vrv_header_put(&b, &sample);
	b.data[8] = 2;
	vrv_trailer_put(&b);
	assert_int_equal(verdict(check_object, b.data, b.len), VARVE_FORMAT);
}

static void
test_object_under_another_name(void **state)
{
	vrv_auto_buf struct vrv_buf b = {0};
	struct vrv_name other = sample_name;
	struct vrv_header header = {.epoch = 77};

	(void)state;
	put_object(&b);
	other.type = VRV_ARCHIVE;
	assert_int_equal(vrv_object_check(b.data, b.len, &other, &header, &err),
	    VARVE_CORRUPT);
	other = sample_name;
	other.id[15] = 1;
	assert_int_equal(vrv_object_check(b.data, b.len, &other, &header, &err),
	    VARVE_CORRUPT);
	assert_int_equal(header.epoch, 77); /* untouched */
}

static void
test_trailer_written_apart(void **state)
{
	vrv_auto_buf struct vrv_buf b = {0};
	uint8_t out[VRV_TRAILER_SIZE], sum[16];

	(void)state;
	put_object(&b);
	const uint8_t *trailer = b.data + b.len - VRV_TRAILER_SIZE;
	assert_int_equal(vrv_trailer_get(trailer, b.len, sum, &err), 0);
	vrv_trailer_write(out, b.len, sum);
	assert_memory_equal(out, trailer, VRV_TRAILER_SIZE);
	assert_int_equal(vrv_trailer_get(trailer, b.len + 1, sum, &err),
	    VARVE_CORRUPT);
}

static void
test_types(void **state)
{
	(void)state;
	assert_string_equal(vrv_type_prefix(VRV_CONFIG), "config/");
	assert_string_equal(vrv_type_name(VRV_PACK), "pack");
	for (int type = VRV_CONFIG; type < VRV_TYPES; type++)
		assert_non_null(vrv_type_name((enum vrv_type)type));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names_print_as_parsed),
	    cmocka_unit_test(test_name_fields),
	    cmocka_unit_test(test_mangled_names_are_refused),
	    cmocka_unit_test(test_object_round_trip),
	    cmocka_unit_test(test_flipped_bits_are_corrupt),
	    cmocka_unit_test(test_header_of_another_version),
	    cmocka_unit_test(test_a_whole_object_of_a_later_version),
	    cmocka_unit_test(test_object_under_another_name),
	    cmocka_unit_test(test_trailer_written_apart),
	    cmocka_unit_test(test_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
