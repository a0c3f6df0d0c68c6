/* SPDX-License-Identifier: BSD-2-Clause */
/* Sources that change, vanish or fail at one point of a run. Functions of os
 * are wrapped, so that a test can act exactly where they are called. */
#include <errno.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>

#include "create/treecache.h"
#include "os/dir.h"
#include "os/file.h"
#include "os/meta.h"

#include "place.h"

/* --- hooks --- */

/* Called before the real function, with the path of the file or directory;
 * what it returns is the errno with which the function fails. */
static int (*on_read)(const char *path);
static int (*on_open)(const char *path);
static int (*on_open_dir)(const char *path);
static int (*on_stat)(const char *path); /* of what is open */

int __real_vrv_os_read_some(int fd, void *to, size_t n, size_t *ret_n,
    struct varve_err *err);
int __wrap_vrv_os_read_some(int fd, void *to, size_t n, size_t *ret_n,
    struct varve_err *err);
int __real_vrv_os_open_source(int dirfd, const char *name, int *ret_fd,
    struct varve_err *err);
int __wrap_vrv_os_open_source(int dirfd, const char *name, int *ret_fd,
    struct varve_err *err);
int __real_vrv_os_open_source_dir(int dirfd, const char *name, int *ret_fd,
    struct varve_err *err);
int __wrap_vrv_os_open_source_dir(int dirfd, const char *name, int *ret_fd,
    struct varve_err *err);

int __real_vrv_os_stat(int dirfd, const char *name, struct vrv_stat *ret,
    struct varve_err *err);
int __wrap_vrv_os_stat(int dirfd, const char *name, struct vrv_stat *ret,
    struct varve_err *err);

static int
call_with_path(int (*hook)(const char *), int fd)
{
	char link[64], path[1000];

	if (hook == NULL)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t len = readlink(link, path, sizeof(path) - 1);
	path[len < 0 ? 0 : len] = '\0';
	return hook(path);
}

int
__wrap_vrv_os_stat(int dirfd, const char *name, struct vrv_stat *ret,
    struct varve_err *err)
{
	int sys = name[0] != '\0' ? 0 : call_with_path(on_stat, dirfd);

	return sys != 0 ? vrv_fail_sys(err, sys, "stat") :
			  __real_vrv_os_stat(dirfd, name, ret, err);
}

int
__wrap_vrv_os_read_some(int fd, void *to, size_t n, size_t *ret_n,
    struct varve_err *err)
{
	int sys = call_with_path(on_read, fd);

	return sys != 0 ? vrv_fail_sys(err, sys, "read") :
			  __real_vrv_os_read_some(fd, to, n, ret_n, err);
}

int
__wrap_vrv_os_open_source(int dirfd, const char *name, int *ret_fd,
    struct varve_err *err)
{
	int sys = on_open == NULL ? 0 : on_open(name);

	return sys != 0 ? vrv_fail_sys(err, sys, "open") :
			  __real_vrv_os_open_source(dirfd, name, ret_fd, err);
}

int
__wrap_vrv_os_open_source_dir(int dirfd, const char *name, int *ret_fd,
    struct varve_err *err)
{
	int sys = on_open_dir == NULL ? 0 : on_open_dir(name);

	return sys != 0 ?
	    vrv_fail_sys(err, sys, "open") :
	    __real_vrv_os_open_source_dir(dirfd, name, ret_fd, err);
}

/* How far the clock of this client is ahead. */
static int64_t clock_ahead;

struct vrv_time __real_vrv_time_now(void);
struct vrv_time __wrap_vrv_time_now(void);

struct vrv_time
__wrap_vrv_time_now(void)
{
	struct vrv_time now = __real_vrv_time_now();

	now.s += clock_ahead;
	return now;
}

/* Look-ups in the tree cache. */
static atomic_uint cache_gets;

bool __real_vrv_treecache_get(struct vrv_treecache *c,
    const uint8_t id[VRV_CHUNK_ID], struct vrv_buf *ret);
bool __wrap_vrv_treecache_get(struct vrv_treecache *c,
    const uint8_t id[VRV_CHUNK_ID], struct vrv_buf *ret);

bool
__wrap_vrv_treecache_get(struct vrv_treecache *c,
    const uint8_t id[VRV_CHUNK_ID], struct vrv_buf *ret)
{
	cache_gets++;
	return __real_vrv_treecache_get(c, id, ret);
}

static int
reset_hooks(void **state)
{
	on_read = on_open = on_open_dir = on_stat = NULL;
	clock_ahead = 0;
	return setup(state);
}

