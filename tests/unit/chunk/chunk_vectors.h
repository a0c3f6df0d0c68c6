/* SPDX-License-Identifier: BSD-2-Clause */
/* Made by chunk_vectors.py; see there. */
#include <stdint.h>

#include "chunk/chunk.h"

static const struct chunk_vector {
	enum vrv_chunk_method method;
	uint32_t bytes;
	uint32_t min, average, max, chunks, first[10];
} chunk_vectors[] = {
    {VRV_CHUNK_GEAR, 3145728, 64, 64, 256, 39888,
	{75, 75, 64, 74, 74, 110, 80, 70, 114, 74}},
    {VRV_CHUNK_GEAR, 3145728, 1000, 4096, 16384, 732,
	{5796, 4210, 5062, 4096, 4054, 4708, 5126, 5761, 3894, 4051}},
    {VRV_CHUNK_GEAR, 3145728, 65536, 262144, 2097152, 11,
	{230692, 373949, 282836, 299911, 313759, 232704, 394554, 235402, 370738,
	    314863}},
    {VRV_CHUNK_PRF, 20000, 64, 64, 256, 251,
	{71, 64, 80, 71, 65, 73, 78, 95, 99, 64}},
    {VRV_CHUNK_PRF, 200000, 1000, 4096, 16384, 48,
	{5019, 5755, 3602, 4676, 4377, 6873, 3715, 5410, 4777, 5783}},
    {VRV_CHUNK_PRF, 50001, 64, 2048, 32768, 21,
	{4333, 2001, 2285, 1803, 1798, 2019, 1941, 2872, 2124, 1872}},
};
