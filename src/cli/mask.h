/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_MASK_H
#define CLI_MASK_H

/* Command lines are stored in archives, which more people may read than the
 * one who typed them. */

#include "cli/strings.h"
#include "util/err.h"

/* Copy the arguments to *ret with *** in place of secrets: the password of
 * scheme://user:password@host, the value of NAME=VALUE and the argument behind
 * -NAME or --NAME, where NAME holds "pass", "secret" or "token". A value ends
 * with the argument or at a comma and another NAME=. */
int vrv_mask(const char *const *args, size_t n, struct vrv_arena *,
    struct vrv_strings *ret, struct varve_err *err) VRV_MUST;

#endif
