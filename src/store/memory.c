/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/store_internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "util/clock.h"
#include "util/mem.h"

struct object {
	char *name;
	uint8_t *bytes;
	size_t size;
	int64_t time;
};

struct memory {
	struct vrv_store base;
	pthread_mutex_t lock;	/* of what follows */
	struct object *objects; /* sorted by name */
	size_t n, cap;
	bool released; /* what a test makes of a reserve that holds nothing */
};

struct memory_put {
	struct vrv_put base;
	struct vrv_buf buf;
	char name[VRV_STORE_NAME_MAX + 1];
};

static void
free_object(struct object *o)
{
	free(o->name);
	free(o->bytes);
}

/* Where `name` is or belongs. Locked. */
static size_t
place_of(const struct memory *m, const char *name, bool *ret_found)
{
	size_t low = 0, high = m->n;

	*ret_found = false;
	while (low < high && !*ret_found) {
		size_t mid = low + (high - low) / 2;
		int cmp = strcmp(m->objects[mid].name, name);
		if (cmp < 0)
			low = mid + 1;
		else
			high = mid;
		if (cmp == 0) {
			*ret_found = true;
			low = mid;
		}
	}
	return low;
}

static int
missing(const char *name, struct varve_err *err)
{
	return vrv_fail(err, VARVE_NOENT, "memory: %s: no such object", name);
}

/* Copies of the names, so that the caller's function may use the store. */
static int
snapshot(struct memory *m, const char *prefix, struct object **ret,
    size_t *ret_n)
{
	struct object *copy;
	size_t n = 0;

	pthread_mutex_lock(&m->lock);
	copy = vrv_alloc_array(m->n, sizeof(*copy));
	for (size_t i = 0; copy != NULL && i < m->n; i++) {
		const struct object *o = &m->objects[i];
		if (strncmp(o->name, prefix, strlen(prefix)) != 0)
			continue;
		copy[n] = (struct object){.size = o->size, .time = o->time};
		copy[n].name = strdup(o->name);
		if (copy[n++].name != NULL)
			continue;
		while (n > 0)
			free_object(&copy[--n]);
		free(copy);
		copy = NULL;
	}
	pthread_mutex_unlock(&m->lock);
	*ret = copy;
	*ret_n = n;
	return copy == NULL ? -1 : 0;
}

static int
memory_list(struct vrv_store *store, const char *prefix, bool with_stat,
    vrv_store_item_fn *fn, void *arg, struct varve_err *err)
{
	struct object *found;
	size_t n;
	int rc = 0;

	if (snapshot((struct memory *)store, prefix, &found, &n) != 0)
		return VRV_NOMEM(err, "a listing");
	for (size_t i = 0; i < n; i++) {
		struct vrv_store_item item = {.name = found[i].name};
		if (with_stat) {
			item.size = found[i].size;
			item.time = found[i].time;
		}
		if (rc == 0)
			rc = fn(arg, &item, err);
		free_object(&found[i]);
	}
	free(found);
	return rc;
}

static int
memory_head(struct vrv_store *store, const char *name, uint64_t *ret_size,
    int64_t *ret_time, struct varve_err *err)
{
	struct memory *m = (struct memory *)store;
	bool found;

	pthread_mutex_lock(&m->lock);
	size_t i = place_of(m, name, &found);
	if (found) {
		*ret_size = m->objects[i].size;
		*ret_time = m->objects[i].time;
	}
	pthread_mutex_unlock(&m->lock);
	return found ? 0 : missing(name, err);
}

static int
memory_get(struct vrv_store *store, const char *name, uint64_t offset, void *to,
    size_t n, struct varve_err *err)
{
	struct memory *m = (struct memory *)store;
	bool found, whole = false;

	pthread_mutex_lock(&m->lock);
	size_t i = place_of(m, name, &found);
	if (found) {
		const struct object *o = &m->objects[i];
		whole = offset <= o->size && n <= o->size - offset;
		if (whole && n > 0)
			memcpy(to, o->bytes + offset, n);
	}
	pthread_mutex_unlock(&m->lock);
	if (!found)
		return missing(name, err);
	return whole ?
	    0 :
	    vrv_fail(err, VARVE_CORRUPT, "memory: %s: ends too early", name);
}

static int
memory_put_begin(struct vrv_store *store, const char *name,
    struct vrv_put **ret, struct varve_err *err)
{
	struct memory_put *put = vrv_alloc_array(1, sizeof(*put));

	if (put == NULL)
		return VRV_NOMEM(err, "an object");
	put->base.store = store;
	strcpy(put->name, name);
	*ret = &put->base;
	return 0;
}

