/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that change while they are read, and sizes that are not true. */
#include "os/file.h"
#include "os/meta.h"

#include "place.h"

/* Called once, just before src/f is read. */
static void (*change)(void);
/* What the file system says is the size of src/f. */
static bool has_fake_size;
static uint64_t fake_size;

int __real_vrv_os_read_some(int fd, void *to, size_t n, size_t *ret_n,
    struct varve_err *err);
int __wrap_vrv_os_read_some(int fd, void *to, size_t n, size_t *ret_n,
    struct varve_err *err);
int __real_vrv_os_stat(int dirfd, const char *name, struct vrv_stat *ret,
    struct varve_err *err);
int __wrap_vrv_os_stat(int dirfd, const char *name, struct vrv_stat *ret,
    struct varve_err *err);

static bool
is_f(int fd)
{
	char link[64], path[1000];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t len = readlink(link, path, sizeof(path));
	return len > 6 && memcmp(path + len - 6, "/src/f", 6) == 0;
}

int
__wrap_vrv_os_read_some(int fd, void *to, size_t n, size_t *ret_n,
    struct varve_err *err)
{
	if (change != NULL && is_f(fd)) {
		change();
		change = NULL;
	}
	return __real_vrv_os_read_some(fd, to, n, ret_n, err);
}

int
__wrap_vrv_os_stat(int dirfd, const char *name, struct vrv_stat *ret,
    struct varve_err *err)
{
	int rc = __real_vrv_os_stat(dirfd, name, ret, err);

	if (rc == 0 && has_fake_size &&
	    (name[0] == '\0' ? is_f(dirfd) : strcmp(name, "f") == 0))
		ret->size = fake_size;
	return rc;
}

static int
reset(void **state)
{
	change = NULL;
	has_fake_size = false;
	return setup(state);
}

static int
find_f(void *arg, const struct vrv_walk_item *item, struct varve_err *err)
{
	const struct vrv_entry *entry = item->entry;
	struct vrv_entry *ret = arg;

	(void)err;
	if (entry->name_n == 1 && entry->name[0] == 'f')
		*ret = *entry;
	return 0;
}

/* The newest archive has `size` bytes of src/f. */
static void
has_f(struct place *p, uint64_t size, bool changed)
{
	struct vrv_entry f = {0};
	struct vrv_archives *all;
	struct vrv_reader *reader;
	struct varve_err err;

	holds(p, "src src/f ");
	MUST(vrv_archives_load(p->repo, &all, &err));
	MUST(vrv_reader_new(p->repo, 1 << 20, &reader, &err));
	const struct vrv_walk walk = {.source = vrv_meta_from_reader(reader),
	    .fn = find_f,
	    .arg = &f};
	MUST(vrv_walk_archive(&walk, all->items[all->n - 1], &err));
	assert_int_equal(f.size, size);
	assert_int_equal((f.flags & VRV_ENTRY_CHANGED) != 0, changed);
	vrv_reader_free(reader);
	vrv_archives_free(all);
}

static void
append(void)
{
	put("src/f", "before and after");
}

/* A clock that ticks slowly may give the old time: try until it does not. */
static void
rewrite(void)
{
	struct stat old, now;

	assert_int_equal(stat("src/f", &old), 0);
	do {
		put("src/f", "BEFORE");
		assert_int_equal(stat("src/f", &now), 0);
	} while (old.st_mtim.tv_sec == now.st_mtim.tv_sec &&
	    old.st_mtim.tv_nsec == now.st_mtim.tv_nsec);
}

static void
shorten(void)
{
	assert_int_equal(truncate("src/f", 3), 0);
}

static void
touch(void)
{
	const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 2}};

	assert_int_equal(utimensat(AT_FDCWD, "src/f", times, 0), 0);
}

static void
change_mode(void)
{
	struct stat old, now;

	assert_int_equal(stat("src/f", &old), 0);
	do {
		assert_int_equal(chmod("src/f", 0600), 0);
		assert_int_equal(stat("src/f", &now), 0);
	} while (old.st_ctim.tv_sec == now.st_ctim.tv_sec &&
	    old.st_ctim.tv_nsec == now.st_ctim.tv_nsec);
}

/* The open file loses its only name, which changes its ctime. */
static void
replace(void)
{
	struct stat old, now;
	int fd = open("src/f", O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &old), 0);
	do {
		assert_int_equal(link("src/f", "other"), 0);
		assert_int_equal(unlink("other"), 0);
		assert_int_equal(fstat(fd, &now), 0);
	} while (old.st_ctim.tv_sec == now.st_ctim.tv_sec &&
	    old.st_ctim.tv_nsec == now.st_ctim.tv_nsec);
	close(fd);
	put("other", "another");
	assert_int_equal(rename("other", "src/f"), 0);
}

/* As in Borg, a change of the ctime counts, whatever caused it. */
static void
test_changes(void **state)
{
	static const struct {
		const char *name;
		void (*change)(void);
		uint64_t size;
	} cases[] = {
	    {"append", append, 6},
	    {"rewrite", rewrite, 6},
	    {"shorten", shorten, 3},
	    {"touch", touch, 6},
	    {"mode", change_mode, 6},
	    {"replace", replace, 6},
	};
	struct place *p = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put("src/f", "before");
		change = cases[i].change;
		if (back_up(p, cases[i].name) != 1)
			fail_msg("%s", cases[i].name);
		assert_null(change);
		has_f(p, cases[i].size, true);
	}
	put("src/f", "before");
	assert_int_equal(back_up(p, "unchanged"), 0);
	has_f(p, 6, false);
}

/* A file system that knows no sizes is believed as long as it says so. */
static void
test_no_size(void **state)
{
	struct place *p = *state;

	put("src/f", "before");
	assert_int_equal(truncate("src/f", 3 << 20), 0);
	has_fake_size = true;
	fake_size = 0;
	assert_int_equal(back_up(p, "size"), 0);
	has_f(p, 3 << 20, false);
}

/* A file that ends before its size, though nothing changed it. */
static void
test_size_too_large(void **state)
{
	struct place *p = *state;

	put("src/f", "before");
	has_fake_size = true;
	fake_size = 4096;
	assert_int_equal(back_up(p, "size"), 1);
	has_f(p, 6, true);
	assert_non_null(strstr(p->told, "f: ended before its size"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_changes, reset, teardown),
	    cmocka_unit_test_setup_teardown(test_no_size, reset, teardown),
	    cmocka_unit_test_setup_teardown(test_size_too_large, reset,
		teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
