/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/local_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/dir.h"
#include "os/file.h"
#include "os/meta.h"
#include "store/store.h"
#include "util/mem.h"

/* Objects lie in "kind/" or "kind/xx/": no other directory is one to us. */
#define DEPTH_MAX 2
#define INNER_LEN 2
#define PATH_SIZE (VRV_STORE_NAME_MAX + DEPTH_MAX * (NAME_MAX + 1) + 1)

/* What cannot be looked at is shown as an object, whose reader will see why. */
static bool
is_folder(int dirfd, const struct vrv_dirent *e)
{
	struct varve_err ignored;
	struct vrv_stat st;

	if (e->kind != 0)
		return e->kind == VRV_DIR;
	return vrv_os_stat(dirfd, e->name, &st, &ignored) == 0 &&
	    st.kind == VRV_DIR;
}

static int walk_folder(const struct vrv_local_walk *w, const char *path,
    const char *start, unsigned depth, struct varve_err *err);

static int
visit(const struct vrv_local_walk *w, int dirfd, const char *path,
    const struct vrv_dirent *e, unsigned depth, struct varve_err *err)
{
	bool descend = depth == 0 && vrv_local_is_kind(e->name);
	char name[PATH_SIZE];

	if (depth == 0 && vrv_local_is_private(e->name))
		return 0;
	if (depth > 0 && depth < DEPTH_MAX && e->len == INNER_LEN)
		descend = is_folder(dirfd, e);
	int n = snprintf(name, sizeof(name), "%s%s%s", path, e->name,
	    descend ? "/" : "");
	if ((size_t)n >= sizeof(name))
		return vrv_fail(err, VARVE_LIMIT, "%s: %s: name too long",
		    w->location, path);
	if (descend)
		return walk_folder(w, name, "", depth + 1, err);
	return w->item == NULL ? 0 : w->item(w->arg, dirfd, e->name, name, err);
}

/* `path` is "" or ends in a slash; of what is in it, the names that begin with
 * `start` count. */
static int
walk_folder(const struct vrv_local_walk *w, const char *path, const char *start,
    unsigned depth, struct varve_err *err)
{
	vrv_auto_free struct vrv_dirent *e = NULL;
	struct vrv_arena arena = {0};
	vrv_auto_fd fd = -1;
	size_t n = 0;

	int rc =
	    vrv_local_open_dir(w->root, path[0] == '\0' ? "." : path, &fd, err);
	if (rc == VARVE_NOENT)
		return 0;
	if (rc == 0)
		rc = vrv_os_list_dir(fd, &arena, &e, &n, err);
	if (rc != 0)
		rc = vrv_ctx(err, "%s: %s", w->location, path);
	else if (w->folder != NULL)
		rc = w->folder(w->arg, fd, err);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (strncmp(e[i].name, start, strlen(start)) == 0)
			rc = visit(w, fd, path, &e[i], depth, err);
	}
	vrv_arena_fini(&arena);
	return rc;
}

int
vrv_local_walk(const struct vrv_local_walk *w, struct varve_err *err)
{
	char path[VRV_STORE_NAME_MAX + 1];
	size_t len = 0;
	unsigned depth = 0;

	for (size_t i = 0; w->prefix[i] != '\0'; i++) {
		path[i] = w->prefix[i];
		if (path[i] != '/')
			continue;
		path[i] = '\0';
		if (depth == 0 && vrv_local_is_private(path))
			return 0;
		path[i] = '/';
		len = i + 1;
		depth++;
	}
	path[len] = '\0';
	return walk_folder(w, path, w->prefix + len, depth, err);
}
