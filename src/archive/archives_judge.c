/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/archives_judge.h"

#include <stdlib.h>
#include <string.h>

#include "util/hex.h"
#include "util/mem.h"

#define ID_DIGITS (2 * VRV_LOGICAL_ID + 1)

/* --- which archives live --- */

/* Ties by id, so that every client sees one order. */
static int
by_time(const void *a, const void *b)
{
	const struct vrv_archive *x = *(struct vrv_archive *const *)a;
	const struct vrv_archive *y = *(struct vrv_archive *const *)b;

	int order = vrv_time_cmp(x->sealed.nominal, y->sealed.nominal);
	if (order == 0)
		order = vrv_time_cmp(x->sealed.end, y->sealed.end);
	if (order == 0)
		order =
		    memcmp(x->clear.logical, y->clear.logical, VRV_LOGICAL_ID);
	if (order == 0)
		order = memcmp(x->object.id, y->object.id, VRV_OBJECT_ID);
	return order;
}

static int
find_newest(struct vrv_archives *list, struct varve_err *err)
{
	vrv_map_clear(list->newest);
	for (size_t i = 0; i < list->n_all; i++) {
		struct vrv_archive *a = list->all[i];
		bool is_new;
		if (a->dead || a->unvouched)
			continue;
		struct vrv_archive **top =
		    vrv_map_put(list->newest, a->clear.logical, &is_new);
		if (top == NULL)
			return VRV_NOMEM(err, "archives");
		if (is_new || (*top)->clear.revision < a->clear.revision)
			*top = a;
	}
	return 0;
}

/* Which archives does another live one of the same series name? */
static int
find_named(struct vrv_archives *list, struct varve_err *err)
{
	vrv_map_clear(list->named);
	for (size_t i = 0; i < list->n; i++) {
		const struct vrv_archive *a = list->items[i];

		for (unsigned k = 0; !a->unvouched && k < a->clear.n_previous;
		     k++) {
			const uint8_t *id = a->clear.previous[k];
			uint8_t key[VRV_NAMED_KEY];

			if (memcmp(id, a->clear.logical, VRV_LOGICAL_ID) == 0)
				continue;
			vrv_named_key(a->object.tag, id, key);
			if (vrv_map_put(list->named, key, NULL) == NULL)
				return VRV_NOMEM(err, "archives");
		}
	}
	return 0;
}

int
vrv_judge_resolve(struct vrv_judge *j, struct varve_err *err)
{
	struct vrv_archives *list = j->list;

	int rc = find_newest(list, err);
	if (rc != 0)
		return rc;
	free(list->items);
	list->n = 0;
	list->items = vrv_alloc_array(list->n_all, sizeof(*list->items));
	if (list->items == NULL && list->n_all > 0)
		return VRV_NOMEM(err, "archives");
	for (size_t i = 0; i < list->n_all; i++) {
		struct vrv_archive *a = list->all[i];
		const struct vrv_archive *top =
		    vrv_archives_get(list, a->clear.logical);
		bool shown = a->unvouched ?
		    !vrv_archives_is_buried(list, a->clear.logical,
			a->clear.revision) :
		    top != NULL && top->clear.revision == a->clear.revision;
		if (shown && !a->dead)
			list->items[list->n++] = a;
	}
	if (list->n > 0)
		qsort(list->items, list->n, sizeof(*list->items), by_time);
	return find_named(list, err);
}

/* --- what is wrong with the set --- */

static void
tell_conflicts(const struct vrv_judge *j)
{
	const struct vrv_archives *list = j->list;

	for (size_t i = 0; i < list->n; i++) {
		const struct vrv_archive *a = list->items[i];
		const struct vrv_archive *top =
		    vrv_archives_get(list, a->clear.logical);
		char id[ID_DIGITS], text[VRV_NAME_SIZE];
		if (top == a || a->unvouched)
			continue;
		vrv_hex(id, a->clear.logical, VRV_LOGICAL_ID);
		vrv_name_print(&a->object, text);
		vrv_repo_note(j->repo, VARVE_EVENT_PROBLEM, text,
		    "another object is revision %u of the archive aid:%s too",
		    a->clear.revision, id);
	}
}

