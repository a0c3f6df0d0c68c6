/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/file.h"

#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os/dir.h"
#include "os/os_internal.h"
#include "os/place.h"
#include "util/hex.h"
#include "util/mem.h"

#define RANDOM_BYTES 16
#define PREFIX ".varve-"
#define SUFFIX ".tmp"
#define DIGITS (2 * (size_t)RANDOM_BYTES)
#define NAME_LEN (strlen(PREFIX) + DIGITS + strlen(SUFFIX))

/* A sweeper can meet a new file before its lock is taken. */
#define TRIES 100

/* The age of an abandoned file where locks do not tell. */
#define AGE_MAX (24 * 60 * 60)

#ifndef SMB2_SUPER_MAGIC
#define SMB2_SUPER_MAGIC 0xFE534D42
#endif
#ifndef CIFS_SUPER_MAGIC
#define CIFS_SUPER_MAGIC 0xFF534D42
#endif

/* 0, or an errno. */
static int
lock(int fd, int operation)
{
	while (flock(fd, operation | LOCK_NB) != 0) {
		if (errno != EINTR)
			return errno;
	}
	return 0;
}

/* Does the name still lead to the open file? */
static bool
has_name(const struct vrv_newfile *file)
{
	struct stat open_file, named;

	return fstat(file->fd, &open_file) == 0 &&
	    fstatat(file->dir, file->name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	    open_file.st_dev == named.st_dev &&
	    open_file.st_ino == named.st_ino;
}

int
vrv_newfile_name(char ret[VRV_NEWFILE_NAME], struct varve_err *err)
{
	uint8_t bytes[RANDOM_BYTES];
	char digits[DIGITS + 1];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return vrv_fail_sys(err, errno, "getrandom");
	vrv_hex(digits, bytes, sizeof(bytes));
	snprintf(ret, VRV_NEWFILE_NAME, PREFIX "%s" SUFFIX, digits);
	return 0;
}

void
vrv_newfile_hold(int fd)
{
	(void)lock(fd, LOCK_EX);
}

static int
open_random(int dir, mode_t mode, struct vrv_newfile *ret,
    struct varve_err *err)
{
	*ret = (struct vrv_newfile){.dir = dir, .fd = -1};
	int rc = vrv_newfile_name(ret->name, err);
	if (rc != 0)
		return rc;
	return vrv_os_open(dir, ret->name, O_WRONLY | O_CREAT | O_EXCL, mode,
	    &ret->fd, err);
}

int
vrv_newfile_open(int dir, mode_t mode, struct vrv_newfile *ret,
    struct varve_err *err)
{
	for (int tries = 0; tries < TRIES; tries++) {
		struct vrv_newfile file;
		int rc = open_random(dir, mode, &file, err);

		if (rc != 0)
			return vrv_ctx(err, "temporary file");
		/* Without locks the sweeper goes by age. */
		if (lock(file.fd, LOCK_EX) != EWOULDBLOCK && has_name(&file)) {
			*ret = file;
			return 0;
		}
		vrv_newfile_abort(&file);
	}
	return vrv_fail(err, VARVE_IO,
	    "temporary file: another process removed %d in a row", TRIES);
}

void
vrv_newfile_abort(struct vrv_newfile *file)
{
	/* The name first: it is locked as long as it exists. */
	(void)unlinkat(file->dir, file->name, 0);
	if (file->fd >= 0)
		(void)close(vrv_steal_fd(&file->fd));
}

int
vrv_newfile_close(int *fd, struct varve_err *err)
{
	int held = fcntl(*fd, F_DUPFD_CLOEXEC, 0);

	if (held < 0)
		return vrv_fail_sys(err, errno, "dup");
	int rc = vrv_os_close(*fd, err);
	*fd = held;
	return rc;
}

/* Put the bytes on stable storage and report what close reports. The lock
 * stays until the file has its final name. On failure the file is gone. */
static int
settle(struct vrv_newfile *file, struct varve_err *err)
{
	int rc = vrv_os_fsync(file->fd, err);

	if (rc == 0)
		rc = vrv_newfile_close(&file->fd, err);
	if (rc != 0)
		vrv_newfile_abort(file);
	return rc;
}

static int
link_to(struct vrv_newfile *file, int to, const char *path)
{
	if (vrv_os_linkat(file->dir, file->name, to, path, 0) == 0) {
		(void)unlinkat(file->dir, file->name, 0);
		return 0;
	}
	/* The FAT family has no links, but can rename without overwriting;
	 * NFS is the other way round. */
	if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS)
		return -1;
	if (renameat2(file->dir, file->name, to, path, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	return vrv_os_rename_unless_there(file->dir, file->name, to, path);
}

int
vrv_newfile_link(struct vrv_newfile *file, int to, const char *path,
    struct varve_err *err)
{
	int rc = settle(file, err);
	if (rc != 0)
		return rc;

	if (link_to(file, to, path) != 0) {
		rc = vrv_fail_sys(err, errno, "link");
		vrv_newfile_abort(file);
		return rc;
	}
	(void)close(vrv_steal_fd(&file->fd));
	rc = vrv_os_sync_parent(to, path, err);
	if (rc != 0)
		(void)unlinkat(to, path, 0);
	return rc;
}

int
vrv_newfile_replace(struct vrv_newfile *file, int to, const char *path,
    struct varve_err *err)
{
	int rc = settle(file, err);
	if (rc != 0)
		return rc;

	if (renameat(file->dir, file->name, to, path) != 0) {
		rc = vrv_fail_sys(err, errno, "rename");
		vrv_newfile_abort(file);
		return rc;
	}
	(void)close(vrv_steal_fd(&file->fd));
	return vrv_os_sync_parent(to, path, err);
}

typedef int finish_fn(struct vrv_newfile *, int to, const char *path,
    struct varve_err *err);

static int
write_file(int dir, const char *path, mode_t mode, const void *bytes, size_t n,
    finish_fn *finish, struct varve_err *err)
{
	struct vrv_newfile file;
	const char *leaf;
	vrv_auto_fd parent = -1;

	int rc = vrv_os_open_parent(dir, path, &parent, &leaf, err);
	if (rc == 0)
		rc = vrv_newfile_open(parent, mode, &file, err);
	if (rc != 0)
		return rc;
	rc = vrv_os_write(file.fd, bytes, n, err);
	if (rc != 0) {
		vrv_newfile_abort(&file);
		return rc;
	}
	return finish(&file, parent, leaf, err);
}

int
vrv_os_replace_file(int dir, const char *path, mode_t mode, const void *bytes,
    size_t n, struct varve_err *err)
{
	return write_file(dir, path, mode, bytes, n, vrv_newfile_replace, err);
}

int
vrv_os_make_file(int dir, const char *path, mode_t mode, const void *bytes,
    size_t n, struct varve_err *err)
{
	return write_file(dir, path, mode, bytes, n, vrv_newfile_link, err);
}

/* --- sweeping --- */

static bool
is_temporary(const struct vrv_dirent *e)
{
	size_t head = strlen(PREFIX);

	return e->len == NAME_LEN && memcmp(e->name, PREFIX, head) == 0 &&
	    strspn(e->name + head, "0123456789abcdef") == DIGITS &&
	    strcmp(e->name + head + DIGITS, SUFFIX) == 0;
}

/* Can a lock that nobody on this machine holds be held on another one? NFS
 * mounted with nolock, sshfs and others lock on their own machine only. */
static bool
is_shared(int dir)
{
	struct statfs fs;

	if (fstatfs(dir, &fs) != 0)
		return true;
	switch ((uint32_t)fs.f_type) {
	case NFS_SUPER_MAGIC:
	case SMB_SUPER_MAGIC:
	case SMB2_SUPER_MAGIC:
	case CIFS_SUPER_MAGIC:
	case FUSE_SUPER_MAGIC:
	case V9FS_MAGIC:
	case AFS_SUPER_MAGIC:
	case AFS_FS_MAGIC:
	case CODA_SUPER_MAGIC:
	case CEPH_SUPER_MAGIC:
		return true;
	default:
		return false;
	}
}

struct sweep {
	int dir;
	bool shared;
	bool asked; /* `now` was looked for; 0 if it was not found */
	time_t now; /* by the clock of the file system */
};

static bool
is_old(struct sweep *s, time_t mtime)
{
	struct vrv_newfile probe;
	struct varve_err ignored;
	struct stat st;

	if (!s->asked) {
		s->asked = true;
		if (vrv_newfile_open(s->dir, 0600, &probe, &ignored) == 0) {
			if (fstat(probe.fd, &st) == 0)
				s->now = st.st_mtime;
			vrv_newfile_abort(&probe);
		}
	}
	return mtime < s->now - AGE_MAX;
}

static void
sweep_one(struct sweep *s, const char *name)
{
	struct varve_err ignored;
	struct stat st;
	vrv_auto_fd fd = -1;

	if (vrv_os_open(s->dir, name,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0, &fd,
		&ignored) != 0 ||
	    fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return;
	/* Shared, which excludes the writer all the same: NFS locks only what
	 * is open for writing exclusively, and these files are read-only. */
	int busy = lock(fd, LOCK_SH);
	if (busy == EWOULDBLOCK)
		return;
	if ((busy == 0 && !s->shared) || is_old(s, st.st_mtime))
		(void)unlinkat(s->dir, name, 0);
}

void
vrv_newfile_sweep(int dir)
{
	vrv_auto_free struct vrv_dirent *e = NULL;
	struct vrv_arena arena = {0};
	struct varve_err ignored;
	vrv_auto_fd fd = -1; /* of its own: a listing moves its position */
	size_t n = 0;

	if (vrv_os_open(dir, ".", O_RDONLY | O_DIRECTORY, 0, &fd, &ignored) !=
		0 ||
	    vrv_os_list_dir(fd, &arena, &e, &n, &ignored) != 0)
		n = 0;
	struct sweep s = {.dir = fd, .shared = n > 0 && is_shared(fd)};
	for (size_t i = 0; i < n; i++) {
		if (is_temporary(&e[i]))
			sweep_one(&s, e[i].name);
	}
	vrv_arena_fini(&arena);
}
