/* SPDX-License-Identifier: BSD-2-Clause */
#include "create/build.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

_Static_assert(VRV_OS_XATTRS_MAX <= VRV_XATTRS_BYTES_MAX,
    "more extended attributes than a reader takes");
_Static_assert(VRV_XATTRS_LIST_MAX + VRV_ENTRY_NAME_MAX + VRV_ENTRY_TARGET_MAX +
	    4096 <
	VRV_META_MAX,
    "an entry that does not fit into a leaf");

/* Inode flags that are a user's choice (linux/fs.h): s u c S i a d A m j t D T
 * C x P F. The others say how the file system keeps the file. */
#define IFLAGS_KEPT 0x62C3C4FFu

/* Store a tree chunk, unless the parent has it: then it is there already. */
static int
put_meta(void *arg, const uint8_t *bytes, size_t n,
    uint8_t ret_id[VRV_CHUNK_ID], struct varve_err *err)
{
	struct vrv_pipeline *p = arg;
	bool fresh;

	vrv_chunk_id(vrv_repo_keys(p->repo), VRV_FRAME_META, bytes, n, ret_id);
	vrv_treecache_put(p->cache, ret_id, bytes, n);
	if (vrv_parent_knows(p->parent, ret_id))
		return 0;
	return vrv_lane_put(p->meta_lane, bytes, n, ret_id, &fresh, err);
}

int
vrv_build_init(struct vrv_build *b, struct vrv_pipeline *p,
    struct varve_err *err)
{
	*b = (struct vrv_build){.p = p};
	if (p->options->dry_run)
		return vrv_records_init(&b->records, NULL, NULL, false, err);
	b->sink = (struct vrv_meta_sink){.put = put_meta,
	    .arg = p,
	    .cut_key = vrv_repo_tree_key(p->repo)};
	int rc = vrv_list_builder_new(&b->sink, &b->list, err);
	if (rc == 0)
		rc = vrv_records_init(&b->records, &b->sink, p->parent,
		    !p->options->numeric_ids, err);
	return rc;
}

void
vrv_build_fini(struct vrv_build *b)
{
	for (size_t i = 0; i < b->levels_made; i++) {
		vrv_tree_builder_free(b->levels[i].builder);
		vrv_buf_fini(&b->levels[i].name);
		vrv_buf_fini(&b->levels[i].raw);
	}
	free(b->levels);
	vrv_repeats_fini(&b->repeats);
	vrv_list_builder_free(b->list);
	vrv_records_fini(&b->records);
	vrv_buf_fini(&b->path);
	vrv_buf_fini(&b->disk);
	vrv_buf_fini(&b->entry);
	vrv_buf_fini(&b->content);
	vrv_buf_fini(&b->xattrs);
	vrv_buf_fini(&b->value);
}

int
vrv_build_finish(struct vrv_build *b, struct varve_err *err)
{
	struct vrv_pipeline *p = b->p;

	int rc = vrv_records_finish(&b->records, &p->has_skipped, &p->skipped,
	    &p->has_owners, &p->owners, err);
	if (rc == 0 && b->records.names_dropped) {
		p->warnings++;
		vrv_repo_note(p->repo, VARVE_EVENT_WARNING, NULL,
		    "more than %zu users and groups: the archive has only the "
		    "numbers of the others",
		    VRV_OWNERS_MAX);
	}
	if (rc == 0)
		rc = vrv_lane_done(p->meta_lane, err);
	return rc;
}

static int
put_xattr(struct vrv_build *b, const struct vrv_xattr *x, struct vrv_buf *to,
    struct varve_err *err)
{
	struct vrv_entry_xattr entry = {.name = (const uint8_t *)x->name,
	    .name_n = strlen(x->name),
	    .value = x->value,
	    .size = x->size};

	if (x->size > VRV_XATTR_INLINE_MAX) {
		vrv_buf_clear(&b->value);
		vrv_buf_u8(&b->value, VRV_META_VALUE);
		vrv_buf_bytes(&b->value, x->value, x->size);
		int rc = vrv_buf_check(&b->value, err);
		if (rc == 0)
			rc = b->sink.put(b->sink.arg, b->value.data,
			    b->value.len, entry.id, err);
		if (rc != 0)
			return rc;
		entry.value = NULL;
	}
	vrv_xattr_put(to, &entry);
	return vrv_records_acl(&b->records, x, err);
}

