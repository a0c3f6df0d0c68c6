/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/repo_internal.h"

#include <stdlib.h>
#include <string.h>

#include "util/hash.h"
#include "util/mem.h"

/* Entries of one index object that names rescued packs. */
#define NAMED_BYTES ((size_t)16 << 20)
/* A pack is hashed in pieces of this size. */
#define HASHED_BYTES ((uint64_t)1 << 20)

/* --- packs in the store --- */

void
vrv_pack_name(const uint8_t pack[VRV_OBJECT_ID], char ret[VRV_NAME_SIZE])
{
	struct vrv_name name = {.type = VRV_PACK};

	memcpy(name.id, pack, VRV_OBJECT_ID);
	vrv_name_print(&name, ret);
}

int
vrv_pack_look(struct vrv_repo *repo, const uint8_t pack[VRV_OBJECT_ID],
    uint64_t length, bool *ret, struct varve_err *ret_cause,
    struct varve_err *err)
{
	char text[VRV_NAME_SIZE];
	uint64_t size = 0;

	vrv_err_clear(ret_cause);
	vrv_pack_name(pack, text);
	int rc = vrv_store_head(repo->store, text, &size, NULL, err);
	if (rc != 0 && rc != VARVE_NOENT && !vrv_err_is_unusable(err))
		return rc;
	/* What it holds can be stored again; that it is unusable is said. */
	if (rc != 0 && rc != VARVE_NOENT) {
		vrv_repo_note(repo, VARVE_EVENT_PROBLEM, text,
		    "pack cannot be used: %s", err->message);
		*ret_cause = *err;
	}
	*ret = rc == 0 && size == length;
	return 0;
}

int
vrv_pack_there(struct vrv_repo *repo, const uint8_t pack[VRV_OBJECT_ID],
    uint64_t length, bool *ret, struct varve_err *err)
{
	struct varve_err told;

	return vrv_pack_look(repo, pack, length, ret, &told, err);
}

static int
add_listed(void *arg, const struct vrv_store_item *item, struct varve_err *err)
{
	struct vrv_packs *packs = arg;
	struct vrv_name name;

	if (!vrv_name_parse(item->name, &name) || name.type != VRV_PACK)
		return 0;
	if (vrv_room_for_one(&packs->items, packs->n, &packs->cap,
		sizeof(*packs->items)) != 0)
		return VRV_NOMEM(err, "the list of packs");
	struct vrv_listed_pack *pack = &packs->items[packs->n++];
	*pack =
	    (struct vrv_listed_pack){.size = item->size, .time = item->time};
	memcpy(pack->id, name.id, VRV_OBJECT_ID);
	return 0;
}

static int
by_id(const void *a, const void *b)
{
	return memcmp(a, b, VRV_OBJECT_ID);
}

int
vrv_packs_list(struct vrv_repo *repo, struct vrv_packs *ret,
    struct varve_err *err)
{
	*ret = (struct vrv_packs){0};
	int rc = vrv_store_list(repo->store, vrv_type_prefix(VRV_PACK), true,
	    add_listed, ret, err);
	if (rc != 0) {
		vrv_packs_fini(ret);
		return rc;
	}
	if (ret->n > 0)
		qsort(ret->items, ret->n, sizeof(*ret->items), by_id);
	return 0;
}

const struct vrv_listed_pack *
vrv_packs_find(const struct vrv_packs *packs, const uint8_t id[VRV_OBJECT_ID])
{
	return packs->n == 0 ?
	    NULL :
	    bsearch(id, packs->items, packs->n, sizeof(*packs->items), by_id);
}

void
vrv_packs_fini(struct vrv_packs *packs)
{
	free(packs->items);
	*packs = (struct vrv_packs){0};
}

/* --- a pack's own directory --- */

static int
read_part(struct vrv_repo *repo, const char *name, uint64_t offset, size_t n,
    struct vrv_buf *to, struct varve_err *err)
{
	vrv_buf_clear(to);
	uint8_t *at = vrv_buf_extend(to, n);
	return at == NULL ?
	    VRV_NOMEM(err, "a pack's directory") :
	    vrv_store_get(repo->store, name, offset, at, n, err);
}

