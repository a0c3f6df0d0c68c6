/* SPDX-License-Identifier: BSD-2-Clause */
/* Archives that no writer of ours makes: what extract refuses, check finds, and
 * neither works for ever. */
#include "small_repo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/check.h"
#include "extract/extract.h"
#include "util/buf.h"
#include "verify/verify.h"

struct hostile {
	struct small_repo *s;
	struct small_stores stores;
	struct vrv_tree_builder *tree; /* of the directory at hand */
};

/* --- making them --- */

static void
begin(struct hostile *h, struct small_repo *s)
{
	struct varve_err err = {0};

	*h = (struct hostile){.s = s};
	small_repo_begin(s, &h->stores);
	assert_int_equal(vrv_tree_builder_new(&h->stores.sink, &h->tree, &err),
	    0);
}

static struct vrv_ref
finish_dir(struct hostile *h)
{
	struct varve_err err = {0};
	struct vrv_ref ref;

	assert_int_equal(vrv_tree_builder_finish(h->tree, &ref, &err), 0);
	return ref;
}

static void
end(struct hostile *h, struct vrv_ref root)
{
	vrv_tree_builder_free(h->tree);
	small_repo_end(&h->stores);
	h->s->archive.sealed.root = root;
	h->s->archive.sealed.name =
	    (struct vrv_text){(const uint8_t *)"hostile", 7};
}

static struct vrv_entry
new_entry(const char *name, uint8_t kind)
{
	return (struct vrv_entry){
	    .kind = kind,
	    .name = (const uint8_t *)name,
	    .name_n = strlen(name),
	    .mode = 0755,
	};
}

static void
add(struct hostile *h, const struct vrv_entry *entry)
{
	vrv_auto_buf struct vrv_buf raw = {0};
	struct varve_err err = {0};

	vrv_entry_put(&raw, entry);
	if (vrv_tree_builder_add(h->tree, entry->name, entry->name_n, raw.data,
		raw.len, &err) != 0)
		fail_msg("%s", err.message);
}

static void
add_dir(struct hostile *h, const char *name, struct vrv_ref dir)
{
	struct vrv_entry entry = new_entry(name, VRV_DIR);

	entry.dir = dir;
	add(h, &entry);
}

static void
put(struct hostile *h, bool meta, const void *bytes, size_t n,
    uint8_t ret_id[VRV_CHUNK_ID])
{
	struct varve_err err = {0};
	bool fresh;

	assert_int_equal(vrv_lane_put(meta ? h->stores.meta : h->stores.data,
			     bytes, n, ret_id, &fresh, &err),
	    0);
}

/* A file of one chunk, whose extent states `length`. */
static void
add_file(struct hostile *h, const char *name, const char *text, uint64_t length)
{
	struct vrv_entry entry = new_entry(name, VRV_FILE);
	vrv_auto_buf struct vrv_buf content = {0}, extents = {0};
	struct vrv_extent extent = {.length = length};

	put(h, false, text, strlen(text), extent.id);
	vrv_extent_put(&extents, &extent);
	vrv_content_put_inline(&content, 1, extents.data, extents.len);
	entry.size = length;
	entry.content = content.data;
	entry.content_n = content.len;
	add(h, &entry);
}

/* --- what becomes of them --- */

static struct varve_check_result
check(struct small_repo *s, bool verify)
{
	const struct vrv_archive *only[] = {&s->archive};
	const struct varve_check_options options = {
	    .size = sizeof(options),
	    .objects = true,
	    .archives = true,
	    .verify_data = verify,
	    .threads = 2,
	    .event = small_repo_event,
	    .event_arg = s,
	};
	struct varve_check_result result = {0};
	struct varve_err err = {0};

	s->problems = 0;
	if (vrv_check(s->repo, &options, only, 1, &result, &err) != 0)
		fail_msg("check: %s", err.message);
	return result;
}

static bool
is_refused(struct small_repo *s)
{
	const struct varve_restore_options options = {
	    .size = sizeof(options),
	    .dry_run = true,
	    .threads = 2,
	    .stdout_fd = -1,
	};
	struct varve_restore_result result = {0};
	struct varve_err err = {0};

	int rc = vrv_extract(s->repo, &s->archive, &options, &result, &err);
	return rc != 0 || result.skipped + result.warnings > 0;
}

