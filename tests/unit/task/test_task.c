/* SPDX-License-Identifier: BSD-2-Clause */
/* Worker threads record what they see; the main thread asserts. Where a test
 * gives a thread time to block, its outcome does not depend on that. */
#include "task/task.h"
#include "util/clock.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

struct work {
	struct vrv_group *group;
	struct vrv_queue *in, *out;
	uintptr_t from, to; /* items to push */
	size_t bytes;	    /* of each */
	atomic_size_t pushed, popped;
	atomic_ullong sum;
	atomic_int rc; /* of the last queue call */
};

static void
give_time(void)
{
	const struct timespec t = {0, 10000000};

	(void)nanosleep(&t, NULL);
}

static int
produce(void *arg, struct varve_err *err)
{
	struct work *w = arg;

	(void)err;
	for (uintptr_t i = w->from; i < w->to; i++) {
		int rc = vrv_queue_push(w->out, (void *)i, w->bytes);
		w->rc = rc;
		if (rc != 0)
			return rc;
		w->pushed++;
	}
	vrv_queue_done(w->out);
	return 0;
}

static int
consume(void *arg, struct varve_err *err)
{
	struct work *w = arg;
	void *item;

	(void)err;
	for (;;) {
		int rc = vrv_queue_pop(w->in, &item);
		w->rc = rc;
		if (rc != 0)
			return rc == VARVE_NOENT ? 0 : rc;
		w->popped++;
		w->sum += (uintptr_t)item;
	}
}

/* Pass items on from one queue to the next. */
static int
relay(void *arg, struct varve_err *err)
{
	struct work *w = arg;
	void *item;
	int rc;

	(void)err;
	while ((rc = vrv_queue_pop(w->in, &item)) == 0) {
		rc = vrv_queue_push(w->out, item, 1);
		if (rc != 0)
			return rc;
	}
	if (rc != VARVE_NOENT)
		return rc;
	vrv_queue_done(w->out);
	return 0;
}

static void
start(struct vrv_group *g, vrv_task_fn *fn, void *arg)
{
	struct varve_err err;

	assert_int_equal(vrv_group_start(g, "a name that is long", fn, arg,
			     &err),
	    0);
}

static void
test_pipeline(void **state)
{
	enum {
		THREADS = 4,
		EACH = 3000
	};
	struct vrv_group *g = vrv_group_new();
	struct work producers[THREADS] = {0}, relays[THREADS] = {0};
	struct work sink = {0};
	struct varve_err err;

	(void)state;
	assert_non_null(g);
	struct vrv_queue *first = vrv_queue_new(g, 3, SIZE_MAX, THREADS);
	struct vrv_queue *second = vrv_queue_new(g, 100, 5, THREADS);
	sink.in = second;
	for (uintptr_t i = 0; i < THREADS; i++) {
		producers[i].out = first;
		producers[i].from = 1 + i * EACH;
		producers[i].to = 1 + (i + 1) * EACH;
		relays[i].in = first;
		relays[i].out = second;
		start(g, produce, &producers[i]);
		start(g, relay, &relays[i]);
		start(g, consume, &sink);
	}
	assert_int_equal(vrv_group_join(g, &err), 0);
	assert_int_equal(vrv_group_join(g, &err), 0);
	assert_false(vrv_group_cancelled(g));
	const unsigned long long n = THREADS * EACH;
	assert_int_equal(sink.popped, n);
	assert_int_equal(sink.sum, n * (n + 1) / 2);
	assert_null(vrv_queue_drain(first));
	vrv_group_free(g);
}

