/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/roll.h"

#include <string.h>

#include "format/format_internal.h"

#define KEY_SIZE (1 + VRV_OBJECT_ID) /* type and object lead an entry */
#define DELETED_AT (KEY_SIZE + VRV_HASH_SIZE + VRV_LOGICAL_ID + 4)

/* --- the clear part --- */

void
vrv_roll_entry_put(struct vrv_buf *b, const struct vrv_roll_entry *e)
{
	vrv_buf_u8(b, e->type);
	vrv_buf_bytes(b, e->object, VRV_OBJECT_ID);
	vrv_buf_bytes(b, e->hash, VRV_HASH_SIZE);
	vrv_buf_bytes(b, e->logical, VRV_LOGICAL_ID);
	vrv_buf_u32(b, e->revision);
	vrv_buf_u8(b, e->deleted ? 1 : 0);
	vrv_buf_u64(b, (uint64_t)e->first_seen);
	vrv_buf_bytes(b, e->tag, VRV_TAG_SIZE);
	vrv_buf_bytes(b, e->signer, sizeof(e->signer));
}

void
vrv_roll_put(struct vrv_buf *b, const struct vrv_roll *roll)
{
	vrv_buf_v(b, roll->n_superseded);
	vrv_buf_bytes(b, roll->superseded,
	    (size_t)roll->n_superseded * VRV_OBJECT_ID);
	vrv_buf_v(b, roll->n_dead);
	vrv_buf_bytes(b, roll->dead, (size_t)roll->n_dead * VRV_OBJECT_ID);
	vrv_buf_v(b, roll->n);
	vrv_buf_bytes(b, roll->entries, (size_t)roll->n * VRV_ROLL_ENTRY_SIZE);
	vrv_buf_vbytes(b, roll->tail.p, roll->tail.n);
}

static const uint8_t *
get_items(struct vrv_rd *r, size_t size, uint32_t *ret_n)
{
	uint64_t n = vrv_rd_v(r);

	if (n > vrv_rd_left(r) / size)
		vrv_rd_fail(r);
	*ret_n = vrv_rd_ok(r) ? (uint32_t)n : 0;
	return vrv_rd_bytes(r, *ret_n * (uint64_t)size);
}

static bool
ascends(const uint8_t *items, uint32_t n, size_t size, size_t key)
{
	for (uint32_t i = 1; i < n; i++) {
		const uint8_t *item = items + (size_t)i * size;

		if (memcmp(item - size, item, key) >= 0)
			return false;
	}
	return true;
}

static int
check_tail(struct vrv_text tail, struct varve_err *err)
{
	struct vrv_rd r = vrv_rd_over(tail.p, tail.n);

	return vrv_tlv_skip(&r, err);
}

int
vrv_roll_get(struct vrv_rd *r, struct vrv_roll *ret, struct varve_err *err)
{
	struct vrv_roll roll = {0};

	roll.superseded = get_items(r, VRV_OBJECT_ID, &roll.n_superseded);
	roll.dead = get_items(r, VRV_OBJECT_ID, &roll.n_dead);
	roll.entries = get_items(r, VRV_ROLL_ENTRY_SIZE, &roll.n);
	roll.tail.p = vrv_rd_vbytes(r, &roll.tail.n);
	if (!vrv_rd_ok(r))
		return VRV_CORRUPT(err, "roll is cut short");
	if (!ascends(roll.dead, roll.n_dead, VRV_OBJECT_ID, VRV_OBJECT_ID) ||
	    !ascends(roll.entries, roll.n, VRV_ROLL_ENTRY_SIZE, KEY_SIZE))
		return VRV_CORRUPT(err, "roll out of order");
	for (uint32_t i = 0; i < roll.n; i++) {
		const uint8_t *e =
		    roll.entries + (size_t)i * VRV_ROLL_ENTRY_SIZE;

		if (e[DELETED_AT] > 1)
			return VRV_UNKNOWN(err,
			    "roll with an object in the unknown state %u",
			    e[DELETED_AT]);
		roll.n_archives += e[0] == VRV_ARCHIVE && e[DELETED_AT] == 0;
	}
	int rc = check_tail(roll.tail, err);
	if (rc != 0)
		return vrv_ctx(err, "end of a roll");
	*ret = roll;
	return 0;
}

