/* SPDX-License-Identifier: BSD-2-Clause */
#include "index/index.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "index/index_internal.h"
#include "util/mem.h"

/* Adding must not starve beside threads that look up all the time. */
static void
init_lock(pthread_rwlock_t *lock)
{
	pthread_rwlockattr_t attr;

	int rc = pthread_rwlockattr_init(&attr);
	if (rc == 0)
		rc = pthread_rwlockattr_setkind_np(&attr,
		    PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	if (rc == 0)
		rc = pthread_rwlock_init(lock, &attr);
	assert(rc == 0);
	(void)pthread_rwlockattr_destroy(&attr);
}

static struct vrv_index *
index_new(const uint8_t cache_id[VRV_CACHE_ID])
{
	struct vrv_index *index = calloc(1, sizeof(*index));

	if (index == NULL)
		return NULL;
	memcpy(index->cache_id, cache_id, VRV_CACHE_ID);
	index->folder = -1;
	index->added.lookups = true;
	index->added_serial = ++index->serial;
	index->unnamed.lookups = true;
	index->unnamed_serial = ++index->serial;
	init_lock(&index->lock);
	index->dropped = vrv_map_new(VRV_OBJECT_ID, 0);
	index->lost = vrv_map_new(VRV_PREFIX_SIZE, 0);
	index->blocks = vrv_blocks_new();
	index->listed = vrv_map_new(VRV_OBJECT_ID, sizeof(struct vrv_listed));
	if (index->dropped == NULL || index->lost == NULL ||
	    index->listed == NULL || index->blocks == NULL) {
		vrv_index_free(index);
		return NULL;
	}
	return index;
}

static void
close_folder(struct vrv_index *index)
{
	if (index->folder >= 0)
		(void)close(index->folder);
	index->folder = -1;
	for (size_t i = 0; i < index->n_runs; i++)
		vrv_run_free(index->runs[i]);
	index->n_runs = 0;
	vrv_buf_clear(&index->gone);
}

int
vrv_index_open(const char *path, const uint8_t cache_id[VRV_CACHE_ID],
    struct vrv_index **ret, char **ret_note, struct varve_err *err)
{
	struct vrv_index *index = index_new(cache_id);
	char *note = NULL;
	int rc = 0;

	if (index == NULL)
		return VRV_NOMEM(err, "the index");
	if (path != NULL)
		rc = vrv_folder_open(index, path, err);
	if (rc != 0 && vrv_err_is_fatal(err)) {
		vrv_index_free(index);
		return rc;
	}
	if (rc != 0) {
		close_folder(index);
		note =
		    vrv_strf("the chunk index is not kept: %s", err->message);
		vrv_err_clear(err);
	}
	*ret = index;
	*ret_note = note;
	return 0;
}

void
vrv_index_free(struct vrv_index *index)
{
	if (index == NULL)
		return;
	close_folder(index);
	free(index->runs);
	vrv_mem_fini(&index->added);
	vrv_mem_fini(&index->unnamed);
	vrv_mem_fini(&index->loading);
	vrv_map_free(index->dropped);
	vrv_map_free(index->lost);
	vrv_map_free(index->listed);
	vrv_blocks_free(index->blocks);
	vrv_buf_fini(&index->gone);
	(void)pthread_rwlock_destroy(&index->lock);
	free(index);
}

/* --- runs --- */

int
vrv_index_take_run(struct vrv_index *index, struct vrv_run *run,
    struct varve_err *err)
{
	(void)pthread_rwlock_wrlock(&index->lock);
	int rc = vrv_room_for_one(&index->runs, index->n_runs, &index->cap_runs,
	    sizeof(struct vrv_run *));
	if (rc == 0) {
		run->serial = ++index->serial;
		index->runs[index->n_runs++] = run;
	}
	(void)pthread_rwlock_unlock(&index->lock);
	if (rc == 0)
		return 0;
	vrv_index_retire(index, run);
	return VRV_NOMEM(err, "the index");
}

void
vrv_index_retire(struct vrv_index *index, struct vrv_run *run)
{
	/* Without memory to note it the file stays until it is old. */
	if (run->in_folder)
		vrv_buf_bytes(&index->gone, run->id, VRV_RUN_ID);
	if (index->gone.failed)
		index->gone.failed = false;
	vrv_run_free(run);
}

/* The first of the newest runs that become one, so that sizes grow as a
 * geometric series towards older runs and a record is merged few times. */
static size_t
merge_from(const struct vrv_index *index)
{
	size_t from = index->n_runs - VRV_RUNS_MAX / 2;
	uint64_t sum = 0;

	for (size_t i = from; i < index->n_runs; i++)
		sum += index->runs[i]->count[VRV_S_RECORDS];
	while (from > 0 &&
	    (index->runs[from - 1]->count[VRV_S_RECORDS] <= 2 * sum ||
		from > VRV_RUNS_MAX - 1))
		sum += index->runs[--from]->count[VRV_S_RECORDS];
	return from;
}

/* Put the run `take_run` in the place of the newest ones from `from` on. */
static void
replace_runs(struct vrv_index *index, size_t from, struct vrv_run *take_run)
{
	struct vrv_run **runs = index->runs;

	(void)pthread_rwlock_wrlock(&index->lock);
	for (size_t i = from; i < index->n_runs; i++)
		vrv_index_retire(index, runs[i]);
	take_run->serial = ++index->serial;
	runs[from] = take_run;
	index->n_runs = from + 1;
	(void)pthread_rwlock_unlock(&index->lock);
}

int
vrv_index_merge(struct vrv_index *index, struct varve_err *err)
{
	struct vrv_run *run;

	if (index->n_runs <= VRV_RUNS_MAX || !index->judged)
		return 0;
	/* Nothing is merged while a run waits to be dropped. */
	for (size_t i = 0; i < index->n_runs; i++) {
		if (atomic_load(&index->runs[i]->bad))
			return 0;
	}
	size_t from = merge_from(index);
	struct vrv_merge merge = {index->runs + from, index->n_runs - from};
	int rc =
	    vrv_folder_make_run(index, vrv_run_fill_merge, &merge, &run, err);
	if (rc == VARVE_NOMEM)
		return rc;
	/* A damaged run comes out at the next listing; a full disk empties;
	 * until then there are more runs than wanted. */
	if (rc != 0) {
		vrv_err_clear(err);
		return 0;
	}
	memset(run->live, 1, (size_t)run->count[VRV_S_OBJECTS]);
	replace_runs(index, from, run);
	return 0;
}

/* --- adding --- */

/* The whole entry decodes and nothing follows it. */
static int
check_entry(const uint8_t *entry, size_t n, struct varve_err *err)
{
	struct vrv_rd r = vrv_rd_over(entry, n);
	struct vrv_pack_entry fixed;

	int rc = vrv_pack_entry_get(&r, &fixed, err);
	if (rc == 0)
		rc = vrv_pack_entry_rest(&r, &fixed, err);
	if (rc == 0 && !vrv_rd_done(&r))
		rc = vrv_fail(err, VARVE_CORRUPT, "bytes behind the entry");
	return rc;
}

static int
add_to(struct vrv_index *index, struct vrv_mem *mem, const uint8_t *entry,
    size_t n, struct varve_err *err)
{
	struct vrv_rd r = vrv_rd_over(entry, n);

	int rc = check_entry(entry, n, err);
	if (rc != 0)
		return vrv_ctx(err, "pack entry");
	(void)pthread_rwlock_wrlock(&index->lock);
	rc = vrv_mem_entry(mem, 0, &r, err);
	(void)pthread_rwlock_unlock(&index->lock);
	return rc;
}

int
vrv_index_add(struct vrv_index *index, const uint8_t *entry, size_t n,
    struct varve_err *err)
{
	return add_to(index, &index->added, entry, n, err);
}

int
vrv_index_add_unnamed(struct vrv_index *index, const uint8_t *entry, size_t n,
    struct varve_err *err)
{
	return add_to(index, &index->unnamed, entry, n, err);
}

int
vrv_index_flush(struct vrv_index *index, const uint8_t object[VRV_OBJECT_ID],
    struct varve_err *err)
{
	struct vrv_run *run;

	/* Lookups do not look at this table, nor at its order. */
	index->added.t[VRV_S_OBJECTS].n = 0;
	int rc = vrv_mem_put(&index->added, VRV_S_OBJECTS, object, err);
	if (rc == 0)
		rc = vrv_folder_make_run(index, vrv_run_fill_mem, &index->added,
		    &run, err);
	if (rc != 0)
		return rc;
	memset(run->live, 1, (size_t)run->count[VRV_S_OBJECTS]);
	/* The run first: for a moment lookups may see both, never none. */
	rc = vrv_index_take_run(index, run, err);
	if (rc != 0)
		return rc;
	(void)pthread_rwlock_wrlock(&index->lock);
	vrv_mem_clear(&index->added);
	index->added_serial = ++index->serial;
	(void)pthread_rwlock_unlock(&index->lock);
	rc = vrv_index_merge(index, err);
	vrv_folder_publish(index);
	return rc;
}

int
vrv_index_drop_pack(struct vrv_index *index, const uint8_t pack[VRV_OBJECT_ID],
    struct varve_err *err)
{
	(void)pthread_rwlock_wrlock(&index->lock);
	bool noted = vrv_map_put(index->dropped, pack, NULL) != NULL;
	(void)pthread_rwlock_unlock(&index->lock);
	return noted ? 0 : VRV_NOMEM(err, "the index");
}

bool
vrv_index_is_dropped(struct vrv_index *index, const uint8_t pack[VRV_OBJECT_ID])
{
	(void)pthread_rwlock_rdlock(&index->lock);
	bool dropped = vrv_map_get(index->dropped, pack) != NULL;
	(void)pthread_rwlock_unlock(&index->lock);
	return dropped;
}

void
vrv_index_forget(struct vrv_index *index)
{
	(void)pthread_rwlock_wrlock(&index->lock);
	for (size_t i = 0; i < index->n_runs; i++)
		vrv_run_free(index->runs[i]);
	index->n_runs = 0;
	(void)pthread_rwlock_unlock(&index->lock);
	vrv_folder_empty(index);
}
