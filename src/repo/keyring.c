/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/repo_internal.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

void
vrv_slot_object_fini(struct vrv_slot_object *object)
{
	free(object->bytes);
	free(object->path);
	*object = (struct vrv_slot_object){0};
}

int
vrv_slot_object_parse(uint8_t *take_bytes, size_t n,
    const struct vrv_name *name, struct vrv_slot_object *ret,
    struct varve_err *ret_damage, struct varve_err *err)
{
	vrv_auto_free uint8_t *bytes = take_bytes;
	struct vrv_slot_object object = {.name = *name, .n = n};
	struct varve_err damage = {0};

	/* A wrong sum is no reason not to try: commitment and seal decide. */
	int rc = vrv_object_check(bytes, n, name, &object.header, &damage);
	if (rc == VARVE_CORRUPT && n > VRV_HEADER_SIZE + VRV_TRAILER_SIZE)
		rc = vrv_header_get(bytes, n, &object.header, &damage) != 0 ||
			object.header.type != VRV_KEY_SLOT ||
			memcmp(object.header.id, name->id, VRV_OBJECT_ID) != 0 ?
		    VARVE_CORRUPT :
		    0;
	*ret_damage = damage;
	if (rc != 0) {
		*err = damage;
		return rc;
	}

	struct vrv_rd rd = vrv_rd_over(bytes + VRV_HEADER_SIZE,
	    n - VRV_HEADER_SIZE - VRV_TRAILER_SIZE);
	rc = vrv_slot_get(&rd, &object.slot, err);
	if (rc != 0)
		return rc;
	object.sealed = (size_t)(rd.p - bytes);
	object.commitment = object.sealed - sizeof(object.slot.commitment);
	object.bytes = vrv_steal(&bytes);
	*ret = object;
	return 0;
}

bool
vrv_slot_same(const struct vrv_slot *a, const struct vrv_slot *b)
{
	return a->kdf == b->kdf && a->passes == b->passes &&
	    a->memory == b->memory &&
	    memcmp(a->salt, b->salt, sizeof(a->salt)) == 0;
}

void
vrv_stretched_wipe(struct vrv_stretched *kept)
{
	vrv_wipe(kept, sizeof(*kept));
}

/* The 64 bytes whose halves are the slot's key and its commitment key. */
static int
stretch(const struct vrv_slot *slot, const void *pass, size_t pass_n,
    struct vrv_stretched *kept, struct varve_err *err)
{
	int rc = 0;

	if (kept->set && vrv_slot_same(&kept->slot, slot))
		return 0;
	kept->set = false;
	if (slot->kdf == VRV_KDF_ARGON2ID) {
		rc = vrv_argon2id(kept->out, pass, pass_n, slot->salt,
		    slot->passes, slot->memory, err);
	} else {
		const struct vrv_part parts[] = {{pass, pass_n},
		    {slot->salt, sizeof(slot->salt)}};
		vrv_blake2b_parts(kept->out, VRV_STRETCHED, NULL, parts, 2);
	}
	kept->slot = *slot;
	kept->set = rc == 0;
	return rc;
}

static void
commit_to(const uint8_t stretched[VRV_STRETCHED], const uint8_t *bytes,
    size_t n, uint8_t out[32])
{
	vrv_auto_key key;

	memcpy(key.b, stretched + VRV_KEY_SIZE, VRV_KEY_SIZE);
	vrv_blake2b(out, 32, &key, bytes, n);
}

/* Take the key of a `what` and suite that this version needs. False if it is
 * there twice or of another length. */
static bool
take_key(const struct vrv_ring_key *key, uint8_t to[VRV_KEY_SIZE], bool *has)
{
	if (*has || key->n != VRV_KEY_SIZE)
		return false;
	memcpy(to, key->value, VRV_KEY_SIZE);
	*has = true;
	return true;
}

