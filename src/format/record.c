/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/record.h"

#include <string.h>

#include "format/format_internal.h"
#include "util/mem.h"

#define BURIED_SIZE (VRV_LOGICAL_ID + 4)
#define CONDEMNED_SIZE (1 + VRV_OBJECT_ID)

/* The count of a list whose items take `size` bytes each: never more than can
 * follow. */
static uint32_t
get_count(struct vrv_rd *r, size_t size)
{
	uint64_t n = vrv_rd_v(r);

	if (n > vrv_rd_left(r) / size) {
		vrv_rd_fail(r);
		return 0;
	}
	return (uint32_t)n;
}

/* The end of a record: a list of which this version knows nothing. */
static int
get_end(struct vrv_rd *r, const char *what, struct varve_err *err)
{
	if (!vrv_rd_ok(r))
		return VRV_CORRUPT(err, "%s is cut short", what);
	int rc = vrv_tlv_skip(r, err);
	return rc == 0 ? 0 : vrv_ctx(err, "%s", what);
}

bool
vrv_text_is(struct vrv_text text, const char *s)
{
	/* An empty text may have no address, which memcmp() must not get. */
	return text.n == strlen(s) &&
	    (text.n == 0 || memcmp(text.p, s, text.n) == 0);
}

/* --- intent --- */

void
vrv_intent_clear_put(struct vrv_buf *b, const struct vrv_intent_clear *clear)
{
	vrv_buf_bytes(b, clear->logical, VRV_LOGICAL_ID);
	vrv_buf_u32(b, clear->revision);
}

int
vrv_intent_clear_get(struct vrv_rd *r, struct vrv_intent_clear *ret,
    struct varve_err *err)
{
	struct vrv_intent_clear clear;

	vrv_rd_copy(r, clear.logical, VRV_LOGICAL_ID);
	clear.revision = vrv_rd_u32(r);
	if (!vrv_rd_ok(r))
		return VRV_CORRUPT(err, "intent is cut short");
	*ret = clear;
	return 0;
}

void
vrv_intent_sealed_put(struct vrv_buf *b, const struct vrv_intent_sealed *intent)
{
	vrv_buf_u8(b, intent->has_root ? 1 : 0);
	if (intent->has_root)
		vrv_ref_put(b, &intent->root);
	vrv_buf_v(b, intent->n_ids);
	vrv_buf_bytes(b, intent->ids, (size_t)intent->n_ids * VRV_OBJECT_ID);
}

int
vrv_intent_sealed_get(const uint8_t *bytes, size_t n,
    struct vrv_intent_sealed *ret, struct varve_err *err)
{
	struct vrv_rd r = vrv_rd_over(bytes, n);
	struct vrv_intent_sealed intent = {0};

	if (n > VRV_MAX_RECORD)
		return VRV_CORRUPT(err, "intent of %zu bytes", n);
	uint8_t has_root = vrv_rd_u8(&r);
	if (has_root > 1)
		return VRV_CORRUPT(err, "intent is malformed");
	intent.has_root = has_root == 1;
	if (intent.has_root)
		vrv_ref_get(&r, &intent.root);
	intent.n_ids = get_count(&r, VRV_OBJECT_ID);
	intent.ids = vrv_rd_bytes(&r, (uint64_t)intent.n_ids * VRV_OBJECT_ID);
	int rc = get_end(&r, "intent", err);
	if (rc != 0)
		return rc;
	*ret = intent;
	return 0;
}

/* --- tombstone --- */

void
vrv_tombstone_put(struct vrv_buf *b, int64_t time,
    const struct vrv_buried *buried, uint32_t n)
{
	vrv_buf_u64(b, (uint64_t)time);
	vrv_buf_v(b, n);
	for (uint32_t i = 0; i < n; i++) {
		vrv_buf_bytes(b, buried[i].logical, VRV_LOGICAL_ID);
		vrv_buf_u32(b, buried[i].revision);
	}
}

