/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/lib_catalog.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/db.h"
#include "util/mem.h"

#define READER_CACHE ((size_t)8 << 20)
/* A backup waits so long for another process, and spends at most so long on
 * archives that were not catalogued: what is left is done by who asks. */
#define BACKUP_PATIENCE_MS 5000
#define BACKUP_NS (10 * UINT64_C(1000000000))

/* --- trees, read only when they are needed --- */

struct trees {
	struct vrv_repo *repo;
	struct vrv_reader *reader;
};

static int
get_tree(struct vrv_repo *repo, struct vrv_reader **reader,
    const uint8_t id[VRV_CHUNK_ID], struct vrv_buf *ret, struct varve_err *err)
{
	int rc = 0;

	if (*reader == NULL)
		rc = vrv_reader_new(repo, READER_CACHE, reader, err);
	if (rc != 0)
		return rc;
	struct vrv_meta_source source = vrv_meta_from_reader(*reader);
	return source.get(source.arg, id, ret, err);
}

static int
trees_get(void *arg, const uint8_t id[VRV_CHUNK_ID], struct vrv_buf *ret,
    struct varve_err *err)
{
	struct trees *t = arg;

	return get_tree(t->repo, &t->reader, id, ret, err);
}

static int
catalog_get(void *arg, const uint8_t id[VRV_CHUNK_ID], struct vrv_buf *ret,
    struct varve_err *err)
{
	struct varve_catalog *c = arg;

	return get_tree(c->repo->repo, &c->reader, id, ret, err);
}

/* --- opening --- */

const struct varve_archive *
vrv_lib_catalog_archive(const struct varve_catalog *c,
    const uint8_t logical[VRV_LOGICAL_ID])
{
	const size_t *at = vrv_map_get(c->by_id, logical);

	return at == NULL ? NULL : &c->list->items[*at];
}

static void
tell(const struct varve_catalog *c, enum varve_event_type type,
    const char *message)
{
	const struct varve_event event = {.type = type, .message = message};

	vrv_repo_tell(c->repo->repo, c->options->event, c->options->event_arg,
	    &event);
}

static bool
covers(void *arg, const struct vrv_archive *a)
{
	const struct varve_catalog *c = arg;
	const struct varve_archive *public =
	    vrv_lib_catalog_archive(c, a->clear.logical);

	if (public == NULL)
		return false;
	if (c->options->host != NULL &&
	    strcmp(c->options->host, public->host) == 0)
		return true;
	return c->options->series != NULL &&
	    c->options->series(c->options->series_arg, public);
}

static void
on_failed(void *arg, const struct vrv_archive *a, const struct varve_err *why)
{
	const struct varve_catalog *c = arg;
	vrv_auto_free char *text =
	    vrv_strf("the archive '%.*s' cannot be catalogued: %s",
		(int)a->sealed.name.n, (const char *)a->sealed.name.p,
		why->message);

	tell(c, VARVE_EVENT_NOTE,
	    text != NULL ? text : "an archive cannot be catalogued");
}

static void
on_progress(void *arg, const struct varve_event *event)
{
	const struct varve_catalog *c = arg;

	vrv_repo_tell(c->repo->repo, c->options->event, c->options->event_arg,
	    event);
}

static int
update_once(struct varve_catalog *c, struct varve_err *err)
{
	const struct vrv_catalog_source source = {.trees = c->trees,
	    .covers = covers,
	    .covers_arg = c,
	    .failed = on_failed,
	    .failed_arg = c,
	    .progress = on_progress,
	    .progress_arg = c};
	struct vrv_catalog_change change;
	uint64_t start = vrv_ticks();

	int rc = vrv_catalog_update(c->catalog, c->archives, c->list->n,
	    &source, &change, err);
	c->change = (struct varve_catalog_change){.archives = change.archives,
	    .entries = change.entries,
	    .removed = change.removed,
	    .failed = change.failed,
	    .seconds = (double)(vrv_ticks() - start) / 1e9};
	return rc;
}

