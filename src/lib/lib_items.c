/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/lib.h"

#include <stdlib.h>
#include <string.h>

#include "os/meta.h"
#include "util/map.h"
#include "util/mem.h"

#define READER_CACHE ((size_t)16 << 20)

struct vrv_items_of {
	struct varve_walk_options options;
	struct vrv_reader *reader;
	struct vrv_meta_source source;
	struct vrv_names *names;
	struct vrv_map *links;	/* {file system, inode} -> first path */
	struct vrv_arena paths; /* of links */
	uint64_t *filesystems;	/* one per level of the walk */
	size_t depth, cap;
	uint64_t n_filesystems;
	struct vrv_arena arena; /* of the item at hand */
	struct vrv_entry entry; /* of the item at hand */
};

int
vrv_items_of_new(struct vrv_repo *repo, const struct vrv_archive *archive,
    const struct varve_walk_options *options, struct vrv_items_of **ret,
    struct varve_err *err)
{
	struct vrv_items_of *it = calloc(1, sizeof(*it));

	if (it == NULL)
		return VRV_NOMEM(err, "the items");
	it->options = *options;
	it->links = vrv_map_new(2 * sizeof(uint64_t), sizeof(char *));
	int rc = it->links == NULL ? VRV_NOMEM(err, "the items") : 0;
	if (rc == 0)
		rc = vrv_archive_compare(repo, archive, err);
	if (rc == 0)
		rc = vrv_reader_new(repo, READER_CACHE, &it->reader, err);
	if (rc == 0) {
		it->source = vrv_meta_from_reader(it->reader);
		rc = vrv_names_new(&it->source, archive, &it->names, err);
	}
	if (rc != 0) {
		vrv_items_of_free(it);
		return rc;
	}
	*ret = it;
	return 0;
}

void
vrv_items_of_free(struct vrv_items_of *it)
{
	if (it == NULL)
		return;
	vrv_reader_free(it->reader);
	vrv_names_free(it->names);
	vrv_map_free(it->links);
	vrv_arena_fini(&it->paths);
	vrv_arena_fini(&it->arena);
	free(it->filesystems);
	free(it);
}

const char *
vrv_items_of_owner(const struct vrv_items_of *it, bool group, uint32_t id)
{
	return vrv_names_get(it->names, group, id);
}

int
vrv_items_of_enter(struct vrv_items_of *it, bool root_of_filesystem,
    struct varve_err *err)
{
	if (vrv_room_for_one(&it->filesystems, it->depth, &it->cap,
		sizeof(*it->filesystems)) != 0)
		return VRV_NOMEM(err, "the items");
	uint64_t above = it->depth == 0 ? 0 : it->filesystems[it->depth - 1];
	it->filesystems[it->depth++] =
	    root_of_filesystem ? ++it->n_filesystems : above;
	return 0;
}

void
vrv_items_of_leave(struct vrv_items_of *it)
{
	it->depth--;
}

/* The first path of the item's group of hard links; NULL if it is this. */
static int
first_link(struct vrv_items_of *it, const char *path, const struct vrv_entry *e,
    const char **ret, struct varve_err *err)
{
	const uint64_t key[2] = {it->depth == 0 ?
		0 :
		it->filesystems[it->depth - 1],
	    e->inode};

	*ret = NULL;
	if ((e->flags & VRV_ENTRY_LINKED) == 0 || e->inode == 0)
		return 0;
	char **first = vrv_map_put(it->links, key, NULL);
	if (first == NULL)
		return VRV_NOMEM(err, "hard links");
	*ret = *first;
	if (*first == NULL &&
	    (*first = vrv_arena_dup(&it->paths, path, strlen(path))) == NULL)
		return VRV_NOMEM(err, "hard links");
	return 0;
}

static int
long_value(struct vrv_items_of *it, const struct vrv_entry_xattr *x,
    struct varve_xattr *to, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf chunk = {0};
	struct vrv_rd rd;

	int rc = it->source.get(it->source.arg, x->id, &chunk, err);
	if (rc == 0)
		rc = vrv_meta_open(chunk.data, chunk.len, VRV_META_VALUE, &rd,
		    err);
	if (rc != 0)
		return rc;
	to->value = vrv_arena_dup(&it->arena, rd.p, vrv_rd_left(&rd));
	return to->value == NULL ? VRV_NOMEM(err, "an attribute") : 0;
}

static int
fill_xattrs(struct vrv_items_of *it, const struct vrv_entry *e,
    struct varve_item *item, struct varve_err *err)
{
	struct vrv_rd rd = vrv_rd_over(e->xattrs, e->xattrs_n);
	uint64_t n = vrv_rd_v(&rd);
	int rc = 0;

