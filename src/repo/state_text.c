/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/hex.h"
#include "util/mem.h"

/*
 *	varve-state 2
 *	repository <64 hex> admin <64 hex>
 *	config <generation> <64 hex>
 *	slot <32 hex> <kdf> <passes> <memory>
 *	place /srv/backup		(a few)
 *	archive <tag, 16 hex> <object id, 32 hex> <logical id, 64 hex> <rev.>
 *	end <BLAKE2b-128 of everything before this line>
 *
 * An archive that was seen deleted has " buried <tombstone id, 32 hex>" behind
 * its revision, which versions that do not know it pass over.
 * The file of a location has no config and no archives. In version 1, the file
 * of a location was the state: "archive" without object id, "end" alone.
 */
#define HEAD "varve-state 2"
#define HEAD_1 "varve-state 1"
#define SUM 16

void
vrv_state_fini(struct vrv_state *state)
{
	for (size_t i = 0; i < VRV_STATE_PLACES; i++)
		free(state->places[i]);
	free(state->pins);
	*state = (struct vrv_state){0};
}

void
vrv_state_change_fini(struct vrv_state_change *change)
{
	free(change->add);
	free(change->drop);
	*change = (struct vrv_state_change){0};
}

/* --- pins --- */

static int
by_archive(const void *a, const void *b)
{
	const struct vrv_pin *x = a, *y = b;

	int order = memcmp(x->tag, y->tag, VRV_TAG_SIZE);
	return order != 0 ? order :
			    memcmp(x->logical, y->logical, VRV_LOGICAL_ID);
}

bool
vrv_pin_was_buried(const struct vrv_pin *pin)
{
	static const uint8_t unseen[VRV_OBJECT_ID];

	return memcmp(pin->tombstone, unseen, VRV_OBJECT_ID) != 0;
}

/* What stays comes first; ids of zeros are those that are not known. */
static int
by_revision(const void *a, const void *b)
{
	const struct vrv_pin *x = a, *y = b;

	int order = by_archive(a, b);
	if (order == 0)
		order =
		    (x->revision < y->revision) - (x->revision > y->revision);
	if (order == 0)
		order = memcmp(y->tombstone, x->tombstone, VRV_OBJECT_ID);
	return order != 0 ? order : memcmp(y->object, x->object, VRV_OBJECT_ID);
}

/* `drop` is sorted. Who drops what it knew as live does not forget that others
 * deleted it meanwhile. */
static bool
is_dropped(const struct vrv_pin *pin, const struct vrv_pin *drop, size_t n)
{
	const struct vrv_pin *found =
	    n == 0 ? NULL : bsearch(pin, drop, n, sizeof(*drop), by_archive);

	return found != NULL && pin->revision <= found->revision &&
	    (vrv_pin_was_buried(found) || !vrv_pin_was_buried(pin));
}

static void
sort_pins(struct vrv_state *state)
{
	size_t n = 0;

	if (state->n_pins == 0)
		return;
	qsort(state->pins, state->n_pins, sizeof(*state->pins), by_revision);
	for (size_t i = 0; i < state->n_pins; i++) {
		if (n == 0 ||
		    by_archive(&state->pins[n - 1], &state->pins[i]) != 0)
			state->pins[n++] = state->pins[i];
	}
	state->n_pins = n;
}

int
vrv_state_apply(struct vrv_state *state, const struct vrv_pin *add,
    size_t n_add, const struct vrv_pin *drop, size_t n_drop,
    struct varve_err *err)
{
	vrv_auto_free struct vrv_pin *gone =
	    vrv_alloc_array(n_drop + 1, sizeof(*gone));
	struct vrv_pin *pins =
	    vrv_alloc_array(state->n_pins + n_add + 1, sizeof(*pins));
	size_t n = 0;

	if (pins == NULL || gone == NULL) {
		free(pins);
		return VRV_NOMEM(err, "the state");
	}
	if (n_drop > 0) {
		memcpy(gone, drop, n_drop * sizeof(*gone));
		qsort(gone, n_drop, sizeof(*gone), by_archive);
	}
	for (size_t i = 0; i < state->n_pins; i++) {
		if (!is_dropped(&state->pins[i], gone, n_drop))
			pins[n++] = state->pins[i];
	}
	if (n_add > 0)
		memcpy(&pins[n], add, n_add * sizeof(*pins));
	free(state->pins);
	state->pins = pins;
	state->n_pins = n + n_add;
	sort_pins(state);
	return 0;
}

int
vrv_state_add_place(struct vrv_state *state, const char *location,
    struct varve_err *err)
{
	char *first = vrv_dup(location, strlen(location));

	if (first == NULL)
		return VRV_NOMEM(err, "the state");
	for (size_t i = 0; first != NULL && i < VRV_STATE_PLACES; i++) {
		char *moved = state->places[i];

		state->places[i] = first;
		first = moved;
		if (moved != NULL && strcmp(moved, location) == 0) {
			free(moved);
			first = NULL;
		}
	}
	free(first);
	return 0;
}

