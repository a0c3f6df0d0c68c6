/* SPDX-License-Identifier: BSD-2-Clause */
/* Checking while other clients create and delete archives, and a system that
 * refuses to read. */
#include "small_repo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive_fixture.h"
#include "check/check.h"
#include "faultstore.h"
#include "ledger/ledger.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define OPS_MAX 32

static const struct small_node in_sub[] = {
    {"deep", VRV_FILE, 0600, "inner"},
};
static const struct small_node tree_one[] = {
    {"one", VRV_FILE, 0640, "hello"},
    {"pieces", VRV_FILE, 0644, "piece ", .chunks = 40},
    {"sub", VRV_DIR, 0755, NULL, .children = in_sub, .n = 1},
};
static const struct small_node in_other[] = {
    {"inmost", VRV_FILE, 0600, "quite another text"},
};
static const struct small_node tree_two[] = {
    {"many", VRV_FILE, 0644, "other piece ", .chunks = 40},
    {"other", VRV_DIR, 0755, NULL, .children = in_other, .n = 1},
};

/* What another client does to the store. */
struct op {
	char name[VRV_STORE_NAME_MAX + 1];
	uint8_t *bytes; /* NULL: delete it */
	size_t n;
};

struct live {
	struct fixture f;
	struct vrv_archive one;
	struct op ops[OPS_MAX];
	unsigned n_ops;
	/* The calls of the client under test: from the `first` on, the other
	 * client does one op before each, or all before that one. */
	unsigned calls, first, done, failed;
	bool at_once;
};

/* --- the other client --- */

/* Any thread, one at a time. */
static void
step_in(void *arg, const char *op, const char *name)
{
	struct live *l = arg;
	struct varve_err err;

	(void)op, (void)name;
	if (++l->calls < l->first)
		return;
	while (l->done < l->n_ops) {
		const struct op *o = &l->ops[l->done++];
		int rc = o->bytes == NULL ?
		    vrv_store_delete(l->f.store, o->name, &err) :
		    vrv_store_put(l->f.store, o->name, o->bytes, o->n, &err);
		l->failed += rc != 0;
		if (!l->at_once)
			return;
	}
}

static struct op *
new_op(struct live *l, const char *name)
{
	assert_true(l->n_ops < OPS_MAX);
	struct op *op = &l->ops[l->n_ops++];
	snprintf(op->name, sizeof(op->name), "%s", name);
	return op;
}

/* Take what was put since the log was emptied back out of the store. */
static void
take_puts(struct live *l)
{
	struct varve_err err;
	char *save, *text = strdup(l->f.hooks.log);

	for (char *line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, "put ", 4) != 0)
			continue;
		struct op *op = new_op(l, line + 4);
		assert_int_equal(vrv_store_get_all(l->f.store, op->name,
				     64 << 20, &op->bytes, &op->n, &err),
		    0);
		assert_int_equal(vrv_store_delete(l->f.store, op->name, &err),
		    0);
	}
	free(text);
}

static void
fill(struct live *l, const struct small_node *tree, size_t n, uint8_t which,
    struct vrv_archive *ret)
{
	struct small_repo s = {.repo = l->f.repo};

	l->f.hooks.log[0] = '\0';
	small_repo_fill(&s, tree, n);
	*ret = some_archive(&l->f, which);
	ret->sealed.root = s.archive.sealed.root;
	commit(&l->f, ret);
}

static int
setup(void **state)
{
	struct live *l = calloc(1, sizeof(*l));

	fixture_init(&l->f);
	fill(l, tree_one, N(tree_one), 1, &l->one);
	*state = l;
	return 0;
}

static int
teardown(void **state)
{
	struct live *l = *state;

	l->f.hooks.before = NULL;
	fixture_fini(&l->f);
	for (unsigned i = 0; i < l->n_ops; i++)
		free(l->ops[i].bytes);
	free(l);
	return 0;
}

#define LIVE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* --- the client under test --- */

