/* SPDX-License-Identifier: BSD-2-Clause */
/* What a client remembers of a repository, and when its files are damaged. */
#include "repo_fixture.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/file.h"
#include "os/private.h"
#include "repo/repo_internal.h"
#include "util/hex.h"
#include "util/mem.h"

/* The files that the system refuses to read: those whose name ends like this,
 * from the read on that this counts down to. */
static const char *refused = "";
static unsigned refused_after;

static int
setup(void **state)
{
	refused = "";
	return world_setup(state);
}

static struct vrv_pin
pin_of(uint8_t series, uint8_t archive, uint32_t revision)
{
	return (struct vrv_pin){.tag = {series, 2, 3},
	    .logical = {archive},
	    .object = {archive, 7},
	    .revision = revision};
}

static void
pin(struct vrv_repo *repo, uint8_t series, uint8_t archive, uint32_t revision)
{
	const struct vrv_pin p = pin_of(series, archive, revision);
	struct varve_err err;

	MUST(vrv_repo_state_change(repo, &p, 1, NULL, 0, &err));
}

static void
save(struct vrv_repo *repo)
{
	struct varve_err err;

	MUST(vrv_repo_state_save(repo, &err));
}

/* The revision that is pinned, or -1. */
static int64_t
pinned(struct vrv_repo *repo, uint8_t series, uint8_t archive)
{
	const struct vrv_pin want = pin_of(series, archive, 0);
	struct vrv_pin *pins;
	struct varve_err err;
	int64_t revision = -1;
	size_t n;

	MUST(vrv_repo_state_pins(repo, &pins, &n, &err));
	for (size_t i = 0; i < n; i++) {
		if (memcmp(pins[i].tag, want.tag, VRV_TAG_SIZE) == 0 &&
		    memcmp(pins[i].logical, want.logical, 32) == 0) {
			assert_int_equal(revision, -1);
			revision = pins[i].revision;
		}
	}
	free(pins);
	return revision;
}

static struct vrv_repo *
open_with(struct world *w, const struct varve_open_options *open)
{
	struct vrv_repo *repo;
	struct varve_err err;

	w->notes[0] = '\0';
	MUST(vrv_repo_open(reach(w), open, &repo, &err));
	return repo;
}

static struct vrv_repo *
reopen(struct world *w)
{
	const struct varve_open_options open = options(w, true);

	return open_with(w, &open);
}

static void
read_text(const char *path, char *text, size_t size, size_t *ret_n)
{
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	*ret_n = fread(text, 1, size - 1, f);
	text[*ret_n] = '\0';
	fclose(f);
}