	struct varve_xattr *list =
	    vrv_arena_alloc(&it->arena, n * sizeof(*list));
	if (list == NULL)
		return VRV_NOMEM(err, "attributes");
	for (uint64_t i = 0; rc == 0 && i < n; i++) {
		struct vrv_entry_xattr x;

		rc = vrv_xattr_get(&rd, &x, err);
		if (rc != 0)
			return rc;
		list[i] = (struct varve_xattr){.name = vrv_arena_dup(&it->arena,
						   x.name, x.name_n),
		    .value = x.value,
		    .size = (size_t)x.size};
		if (list[i].name == NULL)
			return VRV_NOMEM(err, "attributes");
		if (x.value == NULL)
			rc = long_value(it, &x, &list[i], err);
	}
	item->xattrs = list;
	item->n_xattrs = (size_t)n;
	return rc;
}

static int
count_extents(struct vrv_items_of *it, const struct vrv_entry *e,
    struct varve_item *item, struct varve_err *err)
{
	struct vrv_list_iter *list;
	struct vrv_extent extent;
	uint64_t offset;

	int rc = vrv_list_iter_new(&it->source, e->content, e->content_n, &list,
	    err);
	if (rc != 0)
		return rc;
	while ((rc = vrv_list_iter_next(list, &extent, &offset, err)) == 0) {
		if (extent.hole)
			item->holes++;
		else
			item->chunks++;
	}
	bool end = rc == VARVE_NOENT;
	vrv_list_iter_free(list);
	return end ? 0 : rc;
}

static struct varve_time
public_time(struct vrv_time t)
{
	return (struct varve_time){t.s, t.ns};
}

struct varve_item
vrv_lib_item(const char *path, const struct vrv_entry *e)
{
	return (struct varve_item){.path = path,
	    .kind = (enum varve_kind)e->kind,
	    .mode = e->mode,
	    .uid = e->uid,
	    .gid = e->gid,
	    .size = e->kind == VRV_SYMLINK ? e->target_n : e->size,
	    .mtime = public_time(e->mtime),
	    .ctime = public_time(e->ctime),
	    .atime = public_time(e->atime),
	    .btime = public_time(e->btime),
	    .has_atime = (e->flags & VRV_ENTRY_ATIME) != 0,
	    .has_btime = (e->flags & VRV_ENTRY_BTIME) != 0,
	    .inode = e->inode,
	    .linked = (e->flags & VRV_ENTRY_LINKED) != 0,
	    .major = e->major,
	    .minor = e->minor,
	    .flags = e->iflags,
	    .changed = (e->flags & VRV_ENTRY_CHANGED) != 0};
}

int
vrv_items_of_fill(struct vrv_items_of *it, const char *path,
    const struct vrv_entry *e, struct varve_item *ret, struct varve_err *err)
{
	vrv_arena_fini(&it->arena);
	it->entry = *e;
	*ret = vrv_lib_item(path, e);
	ret->user = vrv_names_get(it->names, false, e->uid);
	ret->group = vrv_names_get(it->names, true, e->gid);
	int rc = first_link(it, path, e, &ret->hardlink, err);
	if (rc == 0 && e->kind == VRV_SYMLINK) {
		ret->target = vrv_arena_dup(&it->arena, e->target, e->target_n);
		if (ret->target == NULL)
			rc = VRV_NOMEM(err, "a link");
	}
	if (rc == 0 && it->options.with_xattrs && e->xattrs_n > 0)
		rc = fill_xattrs(it, e, ret, err);
	if (rc == 0 && it->options.with_chunks && e->kind == VRV_FILE)
		rc = count_extents(it, e, ret, err);
	return rc;
}

/* --- walking --- */

struct walk {
	struct vrv_items_of *items;
	varve_item_fn *fn;
	void *arg;
};

static int
walk_item(void *arg, const struct vrv_walk_item *at, struct varve_err *err)
{
	struct walk *w = arg;
	bool is_dir = at->entry->kind == VRV_DIR;
	struct varve_item item;

	if (at->leaving) {
		vrv_items_of_leave(w->items);
		return 0;
	}
	int rc = 0;
	/* Only on the way to a source: no item of its own. */
	if ((at->entry->flags & VRV_ENTRY_WAY) == 0)
		rc = vrv_items_of_fill(w->items, at->path, at->entry, &item,
		    err);
	if (rc == 0 && (at->entry->flags & VRV_ENTRY_WAY) == 0)
		rc = w->fn(w->arg, &item, err);
	if (rc == 0 && is_dir)
		rc = vrv_items_of_enter(w->items,
		    (at->entry->flags & VRV_ENTRY_FSROOT) != 0, err);
	return rc;
}

int
varve_archive_walk(struct varve_repo *handle,
    const struct varve_archive *archive,
    const struct varve_walk_options *options, varve_item_fn *fn, void *arg,
    struct varve_err *err)
{
	struct walk w = {.fn = fn, .arg = arg};

	err = LIB_ERR(err);
	int rc = vrv_items_of_new(handle->repo, vrv_lib_archive(archive),
	    options, &w.items, err);
	if (rc != 0)
		return rc;
	const struct vrv_walk walk = {.source = w.items->source,
	    .match = options->match,
	    .match_arg = options->match_arg,
	    .fn = walk_item,
	    .arg = &w,
	    .want_leaving = true};
	rc = vrv_walk_archive(&walk, vrv_lib_archive(archive), err);
	vrv_items_of_free(w.items);
	return rc;
}
