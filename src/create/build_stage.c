/* SPDX-License-Identifier: BSD-2-Clause */
#include "create/build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util/clock.h"
#include "util/mem.h"

#define PROGRESS_NS ((uint64_t)200000000)

/* --- telling --- */

static void
push_path(struct vrv_build *b, const char *name, size_t n)
{
	if (b->path.len > 0)
		vrv_buf_u8(&b->path, '/');
	vrv_buf_bytes(&b->path, name, n);
}

/* The path of `item` as a string, until the next call. */
static const char *
path_of(struct vrv_build *b, const struct vrv_item *item)
{
	size_t keep = b->path.len;

	push_path(b, item->name, item->name_n);
	vrv_buf_u8(&b->path, 0);
	b->path.len = keep;
	if (b->path.failed)
		return "?";
	return keep == 0 && item->name_n == 0 ? "." :
						(const char *)b->path.data;
}

static void
tell_file(struct vrv_build *b, const struct vrv_item *item, char status)
{
	const struct varve_backup_options *o = b->p->options;

	if (o->event != NULL && o->want_files)
		o->event(o->event_arg, &(struct varve_event){
			.type = VARVE_EVENT_FILE,
			.status = status,
			.path = path_of(b, item)});
}

static int
leave_out_store(struct vrv_build *b, const struct vrv_item *item,
    struct varve_err *err)
{
	const struct varve_backup_options *o = b->p->options;
	const char *path = path_of(b, item);

	if (o->event != NULL)
		o->event(o->event_arg, &(struct varve_event){
			.type = VARVE_EVENT_NOTE,
			.path = path,
			.message = item->reason});
	return vrv_records_skip(&b->records, VRV_SKIP_REPOSITORY, path, err);
}

/* Something was left out, or is not as it was: told, counted and recorded. */
static int
warn(struct vrv_build *b, const struct vrv_item *item, enum vrv_skip reason,
    const char *message, int sys, struct varve_err *err)
{
	const struct varve_backup_options *o = b->p->options;
	const char *path = path_of(b, item);

	b->p->warnings++;
	if (o->event != NULL)
		o->event(o->event_arg, &(struct varve_event){
			.type = VARVE_EVENT_WARNING,
			.path = path,
			.message = message,
			.sys = sys});
	return vrv_records_skip(&b->records, reason, path, err);
}

static int
source_failed(struct vrv_build *b, const struct vrv_item *item,
    const struct vrv_source_err *error, struct varve_err *err)
{
	char message[256], word[128];

	tell_file(b, item, 'E');
	snprintf(message, sizeof(message), "%s: %s", error->while_,
	    strerror_r(error->sys, word, sizeof(word)));
	return warn(b, item,
	    error->sys == ENOENT ? VRV_SKIP_VANISHED : VRV_SKIP_UNREADABLE,
	    message, error->sys, err);
}

static void
tell_progress(struct vrv_build *b, bool finished)
{
	struct vrv_pipeline *p = b->p;
	const struct varve_backup_options *o = p->options;
	struct vrv_writer_totals totals = {0};
	uint64_t now = vrv_ticks();

	if (o->event == NULL || (!finished && now - b->told < PROGRESS_NS))
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
	o->event(o->event_arg, &(struct varve_event){
		.type = VARVE_EVENT_PROGRESS,
		.path = (const char *)b->last_path.data,
		.progress = &progress});
}

/* --- content of files --- */

/* Wait until the segment is complete; progress goes on meanwhile. */
static int
wait_for(struct vrv_build *b, struct vrv_segment *s, struct varve_err *err)
{
	struct vrv_pipeline *p = b->p;

	if (atomic_load(&s->pending) == 0)
		return 0;
	pthread_mutex_lock(&p->done_lock);
	while (atomic_load(&s->pending) != 0 &&
	    !vrv_group_cancelled(p->group)) {
		struct timespec until;

		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += (long)PROGRESS_NS;
		if (until.tv_nsec >= 1000000000) {
			until.tv_nsec -= 1000000000;
			until.tv_sec++;
		}
		pthread_cond_timedwait(&p->done, &p->done_lock, &until);
		pthread_mutex_unlock(&p->done_lock);
		tell_progress(b, false);
		pthread_mutex_lock(&p->done_lock);
	}
	pthread_mutex_unlock(&p->done_lock);
	return atomic_load(&s->pending) == 0 ?
	    0 :
	    vrv_fail(err, VARVE_CANCELLED, "cancelled");
}