/* --- what an archive holds --- */

struct listing {
	struct vrv_buf text;
	struct vrv_buf contents[8];
	size_t n;
};

static int
add_entry(void *arg, const struct vrv_walk_item *item, struct varve_err *err)
{
	struct listing *l = arg;
	const struct vrv_entry *e = item->entry;
	char line[128];
	size_t i;

	(void)err;
	if (e->kind != VRV_FILE)
		return 0;
	for (i = 0; i < l->n; i++) {
		if (l->contents[i].len == e->content_n &&
		    memcmp(l->contents[i].data, e->content, e->content_n) == 0)
			break;
	}
	if (i == l->n) {
		vrv_buf_bytes(&l->contents[i], e->content, e->content_n);
		l->n++;
	}
	int n = snprintf(line, sizeof(line), "%s %zu:%u%s%s\n",
	    strrchr(item->path, '/') + 1, i, (unsigned)e->size,
	    (e->flags & VRV_ENTRY_LINKED) != 0 ? " linked" : "",
	    (e->flags & VRV_ENTRY_CHANGED) != 0 ? " changed" : "");
	vrv_buf_bytes(&l->text, line, (size_t)n);
	return 0;
}

/* The files of the newest archive, "NAME CONTENT:SIZE [linked] [changed]",
 * where equal contents have equal numbers. */
static void
files_are(struct place *p, const char *want)
{
	struct vrv_archives *all;
	struct vrv_reader *reader;
	struct listing l = {0};
	struct varve_err err;

	holds_all(p);
	MUST(vrv_archives_load(p->repo, &all, &err));
	MUST(vrv_reader_new(p->repo, 1 << 20, &reader, &err));
	const struct vrv_walk walk = {.source = vrv_meta_from_reader(reader),
	    .fn = add_entry,
	    .arg = &l};
	MUST(vrv_walk_archive(&walk, all->items[all->n - 1], &err));
	vrv_buf_u8(&l.text, 0);
	assert_string_equal((char *)l.text.data, want);
	for (size_t i = 0; i < l.n; i++)
		vrv_buf_fini(&l.contents[i]);
	vrv_buf_fini(&l.text);
	vrv_reader_free(reader);
	vrv_archives_free(all);
}

/* --- several names of one inode --- */

static void
make_names(unsigned n)
{
	char name[] = "src/a";

	nftw("src", remove_one, 8, FTW_DEPTH | FTW_PHYS);
	assert_int_equal(mkdir("src", 0700), 0);
	put("src/a", "text");
	for (unsigned i = 1; i < n; i++) {
		name[4] = (char)('a' + i);
		assert_int_equal(link("src/a", name), 0);
	}
	put("src/z", "the last");
}

static void
remove_a(void)
{
	assert_int_equal(unlink("src/a"), 0);
}

static void
remove_ab(void)
{
	remove_a();
	assert_int_equal(unlink("src/b"), 0);
}

static void
remove_all(void)
{
	remove_ab();
	assert_int_equal(unlink("src/c"), 0);
}

static void
remove_b(void)
{
	assert_int_equal(unlink("src/b"), 0);
}

static void
replace_a(void)
{
	put("src/new", "other");
	assert_int_equal(rename("src/new", "src/a"), 0);
}

static void
fifo_for_a(void)
{
	remove_a();
	assert_int_equal(mkfifo("src/a", 0600), 0);
}

static void
nothing(void)
{
}

/* Whatever happens to one name, the others are in the archive. The walk has
 * met all names when `then` is called, and nothing is read yet. */
