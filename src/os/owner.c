/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/owner.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>

/* Members of a group are part of its record. One that does not fit in is
 * treated as unknown. */
#define RECORD_MAX ((size_t)64 << 10)

bool
vrv_os_owner_id(bool group, const char *name, uint32_t *ret)
{
	char buf[RECORD_MAX];

	if (group) {
		struct group g, *found = NULL;

		if (getgrnam_r(name, &g, buf, sizeof(buf), &found) != 0 ||
		    found == NULL)
			return false;
		*ret = found->gr_gid;
		return true;
	}
	struct passwd u, *found = NULL;
	if (getpwnam_r(name, &u, buf, sizeof(buf), &found) != 0 ||
	    found == NULL)
		return false;
	*ret = found->pw_uid;
	return true;
}

bool
vrv_os_owner_name(bool group, uint32_t id, char *ret, size_t n)
{
	char buf[RECORD_MAX];
	const char *name = NULL;

	if (group) {
		struct group g, *found = NULL;

		if (getgrgid_r(id, &g, buf, sizeof(buf), &found) == 0 &&
		    found != NULL)
			name = found->gr_name;
	} else {
		struct passwd u, *found = NULL;

		if (getpwuid_r(id, &u, buf, sizeof(buf), &found) == 0 &&
		    found != NULL)
			name = found->pw_name;
	}
	if (name == NULL || strlen(name) >= n)
		return false;
	strcpy(ret, name);
	return true;
}
