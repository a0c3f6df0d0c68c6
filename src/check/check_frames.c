/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "check/check_internal.h"
#include "store/store.h"
#include "util/hex.h"
#include "util/mem.h"

#define READER_CACHE ((size_t)4 << 20)

/* What a thread works with. */
struct bench {
	struct vrv_opener *opener;
	struct vrv_reader *reader; /* for frames with bases */
	struct vrv_opened opened;
	struct vrv_buf stored;
	bool gone; /* the pack at hand was deleted since the listing */
};

static void
drop(void *mine)
{
	struct bench *b = mine;

	if (b == NULL)
		return;
	vrv_opener_free(b->opener);
	vrv_reader_free(b->reader);
	vrv_opened_fini(&b->opened);
	vrv_buf_fini(&b->stored);
	free(b);
}

static int
make(struct vrv_check *check, void **ret, struct varve_err *err)
{
	struct bench *b = calloc(1, sizeof(*b));

	*ret = b;
	if (b == NULL)
		return VRV_NOMEM(err, "a reader");
	int rc = vrv_opener_new(vrv_repo_keys(check->repo), &b->opener, err);
	if (rc == 0)
		rc = vrv_reader_new(check->repo, READER_CACHE, &b->reader, err);
	return rc;
}

static int
fetch(struct vrv_check *check, struct bench *b, const char *name,
    uint64_t offset, size_t n, struct varve_err *err)
{
	vrv_buf_clear(&b->stored);
	uint8_t *to = vrv_buf_extend(&b->stored, n);
	if (to == NULL)
		return VRV_NOMEM(err, "a frame");
	return vrv_store_get(vrv_repo_store(check->repo), name, offset, to, n,
	    err);
}

/* A frame with bases is opened by way of the index, which finds those. */
static int
open_delta(struct vrv_check *check, struct bench *b,
    const struct vrv_pack_entry *entry, const struct vrv_pack_frame *frame,
    struct varve_err *err)
{
	struct vrv_location at[VRV_COPIES_MAX];
	uint32_t n;

	if (check->index == NULL)
		return vrv_fail(err, VARVE_NOTSUP,
		    "needs other chunks, and the index cannot be read");
	int rc = vrv_repo_locate(check->repo, frame->ids, at, VRV_COPIES_MAX,
	    &n, err);
	for (uint32_t i = 0; rc == 0 && i < n; i++)
		if (at[i].offset == frame->offset &&
		    memcmp(at[i].pack, entry->pack, VRV_OBJECT_ID) == 0)
			return vrv_reader_frame(b->reader, &at[i], &b->opened,
			    err);
	return rc != 0 ? rc :
			 vrv_fail(err, VARVE_CORRUPT, "is not in the index");
}

static int
check_frame(struct vrv_check *check, struct bench *b, const char *name,
    const struct vrv_pack_entry *entry, const struct vrv_pack_frame *frame,
    struct varve_err *err)
{
	struct vrv_pack_key key;
	uint32_t bad;
	int rc;

	vrv_pack_key_get(entry, frame->key, &key);
	if (frame->m > 0) {
		rc = open_delta(check, b, entry, frame, err);
	} else {
		rc = fetch(check, b, name, frame->offset, frame->stored, err);
		if (rc == 0)
			rc = vrv_opener_open(b->opener, key.epk, frame,
			    b->stored.data, b->stored.len, NULL, NULL,
			    &b->opened, err);
	}
	if (rc == 0)
		rc = vrv_opened_check(vrv_repo_keys(check->repo), frame,
		    &b->opened, &bad, err);
	if (rc == 0)
		vrv_check_lengths(check, frame, &b->opened);
	return rc;
}

static void
count(struct vrv_check *check, const char *name,
    const struct vrv_pack_frame *frame)
{
	pthread_mutex_lock(&check->lock);
	check->result.frames++;
	check->result.chunks += frame->n;
	pthread_mutex_unlock(&check->lock);
	vrv_check_add(check, name, 0, frame->stored);
}

static int
problem(struct vrv_check *check, struct bench *b, const struct vrv_listed *item,
    const char *name, struct varve_err *err)
{
	if (vrv_err_is_fatal(err))
		return err->code;
	if (err->code == VARVE_NOENT) {
		struct varve_err why = *err;
		bool there;
		int rc = vrv_check_is_stored(check, name, &there, NULL, err);
		if (rc != 0 && vrv_err_is_fatal(err))
			return rc;
		if (rc == 0 && !there) {
			b->gone = true;
			return 0;
		}
		*err = why;
	}
	vrv_check_pack_problem(check, item->name.id,
	    err->code == VARVE_FORMAT ? VRV_PACK_UNREAD : VRV_PACK_DAMAGED,
	    err);
	vrv_err_clear(err);
	return 0;
}

static int
check_frames(struct vrv_check *check, struct bench *b,
    const struct vrv_listed *item, const char *name,
    const struct vrv_buf *directory, struct varve_err *err)
{
	struct vrv_rd rd = vrv_rd_over(directory->data, directory->len);
	struct vrv_pack_entry entry;
	uint64_t end = VRV_HEADER_SIZE;

	int rc = vrv_pack_entry_get(&rd, &entry, err);
	if (rc == 0 &&
	    (entry.length != item->size ||
		memcmp(entry.pack, item->name.id, VRV_OBJECT_ID) != 0))
		rc = vrv_fail(err, VARVE_CORRUPT,
		    "its directory is that of another pack");
	if (rc != 0)
		return problem(check, b, item, name, err);
	for (uint32_t i = 0; i < entry.n_frames; i++) {
		struct vrv_pack_frame frame;
		rc = vrv_pack_frame_get(&rd, &entry, &end, &frame, err);
		if (rc != 0)
			return problem(check, b, item, name, err);
		if (frame.later) {
			/* Nobody of this version can say whether it is sound.
			 */
			(void)vrv_fail(err, VARVE_FORMAT,
			    "has frames that need a newer varve");
			(void)vrv_exit(err, VARVE_EXIT_FEATURE);
			rc = problem(check, b, item, name, err);
			if (rc != 0)
				return rc;
			continue;
		}
		rc = check_frame(check, b, name, &entry, &frame, err);
		if (rc == 0) {
			count(check, name, &frame);
			continue;
		}
		(void)vrv_ctx(err, "frame at %llu",
		    (unsigned long long)frame.offset);
		rc = problem(check, b, item, name, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int
check_one(struct vrv_check *check, void *mine, size_t i, struct varve_err *err)
{
	const struct vrv_listed *item = &check->items[i];
	vrv_auto_buf struct vrv_buf directory = {0};
	struct bench *b = mine;
	char name[VRV_NAME_SIZE];

	if (item->name.type != VRV_PACK)
		return 0;
	vrv_name_print(&item->name, name);
	b->gone = false;
	int rc = vrv_pack_read_entry(check->repo, item->name.id, item->size,
	    &directory, err);
	if (rc == 0) {
		rc = check_frames(check, b, item, name, &directory, err);
	} else {
		(void)vrv_ctx(err, "directory");
		rc = problem(check, b, item, name, err);
	}
	if (rc == 0 && !b->gone)
		vrv_check_pack_done(check, item, VRV_LEDGER_FRAMES);
	return rc;
}

const struct vrv_check_work vrv_check_frames_work = {
    .make = make,
    .fn = check_one,
    .drop = drop,
};

int
vrv_check_frames(struct vrv_check *check, struct varve_err *err)
{
	return vrv_check_each(check, check->n_items, &vrv_check_frames_work,
	    err);
}
