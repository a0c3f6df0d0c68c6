/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/series.h"

#include <stdlib.h>
#include <string.h>

#include "cli/runs.h"
#include "cli/text.h"
#include "cli/timetext.h"
#include "util/err.h"
#include "util/mem.h"

static int
compare_series(const struct varve_archive *a, const struct varve_archive *b)
{
	int c = strcmp(vrv_or_empty(a->host), vrv_or_empty(b->host));

	return c != 0 ?
	    c :
	    strcmp(vrv_or_empty(a->series), vrv_or_empty(b->series));
}

/* Within a series in the order of the list, which is oldest first. */
static int
by_series(const void *pa, const void *pb)
{
	const struct varve_archive *a =
	    *(const struct varve_archive *const *)pa;
	const struct varve_archive *b =
	    *(const struct varve_archive *const *)pb;
	int c = compare_series(a, b);

	return c != 0 ? c : (a > b) - (a < b);
}

static int
in_order(const void *pa, const void *pb)
{
	const struct varve_archive *a =
	    *(const struct varve_archive *const *)pa;
	const struct varve_archive *b =
	    *(const struct varve_archive *const *)pb;

	return (a > b) - (a < b);
}

int
vrv_series_group(struct vrv_cli *cli, const struct varve_archive_list *list,
    struct vrv_series_list *ret, struct varve_err *err)
{
	vrv_auto_free const struct varve_archive **sorted =
	    vrv_alloc_array(list->n + 1, sizeof(sorted[0]));
	struct vrv_series_list found = {
	    .items = vrv_arena_alloc(&cli->arena,
		(list->n + 1) * sizeof(found.items[0]))};

	if (sorted == NULL || found.items == NULL)
		return VRV_NOMEM(err, "series");
	size_t n = 0;
	/* What nobody vouches for must not pass for a recent backup. */
	for (size_t i = 0; i < list->n; i++)
		if (!list->items[i].unvouched)
			sorted[n++] = &list->items[i];
	if (n > 0)
		qsort(sorted, n, sizeof(sorted[0]), by_series);
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || compare_series(sorted[i - 1], sorted[i]) != 0)
			found.items[found.n++] = (struct vrv_series){0};
		found.items[found.n - 1].newest = sorted[i];
		found.items[found.n - 1].archives++;
	}
	*ret = found;
	return 0;
}

int
vrv_series_newest(struct vrv_cli *cli, const struct varve_archive_list *list,
    struct vrv_selected *ret, struct varve_err *err)
{
	struct vrv_series_list series;
	int rc = vrv_series_group(cli, list, &series, err);

	if (rc != 0)
		return rc;
	ret->n = series.n;
	ret->items = vrv_arena_alloc(&cli->arena,
	    (series.n + 1) * sizeof(ret->items[0]));
	if (ret->items == NULL)
		return VRV_NOMEM(err, "archives");
	for (size_t i = 0; i < series.n; i++)
		ret->items[i] = series.items[i].newest;
	qsort(ret->items, ret->n, sizeof(ret->items[0]), in_order);
	return 0;
}

/* --- the ledger --- */

#define ALL_KNOWN 1

struct known {
	const struct varve_archive **by_id;
	size_t n;
	struct vrv_series_list *series;
	size_t left; /* series without a verification */
};

static int
by_id(const void *pa, const void *pb)
{
	const struct varve_archive *a =
	    *(const struct varve_archive *const *)pa;
	const struct varve_archive *b =
	    *(const struct varve_archive *const *)pb;

	return strcmp(a->id, b->id);
}

static int
compare_id(const void *id, const void *pa)
{
	return strcmp(id, (*(const struct varve_archive *const *)pa)->id);
}

static int
compare_newest(const void *archive, const void *series)
{
	return compare_series(archive,
	    ((const struct vrv_series *)series)->newest);
}

/* Runs come newest first. */
static int
on_run(void *arg, const struct varve_run *run, struct varve_err *err)
{
	struct known *known = arg;
	const struct varve_archive *const *archive;

	(void)err;
	if (run->kind != VARVE_RUN_VERIFY ||
	    run->result == VARVE_RUN_UNFINISHED)
		return 0;
	archive = bsearch(run->archive, known->by_id, known->n,
	    sizeof(known->by_id[0]), compare_id);
	if (archive == NULL)
		return 0;
	struct vrv_series *s = bsearch(*archive, known->series->items,
	    known->series->n, sizeof(*s), compare_newest);
	if (s == NULL || s->verified != NULL)
		return 0;
	s->verified = *archive;
	s->verified_at = run->end;
	s->result = run->result;
	return --known->left == 0 ? ALL_KNOWN : 0;
}

