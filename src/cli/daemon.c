/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/daemon.h"

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

/* Until the child tells its status, or ends. */
static int
wait_for(int fd, pid_t child)
{
	uint8_t status;
	ssize_t n;
	int how;

	do
		n = read(fd, &status, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		return status;
	while (waitpid(child, &how, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(how) && WEXITSTATUS(how) != 0 ? WEXITSTATUS(how) :
							 VARVE_EXIT_ERROR;
}

int
vrv_daemon_start(struct vrv_daemon *d, struct varve_err *err)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) != 0)
		return vrv_fail_sys(err, errno, "pipe");
	pid_t pid = fork();
	if (pid < 0) {
		int sys = errno;
		(void)close(fds[0]);
		(void)close(fds[1]);
		return vrv_fail_sys(err, sys, "fork");
	}
	if (pid > 0) {
		(void)close(fds[1]);
		/* Nothing was written to streams that the child would not
		 * write again. */
		_exit(wait_for(fds[0], pid));
	}
	(void)close(fds[0]);
	d->fd = fds[1];
	return 0;
}

int
vrv_daemon_ready(struct vrv_daemon *d, int status, struct varve_err *err)
{
	uint8_t byte = (uint8_t)status;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return vrv_fail_sys(err, errno, "/dev/null");
	if (setsid() < 0 || chdir("/") != 0 || dup2(null, 0) < 0 ||
	    dup2(null, 1) < 0 || dup2(null, 2) < 0)
		return vrv_fail_sys(err, errno, "going to the background");
	(void)close(null);
	(void)!write(d->fd, &byte, 1);
	(void)close(d->fd);
	d->fd = -1;
	return 0;
}
