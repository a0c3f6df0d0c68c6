/* SPDX-License-Identifier: BSD-2-Clause */
/* No bytes of a key are in memory that is given back: free() and realloc() look
 * at what they get (see meson.build). */
#include "repo_fixture.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void __real_free(void *);
void *__real_realloc(void *, size_t);
void __wrap_free(void *);
void *__wrap_realloc(void *, size_t);

/* Every part of a key file in these tests. */
static const char secret[] = "KEY-BYTES-OF-THIS-TEST.";
/* The compiler takes free() for one that changes nothing here. */
static volatile unsigned unwiped;

static void
look(void *p)
{
	size_t n = p == NULL ? 0 : malloc_usable_size(p);

	if (n > 0 && memmem(p, n, secret, sizeof(secret) - 1) != NULL)
		unwiped++;
}

void
__wrap_free(void *p)
{
	look(p);
	__real_free(p);
}

/* It may move the bytes. */
void *
__wrap_realloc(void *p, size_t n)
{
	look(p);
	return __real_realloc(p, n);
}

/* A key file of `n` bytes. */
static void
make_key(struct world *w, const char *name, size_t n, char path[100])
{
	char *bytes = malloc(n);

	assert_non_null(bytes);
	for (size_t i = 0; i < n; i++)
		bytes[i] = secret[i % (sizeof(secret) - 1)];
	snprintf(path, 100, "%s/%s", w->dir, name);
	write_file(path, bytes, n);
	explicit_bzero(bytes, n);
	free(bytes);
}

static void
test_the_test(void **state)
{
	(void)state;
	/* Volatile: or the compiler sees that nobody reads it. */
	char *volatile p = malloc(sizeof(secret));

	assert_non_null(p);
	memcpy(p, secret, sizeof(secret));
	unwiped = 0;
	free(p);
	assert_int_equal(unwiped, 1);
}

static void
test_key_file(void **state)
{
	struct world *w = *state;
	struct varve_open_options open = options(w, false);
	struct vrv_repo *repo = must_open(w);
	char path[100], id[33];
	struct varve_err err;

	unwiped = 0;
	/* Longer than what one read takes, so that the buffer grows. */
	make_key(w, "long", 300000, path);
	MUST(vrv_repo_slot_add(repo, "long", path, &open, id, &err));
	vrv_repo_close(repo);
	assert_int_equal(unwiped, 0);
	open.key_file = path;
	MUST(vrv_repo_open(reach(w), &open, &repo, &err));
	vrv_repo_close(repo);
	assert_int_equal(unwiped, 0);
}

/* Failures leave no more behind than success. */
static void
test_refused_key_file(void **state)
{
	struct world *w = *state;
	struct varve_open_options open = options(w, false);
	struct vrv_repo *repo = must_open(w), *none;
	char path[100], id[33];
	struct varve_err err;

	unwiped = 0;
	make_key(w, "big", VRV_KEY_FILE_MAX + 1, path);
	assert_int_equal(vrv_repo_slot_add(repo, "b", path, &open, id, &err),
	    VARVE_LIMIT);
	assert_int_equal(unwiped, 0);

	/* Of no slot: first it is looked at as a slot, then tried as a key. */
	make_key(w, "other", 64, path);
	open.key_file = path;
	strcpy(w->passphrase, "wrong");
	assert_int_not_equal(vrv_repo_open(reach(w), &open, &none, &err), 0);
	assert_int_equal(unwiped, 0);
	vrv_repo_close(repo);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_test),
	    WORLD_TEST(test_key_file),
	    WORLD_TEST(test_refused_key_file),
	};

	int failed = cmocka_run_group_tests_name("secrets", tests, NULL, NULL);
	template_fini();
	return failed != 0;
}
