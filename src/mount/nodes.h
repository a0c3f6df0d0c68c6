/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MOUNT_NODES_H
#define MOUNT_NODES_H

/*
 * Internal: numbers that the kernel knows things by, and what they stand for.
 *
 * A thing in an archive is the number of its leaf (a chunk of a directory's
 * listing, in that directory) and of the entry in it. So nothing is kept of a
 * file; of a directory that was visited a record and its leaves. Records are
 * immutable but for what says otherwise, and live as long as the table.
 *
 * Every function may be called from any thread.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "archive/archive.h"
#include "archive/owners.h"
#include "archive/trees.h"

#define VRV_NODE_ROOT UINT64_C(1) /* FUSE_ROOT_ID */
#define VRV_NODE_ORDINAL_BITS 20  /* a meta chunk has at most 2^20 bytes */
#define VRV_NODE_NONE UINT32_MAX

/* What is not in an archive. */
enum vrv_made {
	VRV_MADE_NOT, /* it is in one */
	VRV_MADE_ROOT,
	VRV_MADE_ARCHIVES,
	VRV_MADE_HOSTS,
	VRV_MADE_SERIES,
	VRV_MADE_LATEST,       /* link beside archives/ */
	VRV_MADE_GROUP,	       /* folder in by-host/ or by-series/ */
	VRV_MADE_GROUP_LINK,   /* link in it to an archive */
	VRV_MADE_GROUP_LATEST, /* link in it to the newest */
	VRV_MADE_ARCHIVE       /* the root folder of an archive */
};

/* A number taken apart. `group` and `archive` are numbers too. */
struct vrv_made_node {
	enum vrv_made kind;
	uint32_t group, archive;
};
uint64_t vrv_node_made(enum vrv_made, uint32_t group, uint32_t archive);
struct vrv_made_node vrv_node_parse(uint64_t node);

/* An archive that was shown at any time. */
struct vrv_mounted {
	uint32_t number;
	uint64_t node;
	char *name; /* when it was met first */
	uint8_t logical[VRV_LOGICAL_ID];
	struct vrv_time time;
	uint8_t *root_entry;
	size_t root_entry_n;	 /* 0: it has none */
	bool no_xattrs, no_acls; /* no entry has any, it says */
	struct vrv_dirnode *root;
	struct vrv_archive lists; /* only what names its owners */
	pthread_mutex_t lock;	  /* protects the rest */
	struct vrv_owners *owners;
	bool owners_tried;
};

/* A visited directory. */
struct vrv_dirnode {
	uint64_t node;
	struct vrv_ref ref;
	const struct vrv_dirnode *parent; /* NULL: the root of its archive */
	struct vrv_mounted *archive;
	uint64_t ino, fs_ino; /* its own; of the root of its file system */
	char *path;	      /* if it is needed for patterns, else NULL */
	atomic_bool damaged;  /* something of it could not be read */
	/* With --strip-components, of an archive's root: what it shows. Set
	 * once, under the archive's lock. */
	const struct vrv_dirnode **sources;
	size_t n_sources;
	bool has_sources;
};

/* A chunk of a directory's listing. */
struct vrv_leafnode {
	uint8_t id[VRV_CHUNK_ID];
	const struct vrv_dirnode *dir;
};

struct vrv_nodes;
/* NULL when memory ran out. */
struct vrv_nodes *vrv_nodes_new(void) VRV_MUST;
void vrv_nodes_free(struct vrv_nodes *);

/* The number of the entry at `place` of a directory. */
int vrv_nodes_enter(struct vrv_nodes *, const struct vrv_dirnode *,
    const struct vrv_tree_place *, uint64_t *ret, struct varve_err *err)
    VRV_MUST;
/* The leaf that the number names, and the entry in it; false if there is
 * none. */
bool vrv_nodes_leaf(struct vrv_nodes *, uint64_t node, struct vrv_leafnode *ret,
    uint32_t *ret_ordinal);

/* The directory of that number, or NULL if it was not visited yet. */
struct vrv_dirnode *vrv_nodes_dir(struct vrv_nodes *, uint64_t node);
/* Visit it: `as` without `path`, which is copied if it is not NULL. Another
 * thread may have come first: *ret is the one record. */
int vrv_nodes_visit(struct vrv_nodes *, const struct vrv_dirnode *as,
    const char *path, struct vrv_dirnode **ret, struct varve_err *err) VRV_MUST;

/* The record of an archive, made at its first sight. */
int vrv_nodes_archive(struct vrv_nodes *, const struct vrv_archive *,
    bool with_path, struct vrv_mounted **ret, struct varve_err *err) VRV_MUST;
/* That of a number, or NULL. */
struct vrv_mounted *vrv_nodes_archive_at(struct vrv_nodes *, uint32_t number);

/* Bytes of memory that the records take. */
size_t vrv_nodes_bytes(struct vrv_nodes *);

/* --- numbers of inodes: the same in every mount --- */

uint64_t vrv_ino_of_archive(const uint8_t logical[VRV_LOGICAL_ID]);
/* Of what has a name in the directory `parent_ino`. */
uint64_t vrv_ino_of_name(uint64_t parent_ino, const void *name, size_t n);
/* Of what has several, by its recorded number. */
uint64_t vrv_ino_of_linked(uint64_t fs_ino, uint64_t inode);

#endif
