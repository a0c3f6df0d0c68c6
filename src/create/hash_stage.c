/* SPDX-License-Identifier: BSD-2-Clause */
#include "create/pipeline.h"

#include <string.h>

/* Hash and store the chunks of one piece. */
static int
hash_piece(struct vrv_pipeline *p, struct vrv_lane *lane,
    struct vrv_piece *piece, struct varve_err *err)
{
	bool complete = false;

	for (size_t i = 0; i < piece->n; i++) {
		const struct vrv_piece_chunk *c = &piece->chunks[i];
		bool fresh;

		int rc = vrv_lane_put(lane, piece->bytes + c->offset, c->length,
		    c->segment->extents[c->extent].id, &fresh, err);
		if (rc != 0)
			return rc;
	}
	/* The builder may free a segment as soon as it is complete. */
	for (size_t i = 0; i < piece->n; i++)
		complete |= atomic_fetch_sub(&piece->chunks[i].segment->pending,
				1) == 1;
	if (complete)
		vrv_pipeline_wake(p);
	return 0;
}

int
vrv_stage_hash(void *arg, struct varve_err *err)
{
	struct vrv_pipeline *p = arg;
	struct vrv_lane *lane = p->lanes[p->next_lane++];
	void *item;
	int rc;

	while ((rc = vrv_queue_pop(p->pieces, &item)) == 0) {
		struct vrv_piece *piece = item;

		rc = hash_piece(p, lane, piece, err);
		if (rc == 0 && vrv_queue_push(p->spare, piece, 0) != 0 &&
		    !atomic_load(&p->stopping))
			rc = vrv_fail(err, VARVE_CANCELLED, "cancelled");
		if (rc != 0)
			break;
	}
	if (rc == VARVE_NOENT)
		rc = vrv_lane_done(lane, err);
	vrv_pipeline_wake(p);
	return vrv_stage_end(p, rc, err);
}
