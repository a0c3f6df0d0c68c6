/* SPDX-License-Identifier: BSD-2-Clause */
#include "test_pack.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"
#include "util/rd.h"

#define FRAMES 20

struct fixture {
	struct vrv_pack_keys keys;
	struct vrv_session *session;
	struct vrv_sealer *sealer;
	struct vrv_sealed *sealed[FRAMES];
	struct vrv_buf pack, entry;
	uint8_t id[VRV_OBJECT_ID];
	struct vrv_pack_sum sum;
	struct varve_err err;
};

/* A whole pack of FRAMES frames, both kinds. */
static int
set_up(void **state)
{
	static const struct vrv_compression zstd3 = {VRV_ZSTD, 3, 0};
	struct fixture *f = calloc(1, sizeof(*f));
	struct vrv_packer *packer;
	struct varve_err *err;

	assert_non_null(f);
	err = &f->err;
	test_keys(&f->keys);
	assert_int_equal(vrv_session_new(&f->keys, &f->session, err), 0);
	assert_int_equal(vrv_sealer_new(f->session, &zstd3, &f->sealer, err),
	    0);
	assert_int_equal(vrv_packer_new(&f->keys, vrv_session_epk(f->session),
			     &f->pack, &packer, err),
	    0);
	assert_int_equal(f->pack.len, VRV_HEADER_SIZE);
	for (unsigned i = 0; i < FRAMES; i++) {
		f->sealed[i] = test_seal(&f->keys, f->sealer,
		    i % 3 ? VRV_FRAME_DATA : VRV_FRAME_META, 1 + i, 900, i);
		assert_int_equal(vrv_packer_add(packer, f->sealed[i], err), 0);
		vrv_buf_bytes(&f->pack, f->sealed[i]->bytes.data,
		    f->sealed[i]->bytes.len);
		assert_int_equal(vrv_packer_size(packer), f->pack.len);
	}
	assert_int_equal(vrv_packer_frames(packer), FRAMES);
	memcpy(f->id, vrv_packer_id(packer), VRV_OBJECT_ID);
	assert_int_equal(vrv_packer_finish(packer, &f->pack, &f->entry, &f->sum,
			     err),
	    0);
	assert_int_equal(vrv_packer_size(packer), f->pack.len);
	vrv_packer_free(packer);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < FRAMES; i++)
		vrv_sealed_free(f->sealed[i]);
	vrv_buf_fini(&f->pack);
	vrv_buf_fini(&f->entry);
	vrv_sealer_free(f->sealer);
	vrv_session_free(f->session);
	free(f);
	return 0;
}

static void
test_envelope(void **state)
{
	struct fixture *f = *state;
	struct vrv_name name = {.type = VRV_PACK};
	struct vrv_header header;

	memcpy(name.id, f->id, VRV_OBJECT_ID);
	assert_int_equal(vrv_object_check(f->pack.data, f->pack.len, &name,
			     &header, &f->err),
	    0);
	assert_memory_equal(header.repository, f->keys.repository, VRV_REPO_ID);
	for (size_t i = 0; i < f->pack.len; i += 501) {
		f->pack.data[i] ^= 4;
		assert_int_not_equal(vrv_object_check(f->pack.data, f->pack.len,
					 &name, &header, &f->err),
		    0);
		f->pack.data[i] ^= 4;
	}
}

static int
find_directory(struct fixture *f, uint64_t *offset, uint32_t *n)
{
	return vrv_pack_find_directory(&f->keys, f->pack.data,
	    f->pack.data + f->pack.len - VRV_PACK_TAIL, VRV_PACK_TAIL,
	    f->pack.len, offset, n, &f->err);
}

/* Anyone can check the pack by what an index object says of it. */
static void
test_sum(void **state)
{
	struct fixture *f = *state;
	uint8_t hash[VRV_PACK_HASH];

	vrv_blake2b(hash, sizeof(hash), NULL, f->pack.data, f->pack.len);
	assert_memory_equal(f->sum.hash, hash, sizeof(hash));
	assert_memory_equal(f->sum.pack, f->id, VRV_OBJECT_ID);
	assert_int_equal(f->sum.length, f->pack.len);
}

