/* SPDX-License-Identifier: BSD-2-Clause */
#include "create/pipeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "util/mem.h"

#define PAUSE_NS 200000000
/* How often a reader that waits for the writer of a FIFO looks for the end of
 * the run. */
#define AWAIT_MS 100

/* What is read before it is counted: a slow source shows that it is alive. */
#define READ_STEP ((size_t)256 << 10)

/* Read this much of a file of size 0, then look whether it still has no size:
 * if it has one, it grew since it was opened, and whoever makes it grow must
 * not decide how far the run reads. */
#define SIZELESS_MAX ((uint64_t)1 << 20)

/* One reader thread. Source errors end a file, repository errors the run: the
 * functions that can meet both return the code and set job->failed. */
struct reader {
	struct vrv_pipeline *p;
	struct vrv_chunker *chunker;
	uint32_t chunk_max;
	struct vrv_piece *piece; /* being filled, or NULL */
	struct vrv_job *job;
	struct vrv_segment *last; /* of the job, still held */
};

void
vrv_inode_unref(struct vrv_inode *inode)
{
	if (inode == NULL || atomic_fetch_sub(&inode->refs, 1) != 1)
		return;
	free(inode->content);
	free(inode);
}

void
vrv_job_free(struct vrv_job *job)
{
	if (job == NULL)
		return;
	while (job->first != NULL) {
		struct vrv_segment *next = job->first->next;

		free(job->first);
		job->first = next;
	}
	vrv_source_dir_unref(job->dir);
	vrv_inode_unref(job->inode);
	vrv_arena_fini(&job->arena);
	free(job->name);
	free(job);
}

size_t
vrv_piece_size(const struct vrv_repo *repo)
{
	return VRV_PIECE_TARGET + vrv_repo_config(repo)->chunk_max;
}

void
vrv_pipeline_wake(struct vrv_pipeline *p)
{
	pthread_mutex_lock(&p->done_lock);
	pthread_cond_broadcast(&p->done);
	pthread_mutex_unlock(&p->done_lock);
}

void
vrv_pipeline_pause(struct vrv_pipeline *p)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += PAUSE_NS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_cond_timedwait(&p->done, &p->done_lock, &until);
}

/* --- segments --- */

static void
let_go(struct vrv_pipeline *p, struct vrv_segment *segment)
{
	if (atomic_fetch_sub(&segment->pending, 1) == 1)
		vrv_pipeline_wake(p);
}

struct vrv_segment *
vrv_segment_new(uint32_t cap)
{
	struct vrv_segment *s =
	    malloc(sizeof(*s) + cap * sizeof(s->extents[0]));

	if (s == NULL)
		return NULL;
	s->next = NULL;
	s->n = 0;
	s->cap = cap;
	atomic_init(&s->pending, 1);
	return s;
}

/* Room for one more extent in the job's last segment. */
static int
add_extent(struct reader *r, uint64_t length, bool hole,
    struct vrv_segment **ret, uint32_t *ret_at, struct varve_err *err)
{
	struct vrv_segment *s = r->last;

	if (s->n == s->cap) {
		struct vrv_segment *next = vrv_segment_new(VRV_SEGMENT_MAX);

		if (next == NULL)
			return VRV_NOMEM(err, "a file's extents");
		s->next = next;
		let_go(r->p, s);
		r->last = s = next;
	}
	s->extents[s->n] = (struct vrv_extent){.length = length, .hole = hole};
	*ret = s;
	*ret_at = s->n++;
	return 0;
}

static void
count_read(struct reader *r, uint64_t n)
{
	r->job->read += n;
	r->p->read_bytes += n;
}

static int
add_hole(struct reader *r, uint64_t length, struct varve_err *err)
{
	struct vrv_segment *s;
	uint32_t at;

	r->job->size += length;
	count_read(r, length);
	return length == 0 ? 0 : add_extent(r, length, true, &s, &at, err);
}

/* --- pieces --- */

static int
need_piece(struct reader *r, struct varve_err *err)
{
	void *spare;

	if (r->piece != NULL)
		return 0;
	int rc = vrv_queue_pop(r->p->spare, &spare);
	if (rc != 0)
		return vrv_fail(err, VARVE_CANCELLED, "cancelled");
	r->piece = spare;
	r->piece->used = 0;
	r->piece->n = 0;
	return 0;
}

static int
send_piece(struct reader *r, struct varve_err *err)
{
	struct vrv_piece *piece = vrv_steal(&r->piece);

	if (piece == NULL)
		return 0;
	if (vrv_queue_push(r->p->pieces, piece, 0) != 0)
		return vrv_fail(err, VARVE_CANCELLED, "cancelled");
	return 0;
}

