/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo_fixture.h"

#include <sys/stat.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "faultstore.h"
#include "repo/repo_internal.h"

/* Opening fails with this exit status. */
static void
refused(struct world *w, const struct varve_open_options *open, int status,
    const char *says)
{
	struct vrv_repo *repo;
	struct varve_err err;

	assert_int_not_equal(vrv_repo_open(reach(w), open, &repo, &err), 0);
	if (err.exit != status || strstr(err.message, says) == NULL)
		fail_msg("%d, not %d: %s", err.exit, status, err.message);
}

static void
test_passphrases(void **state)
{
	struct world *w = *state;
	struct varve_open_options open = options(w, false);
	struct vrv_repo *repo;
	struct varve_err err;

	strcpy(w->passphrase, "wrong");
	refused(w, &open, VARVE_EXIT_PASSPHRASE, "wrong passphrase");
	strcpy(w->passphrase, "");
	refused(w, &open, VARVE_EXIT_PASSPHRASE, "wrong passphrase");
	open.passphrase = NULL;
	refused(w, &open, VARVE_EXIT_NO_PASSPHRASE, "is needed");
	open = options(w, false);
	strcpy(w->passphrase, "secret");
	w->asked = 0;
	MUST(vrv_repo_open(reach(w), &open, &repo, &err));
	assert_int_equal(w->asked, 1);
	vrv_repo_close(repo);
	open = options(w, true);
	MUST(vrv_repo_open(reach(w), &open, &repo, &err));
	assert_int_equal(w->asked, 1);
	vrv_repo_close(repo);
}

static void
test_nothing_there(void **state)
{
	struct world *w = *state;
	const struct varve_open_options open = options(w, true);

	while (count(w, "config/") > 0)
		remove_first(w, "config/");
	refused(w, &open, VARVE_EXIT_NO_REPO, "its configuration is gone");
}

static void
test_no_slot(void **state)
{
	struct world *w = *state;
	const struct varve_open_options open = options(w, true);

	while (count(w, "keys/") > 0)
		remove_first(w, "keys/");
	refused(w, &open, VARVE_EXIT_NO_KEY, "no key for");
}

/* A damaged slot does not keep the others from opening. */
static void
test_damaged_slot(void **state)
{
	struct world *w = *state;
	const struct varve_open_options open = options(w, true);
	char name[VRV_NAME_SIZE];
	unsigned opened = 0;

	for (size_t i = 0; i < 2; i++) {
		struct vrv_repo *repo;
		struct varve_err err;

		name_at(w, "keys/", i, name);
		damage(w, name, 100);
		/* The passphrase opens the one, the key file the other. */
		MUST(vrv_repo_open(reach(w), &open, &repo, &err));
		vrv_repo_close(repo);
		opened++;
		assert_non_null(strstr(w->notes, name));
		damage(w, name, 100);
	}
	assert_int_equal(opened, 2);
}

/* --- config --- */

/* Store a further config, changed by `change`. */
static void
next_config(struct world *w, void (*change)(struct vrv_config *))
{
	struct vrv_repo *repo = must_open(w);
	struct vrv_config config = repo->config;
	uint8_t hash[VRV_CONFIG_HASH];
	struct varve_err err;

	config.generation++;
	memcpy(config.previous, repo->config_hash, VRV_CONFIG_HASH);
	if (change != NULL)
		change(&config);
	MUST(vrv_config_store(w->store, &repo->secrets->admin, repo->id,
	    &config, 2, hash, &err));
	vrv_repo_close(repo);
}

static void
need_reader(struct vrv_config *config)
{
	config->read_features = 1u << 5;
}

static void
need_writer(struct vrv_config *config)
{
	config->write_features = 1u << 5;
}

static void
test_newer_reader(void **state)
{
	const struct varve_open_options open = options(*state, true);

	next_config(*state, need_reader);
	refused(*state, &open, VARVE_EXIT_FEATURE, "");
}

