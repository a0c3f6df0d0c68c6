/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FAULTSTORE_H
#define FAULTSTORE_H

/*
 * A store around another store that fails on demand and counts its calls.
 * Thread-safe; the functions below may be called while it is used.
 */

#include <stdbool.h>

#include "store/store.h"

enum faultstore_op {
	FAULT_LIST,
	FAULT_HEAD,
	FAULT_GET,
	FAULT_PUT_BEGIN,
	FAULT_PUT_WRITE,
	FAULT_PUT_COMMIT,
	FAULT_DELETE,
	FAULT_SYNC,
	FAULT_RELEASE,
	FAULT_OPS /* their number; as faultstore_fault.op: any of them */
};

/* Calls of `op` on names (or prefixes) that start with `prefix` (NULL: any;
 * borrowed) are counted from 1 when it is armed; the `nth` fails with `code`
 * and `exit` or with `sys`, and with `persistent` all that follow. With `late`
 * the call takes effect first and its answer is lost. */
struct faultstore_fault {
	enum faultstore_op op;
	unsigned nth;
	const char *prefix;
	int code;
	int exit; /* 0: what the code stands for */
	int sys;  /* not 0: this errno, in place of code and exit */
	bool persistent, late;
};

/* NULL when memory ran out; `take_inner` is then still the caller's. */
struct vrv_store *faultstore_new(struct vrv_store *take_inner);

/* Replaces the fault there was; NULL: fail no more. */
void faultstore_arm(struct vrv_store *, const struct faultstore_fault *);

/* Calls of `op` since the beginning; FAULT_OPS: of all. */
unsigned faultstore_calls(struct vrv_store *, enum faultstore_op op);

/* From now on a commit leaves its object listed but not durable, as another
 * process that was killed between link and fsync does. A sync of its prefix
 * makes it durable. At most 1,024 objects may be waiting for that. */
void faultstore_hold_syncs(struct vrv_store *, bool hold);
/* The power fails and returns: what was not durable is gone. */
int faultstore_power_cut(struct vrv_store *, struct varve_err *err) VRV_MUST;

#endif
