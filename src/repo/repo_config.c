/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/repo_internal.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

/* One object of a generation. */
static int
store_copy(struct vrv_store *store, const struct vrv_signer *admin,
    const uint8_t repository[VRV_REPO_ID], uint32_t generation,
    const struct vrv_buf *body, struct varve_err *err)
{
	struct vrv_header header = {.type = VRV_CONFIG};
	struct vrv_name name = {.type = VRV_CONFIG, .generation = generation};
	vrv_auto_buf struct vrv_buf object = {0};
	char text[VRV_NAME_SIZE];

	vrv_random(name.id, sizeof(name.id));
	memcpy(header.id, name.id, sizeof(name.id));
	memcpy(header.repository, repository, VRV_REPO_ID);
	vrv_header_put(&object, &header);
	vrv_buf_bytes(&object, body->data, body->len);
	int rc = vrv_sign(&object, admin, err);
	if (rc != 0)
		return rc;
	vrv_trailer_put(&object);
	rc = vrv_buf_check(&object, err);
	if (rc != 0)
		return rc;
	if (object.len > VRV_MAX_CONFIG)
		return vrv_fail(err, VARVE_LIMIT,
		    "a configuration of %zu bytes is more than one may have",
		    object.len);
	vrv_name_print(&name, text);
	return vrv_store_put(store, text, object.data, object.len, err);
}

int
vrv_config_store(struct vrv_store *store, const struct vrv_signer *admin,
    const uint8_t repository[VRV_REPO_ID], const struct vrv_config *config,
    unsigned copies, uint8_t ret_hash[VRV_CONFIG_HASH], struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf body = {0};

	vrv_config_put(&body, config);
	int rc = vrv_buf_check(&body, err);
	for (unsigned i = 0; rc == 0 && i < copies; i++)
		rc = store_copy(store, admin, repository, config->generation,
		    &body, err);
	if (rc == 0)
		vrv_blake2b(ret_hash, VRV_CONFIG_HASH, NULL, body.data,
		    body.len);
	return rc;
}

static int
add_config_name(void *arg, const struct vrv_store_item *item,
    struct varve_err *err)
{
	struct vrv_config_names *names = arg;
	struct vrv_name name;

	if (!vrv_name_parse(item->name, &name) || name.type != VRV_CONFIG)
		return 0;
	if (vrv_room_for_one(&names->items, names->n, &names->cap,
		sizeof(*names->items)) != 0)
		return VRV_NOMEM(err, "the list of configs");
	names->items[names->n++] = name;
	return 0;
}

static int
newest_first(const void *a, const void *b)
{
	const struct vrv_name *x = a, *y = b;

	if (x->generation != y->generation)
		return x->generation > y->generation ? -1 : 1;
	return memcmp(x->id, y->id, sizeof(x->id));
}

int
vrv_config_list(struct vrv_store *store, struct vrv_config_names *ret,
    struct varve_err *err)
{
	int rc = vrv_store_list(store, vrv_type_prefix(VRV_CONFIG), false,
	    add_config_name, ret, err);
	if (rc != 0)
		return rc;
	if (ret->n == 0) {
		vrv_fail(err, VARVE_NOENT, "no repository at '%s'",
		    vrv_store_location(store));
		return vrv_exit(err, VARVE_EXIT_NO_REPO);
	}
	qsort(ret->items, ret->n, sizeof(*ret->items), newest_first);
	return 0;
}

/* Slots that a config names, whoever made it. */
static void
add_hints(const uint8_t *bytes, size_t n, struct vrv_slot_hints *hints)
{
	struct vrv_arena arena = {0};
	uint8_t signer[VRV_SIGN_PUBLIC];
	struct vrv_config config;
	struct varve_err unused;
	size_t end;

	if (vrv_verify(bytes, n - VRV_TRAILER_SIZE, signer, &end, &unused) !=
		0 ||
	    end < VRV_HEADER_SIZE)
		return;
	struct vrv_rd rd =
	    vrv_rd_over(bytes + VRV_HEADER_SIZE, end - VRV_HEADER_SIZE);
	if (vrv_config_get(&rd, &arena, &config, &unused) == 0) {
		for (uint32_t i = 0; i < config.n_slots; i++)
			vrv_slot_hint(hints, config.slots[i]);
	}
	vrv_arena_fini(&arena);
}

