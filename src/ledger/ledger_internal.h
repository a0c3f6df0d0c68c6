/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LEDGER_LEDGER_INTERNAL_H
#define LEDGER_LEDGER_INTERNAL_H

#include "db/db.h"
#include "ledger/ledger.h"

/* A pack that is not in the database yet. */
struct vrv_ledger_pack {
	uint8_t pack[VRV_OBJECT_ID];
	uint8_t level; /* 0: forget it */
	int64_t time;
};

/* So many are lost at most when the process is killed; or what was noted in
 * this time, whichever is less. */
#define VRV_LEDGER_PENDING 32
#define VRV_LEDGER_WAIT_NS 2000000000u

struct vrv_ledger {
	struct vrv_repo *repo;
	struct vrv_db *db; /* NULL: given up, which was told */
	struct vrv_ledger_pack pending[VRV_LEDGER_PENDING];
	unsigned n;
	uint64_t first; /* ticks when the first of them was noted */
};

/* Path of the ledger of this repository: free(). USAGE without a state
 * folder. */
int vrv_ledger_path(struct vrv_repo *, char **ret, struct varve_err *err)
    VRV_MUST;
/* Call `fn` with the database of the repository if it exists. What it returns
 * is returned. */
typedef int vrv_ledger_fn(struct vrv_db *, void *arg, struct varve_err *err);
int vrv_ledger_read(struct vrv_repo *, vrv_ledger_fn *fn, void *arg,
    struct varve_err *err) VRV_MUST;
/* Open the database there, moving a damaged one aside. */
int vrv_ledger_open_db(struct vrv_repo *, const char *path, struct vrv_db **ret,
    struct varve_err *err) VRV_MUST;

/* The ledger failed: tell it, and record no more. */
void vrv_ledger_give_up(struct vrv_ledger *, const struct varve_err *why);
/* Write what is pending. */
void vrv_ledger_flush(struct vrv_ledger *);

#endif
