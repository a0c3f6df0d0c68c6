/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive_fixture.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MUST(call) assert_int_equal((call), 0)

static int
give_passphrase(void *arg, bool fresh, const char *location, char *buf,
    size_t size, size_t *ret_n, struct varve_err *err)
{
	(void)arg;
	(void)fresh;
	(void)location;
	(void)size;
	(void)err;
	memcpy(buf, "secret", 6);
	*ret_n = 6;
	return 0;
}

static void
on_event(void *arg, const struct varve_event *event)
{
	struct fixture *f = arg;
	size_t n = strlen(f->notes);

	if (event->type != VARVE_EVENT_PROBLEM &&
	    event->type != VARVE_EVENT_NOTE &&
	    event->type != VARVE_EVENT_WARNING)
		return;
	snprintf(f->notes + n, sizeof(f->notes) - n, "%s: %s\n",
	    event->path == NULL ? "" : event->path, event->message);
}

/* A fresh repository and a key file that opens it without a derivation; made
 * once, since every passphrase costs one. */
static struct {
	struct vrv_store *store;
	char key_file[64];
} template;

static void
set_options(struct fixture *f, struct varve_open_options *open)
{
	*open = (struct varve_open_options)VARVE_OPEN_OPTIONS_INIT;
	open->passphrase = give_passphrase;
	open->event = on_event;
	open->event_arg = f;
}

static struct vrv_store *
hooked(struct fixture *f, struct vrv_store *inner)
{
	struct vrv_store *store = hook_store_new(inner, &f->hooks);

	assert_non_null(store);
	return store;
}

static void
make_template(struct fixture *f)
{
	struct varve_init_options make = VARVE_INIT_OPTIONS_INIT;
	struct varve_open_options open;
	struct vrv_repo *repo;
	struct varve_err err;
	char id[33];

	set_options(f, &open);
	make.kdf_memory = VRV_ARGON_MEMORY_MIN;
	make.kdf_passes = VRV_ARGON_PASSES_MIN;
	make.chunker = VARVE_CHUNKER_GEAR;
	make.chunk_min = 64 << 10;
	make.chunk_average = 256 << 10;
	make.chunk_max = 2 << 20;
	MUST(vrv_store_open_memory(&template.store, &err));
	MUST(vrv_repo_init(hooked(f, template.store), &make, &open, &err));
	MUST(vrv_repo_open(hooked(f, template.store), &open, &repo, &err));
	snprintf(template.key_file, sizeof(template.key_file),
	    "/tmp/varve-archive-key-%d", (int)getpid());
	MUST(vrv_repo_slot_add(repo, "file", template.key_file, &open, id,
	    &err));
	vrv_repo_close(repo);
}

void
fixture_template_fini(void)
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

static void
open_repo(struct fixture *f, bool look)
{
	char state[80], cache[80];
	struct varve_err err;
	struct varve_open_options open;

	set_options(f, &open);
	snprintf(state, sizeof(state), "%s/state%u", f->dir, f->client);
	snprintf(cache, sizeof(cache), "%s/cache%u", f->dir, f->client);
	open.state_dir = state;
	open.cache_dir = cache;
	open.key_file = template.key_file;
	open.allow_rollback = look;
	MUST(vrv_repo_open(hooked(f, f->store), &open, &f->repo, &err));
	f->hooks.log[0] = '\0';
	f->notes[0] = '\0';
}

