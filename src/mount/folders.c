/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "mount/mount_internal.h"
#include "os/meta.h"

/*
 * Offsets: 0 is ".", 1 is "..", and from 2 on the number of an entry; where
 * several directories are shown as one, the directory's number stands above
 * that of the entry.
 */
#define SOURCE_SHIFT 40
#define NUMBER_MASK ((UINT64_C(1) << SOURCE_SHIFT) - 1)
#define FIRST 2

int
vrv_folder_get(struct vrv_mount *m, uint64_t node,
    const struct vrv_dirnode **ret, struct varve_err *err)
{
	struct vrv_made_node made = vrv_node_parse(node);
	struct vrv_seen seen = {0};
	struct vrv_dirnode *dir;

	if (made.kind == VRV_MADE_ROOT && m->only != NULL) {
		*ret = m->only->root;
		return 0;
	}
	dir = vrv_nodes_dir(m->nodes, node);
	if (dir != NULL) {
		*ret = dir;
		return 0;
	}
	if (made.kind != VRV_MADE_NOT)
		return vrv_fail(err, VARVE_USAGE, "not in an archive");
	int rc = vrv_seen_get(m, node, &seen, err);
	if (rc != 0)
		return rc;
	if (seen.entry.kind != VRV_DIR)
		rc = vrv_fail(err, VARVE_USAGE, "not a folder");
	if (rc == 0)
		rc = vrv_scope_visit(m, seen.dir, node, &seen.entry, &dir, err);
	vrv_seen_release(m, &seen);
	if (rc == 0)
		*ret = dir;
	return rc;
}

/* The directories that one shows. */
struct sources {
	const struct vrv_dirnode *const *items;
	const struct vrv_dirnode *self;
	size_t n;
};

static int
sources_of(struct vrv_mount *m, const struct vrv_dirnode *dir,
    struct sources *ret, struct varve_err *err)
{
	ret->self = dir;
	ret->items = &ret->self;
	ret->n = 1;
	if (dir->parent != NULL || m->options->strip_components == 0)
		return 0;
	return vrv_scope_sources(m, dir, &ret->items, &ret->n, err);
}

/* --- looking for a name --- */

/* In one directory, whatever the patterns say. */
static int
find_in(struct vrv_mount *m, const struct vrv_dirnode *dir, const uint8_t *name,
    size_t n, struct vrv_listed *ret, struct varve_err *err)
{
	struct vrv_tree_iter *it;
	struct vrv_tree_place place;
	struct vrv_entry entry;
	uint64_t node;

	int rc = vrv_tree_iter_new(&m->source, &dir->ref, &it, err);
	if (rc != 0)
		return rc;
	rc = vrv_tree_iter_find(it, name, n, &entry, err);
	if (rc == 0 && !vrv_scope_shows(m, dir, &entry))
		rc = vrv_fail(err, VARVE_NOENT, "not shown");
	if (rc == 0) {
		vrv_tree_iter_place(it, &place);
		rc = vrv_nodes_enter(m->nodes, dir, &place, &node, err);
	}
	if (rc == 0) {
		ret->node = node;
		ret->changes = false;
		vrv_attr_of_entry(m, dir, &entry, &ret->attr);
	}
	vrv_tree_iter_free(it);
	return rc;
}

int
vrv_folder_find(struct vrv_mount *m, const struct vrv_dirnode *dir,
    const char *name, struct vrv_listed *ret, struct varve_err *err)
{
	struct sources from;

	int rc = sources_of(m, dir, &from, err);
	if (rc != 0)
		return rc;
	rc = vrv_fail(err, VARVE_NOENT, "no such entry");
	for (size_t i = 0; i < from.n && rc == VARVE_NOENT; i++)
		rc = find_in(m, from.items[i], (const uint8_t *)name,
		    strlen(name), ret, err);
	return rc;
}

/* --- listing --- */

struct listing {
	struct vrv_mount *m;
	const struct vrv_dirnode *dir;
	struct sources from;
	vrv_list_fn *fn;
	void *arg;
	bool full;
};

static void
note_damage(struct vrv_mount *m, const struct vrv_dirnode *dir,
    const struct varve_err *err)
{
	struct vrv_dirnode *known = vrv_nodes_dir(m->nodes, dir->node);

	if (known != NULL)
		atomic_store(&known->damaged, true);
	vrv_damage_tell(m, dir->node, err);
}

