/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/repo_internal.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

#define SLOTS 64

struct slot {
	uint8_t pack[VRV_OBJECT_ID];
	uint64_t offset; /* 0: the slot is empty (no frame starts there) */
	uint64_t used;	 /* when */
	struct vrv_opened opened;
};

struct vrv_reader {
	struct vrv_repo *repo;
	struct vrv_failures *failures; /* or NULL */
	struct vrv_opener *opener, *base_opener;
	size_t cache_bytes, cached;
	uint64_t clock;
	struct slot slots[SLOTS];
	struct vrv_buf stored, base_stored;
	struct vrv_opened base;
};

int
vrv_reader_new(struct vrv_repo *repo, size_t cache_bytes,
    struct vrv_reader **ret, struct varve_err *err)
{
	struct vrv_reader *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return VRV_NOMEM(err, "a reader");
	r->repo = repo;
	r->cache_bytes = cache_bytes;
	int rc = vrv_opener_new(&repo->secrets->pack, &r->opener, err);
	if (rc == 0)
		rc = vrv_opener_new(&repo->secrets->pack, &r->base_opener, err);
	if (rc != 0) {
		vrv_reader_free(r);
		return rc;
	}
	*ret = r;
	return 0;
}

void
vrv_reader_free(struct vrv_reader *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		vrv_opened_fini(&r->slots[i].opened);
	vrv_opened_fini(&r->base);
	vrv_buf_fini(&r->stored);
	vrv_buf_fini(&r->base_stored);
	vrv_opener_free(r->opener);
	vrv_opener_free(r->base_opener);
	free(r);
}

void
vrv_reader_remember(struct vrv_reader *r, struct vrv_failures *failures)
{
	r->failures = failures;
}

/* Its error, if the frame is known to fail. */
static int
known_to_fail(const struct vrv_reader *r, const struct vrv_location *at,
    struct varve_err *err)
{
	return r->failures == NULL ? 0 : vrv_failures_get(r->failures, at, err);
}

/* Context of an error, and a note of it. */
static int
failed(const struct vrv_reader *r, const struct vrv_location *at,
    struct varve_err *err)
{
	int rc = vrv_copy_context(at, err);

	if (r->failures != NULL)
		vrv_failures_put(r->failures, at, err);
	return rc;
}

/* Fetch the stored bytes of the frame at `at`. */
static int
fetch(struct vrv_repo *repo, const struct vrv_location *at,
    struct vrv_buf *stored, struct varve_err *err)
{
	char name[VRV_NAME_SIZE];

	vrv_pack_name(at->pack, name);
	vrv_buf_clear(stored);
	uint8_t *to = vrv_buf_extend(stored, at->stored);
	if (to == NULL)
		return VRV_NOMEM(err, "a frame");
	return vrv_store_get(repo->store, name, at->offset, to, at->stored,
	    err);
}

static struct vrv_pack_frame
frame_of(const struct vrv_location *at, const uint8_t *bases)
{
	return (struct vrv_pack_frame){
	    .kind = at->kind,
	    .offset = at->offset,
	    .stored = at->stored,
	    .plain = at->plain,
	    .n = at->n,
	    .m = at->m,
	    .bases = bases,
	};
}

/* The plaintext of a base chunk: from a frame without bases of its own. */
static int
base_plain(void *arg, const uint8_t prefix[VRV_PREFIX_SIZE], struct vrv_buf *to,
    struct varve_err *err)
{
	struct vrv_reader *r = arg;
	struct vrv_location at[VRV_COPIES_MAX];
	uint32_t n;

	int rc = vrv_repo_locate(r->repo, prefix, at, VRV_COPIES_MAX, &n, err);
	if (rc != 0)
		return rc;
	rc = vrv_fail(err, VARVE_CORRUPT, "a base chunk is itself a delta");
	for (uint32_t i = 0; i < n; i++) {
		const struct vrv_pack_frame frame = frame_of(&at[i], NULL);

		if (at[i].m != 0)
			continue;
		rc = known_to_fail(r, &at[i], err);
		if (rc != 0)
			continue;
		rc = fetch(r->repo, &at[i], &r->base_stored, err);
		if (rc == 0)
			rc = vrv_opener_open(r->base_opener, at[i].epk, &frame,
			    r->base_stored.data, r->base_stored.len, NULL, NULL,
			    &r->base, err);
		if (rc != 0 && vrv_err_is_fatal(err))
			return rc;
		if (rc != 0) {
			rc = failed(r, &at[i], err);
			continue;
		}
		const uint8_t *bytes =
		    r->base.plain.data + r->base.offsets[at[i].ordinal];
		uint32_t length = r->base.lengths[at[i].ordinal];

		rc = vrv_chunk_verify(r->repo, at[i].kind, bytes, length,
		    prefix, VRV_PREFIX_SIZE, err);
		if (rc == 0) {
			vrv_buf_bytes(to, bytes, length);
			return vrv_buf_check(to, err);
		}
	}
	return rc;
}

