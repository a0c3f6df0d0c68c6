/* SPDX-License-Identifier: BSD-2-Clause */
#include "format_support.h"

#include "format/object.h"
#include "format/roll.h"

static const struct vrv_roll_entry entries[] = {
    {.type = VRV_INDEX, .object = {9}, .hash = {1}, .first_seen = -5},
    {.type = VRV_ARCHIVE,
	.object = {2},
	.hash = {3},
	.logical = {4},
	.revision = 5,
	.first_seen = 1700000000,
	.tag = {6},
	.signer = {7}},
    {.type = VRV_ARCHIVE,
	.object = {3},
	.logical = {8},
	.revision = 7,
	.deleted = true},
    {.type = VRV_ARCHIVE, .object = {5}, .logical = {9}},
    {.type = 200, .object = {1}}, /* of a later version */
};
#define N_ENTRIES 5
static const uint8_t superseded[] = {[0] = 4, [16] = 2, [32] = 3, [47] = 0};
static const uint8_t dead[] = {[0] = 1, [16] = 1, [31] = 1};

static void
put_entries(struct vrv_buf *b)
{
	for (uint32_t i = 0; i < N_ENTRIES; i++)
		vrv_roll_entry_put(b, &entries[i]);
}

/* A roll over `list`, the entries, with `tail` behind them. */
static void
put_roll(struct vrv_buf *b, const struct vrv_buf *list, const char *tail)
{
	struct vrv_roll roll = {.n_superseded = 3,
	    .superseded = superseded,
	    .n_dead = 2,
	    .dead = dead,
	    .n = (uint32_t)(list->len / VRV_ROLL_ENTRY_SIZE),
	    .entries = list->data,
	    .tail = {(const uint8_t *)tail, strlen(tail)}};

	assert_int_equal(list->len % VRV_ROLL_ENTRY_SIZE, 0);
	vrv_roll_put(b, &roll);
}

static int
get_roll(const uint8_t *bytes, size_t n, struct varve_err *e)
{
	struct vrv_rd r = vrv_rd_over(bytes, n);
	struct vrv_roll roll;

	int rc = vrv_roll_get(&r, &roll, e);
	/* Nothing may follow here; a sealed part does in an object. */
	if (rc == 0 && vrv_rd_left(&r) > 0) {
		vrv_fail(e, VARVE_CORRUPT, "more");
		rc = VARVE_CORRUPT;
	}
	return rc;
}

static void
test_round_trip(void **state)
{
	vrv_auto_buf struct vrv_buf list = {0}, b = {0}, again = {0};
	struct vrv_roll roll;
	struct vrv_roll_entry e;
	struct varve_err err;

	(void)state;
	put_entries(&list);
	/* An odd tag of a later version is kept and ignored. */
	put_roll(&b, &list, "\x03\x01x");
	struct vrv_rd r = vrv_rd_over(b.data, b.len);
	assert_int_equal(vrv_roll_get(&r, &roll, &err), 0);
	assert_true(vrv_rd_done(&r));
	assert_int_equal(roll.n_superseded, 3);
	assert_int_equal(roll.n, N_ENTRIES);
	assert_int_equal(roll.n_archives, 2);
	for (uint32_t i = 0; i < N_ENTRIES; i++) {
		vrv_roll_entry_at(&roll, i, &e);
		vrv_roll_entry_put(&again, &e);
	}
	assert_same(&again, &list);
	vrv_buf_clear(&again);
	vrv_roll_put(&again, &roll);
	assert_same(&again, &b);
	assert_exact(get_roll, &b);
}

static void
test_look_up(void **state)
{
	static const uint8_t none[VRV_OBJECT_ID] = {4};
	vrv_auto_buf struct vrv_buf list = {0}, b = {0};
	struct vrv_roll roll;
	struct vrv_roll_entry e;
	struct varve_err err;
	uint32_t at;

	(void)state;
	put_entries(&list);
	put_roll(&b, &list, "");
	struct vrv_rd r = vrv_rd_over(b.data, b.len);
	assert_int_equal(vrv_roll_get(&r, &roll, &err), 0);
	for (uint32_t i = 0; i < N_ENTRIES; i++) {
		assert_true(vrv_roll_find(&roll, entries[i].type,
		    entries[i].object, &at));
		assert_int_equal(at, i);
		vrv_roll_entry_at(&roll, at, &e);
		assert_int_equal(e.revision, entries[i].revision);
		assert_int_equal(e.deleted, entries[i].deleted);
		assert_int_equal(e.first_seen, entries[i].first_seen);
		assert_memory_equal(e.signer, entries[i].signer, 32);
		assert_int_equal(vrv_roll_entry_has_facts(&e),
		    i == 1 || i == 3);
	}
	assert_false(vrv_roll_find(&roll, VRV_ARCHIVE, none, &at));
	/* The same id in another type is another object. */
	assert_false(vrv_roll_find(&roll, VRV_INTENT, entries[1].object, &at));
	assert_true(vrv_roll_is_dead(&roll, dead));
	assert_true(vrv_roll_is_dead(&roll, dead + VRV_OBJECT_ID));
	assert_false(vrv_roll_is_dead(&roll, none));
}

