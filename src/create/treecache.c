/* SPDX-License-Identifier: BSD-2-Clause */
#include "create/treecache.h"

#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/file.h"
#include "util/hash.h"
#include "util/hex.h"
#include "util/map.h"
#include "util/mem.h"

/*
 * Segment: head (magic b8, u64 bytes of data, u64 entries, b16 XXH3-128 of the
 * table), data, table. Table entry: b32 id, u64 offset in the data, u32 length.
 */
#define MAGIC "VRVTREE1"
#define HEAD 40
#define ENTRY 44
#define SEGMENTS_MAX 64
#define KEEP_MAX                                                               \
	((uint64_t)4 << 30) /* a cache larger than this is not kept            \
			     */
#define SLACK ((uint64_t)1 << 20)
#define STEP ((size_t)1 << 20)

struct segment {
	const uint8_t *data, *table;
	uint64_t data_n, entries;
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
	int fd;
	char *path;
	const uint8_t *map;
	size_t map_n, valid; /* of it: whole segments */
	struct segment segments[SEGMENTS_MAX];
	size_t n;
	struct output out;    /* what this run adds */
	bool writing, silent; /* out is in use; out cannot be used */
	struct vrv_map *used; /* id prefixes, each once */
	uint64_t used_bytes;
};

/* The segment at `at`, or false if what stands there is not one whole. */
static bool
read_segment(const uint8_t *map, size_t n, size_t at, struct segment *ret,
    size_t *ret_end)
{
	uint8_t sum[VRV_XXH_SIZE];
	const uint8_t *head = map + at;

	if (n - at < HEAD || memcmp(head, MAGIC, 8) != 0)
		return false;
	uint64_t data_n = vrv_get_u64(head + 8);
	uint64_t entries = vrv_get_u64(head + 16);
	uint64_t room = n - at - HEAD;
	if (data_n > room || entries > (room - data_n) / ENTRY)
		return false;
	*ret = (struct segment){head + HEAD, head + HEAD + data_n, data_n,
	    entries};
	vrv_xxh(sum, ret->table, entries * ENTRY);
	if (memcmp(sum, head + 24, sizeof(sum)) != 0)
		return false;
	*ret_end = at + HEAD + data_n + entries * ENTRY;
	return true;
}

static void
map_segments(struct vrv_treecache *c)
{
	struct stat st;
	size_t at = 0, end;

	if (fstat(c->fd, &st) != 0 || st.st_size == 0)
		return;
	void *map =
	    mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, c->fd, 0);
	if (map == MAP_FAILED)
		return;
	c->map = map;
	c->map_n = (size_t)st.st_size;
	while (c->n < SEGMENTS_MAX &&
	    read_segment(c->map, c->map_n, at, &c->segments[c->n], &end)) {
		c->n++;
		at = end;
	}
	c->valid = at;
}

void
vrv_treecache_open(struct vrv_repo *repo, const uint8_t tag[VRV_TAG_SIZE],
    struct vrv_treecache **ret)
{
	struct vrv_treecache *c;
	char hex[2 * VRV_TAG_SIZE + 1];

