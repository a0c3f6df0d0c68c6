/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VARVE_VERIFY_H
#define VARVE_VERIFY_H

/* Proving that an archive can be restored, by restoring. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <varve/archive.h>
#include <varve/error.h>
#include <varve/event.h>
#include <varve/ledger.h>
#include <varve/repo.h>

/*
 * Where a sample begins. A sweep is recorded in the ledger: each run that ends
 * goes on where the last one stopped, so that successive runs take every file
 * once before they take any again. It is that of the archive, or of its series
 * whatever archive of it is verified.
 */
enum varve_sweep {
	VARVE_SWEEP_NONE = 0, /* at `seed_start` */
	VARVE_SWEEP_ARCHIVE,
	VARVE_SWEEP_SERIES
};

struct varve_verify_options {
	size_t size;
	/* Which files, the first that is set: all; so many; so many of a
	 * million. None: 1 % of them, and at least 20. */
	bool all;
	uint64_t files;
	uint32_t sample_ppm;
	/* What of an archive is in a sample depends on seed and seed_start.
	 * Without has_seed they are those of the sweep, or random. */
	bool has_seed;
	uint64_t seed, seed_start;
	enum varve_sweep sweep; /* with has_seed: unused */
	/* Restore into this folder, which is empty or made, and compare it. */
	const char *into;
	/* Compare with the sources, whose paths lie below this folder. */
	const char *against;
	unsigned threads;
	varve_event_fn *event; /* PROGRESS, a PROBLEM for each finding */
	void *event_arg;
};
#define VARVE_VERIFY_OPTIONS_INIT                                              \
	{                                                                      \
		.size = sizeof(struct varve_verify_options)                    \
	}

struct varve_verify_result {
	uint64_t seed, seed_start;
	uint64_t files, bytes;		 /* of the archive: regular files */
	uint64_t sampled, sampled_bytes; /* of them */
	/* Of the items that were compared, of any kind: what was equal; what
	 * differs or is gone because the source changed since. */
	uint64_t equal, changed, vanished;
	uint64_t filled;   /* sources with holes that take space by now */
	uint64_t problems; /* damage, and differences that nothing explains */
	uint64_t denied;   /* of them, for want of permission to read */
};

/* Read the sample from the repository, verify it, and restore or compare it as
 * is asked. Recorded in the ledger. 0 whatever was found: result->problems. */
VARVE_API int varve_verify(struct varve_repo *, const struct varve_archive *,
    const struct varve_verify_options *, struct varve_verify_result *ret,
    struct varve_err *err) VARVE_MUST;

#endif
