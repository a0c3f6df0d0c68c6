/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_COMPRESSION_H
#define CLI_COMPRESSION_H

/* The argument of --compression: none, zstd[,LEVEL], auto[,zstd[,LEVEL]] with
 * a level from -5 to 19; and what Borg has besides, replaced by zstd. */

#include <stdbool.h>

#include <varve/backup.h>

#include "util/err.h"

struct vrv_compression {
	enum varve_compression kind;
	int level;	 /* 0: the default */
	bool replaced;	 /* not what was asked for, but the nearest */
	bool obfuscated; /* obfuscate was asked for, which there is not */
};

/* USAGE for anything else. */
int vrv_compression_parse(const char *text, struct vrv_compression *ret,
    struct varve_err *err) VRV_MUST;

#endif
