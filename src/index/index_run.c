/* SPDX-License-Identifier: BSD-2-Clause */
#include "index/index_internal.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "index/index_layout.h"
#include "os/file.h"
#include "util/mem.h"

/* Half the blocks around a guess that are searched first. Prefixes are
 * uniform: among 10^8 a guess is off by some 30 blocks. */
#define GUESS_WIDTH 64

int
vrv_index_damaged(struct varve_err *err)
{
	return vrv_fail(err, VARVE_CORRUPT,
	    "the local cache of the chunk index is damaged; "
	    "its folder may be removed");
}

void
vrv_run_block_sum(const uint8_t *block, const uint8_t id[VRV_RUN_ID],
    uint64_t number, uint8_t out[VRV_XXH_SIZE])
{
	uint8_t place[8];

	vrv_xxh(out, block, VRV_RUN_PAYLOAD);
	for (int i = 0; i < VRV_XXH_SIZE; i++)
		out[i] ^= id[i];
	vrv_put_u64(place, number);
	for (int i = 0; i < 8; i++)
		out[i] ^= place[i];
}

/* Read block `number` and verify it. */
static bool
read_block(const struct vrv_run *run, uint64_t number,
    uint8_t to[VRV_RUN_BLOCK])
{
	uint8_t sum[VRV_XXH_SIZE];
	struct varve_err unheard;
	size_t n;

	if (vrv_os_pread(run->fd, number * VRV_RUN_BLOCK, to, VRV_RUN_BLOCK, &n,
		&unheard) != 0 ||
	    n != VRV_RUN_BLOCK)
		return false;
	vrv_run_block_sum(to, run->id, number, sum);
	return memcmp(sum, to + VRV_RUN_PAYLOAD, VRV_XXH_SIZE) == 0;
}

/* Block `number`, if it is what was written. */
static const uint8_t *
block_at(struct vrv_run *run, struct vrv_run_at *at, uint64_t number)
{
	if (number != 0 && at->block == number)
		return at->bytes;
	at->block = number;
	if (at->blocks != NULL &&
	    vrv_blocks_get(at->blocks, run->serial, number, at->bytes))
		return at->bytes;
	if (!read_block(run, number, at->bytes)) {
		at->block = 0;
		atomic_store(&run->bad, true);
		return NULL;
	}
	if (at->blocks != NULL)
		vrv_blocks_put(at->blocks, run->serial, number, at->bytes);
	return at->bytes;
}

const uint8_t *
vrv_run_row(struct vrv_run *run, struct vrv_run_at *at,
    enum vrv_section section, uint64_t i)
{
	size_t size = vrv_row_size(section);
	size_t per_block = VRV_RUN_PAYLOAD / size;

	if (i >= run->count[section]) {
		atomic_store(&run->bad, true);
		return NULL;
	}
	const uint8_t *block =
	    block_at(run, at, run->start[section] + i / per_block);
	return block == NULL ? NULL : block + (size_t)(i % per_block) * size;
}

/* --- opening --- */

static int
read_header(struct vrv_run *run, const uint8_t cache_id[VRV_CACHE_ID],
    struct varve_err *err)
{
	struct vrv_run_at at;
	uint64_t blocks = run->size / VRV_RUN_BLOCK, next = 1;