/* Has a directory that is shown before this one something of that name? */
static bool
is_hidden(struct listing *l, size_t source, const struct vrv_entry *entry)
{
	struct vrv_listed unused;
	struct varve_err err;

	for (size_t i = 0; i < source; i++) {
		if (find_in(l->m, l->from.items[i], entry->name, entry->name_n,
			&unused, &err) != VARVE_NOENT)
			return true;
	}
	return false;
}

static int
tell_entry(struct listing *l, size_t source, const struct vrv_tree_iter *it,
    const struct vrv_entry *entry, struct varve_err *err)
{
	const struct vrv_dirnode *dir = l->from.items[source];
	char name[VRV_MOUNT_NAME_MAX + 1];
	struct vrv_listed listed = {.name = name};
	struct vrv_tree_place place;

	if (!vrv_scope_shows(l->m, dir, entry) || is_hidden(l, source, entry))
		return 0;
	if (entry->name_n > VRV_MOUNT_NAME_MAX) {
		(void)vrv_fail(err, VARVE_LIMIT,
		    "a name of %zu bytes is too long to be shown; 'varve "
		    "extract' restores it",
		    entry->name_n);
		return err->code;
	}
	memcpy(name, entry->name, entry->name_n);
	name[entry->name_n] = '\0';
	vrv_tree_iter_place(it, &place);
	int rc = vrv_nodes_enter(l->m->nodes, dir, &place, &listed.node, err);
	if (rc != 0)
		return rc;
	vrv_attr_of_entry(l->m, dir, entry, &listed.attr);
	listed.next =
	    FIRST + ((uint64_t)source << SOURCE_SHIFT) + place.number + 1;
	l->full = !l->fn(l->arg, &listed);
	return 0;
}

static int
list_source(struct listing *l, size_t source, uint64_t number,
    struct varve_err *err)
{
	const struct vrv_dirnode *dir = l->from.items[source];
	struct vrv_tree_iter *it;
	struct vrv_entry entry;

	int rc = vrv_tree_iter_new(&l->m->source, &dir->ref, &it, err);
	if (rc != 0)
		return rc;
	if (number > 0)
		rc = vrv_tree_iter_seek_number(it, number, err);
	for (;;) {
		if (rc != 0 && vrv_err_is_fatal(err))
			break;
		if (rc != 0)
			note_damage(l->m, dir, err);
		rc = vrv_tree_iter_next(it, &entry, NULL, err);
		if (rc == VARVE_NOENT)
			break;
		if (rc == 0)
			rc = tell_entry(l, source, it, &entry, err);
		if (l->full)
			break;
	}
	vrv_tree_iter_free(it);
	return rc == VARVE_NOENT ? 0 : rc;
}

static void
tell_dots(struct listing *l, uint64_t offset)
{
	static const char *const names[] = {".", ".."};

	for (; offset < FIRST && !l->full; offset++) {
		const struct vrv_dirnode *dir =
		    offset == 1 && l->dir->parent != NULL ? l->dir->parent :
							    l->dir;
		struct vrv_listed listed = {
		    .name = names[offset],
		    .next = offset + 1,
		};
		listed.attr.st_ino = dir->ino;
		listed.attr.st_mode = S_IFDIR;
		l->full = !l->fn(l->arg, &listed);
	}
}

int
vrv_folder_list(struct vrv_mount *m, const struct vrv_dirnode *dir,
    uint64_t offset, vrv_list_fn *fn, void *arg, struct varve_err *err)
{
	struct listing l = {.m = m, .dir = dir, .fn = fn, .arg = arg};
	bool damaged = false;

	int rc = sources_of(m, dir, &l.from, err);
	if (rc != 0)
		return rc;
	tell_dots(&l, offset);
	uint64_t at = offset < FIRST ? 0 : offset - FIRST;
	uint64_t number = at & NUMBER_MASK;
	size_t source = (size_t)(at >> SOURCE_SHIFT);
	for (; rc == 0 && !l.full && source < l.from.n; source++, number = 0)
		rc = list_source(&l, source, number, err);
	for (size_t i = 0; i < l.from.n; i++)
		damaged = damaged || atomic_load(&l.from.items[i]->damaged);
	if (rc == 0 && !l.full && damaged)
		rc = vrv_fail(err, VARVE_CORRUPT,
		    "a part of the folder cannot be read");
	return rc;
}
