/* SPDX-License-Identifier: BSD-2-Clause */

/* What every kind of store must do: store_suite KIND. */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "faultstore.h"
#include "store/store.h"

#define PACK_A "packs/ab/00112233445566778899aabbccddeeff"
#define PACK_B "packs/00/00112233445566778899aabbccddeef0"
#define ARCHIVE "archives/0011223344556677-00112233445566778899aabbccddeeff"

static const char *kind;
static struct varve_err err;

struct fixture {
	struct vrv_store *store;
	char path[64];
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (strstr(kind, "local") != NULL) {
		strcpy(f->path, "/var/tmp/varve-test-XXXXXX");
		if (mkdtemp(f->path) == NULL ||
		    vrv_store_open_local(f->path, true, &f->store, &err) != 0)
			return -1;
	} else if (vrv_store_open_memory(&f->store, &err) != 0) {
		return -1;
	}
	if (strncmp(kind, "fault-", 6) == 0)
		f->store = faultstore_new(f->store);
	*state = f;
	return f->store == NULL ? -1 : 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	int bad = 0;

	vrv_store_free(f->store);
	if (f->path[0] != '\0')
		bad = nftw(f->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(f);
	return bad;
}

struct seen {
	char names[64][VRV_STORE_NAME_MAX + 1];
	uint64_t sizes[64];
	int64_t times[64];
	size_t n, stop_at;
};

static int
see(void *arg, const struct vrv_store_item *item, struct varve_err *e)
{
	struct seen *seen = arg;

	if (seen->stop_at > 0 && seen->n + 1 == seen->stop_at)
		return vrv_fail(e, VARVE_CANCELLED, "enough");
	strcpy(seen->names[seen->n], item->name);
	seen->sizes[seen->n] = item->size;
	seen->times[seen->n++] = item->time;
	return 0;
}

static int
index_of(const struct seen *seen, const char *name)
{
	for (size_t i = 0; i < seen->n; i++) {
		if (strcmp(seen->names[i], name) == 0)
			return (int)i;
	}
	return -1;
}

static size_t
count(struct vrv_store *s, const char *prefix)
{
	struct seen seen = {.n = 0};

	assert_int_equal(vrv_store_list(s, prefix, false, see, &seen, &err), 0);
	return seen.n;
}

static void
a_put_is_there_whole(void **state)
{
	struct vrv_store *s = ((struct fixture *)*state)->store;
	struct vrv_put *put;
	uint64_t size;
	int64_t when;
	char back[11];

	assert_int_equal(vrv_put_begin(s, PACK_A, &put, &err), 0);
	assert_int_equal(vrv_put_write(put, "hello ", 6, &err), 0);
	assert_int_equal(vrv_put_write(put, "", 0, &err), 0);
	assert_int_equal(vrv_put_write(put, "varve", 5, &err), 0);
	assert_int_equal(vrv_store_head(s, PACK_A, NULL, NULL, &err),
	    VARVE_NOENT);
	assert_int_equal(count(s, ""), 0);
	assert_int_equal(vrv_put_commit(put, &err), 0);

	assert_int_equal(vrv_store_head(s, PACK_A, &size, &when, &err), 0);
	assert_int_equal(size, 11);
	assert_in_range(when, time(NULL) - 60, time(NULL) + 60);
	assert_int_equal(vrv_store_head(s, PACK_A, NULL, NULL, &err), 0);
	assert_int_equal(vrv_store_get(s, PACK_A, 0, back, 11, &err), 0);
	assert_memory_equal(back, "hello varve", 11);
	assert_int_equal(vrv_store_get(s, PACK_A, 6, back, 3, &err), 0);
	assert_memory_equal(back, "var", 3);
	assert_int_equal(vrv_store_get(s, PACK_A, 11, back, 0, &err), 0);
}

static void
short_objects_are_corrupt(void **state)
{
	struct vrv_store *s = ((struct fixture *)*state)->store;
	char back[8];

	assert_int_equal(vrv_store_put(s, PACK_A, "12345", 5, &err), 0);
	assert_int_equal(vrv_store_get(s, PACK_A, 0, back, 6, &err),
	    VARVE_CORRUPT);
	assert_non_null(strstr(err.message, PACK_A));
	assert_int_equal(vrv_store_get(s, PACK_A, 4, back, 2, &err),
	    VARVE_CORRUPT);
	assert_int_equal(vrv_store_get(s, PACK_A, 1 << 20, back, 1, &err),
	    VARVE_CORRUPT);
	assert_int_equal(vrv_store_get(s, PACK_B, 0, back, 1, &err),
	    VARVE_NOENT);
	assert_non_null(strstr(err.message, PACK_B));
}

static void
get_all_is_bounded(void **state)
{
	struct vrv_store *s = ((struct fixture *)*state)->store;
	uint8_t *bytes = NULL;
	size_t n = 99;

	assert_int_equal(vrv_store_put(s, ARCHIVE, "12345", 5, &err), 0);
	assert_int_equal(vrv_store_get_all(s, ARCHIVE, 4, &bytes, &n, &err),
	    VARVE_LIMIT);
	assert_null(bytes);
	assert_int_equal(n, 99);
	assert_int_equal(vrv_store_get_all(s, ARCHIVE, 5, &bytes, &n, &err), 0);
	assert_int_equal(n, 5);
	assert_memory_equal(bytes, "12345", 5);
	free(bytes);
	assert_int_equal(vrv_store_put(s, PACK_A, "", 0, &err), 0);
	assert_int_equal(vrv_store_get_all(s, PACK_A, 0, &bytes, &n, &err), 0);
	assert_int_equal(n, 0);
	free(bytes);
	assert_int_equal(vrv_store_get_all(s, PACK_B, 5, &bytes, &n, &err),
	    VARVE_NOENT);
}

static void
nothing_is_overwritten(void **state)
{
	struct vrv_store *s = ((struct fixture *)*state)->store;
	struct vrv_put *first, *second;
	char back[3];

	assert_int_equal(vrv_put_begin(s, PACK_A, &first, &err), 0);
	assert_int_equal(vrv_put_begin(s, PACK_A, &second, &err), 0);
	assert_int_equal(vrv_put_write(first, "one", 3, &err), 0);
	assert_int_equal(vrv_put_write(second, "two", 3, &err), 0);
	assert_int_equal(vrv_put_commit(second, &err), 0);
	assert_int_equal(vrv_put_commit(first, &err), VARVE_EXISTS);
	assert_int_equal(vrv_store_put(s, PACK_A, "six", 3, &err),
	    VARVE_EXISTS);
	assert_int_equal(vrv_store_get(s, PACK_A, 0, back, 3, &err), 0);
	assert_memory_equal(back, "two", 3);
	assert_int_equal(count(s, ""), 1);
}

static void
an_aborted_put_leaves_nothing(void **state)
{
	struct vrv_store *s = ((struct fixture *)*state)->store;
	struct vrv_put *put;

	assert_int_equal(vrv_put_begin(s, PACK_A, &put, &err), 0);
	assert_int_equal(vrv_put_write(put, "one", 3, &err), 0);
	vrv_put_abort(put);
	assert_int_equal(vrv_store_head(s, PACK_A, NULL, NULL, &err),
	    VARVE_NOENT);
	assert_int_equal(count(s, ""), 0);
	assert_int_equal(vrv_store_put(s, PACK_A, "two", 3, &err), 0);
}

static void
lists_by_prefix(void **state)
{
	struct vrv_store *s = ((struct fixture *)*state)->store;
	struct seen seen = {.n = 0};

	assert_int_equal(count(s, ""), 0);
	assert_int_equal(vrv_store_put(s, PACK_A, "a", 1, &err), 0);
	assert_int_equal(vrv_store_put(s, PACK_B, "bb", 2, &err), 0);
	assert_int_equal(vrv_store_put(s, ARCHIVE, "ccc", 3, &err), 0);
	assert_int_equal(count(s, ""), 3);
	assert_int_equal(count(s, "packs/"), 2);
	assert_int_equal(count(s, "packs/a"), 1);
	assert_int_equal(count(s, "packs/ab/"), 1);
	assert_int_equal(count(s, "packs/ab/0011"), 1);
	assert_int_equal(count(s, "packs/ab/0012"), 0);
	assert_int_equal(count(s, "archives/0011223344556677-"), 1);
	assert_int_equal(count(s, "archives/1"), 0);
	assert_int_equal(count(s, "arch"), 1);
	assert_int_equal(count(s, "index/"), 0);
	assert_int_equal(count(s, "nothing/like/it/"), 0);

	assert_int_equal(vrv_store_list(s, "", true, see, &seen, &err), 0);
	assert_int_equal(seen.n, 3);
	int i = index_of(&seen, PACK_B);
	assert_true(i >= 0 && index_of(&seen, PACK_A) >= 0);
	assert_int_equal(seen.sizes[i], 2);
	assert_in_range(seen.times[i], time(NULL) - 60, time(NULL) + 60);
	i = index_of(&seen, ARCHIVE);
	assert_true(i >= 0);
	assert_int_equal(seen.sizes[i], 3);
}

static void
a_listing_ends_with_its_callers_error(void **state)
{
	struct vrv_store *s = ((struct fixture *)*state)->store;
	struct seen seen = {.stop_at = 2};

	assert_int_equal(vrv_store_put(s, PACK_A, "a", 1, &err), 0);
	assert_int_equal(vrv_store_put(s, PACK_B, "b", 1, &err), 0);
	assert_int_equal(vrv_store_put(s, ARCHIVE, "c", 1, &err), 0);
	assert_int_equal(vrv_store_list(s, "", false, see, &seen, &err),
	    VARVE_CANCELLED);
	assert_string_equal(err.message, "enough");
	assert_int_equal(seen.n, 1);
}

static int
delete_it(void *arg, const struct vrv_store_item *item, struct varve_err *e)
{
	return vrv_store_delete(arg, item->name, e);
}

static void
deletes(void **state)
{
	struct vrv_store *s = ((struct fixture *)*state)->store;

	assert_int_equal(vrv_store_put(s, PACK_A, "a", 1, &err), 0);
	assert_int_equal(vrv_store_put(s, PACK_B, "b", 1, &err), 0);
	assert_int_equal(vrv_store_delete(s, PACK_A, &err), 0);
	assert_int_equal(vrv_store_delete(s, PACK_A, &err), 0);
	assert_int_equal(vrv_store_head(s, PACK_A, NULL, NULL, &err),
	    VARVE_NOENT);
	assert_int_equal(count(s, ""), 1);
	assert_int_equal(vrv_store_put(s, ARCHIVE, "c", 1, &err), 0);
	assert_int_equal(vrv_store_list(s, "", false, delete_it, s, &err), 0);
	assert_int_equal(count(s, ""), 0);
	assert_int_equal(vrv_store_sync(s, "", &err), 0);
	assert_int_equal(vrv_store_sync(s, "packs/", &err), 0);
	assert_int_equal(vrv_store_sync(s, "nothing/", &err), 0);
}

static void
refuses_names(void **state)
{
	static const char *const bad[] = {"", "config", "/etc/passwd",
	    "packs/../x", "packs//x", "packs/", "packs/./x", "../x/y",
	    "packs/AB/x", "packs/a b", "a/b/c/d", "packs/.x", "a/\xc3\xa9"};
	struct vrv_store *s = ((struct fixture *)*state)->store;
	char longest[VRV_STORE_NAME_MAX + 2];
	struct vrv_put *put;
	char c;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(vrv_put_begin(s, bad[i], &put, &err),
		    VARVE_USAGE);
		assert_int_equal(vrv_store_head(s, bad[i], NULL, NULL, &err),
		    VARVE_USAGE);
		assert_int_equal(vrv_store_get(s, bad[i], 0, &c, 1, &err),
		    VARVE_USAGE);
		assert_int_equal(vrv_store_delete(s, bad[i], &err),
		    VARVE_USAGE);
	}
	assert_int_equal(vrv_store_sync(s, "../", &err), VARVE_USAGE);
	assert_int_equal(vrv_store_list(s, "packs/../", false, see, NULL, &err),
	    VARVE_USAGE);