static void
test_names(void **state)
{
	struct place *p = *state;
	static const struct {
		unsigned names;
		void (*then)(void);
		unsigned warnings;
		const char *want;
	} cases[] = {
	    {2, nothing, 0, "a 0:4 linked\nb 0:4 linked\nz 1:8\n"},
	    {2, remove_a, 1, "b 0:4\nz 1:8\n"},
	    {2, remove_b, 1, "a 0:4\nz 1:8\n"},
	    {2, remove_ab, 2, "z 0:8\n"},
	    {2, replace_a, 0, "a 0:5\nb 1:4\nz 2:8\n"},
	    {2, fifo_for_a, 1, "b 0:4\nz 1:8\n"},
	    {3, nothing, 0,
		"a 0:4 linked\nb 0:4 linked\nc 0:4 linked\nz 1:8\n"},
	    {3, remove_a, 1, "b 0:4 linked\nc 0:4 linked\nz 1:8\n"},
	    {3, remove_b, 1, "a 0:4 linked\nc 0:4 linked\nz 1:8\n"},
	    {3, remove_ab, 2, "c 0:4\nz 1:8\n"},
	    {3, remove_all, 3, "z 0:8\n"},
	    {3, replace_a, 0, "a 0:5\nb 1:4 linked\nc 1:4 linked\nz 2:8\n"},
	    {3, fifo_for_a, 1, "b 0:4 linked\nc 0:4 linked\nz 1:8\n"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char name[8];

		make_names(cases[i].names);
		p->at = "src/z";
		p->then = cases[i].then;
		snprintf(name, sizeof(name), "n%zu", i);
		assert_int_equal(back_up(p, name), cases[i].warnings);
		assert_null(p->at);
		files_are(p, cases[i].want);
	}
}

static bool failed_once;

static int
fail_once(const char *path)
{
	if (failed_once || strstr(path, "/src/a") == NULL)
		return 0;
	failed_once = true;
	return ESTALE;
}

static int
deny_a(const char *name)
{
	return strcmp(name, "a") == 0 ? EACCES : 0;
}

/* One name that cannot be opened or read does not stand for the others. */
static void
test_unreadable_name(void **state)
{
	struct place *p = *state;

	make_names(3);
	on_open = deny_a;
	assert_int_equal(back_up(p, "open"), 1);
	on_open = NULL;
	files_are(p, "b 0:4 linked\nc 0:4 linked\nz 1:8\n");
	make_names(3);
	on_read = fail_once;
	failed_once = false;
	assert_int_equal(back_up(p, "read"), 1);
	on_read = NULL;
	assert_true(failed_once);
	files_are(p, "b 0:4 linked\nc 0:4 linked\nz 1:8\n");
}

static struct place *here;

static void
link_cd(void)
{
	assert_int_equal(link("src/b", "src/c"), 0);
	assert_int_equal(link("src/b", "src/d"), 0);
}

static void
unlink_cd(void)
{
	assert_int_equal(unlink("src/c"), 0);
	assert_int_equal(unlink("src/d"), 0);
	here->at = "src/b";
	here->then = link_cd;
}

/* Links come and go during the walk: the name that is read has fewer links than
 * the walk finds names. */
static void
test_moving_names(void **state)
{
	struct place *p = *state;

	make_names(4);
	here = p;
	p->at = "src/a";
	p->then = unlink_cd;
	on_open = deny_a;
	assert_int_equal(back_up(p, "moving"), 1);
	on_open = NULL;
	assert_null(p->at);
	files_are(p, "b 0:4 linked\nc 0:4 linked\nd 0:4 linked\nz 1:8\n");
}

static int
change_unseen(const char *path)
{
	struct stat st;

	if (failed_once || strstr(path, "/src/a") == NULL)
		return 0;
	failed_once = true;
	assert_int_equal(stat("src/b", &st), 0);
	const struct timespec times[2] = {st.st_atim, st.st_mtim};
	put("src/b", "TEXT");
	assert_int_equal(utimensat(AT_FDCWD, "src/b", times, 0), 0);
	return 0;
}

/* A name that shares content which changed while it was read is marked, too:
 * the next run must read it again. */
static void
test_changed_link(void **state)
{
	struct place *p = *state;

	make_names(2);
	failed_once = false;
	on_read = change_unseen;
	assert_int_equal(back_up(p, "unseen"), 2);
	on_read = NULL;
	files_are(p, "a 0:4 linked changed\nb 0:4 linked changed\nz 1:8\n");
}

static int
grow_names(const char *path)
{
	if (!failed_once && strstr(path, "/src/a") != NULL) {
		failed_once = true;
		put("src/b", "text that is longer");
	}
	return 0;
}

static unsigned reads;

static int
count_reads(const char *path)
{
	reads += strstr(path, "/src/f") != NULL;
	return 0;
}

/* The file changes while its first name is read: what was read under it is
 * marked as such, and is not given to the other name. */
static void
test_changing_names(void **state)
{
	struct place *p = *state;

	make_names(2);
	failed_once = false;
	on_read = grow_names;
	assert_int_equal(back_up(p, "changing"), 1);
	on_read = NULL;
	files_are(p, "a 0:4 linked changed\nb 1:19\nz 2:8\n");
}

/* A file with the nodump flag is left out under all of its names, which is
 * nothing to be warned of. */
static void
test_nodump_names(void **state)
{
	struct place *p = *state;
	int flags = FS_NODUMP_FL;

	make_names(3);
	int fd = open("src/a", O_RDONLY);
	if (ioctl(fd, FS_IOC_SETFLAGS, &flags) != 0) {
		close(fd);
		skip();
	}
	close(fd);
	p->exclude_nodump = true;
	assert_int_equal(back_up(p, "nodump"), 0);
	files_are(p, "z 0:8\n");
}

/* --- files that grow --- */

static int
grow_empty(const char *path)
{
	if (strstr(path, "/src/empty") != NULL)
		assert_int_equal(truncate("src/empty", 64 << 20), 0);
	return 0;
}

/* A file that is empty when it is opened may be as large as somebody likes
 * when it is read: that must not decide how long the backup takes. */
static void
test_growing_file(void **state)
{
	struct place *p = *state;

	put("src/empty", "");
	on_read = grow_empty;
	assert_int_equal(back_up(p, "growing"), 1);
	on_read = NULL;
	files_are(p, "empty 0:1048576 changed\n");
}

/* --- what the process runs out of --- */

static int fail_with;
static const char *fail_at;

static int
fail_named(const char *name)
{
	return strcmp(name, fail_at) == 0 ? fail_with : 0;
}

static int
fail_path(const char *path)
{
	return strstr(path, fail_at) != NULL ? fail_with : 0;
}

/* Descriptors and memory that run out are the run's error wherever that is:
 * never an archive with something missing. */
static void
test_exhausted(void **state)
{
	struct place *p = *state;
	static const int errors[] = {EMFILE, ENFILE, ENOMEM};
	static const struct {
		int (**hook)(const char *);
		int (*fail)(const char *);
		const char *at;
	} cases[] = {
	    {&on_open, fail_named, "f"},
	    {&on_open, fail_named, "CACHEDIR.TAG"},
	    {&on_open_dir, fail_named, "d"},
	    {&on_open_dir, fail_named, "src"},
	    {&on_read, fail_path, "/src/d/f"},
	};
	struct varve_backup_result result;
	struct varve_err err;
	char name[16];

	assert_int_equal(mkdir("src/d", 0700), 0);
	put("src/d/f", "text");
	p->exclude_caches = true;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t j = 0; j < 3; j++) {
			fail_with = errors[j];
			fail_at = cases[i].at;
			*cases[i].hook = cases[i].fail;
			snprintf(name, sizeof(name), "e%zu-%zu", i, j);
			int rc = try_back_up(p, name, &result, &err);
			*cases[i].hook = NULL;
			if (rc == 0)
				fail_msg("%s: %d is no error", fail_at,
				    fail_with);
			assert_int_equal(err.exit, VARVE_EXIT_ERROR);
			assert_int_equal(err.sys, fail_with);
		}
	}
	/* A device that has nothing yet is no such case. */
	fail_with = EAGAIN;
	on_read = fail_path;
	assert_int_equal(back_up(p, "again"), 1);
}

