/* SPDX-License-Identifier: BSD-2-Clause */
#include "index/index_internal.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

/* Records that are gathered before they become a run: bounds memory when a
 * whole repository is loaded. */
#define LOADING_MAX ((size_t)1 << 20)

void
vrv_index_listing_begin(struct vrv_index *index)
{
	vrv_map_clear(index->listed);
	vrv_mem_clear(&index->loading);
	index->want_at = 0;
	index->resolved = false;
}

int
vrv_index_listing_add(struct vrv_index *index,
    const uint8_t object[VRV_OBJECT_ID], struct varve_err *err)
{
	if (vrv_map_put(index->listed, object, NULL) == NULL)
		return VRV_NOMEM(err, "a listing");
	return 0;
}

/* The listed object `object` says that `other` is superseded. Saying so of
 * oneself means nothing. */
static void
mark_superseded(struct vrv_index *index, const uint8_t *object,
    const uint8_t *other)
{
	struct vrv_listed *it = vrv_map_get(index->listed, other);

	if (it != NULL && memcmp(object, other, VRV_OBJECT_ID) != 0)
		it->superseded = true;
}

static void
resolve_run(struct vrv_index *index, const struct vrv_run *run)
{
	for (uint64_t o = 0; o < run->count[VRV_S_OBJECTS]; o++) {
		struct vrv_listed *it = vrv_map_get(index->listed,
		    run->objects + o * VRV_OBJECT_ID);
		if (it != NULL)
			it->covered = true;
	}
	for (uint64_t i = 0; i < run->count[VRV_S_SUPERSEDED]; i++) {
		const uint8_t *row = run->superseded + i * 20;
		const uint8_t *object =
		    run->objects + (size_t)vrv_get_u32(row) * VRV_OBJECT_ID;
		if (vrv_map_get(index->listed, object) != NULL)
			mark_superseded(index, object, row + 4);
	}
}

/* What the runs say about the listing. */
static void
resolve(struct vrv_index *index)
{
	if (index->resolved)
		return;
	for (size_t i = 0; i < index->n_runs; i++) {
		struct vrv_run *run = index->runs[i];
		run->left_out = atomic_load(&run->bad);
		if (!run->left_out)
			resolve_run(index, run);
	}
	index->resolved = true;
}

bool
vrv_index_wants(struct vrv_index *index, uint8_t ret[VRV_OBJECT_ID])
{
	const void *object;
	void *value;

	resolve(index);
	while (vrv_map_next(index->listed, &index->want_at, &object, &value)) {
		const struct vrv_listed *it = value;
		if (it->covered || it->superseded)
			continue;
		memcpy(ret, object, VRV_OBJECT_ID);
		return true;
	}
	return false;
}

/* What was loaded so far becomes a run; it counts from the listing's end. */
static int
flush_loading(struct vrv_index *index, struct varve_err *err)
{
	struct vrv_run *run;

	if (index->loading.t[VRV_S_OBJECTS].n == 0)
		return 0;
	int rc = vrv_folder_make_run(index, vrv_run_fill_mem, &index->loading,
	    &run, err);
	if (rc == 0)
		rc = vrv_index_take_run(index, run, err);
	vrv_mem_clear(&index->loading);
	return rc;
}

int
vrv_index_load(struct vrv_index *index, const uint8_t object[VRV_OBJECT_ID],
    const uint8_t *body, size_t n, bool by_admin, struct varve_err *err)
{
	struct vrv_rd r = vrv_rd_over(body, n);
	struct vrv_listed *it = vrv_map_get(index->listed, object);
	struct vrv_index_body head;

	resolve(index);
	if (it == NULL)
		return vrv_fail(err, VARVE_USAGE,
		    "an index object that is not listed");
	if (it->covered)
		return 0;
	int rc =
	    vrv_mem_object(&index->loading, object, body, n, by_admin, err);
	if (rc == 0)
		rc = vrv_index_head_get(&r, &head, err);
	if (rc != 0)
		return vrv_ctx(err, "index object");
	it->covered = true;
	for (uint32_t i = 0; i < head.n_superseded; i++)
		mark_superseded(index, object,
		    head.superseded + (size_t)i * VRV_OBJECT_ID);
	if (index->loading.t[VRV_S_RECORDS].n < LOADING_MAX)
		return 0;
	return flush_loading(index, err);
}

/* --- the end --- */

/* How many objects of all runs are not listed, nor in `replaced` (may be NULL).
 */
