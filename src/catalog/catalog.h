/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CATALOG_CATALOG_H
#define CATALOG_CATALOG_H

/*
 * The catalog: which archives hold which version of a path.
 *
 * A database of the directories of each series, merged over its archives. An
 * archive of a series has a number, counted up in the order in which archives
 * were catalogued; a row says of a name in a directory which run of numbers
 * holds this entry of it. A number may be without an archive (it was deleted),
 * so whatever is asked for is what the archives that exist hold, and their
 * times decide what is older, never the numbers.
 *
 * Everything can be made anew from the trees of the archives. Errors that are
 * about the catalog itself and call for that are CORRUPT and FORMAT with
 * vrv_catalog_is_bad(); the caller gives the handle to vrv_catalog_renew(),
 * updates and asks again.
 *
 * A handle is confined to one thread at a time. Any number of handles, of any
 * number of processes, may be open on one catalog: each call sees it as it was
 * at one moment. The structs that calls give, and pointers in them, hold until
 * the next call with the handle; those within a callback during it. A callback
 * must not call with its own handle.
 */

#include <stdbool.h>
#include <stdint.h>

#include <varve/event.h>

#include "archive/archive.h"
#include "archive/trees.h"

struct vrv_catalog;

/* Open the catalog of a repository, for who only asks. Where that cannot be
 * used (there is no cache folder, no room, no permission, a directory in its
 * place) a NOTE tells why, and a temporary one takes its place, which is gone
 * with the handle or the process. This may turn out later, too: then
 * vrv_catalog_is_bad() is true, and vrv_catalog_renew() does it. */
int vrv_catalog_open_any(struct vrv_repo *, struct vrv_catalog **ret,
    struct varve_err *err) VRV_MUST;

/* Where the catalog of a repository lies: free(*ret). NOTSUP if there is no
 * cache folder. */
int vrv_catalog_path(const struct vrv_repo *, char **ret, struct varve_err *err)
    VRV_MUST;

/* Open the catalog at `path`, or make an empty one. `repository` says whose it
 * is: vrv_repo_cache_id(). One that is damaged, of
 * another version or of another repository is thrown away first. With `as_is`
 * that is an error instead, and so is none at all: NOENT. */
int vrv_catalog_open(const char *path, const uint8_t repository[VRV_REPO_ID],
    bool as_is, struct vrv_catalog **ret, struct varve_err *err) VRV_MUST;
void vrv_catalog_close(struct vrv_catalog *); /* NULL is fine */

/* Does the error of a call say that the catalog must be made anew? */
bool vrv_catalog_is_bad(const struct vrv_catalog *);
/* Go on with an empty catalog, or with the one that another process has made
 * meanwhile of a bad one; with `even_good` always with an empty one. When that
 * fails, the handle can still be used: each call tries to open it again. */
int vrv_catalog_renew(struct vrv_catalog *, bool even_good,
    struct varve_err *err) VRV_MUST;

/* For who must not be kept waiting: calls fail with LOCKED after so many ms
 * (60,000 without this), and waiting for the disk is left to others. */
void vrv_catalog_hurry(struct vrv_catalog *, unsigned ms);

/* Within a callback: the error that it is about to return is the catalog's own
 * (an entry of it does not decode). */
void vrv_catalog_blame(struct vrv_catalog *);

/* --- keeping it up to date --- */

struct vrv_catalog_source {
	/* Trees of the archives, read only where they differ. */
	struct vrv_meta_source trees;
	/* Should a series that is not catalogued yet be? NULL: no. One that is
	 * stays covered. */
	bool (*covers)(void *arg, const struct vrv_archive *);
	void *covers_arg;
	/* Only archives of this series; NULL: all. */
	const uint8_t *tag;
	/* Told of an archive whose trees cannot be read, and is left out; may
	 * be NULL. */
	void (*failed)(void *arg, const struct vrv_archive *,
	    const struct varve_err *);
	void *failed_arg;
	/* Gets PROGRESS events: `files` are entries that were compared, the
	 * unit of `total` is the archive, `path` is the name of the one at
	 * hand. May be NULL. */
	varve_event_fn *progress;
	void *progress_arg;
	/* Asked between archives: leave the others for the next time? NULL:
	 * no. */
	bool (*enough)(void *arg);
	void *enough_arg;
};
struct vrv_catalog_change {
	uint64_t archives, entries, removed, failed;
};
/* Compare with the `n` live archives of the repository (nominal time
 * ascending): catalog what is missing, forget what is gone, note new names.
 * Each archive is a transaction of its own, so what was done counts even if
 * the call fails. Memory: 4,096 entries, and the names of the subdirectories
 * of the directories on one path. */
int vrv_catalog_update(struct vrv_catalog *,
    const struct vrv_archive *const *archives, size_t n,
    const struct vrv_catalog_source *, struct vrv_catalog_change *ret,
    struct varve_err *err) VRV_MUST;

/* --- what it holds --- */

struct vrv_catalog_archive {
	int64_t seq;
	uint8_t logical[VRV_LOGICAL_ID];
	uint32_t revision;
	struct vrv_text name;
	struct vrv_time nominal;
	struct vrv_ref root;
	uint32_t order; /* its place in the series by nominal time, from 0 */
};