int
vrv_entry_xattrs(struct vrv_build *b, const struct vrv_source_meta *meta,
    struct vrv_buf *to, struct varve_err *err)
{
	int rc = 0;

	if (meta->n_xattrs == 0)
		return 0;
	vrv_buf_v(to, meta->n_xattrs);
	for (size_t i = 0; rc == 0 && i < meta->n_xattrs; i++)
		rc = put_xattr(b, &meta->xattrs[i], to, err);
	return rc == 0 ? vrv_buf_check(to, err) : rc;
}

int
vrv_entry_begin(struct vrv_build *b, const struct vrv_item *item,
    const struct vrv_stat *st, const struct vrv_source_meta *meta,
    struct vrv_entry *ret, struct varve_err *err)
{
	const struct vrv_source_want *want = &b->p->want;

	*ret = (struct vrv_entry){.kind = (uint8_t)st->kind,
	    .flags = item->flags,
	    .name = (const uint8_t *)item->name,
	    .name_n = item->name_n,
	    .mode = st->mode,
	    .uid = st->uid,
	    .gid = st->gid,
	    .inode = st->inode,
	    .mtime = st->mtime,
	    .ctime = st->ctime};
	if (st->has_btime) {
		ret->flags |= VRV_ENTRY_BTIME;
		ret->btime = st->btime;
	}
	if (want->atime) {
		ret->flags |= VRV_ENTRY_ATIME;
		ret->atime = st->atime;
	}
	if (st->kind != VRV_DIR && st->nlink > 1)
		ret->flags |= VRV_ENTRY_LINKED;
	if (want->flags && (meta->iflags & IFLAGS_KEPT) != 0) {
		ret->flags |= VRV_ENTRY_IFLAGS;
		ret->iflags = meta->iflags & IFLAGS_KEPT;
	}
	if (meta->n_xattrs == 0)
		return 0;
	vrv_buf_clear(&b->xattrs);
	int rc = vrv_entry_xattrs(b, meta, &b->xattrs, err);
	ret->flags |= VRV_ENTRY_XATTRS;
	ret->xattrs = b->xattrs.data;
	ret->xattrs_n = b->xattrs.len;
	return rc;
}

/* Nothing is taken by what only leads to a source, or could not be listed. */
void
vrv_build_count(struct vrv_build *b, const struct vrv_item *item)
{
	if ((item->flags & VRV_ENTRY_WAY) == 0 && !item->unread)
		b->p->taken++;
}

void
vrv_build_count_attrs(struct vrv_build *b, const struct vrv_entry *entry)
{
	struct vrv_rd rd = vrv_rd_over(entry->xattrs, entry->xattrs_n);
	bool other = false, acl = false;
	struct vrv_entry_xattr x;
	struct varve_err unused;

	if ((entry->flags & VRV_ENTRY_XATTRS) == 0)
		return;
	for (uint64_t n = vrv_rd_v(&rd); n > 0; n--) {
		if (vrv_xattr_get(&rd, &x, &unused) != 0)
			break;
		if (vrv_xattr_is_acl(&x))
			acl = true;
		else
			other = true;
	}
	b->p->xattrs += other ? 1 : 0;
	b->p->acls += acl ? 1 : 0;
}

int
vrv_build_add(struct vrv_build *b, const struct vrv_entry *entry,
    struct varve_err *err)
{
	struct vrv_level *level = &b->levels[b->depth - 1];

	vrv_buf_clear(&b->entry);
	vrv_entry_put(&b->entry, entry);
	b->p->entries++;
	vrv_build_count_attrs(b, entry);
	int rc = vrv_buf_check(&b->entry, err);
	if (rc == 0)
		rc =
		    vrv_records_owner(&b->records, entry->uid, entry->gid, err);
	if (rc == 0)
		rc = vrv_tree_builder_add(level->builder, entry->name,
		    entry->name_n, b->entry.data, b->entry.len, err);
	return rc;
}
