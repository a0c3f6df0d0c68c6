/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo_fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "faultstore.h"
#include "repo/repo_internal.h"

/* Open with a passphrase; NULL if it is refused as wrong. */
static struct vrv_repo *
open_with(struct world *w, const char *passphrase)
{
	const struct varve_open_options open = options(w, false);
	struct vrv_repo *repo;
	struct varve_err err;

	strcpy(w->passphrase, passphrase);
	int rc = vrv_repo_open(reach(w), &open, &repo, &err);
	if (rc == 0)
		return repo;
	if (err.exit != VARVE_EXIT_PASSPHRASE)
		fail_msg("%s", err.message);
	return NULL;
}

static void
opens(struct world *w, const char *passphrase, bool does)
{
	struct vrv_repo *repo = open_with(w, passphrase);

	if (does)
		assert_non_null(repo);
	else
		assert_null(repo);
	vrv_repo_close(repo);
}

static void
test_add_and_remove(void **state)
{
	struct world *w = *state;
	const struct varve_open_options open = options(w, false);
	struct vrv_repo *repo = must_open(w);
	struct varve_slot_list *list;
	char id[33], twin[33];
	struct varve_err err;

	strcpy(w->fresh, "second");
	MUST(vrv_repo_slot_add(repo, "laptop", NULL, &open, id, &err));
	opens(w, "second", true);
	opens(w, "secret", true);
	MUST(vrv_repo_slots(repo, &list, &err));
	assert_int_equal(list->n, 3);
	unsigned in_use = 0, files = 0, found = 0;
	for (size_t i = 0; i < list->n; i++) {
		in_use += list->items[i].in_use;
		files += list->items[i].is_file;
		if (strcmp(list->items[i].id, id) == 0) {
			found++;
			assert_string_equal(list->items[i].label, "laptop");
			assert_int_equal(list->items[i].memory, 64 << 20);
		}
	}
	free(list);
	assert_int_equal(in_use, 1);
	assert_int_equal(files, 1);
	assert_int_equal(found, 1);

	assert_int_not_equal(vrv_repo_slot_remove(repo, "none", &err), 0);
	assert_int_equal(err.exit, VARVE_EXIT_NO_KEY);
	/* The first has no label: nothing is called that. */
	assert_int_not_equal(vrv_repo_slot_remove(repo, "", &err), 0);
	MUST(vrv_repo_slot_add(repo, "laptop", NULL, &open, twin, &err));
	assert_int_equal(vrv_repo_slot_remove(repo, "laptop", &err),
	    VARVE_USAGE);
	assert_non_null(strstr(err.message, "2 key slots"));
	MUST(vrv_repo_slot_remove(repo, twin, &err));
	MUST(vrv_repo_slot_remove(repo, "laptop", &err));
	opens(w, "second", false);
	opens(w, "secret", true);
	vrv_repo_close(repo);
}

static void
test_the_last_one(void **state)
{
	struct world *w = *state;
	struct vrv_repo *repo = open_with(w, "secret");
	struct varve_slot_list *list;
	struct varve_err err;

	MUST(vrv_repo_slot_remove(repo, "file", &err));
	MUST(vrv_repo_slots(repo, &list, &err));
	assert_int_equal(list->n, 1);
	assert_int_equal(vrv_repo_slot_remove(repo, list->items[0].id, &err),
	    VARVE_USAGE);
	assert_non_null(strstr(err.message, "last key slot"));
	free(list);
	vrv_repo_close(repo);
	opens(w, "secret", true);
	assert_int_equal(count(w, "keys/"), 2);
}

/* A slot that anybody may have put there is no reason to give up the one that
 * is known to work. */
static void
test_only_the_proven(void **state)
{
	struct world *w = *state;
	const struct varve_open_options open = options(w, false);
	struct vrv_repo *repo = open_with(w, "secret"), *other;
	struct varve_slot_list *list;
	char own[33] = "", id[33];
	struct varve_err err;

	MUST(vrv_repo_slots(repo, &list, &err));
	assert_int_equal(list->n, 2);
	for (size_t i = 0; i < list->n; i++) {
		if (list->items[i].in_use)
			strcpy(own, list->items[i].id);
	}
	free(list);
	assert_int_equal(vrv_repo_slot_remove(repo, own, &err), VARVE_USAGE);
	assert_non_null(strstr(err.message, "opened"));
	assert_int_equal(count(w, "keys/"), 4);

	/* Who opens it by the other one may; then that one is the last. */
	other = must_open(w);
	MUST(vrv_repo_slot_remove(other, own, &err));
	assert_int_equal(vrv_repo_slot_remove(other, "file", &err),
	    VARVE_USAGE);
	strcpy(w->fresh, "another");
	MUST(vrv_repo_slot_add(other, "b", NULL, &open, id, &err));
	/* The slot of this handle is gone: it proves nothing any more. */
	assert_int_equal(vrv_repo_slot_remove(repo, "file", &err), VARVE_NOENT);
	assert_int_equal(vrv_repo_slot_remove(other, "file", &err),
	    VARVE_USAGE);
	assert_int_equal(count(w, "keys/"), 4);
	vrv_repo_close(other);
	vrv_repo_close(repo);
}