/* How many files a sample of `n` has. */
static uint64_t
count_files(struct small_repo *s, uint64_t n)
{
	const struct varve_verify_options options = {.files = n};
	struct varve_verify_result result = {0};
	struct vrv_sampler *sampler;
	struct varve_err err = {0};

	assert_int_equal(vrv_sampler_new(&options, 1, &sampler, &err), 0);
	assert_int_equal(vrv_verify_count(s->repo, &s->archive, sampler,
			     &result, &err),
	    0);
	vrv_sampler_free(sampler);
	return result.sampled;
}

/* extract refuses it, and check finds it, with `what` in its last words. */
static void
assert_found(struct small_repo *s, bool verify, const char *what)
{
	assert_true(is_refused(s));
	struct varve_check_result r = check(s, verify);
	assert_true(r.problems > 0);
	assert_int_equal(r.unread, 0);
	if (strstr(s->last, what) == NULL)
		fail_msg("'%s' is not in: %s", what, s->last);
}

/* --- lengths --- */

static void
test_length_alone(void **state)
{
	struct hostile h;

	begin(&h, *state);
	add_file(&h, "long", "hello", 6);
	end(&h, finish_dir(&h));
	assert_found(*state, false, "is 5 bytes long");
	assert_found(*state, true, "is 5 bytes long");
}

/* Which of the chunks of a frame has which length only the frame says. */
static void
test_length_in_shared_frame(void **state)
{
	struct small_repo *s = *state;
	struct hostile h;

	begin(&h, s);
	add_file(&h, "long", "hello", 6);
	add_file(&h, "other", "quite another text", 18);
	end(&h, finish_dir(&h));
	assert_int_equal(check(s, false).problems, 0);
	assert_found(s, true, "long: cannot be restored from archive");
	assert_int_equal(check(s, true).problems, 1);
}

/* One chunk, stated differently by two files. */
static void
test_two_lengths(void **state)
{
	struct small_repo *s = *state;
	struct hostile h;

	begin(&h, s);
	add_file(&h, "a", "hello", 5);
	add_file(&h, "b", "hello", 6);
	add_file(&h, "other", "quite another text", 18);
	end(&h, finish_dir(&h));
	assert_found(s, true, "b: ");
	assert_int_equal(check(s, true).problems, 1);
}

/* --- lists --- */

/* A leaf of one chunk, repeated, and `levels` of nodes of 1,024 children. */
static struct vrv_ref
put_list(struct hostile *h, const char *text, unsigned repeat, unsigned levels,
    uint64_t *ret_bytes)
{
	struct vrv_extent extent = {.length = strlen(text)};
	vrv_auto_buf struct vrv_buf leaf = {0};
	struct vrv_ref ref = {.depth = (uint8_t)levels};
	uint64_t bytes = extent.length * repeat;

	put(h, false, text, strlen(text), extent.id);
	vrv_leaf_put(&leaf, VRV_META_LIST_LEAF, repeat);
	for (unsigned i = 0; i < repeat; i++)
		vrv_extent_put(&leaf, &extent);
	put(h, true, leaf.data, leaf.len, ref.id);
	for (unsigned level = 1; level <= levels; level++) {
		vrv_auto_buf struct vrv_buf node = {0};
		struct vrv_list_child child = {.bytes = bytes};
		memcpy(child.id, ref.id, VRV_CHUNK_ID);
		vrv_node_put(&node, VRV_META_LIST_NODE, (uint8_t)level, 1024);
		for (unsigned i = 0; i < 1024; i++)
			vrv_list_child_put(&node, &child);
		put(h, true, node.data, node.len, ref.id);
		bytes *= 1024;
	}
	*ret_bytes = bytes;
	return ref;
}

static void
add_long(struct hostile *h, const char *name, const struct vrv_ref *list,
    uint64_t size)
{
	struct vrv_entry entry = new_entry(name, VRV_FILE);
	vrv_auto_buf struct vrv_buf content = {0};

	vrv_content_put_ref(&content, list);
	entry.size = size;
	entry.content = content.data;
	entry.content_n = content.len;
	add(h, &entry);
}

