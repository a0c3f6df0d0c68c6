/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/signals.h"

#include <time.h>
#include <unistd.h>

/* How often the thread looks whether the work has ended, and how often it
 * does so after everything was saved before it ends the process itself. */
#define TICK_NS 100000000
#define TICKS_AFTER_SAVED 10
#define TICKS_UNHEARD 20 /* how long the work has to ask */

void
vrv_signals_die(int n)
{
	sigset_t set;

	(void)signal(n, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, n);
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	(void)raise(n);
}

static void
die(const struct vrv_signals *s, int n)
{
	/* It may read from a terminal or a network that never ends. */
	pid_t child = atomic_load(&s->child);

	if (child > 0)
		(void)kill(child, SIGTERM);
	vrv_signals_die(n);
}

static void
take(struct vrv_signals *s, int n)
{
	bool is_first = atomic_load(&s->first) == 0;

	if (!is_first && n != SIGPIPE)
		die(s, n);
	if (is_first)
		atomic_store(&s->first, n);
	if (is_first && n != SIGPIPE)
		vrv_log(&s->log, VRV_LOG_WARNING,
		    "interrupted: saving what was read");
}

static void *
run(void *arg)
{
	const struct timespec tick = {.tv_nsec = TICK_NS};
	struct vrv_signals *s = arg;
	unsigned left = TICKS_AFTER_SAVED, unheard = TICKS_UNHEARD;

	while (!atomic_load(&s->ended)) {
		int n = sigtimedwait(&s->set, NULL, &tick);

		if (n > 0)
			take(s, n);
		if (atomic_load(&s->first) != 0 && !atomic_load(&s->heard) &&
		    --unheard == 0)
			die(s, atomic_load(&s->first));
		if (atomic_load(&s->saved) && --left == 0)
			die(s, atomic_load(&s->first));
	}
	return NULL;
}

int
vrv_signals_start(struct vrv_signals *s, const struct vrv_cli *cli,
    struct varve_err *err)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};

	s->log = cli->log;
	s->log.on_line = cli->common.progress && isatty(cli->log.fd) == 1;
	sigemptyset(&s->set);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct sigaction now;

		if (sigaction(numbers[i], NULL, &now) == 0 &&
		    now.sa_handler != SIG_IGN)
			sigaddset(&s->set, numbers[i]);
	}
	(void)pthread_sigmask(SIG_BLOCK, &s->set, &s->old);
	int sys = pthread_create(&s->thread, NULL, run, s);
	if (sys != 0) {
		(void)pthread_sigmask(SIG_SETMASK, &s->old, NULL);
		return vrv_fail_sys(err, sys, "starting a thread for signals");
	}
	s->started = true;
	return 0;
}

void
vrv_signals_child(struct vrv_signals *s, pid_t pid)
{
	atomic_store(&s->child, pid);
}

bool
vrv_signals_stop(void *arg)
{
	struct vrv_signals *s = arg;
	bool stop = atomic_load(&s->first) != 0;

	if (stop)
		atomic_store(&s->heard, true);
	return stop;
}

void
vrv_signals_saved(void *arg)
{
	struct vrv_signals *s = arg;

	atomic_store(&s->saved, true);
}

int
vrv_signals_end(struct vrv_signals *s)
{
	if (!s->started)
		return 0;
	atomic_store(&s->ended, true);
	(void)pthread_join(s->thread, NULL);
	/* One that came after all this ends the process here. */
	(void)pthread_sigmask(SIG_SETMASK, &s->old, NULL);
	return atomic_load(&s->first);
}
