/* SPDX-License-Identifier: BSD-2-Clause */
#include "index/index_internal.h"

#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/dir.h"
#include "os/file.h"
#include "os/private.h"
#include "util/clock.h"
#include "util/hex.h"
#include "util/mem.h"

/*
 * `current`: b8 magic, b32 cache id, ids of runs oldest first, XXH3-128 of
 * all that. Processes that share the directory read it, change it and replace
 * it under a lock. A process has the runs that it uses locked as well, shared:
 * a run that `current` does not name and nobody uses was left behind.
 */
#define CURRENT "current"
#define CURRENT_MAGIC "VRVCUR\n\1"
#define MAGIC_SIZE 8
#define CURRENT_FIXED (MAGIC_SIZE + VRV_CACHE_ID + VRV_XXH_SIZE)
#define CURRENT_MAX ((size_t)1 << 20)

#define RUN_PREFIX "run-"
#define RUN_NAME (sizeof(RUN_PREFIX) + 2 * VRV_RUN_ID)
#define FILE_MODE 0600
#define LOCK "lock"
#define LOCK_WAIT_MS 2000

/* Where files cannot be locked, this old means left behind. */
#define ORPHAN_SECONDS 3600

static void
run_name(const uint8_t id[VRV_RUN_ID], char out[RUN_NAME])
{
	memcpy(out, RUN_PREFIX, sizeof(RUN_PREFIX) - 1);
	vrv_hex(out + sizeof(RUN_PREFIX) - 1, id, VRV_RUN_ID);
}

/* --- current --- */

/* The ids that `current` names; none if it is missing, damaged or another
 * repository's. A fatal error says nothing about the file. */
static int
read_current(const struct vrv_index *index, struct vrv_buf *ret_ids,
    struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf file = {0};
	uint8_t sum[VRV_XXH_SIZE];

	vrv_buf_clear(ret_ids);
	int rc =
	    vrv_private_load(index->folder, CURRENT, CURRENT_MAX, &file, err);
	if (rc != 0 && vrv_err_is_fatal(err))
		return rc;
	if (rc != 0 || file.len < CURRENT_FIXED)
		return 0;
	size_t n = file.len - CURRENT_FIXED;
	vrv_xxh(sum, file.data, file.len - VRV_XXH_SIZE);
	if (n % VRV_RUN_ID != 0 ||
	    memcmp(sum, file.data + file.len - VRV_XXH_SIZE, VRV_XXH_SIZE) !=
		0 ||
	    memcmp(file.data, CURRENT_MAGIC, MAGIC_SIZE) != 0 ||
	    memcmp(file.data + MAGIC_SIZE, index->cache_id, VRV_CACHE_ID) != 0)
		return 0;
	vrv_buf_bytes(ret_ids, file.data + MAGIC_SIZE + VRV_CACHE_ID, n);
	return vrv_buf_check(ret_ids, err);
}

static int
write_current(const struct vrv_index *index, const struct vrv_buf *ids,
    struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf file = {0};
	uint8_t sum[VRV_XXH_SIZE];

	vrv_buf_bytes(&file, CURRENT_MAGIC, MAGIC_SIZE);
	vrv_buf_bytes(&file, index->cache_id, VRV_CACHE_ID);
	vrv_buf_bytes(&file, ids->data, ids->len);
	int rc = vrv_buf_check(&file, err);
	if (rc != 0)
		return rc;
	vrv_xxh(sum, file.data, file.len);
	vrv_buf_bytes(&file, sum, sizeof(sum));
	rc = vrv_buf_check(&file, err);
	if (rc != 0)
		return rc;
	return vrv_os_replace_file(index->folder, CURRENT, FILE_MODE, file.data,
	    file.len, err);
}

static bool
has_id(const struct vrv_buf *ids, const uint8_t id[VRV_RUN_ID])
{
	for (size_t at = 0; at < ids->len; at += VRV_RUN_ID) {
		if (memcmp(ids->data + at, id, VRV_RUN_ID) == 0)
			return true;
	}
	return false;
}

/* --- opening --- */

static int
open_run(struct vrv_index *index, const uint8_t id[VRV_RUN_ID],
    struct vrv_run **ret, struct varve_err *err)
{
	char name[RUN_NAME];
	int fd;

