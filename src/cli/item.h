/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_ITEM_H
#define CLI_ITEM_H

/* Archives and their items as values of a format and as JSON. */

#include <varve/varve.h>

#include "cli/format.h"
#include "cli/json.h"

enum vrv_item_key {
	VRV_ITEM_TYPE,
	VRV_ITEM_MODE,
	VRV_ITEM_UID,
	VRV_ITEM_GID,
	VRV_ITEM_USER,
	VRV_ITEM_GROUP,
	VRV_ITEM_PATH,
	VRV_ITEM_BPATH,
	VRV_ITEM_SOURCE,
	VRV_ITEM_LINKTARGET,
	VRV_ITEM_FLAGS,
	VRV_ITEM_SIZE,
	VRV_ITEM_NUM_CHUNKS,
	VRV_ITEM_MTIME,
	VRV_ITEM_CTIME,
	VRV_ITEM_ATIME,
	VRV_ITEM_ISOMTIME,
	VRV_ITEM_ISOCTIME,
	VRV_ITEM_ISOATIME,
	VRV_ITEM_ARCHIVEID,
	VRV_ITEM_ARCHIVENAME,
	VRV_ITEM_EXTRA,
	VRV_ITEM_HEALTH
};
extern const char *const vrv_item_keys[];

enum vrv_archive_key {
	VRV_ARCHIVE_ARCHIVE,
	VRV_ARCHIVE_NAME,
	VRV_ARCHIVE_BARCHIVE,
	VRV_ARCHIVE_COMMENT,
	VRV_ARCHIVE_BCOMMENT,
	VRV_ARCHIVE_ID,
	VRV_ARCHIVE_START,
	VRV_ARCHIVE_TIME,
	VRV_ARCHIVE_END,
	VRV_ARCHIVE_COMMAND_LINE,
	VRV_ARCHIVE_HOSTNAME,
	VRV_ARCHIVE_USERNAME,
	VRV_ARCHIVE_SERIES,
	VRV_ARCHIVE_COMPLETE,
	VRV_ARCHIVE_EXTRA
};
extern const char *const vrv_archive_keys[];

struct vrv_item_at {
	const struct varve_item *item;
	const struct varve_archive *archive;
};

/* vrv_value_fn: `arg` is a struct vrv_item_at, a struct varve_archive. */
void vrv_item_value(void *arg, size_t key, struct vrv_value *ret);
void vrv_archive_value(void *arg, size_t key, struct vrv_value *ret);

/* Put the fields that Borg always has, then those that the format names. */
void vrv_item_json(struct vrv_json *, const struct vrv_item_at *,
    const struct vrv_format *);
/* Put all fields of an archive: what list, info and create have in common. */
void vrv_archive_json(struct vrv_json *, const struct varve_archive *);
/* The same, and "skipped": the paths that the run skipped, with the reason. */
int vrv_archive_json_skipped(struct vrv_json *, struct varve_repo *,
    const struct varve_archive *, struct varve_err *err) VRV_MUST;

/* "-rw-r--r--"; "h..." for a second name. */
void vrv_item_mode(char out[11], const struct varve_item *);

#endif
