/* SPDX-License-Identifier: BSD-2-Clause */
/* Restoring: content, metadata, what is in the way, damage. */
#include "small_repo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "extract/extract.h"
#include "hook_store.h"
#include "os/dir.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static struct varve_restore_options
options_of(struct small_repo *s, char target[80])
{
	snprintf(target, 80, "%s/target", s->path);
	return (struct varve_restore_options){
	    .size = sizeof(struct varve_restore_options),
	    .target = target,
	    .stdout_fd = -1,
	    .threads = 2,
	    .event = small_repo_event,
	    .event_arg = s,
	};
}

static struct varve_restore_result
restore(struct small_repo *s, const struct varve_restore_options *options)
{
	struct varve_restore_result result = {0};
	struct varve_err err = {0};

	if (vrv_extract(s->repo, &s->archive, options, &result, &err) != 0)
		fail_msg("extract: %s", err.message);
	assert_int_equal(result.skipped, s->problems);
	return result;
}

static struct stat
stat_of(struct small_repo *s, const char *path)
{
	struct stat st;

	if (fstatat(s->target, path, &st, AT_SYMLINK_NOFOLLOW) != 0)
		fail_msg("%s is not there", path);
	return st;
}

static void
assert_text(struct small_repo *s, const char *path, const char *text)
{
	char *have = small_repo_read(s, path, NULL);

	assert_string_equal(have, text);
	free(have);
}

static void
assert_absent(struct small_repo *s, const char *path)
{
	assert_int_equal(faccessat(s->target, path, F_OK, AT_SYMLINK_NOFOLLOW),
	    -1);
	assert_int_equal(errno, ENOENT);
}

/* No temporary file is left in a folder of the target. */
static void
assert_entries(struct small_repo *s, const char *folder, size_t want)
{
	int fd = openat(s->target, folder, O_RDONLY | O_DIRECTORY);
	struct vrv_arena arena = {0};
	struct vrv_dirent *entries;
	struct varve_err err;
	size_t n;

	assert_true(fd >= 0);
	assert_int_equal(vrv_os_list_dir(fd, &arena, &entries, &n, &err), 0);
	assert_int_equal(n, want);
	free(entries);
	vrv_arena_fini(&arena);
	close(fd);
}

static const struct small_node in_sub[] = {
    {"deep", VRV_FILE, 04755, "inner", .mtime = -5},
    {"link", VRV_SYMLINK, 0777, "../nowhere", .mtime = 9},
};
static const struct small_node tree[] = {
    {"empty", VRV_FILE, 0600, NULL, .mtime = 5000000000},
    {"fifo", VRV_FIFO, 0640, NULL, .mtime = 3},
    {"large", VRV_FILE, 0644, "piece ", .chunks = 3000, .mtime = 4},
    {"small", VRV_FILE, 0640, "hello", .mtime = 1, .xattr = "value"},
    {"sock", VRV_SOCKET, 0755, NULL},
    {"sub", VRV_DIR, 01755, NULL, .mtime = 7, .children = in_sub, .n = 2},
    {"tail", VRV_FILE, 0600, "start", .hole = 1 << 20, .mtime = 2},
};

static void
test_everything(void **state)
{
	struct small_repo *s = *state;
	char target[80];
	struct varve_restore_options options = options_of(s, target);

	options.want_files = true;
	small_repo_fill(s, tree, N(tree));
	struct varve_restore_result result = restore(s, &options);
	assert_int_equal(result.skipped, 0);
	assert_int_equal(result.warnings, 0);
	assert_int_equal(result.items, 8);
	assert_int_equal(s->listed, 8);

	assert_text(s, "small", "hello");
	assert_text(s, "sub/deep", "inner");
	assert_text(s, "empty", "");
	char *large = small_repo_read(s, "large", NULL), *at = large;
	for (unsigned i = 0; i < 3000; i++) {
		char want[32];
		int n = snprintf(want, sizeof(want), "piece %u\n", i);
		assert_memory_equal(at, want, (size_t)n);
		at += n;
	}
	assert_int_equal(*at, '\0');
	free(large);

	assert_int_equal(stat_of(s, "small").st_mode, S_IFREG | 0640);
	assert_int_equal(stat_of(s, "small").st_mtim.tv_sec, 1);
	assert_int_equal(stat_of(s, "small").st_mtim.tv_nsec, 123456789);
	assert_int_equal(stat_of(s, "empty").st_mtim.tv_sec, 5000000000);
	assert_int_equal(stat_of(s, "sub/deep").st_mode, S_IFREG | 04755);
	assert_int_equal(stat_of(s, "sub/deep").st_mtim.tv_sec, -5);
	assert_int_equal(stat_of(s, "sub").st_mode, S_IFDIR | 01755);
	assert_int_equal(stat_of(s, "sub").st_mtim.tv_sec, 7);
	assert_int_equal(stat_of(s, "sub/link").st_mtim.tv_sec, 9);
	assert_int_equal(stat_of(s, "fifo").st_mode, S_IFIFO | 0640);
	assert_absent(s, "sock");
	struct stat st = stat_of(s, "tail");
	assert_int_equal(st.st_size, (1 << 20) + 5);
	assert_true(st.st_blocks * 512 < 1 << 16);

	char path[128], value[16];
	snprintf(path, sizeof(path), "%s/small", target);
	assert_int_equal(getxattr(path, "user.test", value, 16), 5);
	assert_memory_equal(value, "value", 5);
	ssize_t n = readlinkat(s->target, "sub/link", value, sizeof(value));
	assert_int_equal(n, 10);
	assert_memory_equal(value, "../nowhere", 10);
}

