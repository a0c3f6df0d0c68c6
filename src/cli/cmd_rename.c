/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "cli/cmd.h"
#include "cli/done.h"
#include "cli/select.h"

static const struct vrv_option options[] = {{0}};

/* An archive stays in its repository. */
static int
check_name(const struct vrv_strings *names, struct varve_err *err)
{
	if (names->n == 0)
		return vrv_fail(err, VARVE_USAGE,
		    "rename needs REPO::ARCHIVE and the new name");
	const char *colons = strstr(names->items[0], "::");
	if (colons != NULL)
		return vrv_fail(err, VARVE_USAGE,
		    "'%s': the new name is given without a repository: write "
		    "'%s'",
		    names->items[0], colons + 2);
	return 0;
}

static int
run(struct vrv_cli *cli, void *arg, const struct vrv_strings *words,
    struct varve_err *err)
{
	const struct varve_archive *archive;
	struct vrv_strings rest = {0};
	const char *name = NULL;
	vrv_auto_location struct vrv_location where = {0};
	vrv_auto_archives list = NULL;
	vrv_auto_repo repo = NULL;

	(void)arg;
	int rc =
	    vrv_cli_location(cli, words, VRV_WANTS_ARCHIVE, &where, &rest, err);
	if (rc == 0)
		rc = vrv_cli_no_more(&rest, 1, err);
	if (rc == 0)
		rc = check_name(&rest, err);
	if (rc == 0)
		rc = vrv_cli_expand(cli, rest.items[0], &name, err);
	if (rc == 0)
		rc = varve_archive_name_check(name, err);
	if (rc == 0)
		rc = vrv_cli_open(cli, where.repo, false, &repo, err);
	if (rc == 0)
		rc = vrv_archives(cli, repo, &list, err);
	if (rc == 0)
		rc = varve_archive_find(list, where.archive, &archive, err);
	if (rc == 0)
		rc = varve_archive_rename(repo, archive, name, err);
	if (rc == 0)
		vrv_cli_done(cli, NULL, "renamed archive '%s' to '%s'",
		    archive->name, name);
	return rc;
}

const struct vrv_command vrv_cmd_rename = {
    .name = "rename",
    .usage = "[REPO]::ARCHIVE NAME",
    .summary = "give an archive another name",
    .options = options,
    .run = run,
};