static void
test_directory(void **state)
{
	struct fixture *f = *state;
	struct vrv_opener *opener;
	struct vrv_opened opened = {0};
	struct vrv_buf entry = {0};
	struct vrv_pack_entry fixed;
	struct vrv_pack_key key;
	uint64_t offset, prev_end = VRV_HEADER_SIZE;
	uint32_t n;

	assert_int_equal(find_directory(f, &offset, &n), 0);
	assert_int_equal(vrv_pack_open_directory(&f->keys, f->pack.data,
			     f->pack.data + offset, n, &entry, &f->err),
	    0);
	assert_int_equal(entry.len, f->entry.len);
	assert_memory_equal(entry.data, f->entry.data, entry.len);

	struct vrv_rd r = vrv_rd_over(entry.data, entry.len);
	assert_int_equal(vrv_pack_entry_get(&r, &fixed, &f->err), 0);
	assert_memory_equal(fixed.pack, f->id, VRV_OBJECT_ID);
	assert_int_equal(fixed.length, f->pack.len);
	assert_int_equal(fixed.n_frames, FRAMES);
	assert_int_equal(fixed.n_keys, 1);
	vrv_pack_key_get(&fixed, 0, &key);
	assert_memory_equal(key.epk, vrv_session_epk(f->session), VRV_KEY_SIZE);
	assert_int_equal(vrv_opener_new(&f->keys, &opener, &f->err), 0);
	for (unsigned i = 0; i < FRAMES; i++) {
		struct vrv_pack_frame frame;
		assert_int_equal(vrv_pack_frame_get(&r, &fixed, &prev_end,
				     &frame, &f->err),
		    0);
		assert_int_equal(vrv_opener_open(opener, key.epk, &frame,
				     f->pack.data + frame.offset, frame.stored,
				     NULL, NULL, &opened, &f->err),
		    0);
		assert_int_equal(vrv_opened_check(&f->keys, &frame, &opened,
				     NULL, &f->err),
		    0);
	}
	assert_int_equal(vrv_pack_entry_end_get(&r, &f->err), 0);
	assert_true(vrv_rd_done(&r));
	assert_int_equal(prev_end, offset);
	vrv_opener_free(opener);
	vrv_opened_fini(&opened);
	vrv_buf_fini(&entry);
}

/* A larger tail than needed is fine; a smaller, or another length, is not. */
static void
test_tails(void **state)
{
	struct fixture *f = *state;
	const uint8_t *pack = f->pack.data;
	size_t n = f->pack.len;
	uint64_t offset = 7;
	uint32_t len = 7;

	assert_int_equal(vrv_pack_find_directory(&f->keys, pack, pack, n, n,
			     &offset, &len, &f->err),
	    0);
	offset = len = 7;
	assert_int_equal(vrv_pack_find_directory(&f->keys, pack,
			     pack + n - VRV_PACK_TAIL, VRV_PACK_TAIL, n + 1,
			     &offset, &len, &f->err),
	    VARVE_CORRUPT);
	assert_int_equal(vrv_pack_find_directory(&f->keys, pack,
			     pack + n - VRV_PACK_TAIL + 1, VRV_PACK_TAIL - 1, n,
			     &offset, &len, &f->err),
	    VARVE_CORRUPT);
	assert_int_equal(vrv_pack_find_directory(&f->keys, pack,
			     pack + n - VRV_PACK_TAIL, VRV_PACK_TAIL,
			     VRV_PACK_TAIL, &offset, &len, &f->err),
	    VARVE_CORRUPT);
	f->pack.data[3] ^= 1;
	assert_int_equal(find_directory(f, &offset, &len), VARVE_AUTH);
	f->pack.data[3] ^= 1;
	for (size_t i = n - VRV_PACK_TAIL; i < n - VRV_TRAILER_SIZE; i++) {
		f->pack.data[i] ^= 1;
		assert_int_equal(find_directory(f, &offset, &len), VARVE_AUTH);
		f->pack.data[i] ^= 1;
	}
	assert_int_equal(offset, 7);
	assert_int_equal(len, 7);
}

static void
test_damaged_directory(void **state)
{
	struct fixture *f = *state;
	struct vrv_buf entry = {0};
	uint8_t header[VRV_HEADER_SIZE];
	uint64_t offset;
	uint32_t n;

	assert_int_equal(find_directory(f, &offset, &n), 0);
	uint8_t *at = f->pack.data + offset;
	for (uint32_t i = 0; i < n; i += 13) {
		at[i] ^= 0x80;
		assert_int_not_equal(vrv_pack_open_directory(&f->keys,
					 f->pack.data, at, n, &entry, &f->err),
		    0);
		at[i] ^= 0x80;
	}
	assert_int_not_equal(vrv_pack_open_directory(&f->keys, f->pack.data, at,
				 n - 1, &entry, &f->err),
	    0);
	assert_int_not_equal(vrv_pack_open_directory(&f->keys, f->pack.data, at,
				 n + 1, &entry, &f->err),
	    0);
	/* It belongs to this pack alone. */
	memcpy(header, f->pack.data, sizeof(header));
	header[VRV_HEADER_SIZE - 1] ^= 1;
	assert_int_equal(vrv_pack_open_directory(&f->keys, header, at, n,
			     &entry, &f->err),
	    VARVE_AUTH);
	vrv_buf_fini(&entry);
}