/* What only writers must know forbids writing, not reading. */
static void
test_newer_writer(void **state)
{
	struct world *w = *state;
	struct vrv_name name = {.type = VRV_TOMBSTONE};
	struct varve_open_options open = options(w, false);
	vrv_auto_buf struct vrv_buf object = {0};
	struct vrv_repo *repo = must_open(w);
	uint8_t id[VRV_ID_SIZE];
	struct varve_err err;
	struct storing s;
	char slot[33];

	put_one(repo, VRV_FRAME_DATA, 1, 100, id);
	vrv_repo_close(repo);
	next_config(w, need_writer);
	repo = must_open(w);
	MUST(get_one(repo, VRV_FRAME_DATA, id, 1, 100, &err));
	assert_int_equal(storing_begin(&s, repo, 2, UINT64_MAX, &err),
	    VARVE_FORMAT);
	assert_int_equal(err.exit, VARVE_EXIT_FEATURE);
	vrv_group_free(s.group);
	MUST(vrv_draft_begin(repo, &name, false, &object, &err));
	assert_int_equal(vrv_draft_store(repo, &name, &object, true, &err),
	    VARVE_FORMAT);
	assert_int_equal(vrv_repo_slot_add(repo, "x", NULL, &open, slot, &err),
	    VARVE_FORMAT);
	assert_int_equal(vrv_repo_slot_remove(repo, "file", &err),
	    VARVE_FORMAT);
	vrv_repo_close(repo);
}

/* Store a further generation of a grace period; which = 0: of the lower hash of
 * the two that are possible here, 1: of the higher. */
static void
store_rival(struct world *w, int which)
{
	struct vrv_repo *repo = must_open(w);
	struct vrv_config config = repo->config;
	vrv_auto_buf struct vrv_buf one = {0}, two = {0};
	uint8_t hash[2][VRV_CONFIG_HASH];
	struct varve_err err;

	config.generation = 2;
	config.grace = 1;
	vrv_config_put(&one, &config);
	config.grace = 2;
	vrv_config_put(&two, &config);
	vrv_blake2b(hash[0], VRV_CONFIG_HASH, NULL, one.data, one.len);
	vrv_blake2b(hash[1], VRV_CONFIG_HASH, NULL, two.data, two.len);
	bool first_is_lower = memcmp(hash[0], hash[1], VRV_CONFIG_HASH) < 0;
	config.grace = first_is_lower == (which == 0) ? 1 : 2;
	MUST(vrv_config_store(w->store, &repo->secrets->admin, repo->id,
	    &config, 1, hash[0], &err));
	vrv_repo_close(repo);
}

/* Two clients changed the configuration at once: the body of the lower hash
 * counts for everybody, and who remembers the other one accepts it. */
static void
test_two_configs(void **state)
{
	struct world *w = *state;
	struct vrv_repo *repo;
	uint64_t grace;
	struct varve_err err;

	store_rival(w, 1);
	repo = must_open(w);
	grace = repo->config.grace;
	vrv_repo_close(repo);
	store_rival(w, 0);
	repo = must_open(w);
	assert_int_equal(repo->config.generation, 2);
	assert_int_equal(repo->config.grace + grace, 3);
	assert_string_equal(w->warnings, "");
	/* A generation on that of the winner, in the handle too. */
	struct vrv_config config = repo->config;
	uint8_t winner[VRV_CONFIG_HASH];
	memcpy(winner, repo->config_hash, sizeof(winner));
	config.grace = 9;
	MUST(vrv_repo_config_replace(repo, &config, &err));
	assert_int_equal(repo->config.generation, 3);
	assert_int_equal(repo->config.grace, 9);
	assert_memory_equal(repo->config.previous, winner, sizeof(winner));
	vrv_repo_close(repo);
	repo = must_open(w);
	assert_int_equal(repo->config_copies, 2);
	assert_int_equal(repo->config.grace, 9);
	vrv_repo_close(repo);
}

/* Who remembers the winner is not content with the loser. */
static void
test_winner_gone(void **state)
{
	struct world *w = *state;
	const struct varve_open_options open = options(w, true);
	char a[VRV_NAME_SIZE];

	store_rival(w, 0);
	vrv_repo_close(must_open(w));
	name_at(w, "config/", 4, a);
	store_rival(w, 1);
	remove_object(w, a);
	refused(w, &open, VARVE_EXIT_REPLAY, "is another one");
}

