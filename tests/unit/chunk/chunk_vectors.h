/* SPDX-License-Identifier: BSD-2-Clause */
/* Made by chunk_vectors.py; see there. */
#include <stdint.h>

static const struct chunk_vector {
	uint32_t min, average, max, chunks, first[10];
} chunk_vectors[] = {
    {64, 64, 256, 39888,
	{75, 75, 64, 74, 74,
	    110, 80, 70, 114, 74}},
    {1000, 4096, 16384, 732,
	{5796, 4210, 5062, 4096, 4054,
	    4708, 5126, 5761, 3894, 4051}},
    {65536, 262144, 2097152, 11,
	{230692, 373949, 282836, 299911, 313759,
	    232704, 394554, 235402, 370738, 314863}},
};
