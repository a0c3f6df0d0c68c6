/* SPDX-License-Identifier: BSD-2-Clause */
#include "create/walk.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

void
vrv_items_free(struct vrv_items *items)
{
	if (items == NULL)
		return;
	for (uint32_t i = 0; i < items->n; i++)
		vrv_job_free(items->items[i].job);
	vrv_arena_fini(&items->arena);
	free(items);
}

static int
cancelled(struct varve_err *err)
{
	return vrv_fail(err, VARVE_CANCELLED, "cancelled");
}

int
vrv_walker_send_items(struct vrv_walker *w, struct varve_err *err)
{
	struct vrv_items *items = w->p->filling;

	if (items == NULL)
		return 0;
	if (vrv_queue_push(w->p->items, items, 0) != 0)
		return cancelled(err);
	w->p->filling = NULL;
	return 0;
}

int
vrv_walker_send_batch(struct vrv_walker *w, struct varve_err *err)
{
	struct vrv_batch *batch = w->p->batch;

	if (batch == NULL)
		return 0;
	if (vrv_queue_push(w->p->batches, batch, 0) != 0)
		return cancelled(err);
	w->p->batch = NULL;
	return 0;
}

int
vrv_walker_item(struct vrv_walker *w, enum vrv_item_type type, const char *name,
    struct vrv_item **ret, struct varve_err *err)
{
	struct vrv_pipeline *p = w->p;
	int rc = 0;

	if (p->filling != NULL && p->filling->n == VRV_GROUP_ITEMS) {
		rc = vrv_walker_send_batch(w, err);
		if (rc == 0)
			rc = vrv_walker_send_items(w, err);
		if (rc != 0)
			return rc;
	}
	if (p->filling == NULL) {
		p->filling = malloc(sizeof(*p->filling));
		if (p->filling == NULL)
			return VRV_NOMEM(err, "the walk");
		p->filling->arena = (struct vrv_arena){0};
		p->filling->n = 0;
	}
	struct vrv_item *item = &p->filling->items[p->filling->n];
	*item = (struct vrv_item){.type = type, .name_n = strlen(name)};
	item->name = vrv_arena_dup(&p->filling->arena, name, item->name_n);
	if (item->name == NULL)
		return VRV_NOMEM(err, "the walk");
	item->disk = w->disk;
	p->filling->n++;
	*ret = item;
	return 0;
}

int
vrv_walker_copy(struct vrv_walker *w, struct vrv_text from, struct vrv_text *to,
    struct varve_err *err)
{
	to->p = vrv_arena_dup(&w->p->filling->arena, from.p, from.n);
	to->n = from.n;
	return to->p == NULL ? VRV_NOMEM(err, "the walk") : 0;
}

int
vrv_walker_problem(struct vrv_walker *w, const char *name,
    const struct vrv_source_err *error, const char *reason,
    struct varve_err *err)
{
	struct vrv_item *item;

	int rc = vrv_walker_item(w, VRV_ITEM_PROBLEM, name, &item, err);
	if (rc != 0)
		return rc;
	if (error != NULL)
		item->error = *error;
	item->reason = reason;
	return 0;
}

/* Backing up the repository into itself would never end. */
int
vrv_walker_skip_store(struct vrv_walker *w, const char *name, bool below,
    struct varve_err *err)
{
	int rc = vrv_walker_problem(w, name, NULL,
	    below ? "skipped: it lies in the repository" :
		    "the repository itself is skipped",
	    err);

	if (rc == 0)
		w->p->filling->items[w->p->filling->n - 1].is_store = true;
	return rc;
}

/* A file with several names: this job is one of them. The names of a FIFO share
 * no content, but two readers at once would share out what is written to it;
 * links to it are names too, so that their number is not known. */