int
vrv_tombstone_get(struct vrv_rd *r, struct vrv_arena *arena, int64_t *ret_time,
    struct vrv_buried **ret, uint32_t *ret_n, struct varve_err *err)
{
	if (vrv_rd_left(r) > VRV_MAX_RECORD)
		return VRV_CORRUPT(err, "tombstone beyond the limit");
	int64_t time = (int64_t)vrv_rd_u64(r);
	uint32_t n = get_count(r, BURIED_SIZE);
	struct vrv_buried *buried =
	    vrv_arena_alloc(arena, (size_t)n * sizeof(*buried));

	if (buried == NULL)
		return VRV_NOMEM(err, "a tombstone");
	for (uint32_t i = 0; i < n; i++) {
		vrv_rd_copy(r, buried[i].logical, VRV_LOGICAL_ID);
		buried[i].revision = vrv_rd_u32(r);
	}
	int rc = get_end(r, "tombstone", err);
	if (rc != 0)
		return rc;
	*ret_time = time;
	*ret = buried;
	*ret_n = n;
	return 0;
}

/* --- condemn record --- */

void
vrv_condemn_put(struct vrv_buf *b, const struct vrv_condemn *condemn)
{
	vrv_buf_u64(b, (uint64_t)condemn->time);
	vrv_buf_bytes(b, condemn->place, VRV_PLACE_ID);
	vrv_buf_u8(b, condemn->reason);
	vrv_buf_v(b, condemn->n);
	for (uint32_t i = 0; i < condemn->n; i++) {
		vrv_buf_u8(b, condemn->objects[i].type);
		vrv_buf_bytes(b, condemn->objects[i].id, VRV_OBJECT_ID);
	}
	vrv_buf_v(b, condemn->n_successors);
	vrv_buf_bytes(b, condemn->successors,
	    (size_t)condemn->n_successors * VRV_OBJECT_ID);
}

static int
condemned_cmp(const struct vrv_condemned *a, const struct vrv_condemned *b)
{
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	return memcmp(a->id, b->id, VRV_OBJECT_ID);
}

static int
get_condemned(struct vrv_rd *r, struct vrv_condemned *objects, uint32_t n,
    struct varve_err *err)
{
	for (uint32_t i = 0; i < n; i++) {
		objects[i].type = vrv_rd_u8(r);
		vrv_rd_copy(r, objects[i].id, VRV_OBJECT_ID);
		if (objects[i].type < VRV_CONFIG ||
		    objects[i].type >= VRV_TYPES)
			return VRV_UNKNOWN(err,
			    "condemn record of unknown type %u",
			    objects[i].type);
		if (i > 0 && condemned_cmp(&objects[i - 1], &objects[i]) >= 0)
			return VRV_CORRUPT(err, "condemn record out of order");
	}
	return 0;
}

int
vrv_condemn_get(struct vrv_rd *r, struct vrv_arena *arena,
    struct vrv_condemn *ret, struct varve_err *err)
{
	struct vrv_condemn condemn = {0};

	if (vrv_rd_left(r) > VRV_MAX_RECORD)
		return VRV_CORRUPT(err, "condemn record beyond the limit");
	condemn.time = (int64_t)vrv_rd_u64(r);
	vrv_rd_copy(r, condemn.place, VRV_PLACE_ID);
	condemn.reason = vrv_rd_u8(r);
	condemn.n = get_count(r, CONDEMNED_SIZE);
	if (!vrv_rd_ok(r))
		return VRV_CORRUPT(err, "condemn record is cut short");
	if (condemn.reason < VRV_REASON_DEAD ||
	    condemn.reason > VRV_REASON_OLD_ROLL)
		return VRV_UNKNOWN(err, "condemned for unknown reason %u",
		    condemn.reason);

	struct vrv_condemned *objects =
	    vrv_arena_alloc(arena, (size_t)condemn.n * sizeof(*objects));
	if (objects == NULL)
		return VRV_NOMEM(err, "a condemn record");
	int rc = get_condemned(r, objects, condemn.n, err);
	if (rc != 0)
		return rc;
	condemn.objects = objects;
	condemn.n_successors = get_count(r, VRV_OBJECT_ID);
	condemn.successors =
	    vrv_rd_bytes(r, (uint64_t)condemn.n_successors * VRV_OBJECT_ID);
	rc = get_end(r, "condemn record", err);
	if (rc != 0)
		return rc;
	*ret = condemn;
	return 0;
}
