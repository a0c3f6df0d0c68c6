/* SPDX-License-Identifier: BSD-2-Clause */
#include "create/walk.h"

#include <string.h>

#include "util/mem.h"

bool
vrv_walker_in_store(const struct vrv_walker *w, const char *path)
{
	return w->p->store_inode != 0 &&
	    vrv_source_is_within(path, w->p->store_dev, w->p->store_inode);
}

/* The first symbolic link among the directories of `path`, of which the last
 * `n` bytes are in the archive: its length, or 0. */
static size_t
find_link(const char *path, size_t n)
{
	size_t whole = strlen(path);
	vrv_auto_free char *part = vrv_dup(path, whole);

	for (size_t i = whole - n; part != NULL && i < whole; i++) {
		struct vrv_source_err unheard;
		struct vrv_stat st;

		if (path[i] != '/')
			continue;
		part[i] = '\0';
		bool found = vrv_source_stat(NULL, part, &st, &unheard) &&
		    st.kind == VRV_SYMLINK;
		part[i] = '/';
		if (found)
			return i;
	}
	return 0;
}

static int
report_link(struct vrv_walker *w, const struct vrv_root *root, const char *name,
    size_t link, struct varve_err *err)
{
	vrv_auto_free char *real = vrv_source_real_path(root->path);
	vrv_auto_free char *reason =
	    vrv_strf("%s '%.*s' is stored as a symbolic link; name '%s' "
		     "instead",
		root->settled ? "its content is not stored:" : "not stored:",
		(int)link, root->path, real == NULL ? "its target" : real);
	struct vrv_text copy;

	if (reason == NULL)
		return VRV_NOMEM(err, "the walk");
	int rc = vrv_walker_problem(w, name, NULL, "", err);
	if (rc == 0)
		rc = vrv_walker_copy(w,
		    (struct vrv_text){(uint8_t *)reason, strlen(reason) + 1},
		    &copy, err);
	if (rc == 0)
		w->p->filling->items[w->p->filling->n - 1].reason =
		    (const char *)copy.p;
	return rc;
}

/* Was the source named as a directory, but stored as the link to one? */
static bool
is_link_to_dir(const struct vrv_root *root)
{
	struct vrv_source_err unheard;
	struct vrv_stat st;

	return root->as_dir &&
	    vrv_source_stat(NULL, root->path, &st, &unheard) &&
	    st.kind == VRV_SYMLINK &&
	    vrv_source_stat_target(NULL, root->path, &st, &unheard) &&
	    st.kind == VRV_DIR;
}

/* Why did the walk not come to it, or to what it holds? */
static int
report(struct vrv_walker *w, const struct vrv_root *root, const char *name,
    struct varve_err *err)
{
	struct vrv_source_err error;
	struct vrv_stat st;
	unsigned match;

	w->disk = root->path;
	if (root->stdin_)
		return vrv_walker_problem(w, name, NULL,
		    "not stored: its directory is stored as something else",
		    err);
	if (!vrv_source_stat(NULL, root->path, &st, &error))
		return vrv_walker_problem(w, name, &error, NULL, err);
	int rc = vrv_walker_matches(w, name, st.kind == VRV_DIR, &match, err);
	if (rc != 0)
		return rc;
	/* Of what was come to, that has been said. */
	if ((match & VARVE_MATCH_INCLUDE) == 0 &&
	    (st.kind != VRV_DIR || (match & VARVE_MATCH_RECURSE) == 0))
		return root->settled ? 0 : vrv_walker_excluded(w, name, err);
	if (root->settled)
		return report_link(w, root, name, strlen(root->path), err);
	vrv_auto_free char *folder = vrv_source_folder(root->path, NULL);
	if (folder == NULL)
		return VRV_NOMEM(err, "a path");
	if (vrv_walker_in_store(w, folder))
		return vrv_walker_skip_store(w, name, true, err);
	size_t link = find_link(root->path, strlen(name));
	if (link > 0)
		return report_link(w, root, name, link, err);
	return vrv_walker_problem(w, name, NULL,
	    "not stored: what is above it changed during the walk", err);
}

static int
report_below(struct vrv_walker *w, struct vrv_root *root, struct vrv_buf *path,
    struct varve_err *err)
{
	size_t keep = path->len;
	int rc = 0;

	if (keep > 0)
		vrv_buf_u8(path, '/');
	vrv_buf_bytes(path, root->name, strlen(root->name));
	if (root->source && (!root->settled || is_link_to_dir(root))) {
		size_t n = path->len;

		vrv_buf_u8(path, 0);
		rc = vrv_buf_check(path, err);
		if (rc == 0)
			rc = report(w, root, (const char *)path->data, err);
		root->settled = true;
		path->len = n;
	}
	for (size_t i = 0; rc == 0 && i < root->n_below; i++)
		rc = report_below(w, root->below[i], path, err);
	path->len = keep;
	return rc;
}

int
vrv_walker_report_rest(struct vrv_walker *w, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf path = {0};

	return report_below(w, &w->p->roots->top, &path, err);
}
