/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>

#include "archive/tour.h"
#include "os/file.h"
#include "os/meta.h"
#include "util/mem.h"
#include "verify/verify.h"

#define READER_CACHE ((size_t)4 << 20)
#define FOUND 1

struct search {
	int dir;
	uint64_t entries;
	bool parent; /* the directory at hand only leads to a source */
	bool damaged;
};

static bool
on_enter(void *arg, const struct vrv_ref *ref)
{
	struct search *s = arg;

	(void)ref;
	return s->parent;
}

static int
on_entry(void *arg, const char *path, const struct vrv_entry *e, bool *ret_bad,
    struct varve_err *err)
{
	struct search *s = arg;
	struct vrv_stat st;

	(void)ret_bad;
	s->parent = e->kind == VRV_DIR && (e->flags & VRV_ENTRY_WAY) != 0;
	if (s->parent)
		return 0;
	s->entries++;
	int rc = vrv_os_stat(s->dir, path, &st, err);
	if (rc != VARVE_NOENT && (rc == 0 || err->sys != ENOTDIR))
		return FOUND;
	vrv_err_clear(err);
	return 0;
}

static void
on_left(void *arg, const struct vrv_ref *ref, bool bad)
{
	(void)arg, (void)ref, (void)bad;
}

/* Restoring reports it. */
static int
on_damaged(void *arg, const char *path, struct varve_err *err)
{
	struct search *s = arg;

	(void)path;
	s->damaged = true;
	vrv_err_clear(err);
	return 0;
}

int
vrv_verify_is_source(struct vrv_repo *repo, const struct vrv_archive *archive,
    const char *dir, struct varve_err *err)
{
	struct search s = {.dir = -1, .parent = true};
	struct vrv_reader *reader = NULL;

	int rc =
	    vrv_os_open(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0, &s.dir, err);
	if (rc != 0)
		return vrv_ctx(err, "directory '%s'", dir);
	rc = vrv_reader_new(repo, READER_CACHE, &reader, err);
	if (rc == 0) {
		const struct vrv_tour tour = {
		    .source = vrv_meta_from_reader(reader),
		    .arg = &s,
		    .enter = on_enter,
		    .entry = on_entry,
		    .left = on_left,
		    .damaged = on_damaged,
		};
		rc = vrv_tour_run(&tour, archive, err);
	}
	vrv_reader_free(reader);
	vrv_cleanup_fd(&s.dir);
	if (rc == FOUND) {
		vrv_err_clear(err);
		return 0;
	}
	if (rc != 0 || s.entries == 0 || s.damaged)
		return rc;
	if (s.entries == 1)
		return vrv_fail(err, VARVE_USAGE,
		    "'%s' does not look like the source of this archive: its "
		    "only top-level entry does not exist there",
		    dir);
	return vrv_fail(err, VARVE_USAGE,
	    "'%s' does not look like the source of this archive: none of its "
	    "%llu top-level entries exists there",
	    dir, (unsigned long long)s.entries);
}
