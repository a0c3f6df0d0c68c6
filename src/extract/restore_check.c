/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "archive/attrs.h"
#include "extract/extract_internal.h"

#define TIME_TEXT 64
#define ACL_OF_MODE (4 + 3 * 8) /* bytes: it becomes the mode, no attribute */

/* --- what an earlier run restored --- */

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
		if (!vrv_attr_wanted(run, have[i].name))
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
	bool owner = st->uid == attrs->uid && st->gid == attrs->gid;
	uint16_t mode = attrs->mode;

	if (st->kind != attrs->kind ||
	    vrv_time_cmp(st->mtime, attrs->mtime) != 0)
		return false;
	/* As vrv_attrs_apply() decides. */
	if (!owner && attrs->kind != VRV_DIR)
		mode &= (uint16_t)~VRV_SET_ID_BITS;
	if (attrs->kind != VRV_SYMLINK && st->mode != mode)
		return false;
	if (run->is_root && !owner)
		return false;
	return xattrs_equal(run, attrs, dirfd, name);
}

/* --- what this run restored --- */

static void
differs(const struct vrv_setting *s, const char *kind, const char *have,
    const char *want)
{
	struct varve_err err = {0};

	(void)vrv_fail(&err, VARVE_IO,
	    "%s: the file system stored %s instead of %s", kind, have, want);
	vrv_restore_warn(s->run, s->folder, s->name, kind, &err);
}

static void
time_text(struct vrv_time time, char ret[TIME_TEXT])
{
	time_t s = (time_t)time.s;
	struct tm tm;

	if (gmtime_r(&s, &tm) == NULL)
		snprintf(ret, TIME_TEXT, "%lld", (long long)time.s);
	else
		snprintf(ret, TIME_TEXT, "%lld-%02d-%02d %02d:%02d:%02d.%09u",
		    tm.tm_year + 1900LL, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		    tm.tm_min, tm.tm_sec, time.ns);
}

static void
check_time(const struct vrv_setting *s, const char *kind, struct vrv_time have,
    struct vrv_time want)
{
	char a[TIME_TEXT], b[TIME_TEXT];

	if (vrv_time_cmp(have, want) == 0)
		return;
	time_text(have, a);
	time_text(want, b);
	differs(s, kind, a, b);
}

static void
check_owner(const struct vrv_setting *s, const struct vrv_stat *st)
{
	char a[32], b[32];

	if (st->uid == s->attrs->uid && st->gid == s->attrs->gid)
		return;
	snprintf(a, sizeof(a), "%u:%u", st->uid, st->gid);
	snprintf(b, sizeof(b), "%u:%u", s->attrs->uid, s->attrs->gid);
	differs(s, "owner is not restored", a, b);
}

static void
check_mode(const struct vrv_setting *s, const struct vrv_stat *st)
{
	/* A directory of a group that is not ours loses its set-ID bit; that
	 * the group is another has been reported. */
	uint16_t ignore = s->owner ? 0 : VRV_SET_ID_BITS;
	char a[16], b[16];

	if (((st->mode ^ s->mode) & ~ignore) == 0)
		return;
	snprintf(a, sizeof(a), "%04o", st->mode);
	snprintf(b, sizeof(b), "%04o", s->mode);
	differs(s, "mode is not restored", a, b);
}

void
vrv_read_back(const struct vrv_setting *s)
{
	struct varve_err err = {0};
	struct vrv_stat st;

	if (vrv_os_stat(s->dirfd, s->at, &st, &err) != 0) {
		(void)vrv_ctx(&err, "attributes cannot be read back");
		vrv_restore_warn(s->run, s->folder, s->name,
		    "attributes cannot be read back", &err);
		return;
	}
	if (s->owner)
		check_owner(s, &st);
	if (s->has_mode)
		check_mode(s, &st);
	if (!s->times)
		return;
	check_time(s, "modification time is not restored", st.mtime,
	    s->attrs->mtime);
	if (s->attrs->has_atime)
		check_time(s, "access time is not restored", st.atime,
		    s->attrs->atime);
}

int
vrv_read_back_xattr(const struct vrv_setting *s, const struct vrv_xattr *want,
    struct varve_err *err)
{
	struct vrv_arena arena = {0};
	struct vrv_xattr have;

	int rc = vrv_os_xattr(s->dirfd, s->at, want->name, &arena, &have, err);
	if (rc == 0 &&
	    (have.size != want->size ||
		memcmp(have.value, want->value, want->size) != 0))
		rc = vrv_fail(err, VARVE_IO,
		    "the file system stored another value");
	if (rc == VARVE_NOENT && vrv_attr_is_acl(want->name) &&
	    want->size <= ACL_OF_MODE) {
		vrv_err_clear(err);
		rc = 0;
	} else if (rc == VARVE_NOENT) {
		rc =
		    vrv_fail(err, VARVE_IO, "the file system did not store it");
	}
	if (rc != 0)
		(void)vrv_ctx(err, "attribute %s is not restored", want->name);
	vrv_arena_fini(&arena);
	return rc;
}