static void
tell_missing(const struct vrv_judge *j, const struct vrv_archive *a,
    const uint8_t *gone)
{
	char id[ID_DIGITS], text[VRV_NAME_SIZE];

	vrv_hex(id, gone, VRV_LOGICAL_ID);
	vrv_name_print(&a->object, text);
	vrv_repo_note(j->repo, VARVE_EVENT_PROBLEM, text,
	    "the archive aid:%s, which this one follows, is gone without "
	    "having been deleted",
	    id);
}

/* A predecessor of any revision counts as known. */
static bool
is_known(const struct vrv_archives *list, const uint8_t *logical)
{
	return vrv_map_get(list->newest, logical) != NULL ||
	    vrv_map_get(list->graves, logical) != NULL ||
	    vrv_map_get(list->aside, logical) != NULL;
}

static int
look_for_missing(struct vrv_judge *j, struct vrv_map *missing, bool tell,
    struct varve_err *err)
{
	const struct vrv_archives *list = j->list;
	bool is_new;

	for (size_t i = 0; i < list->n_all; i++) {
		const struct vrv_archive *a = list->all[i];
		for (unsigned k = 0; !a->unvouched && k < a->clear.n_previous;
		     k++) {
			const uint8_t *id = a->clear.previous[k];
			if (is_known(list, id))
				continue;
			if (vrv_map_put(missing, id, &is_new) == NULL)
				return VRV_NOMEM(err, "missing archives");
			if (is_new && tell)
				tell_missing(j, a, id);
		}
	}
	return 0;
}

struct rolled_search {
	const struct vrv_judge *j;
	struct vrv_map *missing;
	bool tell;
};

/* What a roll holds is there, in that revision or a later one, or buried. */
static int
look_for_rolled(void *arg, const uint8_t roll[VRV_OBJECT_ID],
    const struct vrv_roll_entry *e, struct varve_err *err)
{
	struct rolled_search *s = arg;
	const struct vrv_archives *list = s->j->list;
	struct vrv_archive *const *top = vrv_map_get(list->newest, e->logical);
	char id[ID_DIGITS];
	bool is_new;

	(void)roll;
	if (e->type != VRV_ARCHIVE || e->deleted ||
	    (top != NULL && (*top)->clear.revision >= e->revision) ||
	    vrv_map_get(list->graves, e->logical) != NULL ||
	    vrv_map_get(list->aside, e->logical) != NULL ||
	    vrv_map_get(s->j->unreadable, e->object) != NULL)
		return 0;
	if (vrv_map_put(s->missing, e->logical, &is_new) == NULL)
		return VRV_NOMEM(err, "missing archives");
	if (!is_new || !s->tell)
		return 0;
	vrv_hex(id, e->logical, VRV_LOGICAL_ID);
	vrv_repo_note(s->j->repo, VARVE_EVENT_PROBLEM, NULL,
	    "the archive aid:%s, which a roll holds, is gone without having "
	    "been deleted",
	    id);
	return 0;
}

int
vrv_judge_missing(struct vrv_judge *j, bool tell, struct varve_err *err)
{
	vrv_auto_map missing = vrv_map_new(VRV_LOGICAL_ID, 0);

	if (missing == NULL)
		return VRV_NOMEM(err, "missing archives");
	struct rolled_search rolled = {j, missing, tell};
	int rc = look_for_missing(j, missing, tell, err);
	if (rc == 0)
		rc = vrv_rolls_each(&j->list->rolls, look_for_rolled, &rolled,
		    err);
	if (rc != 0)
		return rc;
	j->n_missing = vrv_map_count(missing);
	j->list->missing = j->n_missing;
	if (j->pins == NULL)
		rc = vrv_repo_state_pins(j->repo, &j->pins, &j->n_pins, err);
	if (rc != 0)
		return rc;
	j->n_replayed = vrv_pins_replayed(j);
	if (tell || (j->n_missing == 0 && j->n_replayed == 0))
		tell_conflicts(j);
	return 0;
}
