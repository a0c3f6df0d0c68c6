/* SPDX-License-Identifier: BSD-2-Clause */
#include "mount/listing.h"

#include <stdlib.h>
#include <string.h>

#include "util/clock.h"
#include "util/hash.h"
#include "util/mem.h"

#define LOOK_NS UINT64_C(1000000000)
#define NAME_MAX_SHOWN 255

char *
vrv_safe_name(struct vrv_arena *arena, struct vrv_text text, bool *ret_changed)
{
	size_t n = vrv_min(text.n, NAME_MAX_SHOWN - 1 - 2 * VRV_LOGICAL_ID);
	bool changed = text.n > NAME_MAX_SHOWN || text.n == 0 ||
	    vrv_text_is(text, ".") || vrv_text_is(text, "..") ||
	    vrv_text_is(text, "latest");

	if (!changed)
		n = text.n;
	char *name = vrv_arena_dup(arena, n > 0 ? (const void *)text.p : "", n);
	if (name == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (name[i] == '/' || name[i] == '\0') {
			name[i] = '_';
			changed = true;
		}
	}
	*ret_changed = changed;
	return name;
}

bool
vrv_listing_due(const struct vrv_listing *l)
{
	return l->looked == 0 || vrv_ticks() - l->looked >= LOOK_NS;
}

static int
add_name(void *arg, const struct vrv_store_item *item, struct varve_err *err)
{
	uint64_t *sum = arg;

	(void)err;
	*sum += vrv_hash64(item->name, strlen(item->name));
	return 0;
}

/* A number that changes when an archive comes, goes or is renamed. */
static int
sum_listing(struct vrv_mount *m, uint64_t *ret, struct varve_err *err)
{
	struct vrv_store *store = vrv_repo_store(m->repo);
	uint64_t sum = 0;

	int rc = vrv_store_list(store, vrv_type_prefix(VRV_ARCHIVE), false,
	    add_name, &sum, err);
	if (rc == 0)
		rc = vrv_store_list(store, vrv_type_prefix(VRV_TOMBSTONE),
		    false, add_name, &sum, err);
	if (rc == 0)
		*ret = sum;
	return rc;
}

/* All archives, and which of them are shown. */
static int
load(struct vrv_mount *m, const struct vrv_listing *l,
    struct vrv_archives **ret, bool **ret_keep, struct varve_err *err)
{
	struct vrv_archives *list;

	int rc = vrv_archives_load(m->repo, &list, err);
	if (rc != 0)
		return rc;
	vrv_auto_free bool *keep = vrv_alloc_array(list->n, sizeof(*keep));
	if (keep == NULL)
		rc = VRV_NOMEM(err, "the list of archives");
	for (size_t i = 0; rc == 0 && i < list->n; i++)
		keep[i] = true;
	if (rc == 0 && l->select != NULL)
		rc = l->select(l->select_arg, list, keep, err);
	if (rc != 0) {
		vrv_archives_free(list);
		return rc;
	}
	*ret = list;
	*ret_keep = vrv_steal(&keep);
	return 0;
}

int
vrv_listing_look(struct vrv_mount *m, struct vrv_listing *l,
    struct vrv_archives **ret, bool **ret_keep, struct varve_err *err)
{
	bool first = l->looked == 0;

	/* Also what failed is not tried more often. */
	l->looked = vrv_ticks();
	int rc = sum_listing(m, &l->next, err);
	if (rc != 0)
		return rc;
	*ret = NULL;
	*ret_keep = NULL;
	if (!first && l->next == l->sum)
		return 0;
	return load(m, l, ret, ret_keep, err);
}

void
vrv_listing_taken(struct vrv_listing *l)
{
	l->sum = l->next;
}
