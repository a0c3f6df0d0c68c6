/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "mount/mount_internal.h"
#include "util/clock.h"
#include "util/mem.h"

#define STREAMS 32
#define JOBS 64
#define JOB_CHUNKS 16
#define THREADS_MAX 8
#define AHEAD_FIRST ((uint64_t)2 << 20)
#define AHEAD_MAX ((uint64_t)16 << 20)
/* The kernel asks for parts of a sequence in any order. */
#define SLACK ((uint64_t)4 << 20)
#define ACTIVE_NS UINT64_C(1000000000)

/* A file that was read lately. */
struct stream {
	uint64_t node;	 /* 0: none */
	uint64_t size;	 /* of the file */
	uint64_t used;	 /* ticks */
	uint64_t next;	 /* where a sequence goes on */
	uint64_t ahead;	 /* up to there chunks were asked for */
	uint64_t window; /* how far ahead; 0: not in sequence */
	struct vrv_run_extent extents[VRV_STREAM_EXTENTS];
	size_t n;
};

/* Chunks of one frame that will be read soon. */
struct job {
	uint64_t frame;
	uint8_t ids[JOB_CHUNKS][VRV_ID_SIZE];
	size_t n;
};

struct vrv_streams {
	struct vrv_mount *m;
	struct vrv_group *threads;
	uint64_t budget;      /* bytes ahead of all streams together */
	pthread_mutex_t lock; /* everything below */
	pthread_cond_t work;
	struct stream streams[STREAMS];
	struct job jobs[JOBS]; /* a ring */
	size_t first_job, n_jobs;
	bool stop;
};

/* --- opening ahead --- */

static int
work(void *arg, struct varve_err *err)
{
	struct vrv_streams *s = arg;
	struct job job;

	for (;;) {
		(void)pthread_mutex_lock(&s->lock);
		while (s->n_jobs == 0 && !s->stop)
			(void)pthread_cond_wait(&s->work, &s->lock);
		bool stop = s->stop;
		if (!stop) {
			job = s->jobs[s->first_job];
			s->first_job = (s->first_job + 1) % JOBS;
			s->n_jobs--;
		}
		(void)pthread_mutex_unlock(&s->lock);
		if (stop)
			return 0;
		for (size_t i = 0; i < job.n; i++) {
			struct vrv_chunk_pin pin = {0};
			/* Who reads it will tell what is wrong with it. */
			if (vrv_framecache_get(s->m->cache, VRV_FRAME_DATA,
				job.ids[i], &pin, err) == 0)
				vrv_framecache_release(s->m->cache, &pin);
		}
	}
}

/* Under the lock. False if there is no room. */
static bool
ask_for(struct vrv_streams *s, struct vrv_index *index,
    const uint8_t id[VRV_ID_SIZE])
{
	struct vrv_location at;
	struct varve_err unused;
	uint32_t n;

	if (vrv_index_find(index, id, &at, 1, &n, &unused) != 0)
		return true; /* the reader's to tell */
	struct job *last = s->n_jobs == 0 ?
	    NULL :
	    &s->jobs[(s->first_job + s->n_jobs - 1) % JOBS];
	if (last == NULL || last->frame != at.frame || last->n == JOB_CHUNKS) {
		if (s->n_jobs == JOBS)
			return false;
		last = &s->jobs[(s->first_job + s->n_jobs++) % JOBS];
		last->frame = at.frame;
		last->n = 0;
	}
	memcpy(last->ids[last->n++], id, VRV_ID_SIZE);
	return true;
}

/* How far ahead each of the streams that are in use may be. */
static uint64_t
fair_part(const struct vrv_streams *s, uint64_t now)
{
	unsigned active = 1;

	for (size_t i = 0; i < STREAMS; i++) {
		if (s->streams[i].window > 0 &&
		    now - s->streams[i].used < ACTIVE_NS)
			active++;
	}
	uint64_t part = s->budget / active;
	return part < AHEAD_MAX ? part : AHEAD_MAX;
}

/* Ask for the chunks behind what is read; under the lock. */
static void
go_ahead(struct vrv_streams *s, struct stream *stream, struct vrv_index *index)
{
	uint64_t end = stream->next + stream->window;
	bool asked = false;

	if (stream->ahead < stream->next)
		stream->ahead = stream->next;
	for (size_t i = 0; i < stream->n; i++) {
		const struct vrv_run_extent *e = &stream->extents[i];
		uint64_t behind = e->offset + e->extent.length;
		if (behind <= stream->ahead)
			continue;
		if (e->offset >= end)
			break;
		if (!e->extent.hole) {
			if (!ask_for(s, index, e->extent.id))
				break;
			asked = true;
		}
		stream->ahead = behind;
	}
	if (asked)
		(void)pthread_cond_broadcast(&s->work);
}

