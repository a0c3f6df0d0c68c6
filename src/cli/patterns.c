/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/patterns.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "cli/pattern.h"
#include "util/mem.h"

enum verdict {
	INCLUDE,
	EXCLUDE,       /* but look below */
	EXCLUDE_BELOW, /* with all below */
};

struct entry {
	struct vrv_pattern pattern;
	enum verdict verdict;
	size_t place; /* among those of style pf */
	bool is_path; /* a PATH argument */
	bool matched;
};

struct vrv_matcher {
	struct entry *entries; /* in order, but those of style pf */
	size_t n, cap;
	struct entry *full; /* of style pf, by path once compiled */
	size_t n_full, full_cap;
	struct vrv_strings roots;
	struct vrv_arena arena;
	enum vrv_matcher_use use;
	bool paths_given; /* what no pattern matches is left out */
	const char *gave_up;
};

int
vrv_rules_add(struct vrv_rules *rules, struct vrv_arena *arena,
    enum vrv_rule_origin origin, const char *text, struct varve_err *err)
{
	if (rules->n == rules->cap) {
		size_t cap = rules->cap == 0 ? 8 : rules->cap * 2;
		struct vrv_rule *grown =
		    vrv_arena_alloc(arena, cap * sizeof(*grown));
		if (grown == NULL)
			return VRV_NOMEM(err, "patterns");
		if (rules->n > 0)
			memcpy(grown, rules->items, rules->n * sizeof(*grown));
		rules->items = grown;
		rules->cap = cap;
	}
	rules->items[rules->n++] = (struct vrv_rule){origin, text};
	return 0;
}

static int
add_entry(struct vrv_matcher *m, const char *text, enum vrv_style otherwise,
    enum verdict verdict, bool is_path, struct varve_err *err)
{
	struct entry e = {.verdict = verdict, .is_path = is_path};
	int rc = vrv_pattern_init(&e.pattern, text, otherwise, err);

	if (rc != 0)
		return rc;
	bool full = e.pattern.style == VRV_STYLE_PF;
	struct entry **list = full ? &m->full : &m->entries;
	size_t *n = full ? &m->n_full : &m->n;
	if (vrv_room_for_one(list, *n, full ? &m->full_cap : &m->cap,
		sizeof(e)) != 0) {
		vrv_pattern_fini(&e.pattern);
		return VRV_NOMEM(err, "patterns");
	}
	e.place = *n;
	(*list)[(*n)++] = e;
	return 0;
}

static int
add_root(struct vrv_matcher *m, const char *path, struct varve_err *err)
{
	const char *copy = vrv_arena_dup(&m->arena, path, strlen(path));

	if (copy == NULL)
		return VRV_NOMEM(err, "patterns");
	return vrv_strings_add(&m->roots, &m->arena, copy, err);
}

/* One rule: a letter, white space, a value. */
static int
add_rule(struct vrv_matcher *m, const char *line, enum vrv_style *style,
    struct varve_err *err)
{
	const char *value = line + 1;

	if (line[0] == '\0' || strchr("+-!RrPp", line[0]) == NULL)
		return vrv_fail(err, VARVE_USAGE,
		    "a pattern rule starts with one of + - ! R P, not '%s'",
		    line);
	while (isspace((uint8_t)*value))
		value++;
	if (*value == '\0')
		return vrv_fail(err, VARVE_USAGE,
		    "the pattern rule '%s' has nothing behind its letter",
		    line);
	switch (line[0]) {
	case '+':
		return add_entry(m, value, *style, INCLUDE, false, err);
	case '-':
		return add_entry(m, value, *style, EXCLUDE, false, err);
	case '!':
		return add_entry(m, value, *style, EXCLUDE_BELOW, false, err);
	case 'R':
	case 'r':
		return add_root(m, value, err);
	default:
		if (!vrv_style_named(value, strlen(value), style))
			return vrv_fail(err, VARVE_USAGE,
			    "unknown pattern style '%s': there are fm sh pp pf "
			    "re",
			    value);
		return 0;
	}
}

/* Cut white space off both ends; NULL for a line that says nothing. */
static char *
strip_line(char *line, size_t n)
{
	while (n > 0 && isspace((uint8_t)line[n - 1]))
		line[--n] = '\0';
	while (isspace((uint8_t)*line))
		line++;
	return *line == '\0' || *line == '#' ? NULL : line;
}

