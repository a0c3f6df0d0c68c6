/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_GLOB_H
#define CLI_GLOB_H

/*
 * Wildcard patterns over whole texts, in two styles:
 *
 * fnmatch	`*` any text, `?` any character
 * shell	neither of them crosses a slash; a double star and a slash
 *		stand for any number of whole directories, none too
 *
 * Both know [abc], [a-z] and [!abc]; a bracket without its end is itself.
 * Characters are those of UTF-8; an invalid byte counts as one. Matching
 * takes time in proportion to text times pattern, whatever they hold.
 */

#include <stdbool.h>
#include <stddef.h>

#include "util/err.h"

#define VRV_GLOB_MAX 4096 /* bytes of a pattern */

enum vrv_glob_style {
	VRV_GLOB_FNMATCH,
	VRV_GLOB_SHELL
};

struct vrv_glob;

/* LIMIT for a pattern that is too long. Free with vrv_glob_free(). */
int vrv_glob_new(const char *pattern, enum vrv_glob_style,
    struct vrv_glob **ret, struct varve_err *err) VRV_MUST;
void vrv_glob_free(struct vrv_glob *); /* NULL is fine */
void vrv_glob_cleanup(struct vrv_glob **);
#define vrv_auto_glob                                                          \
	__attribute__((cleanup(vrv_glob_cleanup))) struct vrv_glob *

/* Every name in the directory `dir`, with a slash behind it: whatever the name
 * is. False also where that is not plain. */
bool vrv_glob_match_names(const struct vrv_glob *, const char *dir);
/* May it match something below the directory `dir`? */
bool vrv_glob_reaches(const struct vrv_glob *, const char *dir);

/* The whole of `text`, with `slash` as if a slash stood at its end. */
bool vrv_glob_match(const struct vrv_glob *, const char *text, bool slash);

#endif
