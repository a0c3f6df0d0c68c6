/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_CREATE_PLACE_H
#define TESTS_CREATE_PLACE_H

/* What the tests of create share: a directory with a source and a repository,
 * and ways to back the one up into the other. */

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "archive/archive.h"
#include "archive/trees.h"
#include "create/create.h"
#include "repo/repo.h"
#include "util/mem.h"

#define MUST(call)                                                             \
	do {                                                                   \
		int must_ = (call);                                            \
		if (must_ != 0)                                                \
			fail_msg("%s:%d: %d: %s", __FILE__, __LINE__, must_,   \
			    err.message);                                      \
	} while (0)

/* A scratch folder, in which everything is relative, and a repository. */
struct place {
	char dir[64];
	int cwd;
	struct vrv_repo *repo;
	/* While create runs: called once, when the walk asks about `at`. */
	const char *at;
	void (*then)(void);
	bool exclude_nodump, exclude_caches;
	enum varve_files_cache files_cache;
	uint32_t verify_reused_ppm;
	const char *series;
	bool (*stop)(void *arg); /* asked with the place */
	char told[4096];	 /* "path: message\n" */
};

static inline int
passphrase(void *arg, bool fresh, const char *location, char *buf, size_t size,
    size_t *ret_n, struct varve_err *err)
{
	(void)arg, (void)fresh, (void)location, (void)size, (void)err;
	memcpy(buf, "secret", 6);
	*ret_n = 6;
	return 0;
}

static inline void
on_event(void *arg, const struct varve_event *event)
{
	struct place *p = arg;
	size_t n = strlen(p->told);

	if (event->type == VARVE_EVENT_WARNING ||
	    event->type == VARVE_EVENT_NOTE ||
	    event->type == VARVE_EVENT_PROBLEM)
		snprintf(p->told + n, sizeof(p->told) - n, "%s: %s\n",
		    event->path == NULL ? "" : event->path, event->message);
}

static inline void
open_repo(struct place *p)
{
	const struct varve_open_options open = {.size = sizeof(open),
	    .state_dir = "state",
	    .cache_dir = "cache",
	    .key_file = "key",
	    .passphrase = passphrase,
	    .event = on_event,
	    .event_arg = p};
	struct vrv_store *store;
	struct varve_err err;

	vrv_repo_close(p->repo);
	p->repo = NULL;
	MUST(vrv_store_open_local("repo", false, &store, &err));
	MUST(vrv_repo_open(store, &open, &p->repo, &err));
}

