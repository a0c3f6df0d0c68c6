/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo_fixture.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "faultstore.h"

/* --- lanes --- */

#define CROWD 300
#define CROWD_SIZE 3000

struct putter {
	struct vrv_lane *lane;
	unsigned first;	 /* where in the common row it starts */
	unsigned stored; /* chunks that were new to it */
	uint8_t (*ids)[VRV_ID_SIZE];
};

static int
put_crowd(void *arg, struct varve_err *err)
{
	struct putter *p = arg;
	uint8_t bytes[CROWD_SIZE];

	for (unsigned i = 0; i < CROWD; i++) {
		unsigned which = (p->first + i) % CROWD;
		bool fresh;

		noise(which, bytes, sizeof(bytes));
		int rc = vrv_lane_put(p->lane, bytes, sizeof(bytes),
		    p->ids[which], &fresh, err);
		if (rc != 0)
			return rc;
		p->stored += fresh;
	}
	return vrv_lane_done(p->lane, err);
}

/* Three threads put the same chunks: each is stored once and can be read. */
static void
test_lanes_share(void **state)
{
	static uint8_t ids[3][CROWD][VRV_ID_SIZE];
	struct vrv_repo *repo = must_open(*state);
	struct putter putters[3] = {{0}};
	struct vrv_writer_totals totals;
	struct storing s;
	struct varve_err err;
	unsigned stored = 0;

	MUST(storing_begin(&s, repo, 4, UINT64_MAX, &err));
	for (unsigned i = 0; i < 3; i++) {
		putters[i] = (struct putter){.lane = s.lanes[i],
		    .first = i * 7,
		    .ids = ids[i]};
		MUST(vrv_group_start(s.group, "put", put_crowd, &putters[i],
		    &err));
	}
	MUST(vrv_lane_done(s.lanes[3], &err));
	MUST(vrv_group_join(s.group, &err));
	for (unsigned i = 0; i < 3; i++)
		stored += putters[i].stored;
	assert_int_equal(stored, CROWD);
	vrv_writer_totals(s.writer, &totals);
	assert_int_equal(totals.chunks, CROWD);
	assert_int_equal(totals.plain, CROWD * CROWD_SIZE);
	assert_true(totals.stored > totals.plain);
	assert_int_equal(memcmp(ids[0], ids[1], sizeof(ids[0])), 0);
	storing_end(&s);
	for (unsigned i = 0; i < CROWD; i += 13)
		MUST(get_one(repo, VRV_FRAME_DATA, ids[0][i], i, CROWD_SIZE,
		    &err));
	vrv_repo_close(repo);
	assert_int_equal(count(*state, "packs/"), 1);
	assert_int_equal(count(*state, "index/"), 1);
}

static void
test_limits(void **state)
{
	struct vrv_repo *repo = must_open(*state);
	uint8_t *bytes = calloc(1, VRV_FRAME_PLAIN_MAX + 1), id[VRV_ID_SIZE];
	struct storing s;
	struct varve_err err;
	bool fresh;

	MUST(storing_begin(&s, repo, 2, UINT64_MAX, &err));
	assert_int_equal(vrv_lane_put(s.lanes[0], bytes, 0, id, &fresh, &err),
	    VARVE_LIMIT);
	assert_int_equal(vrv_lane_put(s.lanes[0], bytes,
			     VRV_FRAME_PLAIN_MAX + 1, id, &fresh, &err),
	    VARVE_LIMIT);
	MUST(vrv_lane_put(s.lanes[0], bytes, VRV_FRAME_PLAIN_MAX, id, &fresh,
	    &err));
	MUST(storing_join(&s, &err));
	MUST(vrv_lane_done(s.lanes[0], &err));
	storing_end(&s);
	free(bytes);
	vrv_repo_close(repo);
}

/* A small run makes one pack of both kinds; the same bytes are two chunks
 * when they are of two kinds. */
