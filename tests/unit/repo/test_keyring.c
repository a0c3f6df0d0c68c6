/* SPDX-License-Identifier: BSD-2-Clause */

/* What a slot may hold beside the two keys that this version reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "repo/repo_internal.h"
#include "util/mem.h"

#define PASS "0123456789abcdef0123456789abcdef"
#define MUST(call) assert_int_equal((call), 0)

static const uint8_t repository[VRV_REPO_ID] = {7};
static const uint8_t master_bytes[40] = {1, 2, 3}, admin_bytes[40] = {4, 5, 6};

#define MASTER                                                                 \
	{                                                                      \
		0, 0, 0, 0, 32, master_bytes                                   \
	}
#define ADMIN                                                                  \
	{                                                                      \
		73, 1, 0, 0, 32, admin_bytes                                   \
	}

/* A slot of kdf 0 made by what varve-repository(5) says, not by the module. */
static void
make_slot(const struct vrv_ring_key *ring, uint32_t n, struct vrv_buf *object)
{
	struct vrv_header header = {.type = VRV_KEY_SLOT, .id = {9}};
	struct vrv_slot slot = {.kdf = VRV_KDF_FILE,
	    .salt = {1, 2},
	    .label = {(const uint8_t *)"x", 1}};
	vrv_auto_buf struct vrv_buf plain = VRV_SECRET_BUF;
	const struct vrv_part parts[] = {{PASS, 32}, {slot.salt, 16}};
	struct vrv_key kek, second;
	uint8_t stretched[64];
	struct varve_err err;

	memcpy(header.repository, repository, sizeof(repository));
	vrv_blake2b_parts(stretched, 64, NULL, parts, 2);
	memcpy(kek.b, stretched, 32);
	memcpy(second.b, stretched + 32, 32);
	vrv_header_put(object, &header);
	vrv_slot_put_clear(object, &slot);
	assert_false(object->failed);
	vrv_blake2b(object->data + object->len - 32, 32, &second, object->data,
	    object->len - 32);
	vrv_keyring_put(&plain, ring, n);
	MUST(vrv_block_seal(object, VRV_HEADER_SIZE, 1, &kek, plain.data,
	    plain.len, &err));
	vrv_trailer_put(object);
}

static int
open_ring(const struct vrv_ring_key *ring, uint32_t n)
{
	struct vrv_name name = {.type = VRV_KEY_SLOT, .id = {9}};
	struct vrv_buf object = {0};
	struct vrv_slot_object slot;
	struct vrv_key master = {{0}};
	uint8_t admin[VRV_SIGN_PUBLIC];
	struct vrv_stretched kept = {0};
	struct varve_err damage, err;

	make_slot(ring, n, &object);
	MUST(vrv_slot_object_parse(object.data, object.len, &name, &slot,
	    &damage, &err));
	int rc =
	    vrv_slot_object_open(&slot, PASS, 32, &kept, &master, admin, &err);
	if (rc == 0) {
		assert_memory_equal(master.b, master_bytes, 32);
		assert_memory_equal(admin, admin_bytes, 32);
	}
	vrv_slot_object_fini(&slot);
	return rc;
}

/* Another what, suite, domain or epoch is passed over, of any length. */
static void
test_unknown(void **state)
{
	static const uint8_t other[2000] = {8};
	static const struct vrv_ring_key ring[] = {
	    {0, 2, 0, 0, 2000, other},
	    {0, 0, 1, 0, 32, other},
	    {0, 0, 0, 1, 32, other},
	    MASTER,
	    {73, 2, 0, 0, 1312, other},
	    ADMIN,
	    {73, 1, 0, 1, 32, other},
	    {73, 0, 0, 0, 32, other},
	    {73, 1, 9, 0, 32, other},
	    {255, 255, 65535, UINT32_MAX, 0, other},
	};

	(void)state;
	MUST(open_ring(ring, sizeof(ring) / sizeof(ring[0])));
}

static void
test_refused(void **state)
{
	static const struct vrv_ring_key
	    none[] = {ADMIN},
	    suite[] = {{0, 1, 0, 0, 32, master_bytes}, ADMIN},
	    twice[] = {MASTER, MASTER, ADMIN}, again[] = {MASTER, ADMIN, ADMIN},
	    less[] = {{0, 0, 0, 0, 31, master_bytes}, ADMIN},
	    more[] = {MASTER, {73, 1, 0, 0, 33, admin_bytes}};

	(void)state;
	assert_int_equal(open_ring(none, 1), VARVE_NOTSUP);
	assert_int_equal(open_ring(suite, 2), VARVE_NOTSUP);
	assert_int_equal(open_ring(twice, 3), VARVE_CORRUPT);
	assert_int_equal(open_ring(again, 3), VARVE_CORRUPT);
	assert_int_equal(open_ring(less, 2), VARVE_CORRUPT);
	assert_int_equal(open_ring(more, 2), VARVE_CORRUPT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_unknown),
	    cmocka_unit_test(test_refused),
	};
	struct varve_err err;

	MUST(vrv_crypto_init(&err));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
