/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Runs a command and stops, fails or shortens its N-th system call that
 * changes a file system. The calls of all its threads and children count in
 * one sequence, from 1.
 *
 *   stopper [-o REPORT] [--only CALL,...] count [--] CMD...
 *   stopper ...                           kill N [--] CMD...
 *   stopper ...                           fail N ERRNO [--persist] [--] CMD...
 *   stopper ...                           short N [--] CMD...
 *
 * kill: SIGKILL to everybody before the call happens. fail: the call does not
 * happen and returns the error (a name or a number); with --persist so do all
 * after it. short: a write writes half of its bytes.
 *
 * What counts: the calls of the table below that are marked as changing, but
 * writes only to regular files other than standard output and error, opens
 * only where they can make or empty a file. --only counts these calls
 * instead; there, `open` is an open of any kind and `read` calls are known.
 *
 * Exit status: that of CMD (128 + n if a signal ended it); 125 for an error
 * of the stopper. REPORT gets one line per counted call, "N CALL PATH" (the
 * one that was hit is marked with a star), and at last "calls N hit 0|1".
 *
 * The calls are found by a seccomp filter, so that all others run at full
 * speed.
 */

#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/ptrace.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <sys/user.h>
#endif

#define TRACEES_MAX 4096
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

enum {
	CHANGES = 1u << 0, /* counts unless --only says otherwise */
	FD = 1u << 1,	   /* argument `at` is a descriptor, else a path */
	REGULAR = 1u << 2, /* counts only for regular files and devices */
	WRITES = 1u << 3,  /* can be cut short: its length is argument 2 */
	OPENS = 1u << 4,   /* counts when flags (argument `at` + 1) may make */
	IOCTL = 1u << 5	   /* counts for the requests that change files */
};

struct call {
	const char *name;
	long nr;
	unsigned flags;
	unsigned at; /* argument that says which file */
};

static const struct call calls[] = {
    {"write", SYS_write, CHANGES | FD | REGULAR | WRITES, 0},
    {"pwrite64", SYS_pwrite64, CHANGES | FD | REGULAR | WRITES, 0},
    {"writev", SYS_writev, CHANGES | FD | REGULAR, 0},
    {"pwritev", SYS_pwritev, CHANGES | FD | REGULAR, 0},
    {"pwritev2", SYS_pwritev2, CHANGES | FD | REGULAR, 0},
    {"copy_file_range", SYS_copy_file_range, CHANGES | FD | REGULAR, 2},
    {"sendfile", SYS_sendfile, CHANGES | FD | REGULAR, 0},
    {"fsync", SYS_fsync, CHANGES | FD, 0},
    {"fdatasync", SYS_fdatasync, CHANGES | FD, 0},
    {"syncfs", SYS_syncfs, CHANGES | FD, 0},
    {"sync_file_range", SYS_sync_file_range, CHANGES | FD, 0},
    {"msync", SYS_msync, CHANGES | FD, 6},
    {"truncate", SYS_truncate, CHANGES, 0},
    {"ftruncate", SYS_ftruncate, CHANGES | FD, 0},
    {"fallocate", SYS_fallocate, CHANGES | FD, 0},
    {"openat", SYS_openat, CHANGES | OPENS, 1},
    {"openat2", SYS_openat2, CHANGES | OPENS, 1},
    {"mkdirat", SYS_mkdirat, CHANGES, 1},
    {"mknodat", SYS_mknodat, CHANGES, 1},
    {"linkat", SYS_linkat, CHANGES, 3},
    {"symlinkat", SYS_symlinkat, CHANGES, 2},
    {"unlinkat", SYS_unlinkat, CHANGES, 1},
    {"renameat2", SYS_renameat2, CHANGES, 3},
    {"fchmod", SYS_fchmod, CHANGES | FD, 0},
    {"fchmodat", SYS_fchmodat, CHANGES, 1},
    {"fchown", SYS_fchown, CHANGES | FD, 0},
    {"fchownat", SYS_fchownat, CHANGES, 1},
    {"utimensat", SYS_utimensat, CHANGES, 1},
    {"setxattr", SYS_setxattr, CHANGES, 0},
    {"lsetxattr", SYS_lsetxattr, CHANGES, 0},
    {"fsetxattr", SYS_fsetxattr, CHANGES | FD, 0},
    {"removexattr", SYS_removexattr, CHANGES, 0},
    {"fremovexattr", SYS_fremovexattr, CHANGES | FD, 0},
    {"ioctl", SYS_ioctl, CHANGES | FD | IOCTL, 0},
#if defined(__x86_64__)
    {"open", SYS_open, CHANGES | OPENS, 0},
    {"creat", SYS_creat, CHANGES, 0},
    {"mkdir", SYS_mkdir, CHANGES, 0},
    {"mknod", SYS_mknod, CHANGES, 0},
    {"link", SYS_link, CHANGES, 1},
    {"symlink", SYS_symlink, CHANGES, 1},
    {"unlink", SYS_unlink, CHANGES, 0},
    {"rmdir", SYS_rmdir, CHANGES, 0},
    {"rename", SYS_rename, CHANGES, 1},
    {"renameat", SYS_renameat, CHANGES, 3},
    {"chmod", SYS_chmod, CHANGES, 0},
    {"chown", SYS_chown, CHANGES, 0},
    {"lchown", SYS_lchown, CHANGES, 0},
    {"utimes", SYS_utimes, CHANGES, 0},
    {"futimesat", SYS_futimesat, CHANGES, 1},
#endif
    {"read", SYS_read, FD | REGULAR, 0},
    {"pread64", SYS_pread64, FD | REGULAR, 0},
    {"readv", SYS_readv, FD | REGULAR, 0},
    {"preadv", SYS_preadv, FD | REGULAR, 0},
    {"getdents64", SYS_getdents64, FD, 0},
    {"close", SYS_close, FD | REGULAR, 0},
};

