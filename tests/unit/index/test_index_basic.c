/* SPDX-License-Identifier: BSD-2-Clause */
#include "test_index.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PACKS 12
#define FRAMES 5
#define CHUNKS 40

static int
set_up(void **state)
{
	struct test_folder *folder = calloc(1, sizeof(*folder));

	assert_non_null(folder);
	test_folder_make(folder);
	*state = folder;
	return 0;
}

static int
tear_down(void **state)
{
	test_folder_remove(*state);
	free(*state);
	return 0;
}

/* PACKS packs that share no chunk. */
static const struct test_pack *
some_packs(struct test_pack packs[PACKS])
{
	for (uint32_t i = 0; i < PACKS; i++)
		packs[i] = (struct test_pack){i, FRAMES, CHUNKS,
		    i * FRAMES * CHUNKS, 1u << 30};
	return packs;
}

/* Every chunk of the pack is found where it is, and nowhere else. */
static void
check_pack(struct vrv_index *index, const struct test_pack *pack)
{
	struct varve_err err;
	uint8_t id[16], bases[4][16], base[16];
	uint64_t last = 0;

	for (uint32_t f = 0; f < pack->frames; f++) {
		for (uint32_t i = 0; i < pack->chunks; i++) {
			struct vrv_location got[2], want;
			uint32_t prefix, n;
			bool has;

			want = test_location(pack, f, i, &prefix);
			test_id('C', prefix, id);
			assert_int_equal(vrv_index_find(index, id, got, 2, &n,
					     &err),
			    0);
			assert_int_equal(n, 1);
			assert_true(test_same_location(&got[0], &want));
			assert_int_equal(vrv_index_has(index, want.kind, id,
					     &has, &err),
			    0);
			assert_true(has);
			assert_int_equal(vrv_index_has(index, 3 - want.kind, id,
					     &has, &err),
			    0);
			assert_false(has);
			/* Frames are told apart, in their order. */
			assert_true(i > 0 ? got[0].frame == last :
					    f == 0 || got[0].frame > last);
			last = got[0].frame;
			if (i > 0)
				continue;
			assert_int_equal(vrv_index_bases(index, &got[0], bases,
					     &err),
			    0);
			for (uint32_t k = 0; k < want.m; k++) {
				test_base(&want, k, base);
				assert_memory_equal(bases[k], base, 16);
			}
		}
	}
}

static void
check_absent(struct vrv_index *index, uint32_t first, uint32_t n)
{
	struct vrv_location got;
	struct varve_err err;
	uint8_t id[16];
	uint32_t found;

	for (uint32_t i = 0; i < n; i++) {
		bool has = true;
		test_id('C', first + i, id);
		assert_int_equal(vrv_index_find(index, id, &got, 1, &found,
				     &err),
		    VARVE_NOENT);
		assert_int_equal(vrv_index_has(index, VRV_FRAME_DATA, id, &has,
				     &err),
		    0);
		assert_false(has);
	}
}

static void
test_life(void **state)
{
	const struct test_folder *folder = *state;
	struct vrv_index *index = test_open(folder);
	struct test_pack packs[PACKS];

	some_packs(packs);
	check_absent(index, 0, 50);
	assert_int_equal(test_list(index, packs, 6), 6);
	for (uint32_t i = 0; i < 6; i++)
		check_pack(index, &packs[i]);
	check_absent(index, packs[6].first, 300);
	assert_int_equal(test_list(index, packs, 6), 0);
	assert_int_equal(test_list(index, packs, 7), 1);
	check_pack(index, &packs[6]);
	vrv_index_free(index);

	/* It is all there again, but counts only once it was listed. */
	index = test_open(folder);
	check_absent(index, packs[0].first, 5);
	assert_int_equal(test_list(index, packs, PACKS), PACKS - 7);
	for (uint32_t i = 0; i < PACKS; i++)
		check_pack(index, &packs[i]);
	/* Fewer objects: less is found; the rest needs no fetching. */
	assert_int_equal(test_list(index, packs, 2), 0);
	check_pack(index, &packs[1]);
	check_absent(index, packs[2].first, FRAMES * CHUNKS);
	vrv_index_free(index);
}

