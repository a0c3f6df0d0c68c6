/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>

#include "cli/cmd.h"
#include "cli/select.h"
#include "cli/shapes.h"
#include "cli/text.h"
#include "util/mem.h"

struct du_options {
	unsigned depth;
	bool summarize, json;
};

#define AT(field) offsetof(struct du_options, field)
static const struct vrv_option options[] = {
    {'d', "depth", "N", vrv_set_unsigned, AT(depth),
	"also show folders, down to N levels below each path"},
    {'s', "summarize", NULL, vrv_set_true, AT(summarize),
	"only the paths themselves (which is the default)"},
    {0, "json", NULL, vrv_set_true, AT(json), "show it as JSON"},
    {0},
};

struct du {
	struct vrv_cli *cli;
	bool all; /* archives, not one */
	bool any; /* line was told */
	struct vrv_json *json;
	bool in_array;
	struct vrv_buf line;
};

static void
line_json(struct du *du, const struct varve_du_line *line)
{
	if (line->together && du->in_array) {
		vrv_json_end(du->json);
		du->in_array = false;
	}
	vrv_json_begin(du->json, line->together ? "together" : NULL);
	if (!line->together) {
		vrv_json_str(du->json, "path", line->path);
		vrv_json_int(du->json, "depth", line->depth);
		vrv_json_int(du->json, "archives", line->archives);
	}
	vrv_json_int(du->json, "nfiles", line->files);
	vrv_json_int(du->json, "original_size", line->original);
	vrv_json_int(du->json, "all_original_size", line->all_original);
	vrv_json_int(du->json, "deduplicated_size", line->deduplicated);
	vrv_json_int(du->json, "compressed_size", line->stored);
	vrv_json_end(du->json);
}

static void
column(struct du *du, uint64_t bytes, int width)
{
	vrv_auto_buf struct vrv_buf size = {0};

	vrv_text_size(&size, (int64_t)bytes, du->cli->common.iec, 2, false);
	vrv_text_add(&du->line, "%*s ", width, vrv_text_part(&du->line, &size));
}

static int
on_line(void *arg, const struct varve_du_line *line, struct varve_err *err)
{
	struct du *du = arg;

	if (du->json != NULL) {
		line_json(du, line);
		return 0;
	}
	vrv_buf_clear(&du->line);
	if (!du->any && du->all)
		vrv_text_add(&du->line, "%14s %14s %18s %16s  %s\n",
		    "Original size", "All archives", "Deduplicated size",
		    "Compressed size", "Path");
	else if (!du->any)
		vrv_text_add(&du->line, "%14s %18s %16s  %s\n", "Original size",
		    "Deduplicated size", "Compressed size", "Path");
	du->any = true;
	column(du, line->original, 14);
	if (du->all)
		column(du, line->all_original, 14);
	column(du, line->deduplicated, 18);
	column(du, line->stored, 16);
	vrv_buf_u8(&du->line, ' ');
	vrv_text_escape(&du->line, line->together ? "(together)" : line->path);
	vrv_buf_u8(&du->line, '\n');
	return vrv_cli_out(du->cli, &du->line, err);
}

static int
finish_json(struct du *du, struct varve_repo *repo,
    const struct varve_archive_list *list, const struct varve_archive *one,
    bool complete, struct varve_err *err)
{
	struct vrv_json *j = vrv_steal(&du->json);

	if (du->in_array)
		vrv_json_end(j);
	if (one != NULL)
		vrv_json_str(j, "archive", one->name);
	vrv_json_bool(j, "complete", complete);
	vrv_shape_encryption(j, repo);
	vrv_shape_repository(j, repo, list);
	return vrv_shape_print(du->cli, j, err);
}

static int
show(struct du *du, struct varve_repo *repo,
    const struct varve_archive_list *list, struct varve_du_options *how,
    bool as_json, struct varve_err *err)
{
	struct varve_du_result result = {0};
	struct vrv_events events = {0};

	how->event = vrv_events_fn;
	how->event_arg = &events;
	if (as_json) {
		du->json = vrv_json_object();
		if (du->json == NULL)
			return VRV_NOMEM(err, "JSON");
		vrv_json_begin_array(du->json, "paths");
		du->in_array = true;
	}
	vrv_events_start(&events, du->cli, "du");
	int rc = varve_du(repo, list, how, on_line, du, &result, err);
	vrv_events_end(&events);
	if (rc == 0 && as_json)
		rc = finish_json(du, repo, list, how->archive,
		    result.problems == 0, err);
	if (rc != 0 || result.problems == 0)
		return rc;
	return vrv_cli_findings(result.problems, result.unread, result.denied,
	    ": these sizes are not right; see what varve check says", err);
}

static int
run(struct vrv_cli *cli, void *arg, const struct vrv_strings *words,
    struct varve_err *err)
{
	const struct du_options *o = arg;
	struct varve_du_options how = VARVE_DU_OPTIONS_INIT;
	struct vrv_strings paths;
	struct du du = {.cli = cli};
	vrv_auto_location struct vrv_location where = {0};
	vrv_auto_archives list = NULL;
	vrv_auto_repo repo = NULL;

	if (o->summarize && o->depth > 0)
		return vrv_fail(err, VARVE_USAGE,
		    "--summarize and --depth exclude each other");
	int rc = vrv_cli_location(cli, words, VRV_WANTS_EITHER_ARGS, &where,
	    &paths, err);
	if (rc == 0)
		rc = vrv_cli_open(cli, where.repo, false, &repo, err);
	if (rc == 0)
		rc = vrv_archives(cli, repo, &list, err);
	du.all = where.archive == NULL;
	if (rc == 0 && !du.all)
		rc = varve_archive_find(list, where.archive, &how.archive, err);
	if (rc != 0)
		return rc;
	how.paths = paths.items;
	how.n_paths = paths.n;
	how.depth = o->depth;
	rc = show(&du, repo, list, &how, o->json, err);
	vrv_json_free(du.json);
	vrv_buf_fini(&du.line);
	return rc;
}

const struct vrv_command vrv_cmd_du = {
    .name = "du",
    .usage = "[REPO][::ARCHIVE] [PATH...]",
    .summary = "show what paths take, and what they alone hold",
    .help = "The deduplicated size is what would be free if the path were "
	    "taken out of the archive, or, where no archive is named, out of "
	    "all of them: what nothing else needs. Without PATH it is that of "
	    "the whole archive or repository.",
    .options = options,
    .size = sizeof(struct du_options),
    .run = run,
};
