/* SPDX-License-Identifier: BSD-2-Clause */
/* Comparing an archive with a folder: every kind of difference is found. */
#include "small_repo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "util/mem.h"
#include "verify/verify_internal.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define HOLE (1 << 20)

static const struct small_node in_sub[] = {
    {"deep", VRV_FILE, 0604, "inner", .mtime = 5},
    {"link", VRV_SYMLINK, 0777, "../nowhere", .mtime = 9},
};
static const struct small_node tree[] = {
    {"empty", VRV_FILE, 0600, NULL, .mtime = 50},
    {"fifo", VRV_FIFO, 0640, NULL, .mtime = 3},
    {"large", VRV_FILE, 0644, "piece ", .chunks = 3000, .mtime = 4},
    {"one", VRV_FILE, 0600, "both", .inode = 77, .mtime = 8},
    {"small", VRV_FILE, 0640, "hello", .mtime = 1, .xattr = "value"},
    {"sock", VRV_SOCKET, 0755, NULL},
    {"sub", VRV_DIR, 0755, NULL, .mtime = 7, .children = in_sub, .n = 2},
    {"tail", VRV_FILE, 0600, "start", .hole = HOLE, .mtime = 2},
    {"two", VRV_FILE, 0600, "both", .inode = 77, .mtime = 8},
};
#define ITEMS 10 /* without the socket, which nobody restores */
#define FILES 7

/* --- the folder, as it would be restored --- */

static void
set_mtime(int dir, const char *name, int64_t s)
{
	const struct timespec times[2] = {
	    {.tv_nsec = UTIME_OMIT},
	    {s, 123456789},
	};

	assert_int_equal(utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW), 0);
}

static void
write_file(int dir, const struct small_node *node)
{
	int fd = openat(dir, node->name, O_WRONLY | O_CREAT | O_EXCL, 0600);
	unsigned n = node->text == NULL ? 0 :
	    node->chunks == 0		? 1 :
					  node->chunks;
	off_t size = 0;

	assert_true(fd >= 0);
	for (unsigned i = 0; i < n; i++)
		size += node->chunks == 0 ?
		    dprintf(fd, "%s", node->text) :
		    dprintf(fd, "%s%u\n", node->text, i);
	assert_int_equal(ftruncate(fd, size + (off_t)node->hole), 0);
	if (node->xattr != NULL)
		assert_int_equal(fsetxattr(fd, "user.test", node->xattr,
				     strlen(node->xattr), 0),
		    0);
	close(fd);
}

static void
write_nodes(int dir, const struct small_node *nodes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct small_node *node = &nodes[i];
		if (node->kind == VRV_SOCKET)
			continue;
		if (strcmp(node->name, "two") == 0)
			assert_int_equal(linkat(dir, "one", dir, "two", 0), 0);
		else if (node->kind == VRV_FILE)
			write_file(dir, node);
		else if (node->kind == VRV_SYMLINK)
			assert_int_equal(symlinkat(node->text, dir, node->name),
			    0);
		else if (node->kind == VRV_FIFO)
			assert_int_equal(mkfifoat(dir, node->name, 0600), 0);
		if (node->kind == VRV_DIR) {
			assert_int_equal(mkdirat(dir, node->name, 0700), 0);
			int fd = openat(dir, node->name, O_RDONLY);
			write_nodes(fd, node->children, node->n);
			close(fd);
		}
		if (node->kind != VRV_SYMLINK)
			assert_int_equal(fchmodat(dir, node->name, node->mode,
					     0),
			    0);
		set_mtime(dir, node->name, node->mtime);
	}
}

/* --- comparing it --- */

struct seen {
	unsigned problems, infos;
	char all[4096];
};

