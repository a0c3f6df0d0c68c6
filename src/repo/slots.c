/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/repo_internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/file.h"
#include "os/private.h"
#include "util/hex.h"
#include "util/mem.h"

void
vrv_slot_objects_fini(struct vrv_slot_objects *slots)
{
	for (size_t i = 0; i < slots->n; i++)
		vrv_slot_object_fini(&slots->items[i]);
	free(slots->items);
	*slots = (struct vrv_slot_objects){0};
}

int
vrv_ask(const struct varve_open_options *options, bool fresh,
    const struct vrv_store *store, char *pass, size_t *ret_n,
    struct varve_err *err)
{
	if (options->passphrase == NULL) {
		vrv_fail(err, VARVE_AUTH, "a passphrase is needed for '%s'",
		    vrv_store_location(store));
		return vrv_exit(err, VARVE_EXIT_NO_PASSPHRASE);
	}
	return options->passphrase(options->passphrase_arg, fresh,
	    vrv_store_location(store), pass, VARVE_PASSPHRASE_MAX, ret_n, err);
}

/* --- loading --- */

struct load {
	struct vrv_store *store;
	const uint8_t *repository;
	const struct varve_open_options *options;
	struct vrv_slot_objects *slots;
	struct varve_err first; /* why a slot was passed over; code 0: none */
	struct vrv_name *names; /* of stored ones */
	size_t n_names, cap_names;
};

static int pass_over(struct load *, const struct varve_err *);

/* Slots of other repositories are passed over: a killed init leaves one. So is
 * one that is there already: a key file may be named and in the folder. */
static int
add_slot(struct load *load, uint8_t *take_bytes, size_t n,
    const struct vrv_name *name, const char *path, struct varve_err *err)
{
	struct vrv_slot_objects *slots = load->slots;
	struct varve_err damage;
	vrv_auto_free uint8_t *bytes = take_bytes;
	vrv_auto_free char *kept = NULL;
	struct vrv_slot_object *slot;

	if (path != NULL && (kept = vrv_dup(path, strlen(path))) == NULL)
		return VRV_NOMEM(err, "the list of key slots");
	if (vrv_room_for_one(&slots->items, slots->n, &slots->cap,
		sizeof(*slots->items)) != 0)
		return VRV_NOMEM(err, "the list of key slots");
	slot = &slots->items[slots->n];
	int rc = vrv_slot_object_parse(vrv_steal(&bytes), n, name, slot,
	    &damage, err);
	if (rc != 0)
		return rc;
	bool known = false;
	for (size_t i = 0; i < slots->n; i++)
		known |= memcmp(slots->items[i].name.id, slot->name.id,
			     VRV_OBJECT_ID) == 0;
	if (known ||
	    memcmp(slot->header.repository, load->repository, VRV_REPO_ID) !=
		0) {
		vrv_slot_object_fini(slot);
		return 0;
	}
	slot->path = vrv_steal(&kept);
	slots->n++;
	if (damage.code == 0)
		return 0;
	if (path == NULL) {
		char text[VRV_NAME_SIZE];

		vrv_name_print(name, text);
		vrv_ctx(&damage, "%s", text);
	}
	return pass_over(load, &damage);
}

/* A slot that cannot be used must not keep the others from being tried. */
static int
pass_over(struct load *load, const struct varve_err *err)
{
	struct varve_event event = {.type = VARVE_EVENT_PROBLEM,
	    .message = err->message};

	if (vrv_err_is_fatal(err))
		return err->code;
	if (load->options->event != NULL)
		load->options->event(load->options->event_arg, &event);
	if (load->first.code == 0)
		load->first = *err;
	return 0;
}

static int
add_name(void *arg, const struct vrv_store_item *item, struct varve_err *err)
{
	struct load *load = arg;
	struct vrv_name name;

	if (!vrv_name_parse(item->name, &name) || name.type != VRV_KEY_SLOT)
		return 0;
	if (vrv_room_for_one(&load->names, load->n_names, &load->cap_names,
		sizeof(*load->names)) != 0)
		return VRV_NOMEM(err, "the list of key slots");
	load->names[load->n_names++] = name;
	return 0;
}