static unsigned stats;

static int
exhaust_stat(const char *path)
{
	size_t n = strlen(path);

	if (n < 4 || strcmp(path + n - 4, "/src") != 0)
		return 0;
	return stats++ > 0 ? ENOMEM : 0;
}

/* So they are where the walk comes back to a directory that it closed on the
 * way down. */
static void
test_exhausted_above(void **state)
{
	struct place *p = *state;
	struct varve_backup_result result;
	char path[4 + 2 * 200] = "src";
	struct varve_err err;

	for (size_t i = 0; i < 150; i++) {
		strcat(path, "/d");
		assert_int_equal(mkdir(path, 0700), 0);
	}
	put("src/z", "text");
	stats = 0;
	on_stat = exhaust_stat;
	int rc = try_back_up(p, "above", &result, &err);
	on_stat = NULL;
	assert_true(stats > 1);
	assert_int_not_equal(rc, 0);
	assert_int_equal(err.sys, ENOMEM);
}

/* --- a run that is to stop --- */

static pthread_t main_thread;
static unsigned asked, stop_at;

/* Only for the thread of the caller: the one that stops the pipeline has tests
 * of its own. */
static bool
stop_here(void *arg)
{
	(void)arg;
	return pthread_equal(pthread_self(), main_thread) && asked++ == stop_at;
}

