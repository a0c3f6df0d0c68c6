/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/repo_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/clock.h"
#include "util/mem.h"

#define FAILURES_MAX 4096 /* about 300 bytes each */
#define MESSAGE_MAX 240

struct failure {
	uint8_t pack[VRV_OBJECT_ID];
	uint64_t offset;
	uint64_t since; /* ticks */
	int code, sys, exit;
	uint64_t cause;
	char message[MESSAGE_MAX];
};

static void VRV_PRINTF(2, 3) keep(struct failure *failure, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vrv_fit(failure->message, sizeof(failure->message), fmt, ap);
	va_end(ap);
}

/* A ring: the chunks of a frame are mostly asked for side by side, so that
 * what was noted long ago is the least missed. */
struct vrv_failures {
	pthread_mutex_t lock;
	struct vrv_map *numbers; /* pack and offset -> place in the ring */
	struct failure *ring;
	size_t n, cap, next;
	uint64_t retry_ns; /* 0: never */
};

struct key {
	uint8_t pack[VRV_OBJECT_ID];
	uint64_t offset;
};

static struct key
key_of(const uint8_t pack[VRV_OBJECT_ID], uint64_t offset)
{
	struct key key = {.offset = offset};

	memcpy(key.pack, pack, VRV_OBJECT_ID);
	return key;
}

int
vrv_failures_new(struct vrv_failures **ret, struct varve_err *err)
{
	struct vrv_failures *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return VRV_NOMEM(err, "failures");
	pthread_mutex_init(&f->lock, NULL);
	f->numbers = vrv_map_new(sizeof(struct key), sizeof(uint32_t));
	if (f->numbers == NULL) {
		vrv_failures_free(f);
		return VRV_NOMEM(err, "failures");
	}
	*ret = f;
	return 0;
}

void
vrv_failures_free(struct vrv_failures *f)
{
	if (f == NULL)
		return;
	vrv_map_free(f->numbers);
	free(f->ring);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

void
vrv_failures_retry_after(struct vrv_failures *f, uint64_t ns)
{
	pthread_mutex_lock(&f->lock);
	f->retry_ns = ns;
	pthread_mutex_unlock(&f->lock);
}

static bool
is_old(const struct vrv_failures *f, const struct failure *failure)
{
	return f->retry_ns != 0 && vrv_ticks() - failure->since >= f->retry_ns;
}

int
vrv_failures_get(struct vrv_failures *f, const struct vrv_location *at,
    struct varve_err *err)
{
	const struct key key = key_of(at->pack, at->offset);
	int rc = 0;

	pthread_mutex_lock(&f->lock);
	const uint32_t *number = vrv_map_get(f->numbers, &key);
	if (number != NULL && !is_old(f, &f->ring[*number])) {
		const struct failure *failure = &f->ring[*number];
		rc = vrv_fail(err, failure->code, "%s", failure->message);
		err->sys = failure->sys;
		err->exit = failure->exit;
		err->cause = failure->cause;
	}
	pthread_mutex_unlock(&f->lock);
	return rc;
}

/* The place for the next failure; NULL without memory. */
static struct failure *
place(struct vrv_failures *f)
{
	if (f->n == FAILURES_MAX) {
		struct failure *oldest = &f->ring[f->next];
		const struct key key = key_of(oldest->pack, oldest->offset);
		(void)vrv_map_remove(f->numbers, &key);
		return oldest;
	}
	if (vrv_room_for_one(&f->ring, f->n, &f->cap, sizeof(*f->ring)) != 0)
		return NULL;
	return &f->ring[f->n++];
}

void
vrv_failures_put(struct vrv_failures *f, const struct vrv_location *at,
    const struct varve_err *err)
{
	const struct key key = key_of(at->pack, at->offset);
	struct failure *failure;
	bool is_new = false;

	/* What the run lacks says nothing of the frame. */
	if (vrv_err_is_fatal(err))
		return;
	pthread_mutex_lock(&f->lock);
	uint32_t *number = vrv_map_get(f->numbers, &key);
	/* The first error counts, until it is time to try again. */
	if (number == NULL)
		failure = place(f);
	else
		failure =
		    is_old(f, &f->ring[*number]) ? &f->ring[*number] : NULL;
	if (failure != NULL) {
		failure->since = vrv_ticks();
		memcpy(failure->pack, at->pack, VRV_OBJECT_ID);
		failure->offset = at->offset;
		failure->code = err->code;
		failure->sys = err->sys;
		failure->exit = err->exit;
		failure->cause = err->cause;
		keep(failure, "%s", err->message);
		number = vrv_map_put(f->numbers, &key, &is_new);
		/* Without memory it is read once more, that is all. */
		if (number != NULL)
			*number = (uint32_t)(failure - f->ring);
		if (is_new)
			f->next =
			    ((size_t)(failure - f->ring) + 1) % FAILURES_MAX;
	}
	pthread_mutex_unlock(&f->lock);
}