/* Take the job's extents as they become complete; the content of the entry
 * replaces b->content. */
static int
take_content(struct vrv_build *b, struct vrv_job *job, struct varve_err *err)
{
	int rc = 0;

	vrv_buf_clear(&b->content);
	while (rc == 0 && job->first != NULL) {
		struct vrv_segment *s = job->first;

		rc = wait_for(b, s, err);
		for (uint32_t i = 0; rc == 0 && i < s->n; i++)
			rc = vrv_list_builder_add(b->list, &s->extents[i], err);
		if (rc == 0) {
			job->first = s->next;
			free(s);
		}
	}
	if (rc == 0)
		rc = vrv_list_builder_finish(b->list, &b->content, err);
	return rc == 0 ? vrv_buf_check(&b->content, err) : rc;
}

/* --- entries --- */

static int
add_entry(struct vrv_build *b, const struct vrv_entry *entry,
    struct varve_err *err)
{
	struct vrv_level *level = &b->levels[b->depth - 1];

	vrv_buf_clear(&b->entry);
	vrv_entry_put(&b->entry, entry);
	int rc = vrv_buf_check(&b->entry, err);
	if (rc == 0)
		rc = vrv_records_owner(&b->records, entry->uid, entry->gid,
		    err);
	if (rc == 0)
		rc = vrv_tree_builder_add(level->builder, entry->name,
		    entry->name_n, b->entry.data, b->entry.len, err);
	return rc;
}

/* An entry carried over as it stands: the bytes of the parent. */
static int
add_inherited(struct vrv_build *b, const struct vrv_item *item,
    struct varve_err *err)
{
	struct vrv_level *level = &b->levels[b->depth - 1];

	int rc = vrv_records_owner(&b->records, item->st.uid, item->st.gid,
	    err);
	if (rc == 0)
		rc = vrv_tree_builder_add(level->builder,
		    (const uint8_t *)item->name, item->name_n, item->raw.p,
		    item->raw.n, err);
	return rc;
}

static void
count_file(struct vrv_build *b, uint64_t size)
{
	b->p->files++;
	b->p->bytes += size;
}

/* Keep the content for the other links to this inode. */
static int
remember_link(struct vrv_build *b, const struct vrv_stat *st, uint64_t size,
    bool failed, struct varve_err *err)
{
	const uint64_t key[2] = {st->dev, st->inode};

	if (st->kind != VRV_FILE || st->nlink < 2)
		return 0;
	struct vrv_link *link = vrv_map_put(b->links, key, NULL);
	if (link == NULL)
		return VRV_NOMEM(err, "hard links");
	free(link->content);
	*link = (struct vrv_link){.left = st->nlink - 1,
	    .size = size,
	    .failed = failed};
	if (failed)
		return 0;
	link->n = b->content.len;
	link->content = vrv_dup(b->content.data, b->content.len);
	return link->content == NULL ? VRV_NOMEM(err, "hard links") : 0;
}

static int
put_file(struct vrv_build *b, const struct vrv_item *item,
    const struct vrv_stat *st, const struct vrv_source_meta *meta,
    uint64_t size, const uint8_t *content, size_t content_n, bool changed,
    struct varve_err *err)
{
	struct vrv_entry entry;

	int rc = vrv_entry_begin(b, item, st, meta, &entry, err);
	if (rc != 0)
		return rc;
	entry.kind = VRV_FILE;
	entry.size = size;
	entry.content = content;
	entry.content_n = content_n;
	if (changed)
		entry.flags |= VRV_ENTRY_CHANGED;
	count_file(b, size);
	return add_entry(b, &entry, err);
}

