/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/done.h"
#include "cli/select.h"
#include "cli/text.h"
#include "cli/unmatched.h"

struct extract_options {
	bool dry_run, list, to_stdout, sparse, overwrite;
	bool numeric_ids, no_xattrs, no_acls, no_flags;
	bool preserve_permissions, no_devices, no_set_id, no_caps;
	bool root_metadata;
	unsigned strip_components, threads;
	struct vrv_rules rules;
};

#define AT(field) offsetof(struct extract_options, field)
static const struct vrv_option options[] = {
    {'n', "dry-run", NULL, vrv_set_true, AT(dry_run),
	"read and verify everything, write nothing"},
    {0, "list", NULL, vrv_set_true, AT(list), "list each path"},
    {0, "stdout", NULL, vrv_set_true, AT(to_stdout),
	"write the content of files to standard output"},
    {0, "sparse", NULL, vrv_set_true, AT(sparse),
	"leave holes where files hold only zeros"},
    {0, "overwrite", NULL, vrv_set_true, AT(overwrite),
	"replace what is there already"},
    {0, "strip-components", "N", vrv_set_unsigned, AT(strip_components),
	"leave off the first N parts of each path"},
    {0, "numeric-ids", NULL, vrv_set_true, AT(numeric_ids),
	"go by numbers of users and groups, not by names"},
    {0, "numeric-owner", NULL, vrv_set_true, AT(numeric_ids), NULL},
    {0, "noxattrs", NULL, vrv_set_true, AT(no_xattrs),
	"restore no extended attributes"},
    {0, "noacls", NULL, vrv_set_true, AT(no_acls),
	"restore no access control lists"},
    {0, "noflags", NULL, vrv_set_true, AT(no_flags), "restore no file flags"},
    {0, "nobsdflags", NULL, vrv_set_true, AT(no_flags), NULL},
    {0, "preserve-permissions", NULL, vrv_set_true, AT(preserve_permissions),
	"not as root: keep set-ID bits, ignore the umask"},
    {0, "no-devices", NULL, vrv_set_true, AT(no_devices), "restore no devices"},
    {0, "no-set-id", NULL, vrv_set_true, AT(no_set_id),
	"clear set-user-ID and set-group-ID bits of files"},
    {0, "no-caps", NULL, vrv_set_true, AT(no_caps),
	"restore no file capabilities"},
    {0, "root-metadata", NULL, vrv_set_true, AT(root_metadata),
	"restore owner, mode and times of the current directory, too"},
    {0, "threads", "N", vrv_set_positive, AT(threads),
	"threads to use (default: one for each processor)"},
    VRV_EXCLUSION_OPTIONS(struct extract_options),
    {0},
};

static void
set_options(struct varve_restore_options *r, const struct extract_options *o,
    struct vrv_matcher *matcher, struct vrv_events *events)
{
	r->umask = events->cli->user_umask;
	r->preserve_permissions = o->preserve_permissions;
	r->no_devices = o->no_devices;
	r->no_set_id = o->no_set_id;
	r->no_caps = o->no_caps;
	r->root_metadata = o->root_metadata;
	if (!vrv_matcher_is_empty(matcher)) {
		r->match = vrv_matcher_match;
		r->match_arg = matcher;
	}
	r->strip_components = o->strip_components;
	r->dry_run = o->dry_run;
	r->overwrite = o->overwrite;
	r->sparse = o->sparse;
	r->numeric_ids = o->numeric_ids;
	r->no_xattrs = o->no_xattrs;
	r->no_acls = o->no_acls;
	r->no_flags = o->no_flags;
	r->threads = o->threads;
	r->stdout_fd = o->to_stdout ? STDOUT_FILENO : -1;
	r->event = vrv_events_fn;
	r->event_arg = events;
	r->want_files = events->list = o->list;
	events->only_paths = true;
}

