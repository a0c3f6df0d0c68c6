/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef EXTRACT_EXTRACT_INTERNAL_H
#define EXTRACT_EXTRACT_INTERNAL_H

/*
 * How a restore works.
 *
 * One thread walks the archive. It makes directories (mode 0700), special
 * files and links to come, and gathers the pieces of regular files into a
 * window. A full window is sorted by pack and frame and handed to the workers,
 * which fetch each frame once and write its pieces, while the walk fills the
 * next window. When a window's workers are done, its hard links are made and
 * the directories that the walk has left by then get their owner, mode and
 * times, deepest first.
 *
 * Memory: two windows of at most VRV_WINDOW_PIECES pieces (72 bytes each, and
 * at worst as many frames at 150 bytes) and VRV_WINDOW_BYTES of names and
 * attributes; per worker a sealed and an opened frame; per group of hard links
 * its path.
 *
 * A regular file has its name only when it is complete, attributes included.
 * One whose bytes lie in one frame is written without a name (O_TMPFILE) and
 * linked; any other has a temporary name, and is locked, until it is renamed.
 * What a killed run leaves of these is swept from the directories that a later
 * one restores into, which passes over what is there and complete.
 *
 * An error of one item is told as a PROBLEM and the restore goes on; one that
 * would hit every item (no space, no memory) ends it.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "archive/owners.h"
#include "archive/trees.h"
#include "extract/extract.h"
#include "extract/fdcache.h"
#include "os/file.h"
#include "os/meta.h"
#include "repo/repeats.h"
#include "repo/repo.h"
#include "util/arena.h"
#include "util/map.h"

#define VRV_WINDOW_PIECES ((size_t)1 << 18)
#define VRV_WINDOW_FIRST ((size_t)1 << 13) /* so that workers start early */
#define VRV_WINDOW_BYTES ((size_t)24 << 20)

struct vrv_windows;
struct vrv_links;

/* --- what an item gets when its content is there --- */

/* Owners are local ids already. The arrays live in an arena. */
struct vrv_attrs {
	uint8_t kind; /* enum vrv_kind */
	bool has_atime;
	uint16_t mode;
	uint32_t uid, gid;
	uint32_t major, minor; /* devices */
	uint32_t iflags;
	uint32_t n_xattrs;
	struct vrv_xattr *xattrs;
	struct vrv_time mtime, atime;
};

/* --- directories of the target (restore_dir.c) --- */

struct vrv_folder {
	struct vrv_held held;	   /* first: see folder_of() */
	struct vrv_folder *parent; /* NULL: the target itself */
	struct vrv_folder *next;   /* in a window's list of left ones */
	bool made;	/* by this run: nothing can be in the way in it */
	bool lost;	/* could not be made: nothing in it is restored */
	bool is_way;	/* if it was there before, it is left as it is */
	bool acl;	/* what is made in it inherits an ACL */
	bool has_attrs; /* else it is left as it is */
	bool widened;	/* by this run, which then has to set these: */
	uint16_t old_mode;
	struct vrv_time old_mtime;
	uint64_t dev;	     /* file system of the target */
	uint32_t filesystem; /* number of the source's, for hard links */
	struct vrv_attrs attrs;
	struct vrv_arena arena; /* of attrs */
	size_t name_n;
	char name[];
};

struct vrv_folders {
	pthread_mutex_t lock; /* cache, and `held` of every folder */
	struct vrv_fdcache cache;
	struct vrv_folder *root;
};

/* --- regular files (restore_file.c) --- */

struct vrv_outfile {
	struct vrv_held held; /* under vrv_outfiles.lock, like `started` */
	struct vrv_folder *folder;
	const char *name;
	struct vrv_group_first
	    *group; /* of hard links that it leads, or NULL */
	struct vrv_attrs attrs;
	uint64_t size;
	uint32_t n_pieces;
	bool holes;
	bool replace; /* something is in its place, which it may replace */
	bool whole;   /* all its pieces are in one window */
	bool started; /* there is a temporary file, to be finished or removed */
	bool own;     /* may span windows: a block and an arena of its own */
	bool ended;
	atomic_bool failed;
	/* Pieces not yet written, and one more while the walk adds some. Who
	 * takes it to 0 finishes the file. */
	atomic_uint_fast64_t missing;
	struct vrv_outfile *next; /* in its window's list */
	struct vrv_arena arena;
	char temporary[VRV_NEWFILE_NAME];
};

struct vrv_outfiles {
	pthread_mutex_t lock;
	struct vrv_fdcache cache;
	atomic_bool no_unnamed; /* the file system has no O_TMPFILE */
};

/* --- the run --- */

