/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/sysmacros.h>

#include <string.h>

#include "mount/mount_internal.h"
#include "mount/merged.h"
#include "os/meta.h"

#define BLOCK 512
#define BEST_READ (128 << 10)
/* Holes beyond so many extents are not looked for: who asks for the attributes
 * of a large file does not want to wait for the list of its content. */
#define HOLES_LOOKED_AT 2048

/* --- the entry of a number --- */

int
vrv_seen_get(struct vrv_mount *m, uint64_t node, struct vrv_seen *ret,
    struct varve_err *err)
{
	struct vrv_chunk_pin pin = {0};
	struct vrv_leafnode leaf;
	struct vrv_entry entry;
	uint32_t ordinal;

	if (vrv_versions_has(m, node))
		return vrv_versions_seen(m, node, ret, err);
	if (!vrv_nodes_leaf(m->nodes, node, &leaf, &ordinal))
		return vrv_fail(err, VARVE_NOENT, "no such node");
	int rc =
	    vrv_framecache_get(m->cache, VRV_FRAME_META, leaf.id, &pin, err);
	if (rc != 0)
		return rc;
	rc = vrv_tree_leaf_entry(pin.bytes, pin.n, ordinal, &entry, err);
	if (rc != 0) {
		vrv_framecache_release(m->cache, &pin);
		return rc;
	}
	*ret = (struct vrv_seen){
	    .dir = leaf.dir,
	    .entry = entry,
	    .pin = pin,
	};
	return 0;
}

void
vrv_seen_release(struct vrv_mount *m, struct vrv_seen *seen)
{
	vrv_framecache_release(m->cache, &seen->pin);
}

/* --- owners --- */

struct vrv_owners *
vrv_owners_of(struct vrv_mount *m, struct vrv_mounted *a)
{
	struct varve_err err;

	(void)pthread_mutex_lock(&a->lock);
	if (m->options->numeric_ids)
		return NULL;
	if (!a->owners_tried) {
		a->owners_tried = true;
		if (vrv_owners_new(&m->source, &a->lists, &a->owners, &err) !=
		    0) {
			(void)vrv_ctx(&err,
			    "names of owners are not known, numbers are shown");
			vrv_mount_tell(m, VARVE_EVENT_PROBLEM, a->name,
			    err.message);
		}
	}
	return a->owners;
}

void
vrv_owners_done(struct vrv_mounted *a)
{
	(void)pthread_mutex_unlock(&a->lock);
}

static void
set_owner(struct vrv_mount *m, struct vrv_mounted *a,
    const struct vrv_entry *entry, struct stat *st)
{
	st->st_uid = entry->uid;
	st->st_gid = entry->gid;
	if (!m->options->numeric_ids) {
		struct vrv_owners *owners = vrv_owners_of(m, a);
		if (owners != NULL) {
			st->st_uid =
			    vrv_owners_local(owners, false, entry->uid);
			st->st_gid = vrv_owners_local(owners, true, entry->gid);
		}
		vrv_owners_done(a);
	}
	if (m->options->has_uid)
		st->st_uid = m->options->uid;
	if (m->options->has_gid)
		st->st_gid = m->options->gid;
}

/* --- stat --- */

static mode_t
type_of(uint8_t kind)
{
	static const mode_t types[] = {
	    [VRV_FILE] = S_IFREG,
	    [VRV_DIR] = S_IFDIR,
	    [VRV_SYMLINK] = S_IFLNK,
	    [VRV_FIFO] = S_IFIFO,
	    [VRV_SOCKET] = S_IFSOCK,
	    [VRV_CHAR] = S_IFCHR,
	    [VRV_BLOCK] = S_IFBLK,
	};

	return kind < sizeof(types) / sizeof(types[0]) ? types[kind] : 0;
}

/* Bytes of holes, as far as they are looked for. */
static uint64_t
holes_of(struct vrv_mount *m, const struct vrv_entry *entry)
{
	struct vrv_list_iter *list;
	struct vrv_extent extent;
	struct varve_err err;
	uint64_t offset, holes = 0;

	if (vrv_list_iter_new(&m->source, entry->content, entry->content_n,
		&list, &err) != 0)
		return 0;
	for (size_t i = 0; i < HOLES_LOOKED_AT &&
	     vrv_list_iter_next(list, &extent, &offset, &err) == 0;
	     i++)
		holes += extent.hole ? extent.length : 0;
	vrv_list_iter_free(list);
	return holes <= entry->size ? holes : 0;
}

