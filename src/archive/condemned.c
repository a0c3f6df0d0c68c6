/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/archive.h"

#include <stdio.h>
#include <string.h>

#include "util/mem.h"

struct listing {
	struct vrv_repo *repo;
	struct vrv_condemned_set *set;
};

static int
take(struct vrv_condemned_set *set, const struct vrv_object *object,
    struct vrv_arena *arena, struct varve_err *err)
{
	struct vrv_condemn record;
	struct vrv_rd rd = vrv_rd_over(object->bytes + object->body,
	    object->end - object->body);

	int rc = vrv_condemn_get(&rd, arena, &record, err);
	if (rc != 0)
		return rc;
	for (uint32_t i = 0; i < record.n; i++)
		if (vrv_map_put(set->objects, &record.objects[i], NULL) == NULL)
			return VRV_NOMEM(err, "condemned objects");
	return 0;
}

/* One that cannot be used stops all that relies on what is stored. */
static int
explain(struct varve_err *err)
{
	if (!vrv_err_is_unusable(err))
		return err->code;
	return vrv_hint(err,
	    "; nobody can tell what it condemns, so no archive can be "
	    "made: %s",
	    vrv_err_is_damage(err) ?
		"restore it from a copy of the repository, or, if no "
		"compaction is running, move it away" :
		"make it readable");
}

static int
read_record(struct listing *l, const struct vrv_name *name, const char *text,
    struct varve_err *err)
{
	vrv_auto_object struct vrv_object object = {0};
	struct vrv_arena arena = {0};

	int rc = vrv_repo_fetch(l->repo, text, &object, err);
	if (rc == VARVE_NOENT)
		return 0; /* done with: what it names is gone */
	if (rc == 0) {
		rc = take(l->set, &object, &arena, err);
		if (rc != 0)
			rc = vrv_ctx(err, "%s", text);
	}
	vrv_arena_fini(&arena);
	if (rc != 0)
		return explain(err);
	if (vrv_map_put(l->set->records, name->id, NULL) == NULL)
		return VRV_NOMEM(err, "condemned objects");
	return 0;
}

static int
on_listed(void *arg, const struct vrv_store_item *item, struct varve_err *err)
{
	struct listing *l = arg;
	struct vrv_name name;

	if (!vrv_name_parse(item->name, &name) || name.type != VRV_CONDEMN ||
	    vrv_map_get(l->set->records, name.id) != NULL)
		return 0;
	return read_record(l, &name, item->name, err);
}

int
vrv_condemned_list(struct vrv_repo *repo, struct vrv_condemned_set *set,
    struct varve_err *err)
{
	struct listing l = {.repo = repo, .set = set};

	if (set->records == NULL)
		set->records = vrv_map_new(VRV_OBJECT_ID, 0);
	if (set->objects == NULL)
		set->objects = vrv_map_new(sizeof(struct vrv_condemned), 0);
	if (set->records == NULL || set->objects == NULL)
		return VRV_NOMEM(err, "condemned objects");
	return vrv_store_list(vrv_repo_store(repo),
	    vrv_type_prefix(VRV_CONDEMN), false, on_listed, &l, err);
}

bool
vrv_condemned_has(const struct vrv_condemned_set *set, enum vrv_type type,
    const uint8_t id[VRV_OBJECT_ID])
{
	struct vrv_condemned key = {.type = (uint8_t)type};

	memcpy(key.id, id, VRV_OBJECT_ID);
	return set->objects != NULL && vrv_map_get(set->objects, &key) != NULL;
}

void
vrv_condemned_fini(struct vrv_condemned_set *set)
{
	vrv_map_free(set->records);
	vrv_map_free(set->objects);
	*set = (struct vrv_condemned_set){0};
}
