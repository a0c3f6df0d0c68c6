/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/frame.h"

#include "format/format_internal.h"

void
vrv_frame_head_put(struct vrv_buf *b, const struct vrv_frame_head *head)
{
	vrv_buf_u8(b, head->codec);
	vrv_buf_v(b, head->n);
	for (uint32_t i = 0; i < head->n; i++)
		vrv_buf_v(b, head->lengths[i]);
	vrv_buf_v(b, head->m);
	vrv_buf_bytes(b, head->bases, (size_t)head->m * VRV_PREFIX_SIZE);
}

static int
get_lengths(struct vrv_rd *r, uint64_t n, uint32_t *lengths,
    uint32_t *ret_total, struct varve_err *err)
{
	uint64_t total = 0;

	if (n == 0 || n > VRV_FRAME_CHUNKS_MAX)
		return VRV_CORRUPT(err, "frame of %llu chunks",
		    (unsigned long long)n);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t length = vrv_rd_v(r);

		if (length == 0 || length > VRV_FRAME_PLAIN_MAX - total)
			return VRV_CORRUPT(err, "frame with a bad length");
		lengths[i] = (uint32_t)length;
		total += length;
	}
	*ret_total = (uint32_t)total;
	return 0;
}

int
vrv_frame_head_get(const uint8_t *bytes, size_t n, struct vrv_frame_head *ret,
    uint32_t *lengths, uint32_t *ret_total, const uint8_t **ret_payload,
    size_t *ret_payload_n, struct varve_err *err)
{
	struct vrv_rd r = vrv_rd_over(bytes, n);
	uint8_t codec = vrv_rd_u8(&r);
	uint64_t chunks = vrv_rd_v(&r);
	uint32_t total = 0;

	if (n > VRV_FRAME_STORED_MAX)
		return VRV_CORRUPT(err, "frame of %zu bytes", n);
	if (codec != VRV_FRAME_STORED && codec != VRV_FRAME_ZSTD)
		return VRV_UNKNOWN(err, "frame of unknown codec %u", codec);
	int rc = get_lengths(&r, chunks, lengths, &total, err);
	if (rc != 0)
		return rc;

	uint64_t m = vrv_rd_v(&r);
	if (m > VRV_FRAME_BASES_MAX)
		return VRV_CORRUPT(err, "frame of %llu bases",
		    (unsigned long long)m);
	const uint8_t *bases = vrv_rd_bytes(&r, m * VRV_PREFIX_SIZE);
	size_t left = vrv_rd_left(&r);
	const uint8_t *payload = vrv_rd_bytes(&r, left);
	if (!vrv_rd_done(&r) || left == 0)
		return VRV_CORRUPT(err, "frame is cut short");
	if (codec == VRV_FRAME_STORED && (m != 0 || left != total))
		return VRV_CORRUPT(err, "stored frame of another size");

	*ret = (struct vrv_frame_head){
	    .codec = codec,
	    .n = (uint32_t)chunks,
	    .m = (uint32_t)m,
	    .lengths = lengths,
	    .bases = bases,
	};
	*ret_total = total;
	*ret_payload = payload;
	*ret_payload_n = left;
	return 0;
}

void
vrv_footer_put(uint8_t out[VRV_FOOTER_PLAIN], uint64_t directory_offset,
    uint32_t directory_length)
{
	vrv_put_u64(out, directory_offset);
	vrv_put_u32(out + 8, directory_length);
	vrv_put_u32(out + 12, 0);
}

int
vrv_footer_get(const uint8_t in[VRV_FOOTER_PLAIN], uint64_t *ret_offset,
    uint32_t *ret_length, struct varve_err *err)
{
	uint64_t offset = vrv_get_u64(in);
	uint32_t length = vrv_get_u32(in + 8);

	if (vrv_get_u32(in + 12) != 0)
		return VRV_UNKNOWN(err, "pack footer of a later version");
	if (offset < VRV_HEADER_SIZE || offset > VRV_MAX_PACK)
		return VRV_CORRUPT(err, "pack directory out of place");
	*ret_offset = offset;
	*ret_length = length;
	return 0;
}
