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

/* Something is there: may it go? */
static int
in_the_way(struct vrv_restore *run, int dirfd, const char *name,
    const struct vrv_attrs *attrs, uint64_t size, const char *target,
    const struct vrv_stat *st, enum vrv_way *ret, struct varve_err *err)
{
	if (!run->options->overwrite)
		return vrv_fail_sys(err, EEXIST, "not restored");
	if (st->kind == VRV_DIR) {
		*ret = VRV_WAY_CLEAR;
		if (vrv_os_unlink(dirfd, name, true, err) == 0)
			return 0;
		return vrv_ctx(err, "not restored: there is a folder");
	}
	bool same = vrv_attrs_equal(run, attrs, st, dirfd, name) &&
	    (st->kind == VRV_FILE || st->kind == VRV_SYMLINK);
	if (same && st->kind == VRV_FILE)
		same = st->size == size;
	else if (same)
		same = target != NULL && target_equal(dirfd, name, target);
	*ret = same ? VRV_WAY_EQUAL : VRV_WAY_RENAME;
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
	uint8_t kind = node->attrs.kind;

	if (kind == VRV_SYMLINK)
		return vrv_os_symlink(node->target, dirfd, name, err);
	int rc =
	    vrv_os_make_node(dirfd, name, kind, node->major, node->minor, err);
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
	if (rc != 0)
		return rc;
	node->group->dev = st.dev;
	node->group->inode = st.inode;
	atomic_store(&node->group->there, true);
	return 0;
}

int
vrv_node_make(struct vrv_restore *run, const struct vrv_node *node,
    bool replace, struct varve_err *err)
{
	struct vrv_folder *folder = node->folder;
	char temporary[VRV_TEMPORARY_MAX];
	const char *name = node->name;
	struct varve_err ignored;
	int dirfd;

	int rc = vrv_folder_pin(&run->folders, folder, &dirfd, err);
	if (rc != 0)
		return rc;
	if (replace) {
		vrv_temporary_name(temporary);
		name = temporary;
	}
	rc = make_node(run, node, dirfd, name, err);
	if (rc == 0) {
		vrv_attrs_apply(run, &node->attrs, dirfd, name, folder,
		    node->name);
		if (replace)
			rc = vrv_os_rename(dirfd, temporary, node->name, err);
		if (rc != 0 && vrv_os_unlink(dirfd, name, false, &ignored) != 0)
			(void)vrv_ctx(err, "'%s' is left behind", name);
	}
	if (rc == 0)
		rc = remember(node, dirfd, node->name, err);
	vrv_folder_unpin(&run->folders, folder);
	return rc;
}
