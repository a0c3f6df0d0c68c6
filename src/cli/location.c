/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/location.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <varve/archive.h>

#include "cli/placeholders.h"
#include "util/mem.h"

/* Bytes of "scheme" where `path` starts with "scheme:", or with "host:" as scp
 * has it: nothing that follows the shape of a plain path. */
static size_t
remote_prefix(const char *path)
{
	size_t n = strcspn(path, ":/");

	return path[n] == ':' ? n : 0;
}

static int
resolve(const char *path, char **ret, struct varve_err *err)
{
	if (strncmp(path, "file://", 7) == 0) {
		path += 7;
		if (path[0] != '/')
			return vrv_fail(err, VARVE_USAGE,
			    "'file://%s': the "
			    "path of a file:// location starts with a slash",
			    path);
	}
	size_t scheme = remote_prefix(path);
	if (scheme > 0)
		return vrv_fail(err, VARVE_NOTSUP,
		    "'%s': '%.*s:' is not supported, repositories are local "
		    "folders (write ./%s for a folder of that name)",
		    path, (int)scheme, path, path);
	*ret = vrv_dup(path, strlen(path));
	return *ret == NULL ? VRV_NOMEM(err, "a location") : 0;
}

bool
vrv_location_has_default(void)
{
	const char *text = getenv("VARVE_REPO");

	return text != NULL && text[0] != '\0';
}

static int
from_environment(char **ret, struct varve_time now, struct varve_err *err)
{
	const char *text = getenv("VARVE_REPO");
	vrv_auto_free char *path = NULL;

	if (!vrv_location_has_default())
		return vrv_fail(err, VARVE_USAGE,
		    "no repository given: name it as REPO::ARCHIVE or in the "
		    "environment variable VARVE_REPO");
	int rc = vrv_placeholders(text, now, &path, err);
	if (rc == 0 && strstr(path, "::") != NULL)
		rc = vrv_fail(err, VARVE_USAGE,
		    "'%s' names an archive, not only a repository", path);
	if (rc == 0)
		rc = resolve(path, ret, err);
	return rc != 0 ? vrv_ctx(err, "VARVE_REPO") : 0;
}

int
vrv_location_parse(const char *text, struct varve_time now,
    struct vrv_location *ret, struct varve_err *err)
{
	vrv_auto_location struct vrv_location found = {0};
	vrv_auto_free char *whole = NULL;
	int rc = vrv_placeholders(text == NULL ? "" : text, now, &whole, err);

	if (rc != 0)
		return rc;
	char *colons = strstr(whole, "::");
	if (colons != NULL) {
		*colons = '\0';
		colons += 2;
	}
	if (colons != NULL && *colons != '\0') {
		found.archive = vrv_dup(colons, strlen(colons));
		if (found.archive == NULL)
			return VRV_NOMEM(err, "a location");
	}
	rc = whole[0] == '\0' ? from_environment(&found.repo, now, err) :
				resolve(whole, &found.repo, err);
	if (rc != 0)
		return rc;
	*ret = found;
	found = (struct vrv_location){0};
	return 0;
}

void
vrv_location_fini(struct vrv_location *l)
{
	free(l->repo);
	free(l->archive);
	*l = (struct vrv_location){0};
}
