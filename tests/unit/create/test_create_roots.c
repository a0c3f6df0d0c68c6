/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/stat.h>

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "create/roots.h"
#include "util/buf.h"
#include "util/mem.h"

/* "archive path=path to open" of every source, in order. */
static void
print_below(const struct vrv_root *root, const char *above, struct vrv_buf *out)
{
	vrv_auto_free char *at =
	    vrv_strf("%s%s%s", above, above[0] != '\0' ? "/" : "", root->name);

	if (root->source) {
		vrv_auto_free char *line = vrv_strf("%s%s=%s%s",
		    out->len > 0 ? " " : "", at, root->path,
		    root->stdin_      ? "<" :
			root->recurse ? "" :
					"!");

		vrv_buf_bytes(out, line, strlen(line));
	}
	for (size_t i = 0; i < root->n_below; i++)
		print_below(root->below[i], at, out);
}

/* What the blank-separated sources come to; those that begin with '<' are
 * standard input. NULL: refused. */
static char *
take(const char *sources, char *message)
{
	struct vrv_roots roots = VRV_ROOTS_INIT;
	vrv_auto_buf struct vrv_buf out = {0};
	char *copy = strdup(sources), *save = NULL, *result = NULL;
	struct varve_err err;
	int rc = 0;

	for (char *s = strtok_r(copy, " ", &save); rc == 0 && s != NULL;
	     s = strtok_r(NULL, " ", &save))
		rc = *s == '<' ? vrv_roots_add_stdin(&roots, s + 1, &err) :
				 vrv_roots_add(&roots, s, true, &err);
	if (rc == 0)
		rc = vrv_roots_sort(&roots, &err);
	if (rc == 0) {
		print_below(&roots.top, "", &out);
		vrv_buf_u8(&out, 0);
		result = strdup((char *)out.data);
	} else {
		assert_int_equal(rc, VARVE_USAGE);
		strcpy(message, err.message);
	}
	vrv_roots_fini(&roots);
	free(copy);
	return result;
}

static void
test_forms(void **state)
{
	static const struct {
		const char *sources, *want;
	} cases[] = {
	    {"a", "a=a"},
	    {"/a/b", "a/b=/a/b"},
	    {"//a///b//", "a/b=//a/b"},
	    {"./a", "a=./a"},
	    {"././a/./.", "a=././a"},
	    {".", "=."},
	    {"/", "=/"},
	    {"..", "=.."},
	    {"../..", "=../.."},
	    {"../a", "a=../a"},
	    {"/../a", "a=/../a"},
	    {"a/..", "=a/.."},
	    {"a/../b", "b=b"},
	    {"a/b/../../c", "c=c"},
	    {"a/../../b", "b=../b"},
	    {"a/../../../b/c", "b/c=../../b/c"},
	    {"/a/../../b", "b=/../b"},
	    {"a/./b", "b=a/./b"},
	    {"/a/b/./c/d", "c/d=/a/b/./c/d"},
	    {"a/./../b", "b=a/./../b"},
	    {"a/./b/../c", "c=a/./c"},
	    {"a/./b/../../c", "c=a/./../c"},
	    {"a/./b/./c", "b/c=a/./b/c"},
	    {"/./a", "a=/./a"},
	    {"a/./", "=a/./"},
	    {"...", "...=..."},
	    {"..a/.b", "..a/.b=..a/.b"},
	    {"b a", "a=a b=b"},
	    {"a a", "a=a"},
	    {"a a/", "a=a"},
	    {"a ./a", "a=a"},
	    {"./a a", "a=./a"},
	    {". ./", "=."},
	    {"a/b ./a//b", "a/b=a/b"},
	    {"a a/b", "a=a a/b=a/b"},
	    {"a/b a", "a=a a/b=a/b"},
	    {". a/b", "=. a/b=a/b"},
	    {"./ ./a", "=./ a=./a"},
	    {"/ /home", "=/ home=/home"},
	    {"/home/u /home", "home=/home home/u=/home/u"},
	    {"x/./a/b y/./a/c", "a/b=x/./a/b a/c=y/./a/c"},
	    {"x/./a/b y/./a/c x/a/d", "a/b=x/./a/b a/c=y/./a/c x/a/d=x/a/d"},
	    {"<in", "in=in<"},
	    {"a <d/in", "a=a d/in=d/in<"},
	    {"d/a <d/in", "d/a=d/a d/in=d/in<"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char message[VARVE_MESSAGE_MAX];
		char *got = take(cases[i].sources, message);

		if (got == NULL)
			fail_msg("'%s': %s", cases[i].sources, message);
		if (strcmp(got, cases[i].want) != 0)
			fail_msg("'%s' is '%s', not '%s'", cases[i].sources,
			    got, cases[i].want);
		free(got);
	}
}

static void
test_refused(void **state)
{
	static const char *const cases[] = {
	    "a x/./a",
	    "x/./a y/./a",
	    "/a a",
	    "a/b x/./a/b",
	    "a x/./a/b",
	    "a <a/in",
	    ". <in",
	    "a <a",
	    "<in <in",
	    "<.",
	    "<a/..",
	    "/home home/u",
	    "a/b <a/b",
	    "x/./a a/b",
	};
	char message[VARVE_MESSAGE_MAX];
	struct vrv_roots roots = VRV_ROOTS_INIT;
	struct varve_err err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *got = take(cases[i], message);

		if (got != NULL)
			fail_msg("'%s' was taken as '%s'", cases[i], got);
	}
	assert_int_equal(vrv_roots_add(&roots, "", true, &err), VARVE_USAGE);
	char *longest = malloc(PATH_MAX + 1);
	memset(longest, 'a', PATH_MAX);
	longest[PATH_MAX] = '\0';
	assert_int_equal(vrv_roots_add(&roots, longest, true, &err),
	    VARVE_USAGE);
	longest[PATH_MAX - 1] = '\0';
	assert_int_equal(vrv_roots_add(&roots, longest, true, &err), 0);
	for (size_t i = 1; i < PATH_MAX - 1; i += 2)
		longest[i] = '/';
	assert_int_equal(vrv_roots_add(&roots, longest, true, &err), 0);
	assert_int_equal(vrv_roots_sort(&roots, &err), 0);
	free(longest);
	vrv_roots_fini(&roots);
}

