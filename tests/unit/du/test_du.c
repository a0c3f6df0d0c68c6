/* SPDX-License-Identifier: BSD-2-Clause */
/* What paths hold alone, compared with a list of all references. */
#include "du/du.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meta_map.h"
#include "util/mem.h"

#define ARCHIVES 4
#define POOL 64

/* `path` refers to a chunk, or (length only) is a file of that size. */
struct fact {
	char path[96];
	bool is_file, is_dir, meta;
	uint8_t id[VRV_PREFIX_SIZE];
	uint64_t length;
};

struct dir {
	struct vrv_ref ref;
	struct fact *facts; /* paths relative to it; "" is itself */
	size_t n, cap;
};

struct world {
	struct meta_map m;
	uint64_t random;
	struct dir pool[POOL];
	size_t n_pool;
	struct vrv_archive archives[ARCHIVES];
	const struct vrv_archive *list[ARCHIVES];
	struct dir roots[ARCHIVES];
	/* The question, and what came. */
	struct vrv_du_from from;
	struct varve_du_options options;
	struct varve_du_result result;
	struct varve_du_line lines[256];
	char paths[256][96];
	size_t n_lines;
	size_t n_problems;
	bool nowhere; /* no chunk is stored */
};

static uint32_t
below(struct world *w, uint32_t n)
{
	w->random = w->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(w->random >> 33) % n;
}

/* --- trees, and what they refer to --- */

static struct fact *
add_fact(struct dir *d, const char *path)
{
	assert_int_equal(vrv_room_for_one(&d->facts, d->n, &d->cap,
			     sizeof(*d->facts)),
	    0);
	struct fact *f = &d->facts[d->n++];
	*f = (struct fact){0};
	assert_true(strlen(path) < sizeof(f->path));
	memcpy(f->path, path, strlen(path) + 1);
	return f;
}

static void
add_chunk(struct dir *d, const char *path, bool meta, const uint8_t *id,
    uint64_t length)
{
	struct fact *f = add_fact(d, path);

	f->meta = meta;
	f->length = length;
	memcpy(f->id, id, sizeof(f->id));
}

struct gather {
	struct world *w;
	struct dir *dir;
	const char *path;
};

static int
gather_meta(void *arg, const uint8_t id[VRV_CHUNK_ID], struct varve_err *err)
{
	struct gather *g = arg;

	(void)err;
	add_chunk(g->dir, g->path, true, id, meta_map_chunk(&g->w->m, id)->len);
	return 0;
}

/* The chunks that a listing, or an extent list, consists of. */
static void
add_tree(struct world *w, struct dir *d)
{
	struct gather g = {w, d, ""};
	struct vrv_tree_iter *it;
	struct vrv_entry e;
	struct varve_err err;

	assert_int_equal(vrv_tree_iter_new(&w->m.source, &d->ref, &it, &err),
	    0);
	vrv_tree_iter_on_meta(it, gather_meta, &g);
	int rc;
	while ((rc = vrv_tree_iter_next(it, &e, NULL, &err)) == 0)
		continue;
	assert_int_equal(rc, VARVE_NOENT);
	vrv_tree_iter_free(it);
}

static void
add_list(struct world *w, struct dir *d, const char *path,
    const struct vrv_buf *content)
{
	struct gather g = {w, d, path};
	struct vrv_list_iter *it;
	struct vrv_extent x;
	struct varve_err err;
	uint64_t at;

	assert_int_equal(vrv_list_iter_new(&w->m.source, content->data,
			     content->len, &it, &err),
	    0);
	vrv_list_iter_on_meta(it, gather_meta, &g);
	int rc;
	while ((rc = vrv_list_iter_next(it, &x, &at, &err)) == 0)
		continue;
	assert_int_equal(rc, VARVE_NOENT);
	vrv_list_iter_free(it);
}

/* A chunk of data number `i` of all that there are. */
static struct vrv_extent
data(uint32_t i)
{
	struct vrv_extent x = {.length = 10 + i};

	vrv_blake2b(x.id, sizeof(x.id), NULL, &i, sizeof(i));
	return x;
}

