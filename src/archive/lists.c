/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/lists.h"

#include <stdlib.h>

#include "format/frame.h"
#include "util/map.h"
#include "util/mem.h"

/* One chunk of records; reads them to the end. */
typedef int chunk_fn(void *arg, struct vrv_rd *, struct varve_err *err);

/* Records of a list differ, and so do the chunks that hold them: one that is
 * named again only makes a short list long. */
static int
meet(struct vrv_map *met, const uint8_t *id, struct varve_err *err)
{
	bool is_new;

	if (vrv_map_put(met, id, &is_new) == NULL)
		return VRV_NOMEM(err, "a list");
	return is_new ?
	    0 :
	    vrv_fail(err, VARVE_CORRUPT, "a list names one chunk twice");
}

static int
each_chunk(const struct vrv_meta_source *source, const struct vrv_ref *ref,
    enum vrv_meta_kind kind, chunk_fn *fn, void *arg, vrv_meta_seen_fn *seen,
    void *seen_arg, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf content = {0}, chunk = {0};
	vrv_auto_map met = vrv_map_new(VRV_PREFIX_SIZE, 0);
	struct vrv_list_iter *list;
	struct vrv_extent extent;
	struct vrv_rd rd;
	uint64_t offset;

	vrv_content_put_ref(&content, ref);
	int rc = vrv_buf_check(&content, err);
	if (rc == 0 && met == NULL)
		rc = VRV_NOMEM(err, "a list");
	if (rc == 0)
		rc = vrv_list_iter_new(source, content.data, content.len, &list,
		    err);
	if (rc != 0)
		return rc;
	if (seen != NULL)
		vrv_list_iter_on_meta(list, seen, seen_arg);
	while (rc == 0) {
		rc = vrv_list_iter_next(list, &extent, &offset, err);
		if (rc == VARVE_NOENT) {
			rc = 0;
			break;
		}
		if (rc == 0)
			rc = meet(met, extent.id, err);
		if (rc == 0 && seen != NULL)
			rc = seen(seen_arg, extent.id, err);
		if (rc == 0)
			rc = source->get(source->arg, extent.id, &chunk, err);
		if (rc == 0)
			rc = vrv_meta_open(chunk.data, chunk.len, kind, &rd,
			    err);
		if (rc == 0)
			rc = fn(arg, &rd, err);
	}
	vrv_list_iter_free(list);
	return rc;
}

struct owners {
	vrv_name_fn *fn;
	void *arg;
	size_t n;
};

static int
read_owners(void *arg, struct vrv_rd *rd, struct varve_err *err)
{
	struct owners *o = arg;
	int rc = 0;

	while (rc == 0 && vrv_rd_left(rd) > 0) {
		const uint8_t *name;
		uint32_t id;
		size_t n;
		bool group;

		rc = vrv_owner_get(rd, &group, &id, &name, &n, err);
		if (rc == 0 && ++o->n > VRV_OWNERS_MAX)
			rc = vrv_fail(err, VARVE_LIMIT,
			    "more than %zu names of owners", VRV_OWNERS_MAX);
		if (rc == 0)
			rc = o->fn(o->arg, group, id, name, n, err);
	}
	return rc;
}

int
vrv_archive_owners(const struct vrv_meta_source *source,
    const struct vrv_archive *archive, vrv_name_fn *fn, void *arg,
    vrv_meta_seen_fn *seen, void *seen_arg, struct varve_err *err)
{
	struct owners o = {fn, arg, 0};

	return !archive->sealed.has_owners ?
	    0 :
	    each_chunk(source, &archive->sealed.owners, VRV_META_NAMES,
		read_owners, &o, seen, seen_arg, err);
}

struct skipped {
	vrv_skipped_fn *fn;
	void *arg;
};

static int
read_skipped(void *arg, struct vrv_rd *rd, struct varve_err *err)
{
	const struct skipped *s = arg;
	int rc = 0;

	while (rc == 0 && vrv_rd_left(rd) > 0) {
		enum vrv_skip reason;
		const uint8_t *path;
		size_t n;

		rc = vrv_path_get(rd, &reason, &path, &n, err);
		if (rc == 0)
			rc = s->fn(s->arg, reason, path, n, err);
	}
	return rc;
}

int
vrv_archive_skipped(const struct vrv_meta_source *source,
    const struct vrv_archive *archive, vrv_skipped_fn *fn, void *arg,
    struct varve_err *err)
{
	struct skipped s = {fn, arg};

	return !archive->sealed.has_skipped ?
	    0 :
	    each_chunk(source, &archive->sealed.skipped, VRV_META_PATHS,
		read_skipped, &s, NULL, NULL, err);
}

/* --- table --- */

struct vrv_names {
	struct vrv_map *map; /* {group, id} -> name */
	struct vrv_arena arena;
};

static int
add_name(void *arg, bool group, uint32_t id, const uint8_t *name, size_t n,
    struct varve_err *err)
{
	struct vrv_names *names = arg;
	const uint32_t key[2] = {group, id};

	const char **slot = vrv_map_put(names->map, key, NULL);
	if (slot == NULL)
		return VRV_NOMEM(err, "names of owners");
	*slot = vrv_arena_dup(&names->arena, name, n);
	return *slot == NULL ? VRV_NOMEM(err, "names of owners") : 0;
}

int
vrv_names_new(const struct vrv_meta_source *source,
    const struct vrv_archive *archive, struct vrv_names **ret,
    struct varve_err *err)
{
	struct vrv_names *names = calloc(1, sizeof(*names));

	if (names == NULL)
		return VRV_NOMEM(err, "names of owners");
	names->map = vrv_map_new(2 * sizeof(uint32_t), sizeof(char *));
	int rc = names->map == NULL ? VRV_NOMEM(err, "names of owners") : 0;
	if (rc == 0)
		rc = vrv_archive_owners(source, archive, add_name, names, NULL,
		    NULL, err);
	if (rc != 0) {
		vrv_names_free(names);
		return vrv_ctx(err, "names of owners");
	}
	*ret = names;
	return 0;
}

const char *
vrv_names_get(const struct vrv_names *names, bool group, uint32_t id)
{
	const uint32_t key[2] = {group, id};
	char *const *slot = vrv_map_get(names->map, key);

	return slot == NULL ? NULL : *slot;
}

void
vrv_names_free(struct vrv_names *names)
{
	if (names == NULL)
		return;
	vrv_map_free(names->map);
	vrv_arena_fini(&names->arena);
	free(names);
}
