/* SPDX-License-Identifier: BSD-2-Clause */
/* The cache of opened frames: each is opened once, memory is bounded, and no
 * damage is passed on. */
#include "repo_fixture.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "repo/framecache.h"
#include "task/task.h"

#define READERS 8
#define SIZE ((size_t)100 << 10)

static struct vrv_framecache *
new_cache(struct vrv_repo *repo, size_t data, size_t meta)
{
	struct vrv_framecache *cache;
	struct varve_err err;

	MUST(vrv_framecache_new(repo, data, meta, &cache, &err));
	return cache;
}

/* Get the chunk of that seed, look at it, and keep it pinned. */
static int
pin(struct vrv_framecache *cache, enum vrv_frame_kind kind,
    const uint8_t id[VRV_ID_SIZE], uint32_t seed, size_t n,
    struct vrv_chunk_pin *ret, struct varve_err *err)
{
	uint8_t *want;
	int rc = vrv_framecache_get(cache, kind, id, ret, err);

	if (rc != 0)
		return rc;
	want = malloc(n);
	noise(seed, want, n);
	rc = ret->n == n && memcmp(ret->bytes, want, n) == 0 ?
	    0 :
	    vrv_fail(err, VARVE_INTERNAL, "other bytes");
	free(want);
	return rc;
}

static int
look(struct vrv_framecache *cache, enum vrv_frame_kind kind,
    const uint8_t id[VRV_ID_SIZE], uint32_t seed, size_t n,
    struct varve_err *err)
{
	struct vrv_chunk_pin held = {0};
	int rc = pin(cache, kind, id, seed, n, &held, err);

	vrv_framecache_release(cache, &held);
	return rc;
}

/* --- one opening --- */

struct crowd {
	struct vrv_framecache *cache;
	const uint8_t *id;
	atomic_uint arrived;
};

static int
crowd_in(void *arg, struct varve_err *err)
{
	struct crowd *c = arg;

	atomic_fetch_add(&c->arrived, 1);
	return look(c->cache, VRV_FRAME_DATA, c->id, 1, SIZE, err);
}

/* The one that opens waits until all have come. */
static void
until_all_came(void *arg, const char *op, const char *name)
{
	struct crowd *c = arg;

	(void)name;
	if (strcmp(op, "get") != 0)
		return;
	while (atomic_load(&c->arrived) < READERS) {
		const struct timespec some = {.tv_nsec = 1000000};
		nanosleep(&some, NULL);
	}
}

static void
come_together(struct world *w, struct crowd *c, int expected)
{
	struct vrv_group *group = vrv_group_new();
	struct varve_err err;

	atomic_store(&c->arrived, 0);
	w->hooks.before = until_all_came;
	w->hooks.arg = c;
	for (unsigned i = 0; i < READERS; i++)
		MUST(vrv_group_start(group, "reader", crowd_in, c, &err));
	assert_int_equal(vrv_group_join(group, &err), expected);
	w->hooks.before = NULL;
	vrv_group_free(group);
}

static void
test_one_opening(void **state)
{
	struct world *w = *state;
	struct vrv_repo *repo = must_open(w);
	struct vrv_framecache_stats stats;
	uint8_t id[VRV_ID_SIZE];
	char name[VRV_NAME_SIZE];
	struct varve_err err;

	put_one(repo, VRV_FRAME_DATA, 1, SIZE, id);
	struct crowd c = {.cache = new_cache(repo, 1 << 20, 1 << 20), .id = id};
	come_together(w, &c, 0);
	vrv_framecache_stats(c.cache, &stats);
	assert_int_equal(stats.opened, 1);
	assert_int_equal(stats.frames, 1);
	w->hooks.log[0] = '\0';
	MUST(look(c.cache, VRV_FRAME_DATA, id, 1, SIZE, &err));
	assert_string_equal(w->hooks.log, "");
	vrv_framecache_free(c.cache);

	/* All get the error that the one got, and nothing stays in the cache
	 * but that error: the frame is not read again before its time. */
	name_at(w, "packs/", 0, name);
	damage(w, name, VRV_HEADER_SIZE + 100);
	c.cache = new_cache(repo, 1 << 20, 1 << 20);
	come_together(w, &c, VARVE_CORRUPT);
	vrv_framecache_stats(c.cache, &stats);
	assert_int_equal(stats.frames, 0);
	assert_int_equal(stats.bytes, 0);
	w->hooks.log[0] = '\0';
	assert_int_equal(look(c.cache, VRV_FRAME_DATA, id, 1, SIZE, &err),
	    VARVE_CORRUPT);
	assert_string_equal(w->hooks.log, "");
	damage(w, name, VRV_HEADER_SIZE + 100);
	vrv_framecache_retry_after(c.cache, 1);
	MUST(look(c.cache, VRV_FRAME_DATA, id, 1, SIZE, &err));
	vrv_framecache_free(c.cache);
	vrv_repo_close(repo);
}

