/* SPDX-License-Identifier: BSD-2-Clause */
#include "pack/pack.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "pack/pack_internal.h"
#include "util/hash.h"
#include "util/mem.h"

/* Bytes kept free below VRV_MAX_PACK for padding, footer and trailer. */
#define END_MAX (VRV_PACK_PAD_MAX + (64u << 10))

struct vrv_packer {
	const struct vrv_pack_keys *keys;
	struct vrv_pack_key key;
	uint8_t id[VRV_OBJECT_ID];
	uint8_t header[VRV_HEADER_SIZE];
	uint64_t size;
	uint32_t n_frames;
	struct vrv_buf frames; /* their part of the entry */
	struct vrv_xxh_state *sum;
	struct vrv_digest *digest;
};

/* Bytes of the pack, in order. */
static void
note(struct vrv_packer *packer, const void *bytes, size_t n)
{
	vrv_xxh_update(packer->sum, bytes, n);
	vrv_digest_add(packer->digest, bytes, n);
}

static int
begin(struct vrv_packer *packer, const uint8_t *epk, struct vrv_buf *out,
    struct varve_err *err)
{
	struct vrv_header header = {.type = VRV_PACK};
	vrv_auto_buf struct vrv_buf bytes = {0};

	vrv_random(packer->id, sizeof(packer->id));
	memcpy(packer->key.epk, epk, sizeof(packer->key.epk));
	memcpy(header.repository, packer->keys->repository, VRV_REPO_ID);
	memcpy(header.id, packer->id, VRV_OBJECT_ID);
	vrv_header_put(&bytes, &header);
	vrv_buf_bytes(out, bytes.data, bytes.len);
	int rc = vrv_buf_check(&bytes, err);
	if (rc == 0)
		rc = vrv_buf_check(out, err);
	if (rc != 0)
		return rc;
	assert(bytes.len == VRV_HEADER_SIZE);
	memcpy(packer->header, bytes.data, VRV_HEADER_SIZE);
	note(packer, packer->header, VRV_HEADER_SIZE);
	packer->size = VRV_HEADER_SIZE;
	return 0;
}

int
vrv_packer_new(const struct vrv_pack_keys *keys, const uint8_t *epk,
    struct vrv_buf *out, struct vrv_packer **ret, struct varve_err *err)
{
	struct vrv_packer *packer = calloc(1, sizeof(*packer));

	if (packer == NULL)
		return VRV_NOMEM(err, "a packer");
	packer->keys = keys;
	packer->sum = vrv_xxh_new();
	packer->digest = vrv_digest_new();
	int rc = packer->sum == NULL || packer->digest == NULL ?
	    VRV_NOMEM(err, "a packer") :
	    begin(packer, epk, out, err);
	if (rc != 0) {
		vrv_packer_free(packer);
		return rc;
	}
	*ret = packer;
	return 0;
}

void
vrv_packer_free(struct vrv_packer *packer)
{
	if (packer == NULL)
		return;
	vrv_buf_fini(&packer->frames);
	vrv_xxh_free(packer->sum);
	vrv_digest_free(packer->digest);
	free(packer);
}

const uint8_t *
vrv_packer_id(const struct vrv_packer *packer)
{
	return packer->id;
}

uint64_t
vrv_packer_size(const struct vrv_packer *packer)
{
	return packer->size;
}

uint32_t
vrv_packer_frames(const struct vrv_packer *packer)
{
	return packer->n_frames;
}

int
vrv_packer_add(struct vrv_packer *packer, const struct vrv_sealed *sealed,
    struct varve_err *err)
{
	struct vrv_pack_frame frame = {
	    .kind = (uint8_t)sealed->kind,
	    .offset = packer->size,
	    .stored = (uint32_t)sealed->bytes.len,
	    .plain = sealed->plain,
	    .n = sealed->n,
	    .ids = sealed->ids,
	};
	size_t before = packer->frames.len;

	if (packer->n_frames == VRV_PACK_FRAMES_MAX)
		return vrv_fail(err, VARVE_LIMIT, "a pack of too many frames");
	/* Frames lie back to back: each begins where the last one ended. */
	vrv_pack_frame_put(&packer->frames, &frame, packer->size);
	int rc = vrv_buf_check(&packer->frames, err);
	if (rc == 0 &&
	    packer->size + sealed->bytes.len + vrv_padme(packer->frames.len) +
		    END_MAX >
		VRV_MAX_PACK)
		rc = vrv_fail(err, VARVE_LIMIT, "a pack of too many bytes");
	if (rc != 0) {
		packer->frames.len = before;
		packer->frames.failed = false;
		return rc;
	}
	note(packer, sealed->bytes.data, sealed->bytes.len);
	packer->size += sealed->bytes.len;
	packer->n_frames++;
	return 0;
}

static void
put_entry(const struct vrv_packer *packer, uint64_t length,
    struct vrv_buf *entry)
{
	vrv_pack_entry_put(entry, packer->id, length, &packer->key, 1,
	    packer->n_frames);
	vrv_buf_bytes(entry, packer->frames.data, packer->frames.len);
	vrv_pack_entry_end_put(entry);
}