int
vrv_series_status(struct vrv_cli *cli, struct varve_repo *repo,
    const struct varve_archive_list *list, struct vrv_series_list *ret,
    struct varve_err *err)
{
	struct varve_err ledger = {0};
	struct vrv_series_list series;
	vrv_auto_free const struct varve_archive **sorted =
	    vrv_alloc_array(list->n + 1, sizeof(sorted[0]));
	int rc = sorted == NULL ? VRV_NOMEM(err, "series") :
				  vrv_series_group(cli, list, &series, err);

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < list->n; i++)
		sorted[i] = &list->items[i];
	qsort(sorted, list->n, sizeof(sorted[0]), by_id);
	struct known known = {sorted, list->n, &series, series.n};
	rc = varve_ledger_runs(repo, on_run, &known, &ledger);
	if (rc != 0 && rc != ALL_KNOWN) {
		if (vrv_err_is_fatal(&ledger)) {
			*err = ledger;
			return rc;
		}
		vrv_log(&cli->log, VRV_LOG_WARNING,
		    "cannot tell when archives were last verified: %s",
		    ledger.message);
	}
	*ret = series;
	return 0;
}

/* --- output --- */

static void
name_text(struct vrv_buf *text, const struct varve_archive *a)
{
	vrv_text_escape(text, vrv_or_empty(a->host));
	vrv_buf_u8(text, ':');
	vrv_text_escape(text, vrv_or_empty(a->series));
}

void
vrv_series_text(struct vrv_buf *text, const struct vrv_series_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct vrv_series *s = &list->items[i];

		vrv_text_add(text, "Series: ");
		name_text(text, s->newest);
		vrv_text_add(text, " (%zu archive%s)\n  Newest: ", s->archives,
		    vrv_plural(s->archives));
		vrv_text_escape(text, s->newest->name);
		vrv_buf_u8(text, ' ');
		vrv_time_format(text, s->newest->nominal, "%Y-%m-%d %H:%M",
		    false);
		vrv_text_add(text, " %s\n  Last verified: ",
		    s->newest->warnings ? "incomplete" : "complete");
		if (s->verified == NULL) {
			vrv_text_add(text, "never\n");
			continue;
		}
		vrv_text_escape(text, s->verified->name);
		vrv_buf_u8(text, ' ');
		vrv_time_format(text, s->verified_at, "%Y-%m-%d %H:%M", false);
		vrv_text_add(text, " %s\n", vrv_past_result(s->result));
	}
}

static void
verified_json(struct vrv_json *j, const struct vrv_series *s)
{
	if (s->verified == NULL) {
		vrv_json_null(j, "verified");
		return;
	}
	vrv_json_begin(j, "verified");
	vrv_json_str(j, "name", s->verified->name);
	vrv_json_str(j, "id", s->verified->id);
	vrv_json_time(j, "time", s->verified_at);
	vrv_json_str(j, "result", vrv_past_result(s->result));
	vrv_json_end(j);
}

void
vrv_series_json(struct vrv_json *j, const struct vrv_series_list *list)
{
	vrv_json_begin_array(j, "series");
	for (size_t i = 0; i < list->n; i++) {
		const struct vrv_series *s = &list->items[i];

		vrv_json_begin(j, NULL);
		vrv_json_str(j, "hostname", vrv_or_empty(s->newest->host));
		vrv_json_str(j, "series", vrv_or_empty(s->newest->series));
		vrv_json_int(j, "archives", s->archives);
		vrv_json_begin(j, "newest");
		vrv_json_str(j, "name", s->newest->name);
		vrv_json_str(j, "id", s->newest->id);
		vrv_json_time(j, "time",
		    (struct varve_time){s->newest->nominal.s, 0});
		vrv_json_bool(j, "complete", !s->newest->warnings);
		vrv_json_end(j);
		verified_json(j, s);
		vrv_json_end(j);
	}
	vrv_json_end(j);
}
