/* SPDX-License-Identifier: BSD-2-Clause */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/item.h"
#include "cli/pattern.h"
#include "cli/text.h"
#include "cli/timeparse.h"
#include "cli/timetext.h"
#include "cli/versions.h"
#include "util/mem.h"

struct find_options {
	const char *name, *regex, *path, *size, *newer, *older, *type;
	const char *archive, *series;
	bool json_lines, no_update;
};

#define AT(field) offsetof(struct find_options, field)
static const struct vrv_option options[] = {
    {0, "name", "GLOB", vrv_set_string, AT(name),
	"the last part of the path matches"},
    {0, "regex", "RE", vrv_set_string, AT(regex), "the path matches somewhere"},
    {0, "path", "PATTERN", vrv_set_string, AT(path),
	"the path matches; see 'varve help patterns' (default style: sh:)"},
    {0, "size", "[+-]N[kMGT]", vrv_set_string, AT(size),
	"files of N bytes; with + of more, with - of less"},
    {0, "newer", "TIME", vrv_set_string, AT(newer),
	"modified after TIME, or less than a span like 7d ago"},
    {0, "older", "TIME", vrv_set_string, AT(older),
	"modified before TIME, or more than a span like 7d ago"},
    {0, "type", "LETTERS", vrv_set_string, AT(type),
	"f file, d folder, l link, p FIFO, s socket, c b device"},
    {'a', "archive", "GLOB", vrv_set_string, AT(archive),
	"only archives whose name matches"},
    {0, "series", "GLOB", vrv_set_string, AT(series),
	"only these series, as LABEL or HOST:LABEL; they are catalogued if "
	"they are not (default: all that are, and those of this host)"},
    {0, "json-lines", NULL, vrv_set_true, AT(json_lines),
	"show versions as JSON, an object a line"},
    {0, "no-update", NULL, vrv_set_true, AT(no_update),
	"take the catalog as it is"},
    {0},
};

struct find {
	struct vrv_cli_catalog versions;
	const struct find_options *o;
	struct vrv_glob *name, *archive;
	struct vrv_pattern patterns[2]; /* --regex and --path */
	size_t n_patterns;
	uint64_t size;
	struct varve_time newer, older;
	bool gave_up, found;
	struct vrv_buf line;
};

/* --- what matches --- */

static bool
match_name(void *arg, const char *name)
{
	const struct find *f = arg;

	return vrv_glob_match(f->name, name, false);
}

static bool
match_type(const char *letters, enum varve_kind kind)
{
	static const char kinds[] = {[VARVE_FILE] = 'f',
	    [VARVE_DIR] = 'd',
	    [VARVE_SYMLINK] = 'l',
	    [VARVE_FIFO] = 'p',
	    [VARVE_SOCKET] = 's',
	    [VARVE_CHAR] = 'c',
	    [VARVE_BLOCK] = 'b'};

	return strchr(letters, kinds[kind]) != NULL;
}

static bool
match_size(const struct find *f, const struct varve_item *item)
{
	if (item->kind != VARVE_FILE)
		return false;
	switch (f->o->size[0]) {
	case '+':
		return item->size > f->size;
	case '-':
		return item->size < f->size;
	default:
		return item->size == f->size;
	}
}

static bool
match_item(void *arg, const struct varve_item *item)
{
	const struct find *f = arg;
	const struct find_options *o = f->o;

	if (o->type != NULL && !match_type(o->type, item->kind))
		return false;
	if (o->size != NULL && !match_size(f, item))
		return false;
	if (o->newer != NULL && vrv_time_between(f->newer, item->mtime) <= 0)
		return false;
	return o->older == NULL || vrv_time_between(item->mtime, f->older) > 0;
}

static bool
match_path(void *arg, const char *path, bool is_dir)
{
	struct find *f = arg;

	(void)is_dir;
	for (size_t i = 0; i < f->n_patterns; i++) {
		if (!vrv_pattern_match(&f->patterns[i], path, &f->gave_up))
			return false;
	}
	return true;
}

static bool
match_archive(void *arg, const struct varve_archive *a)
{
	struct find *f = arg;

	return (f->archive == NULL ||
		   vrv_glob_match(f->archive, a->name, false)) &&
	    vrv_cli_catalog_of_series(&f->versions, a);
}

