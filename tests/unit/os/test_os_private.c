/* SPDX-License-Identifier: BSD-2-Clause */
#include "scratch.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "os/private.h"

static struct varve_err err;

static void
name_below(char *path, size_t size, const struct scratch *s, const char *name)
{
	assert_true(snprintf(path, size, "%s/%s", s->path, name) < (int)size);
}

static void
directory_is_made_private(void **state)
{
	struct scratch *s = *state;
	char path[128];
	struct stat st;
	int fd;

	name_below(path, sizeof(path), s, "a/b");
	assert_int_equal(vrv_private_dir(path, false, &fd, &err), VARVE_NOENT);
	assert_int_equal(vrv_private_dir(path, true, &fd, &err), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	close(fd);
}

static void
directory_of_others_is_refused(void **state)
{
	struct scratch *s = *state;
	char path[128];
	int fd;

	assert_int_equal(mkdirat(s->dir, "d", 0700), 0);
	assert_int_equal(symlinkat("d", s->dir, "link"), 0);
	name_below(path, sizeof(path), s, "link");
	assert_int_equal(vrv_private_dir(path, true, &fd, &err), VARVE_IO);
	name_below(path, sizeof(path), s, "link/");
	assert_int_equal(vrv_private_dir(path, false, &fd, &err), VARVE_IO);
	name_below(path, sizeof(path), s, "link//");
	assert_int_equal(vrv_private_dir(path, true, &fd, &err), VARVE_IO);
	name_below(path, sizeof(path), s, "d//");
	assert_int_equal(vrv_private_dir(path, true, &fd, &err), 0);
	close(fd);
	assert_int_equal(vrv_private_dir("/", false, &fd, &err), 0);
	close(fd);

	name_below(path, sizeof(path), s, "d");
	assert_int_equal(fchmodat(s->dir, "d", 0770, 0), 0);
	assert_int_equal(vrv_private_dir(path, true, &fd, &err), VARVE_IO);
	assert_int_equal(err.sys, EPERM);
	assert_int_equal(fchmodat(s->dir, "d", 0700, 0), 0);
	assert_int_equal(vrv_private_dir(path, true, &fd, &err), 0);
	close(fd);

	if (geteuid() != 0)
		return; /* only root can give a directory away */
	assert_int_equal(fchownat(s->dir, "d", 12345, (gid_t)-1, 0), 0);
	assert_int_equal(vrv_private_dir(path, true, &fd, &err), VARVE_IO);
	assert_int_equal(err.sys, EPERM);
}

static void
files_are_regular_and_own(void **state)
{
	struct scratch *s = *state;
	vrv_auto_buf struct vrv_buf buf = {0};
	int fd;

	scratch_write(s->dir, "f", "hello", 5);
	assert_int_equal(symlinkat("f", s->dir, "link"), 0);
	assert_int_equal(mkfifoat(s->dir, "fifo", 0600), 0);
	assert_int_equal(mkdirat(s->dir, "d", 0700), 0);

	assert_int_equal(vrv_private_load(s->dir, "f", 5, &buf, &err), 0);
	assert_int_equal(buf.len, 5);
	assert_int_equal(vrv_private_load(s->dir, "f", 4, &buf, &err),
	    VARVE_LIMIT);
	assert_int_equal(buf.len, 5);
	assert_int_equal(vrv_private_load(s->dir, "link", 5, &buf, &err),
	    VARVE_IO);
	assert_int_equal(err.sys, ELOOP);
	/* Neither blocks nor reads. */
	assert_int_equal(vrv_private_load(s->dir, "fifo", 5, &buf, &err),
	    VARVE_IO);
	assert_int_equal(vrv_private_load(s->dir, "d", 5, &buf, &err),
	    VARVE_IO);
	assert_int_equal(vrv_private_load(s->dir, "none", 5, &buf, &err),
	    VARVE_NOENT);
	assert_int_equal(vrv_private_open(s->dir, "link", O_WRONLY | O_TRUNC,
			     &fd, &err),
	    VARVE_IO);
	assert_int_equal(vrv_private_load(s->dir, "f", 5, &buf, &err), 0);

	if (geteuid() != 0)
		return;
	assert_int_equal(fchownat(s->dir, "f", 12345, (gid_t)-1, 0), 0);
	assert_int_equal(vrv_private_load(s->dir, "f", 5, &buf, &err),
	    VARVE_IO);
	assert_int_equal(err.sys, EPERM);
}

static void
lock_excludes_until_closed(void **state)
{
	struct scratch *s = *state;
	int first, second;

	assert_int_equal(vrv_private_lock(s->dir, "lock", 0, &first, &err), 0);
	assert_int_equal(vrv_private_lock(s->dir, "lock", 40, &second, &err),
	    VARVE_LOCKED);
	close(first);
	assert_int_equal(vrv_private_lock(s->dir, "lock", 0, &second, &err), 0);
	close(second);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SCRATCH_TEST(directory_is_made_private),
	    SCRATCH_TEST(directory_of_others_is_refused),
	    SCRATCH_TEST(files_are_regular_and_own),
	    SCRATCH_TEST(lock_excludes_until_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
