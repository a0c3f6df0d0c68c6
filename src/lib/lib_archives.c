/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/lib.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/hex.h"
#include "util/mem.h"

#define SHORTEST_ID 8

/* The public list, and what it was made of. */
struct list {
	struct varve_archive_list public; /* first: freed through it */
	struct vrv_archives *archives;	  /* NULL: somebody else's */
	struct vrv_arena arena;
};

const struct vrv_archive *
vrv_lib_archive(const struct varve_archive *archive)
{
	return archive->handle;
}

/* A text as a string; NULL when memory ran out. */
static const char *
string(struct list *list, struct vrv_text text)
{
	return vrv_arena_dup(&list->arena, text.p, text.n);
}

static struct varve_time
public_time(struct vrv_time t)
{
	return (struct varve_time){t.s, t.ns};
}

static bool
fill(struct list *list, const struct vrv_archive *from,
    struct varve_archive *to)
{
	const struct vrv_archive_sealed *s = &from->sealed;
	const char **args =
	    vrv_arena_alloc(&list->arena, (s->n_args + 1) * sizeof(*args));

	if (args == NULL)
		return false;
	for (uint32_t i = 0; i < s->n_args; i++) {
		args[i] = string(list, s->args[i]);
		if (args[i] == NULL)
			return false;
	}
	args[s->n_args] = NULL;
	*to = (struct varve_archive){
	    .revision = from->clear.revision,
	    .name = string(list, s->name),
	    .comment = string(list, s->comment),
	    .series = string(list, s->series),
	    .host = string(list, s->host),
	    .user = string(list, s->user),
	    .cwd = string(list, s->cwd),
	    .software = string(list, s->software),
	    .args = args,
	    .n_args = s->n_args,
	    .args_cut = s->args_cut,
	    .nominal = public_time(s->nominal),
	    .start = public_time(s->start),
	    .end = public_time(s->end),
	    .utc_offset = s->utc_offset,
	    .files = s->files,
	    .original = s->bytes,
	    .deduplicated = s->new_bytes,
	    .stored = from->clear.stored,
	    .chunks = s->chunks,
	    .warnings = (from->clear.flags & VRV_ARCHIVE_WARNINGS) != 0,
	    .unvouched = from->unvouched,
	    .chunk_method = s->chunk_method,
	    .chunk_min = s->chunk_min,
	    .chunk_average = s->chunk_average,
	    .chunk_max = s->chunk_max,
	    .handle = from,
	};
	vrv_hex(to->id, from->clear.logical, VRV_LOGICAL_ID);
	return to->name != NULL && to->comment != NULL && to->series != NULL &&
	    to->host != NULL && to->user != NULL && to->cwd != NULL &&
	    to->software != NULL;
}

int
vrv_lib_list(struct vrv_archives *archives, struct varve_archive_list **ret,
    struct varve_err *err)
{
	struct list *list = calloc(1, sizeof(*list));

	if (list == NULL)
		return VRV_NOMEM(err, "the list of archives");
	list->public.items = vrv_arena_alloc(&list->arena,
	    (archives->n + 1) * sizeof(struct varve_archive));
	bool full = list->public.items != NULL;
	for (size_t i = 0; full && i < archives->n; i++)
		full = fill(list, archives->items[i], &list->public.items[i]);
	if (!full) {
		vrv_lib_list_free(&list->public);
		return VRV_NOMEM(err, "the list of archives");
	}
	list->public.n = archives->n;
	list->public.damaged = archives->damaged + archives->missing;
	list->public.unread = archives->unread;
	list->public.denied = archives->denied;
	*ret = &list->public;
	return 0;
}

void
vrv_lib_list_free(struct varve_archive_list *public)
{
	struct list *list = (struct list *)public;

	vrv_arena_fini(&list->arena);
	free(list);
}

int
varve_archive_list(struct varve_repo *handle, struct varve_archive_list **ret,
    struct varve_err *err)
{
	struct varve_archive_list *public;
	struct vrv_archives *archives;

	err = LIB_ERR(err);
	int rc = vrv_archives_load(handle->repo, &archives, err);
	if (rc != 0)
		return rc;
	rc = vrv_lib_list(archives, &public, err);
	if (rc != 0) {
		vrv_archives_free(archives);
		return rc;
	}
	((struct list *)public)->archives = archives;
	*ret = public;
	return 0;
}

void
varve_archive_list_free(struct varve_archive_list *public)
{
	if (public == NULL)
		return;
	vrv_archives_free(((struct list *)public)->archives);
	vrv_lib_list_free(public);
}

static bool
is_meant(const struct varve_archive *archive, const char *name)
{
	if (strncmp(name, "aid:", 4) == 0)
		return strlen(name + 4) >= SHORTEST_ID &&
		    strncmp(archive->id, name + 4, strlen(name + 4)) == 0;
	return strcmp(archive->name, name) == 0;
}

/* An archive that cannot be read may be the one that was asked for. */
static enum varve_exit
not_found_status(const struct varve_archive_list *list)
{
	if (list->damaged == 0)
		return VARVE_EXIT_NO_ARCHIVE;
	/* One that was refused also makes the next one's predecessor missing,
	 * which then counts as damage. */
	if (list->denied > 0)
		return VARVE_EXIT_PERMISSION;
	return list->unread > 0 ? VARVE_EXIT_ERROR : VARVE_EXIT_INTEGRITY;
}

