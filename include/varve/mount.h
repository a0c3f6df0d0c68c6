/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VARVE_MOUNT_H
#define VARVE_MOUNT_H

/* Archives as a file system. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <varve/archive.h>
#include <varve/error.h>
#include <varve/event.h>
#include <varve/repo.h>

/* Which of the archives of `list` are shown? Sets ret_shown[i] of each.
 * Called again when the archives of the repository have changed. */
typedef int varve_mount_select_fn(void *arg, const struct varve_archive_list *,
    bool *ret_shown, struct varve_err *err);
/* The mount answers. An error ends it. */
typedef int varve_mount_ready_fn(void *arg, struct varve_err *err);

struct varve_mount_options {
	size_t size;
	const char *target; /* where to: a folder */
	/* Show the tree of this archive; NULL: a folder for each archive,
	 * and those that come. */
	const struct varve_archive *archive;
	varve_mount_select_fn *select; /* NULL: all */
	void *select_arg;
	varve_match_fn *match; /* NULL: everything. In no particular order. */
	void *match_arg;
	unsigned strip_components;
	bool numeric_ids;
	bool versions; /* each file a folder of its versions: NOTSUP if this
			* library cannot */
	bool allow_other, ignore_permissions;
	bool has_uid, has_gid; /* show all as owned by them */
	uint32_t uid, gid;
	uint32_t umask;	   /* permission bits that are not shown */
	const char *extra; /* further options for the kernel: "noatime,exec" */
	uint64_t cache_bytes; /* of opened frames; 0: 128 MiB */
	unsigned threads;     /* that answer; 0: by the processors */
	/* When this descriptor can be read the mount ends; -1: never. */
	int stop_fd;
	varve_mount_ready_fn *ready; /* or NULL */
	void *ready_arg;
	varve_event_fn *event; /* PROBLEM: what cannot be read */
	void *event_arg;
};
#define VARVE_MOUNT_OPTIONS_INIT                                               \
	{                                                                      \
		.size = sizeof(struct varve_mount_options), .stop_fd = -1      \
	}
#define VARVE_MOUNT_CACHE_MIN ((uint64_t)8 << 20)

/* Mount, and answer until somebody unmounts it or stop_fd can be read: then it
 * is unmounted. USAGE if `target` is no folder, lies inside the repository or
 * holds it; NOTSUP if this library was built without libfuse. While it runs,
 * the signal SIGUSR1 is the library's, which sends it to threads of its own. */
VARVE_API int varve_mount(struct varve_repo *,
    const struct varve_mount_options *, struct varve_err *err) VARVE_MUST;

/* Unmount what is mounted at `target`, also what a killed process left behind.
 * NOENT if nothing of varve is mounted there; LOCKED if it is in use. */
VARVE_API int varve_unmount(const char *target,
    struct varve_err *err) VARVE_MUST;

#endif
