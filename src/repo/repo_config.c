/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/repo_internal.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

int
vrv_config_store(struct vrv_store *store, const struct vrv_signer *admin,
    const uint8_t repository[VRV_REPO_ID], const struct vrv_config *config,
    struct varve_err *err)
{
	struct vrv_header header = {.type = VRV_CONFIG};
	struct vrv_name name = {.type = VRV_CONFIG,
	    .generation = config->generation};
	vrv_auto_buf struct vrv_buf object = {0};
	char text[VRV_NAME_SIZE];

	vrv_random(name.id, sizeof(name.id));
	memcpy(header.id, name.id, sizeof(name.id));
	memcpy(header.repository, repository, VRV_REPO_ID);
	vrv_header_put(&object, &header);
	vrv_config_put(&object, config);
	int rc = vrv_sign(&object, admin, err);
	if (rc != 0)
		return rc;
	vrv_trailer_put(&object);
	rc = vrv_buf_check(&object, err);
	if (rc != 0)
		return rc;
	vrv_name_print(&name, text);
	return vrv_store_put(store, text, object.data, object.len, err);
}

static int
add_config_name(void *arg, const struct vrv_store_item *item,
    struct varve_err *err)
{
	struct vrv_config_names *names = arg;
	struct vrv_name name;

	if (!vrv_name_parse(item->name, &name) || name.type != VRV_CONFIG)
		return 0;
	if (vrv_room_for_one(&names->items, names->n, &names->cap,
		sizeof(*names->items)) != 0)
		return VRV_NOMEM(err, "the list of configs");
	names->items[names->n++] = name;
	return 0;
}

static int
newest_first(const void *a, const void *b)
{
	const struct vrv_name *x = a, *y = b;

	if (x->generation != y->generation)
		return x->generation > y->generation ? -1 : 1;
	return memcmp(x->id, y->id, sizeof(x->id));
}

int
vrv_config_list(struct vrv_store *store, struct vrv_config_names *ret,
    struct varve_err *err)
{
	int rc = vrv_store_list(store, vrv_type_prefix(VRV_CONFIG), false,
	    add_config_name, ret, err);
	if (rc != 0)
		return rc;
	if (ret->n == 0) {
		vrv_fail(err, VARVE_NOENT, "no repository at '%s'",
		    vrv_store_location(store));
		return vrv_exit(err, VARVE_EXIT_NO_REPO);
	}
	qsort(ret->items, ret->n, sizeof(*ret->items), newest_first);
	return 0;
}

int
vrv_config_peek(struct vrv_store *store, const struct vrv_config_names *names,
    uint8_t ret_repository[VRV_REPO_ID], struct varve_err *err)
{
	vrv_auto_free uint8_t *bytes = NULL;
	struct vrv_header header;
	char text[VRV_NAME_SIZE];
	size_t n;

	/* All of it: damage should be told as what it is, not as a key that
	 * does not fit. */
	vrv_name_print(&names->items[0], text);
	int rc =
	    vrv_store_get_all(store, text, VRV_MAX_CONFIG, &bytes, &n, err);
	if (rc == 0)
		rc = vrv_object_check(bytes, n, &names->items[0], &header, err);
	if (rc != 0)
		return vrv_ctx(err, "%s", text);
	memcpy(ret_repository, header.repository, VRV_REPO_ID);
	return 0;
}

/* The body of a config object that `admin` signed. */
static int
check_config(const uint8_t *bytes, size_t n, const struct vrv_name *name,
    const uint8_t repository[VRV_REPO_ID], const uint8_t *admin,
    struct vrv_rd *ret_body, struct varve_err *err)
{
	uint8_t signer[VRV_SIGN_PUBLIC];
	struct vrv_header header;
	size_t end;

	int rc = vrv_object_check(bytes, n, name, &header, err);
	if (rc != 0)
		return rc;
	if (memcmp(header.repository, repository, VRV_REPO_ID) != 0)
		return vrv_fail(err, VARVE_AUTH,
		    "belongs to another repository");
	rc = vrv_verify(bytes, n - VRV_TRAILER_SIZE, signer, &end, err);
	if (rc != 0)
		return rc;
	if (admin != NULL && memcmp(signer, admin, sizeof(signer)) != 0)
		return vrv_fail(err, VARVE_AUTH,
		    "not signed by this repository's admin key");
	if (end < VRV_HEADER_SIZE)
		return vrv_fail(err, VARVE_CORRUPT, "signature in its header");
	*ret_body = vrv_rd_over(bytes + VRV_HEADER_SIZE, end - VRV_HEADER_SIZE);
	return 0;
}

int
vrv_config_load(struct vrv_store *store, const struct vrv_config_names *names,
    const uint8_t repository[VRV_REPO_ID], const uint8_t *admin,
    struct vrv_arena *arena, struct vrv_config *ret,
    uint8_t ret_id[VRV_OBJECT_ID], struct varve_err *err)
{
	const struct vrv_name *name = &names->items[0];
	vrv_auto_free uint8_t *bytes = NULL;
	struct vrv_config config;
	char text[VRV_NAME_SIZE];
	struct vrv_rd body;
	size_t n;

	if (names->n > 1 && names->items[1].generation == name->generation)
		return vrv_fail(err, VARVE_AUTH,
		    "two configs of generation %u in '%s'", name->generation,
		    vrv_store_location(store));
	vrv_name_print(name, text);
	int rc =
	    vrv_store_get_all(store, text, VRV_MAX_CONFIG, &bytes, &n, err);
	if (rc == 0)
		rc =
		    check_config(bytes, n, name, repository, admin, &body, err);
	if (rc == VARVE_AUTH)
		vrv_exit(err, VARVE_EXIT_INTEGRITY);
	if (rc != 0)
		return vrv_ctx(err, "%s", text);

	/* The config's texts must outlive the object they came in. */
	uint8_t *kept = vrv_arena_dup(arena, body.p, vrv_rd_left(&body));
	if (kept == NULL)
		return VRV_NOMEM(err, "the config");
	struct vrv_rd rd = vrv_rd_over(kept, vrv_rd_left(&body));
	rc = vrv_config_get(&rd, arena, &config, err);
	if (rc == 0 && config.generation != name->generation)
		rc = vrv_fail(err, VARVE_CORRUPT,
		    "its generation is not that of its name");
	if (rc != 0)
		return vrv_ctx(err, "%s", text);
	*ret = config;
	memcpy(ret_id, name->id, VRV_OBJECT_ID);
	return 0;
}
