/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/repeats.h"

#include <inttypes.h>
#include <string.h>

#include "util/mem.h"

struct vrv_repeat {
	struct vrv_repeat *next;
	const char *kind, *path; /* path of the first */
	int sys;
	uint64_t dev, more;
};

void
vrv_repeats_fini(struct vrv_repeats *r)
{
	vrv_arena_fini(&r->arena);
	*r = (struct vrv_repeats){0};
}

static void
add(struct vrv_repeats *r, const struct vrv_repeat *repeat)
{
	struct vrv_repeat *new = vrv_arena_alloc(&r->arena, sizeof(*new));

	if (new == NULL)
		return;
	*new = *repeat;
	new->kind = vrv_arena_dup(&r->arena, new->kind, strlen(new->kind));
	new->path = vrv_arena_dup(&r->arena, new->path, strlen(new->path));
	if (new->kind == NULL || new->path == NULL)
		return;
	*(r->n == 0 ? &r->kinds : r->end) = new;
	r->end = &new->next;
	r->n++;
}

enum varve_event_type
vrv_repeats_count(struct vrv_repeats *r, const char *kind, int sys,
    uint64_t dev, const char *path)
{
	for (struct vrv_repeat *at = r->kinds; at != NULL; at = at->next) {
		if (at->sys == sys && at->dev == dev &&
		    strcmp(at->kind, kind) == 0) {
			at->more++;
			return VARVE_EVENT_INFO;
		}
	}
	if (r->n < VRV_REPEATS_MAX)
		add(r,
		    &(struct vrv_repeat){
			.kind = kind,
			.path = path == NULL ? "?" : path,
			.sys = sys,
			.dev = dev,
		    });
	return VARVE_EVENT_WARNING;
}

static void
tell_more(const struct vrv_repeat *repeat, varve_event_fn *fn, void *arg)
{
	struct varve_err text = {0};

	if (repeat->sys != 0)
		(void)vrv_fail_sys(&text, repeat->sys, "%s", repeat->kind);
	else
		(void)vrv_fail(&text, VARVE_IO, "%s", repeat->kind);
	(void)vrv_ctx(&text, "%" PRIu64 " more warning%s like '%s'",
	    repeat->more, repeat->more == 1 ? "" : "s", repeat->path);
	fn(arg,
	    &(struct varve_event){
		.type = VARVE_EVENT_WARNING,
		.message = text.message,
		.sys = repeat->sys,
	    });
}

void
vrv_repeats_end(struct vrv_repeats *r, varve_event_fn *fn, void *arg)
{
	for (const struct vrv_repeat *at = r->kinds; at != NULL; at = at->next)
		if (at->more > 0)
			tell_more(at, fn, arg);
	vrv_repeats_fini(r);
}
