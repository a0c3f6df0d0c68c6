/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "extract/extract_internal.h"
#include "os/dir.h"
#include "os/file.h"
#include "os/place.h"
#include "util/mem.h"

#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY)
#define OWNER_BITS 0700
#define IMPLIED_MODE 0777u /* of what the archive does not describe; umask */

struct vrv_folder *
vrv_folder_new(struct vrv_folder *parent, const char *name, size_t name_n)
{
	struct vrv_folder *folder = calloc(1, sizeof(*folder) + name_n + 1);

	if (folder == NULL)
		return NULL;
	folder->held = (struct vrv_held)VRV_HELD_INIT;
	folder->parent = parent;
	if (parent != NULL) {
		folder->filesystem = parent->filesystem;
		folder->lost = parent->lost;
		folder->dev = parent->dev;
	}
	folder->name_n = name_n;
	memcpy(folder->name, name, name_n);
	return folder;
}

/* --- directories that their owner may not write to --- */

static void
widen(const struct vrv_restore *run, struct vrv_folder *folder, int dirfd,
    const char *name, const struct vrv_stat *st)
{
	struct varve_err ignored;

	if (!run->options->overwrite || run->is_root || st->uid != geteuid() ||
	    (st->mode & OWNER_BITS) == OWNER_BITS)
		return;
	/* If this fails, so does what needs it. */
	folder->widened =
	    vrv_os_chmod(dirfd, name, st->mode | OWNER_BITS, &ignored) == 0;
	folder->old_mode = st->mode;
	folder->old_mtime = st->mtime;
}

static int
narrow(struct vrv_folder *folder, int fd, struct varve_err *err)
{
	folder->widened = false;
	int rc = vrv_os_set_times(fd, "", &folder->old_mtime, NULL, err);
	return rc == 0 ? vrv_os_chmod(fd, "", folder->old_mode, err) : rc;
}

static void
narrow_unfinished(struct vrv_folders *folders, struct vrv_folder *folder)
{
	struct varve_err ignored;
	int fd;

	if (!folder->widened ||
	    vrv_folder_pin(folders, folder, &fd, &ignored) != 0)
		return;
	(void)!narrow(folder, fd, &ignored);
	vrv_folder_unpin(folders, folder);
}

void
vrv_folder_free(struct vrv_folders *folders, struct vrv_folder *folder)
{
	if (folder == NULL)
		return;
	narrow_unfinished(folders, folder);
	pthread_mutex_lock(&folders->lock);
	int fd = vrv_fdcache_take(&folders->cache, &folder->held);
	pthread_mutex_unlock(&folders->lock);
	vrv_cleanup_fd(&fd);
	vrv_arena_fini(&folder->arena);
	free(folder);
}

int
vrv_folders_init(struct vrv_folders *folders, const char *target,
    struct varve_err *err)
{
	vrv_auto_fd fd = -1;

	*folders = (struct vrv_folders){0};
	pthread_mutex_init(&folders->lock, NULL);
	if (target != NULL) {
		int rc =
		    vrv_os_open(AT_FDCWD, target, FOLDER_FLAGS, 0, &fd, err);
		if (rc != 0)
			return vrv_ctx(err, "target folder '%s'", target);
	}
	folders->root = vrv_folder_new(NULL, "", 0);
	if (folders->root == NULL)
		return VRV_NOMEM(err, "the target folder");
	if (fd < 0)
		return 0;
	folders->root->held.pins = 1; /* never closed */
	vrv_fdcache_add(&folders->cache, &folders->root->held,
	    vrv_steal_fd(&fd));
	return 0;
}

void
vrv_folders_fini(struct vrv_folders *folders)
{
	vrv_folder_free(folders, folders->root);
	pthread_mutex_destroy(&folders->lock);
}

/* The caller holds the lock. A folder of the way down that was closed is
 * opened from its parent, so that no path is ever looked up as a whole. */
static int
open_folder(struct vrv_folders *folders, struct vrv_folder *folder,
    struct varve_err *err)
{
	while (folder->held.fd < 0) {
		struct vrv_folder *at = folder;
		while (at->parent->held.fd < 0)
			at = at->parent;

		int fd;
		at->parent->held.pins++;
		vrv_fdcache_make_room(&folders->cache);
		at->parent->held.pins--;
		int rc = vrv_os_open_beneath(at->parent->held.fd, at->name,
		    FOLDER_FLAGS, 0, &fd, err);
		if (rc != 0)
			return rc;
		vrv_fdcache_add(&folders->cache, &at->held, fd);
	}
	return 0;
}

int
vrv_folder_pin(struct vrv_folders *folders, struct vrv_folder *folder,
    int *ret_fd, struct varve_err *err)
{
	pthread_mutex_lock(&folders->lock);
	int rc = open_folder(folders, folder, err);
	if (rc == 0) {
		vrv_fdcache_touch(&folders->cache, &folder->held);
		folder->held.pins++;
		*ret_fd = folder->held.fd;
	}
	pthread_mutex_unlock(&folders->lock);
	return rc;
}

void
vrv_folder_unpin(struct vrv_folders *folders, struct vrv_folder *folder)
{
	pthread_mutex_lock(&folders->lock);
	folder->held.pins--;
	pthread_mutex_unlock(&folders->lock);
}

/* A default ACL of a folder that was there before is inherited by whatever is
 * made in it; the archive says what its files have, so that must go. */
