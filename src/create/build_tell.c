/* SPDX-License-Identifier: BSD-2-Clause */
#include "create/build.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "util/clock.h"

static void
add_name(struct vrv_buf *path, const char *name, size_t n)
{
	if (path->len > 0 && path->data[path->len - 1] != '/')
		vrv_buf_u8(path, '/');
	vrv_buf_bytes(path, name, n);
}

void
vrv_build_push(struct vrv_build *b, const struct vrv_item *item)
{
	struct vrv_level *level = &b->levels[b->depth];
	const struct vrv_level *above =
	    b->depth == 0 ? NULL : &b->levels[b->depth - 1];

	add_name(&b->path, item->name, item->name_n);
	level->disk = item->disk != NULL ? item->disk :
	    above != NULL		 ? above->disk :
					   "";
	level->disk_n = item->disk != NULL ? b->path.len :
	    above != NULL		   ? above->disk_n :
					     0;
	b->depth++;
}

const char *
vrv_build_path(struct vrv_build *b, const struct vrv_item *item)
{
	size_t keep = b->path.len;

	add_name(&b->path, item->name, item->name_n);
	vrv_buf_u8(&b->path, 0);
	b->path.len = keep;
	if (b->path.failed)
		return "?";
	return keep == 0 && item->name_n == 0 ? "." :
						(const char *)b->path.data;
}

const char *
vrv_build_disk_path(struct vrv_build *b, const struct vrv_item *item)
{
	const struct vrv_level *level =
	    b->depth == 0 ? NULL : &b->levels[b->depth - 1];

	if (item->disk != NULL)
		return item->disk;
	if (level == NULL)
		return vrv_build_path(b, item);
	vrv_buf_clear(&b->disk);
	/* What is in "." needs no more than its name. */
	if (strcmp(level->disk, ".") != 0)
		vrv_buf_bytes(&b->disk, level->disk, strlen(level->disk));
	size_t from = level->disk_n;
	if (from < b->path.len && b->path.data[from] == '/')
		from++;
	if (from < b->path.len)
		add_name(&b->disk, (const char *)b->path.data + from,
		    b->path.len - from);
	add_name(&b->disk, item->name, item->name_n);
	vrv_buf_u8(&b->disk, 0);
	return b->disk.failed ? "?" : (const char *)b->disk.data;
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
			.path = vrv_build_disk_path(b, item)});
}

/* Say it with the path on disk, record it with the one in the archive. */
static int
skip(struct vrv_build *b, const struct vrv_item *item,
    enum varve_event_type type, enum vrv_skip reason, const char *message,
    int sys, struct varve_err *err)
{
	b->p->warnings += type == VARVE_EVENT_WARNING;
	tell(b,
	    &(struct varve_event){.type = type,
		.path = vrv_build_disk_path(b, item),
		.message = message,
		.sys = sys});
	return vrv_records_skip(&b->records, reason, vrv_build_path(b, item),
	    err);
}

void
vrv_build_note(struct vrv_build *b, const struct vrv_item *item,
    const char *message)
{
	tell(b,
	    &(struct varve_event){.type = VARVE_EVENT_NOTE,
		.path = vrv_build_disk_path(b, item),
		.message = message});
}

int
vrv_build_skip_store(struct vrv_build *b, const struct vrv_item *item,
    struct varve_err *err)
{
	return skip(b, item,
	    item->disk != NULL ? VARVE_EVENT_WARNING : VARVE_EVENT_NOTE,
	    VRV_SKIP_REPOSITORY, item->reason, 0, err);
}

int
vrv_build_warn(struct vrv_build *b, const struct vrv_item *item,
    enum vrv_skip reason, const char *message, int sys, struct varve_err *err)
{
	return skip(b, item, VARVE_EVENT_WARNING, reason, message, sys, err);
}

int
vrv_build_lost(struct vrv_build *b, const struct vrv_item *item,
    const struct vrv_source_meta *meta, struct vrv_stat *st,
    struct varve_err *err)
{
	char message[256], word[128];

	if (meta->lost == 0)
		return 0;
	const char *path = vrv_build_disk_path(b, item);
	const char *kind = meta->why.sys != 0 ?
	    meta->why.while_ :
	    "some extended attributes are not stored: unreadable, or beyond "
	    "1 MiB";
	snprintf(message, sizeof(message), "%s", kind);
	if (meta->why.sys != 0)
		snprintf(message, sizeof(message), "stored without: %s: %s",
		    kind, strerror_r(meta->why.sys, word, sizeof(word)));
	st->ctime = (struct vrv_time){0, 0};
	b->p->warnings++;
	tell(b,
	    &(struct varve_event){
		.type = vrv_repeats_count(&b->repeats, kind, meta->why.sys,
		    st->dev, path),
		.path = path,
		.message = message,
		.sys = meta->why.sys,
	    });
	return vrv_records_skip(&b->records, VRV_SKIP_OTHER,
	    vrv_build_path(b, item), err);
}

static void
tell_repeat(void *arg, const struct varve_event *event)
{
	tell(arg, event);
}

int
vrv_build_failed(struct vrv_build *b, const struct vrv_item *item,
    const struct vrv_source_err *error, struct varve_err *err)
{
	char message[256], word[128];
	bool missing = error->sys == ENOENT && item->disk != NULL &&
	    item->type == VRV_ITEM_PROBLEM;

	int rc = vrv_source_fatal(error, vrv_build_disk_path(b, item), err);
	if (rc != 0)
		return rc;
	vrv_build_tell(b, item, 'E');
	snprintf(message, sizeof(message), "%s%s%s",
	    missing ? "" : error->while_, missing ? "" : ": ",
	    strerror_r(error->sys, word, sizeof(word)));
	return vrv_build_warn(b, item,
	    missing		     ? VRV_SKIP_MISSING :
		error->sys == ENOENT ? VRV_SKIP_VANISHED :
				       VRV_SKIP_UNREADABLE,
	    message, error->sys, err);
}

static void
progress(struct vrv_build *b, const char *path, bool finished)
{
	struct vrv_pipeline *p = b->p;
	struct vrv_writer_totals totals = {0};
	/* What was read ahead of the builder counts, but only once. */
	uint64_t bytes = p->bytes + p->read_bytes - b->read_bytes;

	if (p->writer != NULL)
		vrv_writer_totals(p->writer, &totals);
	const struct varve_progress progress = {.files = p->files,
	    .original = bytes,
	    .compressed = totals.compressed,
	    .deduplicated = totals.plain,
	    .current = bytes,
	    .total = p->parent != NULL && p->parent->archive != NULL ?
		p->parent->archive->sealed.bytes :
		0,
	    .finished = finished};
	tell(b,
	    &(struct varve_event){.type = VARVE_EVENT_PROGRESS,
		.path = path,
		.progress = &progress});
}

void
vrv_build_progress(struct vrv_build *b, const struct vrv_item *item)
{
	if (b->p->options->event != NULL && vrv_tick_due(&b->next_progress))
		progress(b, vrv_build_disk_path(b, item), false);
}

void
vrv_build_finished(struct vrv_build *b)
{
	vrv_repeats_end(&b->repeats, tell_repeat, b);
	progress(b, NULL, true);
}