/* Send the piece but for its last `tail` bytes, which begin the next one. */
static int
carry_on(struct reader *r, size_t tail, struct varve_err *err)
{
	struct vrv_piece *old = vrv_steal(&r->piece);

	int rc = need_piece(r, err);
	if (rc != 0) {
		r->piece = old;
		return rc;
	}
	old->used -= tail;
	memcpy(r->piece->bytes, old->bytes + old->used, tail);
	r->piece->used = tail;
	if (vrv_queue_push(r->p->pieces, old, 0) != 0)
		return vrv_fail(err, VARVE_CANCELLED, "cancelled");
	return 0;
}

static int
add_chunk(struct reader *r, size_t offset, size_t length, struct varve_err *err)
{
	struct vrv_piece *piece = r->piece;
	struct vrv_piece_chunk *c;

	if (vrv_room_for_one(&piece->chunks, piece->n, &piece->cap,
		sizeof(*c)) != 0)
		return VRV_NOMEM(err, "a piece");
	c = &piece->chunks[piece->n];
	c->offset = (uint32_t)offset;
	c->length = (uint32_t)length;
	int rc = add_extent(r, length, false, &c->segment, &c->extent, err);
	if (rc != 0)
		return rc;
	atomic_fetch_add(&c->segment->pending, 1);
	piece->n++;
	return 0;
}

/* Cut what stands between *start and the end of the piece, as far as that is
 * certain; all of it if `last`. */
static int
cut(struct reader *r, size_t *start, bool last, struct varve_err *err)
{
	struct vrv_piece *piece = r->piece;
	int rc = 0;

	while (rc == 0 && *start < piece->used &&
	    (last || piece->used - *start >= r->chunk_max)) {
		size_t n = vrv_chunker_cut(r->chunker, piece->bytes + *start,
		    piece->used - *start, last);

		rc = add_chunk(r, *start, n, err);
		*start += n;
	}
	return rc;
}

/* --- one file --- */

/* Read until `n` bytes are there or the source ends, counting on the way. */
static bool
read_some(struct reader *r, int fd, bool seek, uint64_t at, void *to, size_t n,
    size_t *ret_n)
{
	struct vrv_source_err *err = &r->job->error;
	uint8_t *p = to;
	size_t done = 0, got = 1;

	while (done < n && got > 0) {
		size_t want = vrv_min(n - done, READ_STEP);
		bool ok = seek ?
		    vrv_source_pread(fd, at + done, p + done, want, &got, err) :
		    vrv_source_read(fd, p + done, want, &got, err);

		if (!ok)
			return false;
		count_read(r, got);
		done += got;
	}
	*ret_n = done;
	return true;
}

/* Read [from, to) and cut it; a file that ends before is fine. */
static int
read_run(struct reader *r, int fd, bool seek, uint64_t from, uint64_t to,
    struct varve_err *err)
{
	uint64_t at = from;
	bool end = false;

	int rc = need_piece(r, err);
	/* A chunk must fit in behind what the piece holds already. */
	if (rc == 0 && r->piece->size - r->piece->used < r->chunk_max &&
	    to - from > r->piece->size - r->piece->used)
		rc = send_piece(r, err);
	if (rc == 0)
		rc = need_piece(r, err);
	size_t start = rc == 0 ? r->piece->used : 0;
	while (rc == 0 && !end) {
		struct vrv_piece *piece = r->piece;

		if (vrv_pipeline_over(r->p))
			return vrv_fail(err, VARVE_CANCELLED, "cancelled");
		size_t room = piece->size - piece->used;
		size_t n, want = to - at < room ? (size_t)(to - at) : room;

		if (!read_some(r, fd, seek, at, piece->bytes + piece->used,
			want, &n)) {
			r->job->failed = true;
			piece->used = start;
			return 0;
		}
		piece->used += n;
		at += n;
		end = n < want || at == to;
		rc = cut(r, &start, end, err);
		if (rc == 0 && !end)
			rc = carry_on(r, piece->used - start, err);
		if (!end)
			start = 0;
	}
	r->job->size += at - from;
	if (rc == 0 && r->piece->used >= VRV_PIECE_TARGET)
		rc = send_piece(r, err);
	return rc;
}

static int
read_sparse(struct reader *r, int fd, uint64_t size, struct varve_err *err)
{
	uint64_t at = 0;
	int rc = 0;

	while (rc == 0 && at < size && !r->job->failed) {
		uint64_t from, to;

		if (!vrv_source_next_data(fd, at, size, &from, &to,
			&r->job->error)) {
			r->job->failed = true;
			break;
		}
		rc = add_hole(r, from - at, err);
		if (rc == 0 && from < to)
			rc = read_run(r, fd, true, from, to, err);
		/* It shrank meanwhile: what is there is what there is. */
		if (r->job->size < to)
			break;
		at = to;
	}
	return rc;
}

