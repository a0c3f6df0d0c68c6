/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "mount/mount_internal.h"
#include "os/meta.h"
#include "util/mem.h"

char *
vrv_scope_path(const struct vrv_dirnode *dir, const uint8_t *name, size_t n)
{
	const char *above = dir->path != NULL ? dir->path : "";

	return vrv_strf("%s%s%.*s", above, above[0] != '\0' ? "/" : "", (int)n,
	    (const char *)name);
}

static unsigned
ask(struct vrv_mount *m, const struct vrv_dirnode *dir,
    const struct vrv_entry *entry)
{
	const unsigned all = VARVE_MATCH_INCLUDE | VARVE_MATCH_RECURSE;

	/* As in a walk: what is only on the way to a source is not asked for.
	 */
	if (m->options->match == NULL || (entry->flags & VRV_ENTRY_WAY) != 0)
		return all;
	vrv_auto_free char *path =
	    vrv_scope_path(dir, entry->name, entry->name_n);
	if (path == NULL)
		return all;
	(void)pthread_mutex_lock(&m->match_lock);
	unsigned bits = m->options->match(m->options->match_arg, path,
	    entry->kind == VRV_DIR);
	(void)pthread_mutex_unlock(&m->match_lock);
	return bits;
}

bool
vrv_scope_shows(struct vrv_mount *m, const struct vrv_dirnode *dir,
    const struct vrv_entry *entry)
{
	unsigned bits = ask(m, dir, entry);

	return (bits & VARVE_MATCH_INCLUDE) != 0 ||
	    (entry->kind == VRV_DIR && (bits & VARVE_MATCH_RECURSE) != 0);
}

int
vrv_scope_visit(struct vrv_mount *m, const struct vrv_dirnode *dir,
    uint64_t node, const struct vrv_entry *entry, struct vrv_dirnode **ret,
    struct varve_err *err)
{
	struct vrv_dirnode as = {
	    .node = node,
	    .ref = entry->dir,
	    .parent = dir,
	    .archive = dir->archive,
	    .ino = vrv_ino_of_name(dir->ino, entry->name, entry->name_n),
	    .fs_ino = dir->fs_ino,
	};
	vrv_auto_free char *path = NULL;

	if ((entry->flags & VRV_ENTRY_FSROOT) != 0)
		as.fs_ino = as.ino;
	if (dir->path != NULL) {
		path = vrv_scope_path(dir, entry->name, entry->name_n);
		if (path == NULL)
			return VRV_NOMEM(err, "a path");
	}
	return vrv_nodes_visit(m->nodes, &as, path, ret, err);
}

/* --- stripped components --- */

struct found {
	const struct vrv_dirnode **items;
	size_t n, cap;
};

static int
add(struct found *found, const struct vrv_dirnode *dir, struct varve_err *err)
{
	if (vrv_room_for_one(&found->items, found->n, &found->cap,
		sizeof(*found->items)) != 0)
		return VRV_NOMEM(err, "folders");
	found->items[found->n++] = dir;
	return 0;
}

static int
add_below(struct vrv_mount *m, struct vrv_tree_iter *it,
    const struct vrv_dirnode *dir, const struct vrv_entry *entry,
    struct found *found, struct varve_err *err)
{
	struct vrv_tree_place place;
	struct vrv_dirnode *below;
	uint64_t node;

	if (entry->kind != VRV_DIR || !vrv_scope_shows(m, dir, entry))
		return 0;
	vrv_tree_iter_place(it, &place);
	int rc = vrv_nodes_enter(m->nodes, dir, &place, &node, err);
	if (rc == 0)
		rc = vrv_scope_visit(m, dir, node, entry, &below, err);
	return rc == 0 ? add(found, below, err) : rc;
}

/* The directories in a directory. */
static int
look_into(struct vrv_mount *m, const struct vrv_dirnode *dir,
    struct found *found, struct varve_err *err)
{
	struct vrv_tree_iter *it;
	struct vrv_entry entry;

	int rc = vrv_tree_iter_new(&m->source, &dir->ref, &it, err);
	if (rc != 0)
		return rc;
	for (;;) {
		rc = vrv_tree_iter_next(it, &entry, NULL, err);
		if (rc == VARVE_NOENT)
			break;
		if (rc == 0)
			rc = add_below(m, it, dir, &entry, found, err);
		else if (!vrv_err_is_fatal(err))
			vrv_damage_tell(m, dir->node, err);
		if (rc != 0 && vrv_err_is_fatal(err)) {
			vrv_tree_iter_free(it);
			return rc;
		}
	}
	vrv_tree_iter_free(it);
	return 0;
}

/* The directories `depth` levels below the root, in order. */
static int
look_below(struct vrv_mount *m, const struct vrv_dirnode *root, unsigned depth,
    struct found *ret, struct varve_err *err)
{
	struct found level = {0};

	int rc = add(&level, root, err);
	for (; rc == 0 && depth > 0; depth--) {
		struct found next = {0};
		for (size_t i = 0; rc == 0 && i < level.n; i++)
			rc = look_into(m, level.items[i], &next, err);
		free(level.items);
		level = next;
	}
	if (rc != 0) {
		free(level.items);
		return rc;
	}
	*ret = level;
	return 0;
}

int
vrv_scope_sources(struct vrv_mount *m, const struct vrv_dirnode *root,
    const struct vrv_dirnode *const **ret, size_t *ret_n, struct varve_err *err)
{
	struct vrv_mounted *a = root->archive;
	struct found found = {0};
	int rc = 0;

	(void)pthread_mutex_lock(&a->lock);
	if (!a->root->has_sources) {
		rc = look_below(m, root, m->options->strip_components, &found,
		    err);
		if (rc == 0) {
			a->root->sources = found.items;
			a->root->n_sources = found.n;
			a->root->has_sources = true;
		}
	}
	*ret = a->root->sources;
	*ret_n = a->root->n_sources;
	(void)pthread_mutex_unlock(&a->lock);
	return rc;
}
