/* SPDX-License-Identifier: BSD-2-Clause */
#include "mount/nodes.h"

#include <stdlib.h>
#include <string.h>

#include "util/hash.h"
#include "util/map.h"
#include "util/mem.h"

#define MADE_BIT (UINT64_C(1) << 63)
#define KIND_SHIFT 56
#define KIND_MASK 0x7fu
#define GROUP_SHIFT 28
#define NUMBER_MASK ((UINT32_C(1) << GROUP_SHIFT) - 1)
#define ORDINAL_MASK ((UINT64_C(1) << VRV_NODE_ORDINAL_BITS) - 1)

struct leaf_key {
	uint64_t dir; /* its node */
	uint8_t id[VRV_CHUNK_ID];
};

struct vrv_nodes {
	pthread_mutex_t lock; /* everything below */
	struct vrv_arena arena;
	struct vrv_map *leaf_numbers; /* struct leaf_key to uint64_t */
	struct vrv_leafnode *leaves;  /* number 1 is the first */
	size_t n_leaves, cap_leaves;
	struct vrv_map *dirs;	  /* node to struct vrv_dirnode * */
	struct vrv_map *archives; /* logical id to struct vrv_mounted * */
	struct vrv_mounted **by_number;
	size_t n_archives, cap_archives;
};

uint64_t
vrv_node_made(enum vrv_made kind, uint32_t group, uint32_t archive)
{
	if (kind == VRV_MADE_ROOT)
		return VRV_NODE_ROOT;
	return MADE_BIT | (uint64_t)kind << KIND_SHIFT |
	    (uint64_t)(group & NUMBER_MASK) << GROUP_SHIFT |
	    (archive & NUMBER_MASK);
}

struct vrv_made_node
vrv_node_parse(uint64_t node)
{
	struct vrv_made_node made = {.kind = VRV_MADE_NOT};

	if (node == VRV_NODE_ROOT)
		made.kind = VRV_MADE_ROOT;
	if ((node & MADE_BIT) == 0)
		return made;
	return (struct vrv_made_node){
	    .kind = (enum vrv_made)(node >> KIND_SHIFT & KIND_MASK),
	    .group = (uint32_t)(node >> GROUP_SHIFT) & NUMBER_MASK,
	    .archive = (uint32_t)node & NUMBER_MASK,
	};
}

struct vrv_nodes *
vrv_nodes_new(void)
{
	struct vrv_nodes *nodes = calloc(1, sizeof(*nodes));

	if (nodes == NULL)
		return NULL;
	(void)pthread_mutex_init(&nodes->lock, NULL);
	nodes->leaf_numbers =
	    vrv_map_new(sizeof(struct leaf_key), sizeof(uint64_t));
	nodes->dirs = vrv_map_new(sizeof(uint64_t), sizeof(void *));
	nodes->archives = vrv_map_new(VRV_LOGICAL_ID, sizeof(void *));
	if (nodes->leaf_numbers == NULL || nodes->dirs == NULL ||
	    nodes->archives == NULL) {
		vrv_nodes_free(nodes);
		return NULL;
	}
	return nodes;
}

void
vrv_nodes_free(struct vrv_nodes *nodes)
{
	if (nodes == NULL)
		return;
	for (size_t i = 0; i < nodes->n_archives; i++) {
		struct vrv_mounted *a = nodes->by_number[i];
		vrv_owners_free(a->owners);
		free(a->root->sources);
		(void)pthread_mutex_destroy(&a->lock);
	}
	free(nodes->by_number);
	free(nodes->leaves);
	vrv_map_free(nodes->leaf_numbers);
	vrv_map_free(nodes->dirs);
	vrv_map_free(nodes->archives);
	vrv_arena_fini(&nodes->arena);
	(void)pthread_mutex_destroy(&nodes->lock);
	free(nodes);
}

/* --- leaves --- */

