/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MOUNT_MOUNT_INTERNAL_H
#define MOUNT_MOUNT_INTERNAL_H

#include <sys/stat.h>

#include <pthread.h>

#include "archive/trees.h"
#include "mount/mount.h"
#include "mount/nodes.h"
#include "repo/framecache.h"
#include "task/task.h"

#define VRV_MOUNT_NAME_MAX 1024 /* the kernel refuses longer ones */

struct vrv_view;
struct vrv_versions;
struct vrv_streams;
struct vrv_damage_log;
struct vrv_session;

/* One mount. Immutable once it answers, but for what locks itself. */
struct vrv_mount {
	struct vrv_repo *repo;
	const struct varve_mount_options *options;
	struct vrv_framecache *cache;
	struct vrv_meta_source source; /* over it */
	struct vrv_nodes *nodes;
	struct vrv_mounted *only;      /* the one archive; NULL: all */
	struct vrv_view *view;	       /* NULL: there is the one archive */
	struct vrv_versions *versions; /* NULL: archives are shown */
	struct vrv_streams *streams;
	struct vrv_damage_log *damage;
	struct vrv_session *session;
	pthread_mutex_t match_lock; /* held while a pattern is asked */
	uint32_t uid, gid;	    /* who mounts */
	uint64_t bytes, files;	    /* of the archive, for statfs */
	bool no_open, no_opendir;   /* the kernel need not ask */
	bool shows_acls;	    /* the kernel goes by them */
};

/* --- seen.c: what stat(2) says --- */

/* An entry of a directory, with what holds its bytes. Zero-initialise. */
struct vrv_seen {
	const struct vrv_dirnode *dir; /* that it is in */
	struct vrv_entry entry;
	struct vrv_chunk_pin pin;
	uint64_t ino; /* if it is not that of its name */
};
/* The entry that a number stands for, which is none that was made. NOENT for a
 * number that was never given. */
int vrv_seen_get(struct vrv_mount *, uint64_t node, struct vrv_seen *ret,
    struct varve_err *err) VRV_MUST;
void vrv_seen_release(struct vrv_mount *, struct vrv_seen *);

void vrv_attr_of_entry(struct vrv_mount *, const struct vrv_dirnode *dir,
    const struct vrv_entry *, struct stat *ret);
/* Of an archive's root folder. */
void vrv_attr_of_archive(struct vrv_mount *, struct vrv_mounted *,
    struct stat *ret);
/* Of any number. */
int vrv_attr_get(struct vrv_mount *, uint64_t node, struct stat *ret,
    struct varve_err *err) VRV_MUST;
/* Owners of an archive as owners here, or NULL: ids stay as they are. Locks
 * the archive; unlock it with vrv_owners_done(). */
struct vrv_owners *vrv_owners_of(struct vrv_mount *, struct vrv_mounted *);
void vrv_owners_done(struct vrv_mounted *);

/* --- folders.c: directories of archives --- */

/* The directory that a number stands for: USAGE if it is none of an archive.
 */
int vrv_folder_get(struct vrv_mount *, uint64_t node,
    const struct vrv_dirnode **ret, struct varve_err *err) VRV_MUST;

/* One name to be told. */
struct vrv_listed {
	const char *name; /* NUL-terminated */
	uint64_t node;	  /* 0: "." or ".." */
	struct stat attr;
	uint64_t next; /* offset of what follows */
	bool changes;  /* may be another thing soon */
};
/* Returns false when there is no more room: this one was not taken. */
typedef bool vrv_list_fn(void *arg, const struct vrv_listed *);
/* Tell what is in the directory from `offset` on, where 0 is "." and 1 "..".
 * What cannot be read is logged; CORRUPT at the end if anything could not. */
int vrv_folder_list(struct vrv_mount *, const struct vrv_dirnode *,
    uint64_t offset, vrv_list_fn *fn, void *arg, struct varve_err *err)
    VRV_MUST;
/* What has that name: `name` and `next` of *ret are not set. */
int vrv_folder_find(struct vrv_mount *, const struct vrv_dirnode *,
    const char *name, struct vrv_listed *ret, struct varve_err *err) VRV_MUST;

/* --- scope.c: PATH and --strip-components --- */

/* Is the entry of the directory shown? */
bool vrv_scope_shows(struct vrv_mount *, const struct vrv_dirnode *,
    const struct vrv_entry *);
/* The path of a child of a directory in its archive: free() it. NULL when
 * memory ran out. */
char *vrv_scope_path(const struct vrv_dirnode *, const uint8_t *name, size_t n);
/* What the root of an archive shows: itself, or with --strip-components the
 * directories at that depth. */
int vrv_scope_sources(struct vrv_mount *, const struct vrv_dirnode *root,
    const struct vrv_dirnode *const **ret, size_t *ret_n, struct varve_err *err)
    VRV_MUST;
/* The record of a directory that is an entry. */
int vrv_scope_visit(struct vrv_mount *, const struct vrv_dirnode *dir,
    uint64_t node, const struct vrv_entry *, struct vrv_dirnode **ret,
    struct varve_err *err) VRV_MUST;

