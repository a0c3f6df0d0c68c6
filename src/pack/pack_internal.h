/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PACK_PACK_INTERNAL_H
#define PACK_PACK_INTERNAL_H

/* What sealing and opening share. */

#include "pack/pack.h"

/* The additional data of a frame: "VF", version, kind. */
#define VRV_FRAME_AAD 4
#define VRV_FRAME_VERSION 1
void vrv_frame_aad(uint8_t out[VRV_FRAME_AAD], enum vrv_frame_kind kind);

const struct vrv_key *vrv_frame_key(const struct vrv_frame_keys *,
    enum vrv_frame_kind kind);

/* The frame keys of a session's own pair, and those of a stored public key. */
int vrv_frame_keys_send(const struct vrv_pack_keys *, const struct vrv_pair *,
    struct vrv_frame_keys *ret, struct varve_err *err) VRV_MUST;
int vrv_frame_keys_receive(const struct vrv_pack_keys *,
    const uint8_t epk[VRV_KEY_SIZE], struct vrv_frame_keys *ret,
    struct varve_err *err) VRV_MUST;

/* The additional data of a pack's footer: header, u8 2. */
#define VRV_FOOTER_AAD (VRV_HEADER_SIZE + 1)
#define VRV_BLOCK_DIRECTORY 1
#define VRV_BLOCK_FOOTER 2
void vrv_footer_aad(uint8_t out[VRV_FOOTER_AAD],
    const uint8_t header[VRV_HEADER_SIZE]);

#endif
