/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "archive/attrs.h"
#include "mount/mount_internal.h"
#include "mount/merged.h"

/* The attributes that an entry has: what is asked for each of them. 0 to go
 * on. */
typedef int attr_fn(void *arg, struct vrv_mount *, struct vrv_mounted *,
    const struct vrv_entry_xattr *, struct varve_err *err);

static int
each(struct vrv_mount *m, struct vrv_mounted *a, const struct vrv_entry *entry,
    attr_fn *fn, void *arg, struct varve_err *err)
{
	struct vrv_rd rd = vrv_rd_over(entry->xattrs, entry->xattrs_n);
	struct vrv_entry_xattr x;
	int rc = 0;

	if ((entry->flags & VRV_ENTRY_XATTRS) == 0)
		return 0;
	for (uint64_t n = vrv_rd_v(&rd); rc == 0 && n > 0; n--) {
		rc = vrv_xattr_get(&rd, &x, err);
		if (rc == 0)
			rc = fn(arg, m, a, &x, err);
	}
	return rc;
}

/* Does the one archive that is mounted say that no entry has an ACL, or any
 * other attribute? */
static bool
lacks(const struct vrv_mounted *a, bool acls)
{
	return a != NULL && (acls ? a->no_acls : a->no_xattrs);
}

static int
each_of_node(struct vrv_mount *m, uint64_t node, attr_fn *fn, void *arg,
    struct varve_err *err)
{
	struct vrv_made_node made = vrv_node_parse(node);
	struct vrv_mounted *a = NULL;
	struct vrv_seen seen = {0};
	struct vrv_entry entry;

	if (made.kind == VRV_MADE_ROOT)
		a = m->only;
	else if (made.kind == VRV_MADE_ARCHIVE)
		a = vrv_nodes_archive_at(m->nodes, made.archive);
	/* Nothing is read for what the archive says it does not hold. */
	if (lacks(m->only, true) && lacks(m->only, false))
		return 0;
	if (vrv_versions_has(m, node) && !vrv_versions_is_version(m, node))
		return 0;
	if (made.kind != VRV_MADE_NOT) {
		if (a == NULL || a->root_entry_n == 0 ||
		    m->options->strip_components > 0)
			return 0;
		int rc = vrv_root_entry_get(a->root_entry, a->root_entry_n,
		    &entry, err);
		return rc != 0 ? rc : each(m, a, &entry, fn, arg, err);
	}
	int rc = vrv_seen_get(m, node, &seen, err);
	if (rc != 0)
		return rc;
	rc = each(m, seen.dir->archive, &seen.entry, fn, arg, err);
	vrv_seen_release(m, &seen);
	return rc;
}

struct wanted {
	const char *name;
	struct vrv_buf *value;
	bool found;
};

static int
take_value(void *arg, struct vrv_mount *m, struct vrv_mounted *a,
    const struct vrv_entry_xattr *x, struct varve_err *err)
{
	struct wanted *w = arg;
	vrv_auto_buf struct vrv_buf chunk = {0};
	const uint8_t *value;

	if (strlen(w->name) != x->name_n ||
	    memcmp(w->name, x->name, x->name_n) != 0)
		return 0;
	int rc = vrv_attr_value(&m->source, x, &chunk, &value, err);
	if (rc != 0)
		return vrv_ctx(err, "attribute %s", w->name);
	vrv_buf_bytes(w->value, value, x->size);
	w->found = true;
	rc = vrv_buf_check(w->value, err);
	if (rc == 0 && vrv_attr_is_acl(w->name)) {
		struct vrv_owners *owners = vrv_owners_of(m, a);
		if (owners != NULL)
			vrv_attr_localize_acl(owners, w->value->data,
			    w->value->len);
		vrv_owners_done(a);
	}
	return rc;
}

int
vrv_xattr_read(struct vrv_mount *m, uint64_t node, const char *name,
    struct vrv_buf *ret, struct varve_err *err)
{
	struct wanted w = {.name = name, .value = ret};

	/* The kernel asks for these two kinds of its own accord. */
	int rc = lacks(m->only, vrv_attr_is_acl(name)) ?
	    0 :
	    each_of_node(m, node, take_value, &w, err);
	if (rc == 0 && !w.found)
		rc = vrv_fail(err, VARVE_NOENT, "no such attribute");
	return rc;
}

static int
take_name(void *arg, struct vrv_mount *m, struct vrv_mounted *a,
    const struct vrv_entry_xattr *x, struct varve_err *err)
{
	(void)m, (void)a;
	vrv_buf_bytes(arg, x->name, x->name_n);
	vrv_buf_u8(arg, '\0');
	return vrv_buf_check(arg, err);
}

int
vrv_xattr_names(struct vrv_mount *m, uint64_t node, struct vrv_buf *ret,
    struct varve_err *err)
{
	return each_of_node(m, node, take_name, ret, err);
}