static void
test_change(void **state)
{
	struct world *w = *state;
	const struct varve_open_options open = options(w, false);
	struct vrv_repo *repo = open_with(w, "secret");
	struct varve_err err;

	w->hooks.log[0] = '\0';
	strcpy(w->fresh, "better");
	MUST(vrv_repo_slot_change(repo, &open, &err));
	const char *put = strstr(w->hooks.log, "put keys/");
	const char *del = strstr(w->hooks.log, "delete keys/");
	assert_non_null(put);
	assert_non_null(del);
	/* Stored, read back, and only then the old one goes. */
	const char *get = strstr(put, "get keys/");
	assert_true(put < get && get < del);
	opens(w, "secret", false);
	/* The handle goes on with the new slot. */
	strcpy(w->fresh, "best");
	MUST(vrv_repo_slot_change(repo, &open, &err));
	opens(w, "best", true);
	assert_int_equal(count(w, "keys/"), 4);
	vrv_repo_close(repo);
	/* What a key file opens has no passphrase to change. */
	repo = must_open(w);
	assert_int_equal(vrv_repo_slot_change(repo, &open, &err), VARVE_USAGE);
	vrv_repo_close(repo);
}

/* Whatever call fails, the old passphrase or the new one opens. */
static void
test_failing_change(void **state)
{
	struct world *w = *state;
	bool failed = true;
	unsigned runs = 0;

	strcpy(w->passphrase, "secret");
	strcpy(w->fresh, "secret");
	for (unsigned nth = 1; failed; nth++, runs++) {
		const struct faultstore_fault fault = {.op = FAULT_OPS,
		    .nth = nth,
		    .code = VARVE_IO};
		const struct varve_open_options open = options(w, false);
		struct vrv_store *store = faultstore_new(reach(w));
		struct vrv_repo *repo;
		struct varve_err err;

		MUST(vrv_repo_open(store, &open, &repo, &err));
		unsigned before = faultstore_calls(store, FAULT_OPS);
		faultstore_arm(store, &fault);
		int rc = vrv_repo_slot_change(repo, &open, &err);
		failed = faultstore_calls(store, FAULT_OPS) - before >= nth;
		vrv_repo_close(repo);
		assert_true(failed || rc == 0);
		assert_true(count(w, "keys/") >= 2);
		opens(w, "secret", true);
		/* Slots that a failure left would cost a derivation each. */
		while (count(w, "keys/") > 3)
			remove_first(w, "keys/");
	}
	assert_true(runs >= 6);
}

static void
test_key_file(void **state)
{
	struct world *w = *state;
	struct varve_open_options open = options(w, false);
	struct vrv_repo *repo;
	char path[100], id[33];
	struct varve_err err;

	snprintf(path, sizeof(path), "%s/none", w->dir);
	open.key_file = path;
	open.passphrase = NULL;
	assert_int_not_equal(vrv_repo_open(reach(w), &open, &repo, &err), 0);
	snprintf(path, sizeof(path), "%s/short", w->dir);
	FILE *f = fopen(path, "w");
	fputs("too short", f);
	fclose(f);
	repo = must_open(w);
	assert_int_equal(vrv_repo_slot_add(repo, "s", path, &open, id, &err),
	    VARVE_USAGE);
	snprintf(path, sizeof(path), "%s/fresh", w->dir);
	MUST(vrv_repo_slot_add(repo, "f", path, &open, id, &err));
	vrv_repo_close(repo);
	MUST(vrv_repo_open(reach(w), &open, &repo, &err));
	vrv_repo_close(repo);
	/* One bit of the file, and it is another key. */
	f = fopen(path, "r+");
	int first = fgetc(f);
	rewind(f);
	fputc(first ^ 1, f);
	fclose(f);
	assert_int_not_equal(vrv_repo_open(reach(w), &open, &repo, &err), 0);
}

