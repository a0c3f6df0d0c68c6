/* SPDX-License-Identifier: BSD-2-Clause */
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include <errno.h>

#include "extract/extract_internal.h"
#include "os/file.h"

#define ZEROS_SIZE 65536

/* Writing to a pipe that nobody reads must fail, not kill the process, and
 * whatever the process does about SIGPIPE must not change. */
static int
write_quietly(int fd, const void *bytes, size_t n, struct varve_err *err)
{
	const struct timespec none = {0};
	sigset_t pipes, before, pending;

	sigemptyset(&pipes);
	sigaddset(&pipes, SIGPIPE);
	sigemptyset(&pending);
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, &pipes, &before);
	int rc = vrv_os_write(fd, bytes, n, err);
	if (rc != 0 && err->sys == EPIPE && !sigismember(&pending, SIGPIPE))
		while (sigtimedwait(&pipes, NULL, &none) < 0 && errno == EINTR)
			continue;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

struct sink {
	struct vrv_restore *run;
	const char *path;
	bool broken; /* it was the output that failed */
};

static int
put(void *arg, uint64_t offset, const uint8_t *bytes, uint64_t n,
    struct varve_err *err)
{
	static const uint8_t zeros[ZEROS_SIZE];
	struct sink *sink = arg;
	struct vrv_restore *run = sink->run;
	int rc = 0;

	(void)offset;
	vrv_restore_add_path(run, sink->path, 0, n);
	if (run->options->dry_run)
		return 0;
	while (rc == 0 && n > 0) {
		size_t part =
		    bytes == NULL && n > ZEROS_SIZE ? ZEROS_SIZE : (size_t)n;
		rc = write_quietly(run->options->stdout_fd,
		    bytes == NULL ? zeros : bytes, part, err);
		n -= part;
	}
	sink->broken = rc != 0;
	if (rc == 0)
		return 0;
	/* It is not the repository that is full. */
	(void)vrv_fail_sys(err, err->sys, "cannot write to standard output");
	return vrv_exit(err, VARVE_EXIT_ERROR);
}

int
vrv_extract_to_fd(struct vrv_restore *run, const struct vrv_walk_item *item,
    struct varve_err *err)
{
	const struct vrv_entry *entry = item->entry;
	struct sink sink = {.run = run, .path = item->path};

	if (entry->kind != VRV_FILE)
		return 0;
	vrv_restore_list(run, item->path, entry->kind, false);
	int rc = vrv_content_each(run, entry->content, entry->content_n,
	    entry->size, put, &sink, err);
	if (sink.broken)
		return rc;
	if (rc != 0)
		return vrv_restore_failed_path(run, item->path, err);
	vrv_restore_add_path(run, item->path, 1, 0);
	return 0;
}
