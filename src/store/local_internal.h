/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_LOCAL_INTERNAL_H
#define STORE_LOCAL_INTERNAL_H

/*
 * The directories of a local store: opening what is in them, the layout,
 * walking it.
 *
 * Whoever can write the repository may put a symbolic link, a FIFO or a
 * directory in the place of anything below its root. Everything there is
 * therefore opened by the functions of local_open.c, or is a leaf in a
 * directory that they opened.
 */

#include <stdbool.h>
#include <stdint.h>

#include "os/meta.h"
#include "util/err.h"

#define VRV_LOCAL_TMP "tmp"
#define VRV_LOCAL_RESERVE "reserve"
#define VRV_LOCAL_PLACE "place"

/* A folder at the top that holds objects. */
bool vrv_local_is_kind(const char *name);
/* Something at the top that belongs to the store and holds no object. */
bool vrv_local_is_private(const char *name);

/* Make the whole layout, durably, in the open folder `root`, which may hold a
 * part of the empty layout; EXISTS if it holds anything else. */
int vrv_local_create(int root, struct varve_err *err) VRV_MUST;

/* 0 if `root` looks like a repository, FORMAT if not. */
int vrv_local_recognize(int root, struct varve_err *err) VRV_MUST;

/* --- local_open.c: paths are relative to the open directory `root`, and no
 * longer than an object's name --- */

/* Open a directory that is reached without a symbolic link. NOENT; IO names
 * the part of the path that is none. */
int vrv_local_open_dir(int root, const char *path, int *ret_fd,
    struct varve_err *err) VRV_MUST;
/* The same; what is missing is made, durably. */
int vrv_local_make_dir(int root, const char *path, int *ret_fd,
    struct varve_err *err) VRV_MUST;
/* Make a file of the root directory that `write` fills, whole or not at all;
 * one that is there stays. */
int vrv_local_make_file(int root, const char *name,
    int (*write)(int fd, struct varve_err *err), struct varve_err *err)
    VRV_MUST;
/* The directory that holds `path`, and the name in it; with `make` it is made
 * if it is missing. */
int vrv_local_open_parent(int root, const char *path, bool make, int *ret_fd,
    const char **ret_leaf, struct varve_err *err) VRV_MUST;
/* Open an object for reading, never blocking. NOENT; CORRUPT if something else
 * than a regular file has its name; IO as above. */
int vrv_local_open_object(int root, const char *name, int *ret_fd,
    struct varve_err *err) VRV_MUST;
/* Its size and time; the same errors. */
int vrv_local_stat_object(int root, const char *name, uint64_t *ret_size,
    int64_t *ret_time, struct varve_err *err) VRV_MUST;
/* Since when an object is there. */
int64_t vrv_local_time(const struct vrv_stat *);

/* --- walking --- */

/* --- local_reserve.c; see store.h --- */

int vrv_local_reserve_make(int root, struct varve_err *err) VRV_MUST;
int vrv_local_reserve_release(int root, bool *ret, struct varve_err *err)
    VRV_MUST;
void vrv_local_reserve_restore(int root);

/* What is called for the directories and objects whose names start with
 * `prefix`. Either function may be NULL; its errors are passed on as they are.
 * A name that is too long for an object is one all the same: nobody may take
 * it for missing. */
struct vrv_local_walk {
	int root;
	const char *location, *prefix;
	int (*folder)(void *arg, int fd, struct varve_err *err);
	int (*item)(void *arg, int dirfd, const char *leaf, const char *name,
	    struct varve_err *err);
	void *arg;
};

int vrv_local_walk(const struct vrv_local_walk *, struct varve_err *err)
    VRV_MUST;

#endif