/* Between its steps a run ends just as it does in the pipeline. */
static void
test_stop_between(void **state)
{
	struct place *p = *state;
	struct varve_backup_result result;
	struct vrv_archives *all;
	struct varve_err err;
	int rc;

	put("src/f", "text");
	main_thread = pthread_self();
	p->stop = stop_here;
	for (stop_at = 0;; stop_at++) {
		asked = 0;
		rc = try_back_up(p, "stop", &result, &err);
		if (rc == 0)
			break;
		assert_int_equal(rc, VARVE_CANCELLED);
		assert_int_equal(err.exit, VARVE_EXIT_CANCELLED);
		MUST(vrv_archives_load(p->repo, &all, &err));
		assert_int_equal(all->n_all, 0);
		vrv_archives_free(all);
	}
	/* Before and after archives are loaded and packs are compared, and
	 * before the archive is stored. */
	assert_true(stop_at >= 4);
	files_are(p, "f 0:4\n");
}

/* --- nothing to back up --- */

static void
is_refused(struct place *p, const char *why)
{
	struct varve_backup_result result;
	struct vrv_archives *all;
	struct varve_err err;

	assert_int_not_equal(try_back_up(p, "nothing", &result, &err), 0);
	assert_int_equal(err.exit, VARVE_EXIT_ERROR);
	assert_non_null(strstr(err.message, why));
	MUST(vrv_archives_load(p->repo, &all, &err));
	assert_int_equal(all->n, 0);
	vrv_archives_free(all);
}

static void
test_nothing_taken(void **state)
{
	struct place *p = *state;

	fail_with = EACCES;
	fail_at = "src";
	on_open_dir = fail_named;
	is_refused(p, "none of the sources could be read");
	on_open_dir = NULL;
	assert_int_equal(rmdir("src"), 0);
	is_refused(p, "none of the sources could be read");
	assert_int_equal(mkdir("src", 0700), 0);
	assert_int_equal(back_up(p, "empty"), 0);
}

/* --- which archive is continued, and how far it is believed --- */

#define YEAR ((int64_t)365 * 24 * 3600)

static const struct vrv_archive *
named(const struct vrv_archives *all, const char *name)
{
	for (size_t i = 0; i < all->n; i++) {
		if (vrv_text_is(all->items[i]->sealed.name, name))
			return all->items[i];
	}
	fail_msg("no archive %s", name);
	abort(); /* for the compiler, which does not know that it fails */
}

/* `parent` NULL: it has none. */
static void
continues(struct place *p, const char *name, const char *parent)
{
	struct vrv_archives *all;
	struct varve_err err;

	MUST(vrv_archives_load(p->repo, &all, &err));
	const struct vrv_archive *a = named(all, name);
	assert_int_equal(a->sealed.has_parent, parent != NULL);
	if (parent != NULL)
		assert_memory_equal(a->sealed.parent,
		    named(all, parent)->clear.logical, VRV_LOGICAL_ID);
	vrv_archives_free(all);
}

static void
lose_cache(struct place *p)
{
	vrv_repo_close(p->repo);
	p->repo = NULL;
	nftw("cache", remove_one, 8, FTW_DEPTH | FTW_PHYS);
	open_repo(p);
}

static int
age(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	struct timespec times[2] = {{0, UTIME_OMIT}, st->st_mtim};

	(void)ftw;
	times[1].tv_sec -= 600;
	return type == FTW_F ? utimensat(AT_FDCWD, path, times, 0) : 0;
}

/* An archive that somebody dated in the future is not continued for ever. */
static void
test_future_parent(void **state)
{
	struct place *p = *state;

	put("src/f", "text");
	clock_ahead = YEAR;
	assert_int_equal(back_up(p, "future"), 0);
	clock_ahead = 0;
	lose_cache(p);
	put("src/f", "other text");
	assert_int_equal(back_up(p, "one"), 0);
	continues(p, "one", NULL);
	put("src/f", "another text");
	assert_int_equal(back_up(p, "two"), 0);
	continues(p, "two", "one");
	lose_cache(p);
	assert_int_equal(back_up(p, "three"), 0);
	continues(p, "three", "two");
}

/* One that this client made stays eligible, whatever its clock said; but a
 * clock that was wrong does not vouch for files. */
static void
test_own_future(void **state)
{
	struct place *p = *state;
	struct stat st;

	put("src/f", "text");
	assert_int_equal(stat("src/f", &st), 0);
	p->files_cache = VARVE_CACHE_MTIME_SIZE;
	clock_ahead = YEAR;
	assert_int_equal(back_up(p, "future"), 0);
	clock_ahead = 0;
	/* Changed after it was read, within the same tick of the clock. */
	put("src/f", "TEXT");
	const struct timespec times[2] = {st.st_atim, st.st_mtim};
	assert_int_equal(utimensat(AT_FDCWD, "src/f", times, 0), 0);
	reads = 0;
	on_read = count_reads;
	assert_int_equal(back_up(p, "now"), 0);
	on_read = NULL;
	continues(p, "now", "future");
	assert_true(reads > 0);
}

