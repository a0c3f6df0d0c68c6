/* SPDX-License-Identifier: BSD-2-Clause */
#include "mount/view.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

#define FIRST 2 /* offset of what stands behind ".." */
#define INO_SEED 2
#define LATEST_AT UINT32_MAX /* offset of the link in a group */

static const struct {
	const char *name;
	enum vrv_made kind;
} top[] = {
    {"archives", VRV_MADE_ARCHIVES},
    {"by-host", VRV_MADE_HOSTS},
    {"by-series", VRV_MADE_SERIES},
    {"latest", VRV_MADE_LATEST},
};
#define N_TOP (sizeof(top) / sizeof(top[0]))

int
vrv_view_new(struct vrv_mount *m, vrv_mount_select_fn *select, void *select_arg,
    struct vrv_view **ret, struct varve_err *err)
{
	struct vrv_view *v = calloc(1, sizeof(*v));

	if (v == NULL)
		return VRV_NOMEM(err, "the list of archives");
	(void)pthread_mutex_init(&v->lock, NULL);
	v->listing.select = select;
	v->listing.select_arg = select_arg;
	int rc = vrv_view_load(m, v, err);
	if (rc != 0) {
		vrv_view_free(v);
		return rc;
	}
	*ret = v;
	return 0;
}

void
vrv_view_free(struct vrv_view *v)
{
	if (v == NULL)
		return;
	free(v->archives);
	free(v->groups);
	vrv_arena_fini(&v->names);
	vrv_arena_fini(&v->labels);
	(void)pthread_mutex_destroy(&v->lock);
	free(v);
}

static struct vrv_view *
lock(struct vrv_mount *m)
{
	(void)pthread_mutex_lock(&m->view->lock);
	vrv_view_refresh(m, m->view);
	return m->view;
}

static void
unlock(struct vrv_view *v)
{
	(void)pthread_mutex_unlock(&v->lock);
}

/* --- what is there; all under the lock --- */

static bool
is_in(const struct vrv_view *v, uint32_t archive, uint32_t group)
{
	const struct vrv_view_archive *a;

	if (archive >= v->n_archives || group >= v->n_groups)
		return false;
	a = &v->archives[archive];
	return a->name != NULL &&
	    (v->groups[group].series ? a->series : a->host) == group;
}

/* The newest that is shown, of a group if it is not VRV_NODE_NONE; NULL if
 * there is none. */
static const struct vrv_view_archive *
newest(const struct vrv_view *v, uint32_t group)
{
	const struct vrv_view_archive *best = NULL;

	for (uint32_t i = 0; i < v->n_archives; i++) {
		const struct vrv_view_archive *a = &v->archives[i];
		if (a->name != NULL &&
		    (group == VRV_NODE_NONE || is_in(v, i, group)) &&
		    (best == NULL || a->rank > best->rank))
			best = a;
	}
	return best;
}

/* What a link leads to, or NULL if it is not there. */
static const struct vrv_view_archive *
target_of(const struct vrv_view *v, struct vrv_made_node node)
{
	switch (node.kind) {
	case VRV_MADE_LATEST:
		return newest(v, VRV_NODE_NONE);
	case VRV_MADE_GROUP_LATEST:
		return newest(v, node.group);
	case VRV_MADE_GROUP_LINK:
		return is_in(v, node.archive, node.group) ?
		    &v->archives[node.archive] :
		    NULL;
	default:
		return NULL;
	}
}

static const char *
way_to(enum vrv_made kind)
{
	return kind == VRV_MADE_LATEST ? "archives/" : "../../archives/";
}

static bool
exists(const struct vrv_view *v, struct vrv_made_node node)
{
	switch (node.kind) {
	case VRV_MADE_ROOT:
	case VRV_MADE_ARCHIVES:
	case VRV_MADE_HOSTS:
	case VRV_MADE_SERIES:
		return true;
	case VRV_MADE_GROUP:
		return newest(v, node.group) != NULL;
	case VRV_MADE_ARCHIVE:
		return node.archive < v->n_archives &&
		    v->archives[node.archive].name != NULL;
	default:
		return target_of(v, node) != NULL;
	}
}