static int
read_keyring(const struct vrv_buf *plain, struct vrv_key *ret_master,
    uint8_t ret_admin[VRV_SIGN_PUBLIC], struct varve_err *err)
{
	bool has_master = false, has_admin = false;
	struct vrv_rd rd;
	uint32_t n;

	int rc = vrv_keyring_open(plain->data, plain->len, &rd, &n, err);
	for (uint32_t i = 0; rc == 0 && i < n; i++) {
		struct vrv_ring_key k;
		bool fits = true;

		rc = vrv_keyring_get(&rd, &k, err);
		/* Other domains and epochs are a later version's. */
		if (rc != 0 || k.domain != 0 || k.epoch != 0)
			continue;
		if (k.what == VRV_KEYRING_MASTER &&
		    k.suite == VRV_SUITE_SYMMETRIC)
			fits = take_key(&k, ret_master->b, &has_master);
		else if (k.what == VRV_K_ADMIN_SIGN + VRV_KEYRING_HALF &&
		    k.suite == VRV_SUITE_25519)
			fits = take_key(&k, ret_admin, &has_admin);
		if (!fits)
			rc = vrv_fail(err, VARVE_CORRUPT,
			    "a keyring of which a key is there twice or of "
			    "another length");
	}
	if (rc == 0 && (!has_master || !has_admin))
		rc = vrv_fail(err, VARVE_NOTSUP,
		    "this key slot holds less than the admin's keys, which "
		    "this version of varve needs");
	return rc;
}

int
vrv_slot_object_open(const struct vrv_slot_object *object, const void *pass,
    size_t pass_n, struct vrv_stretched *kept, struct vrv_key *ret_master,
    uint8_t ret_admin[VRV_SIGN_PUBLIC], struct varve_err *err)
{
	uint8_t commitment[32];
	vrv_auto_key kek;
	vrv_auto_buf struct vrv_buf plain = VRV_SECRET_BUF;
	size_t end;

	int rc = stretch(&object->slot, pass, pass_n, kept, err);
	if (rc != 0)
		return rc;
	memcpy(kek.b, kept->out, VRV_KEY_SIZE);
	commit_to(kept->out, object->bytes, object->commitment, commitment);
	if (!vrv_same(commitment, object->slot.commitment, 32)) {
		vrv_fail(err, VARVE_AUTH, "wrong passphrase or key file");
		return vrv_exit(err, VARVE_EXIT_PASSPHRASE);
	}

	rc = vrv_block_open(object->bytes, object->n - VRV_TRAILER_SIZE,
	    VRV_HEADER_SIZE, object->sealed, 1, &kek, &plain, &end, err);
	if (rc == 0 && end != object->n - VRV_TRAILER_SIZE)
		rc = vrv_fail(err, VARVE_CORRUPT,
		    "something follows the keys of a slot");
	return rc == 0 ? read_keyring(&plain, ret_master, ret_admin, err) : rc;
}

/* The admin's keyring: the master and the key that configs are signed by. */
static void
write_keyring(struct vrv_buf *plain, const struct vrv_key *master)
{
	struct vrv_signer admin;
	vrv_auto_key seed;

	vrv_derive(&seed, master, VRV_K_ADMIN_SIGN, 0, 0);
	vrv_signer_from_seed(&admin, &seed);
	const struct vrv_ring_key ring[] = {
	    {.what = VRV_KEYRING_MASTER,
		.suite = VRV_SUITE_SYMMETRIC,
		.n = sizeof(master->b),
		.value = master->b},
	    {.what = VRV_K_ADMIN_SIGN + VRV_KEYRING_HALF,
		.suite = VRV_SUITE_25519,
		.n = sizeof(admin.public),
		.value = admin.public},
	};
	vrv_keyring_put(plain, ring, 2);
	vrv_wipe(&admin, sizeof(admin));
}

int
vrv_slot_object_make(const uint8_t repository[VRV_REPO_ID],
    const struct vrv_key *master, struct vrv_slot *slot, const void *pass,
    size_t pass_n, struct vrv_stretched *kept, struct vrv_name *ret_name,
    struct vrv_buf *object, struct varve_err *err)
{
	struct vrv_header header = {.type = VRV_KEY_SLOT};
	struct vrv_name name = {.type = VRV_KEY_SLOT};
	vrv_auto_key kek;
	vrv_auto_buf struct vrv_buf plain = VRV_SECRET_BUF;

