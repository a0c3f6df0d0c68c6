/* SPDX-License-Identifier: BSD-2-Clause */
/* A frame of somebody who has the keys and means harm: the input is what is
 * sealed; or, if its first byte is odd, the sealed bytes themselves. */
#include "fuzz_support.h"

#include "pack/pack_internal.h"

static struct {
	bool ready;
	struct vrv_pack_keys keys;
	struct vrv_frame_keys frame;
	struct vrv_opener *opener;
	struct vrv_opened opened;
} known;

static void
make_known(void)
{
	struct vrv_key seed = {{1}};
	struct vrv_pair pair;
	struct varve_err err;

	fuzz_check(vrv_crypto_init(&err) == 0, "crypto starts");
	vrv_pair_from_seed(&pair, &seed);
	known.keys.data_public = known.keys.meta_public = pair.public;
	known.keys.data_secret = known.keys.meta_secret = pair.secret;
	known.keys.may_read = true;
	seed.b[0] = 2;
	vrv_pair_from_seed(&pair, &seed);
	fuzz_check(vrv_frame_keys_receive(&known.keys, pair.public.b,
		       &known.frame, &err) == 0,
	    "keys of a frame");
	fuzz_check(vrv_opener_new(&known.keys, &known.opener, &err) == 0,
	    "an opener");
	known.ready = true;
}

static int
give_base(void *arg, const uint8_t prefix[VRV_PREFIX_SIZE], struct vrv_buf *to,
    struct varve_err *err)
{
	(void)arg;
	for (int i = 0; i < 64; i++)
		vrv_buf_bytes(to, prefix, VRV_PREFIX_SIZE);
	return vrv_buf_check(to, err);
}

/* The directory says of the frame what its head does, where there is one. */
static struct vrv_pack_frame
describe(const uint8_t *plain, size_t n, size_t stored)
{
	static uint32_t lengths[VRV_FRAME_CHUNKS_MAX];
	static uint8_t ids[VRV_FRAME_CHUNKS_MAX * VRV_PREFIX_SIZE];
	struct vrv_pack_frame frame = {.kind = VRV_FRAME_DATA,
	    .stored = (uint32_t)stored,
	    .plain = (uint32_t)n,
	    .n = 1,
	    .ids = ids};
	struct vrv_frame_head head;
	const uint8_t *payload;
	size_t payload_n;
	struct varve_err err;
	uint32_t total;

	if (vrv_frame_head_get(plain, n, &head, lengths, &total, &payload,
		&payload_n, &err) == 0) {
		frame.plain = total;
		frame.n = head.n;
		frame.m = head.m;
		frame.bases = head.bases;
	}
	return frame;
}

static void
look(const struct vrv_pack_frame *frame)
{
	const struct vrv_opened *o = &known.opened;
	struct varve_err err;
	uint32_t bad = 0;
	size_t at = 0;

	fuzz_check(o->n == frame->n, "as many chunks as stated");
	for (uint32_t i = 0; i < o->n; i++) {
		fuzz_check(o->offsets[i] == at, "chunks back to back");
		fuzz_check(o->lengths[i] > 0, "no empty chunk");
		at += o->lengths[i];
	}
	fuzz_check(at == o->plain.len && at == frame->plain,
	    "chunks fill the frame");
	int rc = vrv_opened_check(&known.keys, frame, o, &bad, &err);
	fuzz_check(rc == 0 || (rc == VARVE_CORRUPT && bad < o->n),
	    "ids are right or wrong");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vrv_auto_buf struct vrv_buf sealed = {0};
	uint8_t aad[VRV_FRAME_AAD];
	struct varve_err err;

	if (!known.ready)
		make_known();
	if (size == 0)
		return 0;
	bool raw = (data[0] & 1) != 0;
	const uint8_t *plain = data + 1;
	size_t n = size - 1;
	if (raw) {
		vrv_buf_bytes(&sealed, plain, n);
	} else {
		vrv_frame_aad(aad, VRV_FRAME_DATA);
		uint8_t *at = vrv_buf_extend(&sealed, n + VRV_SEAL_COST);
		fuzz_check(at != NULL, "memory");
		memset(at, 7, VRV_NONCE_SIZE);
		vrv_aead_seal(at + VRV_NONCE_SIZE, plain, n, aad, sizeof(aad),
		    at, &known.frame.data);
	}
	const struct vrv_pack_frame frame = describe(plain, n, sealed.len);
	int rc = vrv_opener_open(known.opener, known.frame.epk, &frame,
	    sealed.data, sealed.len, give_base, NULL, &known.opened, &err);
	fuzz_check(!raw || rc != 0, "nobody seals without a key");
	if (rc == 0)
		look(&frame);
	return 0;
}
