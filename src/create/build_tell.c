/* SPDX-License-Identifier: BSD-2-Clause */
#include "create/build.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "util/clock.h"

void
vrv_build_push(struct vrv_build *b, const char *name, size_t n)
{
	if (b->path.len > 0)
		vrv_buf_u8(&b->path, '/');
	vrv_buf_bytes(&b->path, name, n);
}

const char *
vrv_build_path(struct vrv_build *b, const struct vrv_item *item)
{
	size_t keep = b->path.len;

	vrv_build_push(b, item->name, item->name_n);
	vrv_buf_u8(&b->path, 0);
	b->path.len = keep;
	if (b->path.failed)
		return "?";
	return keep == 0 && item->name_n == 0 ? "." :
						(const char *)b->path.data;
}

static void
tell(const struct vrv_build *b, const struct varve_event *event)
{
	const struct varve_backup_options *o = b->p->options;

	vrv_repo_tell(b->p->repo, o->event, o->event_arg, event);
}

void
vrv_build_tell(struct vrv_build *b, const struct vrv_item *item, char status)
{
	const struct varve_backup_options *o = b->p->options;

	if (o->want_files)
		tell(b,
		    &(struct varve_event){.type = VARVE_EVENT_FILE,
			.status = status,
			.path = vrv_build_path(b, item)});
}

void
vrv_build_note(struct vrv_build *b, const struct vrv_item *item,
    const char *message)
{
	tell(b,
	    &(struct varve_event){.type = VARVE_EVENT_NOTE,
		.path = vrv_build_path(b, item),
		.message = message});
}

int
vrv_build_skip_store(struct vrv_build *b, const struct vrv_item *item,
    struct varve_err *err)
{
	vrv_build_note(b, item, item->reason);
	return vrv_records_skip(&b->records, VRV_SKIP_REPOSITORY,
	    vrv_build_path(b, item), err);
}

int
vrv_build_warn(struct vrv_build *b, const struct vrv_item *item,
    enum vrv_skip reason, const char *message, int sys, struct varve_err *err)
{
	const char *path = vrv_build_path(b, item);

	b->p->warnings++;
	tell(b,
	    &(struct varve_event){.type = VARVE_EVENT_WARNING,
		.path = path,
		.message = message,
		.sys = sys});
	return vrv_records_skip(&b->records, reason, path, err);
}

int
vrv_build_failed(struct vrv_build *b, const struct vrv_item *item,
    const struct vrv_source_err *error, struct varve_err *err)
{
	char message[256], word[128];

	int rc = vrv_source_fatal(error, vrv_build_path(b, item), err);
	if (rc != 0)
		return rc;
	vrv_build_tell(b, item, 'E');
	snprintf(message, sizeof(message), "%s: %s", error->while_,
	    strerror_r(error->sys, word, sizeof(word)));
	return vrv_build_warn(b, item,
	    error->sys == ENOENT ? VRV_SKIP_VANISHED : VRV_SKIP_UNREADABLE,
	    message, error->sys, err);
}

void
vrv_build_progress(struct vrv_build *b, bool finished)
{
	struct vrv_pipeline *p = b->p;
	const struct varve_backup_options *o = p->options;
	struct vrv_writer_totals totals = {0};
	uint64_t now = vrv_ticks();

	if (o->event == NULL || (!finished && now - b->told < VRV_PROGRESS_NS))
		return;
	b->told = now;
	if (p->writer != NULL)
		vrv_writer_totals(p->writer, &totals);
	const struct varve_progress progress = {.files = p->files,
	    .original = p->bytes,
	    .compressed = totals.compressed,
	    .deduplicated = totals.plain,
	    .current = p->bytes,
	    .total = p->parent != NULL && p->parent->archive != NULL ?
		p->parent->archive->sealed.bytes :
		0,
	    .finished = finished};
	tell(b,
	    &(struct varve_event){.type = VARVE_EVENT_PROGRESS,
		.path = (const char *)b->last_path.data,
		.progress = &progress});
}