static void
test_endless_list(void **state)
{
	struct hostile h;
	uint64_t bytes;

	begin(&h, *state);
	struct vrv_ref list =
	    put_list(&h, "a text of 20 bytes!!", 1000, 4, &bytes);
	assert_true(bytes > (uint64_t)1 << 54);
	add_long(&h, "long", &list, bytes);
	end(&h, finish_dir(&h));
	/* It is what it says, and there is nothing to find. */
	assert_int_equal(check(*state, true).problems, 0);
}

static void
test_list_of_another_size(void **state)
{
	struct hostile h;
	uint64_t bytes;

	begin(&h, *state);
	struct vrv_ref list = put_list(&h, "text", 1000, 0, &bytes);
	add_long(&h, "short", &list, bytes + 1);
	end(&h, finish_dir(&h));
	assert_found(*state, false, "do not add up");
}

/* --- directories --- */

static void
test_endless_directories(void **state)
{
	struct small_repo *s = *state;
	struct hostile h;

	begin(&h, s);
	add_file(&h, "file", "hello", 5);
	struct vrv_ref dir = finish_dir(&h);
	for (unsigned i = 0; i < 60; i++) {
		add_dir(&h, "a", dir);
		add_dir(&h, "b", dir);
		dir = finish_dir(&h);
	}
	end(&h, dir);
	s->archive.sealed.entries = 1000;
	assert_found(s, false, "the archive states 1000 entries");
	assert_int_equal(count_files(s, 5), 5);
	/* Whatever it states, a check ends. */
	s->archive.sealed.entries = UINT64_MAX;
	(void)check(s, true);
	/* With something wrong that every path leads to as well. */
	s->archive.sealed.root.depth = 0;
	begin(&h, s);
	add_file(&h, "file", "other", 6);
	dir = finish_dir(&h);
	for (unsigned i = 0; i < 60; i++) {
		add_dir(&h, "a", dir);
		add_dir(&h, "b", dir);
		dir = finish_dir(&h);
	}
	end(&h, dir);
	assert_true(check(s, true).problems > 0);
}

/* Paths become too long only where the directory is met the second time. */
static void
test_long_paths(void **state)
{
	static char name[VRV_ENTRY_NAME_MAX + 1];
	struct hostile h;

	memset(name, 'n', VRV_ENTRY_NAME_MAX);
	begin(&h, *state);
	add_file(&h, "file", "hello", 5);
	struct vrv_ref dir = finish_dir(&h);
	for (unsigned i = 0; i < 150; i++) {
		add_dir(&h, name, dir);
		dir = finish_dir(&h);
	}
	struct vrv_ref half = dir;
	add_dir(&h, "z", half);
	dir = finish_dir(&h);
	for (unsigned i = 0; i < 110; i++) {
		add_dir(&h, name, dir);
		dir = finish_dir(&h);
	}
	add_dir(&h, "half", half);
	add_dir(&h, "whole", dir);
	end(&h, finish_dir(&h));
	assert_true(is_refused(*state));
	assert_int_equal(check(*state, false).problems, 1);
}

static void
test_roots_disagree(void **state)
{
	struct small_repo *s = *state;
	struct vrv_entry entry = new_entry(".", VRV_DIR);
	vrv_auto_buf struct vrv_buf raw = {0};
	struct hostile h;

	begin(&h, s);
	add_file(&h, "file", "hello", 5);
	entry.dir = finish_dir(&h);
	add_file(&h, "other", "hello", 5);
	end(&h, finish_dir(&h));
	vrv_entry_put(&raw, &entry);
	s->archive.sealed.root_entry = (struct vrv_text){raw.data, raw.len};
	assert_found(s, false, "entry of the root names another tree");
}

/* --- entries --- */

static void
test_unknown_entry(void **state)
{
	struct vrv_entry entry = new_entry("novelty", VRV_FIFO);
	struct hostile h;

	begin(&h, *state);
	entry.flags = 1u << 20;
	add(&h, &entry);
	end(&h, finish_dir(&h));
	assert_found(*state, false, "'novelty': tree entry with unknown flags");
}

