/* SPDX-License-Identifier: BSD-2-Clause */
#include "test_pack.h"

#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"

struct fixture {
	struct vrv_pack_keys keys;
	struct vrv_session *session;
	struct vrv_sealer *sealer;
	struct vrv_opener *opener;
	struct vrv_opened opened;
	struct varve_err err;
};

static const struct vrv_compression zstd3 = {VRV_ZSTD, 3, 0};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	test_keys(&f->keys);
	assert_int_equal(vrv_session_new(&f->keys, &f->session, &f->err), 0);
	assert_int_equal(vrv_sealer_new(f->session, &zstd3, &f->sealer,
			     &f->err),
	    0);
	assert_int_equal(vrv_opener_new(&f->keys, &f->opener, &f->err), 0);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	vrv_opened_fini(&f->opened);
	vrv_opener_free(f->opener);
	vrv_sealer_free(f->sealer);
	vrv_session_free(f->session);
	free(f);
	return 0;
}

static int
open_sealed(struct fixture *f, const struct vrv_sealed *sealed,
    const struct vrv_pack_frame *frame)
{
	return vrv_opener_open(f->opener, vrv_session_epk(f->session), frame,
	    sealed->bytes.data, sealed->bytes.len, NULL, NULL, &f->opened,
	    &f->err);
}

static void
round_trip(struct fixture *f, enum vrv_frame_kind kind, uint32_t n,
    uint32_t length)
{
	struct vrv_sealed *sealed =
	    test_seal(&f->keys, f->sealer, kind, n, length, 7);
	struct vrv_pack_frame frame = test_frame(sealed);
	uint8_t *plain = test_text((size_t)n * length, 7);

	assert_int_equal(open_sealed(f, sealed, &frame), 0);
	assert_int_equal(f->opened.n, n);
	assert_int_equal(f->opened.plain.len, (size_t)n * length);
	assert_memory_equal(f->opened.plain.data, plain, (size_t)n * length);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(f->opened.lengths[i], length);
		assert_int_equal(f->opened.offsets[i], i * length);
	}
	assert_int_equal(vrv_opened_check(&f->keys, &frame, &f->opened, NULL,
			     &f->err),
	    0);
	free(plain);
	vrv_sealed_free(sealed);
}

static void
test_round_trips(void **state)
{
	struct fixture *f = *state;

	round_trip(f, VRV_FRAME_DATA, 1, 1);
	round_trip(f, VRV_FRAME_META, 3, 1000);
	round_trip(f, VRV_FRAME_DATA, VRV_FRAME_CHUNKS_MAX, 64);
	round_trip(f, VRV_FRAME_DATA, 1, (uint32_t)VRV_FRAME_PLAIN_MAX);
	round_trip(f, VRV_FRAME_DATA, 2, 5);
}

/* It shrinks, and holds no plaintext. */
static void
test_sealed_bytes(void **state)
{
	struct fixture *f = *state;
	struct vrv_sealed *sealed =
	    test_seal(&f->keys, f->sealer, VRV_FRAME_DATA, 4, 4000, 1);

	assert_true(sealed->bytes.len < 12000);
	assert_int_equal(sealed->bytes.len, sealed->bytes.cap);
	assert_int_equal(sealed->plain, 16000);
	assert_null(memmem(sealed->bytes.data, sealed->bytes.len, sealed->ids,
	    VRV_PREFIX_SIZE));
	vrv_sealed_free(sealed);
}

/* The nonce is a function of what is sealed, kind included, and of the
 * session. */
static void
test_nonces(void **state)
{
	struct fixture *f = *state;
	struct vrv_session *other;
	struct vrv_sealer *sealer;

	assert_int_equal(vrv_session_new(&f->keys, &other, &f->err), 0);
	assert_int_equal(vrv_sealer_new(other, &zstd3, &sealer, &f->err), 0);
	struct vrv_sealed *s[] = {
	    test_seal(&f->keys, f->sealer, VRV_FRAME_DATA, 2, 100, 1),
	    test_seal(&f->keys, f->sealer, VRV_FRAME_DATA, 2, 100, 1),
	    test_seal(&f->keys, f->sealer, VRV_FRAME_META, 2, 100, 1),
	    test_seal(&f->keys, f->sealer, VRV_FRAME_DATA, 2, 100, 2),
	    test_seal(&f->keys, f->sealer, VRV_FRAME_DATA, 4, 50, 1),
	    test_seal(&f->keys, sealer, VRV_FRAME_DATA, 2, 100, 1),
	};

	assert_memory_equal(s[0]->bytes.data, s[1]->bytes.data,
	    s[0]->bytes.len);
	for (size_t i = 2; i < 6; i++) {
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(s[i]->bytes.data,
			    s[j == 1 ? 0 : j]->bytes.data, VRV_NONCE_SIZE);
	}
	for (size_t i = 0; i < 6; i++)
		vrv_sealed_free(s[i]);
	vrv_sealer_free(sealer);
	vrv_session_free(other);
}

