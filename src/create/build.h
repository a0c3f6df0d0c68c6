/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CREATE_BUILD_H
#define CREATE_BUILD_H

/* The builder: items in the order of the walk become trees. One thread. */

#include <stdio.h>

#include "create/pipeline.h"
#include "create/records.h"
#include "repo/repeats.h"

/* A directory that is being built. */
struct vrv_level {
	struct vrv_tree_builder *builder;
	struct vrv_buf name;
	struct vrv_buf raw; /* inherited: the whole entry; else its xattrs */
	bool inherited;
	unsigned flags;
	uint32_t iflags;
	struct vrv_stat st;
	size_t path_n; /* length of the path above it */
	/* Where it is on disk: the path of a source as it was given, and how
	 * much of the path in the archive that stands for. */
	const char *disk;
	size_t disk_n;
};

struct vrv_build {
	struct vrv_pipeline *p;
	struct vrv_meta_sink sink;
	struct vrv_list_builder *list;
	struct vrv_records records;
	struct vrv_level *levels;
	size_t depth, levels_cap, levels_made;
	struct vrv_buf path, disk;
	struct vrv_buf entry, content, xattrs, value;
	uint64_t read_bytes;	/* of the jobs that are built */
	uint64_t next_progress; /* when it is due */
	struct vrv_repeats repeats;
};

int vrv_build_init(struct vrv_build *, struct vrv_pipeline *,
    struct varve_err *err) VRV_MUST;
void vrv_build_fini(struct vrv_build *);
/* After the last item: records, the last frame. */
int vrv_build_finish(struct vrv_build *, struct varve_err *err) VRV_MUST;

/* --- build_tell.c --- */

/* Go into the directory that `item` says; its level is that at hand. */
void vrv_build_push(struct vrv_build *, const struct vrv_item *item);
/* The path of `item` in the archive as a string, until the next call. */
const char *vrv_build_path(struct vrv_build *, const struct vrv_item *item);
/* And where it is on disk, from the path that the user gave: for messages. */
const char *vrv_build_disk_path(struct vrv_build *,
    const struct vrv_item *item);
void vrv_build_tell(struct vrv_build *, const struct vrv_item *item,
    char status);
/* Report progress if it is due; `item` is next. */
void vrv_build_progress(struct vrv_build *, const struct vrv_item *item);
/* The last report. */
void vrv_build_finished(struct vrv_build *);
/* Tell the user something that is no warning. */
void vrv_build_note(struct vrv_build *, const struct vrv_item *item,
    const char *message);
/* Something was left out, or is not as it was: told, counted and recorded. */
int vrv_build_warn(struct vrv_build *, const struct vrv_item *item,
    enum vrv_skip reason, const char *message, int sys, struct varve_err *err)
    VRV_MUST;
/* Report lost metadata, if there are any: the first of each kind on a file
 * system is shown, and at the end how many there were. Forgets the ctime, so
 * that the next run reads the file again instead of inheriting the loss. */
int vrv_build_lost(struct vrv_build *, const struct vrv_item *item,
    const struct vrv_source_meta *, struct vrv_stat *st, struct varve_err *err)
    VRV_MUST;
/* The same for an error of the source; one of the run ends it. */
int vrv_build_failed(struct vrv_build *, const struct vrv_item *item,
    const struct vrv_source_err *error, struct varve_err *err) VRV_MUST;
/* The repository lies in the source: told and recorded. That is a warning only
 * if it was named. */
int vrv_build_skip_store(struct vrv_build *, const struct vrv_item *item,
    struct varve_err *err) VRV_MUST;

/* --- build_dir.c --- */

int vrv_build_enter(struct vrv_build *, const struct vrv_item *item,
    struct varve_err *err) VRV_MUST;
int vrv_build_leave(struct vrv_build *, const struct vrv_item *item,
    struct varve_err *err) VRV_MUST;

/* --- build_entry.c, build_stage.c --- */

/* Count what the archive holds of the sources. */
void vrv_build_count(struct vrv_build *, const struct vrv_item *item);
/* Count an entry by its attributes. */
void vrv_build_count_attrs(struct vrv_build *, const struct vrv_entry *);
/* Add an entry to the directory at hand. */
int vrv_build_add(struct vrv_build *, const struct vrv_entry *entry,
    struct varve_err *err) VRV_MUST;

/* Everything of an entry but what depends on its kind. Its name and xattrs
 * point into `item` and the builder. */
int vrv_entry_begin(struct vrv_build *, const struct vrv_item *item,
    const struct vrv_stat *st, const struct vrv_source_meta *,
    struct vrv_entry *ret, struct varve_err *err) VRV_MUST;
/* Append the encoded list of attributes, nothing if there is none. */
int vrv_entry_xattrs(struct vrv_build *, const struct vrv_source_meta *,
    struct vrv_buf *to, struct varve_err *err) VRV_MUST;

#endif
