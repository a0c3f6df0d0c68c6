/* SPDX-License-Identifier: BSD-2-Clause */
#include "faultstore.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "store/store_internal.h"
#include "util/mem.h"

#define HELD_MAX 1024

struct fault {
	struct vrv_store base;
	struct vrv_store *inner;
	pthread_mutex_t lock; /* of what follows */
	struct faultstore_fault armed;
	unsigned seen; /* calls that match `armed` */
	unsigned calls[FAULT_OPS];
	bool hold;
	size_t n_held;
	char held[HELD_MAX][VRV_STORE_NAME_MAX + 1];
};

struct fault_put {
	struct vrv_put base;
	struct vrv_put *inner;
	char name[VRV_STORE_NAME_MAX + 1];
};

/* Count a call. Returns whether it is to fail; *ret_fault tells how. */
static bool
fails(struct fault *f, enum faultstore_op op, const char *name,
    struct faultstore_fault *ret_fault)
{
	bool hit = false;

	pthread_mutex_lock(&f->lock);
	f->calls[op]++;
	const struct faultstore_fault *a = &f->armed;
	if (a->nth > 0 && (a->op == op || a->op == FAULT_OPS) &&
	    (a->prefix == NULL ||
		strncmp(name, a->prefix, strlen(a->prefix)) == 0)) {
		f->seen++;
		hit = f->seen == a->nth || (f->seen > a->nth && a->persistent);
	}
	*ret_fault = *a;
	pthread_mutex_unlock(&f->lock);
	return hit;
}

static int
injected(const struct faultstore_fault *fault, const char *name,
    struct varve_err *err)
{
	if (fault->sys != 0)
		return vrv_fail_sys(err, fault->sys, "%s", name);
	vrv_fail(err, fault->code, "%s: injected fault", name);
	return fault->exit == 0 ? err->code :
				  vrv_exit(err, (enum varve_exit)fault->exit);
}

/* Run `call` under the fault of `op`, if its turn has come. */
#define UNDER_FAULT(f, op, name, err, call)                                    \
	({                                                                     \
		struct faultstore_fault how_;                                  \
		bool hit_ = fails((f), (op), (name), &how_);                   \
		int rc_ = hit_ && !how_.late ? 0 : (call);                     \
		hit_ &&rc_ == 0 ? injected(&how_, (name), (err)) : rc_;        \
	})

static int
fault_list(struct vrv_store *store, const char *prefix, bool with_stat,
    vrv_store_item_fn *fn, void *arg, struct varve_err *err)
{
	struct fault *f = (struct fault *)store;

	return UNDER_FAULT(f, FAULT_LIST, prefix, err,
	    vrv_store_list(f->inner, prefix, with_stat, fn, arg, err));
}

static int
fault_head(struct vrv_store *store, const char *name, uint64_t *ret_size,
    int64_t *ret_time, struct varve_err *err)
{
	struct fault *f = (struct fault *)store;

	return UNDER_FAULT(f, FAULT_HEAD, name, err,
	    vrv_store_head(f->inner, name, ret_size, ret_time, err));
}

static int
fault_get(struct vrv_store *store, const char *name, uint64_t offset, void *to,
    size_t n, struct varve_err *err)
{
	struct fault *f = (struct fault *)store;

	return UNDER_FAULT(f, FAULT_GET, name, err,
	    vrv_store_get(f->inner, name, offset, to, n, err));
}

static int
fault_put_begin(struct vrv_store *store, const char *name, struct vrv_put **ret,
    struct varve_err *err)
{
	struct fault *f = (struct fault *)store;
	vrv_auto_free struct fault_put *put = vrv_alloc_array(1, sizeof(*put));
	struct faultstore_fault how;

	if (put == NULL)
		return VRV_NOMEM(err, "an object");
	if (fails(f, FAULT_PUT_BEGIN, name, &how))
		return injected(&how, name, err);
	int rc = vrv_put_begin(f->inner, name, &put->inner, err);
	if (rc != 0)
		return rc;
	put->base.store = store;
	strcpy(put->name, name);
	*ret = &vrv_steal(&put)->base;
	return 0;
}

static int
fault_put_write(struct vrv_put *base, const void *bytes, size_t n,
    struct varve_err *err)
{
	struct fault_put *put = (struct fault_put *)base;

	return UNDER_FAULT((struct fault *)base->store, FAULT_PUT_WRITE,
	    put->name, err, vrv_put_write(put->inner, bytes, n, err));
}

static void
fault_put_abort(struct vrv_put *base)
{
	struct fault_put *put = (struct fault_put *)base;

	if (put->inner != NULL)
		vrv_put_abort(put->inner);
	free(put);
}

static void
remember(struct fault *f, const char *name)
{
	pthread_mutex_lock(&f->lock);
	if (f->hold) {
		assert(f->n_held < HELD_MAX);
		strcpy(f->held[f->n_held++], name);
	}
	pthread_mutex_unlock(&f->lock);
}

