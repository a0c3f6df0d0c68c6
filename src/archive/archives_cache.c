/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/archives_cache.h"

#include <stdlib.h>
#include <string.h>

#include "os/file.h"
#include "os/private.h"
#include "util/hash.h"
#include "util/map.h"
#include "util/mem.h"

#define FILE_NAME "archives"
#define FILE_MAX ((size_t)1 << 30)

/*
 * The file: magic, cache id, then records to the end, each
 *   u32 length of the payload, b16 XXH3-128 of the payload, payload:
 *   the name (u8 type, b8 tag, b16 id), b32 signer, b32 hash of the object, v
 *   length of the clear part, the clear part, the opened part.
 */
static const uint8_t magic[8] = {'v', 'r', 'v', 'a', 'r', 'c', 0, 2};

#define HEAD_SIZE (sizeof(magic) + VRV_CACHE_ID)
#define RECORD_HEAD (4 + VRV_XXH_SIZE)
#define KEY_SIZE (1 + VRV_TAG_SIZE + VRV_OBJECT_ID)

/* Where a record's payload lies. */
struct place {
	bool fresh, used;
	size_t at, n;
};

struct vrv_archive_cache {
	char *folder;
	uint8_t cache_id[VRV_CACHE_ID];
	struct vrv_buf file;  /* as it was read */
	struct vrv_buf fresh; /* records to be added, in the file's form */
	struct vrv_map *places;
	bool odd; /* the file does not end well */
};

static void
make_key(const struct vrv_name *name, uint8_t key[KEY_SIZE])
{
	key[0] = (uint8_t)name->type;
	memcpy(key + 1, name->tag, VRV_TAG_SIZE);
	memcpy(key + 1 + VRV_TAG_SIZE, name->id, VRV_OBJECT_ID);
}

/* Note every sound record of the file. */
static int
scan(struct vrv_archive_cache *c, struct varve_err *err)
{
	struct vrv_rd rd = vrv_rd_over(c->file.data, c->file.len);
	const uint8_t *head = vrv_rd_bytes(&rd, HEAD_SIZE);
	uint8_t sum[VRV_XXH_SIZE];

	c->odd = head == NULL || memcmp(head, magic, sizeof(magic)) != 0 ||
	    memcmp(head + sizeof(magic), c->cache_id, VRV_CACHE_ID) != 0;
	while (!c->odd && vrv_rd_left(&rd) > 0) {
		uint32_t n = vrv_rd_u32(&rd);
		const uint8_t *stated = vrv_rd_bytes(&rd, sizeof(sum));
		const uint8_t *payload = vrv_rd_bytes(&rd, n);
		c->odd = payload == NULL || stated == NULL || n < KEY_SIZE;
		if (c->odd)
			break;
		vrv_xxh(sum, payload, n);
		c->odd = memcmp(sum, stated, sizeof(sum)) != 0;
		if (c->odd)
			break;
		struct place *place = vrv_map_put(c->places, payload, NULL);
		if (place == NULL)
			return VRV_NOMEM(err, "the cache of archives");
		place->at = (size_t)(payload - c->file.data);
		place->n = n;
	}
	return 0;
}

static int
load(struct vrv_archive_cache *c, struct varve_err *err)
{
	struct varve_err unused;
	vrv_auto_fd dir = -1;

	if (c->folder == NULL ||
	    vrv_private_dir(c->folder, false, &dir, &unused) != 0)
		return 0;
	int rc = vrv_private_load(dir, FILE_NAME, FILE_MAX, &c->file, &unused);
	if (rc != 0) {
		c->odd = rc != VARVE_NOENT;
		return 0;
	}
	return scan(c, err);
}

int
vrv_archive_cache_open(const char *folder, const uint8_t cache_id[VRV_CACHE_ID],
    struct vrv_archive_cache **ret, struct varve_err *err)
{
	struct vrv_archive_cache *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return VRV_NOMEM(err, "the cache of archives");
	memcpy(c->cache_id, cache_id, VRV_CACHE_ID);
	c->places = vrv_map_new(KEY_SIZE, sizeof(struct place));
	if (folder != NULL)
		c->folder = vrv_dup(folder, strlen(folder));
	int rc = 0;
	if (c->places == NULL || (folder != NULL && c->folder == NULL))
		rc = VRV_NOMEM(err, "the cache of archives");
	else
		rc = load(c, err);
	if (rc != 0) {
		vrv_archive_cache_free(c);
		return rc;
	}
	*ret = c;
	return 0;
}

