/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/file.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os/os_internal.h"
#include "util/mem.h"

#define LOAD_STEP ((size_t)64 << 10)

int
vrv_os_open(int dirfd, const char *path, int flags, mode_t mode, int *ret_fd,
    struct varve_err *err)
{
	int fd;

	do
		fd = openat(dirfd, path, flags | O_CLOEXEC, mode);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return vrv_fail_sys(err, errno, "open");
	*ret_fd = fd;
	return 0;
}

int
vrv_os_close(int fd, struct varve_err *err)
{
	/* Never again after EINTR: Linux has released the number by then, and
	 * another thread may own it. */
	if (close(fd) != 0)
		return vrv_fail_sys(err, errno, "close");
	return 0;
}

int
vrv_os_read_some(int fd, void *to, size_t n, size_t *ret_n,
    struct varve_err *err)
{
	ssize_t got;

	do
		got = read(fd, to, n);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return vrv_fail_sys(err, errno, "read");
	*ret_n = (size_t)got;
	return 0;
}

int
vrv_os_read(int fd, void *to, size_t n, size_t *ret_n, struct varve_err *err)
{
	uint8_t *p = to;
	size_t done = 0, got = 1;

	while (done < n && got > 0) {
		int rc = vrv_os_read_some(fd, p + done, n - done, &got, err);
		if (rc != 0)
			return rc;
		done += got;
	}
	*ret_n = done;
	return 0;
}

int
vrv_os_await(int fd, int ms, bool *ret_ready, struct varve_err *err)
{
	struct pollfd want = {.fd = fd, .events = POLLIN};
	int n = poll(&want, 1, ms);

	if (n < 0 && errno != EINTR)
		return vrv_fail_sys(err, errno, "poll");
	*ret_ready = n > 0;
	return 0;
}

int
vrv_os_set_blocking(int fd, struct varve_err *err)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) != 0)
		return vrv_fail_sys(err, errno, "fcntl");
	return 0;
}

int
vrv_os_pread(int fd, uint64_t offset, void *to, size_t n, size_t *ret_n,
    struct varve_err *err)
{
	uint8_t *p = to;
	size_t done = 0;

	while (done < n) {
		ssize_t got =
		    pread(fd, p + done, n - done, (off_t)(offset + done));
		if (got == 0)
			break;
		if (got > 0)
			done += (size_t)got;
		else if (errno != EINTR)
			return vrv_fail_sys(err, errno, "read");
	}
	*ret_n = done;
	return 0;
}

int
vrv_os_write(int fd, const void *bytes, size_t n, struct varve_err *err)
{
	const uint8_t *p = bytes;
	size_t done = 0;

	while (done < n) {
		ssize_t put = write(fd, p + done, n - done);
		if (put >= 0)
			done += (size_t)put;
		else if (errno != EINTR)
			return vrv_fail_sys(err, errno, "write");
	}
	return 0;
}

int
vrv_os_pwrite(int fd, uint64_t offset, const void *bytes, size_t n,
    struct varve_err *err)
{
	const uint8_t *p = bytes;
	size_t done = 0;

	while (done < n) {
		ssize_t put =
		    pwrite(fd, p + done, n - done, (off_t)(offset + done));
		if (put >= 0)
			done += (size_t)put;
		else if (errno != EINTR)
			return vrv_fail_sys(err, errno, "write");
	}
	return 0;
}

int
vrv_os_fsync(int fd, struct varve_err *err)
{
	while (fsync(fd) != 0) {
		if (errno != EINTR)
			return vrv_fail_sys(err, errno, "fsync");
	}
	return 0;
}

void
vrv_os_start_writeback(int fd, uint64_t offset, uint64_t n)
{
	/* Without the WAIT flags this reports, and so uses up, no write error:
	 * the fsync that follows still sees it. */
	(void)sync_file_range(fd, (off_t)offset, (off_t)n,
	    SYNC_FILE_RANGE_WRITE);
}

int
vrv_os_open_parent(int dirfd, const char *path, int *ret_fd,
    const char **ret_leaf, struct varve_err *err)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash == NULL ? 0 : (size_t)(slash - path);
	char parent[PATH_MAX];

	if (len >= sizeof(parent))
		return vrv_fail_sys(err, ENAMETOOLONG, "open");
	memcpy(parent, path, len);
	parent[len] = '\0';
	if (len == 0)
		strcpy(parent, slash == NULL ? "." : "/");
	int rc =
	    vrv_os_open(dirfd, parent, O_RDONLY | O_DIRECTORY, 0, ret_fd, err);
	if (rc == 0 && ret_leaf != NULL)
		*ret_leaf = slash == NULL ? path : slash + 1;
	return rc;
}

int
vrv_os_sync_parent(int dirfd, const char *path, struct varve_err *err)
{
	vrv_auto_fd fd = -1;
	int rc = vrv_os_open_parent(dirfd, path, &fd, NULL, err);

	return rc != 0 ? rc : vrv_os_fsync(fd, err);
}

/* Append what is left in `fd`. */
static int
load_rest(int fd, size_t max, struct vrv_buf *buf, struct varve_err *err)
{
	size_t had = buf->len;

	for (;;) {
		/* One byte more than allowed tells a file that is too long. */
		size_t left = max - (buf->len - had);
		size_t want = left < LOAD_STEP ? left + 1 : LOAD_STEP, got;
		uint8_t *at = vrv_buf_extend(buf, want);
		if (at == NULL)
			return vrv_buf_check(buf, err);
		int rc = vrv_os_read(fd, at, want, &got, err);
		if (rc != 0)
			return rc;
		buf->len -= want - got;
		if (got > left)
			return vrv_fail(err, VARVE_LIMIT,
			    "longer than %zu bytes", max);
		if (got < want)
			return 0;
	}
}

int
vrv_os_load_fd(int fd, size_t max, struct vrv_buf *buf, struct varve_err *err)
{
	size_t had = buf->len;
	int rc = load_rest(fd, max, buf, err);

	if (rc != 0)
		buf->len = had;
	return rc;
}

static int
make_dir(const char *path, struct varve_err *err)
{
	if (mkdir(path, 0700) == 0)
		return vrv_os_sync_parent(AT_FDCWD, path, err);
	return errno == EEXIST ? 0 : vrv_fail_sys(err, errno, "mkdir");
}

int
vrv_os_mkdirs(const char *path, struct varve_err *err)
{
	char part[PATH_MAX];
	size_t n = strlen(path);
	int rc = 0;

	if (n >= sizeof(part))
		return vrv_fail_sys(err, ENAMETOOLONG, "mkdir");
	memcpy(part, path, n + 1);
	while (n > 1 && part[n - 1] == '/')
		part[--n] = '\0';

	for (size_t i = 1; rc == 0 && i < n; i++) {
		if (part[i] != '/' || part[i - 1] == '/')
			continue;
		part[i] = '\0';
		rc = make_dir(part, err);
		part[i] = '/';
	}
	if (rc == 0)
		rc = make_dir(part, err);
	if (rc != 0)
		return rc;

	/* What was there already may be something else than a folder. */
	vrv_auto_fd fd = -1;
	return vrv_os_open(AT_FDCWD, part, O_PATH | O_DIRECTORY, 0, &fd, err);
}

void
vrv_os_fd_path(char path[VRV_OS_FD_PATH_MAX], int fd)
{
	snprintf(path, VRV_OS_FD_PATH_MAX, "/proc/self/fd/%d", fd);
}
