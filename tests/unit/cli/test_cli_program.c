/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "fakevarve.h"
#include "program.h"

/* One line on standard error that holds `part`, nothing on standard output. */
static void
assert_refused(const char *command, int status, const char *part)
{
	assert_int_equal(program_run(command), status);
	assert_string_equal(program_out, "");
	const char *end = strchr(program_err, '\n');
	assert_true(end != NULL && end[1] == '\0');
	assert_int_equal(strncmp(program_err, "varve: ", 7), 0);
	if (strstr(program_err, part) == NULL)
		print_error("%s: %s", command, program_err);
	assert_non_null(strstr(program_err, part));
}

static void
test_usage(void **state)
{
	static const char *const cases[][2] = {
	    {"", "no command"},
	    {"frobnicate", "'frobnicate'"},
	    {"create --nope ::a x", "'--nope'; see 'varve help create'"},
	    {"--nope list", "'--nope'"},
	    {"key", "change-passphrase"},
	    {"key nope", "'key nope'"},
	    {"create ::a", "PATH"},
	    {"create /repo x", "REPO::ARCHIVE"},
	    {"create --dry-run --stats ::a x", "--stats"},
	    {"create -C lz5 ::a x", "'lz5'"},
	    {"create --files-cache x ::a x", "--files-cache"},
	    {"create --timestamp never ::a x", "'never'"},
	    {"create -e re:( ::a x", "'('"},
	    {"create --pattern x ::a x", "'x'"},
	    {"create --content-from-command ::a", "command"},
	    {"create --paths-from-stdin ::a x", "standard input"},
	    {"create --paths-delimiter , ::a x", "--paths-delimiter"},
	    {"create ::a/b x", "'a/b'"},
	    {"create ssh://h/r::a x", "'ssh:'"},
	    {"list --first 1 --last 1", "--first"},
	    {"list --sort-by nope", "'nope'"},
	    {"list src ::x", "paths"},
	    {"list ::one --last 1", "--last"},
	    {"list --format '{x}'", "{x}"},
	    {"delete", "no archive"},
	    {"delete ::one --last 1", "--last"},
	    {"rename ::one", "new name"},
	    {"rename ::one a/b", "'a/b'"},
	    {"rename ::one two three", "'three'"},
	    {"check --repository-only --verify-data", "--verify-data"},
	    {"check --repository-only --archives-only", "exclude"},
	    {"init -e none", "'none'"},
	    {"init -e authenticated-blake2", "authenticated"},
	    {"init -e nope", "'nope'"},
	    {"init --chunker-params gear,1", "'gear,1'"},
	    {"init ::a", "'::a'"},
	    {"info ::one two", "'two'"},
	    {"--umask 999 list", "--umask"},
	    {"help nope", "'nope'"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_refused(cases[i][0], 2, cases[i][1]);
	assert_refused("create ::{nope} x", 5, "'{nope}'");
	assert_refused("create --comment {nope} ::a x", 5, "'{nope}'");
	assert_refused("list -a '{nope}'", 5, "'{nope}'");
	unsetenv("VARVE_REPO");
	assert_refused("list", 2, "VARVE_REPO");
	assert_refused("create ::a x", 2, "VARVE_REPO");
	assert_int_equal(fakevarve.deleted, 0);
}

static void
test_help(void **state)
{
	(void)state;
	assert_int_equal(program_run("create --help"), 0);
	assert_int_equal(strncmp(program_out, "usage: varve create ", 20), 0);
	assert_non_null(strstr(program_out, "  -C, --compression SPEC"));
	assert_int_equal(program_run("help key add"), 0);
	assert_non_null(strstr(program_out, "--key-file"));
	assert_int_equal(program_run("--help"), 0);
	assert_non_null(strstr(program_out, "Commands:"));
	assert_int_equal(program_run("help patterns"), 0);
	assert_non_null(strstr(program_out, "fm:"));
	assert_int_equal(program_run("help help"), 0);
	assert_null(strstr(program_out, "\nOptions:"));
	assert_refused("help nope", 2, "see 'varve help'");
	assert_int_equal(program_run("-V"), 0);
	assert_string_equal(program_out, "varve 0.0.1\n");
	assert_int_equal(program_run("version --log-json"), 0);
	assert_string_equal(program_out, "varve 0.0.1\n");
	assert_int_equal(program_run("help --words"), 0);
	assert_int_equal(strncmp(program_out, "init\ncreate\n", 12), 0);
	assert_int_equal(program_run("help --words key"), 0);
	assert_int_equal(strncmp(program_out, "add\nlist\n", 9), 0);
	assert_int_equal(program_run("help --words extract"), 0);
	assert_non_null(strstr(program_out, "--strip-components\n"));
}

static void
test_create(void **state)
{
	const struct varve_backup_options *b = &fakevarve.backup;

	(void)state;
	assert_int_equal(
	    program_run("create /r::n-{utcnow:%Y} a -x -C "
			"auto,zstd,5 /b/./c --timestamp 1970-01-02T00:00:00Z "
			"--series s "
			"--files-cache mtime,size --threads 3 --comment '{{x' "
			"--exclude-if-present .no --atime --exclude '*.o'"),
	    0);
	assert_string_equal(program_err, "");
	assert_string_equal(fakevarve.location, "/r");
	assert_int_equal(strncmp(fakevarve.text, "n-2", 3), 0);
	assert_string_equal(fakevarve.sources, "a\n/b/./c\n");
	assert_true(b->one_file_system && b->atime && b->has_timestamp);
	assert_int_equal(b->compression, VARVE_COMPRESS_AUTO);
	assert_int_equal(b->level, 5);
	assert_int_equal(b->timestamp.s, 86400);
	assert_int_equal(b->files_cache, VARVE_CACHE_MTIME_SIZE);
	assert_int_equal(b->threads, 3);
	assert_int_equal(b->n_exclude_if_present, 1);
	assert_non_null(b->match);
	assert_false(fakevarve.repo_was_null);
	assert_string_equal(fakevarve.passphrase, "abc");

	/* A dry run needs no repository. */
	fakevarve_reset();
	assert_int_equal(program_run("create -n --list ::x a"), 0);
	assert_int_equal(fakevarve.opened, 0);
	assert_true(fakevarve.repo_was_null && fakevarve.backup.dry_run);
	assert_null(fakevarve.backup.match);

	fakevarve_reset();
	fakevarve.backup_result.warnings = 1;
	assert_int_equal(program_run("create ::x a"), 1);
}

static void
test_create_input(void **state)
{
	(void)state;
	assert_int_equal(program_run_with("create ::x a - --stdin-name db",
			     "hello"),
	    0);
	assert_string_equal(fakevarve.content, "hello");
	assert_string_equal(fakevarve.stdin_name, "db");
	assert_string_equal(fakevarve.sources, "a\n");

	fakevarve_reset();
	assert_int_equal(program_run("create --content-from-command ::x -- "
				     "sh -c 'printf %s out'"),
	    0);
	assert_string_equal(fakevarve.content, "out");
	assert_refused("create --content-from-command ::x -- sh -c 'exit 9'", 4,
	    "status 9");
	assert_refused("create --content-from-command ::x -- /nonexistent", 4,
	    "/nonexistent");

	fakevarve_reset();
	assert_int_equal(program_run_with("create --paths-from-stdin "
					  "--paths-delimiter ';\\n' ::x",
			     "a;b;\n;\nc"),
	    0);
	assert_string_equal(fakevarve.paths, "a;b\nc\n");
	fakevarve_reset();
	assert_int_equal(program_run("create --paths-from-command "
				     "--paths-delimiter '\\0' ::x -- printf "
				     "'a\\nb\\0c\\0'"),
	    0);
	assert_string_equal(fakevarve.paths, "a\nb\nc\n");
	assert_refused("create --paths-from-command ::x -- sh -c "
		       "'echo a; exit 2'",
	    4, "status 2");
}

static void
test_list_events(void **state)
{
	(void)state;
	fakevarve.n_events = 3;
	fakevarve.events[0] = (struct varve_event){.type = VARVE_EVENT_FILE,
	    .status = 'A',
	    .path = "a\n"};
	fakevarve.events[1] = (struct varve_event){.type = VARVE_EVENT_FILE,
	    .status = 'U',
	    .path = "b"};
	fakevarve.events[2] =
	    (struct varve_event){.type = VARVE_EVENT_INFO, .message = "note"};
	assert_int_equal(program_run("create --list ::x src"), 0);
	assert_string_equal(program_err, "A a\\x0a\nU b\n");
	assert_int_equal(program_run("create --list --filter AM ::x src"), 0);
	assert_string_equal(program_err, "A a\\x0a\n");
	assert_int_equal(program_run("-v create ::x src"), 0);
	assert_string_equal(program_err,
	    "varve: note\n"
	    "varve: created archive 'x': 0 items (0 files), 0 B, "
	    "0 warnings\n");
	assert_int_equal(program_run("extract --list ::one"), 0);
	assert_string_equal(program_err, "a\\x0a\nb\n");
}

static void
test_statuses(void **state)
{
	(void)state;
	assert_refused("extract ::nope", 31, "'nope'");
	assert_int_equal(program_run("extract ::one src/l nowhere"), 1);
	assert_non_null(strstr(program_err, "'nowhere' never matched"));
	fakevarve.restore_result.skipped = 1;
	fakevarve.restore_result.exit = VARVE_EXIT_ERROR;
	assert_refused("extract ::one", 2, "1 item could");
	fakevarve.restore_result.exit = VARVE_EXIT_INTEGRITY;
	fakevarve.n_events = 1;
	fakevarve.events[0] = (struct varve_event){.type = VARVE_EVENT_PROBLEM,
	    .path = "f",
	    .message = "damaged"};
	assert_int_equal(program_run("extract ::one"), 90);
	fakevarve.check_result.problems = 1;
	assert_int_equal(program_run("check"), 90);
	assert_string_equal(program_err,
	    "varve: f: damaged\nvarve: 1 problem found\n");
	/* What the system refuses to read is no damage; both is damage. */
	fakevarve.n_events = 0;
	fakevarve.check_result.unread = 1;
	assert_refused("check", 2, "no damage");
	fakevarve.check_result.denied = 1;
	assert_refused("check", 21, "no damage");
	fakevarve.check_result.problems = 2;
	assert_refused("check", 90, "2 problems");
	fakevarve.check_result = (struct varve_check_result){0};
	assert_int_equal(program_run("check --repository-only --show-rc"), 0);
	assert_string_equal(program_err,
	    "terminating with success status, rc 0\n");
	assert_true(fakevarve.open.without_key && fakevarve.check.objects);
	assert_false(fakevarve.check.archives);
	fakevarve.open_error =
	    (struct varve_err){VARVE_NOENT, 0, 13, "'/repo' does not exist"};
	assert_refused("list", 13, "'/repo'");
}

static void
test_other_commands(void **state)
{
	(void)state;
	assert_int_equal(program_run("rename ::one three"), 0);
	assert_string_equal(fakevarve.text, "one>three");
	assert_int_equal(program_run("delete ::one two one --list"), 0);
	assert_int_equal(fakevarve.deleted, 2);
	assert_non_null(strstr(program_err, "] (2/2)\n"));
	assert_int_equal(program_run("delete ::one nope"), 31);
	assert_int_equal(program_run("delete -n --last 1"), 0);
	assert_int_equal(program_run("delete -a 'zz*'"), 1);
	assert_int_equal(fakevarve.deleted, 2);
	assert_int_equal(program_run("init -e keyfile-blake2 /new"), 0);
	assert_int_equal(fakevarve.init.mode, VARVE_KEYFILE);
	assert_string_equal(fakevarve.location, "/new");
	assert_int_equal(fakevarve.init.chunk_average, 0);
	assert_int_equal(program_run("init --chunker-params gear,8K,16K,1M /n"),
	    0);
	assert_int_equal(fakevarve.init.chunk_min, 8192);
	assert_int_equal(fakevarve.init.chunk_average, 16384);
	assert_int_equal(fakevarve.init.chunk_max, 1u << 20);
	assert_int_equal(fakevarve.init.chunker, VARVE_CHUNKER_GEAR);
	assert_int_equal(program_run("init --chunker prf /n"), 0);
	assert_int_equal(fakevarve.init.chunker, VARVE_CHUNKER_PRF);
	assert_int_equal(fakevarve.init.chunk_average, 0);
	assert_int_equal(program_run("init --chunker-params prf,8K,16K,1M /n"),
	    0);
	assert_int_equal(fakevarve.init.chunker, VARVE_CHUNKER_PRF);
	assert_int_equal(fakevarve.init.chunk_max, 1u << 20);
	assert_int_equal(program_run("init --chunker prf "
				     "--chunker-params gear,8K,16K,1M /n"),
	    2);
	assert_int_equal(program_run("init --chunker rabin /n"), 2);
	assert_int_equal(program_run("check ::two"), 0);
	assert_int_equal(fakevarve.check.n_only, 1);
	fakevarve.restore_result.items = 1;
	assert_int_equal(program_run("extract ::one --stdout "
				     "--strip-components 2 --overwrite"),
	    0);
	assert_int_equal(fakevarve.restore.stdout_fd, 1);
	assert_int_equal(fakevarve.restore.strip_components, 2);
	assert_true(fakevarve.restore.overwrite);
}

static void
test_keys(void **state)
{
	(void)state;
	assert_int_equal(program_run("key list"), 0);
	assert_string_equal(program_out,
	    "00112233445566778899aabbccddeeff * "
	    "passphrase (64 MiB x 3)      laptop\n");
	assert_int_equal(program_run("key list --json"), 0);
	assert_non_null(strstr(program_out, "\"in_use\": true"));
	assert_int_equal(program_run("key remove /repo laptop"), 0);
	assert_string_equal(fakevarve.text, "remove laptop");
	assert_int_equal(program_run("key export"), 0);
	assert_string_equal(program_out, "the key\n");
	assert_int_equal(program_run_with("key import /r -", "text"), 0);
	assert_string_equal(fakevarve.text, "/r<text");
	setenv("VARVE_NEW_PASSPHRASE", "fresh", 1);
	assert_int_equal(program_run("key change-passphrase"), 0);
	assert_string_equal(fakevarve.passphrase, "fresh");
	assert_int_equal(program_run("key add --label x"), 0);
	assert_string_equal(fakevarve.text, "add x");
}

static void
test_passphrases(void **state)
{
	int ends[2];
	char number[16];

	(void)state;
	fakevarve.password = "abc";
	setenv("VARVE_PASSPHRASE", "wrong", 1);
	assert_refused("list", 52, "wrong passphrase");
	unsetenv("VARVE_PASSPHRASE");
	setenv("VARVE_PASSCOMMAND", "printf 'abc\\n'", 1);
	assert_int_equal(program_run("list"), 0);
	setenv("VARVE_PASSCOMMAND", "sh -c 'echo abc; exit 1'", 1);
	assert_refused("list", 51, "VARVE_PASSCOMMAND");
	unsetenv("VARVE_PASSCOMMAND");
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "abc\n", 4), 4);
	close(ends[1]);
	snprintf(number, sizeof(number), "%d", ends[0]);
	setenv("VARVE_PASSPHRASE_FD", number, 1);
	assert_int_equal(program_run("list"), 0);
	/* It is closed: nothing can inherit it. */
	assert_int_equal(fcntl(ends[0], F_GETFD), -1);
	setenv("VARVE_PASSPHRASE_FD", "x", 1);
	assert_refused("list", 2, "VARVE_PASSPHRASE_FD");
	unsetenv("VARVE_PASSPHRASE_FD");
	setenv("VARVE_NEW_PASSPHRASE", "new", 1);
	setenv("VARVE_PASSPHRASE", "abc", 1);
	fakevarve.password = NULL;
	assert_int_equal(program_run("init /n"), 0);
	assert_string_equal(fakevarve.passphrase, "new");
}

