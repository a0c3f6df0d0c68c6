/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/archive_fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/archives_judge.h"
#include "util/hex.h"
#include "util/mem.h"

/* Archives that one tombstone names: far within an object's limit. */
#define BURIED_MAX 16384

static int
by_tag(const void *a, const void *b)
{
	const struct vrv_archive *x = *(const struct vrv_archive *const *)a;
	const struct vrv_archive *y = *(const struct vrv_archive *const *)b;

	return memcmp(x->object.tag, y->object.tag, VRV_TAG_SIZE);
}

static int
try_tombstone(struct vrv_repo *repo, const uint8_t tag[VRV_TAG_SIZE],
    const struct vrv_buried *buried, uint32_t n, struct vrv_name *ret,
    struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf object = {0};

	*ret = (struct vrv_name){.type = VRV_TOMBSTONE};
	memcpy(ret->tag, tag, VRV_TAG_SIZE);
	int rc = vrv_draft_begin(repo, ret, false, &object, err);
	if (rc != 0)
		return rc;
	vrv_tombstone_put(&object, vrv_time_now().s, buried, n);
	return vrv_draft_store(repo, ret, &object, true, err);
}

/* What frees space must work where none is left. */
static int
store_tombstone(struct vrv_repo *repo, const uint8_t tag[VRV_TAG_SIZE],
    const struct vrv_buried *buried, uint32_t n, struct vrv_name *ret,
    struct varve_err *err)
{
	struct varve_err ignored;
	bool released;

	int rc = try_tombstone(repo, tag, buried, n, ret, err);
	if (rc == 0 || err->exit != VARVE_EXIT_NO_SPACE)
		return rc;
	if (vrv_store_release_reserve(vrv_repo_store(repo), &released,
		&ignored) != 0 ||
	    !released)
		return rc;
	return try_tombstone(repo, tag, buried, n, ret, err);
}

/* The last `n` archives before `end` are buried: they must stay so. */
static int
pin_buried(struct vrv_repo *repo, const struct vrv_archive *const *end,
    size_t n, const struct vrv_name *tombstone, struct varve_err *err)
{
	vrv_auto_free struct vrv_pin *pins = vrv_alloc_array(n, sizeof(*pins));

	if (pins == NULL)
		return VRV_NOMEM(err, "the state");
	for (size_t i = 0; i < n; i++) {
		pins[i] = vrv_archive_pin(end[-(ptrdiff_t)(i + 1)]);
		memcpy(pins[i].tombstone, tombstone->id, VRV_OBJECT_ID);
	}
	return vrv_repo_state_change(repo, pins, n, NULL, 0, err);
}

/* Each tombstone counts at once, whatever happens to the others. */
static void
remember(struct vrv_repo *repo, const struct vrv_archive *const *end, size_t n,
    const struct vrv_name *tombstone)
{
	struct varve_err err;

	int rc = pin_buried(repo, end, n, tombstone, &err);
	if (rc == 0)
		rc = vrv_repo_state_save(repo, &err);
	if (rc != 0)
		vrv_repo_note(repo, VARVE_EVENT_WARNING, NULL,
		    "cannot remember what was deleted: %s", err.message);
}

/* One tombstone per series, or several if it has to name very many. */
static int
bury_sorted(struct vrv_repo *repo, const struct vrv_archive *const *archives,
    size_t n, struct vrv_buried *buried, struct varve_err *err)
{
	struct vrv_name tombstone;
	uint32_t gathered = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		const struct vrv_archive *a = archives[i];
		struct vrv_buried *b = &buried[gathered++];
		memcpy(b->logical, a->clear.logical, VRV_LOGICAL_ID);
		b->revision = a->clear.revision;
		if (i + 1 == n || gathered == BURIED_MAX ||
		    by_tag(&archives[i], &archives[i + 1]) != 0) {
			rc = store_tombstone(repo, a->object.tag, buried,
			    gathered, &tombstone, err);
			if (rc == 0)
				remember(repo, &archives[i] + 1, gathered,
				    &tombstone);
			gathered = 0;
		}
	}
	return rc;
}

/* A tombstone is final: what the cache said is compared with the store. */
static int
confirm_all(struct vrv_repo *repo, const struct vrv_archive *const *archives,
    size_t n, struct varve_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct vrv_arena arena = {0};
		struct vrv_archive stored;

		rc = vrv_archive_is_vouched(archives[i], err);
		if (rc != 0)
			break;

		rc = vrv_archive_confirm(repo, archives[i], &arena, &stored,
		    err);
		vrv_arena_fini(&arena);
	}
	return rc;
}

