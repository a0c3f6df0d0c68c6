/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/compression.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int
parse_level(const char *text, int *ret, struct varve_err *err)
{
	char *end;

	errno = 0;
	long level = strtol(text, &end, 10);
	if (text[strspn(text, "-0123456789")] != '\0' || end == text ||
	    *end != '\0' || errno != 0 || level < -5 || level > 19 ||
	    level == 0)
		return vrv_fail(err, VARVE_USAGE,
		    "'%s' is no level of zstd: -5 to -1 or 1 to 19", text);
	*ret = (int)level;
	return 0;
}

int
vrv_compression_parse(const char *text, struct vrv_compression *ret,
    struct varve_err *err)
{
	struct vrv_compression c = {VARVE_COMPRESS_ZSTD, 0};
	const char *p = text;
	int rc = 0;

	if (strcmp(text, "none") == 0) {
		*ret = (struct vrv_compression){VARVE_COMPRESS_NONE, 0};
		return 0;
	}
	if (strcmp(p, "auto") == 0 || strncmp(p, "auto,", 5) == 0) {
		c.kind = VARVE_COMPRESS_AUTO;
		p += p[4] == ',' ? 5 : 4;
	}
	/* "auto" alone means zstd as well; "auto," does not. */
	bool bare = c.kind == VARVE_COMPRESS_AUTO && strcmp(text, "auto") == 0;
	if (strncmp(p, "zstd,", 5) == 0)
		rc = parse_level(p + 5, &c.level, err);
	else if (!bare && strcmp(p, "zstd") != 0)
		rc = vrv_fail(err, VARVE_USAGE,
		    "unknown compression '%s': there are none, zstd[,LEVEL] "
		    "and auto,zstd[,LEVEL]",
		    text);
	if (rc == 0)
		*ret = c;
	return rc;
}
