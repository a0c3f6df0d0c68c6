/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/writer_internal.h"

#include <stdlib.h>
#include <string.h>

#include "util/clock.h"
#include "util/mem.h"

/* A frame is full from here on. Meta frames are small: a mount wants to read
 * one directory, not a thousand. */
#define DATA_FRAME ((size_t)1 << 20)
#define META_FRAME ((size_t)128 << 10)

#define PPM 1000000u
#define VERIFY_CACHE ((size_t)4 << 20) /* opened frames of a lane */

/* Sealed frames on their way to the store thread. */
#define QUEUE_ITEMS 256
#define QUEUE_BYTES ((size_t)24 << 20)

/* --- writer --- */

int
vrv_writer_new(struct vrv_repo *repo, struct vrv_group *group,
    const struct vrv_writer_options *options, struct vrv_writer **ret,
    struct varve_err *err)
{
	struct vrv_writer *w;

	int rc = vrv_repo_writable(repo, err);
	if (rc != 0)
		return rc;
	vrv_repo_config_mend(repo);
	w = calloc(1, sizeof(*w));
	if (w == NULL)
		return VRV_NOMEM(err, "a writer");
	w->repo = repo;
	w->options = *options;
	vrv_random(&w->seed, sizeof(w->seed));
	w->since_ns = vrv_ticks();
	pthread_mutex_init(&w->lock, NULL);
	w->claims = vrv_map_new(VRV_PREFIX_SIZE, 0);
	w->found = vrv_map_new(VRV_OBJECT_ID, sizeof(struct vrv_found_pack));
	w->queue =
	    vrv_queue_new(group, QUEUE_ITEMS, QUEUE_BYTES, options->lanes);
	if (w->claims == NULL || w->found == NULL || w->queue == NULL)
		rc = VRV_NOMEM(err, "a writer");
	if (rc == 0)
		rc = vrv_session_new(&repo->secrets->pack, &w->session, err);
	if (rc == 0)
		rc = vrv_group_start(group, "store", vrv_store_thread, w, err);
	if (rc != 0) {
		vrv_writer_free(w);
		return rc;
	}
	*ret = w;
	return 0;
}