static int
by_id(const void *a, const void *b)
{
	const struct vrv_name *x = a, *y = b;

	return memcmp(x->id, y->id, VRV_OBJECT_ID);
}

static int
load_stored(struct load *load, const struct vrv_name *name,
    struct varve_err *err)
{
	char text[VRV_NAME_SIZE];
	uint8_t *bytes;
	size_t n;

	vrv_name_print(name, text);
	int rc = vrv_store_get_all(load->store, text, VRV_MAX_KEY_SLOT, &bytes,
	    &n, err);
	if (rc == 0)
		rc = add_slot(load, bytes, n, name, NULL, err);
	if (rc != 0)
		vrv_ctx(err, "%s", text);
	return rc == 0 ? 0 : pass_over(load, err);
}

/* Those that hints name, in their order, then others by their ids: a store
 * must not make us read thousands. */
static int
load_repository(struct load *load, const struct vrv_slot_hints *hints,
    struct varve_err *err)
{
	size_t others = 0;

	int rc = vrv_store_list(load->store, vrv_type_prefix(VRV_KEY_SLOT),
	    false, add_name, load, err);
	if (rc == 0 && load->n_names > 0)
		qsort(load->names, load->n_names, sizeof(*load->names), by_id);
	for (size_t i = 0; rc == 0 && hints != NULL && i < hints->n; i++) {
		struct vrv_name want = {.type = VRV_KEY_SLOT};

		memcpy(want.id, hints->ids[i], VRV_OBJECT_ID);
		if (load->n_names > 0 &&
		    bsearch(&want, load->names, load->n_names,
			sizeof(*load->names), by_id) != NULL)
			rc = load_stored(load, &want, err);
	}
	for (size_t i = 0;
	     rc == 0 && i < load->n_names && others < 2 * VRV_SLOTS_MAX; i++) {
		size_t k = 0;

		while (hints != NULL && k < hints->n &&
		    memcmp(hints->ids[k], load->names[i].id, VRV_OBJECT_ID) !=
			0)
			k++;
		if (hints != NULL && k < hints->n)
			continue;
		others++;
		rc = load_stored(load, &load->names[i], err);
	}
	free(load->names);
	return rc;
}

/* A slot from the bytes of a key file. */
static int
take_file(struct load *load, struct vrv_buf *take_buf, const char *path,
    struct varve_err *err)
{
	uint8_t *bytes = take_buf->data;
	size_t n = take_buf->len;
	struct vrv_name name = {.type = VRV_KEY_SLOT};
	struct vrv_header header;

	int rc = vrv_header_get(bytes, n, &header, err);
	if (rc != 0)
		return rc;
	*take_buf = (struct vrv_buf){0};
	memcpy(name.id, header.id, sizeof(name.id));
	return add_slot(load, bytes, n, &name, path, err);
}

/* The file that the user named. */
static int
load_file(struct load *load, const char *path, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf buf = VRV_SECRET_BUF;

	int rc = vrv_key_file_load(path, &buf, err);
	if (rc == 0)
		rc = take_file(load, &buf, path, err);
	return rc == 0 ? 0 : vrv_ctx(err, "key file '%s'", path);
}

/* A file of the key directory: "<repository id>-<slot id>". */
static int
load_entry(struct load *load, int fd, const char *dir, const char *name,
    struct varve_err *err)
{
	vrv_auto_free char *path = vrv_strf("%s/%s", dir, name);
	vrv_auto_buf struct vrv_buf buf = VRV_SECRET_BUF;

	if (path == NULL)
		return VRV_NOMEM(err, "a path");
	int rc = vrv_private_load(fd, name, VRV_MAX_KEY_SLOT, &buf, err);
	if (rc == 0)
		rc = take_file(load, &buf, path, err);
	return rc == 0 ? 0 : vrv_ctx(err, "key directory '%s'", dir);
}

