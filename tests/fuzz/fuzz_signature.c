/* SPDX-License-Identifier: BSD-2-Clause */

/* The signature part of an object. */
#include "fuzz_support.h"

#include "crypto/crypto.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct vrv_key seed = {{1}};
	vrv_auto_buf struct vrv_buf object = {0};
	uint8_t by[VRV_SIGN_PUBLIC];
	struct vrv_signer signer;
	struct varve_err err;
	size_t end = 0;

	fuzz_check(vrv_crypto_init(&err) == 0, "cryptography");
	if (vrv_verify(data, size, by, &end, &err) == 0)
		fuzz_check(end < size, "a signature takes bytes");

	/* Whatever an object ends with, it is no signature of what follows. */
	vrv_signer_from_seed(&signer, &seed);
	vrv_buf_bytes(&object, data, size);
	if (vrv_sign(&object, &signer, &err) != 0)
		return 0;
	fuzz_check(vrv_verify(object.data, object.len, by, &end, &err) == 0 &&
		end == size && memcmp(by, signer.public, sizeof(by)) == 0,
	    "what is signed verifies");
	object.data[size / 2] ^= 1;
	fuzz_check(vrv_verify(object.data, object.len, by, &end, &err) != 0,
	    "what is changed does not");
	return 0;
}
