/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/archive.h"

#include <string.h>

#include "archive/archive_fetch.h"
#include "archive/archives_judge.h"
#include "archive/mend.h"
#include "repo/writer.h"
#include "util/mem.h"

struct run {
	struct vrv_repo *repo;
	struct vrv_commit *c;
	struct vrv_condemned_set condemned;
	struct vrv_map *rolls; /* there before the intent, if not known */
	bool shaken; /* something that this run relies on is going or gone */
	struct vrv_buf index; /* ids of index objects that it relies on */
};

/* --- what no index object names --- */

static bool
is_condemned(void *arg, const uint8_t pack[VRV_OBJECT_ID])
{
	const struct run *r = arg;

	return vrv_condemned_has(&r->condemned, VRV_PACK, pack);
}

/* An archive rests only on packs that a durable index object names. What this
 * handle found by the packs' own directories gets one, whoever stored it: this
 * run may have found a chunk there, or read its parent there. Packs of a run
 * that is still going on are then named twice, which does no harm. One that
 * has gone may hold what this run relies on. */
static int
name_packs(struct run *r, struct varve_err *err)
{
	bool gone = false;

	if (!vrv_repo_has_unnamed(r->repo))
		return 0;
	/* After the packs were listed. */
	int rc = vrv_condemned_list(r->repo, &r->condemned, err);
	if (rc == 0)
		rc = vrv_repo_name_packs(r->repo, r->c->archive->object.tag,
		    is_condemned, r, &r->index, &gone, err);
	r->shaken = r->shaken || gone;
	return rc;
}

/* What the writer stored, and what is named for it. */
static int
gather_index(struct run *r, struct varve_err *err)
{
	uint32_t n = 0;

	if (r->c->writer != NULL) {
		const uint8_t *ids = vrv_writer_index_objects(r->c->writer, &n);

		vrv_buf_bytes(&r->index, ids, (size_t)n * VRV_OBJECT_ID);
	}
	int rc = vrv_buf_check(&r->index, err);
	return rc == 0 ? name_packs(r, err) : rc;
}

/* --- W2: the intent --- */

/* A roll that is there before the intent cannot call it dead. */
static int
note_rolls(struct run *r, struct varve_err *err)
{
	if (r->c->known != NULL)
		return 0;
	r->rolls = vrv_map_new(VRV_OBJECT_ID, 0);
	return r->rolls == NULL ? VRV_NOMEM(err, "rolls") :
				  vrv_rolls_ids(r->repo, r->rolls, err);
}

static const struct vrv_map *
rolls_before(const struct run *r)
{
	return r->c->known != NULL ? r->c->known->tombstones : r->rolls;
}

static int
store_intent(struct run *r, struct varve_err *err)
{
	struct vrv_archive *a = r->c->archive;
	vrv_auto_buf struct vrv_buf object = {0};
	vrv_auto_buf struct vrv_buf plain = {0};
	struct vrv_name name = {.type = VRV_INTENT};
	struct vrv_intent_clear clear = {.revision = a->clear.revision};
	struct vrv_intent_sealed sealed = {
	    .has_root = true,
	    .root = a->sealed.root,
	};

	memcpy(name.tag, a->object.tag, VRV_TAG_SIZE);
	memcpy(clear.logical, a->clear.logical, VRV_LOGICAL_ID);
	sealed.ids = r->index.data;
	sealed.n_ids = (uint32_t)(r->index.len / VRV_OBJECT_ID);
	int rc = vrv_draft_begin(r->repo, &name, false, &object, err);
	if (rc != 0)
		return rc;
	vrv_intent_clear_put(&object, &clear);
	vrv_intent_sealed_put(&plain, &sealed);
	rc = vrv_draft_seal_meta(r->repo, &object, VRV_KEM_INTENT, &plain, err);
	if (rc == 0)
		rc = vrv_draft_store(r->repo, &name, &object, r->c->as_admin,
		    err);
	if (rc != 0)
		return vrv_ctx(err, "intent");
	a->object.type = VRV_ARCHIVE;
	memcpy(a->object.id, name.id, VRV_OBJECT_ID);
	return 0;
}

/* --- W3: is what this run relies on still to be relied on? --- */

static int
check_parent(struct run *r, struct varve_err *err)
{
	const struct vrv_archives *known = r->c->known;
	bool deleted, unsure;

	if (r->c->parent == NULL)
		return 0;
	int rc = vrv_archive_is_deleted(r->repo, r->c->parent,
	    known != NULL ? known->tombstones : NULL, &deleted, &unsure, err);
	/* Being wrong costs a walk. */
	if (rc == 0 && (deleted || unsure))
		r->shaken = true;
	return rc;
}

static int
on_reused(void *arg, const uint8_t pack[VRV_OBJECT_ID], uint64_t length,
    struct varve_err *err)
{
	struct run *r = arg;
	bool there;

	if (r->shaken)
		return 0;
	if (vrv_condemned_has(&r->condemned, VRV_PACK, pack)) {
		r->shaken = true;
		return 0;
	}
	int rc = vrv_pack_there(r->repo, pack, length, &there, err);
	if (rc == 0 && !there)
		r->shaken = true;
	return rc;
}

static int
check_relied_on(struct run *r, struct varve_err *err)
{
	const struct vrv_archive *parent = r->c->parent;

	int rc = check_parent(r, err);
	if (rc == 0)
		rc = vrv_condemned_list(r->repo, &r->condemned, err);
	if (rc != 0)
		return rc;
	if (parent != NULL &&
	    (vrv_condemned_has(&r->condemned, VRV_ARCHIVE, parent->object.id) ||
		vrv_condemned_has(&r->condemned, VRV_INTENT,
		    parent->object.id)))
		r->shaken = true;
	if (r->c->writer == NULL)
		return 0;
	return vrv_writer_reused(r->c->writer, on_reused, r, err);
}

