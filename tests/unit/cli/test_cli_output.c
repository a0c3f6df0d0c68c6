/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fakevarve.h"
#include "program.h"

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C64 "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

void
test_output_list(void **state)
{
	(void)state;
	assert_int_equal(program_run("list"), 0);
	assert_string_equal(program_out,
	    "one                                  Sun, 2026-11-22 02:24:05 "
	    "[" A64 "]\n"
	    "two                                  Sun, 2026-11-22 02:25:05 "
	    "[" B64 "]\n");
	assert_int_equal(program_run("list --short --sort-by name --last 1"),
	    0);
	assert_string_equal(program_out, "two\n");
	assert_int_equal(program_run("list --short -a '*n*'"), 0);
	assert_string_equal(program_out, "one\n");
	assert_int_equal(program_run("list ::one"), 0);
	assert_string_equal(program_out,
	    "drwxr-xr-x root   root          0 Sun, 2026-11-22 02:24:05 src\n"
	    "-rwSr--r--      7      8       12 Sun, 2026-11-22 02:24:05 "
	    "src/a\\x0a\\xff\n"
	    "lrwxrwxrwx root   root          1 Sun, 2026-11-22 02:24:05 "
	    "src/l -> a\n");
	assert_int_equal(program_run("list ::one --format '{bpath}|' src/l src"
				     " -e '*/l'"),
	    1);
	assert_string_equal(program_out, "src|src/a\n\xff|");
	assert_int_equal(program_run(
			     "list ::two --format "
			     "'{archivename} {num_chunks} {command_line}'"),
	    2);
	assert_non_null(strstr(program_err, "{command_line}"));
	assert_int_equal(program_run("list --format '{command_line}{NL}'"), 0);
	assert_int_equal(strncmp(program_out, "varve create '::one two'\n", 25),
	    0);
	fakevarve.n_archives = 0;
	assert_int_equal(program_run("list"), 0);
	assert_string_equal(program_out, "");
}

void
test_output_json(void **state)
{
	(void)state;
	assert_int_equal(program_run("list --json --last 1 "
				     "--format '{comment}{end}'"),
	    0);
	assert_string_equal(program_out,
	    "{\n"
	    "    \"archives\": [\n"
	    "        {\n"
	    "            \"archive\": \"two\",\n"
	    "            \"barchive\": \"two\",\n"
	    "            \"chunker_params\": [\n"
	    "                \"gear\",\n"
	    "                0,\n"
	    "                0,\n"
	    "                0\n"
	    "            ],\n"
	    "            \"command_line\": [\n"
	    "                \"varve\",\n"
	    "                \"create\",\n"
	    "                \"::one two\"\n"
	    "            ],\n"
	    "            \"comment\": \"a comment\",\n"
	    "            \"complete\": true,\n"
	    "            \"duration\": 2.5,\n"
	    "            \"end\": \"2026-11-22T02:25:07.000000\",\n"
	    "            \"hostname\": \"vm\",\n"
	    "            \"id\": \"" B64 "\",\n"
	    "            \"limits\": {\n"
	    "                \"max_archive_size\": 0.0\n"
	    "            },\n"
	    "            \"name\": \"two\",\n"
	    "            \"series\": \"\",\n"
	    "            \"start\": \"2026-11-22T02:25:05.000000\",\n"
	    "            \"stats\": {\n"
	    "                \"compressed_size\": 300,\n"
	    "                \"deduplicated_size\": 600,\n"
	    "                \"nfiles\": 2,\n"
	    "                \"original_size\": 1000\n"
	    "            },\n"
	    "            \"time\": \"2026-11-22T02:25:05.000000\",\n"
	    "            \"username\": \"root\"\n"
	    "        }\n"
	    "    ],\n"
	    "    \"encryption\": {\n"
	    "        \"mode\": \"repokey\"\n"
	    "    },\n"
	    "    \"repository\": {\n"
	    "        \"id\": \"" C64 "\",\n"
	    "        \"last_modified\": \"2026-11-22T02:25:07.000000\",\n"
	    "        \"location\": \"/repo\"\n"
	    "    }\n"
	    "}\n");
	assert_int_equal(program_run("list --json-lines ::one pf:src/a"), 1);
	assert_string_equal(program_out, "");
	assert_int_equal(program_run("list --json-lines ::one src/l"), 0);
	assert_string_equal(program_out,
	    "{\"type\": \"l\", \"mode\": \"lrwxrwxrwx\", \"user\": \"root\", "
	    "\"group\": \"root\", \"uid\": 0, \"gid\": 0, \"path\": \"src/l\", "
	    "\"source\": \"a\", \"linktarget\": \"a\", "
	    "\"flags\": 0, \"size\": 1, "
	    "\"mtime\": \"2026-11-22T02:24:05.266811\"}\n");
	assert_int_equal(program_run("list --json ::one"), 2);
	assert_string_equal(program_out, "");
	assert_int_equal(program_run("list --json-lines"), 2);
}

