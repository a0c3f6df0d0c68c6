/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/lost_internal.h"

#include <stdlib.h>
#include <string.h>

#include "os/file.h"
#include "os/private.h"
#include "util/clock.h"
#include "util/mem.h"

#define FILE_NAME "lost"
#define LOCK_NAME "lost.lock"
#define LOCK_MS 5000
/* Magic, i64 compared, u8 flags, u32 packs, u32 series; of each pack its id and
 * u8 damaged; of each series its tag and i64 time; checksum. */
#define MAGIC "VRVLOST2"
#define HEAD 25
#define SUM 16
#define FILE_MAX ((size_t)64 << 20)
#define FLAG_REREAD 1u

void
vrv_lost_fini(struct vrv_lost *lost)
{
	vrv_map_free(lost->packs);
	vrv_map_free(lost->series);
	*lost = (struct vrv_lost){0};
}

size_t
vrv_lost_count(const struct vrv_lost *lost)
{
	return lost->packs == NULL ? 0 : vrv_map_count(lost->packs);
}

const struct vrv_lost_pack *
vrv_lost_find(const struct vrv_lost *lost, const uint8_t pack[VRV_OBJECT_ID])
{
	return lost->packs == NULL ? NULL : vrv_map_get(lost->packs, pack);
}

int
vrv_lost_add(struct vrv_lost *lost, const uint8_t pack[VRV_OBJECT_ID],
    bool damaged, struct varve_err *err)
{
	if (lost->packs == NULL)
		lost->packs =
		    vrv_map_new(VRV_OBJECT_ID, sizeof(struct vrv_lost_pack));
	struct vrv_lost_pack *item =
	    lost->packs == NULL ? NULL : vrv_map_put(lost->packs, pack, NULL);
	if (item == NULL)
		return VRV_NOMEM(err, "lost packs");
	item->damaged = damaged;
	return 0;
}

static int
add_series(struct vrv_lost *lost, const uint8_t tag[VRV_TAG_SIZE], int64_t time,
    struct varve_err *err)
{
	if (lost->series == NULL)
		lost->series = vrv_map_new(VRV_TAG_SIZE, sizeof(int64_t));
	int64_t *item =
	    lost->series == NULL ? NULL : vrv_map_put(lost->series, tag, NULL);
	if (item == NULL)
		return VRV_NOMEM(err, "series");
	*item = time;
	return 0;
}

/* Keyed, so that only a client of this repository can have written it. */
static void
sum(const struct vrv_repo *repo, const uint8_t *bytes, size_t n,
    uint8_t ret[SUM])
{
	const struct vrv_part parts[] = {{"varve-lost-packs", 16}, {bytes, n}};

	vrv_blake2b_parts(ret, SUM, vrv_repo_tree_key(repo), parts, 2);
}

static int
decode(const struct vrv_repo *repo, const struct vrv_buf *bytes,
    struct vrv_lost *ret, struct varve_err *err)
{
	uint8_t have[SUM];

	if (bytes->len < HEAD + SUM ||
	    memcmp(bytes->data, MAGIC, sizeof(MAGIC) - 1) != 0)
		return vrv_fail(err, VARVE_CORRUPT, "not a list of packs");
	size_t n = bytes->len - SUM;
	sum(repo, bytes->data, n, have);
	if (!vrv_same(have, bytes->data + n, SUM))
		return vrv_fail(err, VARVE_CORRUPT, "wrong checksum");
	struct vrv_rd rd = vrv_rd_over(bytes->data + sizeof(MAGIC) - 1,
	    n - (sizeof(MAGIC) - 1));
	ret->compared = (int64_t)vrv_rd_u64(&rd);
	ret->reread = (vrv_rd_u8(&rd) & FLAG_REREAD) != 0;
	uint32_t packs = vrv_rd_u32(&rd), series = vrv_rd_u32(&rd);
	int rc = 0;
	for (uint32_t i = 0; rc == 0 && i < packs && vrv_rd_ok(&rd); i++) {
		const uint8_t *id = vrv_rd_bytes(&rd, VRV_OBJECT_ID);
		bool damaged = vrv_rd_u8(&rd) != 0;

		if (id != NULL && vrv_rd_ok(&rd))
			rc = vrv_lost_add(ret, id, damaged, err);
	}
	for (uint32_t i = 0; rc == 0 && i < series && vrv_rd_ok(&rd); i++) {
		const uint8_t *tag = vrv_rd_bytes(&rd, VRV_TAG_SIZE);
		int64_t time = (int64_t)vrv_rd_u64(&rd);

		if (tag != NULL && vrv_rd_ok(&rd))
			rc = add_series(ret, tag, time, err);
	}
	if (rc == 0 && !vrv_rd_done(&rd))
		rc = vrv_fail(err, VARVE_CORRUPT, "not a list of packs");
	return rc;
}

