/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VARVE_CATALOG_H
#define VARVE_CATALOG_H

/*
 * The catalog: which archives hold which version of a path.
 *
 * A database in the cache folder of the repository, which holds names, sizes
 * and times in clear (mode 0600) and can be made anew from the trees at any
 * time. One that is damaged, of another version or of another repository is
 * rebuilt without a message; if it cannot be written, a NOTE says so and a
 * temporary catalog is used. Each function brings it up to date itself,
 * where it does not say otherwise.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <varve/archive.h>
#include <varve/error.h>
#include <varve/event.h>
#include <varve/repo.h>

struct varve_catalog;

struct varve_catalog_options {
	size_t size;
	/* Which series are covered: those of this host as backups record it
	 * (NULL: none for that), those that `series` (may be NULL) says, and
	 * all that were covered before. */
	const char *host;
	bool (*series)(void *arg, const struct varve_archive *);
	void *series_arg;
	bool no_update;	       /* take the catalog as it is */
	varve_event_fn *event; /* INFO; NOTE for what cannot be catalogued */
	void *event_arg;
};
#define VARVE_CATALOG_OPTIONS_INIT                                             \
	{                                                                      \
		.size = sizeof(struct varve_catalog_options)                   \
	}

struct varve_catalog_change {
	uint64_t archives; /* catalogued now */
	uint64_t entries;  /* of their new directories, looked at */
	uint64_t removed;  /* archives that are gone from the repository */
	uint64_t failed;   /* archives that could not be read */
	double seconds;
};

/* Open the catalog and bring it up to date with `list`, which must stay; so
 * must `options` and what they point to. An archive of which a directory
 * cannot be read is left out (a NOTE event tells) and tried again next time. */
VARVE_API int varve_catalog_open(struct varve_repo *,
    const struct varve_archive_list *list,
    const struct varve_catalog_options *options, struct varve_catalog **ret,
    struct varve_err *err) VARVE_MUST;
VARVE_API void varve_catalog_close(struct varve_catalog *); /* NULL is fine */

/* Throw it away and catalog all covered series from their trees. Fails with the
 * reason why if the catalog is a temporary one. */
VARVE_API int varve_catalog_rebuild(struct varve_catalog *,
    struct varve_catalog_change *ret, struct varve_err *err) VARVE_MUST;

/* Remove the catalog of a repository; *ret_was tells if there was one. */
VARVE_API int varve_catalog_drop(struct varve_repo *, bool *ret_was,
    struct varve_err *err) VARVE_MUST;

/* --- versions --- */

/* One version of a path: an entry that is equal in every archive of it. */
struct varve_version {
	const char *path;
	const struct varve_item *item; /* without xattrs, hardlink, handle */
	/* Equal ids mean equal content; "" for what has none. The first digits
	 * of the id of the only chunk of a file, else of a checksum over its
	 * list of chunks, or over the target of a link. */
	char content[17];
	/* The oldest and the newest archive that hold it, in `list`, and how
	 * many do: perhaps not all between the two. */
	const struct varve_archive *first, *last;
	uint64_t archives;
};

/* Returns 0 to go on; any other value ends the call, which returns it. What it
 * is given holds during the call. */
typedef int varve_version_fn(void *arg, const struct varve_version *,
    struct varve_err *err);

struct varve_find_options {
	size_t size;
	/* Each may be NULL; asked in this order, each only if the one before
	 * said true. `name` is the last part of the path. */
	bool (*name)(void *arg, const char *name);
	bool (*item)(void *arg, const struct varve_item *); /* path is NULL */
	bool (*path)(void *arg, const char *path, bool is_dir);
	void *arg;
	/* Only these archives count; NULL: all. */
	bool (*archive)(void *arg, const struct varve_archive *);
	void *archive_arg;
	bool want_owners; /* fill names of users and groups: may read more */
};
#define VARVE_FIND_OPTIONS_INIT                                                \
	{                                                                      \
		.size = sizeof(struct varve_find_options)                      \
	}

/* Each version that matches, once, those of a path one after another, in no
 * order that means anything. Memory: the versions of one path, the names of
 * the folders with a match, and 16 bytes for each version told. */
VARVE_API int varve_catalog_find(struct varve_catalog *,
    const struct varve_find_options *, varve_version_fn *fn, void *arg,
    struct varve_err *err) VARVE_MUST;

/* A run of archives of a series, one after another in time, that hold the same
 * version of a path; or, with `version.item` NULL, that do not hold it. */
struct varve_period {
	unsigned number; /* of those with a version, from 1 over all series */
	struct varve_version version;
};
typedef int varve_period_fn(void *arg, const struct varve_period *,
    struct varve_err *err);

/* What became of one path, series by series, oldest first; what was before it
 * first existed is left out. Only archives that `wanted` (NULL: all) says
 * count. NOENT (exit status 2) if it is in no archive. Memory: the versions of
 * that path. */
VARVE_API int varve_catalog_history(struct varve_catalog *, const char *path,
    bool (*wanted)(void *arg, const struct varve_archive *), void *wanted_arg,
    varve_period_fn *fn, void *arg, struct varve_err *err) VARVE_MUST;

/* --- status --- */

struct varve_catalog_series {
	const char *host, *label;
	uint64_t catalogued, archives; /* in the catalog, in the repository */
};
struct varve_catalog_status {
	const char *path;
	bool exists;   /* the others are 0 if it does not */
	uint64_t size; /* bytes */
	uint64_t archives, dirs, versions;
	struct varve_time updated; /* the last change */
	bool whole;		   /* every page is what was written */
	const char *damage;	   /* else: what is wrong */
	/* All series of the repository. */
	const struct varve_catalog_series *series;
	size_t n_series;
};
/* Look at the catalog, reading all of it, and change nothing. Owned:
 * varve_catalog_status_free(). */
VARVE_API int varve_catalog_status(struct varve_repo *,
    const struct varve_archive_list *list, struct varve_catalog_status **ret,
    struct varve_err *err) VARVE_MUST;
VARVE_API void varve_catalog_status_free(struct varve_catalog_status *);

#endif
