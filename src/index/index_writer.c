/* SPDX-License-Identifier: BSD-2-Clause */
#include "index/index_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "index/index_layout.h"
#include "os/file.h"
#include "util/mem.h"

#define BLOCKS_AT_ONCE 64

int
vrv_run_writer_begin(struct vrv_run_writer *w, int fd, struct varve_err *err)
{
	*w = (struct vrv_run_writer){.fd = fd, .block = 1};
	vrv_random(w->id, sizeof(w->id));
	w->blocks = vrv_alloc_array(BLOCKS_AT_ONCE, VRV_RUN_BLOCK);
	return w->blocks == NULL ? VRV_NOMEM(err, "a run") : 0;
}

void
vrv_run_writer_fini(struct vrv_run_writer *w)
{
	free(w->blocks);
	vrv_buf_fini(&w->fence);
}

static int
write_out(struct vrv_run_writer *w, struct varve_err *err)
{
	size_t n = w->n_blocks;

	w->n_blocks = 0;
	if (n == 0)
		return 0;
	return vrv_os_pwrite(w->fd, (w->block - n) * VRV_RUN_BLOCK, w->blocks,
	    n * VRV_RUN_BLOCK, err);
}

static uint8_t *
current_block(struct vrv_run_writer *w)
{
	return w->blocks + w->n_blocks * VRV_RUN_BLOCK;
}

/* The block being filled is done. */
static int
end_block(struct vrv_run_writer *w, struct varve_err *err)
{
	uint8_t *block = current_block(w);

	if (w->fill == 0)
		return 0;
	memset(block + w->fill, 0, VRV_RUN_PAYLOAD - w->fill);
	vrv_run_block_sum(block, w->id, w->block, block + VRV_RUN_PAYLOAD);
	w->fill = 0;
	w->block++;
	w->n_blocks++;
	return w->n_blocks == BLOCKS_AT_ONCE ? write_out(w, err) : 0;
}

int
vrv_run_writer_section(struct vrv_run_writer *w, enum vrv_section section,
    struct varve_err *err)
{
	int rc = end_block(w, err);

	if (rc != 0)
		return rc;
	w->section = section;
	w->start[section] = w->block;
	return 0;
}

int
vrv_run_writer_put(struct vrv_run_writer *w, const void *row,
    struct varve_err *err)
{
	size_t size = vrv_row_size(w->section);

	if (w->fill + size > VRV_RUN_PAYLOAD) {
		int rc = end_block(w, err);
		if (rc != 0)
			return rc;
	}
	if (w->fill == 0 && w->section == VRV_S_RECORDS)
		vrv_buf_bytes(&w->fence, row, VRV_PREFIX_SIZE);
	memcpy(current_block(w) + w->fill, row, size);
	w->fill += size;
	w->count[w->section]++;
	return 0;
}

static int
write_fence(struct vrv_run_writer *w, struct varve_err *err)
{
	int rc = vrv_buf_check(&w->fence, err);

	if (rc == 0)
		rc = vrv_run_writer_section(w, VRV_S_FENCE, err);
	for (size_t at = 0; rc == 0 && at < w->fence.len; at += VRV_PREFIX_SIZE)
		rc = vrv_run_writer_put(w, w->fence.data + at, err);
	return rc;
}

static int
write_header(struct vrv_run_writer *w, const uint8_t cache_id[VRV_CACHE_ID],
    struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf b = {0};
	uint8_t sum[VRV_XXH_SIZE];

	vrv_buf_bytes(&b, VRV_RUN_MAGIC, VRV_RUN_MAGIC_SIZE);
	vrv_buf_bytes(&b, w->id, VRV_RUN_ID);
	vrv_buf_bytes(&b, cache_id, VRV_CACHE_ID);
	for (int s = 0; s < VRV_SECTIONS; s++)
		vrv_buf_u64(&b, w->count[s]);
	vrv_buf_zero(&b, VRV_RUN_PAYLOAD - b.len);
	int rc = vrv_buf_check(&b, err);
	if (rc != 0)
		return rc;
	vrv_run_block_sum(b.data, w->id, 0, sum);
	vrv_buf_bytes(&b, sum, sizeof(sum));
	rc = vrv_buf_check(&b, err);
	if (rc != 0)
		return rc;
	assert(b.len == VRV_RUN_BLOCK);
	return vrv_os_pwrite(w->fd, 0, b.data, b.len, err);
}

int
vrv_run_writer_end(struct vrv_run_writer *w,
    const uint8_t cache_id[VRV_CACHE_ID], struct varve_err *err)
{
	int rc = write_fence(w, err);

	if (rc == 0)
		rc = end_block(w, err);
	if (rc == 0)
		rc = write_out(w, err);
	return rc == 0 ? write_header(w, cache_id, err) : rc;
}

static int
put_sorted(const struct vrv_mem *mem, struct vrv_run_writer *w,
    struct varve_err *err)
{
	vrv_auto_free uint32_t *order = NULL;

	int rc = vrv_mem_sort(mem, &order, err);
	for (size_t i = 0; rc == 0 && i < mem->t[VRV_S_RECORDS].n; i++)
		rc = vrv_run_writer_put(w,
		    vrv_mem_row(mem, VRV_S_RECORDS, order[i]), err);
	return rc;
}

int
vrv_run_fill_mem(void *arg, struct vrv_run_writer *w, struct varve_err *err)
{
	const struct vrv_mem *mem = arg;
	int rc = 0;

	for (enum vrv_section s = 0; rc == 0 && s < VRV_S_RECORDS; s++) {
		rc = vrv_run_writer_section(w, s, err);
		for (size_t i = 0; rc == 0 && i < mem->t[s].n; i++)
			rc = vrv_run_writer_put(w, vrv_mem_row(mem, s, i), err);
	}
	if (rc == 0)
		rc = vrv_run_writer_section(w, VRV_S_RECORDS, err);
	return rc == 0 ? put_sorted(mem, w, err) : rc;
}