	at.blocks = NULL;
	at.block = 0;
	const uint8_t *block = block_at(run, &at, 0);
	if (block == NULL)
		return vrv_index_damaged(err);
	struct vrv_rd r = vrv_rd_over(block, VRV_RUN_PAYLOAD);
	const uint8_t *magic = vrv_rd_bytes(&r, VRV_RUN_MAGIC_SIZE);
	const uint8_t *id = vrv_rd_bytes(&r, VRV_RUN_ID);
	const uint8_t *of = vrv_rd_bytes(&r, VRV_CACHE_ID);
	if (memcmp(magic, VRV_RUN_MAGIC, VRV_RUN_MAGIC_SIZE) != 0)
		return vrv_fail(err, VARVE_FORMAT, "no run of this version");
	if (memcmp(id, run->id, VRV_RUN_ID) != 0 ||
	    memcmp(of, cache_id, VRV_CACHE_ID) != 0)
		return vrv_fail(err, VARVE_CORRUPT,
		    "a run of another repository");
	for (int s = 0; s < VRV_SECTIONS; s++) {
		uint64_t per_block =
		    VRV_RUN_PAYLOAD / vrv_row_size((enum vrv_section)s);
		uint64_t count = vrv_rd_u64(&r);
		uint64_t n = count / per_block + (count % per_block != 0);

		if (n > blocks - next)
			return vrv_index_damaged(err);
		run->count[s] = count;
		run->start[s] = next;
		next += n;
	}
	return next == blocks ? 0 : vrv_index_damaged(err);
}

/* All rows of a short section, verified. */
static int
copy_section(struct vrv_run *run, enum vrv_section section, uint8_t **ret,
    struct varve_err *err)
{
	size_t size = vrv_row_size(section);
	struct vrv_run_at at;

	at.blocks = NULL;
	at.block = 0;
	*ret = vrv_alloc_array((size_t)run->count[section], size);
	if (*ret == NULL)
		return VRV_NOMEM(err, "a run");
	for (uint64_t i = 0; i < run->count[section]; i++) {
		const uint8_t *row = vrv_run_row(run, &at, section, i);
		if (row == NULL)
			return vrv_index_damaged(err);
		memcpy(*ret + (size_t)i * size, row, size);
	}
	return 0;
}

/* Rows of u32 object and 16 bytes name objects that are there. */
static int
check_said(const struct vrv_run *run, const uint8_t *rows,
    enum vrv_section section, struct varve_err *err)
{
	for (uint64_t i = 0; i < run->count[section]; i++) {
		if (vrv_get_u32(rows + i * 20) >= run->count[VRV_S_OBJECTS])
			return vrv_index_damaged(err);
	}
	return 0;
}

static int
load(struct vrv_run *run, const uint8_t cache_id[VRV_CACHE_ID],
    struct varve_err *err)
{
	int rc = read_header(run, cache_id, err);

	if (rc == 0)
		rc = copy_section(run, VRV_S_OBJECTS, &run->objects, err);
	if (rc == 0)
		rc = copy_section(run, VRV_S_SUPERSEDED, &run->superseded, err);
	if (rc == 0)
		rc = copy_section(run, VRV_S_LOST, &run->lost, err);
	if (rc == 0)
		rc = check_said(run, run->superseded, VRV_S_SUPERSEDED, err);
	if (rc == 0)
		rc = check_said(run, run->lost, VRV_S_LOST, err);
	if (rc != 0)
		return rc;
	run->live = vrv_alloc_array((size_t)run->count[VRV_S_OBJECTS], 1);
	return run->live == NULL ? VRV_NOMEM(err, "a run") : 0;
}

int
vrv_run_open(int take_fd, const uint8_t id[VRV_RUN_ID],
    const uint8_t cache_id[VRV_CACHE_ID], struct vrv_run **ret,
    struct varve_err *err)
{
	vrv_auto_fd fd = take_fd;
	struct stat st;

	if (fstat(fd, &st) != 0)
		return vrv_fail_sys(err, errno, "run");
	if (!S_ISREG(st.st_mode) || st.st_size < VRV_RUN_BLOCK ||
	    st.st_size % VRV_RUN_BLOCK != 0)
		return vrv_index_damaged(err);
	struct vrv_run *run = calloc(1, sizeof(*run));
	if (run == NULL)
		return VRV_NOMEM(err, "a run");
	memcpy(run->id, id, VRV_RUN_ID);
	run->size = (uint64_t)st.st_size;
	run->fd = vrv_steal_fd(&fd);
	int rc = load(run, cache_id, err);
	if (rc != 0) {
		vrv_run_free(run);
		return rc;
	}
	*ret = run;
	return 0;
}

