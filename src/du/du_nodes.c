/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "du/du_internal.h"
#include "util/mem.h"

static int
new_node(struct vrv_du *du, uint32_t parent, const char *path, unsigned depth,
    uint32_t *ret, struct varve_err *err)
{
	if (du->n_nodes == VRV_DU_NODES_MAX)
		return vrv_fail(err, VARVE_LIMIT,
		    "more than %u folders to show", VRV_DU_NODES_MAX);
	char *copy = vrv_arena_dup(&du->arena, path, strlen(path));
	if (copy == NULL ||
	    vrv_room_for_one(&du->nodes, du->n_nodes, &du->cap_nodes,
		sizeof(*du->nodes)) != 0)
		return VRV_NOMEM(err, "folders to show");
	du->nodes[du->n_nodes] = (struct vrv_du_node){
	    .path = copy,
	    .parent = parent,
	    .depth = depth,
	};
	*ret = (uint32_t)du->n_nodes++;
	return 0;
}

int
vrv_du_nodes_new(struct vrv_du *du, struct varve_err *err)
{
	uint32_t node;

	int rc = new_node(du, 0, "", 0, &node, err);
	for (size_t i = 0; rc == 0 && i < du->n_paths; i++)
		rc = new_node(du, 0, du->paths[i], 0, &node, err);
	return rc;
}

int
vrv_du_node_child(struct vrv_du *du, uint32_t parent, const char *path,
    uint32_t *ret, struct varve_err *err)
{
	const struct vrv_du_node *p = &du->nodes[parent];
	uint32_t before = 0;

	/* Names come in order, so that this goes through the children once
	 * for each tour of the folder. */
	if (p->last != 0 && strcmp(du->nodes[p->last].path, path) < 0)
		before = p->last;
	uint32_t here = before == 0 ? p->first : du->nodes[before].next;
	while (here != 0 && strcmp(du->nodes[here].path, path) < 0) {
		before = here;
		here = du->nodes[here].next;
	}
	if (here == 0 || strcmp(du->nodes[here].path, path) != 0) {
		uint32_t behind = here;
		int rc = new_node(du, parent, path, p->depth + 1, &here, err);
		if (rc != 0)
			return rc;
		du->nodes[here].next = behind;
		if (before == 0)
			du->nodes[parent].first = here;
		else
			du->nodes[before].next = here;
	}
	du->nodes[parent].last = here;
	*ret = here;
	return 0;
}

void
vrv_du_node_met(struct vrv_du *du, uint32_t node)
{
	struct vrv_du_node *n = &du->nodes[node];

	if (du->part > 0 || n->at == du->at)
		return;
	if (n->newest == 0)
		n->newest = du->at;
	n->at = du->at;
	n->archives++;
}

void
vrv_du_node_add(struct vrv_du *du, uint32_t node, uint64_t files,
    uint64_t original)
{
	struct vrv_du_node *n = &du->nodes[node];

	if (du->part > 0)
		return;
	n->all_original += original;
	if (n->newest == du->at) {
		n->files += files;
		n->original += original;
	}
}

uint32_t
vrv_du_node_common(const struct vrv_du *du, uint32_t a, uint32_t b)
{
	while (a != b) {
		if (a > b)
			a = du->nodes[a].parent;
		else
			b = du->nodes[b].parent;
	}
	return a;
}

static void
add_up(struct vrv_du *du)
{
	for (size_t i = du->n_nodes; i-- > 1;) {
		const struct vrv_du_node *n = &du->nodes[i];
		struct vrv_du_node *parent = &du->nodes[n->parent];
		/* Of folders, what is gone in the newest version of the parent
		 * is no part of that; all paths are not one version. */
		if (n->parent == 0 || n->newest == parent->newest) {
			parent->files += n->files;
			parent->original += n->original;
		}
		parent->all_original += n->all_original;
		parent->deduplicated += n->deduplicated;
		parent->stored += n->stored;
	}
}

static int
tell(const struct vrv_du_node *n, bool together, varve_du_fn *fn, void *arg,
    struct varve_err *err)
{
	const struct varve_du_line line = {
	    .path = n->path[0] == '\0' ? "." : n->path,
	    .together = together,
	    .depth = n->depth,
	    .archives = n->archives,
	    .files = n->files,
	    .original = n->original,
	    .all_original = n->all_original,
	    .deduplicated = n->deduplicated,
	    .stored = n->stored,
	};

	return fn(arg, &line, err);
}

static uint32_t
deepest_first(const struct vrv_du *du, uint32_t i)
{
	while (du->nodes[i].first != 0)
		i = du->nodes[i].first;
	return i;
}

/* A path, behind all that is below it. */
static int
tell_path(const struct vrv_du *du, uint32_t top, varve_du_fn *fn, void *arg,
    struct varve_err *err)
{
	uint32_t i = deepest_first(du, top);

	for (;;) {
		const struct vrv_du_node *n = &du->nodes[i];
		int rc = tell(n, false, fn, arg, err);
		if (rc != 0 || i == top)
			return rc;
		i = n->next != 0 ? deepest_first(du, n->next) : n->parent;
	}
}

int
vrv_du_nodes_tell(struct vrv_du *du, varve_du_fn *fn, void *arg,
    struct varve_err *err)
{
	int rc = 0;

	add_up(du);
	for (uint32_t i = 1; rc == 0 && i <= du->n_paths; i++)
		rc = tell_path(du, i, fn, arg, err);
	if (rc == 0 && du->n_paths > 1) {
		du->nodes[0].archives =
		    du->from->only != NULL ? 1 : du->from->n;
		rc = tell(&du->nodes[0], true, fn, arg, err);
	}
	return rc;
}
