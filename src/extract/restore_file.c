/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "extract/extract_internal.h"
#include "os/dir.h"
#include "os/file.h"
#include "os/place.h"
#include "util/mem.h"

#define ZERO_BLOCK 4096u

/* --- writing --- */

static bool
is_zero(const uint8_t *bytes, size_t n)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, n - 1) == 0;
}

/* Bytes of the run at `at` that are to be written together: all of it up to
 * the next block of zeros that is aligned in the file. */
static size_t
data_length(const uint8_t *bytes, size_t n, uint64_t at)
{
	size_t i = (size_t)(-at % ZERO_BLOCK);

	for (; n >= ZERO_BLOCK && i <= n - ZERO_BLOCK; i += ZERO_BLOCK)
		if (is_zero(bytes + i, ZERO_BLOCK))
			return i;
	return n;
}

static int
write_run(const struct vrv_restore *run, int fd, uint64_t at,
    const uint8_t *bytes, size_t n, struct varve_err *err)
{
	if (!run->options->sparse)
		return vrv_os_pwrite(fd, at, bytes, n, err);
	while (n > 0) {
		size_t data = data_length(bytes, n, at);
		if (data > 0) {
			int rc = vrv_os_pwrite(fd, at, bytes, data, err);
			if (rc != 0)
				return rc;
		}
		size_t skip = data < n ? data + ZERO_BLOCK : data;
		bytes += skip;
		at += skip;
		n -= skip;
	}
	return 0;
}

/* --- making and finishing; `dirfd` is the file's folder --- */

/* What the folder's ACL made of the mode. */
static int
drop_inherited(const struct vrv_outfile *file, int fd, struct varve_err *err)
{
	if (!file->folder->acl)
		return 0;
	int rc = vrv_os_remove_xattr(fd, "", "system.posix_acl_access", err);
	if (rc == 0 || err->sys == ENODATA || err->sys == EOPNOTSUPP) {
		vrv_err_clear(err);
		return 0;
	}
	return rc;
}

/* Under a temporary name. */
static int
create(struct vrv_outfile *file, int dirfd, int *ret_fd, struct varve_err *err)
{
	int rc = vrv_newfile_name(file->temporary, err);
	if (rc == 0)
		rc = vrv_os_open(dirfd, file->temporary,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600, ret_fd,
		    err);
	if (rc != 0)
		return rc;
	file->started = true;
	vrv_newfile_hold(*ret_fd);
	return drop_inherited(file, *ret_fd, err);
}

/* It has its name: what may refer to it may do so. */
static void
has_name(struct vrv_restore *run, struct vrv_outfile *file, int dirfd,
    const struct vrv_stat *st)
{
	struct vrv_group_first *group = file->group;

	file->started = false;
	if (group != NULL) {
		group->late_flags = file->attrs.iflags;
		vrv_group_there(group, st);
	} else if (file->attrs.iflags != 0) {
		vrv_attrs_apply_flags(run, &file->attrs, dirfd, file->name,
		    file->folder, file->name);
	}
}

/* Everything is written: what it needs before it is given its name. */
static int
complete(struct vrv_restore *run, struct vrv_outfile *file, int fd,
    struct vrv_stat *ret_st, struct varve_err *err)
{
	vrv_attrs_apply(run, &file->attrs, fd, "", file->folder, file->name);
	return file->group == NULL ? 0 : vrv_os_stat(fd, "", ret_st, err);
}

/* The same for a file with a temporary name. */
static int
settle(struct vrv_restore *run, struct vrv_outfile *file, int dirfd,
    int *take_fd, struct varve_err *err)
{
	vrv_auto_fd fd = vrv_steal_fd(take_fd);
	struct vrv_stat st = {0};

	int rc = complete(run, file, fd, &st, err);
	if (rc == 0)
		rc = vrv_newfile_close(&fd, err);
	if (rc == 0 && file->held.lost != 0)
		rc = vrv_fail_sys(err, file->held.lost, "close");
	if (rc != 0)
		return rc;
	rc = file->replace ?
	    vrv_os_rename(dirfd, file->temporary, file->name, err) :
	    vrv_os_rename_new(dirfd, file->temporary, file->name, err);
	if (rc == 0)
		has_name(run, file, dirfd, &st);
	return rc;
}

static int
write_runs(struct vrv_restore *run, struct vrv_outfile *file, int fd,
    const struct vrv_run *runs, uint32_t n, struct varve_err *err)
{
	int rc = 0;

	if (file->holes || run->options->sparse)
		rc = vrv_os_truncate(fd, file->size, err);
	for (uint32_t i = 0; rc == 0 && i < n; i++)
		rc = write_run(run, fd, runs[i].offset, runs[i].bytes,
		    runs[i].n, err);
	return rc;
}

