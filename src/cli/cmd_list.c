/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/cmd.h"
#include "cli/item.h"
#include "cli/select.h"
#include "cli/series.h"
#include "cli/shapes.h"
#include "cli/unmatched.h"
#include "util/mem.h"

#define ARCHIVES_FORMAT "{archive:<36} {time} [{id}]{extra}{NL}"
#define ITEMS_FORMAT                                                           \
	"{mode} {user:6} {group:6} {size:8} {mtime} {path}{extra}{NL}"

struct list_options {
	bool is_short, json, json_lines, series;
	const char *format;
	struct vrv_selection select;
	struct vrv_rules rules;
};

#define AT(field) offsetof(struct list_options, field)
static const struct vrv_option options[] = {
    {0, "short", NULL, vrv_set_true, AT(is_short), "only names or paths"},
    {0, "format", "FORMAT", vrv_set_string, AT(format),
	"a line for each; see 'varve help format'"},
    {0, "json", NULL, vrv_set_true, AT(json), "archives as JSON"},
    {0, "json-lines", NULL, vrv_set_true, AT(json_lines),
	"content as JSON, an object a line"},
    {0, "series", NULL, vrv_set_true, AT(series),
	"series: the newest archive of each, and when it was last verified"},
    VRV_SELECTION_OPTIONS(struct list_options),
    VRV_EXCLUSION_OPTIONS(struct list_options),
    VRV_IGNORED(0, "consider-checkpoints", NULL),
    {0},
};

struct listing {
	struct vrv_cli *cli;
	const struct list_options *o;
	struct vrv_format *format;
	const struct varve_archive *archive;
	bool found; /* an item */
	struct vrv_buf line;
};

static int
print_item(void *arg, const struct varve_item *item, struct varve_err *err)
{
	struct listing *l = arg;
	struct vrv_item_at at = {item, l->archive};

	l->found = true;
	vrv_buf_clear(&l->line);
	if (l->o->json_lines) {
		struct vrv_json *j = vrv_json_object();
		vrv_item_json(j, &at, l->format);
		bool ok = vrv_json_line(j, &l->line);
		vrv_json_free(j);
		if (!ok)
			return VRV_NOMEM(err, "JSON");
	} else {
		vrv_format_line(l->format, vrv_item_value, &at, &l->line);
	}
	return vrv_cli_out(l->cli, &l->line, err);
}

static int
list_content(struct listing *l, struct varve_repo *repo, const char *name,
    const struct vrv_strings *paths, struct varve_err *err)
{
	struct varve_walk_options walk = VARVE_WALK_OPTIONS_INIT;
	vrv_auto_archives list = NULL;
	vrv_auto_matcher matcher = NULL;

	int rc = vrv_matcher_new(&l->o->rules, paths, VRV_MATCH_ARCHIVE,
	    &matcher, err);
	if (rc == 0)
		rc = vrv_archives(l->cli, repo, &list, err);
	if (rc == 0)
		rc = varve_archive_find(list, name, &l->archive, err);
	if (rc != 0)
		return rc;
	if (!vrv_matcher_is_empty(matcher)) {
		walk.match = vrv_matcher_match;
		walk.match_arg = matcher;
	}
	walk.with_chunks = vrv_format_uses(l->format, VRV_ITEM_NUM_CHUNKS);
	rc = varve_archive_walk(repo, l->archive, &walk, print_item, l, err);
	if (rc == 0)
		vrv_warn_unmatched(l->cli, matcher, l->found);
	return rc;
}

static int
print_json(struct listing *l, struct varve_repo *repo,
    const struct varve_archive_list *list, const struct vrv_selected *selected,
    const struct vrv_series_list *series, struct varve_err *err)
{
	struct vrv_json *j = vrv_json_object();

	vrv_json_begin_array(j, "archives");
	for (size_t i = 0; i < selected->n; i++) {
		vrv_json_begin(j, NULL);
		vrv_archive_json(j, selected->items[i]);
		vrv_json_end(j);
	}
	vrv_json_end(j);
	if (l->o->series)
		vrv_series_json(j, series);
	vrv_shape_encryption(j, repo);
	vrv_shape_repository(j, repo, list);
	return vrv_shape_print(l->cli, j, err);
}

