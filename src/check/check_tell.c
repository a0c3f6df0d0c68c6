/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "check/check_internal.h"
#include "store/store.h"
#include "util/clock.h"

/* The caller holds the lock. */
static void
event(struct vrv_check *check, const struct varve_event *event)
{
	vrv_repo_tell(check->repo, check->options->event,
	    check->options->event_arg, event);
}

/* The caller holds the lock. */
static void
tell(struct vrv_check *check, const char *path, const struct varve_err *why)
{
	event(check,
	    &(struct varve_event){
		.type = VARVE_EVENT_PROBLEM,
		.status = 'E',
		.path = path,
		.message = why->message,
		.sys = why->sys,
	    });
}

bool
vrv_check_is_refusal(const struct varve_err *why)
{
	return why->code != VARVE_NOENT && !vrv_err_is_damage(why);
}

void
vrv_check_problem(struct vrv_check *check, const char *object, const char *path,
    const struct varve_err *why)
{
	struct varve_err text = *why;
	bool refused = vrv_check_is_refusal(why);

	if (refused)
		(void)vrv_ctx(&text, "could not be read");
	if (object != NULL)
		(void)vrv_ctx(&text, "%s", object);
	pthread_mutex_lock(&check->lock);
	check->result.problems++;
	check->result.unread += refused;
	check->result.denied += refused && why->exit == VARVE_EXIT_PERMISSION;
	tell(check, path, &text);
	pthread_mutex_unlock(&check->lock);
}

void
vrv_check_tell(struct vrv_check *check, enum varve_event_type type,
    const char *path, const char *message)
{
	pthread_mutex_lock(&check->lock);
	event(check,
	    &(struct varve_event){
		.type = type,
		.path = path,
		.message = message,
	    });
	pthread_mutex_unlock(&check->lock);
}

void
vrv_check_consequence(struct vrv_check *check, const char *path,
    const struct varve_err *why)
{
	pthread_mutex_lock(&check->lock);
	tell(check, path, why);
	pthread_mutex_unlock(&check->lock);
}

void
vrv_check_pack_problem(struct vrv_check *check,
    const uint8_t pack[VRV_OBJECT_ID], enum vrv_pack_fault fault,
    const struct varve_err *why)
{
	struct vrv_name name = {.type = VRV_PACK};
	char text[VRV_NAME_SIZE];

	memcpy(name.id, pack, VRV_OBJECT_ID);
	vrv_name_print(&name, text);
	vrv_check_problem(check, text, NULL, why);
	if (vrv_check_is_refusal(why))
		fault = VRV_PACK_UNREAD;
	pthread_mutex_lock(&check->lock);
	/* Without memory for it only the trace is less complete, and the
	 * finding itself has been reported. */
	uint8_t *worst = vrv_map_put(check->suspects, pack, NULL);
	if (worst != NULL && *worst < fault)
		*worst = fault;
	pthread_mutex_unlock(&check->lock);
}

void
vrv_check_item_problem(struct vrv_check *check, struct vrv_listed *item,
    const struct varve_err *why)
{
	char text[VRV_NAME_SIZE];

	item->bad = true;
	if (item->name.type == VRV_PACK) {
		vrv_check_pack_problem(check, item->name.id, VRV_PACK_DAMAGED,
		    why);
		return;
	}
	vrv_name_print(&item->name, text);
	vrv_check_problem(check, text, NULL, why);
	if (item->name.type != VRV_INDEX || !vrv_check_is_refusal(why))
		return;
	pthread_mutex_lock(&check->lock);
	check->index_unread = true;
	pthread_mutex_unlock(&check->lock);
}

void
vrv_check_progress(struct vrv_check *check, const char *path)
{
	check->progress.files = check->result.entries;
	check->progress.original = check->progress.current;
	event(check,
	    &(struct varve_event){
		.type = VARVE_EVENT_PROGRESS,
		.path = path,
		.progress = &check->progress,
	    });
}

void
vrv_check_add(struct vrv_check *check, const char *path, uint64_t objects,
    uint64_t bytes)
{
	pthread_mutex_lock(&check->lock);
	check->result.objects += objects;
	check->progress.current += bytes;
	if (check->progress.current > check->progress.total)
		check->progress.total = check->progress.current;
	if (vrv_tick_due(&check->next_progress))
		vrv_check_progress(check, path);
	pthread_mutex_unlock(&check->lock);
}
