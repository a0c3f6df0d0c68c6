/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "archive/bounds.h"
#include "du/du_internal.h"
#include "os/meta.h"
#include "util/mem.h"

/*
 * Folders met before are passed over, but for those on the way to a path that
 * is left out here: what was gone through of them is not all that is in them.
 */
struct outside {
	struct vrv_du *du;
	struct vrv_meta_source source; /* takes out what it gives */
	struct vrv_map *seen;
	struct vrv_visited lists;
	bool *ways; /* for each level: is it on the way to such a path? */
	size_t n, cap;
	bool next_way; /* is the folder that may be entered? */
	bool pass_over;
	bool no_memory;
};

static int
take_out(void *arg, enum vrv_frame_kind kind, const uint8_t id[VRV_ID_SIZE],
    struct varve_err *err)
{
	struct outside *out = arg;
	uint8_t key[VRV_PREFIX_SIZE];

	(void)err;
	vrv_du_key(key, kind, id);
	(void)vrv_map_remove(out->du->chunks, key);
	return 0;
}

static int
get_and_take_out(void *arg, const uint8_t id[VRV_CHUNK_ID], struct vrv_buf *ret,
    struct varve_err *err)
{
	struct outside *out = arg;
	const struct vrv_meta_source *source = &out->du->from->source;

	/* It is referred to, whether it can be read or not. */
	int rc = take_out(out, VRV_FRAME_META, id, err);
	return rc != 0 ? rc : source->get(source->arg, id, ret, err);
}

/* --- the tour --- */

static bool
on_enter(void *arg, const struct vrv_ref *ref)
{
	struct outside *out = arg;

	if (out->pass_over || out->no_memory || vrv_seen_has(out->seen, ref))
		return false;
	if (vrv_room_for_one(&out->ways, out->n, &out->cap,
		sizeof(*out->ways)) != 0) {
		out->no_memory = true;
		return false;
	}
	out->ways[out->n++] = out->next_way;
	return true;
}

static void
on_left(void *arg, const struct vrv_ref *ref, bool bad)
{
	struct outside *out = arg;

	(void)bad; /* told; once is enough */
	if (!out->ways[--out->n])
		vrv_seen_add(out->seen, ref);
}

static int
on_damaged(void *arg, const char *path, struct varve_err *err)
{
	struct outside *out = arg;

	return vrv_du_problem(out->du, path, err);
}

/* Set what is to be done with an entry of a folder on the way to a path. */
static void
judge(struct outside *out, const char *path)
{
	size_t n = strlen(path);

	for (size_t i = 0; i < out->du->n_paths; i++) {
		const char *inside = out->du->paths[i];
		if (strncmp(inside, path, n) != 0)
			continue;
		if (inside[n] == '\0')
			out->pass_over = true;
		else if (inside[n] == '/')
			out->next_way = true;
	}
}

static int
on_entry(void *arg, const char *path, const struct vrv_entry *entry,
    bool *ret_bad, struct varve_err *err)
{
	struct outside *out = arg;

	out->next_way = out->pass_over = false;
	if (out->ways[out->n - 1])
		judge(out, path);
	if (out->pass_over)
		return 0;
	int rc = vrv_entry_chunks(&out->source, entry, &out->lists, take_out,
	    out, err);
	if (rc != 0) {
		*ret_bad = true;
		rc = vrv_du_problem(out->du, path, err);
	}
	vrv_du_count(out->du, path);
	return rc;
}

/* --- an archive --- */

static int
list(struct outside *out, const struct vrv_ref *ref, const char *what,
    struct varve_err *err)
{
	int rc = vrv_list_chunks(&out->source, ref, take_out, out, err);

	if (rc == 0)
		return 0;
	(void)vrv_ctx(err, "%s", what);
	return vrv_du_problem(out->du, NULL, err);
}

static int
root_entry(struct outside *out, struct varve_err *err)
{
	struct vrv_entry entry;
	bool has;

	int rc = vrv_archive_root_entry(out->du->archive, &entry, &has, err);
	if (rc == 0 && has)
		rc = vrv_entry_chunks(&out->source, &entry, NULL, take_out, out,
		    err);
	return rc == 0 ? 0 : vrv_du_problem(out->du, ".", err);
}

static int
go_through(struct outside *out, struct varve_err *err)
{
	const struct vrv_archive_sealed *a = &out->du->archive->sealed;
	const struct vrv_tour tour = {
	    .source = out->source,
	    .arg = out,
	    .enter = on_enter,
	    .entry = on_entry,
	    .left = on_left,
	    .damaged = on_damaged,
	};
	const struct vrv_archive *only = out->du->from->only;
	int rc = 0;

	if (a->has_skipped)
		rc = list(out, &a->skipped, "list of paths left out", err);
	if (rc == 0 && a->has_owners)
		rc = list(out, &a->owners, "names of owners", err);
	if (rc == 0)
		rc = root_entry(out, err);
	out->next_way = only == NULL || only == out->du->archive;
	out->pass_over = false;
	if (rc == 0)
		rc = vrv_tour_run(&tour, out->du->archive, err);
	if (rc == 0 && out->no_memory)
		rc = VRV_NOMEM(err, "a tour");
	return rc;
}

int
vrv_du_outside(struct vrv_du *du, struct varve_err *err)
{
	struct outside out = {
	    .du = du,
	    .source = {get_and_take_out, &out},
	    .seen = vrv_map_new(VRV_PREFIX_SIZE, 0),
	};
	const struct vrv_du_from *from = du->from;
	bool whole = du->paths[0][0] == '\0';
	int rc = out.seen == NULL ? VRV_NOMEM(err, "folders") : 0;

	for (size_t i = from->n; rc == 0 && i-- > 0;) {
		du->archive = from->archives[i];
		bool paths_are_in_it =
		    from->only == NULL || from->only == du->archive;
		if (whole && paths_are_in_it)
			continue;
		if (vrv_map_count(du->chunks) == 0)
			break;
		rc = go_through(&out, err);
	}
	vrv_map_free(out.seen);
	vrv_visited_fini(&out.lists);
	free(out.ways);
	return rc;
}
