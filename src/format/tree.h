/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FORMAT_TREE_H
#define FORMAT_TREE_H

/*
 * Meta chunks: directory listings (prolly trees) and extent lists. The first
 * byte of a meta chunk is its kind. Everything that is decoded points into
 * the chunk it came from.
 */

#include <stdbool.h>
#include <stdint.h>

#include "util/arena.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/rd.h"

#define VRV_CHUNK_ID 32
#define VRV_META_MAX ((size_t)1 << 20) /* a meta chunk's plaintext */
#define VRV_ENTRY_NAME_MAX 4096
#define VRV_ENTRY_TARGET_MAX 65535 /* of a symbolic link */
#define VRV_ENTRY_SIZE_MAX ((uint64_t)INT64_MAX)
#define VRV_INLINE_EXTENTS 32
#define VRV_TREE_DEPTH_MAX 16

enum vrv_meta_kind {
	VRV_META_TREE_LEAF = 'T',
	VRV_META_TREE_NODE = 'N',
	VRV_META_LIST_LEAF = 'L',
	VRV_META_LIST_NODE = 'M',
	VRV_META_PATHS = 'P',
	VRV_META_NAMES = 'U',
	VRV_META_VALUE = 'X' /* the value of a long xattr follows */
};

/* A directory listing or an extent list: its topmost meta chunk and how many
 * levels of nodes stand above the leaves. */
struct vrv_ref {
	uint8_t id[VRV_CHUNK_ID];
	uint8_t depth;
};
void vrv_ref_put(struct vrv_buf *, const struct vrv_ref *);
/* A depth above VRV_TREE_DEPTH_MAX makes the cursor fail. */
void vrv_ref_get(struct vrv_rd *, struct vrv_ref *ret);

/* --- tree entries --- */

/* An unknown bit is FORMAT. LINKED is never set for a directory, FSROOT and WAY
 * for nothing else. */
enum vrv_entry_flag {
	VRV_ENTRY_BTIME = 1u << 0,
	VRV_ENTRY_XATTRS = 1u << 1,
	VRV_ENTRY_IFLAGS = 1u << 2,
	VRV_ENTRY_LINKED = 1u << 3,  /* nlink > 1 */
	VRV_ENTRY_FSROOT = 1u << 4,  /* root of a filesystem */
	VRV_ENTRY_CHANGED = 1u << 5, /* changed while it was read */
	VRV_ENTRY_EXTENSIONS = 1u << 6,
	VRV_ENTRY_ATIME = 1u << 7,
	VRV_ENTRY_WAY = 1u << 8 /* directory: only on the way to a source */
};
#define VRV_ENTRY_FLAGS_KNOWN 0x1ffu

/* Values are one v each. */
enum vrv_extension {
	VRV_EXT_PROJECT = 1,
	VRV_EXT_REFLINK = 3
};

/*
 * One entry. Variable parts are kept encoded, so that an unchanged file is
 * carried over by copying: `content` is the whole part "by kind" of a file
 * behind its size, `xattrs` the whole list (v n; ...), `extensions` likewise.
 * Parts whose kind or flag is not set are ignored by the encoder and zero
 * after decoding. An entry has one encoding: what decodes encodes to the same
 * bytes.
 */
struct vrv_entry {
	uint8_t kind; /* enum vrv_kind of os/meta.h: 1 file ... 7 block */
	uint32_t flags;
	const uint8_t *name;
	size_t name_n;
	uint16_t mode;
	uint32_t uid, gid;
	uint64_t inode;
	struct vrv_time mtime, ctime, btime, atime;
	uint64_t size;		/* file */
	const uint8_t *content; /* file: v extents, then a Ref or extents */
	size_t content_n;
	struct vrv_ref dir;    /* dir */
	const uint8_t *target; /* symlink */
	size_t target_n;
	uint32_t major, minor; /* char, block */
	const uint8_t *xattrs;
	size_t xattrs_n;
	uint32_t iflags;
	const uint8_t *extensions;
	size_t extensions_n;
};

/* The caller sees to it that the entry is one that decodes; a file has a
 * content, a set flag its list. */
void vrv_entry_put(struct vrv_buf *, const struct vrv_entry *);