/* --- options --- */

static int
parse_size(const char *text, uint64_t *ret, struct varve_err *err)
{
	static const char units[] = "kMGT";
	const char *p = text + (text[0] == '+' || text[0] == '-');
	uint64_t n = 0;
	unsigned shift = 0;
	bool ok = isdigit((unsigned char)*p);

	for (; isdigit((unsigned char)*p); p++)
		ok = ok && !__builtin_mul_overflow(n, 10, &n) &&
		    !__builtin_add_overflow(n, (uint64_t)(*p - '0'), &n);
	const char *unit = *p != '\0' ? strchr(units, *p) : NULL;
	if (unit != NULL) {
		shift = 10 * (unsigned)(unit - units + 1);
		p++;
	}
	if (!ok || *p != '\0' || n > UINT64_MAX >> shift)
		return vrv_fail(err, VARVE_USAGE,
		    "option --size: '%s' is not a size like 100, +20M or -1k",
		    text);
	*ret = n << shift;
	return 0;
}

static int
check_type(const char *text, struct varve_err *err)
{
	if (text[0] != '\0' && strspn(text, "fdlpscb,") == strlen(text))
		return 0;
	return vrv_fail(err, VARVE_USAGE,
	    "option --type: '%s' is not made of the letters f, d, l, p, s, c "
	    "and b",
	    text);
}

static int
add_pattern(struct find *f, const char *text, enum vrv_style style,
    struct varve_err *err)
{
	int rc =
	    vrv_pattern_init(&f->patterns[f->n_patterns], text, style, err);

	if (rc == 0)
		f->n_patterns++;
	return rc;
}

static int
add_regex(struct find *f, const char *text, struct varve_err *err)
{
	vrv_auto_free char *pattern = vrv_strf("re:%s", text);

	if (pattern == NULL)
		return VRV_NOMEM(err, "a pattern");
	return add_pattern(f, pattern, VRV_STYLE_RE, err);
}

/* What stands behind the repository: a name, or with a slash or a style a
 * pattern for the whole path. */
static int
set_pattern(struct find_options *o, const char *text, struct varve_err *err)
{
	enum vrv_style style;
	bool is_path = strchr(text, '/') != NULL ||
	    (strchr(text, ':') == text + 2 && vrv_style_named(text, 2, &style));
	const char **option = is_path ? &o->path : &o->name;

	if (*option != NULL)
		return vrv_fail(err, VARVE_USAGE,
		    "'%s' and option --%s exclude each other", text,
		    is_path ? "path" : "name");
	*option = text;
	return 0;
}

static int
parse(struct find *f, struct vrv_cli *cli, struct varve_err *err)
{
	const struct find_options *o = f->o;
	const char *archive;
	int rc = vrv_cli_expand(cli, o->archive, &archive, err);

	if (rc == 0 && o->size != NULL)
		rc = parse_size(o->size, &f->size, err);
	if (rc == 0 && o->type != NULL)
		rc = check_type(o->type, err);
	if (rc == 0 && o->newer != NULL)
		rc = vrv_time_or_span(o->newer, cli->now, &f->newer, err);
	if (rc == 0 && o->older != NULL)
		rc = vrv_time_or_span(o->older, cli->now, &f->older, err);
	if (rc == 0 && o->name != NULL)
		rc = vrv_glob_new(o->name, VRV_GLOB_FNMATCH, &f->name, err);
	if (rc == 0 && archive != NULL)
		rc = vrv_glob_new(archive, VRV_GLOB_SHELL, &f->archive, err);
	if (rc == 0 && o->regex != NULL)
		rc = add_regex(f, o->regex, err);
	if (rc == 0 && o->path != NULL)
		rc = add_pattern(f, o->path, VRV_STYLE_SH, err);
	return rc;
}

/* --- output --- */

