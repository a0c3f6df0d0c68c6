/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/runs.h"
#include "cli/select.h"
#include "cli/series.h"
#include "cli/shapes.h"
#include "cli/text.h"
#include "util/mem.h"

struct verify_options {
	bool all, status, json;
	const char *sample, *seed, *into, *against;
	unsigned files, threads;
	struct vrv_selection select;
};

#define AT(field) offsetof(struct verify_options, field)
static const struct vrv_option options[] = {
    {0, "sample", "PERCENT", vrv_set_string, AT(sample),
	"take so many of the files (default: 1%, and at least 20)"},
    {0, "files", "N", vrv_set_positive, AT(files), "take N files"},
    {0, "all", NULL, vrv_set_true, AT(all), "take everything"},
    {0, "seed", "S", vrv_set_string, AT(seed),
	"select the same sample as an earlier run with this seed"},
    {0, "into", "DIR", vrv_set_string, AT(into),
	"restore into the new or empty folder DIR and compare that"},
    {0, "against", "DIR", vrv_set_string, AT(against),
	"compare with the sources, whose paths lie below DIR"},
    {0, "threads", "N", vrv_set_positive, AT(threads),
	"threads to use (default: one for each processor)"},
    {0, "status", NULL, vrv_set_true, AT(status),
	"show which checks and verifications were made"},
    {0, "json", NULL, vrv_set_true, AT(json), "show the result as JSON"},
    VRV_SELECTION_OPTIONS(struct verify_options),
    {0},
};

/* --- options --- */

/* A number and the character behind it. */
static bool
parse_number(const char **text, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(*text, &end, 10);
	bool good = **text >= '0' && **text <= '9' && errno == 0;
	*text = end;
	return good;
}

static int
parse_seed(const char *text, struct varve_verify_options *ret,
    struct varve_err *err)
{
	const char *at = text;

	bool good = parse_number(&at, &ret->seed);
	if (good && *at == '+') {
		at++;
		good = parse_number(&at, &ret->seed_start);
	}
	if (!good || *at != '\0')
		return vrv_fail(err, VARVE_USAGE,
		    "--seed needs a seed as verify prints it, not '%s'", text);
	ret->has_seed = true;
	return 0;
}

static int
check_usage(const struct verify_options *o, bool named, struct varve_err *err)
{
	bool some = vrv_selection_given(&o->select);

	if (o->all + (o->files != 0) + (o->sample != NULL) > 1)
		return vrv_fail(err, VARVE_USAGE,
		    "--sample, --files and --all exclude each other");
	if (o->into != NULL && o->against != NULL)
		return vrv_fail(err, VARVE_USAGE,
		    "--into and --against exclude each other");
	if (named && some)
		return vrv_fail(err, VARVE_USAGE,
		    "--glob-archives, --first and --last select archives, but "
		    "one is named");
	if (o->status &&
	    (named || some || o->all || o->files != 0 || o->sample != NULL ||
		o->seed != NULL || o->into != NULL || o->against != NULL))
		return vrv_fail(err, VARVE_USAGE,
		    "--status verifies nothing: it takes a repository, and "
		    "--json");
	return 0;
}

static int
to_library(const struct verify_options *o, struct varve_verify_options *ret,
    struct varve_err *err)
{
	int rc = 0;

	ret->all = o->all;
	ret->files = o->files;
	ret->into = o->into;
	ret->against = o->against;
	ret->threads = o->threads;
	if (o->sample != NULL)
		rc = vrv_parse_percent("sample", o->sample, &ret->sample_ppm,
		    err);
	if (rc == 0 && o->seed != NULL)
		rc = parse_seed(o->seed, ret, err);
	return rc;
}

/* --- which archives --- */

static int
choose(struct vrv_cli *cli, const struct verify_options *o, const char *name,
    const struct varve_archive_list *list, struct vrv_selected *ret,
    struct varve_err *err)
{
	int rc;

	if (name != NULL) {
		ret->items =
		    vrv_arena_alloc(&cli->arena, sizeof(ret->items[0]));
		if (ret->items == NULL)
			return VRV_NOMEM(err, "archives");
		ret->n = 1;
		rc = varve_archive_find(list, name, ret->items, err);
	} else if (vrv_selection_given(&o->select)) {
		rc = vrv_select(cli, list, &o->select, ret, err);
	} else {
		rc = vrv_series_newest(cli, list, ret, err);
	}
	if (rc == 0 && o->into != NULL && ret->n > 1)
		return vrv_fail(err, VARVE_USAGE,
		    "--into takes one archive and %zu are chosen: write "
		    "REPO::ARCHIVE",
		    ret->n);
	if (rc == 0 && ret->n == 0) {
		vrv_fail(err, VARVE_NOENT, "there is no archive to verify");
		return vrv_exit(err, VARVE_EXIT_NO_ARCHIVE);
	}
	return rc;
}

