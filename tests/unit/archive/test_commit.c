/* SPDX-License-Identifier: BSD-2-Clause */
/* The commit protocol against a collector that is at work beside it. */
#include "archive_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "retire.h"
#include "rollwriter.h"

#define MUST(call) assert_int_equal((call), 0)

/* --- a run that stores a small tree --- */

struct run {
	struct vrv_group *group;
	struct vrv_writer *writer;
	struct vrv_lane *data, *meta;
	const struct vrv_key *cut_key;
};

static void
run_begin(struct fixture *f, struct run *run)
{
	struct vrv_writer_options options = {
	    .compression = {.codec = VRV_ZSTD, .level = 1},
	    .lanes = 2,
	    .checkpoint_ns = UINT64_MAX,
	    .checkpoint_bytes = UINT64_MAX,
	};
	struct varve_err err;

	*run = (struct run){.group = vrv_group_new()};
	assert_non_null(run->group);
	run->cut_key = vrv_repo_tree_key(f->repo);
	MUST(vrv_writer_new(f->repo, run->group, &options, &run->writer, &err));
	MUST(vrv_lane_new(run->writer, VRV_FRAME_DATA, &run->data, &err));
	MUST(vrv_lane_new(run->writer, VRV_FRAME_META, &run->meta, &err));
}

/* Nothing more is put: the writer can be asked what it reused. */
static void
run_join(struct run *run)
{
	struct varve_err err;

	MUST(vrv_lane_done(run->data, &err));
	MUST(vrv_lane_done(run->meta, &err));
	MUST(vrv_group_join(run->group, &err));
	vrv_lane_free(run->data);
	vrv_lane_free(run->meta);
}

static void
run_end(struct run *run)
{
	vrv_writer_free(run->writer);
	vrv_group_free(run->group);
}

static int
put_meta(void *arg, const uint8_t *bytes, size_t n, uint8_t *ret_id,
    struct varve_err *err)
{
	struct run *run = arg;
	bool is_new;

	return vrv_lane_put(run->meta, bytes, n, ret_id, &is_new, err);
}

/* A directory with one file of this content; `name` tells trees apart. */
static struct vrv_ref
put_tree(struct run *run, const char *name, const char *content)
{
	struct vrv_meta_sink sink = {put_meta, run, run->cut_key};
	vrv_auto_buf struct vrv_buf extents = {0};
	vrv_auto_buf struct vrv_buf inline_content = {0};
	vrv_auto_buf struct vrv_buf entry = {0};
	struct vrv_extent extent = {.length = strlen(content)};
	struct vrv_tree_builder *b;
	struct vrv_ref ref;
	struct varve_err err;
	bool is_new;

	MUST(vrv_lane_put(run->data, content, extent.length, extent.id, &is_new,
	    &err));
	vrv_extent_put(&extents, &extent);
	vrv_content_put_inline(&inline_content, 1, extents.data, extents.len);
	struct vrv_entry e = {
	    .kind = 1,
	    .name = (const uint8_t *)name,
	    .name_n = strlen(name),
	    .size = extent.length,
	    .content = inline_content.data,
	    .content_n = inline_content.len,
	};
	vrv_entry_put(&entry, &e);
	MUST(vrv_tree_builder_new(&sink, &b, &err));
	MUST(vrv_tree_builder_add(b, e.name, e.name_n, entry.data, entry.len,
	    &err));
	MUST(vrv_tree_builder_finish(b, &ref, &err));
	vrv_tree_builder_free(b);
	return ref;
}

/* A whole run. */
static struct vrv_archive
backup(struct fixture *f, uint8_t which, const char *name, const char *content)
{
	struct vrv_archive a = some_archive(f, which);
	struct vrv_commit c = {.archive = &a};
	struct run run;
	struct varve_err err;

	run_begin(f, &run);
	a.sealed.root = put_tree(&run, name, content);
	run_join(&run);
	c.writer = run.writer;
	MUST(vrv_archive_commit(f->repo, &c, &err));
	run_end(&run);
	return a;
}

