/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/repo_internal.h"

#include <stdlib.h>
#include <string.h>

#include "format/roll.h"
#include "util/mem.h"

/* Each record sealed in an object is its block number 1: one object has one. */
#define BLOCK 1

void
vrv_object_fini(struct vrv_object *object)
{
	free(object->bytes);
	*object = (struct vrv_object){0};
}

static size_t
largest(enum vrv_type type)
{
	return type == VRV_INDEX ? VRV_MAX_INDEX :
	    type == VRV_CONFIG	 ? VRV_MAX_CONFIG :
	    type == VRV_ROLL	 ? VRV_MAX_ROLL :
				   VRV_MAX_RECORD;
}

/* Who may sign what; revisions above 0 are looked at by who decodes them. */
static uint8_t
right_for(enum vrv_type type)
{
	switch (type) {
	case VRV_INDEX:
	case VRV_INTENT:
	case VRV_ARCHIVE:
		return VRV_RIGHT_WRITE;
	default:
		return VRV_RIGHT_ADMIN;
	}
}

void
vrv_object_hash(const struct vrv_object *object, uint8_t ret[32])
{
	vrv_blake2b(ret, VRV_HASH_SIZE, NULL, object->bytes, object->n);
}

bool
vrv_repo_is_retired(const struct vrv_repo *repo,
    const uint8_t key[VRV_SIGN_PUBLIC])
{
	const struct vrv_config *config = &repo->config;

	for (uint32_t i = 0; i < config->n_members; i++) {
		const struct vrv_member *m = &config->members[i];

		if (memcmp(m->key, key, VRV_SIGN_PUBLIC) == 0)
			return (m->rights & VRV_RIGHT_RETIRED) != 0;
	}
	return repo->without_config;
}

static int
check_signer(const struct vrv_repo *repo, struct vrv_object *object,
    struct varve_err *err)
{
	const struct vrv_config *config = &repo->config;

	for (uint32_t i = 0; i < config->n_members; i++) {
		const struct vrv_member *m = &config->members[i];

		if (memcmp(m->key, object->signer, sizeof(m->key)) != 0)
			continue;
		object->retired = (m->rights & VRV_RIGHT_RETIRED) != 0;
		object->by_admin =
		    (m->rights & VRV_RIGHT_ADMIN) != 0 && !object->retired;
		if (object->retired)
			return right_for(object->name.type) == VRV_RIGHT_WRITE ?
			    0 :
			    vrv_fail(err, VARVE_AUTH,
				"signed by a retired key");
		if ((m->rights & right_for(object->name.type)) != 0 ||
		    object->by_admin)
			return 0;
		return vrv_fail(err, VARVE_AUTH,
		    "signed by a key without the right for it");
	}
	/* A config would say whose key it is. */
	object->retired = repo->without_config;
	if (object->retired && right_for(object->name.type) == VRV_RIGHT_WRITE)
		return 0;
	return vrv_fail(err, VARVE_AUTH, "signed by an unknown key");
}

int
vrv_repo_fetch(struct vrv_repo *repo, const char *name, struct vrv_object *ret,
    struct varve_err *err)
{
	vrv_auto_object struct vrv_object object = {0};
	struct vrv_header header;

	if (!vrv_name_parse(name, &object.name) ||
	    object.name.type == VRV_PACK || object.name.type == VRV_KEY_SLOT)
		return vrv_fail(err, VARVE_INTERNAL, "fetch of '%s'", name);
	int rc = vrv_store_get_all(repo->store, name, largest(object.name.type),
	    &object.bytes, &object.n, err);
	if (rc != 0)
		return rc;

	rc = vrv_object_check(object.bytes, object.n, &object.name, &header,
	    err);
	if (rc == 0 && memcmp(header.repository, repo->id, VRV_REPO_ID) != 0)
		rc = vrv_fail(err, VARVE_AUTH, "belongs to another repository");
	if (rc == 0)
		rc = vrv_verify(object.bytes, object.n - VRV_TRAILER_SIZE,
		    object.signer, &object.end, err);
	if (rc == 0 && object.end < VRV_HEADER_SIZE)
		rc = vrv_fail(err, VARVE_CORRUPT, "signature in its header");
	if (rc == 0)
		rc = check_signer(repo, &object, err);
	if (rc != 0)
		return vrv_ctx(err, "%s", name);

	object.body = VRV_HEADER_SIZE;
	*ret = object;
	object = (struct vrv_object){0};
	return 0;
}

static struct vrv_kem
kem_of(const struct vrv_repo *repo, enum vrv_kem_kind kind)
{
	return (struct vrv_kem){
	    .repository = repo->id,
	    .psk = &repo->secrets->pack.psk,
	    .recipient = &repo->secrets->pack.meta_public,
	    .kind = kind,
	};
}

int
vrv_object_open_meta(struct vrv_repo *repo, const struct vrv_object *object,
    size_t at, enum vrv_kem_kind kind, struct vrv_buf *ret,
    struct varve_err *err)
{
	const struct vrv_kem kem = kem_of(repo, kind);
	vrv_auto_key key;
	size_t end;

