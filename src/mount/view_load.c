/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "mount/view.h"
#include "util/hash.h"
#include "util/hex.h"
#include "util/mem.h"

#define NAME_MAX_SHOWN 255
#define SHORT_ID 4 /* bytes behind the name, of those that need it */

/* --- names --- */

/* An archive that is to be shown. */
struct named {
	const struct vrv_archive *archive;
	uint32_t number;
	const char *name;
	bool marked; /* its id is part of its name */
};

/* "name~0123abcd". */
static char *
marked_name(struct vrv_arena *arena, const char *name, const void *id, size_t n)
{
	size_t len =
	    vrv_min(strlen(name), NAME_MAX_SHOWN - 1 - 2 * VRV_LOGICAL_ID);
	char *marked = vrv_arena_alloc(arena, len + 2 * n + 2);

	if (marked == NULL)
		return NULL;
	memcpy(marked, name, len);
	marked[len] = '~';
	vrv_hex(marked + len + 1, id, n);
	return marked;
}

static int
by_name(const void *pa, const void *pb)
{
	const struct named *const *a = pa, *const *b = pb;

	return strcmp((*a)->name, (*b)->name);
}

/* Mark all that have an equal name with `id_n` bytes of their ids. */
static int
tell_apart(struct vrv_view *v, struct named *items, size_t n, size_t id_n,
    struct varve_err *err)
{
	vrv_auto_free struct named **sorted =
	    vrv_alloc_array(n, sizeof(*sorted));

	if (sorted == NULL)
		return VRV_NOMEM(err, "the list of archives");
	for (size_t i = 0; i < n; i++)
		sorted[i] = &items[i];
	qsort(sorted, n, sizeof(*sorted), by_name);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
			sorted[i - 1]->marked = sorted[i]->marked = true;
	}
	for (size_t i = 0; i < n; i++) {
		if (!items[i].marked)
			continue;
		items[i].marked = false;
		items[i].name = marked_name(&v->names, items[i].name,
		    items[i].archive->clear.logical, id_n);
		if (items[i].name == NULL)
			return VRV_NOMEM(err, "the list of archives");
	}
	return 0;
}

/* --- groups --- */

static bool
name_is_taken(const struct vrv_view *v, bool series, const char *name)
{
	for (size_t i = 0; i < v->n_groups; i++) {
		if (v->groups[i].series == series &&
		    strcmp(v->groups[i].name, name) == 0)
			return true;
	}
	return false;
}

static int
new_group(struct vrv_view *v, bool series, struct vrv_text label,
    struct varve_err *err)
{
	struct vrv_view_group g = {.series = series};
	uint8_t mark[8];
	bool changed;

	if (vrv_room_for_one(&v->groups, v->n_groups, &v->cap_groups,
		sizeof(*v->groups)) != 0)
		return VRV_NOMEM(err, "the list of archives");
	g.label = vrv_arena_dup(&v->labels,
	    label.n > 0 ? (const void *)label.p : "", label.n);
	g.name = vrv_safe_name(&v->labels, label, &changed);
	/* Every change gives another mark, should one be taken. */
	vrv_put_u64(mark, vrv_hash64(label.p, label.n));
	while (
	    g.name != NULL && (changed || name_is_taken(v, series, g.name))) {
		g.name = marked_name(&v->labels, g.name, mark, SHORT_ID);
		changed = false;
		mark[0]++;
	}
	if (g.label == NULL || g.name == NULL)
		return VRV_NOMEM(err, "the list of archives");
	v->groups[v->n_groups++] = g;
	return 0;
}

static int
group_of(struct vrv_view *v, bool series, struct vrv_text label, uint32_t *ret,
    struct varve_err *err)
{
	for (size_t i = 0; i < v->n_groups; i++) {
		if (v->groups[i].series == series &&
		    vrv_text_is(label, v->groups[i].label)) {
			*ret = (uint32_t)i;
			return 0;
		}
	}
	*ret = (uint32_t)v->n_groups;
	return new_group(v, series, label, err);
}

/* --- the list --- */

