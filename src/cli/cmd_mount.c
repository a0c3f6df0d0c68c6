/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/signalfd.h>

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/daemon.h"
#include "cli/mountopts.h"
#include "cli/select.h"
#include "cli/unmatched.h"
#include "util/mem.h"

struct mount_options {
	bool foreground, numeric_ids;
	struct vrv_strings lists;
	unsigned strip_components;
	struct vrv_selection select;
};

#define AT(field) offsetof(struct mount_options, field)
static const struct vrv_option options[] = {
    {'f', "foreground", NULL, vrv_set_true, AT(foreground),
	"stay in the foreground, log to standard error"},
    {'o', "options", "LIST", vrv_set_list, AT(lists),
	"allow_other, uid=N, gid=N, umask=M, ignore_permissions, versions, "
	"cache=SIZE (default: 128M), and what mount(8) passes on"},
    {0, "numeric-ids", NULL, vrv_set_true, AT(numeric_ids),
	"go by numbers of users and groups, not by names"},
    {0, "numeric-owner", NULL, vrv_set_true, AT(numeric_ids), NULL},
    {'P', "prefix", "PREFIX", vrv_set_string, AT(select.prefix), NULL},
    {'a', "glob-archives", "GLOB", vrv_set_string, AT(select.glob),
	"only archives whose name matches"},
    {0, "first", "N", vrv_set_positive, AT(select.first),
	"only the first N of them"},
    {0, "last", "N", vrv_set_positive, AT(select.last),
	"only the last N of them"},
    {0, "strip-components", "N", vrv_set_unsigned, AT(strip_components),
	"leave off the first N parts of each path"},
    VRV_IGNORED(0, "consider-checkpoints", NULL),
    {0},
};

/* What the callbacks of the library need. */
struct state {
	struct vrv_cli *cli;
	const struct mount_options *options;
	struct vrv_events events;
	struct vrv_daemon daemon;
	bool has_chosen;
	atomic_bool *in_background; /* in the arena: the log looks at it */
};

/* Selecting takes memory that lives as long as the program's arena; here it
 * is done again and again, in one of its own. */
static int
choose(void *arg, const struct varve_archive_list *list, bool *ret_shown,
    struct varve_err *err)
{
	struct state *state = arg;
	struct vrv_cli cli = {.now = state->cli->now, .log = state->cli->log};
	struct vrv_selected which = {0};

	/* That nothing is selected is reported once, at the start. */
	if (state->has_chosen)
		cli.log.level = VRV_LOG_CRITICAL;
	int rc = vrv_select(&cli, list, &state->options->select, &which, err);
	if (rc == 0) {
		if (!state->has_chosen && cli.warned)
			state->cli->warned = true;
		state->has_chosen = true;
		for (size_t i = 0; i < list->n; i++)
			ret_shown[i] = false;
		for (size_t i = 0; i < which.n; i++)
			ret_shown[which.items[i] - list->items] = true;
	}
	vrv_arena_fini(&cli.arena);
	return rc;
}

static int
ready(void *arg, struct varve_err *err)
{
	struct state *state = arg;
	struct vrv_cli *cli = state->cli;

	vrv_events_end(&state->events);
	if (state->options->foreground)
		return 0;
	int status = cli->warned ? VARVE_EXIT_WARNING : VARVE_EXIT_SUCCESS;
	/* Nothing that is told meanwhile may go where nobody reads it. */
	atomic_store(state->in_background, true);
	int rc = vrv_daemon_ready(&state->daemon, status, err);
	if (rc != 0)
		atomic_store(state->in_background, false);
	return rc;
}

static int
log_in_background(struct state *state, struct varve_err *err)
{
	state->in_background =
	    vrv_arena_alloc(&state->cli->arena, sizeof(*state->in_background));
	if (state->in_background == NULL)
		return VRV_NOMEM(err, "the log");
	atomic_init(state->in_background, false);
	state->cli->log.to_syslog = state->in_background;
	return 0;
}

/* From here on these signals end the mount, not the process. In the background
 * nobody reads standard error anyway. */
static int
catch_signals(bool foreground, int *ret_fd, struct varve_err *err)
{
	sigset_t set;
	struct sigaction pipe;

	if (!foreground)
		(void)signal(SIGPIPE, SIG_IGN);

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	if (sigaction(SIGPIPE, NULL, &pipe) == 0 && pipe.sa_handler != SIG_IGN)
		(void)sigaddset(&set, SIGPIPE);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	*ret_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return *ret_fd >= 0 ? 0 : vrv_fail_sys(err, errno, "signalfd");
}