static int
fault_put_commit(struct vrv_put *base, struct varve_err *err)
{
	struct fault_put *put = (struct fault_put *)base;
	struct fault *f = (struct fault *)base->store;
	struct faultstore_fault how;
	int rc = 0;

	bool hit = fails(f, FAULT_PUT_COMMIT, put->name, &how);
	if (!hit || how.late) {
		rc = vrv_put_commit(put->inner, err);
		put->inner = NULL;
		if (rc == 0)
			remember(f, put->name);
	}
	if (hit && rc == 0)
		rc = injected(&how, put->name, err);
	fault_put_abort(base);
	return rc;
}

static int
fault_delete(struct vrv_store *store, const char *name, struct varve_err *err)
{
	struct fault *f = (struct fault *)store;

	return UNDER_FAULT(f, FAULT_DELETE, name, err,
	    vrv_store_delete(f->inner, name, err));
}

static int
sync_held(struct fault *f, const char *prefix, struct varve_err *err)
{
	int rc = vrv_store_sync(f->inner, prefix, err);
	size_t kept = 0;

	if (rc != 0)
		return rc;
	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < f->n_held; i++) {
		if (strncmp(f->held[i], prefix, strlen(prefix)) != 0)
			memmove(f->held[kept++], f->held[i],
			    sizeof(f->held[i]));
	}
	f->n_held = kept;
	pthread_mutex_unlock(&f->lock);
	return 0;
}

static int
fault_sync(struct vrv_store *store, const char *prefix, struct varve_err *err)
{
	struct fault *f = (struct fault *)store;

	return UNDER_FAULT(f, FAULT_SYNC, prefix, err,
	    sync_held(f, prefix, err));
}

static int
fault_release_reserve(struct vrv_store *store, bool *ret, struct varve_err *err)
{
	struct fault *f = (struct fault *)store;

	return UNDER_FAULT(f, FAULT_RELEASE, "reserve", err,
	    vrv_store_release_reserve(f->inner, ret, err));
}

static void
fault_restore_reserve(struct vrv_store *store)
{
	vrv_store_restore_reserve(((struct fault *)store)->inner);
}

static bool
fault_identity(const struct vrv_store *store, uint64_t *ret_dev,
    uint64_t *ret_inode)
{
	const struct fault *f = (const struct fault *)store;

	return vrv_store_identity(f->inner, ret_dev, ret_inode);
}

static void
fault_free(struct vrv_store *store)
{
	struct fault *f = (struct fault *)store;

	vrv_store_free(f->inner);
	pthread_mutex_destroy(&f->lock);
	free(store->location);
	free(f);
}

static const struct vrv_store_ops fault_ops = {
    .list = fault_list,
    .head = fault_head,
    .get = fault_get,
    .put_begin = fault_put_begin,
    .put_write = fault_put_write,
    .put_commit = fault_put_commit,
    .put_abort = fault_put_abort,
    .delete = fault_delete,
    .sync = fault_sync,
    .release_reserve = fault_release_reserve,
    .restore_reserve = fault_restore_reserve,
    .identity = fault_identity,
    .free = fault_free,
};

struct vrv_store *
faultstore_new(struct vrv_store *inner)
{
	struct fault *f = vrv_alloc_array(1, sizeof(*f));
	char *location = strdup(vrv_store_location(inner));

	if (f == NULL || location == NULL) {
		free(f);
		free(location);
		return NULL;
	}
	f->base = (struct vrv_store){&fault_ops, location};
	f->inner = inner;
	pthread_mutex_init(&f->lock, NULL);
	return &f->base;
}

void
faultstore_arm(struct vrv_store *store, const struct faultstore_fault *fault)
{
	struct fault *f = (struct fault *)store;

	pthread_mutex_lock(&f->lock);
	f->armed = fault == NULL ? (struct faultstore_fault){0} : *fault;
	f->seen = 0;
	pthread_mutex_unlock(&f->lock);
}

unsigned
faultstore_calls(struct vrv_store *store, enum faultstore_op op)
{
	struct fault *f = (struct fault *)store;
	unsigned n = 0;

	pthread_mutex_lock(&f->lock);
	for (unsigned i = 0; i < FAULT_OPS; i++)
		n += op == FAULT_OPS || op == i ? f->calls[i] : 0;
	pthread_mutex_unlock(&f->lock);
	return n;
}

void
faultstore_hold_syncs(struct vrv_store *store, bool hold)
{
	struct fault *f = (struct fault *)store;

	pthread_mutex_lock(&f->lock);
	f->hold = hold;
	pthread_mutex_unlock(&f->lock);
}

int
faultstore_power_cut(struct vrv_store *store, struct varve_err *err)
{
	struct fault *f = (struct fault *)store;
	int rc = 0;

	pthread_mutex_lock(&f->lock);
	while (rc == 0 && f->n_held > 0) {
		rc = vrv_store_delete(f->inner, f->held[f->n_held - 1], err);
		f->n_held -= rc == 0;
	}
	pthread_mutex_unlock(&f->lock);
	return rc;
}