int
vrv_lib_catalog_again(struct varve_catalog *c, int rc, struct varve_err *err)
{
	if (!vrv_catalog_is_bad(c->catalog))
		return rc;
	if (rc == VARVE_CORRUPT || rc == VARVE_FORMAT)
		tell(c, VARVE_EVENT_INFO,
		    "the catalog is damaged and is made anew");
	rc = vrv_catalog_renew(c->catalog, false, err);
	return rc == 0 ? update_once(c, err) : rc;
}

int
vrv_lib_catalog_update(struct varve_catalog *c, struct varve_err *err)
{
	int rc = update_once(c, err);

	return rc == 0 ? 0 : vrv_lib_catalog_again(c, rc, err);
}

static int
index_list(struct varve_catalog *c, struct varve_err *err)
{
	c->archives = vrv_alloc_array(c->list->n, sizeof(*c->archives));
	c->by_id = vrv_map_new(VRV_LOGICAL_ID, sizeof(size_t));
	if (c->archives == NULL || c->by_id == NULL)
		return VRV_NOMEM(err, "the catalog");
	for (size_t i = 0; i < c->list->n; i++) {
		c->archives[i] = vrv_lib_archive(&c->list->items[i]);
		size_t *at =
		    vrv_map_put(c->by_id, c->archives[i]->clear.logical, NULL);
		if (at == NULL)
			return VRV_NOMEM(err, "the catalog");
		*at = i;
	}
	return 0;
}

int
varve_catalog_open(struct varve_repo *repo,
    const struct varve_archive_list *list,
    const struct varve_catalog_options *options, struct varve_catalog **ret,
    struct varve_err *err)
{
	struct varve_catalog *c = calloc(1, sizeof(*c));

	err = LIB_ERR(err);
	if (c == NULL)
		return VRV_NOMEM(err, "the catalog");
	c->repo = repo;
	c->list = list;
	c->options = options;
	c->trees = (struct vrv_meta_source){catalog_get, c};
	int rc = index_list(c, err);
	if (rc == 0)
		rc = vrv_catalog_open_any(repo->repo, &c->catalog, err);
	if (rc == 0 && !options->no_update)
		rc = vrv_lib_catalog_update(c, err);
	if (rc != 0) {
		varve_catalog_close(c);
		return rc;
	}
	*ret = c;
	return 0;
}

void
varve_catalog_close(struct varve_catalog *c)
{
	if (c == NULL)
		return;
	vrv_catalog_close(c->catalog);
	vrv_reader_free(c->reader);
	vrv_map_free(c->by_id);
	free(c->archives);
	free(c);
}

/* --- making it anew --- */

/* What was covered before is covered again. */
static int
tags_of(struct varve_catalog *c, struct vrv_map **ret, struct varve_err *err)
{
	const struct vrv_catalog_series *list;
	vrv_auto_map tags = vrv_map_new(VRV_TAG_SIZE, 0);
	size_t n;

	if (tags == NULL)
		return VRV_NOMEM(err, "the catalog");
	/* Of a bad one nothing is known. */
	if (vrv_catalog_series(c->catalog, &list, &n, err) != 0)
		n = 0;
	for (size_t i = 0; i < n; i++) {
		if (vrv_map_put(tags, list[i].tag, NULL) == NULL)
			return VRV_NOMEM(err, "the catalog");
	}
	*ret = vrv_steal(&tags);
	return 0;
}

struct again {
	struct varve_catalog *c;
	struct vrv_map *tags;
};

static bool
covers_again(void *arg, const struct vrv_archive *a)
{
	const struct again *again = arg;

	return vrv_map_get(again->tags, a->object.tag) != NULL ||
	    covers(again->c, a);
}

int
varve_catalog_rebuild(struct varve_catalog *c, struct varve_catalog_change *ret,
    struct varve_err *err)
{
	vrv_auto_map tags = NULL;
	struct again again = {.c = c};
	struct vrv_catalog_change change = {0};
	uint64_t start = vrv_ticks();

	err = LIB_ERR(err);
	int rc = tags_of(c, &tags, err);
	if (rc == 0)
		rc = vrv_catalog_renew(c->catalog, true, err);
	if (rc != 0)
		return rc;
	again.tags = tags;
	const struct vrv_catalog_source source = {.trees = c->trees,
	    .covers = covers_again,
	    .covers_arg = &again,
	    .failed = on_failed,
	    .failed_arg = c,
	    .progress = on_progress,
	    .progress_arg = c};
	rc = vrv_catalog_update(c->catalog, c->archives, c->list->n, &source,
	    &change, err);
	if (rc == 0)
		*ret =
		    (struct varve_catalog_change){.archives = change.archives,
			.entries = change.entries,
			.removed = change.removed,
			.failed = change.failed,
			.seconds = (double)(vrv_ticks() - start) / 1e9};
	return rc;
}

