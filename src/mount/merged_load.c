/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "mount/merged.h"
#include "util/hash.h"
#include "util/mem.h"

#define VERSION_BIT (UINT64_C(1) << 62)
#define TOP_BITS (UINT64_C(3) << 62)

/* --- records --- */

struct record_key {
	uint32_t parent, kind;
	uint8_t sum[VRV_HASH_LONG];
};

uint64_t
vrv_record_node(const struct vrv_record *r)
{
	return r->kind == VRV_RECORD_TOP ? VRV_NODE_ROOT :
					   VERSION_BIT | r->number;
}

struct vrv_record *
vrv_record_at(struct vrv_versions *v, uint64_t node)
{
	uint64_t number = node == VRV_NODE_ROOT ? 0 : node & ~TOP_BITS;

	return number < v->n ? v->records[number] : NULL;
}

bool
vrv_versions_has(const struct vrv_mount *m, uint64_t node)
{
	return m->versions != NULL &&
	    (node == VRV_NODE_ROOT || (node & TOP_BITS) == VERSION_BIT);
}

/* The same in every mount: from the names alone. */
static uint64_t
ino_of(const struct vrv_record *in, enum vrv_record_kind kind,
    const void *bytes, size_t n)
{
	uint64_t above = in != NULL ? in->ino : 2;
	uint64_t hash = vrv_hash64(bytes, n);

	return kind == VRV_RECORD_VERSION ?
	    vrv_ino_of_name(above, &hash, sizeof(hash)) :
	    vrv_ino_of_name(above, bytes, n);
}

struct vrv_record *
vrv_record_of(struct vrv_versions *v, struct vrv_record *in,
    enum vrv_record_kind kind, const void *bytes, size_t n)
{
	struct record_key key = {
	    .parent = in != NULL ? in->number : UINT32_MAX,
	    .kind = kind,
	};

	vrv_hash_keyed_long(&v->hash_key, bytes, n, key.sum);
	struct vrv_record **known = vrv_map_get(v->by_key, &key);
	if (known != NULL)
		return *known;
	struct vrv_record *r = vrv_arena_alloc(&v->arena, sizeof(*r));
	if (r == NULL || v->n == UINT32_MAX ||
	    vrv_room_for_one(&v->records, v->n, &v->cap,
		sizeof(struct vrv_record *)) != 0)
		return NULL;
	*r = (struct vrv_record){
	    .kind = kind,
	    .number = (uint32_t)v->n,
	    .parent = in,
	    .ino = ino_of(in, kind, bytes, n),
	};
	uint8_t *copy = vrv_arena_dup(&v->arena, bytes, n);
	known = copy == NULL ? NULL : vrv_map_put(v->by_key, &key, NULL);
	if (known == NULL)
		return NULL;
	if (kind == VRV_RECORD_VERSION) {
		r->entry = copy;
		r->entry_n = n;
	} else {
		r->name = (char *)copy;
		r->name_n = n;
	}
	*known = r;
	v->records[v->n++] = r;
	return r;
}

/* --- the catalog --- */

static bool
covers(void *arg, const struct vrv_archive *a)
{
	const struct vrv_versions *v = arg;

	return vrv_map_get(v->shown, a->clear.logical) != NULL;
}

static bool
is_shown(void *arg, const struct vrv_catalog_series *series,
    const struct vrv_catalog_archive *a)
{
	const struct vrv_versions *v = arg;

	(void)series;
	return vrv_map_get(v->shown, a->logical) != NULL;
}

static void
note_failed(void *arg, const struct vrv_archive *a, const struct varve_err *err)
{
	struct vrv_mount *m = arg;
	vrv_auto_free char *name = vrv_dup(a->sealed.name.p, a->sealed.name.n);

	vrv_mount_tell(m, VARVE_EVENT_PROBLEM, name, err->message);
}

static void
on_progress(void *arg, const struct varve_event *event)
{
	const struct vrv_mount *m = arg;

	vrv_repo_tell(m->repo, m->options->event, m->options->event_arg, event);
}

/* Which archives are shown, with their records. */
static int
note_shown(struct vrv_mount *m, struct vrv_versions *v,
    const struct vrv_archives *list, const bool *keep, struct varve_err *err)
{
	vrv_map_clear(v->shown);
	v->time = (struct vrv_time){0};
	for (size_t i = 0; i < list->n; i++) {
		struct vrv_mounted *a;
		if (!keep[i])
			continue;
		int rc =
		    vrv_nodes_archive(m->nodes, list->items[i], false, &a, err);
		if (rc != 0)
			return rc;
		struct vrv_mounted **slot =
		    vrv_map_put(v->shown, a->logical, NULL);
		if (slot == NULL)
			return VRV_NOMEM(err, "the list of archives");
		*slot = a;
		v->time = a->time;
	}
	return 0;
}