void
vrv_run_free(struct vrv_run *run)
{
	if (run == NULL)
		return;
	(void)close(run->fd);
	free(run->objects);
	free(run->superseded);
	free(run->lost);
	free(run->live);
	free(run);
}

/* --- searching --- */

struct search {
	struct vrv_run *run;
	struct vrv_run_at *at;
	const uint8_t *prefix;
	bool failed;
};

/* Is row `i` of the section before the prefix? */
static bool
before(struct search *s, enum vrv_section section, uint64_t i)
{
	const uint8_t *row = vrv_run_row(s->run, s->at, section, i);

	if (row == NULL)
		s->failed = true;
	return row != NULL && memcmp(row, s->prefix, VRV_PREFIX_SIZE) < 0;
}

/* The first row in [lo, hi) that is not before the prefix, or hi. */
static uint64_t
lower_bound(struct search *s, enum vrv_section section, uint64_t lo,
    uint64_t hi)
{
	while (lo < hi && !s->failed) {
		uint64_t mid = lo + (hi - lo) / 2;
		if (before(s, section, mid))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The first block of records whose first prefix is not before the prefix. */
static uint64_t
find_block(struct search *s)
{
	uint64_t n = s->run->count[VRV_S_FENCE], lo = 0, hi = n;
	uint64_t top = 0;

	if (n == 0)
		return 0;
	for (int i = 0; i < 8; i++)
		top = top << 8 | s->prefix[i];
	uint64_t guess = (uint64_t)(((unsigned __int128)top * n) >> 64);
	uint64_t left = guess > GUESS_WIDTH ? guess - GUESS_WIDTH : 0;
	uint64_t right = guess + GUESS_WIDTH < n ? guess + GUESS_WIDTH : n - 1;
	if (before(s, VRV_S_FENCE, left))
		lo = left + 1;
	else
		hi = left;
	if (lo <= right && right < hi) {
		if (before(s, VRV_S_FENCE, right))
			lo = right + 1;
		else
			hi = right;
	}
	return lower_bound(s, VRV_S_FENCE, lo, hi);
}

int
vrv_run_search(struct vrv_run *run, struct vrv_run_at *at,
    const uint8_t *prefix, uint64_t *ret_first, uint64_t *ret_end,
    struct varve_err *err)
{
	const uint64_t per_block =
	    VRV_RUN_PAYLOAD / vrv_row_size(VRV_S_RECORDS);
	uint64_t count = run->count[VRV_S_RECORDS];
	struct search s = {.run = run, .at = at, .prefix = prefix};

	/* The block before it may end with the prefix. */
	uint64_t block = find_block(&s);
	uint64_t hi = block * per_block;
	uint64_t lo = block == 0 ? 0 : hi - per_block;
	uint64_t first =
	    lower_bound(&s, VRV_S_RECORDS, lo, hi < count ? hi : count);
	uint64_t end = first;
	while (!s.failed && end < count) {
		const uint8_t *row = vrv_run_row(run, at, VRV_S_RECORDS, end);
		if (row == NULL)
			s.failed = true;
		else if (memcmp(row, prefix, VRV_PREFIX_SIZE) != 0)
			break;
		else
			end++;
	}
	if (s.failed)
		return vrv_index_damaged(err);
	*ret_first = first;
	*ret_end = end;
	return 0;
}

/* --- either kind of tables --- */

const uint8_t *
vrv_view_row(struct vrv_view *view, enum vrv_section section, uint64_t i)
{
	return view->run != NULL ?
	    vrv_run_row(view->run, &view->at, section, i) :
	    vrv_mem_row(view->mem, section, i);
}

uint64_t
vrv_view_count(const struct vrv_view *view, enum vrv_section section)
{
	return view->run != NULL ? view->run->count[section] :
				   view->mem->t[section].n;
}