static void
random_content(struct world *w, struct dir *d, const char *path,
    struct vrv_entry *e, struct vrv_buf *content)
{
	uint32_t n = below(w, 8) == 0 ? 33 + below(w, 2) : below(w, 4);
	uint32_t from = below(w, 150);
	struct vrv_list_builder *b;
	struct varve_err err;

	assert_int_equal(vrv_list_builder_new(&w->m.sink, &b, &err), 0);
	for (uint32_t i = 0; i < n; i++) {
		/* Some twice within the file. */
		struct vrv_extent x = data(from + i / (1 + below(w, 2)));
		x.hole = i == 1 && below(w, 3) == 0;
		e->size += x.length;
		assert_int_equal(vrv_list_builder_add(b, &x, &err), 0);
		if (!x.hole)
			add_chunk(d, path, false, x.id, x.length);
	}
	assert_int_equal(vrv_list_builder_finish(b, content, &err), 0);
	vrv_list_builder_free(b);
	add_list(w, d, path, content);
	e->content = content->data;
	e->content_n = content->len;
	struct fact *f = add_fact(d, path);
	f->is_file = true;
	f->length = e->size;
}

/* A long attribute, which is a chunk of its own. */
static void
random_xattr(struct world *w, struct dir *d, const char *path,
    struct vrv_entry *e, struct vrv_buf *xattrs)
{
	vrv_auto_buf struct vrv_buf chunk = {0};
	struct vrv_entry_xattr x = {
	    .name = (const uint8_t *)"user.x",
	    .name_n = 6,
	    .size = VRV_XATTR_INLINE_MAX + 1 + below(w, 5),
	};

	vrv_buf_u8(&chunk, VRV_META_VALUE);
	vrv_buf_zero(&chunk, x.size);
	meta_map_put(&w->m, &chunk, x.id);
	add_chunk(d, path, true, x.id, chunk.len);
	vrv_buf_v(xattrs, 1);
	vrv_xattr_put(xattrs, &x);
	e->flags |= VRV_ENTRY_XATTRS;
	e->xattrs = xattrs->data;
	e->xattrs_n = xattrs->len;
}

static void
take_over(struct dir *to, const char *name, const struct dir *from)
{
	char path[200];

	for (size_t i = 0; i < from->n; i++) {
		const struct fact *f = &from->facts[i];
		snprintf(path, sizeof(path), "%s%s%s", name,
		    f->path[0] != '\0' ? "/" : "", f->path);
		struct fact *copy = add_fact(to, path);
		char *keep = memcpy(path, copy->path, sizeof(copy->path));
		*copy = *f;
		memcpy(copy->path, keep, sizeof(copy->path));
	}
}

static size_t random_dir(struct world *w, unsigned depth);

static void
random_entry(struct world *w, struct dir *d, const char *name, unsigned depth,
    struct vrv_tree_builder *b)
{
	vrv_auto_buf struct vrv_buf content = {0};
	vrv_auto_buf struct vrv_buf xattrs = {0};
	vrv_auto_buf struct vrv_buf entry = {0};
	struct vrv_entry e = {
	    .kind = VARVE_FILE,
	    .name = (const uint8_t *)name,
	    .name_n = strlen(name),
	};

	if (below(w, 4) == 0)
		random_xattr(w, d, name, &e, &xattrs);
	if (depth > 0 && below(w, 2) == 0) {
		/* Often one that is somewhere else as well. */
		size_t i = w->n_pool > 0 && below(w, 2) == 0 ?
		    below(w, (uint32_t)w->n_pool) :
		    random_dir(w, depth - 1);
		e.kind = VARVE_DIR;
		e.dir = w->pool[i].ref;
		add_fact(d, name)->is_dir = true;
		take_over(d, name, &w->pool[i]);
	} else {
		random_content(w, d, name, &e, &content);
	}
	vrv_entry_put(&entry, &e);
	add_entry(b, &entry);
}

