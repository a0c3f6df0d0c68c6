/* SPDX-License-Identifier: BSD-2-Clause */
#include "du/du.h"

#include <stdlib.h>
#include <string.h>

#include "du/du_internal.h"
#include "util/clock.h"
#include "util/mem.h"

#define CACHE_BYTES ((size_t)32 << 20)

/* --- telling --- */

int
vrv_du_problem(struct vrv_du *du, const char *path, struct varve_err *err)
{
	if (vrv_err_is_fatal(err))
		return err->code;
	if (err->code != VARVE_NOENT && !vrv_err_is_damage(err)) {
		du->result.unread++;
		du->result.denied += err->exit == VARVE_EXIT_PERMISSION;
		(void)vrv_ctx(err, "could not be read");
	}
	if (du->archive != NULL) {
		const struct vrv_text *name = &du->archive->sealed.name;
		(void)vrv_ctx(err, "archive '%.*s'", (int)vrv_min(name->n, 200),
		    (const char *)name->p);
	}
	du->result.problems++;
	vrv_repo_tell(du->from->repo, du->options->event,
	    du->options->event_arg,
	    &(struct varve_event){
		.type = VARVE_EVENT_PROBLEM,
		.status = 'E',
		.path = path,
		.message = err->message,
		.sys = err->sys,
	    });
	vrv_err_clear(err);
	return 0;
}

static void
progress(struct vrv_du *du, const char *path)
{
	vrv_repo_tell(du->from->repo, du->options->event,
	    du->options->event_arg,
	    &(struct varve_event){
		.type = VARVE_EVENT_PROGRESS,
		.path = path,
		.progress = &du->progress,
	    });
}

void
vrv_du_count(struct vrv_du *du, const char *path)
{
	/* A walk from memory takes less than a clock asked each time. */
	if (du->progress.files++ % 256 == 0 && vrv_tick_due(&du->next_progress))
		progress(du, path);
}

/* --- paths --- */

/* As it stands in archives: no slash but one between names. */
static int
path_new(struct vrv_du *du, const char *given, const char **ret,
    struct varve_err *err)
{
	char *path = vrv_arena_dup(&du->arena, given, strlen(given));
	size_t n = 0;

	if (path == NULL)
		return VRV_NOMEM(err, "a path");
	for (const char *p = given; *p != '\0';) {
		size_t name = strcspn(p, "/");
		if (name == 2 && memcmp(p, "..", 2) == 0)
			return vrv_fail(err, VARVE_USAGE,
			    "'%s': name the path as it is in the archive, "
			    "without '..'",
			    given);
		if (name > 0 && !(name == 1 && *p == '.')) {
			if (n > 0)
				path[n++] = '/';
			memcpy(path + n, p, name);
			n += name;
		}
		p += name + (p[name] == '/' ? 1 : 0);
	}
	path[n] = '\0';
	*ret = path;
	return 0;
}

static bool
contains(const char *a, const char *b)
{
	size_t n = strlen(a);

	return n == 0 ||
	    (strncmp(a, b, n) == 0 && (b[n] == '\0' || b[n] == '/'));
}

static int
set_paths(struct vrv_du *du, struct varve_err *err)
{
	static const char *const all[] = {""};
	const char *const *given = du->options->paths;
	size_t n = du->options->n_paths;

	if (n == 0) {
		given = all;
		n = 1;
	}
	du->paths = vrv_alloc_array(n, sizeof(*du->paths));
	if (du->paths == NULL)
		return VRV_NOMEM(err, "paths");
	for (; du->n_paths < n; du->n_paths++) {
		const char **path = &du->paths[du->n_paths];
		int rc = path_new(du, given[du->n_paths], path, err);
		if (rc != 0)
			return rc;
		for (size_t i = 0; i < du->n_paths; i++)
			if (contains(du->paths[i], *path) ||
			    contains(*path, du->paths[i]))
				return vrv_fail(err, VARVE_USAGE,
				    "'%s' and '%s' overlap: ask for one of "
				    "them",
				    given[i], given[du->n_paths]);
	}
	return 0;
}

static int
check_found(const struct vrv_du *du, struct varve_err *err)
{
	for (size_t i = 0; i < du->n_paths; i++) {
		if (du->nodes[1 + i].archives > 0 || du->paths[i][0] == '\0')
			continue;
		return vrv_fail(err, VARVE_NOENT, "'%s' is %s%s", du->paths[i],
		    du->from->only != NULL ? "not in the archive" :
					     "in no archive",
		    du->result.problems > 0 ? ", as far as it can be read" :
					      "");
	}
	return 0;
}

/* --- the whole --- */

