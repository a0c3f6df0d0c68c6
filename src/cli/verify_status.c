/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/runs.h"
#include "cli/shapes.h"
#include "cli/text.h"
#include "util/mem.h"

/* Where the units of contrib/systemd keep their state. */
#define UNIT_STATE_DIR "/var/lib/varve"

struct status {
	struct vrv_cli *cli;
	struct vrv_json *json;
	struct vrv_buf text;
	bool empty;
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

/* Another user, another HOME and the units have ledgers of their own: whoever
 * misses a run must see which one this is. */
static void
where_text(struct status *s, const char *dir)
{
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
	/* Without a state directory varve_ledger_runs() fails and says so. */
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
	if (rc != 0) {
		vrv_json_free(s.json);
	} else if (json) {
		vrv_json_end(s.json);
		rc = vrv_shape_print(cli, s.json, err);
	} else {
		where_text(&s, dir);
		rc = vrv_cli_out(cli, &s.text, err);
	}
	vrv_buf_fini(&s.text);
	return rc;
}
