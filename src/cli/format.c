/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/format.h"

#include <stdint.h>
#include <string.h>

#include "cli/text.h"
#include "cli/timetext.h"
#include "util/mem.h"

#define WIDTH_MAX 4096

struct part {
	char *text; /* literal, or NULL: a key */
	size_t len;
	size_t key;
	char *spec; /* as given, for times */
	char *fill; /* one character, or NULL: a blank */
	char align; /* < > ^ or 0 */
	size_t width, precision;
};

struct vrv_format {
	struct part *parts;
	size_t n, cap;
};

/* A fresh part at the end, or NULL when memory ran out. */
static struct part *
add_part(struct vrv_format *f)
{
	if (vrv_room_for_one(&f->parts, f->n, &f->cap, sizeof(*f->parts)) != 0)
		return NULL;
	struct part *p = &f->parts[f->n++];
	*p = (struct part){.precision = SIZE_MAX};
	return p;
}

static int
add_text(struct vrv_format *f, const char *text, size_t n,
    struct varve_err *err)
{
	if (n == 0)
		return 0;
	struct part *p = add_part(f);
	if (p == NULL || (p->text = vrv_dup(text, n)) == NULL)
		return VRV_NOMEM(err, "a format");
	p->len = n;
	return 0;
}

/* Digits up to WIDTH_MAX; false if the number is larger. */
static bool
parse_number(const char **p, size_t *ret)
{
	size_t n = 0;

	for (; **p >= '0' && **p <= '9'; (*p)++) {
		n = n * 10 + (size_t)(**p - '0');
		if (n > WIDTH_MAX)
			return false;
	}
	*ret = n;
	return true;
}

/* The parts of a spec; what is no such spec may be one of strftime. */
static bool
parse_spec(struct part *part)
{
	const char *p = part->spec;
	uint32_t c;
	size_t len = *p != '\0' ? vrv_utf8_decode(p, strlen(p), &c) : 0;

	if (len > 0 && p[len] != '\0' && strchr("<>^=", p[len]) != NULL) {
		part->fill = vrv_dup(p, len);
		part->align = p[len];
		p += len + 1;
	} else if (*p != '\0' && strchr("<>^=", *p) != NULL) {
		part->align = *p++;
	}
	if (part->align == '=')
		part->align = '>';
	if (!parse_number(&p, &part->width))
		return false;
	if (*p == '.' && p[1] >= '0' && p[1] <= '9') {
		p++;
		if (!parse_number(&p, &part->precision))
			return false;
	}
	return *p == '\0' || strcmp(p, "s") == 0 || strcmp(p, "d") == 0;
}

static const char *
fixed_key(const char *name)
{
	static const struct {
		const char *name, *text;
	} keys[] = {{"NL", "\n"}, {"NEWLINE", "\n"}, {"LF", "\n"}, {"CR", "\r"},
	    {"TAB", "\t"}, {"SPACE", " "}, {"NUL", ""}};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strcmp(name, keys[i].name) == 0)
			return keys[i].text;
	}
	return NULL;
}

/* What stands between braces. */
static int
add_key(struct vrv_format *f, const char *text, size_t n,
    const char *const *keys, struct varve_err *err)
{
	vrv_auto_free char *name = vrv_dup(text, n);
	size_t key = 0;

	if (name == NULL)
		return VRV_NOMEM(err, "a format");
	size_t word = strcspn(name, ":");
	const char *spec = name[word] == ':' ? name + word + 1 : "";
	name[word] = '\0';
	const char *fixed = fixed_key(name);
	if (fixed != NULL)
		return add_text(f, fixed, vrv_max(strlen(fixed), 1), err);
	while (keys[key] != NULL && strcmp(keys[key], name) != 0)
		key++;
	if (keys[key] == NULL)
		return vrv_fail(err, VARVE_USAGE,
		    "unknown key '{%s}' in the format; see 'varve help format'",
		    name);
	struct part *part = add_part(f);
	if (part == NULL || (part->spec = vrv_dup(spec, strlen(spec))) == NULL)
		return VRV_NOMEM(err, "a format");
	part->key = key;
	if (!parse_spec(part) && strchr(spec, '%') == NULL)
		return vrv_fail(err, VARVE_USAGE, "cannot format '{%s:%s}'",
		    name, spec);
	return 0;
}