	memset(longest, 'x', sizeof(longest));
	memcpy(longest, "keys/", 5);
	longest[VRV_STORE_NAME_MAX + 1] = '\0';
	assert_int_equal(vrv_store_put(s, longest, "", 0, &err), VARVE_USAGE);
	longest[VRV_STORE_NAME_MAX] = '\0';
	assert_int_equal(vrv_store_put(s, longest, "", 0, &err), 0);
	assert_int_equal(count(s, longest), 1);
}

struct worker {
	struct vrv_store *store;
	unsigned id, failures;
};

static void *
put_many(void *arg)
{
	struct worker *w = arg;
	struct varve_err e;
	char name[64], back[64];

	for (unsigned i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "index/%02x%02x", w->id, i);
		size_t n = strlen(name);
		w->failures += vrv_store_put(w->store, name, name, n, &e) != 0;
		w->failures +=
		    vrv_store_get(w->store, name, 0, back, n, &e) != 0 ||
		    memcmp(name, back, n) != 0;
		w->failures +=
		    vrv_store_put(w->store, "keys/same", "x", 1, &e) == 0;
	}
	return NULL;
}

static void
threads_share_it(void **state)
{
	struct vrv_store *s = ((struct fixture *)*state)->store;
	struct worker workers[4];
	pthread_t threads[4];
	unsigned failures = 0;

	assert_int_equal(vrv_store_put(s, "keys/same", "x", 1, &err), 0);
	for (unsigned i = 0; i < 4; i++) {
		workers[i] = (struct worker){s, i, 0};
		assert_int_equal(pthread_create(&threads[i], NULL, put_many,
				     &workers[i]),
		    0);
	}
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		failures += workers[i].failures;
	}
	assert_int_equal(failures, 0);
	assert_int_equal(count(s, "index/"), 32);
}

static void
says_what_it_is(void **state)
{
	struct fixture *f = *state;
	uint64_t dev = 0, inode = 0;

	bool local = f->path[0] != '\0';
	assert_int_equal(vrv_store_identity(f->store, &dev, &inode), local);
	assert_int_equal(inode != 0, local);
	assert_string_equal(vrv_store_location(f->store),
	    local ? f->path : "memory:");
	vrv_store_free(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_put_is_there_whole),
	    TEST(short_objects_are_corrupt),
	    TEST(get_all_is_bounded),
	    TEST(nothing_is_overwritten),
	    TEST(an_aborted_put_leaves_nothing),
	    TEST(lists_by_prefix),
	    TEST(a_listing_ends_with_its_callers_error),
	    TEST(deletes),
	    TEST(refuses_names),
	    TEST(threads_share_it),
	    TEST(says_what_it_is),
	};

	if (argc != 2)
		return 2;
	kind = argv[1];
	return cmocka_run_group_tests_name(kind, tests, NULL, NULL);
}