struct vrv_restore {
	/* Immutable while workers run. */
	struct vrv_repo *repo;
	const struct varve_restore_options *options;
	struct vrv_failures *failures; /* frames that no reader reads again */
	bool is_root; /* may give files away and make devices */
	uint32_t uid, gid;
	struct vrv_folders folders;
	struct vrv_outfiles files;
	/* Of the thread that walks. */
	bool located_again; /* the index was brought up to date by this run */
	struct vrv_reader *reader;
	struct vrv_meta_source source;
	struct vrv_owners *owners;
	struct vrv_links *links;
	struct vrv_windows *windows;
	/* What the caller is told. */
	pthread_mutex_t tell; /* the rest, and the caller's events */
	struct varve_restore_result result;
	struct varve_progress progress;
	uint64_t next_progress; /* when it is due */
	struct vrv_repeats repeats;
};

/* --- telling (restore_report.c); any thread --- */

/* An item could not be restored: a PROBLEM, and 0; or, if every other item
 * would fail the same way, the code of `err`. */
int vrv_restore_failed(struct vrv_restore *, const struct vrv_folder *,
    const char *name, struct varve_err *err) VRV_MUST;
/* The same for a path of the archive. */
int vrv_restore_failed_path(struct vrv_restore *, const char *path,
    struct varve_err *err) VRV_MUST;
/* It was restored, but not in this detail. The first of each `kind` and cause
 * is shown, later ones are counted (repo/repeats.h). */
void vrv_restore_warn(struct vrv_restore *, const struct vrv_folder *,
    const char *name, const char *kind, const struct varve_err *why);
void vrv_restore_list(struct vrv_restore *, const char *path, uint8_t kind,
    bool hard_link);
/* Count work done on `name` (may be NULL) in a folder, and report progress if
 * it is due. */
void vrv_restore_add(struct vrv_restore *, const struct vrv_folder *,
    const char *name, uint64_t files, uint64_t bytes);
/* The same for a path of the archive. */
void vrv_restore_add_path(struct vrv_restore *, const char *path,
    uint64_t files, uint64_t bytes);
/* The last progress, and how many warnings were not shown. */
void vrv_restore_finished(struct vrv_restore *);

/* --- directories (restore_dir.c) --- */

int vrv_folders_init(struct vrv_folders *, const char *target,
    struct varve_err *err) VRV_MUST;
void vrv_folders_fini(struct vrv_folders *);
/* A folder below `parent`, not yet made. NULL when memory ran out. */
struct vrv_folder *vrv_folder_new(struct vrv_folder *parent, const char *name,
    size_t name_n) VRV_MUST;
/* Closed and freed; what is below it must be gone. */
void vrv_folder_free(struct vrv_folders *, struct vrv_folder *);
/* Make it with mode 0700, or find that it is there. With the option overwrite
 * one of ours that we may not write to gets the mode for it until it is
 * finished or freed. */
int vrv_folder_make(struct vrv_restore *, struct vrv_folder *,
    struct varve_err *err) VRV_MUST;
/* A descriptor that stays open until it is unpinned. Any thread. */
int vrv_folder_pin(struct vrv_folders *, struct vrv_folder *, int *ret_fd,
    struct varve_err *err) VRV_MUST;
void vrv_folder_unpin(struct vrv_folders *, struct vrv_folder *);
/* Give it its attributes, or the mode of one that the archive does not
 * describe; one that was there and is not to be changed, what it had. */
int vrv_folder_finish(struct vrv_restore *, struct vrv_folder *,
    struct varve_err *err) VRV_MUST;
/* Path below the target of `name` (may be NULL) in it: free(). NULL when
 * memory ran out. */
char *vrv_folder_path(const struct vrv_folder *, const char *name) VRV_MUST;

/* --- attributes (restore_meta.c) --- */

/* Decode what `entry` says, owners made local. Long values of xattrs are
 * fetched; one that is damaged is left out and told. */
int vrv_attrs_read(struct vrv_restore *, const struct vrv_entry *entry,
    const struct vrv_folder *, const char *name, struct vrv_arena *arena,
    struct vrv_attrs *ret, struct varve_err *err) VRV_MUST;
/* Set all but inode flags: of `at` below `dirfd`, or of `dirfd` itself with
 * `at` "". `folder` and `name` are for messages. Any thread. */
void vrv_attrs_apply(struct vrv_restore *, const struct vrv_attrs *, int dirfd,
    const char *at, const struct vrv_folder *, const char *name);
/* Set inode flags, after which the file may be immutable. */
void vrv_attrs_apply_flags(struct vrv_restore *, const struct vrv_attrs *,
    int dirfd, const char *at, const struct vrv_folder *, const char *name);
/* Is the extended attribute of that name to be restored? */
bool vrv_attr_wanted(const struct vrv_restore *, const char *name);