static void
test_files(void **state)
{
	const struct test_folder *folder = *state;
	struct vrv_index *index = test_open(folder);
	struct test_pack packs[PACKS];
	char path[128];
	struct stat st;

	some_packs(packs);
	/* One run each, until they are merged; nothing stale is left. */
	for (uint32_t i = 1; i <= PACKS; i++) {
		assert_int_equal(test_list(index, packs, i), 1);
		assert_true(test_folder_count(folder, "run-") <= 8);
		/* Beside them `current` and its lock. */
		assert_int_equal(test_folder_count(folder, ""),
		    test_folder_count(folder, "run-") + 2);
	}
	strcpy(path, folder->path);
	strcat(path, "/current");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(test_list(index, packs, 0), 0);
	assert_int_equal(test_folder_count(folder, "run-"), 0);
	vrv_index_free(index);
}

static void
test_add_and_flush(void **state)
{
	const struct test_folder *folder = *state;
	struct vrv_index *index = test_open(folder);
	struct test_pack packs[PACKS];
	struct vrv_index_stats stats;
	struct vrv_buf entry = {0};
	struct varve_err err;
	uint8_t id[16];

	some_packs(packs);
	assert_int_equal(test_list(index, packs, 0), 0);
	for (uint32_t i = 0; i < PACKS; i++) {
		vrv_buf_clear(&entry);
		test_pack_entry(&packs[i], &entry);
		assert_int_equal(vrv_index_add(index, entry.data, entry.len,
				     &err),
		    0);
		for (uint32_t k = 0; k <= i; k++)
			check_pack(index, &packs[k]);
		test_id('O', i, id);
		assert_int_equal(vrv_index_flush(index, id, &err), 0);
	}
	for (uint32_t k = 0; k < PACKS; k++)
		check_pack(index, &packs[k]);
	assert_int_equal(vrv_index_stats(index, &stats, &err), 0);
	assert_int_equal(stats.packs, PACKS);
	assert_int_equal(stats.frames, PACKS * FRAMES);
	assert_int_equal(stats.chunks, PACKS * FRAMES * CHUNKS);
	assert_int_equal(stats.stored, PACKS * (64 + FRAMES * 1100 + 500));
	vrv_index_free(index);

	index = test_open(folder);
	assert_int_equal(test_list(index, packs, PACKS), 0);
	for (uint32_t k = 0; k < PACKS; k++)
		check_pack(index, &packs[k]);
	vrv_buf_fini(&entry);
	vrv_index_free(index);
}

/* A location outlives the tables it came from. */
static void
test_bases_after_flush(void **state)
{
	struct vrv_index *index = test_open(*state);
	const struct test_pack pack = {3, 9, 2, 0, 1000};
	struct vrv_buf entry = {0};
	struct vrv_location at, want;
	struct varve_err err;
	uint8_t id[16], bases[4][16], base[16];
	uint32_t prefix, n;

	test_pack_entry(&pack, &entry);
	assert_int_equal(vrv_index_add(index, entry.data, entry.len, &err), 0);
	want = test_location(&pack, 8, 1, &prefix);
	assert_int_equal(want.m, 2);
	test_id('C', prefix, id);
	assert_int_equal(vrv_index_find(index, id, &at, 1, &n, &err), 0);
	test_id('O', 0, id);
	assert_int_equal(vrv_index_flush(index, id, &err), 0);
	assert_int_equal(vrv_index_bases(index, &at, bases, &err), 0);
	for (uint32_t i = 0; i < 2; i++) {
		test_base(&want, i, base);
		assert_memory_equal(bases[i], base, 16);
	}
	vrv_index_forget(index);
	assert_int_equal(vrv_index_bases(index, &at, bases, &err), VARVE_NOENT);
	vrv_buf_fini(&entry);
	vrv_index_free(index);
}

/* One prefix so often that it fills blocks of records. */
static void
test_many_copies(void **state)
{
	struct vrv_index *index = test_open(*state);
	const struct test_pack pack = {1, 30, 50, 0, 3};
	struct vrv_location *got = calloc(2000, sizeof(*got));
	struct vrv_buf body = {0};
	struct varve_err err;
	uint8_t id[16];
	uint32_t n;

	assert_non_null(got);
	assert_int_equal(test_list(index, &pack, 1), 1);
	for (uint32_t c = 0; c < 3; c++) {
		test_id('C', c, id);
		assert_int_equal(vrv_index_find(index, id, got, 2000, &n, &err),
		    0);
		assert_int_equal(n, 500);
		for (uint32_t i = 1; i < n; i++)
			assert_true(got[i].offset <= got[i - 1].offset);
		assert_int_equal(vrv_index_find(index, id, got, 3, &n, &err),
		    0);
		assert_int_equal(n, 3);
		assert_int_equal(got[0].offset, 64 + 29 * 1100 + 7);
	}
	test_id('C', 3, id);
	assert_int_equal(vrv_index_find(index, id, got, 3, &n, &err),
	    VARVE_NOENT);
	free(got);
	vrv_buf_fini(&body);
	vrv_index_free(index);
}

