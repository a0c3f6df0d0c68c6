/* SPDX-License-Identifier: BSD-2-Clause */
/* The opened body of an index object of somebody who has the keys and means
 * harm: what it names is found, and nothing that is found lies elsewhere. */
#include "fuzz_support.h"

#include "index/index.h"

#define FOUND_MAX 8

static void
look_up(struct vrv_index *index, const uint8_t prefix[VRV_PREFIX_SIZE],
    bool must)
{
	uint8_t bases[VRV_FRAME_BASES_MAX][VRV_PREFIX_SIZE];
	struct vrv_location at[FOUND_MAX];
	struct varve_err err;
	uint32_t n = 0;

	int rc = vrv_index_find(index, prefix, at, FOUND_MAX, &n, &err);
	fuzz_check(rc == 0 || rc == VARVE_NOENT || rc == VARVE_FORMAT,
	    "a lookup works");
	fuzz_check(rc == 0 || !must, "what is named is found");
	(void)vrv_index_is_lost(index, prefix);
	for (uint32_t i = 0; rc == 0 && i < n; i++) {
		fuzz_check(at[i].length <= VRV_MAX_PACK, "a pack's length");
		fuzz_check(at[i].offset <= at[i].length &&
			at[i].stored <= at[i].length - at[i].offset,
		    "frames lie in their packs");
		fuzz_check(at[i].ordinal < at[i].n &&
			at[i].n <= VRV_FRAME_CHUNKS_MAX &&
			at[i].m <= VRV_FRAME_BASES_MAX &&
			at[i].plain <= VRV_FRAME_PLAIN_MAX,
		    "frames within the limits");
		fuzz_check(vrv_index_bases(index, &at[i], bases, &err) == 0,
		    "bases are there");
	}
}

/* Every id that the body names; it is known to decode. */
static void
look_all_up(struct vrv_index *index, const uint8_t *data, size_t size)
{
	struct vrv_rd r = vrv_rd_over(data, size);
	struct vrv_index_body body;
	struct vrv_pack_entry entry;
	struct vrv_pack_frame frame;
	struct varve_err err;

	fuzz_check(vrv_index_head_get(&r, &body, &err) == 0, "the head");
	for (uint32_t i = 0; i < body.n_entries; i++) {
		uint64_t end = VRV_HEADER_SIZE;

		fuzz_check(vrv_pack_entry_get(&r, &entry, &err) == 0,
		    "an entry");
		for (uint32_t k = 0; k < entry.n_frames; k++) {
			fuzz_check(vrv_pack_frame_get(&r, &entry, &end, &frame,
				       &err) == 0,
			    "a frame");
			for (uint32_t c = 0; c < frame.n && c < 4; c++)
				look_up(index,
				    frame.ids + (size_t)c * VRV_PREFIX_SIZE,
				    !frame.later);
		}
		fuzz_check(vrv_pack_entry_end_get(&r, &err) == 0, "its end");
	}
}

static int
on_pack(void *arg, const uint8_t pack[VRV_OBJECT_ID], uint64_t length,
    struct varve_err *err)
{
	(void)arg, (void)pack, (void)err;
	fuzz_check(length <= VRV_MAX_PACK, "a pack's length");
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t cache_id[VRV_CACHE_ID],
	    object[VRV_OBJECT_ID] = {1};
	uint8_t wanted[VRV_OBJECT_ID];
	struct vrv_index_stats stats;
	struct vrv_index *index;
	struct varve_err err;
	char *note = NULL;

	fuzz_check(vrv_index_open(NULL, cache_id, &index, &note, &err) == 0,
	    "an index");
	free(note);
	vrv_index_listing_begin(index);
	fuzz_check(vrv_index_listing_add(index, object, &err) == 0, "listed");
	fuzz_check(vrv_index_wants(index, wanted), "wanted");
	int rc = vrv_index_load(index, object, data, size, true, &err);
	fuzz_check(vrv_index_listing_end(index, &err) == 0, "the end");
	/* An object that says of itself that it is superseded counts. */
	if (rc == 0)
		look_all_up(index, data, size);
	for (size_t i = 0; i + VRV_PREFIX_SIZE <= size && i < 64; i += 8)
		look_up(index, data + i, false);
	fuzz_check(vrv_index_stats(index, &stats, &err) == 0, "statistics");
	fuzz_check(rc == 0 || stats.packs == 0, "all of it or nothing");
	fuzz_check(vrv_index_packs(index, on_pack, NULL, &err) == 0, "packs");
	vrv_index_free(index);
	return 0;
}
