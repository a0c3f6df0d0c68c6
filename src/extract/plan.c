/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "extract/extract_internal.h"
#include "util/hex.h"
#include "util/mem.h"

#define COPIES_LOOKED_AT 4

void
vrv_plan_fini(struct vrv_plan *plan)
{
	free(plan->pieces);
	free(plan->jobs);
	free(plan->order);
	vrv_map_free(plan->by_frame);
	*plan = (struct vrv_plan){0};
}

static int
add_job(struct vrv_plan *plan, const struct vrv_location *at, uint32_t *ret,
    struct varve_err *err)
{
	if (vrv_room_for_one(&plan->jobs, plan->n_jobs, &plan->cap_jobs,
		sizeof(*plan->jobs)) != 0)
		return VRV_NOMEM(err, "a plan");
	uint32_t *number = vrv_map_put(plan->by_frame, &at->frame, NULL);
	if (number == NULL)
		return VRV_NOMEM(err, "a plan");
	*number = *ret = (uint32_t)plan->n_jobs;
	plan->jobs[plan->n_jobs++] = (struct vrv_frame_job){.at = *at};
	return 0;
}

/* The job that reads one of the `n` copies: one that is planned already, or a
 * new one for the newest copy. */
static int
choose(struct vrv_plan *plan, const struct vrv_location *copies, uint32_t n,
    struct vrv_piece *piece, struct varve_err *err)
{
	if (plan->by_frame == NULL)
		plan->by_frame =
		    vrv_map_new(sizeof(copies->frame), sizeof(uint32_t));
	if (plan->by_frame == NULL)
		return VRV_NOMEM(err, "a plan");
	for (uint32_t i = 0; i < n; i++) {
		uint32_t *number =
		    vrv_map_get(plan->by_frame, &copies[i].frame);
		if (number == NULL || copies[i].kind != VRV_FRAME_DATA)
			continue;
		piece->frame = *number;
		piece->ordinal = copies[i].ordinal;
		return 0;
	}
	for (uint32_t i = 0; i < n; i++) {
		if (copies[i].kind != VRV_FRAME_DATA)
			continue;
		piece->ordinal = copies[i].ordinal;
		return add_job(plan, &copies[i], &piece->frame, err);
	}
	return VARVE_NOENT;
}

int
vrv_plan_add(struct vrv_plan *plan, const struct vrv_piece *wanted,
    vrv_find_fn *find, void *arg, struct varve_err *err)
{
	struct vrv_location copies[COPIES_LOOKED_AT];
	struct vrv_piece piece = *wanted;
	uint32_t n = 0;

	int rc = find(arg, piece.id, copies, COPIES_LOOKED_AT, &n, err);
	if (rc == 0)
		rc = choose(plan, copies, n, &piece, err);
	if (rc == VARVE_NOENT) {
		char hex[2 * VRV_PREFIX_SIZE + 1];
		vrv_hex(hex, piece.id, VRV_PREFIX_SIZE);
		return vrv_fail(err, VARVE_CORRUPT,
		    "chunk %s is in no pack of the repository", hex);
	}
	if (rc != 0)
		return rc;
	if (vrv_room_for_one(&plan->pieces, plan->n_pieces, &plan->cap_pieces,
		sizeof(*plan->pieces)) != 0)
		return VRV_NOMEM(err, "a plan");
	plan->pieces[plan->n_pieces++] = piece;
	plan->jobs[piece.frame].n++;
	return 0;
}

struct place {
	uint64_t frame;
	uint32_t job;
};

static int
by_place(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return x->frame < y->frame ? -1 : x->frame > y->frame;
}

/* Number the jobs by where their frames lie; place[old number].job is the new
 * one afterwards. */
static void
sort_jobs(struct vrv_plan *plan, struct place *sorted, uint32_t *number,
    struct vrv_frame_job *jobs)
{
	uint32_t first = 0;

	for (size_t i = 0; i < plan->n_jobs; i++)
		sorted[i] = (struct place){plan->jobs[i].at.frame, (uint32_t)i};
	qsort(sorted, plan->n_jobs, sizeof(*sorted), by_place);
	for (size_t i = 0; i < plan->n_jobs; i++) {
		jobs[i] = plan->jobs[sorted[i].job];
		jobs[i].first = first;
		first += jobs[i].n;
		number[sorted[i].job] = (uint32_t)i;
	}
}

int
vrv_plan_sort(struct vrv_plan *plan, struct varve_err *err)
{
	size_t n = plan->n_jobs;

	if (n == 0)
		return 0;
	vrv_auto_free struct place *sorted =
	    vrv_alloc_array(n, sizeof(*sorted));
	vrv_auto_free uint32_t *number = vrv_alloc_array(n, sizeof(*number));
	vrv_auto_free uint32_t *filled = vrv_alloc_array(n, sizeof(*filled));
	vrv_auto_free struct vrv_frame_job *jobs =
	    vrv_alloc_array(n, sizeof(*jobs));
	vrv_auto_free uint32_t *order =
	    vrv_alloc_array(plan->n_pieces, sizeof(*order));
	if (sorted == NULL || number == NULL || filled == NULL ||
	    jobs == NULL || order == NULL)
		return VRV_NOMEM(err, "a plan");

	sort_jobs(plan, sorted, number, jobs);
	for (size_t i = 0; i < plan->n_pieces; i++) {
		uint32_t job = number[plan->pieces[i].frame];
		order[jobs[job].first + filled[job]++] = (uint32_t)i;
	}
	free(plan->jobs);
	plan->jobs = vrv_steal(&jobs);
	plan->cap_jobs = n;
	free(plan->order);
	plan->order = vrv_steal(&order);
	return 0;
}
