/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/done.h"
#include "cli/item.h"
#include "cli/pattern.h"
#include "cli/shapes.h"
#include "cli/text.h"
#include "cli/timeparse.h"
#include "cli/timetext.h"
#include "cli/versions.h"
#include "util/mem.h"

struct history_options {
	const char *restore, *archive, *series;
	bool overwrite, to_stdout, json, no_update;
};

#define AT(field) offsetof(struct history_options, field)
static const struct vrv_option options[] = {
    {0, "restore", "WHICH", vrv_set_string, AT(restore),
	"put back a version: its number, 'latest', or 'before:TIME'"},
    {0, "overwrite", NULL, vrv_set_true, AT(overwrite),
	"replace what is there already"},
    {0, "stdout", NULL, vrv_set_true, AT(to_stdout),
	"write the content to standard output instead"},
    {'a', "archive", "GLOB", vrv_set_string, AT(archive),
	"only archives whose name matches"},
    {0, "series", "GLOB", vrv_set_string, AT(series),
	"only these series, as LABEL or HOST:LABEL; they are catalogued if "
	"they are not (default: all that are, and those of this host)"},
    {0, "json", NULL, vrv_set_true, AT(json), "show it as JSON"},
    {0, "no-update", NULL, vrv_set_true, AT(no_update),
	"take the catalog as it is"},
    {0},
};

/* What is kept of a period; texts in the arena of the program. */
struct period {
	struct varve_period at;
	struct varve_item item;
};

struct history {
	struct vrv_cli_catalog versions;
	const struct history_options *o;
	struct vrv_glob *archive;
	char *path;
	struct period *list;
	size_t n, cap;
};

static bool
match_archive(void *arg, const struct varve_archive *a)
{
	struct history *h = arg;

	return (h->archive == NULL ||
		   vrv_glob_match(h->archive, a->name, false)) &&
	    vrv_cli_catalog_of_series(&h->versions, a);
}

/* Replace a text by a copy that stays; false when memory ran out. */
static bool
keep(struct history *h, const char **text)
{
	if (*text == NULL)
		return true;
	*text = vrv_arena_dup(&h->versions.cli->arena, *text, strlen(*text));
	return *text != NULL;
}

static int
add(void *arg, const struct varve_period *at, struct varve_err *err)
{
	struct history *h = arg;

	if (vrv_room_for_one(&h->list, h->n, &h->cap, sizeof(*h->list)) != 0)
		return VRV_NOMEM(err, "the history");
	struct period *p = &h->list[h->n++];
	*p = (struct period){.at = *at};
	p->at.version.path = h->path;
	if (at->version.item == NULL)
		return 0;
	p->item = *at->version.item;
	p->item.path = h->path;
	if (!keep(h, &p->item.user) || !keep(h, &p->item.group) ||
	    !keep(h, &p->item.target))
		return VRV_NOMEM(err, "the history");
	return 0;
}

/* Once the list does not move any more. */
static void
point_to_items(struct history *h)
{
	for (size_t i = 0; i < h->n; i++) {
		if (h->list[i].at.version.item != NULL)
			h->list[i].at.version.item = &h->list[i].item;
	}
}

/* --- output --- */

static void
add_owner(struct vrv_buf *text, const char *name, uint32_t id)
{
	if (name != NULL)
		vrv_text_escape(text, name);
	else
		vrv_text_add(text, "%" PRIu32, id);
}

static bool
same_owner(const struct varve_item *a, const struct varve_item *b)
{
	return a->kind == b->kind && a->mode == b->mode && a->uid == b->uid &&
	    a->gid == b->gid;
}

static bool
same_series(const struct period *a, const struct period *b)
{
	return strcmp(a->at.version.last->host, b->at.version.last->host) ==
	    0 &&
	    strcmp(a->at.version.last->series, b->at.version.last->series) == 0;
}

/* Mode and owner where they are not those of the version before. */
static void
add_details(struct vrv_buf *text, const struct period *p,
    const struct period *before, bool name_series)
{
	char mode[11];

	if (p->at.version.item != NULL &&
	    (before == NULL || !same_owner(&before->item, &p->item))) {
		vrv_item_mode(mode, &p->item);
		vrv_text_add(text, " %s ", mode);
		add_owner(text, p->item.user, p->item.uid);
		vrv_buf_u8(text, ':');
		add_owner(text, p->item.group, p->item.gid);
	}
	if (name_series) {
		vrv_text_add(text, " (");
		vrv_text_escape(text, p->at.version.last->host);
		vrv_buf_u8(text, ':');
		vrv_text_escape(text, p->at.version.last->series);
		vrv_buf_u8(text, ')');
	}
	vrv_buf_u8(text, '\n');
}

