/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/cli.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/hints.h"
#include "cli/limits.h"
#include "cli/placeholders.h"
#include "cli/signals.h"
#include "util/clock.h"
#include "util/mem.h"

#define LEVEL(option_name, letter_, level_, text)                              \
	{                                                                      \
		letter_, option_name, NULL, vrv_set_value,                     \
		    offsetof(struct vrv_common, level), text, level_           \
	}
#define DEFAULT_UMASK 0077
#define NO_UMASK (~0u)

#define FLAG(option_name, letter_, field, text)                                \
	{                                                                      \
		letter_, option_name, NULL, vrv_set_true,                      \
		    offsetof(struct vrv_common, field), text                   \
	}

const struct vrv_option vrv_common_options[] = {
    FLAG("help", 'h', help, "show this help"),
    FLAG("version", 'V', version, "show the version"),
    FLAG("progress", 'p', progress,
	"show progress: one line on a terminal, else a line every 10 seconds"),
    LEVEL("verbose", 'v', VRV_LOG_INFO, "say what is done"),
    LEVEL("info", 0, VRV_LOG_INFO, NULL),
    LEVEL("debug", 0, VRV_LOG_DEBUG, "say more"),
    LEVEL("warning", 0, VRV_LOG_WARNING, "say what went wrong (the default)"),
    LEVEL("error", 0, VRV_LOG_ERROR, "say only errors"),
    LEVEL("critical", 0, VRV_LOG_CRITICAL, "say nothing but why it failed"),
    FLAG("log-json", 0, log_json, "messages as JSON objects, one a line"),
    FLAG("iec", 0, iec, "sizes in KiB, MiB, ... instead of kB, MB, ..."),
    FLAG("show-version", 0, show_version, "log the version first"),
    FLAG("show-rc", 0, show_rc, "log the exit status at the end"),
    {0, "umask", "M", vrv_set_octal, offsetof(struct vrv_common, umask),
	"file mode bits to leave off (default: 0077)"},
    FLAG("accept-replaced", 0, accept_replaced,
	"trust a repository that is not the one that was at this place"),
    FLAG("allow-rollback", 0, allow_rollback,
	"read a repository that is older than this client knows"),
    FLAG("salvage", 0, salvage,
	"read a repository whose configuration is lost (list, extract, mount, "
	"check, key export)"),
    VRV_IGNORED(0, "lock-wait", "SECONDS"),
    VRV_IGNORED(0, "bypass-lock", NULL),
    VRV_IGNORED(0, "remote-path", "PATH"),
    VRV_IGNORED(0, "remote-ratelimit", "RATE"),
    VRV_IGNORED(0, "upload-ratelimit", "RATE"),
    VRV_IGNORED(0, "remote-buffer", "MIB"),
    VRV_IGNORED(0, "upload-buffer", "MIB"),
    VRV_IGNORED(0, "consider-part-files", NULL),
    VRV_IGNORED(0, "debug-topic", "TOPIC"),
    VRV_IGNORED(0, "debug-profile", "FILE"),
    VRV_IGNORED(0, "rsh", "COMMAND"),
    {0},
};

static int
out_failed(struct varve_err *err)
{
	vrv_fail_sys(err, errno, "cannot write to standard output");
	return vrv_exit(err, VARVE_EXIT_ERROR);
}

int
vrv_cli_out(struct vrv_cli *cli, struct vrv_buf *buf, struct varve_err *err)
{
	int rc = vrv_buf_check(buf, err);

	if (rc != 0)
		return rc;
	vrv_log_clear(&cli->log); /* both may be one terminal */
	if (buf->len > 0 &&
	    fwrite(buf->data, 1, buf->len, cli->out) != buf->len)
		return out_failed(err);
	return 0;
}

static int
flush_out(struct vrv_cli *cli, struct varve_err *err)
{
	/* ferror() remembers what no one has been told yet. */
	if (fflush(cli->out) == 0 && !ferror(cli->out))
		return 0;
	return out_failed(err);
}

void
vrv_cli_open_options(struct vrv_cli *cli, struct varve_open_options *ret)
{
	*ret = (struct varve_open_options)VARVE_OPEN_OPTIONS_INIT;
	ret->state_dir = cli->dirs.state;
	ret->cache_dir = cli->dirs.cache;
	ret->keys_dir = cli->dirs.keys;
	ret->key_file = cli->dirs.key_file;
	ret->kdf_memory_max = cli->dirs.kdf_memory_max;
	ret->passphrase = vrv_passphrase_get;
	ret->passphrase_arg = &cli->passphrase;
	ret->accept_replaced = cli->common.accept_replaced;
	ret->allow_rollback = cli->common.allow_rollback;
	ret->salvage = cli->common.salvage;
}