struct vrv_catalog_series {
	int64_t id;
	uint8_t tag[VRV_TAG_SIZE];
	struct vrv_text host, label;
	int64_t root; /* its root directory */
	/* Those that exist, by seq; 1 or more. */
	struct vrv_catalog_archive *archives;
	size_t n;
	bool in_order; /* their order by time is the same */
};

/* Every series, in the order of host and label. */
int vrv_catalog_series(struct vrv_catalog *,
    const struct vrv_catalog_series **ret, size_t *ret_n, struct varve_err *err)
    VRV_MUST;

/* From now on only these archives exist for the calls below (NULL: all); asked
 * again whenever the catalog has changed. */
typedef bool vrv_catalog_want_fn(void *arg, const struct vrv_catalog_series *,
    const struct vrv_catalog_archive *);
void vrv_catalog_want(struct vrv_catalog *, vrv_catalog_want_fn *, void *arg);

/* One version of a name in a directory: an entry that is equal in every
 * archive of it. */
struct vrv_catalog_version {
	const struct vrv_catalog_series *series;
	int64_t dir;
	struct vrv_text name;
	/* As in a tree (vrv_entry_get(); of a root, vrv_root_entry_get()), but
	 * that the Ref of a directory is zero. */
	struct vrv_text entry;
	/* Oldest and newest by nominal time, of all that hold it. */
	const struct vrv_catalog_archive *first, *last;
	size_t archives;
};
/* Returns 0 to go on; any other value ends the call, which returns it. */
typedef int vrv_catalog_version_fn(void *arg,
    const struct vrv_catalog_version *, struct varve_err *err);

/* A name in a directory, of all archives that exist. */
struct vrv_catalog_child {
	struct vrv_text name;
	int64_t dir; /* the merged directory of that name; 0: it never is one */
	bool others; /* in some archive it is something else */
};
typedef int vrv_catalog_child_fn(void *arg, const struct vrv_catalog_child *,
    struct varve_err *err);

/* The names in a directory in their order (vrv_name_cmp()), from the first one
 * behind `after` (n = 0: from the start). To stop, `fn` returns a code of its
 * own. Memory: one name. */
int vrv_catalog_children(struct vrv_catalog *, int64_t dir,
    const uint8_t *after, size_t after_n, vrv_catalog_child_fn *fn, void *arg,
    struct varve_err *err) VRV_MUST;
/* One of them; NOENT. `ret->name` is what was asked for. */
int vrv_catalog_child(struct vrv_catalog *, int64_t dir, const uint8_t *name,
    size_t name_n, struct vrv_catalog_child *ret, struct varve_err *err)
    VRV_MUST;

/* The versions of one name in a directory, by the nominal time of the first
 * archive. None is no error. Memory: all of them. */
int vrv_catalog_versions(struct vrv_catalog *, int64_t dir, const uint8_t *name,
    size_t name_n, vrv_catalog_version_fn *fn, void *arg, struct varve_err *err)
    VRV_MUST;

/* The same in time: runs of archives, by nominal time, in which the entry is
 * the same; `entry.p` is NULL for those that do not have the name. Starts with
 * the first archive that has it. */
int vrv_catalog_periods(struct vrv_catalog *, int64_t dir, const uint8_t *name,
    size_t name_n, vrv_catalog_version_fn *fn, void *arg, struct varve_err *err)
    VRV_MUST;

/* Where a path of a series stands: directory and last name, for the two calls
 * above. "." is the root itself. NOENT if a folder in it never existed. */
int vrv_catalog_resolve(struct vrv_catalog *, const struct vrv_catalog_series *,
    const char *path, int64_t *ret_dir, struct vrv_text *ret_name,
    struct varve_err *err) VRV_MUST;

/* Every version of every name, those of a name one after another, oldest first.
 * Series come by host and label; in each the directories top down by name, the
 * names in a directory before what is below them: the same for every catalog of
 * the same archives. `name` (may be NULL) is asked first. Memory: the versions
 * of one name, and one path. */
struct vrv_catalog_walk {
	bool (*name)(void *arg, struct vrv_text name);
	vrv_catalog_version_fn *fn;
	void *arg;
};
int vrv_catalog_walk(struct vrv_catalog *, const struct vrv_catalog_walk *,
    struct varve_err *err) VRV_MUST;
/* Within the callback of a walk: append the path of the version told. */
int vrv_catalog_join(struct vrv_catalog *, int64_t dir, struct vrv_text name,
    struct vrv_buf *path, struct varve_err *err) VRV_MUST;

/* --- status --- */

struct vrv_catalog_status {
	uint64_t size, archives, dirs, versions;
	struct vrv_time updated;
};
int vrv_catalog_status(struct vrv_catalog *, struct vrv_catalog_status *ret,
    struct varve_err *err) VRV_MUST;
/* CORRUPT if any page is not what was written. Reads everything. */
int vrv_catalog_check(struct vrv_catalog *, struct varve_err *err) VRV_MUST;

#endif
