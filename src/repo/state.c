/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/repo_internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/file.h"
#include "util/hex.h"
#include "util/mem.h"

/*
 * One text file per store address, named by a hash of it:
 *
 *	varve-state 1
 *	location /srv/backup
 *	repository <64 hex> admin <64 hex>
 *	config <generation> <32 hex>
 *	archive <tag, 16 hex> <logical id, 64 hex> <revision>     (any number)
 *	end
 */
#define STATE_MAX ((size_t)64 << 20)

void
vrv_state_fini(struct vrv_state *state)
{
	free(state->path);
	free(state->pins);
	*state = (struct vrv_state){0};
}

static int
add_pin(struct vrv_state *state, const struct vrv_pin *pin)
{
	if (vrv_room_for_one(&state->pins, state->n_pins, &state->cap_pins,
		sizeof(*state->pins)) != 0)
		return -1;
	state->pins[state->n_pins++] = *pin;
	return 0;
}

static bool
parse_pin(const char *line, struct vrv_pin *pin)
{
	char tag[17], logical[65];

	return sscanf(line, "archive %16[0-9a-f] %64[0-9a-f] %u", tag, logical,
		   &pin->revision) == 3 &&
	    strlen(tag) == 16 && strlen(logical) == 64 &&
	    vrv_unhex(pin->tag, tag, VRV_TAG_SIZE) &&
	    vrv_unhex(pin->logical, logical, VRV_LOGICAL_ID);
}

static bool
parse_ids(const char *line, struct vrv_state *state)
{
	char repository[65], admin[65];

	return sscanf(line, "repository %64[0-9a-f] admin %64[0-9a-f]",
		   repository, admin) == 2 &&
	    strlen(repository) == 64 && strlen(admin) == 64 &&
	    vrv_unhex(state->repository, repository, VRV_REPO_ID) &&
	    vrv_unhex(state->admin, admin, VRV_SIGN_PUBLIC);
}

static bool
parse_config(const char *line, struct vrv_state *state)
{
	char id[33];

	return sscanf(line, "config %u %32[0-9a-f]", &state->generation, id) ==
	    2 &&
	    strlen(id) == 32 && vrv_unhex(state->config, id, VRV_OBJECT_ID);
}

/* False if the text is not a whole state file. */
static bool
parse_state(char *text, struct vrv_state *state)
{
	bool ids = false, config = false, end = false;
	char *save = NULL;
	char *line = strtok_r(text, "\n", &save);

	if (line == NULL || strcmp(line, "varve-state 1") != 0)
		return false;
	while ((line = strtok_r(NULL, "\n", &save)) != NULL && !end) {
		struct vrv_pin pin;

		if (strncmp(line, "location ", 9) == 0)
			continue;
		if (strcmp(line, "end") == 0)
			end = true;
		else if (parse_ids(line, state))
			ids = true;
		else if (parse_config(line, state))
			config = true;
		else if (!parse_pin(line, &pin) || add_pin(state, &pin) != 0)
			return false;
	}
	return ids && config && end;
}

int
vrv_state_path(const char *dir, const char *location, struct vrv_state *ret,
    struct varve_err *err)
{
	struct vrv_state state = {0};
	uint8_t hash[16];
	char name[33];

	if (dir != NULL) {
		vrv_blake2b(hash, sizeof(hash), NULL, location,
		    strlen(location));
		vrv_hex(name, hash, sizeof(hash));
		state.path = vrv_strf("%s/%s", dir, name);
		if (state.path == NULL)
			return VRV_NOMEM(err, "the state file's name");
	}
	*ret = state;
	return 0;
}

int
vrv_state_load(const char *dir, const char *location, struct vrv_state *ret,
    struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf text = {0};
	struct vrv_state state;

	int rc = vrv_state_path(dir, location, &state, err);
	if (rc != 0)
		return rc;
	rc = state.path == NULL ?
	    VARVE_NOENT :
	    vrv_os_load(AT_FDCWD, state.path, STATE_MAX, &text, err);
	if (rc == VARVE_NOENT) {
		*ret = state;
		return 0;
	}
	if (rc == 0) {
		vrv_buf_u8(&text, 0);
		rc = vrv_buf_check(&text, err);
	}
	if (rc == 0 && !parse_state((char *)text.data, &state))
		rc = vrv_fail(err, VARVE_FORMAT,
		    "damaged; remove it to trust the repository as it is now");
	if (rc != 0) {
		vrv_ctx(err, "state file '%s'", state.path);
		vrv_state_fini(&state);
		return rc;
	}
	state.known = true;
	*ret = state;
	return 0;
}

static void
put_line(struct vrv_buf *text, const char *line)
{
	vrv_buf_bytes(text, line, strlen(line));
}

