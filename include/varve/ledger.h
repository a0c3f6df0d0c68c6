/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VARVE_LEDGER_H
#define VARVE_LEDGER_H

/* What this client knows of past checks and verifications of a repository:
 * one entry for each, kept in the state folder. */

#include <stdint.h>

#include <varve/error.h>
#include <varve/event.h>
#include <varve/repo.h>

enum varve_run_kind {
	VARVE_RUN_VERIFY = 1, /* of an archive */
	VARVE_RUN_CHECK = 2,
	VARVE_RUN_CHECK_DATA = 3 /* the data of packs was verified, too */
};

enum varve_run_result {
	VARVE_RUN_UNFINISHED = 0, /* it still runs, or was ended */
	VARVE_RUN_GOOD = 1,	  /* all was as it should be */
	VARVE_RUN_CHANGED = 2,	  /* sources changed since the backup */
	VARVE_RUN_BAD = 3	  /* something is damaged, or differs */
};

struct varve_run {
	int64_t number; /* ascending */
	enum varve_run_kind kind;
	enum varve_run_result result;
	struct varve_time start, end; /* end 0: not finished */
	char archive[65];	      /* id, hex; "" if it was about all */
	const char *name;	      /* of the archive, then; "" likewise */
	const char *options;	      /* what was asked for, in words */
	/* How much was looked at, and of how much: files of an archive and
	 * their bytes; of a check packs. */
	uint64_t items, of_items, bytes, of_bytes;
	uint64_t changed, problems;
};

/* Returns 0 to go on; any other value ends it, and is returned. */
typedef int varve_run_fn(void *arg, const struct varve_run *,
    struct varve_err *err);

/* Every run on record, newest first; none is no error. */
VARVE_API int varve_ledger_runs(struct varve_repo *, varve_run_fn *fn,
    void *arg, struct varve_err *err) VARVE_MUST;

/* What runs have covered so far, since when. Times are seconds since 1970, 0
 * for none. */
enum varve_coverage_kind {
	VARVE_COVERS_SERIES = 1, /* verify of the newest archive of a series */
	VARVE_COVERS_ARCHIVE,	 /* verify of one archive */
	VARVE_COVERS_SUMS,	 /* check: packs with the right checksum */
	VARVE_COVERS_DATA	 /* check: packs with the right data */
};
struct varve_coverage {
	enum varve_coverage_kind kind;
	const char *name, *host; /* of the series, or of the archive; or "" */
	const char *archive;	 /* id, hex, or "" */
	/* The part of all hashes that this sweep has covered, which is about
	 * that of the files, and when it began; begin and end of the last
	 * complete sweep. */
	double part;
	int64_t since, complete_from, complete_to;
	/* Of packs: how many are on record as sound; `since` is when the one
	 * was checked that was checked the longest ago. */
	uint64_t packs;
};
typedef int varve_coverage_fn(void *arg, const struct varve_coverage *,
    struct varve_err *err);
/* Packs first, then what was verified last first. Returns as
 * varve_ledger_runs(). */
VARVE_API int varve_ledger_coverage(struct varve_repo *, varve_coverage_fn *fn,
    void *arg, struct varve_err *err) VARVE_MUST;

#endif
