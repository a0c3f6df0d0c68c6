/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "check/check_internal.h"

static bool
is_signed(enum vrv_type type)
{
	return type != VRV_PACK && type != VRV_KEY_SLOT;
}

/* --- what they hold --- */

static int
decode_archive(struct vrv_check *check, const struct vrv_object *object,
    struct varve_err *err)
{
	struct vrv_rd rd = vrv_rd_over(object->bytes + object->body,
	    object->end - object->body);
	vrv_auto_buf struct vrv_buf plain = {0};
	struct vrv_archive_clear clear;
	struct vrv_archive_sealed sealed;
	struct vrv_arena arena = {0};

	int rc = vrv_archive_clear_get(&rd, &clear, err);
	if (rc == 0)
		rc = vrv_object_open_meta(check->repo, object,
		    (size_t)(rd.p - object->bytes), VRV_KEM_ARCHIVE, &plain,
		    err);
	if (rc == 0)
		rc = vrv_archive_sealed_get(plain.data, plain.len, &arena,
		    &sealed, err);
	vrv_arena_fini(&arena);
	return rc;
}

static int
decode_intent(struct vrv_check *check, const struct vrv_object *object,
    struct varve_err *err)
{
	struct vrv_rd rd = vrv_rd_over(object->bytes + object->body,
	    object->end - object->body);
	vrv_auto_buf struct vrv_buf plain = {0};
	struct vrv_intent_clear clear;
	struct vrv_intent_sealed sealed;

	int rc = vrv_intent_clear_get(&rd, &clear, err);
	if (rc == 0)
		rc = vrv_object_open_meta(check->repo, object,
		    (size_t)(rd.p - object->bytes), VRV_KEM_INTENT, &plain,
		    err);
	if (rc == 0)
		rc = vrv_intent_sealed_get(plain.data, plain.len, &sealed, err);
	return rc;
}

static int
decode_index(struct vrv_check *check, const struct vrv_object *object,
    struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf plain = {0};

	return vrv_object_open_index(check->repo, object, &plain, err);
}

static int
decode_roll(struct vrv_check *check, const struct vrv_object *object,
    struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf plain = {0};
	size_t clear_n;

	return vrv_roll_open(check->repo, object, &clear_n, &plain, err);
}

static int
decode(struct vrv_check *check, const struct vrv_object *object,
    struct varve_err *err)
{
	struct vrv_rd rd = vrv_rd_over(object->bytes + object->body,
	    object->end - object->body);
	struct vrv_arena arena = {0};
	struct vrv_buried *buried;
	struct vrv_condemn condemn;
	struct vrv_config config;
	int64_t time;
	uint32_t n;
	int rc = 0;

	switch (object->name.type) {
	case VRV_ARCHIVE:
		return decode_archive(check, object, err);
	case VRV_INTENT:
		return decode_intent(check, object, err);
	case VRV_INDEX:
		return decode_index(check, object, err);
	case VRV_ROLL:
		return decode_roll(check, object, err);
	case VRV_TOMBSTONE:
		rc = vrv_tombstone_get(&rd, &arena, &time, &buried, &n, err);
		break;
	case VRV_CONDEMN:
		rc = vrv_condemn_get(&rd, &arena, &condemn, err);
		break;
	case VRV_CONFIG:
		rc = vrv_config_get(&rd, &arena, &config, err);
		break;
	default:
		break;
	}
	vrv_arena_fini(&arena);
	return rc;
}

/* A roll names an object by all its bytes. */
static int
ask_rolls(const struct vrv_check *check, const struct vrv_object *object,
    struct varve_err *err)
{
	const struct vrv_name *name = &object->name;
	struct vrv_roll_entry entry;
	uint8_t hash[VRV_HASH_SIZE];

	if (!vrv_rolls_find(&check->rolls, name->type, name->id, &entry) ||
	    entry.deleted)
		return 0;
	vrv_object_hash(object, hash);
	return vrv_rolls_vouch(&check->rolls, name->type, name->id, hash) ?
	    0 :
	    vrv_fail(err, VARVE_AUTH,
		"it is not the object that an admin vouched for in a roll");
}

static int
check_one(struct vrv_check *check, void *mine, size_t i, struct varve_err *err)
{
	struct vrv_listed *item = &check->items[i];
	vrv_auto_object struct vrv_object object = {0};
	char name[VRV_NAME_SIZE];

	(void)mine;
	if (!is_signed(item->name.type) || item->bad)
		return 0;
	vrv_name_print(&item->name, name);
	int rc = vrv_repo_fetch(check->repo, name, &object, err);
	if (rc == 0)
		rc = decode(check, &object, err);
	if (rc == 0)
		rc = ask_rolls(check, &object, err);
	if (rc != 0 && vrv_err_is_fatal(err))
		return rc;
	if (rc != 0 && rc != VARVE_NOENT)
		vrv_check_item_problem(check, item, err);
	vrv_err_clear(err);
	vrv_check_add(check, name, 0, 0);
	return 0;
}

int
vrv_check_signed(struct vrv_check *check, struct varve_err *err)
{
	static const struct vrv_check_work work = {.fn = check_one};
	bool unsure; /* each of them is looked at below */
	struct varve_err why;

	if (!vrv_repo_config_whole(check->repo)) {
		vrv_fail(&why, VARVE_CORRUPT, "%s",
		    vrv_repo_config(check->repo)->n_admins == 0 ?
			"no copy is valid: restore one from a copy of the "
			"repository" :
			"only one copy of two is whole; the next create stores "
			"it again");
		vrv_check_problem(check, "config", NULL, &why);
	}
	int rc = vrv_rolls_list(check->repo, NULL, &check->rolls, &unsure, err);
	if (rc != 0)
		return rc;
	return vrv_check_each(check, check->n_items, &work, err);
}
