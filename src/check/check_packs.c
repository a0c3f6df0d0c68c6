/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "check/check_internal.h"
#include "store/store.h"

/*
 * The listing of packs is older than the index: other clients create archives
 * and delete packs in between. So what the listing lacks is looked up in the
 * store, and what the store lacks was condemned or is lost.
 */

int
vrv_check_is_stored(struct vrv_check *check, const char *name, bool *ret,
    uint64_t *ret_size, struct varve_err *err)
{
	int rc = vrv_store_head(vrv_repo_store(check->repo), name, ret_size,
	    NULL, err);

	if (rc != 0 && rc != VARVE_NOENT)
		return rc;
	*ret = rc == 0;
	vrv_err_clear(err);
	return 0;
}

/* A condemn record is stored long before what it names is deleted. */
static int
is_condemned(struct vrv_check *check, const uint8_t pack[VRV_OBJECT_ID],
    bool *ret, struct varve_err *err)
{
	int rc = 0;

	if (check->condemned.objects == NULL)
		rc = vrv_condemned_list(check->repo, &check->condemned, err);
	if (rc != 0 && vrv_err_is_fatal(err))
		return rc;
	/* A record that cannot be read was reported by its signature. */
	vrv_err_clear(err);
	*ret = vrv_condemned_has(&check->condemned, VRV_PACK, pack);
	return 0;
}

/* Look the pack up in the store: *ret_fault is 0 if all is well, else `err`
 * says why. Returns the error of what ends the check. */
static int
look_up(struct vrv_check *check, const uint8_t pack[VRV_OBJECT_ID],
    uint64_t length, enum vrv_pack_fault *ret_fault, struct varve_err *err)
{
	struct vrv_name name = {.type = VRV_PACK};
	char text[VRV_NAME_SIZE];
	bool there, condemned = false;
	uint64_t size;

	memcpy(name.id, pack, VRV_OBJECT_ID);
	vrv_name_print(&name, text);
	int rc = vrv_check_is_stored(check, text, &there, &size, err);
	if (rc == 0 && !there)
		rc = is_condemned(check, pack, &condemned, err);
	*ret_fault = 0;
	if (rc != 0) {
		*ret_fault = VRV_PACK_UNREAD;
		return vrv_err_is_fatal(err) ? rc : 0;
	}
	if (!there && !condemned) {
		*ret_fault = VRV_PACK_LOST;
		(void)vrv_fail(err, VARVE_NOENT,
		    "is missing, but the index names it");
	} else if (there && size != length) {
		*ret_fault = VRV_PACK_SHORT;
		(void)vrv_fail(err, VARVE_CORRUPT,
		    "is %llu bytes long, the index says %llu",
		    (unsigned long long)size, (unsigned long long)length);
	}
	return 0;
}

static int
check_pack(void *arg, const uint8_t pack[VRV_OBJECT_ID], uint64_t length,
    struct varve_err *err)
{
	struct vrv_check *check = arg;
	struct vrv_listed *item = vrv_check_find(check, VRV_PACK, pack);
	enum vrv_pack_fault fault;

	if (item != NULL)
		item->indexed = true;
	if (item != NULL && item->size == length)
		return 0;
	int rc = look_up(check, pack, length, &fault, err);
	if (rc != 0)
		return rc;
	if (fault != 0)
		vrv_check_pack_problem(check, pack, fault, err);
	vrv_err_clear(err);
	return 0;
}

int
vrv_check_packs(struct vrv_check *check, struct varve_err *err)
{
	int rc = vrv_repo_index_packs(check->repo, check_pack, check, err);

	for (size_t i = 0; rc == 0 && i < check->n_items; i++)
		if (check->items[i].name.type == VRV_PACK &&
		    !check->items[i].indexed)
			check->result.unreferenced++;
	return rc;
}