static int
find_default_acl(int fd, bool *ret, struct varve_err *err)
{
	struct vrv_arena arena = {0};
	struct vrv_xattr *xattrs;
	size_t n = 0, lost;

	int rc = vrv_os_xattrs(fd, "", &arena, &xattrs, &n, &lost, err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		if (strcmp(xattrs[i].name, "system.posix_acl_default") == 0)
			*ret = true;
	vrv_arena_fini(&arena);
	return rc;
}

static int
drop_inherited(struct vrv_folder *folder, int fd, struct varve_err *err)
{
	static const char *const names[] = {"system.posix_acl_default",
	    "system.posix_acl_access"};

	if (folder->parent == NULL || !folder->parent->acl)
		return 0;
	for (size_t i = 0; i < 2; i++) {
		int rc = vrv_os_remove_xattr(fd, "", names[i], err);
		if (rc != 0 && err->sys != ENODATA)
			return rc;
		vrv_err_clear(err);
	}
	return 0;
}

static int
make_in(struct vrv_restore *run, struct vrv_folder *folder, int dirfd,
    struct varve_err *err)
{
	struct vrv_stat st;

	int rc = vrv_os_mkdir(dirfd, folder->name, OWNER_BITS, err);
	if (rc == 0) {
		folder->made = true;
		return 0;
	}
	if (rc != VARVE_EXISTS)
		return rc;
	rc = vrv_os_stat(dirfd, folder->name, &st, err);
	if (rc != 0)
		return rc;
	if (st.kind == VRV_DIR) {
		widen(run, folder, dirfd, folder->name, &st);
		return 0;
	}
	if (!run->options->overwrite)
		return vrv_fail_sys(err, ENOTDIR,
		    "not restored, --overwrite replaces what is there");
	rc = vrv_os_unlink(dirfd, folder->name, false, err);
	if (rc == 0)
		rc = vrv_os_mkdir(dirfd, folder->name, OWNER_BITS, err);
	folder->made = rc == 0;
	return rc;
}

int
vrv_folder_make(struct vrv_restore *run, struct vrv_folder *folder,
    struct varve_err *err)
{
	struct vrv_stat st;
	int fd, rc = 0;

	if (folder->parent != NULL) {
		int dirfd;
		rc = vrv_folder_pin(&run->folders, folder->parent, &dirfd, err);
		if (rc != 0)
			return rc;
		rc = make_in(run, folder, dirfd, err);
		vrv_folder_unpin(&run->folders, folder->parent);
		bool inherits = folder->made && folder->parent->acl;
		if (rc != 0 || (folder->made && !inherits))
			return rc;
	}
	rc = vrv_folder_pin(&run->folders, folder, &fd, err);
	if (rc != 0)
		return rc;
	if (folder->made) {
		rc = drop_inherited(folder, fd, err);
	} else {
		rc = vrv_os_stat(fd, "", &st, err);
		if (rc == 0) {
			folder->dev = st.dev;
			if (folder->parent == NULL)
				widen(run, folder, fd, "", &st);
			rc = find_default_acl(fd, &folder->acl, err);
		}
		/* Of an earlier run that was killed. */
		vrv_newfile_sweep(fd);
	}
	vrv_folder_unpin(&run->folders, folder);
	return rc;
}

static int
set_implied(const struct vrv_restore *run, int fd, struct varve_err *err)
{
	uint16_t mode = IMPLIED_MODE & ~run->options->umask;
	struct vrv_stat st;

	int rc = vrv_os_stat(fd, "", &st, err);
	/* The set-ID bit is inherited from the directory above. */
	return rc == 0 ?
	    vrv_os_chmod(fd, "", (st.mode & VRV_SET_ID_BITS) | mode, err) :
	    rc;
}

static void
set_mode(struct vrv_restore *run, struct vrv_folder *folder, int fd)
{
	static const char kind[] = "mode is not restored";
	struct varve_err err = {0};

	int rc = folder->made ? set_implied(run, fd, &err) :
				narrow(folder, fd, &err);
	if (rc == 0)
		return;
	(void)vrv_ctx(&err, kind);
	vrv_restore_warn(run, folder, NULL, kind, &err);
}

int
vrv_folder_finish(struct vrv_restore *run, struct vrv_folder *folder,
    struct varve_err *err)
{
	bool described = folder->has_attrs && (folder->made || !folder->is_way);
	int fd;

	if (folder->lost || run->options->dry_run ||
	    !(described || folder->made || folder->widened))
		return 0;
	int rc = vrv_folder_pin(&run->folders, folder, &fd, err);
	if (rc != 0)
		return vrv_restore_failed(run, folder, NULL, err);
	if (described) {
		folder->widened = false;
		vrv_attrs_apply(run, &folder->attrs, fd, "", folder, NULL);
		if (folder->attrs.iflags != 0)
			vrv_attrs_apply_flags(run, &folder->attrs, fd, "",
			    folder, NULL);
	} else {
		set_mode(run, folder, fd);
	}
	vrv_folder_unpin(&run->folders, folder);
	return 0;
}

char *
vrv_folder_path(const struct vrv_folder *folder, const char *name)
{
	size_t name_n = name == NULL ? 0 : strlen(name), n = name_n + 1;

	for (const struct vrv_folder *f = folder; f->parent != NULL;
	     f = f->parent)
		n += f->name_n + 1;
	char *path = malloc(n + 1);
	if (path == NULL)
		return NULL;
	if (name == NULL && folder->parent == NULL) {
		memcpy(path, ".", 2);
		return path;
	}

	char *at = path + n;
	*at = '\0';
	if (name != NULL) {
		at -= name_n;
		memcpy(at, name, name_n);
	}
	for (const struct vrv_folder *f = folder; f->parent != NULL;
	     f = f->parent) {
		if (*at != '\0')
			*--at = '/';
		at -= f->name_n;
		memcpy(at, f->name, f->name_n);
	}
	memmove(path, at, strlen(at) + 1);
	return path;
}