static struct timespec
timespec(struct vrv_time t)
{
	return (struct timespec){.tv_sec = t.s, .tv_nsec = t.ns};
}

static void
fill(struct vrv_mount *m, struct vrv_mounted *a, const struct vrv_entry *entry,
    struct stat *st)
{
	st->st_mode =
	    type_of(entry->kind) | (entry->mode & 07777u & ~m->options->umask);
	if (!m->shows_acls)
		vrv_rights_of_acl(m, entry, &st->st_mode);
	st->st_nlink = 1;
	st->st_blksize = BEST_READ;
	st->st_mtim = timespec(entry->mtime);
	st->st_ctim = timespec(entry->ctime);
	st->st_atim = (entry->flags & VRV_ENTRY_ATIME) != 0 ?
	    timespec(entry->atime) :
	    st->st_mtim;
	set_owner(m, a, entry, st);
	switch (entry->kind) {
	case VRV_FILE:
		st->st_size = (off_t)entry->size;
		st->st_blocks =
		    (blkcnt_t)((entry->size - holes_of(m, entry) + BLOCK - 1) /
			BLOCK);
		break;
	case VRV_DIR:
		st->st_nlink = 2;
		break;
	case VRV_SYMLINK:
		st->st_size = (off_t)entry->target_n;
		break;
	case VRV_CHAR:
	case VRV_BLOCK:
		st->st_rdev = makedev(entry->major, entry->minor);
		break;
	default:
		break;
	}
}

void
vrv_attr_of_entry(struct vrv_mount *m, const struct vrv_dirnode *dir,
    const struct vrv_entry *entry, struct stat *ret)
{
	struct stat st = {0};

	fill(m, dir->archive, entry, &st);
	if ((entry->flags & VRV_ENTRY_LINKED) != 0 && entry->inode != 0) {
		/* How many names there are is not recorded. */
		st.st_nlink = 2;
		st.st_ino = vrv_ino_of_linked(dir->fs_ino, entry->inode);
	} else {
		st.st_ino =
		    vrv_ino_of_name(dir->ino, entry->name, entry->name_n);
	}
	*ret = st;
}

void
vrv_attr_of_archive(struct vrv_mount *m, struct vrv_mounted *a,
    struct stat *ret)
{
	struct stat st = {0};
	struct vrv_entry entry;
	struct varve_err err;

	if (a->root_entry_n > 0 && m->options->strip_components == 0 &&
	    vrv_root_entry_get(a->root_entry, a->root_entry_n, &entry, &err) ==
		0) {
		fill(m, a, &entry, &st);
	} else {
		st.st_mode = S_IFDIR | (0755u & ~m->options->umask);
		st.st_nlink = 2;
		st.st_uid = m->options->has_uid ? m->options->uid : m->uid;
		st.st_gid = m->options->has_gid ? m->options->gid : m->gid;
		st.st_mtim = st.st_ctim = st.st_atim = timespec(a->time);
	}
	st.st_ino = a->root->ino;
	*ret = st;
}

int
vrv_attr_get(struct vrv_mount *m, uint64_t node, struct stat *ret,
    struct varve_err *err)
{
	struct vrv_made_node made = vrv_node_parse(node);
	struct vrv_seen seen = {0};

	if (vrv_versions_has(m, node))
		return vrv_versions_attr(m, node, ret, err);
	if (made.kind == VRV_MADE_ROOT && m->only != NULL) {
		vrv_attr_of_archive(m, m->only, ret);
		return 0;
	}
	if (made.kind == VRV_MADE_ARCHIVE) {
		struct vrv_mounted *a =
		    vrv_nodes_archive_at(m->nodes, made.archive);
		if (a == NULL)
			return vrv_fail(err, VARVE_NOENT, "no such archive");
		vrv_attr_of_archive(m, a, ret);
		return 0;
	}
	if (made.kind != VRV_MADE_NOT)
		return vrv_view_attr(m, made, ret, err);
	int rc = vrv_seen_get(m, node, &seen, err);
	if (rc != 0)
		return rc;
	vrv_attr_of_entry(m, seen.dir, &seen.entry, ret);
	vrv_seen_release(m, &seen);
	return 0;
}
