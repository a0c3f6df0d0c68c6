/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>

#include "cli/cmd.h"
#include "cli/item.h"
#include "cli/runs.h"
#include "cli/select.h"
#include "cli/series.h"
#include "cli/shapes.h"
#include "cli/text.h"
#include "cli/timetext.h"
#include "util/mem.h"

struct info_options {
	bool json, unreferenced;
	struct vrv_selection select;
};

static const struct vrv_option options[] = {
    {0, "json", NULL, vrv_set_true, offsetof(struct info_options, json),
	"show it as JSON"},
    {0, "unreferenced", NULL, vrv_set_true,
	offsetof(struct info_options, unreferenced),
	"also show what belongs to no archive; reads all directories"},
    VRV_SELECTION_OPTIONS(struct info_options),
    {0},
};

static void
field(struct vrv_buf *text, const char *name, const char *value)
{
	vrv_text_add(text, "%s: ", name);
	vrv_text_escape(text, vrv_or_empty(value));
	vrv_buf_u8(text, '\n');
}

static void
archive_text(struct vrv_buf *text, const struct varve_archive *a, bool iec)
{
	field(text, "Archive name", a->name);
	field(text, "Archive fingerprint", a->id);
	field(text, "Comment", a->comment);
	field(text, "Series", a->series);
	field(text, "Hostname", a->host);
	field(text, "Username", a->user);
	vrv_text_add(text, "Time (start): ");
	vrv_time_text(text, a->nominal);
	vrv_text_add(text, "\nTime (end): ");
	vrv_time_text(text, a->end);
	vrv_text_add(text, "\nDuration: ");
	vrv_duration_text(text, vrv_time_between(a->start, a->end));
	vrv_text_add(text,
	    "\nNumber of files: %" PRIu64 "\nCommand line:", a->files);
	for (size_t i = 0; i < a->n_args; i++) {
		vrv_buf_u8(text, ' ');
		vrv_text_shell(text, a->args[i]);
	}
	if (a->args_cut > 0)
		vrv_text_add(text, " ... and %" PRIu64 " more", a->args_cut);
	vrv_text_add(text, "\nComplete: %s\n" VRV_DASHES "\n",
	    a->warnings ?
		"no, something could not be read or changed meanwhile" :
		"yes");
	vrv_shape_sizes_header(text);
	vrv_shape_sizes(text, "This archive:", a->original, a->deduplicated,
	    a->stored, iec);
}

static int
skipped_text(void *arg, const char *path, const char *why,
    struct varve_err *err)
{
	struct vrv_buf *text = arg;

	(void)err;
	vrv_text_add(text, "Skipped: ");
	vrv_text_escape(text, path);
	vrv_text_add(text, " (");
	vrv_text_escape(text, why);
	vrv_text_add(text, ")\n");
	return 0;
}

/* --- what belongs to no archive --- */

struct space {
	uint64_t stored; /* bytes of all packs */
	/* What runs added that made an archive of the list: with what later
	 * archives use of the others the rest is not free. */
	uint64_t by_runs;
	bool is_exact;
	uint64_t held; /* by archives, if it is */
	uint64_t problems;
};

static int
take_held(void *arg, const struct varve_du_line *line, struct varve_err *err)
{
	struct space *space = arg;

	(void)err;
	space->held = line->stored;
	return 0;
}

static uint64_t
beyond(uint64_t all, uint64_t part)
{
	return all > part ? all - part : 0;
}

/* Added by runs that were interrupted, or whose archives were deleted. */
static uint64_t
by_others(const struct space *space)
{
	return beyond(space->stored, space->by_runs);
}

static uint64_t
unreferenced(const struct space *space)
{
	return beyond(space->stored, space->held);
}

static int
look_at_space(struct varve_repo *repo, const struct varve_archive_list *list,
    bool exact, struct space *ret, struct varve_err *err)
{
	struct varve_du_options how = VARVE_DU_OPTIONS_INIT;
	struct varve_du_result result = {0};
	struct varve_repo_stats stats;

	*ret = (struct space){.is_exact = exact};
	int rc = varve_repo_stats(repo, &stats, err);
	if (rc != 0)
		return rc;
	ret->stored = stats.stored;
	for (size_t i = 0; i < list->n; i++)
		ret->by_runs += list->items[i].stored;
	if (!exact || list->n == 0)
		return 0;
	rc = varve_du(repo, list, &how, take_held, ret, &result, err);
	ret->problems = result.problems;
	return rc;
}

static void
space_line(struct vrv_buf *text, const char *label, uint64_t bytes, bool iec)
{
	vrv_auto_buf struct vrv_buf size = {0};

	vrv_text_size(&size, (int64_t)bytes, iec, 2, false);
	vrv_text_add(text, "%s: %s\n", label, vrv_text_part(text, &size));
}

static void
space_text(struct vrv_buf *text, const struct space *space, bool iec)
{
	space_line(text, "Added by runs without an archive", by_others(space),
	    iec);
	if (!space->is_exact)
		return;
	space_line(text, "Held by archives", space->held, iec);
	space_line(text, "Belongs to no archive", unreferenced(space), iec);
	if (space->problems > 0)
		vrv_text_add(text,
		    "Some directories could not be read: less may belong to no "
		    "archive\n");
}

static void
space_json(struct vrv_json *j, const struct space *space)
{
	vrv_json_begin(j, "space");
	vrv_json_int(j, "stored", space->stored);
	vrv_json_int(j, "added_without_archive", by_others(space));
	if (space->is_exact) {
		vrv_json_int(j, "held", space->held);
		vrv_json_int(j, "unreferenced", unreferenced(space));
		vrv_json_int(j, "problems", space->problems);
	}
	vrv_json_end(j);
}