/* Every archive that was met has a place. */
static int
make_room(struct vrv_view *v, uint32_t number, struct varve_err *err)
{
	while (v->n_archives <= number) {
		if (vrv_room_for_one(&v->archives, v->n_archives,
			&v->cap_archives, sizeof(*v->archives)) != 0)
			return VRV_NOMEM(err, "the list of archives");
		v->archives[v->n_archives++] =
		    (struct vrv_view_archive){.name = NULL};
	}
	return 0;
}

static int
show(struct vrv_view *v, const struct named *items, size_t n,
    struct varve_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < v->n_archives; i++)
		v->archives[i].name = NULL;
	v->bytes = v->files = 0;
	v->time = (struct vrv_time){0};
	for (size_t i = 0; rc == 0 && i < n; i++) {
		const struct vrv_archive_sealed *s = &items[i].archive->sealed;
		struct vrv_view_archive a = {
		    .name = items[i].name,
		    .rank = i,
		};
		rc = make_room(v, items[i].number, err);
		if (rc == 0)
			rc = group_of(v, false, s->host, &a.host, err);
		if (rc == 0)
			rc = group_of(v, true, s->series, &a.series, err);
		if (rc != 0)
			break;
		v->archives[items[i].number] = a;
		v->time = s->nominal;
		v->bytes += s->bytes;
		v->files += s->files;
	}
	/* Whoever remembers the folder sees that it is another. */
	v->changes++;
	v->time.ns = (v->time.ns + v->changes) % 1000000000;
	return rc;
}

static int
take(struct vrv_mount *m, struct vrv_view *v, struct vrv_archives *list,
    const bool *keep, struct varve_err *err)
{
	vrv_auto_free struct named *items =
	    vrv_alloc_array(list->n, sizeof(*items));
	struct vrv_arena old = v->names;
	size_t n = 0;
	int rc = 0;

	if (items == NULL)
		return VRV_NOMEM(err, "the list of archives");
	v->names = (struct vrv_arena){0};
	for (size_t i = 0; rc == 0 && i < list->n; i++) {
		struct vrv_mounted *a;
		if (!keep[i])
			continue;
		rc = vrv_nodes_archive(m->nodes, list->items[i],
		    m->options->match != NULL, &a, err);
		if (rc != 0)
			break;
		items[n] = (struct named){
		    .archive = list->items[i],
		    .number = a->number,
		};
		items[n].name = vrv_safe_name(&v->names,
		    list->items[i]->sealed.name, &items[n].marked);
		if (items[n++].name == NULL)
			rc = VRV_NOMEM(err, "the list of archives");
	}
	if (rc == 0)
		rc = tell_apart(v, items, n, SHORT_ID, err);
	/* Somebody may have chosen the name of another with its mark. */
	if (rc == 0)
		rc = tell_apart(v, items, n, VRV_LOGICAL_ID, err);
	if (rc == 0)
		rc = show(v, items, n, err);
	/* Memory ran out: nothing is shown until the next look. */
	for (size_t i = 0; rc != 0 && i < v->n_archives; i++)
		v->archives[i].name = NULL;
	vrv_arena_fini(&old);
	return rc;
}

int
vrv_view_load(struct vrv_mount *m, struct vrv_view *v, struct varve_err *err)
{
	struct vrv_archives *list;
	bool *keep;

	int rc = vrv_listing_look(m, &v->listing, &list, &keep, err);
	if (rc != 0 || list == NULL)
		return rc;
	rc = take(m, v, list, keep, err);
	if (rc == 0)
		vrv_listing_taken(&v->listing);
	vrv_archives_free(list);
	free(keep);
	return rc;
}

void
vrv_view_refresh(struct vrv_mount *m, struct vrv_view *v)
{
	struct varve_err err;

	if (!vrv_listing_due(&v->listing) || vrv_view_load(m, v, &err) == 0)
		return;
	(void)vrv_ctx(&err, "the list of archives is that of before");
	vrv_damage_tell(m, VRV_NODE_ROOT, &err);
}
