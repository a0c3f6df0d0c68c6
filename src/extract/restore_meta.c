/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "archive/attrs.h"
#include "extract/extract_internal.h"
#include "os/dir.h"
#include "os/file.h"
#include "util/mem.h"

#define SET_ID_BITS 06000

/* --- decoding --- */

static bool
wanted(const struct vrv_restore *run, const char *name)
{
	return vrv_attr_is_acl(name) ? !run->options->no_acls :
				       !run->options->no_xattrs;
}

static int
read_xattr(struct vrv_restore *run, const struct vrv_entry_xattr *x,
    struct vrv_arena *arena, struct vrv_xattr *ret, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf buf = {0};
	const uint8_t *value = NULL;

	char *name = vrv_arena_dup(arena, x->name, x->name_n);
	if (name == NULL)
		return VRV_NOMEM(err, "an attribute");
	*ret = (struct vrv_xattr){.name = name};
	if (strlen(name) != x->name_n)
		return vrv_fail(err, VARVE_CORRUPT, "attribute's name has NUL");
	if (!wanted(run, name))
		return VARVE_NOENT;
	int rc = vrv_attr_value(&run->source, x, &buf, &value, err);
	if (rc != 0)
		return vrv_ctx(err, "attribute %s", name);
	uint8_t *copy = vrv_arena_dup(arena, value, x->size);
	if (copy == NULL)
		return VRV_NOMEM(err, "an attribute");
	if (vrv_attr_is_acl(name) && !run->options->numeric_ids)
		vrv_attr_localize_acl(run->owners, copy, x->size);
	ret->value = copy;
	ret->size = x->size;
	return 0;
}

static int
read_xattrs(struct vrv_restore *run, const struct vrv_entry *entry,
    const struct vrv_folder *folder, const char *name, struct vrv_arena *arena,
    struct vrv_attrs *attrs, struct varve_err *err)
{
	struct vrv_rd rd = vrv_rd_over(entry->xattrs, entry->xattrs_n);
	uint64_t n = vrv_rd_v(&rd);

	if (n > entry->xattrs_n)
		return vrv_fail(err, VARVE_CORRUPT, "bad list of attributes");
	attrs->xattrs = vrv_arena_alloc(arena, n * sizeof(*attrs->xattrs));
	if (attrs->xattrs == NULL)
		return VRV_NOMEM(err, "attributes");
	for (uint64_t i = 0; i < n; i++) {
		struct vrv_entry_xattr x;
		vrv_err_clear(err);
		int rc = vrv_xattr_get(&rd, &x, err);
		if (rc != 0)
			return rc;
		rc = read_xattr(run, &x, arena, &attrs->xattrs[attrs->n_xattrs],
		    err);
		if (rc == 0)
			attrs->n_xattrs++;
		else if (rc == VARVE_NOMEM)
			return rc;
		else if (err->code != 0)
			vrv_restore_warn(run, folder, name, err);
	}
	vrv_err_clear(err);
	return 0;
}

/* An extension with an even tag changes what the entry means. */
static void
look_at_extensions(struct vrv_restore *run, const struct vrv_entry *entry,
    const struct vrv_folder *folder, const char *name)
{
	struct vrv_rd rd = vrv_rd_over(entry->extensions, entry->extensions_n);
	struct varve_err err = {0};
	size_t n;

	for (uint64_t left = vrv_rd_v(&rd); left > 0 && vrv_rd_left(&rd) > 0;
	     left--) {
		uint64_t tag = vrv_rd_v(&rd);
		(void)vrv_rd_vbytes(&rd, &n);
		if (vrv_rd_ok(&rd) && tag % 2 == 0) {
			(void)vrv_fail(&err, VARVE_FORMAT,
			    "has a property (%llu) that this version of "
			    "varve cannot restore",
			    (unsigned long long)tag);
			vrv_restore_warn(run, folder, name, &err);
		}
	}
}

int
vrv_attrs_read(struct vrv_restore *run, const struct vrv_entry *entry,
    const struct vrv_folder *folder, const char *name, struct vrv_arena *arena,
    struct vrv_attrs *ret, struct varve_err *err)
{
	struct vrv_attrs attrs = {
	    .kind = entry->kind,
	    .mode = entry->mode & 07777,
	    .uid = entry->uid,
	    .gid = entry->gid,
	    .major = entry->major,
	    .minor = entry->minor,
	    .mtime = entry->mtime,
	};
	int rc = 0;

	if ((entry->flags & VRV_ENTRY_ATIME) != 0) {
		attrs.has_atime = true;
		attrs.atime = entry->atime;
	}
	if (!run->options->numeric_ids) {
		attrs.uid = vrv_owners_local(run->owners, false, entry->uid);
		attrs.gid = vrv_owners_local(run->owners, true, entry->gid);
	}
	if ((entry->flags & VRV_ENTRY_IFLAGS) != 0 && !run->options->no_flags)
		attrs.iflags = entry->iflags & VRV_IFLAGS_SETTABLE;
	if ((entry->flags & VRV_ENTRY_XATTRS) != 0)
		rc = read_xattrs(run, entry, folder, name, arena, &attrs, err);
	if ((entry->flags & VRV_ENTRY_EXTENSIONS) != 0)
		look_at_extensions(run, entry, folder, name);
	if (rc == 0)
		*ret = attrs;
	return rc;
}

