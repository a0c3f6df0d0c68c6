/* SPDX-License-Identifier: BSD-2-Clause */
#include "mount/merged.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "os/meta.h"
#include "util/hash.h"
#include "util/mem.h"

/*
 * Offsets: 0 is ".", 1 "..", 2 the first name. Behind a name or a version
 * stands its record's number, the latter with a bit of its own: versions come
 * behind names.
 */
#define FIRST 2
#define BEHIND 3
#define VERSIONS_BIT (UINT64_C(1) << 40)
#define NAME_SIZE 64
#define FULL 1 /* of callbacks: no more room */

/* --- where the catalog has it --- */

/* What a series is called. */
static char *
series_name(struct vrv_arena *arena, const struct vrv_catalog_series *s)
{
	vrv_auto_buf struct vrv_buf text = {0};
	bool changed;

	vrv_buf_bytes(&text, s->host.p, s->host.n);
	vrv_buf_u8(&text, ':');
	vrv_buf_bytes(&text, s->label.p, s->label.n);
	return text.failed ?
	    NULL :
	    vrv_safe_name(arena, (struct vrv_text){text.data, text.len},
		&changed);
}

/* The series that are shown: those with archives that are. */
static int
series_of(struct vrv_versions *v, const struct vrv_catalog_series **ret,
    size_t *ret_n, struct varve_err *err)
{
	return vrv_catalog_series(v->catalog, ret, ret_n, err);
}

static int
place_series(struct vrv_versions *v, struct vrv_record *r,
    struct varve_err *err)
{
	const struct vrv_catalog_series *series;
	struct vrv_arena arena = {0};
	size_t n;

	int rc = series_of(v, &series, &n, err);
	if (rc != 0)
		return rc;
	r->dir = 0;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		const char *name = series_name(&arena, &series[i]);
		if (name == NULL)
			rc = VRV_NOMEM(err, "series");
		else if (strcmp(name, r->name) == 0)
			r->dir = series[i].root;
	}
	vrv_arena_fini(&arena);
	if (rc == 0 && r->dir == 0)
		rc = vrv_fail(err, VARVE_NOENT, "it is gone");
	return rc;
}

/* A series alone has no folder of its own. */
static int
place_top(struct vrv_versions *v, struct vrv_record *r, struct varve_err *err)
{
	const struct vrv_catalog_series *series;
	size_t n;

	int rc = series_of(v, &series, &n, err);
	if (rc == 0)
		r->dir = n == 1 ? series[0].root : 0;
	return rc;
}

static int
place_name(struct vrv_versions *v, struct vrv_record *r, struct varve_err *err)
{
	struct vrv_catalog_child child;

	int rc = vrv_catalog_child(v->catalog, r->parent->dir,
	    (const uint8_t *)r->name, r->name_n, &child, err);
	if (rc == 0) {
		r->dir = child.dir;
		r->others = child.others;
	}
	return rc;
}

/* What it is in has its place. */
static int
place_one(struct vrv_versions *v, struct vrv_record *r, struct varve_err *err)
{
	int rc = r->kind == VRV_RECORD_TOP ? place_top(v, r, err) :
	    r->kind == VRV_RECORD_SERIES   ? place_series(v, r, err) :
					     place_name(v, r, err);

	if (rc == 0)
		r->epoch = v->epoch;
	return rc;
}

/* Find it again if the catalog has changed. NOENT if it is gone. Whoever made
 * the tree says how deep it is: the way down is kept in the heap. */
static int
place(struct vrv_versions *v, struct vrv_record *r, struct varve_err *err)
{
	vrv_auto_free struct vrv_record **way = NULL;
	size_t n = 0, cap = 0;
	int rc = 0;

	for (; r != NULL && r->epoch != v->epoch; r = r->parent) {
		if (vrv_room_for_one(&way, n, &cap,
			sizeof(struct vrv_record *)) != 0)
			return VRV_NOMEM(err, "a path");
		way[n++] = r;
	}
	while (rc == 0 && n > 0)
		rc = place_one(v, way[--n], err);
	return rc;
}

/* --- versions of a name --- */

struct gathering {
	struct vrv_mount *m;
	struct vrv_versions *v;
	struct vrv_record *of;
	struct vrv_record **items;
	char (*names)[NAME_SIZE];
	size_t n, cap, cap_names;
	/* All that are directories, merged. */
	struct stat dir;
	bool is_dir;
};

