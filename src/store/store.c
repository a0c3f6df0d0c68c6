/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/store_internal.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

#define NAME_BYTES "abcdefghijklmnopqrstuvwxyz0123456789./-"

/* "kind/name" or "kind/xx/name", no part empty or starting with a dot. */
static bool
is_name(const char *name)
{
	size_t len = strnlen(name, VRV_STORE_NAME_MAX + 1), slashes = 0;

	if (len > VRV_STORE_NAME_MAX || name[strspn(name, NAME_BYTES)] != '\0')
		return false;
	for (const char *part = name;; part++) {
		if (part[0] == '\0' || part[0] == '/' || part[0] == '.')
			return false;
		part = strchr(part, '/');
		if (part == NULL)
			return slashes == 1 || slashes == 2;
		slashes++;
	}
}

static int
check_name(const char *name, struct varve_err *err)
{
	return is_name(name) ?
	    0 :
	    vrv_fail(err, VARVE_USAGE, "'%.*s' cannot name an object",
		VRV_STORE_NAME_MAX, name);
}

static int
check_prefix(const char *prefix, struct varve_err *err)
{
	bool good = prefix[0] == '\0' ||
	    (prefix[0] != '.' && prefix[0] != '/' &&
		strstr(prefix, "/.") == NULL && strstr(prefix, "//") == NULL &&
		prefix[strspn(prefix, NAME_BYTES)] == '\0' &&
		strnlen(prefix, VRV_STORE_NAME_MAX + 1) <= VRV_STORE_NAME_MAX);

	return good ? 0 :
		      vrv_fail(err, VARVE_USAGE, "'%.*s' cannot start a name",
			  VRV_STORE_NAME_MAX, prefix);
}

int
vrv_store_list(struct vrv_store *store, const char *prefix, bool with_stat,
    vrv_store_item_fn *fn, void *arg, struct varve_err *err)
{
	int rc = check_prefix(prefix, err);

	return rc != 0 ?
	    rc :
	    store->ops->list(store, prefix, with_stat, fn, arg, err);
}

int
vrv_store_head(struct vrv_store *store, const char *name, uint64_t *ret_size,
    int64_t *ret_time, struct varve_err *err)
{
	uint64_t size;
	int64_t time;

	int rc = check_name(name, err);
	if (rc == 0)
		rc = store->ops->head(store, name, &size, &time, err);
	if (rc != 0)
		return rc;
	if (ret_size != NULL)
		*ret_size = size;
	if (ret_time != NULL)
		*ret_time = time;
	return 0;
}

int
vrv_store_get(struct vrv_store *store, const char *name, uint64_t offset,
    void *to, size_t n, struct varve_err *err)
{
	int rc = check_name(name, err);

	return rc != 0 ? rc : store->ops->get(store, name, offset, to, n, err);
}

int
vrv_store_get_all(struct vrv_store *store, const char *name, size_t max,
    uint8_t **ret, size_t *ret_n, struct varve_err *err)
{
	uint64_t size;

	int rc = vrv_store_head(store, name, &size, NULL, err);
	if (rc != 0)
		return rc;
	if (size > max)
		return vrv_fail(err, VARVE_LIMIT,
		    "%s: %s: longer than %zu bytes", vrv_store_location(store),
		    name, max);
	vrv_auto_free uint8_t *bytes = vrv_alloc_array((size_t)size, 1);
	if (bytes == NULL)
		return VRV_NOMEM(err, "an object");
	rc = vrv_store_get(store, name, 0, bytes, (size_t)size, err);
	if (rc != 0)
		return rc;
	*ret = vrv_steal(&bytes);
	*ret_n = (size_t)size;
	return 0;
}

int
vrv_put_begin(struct vrv_store *store, const char *name, struct vrv_put **ret,
    struct varve_err *err)
{
	int rc = check_name(name, err);

	return rc != 0 ? rc : store->ops->put_begin(store, name, ret, err);
}

int
vrv_put_write(struct vrv_put *put, const void *bytes, size_t n,
    struct varve_err *err)
{
	int rc = put->store->ops->put_write(put, bytes, n, err);

	if (rc != 0)
		put->failed = true;
	return rc;
}

int
vrv_put_commit(struct vrv_put *put, struct varve_err *err)
{
	if (put->failed) {
		vrv_put_abort(put);
		return vrv_fail(err, VARVE_INTERNAL,
		    "commit of an object whose write had failed");
	}
	return put->store->ops->put_commit(put, err);
}

void
vrv_put_abort(struct vrv_put *put)
{
	put->store->ops->put_abort(put);
}

int
vrv_store_put(struct vrv_store *store, const char *name, const void *bytes,
    size_t n, struct varve_err *err)
{
	struct vrv_put *put;

	int rc = vrv_put_begin(store, name, &put, err);
	if (rc != 0)
		return rc;
	rc = vrv_put_write(put, bytes, n, err);
	if (rc != 0) {
		vrv_put_abort(put);
		return rc;
	}
	return vrv_put_commit(put, err);
}

int
vrv_store_delete(struct vrv_store *store, const char *name,
    struct varve_err *err)
{
	int rc = check_name(name, err);

	return rc != 0 ? rc : store->ops->delete (store, name, err);
}

int
vrv_store_sync(struct vrv_store *store, const char *prefix,
    struct varve_err *err)
{
	int rc = check_prefix(prefix, err);

	return rc != 0 ? rc : store->ops->sync(store, prefix, err);
}

int
vrv_store_release_reserve(struct vrv_store *store, bool *ret,
    struct varve_err *err)
{
	*ret = false;
	return store->ops->release_reserve == NULL ?
	    0 :
	    store->ops->release_reserve(store, ret, err);
}

void
vrv_store_restore_reserve(struct vrv_store *store)
{
	if (store->ops->restore_reserve != NULL)
		store->ops->restore_reserve(store);
}

const char *
vrv_store_location(const struct vrv_store *store)
{
	return store->location;
}

bool
vrv_store_identity(const struct vrv_store *store, uint64_t *ret_dev,
    uint64_t *ret_inode)
{
	return store->ops->identity(store, ret_dev, ret_inode);
}

void
vrv_store_free(struct vrv_store *store)
{
	if (store != NULL)
		store->ops->free(store);
}
