/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UTIL_BUF_H
#define UTIL_BUF_H

/*
 * A growing byte buffer, and the encoder of every persistent record.
 *
 * All integers are little-endian; `v` is unsigned LEB128, `z` its zigzag form
 * for signed numbers. Running out of memory is remembered: append freely and
 * ask vrv_buf_check() once at the end. Zero-initialise before use. A buffer is
 * confined to one thread at a time.
 *
 * A buffer of keys is VRV_SECRET_BUF at its start: what it held is wiped before
 * its memory is given back, also when it grows.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

struct vrv_buf {
	uint8_t *data;
	size_t len, cap;
	bool failed, secret;
};

#define VRV_SECRET_BUF ((struct vrv_buf){.secret = true})

#define vrv_auto_buf __attribute__((cleanup(vrv_buf_fini)))

void vrv_buf_fini(struct vrv_buf *);
/* Empty the buffer, keep its memory, forget a failure. */
void vrv_buf_clear(struct vrv_buf *);
/* Append room for `n` bytes and return where it starts, or NULL. */
uint8_t *vrv_buf_extend(struct vrv_buf *, size_t n);

void vrv_buf_bytes(struct vrv_buf *, const void *bytes, size_t n);
void vrv_buf_zero(struct vrv_buf *, size_t n);
void vrv_buf_u8(struct vrv_buf *, uint8_t);
void vrv_buf_u16(struct vrv_buf *, uint16_t);
void vrv_buf_u32(struct vrv_buf *, uint32_t);
void vrv_buf_u64(struct vrv_buf *, uint64_t);
void vrv_buf_v(struct vrv_buf *, uint64_t);
void vrv_buf_z(struct vrv_buf *, int64_t);
/* v length, then the bytes. */
void vrv_buf_vbytes(struct vrv_buf *, const void *bytes, size_t n);
/* vrv_buf_vbytes() of a string without its NUL. */
void vrv_buf_str(struct vrv_buf *, const char *);

/* Returns 0, or NOMEM if any append failed. */
int vrv_buf_check(const struct vrv_buf *, struct varve_err *err) VRV_MUST;

/* Bytes that vrv_buf_v() would append. */
size_t vrv_v_size(uint64_t);

/* Little-endian at a place of its own. */
void vrv_put_u32(uint8_t *, uint32_t);
void vrv_put_u64(uint8_t *, uint64_t);

#endif