static void
add_line(struct history *h, struct vrv_buf *text, const struct period *p)
{
	const struct varve_version *v = &p->at.version;
	vrv_auto_buf struct vrv_buf size = {0};

	if (v->item == NULL) {
		vrv_text_add(text, "   - not in ");
		vrv_version_span(text, v);
		return;
	}
	vrv_text_size(&size, (int64_t)p->item.size, h->versions.cli->common.iec,
	    2, false);
	vrv_text_add(text, "%4u %9s ", p->at.number,
	    vrv_text_part(text, &size));
	vrv_time_format(text, p->item.mtime, "%Y-%m-%d %H:%M:%S", false);
	vrv_text_add(text, " %16s ", v->content[0] != '\0' ? v->content : "-");
	vrv_version_span(text, v);
}

static int
print_text(struct history *h, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf text = {0};
	const struct period *before = NULL;
	bool several = false;

	for (size_t i = 1; i < h->n; i++)
		several = several || !same_series(&h->list[0], &h->list[i]);
	for (size_t i = 0; i < h->n; i++) {
		const struct period *p = &h->list[i];

		if (before != NULL && !same_series(before, p))
			before = NULL;
		add_line(h, &text, p);
		add_details(&text, p, before, several);
		if (p->at.version.item != NULL)
			before = p;
	}
	return vrv_cli_out(h->versions.cli, &text, err);
}

static int
print_json(struct history *h, struct varve_err *err)
{
	struct vrv_json *j = vrv_json_object();

	vrv_json_str(j, "path", h->path);
	vrv_json_begin_array(j, "versions");
	for (size_t i = 0; i < h->n; i++) {
		const struct period *p = &h->list[i];

		vrv_json_begin(j, NULL);
		if (p->at.version.item != NULL)
			vrv_json_int(j, "number", p->at.number);
		else
			vrv_json_null(j, "number");
		vrv_version_json(j, &p->at.version);
		vrv_json_end(j);
	}
	vrv_json_end(j);
	vrv_shape_encryption(j, h->versions.repo);
	vrv_shape_repository(j, h->versions.repo, h->versions.list);
	return vrv_shape_print(h->versions.cli, j, err);
}

/* --- restoring --- */

static bool
is_before(struct varve_time a, struct varve_time b)
{
	return a.s < b.s || (a.s == b.s && a.ns < b.ns);
}

static struct varve_time
last_of(const struct period *p, const struct varve_time *limit)
{
	struct varve_time last = p->at.version.last->nominal;

	return limit != NULL && is_before(*limit, last) ? *limit : last;
}

/* The version in the newest archive, of those before the limit. */
static const struct period *
newest(const struct history *h, const struct varve_time *limit)
{
	const struct period *best = NULL;

	for (size_t i = 0; i < h->n; i++) {
		const struct period *p = &h->list[i];

		if (p->at.version.item == NULL ||
		    (limit != NULL &&
			!is_before(p->at.version.first->nominal, *limit)))
			continue;
		if (best == NULL ||
		    !is_before(last_of(p, limit), last_of(best, limit)))
			best = p;
	}
	return best;
}

static int
choose(const struct history *h, const struct period **ret,
    struct varve_err *err)
{
	const char *which = h->o->restore;
	struct varve_time limit;
	char *end;

	*ret = NULL;
	if (strcmp(which, "latest") == 0) {
		*ret = newest(h, NULL);
	} else if (strncmp(which, "before:", 7) == 0) {
		int rc = vrv_time_or_span(which + 7, h->versions.cli->now,
		    &limit, err);
		if (rc != 0)
			return rc;
		*ret = newest(h, &limit);
	} else {
		unsigned long number = strtoul(which, &end, 10);
		if (which[0] < '0' || which[0] > '9' || *end != '\0')
			return vrv_fail(err, VARVE_USAGE,
			    "option --restore: '%s' is neither the number of a "
			    "version nor 'latest' nor 'before:TIME'",
			    which);
		for (size_t i = 0; i < h->n; i++) {
			if (number > 0 && h->list[i].at.number == number)
				*ret = &h->list[i];
		}
	}
	if (*ret == NULL)
		return vrv_fail(err, VARVE_NOENT,
		    "'%s' has no version '%s': 'varve history' without "
		    "--restore shows those that it has",
		    h->path, which);
	return 0;
}

/* Exactly the path, and what is below it. */
static unsigned
match(void *arg, const char *path, bool is_dir)
{
	const struct history *h = arg;
	size_t n = strlen(path), wanted = strlen(h->path);

	(void)is_dir;
	if (strcmp(h->path, ".") == 0)
		return VARVE_MATCH_INCLUDE | VARVE_MATCH_RECURSE;
	if (n >= wanted && memcmp(path, h->path, wanted) == 0 &&
	    (path[wanted] == '\0' || path[wanted] == '/'))
		return VARVE_MATCH_INCLUDE | VARVE_MATCH_RECURSE;
	if (strcmp(path, ".") == 0 ||
	    (n < wanted && memcmp(path, h->path, n) == 0 && h->path[n] == '/'))
		return VARVE_MATCH_RECURSE;
	return 0;
}

