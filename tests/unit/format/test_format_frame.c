/* SPDX-License-Identifier: BSD-2-Clause */
#include "format_support.h"

#include "format/frame.h"

static struct varve_err err;
static uint32_t lengths[VRV_FRAME_CHUNKS_MAX];

/* --- frame plaintext --- */

static void
put_frame(struct vrv_buf *b, uint8_t codec, uint32_t n, const uint32_t *sizes,
    uint32_t m, size_t payload)
{
	static const uint8_t bases[(VRV_FRAME_BASES_MAX + 1) * VRV_PREFIX_SIZE];
	struct vrv_frame_head head = {.codec = codec,
	    .n = n,
	    .m = m,
	    .lengths = sizes,
	    .bases = bases};

	vrv_frame_head_put(b, &head);
	vrv_buf_zero(b, payload);
}

static int
get_frame(const uint8_t *bytes, size_t n, struct varve_err *e)
{
	struct vrv_frame_head head;
	uint32_t total;
	const uint8_t *payload;
	size_t payload_n;

	return vrv_frame_head_get(bytes, n, &head, lengths, &total, &payload,
	    &payload_n, e);
}

static void
test_frame_round_trip(void **state)
{
	vrv_auto_buf struct vrv_buf b = {0};
	static const uint32_t sizes[] = {1, 300, 70000};
	struct vrv_frame_head head;
	uint32_t total;
	const uint8_t *payload;
	size_t payload_n;

	(void)state;
	put_frame(&b, VRV_FRAME_ZSTD, 3, sizes, 2, 55);
	assert_int_equal(vrv_frame_head_get(b.data, b.len, &head, lengths,
			     &total, &payload, &payload_n, &err),
	    0);
	assert_int_equal(head.codec, VRV_FRAME_ZSTD);
	assert_int_equal(head.n, 3);
	assert_int_equal(head.m, 2);
	assert_memory_equal(head.lengths, sizes, sizeof(sizes));
	assert_int_equal(total, 70301);
	assert_int_equal(payload_n, 55);
	assert_ptr_equal(payload, b.data + b.len - 55);
}

static void
test_stored_frame_is_exact(void **state)
{
	vrv_auto_buf struct vrv_buf b = {0}, delta = {0};
	static const uint32_t sizes[] = {3, 200};

	(void)state;
	put_frame(&b, VRV_FRAME_STORED, 2, sizes, 0, 203);
	assert_exact(get_frame, &b);
	put_frame(&delta, VRV_FRAME_STORED, 2, sizes, 1, 203);
	assert_int_equal(verdict(get_frame, delta.data, delta.len),
	    VARVE_CORRUPT);
}

static int
frame_verdict(uint8_t codec, uint32_t n, const uint32_t *sizes, uint32_t m)
{
	vrv_auto_buf struct vrv_buf b = {0};

	put_frame(&b, codec, n, sizes, m, 10);
	return verdict(get_frame, b.data, b.len);
}

static void
test_frame_limits(void **state)
{
	static uint32_t many[VRV_FRAME_CHUNKS_MAX + 1];
	uint32_t largest = VRV_FRAME_PLAIN_MAX;
	const uint32_t over = largest + 1, empty[] = {5, 0};
	const uint32_t sum[] = {largest, 1};

	(void)state;
	for (size_t i = 0; i < VRV_FRAME_CHUNKS_MAX + 1; i++)
		many[i] = 7;
	assert_int_equal(frame_verdict(1, VRV_FRAME_CHUNKS_MAX, many,
			     VRV_FRAME_BASES_MAX),
	    0);
	assert_int_equal(frame_verdict(1, VRV_FRAME_CHUNKS_MAX + 1, many, 0),
	    VARVE_CORRUPT);
	assert_int_equal(frame_verdict(1, 1, many, VRV_FRAME_BASES_MAX + 1),
	    VARVE_CORRUPT);
	assert_int_equal(frame_verdict(1, 0, many, 0), VARVE_CORRUPT);
	assert_int_equal(frame_verdict(1, 1, &largest, 0), 0);
	assert_int_equal(frame_verdict(1, 1, &over, 0), VARVE_CORRUPT);
	assert_int_equal(frame_verdict(1, 2, sum, 0), VARVE_CORRUPT);
	assert_int_equal(frame_verdict(1, 2, empty, 0), VARVE_CORRUPT);
	assert_int_equal(frame_verdict(2, 1, many, 0), VARVE_FORMAT);
}

