/* SPDX-License-Identifier: BSD-2-Clause */
/* Metadata that cannot be read: the content is stored, and a file system full
 * of such files is two lines. */
#include <errno.h>

#include "os/meta.h"

#include "place.h"

#define FILES 5

static int fail_xattrs, fail_flags;
static bool give_xattr, give_acl; /* of everything */

int __real_vrv_os_xattrs(int dirfd, const char *name, struct vrv_arena *arena,
    struct vrv_xattr **ret, size_t *ret_n, size_t *ret_lost,
    struct varve_err *err);
int __wrap_vrv_os_xattrs(int dirfd, const char *name, struct vrv_arena *arena,
    struct vrv_xattr **ret, size_t *ret_n, size_t *ret_lost,
    struct varve_err *err);
int __real_vrv_os_flags(int fd, uint32_t *ret, struct varve_err *err);
int __wrap_vrv_os_flags(int fd, uint32_t *ret, struct varve_err *err);

int
__wrap_vrv_os_xattrs(int dirfd, const char *name, struct vrv_arena *arena,
    struct vrv_xattr **ret, size_t *ret_n, size_t *ret_lost,
    struct varve_err *err)
{
	static const struct vrv_xattr one = {.name = "user.x",
	    .value = (const uint8_t *)"1",
	    .size = 1};
	static const struct vrv_xattr acl = {.name = "system.posix_acl_access",
	    .value = (const uint8_t *)"\2\0\0\0",
	    .size = 4};

	if (give_xattr || give_acl) {
		*ret =
		    vrv_arena_dup(arena, give_acl ? &acl : &one, sizeof(one));
		*ret_n = 1;
		*ret_lost = 0;
		return *ret == NULL ? VRV_NOMEM(err, "a test") : 0;
	}
	return fail_xattrs != 0 ?
	    vrv_fail_sys(err, fail_xattrs, "list attributes") :
	    __real_vrv_os_xattrs(dirfd, name, arena, ret, ret_n, ret_lost, err);
}

int
__wrap_vrv_os_flags(int fd, uint32_t *ret, struct varve_err *err)
{
	return fail_flags != 0 ? vrv_fail_sys(err, fail_flags, "get flags") :
				 __real_vrv_os_flags(fd, ret, err);
}

static int
make_files(void **state)
{
	char path[] = "src/0";

	setup(state);
	for (int i = 0; i < FILES; i++) {
		path[4] = (char)('0' + i);
		put(path, "text");
	}
	fail_xattrs = fail_flags = 0;
	give_xattr = give_acl = false;
	return 0;
}

/* One warning is shown, and how many more there were. */
static void
says_once(const struct place *p, const char *what)
{
	char want[200];

	snprintf(want, sizeof(want),
	    "src: stored without: %s\n: 5 more warnings like 'src': %s\n", what,
	    what);
	assert_string_equal(p->told, want);
}

static int
count_ctime(void *arg, const struct vrv_walk_item *item, struct varve_err *err)
{
	unsigned *n = arg;

	(void)err;
	*n += item->entry->ctime.s != 0;
	return 0;
}

/* Entries of the newest archive by which a later run could recognize a file
 * that has not changed. */
static unsigned
recognizable(struct place *p)
{
	struct vrv_archives *all;
	struct vrv_reader *reader;
	struct varve_err err;
	unsigned n = 0;

	open_repo(p);
	MUST(vrv_archives_load(p->repo, &all, &err));
	assert_true(all->n > 0);
	MUST(vrv_reader_new(p->repo, 1 << 20, &reader, &err));
	const struct vrv_walk walk = {.source = vrv_meta_from_reader(reader),
	    .fn = count_ctime,
	    .arg = &n};
	MUST(vrv_walk_archive(&walk, all->items[all->n - 1], &err));
	vrv_reader_free(reader);
	vrv_archives_free(all);
	return n;
}

/* The next run must read what is lost again, or its archive lacks it without a
 * warning. */
static void
test_not_inherited(void **state)
{
	struct place *p = *state;

	fail_xattrs = EIO;
	assert_int_equal(back_up(p, "lost"), FILES + 1);
	assert_int_equal(recognizable(p), 0);
	fail_xattrs = 0;
	assert_int_equal(back_up(p, "whole"), 0);
	assert_int_equal(recognizable(p), FILES + 1);
}

