/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "archive/bounds.h"
#include "archive/lists.h"
#include "check/check_internal.h"
#include "os/meta.h"
#include "util/mem.h"

#define CACHE_BYTES ((size_t)16 << 20)
#define CAUSES_MAX ((size_t)1 << 16)

/*
 * What extract would refuse, this finds: archives are read by the decoders that
 * extract uses. Directories that were met before are not read again, but what
 * their place in this archive means is: how long the paths below them become,
 * and how many entries they add.
 */

/* What is below a directory. */
struct below {
	uint64_t entries, longest; /* longest: of the paths, from it on */
	bool bad;		   /* some of it cannot be restored */
};

struct level {
	struct below below;
	size_t name_n; /* of the directory in the one above */
};

struct visit {
	struct vrv_check *check;
	const struct vrv_archive *archive;
	struct vrv_map *seen;	  /* directory's prefix to struct below */
	struct vrv_visited lists; /* likewise extent lists */
	struct vrv_check_chunks chunks;
	struct vrv_meta_source source;
	struct level *levels;
	size_t n, cap;
	size_t next_name; /* of the directory that may be entered */
	bool pass_over;	  /* it was met before */
	bool no_memory;
	uint64_t entries; /* of the whole archive */
	bool asked;	  /* whether the archive was deleted meanwhile */
	bool deleted;
	bool bad;
};

/* --- reporting --- */

static void
name_archive(const struct visit *visit, struct varve_err *err)
{
	const struct vrv_text *name = &visit->archive->sealed.name;

	(void)vrv_ctx(err, "archive '%.*s'", (int)vrv_min(name->n, 200),
	    (const char *)name->p);
}

/* What an archive needs may go once it is deleted: asked when something is
 * wrong with it for the first time. */
static int
ask_whether_deleted(struct visit *visit, struct varve_err *err)
{
	struct vrv_repo *repo = visit->check->repo;
	bool unsure; /* then it is not taken for deleted */

	if (visit->asked)
		return 0;
	visit->asked = true;
	int rc = vrv_archive_is_deleted(repo, visit->archive,
	    visit->check->tombstones, &visit->deleted, &unsure, err);
	if (rc != 0 && vrv_err_is_fatal(err))
		return rc;
	vrv_err_clear(err);
	return 0;
}

/* One damaged frame is one problem; the trace counts what it hits. */
static bool
is_reported(struct vrv_check *check, const struct varve_err *why)
{
	bool is_new = true;

	if (why->cause == 0)
		return false;
	if (vrv_map_get(check->causes, &why->cause) != NULL)
		return true;
	if (vrv_map_count(check->causes) < CAUSES_MAX)
		(void)!vrv_map_put(check->causes, &why->cause, &is_new);
	return false;
}

/* Returns 0, with `err` cleared, to go on with the archive. */
static int
on_damaged(void *arg, const char *path, struct varve_err *err)
{
	struct visit *visit = arg;
	struct varve_err why = *err;

	if (vrv_err_is_fatal(err))
		return err->code;
	int rc = ask_whether_deleted(visit, err);
	if (rc != 0)
		return rc;
	if (visit->deleted)
		return vrv_fail(err, VARVE_NOENT, "the archive was deleted");
	visit->bad = true;
	if (!is_reported(visit->check, &why)) {
		name_archive(visit, &why);
		vrv_check_problem(visit->check, NULL, path, &why);
	}
	vrv_err_clear(err);
	return 0;
}

/* --- directories --- */

static uint64_t
add(uint64_t a, uint64_t b)
{
	return b > UINT64_MAX - a ? UINT64_MAX : a + b;
}

/* A name of `name_n` bytes with `below` under it belongs to the level. */
static void
grow(struct below *level, size_t name_n, const struct below *below)
{
	uint64_t longest = name_n;

	if (below->longest > 0)
		longest = add(longest, add(below->longest, 1));
	if (level->longest < longest)
		level->longest = longest;
	level->entries = add(level->entries, below->entries);
	level->bad = level->bad || below->bad;
}

/* The directory was checked under another path: is this one possible too? */
static int
meet_again(struct visit *visit, const char *path, const struct below *below,
    struct varve_err *err)
{
	struct level *top = &visit->levels[visit->n - 1];
	uint64_t n = strlen(path);

	visit->bad = visit->bad || below->bad;
	grow(&top->below, visit->next_name, below);
	if (below->longest > 0)
		n = add(n, add(below->longest, 1));
	if (n < VRV_WALK_PATH_MAX)
		return 0;
	(void)vrv_fail(err, VARVE_LIMIT, "paths below it are beyond %zu bytes",
	    VRV_WALK_PATH_MAX);
	return on_damaged(visit, path, err);
}

static bool
on_enter(void *arg, const struct vrv_ref *ref)
{
	struct visit *visit = arg;

	if (visit->n == 0) {
		const struct below *known = vrv_map_get(visit->seen, ref->id);
		if (known != NULL) {
			visit->entries = known->entries;
			visit->bad = visit->bad || known->bad;
		}
		visit->pass_over = known != NULL;
	}
	if (visit->pass_over)
		return false;
	if (vrv_room_for_one(&visit->levels, visit->n, &visit->cap,
		sizeof(*visit->levels)) != 0) {
		visit->no_memory = true;
		return false;
	}
	visit->levels[visit->n++] = (struct level){.name_n = visit->next_name};
	return true;
}