/* From the newest archive that holds the version. */
static int
restore(struct history *h, struct varve_err *err)
{
	struct varve_restore_options how = VARVE_RESTORE_OPTIONS_INIT;
	struct varve_restore_result result = {0};
	struct vrv_cli *cli = h->versions.cli;
	struct vrv_events events = {0};
	const struct period *p;

	int rc = choose(h, &p, err);
	if (rc != 0)
		return rc;
	how.match = match;
	how.match_arg = h;
	how.overwrite = h->o->overwrite;
	how.umask = cli->user_umask;
	how.stdout_fd = h->o->to_stdout ? STDOUT_FILENO : -1;
	how.event = vrv_events_fn;
	how.event_arg = &events;
	vrv_events_start(&events, cli, "extract");
	rc = varve_restore(h->versions.repo, p->at.version.last, &how, &result,
	    err);
	vrv_events_end(&events);
	if (rc != 0)
		return rc;
	cli->warned = cli->warned || result.warnings > 0;
	if (result.skipped > 0)
		return vrv_fail(err, events.damaged ? VARVE_CORRUPT : VARVE_IO,
		    "%" PRIu64 " item%s could not be restored", result.skipped,
		    vrv_plural(result.skipped));
	vrv_cli_done(cli,
	    &(struct vrv_done){result.items, VRV_DONE_UNKNOWN, result.bytes,
		result.warnings},
	    "restored version %u of '%s' from archive '%s'", p->at.number,
	    h->path, p->at.version.last->name);
	return 0;
}

/* --- running --- */

static int
check_options(const struct history_options *o, struct varve_err *err)
{
	if (o->restore == NULL && (o->overwrite || o->to_stdout))
		return vrv_fail(err, VARVE_USAGE,
		    "--overwrite and --stdout go with --restore");
	if (o->restore != NULL && o->json)
		return vrv_fail(err, VARVE_USAGE,
		    "--restore and --json exclude each other");
	if (o->overwrite && o->to_stdout)
		return vrv_fail(err, VARVE_USAGE,
		    "--overwrite and --stdout exclude each other");
	return 0;
}

static int
prepare(struct history *h, struct vrv_cli *cli, const struct vrv_strings *words,
    struct vrv_location *where, struct varve_err *err)
{
	struct vrv_strings rest = {0};
	const char *archive;

	int rc = vrv_cli_location(cli, words, VRV_WANTS_REPO_ARGS, where, &rest,
	    err);
	if (rc == 0 && rest.n == 0)
		rc = vrv_fail(err, VARVE_USAGE, "history needs a PATH");
	if (rc == 0)
		rc = vrv_cli_no_more(&rest, 1, err);
	if (rc == 0)
		rc = check_options(h->o, err);
	if (rc == 0)
		rc = vrv_cli_expand(cli, h->o->archive, &archive, err);
	if (rc == 0 && archive != NULL)
		rc = vrv_glob_new(archive, VRV_GLOB_SHELL, &h->archive, err);
	if (rc != 0)
		return rc;
	h->path = vrv_path_normal(rest.items[0]);
	return h->path == NULL ? VRV_NOMEM(err, "a path") : 0;
}

static int
run(struct vrv_cli *cli, void *arg, const struct vrv_strings *words,
    struct varve_err *err)
{
	struct history h = {.o = arg};
	vrv_auto_location struct vrv_location where = {0};

	int rc = prepare(&h, cli, words, &where, err);
	if (rc == 0)
		rc = vrv_cli_catalog_open(&h.versions, cli, where.repo,
		    h.o->series, h.o->no_update, err);
	if (rc == 0)
		rc = varve_catalog_history(h.versions.catalog, h.path,
		    match_archive, &h, add, &h, err);
	if (rc == 0) {
		point_to_items(&h);
		rc = h.o->restore != NULL ? restore(&h, err) :
		    h.o->json		  ? print_json(&h, err) :
					    print_text(&h, err);
	}
	vrv_cli_catalog_close(&h.versions);
	vrv_glob_free(h.archive);
	free(h.path);
	free(h.list);
	return rc;
}

const struct vrv_command vrv_cmd_history = {
    .name = "history",
    .usage = "[REPO] PATH",
    .summary = "show the versions of a path, or put one back",
    .help = "Shows the versions of PATH in all archives, oldest first: "
	    "number, size, time of modification, content, the archives that "
	    "hold it; mode and owner where they changed. Archives in between "
	    "that do not have it are shown as such. --restore puts a version "
	    "back below the current folder, as extract does.",
    .options = options,
    .size = sizeof(struct history_options),
    .run = run,
};
