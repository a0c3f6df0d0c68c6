/* SPDX-License-Identifier: BSD-2-Clause */
#include "crypto/crypto.h"

#include <assert.h>
#include <string.h>

#include "util/mem.h"
#include "util/rd.h"

#define LENGTH_SIZE 4 /* of the u32 before the block and of the one in it */

uint64_t
vrv_padme(uint64_t n)
{
	assert(n <= UINT64_C(1) << 63);
	if (n < 2)
		return n;
	/* A length is a floating point number: E is its exponent, and its
	 * mantissa keeps as many bits as E itself has. */
	unsigned e = 63 - (unsigned)__builtin_clzll(n);
	unsigned s = 32 - (unsigned)__builtin_clz(e);
	uint64_t mask = (UINT64_C(1) << (e - s)) - 1;
	return (n + mask) & ~mask;
}

static int
make_aad(struct vrv_buf *aad, const uint8_t *object, size_t header_n,
    uint8_t number, size_t clear_end, struct varve_err *err)
{
	vrv_buf_bytes(aad, object, header_n);
	vrv_buf_u8(aad, number);
	vrv_buf_bytes(aad, object + header_n, clear_end - header_n);
	return vrv_buf_check(aad, err);
}

int
vrv_block_seal(struct vrv_buf *object, size_t header_n, uint8_t number,
    const struct vrv_key *key, const void *plain, size_t n,
    struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf aad = {0};

	assert(header_n <= object->len);
	if (n > UINT32_MAX - LENGTH_SIZE)
		return vrv_fail(err, VARVE_LIMIT, "block too large");
	uint64_t inner = vrv_padme(LENGTH_SIZE + (uint64_t)n);
	if (inner > UINT32_MAX - VRV_SEAL_COST)
		return vrv_fail(err, VARVE_LIMIT, "block too large");
	size_t follows = (size_t)inner + VRV_SEAL_COST;

	int rc =
	    make_aad(&aad, object->data, header_n, number, object->len, err);
	if (rc != 0)
		return rc;
	uint8_t *at = vrv_buf_extend(object, LENGTH_SIZE + follows);
	if (at == NULL)
		return VRV_NOMEM(err, "a sealed block");

	uint8_t *nonce = at + LENGTH_SIZE;
	uint8_t *body = nonce + VRV_NONCE_SIZE;
	vrv_put_u32(at, (uint32_t)follows);
	vrv_random(nonce, VRV_NONCE_SIZE);
	vrv_put_u32(body, (uint32_t)n);
	if (n > 0)
		memcpy(body + LENGTH_SIZE, plain, n);
	memset(body + LENGTH_SIZE + n, 0, (size_t)inner - LENGTH_SIZE - n);
	vrv_aead_seal(body, body, (size_t)inner, aad.data, aad.len, nonce, key);
	return 0;
}

/* The sealed bytes (nonce in front) of the block at `at`, and their number. */
static int
find_block(const uint8_t *object, size_t object_n, size_t header_n, size_t at,
    const uint8_t **ret_sealed, size_t *ret_n, struct varve_err *err)
{
	if (header_n > at || at > object_n)
		return vrv_fail(err, VARVE_CORRUPT, "no sealed block here");
	struct vrv_rd r = vrv_rd_over(object + at, object_n - at);
	uint32_t n = vrv_rd_u32(&r);
	const uint8_t *sealed = vrv_rd_bytes(&r, n);
	if (!vrv_rd_ok(&r) || n < VRV_SEAL_COST + LENGTH_SIZE)
		return vrv_fail(err, VARVE_CORRUPT,
		    "sealed block of an impossible length");
	*ret_sealed = sealed;
	*ret_n = n;
	return 0;
}

/* Strip length and padding from what a block held. */
static int
unpad(struct vrv_buf *inner, struct varve_err *err)
{
	size_t n = vrv_get_u32(inner->data), room = inner->len - LENGTH_SIZE;
	uint8_t rest = 0;

	if (n > room)
		return vrv_fail(err, VARVE_CORRUPT,
		    "sealed block states an impossible length");
	for (size_t i = n; i < room; i++)
		rest |= inner->data[LENGTH_SIZE + i];
	if (rest != 0)
		return vrv_fail(err, VARVE_CORRUPT,
		    "padding of a sealed block is not zero");
	memmove(inner->data, inner->data + LENGTH_SIZE, n);
	/* No second copy of the last bytes behind the end. */
	vrv_wipe(inner->data + n, inner->len - n);
	inner->len = n;
	return 0;
}

int
vrv_block_open(const uint8_t *object, size_t object_n, size_t header_n,
    size_t at, uint8_t number, const struct vrv_key *key, struct vrv_buf *ret,
    size_t *ret_end, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf aad = {0}, inner = {.secret = ret->secret};
	const uint8_t *sealed = NULL;
	size_t n = 0;

	int rc = find_block(object, object_n, header_n, at, &sealed, &n, err);
	if (rc == 0)
		rc = make_aad(&aad, object, header_n, number, at, err);
	if (rc != 0)
		return rc;
	uint8_t *out = vrv_buf_extend(&inner, n - VRV_SEAL_COST);
	if (out == NULL)
		return VRV_NOMEM(err, "a sealed block");
	rc = vrv_aead_open(out, sealed + VRV_NONCE_SIZE, n - VRV_NONCE_SIZE,
	    aad.data, aad.len, sealed, key, err);
	if (rc == 0)
		rc = unpad(&inner, err);
	if (rc != 0) {
		vrv_wipe(inner.data, inner.len);
		return rc;
	}

	vrv_buf_fini(ret);
	*ret = inner;
	inner = (struct vrv_buf){0};
	*ret_end = at + LENGTH_SIZE + n;
	return 0;
}
