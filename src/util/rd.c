/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/rd.h"

#include <string.h>

const uint8_t *
vrv_rd_bytes(struct vrv_rd *r, uint64_t n)
{
	if (r->failed || n > (uint64_t)(r->end - r->p)) {
		r->failed = true;
		return NULL;
	}
	const uint8_t *at = r->p;
	r->p += n;
	return at;
}

void
vrv_rd_copy(struct vrv_rd *r, void *to, size_t n)
{
	const uint8_t *at = vrv_rd_bytes(r, n);

	if (at == NULL)
		memset(to, 0, n);
	else if (n > 0)
		memcpy(to, at, n);
}

uint8_t
vrv_rd_u8(struct vrv_rd *r)
{
	const uint8_t *at = vrv_rd_bytes(r, 1);

	return at == NULL ? 0 : *at;
}

uint16_t
vrv_rd_u16(struct vrv_rd *r)
{
	const uint8_t *at = vrv_rd_bytes(r, 2);

	return at == NULL ? 0 : (uint16_t)(at[0] | at[1] << 8);
}

uint32_t
vrv_get_u32(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
	    (uint32_t)at[3] << 24;
}

uint64_t
vrv_get_u64(const uint8_t *at)
{
	return (uint64_t)vrv_get_u32(at) | (uint64_t)vrv_get_u32(at + 4) << 32;
}

uint32_t
vrv_rd_u32(struct vrv_rd *r)
{
	const uint8_t *at = vrv_rd_bytes(r, 4);

	return at == NULL ? 0 : vrv_get_u32(at);
}

uint64_t
vrv_rd_u64(struct vrv_rd *r)
{
	const uint8_t *at = vrv_rd_bytes(r, 8);

	return at == NULL ? 0 : vrv_get_u64(at);
}

uint64_t
vrv_rd_v(struct vrv_rd *r)
{
	uint64_t x = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t b = vrv_rd_u8(r);
		uint64_t part = b & 0x7f;

		if (shift == 63 && part > 1)
			break;
		x |= part << shift;
		if ((b & 0x80) == 0) {
			/* A last byte of zero is a longer form than needed. */
			if (part == 0 && shift > 0)
				break;
			return r->failed ? 0 : x;
		}
	}
	r->failed = true;
	return 0;
}

int64_t
vrv_rd_z(struct vrv_rd *r)
{
	uint64_t x = vrv_rd_v(r);

	return (int64_t)((x >> 1) ^ (~(x & 1) + 1));
}

const uint8_t *
vrv_rd_vbytes(struct vrv_rd *r, size_t *ret_n)
{
	uint64_t n = vrv_rd_v(r);
	const uint8_t *at = vrv_rd_bytes(r, n);

	*ret_n = at == NULL ? 0 : (size_t)n;
	return at;
}