/* NOENT when nothing is remembered. */
static int
load(struct vrv_repo *repo, struct vrv_lost *ret, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf bytes = {0};
	vrv_auto_fd dir = -1;

	if (vrv_repo_cache(repo) == NULL)
		return vrv_fail(err, VARVE_NOENT, "no cache directory");
	int rc = vrv_private_dir(vrv_repo_cache(repo), false, &dir, err);
	if (rc == 0)
		rc = vrv_private_load(dir, FILE_NAME, FILE_MAX, &bytes, err);
	return rc == 0 ? decode(repo, &bytes, ret, err) : rc;
}

int
vrv_lost_load(struct vrv_repo *repo, struct vrv_lost *ret,
    struct varve_err *err)
{
	*ret = (struct vrv_lost){0};
	int rc = load(repo, ret, err);
	if (rc == 0)
		return 0;
	vrv_lost_fini(ret);
	if (vrv_err_is_fatal(err))
		return rc;
	ret->compared = -1;
	vrv_err_clear(err);
	return 0;
}

static void
encode(const struct vrv_lost *lost, struct vrv_buf *to)
{
	const void *id;
	void *item;
	size_t at = 0;

	vrv_buf_bytes(to, MAGIC, sizeof(MAGIC) - 1);
	vrv_buf_u64(to, (uint64_t)lost->compared);
	vrv_buf_u8(to, lost->reread ? FLAG_REREAD : 0);
	vrv_buf_u32(to, (uint32_t)vrv_lost_count(lost));
	vrv_buf_u32(to,
	    lost->series == NULL ? 0 : (uint32_t)vrv_map_count(lost->series));
	while (
	    lost->packs != NULL && vrv_map_next(lost->packs, &at, &id, &item)) {
		vrv_buf_bytes(to, id, VRV_OBJECT_ID);
		vrv_buf_u8(to, ((const struct vrv_lost_pack *)item)->damaged);
	}
	at = 0;
	while (lost->series != NULL &&
	    vrv_map_next(lost->series, &at, &id, &item)) {
		vrv_buf_bytes(to, id, VRV_TAG_SIZE);
		vrv_buf_u64(to, (uint64_t) * (const int64_t *)item);
	}
}

static int
save(struct vrv_repo *repo, int dir, const struct vrv_lost *lost,
    struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf bytes = {0};
	uint8_t check[SUM];

	encode(lost, &bytes);
	int rc = vrv_buf_check(&bytes, err);
	if (rc != 0)
		return rc;
	sum(repo, bytes.data, bytes.len, check);
	vrv_buf_bytes(&bytes, check, SUM);
	rc = vrv_buf_check(&bytes, err);
	return rc != 0 ? rc :
			 vrv_os_replace_file(dir, FILE_NAME, 0600, bytes.data,
			     bytes.len, err);
}

/* Open the cache directory and keep other processes from writing the file. */
static int
lock(struct vrv_repo *repo, int *ret_dir, int *ret_lock, struct varve_err *err)
{
	vrv_auto_fd dir = -1;

	int rc = vrv_private_dir(vrv_repo_cache(repo), true, &dir, err);
	if (rc == 0)
		rc = vrv_private_lock(dir, LOCK_NAME, LOCK_MS, ret_lock, err);
	if (rc == 0)
		*ret_dir = vrv_steal_fd(&dir);
	return rc;
}

int
vrv_lost_save(struct vrv_repo *repo, const struct vrv_lost *lost,
    struct varve_err *err)
{
	vrv_auto_fd dir = -1, held = -1;

	if (vrv_repo_cache(repo) == NULL)
		return 0;
	int rc = lock(repo, &dir, &held, err);
	return rc == 0 ? save(repo, dir, lost, err) : rc;
}

