/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TASK_TASK_H
#define TASK_TASK_H

/*
 * Stages of threads joined by bounded queues.
 *
 * A group owns threads and queues. The first thread that fails cancels the
 * group: every push and pop in it, waiting or to come, returns CANCELLED, so
 * that each thread finds its way out. vrv_group_join() waits for all of them
 * and returns that first error. There are no detached threads.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

struct vrv_group;
struct vrv_queue;

/* The stack of a thread. The largest frames hold a path (4 KiB); nothing
 * recurses with the depth of a tree. */
#define VRV_THREAD_STACK ((size_t)2 << 20)

/* What a thread runs. Returns 0 or a code with `err` (its own) filled;
 * CANCELLED needs no `err` and is never reported as a thread's error. */
typedef int vrv_task_fn(void *arg, struct varve_err *err);

/* NULL when memory ran out. */
struct vrv_group *vrv_group_new(void) VRV_MUST;

/* Start a thread named `name` (at most 15 bytes show in ps), also from another
 * thread of the group. `arg` is borrowed until the group is joined. */
int vrv_group_start(struct vrv_group *, const char *name, vrv_task_fn *fn,
    void *arg, struct varve_err *err) VRV_MUST;

/* Cancel from outside with `why`, or without a reason (NULL). Any thread; only
 * the first time counts, errors of threads included. */
void vrv_group_cancel(struct vrv_group *, const struct varve_err *why);
/* For long work between two queue calls. Any thread; never blocks. */
bool vrv_group_cancelled(const struct vrv_group *);

/* Wait for every thread. Returns the first error; CANCELLED (with the exit
 * status of that name) if it was cancelled without a reason. May be called
 * again, by one thread at a time outside of the group: the same answer. */
int vrv_group_join(struct vrv_group *, struct varve_err *err) VRV_MUST;

/* Cancels and joins what still runs; frees the group and its queues, not the
 * items left in them. NULL is fine. */
void vrv_group_free(struct vrv_group *);

/* A queue of the group that holds at most `max_items` items and `max_bytes`
 * bytes (one item is always let in). It ends when each of `producers` has
 * called vrv_queue_done(). Any thread may push and pop. Freed with the group.
 * max_items > 0; memory for so many is taken at once, NULL when it ran out. */
struct vrv_queue *vrv_queue_new(struct vrv_group *, size_t max_items,
    size_t max_bytes, unsigned producers) VRV_MUST;

/* Blocks while the queue is full. 0, or CANCELLED: the item is still the
 * caller's. `bytes` is what the item counts for. */
int vrv_queue_push(struct vrv_queue *, void *item, size_t bytes) VRV_MUST;

/* Blocks while the queue is empty. 0 and the item; NOENT at the end of the
 * queue; CANCELLED. */
int vrv_queue_pop(struct vrv_queue *, void **ret_item) VRV_MUST;
/* The same, but when `ticks` (util/clock.h: vrv_ticks()) have passed and the
 * queue is still empty, return 0 and the item NULL. UINT64_MAX: never. */
int vrv_queue_pop_until(struct vrv_queue *, uint64_t ticks, void **ret_item)
    VRV_MUST;

/* One producer will push no more. */
void vrv_queue_done(struct vrv_queue *);

/* End the queue at once, whatever its producers do: what is in it can still be
 * popped, then comes NOENT; every push returns CANCELLED. Any thread. */
void vrv_queue_close(struct vrv_queue *);

/* Take what is left without waiting, also from a cancelled queue, so that the
 * owner can free it; NULL when empty. */
void *vrv_queue_drain(struct vrv_queue *);

/* Processors this process may run on, at least 1. */
unsigned vrv_task_cpus(void);

#endif
