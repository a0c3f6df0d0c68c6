/* SPDX-License-Identifier: BSD-2-Clause */
#include "rollwriter.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"

static void
must(int rc)
{
	assert(rc == 0);
	if (rc != 0)
		abort();
}

static struct roll_item *
add(struct roll_draft *d, const struct vrv_name *name)
{
	assert(d->n < ROLL_ENTRIES_MAX);
	struct roll_item *item = &d->items[d->n++];

	*item = (struct roll_item){.entry = {.type = (uint8_t)name->type}};
	memcpy(item->entry.object, name->id, VRV_OBJECT_ID);
	memcpy(item->entry.tag, name->tag, VRV_TAG_SIZE);
	item->entry.first_seen = 1700000000;
	return item;
}

struct vrv_roll_entry *
roll_object(struct roll_draft *d, struct vrv_repo *repo,
    const struct vrv_name *name)
{
	struct vrv_roll_entry *e = &add(d, name)->entry;
	vrv_auto_object struct vrv_object object = {0};
	char text[VRV_NAME_SIZE];
	struct varve_err err;

	vrv_name_print(name, text);
	must(vrv_repo_fetch(repo, text, &object, &err));
	vrv_blake2b(e->hash, sizeof(e->hash), NULL, object.bytes, object.n);
	memcpy(e->signer, object.signer, sizeof(e->signer));
	return e;
}

struct vrv_roll_entry *
roll_archive(struct roll_draft *d, struct vrv_repo *repo,
    const struct vrv_archive *a, uint8_t form)
{
	struct vrv_roll_entry *e = roll_object(d, repo, &a->object);
	vrv_auto_buf struct vrv_buf clear = {0}, list = {0};

	memcpy(e->logical, a->clear.logical, VRV_LOGICAL_ID);
	e->revision = a->clear.revision;
	vrv_archive_clear_put(&clear, &a->clear);
	vrv_archive_sealed_put(&list, &a->sealed);
	const struct vrv_roll_facts facts = {
	    .form = form,
	    .clear = {clear.data, clear.len},
	    .list = {list.data, list.len},
	};
	vrv_roll_facts_put(&d->items[d->n - 1].facts, &facts);
	return e;
}

struct vrv_roll_entry *
roll_deleted(struct roll_draft *d, const struct vrv_archive *a)
{
	struct vrv_roll_entry *e = &add(d, &a->object)->entry;

	memcpy(e->logical, a->clear.logical, VRV_LOGICAL_ID);
	e->revision = a->clear.revision;
	e->deleted = true;
	return e;
}

static int
by_key(const void *a, const void *b)
{
	const struct vrv_roll_entry *x = &((const struct roll_item *)a)->entry;
	const struct vrv_roll_entry *y = &((const struct roll_item *)b)->entry;

	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	return memcmp(x->object, y->object, VRV_OBJECT_ID);
}

void
roll_store(struct roll_draft *d, struct vrv_repo *repo, bool as_admin,
    struct vrv_name *ret)
{
	vrv_auto_buf struct vrv_buf object = {0}, entries = {0}, plain = {0};
	struct vrv_name name = {.type = VRV_ROLL};
	struct varve_err err;

	qsort(d->items, d->n, sizeof(d->items[0]), by_key);
	for (uint32_t i = 0; i < d->n; i++) {
		vrv_roll_entry_put(&entries, &d->items[i].entry);
		vrv_buf_bytes(&plain, d->items[i].facts.data,
		    d->items[i].facts.len);
		vrv_buf_fini(&d->items[i].facts);
	}
	const struct vrv_roll roll = {
	    .n_superseded = (uint32_t)(d->superseded.len / VRV_OBJECT_ID),
	    .superseded = d->superseded.data,
	    .n_dead = (uint32_t)(d->dead.len / VRV_OBJECT_ID),
	    .dead = d->dead.data,
	    .n = d->n,
	    .entries = entries.data,
	};
	must(vrv_draft_begin(repo, &name, false, &object, &err));
	vrv_roll_put(&object, &roll);
	must(vrv_draft_seal_meta(repo, &object, VRV_KEM_ROLL, &plain, &err));
	must(vrv_draft_store(repo, &name, &object, as_admin, &err));
	vrv_buf_fini(&d->superseded);
	vrv_buf_fini(&d->dead);
	*d = (struct roll_draft){.n = 0};
	if (ret != NULL)
		*ret = name;
}
