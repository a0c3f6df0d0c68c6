/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "du/du_internal.h"
#include "os/meta.h"
#include "util/mem.h"

#define SUMS_MAX ((size_t)3 << 18)
#define PARTS_MAX ((uint32_t)1 << 16)

/* What a folder without a node of its own, or with the deepest one, holds. */
struct sum {
	uint64_t files, original;
};

/* A folder on the way down. */
struct place {
	uint32_t node;
	bool shown; /* the node is its own */
	struct sum sum;
};

struct inside {
	struct vrv_du *du;
	struct vrv_meta_source source; /* notes what it gives */
	uint32_t node;		       /* that what is at hand belongs to */
	struct place *places;
	size_t n, cap;
	struct place next; /* the folder that may be entered */
	/* {prefix of a folder, node} -> struct sum: met with all below it. The
	 * same folder below another node is gone through again, because then
	 * its chunks belong to what contains both. */
	struct vrv_map *sums;
	bool no_memory;
};

struct sum_key {
	uint8_t prefix[VRV_PREFIX_SIZE];
	uint32_t node;
};

/* --- chunks --- */

void
vrv_du_key(uint8_t ret[VRV_PREFIX_SIZE], enum vrv_frame_kind kind,
    const uint8_t *id)
{
	memcpy(ret, id, VRV_PREFIX_SIZE);
	if (kind == VRV_FRAME_META)
		ret[VRV_PREFIX_SIZE - 1] ^= 0xff;
}

static bool
is_mine(const struct vrv_du *du, const uint8_t *key)
{
	uint32_t at = (uint32_t)key[0] | (uint32_t)key[1] << 8;

	return (at & (du->parts - 1)) == du->part;
}

/* Too many: make this part half as large, as often as it takes. */
static void
narrow(struct vrv_du *du)
{
	while (vrv_map_count(du->chunks) >= du->from->chunks_max &&
	    du->parts < PARTS_MAX) {
		const void *key;
		void *value;
		size_t at = 0;

		du->parts *= 2;
		while (vrv_map_next(du->chunks, &at, &key, &value)) {
			uint8_t copy[VRV_PREFIX_SIZE];
			if (is_mine(du, key))
				continue;
			memcpy(copy, key, sizeof(copy));
			(void)vrv_map_remove(du->chunks, copy);
			at--; /* another may have moved here */
		}
	}
}

static int
note(void *arg, enum vrv_frame_kind kind, const uint8_t id[VRV_ID_SIZE],
    uint64_t length, struct varve_err *err)
{
	struct inside *in = arg;
	struct vrv_du *du = in->du;
	uint8_t key[VRV_PREFIX_SIZE];
	bool is_new;

	vrv_du_key(key, kind, id);
	if (!is_mine(du, key))
		return 0;
	struct vrv_du_chunk *chunk = vrv_map_put(du->chunks, key, &is_new);
	if (chunk == NULL)
		return VRV_NOMEM(err, "chunks");
	if (!is_new) {
		chunk->node = vrv_du_node_common(du, chunk->node, in->node) &
		    (VRV_DU_NODES_MAX - 1);
		return 0;
	}
	*chunk = (struct vrv_du_chunk){
	    .length = (uint32_t)length, /* at most VRV_FRAME_PLAIN_MAX */
	    .node = in->node & (VRV_DU_NODES_MAX - 1),
	    .meta = kind == VRV_FRAME_META,
	};
	/* The parts behind the first are as large as that, near enough. */
	if (du->part == 0 && vrv_map_count(du->chunks) >= du->from->chunks_max)
		narrow(du);
	return 0;
}

static int
get_and_note(void *arg, const uint8_t id[VRV_CHUNK_ID], struct vrv_buf *ret,
    struct varve_err *err)
{
	struct inside *in = arg;
	const struct vrv_meta_source *source = &in->du->from->source;

	int rc = source->get(source->arg, id, ret, err);
	return rc != 0 ? rc : note(in, VRV_FRAME_META, id, ret->len, err);
}

/* --- the tour --- */

