/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "extract/extract_internal.h"
#include "util/mem.h"

#define LOOKUP_BUFFER 16384
#define OWNERS_MAX ((size_t)1 << 20) /* of names in a table */

struct owner_key {
	uint32_t group, id;
};
struct owner {
	const char *name;
	uint32_t local;
	bool looked_up;
};

struct vrv_owners {
	struct vrv_map *map; /* owner_key -> owner */
	struct vrv_arena names;
	char buffer[LOOKUP_BUFFER];
};

static int
load_table(struct vrv_owners *owners, const struct vrv_buf *chunk,
    struct varve_err *err)
{
	struct vrv_rd rd = vrv_rd_over(chunk->data, chunk->len);

	if (vrv_rd_u8(&rd) != VRV_META_NAMES)
		return vrv_fail(err, VARVE_CORRUPT, "no table of names");
	while (vrv_rd_left(&rd) > 0) {
		struct owner_key key = {0};
		const uint8_t *name;
		size_t n;
		bool group;
		int rc = vrv_owner_get(&rd, &group, &key.id, &name, &n, err);
		if (rc != 0)
			return rc;
		if (vrv_map_count(owners->map) >= OWNERS_MAX)
			return vrv_fail(err, VARVE_LIMIT, "too many owners");
		key.group = group;
		struct owner *owner = vrv_map_put(owners->map, &key, NULL);
		if (owner == NULL)
			return VRV_NOMEM(err, "owners");
		owner->name = vrv_arena_dup(&owners->names, name, n);
		if (owner->name == NULL)
			return VRV_NOMEM(err, "owners");
	}
	return 0;
}

static int
load(struct vrv_owners *owners, const struct vrv_meta_source *source,
    const struct vrv_ref *ref, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf content = {0}, chunk = {0};
	struct vrv_list_iter *list;
	struct vrv_extent extent;
	uint64_t offset;

	vrv_content_put_ref(&content, ref);
	int rc = vrv_buf_check(&content, err);
	if (rc == 0)
		rc = vrv_list_iter_new(source, content.data, content.len, &list,
		    err);
	if (rc != 0)
		return rc;
	for (;;) {
		rc = vrv_list_iter_next(list, &extent, &offset, err);
		if (rc == VARVE_NOENT)
			break;
		if (rc == 0)
			rc = source->get(source->arg, extent.id, &chunk, err);
		if (rc == 0)
			rc = load_table(owners, &chunk, err);
		if (rc != 0) {
			vrv_list_iter_free(list);
			return rc;
		}
	}
	vrv_list_iter_free(list);
	vrv_err_clear(err);
	return 0;
}

int
vrv_owners_new(const struct vrv_meta_source *source,
    const struct vrv_archive *archive, struct vrv_owners **ret,
    struct varve_err *err)
{
	struct vrv_owners *owners = calloc(1, sizeof(*owners));

	if (owners == NULL)
		return VRV_NOMEM(err, "owners");
	owners->map =
	    vrv_map_new(sizeof(struct owner_key), sizeof(struct owner));
	int rc = owners->map == NULL ? VRV_NOMEM(err, "owners") : 0;
	if (rc == 0 && source != NULL && archive->sealed.has_owners)
		rc = load(owners, source, &archive->sealed.owners, err);
	if (rc != 0) {
		vrv_owners_free(owners);
		return vrv_ctx(err, "names of owners");
	}
	*ret = owners;
	return 0;
}

void
vrv_owners_free(struct vrv_owners *owners)
{
	if (owners == NULL)
		return;
	vrv_map_free(owners->map);
	vrv_arena_fini(&owners->names);
	free(owners);
}

static bool
look_up(struct vrv_owners *owners, bool group, const char *name, uint32_t *ret)
{
	if (group) {
		struct group record, *found = NULL;
		if (getgrnam_r(name, &record, owners->buffer, LOOKUP_BUFFER,
			&found) != 0 ||
		    found == NULL)
			return false;
		*ret = found->gr_gid;
	} else {
		struct passwd record, *found = NULL;
		if (getpwnam_r(name, &record, owners->buffer, LOOKUP_BUFFER,
			&found) != 0 ||
		    found == NULL)
			return false;
		*ret = found->pw_uid;
	}
	return true;
}

uint32_t
vrv_owners_local(struct vrv_owners *owners, bool group, uint32_t id)
{
	struct owner_key key = {.group = group, .id = id};
	struct owner *owner = vrv_map_get(owners->map, &key);

	if (owner == NULL)
		return id;
	if (!owner->looked_up) {
		owner->looked_up = true;
		if (!look_up(owners, group, owner->name, &owner->local))
			owner->local = id;
	}
	return owner->local;
}
