/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VARVE_ARCHIVE_H
#define VARVE_ARCHIVE_H

/* The archives of a repository and what they contain. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <varve/error.h>
#include <varve/event.h>
#include <varve/repo.h>

struct varve_archive {
	char id[65]; /* logical id, hex: for life, whatever the name */
	uint32_t revision;
	const char *name, *comment, *series, *host, *user, *cwd, *software;
	const char *const *args; /* command line of the run that made it */
	size_t n_args;
	uint64_t args_cut;	   /* how many more it had */
	struct varve_time nominal; /* what --timestamp said, else start */
	struct varve_time start, end;
	int32_t utc_offset; /* of the client, seconds east */
	uint64_t files, original, deduplicated, stored, chunks;
	bool warnings; /* something was left out: see varve_archive_skipped() */
	/* A retired key signed it and no admin vouches for it: it can be read,
	 * but not be deleted or renamed. */
	bool unvouched;
	/* How it was cut: enum varve_chunker, or a later method. */
	uint32_t chunk_method, chunk_min, chunk_average, chunk_max;
	const void *handle; /* the library's own */
};

/* All live archives, oldest (nominal time) first. Owned:
 * varve_archive_list_free(). Objects that cannot be read are reported as
 * PROBLEM events of the open options and left out; *ret_damaged counts them. */
struct varve_archive_list {
	struct varve_archive *items;
	size_t n;
	size_t damaged;
	/* Of them, what the system refused to read, which may be whole; of
	 * that, for want of permission. */
	size_t unread, denied;
};
VARVE_API int varve_archive_list(struct varve_repo *,
    struct varve_archive_list **ret, struct varve_err *err) VARVE_MUST;
VARVE_API void varve_archive_list_free(struct varve_archive_list *);

/* Means the newest archive that is not unvouched wherever an archive is
 * named, unless one really has this name; none should get it. */
#define VARVE_LATEST "latest"

/* The one archive that `name` means: a name, or "aid:" and at least 8 digits
 * of an id, or VARVE_LATEST. NOENT if there is none (exit status 31; if some
 * cannot be read, 90, 21 or 2, as their cause is, since it may be one of them);
 * USAGE if several have the name, with their ids in the message. `ret` is in
 * the list. */
VARVE_API int varve_archive_find(const struct varve_archive_list *,
    const char *name, const struct varve_archive **ret,
    struct varve_err *err) VARVE_MUST;

/* --- content --- */

enum varve_kind {
	VARVE_FILE = 1,
	VARVE_DIR = 2,
	VARVE_SYMLINK = 3,
	VARVE_FIFO = 4,
	VARVE_SOCKET = 5,
	VARVE_CHAR = 6,
	VARVE_BLOCK = 7
};

struct varve_xattr {
	const char *name;
	const void *value;
	size_t size;
};

struct varve_item {
	const char *path; /* without leading slash; "." for the root itself */
	enum varve_kind kind;
	uint32_t mode; /* permission bits with set-id and sticky */
	uint32_t uid, gid;
	const char *user, *group; /* NULL if no name was stored */
	uint64_t size;		  /* of a file; length of a link's target */
	struct varve_time mtime, ctime, atime, btime;
	bool has_atime, has_btime;
	uint64_t inode;
	bool linked;		/* had more than one hard link */
	const char *hardlink;	/* first path of its group in this walk, or
				   NULL if this is it */
	const char *target;	/* of a symbolic link */
	uint32_t major, minor;	/* of a device */
	uint32_t flags;		/* inode flags (FS_IOC_GETFLAGS) */
	uint64_t chunks, holes; /* of a file */
	bool changed;		/* changed while it was read */
	const struct varve_xattr *xattrs;
	size_t n_xattrs;
};

/* Returns 0 to go on; any other value ends the walk, which returns it. */
typedef int varve_item_fn(void *arg, const struct varve_item *,
    struct varve_err *err);