/* --- pack entries --- */

static const uint8_t ids[5 * VRV_PREFIX_SIZE] = {1, 2, 3};

static const struct vrv_pack_frame frames[] = {
    {.kind = VRV_FRAME_META,
	.key = 1,
	.offset = 64,
	.stored = 1000,
	.plain = 5000,
	.n = 2,
	.ids = ids},
    {.kind = VRV_FRAME_DATA,
	.key = 0,
	.offset = 1064 + 7,
	.stored = 70000,
	.plain = 90000,
	.n = 4,
	.ids = ids,
	.m = 1,
	.bases = ids},
};

static void
put_entry(struct vrv_buf *b, uint64_t length)
{
	static const uint8_t pack[VRV_OBJECT_ID] = {0xee};
	static const struct vrv_pack_key keys[2] = {{0, 0, {1}}, {0, 0, {2}}};
	uint64_t end = VRV_HEADER_SIZE;

	vrv_pack_entry_put(b, pack, length, keys, 2, 2);
	for (int i = 0; i < 2; i++) {
		vrv_pack_frame_put(b, &frames[i], end);
		end = frames[i].offset + frames[i].stored;
	}
	vrv_pack_entry_end_put(b);
}

static int
get_frames(const uint8_t *bytes, size_t n, struct varve_err *e)
{
	struct vrv_rd r = vrv_rd_over(bytes, n);
	struct vrv_pack_entry entry;

	int rc = vrv_pack_entry_get(&r, &entry, e);
	if (rc == 0)
		rc = vrv_pack_entry_rest(&r, &entry, e);
	if (rc == 0 && !vrv_rd_done(&r))
		return vrv_fail(e, VARVE_CORRUPT, "more");
	return rc;
}

static void
test_pack_entry_round_trip(void **state)
{
	vrv_auto_buf struct vrv_buf b = {0};
	struct vrv_pack_entry entry;
	struct vrv_pack_frame frame;
	struct vrv_pack_key key;
	uint64_t end = VRV_HEADER_SIZE;

	(void)state;
	put_entry(&b, 71071);
	assert_exact(get_frames, &b);

	struct vrv_rd r = vrv_rd_over(b.data, b.len);
	assert_int_equal(vrv_pack_entry_get(&r, &entry, &err), 0);
	assert_int_equal(entry.pack[0], 0xee);
	assert_int_equal(entry.length, 71071);
	assert_int_equal(entry.n_keys, 2);
	vrv_pack_key_get(&entry, 1, &key);
	assert_int_equal(key.epoch, 0);
	assert_int_equal(key.epk[0], 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(vrv_pack_frame_get(&r, &entry, &end, &frame,
				     &err),
		    0);
		assert_int_equal(frame.kind, frames[i].kind);
		assert_int_equal(frame.key, frames[i].key);
		assert_int_equal(frame.offset, frames[i].offset);
		assert_int_equal(frame.stored, frames[i].stored);
		assert_int_equal(frame.plain, frames[i].plain);
		assert_int_equal(frame.n, frames[i].n);
		assert_int_equal(frame.m, frames[i].m);
		assert_memory_equal(frame.ids, ids, frame.n * VRV_PREFIX_SIZE);
	}
	assert_int_equal(end, 71071);
}

/* An entry whose second of three frames is `record`. */
static void
put_between(struct vrv_buf *b, const struct vrv_pack_key *keys, uint32_t n_keys,
    const uint8_t *record, size_t n)
{
	static const uint8_t pack[VRV_OBJECT_ID] = {0xee};
	struct vrv_pack_frame frame = frames[0];

	frame.key = 0;
	vrv_pack_entry_put(b, pack, 3064, keys, n_keys, 3);
	vrv_pack_frame_put(b, &frame, VRV_HEADER_SIZE);
	vrv_buf_vbytes(b, record, n);
	frame.offset = 2064;
	vrv_pack_frame_put(b, &frame, 2064);
	vrv_pack_entry_end_put(b);
}