/* --- comparing attributes (restore_check.c) --- */

#define VRV_SET_ID_BITS 06000

/* The setting of one item's attributes, of `at` below `dirfd`, and which of
 * them the system took: what it refused is reported already. */
struct vrv_setting {
	struct vrv_restore *run;
	const struct vrv_attrs *attrs;
	int dirfd;
	const char *at;
	const struct vrv_folder *folder; /* with `name`: for messages */
	const char *name;
	uint16_t mode; /* attrs->mode, less what may not be set */
	bool owner, has_mode, times;
};
/* Read owner, mode and times back. File systems clamp times, squash owners and
 * ignore modes without an error: report each difference. */
void vrv_read_back(const struct vrv_setting *);
/* The same for an extended attribute that was set: 0, or an error to report. */
int vrv_read_back_xattr(const struct vrv_setting *, const struct vrv_xattr *,
    struct varve_err *err) VRV_MUST;
/* Does what `st` and the xattrs of `name` say equal the attributes? */
bool vrv_attrs_equal(struct vrv_restore *, const struct vrv_attrs *,
    const struct vrv_stat *st, int dirfd, const char *name);

/* --- files (restore_file.c); any thread --- */

/* Write `n` bytes at `offset`; the first call makes the file, under a
 * temporary name. */
int vrv_outfile_write(struct vrv_restore *, struct vrv_outfile *,
    uint64_t offset, const uint8_t *bytes, size_t n, struct varve_err *err)
    VRV_MUST;
/* Take `n` pieces off what is missing; finish the file with the last. */
int vrv_outfile_done(struct vrv_restore *, struct vrv_outfile *, uint64_t n,
    struct varve_err *err) VRV_MUST;
/* The file cannot be completed: remove it and tell `err` (once); 0, or the
 * code of an error that ends the restore. */
int vrv_outfile_fail(struct vrv_restore *, struct vrv_outfile *,
    struct varve_err *err) VRV_MUST;
/* Remove what is there of a file that will not be finished. */
void vrv_outfile_abandon(struct vrv_restore *, struct vrv_outfile *);

/* Make, write and finish a file whose pieces are all at hand. */
struct vrv_run {
	const uint8_t *bytes;
	size_t n;
	uint64_t offset;
};
int vrv_outfile_whole(struct vrv_restore *, struct vrv_outfile *,
    const struct vrv_run *runs, uint32_t n, struct varve_err *err) VRV_MUST;

/* Write a file again whose pieces are read in order: thread that walks. */
int vrv_outfile_again(struct vrv_restore *, const struct vrv_entry *,
    struct vrv_folder *, const char *name, struct vrv_group_first *,
    struct varve_err *err) VRV_MUST;

/* --- what is in the way (restore_node.c); thread that walks --- */

enum vrv_way {
	VRV_WAY_CLEAR,	/* nothing is there */
	VRV_WAY_RENAME, /* it will be replaced by renaming over it */
	VRV_WAY_EQUAL /* it is what would be restored: an earlier run did it */
};
/* EXISTS when something else is there and may not be replaced. `size` and
 * `target` are what the item should have. *ret_st is filled for EQUAL. A
 * regular file is equal with all its attributes; of others, which are made
 * before they get theirs, only what they are is compared. */
int vrv_way_look(struct vrv_restore *, struct vrv_folder *, const char *name,
    const struct vrv_attrs *, uint64_t size, const char *target,
    enum vrv_way *ret, struct vrv_stat *ret_st, struct varve_err *err) VRV_MUST;

/* Make a symbolic link, FIFO or device with its attributes; of an equal one,
 * set them. */
struct vrv_node {
	struct vrv_folder *folder;
	const char *name, *target;
	struct vrv_attrs attrs;
	struct vrv_group_first *group;
};
int vrv_node_make(struct vrv_restore *, const struct vrv_node *, enum vrv_way,
    struct varve_err *err) VRV_MUST;

/* --- hard links (links.c); thread that walks --- */

/* The first name of a group. Belongs to the run. */
struct vrv_group_first {
	struct vrv_group_first *next;
	atomic_bool there; /* finished: the rest is set */
	uint64_t dev, inode;
	uint64_t content; /* what all of them must have in common */
	char *path;
	uint32_t late_flags; /* may forbid links: set when all are made */
};

/* Its first name is there, and leads to this file. */
void vrv_group_there(struct vrv_group_first *, const struct vrv_stat *);

int vrv_links_new(struct vrv_links **ret, struct varve_err *err) VRV_MUST;
void vrv_links_free(struct vrv_links *);
/* The group of an entry with more than one name; *ret_first: this is its first
 * name here. NULL group: it only looks like one of a group. */
