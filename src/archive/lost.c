/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/lost.h"

#include <stdlib.h>
#include <string.h>

#include "archive/archive.h"
#include "archive/lost_internal.h"
#include "util/clock.h"
#include "util/mem.h"

#define YOUNG 3600 /* seconds: packs of runs that are still going on */

struct look {
	struct vrv_repo *repo;
	const struct vrv_packs *listed; /* NULL: not compared in this run */
	const struct vrv_lost *known;
	struct vrv_condemned_set condemned;
	struct vrv_lost found;
	size_t fresh; /* of found, not known before */
};

/* A pack that the index names. */
static int
judge(void *arg, const uint8_t pack[VRV_OBJECT_ID], uint64_t length,
    struct varve_err *err)
{
	struct look *look = arg;
	const struct vrv_lost_pack *known = vrv_lost_find(look->known, pack);
	bool suspect = known != NULL;

	if (look->listed != NULL) {
		const struct vrv_listed_pack *item =
		    vrv_packs_find(look->listed, pack);
		suspect = suspect || item == NULL || item->size != length;
	}
	if (!suspect || vrv_condemned_has(&look->condemned, VRV_PACK, pack))
		return 0;
	bool there = false;
	int rc = vrv_pack_there(look->repo, pack, length, &there, err);
	if (rc != 0 || (there && (known == NULL || !known->damaged)))
		return rc;
	look->fresh += known == NULL;
	return vrv_lost_add(&look->found, pack, there, err);
}

/* The index must be listed after the packs. */
static int
load_index(struct look *look, struct varve_err *err)
{
	struct vrv_index *index;
	int rc = 0;

	if (look->known->reread)
		rc = vrv_repo_index(look->repo, &index, err);
	if (rc == 0 && look->listed != NULL)
		rc =
		    vrv_repo_index_reload(look->repo, look->known->reread, err);
	return rc;
}

static int
look_at(struct look *look, struct varve_err *err)
{
	/* Those that a check asks for are not of a run that is going on. */
	int64_t before =
	    look->known->compared == 0 ? INT64_MAX : vrv_time_now().s - YOUNG;
	int rc = load_index(look, err);

	/* After the packs, too: what it names explains why some are gone. */
	if (rc == 0)
		rc = vrv_condemned_list(look->repo, &look->condemned, err);
	if (rc == 0)
		rc = vrv_repo_index_packs(look->repo, judge, look, err);
	if (rc == 0 && look->listed != NULL)
		rc = vrv_repo_rescue(look->repo, look->listed, before, err);
	return rc;
}

static int
compare(struct look *look, bool due, struct varve_err *err)
{
	struct vrv_packs listed = {0};
	int rc = 0;

	const int64_t start = vrv_time_now().s;

	if (due) {
		rc = vrv_packs_list(look->repo, &listed, err);
		look->listed = &listed;
	}
	if (rc == 0)
		rc = look_at(look, err);
	vrv_packs_fini(&listed);
	look->listed = NULL;
	look->found.compared = due ? start : look->known->compared;
	return rc;
}

static void
report(const struct look *look)
{
	size_t n = vrv_lost_count(&look->found), at = 0;
	char name[VRV_NAME_SIZE];
	const void *id;
	void *item;

	if (n == 0 || !vrv_map_next(look->found.packs, &at, &id, &item))
		return;
	vrv_pack_name(id, name);
	vrv_repo_note(look->repo,
	    look->fresh > 0 ? VARVE_EVENT_WARNING : VARVE_EVENT_INFO, NULL,
	    "%zu %s missing or damaged in the repository (%s%s): what the "
	    "source still has of them is stored again; run varve check to see "
	    "which archives are damaged",
	    n, n == 1 ? "pack is" : "packs are", name, n == 1 ? "" : ", ...");
}

/* What was found replaces what was known, but not what another process left
 * meanwhile. */
static void
remember(struct look *look)
{
	struct varve_err err;

	if (vrv_lost_replace(look->repo, look->known, &look->found, &err) != 0)
		vrv_repo_note(look->repo, VARVE_EVENT_INFO, NULL,
		    "cannot remember which packs are lost: %s", err.message);
}

static int
drop(struct vrv_repo *repo, const struct vrv_lost *lost, struct varve_err *err)
{
	struct vrv_index *index;
	const void *id;
	void *item;
	size_t at = 0;

	if (vrv_lost_count(lost) == 0)
		return 0;
	int rc = vrv_repo_index(repo, &index, err);
	while (rc == 0 && vrv_map_next(lost->packs, &at, &id, &item))
		rc = vrv_index_drop_pack(index, id, err);
	return rc;
}

static int
apply(struct look *look, bool due, size_t *ret_n, struct varve_err *err)
{
	const struct vrv_lost *lost = &look->found;

	int rc = compare(look, due, err);
	if (rc != 0 && vrv_err_is_fatal(err))
		return rc;
	if (rc == 0) {
		report(look);
		/* Without a comparison none is added. */
		if (due || vrv_lost_count(lost) != vrv_lost_count(look->known))
			remember(look);
	} else {
		vrv_repo_note(look->repo, VARVE_EVENT_WARNING, NULL,
		    "cannot compare the packs with the index, so packs may be "
		    "missing unnoticed: %s",
		    err->message);
		lost = look->known;
	}
	*ret_n = vrv_lost_count(lost);
	return drop(look->repo, lost, err);
}

/* A clock that was set back must not put it off. */
static bool
is_old(int64_t then, int64_t now)
{
	return then <= 0 || then > now || now - then >= VRV_LOST_DAY;
}

int
vrv_lost_apply(struct vrv_repo *repo, const uint8_t tag[VRV_TAG_SIZE], bool now,
    size_t *ret_n, bool *ret_check, struct varve_err *err)
{
	struct vrv_lost known = {0};
	struct look look = {.repo = repo, .known = &known};
	const int64_t time = vrv_time_now().s;

	int rc = vrv_lost_load(repo, &known, err);
	bool due = now || known.reread || is_old(known.compared, time);
	const int64_t *checked =
	    known.series == NULL ? NULL : vrv_map_get(known.series, tag);
	bool unchecked = checked == NULL || is_old(*checked, time);
	*ret_n = 0;
	if (rc == 0 && (due || vrv_lost_count(&known) > 0))
		rc = apply(&look, due, ret_n, err);
	*ret_check = due || unchecked || *ret_n > 0;
	vrv_condemned_fini(&look.condemned);
	vrv_lost_fini(&look.found);
	vrv_lost_fini(&known);
	return rc;
}
