/* SPDX-License-Identifier: BSD-2-Clause */
#include "create/treecache.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/file.h"
#include "os/private.h"
#include "util/hash.h"
#include "util/hex.h"
#include "util/map.h"
#include "util/mem.h"

/*
 * Segment: head (magic b8, cache id b32, u64 bytes of data, u64 entries, b16
 * sum of the table), data, table. Table entry: b32 id, u64 offset in the data,
 * u32 length. The sum is XXH3-128 of the sum so far, at first zeros, and the
 * next STEP_ROWS entries, for each of these steps.
 *
 * The file is read with pread() and never mapped: a file that is truncated
 * while it is in use must not end the process.
 */
#define MAGIC "VRVTREE2"
#define HEAD (40 + VRV_CACHE_ID)
#define ENTRY 44
#define STEP_ROWS 256
#define NAME "trees-"
#define SEGMENTS_MAX 64
#define TABLES_MAX ((uint64_t)16 << 20) /* of tables are kept in memory */
#define KEEP_MAX ((uint64_t)4 << 30)	/* a larger cache is not kept */
#define SLACK ((uint64_t)1 << 20)
#define STEP ((size_t)1 << 20)

/* Where its parts lie in the file. */
struct segment {
	uint64_t data, data_n, table, entries;
	uint8_t *rows; /* the table, or NULL: it is read when it is needed */
};

/* A segment being written: data goes out in steps, the table and then the head
 * follow when the run is committed. A half-written one has no head. */
struct output {
	int fd;
	uint64_t start, data_n;
	struct vrv_buf pending, table;
	bool failed;
};

struct vrv_treecache {
	int dir, fd;
	char name[sizeof(NAME) + 2 * (size_t)VRV_TAG_SIZE];
	uint8_t cache_id[VRV_CACHE_ID];
	uint64_t size, valid; /* of the file; of it: whole segments */
	struct segment segments[SEGMENTS_MAX];
	size_t n;
	uint64_t tables;      /* bytes of tables in memory */
	struct output out;    /* what this run adds */
	bool writing, silent; /* out is in use; out cannot be used */
	bool too_large;	      /* for a cache: none is kept */
	struct vrv_map *used; /* id prefixes, each once */
	uint64_t used_bytes;
};

static bool
read_at(int fd, uint64_t at, void *to, size_t n)
{
	struct varve_err unheard;
	size_t got;

	return vrv_os_pread(fd, at, to, n, &got, &unheard) == 0 && got == n;
}

/* Go on with the sum of a table over `n` rows, at most STEP_ROWS. */
static void
add_to_sum(uint8_t sum[VRV_XXH_SIZE], const uint8_t *rows, size_t n)
{
	uint8_t in[VRV_XXH_SIZE + STEP_ROWS * ENTRY];

	memcpy(in, sum, VRV_XXH_SIZE);
	memcpy(in + VRV_XXH_SIZE, rows, n * ENTRY);
	vrv_xxh(sum, in, VRV_XXH_SIZE + n * ENTRY);
}

/* Read the table of the segment and verify it. It stays in memory if there is
 * room. */
static bool
read_table(struct vrv_treecache *c, struct segment *s, const uint8_t *stated)
{
	uint8_t sum[VRV_XXH_SIZE] = {0}, step[STEP_ROWS * ENTRY];
	uint64_t bytes = s->entries * ENTRY;

	if (c->tables + bytes <= TABLES_MAX)
		s->rows = vrv_alloc_array((size_t)s->entries, ENTRY);
	for (uint64_t i = 0; i < s->entries; i += STEP_ROWS) {
		size_t n = (size_t)vrv_min(s->entries - i, STEP_ROWS);
		uint8_t *rows = s->rows != NULL ? s->rows + i * ENTRY : step;

		if (!read_at(c->fd, s->table + i * ENTRY, rows, n * ENTRY))
			return false;
		add_to_sum(sum, rows, n);
	}
	if (s->rows != NULL)
		c->tables += bytes;
	return memcmp(sum, stated, sizeof(sum)) == 0;
}

