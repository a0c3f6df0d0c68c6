/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_LIMITS_H
#define CLI_LIMITS_H

/* Limits that the system sets for the process (getrlimit(2)). */

#include <varve/error.h>

/* Take as many descriptors as we may, give threads that libraries start a
 * stack that does not depend on `ulimit -s`, and have a file that grows beyond
 * `ulimit -f` fail to be written (EFBIG) instead of ending the process. Before
 * the first thread. Children get the default of the signal back (child.c). */
void vrv_limits_init(void);

/* What to do about an error that such a limit caused; "" for any other. */
const char *vrv_limits_hint(const struct varve_err *err);

#endif
