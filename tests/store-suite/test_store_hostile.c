/* SPDX-License-Identifier: BSD-2-Clause */

/* A local store in which somebody put other things in the place of objects and
 * directories: nothing hangs, nothing outside is read, written or deleted. */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store/store.h"

#define LEFT_BEHIND ".varve-0123456789abcdef0123456789abcdef.tmp"
#define OBJECT "00112233445566778899aabbccddeeff"

static struct varve_err err;

static const char *const kinds[] = {"config", "keys", "packs", "packs/ab",
    "index", "intents", "archives", "tombstones", "condemned", "rolls"};
/* What is in the victim: names that a store makes, and a stranger's. */
static const char *const precious[] = {OBJECT, LEFT_BEHIND, "shadow", "a"};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct fixture {
	char top[64], path[96];
	int top_fd;
	struct vrv_store *store;
};

static void
make_file(const struct fixture *f, const char *name)
{
	int fd = openat(f->top_fd, name, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "secret", 6), 6);
	close(fd);
}

static int
setup(void **state)
{
	struct timespec old[2] = {{.tv_sec = time(NULL) - 40 * 24 * 3600},
	    {.tv_sec = time(NULL) - 40 * 24 * 3600}};
	struct fixture *f = calloc(1, sizeof(*f));
	char path[128];

	if (f == NULL)
		return -1;
	strcpy(f->top, "/var/tmp/varve-test-XXXXXX");
	if (mkdtemp(f->top) == NULL)
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/repo", f->top);
	f->top_fd = open(f->top, O_RDONLY | O_DIRECTORY);
	if (mkdirat(f->top_fd, "victim", 0700) != 0)
		return -1;
	for (size_t i = 0; i < COUNT(precious); i++) {
		snprintf(path, sizeof(path), "victim/%s", precious[i]);
		make_file(f, path);
		if (utimensat(f->top_fd, path, old, 0) != 0)
			return -1;
	}
	*state = f;
	return vrv_store_open_local(f->path, true, &f->store, &err);
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

	vrv_store_free(f->store);
	int bad = nftw(f->top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	close(f->top_fd);
	free(f);
	return bad;
}

static size_t n_victims;

static int
count_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)path;
	(void)ftw;
	n_victims++;
	return type == FTW_F && st->st_size != 6;
}

static void
victim_is_whole(const struct fixture *f)
{
	char path[128];

	n_victims = 0;
	snprintf(path, sizeof(path), "%s/victim", f->top);
	assert_int_equal(nftw(path, count_one, 16, FTW_PHYS), 0);
	assert_int_equal(n_victims, 1 + COUNT(precious));
}

enum other {
	LINK_TO_FILE,
	LINK_TO_DIR,
	DANGLING,
	FIFO,
	DIRECTORY,
	SOCKET,
	OTHERS
};

static const char *const words[] = {"is a symbolic link", "is a symbolic link",
    "is a symbolic link", "is a FIFO", "is a directory", "is a socket"};

static void
make_socket(const struct fixture *f, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%.40s/%.60s",
	    f->top, name);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)),
	    0);
	close(fd);
}

static void
make_other(const struct fixture *f, const char *name, enum other what)
{
	char target[128];

	snprintf(target, sizeof(target), "%s/%s", f->top,
	    what == LINK_TO_FILE    ? "victim/shadow" :
		what == LINK_TO_DIR ? "victim" :
				      "nowhere");
	switch (what) {
	case FIFO:
		assert_int_equal(mkfifoat(f->top_fd, name, 0600), 0);
		break;
	case DIRECTORY:
		assert_int_equal(mkdirat(f->top_fd, name, 0700), 0);
		break;
	case SOCKET:
		make_socket(f, name);
		break;
	default:
		assert_int_equal(symlinkat(target, f->top_fd, name), 0);
	}
}

static int
note_size(void *arg, const struct vrv_store_item *item, struct varve_err *e)
{
	size_t *n = arg;

	(void)e;
	assert_int_equal(item->size, 0);
	assert_int_equal(item->time, 0);
	*n += 1;
	return 0;
}

static void
something_else_is_no_object(const struct fixture *f, const char *kind,
    enum other what)
{
	char name[64], path[96];
	uint8_t *bytes = NULL, one;
	size_t n = 0, listed = 0;

