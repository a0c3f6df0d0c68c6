/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "archive/attrs.h"
#include "extract/extract_internal.h"
#include "os/dir.h"
#include "os/file.h"
#include "util/mem.h"

/* --- decoding --- */

bool
vrv_attr_wanted(const struct vrv_restore *run, const char *name)
{
	if (run->options->no_caps && strcmp(name, "security.capability") == 0)
		return false;
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
	if (!vrv_attr_wanted(run, name))
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
			vrv_restore_warn(run, folder, name,
			    "an attribute is damaged", err);
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
			vrv_restore_warn(run, folder, name,
			    "properties that this version of varve cannot "
			    "restore",
			    &err);
		}
	}
}

/* The mode that is to be restored, like tar(1): other users than root do not
 * make programs that run as somebody, and their umask counts. As for any new
 * file, it does not where an ACL says who may do what. */
static uint16_t
allowed_mode(const struct vrv_restore *run, const struct vrv_attrs *attrs)
{
	const struct varve_restore_options *o = run->options;
	bool whole = run->is_root || o->preserve_permissions;
	uint16_t mode = attrs->mode;

	if (attrs->kind != VRV_DIR && (!whole || o->no_set_id))
		mode &= (uint16_t)~VRV_SET_ID_BITS;
	for (uint32_t i = 0; !whole && i < attrs->n_xattrs; i++)
		whole = strcmp(attrs->xattrs[i].name,
			    "system.posix_acl_access") == 0;
	return whole ? mode : mode & (uint16_t)~o->umask;
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
	if (rc != 0)
		return rc;
	attrs.mode = allowed_mode(run, &attrs);
	*ret = attrs;
	return 0;
}

/* --- setting --- */

/* The kind of warning about an attribute: by namespace, as one file may have
 * any number of attributes. */
static const char *
attr_kind(const char *name)
{
	static const char *const kinds[][2] = {
	    {"security.", "security.* attributes are not restored"},
	    {"system.posix_acl_", "ACLs are not restored"},
	    {"trusted.", "trusted.* attributes are not restored"},
	    {"user.", "user.* attributes are not restored"},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strncmp(name, kinds[i][0], strlen(kinds[i][0])) == 0)
			return kinds[i][1];
	return "other attributes are not restored";
}

static void
warn(const struct vrv_setting *s, const char *kind, struct varve_err *err)
{
	vrv_restore_warn(s->run, s->folder, s->name, kind, err);
}

/* Sets s->owner if the file belongs to whom it should. */
static void
give_away(struct vrv_setting *s)
{
	const struct vrv_attrs *attrs = s->attrs;
	const uint32_t keep = UINT32_MAX;
	struct varve_err err = {0};

	s->owner =
	    vrv_os_chown(s->dirfd, s->at, attrs->uid, attrs->gid, &err) == 0;
	if (s->owner)
		return;
	if (!s->run->is_root && err.sys == EPERM) {
		/* Somebody else's file in a group of ours. */
		struct varve_err ignored;
		(void)!vrv_os_chown(s->dirfd, s->at, keep, attrs->gid,
		    &ignored);
		(void)vrv_fail_sys(&err, EPERM,
		    "owner is not restored: only root may do that");
	} else {
		(void)vrv_ctx(&err, "owner is not restored");
	}
	warn(s, "owner is not restored", &err);
}

static void
set_xattrs(const struct vrv_setting *s)
{
	for (uint32_t i = 0; i < s->attrs->n_xattrs; i++) {
		const struct vrv_xattr *x = &s->attrs->xattrs[i];
		struct varve_err err = {0};
		int rc = vrv_os_set_xattr(s->dirfd, s->at, x, &err);
		if (rc != 0)
			(void)vrv_ctx(&err, "attribute is not restored");
		else
			rc = vrv_read_back_xattr(s, x, &err);
		if (rc != 0)
			warn(s, attr_kind(x->name), &err);
	}
}

void
vrv_attrs_apply(struct vrv_restore *run, const struct vrv_attrs *attrs,
    int dirfd, const char *at, const struct vrv_folder *folder,
    const char *name)
{
	struct vrv_setting s = {run, attrs, dirfd, at, folder, name,
	    .mode = attrs->mode};
	struct varve_err err = {0};

	give_away(&s);
	/* A program that runs as its owner must not become one of another. */
	if (!s.owner && attrs->kind != VRV_DIR)
		s.mode &= (uint16_t)~VRV_SET_ID_BITS;
	/* Before the mode, which may forbid to write attributes. */
	set_xattrs(&s);
	if (attrs->kind != VRV_SYMLINK) {
		s.has_mode = vrv_os_chmod(dirfd, at, s.mode, &err) == 0;
		if (!s.has_mode) {
			(void)vrv_ctx(&err, "mode is not restored");
			warn(&s, "mode is not restored", &err);
		}
	}
	s.times = vrv_os_set_times(dirfd, at, &attrs->mtime,
		      attrs->has_atime ? &attrs->atime : NULL, &err) == 0;
	if (!s.times) {
		(void)vrv_ctx(&err, "times are not restored");
		warn(&s, "times are not restored", &err);
	}
	vrv_read_back(&s);
}

static int
set_flags(uint32_t flags, int dirfd, const char *at, struct varve_err *err)
{
	vrv_auto_fd own = -1;
	uint32_t now = 0;
	int rc = 0;

	if (at[0] != '\0')
		rc = vrv_os_open_beneath(dirfd, at, O_RDONLY | O_NONBLOCK, 0,
		    &own, err);
	int fd = own >= 0 ? own : dirfd;
	if (rc == 0)
		rc = vrv_os_flags(fd, &now, err);
	if (rc != 0 || (now & VRV_IFLAGS_SETTABLE) == flags)
		return rc;
	rc = vrv_os_set_flags(fd, (now & ~VRV_IFLAGS_SETTABLE) | flags, err);
	if (rc == 0)
		rc = vrv_os_flags(fd, &now, err);
	if (rc == 0 && (now & VRV_IFLAGS_SETTABLE) != flags)
		rc = vrv_fail(err, VARVE_IO,
		    "the file system stored %#x instead of %#x",
		    now & VRV_IFLAGS_SETTABLE, flags);
	return rc;
}

void
vrv_attrs_apply_flags(struct vrv_restore *run, const struct vrv_attrs *attrs,
    int dirfd, const char *at, const struct vrv_folder *folder,
    const char *name)
{
	static const char kind[] = "inode flags are not restored";
	struct varve_err err = {0};

	if (set_flags(attrs->iflags, dirfd, at, &err) == 0)
		return;
	(void)vrv_ctx(&err, kind);
	vrv_restore_warn(run, folder, name, kind, &err);
}
