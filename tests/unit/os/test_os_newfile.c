/* SPDX-License-Identifier: BSD-2-Clause */

/* Temporary files: their lock, and the sweep of abandoned ones. */

#include "scratch.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "os/file.h"
#include "os/place.h"

#define ABANDONED ".varve-0123456789abcdef0123456789abcdef.tmp"
#define DAY (24 * 60 * 60)

static struct varve_err err;

/* What happens just before the library takes a lock, links or renames. */
static struct {
	int sweep_before_lock; /* times */
	int sweep_before_name;
	bool no_locks;
	bool no_flags; /* renameat2() knows none, as on NFS */
	bool repeated; /* linkat() is done, and fails when done again */
	int dir;
} hook;

/* These take the place of those of libc. */
int
flock(int fd, int operation)
{
	if (hook.no_locks) {
		errno = ENOLCK;
		return -1;
	}
	if ((operation & LOCK_EX) != 0 && hook.sweep_before_lock > 0) {
		hook.sweep_before_lock--;
		vrv_newfile_sweep(hook.dir);
	}
	return (int)syscall(SYS_flock, fd, operation);
}

static void
before_name(void)
{
	if (hook.sweep_before_name > 0) {
		hook.sweep_before_name--;
		vrv_newfile_sweep(hook.dir);
	}
}

int
linkat(int from, const char *old, int to, const char *new, int flags)
{
	before_name();
	if (hook.repeated)
		(void)syscall(SYS_linkat, from, old, to, new, flags);
	return (int)syscall(SYS_linkat, from, old, to, new, flags);
}

int
renameat(int from, const char *old, int to, const char *new)
{
	before_name();
	return (int)syscall(SYS_renameat2, from, old, to, new, 0);
}

int
renameat2(int from, const char *old, int to, const char *new,
    unsigned int flags)
{
	if (hook.no_flags && flags != 0) {
		errno = EINVAL;
		return -1;
	}
	return (int)syscall(SYS_renameat2, from, old, to, new, flags);
}

