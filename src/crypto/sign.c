/* SPDX-License-Identifier: BSD-2-Clause */
#include "crypto/crypto.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "util/mem.h"

#define CONTEXT "varve-sig-v1"
#define CONTEXT_SIZE (sizeof(CONTEXT) - 1)
#define MESSAGE_SIZE (CONTEXT_SIZE + 32)

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

/* What Ed25519 signs for an object whose first `n` bytes are covered. */
static void
make_message(uint8_t out[MESSAGE_SIZE], const uint8_t *object, size_t n)
{
	memcpy(out, CONTEXT, CONTEXT_SIZE);
	vrv_blake2b(out + CONTEXT_SIZE, 32, NULL, object, n);
}

int
vrv_sign(struct vrv_buf *object, const struct vrv_signer *signer,
    struct varve_err *err)
{
	uint8_t message[MESSAGE_SIZE];

	uint8_t *at = vrv_buf_extend(object, VRV_SIGN_COST);
	if (at == NULL)
		return VRV_NOMEM(err, "a signature");
	memcpy(at, signer->public, VRV_SIGN_PUBLIC);
	make_message(message, object->data, object->len - VRV_SIGNATURE);
	int rc = crypto_sign_detached(at + VRV_SIGN_PUBLIC, NULL, message,
	    sizeof(message), signer->secret);
	assert(rc == 0);
	return 0;
}

int
vrv_verify(const uint8_t *object, size_t n, uint8_t ret_signer[VRV_SIGN_PUBLIC],
    struct varve_err *err)
{
	uint8_t message[MESSAGE_SIZE];

	if (n < VRV_SIGN_COST)
		return vrv_fail(err, VARVE_CORRUPT, "no room for a signature");
	const uint8_t *signature = object + n - VRV_SIGNATURE;
	const uint8_t *signer = signature - VRV_SIGN_PUBLIC;
	make_message(message, object, n - VRV_SIGNATURE);
	if (crypto_sign_verify_detached(signature, message, sizeof(message),
		signer) != 0)
		return vrv_fail(err, VARVE_AUTH, "wrong signature");
	memcpy(ret_signer, signer, VRV_SIGN_PUBLIC);
	return 0;
}
