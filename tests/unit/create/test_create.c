/* SPDX-License-Identifier: BSD-2-Clause */
#include "create/parent.h"
#include "create/treecache.h"
#include "format/frame.h"
#include "util/hash.h"

#include "place.h"

/* --- things that change under the walk --- */

static void
make_secret(void)
{
	assert_int_equal(mkdir("secret", 0700), 0);
	put("secret/f", "not for the archive");
	assert_int_equal(mkdir("src/d", 0700), 0);
	put("src/d/f", "fine");
	put("src/z", "the last");
}

static void
swap_for_link(void)
{
	assert_int_equal(rename("src/d", "d.away"), 0);
	assert_int_equal(symlink("../secret", "src/d"), 0);
}

static void
swap_for_other(void)
{
	assert_int_equal(rename("src/d", "d.away"), 0);
	assert_int_equal(rename("secret", "src/d"), 0);
}

static void
swap_file_for_link(void)
{
	assert_int_equal(unlink("src/d/f"), 0);
	assert_int_equal(symlink("../../secret/f", "src/d/f"), 0);
}

static void
swap_file_for_fifo(void)
{
	assert_int_equal(unlink("src/d/f"), 0);
	assert_int_equal(mkfifo("src/d/f", 0600), 0);
}

static void
remove_file(void)
{
	assert_int_equal(unlink("src/d/f"), 0);
}

static void
test_swapped(void **state)
{
	struct place *p = *state;
	static const struct {
		const char *at;
		void (*then)(void);
		const char *want;
	} cases[] = {
	    {"src/d", swap_for_link, "src src/d src/z "},
	    {"src/d", swap_for_other, "src src/d src/z "},
	    {"src/d/f", swap_file_for_link, "src src/d src/z "},
	    {"src/d/f", swap_file_for_fifo, "src src/d src/z "},
	    {"src/d/f", remove_file, "src src/d src/z "},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char name[8];

		make_secret();
		p->at = cases[i].at;
		p->then = cases[i].then;
		snprintf(name, sizeof(name), "a%zu", i);
		assert_int_equal(back_up(p, name), 1);
		assert_null(p->at);
		holds(p, cases[i].want);
		nftw("src", remove_one, 8, FTW_DEPTH | FTW_PHYS);
		nftw("d.away", remove_one, 8, FTW_DEPTH | FTW_PHYS);
		nftw("secret", remove_one, 8, FTW_DEPTH | FTW_PHYS);
		assert_int_equal(mkdir("src", 0700), 0);
	}
}

/* Deep enough for the walk to let go of the folders above it. */
#define DEEP 200
#define CUT 60
#define CUT_ABOVE 40

static void
move_level(unsigned level, const char *to)
{
	char path[4 * DEEP] = "src";

	for (unsigned i = 0; i < level; i++)
		strcat(path, "/d");
	assert_int_equal(rename(path, to), 0);
}

static void
move_the_middle(void)
{
	move_level(CUT, "moved");
}

static void
move_two(void)
{
	move_level(CUT, "moved");
	move_level(CUT_ABOVE, "moved-above");
}

/* "src/d/d/...", with files as far as the hundredth. */
static void
make_deep(char path[4 * DEEP])
{
	strcpy(path, "src");
	for (unsigned i = 0; i < DEEP; i++) {
		strcat(path, "/d");
		assert_int_equal(mkdir(path, 0700), 0);
		if (i < 100) {
			size_t n = strlen(path);

			strcpy(path + n, "/z");
			put(path, "inside");
			path[n] = '\0';
		}
	}
}

static unsigned
count_z(struct place *p)
{
	char *got = paths(p);
	unsigned z = 0;

	for (char *s = got; (s = strstr(s, "/z ")) != NULL; s++)
		z++;
	free(got);
	return z;
}

/* The way back up is gone: nothing may be looked for in another folder, such
 * as the current one, where all these names are to be found. */
static void
test_no_way_back(void **state)
{
	struct place *p = *state;
	static char path[4 * DEEP];

	make_deep(path);
	put("z", "of the current folder");
	p->at = path;
	p->then = move_two;
	assert_true(back_up(p, "a") > 0);
	assert_non_null(strstr(p->told, "return to the parent"));
	assert_null(strstr(p->told, "z: "));
	/* What is above the cuts is found from the top, what is below by the
	 * way that the walk came. */
	assert_int_equal(count_z(p), 100 - (CUT - CUT_ABOVE));
}

