/* SPDX-License-Identifier: BSD-2-Clause */
#include "scratch.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/meta.h"

static struct varve_err err;

static void
stat_tells_kind_and_times(void **state)
{
	struct scratch *s = *state;
	struct vrv_time mtime = {1000000000, 123456789}, atime = {-5, 7};
	struct vrv_stat st;

	scratch_write(s->dir, "f", "hello", 5);
	assert_int_equal(symlinkat("f", s->dir, "l"), 0);
	assert_int_equal(vrv_os_make_node(s->dir, "p", VRV_FIFO, 0, 0, &err),
	    0);
	assert_int_equal(vrv_os_make_node(s->dir, "s", VRV_SOCKET, 0, 0, &err),
	    0);
	assert_int_equal(vrv_os_make_node(s->dir, "d", VRV_DIR, 0, 0, &err),
	    VARVE_USAGE);

	assert_int_equal(vrv_os_chmod(s->dir, "f", 04751, &err), 0);
	assert_int_equal(vrv_os_set_times(s->dir, "f", &mtime, &atime, &err),
	    0);
	assert_int_equal(vrv_os_stat(s->dir, "f", &st, &err), 0);
	assert_int_equal(st.kind, VRV_FILE);
	assert_int_equal(st.mode, 04751);
	assert_int_equal(st.size, 5);
	assert_int_equal(st.nlink, 1);
	assert_int_equal(vrv_time_cmp(st.mtime, mtime), 0);
	assert_int_equal(vrv_time_cmp(st.atime, atime), 0);

	mtime.s++;
	assert_int_equal(vrv_os_set_times(s->dir, "l", &mtime, NULL, &err), 0);
	assert_int_equal(vrv_os_stat(s->dir, "l", &st, &err), 0);
	assert_int_equal(st.kind, VRV_SYMLINK);
	assert_int_equal(st.mtime.s, mtime.s);
	assert_int_equal(vrv_os_stat(s->dir, "f", &st, &err), 0);
	assert_int_equal(st.mtime.s, mtime.s - 1);

	assert_int_equal(vrv_os_stat(s->dir, "p", &st, &err), 0);
	assert_int_equal(st.kind, VRV_FIFO);
	assert_int_equal(vrv_os_stat(s->dir, "s", &st, &err), 0);
	assert_int_equal(st.kind, VRV_SOCKET);
	assert_int_equal(vrv_os_stat(s->dir, "", &st, &err), 0);
	assert_int_equal(st.kind, VRV_DIR);
	assert_int_equal(vrv_os_stat(AT_FDCWD, "/dev/null", &st, &err), 0);
	assert_int_equal(st.kind, VRV_CHAR);
	assert_int_equal(st.rdev_major, 1);
	assert_int_equal(st.rdev_minor, 3);
	assert_int_equal(vrv_os_stat(s->dir, "none", &st, &err), VARVE_NOENT);
}

static void
nothing_follows_links(void **state)
{
	struct scratch *s = *state;
	struct vrv_arena arena = {0};
	struct vrv_stat st;
	char *target;

	scratch_write(s->dir, "f", "", 0);
	assert_int_equal(symlinkat("f", s->dir, "l"), 0);
	assert_int_equal(vrv_os_chmod(s->dir, "f", 0600, &err), 0);
	assert_int_not_equal(vrv_os_chmod(s->dir, "l", 0777, &err), 0);
	assert_int_equal(vrv_os_stat(s->dir, "f", &st, &err), 0);
	assert_int_equal(st.mode, 0600);
	assert_int_equal(vrv_os_chown(s->dir, "l", geteuid(), getegid(), &err),
	    0);

	assert_int_equal(vrv_os_readlink(s->dir, "l", &arena, &target, &err),
	    0);
	assert_string_equal(target, "f");
	assert_int_not_equal(vrv_os_readlink(s->dir, "f", &arena, &target,
				 &err),
	    0);
	vrv_arena_fini(&arena);
}