void
test_output_info(void **state)
{
	(void)state;
	assert_int_equal(program_run("info"), 0);
	assert_non_null(strstr(program_out, "Repository ID: " C64 "\n"));
	assert_non_null(strstr(program_out,
	    "All archives:                "
	    "2.00 kB              1.20 kB                700 B\n"));
	fakevarve.archives[0].warnings = true;
	assert_int_equal(program_run("info ::one"), 0);
	assert_non_null(strstr(program_out,
	    "Command line: varve create "
	    "'::one two'\n"));
	assert_non_null(strstr(program_out, "Skipped: src/gone (vanished)"));
	assert_int_equal(program_run("info --json --last 1"), 0);
	assert_non_null(strstr(program_out, "\"total_unique_chunks\": 5"));
	assert_non_null(strstr(program_out, "\"nfiles\": 2"));
	assert_null(strstr(program_out, "security_dir"));
	assert_int_equal(program_run("info --json"), 0);
	assert_non_null(strstr(program_out, "\"security_dir\": \"/state/id\""));
	assert_null(strstr(program_out, "\"archives\": ["));
	assert_int_equal(program_run("info ::nope"), 31);
}

void
test_output_series(void **state)
{
	(void)state;
	fakevarve.archives[0].series = "home";
	fakevarve.archives[1].series = "etc";
	fakevarve.archives[1].warnings = true;
	fakevarve.n_runs = 3;
	for (size_t i = 0; i < 3; i++)
		fakevarve.runs[i] = (struct varve_run){
		    .kind = VARVE_RUN_VERIFY,
		    .result = VARVE_RUN_GOOD,
		    .end = {1795400000 - (int64_t)i * 3600, 0},
		    .name = "old name",
		    .options = "",
		};
	/* One that still runs, one of an archive that is deleted. */
	fakevarve.runs[0].result = VARVE_RUN_UNFINISHED;
	memset(fakevarve.runs[0].archive, 'a', 64);
	memset(fakevarve.runs[1].archive, 'c', 64);
	memset(fakevarve.runs[2].archive, 'a', 64);
	assert_int_equal(program_run("list --series"), 0);
	assert_string_equal(program_out,
	    "Series: vm:etc (1 archive)\n"
	    "  Newest: two 2026-11-22 02:25 incomplete\n"
	    "  Last verified: never\n"
	    "Series: vm:home (1 archive)\n"
	    "  Newest: one 2026-11-22 02:24 complete\n"
	    "  Last verified: one 2026-11-23 00:13 good\n");
	assert_int_equal(program_run("info"), 0);
	assert_non_null(strstr(program_out, "\nSeries: vm:etc (1 archive)\n"));
	assert_int_equal(program_run("list --series --json"), 0);
	assert_non_null(strstr(program_out, "\"verified\": null"));
	assert_non_null(strstr(program_out, "\"result\": \"good\""));
	assert_int_equal(program_run("list"), 0);
	assert_non_null(strstr(program_out, "[" A64 "]\n"));
	assert_non_null(strstr(program_out, "[" B64 "] incomplete\n"));
	assert_int_equal(program_run("list --format '{series} {complete}{NL}'"),
	    0);
	assert_string_equal(program_out, "home complete\netc incomplete\n");
	fakevarve.archives[1].unvouched = true;
	assert_int_equal(program_run("list"), 0);
	assert_non_null(
	    strstr(program_out, "[" B64 "] incomplete unvouched\n"));
	assert_null(strstr(program_out, "[" A64 "] u"));
	assert_int_equal(program_run("list --json"), 0);
	assert_non_null(strstr(program_out, "\"unvouched\": true"));
	assert_int_equal(program_run("list --series"), 0);
	assert_non_null(strstr(program_out, "Series: vm:home"));
	assert_null(strstr(program_out, "Series: vm:etc"));
	assert_int_equal(program_run("list --series --short"), 2);
	assert_int_equal(program_run("list --series --last 1"), 2);
	assert_int_equal(program_run("list --series ::one"), 2);
}