/* What is above the directory that was moved is still in its place. */
static void
test_other_way_back(void **state)
{
	struct place *p = *state;
	static char path[4 * DEEP];

	make_deep(path);
	p->at = path;
	p->then = move_the_middle;
	assert_int_equal(back_up(p, "a"), 0);
	assert_int_equal(count_z(p), 100);
}

/* --- what the parent vouches for --- */

static void
test_parent_rules(void **state)
{
	struct place *p = *state;
	const struct vrv_archive archive = {
	    .sealed = {.start = {1000, 500},
		.options = {(const uint8_t *)"m", 1}}};
	const struct vrv_entry entry = {.kind = VRV_FILE,
	    .size = 10,
	    .inode = 7,
	    .mode = 0644,
	    .mtime = {900, 1},
	    .ctime = {900, 2}};
	static const enum varve_files_cache modes[] =
	    {VARVE_CACHE_CTIME_SIZE_INODE, VARVE_CACHE_MTIME_SIZE_INODE,
		VARVE_CACHE_CTIME_SIZE, VARVE_CACHE_MTIME_SIZE,
		VARVE_CACHE_RECHUNK, VARVE_CACHE_DISABLED};
	struct {
		struct vrv_time mtime, ctime;
		uint64_t size, inode;
		unsigned same; /* bit for each mode */
	} cases[] = {
	    {{900, 1}, {900, 2}, 10, 7, 0x0f},
	    {{900, 1}, {900, 2}, 11, 7, 0},
	    {{900, 1}, {900, 2}, 10, 8, 0x0c},
	    {{900, 1}, {900, 3}, 10, 7, 0x0a},
	    {{900, 1}, {901, 2}, 10, 8, 0x08},
	    {{900, 2}, {900, 2}, 10, 7, 0},
	};
	struct vrv_parent parent;
	struct varve_err err;

	for (size_t m = 0; m < 6; m++) {
		MUST(vrv_parent_init(&parent, p->repo, &archive, NULL, "m",
		    modes[m], &err));
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			const struct vrv_stat st = {.kind = VRV_FILE,
			    .mtime = cases[i].mtime,
			    .ctime = cases[i].ctime,
			    .size = cases[i].size,
			    .inode = cases[i].inode,
			    .mode = 0644,
			    .nlink = 1};

			if (vrv_parent_same(&parent, &entry, &st) !=
			    ((cases[i].same >> m & 1) != 0))
				fail_msg("case %zu, mode %zu", i, m);
		}
		vrv_parent_fini(&parent);
	}
}

/* Within 2 s of the parent's start nothing is believed. */
static void
test_margin(void **state)
{
	struct place *p = *state;
	const struct vrv_archive archive = {.sealed = {.start = {1000, 500}}};
	static const struct {
		struct vrv_time t;
		bool same;
	} cases[] = {
	    {{998, 499}, true},
	    {{998, 500}, false},
	    {{999, 0}, false},
	    {{1000, 0}, false},
	    {{2000, 0}, false},
	    {{-5, 0}, true},
	};
	struct vrv_parent parent;
	struct varve_err err;

	MUST(vrv_parent_init(&parent, p->repo, &archive, NULL, "",
	    VARVE_CACHE_CTIME_SIZE_INODE, &err));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (unsigned which = 0; which < 2; which++) {
			const struct vrv_time old = {100, 0};
			const struct vrv_stat st = {.kind = VRV_FILE,
			    .mtime = which ? cases[i].t : old,
			    .ctime = which ? old : cases[i].t,
			    .nlink = 1};
			const struct vrv_entry entry = {.kind = VRV_FILE,
			    .mtime = st.mtime,
			    .ctime = st.ctime};

			assert_int_equal(vrv_parent_same(&parent, &entry, &st),
			    cases[i].same);
		}
	}
	vrv_parent_fini(&parent);
}