int
vrv_pack_read_entry(struct vrv_repo *repo, const uint8_t pack[VRV_OBJECT_ID],
    uint64_t size, struct vrv_buf *ret, struct varve_err *err)
{
	const struct vrv_pack_keys *keys = &repo->secrets->pack;
	vrv_auto_buf struct vrv_buf part = {0};
	uint8_t header[VRV_HEADER_SIZE];
	char name[VRV_NAME_SIZE];
	uint64_t offset;
	uint32_t n;

	vrv_pack_name(pack, name);
	if (size < VRV_HEADER_SIZE + VRV_PACK_TAIL)
		return vrv_fail(err, VARVE_CORRUPT, "too short for a pack");
	int rc =
	    vrv_store_get(repo->store, name, 0, header, sizeof(header), err);
	if (rc == 0)
		rc = read_part(repo, name, size - VRV_PACK_TAIL, VRV_PACK_TAIL,
		    &part, err);
	if (rc == 0)
		rc = vrv_pack_find_directory(keys, header, part.data, part.len,
		    size, &offset, &n, err);
	if (rc == 0)
		rc = read_part(repo, name, offset, n, &part, err);
	return rc != 0 ? rc :
			 vrv_pack_open_directory(keys, header, part.data,
			     part.len, ret, err);
}

/* Append to `ret` the entry that an index object would have for the pack. */
static int
read_entry(struct vrv_repo *repo, const struct vrv_listed_pack *pack,
    struct vrv_buf *ret, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf entry = {0};

	int rc = vrv_pack_read_entry(repo, pack->id, pack->size, &entry, err);
	if (rc != 0)
		return rc;
	/* A copy of another pack under this name. */
	if (memcmp(entry.data, pack->id, VRV_OBJECT_ID) != 0)
		return vrv_fail(err, VARVE_CORRUPT,
		    "its directory is that of another pack");
	vrv_buf_bytes(ret, entry.data, entry.len);
	return vrv_buf_check(ret, err);
}

/* Hash all of it. CORRUPT if its own checksum is wrong. */
static int
hash_pack(struct vrv_repo *repo, const struct vrv_listed_pack *pack,
    uint8_t ret[VRV_PACK_HASH], struct varve_err *err)
{
	struct vrv_digest *digest = vrv_digest_new();
	struct vrv_xxh_state *xxh = vrv_xxh_new();
	vrv_auto_buf struct vrv_buf part = {0};
	uint8_t sum[VRV_XXH_SIZE];
	char name[VRV_NAME_SIZE];
	int rc = 0;

	vrv_pack_name(pack->id, name);
	if (digest == NULL || xxh == NULL)
		rc = VRV_NOMEM(err, "the hash of a pack");
	else if (pack->size < VRV_HEADER_SIZE + VRV_PACK_TAIL)
		rc = vrv_fail(err, VARVE_CORRUPT, "too short for a pack");
	for (uint64_t at = 0; rc == 0 && at < pack->size;) {
		/* The last part is the sum of the others. */
		uint64_t end = pack->size - VRV_XXH_SIZE;
		uint64_t left = at < end ? end - at : VRV_XXH_SIZE;
		size_t n = (size_t)vrv_min(left, HASHED_BYTES);

		rc = read_part(repo, name, at, n, &part, err);
		if (rc == 0)
			vrv_digest_add(digest, part.data, n);
		if (rc == 0 && at < end)
			vrv_xxh_update(xxh, part.data, n);
		at += n;
	}
	if (rc == 0) {
		vrv_xxh_sum(xxh, sum);
		vrv_digest_end(digest, ret);
		if (memcmp(sum, part.data, sizeof(sum)) != 0)
			rc = vrv_fail(err, VARVE_CORRUPT,
			    "the pack's checksum is wrong");
	}
	vrv_digest_free(digest);
	vrv_xxh_free(xxh);
	return rc;
}

/* --- finding packs that no index object names --- */

static int
note_named(void *arg, const uint8_t pack[VRV_OBJECT_ID], uint64_t length,
    struct varve_err *err)
{
	(void)length;
	return vrv_map_put(arg, pack, NULL) == NULL ?
	    VRV_NOMEM(err, "the packs") :
	    0;
}

/* The packs that the index names. What a damaged cache hides must not count as
 * not named: all packs would be read, and named once more. */
static int
list_named(struct vrv_repo *repo, struct vrv_map **ret, struct varve_err *err)
{
	vrv_auto_map named = vrv_map_new(VRV_OBJECT_ID, 0);

	int rc = named == NULL ? VRV_NOMEM(err, "the packs") : 0;
	if (rc == 0)
		rc = vrv_index_packs(repo->index, note_named, named, err);
	if (rc == VARVE_CORRUPT) {
		rc = vrv_index_rebuild(repo, err);
		if (rc == 0)
			rc = vrv_index_packs(repo->index, note_named, named,
			    err);
	}
	if (rc == 0)
		*ret = vrv_steal(&named);
	return rc;
}