void
test_output_diff(void **state)
{
	static const struct varve_item old = {.kind = VARVE_FILE,
					   .mode = 0644,
					   .size = 3,
					   .user = "u",
					   .mtime = {1795314245, 266811000}},
				       new = {.kind = VARVE_FILE,
					   .mode = 0600,
					   .size = 6,
					   .uid = 5,
					   .mtime = {1795314246, 0}},
				       dir = {.kind = VARVE_DIR};

	(void)state;
	fakevarve.n_differences = 3;
	fakevarve.differences[0] = (struct varve_difference){.path = "a",
	    .changes = VARVE_CHANGE_CONTENT | VARVE_CHANGE_MODE |
		VARVE_CHANGE_MTIME | VARVE_CHANGE_OWNER,
	    .old = &old,
	    .new = &new,
	    .added = 6,
	    .removed = 3};
	fakevarve.differences[1] = (struct varve_difference){.path = "b\n",
	    .changes = VARVE_CHANGE_ADDED,
	    .new = &new};
	fakevarve.differences[2] = (struct varve_difference){.path = "d",
	    .changes = VARVE_CHANGE_REMOVED,
	    .old = &dir};
	assert_int_equal(program_run("diff ::one two"), 0);
	assert_string_equal(fakevarve.text, "one>two");
	assert_string_equal(program_out,
	    "     +6 B      -3 B [u:0 -> 5:0] [-rw-r--r-- -> -rw-------] "
	    "[mtime: Sun, 2026-11-22 02:24:05 -> Sun, 2026-11-22 02:24:06] a\n"
	    "added           6 B b\\x0a\n"
	    "removed directory   d\n");
	assert_int_equal(program_run("diff --json-lines ::one two"), 0);
	assert_string_equal(program_out,
	    "{\"changes\": [{\"added\": 6, \"removed\": 3, "
	    "\"type\": \"modified\"}, "
	    "{\"new_group\": null, \"new_user\": null, \"old_group\": null, "
	    "\"old_user\": \"u\", \"type\": \"owner\"}, "
	    "{\"new_mode\": \"-rw-------\", \"old_mode\": \"-rw-r--r--\", "
	    "\"type\": \"mode\"}, "
	    "{\"new_mtime\": \"2026-11-22T02:24:06.000000\", "
	    "\"old_mtime\": \"2026-11-22T02:24:05.266811\", "
	    "\"type\": \"mtime\"}], \"path\": \"a\"}\n"
	    "{\"changes\": [{\"size\": 6, \"type\": \"added\"}], "
	    "\"path\": \"b\\n\"}\n"
	    "{\"changes\": [{\"type\": \"removed directory\"}], "
	    "\"path\": \"d\"}\n");
	assert_int_equal(program_run("diff ::one nope"), 31);
	assert_int_equal(program_run("diff ::one"), 2);
}

void
test_output_du(void **state)
{
	(void)state;
	assert_int_equal(program_run("du ::one"), 0);
	assert_string_equal(program_out,
	    " Original size  Deduplicated size  Compressed size  Path\n"
	    "       3.00 kB            1.50 kB            700 B  .\n");
	assert_int_equal(program_run("du --iec -d 1 :: a b"), 0);
	assert_string_equal(program_out,
	    " Original size   All archives  Deduplicated size  Compressed size"
	    "  Path\n"
	    "      1.95 KiB       1.95 KiB             1000 B            500 B"
	    "  src/sub\n"
	    "      2.93 KiB       4.88 KiB           1.46 KiB            700 B"
	    "  a\n"
	    "      3.91 KiB            0 B                0 B              0 B"
	    "  (together)\n");
	assert_int_equal(program_run("du --json ::one a b"), 0);
	assert_non_null(strstr(program_out, "\"complete\": true"));
	assert_non_null(strstr(program_out, "\"compressed_size\": 700"));
	assert_non_null(strstr(program_out, "\"together\": {"));

	assert_int_equal(program_run("du ::nope"), 31);
	assert_int_equal(program_run("du -s -d 1 ::one"), 2);
	assert_string_equal(program_out, "");

	/* Sizes with a problem are shown, and said to be wrong. */
	fakevarve.n_events = 1;
	fakevarve.events[0] = (struct varve_event){.type = VARVE_EVENT_PROBLEM,
	    .path = "a/b",
	    .message = "is damaged"};
	assert_int_equal(program_run("du ::one"), 90);
	assert_non_null(strstr(program_out, "3.00 kB"));
	assert_non_null(strstr(program_err, "a/b: is damaged"));
	assert_non_null(
	    strstr(program_err, "1 problem found: these sizes are not right"));
	fakevarve.events[0].sys = EACCES;
	assert_int_equal(program_run("du ::one"), 21);
	fakevarve.events[0].sys = EIO;
	assert_int_equal(program_run("du --json ::one"), 2);
	assert_non_null(strstr(program_out, "\"complete\": false"));
}

