/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/dir.h"

#include <sys/syscall.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/file.h"
#include "os/os_internal.h"
#include "util/mem.h"

/* Below malloc's threshold for mmap: small directories stay cheap. */
#define LIST_BUFFER ((size_t)64 << 10)
#define SOURCE_FLAGS (O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC)
#define BENEATH_RETRIES 16

struct listing {
	struct vrv_dirent *entries;
	size_t n, cap;
	struct vrv_arena *arena;
};

static enum vrv_kind
kind_of(unsigned type)
{
	switch (type) {
	case DT_REG:
		return VRV_FILE;
	case DT_DIR:
		return VRV_DIR;
	case DT_LNK:
		return VRV_SYMLINK;
	case DT_FIFO:
		return VRV_FIFO;
	case DT_SOCK:
		return VRV_SOCKET;
	case DT_CHR:
		return VRV_CHAR;
	case DT_BLK:
		return VRV_BLOCK;
	default:
		return (enum vrv_kind)0;
	}
}

static int
add_entries(struct listing *list, const char *bytes, size_t n)
{
	size_t size;

	for (size_t at = 0; at < n; at += size) {
		const struct dirent64 *d = (const void *)(bytes + at);
		size = d->d_reclen;
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		if (vrv_room_for_one(&list->entries, list->n, &list->cap,
			sizeof(*list->entries)) != 0)
			return -1;
		size_t len = strlen(d->d_name);
		char *name = vrv_arena_dup(list->arena, d->d_name, len);
		if (name == NULL)
			return -1;
		list->entries[list->n++] =
		    (struct vrv_dirent){name, len, kind_of(d->d_type)};
	}
	return 0;
}

static int
by_bytes(const void *a, const void *b)
{
	const struct vrv_dirent *x = a, *y = b;
	int cmp = memcmp(x->name, y->name, vrv_min(x->len, y->len));

	return cmp != 0 ? cmp : (x->len > y->len) - (x->len < y->len);
}

/* A directory that changes while it is read may give a name twice. */
static size_t
drop_twins(struct vrv_dirent *e, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (kept == 0 || by_bytes(&e[kept - 1], &e[i]) != 0)
			e[kept++] = e[i];
	}
	return kept;
}

size_t
vrv_os_open_max(void)
{
	long max = sysconf(_SC_OPEN_MAX);

	return max > 0 ? (size_t)max : SIZE_MAX;
}

int
vrv_os_list_dir(int fd, struct vrv_arena *arena, struct vrv_dirent **ret,
    size_t *ret_n, struct varve_err *err)
{
	vrv_auto_free char *buffer = malloc(LIST_BUFFER);
	vrv_auto_free struct vrv_dirent *entries = NULL;
	struct listing list = {.arena = arena};

	if (buffer == NULL)
		return VRV_NOMEM(err, "a listing");
	if (lseek(fd, 0, SEEK_SET) < 0)
		return vrv_fail_sys(err, errno, "read folder");
	for (;;) {
		ssize_t n = getdents64(fd, buffer, LIST_BUFFER);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return vrv_fail_sys(err, errno, "read folder");
		if (n == 0)
			break;
		int bad = add_entries(&list, buffer, (size_t)n);
		entries = list.entries;
		if (bad != 0)
			return VRV_NOMEM(err, "a listing");
	}
	if (list.n > 0) {
		qsort(entries, list.n, sizeof(*entries), by_bytes);
		list.n = drop_twins(entries, list.n);
	}
	*ret = vrv_steal(&entries);
	*ret_n = list.n;
	return 0;
}

int
vrv_os_walk_beneath(int root, const char *path, int flags, mode_t mode,
    int *ret_fd, struct varve_err *err)
{
	vrv_auto_fd held = -1;
	int at = root;

	if (path[0] == '/')
		return vrv_fail_sys(err, EXDEV, "open");
	for (;;) {
		size_t len = strcspn(path, "/");
		size_t skip = strspn(path + len, "/");
		char part[NAME_MAX + 1];
		if (len >= sizeof(part))
			return vrv_fail_sys(err, ENAMETOOLONG, "open");
		memcpy(part, path, len);
		part[len] = '\0';
		if (strcmp(part, "..") == 0)
			return vrv_fail_sys(err, EXDEV, "open");
		if (path[len + skip] == '\0')
			return vrv_os_open(at, part, flags | O_NOFOLLOW, mode,
			    ret_fd, err);

		int next = -1;
		int rc = vrv_os_open(at, part,
		    O_PATH | O_DIRECTORY | O_NOFOLLOW, 0, &next, err);
		if (rc != 0)
			return rc;
		vrv_cleanup_fd(&held);
		held = at = next;
		path += len + skip;
	}
}

int
vrv_os_open_beneath(int root, const char *path, int flags, mode_t mode,
    int *ret_fd, struct varve_err *err)
{
	/* openat2() refuses O_LARGEFILE beside O_PATH. */
	int large = (flags & O_PATH) != 0 ? 0 : O_LARGEFILE;
	struct open_how how = {
	    .flags = (unsigned)(flags | O_CLOEXEC | O_NOFOLLOW | large),
	    .mode = (flags & O_CREAT) != 0 ? mode : 0,
	    .resolve =
		RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	/* EAGAIN: a rename elsewhere crossed the lookup. */
	for (int tries = 0;; tries++) {
		long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
		if (fd >= 0) {
			*ret_fd = (int)fd;
			return 0;
		}
		/* EPERM is what old filters of system calls answer;
		 * ENAMETOOLONG can also mean the path as a whole. */
		if (errno == ENOSYS || errno == EPERM || errno == ENAMETOOLONG)
			return vrv_os_walk_beneath(root, path, flags, mode,
			    ret_fd, err);
		if (errno != EINTR &&
		    (errno != EAGAIN || tries >= BENEATH_RETRIES))
			return vrv_fail_sys(err, errno, "open");
	}
}

static int
open_source(int dirfd, const char *name, int flags, int *ret_fd,
    struct varve_err *err)
{
	int rc = vrv_os_open(dirfd, name, flags | O_NOATIME, 0, ret_fd, err);

	/* Only the owner of a file may ask for O_NOATIME. */
	if (rc != 0 && err->sys == EPERM)
		rc = vrv_os_open(dirfd, name, flags, 0, ret_fd, err);
	return rc;
}

int
vrv_os_open_source(int dirfd, const char *name, int *ret_fd,
    struct varve_err *err)
{
	return open_source(dirfd, name, SOURCE_FLAGS, ret_fd, err);
}

int
vrv_os_open_source_dir(int dirfd, const char *name, int *ret_fd,
    struct varve_err *err)
{
	return open_source(dirfd, name, SOURCE_FLAGS | O_DIRECTORY, ret_fd,
	    err);
}
