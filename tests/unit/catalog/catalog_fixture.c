/* SPDX-License-Identifier: BSD-2-Clause */
#include "catalog_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/db.h"
#include "os/meta.h"
#include "util/mem.h"

static const char *const names[NAMES] = {"!", "a", "b.txt", "c\xff", "d"};
const uint8_t catalog_repository[VRV_REPO_ID] = {1, 2, 3};

unsigned
roll(struct fixture *f, unsigned below)
{
	f->random = f->random * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(f->random >> 33) % below;
}

/* --- trees --- */

size_t
child_of(size_t parent, size_t i)
{
	return parent == SIZE_MAX ? i : NAMES + parent * NAMES + i;
}

static bool
has_children(size_t at)
{
	return at == SIZE_MAX || child_of(at, NAMES - 1) < PATHS;
}

static void
entry_of(struct vrv_buf *b, const char *name, uint8_t state,
    const struct vrv_ref *ref)
{
	if (state > 2)
		put_file(b, name, state - 2u);
	else
		put_dir(b, name, state == 1 ? 0 : VRV_ENTRY_FSROOT, ref);
}

struct vrv_ref
build(struct fixture *f, const struct tree *t, size_t at)
{
	struct vrv_tree_builder *b;
	struct vrv_ref ref;
	struct varve_err err;

	assert_int_equal(vrv_tree_builder_new(&f->m.sink, &b, &err), 0);
	for (size_t i = 0; has_children(at) && i < NAMES; i++) {
		vrv_auto_buf struct vrv_buf entry = {0};
		size_t child = child_of(at, i);

		if (t->state[child] == 0)
			continue;
		if (t->state[child] <= 2)
			ref = build(f, t, child);
		entry_of(&entry, names[i], t->state[child], &ref);
		add_entry(b, &entry);
	}
	assert_int_equal(vrv_tree_builder_finish(b, &ref, &err), 0);
	vrv_tree_builder_free(b);
	return ref;
}

void
change_tree(struct fixture *f, struct tree *t, unsigned changes)
{
	while (changes-- > 0)
		t->state[roll(f, PATHS)] = (uint8_t)roll(f, 6);
	if (roll(f, 8) == 0)
		t->root = (uint8_t)roll(f, 3);
}

/* What the model says of a path: does the archive have it? */
static uint8_t
state_of(const struct tree *t, size_t at)
{
	for (size_t up = at; up >= NAMES;) {
		up = (up - NAMES) / NAMES;
		if (t->state[up] != 1 && t->state[up] != 2)
			return 0;
	}
	return t->state[at];
}

static void
path_of(size_t at, char *out)
{
	if (at >= NAMES) {
		path_of((at - NAMES) / NAMES, out);
		strcat(out, "/");
	} else {
		out[0] = '\0';
	}
	strcat(out, names[at % NAMES]);
}

/* --- archives --- */

void
add_archive(struct fixture *f, unsigned series, int64_t time)
{
	struct archive *x = &f->archives[f->n];
	struct vrv_entry root = {.kind = VRV_DIR,
	    .name = (const uint8_t *)".",
	    .name_n = 1,
	    .mode = (uint16_t)(0700 + f->now[series].root)};

	assert_true(f->n < ARCHIVES);
	x->tree = f->now[series];
	x->series = series;
	x->exists = true;
	snprintf(x->name, sizeof(x->name), "archive-%zu", f->n);
	x->a.object.type = VRV_ARCHIVE;
	memset(x->a.object.tag, 'A' + (int)series, VRV_TAG_SIZE);
	x->a.object.id[0] = x->a.clear.logical[0] = (uint8_t)f->n;
	x->a.sealed.host = (struct vrv_text){(const uint8_t *)"host", 4};
	x->a.sealed.series =
	    (struct vrv_text){(const uint8_t *)"AB" + series, 1};
	x->a.sealed.name =
	    (struct vrv_text){(const uint8_t *)x->name, strlen(x->name)};
	x->a.sealed.nominal = (struct vrv_time){time, (uint32_t)f->n};
	x->a.sealed.root = build(f, &x->tree, SIZE_MAX);
	if (x->tree.root != 0) {
		root.dir = x->a.sealed.root;
		vrv_entry_put(&x->root_entry, &root);
		x->a.sealed.root_entry =
		    (struct vrv_text){x->root_entry.data, x->root_entry.len};
	}
	f->n++;
}

static int
by_nominal(const void *pa, const void *pb)
{
	const struct vrv_archive *a = *(const struct vrv_archive *const *)pa;
	const struct vrv_archive *b = *(const struct vrv_archive *const *)pb;

	return vrv_time_cmp(a->sealed.nominal, b->sealed.nominal);
}

