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

/* Slots of other repositories are passed over: a killed init leaves one. So is
 * one that is there already: a key file may be named and in the folder. */
static int
add_slot(struct vrv_slot_objects *slots, uint8_t *take_bytes, size_t n,
    const struct vrv_name *name, const uint8_t repository[VRV_REPO_ID],
    const char *path, struct varve_err *err)
{
	vrv_auto_free uint8_t *bytes = take_bytes;
	vrv_auto_free char *kept = NULL;
	struct vrv_slot_object *slot;

	if (path != NULL && (kept = vrv_dup(path, strlen(path))) == NULL)
		return VRV_NOMEM(err, "the list of key slots");
	if (vrv_room_for_one(&slots->items, slots->n, &slots->cap,
		sizeof(*slots->items)) != 0)
		return VRV_NOMEM(err, "the list of key slots");
	slot = &slots->items[slots->n];
	int rc = vrv_slot_object_parse(vrv_steal(&bytes), n, name, slot, err);
	if (rc != 0)
		return rc;
	bool known = false;
	for (size_t i = 0; i < slots->n; i++)
		known |= memcmp(slots->items[i].name.id, slot->name.id,
			     VRV_OBJECT_ID) == 0;
	if (known ||
	    memcmp(slot->header.repository, repository, VRV_REPO_ID) != 0) {
		vrv_slot_object_fini(slot);
		return 0;
	}
	slot->path = vrv_steal(&kept);
	slots->n++;
	return 0;
}

struct load {
	struct vrv_store *store;
	const uint8_t *repository;
	const struct varve_open_options *options;
	struct vrv_slot_objects *slots;
	struct varve_err first; /* why a slot was passed over; code 0: none */
};

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
load_stored(void *arg, const struct vrv_store_item *item, struct varve_err *err)
{
	struct load *load = arg;
	struct vrv_name name;
	uint8_t *bytes;
	size_t n;

	if (!vrv_name_parse(item->name, &name) || name.type != VRV_KEY_SLOT)
		return 0;
	int rc = vrv_store_get_all(load->store, item->name, VRV_MAX_KEY_SLOT,
	    &bytes, &n, err);
	if (rc == 0) {
		rc = add_slot(load->slots, bytes, n, &name, load->repository,
		    NULL, err);
		if (rc != 0)
			vrv_ctx(err, "%s", item->name);
	}
	return rc == 0 ? 0 : pass_over(load, err);
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
	return add_slot(load->slots, bytes, n, &name, load->repository, path,
	    err);
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
    const struct varve_open_options *options, struct vrv_slot_objects *ret,
    struct varve_err *err)
{
	struct load load = {.store = store,
	    .repository = repository,
	    .options = options,
	    .slots = ret};

	int rc = vrv_store_list(store, vrv_type_prefix(VRV_KEY_SLOT), false,
	    load_stored, &load, err);
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

int
vrv_slot_store(struct vrv_store *store, enum varve_key_mode mode,
    const char *keys_dir, const struct vrv_name *name,
    const struct vrv_buf *object, char **ret_path, struct varve_err *err)
{
	char text[VRV_NAME_SIZE], repository[2 * VRV_REPO_ID + 1];
	struct vrv_header header;
	struct vrv_newfile file;

	vrv_name_print(name, text);
	if (mode == VARVE_REPOKEY)
		return vrv_store_put(store, text, object->data, object->len,
		    err);
	if (keys_dir == NULL)
		return vrv_fail(err, VARVE_USAGE, "no folder for key files");

	vrv_auto_fd dir = -1;
	int rc = vrv_header_get(object->data, object->len, &header, err);
	if (rc == 0 && vrv_private_dir(keys_dir, true, &dir, err) != 0)
		rc = vrv_ctx(err, "key directory");
	if (rc != 0)
		return rc;
	vrv_newfile_sweep(dir);
	vrv_hex(repository, header.repository, VRV_REPO_ID);
	vrv_auto_free char *path =
	    vrv_strf("%s/%s-%s", keys_dir, repository, strchr(text, '/') + 1);
	if (path == NULL)
		return VRV_NOMEM(err, "a path");
	rc = vrv_newfile_open(dir, 0600, &file, err);
	if (rc != 0)
		return rc;
	rc = vrv_os_write(file.fd, object->data, object->len, err);
	if (rc != 0) {
		vrv_newfile_abort(&file);
		return vrv_ctx(err, "key file '%s'", path);
	}
	rc = vrv_newfile_link(&file, dir, strrchr(path, '/') + 1, err);
	if (rc != 0)
		return vrv_ctx(err, "key file '%s'", path);
	*ret_path = vrv_steal(&path);
	return 0;
}

/* --- the slots of an open repository --- */

static int
load_own(struct vrv_repo *repo, struct vrv_slot_objects *ret,
    struct varve_err *err)
{
	struct varve_open_options options = VARVE_OPEN_OPTIONS_INIT;

