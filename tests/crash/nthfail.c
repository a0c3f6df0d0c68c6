/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * To be preloaded: the nth call of one kind fails, once. For what no fault of a
 * store reaches: memory, threads, and the device of a mount.
 *
 *	NTHFAIL=malloc:7		  which kind, and which call
 *	NTHFAIL_AFTER=mount or NTHFAIL_AFTER=/a/file
 *		count from the first mount(2) on, or once the file exists
 *	NTHFAIL_HIT=/a/file		  made when the call fails
 *
 * Kinds: malloc (calloc and realloc too), thread (pthread_create), fork, read
 * and write (of /dev/fuse). Only in the program that NTHFAIL_IN names, and not
 * in what it forks.
 */
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
	const char *kind, *after, *hit;
	long n;
	pid_t pid;
	bool is_on;
} plan;
static atomic_long calls;
static atomic_bool is_armed;

/* Before main(), when there is one thread. */
__attribute__((constructor)) static void
set_up(void)
{
	const char *text = getenv("NTHFAIL"), *in = getenv("NTHFAIL_IN");

	if (text == NULL || strchr(text, ':') == NULL ||
	    (in != NULL && strcmp(in, program_invocation_short_name) != 0))
		return;
	plan.kind = text;
	plan.n = atol(strchr(text, ':') + 1);
	plan.after = getenv("NTHFAIL_AFTER");
	plan.hit = getenv("NTHFAIL_HIT");
	plan.pid = getpid();
	atomic_store(&is_armed, plan.after == NULL);
	plan.is_on = true;
}

static bool
fails(const char *kind)
{
	size_t n = strlen(kind);
	int old = errno;

	if (!plan.is_on || strncmp(plan.kind, kind, n) != 0 ||
	    plan.kind[n] != ':')
		return false;
	if (!atomic_load(&is_armed)) {
		bool now =
		    plan.after[0] == '/' && access(plan.after, F_OK) == 0;
		errno = old;
		if (!now)
			return false;
		atomic_store(&is_armed, true);
	}
	if (atomic_fetch_add(&calls, 1) + 1 != plan.n || getpid() != plan.pid)
		return false;
	if (plan.hit != NULL)
		(void)close(
		    open(plan.hit, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	errno = old;
	return true;
}

static bool
is_device(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) &&
	    st.st_rdev == makedev(10, 229);
}

#define REAL(name)                                                             \
	static __typeof__(name) *real;                                         \
	if (real == NULL)                                                      \
	real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

/* glibc's own, which dlsym() may need before it has found anything. */
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);

void *
malloc(size_t n)
{
	if (fails("malloc")) {
		errno = ENOMEM;
		return NULL;
	}
	return __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	if (fails("malloc")) {
		errno = ENOMEM;
		return NULL;
	}
	return __libc_calloc(n, size);
}

void *
realloc(void *old, size_t n)
{
	if (fails("malloc")) {
		errno = ENOMEM;
		return NULL;
	}
	return __libc_realloc(old, n);
}

int
pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*fn)(void *),
    void *arg)
{
	REAL(pthread_create);
	return fails("thread") ? EAGAIN : real(id, attr, fn, arg);
}

pid_t
fork(void)
{
	REAL(fork);
	if (fails("fork")) {
		errno = EAGAIN;
		return -1;
	}
	return real();
}

int
mount(const char *from, const char *to, const char *type, unsigned long flags,
    const void *data)
{
	REAL(mount);
	int rc = real(from, to, type, flags, data);

	if (rc == 0 && plan.is_on && plan.after != NULL &&
	    strcmp(plan.after, "mount") == 0)
		atomic_store(&is_armed, true);
	return rc;
}

/* The request stays with the kernel, or is taken from it and lost? The former:
 * nothing was read. */
ssize_t
read(int fd, void *to, size_t n)
{
	REAL(read);
	if (plan.is_on && is_device(fd) && fails("read")) {
		errno = EIO;
		return -1;
	}
	return real(fd, to, n);
}

ssize_t
writev(int fd, const struct iovec *iov, int n)
{
	REAL(writev);
	if (plan.is_on && is_device(fd) && fails("write")) {
		errno = EIO;
		return -1;
	}
	return real(fd, iov, n);
}
