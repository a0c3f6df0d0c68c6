/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "lib/lib_catalog.h"
#include "os/meta.h"
#include "util/hash.h"
#include "util/hex.h"
#include "util/mem.h"

#define REF_SIZE (VRV_CHUNK_ID + 1)

/* Names of owners by the list that they stand in: most archives share one. */
struct owners {
	struct vrv_map *by_ref; /* an encoded Ref to struct vrv_names * */
	struct varve_catalog *c;
};

static int
owners_get(struct owners *o, const struct varve_archive *public,
    const struct vrv_names **ret, struct varve_err *err)
{
	const struct vrv_archive *a = vrv_lib_archive(public);
	vrv_auto_buf struct vrv_buf key = {0};
	struct vrv_names *names;

	vrv_ref_put(&key, &a->sealed.owners);
	int rc = vrv_buf_check(&key, err);
	if (rc != 0)
		return rc;
	if (o->by_ref == NULL)
		o->by_ref = vrv_map_new(REF_SIZE, sizeof(struct vrv_names *));
	if (o->by_ref == NULL)
		return VRV_NOMEM(err, "names of owners");
	struct vrv_names **at = vrv_map_get(o->by_ref, key.data);
	if (at != NULL) {
		*ret = *at;
		return 0;
	}
	rc = vrv_names_new(&o->c->trees, a, &names, err);
	if (rc != 0)
		return rc;
	at = vrv_map_put(o->by_ref, key.data, NULL);
	if (at == NULL) {
		vrv_names_free(names);
		return VRV_NOMEM(err, "names of owners");
	}
	*ret = *at = names;
	return 0;
}

static void
owners_fini(struct owners *o)
{
	const void *key;
	void *value;

	if (o->by_ref == NULL)
		return;
	for (size_t at = 0; vrv_map_next(o->by_ref, &at, &key, &value);)
		vrv_names_free(*(struct vrv_names **)value);
	vrv_map_free(o->by_ref);
}

/* --- a version as the caller sees it --- */

struct teller {
	struct varve_catalog *c;
	struct owners owners;
	struct vrv_buf path, target;
	struct varve_item item;
};

static void
teller_fini(struct teller *t)
{
	owners_fini(&t->owners);
	vrv_buf_fini(&t->path);
	vrv_buf_fini(&t->target);
}

static int
decode(const struct teller *t, const struct vrv_catalog_version *v,
    struct vrv_entry *ret, struct varve_err *err)
{
	struct vrv_rd rd = vrv_rd_over(v->entry.p, v->entry.n);

	int rc = v->dir == 0 ?
	    vrv_root_entry_get(v->entry.p, v->entry.n, ret, err) :
	    vrv_entry_get(&rd, ret, err);
	if (rc != 0)
		vrv_catalog_blame(t->c->catalog);
	return rc;
}

static int
set_item(struct teller *t, const struct vrv_entry *e, struct varve_err *err)
{
	t->item = vrv_lib_item(NULL, e);
	if (e->kind != VRV_SYMLINK)
		return 0;
	vrv_buf_clear(&t->target);
	vrv_buf_bytes(&t->target, e->target, e->target_n);
	vrv_buf_u8(&t->target, '\0');
	t->item.target = (const char *)t->target.data;
	return vrv_buf_check(&t->target, err);
}

static int
set_owners(struct teller *t, const struct vrv_catalog_version *v,
    struct varve_err *err)
{
	const struct varve_archive *archive =
	    vrv_lib_catalog_archive(t->c, v->last->logical);
	const struct vrv_names *names;

	int rc = owners_get(&t->owners, archive, &names, err);
	if (rc != 0)
		return rc;
	t->item.user = vrv_names_get(names, false, t->item.uid);
	t->item.group = vrv_names_get(names, true, t->item.gid);
	return 0;
}

/* Empty for what has no content. */
static int
content_id(const struct vrv_entry *e, char out[17], struct varve_err *err)
{
	uint8_t sum[VRV_XXH_SIZE];
	struct vrv_extent extent;
	struct vrv_ref ref;
	struct vrv_rd rd;
	bool is_ref;
	uint32_t n;

	out[0] = '\0';
	if (e->kind == VRV_SYMLINK) {
		vrv_xxh(sum, e->target, e->target_n);
		vrv_hex(out, sum, 8);
	}
	if (e->kind != VRV_FILE)
		return 0;
	int rc = vrv_content_get(e->content, e->content_n, &is_ref, &ref, &n,
	    &rd, err);
	if (rc == 0 && !is_ref && n == 1)
		rc = vrv_extent_get(&rd, &extent, err);
	if (rc != 0)
		return rc;
	if (!is_ref && n == 1 && !extent.hole) {
		vrv_hex(out, extent.id, 8);
	} else {
		vrv_xxh(sum, e->content, e->content_n);
		vrv_hex(out, sum, 8);
	}
	return 0;
}