static void
close_file(FILE **f)
{
	if (*f != NULL)
		fclose(*f);
}

static int
add_file(struct vrv_matcher *m, const char *name, bool excludes,
    struct varve_err *err)
{
	enum vrv_style style = VRV_STYLE_SH;
	vrv_auto_free char *line = NULL;
	size_t cap = 0, number = 0;
	ssize_t n;
	__attribute__((cleanup(close_file))) FILE *f = fopen(name, "re");

	if (f == NULL)
		return vrv_fail_sys(err, errno,
		    "cannot read patterns from "
		    "'%s'",
		    name);
	while (errno = 0, (n = getline(&line, &cap, f)) >= 0) {
		number++;
		char *text = strip_line(line, (size_t)n);
		if (text == NULL)
			continue;
		int rc = excludes ? add_entry(m, text, VRV_STYLE_FM,
					EXCLUDE_BELOW, false, err) :
				    add_rule(m, text, &style, err);
		if (rc != 0)
			return vrv_ctx(err, "'%s' line %zu", name, number);
	}
	if (ferror(f))
		return vrv_fail_sys(err, errno,
		    "cannot read patterns from "
		    "'%s'",
		    name);
	return 0;
}

static int
add_option(struct vrv_matcher *m, const struct vrv_rule *rule,
    struct varve_err *err)
{
	enum vrv_style style = VRV_STYLE_SH;

	switch (rule->origin) {
	case VRV_RULE_EXCLUDE:
		return add_entry(m, rule->text, VRV_STYLE_FM, EXCLUDE_BELOW,
		    false, err);
	case VRV_RULE_EXCLUDE_FROM:
		return add_file(m, rule->text, true, err);
	case VRV_RULE_PATTERN:
		return add_rule(m, rule->text, &style, err);
	case VRV_RULE_PATTERNS_FROM:
		return add_file(m, rule->text, false, err);
	}
	return 0;
}

static int
by_path(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;

	return strcmp(a->pattern.path, b->pattern.path);
}

/* The one that was given last comes first among equals. */
static int
by_path_and_place(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;
	int order = by_path(a, b);

	return order != 0 ? order :
			    (a->place < b->place) - (a->place > b->place);
}

static void
sort_full(struct vrv_matcher *m)
{
	size_t kept = 0;

	if (m->n_full > 0)
		qsort(m->full, m->n_full, sizeof(m->full[0]),
		    by_path_and_place);
	for (size_t i = 0; i < m->n_full; i++) {
		if (kept > 0 && by_path(&m->full[kept - 1], &m->full[i]) == 0)
			vrv_pattern_fini(&m->full[i].pattern);
		else
			m->full[kept++] = m->full[i];
	}
	m->n_full = kept;
}

int
vrv_matcher_new(const struct vrv_rules *rules, const struct vrv_strings *paths,
    enum vrv_matcher_use use, struct vrv_matcher **ret, struct varve_err *err)
{
	int rc = 0;
	vrv_auto_matcher m = vrv_alloc_array(1, sizeof(*m));

	if (m == NULL)
		return VRV_NOMEM(err, "patterns");
	m->use = use;
	for (size_t i = 0; i < rules->n && rc == 0; i++)
		rc = add_option(m, &rules->items[i], err);
	for (size_t i = 0; paths != NULL && i < paths->n && rc == 0; i++) {
		m->paths_given = true;
		rc = add_entry(m, paths->items[i], VRV_STYLE_PP, INCLUDE, true,
		    err);
	}
	if (rc != 0)
		return rc;
	sort_full(m);
	*ret = vrv_steal(&m);
	return 0;
}

void
vrv_matcher_free(struct vrv_matcher *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->n; i++)
		vrv_pattern_fini(&m->entries[i].pattern);
	for (size_t i = 0; i < m->n_full; i++)
		vrv_pattern_fini(&m->full[i].pattern);
	free(m->entries);
	free(m->full);
	vrv_arena_fini(&m->arena);
	free(m);
}

void
vrv_matcher_cleanup(struct vrv_matcher **m)
{
	vrv_matcher_free(*m);
}