static int
count_pack(void *arg, const uint8_t pack[VRV_OBJECT_ID], uint64_t length,
    struct varve_err *err)
{
	struct vrv_index *index = arg;

	/* The index may be used here. */
	assert_true(length > 0);
	return vrv_index_drop_pack(index, pack, err);
}

static int
stop(void *arg, const uint8_t pack[VRV_OBJECT_ID], uint64_t length,
    struct varve_err *err)
{
	(void)arg, (void)pack, (void)length;
	return vrv_fail(err, VARVE_CANCELLED, "enough");
}

static void
test_dropped_packs(void **state)
{
	struct vrv_index *index = test_open(*state);
	struct test_pack packs[PACKS];
	struct vrv_index_stats stats;
	struct varve_err err;
	uint8_t id[16];

	some_packs(packs);
	assert_int_equal(test_list(index, packs, 4), 4);
	test_id('P', 2, id);
	assert_int_equal(vrv_index_drop_pack(index, id, &err), 0);
	check_absent(index, packs[2].first, FRAMES * CHUNKS);
	check_pack(index, &packs[3]);
	assert_int_equal(vrv_index_stats(index, &stats, &err), 0);
	assert_int_equal(stats.packs, 3);
	assert_int_equal(vrv_index_packs(index, stop, NULL, &err),
	    VARVE_CANCELLED);
	assert_int_equal(vrv_index_packs(index, count_pack, index, &err), 0);
	assert_int_equal(vrv_index_stats(index, &stats, &err), 0);
	assert_int_equal(stats.packs, 0);
	check_absent(index, packs[0].first, FRAMES * CHUNKS);
	vrv_index_free(index);
}

/* Object 1 takes the place of object 0 and of one that is gone, and declares
 * a chunk lost. */
static void
test_superseded_and_lost(void **state)
{
	struct vrv_index *index = test_open(*state);
	struct test_pack packs[PACKS];
	struct vrv_buf body = {0};
	struct varve_err err;
	uint8_t ids[3][16], lost[16], id[16];

	some_packs(packs);
	assert_int_equal(test_list(index, packs, 1), 1);
	test_id('O', 0, ids[0]);
	test_id('O', 77, ids[1]);
	test_id('O', 1, ids[2]);
	test_id('C', 5, lost);
	test_body(&body, ids[0], 3, &packs[1], 1, lost, 1);
	for (int round = 0; round < 3; round++) {
		vrv_index_listing_begin(index);
		assert_int_equal(vrv_index_listing_add(index, ids[0], &err), 0);
		assert_int_equal(vrv_index_listing_add(index, ids[2], &err), 0);
		assert_int_equal(vrv_index_wants(index, id), round == 0);
		if (round == 0)
			assert_int_equal(vrv_index_load(index, ids[2],
					     body.data, body.len, true, &err),
			    0);
		assert_false(vrv_index_wants(index, id));
		assert_int_equal(vrv_index_listing_end(index, &err), 0);
		check_absent(index, packs[0].first, 100);
		check_pack(index, &packs[1]);
		assert_true(vrv_index_is_lost(index, lost));
		assert_false(vrv_index_is_lost(index, ids[0]));
		if (round == 1) {
			vrv_index_free(index);
			index = test_open(*state);
		}
	}
	/* Without object 1 nothing is lost, and object 0 counts again. */
	assert_int_equal(test_list(index, packs, 1), 1);
	assert_false(vrv_index_is_lost(index, lost));
	check_pack(index, &packs[0]);
	vrv_buf_fini(&body);
	vrv_index_free(index);
}

/* A writer does not get to say that a chunk is lost; what else it says counts.
 */