/* The segment at `at`, or false if what stands there is not one whole. */
static bool
read_segment(struct vrv_treecache *c, uint64_t at, struct segment *ret,
    uint64_t *ret_end)
{
	uint8_t head[HEAD];

	if (at > c->size || c->size - at < HEAD ||
	    !read_at(c->fd, at, head, HEAD) || memcmp(head, MAGIC, 8) != 0 ||
	    memcmp(head + 8, c->cache_id, VRV_CACHE_ID) != 0)
		return false;
	uint64_t data_n = vrv_get_u64(head + 8 + VRV_CACHE_ID);
	uint64_t entries = vrv_get_u64(head + 16 + VRV_CACHE_ID);
	uint64_t room = c->size - at - HEAD;
	if (data_n > room || entries > (room - data_n) / ENTRY)
		return false;
	struct segment s = {.data = at + HEAD,
	    .data_n = data_n,
	    .table = at + HEAD + data_n,
	    .entries = entries};
	if (!read_table(c, &s, head + 24 + VRV_CACHE_ID)) {
		free(s.rows);
		return false;
	}
	*ret = s;
	*ret_end = s.table + entries * ENTRY;
	return true;
}

static void
forget_segments(struct vrv_treecache *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->segments[i].rows);
	c->n = 0;
	c->tables = 0;
}

