/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>

#include "cli/cmd.h"
#include "cli/select.h"
#include "cli/shapes.h"
#include "cli/text.h"
#include "cli/timetext.h"
#include "cli/versions.h"

struct catalog_options {
	const char *series;
	bool stats, json;
};

#define AT(field) offsetof(struct catalog_options, field)
static const struct vrv_option rebuild_options[] = {
    {0, "series", "GLOB", vrv_set_string, AT(series),
	"also these series, as LABEL or HOST:LABEL, from now on; '*' for all"},
    {'s', "stats", NULL, vrv_set_true, AT(stats), "say how much was done"},
    {0},
};
static const struct vrv_option status_options[] = {
    {0, "json", NULL, vrv_set_true, AT(json), "show it as JSON"},
    {0},
};
static const struct vrv_option no_options[] = {{0}};

/* --- rebuild --- */

static void
show_change(struct vrv_cli *cli, const struct catalog_options *o,
    const struct varve_catalog_change *change)
{
	vrv_auto_buf struct vrv_buf text = {0};
	double rate =
	    change->seconds > 0 ? (double)change->entries / change->seconds : 0;

	vrv_text_add(&text,
	    "catalogued %" PRIu64 " archive%s, %" PRIu64
	    " %s in %.2f seconds (%.0f entries/s)",
	    change->archives, vrv_plural(change->archives), change->entries,
	    change->entries == 1 ? "entry" : "entries", change->seconds, rate);
	if (o->stats)
		vrv_log_output(&cli->log, "stats", vrv_text_str(&text));
	else
		vrv_log(&cli->log, VRV_LOG_INFO, "%s", vrv_text_str(&text));
}

static int
run_rebuild(struct vrv_cli *cli, void *arg, const struct vrv_strings *words,
    struct varve_err *err)
{
	const struct catalog_options *o = arg;
	struct varve_catalog_change change = {0};
	struct vrv_cli_catalog versions = {0};
	vrv_auto_location struct vrv_location where = {0};

	int rc =
	    vrv_cli_location(cli, words, VRV_WANTS_REPO, &where, NULL, err);
	if (rc == 0)
		rc = vrv_cli_catalog_open(&versions, cli, where.repo, o->series,
		    true, err);
	if (rc == 0)
		rc = varve_catalog_rebuild(versions.catalog, &change, err);
	vrv_cli_catalog_close(&versions);
	if (rc != 0)
		return rc;
	cli->warned = cli->warned || change.failed > 0;
	show_change(cli, o, &change);
	return 0;
}

/* --- status --- */

static void
status_text(struct vrv_cli *cli, struct vrv_buf *text,
    const struct varve_catalog_status *s)
{
	vrv_text_add(text, "Catalog: ");
	vrv_text_escape(text, s->path);
	if (!s->exists)
		vrv_text_add(text, "\nState: there is none yet");
	else if (s->whole)
		vrv_text_add(text, "\nState: whole");
	else
		vrv_text_add(text,
		    "\nState: damaged (%s); it is made anew when it is used "
		    "next",
		    s->damage);
	if (s->whole) {
		vrv_text_add(text, "\nSize: ");
		vrv_text_size(text, (int64_t)s->size, cli->common.iec, 2,
		    false);
		vrv_text_add(text,
		    "\nEntries: %" PRIu64 " in %" PRIu64 " folder%s\nUpdated: ",
		    s->versions, s->dirs, vrv_plural(s->dirs));
		if (s->updated.s != 0)
			vrv_time_text(text, s->updated);
		else
			vrv_text_add(text, "never");
	}
	vrv_text_add(text, "\nArchives catalogued, of each series:\n");
	for (size_t i = 0; i < s->n_series; i++) {
		vrv_text_add(text, "%8" PRIu64 " of %-8" PRIu64 " ",
		    s->series[i].catalogued, s->series[i].archives);
		vrv_text_escape(text, s->series[i].host);
		vrv_buf_u8(text, ':');
		vrv_text_escape(text, s->series[i].label);
		vrv_buf_u8(text, '\n');
	}
}