/* An empty passphrase is refused wherever it comes from. */
static void
test_empty_passphrases(void **state)
{
	int ends[2];
	char number[16];

	(void)state;
	setenv("VARVE_PASSPHRASE", "", 1);
	assert_refused("list", 50, "VARVE_PASSPHRASE is empty");
	assert_refused("init /n", 50, "VARVE_PASSPHRASE is empty");
	setenv("VARVE_NEW_PASSPHRASE", "", 1);
	assert_refused("init /n", 50, "VARVE_NEW_PASSPHRASE is empty");
	setenv("VARVE_PASSPHRASE", "abc", 1);
	assert_refused("key add", 50, "VARVE_NEW_PASSPHRASE is empty");
	unsetenv("VARVE_NEW_PASSPHRASE");
	unsetenv("VARVE_PASSPHRASE");
	setenv("VARVE_PASSCOMMAND", "true", 1);
	assert_refused("list", 50, "VARVE_PASSCOMMAND is empty");
	setenv("VARVE_PASSCOMMAND", "echo", 1);
	assert_refused("list", 50, "VARVE_PASSCOMMAND is empty");
	unsetenv("VARVE_PASSCOMMAND");
	assert_int_equal(pipe(ends), 0);
	close(ends[1]);
	snprintf(number, sizeof(number), "%d", ends[0]);
	setenv("VARVE_PASSPHRASE_FD", number, 1);
	assert_refused("list", 50, "VARVE_PASSPHRASE_FD is empty");
	unsetenv("VARVE_PASSPHRASE_FD");
}

