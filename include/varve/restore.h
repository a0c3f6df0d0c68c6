/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VARVE_RESTORE_H
#define VARVE_RESTORE_H

/* Taking files out of an archive. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <varve/archive.h>
#include <varve/error.h>
#include <varve/event.h>
#include <varve/repo.h>

struct varve_restore_options {
	size_t size;
	const char *target; /* existing folder; NULL: the current one */
	varve_match_fn *match;
	void *match_arg;
	unsigned strip_components;
	bool dry_run, overwrite, sparse;
	bool numeric_ids, no_xattrs, no_acls, no_flags;
	int stdout_fd;	  /* write file contents there instead; -1: no */
	unsigned threads; /* 0: one per processor */
	varve_event_fn *event;
	void *event_arg;
	bool want_files;
};
#define VARVE_RESTORE_OPTIONS_INIT                                             \
	{                                                                      \
		.size = sizeof(struct varve_restore_options), .stdout_fd = -1  \
	}

struct varve_restore_result {
	uint64_t files, bytes;
	uint64_t warnings; /* restored, but not in every detail */
	uint64_t skipped;  /* not restored; each was a PROBLEM event */
	int exit;	   /* enum varve_exit: the worst cause of these, or 0 */
};

/* 0 also when single items could not be restored. Never writes a byte that is
 * not what was stored; a file whose content is damaged is not left behind. */
VARVE_API int varve_restore(struct varve_repo *, const struct varve_archive *,
    const struct varve_restore_options *, struct varve_restore_result *ret,
    struct varve_err *err) VARVE_MUST;

#endif