static uint64_t
number_of(struct vrv_made_node node)
{
	return vrv_node_made(node.kind, node.group, node.archive);
}

static void
fill_attr(struct vrv_mount *m, const struct vrv_view *v,
    struct vrv_made_node node, struct stat *st)
{
	uint64_t number = number_of(node);

	if (node.kind == VRV_MADE_ARCHIVE) {
		vrv_attr_of_archive(m,
		    vrv_nodes_archive_at(m->nodes, node.archive), st);
		return;
	}
	*st = (struct stat){0};
	st->st_ino = vrv_ino_of_name(INO_SEED, &number, sizeof(number));
	st->st_mode = S_IFDIR | (0555u & ~m->options->umask);
	st->st_nlink = 2;
	const struct vrv_view_archive *a = target_of(v, node);
	if (a != NULL) {
		st->st_mode = S_IFLNK | 0777;
		st->st_nlink = 1;
		st->st_size =
		    (off_t)(strlen(way_to(node.kind)) + strlen(a->name));
	}
	st->st_uid = m->options->has_uid ? m->options->uid : m->uid;
	st->st_gid = m->options->has_gid ? m->options->gid : m->gid;
	st->st_mtim.tv_sec = v->time.s;
	st->st_mtim.tv_nsec = v->time.ns;
	st->st_atim = st->st_ctim = st->st_mtim;
}

int
vrv_view_attr(struct vrv_mount *m, struct vrv_made_node node, struct stat *ret,
    struct varve_err *err)
{
	int rc = 0;
	struct vrv_view *v = lock(m);

	if (exists(v, node))
		fill_attr(m, v, node, ret);
	else
		rc = vrv_fail(err, VARVE_NOENT, "it is gone");
	unlock(v);
	return rc;
}

int
vrv_view_link(struct vrv_mount *m, struct vrv_made_node node, char **ret,
    struct varve_err *err)
{
	int rc = 0;
	struct vrv_view *v = lock(m);
	const struct vrv_view_archive *a = target_of(v, node);

	if (a == NULL)
		rc = vrv_fail(err, VARVE_NOENT, "it is gone");
	char *text =
	    a == NULL ? NULL : vrv_strf("%s%s", way_to(node.kind), a->name);
	unlock(v);
	if (rc == 0 && text == NULL)
		rc = VRV_NOMEM(err, "a link");
	if (rc == 0)
		*ret = text;
	return rc;
}

void
vrv_view_size(struct vrv_mount *m, uint64_t *ret_bytes, uint64_t *ret_files)
{
	struct vrv_view *v = lock(m);

	*ret_bytes = v->bytes;
	*ret_files = v->files;
	unlock(v);
}

/* --- folders --- */

/*
 * What is in a folder stands at the offset of its own number, so that a
 * listing goes on in the right place also if others come and go meanwhile.
 * False if there is nothing at `at`; *ret_end if there is nothing behind it
 * either.
 */
static bool
member_at(const struct vrv_view *v, struct vrv_made_node dir, uint64_t at,
    struct vrv_made_node *ret, const char **ret_name, bool *ret_end)
{
	struct vrv_made_node node = {0};
	const char *name = NULL;