/* Under the lock; 0 when memory ran out. */
static uint64_t
leaf_number(struct vrv_nodes *nodes, const struct vrv_dirnode *dir,
    const uint8_t id[VRV_CHUNK_ID])
{
	struct leaf_key key = {.dir = dir->node};
	bool fresh;

	memcpy(key.id, id, VRV_CHUNK_ID);
	if (vrv_room_for_one(&nodes->leaves, nodes->n_leaves,
		&nodes->cap_leaves, sizeof(*nodes->leaves)) != 0)
		return 0;
	uint64_t *number = vrv_map_put(nodes->leaf_numbers, &key, &fresh);
	if (number == NULL)
		return 0;
	if (fresh) {
		struct vrv_leafnode *leaf = &nodes->leaves[nodes->n_leaves++];
		memcpy(leaf->id, id, VRV_CHUNK_ID);
		leaf->dir = dir;
		*number = nodes->n_leaves;
	}
	return *number;
}

int
vrv_nodes_enter(struct vrv_nodes *nodes, const struct vrv_dirnode *dir,
    const struct vrv_tree_place *place, uint64_t *ret, struct varve_err *err)
{
	(void)pthread_mutex_lock(&nodes->lock);
	uint64_t leaf = leaf_number(nodes, dir, place->leaf);
	(void)pthread_mutex_unlock(&nodes->lock);
	if (leaf == 0)
		return VRV_NOMEM(err, "a folder");
	*ret = leaf << VRV_NODE_ORDINAL_BITS | place->ordinal;
	return 0;
}

bool
vrv_nodes_leaf(struct vrv_nodes *nodes, uint64_t node, struct vrv_leafnode *ret,
    uint32_t *ret_ordinal)
{
	uint64_t number = node >> VRV_NODE_ORDINAL_BITS;

	(void)pthread_mutex_lock(&nodes->lock);
	bool known = number > 0 && number <= nodes->n_leaves;
	if (known)
		*ret = nodes->leaves[number - 1];
	(void)pthread_mutex_unlock(&nodes->lock);
	*ret_ordinal = (uint32_t)(node & ORDINAL_MASK);
	return known;
}

/* --- directories --- */

struct vrv_dirnode *
vrv_nodes_dir(struct vrv_nodes *nodes, uint64_t node)
{
	(void)pthread_mutex_lock(&nodes->lock);
	struct vrv_dirnode **slot = vrv_map_get(nodes->dirs, &node);
	struct vrv_dirnode *dir = slot != NULL ? *slot : NULL;
	(void)pthread_mutex_unlock(&nodes->lock);
	return dir;
}

/* Under the lock; NULL when memory ran out. */
static struct vrv_dirnode *
visit(struct vrv_nodes *nodes, const struct vrv_dirnode *as, const char *path)
{
	struct vrv_dirnode **slot = vrv_map_get(nodes->dirs, &as->node);

	if (slot != NULL)
		return *slot;
	struct vrv_dirnode *dir = vrv_arena_alloc(&nodes->arena, sizeof(*dir));
	if (dir == NULL)
		return NULL;
	*dir = *as;
	dir->path = NULL;
	if (path != NULL) {
		dir->path = vrv_arena_dup(&nodes->arena, path, strlen(path));
		if (dir->path == NULL)
			return NULL;
	}
	slot = vrv_map_put(nodes->dirs, &as->node, NULL);
	if (slot == NULL)
		return NULL;
	*slot = dir;
	return dir;
}

int
vrv_nodes_visit(struct vrv_nodes *nodes, const struct vrv_dirnode *as,
    const char *path, struct vrv_dirnode **ret, struct varve_err *err)
{
	(void)pthread_mutex_lock(&nodes->lock);
	struct vrv_dirnode *dir = visit(nodes, as, path);
	(void)pthread_mutex_unlock(&nodes->lock);
	if (dir == NULL)
		return VRV_NOMEM(err, "a folder");
	*ret = dir;
	return 0;
}

/* --- archives --- */

static bool
fill(struct vrv_nodes *nodes, struct vrv_mounted *a,
    const struct vrv_archive *from, bool with_path)
{
	const struct vrv_archive_sealed *s = &from->sealed;
	struct vrv_dirnode root = {.archive = a};

	a->number = (uint32_t)nodes->n_archives;
	a->node = vrv_node_made(VRV_MADE_ARCHIVE, 0, a->number);
	memcpy(a->logical, from->clear.logical, VRV_LOGICAL_ID);
	a->time = s->nominal;
	a->name = vrv_arena_dup(&nodes->arena, s->name.p, s->name.n);
	a->root_entry =
	    vrv_arena_dup(&nodes->arena, s->root_entry.p, s->root_entry.n);
	a->root_entry_n = s->root_entry.n;
	a->no_xattrs = s->counts_xattrs && s->xattrs == 0;
	a->no_acls = s->counts_acls && s->acls == 0;
	a->lists.sealed.has_owners = s->has_owners;
	a->lists.sealed.owners = s->owners;
	root.node = a->node;
	root.ref = s->root;
	root.ino = root.fs_ino = vrv_ino_of_archive(a->logical);
	a->root = visit(nodes, &root, with_path ? "" : NULL);
	return a->name != NULL && a->root_entry != NULL && a->root != NULL;
}

