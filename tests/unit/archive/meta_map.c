/* SPDX-License-Identifier: BSD-2-Clause */
#include "meta_map.h"

#include <stdio.h>
#include <string.h>

static int
put(void *arg, const uint8_t *bytes, size_t n, uint8_t ret_id[VRV_CHUNK_ID],
    struct varve_err *err)
{
	struct meta_map *m = arg;
	bool is_new;

	if (++m->puts == m->fail_put)
		return vrv_fail(err, VARVE_IO, "no more room");
	assert_true(n <= VRV_META_MAX);
	vrv_blake2b(ret_id, VRV_CHUNK_ID, NULL, bytes, n);
	struct vrv_buf *chunk = vrv_map_put(m->map, ret_id, &is_new);
	assert_non_null(chunk);
	if (is_new) {
		m->fresh++;
		vrv_buf_bytes(chunk, bytes, n);
	}
	return 0;
}

static int
get(void *arg, const uint8_t id[VRV_CHUNK_ID], struct vrv_buf *ret,
    struct varve_err *err)
{
	struct meta_map *m = arg;

	m->gets++;
	struct vrv_buf *chunk = vrv_map_get(m->map, id);
	if (chunk == NULL)
		return vrv_fail(err, VARVE_NOENT, "no such chunk");
	vrv_buf_clear(ret);
	vrv_buf_bytes(ret, chunk->data, chunk->len);
	return vrv_buf_check(ret, err);
}

void
meta_map_init(struct meta_map *m)
{
	struct varve_err err;

	*m = (struct meta_map){0};
	assert_int_equal(vrv_crypto_init(&err), 0);
	for (size_t i = 0; i < sizeof(m->key.b); i++)
		m->key.b[i] = (uint8_t)i;
	m->map = vrv_map_new(VRV_CHUNK_ID, sizeof(struct vrv_buf));
	assert_non_null(m->map);
	m->sink = (struct vrv_meta_sink){put, m, &m->key};
	m->source = (struct vrv_meta_source){get, m};
}

void
meta_map_fini(struct meta_map *m)
{
	const void *key;
	void *chunk;
	size_t at = 0;

	while (vrv_map_next(m->map, &at, &key, &chunk))
		vrv_buf_fini(chunk);
	vrv_map_free(m->map);
}

struct vrv_buf *
meta_map_chunk(struct meta_map *m, const uint8_t *id)
{
	struct vrv_buf *chunk = vrv_map_get(m->map, id);

	assert_non_null(chunk);
	return chunk;
}

void
meta_map_put(struct meta_map *m, const struct vrv_buf *b, uint8_t *ret_id)
{
	struct varve_err err;

	assert_int_equal(put(m, b->data, b->len, ret_id, &err), 0);
}

void
put_file(struct vrv_buf *b, const char *name, uint64_t size)
{
	vrv_auto_buf struct vrv_buf content = {0};
	vrv_auto_buf struct vrv_buf extents = {0};
	struct vrv_extent extent = {.length = size};

	memset(extent.id, (int)size, sizeof(extent.id));
	if (size > 0)
		vrv_extent_put(&extents, &extent);
	vrv_content_put_inline(&content, size > 0, extents.data, extents.len);
	struct vrv_entry e = {
	    .kind = 1,
	    .name = (const uint8_t *)name,
	    .name_n = strlen(name),
	    .mode = 0644,
	    .mtime = {1700000000, 5},
	    .size = size,
	    .content = content.data,
	    .content_n = content.len,
	};
	vrv_entry_put(b, &e);
}

void
put_dir(struct vrv_buf *b, const char *name, uint32_t flags,
    const struct vrv_ref *ref)
{
	struct vrv_entry e = {
	    .kind = 2,
	    .flags = flags,
	    .name = (const uint8_t *)name,
	    .name_n = strlen(name),
	    .mode = 0755,
	    .mtime = {1700000000, 5},
	    .dir = *ref,
	};

	vrv_entry_put(b, &e);
}

void
add_entry(struct vrv_tree_builder *b, const struct vrv_buf *entry)
{
	struct vrv_rd rd = vrv_rd_over(entry->data, entry->len);
	struct vrv_entry e;
	struct varve_err err;

	assert_int_equal(vrv_entry_get(&rd, &e, &err), 0);
	assert_int_equal(vrv_tree_builder_add(b, e.name, e.name_n, entry->data,
			     entry->len, &err),
	    0);
}

struct vrv_ref
build_files(struct meta_map *m, size_t n, size_t without)
{
	vrv_auto_buf struct vrv_buf entry = {0};
	struct vrv_tree_builder *b;
	struct vrv_ref ref;
	struct varve_err err;
	char name[32];

	assert_int_equal(vrv_tree_builder_new(&m->sink, &b, &err), 0);
	for (size_t i = 0; i < n; i++) {
		if (i == without)
			continue;
		snprintf(name, sizeof(name), "f%08zu", i);
		vrv_buf_clear(&entry);
		put_file(&entry, name, i % 3);
		add_entry(b, &entry);
	}
	assert_int_equal(vrv_tree_builder_finish(b, &ref, &err), 0);
	vrv_tree_builder_free(b);
	return ref;
}
