/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/child.h"

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "util/buf.h"
#include "util/mem.h"

static int
spawn(const char *const *argv, int out, pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t defaults, mask;
	int sys = posix_spawn_file_actions_init(&actions);

	if (sys != 0)
		return sys;
	sys = posix_spawnattr_init(&attr);
	if (sys != 0) {
		posix_spawn_file_actions_destroy(&actions);
		return sys;
	}
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	sigaddset(&defaults, SIGXFSZ);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	/* Those that this process handles in a thread are blocked here. */
	(void)pthread_sigmask(SIG_BLOCK, NULL, &mask);
	sigdelset(&mask, SIGINT);
	sigdelset(&mask, SIGTERM);
	sigdelset(&mask, SIGHUP);
	sigdelset(&mask, SIGPIPE);
	posix_spawnattr_setsigmask(&attr, &mask);
	posix_spawnattr_setflags(&attr,
	    POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	sys = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (sys == 0)
		sys = posix_spawnp(ret, argv[0], &actions, &attr,
		    (char *const *)(uintptr_t)argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return sys;
}

int
vrv_child_start(const char *const *argv, struct vrv_child *ret,
    struct varve_err *err)
{
	int ends[2];
	pid_t pid = 0;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return vrv_fail_sys(err, errno, "cannot make a pipe");
	vrv_auto_fd in = ends[0], out = ends[1];
	int sys = spawn(argv, out, &pid);
	if (sys != 0) {
		vrv_fail_sys(err, sys, "cannot run '%s'", argv[0]);
		return vrv_exit(err, VARVE_EXIT_COMMAND);
	}
	*ret = (struct vrv_child){pid, vrv_steal_fd(&in), argv[0]};
	return 0;
}

static int
reap(struct vrv_child *c)
{
	int status = 0;

	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	c->pid = 0;
	return status;
}

int
vrv_child_wait(struct vrv_child *c, struct varve_err *err)
{
	int status = reap(c);

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFSIGNALED(status))
		vrv_fail(err, VARVE_IO, "command '%s' was ended by signal %d",
		    c->name, WTERMSIG(status));
	else
		vrv_fail(err, VARVE_IO, "command '%s' ended with status %d",
		    c->name, WEXITSTATUS(status));
	return vrv_exit(err, VARVE_EXIT_COMMAND);
}

void
vrv_child_fini(struct vrv_child *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	if (c->pid == 0)
		return;
	/* It may not notice that nobody reads any more. */
	(void)kill(c->pid, SIGTERM);
	(void)reap(c);
}

/* The word at *p, without its quotes; leaves *p behind it. */
static bool
take_word(const char **p, struct vrv_buf *word)
{
	char quote = 0;

	for (; **p != '\0'; (*p)++) {
		char c = **p;
		if (quote == 0 && strchr(" \t\r\n", c) != NULL)
			break;
		if (c == quote) {
			quote = 0;
		} else if (quote == 0 && (c == '\'' || c == '"')) {
			quote = c;
		} else if (c == '\\' && quote != '\'' && (*p)[1] != '\0' &&
		    (quote == 0 || strchr("\\\"", (*p)[1]) != NULL)) {
			vrv_buf_u8(word, (uint8_t) * ++*p);
		} else {
			vrv_buf_u8(word, (uint8_t)c);
		}
	}
	return quote == 0;
}

int
vrv_split_command(const char *command, struct vrv_arena *arena,
    struct vrv_strings *ret, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf word = {0};
	const char *p = command;
	int rc;

	for (;;) {
		p += strspn(p, " \t\r\n");
		if (*p == '\0')
			break;
		vrv_buf_clear(&word);
		if (!take_word(&p, &word))
			return vrv_fail(err, VARVE_USAGE,
			    "a quote is not closed in the command '%s'",
			    command);
		if ((rc = vrv_buf_check(&word, err)) != 0)
			return rc;
		char *copy = vrv_arena_dup(arena, word.data, word.len);
		if (copy == NULL)
			return VRV_NOMEM(err, "a command");
		if ((rc = vrv_strings_add(ret, arena, copy, err)) != 0)
			return rc;
	}
	if (ret->n == 0)
		return vrv_fail(err, VARVE_USAGE, "an empty command");
	return 0;
}
