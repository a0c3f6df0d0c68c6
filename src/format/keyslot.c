/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/config.h"

#include <string.h>

#include "format/format_internal.h"

#define RING_KEY_HEAD (1 + 1 + 2 + 4 + 2)

/* --- key slot --- */

void
vrv_slot_put_clear(struct vrv_buf *b, const struct vrv_slot *slot)
{
	vrv_buf_u8(b, slot->kdf);
	vrv_buf_u32(b, slot->passes);
	vrv_buf_u64(b, slot->memory);
	vrv_buf_bytes(b, slot->salt, sizeof(slot->salt));
	vrv_buf_vbytes(b, slot->label.p, slot->label.n);
	vrv_buf_bytes(b, slot->commitment, VRV_COMMITMENT_SIZE);
}

static int
check_kdf(const struct vrv_slot *slot, struct varve_err *err)
{
	switch (slot->kdf) {
	case VRV_KDF_FILE:
		if (slot->passes != 0 || slot->memory != 0)
			return VRV_UNKNOWN(err, "key slot of a later version");
		return 0;
	case VRV_KDF_ARGON2ID:
		if (slot->passes < VRV_ARGON_PASSES_MIN ||
		    slot->passes > VRV_ARGON_PASSES_MAX ||
		    slot->memory < VRV_ARGON_MEMORY_MIN ||
		    slot->memory > VRV_ARGON_MEMORY_MAX)
			return vrv_fail(err, VARVE_LIMIT,
			    "key slot asks for %u passes over %llu bytes",
			    slot->passes, (unsigned long long)slot->memory);
		return 0;
	default:
		return VRV_UNKNOWN(err, "key slot of unknown kind %u",
		    slot->kdf);
	}
}

int
vrv_slot_get(struct vrv_rd *r, struct vrv_slot *ret, struct varve_err *err)
{
	struct vrv_slot slot;

	slot.kdf = vrv_rd_u8(r);
	slot.passes = vrv_rd_u32(r);
	slot.memory = vrv_rd_u64(r);
	vrv_rd_copy(r, slot.salt, sizeof(slot.salt));
	slot.label.p = vrv_rd_vbytes(r, &slot.label.n);
	vrv_rd_copy(r, slot.commitment, VRV_COMMITMENT_SIZE);
	if (!vrv_rd_ok(r))
		return VRV_CORRUPT(err, "key slot is cut short");
	if (slot.label.n > VRV_SLOT_LABEL_MAX)
		return VRV_CORRUPT(err, "key slot with a label of %zu bytes",
		    slot.label.n);
	int rc = check_kdf(&slot, err);
	if (rc != 0)
		return rc;
	*ret = slot;
	return 0;
}

/* --- keyring --- */

void
vrv_keyring_put(struct vrv_buf *b, const struct vrv_ring_key *keys, uint32_t n)
{
	size_t start = b->len, size = vrv_v_size(n);

	/* Growing key by key would leave copies behind in freed memory. */
	for (uint32_t i = 0; i < n; i++)
		size += RING_KEY_HEAD + (size_t)keys[i].n;
	if (vrv_buf_extend(b, size) == NULL)
		return;
	b->len = start;
	vrv_buf_v(b, n);
	for (uint32_t i = 0; i < n; i++) {
		vrv_buf_u8(b, keys[i].what);
		vrv_buf_u8(b, keys[i].suite);
		vrv_buf_u16(b, keys[i].domain);
		vrv_buf_u32(b, keys[i].epoch);
		vrv_buf_u16(b, keys[i].n);
		vrv_buf_bytes(b, keys[i].value, keys[i].n);
	}
}

int
vrv_keyring_get(struct vrv_rd *r, struct vrv_ring_key *ret,
    struct varve_err *err)
{
	struct vrv_ring_key key;

	key.what = vrv_rd_u8(r);
	key.suite = vrv_rd_u8(r);
	key.domain = vrv_rd_u16(r);
	key.epoch = vrv_rd_u32(r);
	key.n = vrv_rd_u16(r);
	key.value = vrv_rd_bytes(r, key.n);
	if (!vrv_rd_ok(r))
		return VRV_CORRUPT(err, "keyring is cut short");
	*ret = key;
	return 0;
}

int
vrv_keyring_open(const uint8_t *bytes, size_t n, struct vrv_rd *ret_rd,
    uint32_t *ret_n, struct varve_err *err)
{
	struct vrv_rd keys = vrv_rd_over(bytes, n);
	uint64_t count = vrv_rd_v(&keys);
	struct vrv_rd r = keys;
	struct vrv_ring_key key;

	if (!vrv_rd_ok(&r) || count > VRV_KEYRING_MAX)
		return VRV_CORRUPT(err, "keyring of another size");
	for (uint64_t i = 0; i < count; i++) {
		int rc = vrv_keyring_get(&r, &key, err);
		if (rc != 0)
			return rc;
	}
	if (!vrv_rd_done(&r))
		return VRV_CORRUPT(err, "keyring of another size");
	*ret_rd = keys;
	*ret_n = (uint32_t)count;
	return 0;
}
