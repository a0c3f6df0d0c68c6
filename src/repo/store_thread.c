/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/writer_internal.h"

#include <stdlib.h>
#include <string.h>

#include "util/clock.h"
#include "util/mem.h"

/* Packs are closed from these sizes on. Meta frames are held back until they
 * fill a pack of their own, so that a small run stores a single pack. */
#define DATA_PACK ((uint64_t)32 << 20)
#define META_PACK ((size_t)8 << 20)

/* A checkpoint closes an open pack of this size. A smaller one is closed only
 * when a whole interval brought it nothing: reading so little again costs less
 * than a small pack for each interval. */
#define CHECKPOINT_PACK ((uint64_t)4 << 20)

/* Entries that wait for the next index object take memory. */
#define ENTRIES_MAX ((size_t)16 << 20)

/* Of one intent, which then takes half of what it may. */
#define INTENT_PACKS (VRV_MAX_RECORD / 2 / VRV_OBJECT_ID)

static int
open_pack(struct vrv_writer *w, struct vrv_packing *p, struct varve_err *err)
{
	struct vrv_name name = {.type = VRV_PACK};
	char text[VRV_NAME_SIZE];

	vrv_buf_clear(&w->scratch);
	int rc = vrv_packer_new(&w->repo->secrets->pack,
	    vrv_session_epk(w->session), &w->scratch, &p->packer, err);
	if (rc != 0)
		return rc;
	memcpy(name.id, vrv_packer_id(p->packer), VRV_OBJECT_ID);
	vrv_name_print(&name, text);
	rc = vrv_put_begin(w->repo->store, text, &p->put, err);
	if (rc == 0)
		rc =
		    vrv_put_write(p->put, w->scratch.data, w->scratch.len, err);
	return rc;
}

static int
note_ids(struct vrv_packing *p, const struct vrv_sealed *sealed,
    struct varve_err *err)
{
	for (uint32_t i = 0; i < sealed->n; i++) {
		if (vrv_room_for_one(&p->ids, p->n_ids, &p->cap_ids,
			VRV_PREFIX_SIZE) != 0)
			return VRV_NOMEM(err, "the chunks of a pack");
		memcpy(p->ids[p->n_ids++],
		    sealed->ids + (size_t)i * VRV_PREFIX_SIZE, VRV_PREFIX_SIZE);
	}
	return 0;
}

/* Put one frame into the pack; opens one if there is none. */
static int
add_frame(struct vrv_writer *w, struct vrv_packing *p,
    struct vrv_sealed *take_sealed, struct varve_err *err)
{
	struct vrv_sealed *sealed = take_sealed;
	int rc = p->packer == NULL ? open_pack(w, p, err) : 0;

	if (rc == 0)
		rc = vrv_packer_add(p->packer, sealed, err);
	if (rc == 0)
		rc = note_ids(p, sealed, err);
	if (rc == 0)
		rc = vrv_put_write(p->put, sealed->bytes.data,
		    sealed->bytes.len, err);
	p->grew = true;
	if (sealed->kind == VRV_FRAME_META)
		p->has_meta = true;
	else
		p->has_data = true;
	vrv_sealed_free(sealed);
	return rc;
}

/* The pack is durable: its chunks can be found now, their claims end. */
static int
publish(struct vrv_writer *w, struct vrv_packing *p, const uint8_t *entry,
    size_t entry_n, const struct vrv_pack_sum *sum, struct varve_err *err)
{
	int rc = vrv_repo_index_add(w->repo, entry, entry_n, err);
	if (rc == 0)
		rc = vrv_index_draft_add(&w->index, sum, err);
	vrv_buf_bytes(&w->pack_ids, sum->pack, VRV_OBJECT_ID);
	if (rc == 0)
		rc = vrv_buf_check(&w->pack_ids, err);
	if (rc != 0)
		return rc;
	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < p->n_ids; i++)
		vrv_map_remove(w->claims, p->ids[i]);
	pthread_mutex_unlock(&w->lock);
	p->n_ids = 0;
	w->entries_data |= p->has_data;
	w->entries_meta |= p->has_meta;
	p->has_data = p->has_meta = false;
	return 0;
}

