/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/limits.h"

#include <sys/resource.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>

/* Far above what any command needs, and not so many that a child that closes
 * them one by one takes long. */
#define DESCRIPTORS ((rlim_t)65536)
#define THREAD_STACK ((size_t)2 << 20)
#define MAIN_STACK ((rlim_t)8 << 20)

/* Raise the soft limit to `wanted`, or as far as the hard one allows. */
static void
raise_limit(__rlimit_resource_t which, rlim_t wanted)
{
	struct rlimit limit;

	if (getrlimit(which, &limit) != 0)
		return;
	if (wanted > limit.rlim_max)
		wanted = limit.rlim_max;
	if (limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = wanted;
	(void)setrlimit(which, &limit);
}

void
vrv_limits_init(void)
{
	pthread_attr_t attr;

	raise_limit(RLIMIT_NOFILE, DESCRIPTORS);
	raise_limit(RLIMIT_STACK, MAIN_STACK);
	if (pthread_attr_init(&attr) == 0) {
		if (pthread_attr_setstacksize(&attr, THREAD_STACK) == 0)
			(void)pthread_setattr_default_np(&attr);
		(void)pthread_attr_destroy(&attr);
	}
	(void)signal(SIGXFSZ, SIG_IGN);
}

const char *
vrv_limits_hint(const struct varve_err *err)
{
	switch (err->sys) {
	case EMFILE:
		return "; raise the limit of open files (ulimit -n)";
	case EFBIG:
		return "; raise the limit of the size of files (ulimit -f)";
	default:
		return "";
	}
}
