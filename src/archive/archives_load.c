/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/archive.h"

#include <stdlib.h>
#include <string.h>

#include "archive/archive_fetch.h"
#include "archive/archives_judge.h"
#include "util/mem.h"

struct load {
	struct vrv_repo *repo;
	struct vrv_archives *list;
	struct vrv_archive_cache *cache;
	struct vrv_map *unreadable; /* ids of archive objects */
	struct vrv_map *taken;	    /* and of those in list->all */
	struct vrv_map *bad_tombstones;
	size_t all_cap, buried_cap;
	/* The listing at hand. */
	enum vrv_type type;
	struct vrv_name *names;
	size_t n, cap;
};

static int
on_listed(void *arg, const struct vrv_store_item *item, struct varve_err *err)
{
	struct load *l = arg;
	struct vrv_name name;

	if (!vrv_name_parse(item->name, &name) || name.type != l->type) {
		l->list->unknown++;
		return 0;
	}
	if (vrv_room_for_one(&l->names, l->n, &l->cap, sizeof(name)) != 0)
		return VRV_NOMEM(err, "a listing");
	l->names[l->n++] = name;
	return 0;
}

static int
list_names(struct load *l, enum vrv_type type, struct varve_err *err)
{
	l->type = type;
	l->n = 0;
	return vrv_store_list(vrv_repo_store(l->repo), vrv_type_prefix(type),
	    false, on_listed, l, err);
}

/* --- records --- */

static int
get_record(struct load *l, const struct vrv_name *name,
    struct vrv_opened_record *ret, struct varve_err *err)
{
	vrv_auto_record record = {0};
	char text[VRV_NAME_SIZE];

	if (vrv_archive_cache_get(l->cache, name, ret))
		return 0;
	int rc = vrv_record_fetch(l->repo, name, &record, err);
	if (rc == 0)
		rc = vrv_archive_cache_add(l->cache, name, &record.opened, err);
	if (rc != 0)
		return rc;
	vrv_name_print(name, text);
	if (!vrv_archive_cache_get(l->cache, name, ret))
		return vrv_fail(err, VARVE_INTERNAL, "%s is not cached", text);
	return 0;
}

/* --- archives --- */

/* Facts of a roll are those of the archive that it names. */
static int
set_rolled(struct vrv_archive *a, const struct vrv_roll_entry *e,
    struct varve_err *err)
{
	if (memcmp(a->clear.logical, e->logical, VRV_LOGICAL_ID) != 0 ||
	    a->clear.revision != e->revision)
		return vrv_fail(err, VARVE_CORRUPT,
		    "a roll has the facts of another archive for it");
	a->is_rolled = true;
	memcpy(a->hash, e->hash, VRV_HASH_SIZE);
	return 0;
}

/* What is known of an archive besides its record. */
static int
set_standing(struct load *l, struct vrv_archive *a,
    const struct vrv_opened_record *record, const struct vrv_roll_entry *entry,
    struct varve_err *err)
{
	struct vrv_archives *list = l->list;
	struct vrv_roll_entry named;
	bool vouched = entry != NULL ||
	    vrv_rolls_vouch(&list->rolls, VRV_ARCHIVE, a->object.id,
		record->hash);
	int rc = entry != NULL ? set_rolled(a, entry, err) : 0;

	if (rc != 0)
		return rc;
	if (!vouched &&
	    vrv_rolls_find(&list->rolls, VRV_ARCHIVE, a->object.id, &named) &&
	    !named.deleted)
		return vrv_fail(err, VARVE_AUTH,
		    "it is not the object that an admin vouched for in a roll");
	a->dead = vrv_rolls_is_dead(&list->rolls, a->object.id);
	a->unvouched = !vouched && vrv_repo_is_retired(l->repo, record->signer);
	if ((a->dead || a->unvouched) &&
	    (vrv_map_put(list->no_count, a->object.id, NULL) == NULL ||
		vrv_map_put(list->aside, a->clear.logical, NULL) == NULL))
		return VRV_NOMEM(err, "an archive");
	return 0;
}

