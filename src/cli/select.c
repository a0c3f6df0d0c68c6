/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/select.h"

#include <string.h>

#include "cli/glob.h"
#include "cli/text.h"
#include "util/mem.h"

enum sort_key {
	BY_TIME,
	BY_NAME,
	BY_ID,
	KEYS_MAX = 8
};

struct order {
	enum sort_key keys[KEYS_MAX];
	size_t n;
};

bool
vrv_selection_given(const struct vrv_selection *s)
{
	return s->glob != NULL || s->prefix != NULL || s->first != 0 ||
	    s->last != 0;
}

static int
parse_order(const char *text, struct order *ret, struct varve_err *err)
{
	static const struct {
		const char *name;
		enum sort_key key;
	} names[] = {{"timestamp", BY_TIME}, {"ts", BY_TIME},
	    {"archive", BY_NAME}, {"name", BY_NAME}, {"id", BY_ID}};

	ret->n = 0;
	while (*text != '\0') {
		size_t len = strcspn(text, ","), i = 0;
		while (i < sizeof(names) / sizeof(names[0]) &&
		    (strlen(names[i].name) != len ||
			memcmp(names[i].name, text, len) != 0))
			i++;
		if (i == sizeof(names) / sizeof(names[0]) || ret->n == KEYS_MAX)
			return vrv_fail(err, VARVE_USAGE,
			    "cannot sort by '%.*s': there are timestamp, "
			    "archive, name and id",
			    (int)len, text);
		ret->keys[ret->n++] = names[i].key;
		text += len + (text[len] == ',');
	}
	return 0;
}

static int
compare(const void *pa, const void *pb, void *arg)
{
	const struct varve_archive *a =
	    *(const struct varve_archive *const *)pa;
	const struct varve_archive *b =
	    *(const struct varve_archive *const *)pb;
	const struct order *order = arg;
	int c = 0;

	for (size_t i = 0; i < order->n && c == 0; i++) {
		switch (order->keys[i]) {
		case BY_TIME:
			c = (a->nominal.s > b->nominal.s) -
			    (a->nominal.s < b->nominal.s);
			if (c == 0)
				c = (a->nominal.ns > b->nominal.ns) -
				    (a->nominal.ns < b->nominal.ns);
			break;
		case BY_NAME:
			c = strcmp(a->name, b->name);
			break;
		default:
			c = strcmp(a->id, b->id);
			break;
		}
	}
	/* The list keeps its order among equals. */
	return c != 0 ? c : (a > b) - (a < b);
}

int
vrv_select(struct vrv_cli *cli, const struct varve_archive_list *list,
    const struct vrv_selection *s, struct vrv_selected *ret,
    struct varve_err *err)
{
	struct vrv_selected found = {0};
	struct order order = {{BY_TIME}, 1};
	vrv_auto_glob glob = NULL;
	const char *pattern, *prefix;
	int rc = vrv_cli_expand(cli, s->glob, &pattern, err);

	if (rc == 0)
		rc = vrv_cli_expand(cli, s->prefix, &prefix, err);
	if (rc == 0 && s->glob != NULL && s->prefix != NULL)
		rc = vrv_fail(err, VARVE_USAGE,
		    "--glob-archives and --prefix exclude each other");
	if (rc == 0 && s->first != 0 && s->last != 0)
		rc = vrv_fail(err, VARVE_USAGE,
		    "--first and --last exclude each other");
	if (rc == 0 && s->sort_by != NULL)
		rc = parse_order(s->sort_by, &order, err);
	if (rc == 0 && pattern != NULL)
		rc = vrv_glob_new(pattern, VRV_GLOB_SHELL, &glob, err);
	if (rc != 0)
		return rc;
	found.items = vrv_arena_alloc(&cli->arena,
	    (list->n + 1) * sizeof(found.items[0]));
	if (found.items == NULL)
		return VRV_NOMEM(err, "archives");
	for (size_t i = 0; i < list->n; i++) {
		const char *name = list->items[i].name;

		if ((glob == NULL || vrv_glob_match(glob, name, false)) &&
		    (prefix == NULL ||
			strncmp(name, prefix, strlen(prefix)) == 0))
			found.items[found.n++] = &list->items[i];
	}
	if (found.n == 0 && list->n > 0) {
		vrv_log(&cli->log, VRV_LOG_WARNING, "no archive matches '%s%s'",
		    pattern != NULL ? pattern : prefix,
		    pattern != NULL ? "" : "*");
		cli->warned = true;
	}
	qsort_r(found.items, found.n, sizeof(found.items[0]), compare, &order);
	if (s->last != 0 && s->last < found.n)
		found.items += found.n - s->last;
	if (s->first != 0 || s->last != 0)
		found.n = vrv_min(found.n, vrv_max(s->first, s->last));
	*ret = found;
	return 0;
}

int
vrv_archives(struct vrv_cli *cli, struct varve_repo *repo,
    struct varve_archive_list **ret, struct varve_err *err)
{
	int rc = varve_archive_list(repo, ret, err);

	if (rc == 0 && (*ret)->damaged > 0) {
		vrv_log(&cli->log, VRV_LOG_WARNING,
		    "skipped %zu archive%s that cannot be read; run "
		    "'varve check'",
		    (*ret)->damaged, vrv_plural((*ret)->damaged));
		cli->warned = true;
	}
	return rc;
}

int
vrv_archives_next(const struct varve_archive_list *list, const char *name,
    const struct varve_archive **ret, struct varve_err *err)
{
	const char *colons = strstr(name, "::");
	int rc = varve_archive_find(list, name, ret, err);

	if (rc == 0 || colons == NULL || err->exit != VARVE_EXIT_NO_ARCHIVE)
		return rc;
	return vrv_fail(err, VARVE_USAGE,
	    "'%s': an archive behind the first is named without a repository: "
	    "write '%s'",
	    name, colons + 2);
}

void
vrv_archives_cleanup(struct varve_archive_list **list)
{
	if (*list != NULL)
		varve_archive_list_free(*list);
}