/* --- writing --- */

static void
put_line(struct vrv_buf *text, const char *line)
{
	vrv_buf_bytes(text, line, strlen(line));
}

static void
put_place(struct vrv_buf *text, const char *location)
{
	put_line(text, "place ");
	/* For a person; a line end in it must not end the line. */
	for (const char *p = location; *p != '\0'; p++)
		vrv_buf_u8(text, *p == '\n' ? '?' : (uint8_t)*p);
	vrv_buf_u8(text, '\n');
}

static void
put_pin(struct vrv_buf *text, const struct vrv_pin *pin)
{
	char line[256], tag[2 * VRV_TAG_SIZE + 1],
	    object[2 * VRV_OBJECT_ID + 1];
	char logical[2 * VRV_LOGICAL_ID + 1], tombstone[2 * VRV_OBJECT_ID + 1];

	vrv_hex(tag, pin->tag, VRV_TAG_SIZE);
	vrv_hex(object, pin->object, VRV_OBJECT_ID);
	vrv_hex(logical, pin->logical, VRV_LOGICAL_ID);
	vrv_hex(tombstone, pin->tombstone, VRV_OBJECT_ID);
	bool buried = vrv_pin_was_buried(pin);
	snprintf(line, sizeof(line), "archive %s %s %s %u%s%s\n", tag, object,
	    logical, pin->revision, buried ? " buried " : "",
	    buried ? tombstone : "");
	put_line(text, line);
}

static void
put_sum(struct vrv_buf *text)
{
	uint8_t sum[SUM];
	char digits[2 * SUM + 1];

	vrv_blake2b(sum, sizeof(sum), NULL, text->data, text->len);
	vrv_hex(digits, sum, sizeof(sum));
	put_line(text, "end ");
	put_line(text, digits);
	vrv_buf_u8(text, '\n');
}

int
vrv_state_print(const struct vrv_state *state, bool place_only,
    struct vrv_buf *text, struct varve_err *err)
{
	char line[256], a[65], b[65];

	vrv_hex(a, state->who.repository, VRV_REPO_ID);
	vrv_hex(b, state->who.admin, VRV_SIGN_PUBLIC);
	snprintf(line, sizeof(line), HEAD "\nrepository %s admin %s\n", a, b);
	put_line(text, line);
	if (!place_only) {
		vrv_hex(a, state->config, VRV_CONFIG_HASH);
		snprintf(line, sizeof(line), "config %u %s\n",
		    state->generation, a);
		put_line(text, line);
	}
	if (!place_only && state->has_slot) {
		vrv_hex(a, state->slot, VRV_OBJECT_ID);
		snprintf(line, sizeof(line), "slot %s %u %u %llu\n", a,
		    state->slot_kdf, state->slot_passes,
		    (unsigned long long)state->slot_memory);
		put_line(text, line);
	}
	for (size_t i = 0; i < VRV_STATE_PLACES; i++) {
		if (state->places[i] != NULL)
			put_place(text, state->places[i]);
	}
	for (size_t i = 0; !place_only && i < state->n_pins; i++)
		put_pin(text, &state->pins[i]);
	int rc = vrv_buf_check(text, err);
	if (rc != 0)
		return rc;
	put_sum(text);
	return vrv_buf_check(text, err);
}

/* --- reading --- */

static bool
parse_pin(const char *line, bool v1, struct vrv_pin *pin)
{
	char tag[17], logical[65], object[33];
	char tombstone[33] = "00000000000000000000000000000000";

	if (v1)
		strcpy(object, tombstone);
	int n = v1 ?
	    sscanf(line, "archive %16[0-9a-f] %64[0-9a-f] %u", tag, logical,
		&pin->revision) :
	    sscanf(line,
		"archive %16[0-9a-f] %32[0-9a-f] %64[0-9a-f] %u buried "
		"%32[0-9a-f]",
		tag, object, logical, &pin->revision, tombstone);
	return (n == (v1 ? 3 : 4) || (!v1 && n == 5)) && strlen(tag) == 16 &&
	    strlen(object) == 32 && strlen(logical) == 64 &&
	    strlen(tombstone) == 32 && vrv_unhex(pin->tag, tag, VRV_TAG_SIZE) &&
	    vrv_unhex(pin->object, object, VRV_OBJECT_ID) &&
	    vrv_unhex(pin->tombstone, tombstone, VRV_OBJECT_ID) &&
	    vrv_unhex(pin->logical, logical, VRV_LOGICAL_ID);
}

static bool
parse_who(const char *line, struct vrv_identity *who)
{
	char repository[65], admin[65];

	return sscanf(line, "repository %64[0-9a-f] admin %64[0-9a-f]",
		   repository, admin) == 2 &&
	    strlen(repository) == 64 && strlen(admin) == 64 &&
	    vrv_unhex(who->repository, repository, VRV_REPO_ID) &&
	    vrv_unhex(who->admin, admin, VRV_SIGN_PUBLIC);
}