enum mode {
	COUNT,
	KILL,
	FAIL,
	SHORT
};

struct stopper {
	enum mode mode;
	unsigned long n; /* which call */
	int error;	 /* FAIL: the errno */
	bool persist;
	bool counted[ARRAY_LEN(calls)];
	bool any_open; /* opens count whatever their flags */
	FILE *report;

	unsigned long seen;
	bool hit;
	pid_t main;
	int status; /* of main, as from waitpid */
	pid_t tracees[TRACEES_MAX];
	size_t n_tracees;
};

static void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *fmt, ...)
{
	va_list ap;
	int sys = errno;

	va_start(ap, fmt);
	fprintf(stderr, "stopper: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, sys != 0 ? ": %s\n" : "\n", strerror(sys));
	va_end(ap);
	exit(125);
}

/* --- the command line --- */

static void
usage(void)
{
	errno = 0;
	die("usage: stopper [-o REPORT] [--only CALL,...] "
	    "{count | kill N | fail N ERRNO [--persist] | short N} [--] "
	    "CMD...");
}

static void
select_only(struct stopper *s, char *list)
{
	char *save = NULL;

	memset(s->counted, 0, sizeof(s->counted));
	for (char *name = strtok_r(list, ",", &save); name != NULL;
	     name = strtok_r(NULL, ",", &save)) {
		bool opens = strcmp(name, "open") == 0, known = opens;

		s->any_open = s->any_open || opens;
		for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
			if (strcmp(calls[i].name, name) == 0 ||
			    (opens && (calls[i].flags & OPENS) != 0))
				s->counted[i] = known = true;
		}
		errno = 0;
		if (!known)
			die("no such call: %s", name);
	}
}

static int
parse_errno(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*end == '\0' && n > 0 && n < 4096)
		return (int)n;
	for (int e = 1; e < 200; e++) {
		const char *name = strerrorname_np(e);
		if (name != NULL && strcmp(name, text) == 0)
			return e;
	}
	errno = 0;
	die("no such errno: %s", text);
}

/* Options may stand before and after the mode. */
static char **
parse_options(struct stopper *s, char **arg)
{
	for (; *arg != NULL && **arg == '-'; arg++) {
		if (strcmp(*arg, "--") == 0)
			return arg + 1;
		if (strcmp(*arg, "--persist") == 0) {
			s->persist = true;
		} else if (strcmp(*arg, "--only") == 0 && arg[1] != NULL) {
			select_only(s, *++arg);
		} else if (strcmp(*arg, "-o") == 0 && arg[1] != NULL) {
			s->report = fopen(*++arg, "we");
			if (s->report == NULL)
				die("%s", *arg);
		} else {
			usage();
		}
	}
	return arg;
}

/* Returns the command. */
static char **
parse(struct stopper *s, char **argv)
{
	static const char *const modes[] = {"count", "kill", "fail", "short"};
	char **arg = parse_options(s, argv + 1);
	size_t mode = 0;

	while (mode < ARRAY_LEN(modes) &&
	    (*arg == NULL || strcmp(*arg, modes[mode]) != 0))
		mode++;
	if (mode == ARRAY_LEN(modes))
		usage();
	s->mode = (enum mode)mode;
	arg++;
	if (s->mode != COUNT) {
		char *end = NULL;
		s->n = *arg == NULL ? 0 : strtoul(*arg, &end, 10);
		if (s->n == 0 || *end != '\0')
			usage();
		arg++;
	}
	if (s->mode == FAIL) {
		if (*arg == NULL)
			usage();
		s->error = parse_errno(*arg++);
	}
	arg = parse_options(s, arg);
	if (*arg == NULL)
		usage();
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		if (s->mode == SHORT && (calls[i].flags & WRITES) == 0)
			s->counted[i] = false;
	}
	return arg;
}