static void
read_segments(struct vrv_treecache *c)
{
	struct stat st;
	uint64_t at = 0, end;

	forget_segments(c);
	c->size = fstat(c->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
	while (c->n < SEGMENTS_MAX &&
	    read_segment(c, at, &c->segments[c->n], &end)) {
		c->n++;
		at = end;
	}
	c->valid = at;
}

/* What stands in the place of the file and cannot be used is replaced. */
static int
open_file(struct vrv_treecache *c, struct varve_err *err)
{
	int rc =
	    vrv_private_open(c->dir, c->name, O_RDWR | O_CREAT, &c->fd, err);

	if (rc != 0 && !vrv_err_is_fatal(err) &&
	    unlinkat(c->dir, c->name, 0) == 0)
		rc = vrv_private_open(c->dir, c->name, O_RDWR | O_CREAT, &c->fd,
		    err);
	return rc;
}

void
vrv_treecache_open(struct vrv_repo *repo, const uint8_t tag[VRV_TAG_SIZE],
    struct vrv_treecache **ret)
{
	struct vrv_treecache *c;
	struct varve_err unheard;

	*ret = NULL;
	if (vrv_repo_cache(repo) == NULL || (c = calloc(1, sizeof(*c))) == NULL)
		return;
	c->dir = c->fd = -1;
	memcpy(c->cache_id, vrv_repo_cache_id(repo), VRV_CACHE_ID);
	memcpy(c->name, NAME, sizeof(NAME));
	vrv_hex(c->name + sizeof(NAME) - 1, tag, VRV_TAG_SIZE);
	c->used = vrv_map_new(VRV_PREFIX_SIZE, 0);
	if (c->used == NULL ||
	    vrv_private_dir(vrv_repo_cache(repo), false, &c->dir, &unheard) !=
		0 ||
	    open_file(c, &unheard) != 0) {
		vrv_treecache_close(c);
		return;
	}
	read_segments(c);
	*ret = c;
}

static void
output_fini(struct output *out)
{
	vrv_buf_fini(&out->pending);
	vrv_buf_fini(&out->table);
}

void
vrv_treecache_close(struct vrv_treecache *c)
{
	if (c == NULL)
		return;
	/* Not kept: the file is as it was. */
	if (c->writing)
		(void)!ftruncate(c->fd, (off_t)c->valid);
	forget_segments(c);
	vrv_cleanup_fd(&c->fd);
	vrv_cleanup_fd(&c->dir);
	vrv_map_free(c->used);
	output_fini(&c->out);
	free(c);
}

static int
by_id(const void *a, const void *b)
{
	return memcmp(a, b, VRV_ID_SIZE);
}

/* Rows [from, from + n) of the table, in `buf` if they are not in memory. */
static const uint8_t *
rows_at(const struct vrv_treecache *c, const struct segment *s, uint64_t from,
    size_t n, uint8_t *buf)
{
	if (s->rows != NULL)
		return s->rows + from * ENTRY;
	return read_at(c->fd, s->table + from * ENTRY, buf, n * ENTRY) ? buf :
									 NULL;
}

/* Where the data have the chunk of a row; false if it cannot be one. */
static bool
read_row(const struct segment *s, const uint8_t *row, uint64_t *ret_at,
    uint32_t *ret_n)
{
	*ret_at = vrv_get_u64(row + 32);
	*ret_n = vrv_get_u32(row + 40);
	return *ret_at <= s->data_n && *ret_n <= s->data_n - *ret_at &&
	    *ret_n <= VRV_FRAME_PLAIN_MAX;
}

/* Where the segment has the chunk. Ids are uniform: the first guess is close.
 */
static bool
find_in(const struct vrv_treecache *c, const struct segment *s,
    const uint8_t *id, uint64_t *ret_at, uint32_t *ret_n)
{
	uint64_t lo = 0, hi = s->entries, top = 0;
	uint8_t buf[STEP_ROWS * ENTRY];

	for (int i = 0; i < 8; i++)
		top = top << 8 | id[i];
	uint64_t mid = (uint64_t)(((unsigned __int128)top * hi) >> 64);
	for (; lo < hi; mid = lo + (hi - lo) / 2) {
		uint64_t from =
		    mid > lo + STEP_ROWS / 2 ? mid - STEP_ROWS / 2 : lo;
		size_t n = (size_t)vrv_min(hi - from, STEP_ROWS);
		const uint8_t *rows = rows_at(c, s, from, n, buf);

		if (rows == NULL)
			return false;
		if (by_id(id, rows) < 0) {
			hi = from;
		} else if (by_id(id, rows + (n - 1) * ENTRY) > 0) {
			lo = from + n;
		} else {
			const uint8_t *e = bsearch(id, rows, n, ENTRY, by_id);

			return e != NULL && read_row(s, e, ret_at, ret_n);
		}
	}
	return false;
}

/* Where the file has the chunk. */
static bool
find(const struct vrv_treecache *c, const uint8_t *id, uint64_t *ret_at,
    uint32_t *ret_n)
{
	for (size_t i = c->n; i-- > 0;) {
		if (find_in(c, &c->segments[i], id, ret_at, ret_n)) {
			*ret_at += c->segments[i].data;
			return true;
		}
	}
	return false;
}

bool
vrv_treecache_get(struct vrv_treecache *c, const uint8_t id[VRV_ID_SIZE],
    struct vrv_buf *ret)
{
	uint64_t at;
	uint32_t n;

	vrv_buf_clear(ret);
	if (c == NULL || !find(c, id, &at, &n))
		return false;
	uint8_t *to = vrv_buf_extend(ret, n);
	return to != NULL && read_at(c->fd, at, to, n);
}

/* --- writing --- */

static void
output_flush(struct output *out)
{
	struct varve_err err;

	if (out->pending.failed ||
	    vrv_os_pwrite(out->fd, out->start + HEAD + out->data_n,
		out->pending.data, out->pending.len, &err) != 0)
		out->failed = true;
	out->data_n += out->pending.len;
	vrv_buf_clear(&out->pending);
}

static void
output_add(struct output *out, const uint8_t *id, const uint8_t *bytes,
    size_t n)
{
	vrv_buf_bytes(&out->table, id, VRV_ID_SIZE);
	vrv_buf_u64(&out->table, out->data_n + out->pending.len);
	vrv_buf_u32(&out->table, (uint32_t)n);
	vrv_buf_bytes(&out->pending, bytes, n);
	if (out->pending.len >= STEP)
		output_flush(out);
}

/* Everything but the head, then the head: it makes the segment valid. */
static bool
output_finish(struct output *out, const uint8_t *cache_id)
{
	vrv_auto_buf struct vrv_buf head = {0};
	uint8_t sum[VRV_XXH_SIZE] = {0};
	struct varve_err err;

	output_flush(out);
	if (out->failed || out->table.failed)
		return false;
	qsort(out->table.data, out->table.len / ENTRY, ENTRY, by_id);
	for (size_t at = 0; at < out->table.len; at += STEP_ROWS * ENTRY)
		add_to_sum(sum, out->table.data + at,
		    vrv_min(out->table.len - at, STEP_ROWS * ENTRY) / ENTRY);
	vrv_buf_bytes(&head, MAGIC, 8);
	vrv_buf_bytes(&head, cache_id, VRV_CACHE_ID);
	vrv_buf_u64(&head, out->data_n);
	vrv_buf_u64(&head, out->table.len / ENTRY);
	vrv_buf_bytes(&head, sum, sizeof(sum));
	return !head.failed &&
	    vrv_os_pwrite(out->fd, out->start + HEAD + out->data_n,
		out->table.data, out->table.len, &err) == 0 &&
	    vrv_os_pwrite(out->fd, out->start, head.data, head.len, &err) == 0;
}

/* Begin a segment behind the last whole one. Another run of the series may be
 * writing, or may have written since we looked: then this one keeps nothing. */
static bool
begin(struct vrv_treecache *c)
{
	struct segment segment;
	struct stat st;
	uint64_t end;

	/* The head of a segment is written last. */
	bool more =
	    c->n < SEGMENTS_MAX && read_segment(c, c->valid, &segment, &end);
	if (more)
		free(segment.rows);
	if (more || flock(c->fd, LOCK_EX | LOCK_NB) != 0 ||
	    fstat(c->fd, &st) != 0 || (uint64_t)st.st_size != c->size ||
	    (c->valid != c->size && ftruncate(c->fd, (off_t)c->valid) != 0)) {
		c->silent = true;
		return false;
	}
	c->out.fd = c->fd;
	c->out.start = c->valid;
	c->writing = true;
	return true;
}

/* What this run uses is more than a cache keeps: forget it. */
static void
give_up(struct vrv_treecache *c)
{
	c->silent = c->too_large = true;
	vrv_map_free(c->used);
	c->used = NULL;
	output_fini(&c->out);
}

void
vrv_treecache_put(struct vrv_treecache *c, const uint8_t id[VRV_ID_SIZE],
    const uint8_t *bytes, size_t n)
{
	uint64_t old;
	uint32_t old_n;
	bool fresh;

	if (c == NULL || c->silent)
		return;
	if (vrv_map_put(c->used, id, &fresh) == NULL) {
		c->silent = true;
		return;
	}
	if (!fresh)
		return;
	c->used_bytes += n;
	if (c->used_bytes > KEEP_MAX) {
		give_up(c);
		return;
	}
	if (find(c, id, &old, &old_n) || (!c->writing && !begin(c)))
		return;
	output_add(&c->out, id, bytes, n);
}

/* Copy what this run used of one segment. */
static bool
copy_segment(const struct vrv_treecache *c, const struct segment *s,
    struct output *to)
{
	uint8_t buf[STEP_ROWS * ENTRY];
	vrv_auto_buf struct vrv_buf chunk = {0};

	for (uint64_t i = 0; i < s->entries; i += STEP_ROWS) {
		size_t n = (size_t)vrv_min(s->entries - i, STEP_ROWS);
		const uint8_t *rows = rows_at(c, s, i, n, buf);

		for (size_t k = 0; rows != NULL && k < n; k++) {
			const uint8_t *e = rows + k * ENTRY;
			uint64_t at;
			uint32_t len;

			if (vrv_map_get(c->used, e) == NULL ||
			    !read_row(s, e, &at, &len))
				continue;
			vrv_buf_clear(&chunk);
			uint8_t *bytes = vrv_buf_extend(&chunk, len);
			if (bytes == NULL ||
			    !read_at(c->fd, s->data + at, bytes, len))
				return false;
			output_add(to, e, bytes, len);
		}
		if (rows == NULL)
			return false;
	}
	return true;
}

/* Write what this run used to a new file in place of the old. What the run
 * added is a segment of the old file by now. */
static void
rewrite(struct vrv_treecache *c)
{
	struct vrv_newfile file;
	struct varve_err unheard;
	struct output out = {0};
	bool whole = true;

	read_segments(c);
	if (vrv_newfile_open(c->dir, 0600, &file, &unheard) != 0)
		return;
	out.fd = file.fd;
	for (size_t i = 0; whole && i < c->n; i++)
		whole = copy_segment(c, &c->segments[i], &out);
	/* Not synchronized: the sums tell what a crash has torn, and the ids
	 * what it has lost. */
	if (whole && output_finish(&out, c->cache_id) &&
	    renameat(c->dir, file.name, c->dir, c->name) == 0)
		vrv_cleanup_fd(&file.fd);
	else
		vrv_newfile_abort(&file);
	output_fini(&out);
}

void
vrv_treecache_keep(struct vrv_treecache *c)
{
	if (c != NULL && c->too_large)
		(void)unlinkat(c->dir, c->name, 0);
	if (c == NULL || c->silent || !c->writing)
		return;
	if (!output_finish(&c->out, c->cache_id))
		return;
	c->writing = false;
	if (c->n + 1 >= SEGMENTS_MAX ||
	    c->valid + c->out.data_n > 2 * c->used_bytes + SLACK)
		rewrite(c);
}
