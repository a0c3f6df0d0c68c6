/* SPDX-License-Identifier: BSD-2-Clause */
#include "create/roots.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "create/source.h"
#include "format/record.h"
#include "util/buf.h"
#include "util/mem.h"
#include "util/utf8.h"

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
	*root =
	    (struct vrv_root){.name = vrv_arena_dup(&roots->arena, name, n)};
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
 * what the user wrote is what is named, whatever links say. *ret_up counts the
 * ".." that lead out at the beginning; they are removed too. */
static void
normalize(char *path, size_t *ret_up)
{
	char *out = path, *in = path;

	*ret_up = 0;
	while (*in != '\0') {
		size_t n = strcspn(in, "/");
		bool last = in[n] == '\0';

		if (n == 2 && in[0] == '.' && in[1] == '.') {
			*ret_up += out == path;
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

/* A source taken apart. */
struct parts {
	const char *path; /* as given */
	char *base;	  /* what stands before the archive's part */
	char *rest;	  /* the archive's part, normalized; "" for the top */
};

static int
take_apart(struct vrv_roots *roots, const char *source, struct parts *ret,
    struct varve_err *err)
{
	size_t n = strlen(source), up;

	if (n == 0)
		return vrv_fail(err, VARVE_USAGE, "an empty path to back up");
	if (n >= PATH_MAX)
		return vrv_fail(err, VARVE_USAGE,
		    "a path to back up of %zu bytes, longer than can be "
		    "opened: '%.60s...'",
		    n, source);
	const char *start = archive_part(source);
	size_t base = (size_t)(start - source);
	ret->path = vrv_arena_dup(&roots->arena, source, n);
	ret->rest = vrv_arena_dup(&roots->arena, start, strlen(start));
	if (ret->path == NULL || ret->rest == NULL)
		return VRV_NOMEM(err, "the paths to back up");
	normalize(ret->rest, &up);
	ret->base = vrv_arena_alloc(&roots->arena, base + 3 * up + 1);
	if (ret->base == NULL)
		return VRV_NOMEM(err, "the paths to back up");
	memcpy(ret->base, source, base);
	for (size_t i = 0; i < up; i++)
		memcpy(ret->base + base + 3 * i, "../", 3);
	ret->base[base + 3 * up] = '\0';
	return 0;
}

/* base, and the first `n` bytes of the rest; NULL when memory ran out. */
static const char *
path_so_far(struct vrv_roots *roots, const struct parts *parts, size_t n)
{
	size_t base = strlen(parts->base);
	char *path = vrv_arena_alloc(&roots->arena, base + n + 1);

	if (path == NULL)
		return NULL;
	memcpy(path, parts->base, base);
	memcpy(path + base, parts->rest, n);
	path[base + n] = '\0';
	return path;
}

/* Are both one path as text, but for "." and doubled slashes? */
static bool
same_path(const char *a, const char *b)
{
	for (;;) {
		for (; *a == '/' || (*a == '.' && strchr("/", a[1]) != NULL);)
			a++;
		for (; *b == '/' || (*b == '.' && strchr("/", b[1]) != NULL);)
			b++;
		size_t n = strcspn(a, "/");
		if (n != strcspn(b, "/") || memcmp(a, b, n) != 0)
			return false;
		if (n == 0)
			return true;
		a += n;
		b += n;
	}
}

/* The path from the root on, as text; NULL when memory ran out. */
static char *
absolute(const char *path)
{
	vrv_auto_free char *here = path[0] == '/' ? NULL : getcwd(NULL, 0);

	return vrv_strf("%s/%s", here == NULL ? "" : here, path);
}

/* Do both name one file? What is not there is known by its text only. */
static bool
is_same(const char *a, const char *b)
{
	if (strcmp(a, b) == 0)
		return true;
	vrv_auto_free char *x = absolute(a), *y = absolute(b);

	return (x != NULL && y != NULL && same_path(x, y)) ||
	    vrv_source_is_same(a, b);
}

static int
two_of_one_path(const char *a, const char *b, struct varve_err *err)
{
	return vrv_fail(err, VARVE_USAGE,
	    "'%s' and '%s' would have the same path in the archive", a, b);
}

static int
set_source(struct vrv_roots *roots, struct vrv_root *root, const char *path,
    bool recurse, struct varve_err *err)
{
	if (root->source && !is_same(root->path, path))
		return two_of_one_path(root->path, path, err);
	if (!root->source) {
		roots->n++;
		root->path = path;
	}
	root->source = true;
	root->recurse |= recurse;
	return 0;
}

/* Does `source` end in "/" or "/."? */
static bool
ends_as_dir(const char *source)
{
	const char *slash = strrchr(source, '/');

	return slash != NULL &&
	    (slash[1] == '\0' || strcmp(slash + 1, ".") == 0);
}

int
vrv_roots_add(struct vrv_roots *roots, const char *source, bool recurse,
    struct varve_err *err)
{
	struct vrv_root *at = &roots->top;
	struct parts parts;

	int rc = take_apart(roots, source, &parts, err);
	if (rc != 0)
		return rc;
	if (parts.rest[0] == '\0')
		return set_source(roots, at, parts.path, recurse, err);
	for (char *p = parts.rest; *p != '\0';) {
		size_t n = strcspn(p, "/");

		at = add_below(roots, at, p, n);
		if (at == NULL)
			return VRV_NOMEM(err, "the paths to back up");
		p += n;
		if (at->path == NULL)
			at->path = path_so_far(roots, &parts,
			    (size_t)(p - parts.rest));
		if (at->path == NULL)
			return VRV_NOMEM(err, "the paths to back up");
		if (*p == '/')
			p++;
	}
	const char *path = path_so_far(roots, &parts, strlen(parts.rest));
	at->as_dir |= ends_as_dir(source);
	return path == NULL ? VRV_NOMEM(err, "the paths to back up") :
			      set_source(roots, at, path, recurse, err);
}

int
vrv_roots_add_stdin(struct vrv_roots *roots, const char *name,
    struct varve_err *err)
{
	struct vrv_root *at = &roots->top;
	struct parts parts;

	int rc = take_apart(roots, name, &parts, err);
	if (rc != 0)
		return rc;
	for (char *p = parts.rest; *p != '\0';) {
		size_t n = strcspn(p, "/");

		at = add_below(roots, at, p, n);
		if (at == NULL)
			return VRV_NOMEM(err, "the paths to back up");
		at->to_stdin = true;
		p += n + (p[n] == '/');
	}
	if (at == &roots->top)
		return vrv_fail(err, VARVE_USAGE, "'%s' cannot name a file",
		    name);
	if (at->source)
		return two_of_one_path(at->path, name, err);
	at->path = parts.path;
	at->stdin_ = at->source = true;
	roots->n++;
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
merge(struct vrv_root *into, struct vrv_root *from, struct varve_err *err)
{
	if (from->source) {
		if (into->source &&
		    (into->stdin_ || from->stdin_ ||
			!is_same(into->path, from->path)))
			return two_of_one_path(into->path, from->path, err);
		if (!into->source)
			into->path = from->path;
		into->source = true;
	}
	into->recurse |= from->recurse;
	into->stdin_ |= from->stdin_;
	into->to_stdin |= from->to_stdin;
	into->as_dir |= from->as_dir;
	for (size_t i = 0; i < from->n_below; i++) {
		if (vrv_room_for_one(&into->below, into->n_below,
			&into->cap_below, sizeof(*into->below)) != 0)
			return VRV_NOMEM(err, "the paths to back up");
		into->below[into->n_below++] = from->below[i];
	}
	free(from->below);
	from->below = NULL;
	from->n_below = 0;
	return 0;
}

static int
sort_below(struct vrv_root *root, struct varve_err *err)
{
	size_t kept = 0;
	int rc = 0;

	if (root->n_below == 0)
		return 0;
	qsort(root->below, root->n_below, sizeof(*root->below), by_name);
	for (size_t i = 0; rc == 0 && i < root->n_below; i++) {
		struct vrv_root *r = root->below[i];
		struct vrv_root *last = kept > 0 ? root->below[kept - 1] : NULL;

		if (last == NULL || strcmp(last->name, r->name) != 0)
			root->below[kept++] = r;
		else
			rc = merge(last, r, err);
	}
	if (rc != 0)
		return rc;
	root->n_below = kept;
	for (size_t i = 0; rc == 0 && i < kept; i++)
		rc = sort_below(root->below[i], err);
	return rc;
}

/* Below a source with all that is in it stands what the file system has there;
 * `path` is where that is. */
static int
check_within(const struct vrv_root *source, const struct vrv_root *root,
    const char *path, struct varve_err *err)
{
	if (root->source && (root->stdin_ || !is_same(root->path, path)))
		return vrv_fail(err, VARVE_USAGE,
		    "'%s' would lie within '%s' in the archive", root->path,
		    source->path);
	for (size_t i = 0; i < root->n_below; i++) {
		vrv_auto_free char *below =
		    vrv_strf("%s/%s", path, root->below[i]->name);

		if (below == NULL)
			return VRV_NOMEM(err, "the paths to back up");
		int rc = check_within(source, root->below[i], below, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int
check_nested(const struct vrv_root *root, struct varve_err *err)
{
	int rc = 0;

	if (root->source && root->recurse)
		return check_within(root, root, root->path, err);
	for (size_t i = 0; rc == 0 && i < root->n_below; i++)
		rc = check_nested(root->below[i], err);
	return rc;
}

int
vrv_roots_sort(struct vrv_roots *roots, struct varve_err *err)
{
	int rc = sort_below(&roots->top, err);

	return rc == 0 ? check_nested(&roots->top, err) : rc;
}

struct vrv_root *
vrv_roots_find(const struct vrv_root *root, const char *name)
{
	const struct vrv_root key = {.name = name}, *wanted = &key;
	struct vrv_root *const *found;

	if (root->n_below == 0)
		return NULL;
	found = bsearch(&wanted, root->below, root->n_below,
	    sizeof(*root->below), by_name);
	return found == NULL ? NULL : *found;
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

/* Paths are any bytes, and labels UTF-8 of limited length: what is none becomes
 * \xNN, and what is too much is left out. */
static void
put_label(const struct vrv_buf *paths, struct vrv_buf *label)
{
	const char *p = (const char *)paths->data;
	char hex[8];
	uint32_t c;

	for (size_t i = 0; i < paths->len;) {
		size_t n = vrv_utf8_decode(p + i, paths->len - i, &c);
		const char *piece = p + i;
		size_t piece_n = n;

		if (n == 0) {
			piece_n = (size_t)snprintf(hex, sizeof(hex), "\\x%02x",
			    (uint8_t)p[i]);
			piece = hex;
			n = 1;
		}
		if (label->len + piece_n > VRV_ARCHIVE_LABEL_MAX)
			break;
		vrv_buf_bytes(label, piece, piece_n);
		i += n;
	}
}

const char *
vrv_roots_label(struct vrv_roots *roots)
{
	vrv_auto_buf struct vrv_buf path = {0}, paths = {0}, label = {0};

	label_below(&roots->top, &path, &paths);
	if (path.failed || paths.failed)
		return NULL;
	put_label(&paths, &label);
	if (label.failed)
		return NULL;
	return vrv_arena_dup(&roots->arena, label.data, label.len);
}