static void
test_entries_are_the_same(void **state)
{
	struct place *p = *state;
	const struct vrv_archive archive = {
	    .sealed = {.start = {1000, 0},
		.options = {(const uint8_t *)"m", 1}}};
	const struct vrv_entry entry = {.kind = VRV_FILE,
	    .inode = 7,
	    .mode = 0644,
	    .uid = 1,
	    .gid = 2,
	    .mtime = {1, 1},
	    .ctime = {1, 2}};
	const struct vrv_stat st = {.kind = VRV_FILE,
	    .inode = 7,
	    .mode = 0644,
	    .uid = 1,
	    .gid = 2,
	    .mtime = {1, 1},
	    .ctime = {1, 2},
	    .nlink = 1};
	struct vrv_parent parent;
	struct varve_err err;

	for (unsigned i = 0; i < 11; i++) {
		struct vrv_entry e = entry;
		struct vrv_stat s = st;

		switch (i) {
		case 1:
			s.inode++;
			break;
		case 2:
			s.mode = 0600;
			break;
		case 3:
			s.uid++;
			break;
		case 4:
			s.gid++;
			break;
		case 5:
			s.ctime.ns++;
			break;
		case 6:
			s.mtime.ns++;
			break;
		case 7:
			s.nlink = 2;
			break;
		case 8:
			e.flags = VRV_ENTRY_ATIME;
			break;
		case 9:
			s.kind = VRV_SYMLINK;
			break;
		}
		MUST(vrv_parent_init(&parent, p->repo, &archive, NULL,
		    i == 10 ? "m xattrs" : "m", VARVE_CACHE_CTIME_SIZE_INODE,
		    &err));
		assert_int_equal(vrv_parent_same_entry(&parent, &e, &s),
		    i == 0);
		vrv_parent_fini(&parent);
	}
}

/* --- the tree cache --- */

static const uint8_t tag[VRV_TAG_SIZE] = {1};

static void
cache_path(struct place *p, char *path)
{
	sprintf(path, "%s/trees-0100000000000000", vrv_repo_cache(p->repo));
}

static void
cache_put(struct vrv_treecache *c, unsigned from, unsigned to, size_t size)
{
	uint8_t *bytes = malloc(size);

	for (unsigned i = from; i < to; i++) {
		uint8_t id[VRV_ID_SIZE] = {(uint8_t)i, (uint8_t)(i >> 8)};

		memset(bytes, (int)i, size);
		vrv_treecache_put(c, id, bytes, size);
	}
	free(bytes);
}

/* How many of these are there, each as it was put. */
static unsigned
cache_has(struct vrv_treecache *c, unsigned from, unsigned to, size_t size)
{
	vrv_auto_buf struct vrv_buf got = {0};
	unsigned found = 0;

	for (unsigned i = from; i < to; i++) {
		const uint8_t id[VRV_ID_SIZE] = {(uint8_t)i, (uint8_t)(i >> 8)};

		if (!vrv_treecache_get(c, id, &got))
			continue;
		found++;
		assert_int_equal(got.len, size);
		assert_int_equal(got.data[0], (uint8_t)i);
		assert_int_equal(got.data[size - 1], (uint8_t)i);
	}
	return found;
}

static void
test_treecache(void **state)
{
	struct place *p = *state;
	struct vrv_treecache *c;
	char path[200];
	struct stat st;
	off_t before;

	cache_path(p, path);
	/* Without keep nothing stays. */
	vrv_treecache_open(p->repo, tag, &c);
	assert_non_null(c);
	cache_put(c, 0, 100, 30000);
	vrv_treecache_close(c);
	vrv_treecache_open(p->repo, tag, &c);
	assert_int_equal(cache_has(c, 0, 100, 30000), 0);
	cache_put(c, 0, 100, 30000);
	assert_int_equal(cache_has(c, 0, 100, 30000), 0);
	vrv_treecache_keep(c);
	vrv_treecache_close(c);

	/* A second run appends what is new to it. */
	vrv_treecache_open(p->repo, tag, &c);
	assert_int_equal(cache_has(c, 0, 100, 30000), 100);
	cache_put(c, 0, 110, 30000);
	vrv_treecache_keep(c);
	vrv_treecache_close(c);
	assert_int_equal(stat(path, &st), 0);
	before = st.st_size;
	assert_in_range(before, 110 * 30000, 110 * 30100);

	/* One that uses little of it writes it anew. */
	vrv_treecache_open(p->repo, tag, &c);
	assert_int_equal(cache_has(c, 0, 120, 30000), 110);
	cache_put(c, 100, 120, 30000);
	vrv_treecache_keep(c);
	vrv_treecache_close(c);
	assert_int_equal(stat(path, &st), 0);
	assert_in_range(st.st_size, 20 * 30000, 20 * 30200);
	vrv_treecache_open(p->repo, tag, &c);
	assert_int_equal(cache_has(c, 0, 200, 30000), 20);
	vrv_treecache_close(c);

	/* No cache is a cache, too. */
	cache_put(NULL, 0, 3, 10);
	assert_int_equal(cache_has(NULL, 0, 3, 10), 0);
	vrv_treecache_keep(NULL);
	vrv_treecache_close(NULL);
}

