/* SPDX-License-Identifier: BSD-2-Clause */
#include "scratch.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/file.h"

static struct varve_err err;

static size_t
count_names(int dir)
{
	DIR *d = fdopendir(openat(dir, ".", O_RDONLY | O_DIRECTORY));
	size_t n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 2;
}

static void
reads_and_writes(void **state)
{
	struct scratch *s = *state;
	char back[16];
	size_t n;
	int fd;

	assert_int_equal(vrv_os_open(s->dir, "f", O_RDWR | O_CREAT, 0600, &fd,
			     &err),
	    0);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	assert_int_equal(vrv_os_write(fd, "hello world", 11, &err), 0);
	assert_int_equal(vrv_os_pwrite(fd, 6, "varve", 5, &err), 0);
	vrv_os_start_writeback(fd, 0, 11);
	assert_int_equal(vrv_os_fsync(fd, &err), 0);

	assert_int_equal(vrv_os_pread(fd, 6, back, sizeof(back), &n, &err), 0);
	assert_int_equal(n, 5);
	assert_memory_equal(back, "varve", 5);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(vrv_os_read(fd, back, 5, &n, &err), 0);
	assert_int_equal(n, 5);
	assert_memory_equal(back, "hello", 5);
	assert_int_equal(vrv_os_read(fd, back, sizeof(back), &n, &err), 0);
	assert_int_equal(n, 6);
	assert_int_equal(vrv_os_close(fd, &err), 0);

	assert_int_equal(vrv_os_close(fd, &err), VARVE_IO);
	assert_int_equal(err.sys, EBADF);
	assert_int_equal(vrv_os_fsync(fd, &err), VARVE_IO);
	assert_int_equal(vrv_os_open(s->dir, "none", O_RDONLY, 0, &fd, &err),
	    VARVE_NOENT);
}

/* A pipe gives what it has, so a full read takes several calls. */
static void
reads_on_after_short_reads(void **state)
{
	char back[8];
	int ends[2];
	size_t n;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 4; i++) {
			if (write(ends[1], "ab", 2) != 2)
				_exit(1);
			usleep(1000);
		}
		_exit(0);
	}
	close(ends[1]);
	assert_int_equal(vrv_os_read(ends[0], back, 8, &n, &err), 0);
	assert_int_equal(n, 8);
	assert_memory_equal(back, "abababab", 8);
	close(ends[0]);
}

static void
some_bytes_are_what_has_come(void **state)
{
	char back[8];
	int ends[2];
	size_t n;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "abc", 3), 3);
	assert_int_equal(vrv_os_read_some(ends[0], back, 8, &n, &err), 0);
	assert_int_equal(n, 3);
	assert_memory_equal(back, "abc", 3);
	close(ends[1]);
	assert_int_equal(vrv_os_read_some(ends[0], back, 8, &n, &err), 0);
	assert_int_equal(n, 0);
	close(ends[0]);
	assert_int_not_equal(vrv_os_read_some(ends[0], back, 8, &n, &err), 0);
	assert_int_equal(err.sys, EBADF);
}

static void
a_full_disk_has_its_status(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(vrv_os_open(AT_FDCWD, "/dev/full", O_WRONLY, 0, &fd,
			     &err),
	    0);
	assert_int_equal(vrv_os_write(fd, "x", 1, &err), VARVE_IO);
	assert_int_equal(err.exit, VARVE_EXIT_NO_SPACE);
	assert_int_equal(vrv_os_close(fd, &err), 0);
}

static void
load_is_bounded(void **state)
{
	struct scratch *s = *state;
	vrv_auto_buf struct vrv_buf buf = {0};
	static char big[200000];

	memset(big, 'x', sizeof(big));
	scratch_write(s->dir, "big", big, sizeof(big));
	int fd = openat(s->dir, "big", O_RDONLY);
	vrv_buf_bytes(&buf, "ab", 2);
	assert_int_equal(vrv_os_load_fd(fd, sizeof(big), &buf, &err), 0);
	assert_int_equal(buf.len, 2 + sizeof(big));
	assert_memory_equal(buf.data, "ab", 2);
	assert_memory_equal(buf.data + 2, big, sizeof(big));
	/* At its end there is nothing more. */
	assert_int_equal(vrv_os_load_fd(fd, 0, &buf, &err), 0);
	assert_int_equal(buf.len, 2 + sizeof(big));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(vrv_os_load_fd(fd, sizeof(big) - 1, &buf, &err),
	    VARVE_LIMIT);
	assert_int_equal(buf.len, 2 + sizeof(big));
	close(fd);
}

