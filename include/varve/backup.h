/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VARVE_BACKUP_H
#define VARVE_BACKUP_H

/* Making an archive. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <varve/archive.h>
#include <varve/error.h>
#include <varve/event.h>
#include <varve/repo.h>

/* How an unchanged file is recognized; Borg's names. */
enum varve_files_cache {
	VARVE_CACHE_CTIME_SIZE_INODE, /* "ctime,size,inode" */
	VARVE_CACHE_MTIME_SIZE_INODE, /* "mtime,size,inode" */
	VARVE_CACHE_CTIME_SIZE,	      /* "ctime,size" */
	VARVE_CACHE_MTIME_SIZE,	      /* "mtime,size" */
	VARVE_CACHE_RECHUNK,	      /* "rechunk,ctime", "rechunk,mtime":
					 read everything */
	VARVE_CACHE_DISABLED	      /* "disabled": the same */
};

enum varve_compression {
	VARVE_COMPRESS_ZSTD,
	VARVE_COMPRESS_NONE,
	VARVE_COMPRESS_AUTO /* zstd where a quick try says that it pays */
};

struct varve_backup_options {
	size_t size;
	const char *name; /* of the archive, placeholders expanded */
	const char *comment, *series; /* NULL: none; made from the sources */
	const char *host, *user;      /* recorded */
	const char *const *args;      /* recorded */
	size_t n_args;
	struct varve_time timestamp; /* with has_timestamp: nominal time */
	bool has_timestamp;

	/* Sources: files and folders as the user gave them. "/./" in a path
	 * cuts off what stands before it in the archive. */
	const char *const *sources;
	size_t n_sources;
	/* Instead of walking `sources`: exactly these, nothing below them.
	 * Returns 0 and a path (valid until the next call), NOENT at the end.
	 */
	int (*next_path)(void *arg, const char **ret, struct varve_err *err);
	void *next_path_arg;
	/* Also store what can be read from this descriptor as a file; -1 or
	 * stdin_name NULL: none. `stdin_wait` (may be NULL) is called at its
	 * end; an error of it forbids the archive. */
	int stdin_fd;
	const char *stdin_name;
	uint32_t stdin_mode;		      /* 0: 0660 */
	const char *stdin_user, *stdin_group; /* names; NULL: root */
	int (*stdin_wait)(void *arg, struct varve_err *err);
	void *stdin_wait_arg;

	varve_match_fn *match;
	void *match_arg;
	bool exclude_caches, exclude_nodump, keep_exclude_tags;
	const char *const *exclude_if_present;
	size_t n_exclude_if_present;

	bool dry_run, one_file_system, read_special;
	bool no_catalog; /* do not bring the catalog up to date */
	bool numeric_ids, no_xattrs, no_acls, no_flags, atime;
	enum varve_files_cache files_cache;
	enum varve_compression compression;
	int level;		      /* of zstd; 0 stands for 3 */
	unsigned threads;	      /* 0: one per processor */
	unsigned checkpoint_interval; /* seconds; 0: 300 */
	/* Share of the stored chunks to be reused that are read, decrypted
	 * and compared with their ids first, in millionths. A damaged chunk
	 * is a PROBLEM and is stored again. */
	uint32_t verify_reused_ppm;

	varve_event_fn *event;
	void *event_arg;
	bool want_files; /* FILE events are wanted */

	/* Asked a few times a second, by a thread of its own, until it says
	 * true: then the run begins nothing more, stores what it has read with
	 * a checkpoint, so that the next run finds it, and returns CANCELLED.
	 * The caller's thread asks too, between the steps before and after the
	 * sources are read. NULL: never. `saved` (may be NULL) is called by
	 * the thread of its own when all of it is stored. Another thread may
	 * still hang in the source then, so that varve_backup() does not
	 * return: a program may end here. */
	bool (*stop)(void *arg);
	void (*saved)(void *arg);
	void *stop_arg;
};
#define VARVE_BACKUP_OPTIONS_INIT                                              \
	{                                                                      \
		.size = sizeof(struct varve_backup_options), .stdin_fd = -1    \
	}

struct varve_backup_result {
	char id[65]; /* logical id; empty for a dry run */
	struct varve_time start, end;
	uint64_t items; /* as varve_archive_walk() tells them */
	uint64_t files; /* those of them that are regular files */
	uint64_t original, deduplicated, compressed, stored, chunks;
	uint64_t warnings; /* paths left out or changed while read */
};

/* 0 also when source files were left out: result->warnings tells. EXISTS (30)
 * if a live archive of that name exists. When it returns 0 the archive is
 * durable. */
VARVE_API int varve_backup(struct varve_repo *,
    const struct varve_backup_options *, struct varve_backup_result *ret,
    struct varve_err *err) VARVE_MUST;

#endif