static int
load_entries(struct load *load, DIR *d, const char *dir, struct varve_err *err)
{
	char prefix[2 * VRV_REPO_ID + 2];
	struct dirent *e;
	int rc = 0;

	vrv_hex(prefix, load->repository, VRV_REPO_ID);
	strcat(prefix, "-");
	while (rc == 0 && (errno = 0, e = readdir(d)) != NULL) {
		if (strncmp(e->d_name, prefix, strlen(prefix)) != 0)
			continue;
		rc = load_entry(load, dirfd(d), dir, e->d_name, err);
		if (rc != 0)
			rc = pass_over(load, err);
	}
	if (rc == 0 && errno != 0) {
		vrv_fail_sys(err, errno, "key directory '%s': list", dir);
		rc = pass_over(load, err);
	}
	return rc;
}

static int
load_folder(struct load *load, const char *dir, struct varve_err *err)
{
	int fd;

	int rc = vrv_private_dir(dir, false, &fd, err);
	if (rc == VARVE_NOENT)
		return 0;
	if (rc != 0) {
		vrv_ctx(err, "key directory");
		return pass_over(load, err);
	}
	DIR *d = fdopendir(fd);
	if (d == NULL) {
		rc = vrv_fail_sys(err, errno, "key directory '%s'", dir);
		(void)close(fd);
		return rc;
	}
	rc = load_entries(load, d, dir, err);
	(void)closedir(d);
	return rc;
}

/* A file of raw key bytes opens slots of kdf 0; it is no slot itself. */
static bool
is_slot_file(const char *path)
{
	vrv_auto_buf struct vrv_buf buf = VRV_SECRET_BUF;
	struct vrv_header header;
	struct varve_err err;

	return vrv_key_file_load(path, &buf, &err) == 0 &&
	    vrv_header_get(buf.data, buf.len, &header, &err) == 0;
}

int
vrv_slots_load(struct vrv_store *store, const uint8_t repository[VRV_REPO_ID],
    const struct varve_open_options *options,
    const struct vrv_slot_hints *hints, struct vrv_slot_objects *ret,
    struct varve_err *err)
{
	struct load load = {.store = store,
	    .repository = repository,
	    .options = options,
	    .slots = ret};

	int rc = load_repository(&load, hints, err);
	if (rc == 0 && options->key_file != NULL &&
	    is_slot_file(options->key_file))
		rc = load_file(&load, options->key_file, err);
	else if (rc == 0 && options->keys_dir != NULL)
		rc = load_folder(&load, options->keys_dir, err);
	/* Where there is no other, that it cannot be used is the answer. */
	if (rc == 0 && ret->n == 0 && load.first.code != 0) {
		*err = load.first;
		rc = err->code;
	}
	return rc;
}

void
vrv_slot_hint(struct vrv_slot_hints *hints, const uint8_t id[VRV_OBJECT_ID])
{
	for (size_t i = 0; i < hints->n; i++) {
		if (memcmp(hints->ids[i], id, VRV_OBJECT_ID) == 0)
			return;
	}
	if (hints->n < VRV_SLOT_HINTS)
		memcpy(hints->ids[hints->n++], id, VRV_OBJECT_ID);
}

size_t
vrv_slot_first(const struct vrv_slot_objects *slots, size_t i)
{
	size_t first = 0;

	while (!vrv_slot_same(&slots->items[first].slot, &slots->items[i].slot))
		first++;
	return first;
}

size_t
vrv_slots_count(const struct vrv_slot_objects *slots)
{
	size_t n = 0;

	for (size_t i = 0; i < slots->n; i++)
		n += vrv_slot_first(slots, i) == i;
	return n;
}

/* --- the slots of an open repository --- */

/* `stored`, if any, are looked for first: they are new. */
static int
load_own(struct vrv_repo *repo, const struct vrv_slot_stored *stored,
    struct vrv_slot_objects *ret, struct varve_err *err)
{
	struct varve_open_options options = VARVE_OPEN_OPTIONS_INIT;
	struct vrv_slot_hints hints = {0};