static struct place *
top(struct inside *in)
{
	return &in->places[in->n - 1];
}

/* Can there be folders with nodes of their own in it? */
static bool
shows_more(const struct inside *in, const struct place *place)
{
	return place->shown &&
	    in->du->nodes[place->node].depth < in->du->options->depth;
}

static void
add_sum(struct inside *in, const struct place *place, struct sum sum)
{
	/* One that is not shown is not the topmost. */
	if (place->shown) {
		vrv_du_node_add(in->du, place->node, sum.files, sum.original);
	} else {
		top(in)->sum.files += sum.files;
		top(in)->sum.original += sum.original;
	}
}

static struct sum_key
key_of(const struct vrv_ref *ref, uint32_t node)
{
	struct sum_key key = {.node = node};

	memcpy(key.prefix, ref->id, sizeof(key.prefix));
	return key;
}

static bool
on_enter(void *arg, const struct vrv_ref *ref)
{
	struct inside *in = arg;
	struct place *place = &in->next;
	const struct sum_key key = key_of(ref, place->node);

	if (in->no_memory)
		return false;
	if (!shows_more(in, place)) {
		const struct sum *known = vrv_map_get(in->sums, &key);
		if (known != NULL) {
			add_sum(in, place, *known);
			return false;
		}
	}
	if (vrv_room_for_one(&in->places, in->n, &in->cap,
		sizeof(*in->places)) != 0) {
		in->no_memory = true;
		return false;
	}
	place->sum = (struct sum){0};
	in->places[in->n++] = *place;
	in->node = place->node;
	return true;
}

static void
on_left(void *arg, const struct vrv_ref *ref, bool bad)
{
	struct inside *in = arg;
	const struct place place = in->places[--in->n];
	const struct sum_key key = key_of(ref, place.node);

	(void)bad; /* told; once is enough */
	/* Without room it is gone through once more, that is all. */
	if (!shows_more(in, &place) && vrv_map_count(in->sums) < SUMS_MAX) {
		struct sum *sum = vrv_map_put(in->sums, &key, NULL);
		if (sum != NULL)
			*sum = place.sum;
	}
	add_sum(in, &place, place.sum);
	if (in->n > 0)
		in->node = top(in)->node;
}

static int
on_damaged(void *arg, const char *path, struct varve_err *err)
{
	struct inside *in = arg;

	return vrv_du_problem(in->du, path, err);
}

/* An entry that belongs to in->next.node. */
static int
look_at(struct inside *in, const char *path, const struct vrv_entry *entry,
    bool *ret_bad, struct varve_err *err)
{
	uint32_t back = in->node;

	in->node = in->next.node;
	int rc = vrv_entry_sized(&in->source, entry, NULL, note, in, err);
	in->node = back;
	if (rc != 0) {
		*ret_bad = true;
		rc = vrv_du_problem(in->du, path, err);
	}
	vrv_du_count(in->du, path);
	return rc;
}

static int
on_entry(void *arg, const char *path, const struct vrv_entry *entry,
    bool *ret_bad, struct varve_err *err)
{
	struct inside *in = arg;
	struct place *place = top(in);

	in->next = (struct place){.node = place->node};
	if (entry->kind == VRV_DIR && shows_more(in, place)) {
		int rc = vrv_du_node_child(in->du, place->node, path,
		    &in->next.node, err);
		if (rc != 0)
			return rc;
		in->next.shown = true;
		vrv_du_node_met(in->du, in->next.node);
	} else if (entry->kind == VRV_FILE) {
		place->sum.files++;
		place->sum.original += entry->size;
	}
	return look_at(in, path, entry, ret_bad, err);
}

/* --- from a path on --- */

static int
tour(struct inside *in, const struct vrv_ref *ref, const char *path,
    struct varve_err *err)
{
	const struct vrv_tour tour = {
	    .source = in->source,
	    .arg = in,
	    .enter = on_enter,
	    .entry = on_entry,
	    .left = on_left,
	    .damaged = on_damaged,
	};

