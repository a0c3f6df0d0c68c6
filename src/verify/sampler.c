/* SPDX-License-Identifier: BSD-2-Clause */
#include "verify/sampler.h"

#include <stdlib.h>
#include <string.h>

#include "repo/repo.h"
#include "util/mem.h"

#define ALL_PPM 1000000u

struct seen {
	uint64_t distance, size;
};

struct vrv_sampler {
	struct vrv_key key;
	bool all;
	uint64_t start; /* distances of hashes count from it, upwards */
	uint64_t bound; /* distances up to it are in; with `none`, none is */
	bool none;
	uint64_t shown;	 /* files */
	uint64_t beyond; /* least distance that is not in; UINT64_MAX: none */
	/* What has a distance within the share. */
	uint64_t files, bytes;
	/* The smallest distances, as many as there must be: a heap with the
	 * largest of them on top. */
	struct seen *least;
	size_t n, cap;
	uint64_t want;
};

/* The last distance of a share of 2^64, rounded up: a hundred samples of 1 %
 * must reach the end. 0 for none. */
static uint64_t
share(uint32_t ppm)
{
	const uint64_t rest = (UINT64_MAX % ALL_PPM + 1) * ppm;

	if (ppm == 0)
		return 0;
	return UINT64_MAX / ALL_PPM * ppm + (rest + ALL_PPM - 1) / ALL_PPM - 1;
}

int
vrv_sampler_new(const struct varve_verify_options *o, uint64_t seed,
    struct vrv_sampler **ret, struct varve_err *err)
{
	uint32_t ppm = o->sample_ppm;

	if (ppm > ALL_PPM)
		return vrv_fail(err, VARVE_USAGE,
		    "a sample is 100 %% of the files at most");
	struct vrv_sampler *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return VRV_NOMEM(err, "a sample");
	vrv_put_u64((uint8_t *)&s->key, seed);
	s->beyond = UINT64_MAX;
	s->all = o->all || ppm == ALL_PPM;
	if (o->files != 0) {
		s->want = o->files;
		ppm = 0;
	} else if (ppm == 0) {
		s->want = VRV_SAMPLE_FILES;
		ppm = VRV_SAMPLE_PPM;
	} else {
		s->want = 1;
	}
	s->none = ppm == 0;
	s->bound = share(ppm);
	if (s->all)
		s->want = 0;
	*ret = s;
	return 0;
}

void
vrv_sampler_free(struct vrv_sampler *s)
{
	if (s == NULL)
		return;
	free(s->least);
	free(s);
}

void
vrv_sampler_start(struct vrv_sampler *s, uint64_t start)
{
	s->start = start;
}

uint64_t
vrv_sampler_hash(const struct vrv_sampler *s, const char *path)
{
	return vrv_siphash(&s->key, path, strlen(path));
}

static uint64_t
distance(const struct vrv_sampler *s, const char *path)
{
	return vrv_sampler_hash(s, path) - s->start;
}

/* --- the smallest distances --- */

static void
swap(struct seen *a, struct seen *b)
{
	struct seen t = *a;

	*a = *b;
	*b = t;
}

static void
sift_up(struct seen *heap, size_t i)
{
	for (; i > 0 && heap[i].distance > heap[(i - 1) / 2].distance;
	     i = (i - 1) / 2)
		swap(&heap[i], &heap[(i - 1) / 2]);
}

static void
sift_down(struct seen *heap, size_t n)
{
	for (size_t i = 0, child; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n &&
		    heap[child + 1].distance > heap[child].distance)
			child++;
		if (heap[child].distance <= heap[i].distance)
			break;
		swap(&heap[child], &heap[i]);
	}
}

static void
leave(struct vrv_sampler *s, uint64_t distance)
{
	if ((s->none || distance > s->bound) && distance < s->beyond)
		s->beyond = distance;
}

static int
keep(struct vrv_sampler *s, const struct seen *seen, struct varve_err *err)
{
	if (s->n < s->want) {
		if (vrv_room_for_one(&s->least, s->n, &s->cap,
			sizeof(*s->least)) != 0)
			return VRV_NOMEM(err, "a sample");
		s->least[s->n] = *seen;
		sift_up(s->least, s->n++);
	} else if (s->want > 0 && seen->distance < s->least[0].distance) {
		leave(s, s->least[0].distance);
		s->least[0] = *seen;
		sift_down(s->least, s->n);
	} else {
		leave(s, seen->distance);
	}
	return 0;
}

int
vrv_sampler_see(struct vrv_sampler *s, const char *path, uint64_t size,
    struct varve_err *err)
{
	const struct seen seen = {distance(s, path), size};

	s->shown++;
	if (s->all || (!s->none && seen.distance <= s->bound)) {
		s->files++;
		s->bytes += size;
	}
	return keep(s, &seen, err);
}

void
vrv_sampler_settle(struct vrv_sampler *s, uint64_t *ret_files,
    uint64_t *ret_bytes)
{
	if (s->n > 0 && (s->none || s->files < s->n)) {
		s->bound = s->least[0].distance;
		s->none = false;
		s->files = s->n;
		s->bytes = 0;
		for (size_t i = 0; i < s->n; i++)
			s->bytes += s->least[i].size;
	}
	/* With every file, every directory, too. */
	if (s->files == s->shown)
		s->all = true;
	*ret_files = s->files;
	*ret_bytes = s->bytes;
}

uint64_t
vrv_sampler_shown(const struct vrv_sampler *s)
{
	return s->shown;
}

bool
vrv_sampler_next(const struct vrv_sampler *s, uint64_t *ret)
{
	*ret = s->start + s->bound + 1;
	if (s->files != s->shown && *ret <= s->start)
		return true;
	/* No file has a hash between the bound and the end. */
	if (s->files == s->shown || s->beyond > UINT64_MAX - s->start) {
		*ret = 0;
		return true;
	}
	return false;
}

bool
vrv_sampler_has(const struct vrv_sampler *s, const char *path)
{
	return s->all || (!s->none && distance(s, path) <= s->bound);
}
