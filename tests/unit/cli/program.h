/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROGRAM_H
#define PROGRAM_H

/* Runs the program within the test, over the fake library. */

#include <stdio.h>

extern char program_out[65536], program_err[65536];

/* Standard output of the next run instead of program_out, which takes it;
 * NULL: none. */
extern FILE *program_stdout;

/* Arguments as a shell would split them, without "varve". Returns the exit
 * status; what was written is in the two buffers. */
int program_run(const char *command);
/* The same with standard input. */
int program_run_with(const char *command, const char *input);

int program_setup(void **state);

void test_output_list(void **state);
void test_output_json(void **state);
void test_output_info(void **state);
void test_output_series(void **state);
void test_output_diff(void **state);
void test_output_du(void **state);
void test_output_log_json(void **state);
void test_output_stats(void **state);

void test_verify_options(void **state);
void test_verify_choice(void **state);
void test_verify_status(void **state);
void test_verify_result(void **state);
void test_check_part(void **state);

#endif