static void
test_order_and_end(void **state)
{
	struct vrv_group *g = vrv_group_new();
	struct vrv_queue *q = vrv_queue_new(g, 4, 100, 2);
	void *item = NULL;

	(void)state;
	for (uintptr_t round = 0; round < 5; round++) {
		for (uintptr_t i = 1; i <= 3; i++)
			assert_int_equal(vrv_queue_push(q, (void *)(round + i),
					     1),
			    0);
		for (uintptr_t i = 1; i <= 3; i++) {
			assert_int_equal(vrv_queue_pop(q, &item), 0);
			assert_int_equal((uintptr_t)item, round + i);
		}
	}
	assert_int_equal(vrv_queue_push(q, (void *)9, 1), 0);
	vrv_queue_done(q);
	vrv_queue_done(q);
	/* What was pushed is there after the last producer is done. */
	assert_int_equal(vrv_queue_pop(q, &item), 0);
	assert_int_equal((uintptr_t)item, 9);
	item = &item;
	assert_int_equal(vrv_queue_pop(q, &item), VARVE_NOENT);
	assert_int_equal(vrv_queue_pop(q, &item), VARVE_NOENT);
	assert_ptr_equal(item, &item);
	vrv_group_free(g);
}

/* A consumer that has something else to do when nothing comes. */
static void
test_pop_until(void **state)
{
	struct vrv_group *g = vrv_group_new();
	struct vrv_queue *q = vrv_queue_new(g, 4, 100, 1);
	struct work w = {.out = q, .from = 7, .to = 8, .bytes = 1};
	void *item = &w;

	(void)state;
	assert_int_equal(vrv_queue_pop_until(q, 0, &item), 0);
	assert_null(item);
	item = &w;
	assert_int_equal(vrv_queue_pop_until(q, vrv_ticks() + 1000000, &item),
	    0);
	assert_null(item);

	/* What is there is given, however late it is. */
	assert_int_equal(vrv_queue_push(q, &w, 1), 0);
	assert_int_equal(vrv_queue_pop_until(q, 0, &item), 0);
	assert_ptr_equal(item, &w);

	/* It wakes up long before its time, for an item and for the end. */
	start(g, produce, &w);
	uint64_t late = vrv_ticks() + UINT64_C(3600) * 1000000000;
	assert_int_equal(vrv_queue_pop_until(q, late, &item), 0);
	assert_int_equal(vrv_queue_pop_until(q, late, &item), VARVE_NOENT);
	assert_int_equal(vrv_queue_pop_until(q, 0, &item), VARVE_NOENT);

	vrv_group_cancel(g, NULL);
	assert_int_equal(vrv_queue_pop_until(q, late, &item), VARVE_CANCELLED);
	vrv_group_free(g);
}

/* Let a producer run until its queue is full; what it got in. */
static size_t
fill_up(size_t max_items, size_t max_bytes, size_t bytes, size_t expected)
{
	struct vrv_group *g = vrv_group_new();
	struct vrv_queue *q = vrv_queue_new(g, max_items, max_bytes, 1);
	struct work w = {.out = q, .from = 1, .to = 100, .bytes = bytes};
	struct varve_err err;
	size_t left = 0;

	start(g, produce, &w);
	while (w.pushed < expected)
		sched_yield();
	give_time();
	vrv_group_cancel(g, NULL);
	assert_int_equal(vrv_group_join(g, &err), VARVE_CANCELLED);
	assert_int_equal(err.exit, VARVE_EXIT_CANCELLED);
	assert_int_equal(w.rc, VARVE_CANCELLED);
	while (vrv_queue_drain(q) != NULL)
		left++;
	assert_int_equal(left, w.pushed);
	vrv_group_free(g);
	return left;
}

static void
test_bounds(void **state)
{
	(void)state;
	assert_int_equal(fill_up(1, 1000, 1, 1), 1);
	assert_int_equal(fill_up(7, 1000, 1, 7), 7);
	assert_int_equal(fill_up(50, 100, 30, 3), 3);
	assert_int_equal(fill_up(50, 90, 30, 3), 3);
	/* One item is always let in, and none behind a large one. */
	assert_int_equal(fill_up(50, 100, 1000, 1), 1);
	assert_int_equal(fill_up(50, 100, SIZE_MAX, 1), 1);
	assert_int_equal(fill_up(50, 0, 1, 1), 1);
}

