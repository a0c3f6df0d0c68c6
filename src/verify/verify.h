/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VERIFY_VERIFY_H
#define VERIFY_VERIFY_H

/*
 * Comparing an archive with a folder: one that it was restored into, or its
 * sources. That the repository gives back what the archive refers to is for
 * who restores to prove; here the bytes of files are compared with the ids of
 * their chunks, and so need not be fetched again.
 *
 * What is compared of an entry: kind, size, content, holes, the target of a
 * link, the numbers of a device; mode, owner, time of modification, extended
 * attributes, access control lists and inode flags as far as the archive has
 * them and this user could set or read them; and whether names that were one
 * file still are. A hole of the archive must be one of the file, except for
 * blocks that are not wholly in it; that data of the archive is a hole of the
 * file does not count, as its bytes are compared.
 *
 * A source is known to be unchanged if kind, size, inode, times of modification
 * and change are those of the archive, and both times older than its start by
 * two seconds: then whatever differs is a problem. Of any other, differences
 * count as changes. That holes of a source are filled with zeros is never more
 * than told, since a file system may say so of blocks that are reserved only.
 *
 * Nothing is followed out of the folder. Memory: one iterator per level, a
 * chunk, and for each group of hard links 40 bytes.
 */

#include <varve/verify.h>

#include "archive/archive.h"
#include "verify/sampler.h"

struct vrv_comparison {
	const char *dir;
	bool live; /* its sources, not what was restored from it */
	const struct vrv_sampler *sampler;
	/* Hashes (of the sampler) of paths of which problems were told. */
	const struct vrv_map *told;
	uint64_t total; /* bytes to compare, for progress */
	varve_event_fn *event;
	void *event_arg;
};

/* Show the sampler all files of an archive; count them. What cannot be read of
 * the trees is left out, as who restores will tell it; the archive then says
 * how many there are. */
int vrv_verify_count(struct vrv_repo *, const struct vrv_archive *,
    struct vrv_sampler *, struct varve_verify_result *, struct varve_err *err)
    VRV_MUST;

/* Does the directory hold at least one top-level entry of the archive, that is
 * one entry that is no mere parent of a source? USAGE if not. Damaged and
 * empty archives are accepted. */
int vrv_verify_is_source(struct vrv_repo *, const struct vrv_archive *,
    const char *dir, struct varve_err *err) VRV_MUST;

/* Compare what is in the sample. Adds to equal, changed, vanished, filled and
 * problems. */
int vrv_verify_compare(struct vrv_repo *, const struct vrv_archive *,
    const struct vrv_comparison *, struct varve_verify_result *,
    struct varve_err *err) VRV_MUST;

#endif
