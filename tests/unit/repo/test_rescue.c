/* SPDX-License-Identifier: BSD-2-Clause */
/* Packs that no usable index object names, and errors of several copies. */
#include "repo_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "faultstore.h"
#include "laterpack.h"

/* Store the one chunk of most tests, as a client that then goes away. */
static void
store_one(struct world *w, uint8_t ret_id[VRV_ID_SIZE])
{
	struct vrv_repo *repo = must_open(w);

	put_one(repo, VRV_FRAME_DATA, 1, 300, ret_id);
	vrv_repo_close(repo);
}

/* Loading the index fails, and a second look succeeds. */
static void
test_index_fails_once(void **state)
{
	static const int codes[] = {VARVE_NOENT, VARVE_CORRUPT};
	struct world *w = *state;
	uint8_t id[VRV_ID_SIZE];
	struct vrv_store *store;
	struct varve_err err;

	store_one(w, id);
	for (unsigned i = 0; i < 2; i++) {
		const struct faultstore_fault fault = {.op = FAULT_LIST,
		    .nth = 1,
		    .prefix = "index/",
		    .persistent = i == 0,
		    .code = codes[i]};

		client(w, 1 + i);
		struct vrv_repo *repo = open_faulty(w, &store);
		faultstore_arm(store, &fault);
		if (i == 0)
			assert_int_not_equal(get_one(repo, VRV_FRAME_DATA, id,
						 1, 300, &err),
			    0);
		else
			MUST(get_one(repo, VRV_FRAME_DATA, id, 1, 300, &err));
		vrv_repo_close(repo);
	}
}

/* An index object was deleted: the pack's own directory tells, and packs/ is
 * listed once, however many chunks are missing. */
static void
test_deleted_index(void **state)
{
	struct world *w = *state;
	uint8_t id[VRV_ID_SIZE], none[VRV_ID_SIZE];
	struct varve_err err;

	store_one(w, id);
	remove_first(w, "index/");

	client(w, 1);
	struct vrv_repo *repo = must_open(w);
	w->hooks.log[0] = '\0';
	MUST(get_one(repo, VRV_FRAME_DATA, id, 1, 300, &err));
	memset(none, 9, sizeof(none));
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(get_one(repo, VRV_FRAME_DATA, none, 1, 300,
				     &err),
		    VARVE_CORRUPT);
	assert_int_equal(hooks_count(&w->hooks, "list packs/"), 1);
	vrv_repo_close(repo);
}

/* A listing that fails is not an empty one. */
static void
test_failed_listing(void **state)
{
	struct world *w = *state;
	const struct faultstore_fault fault = {.op = FAULT_LIST,
	    .nth = 1,
	    .prefix = "packs/",
	    .code = VARVE_IO};
	uint8_t id[VRV_ID_SIZE];
	struct vrv_store *store;
	struct varve_err err;

	store_one(w, id);
	remove_first(w, "index/");
	client(w, 1);
	struct vrv_repo *repo = open_faulty(w, &store);
	faultstore_arm(store, &fault);
	assert_int_equal(get_one(repo, VRV_FRAME_DATA, id, 1, 300, &err),
	    VARVE_IO);
	MUST(get_one(repo, VRV_FRAME_DATA, id, 1, 300, &err));
	vrv_repo_close(repo);
}

/* Building the index anew fails half way: what is left must not pass for it. */
static void
test_failed_rebuild(void **state)
{
	struct world *w = *state;
	const struct faultstore_fault fault = {.op = FAULT_LIST,
	    .nth = 1,
	    .prefix = "index/",
	    .code = VARVE_IO};
	uint8_t id[VRV_ID_SIZE];
	struct vrv_index *index;
	struct vrv_store *store;
	struct varve_err err;
	bool has = false;

	store_one(w, id);
	struct vrv_repo *repo = open_faulty(w, &store);
	MUST(vrv_repo_index(repo, &index, &err));
	faultstore_arm(store, &fault);
	assert_int_equal(vrv_repo_index_reload(repo, true, &err), VARVE_IO);
	MUST(vrv_repo_index(repo, &index, &err));
	MUST(vrv_index_has(index, VRV_FRAME_DATA, id, &has, &err));
	assert_true(has);
	vrv_repo_close(repo);
}

