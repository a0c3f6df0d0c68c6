/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A walk through an archive that an enemy made. The input: u8 depth of the
 * root, then chunks, each u16 length and bytes; a reference leads to the chunk
 * whose number is the first byte of the id. Whatever comes out is a path below
 * the root, each once.
 */
#include "fuzz_support.h"

#include "archive/archive.h"
#include "archive/trees.h"

#define CHUNKS_MAX 64
#define ENTRIES 300
#define LEVELS 64

struct tree {
	struct {
		const uint8_t *p;
		size_t n;
	} chunks[CHUNKS_MAX];
	size_t n;
	uint64_t told;
	/* The last name at each depth in the directory at hand. */
	struct vrv_buf last[LEVELS];
};

static int
get(void *arg, const uint8_t id[VRV_CHUNK_ID], struct vrv_buf *ret,
    struct varve_err *err)
{
	const struct tree *t = arg;

	if (t->n == 0)
		return vrv_fail(err, VARVE_CORRUPT, "no such chunk");
	vrv_buf_clear(ret);
	vrv_buf_bytes(ret, t->chunks[id[0] % t->n].p,
	    t->chunks[id[0] % t->n].n);
	return vrv_buf_check(ret, err);
}

/* Every component is a name; the last one. */
static const char *
check_path(const struct vrv_walk_item *item)
{
	const char *p = item->path;
	unsigned depth = 0;

	fuzz_check(strlen(p) == item->path_n, "no NUL in a path");
	fuzz_check(item->path_n < VRV_WALK_PATH_MAX, "path within the limit");
	if (item->depth == 0) {
		fuzz_check(strcmp(p, ".") == 0, "only the root has depth 0");
		return p;
	}
	for (;;) {
		size_t n = strcspn(p, "/");

		fuzz_check(vrv_name_ok((const uint8_t *)p, n),
		    "components are names");
		depth++;
		if (p[n] == '\0')
			break;
		p += n + 1;
	}
	fuzz_check(depth == item->depth, "as deep as it says");
	return p;
}

static int
on_item(void *arg, const struct vrv_walk_item *item, struct varve_err *err)
{
	struct tree *t = arg;
	const char *name = check_path(item);

	(void)err;
	if (item->leaving) {
		fuzz_check(item->entry->kind == 2, "a directory is left");
		return 0;
	}
	t->told++;
	fuzz_check(t->told <= ENTRIES + 1, "no more than the archive states");
	if (item->depth == 0 || item->depth >= LEVELS - 1)
		return 0;
	struct vrv_buf *last = &t->last[item->depth];
	size_t n = strlen(name);
	fuzz_check(vrv_name_cmp(last->data, last->len, (const uint8_t *)name,
		       n) < 0,
	    "names ascend");
	vrv_buf_clear(last);
	vrv_buf_bytes(last, name, n);
	vrv_buf_clear(&t->last[item->depth + 1]);
	return 0;
}

static int
damaged(void *arg, const char *path, struct varve_err *err)
{
	(void)arg;
	fuzz_check(path[0] != '\0', "damage is somewhere");
	return vrv_err_is_fatal(err) ? err->code : 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tree t;
	struct vrv_rd rd = vrv_rd_over(data, size);
	struct vrv_archive archive = {
	    .sealed = {.entries = ENTRIES, .files = ENTRIES}};
	const struct vrv_walk walk = {.source = {get, &t},
	    .fn = on_item,
	    .arg = &t,
	    .want_leaving = true,
	    .damaged = damaged};
	struct varve_err err;

	t.n = 0;
	t.told = 0;
	for (int i = 0; i < LEVELS; i++)
		vrv_buf_clear(&t.last[i]);
	archive.sealed.root.depth =
	    (uint8_t)(vrv_rd_u8(&rd) % (VRV_TREE_DEPTH_MAX + 1));
	while (t.n < CHUNKS_MAX && vrv_rd_left(&rd) >= 2) {
		size_t n = vrv_rd_u16(&rd);

		n = n < vrv_rd_left(&rd) ? n : vrv_rd_left(&rd);
		t.chunks[t.n].n = n;
		t.chunks[t.n++].p = vrv_rd_bytes(&rd, n);
	}
	int rc = vrv_walk_archive(&walk, &archive, &err);
	fuzz_check(rc <= 0, "ends");
	return 0;
}