void
vrv_writer_free(struct vrv_writer *w)
{
	if (w == NULL)
		return;
	if (w->queue != NULL) {
		struct vrv_sealed *left;

		while ((left = vrv_queue_drain(w->queue)) != NULL)
			vrv_sealed_free(left);
	}
	vrv_store_thread_fini(w);
	vrv_session_free(w->session);
	vrv_map_free(w->claims);
	vrv_map_free(w->found);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

void
vrv_writer_stop(struct vrv_writer *w)
{
	atomic_store(&w->stopping, true);
}

void
vrv_writer_cut(struct vrv_writer *w)
{
	vrv_queue_close(w->queue);
}

bool
vrv_writer_is_done(const struct vrv_writer *w)
{
	return atomic_load(&w->done);
}

void
vrv_writer_totals(struct vrv_writer *w, struct vrv_writer_totals *ret)
{
	ret->chunks = w->chunks;
	ret->plain = w->plain;
	ret->compressed = w->compressed;
	ret->stored = w->stored;
}

int
vrv_writer_reused(struct vrv_writer *w, vrv_index_pack_fn *fn, void *arg,
    struct varve_err *err)
{
	const void *pack;
	void *value;
	size_t at = 0;
	int rc = 0;

	while (rc == 0 && vrv_map_next(w->found, &at, &pack, &value)) {
		const struct vrv_found_pack *found = value;

		if (found->there)
			rc = fn(arg, pack, found->length, err);
	}
	return rc;
}

const uint8_t *
vrv_writer_index_objects(struct vrv_writer *w, uint32_t *ret_n)
{
	*ret_n = (uint32_t)(w->index_ids.len / VRV_OBJECT_ID);
	return w->index_ids.data;
}

/* --- lanes --- */

struct vrv_lane {
	struct vrv_writer *writer;
	enum vrv_frame_kind kind;
	struct vrv_sealer *sealer;
	struct vrv_reader *reader; /* NULL until a reused chunk is verified */
	struct vrv_buf plain;	   /* chunks back to back */
	uint32_t n;
	uint32_t lengths[VRV_FRAME_CHUNKS_MAX];
	uint8_t ids[VRV_FRAME_CHUNKS_MAX][VRV_ID_SIZE];
	uint8_t last_reused[VRV_OBJECT_ID];
	bool done;
};

int
vrv_lane_new(struct vrv_writer *w, enum vrv_frame_kind kind,
    struct vrv_lane **ret, struct varve_err *err)
{
	struct vrv_lane *lane = calloc(1, sizeof(*lane));

	if (lane == NULL)
		return VRV_NOMEM(err, "a lane");
	lane->writer = w;
	lane->kind = kind;
	int rc = vrv_sealer_new(w->session, &w->options.compression,
	    &lane->sealer, err);
	if (rc != 0) {
		free(lane);
		return rc;
	}
	*ret = lane;
	return 0;
}

void
vrv_lane_free(struct vrv_lane *lane)
{
	if (lane == NULL)
		return;
	if (!lane->done)
		vrv_queue_done(lane->writer->queue);
	vrv_sealer_free(lane->sealer);
	vrv_reader_free(lane->reader);
	vrv_buf_fini(&lane->plain);
	free(lane);
}

static int
flush(struct vrv_lane *lane, struct varve_err *err)
{
	struct vrv_writer *w = lane->writer;
	struct vrv_sealed *sealed;

	if (lane->n == 0)
		return 0;
	int rc = vrv_sealer_seal(lane->sealer, lane->kind, lane->plain.data,
	    lane->lengths, lane->ids[0], lane->n, &sealed, err);
	if (rc != 0)
		return rc;
	w->chunks += lane->n;
	w->plain += lane->plain.len;
	w->compressed += sealed->bytes.len;
	lane->n = 0;
	vrv_buf_clear(&lane->plain);
	if (vrv_queue_push(w->queue, sealed, sealed->bytes.len) != 0) {
		vrv_sealed_free(sealed);
		return vrv_fail(err, VARVE_CANCELLED, "cancelled");
	}
	return 0;
}

/* Is the pack whole that the index speaks of? Asked once for each: a chunk of
 * a pack that was lost or cut short is stored again, and the commit asks anew
 * for those that count. */
static int
is_there(struct vrv_lane *lane, const struct vrv_location *at, bool *ret,
    struct varve_err *err)
{
	struct vrv_writer *w = lane->writer;

	*ret = true;
	if (memcmp(at->pack, lane->last_reused, VRV_OBJECT_ID) == 0)
		return 0;
	pthread_mutex_lock(&w->lock);
	const struct vrv_found_pack *known = vrv_map_get(w->found, at->pack);
	bool asked = known != NULL;
	if (asked)
		*ret = known->there;
	pthread_mutex_unlock(&w->lock);
	if (!asked) {
		int rc =
		    vrv_pack_there(w->repo, at->pack, at->length, ret, err);
		if (rc != 0)
			return rc;
		pthread_mutex_lock(&w->lock);
		struct vrv_found_pack *found =
		    vrv_map_put(w->found, at->pack, NULL);
		if (found != NULL)
			*found = (struct vrv_found_pack){at->length, *ret};
		pthread_mutex_unlock(&w->lock);
		if (found == NULL)
			return VRV_NOMEM(err, "the packs in use");
	}
	if (*ret)
		memcpy(lane->last_reused, at->pack, VRV_OBJECT_ID);
	return 0;
}

/* Ids are even; the seed makes another sample for each run. */
static bool
is_sampled(const struct vrv_writer *w, const uint8_t *id)
{
	uint64_t at = vrv_get_u32(id) ^ w->seed;

	return at * PPM >> 32 < w->options.verify_reused_ppm;
}

/* Can the stored chunk be opened, and is it what its id says? One that is not
 * is told, and stored again by the caller. */
static int
is_sound(struct vrv_lane *lane, const uint8_t *id, bool *ret,
    struct varve_err *err)
{
	struct vrv_repo *repo = lane->writer->repo;
	const uint8_t *bytes;
	size_t n;
	int rc = 0;

	if (lane->reader == NULL)
		rc = vrv_reader_new(repo, VERIFY_CACHE, &lane->reader, err);
	if (rc != 0)
		return rc;
	rc = vrv_reader_get(lane->reader, lane->kind, id, &bytes, &n, err);
	*ret = rc == 0;
	if (rc == 0 || vrv_err_is_fatal(err))
		return rc;
	vrv_repo_note(repo, VARVE_EVENT_PROBLEM, NULL,
	    "a stored chunk that this run needs cannot be read and is stored "
	    "again: %s; run 'varve check --verify-data'",
	    err->message);
	return 0;
}

/* Is the chunk in some pack that is there? */
static int
is_stored(struct vrv_lane *lane, const uint8_t *id, bool *ret,
    struct varve_err *err)
{
	struct vrv_location at[VRV_COPIES_MAX];
	uint32_t n = 0;

	*ret = false;
	int rc = vrv_repo_index_find(lane->writer->repo, id, at, VRV_COPIES_MAX,
	    &n, err);
	/* A cache that fails, or a frame of a later version, must cost space,
	 * not the backup. */
	if (rc == VARVE_NOENT || rc == VARVE_CORRUPT || rc == VARVE_FORMAT)
		return 0;
	for (uint32_t i = 0; rc == 0 && i < n && !*ret; i++)
		rc = is_there(lane, &at[i], ret, err);
	if (rc == 0 && *ret && is_sampled(lane->writer, id))
		rc = is_sound(lane, id, ret, err);
	return rc;
}

/* Does this chunk have to be stored by the caller? Claims it if so. */
static int
claim(struct vrv_lane *lane, const uint8_t *id, bool *ret_mine,
    struct varve_err *err)
{
	struct vrv_writer *w = lane->writer;
	bool fresh = false, stored;

	pthread_mutex_lock(&w->lock);
	void *slot = vrv_map_put(w->claims, id, &fresh);
	pthread_mutex_unlock(&w->lock);
	if (slot == NULL)
		return VRV_NOMEM(err, "the claims");
	*ret_mine = fresh;
	if (!fresh)
		return 0;

	int rc = is_stored(lane, id, &stored, err);
	if (rc != 0 || !stored)
		return rc;
	*ret_mine = false;
	pthread_mutex_lock(&w->lock);
	vrv_map_remove(w->claims, id);
	pthread_mutex_unlock(&w->lock);
	return 0;
}

int
vrv_lane_put(struct vrv_lane *lane, const void *bytes, size_t n,
    uint8_t ret_id[VRV_ID_SIZE], bool *ret_new, struct varve_err *err)
{
	struct vrv_writer *w = lane->writer;
	size_t full = lane->kind == VRV_FRAME_META ? META_FRAME : DATA_FRAME;
	bool mine;

	if (n == 0 || n > VRV_FRAME_PLAIN_MAX)
		return vrv_fail(err, VARVE_LIMIT, "a chunk of %zu bytes", n);
	vrv_chunk_id(&w->repo->secrets->pack, lane->kind, bytes, n, ret_id);
	int rc = claim(lane, ret_id, &mine, err);
	if (rc != 0)
		return rc;
	*ret_new = mine;
	if (!mine)
		return 0;

	if (lane->plain.len + n > VRV_FRAME_PLAIN_MAX)
		rc = flush(lane, err);
	if (rc != 0)
		return rc;
	vrv_buf_bytes(&lane->plain, bytes, n);
	rc = vrv_buf_check(&lane->plain, err);
	if (rc != 0)
		return rc;
	memcpy(lane->ids[lane->n], ret_id, VRV_ID_SIZE);
	lane->lengths[lane->n++] = (uint32_t)n;
	if (lane->plain.len >= full || lane->n == VRV_FRAME_CHUNKS_MAX)
		rc = flush(lane, err);
	return rc;
}

int
vrv_lane_done(struct vrv_lane *lane, struct varve_err *err)
{
	if (lane->done)
		return 0;
	int rc = flush(lane, err);
	lane->done = true;
	vrv_queue_done(lane->writer->queue);
	return rc;
}
