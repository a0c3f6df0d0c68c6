/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_PLACEHOLDERS_H
#define CLI_PLACEHOLDERS_H

/*
 * {hostname} {fqdn} {user} {now[:FORMAT]} {utcnow[:FORMAT]} {pid}
 * {varveversion} in names, comments and archive globs; {{ and }} are braces.
 * FORMAT is that of strftime, and %f are microseconds.
 */

#include <varve/event.h>

#include "util/err.h"

/* Write the expanded text to *ret, which the caller frees. `now` is what {now}
 * and {utcnow} say. An unknown placeholder is USAGE with exit status 5. */
int vrv_placeholders(const char *text, struct varve_time now, char **ret,
    struct varve_err *err) VRV_MUST;

/* The name of this host, and of the user that this process works for; "?"
 * where there is none. Free them; NULL when memory ran out. */
char *vrv_host_name(void) VRV_MUST;
char *vrv_user_name(void) VRV_MUST;

#endif