	*ret = NULL;
	if (vrv_repo_cache(repo) == NULL || (c = calloc(1, sizeof(*c))) == NULL)
		return;
	vrv_hex(hex, tag, VRV_TAG_SIZE);
	c->path = vrv_strf("%s/trees-%s", vrv_repo_cache(repo), hex);
	c->used = vrv_map_new(VRV_PREFIX_SIZE, 0);
	c->fd = c->path == NULL ?
	    -1 :
	    open(c->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (c->fd < 0 || c->used == NULL) {
		vrv_treecache_close(c);
		return;
	}
	map_segments(c);
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
	if (c->map != NULL)
		(void)munmap((void *)(uintptr_t)c->map, c->map_n);
	vrv_cleanup_fd(&c->fd);
	vrv_map_free(c->used);
	output_fini(&c->out);
	free(c->path);
	free(c);
}

bool
vrv_treecache_get(struct vrv_treecache *c, const uint8_t id[VRV_ID_SIZE],
    const uint8_t **ret, size_t *ret_n)
{
	if (c == NULL)
		return false;
	for (size_t i = c->n; i-- > 0;) {
		const struct segment *s = &c->segments[i];
		uint64_t lo = 0, hi = s->entries;

		while (lo < hi) {
			uint64_t mid = lo + (hi - lo) / 2;
			const uint8_t *e = s->table + mid * ENTRY;
			int cmp = memcmp(e, id, VRV_ID_SIZE);

			if (cmp == 0) {
				uint64_t at = vrv_get_u64(e + 32);
				uint32_t n = vrv_get_u32(e + 40);

				if (at > s->data_n || n > s->data_n - at)
					return false;
				*ret = s->data + at;
				*ret_n = n;
				return true;
			}
			if (cmp < 0)
				lo = mid + 1;
			else
				hi = mid;
		}
	}
	return false;
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

static int
by_id(const void *a, const void *b)
{
	return memcmp(a, b, VRV_ID_SIZE);
}

/* Everything but the head, then the head: it makes the segment valid. */
static bool
output_finish(struct output *out)
{
	vrv_auto_buf struct vrv_buf head = {0};
	uint8_t sum[VRV_XXH_SIZE];
	struct varve_err err;

	output_flush(out);
	if (out->failed || out->table.failed)
		return false;
	qsort(out->table.data, out->table.len / ENTRY, ENTRY, by_id);
	vrv_xxh(sum, out->table.data, out->table.len);
	vrv_buf_bytes(&head, MAGIC, 8);
	vrv_buf_u64(&head, out->data_n);
	vrv_buf_u64(&head, out->table.len / ENTRY);
	vrv_buf_bytes(&head, sum, sizeof(sum));
	return !head.failed &&
	    vrv_os_pwrite(out->fd, out->start + HEAD + out->data_n,
		out->table.data, out->table.len, &err) == 0 &&
	    vrv_os_pwrite(out->fd, out->start, head.data, head.len, &err) == 0;
}

/* Begin a segment behind the last whole one. Another run of the series may be
 * writing, or may have written since we looked: then this one keeps nothing.
 * (The head comes last, and the map shows what was written meanwhile.) */
static bool
begin(struct vrv_treecache *c)
{
	struct segment segment;
	struct stat st;
	size_t end;

	if (flock(c->fd, LOCK_EX | LOCK_NB) != 0 || fstat(c->fd, &st) != 0 ||
	    (uint64_t)st.st_size != c->map_n ||
	    (c->n < SEGMENTS_MAX &&
		read_segment(c->map, c->map_n, c->valid, &segment, &end)) ||
	    (c->valid != c->map_n && ftruncate(c->fd, (off_t)c->valid) != 0)) {
		c->silent = true;
		return false;
	}
	c->out.fd = c->fd;
	c->out.start = c->valid;
	c->writing = true;
	return true;
}

void
vrv_treecache_put(struct vrv_treecache *c, const uint8_t id[VRV_ID_SIZE],
    const uint8_t *bytes, size_t n)
{
	const uint8_t *old;
	size_t old_n;
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
	if (vrv_treecache_get(c, id, &old, &old_n) ||
	    (!c->writing && !begin(c)))
		return;
	output_add(&c->out, id, bytes, n);
}

/* Copy what this run used of the file's segments. */
static void
copy_used(const struct vrv_treecache *c, struct output *to)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct segment *s = &c->segments[i];

		for (uint64_t k = 0; k < s->entries; k++) {
			const uint8_t *e = s->table + k * ENTRY;
			uint64_t at = vrv_get_u64(e + 32);
			uint32_t n = vrv_get_u32(e + 40);

			if (vrv_map_get(c->used, e) != NULL &&
			    at <= s->data_n && n <= s->data_n - at)
				output_add(to, e, s->data + at, n);
		}
	}
}

/* Write what this run used to a new file in place of the old. What the run
 * added is a segment of the old file by now. */
static void
rewrite(struct vrv_treecache *c)
{
	struct output out = {.fd = -1};

	vrv_auto_free char *tmp = vrv_strf("%s.%d", c->path, (int)getpid());
	if (tmp == NULL)
		return;
	if (c->map != NULL)
		(void)munmap((void *)(uintptr_t)c->map, c->map_n);
	c->map = NULL;
	c->n = 0;
	map_segments(c);
	out.fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (out.fd < 0)
		return;
	copy_used(c, &out);
	if (!output_finish(&out) || rename(tmp, c->path) != 0)
		(void)unlink(tmp);
	vrv_cleanup_fd(&out.fd);
	output_fini(&out);
}

void
vrv_treecache_keep(struct vrv_treecache *c)
{
	if (c == NULL || c->silent || !c->writing)
		return;
	if (!output_finish(&c->out))
		return;
	c->writing = false;
	if (c->used_bytes > KEEP_MAX)
		(void)unlink(c->path);
	else if (c->n + 1 >= SEGMENTS_MAX ||
	    c->valid + c->out.data_n > 2 * c->used_bytes + SLACK)
		rewrite(c);
}