static int
join_inode(struct vrv_walker *w, struct vrv_job *job, struct varve_err *err)
{
	const uint64_t key[2] = {job->st.dev, job->st.inode};
	bool fifo = job->st.kind == VRV_FIFO, fresh;

	if (!fifo && (job->st.kind != VRV_FILE || job->st.nlink < 2))
		return 0;
	struct vrv_names *names = vrv_map_put(w->links, key, &fresh);
	if (names == NULL)
		return VRV_NOMEM(err, "hard links");
	if (fresh) {
		names->left = fifo ? UINT64_MAX : job->st.nlink;
		names->inode = calloc(1, sizeof(*names->inode));
		if (names->inode == NULL) {
			vrv_map_remove(w->links, key);
			return VRV_NOMEM(err, "hard links");
		}
		atomic_init(&names->inode->refs, 1);
	}
	job->inode = names->inode;
	job->turn = job->inode->names++;
	job->inode->refs++;
	if (--names->left == 0) {
		vrv_inode_unref(names->inode);
		vrv_map_remove(w->links, key);
	}
	return 0;
}

int
vrv_walker_read_later(struct vrv_walker *w, struct vrv_item *item,
    struct vrv_source_dir *dir, const char *name, int fd, struct varve_err *err)
{
	struct vrv_pipeline *p = w->p;
	uint64_t extents =
	    item->st.size / vrv_repo_config(p->repo)->chunk_min + 1;
	struct vrv_job *job = calloc(1, sizeof(*job));
	struct vrv_batch *batch;

	item->job = job;
	if (job == NULL)
		return VRV_NOMEM(err, "the walk");
	job->name = vrv_dup(name, strlen(name));
	job->first = vrv_segment_new(
	    extents < VRV_SEGMENT_MAX ? (uint32_t)extents : VRV_SEGMENT_MAX);
	if (job->name == NULL || job->first == NULL)
		return VRV_NOMEM(err, "the walk");
	job->st = item->st;
	job->fd = fd;
	job->is_stdin = dir == NULL;
	job->dir = dir == NULL ? NULL : vrv_source_dir_ref(dir);
	int rc = join_inode(w, job, err);
	if (rc != 0)
		return rc;
	if (p->batch == NULL) {
		p->batch = calloc(1, sizeof(*p->batch));
		if (p->batch == NULL)
			return VRV_NOMEM(err, "the walk");
	}
	batch = p->batch;
	if (batch->n == 0 || batch->jobs[batch->n - 1]->dir != dir)
		batch->dirs++;
	batch->jobs[batch->n++] = job;
	/* A further name is read only if the ones before it cannot be. */
	if (job->turn == 0)
		batch->bytes += item->st.size;
	/* No other file should wait for a device or FIFO to end. */
	if (batch->n == VRV_BATCH_JOBS || batch->bytes >= VRV_BATCH_BYTES ||
	    batch->dirs == p->batch_dirs || vrv_source_is_special(job->st.kind))
		return vrv_walker_send_batch(w, err);
	return 0;
}

static const char *
path_with(struct vrv_walker *w, const char *name)
{
	size_t keep = w->path.len;

	if (keep > 0 && name[0] != '\0')
		vrv_buf_u8(&w->path, '/');
	vrv_buf_bytes(&w->path, name, strlen(name));
	vrv_buf_u8(&w->path, 0);
	w->path.len = keep;
	if (w->path.failed)
		return NULL;
	const char *path = (const char *)w->path.data;
	return path[0] == '\0' ? "." : path;
}

int
vrv_walker_matches(struct vrv_walker *w, const char *name, bool is_dir,
    unsigned *ret, struct varve_err *err)
{
	const struct varve_backup_options *o = w->p->options;
	const char *path = path_with(w, name);

	if (path == NULL)
		return VRV_NOMEM(err, "a path");
	*ret = o->match == NULL ? VARVE_MATCH_INCLUDE | VARVE_MATCH_RECURSE :
				  o->match(o->match_arg, path, is_dir);
	return 0;
}

int
vrv_walker_excluded(struct vrv_walker *w, const char *name,
    struct varve_err *err)
{
	struct vrv_item *item;

	return vrv_walker_item(w, VRV_ITEM_EXCLUDED, name, &item, err);
}
