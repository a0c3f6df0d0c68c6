/* SPDX-License-Identifier: BSD-2-Clause */
#include "pack/pack.h"

#include <stdlib.h>
#include <string.h>

#include "pack/pack_internal.h"
#include "util/hash.h"
#include "util/mem.h"

struct vrv_session {
	struct vrv_frame_keys keys;
	struct vrv_key nonce;
};

struct vrv_sealer {
	const struct vrv_session *session;
	struct vrv_compression compression;
	struct vrv_encoder *encoder;
	struct vrv_decoder *decoder;
	struct vrv_buf frame; /* plaintext of the frame, then opened again */
	struct vrv_buf check; /* its chunks, decompressed again */
	uint32_t *lengths;    /* VRV_FRAME_CHUNKS_MAX */
};

int
vrv_session_new(const struct vrv_pack_keys *keys, struct vrv_session **ret,
    struct varve_err *err)
{
	vrv_auto_secret struct vrv_session *session =
	    vrv_secret_new(sizeof(*session));
	vrv_auto_secret struct vrv_pair *pair = vrv_secret_new(sizeof(*pair));
	vrv_auto_key seed = {0};

	vrv_random(seed.b, sizeof(seed.b));
	if (session == NULL || pair == NULL)
		return VRV_NOMEM(err, "the session's keys");
	vrv_pair_from_seed(pair, &seed);
	vrv_random(session->nonce.b, sizeof(session->nonce.b));
	int rc = vrv_frame_keys_send(keys, pair, &session->keys, err);
	if (rc != 0)
		return rc;
	*ret = vrv_steal(&session);
	return 0;
}

void
vrv_session_free(struct vrv_session *session)
{
	vrv_secret_free(session);
}

const uint8_t *
vrv_session_epk(const struct vrv_session *session)
{
	return session->keys.epk;
}

void
vrv_sealed_free(struct vrv_sealed *sealed)
{
	if (sealed == NULL)
		return;
	vrv_buf_fini(&sealed->bytes);
	free(sealed->ids);
	free(sealed);
}

int
vrv_sealer_new(const struct vrv_session *session,
    const struct vrv_compression *compression, struct vrv_sealer **ret,
    struct varve_err *err)
{
	struct vrv_sealer *sealer = calloc(1, sizeof(*sealer));

	if (sealer == NULL)
		return VRV_NOMEM(err, "a sealer");
	sealer->session = session;
	sealer->compression = *compression;
	sealer->encoder = vrv_encoder_new();
	sealer->decoder = vrv_decoder_new();
	sealer->lengths =
	    vrv_alloc_array(VRV_FRAME_CHUNKS_MAX, sizeof(*sealer->lengths));
	if (sealer->encoder == NULL || sealer->decoder == NULL ||
	    sealer->lengths == NULL) {
		vrv_sealer_free(sealer);
		return VRV_NOMEM(err, "a sealer");
	}
	*ret = sealer;
	return 0;
}

void
vrv_sealer_free(struct vrv_sealer *sealer)
{
	if (sealer == NULL)
		return;
	vrv_encoder_free(sealer->encoder);
	vrv_decoder_free(sealer->decoder);
	vrv_buf_fini(&sealer->frame);
	vrv_buf_fini(&sealer->check);
	free(sealer->lengths);
	free(sealer);
}

static int
plain_size(const uint32_t *lengths, uint32_t n, uint32_t *ret,
    struct varve_err *err)
{
	uint64_t total = 0;

	if (n == 0 || n > VRV_FRAME_CHUNKS_MAX)
		return vrv_fail(err, VARVE_USAGE, "%u chunks in a frame", n);
	for (uint32_t i = 0; i < n; i++) {
		if (lengths[i] == 0)
			return vrv_fail(err, VARVE_USAGE, "an empty chunk");
		total += lengths[i];
	}
	if (total > VRV_FRAME_PLAIN_MAX)
		return vrv_fail(err, VARVE_USAGE, "a frame of %llu bytes",
		    (unsigned long long)total);
	*ret = (uint32_t)total;
	return 0;
}

/* Head and payload to sealer->frame. */
static int
encode(struct vrv_sealer *sealer, const uint8_t *plain, uint32_t total,
    const uint32_t *lengths, uint32_t n, struct varve_err *err)
{
	struct vrv_frame_head head = {.n = n, .lengths = lengths};
	struct vrv_buf *frame = &sealer->frame;
	enum vrv_codec codec;
	size_t payload_n;

	vrv_buf_clear(frame);
	vrv_frame_head_put(frame, &head);
	size_t head_n = frame->len;
	uint8_t *payload = vrv_buf_extend(frame, vrv_encode_bound(total));
	if (payload == NULL)
		return vrv_buf_check(frame, err);
	int rc = vrv_encode(sealer->encoder, &sealer->compression, plain, total,
	    NULL, 0, payload, &payload_n, &codec, err);
	if (rc != 0)
		return rc;
	frame->len = head_n + payload_n;
	/* The codec, known only now, is the head's first byte. */
	frame->data[0] = (uint8_t)codec;
	return 0;
}

/* The nonce is made from all that goes in: two frames have the same one only
 * if they are the same, even on a machine cloned in the middle of a run. */
