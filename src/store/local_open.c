/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/local_internal.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "os/dir.h"
#include "os/file.h"
#include "os/meta.h"
#include "store/store.h"
#include "util/mem.h"

/* The kernel takes a lease back after 45 seconds by default
 * (/proc/sys/fs/lease-break-time). */
#define LEASE_STEP_MS 50
#define LEASE_STEPS (60 * 1000 / LEASE_STEP_MS)

static const char *
kind_text(enum vrv_kind kind)
{
	switch (kind) {
	case VRV_FILE:
		return "a regular file";
	case VRV_DIR:
		return "a directory";
	case VRV_SYMLINK:
		return "a symbolic link";
	case VRV_FIFO:
		return "a FIFO";
	case VRV_SOCKET:
		return "a socket";
	default:
		return "a device";
	}
}

/* The errors of open() that mean that something else has the name. */
static bool
is_in_the_way(int sys)
{
	return sys == ELOOP || sys == ENOTDIR || sys == ENXIO || sys == ENODEV;
}

/* Open of `path` failed: say which of its directories is none. For looking
 * only, so that nothing depends on what it finds. */
static int
blame_directory(int root, const char *path, struct varve_err *err)
{
	char part[VRV_STORE_NAME_MAX + 1];
	struct varve_err ignored;
	struct vrv_stat st;
	int sys = err->sys;

	for (size_t i = 0; is_in_the_way(sys) && i < sizeof(part); i++) {
		bool end = path[i] == '/' || path[i] == '\0';

		part[i] = end ? '\0' : path[i];
		if (end && i > 0 &&
		    vrv_os_stat(root, part, &st, &ignored) == 0 &&
		    st.kind != VRV_DIR) {
			vrv_fail(err, VARVE_IO, "%s is %s, not a directory",
			    part, kind_text(st.kind));
			err->sys = sys;
			break;
		}
		if (path[i] == '\0')
			break;
		part[i] = path[i];
	}
	return err->code;
}

int
vrv_local_open_dir(int root, const char *path, int *ret_fd,
    struct varve_err *err)
{
	int rc = vrv_os_open_beneath(root, path, O_RDONLY | O_DIRECTORY, 0,
	    ret_fd, err);

	return rc != 0 ? blame_directory(root, path, err) : 0;
}

/* Make the directory `leaf`, durably; one that exists is fine. */
static int
make_leaf(int dir, const char *leaf, struct varve_err *err)
{
	if (mkdirat(dir, leaf, 0700) == 0)
		return vrv_os_fsync(dir, err);
	return errno == EEXIST ? 0 : vrv_fail_sys(err, errno, "mkdir");
}

int
vrv_local_make_dir(int root, const char *path, int *ret_fd,
    struct varve_err *err)
{
	vrv_auto_fd parent = -1;
	const char *leaf;

	int rc = vrv_local_open_dir(root, path, ret_fd, err);
	if (rc != VARVE_NOENT)
		return rc;
	rc = vrv_local_open_parent(root, path, true, &parent, &leaf, err);
	if (rc == 0)
		rc = make_leaf(parent, leaf, err);
	return rc == 0 ? vrv_local_open_dir(root, path, ret_fd, err) : rc;
}

int
vrv_local_open_parent(int root, const char *path, bool make, int *ret_fd,
    const char **ret_leaf, struct varve_err *err)
{
	const char *slash = strrchr(path, '/');
	char parent[VRV_STORE_NAME_MAX + 1] = ".";

	*ret_leaf = slash == NULL ? path : slash + 1;
	if (slash != NULL) {
		memcpy(parent, path, (size_t)(slash - path));
		parent[slash - path] = '\0';
	}
	return make && slash != NULL ?
	    vrv_local_make_dir(root, parent, ret_fd, err) :
	    vrv_local_open_dir(root, parent, ret_fd, err);
}

/* Open what has the name of an object, and see what it is. */
static int
open_any(int root, const char *name, int flags, int *ret_fd,
    struct vrv_stat *ret, struct varve_err *err)
{
	vrv_auto_fd fd = -1;

	int rc = vrv_os_open_beneath(root, name, flags, 0, &fd, err);
	if (rc == 0)
		rc = vrv_os_stat(fd, "", ret, err);
	if (rc == 0)
		*ret_fd = vrv_steal_fd(&fd);
	return rc;
}

static int
not_regular(enum vrv_kind kind, struct varve_err *err)
{
	return vrv_fail(err, VARVE_CORRUPT, "is %s, not a regular file",
	    kind_text(kind));
}

/* Without opening it: opening a device can do things to it. */
static int
look(int root, const char *name, struct vrv_stat *ret, struct varve_err *err)
{
	vrv_auto_fd fd = -1;

	int rc = open_any(root, name, O_PATH, &fd, ret, err);
	if (rc != 0)
		rc = blame_directory(root, name, err);
	else if (ret->kind != VRV_FILE)
		rc = not_regular(ret->kind, err);
	return rc;
}

int64_t
vrv_local_time(const struct vrv_stat *st)
{
	/* Not mtime: linking sets ctime, so it says since when the object can
	 * be seen, and nobody can set it back. */
	return st->ctime.s;
}

int
vrv_local_stat_object(int root, const char *name, uint64_t *ret_size,
    int64_t *ret_time, struct varve_err *err)
{
	struct vrv_stat st;
	int rc = look(root, name, &st, err);

	if (rc != 0)
		return rc;
	*ret_size = st.size;
	*ret_time = vrv_local_time(&st);
	return 0;
}

int
vrv_local_open_object(int root, const char *name, int *ret_fd,
    struct varve_err *err)
{
	const struct timespec step = {.tv_nsec = LEASE_STEP_MS * 1000000L};
	vrv_auto_fd fd = -1;
	struct vrv_stat st;
	int rc;

	/* Without blocking, because a FIFO could be in its place. Then a lease
	 * that a file server holds has to be waited for here. */
	for (unsigned i = 0; i < LEASE_STEPS; i++) {
		rc = open_any(root, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, &fd,
		    &st, err);
		if (rc == 0 || err->sys != EAGAIN)
			break;
		(void)nanosleep(&step, NULL);
	}
	if (rc == 0 && st.kind != VRV_FILE)
		return not_regular(st.kind, err);
	if (rc != 0 && is_in_the_way(err->sys)) {
		/* It says what it is; if it says nothing, `err` stands. */
		struct varve_err why;
		if (look(root, name, &st, &why) != 0)
			*err = why;
	}
	if (rc == 0)
		*ret_fd = vrv_steal_fd(&fd);
	return rc;
}
