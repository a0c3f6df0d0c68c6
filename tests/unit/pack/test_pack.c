/* SPDX-License-Identifier: BSD-2-Clause */
#include "test_pack.h"

#include <stdlib.h>
#include <string.h>

void
test_keys(struct vrv_pack_keys *keys)
{
	struct vrv_pair data, meta;

	memset(keys, 0, sizeof(*keys));
	memset(keys->repository, 'R', sizeof(keys->repository));
	memset(keys->id_data.b, 1, VRV_KEY_SIZE);
	memset(keys->id_meta.b, 2, VRV_KEY_SIZE);
	memset(keys->index.b, 3, VRV_KEY_SIZE);
	memset(keys->psk.b, 4, VRV_KEY_SIZE);
	memset(keys->data_secret.b, 5, VRV_KEY_SIZE);
	memset(keys->meta_secret.b, 6, VRV_KEY_SIZE);
	vrv_pair_from_seed(&data, &keys->data_secret);
	vrv_pair_from_seed(&meta, &keys->meta_secret);
	keys->data_secret = data.secret;
	keys->meta_secret = meta.secret;
	keys->data_public = data.public;
	keys->meta_public = meta.public;
	keys->may_read = true;
}

uint8_t *
test_text(size_t n, unsigned seed)
{
	uint8_t *text = malloc(n + 1);
	uint32_t x = seed * 2654435761u + 1;

	assert_non_null(text);
	for (size_t i = 0; i < n; i++) {
		x = x * 1664525u + 1013904223u;
		text[i] = (uint8_t)('a' + (x >> 28));
	}
	return text;
}

struct vrv_sealed *
test_seal(const struct vrv_pack_keys *keys, struct vrv_sealer *sealer,
    enum vrv_frame_kind kind, uint32_t n, uint32_t length, unsigned seed)
{
	uint8_t *plain = test_text((size_t)n * length, seed);
	uint8_t *ids = malloc((size_t)n * VRV_ID_SIZE);
	uint32_t *lengths = malloc(n * sizeof(*lengths));
	struct vrv_sealed *sealed = NULL;
	struct varve_err err;

	assert_true(ids != NULL && lengths != NULL);
	for (uint32_t i = 0; i < n; i++) {
		lengths[i] = length;
		vrv_chunk_id(keys, kind, plain + (size_t)i * length, length,
		    ids + (size_t)i * VRV_ID_SIZE);
	}
	assert_int_equal(vrv_sealer_seal(sealer, kind, plain, lengths, ids, n,
			     &sealed, &err),
	    0);
	free(lengths);
	free(ids);
	free(plain);
	return sealed;
}

struct vrv_pack_frame
test_frame(const struct vrv_sealed *sealed)
{
	return (struct vrv_pack_frame){
	    .kind = (uint8_t)sealed->kind,
	    .offset = VRV_HEADER_SIZE,
	    .stored = (uint32_t)sealed->bytes.len,
	    .plain = sealed->plain,
	    .n = sealed->n,
	    .ids = sealed->ids,
	};
}

int
main(void)
{
	struct varve_err err;

	if (vrv_crypto_init(&err) != 0)
		return 1;
	return test_pack_frames() + test_packer();
}