/* The frame in the middle is later; the others are as they are without it. */
static void
assert_skipped(const struct vrv_buf *b, uint32_t n)
{
	struct vrv_rd r = vrv_rd_over(b->data, b->len);
	struct vrv_pack_entry entry;
	struct vrv_pack_frame frame[3];
	uint64_t end = VRV_HEADER_SIZE;

	assert_int_equal(vrv_pack_entry_get(&r, &entry, &err), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(vrv_pack_frame_get(&r, &entry, &end, &frame[i],
				     &err),
		    0);
	assert_false(frame[0].later);
	assert_true(frame[1].later);
	assert_int_equal(frame[1].n, n);
	assert_memory_equal(frame[1].ids, ids, n * VRV_PREFIX_SIZE);
	assert_false(frame[2].later);
	assert_int_equal(frame[2].offset, 2064);
	assert_int_equal(vrv_pack_entry_end_get(&r, &err), 0);
	assert_true(vrv_rd_done(&r));
}

static void
put_later(struct vrv_buf *b, uint8_t kind, uint64_t stored, uint32_t n)
{
	vrv_buf_u8(b, kind);
	vrv_buf_v(b, 9); /* a key that is not there */
	vrv_buf_v(b, 0);
	vrv_buf_v(b, stored);
	vrv_buf_v(b, UINT64_MAX);
	vrv_buf_v(b, n);
	vrv_buf_bytes(b, ids, (size_t)n * VRV_PREFIX_SIZE);
}

static void
test_frames_of_a_later_kind_are_skipped(void **state)
{
	static const struct vrv_pack_key key = {.epk = {1}};
	vrv_auto_buf struct vrv_buf b = {0}, record = {0};

	(void)state;
	for (unsigned kind = 0; kind < 256; kind += 3) {
		vrv_buf_clear(&b);
		vrv_buf_clear(&record);
		put_later(&record, (uint8_t)kind, 1000, kind % 5);
		vrv_buf_zero(&record, kind);
		put_between(&b, &key, 1, record.data, record.len);
		assert_skipped(&b, kind % 5);
	}
}

static void
test_what_a_later_frame_must_say(void **state)
{
	static const struct vrv_pack_key key = {.epk = {1}};
	vrv_auto_buf struct vrv_buf b = {0}, record = {0};

	(void)state;
	put_later(&record, 7, 1000, 2);
	for (size_t n = 0; n < record.len; n++) {
		vrv_buf_clear(&b);
		put_between(&b, &key, 1, record.data, n);
		assert_int_equal(verdict(get_frames, b.data, b.len),
		    VARVE_CORRUPT);
	}
	/* It ends where it says, which must be inside. */
	vrv_buf_clear(&b);
	vrv_buf_clear(&record);
	put_later(&record, 7, 2001, 2);
	put_between(&b, &key, 1, record.data, record.len);
	assert_int_equal(verdict(get_frames, b.data, b.len), VARVE_CORRUPT);
	vrv_buf_clear(&b);
	vrv_buf_clear(&record);
	put_later(&record, 7, UINT64_MAX, 2);
	put_between(&b, &key, 1, record.data, record.len);
	assert_int_equal(verdict(get_frames, b.data, b.len), VARVE_CORRUPT);
}

static void
test_frames_of_later_keys_are_skipped(void **state)
{
	static const struct vrv_pack_key keys[2][2] = {{{0, 0, {1}},
							   {1, 0, {2}}},
	    {{0, 0, {1}}, {0, 1, {2}}}};
	struct vrv_pack_frame frame = frames[0];
	vrv_auto_buf struct vrv_buf record = {0};
	struct vrv_rd r;
	size_t n;

	(void)state;
	vrv_pack_frame_put(&record, &frame, VRV_HEADER_SIZE); /* of key 1 */
	r = vrv_rd_over(record.data, record.len);
	const uint8_t *bytes = vrv_rd_vbytes(&r, &n);
	for (int i = 0; i < 2; i++) {
		vrv_auto_buf struct vrv_buf b = {0};

		put_between(&b, keys[i], 2, bytes, n);
		assert_skipped(&b, frame.n);
	}
}

static void
test_a_record_is_its_frame_and_no_more(void **state)
{
	static const struct vrv_pack_key key = {.epk = {1}};
	vrv_auto_buf struct vrv_buf b = {0}, record = {0};
	struct vrv_pack_frame frame = frames[0];

	(void)state;
	frame.key = 0;
	vrv_pack_frame_put(&record, &frame, VRV_HEADER_SIZE);
	vrv_buf_u8(&record, 0);
	put_between(&b, &key, 1, record.data + 1, record.len - 1);
	assert_int_equal(verdict(get_frames, b.data, b.len), VARVE_CORRUPT);
	vrv_buf_clear(&b);
	put_between(&b, &key, 1, record.data + 1, record.len - 2);
	assert_int_equal(verdict(get_frames, b.data, b.len), 0);
}

static int
get_index(const uint8_t *bytes, size_t n, struct varve_err *e)
{
	struct vrv_rd r = vrv_rd_over(bytes, n);
	struct vrv_index_body body;
	struct vrv_pack_entry entry;
	const uint8_t *lost;
	uint32_t n_lost;

	int rc = vrv_index_head_get(&r, &body, e);
	for (uint32_t i = 0; rc == 0 && i < body.n_entries; i++) {
		rc = vrv_pack_entry_get(&r, &entry, e);
		if (rc == 0)
			rc = vrv_pack_entry_rest(&r, &entry, e);
	}
	if (rc == 0)
		rc = vrv_index_lost_get(&r, &lost, &n_lost, e);
	if (rc == 0) {
		assert_int_equal(body.n_superseded, 2);
		assert_int_equal(n_lost, 3);
		assert_memory_equal(lost, ids, 3 * VRV_PREFIX_SIZE);
	}
	return rc;
}

static void
test_lists_at_the_end(void **state)
{
	static const uint8_t odd[] = {3, 1, 0xaa, 77, 0, 77, 0},
			     even[] = {3, 0, 4, 0}, order[] = {5, 0, 3, 0},
			     cut[] = {3, 2, 0}, twice[] = {3, 0, 3, 0};
	static const struct {
		const uint8_t *p;
		size_t n;
		int rc;
	} tails[] = {{odd, sizeof(odd), 0}, {even, sizeof(even), VARVE_FORMAT},
	    {order, sizeof(order), VARVE_CORRUPT},
	    {cut, sizeof(cut), VARVE_CORRUPT},
	    {twice, sizeof(twice), VARVE_CORRUPT}};

	(void)state;
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		vrv_auto_buf struct vrv_buf b = {0}, index = {0};

		put_entry(&b, 71071);
		b.len--;
		vrv_buf_vbytes(&b, tails[i].p, tails[i].n);
		assert_int_equal(verdict(get_frames, b.data, b.len),
		    tails[i].rc);
		vrv_index_head_put(&index, ids, 2, 0);
		vrv_index_lost_put(&index, ids, 3);
		vrv_buf_bytes(&index, tails[i].p, tails[i].n);
		assert_int_equal(verdict(get_index, index.data, index.len),
		    tails[i].rc);
	}
}