static bool
is_there(const struct scratch *s, const char *name)
{
	return faccessat(s->dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void
set_age(const struct scratch *s, const char *name, time_t seconds)
{
	struct timespec t[2] = {{.tv_sec = time(NULL) - seconds},
	    {.tv_sec = time(NULL) - seconds}};

	assert_int_equal(utimensat(s->dir, name, t, AT_SYMLINK_NOFOLLOW), 0);
}

static void
what_a_killed_process_left_goes_at_once(void **state)
{
	struct scratch *s = *state;
	struct vrv_newfile file;
	int status, ends[2];

	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		bool bad = vrv_newfile_open(s->dir, 0400, &file, &err) != 0 ||
		    write(ends[1], file.name, sizeof(file.name)) !=
			sizeof(file.name);
		_exit(bad);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(read(ends[0], file.name, sizeof(file.name)),
	    sizeof(file.name));
	close(ends[0]);
	close(ends[1]);

	assert_true(is_there(s, file.name));
	vrv_newfile_sweep(s->dir);
	assert_false(is_there(s, file.name));
}

static void
what_is_in_use_stays_whatever_its_age(void **state)
{
	struct scratch *s = *state;
	struct vrv_newfile file;

	for (int replace = 0; replace < 2; replace++) {
		const char *name = replace ? "replaced" : "linked";

		assert_int_equal(vrv_newfile_open(s->dir, 0400, &file, &err),
		    0);
		set_age(s, file.name, 40 * DAY);
		vrv_newfile_sweep(s->dir);
		assert_true(is_there(s, file.name));

		/* Between fsync and the final name, too. */
		hook.sweep_before_name = 1;
		int rc = replace ?
		    vrv_newfile_replace(&file, s->dir, name, &err) :
		    vrv_newfile_link(&file, s->dir, name, &err);
		assert_int_equal(rc, 0);
		assert_int_equal(hook.sweep_before_name, 0);
		assert_int_equal(file.fd, -1);
		assert_true(is_there(s, name));
		assert_false(is_there(s, file.name));
	}
}

/* The sweeper finds the file before it is locked. */
static void
a_sweeper_that_wins_costs_a_retry(void **state)
{
	struct scratch *s = *state;
	struct vrv_newfile file;

	hook.sweep_before_lock = 3;
	assert_int_equal(vrv_newfile_open(s->dir, 0400, &file, &err), 0);
	assert_int_equal(hook.sweep_before_lock, 0);
	assert_true(is_there(s, file.name));
	assert_int_equal(vrv_newfile_link(&file, s->dir, "name", &err), 0);

	hook.sweep_before_lock = 1000;
	assert_int_equal(vrv_newfile_open(s->dir, 0400, &file, &err), VARVE_IO);
	hook.sweep_before_lock = 0;
}

static void
nothing_else_is_swept(void **state)
{
	static const char *const others[] =
	    {"0123456789abcdef0123456789abcdef.tmp", ".varve-.tmp",
		".varve-0123456789abcdef0123456789abcde.tmp",
		".varve-0123456789abcdef0123456789abcdef0.tmp",
		".varve-0123456789ABCDEF0123456789abcdef.tmp",
		".varve-0123456789abcdef0123456789abcdef.tmpx",
		".varve-0123456789abcdef0123456789abcdef", "id_rsa"};
	static const char *const digits[] = {"0", "1", "2"};
	struct scratch *s = *state;
	char name[64];

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		scratch_write(s->dir, others[i], "", 0);
		set_age(s, others[i], 40 * DAY);
	}
	/* Names of ours that are not regular files. */
	for (size_t i = 0; i < 3; i++) {
		snprintf(name, sizeof(name),
		    ".varve-%s123456789abcdef0123456789abcdee.tmp", digits[i]);
		int rc = i == 0 ? mkdirat(s->dir, name, 0700) :
		    i == 1	? mkfifoat(s->dir, name, 0600) :
				  symlinkat("id_rsa", s->dir, name);
		assert_int_equal(rc, 0);
		set_age(s, name, 40 * DAY);
	}
	scratch_write(s->dir, ABANDONED, "", 0);
	vrv_newfile_sweep(s->dir);
	assert_false(is_there(s, ABANDONED));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_true(is_there(s, others[i]));
	for (size_t i = 0; i < 3; i++) {
		snprintf(name, sizeof(name),
		    ".varve-%s123456789abcdef0123456789abcdee.tmp", digits[i]);
		assert_true(is_there(s, name));
	}
}

static void
without_locks_a_day_decides(void **state)
{
	struct scratch *s = *state;
	struct vrv_newfile file;

	hook.no_locks = true;
	scratch_write(s->dir, ABANDONED, "", 0);
	set_age(s, ABANDONED, DAY - 3600);
	vrv_newfile_sweep(s->dir);
	assert_true(is_there(s, ABANDONED));
	set_age(s, ABANDONED, DAY + 3600);
	vrv_newfile_sweep(s->dir);
	assert_false(is_there(s, ABANDONED));

	assert_int_equal(vrv_newfile_open(s->dir, 0400, &file, &err), 0);
	vrv_newfile_sweep(s->dir);
	assert_true(is_there(s, file.name));
	assert_int_equal(vrv_newfile_link(&file, s->dir, "name", &err), 0);
	assert_true(is_there(s, "name"));
}

/* A name that a held file gets is never taken from another. */
static void
a_held_file_gets_a_free_name(void **state)
{
	struct scratch *s = *state;
	char name[VRV_NEWFILE_NAME];
	int fd;

	for (int i = 0; i < 2; i++) {
		hook.no_flags = i == 1;
		assert_int_equal(vrv_newfile_name(name, &err), 0);
		assert_int_equal(vrv_os_open(s->dir, name, O_WRONLY | O_CREAT,
				     0600, &fd, &err),
		    0);
		vrv_newfile_hold(fd);
		vrv_newfile_sweep(s->dir);
		assert_true(is_there(s, name));
		scratch_write(s->dir, "taken", "x", 1);
		assert_int_equal(vrv_os_rename_new(s->dir, name, "taken", &err),
		    VARVE_EXISTS);
		assert_true(is_there(s, name));
		assert_int_equal(vrv_os_rename_new(s->dir, name, i ? "a" : "b",
				     &err),
		    0);
		assert_false(is_there(s, name));
		assert_true(is_there(s, i ? "a" : "b"));
		/* Closed before it got its name: nobody holds it. */
		close(fd);
		assert_int_equal(vrv_newfile_name(name, &err), 0);
		scratch_write(s->dir, name, "x", 1);
		vrv_newfile_sweep(s->dir);
		assert_false(is_there(s, name));
	}
}

static int
setup(void **state)
{
	int rc = scratch_setup(state);

	memset(&hook, 0, sizeof(hook));
	if (rc == 0)
		hook.dir = ((struct scratch *)*state)->dir;
	return rc;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, scratch_teardown)

/* The answer to a request for a link got lost, and the request is repeated. */
static void
a_link_that_was_made_already_is_made(void **state)
{
	struct scratch *s = *state;
	struct vrv_newfile file;
	int fd;

	hook.repeated = hook.no_flags = true;
	assert_int_equal(vrv_os_make_file(s->dir, "a", 0600, "x", 1, &err), 0);
	assert_int_equal(vrv_os_make_file(s->dir, "a", 0600, "x", 1, &err),
	    VARVE_EXISTS);
	assert_int_equal(vrv_newfile_open(s->dir, 0600, &file, &err), 0);
	assert_int_equal(vrv_newfile_link(&file, s->dir, "b", &err), 0);
	assert_int_equal(vrv_os_rename_new(s->dir, "b", "c", &err), 0);
	assert_false(is_there(s, "b"));
	assert_int_equal(vrv_os_rename_new(s->dir, "c", "a", &err),
	    VARVE_EXISTS);
	assert_int_equal(vrv_os_open(s->dir, "c", O_PATH, 0, &fd, &err), 0);
	assert_int_equal(vrv_os_link(fd, s->dir, "d", &err), 0);
	assert_int_equal(vrv_os_link(fd, s->dir, "a", &err), VARVE_EXISTS);
	close(fd);
	hook.repeated = hook.no_flags = false;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_a_killed_process_left_goes_at_once),
	    TEST(what_is_in_use_stays_whatever_its_age),
	    TEST(a_sweeper_that_wins_costs_a_retry),
	    TEST(nothing_else_is_swept),
	    TEST(without_locks_a_day_decides),
	    TEST(a_held_file_gets_a_free_name),
	    TEST(a_link_that_was_made_already_is_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
