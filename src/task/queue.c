/* SPDX-License-Identifier: BSD-2-Clause */
#include "task/task_internal.h"

#include <assert.h>

#include "util/mem.h"

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
	(void)pthread_cond_init(&q->not_empty, NULL);
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
	while (!vrv_group_cancelled(q->group) && !fits(q, bytes))
		(void)pthread_cond_wait(&q->not_full, &q->lock);
	bool cancelled = vrv_group_cancelled(q->group);
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

int
vrv_queue_pop(struct vrv_queue *q, void **ret_item)
{
	int rc = 0;

	(void)pthread_mutex_lock(&q->lock);
	while (
	    !vrv_group_cancelled(q->group) && q->count == 0 && q->producers > 0)
		(void)pthread_cond_wait(&q->not_empty, &q->lock);
	if (vrv_group_cancelled(q->group))
		rc = VARVE_CANCELLED;
	else if (q->count == 0)
		rc = VARVE_NOENT;
	else
		*ret_item = take(q);
	(void)pthread_mutex_unlock(&q->lock);
	return rc;
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

void *
vrv_queue_drain(struct vrv_queue *q)
{
	(void)pthread_mutex_lock(&q->lock);
	void *item = q->count == 0 ? NULL : take(q);
	(void)pthread_mutex_unlock(&q->lock);
	return item;
}
