/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "extract/extract_internal.h"
#include "util/mem.h"

#define RUNS_MAX 64
#define FETCH_CACHE ((size_t)8 << 20) /* frames with other copies, bases */

struct vrv_fetcher {
	struct vrv_restore *run;
	struct vrv_reader *reader;
	struct vrv_opened opened;
	bool open; /* `opened` is the job's frame */
	/* Ids of its chunks, computed when first asked for. */
	bool known[VRV_FRAME_CHUNKS_MAX];
	uint8_t ids[VRV_FRAME_CHUNKS_MAX][VRV_ID_SIZE];
};

int
vrv_fetcher_new(struct vrv_restore *run, struct vrv_fetcher **ret,
    struct varve_err *err)
{
	struct vrv_fetcher *fetcher = calloc(1, sizeof(*fetcher));

	if (fetcher == NULL)
		return VRV_NOMEM(err, "a reader");
	fetcher->run = run;
	int rc = vrv_reader_new(run->repo, FETCH_CACHE, &fetcher->reader, err);
	if (rc != 0) {
		free(fetcher);
		return rc;
	}
	vrv_reader_remember(fetcher->reader, run->failures);
	*ret = fetcher;
	return 0;
}

void
vrv_fetcher_free(struct vrv_fetcher *fetcher)
{
	if (fetcher == NULL)
		return;
	vrv_reader_free(fetcher->reader);
	vrv_opened_fini(&fetcher->opened);
	free(fetcher);
}

/* The bytes of a piece in the opened frame; NULL if it has not got them. */
static const uint8_t *
in_frame(struct vrv_fetcher *fetcher, const struct vrv_piece *piece)
{
	const struct vrv_opened *opened = &fetcher->opened;
	uint32_t i = piece->ordinal;

	if (!fetcher->open || i >= opened->n ||
	    opened->lengths[i] != piece->length)
		return NULL;
	const uint8_t *bytes = opened->plain.data + opened->offsets[i];
	if (!fetcher->known[i]) {
		vrv_chunk_id(vrv_repo_keys(fetcher->run->repo), VRV_FRAME_DATA,
		    bytes, piece->length, fetcher->ids[i]);
		fetcher->known[i] = true;
	}
	return memcmp(fetcher->ids[i], piece->id, VRV_ID_SIZE) == 0 ? bytes :
								      NULL;
}

/* From this frame, or from wherever there is a good copy. */
static int
bytes_of(struct vrv_fetcher *fetcher, const struct vrv_piece *piece,
    const uint8_t **ret, struct varve_err *err)
{
	size_t n;

	*ret = in_frame(fetcher, piece);
	if (*ret != NULL)
		return 0;
	int rc = vrv_reader_get(fetcher->reader, VRV_FRAME_DATA, piece->id, ret,
	    &n, err);
	if (rc == 0 && n != piece->length)
		return vrv_fail(err, VARVE_CORRUPT,
		    "a chunk is %zu bytes long instead of %u", n,
		    piece->length);
	return rc;
}

static const struct vrv_piece *
piece_at(const struct vrv_plan *plan, uint32_t i)
{
	return &plan->pieces[plan->order[i]];
}

static int
piece_by_piece(struct vrv_fetcher *fetcher, const struct vrv_plan *plan,
    uint32_t first, uint32_t n, struct varve_err *err)
{
	struct vrv_outfile *file = piece_at(plan, first)->file;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < n; i++) {
		const struct vrv_piece *piece = piece_at(plan, first + i);
		const uint8_t *bytes;
		if (atomic_load(&file->failed))
			break;
		rc = bytes_of(fetcher, piece, &bytes, err);
		if (rc == 0)
			rc = vrv_outfile_write(fetcher->run, file,
			    piece->offset, bytes, piece->length, err);
		if (rc == 0)
			vrv_restore_add(fetcher->run, file->folder, file->name,
			    0, piece->length);
	}
	if (rc != 0)
		rc = vrv_outfile_fail(fetcher->run, file, err);
	return rc == 0 ? vrv_outfile_done(fetcher->run, file, n, err) : rc;
}

/* All pieces of a file lie in this frame: one go. *ret_done is false if one
 * must be looked for elsewhere. */
static int
one_go(struct vrv_fetcher *fetcher, const struct vrv_plan *plan, uint32_t first,
    uint32_t n, bool *ret_done, struct varve_err *err)
{
	struct vrv_run runs[RUNS_MAX];
	uint64_t total = 0;
	uint32_t n_runs = 0;

	for (uint32_t i = 0; i < n; i++) {
		const struct vrv_piece *piece = piece_at(plan, first + i);
		const uint8_t *bytes = in_frame(fetcher, piece);
		if (bytes == NULL)
			return 0;
		struct vrv_run *last = &runs[n_runs == 0 ? 0 : n_runs - 1];
		if (n_runs > 0 && last->bytes + last->n == bytes &&
		    last->offset + last->n == piece->offset)
			last->n += piece->length;
		else
			runs[n_runs++] = (struct vrv_run){bytes, piece->length,
			    piece->offset};
		total += piece->length;
	}
	*ret_done = true;
	struct vrv_outfile *file = piece_at(plan, first)->file;
	vrv_restore_add(fetcher->run, file->folder, file->name, 0, total);
	return vrv_outfile_whole(fetcher->run, file, runs, n_runs, err);
}

int
vrv_fetcher_do(struct vrv_fetcher *fetcher, const struct vrv_plan *plan,
    const struct vrv_frame_job *job, struct varve_err *err)
{
	/* If it cannot be read, each of its chunks is looked for elsewhere;
	 * the readers remember the frame and its error. */
	fetcher->open = vrv_reader_frame(fetcher->reader, &job->at,
			    &fetcher->opened, err) == 0;
	if (!fetcher->open && vrv_err_is_fatal(err))
		return err->code;
	vrv_err_clear(err);
	memset(fetcher->known, 0, sizeof(fetcher->known));

	uint32_t end = job->first + job->n;
	for (uint32_t at = job->first, n; at < end; at += n) {
		struct vrv_outfile *file = piece_at(plan, at)->file;
		bool done = false;
		int rc = 0;
		for (n = 1; at + n < end; n++)
			if (piece_at(plan, at + n)->file != file)
				break;
		if (file->whole && n == file->n_pieces && n <= RUNS_MAX)
			rc = one_go(fetcher, plan, at, n, &done, err);
		if (rc == 0 && !done)
			rc = piece_by_piece(fetcher, plan, at, n, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}