/* The store's clock is ten minutes slow: the same parent, and only files of
 * these ten minutes are read again. */
static void
test_slow_store(void **state)
{
	struct place *p = *state;
	const struct timespec old[2] = {{1000000000, 0}, {1000000000, 0}};

	put("src/f", "text");
	assert_int_equal(utimensat(AT_FDCWD, "src/f", old, 0), 0);
	p->files_cache = VARVE_CACHE_MTIME_SIZE;
	assert_int_equal(back_up(p, "one"), 0);
	assert_int_equal(nftw("repo", age, 8, FTW_PHYS), 0);
	lose_cache(p);
	reads = 0;
	on_read = count_reads;
	assert_int_equal(back_up(p, "two"), 0);
	on_read = NULL;
	continues(p, "two", "one");
	assert_int_equal(reads, 0);
}

/* --- what is used again --- */

static int
spoil_pack(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	uint8_t byte;

	(void)st, (void)ftw;
	if (type != FTW_F)
		return 0;
	int fd = open(path, O_RDWR);
	assert_int_equal(pread(fd, &byte, 1, 1000), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, 1000), 1);
	close(fd);
	return 0;
}

/* A new series begins with the archive of this host that shares most of its
 * sources, not with the newest that shares any. */
static void
test_other_series(void **state)
{
	struct place *p = *state;
	static const char *const series[] = {"a b", "a", "a b c"};
	struct vrv_archives *all;
	struct varve_err err;

	put("src/f", "text");
	for (size_t i = 0; i < 3; i++) {
		p->series = series[i];
		assert_int_equal(back_up(p, series[i]), 0);
	}
	MUST(vrv_archives_load(p->repo, &all, &err));
	assert_int_equal(all->n, 3);
	assert_true(all->items[2]->sealed.has_parent);
	assert_memory_equal(all->items[2]->sealed.parent,
	    all->items[0]->clear.logical, VRV_LOGICAL_ID);
	vrv_archives_free(all);
}

static unsigned
count_gets(struct place *p, const char *name)
{
	cache_gets = 0;
	assert_int_equal(back_up(p, name), 0);
	return cache_gets;
}

/* To choose the parent, a run looks up no more the more archives there are. */
static void
test_many_archives(void **state)
{
	struct place *p = *state;

	put("src/f", "text");
	assert_int_equal(back_up(p, "a"), 0);
	unsigned few = count_gets(p, "b");
	assert_true(few > 0);
	for (unsigned i = 0; i < 5; i++) {
		char name[8];

		snprintf(name, sizeof(name), "c%u", i);
		assert_int_equal(back_up(p, name), 0);
	}
	assert_int_equal(count_gets(p, "d"), few);
}

/* A stored chunk that is damaged is found when it would be used again, and
 * stored again. */
static void
test_verify_reused(void **state)
{
	struct place *p = *state;
	static char text[50001];

	/* Of no pattern that compression would find. */
	for (uint32_t i = 0, x = 1; i < sizeof(text) - 1; i++) {
		x = x * 1103515245 + 12345;
		text[i] = (char)('0' + (x >> 16) % 64);
	}
	put("src/f", text);
	assert_int_equal(back_up(p, "one"), 0);
	assert_int_equal(nftw("repo/packs", spoil_pack, 8, FTW_PHYS), 0);
	lose_cache(p);
	p->files_cache = VARVE_CACHE_DISABLED;
	p->verify_reused_ppm = 1000000;
	assert_int_equal(back_up(p, "two"), 0);
	assert_non_null(strstr(p->told, "is stored again"));
	files_are(p, "f 0:50000\n");
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, reset_hooks, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_names),
	    T(test_unreadable_name),
	    T(test_moving_names),
	    T(test_changed_link),
	    T(test_changing_names),
	    T(test_nodump_names),
	    T(test_growing_file),
	    T(test_exhausted),
	    T(test_exhausted_above),
	    T(test_stop_between),
	    T(test_nothing_taken),
	    T(test_future_parent),
	    T(test_own_future),
	    T(test_slow_store),
	    T(test_other_series),
	    T(test_many_archives),
	    T(test_verify_reused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
