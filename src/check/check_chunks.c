/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "archive/attrs.h"
#include "check/check_internal.h"
#include "os/meta.h"
#include "util/hex.h"
#include "util/mem.h"

#define LENGTHS_MAX ((size_t)1 << 21)
#define VALUES_MAX ((size_t)1 << 16)

/*
 * The chunks that entries refer to. Where a chunk lies the index says, and how
 * long it is only if its frame holds no other. The others are noted with the
 * length that archives state, which is compared when their frames are opened.
 * When too many are noted, a chunk is read at once.
 */

/* --- locations --- */

/* This client finds the pack by its own directory, but an archive must not
 * depend on that. An index object that could not be read may name it. */
static void
note_unnamed(struct vrv_check *check, const uint8_t pack[VRV_OBJECT_ID],
    struct varve_err *err)
{
	struct vrv_listed *item = vrv_check_find(check, VRV_PACK, pack);
	char name[VRV_NAME_SIZE];

	if (item == NULL || item->needed || check->index_unread ||
	    !vrv_repo_is_unnamed(check->repo, pack))
		return;
	item->needed = true;
	vrv_pack_name(pack, name);
	(void)vrv_fail(err, VARVE_CORRUPT,
	    "archives need it, but no usable index object names it: the next "
	    "backup stores one that does");
	vrv_check_problem(check, name, NULL, err);
	vrv_err_clear(err);
}

static int
locate(struct vrv_check *check, enum vrv_frame_kind kind,
    const uint8_t id[VRV_ID_SIZE], struct vrv_location *ret,
    struct varve_err *err)
{
	char hex[2 * VRV_PREFIX_SIZE + 1];
	struct vrv_location at[VRV_COPIES_MAX];
	uint32_t n = 0;

	int rc = vrv_repo_locate(check->repo, id, at, VRV_COPIES_MAX, &n, err);
	if (rc != 0 && rc != VARVE_NOENT)
		return rc;
	/* What index objects name comes first. */
	for (uint32_t i = 0; i < n; i++) {
		if (at[i].kind == kind) {
			note_unnamed(check, at[i].pack, err);
			*ret = at[i];
			return 0;
		}
	}
	vrv_hex(hex, id, VRV_PREFIX_SIZE);
	return vrv_fail(err, VARVE_CORRUPT,
	    "%s chunk %s is in no pack that the index names",
	    kind == VRV_FRAME_META ? "meta" : "data", hex);
}

static int
get_meta(void *arg, const uint8_t id[VRV_CHUNK_ID], struct vrv_buf *ret,
    struct varve_err *err)
{
	struct vrv_check_chunks *c = arg;
	const struct vrv_meta_source inner = vrv_meta_from_reader(c->reader);
	struct vrv_location at;

	int rc = locate(c->check, VRV_FRAME_META, id, &at, err);
	return rc == 0 ? inner.get(inner.arg, id, ret, err) : rc;
}

/* --- lengths --- */

static int
wrong_length(const uint8_t *id, uint64_t is, uint64_t stated,
    struct varve_err *err)
{
	char hex[2 * VRV_PREFIX_SIZE + 1];

	vrv_hex(hex, id, VRV_PREFIX_SIZE);
	return vrv_fail(err, VARVE_CORRUPT,
	    "data chunk %s is %llu bytes long, but an archive states %llu", hex,
	    (unsigned long long)is, (unsigned long long)stated);
}

static int
read_length(struct vrv_check_chunks *c, const uint8_t *id, uint64_t length,
    struct varve_err *err)
{
	const uint8_t *bytes;
	size_t n;

	int rc = vrv_reader_get(c->reader, VRV_FRAME_DATA, id, &bytes, &n, err);
	if (rc == 0 && n != length)
		rc = wrong_length(id, n, length, err);
	return rc;
}

/* Only who verifies data learns the length of a chunk among others. */
static int
note_length(struct vrv_check_chunks *c, const uint8_t *id, uint64_t length,
    struct varve_err *err)
{
	struct vrv_map *lengths = c->check->lengths;
	const struct vrv_stated *known = vrv_map_get(lengths, id);
	struct vrv_stated *stated;

	if (known != NULL && known->length == length)
		return 0;
	if (known != NULL || vrv_map_count(lengths) >= LENGTHS_MAX)
		return read_length(c, id, length, err);
	stated = vrv_map_put(lengths, id, NULL);
	if (stated == NULL)
		return VRV_NOMEM(err, "lengths of chunks");
	stated->length = (uint32_t)length; /* at most VRV_FRAME_PLAIN_MAX */
	return 0;
}

static int
on_chunk(void *arg, enum vrv_frame_kind kind, const uint8_t id[VRV_ID_SIZE],
    uint64_t length, struct varve_err *err)
{
	struct vrv_check_chunks *c = arg;
	struct vrv_location at;

	/* What is a meta chunk is read where it is needed. */
	if (kind != VRV_FRAME_DATA)
		return 0;
	int rc = locate(c->check, kind, id, &at, err);
	if (rc != 0)
		return rc;
	if (length > at.plain || (at.n == 1 && length != at.plain))
		return wrong_length(id, at.plain, length, err);
	if (at.n == 1 || !c->check->options->verify_data)
		return 0;
	return note_length(c, id, length, err);
}