/* The writer that lost is told, and its handle uses what counts. */
static void
test_replace_at_once(void **state)
{
	struct world *w = *state;
	struct vrv_repo *one = must_open(w), *two = must_open(w);
	struct vrv_config a = one->config, b = two->config;
	struct varve_err err;

	a.grace = 1;
	b.grace = 2;
	MUST(vrv_repo_config_replace(one, &a, &err));
	/* Whatever the hashes: that of `one` may count for long already. */
	assert_int_equal(vrv_repo_config_replace(two, &b, &err), VARVE_EXISTS);
	assert_non_null(strstr(err.message, "run the command again"));
	assert_int_equal(two->config.generation, 2);
	assert_int_equal(two->config.grace, 1);
	assert_int_equal(count(w, "config/"), 6);
	b = two->config;
	b.grace = 2;
	MUST(vrv_repo_config_replace(two, &b, &err));
	assert_int_equal(two->config.generation, 3);
	vrv_repo_close(one);
	vrv_repo_close(two);
}

struct rival {
	struct world *w;
	struct vrv_repo *repo;
	struct vrv_config config;
};

static void
rival_stores(void *arg, const char *op, const char *name)
{
	struct rival *rival = arg;
	struct varve_err err;

	if (strcmp(op, "put") != 0 || strncmp(name, "config/", 7) != 0)
		return;
	rival->w->hooks.before = NULL;
	MUST(vrv_repo_config_replace(rival->repo, &rival->config, &err));
}

static void
hash_next(const struct vrv_repo *repo, struct vrv_config config,
    uint8_t ret[VRV_CONFIG_HASH])
{
	vrv_auto_buf struct vrv_buf body = {0};

	config.generation = repo->config.generation + 1;
	memcpy(config.previous, repo->config_hash, VRV_CONFIG_HASH);
	vrv_config_put(&body, &config);
	vrv_blake2b(ret, VRV_CONFIG_HASH, NULL, body.data, body.len);
}

/* Both change it between looking and storing: who has the higher hash is told
 * so, whoever was first. */
static void
test_replace_between(void **state)
{
	struct world *w = *state;

	for (int lower = 0; lower < 2; lower++) {
		struct vrv_repo *repo = must_open(w);
		struct rival rival = {.w = w, .repo = must_open(w)};
		struct vrv_config config = repo->config;
		uint8_t mine[VRV_CONFIG_HASH], other[VRV_CONFIG_HASH];
		struct varve_err err;

		rival.config = rival.repo->config;
		rival.config.grace = 100;
		hash_next(repo, rival.config, other);
		config.grace = 200;
		do {
			config.grace++;
			hash_next(repo, config, mine);
		} while ((memcmp(mine, other, sizeof(mine)) < 0) != lower);
		w->hooks.arg = &rival;
		w->hooks.before = rival_stores;
		assert_int_equal(vrv_repo_config_replace(repo, &config, &err),
		    lower ? 0 : VARVE_EXISTS);
		assert_null(w->hooks.before);
		assert_memory_equal(repo->config_hash, lower ? mine : other,
		    VRV_CONFIG_HASH);
		vrv_repo_close(repo);
		vrv_repo_close(rival.repo);
	}
}

static void
test_older_config(void **state)
{
	struct world *w = *state;
	struct varve_open_options open = options(w, true);
	struct vrv_repo *repo;
	char name[VRV_NAME_SIZE];
	struct varve_err err;

	next_config(w, NULL);
	vrv_repo_close(must_open(w));
	for (int i = 0; i < 2; i++) {
		name_at(w, "config/", 4, name);
		remove_object(w, name);
	}
	refused(w, &open, VARVE_EXIT_REPLAY, "is older than");
	refused(w, &open, VARVE_EXIT_REPLAY, "is older than");
	open.accept_replaced = true;
	MUST(vrv_repo_open(reach(w), &open, &repo, &err));
	vrv_repo_close(repo);
	vrv_repo_close(must_open(w));
}

/* A config that somebody else signed is not believed, however new, and keeps
 * nobody from the repository. */
