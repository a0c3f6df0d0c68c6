/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/owners.h"

#include "archive/lists.h"
#include "os/owner.h"
#include "util/map.h"
#include "util/mem.h"

struct vrv_owners {
	struct vrv_names *names; /* NULL: ids stay as they are */
	struct vrv_map *local;	 /* {group, id} -> id on this system */
};

int
vrv_owners_new(const struct vrv_meta_source *source,
    const struct vrv_archive *archive, struct vrv_owners **ret,
    struct varve_err *err)
{
	struct vrv_owners *owners = calloc(1, sizeof(*owners));

	if (owners == NULL)
		return VRV_NOMEM(err, "owners");
	owners->local = vrv_map_new(2 * sizeof(uint32_t), sizeof(uint32_t));
	int rc = owners->local == NULL ? VRV_NOMEM(err, "owners") : 0;
	if (rc == 0 && source != NULL)
		rc = vrv_names_new(source, archive, &owners->names, err);
	if (rc != 0) {
		vrv_owners_free(owners);
		return rc;
	}
	*ret = owners;
	return 0;
}

void
vrv_owners_free(struct vrv_owners *owners)
{
	if (owners == NULL)
		return;
	vrv_names_free(owners->names);
	vrv_map_free(owners->local);
	free(owners);
}

uint32_t
vrv_owners_local(struct vrv_owners *owners, bool group, uint32_t id)
{
	const uint32_t key[2] = {group, id};
	uint32_t local = id;

	if (owners->names == NULL)
		return id;
	const uint32_t *known = vrv_map_get(owners->local, key);
	if (known != NULL)
		return *known;
	const char *name = vrv_names_get(owners->names, group, id);
	if (name != NULL && !vrv_os_owner_id(group, name, &local))
		local = id;
	/* Without memory it is only looked up again. */
	uint32_t *slot = vrv_map_put(owners->local, key, NULL);
	if (slot != NULL)
		*slot = local;
	return local;
}
