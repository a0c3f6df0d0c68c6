/* SPDX-License-Identifier: BSD-2-Clause */
/* Key files: what somebody else may have put in their places. */
#include "repo_fixture.h"

#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "repo/repo_internal.h"
#include "util/hex.h"
#include "util/mem.h"

/* Move the slot of the key file from the repository to the key directory, so
 * that nothing opens it but what is there. */
static void
move_slots(struct world *w, char path[300], char aside[300])
{
	char name[VRV_NAME_SIZE], id[65];
	struct vrv_repo *repo = must_open(w);
	struct varve_slot_list *list;
	struct varve_err err;
	uint8_t *bytes;
	size_t n;

	MUST(vrv_repo_slots(repo, &list, &err));
	vrv_hex(id, vrv_repo_id(repo), VRV_REPO_ID);
	path[0] = '\0';
	for (size_t i = 0; i < list->n; i++) {
		snprintf(name, sizeof(name), "keys/%s", list->items[i].id);
		MUST(vrv_store_get_all(w->store, name, VRV_MAX_KEY_SLOT, &bytes,
		    &n, &err));
		if (list->items[i].is_file) {
			snprintf(path, 300, "%s/%s-%s", w->keys, id,
			    list->items[i].id);
			snprintf(aside, 300, "%s/aside", w->dir);
			write_file(aside, bytes, n);
		}
		free(bytes);
		remove_object(w, name);
	}
	while (count(w, "keys/") > 0) /* the twins */
		remove_first(w, "keys/");
	free(list);
	vrv_repo_close(repo);
	assert_int_not_equal(path[0], '\0');
	assert_int_equal(mkdir(w->keys, 0700), 0);
}

static void
opens(struct world *w, const char *notes)
{
	vrv_repo_close(must_open(w));
	assert_string_equal(w->notes, notes);
}

/* No key: the reason is told and is the error. */
static void
refused(struct world *w, const char *why)
{
	const struct varve_open_options open = options(w, true);
	struct vrv_repo *repo;
	struct varve_err err;

	w->notes[0] = '\0';
	assert_int_not_equal(vrv_repo_open(reach(w), &open, &repo, &err), 0);
	if (strstr(err.message, why) == NULL || strstr(w->notes, why) == NULL)
		fail_msg("%s (%s)", err.message, w->notes);
	w->notes[0] = '\0';
}

/* What is in the key directory is a regular file of ours, or no key. */
static void
test_key_directory(void **state)
{
	struct world *w = *state;
	char path[300], aside[300], link[400];

	move_slots(w, path, aside);
	assert_int_equal(rename(aside, path), 0);
	opens(w, "");
	assert_int_equal(rename(path, aside), 0);

	assert_int_equal(symlink(aside, path), 0);
	refused(w, strrchr(path, '/') + 1);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	refused(w, "not a regular file");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	refused(w, "not a regular file");
	assert_int_equal(rmdir(path), 0);

	assert_int_equal(rename(aside, path), 0);
	assert_int_equal(chmod(w->keys, 0770), 0);
	refused(w, "writable by other users");
	assert_int_equal(chmod(w->keys, 0700), 0);
	opens(w, "");
	snprintf(link, sizeof(link), "%s.moved", w->keys);
	assert_int_equal(rename(w->keys, link), 0);
	assert_int_equal(symlink(link, w->keys), 0);
	refused(w, w->keys);
}

/* A file is in the way of the key directory, or of a directory above it: only
 * what needs a key file fails. */
static void
test_no_key_directory(void **state)
{
	struct world *w = *state;
	char keys[96];

	write_file(w->keys, "x", 1);
	opens(w, w->notes);
	assert_non_null(strstr(w->notes, "key directory"));
	strcpy(keys, w->keys);
	snprintf(w->keys, sizeof(w->keys), "%.80s/below", keys);
	w->notes[0] = '\0';
	opens(w, w->notes);
	assert_non_null(strstr(w->notes, "key directory"));
}

/* A key file that the user names is made where nothing is, and never through
 * a link; one that exists may be reached through a link. */
static void
test_made(void **state)
{
	struct world *w = *state;
	struct varve_open_options open = options(w, false);
	struct vrv_repo *repo = must_open(w);
	char path[300], target[300], id[33];
	struct stat st;
	struct varve_err err;

	snprintf(path, sizeof(path), "%s/named", w->dir);
	snprintf(target, sizeof(target), "%s/target", w->dir);
	assert_int_equal(symlink(target, path), 0);
	assert_int_not_equal(vrv_repo_slot_add(repo, "x", path, &open, id,
				 &err),
	    0);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_not_equal(lstat(target, &st), 0);

	MUST(vrv_repo_slot_add(repo, "x", target, &open, id, &err));
	assert_int_equal(lstat(target, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, 64);
	MUST(vrv_repo_slot_add(repo, "y", path, &open, id, &err));
	vrv_repo_close(repo);
	open.key_file = path;
	open.passphrase = NULL;
	MUST(vrv_repo_open(reach(w), &open, &repo, &err));
	vrv_repo_close(repo);

	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_not_equal(vrv_repo_open(reach(w), &open, &repo, &err), 0);
	open.passphrase = options(w, false).passphrase;
	MUST(vrv_repo_open(reach(w), &open, &repo, &err));
	vrv_repo_close(repo);
}

/* Fewer than 32 bytes are no key, neither to make a slot nor to open one. */
static void
test_too_short(void **state)
{
	struct world *w = *state;
	struct varve_open_options open = options(w, false);
	struct vrv_repo *repo = must_open(w);
	char path[300], id[33], bytes[32] = "x";
	vrv_auto_buf struct vrv_buf buf = {0};
	struct varve_err err;

	snprintf(path, sizeof(path), "%s/short", w->dir);
	write_file(path, bytes, 31);
	assert_int_equal(vrv_repo_slot_add(repo, "x", path, &open, id, &err),
	    VARVE_USAGE);
	write_file(path, bytes, 32);
	MUST(vrv_repo_slot_add(repo, "x", path, &open, id, &err));
	vrv_repo_close(repo);
	open.key_file = path;
	open.passphrase = NULL;
	MUST(vrv_repo_open(reach(w), &open, &repo, &err));
	vrv_repo_close(repo);
	write_file(path, bytes, 31);
	assert_int_equal(vrv_key_file_load(path, &buf, &err), VARVE_USAGE);
	assert_int_not_equal(vrv_repo_open(reach(w), &open, &repo, &err), 0);
}

int
run_key_file_tests(void)
{
	const struct CMUnitTest tests[] = {
	    WORLD_TEST(test_key_directory),
	    WORLD_TEST(test_no_key_directory),
	    WORLD_TEST(test_made),
	    WORLD_TEST(test_too_short),
	};

	return cmocka_run_group_tests_name("key files", tests, NULL, NULL);
}