static void
test_forged_config(void **state)
{
	struct world *w = *state;
	struct vrv_repo *repo = must_open(w);
	struct vrv_config config = repo->config;
	static const char garbage[] = "no object at all";
	struct vrv_signer mallory;
	struct vrv_key seed = {{42}};
	uint8_t hash[VRV_CONFIG_HASH], other[VRV_REPO_ID] = {1};
	struct varve_err err;

	vrv_signer_from_seed(&mallory, &seed);
	config.generation = 7;
	MUST(vrv_config_store(w->store, &mallory, repo->id, &config, 2, hash,
	    &err));
	config.generation = 8;
	MUST(vrv_config_store(w->store, &mallory, other, &config, 1, hash,
	    &err));
	MUST(vrv_store_put(w->store,
	    "config/ffffffff-000102030405060708090a0b0c0d0e0f", garbage,
	    sizeof(garbage), &err));
	vrv_repo_close(repo);
	repo = must_open(w);
	assert_int_equal(repo->config.generation, 1);
	assert_int_equal(repo->config_copies, 2);
	assert_non_null(strstr(w->warnings,
	    "ignored 4 objects in config/ that cannot be verified"));
	vrv_repo_close(repo);
}

/* One copy may be damaged anywhere, and is stored again by who writes; two are
 * too many. */
static void
test_every_byte_of_the_config(void **state)
{
	struct world *w = *state;
	const struct varve_open_options open = options(w, true);
	char name[VRV_NAME_SIZE], twin[VRV_NAME_SIZE];
	struct vrv_repo *repo;
	uint64_t size;
	struct varve_err err;

	name_at(w, "config/", 2, name);
	name_at(w, "config/", 3, twin);
	MUST(vrv_store_head(w->store, name, &size, NULL, &err));
	for (size_t at = 0; at < size; at += 3) {
		damage(w, name, at);
		repo = must_open(w);
		assert_int_equal(repo->config_copies, 1);
		assert_non_null(strstr(w->warnings, "cannot be verified"));
		vrv_repo_close(repo);
		damage(w, twin, at);
		assert_int_not_equal(vrv_repo_open(reach(w), &open, &repo,
					 &err),
		    0);
		damage(w, twin, at);
		damage(w, name, at);
		w->warnings[0] = 0;
	}
	repo = must_open(w);
	assert_int_equal(repo->config_copies, 2);
	vrv_repo_close(repo);
}

static void
test_config_mended(void **state)
{
	struct world *w = *state;
	struct vrv_repo *repo;
	uint8_t id[VRV_CHUNK_ID];
	char name[VRV_NAME_SIZE];

	name_at(w, "config/", 3, name);
	remove_object(w, name);
	repo = must_open(w);
	put_one(repo, VRV_FRAME_DATA, 1, 100, id);
	vrv_repo_close(repo);
	assert_non_null(strstr(w->notes, "stored the configuration again"));
	name_at(w, "config/", 2, name);
	remove_object(w, name);
	repo = must_open(w);
	assert_int_equal(repo->config_copies, 1);
	vrv_repo_close(repo);
}

static void
of_a_later_version(struct vrv_config *config)
{
	static const uint8_t body[40 + 3] = {[40] = 17, 1, 9};

	config->body = (struct vrv_text){body, sizeof(body)};
}

/* A copy has the very bytes of the other one, also of what this version does
 * not know, or there would be two bodies of which any may count. */
static void
test_config_mended_whole(void **state)
{
	struct world *w = *state;
	struct vrv_repo *repo;
	uint8_t id[VRV_CHUNK_ID];
	char name[VRV_NAME_SIZE];

	next_config(w, of_a_later_version);
	name_at(w, "config/", 4, name);
	remove_object(w, name);
	repo = must_open(w);
	assert_false(vrv_repo_config_whole(repo));
	put_one(repo, VRV_FRAME_DATA, 1, 100, id);
	vrv_repo_close(repo);
	assert_int_equal(count(w, "config/"), 6);
	repo = must_open(w);
	assert_true(vrv_repo_config_whole(repo));
	assert_int_equal(repo->config.body.p[repo->config.body.n - 3], 17);
	vrv_repo_close(repo);
}

/* A newer config that the store does not hand out may be a sound one: no older
 * one stands in for it, but its other copy does. */