/* Decode the next entry. CORRUPT for anything that must not be: a bad name, ns
 * out of range, a content or list that does not parse, an empty or
 * unsorted list, extent lengths of an inline list that do not add up to size,
 * parts that do not fill exactly the stated size. FORMAT for an unknown kind or
 * flag bit. LIMIT for xattrs of more than VRV_XATTRS_BYTES_MAX. When only the
 * entry is bad the cursor stands behind it, so that a reader may go on with the
 * next. That names ascend is for the caller to check. */
int vrv_entry_get(struct vrv_rd *, struct vrv_entry *ret, struct varve_err *err)
    VRV_MUST;

/* The name of the next entry, of which nothing else is looked at; the cursor
 * goes behind it. False, with the cursor where it was, if there is none. */
bool vrv_entry_name(struct vrv_rd *, const uint8_t **ret, size_t *ret_n);

/* Decode the root directory's own entry, whose name is ".", a name that no
 * entry in a tree may have; it must fill the bytes. */
int vrv_root_entry_get(const uint8_t *bytes, size_t n, struct vrv_entry *ret,
    struct varve_err *err) VRV_MUST;

/* Less than, equal to or greater than 0 by bytes, shorter first. */
int vrv_name_cmp(const uint8_t *a, size_t a_n, const uint8_t *b, size_t b_n);
/* A name that may stand in a tree. */
bool vrv_name_ok(const uint8_t *name, size_t n);

/* --- content: extents --- */

struct vrv_extent {
	uint64_t length;
	bool hole;
	uint8_t id[VRV_CHUNK_ID]; /* of a chunk */
};

void vrv_extent_put(struct vrv_buf *, const struct vrv_extent *);
/* CORRUPT for an empty extent or a chunk longer than VRV_FRAME_PLAIN_MAX. */
int vrv_extent_get(struct vrv_rd *, struct vrv_extent *ret,
    struct varve_err *err) VRV_MUST;

/* `content` of an entry taken apart: either a Ref, or `n` extents that follow
 * in *ret_rd (n may be 0 for an empty file). *ret_ref is set for a Ref, *ret_n
 * and *ret_rd for extents. */
int vrv_content_get(const uint8_t *content, size_t content_n, bool *ret_is_ref,
    struct vrv_ref *ret_ref, uint32_t *ret_n, struct vrv_rd *ret_rd,
    struct varve_err *err) VRV_MUST;
void vrv_content_put_ref(struct vrv_buf *, const struct vrv_ref *);
/* `extents` are `n` encoded extents, at most VRV_INLINE_EXTENTS. */
void vrv_content_put_inline(struct vrv_buf *, uint32_t n,
    const uint8_t *extents, size_t extents_n);

/* --- xattr lists --- */

struct vrv_entry_xattr {
	const uint8_t *name;
	size_t name_n;
	const uint8_t *value; /* NULL: the value is the meta chunk `id` */
	uint64_t size;
	uint8_t id[VRV_CHUNK_ID];
};
#define VRV_XATTR_NAME_MAX 255
#define VRV_XATTR_INLINE_MAX 4096
#define VRV_XATTR_VALUE_MAX 65536
#define VRV_XATTRS_BYTES_MAX ((size_t)1 << 20) /* values of one entry */
/* Of an encoded list: what a writer keeps, so that an entry fits into a leaf,
 * and that of the root directory into an archive. */
#define VRV_XATTRS_LIST_MAX ((size_t)512 << 10)

void vrv_xattr_put(struct vrv_buf *, const struct vrv_entry_xattr *);
/* Bytes that it would append, or a few more. */
size_t vrv_xattr_size(size_t name_n, uint64_t size);
/* Is it a POSIX access control list of Linux? */
bool vrv_xattr_is_acl(const struct vrv_entry_xattr *);
/* The head of a list is v n (1 or more), then n times vrv_xattr_get(). Names
 * ascend by vrv_name_cmp(). A value is inline up to VRV_XATTR_INLINE_MAX and
 * a chunk above: CORRUPT if it is the other. */
int vrv_xattr_get(struct vrv_rd *, struct vrv_entry_xattr *ret,
    struct varve_err *err) VRV_MUST;

/* --- extension lists --- */