	vrv_random(name.id, sizeof(name.id));
	memcpy(header.id, name.id, sizeof(name.id));
	memcpy(header.repository, repository, VRV_REPO_ID);
	int rc = stretch(slot, pass, pass_n, kept, err);
	if (rc != 0)
		return rc;
	memcpy(kek.b, kept->out, VRV_KEY_SIZE);

	/* The commitment stands last and covers all before it. */
	memset(slot->commitment, 0, sizeof(slot->commitment));
	vrv_buf_clear(object);
	vrv_header_put(object, &header);
	vrv_slot_put_clear(object, slot);
	if (!object->failed) {
		size_t at = object->len - sizeof(slot->commitment);

		commit_to(kept->out, object->data, at, object->data + at);
		memcpy(slot->commitment, object->data + at, 32);
	}

	write_keyring(&plain, master);
	rc = vrv_buf_check(&plain, err);
	if (rc == 0)
		rc = vrv_block_seal(object, VRV_HEADER_SIZE, 1, &kek,
		    plain.data, plain.len, err);
	if (rc != 0)
		return rc;
	vrv_trailer_put(object);
	rc = vrv_buf_check(object, err);
	if (rc == 0)
		*ret_name = name;
	return rc;
}

int
vrv_secrets_new(const struct vrv_key *master,
    const uint8_t repository[VRV_REPO_ID], struct vrv_secrets **ret,
    struct varve_err *err)
{
	vrv_auto_secret struct vrv_secrets *s = vrv_secret_new(sizeof(*s));
	struct vrv_pair pair;
	vrv_auto_key seed;

	if (s == NULL)
		return VRV_NOMEM(err, "the keys");
	s->master = *master;
	memcpy(s->pack.repository, repository, VRV_REPO_ID);
	vrv_derive(&s->pack.id_data, master, VRV_K_ID_DATA, 0, 0);
	vrv_derive(&s->pack.id_meta, master, VRV_K_ID_META, 0, 0);
	vrv_derive(&s->pack.index, master, VRV_K_INDEX, 0, 0);
	vrv_derive(&s->pack.psk, master, VRV_K_PSK, 0, 0);
	vrv_derive(&s->tag, master, VRV_K_TAG, 0, 0);
	vrv_derive(&s->chunker, master, VRV_K_CHUNKER, 0, 0);
	/* Where trees are cut is no reader's business: a key of its own, so
	 * that neither cut rule says anything about the other. */
	vrv_blake2b(s->tree.b, sizeof(s->tree.b), &s->chunker, "varve-tree",
	    10);

	/* The repository's id alone is a claim of the store: a cache that went
	 * by it would take records of another repository for verified ones. */
	const struct vrv_part whose[] = {{"varve-cache-v1", 14},
	    {repository, VRV_REPO_ID}};
	vrv_blake2b_parts(s->cache_id, VRV_CACHE_ID, master, whose, 2);

	vrv_derive(&seed, master, VRV_K_DATA_PAIR, 0, 0);
	vrv_pair_from_seed(&pair, &seed);
	s->pack.data_public = pair.public;
	s->pack.data_secret = pair.secret;
	vrv_derive(&seed, master, VRV_K_META_PAIR, 0, 0);
	vrv_pair_from_seed(&pair, &seed);
	s->pack.meta_public = pair.public;
	s->pack.meta_secret = pair.secret;
	s->pack.may_read = true;
	vrv_wipe(&pair, sizeof(pair));

	vrv_derive(&seed, master, VRV_K_ADMIN_SIGN, 0, 0);
	vrv_signer_from_seed(&s->admin, &seed);
	vrv_derive(&seed, master, VRV_K_WRITER_SIGN, 0, 0);
	vrv_signer_from_seed(&s->writer, &seed);
	*ret = vrv_steal(&s);
	return 0;
}
