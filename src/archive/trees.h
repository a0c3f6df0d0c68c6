/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_TREES_H
#define ARCHIVE_TREES_H

/*
 * Directory trees and extent lists: building them from sorted input, reading
 * them back in order or at one place.
 *
 * Both are prolly trees: where a leaf or node ends is decided by a keyed hash
 * of its last name (trees) or by the last chunk's id (lists), so that a change
 * rewrites the path to it and nothing else.
 */

#include <stdbool.h>
#include <stdint.h>

#include "crypto/crypto.h"
#include "format/record.h"
#include "format/tree.h"
#include "util/buf.h"

/* Store a meta chunk; its id in `ret_id`. */
typedef int vrv_meta_put_fn(void *arg, const uint8_t *bytes, size_t n,
    uint8_t ret_id[VRV_CHUNK_ID], struct varve_err *err);
/* Fetch a meta chunk (its id has been verified): replace the content of `ret`. */
typedef int vrv_meta_get_fn(void *arg, const uint8_t id[VRV_CHUNK_ID],
    struct vrv_buf *ret, struct varve_err *err);

struct vrv_meta_sink {
	vrv_meta_put_fn *put;
	void *arg;
	const struct vrv_key *cut_key; /* vrv_repo_tree_key() */
};
struct vrv_meta_source {
	vrv_meta_get_fn *get;
	void *arg;
};

/* --- directories --- */

/* Confined to one thread; can be used for one directory after another. */
struct vrv_tree_builder;
int vrv_tree_builder_new(const struct vrv_meta_sink *,
    struct vrv_tree_builder **ret, struct varve_err *err) VRV_MUST;
void vrv_tree_builder_free(struct vrv_tree_builder *);
/* The next entry, encoded (vrv_entry_put). Names must ascend: INTERNAL. */
int vrv_tree_builder_add(struct vrv_tree_builder *, const uint8_t *name,
    size_t name_n, const uint8_t *entry, size_t entry_n,
    struct varve_err *err) VRV_MUST;
/* Finish the directory; the builder is empty again. */
int vrv_tree_builder_finish(struct vrv_tree_builder *, struct vrv_ref *ret,
    struct varve_err *err) VRV_MUST;

/* Entries of a directory in order. Confined to one thread. */
struct vrv_tree_iter;
int vrv_tree_iter_new(const struct vrv_meta_source *, const struct vrv_ref *,
    struct vrv_tree_iter **ret, struct varve_err *err) VRV_MUST;
void vrv_tree_iter_free(struct vrv_tree_iter *);
/* The next entry, valid until the next call; *ret_raw (may be NULL) is its
 * encoded form. NOENT at the end. Checks order and uniqueness of names. */
int vrv_tree_iter_next(struct vrv_tree_iter *, struct vrv_entry *ret,
    struct vrv_text *ret_raw, struct varve_err *err) VRV_MUST;
/* Go to the first entry whose name is not before `name`: O(log n). */
int vrv_tree_iter_seek(struct vrv_tree_iter *, const uint8_t *name,
    size_t name_n, struct varve_err *err) VRV_MUST;

/* One entry by name: NOENT. `ret` points into *ret_leaf (caller's buffer). */
int vrv_tree_find(const struct vrv_meta_source *, const struct vrv_ref *,
    const uint8_t *name, size_t name_n, struct vrv_buf *ret_leaf,
    struct vrv_entry *ret, struct varve_err *err) VRV_MUST;

/* --- extent lists --- */

struct vrv_list_builder;
int vrv_list_builder_new(const struct vrv_meta_sink *,
    struct vrv_list_builder **ret, struct varve_err *err) VRV_MUST;
void vrv_list_builder_free(struct vrv_list_builder *);
int vrv_list_builder_add(struct vrv_list_builder *, const struct vrv_extent *,
    struct varve_err *err) VRV_MUST;
/* Append the `content` of a tree entry: inline while short, else a Ref. The
 * builder is empty again. */
int vrv_list_builder_finish(struct vrv_list_builder *, struct vrv_buf *content,
    struct varve_err *err) VRV_MUST;

/* Extents of a file's content in order. Holds no pointer to `content` after
 * the call but for inline extents: keep it alive. */
struct vrv_list_iter;
int vrv_list_iter_new(const struct vrv_meta_source *, const uint8_t *content,
    size_t content_n, struct vrv_list_iter **ret,
    struct varve_err *err) VRV_MUST;
void vrv_list_iter_free(struct vrv_list_iter *);
/* The next extent and where in the file it starts. NOENT at the end. */
int vrv_list_iter_next(struct vrv_list_iter *, struct vrv_extent *ret,
    uint64_t *ret_offset, struct varve_err *err) VRV_MUST;
/* Go to the extent that holds byte `offset`: O(log n). */
int vrv_list_iter_seek(struct vrv_list_iter *, uint64_t offset,
    struct varve_err *err) VRV_MUST;

/* The chunks of a list itself (nodes and leaves), for check and sync; the
 * list's extents come from vrv_list_iter_next(). Called once per meta chunk,
 * in the order in which they are read. */
typedef int vrv_meta_seen_fn(void *arg, const uint8_t id[VRV_CHUNK_ID],
    struct varve_err *err);
void vrv_tree_iter_on_meta(struct vrv_tree_iter *, vrv_meta_seen_fn *fn,
    void *arg);
void vrv_list_iter_on_meta(struct vrv_list_iter *, vrv_meta_seen_fn *fn,
    void *arg);

/* A vrv_meta_source over a repository's reader (arg: struct vrv_reader). */
struct vrv_reader;
struct vrv_meta_source vrv_meta_from_reader(struct vrv_reader *);

/* --- walking an archive --- */

/* One item of a walk. Pointers hold during the callback. */
struct vrv_walk_item {
	const char *path;   /* NUL-terminated; "." for the root itself */
	size_t path_n;
	unsigned depth;	    /* components of path; 0 for the root */
	const struct vrv_entry *entry;
	bool leaving;	    /* a directory, after what it holds */
};
typedef int vrv_walk_fn(void *arg, const struct vrv_walk_item *,
    struct varve_err *err);

struct vrv_walk {
	struct vrv_meta_source source;
	/* Bits of enum varve_match of a path; NULL: everything. Not asked for
	 * directories that are only on the way to a source. */
	unsigned (*match)(void *arg, const char *path, bool is_dir);
	void *match_arg;
	vrv_walk_fn *fn;
	void *arg;
	bool want_leaving;
	/* A directory whose listing cannot be read: return 0 to go on. NULL:
	 * the walk ends with that error. */
	int (*damaged)(void *arg, const char *path, struct varve_err *err);
};
/* Walk depth first, names in order. `root_entry` may be empty. Memory: one
 * iterator per level. */
struct vrv_archive;
int vrv_walk_archive(const struct vrv_walk *, const struct vrv_archive *,
    struct varve_err *err) VRV_MUST;

#endif
