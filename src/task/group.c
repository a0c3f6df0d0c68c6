/* SPDX-License-Identifier: BSD-2-Clause */
#include "task/task_internal.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "util/mem.h"

struct thread {
	pthread_t id;
	struct vrv_group *group;
	vrv_task_fn *fn;
	void *arg;
	char name[16];
};

struct vrv_group {
	atomic_bool cancelled; /* never reset */

	pthread_mutex_t lock; /* everything below */
	struct thread **threads;
	size_t n_threads, cap_threads;
	size_t n_joined;
	struct vrv_queue *queues;
	struct varve_err why; /* set once, with `cancelled` */
};

struct vrv_group *
vrv_group_new(void)
{
	struct vrv_group *g = vrv_alloc_array(1, sizeof(*g));

	if (g != NULL)
		(void)pthread_mutex_init(&g->lock, NULL);
	return g;
}

void
vrv_group_add_queue(struct vrv_group *g, struct vrv_queue *q)
{
	(void)pthread_mutex_lock(&g->lock);
	q->next = g->queues;
	g->queues = q;
	(void)pthread_mutex_unlock(&g->lock);
}

bool
vrv_group_cancelled(const struct vrv_group *g)
{
	return atomic_load(&g->cancelled);
}

void
vrv_group_cancel(struct vrv_group *g, const struct varve_err *why)
{
	(void)pthread_mutex_lock(&g->lock);
	if (!atomic_load(&g->cancelled)) {
		if (why != NULL && why->code != VARVE_CANCELLED) {
			g->why = *why;
		} else {
			vrv_fail(&g->why, VARVE_CANCELLED, "cancelled");
			vrv_exit(&g->why, VARVE_EXIT_CANCELLED);
		}
		/* Set before the queues are locked: whoever waits there either
		 * looked after this or is woken. */
		atomic_store(&g->cancelled, true);
		for (struct vrv_queue *q = g->queues; q != NULL; q = q->next)
			vrv_queue_wake(q);
	}
	(void)pthread_mutex_unlock(&g->lock);
}

static void *
run(void *arg)
{
	struct thread *t = arg;
	struct varve_err err;

	(void)pthread_setname_np(pthread_self(), t->name);
	vrv_err_clear(&err);
	int rc = t->fn(t->arg, &err);
	if (rc != 0) {
		/* CANCELLED comes from a queue, which fills no error. */
		assert(rc == VARVE_CANCELLED || rc == err.code);
		vrv_group_cancel(t->group, rc == VARVE_CANCELLED ? NULL : &err);
	}
	return NULL;
}

/* With a stack of our size, whatever `ulimit -s` says. */
static int
start(struct thread *t)
{
	pthread_attr_t attr;

	int sys = pthread_attr_init(&attr);
	if (sys != 0)
		return sys;
	sys = pthread_attr_setstacksize(&attr, VRV_THREAD_STACK);
	if (sys == 0)
		sys = pthread_create(&t->id, &attr, run, t);
	(void)pthread_attr_destroy(&attr);
	return sys;
}

int
vrv_group_start(struct vrv_group *g, const char *name, vrv_task_fn *fn,
    void *arg, struct varve_err *err)
{
	struct thread *t = vrv_alloc_array(1, sizeof(*t));
	if (t == NULL)
		return VRV_NOMEM(err, "a thread");
	*t = (struct thread){.group = g, .fn = fn, .arg = arg};
	(void)snprintf(t->name, sizeof(t->name), "%s", name);

	(void)pthread_mutex_lock(&g->lock);
	int sys = vrv_room_for_one(&g->threads, g->n_threads, &g->cap_threads,
		      sizeof(struct thread *)) == 0 ?
	    start(t) :
	    ENOMEM;
	if (sys == 0)
		g->threads[g->n_threads++] = t;
	(void)pthread_mutex_unlock(&g->lock);
	if (sys != 0) {
		free(t);
		return vrv_fail_sys(err, sys, "starting thread '%s'", name);
	}
	return 0;
}

int
vrv_group_join(struct vrv_group *g, struct varve_err *err)
{
	int rc = 0;

	(void)pthread_mutex_lock(&g->lock);
	/* A thread may start others until it ends. */
	while (g->n_joined < g->n_threads) {
		struct thread *t = g->threads[g->n_joined++];
		(void)pthread_mutex_unlock(&g->lock);
		(void)pthread_join(t->id, NULL);
		free(t);
		(void)pthread_mutex_lock(&g->lock);
	}
	if (atomic_load(&g->cancelled)) {
		*err = g->why;
		rc = err->code;
	}
	(void)pthread_mutex_unlock(&g->lock);
	return rc;
}

void
vrv_group_free(struct vrv_group *g)
{
	struct varve_err ignored;

	if (g == NULL)
		return;
	vrv_group_cancel(g, NULL);
	(void)!vrv_group_join(g, &ignored);
	for (struct vrv_queue *q = g->queues, *next; q != NULL; q = next) {
		next = q->next;
		vrv_queue_free(q);
	}
	(void)pthread_mutex_destroy(&g->lock);
	free(g->threads);
	free(g);
}

unsigned
vrv_task_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		return (unsigned)CPU_COUNT(&set);
	/* More processors than the set has room for. */
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	return online > 0 ? (unsigned)online : 1;
}
