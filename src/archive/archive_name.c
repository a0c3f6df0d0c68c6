/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <varve/archive.h>

#include "archive/archive.h"
#include "util/utf8.h"

/* Why it cannot name an archive, or NULL. */
static const char *
fault(const char *name)
{
	size_t n = strlen(name), len;
	uint32_t c;

	if (n == 0)
		return "it is empty";
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return "it stands for a directory";
	if (strcmp(name, VARVE_LATEST) == 0)
		return "it means the newest archive";
	if (strncmp(name, "aid:", 4) == 0)
		return "'aid:' begins the id of an archive";
	if (name[0] == ' ' || name[n - 1] == ' ')
		return "it begins or ends with a blank";
	for (; n > 0; name += len, n -= len) {
		len = vrv_utf8_decode(name, n, &c);
		if (len == 0)
			return "it is not valid UTF-8";
		if (c == '/')
			return "it holds a slash";
		if (vrv_utf8_is_control(c))
			return "it holds a control character";
	}
	return NULL;
}

int
vrv_archive_name_check(const char *name, struct varve_err *err)
{
	const char *why = fault(name);

	if (why == NULL)
		return 0;
	return vrv_fail(err, VARVE_USAGE, "'%s' cannot name an archive: %s",
	    name, why);
}