static void
empty_name_is_the_descriptor(void **state)
{
	struct scratch *s = *state;
	int flags[] = {O_RDONLY, O_PATH};
	struct vrv_time t = {77, 0};
	struct vrv_stat st;

	scratch_write(s->dir, "f", "", 0);
	for (size_t i = 0; i < 2; i++) {
		int fd = openat(s->dir, "f", flags[i]);
		assert_true(fd >= 0);
		assert_int_equal(vrv_os_chmod(fd, "", (uint16_t)(0610 + i),
				     &err),
		    0);
		t.s++;
		assert_int_equal(vrv_os_set_times(fd, "", &t, NULL, &err), 0);
		assert_int_equal(vrv_os_chown(fd, "", geteuid(), getegid(),
				     &err),
		    0);
		assert_int_equal(vrv_os_stat(fd, "", &st, &err), 0);
		assert_int_equal(st.mode, 0610 + i);
		assert_int_equal(st.mtime.s, t.s);
		close(fd);
	}
}

static void
check_xattrs(int dirfd, const char *name)
{
	struct vrv_arena arena = {0};
	struct vrv_xattr *x;
	size_t n, lost;

	assert_int_equal(vrv_os_xattrs(dirfd, name, &arena, &x, &n, &lost,
			     &err),
	    0);
	assert_int_equal(lost, 0);
	assert_int_equal(n, 3);
	assert_string_equal(x[0].name, "user.a");
	assert_int_equal(x[0].size, 0);
	assert_string_equal(x[1].name, "user.b");
	assert_int_equal(x[1].size, 3);
	assert_memory_equal(x[1].value, "x\0y", 3);
	assert_string_equal(x[2].name, "user.long");
	assert_int_equal(x[2].size, 2000);
	vrv_arena_fini(&arena);
}

static void
xattrs_by_name_and_descriptor(void **state)
{
	struct scratch *s = *state;
	static uint8_t much[2000] = {1};
	struct vrv_xattr b = {"user.b", (const uint8_t *)"x\0y", 3};
	struct vrv_xattr longest = {"user.long", much, sizeof(much)};
	struct vrv_xattr a = {"user.a", much, 0};
	struct vrv_arena arena = {0};
	struct vrv_xattr *x;
	size_t n, lost;

	scratch_write(s->dir, "f", "", 0);
	int fd = openat(s->dir, "f", O_RDONLY);
	int path_fd = openat(s->dir, "f", O_PATH);
	int rc = vrv_os_set_xattr(s->dir, "f", &longest, &err);
	if (rc != 0 && err.sys == EOPNOTSUPP)
		skip();
	assert_int_equal(rc, 0);
	assert_int_equal(vrv_os_set_xattr(fd, "", &b, &err), 0);
	assert_int_equal(vrv_os_set_xattr(path_fd, "", &a, &err), 0);
	check_xattrs(s->dir, "f");
	check_xattrs(fd, "");
	check_xattrs(path_fd, "");
	char whole[80];
	snprintf(whole, sizeof(whole), "%s/f", s->path);
	check_xattrs(AT_FDCWD, whole);
	check_xattrs(s->dir, whole);

	assert_int_equal(vrv_os_remove_xattr(s->dir, "f", "user.a", &err), 0);
	assert_int_equal(vrv_os_remove_xattr(fd, "", "user.b", &err), 0);
	assert_int_equal(vrv_os_remove_xattr(path_fd, "", "user.long", &err),
	    0);
	assert_int_not_equal(vrv_os_remove_xattr(fd, "", "user.b", &err), 0);
	assert_int_equal(vrv_os_xattrs(fd, "", &arena, &x, &n, &lost, &err), 0);
	assert_int_equal(n, 0);
	close(fd);
	close(path_fd);
	vrv_arena_fini(&arena);
}