static void
test_both_kinds_in_one_pack(void **state)
{
	struct vrv_repo *repo = must_open(*state);
	uint8_t bytes[500], data[VRV_ID_SIZE], meta[VRV_ID_SIZE];
	char name[VRV_NAME_SIZE];
	struct storing s;
	struct varve_err err;
	bool fresh;

	noise(1, bytes, sizeof(bytes));
	MUST(storing_begin(&s, repo, 2, UINT64_MAX, &err));
	MUST(vrv_lane_put(s.lanes[0], bytes, 500, data, &fresh, &err));
	assert_true(fresh);
	MUST(vrv_lane_put(s.lanes[1], bytes, 500, meta, &fresh, &err));
	assert_true(fresh);
	assert_memory_not_equal(data, meta, VRV_ID_SIZE);
	MUST(storing_join(&s, &err));
	storing_end(&s);
	assert_int_equal(count(*state, "packs/"), 1);
	name_at(*state, "index/", 0, name);
	assert_string_equal(strrchr(name, '.'), ".b");
	MUST(get_one(repo, VRV_FRAME_DATA, data, 1, 500, &err));
	MUST(get_one(repo, VRV_FRAME_META, meta, 1, 500, &err));
	assert_int_equal(get_one(repo, VRV_FRAME_META, data, 1, 500, &err),
	    VARVE_CORRUPT);
	assert_non_null(strstr(err.message, "another kind"));
	vrv_repo_close(repo);
}

static int
remember_pack(void *arg, const uint8_t pack[VRV_OBJECT_ID], uint64_t length,
    struct varve_err *err)
{
	char *text = arg;

	assert_true(length > 0);
	(void)err;
	for (unsigned i = 0; i < 4; i++)
		sprintf(text + strlen(text), "%02x", pack[i]);
	return 0;
}

static void
test_reused_packs(void **state)
{
	struct vrv_repo *repo = must_open(*state);
	uint8_t a[VRV_ID_SIZE], id[VRV_ID_SIZE], bytes[700];
	char name[VRV_NAME_SIZE], reused[100] = "";
	struct storing s;
	struct varve_err err;
	bool fresh;

	put_one(repo, VRV_FRAME_DATA, 1, 700, a);
	name_at(*state, "packs/", 0, name);
	vrv_repo_close(repo);

	repo = must_open(*state);
	MUST(storing_begin(&s, repo, 2, UINT64_MAX, &err));
	noise(1, bytes, sizeof(bytes));
	MUST(vrv_lane_put(s.lanes[0], bytes, 700, id, &fresh, &err));
	assert_false(fresh);
	assert_memory_equal(id, a, VRV_ID_SIZE);
	noise(2, bytes, sizeof(bytes));
	MUST(vrv_lane_put(s.lanes[0], bytes, 700, id, &fresh, &err));
	assert_true(fresh);
	MUST(storing_join(&s, &err));
	MUST(vrv_writer_reused(s.writer, remember_pack, reused, &err));
	storing_end(&s);
	vrv_repo_close(repo);
	assert_int_equal(strlen(reused), 8);
	assert_memory_equal(strrchr(name, '/') + 1, reused, 8);
}

/* The store thread is not joined: wait for what it has done. */
static void
wait_for(struct world *w, const char *prefix, size_t n)
{
	const struct timespec ms = {0, 5000000};

	for (unsigned i = 0; i < 4000 && count(w, prefix) < n; i++)
		nanosleep(&ms, NULL);
	assert_int_equal(count(w, prefix), n);
}

/* Frames that come rarely are made durable while none comes, each time once.
 */
static void
test_checkpoint_by_time(void **state)
{
	const size_t size = 1 << 20;
	struct world *w = *state;
	struct vrv_repo *repo = must_open(w);
	uint8_t *bytes = malloc(size), id[VRV_ID_SIZE];
	struct storing s;
	struct varve_err err;
	bool fresh;

	MUST(storing_begin_timed(&s, repo, 2, UINT64_MAX, 1, &err));
	for (unsigned i = 1; i <= 3; i++) {
		noise(i, bytes, size);
		MUST(vrv_lane_put(s.lanes[0], bytes, size, id, &fresh, &err));
		wait_for(w, "intents/", i);
		assert_int_equal(count(w, "index/"), i);
		assert_int_equal(count(w, "packs/"), i);
	}
	/* Thousands of intervals have passed; the run is killed. */
	storing_end(&s);
	vrv_repo_close(repo);
	assert_int_equal(count(w, "packs/"), 3);
	assert_int_equal(count(w, "index/"), 3);

	client(w, 1);
	repo = must_open(w);
	MUST(storing_begin(&s, repo, 2, UINT64_MAX, &err));
	for (unsigned i = 1; i <= 3; i++) {
		noise(i, bytes, size);
		MUST(vrv_lane_put(s.lanes[0], bytes, size, id, &fresh, &err));
		assert_false(fresh);
	}
	MUST(storing_join(&s, &err));
	storing_end(&s);
	vrv_repo_close(repo);
	free(bytes);
}

struct reloader {
	struct vrv_repo *repo;
	atomic_bool stop;
};

