/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/glob.h"

#include <stdint.h>
#include <string.h>

#include "cli/text.h"
#include "util/mem.h"

/*
 * A pattern is a row of states of a nondeterministic automaton; a set of them
 * is a bit field. State i leads to i + 1 by what its token takes; a star also
 * leads to itself, and to i + 1 by nothing. DIRS takes two states: its own, at
 * the start of a directory name, and INSIDE within one.
 */
enum token_kind {
	CHAR,
	ANY,	     /* any character */
	ANY_IN_NAME, /* any character but a slash */
	SET,
	STAR,	      /* any text */
	STAR_IN_NAME, /* any text without slash */
	DIRS,	      /* any number of names with a slash behind each */
	INSIDE
};

struct token {
	enum token_kind kind;
	uint32_t c;	 /* of CHAR */
	const char *set; /* of SET: points into the pattern, */
	size_t set_len;	 /* between the brackets and behind a ! */
	bool negated;
};

struct vrv_glob {
	char *pattern;
	struct token *tokens;
	size_t n;
};

#define WORDS (VRV_GLOB_MAX / 64 + 1)

/* Stands for a whole name, whatever it is: taken by what takes any number of
 * any characters. Behind the last code point. */
#define A_NAME 0x110000u

/* An invalid byte becomes a code point that no valid text holds. */
static size_t
next_char(const char *p, size_t n, uint32_t *ret)
{
	size_t len = vrv_utf8_decode(p, n, ret);

	if (len > 0)
		return len;
	*ret = 0xdc00u + (uint8_t)*p;
	return 1;
}

static bool
in_set(const struct token *t, uint32_t c)
{
	const char *p = t->set;
	size_t n = t->set_len;
	bool found = false;

	while (n > 0 && !found) {
		uint32_t low, high;
		size_t len = next_char(p, n, &low);
		high = low;
		if (n > len + 1 && p[len] == '-') {
			len++;
			len += next_char(p + len, n - len, &high);
		}
		found = c >= low && c <= high;
		p += len;
		n -= len;
	}
	return found != t->negated;
}

/* The token for the bracket expression that starts behind `p`'s bracket;
 * returns the bytes it takes, or 0 if the bracket is not closed. */
static size_t
parse_set(const char *p, size_t n, struct token *t)
{
	size_t at = 0;

	if (at < n && p[at] == '!')
		at++;
	size_t start = at;
	if (at < n && p[at] == ']')
		at++;
	while (at < n && p[at] != ']')
		at++;
	if (at >= n)
		return 0;
	t->kind = SET;
	t->negated = start > 0;
	t->set = p + start;
	t->set_len = at - start;
	return at + 1;
}

static size_t
parse_star(const char *p, size_t n, enum vrv_glob_style style,
    struct vrv_glob *g)
{
	if (style == VRV_GLOB_FNMATCH) {
		g->tokens[g->n++].kind = STAR;
		return 1;
	}
	if (n >= 3 && p[1] == '*' && p[2] == '/') {
		g->tokens[g->n++].kind = DIRS;
		g->tokens[g->n++].kind = INSIDE;
		return 3;
	}
	g->tokens[g->n++].kind = STAR_IN_NAME;
	return 1;
}

static void
parse(struct vrv_glob *g, enum vrv_glob_style style)
{
	const char *p = g->pattern;
	size_t n = strlen(p);

	while (n > 0) {
		size_t len = 1;
		struct token *t = &g->tokens[g->n];
		if (*p == '*') {
			len = parse_star(p, n, style, g);
		} else if (*p == '?') {
			t->kind = style == VRV_GLOB_SHELL ? ANY_IN_NAME : ANY;
			g->n++;
		} else {
			size_t set = *p == '[' ? parse_set(p + 1, n - 1, t) : 0;
			if (set > 0) {
				len += set;
			} else {
				t->kind = CHAR;
				len = next_char(p, n, &t->c);
			}
			g->n++;
		}
		p += len;
		n -= len;
	}
}

int
vrv_glob_new(const char *pattern, enum vrv_glob_style style,
    struct vrv_glob **ret, struct varve_err *err)
{
	size_t n = strlen(pattern);

	if (n > VRV_GLOB_MAX)
		return vrv_fail(err, VARVE_LIMIT,
		    "a pattern of more than %d bytes", VRV_GLOB_MAX);
	vrv_auto_glob g = vrv_alloc_array(1, sizeof(*g));
	if (g == NULL)
		return VRV_NOMEM(err, "a pattern");
	g->pattern = vrv_dup(pattern, n);
	g->tokens = vrv_alloc_array(n + 1, sizeof(*g->tokens));
	if (g->pattern == NULL || g->tokens == NULL)
		return VRV_NOMEM(err, "a pattern");
	parse(g, style);
	*ret = vrv_steal(&g);
	return 0;
}