/* --- W4 and W5 --- */

static int
store_archive(struct run *r, struct varve_err *err)
{
	struct vrv_archive *a = r->c->archive;
	vrv_auto_buf struct vrv_buf object = {0};
	vrv_auto_buf struct vrv_buf plain = {0};

	int rc = vrv_draft_begin(r->repo, &a->object, true, &object, err);
	if (rc != 0)
		return rc;
	vrv_archive_clear_put(&object, &a->clear);
	vrv_archive_sealed_put(&plain, &a->sealed);
	rc =
	    vrv_draft_seal_meta(r->repo, &object, VRV_KEM_ARCHIVE, &plain, err);
	if (rc == 0)
		rc = vrv_draft_store(r->repo, &a->object, &object,
		    r->c->as_admin, err);
	return rc == 0 ? 0 : vrv_ctx(err, "archive");
}

static int
check_intent(struct run *r, struct varve_err *err)
{
	const uint8_t *id = r->c->archive->object.id;
	vrv_auto_rolls rolls = {0};

	int rc = vrv_condemned_list(r->repo, &r->condemned, err);
	if (rc != 0)
		return rc;
	rc = vrv_rolls_list(r->repo, rolls_before(r), &rolls, NULL, err);
	if (rc != 0)
		return vrv_hint(err,
		    "; nobody can tell whether it calls this run dead: run "
		    "the backup again");
	if (vrv_condemned_has(&r->condemned, VRV_INTENT, id) ||
	    vrv_condemned_has(&r->condemned, VRV_ARCHIVE, id) ||
	    vrv_rolls_is_dead(&rolls, id))
		return vrv_fail(err, VARVE_LOCKED,
		    "a compaction took this run for dead: run the backup "
		    "again");
	return 0;
}

/* The next run drops pins that this archive stands for. */
static void
remember(struct run *r)
{
	const struct vrv_pin pin = vrv_archive_pin(r->c->archive);
	struct varve_err err;

	int rc = vrv_repo_state_change(r->repo, &pin, 1, NULL, 0, &err);
	if (rc == 0)
		rc = vrv_repo_state_save(r->repo, &err);
	if (rc != 0)
		vrv_repo_note(r->repo, VARVE_EVENT_WARNING, NULL,
		    "cannot remember this archive: %s", err.message);
}

static int
commit(struct run *r, struct varve_err *err)
{
	int rc = vrv_store_sync(vrv_repo_store(r->repo),
	    vrv_type_prefix(VRV_INDEX), err);

	if (rc == 0)
		rc = gather_index(r, err);
	if (rc == 0)
		rc = note_rolls(r, err);
	if (rc == 0)
		rc = store_intent(r, err);
	if (rc == 0)
		rc = check_relied_on(r, err);
	/* Mending looks at the store again, and may find more packs to name. Of
	 * those that are gone by then each comes up once. */
	while (rc == 0 && r->shaken) {
		r->shaken = false;
		rc = vrv_mend(r->repo, r->c->archive, &r->condemned, err);
		if (rc == 0)
			rc = name_packs(r, err);
	}
	if (rc == 0)
		rc = store_archive(r, err);
	if (rc == 0)
		rc = check_intent(r, err);
	return rc;
}

int
vrv_archive_commit(struct vrv_repo *repo, struct vrv_commit *c,
    struct varve_err *err)
{
	struct run r = {.repo = repo, .c = c};

	int rc = commit(&r, err);
	if (rc == 0)
		remember(&r);
	if (rc == 0)
		vrv_store_restore_reserve(vrv_repo_store(repo));
	vrv_condemned_fini(&r.condemned);
	vrv_map_free(r.rolls);
	vrv_buf_fini(&r.index);
	return rc;
}

int
vrv_archive_check_texts(const struct vrv_archive_sealed *a,
    struct varve_err *err)
{
	size_t n = vrv_archive_texts(a);

	int rc = vrv_archive_texts_check(a, err);
	if (rc != 0)
		return rc;
	return n <= VRV_ARCHIVE_TEXTS_MAX ?
	    0 :
	    vrv_fail(err, VARVE_USAGE,
		"name, comment, series, host and user of an archive take %zu "
		"bytes, more than %zu: shorten them",
		n, VRV_ARCHIVE_TEXTS_MAX);
}

int
vrv_archive_rename(struct vrv_repo *repo, const struct vrv_archive *old,
    const char *name, struct varve_err *err)
{
	struct vrv_arena arena = {0};
	struct vrv_archive stored, next;
	struct vrv_commit c = {
	    .archive = &next,
	    .parent = &stored,
	    .as_admin = true,
	};

	int rc = vrv_archive_name_check(name, err);
	if (rc != 0)
		return rc;
	rc = vrv_archive_is_vouched(old, err);
	if (rc != 0)
		return rc;
	if (old->clear.revision == UINT32_MAX)
		return vrv_fail(err, VARVE_LIMIT, "no revision is left");
	rc = vrv_archive_confirm(repo, old, &arena, &stored, err);
	if (rc == 0) {
		next = stored;
		next.clear.revision++;
		next.sealed.name.p = (const uint8_t *)name;
		next.sealed.name.n = strlen(name);
		rc = vrv_archive_check_texts(&next.sealed, err);
	}
	if (rc == 0)
		rc = vrv_archive_commit(repo, &c, err);
	vrv_arena_fini(&arena);
	return rc;
}