/* What readers do that miss a chunk, or meet a damaged cache. */
static int
reload_on(void *arg, struct varve_err *err)
{
	struct reloader *r = arg;
	uint8_t none[VRV_ID_SIZE] = {3};
	struct vrv_location at;
	uint32_t n;
	int rc = 0;

	for (unsigned i = 0; rc == 0 && !atomic_load(&r->stop); i++) {
		rc = vrv_repo_index_reload(r->repo, i % 8 == 7, err);
		if (rc == 0 &&
		    vrv_repo_locate(r->repo, none, &at, 1, &n, err) !=
			VARVE_NOENT)
			rc = vrv_fail(err, VARVE_INTERNAL, "found nothing");
	}
	return rc;
}

/* The store thread writes to the index while other threads load it again: what
 * it flushed stays. */
static void
test_reload_beside(void **state)
{
	enum {
		N = 24
	};
	const size_t size = 1 << 20;
	struct world *w = *state;
	struct vrv_repo *repo = must_open(w);
	struct vrv_group *beside = vrv_group_new();
	struct reloader r = {.repo = repo};
	uint8_t *bytes = malloc(size), ids[N][VRV_ID_SIZE];
	struct vrv_index *index;
	struct vrv_location at;
	struct storing s;
	struct varve_err err;
	bool fresh;
	uint32_t n;

	assert_non_null(beside);
	MUST(storing_begin_timed(&s, repo, 2, UINT64_MAX, 1, &err));
	MUST(vrv_group_start(beside, "reload", reload_on, &r, &err));
	for (unsigned i = 0; i < N; i++) {
		noise(i, bytes, size);
		MUST(vrv_lane_put(s.lanes[0], bytes, size, ids[i], &fresh,
		    &err));
		assert_true(fresh);
	}
	MUST(storing_join(&s, &err));
	storing_end(&s);
	atomic_store(&r.stop, true);
	MUST(vrv_group_join(beside, &err));
	vrv_group_free(beside);
	MUST(vrv_repo_index(repo, &index, &err));
	for (unsigned i = 0; i < N; i++)
		MUST(vrv_index_find(index, ids[i], &at, 1, &n, &err));
	vrv_repo_close(repo);
	free(bytes);
}

/* The packs that the only intent lists are those in the store. */
static void
check_intent(struct world *w)
{
	struct vrv_repo *repo = must_open(w);
	vrv_auto_object struct vrv_object object = {0};
	vrv_auto_buf struct vrv_buf plain = {0};
	struct vrv_intent_clear clear;
	struct vrv_intent_sealed sealed;
	char text[VRV_NAME_SIZE];
	struct vrv_name pack;
	struct varve_err err;

	name_at(w, "intents/", 0, text);
	MUST(vrv_repo_fetch(repo, text, &object, &err));
	struct vrv_rd rd =
	    vrv_rd_over(object.bytes + object.body, object.end - object.body);
	MUST(vrv_intent_clear_get(&rd, &clear, &err));
	MUST(vrv_object_open_meta(repo, &object, (size_t)(rd.p - object.bytes),
	    VRV_KEM_INTENT, &plain, &err));
	MUST(vrv_intent_sealed_get(plain.data, plain.len, &sealed, &err));
	assert_false(sealed.has_root);
	assert_int_equal(sealed.n_ids, 1);
	name_at(w, "packs/", 0, text);
	assert_true(vrv_name_parse(text, &pack));
	assert_memory_equal(sealed.ids, pack.id, VRV_OBJECT_ID);
	vrv_repo_close(repo);
}

/* A run that is cut short leaves what it checkpointed for the next. */
static void
test_checkpoint(void **state)
{
	enum {
		SIZE = 1 << 20,
		N = 36
	};
	struct vrv_repo *repo = must_open(*state);
	uint8_t *bytes = malloc(SIZE), id[VRV_ID_SIZE];
	struct storing s;
	struct varve_err err;
	unsigned found = 0;
	bool fresh;

	MUST(storing_begin(&s, repo, 2, 1, &err));
	for (unsigned i = 0; i < N; i++) {
		noise(i, bytes, SIZE);
		MUST(vrv_lane_put(s.lanes[0], bytes, SIZE, id, &fresh, &err));
	}
	wait_for(*state, "intents/", 1);
	storing_end(&s);
	vrv_repo_close(repo);
	assert_int_equal(count(*state, "index/"), 1);
	assert_int_equal(count(*state, "packs/"), 1);
	check_intent(*state);

	client(*state, 1);
	repo = must_open(*state);
	MUST(storing_begin(&s, repo, 2, UINT64_MAX, &err));
	for (unsigned i = 0; i < N; i++) {
		noise(i, bytes, SIZE);
		MUST(vrv_lane_put(s.lanes[0], bytes, SIZE, id, &fresh, &err));
		found += !fresh;
	}
	MUST(storing_join(&s, &err));
	storing_end(&s);
	vrv_repo_close(repo);
	assert_true(found >= 32);
	free(bytes);
}

