/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/runs.h"
#include "cli/select.h"
#include "cli/shapes.h"
#include "cli/text.h"
#include "util/mem.h"

#define SECONDS_PER_DAY 86400

struct check_options {
	bool repository_only, archives_only, verify_data, json;
	unsigned threads, max_duration, max_age;
	struct vrv_selection select;
};

#define AT(field) offsetof(struct check_options, field)
static const struct vrv_option options[] = {
    {0, "repository-only", NULL, vrv_set_true, AT(repository_only),
	"only whether each object is whole: needs no passphrase"},
    {0, "archives-only", NULL, vrv_set_true, AT(archives_only),
	"only whether all that archives refer to is there"},
    {0, "verify-data", NULL, vrv_set_true, AT(verify_data),
	"also decrypt and verify all data"},
    {0, "max-duration", "SECONDS", vrv_set_positive, AT(max_duration),
	"begin no more packs after SECONDS; the next run goes on"},
    {0, "max-age", "DAYS", vrv_set_positive, AT(max_age),
	"leave out packs found sound less than DAYS ago"},
    {0, "threads", "N", vrv_set_positive, AT(threads),
	"threads to use (default: one for each processor)"},
    {0, "json", NULL, vrv_set_true, AT(json), "show the result as JSON"},
    VRV_SELECTION_OPTIONS(struct check_options),
    VRV_IGNORED(0, "save-space", NULL),
    {0},
};

static int
check_usage(const struct check_options *o, bool selected, struct varve_err *err)
{
	if (o->repository_only && o->archives_only)
		return vrv_fail(err, VARVE_USAGE,
		    "--repository-only and "
		    "--archives-only exclude each other");
	if (o->repository_only && o->verify_data)
		return vrv_fail(err, VARVE_USAGE,
		    "--repository-only has no "
		    "key, which --verify-data needs");
	if (o->repository_only && selected)
		return vrv_fail(err, VARVE_USAGE,
		    "--repository-only is about "
		    "all objects: it takes no choice of archives");
	if (o->archives_only && !o->verify_data &&
	    (o->max_duration != 0 || o->max_age != 0))
		return vrv_fail(err, VARVE_USAGE,
		    "--archives-only looks at no packs, which --max-duration "
		    "and --max-age are about");
	return 0;
}

static int
choose(struct vrv_cli *cli, const struct check_options *o, const char *name,
    const struct varve_archive_list *list, struct vrv_selected *ret,
    struct varve_err *err)
{
	if (name == NULL)
		return vrv_select(cli, list, &o->select, ret, err);
	ret->items = vrv_arena_alloc(&cli->arena, sizeof(ret->items[0]));
	if (ret->items == NULL)
		return vrv_fail(err, VARVE_NOMEM, "no memory for archives");
	ret->n = 1;
	return varve_archive_find(list, name, ret->items, err);
}

/* What was not looked at, for behind another text. */
static void
rest_text(struct vrv_buf *buf, const struct varve_check_result *r)
{
	if (r->packs_recent > 0)
		vrv_text_add(buf,
		    "; %" PRIu64 " of %" PRIu64
		    " pack%s left out for their age",
		    r->packs_recent, r->packs_listed,
		    vrv_plural(r->packs_listed));
	if (r->packs_left > 0)
		vrv_text_add(buf,
		    "; %" PRIu64 " of %" PRIu64 " pack%s left for the next run",
		    r->packs_left, r->packs_listed,
		    vrv_plural(r->packs_listed));
}

static void
archives_json(struct vrv_json *j, const struct vrv_buf *archives)
{
	const char *at = (const char *)archives->data;
	const char *end = at + archives->len;

	vrv_json_begin_array(j, "damaged_archives");
	while (!archives->failed && at < end) {
		const char *name = at + strlen(at) + 1;
		vrv_json_begin(j, NULL);
		vrv_json_str(j, "name", name);
		vrv_json_str(j, "id", at);
		vrv_json_end(j);
		at = name + strlen(name) + 1;
	}
	vrv_json_end(j);
}

/* Behind the findings, which are in it already. */
static void
result_json(struct vrv_json *j, const struct varve_check_result *r)
{
	vrv_json_begin(j, "checked");
	vrv_json_int(j, "objects", r->objects);
	vrv_json_int(j, "object_bytes", r->object_bytes);
	vrv_json_int(j, "archives", r->archives);
	vrv_json_int(j, "trees", r->trees);
	vrv_json_int(j, "entries", r->entries);
	vrv_json_int(j, "frames", r->frames);
	vrv_json_int(j, "chunks", r->chunks);
	vrv_json_int(j, "packs", r->packs);
	vrv_json_end(j);
	vrv_json_int(j, "archives_damaged", r->archives_damaged);
	vrv_json_int(j, "packs", r->packs_listed);
	vrv_json_int(j, "packs_recent", r->packs_recent);
	vrv_json_int(j, "packs_left", r->packs_left);
	vrv_json_int(j, "packs_unreferenced", r->unreferenced);
	vrv_json_int(j, "names_unknown", r->unknown);
	vrv_json_int(j, "problems", r->problems);
	vrv_json_int(j, "unread", r->unread);
	vrv_json_int(j, "denied", r->denied);
	vrv_json_str(j, "result",
	    vrv_past_result(r->problems == 0 ? VARVE_RUN_GOOD : VARVE_RUN_BAD));
}

