/* SPDX-License-Identifier: BSD-2-Clause */
#include "create/build.h"

#include "util/mem.h"

int
vrv_build_enter(struct vrv_build *b, const struct vrv_item *item,
    struct varve_err *err)
{
	struct vrv_level *level;

	if ((item->flags & VRV_ENTRY_WAY) == 0)
		vrv_build_tell(b, item, 'd');
	vrv_build_count(b, item);
	if (vrv_room_for_one(&b->levels, b->depth, &b->levels_cap,
		sizeof(*b->levels)) != 0)
		return VRV_NOMEM(err, "the directories");
	level = &b->levels[b->depth];
	if (b->depth >= b->levels_made) {
		*level = (struct vrv_level){0};
		b->levels_made = b->depth + 1;
		int rc = vrv_tree_builder_new(&b->sink, &level->builder, err);
		if (rc != 0)
			return rc;
	}
	/* What the entry needs must outlive the group of items. */
	vrv_buf_clear(&level->raw);
	vrv_buf_clear(&level->name);
	vrv_buf_bytes(&level->name, item->name, item->name_n);
	level->path_n = b->path.len;
	level->flags = item->flags;
	level->inherited = item->inherited;
	level->st = item->st;
	int rc = 0;
	if (item->inherited)
		vrv_buf_bytes(&level->raw, item->raw.p, item->raw.n);
	else
		rc = item->error.sys == 0 ?
		    vrv_entry_xattrs(b, &item->meta, &level->raw, err) :
		    vrv_source_fatal(&item->error, vrv_build_disk_path(b, item),
			err);
	level->iflags = item->meta.iflags;
	if (rc == 0)
		rc = vrv_build_lost(b, item, &item->meta, &level->st, err);
	vrv_build_push(b, item);
	return rc == 0 ? vrv_buf_check(&level->raw, err) : rc;
}

/* The entry of the directory just built. */
static int
directory_entry(struct vrv_build *b, const struct vrv_level *level,
    const struct vrv_ref *ref, struct vrv_entry *ret, struct varve_err *err)
{
	const struct vrv_item item = {.name = (const char *)level->name.data,
	    .name_n = level->name.len,
	    .flags = level->flags};
	const struct vrv_source_meta meta = {.iflags = level->iflags};
	int rc;

	if (level->inherited) {
		struct vrv_rd rd = vrv_rd_over(level->raw.data, level->raw.len);

		rc = vrv_entry_get(&rd, ret, err);
	} else {
		rc = vrv_entry_begin(b, &item, &level->st, &meta, ret, err);
		if (level->raw.len > 0) {
			ret->flags |= VRV_ENTRY_XATTRS;
			ret->xattrs = level->raw.data;
			ret->xattrs_n = level->raw.len;
		}
	}
	ret->dir = *ref;
	return rc;
}

static int
leave_top(struct vrv_build *b, const struct vrv_level *level,
    const struct vrv_ref *ref, struct varve_err *err)
{
	struct vrv_entry entry;

	b->p->root = *ref;
	if ((level->flags & VRV_ENTRY_WAY) != 0)
		return 0;
	int rc = directory_entry(b, level, ref, &entry, err);
	if (rc != 0)
		return rc;
	vrv_build_count_attrs(b, &entry);
	entry.name = (const uint8_t *)".";
	entry.name_n = 1;
	vrv_entry_put(&b->p->root_entry, &entry);
	return vrv_buf_check(&b->p->root_entry, err);
}

int
vrv_build_leave(struct vrv_build *b, const struct vrv_item *item,
    struct varve_err *err)
{
	const struct vrv_level *level = &b->levels[b->depth - 1];
	struct vrv_entry entry;
	struct vrv_ref ref;

	int rc = vrv_tree_builder_finish(level->builder, &ref, err);
	if (rc != 0)
		return rc;
	vrv_parent_forget(b->p->parent, item->forget.p, item->forget.n);
	b->path.len = level->path_n;
	b->depth--;
	if (b->depth == 0)
		return leave_top(b, level, &ref, err);
	rc = directory_entry(b, level, &ref, &entry, err);
	return rc == 0 ? vrv_build_add(b, &entry, err) : rc;
}