static inline int
setup(void **state)
{
	const struct varve_init_options init = {.size = sizeof(init),
	    .kdf_passes = 2,
	    .chunker = 1,
	    .chunk_min = 64 << 10,
	    .chunk_average = 256 << 10,
	    .chunk_max = 2 << 20};
	struct varve_open_options open = VARVE_OPEN_OPTIONS_INIT;
	struct place *p = calloc(1, sizeof(*p));
	struct vrv_store *store;
	struct varve_err err;
	char id[33];

	strcpy(p->dir, "/var/tmp/varve-create-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	p->cwd = openat(AT_FDCWD, ".", O_RDONLY | O_DIRECTORY);
	assert_int_equal(chdir(p->dir), 0);
	open.passphrase = passphrase;
	MUST(vrv_store_open_local("repo", true, &store, &err));
	MUST(vrv_repo_init(store, &init, &open, &err));
	MUST(vrv_store_open_local("repo", false, &store, &err));
	MUST(vrv_repo_open(store, &open, &p->repo, &err));
	MUST(vrv_repo_slot_add(p->repo, "file", "key", &open, id, &err));
	open_repo(p);
	assert_int_equal(mkdir("src", 0700), 0);
	*state = p;
	return 0;
}

static inline int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static inline int
teardown(void **state)
{
	struct place *p = *state;

	vrv_repo_close(p->repo);
	assert_int_equal(fchdir(p->cwd), 0);
	close(p->cwd);
	nftw(p->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(p);
	return 0;
}

static inline void
put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static inline unsigned
match(void *arg, const char *path, bool is_dir)
{
	struct place *p = arg;

	(void)is_dir;
	if (p->at != NULL && strcmp(path, p->at) == 0) {
		p->at = NULL;
		p->then();
	}
	return VARVE_MATCH_INCLUDE | VARVE_MATCH_RECURSE;
}

static inline int
try_back_up(struct place *p, const char *name,
    struct varve_backup_result *result, struct varve_err *err)
{
	static const char *const sources[] = {"src"};
	struct varve_backup_options o = VARVE_BACKUP_OPTIONS_INIT;

	o.name = name;
	o.host = o.user = "test";
	o.sources = sources;
	o.n_sources = 1;
	o.match = match;
	o.match_arg = p;
	o.event = on_event;
	o.event_arg = p;
	o.exclude_nodump = p->exclude_nodump;
	o.exclude_caches = p->exclude_caches;
	o.files_cache = p->files_cache;
	o.verify_reused_ppm = p->verify_reused_ppm;
	o.series = p->series;
	o.stop = p->stop;
	o.stop_arg = p;
	o.threads = 2;
	p->told[0] = '\0';
	return vrv_create(p->repo, &o, NULL, result, err);
}

/* Back up src/; the result's warnings. */
static inline uint64_t
back_up(struct place *p, const char *name)
{
	struct varve_backup_result result;
	struct varve_err err;

	MUST(try_back_up(p, name, &result, &err));
	return result.warnings;
}

static inline int
count_entry(void *arg, const struct vrv_walk_item *item, struct varve_err *err)
{
	uint64_t *n = arg;

	(void)err;
	*n += item->depth > 0;
	return 0;
}

/* It states as many entries as its directories have. */
static inline void
entries_are_stated(const struct vrv_archive *archive,
    struct vrv_meta_source source)
{
	struct varve_err err;
	uint64_t n = 0;
	const struct vrv_walk walk = {.source = source,
	    .fn = count_entry,
	    .arg = &n};

	MUST(vrv_walk_archive(&walk, archive, &err));
	assert_int_equal(archive->sealed.entries, n);
}

static inline int
add_path(void *arg, const struct vrv_walk_item *item, struct varve_err *err)
{
	struct vrv_buf *out = arg;

	(void)err;
	if ((item->entry->flags & VRV_ENTRY_WAY) != 0)
		return 0;
	vrv_buf_bytes(out, item->path, item->path_n);
	if (item->entry->kind == VRV_SYMLINK)
		vrv_buf_u8(out, '@');
	if ((item->entry->flags & VRV_ENTRY_XATTRS) != 0)
		vrv_buf_u8(out, '+');
	vrv_buf_u8(out, ' ');
	return 0;
}

static inline int
read_chunk(void *arg, enum vrv_frame_kind kind, const uint8_t id[VRV_ID_SIZE],
    struct varve_err *err)
{
	const uint8_t *bytes;
	size_t n;

	return vrv_reader_get(arg, kind, id, &bytes, &n, err);
}

/* Every path of the newest archive, of which every chunk is there: with "@" a
 * symlink, with "+" what has extended attributes. free() it. */
static inline char *
paths(struct place *p)
{
	struct vrv_archives *all;
	struct vrv_reader *reader;
	struct vrv_buf out = {0};
	struct varve_err err;

	open_repo(p);
	MUST(vrv_archives_load(p->repo, &all, &err));
	assert_true(all->n > 0);
	MUST(vrv_reader_new(p->repo, 1 << 20, &reader, &err));
	const struct vrv_walk walk = {.source = vrv_meta_from_reader(reader),
	    .fn = add_path,
	    .arg = &out};
	MUST(vrv_walk_archive(&walk, all->items[all->n - 1], &err));
	entries_are_stated(all->items[all->n - 1], walk.source);
	MUST(vrv_archive_chunks(&walk.source, all->items[all->n - 1],
	    read_chunk, reader, &err));
	vrv_reader_free(reader);
	vrv_archives_free(all);
	vrv_buf_u8(&out, 0);
	return (char *)out.data;
}

static inline void
holds(struct place *p, const char *want)
{
	char *got = paths(p);

	assert_string_equal(got, want);
	free(got);
}

/* Of the newest archive every chunk is there. */
static inline void
holds_all(struct place *p)
{
	free(paths(p));
}

#endif