/* Output that cannot be written is an error; so is a reader that went away,
 * where the caller ignores SIGPIPE. */
static void
test_broken_output(void **state)
{
	int ends[2];

	(void)state;
	program_stdout = fopen("/dev/full", "w");
	assert_non_null(program_stdout);
	assert_int_equal(program_run("list"), 2);
	assert_non_null(strstr(program_err, "No space left"));
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	program_stdout = fdopen(ends[1], "w");
	assert_non_null(program_stdout);
	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(program_run("list"), 2);
	(void)signal(SIGPIPE, SIG_DFL);
	assert_non_null(strstr(program_err, "Broken pipe"));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, program_setup)
	const struct CMUnitTest tests[] = {
	    TEST(test_usage),
	    TEST(test_help),
	    TEST(test_create),
	    TEST(test_create_input),
	    TEST(test_list_events),
	    TEST(test_statuses),
	    TEST(test_other_commands),
	    TEST(test_keys),
	    TEST(test_passphrases),
	    TEST(test_empty_passphrases),
	    TEST(test_broken_output),
	    TEST(test_output_list),
	    TEST(test_output_json),
	    TEST(test_output_info),
	    TEST(test_output_series),
	    TEST(test_output_diff),
	    TEST(test_output_du),
	    TEST(test_output_log_json),
	    TEST(test_output_stats),
	    TEST(test_verify_options),
	    TEST(test_verify_choice),
	    TEST(test_verify_result),
	    TEST(test_verify_status),
	    TEST(test_check_part),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