static void
test_treecache_of_two(void **state)
{
	struct place *p = *state;
	struct vrv_treecache *a, *b;

	vrv_treecache_open(p->repo, tag, &a);
	vrv_treecache_open(p->repo, tag, &b);
	cache_put(a, 0, 10, 5000);
	cache_put(b, 0, 20, 5000);
	vrv_treecache_keep(b);
	vrv_treecache_keep(a);
	vrv_treecache_close(a);
	vrv_treecache_close(b);
	/* The second came too late to keep anything; nothing is torn. */
	vrv_treecache_open(p->repo, tag, &a);
	assert_int_equal(cache_has(a, 0, 20, 5000), 10);
	vrv_treecache_close(a);
}

/* Cut anywhere, what is left is right, and the next run goes on. */
static void
test_torn_treecache(void **state)
{
	struct place *p = *state;
	struct vrv_treecache *c;
	char path[200];
	struct stat st;

	cache_path(p, path);
	vrv_treecache_open(p->repo, tag, &c);
	cache_put(c, 0, 10, 1000);
	vrv_treecache_keep(c);
	vrv_treecache_close(c);
	vrv_treecache_open(p->repo, tag, &c);
	cache_put(c, 0, 20, 1000);
	vrv_treecache_keep(c);
	vrv_treecache_close(c);
	assert_int_equal(stat(path, &st), 0);
	for (off_t n = st.st_size - 1; n > 0; n -= 397) {
		assert_int_equal(truncate(path, n), 0);
		vrv_treecache_open(p->repo, tag, &c);
		unsigned had = cache_has(c, 0, 20, 1000);
		assert_true(had == 10 || had == 0);
		vrv_treecache_close(c);
	}
	vrv_treecache_open(p->repo, tag, &c);
	cache_put(c, 0, 20, 1000);
	vrv_treecache_keep(c);
	vrv_treecache_close(c);
	vrv_treecache_open(p->repo, tag, &c);
	assert_int_equal(cache_has(c, 0, 20, 1000), 20);
	vrv_treecache_close(c);
}

/* A row that states more than a chunk can have is none: it is not copied when
 * the file is written anew. */
static void
test_hostile_treecache(void **state)
{
	const uint64_t huge = VRV_FRAME_PLAIN_MAX + 1;
	const uint8_t id[VRV_ID_SIZE] = {1};
	vrv_auto_buf struct vrv_buf row = {0}, head = {0};
	struct place *p = *state;
	uint8_t sum[VRV_XXH_SIZE];
	struct vrv_treecache *c;
	char path[200];
	struct stat st;

	cache_path(p, path);
	vrv_treecache_open(p->repo, tag, &c);
	vrv_treecache_close(c);
	vrv_buf_zero(&row, sizeof(sum));
	vrv_buf_bytes(&row, id, sizeof(id));
	vrv_buf_u64(&row, 0);
	vrv_buf_u32(&row, (uint32_t)huge);
	vrv_xxh(sum, row.data, row.len);
	vrv_buf_bytes(&head, "VRVTREE2", 8);
	vrv_buf_bytes(&head, vrv_repo_cache_id(p->repo), VRV_CACHE_ID);
	vrv_buf_u64(&head, huge);
	vrv_buf_u64(&head, 1);
	vrv_buf_bytes(&head, sum, sizeof(sum));
	int fd = open(path, O_WRONLY);
	size_t n = row.len - sizeof(sum);
	assert_int_equal(pwrite(fd, head.data, head.len, 0), head.len);
	assert_int_equal(pwrite(fd, row.data + sizeof(sum), n,
			     (off_t)(head.len + huge)),
	    n);
	close(fd);
	vrv_treecache_open(p->repo, tag, &c);
	cache_put(c, 1, 2, 100);
	vrv_treecache_keep(c);
	vrv_treecache_close(c);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size < 1000);
	vrv_treecache_open(p->repo, tag, &c);
	assert_int_equal(cache_has(c, 1, 2, 100), 1);
	vrv_treecache_close(c);
}

