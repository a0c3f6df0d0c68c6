/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/change.h"
#include "cli/cmd.h"
#include "cli/select.h"
#include "cli/unmatched.h"
#include "util/mem.h"

struct diff_options {
	bool json_lines, content_only, numeric_ids, sort;
	struct vrv_rules rules;
};

#define AT(field) offsetof(struct diff_options, field)
static const struct vrv_option options[] = {
    {0, "json-lines", NULL, vrv_set_true, AT(json_lines),
	"show differences as JSON, an object a line"},
    {0, "content-only", NULL, vrv_set_true, AT(content_only),
	"only content, not modes, owners and times"},
    {0, "numeric-ids", NULL, vrv_set_true, AT(numeric_ids),
	"compare numbers of users and groups, not names"},
    {0, "numeric-owner", NULL, vrv_set_true, AT(numeric_ids), NULL},
    {0, "sort", NULL, vrv_set_true, AT(sort),
	"sort by path (which they are always)"},
    VRV_EXCLUSION_OPTIONS(struct diff_options),
    VRV_IGNORED(0, "same-chunker-params", NULL),
    {0},
};

struct diff {
	struct vrv_cli *cli;
	const struct diff_options *o;
	bool found; /* a difference */
	struct vrv_buf line;
};

static int
print(void *arg, const struct varve_difference *d, struct varve_err *err)
{
	struct diff *diff = arg;

	diff->found = true;
	vrv_buf_clear(&diff->line);
	if (diff->o->json_lines) {
		struct vrv_json *j = vrv_json_object();
		vrv_change_json(j, d);
		bool ok = vrv_json_sorted(j, &diff->line);
		vrv_json_free(j);
		if (!ok)
			return VRV_NOMEM(err, "JSON");
	} else {
		vrv_change_text(&diff->line, d, diff->cli->common.iec);
	}
	return vrv_cli_out(diff->cli, &diff->line, err);
}

static int
run(struct vrv_cli *cli, void *arg, const struct vrv_strings *words,
    struct varve_err *err)
{
	struct diff diff = {.cli = cli, .o = arg};
	struct varve_diff_options how = VARVE_DIFF_OPTIONS_INIT;
	struct vrv_strings rest, paths;
	const struct varve_archive *a, *b;
	const char *name = NULL;
	vrv_auto_location struct vrv_location where = {0};
	vrv_auto_matcher matcher = NULL;
	vrv_auto_archives list = NULL;
	vrv_auto_repo repo = NULL;

	int rc =
	    vrv_cli_location(cli, words, VRV_WANTS_ARCHIVE, &where, &rest, err);
	if (rc == 0 && rest.n == 0)
		rc = vrv_fail(err, VARVE_USAGE,
		    "diff needs REPO::ARCHIVE1 and ARCHIVE2");
	if (rc != 0)
		return rc;
	paths = vrv_cli_rest(&rest);
	rc = vrv_cli_expand(cli, rest.items[0], &name, err);
	if (rc == 0)
		rc = vrv_matcher_new(&diff.o->rules, &paths, VRV_MATCH_ARCHIVE,
		    &matcher, err);
	if (rc == 0)
		rc = vrv_cli_open(cli, where.repo, false, &repo, err);
	if (rc == 0)
		rc = vrv_archives(cli, repo, &list, err);
	if (rc == 0)
		rc = varve_archive_find(list, where.archive, &a, err);
	if (rc == 0)
		rc = vrv_archives_next(list, name, &b, err);
	if (rc != 0)
		return rc;
	if (!vrv_matcher_is_empty(matcher)) {
		how.match = vrv_matcher_match;
		how.match_arg = matcher;
	}
	how.content_only = diff.o->content_only;
	how.numeric_ids = diff.o->numeric_ids;
	rc = varve_archive_diff(repo, a, b, &how, print, &diff, err);
	vrv_buf_fini(&diff.line);
	/* What is equal in both was not looked at. */
	if (rc == 0)
		rc = vrv_find_unmatched(repo, a, matcher, &diff.found, err);
	if (rc == 0)
		rc = vrv_find_unmatched(repo, b, matcher, &diff.found, err);
	if (rc == 0)
		vrv_warn_unmatched(cli, matcher, diff.found);
	return rc;
}

const struct vrv_command vrv_cmd_diff = {
    .name = "diff",
    .usage = "[REPO]::ARCHIVE1 ARCHIVE2 [PATH...]",
    .summary = "show what differs between two archives",
    .options = options,
    .size = sizeof(struct diff_options),
    .run = run,
};
