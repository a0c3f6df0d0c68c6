/* SPDX-License-Identifier: BSD-2-Clause */
#include "pack/pack.h"

#include <stdlib.h>
#include <string.h>

#include "pack/pack_internal.h"
#include "util/mem.h"

/* Frames come in runs of one session: a few keys serve nearly all of them. */
#define KEYS_KEPT 16

struct kept_keys {
	struct vrv_frame_keys keys[KEYS_KEPT];
	unsigned n, next;
};

struct vrv_opener {
	const struct vrv_pack_keys *keys;
	struct vrv_decoder *decoder;
	struct kept_keys *kept; /* secret memory */
	struct vrv_buf frame;	/* plaintext of the frame */
	struct vrv_buf prefix;	/* plaintext of its bases */
	bool in_base;		/* gathering `prefix` */
};

int
vrv_opener_new(const struct vrv_pack_keys *keys, struct vrv_opener **ret,
    struct varve_err *err)
{
	struct vrv_opener *opener = calloc(1, sizeof(*opener));

	if (opener == NULL)
		return VRV_NOMEM(err, "an opener");
	opener->keys = keys;
	opener->decoder = vrv_decoder_new();
	opener->kept = vrv_secret_new(sizeof(*opener->kept));
	if (opener->decoder == NULL || opener->kept == NULL) {
		vrv_opener_free(opener);
		return VRV_NOMEM(err, "an opener");
	}
	opener->kept->n = opener->kept->next = 0;
	*ret = opener;
	return 0;
}

void
vrv_opener_free(struct vrv_opener *opener)
{
	if (opener == NULL)
		return;
	vrv_decoder_free(opener->decoder);
	vrv_secret_free(opener->kept);
	vrv_buf_fini(&opener->frame);
	vrv_buf_fini(&opener->prefix);
	free(opener);
}

void
vrv_opened_fini(struct vrv_opened *opened)
{
	vrv_buf_fini(&opened->plain);
	free(opened->lengths);
	free(opened->offsets);
	*opened = (struct vrv_opened){0};
}

static int
frame_keys(struct vrv_opener *opener, const uint8_t epk[VRV_KEY_SIZE],
    const struct vrv_frame_keys **ret, struct varve_err *err)
{
	struct kept_keys *kept = opener->kept;

	for (unsigned i = 0; i < kept->n; i++) {
		if (memcmp(kept->keys[i].epk, epk, VRV_KEY_SIZE) != 0)
			continue;
		*ret = &kept->keys[i];
		return 0;
	}

	struct vrv_frame_keys fresh;
	int rc = vrv_frame_keys_receive(opener->keys, epk, &fresh, err);
	if (rc == 0) {
		unsigned at = kept->next;
		kept->keys[at] = fresh;
		kept->next = (at + 1) % KEYS_KEPT;
		if (kept->n < KEYS_KEPT)
			kept->n++;
		*ret = &kept->keys[at];
	}
	vrv_wipe(&fresh, sizeof(fresh));
	return rc;
}

static int
check_described(const struct vrv_pack_frame *frame, size_t n,
    struct varve_err *err)
{
	if (frame->kind != VRV_FRAME_DATA && frame->kind != VRV_FRAME_META)
		return vrv_fail(err, VARVE_FORMAT, "a frame of kind %u",
		    frame->kind);
	if (n != frame->stored || n < VRV_SEAL_COST ||
	    n > VRV_FRAME_STORED_MAX || frame->plain > VRV_FRAME_PLAIN_MAX ||
	    frame->n == 0 || frame->n > VRV_FRAME_CHUNKS_MAX ||
	    frame->m > VRV_FRAME_BASES_MAX)
		return vrv_fail(err, VARVE_CORRUPT,
		    "a frame of impossible size");
	return 0;
}

/* The plaintexts of all bases to opener->prefix. */
static int
gather_bases(struct vrv_opener *opener, const struct vrv_pack_frame *frame,
    vrv_base_fn *base, void *base_arg, struct varve_err *err)
{
	if (opener->in_base)
		return vrv_fail(err, VARVE_CORRUPT,
		    "the base of a frame has a base itself");
	if (base == NULL)
		return vrv_fail(err, VARVE_NOTSUP,
		    "a frame with bases cannot be read here");
	vrv_buf_clear(&opener->prefix);
	opener->in_base = true;
	int rc = 0;
	for (uint32_t i = 0; i < frame->m && rc == 0; i++) {
		rc = base(base_arg, frame->bases + (size_t)i * VRV_PREFIX_SIZE,
		    &opener->prefix, err);
		if (rc == 0)
			rc = vrv_buf_check(&opener->prefix, err);
		if (rc == 0 && opener->prefix.len > VRV_BASES_PLAIN_MAX)
			rc = vrv_fail(err, VARVE_LIMIT,
			    "the bases of a frame are too long");
	}
	opener->in_base = false;
	return rc;
}

