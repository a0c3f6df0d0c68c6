/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VARVE_EVENT_H
#define VARVE_EVENT_H

/* What a long operation tells its caller while it runs. */

#include <stdbool.h>
#include <stdint.h>

enum varve_event_type {
	VARVE_EVENT_PROGRESS, /* `progress` is up to date; a few times a second
			       */
	VARVE_EVENT_FILE,     /* `status` of `path`, as --list shows it */
	VARVE_EVENT_INFO,     /* `message`, perhaps about `path` */
	VARVE_EVENT_NOTE,     /* the same, and worth showing to everybody */
	VARVE_EVENT_WARNING,  /* something was left out: exit status 1 */
	VARVE_EVENT_PROBLEM,  /* check and list: something is damaged */
	/* check, at its end: an archive that is damaged; its name is `path`,
	 * its id `message` */
	VARVE_EVENT_ARCHIVE
};

struct varve_progress {
	uint64_t files;	       /* done so far */
	uint64_t original;     /* bytes of content seen */
	uint64_t compressed;   /* bytes of new content, compressed and sealed */
	uint64_t deduplicated; /* bytes of new content, before compression */
	uint64_t current;      /* work done and to be done, in one unit, */
	uint64_t total;	       /* for percent and ETA; total 0: not known */
	bool finished;	       /* the last of this operation */
};

/* Status letters of VARVE_EVENT_FILE: A added, M modified, U unchanged,
 * C changed while read, E error, d directory, b block device, c character
 * device, h hard link, s symbolic link, f FIFO, i standard input, - (or +)
 * would be included (dry run), x excluded. */
struct varve_event {
	enum varve_event_type type;
	char status;
	const char *path;    /* or NULL; bytes as in the file system */
	const char *message; /* or NULL; one line */
	int sys;	     /* errno behind a warning, or 0 */
	uint64_t cause;	     /* of a PROBLEM: as that of a struct varve_err */
	const struct varve_progress *progress;
};

typedef void varve_event_fn(void *arg, const struct varve_event *);

/* What a caller's patterns say of a path (without leading slash). Bits. */
enum varve_match {
	VARVE_MATCH_INCLUDE = 1 << 0, /* take this item */
	VARVE_MATCH_RECURSE = 1 << 1  /* look below this directory */
};
/* Called from one thread at a time, in the order of the walk. */
typedef unsigned varve_match_fn(void *arg, const char *path, bool is_dir);

/* A point in time: seconds since 1970 (may be negative) and nanoseconds. */
struct varve_time {
	int64_t s;
	uint32_t ns;
};

#endif