static void
test_lost_by_a_writer(void **state)
{
	struct vrv_index *index = test_open(*state);
	struct test_pack packs[PACKS];
	struct vrv_buf body = {0};
	struct varve_err err;
	uint8_t lost[16], id[16];

	some_packs(packs);
	test_id('O', 1, id);
	test_id('C', 5, lost);
	test_body(&body, NULL, 0, packs, 1, lost, 1);
	vrv_index_listing_begin(index);
	assert_int_equal(vrv_index_listing_add(index, id, &err), 0);
	assert_true(vrv_index_wants(index, id));
	assert_int_equal(vrv_index_load(index, id, body.data, body.len, false,
			     &err),
	    0);
	assert_int_equal(vrv_index_listing_end(index, &err), 0);
	assert_false(vrv_index_is_lost(index, lost));
	check_pack(index, &packs[0]);
	vrv_buf_fini(&body);
	vrv_index_free(index);
}

/* What is not listed any more has vanished, unless a listed object supersedes
 * it; also for a handle that knows it from the cache alone. */
static void
test_vanished(void **state)
{
	struct vrv_index *index = test_open(*state);
	struct test_pack packs[PACKS];
	struct vrv_buf body = {0};
	struct varve_err err;
	uint8_t ids[2][16], by[16], id[16];

	some_packs(packs);
	assert_int_equal(test_list(index, packs, 4), 4);
	assert_int_equal(vrv_index_vanished(index), 0);
	assert_int_equal(test_list(index, packs, 2), 0);
	assert_int_equal(vrv_index_vanished(index), 2);
	vrv_index_free(index);
	index = test_open(*state);
	assert_int_equal(test_list(index, packs, 3), 0);
	assert_int_equal(vrv_index_vanished(index), 1);

	/* An object takes the places of 0 and 1; 2 and 3 are gone. */
	test_id('O', 0, ids[0]);
	test_id('O', 1, ids[1]);
	test_id('O', 50, by);
	test_body(&body, ids[0], 2, packs, 2, NULL, 0);
	vrv_index_listing_begin(index);
	assert_int_equal(vrv_index_listing_add(index, by, &err), 0);
	assert_true(vrv_index_wants(index, id));
	assert_int_equal(vrv_index_load(index, by, body.data, body.len, true,
			     &err),
	    0);
	assert_int_equal(vrv_index_listing_end(index, &err), 0);
	assert_int_equal(vrv_index_vanished(index), 2);
	check_pack(index, &packs[0]);
	vrv_buf_fini(&body);
	vrv_index_free(index);
}

/* A body that is cut or followed by something leaves nothing behind. */
static void
test_bad_bodies(void **state)
{
	struct vrv_index *index = test_open(*state);
	struct test_pack packs[PACKS];
	struct vrv_index_stats stats;
	struct vrv_buf body = {0}, entry = {0};
	struct varve_err err;
	uint8_t id[16], other[16];

	some_packs(packs);
	test_id('O', 0, id);
	test_id('O', 9, other);
	test_body(&body, other, 1, packs, 2, other, 1);
	vrv_index_listing_begin(index);
	assert_int_equal(vrv_index_listing_add(index, id, &err), 0);
	assert_true(vrv_index_wants(index, id));
	for (size_t n = 0; n < body.len; n += 1 + n / 50)
		assert_int_not_equal(vrv_index_load(index, id, body.data, n,
					 true, &err),
		    0);
	vrv_buf_u8(&body, 0);
	assert_int_equal(vrv_index_load(index, id, body.data, body.len, true,
			     &err),
	    VARVE_CORRUPT);
	test_body(&body, NULL, 0, packs, 1, NULL, 0);
	assert_int_equal(vrv_index_load(index, other, body.data, body.len, true,
			     &err),
	    VARVE_USAGE);
	assert_int_equal(vrv_index_listing_end(index, &err), 0);
	assert_int_equal(vrv_index_stats(index, &stats, &err), 0);
	assert_int_equal(stats.packs, 0);
	test_pack_entry(&packs[0], &entry);
	for (size_t n = 0; n < entry.len; n += 1 + n / 50)
		assert_int_not_equal(vrv_index_add(index, entry.data, n, &err),
		    0);
	vrv_buf_u8(&entry, 0);
	assert_int_equal(vrv_index_add(index, entry.data, entry.len, &err),
	    VARVE_CORRUPT);
	check_absent(index, 0, FRAMES * CHUNKS);
	assert_int_equal(vrv_index_stats(index, &stats, &err), 0);
	assert_int_equal(stats.packs, 0);
	vrv_buf_fini(&body);
	vrv_buf_fini(&entry);
	vrv_index_free(index);
}

