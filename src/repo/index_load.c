/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/repo_internal.h"

#include <stdlib.h>
#include <string.h>

#include "util/hex.h"
#include "util/mem.h"

struct index_names {
	struct vrv_repo *repo;
	struct vrv_name *items;
	size_t n, cap;
};

static int
add_index_name(void *arg, const struct vrv_store_item *item,
    struct varve_err *err)
{
	struct index_names *names = arg;
	struct vrv_name name;

	if (!vrv_name_parse(item->name, &name) || name.type != VRV_INDEX)
		return 0;
	if (vrv_room_for_one(&names->items, names->n, &names->cap,
		sizeof(*names->items)) != 0)
		return VRV_NOMEM(err, "the list of index objects");
	names->items[names->n++] = name;
	return vrv_index_listing_add(names->repo->index, name.id, err);
}

static const struct vrv_name *
name_of(const struct index_names *names, const uint8_t id[VRV_OBJECT_ID])
{
	for (size_t i = 0; i < names->n; i++) {
		if (memcmp(names->items[i].id, id, VRV_OBJECT_ID) == 0)
			return &names->items[i];
	}
	return NULL;
}

/* What a retired key signed counts only if an admin saw it. */
static int
ask_rolls(struct vrv_repo *repo, const struct vrv_object *object,
    struct varve_err *err)
{
	uint8_t hash[VRV_HASH_SIZE];
	bool unsure;

	vrv_object_hash(object, hash);
	if (vrv_rolls_vouch(&repo->rolls, VRV_INDEX, object->name.id, hash))
		return 0;
	int rc = vrv_rolls_list(repo, NULL, &repo->rolls, &unsure, err);
	if (rc != 0)
		return rc;
	if (vrv_rolls_vouch(&repo->rolls, VRV_INDEX, object->name.id, hash))
		return 0;
	return vrv_fail(err, VARVE_AUTH,
	    "signed by a retired key, and no roll vouches for it");
}

static int
load_one(struct vrv_repo *repo, const struct vrv_name *name,
    struct varve_err *err)
{
	vrv_auto_object struct vrv_object object = {0};
	vrv_auto_buf struct vrv_buf body = {0};
	char text[VRV_NAME_SIZE];

	vrv_name_print(name, text);
	int rc = vrv_repo_fetch(repo, text, &object, err);
	if (rc != 0)
		return rc;
	if (object.retired)
		rc = ask_rolls(repo, &object, err);
	if (rc == 0)
		rc = vrv_object_open_index(repo, &object, &body, err);
	if (rc == 0)
		rc = vrv_index_load(repo->index, name->id, body.data, body.len,
		    object.by_admin, err);
	return rc == 0 ? 0 : vrv_ctx(err, "%s", text);
}

/* An index object that cannot be used must not take the packs with it that it
 * names. */
static bool
skips(struct vrv_repo *repo, int rc, const struct varve_err *err)
{
	if (rc == 0 || !vrv_err_is_unusable(err))
		return false;
	vrv_repo_note(repo, VARVE_EVENT_PROBLEM, NULL, "%s", err->message);
	return true;
}

/*
 * One listing, taken as a whole: an object that vanished since (a collector
 * folded it into another) means that the listing is old. *ret_again then asks
 * for a new one.
 */
static int
load_listing(struct vrv_repo *repo, bool *ret_again, struct varve_err *err)
{
	struct index_names names = {.repo = repo};
	uint8_t wanted[VRV_OBJECT_ID];
	size_t unusable = 0;

	*ret_again = false;
	vrv_index_listing_begin(repo->index);
	int rc = vrv_store_list(repo->store, vrv_type_prefix(VRV_INDEX), false,
	    add_index_name, &names, err);
	while (rc == 0 && vrv_index_wants(repo->index, wanted)) {
		const struct vrv_name *name = name_of(&names, wanted);

		rc = name == NULL ?
		    vrv_fail(err, VARVE_INTERNAL, "unlisted index object") :
		    load_one(repo, name, err);
		if (rc == VARVE_NOENT)
			*ret_again = true;
		if (skips(repo, rc, err)) {
			unusable++;
			rc = 0;
		}
	}
	if (rc == 0)
		rc = vrv_index_listing_end(repo->index, err);
	/* Once for the same objects: what is new since is named. */
	size_t vanished = vrv_index_vanished(repo->index);
	if (rc == 0 &&
	    (unusable > repo->unusable || vanished > repo->vanished)) {
		rc = vrv_index_rescue(repo, err);
		repo->unusable = rc == 0 ? unusable : 0;
	}
	repo->vanished = rc == 0 ? vanished : 0;
	free(names.items);
	return rc;
}