	int rc = vrv_tour_below(&tour, in->du->archive, ref, path, err);
	if (rc == 0 && in->no_memory)
		rc = VRV_NOMEM(err, "a tour");
	return rc;
}

/* The entry of a path: NOENT. It points into the leaf. */
static int
find(const struct vrv_meta_source *source, const struct vrv_ref *root,
    const char *path, struct vrv_buf *ret_leaf, struct vrv_entry *ret,
    struct varve_err *err)
{
	struct vrv_ref ref = *root;

	for (;;) {
		size_t n = strcspn(path, "/");
		int rc = vrv_tree_find(source, &ref, (const uint8_t *)path, n,
		    ret_leaf, ret, err);
		if (rc != 0 || path[n] == '\0')
			return rc;
		if (ret->kind != VRV_DIR)
			return vrv_fail(err, VARVE_NOENT, "not in a folder");
		ref = ret->dir;
		path += n + 1;
	}
}

static int
go_below(struct inside *in, const char *path, struct varve_err *err)
{
	struct vrv_du *du = in->du;
	vrv_auto_buf struct vrv_buf leaf = {0};
	struct vrv_entry entry;
	bool bad;

	int rc = find(&du->from->source, &du->archive->sealed.root, path, &leaf,
	    &entry, err);
	if (rc == VARVE_NOENT) {
		vrv_err_clear(err);
		return 0;
	}
	if (rc != 0)
		return vrv_du_problem(du, path, err);
	vrv_du_node_met(du, in->next.node);
	if (entry.kind == VRV_FILE)
		vrv_du_node_add(du, in->next.node, 1, entry.size);
	rc = look_at(in, path, &entry, &bad, err);
	if (rc == 0 && entry.kind == VRV_DIR)
		rc = tour(in, &entry.dir, path, err);
	return rc;
}

static int
list(struct inside *in, const struct vrv_ref *ref, const char *what,
    struct varve_err *err)
{
	int rc = vrv_list_sized(&in->source, ref, note, in, err);

	if (rc == 0)
		return 0;
	(void)vrv_ctx(err, "%s", what);
	return vrv_du_problem(in->du, NULL, err);
}

static int
go_through_all(struct inside *in, struct varve_err *err)
{
	const struct vrv_archive_sealed *a = &in->du->archive->sealed;
	struct vrv_entry entry;
	bool bad, has;
	int rc = 0;

	vrv_du_node_met(in->du, in->next.node);
	in->node = in->next.node;
	if (a->has_skipped)
		rc = list(in, &a->skipped, "list of paths left out", err);
	if (rc == 0 && a->has_owners)
		rc = list(in, &a->owners, "names of owners", err);
	if (rc == 0) {
		rc = vrv_archive_root_entry(in->du->archive, &entry, &has, err);
		if (rc != 0)
			rc = vrv_du_problem(in->du, ".", err);
		else if (has)
			rc = look_at(in, ".", &entry, &bad, err);
	}
	return rc == 0 ? tour(in, &a->root, "", err) : rc;
}

static int
each_archive(struct inside *in, struct varve_err *err)
{
	struct vrv_du *du = in->du;
	int rc = 0;

	for (size_t i = du->from->n; rc == 0 && i-- > 0;) {
		du->archive = du->from->archives[i];
		du->at = du->from->n - i;
		if (du->from->only != NULL && du->archive != du->from->only)
			continue;
		for (uint32_t p = 0; rc == 0 && p < du->n_paths; p++) {
			in->next = (struct place){.node = p + 1, .shown = true};
			rc = du->paths[p][0] == '\0' ?
			    go_through_all(in, err) :
			    go_below(in, du->paths[p], err);
		}
	}
	return rc;
}

int
vrv_du_inside(struct vrv_du *du, struct varve_err *err)
{
	struct inside in = {
	    .du = du,
	    .source = {get_and_note, &in},
	    .sums = vrv_map_new(sizeof(struct sum_key), sizeof(struct sum)),
	};

	int rc = in.sums == NULL ? VRV_NOMEM(err, "folders") :
				   each_archive(&in, err);
	vrv_map_free(in.sums);
	free(in.places);
	return rc;
}
