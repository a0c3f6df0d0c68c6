/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TASK_TASK_INTERNAL_H
#define TASK_TASK_INTERNAL_H

#include <pthread.h>

#include "task/task.h"

struct vrv_queue_slot {
	void *item;
	size_t bytes;
};

struct vrv_queue {
	struct vrv_group *group; /* these three do not change */
	size_t max_items, max_bytes;
	struct vrv_queue *next; /* in the group, under its lock */

	pthread_mutex_t lock; /* everything below */
	pthread_cond_t not_full, not_empty;
	struct vrv_queue_slot *slots; /* a ring of max_items */
	size_t first, count, bytes;
	unsigned producers;
	bool closed;
};

/* A group's lock is taken before those of its queues: it wakes them. No queue
 * takes its group's while it holds its own. */
void vrv_group_add_queue(struct vrv_group *, struct vrv_queue *);
/* Wake everybody who waits at the queue, to look at the group again. */
void vrv_queue_wake(struct vrv_queue *);
void vrv_queue_free(struct vrv_queue *);

#endif