static void
on_event(void *arg, const struct varve_event *event)
{
	struct fixture *f = arg;
	size_t n = strlen(f->notes);

	if (event->type == VARVE_EVENT_PROBLEM)
		snprintf(f->notes + n, sizeof(f->notes) - n, "%s: %s\n",
		    event->path == NULL ? "" : event->path, event->message);
}

static int
try_check(struct live *l, bool limited, struct varve_check_result *ret,
    struct varve_err *err)
{
	const struct varve_check_options options = {
	    .size = sizeof(options),
	    .objects = true,
	    .archives = true,
	    .verify_data = true,
	    .max_packs = limited ? 100 : 0,
	    .threads = 1,
	    .event = on_event,
	    .event_arg = &l->f,
	};

	*ret = (struct varve_check_result){0};
	return vrv_check(l->f.repo, &options, NULL, 0, ret, err);
}

/* Whenever the other client steps in, nothing is wrong. */
static void
check_beside(struct live *l, bool at_once, bool limited,
    void (*undo)(struct live *))
{
	struct varve_check_result r;
	struct varve_err err = {0};

	l->at_once = at_once;
	for (l->first = 1;; l->first += at_once ? 1 : 5) {
		fixture_reopen(&l->f, true);
		l->calls = l->done = 0;
		l->f.hooks.arg = l;
		l->f.hooks.before = step_in;
		int rc = try_check(l, limited, &r, &err);
		l->f.hooks.before = NULL;
		if (rc != 0)
			fail_msg("call %u: %s", l->first, err.message);
		if (r.problems != 0 || l->f.notes[0] != '\0')
			fail_msg("call %u: %s", l->first, l->f.notes);
		assert_int_equal(l->failed, 0);
		if (l->done == 0)
			break;
		undo(l);
	}
	assert_true(l->first > 20);
}

static void
undo_creating(struct live *l)
{
	struct varve_err err;

	for (unsigned i = 0; i < l->done; i++)
		assert_int_equal(vrv_store_delete(l->f.store, l->ops[i].name,
				     &err),
		    0);
}

static void
test_beside_create(void **state)
{
	struct live *l = *state;
	struct vrv_archive two;

	fill(l, tree_two, N(tree_two), 2, &two);
	take_puts(l);
	assert_true(l->n_ops >= 4); /* pack, index, intent, archive */
	check_beside(l, true, false, undo_creating);
	check_beside(l, false, false, undo_creating);
	check_beside(l, false, true, undo_creating);
}

/* Delete archive one and all that it needs, as a collector would. */
static int
collect(void *arg, const struct vrv_store_item *item, struct varve_err *err)
{
	struct live *l = arg;
	struct vrv_name name;

	(void)err;
	if (!vrv_name_parse(item->name, &name) ||
	    (name.type != VRV_PACK && name.type != VRV_INDEX &&
		name.type != VRV_ARCHIVE))
		return 0;
	condemn(&l->f, name.type, name.id);
	return 0;
}

static int
add_delete(void *arg, const struct vrv_store_item *item, struct varve_err *err)
{
	struct vrv_name name;

	(void)err;
	if (vrv_name_parse(item->name, &name) &&
	    (name.type == VRV_PACK || name.type == VRV_INDEX ||
		name.type == VRV_ARCHIVE))
		(void)new_op(arg, item->name);
	return 0;
}

/* Archive one's objects, kept to put them back. */
static struct op kept[OPS_MAX];
static unsigned n_kept;

static void
undo_deleting(struct live *l)
{
	struct varve_err err;

	for (unsigned i = 0; i < l->done; i++)
		if (l->ops[i].bytes != NULL)
			assert_int_equal(vrv_store_delete(l->f.store,
					     l->ops[i].name, &err),
			    0);
	for (unsigned i = 0; i < n_kept; i++)
		if (vrv_store_head(l->f.store, kept[i].name, NULL, NULL,
			&err) != 0)
			assert_int_equal(vrv_store_put(l->f.store, kept[i].name,
					     kept[i].bytes, kept[i].n, &err),
			    0);
}