static int
verdict_of(const struct vrv_roll_entry *a, const struct vrv_roll_entry *b)
{
	vrv_auto_buf struct vrv_buf list = {0}, roll = {0};

	vrv_roll_entry_put(&list, a);
	vrv_roll_entry_put(&list, b);
	put_roll(&roll, &list, "");
	return verdict(get_roll, roll.data, roll.len);
}

static void
test_order(void **state)
{
	vrv_auto_buf struct vrv_buf b = {0};
	struct vrv_roll roll = {.n_dead = 2, .dead = superseded};

	(void)state;
	assert_int_equal(verdict_of(&entries[0], &entries[1]), 0);
	assert_int_equal(verdict_of(&entries[1], &entries[0]), VARVE_CORRUPT);
	assert_int_equal(verdict_of(&entries[1], &entries[1]), VARVE_CORRUPT);
	assert_int_equal(verdict_of(&entries[2], &entries[1]), VARVE_CORRUPT);
	/* Ids of dead intents ascend; superseded ones need not. */
	vrv_roll_put(&b, &roll);
	assert_int_equal(verdict(get_roll, b.data, b.len), VARVE_CORRUPT);
}

static void
test_unknown(void **state)
{
	vrv_auto_buf struct vrv_buf list = {0}, b = {0};

	(void)state;
	put_entries(&list);
	put_roll(&b, &list, "\x04\x01x");
	assert_int_equal(verdict(get_roll, b.data, b.len), VARVE_FORMAT);
	vrv_buf_clear(&b);
	put_roll(&b, &list, "\x03\x02x");
	assert_int_equal(verdict(get_roll, b.data, b.len), VARVE_CORRUPT);
	vrv_buf_clear(&b);
	list.data[17 + 32 + 32 + 4] = 2; /* deleted */
	put_roll(&b, &list, "");
	assert_int_equal(verdict(get_roll, b.data, b.len), VARVE_FORMAT);
}

/* --- the sealed part --- */

static struct vrv_text
text(const char *s)
{
	return (struct vrv_text){(const uint8_t *)s, strlen(s)};
}

static int
get_sealed(const uint8_t *bytes, size_t n, struct varve_err *e)
{
	struct vrv_roll roll = {.n_archives = 2};
	struct vrv_text tail;

	return vrv_roll_sealed_check(bytes, n, &roll, &tail, e);
}

static void
test_facts(void **state)
{
	struct vrv_roll_facts put[] = {
	    {VRV_ROLL_WHOLE, text("clear"), text("a list")},
	    {VRV_ROLL_SHORT, text(""), text("")},
	    {7, text(""), text("of a later version")},
	};
	vrv_auto_buf struct vrv_buf b = {0};
	struct vrv_roll_facts got;
	struct varve_err err;

	(void)state;
	for (int i = 0; i < 3; i++)
		vrv_roll_facts_put(&b, &put[i]);
	struct vrv_rd r = vrv_rd_over(b.data, b.len);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(vrv_roll_facts_get(&r, &got, &err), 0);
		assert_int_equal(got.form, put[i].form);
		assert_int_equal(got.clear.n, put[i].clear.n);
		assert_int_equal(got.list.n, put[i].list.n);
		assert_memory_equal(got.list.p, put[i].list.p, got.list.n);
	}
	assert_true(vrv_rd_done(&r));
}

static void
test_sealed(void **state)
{
	struct vrv_roll_facts facts = {VRV_ROLL_WHOLE, text("clear"),
	    text("a list")};
	vrv_auto_buf struct vrv_buf b = {0};

	(void)state;
	vrv_roll_facts_put(&b, &facts);
	facts.form = VRV_ROLL_SHORT;
	vrv_roll_facts_put(&b, &facts);
	assert_exact(get_sealed, &b);
	/* A tail: odd tags are ignored, even ones refused. */
	size_t n = b.len;
	vrv_buf_bytes(&b, "\x05\x00", 2);
	assert_int_equal(verdict(get_sealed, b.data, b.len), 0);
	b.data[n] = 6;
	assert_int_equal(verdict(get_sealed, b.data, b.len), VARVE_FORMAT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_look_up),
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_unknown),
	    cmocka_unit_test(test_facts),
	    cmocka_unit_test(test_sealed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
