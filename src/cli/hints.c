/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/hints.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/limits.h"
#include "util/mem.h"

/* Cut off the last name of an absolute path. */
static void
to_parent(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash != NULL)
		slash[slash == path] = '\0';
}

static bool
is_mounted(const char *path)
{
	struct statx st;

	return statx(AT_FDCWD, path, 0, STATX_TYPE, &st) == 0 &&
	    (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

static bool
is_listed(const char *path, const char *fstab)
{
	FILE *table = setmntent(fstab, "re");
	const struct mntent *entry;
	bool found = false;

	if (table == NULL)
		return false;
	while (!found && (entry = getmntent(table)) != NULL)
		found = strcmp(entry->mnt_dir, path) == 0;
	(void)endmntent(table);
	return found;
}

static bool
is_empty(const char *path)
{
	DIR *dir = opendir(path);
	unsigned names = 0;

	if (dir == NULL)
		return false;
	/* "." and "..", then anything else. */
	while (names < 3 && readdir(dir) != NULL)
		names++;
	(void)closedir(dir);
	return names < 3;
}

static bool
is_below(const char *path, const char *top)
{
	size_t n = strlen(top);

	return strncmp(path, top, n) == 0 &&
	    (path[n] == '\0' || path[n] == '/');
}

static bool
holds_disks(const char *path)
{
	return is_below(path, "/mnt") || is_below(path, "/media") ||
	    is_below(path, "/run/media");
}

bool
vrv_hints_unmounted(const char *path, const char *fstab)
{
	char at[PATH_MAX];

	/* If a part is missing, `at` is the path up to that part. */
	if (realpath(path, at) == NULL) {
		if (errno != ENOENT)
			return false;
		to_parent(at);
	}
	if (is_mounted(at))
		return false;
	if (holds_disks(at) && is_empty(at))
		return true;
	for (; strcmp(at, "/") != 0 && !is_mounted(at); to_parent(at)) {
		if (is_listed(at, fstab))
			return true;
	}
	return false;
}

/* Of a path that does not exist, by its text. */
static bool
parent_exists(const char *path)
{
	struct stat st;
	size_t n = strlen(path);

	while (n > 0 && path[n - 1] == '/')
		n--;
	while (n > 0 && path[n - 1] != '/')
		n--;
	vrv_auto_free char *parent = vrv_dup(path, n);
	return n == 0 || (parent != NULL && stat(parent, &st) == 0);
}

static const char *
no_repository(const char *repo)
{
	struct stat st;
	bool exists = stat(repo, &st) == 0;

	if (exists && !is_empty(repo))
		return "";
	if ((!exists && !parent_exists(repo)) ||
	    vrv_hints_unmounted(repo, "/etc/fstab"))
		return "; is the disk mounted?";
	return "; 'varve init' makes a repository";
}

static const char *
hint(const struct varve_err *err, const char *repo)
{
	switch (err->exit) {
	case VARVE_EXIT_NO_REPO:
	case VARVE_EXIT_NOT_A_REPO:
		return repo != NULL ? no_repository(repo) : "";
	case VARVE_EXIT_ARCHIVE_EXISTS:
		return "; choose another name, perhaps with {now} in it";
	case VARVE_EXIT_NO_ARCHIVE:
		return "; 'varve list' shows what there is";
	case VARVE_EXIT_REPO_REPLACED:
		return "; if you replaced it yourself, give --accept-replaced "
		       "once";
	case VARVE_EXIT_REPLAY:
		return "; restore the current copy, or give --allow-rollback "
		       "to read this one, or --accept-replaced once to forget "
		       "what this client knew";
	default:
		return vrv_limits_hint(err);
	}
}

void
vrv_hints_add(struct varve_err *err, const char *repo)
{
	(void)vrv_hint(err, "%s", hint(err, repo));
}
