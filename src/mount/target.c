/* SPDX-License-Identifier: BSD-2-Clause */
#include "mount/target.h"

#include <sys/stat.h>
#include <sys/vfs.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/meta.h"
#include "util/mem.h"

#define DEPTH_MAX 4096

/* --- inside each other? --- */

struct place {
	uint64_t dev, inode;
};

static int
open_folder(const char *path, int *ret, struct varve_err *err)
{
	vrv_auto_fd fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statfs st;

	/* What is asked last is not remembered by the kernel, should a mount
	 * have died. */
	if (fd >= 0 && (fstatfs(fd, &st) == 0 || errno != ENOTCONN)) {
		*ret = vrv_steal_fd(&fd);
		return 0;
	}
	if (errno == ENOTDIR)
		return vrv_fail(err, VARVE_USAGE,
		    "'%s' is no folder: name one to mount on", path);
	if (errno == ENOENT)
		return vrv_fail(err, VARVE_USAGE,
		    "'%s' does not exist: make the folder first", path);
	if (errno == ENOTCONN)
		return vrv_fail(err, VARVE_USAGE,
		    "'%s' holds what a killed mount left: run 'varve umount "
		    "%s' first",
		    path, path);
	return vrv_fail_sys(err, errno, "'%s'", path);
}

static int
place_of(int fd, struct place *ret, struct varve_err *err)
{
	struct vrv_stat st;

	int rc = vrv_os_stat(fd, "", &st, err);
	if (rc == 0)
		*ret = (struct place){st.dev, st.inode};
	return rc;
}

static bool
same(struct place a, struct place b)
{
	return a.dev == b.dev && a.inode == b.inode;
}

/* Is the folder `fd`, or one above it, at that place? */
static int
is_below(int fd, struct place what, bool *ret, struct varve_err *err)
{
	vrv_auto_fd at = dup(fd);
	struct place here, above;

	int rc =
	    at < 0 ? vrv_fail_sys(err, errno, "dup") : place_of(at, &here, err);
	for (unsigned depth = 0; rc == 0 && depth < DEPTH_MAX; depth++) {
		*ret = same(here, what);
		if (*ret)
			return 0;
		vrv_auto_fd up =
		    openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (up < 0)
			return vrv_fail_sys(err, errno, "a folder above");
		rc = place_of(up, &above, err);
		if (rc == 0 && same(here, above))
			return 0;
		here = above;
		int old = at;
		at = vrv_steal_fd(&up);
		(void)close(old);
	}
	return rc;
}

int
vrv_target_check(const char *target, const struct vrv_store *store,
    struct varve_err *err)
{
	vrv_auto_fd fd = -1, repo = -1;
	struct place there, it;
	bool inside = false;

	int rc = open_folder(target, &fd, err);
	if (rc != 0 || !vrv_store_identity(store, &there.dev, &there.inode))
		return rc;
	rc = is_below(fd, there, &inside, err);
	if (rc == 0 && inside)
		return vrv_fail(err, VARVE_USAGE,
		    "'%s' lies inside the repository: mount somewhere else",
		    target);
	if (rc == 0)
		rc = open_folder(vrv_store_location(store), &repo, err);
	if (rc == 0)
		rc = place_of(fd, &it, err);
	if (rc == 0)
		rc = is_below(repo, it, &inside, err);
	if (rc == 0 && inside)
		rc = vrv_fail(err, VARVE_USAGE,
		    "the repository lies inside '%s' and would be hidden: "
		    "mount somewhere else",
		    target);
	return rc;
}

/* --- mounting --- */

/* A value in a list of options. */
static void
put_escaped(struct vrv_buf *buf, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == ',' || *text == '\\')
			vrv_buf_u8(buf, '\\');
		vrv_buf_u8(buf, (uint8_t)*text);
	}
}

static void
put_text(struct vrv_buf *buf, const char *text)
{
	vrv_buf_bytes(buf, text, strlen(text));
}

char *
vrv_target_options(const struct vrv_mount *m)
{
	const struct varve_mount_options *o = m->options;
	vrv_auto_buf struct vrv_buf buf = {0};

	put_text(&buf, "ro,nosuid,nodev,subtype=varve,fsname=");
	put_escaped(&buf, vrv_store_location(vrv_repo_store(m->repo)));
	if (!o->ignore_permissions)
		put_text(&buf, ",default_permissions");
	if (o->allow_other)
		put_text(&buf, ",allow_other");
	if (o->extra != NULL && o->extra[0] != '\0') {
		put_text(&buf, ",");
		put_text(&buf, o->extra);
	}
	vrv_buf_u8(&buf, '\0');
	if (buf.failed)
		return NULL;
	char *text = (char *)buf.data;
	buf = (struct vrv_buf){0};
	return text;
}

int
vrv_target_refused(const char *target, int sys, struct varve_err *err)
{
	if (access("/dev/fuse", F_OK) != 0)
		return vrv_fail(err, VARVE_NOTSUP,
		    "there is no /dev/fuse: load the kernel's module fuse, or "
		    "let the container have the device");
	if (access("/dev/fuse", R_OK | W_OK) != 0)
		return vrv_fail_sys(err, errno, "/dev/fuse cannot be opened");
	/* What fusermount3 thought of it no errno tells. */
	if (geteuid() != 0)
		return vrv_fail(err, VARVE_IO,
		    "fusermount3 did not mount '%s' (see above); it must be "
		    "yours, and allow_other needs user_allow_other in "
		    "/etc/fuse.conf",
		    target);
	return vrv_fail_sys(err, sys != 0 ? sys : EIO, "mounting '%s'", target);
}

int
vrv_target_ask(const char *target, int device, pid_t *ret_pid, int *ret_fd,
    struct varve_err *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return vrv_fail_sys(err, errno, "pipe");
	vrv_auto_fd from = ends[0];
	vrv_auto_fd to = ends[1];
	pid_t pid = fork();
	if (pid < 0)
		return vrv_fail_sys(err, errno, "fork");
	if (pid == 0) {
		/* There are other threads: nothing but system calls. */
		struct statx st;
		(void)close(device);
		int sys = statx(AT_FDCWD, target, 0, STATX_MODE, &st) == 0 ?
		    0 :
		    errno;
		(void)!write(to, &sys, sizeof(sys));
		_exit(0);
	}
	*ret_pid = pid;
	*ret_fd = vrv_steal_fd(&from);
	return 0;
}
