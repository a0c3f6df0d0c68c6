/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Preloaded: the FAILMALLOC_AT-th allocation of the process fails, once, as
 * if memory had run out for a moment. With FAILMALLOC_COUNT, their number is
 * written to that file when the process ends. Built without sanitizers, for
 * programs without. Allocations of the name service do not fail: in glibc 2.36
 * it crashes then.
 */

#include <dlfcn.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static atomic_ulong count;
static unsigned long fail_at;

static _Thread_local bool in_name_service;

static void *(*real_malloc)(size_t);
static void *(*real_calloc)(size_t, size_t);
static void *(*real_realloc)(void *, size_t);

/* dlsym() itself allocates; what it gets then is never freed. */
static char early[4096];
static size_t early_used;

static void *
early_alloc(size_t n)
{
	n = (n + 15) & ~(size_t)15;
	if (n > sizeof(early) - early_used)
		abort();
	early_used += n;
	return early + early_used - n;
}

__attribute__((constructor)) static void
start(void)
{
	const char *at = getenv("FAILMALLOC_AT");

	*(void **)&real_calloc = dlsym(RTLD_NEXT, "calloc");
	*(void **)&real_realloc = dlsym(RTLD_NEXT, "realloc");
	*(void **)&real_malloc = dlsym(RTLD_NEXT, "malloc");
	if (at != NULL)
		fail_at = strtoul(at, NULL, 10);
}

__attribute__((destructor)) static void
end(void)
{
	const char *path = getenv("FAILMALLOC_COUNT");
	FILE *f = path != NULL ? fopen(path, "w") : NULL;

	if (f == NULL)
		return;
	fprintf(f, "%lu\n", atomic_load(&count));
	fclose(f);
}

static int
fails(void)
{
	if (in_name_service)
		return 0;
	unsigned long n = atomic_fetch_add(&count, 1) + 1;

	if (fail_at == 0 || n != fail_at)
		return 0;
	errno = ENOMEM;
	return 1;
}

#pragma GCC visibility push(default)

void *
malloc(size_t n)
{
	if (real_malloc == NULL)
		return early_alloc(n);
	return fails() ? NULL : real_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	if (real_calloc == NULL)
		return early_alloc(n * size); /* static: zero */
	return fails() ? NULL : real_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	return fails() ? NULL : real_realloc(p, n);
}

#define NAME_SERVICE(name, key_type, record_type)                              \
	int name(key_type key, struct record_type *record, char *buf,          \
	    size_t n, struct record_type **ret)                                \
	{                                                                      \
		int (*real)(key_type, struct record_type *, char *, size_t,    \
		    struct record_type **);                                    \
		*(void **)&real = dlsym(RTLD_NEXT, #name);                     \
		in_name_service = true;                                        \
		int rc = real(key, record, buf, n, ret);                       \
		in_name_service = false;                                       \
		return rc;                                                     \
	}

NAME_SERVICE(getpwnam_r, const char *, passwd)
NAME_SERVICE(getgrnam_r, const char *, group)
NAME_SERVICE(getpwuid_r, uid_t, passwd)
NAME_SERVICE(getgrgid_r, gid_t, group)

struct passwd *
getpwuid(uid_t uid)
{
	struct passwd *(*real)(uid_t);

	*(void **)&real = dlsym(RTLD_NEXT, "getpwuid");
	in_name_service = true;
	struct passwd *p = real(uid);
	in_name_service = false;
	return p;
}
