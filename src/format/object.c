/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/object.h"

#include <string.h>

#include "format/format_internal.h"
#include "util/hash.h"

#define VERSION 1
#define LENGTH_SIZE 8 /* the trailer's length field, which the sum covers */

/* No text has these bytes, and transfers that mangle text change them. */
static const uint8_t magic[8] = {0x89, 'V', 'A', 'R', 'V', 'E', '\r', '\n'};

void
vrv_header_put(struct vrv_buf *b, const struct vrv_header *header)
{
	vrv_buf_bytes(b, magic, sizeof(magic));
	vrv_buf_u8(b, VERSION);
	vrv_buf_u8(b, (uint8_t)header->type);
	vrv_buf_u16(b, header->domain);
	vrv_buf_u32(b, header->epoch);
	vrv_buf_bytes(b, header->repository, VRV_REPO_ID);
	vrv_buf_bytes(b, header->id, VRV_OBJECT_ID);
}

int
vrv_header_get(const uint8_t *bytes, size_t n, struct vrv_header *ret,
    struct varve_err *err)
{
	if (n < VRV_HEADER_SIZE || memcmp(bytes, magic, sizeof(magic)) != 0)
		return VRV_CORRUPT(err, "not an object of varve");

	struct vrv_rd r =
	    vrv_rd_over(bytes + sizeof(magic), VRV_HEADER_SIZE - sizeof(magic));
	uint8_t version = vrv_rd_u8(&r);
	uint8_t type = vrv_rd_u8(&r);
	struct vrv_header header = {
	    .type = (enum vrv_type)type,
	    .domain = vrv_rd_u16(&r),
	    .epoch = vrv_rd_u32(&r),
	};
	vrv_rd_copy(&r, header.repository, VRV_REPO_ID);
	vrv_rd_copy(&r, header.id, VRV_OBJECT_ID);

	if (version != VERSION)
		return VRV_UNKNOWN(err, "object of format version %u", version);
	if (type < VRV_CONFIG || type >= VRV_TYPES)
		return VRV_UNKNOWN(err, "object of unknown type %u", type);
	if (header.domain != 0 || header.epoch != 0)
		return VRV_UNKNOWN(err, "object of domain %u, epoch %u",
		    header.domain, header.epoch);
	*ret = header;
	return 0;
}

void
vrv_trailer_write(uint8_t out[VRV_TRAILER_SIZE], uint64_t length,
    const uint8_t sum[16])
{
	vrv_put_u64(out, length);
	memcpy(out + LENGTH_SIZE, sum, VRV_XXH_SIZE);
}

void
vrv_trailer_put(struct vrv_buf *object)
{
	uint8_t sum[VRV_XXH_SIZE];

	vrv_buf_u64(object, object->len + VRV_TRAILER_SIZE);
	if (object->failed)
		return;
	vrv_xxh(sum, object->data, object->len);
	vrv_buf_bytes(object, sum, sizeof(sum));
}

int
vrv_trailer_get(const uint8_t trailer[VRV_TRAILER_SIZE], uint64_t n,
    uint8_t ret_sum[16], struct varve_err *err)
{
	uint64_t length = vrv_get_u64(trailer);

	if (length != n)
		return VRV_CORRUPT(err, "object of %llu bytes says it has %llu",
		    (unsigned long long)n, (unsigned long long)length);
	memcpy(ret_sum, trailer + LENGTH_SIZE, VRV_XXH_SIZE);
	return 0;
}

int
vrv_object_check(const uint8_t *object, size_t n, const struct vrv_name *name,
    struct vrv_header *ret, struct varve_err *err)
{
	uint8_t stated[VRV_XXH_SIZE], sum[VRV_XXH_SIZE];
	struct vrv_header header;

	if (n < VRV_HEADER_SIZE + VRV_TRAILER_SIZE)
		return VRV_CORRUPT(err, "only %zu bytes long", n);
	if (memcmp(object, magic, sizeof(magic)) != 0)
		return VRV_CORRUPT(err, "not an object of varve");

	/* The sum first: a flipped bit in the version must not pass for a
	 * later version. */
	int rc = vrv_trailer_get(object + n - VRV_TRAILER_SIZE, n, stated, err);
	if (rc != 0)
		return rc;
	vrv_xxh(sum, object, n - VRV_XXH_SIZE);
	if (memcmp(sum, stated, sizeof(sum)) != 0)
		return VRV_CORRUPT(err, "checksum does not match");

	rc = vrv_header_get(object, n, &header, err);
	if (rc != 0)
		return rc;
	if (header.type != name->type)
		return VRV_CORRUPT(err, "is named as %s but holds %s",
		    vrv_type_name(name->type), vrv_type_name(header.type));
	if (memcmp(header.id, name->id, VRV_OBJECT_ID) != 0)
		return VRV_CORRUPT(err, "holds another object's id");
	*ret = header;
	return 0;
}
