/* SPDX-License-Identifier: BSD-2-Clause */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "cli/pattern.h"

#include <ctype.h>
#include <pcre2.h>
#include <string.h>

#include "cli/text.h"
#include "util/mem.h"

struct vrv_regex {
	pcre2_code *code;
	pcre2_match_data *data;
};

bool
vrv_style_named(const char *name, size_t n, enum vrv_style *ret)
{
	static const char names[][3] = {
	    [VRV_STYLE_FM] = "fm",
	    [VRV_STYLE_SH] = "sh",
	    [VRV_STYLE_PP] = "pp",
	    [VRV_STYLE_PF] = "pf",
	    [VRV_STYLE_RE] = "re",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (n == 2 && memcmp(name, names[i], 2) == 0) {
			*ret = (enum vrv_style)i;
			return true;
		}
	}
	return false;
}

/* Drop the last name of the `n` bytes at `out`, if there is one other than
 * "..". */
static bool
drop_last(const char *out, size_t *n)
{
	size_t start = *n;

	while (start > 0 && out[start - 1] != '/')
		start--;
	if (*n == 0 || (*n - start == 2 && memcmp(out + start, "..", 2) == 0))
		return false;
	*n = start > 0 ? start - 1 : 0;
	return true;
}

char *
vrv_path_normal(const char *path)
{
	bool absolute = path[0] == '/';
	char *out = vrv_dup(path, strlen(path) + 1);
	size_t n = 0;

	if (out == NULL)
		return NULL;
	while (*path != '\0') {
		size_t len = strcspn(path, "/");
		bool up = len == 2 && memcmp(path, "..", 2) == 0;
		if (up && (drop_last(out, &n) || absolute)) {
			/* The name before it, or nothing above the root. */
		} else if (len > 0 && !(len == 1 && path[0] == '.')) {
			if (n > 0)
				out[n++] = '/';
			memcpy(out + n, path, len);
			n += len;
		}
		path += len;
		path += strspn(path, "/");
	}
	if (n == 0)
		out[n++] = '.';
	out[n] = '\0';
	return out;
}

static int
init_glob(struct vrv_pattern *p, const char *text, struct varve_err *err)
{
	size_t n = strlen(text);
	bool below = n > 0 && text[n - 1] == '/';
	bool shell = p->style == VRV_STYLE_SH;
	const char *tail =
	    shell ? (below ? "/**/*/" : "/**/*") : (below ? "/*/" : "/*");
	vrv_auto_free char *path = vrv_path_normal(text);
	if (path == NULL)
		return VRV_NOMEM(err, "a pattern");

	/* "/" alone stands for what lies below the root. */
	bool root = strcmp(path, ".") == 0 && text[0] == '/';
	vrv_auto_free char *whole =
	    vrv_strf("%s%s", root ? "" : path, root ? tail + 1 : tail);
	if (whole == NULL)
		return VRV_NOMEM(err, "a pattern");
	return vrv_glob_new(whole, shell ? VRV_GLOB_SHELL : VRV_GLOB_FNMATCH,
	    &p->glob, err);
}

static bool
is_utf8(const char *s)
{
	size_t n = strlen(s);

	while (n > 0) {
		uint32_t c;
		size_t len = vrv_utf8_decode(s, n, &c);
		if (len == 0)
			return false;
		s += len;
		n -= len;
	}
	return true;
}

static int
init_regex(struct vrv_pattern *p, const char *text, struct varve_err *err)
{
	/* Names need not be UTF-8: what is not only ends a match. */
	uint32_t flags =
	    is_utf8(text) ? PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF : 0;
	int code;
	PCRE2_SIZE at;

	p->regex = vrv_alloc_array(1, sizeof(*p->regex));
	if (p->regex == NULL)
		return VRV_NOMEM(err, "a pattern");
	p->regex->code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
	    flags, &code, &at, NULL);
	if (p->regex->code == NULL) {
		char why[128];
		pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof(why));
		return vrv_fail(err, VARVE_USAGE,
		    "bad regular expression '%s': %s at character %zu", text,
		    why, (size_t)at + 1);
	}
	/* Faster where it works, and the same without. */
	(void)pcre2_jit_compile(p->regex->code, PCRE2_JIT_COMPLETE);
	p->regex->data = pcre2_match_data_create(1, NULL);
	if (p->regex->data == NULL)
		return VRV_NOMEM(err, "a pattern");
	return 0;
}

