/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/private.h"
#include "repo/repo_internal.h"
#include "util/hex.h"
#include "util/mem.h"

/* --- opening --- */

static void
not_remembered(struct vrv_repo *repo, const struct varve_err *why)
{
	vrv_repo_note(repo, VARVE_EVENT_WARNING, NULL,
	    "cannot remember the state of this repository, so that a later "
	    "rollback may go unnoticed: %s",
	    why->message);
}

int
vrv_repo_older(struct vrv_repo *repo, const char *why, struct varve_err *err)
{
	const char *location = vrv_store_location(repo->store);
	const char *seen = NULL;
	char id[2 * VRV_REPO_ID + 1];

	vrv_hex(id, repo->id, VRV_REPO_ID);
	for (size_t i = VRV_STATE_PLACES; i-- > 0;) {
		const char *place = repo->state.places[i];
		if (place != NULL && strcmp(place, location) != 0)
			seen = place;
	}
	vrv_fail(err, VARVE_AUTH,
	    "'%.250s' (repository %.16s) is older than when it was last used "
	    "from here%s%.150s%s: %s",
	    location, id, seen != NULL ? " (also at '" : "",
	    seen != NULL ? seen : "", seen != NULL ? "')" : "", why);
	if (!repo->old_allowed)
		return vrv_exit(err, VARVE_EXIT_REPLAY);
	vrv_repo_note(repo, VARVE_EVENT_NOTE, NULL, "%s", err->message);
	return 0;
}

static int
check_place(const struct vrv_repo *repo, const struct vrv_state *place,
    const struct vrv_identity *who, struct varve_err *err)
{
	char now[2 * VRV_REPO_ID + 1], was[2 * VRV_REPO_ID + 1];

	if (!place->known || memcmp(&place->who, who, sizeof(*who)) == 0)
		return 0;
	vrv_hex(now, who->repository, VRV_REPO_ID);
	vrv_hex(was, place->who.repository, VRV_REPO_ID);
	vrv_fail(err, VARVE_AUTH,
	    "'%.300s' is another repository than last time (%.16s, was %.16s)",
	    vrv_store_location(repo->store), now, was);
	return vrv_exit(err, VARVE_EXIT_REPO_REPLACED);
}

static int
check_generation(struct vrv_repo *repo, struct varve_err *err)
{
	const struct vrv_state *state = &repo->state;
	struct vrv_state now = {.generation = repo->config.generation};
	char why[100];

	memcpy(now.config, repo->config_hash, VRV_CONFIG_HASH);
	if (!state->known)
		return 0;
	if (repo->without_config) {
		snprintf(why, sizeof(why),
		    "it has no valid config, and had one of generation %u",
		    state->generation);
		return vrv_repo_older(repo, why, err);
	}
	if (vrv_state_order(&now, state) >= 0)
		return 0;
	if (now.generation == state->generation) {
		snprintf(why, sizeof(why),
		    "its config of generation %u is "
		    "another one",
		    now.generation);
		return vrv_repo_older(repo, why, err);
	}
	snprintf(why, sizeof(why), "its config has generation %u, was %u",
	    repo->config.generation, state->generation);
	return vrv_repo_older(repo, why, err);
}

static void
tell_damage(struct vrv_repo *repo, const struct varve_err *damage,
    const char *effect)
{
	vrv_repo_note(repo, VARVE_EVENT_WARNING, NULL,
	    "state directory '%s': %s; %s", repo->state_dir, damage->message,
	    effect);
}

/* Read which repository this client saw at the location. What cannot be read
 * must not stop backups. *ret_write: the file is to be written. */
static int
read_place(struct vrv_repo *repo, int dir, struct vrv_state *ret,
    bool *ret_write, struct varve_err *err)
{
	struct varve_err damage, why;
	bool v1;

	int rc = vrv_place_read(dir, vrv_store_location(repo->store), ret, &v1,
	    &damage, err);
	if (rc != 0)
		return rc;
	*ret_write = v1 || !ret->known;
	if (damage.code != 0)
		tell_damage(repo, &damage,
		    "this run cannot notice whether another repository was "
		    "put at this location");
	if (v1 && !repo->salvage && vrv_state_keep(dir, ret, &why) != 0) {
		*ret_write = false;
		not_remembered(repo, &why);
	}
	return 0;
}

static int
read_state(struct vrv_repo *repo, int dir, const struct vrv_identity *who,
    struct varve_err *err)
{
	struct varve_err damage;

	int rc = vrv_state_read(dir, who, &repo->state, &damage, err);
	if (rc != 0)
		return rc;
	repo->state.who = *who;
	if (damage.code == 0)
		return 0;
	repo->change.seen = true;
	tell_damage(repo, &damage,
	    repo->state.known ?
		"the version before it is used: what the last run added to it "
		"is forgotten" :
		"this client knows nothing of this repository any more, and "
		"cannot notice whether it was put back to an older state");
	return 0;
}

