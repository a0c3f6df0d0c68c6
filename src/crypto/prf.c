/* SPDX-License-Identifier: BSD-2-Clause */
#include "crypto/crypto.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "util/mem.h"

struct vrv_prf {
	EVP_CIPHER_CTX *ctx; /* wiped by libcrypto when freed */
};

int
vrv_prf_new(const uint8_t key[VRV_PRF_KEY], struct vrv_prf **ret,
    struct varve_err *err)
{
	struct vrv_prf *prf = calloc(1, sizeof(*prf));

	if (prf == NULL)
		return VRV_NOMEM(err, "a pseudorandom function");
	prf->ctx = EVP_CIPHER_CTX_new();
	if (prf->ctx == NULL ||
	    EVP_EncryptInit_ex(prf->ctx, EVP_aes_128_ecb(), NULL, key, NULL) !=
		1) {
		vrv_prf_free(prf);
		return VRV_NOMEM(err, "a pseudorandom function");
	}
	EVP_CIPHER_CTX_set_padding(prf->ctx, 0);
	*ret = prf;
	return 0;
}

void
vrv_prf_free(struct vrv_prf *prf)
{
	if (prf == NULL)
		return;
	EVP_CIPHER_CTX_free(prf->ctx);
	free(prf);
}

void
vrv_prf_blocks(struct vrv_prf *prf, uint8_t *blocks, size_t n)
{
	int done = 0;

	assert(n <= INT_MAX / VRV_PRF_BLOCK);
	int ok = EVP_EncryptUpdate(prf->ctx, blocks, &done, blocks,
	    (int)(n * VRV_PRF_BLOCK));
	/* Whole blocks of a cipher without padding leave nothing to fail. */
	if (ok != 1 || (size_t)done != n * VRV_PRF_BLOCK)
		abort();
}
