/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/framecache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "repo/repo_internal.h"
#include "util/clock.h"
#include "util/hash.h"
#include "util/map.h"
#include "util/mem.h"

#define REST (VRV_ID_SIZE - VRV_PREFIX_SIZE)
#define HINTS 4096 /* a power of 2 */
/* Large blocks go from frame to frame: the system takes longer to give fresh
 * ones than it takes to fill them. */
#define SPARES 16
#define SPARE_MIN ((size_t)256 << 10)
#define SPARE_BYTES ((size_t)16 << 20)
#define PLAIN_STEP ((size_t)16 << 10)
#define RELOAD_NS UINT64_C(1000000000)
#define RETRY_NS (UINT64_C(60) * 1000000000)

enum state {
	OPENING,
	READY,
	FAILED
};

/* What is known of the id of one chunk of a frame. */
enum id_state {
	UNCHECKED,
	CHECKING, /* by one thread */
	CHECKED
};

struct frame_key {
	uint8_t pack[VRV_OBJECT_ID];
	uint64_t offset;
};

struct vrv_cached {
	struct frame_key key;
	uint8_t kind;
	enum state state;
	unsigned pins;
	size_t bytes; /* that count for its share */
	struct vrv_cached *newer, *older;
	/* Immutable once it is READY. */
	uint8_t *plain;
	size_t cap; /* bytes of memory at `plain` */
	uint32_t n;
	uint32_t *offsets; /* n + 1 */
	/* For each chunk an enum id_state, and the part of its id that the
	 * index does not know if that is CHECKED. Under the lock. */
	uint8_t *id_states, *id_rests;
	struct varve_err *failure; /* FAILED; NULL: no memory for it */
};

struct share {
	size_t limit, bytes;
	struct vrv_cached *newest, *oldest; /* READY ones */
};

/* Where a chunk was found. */
struct hint {
	uint8_t id[VRV_ID_SIZE];
	struct frame_key key;
	uint32_t ordinal;
	uint8_t kind; /* 0: empty */
};

/* What opening takes; as many as there were threads at it at once. */
struct opening {
	struct opening *next;
	struct vrv_reader *reader;
	struct vrv_opened opened;
};

struct spare {
	uint8_t *plain;
	size_t cap;
};

struct vrv_framecache {
	struct vrv_repo *repo;
	struct vrv_failures *failures; /* locks itself */
	pthread_mutex_t lock;	       /* everything below */
	pthread_cond_t changed;
	struct vrv_map *frames; /* struct frame_key to struct vrv_cached * */
	struct share data, meta;
	struct hint *hints;
	struct opening *idle;
	struct spare spares[SPARES];
	size_t n_spares, spare_bytes;
	uint64_t opened;
	uint64_t reloaded; /* ticks */
};

int
vrv_framecache_new(struct vrv_repo *repo, size_t data_bytes, size_t meta_bytes,
    struct vrv_framecache **ret, struct varve_err *err)
{
	struct vrv_framecache *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return VRV_NOMEM(err, "a cache of frames");
	c->repo = repo;
	c->data.limit = data_bytes;
	c->meta.limit = meta_bytes;
	(void)pthread_mutex_init(&c->lock, NULL);
	(void)pthread_cond_init(&c->changed, NULL);
	c->frames = vrv_map_new(sizeof(struct frame_key), sizeof(void *));
	c->hints = vrv_alloc_array(HINTS, sizeof(*c->hints));
	if (c->frames == NULL || c->hints == NULL ||
	    vrv_failures_new(&c->failures, err) != 0) {
		vrv_framecache_free(c);
		return VRV_NOMEM(err, "a cache of frames");
	}
	vrv_failures_retry_after(c->failures, RETRY_NS);
	*ret = c;
	return 0;
}

static void
frame_free(struct vrv_cached *f)
{
	if (f == NULL)
		return;
	free(f->plain);
	free(f->offsets);
	free(f->id_states);
	free(f->id_rests);
	free(f->failure);
	free(f);
}

static void
opening_free(struct opening *o)
{
	if (o == NULL)
		return;
	vrv_reader_free(o->reader);
	vrv_opened_fini(&o->opened);
	free(o);
}

