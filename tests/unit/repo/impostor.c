/* SPDX-License-Identifier: BSD-2-Clause */
#include "impostor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "repo/repo_internal.h"
#include "util/mem.h"

#define MUST(call) assert_int_equal((call), 0)

void
impostor_make(struct vrv_store *store, const uint8_t *id)
{
	struct vrv_config_pair pair = {0};
	struct vrv_member members[2] = {
	    {.rights = VRV_RIGHT_WRITE | VRV_RIGHT_ADMIN},
	    {.rights = VRV_RIGHT_WRITE},
	};
	uint8_t admins[1][32];
	struct vrv_config config = {.pairs = &pair,
	    .admins = admins,
	    .members = members,
	    .n_pairs = 1,
	    .n_admins = 1,
	    .n_members = 2,
	    .chunk_method = 1,
	    .chunk_min = 64 << 10,
	    .chunk_average = 256 << 10,
	    .chunk_max = 2 << 20,
	    .grace = 86400,
	    .min_age = 86400};
	struct vrv_slot slot = {.kdf = VRV_KDF_ARGON2ID,
	    .passes = VRV_ARGON_PASSES_MIN,
	    .memory = VRV_ARGON_MEMORY_MIN,
	    .label = {(const uint8_t *)"", 0}};
	vrv_auto_secret struct vrv_secrets *secrets = NULL;
	struct vrv_slot_stored stored;
	uint8_t hash[VRV_CONFIG_HASH];
	struct varve_err err;
	vrv_auto_key master;

	vrv_random(master.b, sizeof(master.b));
	MUST(vrv_secrets_new(&master, id, &secrets, &err));
	MUST(vrv_slot_store(store, id, &master, &slot, "attack", 6,
	    VARVE_REPOKEY, NULL, &stored, &err));
	memcpy(pair.data, secrets->pack.data_public.b, sizeof(pair.data));
	memcpy(pair.meta, secrets->pack.meta_public.b, sizeof(pair.meta));
	memcpy(admins[0], secrets->admin.public, 32);
	memcpy(members[0].key, secrets->admin.public, 32);
	memcpy(members[1].key, secrets->writer.public, 32);
	MUST(vrv_config_store(store, &secrets->admin, id, &config, 2, hash,
	    &err));
}