static void
gathering_fini(struct gathering *g)
{
	free(g->items);
	free(g->names);
}

static void
name_version(struct gathering *g, struct vrv_time time, char out[NAME_SIZE])
{
	time_t s = (time_t)time.s;
	char text[NAME_SIZE - 12];
	struct tm tm;
	unsigned same = 1;

	if (localtime_r(&s, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		(void)snprintf(text, sizeof(text), "%lld", (long long)time.s);
	size_t n = strlen(text);
	for (size_t i = 0; i < g->n; i++) {
		if (strncmp(g->names[i], text, n) == 0 &&
		    (g->names[i][n] == '\0' || g->names[i][n] == '~'))
			same++;
	}
	if (same == 1)
		(void)snprintf(out, NAME_SIZE, "%s", text);
	else
		(void)snprintf(out, NAME_SIZE, "%s~%u", text, same);
}

static int
keep_version(struct gathering *g, const struct vrv_catalog_version *version,
    struct vrv_mounted *archive, struct varve_err *err)
{
	if (vrv_room_for_one(&g->items, g->n, &g->cap,
		sizeof(struct vrv_record *)) != 0 ||
	    vrv_room_for_one(&g->names, g->n, &g->cap_names,
		sizeof(*g->names)) != 0)
		return VRV_NOMEM(err, "versions");
	struct vrv_record *r = vrv_record_of(g->v, g->of, VRV_RECORD_VERSION,
	    version->entry.p, version->entry.n);
	if (r == NULL)
		return VRV_NOMEM(err, "versions");
	if (r->archive == NULL)
		r->archive = archive;
	name_version(g, version->first->nominal, g->names[g->n]);
	g->items[g->n++] = r;
	return 0;
}

/* The newest is shown, with the rights that all of them give. */
static void
merge_dir(struct gathering *g, const struct vrv_entry *entry,
    struct vrv_mounted *archive)
{
	struct stat st;

	vrv_attr_of_entry(g->m, archive->root, entry, &st);
	vrv_rights_of_acl(g->m, entry, &st.st_mode);
	if (g->is_dir)
		vrv_rights_limit(&st, &g->dir);
	g->dir = st;
	g->is_dir = true;
}

static int
gather_root(void *arg, const struct vrv_catalog_version *version,
    struct varve_err *err)
{
	struct gathering *g = arg;
	struct vrv_entry entry;

	struct vrv_mounted **archive =
	    vrv_map_get(g->v->shown, version->first->logical);
	int rc =
	    vrv_root_entry_get(version->entry.p, version->entry.n, &entry, err);
	if (rc == 0 && archive != NULL)
		merge_dir(g, &entry, *archive);
	return rc;
}

static int
gather_one(void *arg, const struct vrv_catalog_version *version,
    struct varve_err *err)
{
	struct gathering *g = arg;
	struct vrv_rd rd = vrv_rd_over(version->entry.p, version->entry.n);
	struct vrv_entry entry;

	struct vrv_mounted **archive =
	    vrv_map_get(g->v->shown, version->first->logical);
	int rc = vrv_entry_get(&rd, &entry, err);
	if (rc != 0 || archive == NULL)
		return rc;
	if (entry.kind != VRV_DIR)
		return keep_version(g, version, *archive, err);
	merge_dir(g, &entry, *archive);
	return 0;
}

/* The versions of the root directory of a series. */
static int
gather_roots(struct gathering *g, struct varve_err *err)
{
	const struct vrv_catalog_series *series;
	struct vrv_versions *v = g->v;
	uint8_t tag[VRV_TAG_SIZE];
	size_t n;

	int rc = series_of(v, &series, &n, err);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (series[i].root != g->of->dir)
			continue;
		memcpy(tag, series[i].tag, sizeof(tag));
		return vrv_catalog_versions(v->catalog, 0, tag, sizeof(tag),
		    gather_root, g, err);
	}
	return rc;
}

static int
gather(struct vrv_mount *m, struct vrv_versions *v, struct vrv_record *r,
    struct gathering *ret, struct varve_err *err)
{
	*ret = (struct gathering){.m = m, .v = v, .of = r};
	if (r->kind == VRV_RECORD_TOP || r->kind == VRV_RECORD_SERIES)
		return gather_roots(ret, err);
	if (r->kind != VRV_RECORD_NAME)
		return 0;
	return vrv_catalog_versions(v->catalog, r->parent->dir,
	    (const uint8_t *)r->name, r->name_n, gather_one, ret, err);
}

/* --- attributes --- */

/* A record as an entry that can be read. */
static int
see(struct vrv_record *r, struct vrv_seen *ret, struct varve_err *err)
{
	struct vrv_rd rd = vrv_rd_over(r->entry, r->entry_n);

	*ret = (struct vrv_seen){.dir = r->archive->root, .ino = r->ino};
	int rc = vrv_entry_get(&rd, &ret->entry, err);
	/* Versions of a file are other files. */
	ret->entry.flags &= ~(uint32_t)VRV_ENTRY_LINKED;
	return rc;
}

static int
folder_attr(struct vrv_mount *m, struct vrv_versions *v, struct vrv_record *r,
    struct stat *st, struct varve_err *err)
{
	struct gathering g = {0};

	int rc = place(v, r, err);
	if (rc == 0 && r->dir != 0)
		rc = gather(m, v, r, &g, err);
	if (rc != 0) {
		gathering_fini(&g);
		return rc;
	}
	if (g.is_dir) {
		*st = g.dir;
	} else {
		*st = (struct stat){
		    .st_mode = S_IFDIR | (0555u & ~m->options->umask),
		    .st_uid = m->options->has_uid ? m->options->uid : m->uid,
		    .st_gid = m->options->has_gid ? m->options->gid : m->gid,
		};
	}
	st->st_nlink = 2;
	st->st_ino = r->ino;
	st->st_mtim.tv_sec = v->time.s;
	st->st_mtim.tv_nsec = v->time.ns;
	st->st_atim = st->st_ctim = st->st_mtim;
	gathering_fini(&g);
	return 0;
}

static int
attr_of(struct vrv_mount *m, struct vrv_versions *v, struct vrv_record *r,
    struct stat *st, struct varve_err *err)
{
	struct vrv_seen seen;

	if (r->kind != VRV_RECORD_VERSION)
		return folder_attr(m, v, r, st, err);
	int rc = see(r, &seen, err);
	if (rc == 0) {
		vrv_attr_of_entry(m, seen.dir, &seen.entry, st);
		st->st_ino = seen.ino;
	}
	return rc;
}

/* --- folders --- */

struct telling {
	struct vrv_mount *m;
	struct vrv_versions *v;
	struct vrv_record *dir;
	uint64_t offset;
	vrv_list_fn *fn;
	void *arg;
	bool full;
};

/* Attributes of folders are left for who asks: each takes a query. */
static int
tell(struct telling *t, struct vrv_record *r, const char *name, uint64_t next,
    struct varve_err *err)
{
	struct vrv_listed listed = {
	    .name = name,
	    .next = next,
	    .changes = true,
	};
	int rc = 0;

	listed.attr.st_ino = r->ino;
	listed.attr.st_mode = S_IFDIR;
	if (r->kind == VRV_RECORD_VERSION) {
		listed.node = vrv_record_node(r);
		rc = attr_of(t->m, t->v, r, &listed.attr, err);
	}
	if (rc == 0)
		t->full = !t->fn(t->arg, &listed);
	return rc;
}

static int
tell_child(void *arg, const struct vrv_catalog_child *child,
    struct varve_err *err)
{
	struct telling *t = arg;
	struct vrv_record *r = vrv_record_of(t->v, t->dir, VRV_RECORD_NAME,
	    child->name.p, child->name.n);

	if (r == NULL)
		return VRV_NOMEM(err, "a name");
	r->dir = child->dir;
	r->others = child->others;
	r->epoch = t->v->epoch;
	if (r->name_n > VRV_MOUNT_NAME_MAX)
		return 0;
	int rc = tell(t, r, r->name, BEHIND + r->number, err);
	if (rc == 0 && t->full)
		return FULL;
	return rc;
}

static int
tell_children(struct telling *t, struct varve_err *err)
{
	const struct vrv_record *after = NULL;

	if (t->offset >= BEHIND && t->offset - BEHIND < t->v->n)
		after = t->v->records[t->offset - BEHIND];
	bool known = after != NULL && after->parent == t->dir &&
	    after->kind == VRV_RECORD_NAME;
	int rc = vrv_catalog_children(t->v->catalog, t->dir->dir,
	    known ? (const uint8_t *)after->name : NULL,
	    known ? after->name_n : 0, tell_child, t, err);
	return rc == FULL ? 0 : rc;
}

static int
tell_versions(struct telling *t, struct varve_err *err)
{
	uint64_t after = t->offset & ~VERSIONS_BIT;
	struct gathering g;
	size_t i = 0;

	int rc = gather(t->m, t->v, t->dir, &g, err);
	if (rc == 0 && (t->offset & VERSIONS_BIT) != 0) {
		while (i < g.n && g.items[i]->number != after)
			i++;
		i++;
	}
	for (; rc == 0 && !t->full && i < g.n; i++)
		rc = tell(t, g.items[i], g.names[i],
		    VERSIONS_BIT | g.items[i]->number, err);
	gathering_fini(&g);
	return rc;
}

static int
tell_series(struct telling *t, struct varve_err *err)
{
	const struct vrv_catalog_series *series;
	uint64_t at = t->offset < FIRST ? 0 : t->offset - FIRST;
	struct vrv_arena arena = {0};
	size_t n;

	int rc = series_of(t->v, &series, &n, err);
	for (; rc == 0 && !t->full && at < n; at++) {
		const char *name = series_name(&arena, &series[at]);
		struct vrv_record *r = name == NULL ?
		    NULL :
		    vrv_record_of(t->v, t->dir, VRV_RECORD_SERIES, name,
			strlen(name));
		rc = r == NULL ? VRV_NOMEM(err, "series") :
				 tell(t, r, r->name, FIRST + at + 1, err);
	}
	vrv_arena_fini(&arena);
	return rc;
}

static int
tell_dots(struct telling *t, struct varve_err *err)
{
	static const char *const names[] = {".", ".."};
	int rc = 0;

	for (; rc == 0 && !t->full && t->offset < FIRST; t->offset++) {
		struct vrv_record *r =
		    t->offset == 1 && t->dir->parent != NULL ? t->dir->parent :
							       t->dir;
		rc = tell(t, r, names[t->offset], t->offset + 1, err);
	}
	return rc;
}

static int
list(struct telling *t, struct varve_err *err)
{
	int rc = place(t->v, t->dir, err);

	if (rc == 0)
		rc = tell_dots(t, err);
	if (rc != 0 || t->full)
		return rc;
	if (t->dir->kind == VRV_RECORD_TOP && t->dir->dir == 0)
		return tell_series(t, err);
	if (t->dir->dir != 0 && (t->offset & VERSIONS_BIT) == 0)
		rc = tell_children(t, err);
	if (rc == 0 && !t->full && t->dir->kind == VRV_RECORD_NAME &&
	    (t->dir->others || t->dir->dir == 0))
		rc = tell_versions(t, err);
	return rc;
}

/* --- looking for a name --- */

static int
find_version(struct vrv_mount *m, struct vrv_record *dir, const char *name,
    struct vrv_record **ret, struct varve_err *err)
{
	struct gathering g;

	int rc = gather(m, m->versions, dir, &g, err);
	*ret = NULL;
	for (size_t i = 0; rc == 0 && i < g.n && *ret == NULL; i++) {
		if (strcmp(g.names[i], name) == 0)
			*ret = g.items[i];
	}
	gathering_fini(&g);
	if (rc == 0 && *ret == NULL)
		rc = vrv_fail(err, VARVE_NOENT, "no such version");
	return rc;
}

static int
find(struct vrv_mount *m, struct vrv_record *dir, const char *name,
    struct vrv_record **ret, struct varve_err *err)
{
	struct vrv_versions *v = m->versions;
	struct vrv_catalog_child child;
	enum vrv_record_kind kind = VRV_RECORD_NAME;
	size_t n = strlen(name);

	int rc = place(v, dir, err);
	if (rc != 0)
		return rc;
	if (dir->kind == VRV_RECORD_TOP && dir->dir == 0) {
		kind = VRV_RECORD_SERIES;
	} else {
		rc = dir->dir == 0 ? vrv_fail(err, VARVE_NOENT, "no folder") :
				     vrv_catalog_child(v->catalog, dir->dir,
					 (const uint8_t *)name, n, &child, err);
		if (rc == VARVE_NOENT && dir->kind == VRV_RECORD_NAME)
			return find_version(m, dir, name, ret, err);
		if (rc != 0)
			return rc;
	}
	*ret = vrv_record_of(v, dir, kind, name, n);
	return *ret != NULL ? place(v, *ret, err) : VRV_NOMEM(err, "a name");
}

/* --- what the others call --- */

/* Lock, and find the record; NULL if there is none. */
static struct vrv_record *
lock(struct vrv_mount *m, uint64_t node)
{
	(void)pthread_mutex_lock(&m->versions->lock);
	return vrv_record_at(m->versions, node);
}

static void
unlock(struct vrv_mount *m)
{
	(void)pthread_mutex_unlock(&m->versions->lock);
}

bool
vrv_versions_is_version(struct vrv_mount *m, uint64_t node)
{
	const struct vrv_record *r = lock(m, node);
	bool is = r != NULL && r->kind == VRV_RECORD_VERSION;

	unlock(m);
	return is;
}

int
vrv_versions_attr(struct vrv_mount *m, uint64_t node, struct stat *ret,
    struct varve_err *err)
{
	struct vrv_record *r = lock(m, node);
	int rc = r == NULL ? vrv_fail(err, VARVE_NOENT, "no such node") : 0;

	vrv_versions_refresh(m, m->versions);
	if (rc == 0) {
		rc = attr_of(m, m->versions, r, ret, err);
		if (rc != 0 && vrv_versions_mend(m, m->versions))
			rc = attr_of(m, m->versions, r, ret, err);
	}
	unlock(m);
	return rc;
}

int
vrv_versions_find(struct vrv_mount *m, uint64_t node, const char *name,
    struct vrv_listed *ret, struct varve_err *err)
{
	struct vrv_record *r = lock(m, node), *found = NULL;
	int rc = r == NULL ? vrv_fail(err, VARVE_NOENT, "no such node") : 0;

	vrv_versions_refresh(m, m->versions);
	if (rc == 0) {
		rc = find(m, r, name, &found, err);
		if (rc != 0 && vrv_versions_mend(m, m->versions))
			rc = find(m, r, name, &found, err);
	}
	if (rc == 0)
		rc = attr_of(m, m->versions, found, &ret->attr, err);
	if (rc == 0) {
		ret->node = vrv_record_node(found);
		ret->changes = true;
	}
	unlock(m);
	return rc;
}

int
vrv_versions_list(struct vrv_mount *m, uint64_t node, uint64_t offset,
    vrv_list_fn *fn, void *arg, struct varve_err *err)
{
	struct telling t = {
	    .m = m,
	    .v = m->versions,
	    .dir = lock(m, node),
	    .offset = offset,
	    .fn = fn,
	    .arg = arg,
	};
	int rc = t.dir == NULL ? vrv_fail(err, VARVE_NOENT, "no such node") : 0;

	vrv_versions_refresh(m, m->versions);
	if (rc == 0)
		rc = list(&t, err);
	/* What was told stands; the next call begins behind it. */
	if (rc != 0)
		(void)vrv_versions_mend(m, m->versions);
	unlock(m);
	return rc;
}

int
vrv_versions_seen(struct vrv_mount *m, uint64_t node, struct vrv_seen *ret,
    struct varve_err *err)
{
	struct vrv_record *r = lock(m, node);

	unlock(m);
	if (r == NULL)
		return vrv_fail(err, VARVE_NOENT, "no such node");
	if (r->kind != VRV_RECORD_VERSION)
		return vrv_fail(err, VARVE_USAGE, "no version");
	return see(r, ret, err);
}

/* What stands for it in a path. */
static struct vrv_text
shown_as(const struct vrv_record *r)
{
	if (r->kind == VRV_RECORD_VERSION)
		return (struct vrv_text){(const uint8_t *)r->archive->name,
		    strlen(r->archive->name)};
	return (struct vrv_text){(const uint8_t *)r->name, r->name_n};
}

/* From the end to the start, into room made once. */
static void
put_path(const struct vrv_record *r, struct vrv_buf *path)
{
	const struct vrv_record *at;
	size_t n = 0;

	for (at = r; at->kind != VRV_RECORD_TOP; at = at->parent)
		n += shown_as(at).n + 1;
	if (n == 0)
		return;
	if (path->len > 0)
		vrv_buf_u8(path, '/');
	uint8_t *end = vrv_buf_extend(path, n);
	if (end == NULL)
		return;
	/* No slash behind the last. */
	path->len--;
	end += n;
	for (at = r; at->kind != VRV_RECORD_TOP; at = at->parent) {
		struct vrv_text text = shown_as(at);

		*--end = '/';
		end -= text.n;
		memcpy(end, text.p, text.n);
	}
}

void
vrv_versions_path(struct vrv_mount *m, uint64_t node, struct vrv_buf *path)
{
	const struct vrv_record *r = lock(m, node);

	if (r != NULL)
		put_path(r, path);
	unlock(m);
}
