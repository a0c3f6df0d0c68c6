/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/eventfd.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse_lowlevel.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mount/mount_internal.h"
#include "mount/requests.h"
#include "mount/target.h"
#include "util/clock.h"
#include "util/mem.h"

#define THREADS_MIN 4
#define THREADS_MAX 16
#define PATIENCE_MS 10
#define ANSWER_MS 30000 /* of the first answer */

struct worker {
	struct vrv_session *session;
	pthread_t id;
	bool is_known; /* `id` is set; under the session's lock */
	bool has_ended;
};

struct vrv_session {
	struct vrv_mount *m;
	struct fuse_session *fuse;
	bool is_mounted;
	int ended;	 /* an eventfd: a worker ended, or an answer was lost */
	int null;	 /* takes the place of /dev/fuse */
	atomic_int lost; /* why an answer was lost */
	pid_t asking;	 /* the process that asks; 0: none */
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
wake_main(struct vrv_session *s)
{
	const uint64_t one = 1;

	(void)!write(s->ended, &one, sizeof(one));
}

static void
note_end(struct worker *w)
{
	(void)pthread_mutex_lock(&w->session->lock);
	w->has_ended = true;
	(void)pthread_mutex_unlock(&w->session->lock);
	wake_main(w->session);
}

/* The device, as libfuse uses it. */

static ssize_t
take_request(int fd, void *to, size_t n, void *arg)
{
	(void)arg;
	return read(fd, to, n);
}

/* A lost answer is waited for without end, so the session ends then. One whose
 * request was interrupted is not wanted any longer (ENOENT), nor is one after
 * the mount has ended (ENODEV). */
static ssize_t
give_answer(int fd, struct iovec *parts, int n, void *arg)
{
	struct vrv_mount *m = arg;
	struct vrv_session *s = m->session;
	int none = 0;

	ssize_t sent = writev(fd, parts, n);
	int sys = errno;
	if (sent < 0 && sys != ENOENT && sys != ENODEV) {
		(void)atomic_compare_exchange_strong(&s->lost, &none, sys);
		wake_main(s);
	}
	errno = sys;
	return sent;
}

static int
watch_device(struct vrv_session *s, struct varve_err *err)
{
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 14)
	const struct fuse_custom_io io = {
	    .read = take_request,
	    .writev = give_answer,
	};
	int rc = fuse_session_custom_io(s->fuse, &io, fuse_session_fd(s->fuse));
	return rc == 0 ? 0 : vrv_fail_sys(err, -rc, "watching /dev/fuse");
#else
	/* A lost answer is not noticed. */
	(void)s, (void)err, (void)take_request, (void)give_answer;
	return 0;
#endif
}