struct varve_walk_options {
	size_t size;
	varve_match_fn *match; /* or NULL: everything */
	void *match_arg;
	bool with_xattrs; /* fill xattrs: may read more */
	bool with_chunks; /* fill chunks and holes: may read more */
};
#define VARVE_WALK_OPTIONS_INIT                                                \
	{                                                                      \
		.size = sizeof(struct varve_walk_options)                      \
	}

/* Every item of an archive in the order of its tree: a directory stands
 * before what it holds, names sorted by bytes. */
VARVE_API int varve_archive_walk(struct varve_repo *,
    const struct varve_archive *, const struct varve_walk_options *,
    varve_item_fn *fn, void *arg, struct varve_err *err) VARVE_MUST;

/* Paths that the run left out, and why. */
typedef int varve_skipped_fn(void *arg, const char *path, const char *why,
    struct varve_err *err);
VARVE_API int varve_archive_skipped(struct varve_repo *,
    const struct varve_archive *, varve_skipped_fn *fn, void *arg,
    struct varve_err *err) VARVE_MUST;

/* --- changes --- */

/* Delete: stores a tombstone; nothing is freed until a later compact. */
VARVE_API int varve_archive_delete(struct varve_repo *,
    const struct varve_archive *const *archives, size_t n,
    struct varve_err *err) VARVE_MUST;

/* May a new archive have this name? USAGE with the reason if it is empty, ".",
 * "..", VARVE_LATEST or an id ("aid:..."), begins or ends with a blank, is not
 * valid UTF-8, or holds a slash or a control character. Archives that were
 * stored with such a name can be read, renamed and deleted. */
VARVE_API int varve_archive_name_check(const char *name,
    struct varve_err *err) VARVE_MUST;

/* Store the next revision under another name. USAGE as
 * varve_archive_name_check(). EXISTS (30) if a live archive
 * has it. */
VARVE_API int varve_archive_rename(struct varve_repo *,
    const struct varve_archive *, const char *name,
    struct varve_err *err) VARVE_MUST;

/* --- differences --- */

enum varve_change {
	VARVE_CHANGE_ADDED = 1u << 0,
	VARVE_CHANGE_REMOVED = 1u << 1,
	VARVE_CHANGE_CONTENT = 1u << 2,
	VARVE_CHANGE_KIND = 1u << 3,
	VARVE_CHANGE_TARGET = 1u << 4, /* of a symbolic link */
	VARVE_CHANGE_MODE = 1u << 5,
	VARVE_CHANGE_OWNER = 1u << 6,
	VARVE_CHANGE_MTIME = 1u << 7,
	VARVE_CHANGE_CTIME = 1u << 8,
	VARVE_CHANGE_XATTRS = 1u << 9,
	VARVE_CHANGE_FLAGS = 1u << 10,
	VARVE_CHANGE_DEVICE = 1u << 11
};

struct varve_difference {
	const char *path;
	unsigned changes;	      /* enum varve_change */
	const struct varve_item *old; /* NULL if added */
	const struct varve_item *new; /* NULL if removed */
	uint64_t added, removed;      /* bytes of chunks only one side has */
};
typedef int varve_difference_fn(void *arg, const struct varve_difference *,
    struct varve_err *err);

struct varve_diff_options {
	size_t size;
	varve_match_fn *match;
	void *match_arg;
	bool content_only; /* not mode, owner, times, xattrs, flags */
	bool numeric_ids;  /* compare ids, not names */
};
#define VARVE_DIFF_OPTIONS_INIT                                                \
	{                                                                      \
		.size = sizeof(struct varve_diff_options)                      \
	}

/* What differs, sorted by path. Reads only trees that differ. */
VARVE_API int varve_archive_diff(struct varve_repo *,
    const struct varve_archive *a, const struct varve_archive *b,
    const struct varve_diff_options *, varve_difference_fn *fn, void *arg,
    struct varve_err *err) VARVE_MUST;

#endif
