/* SPDX-License-Identifier: BSD-2-Clause */
#include "program.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/child.h"
#include "cli/cli.h"
#include "fakevarve.h"

char program_out[65536], program_err[65536];
FILE *program_stdout;

static int
put_aside(int fd, FILE *instead)
{
	int saved = dup(fd);

	assert_true(saved >= 0);
	assert_int_equal(dup2(fileno(instead), fd), fd);
	return saved;
}

static void
put_back(int fd, int saved, FILE *was, char *text, size_t size)
{
	assert_int_equal(dup2(saved, fd), fd);
	close(saved);
	if (text != NULL) {
		rewind(was);
		size_t n = fread(text, 1, size - 1, was);
		text[n] = '\0';
	}
	fclose(was);
}

int
program_run_with(const char *command, const char *input)
{
	struct vrv_arena arena = {0};
	struct vrv_strings argv = {0};
	struct varve_err err;
	FILE *in = tmpfile(), *errors = tmpfile();
	FILE *out = program_stdout != NULL ? program_stdout : tmpfile();

	assert_true(in != NULL && out != NULL && errors != NULL);
	fwrite(input, 1, strlen(input), in);
	rewind(in);
	assert_int_equal(vrv_strings_add(&argv, &arena, "varve", &err), 0);
	if (command[0] != '\0')
		assert_int_equal(vrv_split_command(command, &arena, &argv,
				     &err),
		    0);
	size_t n = argv.n;
	assert_int_equal(vrv_strings_add(&argv, &arena, NULL, &err), 0);

	/* The program takes them out of its environment. */
	static const char *const taken[] = {"VARVE_PASSPHRASE",
	    "VARVE_NEW_PASSPHRASE", "VARVE_PASSPHRASE_FD"};
	char *values[3];
	for (size_t i = 0; i < 3; i++) {
		const char *value = getenv(taken[i]);
		values[i] = value == NULL ? NULL : strdup(value);
	}
	int saved_in = put_aside(0, in);
	int saved_out = put_aside(1, out), saved_err = put_aside(2, errors);
	int status = vrv_cli_main((int)n, (char **)(uintptr_t)argv.items);
	for (size_t i = 0; i < 3; i++) {
		if (values[i] == NULL)
			continue;
		assert_null(getenv(taken[i]));
		assert_int_equal(setenv(taken[i], values[i], 1), 0);
		free(values[i]);
	}
	put_back(0, saved_in, in, NULL, 0);
	/* What could not be written is not for the next run. */
	if (program_stdout != NULL) {
		int nowhere = open("/dev/null", O_WRONLY);
		assert_int_equal(dup2(nowhere, 1), 1);
		close(nowhere);
		clearerr(stdout);
		fflush(stdout);
	}
	put_back(1, saved_out, out, program_stdout == NULL ? program_out : NULL,
	    sizeof(program_out));
	program_stdout = NULL;
	put_back(2, saved_err, errors, program_err, sizeof(program_err));
	vrv_arena_fini(&arena);
	return status;
}

int
program_run(const char *command)
{
	return program_run_with(command, "");
}

int
program_setup(void **state)
{
	(void)state;
	fakevarve_reset();
	setenv("VARVE_REPO", "/repo", 1);
	setenv("VARVE_PASSPHRASE", "abc", 1);
	unsetenv("VARVE_NEW_PASSPHRASE");
	unsetenv("VARVE_PASSCOMMAND");
	unsetenv("VARVE_PASSPHRASE_FD");
	return 0;
}