static int
close_pack(struct vrv_writer *w, struct vrv_packing *p, struct varve_err *err)
{
	size_t entry = w->index.entries.len;
	struct vrv_pack_sum sum;

	if (p->packer == NULL)
		return 0;
	vrv_buf_clear(&w->scratch);
	int rc = vrv_packer_finish(p->packer, &w->scratch, &w->index.entries,
	    &sum, err);
	if (rc == 0)
		rc =
		    vrv_put_write(p->put, w->scratch.data, w->scratch.len, err);
	if (rc != 0)
		return rc;
	w->stored += vrv_packer_size(p->packer);
	w->since_bytes += vrv_packer_size(p->packer);
	vrv_packer_free(vrv_steal(&p->packer));
	rc = vrv_put_commit(vrv_steal(&p->put), err);
	if (rc == 0)
		rc = publish(w, p, w->index.entries.data + entry,
		    w->index.entries.len - entry, &sum, err);
	return rc;
}

/* Put the held meta frames into `p`. */
static int
release_meta(struct vrv_writer *w, struct vrv_packing *p, struct varve_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < w->n_held; i++) {
		if (rc == 0)
			rc = add_frame(w, p, w->held[i], err);
		else
			vrv_sealed_free(w->held[i]);
	}
	w->n_held = 0;
	w->held_bytes = 0;
	return rc;
}

static int
hold_meta(struct vrv_writer *w, struct vrv_sealed *take_sealed,
    struct varve_err *err)
{
	if (vrv_room_for_one(&w->held, w->n_held, &w->cap_held,
		sizeof(struct vrv_sealed *)) != 0) {
		vrv_sealed_free(take_sealed);
		return VRV_NOMEM(err, "meta frames");
	}
	w->held[w->n_held++] = take_sealed;
	w->held_bytes += take_sealed->bytes.len;
	if (w->held_bytes < META_PACK)
		return 0;
	int rc = release_meta(w, &w->meta, err);
	return rc == 0 ? close_pack(w, &w->meta, err) : rc;
}

/* Store the entries gathered since the last time as an index object. */
static int
store_index(struct vrv_writer *w, struct varve_err *err)
{
	struct vrv_name name = {.suffix = !w->entries_meta ? 'd' :
		!w->entries_data			   ? 'm' :
							     'b'};
	uint64_t size;

	w->since_ns = vrv_ticks();
	w->since_bytes = 0;
	if (w->index.n == 0)
		return 0;
	memcpy(name.tag, w->options.tag, VRV_TAG_SIZE);
	int rc = vrv_index_store(w->repo, &name, &w->index, &size, err);
	if (rc != 0)
		return rc;
	w->stored += size;
	vrv_buf_bytes(&w->index_ids, name.id, VRV_OBJECT_ID);
	vrv_index_draft_clear(&w->index);
	w->entries_data = w->entries_meta = false;
	rc = vrv_buf_check(&w->index_ids, err);
	return rc == 0 ? vrv_repo_index_flush(w->repo, name.id, err) : rc;
}

static int
store_intent(struct vrv_writer *w, const uint8_t *packs, uint32_t n,
    struct varve_err *err)
{
	struct vrv_name name = {.type = VRV_INTENT};
	struct vrv_intent_clear clear = {0};
	struct vrv_intent_sealed intent = {.n_ids = n, .ids = packs};
	vrv_auto_buf struct vrv_buf object = {0}, sealed = {0};

	memcpy(name.tag, w->options.tag, VRV_TAG_SIZE);
	vrv_random(clear.logical, sizeof(clear.logical));
	int rc = vrv_draft_begin(w->repo, &name, false, &object, err);
	if (rc != 0)
		return rc;
	vrv_intent_clear_put(&object, &clear);
	vrv_intent_sealed_put(&sealed, &intent);
	rc =
	    vrv_draft_seal_meta(w->repo, &object, VRV_KEM_INTENT, &sealed, err);
	if (rc == 0)
		rc = vrv_draft_store(w->repo, &name, &object, false, err);
	return rc;
}

