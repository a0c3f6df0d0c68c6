/* SPDX-License-Identifier: BSD-2-Clause */
#include "create/parent.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

/* File times come from a clock that ticks a few times a second, so a file may
 * change again without a sign this long after it was read. */
#define MARGIN_S 2
#define READER_CACHE ((size_t)8 << 20)

int
vrv_parent_init(struct vrv_parent *p, struct vrv_repo *repo,
    const struct vrv_archive *archive, struct vrv_treecache *cache,
    const char *options_text, enum varve_files_cache mode,
    struct varve_err *err)
{
	*p = (struct vrv_parent){.repo = repo,
	    .archive = archive,
	    .cache = cache,
	    .mode = mode};
	pthread_mutex_init(&p->read_lock, NULL);
	pthread_mutex_init(&p->lock, NULL);
	p->known = vrv_map_new(VRV_PREFIX_SIZE, sizeof(uint64_t));
	if (p->known == NULL)
		return VRV_NOMEM(err, "the parent");
	if (archive == NULL)
		return 0;
	p->same_options = vrv_text_is(archive->sealed.options, options_text);
	p->before = archive->sealed.start;
	p->before.s -= MARGIN_S;
	return 0;
}

int
vrv_parent_bound(struct vrv_parent *p, struct varve_err *err)
{
	struct vrv_name intent = p->archive->object;
	char name[VRV_NAME_SIZE];
	int64_t stored = 0;

	intent.type = VRV_INTENT;
	vrv_name_print(&intent, name);
	int rc =
	    vrv_store_head(vrv_repo_store(p->repo), name, NULL, &stored, err);
	if (rc != 0 && vrv_err_is_fatal(err))
		return rc;
	const struct vrv_time latest = {rc == 0 ? stored - MARGIN_S : INT64_MIN,
	    0};
	if (vrv_time_cmp(latest, p->before) < 0)
		p->before = latest;
	return 0;
}

void
vrv_parent_fini(struct vrv_parent *p)
{
	vrv_reader_free(p->reader);
	vrv_map_free(p->known);
	pthread_mutex_destroy(&p->read_lock);
	pthread_mutex_destroy(&p->lock);
	*p = (struct vrv_parent){0};
}

static int
from_repository(struct vrv_parent *p, const uint8_t *id, struct vrv_buf *ret,
    struct varve_err *err)
{
	const uint8_t *bytes;
	size_t n;
	int rc = 0;

	/* Held until the bytes are copied: the next read may replace them. */
	pthread_mutex_lock(&p->read_lock);
	if (p->reader == NULL)
		rc = vrv_reader_new(p->repo, READER_CACHE, &p->reader, err);
	if (rc == 0)
		rc = vrv_reader_get(p->reader, VRV_FRAME_META, id, &bytes, &n,
		    err);
	if (rc == 0)
		vrv_buf_bytes(ret, bytes, n);
	pthread_mutex_unlock(&p->read_lock);
	return rc;
}

/* A cached chunk counts only if it is what its id says. */
static bool
from_cache(struct vrv_parent *p, const uint8_t *id, struct vrv_buf *ret)
{
	uint8_t have[VRV_ID_SIZE];

	if (!vrv_treecache_get(p->cache, id, ret))
		return false;
	vrv_chunk_id(vrv_repo_keys(p->repo), VRV_FRAME_META, ret->data,
	    ret->len, have);
	return memcmp(have, id, sizeof(have)) == 0;
}

static int
get_meta(void *arg, const uint8_t id[VRV_CHUNK_ID], struct vrv_buf *ret,
    struct varve_err *err)
{
	struct vrv_parent *p = arg;
	int rc = 0;

	if (!from_cache(p, id, ret)) {
		vrv_buf_clear(ret);
		rc = from_repository(p, id, ret, err);
	}
	return rc == 0 ? vrv_buf_check(ret, err) : rc;
}

struct vrv_meta_source
vrv_parent_source(struct vrv_parent *p)
{
	return (struct vrv_meta_source){.get = get_meta, .arg = p};
}

int
vrv_parent_note(struct vrv_parent *p, const uint8_t id[VRV_ID_SIZE],
    struct varve_err *err)
{
	pthread_mutex_lock(&p->lock);
	uint64_t *count = vrv_map_put(p->known, id, NULL);
	if (count != NULL)
		++*count;
	pthread_mutex_unlock(&p->lock);
	return count == NULL ? VRV_NOMEM(err, "the parent") : 0;
}

static int
note_read(void *arg, const uint8_t id[VRV_CHUNK_ID], struct varve_err *err)
{
	struct vrv_parent_dir *dir = arg;

	vrv_buf_bytes(&dir->ids, id, VRV_PREFIX_SIZE);
	int rc = vrv_buf_check(&dir->ids, err);
	return rc == 0 ? vrv_parent_note(dir->parent, id, err) : rc;
}

int
vrv_parent_dir_open(struct vrv_parent *p, const struct vrv_ref *ref,
    struct vrv_parent_dir *ret, struct varve_err *err)
{
	const struct vrv_meta_source source = vrv_parent_source(p);

	*ret = (struct vrv_parent_dir){.parent = p};
	if (ref == NULL)
		return 0;
	int rc = vrv_tree_iter_new(&source, ref, &ret->iter, err);
	if (rc != 0)
		return rc;
	vrv_tree_iter_on_meta(ret->iter, note_read, ret);
	rc = vrv_tree_iter_next(ret->iter, &ret->entry, &ret->raw, err);
	ret->has = rc == 0;
	return rc == VARVE_NOENT ? 0 : rc;
}