/* --- damage --- */

/* Two clients that know nothing of each other store the same chunk: one copy
 * may be damaged or gone. */
static void
test_another_copy(void **state)
{
	struct world *w = *state;
	struct vrv_repo *a = must_open(w), *b;
	struct vrv_index *index;
	char first[VRV_NAME_SIZE], second[VRV_NAME_SIZE];
	uint8_t id[VRV_ID_SIZE];
	struct varve_err err;

	client(w, 1);
	b = must_open(w);
	MUST(vrv_repo_index(a, &index, &err));
	MUST(vrv_repo_index(b, &index, &err));
	put_one(a, VRV_FRAME_DATA, 5, 900, id);
	put_one(b, VRV_FRAME_DATA, 5, 900, id);
	vrv_repo_close(a);
	vrv_repo_close(b);
	assert_int_equal(count(w, "packs/"), 2);
	name_at(w, "packs/", 0, first);
	name_at(w, "packs/", 1, second);

	client(w, 2);
	a = must_open(w);
	damage(w, first, VRV_HEADER_SIZE + 100);
	MUST(get_one(a, VRV_FRAME_DATA, id, 5, 900, &err));
	damage(w, first, VRV_HEADER_SIZE + 100);
	remove_object(w, second);
	MUST(get_one(a, VRV_FRAME_DATA, id, 5, 900, &err));
	damage(w, first, VRV_HEADER_SIZE + 100);
	assert_int_equal(get_one(a, VRV_FRAME_DATA, id, 5, 900, &err),
	    VARVE_CORRUPT);
	assert_non_null(strstr(err.message, "data chunk"));
	assert_non_null(strstr(err.message, "packs/"));
	remove_object(w, first);
	assert_int_equal(get_one(a, VRV_FRAME_DATA, id, 5, 900, &err),
	    VARVE_CORRUPT);
	memset(id, 7, sizeof(id));
	assert_int_equal(get_one(a, VRV_FRAME_DATA, id, 5, 900, &err),
	    VARVE_CORRUPT);
	vrv_repo_close(a);
}

/* No byte of a pack's frames can change without being noticed. */
static void
test_every_byte_of_a_frame(void **state)
{
	struct world *w = *state;
	struct vrv_repo *repo = must_open(w);
	uint8_t id[VRV_ID_SIZE];
	char name[VRV_NAME_SIZE];
	struct varve_err err;

	put_one(repo, VRV_FRAME_DATA, 3, 200, id);
	name_at(w, "packs/", 0, name);
	for (size_t at = VRV_HEADER_SIZE; at < VRV_HEADER_SIZE + 240; at++) {
		damage(w, name, at);
		assert_int_not_equal(get_one(repo, VRV_FRAME_DATA, id, 3, 200,
					 &err),
		    0);
		damage(w, name, at);
	}
	MUST(get_one(repo, VRV_FRAME_DATA, id, 3, 200, &err));
	vrv_repo_close(repo);
}

/* The index knows the beginning of an id: that it is the right one is for the
 * reader to see, also when the frame is at hand. */
static void
test_whole_id(void **state)
{
	struct vrv_repo *repo = must_open(*state);
	uint8_t id[VRV_ID_SIZE];
	struct vrv_reader *reader;
	const uint8_t *bytes;
	struct varve_err err;
	size_t n;

	put_one(repo, VRV_FRAME_DATA, 3, 200, id);
	MUST(vrv_reader_new(repo, 1 << 20, &reader, &err));
	for (unsigned i = 0; i < 2; i++) {
		id[VRV_ID_SIZE - 1] ^= 1;
		assert_int_equal(vrv_reader_get(reader, VRV_FRAME_DATA, id,
				     &bytes, &n, &err),
		    VARVE_CORRUPT);
		assert_non_null(strstr(err.message, "not what its id says"));
		id[VRV_ID_SIZE - 1] ^= 1;
		MUST(vrv_reader_get(reader, VRV_FRAME_DATA, id, &bytes, &n,
		    &err));
	}
	vrv_reader_free(reader);
	vrv_repo_close(repo);
}