void
vrv_framecache_free(struct vrv_framecache *c)
{
	const void *key;
	void *value;
	size_t at = 0;

	if (c == NULL)
		return;
	while (c->frames != NULL && vrv_map_next(c->frames, &at, &key, &value))
		frame_free(*(struct vrv_cached **)value);
	vrv_map_free(c->frames);
	while (c->idle != NULL) {
		struct opening *o = c->idle;
		c->idle = o->next;
		opening_free(o);
	}
	for (size_t i = 0; i < c->n_spares; i++)
		free(c->spares[i].plain);
	vrv_failures_free(c->failures);
	free(c->hints);
	(void)pthread_cond_destroy(&c->changed);
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}

/* --- shares; all under the lock --- */

static struct share *
share_of(struct vrv_framecache *c, uint8_t kind)
{
	return kind == VRV_FRAME_META ? &c->meta : &c->data;
}

static void
unlink_frame(struct share *s, struct vrv_cached *f)
{
	*(f->newer != NULL ? &f->newer->older : &s->newest) = f->older;
	*(f->older != NULL ? &f->older->newer : &s->oldest) = f->newer;
	f->newer = f->older = NULL;
}

static void
link_newest(struct share *s, struct vrv_cached *f)
{
	f->older = s->newest;
	*(s->newest != NULL ? &s->newest->newer : &s->oldest) = f;
	s->newest = f;
}

static void
touch(struct vrv_framecache *c, struct vrv_cached *f)
{
	struct share *s = share_of(c, f->kind);

	if (s->newest == f)
		return;
	unlink_frame(s, f);
	link_newest(s, f);
}

static void
keep_spare(struct vrv_framecache *c, struct vrv_cached *f)
{
	if (f->cap < SPARE_MIN || c->n_spares == SPARES ||
	    c->spare_bytes + f->cap > SPARE_BYTES)
		return;
	c->spares[c->n_spares++] = (struct spare){f->plain, f->cap};
	c->spare_bytes += f->cap;
	f->plain = NULL;
}

/* Memory for `n` bytes that was another frame's, the smallest that will do; one
 * that does not fit goes if there is none. */
static struct spare
take_spare(struct vrv_framecache *c, size_t n)
{
	size_t best = SPARES;

	for (size_t i = 0; i < c->n_spares; i++) {
		if (c->spares[i].cap >= n && c->spares[i].cap <= n + n / 2 &&
		    (best == SPARES || c->spares[i].cap < c->spares[best].cap))
			best = i;
	}
	bool fits = best != SPARES;
	if (n < SPARE_MIN || c->n_spares == 0)
		return (struct spare){0};
	if (!fits)
		best = 0;
	struct spare spare = c->spares[best];
	c->spares[best] = c->spares[--c->n_spares];
	c->spare_bytes -= spare.cap;
	if (!fits) {
		free(spare.plain);
		spare = (struct spare){0};
	}
	return spare;
}

/* Let go of what is old and not pinned until `more` bytes have room. */
static void
make_room(struct vrv_framecache *c, struct share *s, size_t more)
{
	struct vrv_cached *f = s->oldest, *newer;

	for (; f != NULL && s->bytes + more > s->limit; f = newer) {
		newer = f->newer;
		if (f->pins > 0)
			continue;
		unlink_frame(s, f);
		s->bytes -= f->bytes;
		(void)vrv_map_remove(c->frames, &f->key);
		keep_spare(c, f);
		frame_free(f);
	}
}

/* --- opening --- */

/* `plain` bytes are to be opened. */
static int
opening_take(struct vrv_framecache *c, size_t plain, struct opening **ret,
    struct varve_err *err)
{
	(void)pthread_mutex_lock(&c->lock);
	struct opening *o = c->idle;
	if (o != NULL)
		c->idle = o->next;
	struct spare spare = take_spare(c, plain);
	(void)pthread_mutex_unlock(&c->lock);
	int rc = 0;
	if (o == NULL) {
		o = calloc(1, sizeof(*o));
		rc = o == NULL ? VRV_NOMEM(err, "a frame") :
				 vrv_reader_new(c->repo, 0, &o->reader, err);
	}
	if (rc == 0 && spare.plain == NULL) {
		/* A buffer that grew by itself could be twice as large. */
		spare.cap = (plain + PLAIN_STEP - 1) / PLAIN_STEP * PLAIN_STEP;
		spare.plain = malloc(spare.cap > 0 ? spare.cap : 1);
		if (spare.plain == NULL)
			rc = VRV_NOMEM(err, "a frame");
	}
	if (rc != 0) {
		free(spare.plain);
		opening_free(o);
		return rc;
	}
	vrv_buf_fini(&o->opened.plain);
	o->opened.plain =
	    (struct vrv_buf){.data = spare.plain, .cap = spare.cap};
	*ret = o;
	return 0;
}