static void
test_refused_input(void **state)
{
	struct fixture *f = *state;
	uint32_t lengths[2] = {0};
	uint8_t ids[2 * VRV_ID_SIZE] = {0}, plain[2] = {0};
	struct vrv_sealed *sealed = NULL;

	assert_int_equal(vrv_sealer_seal(f->sealer, VRV_FRAME_DATA, plain,
			     lengths, ids, 0, &sealed, &f->err),
	    VARVE_USAGE);
	assert_int_equal(vrv_sealer_seal(f->sealer, VRV_FRAME_DATA, plain,
			     lengths, ids, 1, &sealed, &f->err),
	    VARVE_USAGE);
	assert_int_equal(vrv_sealer_seal(f->sealer, VRV_FRAME_DATA, plain,
			     lengths, ids, VRV_FRAME_CHUNKS_MAX + 1, &sealed,
			     &f->err),
	    VARVE_USAGE);
	lengths[0] = (uint32_t)VRV_FRAME_PLAIN_MAX;
	lengths[1] = 1;
	assert_int_equal(vrv_sealer_seal(f->sealer, VRV_FRAME_DATA, plain,
			     lengths, ids, 2, &sealed, &f->err),
	    VARVE_USAGE);
	assert_null(sealed);
}

/* Every bit of a frame matters. */
static void
test_damage(void **state)
{
	struct fixture *f = *state;
	struct vrv_sealed *sealed =
	    test_seal(&f->keys, f->sealer, VRV_FRAME_DATA, 3, 50, 1);
	struct vrv_pack_frame frame = test_frame(sealed);

	for (size_t i = 0; i < sealed->bytes.len; i++) {
		sealed->bytes.data[i] ^= 0x10;
		assert_int_equal(open_sealed(f, sealed, &frame), VARVE_AUTH);
		sealed->bytes.data[i] ^= 0x10;
	}
	assert_int_equal(open_sealed(f, sealed, &frame), 0);
	vrv_sealed_free(sealed);
}

static void
test_other_description(void **state)
{
	struct fixture *f = *state;
	struct vrv_sealed *sealed =
	    test_seal(&f->keys, f->sealer, VRV_FRAME_DATA, 3, 50, 1);
	const struct vrv_pack_frame right = test_frame(sealed);
	struct vrv_pack_frame frame = right;
	uint8_t base[VRV_PREFIX_SIZE] = {0};

	frame.kind = VRV_FRAME_META;
	assert_int_equal(open_sealed(f, sealed, &frame), VARVE_AUTH);
	frame = right;
	frame.n = 2;
	assert_int_equal(open_sealed(f, sealed, &frame), VARVE_CORRUPT);
	assert_int_equal(f->opened.n, 0);
	frame = right;
	frame.plain++;
	assert_int_equal(open_sealed(f, sealed, &frame), VARVE_CORRUPT);
	frame = right;
	frame.stored--;
	assert_int_equal(open_sealed(f, sealed, &frame), VARVE_CORRUPT);
	frame = right;
	frame.plain = (uint32_t)VRV_FRAME_PLAIN_MAX + 1;
	assert_int_equal(open_sealed(f, sealed, &frame), VARVE_CORRUPT);
	frame = right;
	frame.kind = 9;
	assert_int_equal(open_sealed(f, sealed, &frame), VARVE_FORMAT);
	frame = right;
	frame.m = 1;
	frame.bases = base;
	assert_int_equal(open_sealed(f, sealed, &frame), VARVE_NOTSUP);
	vrv_sealed_free(sealed);
}