	for (size_t i = 0; stored != NULL && i < stored->n; i++)
		vrv_slot_hint(&hints, stored->names[i].id);
	vrv_slot_hint(&hints, repo->slot);
	for (uint32_t i = 0; i < repo->config.n_slots; i++)
		vrv_slot_hint(&hints, repo->config.slots[i]);
	options.keys_dir = repo->keys_dir;
	options.key_file = repo->key_file;
	options.event = repo->event;
	options.event_arg = repo->event_arg;
	int rc =
	    vrv_slots_load(repo->store, repo->id, &options, &hints, ret, err);
	if (rc != 0 || repo->key_file == NULL)
		return rc;
	/* The key file in use hides the others in its folder. */
	options.key_file = NULL;
	return vrv_slots_load(repo->store, repo->id, &options, &hints, ret,
	    err);
}

/* Is item `i`, or a twin of it, what opened the repository? */
static bool
is_in_use(const struct vrv_repo *repo, const struct vrv_slot_objects *slots,
    size_t i)
{
	for (size_t k = 0; k < slots->n; k++) {
		if (memcmp(slots->items[k].name.id, repo->slot,
			VRV_OBJECT_ID) == 0)
			return vrv_slot_same(&slots->items[k].slot,
			    &slots->items[i].slot);
	}
	return false;
}

/* What a slot is called by: of its twins the lower id. */
static const uint8_t *
lowest_id(const struct vrv_slot_objects *slots, size_t at)
{
	const uint8_t *lowest = slots->items[at].name.id;

	for (size_t i = 0; i < slots->n; i++) {
		if (vrv_slot_same(&slots->items[i].slot,
			&slots->items[at].slot) &&
		    memcmp(slots->items[i].name.id, lowest, VRV_OBJECT_ID) < 0)
			lowest = slots->items[i].name.id;
	}
	return lowest;
}

/* The list and its texts are one block. */
int
vrv_repo_slots(struct vrv_repo *repo, struct varve_slot_list **ret,
    struct varve_err *err)
{
	__attribute__((cleanup(
	    vrv_slot_objects_fini))) struct vrv_slot_objects slots = {0};

	int rc = load_own(repo, NULL, &slots, err);
	if (rc != 0)
		return rc;
	struct varve_slot_list *list = calloc(1,
	    sizeof(*list) +
		slots.n * (sizeof(*list->items) + VRV_SLOT_LABEL_MAX + 1));
	if (list == NULL)
		return VRV_NOMEM(err, "the list of key slots");
	list->n = 0;
	list->items = (struct varve_slot *)(list + 1);
	char *text = (char *)(list->items + slots.n);
	for (size_t i = 0; i < slots.n; i++) {
		const struct vrv_slot_object *from = &slots.items[i];
		size_t first = vrv_slot_first(&slots, i);

		if (first != i)
			continue;
		struct varve_slot *to = &list->items[list->n++];

		vrv_hex(to->id, lowest_id(&slots, i), VRV_OBJECT_ID);
		memcpy(text, from->slot.label.p, from->slot.label.n);
		to->label = text;
		text += from->slot.label.n + 1;
		to->is_file = from->slot.kdf == VRV_KDF_FILE;
		to->in_use = is_in_use(repo, &slots, i);
		to->passes = from->slot.passes;
		to->memory = from->slot.memory;
	}
	*ret = list;
	return 0;
}

/* The bytes of a key file, made if it is not there. */
static int
key_file_bytes(const char *path, struct vrv_buf *ret, struct varve_err *err)
{
	uint8_t fresh[64];

	int rc = vrv_key_file_load(path, ret, err);
	if (rc == VARVE_NOENT) {
		vrv_random(fresh, sizeof(fresh));
		rc = vrv_key_file_make(path, fresh, sizeof(fresh), err);
		if (rc == 0)
			vrv_buf_bytes(ret, fresh, sizeof(fresh));
		else if (rc == VARVE_EXISTS)
			rc = vrv_key_file_load(path, ret, err);
		vrv_wipe(fresh, sizeof(fresh));
	}
	return rc == 0 ? vrv_buf_check(ret, err) :
			 vrv_ctx(err, "key file '%s'", path);
}