static bool
same_file(const struct vrv_stat *a, const struct vrv_stat *b)
{
	return a->size == b->size && vrv_time_cmp(a->mtime, b->mtime) == 0 &&
	    vrv_time_cmp(a->ctime, b->ctime) == 0;
}

/* The open file must be the one that the walk saw, or at least of its kind:
 * a name may have been given to something else meanwhile. */
static bool
look_again(struct reader *r, int fd, bool *ret_same)
{
	struct vrv_source_dir self = {.fd = fd};
	struct vrv_stat now;
	struct vrv_job *job = r->job;

	if (!vrv_source_stat(&self, "", &now, &job->error))
		return false;
	if (now.kind != job->st.kind) {
		job->error = (struct vrv_source_err){ESTALE, "open"};
		return false;
	}
	*ret_same = now.inode == job->st.inode;
	job->st = now;
	return true;
}

/* Is the content of this name stored already, under another one? If it was
 * but is another now, the names part: a reader of the archive takes those of
 * one inode to have one content. */
static bool
is_stored(struct vrv_job *job, bool same)
{
	const struct vrv_inode *inode = job->inode;

	/* No lock: it is the turn of this name. */
	if (inode == NULL || !inode->read || !same)
		return false;
	if (job->st.size == inode->st.size &&
	    vrv_time_cmp(job->st.mtime, inode->st.mtime) == 0 &&
	    job->st.has_btime == inode->st.has_btime &&
	    (!job->st.has_btime ||
		vrv_time_cmp(job->st.btime, inode->st.btime) == 0))
		return true;
	job->st.nlink = 1;
	return false;
}

/* A file of size 0 is empty, or lies on a file system that knows no sizes, as
 * proc and some in user space do. */
static int
read_sizeless(struct reader *r, int fd, struct varve_err *err)
{
	struct vrv_source_dir self = {.fd = fd};
	struct vrv_job *job = r->job;
	struct vrv_stat now;

	int rc = read_run(r, fd, false, 0, SIZELESS_MAX, err);
	if (rc != 0 || job->failed || job->size < SIZELESS_MAX)
		return rc;
	if (!vrv_source_stat(&self, "", &now, &job->error)) {
		job->failed = true;
		return 0;
	}
	return now.size > 0 ?
	    0 :
	    read_run(r, fd, false, SIZELESS_MAX, UINT64_MAX, err);
}

static int
read_content(struct reader *r, int fd, struct varve_err *err)
{
	const struct vrv_stat *st = &r->job->st;

	if (st->size == 0)
		return read_sizeless(r, fd, err);
	return st->blocks * 512 < st->size ?
	    read_sparse(r, fd, st->size, err) :
	    read_run(r, fd, false, 0, st->size, err);
}

/* Read an open regular file and see whether it stood still. */
static int
read_file(struct reader *r, int fd, struct varve_err *err)
{
	struct vrv_source_dir self = {.fd = fd};
	struct vrv_job *job = r->job;
	struct vrv_stat after;
	bool same;
	int rc = 0;

	if (!look_again(r, fd, &same) ||
	    !vrv_source_meta(fd, "", VRV_FILE, &r->p->want, &job->arena,
		&job->meta, &job->error)) {
		job->failed = true;
		return 0;
	}
	if (r->p->options->exclude_nodump &&
	    (job->meta.iflags & VRV_NODUMP) != 0) {
		job->nodump = true;
		return 0;
	}
	job->linked = is_stored(job, same);
	if (job->linked)
		return 0;
	rc = read_content(r, fd, err);
	if (rc != 0 || job->failed)
		return rc;
	if (!vrv_source_stat(&self, "", &after, &job->error)) {
		job->failed = true;
		return 0;
	}
	/* The stat decides; but a file that ends before its size has not been
	 * read whole. On proc and sysfs both mean nothing: reading the
	 * attributes of a file of sysfs sets its times. */
	bool same_stat = same_file(&job->st, &after);
	if ((!same_stat || job->size < job->st.size) &&
	    !vrv_source_is_sizeless(fd)) {
		job->changed = !same_stat;
		job->cut = same_stat;
	}
	job->shares = job->inode != NULL && !job->inode->read && same;
	return 0;
}

static int
read_stream(struct reader *r, int fd, struct varve_err *err)
{
	return read_run(r, fd, false, 0, UINT64_MAX, err);
}