bool
vrv_matcher_is_empty(const struct vrv_matcher *m)
{
	return m->n == 0 && m->n_full == 0;
}

/* The entry that decides about `path`, or NULL; *ret_at is its place among
 * the ordered ones. */
static struct entry *
decide(struct vrv_matcher *m, const char *path, size_t *ret_at)
{
	struct entry key = {.pattern.path = (char *)(uintptr_t)path};
	struct entry *found = NULL;

	*ret_at = 0;
	if (m->n_full > 0)
		found = bsearch(&key, m->full, m->n_full, sizeof(key), by_path);
	for (size_t i = 0; i < m->n && found == NULL; i++) {
		bool gave_up = false;
		if (vrv_pattern_match(&m->entries[i].pattern, path, &gave_up)) {
			found = &m->entries[i];
			*ret_at = i;
		}
		if (gave_up)
			m->gave_up = m->entries[i].pattern.text;
	}
	return found;
}

/* May one of the first `n` patterns, or one of style pf, include something
 * below the folder `path`? */
static bool
may_include_below(const struct vrv_matcher *m, size_t n, const char *path)
{
	for (size_t i = 0; i < m->n_full; i++) {
		if (m->full[i].verdict == INCLUDE &&
		    vrv_pattern_reaches(&m->full[i].pattern, path))
			return true;
	}
	for (size_t i = 0; i < n; i++) {
		if (m->entries[i].verdict == INCLUDE &&
		    vrv_pattern_reaches(&m->entries[i].pattern, path))
			return true;
	}
	return false;
}

/* Is all that lies in the directory `path` excluded with all below it? */
static bool
content_is_excluded(const struct vrv_matcher *m, const char *path)
{
	for (size_t i = 0; i < m->n_full; i++) {
		if (m->full[i].verdict != EXCLUDE_BELOW &&
		    vrv_pattern_reaches(&m->full[i].pattern, path))
			return false;
	}
	for (size_t i = 0; i < m->n; i++) {
		const struct entry *e = &m->entries[i];

		if (e->verdict == EXCLUDE_BELOW) {
			if (vrv_pattern_covers_content(&e->pattern, path))
				return true;
		} else if (vrv_pattern_reaches(&e->pattern, path)) {
			return false;
		}
	}
	return false;
}

static unsigned
included(const struct vrv_matcher *m, const char *path, bool is_dir)
{
	return m->use == VRV_MATCH_SOURCES && is_dir &&
		content_is_excluded(m, path) ?
	    VARVE_MATCH_INCLUDE :
	    VARVE_MATCH_INCLUDE | VARVE_MATCH_RECURSE;
}

unsigned
vrv_matcher_match(void *arg, const char *path, bool is_dir)
{
	struct vrv_matcher *m = arg;
	size_t at;

	path += strspn(path, "/");
	struct entry *e = decide(m, path, &at);
	if (e == NULL && !m->paths_given)
		return included(m, path, is_dir);
	if (e == NULL)
		return is_dir && may_include_below(m, m->n, path) ?
		    VARVE_MATCH_RECURSE :
		    0;
	e->matched = true;
	if (e->verdict == INCLUDE)
		return included(m, path, is_dir);
	if (m->use == VRV_MATCH_SOURCES)
		return e->verdict == EXCLUDE ? VARVE_MATCH_RECURSE : 0;
	/* What this pattern leaves out only an earlier one can include. */
	return !vrv_pattern_covers(&e->pattern) ||
		may_include_below(m, at, path) ?
	    VARVE_MATCH_RECURSE :
	    0;
}

const struct vrv_strings *
vrv_matcher_roots(const struct vrv_matcher *m)
{
	return &m->roots;
}

const char *
vrv_matcher_unmatched(const struct vrv_matcher *m, size_t *at)
{
	while (*at < m->n + m->n_full) {
		size_t i = (*at)++;
		const struct entry *e =
		    i < m->n ? &m->entries[i] : &m->full[i - m->n];
		if (e->is_path && !e->matched)
			return e->pattern.text;
	}
	return NULL;
}

const char *
vrv_matcher_gave_up(const struct vrv_matcher *m)
{
	return m->gave_up;
}
