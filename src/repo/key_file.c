/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "os/file.h"
#include "repo/repo_internal.h"
#include "util/mem.h"

int
vrv_key_file_load(const char *path, struct vrv_buf *ret, struct varve_err *err)
{
	vrv_auto_fd fd = -1;
	struct stat st;

	/* What the user named may be a symbolic link, but must not hang. */
	int rc = vrv_os_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY,
	    0, &fd, err);
	if (rc == 0 && fstat(fd, &st) != 0)
		rc = vrv_fail_sys(err, errno, "stat");
	else if (rc == 0 && !S_ISREG(st.st_mode))
		rc = vrv_fail_sys(err, EPERM, "not a regular file");
	if (rc == 0)
		rc = vrv_os_load_fd(fd, VRV_KEY_FILE_MAX, ret, err);
	if (rc == 0 && ret->len < VRV_KEY_FILE_MIN)
		rc = vrv_fail(err, VARVE_USAGE,
		    "holds fewer than %d bytes, too few for a key",
		    VRV_KEY_FILE_MIN);
	return rc;
}

int
vrv_key_file_make(const char *path, const void *bytes, size_t n,
    struct varve_err *err)
{
	return vrv_os_make_file(AT_FDCWD, path, 0600, bytes, n, err);
}

int
vrv_key_file_replace(const char *path, const void *bytes, size_t n,
    struct varve_err *err)
{
	vrv_auto_free char *real = realpath(path, NULL);

	if (real == NULL)
		return vrv_fail_sys(err, errno, "path");
	return vrv_os_replace_file(AT_FDCWD, real, 0600, bytes, n, err);
}
