/* SPDX-License-Identifier: BSD-2-Clause */
#include "create/records.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "archive/lists.h"
#include "create/source.h"
#include "os/owner.h"
#include "util/mem.h"

#define RECORDS_CHUNK ((size_t)64 << 10)
/* Of a skipped path that is longer, this much names the place: with a chunk
 * that is almost full it stays within VRV_META_MAX. */
#define SKIPPED_PATH_MAX (VRV_META_MAX - 2 * RECORDS_CHUNK)

/* --- what the parent knew --- */

static int
note_name(struct vrv_map *map, uint32_t id, const uint8_t *name, size_t n,
    struct varve_err *err)
{
	char **slot = vrv_map_put(map, &id, NULL);

	if (slot == NULL)
		return VRV_NOMEM(err, "the owners");
	if (name != NULL && *slot == NULL) {
		*slot = vrv_dup(name, n);
		if (*slot == NULL)
			return VRV_NOMEM(err, "the owners");
	}
	return 0;
}

static int
inherit_name(void *arg, bool group, uint32_t id, const uint8_t *name, size_t n,
    struct varve_err *err)
{
	struct vrv_records *r = arg;

	return note_name(group ? r->groups : r->users, id, name, n, err);
}

struct known {
	struct vrv_parent *parent;
	struct vrv_buf ids;
};

static int
note_known(void *arg, const uint8_t id[VRV_CHUNK_ID], struct varve_err *err)
{
	struct known *known = arg;

	vrv_buf_bytes(&known->ids, id, VRV_PREFIX_SIZE);
	int rc = vrv_buf_check(&known->ids, err);
	return rc == 0 ? vrv_parent_note(known->parent, id, err) : rc;
}

/* The parent's ids stay: inherited entries may name them. Damage there costs
 * old names, never this archive. */
static int
inherit_names(struct vrv_records *r, struct varve_err *err)
{
	const struct vrv_meta_source source = vrv_parent_source(r->parent);
	struct known known = {.parent = r->parent};

	int rc = vrv_archive_owners(&source, r->parent->archive, inherit_name,
	    r, note_known, &known, err);
	if (rc != 0 && !vrv_err_is_fatal(err)) {
		vrv_repo_note(r->parent->repo, VARVE_EVENT_NOTE, NULL,
		    "cannot read the owners of the previous archive: %s",
		    err->message);
		vrv_parent_forget(r->parent, known.ids.data, known.ids.len);
		rc = 0;
	}
	vrv_buf_fini(&known.ids);
	return rc;
}

int
vrv_records_init(struct vrv_records *r, const struct vrv_meta_sink *sink,
    struct vrv_parent *parent, bool want_owners, struct varve_err *err)
{
	*r = (struct vrv_records){.sink = sink,
	    .parent = parent,
	    .want_owners = want_owners && sink != NULL};
	if (sink == NULL)
		return 0;
	r->users = vrv_map_new(sizeof(uint32_t), sizeof(char *));
	r->groups = vrv_map_new(sizeof(uint32_t), sizeof(char *));
	if (r->users == NULL || r->groups == NULL)
		return VRV_NOMEM(err, "the owners");
	int rc = vrv_list_builder_new(sink, &r->skipped_list, err);
	if (rc != 0 || !r->want_owners || parent->archive == NULL)
		return rc;
	return inherit_names(r, err);
}

static void
free_names(struct vrv_map *map)
{
	const void *id;
	void *name;
	size_t at = 0;

	while (map != NULL && vrv_map_next(map, &at, &id, &name))
		free(*(char **)name);
	vrv_map_free(map);
}

void
vrv_records_fini(struct vrv_records *r)
{
	vrv_list_builder_free(r->skipped_list);
	vrv_buf_fini(&r->skipped);
	free_names(r->users);
	free_names(r->groups);
}

/* --- collecting --- */

/* Store a full chunk as the next extent of a list. */
static int
flush(struct vrv_records *r, struct vrv_list_builder *list,
    struct vrv_buf *chunk, struct varve_err *err)
{
	struct vrv_extent extent = {.length = chunk->len};

	if (chunk->len == 0)
		return 0;
	int rc = vrv_buf_check(chunk, err);
	if (rc == 0)
		rc = r->sink->put(r->sink->arg, chunk->data, chunk->len,
		    extent.id, err);
	if (rc == 0)
		rc = vrv_list_builder_add(list, &extent, err);
	vrv_buf_clear(chunk);
	return rc;
}

int
vrv_records_skip(struct vrv_records *r, enum vrv_skip reason, const char *path,
    struct varve_err *err)
{
	if (r->sink == NULL)
		return 0;
	r->has_skipped = true;
	if (r->skipped.len == 0)
		vrv_buf_u8(&r->skipped, VRV_META_PATHS);
	/* Readers refuse an empty path. */
	if (*path == '\0')
		path = ".";
	vrv_path_put(&r->skipped, reason, path,
	    vrv_min(strlen(path), SKIPPED_PATH_MAX));
	if (r->skipped.len < RECORDS_CHUNK)
		return vrv_buf_check(&r->skipped, err);
	return flush(r, r->skipped_list, &r->skipped, err);
}

