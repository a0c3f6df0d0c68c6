/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/repo_internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/hex.h"
#include "util/mem.h"

/*
 * A key slot as text, for paper and safes:
 *
 *	VARVE KEY 1 <repository id>
 *	<hex of the slot object, 64 digits a line>
 *	END <first 16 hex digits of the object's BLAKE2b-256>
 */
#define HEAD "VARVE KEY 1 "
#define PER_LINE 32

static void
put(struct vrv_buf *to, const char *s)
{
	vrv_buf_bytes(to, s, strlen(s));
}

void
vrv_slot_text_put(struct vrv_buf *text, const uint8_t repository[VRV_REPO_ID],
    const uint8_t *object, size_t n)
{
	char hex[2 * VRV_REPO_ID + 1];
	uint8_t sum[32];

	vrv_hex(hex, repository, VRV_REPO_ID);
	put(text, HEAD);
	put(text, hex);
	for (size_t at = 0; at < n; at += PER_LINE) {
		vrv_hex(hex, object + at, vrv_min(PER_LINE, n - at));
		put(text, "\n");
		put(text, hex);
	}
	vrv_blake2b(sum, sizeof(sum), NULL, object, n);
	vrv_hex(hex, sum, 8);
	put(text, "\nEND ");
	put(text, hex);
	put(text, "\n");
}

int
vrv_repo_slot_export(struct vrv_repo *repo, char **ret, struct varve_err *err)
{
	__attribute__((cleanup(
	    vrv_slot_objects_fini))) struct vrv_slot_objects slots = {0};
	struct varve_open_options options = VARVE_OPEN_OPTIONS_INIT;
	struct vrv_slot_hints hints = {0};
	vrv_auto_buf struct vrv_buf text = {0};

	options.keys_dir = repo->keys_dir;
	options.key_file = repo->key_file;
	vrv_slot_hint(&hints, repo->slot);
	int rc = vrv_slots_load(repo->store, repo->id, &options, &hints, &slots,
	    err);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < slots.n; i++) {
		const struct vrv_slot_object *o = &slots.items[i];

		if (memcmp(o->name.id, repo->slot, VRV_OBJECT_ID) != 0)
			continue;
		vrv_slot_text_put(&text, repo->id, o->bytes, o->n);
		vrv_buf_u8(&text, 0);
		rc = vrv_buf_check(&text, err);
		if (rc == 0) {
			*ret = (char *)text.data;
			text = (struct vrv_buf){0};
		}
		return rc;
	}
	return vrv_fail(err, VARVE_NOENT, "the key slot in use is gone");
}

static int
bad_text(struct varve_err *err, const char *why)
{
	vrv_fail(err, VARVE_FORMAT, "not an exported key: %s", why);
	return vrv_exit(err, VARVE_EXIT_BAD_KEY);
}

int
vrv_slot_text_get(const char *text, struct vrv_buf *ret, struct varve_err *err)
{
	char repository[2 * VRV_REPO_ID + 1], sum[17], digits[3] = "";
	uint8_t hash[32], byte;
	const char *end = strstr(text, "END ");
	size_t have = 0;

	if (sscanf(text, " " HEAD "%64[0-9a-f]", repository) != 1 ||
	    end == NULL || sscanf(end, "END %16[0-9a-f]", sum) != 1)
		return bad_text(err, "its first or last line is missing");
	const char *p = strstr(text, repository) + strlen(repository);
	for (; p < end; p++) {
		if (isspace((unsigned char)*p))
			continue;
		digits[have++] = *p;
		if (have < 2)
			continue;
		have = 0;
		if (!vrv_unhex(&byte, digits, 1))
			return bad_text(err, "something is no hex digit");
		vrv_buf_u8(ret, byte);
	}
	int rc = vrv_buf_check(ret, err);
	if (rc != 0)
		return rc;
	vrv_blake2b(hash, sizeof(hash), NULL, ret->data, ret->len);
	vrv_hex(repository, hash, 8);
	if (have != 0 || strcmp(repository, sum) != 0)
		return bad_text(err, "its sum is wrong: a typing mistake?");
	return 0;
}