static void
test_frame_lies_inside_its_pack(void **state)
{
	vrv_auto_buf struct vrv_buf b = {0}, over = {0};

	(void)state;
	put_entry(&b, 71070); /* one byte too short */
	assert_int_equal(verdict(get_frames, b.data, b.len), VARVE_CORRUPT);
	put_entry(&over, VRV_MAX_PACK + 1);
	assert_int_equal(verdict(get_frames, over.data, over.len),
	    VARVE_CORRUPT);
}

static int
one_frame(struct vrv_pack_frame frame)
{
	vrv_auto_buf struct vrv_buf b = {0};
	static const uint8_t pack[VRV_OBJECT_ID];
	static const struct vrv_pack_key key;
	static const uint8_t many[(VRV_FRAME_CHUNKS_MAX + 1) * VRV_PREFIX_SIZE];

	frame.ids = frame.bases = many;
	vrv_pack_entry_put(&b, pack, VRV_MAX_PACK, &key, 1, 1);
	vrv_pack_frame_put(&b, &frame, VRV_HEADER_SIZE);
	vrv_pack_entry_end_put(&b);
	return verdict(get_frames, b.data, b.len);
}

static void
test_frame_entry_limits(void **state)
{
	const struct vrv_pack_frame good = {.kind = 1,
	    .offset = 64,
	    .stored = 100,
	    .plain = 100,
	    .n = 1};
	struct vrv_pack_frame f;

	(void)state;
	assert_int_equal(one_frame(good), 0);
#define WITH(field, value) (f = good, f.field = (value), one_frame(f))
	assert_int_equal(WITH(key, 1), VARVE_CORRUPT);
	assert_int_equal(WITH(offset, VRV_MAX_PACK), VARVE_CORRUPT);
	assert_int_equal(WITH(offset, UINT64_MAX), VARVE_CORRUPT);
	assert_int_equal(WITH(stored, 0), VARVE_CORRUPT);
	assert_int_equal(WITH(stored, VRV_FRAME_STORED_MIN - 1), VARVE_CORRUPT);
	assert_int_equal(WITH(stored, VRV_FRAME_STORED_MIN), 0);
	assert_int_equal(WITH(stored, VRV_FRAME_STORED_MAX), 0);
	assert_int_equal(WITH(stored, VRV_FRAME_STORED_MAX + 1), VARVE_CORRUPT);
	assert_int_equal(WITH(plain, 0), VARVE_CORRUPT);
	assert_int_equal(WITH(plain, VRV_FRAME_PLAIN_MAX), 0);
	assert_int_equal(WITH(plain, VRV_FRAME_PLAIN_MAX + 1), VARVE_CORRUPT);
	assert_int_equal(WITH(n, 0), VARVE_CORRUPT);
	assert_int_equal(WITH(n, 101), VARVE_CORRUPT); /* more than bytes */
	assert_int_equal(WITH(n, VRV_FRAME_CHUNKS_MAX + 1), VARVE_CORRUPT);
	assert_int_equal(WITH(m, VRV_FRAME_BASES_MAX), 0);
	assert_int_equal(WITH(m, VRV_FRAME_BASES_MAX + 1), VARVE_CORRUPT);
#undef WITH
}