static int
read_chunk(void *arg, enum vrv_frame_kind kind, const uint8_t *id,
    struct varve_err *err)
{
	const uint8_t *bytes;
	size_t n;

	return vrv_reader_get(arg, kind, id, &bytes, &n, err);
}

/* Read all of an archive as somebody who comes later. */
static int
read_back(struct fixture *f, const struct vrv_archive *a)
{
	struct vrv_reader *reader;
	struct varve_err err;

	fixture_reopen(f, true);
	MUST(vrv_reader_new(f->repo, 1 << 20, &reader, &err));
	struct vrv_meta_source source = vrv_meta_from_reader(reader);
	int rc = vrv_archive_chunks(&source, a, read_chunk, reader, &err);
	vrv_reader_free(reader);
	return rc;
}

/* --- packs and what is done to them --- */

struct packs {
	uint8_t ids[16][VRV_OBJECT_ID];
	size_t n;
};

static int
on_pack(void *arg, const struct vrv_store_item *item, struct varve_err *err)
{
	struct packs *packs = arg;
	struct vrv_name name;

	(void)err;
	assert_true(vrv_name_parse(item->name, &name));
	assert_true(packs->n < 16);
	memcpy(packs->ids[packs->n++], name.id, VRV_OBJECT_ID);
	return 0;
}

static struct packs
all_packs(struct fixture *f)
{
	struct packs packs = {.n = 0};
	struct varve_err err;

	MUST(vrv_store_list(f->store, "packs/", false, on_pack, &packs, &err));
	return packs;
}

static void
condemn_packs(struct fixture *f, const struct packs *packs)
{
	for (size_t i = 0; i < packs->n; i++)
		condemn(f, VRV_PACK, packs->ids[i]);
}

static void
delete_packs(struct fixture *f, const struct packs *packs)
{
	for (size_t i = 0; i < packs->n; i++) {
		struct vrv_name name = {.type = VRV_PACK};
		memcpy(name.id, packs->ids[i], VRV_OBJECT_ID);
		delete_object(f, &name);
	}
}

/* Something that happens right before the first call `op` on `prefix`. */
struct event {
	struct fixture *f;
	const char *op, *prefix;
	const struct packs *condemn, *delete;
	const struct vrv_archive *bury;
	bool condemn_intent;
	struct vrv_name intent; /* as it was stored */
};

static void
on_call(void *arg, const char *op, const char *name)
{
	struct event *e = arg;
	struct vrv_name parsed;

	if (strcmp(op, "put") == 0 && vrv_name_parse(name, &parsed) &&
	    parsed.type == VRV_INTENT)
		e->intent = parsed;
	if (e->op == NULL || strcmp(op, e->op) != 0 ||
	    strncmp(name, e->prefix, strlen(e->prefix)) != 0)
		return;
	e->op = NULL;
	if (e->condemn != NULL)
		condemn_packs(e->f, e->condemn);
	if (e->delete != NULL)
		delete_packs(e->f, e->delete);
	if (e->bury != NULL)
		bury(e->f, e->bury);
	if (e->condemn_intent)
		condemn(e->f, VRV_INTENT, e->intent.id);
}

static int
on_archive(void *arg, const struct vrv_store_item *item, struct varve_err *err)
{
	(void)item;
	(void)err;
	++*(size_t *)arg;
	return 0;
}

static size_t
count_archives(struct fixture *f)
{
	size_t n = 0;
	struct varve_err err;

	MUST(
	    vrv_store_list(f->store, "archives/", false, on_archive, &n, &err));
	return n;
}

/* A second run that stores nothing but a tree, since the file's content is
 * there already; `event` happens on the way. */
static int
second_run(struct fixture *f, struct event *event, struct vrv_archive *ret,
    struct varve_err *err)
{
	*ret = some_archive(f, 2);
	struct vrv_commit c = {.archive = ret};
	struct run run;

