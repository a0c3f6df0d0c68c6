/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "check/check_internal.h"
#include "store/store.h"
#include "util/hash.h"
#include "util/mem.h"

#define READ_SIZE ((size_t)1 << 20)
#define SUM_SIZE 16

/* --- the listing --- */

struct listing {
	struct vrv_check *check;
	size_t cap;
};

static int
add(void *arg, const struct vrv_store_item *item, struct varve_err *err)
{
	struct listing *listing = arg;
	struct vrv_check *check = listing->check;
	struct vrv_listed listed = {.size = item->size};

	if (!vrv_name_parse(item->name, &listed.name)) {
		check->result.unknown++;
		return 0;
	}
	if (vrv_room_for_one(&check->items, check->n_items, &listing->cap,
		sizeof(*check->items)) != 0)
		return VRV_NOMEM(err, "a listing");
	check->items[check->n_items++] = listed;
	return 0;
}

static int
compare(const void *a, const void *b)
{
	const struct vrv_listed *x = a, *y = b;

	if (x->name.type != y->name.type)
		return x->name.type < y->name.type ? -1 : 1;
	return memcmp(x->name.id, y->name.id, VRV_OBJECT_ID);
}

int
vrv_check_list(struct vrv_check *check, struct varve_err *err)
{
	struct listing listing = {.check = check};

	int rc = vrv_store_list(vrv_repo_store(check->repo), "", true, add,
	    &listing, err);
	if (rc == 0 && check->n_items > 0)
		qsort(check->items, check->n_items, sizeof(*check->items),
		    compare);
	return rc;
}

struct vrv_listed *
vrv_check_find(struct vrv_check *check, enum vrv_type type,
    const uint8_t id[VRV_OBJECT_ID])
{
	struct vrv_listed key = {.name = {.type = type}};

	memcpy(key.name.id, id, VRV_OBJECT_ID);
	if (check->n_items == 0)
		return NULL;
	return bsearch(&key, check->items, check->n_items,
	    sizeof(*check->items), compare);
}

/* --- one object, in pieces --- */

struct streamer {
	struct vrv_xxh_state *sum;
	uint8_t *buf;
};

static void
drop(void *mine)
{
	struct streamer *s = mine;

	if (s == NULL)
		return;
	vrv_xxh_free(s->sum);
	free(s->buf);
	free(s);
}

static int
make(struct vrv_check *check, void **ret, struct varve_err *err)
{
	struct streamer *s = calloc(1, sizeof(*s));

	(void)check;
	*ret = s;
	if (s != NULL)
		s->buf = malloc(READ_SIZE);
	if (s == NULL || s->buf == NULL)
		return VRV_NOMEM(err, "a buffer");
	return 0;
}

static int
check_header(struct vrv_check *check, const struct vrv_listed *item,
    const uint8_t *bytes, struct varve_err *err)
{
	const uint8_t *repository = vrv_repo_id(check->repo);
	struct vrv_header header;

	int rc = vrv_header_get(bytes, VRV_HEADER_SIZE, &header, err);
	if (rc != 0)
		return rc;
	if (header.type != item->name.type ||
	    memcmp(header.id, item->name.id, VRV_OBJECT_ID) != 0)
		return vrv_fail(err, VARVE_CORRUPT,
		    "holds another object than its name says");
	/* A key slot of another is what a killed init left: it is in nobody's
	 * way. */
	if (repository != NULL && header.type != VRV_KEY_SLOT &&
	    memcmp(header.repository, repository, VRV_REPO_ID) != 0)
		return vrv_fail(err, VARVE_CORRUPT,
		    "belongs to another repository");
	return 0;
}

/* Everything but the sum at the end goes into the sum. */
static int
stream(struct vrv_check *check, struct streamer *s, const char *name,
    const struct vrv_listed *item, struct varve_err *err)
{
	struct vrv_store *store = vrv_repo_store(check->repo);
	uint8_t stated[SUM_SIZE], sum[SUM_SIZE], trailer[VRV_TRAILER_SIZE];

	if (item->size < VRV_HEADER_SIZE + VRV_TRAILER_SIZE) {
		/* What is no regular file is listed with no size. */
		int rc = vrv_store_head(store, name, NULL, NULL, err);
		return rc != 0 ? rc :
				 vrv_fail(err, VARVE_CORRUPT, "is cut short");
	}
	vrv_xxh_free(s->sum);
	s->sum = vrv_xxh_new();
	if (s->sum == NULL)
		return VRV_NOMEM(err, "a sum");
	uint64_t summed = item->size - SUM_SIZE;
	for (uint64_t at = 0; at < summed;) {
		size_t n =
		    summed - at < READ_SIZE ? (size_t)(summed - at) : READ_SIZE;
		int rc = vrv_store_get(store, name, at, s->buf, n, err);
		if (rc == 0 && at == 0)
			rc = n < VRV_HEADER_SIZE ?
			    vrv_fail(err, VARVE_CORRUPT, "is cut short") :
			    check_header(check, item, s->buf, err);
		if (rc != 0)
			return rc;
		vrv_xxh_update(s->sum, s->buf, n);
		vrv_check_add(check, name, 0, n);
		at += n;
	}
	int rc = vrv_store_get(store, name, item->size - VRV_TRAILER_SIZE,
	    trailer, VRV_TRAILER_SIZE, err);
	if (rc == 0)
		rc = vrv_trailer_get(trailer, item->size, stated, err);
	if (rc != 0)
		return rc;
	vrv_xxh_sum(s->sum, sum);
	if (memcmp(sum, stated, SUM_SIZE) != 0)
		return vrv_fail(err, VARVE_CORRUPT,
		    "is damaged: its sum is wrong");
	return 0;
}

static int
check_object(struct vrv_check *check, void *mine, size_t i,
    struct varve_err *err)
{
	struct vrv_listed *item = &check->items[i];
	char name[VRV_NAME_SIZE];

	vrv_name_print(&item->name, name);
	int rc = stream(check, mine, name, item, err);
	if (rc != 0 && vrv_err_is_fatal(err))
		return rc;
	/* One that is gone since the listing was deleted meanwhile; if it is
	 * missed, what refers to it will say so. */
	if (rc != 0 && rc != VARVE_NOENT)
		vrv_check_item_problem(check, item, err);
	vrv_err_clear(err);
	vrv_check_add(check, name, 1, rc == 0 ? SUM_SIZE : 0);
	if (item->name.type == VRV_PACK && rc != VARVE_NOENT)
		vrv_check_pack_done(check, item, VRV_LEDGER_SUM);
	pthread_mutex_lock(&check->lock);
	check->result.object_bytes += item->size;
	pthread_mutex_unlock(&check->lock);
	return 0;
}

const struct vrv_check_work vrv_check_object_work = {
    .make = make,
    .fn = check_object,
    .drop = drop,
};

/* Packs have their turn later if they are many for the time. */
static int
check_one(struct vrv_check *check, void *mine, size_t i, struct varve_err *err)
{
	if (vrv_check_is_limited(check) &&
	    check->items[i].name.type == VRV_PACK)
		return 0;
	return check_object(check, mine, i, err);
}

int
vrv_check_objects(struct vrv_check *check, struct varve_err *err)
{
	static const struct vrv_check_work work = {
	    .make = make,
	    .fn = check_one,
	    .drop = drop,
	};

	return vrv_check_each(check, check->n_items, &work, err);
}