/* The same for `extensions`: v n (1 or more), then n of these, tags from 1
 * ascending. Bytes of any tag decode; an unknown even one calls for a warning
 * when the entry is restored. */
void vrv_extension_put(struct vrv_buf *, uint64_t tag, const void *bytes,
    size_t n);
int vrv_extension_get(struct vrv_rd *, uint64_t *ret_tag,
    const uint8_t **ret_bytes, size_t *ret_n, struct varve_err *err) VRV_MUST;

/* --- chunks --- */

/* Check size and kind byte of any meta chunk: its body. FORMAT for a kind that
 * this version does not know, here and below. For 'P' and 'U', whose
 * records go to the end, and for 'X'. */
int vrv_meta_open(const uint8_t *chunk, size_t n, enum vrv_meta_kind kind,
    struct vrv_rd *ret_rd, struct varve_err *err) VRV_MUST;

/* Check the kind byte and read the count of a tree leaf or list leaf, which is
 * never more than the chunk can hold. The caller checks vrv_rd_done() behind
 * the last entry. */
int vrv_leaf_open(const uint8_t *chunk, size_t n, enum vrv_meta_kind kind,
    struct vrv_rd *ret_rd, uint64_t *ret_count, struct varve_err *err) VRV_MUST;

/* A node: its children in order. */
struct vrv_tree_child {
	const uint8_t *first; /* first name below it */
	size_t first_n;
	uint8_t id[VRV_CHUNK_ID];
	uint64_t entries; /* leaf entries below it, 1 or more */
};
struct vrv_list_child {
	uint8_t id[VRV_CHUNK_ID];
	uint64_t bytes; /* covered, 1 or more */
};
void vrv_tree_child_put(struct vrv_buf *, const struct vrv_tree_child *);
int vrv_tree_child_get(struct vrv_rd *, struct vrv_tree_child *ret,
    struct varve_err *err) VRV_MUST;
void vrv_list_child_put(struct vrv_buf *, const struct vrv_list_child *);
int vrv_list_child_get(struct vrv_rd *, struct vrv_list_child *ret,
    struct varve_err *err) VRV_MUST;
/* Check the kind byte, that the stated depth is `depth` (>= 1), and read the
 * count (>= 1) of a node. */
int vrv_node_open(const uint8_t *chunk, size_t n, enum vrv_meta_kind kind,
    uint8_t depth, struct vrv_rd *ret_rd, uint64_t *ret_count,
    struct varve_err *err) VRV_MUST;
/* The head of a leaf: kind, v count; of a node: kind, u8 depth, v count. */
void vrv_leaf_put(struct vrv_buf *, enum vrv_meta_kind kind, uint64_t count);
void vrv_node_put(struct vrv_buf *, enum vrv_meta_kind kind, uint8_t depth,
    uint64_t count);

/* --- path lists and name tables --- */

/* 'P': paths that a run left out and why. v reason, v len + path, to the end.
 * A reason of a later version reads as VRV_SKIP_OTHER. */
enum vrv_skip {
	VRV_SKIP_VANISHED = 1,
	VRV_SKIP_UNREADABLE = 2,
	VRV_SKIP_CHANGED = 3,	 /* kept, but it changed while it was read */
	VRV_SKIP_REPOSITORY = 4, /* the repository itself */
	VRV_SKIP_OTHER = 5,
	VRV_SKIP_MISSING = 6 /* a source that was not there */
};
void vrv_path_put(struct vrv_buf *, enum vrv_skip reason, const void *path,
    size_t n);
int vrv_path_get(struct vrv_rd *, enum vrv_skip *ret_reason,
    const uint8_t **ret_path, size_t *ret_n, struct varve_err *err) VRV_MUST;

/* 'U': u8 1 user or 2 group, v id, v len + name, to the end. */
#define VRV_OWNERS_MAX ((size_t)1 << 17) /* names of one archive */
#define VRV_OWNER_NAME_MAX 255
void vrv_owner_put(struct vrv_buf *, bool group, uint32_t id, const char *name);
int vrv_owner_get(struct vrv_rd *, bool *ret_group, uint32_t *ret_id,
    const uint8_t **ret_name, size_t *ret_n, struct varve_err *err) VRV_MUST;

#endif