static int
build_job(struct vrv_build *b, struct vrv_item *item, struct varve_err *err)
{
	struct vrv_job *job = item->job;

	int rc = take_content(b, job, err);
	/* By what the walk saw: it is the walk that tells links apart. */
	if (rc == 0)
		rc = remember_link(b, &item->st, job->size,
		    job->failed || job->nodump ||
			job->st.inode != item->st.inode,
		    err);
	if (rc != 0)
		return rc;
	if (job->failed)
		return source_failed(b, item, &job->error, err);
	if (job->nodump) {
		tell_file(b, item, 'x');
		return 0;
	}
	if (job->meta.lost > 0)
		rc = warn(b, item, VRV_SKIP_OTHER,
		    "some extended attributes could not be read", 0, err);
	if (rc == 0 && job->changed)
		rc = warn(b, item, VRV_SKIP_CHANGED,
		    "changed while it was read", 0, err);
	if (rc == 0)
		rc = put_file(b, item, &job->st, &job->meta, job->size,
		    b->content.data, b->content.len, job->changed, err);
	tell_file(b, item,
	    job->changed	? 'C' :
		job->fd >= 0	? 'i' :
		item->known	? 'M' :
				  'A');
	return rc;
}

/* A further link to a file that this run has read. */
static int
build_link(struct vrv_build *b, const struct vrv_item *item,
    struct varve_err *err)
{
	static const struct vrv_source_err gone = {EIO,
	    "read under another name"};
	const uint64_t key[2] = {item->st.dev, item->st.inode};

	struct vrv_link *link = vrv_map_get(b->links, key);
	if (link == NULL || link->failed)
		return source_failed(b, item, &gone, err);
	int rc = put_file(b, item, &item->st, &item->meta, link->size,
	    link->content, link->n, false, err);
	tell_file(b, item, 'h');
	if (--link->left == 0) {
		free(link->content);
		vrv_map_remove(b->links, key);
	}
	return rc;
}

static char
status_of(enum vrv_kind kind)
{
	static const char letters[] = {[VRV_SYMLINK] = 's', [VRV_FIFO] = 'f',
	    [VRV_SOCKET] = 'f', [VRV_CHAR] = 'c', [VRV_BLOCK] = 'b'};

	return kind < sizeof(letters) && letters[kind] != 0 ? letters[kind] :
							      '?';
}

static int
build_special(struct vrv_build *b, const struct vrv_item *item,
    struct varve_err *err)
{
	struct vrv_entry entry;

	int rc = vrv_entry_begin(b, item, &item->st, &item->meta, &entry, err);
	if (rc != 0)
		return rc;
	if (item->st.kind == VRV_SYMLINK) {
		entry.target = (const uint8_t *)item->target;
		entry.target_n = strlen(item->target);
	}
	entry.major = item->st.rdev_major;
	entry.minor = item->st.rdev_minor;
	tell_file(b, item, status_of(item->st.kind));
	return add_entry(b, &entry, err);
}

/* What this mode did not compare may be that of a file with other content: a
 * later run of a stricter mode must not take it for what was seen. */
static void
forget_unseen(enum varve_files_cache mode, struct vrv_stat *st)
{
	if (mode == VARVE_CACHE_MTIME_SIZE_INODE ||
	    mode == VARVE_CACHE_MTIME_SIZE)
		st->ctime = (struct vrv_time){0, 0};
	if ((mode == VARVE_CACHE_CTIME_SIZE ||
		mode == VARVE_CACHE_MTIME_SIZE) &&
	    st->nlink < 2)
		st->inode = 0;
}