static int
take_archive(struct load *l, const struct vrv_name *name,
    const struct vrv_opened_record *record, const struct vrv_roll_entry *entry,
    struct varve_err *err)
{
	struct vrv_archives *list = l->list;
	struct vrv_archive *a = vrv_arena_alloc(&list->arena, sizeof(*a));

	if (a == NULL ||
	    vrv_room_for_one(&list->all, list->n_all, &l->all_cap,
		sizeof(struct vrv_archive *)) != 0)
		return VRV_NOMEM(err, "an archive");
	int rc =
	    vrv_archive_decode(l->repo, name, record, &list->arena, a, err);
	if (rc == 0)
		rc = set_standing(l, a, record, entry, err);
	if (rc != 0)
		return rc;
	list->all[list->n_all++] = a;
	return vrv_map_put(l->taken, name->id, NULL) == NULL ?
	    VRV_NOMEM(err, "an archive") :
	    0;
}

/* --- tombstones --- */

static int
bury(struct load *l, const struct vrv_buried *buried,
    const uint8_t tombstone[VRV_OBJECT_ID], int64_t time, struct varve_err *err)
{
	struct vrv_archives *list = l->list;
	bool is_new;

	if (vrv_room_for_one(&list->buried, list->n_buried, &l->buried_cap,
		sizeof(*buried)) != 0)
		return VRV_NOMEM(err, "tombstones");
	struct vrv_grave *grave =
	    vrv_map_put(list->graves, buried->logical, &is_new);
	if (grave == NULL)
		return VRV_NOMEM(err, "tombstones");
	if (is_new || grave->revision < buried->revision) {
		grave->revision = buried->revision;
		grave->time = time;
		memcpy(grave->tombstone, tombstone, VRV_OBJECT_ID);
	}
	list->buried[list->n_buried++] = *buried;
	return 0;
}

static int
take_tombstone(struct load *l, const struct vrv_name *name,
    const struct vrv_opened_record *record, struct varve_err *err)
{
	struct vrv_rd rd = vrv_rd_over(record->clear, record->clear_n);
	struct vrv_buried *buried;
	uint32_t n;
	int64_t time;

	int rc =
	    vrv_tombstone_get(&rd, &l->list->arena, &time, &buried, &n, err);
	for (uint32_t i = 0; rc == 0 && i < n; i++)
		rc = bury(l, &buried[i], name->id, time, err);
	if (rc != 0)
		return rc;
	if (vrv_map_put(l->list->tombstones, name->id, NULL) == NULL)
		return VRV_NOMEM(err, "tombstones");
	return 0;
}

/* --- rolls --- */

static int
take_roll(struct load *l, const struct vrv_name *name,
    const struct vrv_opened_record *record, struct varve_err *err)
{
	int rc = vrv_rolls_add(&l->list->rolls, name->id, record->clear,
	    record->clear_n, record->plain, record->plain_n, err);

	if (rc == 0 && vrv_map_put(l->list->tombstones, name->id, NULL) == NULL)
		return VRV_NOMEM(err, "rolls");
	return rc;
}

static int
on_rolled(void *arg, const uint8_t roll[VRV_OBJECT_ID],
    const struct vrv_roll_entry *e, struct varve_err *err)
{
	struct vrv_buried buried = {.revision = e->revision};

	if (e->type != VRV_ARCHIVE || !e->deleted)
		return 0;
	memcpy(buried.logical, e->logical, VRV_LOGICAL_ID);
	return bury(arg, &buried, roll, e->first_seen, err);
}

/* --- all of a kind --- */

static int
take(struct load *l, const struct vrv_name *name, struct varve_err *err)
{
	struct vrv_opened_record record;
	struct vrv_roll_entry entry;
	struct vrv_roll_facts facts;

	if (name->type == VRV_ARCHIVE &&
	    vrv_rolls_facts(&l->list->rolls, name->id, &entry, &facts)) {
		record = (struct vrv_opened_record){
		    .clear = facts.clear.p,
		    .clear_n = facts.clear.n,
		    .plain = facts.list.p,
		    .plain_n = facts.list.n,
		};
		return take_archive(l, name, &record, &entry, err);
	}
	int rc = get_record(l, name, &record, err);
	if (rc != 0)
		return rc;
	return name->type == VRV_ARCHIVE ?
	    take_archive(l, name, &record, NULL, err) :
	    name->type == VRV_ROLL ? take_roll(l, name, &record, err) :
				     take_tombstone(l, name, &record, err);
}

