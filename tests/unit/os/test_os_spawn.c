/* SPDX-License-Identifier: BSD-2-Clause */
#include "scratch.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os/spawn.h"

static struct varve_err err;

static int
run(const char *script, char *ret, size_t size)
{
	char sh[] = "sh", c[] = "-c", copy[100];
	char *argv[] = {sh, c, copy, NULL};
	pid_t pid;
	int fd;

	snprintf(copy, sizeof(copy), "%s", script);
	assert_int_equal(vrv_os_spawn(argv, &pid, &fd, &err), 0);
	memset(ret, 0, size);
	assert_true(read(fd, ret, size - 1) >= 0);
	close(fd);
	return vrv_os_wait(pid, "sh", &err);
}

static void
output_and_end_are_those_of_the_program(void **state)
{
	char missing[] = "no-such-program-here";
	char *argv[] = {missing, NULL}, out[20];
	pid_t pid;
	int fd = -1;

	(void)state;
	assert_int_equal(run("printf 'a b'", out, sizeof(out)), 0);
	assert_string_equal(out, "a b");
	assert_int_equal(run("exit 3", out, sizeof(out)), VARVE_IO);
	assert_non_null(strstr(err.message, "status 3"));
	assert_int_equal(run("kill -9 $$", out, sizeof(out)), VARVE_IO);
	assert_non_null(strstr(err.message, "signal 9"));
	assert_int_equal(vrv_os_spawn(argv, &pid, &fd, &err), VARVE_NOENT);
	assert_int_equal(fd, -1);
}

static void
hardening_forbids_dumps(void **state)
{
	struct rlimit limit;

	(void)state;
	vrv_os_harden();
	assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
	assert_int_equal(limit.rlim_cur, 0);
	assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(output_and_end_are_those_of_the_program),
	    cmocka_unit_test(hardening_forbids_dumps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
