/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "check/check_internal.h"
#include "util/clock.h"
#include "util/mem.h"

#define NS_PER_S 1000000000u

/* --- what the ledger knows --- */

struct recall {
	struct vrv_check *check;
	uint8_t *gone; /* ids of packs that are not listed */
	size_t n, cap;
};

static void
recall_one(void *arg, const uint8_t pack[VRV_OBJECT_ID],
    enum vrv_ledger_level level, int64_t checked)
{
	struct recall *recall = arg;
	struct vrv_check *check = recall->check;
	struct vrv_listed *item = vrv_check_find(check, VRV_PACK, pack);

	if (item == NULL) {
		/* Without memory for it, it stays on record. */
		if (vrv_room_for_one(&recall->gone, recall->n, &recall->cap,
			VRV_OBJECT_ID) == 0)
			memcpy(recall->gone + recall->n++ * VRV_OBJECT_ID, pack,
			    VRV_OBJECT_ID);
		return;
	}
	/* Frames that open and have their ids have been read whole. */
	if (check->options->verify_data && level != VRV_LEDGER_FRAMES)
		return;
	if (checked > item->checked)
		item->checked = checked;
}

void
vrv_check_recall(struct vrv_check *check)
{
	struct recall recall = {.check = check};

	for (size_t i = 0; i < check->n_items; i++)
		if (check->items[i].name.type == VRV_PACK)
			check->result.packs_listed++;
	vrv_ledger_packs(check->ledger, recall_one, &recall);
	for (size_t i = 0; i < recall.n; i++)
		vrv_ledger_forget(check->ledger,
		    recall.gone + i * VRV_OBJECT_ID);
	free(recall.gone);
}

/* --- the order --- */

static int
by_age(const void *a, const void *b, void *arg)
{
	const struct vrv_check *check = arg;
	const struct vrv_listed *x = &check->items[*(const size_t *)a];
	const struct vrv_listed *y = &check->items[*(const size_t *)b];

	if (x->checked != y->checked)
		return x->checked < y->checked ? -1 : 1;
	return memcmp(x->name.id, y->name.id, VRV_OBJECT_ID);
}

/* Packs that are due, oldest first. A time to come says nothing: a clock was
 * wrong. */
static int
make_order(struct vrv_check *check, struct varve_err *err)
{
	uint64_t max_age = check->options->max_age;
	int64_t now = vrv_time_now().s;

	check->order =
	    vrv_alloc_array(check->n_items + 1, sizeof(*check->order));
	if (check->order == NULL)
		return VRV_NOMEM(err, "the order of packs");
	for (size_t i = 0; i < check->n_items; i++) {
		struct vrv_listed *item = &check->items[i];
		if (item->name.type != VRV_PACK)
			continue;
		if (item->checked > now)
			item->checked = 0;
		if (item->checked != 0 && max_age != 0 &&
		    (uint64_t)(now - item->checked) < max_age)
			check->result.packs_recent++;
		else
			check->order[check->n_order++] = i;
	}
	qsort_r(check->order, check->n_order, sizeof(*check->order), by_age,
	    check);
	return 0;
}

/* --- one pack after the other --- */

struct bench {
	void *object, *frames;
};

static void
drop(void *mine)
{
	struct bench *b = mine;

	if (b == NULL)
		return;
	vrv_check_object_work.drop(b->object);
	vrv_check_frames_work.drop(b->frames);
	free(b);
}

static int
make(struct vrv_check *check, void **ret, struct varve_err *err)
{
	struct bench *b = calloc(1, sizeof(*b));
	int rc = 0;

	*ret = b;
	if (b == NULL)
		return VRV_NOMEM(err, "a check");
	if (check->options->objects)
		rc = vrv_check_object_work.make(check, &b->object, err);
	if (rc == 0 && check->options->verify_data)
		rc = vrv_check_frames_work.make(check, &b->frames, err);
	return rc;
}

static int
check_pack(struct vrv_check *check, void *mine, size_t i, struct varve_err *err)
{
	struct bench *b = mine;
	int rc = 0;

	if (check->options->objects)
		rc = vrv_check_object_work.fn(check, b->object, check->order[i],
		    err);
	if (rc == 0 && check->options->verify_data)
		rc = vrv_check_frames_work.fn(check, b->frames, check->order[i],
		    err);
	pthread_mutex_lock(&check->lock);
	check->result.packs_left--;
	pthread_mutex_unlock(&check->lock);
	return rc;
}

static bool
is_over(const struct vrv_check *check)
{
	const struct varve_check_options *o = check->options;

	if (o->max_packs != 0 && check->begun >= o->max_packs)
		return true;
	return o->max_duration != 0 &&
	    (vrv_ticks() - check->started) / NS_PER_S >= o->max_duration;
}

/* One pack is found sound in any case: or nothing would ever be done where the
 * rest of the check takes all the time, or where damaged packs, which are
 * always due, come first. While one is looked at that may be sound, the other
 * threads end. */
static bool
may_begin(struct vrv_check *check)
{
	pthread_mutex_lock(&check->lock);
	bool may = check->begun <= check->unsound || !is_over(check);
	check->begun += may;
	pthread_mutex_unlock(&check->lock);
	return may;
}

int
vrv_check_limited(struct vrv_check *check, struct varve_err *err)
{
	static const struct vrv_check_work work = {
	    .make = make,
	    .fn = check_pack,
	    .drop = drop,
	    .may_begin = may_begin,
	};

	if (!check->options->objects && !check->options->verify_data)
		return 0;
	int rc = make_order(check, err);
	if (rc != 0)
		return rc;
	check->result.packs_left = check->n_order;
	return vrv_check_each(check, check->n_order, &work, err);
}
