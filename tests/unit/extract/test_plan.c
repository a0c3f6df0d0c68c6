/* SPDX-License-Identifier: BSD-2-Clause */
/* Planning: pieces by frame, and the bounded cache of descriptors. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "extract/extract_internal.h"

/* Where chunks lie: the first byte of an id is its frame, the second its
 * ordinal; a third that is not 0 is another frame with a newer copy. */
static int
find(void *arg, const uint8_t *id, struct vrv_location *ret, uint32_t max,
    uint32_t *ret_n, struct varve_err *err)
{
	unsigned *asked = arg;
	uint32_t n = 0;

	++*asked;
	assert_true(max >= 2);
	if (id[0] == 0xff)
		return vrv_fail(err, VARVE_NOENT, "unknown");
	if (id[2] != 0)
		ret[n++] = (struct vrv_location){.frame = id[2],
		    .kind = VRV_FRAME_DATA,
		    .ordinal = 9};
	ret[n++] = (struct vrv_location){
	    .frame = id[0],
	    .ordinal = id[1],
	    .kind = id[0] == 0xee ? VRV_FRAME_META : VRV_FRAME_DATA,
	};
	*ret_n = n;
	return 0;
}

static struct vrv_piece
piece(uint8_t frame, uint8_t ordinal, uint8_t newer)
{
	return (struct vrv_piece){.id = {frame, ordinal, newer}, .length = 1};
}

static void
test_frames_in_order(void **state)
{
	static const uint8_t frames[] = {7, 3, 7, 200, 3, 1, 7};
	struct vrv_plan plan = {0};
	struct varve_err err = {0};
	unsigned asked = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(frames); i++) {
		struct vrv_piece p = piece(frames[i], (uint8_t)i, 0);
		p.offset = i;
		assert_int_equal(vrv_plan_add(&plan, &p, find, &asked, &err),
		    0);
	}
	assert_int_equal(vrv_plan_sort(&plan, &err), 0);
	assert_int_equal(plan.n_jobs, 4);
	uint32_t first = 0;
	for (size_t j = 0; j < plan.n_jobs; j++) {
		const struct vrv_frame_job *job = &plan.jobs[j];
		if (j > 0)
			assert_true(job->at.frame > plan.jobs[j - 1].at.frame);
		assert_int_equal(job->first, first);
		for (uint32_t i = 0; i < job->n; i++) {
			const struct vrv_piece *p =
			    &plan.pieces[plan.order[first + i]];
			assert_int_equal(p->id[0], job->at.frame);
			assert_int_equal(p->ordinal, p->id[1]);
			if (i > 0)
				assert_true(p->offset >
				    plan.pieces[plan.order[first + i - 1]]
					.offset);
		}
		first += job->n;
	}
	assert_int_equal(first, sizeof(frames));
	vrv_plan_fini(&plan);
}

static void
test_prefers_a_planned_frame(void **state)
{
	struct vrv_piece one = piece(5, 1, 0), two = piece(5, 2, 80);
	struct vrv_piece three = piece(6, 1, 80);
	struct vrv_plan plan = {0};
	struct varve_err err = {0};
	unsigned asked = 0;

	(void)state;
	assert_int_equal(vrv_plan_add(&plan, &one, find, &asked, &err), 0);
	assert_int_equal(vrv_plan_add(&plan, &two, find, &asked, &err), 0);
	assert_int_equal(plan.n_jobs, 1);
	assert_int_equal(plan.pieces[1].ordinal, 2);
	/* Nothing planned holds it: the newest copy. */
	assert_int_equal(vrv_plan_add(&plan, &three, find, &asked, &err), 0);
	assert_int_equal(plan.n_jobs, 2);
	assert_int_equal(plan.jobs[1].at.frame, 80);
	vrv_plan_fini(&plan);
}

static void
test_missing_and_other_kind(void **state)
{
	struct vrv_piece missing = piece(0xff, 1, 0), meta = piece(0xee, 1, 0);
	struct vrv_plan plan = {0};
	struct varve_err err = {0};
	unsigned asked = 0;

	(void)state;
	assert_int_equal(vrv_plan_add(&plan, &missing, find, &asked, &err),
	    VARVE_CORRUPT);
	assert_non_null(strstr(err.message, "ff01"));
	assert_int_equal(vrv_plan_add(&plan, &meta, find, &asked, &err),
	    VARVE_CORRUPT);
	assert_int_equal(plan.n_pieces, 0);
	assert_int_equal(vrv_plan_sort(&plan, &err), 0);
	vrv_plan_fini(&plan);
}

static int
open_null(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void
test_fdcache_closes_the_oldest(void **state)
{
	struct vrv_held held[4];
	struct vrv_fdcache cache = {.max = 2};

	(void)state;
	for (size_t i = 0; i < 4; i++)
		held[i] = (struct vrv_held)VRV_HELD_INIT;
	vrv_fdcache_add(&cache, &held[0], open_null());
	vrv_fdcache_add(&cache, &held[1], open_null());
	vrv_fdcache_touch(&cache, &held[0]);
	vrv_fdcache_make_room(&cache);
	assert_int_equal(held[1].fd, -1);
	assert_true(held[0].fd >= 0);
	vrv_fdcache_add(&cache, &held[2], open_null());

	/* A pinned one stays, whatever its age. */
	held[0].pins = 1;
	vrv_fdcache_make_room(&cache);
	assert_true(held[0].fd >= 0);
	assert_int_equal(held[2].fd, -1);
	for (size_t i = 0; i < 4; i++) {
		int fd = vrv_fdcache_take(&cache, &held[i]);
		if (fd >= 0)
			close(fd);
	}
	assert_int_equal(cache.n, 0);
	assert_null(cache.newest);
	assert_null(cache.oldest);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_frames_in_order),
	    cmocka_unit_test(test_prefers_a_planned_frame),
	    cmocka_unit_test(test_missing_and_other_kind),
	    cmocka_unit_test(test_fdcache_closes_the_oldest),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