static void
on_event(void *arg, const struct varve_event *event)
{
	struct seen *seen = arg;
	size_t n = strlen(seen->all);

	if (event->type != VARVE_EVENT_PROBLEM &&
	    event->type != VARVE_EVENT_INFO)
		return;
	seen->problems += event->type == VARVE_EVENT_PROBLEM;
	seen->infos += event->type == VARVE_EVENT_INFO;
	snprintf(seen->all + n, sizeof(seen->all) - n, "[%s] %s\n",
	    event->path == NULL ? "" : event->path, event->message);
}

static struct varve_verify_result
compare(struct small_repo *s, bool live, struct seen *seen)
{
	const struct varve_verify_options all = {.all = true};
	struct varve_verify_result result = {0};
	struct vrv_sampler *sampler;
	struct varve_err err = {0};
	char target[80];

	*seen = (struct seen){0};
	snprintf(target, sizeof(target), "%s/target", s->path);
	assert_int_equal(vrv_sampler_new(&all, 1, &sampler, &err), 0);
	const struct vrv_comparison how = {
	    .dir = target,
	    .live = live,
	    .sampler = sampler,
	    .event = on_event,
	    .event_arg = seen,
	};
	if (vrv_verify_count(s->repo, &s->archive, sampler, &result, &err) !=
		0 ||
	    vrv_verify_compare(s->repo, &s->archive, &how, &result, &err) != 0)
		fail_msg("%s", err.message);
	vrv_sampler_free(sampler);
	return result;
}

static void
fill(struct small_repo *s)
{
	small_repo_fill(s, tree, N(tree));
	write_nodes(s->target, tree, N(tree));
}

static void
test_equal(void **state)
{
	struct small_repo *s = *state;
	struct seen seen;

	fill(s);
	struct varve_verify_result r = compare(s, false, &seen);
	if (r.problems != 0)
		fail_msg("%s", seen.all);
	assert_int_equal(r.equal, ITEMS);
	assert_int_equal(r.changed + r.vanished + r.filled, 0);
	assert_int_equal(r.files, FILES);
	assert_int_equal(r.sampled, FILES);
	assert_true(r.bytes > HOLE);
	assert_int_equal(r.sampled_bytes, r.bytes);
}

/* --- every kind of difference --- */

static void
put(struct small_repo *s, const char *name, off_t at, const char *bytes)
{
	int fd = openat(s->target, name, O_WRONLY);
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(pwrite(fd, bytes, strlen(bytes), at), strlen(bytes));
	assert_int_equal(futimens(fd,
			     (struct timespec[]){st.st_atim, st.st_mtim}),
	    0);
	close(fd);
}

static void
first_byte(struct small_repo *s)
{
	put(s, "small", 0, "j");
}

static void
last_byte(struct small_repo *s)
{
	put(s, "large", 31888, "?");
}

static void
byte_in_hole(struct small_repo *s)
{
	put(s, "tail", HOLE / 2, "x");
}

static void
hole_is_filled(struct small_repo *s)
{
	int fd = openat(s->target, "tail", O_WRONLY);
	static const char zeros[65536];

	assert_int_equal(pwrite(fd, zeros, sizeof(zeros), 65536), 65536);
	close(fd);
	set_mtime(s->target, "tail", 2);
}

static void
shorter(struct small_repo *s)
{
	int fd = openat(s->target, "small", O_WRONLY);

	assert_int_equal(ftruncate(fd, 4), 0);
	close(fd);
	set_mtime(s->target, "small", 1);
}

static void
mode(struct small_repo *s)
{
	assert_int_equal(fchmodat(s->target, "small", 0641, 0), 0);
}

static void
folder_mode(struct small_repo *s)
{
	assert_int_equal(fchmodat(s->target, "sub", 01755, 0), 0);
}

static void
owner(struct small_repo *s)
{
	assert_int_equal(fchownat(s->target, "small", 1234, (gid_t)-1, 0), 0);
}

static void
group_of_link(struct small_repo *s)
{
	assert_int_equal(fchownat(s->target, "sub/link", (uid_t)-1, 4321,
			     AT_SYMLINK_NOFOLLOW),
	    0);
}