static int
write_named(struct vrv_restore *run, struct vrv_outfile *file, int dirfd,
    const struct vrv_run *runs, uint32_t n, struct varve_err *err)
{
	vrv_auto_fd fd = -1;

	int rc = create(file, dirfd, &fd, err);
	if (rc == 0)
		rc = write_runs(run, file, fd, runs, n, err);
	return rc == 0 ? settle(run, file, dirfd, &fd, err) : rc;
}

/* NOTSUP where files without a name cannot be made or cannot be linked. */
static int
write_unnamed(struct vrv_restore *run, struct vrv_outfile *file, int dirfd,
    const struct vrv_run *runs, uint32_t n, struct varve_err *err)
{
	vrv_auto_fd fd = -1;
	struct vrv_stat st = {0};

	int rc = vrv_os_open(dirfd, ".", O_WRONLY | O_TMPFILE, 0600, &fd, err);
	if (rc != 0)
		return vrv_err_is_fatal(err) ? rc : VARVE_NOTSUP;
	rc = drop_inherited(file, fd, err);
	if (rc == 0)
		rc = write_runs(run, file, fd, runs, n, err);
	if (rc == 0)
		rc = complete(run, file, fd, &st, err);
	if (rc != 0)
		return rc;
	rc = vrv_os_link(fd, dirfd, file->name, err);
	if (rc != 0)
		return rc == VARVE_EXISTS ? rc : VARVE_NOTSUP;
	rc = vrv_os_close(vrv_steal_fd(&fd), err);
	if (rc != 0) {
		struct varve_err ignored;
		(void)!vrv_os_unlink(dirfd, file->name, false, &ignored);
		return rc;
	}
	has_name(run, file, dirfd, &st);
	return 0;
}

static int
write_whole(struct vrv_restore *run, struct vrv_outfile *file, int dirfd,
    const struct vrv_run *runs, uint32_t n, struct varve_err *err)
{
	atomic_bool *no_unnamed = &run->files.no_unnamed;

	if (!file->replace && !atomic_load(no_unnamed)) {
		int rc = write_unnamed(run, file, dirfd, runs, n, err);
		if (rc != VARVE_NOTSUP)
			return rc;
		atomic_store(no_unnamed, true);
		vrv_err_clear(err);
	}
	return write_named(run, file, dirfd, runs, n, err);
}

int
vrv_outfile_whole(struct vrv_restore *run, struct vrv_outfile *file,
    const struct vrv_run *runs, uint32_t n, struct varve_err *err)
{
	int dirfd, rc = 0;

	if (!run->options->dry_run) {
		rc = vrv_folder_pin(&run->folders, file->folder, &dirfd, err);
		if (rc == 0) {
			rc = write_whole(run, file, dirfd, runs, n, err);
			vrv_folder_unpin(&run->folders, file->folder);
		}
	}
	file->ended = true;
	if (rc != 0)
		return vrv_outfile_fail(run, file, err);
	vrv_restore_add(run, file->folder, file->name, 1, 0);
	return 0;
}

/* --- files that come in several goes --- */

/* The caller holds files.lock. */
static int
open_file(struct vrv_restore *run, struct vrv_outfile *file,
    struct varve_err *err)
{
	vrv_auto_fd fd = -1;
	int dirfd;

	if (file->held.fd >= 0) {
		vrv_fdcache_touch(&run->files.cache, &file->held);
		return 0;
	}
	vrv_fdcache_make_room(&run->files.cache);
	int rc = vrv_folder_pin(&run->folders, file->folder, &dirfd, err);
	if (rc != 0)
		return rc;
	if (file->started) {
		rc = vrv_os_open_beneath(dirfd, file->temporary, O_WRONLY, 0,
		    &fd, err);
		if (rc == 0)
			vrv_newfile_hold(fd);
	} else {
		rc = create(file, dirfd, &fd, err);
		if (rc == 0 && file->size > 0)
			rc = vrv_os_truncate(fd, file->size, err);
	}
	vrv_folder_unpin(&run->folders, file->folder);
	if (rc == 0)
		vrv_fdcache_add(&run->files.cache, &file->held,
		    vrv_steal_fd(&fd));
	return rc;
}

int
vrv_outfile_write(struct vrv_restore *run, struct vrv_outfile *file,
    uint64_t offset, const uint8_t *bytes, size_t n, struct varve_err *err)
{
	int rc = 0;

	if (run->options->dry_run)
		return 0;
	pthread_mutex_lock(&run->files.lock);
	/* Once it failed, its name may belong to somebody else. */
	bool failed = atomic_load(&file->failed);
	if (!failed)
		rc = open_file(run, file, err);
	if (!failed && rc == 0)
		file->held.pins++;
	int fd = file->held.fd;
	pthread_mutex_unlock(&run->files.lock);
	if (failed || rc != 0)
		return rc;

	if (n > 0)
		rc = write_run(run, fd, offset, bytes, n, err);
	pthread_mutex_lock(&run->files.lock);
	file->held.pins--;
	pthread_mutex_unlock(&run->files.lock);
	return rc;
}