	event->f = f;
	run_begin(f, &run);
	ret->sealed.root = put_tree(&run, "second", "the content");
	run_join(&run);
	c.writer = run.writer;
	f->hooks.before = on_call;
	f->hooks.arg = event;
	int rc = vrv_archive_commit(f->repo, &c, err);
	f->hooks.before = NULL;
	run_end(&run);
	return rc;
}

/* --- tests --- */

/* The calls of a run in which nothing changed, in their order. */
static void
test_calls(void **state)
{
	struct fixture f;
	struct vrv_archives *list;
	struct varve_err err;
	char expect[1024], id[2 * VRV_OBJECT_ID + 1], tag[2 * VRV_TAG_SIZE + 1];

	(void)state;
	fixture_init(&f);
	struct vrv_archive a = backup(&f, 1, "first", "the content");
	struct vrv_archive gone = backup(&f, 9, "other", "something");
	bury(&f, &gone);
	fixture_reopen(&f, false);
	must_load(&f, &list);
	f.hooks.log[0] = '\0';
	struct vrv_archive b = some_archive(&f, 2);
	b.sealed.root = a.sealed.root;
	struct vrv_commit c = {
	    .archive = &b,
	    .parent = vrv_archives_get(list, a.clear.logical),
	    .known = list,
	};
	MUST(vrv_archive_commit(f.repo, &c, &err));
	for (size_t i = 0; i < VRV_OBJECT_ID; i++)
		snprintf(id + 2 * i, 3, "%02x", b.object.id[i]);
	for (size_t i = 0; i < VRV_TAG_SIZE; i++)
		snprintf(tag + 2 * i, 3, "%02x", b.object.tag[i]);
	snprintf(expect, sizeof(expect),
	    "sync index/\nput intents/%s-%s\nlist tombstones/%s\n"
	    "list rolls/\nlist condemned/\nput archives/%s-%s\n"
	    "list condemned/\nlist rolls/\n",
	    tag, id, tag, tag, id);
	assert_string_equal(f.hooks.log, expect);
	vrv_archives_free(list);
	MUST(read_back(&f, &b));
	fixture_fini(&f);
}

static int
take_name(void *arg, const struct vrv_store_item *item, struct varve_err *err)
{
	(void)err;
	assert_true(vrv_name_parse(item->name, arg));
	return 0;
}

/* An index object of a retired writer counts if a roll names its hash; what
 * was loaded before is loaded again. */
static void
test_retired_index(void **state)
{
	struct fixture f;
	struct roll_draft d = {0};
	struct vrv_index *index;
	struct vrv_name name;
	struct varve_err err;

	(void)state;
	fixture_init(&f);
	backup(&f, 1, "first", "the content");
	fixture_reopen(&f, false);
	MUST(vrv_repo_index(f.repo, &index, &err));
	assert_string_equal(f.notes, "");
	MUST(vrv_store_list(f.store, "index/", false, take_name, &name, &err));
	roll_object(&d, f.repo, &name)->hash[5] ^= 1;
	roll_store(&d, f.repo, true, NULL);
	fixture_reopen(&f, false);
	retire_writer(f.repo);
	MUST(vrv_repo_index(f.repo, &index, &err));
	assert_non_null(strstr(f.notes, "no roll vouches for it"));
	fixture_reopen(&f, false);
	roll_object(&d, f.repo, &name);
	roll_store(&d, f.repo, true, NULL);
	retire_writer(f.repo);
	MUST(vrv_repo_index(f.repo, &index, &err));
	assert_string_equal(f.notes, "");
	fixture_fini(&f);
}

/* Nothing happens: chunks are reused and nothing is copied. */
static void
test_quiet(void **state)
{
	struct fixture f;
	struct vrv_archive b;
	struct event event = {0};
	struct varve_err err;

	(void)state;
	fixture_init(&f);
	backup(&f, 1, "first", "the content");
	size_t before = all_packs(&f).n;
	MUST(second_run(&f, &event, &b, &err));
	/* Its tree, which is new. */
	assert_int_equal(all_packs(&f).n, before + 1);
	MUST(read_back(&f, &b));
	fixture_fini(&f);
}