/* Decrypt to opener->frame. */
static int
decrypt(struct vrv_opener *opener, const uint8_t epk[VRV_KEY_SIZE],
    enum vrv_frame_kind kind, const uint8_t *stored, size_t n,
    struct varve_err *err)
{
	const struct vrv_frame_keys *keys;
	uint8_t aad[VRV_FRAME_AAD];

	int rc = frame_keys(opener, epk, &keys, err);
	if (rc != 0)
		return rc;
	vrv_buf_clear(&opener->frame);
	if (vrv_buf_extend(&opener->frame, n - VRV_NONCE_SIZE) == NULL)
		return vrv_buf_check(&opener->frame, err);
	vrv_frame_aad(aad, kind);
	rc = vrv_aead_open(opener->frame.data, stored + VRV_NONCE_SIZE,
	    n - VRV_NONCE_SIZE, aad, sizeof(aad), stored,
	    vrv_frame_key(keys, kind), err);
	if (rc != 0)
		return rc;
	opener->frame.len = n - VRV_SEAL_COST;
	return 0;
}

static int
opened_room(struct vrv_opened *opened, uint32_t plain, struct varve_err *err)
{
	if (opened->lengths == NULL)
		opened->lengths = vrv_alloc_array(VRV_FRAME_CHUNKS_MAX,
		    sizeof(*opened->lengths));
	if (opened->offsets == NULL)
		opened->offsets = vrv_alloc_array(VRV_FRAME_CHUNKS_MAX,
		    sizeof(*opened->offsets));
	if (opened->lengths == NULL || opened->offsets == NULL ||
	    vrv_buf_extend(&opened->plain, vrv_max(plain, 1)) == NULL)
		return VRV_NOMEM(err, "an opened frame");
	opened->plain.len = 0;
	return 0;
}

/* Parse and decompress opener->frame, which is authentic. */
static int
unfold(struct vrv_opener *opener, const struct vrv_pack_frame *frame,
    struct vrv_opened *ret, struct varve_err *err)
{
	struct vrv_frame_head head;
	const uint8_t *payload;
	size_t payload_n;
	uint32_t total;

	int rc = opened_room(ret, frame->plain, err);
	if (rc != 0)
		return rc;
	rc = vrv_frame_head_get(opener->frame.data, opener->frame.len, &head,
	    ret->lengths, &total, &payload, &payload_n, err);
	if (rc != 0)
		return rc;
	if (head.n != frame->n || total != frame->plain || head.m != frame->m ||
	    (head.m > 0 &&
		memcmp(head.bases, frame->bases,
		    (size_t)head.m * VRV_PREFIX_SIZE) != 0))
		return vrv_fail(err, VARVE_CORRUPT,
		    "a frame is not the one its directory describes");
	rc = vrv_decode(opener->decoder, head.codec, payload, payload_n,
	    head.m > 0 ? opener->prefix.data : NULL,
	    head.m > 0 ? opener->prefix.len : 0, ret->plain.data, total, err);
	if (rc != 0)
		return rc;
	uint32_t at = 0;
	for (uint32_t i = 0; i < head.n; i++) {
		ret->offsets[i] = at;
		at += ret->lengths[i];
	}
	ret->plain.len = total;
	ret->n = head.n;
	return 0;
}

int
vrv_opener_open(struct vrv_opener *opener, const uint8_t epk[VRV_KEY_SIZE],
    const struct vrv_pack_frame *frame, const uint8_t *stored, size_t n,
    vrv_base_fn *base, void *base_arg, struct vrv_opened *ret,
    struct varve_err *err)
{
	int rc = check_described(frame, n, err);

	ret->n = 0;
	vrv_buf_clear(&ret->plain);
	/* Bases come first: fetching them may use this opener. */
	if (rc == 0 && frame->m > 0)
		rc = gather_bases(opener, frame, base, base_arg, err);
	if (rc == 0)
		rc = decrypt(opener, epk, frame->kind, stored, n, err);
	if (rc == 0)
		rc = unfold(opener, frame, ret, err);
	return rc == 0 ? 0 : vrv_ctx(err, "frame");
}

int
vrv_opened_check(const struct vrv_pack_keys *keys,
    const struct vrv_pack_frame *frame, const struct vrv_opened *opened,
    uint32_t *ret_bad, struct varve_err *err)
{
	uint8_t id[VRV_ID_SIZE];

	if (opened->n != frame->n)
		return vrv_fail(err, VARVE_USAGE, "another frame was opened");
	for (uint32_t i = 0; i < opened->n; i++) {
		vrv_chunk_id(keys, frame->kind,
		    opened->plain.data + opened->offsets[i], opened->lengths[i],
		    id);
		if (memcmp(id, frame->ids + (size_t)i * VRV_PREFIX_SIZE,
			VRV_PREFIX_SIZE) == 0)
			continue;
		if (ret_bad != NULL)
			*ret_bad = i;
		return vrv_fail(err, VARVE_CORRUPT,
		    "chunk %u of a frame has another id", i);
	}
	return 0;
}