void
vrv_roll_entry_at(const struct vrv_roll *roll, uint32_t i,
    struct vrv_roll_entry *ret)
{
	struct vrv_rd r =
	    vrv_rd_over(roll->entries + (size_t)i * VRV_ROLL_ENTRY_SIZE,
		VRV_ROLL_ENTRY_SIZE);

	ret->type = vrv_rd_u8(&r);
	vrv_rd_copy(&r, ret->object, VRV_OBJECT_ID);
	vrv_rd_copy(&r, ret->hash, VRV_HASH_SIZE);
	vrv_rd_copy(&r, ret->logical, VRV_LOGICAL_ID);
	ret->revision = vrv_rd_u32(&r);
	ret->deleted = vrv_rd_u8(&r) == 1;
	ret->first_seen = (int64_t)vrv_rd_u64(&r);
	vrv_rd_copy(&r, ret->tag, VRV_TAG_SIZE);
	vrv_rd_copy(&r, ret->signer, sizeof(ret->signer));
}

bool
vrv_roll_entry_has_facts(const struct vrv_roll_entry *e)
{
	return e->type == VRV_ARCHIVE && !e->deleted;
}

/* The number of the item that begins with `key`, or n. */
static uint32_t
search(const uint8_t *items, uint32_t n, size_t size, const uint8_t *key,
    size_t key_n)
{
	uint32_t low = 0, high = n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = memcmp(items + (size_t)middle * size, key, key_n);

		if (order == 0)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return n;
}

bool
vrv_roll_find(const struct vrv_roll *roll, uint8_t type,
    const uint8_t object[VRV_OBJECT_ID], uint32_t *ret_i)
{
	uint8_t key[KEY_SIZE] = {type};

	memcpy(key + 1, object, VRV_OBJECT_ID);
	uint32_t i = search(roll->entries, roll->n, VRV_ROLL_ENTRY_SIZE, key,
	    sizeof(key));
	if (i == roll->n)
		return false;
	*ret_i = i;
	return true;
}

bool
vrv_roll_is_dead(const struct vrv_roll *roll,
    const uint8_t intent[VRV_OBJECT_ID])
{
	return search(roll->dead, roll->n_dead, VRV_OBJECT_ID, intent,
		   VRV_OBJECT_ID) < roll->n_dead;
}

/* --- the sealed part --- */

void
vrv_roll_facts_put(struct vrv_buf *b, const struct vrv_roll_facts *facts)
{
	bool known = facts->form <= VRV_ROLL_SHORT;
	size_t clear_n =
	    known ? vrv_v_size(facts->clear.n) + facts->clear.n : 0;

	vrv_buf_v(b, 1 + clear_n + facts->list.n);
	vrv_buf_u8(b, facts->form);
	if (known)
		vrv_buf_vbytes(b, facts->clear.p, facts->clear.n);
	vrv_buf_bytes(b, facts->list.p, facts->list.n);
}

int
vrv_roll_facts_get(struct vrv_rd *r, struct vrv_roll_facts *ret,
    struct varve_err *err)
{
	struct vrv_roll_facts facts = {0};
	size_t n;
	const uint8_t *p = vrv_rd_vbytes(r, &n);
	struct vrv_rd in = vrv_rd_over(p, n);

	facts.form = vrv_rd_u8(&in);
	if (facts.form <= VRV_ROLL_SHORT)
		facts.clear.p = vrv_rd_vbytes(&in, &facts.clear.n);
	facts.list.n = vrv_rd_left(&in);
	facts.list.p = vrv_rd_bytes(&in, facts.list.n);
	if (!vrv_rd_ok(r) || !vrv_rd_ok(&in))
		return VRV_CORRUPT(err, "archives of a roll are cut short");
	*ret = facts;
	return 0;
}

int
vrv_roll_sealed_check(const uint8_t *bytes, size_t n,
    const struct vrv_roll *roll, struct vrv_text *ret_tail,
    struct varve_err *err)
{
	struct vrv_rd r = vrv_rd_over(bytes, n);
	struct vrv_roll_facts unused;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < roll->n_archives; i++)
		rc = vrv_roll_facts_get(&r, &unused, err);
	if (rc != 0)
		return rc;
	struct vrv_text tail = {r.p, vrv_rd_left(&r)};
	rc = check_tail(tail, err);
	if (rc != 0)
		return vrv_ctx(err, "sealed part of a roll");
	*ret_tail = tail;
	return 0;
}