static int
finish_started(struct vrv_restore *run, struct vrv_outfile *file, int dirfd,
    struct varve_err *err)
{
	pthread_mutex_lock(&run->files.lock);
	int rc = open_file(run, file, err);
	vrv_auto_fd fd = vrv_fdcache_take(&run->files.cache, &file->held);
	pthread_mutex_unlock(&run->files.lock);
	return rc == 0 ? settle(run, file, dirfd, &fd, err) : rc;
}

static int
finish(struct vrv_restore *run, struct vrv_outfile *file, struct varve_err *err)
{
	int dirfd;

	int rc = vrv_folder_pin(&run->folders, file->folder, &dirfd, err);
	if (rc != 0)
		return rc;
	rc = file->started ? finish_started(run, file, dirfd, err) :
			     write_whole(run, file, dirfd, NULL, 0, err);
	vrv_folder_unpin(&run->folders, file->folder);
	return rc;
}

int
vrv_outfile_done(struct vrv_restore *run, struct vrv_outfile *file, uint64_t n,
    struct varve_err *err)
{
	if (atomic_fetch_sub(&file->missing, n) != n)
		return 0;
	file->ended = true;
	if (atomic_load(&file->failed)) {
		vrv_outfile_abandon(run, file);
		return 0;
	}
	if (!run->options->dry_run) {
		int rc = finish(run, file, err);
		if (rc != 0)
			return vrv_outfile_fail(run, file, err);
	}
	vrv_restore_add(run, file->folder, file->name, 1, 0);
	return 0;
}

static void
remove_started(struct vrv_restore *run, struct vrv_outfile *file)
{
	struct varve_err err = {0};
	int dirfd;

	if (!file->started)
		return;
	file->started = false;
	int rc = vrv_folder_pin(&run->folders, file->folder, &dirfd, &err);
	if (rc == 0) {
		rc = vrv_os_unlink(dirfd, file->temporary, false, &err);
		vrv_folder_unpin(&run->folders, file->folder);
	}
	if (rc != 0) {
		static const char kind[] = "incomplete file is left behind";
		(void)vrv_ctx(&err, kind);
		vrv_restore_warn(run, file->folder, file->temporary, kind,
		    &err);
	}
}

int
vrv_outfile_fail(struct vrv_restore *run, struct vrv_outfile *file,
    struct varve_err *err)
{
	if (atomic_exchange(&file->failed, true))
		return 0;
	pthread_mutex_lock(&run->files.lock);
	remove_started(run, file);
	pthread_mutex_unlock(&run->files.lock);
	return vrv_restore_failed(run, file->folder, file->name, err);
}

void
vrv_outfile_abandon(struct vrv_restore *run, struct vrv_outfile *file)
{
	pthread_mutex_lock(&run->files.lock);
	int fd = vrv_fdcache_take(&run->files.cache, &file->held);
	remove_started(run, file);
	pthread_mutex_unlock(&run->files.lock);
	vrv_cleanup_fd(&fd);
}

/* --- a file whose content is read in order --- */

struct again {
	struct vrv_restore *run;
	struct vrv_outfile *file;
};

static int
write_again(void *arg, uint64_t offset, const uint8_t *bytes, uint64_t n,
    struct varve_err *err)
{
	struct again *again = arg;

	vrv_restore_add(again->run, again->file->folder, again->file->name, 0,
	    n);
	if (bytes == NULL)
		return 0;
	return vrv_outfile_write(again->run, again->file, offset, bytes, n,
	    err);
}

int
vrv_outfile_again(struct vrv_restore *run, const struct vrv_entry *entry,
    struct vrv_folder *folder, const char *name, struct vrv_group_first *group,
    struct varve_err *err)
{
	struct vrv_outfile file = {
	    .held = VRV_HELD_INIT,
	    .folder = folder,
	    .name = name,
	    .group = group,
	    .size = entry->size,
	    .missing = 1,
	};
	struct again again = {run, &file};
	enum vrv_way way = VRV_WAY_CLEAR;
	struct vrv_stat st;

	int rc = vrv_attrs_read(run, entry, folder, name, &file.arena,
	    &file.attrs, err);
	if (rc == 0)
		rc = vrv_way_look(run, folder, name, &file.attrs, entry->size,
		    NULL, &way, &st, err);
	file.replace = way != VRV_WAY_CLEAR;
	if (rc == 0 && way == VRV_WAY_EQUAL) {
		if (group != NULL)
			vrv_group_there(group, &st);
		vrv_restore_add(run, folder, name, 1, 0);
	} else if (rc == 0) {
		rc = vrv_content_each(run, entry->content, entry->content_n,
		    entry->size, write_again, &again, err);
		if (rc == 0)
			rc = vrv_outfile_done(run, &file, 1, err);
	}
	if (rc != 0)
		rc = vrv_outfile_fail(run, &file, err);
	vrv_outfile_abandon(run, &file);
	vrv_arena_fini(&file.arena);
	return rc;
}
