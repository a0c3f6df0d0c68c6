/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MOUNT_MERGED_H
#define MOUNT_MERGED_H

/*
 * Internal: one tree of all archives, in which a file is a folder of its
 * versions. Names come from the catalog; an entry of a version is kept, and
 * read like any other.
 *
 * What has been told has a record until the end. A version's stands for one
 * entry, whatever the catalog says later, as the kernel keeps its content.
 */

#include "catalog/catalog.h"
#include "mount/listing.h"
#include "util/hash.h"
#include "util/map.h"

enum vrv_record_kind {
	VRV_RECORD_TOP,
	VRV_RECORD_SERIES,
	VRV_RECORD_NAME,   /* a folder, or a file's folder */
	VRV_RECORD_VERSION /* of the name that is its parent */
};

struct vrv_record {
	enum vrv_record_kind kind;
	uint32_t number;
	struct vrv_record *parent; /* NULL: of the top */
	char *name;
	size_t name_n;
	/* Series and names: where the catalog of that epoch has it. */
	uint32_t epoch;
	int64_t dir; /* merged directory; 0: it never is one */
	bool others; /* it is something else in some archive */
	/* Versions. */
	uint8_t *entry;
	size_t entry_n;
	struct vrv_mounted *archive; /* the first that holds it */
	uint64_t ino;
};

struct vrv_versions {
	pthread_mutex_t lock; /* everything below */
	struct vrv_listing listing;
	struct vrv_catalog *catalog;
	uint32_t epoch; /* counts what the catalog may have changed */
	/* Archives that are shown: logical id to struct vrv_mounted *. */
	struct vrv_map *shown;
	struct vrv_time time; /* of the newest; ns counts epochs, too */
	struct vrv_arena arena;
	struct vrv_map *by_key; /* to struct vrv_record * */
	struct vrv_hash_key hash_key;
	struct vrv_record **records;
	size_t n, cap;
};

/* NOTSUP if there is no cache folder, where the catalog lies. */
int vrv_versions_new(struct vrv_mount *, vrv_mount_select_fn *select,
    void *select_arg, struct vrv_versions **ret, struct varve_err *err)
    VRV_MUST;
void vrv_versions_free(struct vrv_versions *);

/* Is the number one of this tree? */
bool vrv_versions_has(const struct vrv_mount *, uint64_t node);
/* Is it of a version? */
bool vrv_versions_is_version(struct vrv_mount *, uint64_t node);

int vrv_versions_attr(struct vrv_mount *, uint64_t node, struct stat *ret,
    struct varve_err *err) VRV_MUST;
int vrv_versions_find(struct vrv_mount *, uint64_t node, const char *name,
    struct vrv_listed *ret, struct varve_err *err) VRV_MUST;
int vrv_versions_list(struct vrv_mount *, uint64_t node, uint64_t offset,
    vrv_list_fn *fn, void *arg, struct varve_err *err) VRV_MUST;
/* Contract: vrv_seen_get(). USAGE if it is no version. */
int vrv_versions_seen(struct vrv_mount *, uint64_t node, struct vrv_seen *ret,
    struct varve_err *err) VRV_MUST;
/* Append its path. */
void vrv_versions_path(struct vrv_mount *, uint64_t node, struct vrv_buf *path);

/* --- merged_load.c; all under the lock --- */

/* Bring the catalog up to date, once a second at most. What goes wrong is
 * told; the tree stays as it was. */
void vrv_versions_refresh(struct vrv_mount *, struct vrv_versions *);
int vrv_versions_load(struct vrv_mount *, struct vrv_versions *,
    struct varve_err *err) VRV_MUST;
/* Make the catalog anew if an error said so: then true, and what failed is to
 * be tried again. */
bool vrv_versions_mend(struct vrv_mount *, struct vrv_versions *);

/* The record of a name in another, or of a version of it, which differ by
 * `bytes`; made if there is none. NULL when memory ran out. */
struct vrv_record *vrv_record_of(struct vrv_versions *, struct vrv_record *in,
    enum vrv_record_kind, const void *bytes, size_t n);
uint64_t vrv_record_node(const struct vrv_record *);
struct vrv_record *vrv_record_at(struct vrv_versions *, uint64_t node);

#endif