/* Of what was asked for, nothing may be there. */
static void
warn_unmatched(struct vrv_cli *cli, const struct vrv_matcher *matcher,
    const struct extract_options *o, const struct varve_restore_result *result)
{
	bool none =
	    result->items == 0 && result->skipped == 0 && result->warnings == 0;
	size_t at = 0;

	if (vrv_matcher_unmatched(matcher, &at) != NULL)
		none = false;
	vrv_warn_unmatched(cli, matcher, true);
	if (!none ||
	    (vrv_matcher_is_empty(matcher) && o->strip_components == 0))
		return;
	const char *why = "the patterns select nothing that can be restored";
	if (o->strip_components > 0)
		why = "no selected path is left by --strip-components";
	if (o->to_stdout)
		why = "no regular file is selected";
	vrv_log(&cli->log, VRV_LOG_WARNING, "nothing was restored: %s", why);
	cli->warned = true;
}

/* Of several causes the worst one is the exit status. */
static int
judge(struct vrv_cli *cli, const struct varve_restore_result *result,
    struct varve_err *err)
{
	bool damage = result->exit == VARVE_EXIT_INTEGRITY;

	cli->warned = cli->warned || result->warnings > 0;
	if (result->skipped == 0)
		return 0;
	(void)vrv_fail(err, damage ? VARVE_CORRUPT : VARVE_IO,
	    "%" PRIu64 " item%s could not be restored%s", result->skipped,
	    vrv_plural(result->skipped),
	    damage ? ": stored data is damaged" :
		result->exit == VARVE_EXIT_PERMISSION ? ": permission denied" :
							"");
	return vrv_exit(err, (enum varve_exit)result->exit);
}

static int
run(struct vrv_cli *cli, void *arg, const struct vrv_strings *words,
    struct varve_err *err)
{
	const struct extract_options *o = arg;
	struct varve_restore_options restore = VARVE_RESTORE_OPTIONS_INIT;
	struct varve_restore_result result = {0};
	struct vrv_events events = {0};
	struct vrv_strings paths = {0};
	const struct varve_archive *archive;
	vrv_auto_location struct vrv_location where = {0};
	vrv_auto_matcher matcher = NULL;
	vrv_auto_archives list = NULL;
	vrv_auto_repo repo = NULL;

	int rc = vrv_cli_location(cli, words, VRV_WANTS_ARCHIVE, &where, &paths,
	    err);
	if (rc == 0)
		rc = vrv_matcher_new(&o->rules, &paths, VRV_MATCH_ARCHIVE,
		    &matcher, err);
	if (rc == 0)
		rc = vrv_cli_open(cli, where.repo, false, &repo, err);
	if (rc == 0)
		rc = vrv_archives(cli, repo, &list, err);
	if (rc == 0)
		rc = varve_archive_find(list, where.archive, &archive, err);
	if (rc != 0)
		return rc;
	vrv_events_start(&events, cli, "extract");
	set_options(&restore, o, matcher, &events);
	rc = varve_restore(repo, archive, &restore, &result, err);
	vrv_events_end(&events);
	if (rc != 0)
		return rc;
	warn_unmatched(cli, matcher, o, &result);
	vrv_cli_done(cli,
	    &(struct vrv_done){result.items, VRV_DONE_UNKNOWN, result.bytes,
		result.warnings},
	    "%s archive '%s'", o->dry_run ? "read" : "extracted",
	    archive->name);
	return judge(cli, &result, err);
}

const struct vrv_command vrv_cmd_extract = {
    .name = "extract",
    .usage = "[REPO]::ARCHIVE [PATH...]",
    .summary = "restore files from an archive into the current folder",
    .help = "Restores everything, or what PATHs and patterns select. Refuses "
	    "to replace what is there already, unless --overwrite is given. "
	    "An interrupted restore is continued by the same command.",
    .options = options,
    .size = sizeof(struct extract_options),
    .run = run,
};
