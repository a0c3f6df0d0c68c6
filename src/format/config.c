/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/config.h"

#include <string.h>

#include "format/format_internal.h"
#include "format/frame.h"
#include "util/mem.h"

/* Least bytes of a value; a public key may be empty. */
#define PUBLIC_MIN 3
#define PAIR_MIN (2 + 4 + 2 * PUBLIC_MIN)
#define MEMBER_MIN (PUBLIC_MIN + 1 + 1)

#define BODY_HEAD (4 + VRV_CONFIG_HASH + 4)

#define REPEATED                                                               \
	(VRV_TAG_BIT(VRV_C_PAIR) | VRV_TAG_BIT(VRV_C_ADMIN) |                  \
	    VRV_TAG_BIT(VRV_C_MEMBER) | VRV_TAG_BIT(VRV_C_SLOT))
#define REQUIRED                                                               \
	(VRV_TAG_BIT(VRV_C_READ_FEATURES) |                                    \
	    VRV_TAG_BIT(VRV_C_WRITE_FEATURES) | VRV_TAG_BIT(VRV_C_PAIR) |      \
	    VRV_TAG_BIT(VRV_C_ADMIN) | VRV_TAG_BIT(VRV_C_CHUNKER))

/* --- what a later version may have written --- */

/* Read a public key; true if it is of a suite that this version knows. */
static bool
get_public(struct vrv_rd *v, uint8_t key[32])
{
	uint8_t suite = vrv_rd_u8(v);
	uint16_t n = vrv_rd_u16(v);

	if (suite == VRV_KEY_SUITE_25519) {
		vrv_rd_copy(v, key, 32);
		if (n != 32)
			vrv_rd_fail(v);
		return true;
	}
	(void)vrv_rd_bytes(v, n);
	return false;
}

/* Is this a value that the next generation must keep as it is: of an unknown
 * tag, or with a key of an unknown suite? */
static bool
is_foreign(const struct vrv_tlv *at)
{
	struct vrv_rd v = vrv_rd_over(at->p, at->n);
	uint8_t key[32];
	bool known;

	switch (at->tag) {
	case VRV_C_READ_FEATURES:
	case VRV_C_WRITE_FEATURES:
	case VRV_C_CHUNKER:
	case VRV_C_POLICY:
	case VRV_C_SLOT:
		return false;
	case VRV_C_PAIR:
		(void)vrv_rd_bytes(&v, 2 + 4);
		known = get_public(&v, key);
		return !get_public(&v, key) || !known;
	case VRV_C_ADMIN:
	case VRV_C_MEMBER:
		return !get_public(&v, key);
	default:
		return true;
	}
}

/* --- encoding --- */

static void
put_features(struct vrv_buf *b, enum vrv_config_tag tag, uint64_t features)
{
	vrv_tlv_put_head(b, tag, 8);
	vrv_buf_u64(b, features);
}

static void
put_public(struct vrv_buf *b, const uint8_t key[32])
{
	vrv_buf_u8(b, VRV_KEY_SUITE_25519);
	vrv_buf_u16(b, 32);
	vrv_buf_bytes(b, key, 32);
}

#define PUBLIC_SIZE (PUBLIC_MIN + 32)

static void
put_pair(struct vrv_buf *b, const struct vrv_config_pair *pair)
{
	vrv_tlv_put_head(b, VRV_C_PAIR, 2 + 4 + 2 * PUBLIC_SIZE);
	vrv_buf_u16(b, pair->domain);
	vrv_buf_u32(b, pair->epoch);
	put_public(b, pair->data);
	put_public(b, pair->meta);
}

static void
put_member(struct vrv_buf *b, const struct vrv_member *member)
{
	vrv_tlv_put_head(b, VRV_C_MEMBER,
	    PUBLIC_SIZE + 1 + vrv_v_size(member->label.n) + member->label.n +
		member->more.n);
	put_public(b, member->key);
	vrv_buf_u8(b, member->rights);
	vrv_buf_vbytes(b, member->label.p, member->label.n);
	vrv_buf_bytes(b, member->more.p, member->more.n);
}

static void
put_chunker(struct vrv_buf *b, const struct vrv_config *c)
{
	vrv_tlv_put_head(b, VRV_C_CHUNKER,
	    vrv_v_size(c->chunk_method) + vrv_v_size(c->chunk_min) +
		vrv_v_size(c->chunk_average) + vrv_v_size(c->chunk_max));
	vrv_buf_v(b, c->chunk_method);
	vrv_buf_v(b, c->chunk_min);
	vrv_buf_v(b, c->chunk_average);
	vrv_buf_v(b, c->chunk_max);
}

static void
put_policy(struct vrv_buf *b, const struct vrv_config *c)
{
	vrv_tlv_put_head(b, VRV_C_POLICY,
	    vrv_v_size(c->grace) + vrv_v_size(c->min_age));
	vrv_buf_v(b, c->grace);
	vrv_buf_v(b, c->min_age);
}