/* --- memory --- */

#define MANY 30
#define ROOM ((size_t)512 << 10)

static void
test_bounds(void **state)
{
	struct vrv_repo *repo = must_open(*state);
	struct vrv_framecache *cache = new_cache(repo, ROOM, ROOM);
	struct vrv_framecache_stats stats;
	struct vrv_chunk_pin held = {0};
	uint8_t ids[MANY][VRV_ID_SIZE], meta[VRV_ID_SIZE];
	struct varve_err err;

	for (uint32_t i = 0; i < MANY; i++)
		put_one(repo, VRV_FRAME_DATA, i, SIZE, ids[i]);
	put_one(repo, VRV_FRAME_META, 99, SIZE, meta);
	MUST(look(cache, VRV_FRAME_META, meta, 99, SIZE, &err));
	MUST(pin(cache, VRV_FRAME_DATA, ids[0], 0, SIZE, &held, &err));
	for (uint32_t i = 1; i < MANY; i++) {
		MUST(look(cache, VRV_FRAME_DATA, ids[i], i, SIZE, &err));
		vrv_framecache_stats(cache, &stats);
		assert_in_range(stats.bytes, SIZE, ROOM + 2 * SIZE);
	}
	assert_int_equal(stats.opened, MANY + 1);

	/* What is pinned is whole still, and was not opened again; neither
	 * were folders for all the files. */
	MUST(look(cache, VRV_FRAME_DATA, ids[0], 0, SIZE, &err));
	MUST(look(cache, VRV_FRAME_META, meta, 99, SIZE, &err));
	vrv_framecache_stats(cache, &stats);
	assert_int_equal(stats.opened, MANY + 1);
	vrv_framecache_release(cache, &held);
	vrv_framecache_release(cache, &held);

	/* The one used last stayed, the one used first did not. */
	MUST(look(cache, VRV_FRAME_DATA, ids[MANY - 1], MANY - 1, SIZE, &err));
	vrv_framecache_stats(cache, &stats);
	assert_int_equal(stats.opened, MANY + 1);
	MUST(look(cache, VRV_FRAME_DATA, ids[1], 1, SIZE, &err));
	vrv_framecache_stats(cache, &stats);
	assert_int_equal(stats.opened, MANY + 2);
	vrv_framecache_free(cache);
	vrv_repo_close(repo);
}

/* Blocks that go from frame to frame. */
static void
test_large(void **state)
{
	static const size_t sizes[] = {400 << 10, 1 << 20, 300 << 10, 2 << 20,
	    600 << 10, 900 << 10};
	struct vrv_repo *repo = must_open(*state);
	struct vrv_framecache *cache = new_cache(repo, 1 << 20, 1 << 20);
	uint8_t ids[6][VRV_ID_SIZE];
	struct varve_err err;

	for (uint32_t i = 0; i < 6; i++)
		put_one(repo, VRV_FRAME_DATA, i, sizes[i], ids[i]);
	for (uint32_t i = 0; i < 60; i++) {
		uint32_t at = i * 7 % 6;
		MUST(look(cache, VRV_FRAME_DATA, ids[at], at, sizes[at], &err));
	}
	vrv_framecache_free(cache);
	vrv_repo_close(repo);
}

/* --- what is not right --- */

/* The whole id counts, also for a chunk that is at hand. */
static void
test_ids(void **state)
{
	struct vrv_repo *repo = must_open(*state);
	struct vrv_framecache *cache = new_cache(repo, 1 << 20, 1 << 20);
	struct vrv_chunk_pin held = {0};
	uint8_t id[VRV_ID_SIZE];
	struct varve_err err;

	put_one(repo, VRV_FRAME_DATA, 3, 200, id);
	/* Also an id whose part that the index does not know is zeros. */
	uint8_t zeros[VRV_ID_SIZE] = {0};
	memcpy(zeros, id, VRV_PREFIX_SIZE);
	assert_int_equal(vrv_framecache_get(cache, VRV_FRAME_DATA, zeros, &held,
			     &err),
	    VARVE_CORRUPT);
	for (unsigned i = 0; i < 2; i++) {
		id[VRV_ID_SIZE - 1] ^= 1;
		assert_int_equal(vrv_framecache_get(cache, VRV_FRAME_DATA, id,
				     &held, &err),
		    VARVE_CORRUPT);
		assert_non_null(strstr(err.message, "packs/"));
		assert_null(held.frame);
		id[VRV_ID_SIZE - 1] ^= 1;
		MUST(look(cache, VRV_FRAME_DATA, id, 3, 200, &err));
	}
	assert_int_equal(vrv_framecache_get(cache, VRV_FRAME_META, id, &held,
			     &err),
	    VARVE_CORRUPT);
	vrv_framecache_free(cache);
	vrv_framecache_free(NULL);
	vrv_repo_close(repo);
}

