/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo_fixture.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "faultstore.h"

static struct {
	struct vrv_store *store;
	char key_file[64];
} template;

static int
give_passphrase(void *arg, bool fresh, const char *location, char *buf,
    size_t size, size_t *ret_n, struct varve_err *err)
{
	struct world *w = arg;
	const char *give = fresh ? w->fresh : w->passphrase;

	(void)location, (void)size, (void)err;
	w->asked++;
	*ret_n = strlen(give);
	memcpy(buf, give, *ret_n);
	return 0;
}

static void
on_event(void *arg, const struct varve_event *event)
{
	struct world *w = arg;
	size_t n = strlen(w->notes);
	size_t m = strlen(w->warnings);

	if (event->type == VARVE_EVENT_WARNING)
		snprintf(w->warnings + m, sizeof(w->warnings) - m, "%s\n",
		    event->message);
	if (event->type == VARVE_EVENT_PROBLEM ||
	    event->type == VARVE_EVENT_NOTE)
		snprintf(w->notes + n, sizeof(w->notes) - n, "%s: %s\n",
		    event->path == NULL ? "" : event->path, event->message);
}

struct varve_open_options
options(struct world *w, bool by_file)
{
	return (struct varve_open_options){.size = sizeof(
					       struct varve_open_options),
	    .state_dir = w->state,
	    .cache_dir = w->cache,
	    .keys_dir = w->keys,
	    .key_file = by_file ? template.key_file : NULL,
	    .passphrase = give_passphrase,
	    .passphrase_arg = w,
	    .event = on_event,
	    .event_arg = w};
}

const char *
key_file(void)
{
	return template.key_file;
}

struct vrv_store *
reach(struct world *w)
{
	struct vrv_store *store = hook_store_new(w->store, &w->hooks);

	assert_non_null(store);
	return store;
}

static void
make_template(struct world *w)
{
	const struct varve_init_options init = {.size = sizeof(init),
	    .kdf_memory = VRV_ARGON_MEMORY_MIN,
	    .kdf_passes = VRV_ARGON_PASSES_MIN,
	    .chunker = 1,
	    .chunk_min = 64 << 10,
	    .chunk_average = 256 << 10,
	    .chunk_max = 2 << 20};
	struct varve_open_options open = options(w, false);
	struct varve_err err;
	struct vrv_repo *repo;
	char id[33];

	open.state_dir = open.cache_dir = NULL;
	MUST(vrv_store_open_memory(&template.store, &err));
	w->store = template.store;
	MUST(vrv_repo_init(reach(w), &init, &open, &err));
	MUST(vrv_repo_open(reach(w), &open, &repo, &err));
	snprintf(template.key_file, sizeof(template.key_file),
	    "/tmp/varve-repo-key-%d", (int)getpid());
	MUST(vrv_repo_slot_add(repo, "file", template.key_file, &open, id,
	    &err));
	vrv_repo_close(repo);
}

void
template_fini(void)
{
	vrv_store_free(template.store);
	remove(template.key_file);
}

static int
copy_object(void *arg, const struct vrv_store_item *item, struct varve_err *err)
{
	uint8_t *bytes;
	size_t n;

	int rc = vrv_store_get_all(template.store, item->name, VRV_MAX_CONFIG,
	    &bytes, &n, err);
	if (rc != 0)
		return rc;
	rc = vrv_store_put(arg, item->name, bytes, n, err);
	free(bytes);
	return rc;
}

void
client(struct world *w, unsigned n)
{
	snprintf(w->state, sizeof(w->state), "%s/state%u", w->dir, n);
	snprintf(w->cache, sizeof(w->cache), "%s/cache%u", w->dir, n);
	snprintf(w->keys, sizeof(w->keys), "%s/keys%u", w->dir, n);
}