static void
opening_give(struct vrv_framecache *c, struct opening *o)
{
	(void)pthread_mutex_lock(&c->lock);
	o->next = c->idle;
	c->idle = o;
	(void)pthread_mutex_unlock(&c->lock);
}

/* Take over what was opened. */
static int
take_over(struct vrv_cached *f, struct vrv_opened *o, struct varve_err *err)
{
	f->n = o->n;
	f->offsets = vrv_alloc_array((size_t)o->n + 1, sizeof(*f->offsets));
	f->id_states = vrv_alloc_array(o->n, 1);
	f->id_rests = vrv_alloc_array(o->n, REST);
	if (f->offsets == NULL || f->id_states == NULL || f->id_rests == NULL)
		return VRV_NOMEM(err, "a frame");
	memcpy(f->offsets, o->offsets, o->n * sizeof(*f->offsets));
	f->offsets[o->n] = (uint32_t)o->plain.len;
	f->plain = o->plain.data;
	f->cap = o->plain.cap;
	o->plain = (struct vrv_buf){0};
	return 0;
}

static int
open_frame(struct vrv_framecache *c, const struct vrv_location *at,
    struct vrv_cached *f, struct varve_err *err)
{
	struct opening *o;

	int rc = opening_take(c, at->plain, &o, err);
	if (rc != 0)
		return rc;
	rc = vrv_reader_frame(o->reader, at, &o->opened, err);
	if (rc == 0)
		rc = take_over(f, &o->opened, err);
	opening_give(c, o);
	return rc;
}

/* Cost of a frame: its chunks, and what is kept of each. */
static size_t
cost(size_t plain, size_t n)
{
	return sizeof(struct vrv_cached) + plain +
	    n * (sizeof(uint32_t) + REST + 1);
}

/* Nobody holds it any more; under the lock. */
static void
unpin(struct vrv_cached *f)
{
	f->pins--;
	if (f->pins == 0 && f->state == FAILED)
		frame_free(f);
}

/* Enter a frame that is to be opened; NULL when memory ran out. */
static struct vrv_cached *
enter(struct vrv_framecache *c, const struct vrv_location *at,
    const struct frame_key *key)
{
	struct share *s = share_of(c, at->kind);
	struct vrv_cached *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->key = *key;
	f->kind = at->kind;
	f->pins = 1;
	f->bytes = cost(at->plain, at->n);
	make_room(c, s, f->bytes);
	struct vrv_cached **slot = vrv_map_put(c->frames, key, NULL);
	if (slot == NULL) {
		free(f);
		return NULL;
	}
	*slot = f;
	s->bytes += f->bytes;
	c->opened++;
	return f;
}

/* It was opened, or not: tell who waits. */
static void
settle(struct vrv_framecache *c, const struct vrv_location *at,
    struct vrv_cached *f, int rc, const struct varve_err *err)
{
	struct share *s = share_of(c, f->kind);

	if (rc == 0) {
		f->state = READY;
		link_newest(s, f);
	} else {
		f->state = FAILED;
		f->failure = malloc(sizeof(*f->failure));
		if (f->failure != NULL)
			*f->failure = *err;
		vrv_failures_put(c->failures, at, err);
		s->bytes -= f->bytes;
		(void)vrv_map_remove(c->frames, &f->key);
	}
	(void)pthread_cond_broadcast(&c->changed);
}

/* Another thread is opening it. */
static int
wait_for(struct vrv_framecache *c, struct vrv_cached *f, struct varve_err *err)
{
	int rc = 0;

	f->pins++;
	while (f->state == OPENING)
		(void)pthread_cond_wait(&c->changed, &c->lock);
	if (f->state == FAILED) {
		if (f->failure != NULL)
			*err = *f->failure;
		else
			(void)VRV_NOMEM(err, "a frame");
		rc = err->code;
		unpin(f);
	}
	return rc;
}

