/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

/*
 * Options of the command line, described by tables: they are parsed, shown by
 * --help and completed by the shell from the same rows.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/patterns.h"
#include "cli/strings.h"
#include "util/buf.h"

struct vrv_option;

/* Take one occurrence of an option into *dest. `value` is NULL for one without
 * an argument; it lives as long as the process. */
typedef int vrv_option_fn(const struct vrv_option *, void *dest,
    const char *value, struct vrv_arena *, struct varve_err *err);

struct vrv_option {
	char letter;	  /* of the short form, or 0 */
	const char *name; /* of the long form, without dashes */
	const char *arg;  /* what --help calls its argument; NULL: has none */
	vrv_option_fn *set;
	size_t offset;	  /* of `dest` in the struct of options */
	const char *help; /* NULL: not shown, an alias */
	int value;	  /* for vrv_set_value() */
};

vrv_option_fn vrv_set_true;	/* bool */
vrv_option_fn vrv_set_value;	/* int, becomes option->value */
vrv_option_fn vrv_set_string;	/* const char * */
vrv_option_fn vrv_set_list;	/* struct vrv_strings */
vrv_option_fn vrv_set_unsigned; /* unsigned */
vrv_option_fn vrv_set_positive; /* the same above 0 */
vrv_option_fn vrv_set_octal;	/* unsigned, at most 07777 */
vrv_option_fn vrv_set_exclude, vrv_set_exclude_from, vrv_set_pattern,
    vrv_set_patterns_from; /* struct vrv_rules */

/* Take an option of Borg that means nothing here. Its `help` is NULL: --help
 * lists these by name alone. */
vrv_option_fn vrv_set_nothing;
#define VRV_IGNORED(letter_, name_, arg_)                                      \
	{                                                                      \
		letter_, name_, arg_, vrv_set_nothing, 0, NULL                 \
	}

/* The exclusion options, for a field `rules` of the struct `type`. */
#define VRV_EXCLUSION_OPTIONS(type)                                            \
	{'e', "exclude", "PATTERN", vrv_set_exclude, offsetof(type, rules),    \
	    "leave out what PATTERN matches"},                                 \
	    {0, "exclude-from", "FILE", vrv_set_exclude_from,                  \
		offsetof(type, rules),                                         \
		"read such patterns from FILE, one a line"},                   \
	    {0, "pattern", "RULE", vrv_set_pattern, offsetof(type, rules),     \
		"include or exclude by RULE: '+ PATTERN' or '- PATTERN'"},     \
	{                                                                      \
		0, "patterns-from", "FILE", vrv_set_patterns_from,             \
		    offsetof(type, rules),                                     \
		    "read such rules from FILE, one a line"                    \
	}

/* A table ends with a row whose name is NULL. */
struct vrv_option_set {
	const struct vrv_option *table;
	void *dest;
};

/* Parse `args`, which ends with NULL, by both tables; an option of `own` wins
 * over one of `common`. `own->table` NULL: stop at the first word that is no
 * option. *ret_used tells how many words were taken. USAGE names what is
 * wrong. */
int vrv_options_parse(const struct vrv_option_set *own,
    const struct vrv_option_set *common, const char *const *args,
    struct vrv_arena *, struct vrv_strings *ret_words, size_t *ret_used,
    struct varve_err *err) VRV_MUST;

/* Parse the percentage given to an option, above 0 and up to 100, with or
 * without a percent sign, as millionths. USAGE. */
int vrv_parse_percent(const char *option, const char *text, uint32_t *ret_ppm,
    struct varve_err *err) VRV_MUST;

/* Append the rows of a table as --help shows them, in 80 columns. */
void vrv_options_help(struct vrv_buf *, const struct vrv_option *table);
/* Append the names of the ignored options of both tables as a paragraph. */
void vrv_options_help_ignored(struct vrv_buf *, const struct vrv_option *own,
    const struct vrv_option *common);
/* Append `text` in 80 columns, each line behind `indent` blanks; a line of
 * it that starts with a blank stays as it is. */
void vrv_wrap(struct vrv_buf *, const char *text, size_t indent);

#endif
