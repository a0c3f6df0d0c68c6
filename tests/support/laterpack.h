/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LATERPACK_H
#define LATERPACK_H

/* What a later version of varve may have stored. */

#include "repo/repo.h"

/* Make the first frame of the only pack one of a kind that nobody knows yet: in
 * its directory, and in a new index object in the place of the only one.
 * Asserts that it can. */
void later_first_frame(struct vrv_repo *);

#endif
