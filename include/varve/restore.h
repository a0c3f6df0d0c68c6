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
	/* Of other users than root: keep set-ID bits, and all of the mode that
	 * `umask` forbids. root restores whole modes. */
	bool preserve_permissions;
	bool no_devices;    /* pass over character and block devices */
	bool no_set_id;	    /* of anything but directories: clear set-ID bits */
	bool no_caps;	    /* restore no file capabilities */
	bool root_metadata; /* `target` gets the metadata of the archive's root,
			       if that was a source */
	unsigned umask;	    /* of directories that the archive does not describe
			       and, see above, of modes */
	int stdout_fd;	    /* write file contents there instead; -1: no */
	unsigned threads;   /* 0: one per processor */
	varve_event_fn *event;
	void *event_arg;
	bool want_files;
};
#define VARVE_RESTORE_OPTIONS_INIT                                             \
	{                                                                      \
		.size = sizeof(struct varve_restore_options), .stdout_fd = -1, \
		.umask = 077                                                   \
	}

struct varve_restore_result {
	uint64_t items, bytes;
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
