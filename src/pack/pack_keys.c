/* SPDX-License-Identifier: BSD-2-Clause */
#include "pack/pack.h"

#include <string.h>

#include "pack/pack_internal.h"

void
vrv_chunk_id(const struct vrv_pack_keys *keys, enum vrv_frame_kind kind,
    const void *bytes, size_t n, uint8_t out[VRV_ID_SIZE])
{
	vrv_blake2b(out, VRV_ID_SIZE,
	    kind == VRV_FRAME_META ? &keys->id_meta : &keys->id_data, bytes, n);
}

void
vrv_frame_aad(uint8_t out[VRV_FRAME_AAD], enum vrv_frame_kind kind)
{
	out[0] = 'V';
	out[1] = 'F';
	out[2] = VRV_FRAME_VERSION;
	out[3] = (uint8_t)kind;
}

const struct vrv_key *
vrv_frame_key(const struct vrv_frame_keys *keys, enum vrv_frame_kind kind)
{
	return kind == VRV_FRAME_META ? &keys->meta : &keys->data;
}

static struct vrv_kem
kem_for(const struct vrv_pack_keys *keys, enum vrv_kem_kind kind)
{
	return (struct vrv_kem){
	    .repository = keys->repository,
	    .psk = &keys->psk,
	    .recipient =
		kind == VRV_KEM_META ? &keys->meta_public : &keys->data_public,
	    .kind = kind,
	};
}

int
vrv_frame_keys_send(const struct vrv_pack_keys *keys,
    const struct vrv_pair *pair, struct vrv_frame_keys *ret,
    struct varve_err *err)
{
	struct vrv_kem data = kem_for(keys, VRV_KEM_DATA);
	struct vrv_kem meta = kem_for(keys, VRV_KEM_META);

	memcpy(ret->epk, pair->public.b, VRV_KEY_SIZE);
	int rc = vrv_kem_send(&ret->data, &data, pair, err);
	if (rc == 0)
		rc = vrv_kem_send(&ret->meta, &meta, pair, err);
	return rc == 0 ? 0 : vrv_ctx(err, "frame keys");
}

int
vrv_frame_keys_receive(const struct vrv_pack_keys *keys,
    const uint8_t epk[VRV_KEY_SIZE], struct vrv_frame_keys *ret,
    struct varve_err *err)
{
	struct vrv_kem data = kem_for(keys, VRV_KEM_DATA);
	struct vrv_kem meta = kem_for(keys, VRV_KEM_META);

	if (!keys->may_read)
		return vrv_fail(err, VARVE_AUTH,
		    "this key may write to the repository but not read it");
	memcpy(ret->epk, epk, VRV_KEY_SIZE);
	int rc =
	    vrv_kem_receive(&ret->data, &data, &keys->data_secret, epk, err);
	if (rc == 0)
		rc = vrv_kem_receive(&ret->meta, &meta, &keys->meta_secret, epk,
		    err);
	return rc == 0 ? 0 : vrv_ctx(err, "frame keys");
}