static int
await_writer(struct reader *r, int fd, struct varve_err *err)
{
	struct vrv_job *job = r->job;
	bool ready = false;

	while (!ready) {
		if (vrv_pipeline_over(r->p))
			return vrv_fail(err, VARVE_CANCELLED, "cancelled");
		if (!vrv_source_await(fd, AWAIT_MS, &ready, &job->error)) {
			job->failed = true;
			break;
		}
		atomic_store(&job->waits, !ready);
	}
	return 0;
}

/* Read what a device or FIFO gives until it ends. */
static int
read_special(struct reader *r, struct vrv_job *job, struct varve_err *err)
{
	vrv_auto_fd fd = -1;
	int rc = 0;

	if (!vrv_source_open_special(job->dir, job->name, &job->st, &fd,
		&job->error) ||
	    !vrv_source_meta(fd, "", job->st.kind, &r->p->want, &job->arena,
		&job->meta, &job->error)) {
		job->failed = true;
		return 0;
	}
	if (job->st.kind == VRV_FIFO)
		rc = await_writer(r, fd, err);
	return rc != 0 || job->failed ? rc : read_stream(r, fd, err);
}

static int
read_named(struct reader *r, struct vrv_job *job, struct varve_err *err)
{
	vrv_auto_fd fd = -1;

	if (vrv_source_is_special(job->st.kind))
		return read_special(r, job, err);
	if (!vrv_source_open_file(job->dir, job->name, &fd, &job->error)) {
		job->failed = true;
		return 0;
	}
	return read_file(r, fd, err);
}

/* Wait for the names before this one. They were given out before it, so that
 * the first of all that are not done never waits. */
static int
await_turn(struct vrv_pipeline *p, const struct vrv_job *job,
    struct varve_err *err)
{
	if (job->inode == NULL)
		return 0;
	pthread_mutex_lock(&p->done_lock);
	while (job->inode->turn != job->turn && !vrv_pipeline_over(p))
		vrv_pipeline_pause(p);
	bool mine = job->inode->turn == job->turn;
	pthread_mutex_unlock(&p->done_lock);
	return mine ? 0 : vrv_fail(err, VARVE_CANCELLED, "cancelled");
}

static void
end_turn(struct vrv_pipeline *p, const struct vrv_job *job)
{
	if (job->inode == NULL)
		return;
	pthread_mutex_lock(&p->done_lock);
	if (job->shares) {
		job->inode->read = true;
		job->inode->st = job->st;
	}
	job->inode->turn++;
	pthread_cond_broadcast(&p->done);
	pthread_mutex_unlock(&p->done_lock);
}

static int
read_job(struct reader *r, struct vrv_job *job, struct varve_err *err)
{
	r->job = job;
	r->last = job->first;
	int rc = await_turn(r->p, job, err);
	if (rc != 0)
		return rc;
	rc = job->dir == NULL ? read_stream(r, job->fd, err) :
				read_named(r, job, err);
	end_turn(r->p, job);
	/* The directory need not stay open for the builder's sake. */
	vrv_source_dir_unref(vrv_steal(&job->dir));
	return rc;
}

static int
read_batch(struct reader *r, struct vrv_batch *batch, struct varve_err *err)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < batch->n; i++) {
		if (vrv_pipeline_over(r->p))
			return vrv_fail(err, VARVE_CANCELLED, "cancelled");
		rc = read_job(r, batch->jobs[i], err);
		/* After this the job may be gone. */
		if (rc == 0)
			let_go(r->p, r->last);
	}
	return rc == 0 ? send_piece(r, err) : rc;
}

static int
make_chunker(struct reader *r, struct varve_err *err)
{
	const struct vrv_config *config = vrv_repo_config(r->p->repo);
	const struct vrv_chunk_params params = {config->chunk_min,
	    config->chunk_average, config->chunk_max,
	    (enum vrv_chunk_method)config->chunk_method};

	r->chunk_max = params.max;
	return vrv_chunker_new(&params, vrv_repo_chunker_key(r->p->repo),
	    &r->chunker, err);
}

int
vrv_stage_read(void *arg, struct varve_err *err)
{
	struct vrv_pipeline *p = arg;
	struct reader r = {.p = p};
	void *item;

	int rc = make_chunker(&r, err);
	while (rc == 0 && (rc = vrv_queue_pop(p->batches, &item)) == 0) {
		vrv_auto_free struct vrv_batch *batch = item;

		rc = read_batch(&r, batch, err);
		if (rc != 0)
			break;
	}
	/* What was cut so far is worth keeping. */
	if (atomic_load(&p->stopping) && send_piece(&r, err) != 0)
		rc = VARVE_CANCELLED;
	vrv_chunker_free(r.chunker);
	vrv_queue_done(p->pieces);
	vrv_pipeline_wake(p);
	return vrv_stage_end(p, rc, err);
}
