/* SPDX-License-Identifier: BSD-2-Clause */
#include "create/roots.h"

#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "util/mem.h"

static void
free_below(struct vrv_root *root)
{
	for (size_t i = 0; i < root->n_below; i++)
		free_below(root->below[i]);
	free(root->below);
}

void
vrv_roots_fini(struct vrv_roots *roots)
{
	free_below(&roots->top);
	vrv_arena_fini(&roots->arena);
	*roots = (struct vrv_roots)VRV_ROOTS_INIT;
}

static struct vrv_root *
add_below(struct vrv_roots *roots, struct vrv_root *parent, const char *name,
    size_t n)
{
	/* Long lists come sorted more often than not. */
	for (size_t i = parent->n_below; i-- > 0;) {
		if (strncmp(parent->below[i]->name, name, n) == 0 &&
		    parent->below[i]->name[n] == '\0')
			return parent->below[i];
		if (parent->n_below > 64 && i + 64 < parent->n_below)
			break;
	}
	struct vrv_root *root = vrv_arena_alloc(&roots->arena, sizeof(*root));
	if (root == NULL ||
	    vrv_room_for_one(&parent->below, parent->n_below,
		&parent->cap_below, sizeof(*parent->below)) != 0)
		return NULL;
	*root = (struct vrv_root){
	    .name = vrv_arena_dup(&roots->arena, name, n)};
	if (root->name == NULL)
		return NULL;
	parent->below[parent->n_below++] = root;
	return root;
}

/* Where the part of `path` that goes into the archive begins. */
static const char *
archive_part(const char *path)
{
	const char *cut = strstr(path, "/./");
	const char *p = cut != NULL ? cut + 3 : path;

	for (;;) {
		if (*p == '/')
			p++;
		else if (strncmp(p, "./", 2) == 0)
			p += 2;
		else if (strncmp(p, "../", 3) == 0)
			p += 3;
		else
			return strcmp(p, ".") == 0 || strcmp(p, "..") == 0 ?
			    p + strlen(p) :
			    p;
	}
}

/* Remove "x/.." and "." and doubled slashes from `path` in place, as text:
 * what the user wrote is what is named, whatever links say. */
static void
normalize(char *path)
{
	char *out = path, *in = path;

	while (*in != '\0') {
		size_t n = strcspn(in, "/");
		bool last = in[n] == '\0';

		if (n == 2 && in[0] == '.' && in[1] == '.' && out > path) {
			while (out > path && *--out != '/')
				;
		} else if (n > 1 || (n == 1 && in[0] != '.')) {
			if (out > path)
				*out++ = '/';
			memmove(out, in, n);
			out += n;
		}
		in += last ? n : n + 1;
	}
	*out = '\0';
}

static int
set_source(struct vrv_roots *roots, struct vrv_root *root, const char *path,
    bool recurse, struct varve_err *err)
{
	if (root->source && strcmp(root->path, path) != 0)
		return vrv_fail(err, VARVE_USAGE,
		    "'%s' and '%s' would have the same path in the archive",
		    root->path, path);
	if (!root->source)
		roots->n++;
	root->path = path;
	root->source = true;
	root->recurse |= recurse;
	return 0;
}

int
vrv_roots_add(struct vrv_roots *roots, const char *source, bool recurse,
    struct varve_err *err)
{
	struct vrv_root *at = &roots->top;

	if (source[0] == '\0')
		return vrv_fail(err, VARVE_USAGE, "an empty path to back up");
	/* One copy is the path to open, the other is taken apart. */
	char *path = vrv_arena_dup(&roots->arena, source, strlen(source));
	const char *start = path == NULL ? NULL : archive_part(path);
	char *rest = path == NULL ?
	    NULL :
	    vrv_arena_dup(&roots->arena, start, strlen(start));
	if (rest == NULL)
		return VRV_NOMEM(err, "the paths to back up");
	size_t base = (size_t)(start - path);
	normalize(rest);