static bool
is_one_of(const struct vrv_config_ids *ids, const uint8_t id[VRV_REPO_ID])
{
	for (size_t i = 0; i < ids->n; i++) {
		if (memcmp(ids->ids[i], id, VRV_REPO_ID) == 0)
			return true;
	}
	return false;
}

static int
store_import(struct vrv_store *store, const struct vrv_name *name,
    const struct vrv_buf *object, struct varve_err *err)
{
	char stored[VRV_NAME_SIZE];

	vrv_name_print(name, stored);
	int rc = vrv_store_put(store, stored, object->data, object->len, err);
	if (rc == VARVE_EXISTS)
		rc = vrv_fail(err, VARVE_EXISTS,
		    "this key slot is in '%s' already",
		    vrv_store_location(store));
	return rc;
}

/* A text holds one of two twins: store the other again. */
static int
store_twin(struct vrv_store *store, const struct vrv_slot_object *one,
    const char *pass, size_t n, struct vrv_stretched *kept,
    const struct vrv_key *master, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf object = {0};
	struct vrv_slot slot = one->slot;
	struct vrv_name name;

	int rc = vrv_slot_object_make(one->header.repository, master, &slot,
	    pass, n, kept, &name, &object, err);
	return rc == 0 ? store_import(store, &name, &object, err) : rc;
}

int
vrv_repo_slot_import(struct vrv_store *take_store,
    const struct varve_open_options *options, const char *text, char ret_id[33],
    struct varve_err *err)
{
	struct vrv_store *store = take_store;
	struct vrv_config_names names = {0};
	__attribute__((
	    cleanup(vrv_slot_object_fini))) struct vrv_slot_object slot = {0};
	vrv_auto_secret char *pass = vrv_secret_new(VARVE_PASSPHRASE_MAX);
	vrv_auto_buf struct vrv_buf object = {0};
	uint8_t admin[VRV_SIGN_PUBLIC];
	struct vrv_config_ids ids = {0};
	vrv_auto_stretched kept = {0};
	struct varve_err damage;
	struct vrv_name name = {.type = VRV_KEY_SLOT};
	struct vrv_header header;
	vrv_auto_key master;
	size_t n;

	int rc = pass == NULL ? VRV_NOMEM(err, "a passphrase") :
				vrv_slot_text_get(text, &object, err);
	if (rc == 0 && options->allow_rollback)
		rc = vrv_fail(err, VARVE_USAGE,
		    "'%s' was opened to look at an older state: no key is "
		    "added to it",
		    vrv_store_location(store));
	if (rc == 0)
		rc = vrv_config_list(store, &names, err);
	if (rc == 0)
		rc = vrv_config_peek(store, &names, &ids, err);
	if (rc == 0)
		rc = vrv_header_get(object.data, object.len, &header, err);
	while (rc == 0 && !is_one_of(&ids, header.repository) &&
	    vrv_config_peek(store, &names, &ids, &damage) == 0)
		continue;
	if (rc == 0 && !is_one_of(&ids, header.repository)) {
		vrv_fail(err, VARVE_AUTH,
		    "this key belongs to another repository than '%s'",
		    vrv_store_location(store));
		rc = vrv_exit(err, VARVE_EXIT_KEY_MISMATCH);
	}
	if (rc == 0) {
		uint8_t *copy = vrv_dup(object.data, object.len);

		memcpy(name.id, header.id, sizeof(name.id));
		rc = copy == NULL ? VRV_NOMEM(err, "a key slot") :
				    vrv_slot_object_parse(copy, object.len,
					&name, &slot, &damage, err);
		if (rc == 0 && damage.code != 0) {
			*err = damage;
			rc = damage.code;
		}
	}
	if (rc == 0 && slot.slot.kdf == VRV_KDF_ARGON2ID) {
		rc = vrv_ask(options, false, store, pass, &n, err);
		if (rc == 0)
			rc = vrv_slot_object_open(&slot, pass, n, &kept,
			    &master, admin, err);
	}
	if (rc == 0)
		rc = store_import(store, &name, &object, err);
	if (rc == 0 && kept.set)
		rc = store_twin(store, &slot, pass, n, &kept, &master, err);
	if (rc == 0)
		vrv_hex(ret_id, name.id, VRV_OBJECT_ID);
	free(names.items);
	vrv_store_free(store);
	return rc;
}
