/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/repo_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/file.h"
#include "os/meta.h"
#include "os/private.h"
#include "util/hex.h"
#include "util/mem.h"

/* Backup tools leave out a directory with this file: <https://bford.info/
 * cachedir/>. A cache without it works as well. */
static void
tag_cache(const char *cache_dir)
{
	static const char tag[] =
	    "Signature: 8a477f597d28d172789f06886806bc55\n"
	    "# This file marks a directory of caches, which backups may leave "
	    "out.\n# It was created by varve; see "
	    "https://bford.info/cachedir/\n";
	struct varve_err unused;
	vrv_auto_fd dir = -1;
	struct vrv_stat st;

	if (vrv_private_dir(cache_dir, false, &dir, &unused) != 0)
		return;
	if (vrv_os_stat(dir, "CACHEDIR.TAG", &st, &unused) != VARVE_NOENT)
		return;
	(void)!vrv_os_make_file(dir, "CACHEDIR.TAG", 0644, tag, sizeof(tag) - 1,
	    &unused);
}

/* The cache is a help: that it cannot be had is worth a note, not an error. */
static int
open_cache(struct vrv_repo *repo, const struct varve_open_options *options,
    struct varve_err *err)
{
	char id[2 * VRV_CACHE_ID + 1];
	struct varve_err why;
	vrv_auto_fd fd = -1;

	if (options->cache_dir == NULL || repo->salvage)
		return 0;
	vrv_hex(id, repo->secrets->cache_id, VRV_CACHE_ID);
	/* What an older copy lacks must not be taken for lost afterwards. */
	vrv_auto_free char *path = vrv_strf("%s/%s%s", options->cache_dir, id,
	    repo->old_allowed ? "-rollback" : "");
	if (path == NULL)
		return VRV_NOMEM(err, "a path");
	if (vrv_private_dir(path, true, &fd, &why) != 0) {
		vrv_repo_note(repo, VARVE_EVENT_NOTE, NULL,
		    "cannot use the cache directory, so this takes longer: %s",
		    why.message);
		return 0;
	}
	vrv_newfile_sweep(fd);
	tag_cache(options->cache_dir);
	repo->cache = vrv_steal(&path);
	return 0;
}

/* *ret_why: why there is none, if it is done without. */
static int
load_config(struct vrv_repo *repo, const struct vrv_config_names *names,
    const uint8_t admin[VRV_SIGN_PUBLIC], struct varve_err *ret_why,
    struct varve_err *err)
{
	struct vrv_config_read config;
	int rc;

	if (names->n == 0)
		rc = vrv_fail(ret_why, VARVE_NOENT, "there is none");
	else
		rc = vrv_config_load(repo->store, names, repo->id, admin,
		    &repo->arena, &config, ret_why);
	if (rc == 0) {
		vrv_repo_config_set(repo, &config);
		return 0;
	}
	/* One of a later version may say what this one must not pass over. */
	if (repo->salvage && !vrv_err_is_fatal(ret_why) && rc != VARVE_FORMAT)
		return vrv_salvage_roster(repo, admin, err);
	*err = *ret_why;
	return repo->salvage ? rc : vrv_salvage_advise(repo, err);
}

/* The configs, and whose they may be. */
static int
list_configs(struct vrv_repo *repo, struct vrv_config_names *names,
    struct vrv_config_ids *ids, struct varve_err *err)
{
	struct varve_err why;

	int rc = vrv_config_list(repo->store, names, err);
	if (rc == 0)
		rc = vrv_config_peek(repo->store, names, ids, err);
	if (rc != 0 && (!repo->salvage || vrv_err_is_fatal(err)))
		return vrv_salvage_advise(repo, err);
	if (!repo->salvage)
		return 0;
	/* With nothing there, the first error stays. */
	int more = vrv_salvage_ids(repo->store, ids, &why);
	if (more != 0 && (rc == 0 || vrv_err_is_fatal(&why))) {
		*err = why;
		return more;
	}
	return ids->n > 0 ? 0 : rc;
}

/* Try one id of a repository. */
typedef int open_as_fn(struct vrv_repo *, const struct varve_open_options *,
    const struct vrv_config_names *, const struct vrv_config_ids *,
    uint8_t ret_admin[VRV_SIGN_PUBLIC], struct varve_err *err);

