/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VERIFY_SAMPLER_H
#define VERIFY_SAMPLER_H

/*
 * Which paths of an archive are in a sample: those whose keyed hash is below a
 * bound. The key is the seed, so the same seed and archive give the same
 * sample, and no list of paths is kept. Confined to one thread at a time.
 *
 * A first walk shows it every file; then the bound is settled so that the
 * sample has the share that was asked for, or so many files.
 *
 * Hashes form a circle: a sample begins at a hash and ends at the bound. The
 * next sample with this key begins where this one ended, so that successive
 * samples take every path once before they take any again.
 */

#include <stdbool.h>
#include <stdint.h>

#include <varve/verify.h>

#include "util/err.h"

#define VRV_SAMPLE_PPM 10000u /* unless asked otherwise: a hundredth, */
#define VRV_SAMPLE_FILES 20u  /* and at least so many */

struct vrv_sampler;
/* Borrows nothing. A share above all is USAGE. Memory: 16 bytes for each file
 * that must be in the sample at least. */
int vrv_sampler_new(const struct varve_verify_options *, uint64_t seed,
    struct vrv_sampler **ret, struct varve_err *err) VRV_MUST;
void vrv_sampler_free(struct vrv_sampler *); /* NULL is fine */

/* Begin at that hash instead of 0; before the first walk. */
void vrv_sampler_start(struct vrv_sampler *, uint64_t start);

/* First walk: there is a file (anything but a folder) of that size. */
int vrv_sampler_see(struct vrv_sampler *, const char *path, uint64_t size,
    struct varve_err *err) VRV_MUST;
/* All were seen. How many files and bytes the sample has. */
void vrv_sampler_settle(struct vrv_sampler *, uint64_t *ret_files,
    uint64_t *ret_bytes);
/* How many files were seen. */
uint64_t vrv_sampler_shown(const struct vrv_sampler *);
/* Where the next sample begins, after settling. True if that is at 0 or beyond:
 * all hashes from `start` on were taken; *ret is 0 if every file was. */
bool vrv_sampler_next(const struct vrv_sampler *, uint64_t *ret);
/* Is the path in it? Folders are judged like files. */
bool vrv_sampler_has(const struct vrv_sampler *, const char *path);

/* The hash that it goes by. */
uint64_t vrv_sampler_hash(const struct vrv_sampler *, const char *path);

#endif