static void
test_export_and_import(void **state)
{
	struct world *w = *state;
	struct varve_open_options open = options(w, false);
	struct vrv_repo *repo = open_with(w, "secret");
	char id[33], *text;
	struct varve_err err;

	MUST(vrv_repo_slot_export(repo, &text, &err));
	vrv_repo_close(repo);
	while (count(w, "keys/") > 0)
		remove_first(w, "keys/");
	/* A typing mistake anywhere in the digits or the sum is found. */
	char *digits = strchr(text, '\n') + 1;
	for (char *p = digits; p < text + strlen(text); p += 5) {
		char was = *p;

		if (strchr("0123456789abcdef", was) == NULL)
			continue;
		*p = was == '7' ? '1' : '7';
		if (vrv_repo_slot_import(reach(w), &open, text, id, &err) !=
		    VARVE_FORMAT)
			fail_msg("at '%s': %s", p, err.message);
		assert_int_equal(err.exit, VARVE_EXIT_BAD_KEY);
		*p = was;
	}
	assert_int_equal(vrv_repo_slot_import(reach(w), &open, "", id, &err),
	    VARVE_FORMAT);
	assert_int_equal(vrv_repo_slot_import(reach(w), &open, digits, id,
			     &err),
	    VARVE_FORMAT);
	strcpy(w->passphrase, "wrong");
	assert_int_not_equal(vrv_repo_slot_import(reach(w), &open, text, id,
				 &err),
	    0);
	assert_int_equal(err.exit, VARVE_EXIT_PASSPHRASE);
	assert_int_equal(count(w, "keys/"), 0);

	/* Blanks and line ends are nothing; nor are those of a mail. */
	char *wide = malloc(4 * strlen(text) + 1), *q = wide;
	for (const char *p = text; *p != '\0'; p++) {
		*q++ = *p;
		if (p > digits && p < strstr(text, "END")) {
			*q++ = '\r';
			*q++ = ' ';
		}
	}
	*q = '\0';
	strcpy(w->passphrase, "secret");
	MUST(vrv_repo_slot_import(reach(w), &open, wide, id, &err));
	free(wide);
	free(text);
	opens(w, "secret", true);
	assert_int_equal(count(w, "keys/"), 2);
}

/* A key file that is named keeps its name when its passphrase changes. */
static void
test_named_key_file(struct world *w)
{
	struct varve_open_options open = options(w, false);
	char path[100], keys[96];
	struct vrv_repo *repo;
	struct varve_err err;

	snprintf(path, sizeof(path), "%s/named", w->dir);
	strcpy(keys, w->keys);
	MUST(vrv_repo_open(reach(w), &open, &repo, &err));
	assert_int_equal(rename(vrv_repo_key_file(repo), path), 0);
	vrv_repo_close(repo);
	open.key_file = path;
	MUST(vrv_repo_open(reach(w), &open, &repo, &err));
	strcpy(w->fresh, "named");
	MUST(vrv_repo_slot_change(repo, &open, &err));
	vrv_repo_close(repo);
	strcpy(w->passphrase, "named");
	MUST(vrv_repo_open(reach(w), &open, &repo, &err));
	assert_string_equal(vrv_repo_key_file(repo), path);
	vrv_repo_close(repo);
	assert_int_equal(rmdir(keys), 0);
}