/* Note what this run sees: config and location. */
static int
see(struct vrv_repo *repo, struct varve_err *err)
{
	struct vrv_state *state = &repo->state;
	const char *location = vrv_store_location(repo->store);

	if (!state->known || repo->change.forget ||
	    repo->config.generation != state->generation ||
	    memcmp(repo->config_hash, state->config, VRV_CONFIG_HASH) != 0 ||
	    !state->has_slot ||
	    memcmp(repo->slot, state->slot, VRV_OBJECT_ID) != 0 ||
	    state->places[0] == NULL || strcmp(state->places[0], location) != 0)
		repo->change.seen = true;
	if (repo->change.forget)
		state->n_pins = 0;
	state->known = true;
	state->generation = repo->config.generation;
	memcpy(state->config, repo->config_hash, VRV_CONFIG_HASH);
	state->has_slot = true;
	memcpy(state->slot, repo->slot, VRV_OBJECT_ID);
	state->slot_kdf = repo->slot_cost.kdf;
	state->slot_passes = repo->slot_cost.passes;
	state->slot_memory = repo->slot_cost.memory;
	return vrv_state_add_place(state, location, err);
}

/* What this run knows now is written at once, so that it counts even if the
 * run is killed. A full or read-only disk must not keep anybody from
 * restoring. */
static void
save_opened(struct vrv_repo *repo, int dir, bool write_place)
{
	struct varve_err why;

	int rc = vrv_repo_state_save(repo, &why);
	if (rc == 0 && write_place)
		rc = vrv_place_write(dir, vrv_store_location(repo->store),
		    &repo->state.who, &why);
	if (rc != 0)
		not_remembered(repo, &why);
}

static int
open_state(struct vrv_repo *repo, int dir, const struct vrv_identity *who,
    bool accept, struct varve_err *err)
{
	struct vrv_state place = {0};
	bool write_place = false;

	int rc = read_place(repo, dir, &place, &write_place, err);
	if (rc == 0 && !accept)
		rc = check_place(repo, &place, who, err);
	vrv_state_fini(&place);
	if (rc == 0)
		rc = read_state(repo, dir, who, err);
	if (rc == 0 && !accept)
		rc = check_generation(repo, err);
	if (rc != 0 || repo->old_allowed || repo->salvage)
		return rc;
	repo->change.forget = accept;
	rc = see(repo, err);
	if (rc == 0)
		save_opened(repo, dir, write_place || accept);
	return rc;
}

void
vrv_repo_state_pin(const struct vrv_repo *repo,
    const struct varve_open_options *options, struct vrv_slot_pin *ret)
{
	struct vrv_state place = {0}, state = {0};
	struct varve_err damage, unused;
	vrv_auto_fd dir = -1;
	bool v1;

	*ret = (struct vrv_slot_pin){0};
	if (options->state_dir == NULL ||
	    vrv_private_dir(options->state_dir, false, &dir, &unused) != 0)
		return;
	if (vrv_place_read(dir, vrv_store_location(repo->store), &place, &v1,
		&damage, &unused) == 0 &&
	    place.known &&
	    memcmp(place.who.repository, repo->id, VRV_REPO_ID) == 0) {
		ret->known = !options->accept_replaced;
		memcpy(ret->admin, place.who.admin, sizeof(ret->admin));
		if (vrv_state_read(dir, &place.who, &state, &damage, &unused) ==
			0 &&
		    state.known && state.has_slot) {
			ret->has_slot = true;
			memcpy(ret->slot, state.slot, sizeof(ret->slot));
			ret->kdf = state.slot_kdf;
			ret->passes = state.slot_passes;
			ret->memory = state.slot_memory;
		}
	}
	vrv_state_fini(&place);
	vrv_state_fini(&state);
}

int
vrv_repo_state_seen(struct vrv_repo *repo, struct varve_err *err)
{
	int rc = 0;

	if (repo->state_path == NULL || repo->old_allowed || repo->salvage)
		return 0;
	pthread_mutex_lock(&repo->state_lock);
	rc = see(repo, err);
	pthread_mutex_unlock(&repo->state_lock);
	return rc == 0 ? vrv_repo_state_save(repo, err) : rc;
}