	for (char *p = rest; *p != '\0';) {
		size_t n = strcspn(p, "/");

		at = add_below(roots, at, p, n);
		if (at == NULL)
			return VRV_NOMEM(err, "the paths to back up");
		p += n;
		if (at->path == NULL) {
			/* base, and the components so far */
			size_t len = (size_t)(p - rest);
			char *own = vrv_arena_alloc(&roots->arena,
			    base + len + 1);

			if (own == NULL)
				return VRV_NOMEM(err, "the paths to back up");
			memcpy(own, path, base);
			memcpy(own + base, rest, len);
			own[base + len] = '\0';
			at->path = own;
		}
		if (*p == '/')
			p++;
	}
	if (at == &roots->top)
		return set_source(roots, at, path, recurse, err);
	return set_source(roots, at, at->path, recurse, err);
}

int
vrv_roots_add_stdin(struct vrv_roots *roots, const char *name,
    struct varve_err *err)
{
	int rc = vrv_roots_add(roots, name, false, err);
	struct vrv_root *at = &roots->top;

	if (rc != 0)
		return rc;
	if (at->source)
		return vrv_fail(err, VARVE_USAGE, "'%s' cannot name a file",
		    name);
	const char *rest = archive_part(name);
	vrv_auto_free char *parts = vrv_dup(rest, strlen(rest));
	if (parts == NULL)
		return VRV_NOMEM(err, "the paths to back up");
	normalize(parts);
	for (char *save, *p = strtok_r(parts, "/", &save); p != NULL;
	     p = strtok_r(NULL, "/", &save)) {
		at = add_below(roots, at, p, strlen(p));
		if (at == NULL)
			return VRV_NOMEM(err, "the paths to back up");
	}
	at->stdin_ = true;
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp((*(struct vrv_root *const *)a)->name,
	    (*(struct vrv_root *const *)b)->name);
}

/* A long list that was not sorted may name one directory twice: the second is
 * merged into the first. */
static int
merge(struct vrv_root *into, struct vrv_root *from)
{
	into->source |= from->source;
	into->recurse |= from->recurse;
	into->stdin_ |= from->stdin_;
	for (size_t i = 0; i < from->n_below; i++) {
		if (vrv_room_for_one(&into->below, into->n_below,
			&into->cap_below, sizeof(*into->below)) != 0)
			return -1;
		into->below[into->n_below++] = from->below[i];
	}
	free(from->below);
	from->below = NULL;
	from->n_below = 0;
	return 0;
}

static int
sort_below(struct vrv_root *root)
{
	size_t kept = 0;

	if (root->n_below == 0)
		return 0;
	qsort(root->below, root->n_below, sizeof(*root->below), by_name);
	for (size_t i = 0; i < root->n_below; i++) {
		struct vrv_root *r = root->below[i];
		struct vrv_root *last = kept > 0 ? root->below[kept - 1] : NULL;

		if (last == NULL || strcmp(last->name, r->name) != 0)
			root->below[kept++] = r;
		else if (merge(last, r) != 0)
			return -1;
	}
	root->n_below = kept;
	for (size_t i = 0; i < kept; i++) {
		if (sort_below(root->below[i]) != 0)
			return -1;
	}
	return 0;
}

int
vrv_roots_sort(struct vrv_roots *roots, struct varve_err *err)
{
	return sort_below(&roots->top) == 0 ?
	    0 :
	    VRV_NOMEM(err, "the paths to back up");
}

static void
label_below(const struct vrv_root *root, struct vrv_buf *path,
    struct vrv_buf *label)
{
	size_t keep = path->len;

	vrv_buf_bytes(path, root->name, strlen(root->name));
	if (root->source) {
		if (label->len > 0)
			vrv_buf_u8(label, ' ');
		vrv_buf_bytes(label, path->len > 0 ? path->data : NULL,
		    path->len);
		if (path->len == 0)
			vrv_buf_u8(label, '.');
	}
	if (path->len > 0)
		vrv_buf_u8(path, '/');
	/* A label is for a person: of a long list the beginning will do. */
	for (size_t i = 0; i < root->n_below && label->len < 1024; i++)
		label_below(root->below[i], path, label);
	path->len = keep;
}

const char *
vrv_roots_label(struct vrv_roots *roots)
{
	vrv_auto_buf struct vrv_buf path = {0}, label = {0};

	label_below(&roots->top, &path, &label);
	if (path.failed || label.failed)
		return NULL;
	return vrv_arena_dup(&roots->arena, label.data, label.len);
}