static void
test_counts_that_cannot_follow(void **state)
{
	vrv_auto_buf struct vrv_buf b = {0}, index = {0};
	static const uint8_t pack[VRV_OBJECT_ID];
	struct vrv_index_body body;

	(void)state;
	vrv_pack_entry_put(&b, pack, 1000, NULL, 0, VRV_PACK_FRAMES_MAX);
	vrv_buf_zero(&b, 100);
	assert_int_equal(verdict(get_frames, b.data, b.len), VARVE_CORRUPT);

	vrv_index_head_put(&index, NULL, 0, 1u << 20);
	vrv_buf_zero(&index, 100);
	struct vrv_rd r = vrv_rd_over(index.data, index.len);
	assert_int_equal(vrv_index_head_get(&r, &body, &err), VARVE_CORRUPT);
}

/* --- footer, index --- */

static void
test_footer(void **state)
{
	uint8_t bytes[VRV_FOOTER_PLAIN];
	uint64_t offset = 0;
	uint32_t length = 0;

	(void)state;
	vrv_footer_put(bytes, 123456789012ull % VRV_MAX_PACK, 4711);
	assert_int_equal(vrv_footer_get(bytes, &offset, &length, &err), 0);
	assert_int_equal(offset, 123456789012ull % VRV_MAX_PACK);
	assert_int_equal(length, 4711);
	bytes[15] = 1;
	assert_int_equal(vrv_footer_get(bytes, &offset, &length, &err),
	    VARVE_FORMAT);
	vrv_footer_put(bytes, VRV_HEADER_SIZE - 1, 1);
	assert_int_equal(vrv_footer_get(bytes, &offset, &length, &err),
	    VARVE_CORRUPT);
	vrv_footer_put(bytes, VRV_MAX_PACK + 1, 1);
	assert_int_equal(vrv_footer_get(bytes, &offset, &length, &err),
	    VARVE_CORRUPT);
	assert_int_equal(length, 4711);
}

static void
test_index_body_is_exact(void **state)
{
	vrv_auto_buf struct vrv_buf b = {0};

	(void)state;
	vrv_index_head_put(&b, ids, 2, 2);
	put_entry(&b, 71071);
	put_entry(&b, 80000);
	vrv_index_lost_put(&b, ids, 3);
	assert_exact(get_index, &b);
}

static void
put_sealed(struct vrv_buf *b, uint64_t second)
{
	vrv_buf_clear(b);
	vrv_index_head_put(b, ids, 2, 2);
	put_entry(b, 71071);
	put_entry(b, second);
	vrv_index_lost_put(b, ids, 3);
}

