/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include "extract/extract_internal.h"
#include "os/place.h"
#include "util/mem.h"

static bool
target_equal(int dirfd, const char *name, const char *target)
{
	struct vrv_arena arena = {0};
	struct varve_err err = {0};
	char *have;

	bool same = vrv_os_readlink(dirfd, name, &arena, &have, &err) == 0 &&
	    strcmp(have, target) == 0;
	vrv_arena_fini(&arena);
	return same;
}

/* Is what is there what an earlier run restored? */
static bool
is_equal(struct vrv_restore *run, int dirfd, const char *name,
    const struct vrv_attrs *attrs, uint64_t size, const char *target,
    const struct vrv_stat *st)
{
	if (st->kind != attrs->kind)
		return false;
	switch (st->kind) {
	case VRV_FILE:
		return st->size == size &&
		    vrv_attrs_equal(run, attrs, st, dirfd, name);
	case VRV_SYMLINK:
		return target != NULL && target_equal(dirfd, name, target);
	case VRV_CHAR:
	case VRV_BLOCK:
		return st->rdev_major == attrs->major &&
		    st->rdev_minor == attrs->minor;
	default:
		return st->kind == VRV_FIFO;
	}
}

/* Something is there: may it go? */
static int
in_the_way(struct vrv_restore *run, int dirfd, const char *name,
    const struct vrv_attrs *attrs, uint64_t size, const char *target,
    const struct vrv_stat *st, enum vrv_way *ret, struct varve_err *err)
{
	if (is_equal(run, dirfd, name, attrs, size, target, st)) {
		*ret = VRV_WAY_EQUAL;
		return 0;
	}
	if (!run->options->overwrite)
		return vrv_fail_sys(err, EEXIST,
		    "not restored, --overwrite replaces what is there");
	if (st->kind == VRV_DIR) {
		*ret = VRV_WAY_CLEAR;
		if (vrv_os_unlink(dirfd, name, true, err) == 0)
			return 0;
		return vrv_ctx(err, "not restored: there is a directory");
	}
	*ret = VRV_WAY_RENAME;
	return 0;
}

int
vrv_way_look(struct vrv_restore *run, struct vrv_folder *folder,
    const char *name, const struct vrv_attrs *attrs, uint64_t size,
    const char *target, enum vrv_way *ret, struct vrv_stat *ret_st,
    struct varve_err *err)
{
	int dirfd;

	if (run->options->dry_run || folder->made) {
		*ret = VRV_WAY_CLEAR;
		return 0;
	}
	int rc = vrv_folder_pin(&run->folders, folder, &dirfd, err);
	if (rc != 0)
		return rc;
	rc = vrv_os_stat(dirfd, name, ret_st, err);
	if (rc == 0) {
		rc = in_the_way(run, dirfd, name, attrs, size, target, ret_st,
		    ret, err);
	} else if (rc == VARVE_NOENT) {
		vrv_err_clear(err);
		*ret = VRV_WAY_CLEAR;
		rc = 0;
	}
	vrv_folder_unpin(&run->folders, folder);
	return rc;
}

static int
make_node(struct vrv_restore *run, const struct vrv_node *node, int dirfd,
    const char *name, struct varve_err *err)
{
	const struct vrv_attrs *a = &node->attrs;

	if (a->kind == VRV_SYMLINK)
		return vrv_os_symlink(node->target, dirfd, name, err);
	int rc =
	    vrv_os_make_node(dirfd, name, a->kind, a->major, a->minor, err);
	if (rc != 0 && err->sys == EPERM && !run->is_root)
		return vrv_ctx(err, "devices need root");
	return rc;
}

static int
remember(const struct vrv_node *node, int dirfd, const char *name,
    struct varve_err *err)
{
	struct vrv_stat st;

	if (node->group == NULL)
		return 0;
	int rc = vrv_os_stat(dirfd, name, &st, err);
	if (rc == 0)
		vrv_group_there(node->group, &st);
	return rc;
}

static int
replace(struct vrv_restore *run, const struct vrv_node *node, int dirfd,
    struct varve_err *err)
{
	char temporary[VRV_NEWFILE_NAME];
	struct varve_err ignored;

	int rc = vrv_newfile_name(temporary, err);
	if (rc == 0)
		rc = make_node(run, node, dirfd, temporary, err);
	if (rc != 0)
		return rc;
	vrv_attrs_apply(run, &node->attrs, dirfd, temporary, node->folder,
	    node->name);
	rc = vrv_os_rename(dirfd, temporary, node->name, err);
	if (rc != 0 && vrv_os_unlink(dirfd, temporary, false, &ignored) != 0)
		(void)vrv_ctx(err, "'%s' is left behind", temporary);
	return rc;
}

int
vrv_node_make(struct vrv_restore *run, const struct vrv_node *node,
    enum vrv_way way, struct varve_err *err)
{
	struct vrv_folder *folder = node->folder;
	const char *name = node->name;
	int dirfd;

	int rc = vrv_folder_pin(&run->folders, folder, &dirfd, err);
	if (rc != 0)
		return rc;
	if (way == VRV_WAY_RENAME) {
		rc = replace(run, node, dirfd, err);
	} else {
		if (way == VRV_WAY_CLEAR)
			rc = make_node(run, node, dirfd, name, err);
		if (rc == 0)
			vrv_attrs_apply(run, &node->attrs, dirfd, name, folder,
			    name);
	}
	if (rc == 0)
		rc = remember(node, dirfd, name, err);
	vrv_folder_unpin(&run->folders, folder);
	return rc;
}