void
world_init(struct world *w)
{
	struct varve_err err;

	*w = (struct world){.passphrase = "secret", .fresh = "secret"};
	snprintf(w->dir, sizeof(w->dir), "/tmp/varve-repo-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	client(w, 0);
	if (template.store == NULL)
		make_template(w);
	MUST(vrv_store_open_memory(&w->store, &err));
	MUST(vrv_store_list(template.store, "", false, copy_object, w->store,
	    &err));
	w->hooks.log[0] = '\0';
	w->asked = 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

void
world_fini(struct world *w)
{
	vrv_store_free(w->store);
	nftw(w->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int
world_setup(void **state)
{
	struct world *w = malloc(sizeof(*w));

	world_init(w);
	*state = w;
	return 0;
}

int
world_teardown(void **state)
{
	world_fini(*state);
	free(*state);
	return 0;
}

struct vrv_repo *
must_open(struct world *w)
{
	const struct varve_open_options open = options(w, true);
	struct vrv_repo *repo;
	struct varve_err err;

	MUST(vrv_repo_open(reach(w), &open, &repo, &err));
	w->hooks.log[0] = '\0';
	return repo;
}

struct vrv_repo *
open_faulty(struct world *w, struct vrv_store **ret)
{
	const struct varve_open_options open = options(w, true);
	struct vrv_repo *repo;
	struct varve_err err;

	*ret = faultstore_new(reach(w));
	assert_non_null(*ret);
	MUST(vrv_repo_open(*ret, &open, &repo, &err));
	return repo;
}

void
write_file(const char *path, const void *bytes, size_t n)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	fclose(f);
}

/* --- storing chunks --- */

int
storing_begin(struct storing *s, struct vrv_repo *repo, unsigned n,
    uint64_t checkpoint_bytes, struct varve_err *err)
{
	return storing_begin_timed(s, repo, n, checkpoint_bytes, UINT64_MAX,
	    err);
}

int
storing_begin_timed(struct storing *s, struct vrv_repo *repo, unsigned n,
    uint64_t checkpoint_bytes, uint64_t checkpoint_ns, struct varve_err *err)
{
	const struct vrv_writer_options o = {.compression = {.codec = VRV_ZSTD,
						 .level = 1},
	    .lanes = n,
	    .checkpoint_ns = checkpoint_ns,
	    .checkpoint_bytes = checkpoint_bytes};

	*s = (struct storing){.repo = repo, .group = vrv_group_new()};
	assert_non_null(s->group);
	int rc = vrv_writer_new(repo, s->group, &o, &s->writer, err);
	for (; rc == 0 && s->n < n; s->n++)
		rc = vrv_lane_new(s->writer,
		    s->n == n - 1 ? VRV_FRAME_META : VRV_FRAME_DATA,
		    &s->lanes[s->n], err);
	return rc;
}

int
storing_join(struct storing *s, struct varve_err *err)
{
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < s->n; i++)
		rc = vrv_lane_done(s->lanes[i], err);
	if (rc != 0)
		vrv_group_cancel(s->group, err);
	return vrv_group_join(s->group, err);
}

void
storing_end(struct storing *s)
{
	struct varve_err err;

	vrv_group_cancel(s->group, NULL);
	(void)!vrv_group_join(s->group, &err);
	for (unsigned i = 0; i < s->n; i++)
		vrv_lane_free(s->lanes[i]);
	vrv_writer_free(s->writer);
	vrv_group_free(s->group);
}

void
noise(uint32_t seed, uint8_t *to, size_t n)
{
	uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;

	for (size_t i = 0; i < n; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		to[i] = (uint8_t)(x >> 32);
	}
}

void
put_one(struct vrv_repo *repo, enum vrv_frame_kind kind, uint32_t seed,
    size_t n, uint8_t ret_id[VRV_ID_SIZE])
{
	uint8_t *bytes = malloc(n);
	struct storing s;
	struct varve_err err;
	bool fresh;

	noise(seed, bytes, n);
	MUST(storing_begin(&s, repo, 2, UINT64_MAX, &err));
	MUST(vrv_lane_put(s.lanes[kind == VRV_FRAME_META], bytes, n, ret_id,
	    &fresh, &err));
	MUST(storing_join(&s, &err));
	storing_end(&s);
	free(bytes);
}

int
get_one(struct vrv_repo *repo, enum vrv_frame_kind kind,
    const uint8_t id[VRV_ID_SIZE], uint32_t seed, size_t n,
    struct varve_err *err)
{
	struct vrv_reader *reader;
	const uint8_t *got;
	size_t got_n;

	int rc = vrv_reader_new(repo, 1 << 20, &reader, err);
	if (rc != 0)
		return rc;
	rc = vrv_reader_get(reader, kind, id, &got, &got_n, err);
	if (rc == 0) {
		uint8_t *want = malloc(n);

		noise(seed, want, n);
		assert_int_equal(got_n, n);
		assert_memory_equal(got, want, n);
		free(want);
	}
	vrv_reader_free(reader);
	return rc;
}

/* --- objects --- */

struct find {
	char names[256][VRV_NAME_SIZE];
	size_t n;
};

static int
add_name(void *arg, const struct vrv_store_item *item, struct varve_err *err)
{
	struct find *f = arg;

	(void)err;
	assert_true(f->n < 256);
	strcpy(f->names[f->n++], item->name);
	return 0;
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void
find(struct world *w, const char *prefix, struct find *f)
{
	struct varve_err err;

	f->n = 0;
	MUST(vrv_store_list(w->store, prefix, false, add_name, f, &err));
	qsort(f->names, f->n, sizeof(f->names[0]), by_text);
}

size_t
count(struct world *w, const char *prefix)
{
	struct find f;

	find(w, prefix, &f);
	return f.n;
}

void
name_at(struct world *w, const char *prefix, size_t which, char *ret)
{
	struct find f;

	find(w, prefix, &f);
	assert_true(which < f.n);
	strcpy(ret, f.names[which]);
}

void
remove_object(struct world *w, const char *name)
{
	struct varve_err err;

	MUST(vrv_store_delete(w->store, name, &err));
}

void
remove_first(struct world *w, const char *prefix)
{
	char name[VRV_NAME_SIZE];

	name_at(w, prefix, 0, name);
	remove_object(w, name);
}

void
damage(struct world *w, const char *name, size_t at)
{
	struct varve_err err;
	uint8_t *bytes;
	size_t n;

	MUST(
	    vrv_store_get_all(w->store, name, VRV_MAX_INDEX, &bytes, &n, &err));
	assert_true(at < n);
	bytes[at] ^= 0x10;
	MUST(vrv_store_delete(w->store, name, &err));
	MUST(vrv_store_put(w->store, name, bytes, n, &err));
	free(bytes);
}