static int
init_style(struct vrv_pattern *p, const char *text, struct varve_err *err)
{
	p->text = vrv_dup(text, strlen(text));
	if (p->text == NULL)
		return VRV_NOMEM(err, "a pattern");
	switch (p->style) {
	case VRV_STYLE_FM:
	case VRV_STYLE_SH:
		return init_glob(p, text, err);
	case VRV_STYLE_RE:
		return init_regex(p, text, err);
	case VRV_STYLE_PP:
	case VRV_STYLE_PF:
		break;
	}
	p->path = vrv_path_normal(text);
	return p->path == NULL ? VRV_NOMEM(err, "a pattern") : 0;
}

int
vrv_pattern_init(struct vrv_pattern *p, const char *text,
    enum vrv_style otherwise, struct varve_err *err)
{
	struct vrv_pattern fresh = {.style = otherwise};

	if (isalnum((uint8_t)text[0]) && isalnum((uint8_t)text[1]) &&
	    text[2] == ':') {
		if (!vrv_style_named(text, 2, &fresh.style))
			return vrv_fail(err, VARVE_USAGE,
			    "unknown pattern style '%.2s:' in '%s': there are "
			    "fm: sh: pp: pf: re:",
			    text, text);
		text += 3;
	}
	int rc = init_style(&fresh, text, err);
	if (rc != 0) {
		vrv_pattern_fini(&fresh);
		return rc;
	}
	*p = fresh;
	return 0;
}

void
vrv_pattern_fini(struct vrv_pattern *p)
{
	free(p->text);
	free(p->path);
	vrv_glob_free(p->glob);
	if (p->regex != NULL) {
		pcre2_match_data_free(p->regex->data);
		pcre2_code_free(p->regex->code);
		free(p->regex);
	}
	*p = (struct vrv_pattern){0};
}

/* Is `path` the folder `dir` or below it? */
static bool
is_within(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (strcmp(dir, ".") == 0)
		return true;
	return strncmp(path, dir, n) == 0 &&
	    (path[n] == '\0' || path[n] == '/');
}

static bool
match_regex(const struct vrv_regex *regex, const char *path, bool *ret_gave_up)
{
	int rc = pcre2_match(regex->code, (PCRE2_SPTR)path, strlen(path), 0, 0,
	    regex->data, NULL);

	if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)
		*ret_gave_up = true;
	return rc >= 0;
}

bool
vrv_pattern_match(const struct vrv_pattern *p, const char *path,
    bool *ret_gave_up)
{
	switch (p->style) {
	case VRV_STYLE_FM:
	case VRV_STYLE_SH:
		return vrv_glob_match(p->glob, path, true);
	case VRV_STYLE_PP:
		return is_within(path, p->path);
	case VRV_STYLE_PF:
		return strcmp(path, p->path) == 0;
	case VRV_STYLE_RE:
		return match_regex(p->regex, path, ret_gave_up);
	}
	return false;
}

bool
vrv_pattern_covers(const struct vrv_pattern *p)
{
	return p->style == VRV_STYLE_FM || p->style == VRV_STYLE_SH ||
	    p->style == VRV_STYLE_PP;
}

bool
vrv_pattern_covers_content(const struct vrv_pattern *p, const char *path)
{
	switch (p->style) {
	case VRV_STYLE_FM:
	case VRV_STYLE_SH:
		return vrv_glob_match_names(p->glob, path);
	case VRV_STYLE_PP:
		return is_within(path, p->path);
	case VRV_STYLE_PF:
	case VRV_STYLE_RE:
		break;
	}
	return false;
}

bool
vrv_pattern_reaches(const struct vrv_pattern *p, const char *path)
{
	if (p->style == VRV_STYLE_RE || strcmp(path, ".") == 0)
		return true;
	if (p->glob != NULL)
		return vrv_glob_reaches(p->glob, path);
	if (p->style == VRV_STYLE_PF)
		return is_within(p->path, path) && strcmp(p->path, path) != 0;
	return is_within(p->path, path) || is_within(path, p->path);
}
