/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CHECK_CHECK_H
#define CHECK_CHECK_H

/* Proving that a repository is whole, in bounded memory: objects, then what
 * archives refer to, then every frame; findings are traced to paths. */

#include <varve/check.h>

#include "archive/archive.h"

/* Contract: varve_check(). `only` may be NULL. A repository opened without a
 * key can be asked for `objects` alone. */
int vrv_check(struct vrv_repo *, const struct varve_check_options *,
    const struct vrv_archive *const *only, size_t n_only,
    struct varve_check_result *ret, struct varve_err *err) VRV_MUST;

#endif
