/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_PATTERNS_H
#define CLI_PATTERNS_H

/*
 * Which paths a command takes: Borg's exclusion options and PATH arguments as
 * one matcher.
 *
 * A pattern is a style, a colon and the rest; without a style it has the
 * default of where it stands:
 *
 * fm:	wildcards whose * crosses slashes: --exclude, --exclude-from
 * sh:	wildcards whose * does not: --pattern, --patterns-from
 * pp:	this path and all below it: PATH arguments
 * pf:	exactly this path; looked up before all others, in no order
 * re:	a regular expression (PCRE2) found anywhere in the path
 *
 * Paths and patterns (but re:) have no leading slash. fm: and sh: also take
 * what lies below what they match; with a slash at their end only that. The
 * options form one list in the order of the command line, lines of files in
 * their place, PATH arguments last; the first pattern that matches decides.
 *
 * A rule of --pattern or of a line of --patterns-from is `+ PATTERN` to
 * include, `- PATTERN` to exclude but still look below, `! PATTERN` to exclude
 * with all below (as --exclude does), `R PATH` for one more source, `P STYLE`
 * for the default style of the lines that follow. Lines are stripped of white
 * space; empty ones and those that start with # are skipped.
 */

#include <stdbool.h>
#include <stddef.h>

#include <varve/event.h>

#include "cli/strings.h"

enum vrv_rule_origin {
	VRV_RULE_EXCLUDE,
	VRV_RULE_EXCLUDE_FROM,
	VRV_RULE_PATTERN,
	VRV_RULE_PATTERNS_FROM
};

/* What the options said, in their order; not looked at yet. */
struct vrv_rules {
	struct vrv_rule {
		enum vrv_rule_origin origin;
		const char *text;
	} * items;
	size_t n, cap;
};
int vrv_rules_add(struct vrv_rules *, struct vrv_arena *, enum vrv_rule_origin,
    const char *text, struct varve_err *err) VRV_MUST;

enum vrv_matcher_use {
	/* A walk of the file system: what is excluded with all below it is not
	 * looked into, whatever another pattern says of what is there. */
	VRV_MATCH_SOURCES,
	/* The items of an archive, each by itself: a folder is passed over
	 * only where nothing below it can be included. */
	VRV_MATCH_ARCHIVE
};

struct vrv_matcher;

/* Compile rules and PATH arguments (may be NULL), without any of which
 * everything is included. Free with vrv_matcher_free(). USAGE for a bad
 * pattern, NOENT or IO for a file that cannot be read. */
int vrv_matcher_new(const struct vrv_rules *, const struct vrv_strings *paths,
    enum vrv_matcher_use, struct vrv_matcher **ret, struct varve_err *err)
    VRV_MUST;
void vrv_matcher_free(struct vrv_matcher *); /* NULL is fine */
void vrv_matcher_cleanup(struct vrv_matcher **);
#define vrv_auto_matcher                                                       \
	__attribute__((cleanup(vrv_matcher_cleanup))) struct vrv_matcher *

/* It includes everything: no need to ask it. */
bool vrv_matcher_is_empty(const struct vrv_matcher *);

/* A varve_match_fn whose `arg` is the matcher. */
unsigned vrv_matcher_match(void *matcher, const char *path, bool is_dir);

/* Sources that `R` lines name. They live as long as the matcher. */
const struct vrv_strings *vrv_matcher_roots(const struct vrv_matcher *);

/* The next PATH argument that matched nothing so far, or NULL; start with
 * *at = 0. */
const char *vrv_matcher_unmatched(const struct vrv_matcher *, size_t *at);

/* A regular expression that gave up on a path because it took too long, or
 * NULL: that path counted as not matching. */
const char *vrv_matcher_gave_up(const struct vrv_matcher *);

#endif