static void
test_no_folder(void **state)
{
	const struct test_folder *folder = *state;
	struct vrv_index *index = test_open(NULL);
	struct test_pack packs[PACKS];
	struct varve_err err;
	char path[128], *note = NULL;

	some_packs(packs);
	for (uint32_t i = 1; i <= PACKS; i++)
		assert_int_equal(test_list(index, packs, i), 1);
	for (uint32_t i = 0; i < PACKS; i++)
		check_pack(index, &packs[i]);
	vrv_index_free(index);

	/* A file where the folder should be. */
	strcpy(path, folder->path);
	strcat(path, "/file");
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(vrv_index_open(path, test_repository, &index, &note,
			     &err),
	    0);
	assert_non_null(note);
	free(note);
	assert_int_equal(test_list(index, packs, 3), 3);
	check_pack(index, &packs[2]);
	vrv_index_free(index);
}

static void
test_other_repository(void **state)
{
	const struct test_folder *folder = *state;
	struct vrv_index *index = test_open(folder);
	uint8_t other[VRV_REPO_ID] = "another";
	struct test_pack packs[PACKS];
	struct varve_err err;
	char *note = NULL;

	some_packs(packs);
	assert_int_equal(test_list(index, packs, 3), 3);
	vrv_index_free(index);
	assert_int_equal(vrv_index_open(folder->path, other, &index, &note,
			     &err),
	    0);
	assert_null(note);
	assert_int_equal(test_list(index, packs, 3), 3);
	vrv_index_free(index);
}

/* --- two handles --- */

static void
flush_pack(struct vrv_index *index, const struct test_pack *pack)
{
	struct vrv_buf entry = {0};
	struct varve_err err;
	uint8_t id[16];

	test_pack_entry(pack, &entry);
	test_id('O', pack->no, id);
	assert_int_equal(vrv_index_add(index, entry.data, entry.len, &err), 0);
	assert_int_equal(vrv_index_flush(index, id, &err), 0);
	vrv_buf_fini(&entry);
}

static void
test_two_handles(void **state)
{
	enum {
		N = 40
	};
	const struct test_folder *folder = *state;
	struct test_pack packs[N];

	for (uint32_t i = 0; i < N; i++)
		packs[i] = (struct test_pack){i, 2, 10, i * 20, 1u << 30};
	struct vrv_index *a = test_open(folder), *b = test_open(folder);
	assert_int_equal(test_list(a, packs, 4), 4);
	/* b opened before a wrote: it fetches them too. */
	assert_int_equal(test_list(b, packs, 4), 4);
	/* Both flush and merge in turns; neither takes the other's away. */
	for (uint32_t i = 4; i < N; i++)
		flush_pack(i % 2 ? a : b, &packs[i]);
	for (uint32_t i = 4; i < N; i++)
		check_pack(i % 2 ? a : b, &packs[i]);
	struct vrv_index *c = test_open(folder);
	assert_int_equal(test_list(c, packs, N), 0);
	for (uint32_t i = 0; i < N; i++)
		check_pack(c, &packs[i]);
	/* c merged what a and b have open; they work on. */
	for (uint32_t i = 0; i < 4; i++) {
		check_pack(a, &packs[i]);
		check_pack(b, &packs[i]);
	}
	test_list(a, packs, N);
	for (uint32_t i = 0; i < N; i++)
		check_pack(a, &packs[i]);
	vrv_index_free(a);
	vrv_index_free(b);
	vrv_index_free(c);
	assert_true(test_folder_count(folder, "run-") <= 16);
}

/* --- lookups beside adding --- */

struct reader {
	struct vrv_index *index;
	atomic_uint added; /* packs that must be found */
	atomic_bool over;
	atomic_uint wrong;
};

static void *
read_on(void *arg)
{
	struct reader *r = arg;
	uint64_t seed = 5;

	while (!atomic_load(&r->over)) {
		uint32_t n = atomic_load(&r->added);
		if (n == 0)
			continue;
		const struct test_pack pack = {test_random(&seed) % n, 2, 10, 0,
		    1u << 30};
		struct vrv_location want, got;
		struct varve_err err;
		uint32_t prefix, found;
		uint8_t id[16];

		want = test_location(&pack, 1, 3, &prefix);
		test_id('C', prefix + pack.no * 20, id);
		if (vrv_index_find(r->index, id, &got, 1, &found, &err) != 0 ||
		    !test_same_location(&got, &want))
			atomic_fetch_add(&r->wrong, 1);
	}
	return NULL;
}