/* A pack under the name of another one is none. */
static void
test_renamed_pack(void **state)
{
	struct world *w = *state;
	char pack[VRV_NAME_SIZE], index[VRV_NAME_SIZE];
	uint8_t id[VRV_ID_SIZE], *bytes;
	struct varve_err err;
	size_t n;

	store_one(w, id);
	name_at(w, "packs/", 0, pack);
	name_at(w, "index/", 0, index);
	MUST(vrv_store_get_all(w->store, pack, 1 << 20, &bytes, &n, &err));
	remove_object(w, index);
	remove_object(w, pack);
	char *last = pack + strlen(pack) - 1;
	*last = *last == '0' ? '1' : '0';
	MUST(vrv_store_put(w->store, pack, bytes, n, &err));
	free(bytes);
	client(w, 1);
	struct vrv_repo *repo = must_open(w);
	assert_int_equal(get_one(repo, VRV_FRAME_DATA, id, 1, 300, &err),
	    VARVE_CORRUPT);
	assert_non_null(strstr(w->notes, "that of another pack"));
	vrv_repo_close(repo);
}

/* Packs that are younger than asked for belong to a run that is going on. */
static void
test_young_pack(void **state)
{
	struct world *w = *state;
	uint8_t id[VRV_ID_SIZE];
	struct vrv_packs packs;
	struct varve_err err;

	store_one(w, id);
	remove_first(w, "index/");
	client(w, 1);
	struct vrv_repo *repo = must_open(w);
	MUST(vrv_packs_list(repo, &packs, &err));
	assert_int_equal(packs.n, 1);
	MUST(vrv_repo_rescue(repo, &packs, packs.items[0].time - 1, &err));
	assert_false(vrv_repo_has_unnamed(repo));
	MUST(vrv_repo_rescue(repo, &packs, packs.items[0].time, &err));
	assert_true(vrv_repo_is_unnamed(repo, packs.items[0].id));
	vrv_packs_fini(&packs);
	vrv_repo_close(repo);
}

static int
spoil_packs(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const off_t at = 2 * 4096 + 10; /* behind the header and the objects */
	uint8_t byte;

	(void)st, (void)ftw;
	if (type != FTW_F || strstr(path, "/run-") == NULL)
		return 0;
	int fd = open(path, O_RDWR);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
	return 0;
}

/* A damaged cache does not make packs look as if no object named them. */
static void
test_damaged_cache(void **state)
{
	struct world *w = *state;
	struct vrv_index_stats stats;
	uint8_t id[VRV_ID_SIZE];
	struct vrv_packs packs;
	struct varve_err err;

	store_one(w, id);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(nftw(w->cache, spoil_packs, 8, FTW_PHYS), 0);
		struct vrv_repo *repo = must_open(w);
		if (i == 0) {
			MUST(vrv_packs_list(repo, &packs, &err));
			MUST(vrv_repo_rescue(repo, &packs, INT64_MAX, &err));
			vrv_packs_fini(&packs);
			assert_false(vrv_repo_has_unnamed(repo));
		}
		MUST(vrv_repo_index_stats(repo, &stats, &err));
		assert_int_equal(stats.packs, 1);
		assert_int_equal(stats.chunks, 1);
		MUST(get_one(repo, VRV_FRAME_DATA, id, 1, 300, &err));
		vrv_repo_close(repo);
	}
	assert_string_equal(w->notes, "");
}

/* Damage of the cache costs one look at index/: chunks that are stored are
 * still found, and the cache is whole again. */
