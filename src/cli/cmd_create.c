/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/compression.h"
#include "cli/done.h"
#include "cli/item.h"
#include "cli/mask.h"
#include "cli/pathlist.h"
#include "cli/placeholders.h"
#include "cli/shapes.h"
#include "cli/signals.h"
#include "cli/text.h"
#include "cli/timeparse.h"
#include "cli/timetext.h"
#include "util/mem.h"

struct create_options {
	bool dry_run, stats, list, json;
	const char *filter, *comment, *timestamp, *series, *compression;
	const char *files_cache;
	struct vrv_rules rules;
	bool exclude_caches, keep_exclude_tags, exclude_nodump;
	struct vrv_strings exclude_if_present;
	bool one_file_system, numeric_ids, no_xattrs, no_acls, no_flags, atime;
	bool read_special, no_catalog;
	const char *stdin_name, *stdin_user, *stdin_group;
	unsigned stdin_mode;
	bool content_from_command, paths_from_stdin, paths_from_command;
	const char *paths_delimiter;
	unsigned threads, checkpoint_interval;
	const char *verify_reused;
};

#define AT(field) offsetof(struct create_options, field)
static const struct vrv_option options[] = {
    {'n', "dry-run", NULL, vrv_set_true, AT(dry_run), "store nothing"},
    {'s', "stats", NULL, vrv_set_true, AT(stats), "show sizes at the end"},
    {0, "list", NULL, vrv_set_true, AT(list),
	"list each item with what was done"},
    {0, "filter", "LETTERS", vrv_set_string, AT(filter),
	"list only items with one of these status letters"},
    {0, "json", NULL, vrv_set_true, AT(json), "show sizes as JSON"},
    {0, "comment", "TEXT", vrv_set_string, AT(comment),
	"keep a comment with the archive"},
    {0, "timestamp", "TIME", vrv_set_string, AT(timestamp),
	"date the archive, or take the time of a file of that name"},
    {0, "series", "LABEL", vrv_set_string, AT(series),
	"the archives that this one continues (default: those of the same "
	"sources)"},
    {'C', "compression", "SPEC", vrv_set_string, AT(compression),
	"none, zstd[,LEVEL] (the default) or auto,zstd[,LEVEL]"},
    {'x', "one-file-system", NULL, vrv_set_true, AT(one_file_system),
	"do not cross into other file systems"},
    VRV_EXCLUSION_OPTIONS(struct create_options),
    {0, "exclude-caches", NULL, vrv_set_true, AT(exclude_caches),
	"leave out folders with a CACHEDIR.TAG"},
    {0, "exclude-if-present", "NAME", vrv_set_list, AT(exclude_if_present),
	"leave out folders that hold something of this name"},
    {0, "keep-exclude-tags", NULL, vrv_set_true, AT(keep_exclude_tags),
	"but keep such a folder and what marks it"},
    {0, "keep-tag-files", NULL, vrv_set_true, AT(keep_exclude_tags), NULL},
    {0, "exclude-nodump", NULL, vrv_set_true, AT(exclude_nodump),
	"leave out what has the nodump flag"},
    {0, "numeric-ids", NULL, vrv_set_true, AT(numeric_ids),
	"store no names of users and groups"},
    {0, "numeric-owner", NULL, vrv_set_true, AT(numeric_ids), NULL},
    {0, "noxattrs", NULL, vrv_set_true, AT(no_xattrs),
	"store no extended attributes"},
    {0, "noacls", NULL, vrv_set_true, AT(no_acls),
	"store no access control lists"},
    {0, "noflags", NULL, vrv_set_true, AT(no_flags), "store no file flags"},
    {0, "nobsdflags", NULL, vrv_set_true, AT(no_flags), NULL},
    {0, "atime", NULL, vrv_set_true, AT(atime), "store times of access"},
    {0, "files-cache", "MODE", vrv_set_string, AT(files_cache),
	"how unchanged files are recognized: ctime,size,inode (the default), "
	"mtime,size,inode, ctime,size, mtime,size, rechunk,ctime, "
	"rechunk,mtime or disabled"},
    {0, "read-special", NULL, vrv_set_true, AT(read_special),
	"read devices and FIFOs, also through symlinks, and store the content "
	"as regular files"},
    {0, "stdin-name", "NAME", vrv_set_string, AT(stdin_name),
	"name in the archive of what comes from standard input (default: "
	"stdin)"},
    {0, "stdin-user", "USER", vrv_set_string, AT(stdin_user),
	"its user (default: root)"},
    {0, "stdin-group", "GROUP", vrv_set_string, AT(stdin_group),
	"its group (default: root)"},
    {0, "stdin-mode", "M", vrv_set_octal, AT(stdin_mode),
	"its mode (default: 0660)"},
    {0, "content-from-command", NULL, vrv_set_true, AT(content_from_command),
	"run what follows -- and store its output"},
    {0, "paths-from-stdin", NULL, vrv_set_true, AT(paths_from_stdin),
	"store exactly the paths read from standard input"},
    {0, "paths-from-command", NULL, vrv_set_true, AT(paths_from_command),
	"store exactly the paths that the command behind -- prints"},
    {0, "paths-delimiter", "DELIM", vrv_set_string, AT(paths_delimiter),
	"what ends each of these paths (default: \\n; also \\0 \\t)"},
    {0, "no-catalog", NULL, vrv_set_true, AT(no_catalog),
	"leave the catalog as it is"},
    {0, "threads", "N", vrv_set_positive, AT(threads),
	"threads to use (default: one for each processor)"},
    {'c', "checkpoint-interval", "SECONDS", vrv_set_positive,
	AT(checkpoint_interval),
	"how often to save what a run that is cut short leaves (default: 300)"},
    {0, "verify-reused", "PERCENT", vrv_set_string, AT(verify_reused),
	"read a sample of the stored chunks that are used again, and store "
	"those again that are damaged"},
    VRV_IGNORED(0, "noatime", NULL),
    VRV_IGNORED(0, "noctime", NULL),
    VRV_IGNORED(0, "nobirthtime", NULL),
    VRV_IGNORED(0, "sparse", NULL),
    VRV_IGNORED(0, "no-cache-sync", NULL),
    VRV_IGNORED(0, "chunker-params", "PARAMS"),
    {0},
};