/* Seal the entry as the block that follows the header in `object`. */
static int
seal_directory(const struct vrv_packer *packer, const struct vrv_buf *entry,
    struct vrv_buf *object, struct varve_err *err)
{
	vrv_buf_clear(object);
	vrv_buf_bytes(object, packer->header, VRV_HEADER_SIZE);
	return vrv_block_seal(object, VRV_HEADER_SIZE, VRV_BLOCK_DIRECTORY,
	    &packer->keys->index, entry->data, entry->len, err);
}

uint64_t
vrv_pack_pad_bound(uint64_t n)
{
	assert(n >= 8);
	uint64_t bound = UINT64_C(1) << (60 - __builtin_clzll(n));

	return bound < VRV_PACK_PAD_MAX ? bound : VRV_PACK_PAD_MAX;
}

static size_t
draw_padding(uint64_t bare)
{
	uint64_t drawn;

	vrv_random(&drawn, sizeof(drawn));
	return (size_t)(drawn & (vrv_pack_pad_bound(bare) - 1));
}

static void
put_footer(const struct vrv_packer *packer, uint32_t directory_n,
    struct vrv_buf *out)
{
	uint8_t aad[VRV_FOOTER_AAD], plain[VRV_FOOTER_PLAIN];
	uint8_t footer[VRV_SEAL_COST + VRV_FOOTER_PLAIN];

	vrv_footer_put(plain, packer->size, directory_n);
	vrv_footer_aad(aad, packer->header);
	vrv_random(footer, VRV_NONCE_SIZE);
	vrv_aead_seal(footer + VRV_NONCE_SIZE, plain, sizeof(plain), aad,
	    sizeof(aad), footer, &packer->keys->index);
	vrv_buf_bytes(out, footer, sizeof(footer));
}

static void
put_trailer(struct vrv_packer *packer, const struct vrv_buf *end,
    uint64_t length, struct vrv_buf *out)
{
	uint8_t trailer[VRV_TRAILER_SIZE], length_le[8], sum[VRV_XXH_SIZE];

	vrv_put_u64(length_le, length);
	note(packer, end->data, end->len);
	vrv_xxh_update(packer->sum, length_le, sizeof(length_le));
	vrv_xxh_sum(packer->sum, sum);
	vrv_trailer_write(trailer, length, sum);
	vrv_digest_add(packer->digest, trailer, sizeof(trailer));
	vrv_buf_bytes(out, trailer, sizeof(trailer));
}

/* Read the directory back as a reader would. */
static int
verify_directory(const struct vrv_packer *packer, const struct vrv_buf *entry,
    const struct vrv_buf *object, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf again = {0};

	int rc = vrv_pack_open_directory(packer->keys, packer->header,
	    object->data + VRV_HEADER_SIZE, object->len - VRV_HEADER_SIZE,
	    &again, err);
	if (rc == 0 &&
	    (again.len != entry->len ||
		memcmp(again.data, entry->data, entry->len) != 0))
		rc = vrv_fail(err, VARVE_CORRUPT, "the bytes differ");
	return rc == 0 ? 0 : vrv_ctx(err, "a directory just sealed");
}

int
vrv_packer_finish(struct vrv_packer *packer, struct vrv_buf *out,
    struct vrv_buf *ret_entry, struct vrv_pack_sum *ret_sum,
    struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf entry = {0}, object = {0}, end = {0};

	/* The entry states the pack's length, which depends on the size, not
	 * on the content, of the sealed entry: seal, measure, seal again. */
	put_entry(packer, 0, &entry);
	int rc = vrv_buf_check(&entry, err);
	if (rc == 0)
		rc = seal_directory(packer, &entry, &object, err);
	if (rc != 0)
		return rc;
	size_t directory_n = object.len - VRV_HEADER_SIZE;
	uint64_t bare = packer->size + directory_n + VRV_PACK_TAIL;
	size_t pad = draw_padding(bare);
	uint64_t length = bare + pad;
	if (length > VRV_MAX_PACK)
		return vrv_fail(err, VARVE_LIMIT, "a pack of too many bytes");
	vrv_buf_clear(&entry);
	put_entry(packer, length, &entry);
	rc = vrv_buf_check(&entry, err);
	if (rc == 0)
		rc = seal_directory(packer, &entry, &object, err);
	if (rc == 0)
		rc = verify_directory(packer, &entry, &object, err);
	if (rc != 0)
		return rc;
	assert(object.len == VRV_HEADER_SIZE + directory_n);

	vrv_buf_bytes(&end, object.data + VRV_HEADER_SIZE, directory_n);
	uint8_t *padding = vrv_buf_extend(&end, pad);
	if (padding != NULL)
		vrv_random(padding, pad);
	put_footer(packer, (uint32_t)directory_n, &end);
	rc = vrv_buf_check(&end, err);
	if (rc != 0)
		return rc;
	vrv_buf_bytes(out, end.data, end.len);
	put_trailer(packer, &end, length, out);
	vrv_buf_bytes(ret_entry, entry.data, entry.len);
	packer->size = length;
	ret_sum->length = length;
	memcpy(ret_sum->pack, packer->id, VRV_OBJECT_ID);
	vrv_digest_end(packer->digest, ret_sum->hash);
	rc = vrv_buf_check(out, err);
	return rc == 0 ? vrv_buf_check(ret_entry, err) : rc;
}
