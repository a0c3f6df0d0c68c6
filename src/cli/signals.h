/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

/*
 * SIGINT, SIGTERM, SIGHUP and SIGPIPE while work is done that is worth saving.
 *
 * The first of them is told, in one line, and asks the work to stop; a second
 * one ends the process at once. SIGPIPE says that nobody reads messages any
 * more: it is not told, and does not count as a second one, as each further
 * message raises it. The process ends by the signal that came
 * first: when the work has returned, or a second after it was saved although a
 * thread of it still hangs. Work that does not ask within two seconds has
 * nothing to save yet, or nothing more: it waits for a list of paths, or lists
 * the repository. Signals that were ignored before stay ignored.
 */

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "cli/cli.h"

struct vrv_signals {
	struct vrv_log log; /* of its thread */
	atomic_int child;   /* a command that ends with the process; 0: none */
	sigset_t set, old;
	pthread_t thread;
	bool started;
	atomic_int first;  /* the signal that came; 0: none */
	atomic_bool heard; /* the work was told to stop */
	atomic_bool saved, ended;
};

/* Before the work starts threads. */
int vrv_signals_start(struct vrv_signals *, const struct vrv_cli *,
    struct varve_err *err) VRV_MUST;
/* `pid` is a command whose output the work reads: it is ended with the
 * process. 0: it has ended. */
void vrv_signals_child(struct vrv_signals *, pid_t pid);
/* For varve_backup_options: stop and saved; `arg` is the struct. */
bool vrv_signals_stop(void *arg);
void vrv_signals_saved(void *arg);
/* The work has returned. Returns the signal that came first, or 0. */
int vrv_signals_end(struct vrv_signals *);

/* End the process as signal `n` does. Returns only if it is blocked. */
void vrv_signals_die(int n);

#endif
