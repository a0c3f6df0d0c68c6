/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/shapes.h"

#include "cli/text.h"
#include "util/mem.h"

const char *
vrv_shape_mode(enum varve_key_mode mode)
{
	return mode == VARVE_KEYFILE ? "keyfile" : "repokey";
}

/* `last` (may be NULL): when it was changed last. */
static void
repository(struct vrv_json *j, const struct varve_repo *repo,
    const struct varve_time *last)
{
	struct varve_repo_info info;

	varve_repo_info(repo, &info);
	vrv_json_begin(j, "repository");
	vrv_json_str(j, "id", info.id);
	if (last != NULL)
		vrv_json_time(j, "last_modified", *last);
	vrv_json_str(j, "location", info.location);
	vrv_json_end(j);
}

void
vrv_shape_repository(struct vrv_json *j, const struct varve_repo *repo,
    const struct varve_archive_list *list)
{
	struct varve_time last = {0, 0};

	for (size_t i = 0; i < list->n; i++) {
		/* Borg has whole seconds here. */
		if (i == 0 || list->items[i].end.s > last.s)
			last.s = list->items[i].end.s;
	}
	repository(j, repo, &last);
}

void
vrv_shape_place(struct vrv_json *j, const struct varve_repo *repo)
{
	repository(j, repo, NULL);
}

void
vrv_shape_encryption(struct vrv_json *j, const struct varve_repo *repo)
{
	struct varve_repo_info info;

	varve_repo_info(repo, &info);
	vrv_json_begin(j, "encryption");
	vrv_json_str(j, "mode", vrv_shape_mode(info.mode));
	if (info.mode == VARVE_KEYFILE && info.key_file != NULL)
		vrv_json_str(j, "keyfile", info.key_file);
	vrv_json_end(j);
}

int
vrv_shape_cache(struct vrv_json *j, struct varve_repo *repo,
    const struct varve_archive_list *list, struct varve_err *err)
{
	struct varve_repo_info info;
	struct varve_repo_stats stats;
	uint64_t original = 0, deduplicated = 0, chunks = 0;
	int rc = varve_repo_stats(repo, &stats, err);

	if (rc != 0)
		return rc;
	varve_repo_info(repo, &info);
	for (size_t i = 0; i < list->n; i++) {
		original += list->items[i].original;
		deduplicated += list->items[i].deduplicated;
		chunks += list->items[i].chunks;
	}
	vrv_json_begin(j, "cache");
	vrv_json_str(j, "path", info.cache_path);
	vrv_json_begin(j, "stats");
	vrv_json_int(j, "total_chunks", chunks);
	/* What each archive would take alone is not known: only that it is
	 * not less than this. */
	vrv_json_int(j, "total_csize", stats.stored);
	vrv_json_int(j, "total_size", original);
	vrv_json_int(j, "total_unique_chunks", stats.chunks);
	vrv_json_int(j, "unique_csize", stats.stored);
	vrv_json_int(j, "unique_size", deduplicated);
	vrv_json_end(j);
	vrv_json_end(j);
	return 0;
}

void
vrv_shape_sizes_header(struct vrv_buf *buf)
{
	vrv_text_add(buf, "%15s %20s %20s %20s\n", "", "Original size",
	    "Deduplicated size", "Compressed size");
}

void
vrv_shape_sizes(struct vrv_buf *buf, const char *label, uint64_t original,
    uint64_t deduplicated, uint64_t compressed, bool iec)
{
	uint64_t sizes[] = {original, deduplicated, compressed};

	vrv_text_add(buf, "%-15s", label);
	for (size_t i = 0; i < 3; i++) {
		vrv_auto_buf struct vrv_buf size = {0};
		vrv_text_size(&size, (int64_t)sizes[i], iec, 2, false);
		vrv_text_add(buf, " %20s", vrv_text_part(buf, &size));
	}
	vrv_buf_u8(buf, '\n');
}

int
vrv_shape_print(struct vrv_cli *cli, struct vrv_json *j, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf buf = {0};
	bool ok = vrv_json_text(j, &buf);

	vrv_json_free(j);
	if (!ok)
		return VRV_NOMEM(err, "JSON");
	return vrv_cli_out(cli, &buf, err);
}
