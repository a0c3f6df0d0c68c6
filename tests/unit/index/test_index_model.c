/* SPDX-License-Identifier: BSD-2-Clause */
#include "test_index.h"

#include <stdlib.h>
#include <string.h>

/*
 * Random operations on an index, and on lists that are searched from end to
 * end. Prefixes are few, so that most chunks have several copies.
 */

#define OBJECTS 400
#define PACKS 1000
#define NOWHERE (OBJECTS + 1) /* object of packs that were never flushed */
#define PREFIXES 500
#define NEVER 20 /* prefixes beyond those, which no pack has */

struct object {
	uint8_t id[16];
	bool stored;	 /* it is in the store */
	bool superseded; /* by one that is in the store: */
	uint32_t by;
	bool seen; /* it counts in this handle */
	struct vrv_buf body;
};

struct model {
	struct test_folder folder;
	struct vrv_index *index;
	uint64_t seed;
	struct object objects[OBJECTS];
	uint32_t n_objects;
	struct test_pack packs[PACKS];
	uint32_t object_of[PACKS]; /* OBJECTS: added, in none yet */
	bool dropped[PACKS];
	uint32_t n_packs;
	struct varve_err err;
};

static uint32_t
up_to(struct model *m, uint32_t n)
{
	return test_random(&m->seed) % n;
}

static uint32_t
new_pack(struct model *m, uint32_t object)
{
	uint32_t no = m->n_packs++;

	assert_true(no < PACKS);
	m->packs[no] = (struct test_pack){no, up_to(m, 5), 1 + up_to(m, 9),
	    up_to(m, PREFIXES), PREFIXES};
	m->object_of[no] = object;
	m->dropped[no] = false;
	return no;
}

/* Its body holds the packs that belong to it now. */
static void
make_body(struct model *m, uint32_t no, const uint8_t *superseded, uint32_t n)
{
	struct test_pack mine[PACKS];
	uint32_t n_mine = 0;

	for (uint32_t i = 0; i < m->n_packs; i++) {
		if (m->object_of[i] == no)
			mine[n_mine++] = m->packs[i];
	}
	test_body(&m->objects[no].body, superseded, n, mine, n_mine, NULL, 0);
}

static struct object *
new_object(struct model *m, uint32_t *ret_no)
{
	uint32_t no = m->n_objects++;

	assert_true(no < OBJECTS);
	struct object *object = &m->objects[no];
	test_id('O', no, object->id);
	object->stored = true;
	*ret_no = no;
	return object;
}

static void
do_add(struct model *m)
{
	struct vrv_buf entry = {0};

	test_pack_entry(&m->packs[new_pack(m, OBJECTS)], &entry);
	assert_int_equal(vrv_index_add(m->index, entry.data, entry.len,
			     &m->err),
	    0);
	vrv_buf_fini(&entry);
}

static void
do_flush(struct model *m)
{
	uint32_t no;
	struct object *object = new_object(m, &no);

	for (uint32_t i = 0; i < m->n_packs; i++) {
		if (m->object_of[i] == OBJECTS)
			m->object_of[i] = no;
	}
	make_body(m, no, NULL, 0);
	object->seen = true;
	assert_int_equal(vrv_index_flush(m->index, object->id, &m->err), 0);
}

/* Another machine stores an object. */
static void
do_foreign(struct model *m)
{
	uint32_t no;

	(void)new_object(m, &no);
	for (uint32_t n = up_to(m, 4); n > 0; n--)
		(void)new_pack(m, no);
	make_body(m, no, NULL, 0);
}

/* A collector folds two objects into one, loses some packs, and sometimes
 * removes what it folded. */
static void
do_fold(struct model *m)
{
	uint8_t superseded[2][16];
	uint32_t no, old[2], kept = m->n_packs;
	bool removes = up_to(m, 2) == 0;

	if (m->n_objects < 2)
		return;
	for (int i = 0; i < 2; i++) {
		old[i] = up_to(m, m->n_objects);
		if (!m->objects[old[i]].stored || m->objects[old[i]].superseded)
			return;
		memcpy(superseded[i], m->objects[old[i]].id, 16);
	}
	(void)new_object(m, &no);
	/* Old objects keep their packs in the model: it is the new one that
	 * has copies of some, as packs of its own. */
	for (uint32_t i = 0; i < kept; i++) {
		if ((m->object_of[i] != old[0] && m->object_of[i] != old[1]) ||
		    up_to(m, 3) == 0 || m->n_packs == PACKS)
			continue;
		uint32_t copy = m->n_packs++;
		m->packs[copy] = m->packs[i];
		m->dropped[copy] = m->dropped[i];
		m->object_of[copy] = no;
	}
	make_body(m, no, superseded[0], 2);
	for (int i = 0; i < 2; i++) {
		m->objects[old[i]].superseded = true;
		m->objects[old[i]].by = no;
		m->objects[old[i]].stored = !removes;
	}
	/* What those had superseded goes before they do. */
	for (uint32_t i = 0; i < m->n_objects; i++) {
		if (m->objects[i].superseded &&
		    (m->objects[i].by == old[0] || m->objects[i].by == old[1]))
			m->objects[i].stored = false;
	}
}