static void
test_sparse(void **state)
{
	const struct small_node nodes[] = {
	    {"f", VRV_FILE, 0600, "x", .zeros = 100000},
	    {"g", VRV_FILE, 0600, NULL, .zeros = 1 << 20},
	};
	struct small_repo *s = *state;
	char target[80];
	struct varve_restore_options options = options_of(s, target);
	size_t n;

	options.sparse = true;
	small_repo_fill(s, nodes, N(nodes));
	restore(s, &options);
	char *text = small_repo_read(s, "f", &n);
	assert_int_equal(n, 100001);
	assert_int_equal(text[0], 'x');
	for (size_t i = 1; i < n; i++)
		assert_int_equal(text[i], 0);
	free(text);
	assert_true(stat_of(s, "f").st_blocks * 512 <= 8192);
	assert_int_equal(stat_of(s, "g").st_size, 1 << 20);
	assert_int_equal(stat_of(s, "g").st_blocks, 0);
}

/* More pieces than the first windows hold: the file spans several of them, and
 * the links to it come after the last. */
static void
test_spanning_windows(void **state)
{
	const struct small_node nodes[] = {
	    {"a", VRV_FILE, 0600, "a", .chunks = 60000, .inode = 3},
	    {"b", VRV_FILE, 0600, "a", .chunks = 60000, .inode = 3},
	    {"c", VRV_FILE, 0600, "last"},
	};
	struct small_repo *s = *state;
	char target[80], line[32];
	struct varve_restore_options options = options_of(s, target);
	size_t n, at = 0;

	small_repo_fill(s, nodes, N(nodes));
	struct varve_restore_result result = restore(s, &options);
	assert_int_equal(result.items, 3);
	assert_int_equal(result.warnings, 0);
	char *text = small_repo_read(s, "a", &n);
	for (unsigned i = 0; i < 60000; i++) {
		int len = snprintf(line, sizeof(line), "a%u\n", i);
		assert_memory_equal(text + at, line, (size_t)len);
		at += (size_t)len;
	}
	assert_int_equal(at, n);
	free(text);
	assert_int_equal(stat_of(s, "a").st_ino, stat_of(s, "b").st_ino);
	assert_text(s, "c", "last");
}

static void
test_dry_run_and_patterns(void **state)
{
	struct small_repo *s = *state;
	char target[80];
	struct varve_restore_options options = options_of(s, target);

	options.dry_run = true;
	small_repo_fill(s, tree, N(tree));
	struct varve_restore_result result = restore(s, &options);
	assert_int_equal(result.skipped, 0);
	assert_int_equal(result.items, 8);
	assert_entries(s, ".", 0);
}

static unsigned
only_deep(void *arg, const char *path, bool is_dir)
{
	(void)arg;
	if (strcmp(path, "sub/deep") == 0)
		return VARVE_MATCH_INCLUDE;
	return is_dir ? VARVE_MATCH_RECURSE : 0;
}

static void
test_match_and_strip(void **state)
{
	struct small_repo *s = *state;
	char target[80];
	struct varve_restore_options options = options_of(s, target);

	options.match = only_deep;
	small_repo_fill(s, tree, N(tree));
	restore(s, &options);
	assert_entries(s, ".", 1);
	assert_entries(s, "sub", 1);
	assert_text(s, "sub/deep", "inner");
	options.strip_components = 1;
	restore(s, &options);
	assert_text(s, "deep", "inner");
}