int
varve_catalog_drop(struct varve_repo *repo, bool *ret_was,
    struct varve_err *err)
{
	vrv_auto_free char *path = NULL;

	err = LIB_ERR(err);
	int rc = vrv_catalog_path(repo->repo, &path, err);
	if (rc == VARVE_NOTSUP) {
		*ret_was = false;
		return 0;
	}
	if (rc != 0)
		return rc;
	bool was = access(path, F_OK) == 0;
	rc = vrv_db_remove(path, err);
	if (rc == 0)
		*ret_was = was;
	return rc;
}

/* --- after a backup --- */

static bool
everything(void *arg, const struct vrv_archive *a)
{
	(void)arg;
	(void)a;
	return true;
}

static bool
took_long(void *arg)
{
	const uint64_t *start = arg;

	return vrv_ticks() - *start > BACKUP_NS;
}

static int
by_nominal(const void *pa, const void *pb)
{
	const struct vrv_archive *a = *(const struct vrv_archive *const *)pa;
	const struct vrv_archive *b = *(const struct vrv_archive *const *)pb;

	return vrv_time_cmp(a->sealed.nominal, b->sealed.nominal);
}

static int
catalog_made(struct vrv_repo *repo, struct vrv_catalog *catalog,
    const struct vrv_archives *known, const struct vrv_archive *made,
    struct varve_err *err)
{
	vrv_auto_free const struct vrv_archive **list =
	    vrv_alloc_array(known->n + 1, sizeof(*list));
	struct trees trees = {.repo = repo};
	uint64_t start = vrv_ticks();
	const struct vrv_catalog_source source = {.trees = {trees_get, &trees},
	    .covers = everything,
	    .tag = made->object.tag,
	    .enough = took_long,
	    .enough_arg = &start};
	struct vrv_catalog_change change;

	if (list == NULL)
		return VRV_NOMEM(err, "the catalog");
	for (size_t i = 0; i < known->n; i++)
		list[i] = known->items[i];
	list[known->n] = made;
	qsort(list, known->n + 1, sizeof(struct vrv_archive *), by_nominal);
	vrv_catalog_hurry(catalog, BACKUP_PATIENCE_MS);
	int rc = vrv_catalog_update(catalog, list, known->n + 1, &source,
	    &change, err);
	if (rc != 0 && vrv_catalog_is_bad(catalog) &&
	    vrv_catalog_renew(catalog, false, err) == 0)
		rc = vrv_catalog_update(catalog, list, known->n + 1, &source,
		    &change, err);
	vrv_reader_free(trees.reader);
	return rc;
}

void
vrv_lib_catalog_made(void *arg, const struct vrv_archives *known,
    const struct vrv_archive *made)
{
	const struct vrv_lib_made *m = arg;
	struct vrv_repo *repo = m->repo->repo;
	vrv_auto_free char *path = NULL;
	struct vrv_catalog *catalog;
	struct varve_err err;

	int rc = vrv_catalog_path(repo, &path, &err);
	if (rc == 0)
		rc = vrv_catalog_open(path, vrv_repo_cache_id(repo), false,
		    &catalog, &err);
	if (rc == 0) {
		rc = catalog_made(repo, catalog, known, made, &err);
		vrv_catalog_close(catalog);
	}
	if (rc == 0)
		return;
	vrv_ctx(&err, "the catalog was not brought up to date");
	const struct varve_event event = {.type = VARVE_EVENT_INFO,
	    .message = err.message};
	vrv_repo_tell(repo, m->options->event, m->options->event_arg, &event);
}

/* --- status --- */

struct status {
	struct varve_catalog_status public; /* first: freed through it */
	struct vrv_arena arena;
	struct varve_catalog_series *series;
};

/* The series of the list, in its order, with how many archives each has. */
static int
count_series(struct status *s, const struct varve_archive_list *list,
    struct vrv_map *by_tag, struct varve_err *err)
{
	bool is_new;