	snprintf(name, sizeof(name), "%s/" OBJECT, kind);
	snprintf(path, sizeof(path), "repo/%s", name);
	make_other(f, path, what);
	assert_int_equal(vrv_store_head(f->store, name, NULL, NULL, &err),
	    VARVE_CORRUPT);
	assert_non_null(strstr(err.message, words[what]));
	assert_non_null(strstr(err.message, name));
	assert_int_equal(vrv_store_get(f->store, name, 0, &one, 1, &err),
	    VARVE_CORRUPT);
	assert_non_null(strstr(err.message, words[what]));
	assert_int_equal(vrv_store_get_all(f->store, name, 100, &bytes, &n,
			     &err),
	    VARVE_CORRUPT);
	assert_int_equal(vrv_store_list(f->store, name, true, note_size,
			     &listed, &err),
	    0);
	assert_int_equal(listed, 1);
	assert_int_equal(vrv_store_put(f->store, name, "x", 1, &err),
	    VARVE_EXISTS);
	int rc = vrv_store_delete(f->store, name, &err);
	assert_int_equal(rc, what == DIRECTORY ? VARVE_IO : 0);
	assert_int_equal(unlinkat(f->top_fd, path,
			     what == DIRECTORY ? AT_REMOVEDIR : 0),
	    what == DIRECTORY ? 0 : -1);
}

static void
only_regular_files_are_objects(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(kinds); i++) {
		if (strcmp(kinds[i], "packs") == 0)
			continue;
		for (int what = 0; what < OTHERS; what++)
			something_else_is_no_object(f, kinds[i],
			    (enum other)what);
	}
	victim_is_whole(f);
}

static int
ignore(void *arg, const struct vrv_store_item *item, struct varve_err *e)
{
	(void)item;
	(void)e;
	*(size_t *)arg += 1;
	return 0;
}

/* Every call below `kind` says what is in the way. */
static void
nothing_goes_through(const struct fixture *f, const char *kind, enum other what)
{
	bool below_packs = strcmp(kind, "packs/ab") == 0;
	char name[64], prefix[32];
	size_t listed = 0;
	uint8_t one;

	snprintf(name, sizeof(name), "%s/%s" OBJECT, kind,
	    strcmp(kind, "packs") == 0 ? "ab/" : "");
	snprintf(prefix, sizeof(prefix), "%s/", kind);

	assert_int_equal(vrv_store_head(f->store, name, NULL, NULL, &err),
	    VARVE_IO);
	assert_non_null(strstr(err.message, kind));
	assert_non_null(strstr(err.message, words[what]));
	assert_int_equal(vrv_store_get(f->store, name, 0, &one, 1, &err),
	    VARVE_IO);
	assert_int_equal(vrv_store_put(f->store, name, "x", 1, &err), VARVE_IO);
	assert_non_null(strstr(err.message, words[what]));
	assert_int_equal(vrv_store_delete(f->store, name, &err), VARVE_IO);
	assert_int_equal(vrv_store_list(f->store, prefix, true, ignore, &listed,
			     &err),
	    VARVE_IO);
	assert_non_null(strstr(err.message, words[what]));
	assert_int_equal(vrv_store_sync(f->store, prefix, &err), VARVE_IO);
	/* Below packs/ it is a name like any other that is unknown. */
	assert_int_equal(vrv_store_list(f->store, "", true, ignore, &listed,
			     &err),
	    below_packs ? 0 : VARVE_IO);
	assert_int_equal(listed, below_packs ? 1 : 0);
	victim_is_whole(f);
}

static void
directories_are_no_links(void **state)
{
	struct fixture *f = *state;
	char path[64], away[64];

	for (size_t i = 0; i < COUNT(kinds); i++) {
		snprintf(path, sizeof(path), "repo/%s", kinds[i]);
		snprintf(away, sizeof(away), "away");
		assert_int_equal(renameat(f->top_fd, path, f->top_fd, away), 0);
		for (int what = 0; what < OTHERS; what++) {
			if (what == DIRECTORY)
				continue;
			make_other(f, path, (enum other)what);
			nothing_goes_through(f, kinds[i], (enum other)what);
			assert_int_equal(unlinkat(f->top_fd, path, 0), 0);
		}
		assert_int_equal(renameat(f->top_fd, away, f->top_fd, path), 0);
	}
}

/* The sweep of a put and the put itself. */
static void
tmp_is_no_link(void **state)
{
	struct fixture *f = *state;
	uint64_t size;

	assert_int_equal(vrv_store_put(f->store, "keys/a", "x", 1, &err), 0);
	assert_int_equal(unlinkat(f->top_fd, "repo/tmp", AT_REMOVEDIR), 0);
	for (int what = 0; what < OTHERS; what++) {
		if (what == DIRECTORY)
			continue;
		make_other(f, "repo/tmp", (enum other)what);
		vrv_store_free(f->store);
		assert_int_equal(vrv_store_open_local(f->path, false, &f->store,
				     &err),
		    0);
		/* Reading needs none. */
		assert_int_equal(vrv_store_head(f->store, "keys/a", &size, NULL,
				     &err),
		    0);
		assert_int_equal(vrv_store_put(f->store, "keys/b", "x", 1,
				     &err),
		    VARVE_IO);
		assert_non_null(strstr(err.message, "tmp is a"));
		victim_is_whole(f);
		assert_int_equal(unlinkat(f->top_fd, "repo/tmp", 0), 0);
	}
	assert_int_equal(vrv_store_put(f->store, "keys/b", "x", 1, &err), 0);
}

