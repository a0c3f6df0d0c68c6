/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/compression.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ZSTD_MIN (-5)
#define ZSTD_MAX 19
#define BORG_ZSTD_MAX 22 /* needs more memory than a reader gives it */

static int
unknown(const char *text, struct varve_err *err)
{
	return vrv_fail(err, VARVE_USAGE,
	    "unknown compression '%s': there are none, zstd[,LEVEL] and "
	    "auto,zstd[,LEVEL]",
	    text);
}

static int
parse_level(const char *text, int min, int max, int *ret, struct varve_err *err)
{
	char *end;

	errno = 0;
	long level = strtol(text, &end, 10);
	if (text[strspn(text, "-0123456789")] != '\0' || end == text ||
	    *end != '\0' || errno != 0 || level < min || level > max)
		return vrv_fail(err, VARVE_USAGE,
		    "'%s' is no level from %d to %d", text, min, max);
	*ret = (int)level;
	return 0;
}

static int
parse_zstd(const char *text, struct vrv_compression *c, struct varve_err *err)
{
	int level = 0;

	if (text == NULL)
		return 0;
	int rc = parse_level(text, ZSTD_MIN, BORG_ZSTD_MAX, &level, err);
	if (rc == 0 && level == 0)
		return vrv_fail(err, VARVE_USAGE,
		    "'%s' is no level of zstd: -5 to -1 or 1 to 19", text);
	c->replaced = level > ZSTD_MAX;
	c->level = c->replaced ? ZSTD_MAX : level;
	return rc;
}

/* Borg's other compressors, as a level of zstd of about the same effort. */
static int
parse_other(const char *name, size_t n, const char *level_text,
    struct vrv_compression *c, struct varve_err *err)
{
	int level = 6, rc = 0; /* Borg's default for both */
	bool is_lz4 = n == 3 && memcmp(name, "lz4", n) == 0;
	bool is_zlib = n == 4 && memcmp(name, "zlib", n) == 0;
	bool is_lzma = n == 4 && memcmp(name, "lzma", n) == 0;

	if ((!is_zlib && !is_lzma && !is_lz4) || (is_lz4 && level_text != NULL))
		return unknown(name, err);
	if (level_text != NULL)
		rc = parse_level(level_text, 0, 9, &level, err);
	c->replaced = true;
	if (is_lz4)
		c->level = 1;
	else if (is_lzma)
		c->level = 10 + level;
	else if (level > 0)
		c->level = (level + 1) / 2;
	else
		c->kind = VARVE_COMPRESS_NONE;
	return rc;
}

/* Step over obfuscate,SPEC, at *p, if it stands there. */
static int
skip_obfuscation(const char **p, struct vrv_compression *c,
    struct varve_err *err)
{
	const char *text = *p;

	if (strncmp(text, "obfuscate,", 10) != 0)
		return 0;
	size_t digits = strspn(text + 10, "0123456789");
	if (digits == 0 || text[10 + digits] != ',')
		return unknown(text, err);
	*p += 10 + digits + 1;
	c->obfuscated = true;
	return 0;
}

int
vrv_compression_parse(const char *text, struct vrv_compression *ret,
    struct varve_err *err)
{
	struct vrv_compression c = {.kind = VARVE_COMPRESS_ZSTD};
	const char *p = text;

	int rc = skip_obfuscation(&p, &c, err);
	if (rc != 0)
		return rc;
	if (strcmp(p, "none") == 0) {
		c.kind = VARVE_COMPRESS_NONE;
		*ret = c;
		return 0;
	}
	if (strcmp(p, "auto") == 0) {
		c.kind = VARVE_COMPRESS_AUTO;
		*ret = c;
		return 0;
	}
	if (strncmp(p, "auto,", 5) == 0) {
		c.kind = VARVE_COMPRESS_AUTO;
		p += 5;
	}
	size_t n = strcspn(p, ",");
	const char *level = p[n] == ',' ? p + n + 1 : NULL;
	rc = n == 4 && memcmp(p, "zstd", n) == 0 ?
	    parse_zstd(level, &c, err) :
	    parse_other(p, n, level, &c, err);
	if (rc == 0)
		*ret = c;
	return rc;
}