static void
test_healed_cache(void **state)
{
	struct world *w = *state;
	uint8_t id[VRV_ID_SIZE], none[VRV_ID_SIZE];
	struct vrv_index *index;
	struct vrv_location at;
	struct varve_err err;
	uint32_t n;
	bool has;

	store_one(w, id);
	memset(none, 8, sizeof(none));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(nftw(w->cache, spoil_packs, 8, FTW_PHYS), 0);
		struct vrv_repo *repo = must_open(w);
		if (i == 0)
			put_one(repo, VRV_FRAME_DATA, 1, 300, id);
		has = false;
		MUST(vrv_repo_index_has(repo, VRV_FRAME_DATA, id, &has, &err));
		assert_true(has);
		for (int j = 0; j < 3; j++)
			assert_int_equal(vrv_repo_index_find(repo, none, &at, 1,
					     &n, &err),
			    VARVE_NOENT);
		assert_int_equal(count(w, "packs/"), 1);
		assert_int_equal(hooks_count(&w->hooks, "list index/"), 2);
		vrv_repo_close(repo);

		repo = must_open(w);
		MUST(vrv_repo_index(repo, &index, &err));
		MUST(vrv_index_find(index, id, &at, 1, &n, &err));
		vrv_repo_close(repo);
	}
}

/* A pack that the store refuses is one to store again, and it is known why. */
static void
test_refused_pack(void **state)
{
	struct world *w = *state;
	struct faultstore_fault fault = {.op = FAULT_HEAD,
	    .nth = 1,
	    .prefix = "packs/",
	    .sys = EACCES,
	    .persistent = true};
	uint8_t id[VRV_ID_SIZE];
	struct vrv_store *store;
	struct varve_err err, cause;
	struct vrv_location at;
	bool there = true;
	uint32_t n;

	store_one(w, id);
	struct vrv_repo *repo = open_faulty(w, &store);
	MUST(vrv_repo_locate(repo, id, &at, 1, &n, &err));
	MUST(vrv_pack_look(repo, at.pack, at.length, &there, &cause, &err));
	assert_true(there);
	assert_int_equal(cause.code, 0);
	faultstore_arm(store, &fault);
	MUST(vrv_pack_look(repo, at.pack, at.length, &there, &cause, &err));
	assert_false(there);
	assert_int_equal(vrv_err_exit(&cause), VARVE_EXIT_PERMISSION);
	fault.sys = EMFILE;
	faultstore_arm(store, &fault);
	assert_int_not_equal(vrv_pack_look(repo, at.pack, at.length, &there,
				 &cause, &err),
	    0);
	vrv_repo_close(repo);
}

/* A run that stores packs of its own does not tell this client's index that
 * its index object names rescued ones. */
static void
test_not_named_by_chance(void **state)
{
	struct world *w = *state;
	uint8_t id[VRV_ID_SIZE], other[VRV_ID_SIZE], pack[VRV_OBJECT_ID];
	char index[VRV_NAME_SIZE], text[VRV_NAME_SIZE];
	struct vrv_name name;
	struct varve_err err;

	store_one(w, id);
	name_at(w, "packs/", 0, text);
	assert_true(vrv_name_parse(text, &name));
	memcpy(pack, name.id, sizeof(pack));
	name_at(w, "index/", 0, index);
	damage(w, index, 100);
	client(w, 1);
	struct vrv_repo *repo = must_open(w);
	MUST(get_one(repo, VRV_FRAME_DATA, id, 1, 300, &err));
	put_one(repo, VRV_FRAME_DATA, 2, 300, other);
	assert_true(vrv_repo_is_unnamed(repo, pack));
	vrv_repo_close(repo);
	remove_object(w, index);

	/* Not from its cache: by a listing of the packs. */
	repo = must_open(w);
	w->hooks.log[0] = '\0';
	MUST(get_one(repo, VRV_FRAME_DATA, id, 1, 300, &err));
	assert_int_equal(hooks_count(&w->hooks, "list packs/"), 1);
	vrv_repo_close(repo);
}

/* --- what index objects say in clear --- */

