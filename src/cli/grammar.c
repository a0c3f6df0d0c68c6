/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "cli/cli.h"
#include "util/mem.h"

struct vrv_strings
vrv_cli_rest(const struct vrv_strings *words)
{
	struct vrv_strings rest = *words;

	if (rest.n > 0) {
		rest.items++;
		rest.n--;
		rest.cap--;
	}
	return rest;
}

int
vrv_cli_no_more(const struct vrv_strings *words, size_t max,
    struct varve_err *err)
{
	if (words->n <= max)
		return 0;
	return vrv_fail(err, VARVE_USAGE, "unexpected argument '%s'",
	    words->items[max]);
}

/* Does the first word name a repository or an archive? Only where it could be
 * an argument as well, what exists decides. */
static bool
is_location(const char *word, enum vrv_wants wants)
{
	if (wants != VRV_WANTS_REPO_ARGS && wants != VRV_WANTS_EITHER_ARGS)
		return true;
	if (!vrv_location_has_default() || strstr(word, "::") != NULL ||
	    strstr(word, "://") != NULL)
		return true;
	return varve_repo_exists(word);
}

static int
check_kind(const char *word, enum vrv_wants wants,
    const struct vrv_location *where, struct varve_err *err)
{
	bool repo = wants == VRV_WANTS_REPO || wants == VRV_WANTS_REPO_ARGS;

	if (wants == VRV_WANTS_ARCHIVE && where->archive == NULL)
		return vrv_fail(err, VARVE_USAGE,
		    "'%s' names no archive: write REPO::ARCHIVE",
		    word == NULL ? where->repo : word);
	if (repo && where->archive != NULL)
		return vrv_fail(err, VARVE_USAGE,
		    "'%s' names an archive where only a repository is meant",
		    word);
	return 0;
}

int
vrv_cli_location(struct vrv_cli *cli, const struct vrv_strings *words,
    enum vrv_wants wants, struct vrv_location *ret,
    struct vrv_strings *ret_rest, struct varve_err *err)
{
	vrv_auto_location struct vrv_location found = {0};
	struct vrv_strings rest = *words;
	const char *word = NULL;

	if (words->n > 0 && is_location(words->items[0], wants)) {
		word = words->items[0];
		rest = vrv_cli_rest(words);
	}
	int rc = vrv_location_parse(word, cli->now, &found, err);
	if (rc == 0)
		rc = check_kind(word, wants, &found, err);
	if (rc == 0 && ret_rest == NULL)
		rc = vrv_cli_no_more(&rest, 0, err);
	if (rc != 0)
		return rc;
	cli->repo = vrv_arena_dup(&cli->arena, found.repo, strlen(found.repo));
	if (cli->repo == NULL)
		return VRV_NOMEM(err, "a location");
	if (ret_rest != NULL)
		*ret_rest = rest;
	*ret = found;
	found = (struct vrv_location){0};
	return 0;
}