static void
mtime(struct small_repo *s)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
	    {1, 123456788}};

	assert_int_equal(utimensat(s->target, "small", times, 0), 0);
}

static void
xattr_value(struct small_repo *s)
{
	int fd = openat(s->target, "small", O_WRONLY);

	assert_int_equal(fsetxattr(fd, "user.test", "Value", 5, 0), 0);
	close(fd);
}

static void
xattr_gone(struct small_repo *s)
{
	int fd = openat(s->target, "small", O_WRONLY);

	assert_int_equal(fremovexattr(fd, "user.test"), 0);
	close(fd);
}

static void
xattr_new(struct small_repo *s)
{
	int fd = openat(s->target, "small", O_WRONLY);

	assert_int_equal(fsetxattr(fd, "user.a", "", 0, 0), 0);
	assert_int_equal(fsetxattr(fd, "user.z", "", 0, 0), 0);
	close(fd);
}

static void
target(struct small_repo *s)
{
	assert_int_equal(unlinkat(s->target, "sub/link", 0), 0);
	assert_int_equal(symlinkat("../nowher", s->target, "sub/link"), 0);
	set_mtime(s->target, "sub/link", 9);
	set_mtime(s->target, "sub", 7);
}

static void
gone(struct small_repo *s)
{
	assert_int_equal(unlinkat(s->target, "empty", 0), 0);
}

static void
kind(struct small_repo *s)
{
	assert_int_equal(unlinkat(s->target, "fifo", 0), 0);
	assert_int_equal(mkdirat(s->target, "fifo", 0640), 0);
	set_mtime(s->target, "fifo", 3);
}

static void
split(struct small_repo *s)
{
	assert_int_equal(unlinkat(s->target, "two", 0), 0);
	write_file(s->target, &tree[8]);
	set_mtime(s->target, "two", 8);
}

/* What is behind a link is not looked at. */
static void
folder_is_link(struct small_repo *s)
{
	assert_int_equal(renameat(s->target, "sub", s->target, "moved"), 0);
	assert_int_equal(symlinkat("moved", s->target, "sub"), 0);
}

static const struct {
	void (*fn)(struct small_repo *);
	const char *told;
	unsigned problems;
	bool as_root;
} breaks[] = {
    {first_byte, "[small] content differs between bytes 0 and 5", 1, false},
    {last_byte, "[large] content differs between", 1, false},
    {byte_in_hole, "[tail] content differs between", 1, false},
    {hole_is_filled, "[tail] a hole is filled", 1, false},
    {shorter, "[small] is 4 bytes long instead of 5", 1, false},
    {mode, "[small] mode 0641 instead of 0640", 1, false},
    {folder_mode, "[sub] mode 1755 instead of 0755", 1, false},
    {owner, "[small] owner 1234 instead of", 1, true},
    {group_of_link, "[sub/link] group 4321 instead of", 1, true},
    {mtime, "[small] time of modification", 1, false},
    {xattr_value, "[small] attribute user.test\n", 1, false},
    {xattr_gone, "[small] attribute user.test is missing", 1, false},
    {xattr_new, "[small] attribute user.a is new; attribute user.z is new", 1,
	false},
    {target, "[sub/link] target", 1, false},
    {gone, "[empty] is missing", 1, false},
    {kind, "[fifo] is something else now", 1, false},
    {split, "[two] is no hard link to its other names", 1, false},
    {folder_is_link, "[sub/deep] is missing", 3, false},
};