/* --- view.c: the folders around archives --- */

int vrv_view_new(struct vrv_mount *, vrv_mount_select_fn *select,
    void *select_arg, struct vrv_view **ret, struct varve_err *err) VRV_MUST;
void vrv_view_free(struct vrv_view *);
/* The functions below look for new archives first, once a second at most. */
int vrv_view_attr(struct vrv_mount *, struct vrv_made_node, struct stat *ret,
    struct varve_err *err) VRV_MUST;
int vrv_view_list(struct vrv_mount *, struct vrv_made_node, uint64_t offset,
    vrv_list_fn *fn, void *arg, struct varve_err *err) VRV_MUST;
int vrv_view_find(struct vrv_mount *, struct vrv_made_node, const char *name,
    struct vrv_listed *ret, struct varve_err *err) VRV_MUST;
/* Target of a link: free() it. */
int vrv_view_link(struct vrv_mount *, struct vrv_made_node, char **ret,
    struct varve_err *err) VRV_MUST;
/* Bytes and files of all that is shown. */
void vrv_view_size(struct vrv_mount *, uint64_t *ret_bytes,
    uint64_t *ret_files);

/* --- read.c --- */

#define VRV_READ_PIECES 64

/* Bytes of a file, where they lie in the cache, or copied together if they lie
 * in too many places. Zero-initialise. */
struct vrv_pieces {
	struct vrv_chunk_pin pins[VRV_READ_PIECES];
	struct {
		const uint8_t *bytes;
		size_t n;
	} parts[VRV_READ_PIECES];
	size_t n_pins, n_parts;
	size_t size;   /* of all of them */
	uint8_t *flat; /* the only part */
};
/* `n` bytes from `offset`: fewer only at the end of the file. */
int vrv_read(struct vrv_mount *, uint64_t node, uint64_t offset, size_t n,
    struct vrv_pieces *ret, struct varve_err *err) VRV_MUST;
void vrv_pieces_release(struct vrv_mount *, struct vrv_pieces *);

/* lseek(2) with SEEK_DATA or SEEK_HOLE. NOENT: ENXIO. */
int vrv_seek(struct vrv_mount *, uint64_t node, uint64_t offset, bool hole,
    uint64_t *ret, struct varve_err *err) VRV_MUST;

/* --- readahead.c: what reads in sequence --- */

#define VRV_STREAM_EXTENTS 256

struct vrv_run_extent {
	struct vrv_extent extent;
	uint64_t offset;
};

int vrv_streams_new(struct vrv_mount *, struct vrv_streams **ret,
    struct varve_err *err) VRV_MUST;
/* Ends its threads. */
void vrv_streams_free(struct vrv_streams *);
/* The extents that [offset, offset + n) of a file lies in, if they are known:
 * at most `max`; 0 if not. *ret_size is the file's. Opens what follows ahead
 * of time if it is read in sequence. */
size_t vrv_streams_get(struct vrv_streams *, uint64_t node, uint64_t offset,
    size_t n, struct vrv_run_extent *ret, size_t max, uint64_t *ret_size);
/* These are extents of a file from some place on. */
void vrv_streams_put(struct vrv_streams *, uint64_t node, uint64_t size,
    const struct vrv_run_extent *, size_t n);

/* --- xattrs.c --- */

/* The value of an attribute: NOENT if there is none of that name. */
int vrv_xattr_read(struct vrv_mount *, uint64_t node, const char *name,
    struct vrv_buf *ret, struct varve_err *err) VRV_MUST;
/* All names, each with its NUL. */
int vrv_xattr_names(struct vrv_mount *, uint64_t node, struct vrv_buf *ret,
    struct varve_err *err) VRV_MUST;

/* --- rights.c: who may look into a directory --- */

/* Take from a directory what `by`, which is the same one at another time, did
 * not permit. */
void vrv_rights_limit(struct stat *, const struct stat *by);
/* Take from a mode what the entry's access control list does not give to all
 * of group and others: where the list is not shown, the group bits would give
 * its mask to everybody in the group. */
void vrv_rights_of_acl(struct vrv_mount *, const struct vrv_entry *,
    mode_t *mode);

/* --- damage.c --- */

struct vrv_damage_log *vrv_damage_log_new(void) VRV_MUST;
void vrv_damage_log_free(struct vrv_damage_log *);
/* Tell once in a while what is wrong with a node. */
void vrv_damage_tell(struct vrv_mount *, uint64_t node,
    const struct varve_err *why);
/* Tell something else, whatever it is about. */
void vrv_mount_tell(struct vrv_mount *, enum varve_event_type, const char *path,
    const char *message);

/* --- session.c --- */

/*
 * Mount, answer, unmount.
 *
 * Whoever touches the mount point waits for an answer in a way that no signal
 * ends, for as long as any process holds /dev/fuse open. So this process never
 * touches it; and when it cannot answer any longer, for whatever reason, it
 * lets go of the device first: then everybody who waits gets ENOTCONN.
 */
int vrv_session_run(struct vrv_mount *, struct varve_err *err) VRV_MUST;

#endif
