/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/runs.h"

#include <inttypes.h>

#include "cli/text.h"
#include "cli/timetext.h"
#include "util/err.h"

#define KIND_COLUMNS 10
#define RESULT_COLUMNS 10

const char *
vrv_past_result(enum varve_run_result result)
{
	switch (result) {
	case VARVE_RUN_UNFINISHED:
		return "unfinished";
	case VARVE_RUN_GOOD:
		return "good";
	case VARVE_RUN_CHANGED:
		return "changed";
	default:
		return "problems";
	}
}

static const char *
kind_word(const struct varve_run *run)
{
	switch (run->kind) {
	case VARVE_RUN_VERIFY:
		return "verify";
	case VARVE_RUN_CHECK_DATA:
		return "check-data";
	default:
		return "check";
	}
}

/* All of nothing is all. */
static double
percent(uint64_t part, uint64_t all)
{
	return all == 0 ? 100.0 : 100.0 * (double)part / (double)all;
}

void
vrv_past_header(struct vrv_buf *text)
{
	vrv_text_add(text, "%-16s %-*s %11s %11s %6s %-*s %s\n", "Start",
	    KIND_COLUMNS, "Kind", "Looked at", "Size", "Of all", RESULT_COLUMNS,
	    "Result", "Archive");
}

/* In at most five columns. */
static void
short_number(struct vrv_buf *text, uint64_t n)
{
	static const char units[] = " kMGTPE";
	unsigned unit = 0;

	for (; n >= (unit == 0 ? 100000 : 10000); unit++)
		n /= 1000;
	vrv_text_add(text, "%" PRIu64, n);
	if (unit > 0)
		vrv_buf_u8(text, (uint8_t)units[unit]);
}

void
vrv_past_row(struct vrv_buf *text, const struct varve_run *run, bool iec)
{
	vrv_auto_buf struct vrv_buf size = {0}, items = {0};

	vrv_time_format(text, run->start, "%Y-%m-%d %H:%M", false);
	short_number(&items, run->items);
	vrv_buf_u8(&items, '/');
	short_number(&items, run->of_items);
	vrv_text_size(&size, (int64_t)run->bytes, iec, 2, false);
	vrv_text_add(text, " %-*s %11s %11s %5.1f%% ", KIND_COLUMNS,
	    kind_word(run), vrv_text_part(text, &items),
	    vrv_text_part(text, &size), percent(run->bytes, run->of_bytes));
	/* Names differ at their ends, so they stand last and are never cut. */
	if (run->name[0] == '\0') {
		vrv_text_add(text, "%s\n", vrv_past_result(run->result));
		return;
	}
	vrv_text_add(text, "%-*s ", RESULT_COLUMNS,
	    vrv_past_result(run->result));
	vrv_text_escape(text, run->name);
	vrv_buf_u8(text, '\n');
}

void
vrv_past_json(struct vrv_json *j, const struct varve_run *run)
{
	vrv_json_int(j, "number", (uint64_t)run->number);
	vrv_json_str(j, "kind", kind_word(run));
	vrv_json_time(j, "start", run->start);
	if (run->result == VARVE_RUN_UNFINISHED)
		vrv_json_null(j, "end");
	else
		vrv_json_time(j, "end", run->end);
	if (run->archive[0] == '\0') {
		vrv_json_null(j, "archive");
		vrv_json_null(j, "archive_id");
	} else {
		vrv_json_str(j, "archive", run->name);
		vrv_json_str(j, "archive_id", run->archive);
	}
	vrv_json_str(j, "options", run->options);
	vrv_json_str(j, "unit",
	    run->kind == VARVE_RUN_VERIFY ? "files" : "packs");
	vrv_json_int(j, "items", run->items);
	vrv_json_int(j, "of_items", run->of_items);
	vrv_json_int(j, "bytes", run->bytes);
	vrv_json_int(j, "of_bytes", run->of_bytes);
	vrv_json_int(j, "changed", run->changed);
	vrv_json_int(j, "problems", run->problems);
	vrv_json_str(j, "result", vrv_past_result(run->result));
}

/* --- the last verification --- */

#define FOUND 1

struct last {
	struct vrv_buf *text;
	struct vrv_json *json;
};

static int
on_run(void *arg, const struct varve_run *run, struct varve_err *err)
{
	struct last *last = arg;

	(void)err;
	if (run->kind != VARVE_RUN_VERIFY ||
	    run->result == VARVE_RUN_UNFINISHED)
		return 0;
	if (last->json != NULL) {
		vrv_json_begin(last->json, "verified");
		vrv_past_json(last->json, run);
		vrv_json_end(last->json);
		return FOUND;
	}
	vrv_time_text(last->text, run->end);
	vrv_buf_u8(last->text, ' ');
	vrv_text_escape(last->text, run->name);
	vrv_text_add(last->text,
	    " (%" PRIu64 " of %" PRIu64 " file%s, %.1f %% of their size): %s\n",
	    run->items, run->of_items, vrv_plural(run->of_items),
	    percent(run->bytes, run->of_bytes), vrv_past_result(run->result));
	return FOUND;
}

void
vrv_verified_text(struct vrv_buf *text, struct varve_repo *repo)
{
	struct last last = {.text = text};
	struct varve_err err = {0};

	vrv_text_add(text, "Last verified: ");
	int rc = varve_ledger_runs(repo, on_run, &last, &err);
	if (rc == 0)
		vrv_text_add(text, "never\n");
	else if (rc != FOUND) {
		text->failed = text->failed || vrv_err_is_fatal(&err);
		vrv_text_add(text, "not known: ");
		vrv_text_escape(text, err.message);
		vrv_buf_u8(text, '\n');
	}
}

void
vrv_verified_json(struct vrv_json *j, struct varve_repo *repo)
{
	struct last last = {.json = j};
	struct varve_err err = {0};

	if (j == NULL || varve_ledger_runs(repo, on_run, &last, &err) == FOUND)
		return;
	if (vrv_err_is_fatal(&err))
		vrv_json_fail(j);
	vrv_json_null(j, "verified");
}