static int
work(void *arg, struct varve_err *err)
{
	struct worker *w = arg;
	struct fuse_session *fuse = w->session->fuse;
	struct fuse_buf buf = {0};
	sigset_t wake_up;
	int got = 0;

	(void)sigemptyset(&wake_up);
	(void)sigaddset(&wake_up, SIGUSR1);
	(void)pthread_sigmask(SIG_UNBLOCK, &wake_up, NULL);
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
wake(struct vrv_session *s)
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
wait_for_end(struct vrv_session *s, struct varve_err *err)
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

/* --- the first answer --- */

/* What the process that asks was told. */
static int
take_answer(struct vrv_session *s, int fd, struct varve_err *err)
{
	const char *target = s->m->options->target;
	int sys;

	if (read(fd, &sys, sizeof(sys)) != sizeof(sys))
		return vrv_fail(err, VARVE_IO,
		    "the process that asked the mount '%s' died", target);
	return sys == 0 ?
	    0 :
	    vrv_fail_sys(err, sys, "the mount '%s' does not answer", target);
}

/* *ret_stop: it is to end before it has begun. */
static int
wait_for_answer(struct vrv_session *s, int fd, bool *ret_stop,
    struct varve_err *err)
{
	const char *target = s->m->options->target;
	uint64_t end = vrv_ticks() + ANSWER_MS * UINT64_C(1000000);
	struct pollfd fds[3] = {
	    {.fd = fd, .events = POLLIN},
	    {.fd = s->ended, .events = POLLIN},
	    {.fd = s->m->options->stop_fd, .events = POLLIN},
	};

	for (;;) {
		uint64_t now = vrv_ticks();
		int left = now < end ? (int)((end - now) / 1000000) + 1 : 0;
		int n = poll(fds, 3, left);
		if (n < 0 && errno != EINTR)
			return vrv_fail_sys(err, errno, "poll");
		if (n <= 0 && left > 0)
			continue;
		if (n <= 0)
			return vrv_fail(err, VARVE_IO,
			    "the mount '%s' did not answer within %d seconds",
			    target, ANSWER_MS / 1000);
		if (fds[1].revents != 0)
			return vrv_fail(err, VARVE_IO,
			    "the mount '%s' ended before it answered", target);
		*ret_stop = fds[0].revents == 0;
		return *ret_stop ? 0 : take_answer(s, fd, err);
	}
}

static void
end_asking(struct vrv_session *s)
{
	if (s->asking == 0)
		return;
	(void)kill(s->asking, SIGKILL);
	while (waitpid(s->asking, NULL, 0) < 0 && errno == EINTR)
		;
	s->asking = 0;
}

static int
ask(struct vrv_session *s, bool *ret_stop, struct varve_err *err)
{
	vrv_auto_fd fd = -1;

	int rc = vrv_target_ask(s->m->options->target, fuse_session_fd(s->fuse),
	    &s->asking, &fd, err);
	if (rc == 0)
		rc = wait_for_answer(s, fd, ret_stop, err);
	/* If there was no answer it may wait until the device is closed. */
	if (rc == 0 && !*ret_stop)
		end_asking(s);
	return rc;
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
answer(struct vrv_session *s, struct vrv_group *threads, struct varve_err *err)
{
	const struct varve_mount_options *o = s->m->options;
	bool stop = false;
	int rc = 0;

	for (unsigned n = threads_of(o); rc == 0 && s->n < n;) {
		struct worker *w = &s->workers[s->n];
		w->session = s;
		rc = vrv_group_start(threads, "mount", work, w, err);
		if (rc == 0)
			s->n++;
	}
	if (rc == 0)
		rc = ask(s, &stop, err);
	if (rc == 0 && !stop && o->ready != NULL)
		rc = o->ready(o->ready_arg, err);
	return rc == 0 && !stop ? wait_for_end(s, err) : rc;
}

/* A library prints nothing; what failed is told by who asked for it. */
static void
no_log(enum fuse_log_level level, const char *fmt, va_list ap)
{
	(void)level, (void)fmt, (void)ap;
}

static int
begin(struct vrv_session *s, struct varve_err *err)
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
	return watch_device(s, err);
}

/* Let go of /dev/fuse, whatever a worker is at: it finds nothing more to do,
 * and who waits for an answer gets ENOTCONN as soon as nobody reads there. Only
 * if it is unmounted already libfuse must see that, or it would unmount what is
 * mounted there now. */
static void
let_go(struct vrv_session *s)
{
	int fd = fuse_session_fd(s->fuse);
	struct pollfd device = {.fd = fd};

	if (poll(&device, 1, 0) != 1 || (device.revents & POLLERR) == 0)
		(void)dup3(s->null, fd, O_CLOEXEC);
}

static void
end(struct vrv_session *s)
{
	if (s->is_mounted)
		fuse_session_unmount(s->fuse);
	end_asking(s);
	if (s->fuse != NULL)
		fuse_session_destroy(s->fuse);
	if (s->ended >= 0)
		(void)close(s->ended);
	if (s->null >= 0)
		(void)close(s->null);
	(void)pthread_mutex_destroy(&s->lock);
}

static int
run(struct vrv_session *s, struct varve_err *err)
{
	struct varve_err cause;
	struct vrv_group *threads;

	s->ended = eventfd(0, EFD_CLOEXEC);
	if (s->ended < 0)
		return vrv_fail_sys(err, errno, "eventfd");
	s->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (s->null < 0)
		return vrv_fail_sys(err, errno, "/dev/null");
	int rc = begin(s, err);
	if (rc != 0)
		return rc;
	threads = vrv_group_new();
	if (threads == NULL)
		return VRV_NOMEM(err, "threads");
	rc = answer(s, threads, err);
	fuse_session_exit(s->fuse);
	let_go(s);
	/* A signal may come just before a thread waits: until all have seen it.
	 */
	while (!wake(s))
		(void)poll(NULL, 0, PATIENCE_MS);
	int failed = vrv_group_join(threads, &cause);
	vrv_group_free(threads);
	if (failed == 0 && atomic_load(&s->lost) != 0)
		failed = vrv_fail_sys(&cause, atomic_load(&s->lost),
		    "answering a request");
	/* What went wrong in a worker is why there was no answer. */
	if (failed != 0)
		*err = cause;
	return failed != 0 ? failed : rc;
}

int
vrv_session_run(struct vrv_mount *m, struct varve_err *err)
{
	struct vrv_session s = {.m = m, .ended = -1, .null = -1};
	struct sigaction old, interrupt = {.sa_handler = on_signal};

	m->session = &s;
	(void)pthread_mutex_init(&s.lock, NULL);
	(void)sigaction(SIGUSR1, &interrupt, &old);
	fuse_set_log_func(no_log);
	int rc = run(&s, err);
	end(&s);
	fuse_set_log_func(NULL);
	(void)sigaction(SIGUSR1, &old, NULL);
	return rc;
}