static void
add_text(struct find *f, const struct varve_version *v)
{
	const struct varve_item *item = v->item;
	vrv_auto_buf struct vrv_buf size = {0};
	char mode[11];

	vrv_item_mode(mode, item);
	vrv_text_size(&size, (int64_t)item->size, f->versions.cli->common.iec,
	    2, false);
	vrv_text_add(&f->line, "%s %9s ", mode, vrv_text_part(&f->line, &size));
	vrv_time_format(&f->line, item->mtime, "%Y-%m-%d %H:%M:%S", false);
	vrv_buf_u8(&f->line, ' ');
	vrv_text_escape(&f->line, v->path);
	vrv_buf_u8(&f->line, ' ');
	vrv_version_span(&f->line, v);
	vrv_buf_u8(&f->line, '\n');
}

static int
print(void *arg, const struct varve_version *v, struct varve_err *err)
{
	struct find *f = arg;

	f->found = true;
	vrv_buf_clear(&f->line);
	if (f->o->json_lines) {
		struct vrv_json *j = vrv_json_object();
		vrv_version_json(j, v);
		bool ok = vrv_json_line(j, &f->line);
		vrv_json_free(j);
		if (!ok)
			return VRV_NOMEM(err, "JSON");
	} else {
		add_text(f, v);
	}
	return vrv_cli_out(f->versions.cli, &f->line, err);
}

static int
find(struct find *f, struct varve_err *err)
{
	const struct find_options *o = f->o;
	struct varve_find_options how = VARVE_FIND_OPTIONS_INIT;

	how.arg = f;
	if (f->name != NULL)
		how.name = match_name;
	if (o->size != NULL || o->type != NULL || o->newer != NULL ||
	    o->older != NULL)
		how.item = match_item;
	if (f->n_patterns > 0)
		how.path = match_path;
	if (o->archive != NULL || o->series != NULL)
		how.archive = match_archive;
	how.archive_arg = f;
	how.want_owners = o->json_lines;
	return varve_catalog_find(f->versions.catalog, &how, print, f, err);
}

static bool
has_conditions(const struct find_options *o)
{
	return o->name != NULL || o->regex != NULL || o->path != NULL ||
	    o->size != NULL || o->newer != NULL || o->older != NULL ||
	    o->type != NULL || o->archive != NULL || o->series != NULL;
}

static int
run(struct vrv_cli *cli, void *arg, const struct vrv_strings *words,
    struct varve_err *err)
{
	struct find f = {.o = arg};
	vrv_auto_location struct vrv_location where = {0};
	struct vrv_strings rest = {0};

	int rc = vrv_cli_location(cli, words, VRV_WANTS_REPO_ARGS, &where,
	    &rest, err);
	if (rc == 0)
		rc = vrv_cli_no_more(&rest, 1, err);
	if (rc == 0 && rest.n > 0)
		rc = set_pattern(arg, rest.items[0], err);
	if (rc == 0)
		rc = parse(&f, cli, err);
	if (rc == 0)
		rc = vrv_cli_catalog_open(&f.versions, cli, where.repo,
		    f.o->series, f.o->no_update, err);
	if (rc == 0)
		rc = find(&f, err);
	if (rc == 0 && !f.found && has_conditions(f.o)) {
		vrv_log(&cli->log, VRV_LOG_WARNING,
		    "nothing in the archives matches");
		cli->warned = true;
	}
	if (rc == 0 && f.gave_up) {
		vrv_log(&cli->log, VRV_LOG_WARNING,
		    "a regular expression took too long for some paths");
		cli->warned = true;
	}
	vrv_cli_catalog_close(&f.versions);
	vrv_glob_free(f.name);
	vrv_glob_free(f.archive);
	for (size_t i = 0; i < f.n_patterns; i++)
		vrv_pattern_fini(&f.patterns[i]);
	vrv_buf_fini(&f.line);
	return rc;
}

const struct vrv_command vrv_cmd_find = {
    .name = "find",
    .usage = "[REPO] [PATTERN]",
    .summary = "find paths in all archives at once",
    .help = "PATTERN stands for --name PATTERN, with a slash or a style in "
	    "it for --path PATTERN. Shows a line for each version of each "
	    "path that meets all conditions, with the first and the last "
	    "archive that hold it and "
	    "how many do. Reads the catalog, which is brought up to date "
	    "first, and no archive.",
    .options = options,
    .size = sizeof(struct find_options),
    .run = run,
};
