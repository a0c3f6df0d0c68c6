/* SPDX-License-Identifier: BSD-2-Clause */
#include "task/task_internal.h"

#include <assert.h>
#include <errno.h>
#include <time.h>

#include "util/mem.h"

#define NS 1000000000u

/* Its timeouts are those of vrv_ticks(). */
static void
init_timed(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(cond, &attr);
	(void)pthread_condattr_destroy(&attr);
}

struct vrv_queue *
vrv_queue_new(struct vrv_group *group, size_t max_items, size_t max_bytes,
    unsigned producers)
{
	assert(max_items > 0);
	struct vrv_queue *q = vrv_alloc_array(1, sizeof(*q));
	if (q == NULL)
		return NULL;
	q->slots = vrv_alloc_array(max_items, sizeof(*q->slots));
	if (q->slots == NULL) {
		free(q);
		return NULL;
	}
	q->group = group;
	q->max_items = max_items;
	q->max_bytes = max_bytes;
	q->producers = producers;
	(void)pthread_mutex_init(&q->lock, NULL);
	(void)pthread_cond_init(&q->not_full, NULL);
	init_timed(&q->not_empty);
	vrv_group_add_queue(group, q);
	return q;
}

void
vrv_queue_free(struct vrv_queue *q)
{
	(void)pthread_cond_destroy(&q->not_empty);
	(void)pthread_cond_destroy(&q->not_full);
	(void)pthread_mutex_destroy(&q->lock);
	free(q->slots);
	free(q);
}

void
vrv_queue_wake(struct vrv_queue *q)
{
	(void)pthread_mutex_lock(&q->lock);
	(void)pthread_cond_broadcast(&q->not_full);
	(void)pthread_cond_broadcast(&q->not_empty);
	(void)pthread_mutex_unlock(&q->lock);
}

static bool
fits(const struct vrv_queue *q, size_t bytes)
{
	if (q->count == 0)
		return true;
	return q->count < q->max_items && q->bytes <= q->max_bytes &&
	    bytes <= q->max_bytes - q->bytes;
}

int
vrv_queue_push(struct vrv_queue *q, void *item, size_t bytes)
{
	(void)pthread_mutex_lock(&q->lock);
	assert(q->producers > 0);
	while (!vrv_group_cancelled(q->group) && !q->closed && !fits(q, bytes))
		(void)pthread_cond_wait(&q->not_full, &q->lock);
	bool cancelled = vrv_group_cancelled(q->group) || q->closed;
	if (!cancelled) {
		size_t at = (q->first + q->count) % q->max_items;
		q->slots[at] = (struct vrv_queue_slot){item, bytes};
		q->count++;
		q->bytes += bytes;
		(void)pthread_cond_signal(&q->not_empty);
	}
	(void)pthread_mutex_unlock(&q->lock);
	return cancelled ? VARVE_CANCELLED : 0;
}

/* The first item of a queue that has one. */
static void *
take(struct vrv_queue *q)
{
	struct vrv_queue_slot slot = q->slots[q->first];

	q->first = (q->first + 1) % q->max_items;
	q->count--;
	q->bytes -= slot.bytes;
	/* All of them: what was taken may not be enough for the largest item
	 * that waits, yet enough for another one. */
	(void)pthread_cond_broadcast(&q->not_full);
	return slot.item;
}

static bool
has_ended(const struct vrv_queue *q)
{
	return q->closed || q->producers == 0;
}

/* Wait until something changes, or until `ticks`. False if it is past that. */
static bool
wait_until(struct vrv_queue *q, uint64_t ticks)
{
	struct timespec until = {.tv_sec = (time_t)(ticks / NS),
	    .tv_nsec = (long)(ticks % NS)};

	if (ticks == UINT64_MAX)
		return pthread_cond_wait(&q->not_empty, &q->lock) == 0;
	return pthread_cond_timedwait(&q->not_empty, &q->lock, &until) !=
	    ETIMEDOUT;
}

int
vrv_queue_pop_until(struct vrv_queue *q, uint64_t ticks, void **ret_item)
{
	bool early = true;
	int rc = 0;

	(void)pthread_mutex_lock(&q->lock);
	while (early && !vrv_group_cancelled(q->group) && q->count == 0 &&
	    !has_ended(q))
		early = wait_until(q, ticks);
	if (vrv_group_cancelled(q->group))
		rc = VARVE_CANCELLED;
	else if (q->count > 0)
		*ret_item = take(q);
	else if (has_ended(q))
		rc = VARVE_NOENT;
	else
		*ret_item = NULL;
	(void)pthread_mutex_unlock(&q->lock);
	return rc;
}

int
vrv_queue_pop(struct vrv_queue *q, void **ret_item)
{
	return vrv_queue_pop_until(q, UINT64_MAX, ret_item);
}

void
vrv_queue_done(struct vrv_queue *q)
{
	(void)pthread_mutex_lock(&q->lock);
	assert(q->producers > 0);
	if (--q->producers == 0)
		(void)pthread_cond_broadcast(&q->not_empty);
	(void)pthread_mutex_unlock(&q->lock);
}

void
vrv_queue_close(struct vrv_queue *q)
{
	(void)pthread_mutex_lock(&q->lock);
	q->closed = true;
	(void)pthread_mutex_unlock(&q->lock);
	vrv_queue_wake(q);
}

void *
vrv_queue_drain(struct vrv_queue *q)
{
	(void)pthread_mutex_lock(&q->lock);
	void *item = q->count == 0 ? NULL : take(q);
	(void)pthread_mutex_unlock(&q->lock);
	return item;
}