/* The reader's small cache lets frames go and fetches them again. */
static void
test_cache_of_frames(void **state)
{
	enum {
		SIZE = 300000,
		N = 12
	};
	struct vrv_repo *repo = must_open(*state);
	uint8_t ids[N][VRV_ID_SIZE], *want = malloc(SIZE);
	struct vrv_reader *reader;
	struct varve_err err;

	for (unsigned i = 0; i < N; i++)
		put_one(repo, VRV_FRAME_DATA, i, SIZE, ids[i]);
	MUST(vrv_reader_new(repo, 2 * SIZE, &reader, &err));
	for (unsigned i = 0; i < 5 * N; i++) {
		unsigned which = i * 7 % N;
		const uint8_t *got;
		size_t n;

		MUST(vrv_reader_get(reader, VRV_FRAME_DATA, ids[which], &got,
		    &n, &err));
		noise(which, want, SIZE);
		assert_int_equal(n, SIZE);
		assert_memory_equal(got, want, SIZE);
	}
	vrv_reader_free(reader);
	vrv_repo_close(repo);
	free(want);
}

/* --- a store that fails --- */

/* Store a chunk of each kind through a store whose nth call fails; what the
 * run says, and in *ret_failed whether there was an nth call at all. */
static int
run_with_fault(struct world *w, enum faultstore_op op, unsigned nth, bool late,
    bool *ret_failed)
{
	const struct faultstore_fault fault = {.op = op,
	    .nth = nth,
	    .code = VARVE_IO,
	    .late = late};
	uint8_t bytes[2000], id[VRV_ID_SIZE];
	struct vrv_store *store;
	struct storing s;
	struct varve_err err;
	bool fresh;

	struct vrv_repo *repo = open_faulty(w, &store);
	unsigned before = faultstore_calls(store, op);
	faultstore_arm(store, &fault);
	int rc = storing_begin(&s, repo, 2, UINT64_MAX, &err);
	noise(++w->seed, bytes, sizeof(bytes));
	for (unsigned i = 0; rc == 0 && i < 2; i++)
		rc = vrv_lane_put(s.lanes[i], bytes, sizeof(bytes), id, &fresh,
		    &err);
	if (rc == 0)
		rc = storing_join(&s, &err);
	*ret_failed = faultstore_calls(store, op) - before >= nth;
	storing_end(&s);
	vrv_repo_close(repo);
	return rc;
}

static void
test_failing_store(void **state)
{
	struct world *w = *state;
	static const enum faultstore_op ops[] = {FAULT_LIST, FAULT_HEAD,
	    FAULT_GET, FAULT_PUT_BEGIN, FAULT_PUT_WRITE, FAULT_PUT_COMMIT};
	unsigned faults = 0;

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		for (unsigned late = 0; late < 2; late++) {
			bool failed = true;

			for (unsigned nth = 1; failed; nth++) {
				int rc = run_with_fault(w, ops[i], nth,
				    late == 1, &failed);

				if (failed)
					assert_int_not_equal(rc, 0);
				else
					assert_int_equal(rc, 0);
				faults += failed;
			}
		}
	}
	/* One listing, and two objects begun and committed, each twice. */
	assert_true(faults >= 10);
}

/* The packs come before what names them. */
static void
test_order_of_puts(void **state)
{
	struct world *w = *state;
	struct vrv_repo *repo = must_open(w);
	uint8_t id[VRV_ID_SIZE];

	put_one(repo, VRV_FRAME_DATA, 1, 100, id);
	const char *pack = strstr(w->hooks.log, "put packs/");
	const char *index = strstr(w->hooks.log, "put index/");
	assert_non_null(pack);
	assert_non_null(index);
	assert_true(pack < index);
	vrv_repo_close(repo);
}

int
run_writer_tests(void)
{
	const struct CMUnitTest tests[] = {
	    WORLD_TEST(test_lanes_share),
	    WORLD_TEST(test_limits),
	    WORLD_TEST(test_both_kinds_in_one_pack),
	    WORLD_TEST(test_reused_packs),
	    WORLD_TEST(test_checkpoint),
	    WORLD_TEST(test_checkpoint_by_time),
	    WORLD_TEST(test_reload_beside),
	    WORLD_TEST(test_another_copy),
	    WORLD_TEST(test_every_byte_of_a_frame),
	    WORLD_TEST(test_whole_id),
	    WORLD_TEST(test_cache_of_frames),
	    WORLD_TEST(test_failing_store),
	    WORLD_TEST(test_order_of_puts),
	};

	return cmocka_run_group_tests_name("writer", tests, NULL, NULL);
}