/* More than a cache keeps: from there on nothing is gathered for it. */
static void
test_large_treecache(void **state)
{
	enum {
		N = 4097
	};
	static const uint8_t bytes[1 << 20];
	struct place *p = *state;
	struct stat before, after;
	struct vrv_treecache *c;
	char path[200];

	cache_path(p, path);
	vrv_treecache_open(p->repo, tag, &c);
	cache_put(c, 0, N, 1);
	vrv_treecache_keep(c);
	vrv_treecache_close(c);
	assert_int_equal(stat(path, &before), 0);
	vrv_treecache_open(p->repo, tag, &c);
	for (unsigned i = 0; i < N; i++) {
		uint8_t id[VRV_ID_SIZE] = {(uint8_t)i, (uint8_t)(i >> 8)};

		vrv_treecache_put(c, id, bytes, sizeof(bytes));
	}
	cache_put(c, N, N + 3, sizeof(bytes));
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_size, before.st_size);
	vrv_treecache_keep(c);
	vrv_treecache_close(c);
	assert_int_equal(access(path, F_OK), -1);
}

/* Truncated while it is open: what is gone is not there, and nothing dies. */
static void
test_cut_treecache(void **state)
{
	struct place *p = *state;
	struct vrv_treecache *c;
	char path[200];
	struct stat st;

	cache_path(p, path);
	vrv_treecache_open(p->repo, tag, &c);
	cache_put(c, 0, 20, 1000);
	vrv_treecache_keep(c);
	vrv_treecache_close(c);
	assert_int_equal(stat(path, &st), 0);
	vrv_treecache_open(p->repo, tag, &c);
	assert_int_equal(cache_has(c, 0, 20, 1000), 20);
	for (off_t n = st.st_size; n > 3000; n -= 2000) {
		assert_int_equal(truncate(path, n), 0);
		assert_in_range(cache_has(c, 0, 20, 1000), (n - 72) / 1000 - 1,
		    20);
	}
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(cache_has(c, 0, 20, 1000), 0);
	cache_put(c, 0, 20, 1000);
	vrv_treecache_keep(c);
	vrv_treecache_close(c);
	vrv_treecache_open(p->repo, tag, &c);
	(void)cache_has(c, 0, 20, 1000);
	vrv_treecache_close(c);
}

/* What stands in the place of the file is replaced, not followed and not
 * waited for. */
static void
test_odd_treecache(void **state)
{
	struct place *p = *state;
	struct vrv_treecache *c;
	char path[200];
	struct stat st;

	cache_path(p, path);
	put("victim", "mine");
	for (int i = 0; i < 3; i++) {
		if (i == 0)
			assert_int_equal(symlink("../../victim", path), 0);
		else if (i == 1)
			assert_int_equal(mkfifo(path, 0600), 0);
		else
			assert_int_equal(mkdir(path, 0700), 0);
		vrv_treecache_open(p->repo, tag, &c);
		cache_put(c, 0, 20, 1000);
		vrv_treecache_keep(c);
		vrv_treecache_close(c);
		vrv_treecache_open(p->repo, tag, &c);
		assert_int_equal(cache_has(c, 0, 20, 1000), i < 2 ? 20 : 0);
		vrv_treecache_close(c);
		assert_int_equal(stat("victim", &st), 0);
		assert_int_equal(st.st_size, 4);
		assert_int_equal(i < 2 ? unlink(path) : rmdir(path), 0);
	}
}

/* Another repository's file holds nothing. */
static void
test_foreign_treecache(void **state)
{
	struct place *p = *state;
	struct vrv_treecache *c;
	char path[200];
	uint8_t byte;

	cache_path(p, path);
	vrv_treecache_open(p->repo, tag, &c);
	cache_put(c, 0, 20, 1000);
	vrv_treecache_keep(c);
	vrv_treecache_close(c);
	int fd = open(path, O_RDWR);
	assert_int_equal(pread(fd, &byte, 1, 8), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, 8), 1);
	close(fd);
	vrv_treecache_open(p->repo, tag, &c);
	assert_int_equal(cache_has(c, 0, 20, 1000), 0);
	vrv_treecache_close(c);
}

static off_t spoil_at;

static int
spoil_cache(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	uint8_t byte;

	(void)ftw;
	if (type != FTW_F || strstr(path, "/trees-") == NULL)
		return 0;
	int fd = open(path, O_RDWR);
	off_t at = spoil_at % st->st_size;
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
	return 0;
}