/* --- entries --- */

static int
check_xattr(struct vrv_check_chunks *c, const struct vrv_entry_xattr *x,
    struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf buf = {0};
	const uint8_t *value;
	uint64_t *size;

	if (memchr(x->name, '\0', x->name_n) != NULL)
		return vrv_fail(err, VARVE_CORRUPT,
		    "the name of an attribute has a NUL");
	if (x->value != NULL || x->size == 0)
		return 0;
	size = vrv_map_get(c->values, x->id);
	if (size != NULL && *size == x->size)
		return 0;
	int rc = vrv_attr_value(&c->source, x, &buf, &value, err);
	if (rc != 0)
		return vrv_ctx(err, "attribute %.*s", (int)x->name_n,
		    (const char *)x->name);
	if (vrv_map_count(c->values) < VALUES_MAX &&
	    (size = vrv_map_put(c->values, x->id, NULL)) != NULL)
		*size = x->size;
	return 0;
}

static int
check_xattrs(struct vrv_check_chunks *c, const struct vrv_entry *entry,
    struct varve_err *err)
{
	struct vrv_rd rd = vrv_rd_over(entry->xattrs, entry->xattrs_n);
	int rc = 0;

	if (entry->xattrs_n == 0)
		return 0;
	for (uint64_t n = vrv_rd_v(&rd); rc == 0 && n > 0; n--) {
		struct vrv_entry_xattr x;
		rc = vrv_xattr_get(&rd, &x, err);
		if (rc == 0)
			rc = check_xattr(c, &x, err);
	}
	return rc;
}

/* An extension with an even tag changes what the entry means. */
static int
check_extensions(const struct vrv_entry *entry, struct varve_err *err)
{
	struct vrv_rd rd = vrv_rd_over(entry->extensions, entry->extensions_n);
	const uint8_t *bytes;
	uint64_t tag;
	size_t len;

	if (entry->extensions_n == 0)
		return 0;
	for (uint64_t n = vrv_rd_v(&rd); n > 0; n--) {
		int rc = vrv_extension_get(&rd, &tag, &bytes, &len, err);
		if (rc != 0)
			return rc;
		if (tag % 2 == 0)
			return vrv_fail(err, VARVE_FORMAT,
			    "has a property (%llu) that this version of varve "
			    "cannot restore",
			    (unsigned long long)tag);
	}
	return 0;
}

int
vrv_check_entry(struct vrv_check_chunks *c, const struct vrv_entry *entry,
    struct vrv_visited *lists, struct varve_err *err)
{
	if (entry->kind == VRV_SYMLINK && entry->target_n == 0)
		return vrv_fail(err, VARVE_CORRUPT, "symlink without a target");
	int rc = check_xattrs(c, entry, err);
	if (rc == 0)
		rc = check_extensions(entry, err);
	if (rc == 0)
		rc =
		    vrv_entry_sized(&c->source, entry, lists, on_chunk, c, err);
	return rc;
}

/* --- beginning and end --- */

int
vrv_check_chunks_init(struct vrv_check_chunks *c, struct vrv_check *check,
    struct vrv_reader *reader, struct varve_err *err)
{
	*c = (struct vrv_check_chunks){
	    .check = check,
	    .reader = reader,
	    .source = {get_meta, c},
	    .values = vrv_map_new(VRV_PREFIX_SIZE, sizeof(uint64_t)),
	};
	return c->values == NULL ? VRV_NOMEM(err, "a check") : 0;
}

void
vrv_check_chunks_fini(struct vrv_check_chunks *c)
{
	vrv_map_free(c->values);
	c->values = NULL;
}

void
vrv_check_lengths(struct vrv_check *check, const struct vrv_pack_frame *frame,
    const struct vrv_opened *opened)
{
	struct varve_err why;

	if (frame->kind != VRV_FRAME_DATA)
		return;
	for (uint32_t i = 0; i < frame->n; i++) {
		const uint8_t *id = frame->ids + (size_t)i * VRV_PREFIX_SIZE;

		pthread_mutex_lock(&check->lock);
		struct vrv_stated *stated = vrv_map_get(check->lengths, id);
		bool wrong = stated != NULL && !stated->wrong &&
		    stated->length != opened->lengths[i];
		uint32_t length = wrong ? stated->length : 0;
		if (wrong)
			stated->wrong = true;
		pthread_mutex_unlock(&check->lock);
		if (!wrong)
			continue;
		(void)wrong_length(id, opened->lengths[i], length, &why);
		vrv_check_problem(check, NULL, NULL, &why);
	}
}

bool
vrv_check_length_is_wrong(const struct vrv_check *check,
    const uint8_t id[VRV_ID_SIZE])
{
	const struct vrv_stated *stated = vrv_map_get(check->lengths, id);

	return stated != NULL && stated->wrong;
}