static void
make_nonce(const struct vrv_sealer *sealer, enum vrv_frame_kind kind,
    const uint8_t *ids, uint32_t n, uint8_t out[VRV_NONCE_SIZE])
{
	uint8_t kind_byte = (uint8_t)kind;
	uint8_t sum[VRV_XXH_SIZE];
	struct vrv_part parts[] = {{&kind_byte, 1}, {sum, sizeof(sum)},
	    {ids, (size_t)n * VRV_ID_SIZE}};

	vrv_xxh(sum, sealer->frame.data, sealer->frame.len);
	vrv_blake2b_parts(out, VRV_NONCE_SIZE, &sealer->session->nonce, parts,
	    sizeof(parts) / sizeof(parts[0]));
}

static struct vrv_sealed *
sealed_new(enum vrv_frame_kind kind, uint32_t total, const uint8_t *ids,
    uint32_t n, size_t stored)
{
	struct vrv_sealed *sealed = calloc(1, sizeof(*sealed));

	if (sealed == NULL)
		return NULL;
	sealed->kind = kind;
	sealed->plain = total;
	sealed->n = n;
	/* Exactly as long as it must be: many of these wait in queues. */
	sealed->bytes.data = malloc(stored);
	sealed->bytes.len = sealed->bytes.cap = stored;
	sealed->ids = vrv_alloc_array(n, VRV_PREFIX_SIZE);
	if (sealed->bytes.data == NULL || sealed->ids == NULL) {
		vrv_sealed_free(sealed);
		return NULL;
	}
	for (uint32_t i = 0; i < n; i++)
		memcpy(sealed->ids + (size_t)i * VRV_PREFIX_SIZE,
		    ids + (size_t)i * VRV_ID_SIZE, VRV_PREFIX_SIZE);
	return sealed;
}

/* Open it as a reader would; sealer->frame is written over. */
static int
verify(struct vrv_sealer *sealer, const struct vrv_sealed *sealed,
    const uint8_t *plain, const uint32_t *lengths, struct varve_err *err)
{
	uint8_t aad[VRV_FRAME_AAD];
	struct vrv_frame_head head;
	const uint8_t *payload;
	size_t payload_n;
	uint32_t total;

	vrv_frame_aad(aad, sealed->kind);
	int rc = vrv_aead_open(sealer->frame.data,
	    sealed->bytes.data + VRV_NONCE_SIZE,
	    sealed->bytes.len - VRV_NONCE_SIZE, aad, sizeof(aad),
	    sealed->bytes.data,
	    vrv_frame_key(&sealer->session->keys, sealed->kind), err);
	if (rc != 0)
		return rc;
	rc = vrv_frame_head_get(sealer->frame.data,
	    sealed->bytes.len - VRV_SEAL_COST, &head, sealer->lengths, &total,
	    &payload, &payload_n, err);
	if (rc != 0)
		return rc;
	if (head.n != sealed->n || head.m != 0 || total != sealed->plain ||
	    memcmp(sealer->lengths, lengths, head.n * sizeof(*lengths)) != 0)
		return vrv_fail(err, VARVE_CORRUPT, "the lengths differ");
	vrv_buf_clear(&sealer->check);
	uint8_t *again = vrv_buf_extend(&sealer->check, vrv_max(total, 1));
	if (again == NULL)
		return vrv_buf_check(&sealer->check, err);
	rc = vrv_decode(sealer->decoder, head.codec, payload, payload_n, NULL,
	    0, again, total, err);
	if (rc != 0)
		return rc;
	if (memcmp(again, plain, total) != 0)
		return vrv_fail(err, VARVE_CORRUPT, "the bytes differ");
	return 0;
}

int
vrv_sealer_seal(struct vrv_sealer *sealer, enum vrv_frame_kind kind,
    const uint8_t *plain, const uint32_t *lengths, const uint8_t *ids,
    uint32_t n, struct vrv_sealed **ret, struct varve_err *err)
{
	uint8_t aad[VRV_FRAME_AAD];
	uint32_t total = 0;

	int rc = plain_size(lengths, n, &total, err);
	if (rc == 0)
		rc = encode(sealer, plain, total, lengths, n, err);
	if (rc != 0)
		return rc;

	struct vrv_sealed *sealed =
	    sealed_new(kind, total, ids, n, sealer->frame.len + VRV_SEAL_COST);
	if (sealed == NULL)
		return VRV_NOMEM(err, "a sealed frame");
	make_nonce(sealer, kind, ids, n, sealed->bytes.data);
	vrv_frame_aad(aad, kind);
	vrv_aead_seal(sealed->bytes.data + VRV_NONCE_SIZE, sealer->frame.data,
	    sealer->frame.len, aad, sizeof(aad), sealed->bytes.data,
	    vrv_frame_key(&sealer->session->keys, kind));
	rc = verify(sealer, sealed, plain, lengths, err);
	if (rc == VARVE_NOMEM) {
		vrv_sealed_free(sealed);
		return rc;
	}
	if (rc != 0) {
		vrv_sealed_free(sealed);
		err->code = VARVE_CORRUPT;
		return vrv_ctx(err,
		    "a frame just sealed does not open; "
		    "memory or compressor is faulty");
	}
	*ret = sealed;
	return 0;
}