static int
update(struct vrv_mount *m, struct vrv_versions *v,
    const struct vrv_archives *list, struct varve_err *err)
{
	const struct vrv_catalog_source source = {
	    .trees = m->source,
	    .covers = covers,
	    .covers_arg = v,
	    .failed = note_failed,
	    .failed_arg = m,
	    .progress = on_progress,
	    .progress_arg = m,
	};
	const struct vrv_archive *const *items =
	    (const struct vrv_archive *const *)list->items;
	struct vrv_catalog_change change;

	int rc = vrv_catalog_update(v->catalog, items, list->n, &source,
	    &change, err);
	if (rc == 0 || !vrv_catalog_is_bad(v->catalog))
		return rc;
	rc = vrv_catalog_renew(v->catalog, false, err);
	return rc != 0 ? rc :
			 vrv_catalog_update(v->catalog, items, list->n, &source,
			     &change, err);
}

int
vrv_versions_load(struct vrv_mount *m, struct vrv_versions *v,
    struct varve_err *err)
{
	struct vrv_archives *list;
	bool *keep;

	int rc = vrv_listing_look(m, &v->listing, &list, &keep, err);
	if (rc != 0 || list == NULL)
		return rc;
	rc = note_shown(m, v, list, keep, err);
	if (rc == 0)
		rc = update(m, v, list, err);
	v->epoch++;
	v->time.ns = (v->time.ns + v->epoch) % 1000000000;
	/* Asks again which archives count. */
	vrv_catalog_want(v->catalog, is_shown, v);
	if (rc == 0)
		vrv_listing_taken(&v->listing);
	vrv_archives_free(list);
	free(keep);
	return rc;
}

void
vrv_versions_refresh(struct vrv_mount *m, struct vrv_versions *v)
{
	struct varve_err err;

	if (!vrv_listing_due(&v->listing) || vrv_versions_load(m, v, &err) == 0)
		return;
	(void)vrv_ctx(&err, "the versions are those of before");
	vrv_damage_tell(m, VRV_NODE_ROOT, &err);
}

bool
vrv_versions_mend(struct vrv_mount *m, struct vrv_versions *v)
{
	struct varve_err err;

	if (!vrv_catalog_is_bad(v->catalog))
		return false;
	v->listing.looked = 0;
	int rc = vrv_catalog_renew(v->catalog, false, &err);
	if (rc == 0)
		rc = vrv_versions_load(m, v, &err);
	if (rc != 0) {
		(void)vrv_ctx(&err, "the catalog cannot be made anew");
		vrv_damage_tell(m, VRV_NODE_ROOT, &err);
	}
	return rc == 0;
}

int
vrv_versions_new(struct vrv_mount *m, vrv_mount_select_fn *select,
    void *select_arg, struct vrv_versions **ret, struct varve_err *err)
{
	struct vrv_versions *v = calloc(1, sizeof(*v));

	if (v == NULL)
		return VRV_NOMEM(err, "versions");
	(void)pthread_mutex_init(&v->lock, NULL);
	v->listing.select = select;
	v->listing.select_arg = select_arg;
	v->shown = vrv_map_new(VRV_LOGICAL_ID, sizeof(void *));
	vrv_hash_key_init(&v->hash_key);
	v->by_key = vrv_map_new(sizeof(struct record_key), sizeof(void *));
	int rc = 0;
	if (v->shown == NULL || v->by_key == NULL ||
	    vrv_record_of(v, NULL, VRV_RECORD_TOP, "", 0) == NULL)
		rc = VRV_NOMEM(err, "versions");
	if (rc == 0)
		rc = vrv_catalog_open_any(m->repo, &v->catalog, err);
	if (rc == 0)
		rc = vrv_versions_load(m, v, err);
	if (rc != 0) {
		vrv_versions_free(v);
		return rc;
	}
	*ret = v;
	return 0;
}

void
vrv_versions_free(struct vrv_versions *v)
{
	if (v == NULL)
		return;
	vrv_catalog_close(v->catalog);
	vrv_map_free(v->shown);
	vrv_map_free(v->by_key);
	free(v->records);
	vrv_arena_fini(&v->arena);
	(void)pthread_mutex_destroy(&v->lock);
	free(v);
}
