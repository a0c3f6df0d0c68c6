/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/lib.h"

#include <sys/resource.h>

#include <stdlib.h>
#include <string.h>

#include "chunk/chunk.h"
#include "os/file.h"
#include "os/spawn.h"
#include "util/hex.h"
#include "util/mem.h"

const char *
varve_version(void)
{
	return VARVE_VERSION;
}

/* A run may have many directories open at once. */
static void
allow_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* What must be so before a key is in memory: nobody may dump or trace us. */
static int
before_keys(struct varve_err *err)
{
	vrv_os_harden();
	return vrv_crypto_init(err);
}

static int
open_store(const char *location, bool create, struct vrv_store **ret,
    struct varve_err *err)
{
	return vrv_store_open_local(location, create, ret, err);
}

bool
varve_repo_exists(const char *location)
{
	struct vrv_store *store = NULL;
	struct varve_err unused;

	if (open_store(location, false, &store, &unused) != 0)
		return false;
	vrv_store_free(store);
	return true;
}

/* The folder that `location` lies in. */
static int
make_parents(const char *location, struct varve_err *err)
{
	vrv_auto_free char *parent = vrv_dup(location, strlen(location));

	if (parent == NULL)
		return VRV_NOMEM(err, "a path");
	char *slash = strrchr(parent, '/');
	if (slash == NULL || slash == parent)
		return 0;
	*slash = '\0';
	return vrv_os_mkdirs(parent, err);
}

/* Chunk sizes that are not given are the default's; impossible ones show
 * before anything is stored. */
static int
settle_chunks(struct varve_init_options *init, struct varve_err *err)
{
	struct vrv_chunk_params params = VRV_CHUNK_PARAMS_DEFAULT;
	const struct vrv_key any = {{0}};
	struct vrv_chunker *chunker;

	if (init->chunk_average != 0)
		params = (struct vrv_chunk_params){init->chunk_min,
		    init->chunk_average, init->chunk_max, params.method};
	if (init->chunker != 0)
		params.method = (enum vrv_chunk_method)init->chunker;
	int rc = vrv_chunker_new(&params, &any, &chunker, err);
	if (rc != 0)
		return rc;
	vrv_chunker_free(chunker);
	init->chunker = (enum varve_chunker)params.method;
	init->chunk_min = params.min;
	init->chunk_average = params.average;
	init->chunk_max = params.max;
	return 0;
}

int
varve_repo_init(const char *location, const struct varve_init_options *init,
    const struct varve_open_options *options, struct varve_err *err)
{
	struct varve_init_options wanted = *init;
	struct vrv_store *store;

	err = LIB_ERR(err);
	int rc = before_keys(err);
	if (rc == 0)
		rc = settle_chunks(&wanted, err);
	if (rc == 0 && init->make_parents)
		rc = make_parents(location, err);
	if (rc == 0)
		rc = open_store(location, true, &store, err);
	return rc == 0 ? vrv_repo_init(store, &wanted, options, err) : rc;
}

int
varve_repo_open(const char *location, const struct varve_open_options *options,
    struct varve_repo **ret, struct varve_err *err)
{
	struct varve_repo *handle = calloc(1, sizeof(*handle));
	struct vrv_store *store;

	err = LIB_ERR(err);
	if (handle == NULL)
		return VRV_NOMEM(err, "a repository");
	handle->options = *options;
	allow_descriptors();
	int rc = before_keys(err);
	if (rc == 0)
		rc = open_store(location, false, &store, err);
	if (rc == 0)
		rc = vrv_repo_open(store, options, &handle->repo, err);
	if (rc != 0) {
		free(handle);
		return rc;
	}
	*ret = handle;
	return 0;
}

void
varve_repo_close(struct varve_repo *handle)
{
	if (handle == NULL)
		return;
	vrv_repo_close(handle->repo);
	free(handle);
}

void
varve_repo_info(const struct varve_repo *handle, struct varve_repo_info *ret)
{
	const struct vrv_repo *repo = handle->repo;
	const struct vrv_config *config = vrv_repo_config(repo);

	*ret = (struct varve_repo_info){
	    .location = vrv_store_location(vrv_repo_store(repo)),
	    .mode = vrv_repo_key_mode(repo),
	    .key_file = vrv_repo_key_file(repo),
	    .cache_path = vrv_repo_cache(repo),
	    .state_path = vrv_repo_state_path(repo),
	    .generation = config->generation,
	    .chunker = (enum varve_chunker)config->chunk_method,
	    .chunk_min = config->chunk_min,
	    .chunk_average = config->chunk_average,
	    .chunk_max = config->chunk_max,
	};
	vrv_hex(ret->id, vrv_repo_id(repo), VRV_REPO_ID);
}

int
varve_repo_stats(struct varve_repo *handle, struct varve_repo_stats *ret,
    struct varve_err *err)
{
	struct vrv_index_stats stats;

	err = LIB_ERR(err);
	int rc = vrv_repo_index_stats(handle->repo, &stats, err);
	if (rc != 0)
		return rc;
	*ret = (struct varve_repo_stats){.packs = stats.packs,
	    .chunks = stats.chunks,
	    .stored = stats.stored};
	return 0;
}

/* --- keys --- */

int
varve_key_list(struct varve_repo *handle, struct varve_slot_list **ret,
    struct varve_err *err)
{
	return vrv_repo_slots(handle->repo, ret, LIB_ERR(err));
}

void
varve_slot_list_free(struct varve_slot_list *list)
{
	free(list);
}

int
varve_key_add(struct varve_repo *handle, const char *label,
    const char *key_file, char ret_id[33], struct varve_err *err)
{
	return vrv_repo_slot_add(handle->repo, label, key_file,
	    &handle->options, ret_id, LIB_ERR(err));
}

int
varve_key_remove(struct varve_repo *handle, const char *slot,
    struct varve_err *err)
{
	return vrv_repo_slot_remove(handle->repo, slot, LIB_ERR(err));
}

int
varve_key_change_passphrase(struct varve_repo *handle, struct varve_err *err)
{
	return vrv_repo_slot_change(handle->repo, &handle->options,
	    LIB_ERR(err));
}

int
varve_key_export(struct varve_repo *handle, char **ret, struct varve_err *err)
{
	return vrv_repo_slot_export(handle->repo, ret, LIB_ERR(err));
}

int
varve_key_import(const char *location, const struct varve_open_options *options,
    const char *text, char ret_id[33], struct varve_err *err)
{
	struct vrv_store *store;

	err = LIB_ERR(err);
	int rc = before_keys(err);
	if (rc == 0)
		rc = open_store(location, false, &store, err);
	return rc == 0 ?
	    vrv_repo_slot_import(store, options, text, ret_id, err) :
	    rc;
}