/* Nobody has it: open it. The lock is released meanwhile. */
static int
open_entered(struct vrv_framecache *c, const struct vrv_location *at,
    const struct frame_key *key, struct vrv_cached **ret, struct varve_err *err)
{
	struct vrv_cached *f = enter(c, at, key);

	if (f == NULL)
		return VRV_NOMEM(err, "a frame");
	(void)pthread_mutex_unlock(&c->lock);
	int rc = open_frame(c, at, f, err);
	(void)pthread_mutex_lock(&c->lock);
	settle(c, at, f, rc, err);
	if (rc != 0)
		unpin(f);
	else
		*ret = f;
	return rc;
}

/* The frame at `at`, pinned. */
static int
pin_frame(struct vrv_framecache *c, const struct vrv_location *at,
    struct vrv_cached **ret, struct varve_err *err)
{
	struct frame_key key = {.offset = at->offset};
	int rc = 0;

	memcpy(key.pack, at->pack, VRV_OBJECT_ID);
	(void)pthread_mutex_lock(&c->lock);
	struct vrv_cached **slot = vrv_map_get(c->frames, &key);
	struct vrv_cached *f = slot != NULL ? *slot : NULL;
	if (f != NULL) {
		rc = wait_for(c, f, err);
		if (rc == 0)
			touch(c, f);
	} else {
		rc = vrv_failures_get(c->failures, at, err);
		if (rc == 0)
			rc = open_entered(c, at, &key, &f, err);
	}
	(void)pthread_mutex_unlock(&c->lock);
	if (rc == 0)
		*ret = f;
	return rc;
}

/* --- chunks --- */

/* Is it known that the chunk has this id? Under the lock. */
static bool
is_checked(const struct vrv_cached *f, uint32_t ordinal,
    const uint8_t id[VRV_ID_SIZE])
{
	return f->id_states[ordinal] == CHECKED &&
	    memcmp(f->id_rests + (size_t)ordinal * REST, id + VRV_PREFIX_SIZE,
		REST) == 0;
}

static struct hint *
hint_of(struct vrv_framecache *c, const uint8_t id[VRV_ID_SIZE])
{
	return &c->hints[vrv_hash64(id, VRV_ID_SIZE) & (HINTS - 1)];
}

/* The frame that a hint leads to, and the chunk's number; under the lock. */
static struct vrv_cached *
hinted(struct vrv_framecache *c, enum vrv_frame_kind kind,
    const uint8_t id[VRV_ID_SIZE], uint32_t *ret_ordinal)
{
	const struct hint *h = hint_of(c, id);

	if (h->kind != kind || memcmp(h->id, id, VRV_ID_SIZE) != 0)
		return NULL;
	struct vrv_cached **slot = vrv_map_get(c->frames, &h->key);
	if (slot == NULL || (*slot)->state != READY ||
	    h->ordinal >= (*slot)->n || !is_checked(*slot, h->ordinal, id))
		return NULL;
	*ret_ordinal = h->ordinal;
	return *slot;
}

static void
fill_pin(struct vrv_cached *f, uint32_t ordinal, struct vrv_chunk_pin *ret)
{
	ret->frame = f;
	ret->bytes = f->plain + f->offsets[ordinal];
	ret->n = f->offsets[ordinal + 1] - f->offsets[ordinal];
}

struct get {
	struct vrv_framecache *cache;
	const uint8_t *id;
	struct vrv_chunk_pin pin;
};

static void
note_hint(struct vrv_framecache *c, const struct vrv_cached *f,
    uint32_t ordinal, const uint8_t id[VRV_ID_SIZE])
{
	struct hint *h = hint_of(c, id);

	memcpy(h->id, id, VRV_ID_SIZE);
	h->key = f->key;
	h->ordinal = ordinal;
	h->kind = f->kind;
}