/* A store may plant configs of another repository: the right one is that which
 * opens. Older configs are read only if no newer one does. */
static int
open_as_one(struct vrv_repo *repo, const struct varve_open_options *options,
    const struct vrv_config_names *names, struct vrv_config_ids *ids,
    open_as_fn *fn, uint8_t admin[VRV_SIGN_PUBLIC], struct varve_err *err)
{
	struct varve_err unused;
	int rc = VARVE_INTERNAL;
	size_t tried = 0;

	do {
		for (; tried < ids->n; tried++) {
			memcpy(repo->id, ids->ids[tried], VRV_REPO_ID);
			rc = fn(repo, options, names, ids, admin, err);
			if (rc == 0 || vrv_err_is_fatal(err))
				return rc;
		}
	} while (vrv_config_peek(repo->store, names, ids, &unused) == 0);
	return rc;
}

static int
unlock_as(struct vrv_repo *repo, const struct varve_open_options *options,
    const struct vrv_config_names *names, const struct vrv_config_ids *ids,
    uint8_t ret_admin[VRV_SIGN_PUBLIC], struct varve_err *err)
{
	(void)names;
	return vrv_repo_unlock(repo, options, &ids->slots, ret_admin, err);
}

/* Nothing is proven: the first id that has a config. */
static int
load_as(struct vrv_repo *repo, const struct varve_open_options *options,
    const struct vrv_config_names *names, const struct vrv_config_ids *ids,
    uint8_t ret_admin[VRV_SIGN_PUBLIC], struct varve_err *err)
{
	struct vrv_config_read config;

	(void)options, (void)ids, (void)ret_admin;
	int rc = vrv_config_load(repo->store, names, repo->id, NULL,
	    &repo->arena, &config, err);
	if (rc == 0)
		vrv_repo_config_set(repo, &config);
	return rc;
}

static int
open_locked(struct vrv_repo *repo, const struct varve_open_options *options,
    const struct vrv_config_names *names, struct vrv_config_ids *ids,
    struct varve_err *err)
{
	uint8_t admin[VRV_SIGN_PUBLIC];
	struct varve_err why;

	int rc = open_as_one(repo, options, names, ids, unlock_as, admin, err);
	if (rc == 0)
		rc = load_config(repo, names, admin, &why, err);
	if (rc == 0)
		rc = vrv_repo_state_open(repo, admin, options, err);
	if (rc == 0 && repo->without_config)
		vrv_salvage_tell(repo, &why);
	if (rc == 0)
		rc = open_cache(repo, options, err);
	return rc;
}

static int
check_options(const struct varve_open_options *options, struct varve_err *err)
{
	if (options->accept_replaced &&
	    (options->allow_rollback || options->salvage))
		return vrv_fail(err, VARVE_USAGE,
		    "accepting an older repository and only looking at it "
		    "exclude each other");
	if (options->without_key && options->salvage)
		return vrv_fail(err, VARVE_USAGE,
		    "without its key nothing can be salvaged");
	return 0;
}

int
vrv_repo_open(struct vrv_store *take_store,
    const struct varve_open_options *options, struct vrv_repo **ret,
    struct varve_err *err)
{
	struct vrv_config_names names = {0};
	struct vrv_config_ids ids = {0};
	struct vrv_repo *repo = calloc(1, sizeof(*repo));

	if (repo == NULL) {
		vrv_store_free(take_store);
		return VRV_NOMEM(err, "a repository");
	}
	repo->store = take_store;
	repo->salvage = options->salvage;
	repo->event = options->event;
	repo->event_arg = options->event_arg;
	pthread_mutex_init(&repo->state_lock, NULL);
	pthread_mutex_init(&repo->event_mutex, NULL);
	repo->event_lock = &repo->event_mutex;
	pthread_mutex_init(&repo->index_lock, NULL);
	if (options->keys_dir != NULL)
		repo->keys_dir =
		    vrv_dup(options->keys_dir, strlen(options->keys_dir));
	if (options->state_dir != NULL)
		repo->state_dir =
		    vrv_dup(options->state_dir, strlen(options->state_dir));