void
test_output_log_json(void **state)
{
	static const struct varve_progress progress = {.files = 3,
	    .original = 5,
	    .current = 1,
	    .total = 2};

	(void)state;
	fakevarve.n_events = 3;
	fakevarve.events[0] = (struct varve_event){.type = VARVE_EVENT_FILE,
	    .status = 'A',
	    .path = "a\xff"};
	fakevarve.events[1] = (struct varve_event){.type = VARVE_EVENT_PROGRESS,
	    .progress = &progress,
	    .path = "p"};
	fakevarve.events[2] = (struct varve_event){.type = VARVE_EVENT_WARNING,
	    .path = "a",
	    .message = "vanished"};
	assert_int_equal(program_run("--log-json create -p --list ::x src"), 1);
	static const char file[] = "{\"type\": \"file_status\", "
				   "\"status\": \"A\", \"path\": \"a?\", "
				   "\"path_b64\": \"Yf8=\"}\n";
	const char *lines = program_err;
	assert_int_equal(strncmp(lines, file, strlen(file)), 0);
	assert_non_null(strstr(lines,
	    "{\"original_size\": 5, "
	    "\"compressed_size\": 0, \"deduplicated_size\": 0, "
	    "\"nfiles\": 3, \"path\": \"p\", \"time\": "));
	assert_non_null(strstr(lines,
	    "\"type\": \"archive_progress\", "
	    "\"finished\": true}\n"));
	assert_non_null(strstr(lines,
	    "\"message\": \"a: vanished\", "
	    "\"levelname\": \"WARNING\", \"name\": \"varve\"}\n"));

	fakevarve.restore_result.warnings = 1;
	assert_int_equal(program_run("--log-json extract -p --list ::one"), 1);
	assert_non_null(strstr(program_err,
	    "\"message\": \" 50.0% p\", "
	    "\"current\": 1, \"total\": 2, \"info\": [\"p\"], "
	    "\"operation\": 1, \"msgid\": \"extract\", "
	    "\"type\": \"progress_percent\", \"finished\": false"));
	assert_non_null(strstr(program_err, "\"name\": \"varve.output.list\""));
	assert_int_equal(program_run("--log-json list ::nope"), 31);
	assert_non_null(
	    strstr(program_err, "\"msgid\": \"Archive.DoesNotExist\"}\n"));
}

void
test_output_stats(void **state)
{
	(void)state;
	fakevarve.backup_result = (struct varve_backup_result){
	    .id = A64,
	    .start = {1795314245, 0},
	    .end = {1795314246, 250000000},
	    .files = 2,
	    .original = 12345678,
	    .deduplicated = 345678,
	    .compressed = 5600,
	    .stored = 5678,
	};
	assert_int_equal(program_run("create --stats ::x src"), 0);
	assert_string_equal(program_out, "");
	assert_string_equal(program_err,
	    "-----------------------------------------------------------------"
	    "-------------\n"
	    "Repository: /repo\n"
	    "Archive name: x\n"
	    "Archive fingerprint: " A64 "\n"
	    "Time (start): Sun, 2026-11-22 02:24:05\n"
	    "Time (end):   Sun, 2026-11-22 02:24:06\n"
	    "Duration: 1.25 seconds\n"
	    "Number of files: 2\n"
	    "-----------------------------------------------------------------"
	    "-------------\n"
	    "                       Original size    Deduplicated size      "
	    "Compressed size\n"
	    "This archive:               12.35 MB            345.68 kB         "
	    "     5.68 kB\n"
	    "-----------------------------------------------------------------"
	    "-------------\n");
	assert_int_equal(program_run("create --json ::x src"), 0);
	assert_non_null(strstr(program_out, "\"id\": \"" A64 "\""));
	assert_non_null(strstr(program_out, "\"original_size\": 1000\n"));
	assert_non_null(strstr(program_out, "\"skipped\": []"));
	assert_non_null(strstr(program_out, "\"total_unique_chunks\": 5,"));
	assert_string_equal(program_err, "");
}
