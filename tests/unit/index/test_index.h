/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TEST_INDEX_H
#define TEST_INDEX_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "index/index.h"

/* A fresh folder, and its removal with what is in it. */
struct test_folder {
	char path[64];
};
void test_folder_make(struct test_folder *);
void test_folder_remove(struct test_folder *);
/* Names in it that begin with `prefix`. */
unsigned test_folder_count(const struct test_folder *, const char *prefix);

extern const uint8_t test_repository[VRV_REPO_ID];

/* Numbers that look random, the same in each run. */
uint32_t test_random(uint64_t *state);
/* The 16 bytes that stand for number `n` of kind `what`: uniform. */
void test_id(char what, uint32_t n, uint8_t out[16]);

/* What is expected of a pack: pack `no` has `frames` frames of `chunks` chunks
 * each, prefixes are numbers from `first` on, modulo `modulo`. */
struct test_pack {
	uint32_t no, frames, chunks, first, modulo;
};
/* Its entry, appended. */
void test_pack_entry(const struct test_pack *, struct vrv_buf *);
/* The location of chunk `ordinal` of frame `frame`, and its prefix number. */
struct vrv_location test_location(const struct test_pack *, uint32_t frame,
    uint32_t ordinal, uint32_t *ret_prefix);
/* All but `frame` are equal. */
bool test_same_location(const struct vrv_location *,
    const struct vrv_location *);
/* Base `i` of a frame at the location. */
void test_base(const struct vrv_location *, uint32_t i, uint8_t out[16]);

/* The body of an index object. */
void test_body(struct vrv_buf *, const uint8_t *superseded,
    uint32_t n_superseded, const struct test_pack *, uint32_t n_packs,
    const uint8_t *lost, uint32_t n_lost);

struct vrv_index *test_open(const struct test_folder *);

/* Objects 'O' 0 to n - 1 hold one pack each; list them all, give those that
 * are wanted. Returns how many were. */
uint32_t test_list(struct vrv_index *, const struct test_pack *, uint32_t n);

int test_index_basic(void);
int test_index_damage(void);
int test_index_model(void);

#endif