/* What must outlive varve_backup(). */
struct create {
	struct vrv_cli *cli;
	const struct create_options *o;
	struct varve_backup_options backup;
	struct vrv_strings sources;
	struct vrv_strings args; /* masked, to be stored */
	struct vrv_matcher *matcher;
	struct vrv_strings command; /* whose output is read; n 0: none */
	struct vrv_child child;
	struct vrv_signals signals;
	struct vrv_pathlist paths;
	struct vrv_events events;
};

static int
parse_files_cache(const char *name, enum varve_files_cache *ret,
    struct varve_err *err)
{
	static const struct {
		const char *name;
		enum varve_files_cache mode;
	} modes[] = {
	    {"ctime,size,inode", VARVE_CACHE_CTIME_SIZE_INODE},
	    {"mtime,size,inode", VARVE_CACHE_MTIME_SIZE_INODE},
	    {"ctime,size", VARVE_CACHE_CTIME_SIZE},
	    {"mtime,size", VARVE_CACHE_MTIME_SIZE},
	    {"rechunk,ctime", VARVE_CACHE_RECHUNK},
	    {"rechunk,mtime", VARVE_CACHE_RECHUNK},
	    {"disabled", VARVE_CACHE_DISABLED},
	};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(name, modes[i].name) == 0) {
			*ret = modes[i].mode;
			return 0;
		}
	}
	return vrv_fail(err, VARVE_USAGE,
	    "option --files-cache: unknown mode '%s'", name);
}

static int
check_options(const struct create_options *o, size_t paths,
    struct varve_err *err)
{
	bool command = o->content_from_command || o->paths_from_command;

	if (o->dry_run && (o->stats || o->json))
		return vrv_fail(err, VARVE_USAGE,
		    "--dry-run stores nothing: there are no --stats or --json");
	if (o->content_from_command + o->paths_from_stdin +
		o->paths_from_command >
	    1)
		return vrv_fail(err, VARVE_USAGE,
		    "--content-from-command, --paths-from-stdin and "
		    "--paths-from-command exclude each other");
	for (size_t i = 0; i < o->exclude_if_present.n; i++) {
		if (strchr(o->exclude_if_present.items[i], '/') != NULL)
			return vrv_fail(err, VARVE_USAGE,
			    "--exclude-if-present needs a name, not the path "
			    "'%s'",
			    o->exclude_if_present.items[i]);
	}
	if (o->paths_from_stdin && paths > 0)
		return vrv_fail(err, VARVE_USAGE,
		    "paths come from standard input, not from arguments");
	if (command && paths == 0)
		return vrv_fail(err, VARVE_USAGE,
		    "no command given: write it behind --");
	if (o->paths_delimiter != NULL && !o->paths_from_stdin &&
	    !o->paths_from_command)
		return vrv_fail(err, VARVE_USAGE,
		    "--paths-delimiter goes with --paths-from-stdin or "
		    "--paths-from-command");
	return 0;
}