	options.keys_dir = repo->keys_dir;
	options.key_file = repo->key_file;
	options.event = repo->event;
	options.event_arg = repo->event_arg;
	int rc = vrv_slots_load(repo->store, repo->id, &options, ret, err);
	if (rc != 0 || repo->key_file == NULL)
		return rc;
	/* The key file in use hides the others in its folder. */
	options.key_file = NULL;
	return vrv_slots_load(repo->store, repo->id, &options, ret, err);
}

/* The list and its texts are one block. */
int
vrv_repo_slots(struct vrv_repo *repo, struct varve_slot_list **ret,
    struct varve_err *err)
{
	__attribute__((cleanup(
	    vrv_slot_objects_fini))) struct vrv_slot_objects slots = {0};

	int rc = load_own(repo, &slots, err);
	if (rc != 0)
		return rc;
	struct varve_slot_list *list = calloc(1,
	    sizeof(*list) +
		slots.n * (sizeof(*list->items) + VRV_SLOT_LABEL_MAX + 1));
	if (list == NULL)
		return VRV_NOMEM(err, "the list of key slots");
	list->n = slots.n;
	list->items = (struct varve_slot *)(list + 1);
	char *text = (char *)(list->items + slots.n);
	for (size_t i = 0; i < slots.n; i++) {
		const struct vrv_slot_object *from = &slots.items[i];
		struct varve_slot *to = &list->items[i];

		vrv_hex(to->id, from->name.id, VRV_OBJECT_ID);
		memcpy(text, from->slot.label.p, from->slot.label.n);
		to->label = text;
		text += from->slot.label.n + 1;
		to->is_file = from->slot.kdf == VRV_KDF_FILE;
		to->in_use =
		    memcmp(from->name.id, repo->slot, VRV_OBJECT_ID) == 0;
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

/* Make, store, read back and open a slot for a secret just asked for. */
static int
make_slot(struct vrv_repo *repo, const char *label, const char *key_file,
    const struct varve_open_options *options, struct vrv_name *ret_name,
    char **ret_path, struct varve_err *err)
{
	struct vrv_slot slot = {.kdf = key_file == NULL ? VRV_KDF_ARGON2ID :
							  VRV_KDF_FILE,
	    .passes = key_file == NULL ? 3 : 0,
	    .memory = key_file == NULL ? VRV_ARGON_MEMORY_MIN : 0,
	    .label = {(const uint8_t *)label, strlen(label)}};
	vrv_auto_secret char *pass = vrv_secret_new(VARVE_PASSPHRASE_MAX);
	vrv_auto_buf struct vrv_buf file = VRV_SECRET_BUF, object = {0};
	__attribute__((cleanup(
	    vrv_slot_objects_fini))) struct vrv_slot_objects slots = {0};
	uint8_t admin[VRV_SIGN_PUBLIC];
	const void *secret = pass;
	struct vrv_name name;
	vrv_auto_key master;
	size_t n;

	if (pass == NULL)
		return VRV_NOMEM(err, "a passphrase");
	if (slot.label.n > VRV_SLOT_LABEL_MAX)
		return vrv_fail(err, VARVE_USAGE, "the label is too long");
	int rc = vrv_repo_writable(repo, err);
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
	rc = vrv_slot_object_make(repo->id, &repo->secrets->master, &slot,
	    secret, n, &name, &object, err);
	/* A slot for a raw key is of no use beside that key: it goes into the
	 * repository in either mode. */
	if (rc == 0)
		rc = vrv_slot_store(repo->store,
		    key_file != NULL ? VARVE_REPOKEY : repo->mode,
		    repo->keys_dir, &name, &object, ret_path, err);
	if (rc == 0)
		rc = load_own(repo, &slots, err);
	for (size_t i = 0; rc == 0 && i < slots.n; i++) {
		if (memcmp(slots.items[i].name.id, name.id, 16) != 0)
			continue;
		rc = vrv_slot_object_open(&slots.items[i], secret, n, &master,
		    admin, err);
		if (rc == 0)
			*ret_name = name;
		return rc;
	}
	return rc != 0 ?
	    rc :
	    vrv_fail(err, VARVE_IO, "the new key slot cannot be read back");
}

int
vrv_repo_slot_add(struct vrv_repo *repo, const char *label,
    const char *key_file, const struct varve_open_options *options,
    char ret_id[33], struct varve_err *err)
{
	vrv_auto_free char *path = NULL;
	struct vrv_name name;

	int rc = make_slot(repo, label == NULL ? "" : label, key_file, options,
	    &name, &path, err);
	if (rc == 0)
		vrv_hex(ret_id, name.id, VRV_OBJECT_ID);
	return rc;
}

static int
delete_slot(struct vrv_repo *repo, const struct vrv_slot_object *object,
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

static bool
is_in_use(const struct vrv_repo *repo, const struct vrv_slot_object *object)
{
	return memcmp(object->name.id, repo->slot, VRV_OBJECT_ID) == 0;
}

int
vrv_repo_slot_remove(struct vrv_repo *repo, const char *slot,
    struct varve_err *err)
{
	__attribute__((cleanup(
	    vrv_slot_objects_fini))) struct vrv_slot_objects slots = {0};
	const struct vrv_slot_object *found = NULL;
	bool in_use_there = false;
	size_t matches = 0;
	char id[33];

	int rc = vrv_repo_writable(repo, err);
	if (rc == 0)
		rc = load_own(repo, &slots, err);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < slots.n; i++) {
		const struct vrv_slot_object *o = &slots.items[i];

		in_use_there |= is_in_use(repo, o);
		vrv_hex(id, o->name.id, VRV_OBJECT_ID);
		if (strcmp(id, slot) != 0 &&
		    (o->slot.label.n == 0 || strlen(slot) != o->slot.label.n ||
			memcmp(slot, o->slot.label.p, strlen(slot)) != 0))
			continue;
		found = o;
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
	if (slots.n == 1)
		return vrv_fail(err, VARVE_USAGE,
		    "'%s' is the last key slot: without it nothing could be "
		    "restored",
		    slot);
	/* Of the others nobody knows here whether they open anything. */
	if (is_in_use(repo, found))
		return vrv_fail(err, VARVE_USAGE,
		    "'%s' is the key slot that opened '%s', and the only one "
		    "known to work: open the repository with another "
		    "passphrase or key file to remove it",
		    slot, vrv_store_location(repo->store));
	if (!in_use_there)
		return vrv_fail(err, VARVE_NOENT,
		    "the key slot in use is gone, and no other is known to "
		    "work: nothing was removed");
	return delete_slot(repo, found, err);
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
	const struct vrv_slot_object *old = NULL;
	char label[VRV_SLOT_LABEL_MAX + 1] = "";
	vrv_auto_free char *path = NULL;
	struct vrv_name name;

	int rc = load_own(repo, &slots, err);
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
	rc = make_slot(repo, label, NULL, options, &name, &path, err);
	if (rc == 0 && path != NULL && old->path != NULL &&
	    !lies_in(old->path, repo->keys_dir))
		rc = replace_file(old->path, path, err);
	else if (rc == 0)
		rc = delete_slot(repo, old, err);
	if (rc != 0)
		return rc;
	memcpy(repo->slot, name.id, VRV_OBJECT_ID);
	if (path != NULL && lies_in(repo->key_file, repo->keys_dir)) {
		free(repo->key_file);
		repo->key_file = vrv_steal(&path);
	}
	return 0;
}