static int
clear_verdict(const struct vrv_pack_sum *sums, uint32_t n,
    const struct vrv_buf *sealed)
{
	vrv_auto_buf struct vrv_buf b = {0};
	struct vrv_index_clear clear;

	vrv_index_clear_put(&b, sums, n);
	struct vrv_rd r = vrv_rd_over(b.data, b.len);
	assert_int_equal(vrv_index_clear_get(&r, &clear, &err), 0);
	assert_true(vrv_rd_done(&r));
	assert_int_equal(clear.n, n);
	return vrv_index_clear_check(&clear, sealed->data, sealed->len, &err);
}

static void
test_clear_part_names_what_is_sealed(void **state)
{
	struct vrv_pack_sum sums[3] = {{{0xee}, 71071, {1}},
	    {{0xee}, 80000, {2}}, {{0xee}, 80000, {3}}};
	vrv_auto_buf struct vrv_buf sealed = {0};

	(void)state;
	put_sealed(&sealed, 80000);
	assert_int_equal(clear_verdict(sums, 2, &sealed), 0);
	assert_int_equal(clear_verdict(sums, 1, &sealed), VARVE_CORRUPT);
	assert_int_equal(clear_verdict(sums, 3, &sealed), VARVE_CORRUPT);
	sealed.len--; /* all of it is looked at */
	assert_int_equal(clear_verdict(sums, 2, &sealed), VARVE_CORRUPT);
	put_sealed(&sealed, 80001);
	assert_int_equal(clear_verdict(sums, 2, &sealed), VARVE_CORRUPT);
	put_sealed(&sealed, 80000);
	sums[1].pack[15] = 1;
	assert_int_equal(clear_verdict(sums, 2, &sealed), VARVE_CORRUPT);
	/* Also in another order. */
	sums[1] = sums[0];
	sums[0] = sums[2];
	assert_int_equal(clear_verdict(sums, 2, &sealed), VARVE_CORRUPT);
}

static int
get_clear(const uint8_t *bytes, size_t n, struct varve_err *e)
{
	struct vrv_rd r = vrv_rd_over(bytes, n);
	struct vrv_index_clear clear;
	struct vrv_pack_sum sum;

	int rc = vrv_index_clear_get(&r, &clear, e);
	if (rc != 0)
		return rc;
	if (!vrv_rd_done(&r))
		return vrv_fail(e, VARVE_CORRUPT, "more");
	vrv_pack_sum_get(&clear, 1, &sum);
	assert_int_equal(sum.pack[0], 7);
	assert_int_equal(sum.length, 80000);
	assert_int_equal(sum.hash[31], 9);
	return 0;
}

static void
test_clear_part_is_exact(void **state)
{
	const struct vrv_pack_sum sums[2] = {{{0xee}, 71071, {1}},
	    {{7}, 80000, {[31] = 9}}};
	vrv_auto_buf struct vrv_buf b = {0}, over = {0};

	(void)state;
	vrv_index_clear_put(&b, sums, 2);
	assert_exact(get_clear, &b);
	vrv_buf_v(&over, UINT64_MAX);
	vrv_buf_zero(&over, 100);
	assert_int_equal(verdict(get_clear, over.data, over.len),
	    VARVE_CORRUPT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_frame_round_trip),
	    cmocka_unit_test(test_stored_frame_is_exact),
	    cmocka_unit_test(test_frame_limits),
	    cmocka_unit_test(test_pack_entry_round_trip),
	    cmocka_unit_test(test_frames_of_a_later_kind_are_skipped),
	    cmocka_unit_test(test_what_a_later_frame_must_say),
	    cmocka_unit_test(test_frames_of_later_keys_are_skipped),
	    cmocka_unit_test(test_a_record_is_its_frame_and_no_more),
	    cmocka_unit_test(test_lists_at_the_end),
	    cmocka_unit_test(test_frame_lies_inside_its_pack),
	    cmocka_unit_test(test_frame_entry_limits),
	    cmocka_unit_test(test_counts_that_cannot_follow),
	    cmocka_unit_test(test_footer),
	    cmocka_unit_test(test_index_body_is_exact),
	    cmocka_unit_test(test_clear_part_names_what_is_sealed),
	    cmocka_unit_test(test_clear_part_is_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
