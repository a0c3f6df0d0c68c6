/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef OS_OWNER_H
#define OS_OWNER_H

/* Users and groups of this system, by the name service. Any thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The id that a user's or group's name has here; false if it has none. Then
 * errno is 0, or says why nobody could be asked. */
bool vrv_os_owner_id(bool group, const char *name, uint32_t *ret);

/* The name that an id has here, NUL-terminated, in `ret` of `n` bytes; false
 * if it has none or one that is longer. Then errno is 0, or says why nobody
 * could be asked. */
bool vrv_os_owner_name(bool group, uint32_t id, char *ret, size_t n);

#endif