/* Two names of one file are one source, in the first one's words; two files
 * are refused. */
static void
test_same_file(void **state)
{
	char message[VARVE_MESSAGE_MAX],
	    where[] = "/var/tmp/varve-roots-XXXXXX";
	int cwd = open(".", O_RDONLY | O_DIRECTORY);

	(void)state;
	assert_non_null(mkdtemp(where));
	assert_int_equal(chdir(where), 0);
	assert_int_equal(mkdir("s", 0700), 0);
	assert_int_equal(mkdir("s/sub", 0700), 0);
	assert_int_equal(mkdir("o", 0700), 0);
	assert_int_equal(mkdir("o/s", 0700), 0);
	assert_int_equal(symlink(".", "here"), 0);
	static const struct {
		const char *sources, *want;
	} cases[] = {
	    {"s here/./s", "s=s"},
	    {"here/./s s", "s=here/./s"},
	    {"s here/./s/sub", "s=s s/sub=here/./s/sub"},
	    {"s o/./s", NULL},
	    {"s o/./s/sub", NULL},
	    {"s here/./none", "none=here/./none s=s"},
	    {"s here/./s/none", NULL},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *got = take(cases[i].sources, message);

		if ((got == NULL) != (cases[i].want == NULL) ||
		    (got != NULL && strcmp(got, cases[i].want) != 0))
			fail_msg("'%s' is '%s'", cases[i].sources,
			    got == NULL ? message : got);
		free(got);
	}
	assert_int_equal(unlink("here"), 0);
	assert_int_equal(rmdir("o/s"), 0);
	assert_int_equal(rmdir("o"), 0);
	assert_int_equal(rmdir("s/sub"), 0);
	assert_int_equal(rmdir("s"), 0);
	assert_int_equal(fchdir(cwd), 0);
	close(cwd);
	assert_int_equal(rmdir(where), 0);
}

/* Not sorted, each twice, with folders that come back. */
static void
test_many(void **state)
{
	enum {
		N = 100000
	};
	struct vrv_roots roots = VRV_ROOTS_INIT;
	struct varve_err err;
	size_t total = 0;
	char path[40];

	(void)state;
	for (unsigned i = 0; i < 2 * N; i++) {
		unsigned which = (unsigned)((uint64_t)i * 7919 % N);

		snprintf(path, sizeof(path), "d%u/f%u", which % 500, which);
		assert_int_equal(vrv_roots_add(&roots, path, false, &err), 0);
	}
	assert_int_equal(vrv_roots_sort(&roots, &err), 0);
	assert_int_equal(roots.top.n_below, 500);
	for (size_t i = 0; i < 500; i++) {
		const struct vrv_root *d = roots.top.below[i];

		total += d->n_below;
		assert_true(i == 0 ||
		    strcmp(roots.top.below[i - 1]->name, d->name) < 0);
		for (size_t k = 1; k < d->n_below; k++)
			assert_true(strcmp(d->below[k - 1]->name,
					d->below[k]->name) < 0);
	}
	assert_int_equal(total, N);
	const struct vrv_root *d = vrv_roots_find(&roots.top, "d499");
	assert_non_null(d);
	assert_non_null(vrv_roots_find(d, "f99999"));
	assert_null(vrv_roots_find(d, "f9998"));
	assert_null(vrv_roots_find(vrv_roots_find(d, "f99999"), "x"));
	vrv_roots_fini(&roots);
}

static void
test_label(void **state)
{
	struct vrv_roots roots = VRV_ROOTS_INIT;
	struct varve_err err;

	(void)state;
	assert_int_equal(vrv_roots_add(&roots, "/etc", true, &err), 0);
	assert_int_equal(vrv_roots_add(&roots, "/a/./b/c", true, &err), 0);
	assert_int_equal(vrv_roots_sort(&roots, &err), 0);
	assert_string_equal(vrv_roots_label(&roots), "b/c etc");
	vrv_roots_fini(&roots);
	assert_int_equal(vrv_roots_add(&roots, "/", true, &err), 0);
	assert_int_equal(vrv_roots_sort(&roots, &err), 0);
	assert_string_equal(vrv_roots_label(&roots), ".");
	vrv_roots_fini(&roots);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_forms),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_same_file),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_label),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