static void
test_other_keys(void **state)
{
	struct fixture *f = *state;
	struct vrv_sealed *sealed =
	    test_seal(&f->keys, f->sealer, VRV_FRAME_DATA, 3, 50, 1);
	struct vrv_pack_frame frame = test_frame(sealed);
	struct vrv_opener *opener;

	f->keys.repository[0] ^= 1;
	assert_int_equal(open_sealed(f, sealed, &frame), VARVE_AUTH);
	f->keys.repository[0] ^= 1;
	/* The wrong frame key is remembered by this opener. */
	assert_int_equal(vrv_opener_new(&f->keys, &opener, &f->err), 0);
	vrv_opener_free(f->opener);
	f->opener = opener;
	f->keys.may_read = false;
	assert_int_equal(open_sealed(f, sealed, &frame), VARVE_AUTH);
	f->keys.may_read = true;
	assert_int_equal(open_sealed(f, sealed, &frame), 0);
	vrv_sealed_free(sealed);
}

/* More ephemeral keys than an opener remembers, met again and again. */
static void
test_many_sessions(void **state)
{
	enum {
		N = 40
	};
	struct fixture *f = *state;
	struct vrv_session *sessions[N];
	struct vrv_sealed *sealed[N];

	for (unsigned i = 0; i < N; i++) {
		struct vrv_sealer *sealer;
		assert_int_equal(vrv_session_new(&f->keys, &sessions[i],
				     &f->err),
		    0);
		assert_int_equal(vrv_sealer_new(sessions[i], &zstd3, &sealer,
				     &f->err),
		    0);
		sealed[i] = test_seal(&f->keys, sealer,
		    i % 2 ? VRV_FRAME_META : VRV_FRAME_DATA, 2, 30, i);
		vrv_sealer_free(sealer);
	}
	for (unsigned k = 0; k < 200; k++) {
		unsigned i = k * 7 % N;
		struct vrv_pack_frame frame = test_frame(sealed[i]);
		assert_int_equal(vrv_opener_open(f->opener,
				     vrv_session_epk(sessions[i]), &frame,
				     sealed[i]->bytes.data,
				     sealed[i]->bytes.len, NULL, NULL,
				     &f->opened, &f->err),
		    0);
		assert_int_equal(vrv_opened_check(&f->keys, &frame, &f->opened,
				     NULL, &f->err),
		    0);
	}
	for (unsigned i = 0; i < N; i++) {
		vrv_sealed_free(sealed[i]);
		vrv_session_free(sessions[i]);
	}
}

static void
test_wrong_id(void **state)
{
	struct fixture *f = *state;
	struct vrv_sealed *sealed =
	    test_seal(&f->keys, f->sealer, VRV_FRAME_DATA, 3, 50, 1);
	struct vrv_pack_frame frame = test_frame(sealed);
	uint32_t bad = 99;

	assert_int_equal(open_sealed(f, sealed, &frame), 0);
	sealed->ids[2 * VRV_PREFIX_SIZE + 15] ^= 1;
	assert_int_equal(vrv_opened_check(&f->keys, &frame, &f->opened, &bad,
			     &f->err),
	    VARVE_CORRUPT);
	assert_int_equal(bad, 2);
	vrv_sealed_free(sealed);
}

/* --- bases: sealed here by hand --- */

/* A frame of one chunk that is compressed against `base`. The key is got from
 * the KEM with a pair of the test's own. */
static void
seal_delta(struct fixture *f, const struct vrv_pair *pair,
    const uint8_t *prefix_id, const uint8_t *base, size_t base_n,
    const uint8_t *plain, uint32_t n, struct vrv_buf *out)
{
	struct vrv_frame_head head = {.codec = VRV_ZSTD,
	    .n = 1,
	    .m = 1,
	    .lengths = &n,
	    .bases = prefix_id};
	struct vrv_kem kem = {f->keys.repository, &f->keys.psk,
	    &f->keys.data_public, 0, 0, VRV_KEM_DATA};
	struct vrv_encoder *encoder = vrv_encoder_new();
	struct vrv_buf frame = {0};
	struct vrv_key key;
	enum vrv_codec codec;
	size_t payload_n;
	uint8_t nonce[VRV_NONCE_SIZE] = {1};

	assert_non_null(encoder);
	vrv_frame_head_put(&frame, &head);
	size_t at = frame.len;
	uint8_t *payload = vrv_buf_extend(&frame, vrv_encode_bound(n));
	assert_non_null(payload);
	assert_int_equal(vrv_encode(encoder, &zstd3, plain, n, base, base_n,
			     payload, &payload_n, &codec, &f->err),
	    0);
	assert_int_equal(codec, VRV_ZSTD);
	frame.len = at + payload_n;
	assert_int_equal(vrv_kem_send(&key, &kem, pair, &f->err), 0);
	vrv_buf_bytes(out, nonce, sizeof(nonce));
	uint8_t *to = vrv_buf_extend(out, frame.len + VRV_MAC_SIZE);
	assert_non_null(to);
	vrv_aead_seal(to, frame.data, frame.len, "VF\1\1", 4, nonce, &key);
	vrv_buf_fini(&frame);
	vrv_encoder_free(encoder);
}

