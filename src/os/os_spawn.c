/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/spawn.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <unistd.h>

#include "os/file.h"
#include "util/mem.h"

/* Start it with standard output on `out`. Returns an errno value. */
static int
start(char *const argv[], int out, pid_t *ret_pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t set;

	int bad = posix_spawn_file_actions_init(&files);
	if (bad != 0)
		return bad;
	bad = posix_spawnattr_init(&attr);
	if (bad != 0) {
		posix_spawn_file_actions_destroy(&files);
		return bad;
	}
	bad = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);

	/* What we block and ignore is no business of theirs. */
	sigemptyset(&set);
	if (bad == 0)
		bad = posix_spawnattr_setsigmask(&attr, &set);
	sigaddset(&set, SIGPIPE);
	sigaddset(&set, SIGXFSZ);
	if (bad == 0)
		bad = posix_spawnattr_setsigdefault(&attr, &set);
	if (bad == 0)
		bad = posix_spawnattr_setflags(&attr,
		    POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (bad == 0)
		bad = posix_spawnp(ret_pid, argv[0], &files, &attr, argv,
		    environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return bad;
}

int
vrv_os_spawn(char *const argv[], pid_t *ret_pid, int *ret_fd,
    struct varve_err *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return vrv_fail_sys(err, errno, "pipe");
	vrv_auto_fd from = ends[0];
	vrv_auto_fd to = ends[1];
	int bad = start(argv, to, ret_pid);
	if (bad != 0)
		return vrv_fail_sys(err, bad, "run %s", argv[0]);
	*ret_fd = vrv_steal_fd(&from);
	return 0;
}

int
vrv_os_wait(pid_t pid, const char *name, struct varve_err *err)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return vrv_fail_sys(err, errno, "wait for %s", name);
	}
	if (WIFSIGNALED(status))
		return vrv_fail(err, VARVE_IO, "%s was killed by signal %d",
		    name, WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return vrv_fail(err, VARVE_IO, "%s exited with status %d", name,
		    WEXITSTATUS(status));
	return 0;
}

/* Append what comes from `fd`. Room is taken once: what is printed may be a
 * secret, and a buffer that grows leaves copies behind. */
static int
drink(int fd, size_t max, struct vrv_buf *buf, struct varve_err *err)
{
	size_t had = buf->len, got;

	if (max == SIZE_MAX)
		return vrv_fail(err, VARVE_USAGE, "no limit for the output");
	uint8_t *at = vrv_buf_extend(buf, max + 1);
	if (at == NULL)
		return vrv_buf_check(buf, err);
	int rc = vrv_os_read(fd, at, max + 1, &got, err);
	if (rc == 0 && got > max)
		rc =
		    vrv_fail(err, VARVE_LIMIT, "output exceeds %zu bytes", max);
	buf->len = rc == 0 ? had + got : had;
	return rc;
}

int
vrv_os_capture(const char *command, size_t max, struct vrv_buf *buf,
    struct varve_err *err)
{
	vrv_auto_free char **argv = NULL;
	size_t had = buf->len;
	struct varve_err late;
	pid_t pid;
	int fd;

	int rc = vrv_os_split_words(command, &argv, err);
	if (rc == 0)
		rc = vrv_os_spawn(argv, &pid, &fd, err);
	if (rc != 0)
		return rc;
	rc = drink(fd, max, buf, err);
	/* Closed first: a program that still prints must not wait for us. */
	(void)close(fd);
	int end = vrv_os_wait(pid, argv[0], rc == 0 ? err : &late);
	if (rc != 0)
		return vrv_ctx(err, "%s", argv[0]);
	if (end != 0)
		buf->len = had;
	return end;
}

void
vrv_os_harden(void)
{
	struct rlimit none = {0, 0};

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
