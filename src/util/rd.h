/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UTIL_RD_H
#define UTIL_RD_H

/*
 * A cursor over bytes that nobody trusts: the decoder of every record.
 *
 * A read past the end, an over-long LEB128 or one that is not the shortest
 * form makes the cursor fail for good; every later read gives 0 or NULL. Read
 * a whole record, then ask vrv_rd_ok() or vrv_rd_done() once. Pointers that a
 * cursor returns point into the bytes it reads.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vrv_rd {
	const uint8_t *p, *end;
	bool failed;
};

static inline struct vrv_rd
vrv_rd_over(const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	return (struct vrv_rd){p, n == 0 ? p : p + n, false};
}

uint8_t vrv_rd_u8(struct vrv_rd *);
uint16_t vrv_rd_u16(struct vrv_rd *);
uint32_t vrv_rd_u32(struct vrv_rd *);
uint64_t vrv_rd_u64(struct vrv_rd *);
uint64_t vrv_rd_v(struct vrv_rd *);
int64_t vrv_rd_z(struct vrv_rd *);

/* The next `n` bytes in place, or NULL (n = 0 never fails). */
const uint8_t *vrv_rd_bytes(struct vrv_rd *, uint64_t n);
/* Copy the next `n` bytes to `to`, which is zeroed when they are missing. */
void vrv_rd_copy(struct vrv_rd *, void *to, size_t n);
/* v length, then that many bytes; *ret_n is 0 on failure. */
const uint8_t *vrv_rd_vbytes(struct vrv_rd *, size_t *ret_n);

static inline size_t
vrv_rd_left(const struct vrv_rd *r)
{
	return r->failed ? 0 : (size_t)(r->end - r->p);
}

static inline void
vrv_rd_fail(struct vrv_rd *r)
{
	r->failed = true;
}

static inline bool
vrv_rd_ok(const struct vrv_rd *r)
{
	return !r->failed;
}

/* Nothing failed and nothing is left. */
static inline bool
vrv_rd_done(const struct vrv_rd *r)
{
	return !r->failed && r->p == r->end;
}

/* Little-endian at a place that holds enough bytes. */
uint32_t vrv_get_u32(const uint8_t *);
uint64_t vrv_get_u64(const uint8_t *);

#endif