/* Its number in the pool. */
static size_t
random_dir(struct world *w, unsigned depth)
{
	static const char *const names[] = {"a", "a.b", "ab", "b", "c"};
	struct vrv_tree_builder *b;
	struct varve_err err;
	struct dir d = {0};

	assert_int_equal(vrv_tree_builder_new(&w->m.sink, &b, &err), 0);
	for (size_t i = 0; i < 5; i++)
		if (below(w, 5) < 3)
			random_entry(w, &d, names[i], depth, b);
	assert_int_equal(vrv_tree_builder_finish(b, &d.ref, &err), 0);
	vrv_tree_builder_free(b);
	add_tree(w, &d);
	size_t at = w->n_pool < POOL ? w->n_pool++ : below(w, POOL);
	free(w->pool[at].facts);
	w->pool[at] = d;
	return at;
}

/* The list of owners of an archive. */
static struct vrv_ref
random_owners(struct world *w, struct dir *root)
{
	vrv_auto_buf struct vrv_buf chunk = {0};
	vrv_auto_buf struct vrv_buf content = {0};
	struct vrv_extent x = {0};
	struct vrv_list_builder *b;
	struct vrv_ref ref;
	struct varve_err err;

	vrv_buf_u8(&chunk, VRV_META_NAMES);
	vrv_owner_put(&chunk, false, below(w, 3), "ann");
	meta_map_put(&w->m, &chunk, x.id);
	x.length = chunk.len;
	add_chunk(root, "", true, x.id, chunk.len);
	assert_int_equal(vrv_list_builder_new(&w->m.sink, &b, &err), 0);
	assert_int_equal(vrv_list_builder_add(b, &x, &err), 0);
	assert_int_equal(vrv_list_builder_finish_ref(b, &ref, &err), 0);
	vrv_list_builder_free(b);
	vrv_content_put_ref(&content, &ref);
	add_list(w, root, "", &content);
	return ref;
}

static int
stored(void *arg, enum vrv_frame_kind kind,
    const uint8_t prefix[VRV_PREFIX_SIZE], uint64_t length, uint64_t *ret,
    struct varve_err *err)
{
	struct world *w = arg;

	(void)kind, (void)prefix;
	if (w->nowhere)
		return vrv_fail(err, VARVE_NOENT, "nowhere");
	*ret = 3 * length;
	return 0;
}

static void
on_event(void *arg, const struct varve_event *e)
{
	struct world *w = arg;

	w->n_problems += e->type == VARVE_EVENT_PROBLEM;
}

static void
setup(struct world *w, uint64_t seed)
{
	memset(w, 0, sizeof(*w));
	meta_map_init(&w->m);
	w->random = seed;
	for (size_t i = 0; i < ARCHIVES; i++) {
		size_t root = random_dir(w, 4);
		w->archives[i].sealed.root = w->pool[root].ref;
		take_over(&w->roots[i], "", &w->pool[root]);
		for (size_t f = 0; f < w->roots[i].n; f++)
			if (w->roots[i].facts[f].path[0] == '/')
				memmove(w->roots[i].facts[f].path,
				    w->roots[i].facts[f].path + 1,
				    sizeof(w->roots[i].facts[f].path) - 1);
		w->archives[i].sealed.has_owners = true;
		w->archives[i].sealed.owners = random_owners(w, &w->roots[i]);
		w->list[i] = &w->archives[i];
	}
	w->from = (struct vrv_du_from){
	    .source = w->m.source,
	    .stored = stored,
	    .stored_arg = w,
	    .archives = w->list,
	    .n = ARCHIVES,
	    .chunks_max = VRV_DU_CHUNKS_MAX,
	};
	w->options = (struct varve_du_options)VARVE_DU_OPTIONS_INIT;
	w->options.event = on_event;
	w->options.event_arg = w;
}

static void
teardown(struct world *w)
{
	for (size_t i = 0; i < ARCHIVES; i++)
		free(w->roots[i].facts);
	for (size_t i = 0; i < w->n_pool; i++)
		free(w->pool[i].facts);
	meta_map_fini(&w->m);
}

/* --- the model --- */