void
vrv_archive_cache_free(struct vrv_archive_cache *c)
{
	if (c == NULL)
		return;
	vrv_map_free(c->places);
	vrv_buf_fini(&c->file);
	vrv_buf_fini(&c->fresh);
	free(c->folder);
	free(c);
}

bool
vrv_archive_cache_get(struct vrv_archive_cache *c, const struct vrv_name *name,
    struct vrv_opened_record *ret)
{
	struct vrv_opened_record record;
	uint8_t key[KEY_SIZE];

	make_key(name, key);
	struct place *place = vrv_map_get(c->places, key);
	if (place == NULL)
		return false;
	const struct vrv_buf *from = place->fresh ? &c->fresh : &c->file;
	struct vrv_rd rd =
	    vrv_rd_over(from->data + place->at + KEY_SIZE, place->n - KEY_SIZE);
	vrv_rd_copy(&rd, record.signer, sizeof(record.signer));
	vrv_rd_copy(&rd, record.hash, sizeof(record.hash));
	record.clear = vrv_rd_vbytes(&rd, &record.clear_n);
	record.plain_n = vrv_rd_left(&rd);
	record.plain = vrv_rd_bytes(&rd, record.plain_n);
	if (!vrv_rd_ok(&rd))
		return false;
	place->used = true;
	*ret = record;
	return true;
}

int
vrv_archive_cache_add(struct vrv_archive_cache *c, const struct vrv_name *name,
    const struct vrv_opened_record *record, struct varve_err *err)
{
	uint8_t key[KEY_SIZE];
	size_t n = KEY_SIZE + sizeof(record->signer) + sizeof(record->hash) +
	    vrv_v_size(record->clear_n) + record->clear_n + record->plain_n;
	size_t start = c->fresh.len;

	if (n > UINT32_MAX)
		return vrv_fail(err, VARVE_LIMIT, "record of %zu bytes", n);
	make_key(name, key);
	vrv_buf_u32(&c->fresh, (uint32_t)n);
	vrv_buf_zero(&c->fresh, VRV_XXH_SIZE);
	vrv_buf_bytes(&c->fresh, key, sizeof(key));
	vrv_buf_bytes(&c->fresh, record->signer, sizeof(record->signer));
	vrv_buf_bytes(&c->fresh, record->hash, sizeof(record->hash));
	vrv_buf_vbytes(&c->fresh, record->clear, record->clear_n);
	vrv_buf_bytes(&c->fresh, record->plain, record->plain_n);
	struct place *place = vrv_map_put(c->places, key, NULL);
	if (place == NULL)
		return VRV_NOMEM(err, "the cache of archives");
	int rc = vrv_buf_check(&c->fresh, err);
	if (rc != 0)
		return rc;
	uint8_t *at = c->fresh.data + start;
	vrv_xxh(at + 4, at + RECORD_HEAD, n);
	*place = (struct place){
	    .fresh = true,
	    .used = true,
	    .at = start + RECORD_HEAD,
	    .n = n,
	};
	return 0;
}

/* Put together the new content of the file; true if it is another one. */
static bool
compose(const struct vrv_archive_cache *c, struct vrv_buf *out)
{
	const void *key;
	void *value;
	size_t at = 0;
	bool dropped = c->odd;

	vrv_buf_bytes(out, magic, sizeof(magic));
	vrv_buf_bytes(out, c->cache_id, VRV_CACHE_ID);
	while (vrv_map_next(c->places, &at, &key, &value)) {
		const struct place *place = value;
		if (place->fresh)
			continue;
		if (place->used)
			vrv_buf_bytes(out,
			    c->file.data + place->at - RECORD_HEAD,
			    place->n + RECORD_HEAD);
		else
			dropped = true;
	}
	vrv_buf_bytes(out, c->fresh.data, c->fresh.len);
	return dropped || c->fresh.len > 0;
}

void
vrv_archive_cache_save(struct vrv_archive_cache *c)
{
	vrv_auto_buf struct vrv_buf out = {0};
	vrv_auto_fd dir = -1;
	struct varve_err err;

	if (c->folder == NULL || !compose(c, &out))
		return;
	/* A cache that cannot be written or read is none. */
	int rc = out.len > FILE_MAX ? VARVE_LIMIT : vrv_buf_check(&out, &err);
	if (rc == 0)
		rc = vrv_private_dir(c->folder, true, &dir, &err);
	if (rc == 0)
		rc = vrv_os_replace_file(dir, FILE_NAME, 0600, out.data,
		    out.len, &err);
	(void)rc;
}
