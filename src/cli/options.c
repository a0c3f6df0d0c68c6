/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/options.h"

#include <math.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/text.h"
#include "util/mem.h"

#define PPM_PER_PERCENT 10000.0

int
vrv_set_true(const struct vrv_option *o, void *dest, const char *value,
    struct vrv_arena *arena, struct varve_err *err)
{
	(void)o, (void)value, (void)arena, (void)err;
	*(bool *)dest = true;
	return 0;
}

int
vrv_set_nothing(const struct vrv_option *o, void *dest, const char *value,
    struct vrv_arena *arena, struct varve_err *err)
{
	(void)o, (void)dest, (void)value, (void)arena, (void)err;
	return 0;
}

int
vrv_set_value(const struct vrv_option *o, void *dest, const char *value,
    struct vrv_arena *arena, struct varve_err *err)
{
	(void)value, (void)arena, (void)err;
	*(int *)dest = o->value;
	return 0;
}

int
vrv_set_string(const struct vrv_option *o, void *dest, const char *value,
    struct vrv_arena *arena, struct varve_err *err)
{
	(void)o, (void)arena, (void)err;
	*(const char **)dest = value;
	return 0;
}

int
vrv_set_list(const struct vrv_option *o, void *dest, const char *value,
    struct vrv_arena *arena, struct varve_err *err)
{
	(void)o;
	return vrv_strings_add(dest, arena, value, err);
}

static int
set_number(unsigned *dest, const char *value, int base, unsigned long max,
    struct varve_err *err)
{
	const char *digits = base == 8 ? "01234567" : "0123456789";

	errno = 0;
	unsigned long n = strtoul(value, NULL, base);
	if (value[0] == '\0' || value[strspn(value, digits)] != '\0' ||
	    errno != 0 || n > max)
		return vrv_fail(err, VARVE_USAGE,
		    base == 8 ? "'%s' is not an octal number up to %lo" :
				"'%s' is not a number up to %lu",
		    value, max);
	*dest = (unsigned)n;
	return 0;
}

int
vrv_set_unsigned(const struct vrv_option *o, void *dest, const char *value,
    struct vrv_arena *arena, struct varve_err *err)
{
	(void)o, (void)arena;
	return set_number(dest, value, 10, INT32_MAX, err);
}

int
vrv_set_positive(const struct vrv_option *o, void *dest, const char *value,
    struct vrv_arena *arena, struct varve_err *err)
{
	unsigned n;
	int rc = vrv_set_unsigned(o, &n, value, arena, err);

	if (rc == 0 && n == 0)
		return vrv_fail(err, VARVE_USAGE,
		    "'%s' is not a number above 0", value);
	if (rc == 0)
		*(unsigned *)dest = n;
	return rc;
}

int
vrv_set_octal(const struct vrv_option *o, void *dest, const char *value,
    struct vrv_arena *arena, struct varve_err *err)
{
	(void)o, (void)arena;
	return set_number(dest, value, 8, 07777, err);
}

int
vrv_set_exclude(const struct vrv_option *o, void *dest, const char *value,
    struct vrv_arena *arena, struct varve_err *err)
{
	(void)o;
	return vrv_rules_add(dest, arena, VRV_RULE_EXCLUDE, value, err);
}

int
vrv_set_exclude_from(const struct vrv_option *o, void *dest, const char *value,
    struct vrv_arena *arena, struct varve_err *err)
{
	(void)o;
	return vrv_rules_add(dest, arena, VRV_RULE_EXCLUDE_FROM, value, err);
}

int
vrv_set_pattern(const struct vrv_option *o, void *dest, const char *value,
    struct vrv_arena *arena, struct varve_err *err)
{
	(void)o;
	return vrv_rules_add(dest, arena, VRV_RULE_PATTERN, value, err);
}

int
vrv_set_patterns_from(const struct vrv_option *o, void *dest, const char *value,
    struct vrv_arena *arena, struct varve_err *err)
{
	(void)o;
	return vrv_rules_add(dest, arena, VRV_RULE_PATTERNS_FROM, value, err);
}

/* --- parsing --- */

struct parser {
	const struct vrv_option_set *own, *common;
	const char *const *args;
	size_t at;
	struct vrv_arena *arena;
};

static const struct vrv_option *
find_in(const struct vrv_option *table, char letter, const char *name, size_t n)
{
	for (; table != NULL && table->name != NULL; table++) {
		if (letter != 0 ? table->letter == letter :
				  strlen(table->name) == n &&
			    memcmp(table->name, name, n) == 0)
			return table;
	}
	return NULL;
}

static const struct vrv_option *
find(const struct parser *p, char letter, const char *name, size_t n,
    char **ret_base)
{
	const struct vrv_option *o = find_in(p->own->table, letter, name, n);

	*ret_base = p->own->dest;
	if (o == NULL) {
		o = find_in(p->common->table, letter, name, n);
		*ret_base = p->common->dest;
	}
	return o;
}

static int
apply(const struct parser *p, const struct vrv_option *o, char *base,
    const char *value, struct varve_err *err)
{
	int rc = o->set(o, base + o->offset, value, p->arena, err);

	return rc != 0 ? vrv_ctx(err, "option --%s", o->name) : 0;
}

static int
parse_long(struct parser *p, const char *name, struct varve_err *err)
{
	size_t n = strcspn(name, "=");
	const char *value = name[n] == '=' ? name + n + 1 : NULL;
	char *base;
	const struct vrv_option *o = find(p, 0, name, n, &base);

	if (o == NULL)
		return vrv_fail(err, VARVE_USAGE, "unknown option '--%.*s'",
		    (int)n, name);
	if (o->arg == NULL && value != NULL)
		return vrv_fail(err, VARVE_USAGE,
		    "option --%s takes no argument", o->name);
	if (o->arg != NULL && value == NULL) {
		value = p->args[p->at];
		if (value == NULL)
			return vrv_fail(err, VARVE_USAGE,
			    "option --%s needs its argument %s", o->name,
			    o->arg);
		p->at++;
	}
	return apply(p, o, base, value, err);
}