/* Those of tags above `after` and up to `last`. */
static void
put_foreign(struct vrv_buf *b, const struct vrv_config *c, uint64_t after,
    uint64_t last)
{
	struct vrv_rd list = vrv_rd_over(c->body.p, c->body.n);
	struct varve_err unused;
	struct vrv_tlv at = {0};

	(void)vrv_rd_bytes(&list, BODY_HEAD);
	while (vrv_rd_left(&list) > 0 &&
	    vrv_tlv_get(&list, &at, REPEATED, &unused) == 0) {
		if (at.tag > after && at.tag <= last && is_foreign(&at))
			vrv_tlv_put(b, at.tag, at.p, at.n);
	}
}

static void
put_list(struct vrv_buf *b, const struct vrv_config *c)
{
	put_foreign(b, c, 0, VRV_C_READ_FEATURES);
	put_features(b, VRV_C_READ_FEATURES, c->read_features);
	put_foreign(b, c, VRV_C_READ_FEATURES, VRV_C_WRITE_FEATURES);
	put_features(b, VRV_C_WRITE_FEATURES, c->write_features);
	put_foreign(b, c, VRV_C_WRITE_FEATURES, VRV_C_PAIR);
	for (uint32_t i = 0; i < c->n_pairs; i++)
		put_pair(b, &c->pairs[i]);
	put_foreign(b, c, VRV_C_PAIR, VRV_C_ADMIN);
	for (uint32_t i = 0; i < c->n_admins; i++) {
		vrv_tlv_put_head(b, VRV_C_ADMIN, PUBLIC_SIZE);
		put_public(b, c->admins[i]);
	}
	put_foreign(b, c, VRV_C_ADMIN, VRV_C_MEMBER);
	for (uint32_t i = 0; i < c->n_members; i++)
		put_member(b, &c->members[i]);
	put_foreign(b, c, VRV_C_MEMBER, VRV_C_CHUNKER);
	put_chunker(b, c);
	put_policy(b, c);
	put_foreign(b, c, VRV_C_POLICY, VRV_C_SLOT);
	for (uint32_t i = 0; i < c->n_slots; i++)
		vrv_tlv_put(b, VRV_C_SLOT, c->slots[i], VRV_OBJECT_ID);
	put_foreign(b, c, VRV_C_SLOT, UINT64_MAX);
}

void
vrv_config_put(struct vrv_buf *b, const struct vrv_config *c)
{
	vrv_buf_u32(b, c->generation);
	vrv_buf_bytes(b, c->previous, VRV_CONFIG_HASH);
	vrv_buf_u32(b, 0);
	size_t start = b->len;

	put_list(b, c);
	if (!b->failed)
		vrv_put_u32(b->data + start - 4, (uint32_t)(b->len - start));
}

/* --- decoding --- */

static void
get_pair(struct vrv_rd *v, struct vrv_config *c)
{
	struct vrv_config_pair *pair = &c->pairs[c->n_pairs];

	pair->domain = vrv_rd_u16(v);
	pair->epoch = vrv_rd_u32(v);
	bool data = get_public(v, pair->data);
	bool meta = get_public(v, pair->meta);
	if (data && meta)
		c->n_pairs++;
}

static int
get_member(struct vrv_rd *v, struct vrv_config *c, struct varve_err *err)
{
	struct vrv_member *member = &c->members[c->n_members];

	if (get_public(v, member->key))
		c->n_members++;
	member->rights = vrv_rd_u8(v);
	member->label.p = vrv_rd_vbytes(v, &member->label.n);
	member->more = (struct vrv_text){v->p, vrv_rd_left(v)};
	return vrv_tlv_skip(v, err);
}

static int
get_chunker(struct vrv_rd *v, struct vrv_config *c, struct varve_err *err)
{
	uint64_t method = vrv_rd_v(v);

	if (!vrv_rd_ok(v))
		return VRV_CORRUPT(err, "config is cut short");
	if (method != VRV_CHUNKER_GEAR && method != VRV_CHUNKER_PRF)
		return VRV_UNKNOWN(err, "config with unknown chunker %llu",
		    (unsigned long long)method);
	uint64_t min = vrv_rd_v(v);
	uint64_t average = vrv_rd_v(v);
	uint64_t max = vrv_rd_v(v);
	if (min == 0 || min > average || average > max ||
	    max > VRV_FRAME_PLAIN_MAX)
		return VRV_CORRUPT(err, "config with bad chunk sizes");
	c->chunk_method = (uint32_t)method;
	c->chunk_min = (uint32_t)min;
	c->chunk_average = (uint32_t)average;
	c->chunk_max = (uint32_t)max;
	return 0;
}

static int
get_read_features(struct vrv_rd *v, struct vrv_config *c, struct varve_err *err)
{
	c->read_features = vrv_rd_u64(v);
	if ((c->read_features & ~(uint64_t)VRV_READ_FEATURES_KNOWN) != 0)
		return VRV_UNKNOWN(err, "repository needs features %#llx",
		    (unsigned long long)c->read_features);
	return 0;
}

