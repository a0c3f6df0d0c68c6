/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/file.h"

#include <sys/random.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "os/os_internal.h"
#include "util/hex.h"
#include "util/mem.h"

#define RANDOM_BYTES 16

int
vrv_newfile_open(int dir, mode_t mode, struct vrv_newfile *ret,
    struct varve_err *err)
{
	struct vrv_newfile file = {.dir = dir, .fd = -1};
	uint8_t bytes[RANDOM_BYTES];
	char digits[2 * RANDOM_BYTES + 1];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return vrv_fail_sys(err, errno, "getrandom");
	vrv_hex(digits, bytes, sizeof(bytes));
	snprintf(file.name, sizeof(file.name), ".varve-%s.tmp", digits);

	int rc = vrv_os_open(dir, file.name, O_WRONLY | O_CREAT | O_EXCL, mode,
	    &file.fd, err);
	if (rc != 0)
		return vrv_ctx(err, "temporary file");
	*ret = file;
	return 0;
}

void
vrv_newfile_abort(struct vrv_newfile *file)
{
	if (file->fd >= 0)
		(void)close(vrv_steal_fd(&file->fd));
	(void)unlinkat(file->dir, file->name, 0);
}

/* Its bytes are on stable storage and its descriptor closed when this returns
 * 0; otherwise the file is gone. */
static int
settle(struct vrv_newfile *file, struct varve_err *err)
{
	int rc = vrv_os_fsync(file->fd, err);

	if (rc == 0)
		rc = vrv_os_close(vrv_steal_fd(&file->fd), err);
	if (rc != 0)
		vrv_newfile_abort(file);
	return rc;
}

static int
link_to(struct vrv_newfile *file, int to, const char *path)
{
	if (linkat(file->dir, file->name, to, path, 0) == 0) {
		(void)unlinkat(file->dir, file->name, 0);
		return 0;
	}
	/* The FAT family has no links, but can rename without overwriting;
	 * NFS is the other way round. */
	if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS)
		return -1;
	return renameat2(file->dir, file->name, to, path, RENAME_NOREPLACE);
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
	return vrv_os_sync_parent(to, path, err);
}

int
vrv_os_replace_file(int dir, const char *path, mode_t mode, const void *bytes,
    size_t n, struct varve_err *err)
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
	return vrv_newfile_replace(&file, parent, leaf, err);
}