int
vrv_state_write(struct vrv_state *state, const char *location,
    struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf text = {0};
	char line[256], a[65], b[65];

	if (state->path == NULL || !state->changed)
		return 0;
	put_line(&text, "varve-state 1\nlocation ");
	/* For a person; a line end in it must not end the line. */
	for (const char *p = location; *p != '\0'; p++)
		vrv_buf_u8(&text, *p == '\n' ? '?' : (uint8_t)*p);
	vrv_hex(a, state->repository, VRV_REPO_ID);
	vrv_hex(b, state->admin, VRV_SIGN_PUBLIC);
	snprintf(line, sizeof(line), "\nrepository %s admin %s\n", a, b);
	put_line(&text, line);
	vrv_hex(a, state->config, VRV_OBJECT_ID);
	snprintf(line, sizeof(line), "config %u %s\n", state->generation, a);
	put_line(&text, line);
	for (size_t i = 0; i < state->n_pins; i++) {
		vrv_hex(a, state->pins[i].tag, VRV_TAG_SIZE);
		vrv_hex(b, state->pins[i].logical, VRV_LOGICAL_ID);
		snprintf(line, sizeof(line), "archive %s %s %u\n", a, b,
		    state->pins[i].revision);
		put_line(&text, line);
	}
	put_line(&text, "end\n");
	int rc = vrv_buf_check(&text, err);
	if (rc == 0)
		rc = vrv_os_replace_file(AT_FDCWD, state->path, 0600, text.data,
		    text.len, err);
	if (rc != 0)
		return vrv_ctx(err, "state file '%s'", state->path);
	state->changed = false;
	return 0;
}

static struct vrv_pin *
find_pin(struct vrv_state *state, const uint8_t tag[VRV_TAG_SIZE])
{
	for (size_t i = 0; i < state->n_pins; i++) {
		if (memcmp(state->pins[i].tag, tag, VRV_TAG_SIZE) == 0)
			return &state->pins[i];
	}
	return NULL;
}

int
vrv_repo_state_pin(struct vrv_repo *repo, const uint8_t tag[VRV_TAG_SIZE],
    const uint8_t logical[32], uint32_t revision, struct varve_err *err)
{
	struct vrv_pin pin = {.revision = revision};
	int rc = 0;

	memcpy(pin.tag, tag, VRV_TAG_SIZE);
	memcpy(pin.logical, logical, VRV_LOGICAL_ID);
	pthread_mutex_lock(&repo->state_lock);
	struct vrv_pin *old = find_pin(&repo->state, tag);
	if (old == NULL) {
		if (add_pin(&repo->state, &pin) != 0)
			rc = VRV_NOMEM(err, "the state");
		repo->state.changed = true;
	} else if (memcmp(old, &pin, sizeof(pin)) != 0) {
		*old = pin;
		repo->state.changed = true;
	}
	pthread_mutex_unlock(&repo->state_lock);
	return rc;
}

int
vrv_repo_state_save(struct vrv_repo *repo, struct varve_err *err)
{
	pthread_mutex_lock(&repo->state_lock);
	int rc =
	    vrv_state_write(&repo->state, vrv_store_location(repo->store), err);
	pthread_mutex_unlock(&repo->state_lock);
	return rc;
}

bool
vrv_repo_state_get(struct vrv_repo *repo, const uint8_t tag[VRV_TAG_SIZE],
    uint8_t ret_logical[32], uint32_t *ret_revision)
{
	pthread_mutex_lock(&repo->state_lock);
	const struct vrv_pin *pin = find_pin(&repo->state, tag);
	if (pin != NULL) {
		memcpy(ret_logical, pin->logical, VRV_LOGICAL_ID);
		*ret_revision = pin->revision;
	}
	pthread_mutex_unlock(&repo->state_lock);
	return pin != NULL;
}

int
vrv_repo_state_each(struct vrv_repo *repo, vrv_pin_fn *fn, void *arg,
    struct varve_err *err)
{
	size_t n;
	int rc = 0;

	/* `fn` may pin again: it works on a copy. */
	pthread_mutex_lock(&repo->state_lock);
	n = repo->state.n_pins;
	vrv_auto_free struct vrv_pin *pins = vrv_alloc_array(n, sizeof(*pins));
	if (pins != NULL && n > 0)
		memcpy(pins, repo->state.pins, n * sizeof(*pins));
	pthread_mutex_unlock(&repo->state_lock);
	if (pins == NULL)
		return VRV_NOMEM(err, "the state");
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = fn(arg, pins[i].tag, pins[i].logical, pins[i].revision,
		    err);
	return rc;
}