/* A symbolic link has attributes of its own, never its target's. */
static void
xattrs_of_links(void **state)
{
	struct scratch *s = *state;
	struct vrv_xattr a = {"user.a", (const uint8_t *)"1", 1};
	struct vrv_arena arena = {0};
	struct vrv_xattr *x;
	size_t n = 9, lost;

	scratch_write(s->dir, "f", "", 0);
	assert_int_equal(symlinkat("f", s->dir, "l"), 0);
	if (vrv_os_set_xattr(s->dir, "f", &a, &err) != 0)
		skip();
	assert_int_not_equal(vrv_os_set_xattr(s->dir, "l", &a, &err), 0);
	assert_int_equal(vrv_os_xattrs(s->dir, "l", &arena, &x, &n, &lost,
			     &err),
	    0);
	assert_int_equal(n, 0);
	int fd = openat(s->dir, "l", O_PATH | O_NOFOLLOW);
	n = 9;
	assert_int_equal(vrv_os_xattrs(fd, "", &arena, &x, &n, &lost, &err), 0);
	assert_int_equal(n, 0);
	close(fd);
	assert_int_equal(vrv_os_xattrs(s->dir, "none", &arena, &x, &n, &lost,
			     &err),
	    VARVE_NOENT);
	vrv_arena_fini(&arena);
}

static void
inode_flags_of_files_only(void **state)
{
	struct scratch *s = *state;
	uint32_t flags = 99;

	scratch_write(s->dir, "f", "", 0);
	int fd = openat(s->dir, "f", O_RDONLY);
	assert_int_equal(vrv_os_flags(fd, &flags, &err), 0);
	uint32_t nodump = flags | 0x40;
	if (vrv_os_set_flags(fd, nodump, &err) == 0) {
		assert_int_equal(vrv_os_flags(fd, &flags, &err), 0);
		assert_int_equal(flags, nodump);
	}
	close(fd);
	fd = open("/dev/null", O_RDONLY);
	assert_int_equal(vrv_os_flags(fd, &flags, &err), 0);
	assert_int_equal(flags, 0);
	assert_int_not_equal(vrv_os_set_flags(fd, 0, &err), 0);
	close(fd);
	assert_int_equal(vrv_os_flags(fd, &flags, &err), VARVE_IO);
}

static void
holes_are_skipped(void **state)
{
	struct scratch *s = *state;
	const uint64_t mib = 1 << 20;
	uint64_t from, to, data = 0;
	bool seen = false;

	int fd = openat(s->dir, "f", O_RDWR | O_CREAT, 0600);
	assert_int_equal(ftruncate(fd, (off_t)(3 * mib)), 0);
	assert_int_equal(pwrite(fd, "x", 1, (off_t)mib), 1);
	for (uint64_t at = 0;; at = to) {
		assert_int_equal(vrv_os_next_data(fd, at, 3 * mib, &from, &to,
				     &err),
		    0);
		if (from == 3 * mib) {
			assert_int_equal(to, 3 * mib);
			break;
		}
		assert_true(at <= from && from < to && to <= 3 * mib);
		data += to - from;
		seen |= from <= mib && mib < to;
	}
	assert_true(seen);
	assert_true(data <= 3 * mib);

	/* The size we go by may be below the file's by now. */
	assert_int_equal(vrv_os_next_data(fd, mib, mib + 1, &from, &to, &err),
	    0);
	assert_int_equal(from, mib);
	assert_int_equal(to, mib + 1);
	assert_int_equal(vrv_os_next_data(fd, 5, 5, &from, &to, &err), 0);
	assert_int_equal(from, 5);
	close(fd);
	assert_int_equal(vrv_os_next_data(fd, 0, 5, &from, &to, &err),
	    VARVE_IO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SCRATCH_TEST(stat_tells_kind_and_times),
	    SCRATCH_TEST(nothing_follows_links),
	    SCRATCH_TEST(empty_name_is_the_descriptor),
	    SCRATCH_TEST(xattrs_by_name_and_descriptor),
	    SCRATCH_TEST(xattrs_of_links),
	    SCRATCH_TEST(inode_flags_of_files_only),
	    SCRATCH_TEST(holes_are_skipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
