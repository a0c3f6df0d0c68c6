/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/chunksizes.h"

#include <stdbool.h>
#include <string.h>

/* One size at *p, which ends at `end`; *p then stands behind both. */
static bool
take_size(const char **p, char end, uint32_t *ret)
{
	const char *at = *p;
	uint64_t n = 0;

	for (; *at >= '0' && *at <= '9'; at++) {
		n = n * 10 + (uint64_t)(*at - '0');
		if (n > UINT32_MAX)
			return false;
	}
	if (*at == 'K' || *at == 'M')
		n <<= *at++ == 'K' ? 10 : 20;
	if (n == 0 || n > UINT32_MAX || *at != end)
		return false;
	*p = at + 1;
	*ret = (uint32_t)n;
	return true;
}

int
vrv_chunker_parse(const char *name, enum varve_chunker *ret,
    struct varve_err *err)
{
	if (strcmp(name, "gear") == 0)
		*ret = VARVE_CHUNKER_GEAR;
	else if (strcmp(name, "prf") == 0)
		*ret = VARVE_CHUNKER_PRF;
	else
		return vrv_fail(err, VARVE_USAGE,
		    "unknown chunker '%s': there are gear and prf", name);
	return 0;
}

int
vrv_chunk_sizes_parse(const char *text, struct vrv_chunk_sizes *ret,
    struct varve_err *err)
{
	struct vrv_chunk_sizes s;
	const char *p = "";

	if (strncmp(text, "gear,", 5) == 0) {
		s.chunker = VARVE_CHUNKER_GEAR;
		p = text + 5;
	} else if (strncmp(text, "prf,", 4) == 0) {
		s.chunker = VARVE_CHUNKER_PRF;
		p = text + 4;
	}
	if (!take_size(&p, ',', &s.min) || !take_size(&p, ',', &s.average) ||
	    !take_size(&p, '\0', &s.max))
		return vrv_fail(err, VARVE_USAGE,
		    "'%s' is not gear,MIN,AVERAGE,MAX or prf,MIN,AVERAGE,MAX "
		    "with sizes like 262144, 256K or 2M",
		    text);
	*ret = s;
	return 0;
}
