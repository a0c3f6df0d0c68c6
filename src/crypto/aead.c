/* SPDX-License-Identifier: BSD-2-Clause */
#include "crypto/crypto.h"

#include <assert.h>

#include <sodium.h>

_Static_assert(VRV_NONCE_SIZE == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    "nonce size");
_Static_assert(VRV_MAC_SIZE == crypto_aead_xchacha20poly1305_ietf_ABYTES,
    "tag size");

void
vrv_aead_seal(uint8_t *out, const void *plain, size_t n, const void *aad,
    size_t aad_n, const uint8_t nonce[VRV_NONCE_SIZE],
    const struct vrv_key *key)
{
	int rc = crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, plain, n,
	    aad, aad_n, NULL, nonce, key->b);
	assert(rc == 0);
}

int
vrv_aead_open(uint8_t *out, const void *sealed, size_t n, const void *aad,
    size_t aad_n, const uint8_t nonce[VRV_NONCE_SIZE],
    const struct vrv_key *key, struct varve_err *err)
{
	if (n < VRV_MAC_SIZE ||
	    crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed,
		n, aad, aad_n, nonce, key->b) != 0)
		return vrv_fail(err, VARVE_AUTH,
		    "sealed bytes do not open: changed, or another key");
	return 0;
}