/* What is said about a repository as a whole. */
struct about {
	struct space space;
	struct vrv_series_list series;
};

static int
repo_text(struct vrv_buf *text, struct varve_repo *repo,
    const struct varve_archive_list *list, const struct about *about, bool iec,
    struct varve_err *err)
{
	struct varve_repo_info info;
	struct varve_repo_stats stats;
	uint64_t original = 0, deduplicated = 0;
	int rc = varve_repo_stats(repo, &stats, err);

	if (rc != 0)
		return rc;
	varve_repo_info(repo, &info);
	for (size_t i = 0; i < list->n; i++) {
		original += list->items[i].original;
		deduplicated += list->items[i].deduplicated;
	}
	field(text, "Repository ID", info.id);
	field(text, "Location", info.location);
	vrv_text_add(text, "Encrypted: Yes (%s)\n", vrv_shape_mode(info.mode));
	if (info.key_file != NULL)
		field(text, "Key file", info.key_file);
	field(text, "Cache", info.cache_path);
	field(text, "State", info.state_path);
	vrv_text_add(text, "Config generation: %" PRIu32 "\n", info.generation);
	vrv_text_add(text, "Archives: %zu\n", list->n);
	vrv_verified_text(text, repo);
	vrv_series_text(text, &about->series);
	vrv_text_add(text, VRV_DASHES "\n");
	vrv_shape_sizes_header(text);
	vrv_shape_sizes(text, "All archives:", original, deduplicated,
	    stats.stored, iec);
	vrv_text_add(text, "\nPacks: %" PRIu64 "\nChunks: %" PRIu64 "\n",
	    stats.packs, stats.chunks);
	space_text(text, &about->space, iec);
	return 0;
}

static int
print_json(struct vrv_cli *cli, struct varve_repo *repo,
    const struct varve_archive_list *list, const struct vrv_selected *which,
    const struct about *about, struct varve_err *err)
{
	struct vrv_json *j = vrv_json_object();
	struct varve_repo_info info;
	int rc = 0;

	varve_repo_info(repo, &info);
	if (which != NULL) {
		vrv_json_begin_array(j, "archives");
		for (size_t i = 0; i < which->n && rc == 0; i++) {
			vrv_json_begin(j, NULL);
			rc = vrv_archive_json_skipped(j, repo, which->items[i],
			    err);
			vrv_json_end(j);
		}
		vrv_json_end(j);
	} else {
		vrv_json_str(j, "security_dir", vrv_or_empty(info.state_path));
		vrv_verified_json(j, repo);
		vrv_series_json(j, &about->series);
		space_json(j, &about->space);
	}
	vrv_shape_encryption(j, repo);
	vrv_shape_repository(j, repo, list);
	if (rc == 0)
		rc = vrv_shape_cache(j, repo, list, err);
	if (rc != 0) {
		vrv_json_free(j);
		return rc;
	}
	return vrv_shape_print(cli, j, err);
}

static int
print_text(struct vrv_cli *cli, struct varve_repo *repo,
    const struct varve_archive_list *list, const struct vrv_selected *which,
    const struct about *about, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf text = {0};
	int rc = 0;

	if (which == NULL)
		rc = repo_text(&text, repo, list, about, cli->common.iec, err);
	for (size_t i = 0; which != NULL && i < which->n && rc == 0; i++) {
		if (i > 0)
			vrv_buf_u8(&text, '\n');
		archive_text(&text, which->items[i], cli->common.iec);
		if (which->items[i]->warnings)
			rc = varve_archive_skipped(repo, which->items[i],
			    skipped_text, &text, err);
	}
	return rc != 0 ? rc : vrv_cli_out(cli, &text, err);
}

static int
run(struct vrv_cli *cli, void *arg, const struct vrv_strings *words,
    struct varve_err *err)
{
	const struct info_options *o = arg;
	const struct varve_archive *one;
	struct vrv_selected which = {0};
	struct about about = {0};
	vrv_auto_location struct vrv_location where = {0};
	vrv_auto_archives list = NULL;
	vrv_auto_repo repo = NULL;

	int rc =
	    vrv_cli_location(cli, words, VRV_WANTS_EITHER, &where, NULL, err);
	if (rc == 0)
		rc = vrv_cli_open(cli, where.repo, false, &repo, err);
	if (rc == 0)
		rc = vrv_archives(cli, repo, &list, err);
	if (rc != 0)
		return rc;
	bool some = where.archive != NULL || vrv_selection_given(&o->select);
	if (where.archive != NULL) {
		rc = varve_archive_find(list, where.archive, &one, err);
		which = (struct vrv_selected){&one, 1};
	} else if (some) {
		rc = vrv_select(cli, list, &o->select, &which, err);
	}
	if (rc == 0 && some && o->unreferenced)
		rc = vrv_fail(err, VARVE_USAGE,
		    "--unreferenced is about all archives: choose none");
	if (rc == 0 && !some)
		rc = look_at_space(repo, list, o->unreferenced, &about.space,
		    err);
	if (rc == 0 && !some)
		rc = vrv_series_status(cli, repo, list, &about.series, err);
	if (rc != 0)
		return rc;
	return (o->json ? print_json : print_text)(cli, repo, list,
	    some ? &which : NULL, &about, err);
}

const struct vrv_command vrv_cmd_info = {
    .name = "info",
    .usage = "[REPO][::ARCHIVE]",
    .summary = "show what is known of a repository or of archives",
    .options = options,
    .size = sizeof(struct info_options),
    .run = run,
};
