/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DIFF_DIFF_ENTRY_H
#define DIFF_DIFF_ENTRY_H

/* Internal: one item of both sides. */

#include "diff/diff.h"

struct vrv_compare {
	const struct vrv_meta_source *source;
	const struct varve_diff_options *options;
	vrv_owner_fn *owner;
	void *owner_arg;
};

/* Fill `changes`, `added` and `removed` from `old` and `new`, of which one may
 * be NULL. Reads extent lists of files whose content differs. */
int vrv_compare_entries(const struct vrv_compare *, struct vrv_difference *,
    struct varve_err *err) VRV_MUST;

#endif
