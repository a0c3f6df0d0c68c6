/* SPDX-License-Identifier: BSD-2-Clause */
/* What two states of a directory permit together: never more than either. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mount/mount_internal.h"

struct person {
	uid_t uid;
	unsigned groups; /* bits */
};

static mode_t
rights(const struct stat *st, struct person who)
{
	if (who.uid == st->st_uid)
		return st->st_mode >> 6 & 7;
	return (who.groups >> st->st_gid & 1) != 0 ? st->st_mode >> 3 & 7 :
						     st->st_mode & 7;
}

/* Everybody, with every combination of groups. */
static void
compare(const struct stat *a, const struct stat *b)
{
	struct stat both = *a;

	vrv_rights_limit(&both, b);
	for (unsigned i = 0; i < 3 * 8; i++) {
		const struct person who = {i / 8, i % 8};
		mode_t most = rights(a, who) & rights(b, who);
		assert_int_equal(rights(&both, who) & ~most, 0);
		if (a->st_uid == b->st_uid && a->st_gid == b->st_gid)
			assert_int_equal(rights(&both, who), most);
	}
}

static void
test_limit(void **state)
{
	(void)state;
	for (unsigned modes = 0; modes < 64 * 64; modes++) {
		/* Reading and searching only: 64 modes each. */
		mode_t a = 0, b = 0;
		for (unsigned bit = 0; bit < 6; bit++) {
			mode_t at = (mode_t)1 << (bit / 2 * 3 + bit % 2 * 2);
			a |= (modes >> bit & 1) != 0 ? at : 0;
			b |= (modes >> (bit + 6) & 1) != 0 ? at : 0;
		}
		for (unsigned owners = 0; owners < 4; owners++) {
			const struct stat x = {.st_mode = S_IFDIR | a};
			const struct stat y = {
			    .st_mode = S_IFDIR | b,
			    .st_uid = owners & 1,
			    .st_gid = owners >> 1,
			};
			compare(&x, &y);
			compare(&y, &x);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
