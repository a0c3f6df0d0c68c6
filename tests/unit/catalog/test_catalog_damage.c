/* SPDX-License-Identifier: BSD-2-Clause */
/* A catalog that is damaged, of another kind, or somebody else's; two handles.
 */
#include "catalog_fixture.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "db/db.h"

static void
fill(struct fixture *f)
{
	for (int i = 0; i < 20; i++) {
		change_tree(f, &f->now[0], 30);
		add_archive(f, 0, i);
	}
	update(f);
}

/* Whatever happened to the file: right answers, at the latest from a catalog
 * made anew. */
static void
survive(struct fixture *f)
{
	struct varve_err err;

	reopen(f);
	update(f);
	/* A walk does not read the tables that it needs not. */
	if (check_walk(f, &err) != 0 || vrv_catalog_check(f->c, &err) != 0) {
		assert_true(vrv_catalog_is_bad(f->c));
		assert_int_equal(vrv_catalog_renew(f->c, false, &err), 0);
		update(f);
	}
	check_all(f);
	assert_int_equal(vrv_catalog_check(f->c, &err), 0);
}

static void
write_at(const char *path, off_t at, const void *bytes, size_t n)
{
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, n, at), n);
	close(fd);
}

static void
test_flips(void **state)
{
	struct fixture *f = setup();
	struct stat st;

	(void)state;
	fill(f);
	for (int i = 0; i < 150; i++) {
		uint8_t byte;
		int fd;

		vrv_catalog_close(f->c);
		f->c = NULL;
		assert_int_equal(stat(f->path, &st), 0);
		off_t at = i < 100 ? i : roll(f, (unsigned)st.st_size);
		fd = open(f->path, O_RDONLY);
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		close(fd);
		byte ^= (uint8_t)(1u << roll(f, 8));
		write_at(f->path, at, &byte, 1);
		survive(f);
	}
	teardown(f);
}

static void
test_other_files(void **state)
{
	static const uint8_t other[VRV_REPO_ID] = {9};
	struct fixture *f = setup();
	struct vrv_catalog *c;
	struct varve_err err;
	struct stat st;

	(void)state;
	fill(f);
	for (unsigned size = 0; size < 40000; size += 1777) {
		vrv_catalog_close(f->c);
		f->c = NULL;
		assert_int_equal(truncate(f->path, size), 0);
		survive(f);
	}
	for (int i = 0; i < 2; i++) {
		char garbage[9000];

		vrv_catalog_close(f->c);
		f->c = NULL;
		memset(garbage, i == 0 ? 'x' : 0, sizeof(garbage));
		assert_int_equal(truncate(f->path, 0), 0);
		write_at(f->path, 0, garbage, sizeof(garbage));
		survive(f);
	}
	/* The catalog of another repository. */
	vrv_catalog_close(f->c);
	f->c = NULL;
	assert_int_equal(vrv_catalog_open(f->path, other, true, &c, &err),
	    VARVE_CORRUPT);
	assert_int_equal(vrv_catalog_open(f->path, other, false, &c, &err), 0);
	vrv_catalog_close(c);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	survive(f);
	assert_int_equal(f->change.archives, 20);
	teardown(f);
}

/* A version that is not known, and another kind of database. */
static void
test_other_versions(void **state)
{
	static const char *const steps[] = {"CREATE TABLE other(x)",
	    "CREATE TABLE more(x)", NULL};
	static const uint32_t kinds[] = {0x76727663, 0x12345678};
	struct fixture *f = setup();
	struct varve_err err;
	struct vrv_db *db;

	(void)state;
	fill(f);
	for (size_t i = 0; i < 2; i++) {
		const struct vrv_db_schema schema = {kinds[i], steps};

		vrv_catalog_close(f->c);
		f->c = NULL;
		assert_int_equal(vrv_db_remove(f->path, &err), 0);
		assert_int_equal(vrv_db_open(f->path, &schema, VRV_DB_CACHE,
				     &db, &err),
		    0);
		vrv_db_close(db);
		survive(f);
	}
	teardown(f);
}