static size_t
count_unlisted(const struct vrv_index *index, const struct vrv_map *replaced)
{
	size_t n = 0;

	for (size_t i = 0; i < index->n_runs; i++) {
		const struct vrv_run *run = index->runs[i];

		for (uint64_t o = 0; o < run->count[VRV_S_OBJECTS]; o++) {
			const uint8_t *object =
			    run->objects + o * VRV_OBJECT_ID;
			n += vrv_map_get(index->listed, object) == NULL &&
			    (replaced == NULL ||
				vrv_map_get(replaced, object) == NULL);
		}
	}
	return n;
}

/* The objects that listed ones say they supersede. */
static int
gather_replaced(const struct vrv_index *index, struct vrv_map *replaced,
    struct varve_err *err)
{
	for (size_t i = 0; i < index->n_runs; i++) {
		const struct vrv_run *run = index->runs[i];

		for (uint64_t j = 0; j < run->count[VRV_S_SUPERSEDED]; j++) {
			const uint8_t *row = run->superseded + j * 20;
			const uint8_t *by = run->objects +
			    (size_t)vrv_get_u32(row) * VRV_OBJECT_ID;
			if (vrv_map_get(index->listed, by) != NULL &&
			    vrv_map_put(replaced, row + 4, NULL) == NULL)
				return VRV_NOMEM(err, "the index");
		}
	}
	return 0;
}

static int
count_vanished(struct vrv_index *index, struct varve_err *err)
{
	index->vanished = count_unlisted(index, NULL);
	if (index->vanished == 0)
		return 0;
	vrv_auto_map replaced = vrv_map_new(VRV_OBJECT_ID, 0);
	if (replaced == NULL)
		return VRV_NOMEM(err, "the index");
	int rc = gather_replaced(index, replaced, err);
	if (rc == 0)
		index->vanished = count_unlisted(index, replaced);
	return rc;
}

size_t
vrv_index_vanished(const struct vrv_index *index)
{
	return index->vanished;
}

/* Which objects of the run count: listed, not superseded, and in no older
 * run. True if any does. */
static bool
judge(struct vrv_index *index, struct vrv_run *run)
{
	bool any = false;

	for (uint64_t o = 0; o < run->count[VRV_S_OBJECTS]; o++) {
		struct vrv_listed *it = vrv_map_get(index->listed,
		    run->objects + o * VRV_OBJECT_ID);
		bool live = it != NULL && !it->superseded && !it->taken;
		run->live[o] = live;
		if (live)
			it->taken = any = true;
	}
	return any;
}

/* Keep the runs of which something counts. */
static void
judge_all(struct vrv_index *index, bool *ret_changed)
{
	size_t kept = 0;

	for (size_t i = 0; i < index->n_runs; i++) {
		struct vrv_run *run = index->runs[i];
		/* One that turned bad since must stay: its objects were not
		 * wanted, and without it their chunks would seem missing. */
		if (!run->left_out && judge(index, run)) {
			index->runs[kept++] = run;
			*ret_changed |= run->in_folder && !run->published;
		} else {
			vrv_index_retire(index, run);
			*ret_changed = true;
		}
	}
	index->n_runs = kept;
}

static int
gather_lost(struct vrv_index *index, struct varve_err *err)
{
	vrv_map_clear(index->lost);
	for (size_t i = 0; i < index->n_runs; i++) {
		const struct vrv_run *run = index->runs[i];

		for (uint64_t j = 0; j < run->count[VRV_S_LOST]; j++) {
			const uint8_t *row = run->lost + j * 20;
			if (run->live[vrv_get_u32(row)] &&
			    vrv_map_put(index->lost, row + 4, NULL) == NULL)
				return VRV_NOMEM(err, "the index");
		}
	}
	return 0;
}

int
vrv_index_listing_end(struct vrv_index *index, struct varve_err *err)
{
	bool changed = index->gone.len > 0;

	resolve(index);
	int rc = flush_loading(index, err);
	if (rc != 0)
		return rc;
	vrv_mem_fini(&index->loading);
	rc = count_vanished(index, err);
	if (rc != 0)
		return rc;
	(void)pthread_rwlock_wrlock(&index->lock);
	judge_all(index, &changed);
	index->judged = true;
	rc = gather_lost(index, err);
	(void)pthread_rwlock_unlock(&index->lock);
	if (rc == 0 && index->n_runs > VRV_RUNS_MAX) {
		rc = vrv_index_merge(index, err);
		changed = true;
	}
	if (changed)
		vrv_folder_publish(index);
	return rc;
}
