/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_PROMPT_H
#define CLI_PROMPT_H

/* Questions on the terminal `tty`. */

#include <stddef.h>

#include "util/err.h"

/* Show `before`, `name` and a colon, read a line without echo into `buf`, at
 * most `size` bytes of it. A signal that ends or stops the process does so
 * only once the terminal is as it was. */
int vrv_prompt_secret(int tty, const char *before, const char *name, char *buf,
    size_t size, size_t *ret_n, struct varve_err *err) VRV_MUST;

/* Show a line. */
void vrv_prompt_say(int tty, const char *text);

#endif