void
vrv_config_add_id(struct vrv_config_ids *ids, const uint8_t id[VRV_REPO_ID])
{
	for (size_t i = 0; i < ids->n; i++) {
		if (memcmp(ids->ids[i], id, VRV_REPO_ID) == 0)
			return;
	}
	if (ids->n < VRV_CONFIG_IDS)
		memcpy(ids->ids[ids->n++], id, VRV_REPO_ID);
}

static int
peek_at(struct vrv_store *store, const struct vrv_name *name,
    struct vrv_config_ids *ids, struct varve_err *err)
{
	vrv_auto_free uint8_t *bytes = NULL;
	struct vrv_header header;
	char text[VRV_NAME_SIZE];
	size_t n;

	/* All of it: damage should be told as what it is, not as a key that
	 * does not fit. */
	vrv_name_print(name, text);
	int rc =
	    vrv_store_get_all(store, text, VRV_MAX_CONFIG, &bytes, &n, err);
	if (rc == 0)
		rc = vrv_object_check(bytes, n, name, &header, err);
	if (rc != 0)
		return vrv_ctx(err, "%s", text);
	add_hints(bytes, n, &ids->slots);
	vrv_config_add_id(ids, header.repository);
	return 0;
}

int
vrv_config_peek(struct vrv_store *store, const struct vrv_config_names *names,
    struct vrv_config_ids *ids, struct varve_err *err)
{
	struct varve_err first = {0}, why;
	const struct vrv_name *sound = NULL;

	if (ids->next == names->n)
		return vrv_fail(err, VARVE_NOENT, "no further config");
	for (; ids->next < names->n; ids->next++) {
		const struct vrv_name *name = &names->items[ids->next];

		if (sound != NULL && sound->generation != name->generation)
			break;
		int rc = peek_at(store, name, ids, &why);
		if (rc != 0 && vrv_err_is_fatal(&why)) {
			*err = why;
			return rc;
		}
		if (rc == 0)
			sound = name;
		else if (first.code == 0)
			first = why;
	}
	if (sound != NULL)
		return 0;
	*err = first;
	return first.code;
}

/* The body of a config object that `admin` signed. */
static int
check_config(const uint8_t *bytes, size_t n, const struct vrv_name *name,
    const uint8_t repository[VRV_REPO_ID], const uint8_t *admin,
    struct vrv_rd *ret_body, struct varve_err *err)
{
	uint8_t signer[VRV_SIGN_PUBLIC];
	struct vrv_header header;
	size_t end;

	int rc = vrv_object_check(bytes, n, name, &header, err);
	if (rc != 0)
		return rc;
	if (memcmp(header.repository, repository, VRV_REPO_ID) != 0)
		return vrv_fail(err, VARVE_AUTH,
		    "belongs to another repository");
	rc = vrv_verify(bytes, n - VRV_TRAILER_SIZE, signer, &end, err);
	if (rc != 0)
		return rc;
	if (admin != NULL && memcmp(signer, admin, sizeof(signer)) != 0)
		return vrv_fail(err, VARVE_AUTH,
		    "not signed by this repository's admin key");
	if (end < VRV_HEADER_SIZE)
		return vrv_fail(err, VARVE_CORRUPT, "signature in its header");
	*ret_body = vrv_rd_over(bytes + VRV_HEADER_SIZE, end - VRV_HEADER_SIZE);
	return 0;
}

