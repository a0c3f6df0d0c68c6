/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/repo_internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/mem.h"

#define DEFAULT_PASSES 3
#define DEFAULT_GRACE 600 /* s; compact's, not used before it exists */
#define DEFAULT_MIN_AGE (48 * 3600) /* s */

static int
check_options(const struct varve_init_options *o, struct varve_err *err)
{
	if (o->kdf_memory != 0 &&
	    (o->kdf_memory < VRV_ARGON_MEMORY_MIN ||
		o->kdf_memory > VRV_ARGON_MEMORY_MAX))
		return vrv_fail(err, VARVE_USAGE,
		    "the memory of the key derivation must be 64 MiB to 4 GiB");
	if (o->kdf_passes != 0 &&
	    (o->kdf_passes < VRV_ARGON_PASSES_MIN ||
		o->kdf_passes > VRV_ARGON_PASSES_MAX))
		return vrv_fail(err, VARVE_USAGE,
		    "the passes of the key derivation must be %d to %d",
		    VRV_ARGON_PASSES_MIN, VRV_ARGON_PASSES_MAX);
	return 0;
}

static int
store_config(struct vrv_store *store, const struct vrv_secrets *s,
    const struct varve_init_options *init, const struct vrv_slot_stored *stored,
    struct varve_err *err)
{
	struct vrv_config_pair pair = {0};
	struct vrv_member members[2] = {{.rights = VRV_RIGHT_WRITE |
						VRV_RIGHT_ADMIN},
	    {.rights = VRV_RIGHT_WRITE}};
	uint8_t admins[1][32], slots[VRV_SLOT_COPIES][VRV_OBJECT_ID];
	uint8_t hash[VRV_CONFIG_HASH];
	struct vrv_config config = {.pairs = &pair,
	    .admins = admins,
	    .members = members,
	    .slots = slots,
	    /* A key file is its owner's. */
	    .n_slots = stored->path == NULL ? (uint32_t)stored->n : 0,
	    .n_pairs = 1,
	    .n_admins = 1,
	    .n_members = 2,
	    .chunk_method =
		init->chunker == 0 ? VRV_CHUNKER_GEAR : (uint32_t)init->chunker,
	    .chunk_min = init->chunk_min,
	    .chunk_average = init->chunk_average,
	    .chunk_max = init->chunk_max,
	    .grace = DEFAULT_GRACE,
	    .min_age = DEFAULT_MIN_AGE};

	for (size_t i = 0; i < stored->n; i++)
		memcpy(slots[i], stored->names[i].id, VRV_OBJECT_ID);
	memcpy(pair.data, s->pack.data_public.b, sizeof(pair.data));
	memcpy(pair.meta, s->pack.meta_public.b, sizeof(pair.meta));
	memcpy(admins[0], s->admin.public, sizeof(admins[0]));
	memcpy(members[0].key, s->admin.public, sizeof(members[0].key));
	memcpy(members[1].key, s->writer.public, sizeof(members[1].key));
	return vrv_config_store(store, &s->admin, s->pack.repository, &config,
	    VRV_CONFIG_COPIES, hash, err);
}

/* The slot first: a config makes the repository, and one that no key opens
 * would be worse than none. A slot without config is in nobody's way. */
static int
make(struct vrv_store *store, const struct varve_init_options *init,
    const struct varve_open_options *options, struct varve_err *err)
{
	struct vrv_slot slot = {.kdf = VRV_KDF_ARGON2ID,
	    .passes = init->kdf_passes != 0 ? init->kdf_passes : DEFAULT_PASSES,
	    .memory =
		init->kdf_memory != 0 ? init->kdf_memory : VRV_ARGON_MEMORY_MIN,
	    .label = {(const uint8_t *)"", 0}};
	vrv_auto_secret char *pass = vrv_secret_new(VARVE_PASSPHRASE_MAX);
	vrv_auto_secret struct vrv_secrets *secrets = NULL;
	__attribute__((
	    cleanup(vrv_slot_stored_fini))) struct vrv_slot_stored stored = {0};
	uint8_t id[VRV_REPO_ID];
	vrv_auto_key master;
	size_t n;

	if (pass == NULL)
		return VRV_NOMEM(err, "a passphrase");
	int rc = check_options(init, err);
	if (rc != 0)
		return rc;
	vrv_random(master.b, sizeof(master.b));
	vrv_random(id, sizeof(id));
	rc = vrv_secrets_new(&master, id, &secrets, err);
	if (rc == 0)
		rc = vrv_ask(options, true, store, pass, &n, err);
	if (rc == 0)
		rc = vrv_slot_store(store, id, &master, &slot, pass, n,
		    init->mode, options->keys_dir, &stored, err);
	if (rc == 0)
		rc = vrv_repo_state_forget(options->state_dir,
		    vrv_store_location(store), err);
	if (rc == 0)
		rc = store_config(store, secrets, init, &stored, err);
	return rc;
}

static int
count_config(void *arg, const struct vrv_store_item *item,
    struct varve_err *err)
{
	struct vrv_name name;

	(void)err;
	if (vrv_name_parse(item->name, &name) && name.type == VRV_CONFIG)
		++*(size_t *)arg;
	return 0;
}

int
vrv_repo_init(struct vrv_store *take_store,
    const struct varve_init_options *init,
    const struct varve_open_options *options, struct varve_err *err)
{
	struct vrv_store *store = take_store;
	size_t configs = 0;

	int rc = vrv_crypto_init(err);
	if (rc == 0)
		rc = vrv_store_list(store, vrv_type_prefix(VRV_CONFIG), false,
		    count_config, &configs, err);
	if (rc == 0 && configs > 0) {
		vrv_fail(err, VARVE_EXISTS,
		    "there is a repository at '%s' already",
		    vrv_store_location(store));
		rc = vrv_exit(err, VARVE_EXIT_REPO_EXISTS);
	}
	if (rc == 0)
		rc = make(store, init, options, err);
	vrv_store_free(store);
	return rc;
}