static void
init_makes_nothing_elsewhere(void **state)
{
	static const char *const names[] = {"config", "packs", "packs/ab",
	    "keys", "tmp", "quarantine", "reserve", "place"};
	struct fixture *f = *state;
	struct vrv_store *s = NULL;
	char fresh[128], path[64];

	snprintf(fresh, sizeof(fresh), "%s/fresh", f->top);
	for (size_t i = 0; i < COUNT(names); i++) {
		assert_int_equal(mkdirat(f->top_fd, "fresh", 0700), 0);
		if (strcmp(names[i], "packs/ab") == 0)
			assert_int_equal(mkdirat(f->top_fd, "fresh/packs",
					     0700),
			    0);
		snprintf(path, sizeof(path), "fresh/%s", names[i]);
		make_other(f, path, LINK_TO_DIR);
		int rc = vrv_store_open_local(fresh, true, &s, &err);
		if (rc == 0)
			vrv_store_free(s);
		/* Files that are none are only not made again. */
		assert_int_equal(rc == 0,
		    strcmp(names[i], "reserve") == 0 ||
			strcmp(names[i], "place") == 0);
		victim_is_whole(f);
		assert_int_equal(nftw(fresh, remove_one, 16,
				     FTW_DEPTH | FTW_PHYS),
		    0);
	}
}

static void
opening_says_what_is_in_the_way(void **state)
{
	static const char *const names[] = {"config", "packs"};
	struct fixture *f = *state;
	struct vrv_store *s = NULL;
	char path[128];

	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(path, sizeof(path), "repo/%s", names[i]);
		assert_int_equal(renameat(f->top_fd, path, f->top_fd, "away"),
		    0);
		for (int what = 0; what < OTHERS; what++) {
			if (what == DIRECTORY)
				continue;
			make_other(f, path, (enum other)what);
			assert_int_equal(vrv_store_open_local(f->path, false,
					     &s, &err),
			    VARVE_FORMAT);
			assert_int_equal(err.exit, VARVE_EXIT_NOT_A_REPO);
			assert_non_null(strstr(err.message, words[what]));
			assert_int_equal(unlinkat(f->top_fd, path, 0), 0);
		}
		assert_int_equal(renameat(f->top_fd, "away", f->top_fd, path),
		    0);
	}
	/* The root itself may be reached through links. */
	assert_int_equal(symlinkat("repo", f->top_fd, "here"), 0);
	snprintf(path, sizeof(path), "%s/here", f->top);
	assert_int_equal(vrv_store_open_local(path, false, &s, &err), 0);
	assert_string_equal(vrv_store_location(s), f->path);
	vrv_store_free(s);
}

static int leased;

static void
give_back(int sig)
{
	(void)sig;
	(void)fcntl(leased, F_SETLEASE, F_UNLCK);
}

/* As Samba and an NFS server hold for their clients. */
static void
a_lease_is_waited_for(void **state)
{
	struct sigaction act = {.sa_handler = give_back};
	struct fixture *f = *state;
	char back[1];

	assert_int_equal(vrv_store_put(f->store, "keys/a", "x", 1, &err), 0);
	assert_int_equal(fchmodat(f->top_fd, "repo/keys/a", 0600, 0), 0);
	leased = openat(f->top_fd, "repo/keys/a", O_RDWR);
	assert_true(leased >= 0);
	assert_int_equal(sigaction(SIGIO, &act, NULL), 0);
	if (fcntl(leased, F_SETLEASE, F_WRLCK) != 0) {
		close(leased);
		skip(); /* not every file system has leases */
	}
	assert_int_equal(vrv_store_get(f->store, "keys/a", 0, back, 1, &err),
	    0);
	close(leased);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(only_regular_files_are_objects),
	    TEST(directories_are_no_links),
	    TEST(tmp_is_no_link),
	    TEST(init_makes_nothing_elsewhere),
	    TEST(opening_says_what_is_in_the_way),
	    TEST(a_lease_is_waited_for),
	};

	(void)alarm(120); /* a hang is a failure */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