/* What is wrong with one object does not hide the others. */
static int
pass_over(struct load *l, const struct vrv_name *name, int rc,
    struct varve_err *err)
{
	char text[VRV_NAME_SIZE];

	if (rc == VARVE_NOENT)
		return 0; /* deleted since it was listed */
	if (!vrv_err_is_unusable(err))
		return rc;
	vrv_name_print(name, text);
	vrv_repo_note(l->repo, VARVE_EVENT_PROBLEM, text,
	    "%s cannot be read: %s", vrv_type_name(name->type), err->message);
	l->list->damaged++;
	if (!vrv_err_is_damage(err)) {
		l->list->unread++;
		l->list->denied += err->exit == VARVE_EXIT_PERMISSION;
	}
	bool buries = name->type != VRV_ARCHIVE;
	if (vrv_map_put(buries ? l->bad_tombstones : l->unreadable, name->id,
		NULL) == NULL ||
	    (buries &&
		vrv_map_put(l->list->tombstones, name->id, NULL) == NULL))
		return VRV_NOMEM(err, "damaged archives");
	return 0;
}

/* A second look wants what is new only. */
static bool
is_read(const struct load *l, const struct vrv_name *name)
{
	const struct vrv_archives *list = l->list;

	if (name->type != VRV_ARCHIVE)
		return vrv_map_get(list->tombstones, name->id) != NULL;
	return vrv_map_get(l->unreadable, name->id) != NULL ||
	    vrv_map_get(l->taken, name->id) != NULL;
}

static int
read_all(struct load *l, enum vrv_type type, struct varve_err *err)
{
	int rc = list_names(l, type, err);

	for (size_t i = 0; rc == 0 && i < l->n; i++) {
		const struct vrv_name *name = &l->names[i];
		if (is_read(l, name))
			continue;
		rc = take(l, name, err);
		if (rc != 0)
			rc = pass_over(l, name, rc, err);
	}
	return rc;
}

/* Each time what is new: whoever lists tombstones then lists rolls, as a
 * tombstone goes only once a roll says the same. */
static int
read_everything(struct load *l, struct varve_err *err)
{
	int rc = read_all(l, VRV_TOMBSTONE, err);

	if (rc == 0)
		rc = read_all(l, VRV_ROLL, err);
	if (rc == 0)
		rc = vrv_rolls_each(&l->list->rolls, on_rolled, l, err);
	return rc == 0 ? read_all(l, VRV_ARCHIVE, err) : rc;
}

static int
load(struct load *l, struct varve_err *err)
{
	struct vrv_judge judge = {
	    .repo = l->repo,
	    .list = l->list,
	    .unreadable = l->unreadable,
	    .bad_tombstones = l->bad_tombstones,
	};

	int rc = read_everything(l, err);
	if (rc == 0)
		rc = vrv_judge_resolve(&judge, err);
	if (rc == 0)
		rc = vrv_judge_missing(&judge, false, err);
	/* What is missing may have been deleted after tombstones/ was listed,
	 * or stored while archives/ was, which then shows the archive that
	 * follows it. */
	if (rc == 0 && (judge.n_missing > 0 || judge.n_replayed > 0)) {
		size_t unknown = l->list->unknown;
		rc = read_everything(l, err);
		l->list->unknown = unknown;
		if (rc == 0)
			rc = vrv_judge_resolve(&judge, err);
		if (rc == 0)
			rc = vrv_judge_missing(&judge, true, err);
	}
	if (rc == 0)
		rc = vrv_judge_pins(&judge, err);
	free(judge.pins);
	return rc;
}

