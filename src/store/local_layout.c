/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/local_internal.h"

#include <sys/random.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "os/dir.h"
#include "os/file.h"
#include "os/meta.h"
#include "util/hex.h"
#include "util/mem.h"

#define PACK_FOLDERS 256
#define PLACE_ID 16

static const char *const kinds[] = {"config", "keys", "packs", "index",
    "intents", "archives", "tombstones", "condemned", "rolls"};
static const char *const private_names[] = {VRV_LOCAL_TMP, "quarantine",
    VRV_LOCAL_RESERVE, VRV_LOCAL_PLACE};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool
is_among(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

bool
vrv_local_is_kind(const char *name)
{
	return is_among(name, kinds, COUNT(kinds));
}

bool
vrv_local_is_private(const char *name)
{
	return is_among(name, private_names, COUNT(private_names));
}

static int
list_folder(int dirfd, const char *path, struct vrv_arena *arena,
    struct vrv_dirent **ret, size_t *ret_n, struct varve_err *err)
{
	vrv_auto_fd fd = -1;
	int rc = vrv_local_open_dir(dirfd, path, &fd, err);

	if (rc == 0)
		rc = vrv_os_list_dir(fd, arena, ret, ret_n, err);
	return rc != 0 ? vrv_ctx(err, "%s", path) : 0;
}

static int
not_empty(const char *name, struct varve_err *err)
{
	if (strncmp(name, "config/", strlen("config/")) == 0)
		vrv_fail(err, VARVE_EXISTS, "there is a repository already");
	else
		vrv_fail(err, VARVE_EXISTS,
		    "folder is not empty: it holds '%s'", name);
	return vrv_exit(err, VARVE_EXIT_REPO_EXISTS);
}

/* EXISTS if the folder holds anything; for packs/ if its folders do. */
static int
check_vacant(int root, const char *path, struct varve_err *err)
{
	bool packs = strcmp(path, "packs") == 0;
	vrv_auto_free struct vrv_dirent *e = NULL;
	struct vrv_arena arena = {0};
	char inner[512];
	size_t n;

	int rc = list_folder(root, path, &arena, &e, &n, err);
	if (rc != 0 && (err->sys == ENOTDIR || err->sys == ELOOP))
		return not_empty(path, err);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		snprintf(inner, sizeof(inner), "%s/%s", path, e[i].name);
		if (packs && e[i].len == 2 &&
		    (e[i].kind == VRV_DIR || e[i].kind == 0))
			rc = check_vacant(root, inner, err);
		else
			rc = not_empty(inner, err);
	}
	vrv_arena_fini(&arena);
	return rc;
}

/* What a killed run may have left of an empty layout counts as empty. Files in
 * tmp/ are no objects: such a run was writing one. Key slots beside an empty
 * config/ are a killed init's: it stores them first. */
static int
check_empty(int root, struct varve_err *err)
{
	vrv_auto_free struct vrv_dirent *e = NULL;
	struct vrv_arena arena = {0};
	size_t n;

	int rc = check_vacant(root, "config", err);
	bool laid_out = rc == 0;
	if (rc == 0 || rc == VARVE_NOENT)
		rc = list_folder(root, ".", &arena, &e, &n, err);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (strcmp(e[i].name, VRV_LOCAL_TMP) == 0 ||
		    strcmp(e[i].name, VRV_LOCAL_RESERVE) == 0 ||
		    strcmp(e[i].name, VRV_LOCAL_PLACE) == 0 ||
		    (laid_out && strcmp(e[i].name, "keys") == 0))
			continue;
		if (vrv_local_is_kind(e[i].name) ||
		    vrv_local_is_private(e[i].name))
			rc = check_vacant(root, e[i].name, err);
		else
			rc = not_empty(e[i].name, err);
	}
	vrv_arena_fini(&arena);
	return rc;
}

/* One fsync for all of them. */
static int
make_pack_folders(int root, struct varve_err *err)
{
	vrv_auto_fd packs = -1;
	char name[3];

	int rc = vrv_local_make_dir(root, "packs", &packs, err);
	if (rc != 0)
		return rc;
	for (unsigned i = 0; i < PACK_FOLDERS; i++) {
		snprintf(name, sizeof(name), "%02x", i);
		if (mkdirat(packs, name, 0700) != 0 && errno != EEXIST)
			return vrv_fail_sys(err, errno, "mkdir");
	}
	return vrv_os_fsync(packs, err);
}

static int
make_dir(int root, const char *path, struct varve_err *err)
{
	vrv_auto_fd fd = -1;

	return vrv_local_make_dir(root, path, &fd, err);
}

/* A random id, as text, which tells this location from all copies of the
 * repository that are made through varve. */
static int
write_place(int fd, struct varve_err *err)
{
	uint8_t id[PLACE_ID];
	char text[2 * PLACE_ID + 2];

	if (getrandom(id, sizeof(id), 0) != sizeof(id))
		return vrv_fail_sys(err, errno, "getrandom");
	vrv_hex(text, id, sizeof(id));
	text[sizeof(text) - 2] = '\n';
	return vrv_os_write(fd, text, sizeof(text) - 1, err);
}

int
vrv_local_make_file(int root, const char *name,
    int (*write)(int fd, struct varve_err *err), struct varve_err *err)
{
	struct vrv_newfile file;
	vrv_auto_fd tmp = -1;

	int rc = vrv_local_make_dir(root, VRV_LOCAL_TMP, &tmp, err);
	if (rc == 0)
		rc = vrv_newfile_open(tmp, 0400, &file, err);
	if (rc != 0)
		return rc;
	rc = write(file.fd, err);
	if (rc != 0) {
		vrv_newfile_abort(&file);
		return rc;
	}
	rc = vrv_newfile_link(&file, root, name, err);
	return rc == VARVE_EXISTS ? 0 : rc;
}

int
vrv_local_create(int root, struct varve_err *err)
{
	int rc = check_empty(root, err);

	/* config/, without which nothing is taken for a repository, last. */
	if (rc == 0)
		rc = make_dir(root, "quarantine", err);
	if (rc == 0)
		rc = vrv_local_reserve_make(root, err);
	if (rc == 0)
		rc = vrv_local_make_file(root, VRV_LOCAL_PLACE, write_place,
		    err);
	for (size_t i = COUNT(kinds); rc == 0 && i-- > 1;)
		rc = make_dir(root, kinds[i], err);
	if (rc == 0)
		rc = make_pack_folders(root, err);
	if (rc == 0)
		rc = make_dir(root, kinds[0], err);
	/* What was there already may not be durable yet. */
	return rc != 0 ? rc : vrv_os_fsync(root, err);
}

int
vrv_local_recognize(int root, struct varve_err *err)
{
	static const char *const marks[] = {"config", "packs"};

	for (size_t i = 0; i < COUNT(marks); i++) {
		vrv_auto_fd fd = -1;
		int rc = vrv_local_open_dir(root, marks[i], &fd, err);
		bool other = rc != 0 && err->sys == ENOTDIR;
		if (rc == VARVE_NOENT)
			vrv_fail(err, VARVE_FORMAT, "no directory %s",
			    marks[i]);
		if (rc == VARVE_NOENT || other) {
			err->code = VARVE_FORMAT;
			vrv_exit(err, VARVE_EXIT_NOT_A_REPO);
			return vrv_ctx(err, "not a repository");
		}
		if (rc != 0)
			return rc;
	}
	return 0;
}
