/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>

#include "extract/extract_internal.h"
#include "util/mem.h"

/* The caller holds `tell`. */
static void
event(void *arg, const struct varve_event *event)
{
	const struct vrv_restore *run = arg;

	vrv_repo_tell(run->repo, run->options->event, run->options->event_arg,
	    event);
}

static bool
hits_everything(const struct varve_err *err)
{
	return vrv_err_is_fatal(err) || err->exit == VARVE_EXIT_NO_SPACE ||
	    err->sys == EROFS;
}

int
vrv_restore_failed_path(struct vrv_restore *run, const char *path,
    struct varve_err *err)
{
	if (err->sys == EMFILE)
		(void)vrv_ctx(err,
		    "the limit of open files (ulimit -n) is "
		    "too low");
	if (hits_everything(err))
		return vrv_ctx(err, "%s", path == NULL ? "restore" : path);
	pthread_mutex_lock(&run->tell);
	run->result.skipped++;
	run->result.exit = vrv_exit_worse(run->result.exit, vrv_err_exit(err));
	event(run,
	    &(struct varve_event){
		.type = VARVE_EVENT_PROBLEM,
		.status = 'E',
		.path = path,
		.message = err->message,
		.sys = err->sys,
		.cause = err->cause,
	    });
	pthread_mutex_unlock(&run->tell);
	vrv_err_clear(err);
	return 0;
}

int
vrv_restore_failed(struct vrv_restore *run, const struct vrv_folder *folder,
    const char *name, struct varve_err *err)
{
	vrv_auto_free char *path = vrv_folder_path(folder, name);

	return vrv_restore_failed_path(run, path, err);
}

void
vrv_restore_warn(struct vrv_restore *run, const struct vrv_folder *folder,
    const char *name, const char *kind, const struct varve_err *why)
{
	vrv_auto_free char *path = vrv_folder_path(folder, name);

	pthread_mutex_lock(&run->tell);
	run->result.warnings++;
	event(run,
	    &(struct varve_event){
		.type = vrv_repeats_count(&run->repeats, kind, why->sys,
		    folder->dev, path),
		.path = path,
		.message = why->message,
		.sys = why->sys,
	    });
	pthread_mutex_unlock(&run->tell);
}

static char
letter(const struct vrv_restore *run, uint8_t kind, bool hard_link)
{
	if (run->options->dry_run)
		return '-';
	if (hard_link)
		return 'h';
	switch (kind) {
	case VRV_DIR:
		return 'd';
	case VRV_SYMLINK:
		return 's';
	case VRV_FIFO:
		return 'f';
	case VRV_CHAR:
		return 'c';
	case VRV_BLOCK:
		return 'b';
	default:
		return 'A';
	}
}

void
vrv_restore_list(struct vrv_restore *run, const char *path, uint8_t kind,
    bool hard_link)
{
	if (!run->options->want_files)
		return;
	pthread_mutex_lock(&run->tell);
	event(run,
	    &(struct varve_event){
		.type = VARVE_EVENT_FILE,
		.status = letter(run, kind, hard_link),
		.path = path,
	    });
	pthread_mutex_unlock(&run->tell);
}

/* The caller holds `tell`. */
static void
progress(struct vrv_restore *run, const char *path)
{
	struct varve_progress *p = &run->progress;

	p->files = run->result.items;
	p->original = p->current;
	if (p->total != 0 && (p->current > p->total || p->finished))
		p->current = p->total;
	event(run,
	    &(struct varve_event){
		.type = VARVE_EVENT_PROGRESS,
		.path = path,
		.progress = p,
	    });
}

/* The caller holds `tell`. Returns whether progress is due. */
static bool
count(struct vrv_restore *run, uint64_t items, uint64_t bytes)
{
	run->result.items += items;
	run->result.bytes += bytes;
	run->progress.current = run->result.bytes;
	return vrv_tick_due(&run->next_progress);
}

void
vrv_restore_add_path(struct vrv_restore *run, const char *path, uint64_t files,
    uint64_t bytes)
{
	pthread_mutex_lock(&run->tell);
	if (count(run, files, bytes))
		progress(run, path);
	pthread_mutex_unlock(&run->tell);
}

void
vrv_restore_add(struct vrv_restore *run, const struct vrv_folder *folder,
    const char *name, uint64_t files, uint64_t bytes)
{
	pthread_mutex_lock(&run->tell);
	if (count(run, files, bytes)) {
		vrv_auto_free char *path = vrv_folder_path(folder, name);
		progress(run, path);
	}
	pthread_mutex_unlock(&run->tell);
}

void
vrv_restore_finished(struct vrv_restore *run)
{
	pthread_mutex_lock(&run->tell);
	vrv_repeats_end(&run->repeats, event, run);
	run->progress.finished = true;
	progress(run, NULL);
	pthread_mutex_unlock(&run->tell);
}