int
vrv_reader_frame(struct vrv_reader *r, const struct vrv_location *at,
    struct vrv_opened *ret, struct varve_err *err)
{
	uint8_t bases[VRV_FRAME_BASES_MAX][VRV_PREFIX_SIZE];
	struct vrv_index *index;

	int rc = known_to_fail(r, at, err);
	if (rc != 0)
		return rc;
	if (at->m > 0) {
		rc = vrv_repo_index(r->repo, &index, err);
		if (rc == 0)
			rc = vrv_index_bases(index, at, bases, err);
		/* A damaged cache is no damage of the frame. */
		if (rc == VARVE_CORRUPT) {
			rc = vrv_repo_index_reload(r->repo, true, err);
			if (rc == 0)
				rc = vrv_index_bases(index, at, bases, err);
		}
	}
	const struct vrv_pack_frame frame = frame_of(at, bases[0]);
	if (rc == 0)
		rc = fetch(r->repo, at, &r->stored, err);
	if (rc == 0)
		rc = vrv_opener_open(r->opener, at->epk, &frame, r->stored.data,
		    r->stored.len, base_plain, r, ret, err);
	return rc == 0 ? 0 : failed(r, at, err);
}

static void
drop(struct vrv_reader *r, struct slot *slot)
{
	r->cached -= slot->opened.plain.len;
	slot->offset = 0;
	slot->opened.plain.len = 0;
}

/* An empty slot, for a frame of `plain` bytes: the oldest frames go. */
static struct slot *
make_room(struct vrv_reader *r, size_t plain)
{
	for (;;) {
		struct slot *empty = NULL, *oldest = NULL;

		for (size_t i = 0; i < SLOTS; i++) {
			struct slot *s = &r->slots[i];

			if (s->offset == 0)
				empty = s;
			else if (oldest == NULL || s->used < oldest->used)
				oldest = s;
		}
		if (oldest == NULL ||
		    (empty != NULL && r->cached + plain <= r->cache_bytes))
			return empty;
		drop(r, oldest);
	}
}

/* The opened frame at `at`, from the cache or fetched. */
static int
cached_frame(struct vrv_reader *r, const struct vrv_location *at,
    struct slot **ret, struct varve_err *err)
{
	for (size_t i = 0; i < SLOTS; i++) {
		struct slot *s = &r->slots[i];

		if (s->offset == at->offset &&
		    memcmp(s->pack, at->pack, VRV_OBJECT_ID) == 0) {
			s->used = ++r->clock;
			*ret = s;
			return 0;
		}
	}
	/* Before room is made: nothing shall go for a frame that fails. */
	int rc = known_to_fail(r, at, err);
	if (rc != 0)
		return rc;
	struct slot *slot = make_room(r, at->plain);
	rc = vrv_reader_frame(r, at, &slot->opened, err);
	if (rc != 0) {
		slot->opened.plain.len = 0;
		return rc;
	}
	memcpy(slot->pack, at->pack, VRV_OBJECT_ID);
	slot->offset = at->offset;
	slot->used = ++r->clock;
	r->cached += slot->opened.plain.len;
	*ret = slot;
	return 0;
}

struct get {
	struct vrv_reader *reader;
	const uint8_t *id;
	const uint8_t *bytes;
	size_t n;
};

static int
get_from(void *arg, const struct vrv_location *at, struct varve_err *err)
{
	struct get *get = arg;
	struct slot *slot;

	int rc = cached_frame(get->reader, at, &slot, err);
	if (rc != 0)
		return rc;
	/* It may have been opened for another entry that states it otherwise.
	 */
	if (at->ordinal >= slot->opened.n)
		return vrv_fail(err, VARVE_CORRUPT,
		    "the index tells of more chunks than the frame has");
	get->bytes =
	    slot->opened.plain.data + slot->opened.offsets[at->ordinal];
	get->n = slot->opened.lengths[at->ordinal];
	rc = vrv_chunk_verify(get->reader->repo, at->kind, get->bytes, get->n,
	    get->id, VRV_ID_SIZE, err);
	return rc == 0 ? 0 : vrv_copy_context(at, err);
}

int
vrv_reader_get(struct vrv_reader *r, enum vrv_frame_kind kind,
    const uint8_t id[VRV_ID_SIZE], const uint8_t **ret, size_t *ret_n,
    struct varve_err *err)
{
	struct get get = {.reader = r, .id = id};
	bool gone;

	int rc = vrv_copies_try(r->repo, kind, id, get_from, &get, &gone, err);
	if (rc == 0) {
		*ret = get.bytes;
		*ret_n = get.n;
	}
	return rc;
}