static int
parse_short(struct parser *p, const char *letters, struct varve_err *err)
{
	for (; *letters != '\0'; letters++) {
		char *base;
		const struct vrv_option *o = find(p, *letters, NULL, 0, &base);
		const char *value = NULL;

		if (o == NULL)
			return vrv_fail(err, VARVE_USAGE,
			    "unknown option '-%c'", *letters);
		if (o->arg != NULL) {
			value =
			    letters[1] != '\0' ? letters + 1 : p->args[p->at++];
			if (value == NULL)
				return vrv_fail(err, VARVE_USAGE,
				    "option -%c needs its argument %s",
				    *letters, o->arg);
		}
		int rc = apply(p, o, base, value, err);
		if (rc != 0 || value != NULL)
			return rc;
	}
	return 0;
}

int
vrv_options_parse(const struct vrv_option_set *own,
    const struct vrv_option_set *common, const char *const *args,
    struct vrv_arena *arena, struct vrv_strings *ret_words, size_t *ret_used,
    struct varve_err *err)
{
	struct parser p = {own, common, args, 0, arena};
	bool only_words = false;
	int rc = 0;

	while (rc == 0 && args[p.at] != NULL) {
		const char *arg = args[p.at];
		if (only_words || arg[0] != '-' || arg[1] == '\0') {
			if (own->table == NULL)
				break;
			p.at++;
			rc = vrv_strings_add(ret_words, arena, arg, err);
			continue;
		}
		p.at++;
		if (strcmp(arg, "--") == 0)
			only_words = true;
		else if (arg[1] == '-')
			rc = parse_long(&p, arg + 2, err);
		else
			rc = parse_short(&p, arg + 1, err);
	}
	*ret_used = p.at;
	return rc;
}

/* --- help --- */

#define COLUMNS 80
#define HELP_AT 28

static void
blanks(struct vrv_buf *buf, size_t n)
{
	vrv_text_add(buf, "%*s", (int)n, "");
}

/* Append words from column `at` on, lines that follow from `indent` on. */
static void
wrap_line(struct vrv_buf *buf, const char *text, size_t n, size_t at,
    size_t indent)
{
	bool first = true;

	while (n > 0) {
		size_t word = 0;
		while (word < n && text[word] != ' ')
			word++;
		if (!first && at + 1 + word > COLUMNS) {
			vrv_buf_u8(buf, '\n');
			blanks(buf, indent);
			at = indent;
		} else if (!first) {
			vrv_buf_u8(buf, ' ');
			at++;
		}
		vrv_buf_bytes(buf, text, word);
		at += word;
		first = false;
		word += word < n;
		text += word;
		n -= word;
	}
	vrv_buf_u8(buf, '\n');
}

void
vrv_wrap(struct vrv_buf *buf, const char *text, size_t indent)
{
	while (*text != '\0') {
		size_t n = strcspn(text, "\n");
		if (n > 0)
			blanks(buf, indent);
		if (*text == ' ') {
			vrv_buf_bytes(buf, text, n);
			vrv_buf_u8(buf, '\n');
		} else {
			wrap_line(buf, text, n, indent, indent);
		}
		text += n + (text[n] == '\n');
	}
}

int
vrv_parse_percent(const char *option, const char *text, uint32_t *ret_ppm,
    struct varve_err *err)
{
	char *end;

	double percent = strtod(text, &end);
	if (*end == '%')
		end++;
	if (end == text || *end != '\0' || !(percent > 0) || percent > 100)
		return vrv_fail(err, VARVE_USAGE,
		    "--%s needs a number above 0 and up to 100, not '%s'",
		    option, text);
	double ppm = percent * PPM_PER_PERCENT;
	*ret_ppm = ppm < 1 ? 1 : (uint32_t)lround(ppm);
	return 0;
}

void
vrv_options_help(struct vrv_buf *buf, const struct vrv_option *table)
{
	for (; table->name != NULL; table++) {
		if (table->help == NULL)
			continue;
		size_t start = buf->len;
		if (table->letter != 0)
			vrv_text_add(buf, "  -%c, ", table->letter);
		else
			blanks(buf, 6);
		vrv_text_add(buf, "--%s%s%s", table->name,
		    table->arg != NULL ? " " : "",
		    table->arg != NULL ? table->arg : "");
		size_t used = buf->failed ? 0 : buf->len - start;
		if (used + 2 > HELP_AT) {
			vrv_buf_u8(buf, '\n');
			used = 0;
		}
		blanks(buf, HELP_AT - used);
		wrap_line(buf, table->help, strlen(table->help), HELP_AT,
		    HELP_AT);
	}
}

static void
add_ignored(struct vrv_buf *text, const struct vrv_option *table)
{
	for (; table->name != NULL; table++) {
		if (table->set == vrv_set_nothing)
			vrv_text_add(text, "%s--%s", text->len > 0 ? ", " : "",
			    table->name);
	}
}

void
vrv_options_help_ignored(struct vrv_buf *buf, const struct vrv_option *own,
    const struct vrv_option *common)
{
	vrv_auto_buf struct vrv_buf names = {0}, text = {0};

	add_ignored(&names, own);
	add_ignored(&names, common);
	vrv_text_add(&text,
	    "Accepted for compatibility with Borg, without effect: %s.",
	    vrv_text_str(&names));
	vrv_wrap(buf, vrv_text_str(&text), 0);
}
