/* SPDX-License-Identifier: BSD-2-Clause */

/* What is particular to a store in a folder: its layout and its leftovers. */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store/store.h"

static struct varve_err err;

struct fixture {
	char top[64], path[96];
	int top_fd;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->top, "/var/tmp/varve-test-XXXXXX");
	if (mkdtemp(f->top) == NULL)
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/repo", f->top);
	f->top_fd = open(f->top, O_RDONLY | O_DIRECTORY);
	*state = f;
	return f->top_fd < 0 ? -1 : 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	int bad = nftw(f->top, remove_one, 16, FTW_DEPTH | FTW_PHYS);

	close(f->top_fd);
	free(f);
	return bad;
}

static void
make_file(const struct fixture *f, const char *name)
{
	int fd = openat(f->top_fd, name, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static struct vrv_store *
open_it(const struct fixture *f, bool create)
{
	struct vrv_store *s = NULL;

	assert_int_equal(vrv_store_open_local(f->path, create, &s, &err), 0);
	return s;
}

static void
refused(const struct fixture *f, bool create, int code, int status)
{
	struct vrv_store *s = NULL;

	assert_int_equal(vrv_store_open_local(f->path, create, &s, &err), code);
	assert_int_equal(err.exit, status);
	assert_non_null(strstr(err.message, f->path));
	assert_null(s);
}

static void
create_makes_the_layout(void **state)
{
	static const char *const folders[] = {"config", "keys", "packs",
	    "packs/00", "packs/7f", "packs/ff", "index", "intents", "archives",
	    "tombstones", "condemned", "rolls", "tmp", "quarantine"};
	struct fixture *f = *state;
	struct stat st;
	char path[64];

	struct vrv_store *s = open_it(f, true);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "repo/%s", folders[i]);
		assert_int_equal(fstatat(f->top_fd, path, &st, 0), 0);
		assert_true(S_ISDIR(st.st_mode));
		assert_int_equal(st.st_mode & 07777, 0700);
	}
	assert_int_equal(fstatat(f->top_fd, "repo/reserve", &st, 0), 0);
	assert_int_equal(st.st_size, 1 << 20);
	assert_int_equal(fstatat(f->top_fd, "repo/place", &st, 0), 0);
	assert_int_equal(st.st_size, 33);
	assert_int_equal(st.st_mode & 07777, 0400);
	assert_int_equal(fstatat(f->top_fd, "repo/packs", &st, 0), 0);

	assert_int_equal(vrv_store_put(s, "keys/a", "x", 1, &err), 0);
	assert_int_equal(fstatat(f->top_fd, "repo/keys/a", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0400);
	assert_int_equal(st.st_nlink, 1);
	vrv_store_free(s);
}

static void
opening_tells_what_is_wrong(void **state)
{
	struct fixture *f = *state;

	refused(f, false, VARVE_NOENT, VARVE_EXIT_NO_REPO);
	make_file(f, "repo");
	refused(f, false, VARVE_FORMAT, VARVE_EXIT_NOT_A_REPO);
	assert_int_equal(unlinkat(f->top_fd, "repo", 0), 0);
	assert_int_equal(mkdirat(f->top_fd, "repo", 0700), 0);
	refused(f, false, VARVE_FORMAT, VARVE_EXIT_NOT_A_REPO);
	assert_int_equal(mkdirat(f->top_fd, "repo/packs", 0700), 0);
	refused(f, false, VARVE_FORMAT, VARVE_EXIT_NOT_A_REPO);
	assert_int_equal(mkdirat(f->top_fd, "repo/config", 0700), 0);
	vrv_store_free(open_it(f, false));
}

static void
create_spares_what_is_there(void **state)
{
	struct fixture *f = *state;
	struct vrv_store *s;

	assert_int_equal(mkdirat(f->top_fd, "repo", 0700), 0);
	make_file(f, "repo/letter");
	refused(f, true, VARVE_EXISTS, VARVE_EXIT_REPO_EXISTS);
	assert_int_equal(faccessat(f->top_fd, "repo/config", F_OK, 0), -1);
	assert_int_equal(unlinkat(f->top_fd, "repo/letter", 0), 0);
	make_file(f, "repo/config");
	refused(f, true, VARVE_EXISTS, VARVE_EXIT_REPO_EXISTS);
	assert_int_equal(unlinkat(f->top_fd, "repo/config", 0), 0);

	s = open_it(f, true);
	assert_int_equal(vrv_store_put(s, "packs/ab/cd", "x", 1, &err), 0);
	refused(f, true, VARVE_EXISTS, VARVE_EXIT_REPO_EXISTS);
	assert_int_equal(vrv_store_put(s, "config/1", "x", 1, &err), 0);
	refused(f, true, VARVE_EXISTS, VARVE_EXIT_REPO_EXISTS);
	assert_non_null(strstr(err.message, "repository already"));
	vrv_store_free(s);
}

/* The id of the location: hexadecimal digits and a newline. */
static void
read_place(const struct fixture *f, char text[40])
{
	int fd = openat(f->top_fd, "repo/place", O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(read(fd, text, 40), 33);
	close(fd);
	text[33] = '\0';
	assert_int_equal(strspn(text, "0123456789abcdef"), 32);
	assert_int_equal(text[32], '\n');
}

/* A killed create left a part of the layout. */
static void
create_finishes_a_part(void **state)
{
	struct fixture *f = *state;
	char first[40], second[40];
	struct stat st;

	assert_int_equal(mkdirat(f->top_fd, "repo", 0700), 0);
	assert_int_equal(mkdirat(f->top_fd, "repo/tmp", 0700), 0);
	make_file(f, "repo/tmp/half");
	assert_int_equal(mkdirat(f->top_fd, "repo/packs", 0700), 0);
	assert_int_equal(mkdirat(f->top_fd, "repo/packs/00", 0700), 0);
	vrv_store_free(open_it(f, true));
	assert_int_equal(fstatat(f->top_fd, "repo/packs/ff", &st, 0), 0);
	read_place(f, first);
	vrv_store_free(open_it(f, true)); /* whole, still empty */
	read_place(f, second);
	assert_string_equal(first, second);
	assert_int_equal(unlinkat(f->top_fd, "repo/reserve", 0), 0);
	vrv_store_free(open_it(f, true));
	assert_int_equal(fstatat(f->top_fd, "repo/reserve", &st, 0), 0);
}

static int
collect(void *arg, const struct vrv_store_item *item, struct varve_err *e)
{
	(void)e;
	strcat(arg, item->name);
	strcat(arg, " ");
	return 0;
}

static void
lists_the_unknown_as_it_is(void **state)
{
	struct fixture *f = *state;
	struct vrv_store *s = open_it(f, true);
	char names[512] = "";

	assert_int_equal(mkdirat(f->top_fd, "repo/lost+found", 0000), 0);
	make_file(f, "repo/README");
	make_file(f, "repo/tmp/t");
	make_file(f, "repo/quarantine/q");
	assert_int_equal(mkdirat(f->top_fd, "repo/packs/00/sub", 0700), 0);
	make_file(f, "repo/packs/00/sub/f");
	make_file(f, "repo/packs/stray");
	assert_int_equal(vrv_store_put(s, "keys/a", "x", 1, &err), 0);
	assert_int_equal(vrv_store_list(s, "", true, collect, names, &err), 0);
	assert_string_equal(names,
	    "README keys/a lost+found packs/00/sub packs/stray ");
	names[0] = '\0';
	assert_int_equal(vrv_store_list(s, "tmp/", false, collect, names, &err),
	    0);
	assert_int_equal(vrv_store_list(s, "reserve", false, collect, names,
			     &err),
	    0);
	assert_string_equal(names, "");
	vrv_store_free(s);
}

static void
set_age(const struct fixture *f, const char *name, time_t seconds)
{
	struct timespec t[2] = {{.tv_sec = time(NULL) - seconds},
	    {.tv_sec = time(NULL) - seconds}};

	assert_int_equal(utimensat(f->top_fd, name, t, 0), 0);
}

static int
first_name(const struct fixture *f, char *name, size_t size)
{
	struct dirent *e;
	char path[128];
	int n = 0;

	snprintf(path, sizeof(path), "%s/tmp", f->path);
	DIR *d = opendir(path);
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.' && strlen(e->d_name) < 3)
			continue;
		snprintf(name, size, "repo/tmp/%s", e->d_name);
		n++;
	}
	closedir(d);
	return n;
}

/* A put that idles, say on a suspended laptop, beside the next run. */
static void
an_idle_put_keeps_its_file(void **state)
{
	struct fixture *f = *state;
	struct vrv_store *s = open_it(f, true), *other;
	struct vrv_put *put;
	char name[300], back[3];

	assert_int_equal(vrv_put_begin(s, "packs/ab/x", &put, &err), 0);
	assert_int_equal(vrv_put_write(put, "one", 3, &err), 0);
	assert_int_equal(first_name(f, name, sizeof(name)), 1);
	set_age(f, name, 40 * 24 * 3600);

	other = open_it(f, false);
	assert_int_equal(vrv_store_put(other, "keys/a", "x", 1, &err), 0);
	vrv_store_free(other);
	assert_int_equal(faccessat(f->top_fd, name, F_OK, 0), 0);
	assert_int_equal(vrv_put_commit(put, &err), 0);
	assert_int_equal(vrv_store_get(s, "packs/ab/x", 0, back, 3, &err), 0);
	assert_memory_equal(back, "one", 3);
	vrv_store_free(s);
}

static void
abandoned_temporary_files_go_at_once(void **state)
{
	static const char left[] =
	    "repo/tmp/.varve-0123456789abcdef0123456789abcdef.tmp";
	struct fixture *f = *state;

	vrv_store_free(open_it(f, true));
	make_file(f, left);
	make_file(f, "repo/tmp/passwd");
	set_age(f, "repo/tmp/passwd", 40 * 24 * 3600);
	struct vrv_store *s = open_it(f, false);
	assert_int_equal(vrv_store_put(s, "keys/a", "x", 1, &err), 0);
	vrv_store_free(s);
	assert_int_equal(faccessat(f->top_fd, left, F_OK, 0), -1);
	assert_int_equal(faccessat(f->top_fd, "repo/tmp/passwd", F_OK, 0), 0);
}

static void
the_reserve_goes_and_comes_back(void **state)
{
	struct fixture *f = *state;
	struct vrv_store *s = open_it(f, true);
	struct stat st;
	bool released;

	vrv_store_restore_reserve(s);
	assert_int_equal(fstatat(f->top_fd, "repo/reserve", &st, 0), 0);
	assert_int_equal(vrv_store_release_reserve(s, &released, &err), 0);
	assert_true(released);
	assert_int_equal(fstatat(f->top_fd, "repo/reserve", &st, 0), -1);
	assert_int_equal(vrv_store_release_reserve(s, &released, &err), 0);
	assert_false(released);
	vrv_store_restore_reserve(s);
	assert_int_equal(fstatat(f->top_fd, "repo/reserve", &st, 0), 0);
	assert_int_equal(st.st_size, 1 << 20);
	vrv_store_free(s);
}

/* A copy made by a tool that leaves out empty folders. */
static void
missing_folders_come_back(void **state)
{
	struct fixture *f = *state;

	vrv_store_free(open_it(f, true));
	assert_int_equal(unlinkat(f->top_fd, "repo/packs/ab", AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(f->top_fd, "repo/rolls", AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(f->top_fd, "repo/tmp", AT_REMOVEDIR), 0);
	struct vrv_store *s = open_it(f, false);
	assert_int_equal(vrv_store_put(s, "packs/ab/x", "x", 1, &err), 0);
	assert_int_equal(vrv_store_put(s, "rolls/x", "x", 1, &err), 0);
	assert_int_equal(vrv_store_sync(s, "", &err), 0);
	vrv_store_free(s);
}

/* More than a step of early writeback, in odd pieces. */
static void
a_large_object_comes_back(void **state)
{
	struct fixture *f = *state;
	struct vrv_store *s = open_it(f, true);
	size_t n = (size_t)9 << 20, got;
	uint8_t *bytes = malloc(n), *back;
	struct vrv_put *put;

	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(i * 31 >> 3);
	assert_int_equal(vrv_put_begin(s, "packs/ab/x", &put, &err), 0);
	for (size_t at = 0, step = 777777; at < n; at += step) {
		if (step > n - at)
			step = n - at;
		assert_int_equal(vrv_put_write(put, bytes + at, step, &err), 0);
	}
	assert_int_equal(vrv_put_commit(put, &err), 0);
	assert_int_equal(vrv_store_get_all(s, "packs/ab/x", n, &back, &got,
			     &err),
	    0);
	assert_int_equal(got, n);
	assert_memory_equal(back, bytes, n);
	free(back);
	free(bytes);
	vrv_store_free(s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(create_makes_the_layout),
	    TEST(opening_tells_what_is_wrong),
	    TEST(create_spares_what_is_there),
	    TEST(create_finishes_a_part),
	    TEST(lists_the_unknown_as_it_is),
	    TEST(an_idle_put_keeps_its_file),
	    TEST(abandoned_temporary_files_go_at_once),
	    TEST(missing_folders_come_back),
	    TEST(the_reserve_goes_and_comes_back),
	    TEST(a_large_object_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