/* Compare the chunk's id, unless that was done; one thread does it. */
static int
check(struct vrv_framecache *c, struct vrv_cached *f, uint32_t ordinal,
    const struct get *get, struct varve_err *err)
{
	int rc = 0;

	(void)pthread_mutex_lock(&c->lock);
	while (f->id_states[ordinal] == CHECKING)
		(void)pthread_cond_wait(&c->changed, &c->lock);
	if (!is_checked(f, ordinal, get->id)) {
		f->id_states[ordinal] = CHECKING;
		(void)pthread_mutex_unlock(&c->lock);
		rc = vrv_chunk_verify(c->repo, f->kind, get->pin.bytes,
		    get->pin.n, get->id, VRV_ID_SIZE, err);
		(void)pthread_mutex_lock(&c->lock);
		f->id_states[ordinal] = rc == 0 ? CHECKED : UNCHECKED;
		if (rc == 0)
			memcpy(f->id_rests + (size_t)ordinal * REST,
			    get->id + VRV_PREFIX_SIZE, REST);
		(void)pthread_cond_broadcast(&c->changed);
	}
	if (rc == 0)
		note_hint(c, f, ordinal, get->id);
	(void)pthread_mutex_unlock(&c->lock);
	return rc;
}

static int
get_from(void *arg, const struct vrv_location *at, struct varve_err *err)
{
	struct get *get = arg;
	struct vrv_framecache *c = get->cache;
	struct vrv_cached *f;

	int rc = pin_frame(c, at, &f, err);
	if (rc != 0)
		return rc;
	/* It may have been opened for another entry that states it otherwise.
	 */
	if (at->ordinal >= f->n)
		rc = vrv_fail(err, VARVE_CORRUPT,
		    "the index tells of more chunks than the frame has");
	fill_pin(f, rc == 0 ? at->ordinal : 0, &get->pin);
	if (rc == 0)
		rc = check(c, f, at->ordinal, get, err);
	if (rc == 0)
		return 0;
	vrv_framecache_release(c, &get->pin);
	return vrv_copy_context(at, err);
}

/* May the index be listed again? */
static bool
may_reload(struct vrv_framecache *c)
{
	uint64_t now = vrv_ticks();

	(void)pthread_mutex_lock(&c->lock);
	bool may = c->reloaded == 0 || now - c->reloaded >= RELOAD_NS;
	if (may)
		c->reloaded = now;
	(void)pthread_mutex_unlock(&c->lock);
	return may;
}

int
vrv_framecache_get(struct vrv_framecache *c, enum vrv_frame_kind kind,
    const uint8_t id[VRV_ID_SIZE], struct vrv_chunk_pin *ret,
    struct varve_err *err)
{
	struct get get = {.cache = c, .id = id};
	struct varve_err again;
	uint32_t ordinal;
	bool gone;

	(void)pthread_mutex_lock(&c->lock);
	struct vrv_cached *f = hinted(c, kind, id, &ordinal);
	if (f != NULL) {
		f->pins++;
		touch(c, f);
		fill_pin(f, ordinal, ret);
	}
	(void)pthread_mutex_unlock(&c->lock);
	if (f != NULL)
		return 0;
	int rc = vrv_copies_try(c->repo, kind, id, get_from, &get, &gone, err);
	/* A collector moved what the pack held. The first error is the one to
	 * report: what follows from it says less. */
	if (rc != 0 && gone && may_reload(c) &&
	    vrv_repo_index_reload(c->repo, false, &again) == 0 &&
	    vrv_copies_try(c->repo, kind, id, get_from, &get, &gone, &again) ==
		0)
		rc = 0;
	if (rc == 0)
		*ret = get.pin;
	return rc;
}

void
vrv_framecache_release(struct vrv_framecache *c, struct vrv_chunk_pin *pin)
{
	if (pin->frame == NULL)
		return;
	(void)pthread_mutex_lock(&c->lock);
	unpin(pin->frame);
	(void)pthread_mutex_unlock(&c->lock);
	*pin = (struct vrv_chunk_pin){0};
}

void
vrv_framecache_retry_after(struct vrv_framecache *c, uint64_t ns)
{
	vrv_failures_retry_after(c->failures, ns);
}

void
vrv_framecache_stats(struct vrv_framecache *c, struct vrv_framecache_stats *ret)
{
	(void)pthread_mutex_lock(&c->lock);
	ret->opened = c->opened;
	ret->frames = vrv_map_count(c->frames);
	ret->bytes = c->data.bytes + c->meta.bytes;
	(void)pthread_mutex_unlock(&c->lock);
}