static void
test_config_unread(void **state)
{
	struct world *w = *state;
	const struct varve_open_options open = options(w, true);
	char name[VRV_NAME_SIZE];
	struct vrv_repo *repo;
	struct varve_err err;

	next_config(w, NULL);
	name_at(w, "config/", 4, name);
	const char *prefixes[] = {name, "config/00000002"};
	for (int i = 0; i < 2; i++) {
		const struct faultstore_fault fault = {.op = FAULT_GET,
		    .nth = 1,
		    .prefix = prefixes[i],
		    .code = VARVE_IO,
		    .persistent = true};
		struct vrv_store *store = faultstore_new(reach(w));

		faultstore_arm(store, &fault);
		int rc = vrv_repo_open(store, &open, &repo, &err);
		assert_int_equal(rc, i == 0 ? 0 : VARVE_IO);
		if (rc != 0)
			continue;
		assert_int_equal(repo->config.generation, 2);
		assert_false(vrv_repo_config_whole(repo));
		vrv_repo_close(repo);
	}
}

/* --- another repository --- */

static void
test_replaced(void **state)
{
	struct world *w = *state;
	const struct varve_init_options init = {.size = sizeof(init),
	    .kdf_passes = 2,
	    .chunker = 1,
	    .chunk_min = 65536,
	    .chunk_average = 262144,
	    .chunk_max = 2097152};
	struct varve_open_options open = options(w, false);
	struct vrv_store *old = w->store;
	struct varve_err err;
	struct vrv_repo *repo;

	vrv_repo_close(must_open(w));
	assert_int_equal(vrv_repo_init(reach(w), &init, &open, &err),
	    VARVE_EXISTS);
	assert_int_equal(err.exit, VARVE_EXIT_REPO_EXISTS);

	/* Made by another client: this one does not know. */
	MUST(vrv_store_open_memory(&w->store, &err));
	client(w, 1);
	open = options(w, false);
	MUST(vrv_repo_init(reach(w), &init, &open, &err));
	client(w, 0);
	open = options(w, false);
	refused(w, &open, VARVE_EXIT_REPO_REPLACED, "another repository");
	open.accept_replaced = true;
	MUST(vrv_repo_open(reach(w), &open, &repo, &err));
	vrv_repo_close(repo);
	open.accept_replaced = false;
	MUST(vrv_repo_open(reach(w), &open, &repo, &err));
	vrv_repo_close(repo);
	vrv_store_free(w->store);
	w->store = old;
	/* And back again: that is no less another one. */
	open = options(w, true);
	refused(w, &open, VARVE_EXIT_REPO_REPLACED, "another repository");
}

/* --- objects --- */

static void
draft_tombstone(struct vrv_repo *repo, struct vrv_name *name,
    struct vrv_buf *object)
{
	const struct vrv_buried what = {.logical = {1}};
	struct varve_err err;

	*name = (struct vrv_name){.type = VRV_TOMBSTONE};
	MUST(vrv_draft_begin(repo, name, false, object, &err));
	vrv_tombstone_put(object, 5, &what, 1);
}

static int
fetch(struct vrv_repo *repo, const char *name, struct varve_err *err)
{
	vrv_auto_object struct vrv_object object = {0};

	return vrv_repo_fetch(repo, name, &object, err);
}

static void
test_signers(void **state)
{
	struct vrv_repo *repo = must_open(*state);
	vrv_auto_buf struct vrv_buf object = {0};
	char text[VRV_NAME_SIZE];
	struct vrv_name name;
	struct varve_err err;

	draft_tombstone(repo, &name, &object);
	MUST(vrv_draft_store(repo, &name, &object, true, &err));
	vrv_name_print(&name, text);
	MUST(fetch(repo, text, &err));

	/* A writer may not bury. */
	draft_tombstone(repo, &name, &object);
	MUST(vrv_draft_store(repo, &name, &object, false, &err));
	vrv_name_print(&name, text);
	assert_int_equal(fetch(repo, text, &err), VARVE_AUTH);
	assert_non_null(strstr(err.message, "without the right"));

	/* Nor may who is not in the roster, even in the right form. */
	struct vrv_signer mallory, own = repo->secrets->admin;
	struct vrv_key seed = {{42}};
	vrv_signer_from_seed(&mallory, &seed);
	repo->secrets->admin = mallory;
	draft_tombstone(repo, &name, &object);
	MUST(vrv_draft_store(repo, &name, &object, true, &err));
	repo->secrets->admin = own;
	vrv_name_print(&name, text);
	assert_int_equal(fetch(repo, text, &err), VARVE_AUTH);
	assert_non_null(strstr(err.message, "unknown key"));
	vrv_repo_close(repo);
}