/* Add the packs of `from` to `to`, but for those in `except`. */
static int
add_all(struct vrv_lost *to, const struct vrv_lost *from,
    const struct vrv_lost *except, struct varve_err *err)
{
	const void *id;
	void *item;
	size_t at = 0;
	int rc = 0;

	while (rc == 0 && from->packs != NULL &&
	    vrv_map_next(from->packs, &at, &id, &item)) {
		if (except == NULL || vrv_lost_find(except, id) == NULL)
			rc = vrv_lost_add(to, id,
			    ((const struct vrv_lost_pack *)item)->damaged, err);
	}
	return rc;
}

int
vrv_lost_replace(struct vrv_repo *repo, const struct vrv_lost *before,
    struct vrv_lost *now, struct varve_err *err)
{
	vrv_auto_fd dir = -1, held = -1;
	struct vrv_lost file;

	if (vrv_repo_cache(repo) == NULL)
		return 0;
	int rc = lock(repo, &dir, &held, err);
	if (rc == 0)
		rc = vrv_lost_load(repo, &file, err);
	if (rc != 0)
		return rc;
	rc = add_all(now, &file, before, err);
	now->series = vrv_steal(&file.series);
	now->reread = file.reread && !before->reread;
	if (file.compared == 0 && before->compared != 0)
		now->compared = 0;
	if (rc == 0)
		rc = save(repo, dir, now, err);
	vrv_lost_fini(&file);
	return rc;
}

/* What is a day old says nothing any more: the table stays small. */
static int
drop_old(struct vrv_lost *lost, struct varve_err *err)
{
	const int64_t now = vrv_time_now().s;
	struct vrv_map *old = lost->series;
	const void *tag;
	void *item;
	size_t at = 0;
	int rc = 0;

	lost->series = NULL;
	while (rc == 0 && old != NULL && vrv_map_next(old, &at, &tag, &item)) {
		int64_t then = *(const int64_t *)item;

		if (then > now - VRV_LOST_DAY && then <= now)
			rc = add_series(lost, tag, then, err);
	}
	vrv_map_free(old);
	return rc;
}

static int
note_checked(struct vrv_repo *repo, const uint8_t tag[VRV_TAG_SIZE],
    int64_t time, struct varve_err *err)
{
	vrv_auto_fd dir = -1, held = -1;
	struct vrv_lost file;

	int rc = lock(repo, &dir, &held, err);
	if (rc == 0)
		rc = vrv_lost_load(repo, &file, err);
	if (rc != 0)
		return rc;
	rc = drop_old(&file, err);
	if (rc == 0)
		rc = add_series(&file, tag, time, err);
	if (rc == 0)
		rc = save(repo, dir, &file, err);
	vrv_lost_fini(&file);
	return rc;
}

static void
tell(struct vrv_repo *repo, const struct varve_err *err)
{
	vrv_repo_note(repo, VARVE_EVENT_INFO, NULL,
	    "cannot remember which packs are lost: %s", err->message);
}

void
vrv_lost_checked(struct vrv_repo *repo, const uint8_t tag[VRV_TAG_SIZE],
    int64_t time)
{
	struct varve_err err;

	if (vrv_repo_cache(repo) != NULL &&
	    note_checked(repo, tag, time, &err) != 0)
		tell(repo, &err);
}

static int
leave(struct vrv_repo *repo, const struct vrv_lost *found, bool all,
    struct varve_err *err)
{
	vrv_auto_fd dir = -1, held = -1;
	struct vrv_lost file;

	int rc = lock(repo, &dir, &held, err);
	if (rc == 0)
		rc = vrv_lost_load(repo, &file, err);
	if (rc != 0)
		return rc;
	bool changed = vrv_lost_count(found) > 0 ||
	    (all && vrv_lost_count(&file) > 0) ||
	    (found->reread && !file.reread) ||
	    (found->compared == 0 && file.compared != 0);
	if (all && file.packs != NULL)
		vrv_map_clear(file.packs);
	file.reread = file.reread || found->reread;
	if (found->compared == 0)
		file.compared = 0;
	rc = add_all(&file, found, NULL, err);
	if (rc == 0 && changed)
		rc = save(repo, dir, &file, err);
	vrv_lost_fini(&file);
	return rc;
}

void
vrv_lost_leave(struct vrv_repo *repo, const struct vrv_lost *found, bool all)
{
	struct varve_err err;

	if (vrv_repo_cache(repo) != NULL && leave(repo, found, all, &err) != 0)
		tell(repo, &err);
}