	run_name(id, name);
	int rc = vrv_private_open(index->folder, name, O_RDONLY, &fd, err);
	if (rc == 0) {
		/* Without locks the age decides what was left behind. */
		(void)flock(fd, LOCK_SH | LOCK_NB);
		rc = vrv_run_open(fd, id, index->cache_id, ret, err);
	}
	if (rc == 0)
		(*ret)->in_folder = true;
	return rc;
}

int
vrv_folder_open(struct vrv_index *index, const char *path,
    struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf ids = {0};

	int rc = vrv_private_dir(path, true, &index->folder, err);
	if (rc == 0 && faccessat(index->folder, ".", W_OK, 0) != 0)
		rc = vrv_fail_sys(err, errno, "%s: write", path);
	if (rc == 0) {
		vrv_newfile_sweep(index->folder);
		rc = read_current(index, &ids, err);
	}
	for (size_t at = 0; rc == 0 && at < ids.len; at += VRV_RUN_ID) {
		struct vrv_run *run;

		rc = open_run(index, ids.data + at, &run, err);
		if (rc == 0) {
			run->published = true;
			rc = vrv_index_take_run(index, run, err);
		} else if (!vrv_err_is_fatal(err)) {
			/* Useless: its objects will be wanted again. */
			vrv_buf_bytes(&index->gone, ids.data + at, VRV_RUN_ID);
			rc = vrv_buf_check(&index->gone, err);
		}
	}
	return rc;
}

/* --- making runs --- */

static int
fill_run(struct vrv_index *index, int fd, vrv_run_fill_fn *fill, void *arg,
    uint8_t ret_id[VRV_RUN_ID], struct varve_err *err)
{
	struct vrv_run_writer w;

	int rc = vrv_run_writer_begin(&w, fd, err);
	if (rc == 0)
		rc = fill(arg, &w, err);
	if (rc == 0)
		rc = vrv_run_writer_end(&w, index->cache_id, err);
	if (rc == 0)
		memcpy(ret_id, w.id, VRV_RUN_ID);
	vrv_run_writer_fini(&w);
	return rc;
}

static int
make_in_folder(struct vrv_index *index, vrv_run_fill_fn *fill, void *arg,
    struct vrv_run **ret, struct varve_err *err)
{
	struct vrv_newfile file;
	uint8_t id[VRV_RUN_ID];
	char name[RUN_NAME];

	int rc = vrv_newfile_open(index->folder, FILE_MODE, &file, err);
	if (rc != 0)
		return rc;
	rc = fill_run(index, file.fd, fill, arg, id, err);
	if (rc != 0) {
		vrv_newfile_abort(&file);
		return rc;
	}
	run_name(id, name);
	rc = vrv_newfile_replace(&file, index->folder, name, err);
	return rc == 0 ? open_run(index, id, ret, err) : rc;
}

static int
make_in_memory(struct vrv_index *index, vrv_run_fill_fn *fill, void *arg,
    struct vrv_run **ret, struct varve_err *err)
{
	uint8_t id[VRV_RUN_ID];
	vrv_auto_fd fd = memfd_create("varve-index", MFD_CLOEXEC);

	if (fd < 0)
		return vrv_fail_sys(err, errno, "memory for the index");
	int rc = fill_run(index, fd, fill, arg, id, err);
	if (rc == 0)
		rc = vrv_run_open(vrv_steal_fd(&fd), id, index->cache_id, ret,
		    err);
	return rc == 0 ? 0 : vrv_ctx(err, "the index in memory");
}

int
vrv_folder_make_run(struct vrv_index *index, vrv_run_fill_fn *fill, void *arg,
    struct vrv_run **ret, struct varve_err *err)
{
	if (index->folder >= 0) {
		int rc = make_in_folder(index, fill, arg, ret, err);
		if (rc == 0 || rc == VARVE_NOMEM || rc == VARVE_LIMIT)
			return rc;
	}
	return make_in_memory(index, fill, arg, ret, err);
}

/* --- publishing --- */

static void
remove_run(struct vrv_index *index, const uint8_t id[VRV_RUN_ID])
{
	char name[RUN_NAME];

	run_name(id, name);
	(void)unlinkat(index->folder, name, 0);
}

static bool
is_run(const struct vrv_dirent *file, uint8_t ret_id[VRV_RUN_ID])
{
	size_t prefix = sizeof(RUN_PREFIX) - 1;

	return file->len == RUN_NAME - 1 &&
	    memcmp(file->name, RUN_PREFIX, prefix) == 0 &&
	    vrv_unhex(ret_id, file->name + prefix, VRV_RUN_ID);
}

