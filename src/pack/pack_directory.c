/* SPDX-License-Identifier: BSD-2-Clause */
#include "pack/pack.h"

#include <string.h>

#include "pack/pack_internal.h"
#include "util/rd.h"

void
vrv_footer_aad(uint8_t out[VRV_FOOTER_AAD],
    const uint8_t header[VRV_HEADER_SIZE])
{
	memcpy(out, header, VRV_HEADER_SIZE);
	out[VRV_HEADER_SIZE] = VRV_BLOCK_FOOTER;
}

int
vrv_pack_find_directory(const struct vrv_pack_keys *keys,
    const uint8_t header[VRV_HEADER_SIZE], const uint8_t *tail, size_t tail_n,
    uint64_t length, uint64_t *ret_offset, uint32_t *ret_n,
    struct varve_err *err)
{
	uint8_t aad[VRV_FOOTER_AAD], plain[VRV_FOOTER_PLAIN];
	uint8_t sum[16];
	uint64_t offset;
	uint32_t n;

	if (tail_n < VRV_PACK_TAIL || tail_n > length ||
	    length < VRV_HEADER_SIZE + VRV_PACK_TAIL || length > VRV_MAX_PACK)
		return vrv_fail(err, VARVE_CORRUPT,
		    "a pack of impossible size");
	const uint8_t *trailer = tail + tail_n - VRV_TRAILER_SIZE;
	const uint8_t *footer = tail + tail_n - VRV_PACK_TAIL;
	int rc = vrv_trailer_get(trailer, length, sum, err);
	if (rc != 0)
		return rc;
	vrv_footer_aad(aad, header);
	rc = vrv_aead_open(plain, footer + VRV_NONCE_SIZE,
	    sizeof(plain) + VRV_MAC_SIZE, aad, sizeof(aad), footer,
	    &keys->index, err);
	if (rc == 0)
		rc = vrv_footer_get(plain, &offset, &n, err);
	if (rc != 0)
		return vrv_ctx(err, "footer");
	uint64_t end = length - VRV_PACK_TAIL;
	if (offset < VRV_HEADER_SIZE || offset > end || n > end - offset)
		return vrv_fail(err, VARVE_CORRUPT,
		    "the directory lies outside the pack");
	*ret_offset = offset;
	*ret_n = n;
	return 0;
}

/* Every record of the entry decodes, and it is the entry of this pack. */
static int
check_entry(const struct vrv_buf *entry, const uint8_t header[VRV_HEADER_SIZE],
    struct varve_err *err)
{
	struct vrv_rd r = vrv_rd_over(entry->data, entry->len);
	struct vrv_pack_entry fixed;
	struct vrv_header parsed;

	int rc = vrv_header_get(header, VRV_HEADER_SIZE, &parsed, err);
	if (rc == 0)
		rc = vrv_pack_entry_get(&r, &fixed, err);
	if (rc == 0)
		rc = vrv_pack_entry_rest(&r, &fixed, err);
	if (rc != 0)
		return rc;
	if (!vrv_rd_done(&r))
		return vrv_fail(err, VARVE_CORRUPT, "bytes behind the entry");
	if (parsed.type != VRV_PACK ||
	    memcmp(parsed.id, fixed.pack, VRV_OBJECT_ID) != 0)
		return vrv_fail(err, VARVE_CORRUPT, "entry of another pack");
	return 0;
}

int
vrv_pack_open_directory(const struct vrv_pack_keys *keys,
    const uint8_t header[VRV_HEADER_SIZE], const uint8_t *sealed, size_t n,
    struct vrv_buf *ret, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf object = {0};
	size_t end;

	/* Frames are sealed on their own: to the block its header is next. */
	vrv_buf_bytes(&object, header, VRV_HEADER_SIZE);
	vrv_buf_bytes(&object, sealed, n);
	int rc = vrv_buf_check(&object, err);
	if (rc == 0)
		rc = vrv_block_open(object.data, object.len, VRV_HEADER_SIZE,
		    VRV_HEADER_SIZE, VRV_BLOCK_DIRECTORY, &keys->index, ret,
		    &end, err);
	if (rc == 0 && end != object.len)
		rc = vrv_fail(err, VARVE_CORRUPT, "bytes behind the block");
	if (rc == 0)
		rc = check_entry(ret, header, err);
	return rc == 0 ? 0 : vrv_ctx(err, "directory");
}