static void
test_lost_xattrs(void **state)
{
	struct place *p = *state;

	fail_xattrs = EIO;
	assert_int_equal(back_up(p, "xattrs"), FILES + 1);
	says_once(p, "reading the attributes: Input/output error");
	holds(p, "src src/0 src/1 src/2 src/3 src/4 ");
}

static void
test_lost_flags(void **state)
{
	struct place *p = *state;

	fail_flags = EPERM;
	assert_int_equal(back_up(p, "flags"), FILES + 1);
	says_once(p, "reading the flags: Operation not permitted");
	holds(p, "src src/0 src/1 src/2 src/3 src/4 ");
}

/* What can be read is stored beside what is lost, of directories, too. */
static void
test_only_flags_are_lost(void **state)
{
	struct place *p = *state;

	fail_flags = EPERM;
	give_xattr = true;
	assert_int_equal(back_up(p, "flags"), FILES + 1);
	holds(p, "src+ src/0+ src/1+ src/2+ src/3+ src/4+ ");
}

struct counts {
	unsigned xattrs, acls;
};

static int
count_attrs(void *arg, const struct vrv_walk_item *item, struct varve_err *err)
{
	struct vrv_rd rd =
	    vrv_rd_over(item->entry->xattrs, item->entry->xattrs_n);
	struct counts *counts = arg;
	struct vrv_entry_xattr x;

	if ((item->entry->flags & VRV_ENTRY_XATTRS) == 0)
		return 0;
	assert_int_equal(vrv_rd_v(&rd), 1); /* each has one */
	assert_int_equal(vrv_xattr_get(&rd, &x, err), 0);
	if (x.name[0] == 's')
		counts->acls++;
	else
		counts->xattrs++;
	return 0;
}

/* The newest archive states how many of its entries have attributes and ACLs;
 * returns what it holds. */
static struct counts
stated(struct place *p)
{
	struct vrv_archives *all;
	struct vrv_reader *reader;
	struct counts found = {0};
	struct varve_err err;

	open_repo(p);
	MUST(vrv_archives_load(p->repo, &all, &err));
	assert_true(all->n > 0);
	MUST(vrv_reader_new(p->repo, 1 << 20, &reader, &err));
	const struct vrv_walk walk = {.source = vrv_meta_from_reader(reader),
	    .fn = count_attrs,
	    .arg = &found};
	MUST(vrv_walk_archive(&walk, all->items[all->n - 1], &err));
	const struct vrv_archive_sealed *a = &all->items[all->n - 1]->sealed;
	assert_int_equal(a->platform, VRV_PLATFORM_LINUX);
	assert_true(a->counts_xattrs && a->counts_acls);
	assert_int_equal(a->xattrs, found.xattrs);
	assert_int_equal(a->acls, found.acls);
	vrv_reader_free(reader);
	vrv_archives_free(all);
	return found;
}

static void
test_counts_attributes(void **state)
{
	struct place *p = *state;

	assert_int_equal(back_up(p, "none"), 0);
	struct counts n = stated(p);
	assert_int_equal(n.xattrs + n.acls, 0);
	put("src/new", "one more"); /* the others may be carried over */
	give_xattr = true;
	assert_int_equal(back_up(p, "new"), 0);
	assert_true(stated(p).xattrs >= 2); /* that, and src */
	give_xattr = false;
	assert_int_equal(back_up(p, "kept"), 0);
	(void)stated(p);
	put("src/1", "has an ACL now");
	give_acl = true;
	assert_int_equal(back_up(p, "acl"), 0);
	assert_true(stated(p).acls >= 1);
	give_acl = false;
	assert_int_equal(back_up(p, "acl kept"), 0);
	(void)stated(p);
}

/* Memory that runs out is an error of the run. */
static void
test_exhausted(void **state)
{
	struct place *p = *state;
	struct varve_backup_result result;
	struct varve_err err;

	fail_xattrs = ENOMEM;
	assert_int_not_equal(try_back_up(p, "none", &result, &err), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_lost_xattrs, make_files,
		teardown),
	    cmocka_unit_test_setup_teardown(test_lost_flags, make_files,
		teardown),
	    cmocka_unit_test_setup_teardown(test_not_inherited, make_files,
		teardown),
	    cmocka_unit_test_setup_teardown(test_only_flags_are_lost,
		make_files, teardown),
	    cmocka_unit_test_setup_teardown(test_counts_attributes, make_files,
		teardown),
	    cmocka_unit_test_setup_teardown(test_exhausted, make_files,
		teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