static void
test_unknown_extension(void **state)
{
	struct vrv_entry entry = new_entry("novelty", VRV_FIFO);
	vrv_auto_buf struct vrv_buf list = {0};
	struct hostile h;

	begin(&h, *state);
	vrv_buf_v(&list, 1);
	vrv_extension_put(&list, 4, "x", 1);
	entry.flags = VRV_ENTRY_EXTENSIONS;
	entry.extensions = list.data;
	entry.extensions_n = list.len;
	add(&h, &entry);
	end(&h, finish_dir(&h));
	assert_found(*state, false, "novelty: ");
}

static void
test_symlink_to_nothing(void **state)
{
	struct vrv_entry entry = new_entry("link", VRV_SYMLINK);
	struct hostile h;

	begin(&h, *state);
	add(&h, &entry);
	end(&h, finish_dir(&h));
	/* Making it fails; a dry run makes none. */
	assert_int_equal(check(*state, false).problems, 1);
}

/* A long value whose chunk has another size, or is no value. */
static void
add_value(struct hostile *h, const char *name, uint8_t kind, uint64_t stated)
{
	struct vrv_entry entry = new_entry(name, VRV_FIFO);
	vrv_auto_buf struct vrv_buf list = {0};
	uint8_t chunk[5001];
	struct vrv_entry_xattr x = {
	    .name = (const uint8_t *)"user.long",
	    .name_n = 9,
	    .size = stated,
	};

	memset(chunk, 'v', sizeof(chunk));
	chunk[0] = kind;
	put(h, true, chunk, sizeof(chunk), x.id);
	vrv_buf_v(&list, 1);
	vrv_xattr_put(&list, &x);
	entry.flags = VRV_ENTRY_XATTRS;
	entry.xattrs = list.data;
	entry.xattrs_n = list.len;
	add(h, &entry);
}

static void
test_values(void **state)
{
	struct small_repo *s = *state;
	struct hostile h;

	begin(&h, s);
	add_value(&h, "right", VRV_META_VALUE, 5000);
	end(&h, finish_dir(&h));
	assert_int_equal(check(s, true).problems, 0);

	begin(&h, s);
	add_value(&h, "other", VRV_META_VALUE, 5001);
	add_value(&h, "right", VRV_META_VALUE, 5000);
	end(&h, finish_dir(&h));
	assert_found(s, false, "other: ");
	assert_int_equal(check(s, false).problems, 1);

	begin(&h, s);
	add_value(&h, "kind", VRV_META_NAMES, 5000);
	end(&h, finish_dir(&h));
	assert_found(s, false, "kind: ");
}

static void
test_owners(void **state)
{
	struct small_repo *s = *state;
	static const uint8_t names[] = {VRV_META_PATHS, 1, 0, 1, 'a'};
	struct vrv_extent extent = {.length = sizeof(names)};
	struct vrv_list_builder *list;
	struct varve_err err = {0};
	struct hostile h;

	begin(&h, s);
	put(&h, true, names, sizeof(names), extent.id);
	assert_int_equal(vrv_list_builder_new(&h.stores.sink, &list, &err), 0);
	assert_int_equal(vrv_list_builder_add(list, &extent, &err), 0);
	assert_int_equal(vrv_list_builder_finish_ref(list,
			     &s->archive.sealed.owners, &err),
	    0);
	vrv_list_builder_free(list);
	s->archive.sealed.has_owners = true;
	add_file(&h, "file", "hello", 5);
	end(&h, finish_dir(&h));
	assert_found(s, false, "names of owners");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SMALL_REPO_TEST(test_length_alone),
	    SMALL_REPO_TEST(test_length_in_shared_frame),
	    SMALL_REPO_TEST(test_two_lengths),
	    SMALL_REPO_TEST(test_endless_list),
	    SMALL_REPO_TEST(test_list_of_another_size),
	    SMALL_REPO_TEST(test_endless_directories),
	    SMALL_REPO_TEST(test_long_paths),
	    SMALL_REPO_TEST(test_roots_disagree),
	    SMALL_REPO_TEST(test_unknown_entry),
	    SMALL_REPO_TEST(test_unknown_extension),
	    SMALL_REPO_TEST(test_symlink_to_nothing),
	    SMALL_REPO_TEST(test_values),
	    SMALL_REPO_TEST(test_owners),
	};

	return cmocka_run_group_tests_name("hostile archives", tests, NULL,
	    NULL);
}