static int
memory_put_write(struct vrv_put *base, const void *bytes, size_t n,
    struct varve_err *err)
{
	struct memory_put *put = (struct memory_put *)base;

	vrv_buf_bytes(&put->buf, bytes, n);
	return vrv_buf_check(&put->buf, err);
}

static void
memory_put_abort(struct vrv_put *base)
{
	struct memory_put *put = (struct memory_put *)base;

	vrv_buf_fini(&put->buf);
	free(put);
}

/* Locked. Takes the bytes of the put on success. */
static int
insert(struct memory *m, struct memory_put *put, struct varve_err *err)
{
	bool taken;
	size_t i = place_of(m, put->name, &taken);

	if (taken)
		return vrv_fail(err, VARVE_EXISTS, "memory: %s: exists",
		    put->name);
	char *name = strdup(put->name);
	if (name == NULL ||
	    vrv_room_for_one(&m->objects, m->n, &m->cap, sizeof(*m->objects)) !=
		0) {
		free(name);
		return VRV_NOMEM(err, "an object");
	}
	memmove(m->objects + i + 1, m->objects + i,
	    (m->n - i) * sizeof(*m->objects));
	m->objects[i] = (struct object){name, put->buf.data, put->buf.len,
	    vrv_time_now().s};
	m->n++;
	put->buf = (struct vrv_buf){0};
	return 0;
}

static int
memory_put_commit(struct vrv_put *base, struct varve_err *err)
{
	struct memory *m = (struct memory *)base->store;

	pthread_mutex_lock(&m->lock);
	int rc = insert(m, (struct memory_put *)base, err);
	pthread_mutex_unlock(&m->lock);
	memory_put_abort(base);
	return rc;
}

static int
memory_delete(struct vrv_store *store, const char *name, struct varve_err *err)
{
	struct memory *m = (struct memory *)store;
	bool found;

	(void)err;
	pthread_mutex_lock(&m->lock);
	size_t i = place_of(m, name, &found);
	if (found) {
		free_object(&m->objects[i]);
		m->n--;
		memmove(m->objects + i, m->objects + i + 1,
		    (m->n - i) * sizeof(*m->objects));
	}
	pthread_mutex_unlock(&m->lock);
	return 0;
}

static int
memory_sync(struct vrv_store *store, const char *prefix, struct varve_err *err)
{
	(void)store;
	(void)prefix;
	(void)err;
	return 0;
}

static bool
memory_identity(const struct vrv_store *store, uint64_t *ret_dev,
    uint64_t *ret_inode)
{
	(void)store;
	(void)ret_dev;
	(void)ret_inode;
	return false;
}

static void
memory_free(struct vrv_store *store)
{
	struct memory *m = (struct memory *)store;

	for (size_t i = 0; i < m->n; i++)
		free_object(&m->objects[i]);
	free(m->objects);
	pthread_mutex_destroy(&m->lock);
	free(store->location);
	free(m);
}

static int
memory_release_reserve(struct vrv_store *store, bool *ret,
    struct varve_err *err)
{
	struct memory *m = (struct memory *)store;

	(void)err;
	pthread_mutex_lock(&m->lock);
	*ret = !m->released;
	m->released = true;
	pthread_mutex_unlock(&m->lock);
	return 0;
}

static void
memory_restore_reserve(struct vrv_store *store)
{
	struct memory *m = (struct memory *)store;

	pthread_mutex_lock(&m->lock);
	m->released = false;
	pthread_mutex_unlock(&m->lock);
}

static const struct vrv_store_ops memory_ops = {
    .list = memory_list,
    .head = memory_head,
    .get = memory_get,
    .put_begin = memory_put_begin,
    .put_write = memory_put_write,
    .put_commit = memory_put_commit,
    .put_abort = memory_put_abort,
    .delete = memory_delete,
    .sync = memory_sync,
    .release_reserve = memory_release_reserve,
    .restore_reserve = memory_restore_reserve,
    .identity = memory_identity,
    .free = memory_free,
};

int
vrv_store_open_memory(struct vrv_store **ret, struct varve_err *err)
{
	struct memory *m = vrv_alloc_array(1, sizeof(*m));
	char *location = strdup("memory:");

	if (m == NULL || location == NULL) {
		free(m);
		free(location);
		return VRV_NOMEM(err, "a store");
	}
	m->base = (struct vrv_store){&memory_ops, location};
	pthread_mutex_init(&m->lock, NULL);
	*ret = &m->base;
	return 0;
}
