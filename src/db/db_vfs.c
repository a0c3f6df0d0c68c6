/* SPDX-License-Identifier: BSD-2-Clause */
#include <pthread.h>
#include <string.h>

#include "db/db_internal.h"
#include "util/hash.h"

/*
 * A shim over SQLite's own VFS (sqlite.org/vfs.html) that writes and tests the
 * checksums of the pages of database files. All other files are left to the
 * VFS below. Memory mapping is not offered: mapped pages would go untested.
 */

struct file {
	sqlite3_file base; /* first: what SQLite sees */
	sqlite3_file *real;
};

static struct file *
file_of(sqlite3_file *f)
{
	return (struct file *)f;
}

/* Is this transfer a page? SQLite also reads parts of the first one. */
static bool
is_page(int n, sqlite3_int64 offset)
{
	return n == VRV_DB_PAGE && offset % VRV_DB_PAGE == 0;
}

static void
sum_of(const uint8_t *page, sqlite3_int64 offset, uint8_t out[VRV_DB_SUM])
{
	uint64_t number = (uint64_t)offset / VRV_DB_PAGE;

	vrv_xxh(out, page, VRV_DB_PAGE - VRV_DB_SUM);
	for (int i = 0; i < 8; i++)
		out[i] ^= (uint8_t)(number >> (8 * i));
}

static int
file_close(sqlite3_file *f)
{
	return file_of(f)->real->pMethods->xClose(file_of(f)->real);
}

static int
file_read(sqlite3_file *f, void *to, int n, sqlite3_int64 offset)
{
	sqlite3_file *real = file_of(f)->real;
	uint8_t sum[VRV_DB_SUM];

	int rc = real->pMethods->xRead(real, to, n, offset);
	if (rc != SQLITE_OK || !is_page(n, offset))
		return rc;
	sum_of(to, offset, sum);
	return memcmp((const uint8_t *)to + VRV_DB_PAGE - VRV_DB_SUM, sum,
		   VRV_DB_SUM) == 0 ?
	    SQLITE_OK :
	    SQLITE_IOERR_DATA;
}

static int
file_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 offset)
{
	sqlite3_file *real = file_of(f)->real;
	uint8_t page[VRV_DB_PAGE];

	if (!is_page(n, offset))
		return real->pMethods->xWrite(real, from, n, offset);
	memcpy(page, from, VRV_DB_PAGE - VRV_DB_SUM);
	sum_of(page, offset, page + VRV_DB_PAGE - VRV_DB_SUM);
	return real->pMethods->xWrite(real, page, n, offset);
}

static int
file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	sqlite3_file *real = file_of(f)->real;

	return real->pMethods->xTruncate(real, size);
}

static int
file_sync(sqlite3_file *f, int flags)
{
	sqlite3_file *real = file_of(f)->real;

	return real->pMethods->xSync(real, flags);
}

static int
file_size(sqlite3_file *f, sqlite3_int64 *ret)
{
	sqlite3_file *real = file_of(f)->real;

	return real->pMethods->xFileSize(real, ret);
}

static int
file_lock(sqlite3_file *f, int lock)
{
	sqlite3_file *real = file_of(f)->real;

	return real->pMethods->xLock(real, lock);
}

static int
file_unlock(sqlite3_file *f, int lock)
{
	sqlite3_file *real = file_of(f)->real;

	return real->pMethods->xUnlock(real, lock);
}

static int
file_reserved(sqlite3_file *f, int *ret)
{
	sqlite3_file *real = file_of(f)->real;

	return real->pMethods->xCheckReservedLock(real, ret);
}

static int
file_control(sqlite3_file *f, int op, void *arg)
{
	sqlite3_file *real = file_of(f)->real;

	return real->pMethods->xFileControl(real, op, arg);
}

static int
file_sector(sqlite3_file *f)
{
	sqlite3_file *real = file_of(f)->real;

	return real->pMethods->xSectorSize(real);
}

static int
file_traits(sqlite3_file *f)
{
	sqlite3_file *real = file_of(f)->real;

	return real->pMethods->xDeviceCharacteristics(real);
}

static int
file_shm_map(sqlite3_file *f, int region, int size, int extend,
    void volatile **ret)
{
	sqlite3_file *real = file_of(f)->real;

	return real->pMethods->xShmMap(real, region, size, extend, ret);
}

static int
file_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	sqlite3_file *real = file_of(f)->real;

	return real->pMethods->xShmLock(real, offset, n, flags);
}

static void
file_shm_barrier(sqlite3_file *f)
{
	sqlite3_file *real = file_of(f)->real;

	real->pMethods->xShmBarrier(real);
}

static int
file_shm_unmap(sqlite3_file *f, int remove)
{
	sqlite3_file *real = file_of(f)->real;

	return real->pMethods->xShmUnmap(real, remove);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2, /* 3 would be memory mapping */
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_traits,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

static int
vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags,
    int *ret_flags)
{
	sqlite3_vfs *real = vfs->pAppData;
	struct file *file = file_of(f);

	if ((flags & SQLITE_OPEN_MAIN_DB) == 0)
		return real->xOpen(real, name, f, flags, ret_flags);
	file->real = (sqlite3_file *)(file + 1);
	file->base.pMethods = NULL; /* SQLite closes only what has some */
	int rc = real->xOpen(real, name, file->real, flags, ret_flags);
	if (rc == SQLITE_OK)
		file->base.pMethods = &methods;
	return rc;
}

/* SQLite would resolve the link that leads to the directory. */
static int
vfs_full_path(sqlite3_vfs *vfs, const char *name, int n, char *out)
{
	sqlite3_vfs *real = vfs->pAppData;
	size_t len = strlen(name);

	if (strncmp(name, VRV_DB_FDS, sizeof(VRV_DB_FDS) - 1) != 0)
		return real->xFullPathname(real, name, n, out);
	if (len >= (size_t)n)
		return SQLITE_CANTOPEN;
	memcpy(out, name, len + 1);
	return SQLITE_OK;
}

/* SQLite keeps a list of its VFSs for the process; ours joins it once. */
static sqlite3_vfs shim;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
join_list(void)
{
	sqlite3_vfs *real = sqlite3_vfs_find(NULL);

	if (real == NULL)
		return;
	/* But for this it is the one below. */
	shim = *real;
	shim.pNext = NULL;
	shim.zName = "varve-sums";
	shim.pAppData = real;
	shim.szOsFile = (int)sizeof(struct file) + real->szOsFile;
	shim.xOpen = vfs_open;
	shim.xFullPathname = vfs_full_path;
	if (sqlite3_vfs_register(&shim, 0) != SQLITE_OK)
		shim.zName = NULL;
}

const char *
vrv_db_vfs(void)
{
	(void)pthread_once(&once, join_list);
	return shim.zName;
}
