/* SPDX-License-Identifier: BSD-2-Clause */
#include "small_repo.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hook_store.h"
#include "repo/writer.h"
#include "util/buf.h"

static int
passphrase(void *arg, bool fresh, const char *location, char *buf, size_t size,
    size_t *ret_n, struct varve_err *err)
{
	(void)arg, (void)fresh, (void)location, (void)size, (void)err;
	memcpy(buf, "secret", 6);
	*ret_n = 6;
	return 0;
}

/* Make the repository first, with `init`. */
static void
open_repo(struct small_repo *s, const struct varve_init_options *init)
{
	char repo[80], state[80], cache[80];
	struct varve_err err = {0};
	struct vrv_store *store;

	snprintf(repo, sizeof(repo), "%s/repo", s->path);
	snprintf(state, sizeof(state), "%s/state", s->path);
	snprintf(cache, sizeof(cache), "%s/cache", s->path);
	const struct varve_open_options open = {
	    .size = sizeof(open),
	    .state_dir = state,
	    .cache_dir = cache,
	    .passphrase = passphrase,
	};
	assert_int_equal(vrv_crypto_init(&err), 0);
	if (init != NULL) {
		assert_int_equal(vrv_store_open_local(repo, true, &store, &err),
		    0);
		if (vrv_repo_init(store, init, &open, &err) != 0)
			fail_msg("init: %s", err.message);
		s->hooks = calloc(1, sizeof(*s->hooks));
	}
	assert_int_equal(vrv_store_open_local(repo, false, &s->inner, &err), 0);
	store = hook_store_new(s->inner, s->hooks);
	assert_non_null(store);
	if (vrv_repo_open(store, &open, &s->repo, &err) != 0)
		fail_msg("open: %s", err.message);
}

void
small_repo_reopen(struct small_repo *s)
{
	vrv_repo_close(s->repo);
	vrv_store_free(s->inner);
	open_repo(s, NULL);
}

