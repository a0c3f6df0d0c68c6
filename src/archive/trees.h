/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_TREES_H
#define ARCHIVE_TREES_H

/*
 * Directory trees and extent lists: building them from sorted input, reading
 * them back in order or at one place.
 *
 * Both are prolly trees: where a leaf or node ends is decided by a keyed hash
 * of its last name (trees) or by the last chunk's id (lists), so that a change
 * rewrites the path to it and nothing else. Equal input gives equal chunks.
 *
 * The rule, for all writers; a reader does not depend on it:
 *
 * - a leaf of a tree ends behind an entry for which the low 8 bits of
 *   SipHash(cut key, name) are 0; at the latest behind its 2,048th entry, and
 *   before an entry with which its entries would take more than 192 KiB;
 * - a leaf of a list ends, once it has 400 extents, behind a chunk whose id
 *   begins with a u32 below 2^32 / 1200; at the latest behind its 6,400th
 *   extent;
 * - a node, once it has 16 children, ends behind a child whose hash is below
 *   2^32 / 48; at the latest behind its 1,024th child, and before a child with
 *   which its children would take more than 192 KiB. The hash is the first
 *   u32 of the child's id in lists, in trees the low 32 bits of SipHash(cut
 *   key, first name below the child, u8 depth of the node);
 * - what ends with the input ends there. One child alone needs no node.
 *
 * A cut for size or count moves with what stands before it, but only up to
 * the next cut by hash that both versions take, so that a change stays local.
 * A node's least number of children makes every level shorter than the one
 * below, whatever the ids are.
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
/* Fetch a meta chunk (its id has been verified): replace the content of `ret`.
 */
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

/* Confined to one thread; can be used for one directory after another. After
 * an error it can only be freed. */
struct vrv_tree_builder;
int vrv_tree_builder_new(const struct vrv_meta_sink *,
    struct vrv_tree_builder **ret, struct varve_err *err) VRV_MUST;
void vrv_tree_builder_free(struct vrv_tree_builder *);
/* The next entry, encoded (vrv_entry_put). Names must ascend: INTERNAL. LIMIT
 * if the entry alone does not fit into a meta chunk. */
int vrv_tree_builder_add(struct vrv_tree_builder *, const uint8_t *name,
    size_t name_n, const uint8_t *entry, size_t entry_n, struct varve_err *err)
    VRV_MUST;
/* Finish the directory; the builder is empty again. */
int vrv_tree_builder_finish(struct vrv_tree_builder *, struct vrv_ref *ret,
    struct varve_err *err) VRV_MUST;

/* Entries of a directory in order. Confined to one thread; reads nothing
 * before it is asked for an entry. */
struct vrv_tree_iter;
int vrv_tree_iter_new(const struct vrv_meta_source *, const struct vrv_ref *,
    struct vrv_tree_iter **ret, struct varve_err *err) VRV_MUST;
void vrv_tree_iter_free(struct vrv_tree_iter *);
/* The next entry, valid until the next call; *ret_raw (may be NULL) is its
 * encoded form. NOENT at the end. CORRUPT for names that do not ascend, and
 * for what a node states of its children and is not so. After any other error
 * than NOENT the next call goes on behind what could not be read. */
int vrv_tree_iter_next(struct vrv_tree_iter *, struct vrv_entry *ret,
    struct vrv_text *ret_raw, struct varve_err *err) VRV_MUST;
/* Free the chunks that an iterator holds: its next call reads them again. For
 * whoever holds one for each level of a deep tree, whose leaves can have 1 MiB
 * each: VRV_LEVELS_HELD of them keep theirs. What was told is gone;
 * vrv_tree_iter_again() gives the last entry again. */
#define VRV_LEVELS_HELD ((size_t)16)
void vrv_tree_iter_rest(struct vrv_tree_iter *);
int vrv_tree_iter_again(struct vrv_tree_iter *, struct vrv_entry *ret,
    struct varve_err *err) VRV_MUST;

/* Go to the first entry whose name is not before `name`: O(log n), and what
 * the iterator holds already is not read again. */
int vrv_tree_iter_seek(struct vrv_tree_iter *, const uint8_t *name,
    size_t name_n, struct varve_err *err) VRV_MUST;

/* Go to the entry with this number, from 0; behind the last one is the end. */
int vrv_tree_iter_seek_number(struct vrv_tree_iter *, uint64_t number,
    struct varve_err *err) VRV_MUST;
/* The entry of that name, valid until the next call: NOENT. */
int vrv_tree_iter_find(struct vrv_tree_iter *, const uint8_t *name,
    size_t name_n, struct vrv_entry *ret, struct varve_err *err) VRV_MUST;

/* Where the entry stands that was told or found last, or could not be decoded:
 * in which leaf, which of its entries, and which of the directory's, from 0. */
struct vrv_tree_place {
	uint8_t leaf[VRV_CHUNK_ID];
	uint32_t ordinal;
	uint64_t number;
};
void vrv_tree_iter_place(const struct vrv_tree_iter *,
    struct vrv_tree_place *ret);
/* The entry with that ordinal of a leaf: CORRUPT if it has fewer. `ret` points
 * into the chunk. */
int vrv_tree_leaf_entry(const uint8_t *chunk, size_t n, uint32_t ordinal,
    struct vrv_entry *ret, struct varve_err *err) VRV_MUST;

