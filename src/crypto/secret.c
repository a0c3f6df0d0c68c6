/* SPDX-License-Identifier: BSD-2-Clause */
#include "crypto/crypto.h"

#include <string.h>

#include <sodium.h>

int
vrv_crypto_init(struct varve_err *err)
{
	if (sodium_init() < 0)
		return vrv_fail(err, VARVE_INTERNAL,
		    "libsodium does not start");
	return 0;
}

void *
vrv_secret_new(size_t n)
{
	/* libsodium puts the end of the object at the end of a page, so that
	 * its start is aligned only if its size is. */
	const size_t align = _Alignof(max_align_t);
	size_t size;

	if (__builtin_add_overflow(n, align - 1, &size))
		return NULL;
	size -= size % align;
	void *secret = sodium_malloc(size);
	if (secret != NULL)
		memset(secret, 0, size);
	return secret;
}

void
vrv_secret_free(void *secret)
{
	sodium_free(secret);
}

void
vrv_cleanup_secret(void *pp)
{
	void *p;

	memcpy(&p, pp, sizeof(p));
	vrv_secret_free(p);
}

void
vrv_key_wipe(struct vrv_key *key)
{
	vrv_wipe(key, sizeof(*key));
}

void
vrv_wipe(void *bytes, size_t n)
{
	sodium_memzero(bytes, n);
}

void
vrv_random(void *to, size_t n)
{
	randombytes_buf(to, n);
}

bool
vrv_same(const void *a, const void *b, size_t n)
{
	return sodium_memcmp(a, b, n) == 0;
}
