/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/rolls.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

struct vrv_rolled {
	uint8_t id[VRV_OBJECT_ID];
	struct vrv_buf clear, plain;
	struct vrv_roll roll; /* points into clear */
	uint32_t *facts;      /* of each entry: where in plain they begin */
};

static void
free_rolled(struct vrv_rolled *r)
{
	if (r == NULL)
		return;
	vrv_buf_fini(&r->clear);
	vrv_buf_fini(&r->plain);
	free(r->facts);
	free(r);
}

void
vrv_rolls_fini(struct vrv_rolls *rolls)
{
	for (size_t i = 0; i < rolls->n; i++)
		free_rolled(rolls->items[i]);
	free(rolls->items);
	vrv_map_free(rolls->seen);
	vrv_map_free(rolls->superseded);
	*rolls = (struct vrv_rolls){0};
}

int
vrv_roll_open(struct vrv_repo *repo, const struct vrv_object *object,
    size_t *ret_clear, struct vrv_buf *ret_plain, struct varve_err *err)
{
	struct vrv_rd rd = vrv_rd_over(object->bytes + object->body,
	    object->end - object->body);
	struct vrv_roll roll;
	struct vrv_text tail;

	int rc = vrv_roll_get(&rd, &roll, err);
	if (rc != 0)
		return rc;
	size_t at = (size_t)(rd.p - object->bytes);
	rc = vrv_object_open_meta(repo, object, at, VRV_KEM_ROLL, ret_plain,
	    err);
	if (rc == 0)
		rc = vrv_roll_sealed_check(ret_plain->data, ret_plain->len,
		    &roll, &tail, err);
	if (rc == 0)
		*ret_clear = at - object->body;
	return rc;
}

/* --- taking one --- */

/* Where the facts of each entry begin. */
static int
place_facts(struct vrv_rolled *r, struct varve_err *err)
{
	struct vrv_rd rd = vrv_rd_over(r->plain.data, r->plain.len);
	struct vrv_roll_facts facts;
	struct vrv_roll_entry e;
	int rc = 0;

	r->facts = vrv_alloc_array((size_t)r->roll.n + 1, sizeof(*r->facts));
	if (r->facts == NULL)
		return VRV_NOMEM(err, "a roll");
	for (uint32_t i = 0; rc == 0 && i < r->roll.n; i++) {
		vrv_roll_entry_at(&r->roll, i, &e);
		if (!vrv_roll_entry_has_facts(&e))
			continue;
		r->facts[i] = (uint32_t)(rd.p - r->plain.data);
		rc = vrv_roll_facts_get(&rd, &facts, err);
	}
	return rc;
}

static int
decode(struct vrv_rolled *r, struct varve_err *err)
{
	struct vrv_rd rd = vrv_rd_over(r->clear.data, r->clear.len);

	int rc = vrv_buf_check(&r->clear, err);
	if (rc == 0)
		rc = vrv_buf_check(&r->plain, err);
	if (rc == 0)
		rc = vrv_roll_get(&rd, &r->roll, err);
	return rc == 0 ? place_facts(r, err) : rc;
}

static int
make_maps(struct vrv_rolls *rolls, struct varve_err *err)
{
	if (rolls->seen == NULL)
		rolls->seen = vrv_map_new(VRV_OBJECT_ID, 0);
	if (rolls->superseded == NULL)
		rolls->superseded = vrv_map_new(VRV_OBJECT_ID, 0);
	return rolls->seen == NULL || rolls->superseded == NULL ?
	    VRV_NOMEM(err, "rolls") :
	    0;
}