static int
build_entry(struct vrv_build *b, struct vrv_item *item, struct varve_err *err)
{
	bool is_file = item->st.kind == VRV_FILE;

	if (item->job != NULL)
		return build_job(b, item, err);
	if (item->linked)
		return build_link(b, item, err);
	if (item->meta.lost > 0) {
		int rc = warn(b, item, VRV_SKIP_OTHER,
		    "some extended attributes could not be read", 0, err);
		if (rc != 0)
			return rc;
	}
	if (item->inherited) {
		tell_file(b, item, is_file ? 'U' : status_of(item->st.kind));
		if (is_file)
			count_file(b, item->st.size);
		return add_inherited(b, item, err);
	}
	if (!is_file)
		return build_special(b, item, err);
	tell_file(b, item, 'U');
	struct vrv_stat st = item->st;
	forget_unseen(b->p->options->files_cache, &st);
	return put_file(b, item, &st, &item->meta, st.size,
	    item->inherit_content.p, item->inherit_content.n, false, err);
}

/* --- directories --- */

static int
enter(struct vrv_build *b, const struct vrv_item *item, struct varve_err *err)
{
	struct vrv_level *level;

	if ((item->flags & VRV_ENTRY_WAY) == 0)
		tell_file(b, item, 'd');
	if (vrv_room_for_one(&b->levels, b->depth, &b->levels_cap,
		sizeof(*b->levels)) != 0)
		return VRV_NOMEM(err, "the directories");
	level = &b->levels[b->depth];
	if (b->depth >= b->levels_made) {
		*level = (struct vrv_level){0};
		b->levels_made = b->depth + 1;
		int rc = vrv_tree_builder_new(&b->sink, &level->builder, err);
		if (rc != 0)
			return rc;
	}
	/* What the entry needs must outlive the group of items. */
	vrv_buf_clear(&level->raw);
	vrv_buf_clear(&level->name);
	vrv_buf_bytes(&level->name, item->name, item->name_n);
	level->path_n = b->path.len;
	level->flags = item->flags;
	level->inherited = item->inherited;
	level->st = item->st;
	int rc = 0;
	if (item->inherited)
		vrv_buf_bytes(&level->raw, item->raw.p, item->raw.n);
	else
		rc = vrv_entry_xattrs(b, &item->meta, &level->raw, err);
	level->iflags = item->meta.iflags;
	if (rc == 0 && item->meta.lost > 0)
		rc = warn(b, item, VRV_SKIP_OTHER,
		    "some extended attributes could not be read", 0, err);
	push_path(b, item->name, item->name_n);
	b->depth++;
	return rc == 0 ? vrv_buf_check(&level->raw, err) : rc;
}

/* The entry of the directory just built. */
static int
directory_entry(struct vrv_build *b, const struct vrv_level *level,
    const struct vrv_ref *ref, struct vrv_entry *ret, struct varve_err *err)
{
	const struct vrv_item item = {.name = (const char *)level->name.data,
	    .name_n = level->name.len,
	    .flags = level->flags};
	const struct vrv_source_meta meta = {.iflags = level->iflags};
	int rc;

	if (level->inherited) {
		struct vrv_rd rd = vrv_rd_over(level->raw.data, level->raw.len);

		rc = vrv_entry_get(&rd, ret, err);
	} else {
		rc = vrv_entry_begin(b, &item, &level->st, &meta, ret, err);
		if (level->raw.len > 0) {
			ret->flags |= VRV_ENTRY_XATTRS;
			ret->xattrs = level->raw.data;
			ret->xattrs_n = level->raw.len;
		}
	}
	ret->dir = *ref;
	return rc;
}

static int
leave_top(struct vrv_build *b, const struct vrv_level *level,
    const struct vrv_ref *ref, struct varve_err *err)
{
	struct vrv_entry entry;

	b->p->root = *ref;
	if ((level->flags & VRV_ENTRY_WAY) != 0)
		return 0;
	int rc = directory_entry(b, level, ref, &entry, err);
	if (rc != 0)
		return rc;
	entry.name = (const uint8_t *)".";
	entry.name_n = 1;
	vrv_entry_put(&b->p->root_entry, &entry);
	return vrv_buf_check(&b->p->root_entry, err);
}