static int
get_value(const struct vrv_tlv *at, struct vrv_config *c, struct varve_err *err)
{
	struct vrv_rd v = vrv_rd_over(at->p, at->n);
	int rc = 0;

	switch (at->tag) {
	case VRV_C_READ_FEATURES:
		rc = get_read_features(&v, c, err);
		break;
	case VRV_C_WRITE_FEATURES:
		c->write_features = vrv_rd_u64(&v);
		break;
	case VRV_C_PAIR:
		get_pair(&v, c);
		break;
	case VRV_C_ADMIN:
		if (get_public(&v, c->admins[c->n_admins]))
			c->n_admins++;
		break;
	case VRV_C_MEMBER:
		rc = get_member(&v, c, err);
		break;
	case VRV_C_CHUNKER:
		rc = get_chunker(&v, c, err);
		break;
	case VRV_C_POLICY:
		c->grace = vrv_rd_v(&v);
		c->min_age = vrv_rd_v(&v);
		break;
	case VRV_C_SLOT:
		vrv_rd_copy(&v, c->slots[c->n_slots++], VRV_OBJECT_ID);
		break;
	default:
		return vrv_tlv_unknown(at->tag, err);
	}
	if (rc == 0 && !vrv_rd_done(&v))
		return VRV_CORRUPT(err, "config with a malformed value %llu",
		    (unsigned long long)at->tag);
	return rc;
}

/* An array for every value of `tag`, each of `min` bytes or more, so that
 * many short ones cannot make it larger than a config can be. */
static int
make_array(struct vrv_rd list, enum vrv_config_tag tag, size_t min, size_t size,
    struct vrv_arena *arena, void *ret, struct varve_err *err)
{
	size_t n = vrv_tlv_count(list, tag);

	if (n > vrv_rd_left(&list) / min)
		return VRV_CORRUPT(err, "config with malformed values");
	void *array = vrv_arena_alloc(arena, n * size);
	if (array == NULL)
		return VRV_NOMEM(err, "a config");
	memcpy(ret, &array, sizeof(array));
	return 0;
}

static int
make_arrays(struct vrv_rd list, struct vrv_arena *arena, struct vrv_config *c,
    struct varve_err *err)
{
	int rc = make_array(list, VRV_C_PAIR, PAIR_MIN, sizeof(*c->pairs),
	    arena, &c->pairs, err);

	if (rc == 0)
		rc = make_array(list, VRV_C_ADMIN, PUBLIC_MIN,
		    sizeof(*c->admins), arena, &c->admins, err);
	if (rc == 0)
		rc = make_array(list, VRV_C_MEMBER, MEMBER_MIN,
		    sizeof(*c->members), arena, &c->members, err);
	if (rc == 0)
		rc = make_array(list, VRV_C_SLOT, VRV_OBJECT_ID,
		    sizeof(*c->slots), arena, &c->slots, err);
	return rc;
}

static int
get_list(struct vrv_rd list, struct vrv_arena *arena, struct vrv_config *c,
    struct varve_err *err)
{
	struct vrv_tlv at = {0};
	uint64_t seen = 0;

	int rc = make_arrays(list, arena, c, err);
	while (rc == 0 && vrv_rd_left(&list) > 0) {
		rc = vrv_tlv_get(&list, &at, REPEATED, err);
		if (rc == 0)
			rc = get_value(&at, c, err);
		if (rc == 0 && at.tag < 64)
			seen |= VRV_TAG_BIT(at.tag);
	}
	if (rc == 0 && (seen & REQUIRED) != REQUIRED)
		return VRV_CORRUPT(err, "config lacks a value");
	if (rc == 0 && (c->n_pairs == 0 || c->n_admins == 0))
		return VRV_UNKNOWN(err,
		    "config whose keys are all of an "
		    "unknown suite");
	return rc;
}

int
vrv_config_get(struct vrv_rd *r, struct vrv_arena *arena,
    struct vrv_config *ret, struct varve_err *err)
{
	static const uint8_t none[VRV_CONFIG_HASH];
	struct vrv_config c = {0};

	if (vrv_rd_left(r) > VRV_MAX_CONFIG)
		return VRV_CORRUPT(err, "config beyond the limit");
	c.body = (struct vrv_text){r->p, vrv_rd_left(r)};
	c.generation = vrv_rd_u32(r);
	vrv_rd_copy(r, c.previous, VRV_CONFIG_HASH);
	uint32_t n = vrv_rd_u32(r);
	const uint8_t *list = vrv_rd_bytes(r, n);
	if (!vrv_rd_done(r))
		return VRV_CORRUPT(err, "config of another size");
	if (c.generation == 0 && memcmp(c.previous, none, sizeof(none)) != 0)
		return VRV_CORRUPT(err, "first config with a predecessor");

	int rc = get_list(vrv_rd_over(list, n), arena, &c, err);
	if (rc != 0)
		return rc;
	*ret = c;
	return 0;
}