/* Two handles on one catalog see what the other does. */
static void
test_two_handles(void **state)
{
	struct fixture *f = setup();
	struct vrv_catalog *mine = f->c, *other;
	struct varve_err err;

	(void)state;
	fill(f);
	assert_int_equal(vrv_catalog_open(f->path, catalog_repository, false,
			     &other, &err),
	    0);
	for (int i = 0; i < 10; i++) {
		change_tree(f, &f->now[0], 30);
		add_archive(f, 0, 100 + i);
		f->archives[i].exists = false;
		f->c = i % 2 == 0 ? other : mine;
		update(f);
		assert_int_equal(f->change.archives, 1);
		f->c = i % 2 == 0 ? mine : other;
		check_all(f);
		update(f);
		assert_int_equal(f->change.archives, 0);
	}
	/* One makes it anew, the other still has the old file open. */
	f->c = mine;
	assert_int_equal(vrv_catalog_renew(mine, true, &err), 0);
	update(f);
	check_all(f);
	f->c = other;
	check_all(f);
	assert_int_equal(vrv_catalog_renew(other, false, &err), 0);
	update(f);
	assert_int_equal(f->change.archives, 0);
	check_all(f);
	vrv_catalog_close(other);
	f->c = mine;
	teardown(f);
}

/* Another handle does it all between looking and doing. */
static void
update_other(struct fixture *f)
{
	struct vrv_catalog *mine = f->c;
	struct varve_err err;

	assert_int_equal(vrv_catalog_open(f->path, catalog_repository, false,
			     &f->c, &err),
	    0);
	update(f);
	assert_int_equal(f->change.archives, 8);
	f->change = (struct vrv_catalog_change){0};
	vrv_catalog_close(f->c);
	f->c = mine;
}

static void
test_race(void **state)
{
	struct fixture *f = setup();

	(void)state;
	for (int i = 0; i < 8; i++) {
		change_tree(f, &f->now[i % 2], 40);
		add_archive(f, (unsigned)i % 2, i);
	}
	f->meanwhile = update_other;
	update(f);
	assert_int_equal(f->change.archives, 0);
	check_all(f);
	f->archives[3].exists = false;
	update(f);
	check_all(f);
	teardown(f);
}

/* What cannot be made anew fails, and works once it can. */
static void
test_renew_fails(void **state)
{
	const struct vrv_catalog_series *list;
	struct fixture *f = setup();
	struct varve_err err;
	size_t n;

	(void)state;
	fill(f);
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(mkdir(f->path, 0700), 0);
	assert_int_equal(vrv_catalog_renew(f->c, true, &err), VARVE_IO);
	assert_int_equal(vrv_catalog_series(f->c, &list, &n, &err), VARVE_IO);
	assert_int_equal(vrv_catalog_check(f->c, &err), VARVE_IO);
	assert_false(vrv_catalog_is_bad(f->c));
	assert_int_equal(rmdir(f->path), 0);
	update(f);
	check_all(f);
	teardown(f);
}

static void
test_as_is(void **state)
{
	struct fixture *f = setup();
	struct varve_err err;
	struct vrv_catalog *c;

	(void)state;
	vrv_catalog_close(f->c);
	f->c = NULL;
	assert_int_equal(vrv_db_remove(f->path, &err), 0);
	assert_int_equal(vrv_catalog_open(f->path, catalog_repository, true, &c,
			     &err),
	    VARVE_NOENT);
	assert_int_equal(access(f->path, F_OK), -1);
	teardown(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_flips),
	    cmocka_unit_test(test_other_files),
	    cmocka_unit_test(test_other_versions),
	    cmocka_unit_test(test_two_handles),
	    cmocka_unit_test(test_race),
	    cmocka_unit_test(test_renew_fails),
	    cmocka_unit_test(test_as_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