static void
test_places_of_objects(void **state)
{
	struct world *w = *state;
	struct vrv_repo *repo = must_open(w);
	vrv_auto_buf struct vrv_buf object = {0};
	char text[VRV_NAME_SIZE];
	struct vrv_name name;
	struct varve_err err;

	/* Under the name of another object of its type. */
	draft_tombstone(repo, &name, &object);
	MUST(vrv_draft_store(repo, &name, &object, true, &err));
	name.id[0] ^= 1;
	vrv_name_print(&name, text);
	MUST(vrv_store_put(w->store, text, object.data, object.len, &err));
	assert_int_not_equal(fetch(repo, text, &err), 0);

	/* Under a name of another type. */
	name.id[0] ^= 1;
	name.type = VRV_INTENT;
	vrv_name_print(&name, text);
	MUST(vrv_store_put(w->store, text, object.data, object.len, &err));
	assert_int_not_equal(fetch(repo, text, &err), 0);

	/* In another repository, though all keys were the same. */
	uint8_t *id = repo->id;
	id[5] ^= 1;
	draft_tombstone(repo, &name, &object);
	MUST(vrv_draft_store(repo, &name, &object, true, &err));
	id[5] ^= 1;
	vrv_name_print(&name, text);
	assert_int_equal(fetch(repo, text, &err), VARVE_AUTH);
	assert_non_null(strstr(err.message, "another repository"));
	assert_int_equal(fetch(repo, "tombstones/none", &err), VARVE_INTERNAL);
	vrv_repo_close(repo);
}

static void
test_every_byte_of_an_object(void **state)
{
	struct world *w = *state;
	struct vrv_repo *repo = must_open(w);
	vrv_auto_buf struct vrv_buf object = {0};
	char text[VRV_NAME_SIZE];
	struct vrv_name name;
	struct varve_err err;

	draft_tombstone(repo, &name, &object);
	MUST(vrv_draft_store(repo, &name, &object, true, &err));
	vrv_name_print(&name, text);
	for (size_t at = 0; at < object.len; at++) {
		damage(w, text, at);
		assert_int_not_equal(fetch(repo, text, &err), 0);
		damage(w, text, at);
	}
	for (size_t n = 0; n < object.len; n += 7) {
		remove_object(w, text);
		MUST(vrv_store_put(w->store, text, object.data, n, &err));
		assert_int_not_equal(fetch(repo, text, &err), 0);
	}
	vrv_repo_close(repo);
}

static void
test_sealed_part(void **state)
{
	struct vrv_repo *repo = must_open(*state);
	vrv_auto_buf struct vrv_buf object = {0}, plain = {0}, got = {0};
	vrv_auto_object struct vrv_object fetched = {0};
	struct vrv_name name = {.type = VRV_INTENT};
	char text[VRV_NAME_SIZE];
	struct varve_err err;

	vrv_buf_bytes(&plain, "what only we know", 17);
	MUST(vrv_draft_begin(repo, &name, false, &object, &err));
	MUST(vrv_draft_seal_meta(repo, &object, VRV_KEM_INTENT, &plain, &err));
	MUST(vrv_draft_store(repo, &name, &object, false, &err));
	assert_null(memmem(object.data, object.len, "only we", 7));
	vrv_name_print(&name, text);
	MUST(vrv_repo_fetch(repo, text, &fetched, &err));
	MUST(vrv_object_open_meta(repo, &fetched, fetched.body, VRV_KEM_INTENT,
	    &got, &err));
	assert_int_equal(got.len, 17);
	assert_memory_equal(got.data, "what only we know", 17);
	/* As another kind of record, or from another place: no. */
	assert_int_not_equal(vrv_object_open_meta(repo, &fetched, fetched.body,
				 VRV_KEM_ARCHIVE, &got, &err),
	    0);
	assert_int_not_equal(vrv_object_open_meta(repo, &fetched,
				 fetched.body + 1, VRV_KEM_INTENT, &got, &err),
	    0);
	assert_int_not_equal(vrv_object_open_meta(repo, &fetched,
				 fetched.end + 1, VRV_KEM_INTENT, &got, &err),
	    0);
	vrv_repo_close(repo);
}

/* Whatever call of init fails, there is no repository that cannot be opened,
 * and the next init succeeds unless there is one. */