	int rc = vrv_crypto_init(err);
	if (rc == 0 &&
	    ((options->keys_dir != NULL && repo->keys_dir == NULL) ||
		(options->state_dir != NULL && repo->state_dir == NULL)))
		rc = VRV_NOMEM(err, "a path");
	if (rc == 0)
		rc = check_options(options, err);
	if (rc == 0)
		rc = list_configs(repo, &names, &ids, err);
	if (rc == 0)
		rc = options->without_key ?
		    open_as_one(repo, options, &names, &ids, load_as, NULL,
			err) :
		    open_locked(repo, options, &names, &ids, err);
	free(names.items);
	if (rc != 0) {
		vrv_repo_close(repo);
		return rc;
	}
	*ret = repo;
	return 0;
}

void
vrv_repo_close(struct vrv_repo *repo)
{
	if (repo == NULL)
		return;
	vrv_index_free(repo->index);
	vrv_map_free(repo->rescued);
	vrv_rolls_fini(&repo->rolls);
	vrv_secret_free(repo->secrets);
	vrv_state_fini(&repo->state);
	vrv_state_change_fini(&repo->change);
	vrv_arena_fini(&repo->arena);
	vrv_store_free(repo->store);
	pthread_mutex_destroy(&repo->state_lock);
	pthread_mutex_destroy(&repo->event_mutex);
	pthread_mutex_destroy(&repo->index_lock);
	free(repo->key_file);
	free(repo->keys_dir);
	free(repo->state_dir);
	free(repo->state_path);
	free(repo->cache);
	free(repo);
}

struct vrv_store *
vrv_repo_store(const struct vrv_repo *repo)
{
	return repo->store;
}

const uint8_t *
vrv_repo_id(const struct vrv_repo *repo)
{
	return repo->id;
}

const struct vrv_config *
vrv_repo_config(const struct vrv_repo *repo)
{
	return &repo->config;
}

const struct vrv_pack_keys *
vrv_repo_keys(const struct vrv_repo *repo)
{
	return repo->secrets == NULL ? NULL : &repo->secrets->pack;
}

enum varve_key_mode
vrv_repo_key_mode(const struct vrv_repo *repo)
{
	return repo->mode;
}

const char *
vrv_repo_key_file(const struct vrv_repo *repo)
{
	return repo->key_file;
}

const char *
vrv_repo_cache(const struct vrv_repo *repo)
{
	return repo->cache;
}

const uint8_t *
vrv_repo_cache_id(const struct vrv_repo *repo)
{
	return repo->secrets == NULL ? NULL : repo->secrets->cache_id;
}

const char *
vrv_repo_state_path(const struct vrv_repo *repo)
{
	return repo->state_path;
}

const char *
vrv_repo_state_dir(const struct vrv_repo *repo)
{
	return repo->state_dir;
}

const struct vrv_key *
vrv_repo_chunker_key(const struct vrv_repo *repo)
{
	return &repo->secrets->chunker;
}

const struct vrv_key *
vrv_repo_tree_key(const struct vrv_repo *repo)
{
	return &repo->secrets->tree;
}

void
vrv_repo_tag(const struct vrv_repo *repo, const char *host, const char *label,
    uint8_t ret[VRV_TAG_SIZE])
{
	const struct vrv_part parts[] = {{host, strlen(host) + 1},
	    {label, strlen(label)}};

	vrv_blake2b_parts(ret, VRV_TAG_SIZE, &repo->secrets->tag, parts, 2);
}

void
vrv_repo_tell(const struct vrv_repo *repo, varve_event_fn *fn, void *arg,
    const struct varve_event *event)
{
	pthread_mutex_t *lock = repo == NULL ? NULL : repo->event_lock;

	if (fn == NULL)
		return;
	if (lock != NULL)
		pthread_mutex_lock(lock);
	fn(arg, event);
	if (lock != NULL)
		pthread_mutex_unlock(lock);
}

void
vrv_repo_note(const struct vrv_repo *repo, enum varve_event_type type,
    const char *path, const char *fmt, ...)
{
	char text[VARVE_MESSAGE_MAX];
	va_list ap;

	if (repo->event == NULL)
		return;
	va_start(ap, fmt);
	vrv_fit(text, sizeof(text), fmt, ap);
	va_end(ap);
	const struct varve_event event = {.type = type,
	    .path = path,
	    .message = text};
	vrv_repo_tell(repo, repo->event, repo->event_arg, &event);
}