/* --- streams --- */

/* Under the lock; NULL if there is none. */
static struct stream *
stream_of(struct vrv_streams *s, uint64_t node)
{
	for (size_t i = 0; i < STREAMS; i++) {
		if (s->streams[i].node == node)
			return &s->streams[i];
	}
	return NULL;
}

static void
note_read(struct vrv_streams *s, struct stream *stream, uint64_t offset,
    size_t n)
{
	uint64_t now = vrv_ticks(), end = offset + n;
	bool follows = offset <= stream->next + SLACK &&
	    offset + SLACK >= stream->next && stream->next > 0;

	stream->used = now;
	if (!follows) {
		stream->window = 0;
		stream->next = stream->ahead = end;
		return;
	}
	uint64_t most = fair_part(s, now);
	if (end > stream->next)
		stream->window =
		    stream->window == 0 ? AHEAD_FIRST : stream->window * 2;
	stream->window = stream->window < most ? stream->window : most;
	stream->next = end > stream->next ? end : stream->next;
}

/* The extent that holds `offset`; stream->n if none does. */
static size_t
extent_at(const struct stream *stream, uint64_t offset)
{
	size_t low = 0, high = stream->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct vrv_run_extent *e = &stream->extents[middle];
		if (e->offset + e->extent.length <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low < stream->n && stream->extents[low].offset <= offset ?
	    low :
	    stream->n;
}

/* Does the sequence run out of known extents although there are more? */
static bool
runs_out(const struct stream *stream, size_t at)
{
	const struct vrv_run_extent *last = &stream->extents[stream->n - 1];
	uint64_t end = last->offset + last->extent.length;

	return end < stream->size && at > VRV_STREAM_EXTENTS / 2 &&
	    stream->next + stream->window > end;
}

size_t
vrv_streams_get(struct vrv_streams *s, uint64_t node, uint64_t offset, size_t n,
    struct vrv_run_extent *ret, size_t max, uint64_t *ret_size)
{
	struct vrv_index *index;
	struct varve_err unused;
	size_t found = 0;

	if (vrv_repo_index(s->m->repo, &index, &unused) != 0)
		return 0;
	(void)pthread_mutex_lock(&s->lock);
	struct stream *stream = stream_of(s, node);
	if (stream != NULL) {
		size_t at = extent_at(stream, offset);
		if (at < stream->n && !runs_out(stream, at)) {
			note_read(s, stream, offset, n);
			if (stream->window > 0)
				go_ahead(s, stream, index);
			*ret_size = stream->size;
			for (; at < stream->n && found < max &&
			     stream->extents[at].offset < offset + n;
			     at++)
				ret[found++] = stream->extents[at];
		}
	}
	(void)pthread_mutex_unlock(&s->lock);
	return found;
}

void
vrv_streams_put(struct vrv_streams *s, uint64_t node, uint64_t size,
    const struct vrv_run_extent *extents, size_t n)
{
	(void)pthread_mutex_lock(&s->lock);
	struct stream *stream = stream_of(s, node);
	if (stream == NULL) {
		stream = &s->streams[0];
		for (size_t i = 1; i < STREAMS; i++) {
			if (s->streams[i].used < stream->used)
				stream = &s->streams[i];
		}
		stream->node = node;
		stream->next = stream->ahead = stream->window = 0;
	}
	stream->size = size;
	stream->used = vrv_ticks();
	stream->n = n;
	memcpy(stream->extents, extents, n * sizeof(*extents));
	(void)pthread_mutex_unlock(&s->lock);
}

int
vrv_streams_new(struct vrv_mount *m, struct vrv_streams **ret,
    struct varve_err *err)
{
	unsigned n = vrv_task_cpus();
	struct vrv_streams *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return VRV_NOMEM(err, "reading ahead");
	s->m = m;
	s->budget = m->options->cache_bytes / 4;
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_cond_init(&s->work, NULL);
	s->threads = vrv_group_new();
	int rc = s->threads == NULL ? VRV_NOMEM(err, "threads") : 0;
	for (unsigned i = 0; rc == 0 && i < n && i < THREADS_MAX; i++)
		rc = vrv_group_start(s->threads, "readahead", work, s, err);
	if (rc != 0) {
		vrv_streams_free(s);
		return rc;
	}
	*ret = s;
	return 0;
}

void
vrv_streams_free(struct vrv_streams *s)
{
	if (s == NULL)
		return;
	(void)pthread_mutex_lock(&s->lock);
	s->stop = true;
	(void)pthread_cond_broadcast(&s->work);
	(void)pthread_mutex_unlock(&s->lock);
	vrv_group_free(s->threads);
	(void)pthread_cond_destroy(&s->work);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}
