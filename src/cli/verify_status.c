/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/runs.h"
#include "cli/shapes.h"
#include "cli/text.h"
#include "cli/timetext.h"
#include "util/mem.h"

/* Where the units of contrib/systemd keep their state. */
#define UNIT_STATE_DIR "/var/lib/varve"
#define SWEEPS_SHOWN 20 /* by --json all */

struct status {
	struct vrv_cli *cli;
	struct vrv_json *json;
	struct vrv_buf text;
	bool empty;
	size_t sweeps;
};

static int
on_run(void *arg, const struct varve_run *run, struct varve_err *err)
{
	struct status *s = arg;

	(void)err;
	s->empty = false;
	if (s->json == NULL) {
		vrv_past_row(&s->text, run, s->cli->common.iec);
		return 0;
	}
	vrv_json_begin(s->json, NULL);
	vrv_past_json(s->json, run);
	vrv_json_end(s->json);
	return 0;
}

/* --- coverage --- */

static void
day(struct vrv_buf *text, const char *before, int64_t s)
{
	vrv_text_add(text, "%s", before);
	vrv_time_format(text, (struct varve_time){s, 0}, "%Y-%m-%d", false);
}

static void
sweep_text(struct vrv_buf *text, const struct varve_coverage *c)
{
	bool series = c->kind == VARVE_COVERS_SERIES;

	vrv_text_add(text, "%s ", series ? "Series" : "Archive");
	vrv_text_escape(text, c->name);
	if (series && c->host[0] != '\0') {
		vrv_text_add(text, " of ");
		vrv_text_escape(text, c->host);
	}
	vrv_text_add(text, ":");
	if (c->since != 0) {
		vrv_text_add(text, " about %.0f%% of the files verified",
		    100 * c->part);
		day(text, " since ", c->since);
	}
	if (c->complete_to != 0) {
		vrv_text_add(text,
		    c->since != 0 ? ", all" : " all files verified,");
		day(text, " between ", c->complete_from);
		day(text, " and ", c->complete_to);
	}
	vrv_text_add(text, "\n");
}

static void
packs_text(struct vrv_buf *text, const struct varve_coverage *c)
{
	vrv_text_add(text, "%s of %" PRIu64 " %s verified",
	    c->kind == VARVE_COVERS_DATA ? "Data" : "Checksums", c->packs,
	    c->packs == 1 ? "pack" : "packs");
	day(text, " since ", c->since);
	vrv_text_add(text, "\n");
}

static void
time_json(struct vrv_json *j, const char *key, int64_t s)
{
	if (s == 0)
		vrv_json_null(j, key);
	else
		vrv_json_time(j, key, (struct varve_time){s, 0});
}

static void
coverage_json(struct vrv_json *j, const struct varve_coverage *c)
{
	static const char *const kinds[] = {
	    [VARVE_COVERS_SERIES] = "series",
	    [VARVE_COVERS_ARCHIVE] = "archive",
	    [VARVE_COVERS_SUMS] = "pack_checksums",
	    [VARVE_COVERS_DATA] = "pack_data",
	};

	vrv_json_begin(j, NULL);
	vrv_json_str(j, "kind", kinds[c->kind]);
	time_json(j, "since", c->since);
	if (c->kind == VARVE_COVERS_SUMS || c->kind == VARVE_COVERS_DATA) {
		vrv_json_int(j, "packs", c->packs);
	} else {
		vrv_json_str(j, "name", c->name);
		vrv_json_str(j, "hostname", c->host);
		if (c->archive[0] != '\0')
			vrv_json_str(j, "archive_id", c->archive);
		vrv_json_real(j, "part", c->part);
		time_json(j, "complete_from", c->complete_from);
		time_json(j, "complete_to", c->complete_to);
	}
	vrv_json_end(j);
}

static int
on_coverage(void *arg, const struct varve_coverage *c, struct varve_err *err)
{
	struct status *s = arg;

	(void)err;
	if (s->json != NULL)
		coverage_json(s->json, c);
	else if (c->kind == VARVE_COVERS_SUMS || c->kind == VARVE_COVERS_DATA)
		packs_text(&s->text, c);
	else if (s->sweeps++ < SWEEPS_SHOWN)
		sweep_text(&s->text, c);
	return 0;
}

/* --- the state directory --- */

/* Another user, another HOME and the units have ledgers of their own: whoever
 * misses a run must see which one this is. */
static void
where_text(struct status *s, const char *dir)
{
	if (dir[0] == '\0') {
		vrv_text_add(&s->text,
		    "No run is recorded: the state directory cannot be used\n");
		return;
	}
	vrv_text_add(&s->text, "%s", s->empty ? "No run is" : "Runs are");
	vrv_text_add(&s->text, " recorded in ");
	vrv_text_escape(&s->text, dir);
	vrv_text_add(&s->text, "\n");
	if (strcmp(dir, UNIT_STATE_DIR) == 0)
		return;
	if (s->empty || access(UNIT_STATE_DIR, F_OK) == 0)
		vrv_text_add(&s->text,
		    "The systemd units of varve record theirs in %s: set "
		    "VARVE_STATE_DIR to see them\n",
		    UNIT_STATE_DIR);
}

static char *
state_dir(const struct varve_repo_info *info)
{
	/* "" where none can be used. */
	const char *slash =
	    info->state_path == NULL ? NULL : strrchr(info->state_path, '/');

	return vrv_dup(info->state_path,
	    slash == NULL ? 0 : (size_t)(slash - info->state_path));
}

int
vrv_verify_status(struct vrv_cli *cli, struct varve_repo *repo, bool json,
    struct varve_err *err)
{
	struct status s = {.cli = cli, .empty = true};
	struct varve_repo_info info;

	varve_repo_info(repo, &info);
	vrv_auto_free char *dir = state_dir(&info);
	if (json)
		s.json = vrv_json_object();
	if (dir == NULL || (json && s.json == NULL))
		return VRV_NOMEM(err, "the status");
	if (json) {
		vrv_shape_place(s.json, repo);
		vrv_json_str(s.json, "state_directory", dir);
		vrv_json_begin_array(s.json, "runs");
	} else {
		vrv_past_header(&s.text);
	}
	int rc = varve_ledger_runs(repo, on_run, &s, err);
	if (rc == 0 && json) {
		vrv_json_end(s.json);
		vrv_json_begin_array(s.json, "coverage");
	}
	if (rc == 0)
		rc = varve_ledger_coverage(repo, on_coverage, &s, err);
	if (rc != 0) {
		vrv_json_free(s.json);
	} else if (json) {
		vrv_json_end(s.json);
		rc = vrv_shape_print(cli, s.json, err);
	} else {
		if (s.sweeps > SWEEPS_SHOWN)
			vrv_text_add(&s.text,
			    "%zu more series and archives: see --json\n",
			    s.sweeps - SWEEPS_SHOWN);
		where_text(&s, dir);
		rc = vrv_cli_out(cli, &s.text, err);
	}
	vrv_buf_fini(&s.text);
	return rc;
}