static int
take(struct vrv_rolls *rolls, struct vrv_rolled *r, struct varve_err *err)
{
	int rc = make_maps(rolls, err);

	if (rc != 0)
		return rc;
	if (vrv_room_for_one(&rolls->items, rolls->n, &rolls->cap,
		sizeof(struct vrv_rolled *)) != 0 ||
	    vrv_map_put(rolls->seen, r->id, NULL) == NULL)
		return VRV_NOMEM(err, "rolls");
	for (uint32_t i = 0; i < r->roll.n_superseded; i++) {
		const uint8_t *id =
		    r->roll.superseded + (size_t)i * VRV_OBJECT_ID;

		/* Its own id among them means nothing. */
		if (memcmp(id, r->id, VRV_OBJECT_ID) != 0 &&
		    vrv_map_put(rolls->superseded, id, NULL) == NULL)
			return VRV_NOMEM(err, "rolls");
	}
	rolls->items[rolls->n++] = r;
	return 0;
}

int
vrv_rolls_add(struct vrv_rolls *rolls, const uint8_t id[VRV_OBJECT_ID],
    const uint8_t *clear, size_t clear_n, const uint8_t *plain, size_t plain_n,
    struct varve_err *err)
{
	struct vrv_rolled *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return VRV_NOMEM(err, "a roll");
	memcpy(r->id, id, VRV_OBJECT_ID);
	vrv_buf_bytes(&r->clear, clear, clear_n);
	vrv_buf_bytes(&r->plain, plain, plain_n);
	int rc = decode(r, err);
	if (rc == 0)
		rc = take(rolls, r, err);
	if (rc != 0)
		free_rolled(r);
	return rc;
}

bool
vrv_rolls_has(const struct vrv_rolls *rolls, const uint8_t id[VRV_OBJECT_ID])
{
	return rolls->seen != NULL && vrv_map_get(rolls->seen, id) != NULL;
}

/* --- listing --- */

struct listing {
	struct vrv_repo *repo;
	const struct vrv_map *known;
	struct vrv_rolls *rolls;
	bool *unsure;
};

static int
read_roll(struct listing *l, const struct vrv_name *name, const char *text,
    struct varve_err *err)
{
	vrv_auto_object struct vrv_object object = {0};
	vrv_auto_buf struct vrv_buf plain = {0};
	size_t clear_n;

	int rc = vrv_repo_fetch(l->repo, text, &object, err);
	if (rc != 0)
		return rc;
	rc = vrv_roll_open(l->repo, &object, &clear_n, &plain, err);
	if (rc == 0)
		rc = vrv_rolls_add(l->rolls, name->id,
		    object.bytes + object.body, clear_n, plain.data, plain.len,
		    err);
	return rc == 0 ? 0 : vrv_ctx(err, "%s", text);
}

static int
on_listed(void *arg, const struct vrv_store_item *item, struct varve_err *err)
{
	struct listing *l = arg;
	struct vrv_name name;

	if (!vrv_name_parse(item->name, &name) || name.type != VRV_ROLL ||
	    vrv_rolls_has(l->rolls, name.id) ||
	    (l->known != NULL && vrv_map_get(l->known, name.id) != NULL))
		return 0;
	int rc = read_roll(l, &name, item->name, err);
	if (rc == VARVE_NOENT ||
	    (rc != 0 && l->unsure != NULL && vrv_err_is_unusable(err))) {
		/* One that has gone was superseded by another. */
		if (rc != VARVE_NOENT)
			*l->unsure = true;
		vrv_err_clear(err);
		rc = 0;
	}
	return rc;
}

int
vrv_rolls_list(struct vrv_repo *repo, const struct vrv_map *known,
    struct vrv_rolls *rolls, bool *ret_unsure, struct varve_err *err)
{
	bool unsure = false;
	struct listing l = {repo, known, rolls,
	    ret_unsure == NULL ? NULL : &unsure};

	int rc = vrv_store_list(vrv_repo_store(repo), vrv_type_prefix(VRV_ROLL),
	    false, on_listed, &l, err);
	if (rc == 0 && ret_unsure != NULL)
		*ret_unsure = unsure;
	return rc;
}

static int
on_id(void *arg, const struct vrv_store_item *item, struct varve_err *err)
{
	struct vrv_name name;

	if (vrv_name_parse(item->name, &name) && name.type == VRV_ROLL &&
	    vrv_map_put(arg, name.id, NULL) == NULL)
		return VRV_NOMEM(err, "rolls");
	return 0;
}