static bool
covers(void *arg, const struct vrv_archive *a)
{
	struct fixture *f = arg;
	void (*meanwhile)(struct fixture *) = f->meanwhile;

	f->meanwhile = NULL;
	if (meanwhile != NULL)
		meanwhile(f);
	return f->covered[a->object.tag[0] - 'A'];
}

static void
on_failed(void *arg, const struct vrv_archive *a, const struct varve_err *err)
{
	struct fixture *f = arg;

	(void)a;
	assert_int_equal(err->code, VARVE_CORRUPT);
	f->failed++;
}

static int
try_update(struct fixture *f, struct varve_err *err)
{
	const struct vrv_archive *list[ARCHIVES];
	const struct vrv_catalog_source source = {.trees = f->m.source,
	    .covers = covers,
	    .covers_arg = f,
	    .failed = on_failed,
	    .failed_arg = f};
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++) {
		if (f->archives[i].exists)
			list[n++] = &f->archives[i].a;
	}
	qsort(list, n, sizeof(list[0]), by_nominal);
	f->m.gets = 0;
	return vrv_catalog_update(f->c, list, n, &source, &f->change, err);
}

void
update(struct fixture *f)
{
	struct varve_err err;

	int rc = try_update(f, &err);
	if (rc != 0) {
		assert_true(vrv_catalog_is_bad(f->c));
		assert_int_equal(vrv_catalog_renew(f->c, false, &err), 0);
		rc = try_update(f, &err);
	}
	assert_int_equal(rc, 0);
}

void
reopen(struct fixture *f)
{
	struct varve_err err;

	vrv_catalog_close(f->c);
	f->c = NULL;
	assert_int_equal(vrv_catalog_open(f->path, catalog_repository, false,
			     &f->c, &err),
	    0);
}

struct fixture *
setup(void)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	meta_map_init(&f->m);
	strcpy(f->dir, "/tmp/varve-catalog-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/catalog.db", f->dir);
	f->random = 12345;
	f->covered[0] = f->covered[1] = true;
	reopen(f);
	return f;
}

void
teardown(struct fixture *f)
{
	char lock[128];
	struct varve_err err;

	vrv_catalog_close(f->c);
	assert_int_equal(vrv_db_remove(f->path, &err), 0);
	snprintf(lock, sizeof(lock), "%s.lock", f->path);
	(void)unlink(lock);
	assert_int_equal(rmdir(f->dir), 0);
	for (size_t i = 0; i < f->n; i++)
		vrv_buf_fini(&f->archives[i].root_entry);
	meta_map_fini(&f->m);
	free(f);
}

/* --- what is expected --- */

struct expected {
	size_t archives;
	const struct archive *first, *last;
};

/* Of a series: the archives that have this state at the path. SIZE_MAX stands
 * for the root. */
static struct expected
expect(const struct fixture *f, unsigned series, size_t at, uint8_t state)
{
	struct expected e = {0};

	for (size_t i = 0; i < f->n; i++) {
		const struct archive *x = &f->archives[i];
		uint8_t s =
		    at == SIZE_MAX ? x->tree.root : state_of(&x->tree, at);

		if (!x->exists || x->series != series || s != state)
			continue;
		e.archives++;
		if (e.first == NULL ||
		    by_nominal(&(const void *){&x->a},
			&(const void *){&e.first->a}) < 0)
			e.first = x;
		if (e.last == NULL ||
		    by_nominal(&(const void *){&x->a},
			&(const void *){&e.last->a}) > 0)
			e.last = x;
	}
	return e;
}

struct seen {
	struct fixture *f;
	unsigned versions, series;
	size_t at;
	bool walking;
	uint8_t counted[SERIES][PATHS + 1][8];
	char text[512];
};

static size_t
place_of(const char *path)
{
	size_t at = SIZE_MAX;

	if (strcmp(path, ".") == 0)
		return SIZE_MAX;
	while (*path != '\0') {
		size_t n = strcspn(path, "/"), i = 0;

		while (strncmp(names[i], path, n) != 0 || names[i][n] != '\0') {
			i++;
			assert_true(i < NAMES);
		}
		at = child_of(at, i);
		path += n + (path[n] == '/');
	}
	return at;
}