static void
test_way_directories(void **state)
{
	const struct small_node leaf[] = {{"f", VRV_FILE, 0600, "x"}};
	const struct small_node nodes[] = {
	    {"had", VRV_DIR, 0700, NULL, .flags = VRV_ENTRY_WAY, .mtime = 7,
		.children = leaf, .n = 1},
	    {"new", VRV_DIR, 0711, NULL, .flags = VRV_ENTRY_WAY, .mtime = 7,
		.children = leaf, .n = 1},
	    {"void", VRV_DIR, 0711, NULL, .flags = VRV_ENTRY_WAY},
	};
	struct small_repo *s = *state;
	char target[80];
	struct varve_restore_options options = options_of(s, target);

	assert_int_equal(mkdirat(s->target, "had", 0755), 0);
	small_repo_fill(s, nodes, N(nodes));
	restore(s, &options);
	assert_int_equal(stat_of(s, "had").st_mode, S_IFDIR | 0755);
	assert_int_not_equal(stat_of(s, "had").st_mtim.tv_sec, 7);
	assert_int_equal(stat_of(s, "new").st_mode, S_IFDIR | 0711);
	assert_int_equal(stat_of(s, "new").st_mtim.tv_sec, 7);
	assert_text(s, "had/f", "x");
	assert_absent(s, "void"); /* nothing came into it */
}

/* --- hard links --- */

static void
test_hard_links(void **state)
{
	const struct small_node sub[] = {
	    {"c", VRV_FILE, 0644, "same", .inode = 7},
	    {"d", VRV_SYMLINK, 0777, "t", .inode = 8},
	};
	const struct small_node nodes[] = {
	    {"a", VRV_FILE, 0644, "same", .inode = 7},
	    {"b", VRV_FILE, 0644, "same", .inode = 7},
	    {"l", VRV_SYMLINK, 0777, "t", .inode = 8},
	    {"other", VRV_FILE, 0644, "other", .inode = 7},
	    {"sub", VRV_DIR, 0755, NULL, .children = sub, .n = 2},
	};
	struct small_repo *s = *state;
	char target[80];
	struct varve_restore_options options = options_of(s, target);

	small_repo_fill(s, nodes, N(nodes));
	struct varve_restore_result result = restore(s, &options);
	/* "other" cannot be the same file: told, and not linked. Whoever
	 * comes after it and is like the first is told, too. */
	assert_true(result.warnings >= 1);
	assert_int_equal(stat_of(s, "a").st_ino, stat_of(s, "b").st_ino);
	assert_int_equal(stat_of(s, "l").st_ino, stat_of(s, "sub/d").st_ino);
	assert_int_not_equal(stat_of(s, "other").st_ino,
	    stat_of(s, "a").st_ino);
	assert_text(s, "other", "other");
	assert_text(s, "sub/c", "same");
}

/* --- what is in the way --- */