/* Add one pack to the index, or say why not. Either is remembered. */
static int
rescue_one(struct vrv_repo *repo, const struct vrv_listed_pack *pack,
    size_t *found, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf entry = {0};
	char name[VRV_NAME_SIZE];

	int rc = read_entry(repo, pack, &entry, err);
	if (rc == 0)
		rc = vrv_index_add_unnamed(repo->index, entry.data, entry.len,
		    err);
	if (rc != 0 && vrv_err_is_fatal(err))
		return rc;
	struct vrv_rescued *rescued =
	    vrv_map_put(repo->rescued, pack->id, NULL);
	if (rescued == NULL)
		return VRV_NOMEM(err, "the packs");
	*rescued = (struct vrv_rescued){.size = pack->size, .bad = rc != 0};
	if (rc == 0)
		++*found;
	if (rc != 0 && rc != VARVE_NOENT) {
		vrv_pack_name(pack->id, name);
		vrv_repo_note(repo, VARVE_EVENT_PROBLEM, name, "%s",
		    err->message);
	}
	vrv_err_clear(err);
	return 0;
}

int
vrv_index_rescue_from(struct vrv_repo *repo, const struct vrv_packs *packs,
    int64_t before, struct varve_err *err)
{
	vrv_auto_map named = NULL;
	size_t found = 0;

	if (repo->rescued == NULL)
		repo->rescued =
		    vrv_map_new(VRV_OBJECT_ID, sizeof(struct vrv_rescued));
	if (repo->rescued == NULL)
		return VRV_NOMEM(err, "the packs");
	int rc = list_named(repo, &named, err);
	for (size_t i = 0; rc == 0 && i < packs->n; i++) {
		const struct vrv_listed_pack *pack = &packs->items[i];

		if (pack->time <= before &&
		    vrv_map_get(named, pack->id) == NULL &&
		    vrv_map_get(repo->rescued, pack->id) == NULL &&
		    !vrv_index_is_dropped(repo->index, pack->id))
			rc = rescue_one(repo, pack, &found, err);
	}
	if (rc == 0 && found > 0)
		vrv_repo_note(repo, VARVE_EVENT_INFO, NULL,
		    "found %zu %s by their own directories, because no index "
		    "object names them",
		    found, found == 1 ? "pack" : "packs");
	return rc;
}

int
vrv_index_rescue(struct vrv_repo *repo, struct varve_err *err)
{
	struct vrv_packs packs;

	int rc = vrv_packs_list(repo, &packs, err);
	if (rc != 0)
		return rc;
	rc = vrv_index_rescue_from(repo, &packs, INT64_MAX, err);
	vrv_packs_fini(&packs);
	return rc;
}

int
vrv_repo_rescue(struct vrv_repo *repo, const struct vrv_packs *packs,
    int64_t before, struct varve_err *err)
{
	struct vrv_index *index;

	int rc = vrv_repo_index(repo, &index, err);
	if (rc != 0)
		return rc;
	pthread_mutex_lock(&repo->index_lock);
	rc = vrv_index_rescue_from(repo, packs, before, err);
	pthread_mutex_unlock(&repo->index_lock);
	return rc;
}

/* --- naming them --- */

/* The packs to be named: ids and sizes, so that the lock need not be held. */
static int
list_unnamed(struct vrv_repo *repo, vrv_pack_skip_fn *skip, void *arg,
    struct vrv_packs *ret, struct varve_err *err)
{
	vrv_auto_map named = NULL;
	const void *pack;
	void *value;
	size_t at = 0;

	if (repo->rescued == NULL)
		return 0;
	int rc = list_named(repo, &named, err);
	while (rc == 0 && vrv_map_next(repo->rescued, &at, &pack, &value)) {
		const struct vrv_rescued *rescued = value;

		if (rescued->bad || rescued->named ||
		    vrv_map_get(named, pack) != NULL ||
		    vrv_index_is_dropped(repo->index, pack) || skip(arg, pack))
			continue;
		if (vrv_room_for_one(&ret->items, ret->n, &ret->cap,
			sizeof(*ret->items)) != 0)
			return VRV_NOMEM(err, "the packs");
		struct vrv_listed_pack *item = &ret->items[ret->n++];
		*item = (struct vrv_listed_pack){.size = rescued->size};
		memcpy(item->id, pack, VRV_OBJECT_ID);
	}
	return rc;
}

/* The whole pack is read: an index object vouches for its bytes. Of one whose
 * own checksum is wrong nothing is vouched for; frames in it may be sound. */
static int
sum_pack(struct vrv_repo *repo, const struct vrv_listed_pack *pack,
    struct vrv_pack_sum *ret, struct varve_err *err)
{
	char name[VRV_NAME_SIZE];