static int
fill(struct teller *t, const struct vrv_catalog_version *v,
    const struct vrv_entry *e, const char *path, struct varve_version *ret,
    struct varve_err *err)
{
	t->item.path = path;
	*ret = (struct varve_version){.path = path,
	    .item = &t->item,
	    .first = vrv_lib_catalog_archive(t->c, v->first->logical),
	    .last = vrv_lib_catalog_archive(t->c, v->last->logical),
	    .archives = v->archives};
	return content_id(e, ret->content, err);
}

/* --- which archives count --- */

struct choice {
	const struct varve_catalog *c;
	bool (*wanted)(void *arg, const struct varve_archive *);
	void *arg;
};

/* One that another process catalogued since the list was read is left out. */
static bool
is_chosen(void *arg, const struct vrv_catalog_series *s,
    const struct vrv_catalog_archive *a)
{
	const struct choice *choice = arg;
	const struct varve_archive *public =
	    vrv_lib_catalog_archive(choice->c, a->logical);

	(void)s;
	return public != NULL &&
	    (choice->wanted == NULL || choice->wanted(choice->arg, public));
}

/* --- find --- */

struct find {
	struct teller t;
	const struct varve_find_options *options;
	varve_version_fn *fn;
	void *arg;
	struct vrv_map *told; /* hashes of what was told */
	struct vrv_hash_key key;
	struct vrv_buf name;
};

static bool
match_name(void *arg, struct vrv_text name)
{
	struct find *f = arg;

	if (f->options->name == NULL)
		return true;
	vrv_buf_clear(&f->name);
	vrv_buf_bytes(&f->name, name.p, name.n);
	vrv_buf_u8(&f->name, '\0');
	/* When memory runs out it matches, and what follows fails. */
	return f->name.failed ||
	    f->options->name(f->options->arg, (const char *)f->name.data);
}

/* Was this told before the catalog turned out to be bad? */
static int
is_told(struct find *f, const struct vrv_catalog_version *v, bool *ret,
    struct varve_err *err)
{
	uint8_t sum[VRV_HASH_LONG];
	struct vrv_buf *path = &f->t.path;
	size_t n = path->len;
	bool is_new;

	vrv_buf_bytes(path, v->series->tag, VRV_TAG_SIZE);
	vrv_buf_bytes(path, v->entry.p, v->entry.n);
	int rc = vrv_buf_check(path, err);
	if (rc != 0)
		return rc;
	vrv_hash_keyed_long(&f->key, path->data, path->len, sum);
	path->len = n;
	if (vrv_map_put(f->told, sum, &is_new) == NULL)
		return VRV_NOMEM(err, "what was found");
	*ret = !is_new;
	return 0;
}

static int
found(void *arg, const struct vrv_catalog_version *v, struct varve_err *err)
{
	struct find *f = arg;
	const struct varve_find_options *o = f->options;
	struct varve_version version;
	struct vrv_entry e;
	bool told;

	int rc = decode(&f->t, v, &e, err);
	/* Only on the way to a source: nothing that was backed up. */
	if (rc != 0 || (e.flags & VRV_ENTRY_WAY) != 0)
		return rc;
	rc = set_item(&f->t, &e, err);
	if (rc != 0 || (o->item != NULL && !o->item(o->arg, &f->t.item)))
		return rc;
	vrv_buf_clear(&f->t.path);
	rc =
	    vrv_catalog_join(f->t.c->catalog, v->dir, v->name, &f->t.path, err);
	vrv_buf_u8(&f->t.path, '\0');
	if (rc == 0)
		rc = vrv_buf_check(&f->t.path, err);
	if (rc != 0 ||
	    (o->path != NULL &&
		!o->path(o->arg, (const char *)f->t.path.data,
		    e.kind == VRV_DIR)))
		return rc;
	rc = is_told(f, v, &told, err);
	if (rc != 0 || told)
		return rc;
	if (o->want_owners)
		rc = set_owners(&f->t, v, err);
	if (rc == 0)
		rc = fill(&f->t, v, &e, (const char *)f->t.path.data, &version,
		    err);
	return rc == 0 ? f->fn(f->arg, &version, err) : rc;
}

