/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Preloaded: the FAILMALLOC_AT-th allocation of the process fails, once, as
 * if memory had run out for a moment. With FAILMALLOC_COUNT, their number is
 * written to that file when the process ends. Built without sanitizers, for
 * programs without.
 */

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static atomic_ulong count;
static unsigned long fail_at;

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