/* Say once what replaces a compressor that only Borg has, and that a promise
 * of privacy is not kept. */
static void
report_compression(struct create *c, const struct vrv_compression *used)
{
	const char *asked = c->o->compression;
	const char *more = used->obfuscated ? "; sizes are not obfuscated" : "";

	if (!used->replaced && !used->obfuscated)
		return;
	if (used->kind == VARVE_COMPRESS_NONE)
		vrv_log(&c->cli->log, VRV_LOG_WARNING,
		    "compression '%s': using none%s", asked, more);
	else
		vrv_log(&c->cli->log, VRV_LOG_WARNING,
		    "compression '%s': using %szstd,%d%s", asked,
		    used->kind == VARVE_COMPRESS_AUTO ? "auto," : "",
		    used->level, more);
}

/* What the options say that needs no more than copying. */
static int
set_options(struct create *c, struct varve_err *err)
{
	const struct create_options *o = c->o;
	struct varve_backup_options *b = &c->backup;
	struct vrv_compression compression = {.kind = VARVE_COMPRESS_ZSTD};
	int rc = 0;

	b->series = o->series;
	b->exclude_caches = o->exclude_caches;
	b->exclude_nodump = o->exclude_nodump;
	b->keep_exclude_tags = o->keep_exclude_tags;
	b->exclude_if_present = o->exclude_if_present.items;
	b->n_exclude_if_present = o->exclude_if_present.n;
	b->dry_run = o->dry_run;
	b->one_file_system = o->one_file_system;
	b->read_special = o->read_special;
	b->no_catalog = o->no_catalog;
	b->numeric_ids = o->numeric_ids;
	b->no_xattrs = o->no_xattrs;
	b->no_acls = o->no_acls;
	b->no_flags = o->no_flags;
	b->atime = o->atime;
	b->threads = o->threads;
	b->checkpoint_interval = o->checkpoint_interval;
	b->stdin_mode = o->stdin_mode;
	b->stdin_user = o->stdin_user;
	b->stdin_group = o->stdin_group;
	rc =
	    vrv_mask(c->cli->argv, c->cli->argc, &c->cli->arena, &c->args, err);
	b->args = c->args.items;
	b->n_args = c->args.n;
	if (rc == 0 && o->compression != NULL)
		rc = vrv_compression_parse(o->compression, &compression, err);
	if (rc == 0)
		report_compression(c, &compression);
	b->compression = compression.kind;
	b->level = compression.level;
	if (rc == 0 && o->files_cache != NULL)
		rc = parse_files_cache(o->files_cache, &b->files_cache, err);
	if (rc == 0)
		rc = vrv_cli_expand(c->cli, o->comment, &b->comment, err);
	if (rc == 0 && o->verify_reused != NULL)
		rc = vrv_parse_percent("verify-reused", o->verify_reused,
		    &b->verify_reused_ppm, err);
	if (rc == 0 && o->timestamp != NULL) {
		b->has_timestamp = true;
		rc = vrv_time_parse(o->timestamp, &b->timestamp, err);
	}
	return rc;
}

static int
wait_for_command(void *arg, struct varve_err *err)
{
	struct create *c = arg;
	int rc = vrv_child_wait(&c->child, err);

	vrv_signals_child(&c->signals, 0);
	return rc;
}

/* Not before signals are handled: one that came in between would end this
 * process and leave the command running. */
static int
start_command(struct create *c, struct varve_err *err)
{
	struct vrv_strings argv = {0};
	int rc = 0;

	if (c->command.n == 0)
		return 0;
	for (size_t i = 0; i < c->command.n && rc == 0; i++)
		rc = vrv_strings_add(&argv, &c->cli->arena, c->command.items[i],
		    err);
	if (rc == 0)
		rc = vrv_strings_add(&argv, &c->cli->arena, NULL, err);
	if (rc == 0)
		rc = vrv_child_start(argv.items, &c->child, err);
	if (rc != 0)
		return rc;
	vrv_signals_child(&c->signals, c->child.pid);
	if (c->o->paths_from_command)
		return vrv_pathlist_open(&c->paths, c->child.fd,
		    c->o->paths_delimiter, &c->child, err);
	c->backup.stdin_fd = c->child.fd;
	return 0;
}

static void
set_content(struct create *c, const struct vrv_strings *words)
{
	const char *name = c->o->stdin_name;

	c->backup.stdin_name = name != NULL ? name : "stdin";
	if (c->o->dry_run)
		return;
	c->command = *words;
	c->backup.stdin_wait = wait_for_command;
	c->backup.stdin_wait_arg = c;
}