int vrv_links_find(struct vrv_restore *, const struct vrv_entry *,
    const struct vrv_folder *, const char *name, struct vrv_group_first **ret,
    bool *ret_first, struct varve_err *err) VRV_MUST;
/* From now on `name` in `folder`, not yet there, is the group's first. */
int vrv_links_lead(struct vrv_restore *, struct vrv_group_first *,
    const struct vrv_folder *folder, const char *name, struct varve_err *err)
    VRV_MUST;
/* Inode flags that forbid further links, at the very end. */
void vrv_links_finish(struct vrv_restore *);
/* Is `name` another name of the group's first already? */
bool vrv_links_is_made(struct vrv_restore *, const struct vrv_group_first *,
    struct vrv_folder *, const char *name);
/* Make `name` another name of the group's first: 0 when it is. */
int vrv_links_make(struct vrv_restore *, const struct vrv_group_first *,
    struct vrv_folder *, const char *name, bool replace, struct varve_err *err)
    VRV_MUST;

/* --- planning (plan.c) --- */

/* A run of a file's bytes that is one chunk. */
struct vrv_piece {
	uint8_t id[VRV_ID_SIZE];
	struct vrv_outfile *file;
	uint64_t offset;
	uint32_t length;
	uint32_t frame;	  /* number in the plan */
	uint32_t ordinal; /* of the chunk in its frame */
};

/* One frame and the pieces in it: order[first .. first + n). */
struct vrv_frame_job {
	struct vrv_location at;
	uint32_t first, n;
};

/* Finds where a chunk lies: vrv_repo_locate() or a test's own. */
typedef int vrv_find_fn(void *arg, const uint8_t *id, struct vrv_location *ret,
    uint32_t max, uint32_t *ret_n, struct varve_err *err);

/* Pieces sorted by where they lie. Zero-initialise. */
struct vrv_plan {
	struct vrv_piece *pieces;
	size_t n_pieces, cap_pieces;
	struct vrv_frame_job *jobs; /* in the order of packs once sorted */
	size_t n_jobs, cap_jobs;
	uint32_t *order;
	struct vrv_map *by_frame; /* frame -> number of its job */
};
void vrv_plan_fini(struct vrv_plan *);
/* Add a piece whose chunk is located by `find`. A copy in a frame that is
 * planned already is preferred. CORRUPT if there is none. */
int vrv_plan_add(struct vrv_plan *, const struct vrv_piece *, vrv_find_fn *find,
    void *arg, struct varve_err *err) VRV_MUST;
/* Sort jobs by pack and frame; within a frame pieces keep their order. */
int vrv_plan_sort(struct vrv_plan *, struct varve_err *err) VRV_MUST;

/* --- windows (window.c); thread that walks --- */

int vrv_windows_new(struct vrv_restore *, struct vrv_windows **ret,
    struct varve_err *err) VRV_MUST;
/* Abandons what is not finished. */
void vrv_windows_free(struct vrv_windows *);
/* Add anything but a directory. A regular file's content is planned; hard
 * links are made once their first name is there; the rest is made at once.
 * *ret_linked: it will be a hard link. */
int vrv_windows_add(struct vrv_windows *, const struct vrv_entry *,
    struct vrv_folder *, const char *name, bool *ret_linked,
    struct varve_err *err) VRV_MUST;
/* The walk will not come back to this folder; it is freed when finished. */
void vrv_windows_left(struct vrv_windows *, struct vrv_folder *take_folder);
/* Finish everything. */
int vrv_windows_end(struct vrv_windows *, struct varve_err *err) VRV_MUST;

/* --- reading what is planned (fetch.c) --- */

/* A worker's means; confined to its thread. */
struct vrv_fetcher;
int vrv_fetcher_new(struct vrv_restore *, struct vrv_fetcher **ret,
    struct varve_err *err) VRV_MUST;
void vrv_fetcher_free(struct vrv_fetcher *);
/* Fetch the frame of a job and write its pieces. */
int vrv_fetcher_do(struct vrv_fetcher *, const struct vrv_plan *,
    const struct vrv_frame_job *, struct varve_err *err) VRV_MUST;

/* --- to standard output (to_stdout.c) --- */

int vrv_extract_to_fd(struct vrv_restore *, const struct vrv_walk_item *,
    struct varve_err *err) VRV_MUST;

/* --- content in order (content.c) --- */

typedef int vrv_piece_fn(void *arg, uint64_t offset, const uint8_t *bytes,
    uint64_t n, struct varve_err *err);
/* Give the content of a file piece by piece; a hole has `bytes` NULL. */
int vrv_content_each(struct vrv_restore *, const uint8_t *content,
    size_t content_n, uint64_t size, vrv_piece_fn *fn, void *arg,
    struct varve_err *err) VRV_MUST;

#endif
