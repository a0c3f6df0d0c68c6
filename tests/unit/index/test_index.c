/* SPDX-License-Identifier: BSD-2-Clause */
#include "test_index.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const uint8_t test_repository[VRV_REPO_ID] = "the repository of these tests";

void
test_folder_make(struct test_folder *folder)
{
	strcpy(folder->path, "/tmp/varve-test-index-XXXXXX");
	assert_non_null(mkdtemp(folder->path));
}

static unsigned
each_file(const struct test_folder *folder, const char *prefix, bool remove_it)
{
	DIR *dir = opendir(folder->path);
	struct dirent *file;
	unsigned n = 0;

	assert_non_null(dir);
	while ((file = readdir(dir)) != NULL) {
		if (strcmp(file->d_name, ".") == 0 ||
		    strcmp(file->d_name, "..") == 0 ||
		    strncmp(file->d_name, prefix, strlen(prefix)) != 0)
			continue;
		n++;
		if (remove_it)
			assert_int_equal(unlinkat(dirfd(dir), file->d_name, 0),
			    0);
	}
	closedir(dir);
	return n;
}

void
test_folder_remove(struct test_folder *folder)
{
	(void)each_file(folder, "", true);
	assert_int_equal(rmdir(folder->path), 0);
}

unsigned
test_folder_count(const struct test_folder *folder, const char *prefix)
{
	return each_file(folder, prefix, false);
}

uint32_t
test_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

void
test_id(char what, uint32_t n, uint8_t out[16])
{
	uint8_t in[5] = {(uint8_t)what};

	vrv_put_u32(in + 1, n);
	vrv_blake2b(out, 16, NULL, in, sizeof(in));
}

struct vrv_location
test_location(const struct test_pack *pack, uint32_t frame, uint32_t ordinal,
    uint32_t *ret_prefix)
{
	struct vrv_location at = {
	    .offset = VRV_HEADER_SIZE + (uint64_t)frame * 1100 + 7,
	    .stored = 1000 + frame % 50,
	    .plain = pack->chunks * 10 + pack->no % 7,
	    .n = pack->chunks,
	    .m = frame % 3,
	    .ordinal = ordinal,
	    .kind = frame % 2 ? VRV_FRAME_META : VRV_FRAME_DATA,
	};

	test_id('P', pack->no, at.pack);
	/* Four packs a session; frames of every fifth pack have two keys. */
	test_id('K', pack->no / 4 + (pack->no % 5 == 0 ? frame % 2 : 0),
	    at.epk);
	if (ret_prefix != NULL)
		*ret_prefix = (pack->first + frame * pack->chunks + ordinal) %
		    pack->modulo;
	return at;
}

bool
test_same_location(const struct vrv_location *a, const struct vrv_location *b)
{
	return memcmp(a->pack, b->pack, sizeof(a->pack)) == 0 &&
	    memcmp(a->epk, b->epk, sizeof(a->epk)) == 0 &&
	    a->offset == b->offset && a->stored == b->stored &&
	    a->plain == b->plain && a->n == b->n && a->m == b->m &&
	    a->ordinal == b->ordinal && a->kind == b->kind;
}

void
test_base(const struct vrv_location *at, uint32_t i, uint8_t out[16])
{
	test_id('B', (uint32_t)at->offset * 4 + at->pack[0] + i, out);
}

void
test_pack_entry(const struct test_pack *pack, struct vrv_buf *b)
{
	uint8_t *ids = malloc((size_t)pack->chunks * 16);
	uint64_t prev_end = VRV_HEADER_SIZE;
	struct vrv_pack_key keys[2] = {0};
	uint32_t n_keys = pack->no % 5 == 0 ? 2 : 1, prefix;
	uint8_t id[16], bases[64];

	assert_non_null(ids);
	test_id('P', pack->no, id);
	for (uint32_t k = 0; k < n_keys; k++) {
		struct vrv_location at = test_location(pack, k, 0, NULL);
		memcpy(keys[k].epk, at.epk, VRV_KEY_SIZE);
	}
	vrv_pack_entry_put(b, id,
	    VRV_HEADER_SIZE + (uint64_t)pack->frames * 1100 + 500, keys, n_keys,
	    pack->frames);
	for (uint32_t f = 0; f < pack->frames; f++) {
		struct vrv_location at = test_location(pack, f, 0, NULL);
		for (uint32_t i = 0; i < pack->chunks; i++) {
			(void)test_location(pack, f, i, &prefix);
			test_id('C', prefix, ids + (size_t)i * 16);
		}
		for (uint32_t i = 0; i < at.m; i++)
			test_base(&at, i, bases + (size_t)i * 16);
		struct vrv_pack_frame frame = {.kind = at.kind,
		    .key = n_keys == 2 ? f % 2 : 0,
		    .offset = at.offset,
		    .stored = at.stored,
		    .plain = at.plain,
		    .n = at.n,
		    .m = at.m,
		    .ids = ids,
		    .bases = bases};
		vrv_pack_frame_put(b, &frame, prev_end);
		prev_end = frame.offset + frame.stored;
	}
	vrv_pack_entry_end_put(b);
	assert_false(b->failed);
	free(ids);
}

void
test_body(struct vrv_buf *b, const uint8_t *superseded, uint32_t n_superseded,
    const struct test_pack *packs, uint32_t n_packs, const uint8_t *lost,
    uint32_t n_lost)
{
	vrv_buf_clear(b);
	vrv_index_head_put(b, superseded, n_superseded, n_packs);
	for (uint32_t i = 0; i < n_packs; i++)
		test_pack_entry(&packs[i], b);
	vrv_index_lost_put(b, lost, n_lost);
	assert_false(b->failed);
}

struct vrv_index *
test_open(const struct test_folder *folder)
{
	struct vrv_index *index;
	struct varve_err err;
	char *note = NULL;

	assert_int_equal(vrv_index_open(folder == NULL ? NULL : folder->path,
			     test_repository, &index, &note, &err),
	    0);
	assert_null(note);
	return index;
}

uint32_t
test_list(struct vrv_index *index, const struct test_pack *packs, uint32_t n)
{
	struct vrv_buf body = {0};
	uint8_t id[16], wanted[16];
	struct varve_err err;
	uint32_t given = 0;

	vrv_index_listing_begin(index);
	for (uint32_t i = 0; i < n; i++) {
		test_id('O', i, id);
		assert_int_equal(vrv_index_listing_add(index, id, &err), 0);
	}
	while (vrv_index_wants(index, wanted)) {
		uint32_t i = 0;
		for (; i < n; i++) {
			test_id('O', i, id);
			if (memcmp(id, wanted, 16) == 0)
				break;
		}
		assert_true(i < n);
		test_body(&body, NULL, 0, &packs[i], 1, NULL, 0);
		assert_int_equal(vrv_index_load(index, wanted, body.data,
				     body.len, true, &err),
		    0);
		given++;
	}
	assert_int_equal(vrv_index_listing_end(index, &err), 0);
	vrv_buf_fini(&body);
	return given;
}

int
main(void)
{
	struct varve_err err;

	if (vrv_crypto_init(&err) != 0)
		return 1;
	return test_index_basic() + test_index_damage() + test_index_model();
}
