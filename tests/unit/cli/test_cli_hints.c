/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/stat.h>

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/hints.h"

struct fixture {
	char dir[PATH_MAX], table[PATH_MAX + 8];
};

static void
write_table(const struct fixture *f, const char *mount_point)
{
	FILE *table = fopen(f->table, "w");

	assert_non_null(table);
	fprintf(table, "# a comment\nUUID=1 / ext4 defaults 0 1\n");
	fprintf(table, "UUID=2 %s ext4 noauto 0 2\n", mount_point);
	assert_int_equal(fclose(table), 0);
}

static bool
unmounted(const struct fixture *f, const char *below)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s%s", f->dir, below);
	return vrv_hints_unmounted(path, f->table);
}

static void
test_table(void **state)
{
	char name[] = "/tmp/varve-hints.XXXXXX";
	struct fixture f = {0};

	(void)state;
	assert_non_null(mkdtemp(name));
	assert_non_null(realpath(name, f.dir));
	snprintf(f.table, sizeof(f.table), "%s.tab", f.dir);
	write_table(&f, "/nowhere");
	assert_false(unmounted(&f, ""));
	assert_false(unmounted(&f, "/repo"));

	write_table(&f, f.dir);
	assert_true(unmounted(&f, ""));
	assert_true(unmounted(&f, "/"));
	assert_true(unmounted(&f, "/repo"));
	assert_true(unmounted(&f, "/backup/repo"));
	/* Also from below it, and through a link to it. */
	char sub[PATH_MAX + 8];
	snprintf(sub, sizeof(sub), "%s/sub", f.dir);
	assert_int_equal(symlink(f.dir, sub), 0);
	assert_true(unmounted(&f, "/sub/repo"));
	assert_int_equal(unlink(sub), 0);
	assert_int_equal(mkdir(sub, 0700), 0);
	assert_true(unmounted(&f, "/sub/repo"));
	/* One that is mounted says nothing about others. */
	write_table(&f, "/proc");
	assert_false(vrv_hints_unmounted("/proc", f.table));
	assert_false(vrv_hints_unmounted("/proc/nope", f.table));

	assert_int_equal(rmdir(sub), 0);
	assert_int_equal(unlink(f.table), 0);
	assert_int_equal(rmdir(f.dir), 0);
	assert_false(vrv_hints_unmounted("/", f.table));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