static void
test_threads(void **state)
{
	struct reader r = {.index = test_open(*state)};
	struct vrv_buf entry = {0};
	struct varve_err err;
	pthread_t threads[3];
	uint8_t id[16];

	assert_int_equal(test_list(r.index, NULL, 0), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_on, &r),
		    0);
	for (uint32_t i = 0; i < 200; i++) {
		const struct test_pack pack = {i, 2, 10, i * 20, 1u << 30};
		vrv_buf_clear(&entry);
		test_pack_entry(&pack, &entry);
		assert_int_equal(vrv_index_add(r.index, entry.data, entry.len,
				     &err),
		    0);
		atomic_store(&r.added, i + 1);
		test_id('O', i, id);
		if (i % 5 == 4)
			assert_int_equal(vrv_index_flush(r.index, id, &err), 0);
	}
	atomic_store(&r.over, true);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&r.wrong), 0);
	vrv_buf_fini(&entry);
	vrv_index_free(r.index);
}

/* An entry of one frame of chunk `no`: of a kind that nobody knows yet, or of
 * one that is known. */
static void
put_one(struct vrv_buf *b, uint32_t pack_no, bool later, uint32_t no)
{
	static const struct vrv_pack_key key = {.epk = {7}};
	struct vrv_pack_frame frame = {.kind = VRV_FRAME_DATA,
	    .offset = VRV_HEADER_SIZE,
	    .stored = 50,
	    .plain = 40,
	    .n = 1};
	uint8_t pack[16], id[16];

	test_id('P', pack_no, pack);
	test_id('C', no, id);
	frame.ids = id;
	vrv_buf_clear(b);
	vrv_pack_entry_put(b, pack, 500, &key, later ? 0 : 1, 1);
	size_t record = b->len + 1; /* behind its size, which is one byte */
	vrv_pack_frame_put(b, &frame, VRV_HEADER_SIZE);
	if (later)
		b->data[record] = 3;
	vrv_pack_entry_end_put(b);
	assert_false(b->failed);
}

static void
check_later(struct vrv_index *index, uint32_t no, int rc)
{
	struct vrv_location at;
	struct varve_err err;
	uint8_t id[16];
	uint32_t n;
	bool has;

	test_id('C', no, id);
	assert_int_equal(vrv_index_find(index, id, &at, 1, &n, &err), rc);
	if (rc == VARVE_FORMAT)
		assert_int_equal(vrv_err_exit(&err), VARVE_EXIT_FEATURE);
	assert_int_equal(vrv_index_has(index, VRV_FRAME_DATA, id, &has, &err),
	    0);
	assert_int_equal(has, rc == 0);
}

/* What lies in frames of a later version only is neither found nor lost, and
 * takes nothing else with it. */
static void
test_later_frames(void **state)
{
	struct vrv_index *index = test_open(*state);
	struct vrv_buf entry = {0};
	struct varve_err err;
	uint8_t object[16];

	for (uint32_t i = 0; i < 2; i++) {
		put_one(&entry, i, true, i);
		assert_int_equal(vrv_index_add(index, entry.data, entry.len,
				     &err),
		    0);
	}
	put_one(&entry, 2, false, 1);
	assert_int_equal(vrv_index_add(index, entry.data, entry.len, &err), 0);
	for (int flushed = 0; flushed < 2; flushed++) {
		check_later(index, 0, VARVE_FORMAT);
		check_later(index, 1, 0);
		check_later(index, 2, VARVE_NOENT);
		test_id('O', 0, object);
		if (flushed == 0)
			assert_int_equal(vrv_index_flush(index, object, &err),
			    0);
	}
	vrv_buf_fini(&entry);
	vrv_index_free(index);
}

int
test_index_basic(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(test_life),
	    T(test_files),
	    T(test_add_and_flush),
	    T(test_bases_after_flush),
	    T(test_many_copies),
	    T(test_dropped_packs),
	    T(test_superseded_and_lost),
	    T(test_lost_by_a_writer),
	    T(test_vanished),
	    T(test_bad_bodies),
	    T(test_later_frames),
	    T(test_no_folder),
	    T(test_other_repository),
	    T(test_two_handles),
	    T(test_threads),
	};
#undef T
	return cmocka_run_group_tests_name("index", tests, NULL, NULL);
}