/* Another copy serves, in this listing of the index or in the next. */
static void
test_copies(void **state)
{
	struct world *w = *state;
	struct vrv_repo *a = must_open(w), *b;
	struct vrv_framecache *cache;
	struct vrv_index *index;
	char first[VRV_NAME_SIZE], second[VRV_NAME_SIZE];
	uint8_t id[VRV_ID_SIZE];
	struct varve_err err;

	client(w, 1);
	b = must_open(w);
	MUST(vrv_repo_index(b, &index, &err));
	put_one(a, VRV_FRAME_DATA, 5, 900, id);
	name_at(w, "packs/", 0, first);
	/* Knows of the first copy only. */
	client(w, 2);
	struct vrv_repo *late = must_open(w);
	MUST(vrv_repo_index(late, &index, &err));
	put_one(b, VRV_FRAME_DATA, 5, 900, id);
	vrv_repo_close(b);
	name_at(w, "packs/", 0, second);
	if (strcmp(first, second) == 0)
		name_at(w, "packs/", 1, second);
	remove_object(w, first);
	cache = new_cache(late, 1 << 20, 1 << 20);
	MUST(look(cache, VRV_FRAME_DATA, id, 5, 900, &err));
	vrv_framecache_free(cache);

	cache = new_cache(late, 1 << 20, 1 << 20);
	damage(w, second, VRV_HEADER_SIZE + 100);
	assert_int_equal(look(cache, VRV_FRAME_DATA, id, 5, 900, &err),
	    VARVE_CORRUPT);
	assert_non_null(strstr(err.message, "data chunk"));
	memset(id, 7, sizeof(id));
	assert_int_equal(look(cache, VRV_FRAME_DATA, id, 5, 900, &err),
	    VARVE_CORRUPT);
	assert_non_null(strstr(err.message, "no pack of the index holds it"));
	vrv_framecache_free(cache);
	vrv_repo_close(late);
	vrv_repo_close(a);
}

/* --- many threads, little room --- */

struct churn {
	struct vrv_framecache *cache;
	uint8_t (*ids)[VRV_ID_SIZE];
	uint32_t seed;
};

static int
churn(void *arg, struct varve_err *err)
{
	const struct churn *c = arg;
	uint32_t x = c->seed;
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < 300; i++) {
		x = x * 1664525 + 1013904223;
		uint32_t at = (x >> 16) % MANY;
		rc = look(c->cache, VRV_FRAME_DATA, c->ids[at], at, 5000, err);
	}
	return rc;
}

static void
test_churn(void **state)
{
	struct vrv_repo *repo = must_open(*state);
	struct vrv_framecache *cache = new_cache(repo, 40000, 40000);
	uint8_t ids[MANY][VRV_ID_SIZE];
	struct churn churns[READERS];
	struct vrv_group *group = vrv_group_new();
	struct vrv_index *index;
	struct varve_err err;

	for (uint32_t i = 0; i < MANY; i++)
		put_one(repo, VRV_FRAME_DATA, i, 5000, ids[i]);
	MUST(vrv_repo_index(repo, &index, &err));
	for (unsigned i = 0; i < READERS; i++) {
		churns[i] = (struct churn){cache, ids, i + 1};
		MUST(vrv_group_start(group, "churn", churn, &churns[i], &err));
	}
	MUST(vrv_group_join(group, &err));
	vrv_group_free(group);
	vrv_framecache_free(cache);
	vrv_repo_close(repo);
}

int
run_cache_tests(void)
{
	const struct CMUnitTest tests[] = {
	    WORLD_TEST(test_one_opening),
	    WORLD_TEST(test_bounds),
	    WORLD_TEST(test_large),
	    WORLD_TEST(test_ids),
	    WORLD_TEST(test_copies),
	    WORLD_TEST(test_churn),
	};

	return cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}