int
vrv_format_new(const char *text, const char *const *keys,
    struct vrv_format **ret, struct varve_err *err)
{
	vrv_auto_format f = vrv_alloc_array(1, sizeof(*f));
	int rc = 0;

	if (f == NULL)
		return VRV_NOMEM(err, "a format");
	while (rc == 0 && *text != '\0') {
		size_t n = strcspn(text, "{}");
		bool brace = text[n] != '\0' && text[n + 1] == text[n];
		rc = add_text(f, text, n + brace, err);
		text += n + 2 * brace;
		if (rc != 0 || brace || *text == '\0')
			continue;
		n = strcspn(text, "}");
		if (*text == '}' || text[n] == '\0')
			return vrv_fail(err, VARVE_USAGE,
			    "a single '%c' in the format: write '%c%c' for a "
			    "brace",
			    *text, *text, *text);
		rc = add_key(f, text + 1, n - 1, keys, err);
		text += n + 1;
	}
	if (rc != 0)
		return rc;
	*ret = vrv_steal(&f);
	return 0;
}

void
vrv_format_free(struct vrv_format *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < f->n; i++) {
		free(f->parts[i].text);
		free(f->parts[i].spec);
		free(f->parts[i].fill);
	}
	free(f->parts);
	free(f);
}

void
vrv_format_cleanup(struct vrv_format **f)
{
	vrv_format_free(*f);
}

bool
vrv_format_uses(const struct vrv_format *f, size_t key)
{
	for (size_t i = 0; i < f->n; i++) {
		if (f->parts[i].text == NULL && f->parts[i].key == key)
			return true;
	}
	return false;
}

static void
pad(struct vrv_buf *buf, const struct part *p, size_t n)
{
	for (; n > 0; n--)
		vrv_text_add(buf, "%s", p->fill != NULL ? p->fill : " ");
}

/* Characters, not columns: as Python aligns. */
static size_t
count_chars(const char *s, size_t n, size_t max, size_t *ret_bytes)
{
	size_t count = 0, at = 0;

	while (at < n && count < max) {
		uint32_t c;
		at += vrv_max(vrv_utf8_decode(s + at, n - at, &c), 1);
		count++;
	}
	*ret_bytes = at;
	return count;
}

static void
add_value(struct vrv_buf *buf, const struct part *p, struct vrv_value *v)
{
	if (v->is_time && strchr(p->spec, '%') != NULL) {
		vrv_time_format(buf, v->time, p->spec, false);
		return;
	}
	if (v->is_time)
		vrv_time_text(&v->text, v->time);
	if (v->text.failed) {
		buf->failed = true;
		return;
	}
	size_t bytes;
	size_t chars = count_chars((const char *)v->text.data, v->text.len,
	    p->precision, &bytes);
	size_t room = p->width > chars ? p->width - chars : 0;
	char align = p->align != 0 ? p->align : v->is_number ? '>' : '<';
	size_t before = align == '>' ? room : align == '^' ? room / 2 : 0;
	pad(buf, p, before);
	vrv_buf_bytes(buf, v->text.data, bytes);
	pad(buf, p, room - before);
}

void
vrv_format_line(const struct vrv_format *f, vrv_value_fn *value, void *arg,
    struct vrv_buf *buf)
{
	struct vrv_value v = {0};

	for (size_t i = 0; i < f->n; i++) {
		const struct part *p = &f->parts[i];
		if (p->text != NULL) {
			vrv_buf_bytes(buf, p->text, p->len);
			continue;
		}
		vrv_buf_clear(&v.text);
		v.is_number = v.is_time = false;
		value(arg, p->key, &v);
		add_value(buf, p, &v);
	}
	vrv_buf_fini(&v.text);
}