/* In keyfile mode the store never sees a slot. */
static void
test_keyfile_mode(void **state)
{
	struct world *w = *state;
	const struct varve_init_options init = {.size = sizeof(init),
	    .mode = VARVE_KEYFILE,
	    .kdf_passes = 2,
	    .chunker = 1,
	    .chunk_min = 65536,
	    .chunk_average = 262144,
	    .chunk_max = 2097152};
	struct varve_open_options open;
	struct vrv_store *shared = w->store;
	struct vrv_repo *repo;
	struct varve_err err;
	char id[33];

	MUST(vrv_store_open_memory(&w->store, &err));
	client(w, 5);
	open = options(w, false);
	MUST(vrv_repo_init(reach(w), &init, &open, &err));
	MUST(vrv_repo_open(reach(w), &open, &repo, &err));
	assert_int_equal(vrv_repo_key_mode(repo), VARVE_KEYFILE);
	assert_non_null(strstr(vrv_repo_key_file(repo), w->keys));
	assert_int_equal(access(vrv_repo_key_file(repo), R_OK), 0);
	strcpy(w->fresh, "changed");
	MUST(vrv_repo_slot_change(repo, &open, &err));
	/* The handle knows the new file. */
	assert_int_equal(access(vrv_repo_key_file(repo), R_OK), 0);
	strcpy(w->fresh, "again");
	MUST(vrv_repo_slot_change(repo, &open, &err));
	MUST(vrv_repo_slot_add(repo, "more", NULL, &open, id, &err));
	MUST(vrv_repo_slot_remove(repo, "more", &err));
	vrv_repo_close(repo);
	assert_int_equal(count(w, "keys/"), 0);
	opens(w, "secret", false);
	opens(w, "changed", false);
	opens(w, "again", true);
	test_named_key_file(w);

	/* Another client has no key folder with it. */
	client(w, 6);
	open = options(w, false);
	assert_int_not_equal(vrv_repo_open(reach(w), &open, &repo, &err), 0);
	assert_int_equal(err.exit, VARVE_EXIT_NO_KEY);
	vrv_store_free(w->store);
	w->store = shared;
}

/* --- twins, and slots that somebody planted --- */

/* Of the two objects of a slot one may be damaged anywhere; a wrong sum alone
 * is no reason not to try one. */
static void
test_twins(void **state)
{
	struct world *w = *state;
	struct vrv_repo *repo = must_open(w);
	char name[2][VRV_NAME_SIZE];
	uint64_t size;
	struct varve_err err;

	vrv_repo_close(repo);
	repo = open_with(w, "secret");
	MUST(vrv_repo_slot_remove(repo, "file", &err));
	vrv_repo_close(repo);
	assert_int_equal(count(w, "keys/"), 2);
	for (int i = 0; i < 2; i++)
		name_at(w, "keys/", (size_t)i, name[i]);
	MUST(vrv_store_head(w->store, name[0], &size, NULL, &err));
	for (size_t at = 0; at < size; at += 40) {
		w->notes[0] = '\0';
		damage(w, name[at % 80 == 0], at);
		opens(w, "secret", true);
		/* With another repository's id it is another's. */
		if (at < 16 || at >= VRV_HEADER_SIZE)
			assert_non_null(strstr(w->notes, name[at % 80 == 0]));
		damage(w, name[at % 80 == 0], at);
	}
	for (int i = 0; i < 2; i++)
		damage(w, name[i], size - 1);
	opens(w, "secret", true);
	for (int i = 0; i < 2; i++)
		damage(w, name[i], size - 40);
	opens(w, "secret", false);
}

/* What is not tried is not made. */
static void
test_too_many(void **state)
{
	struct world *w = *state;
	const struct varve_open_options open = options(w, true);
	struct vrv_repo *repo = must_open(w);
	char path[120], id[33], last[33];
	struct varve_slot_list *list;
	struct varve_err err;

	for (int i = 2; i < VRV_SLOTS_MAX; i++) {
		snprintf(path, sizeof(path), "%s/key-%d", w->dir, i);
		MUST(vrv_repo_slot_add(repo, path, path, &open, last, &err));
	}
	MUST(vrv_repo_slots(repo, &list, &err));
	assert_int_equal(list->n, VRV_SLOTS_MAX);
	free(list);
	assert_int_equal(vrv_repo_slot_add(repo, "x", path, &open, id, &err),
	    VARVE_LIMIT);
	assert_int_equal(count(w, "keys/"), 2 * VRV_SLOTS_MAX);
	vrv_repo_close(repo);
	/* Each of them opens, also for a client that knows none. */
	client(w, 7);
	for (int i = 2; i < VRV_SLOTS_MAX; i += 7) {
		struct varve_open_options by = options(w, false);

		snprintf(path, sizeof(path), "%s/key-%d", w->dir, i);
		by.key_file = path;
		by.passphrase = NULL;
		MUST(vrv_repo_open(reach(w), &by, &repo, &err));
		vrv_repo_close(repo);
	}
	client(w, 0);
}