int
vrv_repo_state_open(struct vrv_repo *repo, const uint8_t admin[VRV_SIGN_PUBLIC],
    const struct varve_open_options *options, struct varve_err *err)
{
	struct vrv_identity who;
	struct varve_err why;
	vrv_auto_fd dir = -1;

	memcpy(who.repository, repo->id, VRV_REPO_ID);
	memcpy(who.admin, admin, VRV_SIGN_PUBLIC);
	repo->old_allowed = options->allow_rollback;
	if (repo->state_dir == NULL)
		return 0;
	int rc = vrv_private_dir(repo->state_dir, !repo->salvage, &dir, &why);
	if (rc != 0) {
		/* Nothing of it is used, nor by anybody else. */
		free(vrv_steal(&repo->state_dir));
		if (!repo->salvage || rc != VARVE_NOENT)
			not_remembered(repo, &why);
		return 0;
	}
	repo->state_path = vrv_state_path(repo->state_dir, &who);
	if (repo->state_path == NULL)
		return VRV_NOMEM(err, "a path");
	rc = open_state(repo, dir, &who, options->accept_replaced, err);
	/* Whoever keeps something else there must not either. */
	if (repo->salvage)
		free(vrv_steal(&repo->state_dir));
	return rc;
}

int
vrv_repo_state_forget(const char *dir_path, const char *location,
    struct varve_err *err)
{
	vrv_auto_fd dir = -1;

	if (dir_path == NULL)
		return 0;
	int rc = vrv_private_dir(dir_path, false, &dir, err);
	/* What cannot be used says nothing. */
	if (rc != 0)
		return vrv_err_is_fatal(err) ? rc : 0;
	rc = vrv_place_forget(dir, location, err);
	return rc != 0 ? vrv_ctx(err, "state directory '%s'", dir_path) : 0;
}

/* --- while it is open --- */

static int
append(struct vrv_pin **to, size_t *n, size_t *cap, const struct vrv_pin *pins,
    size_t n_pins, struct varve_err *err)
{
	for (size_t i = 0; i < n_pins; i++) {
		if (vrv_room_for_one(to, *n, cap, sizeof(**to)) != 0)
			return VRV_NOMEM(err, "the state");
		(*to)[(*n)++] = pins[i];
	}
	return 0;
}

/* What was added and is now dropped must not be added again. */
static void
take_back(struct vrv_state_change *c, const struct vrv_pin *drop, size_t n_drop)
{
	for (size_t i = 0; i < n_drop; i++) {
		size_t n = 0;

		for (size_t k = 0; k < c->n_add; k++) {
			if (memcmp(c->add[k].tag, drop[i].tag, VRV_TAG_SIZE) !=
				0 ||
			    memcmp(c->add[k].logical, drop[i].logical, 32) !=
				0 ||
			    c->add[k].revision > drop[i].revision)
				c->add[n++] = c->add[k];
		}
		c->n_add = n;
	}
}

int
vrv_repo_state_change(struct vrv_repo *repo, const struct vrv_pin *add,
    size_t n_add, const struct vrv_pin *drop, size_t n_drop,
    struct varve_err *err)
{
	struct vrv_state_change *c = &repo->change;

	pthread_mutex_lock(&repo->state_lock);
	int rc = vrv_state_apply(&repo->state, add, n_add, drop, n_drop, err);
	if (rc == 0)
		take_back(c, drop, n_drop);
	if (rc == 0)
		rc = append(&c->add, &c->n_add, &c->cap_add, add, n_add, err);
	if (rc == 0)
		rc = append(&c->drop, &c->n_drop, &c->cap_drop, drop, n_drop,
		    err);
	pthread_mutex_unlock(&repo->state_lock);
	return rc;
}

static int
save(struct vrv_repo *repo, struct varve_err *err)
{
	vrv_auto_fd dir = -1;

	int rc = vrv_private_dir(repo->state_dir, true, &dir, err);
	if (rc == 0)
		rc = vrv_state_write(dir, &repo->state, &repo->change, err);
	if (rc != 0)
		return vrv_ctx(err, "state directory '%s'", repo->state_dir);
	vrv_state_change_fini(&repo->change);
	return 0;
}

int
vrv_repo_state_save(struct vrv_repo *repo, struct varve_err *err)
{
	const struct vrv_state_change *c = &repo->change;
	int rc = 0;

	if (repo->state_dir == NULL || repo->old_allowed || repo->salvage)
		return 0;
	pthread_mutex_lock(&repo->state_lock);
	if (c->seen || c->forget || c->n_add > 0 || c->n_drop > 0)
		rc = save(repo, err);
	pthread_mutex_unlock(&repo->state_lock);
	return rc;
}

int
vrv_repo_state_pins(struct vrv_repo *repo, struct vrv_pin **ret, size_t *ret_n,
    struct varve_err *err)
{
	pthread_mutex_lock(&repo->state_lock);
	size_t n = repo->state.n_pins;
	struct vrv_pin *pins = vrv_alloc_array(n + 1, sizeof(*pins));
	if (pins != NULL && n > 0)
		memcpy(pins, repo->state.pins, n * sizeof(*pins));
	pthread_mutex_unlock(&repo->state_lock);
	if (pins == NULL)
		return VRV_NOMEM(err, "the state");
	*ret = pins;
	*ret_n = n;
	return 0;
}