/* The first index object as it lies in the store; its clear part. */
static struct vrv_index_clear
clear_part(struct world *w, char name[VRV_NAME_SIZE], uint8_t **ret_bytes,
    size_t *ret_n)
{
	struct vrv_index_clear clear;
	struct varve_err err;

	name_at(w, "index/", 0, name);
	MUST(
	    vrv_store_get_all(w->store, name, 1 << 20, ret_bytes, ret_n, &err));
	struct vrv_rd r =
	    vrv_rd_over(*ret_bytes + VRV_HEADER_SIZE, *ret_n - VRV_HEADER_SIZE);
	MUST(vrv_index_clear_get(&r, &clear, &err));
	return clear;
}

/* The one index object vouches for the one pack, or for none of its bytes. */
static void
check_vouched(struct world *w, bool vouched)
{
	uint8_t *pack, *index, hash[VRV_PACK_HASH] = {0};
	char name[VRV_NAME_SIZE];
	struct vrv_pack_sum sum;
	struct vrv_name parsed;
	struct varve_err err;
	size_t n, index_n;

	assert_int_equal(count(w, "packs/"), 1);
	assert_int_equal(count(w, "index/"), 1);
	name_at(w, "packs/", 0, name);
	assert_true(vrv_name_parse(name, &parsed));
	MUST(vrv_store_get_all(w->store, name, 4 << 20, &pack, &n, &err));
	if (vouched)
		vrv_blake2b(hash, sizeof(hash), NULL, pack, n);
	struct vrv_index_clear clear = clear_part(w, name, &index, &index_n);
	assert_int_equal(clear.n, 1);
	vrv_pack_sum_get(&clear, 0, &sum);
	assert_memory_equal(sum.pack, parsed.id, VRV_OBJECT_ID);
	assert_int_equal(sum.length, n);
	assert_memory_equal(sum.hash, hash, sizeof(hash));
	free(pack);
	free(index);
}

static bool
none(void *arg, const uint8_t pack[VRV_OBJECT_ID])
{
	(void)arg, (void)pack;
	return false;
}

static void
name_rescued(struct world *w, const uint8_t id[VRV_ID_SIZE], size_t n)
{
	static const uint8_t tag[VRV_TAG_SIZE];
	struct vrv_buf ids = {0};
	struct varve_err err;
	bool gone;

	struct vrv_repo *repo = must_open(w);
	MUST(get_one(repo, VRV_FRAME_DATA, id, 1, n, &err));
	MUST(vrv_repo_name_packs(repo, tag, none, NULL, &ids, &gone, &err));
	assert_int_equal(ids.len, VRV_OBJECT_ID);
	assert_false(gone);
	vrv_buf_fini(&ids);
	vrv_repo_close(repo);
}

/* By the run that stored the pack, by one that found it, and by one that found
 * it damaged: its good frames are named, its bytes are not vouched for. */
static void
test_packs_are_vouched_for(void **state)
{
	const size_t large = (3 << 20) + 1; /* more than one piece to hash */
	struct world *w = *state;
	char name[VRV_NAME_SIZE];
	uint8_t id[VRV_ID_SIZE];
	struct varve_err err;

	struct vrv_repo *repo = must_open(w);
	put_one(repo, VRV_FRAME_DATA, 1, large, id);
	vrv_repo_close(repo);
	check_vouched(w, true);
	remove_first(w, "index/");
	client(w, 1);
	name_rescued(w, id, large);
	check_vouched(w, true);
	assert_null(strstr(w->notes, "checksum"));

	remove_first(w, "index/");
	name_at(w, "packs/", 0, name);
	uint64_t size;
	MUST(vrv_store_head(w->store, name, &size, NULL, &err));
	damage(w, name, (size_t)size - VRV_PACK_TAIL - 1); /* padding */
	client(w, 2);
	name_rescued(w, id, large);
	check_vouched(w, false);
	assert_non_null(strstr(w->notes, "checksum is wrong"));
}

