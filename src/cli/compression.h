/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_COMPRESSION_H
#define CLI_COMPRESSION_H

/* The argument of --compression: none, zstd[,LEVEL], auto[,zstd[,LEVEL]] with
 * a level from -5 to 19. */

#include <varve/backup.h>

#include "util/err.h"

struct vrv_compression {
	enum varve_compression kind;
	int level; /* 0: the default */
};

/* USAGE for anything else. */
int vrv_compression_parse(const char *text, struct vrv_compression *ret,
    struct varve_err *err) VRV_MUST;

#endif
