/* SPDX-License-Identifier: BSD-2-Clause */
#include "create/build.h"

#include <stdlib.h>
#include <string.h>

#include "util/clock.h"
#include "util/mem.h"

/* How long a FIFO may have no writer before the wait is reported. */
#define WAIT_NS ((uint64_t)2000000000)

/* --- content of files --- */

/* Wait until the segment is complete; progress goes on meanwhile. A wait for
 * the writer of a FIFO is reported once. */
static int
wait_for(struct vrv_build *b, const struct vrv_item *item,
    struct vrv_segment *s, struct varve_err *err)
{
	struct vrv_pipeline *p = b->p;
	uint64_t since = vrv_ticks();
	bool reported = false;

	if (atomic_load(&s->pending) == 0)
		return 0;
	pthread_mutex_lock(&p->done_lock);
	while (atomic_load(&s->pending) != 0 && !vrv_pipeline_over(p)) {
		vrv_pipeline_pause(p);
		pthread_mutex_unlock(&p->done_lock);
		if (!reported && atomic_load(&item->job->waits) &&
		    vrv_ticks() - since >= WAIT_NS) {
			vrv_build_note(b, item,
			    "waiting until a process writes to this FIFO");
			reported = true;
		}
		vrv_build_progress(b, item);
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
take_content(struct vrv_build *b, const struct vrv_item *item,
    struct varve_err *err)
{
	struct vrv_job *job = item->job;
	int rc = 0;

	vrv_buf_clear(&b->content);
	while (rc == 0 && job->first != NULL) {
		struct vrv_segment *s = job->first;

		rc = wait_for(b, item, s, err);
		for (uint32_t i = 0; rc == 0 && i < s->n; i++)
			rc = vrv_list_builder_add(b->list, &s->extents[i], err);
		if (rc == 0) {
			job->first = s->next;
			free(s);
		}
	}
	b->read_bytes += rc == 0 ? job->read : 0;
	if (rc == 0)
		rc = vrv_list_builder_finish(b->list, &b->content, err);
	return rc == 0 ? vrv_buf_check(&b->content, err) : rc;
}

/* --- entries --- */

/* An entry carried over as it stands: the bytes of the parent. */
static int
add_inherited(struct vrv_build *b, const struct vrv_item *item,
    struct varve_err *err)
{
	struct vrv_level *level = &b->levels[b->depth - 1];
	struct vrv_rd rd = vrv_rd_over(item->raw.p, item->raw.n);
	struct vrv_entry entry;

	int rc = vrv_entry_get(&rd, &entry, err);
	if (rc != 0)
		return rc;
	vrv_build_count(b, item);
	vrv_build_count_attrs(b, &entry);
	b->p->entries++;
	rc = vrv_records_owner(&b->records, item->st.uid, item->st.gid, err);
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

/* Keep the content for the other names of this inode. */
static int
keep_shared(const struct vrv_build *b, const struct vrv_job *job,
    struct varve_err *err)
{
	struct vrv_inode *inode = job->inode;

	inode->content = vrv_dup(b->content.data, b->content.len);
	inode->content_n = b->content.len;
	inode->size = job->size;
	inode->changed = job->changed;
	inode->cut = job->cut;
	return inode->content == NULL ? VRV_NOMEM(err, "hard links") : 0;
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
	vrv_build_count(b, item);
	count_file(b, size);
	return vrv_build_add(b, &entry, err);
}

/* Report content that may not be that of the file at one moment. */
static int
warn_changed(struct vrv_build *b, const struct vrv_item *item, bool changed,
    bool cut, struct varve_err *err)
{
	if (!changed && !cut)
		return 0;
	return vrv_build_warn(b, item, VRV_SKIP_CHANGED,
	    cut ? "ended before its size was read" :
		  "changed while it was read",
	    0, err);
}

/* A further name of a file that this run has read. */
static int
build_link(struct vrv_build *b, const struct vrv_item *item,
    struct varve_err *err)
{
	const struct vrv_job *job = item->job;
	const struct vrv_inode *inode = job->inode;
	bool changed = inode->changed || inode->cut;

	if (inode->content == NULL)
		return vrv_fail(err, VARVE_INTERNAL,
		    "'%s': the content of its other name is lost",
		    vrv_build_disk_path(b, item));
	int rc = warn_changed(b, item, inode->changed, inode->cut, err);
	if (rc == 0)
		rc = put_file(b, item, &job->st, &job->meta, inode->size,
		    inode->content, inode->content_n, changed, err);
	vrv_build_tell(b, item, changed ? 'C' : 'h');
	return rc;
}

static int
build_read(struct vrv_build *b, struct vrv_item *item, struct varve_err *err)
{
	struct vrv_job *job = item->job;
	bool changed = job->changed || job->cut;
	int rc = 0;

	if (job->shares)
		rc = keep_shared(b, job, err);
	if (rc == 0)
		rc = warn_changed(b, item, job->changed, job->cut, err);
	if (rc == 0)
		rc = put_file(b, item, &job->st, &job->meta, job->size,
		    b->content.data, b->content.len, changed, err);
	vrv_build_tell(b, item,
	    changed	     ? 'C' :
		job->fd >= 0 ? 'i' :
		item->known  ? 'M' :
			       'A');
	return rc;
}

static int
build_job(struct vrv_build *b, struct vrv_item *item, struct varve_err *err)
{
	struct vrv_job *job = item->job;

	int rc = take_content(b, item, err);
	if (rc != 0)
		return rc;
	/* What comes from a descriptor is there once: an archive that lacks it
	 * would look like a backup of it. */
	if (job->failed && job->is_stdin)
		return vrv_fail_sys(err, job->error.sys,
		    "no archive was created: cannot read the content of '%s'",
		    vrv_build_disk_path(b, item));
	if (job->failed)
		return vrv_build_failed(b, item, &job->error, err);
	if (job->nodump) {
		vrv_build_tell(b, item, 'x');
		return 0;
	}
	rc = vrv_build_lost(b, item, &job->meta, &job->st, err);
	if (rc != 0)
		return rc;
	return job->linked ? build_link(b, item, err) :
			     build_read(b, item, err);
}

static char
status_of(enum vrv_kind kind)
{
	static const char letters[] = {[VRV_SYMLINK] = 's',
	    [VRV_FIFO] = 'f',
	    [VRV_CHAR] = 'c',
	    [VRV_BLOCK] = 'b'};

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
	vrv_build_count(b, item);
	vrv_build_tell(b, item, status_of(item->st.kind));
	return vrv_build_add(b, &entry, err);
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
	int rc = vrv_build_lost(b, item, &item->meta, &item->st, err);
	if (rc != 0)
		return rc;
	if (item->inherited) {
		vrv_build_tell(b, item,
		    is_file ? 'U' : status_of(item->st.kind));
		if (is_file)
			count_file(b, item->st.size);
		return add_inherited(b, item, err);
	}
	if (!is_file)
		return build_special(b, item, err);
	vrv_build_tell(b, item, 'U');
	struct vrv_stat st = item->st;
	forget_unseen(b->p->options->files_cache, &st);
	return put_file(b, item, &st, &item->meta, st.size,
	    item->inherit_content.p, item->inherit_content.n, false, err);
}

static int
build_item(struct vrv_build *b, struct vrv_item *item, struct varve_err *err)
{
	switch (item->type) {
	case VRV_ITEM_ENTER:
		return vrv_build_enter(b, item, err);
	case VRV_ITEM_LEAVE:
		return vrv_build_leave(b, item, err);
	case VRV_ITEM_ENTRY:
		return build_entry(b, item, err);
	case VRV_ITEM_EXCLUDED:
		vrv_build_tell(b, item, 'x');
		return 0;
	case VRV_ITEM_PROBLEM:
		if (item->is_store)
			return vrv_build_skip_store(b, item, err);
		if (item->reason == NULL)
			return vrv_build_failed(b, item, &item->error, err);
		return vrv_build_warn(b, item, VRV_SKIP_OTHER, item->reason, 0,
		    err);
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
			vrv_build_tell(b, item, '-');
		vrv_build_count(b, item);
		if (vrv_room_for_one(&b->levels, b->depth, &b->levels_cap,
			sizeof(*b->levels)) != 0)
			return VRV_NOMEM(err, "the directories");
		b->levels[b->depth].path_n = b->path.len;
		vrv_build_push(b, item);
		return 0;
	case VRV_ITEM_LEAVE:
		b->path.len = b->levels[--b->depth].path_n;
		return 0;
	case VRV_ITEM_ENTRY:
		vrv_build_count(b, item);
		vrv_build_tell(b, item, '-');
		if (item->st.kind == VRV_FILE)
			count_file(b, item->st.size);
		return 0;
	default:
		return build_item(b, item, err);
	}
}

static int
build_items(struct vrv_build *b, struct vrv_items *items, struct varve_err *err)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < items->n; i++) {
		struct vrv_item *item = &items->items[i];

		if (vrv_pipeline_over(b->p))
			return vrv_fail(err, VARVE_CANCELLED, "cancelled");
		if (item->type != VRV_ITEM_LEAVE)
			vrv_build_progress(b, item);
		rc = b->p->options->dry_run ? tell_item(b, item, err) :
					      build_item(b, item, err);
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
	if (atomic_load(&p->stopping) &&
	    (rc == VARVE_NOENT || rc == VARVE_CANCELLED)) {
		rc = vrv_lane_done(p->meta_lane, err);
	} else if (rc == VARVE_NOENT) {
		vrv_build_finished(&b);
		rc = p->options->dry_run ? 0 : vrv_build_finish(&b, err);
	}
	vrv_build_fini(&b);
	atomic_store(&p->built, true);
	vrv_pipeline_wake(p);
	return vrv_stage_end(p, rc, err);
}
