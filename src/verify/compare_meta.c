/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "archive/attrs.h"
#include "util/mem.h"
#include "verify/verify_internal.h"

#define SET_ID_BITS 06000
/* Only root may set these, and others together with them. */
#define FLAGS_OF_ROOT                                                          \
	((uint32_t)(FS_IMMUTABLE_FL | FS_APPEND_FL | FS_JOURNAL_DATA_FL))

/* --- owner, mode, time --- */

static bool
is_owner(const struct vrv_compared *c, bool group, uint32_t want, uint32_t have)
{
	/* A source has the number that it had, whatever the names are now. */
	if (c->how->live && want == have)
		return true;
	return vrv_owners_local(c->owners, group, want) == have;
}

static void
compare_owner(struct vrv_compared *c, const struct vrv_entry *e,
    const struct vrv_stat *st, bool *ret_same)
{
	bool uid = is_owner(c, false, e->uid, st->uid);
	bool gid = is_owner(c, true, e->gid, st->gid);

	*ret_same = uid && gid;
	if (!c->how->live && !c->is_root)
		return; /* who is not root restores no owners */
	if (!uid)
		vrv_differs(c, "owner %u instead of %u", st->uid, e->uid);
	if (!gid)
		vrv_differs(c, "group %u instead of %u", st->gid, e->gid);
}

static void
compare_stat(struct vrv_compared *c, const struct vrv_entry *e,
    const struct vrv_stat *st)
{
	unsigned want = e->mode & 07777, have = st->mode & 07777;
	bool same_owner;

	compare_owner(c, e, st, &same_owner);
	/* Not restored to a file of somebody else. */
	if (!same_owner && !c->how->live && !c->is_root && e->kind != VRV_DIR)
		want &= ~(unsigned)SET_ID_BITS;
	if (e->kind != VRV_SYMLINK && want != have)
		vrv_differs(c, "mode %04o instead of %04o", have, want);
	if (vrv_time_cmp(e->mtime, st->mtime) != 0)
		vrv_differs(c, "time of modification");
	if ((e->kind == VRV_CHAR || e->kind == VRV_BLOCK) &&
	    (e->major != st->rdev_major || e->minor != st->rdev_minor))
		vrv_differs(c, "device %u:%u instead of %u:%u", st->rdev_major,
		    st->rdev_minor, e->major, e->minor);
}

/* --- inode flags --- */

static void
compare_flags(struct vrv_compared *c, const struct vrv_entry *e, int fd)
{
	uint32_t mask = VRV_IFLAGS_SETTABLE, have = 0;
	struct varve_err ignored;

	if (!c->has_flags || fd < 0)
		return;
	if (vrv_os_flags(fd, &have, &ignored) != 0)
		have = 0;
	uint32_t want = (e->flags & VRV_ENTRY_IFLAGS) != 0 ? e->iflags : 0;
	if (!c->how->live) {
		/* A folder may give its own to what is made in it. */
		mask &= want;
		if (!c->is_root && (want & FLAGS_OF_ROOT) != 0)
			return;
	}
	if ((want & mask) != (have & mask))
		vrv_differs(c, "inode flags %#x instead of %#x", have & mask,
		    want & mask);
}

/* --- extended attributes --- */

/* Does the archive have attributes of that kind, and could this user have set
 * it, or read it? */
static bool
counts(const struct vrv_compared *c, const char *name)
{
	bool acl =
	    vrv_attr_is_acl(name) || strcmp(name, "system.nfs4_acl") == 0;

	if (acl ? !c->has_acls : !c->has_xattrs)
		return false;
	if (c->is_root)
		return true;
	return strncmp(name, "trusted.", 8) != 0 &&
	    (c->how->live || strncmp(name, "security.", 9) != 0);
}

static int
compare_value(struct vrv_compared *c, const char *name, const uint8_t *want,
    const struct vrv_xattr *have, struct vrv_arena *arena, bool *ret_same,
    struct varve_err *err)
{
	bool acl = vrv_attr_is_acl(name);

