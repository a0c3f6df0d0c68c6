/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/owner.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

/* Members of a group are part of its record. One that does not fit in is
 * treated as unknown. */
#define RECORD_MAX ((size_t)64 << 10)

bool
vrv_os_owner_id(bool group, const char *name, uint32_t *ret)
{
	vrv_auto_free char *buf = malloc(RECORD_MAX);
	bool known = false;
	int sys = ENOMEM;

	if (buf != NULL && group) {
		struct group g, *found = NULL;

		sys = getgrnam_r(name, &g, buf, RECORD_MAX, &found);
		known = sys == 0 && found != NULL;
		if (known)
			*ret = found->gr_gid;
	} else if (buf != NULL) {
		struct passwd u, *found = NULL;

		sys = getpwnam_r(name, &u, buf, RECORD_MAX, &found);
		known = sys == 0 && found != NULL;
		if (known)
			*ret = found->pw_uid;
	}
	errno = sys;
	return known;
}

bool
vrv_os_owner_name(bool group, uint32_t id, char *ret, size_t n)
{
	vrv_auto_free char *buf = malloc(RECORD_MAX);
	const char *name = NULL;
	int sys = ENOMEM;

	if (buf != NULL && group) {
		struct group g, *found = NULL;

		sys = getgrgid_r(id, &g, buf, RECORD_MAX, &found);
		if (sys == 0 && found != NULL)
			name = found->gr_name;
	} else if (buf != NULL) {
		struct passwd u, *found = NULL;

		sys = getpwuid_r(id, &u, buf, RECORD_MAX, &found);
		if (sys == 0 && found != NULL)
			name = found->pw_name;
	}
	bool known = name != NULL && name[0] != '\0' && strlen(name) < n;
	if (known)
		strcpy(ret, name);
	errno = sys;
	return known;
}
