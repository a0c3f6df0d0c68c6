/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CREATE_RECORDS_H
#define CREATE_RECORDS_H

/* What an archive says beside its tree: which paths were left out and why, and
 * the names of the users and groups that its entries name by number. */

#include "archive/trees.h"
#include "create/parent.h"
#include "os/meta.h"
#include "util/map.h"

struct vrv_records {
	const struct vrv_meta_sink *sink; /* NULL: nothing is stored */
	struct vrv_parent *parent;
	bool want_owners;
	struct vrv_buf skipped; /* a path list that is not full yet */
	struct vrv_list_builder *skipped_list;
	bool has_skipped;
	struct vrv_map *users, *groups; /* id -> char *name from the parent */
	uint32_t last_uid, last_gid;
	bool has_last;
	size_t n_names;
	bool names_dropped; /* beyond VRV_OWNERS_MAX */
};

int vrv_records_init(struct vrv_records *, const struct vrv_meta_sink *,
    struct vrv_parent *parent, bool want_owners, struct varve_err *err)
    VRV_MUST;
void vrv_records_fini(struct vrv_records *);

int vrv_records_skip(struct vrv_records *, enum vrv_skip reason,
    const char *path, struct varve_err *err) VRV_MUST;
int vrv_records_owner(struct vrv_records *, uint32_t uid, uint32_t gid,
    struct varve_err *err) VRV_MUST;
/* The ids in a POSIX ACL; any other attribute is ignored. */
int vrv_records_acl(struct vrv_records *, const struct vrv_xattr *,
    struct varve_err *err) VRV_MUST;

/* Store both. Names are looked up now; an id without a name keeps the one
 * that the parent had for it. */
int vrv_records_finish(struct vrv_records *, bool *ret_has_skipped,
    struct vrv_ref *ret_skipped, bool *ret_has_owners,
    struct vrv_ref *ret_owners, struct varve_err *err) VRV_MUST;

#endif
