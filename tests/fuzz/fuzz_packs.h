/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FUZZ_PACKS_H
#define FUZZ_PACKS_H

#include "format/frame.h"

/* Decode a pack entry with its frames and encode it to `again`. */
static inline int
fuzz_copy_entry(struct vrv_rd *r, struct vrv_buf *again, struct varve_err *err)
{
	static struct vrv_pack_key keys[VRV_PACK_KEYS_MAX];
	struct vrv_pack_entry entry;
	struct vrv_pack_frame frame;
	uint64_t end = VRV_HEADER_SIZE;

	int rc = vrv_pack_entry_get(r, &entry, err);
	if (rc != 0)
		return rc;
	for (uint32_t i = 0; i < entry.n_keys; i++)
		vrv_pack_key_get(&entry, i, &keys[i]);
	vrv_pack_entry_put(again, entry.pack, entry.length, keys, entry.n_keys,
	    entry.n_frames);
	for (uint32_t i = 0; rc == 0 && i < entry.n_frames; i++) {
		const uint8_t *at = r->p;
		uint64_t prev_end = end;

		rc = vrv_pack_frame_get(r, &entry, &end, &frame, err);
		if (rc != 0)
			return rc;
		fuzz_check(end <= entry.length, "frames lie inside");
		if (frame.later)
			vrv_buf_bytes(again, at, (size_t)(r->p - at));
		else
			vrv_pack_frame_put(again, &frame, prev_end);
	}
	const uint8_t *at = r->p;
	if (rc == 0)
		rc = vrv_pack_entry_end_get(r, err);
	/* What may stand there is not of this version. */
	if (rc == 0)
		vrv_buf_bytes(again, at, (size_t)(r->p - at));
	return rc;
}

#endif
