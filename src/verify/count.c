/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/trees.h"
#include "os/meta.h"
#include "verify/verify.h"

#define READER_CACHE ((size_t)32 << 20)

struct count {
	struct vrv_sampler *sampler;
	struct varve_verify_result *result;
	bool damaged;
};

static int
on_item(void *arg, const struct vrv_walk_item *item, struct varve_err *err)
{
	const struct vrv_entry *e = item->entry;
	struct count *count = arg;

	if (e->kind != VRV_FILE)
		return 0;
	count->result->files++;
	count->result->bytes += e->size;
	return vrv_sampler_see(count->sampler, item->path, e->size, err);
}

static int
on_damaged(void *arg, const char *path, struct varve_err *err)
{
	struct count *count = arg;

	(void)path;
	count->damaged = true;
	if (vrv_err_is_fatal(err))
		return err->code;
	vrv_err_clear(err);
	return 0;
}

int
vrv_verify_count(struct vrv_repo *repo, const struct vrv_archive *archive,
    struct vrv_sampler *sampler, struct varve_verify_result *result,
    struct varve_err *err)
{
	struct count count = {.sampler = sampler, .result = result};
	struct vrv_failures *failures = NULL;
	struct vrv_reader *reader = NULL;

	int rc = vrv_failures_new(&failures, err);
	if (rc == 0)
		rc = vrv_reader_new(repo, READER_CACHE, &reader, err);
	if (rc != 0) {
		vrv_failures_free(failures);
		return rc;
	}
	vrv_reader_remember(reader, failures);
	const struct vrv_walk walk = {
	    .source = vrv_meta_from_reader(reader),
	    .fn = on_item,
	    .arg = &count,
	    .damaged = on_damaged,
	};
	rc = vrv_walk_archive(&walk, archive, err);
	vrv_reader_free(reader);
	vrv_failures_free(failures);
	/* What was not seen is there all the same. */
	if (count.damaged && archive->sealed.files > result->files)
		result->files = archive->sealed.files;
	if (count.damaged && archive->sealed.bytes > result->bytes)
		result->bytes = archive->sealed.bytes;
	if (rc == 0)
		vrv_sampler_settle(sampler, &result->sampled,
		    &result->sampled_bytes);
	return rc;
}