static void
link_never_overwrites(void **state)
{
	struct scratch *s = *state;
	struct vrv_newfile file;
	struct stat st;
	char back[8];
	size_t n;
	int fd;

	assert_int_equal(mkdirat(s->dir, "sub", 0700), 0);
	assert_int_equal(vrv_newfile_open(s->dir, 0400, &file, &err), 0);
	assert_int_equal(vrv_os_write(file.fd, "one", 3, &err), 0);
	assert_int_equal(vrv_newfile_link(&file, s->dir, "sub/name", &err), 0);
	assert_int_equal(fstatat(s->dir, "sub/name", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0400);
	assert_int_equal(st.st_nlink, 1);

	assert_int_equal(vrv_newfile_open(s->dir, 0400, &file, &err), 0);
	assert_int_equal(vrv_os_write(file.fd, "two", 3, &err), 0);
	assert_int_equal(vrv_newfile_link(&file, s->dir, "sub/name", &err),
	    VARVE_EXISTS);
	assert_int_equal(vrv_os_open(s->dir, "sub/name", O_RDONLY, 0, &fd,
			     &err),
	    0);
	assert_int_equal(vrv_os_read(fd, back, sizeof(back), &n, &err), 0);
	assert_int_equal(n, 3);
	assert_memory_equal(back, "one", 3);
	close(fd);

	assert_int_equal(vrv_newfile_open(s->dir, 0400, &file, &err), 0);
	assert_int_equal(vrv_newfile_link(&file, s->dir, "gone/name", &err),
	    VARVE_NOENT);
	assert_int_equal(vrv_newfile_open(s->dir, 0400, &file, &err), 0);
	vrv_newfile_abort(&file);
	assert_int_equal(count_names(s->dir), 1); /* no temporary is left */
}

/* Its fsync fails (a pipe has none), so nothing may get the name. */
static void
failed_fsync_gives_no_name(void **state)
{
	struct scratch *s = *state;
	struct vrv_newfile file;
	int ends[2];

	for (int replace = 0; replace < 2; replace++) {
		assert_int_equal(vrv_newfile_open(s->dir, 0400, &file, &err),
		    0);
		assert_int_equal(pipe(ends), 0);
		assert_int_equal(dup2(ends[1], file.fd), file.fd);
		int rc = replace ?
		    vrv_newfile_replace(&file, s->dir, "name", &err) :
		    vrv_newfile_link(&file, s->dir, "name", &err);
		assert_int_equal(rc, VARVE_IO);
		assert_non_null(strstr(err.message, "fsync"));
		assert_int_equal(count_names(s->dir), 0);
		assert_int_equal(file.fd, -1);
		close(ends[0]);
		close(ends[1]);
	}
}

static void
replace_keeps_one_name(void **state)
{
	struct scratch *s = *state;
	vrv_auto_buf struct vrv_buf buf = {0};
	char path[128];

	assert_int_equal(vrv_os_replace_file(s->dir, "state", 0600, "old", 3,
			     &err),
	    0);
	assert_int_equal(vrv_os_replace_file(s->dir, "state", 0600, "newer", 5,
			     &err),
	    0);
	snprintf(path, sizeof(path), "%s/state", s->path);
	assert_int_equal(vrv_os_replace_file(AT_FDCWD, path, 0600, "newest", 6,
			     &err),
	    0);
	int fd = openat(s->dir, "state", O_RDONLY);
	assert_int_equal(vrv_os_load_fd(fd, 100, &buf, &err), 0);
	close(fd);
	assert_int_equal(buf.len, 6);
	assert_memory_equal(buf.data, "newest", 6);
	assert_int_equal(count_names(s->dir), 1);

	assert_int_equal(mkdirat(s->dir, "folder", 0700), 0);
	assert_int_equal(vrv_os_replace_file(s->dir, "folder", 0600, "x", 1,
			     &err),
	    VARVE_IO);
	assert_int_equal(vrv_os_replace_file(s->dir, "no/state", 0600, "x", 1,
			     &err),
	    VARVE_NOENT);
	assert_int_equal(count_names(s->dir), 2);
}

static void
mkdirs_makes_all(void **state)
{
	struct scratch *s = *state;
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/a//b/c/", s->path);
	assert_int_equal(vrv_os_mkdirs(path, &err), 0);
	assert_int_equal(vrv_os_mkdirs(path, &err), 0);
	assert_int_equal(fstatat(s->dir, "a/b/c", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0700);

	scratch_write(s->dir, "a/file", "", 0);
	snprintf(path, sizeof(path), "%s/a/file", s->path);
	assert_int_equal(vrv_os_mkdirs(path, &err), VARVE_IO);
	assert_int_equal(err.sys, ENOTDIR);
	snprintf(path, sizeof(path), "%s/a/file/x", s->path);
	assert_int_equal(vrv_os_mkdirs(path, &err), VARVE_IO);
	assert_int_equal(vrv_os_mkdirs("", &err), VARVE_NOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SCRATCH_TEST(reads_and_writes),
	    SCRATCH_TEST(reads_on_after_short_reads),
	    SCRATCH_TEST(some_bytes_are_what_has_come),
	    SCRATCH_TEST(a_full_disk_has_its_status),
	    SCRATCH_TEST(load_is_bounded),
	    SCRATCH_TEST(link_never_overwrites),
	    SCRATCH_TEST(failed_fsync_gives_no_name),
	    SCRATCH_TEST(replace_keeps_one_name),
	    SCRATCH_TEST(mkdirs_makes_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