/* The object of a slot that was just stored, read back, must open. */
static int
prove(struct vrv_repo *repo, const struct vrv_slot_stored *stored,
    const void *secret, size_t n, struct varve_err *err)
{
	__attribute__((cleanup(
	    vrv_slot_objects_fini))) struct vrv_slot_objects slots = {0};
	uint8_t admin[VRV_SIGN_PUBLIC];
	vrv_auto_stretched kept = {0};
	vrv_auto_key master;
	size_t proven = 0;

	int rc = load_own(repo, stored, &slots, err);
	for (size_t i = 0; rc == 0 && i < slots.n; i++) {
		bool is_new = false;

		for (size_t k = 0; k < stored->n; k++)
			is_new |= memcmp(slots.items[i].name.id,
				      stored->names[k].id, VRV_OBJECT_ID) == 0;
		if (!is_new)
			continue;
		rc = vrv_slot_object_open(&slots.items[i], secret, n, &kept,
		    &master, admin, err);
		proven++;
	}
	return rc != 0 || proven == stored->n ?
	    rc :
	    vrv_fail(err, VARVE_IO, "the new key slot cannot be read back");
}

/* No more slots than are tried are made: one beyond would lock somebody out. */
static int
check_room(struct vrv_repo *repo, struct varve_err *err)
{
	__attribute__((cleanup(
	    vrv_slot_objects_fini))) struct vrv_slot_objects slots = {0};

	int rc = load_own(repo, NULL, &slots, err);
	if (rc == 0 && vrv_slots_count(&slots) >= VRV_SLOTS_MAX)
		rc = vrv_fail(err, VARVE_LIMIT,
		    "'%s' has %d key slots, and more are not tried: remove one "
		    "first",
		    vrv_store_location(repo->store), VRV_SLOTS_MAX);
	return rc;
}

/* Make, store, read back and open a slot for a secret just asked for. */
static int
make_slot(struct vrv_repo *repo, const char *label, const char *key_file,
    const struct varve_open_options *options, struct vrv_slot_stored *ret,
    struct varve_err *err)
{
	struct vrv_slot slot = {.kdf = key_file == NULL ? VRV_KDF_ARGON2ID :
							  VRV_KDF_FILE,
	    .passes = key_file == NULL ? 3 : 0,
	    .memory = key_file == NULL ? VRV_ARGON_MEMORY_MIN : 0,
	    .label = {(const uint8_t *)label, strlen(label)}};
	vrv_auto_secret char *pass = vrv_secret_new(VARVE_PASSPHRASE_MAX);
	vrv_auto_buf struct vrv_buf file = VRV_SECRET_BUF;
	const void *secret = pass;
	size_t n;

	if (pass == NULL)
		return VRV_NOMEM(err, "a passphrase");
	if (slot.label.n > VRV_SLOT_LABEL_MAX)
		return vrv_fail(err, VARVE_USAGE, "the label is too long");
	int rc = vrv_repo_writable(repo, err);
	if (rc == 0)
		rc = check_room(repo, err);
	if (rc != 0)
		return rc;
	rc = key_file != NULL ?
	    key_file_bytes(key_file, &file, err) :
	    vrv_ask(options, true, repo->store, pass, &n, err);
	if (rc != 0)
		return rc;
	if (key_file != NULL) {
		secret = file.data;
		n = file.len;
	}
	/* A slot for a raw key is of no use beside that key: it goes into the
	 * repository in either mode. */
	rc = vrv_slot_store(repo->store, repo->id, &repo->secrets->master,
	    &slot, secret, n, key_file != NULL ? VARVE_REPOKEY : repo->mode,
	    repo->keys_dir, ret, err);
	return rc != 0 ? rc : prove(repo, ret, secret, n, err);
}

/* Let the config name the slots of the repository, so that every client tries
 * them first. The slots work without it. */
