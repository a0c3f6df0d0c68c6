/* SPDX-License-Identifier: BSD-2-Clause */
#include "crypto/crypto.h"

#include <assert.h>

#include <sodium.h>

void
vrv_pair_from_seed(struct vrv_pair *out, const struct vrv_key *seed)
{
	out->secret = *seed;
	int rc = crypto_scalarmult_base(out->public.b, out->secret.b);
	assert(rc == 0);
}

static int
kem_key(struct vrv_key *out, const struct vrv_kem *kem, const uint8_t *epk,
    const struct vrv_key *secret, const uint8_t *public, struct varve_err *err)
{
	vrv_auto_key s;
	const uint8_t numbers[7] = {(uint8_t)kem->domain,
	    (uint8_t)(kem->domain >> 8), (uint8_t)kem->epoch,
	    (uint8_t)(kem->epoch >> 8), (uint8_t)(kem->epoch >> 16),
	    (uint8_t)(kem->epoch >> 24), (uint8_t)kem->kind};

	/* Fails when the result is all zero. */
	if (crypto_scalarmult(s.b, secret->b, public) != 0)
		return vrv_fail(err, VARVE_AUTH,
		    "X25519 public key of low order");
	const struct vrv_part parts[] = {
	    {"varve-kem-v1", 12},
	    {kem->repository, 32},
	    {numbers, sizeof(numbers)},
	    {epk, VRV_KEY_SIZE},
	    {kem->recipient->b, VRV_KEY_SIZE},
	    {s.b, VRV_KEY_SIZE},
	};
	vrv_blake2b_parts(out->b, sizeof(out->b), kem->psk, parts,
	    sizeof(parts) / sizeof(parts[0]));
	return 0;
}

int
vrv_kem_send(struct vrv_key *out, const struct vrv_kem *kem,
    const struct vrv_pair *ephemeral, struct varve_err *err)
{
	return kem_key(out, kem, ephemeral->public.b, &ephemeral->secret,
	    kem->recipient->b, err);
}

int
vrv_kem_receive(struct vrv_key *out, const struct vrv_kem *kem,
    const struct vrv_key *recipient_secret, const uint8_t epk[VRV_KEY_SIZE],
    struct varve_err *err)
{
	return kem_key(out, kem, epk, recipient_secret, epk, err);
}
