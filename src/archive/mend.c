/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/mend.h"

#include <stdlib.h>
#include <string.h>

#include "archive/trees.h"
#include "repo/writer.h"
#include "util/mem.h"

#define ROUNDS 8
#define LOCATIONS 64 /* of one chunk that are looked at */
#define READER_CACHE ((size_t)32 << 20)
#define CHECKPOINT_NS ((uint64_t)300 * 1000000000)
#define CHECKPOINT_BYTES ((uint64_t)2 << 30)

enum pack_state {
	PACK_UNKNOWN, /* zero: not looked at in this round */
	PACK_GOOD,
	PACK_DYING,    /* condemned, but may still be read */
	PACK_UNUSABLE, /* the store does not let it be looked at */
	PACK_GONE
};

/* A chunk to be copied, and from where. */
struct rescue {
	enum vrv_frame_kind kind;
	uint8_t id[VRV_ID_SIZE];
	struct vrv_location from;
};

struct mend {
	struct vrv_repo *repo;
	const struct vrv_archive *archive;
	struct vrv_condemned_set *condemned;
	struct vrv_index *index;
	struct vrv_reader *reader;
	struct vrv_map *packs;	/* id to enum pack_state */
	struct vrv_map *chunks; /* ids that were looked at */
	struct varve_err cause; /* of the last unusable pack */
	struct rescue *rescues;
	size_t n, cap;
};

/* --- looking --- */

static int
state_of(struct mend *m, const struct vrv_location *at, enum pack_state *ret,
    struct varve_err *err)
{
	bool there;

	enum pack_state *state = vrv_map_put(m->packs, at->pack, NULL);
	if (state == NULL)
		return VRV_NOMEM(err, "packs");
	if (*state == PACK_UNKNOWN &&
	    vrv_condemned_has(m->condemned, VRV_PACK, at->pack)) {
		*state = PACK_DYING;
	} else if (*state == PACK_UNKNOWN) {
		struct varve_err cause;
		int rc = vrv_pack_look(m->repo, at->pack, at->length, &there,
		    &cause, err);
		if (rc != 0)
			return rc;
		*state = there	    ? PACK_GOOD :
		    cause.code != 0 ? PACK_UNUSABLE :
				      PACK_GONE;
		if (*state == PACK_UNUSABLE)
			m->cause = cause;
	}
	*ret = *state;
	return 0;
}

static int
lost(struct varve_err *err)
{
	return vrv_fail(err, VARVE_LOCKED,
	    "a compaction deleted data that this run relied on: run the "
	    "backup again");
}

static int
unusable(const struct mend *m, struct varve_err *err)
{
	*err = m->cause;
	return vrv_ctx(err,
	    "a pack that this run relied on cannot be used: run the backup "
	    "again");
}

/* Find the chunk a good place, or note it. */
static int
on_chunk(void *arg, enum vrv_frame_kind kind, const uint8_t id[VRV_ID_SIZE],
    struct varve_err *err)
{
	struct mend *m = arg;
	struct vrv_location at[LOCATIONS];
	enum pack_state state = PACK_UNKNOWN;
	uint32_t n, dying = LOCATIONS;
	bool is_new, refused = false;

	if (vrv_map_put(m->chunks, id, &is_new) == NULL)
		return VRV_NOMEM(err, "chunks");
	if (!is_new)
		return 0;
	int rc = vrv_repo_locate(m->repo, id, at, LOCATIONS, &n, err);
	if (rc == VARVE_NOENT)
		return lost(err);
	for (uint32_t i = 0; rc == 0 && i < n; i++) {
		if (at[i].kind != kind)
			continue;
		rc = state_of(m, &at[i], &state, err);
		if (rc == 0 && state == PACK_GOOD)
			return 0;
		if (rc == 0 && state == PACK_DYING && dying == LOCATIONS)
			dying = i;
		refused = refused || state == PACK_UNUSABLE;
	}
	if (rc != 0)
		return rc;
	if (dying == LOCATIONS)
		return refused ? unusable(m, err) : lost(err);
	if (vrv_room_for_one(&m->rescues, m->n, &m->cap, sizeof(*m->rescues)) !=
	    0)
		return VRV_NOMEM(err, "chunks to copy");
	struct rescue *rescue = &m->rescues[m->n++];
	*rescue = (struct rescue){.kind = kind, .from = at[dying]};
	memcpy(rescue->id, id, VRV_ID_SIZE);
	return 0;
}

/* Packs that are going or gone leave the index, or a chunk in them would not
 * be stored again. */
static int
drop_packs(struct mend *m, struct varve_err *err)
{
	const void *pack;
	void *state;
	size_t at = 0;
	int rc = 0;

	while (rc == 0 && vrv_map_next(m->packs, &at, &pack, &state))
		if (*(enum pack_state *)state != PACK_GOOD)
			rc = vrv_index_drop_pack(m->index, pack, err);
	return rc;
}

static int
look(struct mend *m, struct varve_err *err)
{
	struct vrv_meta_source source = vrv_meta_from_reader(m->reader);

	vrv_map_clear(m->packs);
	vrv_map_clear(m->chunks);
	m->n = 0;
	int rc = vrv_condemned_list(m->repo, m->condemned, err);
	/* A collector stores where it moved frames before it deletes. */
	if (rc == 0)
		rc = vrv_repo_index_reload(m->repo, false, err);
	if (rc == 0)
		rc = vrv_repo_index(m->repo, &m->index, err);
	if (rc == 0)
		rc = vrv_archive_chunks(&source, m->archive, on_chunk, m, err);
	if (rc == 0)
		rc = drop_packs(m, err);
	return rc;
}

/* --- copying --- */

