/* SPDX-License-Identifier: BSD-2-Clause */
#include "hook_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/store_internal.h"

struct hook_store {
	struct vrv_store base;
	struct vrv_store *inner;
	struct hooks *hooks;
};

static struct vrv_store *
step_in(struct vrv_store *store, const char *op, const char *name)
{
	struct hook_store *s = (struct hook_store *)store;
	struct hooks *h = s->hooks;

	(void)pthread_mutex_lock(&h->lock);
	size_t n = strlen(h->log);
	snprintf(h->log + n, sizeof(h->log) - n, "%s %s\n", op, name);
	(void)pthread_mutex_unlock(&h->lock);
	if (h->before != NULL)
		h->before(h->arg, op, name);
	return s->inner;
}

static int
hook_list(struct vrv_store *store, const char *prefix, bool with_stat,
    vrv_store_item_fn *fn, void *arg, struct varve_err *err)
{
	return vrv_store_list(step_in(store, "list", prefix), prefix, with_stat,
	    fn, arg, err);
}

static int
hook_head(struct vrv_store *store, const char *name, uint64_t *ret_size,
    int64_t *ret_time, struct varve_err *err)
{
	return vrv_store_head(step_in(store, "head", name), name, ret_size,
	    ret_time, err);
}

static int
hook_get(struct vrv_store *store, const char *name, uint64_t offset, void *to,
    size_t n, struct varve_err *err)
{
	return vrv_store_get(step_in(store, "get", name), name, offset, to, n,
	    err);
}

/* What follows goes to the inner store, whose put it is. */
static int
hook_put_begin(struct vrv_store *store, const char *name, struct vrv_put **ret,
    struct varve_err *err)
{
	return vrv_put_begin(step_in(store, "put", name), name, ret, err);
}

static int
hook_delete(struct vrv_store *store, const char *name, struct varve_err *err)
{
	return vrv_store_delete(step_in(store, "delete", name), name, err);
}

static int
hook_sync(struct vrv_store *store, const char *prefix, struct varve_err *err)
{
	return vrv_store_sync(step_in(store, "sync", prefix), prefix, err);
}

static int
hook_release_reserve(struct vrv_store *store, bool *ret, struct varve_err *err)
{
	return vrv_store_release_reserve(step_in(store, "release", "reserve"),
	    ret, err);
}

static void
hook_restore_reserve(struct vrv_store *store)
{
	/* Housekeeping, and no call for an object: not logged. */
	vrv_store_restore_reserve(((struct hook_store *)store)->inner);
}

static bool
hook_identity(const struct vrv_store *store, uint64_t *dev, uint64_t *inode)
{
	(void)store;
	(void)dev;
	(void)inode;
	return false;
}

static void
hook_free(struct vrv_store *store)
{
	free(store->location);
	free(store);
}

static const struct vrv_store_ops ops = {
    .list = hook_list,
    .head = hook_head,
    .get = hook_get,
    .put_begin = hook_put_begin,
    .delete = hook_delete,
    .sync = hook_sync,
    .release_reserve = hook_release_reserve,
    .restore_reserve = hook_restore_reserve,
    .identity = hook_identity,
    .free = hook_free,
};

struct vrv_store *
hook_store_new(struct vrv_store *inner, struct hooks *hooks)
{
	struct hook_store *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->base.ops = &ops;
	s->base.location = strdup("hooked");
	s->inner = inner;
	s->hooks = hooks;
	return &s->base;
}

size_t
hooks_count(const struct hooks *hooks, const char *line)
{
	size_t n = 0;

	for (const char *p = hooks->log; (p = strstr(p, line)) != NULL; p++)
		n++;
	return n;
}