struct base_arg {
	struct fixture *f;
	const struct vrv_sealed *sealed; /* the base's frame */
	struct vrv_pack_frame frame;
	uint8_t wanted[VRV_PREFIX_SIZE];
	unsigned calls;
};

/* Reads the base with the very opener that asks for it. */
static int
give_base(void *arg, const uint8_t prefix[VRV_PREFIX_SIZE], struct vrv_buf *to,
    struct varve_err *err)
{
	struct base_arg *base = arg;
	struct vrv_opened opened = {0};

	base->calls++;
	memcpy(base->wanted, prefix, VRV_PREFIX_SIZE);
	int rc =
	    vrv_opener_open(base->f->opener, vrv_session_epk(base->f->session),
		&base->frame, base->sealed->bytes.data, base->sealed->bytes.len,
		give_base, arg, &opened, err);
	if (rc == 0)
		vrv_buf_bytes(to, opened.plain.data, opened.plain.len);
	vrv_opened_fini(&opened);
	return rc;
}

static void
test_bases(void **state)
{
	struct fixture *f = *state;
	struct vrv_sealed *sealed =
	    test_seal(&f->keys, f->sealer, VRV_FRAME_DATA, 1, 50000, 3);
	struct base_arg base = {f, sealed, test_frame(sealed), {0}, 0};
	uint8_t *plain = test_text(50000, 3);
	struct vrv_key seed = {{9}};
	struct vrv_pair pair;
	struct vrv_buf stored = {0};
	struct vrv_opened opened = {0};

	vrv_pair_from_seed(&pair, &seed);
	uint8_t *old = test_text(50000, 3);
	memcpy(plain + 100, "changed", 7);
	seal_delta(f, &pair, sealed->ids, old, 50000, plain, 50000, &stored);
	assert_true(stored.len < 400);
	struct vrv_pack_frame frame = {.kind = VRV_FRAME_DATA,
	    .stored = (uint32_t)stored.len,
	    .plain = 50000,
	    .n = 1,
	    .m = 1,
	    .bases = sealed->ids};
	assert_int_equal(vrv_opener_open(f->opener, pair.public.b, &frame,
			     stored.data, stored.len, give_base, &base, &opened,
			     &f->err),
	    0);
	assert_int_equal(base.calls, 1);
	assert_memory_equal(base.wanted, sealed->ids, VRV_PREFIX_SIZE);
	assert_memory_equal(opened.plain.data, plain, 50000);

	/* A base that claims a base of its own. */
	base.frame.m = 1;
	base.frame.bases = sealed->ids;
	assert_int_equal(vrv_opener_open(f->opener, pair.public.b, &frame,
			     stored.data, stored.len, give_base, &base, &opened,
			     &f->err),
	    VARVE_CORRUPT);
	assert_int_equal(base.calls, 2);
	assert_int_equal(opened.n, 0);
	free(old);
	free(plain);
	vrv_buf_fini(&stored);
	vrv_opened_fini(&opened);
	vrv_sealed_free(sealed);
}

int
test_pack_frames(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(test_round_trips),
	    T(test_sealed_bytes),
	    T(test_nonces),
	    T(test_refused_input),
	    T(test_damage),
	    T(test_other_description),
	    T(test_other_keys),
	    T(test_many_sessions),
	    T(test_wrong_id),
	    T(test_bases),
	};
#undef T
	return cmocka_run_group_tests_name("frames", tests, NULL, NULL);
}
