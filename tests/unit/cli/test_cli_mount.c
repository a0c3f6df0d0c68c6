/* SPDX-License-Identifier: BSD-2-Clause */
/* mount and umount: what the library is asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fakevarve.h"
#include "program.h"

static void
test_options(void **state)
{
	const struct varve_mount_options *m = &fakevarve.mount;

	(void)state;
	assert_int_equal(program_run("mount -f :: /m"), 0);
	assert_string_equal(fakevarve.target, "/m");
	assert_string_equal(fakevarve.extra, "");
	assert_null(m->archive);
	assert_null(m->match);
	assert_true(m->stop_fd >= 0);
	assert_false(m->allow_other || m->versions || m->ignore_permissions ||
	    m->has_uid || m->has_gid || m->numeric_ids);
	assert_int_equal(m->cache_bytes, 0);
	assert_int_equal(m->umask, 0);

	assert_int_equal(program_run("mount -f -o allow_other,uid=5,umask=027 "
				     "-o gid=0,cache=64m,ignore_permissions "
				     "--numeric-ids --strip-components 2 "
				     "::one /m src/l"),
	    0);
	assert_true(m->allow_other && m->ignore_permissions);
	assert_true(m->has_uid && m->has_gid && m->numeric_ids);
	assert_int_equal(m->uid, 5);
	assert_int_equal(m->gid, 0);
	assert_int_equal(m->umask, 027);
	assert_int_equal(m->cache_bytes, 64 << 20);
	assert_int_equal(m->strip_components, 2);
	assert_non_null(m->match);
	assert_string_equal(fakevarve.text, "one");
}

/* What mount(8) passes on. */
static void
test_fstab(void **state)
{
	(void)state;
	assert_int_equal(program_run(
			     "mount -f -o ro,nosuid,nodev,noexec,noatime,"
			     "_netdev,nofail,x-systemd.automount,"
			     "fsname=x,subtype=y,defaults,,versions :: /m"),
	    0);
	assert_string_equal(fakevarve.extra, "noexec,noatime");
	assert_true(fakevarve.mount.versions);
}

static void
test_refused(void **state)
{
	static const char *const lists[] = {"rw", "nonsense", "uid=", "uid=-1",
	    "uid=4294967295", "uid=x", "gid=1x", "umask=8", "umask=10000",
	    "cache=7M", "cache=1X", "cache=", "cache=8MM", "cache=-1",
	    "cache=99999999G", "allow_other=1", "allow_root"};
	char command[80];

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		snprintf(command, sizeof(command), "mount -f -o %s :: /m",
		    lists[i]);
		fakevarve.target[0] = '\0';
		assert_int_equal(program_run(command), 2);
		assert_string_equal(fakevarve.target, "");
	}
	assert_int_equal(program_run("mount -f ::"), 2);
	assert_int_equal(program_run("mount -f -a x ::one /m"), 2);
	assert_int_equal(program_run("mount -f ::nope /m"), 31);
	assert_int_equal(program_run("umount"), 2);
	assert_int_equal(program_run("umount /a /b"), 2);
}

static void
test_selection(void **state)
{
	(void)state;
	assert_int_equal(program_run("mount -f :: /m"), 0);
	assert_true(fakevarve.shown[0] && fakevarve.shown[1]);
	assert_int_equal(program_run("mount -f -a 'o*' :: /m"), 0);
	assert_true(fakevarve.shown[0] && !fakevarve.shown[1]);
	assert_int_equal(program_run("mount -f --last 1 :: /m"), 0);
	assert_true(!fakevarve.shown[0] && fakevarve.shown[1]);
	assert_int_equal(program_run("mount -f --first 1 --last 1 :: /m"), 2);
}

static void
test_events(void **state)
{
	(void)state;
	fakevarve.n_events = 1;
	fakevarve.events[0] = (struct varve_event){.type = VARVE_EVENT_PROBLEM,
	    .path = "a/b",
	    .message = "is damaged"};
	assert_int_equal(program_run("mount -f :: /m"), 0);
	assert_non_null(strstr(program_err, "a/b: is damaged"));
}

static void
test_umount(void **state)
{
	(void)state;
	assert_int_equal(program_run("umount /m"), 0);
	assert_string_equal(fakevarve.target, "/m");
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup(f, program_setup)
	const struct CMUnitTest tests[] = {
	    T(test_options),
	    T(test_fstab),
	    T(test_refused),
	    T(test_selection),
	    T(test_events),
	    T(test_umount),
	};

	return cmocka_run_group_tests_name("mount", tests, NULL, NULL);
}