/* --- verifying --- */

static void
count_text(struct vrv_buf *text, uint64_t n, const char *what, bool *first)
{
	if (n == 0)
		return;
	vrv_text_add(text, "%s%" PRIu64 " %s", *first ? " " : ", ", n, what);
	*first = false;
}

static void
result_text(struct vrv_buf *text, const struct varve_archive *archive,
    const struct varve_verify_result *r, bool compared, bool iec)
{
	bool first = true;

	vrv_text_escape(text, archive->name);
	vrv_text_add(text, ": %" PRIu64 " of %" PRIu64 " file%s, ", r->sampled,
	    r->files, vrv_plural(r->files));
	vrv_text_size(text, (int64_t)r->sampled_bytes, iec, 2, false);
	vrv_text_add(text, " of ");
	vrv_text_size(text, (int64_t)r->bytes, iec, 2, false);
	vrv_text_add(text, " (%.1f %%), seed %" PRIu64,
	    r->bytes == 0 ? 100.0 :
			    100.0 * (double)r->sampled_bytes / (double)r->bytes,
	    r->seed);
	if (r->seed_start != 0)
		vrv_text_add(text, "+%" PRIu64, r->seed_start);
	vrv_buf_u8(text, ':');
	count_text(text, r->problems, r->problems == 1 ? "problem" : "problems",
	    &first);
	count_text(text, r->changed, "changed", &first);
	count_text(text, r->vanished, "gone", &first);
	count_text(text, r->filled, "with holes that take space", &first);
	if (compared)
		count_text(text, r->equal, "equal", &first);
	if (r->sampled == 0)
		vrv_text_add(text, "%s nothing was verified%s\n",
		    first ? "" : ";", r->files == 0 ? ", it has no files" : "");
	else
		vrv_text_add(text, "%s\n", first ? " sound" : "");
}

struct sum {
	uint64_t problems, denied, differ;
	size_t bad;	/* archives with problems */
	size_t foreign; /* archives of which --against is not the source */
	bool nothing;	/* of an archive nothing was verified */
	struct vrv_json *json; /* with an open array of archives; or NULL */
};

static enum varve_run_result
judge(const struct varve_verify_result *r)
{
	return r->problems > 0		      ? VARVE_RUN_BAD :
	    r->changed > 0 || r->vanished > 0 ? VARVE_RUN_CHANGED :
						VARVE_RUN_GOOD;
}

/* Behind the findings, which are in it already. */
static void
result_json(struct vrv_json *j, const struct varve_archive *archive,
    const struct varve_verify_result *r, bool compared,
    const struct varve_err *failure)
{
	vrv_json_end(j);
	vrv_json_str(j, "name", archive->name);
	vrv_json_str(j, "id", archive->id);
	if (failure != NULL) {
		vrv_json_str(j, "error", failure->message);
		vrv_json_str(j, "result", "error");
		vrv_json_end(j);
		return;
	}
	vrv_json_int(j, "seed", r->seed);
	vrv_json_int(j, "seed_start", r->seed_start);
	vrv_json_int(j, "files", r->files);
	vrv_json_int(j, "bytes", r->bytes);
	vrv_json_int(j, "sampled_files", r->sampled);
	vrv_json_int(j, "sampled_bytes", r->sampled_bytes);
	vrv_json_bool(j, "compared", compared);
	vrv_json_int(j, "equal", r->equal);
	vrv_json_int(j, "changed", r->changed);
	vrv_json_int(j, "vanished", r->vanished);
	vrv_json_int(j, "filled", r->filled);
	vrv_json_int(j, "problems", r->problems);
	vrv_json_int(j, "denied", r->denied);
	vrv_json_str(j, "result", vrv_past_result(judge(r)));
	vrv_json_end(j);
}

static int
verify(struct vrv_cli *cli, struct varve_repo *repo,
    const struct varve_archive *archive, struct varve_verify_options *how,
    struct sum *sum, struct varve_err *err)
{
	struct varve_verify_result r = {0};
	vrv_auto_buf struct vrv_buf text = {0};
	struct vrv_events events = {.findings = sum->json};
	bool compared = how->into != NULL || how->against != NULL;

	vrv_json_begin(sum->json, NULL);
	vrv_json_begin_array(sum->json, "findings");
	how->event = vrv_events_fn;
	how->event_arg = &events;
	vrv_events_start(&events, cli, "verify");
	int rc = varve_verify(repo, archive, how, &r, err);
	vrv_events_end(&events);
	result_json(sum->json, archive, &r, compared, rc != 0 ? err : NULL);
	if (rc != 0) {
		/* One status for whatever is no change of a source. */
		if (err->exit == VARVE_EXIT_INTEGRITY)
			vrv_exit(err, VARVE_EXIT_ERROR);
		return rc;
	}
	sum->problems += r.problems;
	sum->bad += r.problems > 0;
	sum->denied += r.denied;
	sum->nothing = sum->nothing || r.sampled == 0;
	sum->differ += r.changed + r.vanished;
	if (sum->json != NULL)
		return 0;
	result_text(&text, archive, &r, compared, cli->common.iec);
	return vrv_cli_out(cli, &text, err);
}