void
fixture_init(struct fixture *f)
{
	struct varve_err err;

	*f = (struct fixture){.client = 0};
	if (template.store == NULL)
		make_template(f);
	snprintf(f->dir, sizeof(f->dir), "/tmp/varve-archive-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	MUST(vrv_store_open_memory(&f->store, &err));
	MUST(vrv_store_list(template.store, "", false, copy_object, f->store,
	    &err));
	open_repo(f, false);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
fixture_fini(struct fixture *f)
{
	vrv_repo_close(f->repo);
	vrv_store_free(f->store);
	nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int
fixture_setup(void **state)
{
	struct fixture *f = malloc(sizeof(*f));

	assert_non_null(f);
	fixture_init(f);
	*state = f;
	return 0;
}

int
fixture_teardown(void **state)
{
	fixture_fini(*state);
	free(*state);
	return 0;
}

void
fixture_reopen(struct fixture *f, bool fresh)
{
	vrv_repo_close(f->repo);
	f->client += fresh;
	open_repo(f, false);
}

void
fixture_look(struct fixture *f)
{
	vrv_repo_close(f->repo);
	open_repo(f, true);
}

static struct vrv_text
text(const char *s)
{
	return (struct vrv_text){(const uint8_t *)s, strlen(s)};
}

struct vrv_archive
some_archive(struct fixture *f, uint8_t which)
{
	struct vrv_archive a = {
	    .object = {.type = VRV_ARCHIVE},
	    .clear = {.end = which, .stored = 1},
	    .sealed =
		{
		    .name = text("noon"),
		    .series = text("docs"),
		    .host = text("host"),
		    .user = text("user"),
		    .nominal = {which, 0},
		    .start = {which, 0},
		    .end = {which, 0},
		},
	};

	memset(a.clear.logical, which, VRV_LOGICAL_ID);
	memset(a.sealed.root.id, which, VRV_CHUNK_ID);
	vrv_repo_tag(f->repo, "host", "docs", a.object.tag);
	return a;
}

struct vrv_archive
after(struct fixture *f, uint8_t which, ...)
{
	struct vrv_archive a = some_archive(f, which);
	va_list ap;
	int id;

	va_start(ap, which);
	while ((id = va_arg(ap, int)) != 0)
		memset(a.clear.previous[a.clear.n_previous++], id,
		    VRV_LOGICAL_ID);
	va_end(ap);
	return a;
}

void
commit(struct fixture *f, struct vrv_archive *a)
{
	struct vrv_commit c = {
	    .archive = a,
	    .as_admin = a->clear.revision > 0,
	};
	struct varve_err err;

	MUST(vrv_archive_commit(f->repo, &c, &err));
}

void
must_load(struct fixture *f, struct vrv_archives **ret)
{
	struct varve_err err;

	MUST(vrv_archives_load(f->repo, ret, &err));
}

void
expect(struct fixture *f, size_t n, size_t damaged)
{
	struct vrv_archives *list;

	must_load(f, &list);
	assert_int_equal(list->n, n);
	assert_int_equal(list->damaged, damaged);
	vrv_archives_free(list);
}

void
bury(struct fixture *f, const struct vrv_archive *a)
{
	struct varve_err err;

	MUST(vrv_archive_bury(f->repo, &a, 1, &err));
}

void
delete_object(struct fixture *f, const struct vrv_name *name)
{
	char path[VRV_NAME_SIZE];
	struct varve_err err;

	vrv_name_print(name, path);
	MUST(vrv_store_delete(f->store, path, &err));
}

static void
find_tombstone(void *arg, const char *op, const char *name)
{
	if (strcmp(op, "put") == 0)
		assert_true(vrv_name_parse(name, arg));
}

void
bury_seen(struct fixture *f, const struct vrv_archive *a, struct vrv_name *ret)
{
	f->hooks.before = find_tombstone;
	f->hooks.arg = ret;
	bury(f, a);
	f->hooks.before = NULL;
}

static void
delete_now(void *arg, const char *op, const char *name)
{
	struct fixture *f = arg;

	if (strcmp(op, "list") != 0 || strcmp(name, "archives/") != 0)
		return;
	f->hooks.before = NULL;
	bury(f, f->victim);
	delete_object(f, &f->victim->object);
}

void
bury_during_list(struct fixture *f, const struct vrv_archive *a)
{
	f->victim = a;
	f->hooks.before = delete_now;
	f->hooks.arg = f;
}

void
flip_byte(struct fixture *f, const struct vrv_name *name, size_t at)
{
	char path[VRV_NAME_SIZE];
	uint8_t *bytes;
	size_t n;
	struct varve_err err;

	vrv_name_print(name, path);
	MUST(vrv_store_get_all(f->store, path, VRV_MAX_RECORD, &bytes, &n,
	    &err));
	bytes[at] ^= 1;
	MUST(vrv_store_delete(f->store, path, &err));
	MUST(vrv_store_put(f->store, path, bytes, n, &err));
	free(bytes);
}

void
condemn(struct fixture *f, enum vrv_type type, const uint8_t *id)
{
	vrv_auto_buf struct vrv_buf object = {0};
	struct vrv_name name = {.type = VRV_CONDEMN};
	struct vrv_condemned what = {.type = (uint8_t)type};
	struct vrv_condemn record = {
	    .reason = VRV_REASON_DEAD,
	    .n = 1,
	    .objects = &what,
	};
	struct varve_err err;

	memcpy(what.id, id, VRV_OBJECT_ID);
	MUST(vrv_draft_begin(f->repo, &name, false, &object, &err));
	vrv_condemn_put(&object, &record);
	MUST(vrv_draft_store(f->repo, &name, &object, true, &err));
}
