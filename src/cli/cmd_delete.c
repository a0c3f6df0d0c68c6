/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "cli/cmd.h"
#include "cli/done.h"
#include "cli/select.h"
#include "cli/text.h"
#include "cli/timetext.h"

struct delete_options {
	bool dry_run, list;
	struct vrv_selection select;
};

#define AT(field) offsetof(struct delete_options, field)
static const struct vrv_option options[] = {
    {'n', "dry-run", NULL, vrv_set_true, AT(dry_run), "delete nothing"},
    {0, "list", NULL, vrv_set_true, AT(list), "list the archives"},
    VRV_SELECTION_OPTIONS(struct delete_options),
    VRV_IGNORED(0, "force", NULL),
    VRV_IGNORED(0, "save-space", NULL),
    VRV_IGNORED('c', "checkpoint-interval", "SECONDS"),
    {0},
};

static int
add_named(struct vrv_selected *which, const char *name, bool first,
    const struct varve_archive_list *list, struct varve_err *err)
{
	const struct varve_archive *found;
	int rc = first ? varve_archive_find(list, name, &found, err) :
			 vrv_archives_next(list, name, &found, err);

	/* Run twice by mistake, it would delete two archives. */
	if (rc == 0 && strcmp(name, VARVE_LATEST) == 0 &&
	    strcmp(found->name, name) != 0)
		return vrv_fail(err, VARVE_USAGE,
		    "delete needs the name of an archive, not '" VARVE_LATEST
		    "': the newest is '%s'",
		    found->name);

	for (size_t i = 0; rc == 0 && i < which->n; i++) {
		if (which->items[i] == found)
			return 0;
	}
	if (rc == 0)
		which->items[which->n++] = found;
	return rc;
}

/* Archives by name: that of the location, and further words. */
static int
choose_named(struct vrv_cli *cli, const struct vrv_location *where,
    const struct vrv_strings *names, const struct varve_archive_list *list,
    struct vrv_selected *ret, struct varve_err *err)
{
	int rc = 0;

	ret->items = vrv_arena_alloc(&cli->arena,
	    (names->n + 1) * sizeof(ret->items[0]));
	if (ret->items == NULL)
		return vrv_fail(err, VARVE_NOMEM, "no memory for archives");
	if (where->archive != NULL)
		rc = add_named(ret, where->archive, true, list, err);
	for (size_t i = 0; i < names->n && rc == 0; i++) {
		const char *name;
		rc = vrv_cli_expand(cli, names->items[i], &name, err);
		if (rc == 0)
			rc = add_named(ret, name,
			    where->archive == NULL && i == 0, list, err);
	}
	return rc;
}

static void
show(struct vrv_cli *cli, const struct vrv_selected *which, bool dry_run)
{
	for (size_t i = 0; i < which->n; i++) {
		const struct varve_archive *a = which->items[i];
		vrv_auto_buf struct vrv_buf text = {0};
		vrv_text_add(&text, "%s %-36s ",
		    dry_run ? "Would delete archive:" : "Deleting archive:",
		    a->name);
		vrv_time_text(&text, a->nominal);
		vrv_text_add(&text, " [%s] (%zu/%zu)", a->id, i + 1, which->n);
		vrv_log_output(&cli->log, "list", vrv_text_str(&text));
	}
}

static void
say_deleted(struct vrv_cli *cli, const struct vrv_selected *which)
{
	struct vrv_done done = {.items = VRV_DONE_UNKNOWN};

	for (size_t i = 0; i < which->n; i++) {
		done.files += which->items[i]->files;
		done.bytes += which->items[i]->original;
	}
	if (which->n == 1)
		vrv_cli_done(cli, &done, "deleted archive '%s'",
		    which->items[0]->name);
	else
		vrv_cli_done(cli, &done, "deleted %zu archives", which->n);
}

static int
run(struct vrv_cli *cli, void *arg, const struct vrv_strings *words,
    struct varve_err *err)
{
	const struct delete_options *o = arg;
	struct vrv_strings names;
	struct vrv_selected which = {0};
	vrv_auto_location struct vrv_location where = {0};
	vrv_auto_archives list = NULL;
	vrv_auto_repo repo = NULL;

	int rc = vrv_cli_location(cli, words, VRV_WANTS_EITHER_ARGS, &where,
	    &names, err);
	if (rc != 0)
		return rc;
	bool named = where.archive != NULL || names.n > 0;
	if (named == vrv_selection_given(&o->select))
		return vrv_fail(err, VARVE_USAGE,
		    named ? "archives are either named or chosen by "
			    "--glob-archives, "
			    "--first and --last" :
			    "no archive given: name archives or choose them by "
			    "--glob-archives, --first or --last");
	rc = vrv_cli_open(cli, where.repo, false, &repo, err);
	if (rc == 0)
		rc = vrv_archives(cli, repo, &list, err);
	if (rc == 0)
		rc = named ?
		    choose_named(cli, &where, &names, list, &which, err) :
		    vrv_select(cli, list, &o->select, &which, err);
	if (rc != 0)
		return rc;
	if (o->list)
		show(cli, &which, o->dry_run);
	if (o->dry_run || which.n == 0)
		return 0;
	rc = varve_archive_delete(repo, which.items, which.n, err);
	if (rc == 0)
		say_deleted(cli, &which);
	return rc;
}

const struct vrv_command vrv_cmd_delete = {
    .name = "delete",
    .usage = "[REPO][::ARCHIVE] [ARCHIVE...]",
    .summary = "delete archives",
    .help = "Nothing is freed yet: the data of a deleted archive stays until "
	    "the repository is compacted. All archives named must exist, or "
	    "none is deleted.",
    .options = options,
    .size = sizeof(struct delete_options),
    .run = run,
};
