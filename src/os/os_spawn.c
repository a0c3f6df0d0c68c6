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

void
vrv_os_harden(void)
{
	struct rlimit none = {0, 0};

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