static void
test_beside_delete(void **state)
{
	struct live *l = *state;
	struct varve_err err;

	fixture_reopen(&l->f, true);
	bury(&l->f, &l->one);
	assert_int_equal(vrv_store_list(l->f.store, "", false, collect, l,
			     &err),
	    0);
	take_puts(l);
	unsigned n_puts = l->n_ops;
	assert_int_equal(vrv_store_list(l->f.store, "", false, add_delete, l,
			     &err),
	    0);
	n_kept = 0;
	for (unsigned i = n_puts; i < l->n_ops; i++) {
		struct op *k = &kept[n_kept++];
		*k = l->ops[i];
		assert_int_equal(vrv_store_get_all(l->f.store, k->name,
				     64 << 20, &k->bytes, &k->n, &err),
		    0);
	}
	check_beside(l, true, false, undo_deleting);
	check_beside(l, false, false, undo_deleting);
	for (unsigned i = 0; i < n_kept; i++)
		free(kept[i].bytes);
}

/* --- what the system refuses to read --- */

/* Check with every read of an object below `prefix` failing. */
static int
check_refused(struct live *l, const char *prefix, int sys,
    struct varve_check_result *ret, struct varve_err *err)
{
	struct vrv_store *inner = l->f.store;
	const struct faultstore_fault fault = {
	    .op = FAULT_GET,
	    .nth = 1,
	    .prefix = prefix,
	    .sys = sys,
	    .persistent = true,
	};

	l->f.store = faultstore_new(inner);
	assert_non_null(l->f.store);
	fixture_reopen(&l->f, true);
	faultstore_arm(l->f.store, &fault);
	int rc = try_check(l, false, ret, err);
	faultstore_arm(l->f.store, NULL);
	return rc;
}

static void
assert_refused(struct live *l, const char *prefix, int sys)
{
	struct varve_check_result r;
	struct varve_err err = {0};

	if (check_refused(l, prefix, sys, &r, &err) != 0)
		fail_msg("%s: %s", prefix, err.message);
	if (r.problems == 0 || r.unread != r.problems ||
	    r.denied != (sys == EACCES ? r.problems : 0))
		fail_msg("%s, %s: %llu problems, %llu unread, %llu denied:\n%s",
		    prefix, strerror(sys), (unsigned long long)r.problems,
		    (unsigned long long)r.unread, (unsigned long long)r.denied,
		    l->f.notes);
	assert_non_null(strstr(l->f.notes, "could not be read: "));
}

static void
test_refused(void **state)
{
	struct live *l = *state;

	assert_refused(l, "packs/", EIO);
	assert_refused(l, "packs/", EACCES);
	assert_refused(l, "packs/", ESTALE);
	assert_refused(l, "index/", EIO);
	assert_refused(l, "archives/", EACCES);
	assert_refused(l, "intents/", EACCES);
}

/* Descriptors ran out: that is no finding about anything. */
static void
test_exhausted(void **state)
{
	struct live *l = *state;
	struct varve_check_result r;
	struct varve_err err = {0};

	assert_int_equal(check_refused(l, "packs/", EMFILE, &r, &err),
	    VARVE_IO);
	assert_int_equal(err.exit, VARVE_EXIT_ERROR);
	assert_int_equal(check_refused(l, "intents/", ENFILE, &r, &err),
	    VARVE_IO);
}

static void
test_refused_and_damaged(void **state)
{
	struct live *l = *state;
	struct varve_check_result r;
	struct varve_err err = {0};

	flip_byte(&l->f, &l->one.object, 100);
	assert_int_equal(check_refused(l, "packs/", EACCES, &r, &err), 0);
	assert_true(r.unread > 0 && r.problems > r.unread);
}

/* A damaged frame is read a few times, not once for each of its chunks. */
static int
note_pack(void *arg, const struct vrv_store_item *item, struct varve_err *err)
{
	(void)err;
	(void)new_op(arg, item->name);
	return 0;
}

static void
flip_packs(struct live *l)
{
	struct vrv_name name;
	struct varve_err err;

	assert_int_equal(vrv_store_list(l->f.store, "packs/", false, note_pack,
			     l, &err),
	    0);
	assert_true(l->n_ops > 0);
	for (unsigned i = 0; i < l->n_ops; i++)
		if (vrv_name_parse(l->ops[i].name, &name))
			flip_byte(&l->f, &name, VRV_HEADER_SIZE + 30);
}

