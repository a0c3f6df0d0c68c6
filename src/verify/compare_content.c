/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "os/file.h"
#include "util/mem.h"
#include "verify/verify_internal.h"

/* Blocks of the file systems that matter. What is smaller, or lies across the
 * edge of a hole, is not looked at. */
#define BLOCK ((uint64_t)4096)
#define READ_SIZE ((size_t)1 << 20)

struct content {
	struct vrv_compared *c;
	int fd;
	uint64_t size;
	bool differs;
};

static int
read_piece(struct content *f, uint64_t at, size_t n, size_t *ret_n,
    struct varve_err *err)
{
	vrv_buf_clear(&f->c->bytes);
	uint8_t *to = vrv_buf_extend(&f->c->bytes, n);
	if (to == NULL)
		return VRV_NOMEM(err, "a file's bytes");
	return vrv_os_pread(f->fd, at, to, n, ret_n, err);
}

static void
differs(struct content *f, uint64_t from, uint64_t to)
{
	if (!f->differs)
		vrv_differs(f->c, "content differs between bytes %llu and %llu",
		    (unsigned long long)from, (unsigned long long)to);
	f->differs = true;
}

static int
compare_chunk(struct content *f, const struct vrv_extent *extent, uint64_t at,
    struct varve_err *err)
{
	uint8_t id[VRV_ID_SIZE];
	size_t n;

	int rc = read_piece(f, at, extent->length, &n, err);
	if (rc != 0)
		return rc;
	vrv_chunk_id(vrv_repo_keys(f->c->repo), VRV_FRAME_DATA,
	    f->c->bytes.data, n, id);
	if (n < extent->length || memcmp(id, extent->id, sizeof(id)) != 0)
		differs(f, at, at + extent->length);
	return 0;
}

static bool
is_zero(const uint8_t *bytes, size_t n)
{
	return n == 0 ||
	    (bytes[0] == 0 && memcmp(bytes, bytes + 1, n - 1) == 0);
}

/* Data [from, to) where the archive has a hole [at, end): must be zeros, and
 * take whole blocks to be told. */
static int
compare_filled(struct content *f, uint64_t from, uint64_t to, uint64_t at,
    uint64_t end, struct varve_err *err)
{
	uint64_t first = (at + BLOCK - 1) / BLOCK * BLOCK;
	uint64_t last = end == f->size ? end : end / BLOCK * BLOCK;

	for (uint64_t p = from; p < to && !f->differs;) {
		size_t want = to - p < READ_SIZE ? (size_t)(to - p) : READ_SIZE,
		       n;
		int rc = read_piece(f, p, want, &n, err);
		if (rc != 0)
			return rc;
		if (!is_zero(f->c->bytes.data, n))
			differs(f, p, p + n);
		if (n < want)
			break;
		p += n;
	}
	if (from < first)
		from = first;
	if (to > last)
		to = last;
	if (from < to && to - from >= BLOCK)
		f->c->filled = true;
	return 0;
}

static int
compare_hole(struct content *f, uint64_t at, uint64_t length,
    struct varve_err *err)
{
	uint64_t end = at + length;
	int rc = 0;

	for (uint64_t p = at; rc == 0 && p < end && !f->differs;) {
		uint64_t from, to;
		rc = vrv_os_next_data(f->fd, p, f->size, &from, &to, err);
		if (rc != 0 || from >= end)
			return rc;
		p = to < end ? to : end;
		rc = compare_filled(f, from, p, at, end, err);
	}
	return rc;
}

static int
compare_extents(struct content *f, struct vrv_list_iter *it,
    struct varve_err *err)
{
	struct vrv_extent extent;
	uint64_t at, sum = 0;
	int rc;

	while ((rc = vrv_list_iter_next(it, &extent, &at, err)) == 0) {
		sum += extent.length;
		if (f->differs)
			continue;
		/* What is wrong from here on is the file's. */
		struct varve_err why = {0};
		rc = extent.hole ? compare_hole(f, at, extent.length, &why) :
				   compare_chunk(f, &extent, at, &why);
		if (rc != 0 && vrv_err_is_fatal(&why)) {
			*err = why;
			return rc;
		}
		if (rc != 0) {
			vrv_differs(f->c, "cannot be read: %s", why.message);
			f->c->unreadable = true;
			f->differs = true;
		}
		vrv_compared_add(f->c, extent.length);
	}
	if (rc != VARVE_NOENT)
		return rc;
	vrv_err_clear(err);
	if (sum != f->size && !f->differs)
		vrv_differs(f->c, "is %llu bytes long and has content for %llu",
		    (unsigned long long)f->size, (unsigned long long)sum);
	return 0;
}

int
vrv_compare_content(struct vrv_compared *c, const struct vrv_entry *entry,
    const struct vrv_stat *st, int fd, struct varve_err *err)
{
	struct content f = {.c = c, .fd = fd, .size = st->size};
	struct vrv_list_iter *it = NULL;

	if (entry->size != st->size) {
		vrv_differs(c, "is %llu bytes long instead of %llu",
		    (unsigned long long)st->size,
		    (unsigned long long)entry->size);
		return 0;
	}
	int rc = vrv_list_iter_new(&c->source, entry->content, entry->content_n,
	    &it, err);
	if (rc == 0)
		rc = compare_extents(&f, it, err);
	vrv_list_iter_free(it);
	if (rc == 0 && c->filled && !c->how->live)
		vrv_differs(c, "a hole is filled");
	return rc;
}