static void
test_pins(void **state)
{
	struct world *w = *state;
	struct vrv_repo *repo = must_open(w);
	struct vrv_pin drop = pin_of(1, 9, 3);
	struct stat st;
	struct varve_err err;

	assert_int_equal(pinned(repo, 1, 9), -1);
	pin(repo, 1, 9, 3);
	pin(repo, 1, 10, 4);
	pin(repo, 77, 10, UINT32_MAX);
	save(repo);
	vrv_repo_close(repo);

	repo = must_open(w);
	assert_int_equal(pinned(repo, 1, 9), 3);
	assert_int_equal(pinned(repo, 1, 10), 4);
	assert_int_equal(pinned(repo, 77, 10), UINT32_MAX);
	/* A revision never goes back, and is dropped only if it was known. */
	pin(repo, 1, 9, 2);
	assert_int_equal(pinned(repo, 1, 9), 3);
	drop.revision = 2;
	MUST(vrv_repo_state_change(repo, NULL, 0, &drop, 1, &err));
	assert_int_equal(pinned(repo, 1, 9), 3);
	drop.revision = 3;
	MUST(vrv_repo_state_change(repo, NULL, 0, &drop, 1, &err));
	save(repo);
	vrv_repo_close(repo);
	repo = must_open(w);
	assert_int_equal(pinned(repo, 1, 9), -1);
	assert_int_equal(pinned(repo, 1, 10), 4);
	assert_int_equal(stat(vrv_repo_state_path(repo), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	vrv_repo_close(repo);
}

/* Whether the archive 9 of series 1 was seen buried. */
static bool
nine_was_buried(struct vrv_repo *repo)
{
	struct vrv_pin *pins;
	struct varve_err err;
	size_t n;

	MUST(vrv_repo_state_pins(repo, &pins, &n, &err));
	assert_int_equal(n, 1);
	const bool buried = vrv_pin_was_buried(&pins[0]);
	assert_int_equal(pins[0].object[1], 7);
	assert_int_equal(pins[0].tombstone[15], buried ? 5 : 0);
	free(pins);
	return buried;
}

/* That an archive was deleted stays known of this revision. */
static void
test_buried(void **state)
{
	struct world *w = *state;
	struct vrv_pin dead = pin_of(1, 9, 3);
	struct vrv_repo *slow = must_open(w), *repo;
	struct varve_err err;

	dead.tombstone[15] = 5;
	pin(slow, 1, 9, 3);
	save(slow);
	repo = must_open(w);
	assert_false(nine_was_buried(repo));
	MUST(vrv_repo_state_change(repo, &dead, 1, NULL, 0, &err));
	save(repo);
	vrv_repo_close(repo);
	/* One that does not know it takes nothing back. */
	pin(slow, 1, 9, 2);
	pin(slow, 1, 9, 3);
	save(slow);
	assert_true(nine_was_buried(slow));
	/* Nor does one that drops what it still knew as live. */
	const struct vrv_pin live = pin_of(1, 9, 3);
	MUST(vrv_repo_state_change(slow, NULL, 0, &live, 1, &err));
	save(slow);
	assert_true(nine_was_buried(slow));
	vrv_repo_close(slow);
	repo = must_open(w);
	assert_true(nine_was_buried(repo));
	pin(repo, 1, 9, 4);
	save(repo);
	vrv_repo_close(repo);
	repo = must_open(w);
	assert_false(nine_was_buried(repo));
	vrv_repo_close(repo);
}

/* Two runs at once: each writes only what it did itself. */
static void
test_two_handles(void **state)
{
	struct world *w = *state;
	struct vrv_repo *slow, *fast;
	struct vrv_pin drop;
	struct varve_err err;

	slow = must_open(w);
	pin(slow, 1, 1, 0);
	pin(slow, 2, 1, 0);
	save(slow);
	fast = must_open(w);
	drop = pin_of(2, 1, 0);
	MUST(vrv_repo_state_change(fast, NULL, 0, &drop, 1, &err));
	pin(fast, 2, 2, 0);
	pin(fast, 1, 1, 5);
	save(fast);
	vrv_repo_close(fast);
	pin(slow, 1, 1, 1);
	pin(slow, 1, 2, 0);
	save(slow);
	assert_int_equal(pinned(slow, 2, 2), 0);
	vrv_repo_close(slow);

	fast = must_open(w);
	assert_int_equal(pinned(fast, 2, 1), -1);
	assert_int_equal(pinned(fast, 2, 2), 0);
	assert_int_equal(pinned(fast, 1, 1), 5);
	assert_int_equal(pinned(fast, 1, 2), 0);
	vrv_repo_close(fast);
}

/* A run that opened the repository before another one saw a later config does
 * not lower the generation again. */
static void
test_generation(void **state)
{
	struct world *w = *state;
	struct varve_open_options open = options(w, true);
	struct vrv_repo *slow = must_open(w), *fast;
	struct vrv_config config = slow->config;
	uint8_t hash[VRV_CONFIG_HASH];
	char name[VRV_NAME_SIZE], path[400], before[4000], after[4000];
	struct varve_err err;
	size_t n;

	snprintf(path, sizeof(path), "%s", vrv_repo_state_path(slow));
	config.generation++;
	memcpy(config.previous, slow->config_hash, VRV_CONFIG_HASH);
	MUST(vrv_config_store(w->store, &slow->secrets->admin, slow->id,
	    &config, 1, hash, &err));
	vrv_repo_close(must_open(w));
	pin(slow, 1, 1, 0);
	save(slow);
	vrv_repo_close(slow);

	name_at(w, "config/", 4, name);
	remove_object(w, name);
	assert_int_equal(vrv_repo_open(reach(w), &open, &fast, &err),
	    VARVE_AUTH);
	assert_int_equal(err.exit, VARVE_EXIT_REPLAY);
	/* Looking at it changes nothing. */
	read_text(path, before, sizeof(before), &n);
	open.allow_rollback = true;
	fast = open_with(w, &open);
	assert_non_null(strstr(w->notes, "generation 1, was 2"));
	assert_int_equal(vrv_repo_writable(fast, &err), VARVE_USAGE);
	pin(fast, 1, 2, 0);
	save(fast);
	vrv_repo_close(fast);
	read_text(path, after, sizeof(after), &n);
	assert_string_equal(before, after);
	open.accept_replaced = true;
	assert_int_equal(vrv_repo_open(reach(w), &open, &fast, &err),
	    VARVE_USAGE);
	open.allow_rollback = open.accept_replaced = false;
	assert_int_equal(vrv_repo_open(reach(w), &open, &fast, &err),
	    VARVE_AUTH);
	open.accept_replaced = true;
	fast = open_with(w, &open);
	assert_int_equal(pinned(fast, 1, 1), -1);
	vrv_repo_close(fast);
	vrv_repo_close(must_open(w));
}

/* A repository that claims the id of another one has a state of its own. */
static void
test_same_id(void **state)
{
	struct world *w = *state;
	struct vrv_repo *repo = must_open(w);
	struct vrv_state other = {.known = true, .who = repo->state.who};
	struct vrv_state_change change = {.forget = true};
	struct varve_err err;

	pin(repo, 1, 1, 0);
	save(repo);
	vrv_repo_close(repo);
	vrv_auto_fd dir = open(w->state, O_RDONLY | O_DIRECTORY);
	assert_true(dir >= 0);
	other.who.admin[0] ^= 1;
	other.generation = 9;
	MUST(vrv_state_write(dir, &other, &change, &err));
	vrv_state_fini(&other);
	repo = must_open(w);
	assert_int_equal(pinned(repo, 1, 1), 0);
	vrv_repo_close(repo);
}

/* What would be too long to be read is not written: the state stays. */
static void
test_limit(void **state)
{
	const size_t n = 600000; /* of 120 bytes or more: beyond 64 MiB */
	struct world *w = *state;
	struct vrv_repo *repo = must_open(w);
	struct vrv_pin *pins = calloc(n, sizeof(*pins));
	struct vrv_state now = {.known = true, .who = repo->state.who};
	struct vrv_state_change change = {.add = pins, .n_add = n};
	struct varve_err err;

	pin(repo, 1, 1, 0);
	save(repo);
	vrv_repo_close(repo);
	assert_non_null(pins);
	for (size_t i = 0; i < n; i++)
		memcpy(pins[i].logical, &i, sizeof(i));
	vrv_auto_fd dir = open(w->state, O_RDONLY | O_DIRECTORY);
	assert_true(dir >= 0);
	assert_int_equal(vrv_state_write(dir, &now, &change, &err),
	    VARVE_LIMIT);
	free(pins);
	vrv_state_fini(&now);
	repo = must_open(w);
	assert_int_equal(pinned(repo, 1, 1), 0);
	vrv_repo_close(repo);
}

/* --- damage --- */

/* Names in the state directory that contain a text. */
static unsigned
names_with(const struct world *w, const char *part)
{
	DIR *d = opendir(w->state);
	unsigned n = 0;

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		n += strstr(e->d_name, part) != NULL;
	closedir(d);
	return n;
}

/* A state with a pin in the version before the last and two in the last. */
static void
two_versions(struct world *w, char path[400])
{
	struct vrv_repo *repo = must_open(w);

	pin(repo, 1, 1, 0);
	save(repo);
	pin(repo, 1, 2, 0);
	save(repo);
	snprintf(path, 400, "%s", vrv_repo_state_path(repo));
	vrv_repo_close(repo);
}

static void
expect_old_version(struct world *w)
{
	struct vrv_repo *repo = reopen(w);

	assert_int_equal(pinned(repo, 1, 1), 0);
	assert_int_equal(pinned(repo, 1, 2), -1);
	assert_non_null(strstr(w->warnings, "the version before it is used"));
	vrv_repo_close(repo);
	/* It is whole again. */
	w->warnings[0] = '\0';
	vrv_repo_close(reopen(w));
	assert_string_equal(w->warnings, "");
}

static void
test_one_damaged(void **state)
{
	struct world *w = *state;
	char path[400], old_path[404], text[4000], old[4000];
	size_t n, n_old;

	two_versions(w, path);
	snprintf(old_path, sizeof(old_path), "%s.old", path);
	read_text(path, text, sizeof(text), &n);
	read_text(old_path, old, sizeof(old), &n_old);
	for (size_t cut = 0; cut < n; cut += cut + 40 < n ? 37 : 1) {
		write_file(old_path, old, n_old);
		write_file(path, text, cut);
		expect_old_version(w);
	}
	for (size_t at = 0; at < n; at += 29) {
		char bad[4000];

		memcpy(bad, text, n);
		bad[at] ^= 1;
		write_file(old_path, old, n_old);
		write_file(path, bad, n);
		expect_old_version(w);
	}
	assert_true(names_with(w, ".damaged-") > 0);
	/* Something else has the name. */
	write_file(old_path, old, n_old);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	expect_old_version(w);
	write_file(old_path, old, n_old);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	expect_old_version(w);
	write_file(old_path, old, n_old);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	expect_old_version(w);
	/* A crash before the first version was named. */
	write_file(old_path, old, n_old);
	assert_int_equal(unlink(path), 0);
	struct vrv_repo *repo = reopen(w);
	assert_int_equal(pinned(repo, 1, 1), 0);
	assert_string_equal(w->warnings, "");
	vrv_repo_close(repo);
}

/* Both versions are bad: the run goes on as one that knows nothing, and the
 * files are kept. */
static void
test_both_damaged(void **state)
{
	struct world *w = *state;
	char path[400], old_path[404];

	two_versions(w, path);
	snprintf(old_path, sizeof(old_path), "%s.old", path);
	write_file(path, "", 0);
	write_file(old_path, "garbage\n", 8);
	struct vrv_repo *repo = reopen(w);
	assert_non_null(strstr(w->warnings, "knows nothing"));
	assert_int_equal(pinned(repo, 1, 1), -1);
	assert_int_equal(names_with(w, ".damaged-"), 2);
	assert_int_equal(names_with(w, ".old.damaged-"), 1);
	pin(repo, 1, 3, 0);
	save(repo);
	vrv_repo_close(repo);
	w->warnings[0] = '\0';
	repo = reopen(w);
	assert_int_equal(pinned(repo, 1, 3), 0);
	assert_string_equal(w->warnings, "");
	vrv_repo_close(repo);
}

int __real_vrv_room_for_one(void *pp, size_t n, size_t *cap, size_t size);
int __wrap_vrv_room_for_one(void *pp, size_t n, size_t *cap, size_t size);
static bool no_room;

int
__wrap_vrv_room_for_one(void *pp, size_t n, size_t *cap, size_t size)
{
	return no_room ? -1 : __real_vrv_room_for_one(pp, n, cap, size);
}

/* Memory that runs out while it is read is no damage: nobody is to remove the
 * file for that, and it stays where it is. */
static void
test_no_memory(void **state)
{
	struct world *w = *state;
	const struct varve_open_options open = options(w, true);
	struct vrv_repo *repo;
	struct varve_err err;
	char path[400];

	two_versions(w, path);
	struct vrv_store *store = reach(w);
	no_room = true;
	/* The config comes first: see that it is the state that fails. */
	vrv_auto_buf struct vrv_buf text = {0};
	struct vrv_state read = {0};
	bool v1;
	vrv_auto_fd fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	MUST(vrv_os_load_fd(fd, 1 << 20, &text, &err));
	assert_int_equal(vrv_state_parse(&text, &read, &v1, &err), VARVE_NOMEM);
	assert_int_equal(vrv_repo_open(store, &open, &repo, &err), VARVE_NOMEM);
	no_room = false;
	assert_null(strstr(err.message, "remove"));
	assert_int_equal(names_with(w, ".damaged-"), 0);
	repo = reopen(w);
	assert_int_equal(pinned(repo, 1, 2), 0);
	vrv_repo_close(repo);
}

int __real_vrv_private_load(int dir, const char *name, size_t max,
    struct vrv_buf *buf, struct varve_err *err);
int __wrap_vrv_private_load(int dir, const char *name, size_t max,
    struct vrv_buf *buf, struct varve_err *err);

int
__wrap_vrv_private_load(int dir, const char *name, size_t max,
    struct vrv_buf *buf, struct varve_err *err)
{
	size_t n = strlen(name), end = strlen(refused);

	if (end == 0 || n < end || strcmp(name + n - end, refused) != 0)
		return __real_vrv_private_load(dir, name, max, buf, err);
	if (refused_after > 0) {
		refused_after--;
		return __real_vrv_private_load(dir, name, max, buf, err);
	}
	return vrv_fail_sys(err, EIO, "%s: read", name);
}

/* A disk that fails for a moment costs nothing that this client knew. */
static void
test_refused(void **state)
{
	struct world *w = *state;
	char path[400], old_path[404], name[200];
	struct varve_err err;

	two_versions(w, path);
	snprintf(name, sizeof(name), "%s", strrchr(path, '/') + 1);
	/* From the first read on, and after the run has read it once. */
	for (unsigned after = 0; after < 2; after++) {
		refused = name;
		refused_after = after;
		struct vrv_repo *repo = reopen(w);
		pin(repo, 1, 3, 0);
		assert_int_equal(vrv_repo_state_save(repo, &err), VARVE_IO);
		assert_int_equal(err.sys, EIO);
		refused = "";
		assert_int_equal(pinned(repo, 1, 1), 0);
		vrv_repo_close(repo);
		assert_int_equal(names_with(w, ".damaged-"), 0);
		w->warnings[0] = '\0';
		repo = reopen(w);
		assert_int_equal(pinned(repo, 1, 2), 0);
		assert_string_equal(w->warnings, "");
		vrv_repo_close(repo);
	}
	/* The current version is damaged, and the old one cannot be read. */
	snprintf(old_path, sizeof(old_path), "%s.old", path);
	write_file(path, "", 0);
	refused = ".old";
	refused_after = 0;
	vrv_repo_close(reopen(w));
	refused = "";
	assert_non_null(strstr(w->warnings, "cannot remember"));
	assert_int_equal(names_with(w, ".damaged-"), 0);
	expect_old_version(w);
}

/* Its file vanishes or is damaged while a run has it open: what the run read
 * is not lost. */
static void
test_lost_meanwhile(void **state)
{
	struct world *w = *state;
	char path[400], old_path[404];

	two_versions(w, path);
	snprintf(old_path, sizeof(old_path), "%s.old", path);
	struct vrv_repo *repo = must_open(w);
	write_file(path, "", 0);
	assert_int_equal(unlink(old_path), 0);
	pin(repo, 1, 3, 0);
	save(repo);
	vrv_repo_close(repo);
	repo = reopen(w);
	for (uint8_t archive = 1; archive <= 3; archive++)
		assert_int_equal(pinned(repo, 1, archive), 0);
	vrv_repo_close(repo);
}

/* The name of the one file that is neither a lock nor a state. */
static void
place_path(const struct world *w, char path[400])
{
	DIR *d = opendir(w->state);

	path[0] = '\0';
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		if (strlen(e->d_name) == 32) {
			assert_int_equal(path[0], '\0');
			snprintf(path, 400, "%s/%s", w->state, e->d_name);
		}
	}
	closedir(d);
	assert_int_not_equal(path[0], '\0');
}

static void
test_damaged_place(void **state)
{
	struct world *w = *state;
	char path[400];

	vrv_repo_close(must_open(w));
	place_path(w, path);
	write_file(path, "", 0);
	vrv_repo_close(reopen(w));
	assert_non_null(strstr(w->warnings, "another repository"));
	assert_int_equal(names_with(w, ".damaged-"), 1);
	w->warnings[0] = '\0';
	vrv_repo_close(reopen(w));
	assert_string_equal(w->warnings, "");
	/* One that the system refuses to read stays. */
	refused = strrchr(path, '/') + 1;
	refused_after = 0;
	vrv_repo_close(reopen(w));
	refused = "";
	assert_non_null(strstr(w->warnings, "cannot remember"));
	assert_int_equal(names_with(w, ".damaged-"), 1);
}

/* --- version 1 --- */

/* Replace all that is known by a file of version 1. */
static void
write_v1(struct world *w, bool same, uint32_t generation)
{
	struct vrv_repo *repo = must_open(w);
	char path[400], a[65], b[65], c[33], text[1000];
	struct varve_err err;

	vrv_hex(a, repo->id, 32);
	vrv_hex(b, repo->state.who.admin, 32);
	vrv_hex(c, repo->config_hash, 16);
	if (!same)
		a[0] = a[0] == '0' ? '1' : '0';
	place_path(w, path);
	MUST(unlink(vrv_repo_state_path(repo)));
	vrv_repo_close(repo);
	int n = snprintf(text, sizeof(text),
	    "varve-state 1\nlocation memory:\nrepository %s admin %s\n"
	    "config %u %s\narchive 0102030000000000 09%062d 4\nend\n",
	    a, b, generation, c, 0);
	write_file(path, text, (size_t)n);
	(void)err;
}

static void
test_version_1(void **state)
{
	struct world *w = *state;
	const struct varve_open_options open = options(w, true);
	struct vrv_repo *repo;
	struct varve_err err;

	write_v1(w, true, 0);
	repo = reopen(w);
	assert_int_equal(pinned(repo, 1, 9), 4);
	vrv_repo_close(repo);
	repo = reopen(w);
	assert_int_equal(pinned(repo, 1, 9), 4);
	vrv_repo_close(repo);
	assert_string_equal(w->warnings, "");

	write_v1(w, true, 3);
	assert_int_equal(vrv_repo_open(reach(w), &open, &repo, &err),
	    VARVE_AUTH);
	assert_int_equal(err.exit, VARVE_EXIT_REPLAY);
}

/* It is of another repository, whose pins are kept for where it comes up. */
static void
test_version_1_replaced(void **state)
{
	struct world *w = *state;
	struct varve_open_options open = options(w, true);
	struct vrv_repo *repo;
	struct varve_err err;

	write_v1(w, false, 0);
	assert_int_equal(vrv_repo_open(reach(w), &open, &repo, &err),
	    VARVE_AUTH);
	assert_int_equal(err.exit, VARVE_EXIT_REPO_REPLACED);
	open.accept_replaced = true;
	repo = open_with(w, &open);
	assert_int_equal(pinned(repo, 1, 9), -1);
	assert_int_equal(names_with(w, strrchr(vrv_repo_state_path(repo), '-')),
	    2);
	vrv_repo_close(repo);
	vrv_repo_close(reopen(w));
}

/* --- the directory --- */

static void
expect_unusable(struct world *w, const char *why)
{
	w->warnings[0] = '\0';
	struct vrv_repo *repo = reopen(w);
	assert_non_null(strstr(w->warnings, "cannot remember"));
	assert_non_null(strstr(w->warnings, why));
	assert_null(vrv_repo_state_dir(repo));
	pin(repo, 1, 1, 0);
	save(repo);
	vrv_repo_close(repo);
}

static void
test_unusable_directory(void **state)
{
	struct world *w = *state;
	char other[200];

	write_file(w->state, "x", 1);
	expect_unusable(w, "");
	assert_int_equal(unlink(w->state), 0);
	snprintf(other, sizeof(other), "%s/elsewhere", w->dir);
	assert_int_equal(mkdir(other, 0700), 0);
	assert_int_equal(symlink(other, w->state), 0);
	expect_unusable(w, "");
	assert_int_equal(unlink(w->state), 0);
	assert_int_equal(mkdir(w->state, 0700), 0);
	assert_int_equal(chmod(w->state, 0777), 0);
	expect_unusable(w, "writable by other users");
	assert_int_equal(chmod(w->state, 0700), 0);
	w->warnings[0] = '\0';
	vrv_repo_close(reopen(w));
	assert_string_equal(w->warnings, "");
}

/* What a killed run left is removed by the next one that writes. */
static void
test_sweep(void **state)
{
	struct world *w = *state;
	struct vrv_newfile file;
	struct varve_err err;

	vrv_repo_close(must_open(w));
	vrv_auto_fd dir = open(w->state, O_RDONLY | O_DIRECTORY);
	assert_true(dir >= 0);
	MUST(vrv_newfile_open(dir, 0600, &file, &err));
	close(file.fd);
	assert_int_equal(faccessat(dir, file.name, F_OK, 0), 0);
	struct vrv_repo *repo = must_open(w);
	pin(repo, 1, 1, 0);
	save(repo);
	vrv_repo_close(repo);
	assert_int_not_equal(faccessat(dir, file.name, F_OK, 0), 0);
}

int
run_state_tests(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    T(test_pins),
	    T(test_buried),
	    T(test_two_handles),
	    T(test_generation),
	    T(test_same_id),
	    T(test_limit),
	    T(test_no_memory),
	    T(test_one_damaged),
	    T(test_both_damaged),
	    T(test_refused),
	    T(test_lost_meanwhile),
	    T(test_damaged_place),
	    T(test_version_1),
	    T(test_version_1_replaced),
	    T(test_unusable_directory),
	    T(test_sweep),
	};

	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