static void
open_event(void *arg, const struct varve_event *event)
{
	struct vrv_events events = {.cli = arg};

	vrv_events_fn(&events, event);
	if (event->type == VARVE_EVENT_PROBLEM)
		events.cli->warned = true;
}

int
vrv_cli_open(struct vrv_cli *cli, const char *path, bool without_key,
    struct varve_repo **ret, struct varve_err *err)
{
	struct varve_open_options options;
	int rc;

	vrv_cli_open_options(cli, &options);
	options.without_key = without_key;
	options.event = open_event;
	options.event_arg = cli;
	for (int try = 1;; try++) {
		rc = varve_repo_open(path, &options, ret, err);
		if (rc == 0 || err->exit != VARVE_EXIT_PASSPHRASE ||
		    !cli->passphrase.typed || try == 3)
			return rc;
		vrv_log(&cli->log, VRV_LOG_ERROR, "%s", err->message);
	}
}

void
vrv_cli_close(struct varve_repo **repo)
{
	varve_repo_close(*repo);
}

int
vrv_cli_expand(struct vrv_cli *cli, const char *text, const char **ret,
    struct varve_err *err)
{
	vrv_auto_free char *expanded = NULL;

	if (text == NULL) {
		*ret = NULL;
		return 0;
	}
	int rc = vrv_placeholders(text, cli->now, &expanded, err);
	if (rc != 0)
		return rc;
	const char *copy =
	    vrv_arena_dup(&cli->arena, expanded, strlen(expanded));
	if (copy == NULL)
		return VRV_NOMEM(err, "placeholders");
	*ret = copy;
	return 0;
}

/* Say where help is. */
static int
point_to_help(const char *command, struct varve_err *err)
{
	return vrv_hint(err, "; see 'varve help%s%s'",
	    command[0] != '\0' ? " " : "", command);
}

static void
apply_common(struct vrv_cli *cli)
{
	cli->log.level = cli->common.level;
	cli->log.json = cli->common.log_json;
	if (cli->common.umask != NO_UMASK) {
		cli->user_umask = cli->common.umask;
		umask((mode_t)cli->common.umask);
	}
	if (cli->common.show_version)
		vrv_log_output(&cli->log, "show-version",
		    "varve " VARVE_VERSION);
}

static bool
can_salvage(const struct vrv_command *cmd)
{
	return cmd == &vrv_cmd_list || cmd == &vrv_cmd_extract ||
	    cmd == &vrv_cmd_mount || cmd == &vrv_cmd_check ||
	    cmd == &vrv_cmd_key_export;
}

/* Parse what belongs to the command, then run it. */
static int
run_command(struct vrv_cli *cli, const struct vrv_command *cmd,
    const char *const *args, struct varve_err *err)
{
	struct vrv_option_set common = {vrv_common_options, &cli->common};
	struct vrv_strings words = {0};
	size_t used;
	vrv_auto_free void *options = vrv_alloc_array(1, cmd->size + 1);

	if (options == NULL)
		return VRV_NOMEM(err, "options");
	struct vrv_option_set own = {cmd->options, options};
	int rc = vrv_options_parse(&own, &common, args, &cli->arena, &words,
	    &used, err);
	apply_common(cli);
	if (cli->common.help) {
		vrv_auto_buf struct vrv_buf text = {0};
		vrv_help_command(&text, cmd);
		return vrv_cli_out(cli, &text, err);
	}
	if (rc != 0)
		return point_to_help(cmd->name, err);
	if (cli->common.version)
		cmd = &vrv_cmd_version;
	if (cli->common.salvage && !can_salvage(cmd))
		return vrv_fail(err, VARVE_USAGE,
		    "option --salvage is for list, extract, mount, check and "
		    "key export, not for %s",
		    cmd->name);
	return cmd->run(cli, options, &words, err);
}

/* Do options ask for the help of a group of commands? */
static bool
wants_group_help(struct vrv_cli *cli, const char *const *args)
{
	struct vrv_option_set none = {NULL, NULL};
	struct vrv_option_set common = {vrv_common_options, &cli->common};
	struct varve_err unused;
	size_t used;

	return vrv_command_is_group(args[0]) &&
	    vrv_options_parse(&none, &common, args + 1, &cli->arena, NULL,
		&used, &unused) == 0 &&
	    args[1 + used] == NULL && cli->common.help;
}

static int
show_group_help(struct vrv_cli *cli, const char *group, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf text = {0};

	vrv_help_group(&text, group);
	return vrv_cli_out(cli, &text, err);
}