	*ret = (struct vrv_pack_sum){.length = pack->size};
	memcpy(ret->pack, pack->id, VRV_OBJECT_ID);
	int rc = hash_pack(repo, pack, ret->hash, err);
	if (rc != VARVE_CORRUPT)
		return rc;
	vrv_pack_name(pack->id, name);
	vrv_repo_note(repo, VARVE_EVENT_PROBLEM, name,
	    "%s: run 'varve check --verify-data'", err->message);
	memset(ret->hash, 0, VRV_PACK_HASH);
	vrv_err_clear(err);
	return 0;
}

static int
name_one(struct vrv_repo *repo, const struct vrv_listed_pack *pack,
    struct vrv_index_draft *draft, struct varve_err *err)
{
	struct vrv_pack_sum sum;

	int rc = sum_pack(repo, pack, &sum, err);
	if (rc == 0)
		rc = read_entry(repo, pack, &draft->entries, err);
	return rc == 0 ? vrv_index_draft_add(draft, &sum, err) : rc;
}

/* Store an index object that names as many of the packs as it can hold. */
static int
name_some(struct vrv_repo *repo, const uint8_t tag[VRV_TAG_SIZE],
    const struct vrv_packs *packs, size_t *at, struct vrv_buf *ret_ids,
    bool *ret_gone, struct varve_err *err)
{
	struct vrv_index_draft draft = {0};
	struct vrv_name name = {.suffix = 'b'};
	uint64_t stored;
	int rc = 0;

	memcpy(name.tag, tag, VRV_TAG_SIZE);
	for (; rc == 0 && *at < packs->n && draft.entries.len < NAMED_BYTES;
	     ++*at) {
		const struct vrv_listed_pack *pack = &packs->items[*at];

		rc = name_one(repo, pack, &draft, err);
		if (rc == VARVE_NOENT) {
			*ret_gone = true;
			rc = vrv_index_drop_pack(repo->index, pack->id, err);
		} else if (rc != 0) {
			rc = vrv_ctx(err, "a pack that no index object names");
		}
	}
	if (rc == 0 && draft.n > 0) {
		rc = vrv_index_store(repo, &name, &draft, &stored, err);
		if (rc == 0)
			vrv_buf_bytes(ret_ids, name.id, VRV_OBJECT_ID);
	}
	vrv_index_draft_fini(&draft);
	return rc == 0 ? vrv_buf_check(ret_ids, err) : rc;
}

static int
name_all(struct vrv_repo *repo, const uint8_t tag[VRV_TAG_SIZE],
    const struct vrv_packs *packs, struct vrv_buf *ret_ids, bool *ret_gone,
    struct varve_err *err)
{
	size_t at = 0;
	/* Another run may have linked one and died before it was durable. */
	int rc = packs->n == 0 ?
	    0 :
	    vrv_store_sync(repo->store, vrv_type_prefix(VRV_PACK), err);

	while (rc == 0 && at < packs->n)
		rc = name_some(repo, tag, packs, &at, ret_ids, ret_gone, err);
	for (size_t i = 0; rc == 0 && i < packs->n; i++) {
		struct vrv_rescued *rescued =
		    vrv_map_get(repo->rescued, packs->items[i].id);
		rescued->named = true;
	}
	return rc;
}

bool
vrv_repo_has_unnamed(struct vrv_repo *repo)
{
	pthread_mutex_lock(&repo->index_lock);
	bool any = repo->rescued != NULL && vrv_map_count(repo->rescued) > 0;
	pthread_mutex_unlock(&repo->index_lock);
	return any;
}

bool
vrv_repo_is_unnamed(struct vrv_repo *repo, const uint8_t pack[VRV_OBJECT_ID])
{
	pthread_mutex_lock(&repo->index_lock);
	const struct vrv_rescued *rescued =
	    repo->rescued == NULL ? NULL : vrv_map_get(repo->rescued, pack);
	bool is = rescued != NULL && !rescued->named;
	pthread_mutex_unlock(&repo->index_lock);
	return is;
}

int
vrv_repo_name_packs(struct vrv_repo *repo, const uint8_t tag[VRV_TAG_SIZE],
    vrv_pack_skip_fn *skip, void *arg, struct vrv_buf *ret_ids, bool *ret_gone,
    struct varve_err *err)
{
	struct vrv_packs packs = {0};

	*ret_gone = false;
	pthread_mutex_lock(&repo->index_lock);
	int rc = list_unnamed(repo, skip, arg, &packs, err);
	if (rc == 0)
		rc = name_all(repo, tag, &packs, ret_ids, ret_gone, err);
	pthread_mutex_unlock(&repo->index_lock);
	vrv_packs_fini(&packs);
	return rc;
}