/* Plant slots of other keys, each with its twin. */
static void
plant(struct world *w, const uint8_t *repository, int n, uint8_t kdf,
    uint64_t memory)
{
	struct vrv_key other = {{7}};
	struct vrv_slot slot = {.kdf = kdf,
	    .passes = kdf == VRV_KDF_FILE ? 0 : 2,
	    .memory = kdf == VRV_KDF_FILE ? 0 : 64 << 20,
	    .label = {(const uint8_t *)"", 0}};
	struct vrv_slot_stored stored;
	char name[VRV_NAME_SIZE];
	struct varve_err err;
	uint8_t *bytes;
	size_t size;

	for (int i = 0; i < n; i++)
		MUST(vrv_slot_store(w->store, repository, &other, &slot, "?", 1,
		    VARVE_REPOKEY, NULL, &stored, &err));
	if (memory == 0)
		return;
	/* The cost of one changed: the sum is wrong, and it is tried. */
	vrv_name_print(&stored.names[0], name);
	MUST(vrv_store_get_all(w->store, name, VRV_MAX_KEY_SLOT, &bytes, &size,
	    &err));
	remove_object(w, name);
	for (int i = 0; i < 8; i++)
		bytes[VRV_HEADER_SIZE + 5 + i] = (uint8_t)(memory >> (8 * i));
	MUST(vrv_store_put(w->store, name, bytes, size, &err));
	free(bytes);
}

static void
test_planted(void **state)
{
	struct world *w = *state;
	struct varve_open_options open = options(w, true);
	struct vrv_repo *repo = must_open(w);
	uint8_t id[VRV_REPO_ID];
	char path[120];
	struct varve_err err;

	memcpy(id, repo->id, sizeof(id));
	vrv_repo_close(repo);
	/* Memory that nobody asked for is not taken. */
	plant(w, id, 1, VRV_KDF_ARGON2ID, (uint64_t)2 << 30);
	open = options(w, false);
	strcpy(w->passphrase, "wrong");
	assert_int_equal(vrv_repo_open(reach(w), &open, &repo, &err),
	    VARVE_AUTH);
	assert_non_null(strstr(err.message, "over 1 GiB"));
	strcpy(w->passphrase, "secret");
	MUST(vrv_repo_open(reach(w), &open, &repo, &err));
	vrv_repo_close(repo);

	plant(w, id, 100, VRV_KDF_FILE, 0);
	vrv_repo_close(must_open(w));
	/* Who has never been here follows the configuration. */
	client(w, 8);
	open = options(w, true);
	MUST(vrv_repo_open(reach(w), &open, &repo, &err));
	vrv_repo_close(repo);
	snprintf(path, sizeof(path), "%s/wrong", w->dir);
	write_file(path, "0123456789012345678901234567890123456789", 40);
	open.key_file = path;
	open.passphrase = NULL;
	assert_int_not_equal(vrv_repo_open(reach(w), &open, &repo, &err), 0);
	client(w, 0);
}

/* A slot that the passphrase opens, but whose keys are another admin's, keeps
 * nobody out who knows the repository. */
static void
test_stranger(void **state)
{
	struct world *w = *state;
	struct vrv_repo *repo = must_open(w);
	struct vrv_config config = repo->config;
	struct vrv_key other = {{7}};
	struct vrv_slot slot = {.kdf = VRV_KDF_ARGON2ID,
	    .passes = 2,
	    .memory = 64 << 20,
	    .label = {(const uint8_t *)"", 0}};
	struct vrv_slot_stored stored;
	struct varve_err err;

	/* Without hints they are tried by their ids: one comes first. */
	config.n_slots = 0;
	MUST(vrv_repo_config_replace(repo, &config, &err));
	while (count(w, "config/") > 2)
		remove_first(w, "config/");
	for (int i = 0; i < 6; i++)
		MUST(vrv_slot_store(w->store, repo->id, &other, &slot, "secret",
		    6, VARVE_REPOKEY, NULL, &stored, &err));
	vrv_repo_close(repo);
	opens(w, "secret", true);
}

int
run_slot_tests(void)
{
	const struct CMUnitTest tests[] = {
	    WORLD_TEST(test_add_and_remove),
	    WORLD_TEST(test_the_last_one),
	    WORLD_TEST(test_only_the_proven),
	    WORLD_TEST(test_change),
	    WORLD_TEST(test_failing_change),
	    WORLD_TEST(test_key_file),
	    WORLD_TEST(test_export_and_import),
	    WORLD_TEST(test_keyfile_mode),
	    WORLD_TEST(test_twins),
	    WORLD_TEST(test_too_many),
	    WORLD_TEST(test_planted),
	    WORLD_TEST(test_stranger),
	};

	return cmocka_run_group_tests_name("slots", tests, NULL, NULL);
}