/* Store again what was sealed, below a clear part that says something else. */
static void
test_clear_part_that_lies(void **state)
{
	struct world *w = *state;
	vrv_auto_buf struct vrv_buf plain = {0}, object = {0};
	vrv_auto_object struct vrv_object whole = {0};
	struct vrv_name name = {.type = VRV_INDEX, .suffix = 'b'};
	uint8_t id[VRV_ID_SIZE], *bytes;
	char text[VRV_NAME_SIZE];
	struct vrv_pack_sum sum;
	struct varve_err err;
	size_t n;

	store_one(w, id);
	struct vrv_index_clear clear = clear_part(w, text, &bytes, &n);
	vrv_pack_sum_get(&clear, 0, &sum);
	free(bytes);
	struct vrv_repo *repo = must_open(w);
	MUST(vrv_repo_fetch(repo, text, &whole, &err));
	MUST(vrv_object_open_index(repo, &whole, &plain, &err));
	sum.pack[3] ^= 1;
	MUST(vrv_draft_begin(repo, &name, false, &object, &err));
	vrv_index_clear_put(&object, &sum, 1);
	MUST(vrv_draft_seal_index(repo, &object, &plain, &err));
	MUST(vrv_draft_store(repo, &name, &object, false, &err));
	vrv_repo_close(repo);
	remove_object(w, text);

	client(w, 1);
	repo = must_open(w);
	MUST(get_one(repo, VRV_FRAME_DATA, id, 1, 300, &err));
	assert_non_null(strstr(w->notes, "names other packs than it has"));
	vrv_repo_close(repo);
}

/* A chunk in a frame of a later version, and one in another of that pack. */
static void
store_later(struct world *w, uint8_t data[VRV_ID_SIZE],
    uint8_t meta[VRV_ID_SIZE])
{
	struct vrv_repo *repo = must_open(w);
	uint8_t bytes[300];
	struct storing s;
	struct varve_err err;
	bool fresh;

	MUST(storing_begin(&s, repo, 2, UINT64_MAX, &err));
	noise(1, bytes, sizeof(bytes));
	MUST(
	    vrv_lane_put(s.lanes[0], bytes, sizeof(bytes), data, &fresh, &err));
	noise(2, bytes, sizeof(bytes));
	MUST(
	    vrv_lane_put(s.lanes[1], bytes, sizeof(bytes), meta, &fresh, &err));
	MUST(storing_join(&s, &err));
	storing_end(&s);
	later_first_frame(repo);
	vrv_repo_close(repo);
}

/* It takes nothing else with it. What is only there is neither lost nor
 * damaged, by the index and by the pack's own directory. */
static void
test_later_frame(void **state)
{
	uint8_t data[VRV_ID_SIZE], meta[VRV_ID_SIZE];
	struct world *w = *state;
	struct varve_err err;

	store_later(w, data, meta);
	for (unsigned i = 1; i <= 2; i++) {
		client(w, i);
		struct vrv_repo *repo = must_open(w);
		assert_int_equal(get_one(repo, VRV_FRAME_DATA, data, 1, 300,
				     &err),
		    VARVE_FORMAT);
		assert_int_equal(vrv_err_exit(&err), VARVE_EXIT_FEATURE);
		MUST(get_one(repo, VRV_FRAME_META, meta, 2, 300, &err));
		vrv_repo_close(repo);
		if (i == 1)
			remove_first(w, "index/");
	}
}

/* A writer stores again what is only there. */
static void
test_later_frame_is_stored_again(void **state)
{
	uint8_t data[VRV_ID_SIZE], meta[VRV_ID_SIZE];
	struct world *w = *state;
	struct varve_err err;

	store_later(w, data, meta);
	client(w, 1);
	struct vrv_repo *repo = must_open(w);
	put_one(repo, VRV_FRAME_DATA, 1, 300, data);
	MUST(get_one(repo, VRV_FRAME_DATA, data, 1, 300, &err));
	vrv_repo_close(repo);
	assert_int_equal(count(w, "packs/"), 2);
}

/* Two copies in two packs, seen by a third client. */
static struct vrv_repo *
two_copies(struct world *w, uint8_t id[VRV_ID_SIZE], struct vrv_store **ret)
{
	struct vrv_index *index;
	struct varve_err err;

	struct vrv_repo *a = must_open(w);
	client(w, 1);
	struct vrv_repo *b = must_open(w);
	MUST(vrv_repo_index(a, &index, &err));
	MUST(vrv_repo_index(b, &index, &err));
	put_one(a, VRV_FRAME_DATA, 5, 900, id);
	put_one(b, VRV_FRAME_DATA, 5, 900, id);
	vrv_repo_close(a);
	vrv_repo_close(b);
	client(w, 2);
	return open_faulty(w, ret);
}