static int
leave(struct vrv_build *b, const struct vrv_item *item, struct varve_err *err)
{
	const struct vrv_level *level = &b->levels[b->depth - 1];
	struct vrv_entry entry;
	struct vrv_ref ref;

	int rc = vrv_tree_builder_finish(level->builder, &ref, err);
	if (rc != 0)
		return rc;
	vrv_parent_forget(b->p->parent, item->forget, item->forget_n);
	b->path.len = level->path_n;
	b->depth--;
	if (b->depth == 0)
		return leave_top(b, level, &ref, err);
	rc = directory_entry(b, level, &ref, &entry, err);
	return rc == 0 ? add_entry(b, &entry, err) : rc;
}

static int
build_item(struct vrv_build *b, struct vrv_item *item, struct varve_err *err)
{
	switch (item->type) {
	case VRV_ITEM_ENTER:
		return enter(b, item, err);
	case VRV_ITEM_LEAVE:
		return leave(b, item, err);
	case VRV_ITEM_ENTRY:
		return build_entry(b, item, err);
	case VRV_ITEM_EXCLUDED:
		tell_file(b, item, 'x');
		return 0;
	case VRV_ITEM_PROBLEM:
		if (item->is_store)
			return leave_out_store(b, item, err);
		if (item->reason == NULL)
			return source_failed(b, item, &item->error, err);
		return warn(b, item, VRV_SKIP_OTHER, item->reason, 0, err);
	}
	return vrv_fail(err, VARVE_INTERNAL, "item of type %d", item->type);
}

/* In a dry run nothing is built, but everything told. */
static int
tell_item(struct vrv_build *b, struct vrv_item *item, struct varve_err *err)
{
	switch (item->type) {
	case VRV_ITEM_ENTER:
		if ((item->flags & VRV_ENTRY_WAY) == 0)
			tell_file(b, item, '-');
		if (vrv_room_for_one(&b->levels, b->depth, &b->levels_cap,
			sizeof(*b->levels)) != 0)
			return VRV_NOMEM(err, "the directories");
		b->levels[b->depth++].path_n = b->path.len;
		push_path(b, item->name, item->name_n);
		return 0;
	case VRV_ITEM_LEAVE:
		b->path.len = b->levels[--b->depth].path_n;
		return 0;
	case VRV_ITEM_ENTRY:
		tell_file(b, item, '-');
		if (item->st.kind == VRV_FILE)
			count_file(b, item->st.size);
		return 0;
	default:
		return build_item(b, item, err);
	}
}

static void
note_last_path(struct vrv_build *b, const struct vrv_item *item)
{
	const char *path = path_of(b, item);

	vrv_buf_clear(&b->last_path);
	vrv_buf_bytes(&b->last_path, path, strlen(path) + 1);
}

static int
build_items(struct vrv_build *b, struct vrv_items *items,
    struct varve_err *err)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < items->n; i++) {
		struct vrv_item *item = &items->items[i];

		if (item->type != VRV_ITEM_LEAVE &&
		    vrv_ticks() - b->told >= PROGRESS_NS)
			note_last_path(b, item);
		rc = b->p->options->dry_run ? tell_item(b, item, err) :
					      build_item(b, item, err);
		tell_progress(b, false);
	}
	return rc;
}

int
vrv_stage_build(void *arg, struct varve_err *err)
{
	struct vrv_pipeline *p = arg;
	struct vrv_build b;
	void *item;

	int rc = vrv_build_init(&b, p, err);
	while (rc == 0 && (rc = vrv_queue_pop(p->items, &item)) == 0) {
		/* Readers may work on its jobs: freed after they are joined,
		 * or once every job in it is done. */
		p->building = item;
		rc = build_items(&b, item, err);
		if (rc == 0) {
			vrv_items_free(item);
			p->building = NULL;
		}
	}
	if (rc == VARVE_NOENT) {
		tell_progress(&b, true);
		rc = p->options->dry_run ? 0 : vrv_build_finish(&b, err);
	} else if (rc == VARVE_CANCELLED) {
		vrv_fail(err, VARVE_CANCELLED, "cancelled");
	}
	vrv_build_fini(&b);
	return rc;
}