/* Run it; with --json its result is printed. */
static int
run_check(struct vrv_cli *cli, struct varve_repo *repo, bool json,
    struct varve_check_options *how, struct varve_check_result *ret,
    struct varve_err *err)
{
	struct vrv_events events = {0};

	if (json && (events.findings = vrv_json_object()) == NULL)
		return VRV_NOMEM(err, "JSON");
	vrv_json_begin_array(events.findings, "findings");
	how->event = vrv_events_fn;
	how->event_arg = &events;
	vrv_events_start(&events, cli, "check");
	int rc = varve_check(repo, how, ret, err);
	vrv_events_end(&events);
	vrv_json_end(events.findings);
	if (rc == 0 && events.archives.failed)
		rc = VRV_NOMEM(err, "JSON");
	if (rc == 0 && json)
		archives_json(events.findings, &events.archives);
	vrv_buf_fini(&events.archives);
	if (rc != 0 || !json) {
		vrv_json_free(events.findings);
		return rc;
	}
	result_json(events.findings, ret);
	vrv_shape_place(events.findings, repo);
	return vrv_shape_print(cli, events.findings, err);
}

static int
check(struct vrv_cli *cli, struct varve_repo *repo, bool json,
    struct varve_check_options *how, struct varve_err *err)
{
	struct varve_check_result r = {0};
	vrv_auto_buf struct vrv_buf rest = {0};
	int rc = run_check(cli, repo, json, how, &r, err);

	if (rc != 0)
		return rc;
	vrv_log(&cli->log, VRV_LOG_INFO,
	    "checked %" PRIu64 " object%s, %" PRIu64 " archive%s, %" PRIu64
	    " tree%s, %" PRIu64 " chunk%s",
	    r.objects, vrv_plural(r.objects), r.archives,
	    vrv_plural(r.archives), r.trees, vrv_plural(r.trees), r.chunks,
	    vrv_plural(r.chunks));
	if (r.unknown > 0)
		vrv_log(&cli->log, VRV_LOG_WARNING,
		    "ignored %" PRIu64 " file%s in the repository that varve "
		    "did not make",
		    r.unknown, vrv_plural(r.unknown));
	if (r.unreferenced > 0)
		vrv_log(&cli->log, VRV_LOG_INFO,
		    "%" PRIu64 " pack%s not listed in any index",
		    r.unreferenced, r.unreferenced == 1 ? " is" : "s are");
	rest_text(&rest, &r);
	if (r.problems == 0) {
		vrv_log(&cli->log, VRV_LOG_INFO, "no problems found%s%s",
		    rest.len > 0 ? " in what was looked at" : "",
		    vrv_text_str(&rest));
		return 0;
	}
	return vrv_cli_findings(r.problems, r.unread, r.denied,
	    vrv_text_str(&rest), err);
}

static int
run(struct vrv_cli *cli, void *arg, const struct vrv_strings *words,
    struct varve_err *err)
{
	const struct check_options *o = arg;
	struct varve_check_options check_all = VARVE_CHECK_OPTIONS_INIT;
	struct vrv_selected only = {0};
	vrv_auto_location struct vrv_location where = {0};
	vrv_auto_archives list = NULL;
	vrv_auto_repo repo = NULL;

	int rc =
	    vrv_cli_location(cli, words, VRV_WANTS_EITHER, &where, NULL, err);
	bool some = where.archive != NULL || vrv_selection_given(&o->select);
	if (rc == 0)
		rc = check_usage(o, some, err);
	if (rc == 0)
		rc = vrv_cli_open(cli, where.repo, o->repository_only, &repo,
		    err);
	if (rc == 0 && some)
		rc = vrv_archives(cli, repo, &list, err);
	if (rc == 0 && some)
		rc = choose(cli, o, where.archive, list, &only, err);
	if (rc != 0)
		return rc;
	check_all.objects = !o->archives_only;
	check_all.archives = !o->repository_only;
	check_all.verify_data = o->verify_data;
	check_all.threads = o->threads;
	check_all.max_duration = o->max_duration;
	check_all.max_age = (uint64_t)o->max_age * SECONDS_PER_DAY;
	check_all.only = some ? only.items : NULL;
	check_all.n_only = only.n;
	return check(cli, repo, o->json, &check_all, err);
}

const struct vrv_command vrv_cmd_check = {
    .name = "check",
    .usage = "[REPO][::ARCHIVE]",
    .summary = "prove that a repository is whole",
    .help = "Looks at every object, then at everything that the archives "
	    "refer to. Each problem is a line that names the object and what "
	    "it concerns. The exit status is 90 if anything is damaged or "
	    "missing, else 21 or 2 if something could not be read. With "
	    "--max-duration or --max-age packs are looked at a part at a "
	    "time, those first that were looked at the longest ago.",
    .options = options,
    .size = sizeof(struct check_options),
    .run = run,
};
