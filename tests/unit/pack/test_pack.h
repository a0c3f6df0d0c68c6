/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TEST_PACK_H
#define TEST_PACK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pack/pack.h"

/* Keys of a repository of its own: all different, the same in each test. */
void test_keys(struct vrv_pack_keys *);
/* `n` bytes that compress, different for each seed. */
uint8_t *test_text(size_t n, unsigned seed);
/* Seal n chunks of `length` bytes from test_text(seed). */
struct vrv_sealed *test_seal(const struct vrv_pack_keys *, struct vrv_sealer *,
    enum vrv_frame_kind, uint32_t n, uint32_t length, unsigned seed);
/* What a directory says of it. */
struct vrv_pack_frame test_frame(const struct vrv_sealed *);

int test_pack_frames(void);
int test_packer(void);

#endif