/* An empty folder again. */
static void
renew_target(struct small_repo *s)
{
	char path[80], command[100];

	close(s->target);
	snprintf(path, sizeof(path), "%s/target", s->path);
	snprintf(command, sizeof(command), "rm -rf '%s'", path);
	assert_int_equal(system(command), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	s->target = open(path, O_RDONLY | O_DIRECTORY);
	assert_true(s->target >= 0);
}

static void
test_breaks(void **state)
{
	struct small_repo *s = *state;
	struct seen seen;

	small_repo_fill(s, tree, N(tree));
	for (size_t i = 0; i < N(breaks); i++) {
		if (breaks[i].as_root && getuid() != 0)
			continue;
		renew_target(s);
		write_nodes(s->target, tree, N(tree));
		breaks[i].fn(s);
		struct varve_verify_result r = compare(s, false, &seen);
		if (strstr(seen.all, breaks[i].told) == NULL)
			fail_msg("'%s' is not in:\n%s", breaks[i].told,
			    seen.all);
		assert_int_equal(r.problems, breaks[i].problems);
		assert_int_equal(seen.problems, r.problems);
		assert_int_equal(r.equal, ITEMS - r.problems);
		assert_int_equal(r.changed + r.vanished, 0);
	}
}

/* --- sources --- */

/* The times of a source that is not known to be unchanged explain what
 * differs. */
static void
test_live_explained(void **state)
{
	struct small_repo *s = *state;
	struct seen seen;

	fill(s);
	first_byte(s);
	mode(s);
	gone(s);
	put(s, "large", 40000, "longer");
	struct varve_verify_result r = compare(s, true, &seen);
	if (r.problems != 0)
		fail_msg("%s", seen.all);
	/* The socket is looked for among sources. */
	assert_int_equal(r.vanished, 2);
	assert_int_equal(r.changed, 2);
	assert_int_equal(r.equal, ITEMS + 1 - 4);
	assert_int_equal(seen.infos, 4);
}

struct one {
	struct vrv_compared c;
	struct vrv_comparison how;
	struct vrv_reader *reader;
	struct vrv_sampler *sampler;
	struct varve_verify_result result;
	struct seen seen;
	char target[80];
	struct vrv_buf leaf;
	struct vrv_entry entry;
	struct vrv_stat st;
};

/* Compare one source whose file system says that it is unchanged: its entry
 * gets the times and the inode that it has. */
static void
one_begin(struct small_repo *s, const char *name, struct one *one)
{
	const struct varve_verify_options all = {.all = true};
	struct varve_err err = {0};

	memset(one, 0, sizeof(*one));
	snprintf(one->target, sizeof(one->target), "%s/target", s->path);
	assert_int_equal(vrv_sampler_new(&all, 1, &one->sampler, &err), 0);
	one->how = (struct vrv_comparison){
	    .dir = one->target,
	    .live = true,
	    .sampler = one->sampler,
	    .event = on_event,
	    .event_arg = &one->seen,
	};
	assert_int_equal(vrv_reader_new(s->repo, 1 << 20, &one->reader, &err),
	    0);
	struct vrv_meta_source source = vrv_meta_from_reader(one->reader);
	assert_int_equal(vrv_compared_init(&one->c, s->repo, &s->archive,
			     &one->how, source, &one->result, &err),
	    0);
	assert_int_equal(vrv_tree_find(&source, &s->archive.sealed.root,
			     (const uint8_t *)name, strlen(name), &one->leaf,
			     &one->entry, &err),
	    0);
	assert_int_equal(vrv_os_stat(s->target, name, &one->st, &err), 0);
	s->archive.sealed.start = (struct vrv_time){1000000, 0};
	one->st.ctime = one->entry.ctime = (struct vrv_time){100, 200};
	one->entry.inode = one->st.inode;
}

static void
one_end(struct one *one, const char *name)
{
	struct varve_err err = {0};

	if (vrv_compare_one(&one->c, name, &one->entry, &one->st, &err) != 0)
		fail_msg("%s", err.message);
	vrv_compared_fini(&one->c);
	vrv_reader_free(one->reader);
	vrv_sampler_free(one->sampler);
	vrv_buf_fini(&one->leaf);
}

static void
test_live_unchanged(void **state)
{
	struct small_repo *s = *state;
	struct one one;

	fill(s);
	one_begin(s, "small", &one);
	one_end(&one, "small");
	assert_int_equal(one.result.equal, 1);

	/* Not one bit may differ if nothing explains it. */
	first_byte(s);
	one_begin(s, "small", &one);
	one_end(&one, "small");
	assert_int_equal(one.result.problems, 1);
	assert_non_null(strstr(one.seen.all, "content differs"));
	xattr_value(s);
	one_begin(s, "small", &one);
	one_end(&one, "small");
	assert_int_equal(one.result.problems, 1);
	assert_non_null(strstr(one.seen.all, "; content differs"));
	assert_non_null(strstr(one.seen.all, "attribute user.test"));
}

/* Each of these explains it. */
static void
test_live_explanations(void **state)
{
	struct small_repo *s = *state;
	struct one one;

	fill(s);
	first_byte(s);
	for (unsigned i = 0; i < 5; i++) {
		one_begin(s, "small", &one);
		switch (i) {
		case 0:
			one.st.ctime.ns++;
			break;
		case 1:
			one.st.inode++;
			break;
		case 2: /* changed as the backup read it, */
			one.entry.flags |= VRV_ENTRY_CHANGED;
			break;
		case 3: /* or so shortly before that it does not show */
			s->archive.sealed.start = (struct vrv_time){102, 200};
			break;
		default:
			one.st.mtime.s++;
			break;
		}
		one_end(&one, "small");
		assert_int_equal(one.result.problems, 0);
		assert_int_equal(one.result.changed, 1);
	}
}

/* A file system may say data where space is reserved only. */
static void
test_live_filled(void **state)
{
	struct small_repo *s = *state;
	struct one one;

	fill(s);
	hole_is_filled(s);
	one_begin(s, "tail", &one);
	one_end(&one, "tail");
	assert_int_equal(one.result.equal, 1);
	assert_int_equal(one.result.filled, 1);
	assert_int_equal(one.result.problems, 0);
	byte_in_hole(s);
	one_begin(s, "tail", &one);
	one_end(&one, "tail");
	assert_int_equal(one.result.problems, 1);
}

/* What cannot be read is no change. */
static void
test_unreadable(void **state)
{
	struct small_repo *s = *state;
	struct seen seen;

	if (getuid() == 0)
		skip();
	fill(s);
	assert_int_equal(fchmodat(s->target, "small", 0, 0), 0);
	struct varve_verify_result r = compare(s, true, &seen);
	assert_int_equal(r.problems, 1);
	assert_non_null(strstr(seen.all, "[small] cannot be read"));
}

/* Paths longer than the kernel takes at once. */
static void
test_deep(void **state)
{
	enum {
		DEPTH = 40
	};
	static struct small_node nodes[DEPTH + 1];
	static char names[DEPTH][201];
	struct small_repo *s = *state;
	struct seen seen;

	nodes[DEPTH] = (struct small_node){"file", VRV_FILE, 0600, "deep"};
	for (int i = DEPTH - 1; i >= 0; i--) {
		memset(names[i], 'a' + i % 26, 200);
		nodes[i] = (struct small_node){names[i], VRV_DIR, 0755,
		    .children = &nodes[i + 1], .n = 1};
	}
	small_repo_fill(s, nodes, 1);
	write_nodes(s->target, nodes, 1);
	struct varve_verify_result r = compare(s, false, &seen);
	if (r.problems != 0)
		fail_msg("%s", seen.all);
	assert_int_equal(r.equal, DEPTH + 1);
	/* nftw() would not. */
	renew_target(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SMALL_REPO_TEST(test_equal),
	    SMALL_REPO_TEST(test_breaks),
	    SMALL_REPO_TEST(test_live_explained),
	    SMALL_REPO_TEST(test_live_unchanged),
	    SMALL_REPO_TEST(test_live_explanations),
	    SMALL_REPO_TEST(test_live_filled),
	    SMALL_REPO_TEST(test_unreadable),
	    SMALL_REPO_TEST(test_deep),
	};

	return cmocka_run_group_tests_name("compare", tests, NULL, NULL);
}