/* One object of config/: its body, in the arena, and what that says. */
static int
read_config(struct vrv_store *store, const struct vrv_name *name,
    const uint8_t repository[VRV_REPO_ID], const uint8_t *admin,
    struct vrv_arena *arena, struct vrv_config *ret,
    uint8_t ret_hash[VRV_CONFIG_HASH], bool *ret_signed, struct varve_err *err)
{
	vrv_auto_free uint8_t *bytes = NULL;
	struct vrv_rd body;
	char text[VRV_NAME_SIZE];
	size_t n;

	*ret_signed = false;
	vrv_name_print(name, text);
	int rc =
	    vrv_store_get_all(store, text, VRV_MAX_CONFIG, &bytes, &n, err);
	if (rc == 0)
		rc =
		    check_config(bytes, n, name, repository, admin, &body, err);
	if (rc == VARVE_AUTH)
		vrv_exit(err, VARVE_EXIT_INTEGRITY);
	if (rc != 0)
		return vrv_ctx(err, "%s", text);

	*ret_signed = true;
	n = vrv_rd_left(&body);
	vrv_blake2b(ret_hash, VRV_CONFIG_HASH, NULL, body.p, n);
	/* The config's texts must outlive the object they came in. */
	uint8_t *kept = vrv_arena_dup(arena, body.p, n);
	if (kept == NULL)
		return VRV_NOMEM(err, "the config");
	struct vrv_rd rd = vrv_rd_over(kept, n);
	rc = vrv_config_get(&rd, arena, ret, err);
	if (rc == 0 && ret->generation != name->generation)
		rc = vrv_fail(err, VARVE_CORRUPT,
		    "its generation is not that of its name");
	return rc != 0 ? vrv_ctx(err, "%s", text) : 0;
}

/* Take note of a body of the generation that counts. */
static void
take_body(struct vrv_config_read *r, const struct vrv_config *config,
    const uint8_t hash[VRV_CONFIG_HASH])
{
	int order =
	    r->copies == 0 ? -1 : memcmp(hash, r->hash, VRV_CONFIG_HASH);

	if (order == 0)
		r->copies++;
	if (order >= 0)
		return;
	r->config = *config;
	memcpy(r->hash, hash, VRV_CONFIG_HASH);
	r->copies = 1;
}

/* An error that says nothing about the object: nobody knows what it holds. */
static bool
is_unread(const struct varve_err *err)
{
	return err->code == VARVE_IO || err->code == VARVE_NET;
}

int
vrv_config_load(struct vrv_store *store, const struct vrv_config_names *names,
    const uint8_t repository[VRV_REPO_ID], const uint8_t *admin,
    struct vrv_arena *arena, struct vrv_config_read *ret, struct varve_err *err)
{
	struct vrv_config_read r = {0};
	struct varve_err why, unread = {0};

	for (size_t i = 0; i < names->n; i++) {
		const struct vrv_name *name = &names->items[i];
		uint8_t hash[VRV_CONFIG_HASH];
		struct vrv_config config;
		bool is_signed;

		if (i > 0 &&
		    name->generation != names->items[i - 1].generation &&
		    (r.copies > 0 || unread.code != 0))
			break;
		int rc = read_config(store, name, repository, admin, arena,
		    &config, hash, &is_signed, &why);
		if (rc == 0) {
			take_body(&r, &config, hash);
			continue;
		}
		/* What the admin signed is no garbage: a later version made
		 * it, and an older configuration must not take its place. */
		if (vrv_err_is_fatal(&why) ||
		    (rc == VARVE_FORMAT && is_signed)) {
			*err = why;
			return rc;
		}
		if (is_unread(&why) && unread.code == 0)
			unread = why;
		if (r.ignored++ == 0)
			r.why = why;
	}
	if (r.copies == 0) {
		*err = unread.code != 0 ? unread : r.why;
		return err->code;
	}
	*ret = r;
	return 0;
}

/* --- changing it --- */

/* Read again what counts: another client may have stored the same generation.
 */
static int
read_again(struct vrv_repo *repo, struct vrv_config_read *ret,
    struct varve_err *err)
{
	struct vrv_config_names names = {0};

	int rc = vrv_config_list(repo->store, &names, err);
	if (rc == 0)
		rc = vrv_config_load(repo->store, &names, repo->id,
		    repo->secrets->admin.public, &repo->arena, ret, err);
	free(names.items);
	return rc;
}