static void
on_left(void *arg, const struct vrv_ref *ref, bool bad)
{
	struct visit *visit = arg;
	struct level level = visit->levels[--visit->n];

	level.below.bad = level.below.bad || bad;
	/* Without room the directory is read once more, that is all. */
	if (vrv_map_count(visit->seen) < VRV_SEEN_MAX) {
		struct below *below = vrv_map_put(visit->seen, ref->id, NULL);
		if (below != NULL)
			*below = level.below;
	}
	if (visit->n > 0)
		grow(&visit->levels[visit->n - 1].below, level.name_n,
		    &level.below);
	else
		visit->entries = level.below.entries;
	visit->check->result.trees++;
}

static int
on_entry(void *arg, const char *path, const struct vrv_entry *entry,
    bool *ret_bad, struct varve_err *err)
{
	static const struct below one = {.entries = 1};
	struct visit *visit = arg;

	visit->check->result.entries++;
	grow(&visit->levels[visit->n - 1].below, entry->name_n, &one);
	int rc = vrv_check_entry(&visit->chunks, entry, &visit->lists, err);
	if (rc != 0) {
		*ret_bad = true;
		rc = on_damaged(visit, path, err);
	}
	visit->next_name = entry->name_n;
	visit->pass_over = false;
	if (rc != 0 || entry->kind != VRV_DIR)
		return rc;
	vrv_check_add(visit->check, path, 0, 0);
	const struct below *known = vrv_map_get(visit->seen, entry->dir.id);
	if (known == NULL)
		return 0;
	visit->pass_over = true;
	return meet_again(visit, path, known, err);
}

/* --- beside the tree --- */

static int
on_name(void *arg, bool group, uint32_t id, const uint8_t *name, size_t n,
    struct varve_err *err)
{
	(void)arg, (void)group, (void)id, (void)name, (void)n, (void)err;
	return 0;
}

static int
on_skipped(void *arg, enum vrv_skip reason, const uint8_t *path, size_t n,
    struct varve_err *err)
{
	(void)arg, (void)reason, (void)path, (void)n, (void)err;
	return 0;
}

static int
check_lists(struct visit *visit, struct varve_err *err)
{
	const struct vrv_archive *archive = visit->archive;

	int rc =
	    vrv_archive_skipped(&visit->source, archive, on_skipped, NULL, err);
	if (rc != 0) {
		(void)vrv_ctx(err, "list of skipped paths");
		rc = on_damaged(visit, NULL, err);
	}
	if (rc != 0)
		return rc;
	rc = vrv_archive_owners(&visit->source, archive, on_name, NULL, NULL,
	    NULL, err);
	if (rc != 0) {
		(void)vrv_ctx(err, "names of owners");
		rc = on_damaged(visit, NULL, err);
	}
	return rc;
}

static int
check_root_entry(struct visit *visit, struct varve_err *err)
{
	struct vrv_entry entry;
	bool has;

	int rc = vrv_archive_root_entry(visit->archive, &entry, &has, err);
	if (rc == 0 && has)
		rc =
		    vrv_check_entry(&visit->chunks, &entry, &visit->lists, err);
	return rc == 0 ? 0 : on_damaged(visit, ".", err);
}

/* Extract stops at the count that the archive states. */
static int
check_count(struct visit *visit, uint64_t problems, struct varve_err *err)
{
	struct vrv_bounds bounds;

	vrv_bounds_init(&bounds, visit->archive);
	if (visit->entries <= bounds.stated ||
	    visit->check->result.problems > problems)
		return 0;
	(void)vrv_fail(err, VARVE_CORRUPT,
	    "the archive states %llu entries, its directories have more",
	    (unsigned long long)bounds.stated);
	return on_damaged(visit, NULL, err);
}

/* --- an archive --- */

static int
check_all_of_it(struct visit *visit, struct varve_err *err)
{
	const struct vrv_tour tour = {
	    .source = visit->source,
	    .arg = visit,
	    .enter = on_enter,
	    .entry = on_entry,
	    .left = on_left,
	    .damaged = on_damaged,
	};
	uint64_t problems = visit->check->result.problems;

	int rc = check_lists(visit, err);
	if (rc == 0)
		rc = check_root_entry(visit, err);
	visit->next_name = 0;
	visit->entries = 0;
	if (rc == 0)
		rc = vrv_tour_run(&tour, visit->archive, err);
	if (rc == 0 && visit->no_memory)
		rc = VRV_NOMEM(err, "a check");
	return rc == 0 ? check_count(visit, problems, err) : rc;
}

static int
check_archive(struct visit *visit, struct varve_err *err)
{
	visit->asked = visit->deleted = visit->bad = false;
	int rc = check_all_of_it(visit, err);
	visit->n = 0;
	if (visit->deleted) {
		vrv_err_clear(err);
		return 0;
	}
	visit->check->result.archives++;
	return rc;
}

int
vrv_check_archives(struct vrv_check *check,
    const struct vrv_archive *const *archives, size_t n, struct varve_err *err)
{
	struct visit visit = {.check = check};
	struct vrv_reader *reader;

	int rc = vrv_reader_new(check->repo, CACHE_BYTES, &reader, err);
	if (rc != 0)
		return rc;
	vrv_reader_remember(reader, check->failures);
	visit.seen = vrv_map_new(VRV_PREFIX_SIZE, sizeof(struct below));
	if (visit.seen == NULL)
		rc = VRV_NOMEM(err, "a check");
	if (rc == 0)
		rc = vrv_check_chunks_init(&visit.chunks, check, reader, err);
	visit.source = visit.chunks.source;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		visit.archive = archives[i];
		rc = check_archive(&visit, err);
		check->bad[i] = visit.bad && !visit.deleted;
	}
	vrv_check_chunks_fini(&visit.chunks);
	vrv_map_free(visit.seen);
	vrv_visited_fini(&visit.lists);
	free(visit.levels);
	vrv_reader_free(reader);
	return rc;
}
