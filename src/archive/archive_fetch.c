/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/archive_fetch.h"

#include <string.h>

#include "util/mem.h"

void
vrv_record_fini(struct vrv_record *record)
{
	vrv_object_fini(&record->object);
	vrv_buf_fini(&record->plain);
	*record = (struct vrv_record){0};
}

static int
open_archive(struct vrv_repo *repo, struct vrv_record *record,
    struct varve_err *err)
{
	const struct vrv_object *object = &record->object;
	struct vrv_rd rd =
	    vrv_rd_over(record->opened.clear, record->opened.clear_n);
	struct vrv_archive_clear clear;

	int rc = vrv_archive_clear_get(&rd, &clear, err);
	if (rc != 0)
		return rc;
	/* Whether that of a retired admin counts, rolls will tell. */
	if (clear.revision > 0 && !object->by_admin && !object->retired)
		return vrv_fail(err, VARVE_AUTH,
		    "a later revision, not signed by an admin");
	size_t at = (size_t)(rd.p - object->bytes);
	rc = vrv_object_open_meta(repo, object, at, VRV_KEM_ARCHIVE,
	    &record->plain, err);
	record->opened.clear_n = at - object->body;
	record->opened.plain = record->plain.data;
	record->opened.plain_n = record->plain.len;
	return rc;
}

static int
open_roll(struct vrv_repo *repo, struct vrv_record *record,
    struct varve_err *err)
{
	int rc = vrv_roll_open(repo, &record->object, &record->opened.clear_n,
	    &record->plain, err);

	record->opened.plain = record->plain.data;
	record->opened.plain_n = record->plain.len;
	return rc;
}

int
vrv_record_fetch(struct vrv_repo *repo, const struct vrv_name *name,
    struct vrv_record *ret, struct varve_err *err)
{
	vrv_auto_record record = {0};
	char text[VRV_NAME_SIZE];

	vrv_name_print(name, text);
	int rc = vrv_repo_fetch(repo, text, &record.object, err);
	if (rc != 0)
		return rc;
	memcpy(record.opened.signer, record.object.signer,
	    sizeof(record.opened.signer));
	vrv_object_hash(&record.object, record.opened.hash);
	record.opened.clear = record.object.bytes + record.object.body;
	record.opened.clear_n = record.object.end - record.object.body;
	if (name->type == VRV_ARCHIVE)
		rc = open_archive(repo, &record, err);
	else if (name->type == VRV_ROLL)
		rc = open_roll(repo, &record, err);
	if (rc != 0)
		return rc;
	*ret = record;
	record = (struct vrv_record){0};
	return 0;
}

/* The name's tag must be that of the sealed host and label, or somebody could
 * put an archive into another series. */
static int
check_tag(struct vrv_repo *repo, const struct vrv_archive *a,
    struct vrv_arena *arena, struct varve_err *err)
{
	const struct vrv_text *host = &a->sealed.host;
	const struct vrv_text *series = &a->sealed.series;
	uint8_t tag[VRV_TAG_SIZE];
	const char *host_string = vrv_arena_dup(arena, host->p, host->n);
	const char *series_string = vrv_arena_dup(arena, series->p, series->n);

	if (host_string == NULL || series_string == NULL)
		return VRV_NOMEM(err, "an archive");
	vrv_repo_tag(repo, host_string, series_string, tag);
	if (strlen(host_string) != host->n ||
	    strlen(series_string) != series->n ||
	    memcmp(tag, a->object.tag, VRV_TAG_SIZE) != 0)
		return vrv_fail(err, VARVE_CORRUPT,
		    "the archive belongs to another series than its name");
	return 0;
}

int
vrv_archive_decode(struct vrv_repo *repo, const struct vrv_name *name,
    const struct vrv_opened_record *record, struct vrv_arena *arena,
    struct vrv_archive *ret, struct varve_err *err)
{
	struct vrv_rd rd = vrv_rd_over(record->clear, record->clear_n);
	const uint8_t *plain =
	    vrv_arena_dup(arena, record->plain, record->plain_n);
	struct vrv_archive a = {.object = *name};