/* One entry by name: NOENT. `ret` points into *ret_leaf (caller's buffer). */
int vrv_tree_find(const struct vrv_meta_source *, const struct vrv_ref *,
    const uint8_t *name, size_t name_n, struct vrv_buf *ret_leaf,
    struct vrv_entry *ret, struct varve_err *err) VRV_MUST;

/* --- extent lists --- */

/* Like a tree builder. Holes side by side become one. An extent that is empty
 * or longer than a chunk can be is INTERNAL; LIMIT beyond the longest file. */
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
/* The same for the lists of an archive itself: a Ref, however short. */
int vrv_list_builder_finish_ref(struct vrv_list_builder *, struct vrv_ref *ret,
    struct varve_err *err) VRV_MUST;

/* Extents of a file's content in order. Confined to one thread. Keep `content`
 * alive: inline extents are read from it. That they add up to the size of the
 * file is checked by vrv_entry_get() for inline extents, by who reads to the
 * end for the others. */
struct vrv_list_iter;
int vrv_list_iter_new(const struct vrv_meta_source *, const uint8_t *content,
    size_t content_n, struct vrv_list_iter **ret, struct varve_err *err)
    VRV_MUST;
void vrv_list_iter_free(struct vrv_list_iter *);
/* The next extent and where in the file it starts. NOENT at the end. Errors as
 * with vrv_tree_iter_next(). */
int vrv_list_iter_next(struct vrv_list_iter *, struct vrv_extent *ret,
    uint64_t *ret_offset, struct varve_err *err) VRV_MUST;
/* Go to the extent that holds byte `offset`: O(log n). */
int vrv_list_iter_seek(struct vrv_list_iter *, uint64_t offset,
    struct varve_err *err) VRV_MUST;

/* The chunks of a tree or list itself (nodes and leaves), for who must know
 * them all. Called before each is read, in the order in which they are; an
 * error ends the iterator's call. */
typedef int vrv_meta_seen_fn(void *arg, const uint8_t id[VRV_CHUNK_ID],
    struct varve_err *err);
void vrv_tree_iter_on_meta(struct vrv_tree_iter *, vrv_meta_seen_fn *fn,
    void *arg);
void vrv_list_iter_on_meta(struct vrv_list_iter *, vrv_meta_seen_fn *fn,
    void *arg);

/* For who wants to know each chunk of a list once, not its order: pass over
 * nodes and leaves that are in `visited`, and add to it what is gone through.
 * Set before the first extent is asked for. */
struct vrv_visited;
void vrv_list_iter_visit(struct vrv_list_iter *, struct vrv_visited *visited);
/* Bytes that the list covers, known when the first extent was asked for. */
uint64_t vrv_list_iter_bytes(const struct vrv_list_iter *);

/* A vrv_meta_source over a repository's reader (arg: struct vrv_reader). */
struct vrv_reader;
struct vrv_meta_source vrv_meta_from_reader(struct vrv_reader *);
/* The same over a cache of frames; for any number of threads. */
struct vrv_framecache;
struct vrv_meta_source vrv_meta_from_cache(struct vrv_framecache *);

/* --- walking an archive --- */

/* One item of a walk. Pointers hold during the callback. */
struct vrv_walk_item {
	const char *path; /* NUL-terminated; "." for the root itself */
	size_t path_n;
	unsigned depth; /* components of path; 0 for the root */
	const struct vrv_entry *entry;
	bool leaving; /* a directory, after what it holds */
};
typedef int vrv_walk_fn(void *arg, const struct vrv_walk_item *,
    struct varve_err *err);

/* No path of a walk is longer: LIMIT. */
#define VRV_WALK_PATH_MAX ((size_t)1 << 20)

struct vrv_walk {
	struct vrv_meta_source source;
	/* Bits of enum varve_match of a path; NULL: everything. Not asked for
	 * directories that are only on the way to a source (VRV_ENTRY_WAY),
	 * which are told and entered; the root is entered in any case. */
	unsigned (*match)(void *arg, const char *path, bool is_dir);
	void *match_arg;
	vrv_walk_fn *fn;
	void *arg;
	bool want_leaving;
	/* A directory of which something cannot be read: return 0 to go on
	 * with the rest. NULL: the walk ends with that error. */
	int (*damaged)(void *arg, const char *path, struct varve_err *err);
	/* Each chunk of the directories themselves, before it is read; or
	 * NULL. */
	vrv_meta_seen_fn *seen;
	void *seen_arg;
};
/* Walk depth first, names in order. The root itself is an item only if the
 * archive has an entry of it. Returns what `fn` returns if that is not 0. It
 * ends early, which `damaged` is told, when more is met than the archive
 * states (archive/bounds.h). Memory: one iterator per level, VRV_LEVELS_HELD
 * of them with a leaf. */
struct vrv_archive;
int vrv_walk_archive(const struct vrv_walk *, const struct vrv_archive *,
    struct varve_err *err) VRV_MUST;
/* The entry of the root, if the archive has one. CORRUPT if it does not decode
 * or names another tree than the archive does. */
int vrv_archive_root_entry(const struct vrv_archive *, struct vrv_entry *ret,
    bool *ret_has, struct varve_err *err) VRV_MUST;

#endif
