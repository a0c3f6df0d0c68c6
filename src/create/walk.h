/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CREATE_WALK_H
#define CREATE_WALK_H

/*
 * The walk: one thread goes through the sources in the order of their paths in
 * the archive, in step with the parent's trees. Directories it is in stand on
 * a stack in the heap, so that depth costs memory and nothing else.
 */

#include "create/pipeline.h"

/* A directory the walk is in. */
struct vrv_place {
	struct vrv_source_dir
	    *dir; /* NULL: on the way to a source, or closed */
	struct vrv_stat st;
	struct vrv_root *root; /* where it stands among the sources */
	bool listed;	       /* below a source: what it holds is walked */
	bool marked; /* listed, but for its mark and the sources in it */
	struct vrv_arena arena; /* of its names */
	struct vrv_dirent *names;
	size_t n, at;
	size_t path_n; /* length of the path above it */
	struct vrv_parent_dir *parent;
};

/* Names of one inode that the walk has yet to meet. */
struct vrv_names {
	uint64_t left;
	struct vrv_inode *inode;
};

struct vrv_walker {
	struct vrv_pipeline *p;
	struct vrv_place **places; /* kept for reuse */
	size_t depth, made, cap;
	struct vrv_buf path;   /* in the archive */
	const char *disk;      /* of the source at hand: its path as given */
	char *begin;	       /* where the last source from the top began */
	bool begins_in_store;  /* that lies in the repository */
	struct vrv_map *links; /* {dev, inode} -> struct vrv_names */
};

/* --- walk_out.c: what goes out --- */

int vrv_walker_send_items(struct vrv_walker *, struct varve_err *err) VRV_MUST;
int vrv_walker_send_batch(struct vrv_walker *, struct varve_err *err) VRV_MUST;
/* The next item, zeroed, with its name copied. A full group goes out first:
 * its jobs must be on their way to the readers before the builder waits. */
int vrv_walker_item(struct vrv_walker *, enum vrv_item_type type,
    const char *name, struct vrv_item **ret, struct varve_err *err) VRV_MUST;
/* Copy to where the items at hand live. */
int vrv_walker_copy(struct vrv_walker *, struct vrv_text from,
    struct vrv_text *to, struct varve_err *err) VRV_MUST;
/* Something is left out because of `error`, or for a reason of its own. */
int vrv_walker_problem(struct vrv_walker *, const char *name,
    const struct vrv_source_err *error, const char *reason,
    struct varve_err *err) VRV_MUST;
/* The repository, or what is `below` it: a warning if it is a source. */
int vrv_walker_skip_store(struct vrv_walker *, const char *name, bool below,
    struct varve_err *err) VRV_MUST;
int vrv_walker_excluded(struct vrv_walker *, const char *name,
    struct varve_err *err) VRV_MUST;
/* Give a file to the readers: `name` in `dir`, or what `fd` is open on. */
int vrv_walker_read_later(struct vrv_walker *, struct vrv_item *item,
    struct vrv_source_dir *dir, const char *name, int fd, struct varve_err *err)
    VRV_MUST;
/* What the caller's patterns say of `name` in the directory at hand. */
int vrv_walker_matches(struct vrv_walker *, const char *name, bool is_dir,
    unsigned *ret, struct varve_err *err) VRV_MUST;

/* --- walk_rest.c: the account of the sources --- */

/* At the end of the walk: a source that it did not come to is reported. */
int vrv_walker_report_rest(struct vrv_walker *, struct varve_err *err) VRV_MUST;
/* Does the directory `path` lie in the repository? */
bool vrv_walker_in_store(const struct vrv_walker *, const char *path);

/* --- walk_take.c: anything but a directory --- */

/* `old` and `raw`: the parent's entry of that name, or NULL. */
int vrv_walker_take(struct vrv_walker *, struct vrv_place *, const char *name,
    const struct vrv_stat *st, const struct vrv_entry *old,
    const struct vrv_text *raw, struct varve_err *err) VRV_MUST;

/* --- walk_dir.c: directories --- */

/* A directory that is to be entered. */
struct vrv_arrival {
	const struct vrv_source_dir *at; /* NULL: `name` is a path */
	const char *name;
	const char *archive_name; /* "" for the top */
	const struct vrv_stat *st;
	unsigned flags;		     /* VRV_ENTRY_WAY, VRV_ENTRY_FSROOT */
	struct vrv_root *root;	     /* among the sources, or NULL */
	bool listed;		     /* walk what it holds */
	bool unopened;		     /* what it holds is not wanted */
	const struct vrv_entry *old; /* the parent's, or NULL */
	const struct vrv_text *raw;
	const struct vrv_ref *top; /* without `old`: the parent's listing */
};
/* Of a directory that is excluded only the sources in it are walked. */
int vrv_walker_enter(struct vrv_walker *, const struct vrv_arrival *,
    struct varve_err *err) VRV_MUST;
int vrv_walker_leave(struct vrv_walker *, struct varve_err *err) VRV_MUST;
void vrv_walker_close(struct vrv_place *);
/* The parent's entry of that name, or NULL. A parent that cannot be read is as
 * good as none: its files are read. */
int vrv_walker_find_old(struct vrv_walker *, struct vrv_place *,
    const char *name, const struct vrv_entry **ret, struct vrv_text *ret_raw,
    struct varve_err *err) VRV_MUST;

#endif
