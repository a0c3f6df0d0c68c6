/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_REPEATS_H
#define REPO_REPEATS_H

/*
 * Warnings that repeat: the first of each kind on each file system is shown,
 * the others are counted, and at the end one line for each kind says how many
 * there were. Whoever uses it counts all of them for the exit status.
 *
 * Zero-initialise before use. Confined to one thread at a time.
 */

#include <stdint.h>

#include <varve/event.h>

#include "util/arena.h"

/* Kinds that are told apart. Every report beyond them is shown. */
#define VRV_REPEATS_MAX 64

struct vrv_repeats {
	struct vrv_repeat *kinds; /* in the arena, in the order of arrival */
	struct vrv_repeat **end;
	unsigned n;
	struct vrv_arena arena;
};

void vrv_repeats_fini(struct vrv_repeats *);

/* Count a report about `path` and return the type of event it becomes: WARNING
 * if it is the first of its kind on file system `dev`, or if memory ran out,
 * else INFO. Two reports are of one kind if the text `kind` and the errno `sys`
 * (may be 0) are equal; the last line shows both. `kind` holds nothing that
 * differs from file to file. */
enum varve_event_type vrv_repeats_count(struct vrv_repeats *, const char *kind,
    int sys, uint64_t dev, const char *path);

/* Call `fn` with a WARNING "N more warnings like 'PATH': KIND: CAUSE" for each
 * kind of which there was more than one, and forget all of them. */
void vrv_repeats_end(struct vrv_repeats *, varve_event_fn *fn, void *arg);

#endif