int
vrv_records_owner(struct vrv_records *r, uint32_t uid, uint32_t gid,
    struct varve_err *err)
{
	int rc = 0;

	/* Neighbors mostly belong to the same user. */
	if (!r->want_owners ||
	    (r->has_last && uid == r->last_uid && gid == r->last_gid))
		return 0;
	rc = note_name(r->users, uid, NULL, 0, err);
	if (rc == 0)
		rc = note_name(r->groups, gid, NULL, 0, err);
	r->last_uid = uid;
	r->last_gid = gid;
	r->has_last = true;
	return rc;
}

/* The kernel's form (linux/posix_acl_xattr.h): u32 version 2, then entries of
 * u16 tag, u16 permissions, u32 id, all little-endian. */
int
vrv_records_acl(struct vrv_records *r, const struct vrv_xattr *x,
    struct varve_err *err)
{
	enum {
		VERSION = 2,
		USER = 0x02,
		GROUP = 0x08
	};
	struct vrv_rd rd = vrv_rd_over(x->value, x->size);
	int rc = 0;

	if (!r->want_owners || strncmp(x->name, "system.posix_acl_", 17) != 0 ||
	    vrv_rd_u32(&rd) != VERSION)
		return 0;
	while (rc == 0 && vrv_rd_left(&rd) >= 8) {
		uint16_t tag = vrv_rd_u16(&rd);
		(void)vrv_rd_u16(&rd);
		uint32_t id = vrv_rd_u32(&rd);

		if (tag == USER)
			rc = note_name(r->users, id, NULL, 0, err);
		else if (tag == GROUP)
			rc = note_name(r->groups, id, NULL, 0, err);
	}
	return rc;
}

/* --- storing --- */

static int
by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* No name was found: was that the name service's answer? */
static int
asked_in_vain(bool group, struct varve_err *err)
{
	const struct vrv_source_err error = {errno, "look-up"};

	return vrv_source_fatal(&error,
	    group ? "names of groups" : "names of users", err);
}

static int
put_names(struct vrv_records *r, bool group, struct vrv_list_builder *list,
    struct vrv_buf *chunk, bool *any, struct varve_err *err)
{
	struct vrv_map *map = group ? r->groups : r->users;
	size_t n = vrv_map_count(map), i = 0, at = 0;
	vrv_auto_free uint32_t *ids = vrv_alloc_array(n, sizeof(*ids));
	char here[VRV_OWNER_NAME_MAX + 1];
	const void *id;
	void *old;
	int rc = 0;

	if (ids == NULL)
		return VRV_NOMEM(err, "the owners");
	while (vrv_map_next(map, &at, &id, &old))
		memcpy(&ids[i++], id, sizeof(*ids));
	/* Sorted: equal tables are equal chunks. */
	qsort(ids, n, sizeof(*ids), by_number);
	for (i = 0; rc == 0 && i < n; i++) {
		const char *name = *(char **)vrv_map_get(map, &ids[i]);

		if (vrv_os_owner_name(group, ids[i], here, sizeof(here)))
			name = here;
		else if ((rc = asked_in_vain(group, err)) != 0)
			break;
		if (name == NULL)
			continue;
		/* Readers refuse more. */
		if (r->n_names == VRV_OWNERS_MAX) {
			r->names_dropped = true;
			break;
		}
		r->n_names++;
		*any = true;
		if (chunk->len == 0)
			vrv_buf_u8(chunk, VRV_META_NAMES);
		vrv_owner_put(chunk, group, ids[i], name);
		if (chunk->len >= RECORDS_CHUNK)
			rc = flush(r, list, chunk, err);
	}
	return rc;
}

static int
store_owners(struct vrv_records *r, bool *ret_has, struct vrv_ref *ret,
    struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf chunk = {0};
	struct vrv_list_builder *list;
	bool any = false;

	int rc = vrv_list_builder_new(r->sink, &list, err);
	if (rc != 0)
		return rc;
	rc = put_names(r, false, list, &chunk, &any, err);
	if (rc == 0)
		rc = put_names(r, true, list, &chunk, &any, err);
	if (rc == 0)
		rc = flush(r, list, &chunk, err);
	if (rc == 0 && any)
		rc = vrv_list_builder_finish_ref(list, ret, err);
	vrv_list_builder_free(list);
	*ret_has = any;
	return rc;
}

int
vrv_records_finish(struct vrv_records *r, bool *ret_has_skipped,
    struct vrv_ref *ret_skipped, bool *ret_has_owners,
    struct vrv_ref *ret_owners, struct varve_err *err)
{
	int rc = flush(r, r->skipped_list, &r->skipped, err);

	if (rc == 0 && r->has_skipped)
		rc = vrv_list_builder_finish_ref(r->skipped_list, ret_skipped,
		    err);
	*ret_has_skipped = r->has_skipped;
	*ret_has_owners = false;
	if (rc == 0 && r->want_owners)
		rc = store_owners(r, ret_has_owners, ret_owners, err);
	return rc;
}