/* The state that the entry of a version stands for. */
static uint8_t
decode(size_t at, const struct vrv_catalog_version *v)
{
	struct vrv_rd rd = vrv_rd_over(v->entry.p, v->entry.n);
	struct vrv_entry e;
	struct varve_err err;

	if (at == SIZE_MAX) {
		assert_int_equal(vrv_root_entry_get(v->entry.p, v->entry.n, &e,
				     &err),
		    0);
		return (uint8_t)(e.mode - 0700);
	}
	assert_int_equal(vrv_entry_get(&rd, &e, &err), 0);
	assert_true(vrv_rd_done(&rd));
	assert_int_equal(vrv_name_cmp(e.name, e.name_n, v->name.p, v->name.n),
	    0);
	if (e.kind == VRV_FILE)
		return (uint8_t)(e.size + 2);
	for (size_t i = 0; i < VRV_CHUNK_ID; i++)
		assert_int_equal(e.dir.id[i], 0);
	return (e.flags & VRV_ENTRY_FSROOT) != 0 ? 2 : 1;
}

static int
on_version(void *arg, const struct vrv_catalog_version *v,
    struct varve_err *err)
{
	struct seen *s = arg;
	vrv_auto_buf struct vrv_buf path = {0};
	unsigned series = v->series->tag[0] - 'A';

	if (s->walking) {
		assert_int_equal(vrv_catalog_join(s->f->c, v->dir, v->name,
				     &path, err),
		    0);
		vrv_buf_u8(&path, 0);
		s->at = place_of((const char *)path.data);
	}
	uint8_t state = decode(s->at, v);
	struct expected e = expect(s->f, series, s->at, state);
	assert_int_equal(v->archives, e.archives);
	assert_memory_equal(v->first->logical, e.first->a.clear.logical,
	    VRV_LOGICAL_ID);
	assert_memory_equal(v->last->logical, e.last->a.clear.logical,
	    VRV_LOGICAL_ID);
	assert_int_equal(v->first->name.n, strlen(e.first->name));
	assert_memory_equal(v->first->name.p, e.first->name, v->first->name.n);
	size_t slot = s->at == SIZE_MAX ? PATHS : s->at;
	assert_int_equal(s->counted[series][slot][state], 0);
	s->counted[series][slot][state] = 1;
	s->versions++;
	return 0;
}

static unsigned
count_versions(const struct fixture *f, unsigned series, size_t at)
{
	unsigned n = 0;

	for (uint8_t state = 1; state < 8; state++)
		n += expect(f, series, at, state).archives > 0;
	return n;
}

/* A letter for each period: the state, "-" for none, and how many archives. */
static int
on_period(void *arg, const struct vrv_catalog_version *v, struct varve_err *err)
{
	struct seen *s = arg;
	size_t n = strlen(s->text);

	(void)err;
	snprintf(s->text + n, sizeof(s->text) - n, "%d:%zu ",
	    v->entry.p == NULL ? 0 : decode(s->at, v), v->archives);
	return 0;
}

static void
model_periods(const struct fixture *f, unsigned series, size_t at, char *out,
    size_t size)
{
	const struct archive *list[ARCHIVES];
	size_t n = 0, i = 0;

	for (size_t x = 0; x < f->n; x++) {
		if (f->archives[x].exists && f->archives[x].series == series)
			list[n++] = &f->archives[x];
	}
	qsort(list, n, sizeof(list[0]), by_nominal);
	out[0] = '\0';
	while (i < n && state_of(&list[i]->tree, at) == 0)
		i++;
	for (size_t end; i < n; i = end) {
		uint8_t state = state_of(&list[i]->tree, at);
		size_t len = strlen(out);

		for (end = i;
		     end < n && state_of(&list[end]->tree, at) == state;)
			end++;
		snprintf(out + len, size - len, "%d:%zu ", state, end - i);
	}
}

struct listing {
	struct fixture *f;
	unsigned series;
	size_t dir; /* SIZE_MAX: the root */
	size_t n, stop;
	char last[32];
};

static int
on_child(void *arg, const struct vrv_catalog_child *child,
    struct varve_err *err)
{
	struct listing *l = arg;
	bool dir = false, others = false;
	char name[32];

	if (l->stop != 0 && l->n == l->stop)
		return vrv_fail(err, VARVE_CANCELLED, "enough");
	snprintf(name, sizeof(name), "%.*s", (int)child->name.n,
	    (const char *)child->name.p);
	assert_true(strcmp(name, l->last) > 0);
	strcpy(l->last, name);
	for (uint8_t state = 1; state < 8; state++) {
		size_t at = child_of(l->dir, place_of(name));
		bool has = expect(l->f, l->series, at, state).archives > 0;

		dir = dir || (has && state <= 2);
		others = others || (has && state > 2);
	}
	assert_int_equal(child->dir != 0, dir);
	assert_int_equal(child->others, others);
	l->n++;
	return 0;
}

