/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/cmd.h"
#include "cli/select.h"

static const struct vrv_option options[] = {{0}};

static int
run(struct vrv_cli *cli, void *arg, const struct vrv_strings *words,
    struct varve_err *err)
{
	const struct varve_archive *archive;
	const char *name = NULL;
	vrv_auto_location struct vrv_location where = {0};
	vrv_auto_archives list = NULL;
	vrv_auto_repo repo = NULL;

	(void)arg;
	if (words->n < 2)
		return vrv_fail(err, VARVE_USAGE,
		    "rename needs REPO::ARCHIVE and the new name");
	int rc = vrv_cli_no_more(words, 2, err);
	if (rc == 0)
		rc = vrv_cli_location(cli, words, VRV_WANTS_ARCHIVE, &where,
		    err);
	if (rc == 0)
		rc = vrv_cli_expand(cli, words->items[1], &name, err);
	if (rc == 0)
		rc = vrv_archive_name_check(name, err);
	if (rc == 0)
		rc = vrv_cli_open(cli, where.repo, false, &repo, err);
	if (rc == 0)
		rc = vrv_archives(cli, repo, &list, err);
	if (rc == 0)
		rc = varve_archive_find(list, where.archive, &archive, err);
	if (rc == 0)
		rc = varve_archive_rename(repo, archive, name, err);
	return rc;
}

const struct vrv_command vrv_cmd_rename = {
    .name = "rename",
    .usage = "[REPO]::ARCHIVE NAME",
    .summary = "give an archive another name",
    .options = options,
    .run = run,
};
