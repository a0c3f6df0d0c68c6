/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_TREEPATH_H
#define ARCHIVE_TREEPATH_H

/*
 * The path of a place in an archive's trees: names joined by '/', empty for
 * the root. It lies in a struct vrv_buf, with a NUL behind its `len` bytes.
 */

#include "util/buf.h"

/* Cut the path to its first `keep` bytes and append a name; without one
 * (n == 0) only cut. LIMIT if the path would be longer than
 * VRV_WALK_PATH_MAX: it stays as it is. */
int vrv_treepath_set(struct vrv_buf *path, size_t keep, const uint8_t *name,
    size_t n, struct varve_err *err) VRV_MUST;
/* Cut a path that was set before to its first `keep` bytes. */
void vrv_treepath_cut(struct vrv_buf *path, size_t keep);
/* The path as a string, "." for the root. Valid until it changes. */
const char *vrv_treepath_text(const struct vrv_buf *path);

#endif