static void
status_json(struct vrv_json *j, const struct varve_catalog_status *s)
{
	vrv_json_begin(j, "catalog");
	vrv_json_str(j, "path", s->path);
	vrv_json_bool(j, "exists", s->exists);
	vrv_json_bool(j, "whole", s->whole);
	if (s->damage != NULL)
		vrv_json_str(j, "damage", s->damage);
	vrv_json_int(j, "size", s->size);
	vrv_json_int(j, "archives", s->archives);
	vrv_json_int(j, "entries", s->versions);
	vrv_json_int(j, "folders", s->dirs);
	if (s->updated.s != 0)
		vrv_json_time(j, "updated", s->updated);
	else
		vrv_json_null(j, "updated");
	vrv_json_begin_array(j, "series");
	for (size_t i = 0; i < s->n_series; i++) {
		vrv_json_begin(j, NULL);
		vrv_json_str(j, "hostname", s->series[i].host);
		vrv_json_str(j, "series", s->series[i].label);
		vrv_json_int(j, "catalogued", s->series[i].catalogued);
		vrv_json_int(j, "archives", s->series[i].archives);
		vrv_json_end(j);
	}
	vrv_json_end(j);
	vrv_json_end(j);
}

static int
print_status(struct vrv_cli *cli, struct varve_repo *repo,
    const struct varve_archive_list *list, const struct varve_catalog_status *s,
    bool json, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf text = {0};

	if (json) {
		struct vrv_json *j = vrv_json_object();
		status_json(j, s);
		vrv_shape_encryption(j, repo);
		vrv_shape_repository(j, repo, list);
		return vrv_shape_print(cli, j, err);
	}
	status_text(cli, &text, s);
	return vrv_cli_out(cli, &text, err);
}

/* A repository and nothing else. */
static int
open_repo(struct vrv_cli *cli, const struct vrv_strings *words,
    struct varve_repo **ret, struct varve_err *err)
{
	vrv_auto_location struct vrv_location where = {0};
	int rc =
	    vrv_cli_location(cli, words, VRV_WANTS_REPO, &where, NULL, err);

	return rc == 0 ? vrv_cli_open(cli, where.repo, false, ret, err) : rc;
}

static int
run_status(struct vrv_cli *cli, void *arg, const struct vrv_strings *words,
    struct varve_err *err)
{
	const struct catalog_options *o = arg;
	struct varve_catalog_status *status;
	vrv_auto_archives list = NULL;
	vrv_auto_repo repo = NULL;

	int rc = open_repo(cli, words, &repo, err);
	if (rc == 0)
		rc = vrv_archives(cli, repo, &list, err);
	if (rc == 0)
		rc = varve_catalog_status(repo, list, &status, err);
	if (rc != 0)
		return rc;
	rc = print_status(cli, repo, list, status, o->json, err);
	varve_catalog_status_free(status);
	return rc;
}

/* --- drop --- */

static int
run_drop(struct vrv_cli *cli, void *arg, const struct vrv_strings *words,
    struct varve_err *err)
{
	vrv_auto_repo repo = NULL;
	bool was = false;

	(void)arg;
	int rc = open_repo(cli, words, &repo, err);
	if (rc == 0)
		rc = varve_catalog_drop(repo, &was, err);
	if (rc == 0)
		vrv_log(&cli->log, VRV_LOG_INFO, "%s",
		    was ? "removed the catalog" : "there was no catalog");
	return rc;
}

const struct vrv_command vrv_cmd_catalog_rebuild = {
    .name = "catalog rebuild",
    .usage = "[REPO]",
    .summary = "make the catalog anew from the archives",
    .help = "Not needed for a damaged one, which is made anew by whatever "
	    "uses it.",
    .options = rebuild_options,
    .size = sizeof(struct catalog_options),
    .run = run_rebuild,
};

const struct vrv_command vrv_cmd_catalog_status = {
    .name = "catalog status",
    .usage = "[REPO]",
    .summary = "show what the catalog covers, and test it",
    .options = status_options,
    .size = sizeof(struct catalog_options),
    .run = run_status,
};

const struct vrv_command vrv_cmd_catalog_drop = {
    .name = "catalog drop",
    .usage = "[REPO]",
    .summary = "remove the catalog",
    .help = "It is made again by the next command that uses it.",
    .options = no_options,
    .run = run_drop,
};