static void
test_condemned_pack(void **state)
{
	static const char *const when[][2] = {
	    {"sync", "index/"},				 /* before the intent */
	    {"put", "intents/"}, {"list", "condemned/"}, /* and after it */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(when) / sizeof(when[0]); i++) {
		struct fixture f;
		struct vrv_archive b;
		struct varve_err err;
		fixture_init(&f);
		backup(&f, 1, "first", "the content");
		struct packs old = all_packs(&f);
		struct event event = {
		    .op = when[i][0],
		    .prefix = when[i][1],
		    .condemn = &old,
		};
		MUST(second_run(&f, &event, &b, &err));
		/* The old packs can go; the copy is elsewhere. */
		delete_packs(&f, &old);
		MUST(read_back(&f, &b));
		fixture_fini(&f);
	}
}

/* Packs that go while they are copied from, or went before: never an archive
 * that cannot be read. */
static void
test_gone_pack(void **state)
{
	struct fixture f;
	struct vrv_archive b;
	struct varve_err err;

	(void)state;
	fixture_init(&f);
	backup(&f, 1, "first", "the content");
	struct packs old = all_packs(&f);
	struct event event = {.op = "put",
	    .prefix = "intents/",
	    .delete = &old};
	size_t before = count_archives(&f);
	assert_int_equal(second_run(&f, &event, &b, &err), VARVE_LOCKED);
	assert_non_null(strstr(err.message, "run the backup again"));
	assert_int_equal(count_archives(&f), before);
	fixture_fini(&f);

	/* Condemned at first, gone when it comes to reading. */
	fixture_init(&f);
	backup(&f, 1, "first", "the content");
	old = all_packs(&f);
	event = (struct event){
	    .op = "list",
	    .prefix = "condemned/",
	    .condemn = &old,
	    .delete = &old,
	};
	assert_int_not_equal(second_run(&f, &event, &b, &err), 0);
	assert_int_equal(count_archives(&f), 1);
	fixture_fini(&f);
}

/* The parent is deleted and everything it had is condemned. */
static void
test_buried_parent(void **state)
{
	struct fixture f;
	struct varve_err err;

	(void)state;
	for (int condemned = 0; condemned < 2; condemned++) {
		fixture_init(&f);
		struct vrv_archive a = backup(&f, 1, "first", "the content");
		struct packs old = all_packs(&f);
		struct vrv_archive b = some_archive(&f, 2);
		struct vrv_commit c = {.archive = &b, .parent = &a};
		struct event event = {
		    .f = &f,
		    .op = "put",
		    .prefix = "intents/",
		    .bury = &a,
		    .condemn = condemned ? &old : NULL,
		};
		b.sealed.root = a.sealed.root;
		f.hooks.before = on_call;
		f.hooks.arg = &event;
		MUST(vrv_archive_commit(f.repo, &c, &err));
		f.hooks.before = NULL;
		if (condemned)
			delete_packs(&f, &old);
		else
			assert_int_equal(all_packs(&f).n, old.n);
		MUST(read_back(&f, &b));
		fixture_fini(&f);
	}
}

/* An object of the parent is condemned: its chunks are not sure any more. */
static void
test_condemned_parent(void **state)
{
	struct fixture f;
	struct varve_err err;

	(void)state;
	fixture_init(&f);
	struct vrv_archive a = backup(&f, 1, "first", "the content");
	struct packs old = all_packs(&f);
	struct vrv_archive b = some_archive(&f, 2);
	struct vrv_commit c = {.archive = &b, .parent = &a};
	b.sealed.root = a.sealed.root;
	condemn(&f, VRV_ARCHIVE, a.object.id);
	delete_packs(&f, &old);
	assert_int_equal(vrv_archive_commit(f.repo, &c, &err), VARVE_LOCKED);
	assert_int_equal(count_archives(&f), 1);
	fixture_fini(&f);
}