int
vrv_archive_bury(struct vrv_repo *repo,
    const struct vrv_archive *const *archives, size_t n, struct varve_err *err)
{
	if (n == 0)
		return 0;
	vrv_auto_free const struct vrv_archive **sorted =
	    vrv_alloc_array(n, sizeof(*sorted));
	vrv_auto_free struct vrv_buried *buried =
	    vrv_alloc_array(vrv_min(n, BURIED_MAX), sizeof(*buried));
	if (sorted == NULL || buried == NULL)
		return VRV_NOMEM(err, "tombstones");
	memcpy(sorted, archives, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_tag);
	int rc = confirm_all(repo, archives, n, err);
	if (rc == 0)
		rc = bury_sorted(repo, sorted, n, buried, err);
	if (rc == 0)
		vrv_store_restore_reserve(vrv_repo_store(repo));
	return rc == 0 ? 0 : vrv_ctx(err, "deleting archives");
}

/* --- looking for tombstones --- */

struct search {
	struct vrv_repo *repo;
	const struct vrv_archive *archive;
	const struct vrv_map *known;
	bool found, unsure;
};

static int
look_into(struct search *s, const char *text, struct varve_err *err)
{
	vrv_auto_object struct vrv_object object = {0};
	struct vrv_arena arena = {0};
	struct vrv_buried *buried;
	int64_t time;
	uint32_t n;

	int rc = vrv_repo_fetch(s->repo, text, &object, err);
	if (rc != 0)
		return rc;
	struct vrv_rd rd =
	    vrv_rd_over(object.bytes + object.body, object.end - object.body);
	rc = vrv_tombstone_get(&rd, &arena, &time, &buried, &n, err);
	for (uint32_t i = 0; rc == 0 && i < n; i++)
		if (buried[i].revision >= s->archive->clear.revision &&
		    memcmp(buried[i].logical, s->archive->clear.logical,
			VRV_LOGICAL_ID) == 0)
			s->found = true;
	vrv_arena_fini(&arena);
	return rc;
}

static int
on_tombstone(void *arg, const struct vrv_store_item *item,
    struct varve_err *err)
{
	struct search *s = arg;
	struct vrv_name name;

	if (s->found || !vrv_name_parse(item->name, &name) ||
	    name.type != VRV_TOMBSTONE ||
	    (s->known != NULL && vrv_map_get(s->known, name.id) != NULL))
		return 0;
	int rc = look_into(s, item->name, err);
	if (rc != 0 && rc != VARVE_NOENT && !vrv_err_is_unusable(err))
		return rc;
	s->unsure = s->unsure || rc != 0;
	vrv_err_clear(err);
	return 0;
}

struct rolls_search {
	const struct vrv_archive *archive;
	bool found;
};

static int
on_rolled(void *arg, const uint8_t roll[VRV_OBJECT_ID],
    const struct vrv_roll_entry *e, struct varve_err *err)
{
	struct rolls_search *s = arg;
	const struct vrv_archive_clear *clear = &s->archive->clear;

	(void)roll;
	(void)err;
	s->found = s->found ||
	    (e->type == VRV_ARCHIVE && e->deleted &&
		e->revision >= clear->revision &&
		memcmp(e->logical, clear->logical, VRV_LOGICAL_ID) == 0);
	return 0;
}

/* After the tombstones: one may have gone into a roll meanwhile. */
static int
look_into_rolls(struct search *s, struct varve_err *err)
{
	vrv_auto_rolls rolls = {0};
	struct rolls_search search = {.archive = s->archive};
	bool unsure;

	int rc = vrv_rolls_list(s->repo, s->known, &rolls, &unsure, err);
	if (rc == 0)
		rc = vrv_rolls_each(&rolls, on_rolled, &search, err);
	if (rc != 0)
		return rc;
	s->unsure = s->unsure || unsure;
	s->found =
	    search.found || vrv_rolls_is_dead(&rolls, s->archive->object.id);
	return 0;
}

int
vrv_archive_is_deleted(struct vrv_repo *repo, const struct vrv_archive *archive,
    const struct vrv_map *known, bool *ret, bool *ret_unsure,
    struct varve_err *err)
{
	struct search s = {.repo = repo, .archive = archive, .known = known};
	char prefix[VRV_NAME_SIZE], tag[2 * VRV_TAG_SIZE + 1];

	/* Tombstones are stored under the tag of what they bury. */
	vrv_hex(tag, archive->object.tag, VRV_TAG_SIZE);
	snprintf(prefix, sizeof(prefix), "%s%s", vrv_type_prefix(VRV_TOMBSTONE),
	    tag);
	int rc = vrv_store_list(vrv_repo_store(repo), prefix, false,
	    on_tombstone, &s, err);
	if (rc == 0 && !s.found)
		rc = look_into_rolls(&s, err);
	if (rc == 0) {
		*ret = s.found;
		*ret_unsure = s.unsure;
	}
	return rc;
}
