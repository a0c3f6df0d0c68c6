/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/prompt.h"

#include <sys/signalfd.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/text.h"
#include "util/buf.h"
#include "util/mem.h"

static void
show(int tty, struct vrv_buf *line)
{
	if (!line->failed && write(tty, line->data, line->len) < 0)
		return; /* the read that follows will tell */
}

void
vrv_prompt_say(int tty, const char *text)
{
	vrv_auto_buf struct vrv_buf line = {0};

	vrv_text_add(&line, "%s\n", text);
	show(tty, &line);
}

/* Wait until `tty` has a line. false: a signal is pending instead. */
static bool
wait_for_line(int tty, int signals)
{
	struct pollfd fds[2] = {{tty, POLLIN, 0}, {signals, POLLIN, 0}};

	while (poll(fds, signals >= 0 ? 2 : 1, -1) < 0 && errno == EINTR)
		continue;
	return fds[1].revents == 0;
}

static int
read_line(int tty, char *buf, size_t size, size_t *ret_n, struct varve_err *err)
{
	ssize_t n;

	while ((n = read(tty, buf, size)) < 0 && errno == EINTR)
		continue;
	if (n < 0)
		return vrv_fail_sys(err, errno, "cannot read the terminal");
	if (n == 0) {
		vrv_fail(err, VARVE_CANCELLED, "no passphrase was typed");
		return vrv_exit(err, VARVE_EXIT_NO_PASSPHRASE);
	}
	if ((size_t)n == size && buf[n - 1] != '\n')
		return vrv_fail(err, VARVE_LIMIT,
		    "a passphrase of more than %zu bytes", size - 1);
	*ret_n = (size_t)n - (buf[n - 1] == '\n');
	return 0;
}

/* One question with echo off and signals held back. */
static int
ask(int tty, const sigset_t *held, char *buf, size_t size, size_t *ret_n,
    bool *ret_again, struct varve_err *err)
{
	struct termios before, quiet;
	vrv_auto_fd signals = signalfd(-1, held, SFD_CLOEXEC);

	if (tcgetattr(tty, &before) != 0)
		return vrv_fail_sys(err, errno, "cannot ask on the terminal");
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	if (tcsetattr(tty, TCSAFLUSH, &quiet) != 0)
		return vrv_fail_sys(err, errno, "cannot ask on the terminal");
	*ret_again = !wait_for_line(tty, signals);
	int rc = *ret_again ? 0 : read_line(tty, buf, size, ret_n, err);
	(void)tcsetattr(tty, TCSAFLUSH, &before);
	vrv_prompt_say(tty, "");
	return rc;
}

int
vrv_prompt_secret(int tty, const char *before, const char *name, char *buf,
    size_t size, size_t *ret_n, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf line = {0};
	sigset_t held, old;
	bool again = true;
	int rc = 0;

	vrv_text_add(&line, "%s", before);
	vrv_text_escape(&line, name);
	vrv_text_add(&line, ": ");
	sigemptyset(&held);
	sigaddset(&held, SIGINT);
	sigaddset(&held, SIGTERM);
	sigaddset(&held, SIGHUP);
	sigaddset(&held, SIGQUIT);
	sigaddset(&held, SIGTSTP);
	while (rc == 0 && again) {
		pthread_sigmask(SIG_BLOCK, &held, &old);
		show(tty, &line);
		rc = ask(tty, &held, buf, size, ret_n, &again, err);
		/* What was held back ends or stops the process here; when it
		 * goes on after a stop, the question comes again. */
		pthread_sigmask(SIG_SETMASK, &old, NULL);
	}
	return rc;
}