/* Does no process use the run that no `current` names? */
static bool
is_abandoned(const struct vrv_index *index, const char *name)
{
	struct varve_err unheard;
	vrv_auto_fd fd = -1;
	struct stat st;

	if (vrv_private_open(index->folder, name, O_RDONLY, &fd, &unheard) != 0)
		return false;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return true;
	return errno != EWOULDBLOCK && fstat(fd, &st) == 0 &&
	    st.st_mtim.tv_sec < vrv_time_now().s - ORPHAN_SECONDS;
}

/* Remove the files of runs that `keep` does not name; only abandoned ones
 * unless `all`. */
static int
remove_orphans(struct vrv_index *index, const struct vrv_buf *keep, bool all,
    struct varve_err *err)
{
	struct vrv_arena arena = {0};
	vrv_auto_free struct vrv_dirent *files = NULL;
	uint8_t id[VRV_RUN_ID];
	size_t n = 0;

	int rc = vrv_os_list_dir(index->folder, &arena, &files, &n, err);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (is_run(&files[i], id) && !has_id(keep, id) &&
		    (all || is_abandoned(index, files[i].name)))
			(void)unlinkat(index->folder, files[i].name, 0);
	}
	vrv_arena_fini(&arena);
	return rc;
}

/* What `current` will name: runs of others that it names now, then ours, but
 * for those of ours that somebody else has taken out. */
static int
collect_ids(struct vrv_index *index, struct vrv_buf *ids, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf disk = {0}, ours = {0};

	int rc = read_current(index, &disk, err);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < index->n_runs; i++) {
		struct vrv_run *run = index->runs[i];
		if (run->in_folder &&
		    (!run->published || has_id(&disk, run->id)))
			vrv_buf_bytes(&ours, run->id, VRV_RUN_ID);
	}
	rc = vrv_buf_check(&ours, err);
	if (rc != 0)
		return rc;
	for (size_t at = 0; at < disk.len; at += VRV_RUN_ID) {
		if (!has_id(&ours, disk.data + at) &&
		    !has_id(&index->gone, disk.data + at))
			vrv_buf_bytes(ids, disk.data + at, VRV_RUN_ID);
	}
	vrv_buf_bytes(ids, ours.data, ours.len);
	return vrv_buf_check(ids, err);
}

/* Take the lock of `current`. Where there cannot be one, the last process to
 * replace it wins, and the others lose work. False: another process holds it.
 */
static bool
lock_current(const struct vrv_index *index, int *ret_fd)
{
	struct varve_err unheard;

	return vrv_private_lock(index->folder, LOCK, LOCK_WAIT_MS, ret_fd,
		   &unheard) != VARVE_LOCKED;
}

/* Runs that nothing will name are used by this process only. */
static void
disown(struct vrv_index *index)
{
	for (size_t i = 0; i < index->n_runs; i++) {
		struct vrv_run *run = index->runs[i];

		if (!run->in_folder || run->published)
			continue;
		remove_run(index, run->id);
		run->in_folder = false;
	}
}

void
vrv_folder_publish(struct vrv_index *index)
{
	vrv_auto_buf struct vrv_buf ids = {0};
	struct varve_err unheard;
	vrv_auto_fd held = -1;

	if (index->folder < 0)
		return;
	if (!lock_current(index, &held) ||
	    collect_ids(index, &ids, &unheard) != 0 ||
	    write_current(index, &ids, &unheard) != 0) {
		disown(index);
		return;
	}
	for (size_t i = 0; i < index->n_runs; i++)
		index->runs[i]->published = index->runs[i]->in_folder;
	for (size_t at = 0; at < index->gone.len; at += VRV_RUN_ID)
		remove_run(index, index->gone.data + at);
	vrv_buf_clear(&index->gone);
	/* Leftovers that cannot be removed now will be another time. */
	(void)!remove_orphans(index, &ids, false, &unheard);
}

void
vrv_folder_empty(struct vrv_index *index)
{
	struct vrv_buf none = {0};
	struct varve_err unheard;
	vrv_auto_fd held = -1;

	vrv_buf_clear(&index->gone);
	if (index->folder < 0)
		return;
	/* What cannot be removed is at least not used again. */
	if (!lock_current(index, &held) ||
	    write_current(index, &none, &unheard) != 0 ||
	    remove_orphans(index, &none, true, &unheard) != 0)
		(void)close(vrv_steal_fd(&index->folder));
}
