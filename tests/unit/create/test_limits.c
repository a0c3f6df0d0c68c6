/* SPDX-License-Identifier: BSD-2-Clause */
/* What create stores is within the limits of readers, whatever a file system
 * says: at the limit it is read again, above it is counted as lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "create/records.h"
#include "create/source.h"
#include "util/mem.h"

#define MUST(call) assert_int_equal((call), 0)

/* What vrv_os_xattrs() gives (see meson.build). */
static struct vrv_xattr given[400];
static size_t n_given;

int __wrap_vrv_os_xattrs(int dirfd, const char *name, struct vrv_arena *arena,
    struct vrv_xattr **ret, size_t *ret_n, size_t *ret_lost,
    struct varve_err *err);

int
__wrap_vrv_os_xattrs(int dirfd, const char *name, struct vrv_arena *arena,
    struct vrv_xattr **ret, size_t *ret_n, size_t *ret_lost,
    struct varve_err *err)
{
	(void)dirfd, (void)name, (void)err;
	*ret = vrv_arena_dup(arena, given, n_given * sizeof(*given));
	assert_non_null(*ret);
	*ret_n = n_given;
	*ret_lost = 0;
	return 0;
}

static struct vrv_source_meta
take(struct vrv_arena *arena)
{
	const struct vrv_source_want want = {.xattrs = true, .acls = true};
	struct vrv_source_meta meta;
	struct vrv_source_err err;

	assert_true(
	    vrv_source_meta(-1, "x", VRV_SYMLINK, &want, arena, &meta, &err));
	return meta;
}

static void
put_list(const struct vrv_source_meta *meta, struct vrv_buf *list)
{
	vrv_buf_v(list, meta->n_xattrs);
	for (size_t i = 0; i < meta->n_xattrs; i++) {
		const struct vrv_xattr *x = &meta->xattrs[i];
		const struct vrv_entry_xattr entry = {
		    .name = (const uint8_t *)x->name,
		    .name_n = strlen(x->name),
		    .value = x->size > VRV_XATTR_INLINE_MAX ? NULL : x->value,
		    .size = x->size,
		};

		vrv_xattr_put(list, &entry);
	}
}

static int
put_leaf(void *arg, const uint8_t *bytes, size_t n,
    uint8_t ret_id[VRV_CHUNK_ID], struct varve_err *err)
{
	struct vrv_buf *leaf = arg;

	vrv_buf_clear(leaf);
	vrv_buf_bytes(leaf, bytes, n);
	memset(ret_id, 1, VRV_CHUNK_ID);
	return vrv_buf_check(leaf, err);
}

/* Store an entry with this list and the longest name and target there are, as
 * create does, and read it as everybody does. */
static void
store_and_read(const struct vrv_buf *list)
{
	static uint8_t name[VRV_ENTRY_NAME_MAX], target[VRV_ENTRY_TARGET_MAX];
	const struct vrv_key key = {0};
	vrv_auto_buf struct vrv_buf leaf = {0}, bytes = {0};
	const struct vrv_meta_sink sink = {put_leaf, &leaf, &key};
	struct vrv_tree_builder *b;
	struct vrv_ref ref;
	struct vrv_rd rd;
	struct varve_err err;
	uint64_t n;

	memset(name, 'n', sizeof(name));
	memset(target, 't', sizeof(target));
	struct vrv_entry read,
	    e = {.kind = VRV_SYMLINK,
		.flags = VRV_ENTRY_XATTRS,
		.name = name,
		.name_n = sizeof(name),
		.target = target,
		.target_n = sizeof(target),
		.xattrs = list->data,
		.xattrs_n = list->len};
	vrv_entry_put(&bytes, &e);
	MUST(vrv_tree_builder_new(&sink, &b, &err));
	MUST(vrv_tree_builder_add(b, name, sizeof(name), bytes.data, bytes.len,
	    &err));
	MUST(vrv_tree_builder_finish(b, &ref, &err));
	vrv_tree_builder_free(b);
	MUST(vrv_leaf_open(leaf.data, leaf.len, VRV_META_TREE_LEAF, &rd, &n,
	    &err));
	MUST(vrv_entry_get(&rd, &read, &err));
	assert_int_equal(read.xattrs_n, list->len);
}

