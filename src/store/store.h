/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_STORE_H
#define STORE_STORE_H

/*
 * Where objects live. A store knows names and bytes, never keys.
 *
 * An object is immutable: it appears whole under its name, is never changed,
 * and may be deleted. Names are "kind/name" or "kind/xx/name" of at most
 * VRV_STORE_NAME_MAX bytes in [a-z0-9./-], no part empty or starting with a
 * dot: anything else is USAGE. The store checks nothing else about them. Every
 * function may be called from several threads at once on the same
 * store; one put belongs to one thread at a time.
 *
 * Messages name the object; the store's location is added by the store.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

#define VRV_STORE_NAME_MAX 120

struct vrv_store;
struct vrv_put;

/* One object of a listing. Size and time are filled only when asked for; both
 * are 0 for what cannot be an object, or be looked at: the error comes to
 * whoever uses it. */
struct vrv_store_item {
	const char *name; /* whole name, "archives/..."; valid in the call */
	uint64_t size;
	int64_t time; /* since when it is there: seconds, the store's clock */
};

/* Returns 0 to go on, or a code that ends the listing with it. */
typedef int vrv_store_item_fn(void *arg, const struct vrv_store_item *,
    struct varve_err *err);

/* Call `fn` for every object whose name starts with `prefix` ("index/",
 * "archives/0123", or "" for all), in no particular order. `fn` may use the
 * store. With "" also what is unknown at the top is shown, not what is in it.
 * Sizes and times cost a call per object on some stores: say whether they are
 * wanted. An object that vanishes meanwhile may be left out; nothing else may:
 * an error half way is an error. A prefix that does not exist lists nothing.
 * Temporary files are not objects. What is listed need not be an object that
 * anybody can read, nor have a name that the other functions accept. */
int vrv_store_list(struct vrv_store *, const char *prefix, bool with_stat,
    vrv_store_item_fn *fn, void *arg, struct varve_err *err) VRV_MUST;

/* Size and time of one object; either pointer may be NULL. NOENT. */
int vrv_store_head(struct vrv_store *, const char *name, uint64_t *ret_size,
    int64_t *ret_time, struct varve_err *err) VRV_MUST;

/* Read exactly `n` bytes from `offset`. CORRUPT if the object is shorter;
 * NOENT. */
int vrv_store_get(struct vrv_store *, const char *name, uint64_t offset,
    void *to, size_t n, struct varve_err *err) VRV_MUST;

/* Read a whole object of at most `max` bytes to a fresh block: free(*ret).
 * LIMIT if it is longer; NOENT. */
int vrv_store_get_all(struct vrv_store *, const char *name, size_t max,
    uint8_t **ret, size_t *ret_n, struct varve_err *err) VRV_MUST;

/* Write an object in parts. After vrv_put_commit() returned 0 it is durable
 * and listed; before, nobody sees it. EXISTS if the name is taken, at the
 * latest from commit. Commit and abort both end and free the put; a failed
 * write leaves it to be aborted. The store must outlive the put. */
int vrv_put_begin(struct vrv_store *, const char *name, struct vrv_put **ret,
    struct varve_err *err) VRV_MUST;
int vrv_put_write(struct vrv_put *, const void *bytes, size_t n,
    struct varve_err *err) VRV_MUST;
int vrv_put_commit(struct vrv_put *take_put, struct varve_err *err) VRV_MUST;
void vrv_put_abort(struct vrv_put *take_put);

/* All of it for bytes in memory. */
int vrv_store_put(struct vrv_store *, const char *name, const void *bytes,
    size_t n, struct varve_err *err) VRV_MUST;

/* Delete an object; one that is not there is fine. It is gone for good after
 * the next vrv_store_sync(); before, a power cut may bring it back. */
int vrv_store_delete(struct vrv_store *, const char *name,
    struct varve_err *err) VRV_MUST;

/* Make everything that a listing of `prefix` shows durable, whoever wrote it:
 * another process may have linked an object and not yet synced its folder.
 * What it does not show any more is gone for good. */
int vrv_store_sync(struct vrv_store *, const char *prefix,
    struct varve_err *err) VRV_MUST;

/* A store may hold space in reserve, so that a full file system can still take
 * what deletes archives. Give it back; *ret says whether there was any. */
int vrv_store_release_reserve(struct vrv_store *, bool *ret,
    struct varve_err *err) VRV_MUST;
/* Take it again if it was given back and much more than it is free. To be
 * called after something else succeeded: failures are left to the next time. */
void vrv_store_restore_reserve(struct vrv_store *);

/* The address in the form that identifies the store, for messages and the
 * state file: an absolute path for a local one. */
const char *vrv_store_location(const struct vrv_store *);

/* For a local store the device and inode of its folder; false elsewhere. Lets
 * create skip a repository that lies inside its own source. */
bool vrv_store_identity(const struct vrv_store *, uint64_t *ret_dev,
    uint64_t *ret_inode);

void vrv_store_free(struct vrv_store *); /* NULL is fine */

/* --- kinds of stores --- */

/* A directory. With `create` its layout is made (the folder itself may exist if
 * it is empty): config/ keys/ packs/00..ff/ index/ intents/ archives/
 * tombstones/ condemned/ rolls/ tmp/ quarantine/ reserve (1 MiB that takes
 * space and says nothing); all 0700, files 0400. EXISTS (exit status 10) if
 * there is a repository already or the folder is not empty (a part of the empty
 * layout, which a killed run left, is finished); NOENT (13) if there is none
 * when opening, FORMAT (15) if the folder is something else.
 *
 * Nothing below the directory is reached through a symbolic link, and only
 * regular files are objects: CORRUPT says what else has the name of one, IO
 * what has the name of a directory. Nothing blocks.
 *
 * A put goes to tmp/, is fsynced, linked without overwrite into place (where
 * the file system can do that: os/file.h), its folder fsynced. A failed fsync
 * throws that file away and fails the put. The first put of a store removes the
 * temporary files of killed processes (os/file.h: vrv_newfile_sweep()); a file
 * in use is locked, and stays. */
int vrv_store_open_local(const char *path, bool create, struct vrv_store **ret,
    struct varve_err *err) VRV_MUST;

/* In memory, for tests. */
int vrv_store_open_memory(struct vrv_store **ret, struct varve_err *err)
    VRV_MUST;

#endif
