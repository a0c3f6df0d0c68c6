/* SPDX-License-Identifier: BSD-2-Clause */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "cli/format.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "cli/timetext.h"

static void
test_escape(void **state)
{
	static const char *const cases[][2] = {
	    {"plain \\ name", "plain \\ name"},
	    {"a\nb\x1b[2J\x7f", "a\\x0ab\\x1b[2J\\x7f"},
	    {"\xff\xc3\xa9\xc3", "\\xff\xc3\xa9\\xc3"},
	    {"\xc2\x9b"
	     "x",
		"\\xc2\\x9bx"},			 /* C1 control */
	    {"\xe2\x80\xae", "\\xe2\\x80\\xae"}, /* right to left */
	    {"\xed\xa0\x80", "\\xed\\xa0\\x80"}, /* surrogate */
	    {"\xc0\xaf", "\\xc0\\xaf"},		 /* overlong */
	    {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		vrv_auto_buf struct vrv_buf buf = {0};
		vrv_text_escape(&buf, cases[i][0]);
		assert_string_equal(vrv_text_str(&buf), cases[i][1]);
	}
	vrv_auto_buf struct vrv_buf lossy = {0};
	vrv_text_lossy(&lossy, "a\xff\n\xc3\xa9");
	assert_string_equal(vrv_text_str(&lossy), "a?\n\xc3\xa9");
	vrv_auto_buf struct vrv_buf shell = {0};
	vrv_text_shell(&shell, "it's");
	vrv_text_shell(&shell, "a-b");
	vrv_text_shell(&shell, "");
	assert_string_equal(vrv_text_str(&shell), "'it'\"'\"'s'a-b''");
}

static void
test_sizes(void **state)
{
	static const struct {
		int64_t n;
		bool iec;
		int precision;
		bool sign;
		const char *text;
	} cases[] = {
	    {0, false, 2, false, "0 B"},
	    {999, false, 2, false, "999 B"},
	    {1000, false, 2, false, "1.00 kB"},
	    {1675, false, 2, false, "1.68 kB"},
	    {999999, false, 2, false, "1.00 MB"},
	    {1024, true, 2, false, "1.00 KiB"},
	    {1023, true, 2, false, "1023 B"},
	    {6, false, 1, true, "+6 B"},
	    {-3, false, 1, true, "-3 B"},
	    {-1500, false, 1, true, "-1.5 kB"},
	    {INT64_MAX, false, 2, false, "9.22 EB"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		vrv_auto_buf struct vrv_buf buf = {0};
		vrv_text_size(&buf, cases[i].n, cases[i].iec,
		    cases[i].precision, cases[i].sign);
		assert_string_equal(vrv_text_str(&buf), cases[i].text);
	}
}

static void
test_modes(void **state)
{
	char out[11];

	(void)state;
	vrv_text_mode(out, '-', 0644);
	assert_string_equal(out, "-rw-r--r--");
	vrv_text_mode(out, 'd', 01777);
	assert_string_equal(out, "drwxrwxrwt");
	vrv_text_mode(out, '-', 07000);
	assert_string_equal(out, "---S--S--T");
	vrv_text_mode(out, 'h', 06755);
	assert_string_equal(out, "hrwsr-sr-x");
}

static void
test_fit(void **state)
{
	static const char wide[] = "\xe4\xb8\xad\xe6\x96\x87\xe5\xad\x97"
				   "\xe7\xac\xa6\xe4\xb8\xb2\xe9\x95\xbf";

	(void)state;
	for (size_t columns = 0; columns < 30; columns++) {
		static const char *const texts[] = {wide, "short",
		    "a rather long path/with a name", "\xff\xfe\xfd\x01\x02"};
		for (size_t i = 0; i < 4; i++) {
			vrv_auto_buf struct vrv_buf buf = {0};
			vrv_text_fit(&buf, texts[i], columns);
			assert_true(vrv_text_width((char *)buf.data, buf.len) <=
			    columns);
		}
	}
	vrv_auto_buf struct vrv_buf buf = {0};
	vrv_text_fit(&buf, "this_is_a_very_long_string", 13);
	assert_string_equal(vrv_text_str(&buf), "this_...tring");
}

static void
test_progress(void **state)
{
	struct varve_progress p = {.files = 12,
	    .original = 1200000000,
	    .compressed = 300000000,
	    .deduplicated = 500000000,
	    .current = 1,
	    .total = 4};
	vrv_auto_buf struct vrv_buf line = {0};

	(void)state;
	vrv_progress_text(&line, &p, "a/b", 10, true, false, 100);
	assert_string_equal(vrv_text_str(&line),
	    "1.20 GB O 300.00 MB C 500.00 MB D 12 N 120.0 MB/s 25% "
	    "ETA 0:00:30 a/b");
	vrv_buf_clear(&line);
	p.current = 9; /* more than was foreseen */
	vrv_progress_text(&line, &p, NULL, 10, false, false, 100);
	assert_string_equal(vrv_text_str(&line), "1.20 GB 120.0 MB/s 100%");
	/* Where there is no terminal, nothing limits the last line either. */
	vrv_buf_clear(&line);
	vrv_progress_text(&line, &p, NULL, 10, true, false, SIZE_MAX);
	assert_string_equal(vrv_text_str(&line),
	    "1.20 GB O 300.00 MB C 500.00 MB D 12 N 120.0 MB/s 100%");
	/* A narrow line keeps the bytes and the speed, and room for the path.
	 */
	vrv_buf_clear(&line);
	p.current = 1;
	vrv_progress_text(&line, &p, "some/path", 10, true, false, 79);
	assert_string_equal(vrv_text_str(&line),
	    "1.20 GB O 12 N 120.0 MB/s 25% ETA 0:00:30 some/path");
	vrv_buf_clear(&line);
	vrv_progress_text(&line, &p, "some/long/path", 10, true, false, 39);
	assert_string_equal(vrv_text_str(&line),
	    "1.20 GB O 120.0 MB/s 25% some/long/path");
	/* What has no bytes counts items. */
	p.original = 0;
	vrv_buf_clear(&line);
	vrv_progress_text(&line, &p, "a", 10, false, false, 79);
	assert_string_equal(vrv_text_str(&line), "12 N 25% ETA 0:00:30 a");
	p.original = 1200000000;
	for (size_t columns = 0; columns < 120; columns++) {
		vrv_buf_clear(&line);
		vrv_progress_text(&line, &p,
		    "\xe4\xb8\xad\xe6\x96\x87/\xff\n/and some more of a path",
		    10, true, true, columns);
		assert_true(
		    vrv_text_width((char *)line.data, line.len) <= columns);
		assert_null(memchr(line.data, '\n', line.len));
	}
}

static const char *const keys[] = {"name", "size", "when", NULL};

static void
value(void *arg, size_t key, struct vrv_value *v)
{
	(void)arg;
	if (key == 0) {
		vrv_text_add(&v->text, "n\xc3\xa9");
	} else if (key == 1) {
		v->is_number = true;
		vrv_text_add(&v->text, "42");
	} else {
		v->is_time = true;
		v->time = (struct varve_time){1795314245, 266811000};
	}
}

static void
test_format(void **state)
{
	static const char *const cases[][2] = {
	    {"{name}{NL}", "n\xc3\xa9\n"},
	    {"{name:4}|{size:4}|", "n\xc3\xa9  |  42|"},
	    {"{name:>4}|{size:<4}|{size:^6}|", "  n\xc3\xa9|42  |  42  |"},
	    {"{name:*^6}", "**n\xc3\xa9**"},
	    {"{name:\xc3\xa9<4}", "n\xc3\xa9\xc3\xa9\xc3\xa9"},
	    {"{name:.1}", "n"},
	    {"{{{size}}}", "{42}"},
	    {"{when}", "Sun, 2026-11-22 02:24:05"},
	    {"{when:%Y %f}", "2026 266811"},
	    {"{when:26}|", "Sun, 2026-11-22 02:24:05  |"},
	    {"{TAB}{SPACE}{CR}", "\t \r"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct varve_err err;
		vrv_auto_format f = NULL;
		vrv_auto_buf struct vrv_buf buf = {0};
		assert_int_equal(vrv_format_new(cases[i][0], keys, &f, &err),
		    0);
		vrv_format_line(f, value, NULL, &buf);
		assert_string_equal(vrv_text_str(&buf), cases[i][1]);
	}
}

static void
test_bad_formats(void **state)
{
	static const char *const bad[] = {"{nope}", "{", "{name", "}",
	    "{name:99999}", "{name:x}", "{name!r}", "{}"};
	struct varve_err err;
	vrv_auto_format f = NULL;
	vrv_auto_buf struct vrv_buf buf = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(vrv_format_new(bad[i], keys, &f, &err),
		    VARVE_USAGE);
	assert_int_equal(vrv_format_new("{size}{NUL}", keys, &f, &err), 0);
	assert_true(vrv_format_uses(f, 1));
	assert_false(vrv_format_uses(f, 0));
	vrv_format_line(f, value, NULL, &buf);
	assert_int_equal(buf.len, 3);
	assert_memory_equal(buf.data, "42", 3);
}

static void
test_times(void **state)
{
	vrv_auto_buf struct vrv_buf buf = {0};

	(void)state;
	vrv_time_iso(&buf, (struct varve_time){-1, 999999999});
	assert_string_equal(vrv_text_str(&buf), "1969-12-31T23:59:59.999999");
	vrv_buf_clear(&buf);
	vrv_time_iso(&buf, (struct varve_time){INT64_MAX, 0});
	assert_string_equal(vrv_text_str(&buf), "@9223372036854775807");
	vrv_buf_clear(&buf);
	vrv_duration_text(&buf, 3725.5);
	assert_string_equal(vrv_text_str(&buf),
	    "1 hours 2 minutes 5.50 seconds");
	assert_string_equal(vrv_plural(0), "s");
	assert_string_equal(vrv_plural(1), "");
	assert_string_equal(vrv_plural(2), "s");
}

static void
test_json(void **state)
{
	struct vrv_json *j = vrv_json_object();
	vrv_auto_buf struct vrv_buf buf = {0};

	(void)state;
	vrv_json_str(j, "z", "\xc3\xa9\xff");
	vrv_json_begin_array(j, "a");
	vrv_json_int(j, NULL, UINT64_MAX);
	vrv_json_real(j, NULL, 0.003417);
	vrv_json_begin(j, NULL);
	vrv_json_null(j, "n");
	vrv_json_end(j);
	vrv_json_end(j);
	vrv_json_bool(j, "b", true);
	assert_true(vrv_json_line(j, &buf));
	assert_string_equal(vrv_text_str(&buf),
	    "{\"z\": \"\\u00E9?\", \"z_b64\": \"w6n/\", "
	    "\"a\": [9223372036854775807, 0.003417, "
	    "{\"n\": null}], \"b\": true}\n");
	vrv_buf_clear(&buf);
	assert_true(vrv_json_text(j, &buf));
	assert_int_equal(memcmp(buf.data, "{\n    \"a\": [", 12), 0);
	vrv_json_free(j);

	/* What cannot be nested so deep fails as a whole. */
	j = vrv_json_object();
	for (int i = 0; i < 9; i++)
		vrv_json_begin(j, "x");
	assert_false(vrv_json_line(j, &buf));
	vrv_json_free(j);
	assert_false(vrv_json_line(NULL, &buf));
}

static void
test_json_bytes(void **state)
{
	static const char *const words[] = {"a", "b\xff"};
	struct vrv_json *j = vrv_json_object();
	vrv_auto_buf struct vrv_buf buf = {0};

	(void)state;
	vrv_json_str(j, "valid", "\xc3\xa9");
	vrv_json_str(j, "n1", "\xff");
	vrv_json_str(j, "n2", "\xff\xfe");
	vrv_json_str(j, "n3", "\xff\xfe\xfd");
	vrv_json_strings(j, "valid_words", words, 1);
	vrv_json_strings(j, "words", words, 2);
	vrv_json_strings(j, "none", NULL, 0);
	assert_true(vrv_json_line(j, &buf));
	assert_string_equal(vrv_text_str(&buf),
	    "{\"valid\": \"\\u00E9\", \"n1\": \"?\", \"n1_b64\": \"/w==\", "
	    "\"n2\": \"??\", \"n2_b64\": \"//4=\", "
	    "\"n3\": \"???\", \"n3_b64\": \"//79\", "
	    "\"valid_words\": [\"a\"], \"words\": [\"a\", \"b?\"], "
	    "\"words_b64\": [\"YQ==\", \"Yv8=\"], \"none\": []}\n");
	vrv_json_free(j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_escape),
	    cmocka_unit_test(test_sizes),
	    cmocka_unit_test(test_modes),
	    cmocka_unit_test(test_fit),
	    cmocka_unit_test(test_progress),
	    cmocka_unit_test(test_format),
	    cmocka_unit_test(test_bad_formats),
	    cmocka_unit_test(test_times),
	    cmocka_unit_test(test_json),
	    cmocka_unit_test(test_json_bytes),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
