/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/repo_internal.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

/* One go at the slots with one secret. */
struct unlocking {
	const struct vrv_slot_objects *slots;
	const struct vrv_slot_pin *pin;
	uint64_t memory_max; /* of a derivation, pinned ones apart */
	const void *secret;
	size_t n;
	struct vrv_stretched kept;
	struct vrv_key *master;
	uint8_t *admin;
	size_t tried, costly;
	bool stranger; /* a slot opened that holds another admin key */
};

static int
set_slot(struct vrv_repo *repo, const struct vrv_slot_object *slot,
    struct varve_err *err)
{
	memcpy(repo->slot, slot->name.id, VRV_OBJECT_ID);
	repo->slot_cost = slot->slot;
	repo->mode = slot->path != NULL ? VARVE_KEYFILE : VARVE_REPOKEY;
	free(vrv_steal(&repo->key_file));
	if (slot->path != NULL)
		repo->key_file = vrv_dup(slot->path, strlen(slot->path));
	return slot->path != NULL && repo->key_file == NULL ?
	    VRV_NOMEM(err, "a path") :
	    0;
}

static bool
is_pinned(const struct vrv_slot_pin *pin, const struct vrv_slot_object *slot)
{
	return pin->has_slot &&
	    memcmp(pin->slot, slot->name.id, VRV_OBJECT_ID) == 0 &&
	    pin->kdf == slot->slot.kdf && pin->passes == slot->slot.passes &&
	    pin->memory == slot->slot.memory;
}

/* Is a twin of item `i` pinned? */
static bool
is_twin_pinned(const struct unlocking *u, size_t i)
{
	for (size_t k = 0; k < u->slots->n; k++) {
		if (vrv_slot_same(&u->slots->items[k].slot,
			&u->slots->items[i].slot) &&
		    is_pinned(u->pin, &u->slots->items[k]))
			return true;
	}
	return false;
}

/* Try the slots of a kind in their order. An error of one passes on to the
 * next, and so does a keyring of another repository's admin, which is kept as
 * the answer if no other opens. AUTH if none does. */
static int
try_slots(struct vrv_repo *repo, struct unlocking *u, bool by_file,
    struct varve_err *err)
{
	uint8_t admin[VRV_SIGN_PUBLIC];
	struct varve_err why;
	vrv_auto_key master;
	bool found = false;

	for (size_t i = 0; i < u->slots->n; i++) {
		const struct vrv_slot_object *slot = &u->slots->items[i];

		if ((slot->slot.kdf == VRV_KDF_FILE) != by_file)
			continue;
		if (slot->slot.memory > u->memory_max &&
		    !is_twin_pinned(u, i)) {
			u->costly += vrv_slot_first(u->slots, i) == i;
			continue;
		}
		bool fresh = vrv_slot_first(u->slots, i) == i;
		if (fresh && u->tried == VRV_SLOTS_MAX)
			break;
		u->tried += fresh;
		int rc = vrv_slot_object_open(slot, u->secret, u->n, &u->kept,
		    &master, admin, &why);
		if (rc != 0 && vrv_err_is_fatal(&why)) {
			*err = why;
			return rc;
		}
		if (rc != 0 ||
		    (found && u->stranger &&
			memcmp(admin, u->pin->admin, sizeof(admin)) != 0))
			continue;
		found = true;
		u->stranger = u->pin->known &&
		    memcmp(admin, u->pin->admin, sizeof(admin)) != 0;
		*u->master = master;
		memcpy(u->admin, admin, sizeof(admin));
		rc = set_slot(repo, slot, err);
		if (rc != 0 || !u->stranger)
			return rc;
	}
	return found ? 0 : vrv_fail(err, VARVE_AUTH, "no key slot opens");
}

static const char *
slots_word(size_t n)
{
	return n == 1 ? "key slot" : "key slots";
}

static int
by_key_file(struct vrv_repo *repo, const struct varve_open_options *options,
    struct unlocking *u, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf bytes = VRV_SECRET_BUF;

	int rc = vrv_key_file_load(options->key_file, &bytes, err);
	if (rc != 0) {
		vrv_ctx(err, "key file '%s'", options->key_file);
		return vrv_exit(err, VARVE_EXIT_NO_KEY_FILE);
	}
	u->secret = bytes.data;
	u->n = bytes.len;
	rc = try_slots(repo, u, true, err);
	u->secret = NULL;
	vrv_stretched_wipe(&u->kept);
	if (rc != VARVE_AUTH)
		return rc;
	vrv_fail(err, VARVE_AUTH, "no key slot for key file '%s' (tried %zu)",
	    options->key_file, u->tried);
	return vrv_exit(err, VARVE_EXIT_KEY_MISMATCH);
}

