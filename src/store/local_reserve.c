/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/local_internal.h"

#include <sys/statvfs.h>

#include <errno.h>
#include <unistd.h>

#include "os/file.h"
#include "util/mem.h"

#define RESERVE_SIZE ((size_t)1 << 20)
#define RESERVE_STEP ((size_t)64 << 10)

/* Free space from which on it is made again. Less would only be taken from the
 * next backup, which then fails with nothing in reserve. */
#define RESTORE_FREE ((uint64_t)16 << 20)

/* Bytes that take space also where the file system compresses. */
static void
fill(uint64_t *words, size_t n, uint64_t *seed)
{
	for (size_t i = 0; i < n; i++) {
		*seed ^= *seed << 13;
		*seed ^= *seed >> 7;
		*seed ^= *seed << 17;
		words[i] = *seed;
	}
}

static int
write_bytes(int fd, struct varve_err *err)
{
	uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);
	vrv_auto_free uint64_t *step = vrv_alloc_array(RESERVE_STEP, 1);
	int rc = step == NULL ? VRV_NOMEM(err, "the reserve") : 0;

	for (size_t n = 0; rc == 0 && n < RESERVE_SIZE; n += RESERVE_STEP) {
		fill(step, RESERVE_STEP / sizeof(*step), &seed);
		rc = vrv_os_write(fd, step, RESERVE_STEP, err);
	}
	return rc;
}

int
vrv_local_reserve_make(int root, struct varve_err *err)
{
	return vrv_local_make_file(root, VRV_LOCAL_RESERVE, write_bytes, err);
}

int
vrv_local_reserve_release(int root, bool *ret, struct varve_err *err)
{
	*ret = false;
	if (unlinkat(root, VRV_LOCAL_RESERVE, 0) != 0)
		return errno == ENOENT ?
		    0 :
		    vrv_fail_sys(err, errno, "delete " VRV_LOCAL_RESERVE);
	*ret = true;
	/* Blocks may be free only when the deletion is durable. */
	return vrv_os_fsync(root, err);
}

void
vrv_local_reserve_restore(int root)
{
	struct varve_err ignored;
	struct statvfs fs;
	struct vrv_stat st;

	if (vrv_os_stat(root, VRV_LOCAL_RESERVE, &st, &ignored) !=
		VARVE_NOENT ||
	    fstatvfs(root, &fs) != 0 ||
	    (uint64_t)fs.f_bavail * fs.f_frsize < RESTORE_FREE)
		return;
	(void)!vrv_local_reserve_make(root, &ignored);
}
