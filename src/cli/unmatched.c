/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/unmatched.h"

void
vrv_warn_unmatched(struct vrv_cli *cli, const struct vrv_matcher *matcher,
    bool found)
{
	const char *pattern;
	size_t at = 0;

	while ((pattern = vrv_matcher_unmatched(matcher, &at)) != NULL) {
		vrv_log(&cli->log, VRV_LOG_WARNING,
		    "Include pattern '%s' never matched.", pattern);
		cli->warned = found = true;
	}
	if (found || vrv_matcher_is_empty(matcher))
		return;
	vrv_log(&cli->log, VRV_LOG_WARNING, "the patterns select nothing");
	cli->warned = true;
}

struct search {
	const struct vrv_matcher *matcher;
	bool found, done;
};

static int
on_item(void *arg, const struct varve_item *item, struct varve_err *err)
{
	struct search *s = arg;
	size_t at = 0;

	(void)item;
	s->found = true;
	s->done = vrv_matcher_unmatched(s->matcher, &at) == NULL;
	return s->done ? vrv_fail(err, VARVE_CANCELLED, "found") : 0;
}

int
vrv_find_unmatched(struct varve_repo *repo, const struct varve_archive *archive,
    struct vrv_matcher *matcher, bool *ret_found, struct varve_err *err)
{
	struct varve_walk_options walk = VARVE_WALK_OPTIONS_INIT;
	struct search s = {.matcher = matcher};
	size_t at = 0;

	if (archive == NULL || vrv_matcher_is_empty(matcher) ||
	    (*ret_found && vrv_matcher_unmatched(matcher, &at) == NULL))
		return 0;
	walk.match = vrv_matcher_match;
	walk.match_arg = matcher;
	int rc = varve_archive_walk(repo, archive, &walk, on_item, &s, err);
	*ret_found = *ret_found || s.found;
	return s.done ? 0 : rc;
}
