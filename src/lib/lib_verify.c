/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/lib.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "extract/extract.h"
#include "ledger/ledger.h"
#include "os/dir.h"
#include "os/file.h"
#include "util/causes.h"
#include "util/hex.h"
#include "util/mem.h"
#include "verify/sampler.h"
#include "verify/verify.h"

#define TOLD_MAX ((size_t)1 << 20)

/* A verification: restoring proves that the archive can be read, comparing
 * that it is what it should be. */
struct verification {
	struct vrv_repo *repo;
	const struct vrv_archive *archive;
	const struct varve_verify_options *options;
	struct vrv_sampler *sampler;
	struct vrv_causes *causes; /* that hit several files, perhaps */
	struct vrv_map *told; /* hashes of paths that were told as problems */
	struct vrv_ledger *ledger;
	bool sweeps; /* this run is a part of the sweep */
	struct vrv_sweep sweep;
	struct vrv_sweep_of sweep_of;
	struct varve_verify_result result;
	bool restored; /* what is left to do is to compare */
};

/* --- events --- */

/* Reading and comparing are two passes over the same bytes: progress is that
 * of both. */
static void
tell(const struct verification *v, const struct varve_event *event)
{
	const struct varve_verify_options *o = v->options;
	bool two = o->into != NULL || o->against != NULL;
	struct varve_event changed = *event;
	struct varve_progress all;

	if (o->event == NULL)
		return;
	if (event->type == VARVE_EVENT_PROGRESS) {
		all = *event->progress;
		all.current += v->restored ? v->result.sampled_bytes : 0;
		all.original = all.current;
		all.total = v->result.sampled_bytes * (two ? 2 : 1);
		all.finished = all.finished && (v->restored || !two);
		changed.progress = &all;
	}
	o->event(o->event_arg, &changed);
}

static void
on_compared(void *arg, const struct varve_event *event)
{
	tell(arg, event);
}

/* --- restoring --- */

static unsigned
match(void *arg, const char *path, bool is_dir)
{
	const struct verification *v = arg;
	unsigned below = is_dir ? VARVE_MATCH_RECURSE : 0;

	return vrv_sampler_has(v->sampler, path) ? VARVE_MATCH_INCLUDE | below :
						   below;
}

static bool
is_grouped(struct verification *v, const struct varve_event *event)
{
	struct varve_err why = {
	    .code = VARVE_CORRUPT,
	    .sys = event->sys,
	    .cause = event->cause,
	};

	if (event->message != NULL)
		(void)snprintf(why.message, sizeof(why.message), "%s",
		    event->message);
	return vrv_causes_add(v->causes, 0, event->path, &why);
}

/* That something could not be set is judged by the comparison. One event is
 * told at a time. */
static void
on_event(void *arg, const struct varve_event *event)
{
	struct verification *v = arg;
	struct varve_event changed = *event;

	if (event->type == VARVE_EVENT_WARNING)
		changed.type = VARVE_EVENT_NOTE;
	if (event->type == VARVE_EVENT_PROBLEM &&
	    (event->sys == EACCES || event->sys == EPERM))
		v->result.denied++;
	if (event->type == VARVE_EVENT_PROBLEM && event->path != NULL &&
	    vrv_map_count(v->told) < TOLD_MAX) {
		uint64_t hash = vrv_sampler_hash(v->sampler, event->path);
		/* Without memory for it, it is told twice. */
		(void)!vrv_map_put(v->told, &hash, NULL);
	}
	if (event->type == VARVE_EVENT_PROBLEM && is_grouped(v, event))
		changed.type = VARVE_EVENT_INFO;
	tell(v, &changed);
}

/* One frame is one line, whatever number of files it hits. */
static void
tell_cause(void *arg, const struct vrv_cause *cause)
{
	struct verification *v = arg;
	struct varve_err why = *cause->err;
	struct varve_event event = {
	    .type = VARVE_EVENT_PROBLEM,
	    .status = 'E',
	    .path = cause->path,
	    .sys = why.sys,
	    .cause = why.cause,
	};

	if (cause->paths > 1) {
		(void)vrv_ctx(&why,
		    "%llu paths cannot be restored, first '%.300s'",
		    (unsigned long long)cause->paths, cause->path);
		event.path = NULL;
	}
	event.message = why.message;
	tell(v, &event);
}

static void
tell_causes(struct verification *v)
{
	struct varve_err more = {0};

	uint64_t n = vrv_causes_each(v->causes, tell_cause, v);
	if (n == 0)
		return;
	(void)vrv_fail(&more, VARVE_CORRUPT,
	    "%llu more paths cannot be restored", (unsigned long long)n);
	tell(v,
	    &(struct varve_event){
		.type = VARVE_EVENT_PROBLEM,
		.status = 'E',
		.message = more.message,
	    });
}