static int
set_path_list(struct create *c, const struct vrv_strings *words,
    struct varve_err *err)
{
	int rc = 0;

	if (c->o->paths_from_command)
		c->command = *words;
	else
		rc = vrv_pathlist_open(&c->paths, STDIN_FILENO,
		    c->o->paths_delimiter, NULL, err);
	c->backup.next_path = vrv_pathlist_next;
	c->backup.next_path_arg = &c->paths;
	return rc;
}

static int
add_sources(struct create *c, const struct vrv_strings *from,
    struct varve_err *err)
{
	const char *name = c->o->stdin_name;
	int rc = 0;

	for (size_t i = 0; i < from->n && rc == 0; i++) {
		if (strcmp(from->items[i], "-") == 0) {
			c->backup.stdin_fd = STDIN_FILENO;
			c->backup.stdin_name = name != NULL ? name : "stdin";
		} else {
			rc = vrv_strings_add(&c->sources, &c->cli->arena,
			    from->items[i], err);
		}
	}
	return rc;
}

static int
set_sources(struct create *c, const struct vrv_strings *words,
    struct varve_err *err)
{
	int rc = vrv_matcher_new(&c->o->rules, NULL, VRV_MATCH_SOURCES,
	    &c->matcher, err);

	if (rc != 0)
		return rc;
	if (!vrv_matcher_is_empty(c->matcher)) {
		c->backup.match = vrv_matcher_match;
		c->backup.match_arg = c->matcher;
	}
	if (c->o->content_from_command) {
		set_content(c, words);
		return 0;
	}
	if (c->o->paths_from_stdin || c->o->paths_from_command)
		return set_path_list(c, words, err);
	rc = add_sources(c, words, err);
	if (rc == 0)
		rc = add_sources(c, vrv_matcher_roots(c->matcher), err);
	if (rc != 0)
		return rc;
	if (c->sources.n == 0 && c->backup.stdin_name == NULL)
		return vrv_fail(err, VARVE_USAGE,
		    "nothing to back up: name at least one PATH");
	c->backup.sources = c->sources.items;
	c->backup.n_sources = c->sources.n;
	return 0;
}

static int
print_json(struct create *c, struct varve_repo *repo,
    const struct varve_backup_result *r, struct varve_err *err)
{
	const struct varve_archive *made;
	char id[sizeof("aid:") + sizeof(r->id)];
	vrv_auto_archives list = NULL;
	int rc = vrv_archives(c->cli, repo, &list, err);

	snprintf(id, sizeof(id), "aid:%s", r->id);
	if (rc == 0)
		rc = varve_archive_find(list, id, &made, err);
	if (rc != 0)
		return rc;
	struct vrv_json *j = vrv_json_object();
	vrv_json_begin(j, "archive");
	rc = vrv_archive_json_skipped(j, repo, made, err);
	vrv_json_end(j);
	vrv_shape_encryption(j, repo);
	vrv_shape_repository(j, repo, list);
	if (rc == 0)
		rc = vrv_shape_cache(j, repo, list, err);
	if (rc != 0) {
		vrv_json_free(j);
		return rc;
	}
	return vrv_shape_print(c->cli, j, err);
}

static void
show_stats(struct create *c, struct varve_repo *repo,
    const struct varve_backup_result *r)
{
	vrv_auto_buf struct vrv_buf text = {0};
	struct varve_repo_info info;

	varve_repo_info(repo, &info);
	vrv_text_add(&text, VRV_DASHES "\nRepository: ");
	vrv_text_escape(&text, info.location);
	vrv_text_add(&text, "\nArchive name: ");
	vrv_text_escape(&text, c->backup.name);
	vrv_text_add(&text, "\nArchive fingerprint: %s\nTime (start): ", r->id);
	vrv_time_text(&text, r->start);
	vrv_text_add(&text, "\nTime (end):   ");
	vrv_time_text(&text, r->end);
	vrv_text_add(&text, "\nDuration: ");
	vrv_duration_text(&text, vrv_time_between(r->start, r->end));
	vrv_text_add(&text, "\nNumber of files: %" PRIu64 "\n" VRV_DASHES "\n",
	    r->files);
	vrv_shape_sizes_header(&text);
	vrv_shape_sizes(&text, "This archive:", r->original, r->deduplicated,
	    r->stored, c->cli->common.iec);
	vrv_text_add(&text, VRV_DASHES);

	char *line = (char *)(uintptr_t)vrv_text_str(&text);
	if (text.failed) {
		vrv_log(&c->cli->log, VRV_LOG_ERROR,
		    "no statistics: out of memory");
		return;
	}
	for (char *next; line != NULL; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		vrv_log_output(&c->cli->log, "stats", line);
	}
}

