/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CREATE_SOURCE_H
#define CREATE_SOURCE_H

/*
 * Everything that create asks the source's file system, and the only place
 * where it asks. A failure here is a struct vrv_source_err: a file that is
 * left out and told. It is a type of its own so that it cannot be taken for a
 * repository's error, which forbids the archive, nor the reverse.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "format/tree.h"
#include "os/dir.h"
#include "os/meta.h"

struct vrv_source_err {
	int sys;	    /* errno */
	const char *while_; /* what failed: "open", "read"; a constant */
};

/* Memory and descriptors run out for this process, not in the source: turn
 * such an error, met at `name`, into one of the run. 0 for every other one.
 * EAGAIN is the source's: nothing here starts a thread, while devices and
 * files of sysfs answer so. */
int vrv_source_fatal(const struct vrv_source_err *, const char *name,
    struct varve_err *err) VRV_MUST;

/* The inode flag that says "leave me out of backups" (FS_NODUMP_FL). */
#define VRV_NODUMP 0x40u

/* Which metadata are wanted. */
struct vrv_source_want {
	bool xattrs, acls, flags, atime, nodump_check, read_special;
};

/* An open directory, kept open as long as somebody needs it. */
struct vrv_source_dir {
	atomic_uint refs;
	int fd;
};
struct vrv_source_dir *vrv_source_dir_ref(struct vrv_source_dir *);
void vrv_source_dir_unref(struct vrv_source_dir *);

/* Open the directory `name` below `at` (NULL: the path as it stands), never
 * through a symbolic link. False on failure, here and below. */
bool vrv_source_open_dir(const struct vrv_source_dir *at, const char *name,
    struct vrv_source_dir **ret, struct vrv_source_err *err);
/* Open the directory that a single source lies in, as the user named it: it
 * need not be readable, and links on the way are followed. */
bool vrv_source_open_folder(const char *path, struct vrv_source_dir **ret,
    struct vrv_source_err *err);
/* Open the directory again from one of its children, which must still be in
 * the directory that `st` describes. */
bool vrv_source_open_parent(const struct vrv_source_dir *child,
    const struct vrv_stat *st, struct vrv_source_dir **ret,
    struct vrv_source_err *err);
bool vrv_source_list(const struct vrv_source_dir *, struct vrv_arena *,
    struct vrv_dirent **ret, size_t *ret_n, struct vrv_source_err *err);
/* `name` "": the directory itself. `at` NULL: a path. */
bool vrv_source_stat(const struct vrv_source_dir *at, const char *name,
    struct vrv_stat *ret, struct vrv_source_err *err);
/* The file that the symlink `name` leads to. */
bool vrv_source_stat_target(const struct vrv_source_dir *at, const char *name,
    struct vrv_stat *ret, struct vrv_source_err *err);
/* Do both paths name one file? Not if one of them cannot be looked at. */
bool vrv_source_is_same(const char *a, const char *b);
/* Is the directory `path` the one of that device and inode, or below it? */
bool vrv_source_is_within(const char *path, uint64_t dev, uint64_t inode);
/* The path without symbolic links, or NULL. Free it. */
char *vrv_source_real_path(const char *path);
/* The directory that the path lies in, as text, and with ret_name where its
 * last name begins; NULL when memory ran out. Free it. */
char *vrv_source_folder(const char *path, const char **ret_name);
bool vrv_source_readlink(const struct vrv_source_dir *at, const char *name,
    struct vrv_arena *, const char **ret, struct vrv_source_err *err);

/* A block device, character device or FIFO: what read_special reads. */
bool vrv_source_is_special(enum vrv_kind);

/* Open a regular file. */
bool vrv_source_open_file(const struct vrv_source_dir *at, const char *name,
    int *ret_fd, struct vrv_source_err *err);
/* Open the special file that `st` describes, also through a symlink. A FIFO is
 * opened without waiting for its writer: call vrv_source_await() until it says
 * that reading may begin. */
bool vrv_source_open_special(const struct vrv_source_dir *at, const char *name,
    const struct vrv_stat *st, int *ret_fd, struct vrv_source_err *err);
/* Wait up to `ms` milliseconds until a FIFO has had a writer. Once *ret_ready
 * is true, reads wait for bytes. */
bool vrv_source_await(int fd, int ms, bool *ret_ready,
    struct vrv_source_err *err);
/* Read what comes first: *ret_n is 0 only at the end. */
bool vrv_source_read(int fd, void *to, size_t n, size_t *ret_n,
    struct vrv_source_err *err);
/* Read until `n` bytes are there or the file ends. */
bool vrv_source_pread(int fd, uint64_t at, void *to, size_t n, size_t *ret_n,
    struct vrv_source_err *err);
bool vrv_source_next_data(int fd, uint64_t from, uint64_t size,
    uint64_t *ret_from, uint64_t *ret_to, struct vrv_source_err *err);

/* Extended attributes that are wanted, sorted, in the arena, and inode flags.
 * `name` "" asks the descriptor `fd` itself. ret->lost counts what could not be
 * read. False only if the run is to end or the file has vanished. */
struct vrv_source_meta {
	struct vrv_xattr *xattrs;
	size_t n_xattrs, lost;
	struct vrv_source_err why; /* something is lost; sys 0: see os/meta.h */
	uint32_t iflags;
};
bool vrv_source_meta(int fd, const char *name, enum vrv_kind kind,
    const struct vrv_source_want *, struct vrv_arena *,
    struct vrv_source_meta *ret, struct vrv_source_err *err);
/* The same of a file that is not opened: of its flags those that `st` tells. */
bool vrv_source_meta_at(const struct vrv_source_dir *at, const char *name,
    const struct vrv_stat *st, const struct vrv_source_want *,
    struct vrv_arena *, struct vrv_source_meta *ret,
    struct vrv_source_err *err);

/* Does the file lie on proc or sysfs, where files have content but no size? */
bool vrv_source_is_sizeless(int fd);

/* Does the open file or directory carry the flag VRV_NODUMP? */
bool vrv_source_is_nodump(int fd);

/* Does the directory hold a valid CACHEDIR.TAG (bford.info/cachedir)? What
 * cannot be looked at is none. False only for what vrv_source_fatal() knows,
 * since that says nothing about the directory. */
bool vrv_source_is_cache(const struct vrv_source_dir *, bool *ret,
    struct vrv_source_err *err);
/* Does it hold something of that name? In the same way. */
bool vrv_source_holds(const struct vrv_source_dir *, const char *name,
    bool *ret, struct vrv_source_err *err);

#endif