void
vrv_parent_dir_close(struct vrv_parent_dir *dir)
{
	vrv_tree_iter_free(dir->iter);
	vrv_buf_fini(&dir->ids);
	*dir = (struct vrv_parent_dir){0};
}

void
vrv_parent_dir_give_up(struct vrv_parent_dir *dir)
{
	struct vrv_parent *p = dir->parent;

	vrv_parent_forget(p, dir->ids.data, dir->ids.len);
	vrv_parent_dir_close(dir);
	dir->parent = p;
}

int
vrv_parent_dir_find(struct vrv_parent_dir *dir, const char *name, size_t n,
    const struct vrv_entry **ret, struct vrv_text *ret_raw,
    struct varve_err *err)
{
	*ret = NULL;
	while (dir->has) {
		int cmp = vrv_name_cmp(dir->entry.name, dir->entry.name_n,
		    (const uint8_t *)name, n);

		if (cmp == 0) {
			*ret = &dir->entry;
			*ret_raw = dir->raw;
			return 0;
		}
		if (cmp > 0)
			return 0;
		int rc =
		    vrv_tree_iter_next(dir->iter, &dir->entry, &dir->raw, err);
		dir->has = rc == 0;
		if (rc != 0 && rc != VARVE_NOENT)
			return rc;
	}
	return 0;
}

static bool
same_time(struct vrv_time a, struct vrv_time b)
{
	return a.s == b.s && a.ns == b.ns;
}

bool
vrv_parent_same(const struct vrv_parent *p, const struct vrv_entry *e,
    const struct vrv_stat *st)
{
	bool ctime = p->mode == VARVE_CACHE_CTIME_SIZE_INODE ||
	    p->mode == VARVE_CACHE_CTIME_SIZE;
	bool inode = p->mode == VARVE_CACHE_CTIME_SIZE_INODE ||
	    p->mode == VARVE_CACHE_MTIME_SIZE_INODE;

	if (p->mode == VARVE_CACHE_DISABLED || p->mode == VARVE_CACHE_RECHUNK)
		return false;
	if (e->kind != (uint8_t)st->kind || (e->flags & VRV_ENTRY_CHANGED))
		return false;
	if (st->kind == VRV_FILE && e->size != st->size)
		return false;
	if (!same_time(e->mtime, st->mtime) ||
	    vrv_time_cmp(st->mtime, p->before) >= 0)
		return false;
	if (ctime &&
	    (!same_time(e->ctime, st->ctime) ||
		vrv_time_cmp(st->ctime, p->before) >= 0))
		return false;
	return !inode || e->inode == st->inode;
}

bool
vrv_parent_same_entry(const struct vrv_parent *p, const struct vrv_entry *e,
    const struct vrv_stat *st)
{
	bool linked = (e->flags & VRV_ENTRY_LINKED) != 0;

	return p->same_options && e->kind == (uint8_t)st->kind &&
	    same_time(e->ctime, st->ctime) &&
	    vrv_time_cmp(st->ctime, p->before) < 0 &&
	    same_time(e->mtime, st->mtime) && e->inode == st->inode &&
	    e->mode == st->mode && e->uid == st->uid && e->gid == st->gid &&
	    (e->flags & (VRV_ENTRY_ATIME | VRV_ENTRY_WAY)) == 0 &&
	    linked == (st->kind != VRV_DIR && st->nlink > 1);
}

static int
must_be_stored(void *arg, enum vrv_frame_kind kind,
    const uint8_t id[VRV_ID_SIZE], struct varve_err *err)
{
	struct vrv_parent *p = arg;
	struct vrv_location at;
	bool stored = false;
	uint32_t n;

	int rc = vrv_repo_index_has(p->repo, kind, id, &stored, err);
	if (rc != 0 || stored)
		return rc;
	/* The first time, look for packs that no index object names. */
	if (p->looked)
		return vrv_fail(err, VARVE_NOENT, "a chunk is not stored");
	p->looked = true;
	rc = vrv_repo_locate(p->repo, id, &at, 1, &n, err);
	if (rc == 0 && at.kind != kind)
		rc = vrv_fail(err, VARVE_CORRUPT, "another kind of chunk");
	return rc;
}

int
vrv_parent_holds(struct vrv_parent *p, const struct vrv_entry *entry, bool *ret,
    struct varve_err *err)
{
	const struct vrv_meta_source source = vrv_parent_source(p);
	int rc = 0;

	if (p->checked)
		rc = vrv_entry_chunks(&source, entry, NULL, must_be_stored, p,
		    err);
	if (rc != 0 && vrv_err_is_fatal(err))
		return rc;
	*ret = rc == 0;
	return 0;
}

bool
vrv_parent_knows(struct vrv_parent *p, const uint8_t id[VRV_ID_SIZE])
{
	pthread_mutex_lock(&p->lock);
	bool known = !p->checked && vrv_map_get(p->known, id) != NULL;
	pthread_mutex_unlock(&p->lock);
	return known;
}

void
vrv_parent_forget(struct vrv_parent *p, const uint8_t *ids, size_t n)
{
	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < n; i += VRV_PREFIX_SIZE) {
		uint64_t *count = vrv_map_get(p->known, ids + i);

		if (count != NULL && --*count == 0)
			vrv_map_remove(p->known, ids + i);
	}
	pthread_mutex_unlock(&p->lock);
}
