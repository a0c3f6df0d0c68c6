/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef INDEX_INDEX_LAYOUT_H
#define INDEX_INDEX_LAYOUT_H

/*
 * What writer and reader of a run share.
 *
 * The header, block 0: b8 magic (the last byte is the version), b16 id of the
 * run, b32 cache id, then u64 rows of each section in the order of enum
 * vrv_section. Sections lie in that order without gaps, so the counts say
 * where each begins and how long the file is.
 */

#include "index/index_internal.h"

#define VRV_RUN_MAGIC "VRVRUN\n\1"
#define VRV_RUN_MAGIC_SIZE 8

void vrv_run_block_sum(const uint8_t *block, const uint8_t id[VRV_RUN_ID],
    uint64_t number, uint8_t out[VRV_XXH_SIZE]);

#endif
