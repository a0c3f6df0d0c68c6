/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_LOCAL_INTERNAL_H
#define STORE_LOCAL_INTERNAL_H

/* The folders of a local store: its layout, and walking it. */

#include <stdbool.h>

#include "util/err.h"

#define VRV_LOCAL_TMP "tmp"
#define VRV_LOCAL_RESERVE "reserve"

/* A folder at the top that holds objects. */
bool vrv_local_is_kind(const char *name);
/* Something at the top that belongs to the store and holds no object. */
bool vrv_local_is_private(const char *name);

/* Make the whole layout, durably, in the open folder `root`, which may hold a
 * part of the empty layout; EXISTS if it holds anything else. */
int vrv_local_create(int root, struct varve_err *err) VRV_MUST;

/* 0 if `root` looks like a repository, FORMAT if not. */
int vrv_local_recognize(int root, struct varve_err *err) VRV_MUST;

/* mkdir, durable, of a folder that may exist. */
int vrv_local_make_dir(int root, const char *path, struct varve_err *err)
    VRV_MUST;

/* What is called for the folders and objects whose names start with `prefix`.
 * Either function may be NULL; its errors are passed on as they are. */
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
