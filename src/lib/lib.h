/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LIB_LIB_H
#define LIB_LIB_H

/* The public interface over the layers below: translation, and nothing that
 * would be of use to them. */

#include <varve/varve.h>

#include "archive/archive.h"
#include "archive/lists.h"

struct varve_repo {
	struct vrv_repo *repo;
	struct varve_open_options options; /* for questions asked later */
};

/* The caller's error, or this one if it gave none. */
#define LIB_ERR(err) ((err) != NULL ? (err) : &(struct varve_err){0})

/* What the public structs stand for. */
const struct vrv_archive *vrv_lib_archive(const struct varve_archive *);

/* The public list of archives, which it borrows; items are at the same places.
 * Owned: vrv_lib_list_free(). */
int vrv_lib_list(struct vrv_archives *, struct varve_archive_list **ret,
    struct varve_err *err) VRV_MUST;
void vrv_lib_list_free(struct varve_archive_list *);

/* A vrv_create_watch: brings the catalog up to date with the new archive and
 * those of its series before it. A failure is an INFO event. */
struct vrv_lib_made {
	struct varve_repo *repo;
	const struct varve_backup_options *options;
};
void vrv_lib_catalog_made(void *arg, const struct vrv_archives *known,
    const struct vrv_archive *made);

/* What an item tells of an entry by itself: no names of owners, target, first
 * link or counts. */
struct varve_item vrv_lib_item(const char *path, const struct vrv_entry *);

/* Turns tree entries into items. Confined to one thread. */
struct vrv_items_of;
int vrv_items_of_new(struct vrv_repo *, const struct vrv_archive *,
    const struct varve_walk_options *, struct vrv_items_of **ret,
    struct varve_err *err) VRV_MUST;
void vrv_items_of_free(struct vrv_items_of *);
const char *vrv_items_of_owner(const struct vrv_items_of *, bool group,
    uint32_t id);
/* Fill an item that is valid until the next call. `path` is borrowed. */
int vrv_items_of_fill(struct vrv_items_of *, const char *path,
    const struct vrv_entry *, struct varve_item *ret, struct varve_err *err)
    VRV_MUST;
/* The walk enters or leaves a directory: hard links are told apart by the
 * file system they are in. */
int vrv_items_of_enter(struct vrv_items_of *, bool root_of_filesystem,
    struct varve_err *err) VRV_MUST;
void vrv_items_of_leave(struct vrv_items_of *);

#endif