static const struct varve_archive *
newest(const struct varve_archive_list *list)
{
	for (size_t i = list->n; i-- > 0;)
		if (!list->items[i].unvouched)
			return &list->items[i];
	return NULL;
}

int
varve_archive_find(const struct varve_archive_list *list, const char *name,
    const struct varve_archive **ret, struct varve_err *err)
{
	const struct varve_archive *found = NULL;
	char ids[256] = "";
	size_t n = 0;

	err = LIB_ERR(err);
	for (size_t i = 0; i < list->n; i++) {
		if (!is_meant(&list->items[i], name))
			continue;
		found = &list->items[i];
		if (n++ < 8)
			snprintf(ids + strlen(ids), sizeof(ids) - strlen(ids),
			    " aid:%.16s", found->id);
	}
	if (n == 0 && strcmp(name, VARVE_LATEST) == 0) {
		found = newest(list);
		n = found != NULL;
	}
	if (n == 1) {
		*ret = found;
		return 0;
	}
	if (n > 1)
		return vrv_fail(err, VARVE_USAGE,
		    "%zu archives are meant by '%s': name one by its id:%s", n,
		    name, ids);
	vrv_fail(err, VARVE_NOENT, "no archive '%s'%s", name,
	    list->damaged > 0 ? " among those that can be read" : "");
	return vrv_exit(err, not_found_status(list));
}

int
varve_archive_delete(struct varve_repo *handle,
    const struct varve_archive *const *archives, size_t n,
    struct varve_err *err)
{
	vrv_auto_free const struct vrv_archive **list =
	    vrv_alloc_array(n, sizeof(*list));

	err = LIB_ERR(err);
	if (list == NULL)
		return VRV_NOMEM(err, "the list of archives");
	for (size_t i = 0; i < n; i++)
		list[i] = vrv_lib_archive(archives[i]);
	return vrv_archive_bury(handle->repo, list, n, err);
}

int
varve_archive_name_check(const char *name, struct varve_err *err)
{
	return vrv_archive_name_check(name, LIB_ERR(err));
}

/* What the list says may be old by now: the name is checked against the
 * archives of this moment. */
static int
rename_now(struct vrv_repo *repo, const struct vrv_archives *now,
    const struct varve_archive *archive, const char *name,
    struct varve_err *err)
{
	const struct vrv_archive *old =
	    vrv_archives_get(now, vrv_lib_archive(archive)->clear.logical);

	if (old == NULL) {
		vrv_fail(err, VARVE_NOENT, "archive '%s' is gone",
		    archive->name);
		return vrv_exit(err, VARVE_EXIT_NO_ARCHIVE);
	}
	if (vrv_archives_has_name(now, name)) {
		vrv_fail(err, VARVE_EXISTS, "an archive '%s' exists already",
		    name);
		return vrv_exit(err, VARVE_EXIT_ARCHIVE_EXISTS);
	}
	return vrv_archive_rename(repo, old, name, err);
}

int
varve_archive_rename(struct varve_repo *handle,
    const struct varve_archive *archive, const char *name,
    struct varve_err *err)
{
	struct vrv_archives *now;

	err = LIB_ERR(err);
	int rc = vrv_archives_load(handle->repo, &now, err);
	if (rc != 0)
		return rc;
	rc = rename_now(handle->repo, now, archive, name, err);
	vrv_archives_free(now);
	return rc;
}

struct skipped {
	varve_skipped_fn *fn;
	void *arg;
};

static int
tell_skipped(void *arg, enum vrv_skip reason, const uint8_t *path, size_t n,
    struct varve_err *err)
{
	static const char *const why[] = {[VRV_SKIP_VANISHED] = "vanished",
	    [VRV_SKIP_UNREADABLE] = "could not be read",
	    [VRV_SKIP_CHANGED] = "changed while it was read",
	    [VRV_SKIP_REPOSITORY] = "is the repository",
	    [VRV_SKIP_OTHER] = "is incomplete",
	    [VRV_SKIP_MISSING] = "no such file or directory"};
	struct skipped *s = arg;
	vrv_auto_free char *copy = vrv_dup(path, n);

	if (copy == NULL)
		return VRV_NOMEM(err, "a path");
	return s->fn(s->arg, copy, why[reason], err);
}

int
varve_archive_skipped(struct varve_repo *handle,
    const struct varve_archive *archive, varve_skipped_fn *fn, void *arg,
    struct varve_err *err)
{
	struct skipped s = {fn, arg};
	struct vrv_reader *reader;

	err = LIB_ERR(err);
	int rc = vrv_reader_new(handle->repo, 0, &reader, err);
	if (rc != 0)
		return rc;
	const struct vrv_meta_source source = vrv_meta_from_reader(reader);
	rc = vrv_archive_skipped(&source, vrv_lib_archive(archive),
	    tell_skipped, &s, err);
	vrv_reader_free(reader);
	return rc;
}
