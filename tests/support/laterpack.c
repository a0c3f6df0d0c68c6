/* SPDX-License-Identifier: BSD-2-Clause */
#include "laterpack.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "pack/pack.h"
#include "util/hash.h"
#include "util/mem.h"

#define LATER_KIND 3

static void
must(int rc)
{
	assert(rc == 0);
	if (rc != 0)
		abort();
}

static int
note_name(void *arg, const struct vrv_store_item *item, struct varve_err *err)
{
	struct vrv_name *name = arg;

	(void)err;
	assert(name->type == 0);
	return vrv_name_parse(item->name, name) ? 0 : VARVE_INTERNAL;
}

/* The only object of its type. */
static struct vrv_name
only(struct vrv_repo *repo, enum vrv_type type, char text[VRV_NAME_SIZE])
{
	struct vrv_name name = {0};
	struct varve_err err;

	must(vrv_store_list(vrv_repo_store(repo), vrv_type_prefix(type), false,
	    note_name, &name, &err));
	assert(name.type == type);
	vrv_name_print(&name, text);
	return name;
}

/* The kind of the first frame of the entry at the cursor. */
static void
change_kind(struct vrv_rd r)
{
	struct vrv_pack_entry entry;
	struct varve_err err;

	must(vrv_pack_entry_get(&r, &entry, &err));
	(void)vrv_rd_v(&r); /* the record's size */
	*(uint8_t *)(uintptr_t)r.p = LATER_KIND;
}

static void
put_again(struct vrv_repo *repo, const char *name, const uint8_t *bytes,
    size_t n)
{
	struct varve_err err;

	must(vrv_store_delete(vrv_repo_store(repo), name, &err));
	must(vrv_store_put(vrv_repo_store(repo), name, bytes, n, &err));
}

static void
change_pack(struct vrv_repo *repo, struct vrv_pack_sum *ret)
{
	const struct vrv_pack_keys *keys = vrv_repo_keys(repo);
	vrv_auto_buf struct vrv_buf entry = {0}, object = {0};
	vrv_auto_free uint8_t *pack = NULL;
	struct varve_err err;
	char text[VRV_NAME_SIZE];
	uint64_t offset;
	uint32_t size;
	size_t n;

	struct vrv_name name = only(repo, VRV_PACK, text);
	must(vrv_store_get_all(vrv_repo_store(repo), text, (size_t)64 << 20,
	    &pack, &n, &err));
	must(vrv_pack_find_directory(keys, pack, pack, n, n, &offset, &size,
	    &err));
	must(vrv_pack_open_directory(keys, pack, pack + offset, size, &entry,
	    &err));
	change_kind(vrv_rd_over(entry.data, entry.len));
	vrv_buf_bytes(&object, pack, VRV_HEADER_SIZE);
	must(vrv_block_seal(&object, VRV_HEADER_SIZE, 1, &keys->index,
	    entry.data, entry.len, &err));
	assert(object.len == VRV_HEADER_SIZE + size);
	memcpy(pack + offset, object.data + VRV_HEADER_SIZE, size);
	vrv_xxh(pack + n - VRV_XXH_SIZE, pack, n - VRV_XXH_SIZE);
	put_again(repo, text, pack, n);

	memcpy(ret->pack, name.id, VRV_OBJECT_ID);
	ret->length = n;
	vrv_blake2b(ret->hash, sizeof(ret->hash), NULL, pack, n);
}

void
later_first_frame(struct vrv_repo *repo)
{
	vrv_auto_buf struct vrv_buf plain = {0}, object = {0};
	vrv_auto_object struct vrv_object old = {0};
	struct vrv_index_body body;
	struct vrv_pack_sum sum;
	struct varve_err err;
	char text[VRV_NAME_SIZE];

	change_pack(repo, &sum);
	struct vrv_name name = only(repo, VRV_INDEX, text);
	must(vrv_repo_fetch(repo, text, &old, &err));
	must(vrv_object_open_index(repo, &old, &plain, &err));
	struct vrv_rd r = vrv_rd_over(plain.data, plain.len);
	must(vrv_index_head_get(&r, &body, &err));
	assert(body.n_entries == 1);
	change_kind(r);
	must(vrv_draft_begin(repo, &name, false, &object, &err));
	vrv_index_clear_put(&object, &sum, 1);
	must(vrv_draft_seal_index(repo, &object, &plain, &err));
	must(vrv_draft_store(repo, &name, &object, false, &err));
	must(vrv_store_delete(vrv_repo_store(repo), text, &err));
}