static int
restore(struct verification *v, struct varve_err *err)
{
	const struct varve_restore_options options = {
	    .size = sizeof(options),
	    .target = v->options->into,
	    .dry_run = v->options->into == NULL,
	    .match = v->options->all ? NULL : match,
	    .match_arg = v,
	    .threads = v->options->threads,
	    /* It is compared with all that the archive says. */
	    .preserve_permissions = true,
	    .root_metadata = true,
	    .umask = 077,
	    .stdout_fd = -1,
	    .event = on_event,
	    .event_arg = v,
	};
	struct varve_restore_result restored = {0};

	int rc = vrv_extract(v->repo, v->archive, &options, &restored, err);
	tell_causes(v);
	if (rc == 0)
		v->result.problems += restored.skipped;
	return rc;
}

/* --- comparing --- */

static int
compare(struct verification *v, struct varve_err *err)
{
	const struct varve_verify_options *o = v->options;
	const struct vrv_comparison how = {
	    .dir = o->into != NULL ? o->into : o->against,
	    .live = o->into == NULL,
	    .sampler = v->sampler,
	    .told = v->told,
	    .total = v->result.sampled_bytes,
	    .event = on_compared,
	    .event_arg = v,
	};

	if (how.dir == NULL)
		return 0;
	return vrv_verify_compare(v->repo, v->archive, &how, &v->result, err);
}

/* --- the sample --- */

static uint64_t
random_seed(void)
{
	uint32_t random; /* so that it is easily typed again */

	vrv_random(&random, sizeof(random));
	return random;
}

/* The sample goes on where the last run of the sweep stopped. */
static int
choose_sample(struct verification *v, struct varve_err *err)
{
	const struct varve_verify_options *o = v->options;

	v->sweep.seed = o->has_seed ? o->seed : random_seed();
	v->sweep.start = o->has_seed ? o->seed_start : 0;
	v->sweeps = o->sweep != VARVE_SWEEP_NONE && (o->all || !o->has_seed);
	if (v->sweeps)
		(void)vrv_ledger_sweep(v->ledger, &v->sweep_of, &v->sweep);
	v->result.seed = v->sweep.seed;
	v->result.seed_start = v->sweep.start;
	int rc = vrv_sampler_new(o, v->sweep.seed, &v->sampler, err);
	if (rc == 0)
		vrv_sampler_start(v->sampler, v->sweep.start);
	return rc;
}

/* The run has ended and looked at all of its sample, except for what it was
 * not permitted to read. */
static void
advance(struct verification *v, const struct varve_run *run)
{
	struct vrv_sweep *sweep = &v->sweep;
	uint64_t next;

	if (!v->sweeps || v->result.denied > 0 || v->result.files == 0)
		return;
	/* Files of damaged directories are in no sample. */
	if (vrv_sampler_shown(v->sampler) != v->result.files)
		return;
	bool whole = vrv_sampler_next(v->sampler, &next);
	if (sweep->since == 0 || v->result.sampled == v->result.files)
		sweep->since = run->start.s;
	if (whole) {
		sweep->full_from = sweep->since;
		sweep->full_to = run->end.s;
		sweep->since = next == 0 ? 0 : run->start.s;
	}
	sweep->start = next;
	vrv_ledger_sweep_put(v->ledger, &v->sweep_of, sweep);
}

static int
work(struct verification *v, struct varve_err *err)
{
	int rc =
	    vrv_verify_count(v->repo, v->archive, v->sampler, &v->result, err);

	if (rc == 0)
		rc = restore(v, err);
	v->restored = true;
	return rc == 0 ? compare(v, err) : rc;
}

/* --- the record --- */

static char *
options_text(const struct verification *v)
{
	const struct varve_verify_options *o = v->options;
	vrv_auto_free char *sample = o->all ?
	    vrv_strf("--all") :
	    o->files != 0 ?
	    vrv_strf("--files %llu", (unsigned long long)o->files) :
	    vrv_strf("--sample %g%%",
		(o->sample_ppm == 0 ? VRV_SAMPLE_PPM : o->sample_ppm) / 1e4);

	if (sample == NULL)
		return NULL;
	const char *dir = o->into != NULL ? o->into : o->against;
	vrv_auto_free char *start = v->result.seed_start == 0 ?
	    vrv_dup("", 0) :
	    vrv_strf("+%llu", (unsigned long long)v->result.seed_start);
	if (start == NULL)
		return NULL;
	return vrv_strf("%s --seed %llu%s%s%s", sample,
	    (unsigned long long)v->result.seed, start,
	    o->into != NULL	   ? " --into " :
		o->against != NULL ? " --against " :
				     "",
	    dir == NULL ? "" : dir);
}

static struct varve_time
now(void)
{
	struct vrv_time t = vrv_time_now();

	return (struct varve_time){t.s, t.ns};
}

static void
finish(struct varve_run *run, const struct varve_verify_result *r)
{
	run->end = now();
	run->result = r->problems > 0	 ? VARVE_RUN_BAD :
	    r->changed + r->vanished > 0 ? VARVE_RUN_CHANGED :
	    r->sampled == 0		 ? VARVE_RUN_UNFINISHED :
					   VARVE_RUN_GOOD;
	run->items = r->sampled;
	run->of_items = r->files;
	run->bytes = r->sampled_bytes;
	run->of_bytes = r->bytes;
	run->changed = r->changed + r->vanished;
	run->problems = r->problems;
}