static int
back_up(struct create *c, const char *path, struct varve_err *err)
{
	struct varve_backup_result result = {0};
	vrv_auto_repo repo = NULL;
	vrv_auto_free char *host = vrv_host_name(), *user = vrv_user_name();

	if (host == NULL || user == NULL)
		return VRV_NOMEM(err, "names");
	c->backup.host = host;
	c->backup.user = user;
	int rc =
	    c->o->dry_run ? 0 : vrv_cli_open(c->cli, path, false, &repo, err);
	if (rc != 0)
		return rc;
	/* A dry run has nothing to save. */
	if (!c->o->dry_run) {
		rc = vrv_signals_start(&c->signals, c->cli, err);
		c->backup.stop = vrv_signals_stop;
		c->backup.saved = vrv_signals_saved;
		c->backup.stop_arg = &c->signals;
	}
	if (rc != 0)
		return rc;
	vrv_events_start(&c->events, c->cli, NULL);
	rc = start_command(c, err);
	if (rc == 0)
		rc = varve_backup(repo, &c->backup, &result, err);
	int signal = vrv_signals_end(&c->signals);
	vrv_events_end(&c->events);
	if (signal != 0 && rc != 0)
		c->cli->signal = signal;
	else if (signal != 0)
		vrv_log(&c->cli->log, VRV_LOG_WARNING,
		    "the archive was complete already");
	if (rc != 0 || c->o->dry_run)
		return rc;
	c->cli->warned = c->cli->warned || result.warnings > 0;
	vrv_cli_done(c->cli,
	    &(struct vrv_done){result.items, result.files, result.original,
		result.warnings},
	    "created archive '%s'", c->backup.name);
	if (c->o->json)
		rc = print_json(c, repo, &result, err);
	else if (c->o->stats)
		show_stats(c, repo, &result);
	return rc != 0 ? vrv_ctx(err, "the archive is stored, but") : 0;
}

static int
prepare(struct create *c, const struct vrv_strings *words,
    struct vrv_location *where, struct varve_err *err)
{
	struct vrv_strings paths = vrv_cli_rest(words);
	int rc = check_options(c->o, paths.n, err);

	if (rc == 0)
		rc = vrv_cli_location(c->cli, words, VRV_WANTS_ARCHIVE, where,
		    &paths, err);
	if (rc == 0)
		rc = varve_archive_name_check(where->archive, err);
	if (rc == 0)
		rc = set_options(c, err);
	if (rc == 0)
		rc = set_sources(c, &paths, err);
	c->backup.name = where->archive;
	c->events.list = c->backup.want_files = c->o->list;
	c->events.filter = c->o->filter;
	c->backup.event = vrv_events_fn;
	c->backup.event_arg = &c->events;
	return rc;
}

static int
run(struct vrv_cli *cli, void *arg, const struct vrv_strings *words,
    struct varve_err *err)
{
	struct create c = {
	    .cli = cli,
	    .o = arg,
	    .backup = VARVE_BACKUP_OPTIONS_INIT,
	    .child = VRV_CHILD_INIT,
	};
	vrv_auto_location struct vrv_location where = {0};

	int rc = prepare(&c, words, &where, err);
	if (rc == 0)
		rc = back_up(&c, where.repo, err);
	if (rc == 0 && vrv_matcher_gave_up(c.matcher) != NULL) {
		vrv_log(&cli->log, VRV_LOG_WARNING,
		    "the pattern 're:%s' took too long for some paths",
		    vrv_matcher_gave_up(c.matcher));
		cli->warned = true;
	}
	vrv_pathlist_close(&c.paths);
	vrv_child_fini(&c.child);
	vrv_matcher_free(c.matcher);
	return rc;
}

const struct vrv_command vrv_cmd_create = {
    .name = "create",
    .usage = "[REPO]::ARCHIVE [PATH...]",
    .summary = "back up files into a new archive",
    .help = "Stores each PATH with all below it. The path - stands for "
	    "standard input; what stands before /./ in a path is left off in "
	    "the archive. ARCHIVE may hold placeholders, as in "
	    "'::{hostname}-{now}'; see 'varve help placeholders'. Exit status "
	    "1 says that the archive was made but something could not be read "
	    "or changed meanwhile.\n"
	    "\n"
	    "--list shows A added, M modified, U unchanged, C changed while "
	    "read, E error, d folder, b block device, c character device, h "
	    "hard link, s symbolic link, f FIFO, i standard input, - dry run, "
	    "x excluded.",
    .options = options,
    .size = sizeof(struct create_options),
    .run = run,
};