static bool
contains(const char *a, const char *path)
{
	size_t n = strlen(a);

	return n == 0 || strcmp(a, ".") == 0 ||
	    (strncmp(a, path, n) == 0 && (path[n] == '\0' || path[n] == '/'));
}

static bool
in_question(const struct world *w, size_t archive)
{
	return w->from.only == NULL || w->from.only == w->list[archive];
}

/* Lines below the paths are about folders: where the path is a file that is
 * another thing. */
static bool
is_meant(const struct world *w, size_t archive, const char *path,
    unsigned depth)
{
	bool found = depth == 0;

	for (size_t i = 0; !found && i < w->roots[archive].n; i++)
		found = w->roots[archive].facts[i].is_dir &&
		    strcmp(w->roots[archive].facts[i].path, path) == 0;
	return found && in_question(w, archive);
}

/* Are all references to that chunk at `path`, in the archives that are asked
 * about? Is it the first one? */
static bool
counts(const struct world *w, size_t archive, const struct fact *chunk,
    const char *path, unsigned depth)
{
	for (size_t a = 0; a < ARCHIVES; a++) {
		bool meant = is_meant(w, a, path, depth);
		for (size_t i = 0; i < w->roots[a].n; i++) {
			const struct fact *f = &w->roots[a].facts[i];
			if (f->is_file || f->is_dir || f->meta != chunk->meta ||
			    memcmp(f->id, chunk->id, sizeof(f->id)) != 0)
				continue;
			if (!meant || !contains(path, f->path))
				return false;
			if (a < archive || (a == archive && f < chunk))
				return false;
		}
	}
	return true;
}

static struct varve_du_line
expected(const struct world *w, const char *path, unsigned depth)
{
	struct varve_du_line e = {.path = path};

	for (size_t a = ARCHIVES; a-- > 0;) {
		uint64_t files = 0, original = 0;
		bool has = strcmp(path, ".") == 0;
		if (!is_meant(w, a, path, depth))
			continue;
		for (size_t i = 0; i < w->roots[a].n; i++) {
			const struct fact *f = &w->roots[a].facts[i];
			if (!contains(path, f->path))
				continue;
			has = true;
			if (f->is_file) {
				files++;
				original += f->length;
			} else if (!f->is_dir && counts(w, a, f, path, depth)) {
				e.deduplicated += f->length;
			}
		}
		if (has && e.archives++ == 0) {
			e.files = files;
			e.original = original;
		}
		e.all_original += original;
	}
	return e;
}

static int
on_line(void *arg, const struct varve_du_line *line, struct varve_err *err)
{
	struct world *w = arg;

	(void)err;
	assert_true(w->n_lines < 256);
	snprintf(w->paths[w->n_lines], sizeof(w->paths[0]), "%s", line->path);
	w->lines[w->n_lines] = *line;
	w->lines[w->n_lines].path = w->paths[w->n_lines];
	w->n_lines++;
	return 0;
}

static int
ask(struct world *w, struct varve_err *err)
{
	w->n_lines = w->n_problems = 0;
	return vrv_du_from(&w->from, &w->options, on_line, w, &w->result, err);
}

static void
compare(struct world *w)
{
	struct varve_err err;

	assert_int_equal(ask(w, &err), 0);
	assert_int_equal(w->result.problems, 0);
	assert_true(w->n_lines > 0);
	for (size_t i = 0; i < w->n_lines; i++) {
		const struct varve_du_line *l = &w->lines[i];
		if (l->together)
			continue;
		struct varve_du_line e = expected(w, l->path, l->depth);
		assert_int_equal(l->archives, e.archives);
		assert_int_equal(l->files, e.files);
		assert_int_equal(l->original, e.original);
		assert_int_equal(l->all_original, e.all_original);
		assert_int_equal(l->deduplicated, e.deduplicated);
		assert_int_equal(l->stored, 3 * l->deduplicated);
	}
}