static void
test_padding_bound(void **state)
{
	(void)state;
	for (uint64_t n = 200; n < VRV_MAX_PACK; n += n / 7 + 1) {
		uint64_t bound = vrv_pack_pad_bound(n);
		assert_true(bound <= n / 8);
		assert_true(bound > n / 16 || bound == VRV_PACK_PAD_MAX);
		assert_int_equal(bound & (bound - 1), 0);
	}
	assert_int_equal(vrv_pack_pad_bound(1023), 64);
	assert_int_equal(vrv_pack_pad_bound(1024), 128);
	assert_int_equal(vrv_pack_pad_bound(32u << 20), VRV_PACK_PAD_MAX);
}

/* Packs of one payload differ in length, and reach both ends of the range. */
static void
test_padding_random(void **state)
{
	struct fixture *f = *state;
	size_t low = SIZE_MAX, high = 0;
	uint64_t offset = 0;
	uint32_t n = 0;

	for (int i = 0; i < 1000; i++) {
		struct vrv_packer *packer;
		struct vrv_buf out = {0}, entry = {0};
		assert_int_equal(vrv_packer_new(&f->keys,
				     vrv_session_epk(f->session), &out, &packer,
				     &f->err),
		    0);
		assert_int_equal(vrv_packer_finish(packer, &out, &entry,
				     &f->sum, &f->err),
		    0);
		vrv_packer_free(packer);
		assert_int_equal(vrv_pack_find_directory(&f->keys, out.data,
				     out.data, out.len, out.len, &offset, &n,
				     &f->err),
		    0);
		low = vrv_min(low, out.len);
		high = vrv_max(high, out.len);
		vrv_buf_fini(&out);
		vrv_buf_fini(&entry);
	}
	size_t bare = (size_t)offset + n + VRV_PACK_TAIL;
	size_t bound = (size_t)vrv_pack_pad_bound(bare);
	assert_in_range(low, bare, bare + bound / 8);
	assert_in_range(high, bare + bound - bound / 8, bare + bound - 1);
}

static void
test_empty(void **state)
{
	struct fixture *f = *state;
	struct vrv_packer *packer;
	struct vrv_buf out = {0}, entry = {0};
	uint64_t offset;
	uint32_t n;

	assert_int_equal(vrv_packer_new(&f->keys, vrv_session_epk(f->session),
			     &out, &packer, &f->err),
	    0);
	assert_memory_not_equal(vrv_packer_id(packer), f->id, VRV_OBJECT_ID);
	assert_int_equal(vrv_packer_finish(packer, &out, &entry, &f->sum,
			     &f->err),
	    0);
	vrv_packer_free(packer);
	assert_int_equal(vrv_pack_find_directory(&f->keys, out.data, out.data,
			     out.len, out.len, &offset, &n, &f->err),
	    0);
	assert_int_equal(offset, VRV_HEADER_SIZE);
	size_t bare = (size_t)offset + n + VRV_PACK_TAIL;
	assert_in_range(out.len, bare, bare + vrv_pack_pad_bound(bare) - 1);
	vrv_buf_fini(&out);
	vrv_buf_fini(&entry);
}

/* As many frames as a pack may have, and one more. */
static void
test_full(void **state)
{
	struct fixture *f = *state;
	uint8_t bytes[VRV_FRAME_STORED_MIN] = {1}, id[VRV_PREFIX_SIZE] = {1};
	struct vrv_sealed tiny = {VRV_FRAME_DATA, 1, 1,
	    {bytes, sizeof(bytes), sizeof(bytes), false}, id};
	struct vrv_packer *packer;
	struct vrv_buf out = {0}, entry = {0};

	assert_int_equal(vrv_packer_new(&f->keys, vrv_session_epk(f->session),
			     &out, &packer, &f->err),
	    0);
	for (uint32_t i = 0; i < VRV_PACK_FRAMES_MAX; i++) {
		int rc = vrv_packer_add(packer, &tiny, &f->err);
		if (rc != 0)
			fail();
	}
	uint64_t size = vrv_packer_size(packer);
	assert_int_equal(vrv_packer_add(packer, &tiny, &f->err), VARVE_LIMIT);
	assert_int_equal(vrv_packer_size(packer), size);
	assert_int_equal(vrv_packer_frames(packer), VRV_PACK_FRAMES_MAX);
	assert_int_equal(vrv_packer_finish(packer, &out, &entry, &f->sum,
			     &f->err),
	    0);
	vrv_packer_free(packer);
	vrv_buf_fini(&out);
	vrv_buf_fini(&entry);
}

int
test_packer(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(test_envelope),
	    T(test_sum),
	    T(test_directory),
	    T(test_tails),
	    T(test_damaged_directory),
	    T(test_empty),
	    T(test_full),
	    cmocka_unit_test(test_padding_bound),
	    T(test_padding_random),
	};
#undef T
	return cmocka_run_group_tests_name("packs", tests, NULL, NULL);
}
