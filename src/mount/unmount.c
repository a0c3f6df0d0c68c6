/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/mount.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mount/mount.h"
#include "os/file.h"
#include "os/spawn.h"
#include "util/mem.h"

#define LINKS_MAX 40 /* as the kernel has it */

/* The absolute path of a mount point, which must not be looked into: a killed
 * process answers nothing. So only the folder above is. */
static int
full_path(const char *target, char **ret, struct varve_err *err)
{
	vrv_auto_free char *copy = vrv_dup(target, strlen(target));

	if (copy == NULL)
		return VRV_NOMEM(err, "a path");
	size_t n = strlen(copy);
	while (n > 1 && copy[n - 1] == '/')
		copy[--n] = '\0';
	char *slash = strrchr(copy, '/');
	const char *leaf = slash != NULL ? slash + 1 : copy;
	const char *above = slash == NULL ? "." : slash == copy ? "/" : copy;
	if (leaf[0] == '\0' || strcmp(leaf, ".") == 0 ||
	    strcmp(leaf, "..") == 0) {
		*ret = realpath(copy, NULL);
		return *ret != NULL ? 0 :
				      vrv_fail_sys(err, errno, "'%s'", target);
	}
	if (slash != NULL && slash != copy)
		*slash = '\0';
	vrv_auto_free char *real = realpath(above, NULL);
	if (real == NULL)
		return vrv_fail_sys(err, errno, "'%s'", target);
	*ret =
	    vrv_strf("%s%s%s", real, strcmp(real, "/") == 0 ? "" : "/", leaf);
	return *ret != NULL ? 0 : VRV_NOMEM(err, "a path");
}

/* Undo what /proc/self/mountinfo does with blanks and such: "\040". */
static void
unescape(char *text)
{
	char *to = text;

	while (*text != '\0') {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' &&
		    text[2] >= '0' && text[2] <= '7' && text[3] >= '0' &&
		    text[3] <= '7') {
			*to++ = (char)((text[1] - '0') * 64 +
			    (text[2] - '0') * 8 + (text[3] - '0'));
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

/* A line of mountinfo: is it of a mount of ours at `path`? */
static bool
is_ours(char *line, const char *path)
{
	char *fields[6], *rest = line, *type;

	for (size_t i = 0; i < 6; i++) {
		fields[i] = strsep(&rest, " ");
		if (rest == NULL)
			return false;
	}
	unescape(fields[4]);
	type = strstr(rest, "- ");
	return type != NULL && strcmp(fields[4], path) == 0 &&
	    strncmp(type + 2, "fuse.varve ", 11) == 0;
}

static int
is_mounted(const char *path, bool *ret, struct varve_err *err)
{
	vrv_auto_free char *line = NULL;
	size_t cap = 0;

	FILE *f = fopen("/proc/self/mountinfo", "re");
	if (f == NULL)
		return vrv_fail_sys(err, errno, "/proc/self/mountinfo");
	*ret = false;
	while (!*ret && getline(&line, &cap, f) > 0)
		*ret = is_ours(line, path);
	(void)fclose(f);
	return 0;
}

static int
run_fusermount(const char *path, struct varve_err *err)
{
	char program[] = "fusermount3", how[] = "-u", quiet[] = "-q",
	     dashes[] = "--";
	vrv_auto_free char *copy = vrv_dup(path, strlen(path));
	char *argv[] = {program, how, quiet, dashes, copy, NULL};
	vrv_auto_fd out = -1;
	pid_t pid;

	if (copy == NULL)
		return VRV_NOMEM(err, "a path");
	int rc = vrv_os_spawn(argv, &pid, &out, err);
	return rc != 0 ? rc : vrv_os_wait(pid, program, err);
}

/* Where the symbolic link `path` leads; NULL if it is none. Never called for a
 * mount point. */
static char *
link_target(const char *path)
{
	char to[PATH_MAX];
	ssize_t n = readlink(path, to, sizeof(to) - 1);

	if (n <= 0)
		return NULL;
	to[n] = '\0';
	return to[0] == '/' ?
	    vrv_dup(to, (size_t)n) :
	    vrv_strf("%.*s/%s", (int)(strrchr(path, '/') - path), path, to);
}

/* Follow symbolic links from `target` until a mount of ours. Without one
 * *ret_path is where they end. */
static int
find_mount(const char *target, char **ret_path, bool *ret_mounted,
    struct varve_err *err)
{
	vrv_auto_free char *at = vrv_dup(target, strlen(target));

	for (int links = 0; at != NULL; links++) {
		vrv_auto_free char *path = NULL;
		bool mounted = false;

		int rc = full_path(at, &path, err);
		if (rc == 0)
			rc = is_mounted(path, &mounted, err);
		if (rc != 0)
			return rc;
		char *to =
		    mounted || links == LINKS_MAX ? NULL : link_target(path);
		if (to == NULL) {
			*ret_path = vrv_steal(&path);
			*ret_mounted = mounted;
			return 0;
		}
		free(at);
		at = to;
	}
	return VRV_NOMEM(err, "a path");
}

int
vrv_mount_end(const char *target, struct varve_err *err)
{
	vrv_auto_free char *path = NULL;
	bool mounted;

	int rc = find_mount(target, &path, &mounted, err);
	if (rc != 0)
		return rc;
	if (!mounted)
		return vrv_fail(err, VARVE_NOENT,
		    "nothing is mounted by varve at '%s'", path);
	if (geteuid() == 0) {
		if (umount2(path, UMOUNT_NOFOLLOW) == 0)
			return 0;
		if (errno != EBUSY)
			return vrv_fail_sys(err, errno, "unmounting '%s'",
			    path);
	} else if (run_fusermount(path, err) == 0) {
		return 0;
	} else if (err->code == VARVE_NOENT) {
		return vrv_ctx(err, "fusermount3");
	}
	return vrv_fail(err, VARVE_LOCKED,
	    "'%s' is in use: leave it (see 'fuser -vm %s') and try again", path,
	    path);
}