/* Folders down to `depth` levels below the root, each counted once. */
static size_t
count_folders(const struct world *w, unsigned depth)
{
	char seen[256][96];
	size_t n = 0;

	for (size_t a = 0; a < ARCHIVES; a++) {
		for (size_t i = 0; in_question(w, a) && i < w->roots[a].n;
		     i++) {
			const struct fact *f = &w->roots[a].facts[i];
			unsigned level = 1;
			size_t k = 0;
			for (const char *p = f->path; *p != '\0'; p++)
				level += *p == '/';
			if (!f->is_dir || level > depth)
				continue;
			while (k < n && strcmp(seen[k], f->path) != 0)
				k++;
			assert_true(k < 256);
			if (k == n)
				memcpy(seen[n++], f->path, sizeof(f->path));
		}
	}
	return n;
}

static void
test_model(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	(void)state;
	assert_non_null(w);
	for (uint64_t seed = 1; seed <= 60; seed++) {
		setup(w, seed);
		const struct dir *root = &w->roots[seed % ARCHIVES];
		for (unsigned round = 0; round < 8; round++) {
			/* A path that is there, or all. */
			const struct fact *f = root->n > 0 ?
			    &root->facts[below(w, (uint32_t)root->n)] :
			    NULL;
			const char *path = f != NULL ? f->path : "";
			w->options.paths = &path;
			w->options.n_paths =
			    round < 4 || path[0] == '\0' ? 0 : 1;
			w->options.depth = below(w, 5);
			w->from.only =
			    round % 2 ? w->list[seed % ARCHIVES] : NULL;
			w->from.chunks_max =
			    below(w, 2) ? 16 : VRV_DU_CHUNKS_MAX;
			compare(w);
			if (w->options.n_paths == 0)
				assert_int_equal(w->n_lines,
				    1 + count_folders(w, w->options.depth));
		}
		teardown(w);
	}
	free(w);
}

/* Several paths: each alone, and together. */
static void
test_together(void **state)
{
	static const char *const paths[] = {"/b/", "./a", "ab//"};
	struct world *w = calloc(1, sizeof(*w));
	struct varve_err err;
	unsigned tried = 0;

	(void)state;
	assert_non_null(w);
	for (uint64_t seed = 100; seed < 160; seed++) {
		setup(w, seed);
		w->options.paths = paths;
		w->options.n_paths = 3;
		if (expected(w, "a", 0).archives > 0 &&
		    expected(w, "b", 0).archives > 0 &&
		    expected(w, "ab", 0).archives > 0) {
			compare(w);
			assert_int_equal(w->n_lines, 4);
			const struct varve_du_line *all = &w->lines[3];
			uint64_t alone = 0, size = 0;
			for (size_t i = 0; i < 3; i++) {
				alone += w->lines[i].deduplicated;
				size += w->lines[i].original;
			}
			assert_true(all->together);
			assert_true(all->deduplicated >= alone);
			assert_int_equal(all->original, size);
			tried++;
		} else {
			assert_int_equal(ask(w, &err), VARVE_NOENT);
		}
		teardown(w);
	}
	assert_true(tried > 5);
	free(w);
}

static struct vrv_ref
folder(struct world *w, struct vrv_buf *entries, size_t n)
{
	struct vrv_tree_builder *b;
	struct vrv_ref ref;
	struct varve_err err;

	assert_int_equal(vrv_tree_builder_new(&w->m.sink, &b, &err), 0);
	for (size_t i = 0; i < n; i++) {
		add_entry(b, &entries[i]);
		vrv_buf_fini(&entries[i]);
	}
	assert_int_equal(vrv_tree_builder_finish(b, &ref, &err), 0);
	vrv_tree_builder_free(b);
	return ref;
}