/* An intent without a root: "these packs are in use by a run that is still
 * going on". A killed run's chunks are found by the next. Each checkpoint names
 * all packs, for those before it may expire; what one intent cannot hold is in
 * several. */
static int
store_checkpoint(struct vrv_writer *w, struct varve_err *err)
{
	size_t n = w->pack_ids.len / VRV_OBJECT_ID;
	int rc = 0;

	for (size_t at = 0; rc == 0 && at < n; at += INTENT_PACKS)
		rc = store_intent(w, w->pack_ids.data + at * VRV_OBJECT_ID,
		    (uint32_t)vrv_min(n - at, INTENT_PACKS), err);
	return rc;
}

/* The interval is over: do not let the open pack fill for hours. */
static int
close_due(struct vrv_writer *w, struct varve_err *err)
{
	struct vrv_packing *p = &w->data;
	bool due = p->packer != NULL &&
	    (!p->grew || vrv_packer_size(p->packer) >= CHECKPOINT_PACK);

	p->grew = false;
	return due ? close_pack(w, p, err) : 0;
}

static uint64_t
next_checkpoint(const struct vrv_writer *w)
{
	uint64_t left = UINT64_MAX - w->since_ns;

	return w->options.checkpoint_ns < left ?
	    w->since_ns + w->options.checkpoint_ns :
	    UINT64_MAX;
}

static int
checkpoint(struct vrv_writer *w, struct varve_err *err)
{
	bool late = vrv_ticks() >= next_checkpoint(w);
	bool full = w->since_bytes >= w->options.checkpoint_bytes ||
	    w->index.entries.len >= ENTRIES_MAX;

	if (!late && !full)
		return 0;
	int rc = late ? close_due(w, err) : 0;
	bool any = w->index.n > 0;
	if (rc == 0)
		rc = store_index(w, err);
	return rc == 0 && any ? store_checkpoint(w, err) : rc;
}

static int
take(struct vrv_writer *w, struct vrv_sealed *take_sealed,
    struct varve_err *err)
{
	if (take_sealed->kind == VRV_FRAME_META)
		return hold_meta(w, take_sealed, err);
	int rc = add_frame(w, &w->data, take_sealed, err);
	if (rc == 0 && vrv_packer_size(w->data.packer) >= DATA_PACK)
		rc = close_pack(w, &w->data, err);
	return rc;
}

/* Of a run that is stopped a checkpoint remains, in place of an archive. */
static int
finish(struct vrv_writer *w, struct varve_err *err)
{
	int rc = release_meta(w, &w->data, err);

	if (rc == 0)
		rc = close_pack(w, &w->data, err);
	bool any = w->index.n > 0;
	if (rc == 0)
		rc = store_index(w, err);
	if (rc == 0 && any && atomic_load(&w->stopping))
		rc = store_checkpoint(w, err);
	return rc;
}

int
vrv_store_thread(void *arg, struct varve_err *err)
{
	struct vrv_writer *w = arg;
	void *item;
	int rc;

	while ((rc = vrv_queue_pop_until(w->queue, next_checkpoint(w),
		    &item)) == 0) {
		if (item != NULL)
			rc = take(w, item, err);
		if (rc == 0)
			rc = checkpoint(w, err);
		if (rc != 0)
			return rc;
	}
	if (rc != VARVE_NOENT)
		return vrv_fail(err, rc, "cancelled");
	rc = finish(w, err);
	if (rc == 0)
		atomic_store(&w->done, true);
	return rc;
}

static void
packing_fini(struct vrv_packing *p)
{
	vrv_packer_free(p->packer);
	if (p->put != NULL)
		vrv_put_abort(p->put);
	free(p->ids);
}

void
vrv_store_thread_fini(struct vrv_writer *w)
{
	packing_fini(&w->data);
	packing_fini(&w->meta);
	for (size_t i = 0; i < w->n_held; i++)
		vrv_sealed_free(w->held[i]);
	free(w->held);
	vrv_buf_fini(&w->scratch);
	vrv_index_draft_fini(&w->index);
	vrv_buf_fini(&w->index_ids);
	vrv_buf_fini(&w->pack_ids);
}