/* The names in a directory, at once and one after another. */
static void
check_children(struct fixture *f, unsigned series, size_t at, int64_t dir)
{
	struct listing l = {f, series, at, 0, 0, ""}, one = l;
	struct varve_err err;
	size_t n = 0;

	for (size_t i = 0; has_children(at) && i < NAMES; i++)
		n += count_versions(f, series, child_of(at, i)) > 0;
	assert_int_equal(vrv_catalog_children(f->c, dir, NULL, 0, on_child, &l,
			     &err),
	    0);
	assert_int_equal(l.n, n);
	for (size_t i = 0; i < n; i++) {
		one.stop = i + 1;
		int rc =
		    vrv_catalog_children(f->c, dir, (const uint8_t *)one.last,
			strlen(one.last), on_child, &one, &err);
		assert_int_equal(rc, i + 1 < n ? VARVE_CANCELLED : 0);
		assert_false(vrv_catalog_is_bad(f->c));
	}
	assert_string_equal(one.last, l.last);
}

static void
check_path(struct fixture *f, struct seen *seen, unsigned series, size_t at)
{
	const struct vrv_catalog_series *list;
	struct vrv_catalog_child child;
	struct vrv_text name;
	char path[64], periods[512];
	struct varve_err err;
	int64_t dir;
	size_t n;

	path_of(at, path);
	unsigned versions = count_versions(f, series, at);
	assert_int_equal(vrv_catalog_series(f->c, &list, &n, &err), 0);
	while (n > 0 && list->tag[0] != 'A' + series) {
		list++;
		n--;
	}
	if (n == 0) {
		assert_int_equal(versions, 0);
		return;
	}
	int rc = vrv_catalog_resolve(f->c, list, path, &dir, &name, &err);
	if (rc == VARVE_NOENT) {
		assert_int_equal(versions, 0);
		return;
	}
	assert_int_equal(rc, 0);
	seen->at = at;
	seen->text[0] = '\0';
	assert_int_equal(vrv_catalog_periods(f->c, dir, name.p, name.n,
			     on_period, seen, &err),
	    0);
	model_periods(f, series, at, periods, sizeof(periods));
	assert_string_equal(seen->text, periods);

	memset(seen->counted, 0, sizeof(seen->counted));
	seen->versions = 0;
	assert_int_equal(vrv_catalog_versions(f->c, dir, name.p, name.n,
			     on_version, seen, &err),
	    0);
	assert_int_equal(seen->versions, versions);
	rc = vrv_catalog_child(f->c, dir, name.p, name.n, &child, &err);
	assert_int_equal(rc, versions > 0 ? 0 : VARVE_NOENT);
	if (rc == 0 && child.dir != 0)
		check_children(f, series, at, child.dir);
}

int
check_walk(struct fixture *f, struct varve_err *err)
{
	vrv_auto_free struct seen *seen = calloc(1, sizeof(*seen));
	const struct vrv_catalog_walk walk = {.fn = on_version, .arg = seen};
	unsigned versions = 0;

	assert_non_null(seen);
	seen->f = f;
	seen->walking = true;
	int rc = vrv_catalog_walk(f->c, &walk, err);
	if (rc != 0)
		return rc;
	for (unsigned series = 0; series < SERIES; series++) {
		for (size_t at = 0; at < PATHS; at++)
			versions += count_versions(f, series, at);
		versions += count_versions(f, series, SIZE_MAX);
	}
	assert_int_equal(seen->versions, versions);
	return 0;
}

void
check_all(struct fixture *f)
{
	vrv_auto_free struct seen *seen = calloc(1, sizeof(*seen));
	const struct vrv_catalog_series *list;
	struct varve_err err;
	size_t n;

	assert_non_null(seen);
	seen->f = f;
	assert_int_equal(check_walk(f, &err), 0);
	for (unsigned series = 0; series < SERIES; series++) {
		for (size_t at = 0; at < PATHS; at++)
			check_path(f, seen, series, at);
	}
	assert_int_equal(vrv_catalog_series(f->c, &list, &n, &err), 0);
	for (size_t i = 0; i < n; i++) {
		int64_t root = list[i].root;
		unsigned series = list[i].tag[0] - 'A';

		check_children(f, series, SIZE_MAX, root);
		assert_int_equal(vrv_catalog_series(f->c, &list, &n, &err), 0);
	}
}
