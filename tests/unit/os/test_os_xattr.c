/* SPDX-License-Identifier: BSD-2-Clause */

/* More extended attributes than an entry can have: most file systems that the
 * tests run on do not store as many. */

#include "scratch.h"

#include <sys/xattr.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os/file.h"
#include "os/meta.h"

#define ATTRS 40
#define SIZE 65536

static struct varve_err err;
static int reads;
static bool odd_name; /* one of 256 bytes is listed as well */

/* These take the place of those of libc: names "user.00" to "user.39". */
ssize_t
flistxattr(int fd, char *to, size_t n)
{
	(void)fd;
	if (odd_name && n == 0)
		return 8 + 257;
	if (odd_name) {
		strcpy(to, "user.00");
		memset(to + 8, 'n', 256);
		to[8 + 256] = '\0';
		return 8 + 257;
	}
	for (int i = 0; n >= 8 * ATTRS && i < ATTRS; i++)
		sprintf(to + (size_t)i * 8, "user.%02d", i);
	if (n != 0 && n < 8 * ATTRS) {
		errno = ERANGE;
		return -1;
	}
	return 8 * ATTRS;
}

ssize_t
fgetxattr(int fd, const char *name, void *to, size_t n)
{
	(void)fd;
	if (strlen(name) > 255) { /* as Linux says */
		assert_true(++reads < 100);
		errno = ERANGE;
		return -1;
	}
	assert_true(strncmp(name, "user.", 5) == 0);
	errno = strcmp(name, "user.none") == 0 ? ENODATA :
	    strcmp(name, "user.denied") == 0   ? EACCES :
						 0;
	if (errno != 0)
		return -1;
	if (n >= SIZE) {
		memset(to, 'x', SIZE);
		reads++;
	}
	return SIZE;
}

static void
what_is_too_much_is_counted_as_lost(void **state)
{
	struct scratch *s = *state;
	struct vrv_arena arena = {0};
	struct vrv_xattr *x;
	size_t n, lost;
	int fd;

	scratch_write(s->dir, "file", "x", 1);
	assert_int_equal(vrv_os_open(s->dir, "file", O_RDONLY, 0, &fd, &err),
	    0);
	assert_int_equal(vrv_os_xattrs(fd, "", &arena, &x, &n, &lost, &err), 0);
	assert_int_equal(n, VRV_OS_XATTRS_MAX / SIZE);
	assert_int_equal(lost, ATTRS - n);
	/* Nor is it read. */
	assert_in_range(reads, n, n + 1);
	vrv_arena_fini(&arena);
	close(fd);
}

static void
one_attribute_is_read(void **state)
{
	struct scratch *s = *state;
	struct vrv_arena arena = {0};
	struct vrv_xattr x;
	int fd;

	scratch_write(s->dir, "file", "x", 1);
	assert_int_equal(vrv_os_open(s->dir, "file", O_RDONLY, 0, &fd, &err),
	    0);
	assert_int_equal(vrv_os_xattr(fd, "", "user.00", &arena, &x, &err), 0);
	assert_string_equal(x.name, "user.00");
	assert_int_equal(x.size, SIZE);
	assert_int_equal(vrv_os_xattr(fd, "", "user.none", &arena, &x, &err),
	    VARVE_NOENT);
	assert_int_equal(vrv_os_xattr(fd, "", "user.denied", &arena, &x, &err),
	    VARVE_IO);
	assert_int_equal(err.sys, EACCES);
	vrv_arena_fini(&arena);
	close(fd);
}

/* A FUSE server may list it, and nobody can ask for its value. */
static void
a_name_that_is_too_long_is_lost(void **state)
{
	struct scratch *s = *state;
	struct vrv_arena arena = {0};
	struct vrv_xattr *x;
	size_t n, lost;
	int fd;

	reads = 0;
	odd_name = true;
	scratch_write(s->dir, "file", "x", 1);
	assert_int_equal(vrv_os_open(s->dir, "file", O_RDONLY, 0, &fd, &err),
	    0);
	assert_int_equal(vrv_os_xattrs(fd, "", &arena, &x, &n, &lost, &err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(lost, 1);
	odd_name = false;
	vrv_arena_fini(&arena);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SCRATCH_TEST(what_is_too_much_is_counted_as_lost),
	    SCRATCH_TEST(a_name_that_is_too_long_is_lost),
	    SCRATCH_TEST(one_attribute_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
