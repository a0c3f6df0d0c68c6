/* SPDX-License-Identifier: BSD-2-Clause */
#include "check/check.h"

#include <stdlib.h>
#include <string.h>

#include "check/check_internal.h"
#include "util/clock.h"
#include "util/hex.h"
#include "util/mem.h"

#define THREADS_MAX 64

bool
vrv_check_is_limited(const struct vrv_check *check)
{
	const struct varve_check_options *o = check->options;

	return (o->max_duration | o->max_age | o->max_packs) != 0;
}

void
vrv_check_pack_done(struct vrv_check *check, const struct vrv_listed *item,
    enum vrv_ledger_level level)
{
	enum vrv_ledger_level last =
	    check->options->verify_data ? VRV_LEDGER_FRAMES : VRV_LEDGER_SUM;

	pthread_mutex_lock(&check->lock);
	const uint8_t *suspect = vrv_map_get(check->suspects, item->name.id);
	uint8_t fault = suspect == NULL ? 0 : *suspect;
	if (level == last) {
		check->result.packs++;
		check->packs_bytes += item->size;
		check->unsound += fault != 0;
	}
	pthread_mutex_unlock(&check->lock);
	if (fault == VRV_PACK_UNREAD)
		return;
	pthread_mutex_lock(&check->ledger_lock);
	if (fault != 0)
		vrv_ledger_forget(check->ledger, item->name.id);
	else
		vrv_ledger_sound(check->ledger, item->name.id, level,
		    vrv_time_now().s);
	pthread_mutex_unlock(&check->ledger_lock);
}

/* --- work on all threads --- */

struct pool {
	struct vrv_check *check;
	const struct vrv_check_work *work;
	struct vrv_group *group;
	atomic_size_t next;
	size_t n;
};

static int
run(void *arg, struct varve_err *err)
{
	struct pool *pool = arg;
	void *mine = NULL;
	int rc = 0;

	if (pool->work->make != NULL)
		rc = pool->work->make(pool->check, &mine, err);
	while (rc == 0 && !vrv_group_cancelled(pool->group)) {
		if (pool->work->may_begin != NULL &&
		    !pool->work->may_begin(pool->check))
			break;
		size_t i = atomic_fetch_add(&pool->next, 1);
		if (i >= pool->n)
			break;
		rc = pool->work->fn(pool->check, mine, i, err);
	}
	if (pool->work->drop != NULL)
		pool->work->drop(mine);
	return rc;
}

int
vrv_check_each(struct vrv_check *check, size_t n,
    const struct vrv_check_work *work, struct varve_err *err)
{
	struct pool pool = {.check = check, .work = work, .n = n};
	int rc = 0;

	pool.group = vrv_group_new();
	if (pool.group == NULL)
		return VRV_NOMEM(err, "threads");
	for (size_t i = 0; rc == 0 && i < vrv_min(n, check->threads); i++)
		rc = vrv_group_start(pool.group, "check", run, &pool, err);
	if (rc == 0)
		rc = vrv_group_join(pool.group, err);
	vrv_group_free(pool.group);
	return rc;
}

/* --- the whole --- */

static uint64_t
bytes_to_read(const struct vrv_check *check)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < check->n_items; i++) {
		const struct vrv_listed *item = &check->items[i];
		if (check->options->objects)
			sum += item->size;
		if (check->options->verify_data && item->name.type == VRV_PACK)
			sum += item->size;
	}
	return sum;
}

static int
check_data(struct vrv_check *check, struct varve_err *err)
{
	if (vrv_check_is_limited(check))
		return vrv_check_limited(check, err);
	return check->options->verify_data ? vrv_check_frames(check, err) : 0;
}

/* What needs the index: nothing of it can be said while that is damaged. */
static int
check_content(struct vrv_check *check,
    const struct vrv_archive *const *archives, size_t n, struct varve_err *err)
{
	/* An index that this handle loaded earlier may be older than the
	 * archives. */
	int rc = vrv_repo_index_reload(check->repo, false, err);

	if (rc == 0)
		rc = vrv_repo_index(check->repo, &check->index, err);
	if (rc != 0 && vrv_err_is_fatal(err))
		return rc;
	if (rc != 0) {
		vrv_check_problem(check, NULL, NULL, err);
		vrv_err_clear(err);
		return check_data(check, err);
	}
	check->archives = archives;
	check->n_archives = n;
	check->bad = calloc(n + 1, sizeof(*check->bad));
	if (check->bad == NULL)
		return VRV_NOMEM(err, "a check");
	rc = vrv_check_packs(check, err);
	if (rc == 0 && check->options->archives)
		rc = vrv_check_archives(check, archives, n, err);
	if (rc == 0)
		rc = check_data(check, err);
	if (rc == 0 && check->result.problems > 0)
		rc = vrv_check_trace(check, archives, n, err);
	return rc;
}

static int
check_archives(struct vrv_check *check, const struct vrv_archive *const *only,
    size_t n_only, struct varve_err *err)
{
	struct vrv_archives *all = NULL;

	if (only != NULL)
		return check_content(check, only, n_only, err);
	int rc = vrv_archives_load(check->repo, &all, err);
	if (rc != 0)
		return rc;
	/* Damaged ones were found by their signatures; both kinds have been
	 * told by vrv_archives_load(). */
	check->result.problems += all->missing;
	check->tombstones = all->tombstones;
	rc = check_content(check, (const struct vrv_archive *const *)all->items,
	    all->n, err);
	check->tombstones = NULL;
	vrv_archives_free(all);
	return rc;
}