static void
test_failing_init(void **state)
{
	struct world *w = *state;
	const struct varve_init_options init = {.size = sizeof(init),
	    .kdf_passes = 2,
	    .chunker = 1,
	    .chunk_min = 65536,
	    .chunk_average = 262144,
	    .chunk_max = 2097152};
	struct vrv_store *shared = w->store;

	for (unsigned nth = 1; nth <= 7; nth++) {
		const struct faultstore_fault fault = {.op = FAULT_OPS,
		    .nth = nth,
		    .code = VARVE_IO,
		    .late = nth % 2 == 0};
		struct varve_open_options open = options(w, false);
		struct vrv_repo *repo;
		struct varve_err err;

		MUST(vrv_store_open_memory(&w->store, &err));
		struct vrv_store *store = faultstore_new(reach(w));
		faultstore_arm(store, &fault);
		client(w, 10 + nth);
		open = options(w, false);
		assert_int_not_equal(vrv_repo_init(store, &init, &open, &err),
		    0);
		int rc = vrv_repo_init(reach(w), &init, &open, &err);
		assert_true(rc == 0 || err.exit == VARVE_EXIT_REPO_EXISTS);
		MUST(vrv_repo_open(reach(w), &open, &repo, &err));
		vrv_repo_close(repo);
		vrv_store_free(w->store);
	}
	w->store = shared;
}

struct tries {
	unsigned n;
	int code; /* that each fails with */
};

static int
fail_with(void *arg, const struct vrv_location *at, struct varve_err *err)
{
	struct tries *tries = arg;

	(void)at;
	tries->n++;
	return vrv_fail(err, tries->code, "made to fail");
}

/* Of two copies the second one is tried when the first is damaged, but not
 * when the machine has no memory: that says nothing of either. */
static void
test_copies(void **state)
{
	struct world *w = *state;
	struct tries damage = {.code = VARVE_CORRUPT};
	struct tries nomem = {.code = VARVE_NOMEM};
	/* Both store it, as neither knows of the other. */
	struct vrv_repo *a = must_open(w), *b, *repo;
	uint8_t id[VRV_ID_SIZE];
	struct vrv_index *index;
	struct varve_err err;
	bool gone;

	client(w, 2);
	b = must_open(w);
	MUST(vrv_repo_index(b, &index, &err));
	put_one(a, VRV_FRAME_DATA, 5, 900, id);
	put_one(b, VRV_FRAME_DATA, 5, 900, id);
	vrv_repo_close(a);
	vrv_repo_close(b);
	client(w, 3);
	repo = must_open(w);
	assert_int_equal(vrv_copies_try(repo, VRV_FRAME_DATA, id, fail_with,
			     &damage, &gone, &err),
	    VARVE_CORRUPT);
	assert_int_equal(damage.n, 2);
	assert_int_equal(vrv_copies_try(repo, VRV_FRAME_DATA, id, fail_with,
			     &nomem, &gone, &err),
	    VARVE_NOMEM);
	assert_int_equal(nomem.n, 1);
	vrv_repo_close(repo);
}

int
run_open_tests(void)
{
	const struct CMUnitTest tests[] = {
	    WORLD_TEST(test_passphrases),
	    WORLD_TEST(test_nothing_there),
	    WORLD_TEST(test_no_slot),
	    WORLD_TEST(test_damaged_slot),
	    WORLD_TEST(test_newer_reader),
	    WORLD_TEST(test_newer_writer),
	    WORLD_TEST(test_two_configs),
	    WORLD_TEST(test_winner_gone),
	    WORLD_TEST(test_replace_at_once),
	    WORLD_TEST(test_replace_between),
	    WORLD_TEST(test_config_mended),
	    WORLD_TEST(test_config_mended_whole),
	    WORLD_TEST(test_config_unread),
	    WORLD_TEST(test_older_config),
	    WORLD_TEST(test_forged_config),
	    WORLD_TEST(test_every_byte_of_the_config),
	    WORLD_TEST(test_replaced),
	    WORLD_TEST(test_signers),
	    WORLD_TEST(test_places_of_objects),
	    WORLD_TEST(test_every_byte_of_an_object),
	    WORLD_TEST(test_sealed_part),
	    WORLD_TEST(test_failing_init),
	    WORLD_TEST(test_copies),
	};

	return cmocka_run_group_tests_name("open", tests, NULL, NULL);
}
