/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_CHUNKSIZES_H
#define CLI_CHUNKSIZES_H

/* The argument of --chunker-params: gear,MIN,AVERAGE,MAX or the same with prf.
 * A size is a number of bytes, or of KiB or MiB with K or M behind it. */

#include <stdint.h>

#include <varve/repo.h>

#include "util/err.h"

struct vrv_chunk_sizes {
	enum varve_chunker chunker;
	uint32_t min, average, max; /* none is 0 */
};

/* The chunker of a name; USAGE if there is none. */
int vrv_chunker_parse(const char *name, enum varve_chunker *ret,
    struct varve_err *err) VRV_MUST;
/* USAGE for anything else. Whether the sizes go together is for the library
 * to say. */
int vrv_chunk_sizes_parse(const char *text, struct vrv_chunk_sizes *ret,
    struct varve_err *err) VRV_MUST;

#endif