int
vrv_rolls_ids(struct vrv_repo *repo, struct vrv_map *ids, struct varve_err *err)
{
	return vrv_store_list(vrv_repo_store(repo), vrv_type_prefix(VRV_ROLL),
	    false, on_id, ids, err);
}

/* --- what they say --- */

static bool
counts(const struct vrv_rolls *rolls, const struct vrv_rolled *r)
{
	return vrv_map_get(rolls->superseded, r->id) == NULL;
}

int
vrv_rolls_each(const struct vrv_rolls *rolls, vrv_rolls_fn *fn, void *arg,
    struct varve_err *err)
{
	struct vrv_roll_entry e;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < rolls->n; i++) {
		const struct vrv_rolled *r = rolls->items[i];

		if (!counts(rolls, r))
			continue;
		for (uint32_t k = 0; rc == 0 && k < r->roll.n; k++) {
			vrv_roll_entry_at(&r->roll, k, &e);
			rc = fn(arg, r->id, &e, err);
		}
	}
	return rc;
}

/* The next roll that counts and names the object, from `*at` on. */
static const struct vrv_rolled *
next_naming(const struct vrv_rolls *rolls, size_t *at, enum vrv_type type,
    const uint8_t object[VRV_OBJECT_ID], uint32_t *ret_i)
{
	while (*at < rolls->n) {
		const struct vrv_rolled *r = rolls->items[(*at)++];

		if (counts(rolls, r) &&
		    vrv_roll_find(&r->roll, (uint8_t)type, object, ret_i))
			return r;
	}
	return NULL;
}

bool
vrv_rolls_find(const struct vrv_rolls *rolls, enum vrv_type type,
    const uint8_t object[VRV_OBJECT_ID], struct vrv_roll_entry *ret)
{
	size_t at = 0;
	uint32_t i;
	const struct vrv_rolled *r = next_naming(rolls, &at, type, object, &i);

	if (r == NULL)
		return false;
	vrv_roll_entry_at(&r->roll, i, ret);
	return true;
}

bool
vrv_rolls_vouch(const struct vrv_rolls *rolls, enum vrv_type type,
    const uint8_t object[VRV_OBJECT_ID], const uint8_t hash[VRV_HASH_SIZE])
{
	const struct vrv_rolled *r;
	struct vrv_roll_entry e;
	size_t at = 0;
	uint32_t i;

	while ((r = next_naming(rolls, &at, type, object, &i)) != NULL) {
		vrv_roll_entry_at(&r->roll, i, &e);
		if (memcmp(e.hash, hash, VRV_HASH_SIZE) == 0)
			return true;
	}
	return false;
}

bool
vrv_rolls_facts(const struct vrv_rolls *rolls,
    const uint8_t object[VRV_OBJECT_ID], struct vrv_roll_entry *ret_entry,
    struct vrv_roll_facts *ret)
{
	const struct vrv_rolled *r;
	struct vrv_roll_facts facts;
	struct vrv_roll_entry e;
	struct varve_err err;
	size_t at = 0;
	uint32_t i;

	while ((r = next_naming(rolls, &at, VRV_ARCHIVE, object, &i)) != NULL) {
		vrv_roll_entry_at(&r->roll, i, &e);
		if (!vrv_roll_entry_has_facts(&e))
			continue;
		struct vrv_rd rd = vrv_rd_over(r->plain.data + r->facts[i],
		    r->plain.len - r->facts[i]);
		if (vrv_roll_facts_get(&rd, &facts, &err) != 0 ||
		    facts.form != VRV_ROLL_WHOLE)
			continue;
		*ret_entry = e;
		*ret = facts;
		return true;
	}
	return false;
}

bool
vrv_rolls_is_dead(const struct vrv_rolls *rolls,
    const uint8_t intent[VRV_OBJECT_ID])
{
	for (size_t i = 0; i < rolls->n; i++)
		if (counts(rolls, rolls->items[i]) &&
		    vrv_roll_is_dead(&rolls->items[i]->roll, intent))
			return true;
	return false;
}