static void
do_listing(struct model *m)
{
	uint8_t wanted[16];

	vrv_index_listing_begin(m->index);
	for (uint32_t i = 0; i < m->n_objects; i++) {
		struct object *object = &m->objects[i];
		object->seen = object->stored && !object->superseded;
		if (object->stored)
			assert_int_equal(vrv_index_listing_add(m->index,
					     object->id, &m->err),
			    0);
	}
	while (vrv_index_wants(m->index, wanted)) {
		uint32_t i = 0;
		while (i < m->n_objects &&
		    memcmp(m->objects[i].id, wanted, 16) != 0)
			i++;
		assert_true(i < m->n_objects && m->objects[i].stored);
		assert_int_equal(vrv_index_load(m->index, wanted,
				     m->objects[i].body.data,
				     m->objects[i].body.len, true, &m->err),
		    0);
	}
	assert_int_equal(vrv_index_listing_end(m->index, &m->err), 0);
}

static void
do_reopen(struct model *m)
{
	vrv_index_free(m->index);
	m->index = test_open(&m->folder);
	for (uint32_t i = 0; i < m->n_objects; i++)
		m->objects[i].seen = false;
	for (uint32_t i = 0; i < m->n_packs; i++) {
		m->dropped[i] = false;
		/* Added and never flushed: gone for good. */
		if (m->object_of[i] == OBJECTS)
			m->object_of[i] = NOWHERE;
	}
	if (up_to(m, 2))
		do_listing(m);
}

static void
do_drop(struct model *m)
{
	uint8_t id[16];

	if (m->n_packs == 0)
		return;
	uint32_t no = m->packs[up_to(m, m->n_packs)].no;
	test_id('P', no, id);
	assert_int_equal(vrv_index_drop_pack(m->index, id, &m->err), 0);
	for (uint32_t i = 0; i < m->n_packs; i++)
		m->dropped[i] |= m->packs[i].no == no;
}

static bool
is_seen(const struct model *m, uint32_t pack)
{
	uint32_t object = m->object_of[pack];

	return !m->dropped[pack] && object != NOWHERE &&
	    (object == OBJECTS || m->objects[object].seen);
}

/* Every location of the prefix that the lists know, each once. */
static uint32_t
expect(const struct model *m, uint32_t prefix, struct vrv_location *ret)
{
	uint32_t n = 0;

	for (uint32_t p = 0; p < m->n_packs; p++) {
		const struct test_pack *pack = &m->packs[p];

		if (!is_seen(m, p))
			continue;
		for (uint32_t i = 0; i < pack->frames * pack->chunks; i++) {
			uint32_t k = 0;
			if ((pack->first + i) % PREFIXES != prefix)
				continue;
			struct vrv_location at = test_location(pack,
			    i / pack->chunks, i % pack->chunks, NULL);
			while (k < n && !test_same_location(&ret[k], &at))
				k++;
			if (k == n)
				ret[n++] = at;
		}
	}
	return n;
}

static void
check(struct model *m, uint32_t prefix)
{
	static struct vrv_location want[5000], got[5000];
	uint8_t id[16];
	uint32_t n = 0, n_want = expect(m, prefix, want);

	test_id('C', prefix, id);
	int rc = vrv_index_find(m->index, id, got, 5000, &n, &m->err);
	assert_int_equal(rc, n_want == 0 ? VARVE_NOENT : 0);
	assert_int_equal(n, n_want);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t k = 0;
		while (k < n && !test_same_location(&got[i], &want[k]))
			k++;
		assert_true(k < n);
	}
	for (uint8_t kind = 1; kind <= 2; kind++) {
		bool has, wanted = false;
		for (uint32_t i = 0; i < n_want; i++)
			wanted |= want[i].kind == kind;
		assert_int_equal(vrv_index_has(m->index, kind, id, &has,
				     &m->err),
		    0);
		assert_int_equal(has, wanted);
	}
}

static void
check_stats(struct model *m)
{
	struct vrv_index_stats stats;
	struct varve_err err;
	bool counted[PACKS] = {false};
	uint32_t packs = 0, chunks = 0;

	for (uint32_t i = 0; i < m->n_packs; i++) {
		const struct test_pack *pack = &m->packs[i];
		if (!is_seen(m, i) || counted[pack->no])
			continue;
		counted[pack->no] = true;
		packs++;
		chunks += pack->frames * pack->chunks;
	}
	assert_int_equal(vrv_index_stats(m->index, &stats, &err), 0);
	assert_int_equal(stats.packs, packs);
	assert_int_equal(stats.chunks, chunks);
}

static void
run_model(uint64_t seed, uint32_t steps)
{
	struct model *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	m->seed = seed;
	test_folder_make(&m->folder);
	m->index = test_open(&m->folder);
	for (uint32_t step = 0; step < steps; step++) {
		uint32_t op = up_to(m, 100);
		if (m->n_packs > PACKS - 10 || m->n_objects == OBJECTS)
			break;
		if (op < 40)
			do_add(m);
		else if (op < 60)
			do_flush(m);
		else if (op < 70)
			do_foreign(m);
		else if (op < 77)
			do_fold(m);
		else if (op < 88)
			do_listing(m);
		else if (op < 94)
			do_reopen(m);
		else
			do_drop(m);
		for (int i = 0; i < 8; i++)
			check(m, up_to(m, PREFIXES + NEVER));
	}
	do_listing(m);
	for (uint32_t prefix = 0; prefix < PREFIXES + NEVER; prefix++)
		check(m, prefix);
	check_stats(m);
	vrv_index_free(m->index);
	for (uint32_t i = 0; i < m->n_objects; i++)
		vrv_buf_fini(&m->objects[i].body);
	test_folder_remove(&m->folder);
	free(m);
}

static void
test_model(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++)
		run_model(seed, 300);
}

int
test_index_model(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_model),
	};

	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
