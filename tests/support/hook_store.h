/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef HOOK_STORE_H
#define HOOK_STORE_H

/* A store in front of another, shared one: logs calls and lets a test step in
 * before any of them. */

#include <pthread.h>

#include "store/store.h"

struct hooks {
	char log[4096]; /* "op name\n" of every call since it was emptied */
	void (*before)(void *arg, const char *op, const char *name);
	void *arg;
	pthread_mutex_t lock; /* of the log; zeros are a mutex that is free */
};

/* `inner` is borrowed; NULL when memory ran out. */
struct vrv_store *hook_store_new(struct vrv_store *inner, struct hooks *);
/* How often `line` stands in the log. */
size_t hooks_count(const struct hooks *, const char *line);

#endif
