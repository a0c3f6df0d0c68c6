/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/repo_internal.h"

#include <stdlib.h>
#include <string.h>

#include "util/map.h"
#include "util/mem.h"

struct rescue {
	struct vrv_repo *repo;
	struct vrv_map *known; /* packs that the index has */
	struct vrv_buf tail, sealed, entry;
	size_t added;
};

static int
note_known(void *arg, const uint8_t pack[VRV_OBJECT_ID], uint64_t length,
    struct varve_err *err)
{
	struct rescue *r = arg;

	(void)length;
	return vrv_map_put(r->known, pack, NULL) == NULL ?
	    VRV_NOMEM(err, "the packs") :
	    0;
}

static int
read_part(struct rescue *r, const char *name, uint64_t offset, size_t n,
    struct vrv_buf *to, struct varve_err *err)
{
	vrv_buf_clear(to);
	uint8_t *at = vrv_buf_extend(to, n);
	return at == NULL ?
	    VRV_NOMEM(err, "a pack's directory") :
	    vrv_store_get(r->repo->store, name, offset, at, n, err);
}

/* A pack's own directory says what the lost index object said of it. */
static int
add_pack(struct rescue *r, const char *name, uint64_t size,
    struct varve_err *err)
{
	const struct vrv_pack_keys *keys = &r->repo->secrets->pack;
	uint8_t header[VRV_HEADER_SIZE];
	uint64_t offset;
	uint32_t n;

	if (size < VRV_HEADER_SIZE + VRV_PACK_TAIL)
		return vrv_fail(err, VARVE_CORRUPT, "too short for a pack");
	int rc =
	    vrv_store_get(r->repo->store, name, 0, header, sizeof(header), err);
	if (rc == 0)
		rc = read_part(r, name, size - VRV_PACK_TAIL, VRV_PACK_TAIL,
		    &r->tail, err);
	if (rc == 0)
		rc = vrv_pack_find_directory(keys, header, r->tail.data,
		    r->tail.len, size, &offset, &n, err);
	if (rc == 0)
		rc = read_part(r, name, offset, n, &r->sealed, err);
	if (rc == 0)
		rc = vrv_pack_open_directory(keys, header, r->sealed.data,
		    r->sealed.len, &r->entry, err);
	if (rc == 0)
		rc = vrv_index_add(r->repo->index, r->entry.data, r->entry.len,
		    err);
	return rc;
}

static int
look_at(void *arg, const struct vrv_store_item *item, struct varve_err *err)
{
	struct rescue *r = arg;
	struct vrv_name name;

	if (!vrv_name_parse(item->name, &name) || name.type != VRV_PACK ||
	    vrv_map_get(r->known, name.id) != NULL)
		return 0;
	int rc = add_pack(r, item->name, item->size, err);
	if (rc == 0) {
		r->added++;
		return 0;
	}
	if (rc == VARVE_NOMEM)
		return rc;
	vrv_repo_note(r->repo, VARVE_EVENT_PROBLEM, item->name, "%s",
	    err->message);
	return 0;
}

int
vrv_index_rescue(struct vrv_repo *repo, struct varve_err *err)
{
	struct rescue r = {.repo = repo};

	r.known = vrv_map_new(VRV_OBJECT_ID, 0);
	int rc = r.known == NULL ? VRV_NOMEM(err, "the packs") : 0;
	if (rc == 0)
		rc = vrv_index_packs(repo->index, note_known, &r, err);
	if (rc == 0)
		rc = vrv_store_list(repo->store, vrv_type_prefix(VRV_PACK),
		    true, look_at, &r, err);
	if (rc == 0)
		vrv_repo_note(repo, VARVE_EVENT_INFO, NULL,
		    "%zu packs were found by their own directories", r.added);
	vrv_map_free(r.known);
	vrv_buf_fini(&r.tail);
	vrv_buf_fini(&r.sealed);
	vrv_buf_fini(&r.entry);
	return rc;
}
