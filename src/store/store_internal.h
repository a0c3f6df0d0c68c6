/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_STORE_INTERNAL_H
#define STORE_STORE_INTERNAL_H

/*
 * What a kind of store implements; the contracts are those of store.h. Names
 * have been checked. A kind puts its location and the object's name before
 * the message of an error that is its own; a decorator adds nothing.
 */

#include "store/store.h"

struct vrv_store_ops {
	int (*list)(struct vrv_store *, const char *prefix, bool with_stat,
	    vrv_store_item_fn *fn, void *arg, struct varve_err *err);
	int (*head)(struct vrv_store *, const char *name, uint64_t *ret_size,
	    int64_t *ret_time, struct varve_err *err);
	int (*get)(struct vrv_store *, const char *name, uint64_t offset,
	    void *to, size_t n, struct varve_err *err);
	int (*put_begin)(struct vrv_store *, const char *name,
	    struct vrv_put **ret, struct varve_err *err);
	int (*put_write)(struct vrv_put *, const void *bytes, size_t n,
	    struct varve_err *err);
	int (*put_commit)(struct vrv_put *, struct varve_err *err);
	void (*put_abort)(struct vrv_put *);
	int (*delete)(struct vrv_store *, const char *name,
	    struct varve_err *err);
	int (*sync)(struct vrv_store *, const char *prefix,
	    struct varve_err *err);
	/* These two may be NULL where nothing is held in reserve. */
	int (*release_reserve)(struct vrv_store *, bool *ret,
	    struct varve_err *err);
	void (*restore_reserve)(struct vrv_store *);
	bool (*identity)(const struct vrv_store *, uint64_t *ret_dev,
	    uint64_t *ret_inode);
	void (*free)(struct vrv_store *);
};

/* First member of every kind of store. */
struct vrv_store {
	const struct vrv_store_ops *ops;
	char *location; /* owned by the kind */
};

/* First member of every kind of put; put_begin sets `store`. */
struct vrv_put {
	struct vrv_store *store;
	bool failed; /* a write failed: vrv_put_commit() refuses */
};

#endif