int
small_repo_setup(void **state)
{
	const struct varve_init_options init = {
	    .size = sizeof(init),
	    .kdf_memory = (uint64_t)64 << 20,
	    .kdf_passes = 2,
	    .chunker = VARVE_CHUNKER_GEAR,
	    .chunk_min = 64 << 10,
	    .chunk_average = 256 << 10,
	    .chunk_max = 2 << 20,
	};
	struct small_repo *s = calloc(1, sizeof(*s));
	char target[80];

	strcpy(s->path, "/var/tmp/varve-test-XXXXXX");
	assert_non_null(mkdtemp(s->path));
	snprintf(target, sizeof(target), "%s/target", s->path);
	assert_int_equal(mkdir(target, 0700), 0);
	s->target = open(target, O_RDONLY | O_DIRECTORY);
	assert_true(s->target >= 0);
	open_repo(s, &init);
	*state = s;
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

int
small_repo_teardown(void **state)
{
	struct small_repo *s = *state;

	vrv_repo_close(s->repo);
	vrv_store_free(s->inner);
	free(s->hooks);
	close(s->target);
	nftw(s->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(s);
	return 0;
}

/* --- filling --- */

static int
put_meta(void *arg, const uint8_t *bytes, size_t n, uint8_t ret_id[32],
    struct varve_err *err)
{
	struct small_stores *stores = arg;
	bool fresh;

	return vrv_lane_put(stores->meta, bytes, n, ret_id, &fresh, err);
}

static void
put_content(struct small_stores *stores, const struct small_node *node,
    struct vrv_entry *entry, struct vrv_buf *content)
{
	unsigned n = node->text == NULL ? 0 :
	    node->chunks == 0		? 1 :
					  node->chunks;
	struct vrv_list_builder *list;
	struct varve_err err = {0};
	struct vrv_extent extent;
	char piece[256];
	bool fresh;

	assert_int_equal(vrv_list_builder_new(&stores->sink, &list, &err), 0);
	for (unsigned i = 0; i < n; i++) {
		if (node->chunks == 0)
			snprintf(piece, sizeof(piece), "%s", node->text);
		else
			snprintf(piece, sizeof(piece), "%s%u\n", node->text, i);
		extent = (struct vrv_extent){.length = strlen(piece)};
		assert_int_equal(vrv_lane_put(stores->data, piece,
				     strlen(piece), extent.id, &fresh, &err),
		    0);
		assert_int_equal(vrv_list_builder_add(list, &extent, &err), 0);
		entry->size += extent.length;
	}
	if (node->zeros > 0) {
		uint8_t *zeros = calloc(1, node->zeros);
		extent = (struct vrv_extent){.length = node->zeros};
		assert_int_equal(vrv_lane_put(stores->data, zeros, node->zeros,
				     extent.id, &fresh, &err),
		    0);
		assert_int_equal(vrv_list_builder_add(list, &extent, &err), 0);
		entry->size += extent.length;
		free(zeros);
	}
	if (node->hole > 0) {
		extent = (struct vrv_extent){.length = node->hole, .hole = 1};
		assert_int_equal(vrv_list_builder_add(list, &extent, &err), 0);
		entry->size += node->hole;
	}
	assert_int_equal(vrv_list_builder_finish(list, content, &err), 0);
	vrv_list_builder_free(list);
	entry->content = content->data;
	entry->content_n = content->len;
}

static struct vrv_ref put_dir(struct small_stores *stores,
    const struct small_node *nodes, size_t n);

static void
put_entry(struct small_stores *stores, const struct small_node *node,
    struct vrv_buf *out)
{
	vrv_auto_buf struct vrv_buf content = {0}, xattrs = {0};
	struct vrv_entry entry = {
	    .kind = (uint8_t)node->kind,
	    .flags = node->flags,
	    .name = (const uint8_t *)node->name,
	    .name_n = strlen(node->name),
	    .mode = node->mode,
	    .uid = getuid(),
	    .gid = getgid(),
	    .inode = node->inode,
	    .mtime = {.s = node->mtime, .ns = 123456789},
	};

	if (node->is_invented)
		entry.mtime = (struct vrv_time){0};
	if (node->inode != 0)
		entry.flags |= VRV_ENTRY_LINKED;
	if (node->kind == VRV_DIR)
		entry.dir = put_dir(stores, node->children, node->n);
	if (node->is_lost)
		entry.dir.id[0] ^= 1;
	if (node->kind == VRV_FILE)
		put_content(stores, node, &entry, &content);
	if (node->kind == VRV_SYMLINK) {
		entry.target = (const uint8_t *)node->text;
		entry.target_n = strlen(node->text);
	}
	if (node->xattr != NULL) {
		const struct vrv_entry_xattr x = {
		    .name = (const uint8_t *)"user.test",
		    .name_n = 9,
		    .value = (const uint8_t *)node->xattr,
		    .size = strlen(node->xattr),
		};
		vrv_buf_v(&xattrs, 1);
		vrv_xattr_put(&xattrs, &x);
		entry.flags |= VRV_ENTRY_XATTRS;
		entry.xattrs = xattrs.data;
		entry.xattrs_n = xattrs.len;
	}
	vrv_entry_put(out, &entry);
}

static struct vrv_ref
put_dir(struct small_stores *stores, const struct small_node *nodes, size_t n)
{
	struct vrv_tree_builder *tree;
	struct varve_err err = {0};
	struct vrv_ref ref;

	assert_int_equal(vrv_tree_builder_new(&stores->sink, &tree, &err), 0);
	for (size_t i = 0; i < n; i++) {
		vrv_auto_buf struct vrv_buf entry = {0};
		put_entry(stores, &nodes[i], &entry);
		if (vrv_tree_builder_add(tree, (const uint8_t *)nodes[i].name,
			strlen(nodes[i].name), entry.data, entry.len,
			&err) != 0)
			fail_msg("%s: %s", nodes[i].name, err.message);
	}
	assert_int_equal(vrv_tree_builder_finish(tree, &ref, &err), 0);
	vrv_tree_builder_free(tree);
	return ref;
}

void
small_repo_begin(struct small_repo *s, struct small_stores *stores)
{
	const struct vrv_writer_options options = {
	    .compression = {.codec = VRV_ZSTD, .level = 3},
	    .lanes = 2,
	    .checkpoint_ns = UINT64_MAX,
	    .checkpoint_bytes = UINT64_MAX,
	};
	struct varve_err err = {0};

	*stores = (struct small_stores){.group = vrv_group_new()};
	if (vrv_writer_new(s->repo, stores->group, &options, &stores->writer,
		&err) != 0 ||
	    vrv_lane_new(stores->writer, VRV_FRAME_DATA, &stores->data, &err) !=
		0 ||
	    vrv_lane_new(stores->writer, VRV_FRAME_META, &stores->meta, &err) !=
		0)
		fail_msg("writer: %s", err.message);
	stores->sink = (struct vrv_meta_sink){put_meta, stores,
	    vrv_repo_tree_key(s->repo)};
}

void
small_repo_end(struct small_stores *stores)
{
	struct varve_err err = {0};

	assert_int_equal(vrv_lane_done(stores->data, &err), 0);
	assert_int_equal(vrv_lane_done(stores->meta, &err), 0);
	if (vrv_group_join(stores->group, &err) != 0)
		fail_msg("store: %s", err.message);
	vrv_lane_free(stores->data);
	vrv_lane_free(stores->meta);
	vrv_writer_free(stores->writer);
	vrv_group_free(stores->group);
}

void
small_repo_fill(struct small_repo *s, const struct small_node *nodes, size_t n)
{
	struct small_stores stores;

	small_repo_begin(s, &stores);
	s->archive.sealed.root = put_dir(&stores, nodes, n);
	s->archive.sealed.name = (struct vrv_text){(const uint8_t *)"one", 3};
	small_repo_end(&stores);
}

/* --- looking --- */

char *
small_repo_read(struct small_repo *s, const char *path, size_t *ret_n)
{
	int fd = openat(s->target, path, O_RDONLY | O_NOFOLLOW);
	struct stat st;

	if (fd < 0)
		fail_msg("%s is not there", path);
	assert_int_equal(fstat(fd, &st), 0);
	char *text = calloc(1, (size_t)st.st_size + 1);
	assert_non_null(text);
	assert_int_equal(read(fd, text, (size_t)st.st_size), st.st_size);
	close(fd);
	if (ret_n != NULL)
		*ret_n = (size_t)st.st_size;
	return text;
}

void
small_repo_event(void *arg, const struct varve_event *event)
{
	struct small_repo *s = arg;

	s->warnings += event->type == VARVE_EVENT_WARNING;
	s->listed += event->type == VARVE_EVENT_FILE;
	if (event->type != VARVE_EVENT_PROBLEM)
		return;
	s->problems++;
	snprintf(s->last, sizeof(s->last), "%s: %s",
	    event->path == NULL ? "" : event->path, event->message);
}

static char found[256];

static int
find_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)ftw;
	if (type == FTW_F)
		snprintf(found, sizeof(found), "%s", path);
	return 0;
}

void
small_repo_only_object(struct small_repo *s, const char *folder, char ret[256])
{
	char path[128];

	snprintf(path, sizeof(path), "%s/repo/%s", s->path, folder);
	found[0] = '\0';
	assert_int_equal(nftw(path, find_one, 8, FTW_PHYS), 0);
	assert_string_not_equal(found, "");
	strcpy(ret, found);
}

void
small_repo_damage_pack(struct small_repo *s, long offset)
{
	char path[256];
	uint8_t byte;

	small_repo_only_object(s, "packs", path);
	assert_int_equal(chmod(path, 0600), 0);
	int fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	off_t at = lseek(fd, offset, offset < 0 ? SEEK_END : SEEK_SET);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x40;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}
