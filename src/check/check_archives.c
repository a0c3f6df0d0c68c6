/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "archive/bounds.h"
#include "check/check_internal.h"
#include "util/hex.h"
#include "util/mem.h"

#define CACHE_BYTES ((size_t)16 << 20)
#define COPIES 8 /* locations of one chunk that are looked at */

struct visit {
	struct vrv_check *check;
	const struct vrv_archive *archive;
	struct vrv_map *seen;	  /* prefixes of directories looked at */
	struct vrv_visited lists; /* likewise extent lists */
	bool asked; /* whether the archive was deleted meanwhile */
	bool deleted;
	struct vrv_meta_source source, reader;
};

/* This client finds the pack by its own directory, but an archive must not
 * depend on that. An index object that could not be read may name it. */
static void
note_unnamed(struct vrv_check *check, const uint8_t pack[VRV_OBJECT_ID],
    struct varve_err *err)
{
	struct vrv_listed *item = vrv_check_find(check, VRV_PACK, pack);
	char name[VRV_NAME_SIZE];

	if (item == NULL || item->needed || check->index_unread ||
	    !vrv_repo_is_unnamed(check->repo, pack))
		return;
	item->needed = true;
	vrv_pack_name(pack, name);
	(void)vrv_fail(err, VARVE_CORRUPT,
	    "archives need it, but no usable index object names it: the next "
	    "backup stores one that does");
	vrv_check_problem(check, name, NULL, err);
	vrv_err_clear(err);
}

static int
has_location(void *arg, enum vrv_frame_kind kind, const uint8_t id[VRV_ID_SIZE],
    struct varve_err *err)
{
	struct visit *visit = arg;
	char hex[2 * VRV_PREFIX_SIZE + 1];
	struct vrv_location at[COPIES];
	uint32_t n = 0;

	int rc = vrv_repo_locate(visit->check->repo, id, at, COPIES, &n, err);
	if (rc != 0 && rc != VARVE_NOENT)
		return rc;
	/* What index objects name comes first. */
	for (uint32_t i = 0; i < n; i++) {
		if (at[i].kind == kind) {
			note_unnamed(visit->check, at[i].pack, err);
			return 0;
		}
	}
	vrv_hex(hex, id, VRV_PREFIX_SIZE);
	return vrv_fail(err, VARVE_CORRUPT,
	    "%s chunk %s is in no pack that the index names",
	    kind == VRV_FRAME_META ? "meta" : "data", hex);
}

/* Directories and lists are located like contents, and read. */
static int
get_meta(void *arg, const uint8_t id[VRV_CHUNK_ID], struct vrv_buf *ret,
    struct varve_err *err)
{
	struct visit *visit = arg;

	int rc = has_location(visit, VRV_FRAME_META, id, err);
	return rc != 0 ? rc :
			 visit->reader.get(visit->reader.arg, id, ret, err);
}

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

	if (visit->asked)
		return 0;
	visit->asked = true;
	int rc = vrv_archive_is_deleted(repo, visit->archive,
	    visit->check->tombstones, &visit->deleted, err);
	if (rc != 0 && vrv_err_is_fatal(err))
		return rc;
	vrv_err_clear(err);
	return 0;
}

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
	*err = why;
	name_archive(visit, err);
	vrv_check_problem(visit->check, NULL, path, err);
	return 0;
}

static bool
on_enter(void *arg, const struct vrv_ref *ref)
{
	struct visit *visit = arg;

	return !vrv_seen_has(visit->seen, ref);
}

static int
on_entry(void *arg, const char *path, const struct vrv_entry *entry,
    bool *ret_bad, struct varve_err *err)
{
	struct visit *visit = arg;

	int rc = vrv_entry_chunks(&visit->source, entry, &visit->lists,
	    has_location, visit, err);
	if (rc != 0) {
		*ret_bad = true;
		rc = on_damaged(visit, path, err);
		vrv_err_clear(err);
	}
	visit->check->result.files++;
	return rc;
}

static void
on_left(void *arg, const struct vrv_ref *ref, bool bad)
{
	struct visit *visit = arg;

	/* Also when something is wrong below: once is enough to say so. */
	(void)bad;
	vrv_seen_add(visit->seen, ref);
	visit->check->result.trees++;
	vrv_check_add(visit->check, 0, 0);
}

/* The lists beside the tree: every chunk is fetched, they are few. */
static int
read_chunk(void *arg, enum vrv_frame_kind kind, const uint8_t id[VRV_ID_SIZE],
    struct varve_err *err)
{
	struct visit *visit = arg;
	vrv_auto_buf struct vrv_buf chunk = {0};

	(void)kind;
	return visit->source.get(visit->source.arg, id, &chunk, err);
}

static int
check_list(struct visit *visit, const struct vrv_ref *ref, const char *what,
    struct varve_err *err)
{
	int rc = vrv_list_chunks(&visit->source, ref, read_chunk, visit, err);

	if (rc == 0)
		return 0;
	(void)vrv_ctx(err, "%s", what);
	rc = on_damaged(visit, NULL, err);
	vrv_err_clear(err);
	return rc;
}

static int
check_archive(struct visit *visit, struct varve_err *err)
{
	const struct vrv_archive_sealed *a = &visit->archive->sealed;
	const struct vrv_tour tour = {
	    .source = visit->source,
	    .arg = visit,
	    .enter = on_enter,
	    .entry = on_entry,
	    .left = on_left,
	    .damaged = on_damaged,
	};
	int rc = 0;

	visit->asked = visit->deleted = false;
	if (a->has_skipped)
		rc = check_list(visit, &a->skipped, "list of paths left out",
		    err);
	if (rc == 0 && a->has_owners)
		rc = check_list(visit, &a->owners, "names of owners", err);
	if (rc == 0)
		rc = vrv_tour_run(&tour, visit->archive, err);
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
	visit.reader = vrv_meta_from_reader(reader);
	visit.source = (struct vrv_meta_source){get_meta, &visit};
	visit.seen = vrv_map_new(VRV_PREFIX_SIZE, 0);
	if (visit.seen == NULL)
		rc = VRV_NOMEM(err, "a check");
	for (size_t i = 0; rc == 0 && i < n; i++) {
		visit.archive = archives[i];
		rc = check_archive(&visit, err);
	}
	vrv_map_free(visit.seen);
	vrv_visited_fini(&visit.lists);
	vrv_reader_free(reader);
	return rc;
}