void
vrv_glob_free(struct vrv_glob *g)
{
	if (g == NULL)
		return;
	free(g->pattern);
	free(g->tokens);
	free(g);
}

void
vrv_glob_cleanup(struct vrv_glob **g)
{
	vrv_glob_free(*g);
}

/* Put state `i`, and what it leads to by nothing, into the set. */
static void
enter(const struct vrv_glob *g, uint64_t *set, size_t i)
{
	for (;;) {
		set[i / 64] |= 1ull << (i % 64);
		if (i >= g->n)
			return;
		enum token_kind kind = g->tokens[i].kind;
		if (kind == STAR || kind == STAR_IN_NAME)
			i++;
		else if (kind == DIRS)
			i += 2;
		else
			return;
	}
}

/* State `i` takes the character `c`. */
static void
take(const struct vrv_glob *g, uint64_t *set, size_t i, uint32_t c)
{
	const struct token *t = &g->tokens[i];

	switch (t->kind) {
	case CHAR:
		if (c == t->c)
			enter(g, set, i + 1);
		break;
	case ANY:
		if (c != A_NAME)
			enter(g, set, i + 1);
		break;
	case ANY_IN_NAME:
		if (c != '/' && c != A_NAME)
			enter(g, set, i + 1);
		break;
	case SET:
		if (c != A_NAME && in_set(t, c))
			enter(g, set, i + 1);
		break;
	case STAR:
		enter(g, set, i);
		break;
	case STAR_IN_NAME:
		if (c != '/')
			enter(g, set, i);
		break;
	case DIRS:
		enter(g, set, c == '/' ? i : i + 1);
		break;
	case INSIDE:
		enter(g, set, c == '/' ? i - 1 : i);
		break;
	}
}

/* From the states in `from` by `c` to those in `to`; false: nowhere. */
static bool
step(const struct vrv_glob *g, const uint64_t *from, uint64_t *to, uint32_t c)
{
	size_t words = g->n / 64 + 1;
	bool any = false;

	memset(to, 0, words * sizeof(*to));
	for (size_t w = 0; w < words; w++) {
		for (uint64_t bits = from[w]; bits != 0; bits &= bits - 1) {
			size_t i = w * 64 + (size_t)__builtin_ctzll(bits);
			if (i < g->n)
				take(g, to, i, c);
		}
	}
	for (size_t w = 0; w < words && !any; w++)
		any = to[w] != 0;
	return any;
}

/* What a pattern matches of a text so far. */
struct run {
	const struct vrv_glob *g;
	uint64_t sets[2][WORDS];
	unsigned now;
};

static void
run_init(struct run *r, const struct vrv_glob *g)
{
	r->g = g;
	r->now = 0;
	memset(r->sets[0], 0, (g->n / 64 + 1) * sizeof(r->sets[0][0]));
	enter(g, r->sets[0], 0);
}

/* False: no text that goes on so is matched. */
static bool
run_char(struct run *r, uint32_t c)
{
	if (!step(r->g, r->sets[r->now], r->sets[!r->now], c))
		return false;
	r->now = !r->now;
	return true;
}

static bool
run_text(struct run *r, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		uint32_t c;
		size_t len = next_char(text, left, &c);

		if (!run_char(r, c))
			return false;
		text += len;
		left -= len;
	}
	return true;
}

static bool
run_matches(const struct run *r)
{
	size_t n = r->g->n;

	return r->sets[r->now][n / 64] >> (n % 64) & 1;
}

bool
vrv_glob_match_names(const struct vrv_glob *g, const char *dir)
{
	struct run r;

	run_init(&r, g);
	return run_text(&r, dir) && run_char(&r, '/') && run_char(&r, A_NAME) &&
	    run_char(&r, '/') && run_matches(&r);
}

bool
vrv_glob_reaches(const struct vrv_glob *g, const char *dir)
{
	struct run r;

	run_init(&r, g);
	return run_text(&r, dir) && run_char(&r, '/');
}

bool
vrv_glob_match(const struct vrv_glob *g, const char *text, bool slash)
{
	struct run r;

	run_init(&r, g);
	return run_text(&r, text) && (!slash || run_char(&r, '/')) &&
	    run_matches(&r);
}
