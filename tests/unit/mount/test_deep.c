/* SPDX-License-Identifier: BSD-2-Clause */
/* Merged directories so deep that one frame of the C stack for each of them
 * would be too much. What the catalog says is made up here (see meson.build).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mount/merged.h"
#include "mount/mount_internal.h"

#define DEPTH 300000

void __wrap_vrv_versions_refresh(struct vrv_mount *, struct vrv_versions *);
int __wrap_vrv_catalog_series(struct vrv_catalog *,
    const struct vrv_catalog_series **ret, size_t *ret_n,
    struct varve_err *err);
int __wrap_vrv_catalog_child(struct vrv_catalog *, int64_t dir,
    const uint8_t *name, size_t n, struct vrv_catalog_child *ret,
    struct varve_err *err);
int __wrap_vrv_catalog_children(struct vrv_catalog *, int64_t dir,
    const uint8_t *after, size_t after_n, vrv_catalog_child_fn *fn, void *arg,
    struct varve_err *err);

void
__wrap_vrv_versions_refresh(struct vrv_mount *m, struct vrv_versions *v)
{
	(void)m, (void)v;
}

int
__wrap_vrv_catalog_series(struct vrv_catalog *c,
    const struct vrv_catalog_series **ret, size_t *ret_n, struct varve_err *err)
{
	static const struct vrv_catalog_series one = {.root = 1};

	(void)c, (void)err;
	*ret = &one;
	*ret_n = 1;
	return 0;
}

/* Directory n is in directory n - 1. */
int
__wrap_vrv_catalog_child(struct vrv_catalog *c, int64_t dir,
    const uint8_t *name, size_t n, struct vrv_catalog_child *ret,
    struct varve_err *err)
{
	(void)c, (void)err;
	*ret = (struct vrv_catalog_child){.name = {name, n}, .dir = dir + 1};
	return 0;
}

int
__wrap_vrv_catalog_children(struct vrv_catalog *c, int64_t dir,
    const uint8_t *after, size_t after_n, vrv_catalog_child_fn *fn, void *arg,
    struct varve_err *err)
{
	(void)c, (void)after, (void)after_n, (void)fn, (void)arg, (void)err;
	assert_int_equal(dir, DEPTH + 1);
	return 0;
}

static bool
count(void *arg, const struct vrv_listed *listed)
{
	(void)listed;
	++*(unsigned *)arg;
	return true;
}

static void
test_deep(void **state)
{
	struct vrv_versions v = {.epoch = 1,
	    .by_key = vrv_map_new(24, sizeof(void *))};
	struct vrv_mount m = {.versions = &v};
	vrv_auto_buf struct vrv_buf path = {0};
	unsigned told = 0;
	struct varve_err err;

	(void)state;
	assert_int_equal(pthread_mutex_init(&v.lock, NULL), 0);
	assert_non_null(v.by_key);
	struct vrv_record *r = vrv_record_of(&v, NULL, VRV_RECORD_TOP, "", 0);
	for (unsigned i = 0; i < DEPTH; i++) {
		assert_non_null(r);
		r = vrv_record_of(&v, r, VRV_RECORD_NAME, "d", 1);
	}
	assert_non_null(r);

	vrv_versions_path(&m, vrv_record_node(r), &path);
	assert_int_equal(path.len, 2 * DEPTH - 1);
	assert_memory_equal(path.data, "d/d/d/", 6);
	assert_memory_equal(path.data + path.len - 4, "/d/d", 4);

	/* Each of them is looked for again, from the top down. */
	v.epoch = 2;
	int rc =
	    vrv_versions_list(&m, vrv_record_node(r), 0, count, &told, &err);
	if (rc != 0)
		fail_msg("%s", err.message);
	assert_int_equal(told, 2); /* "." and ".." */
	assert_int_equal(r->epoch, 2);

	free(v.records);
	vrv_map_free(v.by_key);
	vrv_arena_fini(&v.arena);
	pthread_mutex_destroy(&v.lock);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_deep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
