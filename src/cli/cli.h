/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_CLI_H
#define CLI_CLI_H

/*
 * The program: what all commands share while one runs.
 */

#include <stdbool.h>
#include <stdio.h>

#include <varve/varve.h>

#include "cli/dirs.h"
#include "cli/json.h"
#include "cli/location.h"
#include "cli/log.h"
#include "cli/options.h"
#include "cli/passphrase.h"
#include "cli/progress.h"

/* Options that may stand before and behind the command. */
struct vrv_common {
	int level;
	bool help, version, progress, iec, log_json, show_version, show_rc;
	bool accept_replaced, allow_rollback, salvage;
	unsigned umask;
};

struct vrv_cli {
	struct vrv_common common;
	struct vrv_log log;
	struct vrv_dirs dirs;
	struct vrv_passphrase passphrase;
	struct vrv_arena arena; /* as long as the process */
	struct varve_time now;	/* when it started */
	const char *const *argv;
	size_t argc;
	const char *repo; /* path of the repository in use, or NULL */
	FILE *out;
	bool warned; /* ends with exit status 1 */
	int signal;  /* ends by this one, if not 0 */
	/* Of what a command makes for its user: --umask if it was given, else
	 * the one that varve was started with. */
	unsigned user_umask;
};

/* Run the program and return its exit status. */
int vrv_cli_main(int argc, char **argv);

/* Open the repository at `path`; a passphrase that was typed may be wrong
 * twice. `without_key`: only to look at objects. */
int vrv_cli_open(struct vrv_cli *, const char *path, bool without_key,
    struct varve_repo **ret, struct varve_err *err) VRV_MUST;
/* The options for it, for what opens a repository otherwise. */
void vrv_cli_open_options(struct vrv_cli *, struct varve_open_options *ret);
void vrv_cli_close(struct varve_repo **);
#define vrv_auto_repo                                                          \
	__attribute__((cleanup(vrv_cli_close))) struct varve_repo *

/* Write to standard output. IO if that fails. */
int vrv_cli_out(struct vrv_cli *, struct vrv_buf *, struct varve_err *err)
    VRV_MUST;

/* --- grammar: see grammar.c --- */

/* How the words of a command begin. */
enum vrv_wants {
	VRV_WANTS_REPO,	      /* [REPO] */
	VRV_WANTS_REPO_ARGS,  /* [REPO] [ARG...] */
	VRV_WANTS_ARCHIVE,    /* [REPO]::ARCHIVE [ARG...] */
	VRV_WANTS_EITHER,     /* [REPO] | [REPO]::ARCHIVE [ARG...] */
	VRV_WANTS_EITHER_ARGS /* [REPO][::ARCHIVE] [ARG...] */
};

/* Parse the location that `words` begin with. The first word is one, except
 * that with _ARGS and a default repository it must look like one: it holds ::
 * or ://, or names a directory that is a repository. Without one the location
 * is the default repository. *ret_rest are the words behind it; NULL: there
 * must be none. USAGE. */
int vrv_cli_location(struct vrv_cli *, const struct vrv_strings *words,
    enum vrv_wants, struct vrv_location *ret, struct vrv_strings *ret_rest,
    struct varve_err *err) VRV_MUST;

/* `words` without its first. */
struct vrv_strings vrv_cli_rest(const struct vrv_strings *words);
/* USAGE if there are more than `max` of them. */
int vrv_cli_no_more(const struct vrv_strings *words, size_t max,
    struct varve_err *err) VRV_MUST;

/* Text with placeholders expanded, in the arena; NULL stays NULL. */
int vrv_cli_expand(struct vrv_cli *, const char *text, const char **ret,
    struct varve_err *err) VRV_MUST;

/* --- events --- */

/* Shows what a library call tells: see vrv_events_fn(). */
struct vrv_events {
	struct vrv_cli *cli;
	struct vrv_progress progress;
	bool list;	    /* --list */
	bool only_paths;    /* of FILE events: no status letters */
	const char *filter; /* status letters, or NULL: all */
	uint64_t problems;
	bool damaged; /* a problem that the system did not cause */
	/* The first problems go into the array of this that is open; or NULL.
	 */
	struct vrv_json *findings;
	/* With findings, the first archives that are damaged: id and name of
	 * each, with NULs behind them. */
	struct vrv_buf archives;
	size_t n_archives;
};
#define VRV_FINDINGS_MAX 1000
void vrv_events_start(struct vrv_events *, struct vrv_cli *, const char *msgid);
void vrv_events_end(struct vrv_events *);
/* A varve_event_fn; `arg` is a struct vrv_events. */
void vrv_events_fn(void *arg, const struct varve_event *);

/* The error of a run that found problems, of which the system refused `unread`
 * objects, `denied` of those for want of permission: exit status 90 if any
 * other is among them, else 21 if all were denied, else 2. `rest` (may be "")
 * goes behind it. Returns its code. */
int vrv_cli_findings(uint64_t problems, uint64_t unread, uint64_t denied,
    const char *rest, struct varve_err *err);

#endif