static void
put_text(struct small_repo *s, const char *path, const char *text)
{
	int fd = openat(s->target, path, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void
test_exists_is_a_problem(void **state)
{
	struct small_repo *s = *state;
	char target[80];
	struct varve_restore_options options = options_of(s, target);

	put_text(s, "small", "mine");
	assert_int_equal(symlinkat("/etc", s->target, "sub"), 0);
	small_repo_fill(s, tree, N(tree));
	struct varve_restore_result result = restore(s, &options);
	/* small, sub and the two things in sub */
	assert_int_equal(result.skipped, 4);
	assert_text(s, "small", "mine");
	assert_int_equal(stat_of(s, "sub").st_mode & S_IFMT, S_IFLNK);
	assert_int_equal(access("/etc/deep", F_OK), -1);
	assert_int_equal(stat_of(s, "empty").st_size, 0);
}

static void
test_overwrite(void **state)
{
	struct small_repo *s = *state;
	char target[80];
	struct varve_restore_options options = options_of(s, target);
	const char *outside = "outside";

	options.overwrite = true;
	put_text(s, outside, "precious");
	assert_int_equal(linkat(s->target, outside, s->target, "small", 0), 0);
	assert_int_equal(symlinkat(outside, s->target, "large"), 0);
	assert_int_equal(symlinkat("/etc", s->target, "sub"), 0);
	assert_int_equal(mkdirat(s->target, "empty", 0700), 0);
	small_repo_fill(s, tree, N(tree));
	struct varve_restore_result result = restore(s, &options);
	assert_int_equal(result.skipped, 0);
	assert_text(s, outside, "precious");
	assert_text(s, "small", "hello");
	assert_int_equal(stat_of(s, "large").st_mode & S_IFMT, S_IFREG);
	assert_int_equal(stat_of(s, "sub").st_mode & S_IFMT, S_IFDIR);
	assert_text(s, "sub/deep", "inner");
	assert_entries(s, ".", 7);

	/* Once more: all equal, so that no file is made anew. */
	ino_t small = stat_of(s, "small").st_ino;
	ino_t large = stat_of(s, "large").st_ino;
	result = restore(s, &options);
	assert_int_equal(result.items, 8);
	assert_int_equal(stat_of(s, "small").st_ino, small);
	assert_int_equal(stat_of(s, "large").st_ino, large);
	assert_entries(s, ".", 7);
}

static void
test_overwrite_keeps_full_folders(void **state)
{
	struct small_repo *s = *state;
	char target[80];
	struct varve_restore_options options = options_of(s, target);

	options.overwrite = true;
	assert_int_equal(mkdirat(s->target, "small", 0700), 0);
	put_text(s, "small/kept", "kept");
	small_repo_fill(s, tree, N(tree));
	struct varve_restore_result result = restore(s, &options);
	assert_int_equal(result.skipped, 1);
	assert_text(s, "small/kept", "kept");
}

/* --- damage --- */

static void
test_damage_leaves_nothing_wrong(void **state)
{
	struct small_repo *s = *state;
	char target[80];
	struct varve_restore_options options = options_of(s, target);

	options.overwrite = true;
	put_text(s, "small", "mine");
	small_repo_fill(s, tree, N(tree));
	/* The data frame: its pieces were there first. */
	small_repo_damage_pack(s, VRV_HEADER_SIZE + 30);
	struct varve_restore_result result = restore(s, &options);
	assert_int_equal(result.skipped, 4);
	assert_int_equal(result.exit, VARVE_EXIT_INTEGRITY);
	assert_non_null(strstr(s->last, "packs/"));
	assert_text(s, "small", "mine");
	assert_absent(s, "large");
	assert_absent(s, "tail");
	assert_absent(s, "sub/deep");
	assert_int_equal(stat_of(s, "empty").st_size, 0);
	assert_int_equal(stat_of(s, "sub").st_mtim.tv_sec, 7);
	assert_entries(s, ".", 4);
}

static void
count_gets(void *arg, const char *op, const char *name)
{
	atomic_uint *gets = arg;

	if (strcmp(op, "get") == 0 && strncmp(name, "packs/", 6) == 0)
		atomic_fetch_add(gets, 1);
}

/* Many files in one frame, in several windows: it is read once. */
static void
test_damage_is_remembered(void **state)
{
	enum {
		FILES = 300
	};
	struct small_repo *s = *state;
	struct small_node *nodes = calloc(FILES, sizeof(*nodes));
	char names[FILES][8], target[80];
	const struct varve_restore_options options = options_of(s, target);
	atomic_uint gets = 0;

	for (int i = 0; i < FILES; i++) {
		snprintf(names[i], sizeof(names[i]), "f%03d", i);
		nodes[i] = (struct small_node){names[i], VRV_FILE, 0600,
		    names[i], .chunks = 2};
	}
	small_repo_fill(s, nodes, FILES);
	free(nodes);
	small_repo_damage_pack(s, VRV_HEADER_SIZE + 30);
	s->hooks->before = count_gets;
	s->hooks->arg = &gets;
	struct varve_restore_result result = restore(s, &options);
	s->hooks->before = NULL;
	assert_int_equal(result.skipped, FILES);
	assert_non_null(strstr(s->last, "packs/"));
	/* The data frame, that of the directory, and the end of the pack. */
	assert_in_range(gets, 2, 4);
}

/* The cause decides the exit status, and of several the worst one. */
static void
test_exit_of_cause(void **state)
{
	static const struct small_node nodes[] = {
	    {"a", VRV_FILE, 0600, "first"},
	    {"d", VRV_DIR, 0700, NULL},
	};
	struct small_repo *s = *state;
	char target[80], pack[256];
	struct varve_restore_options options = options_of(s, target);

	small_repo_fill(s, nodes, 2);
	put_text(s, "a", "mine");
	put_text(s, "d", "a file where a directory goes");
	struct varve_restore_result result = restore(s, &options);
	assert_int_equal(result.skipped, 2);
	assert_int_equal(result.exit, VARVE_EXIT_ERROR);
	assert_int_equal(unlinkat(s->target, "a", 0), 0);
	assert_int_equal(unlinkat(s->target, "d", 0), 0);
	assert_int_equal(symlinkat("elsewhere", s->target, "d"), 0);
	s->problems = 0;
	result = restore(s, &options);
	assert_int_equal(result.skipped, 1);
	assert_int_equal(result.exit, VARVE_EXIT_ERROR);
	if (geteuid() == 0)
		return;
	assert_int_equal(unlinkat(s->target, "a", 0), 0);
	small_repo_only_object(s, "packs", pack);
	assert_int_equal(chmod(pack, 0), 0);
	s->problems = 0;
	result = restore(s, &options);
	assert_int_equal(result.exit, VARVE_EXIT_PERMISSION);
}

static void
test_stdout(void **state)
{
	const struct small_node nodes[] = {
	    {"a", VRV_FILE, 0644, "first", .hole = 3},
	    {"b", VRV_FILE, 0644, "second"},
	};
	struct small_repo *s = *state;
	char target[80], text[32] = "";
	struct varve_restore_options options = options_of(s, target);
	struct varve_restore_result result;
	struct varve_err err = {0};
	int pipes[2];

	small_repo_fill(s, nodes, N(nodes));
	assert_int_equal(pipe(pipes), 0);
	options.stdout_fd = pipes[1];
	restore(s, &options);
	assert_int_equal(read(pipes[0], text, sizeof(text)), 14);
	assert_memory_equal(text, "first\0\0\0second", 14);
	assert_entries(s, ".", 0);

	/* Nobody reads: an error, not a signal. */
	close(pipes[0]);
	assert_int_equal(vrv_extract(s->repo, &s->archive, &options, &result,
			     &err),
	    VARVE_IO);
	assert_int_equal(err.sys, EPIPE);
	close(pipes[1]);
}

/* Directories above a source: one that the archive describes, and one of which
 * an old version stored zeros. */
static void
test_above_a_source(void **state)
{
	static const struct small_node below[] = {
	    {"file", VRV_FILE, 0644, "text", .mtime = 1},
	};
	static const struct small_node above[] = {
	    {"invented", VRV_DIR, 0, NULL, .flags = VRV_ENTRY_WAY,
		.is_invented = true, .children = below, .n = 1},
	    {"real", VRV_DIR, 0, NULL, .flags = VRV_ENTRY_WAY, .mtime = 7,
		.children = below, .n = 1},
	};
	struct small_repo *s = *state;
	char target[80];
	struct varve_restore_options options = options_of(s, target);

	options.umask = 027;
	small_repo_fill(s, above, N(above));
	struct varve_restore_result result = restore(s, &options);
	assert_int_equal(result.warnings, 0);
	assert_text(s, "invented/file", "text");
	struct stat st = stat_of(s, "invented");
	assert_int_equal(st.st_mode & 07777, 0750);
	assert_int_not_equal(st.st_mtime, 0);
	st = stat_of(s, "real");
	assert_int_equal(st.st_mode & 07777, 0);
	assert_int_equal(st.st_mtime, 7);
}

/* Messages name the path that the item has, or would have, in the target. */
static void
test_messages_name_the_target(void **state)
{
	static const struct small_node below[] = {
	    {"lost", VRV_DIR, 0755, NULL, .mtime = 1, .is_lost = true},
	};
	static const struct small_node top[] = {
	    {"top", VRV_DIR, 0755, NULL, .mtime = 1, .children = below, .n = 1},
	};
	struct small_repo *s = *state;
	char target[80];
	struct varve_restore_options options = options_of(s, target);

	options.strip_components = 1;
	small_repo_fill(s, top, N(top));
	(void)restore(s, &options);
	assert_int_equal(s->problems, 1);
	assert_memory_equal(s->last, "lost: ", 6);
	assert_true((stat_of(s, "lost").st_mode & S_IFMT) == S_IFDIR);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SMALL_REPO_TEST(test_everything),
	    SMALL_REPO_TEST(test_above_a_source),
	    SMALL_REPO_TEST(test_messages_name_the_target),
	    SMALL_REPO_TEST(test_sparse),
	    SMALL_REPO_TEST(test_spanning_windows),
	    SMALL_REPO_TEST(test_dry_run_and_patterns),
	    SMALL_REPO_TEST(test_match_and_strip),
	    SMALL_REPO_TEST(test_way_directories),
	    SMALL_REPO_TEST(test_hard_links),
	    SMALL_REPO_TEST(test_exists_is_a_problem),
	    SMALL_REPO_TEST(test_overwrite),
	    SMALL_REPO_TEST(test_overwrite_keeps_full_folders),
	    SMALL_REPO_TEST(test_damage_leaves_nothing_wrong),
	    SMALL_REPO_TEST(test_damage_is_remembered),
	    SMALL_REPO_TEST(test_exit_of_cause),
	    SMALL_REPO_TEST(test_stdout),
	};

	return cmocka_run_group_tests_name("restore", tests, NULL, NULL);
}