/* What is left in the table is held by nothing else. */
static int
settle(struct vrv_du *du, struct varve_err *err)
{
	const void *key;
	void *value;
	size_t at = 0;

	du->archive = NULL;
	while (vrv_map_next(du->chunks, &at, &key, &value)) {
		const struct vrv_du_chunk *chunk = value;
		struct vrv_du_node *node = &du->nodes[chunk->node];
		enum vrv_frame_kind kind =
		    chunk->meta ? VRV_FRAME_META : VRV_FRAME_DATA;
		uint8_t prefix[VRV_PREFIX_SIZE];
		uint64_t stored = 0;

		vrv_du_key(prefix, kind, key);
		int rc = du->from->stored(du->from->stored_arg, kind, prefix,
		    chunk->length, &stored, err);
		if (rc != 0)
			rc = vrv_du_problem(du, node->path, err);
		if (rc != 0)
			return rc;
		node->deduplicated += chunk->length;
		node->stored += stored;
	}
	return 0;
}

static int
run(struct vrv_du *du, struct varve_err *err)
{
	int rc = set_paths(du, err);

	if (rc == 0)
		rc = vrv_du_nodes_new(du, err);
	du->chunks = vrv_map_new(VRV_PREFIX_SIZE, sizeof(struct vrv_du_chunk));
	if (rc == 0 && du->chunks == NULL)
		rc = VRV_NOMEM(err, "chunks");
	du->parts = 1;
	for (; rc == 0 && du->part < du->parts; du->part++) {
		vrv_map_clear(du->chunks);
		rc = vrv_du_inside(du, err);
		if (rc == 0 && du->part == 0)
			rc = check_found(du, err);
		if (rc == 0)
			rc = vrv_du_outside(du, err);
		if (rc == 0)
			rc = settle(du, err);
	}
	return rc;
}

int
vrv_du_from(const struct vrv_du_from *from,
    const struct varve_du_options *options, varve_du_fn *fn, void *arg,
    struct varve_du_result *ret, struct varve_err *err)
{
	struct vrv_du du = {.from = from, .options = options};

	int rc = run(&du, err);
	if (rc == 0) {
		du.progress.finished = true;
		progress(&du, NULL);
		rc = vrv_du_nodes_tell(&du, fn, arg, err);
	}
	if (rc == 0)
		*ret = du.result;
	vrv_map_free(du.chunks);
	free(du.nodes);
	free(du.paths);
	vrv_arena_fini(&du.arena);
	return rc;
}

/* --- of a repository --- */

static int
share_of_frame(void *arg, enum vrv_frame_kind kind,
    const uint8_t prefix[VRV_PREFIX_SIZE], uint64_t length, uint64_t *ret,
    struct varve_err *err)
{
	struct vrv_location at[VRV_COPIES_MAX];
	uint32_t n = 0;

	int rc = vrv_repo_locate(arg, prefix, at, VRV_COPIES_MAX, &n, err);
	if (rc != 0)
		return vrv_ctx(err, "%s chunk",
		    kind == VRV_FRAME_META ? "meta" : "data");
	/* One copy counts: compacting drops the others in any case. */
	for (uint32_t i = 0; i < n; i++) {
		if (at[i].kind != kind || at[i].plain == 0)
			continue;
		*ret = (at[i].stored * length + at[i].plain / 2) / at[i].plain;
		return 0;
	}
	return vrv_fail(err, VARVE_CORRUPT, "%s chunk in no pack",
	    kind == VRV_FRAME_META ? "meta" : "data");
}

int
vrv_du(struct vrv_repo *repo, const struct vrv_archive *const *archives,
    size_t n, const struct vrv_archive *only,
    const struct varve_du_options *options, varve_du_fn *fn, void *arg,
    struct varve_du_result *ret, struct varve_err *err)
{
	struct vrv_du_from from = {
	    .repo = repo,
	    .stored = share_of_frame,
	    .archives = archives,
	    .n = n,
	    .only = only,
	    .chunks_max = VRV_DU_CHUNKS_MAX,
	};
	struct vrv_failures *failures = NULL;
	struct vrv_reader *reader = NULL;

	int rc = vrv_failures_new(&failures, err);
	if (rc == 0)
		rc = vrv_reader_new(repo, CACHE_BYTES, &reader, err);
	if (rc != 0) {
		vrv_failures_free(failures);
		return rc;
	}
	vrv_reader_remember(reader, failures);
	from.source = vrv_meta_from_reader(reader);
	from.stored_arg = repo;
	rc = vrv_du_from(&from, options, fn, arg, ret, err);
	vrv_reader_free(reader);
	vrv_failures_free(failures);
	return rc;
}
