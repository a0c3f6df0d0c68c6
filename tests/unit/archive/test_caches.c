/* SPDX-License-Identifier: BSD-2-Clause */
/* What other repositories and other programs leave in the cache. */
#include "archive_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/archives_cache.h"
#include "impostor.h"
#include "util/mem.h"

#define MUST(call) assert_int_equal((call), 0)

static int
give_passphrase(void *arg, bool fresh, const char *location, char *buf,
    size_t size, size_t *ret_n, struct varve_err *err)
{
	(void)arg, (void)fresh, (void)location, (void)size, (void)err;
	memcpy(buf, "attack", 6);
	*ret_n = 6;
	return 0;
}

/* Open it with the caches of the fixture's client. */
static struct vrv_repo *
open_impostor(struct fixture *f, struct vrv_store *store)
{
	struct varve_open_options open = VARVE_OPEN_OPTIONS_INIT;
	static struct hooks hooks;
	struct vrv_repo *repo;
	struct varve_err err;
	char cache[80];

	snprintf(cache, sizeof(cache), "%s/cache%u", f->dir, f->client);
	open.passphrase = give_passphrase;
	open.cache_dir = cache;
	MUST(vrv_repo_open(hook_store_new(store, &hooks), &open, &repo, &err));
	return repo;
}

static int
copy_one(void *arg, const struct vrv_store_item *item, struct varve_err *err)
{
	struct vrv_store **stores = arg;
	uint8_t *bytes;
	size_t n;

	int rc = vrv_store_get_all(stores[0], item->name, VRV_MAX_RECORD,
	    &bytes, &n, err);
	if (rc == 0)
		rc = vrv_store_put(stores[1], item->name, bytes, n, err);
	free(bytes);
	return rc;
}

/* A tombstone that counts in another repository of the same id, seen there
 * once, does not count here. */
static void
test_impostor(void **state)
{
	struct fixture *f = *state;
	struct vrv_archive kept, planted;
	struct vrv_archives *list;
	struct fixture other;
	struct vrv_store *store;
	struct varve_err err;

	kept = some_archive(f, 1);
	commit(f, &kept);
	expect(f, 1, 0);

	MUST(vrv_store_open_memory(&store, &err));
	impostor_make(store, vrv_repo_id(f->repo));
	other = (struct fixture){.repo = open_impostor(f, store)};
	assert_memory_equal(vrv_repo_id(other.repo), vrv_repo_id(f->repo),
	    VRV_REPO_ID);
	planted = some_archive(&other, 1);
	commit(&other, &planted);
	bury(&other, &planted);
	MUST(vrv_archives_load(other.repo, &list, &err));
	assert_int_equal(list->n_buried, 1);
	vrv_archives_free(list);
	vrv_repo_close(other.repo);

	struct vrv_store *stores[] = {store, f->store};
	MUST(
	    vrv_store_list(store, "tombstones/", true, copy_one, stores, &err));
	fixture_reopen(f, false);
	expect(f, 1, 1);
	fixture_reopen(f, true);
	expect(f, 1, 1);
	vrv_store_free(store);
}

/* Put what the cache holds of `from` under the name of `to`. */
static void
forge(struct fixture *f, const struct vrv_name *from, const struct vrv_name *to)
{
	struct vrv_opened_record record, copy;
	struct vrv_archive_cache *cache;
	struct varve_err err;

	MUST(vrv_archive_cache_open(vrv_repo_cache(f->repo),
	    vrv_repo_cache_id(f->repo), &cache, &err));
	assert_true(vrv_archive_cache_get(cache, from, &record));
	copy = record;
	copy.clear = vrv_dup(record.clear, record.clear_n);
	copy.plain = vrv_dup(record.plain, record.plain_n);
	MUST(vrv_archive_cache_add(cache, to, &copy, &err));
	vrv_archive_cache_save(cache);
	vrv_archive_cache_free(cache);
	free((void *)(uintptr_t)copy.clear);
	free((void *)(uintptr_t)copy.plain);
}

/* Nothing is deleted or renamed because of what the cache alone says. */
static void
test_forged(void **state)
{
	struct fixture *f = *state;
	struct vrv_archive one, two;
	struct vrv_archives *list;
	char from[100], to[100];
	struct varve_err err;

	one = some_archive(f, 1);
	two = some_archive(f, 2);
	commit(f, &one);
	commit(f, &two);
	expect(f, 2, 0);
	forge(f, &two.object, &one.object);
	/* A client that has this cache and knows nothing else. */
	snprintf(from, sizeof(from), "%s/cache%u", f->dir, f->client);
	snprintf(to, sizeof(to), "%s/cache%u", f->dir, f->client + 1);
	MUST(rename(from, to));
	fixture_reopen(f, true);
	must_load(f, &list);
	for (size_t i = 0; i < list->n_all; i++) {
		const struct vrv_archive *a = list->all[i];
		if (memcmp(a->object.id, one.object.id, VRV_OBJECT_ID) != 0)
			continue;
		assert_int_equal(a->clear.logical[0], 2);
		assert_int_equal(vrv_archive_bury(f->repo, &a, 1, &err),
		    VARVE_CORRUPT);
		assert_non_null(strstr(err.message, "remove the cache"));
		assert_int_equal(vrv_archive_rename(f->repo, a, "x", &err),
		    VARVE_CORRUPT);
	}
	vrv_archives_free(list);
	fixture_reopen(f, true);
	must_load(f, &list);
	assert_int_equal(list->n, 2);
	assert_int_equal(list->n_all, 2);
	assert_int_equal(list->n_buried, 0);
	vrv_archives_free(list);
}

/* The file of another repository is no cache. */
static void
test_foreign_file(void **state)
{
	struct fixture *f = *state;
	struct vrv_opened_record record = {.clear = (const uint8_t *)"clear",
	    .clear_n = 5};
	struct vrv_name name = {.type = VRV_TOMBSTONE};
	uint8_t id[VRV_CACHE_ID];
	struct vrv_archive_cache *cache;
	struct varve_err err;

	memcpy(id, vrv_repo_cache_id(f->repo), sizeof(id));
	for (int i = 0; i < 2; i++) {
		id[31] ^= 1;
		MUST(vrv_archive_cache_open(vrv_repo_cache(f->repo), id, &cache,
		    &err));
		assert_false(vrv_archive_cache_get(cache, &name, &record));
		MUST(vrv_archive_cache_add(cache, &name, &record, &err));
		vrv_archive_cache_save(cache);
		vrv_archive_cache_free(cache);
	}
}

int
run_cache_tests(void)
{
	const struct CMUnitTest tests[] = {
	    FIXTURE_TEST(test_impostor),
	    FIXTURE_TEST(test_forged),
	    FIXTURE_TEST(test_foreign_file),
	};

	return cmocka_run_group_tests_name("caches", tests, NULL, NULL);
}