static void
name_slots(struct vrv_repo *repo)
{
	__attribute__((cleanup(
	    vrv_slot_objects_fini))) struct vrv_slot_objects slots = {0};
	uint8_t ids[2 * VRV_SLOTS_MAX][VRV_OBJECT_ID];
	struct varve_err why;
	uint32_t n = 0;
	int rc = VARVE_EXISTS;

	/* Another client may change the config at the same time. */
	for (int tries = 0; rc == VARVE_EXISTS && tries < 3; tries++) {
		n = 0;
		vrv_slot_objects_fini(&slots);
		rc = load_own(repo, NULL, &slots, &why);
		for (size_t i = 0; i < slots.n && n < 2 * VRV_SLOTS_MAX; i++) {
			if (slots.items[i].path == NULL)
				memcpy(ids[n++], slots.items[i].name.id,
				    VRV_OBJECT_ID);
		}
		struct vrv_config config = repo->config;
		config.slots = ids;
		config.n_slots = n;
		if (rc == 0)
			rc = vrv_repo_config_replace(repo, &config, &why);
	}
	if (rc != 0)
		vrv_repo_note(repo, VARVE_EVENT_NOTE, NULL,
		    "the configuration does not name the key slots as they are "
		    "now, so that clients may try others first: %s",
		    why.message);
}

int
vrv_repo_slot_add(struct vrv_repo *repo, const char *label,
    const char *key_file, const struct varve_open_options *options,
    char ret_id[33], struct varve_err *err)
{
	__attribute__((
	    cleanup(vrv_slot_stored_fini))) struct vrv_slot_stored stored = {0};

	int rc = make_slot(repo, label == NULL ? "" : label, key_file, options,
	    &stored, err);
	if (rc != 0)
		return rc;
	name_slots(repo);
	vrv_hex(ret_id, stored.names[0].id, VRV_OBJECT_ID);
	return 0;
}

static int
delete_object(struct vrv_repo *repo, const struct vrv_slot_object *object,
    struct varve_err *err)
{
	char text[VRV_NAME_SIZE];

	if (object->path != NULL)
		return unlink(object->path) == 0 ?
		    0 :
		    vrv_fail_sys(err, errno, "removal of key file '%s'",
			object->path);
	vrv_name_print(&object->name, text);
	return vrv_store_delete(repo->store, text, err);
}

/* Remove a slot: item `at` and its twins. The one that it is called by goes
 * last, so that a removal that was interrupted can be repeated. */
static int
delete_slot(struct vrv_repo *repo, const struct vrv_slot_objects *slots,
    size_t at, struct varve_err *err)
{
	const uint8_t *called = lowest_id(slots, at);
	size_t last = at;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < slots->n; i++) {
		const struct vrv_slot_object *o = &slots->items[i];

		if (!vrv_slot_same(&o->slot, &slots->items[at].slot))
			continue;
		if (memcmp(o->name.id, called, VRV_OBJECT_ID) == 0)
			last = i;
		else
			rc = delete_object(repo, o, err);
	}
	return rc == 0 ? delete_object(repo, &slots->items[last], err) : rc;
}

static bool
is_called(const struct vrv_slot_object *o, const char *slot)
{
	char id[33];

	vrv_hex(id, o->name.id, VRV_OBJECT_ID);
	return strcmp(id, slot) == 0 ||
	    (o->slot.label.n > 0 && strlen(slot) == o->slot.label.n &&
		memcmp(slot, o->slot.label.p, strlen(slot)) == 0);
}

/* The slot that is called so: the first of its twins. */
static int
find_slot(const struct vrv_slot_objects *slots, const char *slot, size_t *ret,
    struct varve_err *err)
{
	size_t matches = 0, found = 0;

	for (size_t i = 0; i < slots->n; i++) {
		size_t first = vrv_slot_first(slots, i);

		if (!is_called(&slots->items[i], slot) ||
		    (matches > 0 && first == found))
			continue;
		found = first;
		matches++;
	}
	if (matches == 0) {
		vrv_fail(err, VARVE_NOENT,
		    "no key slot '%s': see 'varve key list'", slot);
		return vrv_exit(err, VARVE_EXIT_NO_KEY);
	}
	if (matches > 1)
		return vrv_fail(err, VARVE_USAGE,
		    "%zu key slots are labeled '%s': name one by its id",
		    matches, slot);
	*ret = found;
	return 0;
}

