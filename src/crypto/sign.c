/* SPDX-License-Identifier: BSD-2-Clause */
#include "crypto/crypto.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "util/mem.h"
#include "util/rd.h"

#define CONTEXT "varve-sig-v1"
#define CONTEXT_SIZE (sizeof(CONTEXT) - 1)
#define MESSAGE_SIZE (CONTEXT_SIZE + 32)
#define VALUE_SIZE (VRV_SIGN_PUBLIC + VRV_SIGNATURE)
#define RECORD_HEAD (1 + 2)
#define RECORD_SIGNED (RECORD_HEAD + VRV_SIGN_PUBLIC)
#define TOTAL_SIZE 4

_Static_assert(VRV_SIGN_SECRET == crypto_sign_SECRETKEYBYTES, "secret size");
_Static_assert(VRV_SIGN_PUBLIC == crypto_sign_PUBLICKEYBYTES, "public size");
_Static_assert(VRV_SIGNATURE == crypto_sign_BYTES, "signature size");

void
vrv_signer_from_seed(struct vrv_signer *out, const struct vrv_key *seed)
{
	_Static_assert(VRV_KEY_SIZE == crypto_sign_SEEDBYTES, "seed size");
	int rc = crypto_sign_seed_keypair(out->public, out->secret, seed->b);
	assert(rc == 0);
}

/* What Ed25519 signs for an object of `n` bytes and for the record of its
 * signature, up to the signer. */
static void
make_message(uint8_t out[MESSAGE_SIZE], const uint8_t *object, size_t n,
    const uint8_t *record)
{
	const struct vrv_part parts[] = {{object, n}, {record, RECORD_SIGNED}};

	memcpy(out, CONTEXT, CONTEXT_SIZE);
	vrv_blake2b_parts(out + CONTEXT_SIZE, 32, NULL, parts, 2);
}

int
vrv_sign(struct vrv_buf *object, const struct vrv_signer *signer,
    struct varve_err *err)
{
	uint8_t message[MESSAGE_SIZE], signature[VRV_SIGNATURE];
	size_t n = object->len;

	vrv_buf_u8(object, VRV_SUITE_25519);
	vrv_buf_u16(object, VALUE_SIZE);
	vrv_buf_bytes(object, signer->public, VRV_SIGN_PUBLIC);
	if (object->failed)
		return VRV_NOMEM(err, "a signature");
	make_message(message, object->data, n, object->data + n);
	int rc = crypto_sign_detached(signature, NULL, message, sizeof(message),
	    signer->secret);
	assert(rc == 0);
	vrv_buf_bytes(object, signature, sizeof(signature));
	vrv_buf_u32(object, (uint32_t)(object->len - n));
	return vrv_buf_check(object, err);
}

/* The record of suite 1 in the signature part that ends at object + n. */
static int
find_record(const uint8_t *object, size_t n, const uint8_t **ret_record,
    size_t *ret_body_end, struct varve_err *err)
{
	const uint8_t *record = NULL;
	uint32_t total =
	    n < TOTAL_SIZE ? 0 : vrv_get_u32(object + n - TOTAL_SIZE);

	if (total > VRV_SIGNATURES_MAX)
		return vrv_fail(err, VARVE_LIMIT, "signatures of %u bytes",
		    total);
	if (total == 0 || total > n - TOTAL_SIZE)
		return vrv_fail(err, VARVE_CORRUPT, "no room for a signature");
	size_t body_end = n - TOTAL_SIZE - total;
	struct vrv_rd r = vrv_rd_over(object + body_end, total);
	while (vrv_rd_left(&r) > 0) {
		const uint8_t *at = r.p;
		uint8_t suite = vrv_rd_u8(&r);
		uint16_t length = vrv_rd_u16(&r);

		(void)vrv_rd_bytes(&r, length);
		if (suite != VRV_SUITE_25519)
			continue;
		if (length != VALUE_SIZE || record != NULL)
			vrv_rd_fail(&r);
		record = at;
	}
	if (!vrv_rd_done(&r))
		return vrv_fail(err, VARVE_CORRUPT,
		    "its signatures are not laid out as they must be");
	if (record == NULL) {
		vrv_fail(err, VARVE_FORMAT,
		    "has only signatures of a later version");
		return vrv_exit(err, VARVE_EXIT_FEATURE);
	}
	*ret_record = record;
	*ret_body_end = body_end;
	return 0;
}

int
vrv_verify(const uint8_t *object, size_t n, uint8_t ret_signer[VRV_SIGN_PUBLIC],
    size_t *ret_body_end, struct varve_err *err)
{
	uint8_t message[MESSAGE_SIZE];
	const uint8_t *record;
	size_t end;

	int rc = find_record(object, n, &record, &end, err);
	if (rc != 0)
		return rc;
	const uint8_t *signer = record + RECORD_HEAD;
	make_message(message, object, end, record);
	if (crypto_sign_verify_detached(signer + VRV_SIGN_PUBLIC, message,
		sizeof(message), signer) != 0)
		return vrv_fail(err, VARVE_AUTH, "wrong signature");
	memcpy(ret_signer, signer, VRV_SIGN_PUBLIC);
	*ret_body_end = end;
	return 0;
}