	if (plain == NULL)
		return VRV_NOMEM(err, "an archive");
	int rc = vrv_archive_clear_get(&rd, &a.clear, err);
	if (rc == 0 && !vrv_rd_done(&rd))
		rc = vrv_fail(err, VARVE_CORRUPT,
		    "something follows the clear part of an archive");
	if (rc == 0)
		rc = vrv_archive_sealed_get(plain, record->plain_n, arena,
		    &a.sealed, err);
	if (rc == 0)
		rc = check_tag(repo, &a, arena, err);
	if (rc == 0)
		*ret = a;
	return rc;
}

/* --- comparing with the store --- */

int
vrv_archive_is_vouched(const struct vrv_archive *a, struct varve_err *err)
{
	const struct vrv_text *name = &a->sealed.name;

	return !a->unvouched ?
	    0 :
	    vrv_fail(err, VARVE_USAGE,
		"archive '%.*s' was signed by a retired key and nobody vouches "
		"for it: it can be read, but not be deleted or renamed",
		(int)name->n, (const char *)name->p);
}

static int
compare_hash(const struct vrv_object *object, const struct vrv_archive *a,
    struct varve_err *err)
{
	uint8_t hash[VRV_HASH_SIZE];

	vrv_object_hash(object, hash);
	return memcmp(hash, a->hash, sizeof(hash)) == 0 ?
	    0 :
	    vrv_fail(err, VARVE_AUTH,
		"it is not the object that an admin vouched for in a roll");
}

int
vrv_archive_compare(struct vrv_repo *repo, const struct vrv_archive *a,
    struct varve_err *err)
{
	vrv_auto_object struct vrv_object object = {0};
	char text[VRV_NAME_SIZE];

	if (!a->is_rolled)
		return 0;
	vrv_name_print(&a->object, text);
	int rc = vrv_repo_fetch(repo, text, &object, err);
	if (rc == 0)
		rc = compare_hash(&object, a, err);
	if (rc != 0 && rc != VARVE_NOENT && !vrv_err_is_unusable(err))
		return rc;
	if (rc != 0)
		vrv_repo_note(repo, VARVE_EVENT_PROBLEM, text,
		    "archive is read as a roll states it: %s", err->message);
	vrv_err_clear(err);
	return 0;
}

static bool
is_same(const struct vrv_archive *a, const struct vrv_archive *b)
{
	return memcmp(a->clear.logical, b->clear.logical, VRV_LOGICAL_ID) ==
	    0 &&
	    a->clear.revision == b->clear.revision &&
	    vrv_time_cmp(a->sealed.nominal, b->sealed.nominal) == 0 &&
	    a->sealed.name.n == b->sealed.name.n &&
	    memcmp(a->sealed.name.p, b->sealed.name.p, a->sealed.name.n) == 0;
}

int
vrv_archive_confirm(struct vrv_repo *repo, const struct vrv_archive *archive,
    struct vrv_arena *arena, struct vrv_archive *ret, struct varve_err *err)
{
	vrv_auto_record record = {0};
	char text[VRV_NAME_SIZE];
	struct vrv_archive stored;
	const char *cache = vrv_repo_cache(repo);

	int rc = vrv_record_fetch(repo, &archive->object, &record, err);
	if (rc == 0 && archive->is_rolled)
		rc = compare_hash(&record.object, archive, err);
	if (rc == 0)
		rc = vrv_archive_decode(repo, &archive->object, &record.opened,
		    arena, &stored, err);
	if (rc == 0 && !is_same(archive, &stored))
		rc = vrv_fail(err, VARVE_CORRUPT,
		    "the repository holds another archive under this name "
		    "than the cache '%s': remove the cache and try again",
		    cache == NULL ? "" : cache);
	if (rc == 0)
		*ret = stored;
	vrv_name_print(&archive->object, text);
	return rc == 0 ? 0 : vrv_ctx(err, "%s", text);
}