static int
print_archives(struct listing *l, const struct vrv_selected *selected,
    struct varve_err *err)
{
	for (size_t i = 0; i < selected->n; i++) {
		vrv_buf_clear(&l->line);
		vrv_format_line(l->format, vrv_archive_value,
		    (void *)(uintptr_t)selected->items[i], &l->line);
		int rc = vrv_cli_out(l->cli, &l->line, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int
list_archives(struct listing *l, struct varve_repo *repo, struct varve_err *err)
{
	struct vrv_selected selected;
	struct vrv_series_list series = {0};
	vrv_auto_archives list = NULL;

	int rc = vrv_archives(l->cli, repo, &list, err);
	if (rc == 0)
		rc = vrv_select(l->cli, list, &l->o->select, &selected, err);
	if (rc == 0 && l->o->series)
		rc = vrv_series_status(l->cli, repo, list, &series, err);
	if (rc != 0)
		return rc;
	if (l->o->json)
		return print_json(l, repo, list, &selected, &series, err);
	if (!l->o->series)
		return print_archives(l, &selected, err);
	vrv_series_text(&l->line, &series);
	return vrv_cli_out(l->cli, &l->line, err);
}

static int
check_options(const struct list_options *o, bool content, size_t paths,
    struct varve_err *err)
{
	if (content && o->json)
		return vrv_fail(err, VARVE_USAGE,
		    "--json is for archives: use "
		    "--json-lines for the content of one");
	if (!content && o->json_lines)
		return vrv_fail(err, VARVE_USAGE,
		    "--json-lines is for the "
		    "content of an archive: use --json for archives");
	if (o->series && (content || o->is_short || o->format != NULL))
		return vrv_fail(err, VARVE_USAGE,
		    "--series shows all series of a repository: it takes no "
		    "archive, --short or --format");
	if (o->series && vrv_selection_given(&o->select) && !o->json)
		return vrv_fail(err, VARVE_USAGE,
		    "--series shows all series of a repository: it does not "
		    "go with --glob-archives, --first or --last");
	if (content && vrv_selection_given(&o->select))
		return vrv_fail(err, VARVE_USAGE,
		    "--glob-archives, --first "
		    "and --last select archives, but one is named");
	if (!content && (paths > 0 || o->rules.n > 0))
		return vrv_fail(err, VARVE_USAGE,
		    "paths and patterns select "
		    "content, but no archive is named");
	return 0;
}

static int
run(struct vrv_cli *cli, void *arg, const struct vrv_strings *words,
    struct varve_err *err)
{
	struct listing l = {.cli = cli, .o = arg};
	struct vrv_strings paths = {0};
	vrv_auto_location struct vrv_location where = {0};
	vrv_auto_format format = NULL;
	vrv_auto_repo repo = NULL;

	int rc =
	    vrv_cli_location(cli, words, VRV_WANTS_EITHER, &where, &paths, err);
	bool content = where.archive != NULL;
	if (rc == 0)
		rc = check_options(l.o, content, paths.n, err);
	if (rc != 0)
		return rc;
	const char *text = l.o->format != NULL ? l.o->format :
	    content ? (l.o->is_short ? "{path}{NL}" : ITEMS_FORMAT) :
		      (l.o->is_short ? "{archive}{NL}" : ARCHIVES_FORMAT);
	rc = vrv_format_new(text, content ? vrv_item_keys : vrv_archive_keys,
	    &format, err);
	l.format = format;
	if (rc == 0)
		rc = vrv_cli_open(cli, where.repo, false, &repo, err);
	if (rc == 0)
		rc = content ?
		    list_content(&l, repo, where.archive, &paths, err) :
		    list_archives(&l, repo, err);
	vrv_buf_fini(&l.line);
	return rc;
}

const struct vrv_command vrv_cmd_list = {
    .name = "list",
    .usage = "[REPO] | [REPO]::ARCHIVE [PATH...]",
    .summary = "list archives, or what is in one",
    .help = "Control characters and bytes that are no UTF-8 are shown as "
	    "\\xNN; the keys bpath and barchive of a format give the bytes.",
    .options = options,
    .size = sizeof(struct list_options),
    .run = run,
};
