/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LEDGER_LEDGER_H
#define LEDGER_LEDGER_H

/*
 * The ledger of a repository: which checks and verifications were made, and
 * when each pack was last found sound. A database in the state folder, named
 * by the id of the repository; dropping caches and catalogs does not touch it.
 *
 * It is a memory, not a part of the work: whatever goes wrong with it while
 * something is recorded is told once, as a NOTE, and makes nothing fail. One
 * that is damaged is moved aside and a new one begun. Confined to one thread
 * at a time.
 */

#include <stdbool.h>
#include <stdint.h>

#include <varve/ledger.h>

#include "repo/repo.h"

struct vrv_ledger;

/* Open it for recording, made if it is not there. NULL, and told, if that
 * cannot be; every function takes NULL and does nothing. */
struct vrv_ledger *vrv_ledger_open(struct vrv_repo *);
/* Writes what is pending. */
void vrv_ledger_close(struct vrv_ledger *);

/* --- runs --- */

/* Record that a run began: kind, start, archive, name, options and of_* are
 * set. `number` is set for _end, which records the rest. */
void vrv_ledger_begin(struct vrv_ledger *, struct varve_run *);
void vrv_ledger_end(struct vrv_ledger *, const struct varve_run *);

/* Contract: varve_ledger_runs(). */
int vrv_ledger_runs(struct vrv_repo *, varve_run_fn *fn, void *arg,
    struct varve_err *err) VRV_MUST;

/* --- sweeps --- */

/*
 * How far the samples of a series, or of an archive, have come. A sweep goes
 * once through all hashes of the sampler (verify/sampler.h), from 0 on; the
 * next one begins where it ended. Of VRV_SWEEPS_MAX the one that was used the
 * longest ago is forgotten.
 */
#define VRV_SWEEPS_MAX 65536

struct vrv_sweep {
	uint64_t seed, start; /* start: where the next sample begins */
	int64_t since;	      /* begin of this sweep; 0: it has not begun */
	int64_t full_from, full_to; /* of the last whole sweep; 0: none */
};
/* Whose sweep it is: an archive, or the series if `archive` is "". */
struct vrv_sweep_of {
	const char *name; /* of the archive or series */
	const char *host;
	const char *archive; /* id, hex */
};

/* False if there is none. */
bool vrv_ledger_sweep(struct vrv_ledger *, const struct vrv_sweep_of *,
    struct vrv_sweep *ret);
void vrv_ledger_sweep_put(struct vrv_ledger *, const struct vrv_sweep_of *,
    const struct vrv_sweep *);
/* Contract: varve_ledger_coverage(). */
int vrv_ledger_coverage(struct vrv_repo *, varve_coverage_fn *fn, void *arg,
    struct varve_err *err) VRV_MUST;

/* --- packs --- */

/* What of a pack was found sound. */
enum vrv_ledger_level {
	VRV_LEDGER_SUM = 1,   /* the whole object has its checksum */
	VRV_LEDGER_FRAMES = 2 /* every frame opens, every chunk has its id */
};

/* Every pack on record and when (seconds since 1970). */
typedef void vrv_ledger_pack_fn(void *arg, const uint8_t pack[VRV_OBJECT_ID],
    enum vrv_ledger_level, int64_t checked);
void vrv_ledger_packs(struct vrv_ledger *, vrv_ledger_pack_fn *fn, void *arg);

/* It was found sound at that time. Written with others, soon. */
void vrv_ledger_sound(struct vrv_ledger *, const uint8_t pack[VRV_OBJECT_ID],
    enum vrv_ledger_level, int64_t checked);
/* It is damaged, or gone: nothing is known of it any more. */
void vrv_ledger_forget(struct vrv_ledger *, const uint8_t pack[VRV_OBJECT_ID]);

#endif
