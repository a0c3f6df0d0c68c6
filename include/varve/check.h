/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VARVE_CHECK_H
#define VARVE_CHECK_H

/* Proving that a repository is whole. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <varve/archive.h>
#include <varve/error.h>
#include <varve/event.h>
#include <varve/repo.h>

struct varve_check_options {
	size_t size;
	bool objects;  /* header, length, sum of every object: no key needed */
	bool archives; /* signatures; every reference of every archive */
	bool verify_data; /* every frame opens, every chunk matches its id */
	/* Only these archives; NULL: all. */
	const struct varve_archive *const *only;
	size_t n_only;
	unsigned threads;
	/* With any of these, packs are looked at in the order in which the
	 * ledger says that they were last, those never seen first; when so
	 * many seconds are over, or so many packs done, no more are begun;
	 * packs found sound less than max_age seconds ago are left out. At
	 * least one is found sound, if any is. 0: no limit. */
	uint64_t max_duration, max_age, max_packs;
	varve_event_fn *event; /* PROGRESS, and a PROBLEM for each finding */
	void *event_arg;
};
#define VARVE_CHECK_OPTIONS_INIT                                               \
	{                                                                      \
		.size = sizeof(struct varve_check_options), .objects = true,   \
		.archives = true                                               \
	}

struct varve_check_result {
	uint64_t objects, object_bytes; /* looked at */
	uint64_t archives;
	uint64_t archives_damaged; /* of them: some of it is */
	/* Directories, and entries in them; what several archives share counts
	 * once. */
	uint64_t trees, entries;
	uint64_t frames, chunks; /* opened and verified */
	uint64_t unknown;	 /* names that are no objects: left alone */
	uint64_t unreferenced;	 /* packs that no index object names */
	/* Of packs_listed, these were looked at as was asked; others were left
	 * out for their age, or left for the next run. */
	uint64_t packs_listed, packs, packs_recent, packs_left;
	uint64_t problems;
	/* Of the problems, objects that the system refused to read, which may
	 * be whole; of those, for want of permission. The others are damage. */
	uint64_t unread, denied;
};

/* 0 when the check ran to its end, whatever it found: result->problems. It is
 * recorded in the ledger (varve/ledger.h), packs as they are done. */
VARVE_API int varve_check(struct varve_repo *,
    const struct varve_check_options *, struct varve_check_result *ret,
    struct varve_err *err) VARVE_MUST;

#endif