/* x{f} and y{f} are one folder, z{g}: neither x nor y alone holds anything. */
static void
test_moved(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct vrv_buf e[3] = {{0}};
	struct varve_err err;
	const char *path = "x";

	(void)state;
	assert_non_null(w);
	setup(w, 1);
	put_file(&e[0], "f", 100);
	struct vrv_ref f = folder(w, e, 1);
	put_file(&e[0], "g", 50);
	struct vrv_ref g = folder(w, e, 1);
	put_dir(&e[0], "x", 0, &f);
	put_dir(&e[1], "y", 0, &f);
	put_dir(&e[2], "z", 0, &g);
	w->archives[0].sealed.root = folder(w, e, 3);
	w->archives[0].sealed.has_owners = false;
	w->from.n = 1;
	w->options.paths = &path;
	w->options.n_paths = 1;
	assert_int_equal(ask(w, &err), 0);
	assert_int_equal(w->n_lines, 1);
	assert_int_equal(w->lines[0].original, 100);
	assert_int_equal(w->lines[0].deduplicated, 0);
	path = "z";
	assert_int_equal(ask(w, &err), 0);
	assert_int_equal(w->lines[0].deduplicated,
	    50 + meta_map_chunk(&w->m, g.id)->len);

	/* Of the whole it counts, once. */
	w->options.n_paths = 0;
	w->options.depth = 1;
	assert_int_equal(ask(w, &err), 0);
	assert_int_equal(w->n_lines, 4);
	assert_string_equal(w->paths[0], "x");
	assert_int_equal(w->lines[0].deduplicated, 0);
	assert_string_equal(w->paths[3], ".");
	assert_int_equal(w->lines[3].original, 250);
	assert_int_equal(w->lines[3].deduplicated,
	    150 + meta_map_chunk(&w->m, f.id)->len +
		meta_map_chunk(&w->m, g.id)->len +
		meta_map_chunk(&w->m, w->archives[0].sealed.root.id)->len);

	/* x in the older of two archives; y is elsewhere in the newer. */
	put_dir(&e[0], "y", 0, &f);
	w->archives[1].sealed.root = folder(w, e, 1);
	w->archives[1].sealed.has_owners = false;
	w->from.n = 2;
	w->from.only = w->list[0];
	w->options.depth = 0;
	assert_int_equal(ask(w, &err), 0);
	assert_int_equal(w->lines[0].deduplicated,
	    50 + meta_map_chunk(&w->m, g.id)->len +
		meta_map_chunk(&w->m, w->archives[0].sealed.root.id)->len);
	teardown(w);
	free(w);
}

static void
refused(struct world *w, int code, const char *a, const char *b)
{
	const char *paths[] = {a, b};
	struct varve_err err;

	w->options.paths = paths;
	w->options.n_paths = b != NULL ? 2 : 1;
	assert_int_equal(ask(w, &err), code);
	assert_int_equal(w->n_lines, 0);
}

static void
test_refused(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	(void)state;
	assert_non_null(w);
	setup(w, 3);
	refused(w, VARVE_NOENT, "nothing", NULL);
	refused(w, VARVE_NOENT, "a/b/c/d/e/f/g/h", NULL);
	refused(w, VARVE_USAGE, "a/../b", NULL);
	refused(w, VARVE_USAGE, "a", "a/b");
	refused(w, VARVE_USAGE, "a/b", "a//");
	refused(w, VARVE_USAGE, "b", "/");
	refused(w, VARVE_USAGE, "b", "b");
	teardown(w);
	free(w);
}

/* What cannot be read is told, inside and outside. */
static void
test_damaged(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct varve_err err;

	(void)state;
	assert_non_null(w);
	setup(w, 5);
	w->nowhere = true;
	assert_int_equal(ask(w, &err), 0);
	assert_true(w->result.problems > 10);
	assert_int_equal(w->n_problems, w->result.problems);
	w->nowhere = false;
	assert_int_equal(ask(w, &err), 0);
	assert_int_equal(w->result.problems, 0);

	w->from.only = w->list[1];
	meta_map_chunk(&w->m, w->archives[2].sealed.root.id)->data[0] = 'Z';
	assert_int_equal(ask(w, &err), 0);
	assert_true(w->result.problems > 0);
	w->from.only = w->list[2];
	assert_int_equal(ask(w, &err), 0);
	assert_true(w->result.problems > 0);
	assert_int_equal(w->n_problems, w->result.problems);
	refused(w, VARVE_NOENT, "a", NULL);
	assert_true(w->n_problems > 0);
	teardown(w);
	free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_model),
	    cmocka_unit_test(test_together),
	    cmocka_unit_test(test_moved),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests_name("du", tests, NULL, NULL);
}