/* Chunks of one frame side by side, so that it is opened once. */
static int
by_place(const void *a, const void *b)
{
	const struct rescue *x = a, *y = b;

	int order = memcmp(x->from.pack, y->from.pack, VRV_OBJECT_ID);
	if (order != 0)
		return order;
	if (x->from.offset != y->from.offset)
		return x->from.offset < y->from.offset ? -1 : 1;
	return (x->from.ordinal > y->from.ordinal) -
	    (x->from.ordinal < y->from.ordinal);
}

static bool
same_frame(const struct vrv_location *a, const struct vrv_location *b)
{
	return a->offset == b->offset &&
	    memcmp(a->pack, b->pack, VRV_OBJECT_ID) == 0;
}

static int
put_chunk(struct mend *m, const struct rescue *r,
    const struct vrv_opened *frame, struct vrv_lane *lane,
    struct varve_err *err)
{
	uint32_t i = r->from.ordinal;
	uint8_t id[VRV_ID_SIZE];
	bool is_new;

	if (i >= frame->n)
		return vrv_fail(err, VARVE_CORRUPT, "frame of %u chunks",
		    frame->n);
	const uint8_t *bytes = frame->plain.data + frame->offsets[i];
	size_t n = frame->lengths[i];
	vrv_chunk_id(vrv_repo_keys(m->repo), r->kind, bytes, n, id);
	if (memcmp(id, r->id, VRV_ID_SIZE) != 0)
		return vrv_fail(err, VARVE_CORRUPT, "chunk of another id");
	return vrv_lane_put(lane, bytes, n, id, &is_new, err);
}

static int
put_all(struct mend *m, struct vrv_lane *data, struct vrv_lane *meta,
    struct varve_err *err)
{
	struct vrv_opened frame = {0};
	const struct vrv_location *opened = NULL;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < m->n; i++) {
		const struct rescue *r = &m->rescues[i];
		if (opened == NULL || !same_frame(opened, &r->from)) {
			rc = vrv_reader_frame(m->reader, &r->from, &frame, err);
			opened = &r->from;
		}
		if (rc == 0)
			rc = put_chunk(m, r, &frame,
			    r->kind == VRV_FRAME_DATA ? data : meta, err);
	}
	vrv_opened_fini(&frame);
	return rc;
}

static int
run_lanes(struct mend *m, struct vrv_writer *writer, struct varve_err *err)
{
	struct vrv_lane *data = NULL, *meta = NULL;
	struct varve_err later;

	int rc = vrv_lane_new(writer, VRV_FRAME_DATA, &data, err);
	if (rc == 0)
		rc = vrv_lane_new(writer, VRV_FRAME_META, &meta, err);
	if (rc == 0)
		rc = put_all(m, data, meta, err);
	if (data != NULL && vrv_lane_done(data, &later) != 0 && rc == 0) {
		*err = later;
		rc = later.code;
	}
	if (meta != NULL && vrv_lane_done(meta, &later) != 0 && rc == 0) {
		*err = later;
		rc = later.code;
	}
	vrv_lane_free(data);
	vrv_lane_free(meta);
	return rc;
}

static int
copy(struct mend *m, struct vrv_group *group, struct varve_err *err)
{
	struct vrv_writer_options options = {
	    .compression = {.codec = VRV_ZSTD, .level = VRV_LEVEL_DEFAULT},
	    .lanes = 2,
	    .checkpoint_ns = CHECKPOINT_NS,
	    .checkpoint_bytes = CHECKPOINT_BYTES,
	};
	struct vrv_writer *writer = NULL;
	struct varve_err cause;

	memcpy(options.tag, m->archive->object.tag, VRV_TAG_SIZE);
	int rc = vrv_writer_new(m->repo, group, &options, &writer, err);
	if (rc != 0)
		return rc;
	rc = run_lanes(m, writer, err);
	if (rc != 0)
		vrv_group_cancel(group, rc == VARVE_CANCELLED ? NULL : err);
	int joined = vrv_group_join(group, &cause);
	if (joined != 0 && (rc == 0 || rc == VARVE_CANCELLED)) {
		*err = cause;
		rc = joined;
	}
	vrv_writer_free(writer);
	return rc;
}

static int
rescue_all(struct mend *m, struct varve_err *err)
{
	qsort(m->rescues, m->n, sizeof(*m->rescues), by_place);
	struct vrv_group *group = vrv_group_new();
	if (group == NULL)
		return VRV_NOMEM(err, "a writer");
	int rc = copy(m, group, err);
	vrv_group_free(group);
	if (rc == VARVE_NOENT)
		return lost(err);
	return rc == 0 ? 0 :
			 vrv_ctx(err, "copying data that a compaction deletes");
}

int
vrv_mend(struct vrv_repo *repo, const struct vrv_archive *archive,
    struct vrv_condemned_set *condemned, struct varve_err *err)
{
	struct mend m = {
	    .repo = repo,
	    .archive = archive,
	    .condemned = condemned,
	    .packs = vrv_map_new(VRV_OBJECT_ID, sizeof(enum pack_state)),
	    .chunks = vrv_map_new(VRV_ID_SIZE, 0),
	};
	bool whole = false;
	int rc;

	if (m.packs == NULL || m.chunks == NULL)
		rc = VRV_NOMEM(err, "mending");
	else
		rc = vrv_reader_new(repo, READER_CACHE, &m.reader, err);
	for (int round = 0; rc == 0 && !whole && round < ROUNDS; round++) {
		rc = look(&m, err);
		whole = rc == 0 && m.n == 0;
		if (rc == 0 && !whole)
			rc = rescue_all(&m, err);
	}
	if (rc == 0 && !whole)
		rc = lost(err);
	vrv_reader_free(m.reader);
	vrv_map_free(m.packs);
	vrv_map_free(m.chunks);
	free(m.rescues);
	return rc;
}