int
vrv_repo_slot_remove(struct vrv_repo *repo, const char *slot,
    struct varve_err *err)
{
	__attribute__((cleanup(
	    vrv_slot_objects_fini))) struct vrv_slot_objects slots = {0};
	bool in_use_there = false;
	size_t found = 0;

	int rc = vrv_repo_writable(repo, err);
	if (rc == 0)
		rc = load_own(repo, NULL, &slots, err);
	if (rc == 0)
		rc = find_slot(&slots, slot, &found, err);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < slots.n; i++)
		in_use_there |= is_in_use(repo, &slots, i);
	if (vrv_slots_count(&slots) == 1)
		return vrv_fail(err, VARVE_USAGE,
		    "'%s' is the last key slot: without it nothing could be "
		    "restored",
		    slot);
	/* Of the others nobody knows here whether they open anything. */
	if (is_in_use(repo, &slots, found))
		return vrv_fail(err, VARVE_USAGE,
		    "'%s' is the key slot that opened '%s', and the only one "
		    "known to work: open the repository with another "
		    "passphrase or key file to remove it",
		    slot, vrv_store_location(repo->store));
	if (!in_use_there)
		return vrv_fail(err, VARVE_NOENT,
		    "the key slot in use is gone, and no other is known to "
		    "work: nothing was removed");
	rc = delete_slot(repo, &slots, found, err);
	if (rc == 0)
		name_slots(repo);
	return rc;
}

/* A key file that somebody named stays where it is: it becomes the new slot,
 * which was stored at `path`. */
static int
replace_file(const char *old, const char *path, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf bytes = VRV_SECRET_BUF;

	int rc = vrv_key_file_load(path, &bytes, err);
	if (rc == 0)
		rc = vrv_key_file_replace(old, bytes.data, bytes.len, err);
	if (rc == 0 && unlink(path) != 0)
		rc = vrv_fail_sys(err, errno, "removal");
	return rc == 0 ? 0 : vrv_ctx(err, "key file '%s'", old);
}

static bool
lies_in(const char *path, const char *dir)
{
	size_t n = dir == NULL ? 0 : strlen(dir);

	return n > 0 && path != NULL && strncmp(path, dir, n) == 0 &&
	    path[n] == '/' && strchr(path + n + 1, '/') == NULL;
}

int
vrv_repo_slot_change(struct vrv_repo *repo,
    const struct varve_open_options *options, struct varve_err *err)
{
	__attribute__((cleanup(
	    vrv_slot_objects_fini))) struct vrv_slot_objects slots = {0};
	__attribute__((
	    cleanup(vrv_slot_stored_fini))) struct vrv_slot_stored stored = {0};
	const struct vrv_slot_object *old = NULL;
	char label[VRV_SLOT_LABEL_MAX + 1] = "";

	int rc = load_own(repo, NULL, &slots, err);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < slots.n; i++) {
		if (memcmp(slots.items[i].name.id, repo->slot, 16) == 0)
			old = &slots.items[i];
	}
	if (old == NULL)
		return vrv_fail(err, VARVE_NOENT,
		    "the key slot in use is gone");
	if (old->slot.kdf == VRV_KDF_FILE)
		return vrv_fail(err, VARVE_USAGE,
		    "the key slot in use is a key file's and has no "
		    "passphrase");
	memcpy(label, old->slot.label.p, old->slot.label.n);

	/* At no instant is there no usable slot: the new one is stored, read
	 * back and opened before the old one goes. */
	rc = make_slot(repo, label, NULL, options, &stored, err);
	if (rc == 0 && stored.path != NULL && old->path != NULL &&
	    !lies_in(old->path, repo->keys_dir))
		rc = replace_file(old->path, stored.path, err);
	else if (rc == 0)
		rc =
		    delete_slot(repo, &slots, (size_t)(old - slots.items), err);
	if (rc != 0)
		return rc;
	memcpy(repo->slot, stored.names[0].id, VRV_OBJECT_ID);
	if (stored.path != NULL && lies_in(repo->key_file, repo->keys_dir)) {
		free(repo->key_file);
		repo->key_file = vrv_steal(&stored.path);
	}
	name_slots(repo);
	return 0;
}
