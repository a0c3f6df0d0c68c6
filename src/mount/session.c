/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/eventfd.h>

#include <errno.h>
#include <fuse3/fuse_lowlevel.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mount/mount_internal.h"
#include "mount/requests.h"
#include "mount/target.h"
#include "util/mem.h"

#define THREADS_MIN 4
#define THREADS_MAX 16
#define PATIENCE_MS 10

struct worker {
	struct session *session;
	pthread_t id;
	bool is_known; /* `id` is set; under the session's lock */
	bool has_ended;
};

struct session {
	struct vrv_mount *m;
	struct fuse_session *fuse;
	bool is_mounted;
	int ended; /* an eventfd: a worker ended */
	pthread_mutex_t lock;
	struct worker workers[THREADS_MAX];
	unsigned n;
};

/* --- answering --- */

static void
on_signal(int signal)
{
	(void)signal; /* a read that waits is interrupted: that is all */
}

static void
note_end(struct worker *w)
{
	const uint64_t one = 1;

	(void)pthread_mutex_lock(&w->session->lock);
	w->has_ended = true;
	(void)pthread_mutex_unlock(&w->session->lock);
	(void)!write(w->session->ended, &one, sizeof(one));
}

static int
work(void *arg, struct varve_err *err)
{
	struct worker *w = arg;
	struct fuse_session *fuse = w->session->fuse;
	struct fuse_buf buf = {0};
	int got = 0;

	(void)pthread_mutex_lock(&w->session->lock);
	w->id = pthread_self();
	w->is_known = true;
	(void)pthread_mutex_unlock(&w->session->lock);
	while (!fuse_session_exited(fuse)) {
		got = fuse_session_receive_buf(fuse, &buf);
		if (got == -EINTR || got == -EAGAIN)
			continue;
		if (got <= 0)
			break;
		fuse_session_process_buf(fuse, &buf);
	}
	free(buf.mem);
	/* Unmounted by somebody: the others see it, too. */
	fuse_session_exit(fuse);
	note_end(w);
	return got < 0 && got != -EINTR && got != -EAGAIN && got != -ENODEV ?
	    vrv_fail_sys(err, -got, "reading from /dev/fuse") :
	    0;
}

/* Wake those that wait for a request; false while any of them lives. */
static bool
wake(struct session *s)
{
	bool all = true;

	(void)pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < s->n; i++) {
		struct worker *w = &s->workers[i];
		if (w->has_ended)
			continue;
		all = false;
		if (w->is_known)
			(void)pthread_kill(w->id, SIGUSR1);
	}
	(void)pthread_mutex_unlock(&s->lock);
	return all;
}

/* Until it was unmounted, or is to be. */
static int
wait_for_end(struct session *s, struct varve_err *err)
{
	struct pollfd fds[2] = {
	    {.fd = s->ended, .events = POLLIN},
	    {.fd = s->m->options->stop_fd, .events = POLLIN},
	};

	for (;;) {
		int n = poll(fds, 2, -1);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return vrv_fail_sys(err, errno, "poll");
	}
}

/* --- beginning and ending --- */

static unsigned
threads_of(const struct varve_mount_options *o)
{
	unsigned n = o->threads != 0 ? o->threads : 2 * vrv_task_cpus();

	n = n < THREADS_MIN && o->threads == 0 ? THREADS_MIN : n;
	return n > THREADS_MAX ? THREADS_MAX : n;
}

static int
answer(struct session *s, struct vrv_group *threads, struct varve_err *err)
{
	const struct varve_mount_options *o = s->m->options;
	int rc = 0;

	for (unsigned n = threads_of(o); rc == 0 && s->n < n;) {
		struct worker *w = &s->workers[s->n];
		w->session = s;
		rc = vrv_group_start(threads, "mount", work, w, err);
		if (rc == 0)
			s->n++;
	}
	if (rc == 0)
		rc = vrv_target_answers(o->target, err);
	if (rc == 0 && o->ready != NULL)
		rc = o->ready(o->ready_arg, err);
	return rc == 0 ? wait_for_end(s, err) : rc;
}

/* A library prints nothing; what failed is told by who asked for it. */
static void
no_log(enum fuse_log_level level, const char *fmt, va_list ap)
{
	(void)level, (void)fmt, (void)ap;
}

static int
begin(struct session *s, struct varve_err *err)
{
	vrv_auto_free char *text = vrv_target_options(s->m);
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);

	if (text == NULL || fuse_opt_add_arg(&args, "varve") != 0 ||
	    fuse_opt_add_arg(&args, "-o") != 0 ||
	    fuse_opt_add_arg(&args, text) != 0) {
		fuse_opt_free_args(&args);
		return VRV_NOMEM(err, "options of the mount");
	}
	s->fuse =
	    fuse_session_new(&args, &vrv_requests, sizeof(vrv_requests), s->m);
	fuse_opt_free_args(&args);
	if (s->fuse == NULL)
		return vrv_fail(err, VARVE_USAGE,
		    "libfuse does not take the options '%s'", text);
	errno = 0;
	if (fuse_session_mount(s->fuse, s->m->options->target) != 0)
		return vrv_target_refused(s->m->options->target, errno, err);
	s->is_mounted = true;
	return 0;
}

static void
end(struct session *s)
{
	if (s->is_mounted)
		fuse_session_unmount(s->fuse);
	if (s->fuse != NULL)
		fuse_session_destroy(s->fuse);
	if (s->ended >= 0)
		(void)close(s->ended);
	(void)pthread_mutex_destroy(&s->lock);
}

static int
run(struct session *s, struct varve_err *err)
{
	struct varve_err unused;
	struct vrv_group *threads;

	s->ended = eventfd(0, EFD_CLOEXEC);
	if (s->ended < 0)
		return vrv_fail_sys(err, errno, "eventfd");
	int rc = begin(s, err);
	if (rc != 0)
		return rc;
	threads = vrv_group_new();
	if (threads == NULL)
		return VRV_NOMEM(err, "threads");
	rc = answer(s, threads, err);
	fuse_session_exit(s->fuse);
	/* A signal may come just before a thread waits: until all have seen it.
	 */
	while (!wake(s))
		(void)poll(NULL, 0, PATIENCE_MS);
	int failed = vrv_group_join(threads, rc == 0 ? err : &unused);
	vrv_group_free(threads);
	return rc != 0 ? rc : failed;
}

int
vrv_session_run(struct vrv_mount *m, struct varve_err *err)
{
	struct session s = {.m = m, .ended = -1};
	struct sigaction old, interrupt = {.sa_handler = on_signal};

	(void)pthread_mutex_init(&s.lock, NULL);
	(void)sigaction(SIGUSR1, &interrupt, &old);
	fuse_set_log_func(no_log);
	int rc = run(&s, err);
	end(&s);
	fuse_set_log_func(NULL);
	(void)sigaction(SIGUSR1, &old, NULL);
	return rc;
}
