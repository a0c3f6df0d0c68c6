/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TEST_CRYPTO_H
#define TEST_CRYPTO_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/crypto.h"

/* The bytes start, start + 1, ... of the vectors. */
void fill(void *to, uint8_t start, size_t n);
struct vrv_key fill_key(uint8_t start);

int run_seal_tests(void);
int run_key_tests(void);

#endif
