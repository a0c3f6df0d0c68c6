/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/repo_internal.h"

#include <stdlib.h>
#include <string.h>

#include "util/hex.h"
#include "util/mem.h"

#define SLOTS 64
#define COPIES_MAX 8 /* locations of one chunk that are tried */

struct slot {
	uint8_t pack[VRV_OBJECT_ID];
	uint64_t offset; /* 0: the slot is empty (no frame starts there) */
	uint64_t used;	 /* when */
	struct vrv_opened opened;
};

struct vrv_reader {
	struct vrv_repo *repo;
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

static void
pack_name(const uint8_t pack[VRV_OBJECT_ID], char out[VRV_NAME_SIZE])
{
	struct vrv_name name = {.type = VRV_PACK};

	memcpy(name.id, pack, VRV_OBJECT_ID);
	vrv_name_print(&name, out);
}

/* Fetch the stored bytes of the frame at `at`. */
static int
fetch(struct vrv_repo *repo, const struct vrv_location *at,
    struct vrv_buf *stored, struct varve_err *err)
{
	char name[VRV_NAME_SIZE];

	pack_name(at->pack, name);
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

static int
check_id(const struct vrv_repo *repo, enum vrv_frame_kind kind,
    const uint8_t *bytes, size_t n, const uint8_t *want, size_t want_n,
    struct varve_err *err)
{
	uint8_t id[VRV_ID_SIZE];

	vrv_chunk_id(&repo->secrets->pack, kind, bytes, n, id);
	if (vrv_same(id, want, want_n))
		return 0;
	return vrv_fail(err, VARVE_CORRUPT, "a chunk is not what its id says");
}

/* The plaintext of a base chunk: from a frame without bases of its own. */
static int
base_plain(void *arg, const uint8_t prefix[VRV_PREFIX_SIZE], struct vrv_buf *to,
    struct varve_err *err)
{
	struct vrv_reader *r = arg;
	struct vrv_location at[COPIES_MAX];
	struct vrv_index *index;
	uint32_t n;

	int rc = vrv_repo_index(r->repo, &index, err);
	if (rc == 0)
		rc = vrv_index_find(index, prefix, at, COPIES_MAX, &n, err);
	if (rc != 0)
		return rc;
	rc = vrv_fail(err, VARVE_CORRUPT, "a base chunk is itself a delta");
	for (uint32_t i = 0; i < n; i++) {
		const struct vrv_pack_frame frame = frame_of(&at[i], NULL);

		if (at[i].m != 0)
			continue;
		rc = fetch(r->repo, &at[i], &r->base_stored, err);
		if (rc == 0)
			rc = vrv_opener_open(r->base_opener, at[i].epk, &frame,
			    r->base_stored.data, r->base_stored.len, NULL, NULL,
			    &r->base, err);
		if (rc != 0)
			continue;
		const uint8_t *bytes =
		    r->base.plain.data + r->base.offsets[at[i].ordinal];
		uint32_t length = r->base.lengths[at[i].ordinal];

		rc = check_id(r->repo, at[i].kind, bytes, length, prefix,
		    VRV_PREFIX_SIZE, err);
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
	char name[VRV_NAME_SIZE];

	int rc = 0;
	if (at->m > 0) {
		rc = vrv_repo_index(r->repo, &index, err);
		if (rc == 0)
			rc = vrv_index_bases(index, at, bases, err);
	}
	const struct vrv_pack_frame frame = frame_of(at, bases[0]);
	if (rc == 0)
		rc = fetch(r->repo, at, &r->stored, err);
	if (rc == 0)
		rc = vrv_opener_open(r->opener, at->epk, &frame, r->stored.data,
		    r->stored.len, base_plain, r, ret, err);
	if (rc != 0) {
		pack_name(at->pack, name);
		vrv_ctx(err, "%s, frame at %llu", name,
		    (unsigned long long)at->offset);
	}
	return rc;
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
	struct slot *slot = make_room(r, at->plain);
	int rc = vrv_reader_frame(r, at, &slot->opened, err);
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

static int
get_from(struct vrv_reader *r, const struct vrv_location *at,
    const uint8_t id[VRV_ID_SIZE], const uint8_t **ret, size_t *ret_n,
    struct varve_err *err)
{
	struct slot *slot;

	int rc = cached_frame(r, at, &slot, err);
	if (rc != 0)
		return rc;
	/* It may have been opened for another entry that states it otherwise.
	 */
	if (at->ordinal >= slot->opened.n)
		return vrv_fail(err, VARVE_CORRUPT,
		    "the index tells of more chunks than the frame has");
	const uint8_t *bytes =
	    slot->opened.plain.data + slot->opened.offsets[at->ordinal];
	size_t n = slot->opened.lengths[at->ordinal];
	rc = check_id(r->repo, at->kind, bytes, n, id, VRV_ID_SIZE, err);
	if (rc != 0) {
		char name[VRV_NAME_SIZE];

		pack_name(at->pack, name);
		return vrv_ctx(err, "%s, frame at %llu", name,
		    (unsigned long long)at->offset);
	}
	*ret = bytes;
	*ret_n = n;
	return 0;
}

/* Locations of a chunk; a second look at the store before giving up: the
 * local index may be older than what refers to the chunk, or damaged. */
static int
locate(struct vrv_reader *r, const uint8_t *id, struct vrv_location *at,
    uint32_t *ret_n, struct varve_err *err)
{
	struct vrv_index *index;

	int rc = vrv_repo_index(r->repo, &index, err);
	if (rc == 0)
		rc = vrv_index_find(index, id, at, COPIES_MAX, ret_n, err);
	if (rc != VARVE_NOENT && rc != VARVE_CORRUPT)
		return rc;
	rc = vrv_repo_index_reload(r->repo, rc == VARVE_CORRUPT, err);
	if (rc == 0)
		rc = vrv_index_find(index, id, at, COPIES_MAX, ret_n, err);
	return rc;
}

int
vrv_reader_get(struct vrv_reader *r, enum vrv_frame_kind kind,
    const uint8_t id[VRV_ID_SIZE], const uint8_t **ret, size_t *ret_n,
    struct varve_err *err)
{
	struct vrv_location at[COPIES_MAX];
	char hex[2 * VRV_PREFIX_SIZE + 1];
	uint32_t n = 0;

	int rc = locate(r, id, at, &n, err);
	if (rc == VARVE_NOENT)
		rc = vrv_fail(err, VARVE_CORRUPT,
		    "no pack of the index holds it");
	for (uint32_t i = 0; i < n; i++) {
		if (at[i].kind != kind) {
			rc = vrv_fail(err, VARVE_CORRUPT,
			    "stored as another kind of chunk");
			continue;
		}
		rc = get_from(r, &at[i], id, ret, ret_n, err);
		if (rc == 0)
			return 0;
	}
	vrv_hex(hex, id, VRV_PREFIX_SIZE);
	vrv_ctx(err, "%s chunk %s", kind == VRV_FRAME_META ? "meta" : "data",
	    hex);
	/* What is gone from the store, or does not open with the right key, is
	 * damage here. */
	if (rc == VARVE_NOENT || rc == VARVE_AUTH) {
		err->code = rc = VARVE_CORRUPT;
		err->sys = 0;
		(void)vrv_exit(err, VARVE_EXIT_INTEGRITY);
	}
	return rc;
}
