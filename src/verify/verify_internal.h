/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VERIFY_VERIFY_INTERNAL_H
#define VERIFY_VERIFY_INTERNAL_H

#include "archive/owners.h"
#include "archive/trees.h"
#include "os/meta.h"
#include "util/buf.h"
#include "util/map.h"
#include "verify/verify.h"

/* A comparison under way. */
struct vrv_compared {
	struct vrv_repo *repo;
	const struct vrv_archive *archive;
	const struct vrv_comparison *how;
	struct varve_verify_result *result;
	struct vrv_meta_source source;
	struct vrv_owners *owners;
	bool is_root;
	bool has_xattrs, has_acls, has_flags; /* the archive was made with */
	int root;			      /* descriptor of the folder */
	int parent;			      /* of the entry at hand */
	struct vrv_buf parent_path;
	bool parent_known;
	struct vrv_buf bytes;	/* of a file */
	struct vrv_map *links;	/* struct vrv_same_file */
	struct vrv_buf systems; /* numbers of file systems, the inmost last */
	uint32_t n_systems;
	struct varve_progress progress;
	uint64_t next_progress; /* when it is due */
	/* Of the entry at hand. */
	const char *path;
	struct vrv_buf what; /* how it differs: text */
	bool unreadable;     /* it could not be compared */
	bool filled;	     /* a hole is not one any more */
};

/* Say how the entry at hand differs. */
void vrv_differs(struct vrv_compared *, const char *fmt, ...) VRV_PRINTF(2, 3);

/* Compare attributes with a file: `name` below `dirfd`, or "". `fd` is open on
 * it if it is a file or folder, else -1. */
int vrv_compare_meta(struct vrv_compared *, const struct vrv_entry *,
    const struct vrv_stat *, int dirfd, const char *name, int fd,
    struct varve_err *err) VRV_MUST;

/* Compare bytes and holes of an open file. */
int vrv_compare_content(struct vrv_compared *, const struct vrv_entry *,
    const struct vrv_stat *, int fd, struct varve_err *err) VRV_MUST;

/* Count compared bytes, and report progress if it is due. */
void vrv_compared_add(struct vrv_compared *, uint64_t bytes);

/* Is the source, by what its file system says, what was backed up? */
bool vrv_is_unchanged(const struct vrv_archive *, const struct vrv_entry *,
    const struct vrv_stat *);

/* How one entry compares with what has its path now. With `st` not NULL it is
 * taken for what the file system says: for tests. */
int vrv_compare_one(struct vrv_compared *, const char *path,
    const struct vrv_entry *, const struct vrv_stat *st, struct varve_err *err)
    VRV_MUST;
int vrv_compared_init(struct vrv_compared *, struct vrv_repo *,
    const struct vrv_archive *, const struct vrv_comparison *,
    struct vrv_meta_source, struct varve_verify_result *, struct varve_err *err)
    VRV_MUST;
void vrv_compared_fini(struct vrv_compared *);

#endif