static void
test_condemned_intent(void **state)
{
	struct fixture f;
	struct vrv_archive b;
	struct varve_err err;
	struct event event = {
	    .op = "put",
	    .prefix = "archives/",
	    .condemn_intent = true,
	};

	(void)state;
	fixture_init(&f);
	backup(&f, 1, "first", "the content");
	assert_int_equal(second_run(&f, &event, &b, &err), VARVE_LOCKED);
	struct vrv_pin *pins;
	size_t n;
	/* Not acknowledged is not remembered either. */
	assert_int_equal(vrv_repo_state_pins(f.repo, &pins, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(pins[0].logical[0], 1);
	free(pins);
	fixture_fini(&f);
}

/* A record that nobody can read might name anything. */
static void
test_damaged_record(void **state)
{
	struct fixture f;
	struct varve_err err;
	const uint8_t id[VRV_OBJECT_ID] = {1};
	struct vrv_condemned_set set = {0};

	(void)state;
	fixture_init(&f);
	MUST(vrv_store_put(f.store,
	    "condemned/000102030405060708090a0b0c0d0e0f", "x", 1, &err));
	struct vrv_archive a = some_archive(&f, 1);
	struct vrv_commit c = {.archive = &a};
	assert_int_not_equal(vrv_archive_commit(f.repo, &c, &err), 0);
	assert_int_equal(count_archives(&f), 0);
	MUST(vrv_store_delete(f.store,
	    "condemned/000102030405060708090a0b0c0d0e0f", &err));

	assert_false(vrv_condemned_has(&set, VRV_PACK, id));
	condemn(&f, VRV_PACK, id);
	MUST(vrv_condemned_list(f.repo, &set, &err));
	assert_true(vrv_condemned_has(&set, VRV_PACK, id));
	assert_false(vrv_condemned_has(&set, VRV_INDEX, id));
	f.hooks.log[0] = '\0';
	MUST(vrv_condemned_list(f.repo, &set, &err));
	assert_string_equal(f.hooks.log, "list condemned/\n");
	vrv_condemned_fini(&set);
	fixture_fini(&f);
}

/* --- packs that no index object names --- */

struct found {
	char name[VRV_NAME_SIZE];
};

static int
on_index(void *arg, const struct vrv_store_item *item, struct varve_err *err)
{
	struct found *found = arg;

	(void)err;
	snprintf(found->name, sizeof(found->name), "%s", item->name);
	return 0;
}

static int
on_named(void *arg, const uint8_t pack[VRV_OBJECT_ID], uint64_t length,
    struct varve_err *err)
{
	struct packs *packs = arg;

	(void)length;
	(void)err;
	assert_true(packs->n < 16);
	memcpy(packs->ids[packs->n++], pack, VRV_OBJECT_ID);
	return 0;
}

/* What the index objects name for a client that knows nothing. */
static struct packs
named_packs(struct fixture *f)
{
	struct packs packs = {.n = 0};
	struct vrv_index *index;
	struct varve_err err;

	fixture_reopen(f, true);
	MUST(vrv_repo_index(f->repo, &index, &err));
	MUST(vrv_index_packs(index, on_named, &packs, &err));
	return packs;
}

/* A first archive whose index object is then damaged or deleted. */
static struct vrv_archive
unnamed(struct fixture *f, bool damaged)
{
	struct found found;
	struct vrv_name name;
	struct varve_err err;

	fixture_init(f);
	struct vrv_archive a = backup(f, 1, "first", "the content");
	MUST(vrv_store_list(f->store, "index/", false, on_index, &found, &err));
	assert_true(vrv_name_parse(found.name, &name));
	if (damaged)
		flip_byte(f, &name, 100);
	else
		delete_object(f, &name);
	fixture_reopen(f, true);
	return a;
}

/* What this run found by a pack's own directory is named by an index object
 * before its archive is stored, and that object stands in its intent. */
static void
test_names_packs(void **state)
{
	(void)state;
	for (int damaged = 0; damaged < 2; damaged++) {
		struct fixture f;
		struct vrv_archive b;
		struct event event = {0};
		struct varve_err err;

		struct vrv_archive a = unnamed(&f, damaged == 1);
		MUST(read_back(&f, &a));
		f.hooks.log[0] = '\0';
		struct vrv_commit c = {.archive = &b, .parent = &a};
		b = some_archive(&f, 3);
		b.sealed.root = a.sealed.root;
		struct vrv_reader *reader;
		MUST(vrv_reader_new(f.repo, 1 << 20, &reader, &err));
		MUST(
		    read_chunk(reader, VRV_FRAME_META, a.sealed.root.id, &err));
		vrv_reader_free(reader);
		/* No writer, as when an archive is renamed. */
		MUST(vrv_archive_commit(f.repo, &c, &err));
		const char *at = strstr(f.hooks.log, "put index/");
		assert_non_null(at);
		assert_true(at < strstr(f.hooks.log, "put intents/"));
		assert_non_null(strstr(f.hooks.log, "sync packs/"));
		assert_int_equal(named_packs(&f).n, all_packs(&f).n);
		MUST(read_back(&f, &b));

		/* Nothing is left to be named. */
		size_t before = all_packs(&f).n;
		MUST(second_run(&f, &event, &b, &err));
		assert_int_equal(all_packs(&f).n, before + 1);
		assert_int_equal(named_packs(&f).n, before + 1);
		MUST(read_back(&f, &a));
		MUST(read_back(&f, &b));
		fixture_fini(&f);
	}
}

/* A pack that goes before it is named may hold what the archive rests on: the
 * archive is not stored, also where nothing else gives it away. */
static void
test_unnamed_pack_goes(void **state)
{
	struct fixture f;
	struct vrv_reader *reader;
	struct varve_err err;

	(void)state;
	struct vrv_archive a = unnamed(&f, false);
	struct packs old = all_packs(&f);
	struct event event = {
	    .f = &f,
	    .op = "sync",
	    .prefix = "packs/",
	    .delete = &old,
	};
	struct vrv_archive b = some_archive(&f, 3);
	struct vrv_commit c = {.archive = &b, .parent = &a};
	b.sealed.root = a.sealed.root;
	MUST(vrv_reader_new(f.repo, 1 << 20, &reader, &err));
	MUST(read_chunk(reader, VRV_FRAME_META, a.sealed.root.id, &err));
	vrv_reader_free(reader);
	f.hooks.before = on_call;
	f.hooks.arg = &event;
	assert_int_equal(vrv_archive_commit(f.repo, &c, &err), VARVE_LOCKED);
	f.hooks.before = NULL;
	assert_null(event.op);
	assert_int_equal(count_archives(&f), 1);
	fixture_fini(&f);
}

/* A condemned pack is never named: what was found there is copied. */
static void
test_names_no_condemned(void **state)
{
	struct fixture f;
	struct vrv_archive b;
	struct varve_err err;

	(void)state;
	unnamed(&f, true);
	struct packs old = all_packs(&f);
	struct event event = {
	    .op = "sync",
	    .prefix = "index/",
	    .condemn = &old,
	};
	MUST(second_run(&f, &event, &b, &err));
	delete_packs(&f, &old);
	struct packs named = named_packs(&f);
	assert_int_equal(named.n, all_packs(&f).n);
	for (size_t i = 0; i < named.n; i++)
		assert_memory_not_equal(named.ids[i], old.ids[0],
		    VRV_OBJECT_ID);
	MUST(read_back(&f, &b));
	fixture_fini(&f);
}

/* --- limits --- */

static struct vrv_text
filled(struct vrv_arena *arena, size_t n)
{
	char *p = vrv_arena_alloc(arena, n);

	assert_non_null(p);
	memset(p, 'x', n);
	return (struct vrv_text){(const uint8_t *)p, n};
}

/* With the longest texts and the largest root entry that a run lets through, an
 * archive is stored and read. Above them nothing is stored. */
static void
test_limits(void **state)
{
	struct vrv_arena arena = {0};
	struct fixture f;
	struct vrv_archives *all;
	struct varve_err err;
	char *name;

	(void)state;
	fixture_init(&f);
	struct vrv_archive a = some_archive(&f, 1);
	a.sealed.name = filled(&arena, 100);
	a.sealed.cwd = filled(&arena, 4095);
	struct vrv_text arg = filled(&arena, (size_t)64 << 10);
	a.sealed.args = &arg;
	a.sealed.n_args = 1;

	/* A list of attributes with full values, which is what it holds. */
	vrv_auto_buf struct vrv_buf list = {0}, entry = {0};
	size_t n = VRV_XATTRS_LIST_MAX / (VRV_XATTR_INLINE_MAX + 20);
	struct vrv_text value = filled(&arena, VRV_XATTR_INLINE_MAX);
	vrv_buf_v(&list, n);
	for (size_t i = 0; i < n; i++) {
		char attr[16];
		const struct vrv_entry_xattr x = {.name = (const uint8_t *)attr,
		    .name_n =
			(size_t)snprintf(attr, sizeof(attr), "user.%06zu", i),
		    .value = value.p,
		    .size = value.n};

		vrv_xattr_put(&list, &x);
	}
	const struct vrv_entry root = {.kind = 2,
	    .flags = VRV_ENTRY_XATTRS,
	    .name = (const uint8_t *)".",
	    .name_n = 1,
	    .xattrs = list.data,
	    .xattrs_n = list.len};
	vrv_entry_put(&entry, &root);
	a.sealed.root_entry = (struct vrv_text){entry.data, entry.len};

	a.sealed.comment = filled(&arena, VRV_ARCHIVE_COMMENT_MAX);
	size_t left = VRV_ARCHIVE_TEXTS_MAX - vrv_archive_texts(&a.sealed);
	struct vrv_text tags[VRV_ARCHIVE_TAGS_MAX];
	for (a.sealed.n_tags = 0; left > 0; a.sealed.n_tags++) {
		tags[a.sealed.n_tags] = filled(&arena, left < 240 ? left : 240);
		left -= tags[a.sealed.n_tags].n;
	}
	a.sealed.tags = tags;
	MUST(vrv_archive_check_texts(&a.sealed, &err));
	commit(&f, &a);
	must_load(&f, &all);
	assert_int_equal(all->n, 1);
	assert_int_equal(all->items[0]->sealed.n_tags, a.sealed.n_tags);

	tags[a.sealed.n_tags - 1].n++;
	assert_int_equal(vrv_archive_check_texts(&a.sealed, &err), VARVE_USAGE);
	/* Nor by a longer name. */
	name = (char *)(uintptr_t)filled(&arena, 102).p;
	name[101] = '\0';
	assert_int_equal(vrv_archive_rename(f.repo, all->items[0], name, &err),
	    VARVE_USAGE);
	assert_non_null(strstr(err.message, "shorten"));
	vrv_archives_free(all);
	fixture_fini(&f);
	vrv_arena_fini(&arena);
}

int
run_commit_tests(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_calls),
	    cmocka_unit_test(test_retired_index),
	    cmocka_unit_test(test_quiet),
	    cmocka_unit_test(test_condemned_pack),
	    cmocka_unit_test(test_gone_pack),
	    cmocka_unit_test(test_buried_parent),
	    cmocka_unit_test(test_condemned_parent),
	    cmocka_unit_test(test_condemned_intent),
	    cmocka_unit_test(test_damaged_record),
	    cmocka_unit_test(test_names_packs),
	    cmocka_unit_test(test_unnamed_pack_goes),
	    cmocka_unit_test(test_names_no_condemned),
	    cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests_name("commit", tests, NULL, NULL);
}