	*ret_same = (c->how->live || !acl) &&
	    memcmp(want, have->value, have->size) == 0;
	if (*ret_same || !acl)
		return 0;
	uint8_t *copy = vrv_arena_dup(arena, want, have->size);
	if (copy == NULL)
		return VRV_NOMEM(err, "an attribute");
	vrv_attr_localize_acl(c->owners, copy, have->size);
	*ret_same = memcmp(copy, have->value, have->size) == 0;
	return 0;
}

/* The stored attribute `x` against the `n` that are there, sorted; *at is the
 * first that was not compared. */
static int
compare_xattr(struct vrv_compared *c, const struct vrv_entry_xattr *x,
    const struct vrv_xattr *have, size_t n, size_t *at, struct vrv_arena *arena,
    struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf buf = {0};
	const uint8_t *want = NULL;
	int cmp = 1;

	const char *name = vrv_arena_dup(arena, x->name, x->name_n);
	if (name == NULL)
		return VRV_NOMEM(err, "an attribute");
	if (!counts(c, name))
		return 0;
	for (; *at < n && (cmp = strcmp(have[*at].name, name)) < 0; ++*at)
		if (counts(c, have[*at].name))
			vrv_differs(c, "attribute %s is new", have[*at].name);
	if (*at == n || cmp > 0) {
		vrv_differs(c, "attribute %s is missing", name);
		return 0;
	}
	const struct vrv_xattr *there = &have[(*at)++];
	int rc = vrv_attr_value(&c->source, x, &buf, &want, err);
	if (rc != 0)
		return vrv_ctx(err, "attribute %s", name);
	bool same = false;
	if (x->size == there->size)
		rc = compare_value(c, name, want, there, arena, &same, err);
	if (rc == 0 && !same)
		vrv_differs(c, "attribute %s", name);
	return rc;
}

static int
compare_xattrs(struct vrv_compared *c, const struct vrv_entry *e,
    const struct vrv_xattr *have, size_t n, struct vrv_arena *arena,
    struct varve_err *err)
{
	struct vrv_rd rd = vrv_rd_over(e->xattrs, e->xattrs_n);
	uint64_t left = e->xattrs_n == 0 ? 0 : vrv_rd_v(&rd);
	size_t at = 0;
	int rc = 0;

	for (; rc == 0 && left > 0; left--) {
		struct vrv_entry_xattr x;
		rc = vrv_xattr_get(&rd, &x, err);
		if (rc == 0)
			rc = compare_xattr(c, &x, have, n, &at, arena, err);
	}
	for (; rc == 0 && at < n; at++)
		if (counts(c, have[at].name))
			vrv_differs(c, "attribute %s is new", have[at].name);
	return rc;
}

int
vrv_compare_meta(struct vrv_compared *c, const struct vrv_entry *e,
    const struct vrv_stat *st, int dirfd, const char *name, int fd,
    struct varve_err *err)
{
	struct vrv_arena arena = {0};
	struct vrv_xattr *have = NULL;
	struct varve_err why = {0};
	size_t n = 0, lost = 0;
	int rc = 0;

	compare_stat(c, e, st);
	compare_flags(c, e, fd);
	if (!c->has_xattrs && !c->has_acls)
		return 0;
	if (vrv_os_xattrs(dirfd, name, &arena, &have, &n, &lost, &why) != 0 &&
	    vrv_err_is_fatal(&why)) {
		*err = why;
		rc = why.code;
	} else if (why.code != 0) {
		vrv_differs(c, "attributes cannot be read: %s", why.message);
		c->unreadable = true;
	} else {
		rc = compare_xattrs(c, e, have, n, &arena, err);
	}
	if (lost > 0) {
		vrv_differs(c, "%zu attributes cannot be read", lost);
		c->unreadable = true;
	}
	vrv_arena_fini(&arena);
	return rc;
}