/* What was loaded before a key was retired must be asked for again. */
static void
index_cache_id(const struct vrv_repo *repo, uint8_t ret[VRV_CACHE_ID])
{
	const struct vrv_config *config = &repo->config;

	memcpy(ret, repo->secrets->cache_id, VRV_CACHE_ID);
	for (uint32_t i = 0; i < config->n_members; i++) {
		const struct vrv_member *m = &config->members[i];
		const struct vrv_part parts[2] = {{ret, VRV_CACHE_ID},
		    {m->key, sizeof(m->key)}};

		if ((m->rights & VRV_RIGHT_RETIRED) != 0)
			vrv_blake2b_parts(ret, VRV_CACHE_ID, NULL, parts, 2);
	}
}

static int
open_index(struct vrv_repo *repo, struct varve_err *err)
{
	uint8_t cache_id[VRV_CACHE_ID];
	vrv_auto_free char *path = NULL;
	vrv_auto_free char *note = NULL;

	if (repo->cache != NULL) {
		path = vrv_strf("%s/index", repo->cache);
		if (path == NULL)
			return VRV_NOMEM(err, "a path");
	}
	index_cache_id(repo, cache_id);
	int rc = vrv_index_open(path, cache_id, &repo->index, &note, err);
	if (rc == 0 && note != NULL)
		vrv_repo_note(repo, VARVE_EVENT_NOTE, path, "%s", note);
	return rc;
}

static int
load(struct vrv_repo *repo, struct varve_err *err)
{
	bool again = true;
	int rc = repo->index == NULL ? open_index(repo, err) : 0;

	for (int tries = 0; again && tries < 5; tries++) {
		if (rc != 0 && rc != VARVE_NOENT)
			return rc;
		rc = load_listing(repo, &again, err);
	}
	if (rc == 0)
		repo->index_current = true;
	return rc;
}

int
vrv_index_rebuild(struct vrv_repo *repo, struct varve_err *err)
{
	size_t unusable = repo->unusable;

	repo->index_current = false;
	vrv_index_forget(repo->index);
	/* The packs are not listed for objects that cannot be used. */
	repo->unusable = SIZE_MAX;
	int rc = load(repo, err);
	repo->unusable = unusable;
	return rc;
}

int
vrv_repo_index(struct vrv_repo *repo, struct vrv_index **ret,
    struct varve_err *err)
{
	pthread_mutex_lock(&repo->index_lock);
	int rc = repo->index_current ? 0 : load(repo, err);
	if (rc == 0)
		*ret = repo->index;
	pthread_mutex_unlock(&repo->index_lock);
	return rc;
}

int
vrv_repo_index_reload(struct vrv_repo *repo, bool forget, struct varve_err *err)
{
	pthread_mutex_lock(&repo->index_lock);
	if (forget && repo->index != NULL) {
		/* Should loading fail, what is left is no index. */
		repo->index_current = false;
		vrv_index_forget(repo->index);
	}
	int rc = load(repo, err);
	pthread_mutex_unlock(&repo->index_lock);
	return rc;
}

/* A lookup met damage of the local cache. Rebuild it, once per handle: where
 * that does not help, or another thread did it, the next answer counts. */
static int
heal(struct vrv_repo *repo, struct varve_err *err)
{
	int rc = 0;

	pthread_mutex_lock(&repo->index_lock);
	if (!repo->index_healed) {
		repo->index_healed = true;
		repo->index_current = false;
		vrv_index_forget(repo->index);
		rc = load(repo, err);
	}
	pthread_mutex_unlock(&repo->index_lock);
	return rc;
}