	if (at > object->end || object->end - at < VRV_KEY_SIZE)
		return vrv_fail(err, VARVE_CORRUPT, "its sealed part is cut");
	int rc = vrv_kem_receive(&key, &kem, &repo->secrets->pack.meta_secret,
	    object->bytes + at, err);
	if (rc == 0)
		rc = vrv_block_open(object->bytes, object->end, VRV_HEADER_SIZE,
		    at + VRV_KEY_SIZE, BLOCK, &key, ret, &end, err);
	if (rc == 0 && end != object->end)
		rc = vrv_fail(err, VARVE_CORRUPT,
		    "something follows its sealed part");
	return rc;
}

int
vrv_object_open_index(struct vrv_repo *repo, const struct vrv_object *object,
    struct vrv_buf *ret, struct varve_err *err)
{
	struct vrv_rd rd = vrv_rd_over(object->bytes + object->body,
	    object->end - object->body);
	struct vrv_index_clear clear;
	size_t end;

	int rc = vrv_index_clear_get(&rd, &clear, err);
	if (rc == 0)
		rc = vrv_block_open(object->bytes, object->end, VRV_HEADER_SIZE,
		    (size_t)(rd.p - object->bytes), BLOCK,
		    &repo->secrets->pack.index, ret, &end, err);
	if (rc == 0 && end != object->end)
		rc = vrv_fail(err, VARVE_CORRUPT,
		    "something follows its sealed part");
	if (rc == 0)
		rc = vrv_index_clear_check(&clear, ret->data, ret->len, err);
	return rc;
}

int
vrv_draft_begin(struct vrv_repo *repo, struct vrv_name *name, bool keep_id,
    struct vrv_buf *object, struct varve_err *err)
{
	struct vrv_header header = {.type = name->type};

	if (!keep_id)
		vrv_random(name->id, sizeof(name->id));
	memcpy(header.id, name->id, sizeof(name->id));
	memcpy(header.repository, repo->id, VRV_REPO_ID);
	vrv_buf_clear(object);
	vrv_header_put(object, &header);
	return vrv_buf_check(object, err);
}

int
vrv_draft_seal_meta(struct vrv_repo *repo, struct vrv_buf *object,
    enum vrv_kem_kind kind, const struct vrv_buf *plain, struct varve_err *err)
{
	const struct vrv_kem kem = kem_of(repo, kind);
	struct vrv_pair ephemeral;
	vrv_auto_key seed, key;

	vrv_random(seed.b, sizeof(seed.b));
	vrv_pair_from_seed(&ephemeral, &seed);
	int rc = vrv_kem_send(&key, &kem, &ephemeral, err);
	vrv_buf_bytes(object, ephemeral.public.b, VRV_KEY_SIZE);
	vrv_wipe(&ephemeral, sizeof(ephemeral));
	if (rc == 0)
		rc = vrv_buf_check(plain, err);
	if (rc == 0)
		rc = vrv_block_seal(object, VRV_HEADER_SIZE, BLOCK, &key,
		    plain->data, plain->len, err);
	return rc;
}

int
vrv_draft_seal_index(struct vrv_repo *repo, struct vrv_buf *object,
    const struct vrv_buf *plain, struct varve_err *err)
{
	int rc = vrv_buf_check(plain, err);

	if (rc == 0)
		rc = vrv_block_seal(object, VRV_HEADER_SIZE, BLOCK,
		    &repo->secrets->pack.index, plain->data, plain->len, err);
	return rc;
}

int
vrv_repo_writable(const struct vrv_repo *repo, struct varve_err *err)
{
	if (repo->salvage)
		return vrv_fail(err, VARVE_USAGE,
		    "'%s' was opened to salvage it: nothing is written to it",
		    vrv_store_location(repo->store));
	if (repo->old_allowed)
		return vrv_fail(err, VARVE_USAGE,
		    "'%s' was opened to look at an older state: nothing is "
		    "written to it",
		    vrv_store_location(repo->store));
	if ((repo->config.write_features & ~VRV_WRITE_FEATURES_KNOWN) == 0)
		return 0;
	vrv_fail(err, VARVE_FORMAT,
	    "'%s' may be read, but writing to it needs a newer varve",
	    vrv_store_location(repo->store));
	return vrv_exit(err, VARVE_EXIT_FEATURE);
}

int
vrv_draft_store(struct vrv_repo *repo, const struct vrv_name *name,
    struct vrv_buf *object, bool as_admin, struct varve_err *err)
{
	const struct vrv_signer *signer =
	    as_admin ? &repo->secrets->admin : &repo->secrets->writer;
	char text[VRV_NAME_SIZE];

	int rc = vrv_repo_writable(repo, err);
	if (rc == 0)
		rc = vrv_sign(object, signer, err);
	if (rc != 0)
		return rc;
	vrv_trailer_put(object);
	rc = vrv_buf_check(object, err);
	if (rc != 0)
		return rc;
	vrv_name_print(name, text);
	if (object->len > largest(name->type))
		return vrv_fail(err, VARVE_LIMIT,
		    "%s would take %zu bytes, more than its kind may", text,
		    object->len);
	return vrv_store_put(repo->store, text, object->data, object->len, err);
}