/* --- the child --- */

/* A filter that stops at counted calls and lets all others pass. */
static void
install_filter(const struct stopper *s)
{
	struct sock_filter code[2 * ARRAY_LEN(calls) + 2];
	unsigned short n = 0;

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
	    offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		if (!s->counted[i])
			continue;
		code[n++] =
		    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
			(uint32_t)calls[i].nr, 0, 1);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
		    SECCOMP_RET_TRACE);
	}
	code[n++] =
	    (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);

	struct sock_fprog prog = {.len = n, .filter = code};
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0)
		return;
	/* Without privilege a filter takes away set-id programs. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) != 0)
		die("seccomp");
}

static void
start(struct stopper *s, char **command)
{
	int ready[2];
	char byte = 0;

	if (pipe2(ready, O_CLOEXEC) != 0)
		die("pipe");
	s->main = fork();
	if (s->main < 0)
		die("fork");
	if (s->main == 0) {
		close(ready[1]);
		if (read(ready[0], &byte, 1) != 1)
			_exit(125);
		install_filter(s);
		execvp(command[0], command);
		fprintf(stderr, "stopper: %s: %s\n", command[0],
		    strerror(errno));
		_exit(127);
	}
	close(ready[0]);
	if (ptrace(PTRACE_SEIZE, s->main, NULL,
		PTRACE_O_EXITKILL | PTRACE_O_TRACESECCOMP |
		    PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
		    PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC) != 0)
		die("ptrace");
	if (write(ready[1], &byte, 1) != 1)
		die("start");
	close(ready[1]);
}

/* --- registers --- */

#if defined(__x86_64__)
static void
skip_call(pid_t pid, int error)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) != 0)
		die("registers");
	regs.orig_rax = (unsigned long long)-1;
	regs.rax = (unsigned long long)-error;
	if (ptrace(PTRACE_SETREGS, pid, NULL, &regs) != 0)
		die("registers");
}

static void
set_length(pid_t pid, uint64_t n)
{
	if (ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, rdx),
		n) != 0)
		die("registers");
}
#elif defined(__aarch64__)
static void
set_register(pid_t pid, size_t which, uint64_t value)
{
	uint64_t regs[34];
	struct iovec io = {.iov_base = regs, .iov_len = sizeof(regs)};

	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &io) != 0)
		die("registers");
	regs[which] = value;
	if (ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &io) != 0)
		die("registers");
}

static void
skip_call(pid_t pid, int error)
{
	int none = -1;
	struct iovec io = {.iov_base = &none, .iov_len = sizeof(none)};

	if (ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &io) != 0)
		die("registers");
	set_register(pid, 0, (uint64_t)-error);
}

static void
set_length(pid_t pid, uint64_t n)
{
	set_register(pid, 2, n);
}
#else
#error "the stopper knows the registers of x86-64 and aarch64"
#endif

/* --- one call --- */

struct stop {
	pid_t pid;
	const struct call *call;
	uint64_t args[6];
};

static bool
read_memory(pid_t pid, uint64_t from, void *to, size_t n)
{
	struct iovec local = {.iov_base = to, .iov_len = n};
	struct iovec remote = {.iov_base = (void *)(uintptr_t)from,
	    .iov_len = n};

	return process_vm_readv(pid, &local, 1, &remote, 1, 0) == (ssize_t)n;
}

static bool
is_regular(pid_t pid, int fd)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	return stat(path, &st) == 0 &&
	    (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode));
}

static bool
opens_to_change(const struct stop *stop)
{
	uint64_t flags = stop->args[stop->call->at + 1];

	if (stop->call->nr == SYS_openat2 &&
	    !read_memory(stop->pid, flags, &flags, sizeof(flags)))
		return true;
	return (flags & (O_CREAT | O_TRUNC)) != 0 ||
	    (flags & O_TMPFILE) == O_TMPFILE;
}

static bool
ioctl_changes(uint64_t request)
{
	switch ((uint32_t)request) {
	case FICLONE:
	case FICLONERANGE:
	case FS_IOC_SETFLAGS:
	case FS_IOC_FSSETXATTR:
		return true;
	default:
		return false;
	}
}

static bool
counts(const struct stopper *s, const struct stop *stop)
{
	unsigned flags = stop->call->flags;
	int fd = (int)stop->args[stop->call->at % 6];

	if ((flags & OPENS) != 0 && !s->any_open && !opens_to_change(stop))
		return false;
	if ((flags & IOCTL) != 0 && !ioctl_changes(stop->args[1]))
		return false;
	if ((flags & REGULAR) != 0 &&
	    (fd == STDOUT_FILENO || fd == STDERR_FILENO ||
		!is_regular(stop->pid, fd)))
		return false;
	return s->mode != SHORT || stop->args[2] > 1;
}