static void
test_cancel_in_pop(void **state)
{
	struct vrv_group *g = vrv_group_new();
	struct work w[3] = {0};
	struct varve_err why, err;
	void *item = NULL;

	(void)state;
	struct vrv_queue *q = vrv_queue_new(g, 5, 5, 1);
	for (size_t i = 0; i < 3; i++) {
		w[i].in = q;
		start(g, consume, &w[i]);
	}
	give_time();
	vrv_fail(&why, VARVE_NET, "unplugged");
	vrv_group_cancel(g, &why);
	vrv_group_cancel(g, NULL);
	assert_true(vrv_group_cancelled(g));
	for (int again = 0; again < 2; again++) {
		vrv_err_clear(&err);
		assert_int_equal(vrv_group_join(g, &err), VARVE_NET);
		assert_int_equal(err.code, VARVE_NET);
		assert_string_equal(err.message, "unplugged");
	}
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(w[i].rc, VARVE_CANCELLED);
	/* Later calls, with room and with items, and a later queue. */
	assert_int_equal(vrv_queue_push(q, &item, 1), VARVE_CANCELLED);
	assert_int_equal(vrv_queue_pop(q, &item), VARVE_CANCELLED);
	q = vrv_queue_new(g, 1, 1, 1);
	assert_int_equal(vrv_queue_push(q, &item, 1), VARVE_CANCELLED);
	assert_int_equal(vrv_queue_pop(q, &item), VARVE_CANCELLED);
	assert_null(item);
	vrv_group_free(g);
}

static int
fail_first(void *arg, struct varve_err *err)
{
	(void)arg;
	return vrv_fail(err, VARVE_IO, "the first");
}

/* Fails because somebody else did. */
static int
fail_later(void *arg, struct varve_err *err)
{
	struct work *w = arg;
	void *item;

	w->rc = vrv_queue_pop(w->in, &item);
	return vrv_fail(err, VARVE_CORRUPT, "a later one");
}

static void
test_first_error(void **state)
{
	struct vrv_group *g = vrv_group_new();
	struct work w[4] = {0};
	struct varve_err err;

	(void)state;
	struct vrv_queue *q = vrv_queue_new(g, 5, 5, 1);
	for (size_t i = 0; i < 4; i++) {
		w[i].in = q;
		start(g, i < 2 ? consume : fail_later, &w[i]);
	}
	start(g, fail_first, NULL);
	for (int again = 0; again < 2; again++) {
		assert_int_equal(vrv_group_join(g, &err), VARVE_IO);
		assert_string_equal(err.message, "the first");
	}
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(w[i].rc, VARVE_CANCELLED);
	vrv_group_free(g);
}

/* A thread that gives up by itself takes the group along, without an error. */
static int
give_up(void *arg, struct varve_err *err)
{
	(void)arg;
	(void)err;
	return VARVE_CANCELLED;
}

static void
test_given_up(void **state)
{
	struct vrv_group *g = vrv_group_new();
	struct varve_err err;
	struct work w = {.in = vrv_queue_new(g, 1, 1, 1)};

	(void)state;
	start(g, consume, &w);
	start(g, give_up, NULL);
	assert_int_equal(vrv_group_join(g, &err), VARVE_CANCELLED);
	assert_int_equal(w.rc, VARVE_CANCELLED);
	vrv_group_free(g);
}

/* Start the next of a row of threads; the last one fails. */
static int
start_next(void *arg, struct varve_err *err)
{
	struct work *w = arg;

	if (++w->pushed == 10)
		return vrv_fail(err, VARVE_LIMIT, "enough");
	return vrv_group_start(w->group, "next", start_next, w, err);
}

static void
test_start_from_thread(void **state)
{
	struct vrv_group *g = vrv_group_new();
	struct work w = {.group = g};
	struct varve_err err;

	(void)state;
	start(g, start_next, &w);
	assert_int_equal(vrv_group_join(g, &err), VARVE_LIMIT);
	assert_int_equal(w.pushed, 10);
	vrv_group_free(g);
}