/* The packs that no index object names, if they were not looked for yet. */
static int
look_at_packs(struct vrv_repo *repo, struct varve_err *err)
{
	int rc = 0;

	pthread_mutex_lock(&repo->index_lock);
	if (!repo->packs_listed)
		rc = vrv_index_rescue(repo, err);
	repo->packs_listed = repo->packs_listed || rc == 0;
	pthread_mutex_unlock(&repo->index_lock);
	return rc;
}

static int
find(struct vrv_repo *repo, const uint8_t *prefix, struct vrv_location *ret,
    uint32_t max, uint32_t *ret_n, struct varve_err *err)
{
	struct vrv_index *index;

	int rc = vrv_repo_index(repo, &index, err);
	return rc != 0 ? rc :
			 vrv_index_find(index, prefix, ret, max, ret_n, err);
}

int
vrv_repo_index_find(struct vrv_repo *repo,
    const uint8_t prefix[VRV_PREFIX_SIZE], struct vrv_location *ret,
    uint32_t max, uint32_t *ret_n, struct varve_err *err)
{
	int rc = find(repo, prefix, ret, max, ret_n, err);

	if (rc != VARVE_CORRUPT)
		return rc;
	rc = heal(repo, err);
	return rc == 0 ? find(repo, prefix, ret, max, ret_n, err) : rc;
}

int
vrv_repo_index_has(struct vrv_repo *repo, enum vrv_frame_kind kind,
    const uint8_t prefix[VRV_PREFIX_SIZE], bool *ret, struct varve_err *err)
{
	struct vrv_index *index;

	int rc = vrv_repo_index(repo, &index, err);
	if (rc != 0)
		return rc;
	rc = vrv_index_has(index, kind, prefix, ret, err);
	if (rc != VARVE_CORRUPT)
		return rc;
	rc = heal(repo, err);
	return rc == 0 ? vrv_index_has(index, kind, prefix, ret, err) : rc;
}

int
vrv_repo_locate(struct vrv_repo *repo, const uint8_t prefix[VRV_PREFIX_SIZE],
    struct vrv_location *ret, uint32_t max, uint32_t *ret_n,
    struct varve_err *err)
{
	int rc = find(repo, prefix, ret, max, ret_n, err);
	if (rc != VARVE_NOENT && rc != VARVE_FORMAT && rc != VARVE_CORRUPT)
		return rc;
	/* The local index may be older than what refers to the chunk, or
	 * damaged. */
	rc = vrv_repo_index_reload(repo, rc == VARVE_CORRUPT, err);
	if (rc == 0)
		rc = find(repo, prefix, ret, max, ret_n, err);
	if (rc != VARVE_NOENT && rc != VARVE_FORMAT)
		return rc;
	/* Another thread may have looked since this one asked. */
	rc = look_at_packs(repo, err);
	return rc == 0 ? find(repo, prefix, ret, max, ret_n, err) : rc;
}

/* --- questions about all of it --- */

struct ask {
	vrv_index_pack_fn *fn;
	void *arg;
	bool called;
};

static int
on_pack(void *arg, const uint8_t pack[VRV_OBJECT_ID], uint64_t length,
    struct varve_err *err)
{
	struct ask *ask = arg;

	ask->called = true;
	return ask->fn(ask->arg, pack, length, err);
}

int
vrv_repo_index_packs(struct vrv_repo *repo, vrv_index_pack_fn *fn, void *arg,
    struct varve_err *err)
{
	struct ask ask = {.fn = fn, .arg = arg};
	struct vrv_index *index;

	int rc = vrv_repo_index(repo, &index, err);
	if (rc != 0)
		return rc;
	rc = vrv_index_packs(index, on_pack, &ask, err);
	if (rc != VARVE_CORRUPT || ask.called)
		return rc;
	rc = vrv_repo_index_reload(repo, true, err);
	return rc != 0 ? rc : vrv_index_packs(index, fn, arg, err);
}

int
vrv_repo_index_stats(struct vrv_repo *repo, struct vrv_index_stats *ret,
    struct varve_err *err)
{
	struct vrv_index *index;

	int rc = vrv_repo_index(repo, &index, err);
	if (rc != 0)
		return rc;
	rc = vrv_index_stats(index, ret, err);
	if (rc != VARVE_CORRUPT)
		return rc;
	rc = vrv_repo_index_reload(repo, true, err);
	return rc != 0 ? rc : vrv_index_stats(index, ret, err);
}
