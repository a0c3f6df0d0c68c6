/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/buf.h"

#include <stdlib.h>
#include <string.h>

/* Bytes behind `len` may be left of something longer. */
static void
release(const struct vrv_buf *b)
{
	if (b->secret && b->data != NULL)
		explicit_bzero(b->data, b->cap);
	free(b->data);
}

void
vrv_buf_fini(struct vrv_buf *b)
{
	release(b);
	*b = (struct vrv_buf){.secret = b->secret};
}

void
vrv_buf_clear(struct vrv_buf *b)
{
	b->len = 0;
	b->failed = false;
}

static bool
grow(struct vrv_buf *b, size_t need)
{
	size_t cap = b->cap < 64 ? 64 : b->cap;

	while (cap < need) {
		if (__builtin_mul_overflow(cap, (size_t)2, &cap))
			return false;
	}
	/* realloc() may move the bytes and leave a copy behind. */
	uint8_t *grown = b->secret ? malloc(cap) : realloc(b->data, cap);
	if (grown == NULL)
		return false;
	if (b->secret) {
		if (b->len > 0)
			memcpy(grown, b->data, b->len);
		release(b);
	}
	b->data = grown;
	b->cap = cap;
	return true;
}

static bool
reserve(struct vrv_buf *b, size_t n)
{
	size_t need;

	if (b->failed)
		return false;
	if (__builtin_add_overflow(b->len, n, &need) ||
	    (need > b->cap && !grow(b, need)))
		b->failed = true;
	return !b->failed;
}

uint8_t *
vrv_buf_extend(struct vrv_buf *b, size_t n)
{
	if (!reserve(b, n))
		return NULL;
	uint8_t *at = b->data + b->len;
	b->len += n;
	return at;
}

void
vrv_buf_bytes(struct vrv_buf *b, const void *bytes, size_t n)
{
	uint8_t *at = n == 0 ? NULL : vrv_buf_extend(b, n);

	if (at != NULL)
		memcpy(at, bytes, n);
}

void
vrv_buf_zero(struct vrv_buf *b, size_t n)
{
	uint8_t *at = n == 0 ? NULL : vrv_buf_extend(b, n);

	if (at != NULL)
		memset(at, 0, n);
}

void
vrv_buf_u8(struct vrv_buf *b, uint8_t x)
{
	vrv_buf_bytes(b, &x, 1);
}

void
vrv_buf_u16(struct vrv_buf *b, uint16_t x)
{
	uint8_t le[2] = {(uint8_t)x, (uint8_t)(x >> 8)};

	vrv_buf_bytes(b, le, sizeof(le));
}

void
vrv_put_u32(uint8_t *at, uint32_t x)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(x >> (8 * i));
}

void
vrv_put_u64(uint8_t *at, uint64_t x)
{
	for (int i = 0; i < 8; i++)
		at[i] = (uint8_t)(x >> (8 * i));
}

void
vrv_buf_u32(struct vrv_buf *b, uint32_t x)
{
	uint8_t le[4];

	vrv_put_u32(le, x);
	vrv_buf_bytes(b, le, sizeof(le));
}

void
vrv_buf_u64(struct vrv_buf *b, uint64_t x)
{
	uint8_t le[8];

	vrv_put_u64(le, x);
	vrv_buf_bytes(b, le, sizeof(le));
}

void
vrv_buf_v(struct vrv_buf *b, uint64_t x)
{
	uint8_t out[10];
	size_t n = 0;

	while (x >= 0x80) {
		out[n++] = (uint8_t)(x | 0x80);
		x >>= 7;
	}
	out[n++] = (uint8_t)x;
	vrv_buf_bytes(b, out, n);
}

void
vrv_buf_z(struct vrv_buf *b, int64_t x)
{
	vrv_buf_v(b, ((uint64_t)x << 1) ^ (x < 0 ? UINT64_MAX : 0));
}

void
vrv_buf_vbytes(struct vrv_buf *b, const void *bytes, size_t n)
{
	vrv_buf_v(b, n);
	vrv_buf_bytes(b, bytes, n);
}

void
vrv_buf_str(struct vrv_buf *b, const char *s)
{
	vrv_buf_vbytes(b, s, strlen(s));
}

int
vrv_buf_check(const struct vrv_buf *b, struct varve_err *err)
{
	return b->failed ?
	    vrv_fail(err, VARVE_NOMEM, "no memory for a buffer") :
	    0;
}

size_t
vrv_v_size(uint64_t x)
{
	size_t n = 1;

	while (x >= 0x80) {
		x >>= 7;
		n++;
	}
	return n;
}
