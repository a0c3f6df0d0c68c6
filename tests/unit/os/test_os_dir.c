/* SPDX-License-Identifier: BSD-2-Clause */
#include "scratch.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/dir.h"
#include "os/os_internal.h"

static struct varve_err err;

typedef int open_fn(int root, const char *path, int flags, mode_t mode,
    int *ret_fd, struct varve_err *);

static void
lists_sorted_by_bytes(void **state)
{
	const char *const want[] = {"A", "a", "a-", "a.b", "aa", "b", "\xff"};
	struct scratch *s = *state;
	struct vrv_arena arena = {0};
	struct vrv_dirent *e;
	size_t n;

	assert_int_equal(vrv_os_list_dir(s->dir, &arena, &e, &n, &err), 0);
	assert_int_equal(n, 0);
	free(e);
	for (size_t i = 7; i-- > 0;)
		scratch_write(s->dir, want[i], "", 0);
	assert_int_equal(unlinkat(s->dir, "aa", 0), 0);
	assert_int_equal(mkdirat(s->dir, "aa", 0700), 0);
	for (int twice = 0; twice < 2; twice++) {
		assert_int_equal(vrv_os_list_dir(s->dir, &arena, &e, &n, &err),
		    0);
		assert_int_equal(n, 7);
		for (size_t i = 0; i < n; i++) {
			assert_string_equal(e[i].name, want[i]);
			assert_int_equal(e[i].len, strlen(want[i]));
			if (e[i].kind != 0)
				assert_int_equal(e[i].kind,
				    i == 4 ? VRV_DIR : VRV_FILE);
		}
		free(e);
	}
	vrv_arena_fini(&arena);
}

static void
lists_more_than_one_buffer(void **state)
{
	struct scratch *s = *state;
	struct vrv_arena arena = {0};
	struct vrv_dirent *e;
	char name[100];
	size_t n;

	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "%060d", i * 7919 % 3000);
		scratch_write(s->dir, name, "", 0);
	}
	assert_int_equal(vrv_os_list_dir(s->dir, &arena, &e, &n, &err), 0);
	assert_int_equal(n, 3000);
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "%060d", i);
		assert_string_equal(e[i].name, name);
	}
	free(e);
	vrv_arena_fini(&arena);
}

static void
listing_a_file_fails(void **state)
{
	struct scratch *s = *state;
	struct vrv_arena arena = {0};
	struct vrv_dirent *e = NULL;
	size_t n = 0;

	scratch_write(s->dir, "f", "", 0);
	int fd = openat(s->dir, "f", O_RDONLY);
	assert_int_equal(vrv_os_list_dir(fd, &arena, &e, &n, &err), VARVE_IO);
	assert_int_equal(err.sys, ENOTDIR);
	assert_null(e);
	close(fd);
}

static void
check_beneath(int root, open_fn *open_it)
{
	static const char *const refused[] = {"link/f", "sub/up/sub/f",
	    "/etc/passwd", "../x", "sub/../../x", "sub/out", "sub/f/x"};
	int fd;

	assert_int_equal(open_it(root, "sub/f", O_RDONLY, 0, &fd, &err), 0);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	close(fd);
	assert_int_equal(open_it(root, ".", O_RDONLY | O_DIRECTORY, 0, &fd,
			     &err),
	    0);
	close(fd);
	assert_int_equal(open_it(root, "sub//new", O_WRONLY | O_CREAT | O_EXCL,
			     0600, &fd, &err),
	    0);
	close(fd);
	assert_int_equal(unlinkat(root, "sub/new", 0), 0);
	assert_int_equal(open_it(root, "sub/none", O_RDONLY, 0, &fd, &err),
	    VARVE_NOENT);
	assert_int_equal(open_it(root, "", O_RDONLY, 0, &fd, &err),
	    VARVE_NOENT);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_int_equal(open_it(root, refused[i], O_RDONLY, 0, &fd,
				     &err),
		    VARVE_IO);
}

static void
opens_only_beneath(void **state)
{
	struct scratch *s = *state;

	assert_int_equal(mkdirat(s->dir, "sub", 0700), 0);
	scratch_write(s->dir, "sub/f", "x", 1);
	assert_int_equal(symlinkat("sub", s->dir, "link"), 0);
	assert_int_equal(symlinkat("..", s->dir, "sub/up"), 0);
	assert_int_equal(symlinkat("/etc/passwd", s->dir, "sub/out"), 0);
	check_beneath(s->dir, vrv_os_open_beneath);
	check_beneath(s->dir, vrv_os_walk_beneath);
}

static void
sources_neither_follow_nor_block(void **state)
{
	struct scratch *s = *state;
	int fd;

	scratch_write(s->dir, "f", "x", 1);
	assert_int_equal(mkdirat(s->dir, "d", 0700), 0);
	assert_int_equal(symlinkat("f", s->dir, "l"), 0);
	assert_int_equal(symlinkat("d", s->dir, "ld"), 0);
	assert_int_equal(mkfifoat(s->dir, "p", 0600), 0);

	assert_int_equal(vrv_os_open_source(s->dir, "f", &fd, &err), 0);
	close(fd);
	assert_int_equal(vrv_os_open_source(s->dir, "p", &fd, &err), 0);
	close(fd);
	assert_int_equal(vrv_os_open_source(s->dir, "l", &fd, &err), VARVE_IO);
	assert_int_equal(err.sys, ELOOP);
	assert_int_equal(vrv_os_open_source_dir(s->dir, "d", &fd, &err), 0);
	close(fd);
	assert_int_equal(vrv_os_open_source_dir(s->dir, "ld", &fd, &err),
	    VARVE_IO);
	assert_int_equal(vrv_os_open_source_dir(s->dir, "f", &fd, &err),
	    VARVE_IO);
	assert_int_equal(vrv_os_open_source(s->dir, "none", &fd, &err),
	    VARVE_NOENT);
}

/* O_NOATIME is for owners: somebody else's file opens without it. */
static void
sources_of_others_open(void **state)
{
	struct scratch *s = *state;
	int fd;

	if (geteuid() != 0)
		skip();
	scratch_write(s->dir, "f", "x", 1);
	assert_int_equal(fchmodat(s->dir, "f", 0644, 0), 0);
	assert_int_equal(fchmod(s->dir, 0755), 0);
	assert_int_equal(seteuid(65534), 0);
	int rc = vrv_os_open_source(s->dir, "f", &fd, &err);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(rc, 0);
	assert_int_equal(fcntl(fd, F_GETFL) & O_NOATIME, 0);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SCRATCH_TEST(lists_sorted_by_bytes),
	    SCRATCH_TEST(lists_more_than_one_buffer),
	    SCRATCH_TEST(listing_a_file_fails),
	    SCRATCH_TEST(opens_only_beneath),
	    SCRATCH_TEST(sources_neither_follow_nor_block),
	    SCRATCH_TEST(sources_of_others_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