static int
overtaken(const struct vrv_repo *repo, struct varve_err *err)
{
	return vrv_fail(err, VARVE_EXISTS,
	    "another client changed the configuration of '%s' at the same "
	    "time, and its change counts: run the command again",
	    vrv_store_location(repo->store));
}

/* Let what counts in the store now count for the handle. */
static int
catch_up(struct vrv_repo *repo, struct vrv_config_read *now,
    struct varve_err *err)
{
	int rc = read_again(repo, now, err);

	if (rc != 0)
		return rc;
	now->ignored = 0; /* told when the repository was opened */
	vrv_repo_config_set(repo, now);
	return vrv_repo_state_seen(repo, err);
}

int
vrv_repo_config_replace(struct vrv_repo *repo, const struct vrv_config *changed,
    struct varve_err *err)
{
	struct vrv_config config = *changed;
	struct vrv_config_read now;
	uint8_t hash[VRV_CONFIG_HASH];

	int rc = vrv_repo_writable(repo, err);
	if (rc != 0)
		return rc;
	config.generation = repo->config.generation + 1;
	memcpy(config.previous, repo->config_hash, VRV_CONFIG_HASH);
	/* A handle may be old: by a lower hash it would undo what another
	 * client has long been told to count. */
	rc = catch_up(repo, &now, err);
	if (rc == 0 && memcmp(now.hash, config.previous, sizeof(hash)) != 0)
		return overtaken(repo, err);
	if (rc == 0 && repo->config.generation == UINT32_MAX)
		rc = vrv_fail(err, VARVE_LIMIT,
		    "the configuration cannot be changed any more often");
	if (rc == 0)
		rc = vrv_config_store(repo->store, &repo->secrets->admin,
		    repo->id, &config, VRV_CONFIG_COPIES, hash, err);
	if (rc == 0)
		rc = catch_up(repo, &now, err);
	if (rc == 0 && memcmp(now.hash, hash, VRV_CONFIG_HASH) != 0)
		rc = overtaken(repo, err);
	return rc;
}

/* The very bytes that were read, as their hash decides which body counts. */
static int
store_lacking(struct vrv_repo *repo, unsigned lacking, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf body = {0};

	vrv_buf_bytes(&body, repo->config.body.p, repo->config.body.n);
	int rc = vrv_buf_check(&body, err);
	for (; rc == 0 && lacking > 0; lacking--)
		rc = store_copy(repo->store, &repo->secrets->admin, repo->id,
		    repo->config.generation, &body, err);
	return rc;
}

void
vrv_repo_config_mend(struct vrv_repo *repo)
{
	struct varve_err why;

	if (repo->config_copies >= VRV_CONFIG_COPIES)
		return;
	unsigned lacking = VRV_CONFIG_COPIES - repo->config_copies;
	repo->config_copies = VRV_CONFIG_COPIES; /* try once */
	if (store_lacking(repo, lacking, &why) != 0)
		vrv_repo_note(repo, VARVE_EVENT_WARNING, NULL,
		    "only one copy of the configuration is whole, and a second "
		    "cannot be stored: %s",
		    why.message);
	else
		vrv_repo_note(repo, VARVE_EVENT_NOTE, NULL,
		    "stored the configuration again: one of its two copies was "
		    "missing or damaged");
}

bool
vrv_repo_config_whole(const struct vrv_repo *repo)
{
	return repo->config_copies >= VRV_CONFIG_COPIES;
}

void
vrv_repo_config_set(struct vrv_repo *repo, const struct vrv_config_read *read)
{
	repo->config = read->config;
	repo->config_copies = read->copies;
	memcpy(repo->config_hash, read->hash, VRV_CONFIG_HASH);
	if (read->ignored == 0)
		return;
	vrv_repo_note(repo, VARVE_EVENT_WARNING, NULL,
	    "ignored %zu %s in config/ that cannot be verified, generation %u "
	    "counts: %s",
	    read->ignored, read->ignored == 1 ? "object" : "objects",
	    read->config.generation, read->why.message);
}