static int
by_passphrase(struct vrv_repo *repo, const struct varve_open_options *options,
    struct unlocking *u, struct varve_err *err)
{
	vrv_auto_secret char *pass = vrv_secret_new(VARVE_PASSPHRASE_MAX);

	if (pass == NULL)
		return VRV_NOMEM(err, "a passphrase");
	int rc = vrv_ask(options, false, repo->store, pass, &u->n, err);
	if (rc != 0)
		return rc;
	u->secret = pass;
	u->tried = 0;
	rc = try_slots(repo, u, false, err);
	u->secret = NULL;
	vrv_stretched_wipe(&u->kept);
	if (rc != VARVE_AUTH)
		return rc;
	if (u->costly > 0)
		vrv_fail(err, VARVE_AUTH,
		    "wrong passphrase for '%s' (tried %zu %s; %zu more would "
		    "take over 1 GiB of memory: set VARVE_KDF_MEMORY_MAX to "
		    "try them)",
		    vrv_store_location(repo->store), u->tried,
		    slots_word(u->tried), u->costly);
	else
		vrv_fail(err, VARVE_AUTH,
		    "wrong passphrase for '%s' (tried %zu %s)",
		    vrv_store_location(repo->store), u->tried,
		    slots_word(u->tried));
	return vrv_exit(err, VARVE_EXIT_PASSPHRASE);
}

static int
no_slot(const struct vrv_repo *repo, const struct varve_open_options *options,
    struct varve_err *err)
{
	vrv_fail(err, VARVE_NOENT, "no key for '%s': neither in it nor in '%s'",
	    vrv_store_location(repo->store),
	    options->keys_dir != NULL ? options->keys_dir : "a key folder");
	return vrv_exit(err, VARVE_EXIT_NO_KEY);
}

int
vrv_repo_unlock(struct vrv_repo *repo, const struct varve_open_options *options,
    const struct vrv_slot_hints *hints, uint8_t ret_admin[VRV_SIGN_PUBLIC],
    struct varve_err *err)
{
	__attribute__((cleanup(
	    vrv_slot_objects_fini))) struct vrv_slot_objects slots = {0};
	bool has_file = false, has_passphrase = false;
	struct vrv_slot_hints order = {0};
	struct vrv_slot_pin pin;
	vrv_auto_key master;

	vrv_repo_state_pin(repo, options, &pin);
	if (pin.has_slot)
		vrv_slot_hint(&order, pin.slot);
	for (size_t i = 0; i < hints->n; i++)
		vrv_slot_hint(&order, hints->ids[i]);
	int rc =
	    vrv_slots_load(repo->store, repo->id, options, &order, &slots, err);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < slots.n; i++) {
		if (slots.items[i].slot.kdf == VRV_KDF_FILE)
			has_file = true;
		else
			has_passphrase = true;
	}
	if (slots.n == 0)
		return no_slot(repo, options, err);

	struct unlocking u = {.slots = &slots,
	    .pin = &pin,
	    .memory_max = options->kdf_memory_max > VRV_KDF_MEMORY_FREE ?
		options->kdf_memory_max :
		VRV_KDF_MEMORY_FREE,
	    .master = &master,
	    .admin = ret_admin};
	rc = VARVE_AUTH;
	if (has_file && options->key_file != NULL)
		rc = by_key_file(repo, options, &u, err);
	else if (!has_passphrase) {
		vrv_fail(err, VARVE_AUTH,
		    "'%s' is opened by a key file: name it in VARVE_KEY_FILE",
		    vrv_store_location(repo->store));
		vrv_exit(err, VARVE_EXIT_NO_KEY_FILE);
	}
	if (rc != 0 && rc != VARVE_NOMEM && has_passphrase)
		rc = by_passphrase(repo, options, &u, err);
	if (rc == 0)
		rc = vrv_secrets_new(&master, repo->id, &repo->secrets, err);
	return rc;
}