static bool
parse_config(const char *line, struct vrv_state *state)
{
	char hash[2 * VRV_CONFIG_HASH + 1];

	if (sscanf(line, "config %u %64[0-9a-f]", &state->generation, hash) !=
	    2)
		return false;
	/* Version 1 had the id of the object: any body of that generation. */
	memset(state->config, 0xff, sizeof(state->config));
	return strlen(hash) == 2 * VRV_OBJECT_ID ||
	    (strlen(hash) == 2 * VRV_CONFIG_HASH &&
		vrv_unhex(state->config, hash, VRV_CONFIG_HASH));
}

static bool
parse_slot(const char *line, struct vrv_state *state)
{
	char id[2 * VRV_OBJECT_ID + 1];
	unsigned long long memory;
	unsigned kdf;

	if (sscanf(line, "slot %32[0-9a-f] %u %u %llu", id, &kdf,
		&state->slot_passes, &memory) != 4 ||
	    strlen(id) != 2 * VRV_OBJECT_ID || kdf > UINT8_MAX ||
	    !vrv_unhex(state->slot, id, VRV_OBJECT_ID))
		return false;
	state->slot_kdf = (uint8_t)kdf;
	state->slot_memory = memory;
	state->has_slot = true;
	return true;
}

int
vrv_state_order(const struct vrv_state *a, const struct vrv_state *b)
{
	if (a->generation != b->generation)
		return a->generation > b->generation ? 1 : -1;
	return memcmp(b->config, a->config, VRV_CONFIG_HASH);
}

static bool
sum_is_right(const char *text, const char *end)
{
	uint8_t sum[SUM], want[SUM];

	vrv_blake2b(sum, sizeof(sum), NULL, text, (size_t)(end - text));
	return strlen(end) == 4 + 2 * (size_t)SUM + 1 &&
	    end[4 + 2 * SUM] == '\n' && vrv_unhex(want, end + 4, SUM) &&
	    memcmp(sum, want, SUM) == 0;
}

static int
damaged(struct varve_err *err)
{
	return vrv_fail(err, VARVE_CORRUPT, "damaged: it is not whole");
}

/* A line between the first and the last. */
static int
parse_line(const char *line, bool v1, struct vrv_state *state, size_t *cap,
    struct varve_err *err)
{
	struct vrv_pin pin = {0};
	size_t places = 0;

	if (strncmp(line, "location ", 9) == 0 ||
	    parse_who(line, &state->who) || parse_config(line, state) ||
	    parse_slot(line, state))
		return 0;
	if (strncmp(line, "place ", 6) == 0) {
		while (
		    places < VRV_STATE_PLACES && state->places[places] != NULL)
			places++;
		if (places == VRV_STATE_PLACES)
			return damaged(err);
		state->places[places] = vrv_dup(line + 6, strlen(line + 6));
		return state->places[places] != NULL ?
		    0 :
		    VRV_NOMEM(err, "the state");
	}
	if (!parse_pin(line, v1, &pin))
		return damaged(err);
	if (vrv_room_for_one(&state->pins, state->n_pins, cap,
		sizeof(*state->pins)) != 0)
		return VRV_NOMEM(err, "the state");
	state->pins[state->n_pins++] = pin;
	return 0;
}

int
vrv_state_parse(struct vrv_buf *buf, struct vrv_state *ret, bool *ret_v1,
    struct varve_err *err)
{
	struct vrv_state state = {.known = true};
	char *save = NULL;
	size_t cap = 0;

	vrv_buf_u8(buf, 0);
	int rc = vrv_buf_check(buf, err);
	if (rc != 0)
		return rc;
	char *text = (char *)buf->data;
	bool v1 = strncmp(text, HEAD_1 "\n", sizeof(HEAD_1)) == 0;
	char *end = strstr(text, "\nend");
	if (end == NULL || (!v1 && strncmp(text, HEAD "\n", sizeof(HEAD)) != 0))
		return damaged(err);
	end++;
	if (v1 ? strcmp(end, "end\n") != 0 : !sum_is_right(text, end))
		return damaged(err);
	*end = '\0';
	char *line = strtok_r(text, "\n", &save);
	while (rc == 0 && (line = strtok_r(NULL, "\n", &save)) != NULL)
		rc = parse_line(line, v1, &state, &cap, err);
	static const struct vrv_identity nobody;
	if (rc == 0 && memcmp(&state.who, &nobody, sizeof(nobody)) == 0)
		rc = damaged(err);
	if (rc != 0) {
		vrv_state_fini(&state);
		return rc;
	}
	sort_pins(&state);
	*ret = state;
	*ret_v1 = v1;
	return 0;
}
