/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_PATTERN_H
#define CLI_PATTERN_H

/* One pattern of patterns.h: its style, parsed and compiled. */

#include <stdbool.h>
#include <stddef.h>

#include "cli/glob.h"
#include "util/err.h"

enum vrv_style {
	VRV_STYLE_FM,
	VRV_STYLE_SH,
	VRV_STYLE_PP,
	VRV_STYLE_PF,
	VRV_STYLE_RE
};

struct vrv_regex;

struct vrv_pattern {
	enum vrv_style style;
	char *text;	       /* as given, without its style */
	char *path;	       /* of pp and pf: normal, without outer slashes */
	struct vrv_glob *glob; /* of fm and sh */
	struct vrv_regex *regex; /* of re */
};

/* The style that two letters name; false if they name none. */
bool vrv_style_named(const char *name, size_t n, enum vrv_style *ret);

/* Parse "xx:rest", or "rest" in the style `otherwise`. USAGE if it is bad.
 * vrv_pattern_fini() frees what it holds. */
int vrv_pattern_init(struct vrv_pattern *, const char *text,
    enum vrv_style otherwise, struct varve_err *err) VRV_MUST;
void vrv_pattern_fini(struct vrv_pattern *);

/* Does it match `path`, which has no leading slash? *ret_gave_up is set when
 * a regular expression hit its limits. */
bool vrv_pattern_match(const struct vrv_pattern *, const char *path,
    bool *ret_gave_up);

/* Whatever lies below a path that it matches, it matches too. */
bool vrv_pattern_covers(const struct vrv_pattern *);

/* Does it match whatever lies in the directory `path`? False also where that
 * is not plain, as of a regular expression. */
bool vrv_pattern_covers_content(const struct vrv_pattern *, const char *path);

/* May it match something below the directory `path`? */
bool vrv_pattern_reaches(const struct vrv_pattern *, const char *path);

/* A copy of `path` without empty, "." and "x/.." parts and without leading
 * slashes, "." if nothing is left; NULL when memory ran out. Free it. */
char *vrv_path_normal(const char *path) VRV_MUST;

#endif