/* What cannot be read at all is a finding as well; that a disk is full is
 * none. */
static bool
is_finding(const struct varve_err *err)
{
	return vrv_err_is_damage(err) || err->code == VARVE_NOENT;
}

static int
work_recorded(struct verification *v, struct varve_run *run,
    struct varve_err *err)
{
	vrv_auto_free char *options = options_text(v);

	if (options == NULL)
		return VRV_NOMEM(err, "a verification");
	run->options = options;
	vrv_ledger_begin(v->ledger, run);
	int rc = work(v, err);
	struct varve_verify_result result = v->result;
	result.problems += rc != 0;
	if (rc == 0 || is_finding(err)) {
		finish(run, &result);
		vrv_ledger_end(v->ledger, run);
	}
	if (rc == 0)
		advance(v, run);
	return rc;
}

static int
verify(struct verification *v, struct varve_err *err)
{
	const struct vrv_archive_sealed *sealed = &v->archive->sealed;
	bool of_archive = v->options->sweep == VARVE_SWEEP_ARCHIVE;
	vrv_auto_free char *name = vrv_dup(sealed->name.p, sealed->name.n);
	vrv_auto_free char *host = vrv_dup(sealed->host.p, sealed->host.n);
	vrv_auto_free char *series =
	    vrv_dup(sealed->series.p, sealed->series.n);
	struct varve_run run = {
	    .kind = VARVE_RUN_VERIFY,
	    .start = now(),
	    .name = name,
	};

	v->told = vrv_map_new(sizeof(uint64_t), 0);
	v->causes = vrv_causes_new();
	if (v->told == NULL || v->causes == NULL || name == NULL ||
	    host == NULL || series == NULL)
		return VRV_NOMEM(err, "a verification");
	vrv_hex(run.archive, v->archive->clear.logical, VRV_LOGICAL_ID);
	v->sweep_of = (struct vrv_sweep_of){
	    .name = of_archive ? name : series,
	    .host = host,
	    .archive = of_archive ? run.archive : "",
	};
	v->ledger = vrv_ledger_open(v->repo);
	int rc = choose_sample(v, err);
	if (rc == 0)
		rc = work_recorded(v, &run, err);
	vrv_ledger_close(v->ledger);
	return rc;
}

/* --- the whole --- */

/* The folder to restore into: made, or empty. */
static int
prepare_folder(const char *path, struct varve_err *err)
{
	struct vrv_arena arena = {0};
	struct vrv_dirent *entries = NULL;
	vrv_auto_fd fd = -1;
	size_t n = 0;

	int rc = vrv_os_mkdirs(path, err);
	if (rc == 0)
		rc = vrv_os_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, &fd,
		    err);
	if (rc == 0)
		rc = vrv_os_list_dir(fd, &arena, &entries, &n, err);
	free(entries);
	vrv_arena_fini(&arena);
	if (rc != 0)
		return vrv_ctx(err, "folder '%s'", path);
	if (n > 0)
		return vrv_fail(err, VARVE_EXISTS,
		    "folder '%s' is not empty: name one that is, or a new one",
		    path);
	return 0;
}

int
varve_verify(struct varve_repo *handle, const struct varve_archive *archive,
    const struct varve_verify_options *options, struct varve_verify_result *ret,
    struct varve_err *err)
{
	struct verification v = {
	    .repo = handle->repo,
	    .archive = vrv_lib_archive(archive),
	    .options = options,
	};
	int rc = 0;

	err = LIB_ERR(err);
	if (options->into != NULL && options->against != NULL)
		return vrv_fail(err, VARVE_USAGE,
		    "what is restored into a folder is compared with that "
		    "folder, not with another");
	rc = vrv_archive_compare(v.repo, v.archive, err);
	if (rc == 0 && options->into != NULL)
		rc = prepare_folder(options->into, err);
	/* A wrong directory is no finding about the archive. */
	if (rc == 0 && options->against != NULL)
		rc = vrv_verify_is_source(v.repo, v.archive, options->against,
		    err);
	if (rc == 0)
		rc = verify(&v, err);
	vrv_map_free(v.told);
	vrv_causes_free(v.causes);
	vrv_sampler_free(v.sampler);
	if (rc == 0)
		*ret = v.result;
	return rc;
}

/* --- the ledger --- */

int
varve_ledger_coverage(struct varve_repo *handle, varve_coverage_fn *fn,
    void *arg, struct varve_err *err)
{
	return vrv_ledger_coverage(handle->repo, fn, arg, LIB_ERR(err));
}

int
varve_ledger_runs(struct varve_repo *handle, varve_run_fn *fn, void *arg,
    struct varve_err *err)
{
	return vrv_ledger_runs(handle->repo, fn, arg, LIB_ERR(err));
}