/* Values that stand in the list: full, and one byte more. */
static void
test_list_of_attributes(void **state)
{
	static uint8_t value[VRV_XATTR_INLINE_MAX];
	static char names[400][16];
	struct vrv_arena arena = {0};
	vrv_auto_buf struct vrv_buf list = {0};

	(void)state;
	for (n_given = 0; n_given < 400; n_given++) {
		snprintf(names[n_given], sizeof(names[0]), "user.%03zu",
		    n_given);
		given[n_given] =
		    (struct vrv_xattr){names[n_given], value, sizeof(value)};
	}
	struct vrv_source_meta meta = take(&arena);
	assert_int_equal(meta.n_xattrs + meta.lost, 400);
	assert_true(meta.lost > 0);
	n_given = meta.n_xattrs + 1;
	put_list(&meta, &list);
	assert_true(list.len <= VRV_XATTRS_LIST_MAX);
	assert_true(list.len > VRV_XATTRS_LIST_MAX - sizeof(value) - 20);

	/* What is left is filled to the last byte. */
	size_t left = VRV_XATTRS_LIST_MAX - list.len -
	    (vrv_v_size(n_given) - vrv_v_size(meta.n_xattrs));
	size_t size = left - (vrv_xattr_size(8, left) - left);
	given[n_given - 1].size = size;
	vrv_arena_fini(&arena);
	meta = take(&arena);
	assert_int_equal(meta.lost, 0);
	assert_int_equal(meta.n_xattrs, n_given);
	vrv_buf_clear(&list);
	put_list(&meta, &list);
	assert_int_equal(list.len, VRV_XATTRS_LIST_MAX);
	store_and_read(&list);

	given[n_given - 1].size++;
	vrv_arena_fini(&arena);
	meta = take(&arena);
	assert_int_equal(meta.lost, 1);
	vrv_arena_fini(&arena);
}

static void
test_one_attribute(void **state)
{
	static uint8_t value[VRV_XATTR_VALUE_MAX + 1];
	char name[VRV_XATTR_NAME_MAX + 2];
	struct vrv_arena arena = {0};
	vrv_auto_buf struct vrv_buf list = {0};

	(void)state;
	memset(name, 'n', sizeof(name));
	name[VRV_XATTR_NAME_MAX] = '\0';
	n_given = 1;
	given[0] = (struct vrv_xattr){name, value, VRV_XATTR_VALUE_MAX};
	struct vrv_source_meta meta = take(&arena);
	assert_int_equal(meta.n_xattrs, 1);
	put_list(&meta, &list);
	store_and_read(&list);
	vrv_arena_fini(&arena);
	given[0].size++;
	assert_int_equal(take(&arena).lost, 1);
	vrv_arena_fini(&arena);
	given[0].size = 1;
	name[VRV_XATTR_NAME_MAX] = 'n';
	name[VRV_XATTR_NAME_MAX + 1] = '\0';
	assert_int_equal(take(&arena).lost, 1);
	vrv_arena_fini(&arena);
}

static void
skip_and_read(const char *path)
{
	vrv_auto_buf struct vrv_buf chunk = {0};
	const struct vrv_key key = {0};
	const struct vrv_meta_sink sink = {put_leaf, &chunk, &key};
	struct vrv_records r;
	struct vrv_ref ref, owners;
	bool has, has_owners;
	enum vrv_skip reason;
	const uint8_t *read;
	struct varve_err err;
	struct vrv_rd rd;
	size_t n;

	MUST(vrv_records_init(&r, &sink, NULL, false, &err));
	MUST(vrv_records_skip(&r, VRV_SKIP_VANISHED, path, &err));
	vrv_auto_buf struct vrv_buf list = {0};
	/* The list of extents follows the chunk: keep that. */
	if (r.skipped.len > 0)
		vrv_buf_bytes(&list, r.skipped.data, r.skipped.len);
	else
		vrv_buf_bytes(&list, chunk.data, chunk.len);
	MUST(vrv_records_finish(&r, &has, &ref, &has_owners, &owners, &err));
	vrv_records_fini(&r);
	assert_true(has);
	MUST(vrv_meta_open(list.data, list.len, VRV_META_PATHS, &rd, &err));
	MUST(vrv_path_get(&rd, &reason, &read, &n, &err));
	assert_true(n > 0);
}

static void
test_skipped_paths(void **state)
{
	const size_t n = 2 * VRV_META_MAX;
	char *path = malloc(n + 1);

	(void)state;
	assert_non_null(path);
	memset(path, 'p', n);
	path[n] = '\0';
	skip_and_read("");
	skip_and_read("x");
	skip_and_read(path);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_list_of_attributes),
	    cmocka_unit_test(test_one_attribute),
	    cmocka_unit_test(test_skipped_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
