/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz_support.h"

#include "format/roll.h"

/* What is found by search is what stands there. */
static void
look_up(const struct vrv_roll *roll)
{
	struct vrv_roll_entry at;
	uint32_t n_archives = 0, found;

	for (uint32_t i = 0; i < roll->n; i++) {
		vrv_roll_entry_at(roll, i, &at);
		n_archives += vrv_roll_entry_has_facts(&at);
		fuzz_check(vrv_roll_find(roll, at.type, at.object, &found) &&
			found == i,
		    "an entry is not found");
	}
	fuzz_check(n_archives == roll->n_archives, "number of archives");
	for (uint32_t i = 0; i < roll->n_dead; i++)
		fuzz_check(vrv_roll_is_dead(roll,
			       roll->dead + (size_t)i * VRV_OBJECT_ID),
		    "a dead intent is not found");
}

/* As if the sealed part followed in the clear. */
static void
take_facts(const struct vrv_roll *roll, struct vrv_rd *r, struct vrv_buf *again)
{
	struct vrv_roll_facts facts;
	struct vrv_text tail;
	struct varve_err err;
	const uint8_t *bytes = r->p;
	size_t n = vrv_rd_left(r);

	if (vrv_roll_sealed_check(bytes, n, roll, &tail, &err) != 0)
		return;
	for (uint32_t i = 0; i < roll->n_archives; i++) {
		fuzz_check(vrv_roll_facts_get(r, &facts, &err) == 0,
		    "facts that were checked");
		vrv_roll_facts_put(again, &facts);
	}
	vrv_buf_bytes(again, tail.p, tail.n);
	fuzz_same(again, bytes, n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vrv_auto_buf struct vrv_buf again = {0}, sealed = {0};
	struct vrv_rd r = vrv_rd_over(data, size);
	struct vrv_roll roll;
	struct varve_err err;

	if (vrv_roll_get(&r, &roll, &err) != 0)
		return 0;
	vrv_roll_put(&again, &roll);
	fuzz_same(&again, data, size - vrv_rd_left(&r));
	look_up(&roll);
	take_facts(&roll, &r, &sealed);
	return 0;
}