	s->series =
	    vrv_arena_alloc(&s->arena, (list->n + 1) * sizeof(*s->series));
	if (s->series == NULL)
		return VRV_NOMEM(err, "the series");
	for (size_t i = 0; i < list->n; i++) {
		const struct varve_archive *a = &list->items[i];
		size_t *at = vrv_map_put(by_tag, vrv_lib_archive(a)->object.tag,
		    &is_new);

		if (at == NULL)
			return VRV_NOMEM(err, "the series");
		if (is_new) {
			const char *host =
			    vrv_arena_dup(&s->arena, a->host, strlen(a->host));
			const char *label = vrv_arena_dup(&s->arena, a->series,
			    strlen(a->series));

			if (host == NULL || label == NULL)
				return VRV_NOMEM(err, "the series");
			*at = s->public.n_series++;
			s->series[*at] =
			    (struct varve_catalog_series){host, label, 0, 0};
		}
		s->series[*at].archives++;
	}
	s->public.series = s->series;
	return 0;
}

static int
look_at(struct status *s, struct vrv_catalog *catalog,
    const struct vrv_map *by_tag, struct varve_err *err)
{
	const struct vrv_catalog_series *list;
	struct vrv_catalog_status status;
	size_t n;

	int rc = vrv_catalog_check(catalog, err);
	if (rc == 0)
		rc = vrv_catalog_status(catalog, &status, err);
	if (rc == 0)
		rc = vrv_catalog_series(catalog, &list, &n, err);
	if (rc != 0)
		return rc;
	s->public.whole = true;
	s->public.size = status.size;
	s->public.archives = status.archives;
	s->public.dirs = status.dirs;
	s->public.versions = status.versions;
	s->public.updated =
	    (struct varve_time){status.updated.s, status.updated.ns};
	for (size_t i = 0; i < n; i++) {
		const size_t *at = vrv_map_get(by_tag, list[i].tag);

		if (at != NULL)
			s->series[*at].catalogued = list[i].n;
	}
	return 0;
}

static int
fill_status(struct status *s, struct varve_repo *repo,
    const struct varve_archive_list *list, struct varve_err *err)
{
	vrv_auto_map by_tag = vrv_map_new(VRV_TAG_SIZE, sizeof(size_t));
	vrv_auto_free char *path = NULL;
	struct vrv_catalog *catalog = NULL;

	if (by_tag == NULL)
		return VRV_NOMEM(err, "the series");
	int rc = vrv_catalog_path(repo->repo, &path, err);
	if (rc == 0)
		rc = count_series(s, list, by_tag, err);
	if (rc != 0)
		return rc;
	s->public.path = vrv_arena_dup(&s->arena, path, strlen(path));
	if (s->public.path == NULL)
		return VRV_NOMEM(err, "a path");
	rc = vrv_catalog_open(path, vrv_repo_cache_id(repo->repo), true,
	    &catalog, err);
	if (rc == VARVE_NOENT)
		return 0;
	s->public.exists = true;
	if (rc == 0)
		rc = look_at(s, catalog, by_tag, err);
	vrv_catalog_close(catalog);
	if (rc != VARVE_CORRUPT && rc != VARVE_FORMAT)
		return rc;
	s->public.damage =
	    vrv_arena_dup(&s->arena, err->message, strlen(err->message));
	return s->public.damage == NULL ? VRV_NOMEM(err, "a message") : 0;
}

int
varve_catalog_status(struct varve_repo *repo,
    const struct varve_archive_list *list, struct varve_catalog_status **ret,
    struct varve_err *err)
{
	struct status *s = calloc(1, sizeof(*s));

	err = LIB_ERR(err);
	if (s == NULL)
		return VRV_NOMEM(err, "the status");
	int rc = fill_status(s, repo, list, err);
	if (rc != 0) {
		varve_catalog_status_free(&s->public);
		return rc;
	}
	*ret = &s->public;
	return 0;
}

void
varve_catalog_status_free(struct varve_catalog_status *public)
{
	struct status *s = (struct status *)public;

	if (s == NULL)
		return;
	vrv_arena_fini(&s->arena);
	free(s);
}