static void
test_frame_is_read_once(void **state)
{
	static char names[100][4];
	struct small_node nodes[100] = {{0}};
	struct live *l = *state;
	struct vrv_archive many;
	struct varve_check_result r;
	struct varve_err err = {0};

	for (unsigned i = 0; i < N(nodes); i++) {
		snprintf(names[i], sizeof(names[i]), "f%02u", i);
		nodes[i] =
		    (struct small_node){names[i], VRV_FILE, 0600, names[i]};
	}
	fill(l, nodes, N(nodes), 2, &many);
	l->f.store = faultstore_new(l->f.store);
	assert_non_null(l->f.store);
	fixture_reopen(&l->f, true);
	assert_int_equal(try_check(l, false, &r, &err), 0);
	assert_int_equal(r.problems, 0);
	unsigned before = faultstore_calls(l->f.store, FAULT_GET);
	fixture_reopen(&l->f, true);
	assert_int_equal(try_check(l, false, &r, &err), 0);
	unsigned sound = faultstore_calls(l->f.store, FAULT_GET) - before;

	flip_packs(l);
	fixture_reopen(&l->f, true);
	before = faultstore_calls(l->f.store, FAULT_GET);
	assert_int_equal(try_check(l, false, &r, &err), 0);
	assert_true(r.problems > 0);
	unsigned damaged = faultstore_calls(l->f.store, FAULT_GET) - before;
	if (damaged > sound + 40)
		fail_msg("%u reads, %u when it was sound", damaged, sound);
}

/* Neither sound nor damaged: the ledger knows of the pack what it knew. */
static void
on_pack(void *arg, const uint8_t pack[VRV_OBJECT_ID],
    enum vrv_ledger_level level, int64_t checked)
{
	unsigned *n = arg;

	(void)pack, (void)level, (void)checked;
	++*n;
}

static unsigned
packs_on_record(struct live *l)
{
	struct vrv_ledger *ledger = vrv_ledger_open(l->f.repo);
	unsigned n = 0;

	vrv_ledger_packs(ledger, on_pack, &n);
	vrv_ledger_close(ledger);
	return n;
}

static int
on_run(void *arg, const struct varve_run *run, struct varve_err *err)
{
	struct varve_run *last = arg;

	(void)err;
	if (last->number == 0)
		*last = *run;
	return 0;
}

static void
test_ledger(void **state)
{
	struct live *l = *state;
	struct varve_run last = {0};
	struct varve_check_result r;
	struct varve_err err = {0};

	assert_int_equal(check_refused(l, "packs/", EIO, &r, &err), 0);
	assert_int_equal(packs_on_record(l), 0);
	assert_int_equal(vrv_ledger_runs(l->f.repo, on_run, &last, &err), 0);
	assert_int_equal(last.result, VARVE_RUN_UNFINISHED);
	assert_int_equal(last.problems, r.problems);

	assert_int_equal(try_check(l, false, &r, &err), 0);
	assert_int_equal(r.problems, 0);
	unsigned n = packs_on_record(l);
	assert_true(n > 0);
	const struct faultstore_fault fault = {
	    .op = FAULT_GET,
	    .nth = 1,
	    .prefix = "packs/",
	    .sys = EIO,
	    .persistent = true,
	};
	faultstore_arm(l->f.store, &fault);
	assert_int_equal(try_check(l, false, &r, &err), 0);
	assert_true(r.problems > 0);
	assert_int_equal(packs_on_record(l), n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    LIVE_TEST(test_beside_create),
	    LIVE_TEST(test_beside_delete),
	    LIVE_TEST(test_refused),
	    LIVE_TEST(test_exhausted),
	    LIVE_TEST(test_refused_and_damaged),
	    LIVE_TEST(test_frame_is_read_once),
	    LIVE_TEST(test_ledger),
	};

	int rc = cmocka_run_group_tests_name("check beside others", tests, NULL,
	    NULL);
	fixture_template_fini();
	return rc;
}
