/* SPDX-License-Identifier: BSD-2-Clause */
#include "create/pipeline.h"

#include "util/clock.h"

/*
 * Stopping a run that is under way, so that the next one finds what this one
 * read. The caller's `stop` is asked all the while. Once it says so:
 *
 *	at once		no stage begins anything; readers give away the piece
 *			that they hold, lanes are flushed, and the writer's
 *			thread stores the last pack, its index object and a
 *			checkpoint
 *	GRACE_NS later	a reader that hangs in the source is not waited for:
 *			the queues are closed behind it
 *	CUT_NS later	nor is any other thread, in a callback of the caller
 *			perhaps: the writer stores what it has
 *
 * What remains is as slow as the store is.
 */
#define MS ((uint64_t)1000000)
#define GRACE_NS (300 * MS)
#define CUT_NS (2500 * MS)

bool
vrv_pipeline_over(const struct vrv_pipeline *p)
{
	return atomic_load(&p->stopping) || vrv_group_cancelled(p->group);
}

int
vrv_stage_end(const struct vrv_pipeline *p, int rc, struct varve_err *err)
{
	if (rc == VARVE_NOENT ||
	    (rc == VARVE_CANCELLED && atomic_load(&p->stopping)))
		return 0;
	return rc == VARVE_CANCELLED ?
	    vrv_fail(err, VARVE_CANCELLED, "cancelled") :
	    rc;
}

static bool
await_stop(struct vrv_pipeline *p)
{
	const struct varve_backup_options *o = p->options;

	while (!p->built && !vrv_group_cancelled(p->group)) {
		if (o->stop(o->stop_arg))
			return true;
		pthread_mutex_lock(&p->done_lock);
		if (!p->built)
			vrv_pipeline_pause(p);
		pthread_mutex_unlock(&p->done_lock);
	}
	return false;
}

static void
close_queues(struct vrv_pipeline *p)
{
	vrv_queue_close(p->items);
	vrv_queue_close(p->batches);
	vrv_queue_close(p->pieces);
	vrv_queue_close(p->spare);
}

int
vrv_stage_stop(void *arg, struct varve_err *err)
{
	struct vrv_pipeline *p = arg;
	const struct varve_backup_options *o = p->options;

	(void)err;
	if (!await_stop(p))
		return 0;
	uint64_t since = vrv_ticks();
	vrv_writer_stop(p->writer);
	atomic_store(&p->stopping, true);
	vrv_pipeline_wake(p);
	while (
	    !vrv_writer_is_done(p->writer) && !vrv_group_cancelled(p->group)) {
		uint64_t passed = vrv_ticks() - since;

		if (passed >= GRACE_NS)
			close_queues(p);
		if (passed >= CUT_NS)
			vrv_writer_cut(p->writer);
		pthread_mutex_lock(&p->done_lock);
		vrv_pipeline_pause(p);
		pthread_mutex_unlock(&p->done_lock);
	}
	if (vrv_writer_is_done(p->writer) && o->saved != NULL)
		o->saved(o->stop_arg);
	return 0;
}