/* Whatever bytes the cache gives, the archive is what the files are. */
static void
test_spoiled_treecache(void **state)
{
	struct place *p = *state;
	char name[16];

	for (unsigned i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "src/f%02u", i);
		put(name, "x");
	}
	assert_int_equal(back_up(p, "first"), 0);
	char *want = paths(p);
	for (spoil_at = 0; spoil_at < 2000; spoil_at += 53) {
		assert_int_equal(nftw("cache", spoil_cache, 8, FTW_PHYS), 0);
		snprintf(name, sizeof(name), "n%d", (int)spoil_at);
		open_repo(p);
		assert_int_equal(back_up(p, name), 0);
		holds(p, want);
	}
	free(want);
}

/* A cache that gives another whole tree for an id is not believed either. */
static void
test_lying_treecache(void **state)
{
	struct place *p = *state;
	vrv_auto_buf struct vrv_buf right = {0}, got = {0};
	struct vrv_treecache *cache;
	struct vrv_archives *all;
	struct vrv_parent parent;
	struct varve_err err;
	char path[200];

	put("src/f", "x");
	assert_int_equal(back_up(p, "first"), 0);
	open_repo(p);
	MUST(vrv_archives_load(p->repo, &all, &err));
	const struct vrv_archive *archive = all->items[0];
	const uint8_t *id = archive->sealed.root.id;
	MUST(vrv_parent_init(&parent, p->repo, archive, NULL, "",
	    VARVE_CACHE_CTIME_SIZE_INODE, &err));
	struct vrv_meta_source source = vrv_parent_source(&parent);
	MUST(source.get(source.arg, id, &right, &err));
	vrv_parent_fini(&parent);

	for (unsigned lies = 0; lies < 2; lies++) {
		/* An empty tree, or the right one. */
		vrv_treecache_open(p->repo, tag, &cache);
		vrv_treecache_put(cache, id,
		    lies ? (const uint8_t *)"T" : right.data,
		    lies ? 2 : right.len);
		vrv_treecache_keep(cache);
		vrv_treecache_close(cache);
		vrv_treecache_open(p->repo, tag, &cache);
		MUST(vrv_parent_init(&parent, p->repo, archive, cache, "",
		    VARVE_CACHE_CTIME_SIZE_INODE, &err));
		source = vrv_parent_source(&parent);
		MUST(source.get(source.arg, id, &got, &err));
		assert_int_equal(got.len, right.len);
		assert_memory_equal(got.data, right.data, got.len);
		/* The repository was asked only where the cache lied. */
		assert_int_equal(parent.reader != NULL, lies);
		vrv_parent_fini(&parent);
		vrv_treecache_close(cache);
		cache_path(p, path);
		assert_int_equal(unlink(path), 0);
	}
	vrv_archives_free(all);
}

/* --- a parent that is damaged --- */

static int
remove_pack(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)ftw;
	return type == FTW_F ? unlink(path) : 0;
}

static int
remove_trees(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	return type == FTW_F && strncmp(path + ftw->base, "trees-", 6) == 0 ?
	    unlink(path) :
	    0;
}

/* All packs are lost, the index and the cache of it are not: the next archive
 * must stand on what it stored itself, whether the run looks everything up or
 * did so a moment ago. */
static void
test_lost_parent(void **state)
{
	struct place *p = *state;

	put("src/f", "some text that is chunk enough");
	assert_int_equal(back_up(p, "first"), 0);
	assert_int_equal(nftw("repo/packs", remove_pack, 8, FTW_PHYS), 0);
	assert_int_equal(nftw("cache", remove_trees, 8, FTW_PHYS), 0);
	open_repo(p);
	assert_int_equal(back_up(p, "second"), 0);
	assert_non_null(strstr(p->told, "cannot read a directory of the"));
	holds(p, "src src/f ");
	assert_int_equal(nftw("repo/packs", remove_pack, 8, FTW_PHYS), 0);
	assert_int_equal(nftw("cache", remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	open_repo(p);
	assert_int_equal(back_up(p, "third"), 0);
	assert_non_null(strstr(p->told, "cannot read a directory of the"));
	holds(p, "src src/f ");
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_swapped),
	    T(test_no_way_back),
	    T(test_other_way_back),
	    T(test_parent_rules),
	    T(test_margin),
	    T(test_entries_are_the_same),
	    T(test_treecache),
	    T(test_treecache_of_two),
	    T(test_torn_treecache),
	    T(test_hostile_treecache),
	    T(test_large_treecache),
	    T(test_cut_treecache),
	    T(test_odd_treecache),
	    T(test_foreign_treecache),
	    T(test_spoiled_treecache),
	    T(test_lying_treecache),
	    T(test_lost_parent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