/* Under the lock; NULL when memory ran out or numbers did. */
static struct vrv_mounted *
archive(struct vrv_nodes *nodes, const struct vrv_archive *from, bool with_path)
{
	struct vrv_mounted **slot =
	    vrv_map_get(nodes->archives, from->clear.logical);

	if (slot != NULL)
		return *slot;
	struct vrv_mounted *a = vrv_arena_alloc(&nodes->arena, sizeof(*a));
	if (a == NULL || nodes->n_archives > NUMBER_MASK ||
	    vrv_room_for_one(&nodes->by_number, nodes->n_archives,
		&nodes->cap_archives, sizeof(struct vrv_mounted *)) != 0)
		return NULL;
	memset(a, 0, sizeof(*a));
	if (!fill(nodes, a, from, with_path))
		return NULL;
	slot = vrv_map_put(nodes->archives, from->clear.logical, NULL);
	if (slot == NULL)
		return NULL;
	(void)pthread_mutex_init(&a->lock, NULL);
	nodes->by_number[nodes->n_archives++] = a;
	*slot = a;
	return a;
}

int
vrv_nodes_archive(struct vrv_nodes *nodes, const struct vrv_archive *from,
    bool with_path, struct vrv_mounted **ret, struct varve_err *err)
{
	(void)pthread_mutex_lock(&nodes->lock);
	struct vrv_mounted *a = archive(nodes, from, with_path);
	(void)pthread_mutex_unlock(&nodes->lock);
	if (a == NULL)
		return VRV_NOMEM(err, "an archive");
	*ret = a;
	return 0;
}

struct vrv_mounted *
vrv_nodes_archive_at(struct vrv_nodes *nodes, uint32_t number)
{
	(void)pthread_mutex_lock(&nodes->lock);
	struct vrv_mounted *a =
	    number < nodes->n_archives ? nodes->by_number[number] : NULL;
	(void)pthread_mutex_unlock(&nodes->lock);
	return a;
}

size_t
vrv_nodes_bytes(struct vrv_nodes *nodes)
{
	(void)pthread_mutex_lock(&nodes->lock);
	size_t bytes = nodes->arena.used + vrv_map_bytes(nodes->leaf_numbers) +
	    vrv_map_bytes(nodes->dirs) + vrv_map_bytes(nodes->archives) +
	    nodes->cap_leaves * sizeof(*nodes->leaves);
	(void)pthread_mutex_unlock(&nodes->lock);
	return bytes;
}

/* --- numbers of inodes --- */

/* 0 and 1 have meanings of their own. */
static uint64_t
ino(const void *bytes, size_t n)
{
	uint64_t hash = vrv_hash64(bytes, n);

	return hash > 1 ? hash : hash + 2;
}

uint64_t
vrv_ino_of_archive(const uint8_t logical[VRV_LOGICAL_ID])
{
	return ino(logical, VRV_LOGICAL_ID);
}

uint64_t
vrv_ino_of_name(uint64_t parent_ino, const void *name, size_t n)
{
	uint8_t bytes[8 + VRV_ENTRY_NAME_MAX];

	n = vrv_min(n, VRV_ENTRY_NAME_MAX);
	vrv_put_u64(bytes, parent_ino);
	memcpy(bytes + 8, name, n);
	return ino(bytes, 8 + n);
}

uint64_t
vrv_ino_of_linked(uint64_t fs_ino, uint64_t inode)
{
	uint8_t bytes[17];

	/* No name has a slash. */
	vrv_put_u64(bytes, fs_ino);
	bytes[8] = '/';
	vrv_put_u64(bytes + 9, inode);
	return ino(bytes, sizeof(bytes));
}