/* --- setting --- */

/* False if the file does not belong to whom it should. */
static bool
give_away(struct vrv_restore *run, const struct vrv_attrs *attrs, int dirfd,
    const char *at, const struct vrv_folder *folder, const char *name)
{
	const uint32_t keep = UINT32_MAX;
	struct varve_err err = {0};

	if (vrv_os_chown(dirfd, at, attrs->uid, attrs->gid, &err) == 0)
		return true;
	if (run->is_root || err.sys != EPERM) {
		(void)vrv_ctx(&err, "owner is not restored");
		vrv_restore_warn(run, folder, name, &err);
		return false;
	}
	/* Somebody else's file in a group of ours. */
	if (vrv_os_chown(dirfd, at, keep, attrs->gid, &err) != 0)
		vrv_err_clear(&err);
	vrv_restore_warn_owner(run, folder, name);
	return false;
}

static void
set_xattrs(struct vrv_restore *run, const struct vrv_attrs *attrs, int dirfd,
    const char *at, const struct vrv_folder *folder, const char *name)
{
	for (uint32_t i = 0; i < attrs->n_xattrs; i++) {
		const struct vrv_xattr *x = &attrs->xattrs[i];
		struct varve_err err = {0};
		if (vrv_os_set_xattr(dirfd, at, x, &err) == 0)
			continue;
		(void)vrv_ctx(&err, "attribute %s is not restored", x->name);
		vrv_restore_warn(run, folder, name, &err);
	}
}

void
vrv_attrs_apply(struct vrv_restore *run, const struct vrv_attrs *attrs,
    int dirfd, const char *at, const struct vrv_folder *folder,
    const char *name)
{
	struct varve_err err = {0};
	uint16_t mode = attrs->mode;

	/* A program that runs as its owner must not become one of another. */
	if (!give_away(run, attrs, dirfd, at, folder, name) &&
	    attrs->kind != VRV_DIR)
		mode &= (uint16_t)~SET_ID_BITS;
	set_xattrs(run, attrs, dirfd, at, folder, name);
	if (attrs->kind != VRV_SYMLINK &&
	    vrv_os_chmod(dirfd, at, mode, &err) != 0) {
		(void)vrv_ctx(&err, "mode is not restored");
		vrv_restore_warn(run, folder, name, &err);
	}
	if (vrv_os_set_times(dirfd, at, &attrs->mtime,
		attrs->has_atime ? &attrs->atime : NULL, &err) != 0) {
		(void)vrv_ctx(&err, "times are not restored");
		vrv_restore_warn(run, folder, name, &err);
	}
}

static int
set_flags(uint32_t flags, int dirfd, const char *at, struct varve_err *err)
{
	vrv_auto_fd own = -1;
	uint32_t now;
	int rc = 0;

	if (at[0] != '\0')
		rc = vrv_os_open_beneath(dirfd, at, O_RDONLY | O_NONBLOCK, 0,
		    &own, err);
	int fd = own >= 0 ? own : dirfd;
	if (rc == 0)
		rc = vrv_os_flags(fd, &now, err);
	if (rc != 0 || (now & VRV_IFLAGS_SETTABLE) == flags)
		return rc;
	return vrv_os_set_flags(fd, (now & ~VRV_IFLAGS_SETTABLE) | flags, err);
}

void
vrv_attrs_apply_flags(struct vrv_restore *run, const struct vrv_attrs *attrs,
    int dirfd, const char *at, const struct vrv_folder *folder,
    const char *name)
{
	struct varve_err err = {0};

	if (set_flags(attrs->iflags, dirfd, at, &err) == 0)
		return;
	(void)vrv_ctx(&err, "inode flags are not restored");
	vrv_restore_warn(run, folder, name, &err);
}

/* --- comparing --- */

static bool
xattrs_equal(struct vrv_restore *run, const struct vrv_attrs *attrs, int dirfd,
    const char *name)
{
	struct vrv_arena arena = {0};
	struct varve_err err = {0};
	struct vrv_xattr *have = NULL;
	size_t n = 0, lost, at = 0;

	bool same =
	    vrv_os_xattrs(dirfd, name, &arena, &have, &n, &lost, &err) == 0;
	/* Both are sorted by name. */
	for (size_t i = 0; same && i < n; i++) {
		if (!wanted(run, have[i].name))
			continue;
		const struct vrv_xattr *want = &attrs->xattrs[at];
		same = at < attrs->n_xattrs && want->size == have[i].size &&
		    strcmp(want->name, have[i].name) == 0 &&
		    memcmp(want->value, have[i].value, want->size) == 0;
		at++;
	}
	same = same && at == attrs->n_xattrs;
	vrv_arena_fini(&arena);
	return same;
}

bool
vrv_attrs_equal(struct vrv_restore *run, const struct vrv_attrs *attrs,
    const struct vrv_stat *st, int dirfd, const char *name)
{
	if (st->kind != attrs->kind ||
	    vrv_time_cmp(st->mtime, attrs->mtime) != 0)
		return false;
	if (attrs->kind != VRV_SYMLINK && st->mode != attrs->mode)
		return false;
	if (run->is_root && (st->uid != attrs->uid || st->gid != attrs->gid))
		return false;
	return xattrs_equal(run, attrs, dirfd, name);
}