static struct vrv_archives *
new_list(void)
{
	struct vrv_archives *list = calloc(1, sizeof(*list));

	if (list == NULL)
		return NULL;
	list->tombstones = vrv_map_new(VRV_OBJECT_ID, 0);
	list->graves = vrv_map_new(VRV_LOGICAL_ID, sizeof(struct vrv_grave));
	list->newest =
	    vrv_map_new(VRV_LOGICAL_ID, sizeof(struct vrv_archive *));
	list->named = vrv_map_new(VRV_NAMED_KEY, 0);
	list->no_count = vrv_map_new(VRV_OBJECT_ID, 0);
	list->aside = vrv_map_new(VRV_LOGICAL_ID, 0);
	if (list->tombstones == NULL || list->graves == NULL ||
	    list->newest == NULL || list->named == NULL ||
	    list->no_count == NULL || list->aside == NULL) {
		vrv_archives_free(list);
		return NULL;
	}
	return list;
}

int
vrv_archives_load(struct vrv_repo *repo, struct vrv_archives **ret,
    struct varve_err *err)
{
	struct load l = {
	    .repo = repo,
	    .list = new_list(),
	    .unreadable = vrv_map_new(VRV_OBJECT_ID, 0),
	    .taken = vrv_map_new(VRV_OBJECT_ID, 0),
	    .bad_tombstones = vrv_map_new(VRV_OBJECT_ID, 0),
	};
	int rc;

	if (l.list == NULL || l.unreadable == NULL || l.taken == NULL ||
	    l.bad_tombstones == NULL)
		rc = VRV_NOMEM(err, "archives");
	else
		rc = vrv_archive_cache_open(vrv_repo_cache(repo),
		    vrv_repo_cache_id(repo), &l.cache, err);
	if (rc == 0)
		rc = load(&l, err);
	if (rc == 0)
		vrv_archive_cache_save(l.cache);
	vrv_archive_cache_free(l.cache);
	vrv_map_free(l.unreadable);
	vrv_map_free(l.taken);
	vrv_map_free(l.bad_tombstones);
	free(l.names);
	if (rc != 0) {
		vrv_archives_free(l.list);
		return rc;
	}
	*ret = l.list;
	return 0;
}

void
vrv_archives_free(struct vrv_archives *list)
{
	if (list == NULL)
		return;
	vrv_map_free(list->tombstones);
	vrv_map_free(list->graves);
	vrv_map_free(list->newest);
	vrv_map_free(list->named);
	vrv_map_free(list->no_count);
	vrv_map_free(list->aside);
	vrv_rolls_fini(&list->rolls);
	free(list->items);
	free(list->all);
	free(list->buried);
	vrv_arena_fini(&list->arena);
	free(list);
}

bool
vrv_archives_is_buried(const struct vrv_archives *list,
    const uint8_t logical[VRV_LOGICAL_ID], uint32_t revision)
{
	const struct vrv_grave *grave = vrv_map_get(list->graves, logical);

	return grave != NULL && grave->revision >= revision;
}

const struct vrv_archive *
vrv_archives_get(const struct vrv_archives *list,
    const uint8_t logical[VRV_LOGICAL_ID])
{
	struct vrv_archive *const *a = vrv_map_get(list->newest, logical);

	if (a == NULL ||
	    vrv_archives_is_buried(list, logical, (*a)->clear.revision))
		return NULL;
	return *a;
}

void
vrv_named_key(const uint8_t tag[VRV_TAG_SIZE],
    const uint8_t logical[VRV_LOGICAL_ID], uint8_t ret[VRV_NAMED_KEY])
{
	memcpy(ret, tag, VRV_TAG_SIZE);
	memcpy(ret + VRV_TAG_SIZE, logical, VRV_LOGICAL_ID);
}

bool
vrv_archives_is_named(const struct vrv_archives *list,
    const struct vrv_archive *a)
{
	uint8_t key[VRV_NAMED_KEY];

	vrv_named_key(a->object.tag, a->clear.logical, key);
	return vrv_map_get(list->named, key) != NULL;
}

bool
vrv_archives_has_name(const struct vrv_archives *list, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < list->n; i++) {
		const struct vrv_text *has = &list->items[i]->sealed.name;
		if (!list->items[i]->unvouched && has->n == n &&
		    memcmp(has->p, name, n) == 0)
			return true;
	}
	return false;
}