int
varve_catalog_find(struct varve_catalog *c,
    const struct varve_find_options *options, varve_version_fn *fn, void *arg,
    struct varve_err *err)
{
	struct choice choice = {c, options->archive, options->archive_arg};
	struct find f = {.t = {.c = c, .owners = {.c = c}},
	    .options = options,
	    .fn = fn,
	    .arg = arg,
	    .told = vrv_map_new(VRV_HASH_LONG, 0)};
	const struct vrv_catalog_walk walk = {match_name, found, &f};

	err = LIB_ERR(err);
	if (f.told == NULL)
		return VRV_NOMEM(err, "what was found");
	vrv_hash_key_init(&f.key);
	vrv_catalog_want(c->catalog, is_chosen, &choice);
	int rc = vrv_catalog_walk(c->catalog, &walk, err);
	if (rc != 0) {
		rc = vrv_lib_catalog_again(c, rc, err);
		if (rc == 0)
			rc = vrv_catalog_walk(c->catalog, &walk, err);
	}
	vrv_catalog_want(c->catalog, NULL, NULL);
	teller_fini(&f.t);
	vrv_map_free(f.told);
	vrv_buf_fini(&f.name);
	return rc;
}

/* --- history --- */

struct history {
	struct teller t;
	const char *path;
	varve_period_fn *fn;
	void *arg;
	unsigned number, before; /* before: of the series before this one */
	size_t told, again;	 /* periods told, and told anew */
};

static int
tell_period(void *arg, const struct vrv_catalog_version *v,
    struct varve_err *err)
{
	struct history *h = arg;
	struct varve_period period = {0};
	struct vrv_entry e;
	int rc = 0;

	if (v->entry.p != NULL)
		rc = decode(&h->t, v, &e, err);
	if (rc != 0)
		return rc;
	/* On the way to a source it is not backed up itself. */
	bool absent = v->entry.p == NULL || (e.flags & VRV_ENTRY_WAY) != 0;
	if (absent && h->number == h->before)
		return 0;
	period.version = (struct varve_version){.path = h->path,
	    .first = vrv_lib_catalog_archive(h->t.c, v->first->logical),
	    .last = vrv_lib_catalog_archive(h->t.c, v->last->logical),
	    .archives = v->archives};
	if (!absent) {
		rc = set_item(&h->t, &e, err);
		if (rc == 0)
			rc = set_owners(&h->t, v, err);
		if (rc == 0)
			rc = fill(&h->t, v, &e, h->path, &period.version, err);
		period.number = ++h->number;
	}
	if (rc != 0 || h->again++ < h->told)
		return rc;
	h->told++;
	return h->fn(h->arg, &period, err);
}

static int
tell_series(struct history *h, const struct vrv_catalog_series *s,
    struct varve_err *err)
{
	struct vrv_catalog *catalog = h->t.c->catalog;
	struct vrv_text name;
	int64_t dir;

	h->before = h->number;
	int rc = vrv_catalog_resolve(catalog, s, h->path, &dir, &name, err);
	if (rc == VARVE_NOENT)
		return 0;
	if (rc == 0)
		rc = vrv_catalog_periods(catalog, dir, name.p, name.n,
		    tell_period, h, err);
	return rc;
}

static int
tell_history(struct history *h, struct varve_err *err)
{
	vrv_auto_free struct vrv_catalog_series *series = NULL;
	const struct vrv_catalog_series *list;
	size_t n = 0;

	h->number = 0;
	h->again = 0;
	int rc = vrv_catalog_series(h->t.c->catalog, &list, &n, err);
	if (rc != 0)
		return rc;
	/* The list itself holds only until the next call. */
	series = vrv_dup(list, n * sizeof(*list));
	if (series == NULL)
		return VRV_NOMEM(err, "the series");
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = tell_series(h, &series[i], err);
	return rc;
}

int
varve_catalog_history(struct varve_catalog *c, const char *path,
    bool (*wanted)(void *arg, const struct varve_archive *), void *wanted_arg,
    varve_period_fn *fn, void *arg, struct varve_err *err)
{
	struct choice choice = {c, wanted, wanted_arg};
	struct history h = {.t = {.c = c, .owners = {.c = c}},
	    .path = path,
	    .fn = fn,
	    .arg = arg};

	err = LIB_ERR(err);
	vrv_catalog_want(c->catalog, is_chosen, &choice);
	int rc = tell_history(&h, err);
	if (rc != 0) {
		rc = vrv_lib_catalog_again(c, rc, err);
		if (rc == 0)
			rc = tell_history(&h, err);
	}
	vrv_catalog_want(c->catalog, NULL, NULL);
	teller_fini(&h.t);
	if (rc == 0 && h.number == 0)
		return vrv_fail(err, VARVE_NOENT,
		    "'%s' is in no archive that is catalogued", path);
	return rc;
}
