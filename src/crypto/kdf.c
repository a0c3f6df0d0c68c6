/* SPDX-License-Identifier: BSD-2-Clause */
#include "crypto/crypto.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include <sodium.h>

void
vrv_derive(struct vrv_key *out, const struct vrv_key *master,
    enum vrv_what what, uint16_t domain, uint32_t epoch)
{
	uint64_t id =
	    (uint64_t)what | (uint64_t)domain << 16 | (uint64_t)epoch << 32;

	_Static_assert(sizeof(out->b) == crypto_kdf_KEYBYTES, "key size");
	int rc = crypto_kdf_derive_from_key(out->b, sizeof(out->b), id,
	    "varve-k1", master->b);
	assert(rc == 0);
}

int
vrv_argon2id(uint8_t out[64], const void *passphrase, size_t n,
    const uint8_t salt[16], uint32_t passes, uint64_t memory,
    struct varve_err *err)
{
	uint8_t key[64];

	_Static_assert(crypto_pwhash_SALTBYTES == 16, "salt size");
	if (passes < crypto_pwhash_argon2id_OPSLIMIT_MIN ||
	    memory < crypto_pwhash_argon2id_MEMLIMIT_MIN ||
	    memory > crypto_pwhash_argon2id_MEMLIMIT_MAX ||
	    n > crypto_pwhash_argon2id_PASSWD_MAX)
		return vrv_fail(err, VARVE_LIMIT,
		    "Argon2id cannot use %" PRIu32 " passes over %" PRIu64
		    " bytes",
		    passes, memory);

	/* All arguments are in range: only memory can be missing now. */
	if (crypto_pwhash(key, sizeof(key), passphrase, n, salt, passes,
		(size_t)memory, crypto_pwhash_ALG_ARGON2ID13) != 0)
		return vrv_fail(err, VARVE_NOMEM,
		    "no memory for the %" PRIu64 " MiB of Argon2id",
		    memory >> 20);
	memcpy(out, key, sizeof(key));
	vrv_wipe(key, sizeof(key));
	return 0;
}