/* Common options, then the command. */
static int
run(struct vrv_cli *cli, const char *const *args, struct varve_err *err)
{
	struct vrv_option_set none = {NULL, NULL};
	struct vrv_option_set common = {vrv_common_options, &cli->common};
	const struct vrv_command *cmd = &vrv_cmd_help;
	size_t used, words = 0;

	int rc = vrv_options_parse(&none, &common, args, &cli->arena, NULL,
	    &used, err);
	if (rc == 0 && args[used] != NULL && wants_group_help(cli, args + used))
		return show_group_help(cli, args[used], err);
	if (rc == 0 && args[used] != NULL)
		rc = vrv_command_find(args + used, &cmd, &words, err);
	else if (rc == 0 && cli->common.version)
		cmd = &vrv_cmd_version;
	else if (rc == 0 && !cli->common.help)
		rc = vrv_fail(err, VARVE_USAGE, "no command given");
	cli->log.json = cli->common.log_json;
	if (rc != 0)
		return point_to_help("", err);
	if (words == 0)
		cli->common.help = false;
	rc = vrv_dirs_find(&cli->dirs, err);
	return rc != 0 ? rc : run_command(cli, cmd, args + used + words, err);
}

/* No object may get the number of a standard descriptor that the caller closed.
 * What stands in for it fails as a closed one does: reading a closed input and
 * writing to a closed output are errors. Messages are dropped. The input is
 * held by a directory: who opens /dev/stdin instead cannot read that either. */
static int
hold_std_descriptors(void)
{
	static const struct {
		const char *path;
		int mode;
	} by[] = {{"/", O_PATH}, {"/dev/null", O_RDONLY},
	    {"/dev/null", O_RDWR}};

	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) < 0 &&
		    open(by[fd].path, by[fd].mode) != fd)
			return -1;
	}
	return 0;
}

static void
show_rc(struct vrv_cli *cli, int status)
{
	char text[80];

	const char *word = status == VARVE_EXIT_SUCCESS ? "success" :
	    status == VARVE_EXIT_WARNING		? "warning" :
							  "error";
	snprintf(text, sizeof(text), "terminating with %s status, rc %d", word,
	    status);
	vrv_log_output(&cli->log, "show-rc", text);
}

int
vrv_cli_main(int argc, char **argv)
{
	struct vrv_time now = vrv_time_now();
	struct varve_err err;
	struct vrv_cli cli = {
	    .common = {.level = VRV_LOG_WARNING, .umask = NO_UMASK},
	    .log = {.fd = STDERR_FILENO, .level = VRV_LOG_WARNING},
	    .now = {now.s, now.ns},
	    .argv = (const char *const *)argv,
	    .argc = (size_t)argc,
	    .out = stdout,
	    .user_umask = umask(DEFAULT_UMASK),
	};

	if (argc < 1 || hold_std_descriptors() != 0)
		return VARVE_EXIT_ERROR;
	/* Child processes get the standard descriptors and no others, whatever
	 * the caller left open. */
	(void)close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
	/* Only characters, so that widths are known; dates stay English. */
	(void)setlocale(LC_CTYPE, "");
	vrv_limits_init();
	vrv_err_clear(&err);
	int rc = vrv_passphrase_take(&cli.passphrase, &err);
	if (rc == 0)
		rc = run(&cli, cli.argv + 1, &err);
	if (rc == 0)
		rc = flush_out(&cli, &err);
	else
		(void)fflush(stdout);
	int status = cli.warned ? VARVE_EXIT_WARNING : VARVE_EXIT_SUCCESS;
	if (rc != 0)
		status =
		    err.exit > VARVE_EXIT_WARNING ? err.exit : VARVE_EXIT_ERROR;
	/* It was told when the signal came. */
	if (cli.signal != 0)
		status = 128 + cli.signal;
	/* Where the library kept a closed pipe from ending the process: unless
	 * the caller ignores the signal, this does. */
	if (rc != 0 && err.sys == EPIPE && cli.signal == 0)
		(void)raise(SIGPIPE);
	if (rc != 0 && cli.signal == 0) {
		vrv_hints_add(&err, cli.repo);
		vrv_log_error(&cli.log, &err);
	}
	if (cli.common.show_rc)
		show_rc(&cli, status);
	vrv_passphrase_fini(&cli.passphrase);
	vrv_dirs_fini(&cli.dirs);
	vrv_arena_fini(&cli.arena);
	if (cli.signal != 0)
		vrv_signals_die(cli.signal);
	return status;
}