/* Freeing a group ends what still runs. */
static void
test_free_running(void **state)
{
	struct vrv_group *g = vrv_group_new();
	struct work push = {0}, pop = {0};

	(void)state;
	push.out = vrv_queue_new(g, 1, 1, 1);
	push.to = 10;
	pop.in = vrv_queue_new(g, 1, 1, 1);
	start(g, produce, &push);
	start(g, consume, &pop);
	vrv_group_free(g);
	assert_int_equal(push.rc, VARVE_CANCELLED);
	assert_int_equal(pop.rc, VARVE_CANCELLED);
	vrv_group_free(NULL);
}

static void
test_nothing_started(void **state)
{
	struct vrv_group *g = vrv_group_new();
	struct varve_err err;

	(void)state;
	assert_int_equal(vrv_group_join(g, &err), 0);
	vrv_group_free(g);
}

static void
test_cpus(void **state)
{
	cpu_set_t all, one;

	(void)state;
	assert_true(vrv_task_cpus() >= 1);
	if (sched_getaffinity(0, sizeof(all), &all) != 0)
		skip();
	assert_int_equal(vrv_task_cpus(), CPU_COUNT(&all));
	CPU_ZERO(&one);
	for (size_t i = 0; CPU_COUNT(&one) == 0; i++) {
		if (CPU_ISSET(i, &all))
			CPU_SET(i, &one);
	}
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(vrv_task_cpus(), 1);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

/* A queue that is closed gives what is in it and takes no more, although its
 * producer is not done. */
static void
test_closed(void **state)
{
	struct vrv_group *g = vrv_group_new();
	struct vrv_queue *q = vrv_queue_new(g, 4, SIZE_MAX, 1);
	int item;
	void *got;

	(void)state;
	assert_non_null(q);
	assert_int_equal(vrv_queue_push(q, &item, 0), 0);
	vrv_queue_close(q);
	assert_int_equal(vrv_queue_push(q, &item, 0), VARVE_CANCELLED);
	assert_int_equal(vrv_queue_pop(q, &got), 0);
	assert_ptr_equal(got, &item);
	assert_int_equal(vrv_queue_pop(q, &got), VARVE_NOENT);
	vrv_queue_done(q);
	assert_int_equal(vrv_queue_pop(q, &got), VARVE_NOENT);
	vrv_group_free(g);
}

static int
ask_stack(void *arg, struct varve_err *err)
{
	pthread_attr_t attr;

	(void)err;
	if (pthread_getattr_np(pthread_self(), &attr) == 0) {
		(void)pthread_attr_getstacksize(&attr, arg);
		(void)pthread_attr_destroy(&attr);
	}
	return 0;
}

/* The size of stacks is ours, not that of the shell that started us. */
static void
test_stack(void **state)
{
	struct vrv_group *g = vrv_group_new();
	pthread_attr_t small;
	struct varve_err err;
	size_t size = 0;

	(void)state;
	assert_non_null(g);
	assert_int_equal(pthread_attr_init(&small), 0);
	assert_int_equal(pthread_attr_setstacksize(&small, 128 << 10), 0);
	assert_int_equal(pthread_setattr_default_np(&small), 0);
	assert_int_equal(pthread_attr_destroy(&small), 0);
	assert_int_equal(vrv_group_start(g, "t", ask_stack, &size, &err), 0);
	assert_int_equal(vrv_group_join(g, &err), 0);
	assert_int_equal(size, VRV_THREAD_STACK);
	vrv_group_free(g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pipeline),
	    cmocka_unit_test(test_order_and_end),
	    cmocka_unit_test(test_bounds),
	    cmocka_unit_test(test_pop_until),
	    cmocka_unit_test(test_cancel_in_pop),
	    cmocka_unit_test(test_first_error),
	    cmocka_unit_test(test_given_up),
	    cmocka_unit_test(test_start_from_thread),
	    cmocka_unit_test(test_free_running),
	    cmocka_unit_test(test_nothing_started),
	    cmocka_unit_test(test_cpus),
	    cmocka_unit_test(test_closed),
	    cmocka_unit_test(test_stack),
	};

	return cmocka_run_group_tests_name("task", tests, NULL, NULL);
}