/* One archive must not keep the others from being verified. */
static int
verify_next(struct vrv_cli *cli, struct varve_repo *repo,
    const struct vrv_selected *which, size_t i,
    struct varve_verify_options *how, struct sum *sum, struct varve_err *err)
{
	int rc = verify(cli, repo, which->items[i], how, sum, err);

	if (rc == 0 || which->n == 1)
		return rc;
	(void)vrv_ctx(err, "%s", which->items[i]->name);
	if (rc != VARVE_USAGE)
		return rc;
	vrv_log(&cli->log, VRV_LOG_ERROR, "%s", err->message);
	vrv_err_clear(err);
	sum->foreign++;
	return 0;
}

static int
verify_each(struct vrv_cli *cli, struct varve_repo *repo,
    const struct vrv_selected *which, struct varve_verify_options *how,
    bool json, struct varve_err *err)
{
	struct sum sum = {0};
	int rc = 0;

	if (json && (sum.json = vrv_json_object()) == NULL)
		return VRV_NOMEM(err, "JSON");
	vrv_json_begin_array(sum.json, "archives");
	for (size_t i = 0; rc == 0 && i < which->n; i++)
		rc = verify_next(cli, repo, which, i, how, &sum, err);
	vrv_json_end(sum.json);
	vrv_shape_place(sum.json, repo);
	if (rc == 0 && json)
		rc = vrv_shape_print(cli, vrv_steal(&sum.json), err);
	vrv_json_free(sum.json);
	if (rc != 0)
		return rc;
	if (sum.differ > 0 || sum.nothing)
		cli->warned = true;
	if (sum.problems == 0 && sum.foreign > 0)
		return vrv_fail(err, VARVE_USAGE,
		    "%zu of %zu archives were not verified", sum.foreign,
		    which->n);
	if (sum.problems == 0)
		return 0;
	vrv_fail(err, VARVE_CORRUPT, "%" PRIu64 " %s found", sum.problems,
	    sum.problems == 1 ? "problem" : "problems");
	if (which->n > 1)
		vrv_fail(err, VARVE_CORRUPT,
		    "%" PRIu64 " %s found in %zu of %zu archives", sum.problems,
		    sum.problems == 1 ? "problem" : "problems", sum.bad,
		    which->n);
	return vrv_exit(err,
	    sum.denied == sum.problems ? VARVE_EXIT_PERMISSION :
					 VARVE_EXIT_ERROR);
}

static int
run(struct vrv_cli *cli, void *arg, const struct vrv_strings *words,
    struct varve_err *err)
{
	struct varve_verify_options how = VARVE_VERIFY_OPTIONS_INIT;
	const struct verify_options *o = arg;
	struct vrv_selected which = {0};
	vrv_auto_location struct vrv_location where = {0};
	vrv_auto_archives list = NULL;
	vrv_auto_repo repo = NULL;

	int rc =
	    vrv_cli_location(cli, words, VRV_WANTS_EITHER, &where, NULL, err);
	if (rc == 0)
		rc = check_usage(o, where.archive != NULL, err);
	if (rc == 0)
		rc = to_library(o, &how, err);
	if (rc == 0)
		rc = vrv_cli_open(cli, where.repo, false, &repo, err);
	if (rc == 0 && o->status)
		return vrv_verify_status(cli, repo, o->json, err);
	if (rc == 0)
		rc = vrv_archives(cli, repo, &list, err);
	if (rc == 0)
		rc = choose(cli, o, where.archive, list, &which, err);
	how.sweep = where.archive != NULL || vrv_selection_given(&o->select) ?
	    VARVE_SWEEP_ARCHIVE :
	    VARVE_SWEEP_SERIES;
	return rc == 0 ? verify_each(cli, repo, &which, &how, o->json, err) :
			 rc;
}

const struct vrv_command vrv_cmd_verify = {
    .name = "verify",
    .usage = "[REPO][::ARCHIVE]",
    .summary = "prove that archives can be restored",
    .help = "Restores a sample of the files of an archive, or all, and "
	    "verifies them: to nowhere, into a folder that is then compared "
	    "with the archive, or against the sources. Without an archive, "
	    "the newest of each series is taken. The exit status is 0 if all "
	    "is as it should be, 1 if sources changed since or an archive "
	    "has no files, 2 otherwise.",
    .options = options,
    .size = sizeof(struct verify_options),
    .run = run,
};