	*ret_end = false;
	switch (dir.kind) {
	case VRV_MADE_ROOT:
		*ret_end = at >= N_TOP;
		if (!*ret_end) {
			node.kind = top[at].kind;
			name = top[at].name;
		}
		break;
	case VRV_MADE_ARCHIVES:
		*ret_end = at >= v->n_archives;
		node.kind = VRV_MADE_ARCHIVE;
		node.archive = (uint32_t)at;
		name = *ret_end ? NULL : v->archives[at].name;
		break;
	case VRV_MADE_HOSTS:
	case VRV_MADE_SERIES:
		*ret_end = at >= v->n_groups;
		node.kind = VRV_MADE_GROUP;
		node.group = (uint32_t)at;
		if (!*ret_end &&
		    v->groups[at].series == (dir.kind == VRV_MADE_SERIES))
			name = v->groups[at].name;
		break;
	default: /* VRV_MADE_GROUP */
		node.kind = VRV_MADE_GROUP_LINK;
		node.group = dir.group;
		node.archive = (uint32_t)at;
		name = at < v->n_archives ? v->archives[at].name : NULL;
		if (at == LATEST_AT) {
			node.kind = VRV_MADE_GROUP_LATEST;
			node.archive = 0;
			name = "latest";
		}
		*ret_end = at > LATEST_AT;
		break;
	}
	if (name == NULL || !exists(v, node))
		return false;
	*ret = node;
	*ret_name = name;
	return true;
}

/* Where to look behind `at`. */
static uint64_t
next_of(const struct vrv_view *v, struct vrv_made_node dir, uint64_t at)
{
	at++;
	if (dir.kind == VRV_MADE_GROUP && at >= v->n_archives && at < LATEST_AT)
		at = LATEST_AT;
	return at;
}

static bool
is_folder(struct vrv_made_node node)
{
	return node.kind == VRV_MADE_ROOT || node.kind == VRV_MADE_ARCHIVES ||
	    node.kind == VRV_MADE_HOSTS || node.kind == VRV_MADE_SERIES ||
	    node.kind == VRV_MADE_GROUP;
}

static bool
tell_dots(struct vrv_mount *m, const struct vrv_view *v,
    struct vrv_made_node dir, uint64_t offset, vrv_list_fn *fn, void *arg)
{
	static const char *const names[] = {".", ".."};

	for (; offset < FIRST; offset++) {
		struct vrv_listed listed = {
		    .name = names[offset],
		    .next = offset + 1,
		};
		fill_attr(m, v, dir, &listed.attr);
		if (!fn(arg, &listed))
			return false;
	}
	return true;
}

int
vrv_view_list(struct vrv_mount *m, struct vrv_made_node dir, uint64_t offset,
    vrv_list_fn *fn, void *arg, struct varve_err *err)
{
	struct vrv_made_node node;
	const char *name;
	bool end;

	if (!is_folder(dir))
		return vrv_fail(err, VARVE_USAGE, "not a folder");
	struct vrv_view *v = lock(m);
	bool more = tell_dots(m, v, dir, offset, fn, arg);
	uint64_t at = offset < FIRST ? 0 : offset - FIRST;
	for (; more; at = next_of(v, dir, at)) {
		if (member_at(v, dir, at, &node, &name, &end)) {
			struct vrv_listed listed = {
			    .name = name,
			    .node = number_of(node),
			    .next = FIRST + next_of(v, dir, at),
			    .changes = true,
			};
			fill_attr(m, v, node, &listed.attr);
			more = fn(arg, &listed);
		}
		more = more && !end;
	}
	unlock(v);
	return 0;
}

int
vrv_view_find(struct vrv_mount *m, struct vrv_made_node dir, const char *name,
    struct vrv_listed *ret, struct varve_err *err)
{
	struct vrv_made_node node;
	const char *there;
	bool end = false, found = false;

	if (!is_folder(dir))
		return vrv_fail(err, VARVE_USAGE, "not a folder");
	struct vrv_view *v = lock(m);
	for (uint64_t at = 0; !end && !found; at = next_of(v, dir, at)) {
		found = member_at(v, dir, at, &node, &there, &end) &&
		    strcmp(there, name) == 0;
	}
	if (found) {
		ret->node = number_of(node);
		ret->changes = true;
		fill_attr(m, v, node, &ret->attr);
	}
	unlock(v);
	return found ? 0 : vrv_fail(err, VARVE_NOENT, "no such entry");
}