/* Did the mount end because nobody reads its messages? */
static bool
lost_reader(int signals)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGPIPE)
			return true;
	}
	return false;
}

static int
report_unmatched(struct vrv_cli *cli, struct varve_repo *repo,
    const struct varve_archive *archive, struct vrv_matcher *matcher,
    struct varve_err *err)
{
	bool found = false;

	int rc = vrv_find_unmatched(repo, archive, matcher, &found, err);
	if (rc == 0)
		vrv_warn_unmatched(cli, matcher, found);
	return rc;
}

static int
mount_it(struct state *state, const struct vrv_location *where,
    struct vrv_matcher *matcher, struct varve_mount_options *m,
    struct varve_err *err)
{
	struct vrv_cli *cli = state->cli;
	vrv_auto_archives list = NULL;
	vrv_auto_repo repo = NULL;
	vrv_auto_fd stop = -1;

	int rc = vrv_cli_open(cli, where->repo, false, &repo, err);
	if (rc == 0 && where->archive != NULL) {
		rc = vrv_archives(cli, repo, &list, err);
		if (rc == 0)
			rc = varve_archive_find(list, where->archive,
			    &m->archive, err);
	}
	/* Of all archives it would take a walk of each. */
	if (rc == 0 && m->archive != NULL)
		rc = report_unmatched(cli, repo, m->archive, matcher, err);
	if (rc == 0)
		rc = catch_signals(state->options->foreground, &stop, err);
	if (rc != 0)
		return rc;
	if (!vrv_matcher_is_empty(matcher)) {
		m->match = vrv_matcher_match;
		m->match_arg = matcher;
	}
	m->strip_components = state->options->strip_components;
	m->numeric_ids = state->options->numeric_ids;
	m->select = choose;
	m->select_arg = state;
	m->stop_fd = stop;
	m->ready = ready;
	m->ready_arg = state;
	m->event = vrv_events_fn;
	m->event_arg = &state->events;
	vrv_events_start(&state->events, cli, "catalog");
	rc = varve_mount(repo, m, err);
	vrv_events_end(&state->events);
	if (lost_reader(stop))
		cli->signal = SIGPIPE;
	return rc;
}

static int
run(struct vrv_cli *cli, void *arg, const struct vrv_strings *words,
    struct varve_err *err)
{
	const struct mount_options *o = arg;
	struct varve_mount_options m = VARVE_MOUNT_OPTIONS_INIT;
	struct state state = {
	    .cli = cli,
	    .options = o,
	    .events = {.cli = cli},
	    .daemon = VRV_DAEMON_INIT,
	};
	struct vrv_strings rest, paths;
	const struct vrv_rules none = {0};
	vrv_auto_location struct vrv_location where = {0};
	vrv_auto_matcher matcher = NULL;

	int rc = vrv_cli_location(cli, words, VRV_WANTS_EITHER_ARGS, &where,
	    &rest, err);
	if (rc == 0 && rest.n == 0)
		rc = vrv_fail(err, VARVE_USAGE, "no folder to mount on given");
	if (rc == 0 && where.archive != NULL && vrv_selection_given(&o->select))
		rc = vrv_fail(err, VARVE_USAGE,
		    "an archive is either named or chosen by --glob-archives, "
		    "--first and --last");
	if (rc == 0)
		rc = vrv_mountopts_parse(&o->lists, &cli->arena, &m, err);
	if (rc != 0)
		return rc;
	m.target = rest.items[0];
	paths = vrv_cli_rest(&rest);
	rc = vrv_matcher_new(&none, &paths, VRV_MATCH_ARCHIVE, &matcher, err);
	if (rc == 0)
		rc = log_in_background(&state, err);
	if (rc == 0 && !o->foreground)
		rc = vrv_daemon_start(&state.daemon, err);
	return rc == 0 ? mount_it(&state, &where, matcher, &m, err) : rc;
}

const struct vrv_command vrv_cmd_mount = {
    .name = "mount",
    .usage = "[REPO][::ARCHIVE] MOUNTPOINT [PATH...]",
    .summary = "show archives as a file system",
    .help = "Shows the files of an archive, or a folder for each archive of "
	    "the repository, below MOUNTPOINT, to be read, copied and "
	    "searched. Goes to the background once it answers, until 'varve "
	    "umount'.",
    .options = options,
    .size = sizeof(struct mount_options),
    .run = run,
};