/* The file of a call, for the report; control characters as '?'. */
static void
name_file(const struct stop *stop, char *to, size_t size)
{
	to[0] = '\0';
	if (stop->call->at >= 6)
		return;
	if ((stop->call->flags & FD) != 0) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/%d/fd/%d", stop->pid,
		    (int)stop->args[stop->call->at]);
		ssize_t n = readlink(path, to, size - 1);
		to[n > 0 ? n : 0] = '\0';
	} else {
		size_t n = 0;

		while (n < size - 1 &&
		    read_memory(stop->pid, stop->args[stop->call->at] + n,
			to + n, 1) &&
		    to[n] != '\0')
			n++;
		to[n] = '\0';
	}
	for (char *c = to; *c != '\0'; c++) {
		if ((unsigned char)*c < ' ')
			*c = '?';
	}
}

static bool
is_target(const struct stopper *s)
{
	return s->mode != COUNT &&
	    (s->seen == s->n || (s->persist && s->seen > s->n));
}

static void
report(const struct stopper *s, const struct stop *stop)
{
	char file[PATH_MAX];

	if (s->report == NULL)
		return;
	name_file(stop, file, sizeof(file));
	fprintf(s->report, "%s%lu %s %s\n", is_target(s) ? "*" : "", s->seen,
	    stop->call->name, file);
}

static void
kill_all(struct stopper *s)
{
	for (size_t i = 0; i < s->n_tracees; i++)
		(void)kill(s->tracees[i], SIGKILL);
}

static void
on_call(struct stopper *s, pid_t pid)
{
	struct ptrace_syscall_info info;
	struct stop stop = {.pid = pid};

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0)
		return; /* killed meanwhile */
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		if (calls[i].nr == (long)info.seccomp.nr)
			stop.call = &calls[i];
	}
	if (stop.call == NULL)
		return;
	for (size_t i = 0; i < 6; i++)
		stop.args[i] = info.seccomp.args[i];
	if (!counts(s, &stop))
		return;

	s->seen++;
	report(s, &stop);
	if (!is_target(s))
		return;
	s->hit = true;
	if (s->mode == KILL)
		kill_all(s);
	else if (s->mode == FAIL)
		skip_call(pid, s->error);
	else
		set_length(pid, stop.args[2] / 2);
}

/* --- the loop --- */

static void
remember(struct stopper *s, pid_t pid)
{
	for (size_t i = 0; i < s->n_tracees; i++) {
		if (s->tracees[i] == pid)
			return;
	}
	errno = 0;
	if (s->n_tracees == TRACEES_MAX)
		die("more than %d threads", TRACEES_MAX);
	s->tracees[s->n_tracees++] = pid;
}

static void
forget(struct stopper *s, pid_t pid)
{
	for (size_t i = 0; i < s->n_tracees; i++) {
		if (s->tracees[i] == pid)
			s->tracees[i--] = s->tracees[--s->n_tracees];
	}
}

static void
on_stop(struct stopper *s, pid_t pid, int status)
{
	int event = status >> 16, signal = WSTOPSIG(status);

	/* A child that was being born when all others were killed. */
	if (s->mode == KILL && s->hit)
		(void)kill(pid, SIGKILL);
	if (event == PTRACE_EVENT_SECCOMP) {
		on_call(s, pid);
		signal = 0;
	} else if (event == PTRACE_EVENT_STOP && signal != SIGTRAP) {
		/* A group stop: it stays stopped and hears of SIGCONT. */
		(void)ptrace(PTRACE_LISTEN, pid, NULL, NULL);
		return;
	} else if (event != 0) {
		signal = 0;
	}
	(void)ptrace(PTRACE_CONT, pid, NULL, (long)signal);
}

static void
follow(struct stopper *s)
{
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, __WALL);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			return;
		if (WIFSTOPPED(status)) {
			remember(s, pid);
			on_stop(s, pid, status);
			continue;
		}
		forget(s, pid);
		if (pid == s->main)
			s->status = status;
	}
}

int
main(int argc, char **argv)
{
	static struct stopper s;

	(void)argc;
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		s.counted[i] = (calls[i].flags & CHANGES) != 0;
	char **command = parse(&s, argv);
	start(&s, command);
	remember(&s, s.main);
	follow(&s);
	if (s.report != NULL) {
		fprintf(s.report, "calls %lu hit %d\n", s.seen, s.hit);
		if (fclose(s.report) != 0)
			die("report");
	}
	return WIFSIGNALED(s.status) ? 128 + WTERMSIG(s.status) :
				       WEXITSTATUS(s.status);
}