static void
test_which_error(void **state)
{
	struct world *w = *state;
	struct faultstore_fault fault = {.op = FAULT_GET,
	    .nth = 1,
	    .prefix = "packs/",
	    .code = VARVE_IO};
	char name[VRV_NAME_SIZE];
	uint8_t id[VRV_ID_SIZE];
	struct vrv_store *store;
	struct varve_err err;

	struct vrv_repo *repo = two_copies(w, id, &store);
	for (unsigned i = 0; i < 2; i++) {
		name_at(w, "packs/", i, name);
		damage(w, name, VRV_HEADER_SIZE + 100);
	}
	/* One copy is damaged, the other may be whole. */
	for (unsigned nth = 1; nth <= 2; nth++) {
		fault.nth = nth;
		faultstore_arm(store, &fault);
		assert_int_equal(get_one(repo, VRV_FRAME_DATA, id, 5, 900,
				     &err),
		    VARVE_IO);
	}
	faultstore_arm(store, NULL);
	assert_int_equal(get_one(repo, VRV_FRAME_DATA, id, 5, 900, &err),
	    VARVE_CORRUPT);
	/* Without memory the other copy is not tried. */
	fault = (struct faultstore_fault){.op = FAULT_GET,
	    .nth = 1,
	    .prefix = "packs/",
	    .code = VARVE_NOMEM};
	faultstore_arm(store, &fault);
	unsigned before = faultstore_calls(store, FAULT_GET);
	assert_int_equal(get_one(repo, VRV_FRAME_DATA, id, 5, 900, &err),
	    VARVE_NOMEM);
	assert_int_equal(faultstore_calls(store, FAULT_GET) - before, 1);
	vrv_repo_close(repo);
}

/* A pack that was cut short counts as not there: its chunks are stored again.
 */
static void
test_short_pack(void **state)
{
	struct world *w = *state;
	uint8_t id[VRV_ID_SIZE], again[VRV_ID_SIZE], *bytes;
	char name[VRV_NAME_SIZE];
	struct varve_err err;
	size_t n;

	store_one(w, id);
	name_at(w, "packs/", 0, name);
	MUST(vrv_store_get_all(w->store, name, 1 << 20, &bytes, &n, &err));
	remove_object(w, name);
	MUST(vrv_store_put(w->store, name, bytes, n - 1, &err));
	free(bytes);
	struct vrv_repo *repo = must_open(w);
	put_one(repo, VRV_FRAME_DATA, 1, 300, again);
	vrv_repo_close(repo);
	assert_int_equal(count(w, "packs/"), 2);
	client(w, 1);
	repo = must_open(w);
	MUST(get_one(repo, VRV_FRAME_DATA, id, 1, 300, &err));
	vrv_repo_close(repo);
}

int
run_rescue_tests(void)
{
	const struct CMUnitTest tests[] = {
	    WORLD_TEST(test_index_fails_once),
	    WORLD_TEST(test_deleted_index),
	    WORLD_TEST(test_failed_listing),
	    WORLD_TEST(test_failed_rebuild),
	    WORLD_TEST(test_renamed_pack),
	    WORLD_TEST(test_young_pack),
	    WORLD_TEST(test_damaged_cache),
	    WORLD_TEST(test_not_named_by_chance),
	    WORLD_TEST(test_healed_cache),
	    WORLD_TEST(test_refused_pack),
	    WORLD_TEST(test_packs_are_vouched_for),
	    WORLD_TEST(test_clear_part_that_lies),
	    WORLD_TEST(test_later_frame),
	    WORLD_TEST(test_later_frame_is_stored_again),
	    WORLD_TEST(test_which_error),
	    WORLD_TEST(test_short_pack),
	};

	return cmocka_run_group_tests_name("rescue", tests, NULL, NULL);
}