static int
check_all(struct vrv_check *check, const struct vrv_archive *const *only,
    size_t n_only, struct varve_err *err)
{
	bool keyed = check->options->archives || check->options->verify_data;

	int rc = vrv_check_list(check, err);
	check->progress.total = bytes_to_read(check);
	if (rc == 0)
		vrv_check_recall(check);
	if (rc == 0 && check->options->objects)
		rc = vrv_check_objects(check, err);
	if (rc == 0 && check->options->archives)
		rc = vrv_check_signed(check, err);
	if (rc == 0 && keyed)
		rc = check_archives(check, only, n_only, err);
	else if (rc == 0 && vrv_check_is_limited(check))
		rc = vrv_check_limited(check, err);
	return rc;
}

/* --- the ledger --- */

static void
record_begin(struct vrv_check *check, const struct vrv_archive *only,
    const char *options, char *name, struct varve_run *run)
{
	struct vrv_time now = vrv_time_now();

	*run = (struct varve_run){
	    .kind = check->options->verify_data ? VARVE_RUN_CHECK_DATA :
						  VARVE_RUN_CHECK,
	    .start = {now.s, now.ns},
	    .name = name,
	    .options = options,
	};
	if (only != NULL)
		vrv_hex(run->archive, only->clear.logical, VRV_LOGICAL_ID);
	check->ledger = vrv_ledger_open(check->repo);
	vrv_ledger_begin(check->ledger, run);
}

static void
record_end(struct vrv_check *check, struct varve_run *run)
{
	const struct varve_check_result *r = &check->result;
	struct vrv_time now = vrv_time_now();

	for (size_t i = 0; i < check->n_items; i++)
		if (check->items[i].name.type == VRV_PACK)
			run->of_bytes += check->items[i].size;
	run->end = (struct varve_time){now.s, now.ns};
	run->result = r->problems == 0 ? VARVE_RUN_GOOD :
	    r->problems > r->unread    ? VARVE_RUN_BAD :
					 VARVE_RUN_UNFINISHED;
	run->items = r->packs;
	run->of_items = r->packs_listed;
	run->bytes = check->packs_bytes;
	run->problems = r->problems;
	vrv_ledger_end(check->ledger, run);
}

/* What was asked for, as the command line has it. */
static char *
options_text(const struct varve_check_options *o)
{
	vrv_auto_free char *duration = o->max_duration == 0 ?
	    vrv_strf("%s", "") :
	    vrv_strf(" --max-duration %llu",
		(unsigned long long)o->max_duration);
	vrv_auto_free char *age = o->max_age == 0 ?
	    vrv_strf("%s", "") :
	    vrv_strf(" --max-age %llu",
		(unsigned long long)(o->max_age / 86400));

	if (duration == NULL || age == NULL)
		return NULL;
	char *text =
	    vrv_strf("%s%s%s%s%s", o->archives ? "" : " --repository-only",
		o->objects ? "" : " --archives-only",
		o->verify_data ? " --verify-data" : "", duration, age);
	if (text != NULL && text[0] == ' ')
		memmove(text, text + 1, strlen(text));
	return text;
}

static int
run_recorded(struct vrv_check *check, const struct vrv_archive *const *only,
    size_t n_only, struct varve_err *err)
{
	const struct vrv_archive *one =
	    only != NULL && n_only == 1 ? only[0] : NULL;
	vrv_auto_free char *options = options_text(check->options);
	vrv_auto_free char *name = one == NULL ?
	    vrv_dup("", 0) :
	    vrv_dup(one->sealed.name.p, one->sealed.name.n);
	struct varve_run run;

	if (options == NULL || name == NULL)
		return VRV_NOMEM(err, "a check");
	record_begin(check, one, options, name, &run);
	int rc = check_all(check, only, n_only, err);
	if (rc == 0)
		record_end(check, &run);
	vrv_ledger_close(check->ledger);
	return rc;
}

int
vrv_check(struct vrv_repo *repo, const struct varve_check_options *options,
    const struct vrv_archive *const *only, size_t n_only,
    struct varve_check_result *ret, struct varve_err *err)
{
	struct vrv_check check = {
	    .repo = repo,
	    .options = options,
	    .threads =
		options->threads == 0 ? vrv_task_cpus() : options->threads,
	    .started = vrv_ticks(),
	    .suspects = vrv_map_new(VRV_OBJECT_ID, sizeof(uint8_t)),
	    .lengths = vrv_map_new(VRV_PREFIX_SIZE, sizeof(struct vrv_stated)),
	    .causes = vrv_map_new(sizeof(uint64_t), 0),
	};

	if (check.suspects == NULL || check.lengths == NULL ||
	    check.causes == NULL) {
		vrv_map_free(check.causes);
		vrv_map_free(check.suspects);
		vrv_map_free(check.lengths);
		return VRV_NOMEM(err, "a check");
	}
	if (check.threads > THREADS_MAX)
		check.threads = THREADS_MAX;
	pthread_mutex_init(&check.lock, NULL);
	pthread_mutex_init(&check.ledger_lock, NULL);
	int rc = vrv_failures_new(&check.failures, err);
	if (rc == 0)
		rc = run_recorded(&check, only, n_only, err);
	if (rc == 0) {
		vrv_check_leave(&check);
		check.progress.finished = true;
		check.progress.current = check.progress.total;
		vrv_check_progress(&check, NULL);
		*ret = check.result;
	}
	pthread_mutex_destroy(&check.lock);
	pthread_mutex_destroy(&check.ledger_lock);
	vrv_map_free(check.suspects);
	vrv_map_free(check.lengths);
	vrv_map_free(check.causes);
	free(check.bad);
	vrv_failures_free(check.failures);
	vrv_condemned_fini(&check.condemned);
	vrv_rolls_fini(&check.rolls);
	free(check.items);
	free(check.order);
	return rc;
}
