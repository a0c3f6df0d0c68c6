/* SPDX-License-Identifier: BSD-2-Clause */
#include "diff/diff_entry.h"

#include <string.h>

#include "util/map.h"
#include "util/mem.h"

/* --- content --- */

struct side {
	struct vrv_map *ids; /* of its chunks */
	uint64_t alone;	     /* bytes of chunks that the other has not */
};

/* Go over the chunks of a file: note their ids (other == NULL), or count what
 * the other side has not. */
static int
each_chunk(struct side *side, const struct side *other,
    struct vrv_list_iter *it, struct varve_err *err)
{
	struct vrv_extent extent;
	uint64_t at;

	for (;;) {
		int rc = vrv_list_iter_next(it, &extent, &at, err);
		if (rc == VARVE_NOENT)
			return 0;
		if (rc != 0)
			return rc;
		if (extent.hole)
			continue;
		if (other != NULL) {
			if (vrv_map_get(other->ids, extent.id) == NULL)
				side->alone += extent.length;
		} else if (vrv_map_put(side->ids, extent.id, NULL) == NULL) {
			return VRV_NOMEM(err, "a comparison");
		}
	}
}

static int
read_side(const struct vrv_compare *c, const struct vrv_entry *entry,
    struct side *side, const struct side *other, struct varve_err *err)
{
	struct vrv_list_iter *it = NULL;

	int rc = vrv_list_iter_new(c->source, entry->content, entry->content_n,
	    &it, err);
	if (rc == 0)
		rc = each_chunk(side, other, it, err);
	vrv_list_iter_free(it);
	return rc;
}

static int
compare_content(const struct vrv_compare *c, struct vrv_difference *d,
    struct varve_err *err)
{
	const struct vrv_entry *old = d->old, *new = d->new;

	if (old->size == new->size &&
	    old->content_n ==
		new->content_n &&memcmp(old->content, new->content,
		    old->content_n) == 0)
		return 0;
	d->changes |= VARVE_CHANGE_CONTENT;
	vrv_auto_map old_ids = vrv_map_new(VRV_CHUNK_ID, 0);
	vrv_auto_map new_ids = vrv_map_new(VRV_CHUNK_ID, 0);
	if (old_ids == NULL || new_ids == NULL)
		return VRV_NOMEM(err, "a comparison");
	struct side a = {.ids = old_ids}, b = {.ids = new_ids};
	int rc = read_side(c, old, &a, NULL, err);
	if (rc == 0)
		rc = read_side(c, new, &b, NULL, err);
	if (rc == 0)
		rc = read_side(c, old, &a, &b, err);
	if (rc == 0)
		rc = read_side(c, new, &b, &a, err);
	d->removed = a.alone;
	d->added = b.alone;
	return rc;
}

/* --- metadata --- */

static bool
same_bytes(const uint8_t *a, size_t a_n, const uint8_t *b, size_t b_n)
{
	return a_n == b_n && (a_n == 0 || memcmp(a, b, a_n) == 0);
}

static bool
same_owner(const struct vrv_compare *c, bool group, uint32_t old, uint32_t new)
{
	if (c->owner != NULL && !c->options->numeric_ids) {
		const char *a = c->owner(c->owner_arg, 0, group, old);
		const char *b = c->owner(c->owner_arg, 1, group, new);
		if (a != NULL && b != NULL)
			return strcmp(a, b) == 0;
	}
	return old == new;
}

static bool
is_recorded(struct vrv_time t)
{
	return t.s != 0 || t.ns != 0;
}

static unsigned
compare_metadata(const struct vrv_compare *c, const struct vrv_entry *old,
    const struct vrv_entry *new)
{
	unsigned changes = 0;

	if (old->mode != new->mode)
		changes |= VARVE_CHANGE_MODE;
	if (!same_owner(c, false, old->uid, new->uid) ||
	    !same_owner(c, true, old->gid, new->gid))
		changes |= VARVE_CHANGE_OWNER;
	if (vrv_time_cmp(old->mtime, new->mtime) != 0)
		changes |= VARVE_CHANGE_MTIME;
	if (is_recorded(old->ctime) && is_recorded(new->ctime) &&
	    vrv_time_cmp(old->ctime, new->ctime) != 0)
		changes |= VARVE_CHANGE_CTIME;
	if (!same_bytes(old->xattrs, old->xattrs_n, new->xattrs, new->xattrs_n))
		changes |= VARVE_CHANGE_XATTRS;
	if ((old->flags & new->flags &VRV_ENTRY_IFLAGS) != 0 &&
	    old->iflags != new->iflags)
		changes |= VARVE_CHANGE_FLAGS;
	return changes;
}

static uint64_t
file_size(const struct vrv_entry *entry)
{
	return entry != NULL && entry->kind == VARVE_FILE ? entry->size : 0;
}

int
vrv_compare_entries(const struct vrv_compare *c, struct vrv_difference *d,
    struct varve_err *err)
{
	const struct vrv_entry *old = d->old, *new = d->new;
	int rc = 0;

	d->changes = 0;
	d->added = d->removed = 0;
	if (old == NULL || new == NULL || old->kind != new->kind) {
		d->changes = old == NULL ? VARVE_CHANGE_ADDED :
		    new == NULL		 ? VARVE_CHANGE_REMOVED :
					   VARVE_CHANGE_KIND;
		d->added = file_size(new);
		d->removed = file_size(old);
		return 0;
	}
	if (!c->options->content_only)
		d->changes = compare_metadata(c, old, new);
	if (old->kind == VARVE_FILE)
		rc = compare_content(c, d, err);
	if (!same_bytes(old->target, old->target_n, new->target, new->target_n))
		d->changes |= VARVE_CHANGE_TARGET;
	if (old->major != new->major || old->minor != new->minor)
		d->changes |= VARVE_CHANGE_DEVICE;
	return rc;
}
