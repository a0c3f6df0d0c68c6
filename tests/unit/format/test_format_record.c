/* SPDX-License-Identifier: BSD-2-Clause */
#include "format_support.h"

#include "format/record.h"

static struct varve_err err;

/* --- archive --- */

static int
get_clear(const uint8_t *bytes, size_t n, struct varve_err *e)
{
	struct vrv_rd r = vrv_rd_over(bytes, n);
	struct vrv_archive_clear clear;

	int rc = vrv_archive_clear_get(&r, &clear, e);
	if (rc == 0 && !vrv_rd_done(&r))
		return vrv_fail(e, VARVE_CORRUPT, "more");
	return rc;
}

static void
test_archive_clear(void **state)
{
	vrv_auto_buf struct vrv_buf b = {0};
	struct vrv_archive_clear in = {.flags = VRV_ARCHIVE_WARNINGS,
				     .revision = 3,
				     .end = -5,
				     .stored = UINT64_MAX,
				     .n_previous = VRV_PREVIOUS_MAX},
				 out;

	(void)state;
	fill(in.logical, sizeof(in.logical), 1);
	fill(in.previous[0], sizeof(in.previous), 7);
	vrv_archive_clear_put(&b, &in);
	assert_exact(get_clear, &b);
	struct vrv_rd r = vrv_rd_over(b.data, b.len);
	assert_int_equal(vrv_archive_clear_get(&r, &out, &err), 0);
	assert_int_equal(out.flags, in.flags);
	assert_int_equal(out.revision, 3);
	assert_int_equal(out.end, -5);
	assert_true(out.stored == UINT64_MAX);
	assert_memory_equal(out.logical, in.logical, sizeof(in.logical));
	assert_memory_equal(out.previous, in.previous, sizeof(in.previous));

	b.data[0] = 2;
	assert_int_equal(verdict(get_clear, b.data, b.len), VARVE_FORMAT);
	b.data[0] = 0;
	b.data[53] = VRV_PREVIOUS_MAX + 1;
	assert_int_equal(verdict(get_clear, b.data, b.len), VARVE_CORRUPT);
}

static struct vrv_text
text(const char *s)
{
	return (struct vrv_text){(const uint8_t *)s, strlen(s)};
}

static void
assert_text(struct vrv_text t, const char *s)
{
	assert_int_equal(t.n, strlen(s));
	assert_memory_equal(t.p, s, t.n);
}

static struct vrv_archive_sealed
sample(void)
{
	static struct vrv_text tags[3], args[2];

	tags[0] = text("daily");
	tags[1] = text("weekly");
	tags[2] = text("daily");
	args[0] = text("varve");
	args[1] = text("create");
	return (struct vrv_archive_sealed){
	    .name = text("name"),
	    .comment = text("comment"),
	    .series = text("series"),
	    .host = text("host"),
	    .user = text("user"),
	    .cwd = text("/cwd"),
	    .options = text("options"),
	    .software = text("software"),
	    .tags = tags,
	    .args = args,
	    .n_tags = 3,
	    .n_args = 2,
	    .nominal = {1, 2},
	    .start = {-3, 999999999},
	    .end = {5, 6},
	    .utc_offset = -3600,
	    .root = {{1}, 2},
	    .files = 300,
	    .entries = 400,
	    .bytes = UINT64_MAX,
	    .chunks = 0,
	    .new_bytes = 77,
	    .has_skipped = true,
	    .has_owners = true,
	    .has_parent = true,
	    .has_origin = true,
	    .skipped = {{3}, 0},
	    .owners = {{4}, 1},
	    .parent = {5},
	    .chunk_method = 1,
	    .chunk_min = 1,
	    .chunk_average = 2,
	    .chunk_max = UINT32_MAX,
	    .origin_repository = {6},
	    .origin = {7},
	    .platform = VRV_PLATFORM_LINUX,
	    .counts_xattrs = true,
	    .counts_acls = true,
	    .xattrs = 300,
	    .acls = 0,
	    .args_cut = 9,
	};
}

static int
get_sealed(const uint8_t *bytes, size_t n, struct varve_err *e)
{
	struct vrv_arena arena = {0};
	struct vrv_archive_sealed a;

	int rc = vrv_archive_sealed_get(bytes, n, &arena, &a, e);
	vrv_arena_fini(&arena);
	return rc;
}

static void
assert_sample(const struct vrv_archive_sealed *a)
{
	assert_text(a->name, "name");
	assert_text(a->comment, "comment");
	assert_text(a->series, "series");
	assert_text(a->host, "host");
	assert_text(a->user, "user");
	assert_text(a->cwd, "/cwd");
	assert_text(a->options, "options");
	assert_text(a->software, "software");
	assert_int_equal(a->n_tags, 3);
	assert_text(a->tags[1], "weekly");
	assert_text(a->tags[2], "daily");
	assert_int_equal(a->n_args, 2);
	assert_text(a->args[1], "create");
	assert_int_equal(a->nominal.ns, 2);
	assert_int_equal(a->start.s, -3);
	assert_int_equal(a->start.ns, 999999999);
	assert_int_equal(a->end.s, 5);
	assert_int_equal(a->utc_offset, -3600);
	assert_int_equal(a->root.id[0], 1);
	assert_int_equal(a->root.depth, 2);
	assert_int_equal(a->files, 300);
	assert_int_equal(a->entries, 400);
	assert_true(a->bytes == UINT64_MAX);
	assert_int_equal(a->new_bytes, 77);
	assert_true(a->has_skipped && a->has_owners);
	assert_true(a->has_parent && a->has_origin);
	assert_int_equal(a->skipped.id[0], 3);
	assert_int_equal(a->owners.depth, 1);
	assert_int_equal(a->parent[0], 5);
	assert_true(a->chunk_max == UINT32_MAX);
	assert_int_equal(a->origin_repository[0], 6);
	assert_int_equal(a->origin[0], 7);
	assert_int_equal(a->platform, VRV_PLATFORM_LINUX);
	assert_true(a->counts_xattrs && a->counts_acls);
	assert_int_equal(a->xattrs, 300);
	assert_int_equal(a->acls, 0);
	assert_int_equal(a->args_cut, 9);
}

static void
test_archive_sealed_round_trip(void **state)
{
	vrv_auto_buf struct vrv_buf b = {0}, again = {0};
	struct vrv_arena arena = {0};
	struct vrv_archive_sealed in = sample(), out;

	(void)state;
	vrv_archive_sealed_put(&b, &in);
	assert_int_equal(vrv_archive_sealed_get(b.data, b.len, &arena, &out,
			     &err),
	    0);
	assert_sample(&out);
	vrv_archive_sealed_put(&again, &out);
	assert_same(&b, &again);
	vrv_arena_fini(&arena);
}

static void
test_archive_sealed_bare(void **state)
{
	vrv_auto_buf struct vrv_buf b = {0};
	struct vrv_arena arena = {0};
	struct vrv_archive_sealed in = {.name = text("n")}, out;

	(void)state;
	vrv_archive_sealed_put(&b, &in);
	assert_int_equal(vrv_archive_sealed_get(b.data, b.len, &arena, &out,
			     &err),
	    0);
	assert_int_equal(out.comment.n, 0);
	assert_int_equal(out.root_entry.n, 0);
	assert_int_equal(out.n_tags, 0);
	assert_false(out.has_skipped || out.has_owners);
	assert_false(out.has_parent || out.has_origin);
	assert_false(out.counts_xattrs || out.counts_acls);
	assert_int_equal(out.platform, 0);
	assert_int_equal(out.args_cut, 0);
	vrv_arena_fini(&arena);
}

/* The sample's list with the value of `tag` left out, written twice, emptied,
 * or under another tag. */
enum edit {
	DROP,
	REPEAT,
	EMPTY,
	SWAP
};

static int
edited(enum edit edit, uint64_t tag)
{
	vrv_auto_buf struct vrv_buf b = {0}, out = {0};
	struct vrv_archive_sealed in = sample();
	size_t n;

	vrv_archive_sealed_put(&b, &in);
	struct vrv_rd r = vrv_rd_over(b.data, b.len);
	while (vrv_rd_left(&r) > 0) {
		uint64_t t = vrv_rd_v(&r);
		const uint8_t *p = vrv_rd_vbytes(&r, &n);

		if (t == tag && edit == DROP)
			continue;
		vrv_buf_v(&out, t == tag && edit == SWAP ? 63 : t);
		vrv_buf_vbytes(&out, p, t == tag && edit == EMPTY ? 0 : n);
		if (t == tag && edit == REPEAT) {
			vrv_buf_v(&out, t);
			vrv_buf_vbytes(&out, p, n);
		}
	}
	return verdict(get_sealed, out.data, out.len);
}

static void
test_archive_values_missing_twice_empty(void **state)
{
	static const uint8_t required[] = {VRV_A_NAME, VRV_A_SERIES, VRV_A_HOST,
	    VRV_A_NOMINAL, VRV_A_START, VRV_A_END, VRV_A_ROOT};
	static const uint8_t optional[] = {VRV_A_COMMENT, VRV_A_TAG, VRV_A_ARG,
	    VRV_A_UTC_OFFSET, VRV_A_FILES, VRV_A_SKIPPED, VRV_A_ORIGIN,
	    VRV_A_PLATFORM, VRV_A_XATTRS, VRV_A_ACLS, VRV_A_ARGS_CUT};
	static const uint8_t fixed[] = {VRV_A_NOMINAL, VRV_A_UTC_OFFSET,
	    VRV_A_ROOT, VRV_A_FILES, VRV_A_CHUNKER, VRV_A_PARENT, VRV_A_ORIGIN,
	    VRV_A_PLATFORM, VRV_A_XATTRS, VRV_A_ACLS, VRV_A_ARGS_CUT};

	(void)state;
	for (size_t i = 0; i < sizeof(required); i++) {
		assert_int_equal(edited(DROP, required[i]), VARVE_CORRUPT);
		assert_int_equal(edited(REPEAT, required[i]), VARVE_CORRUPT);
	}
	for (size_t i = 0; i < sizeof(optional); i++)
		assert_int_equal(edited(DROP, optional[i]), 0);
	for (size_t i = 0; i < sizeof(fixed); i++)
		assert_int_equal(edited(EMPTY, fixed[i]), VARVE_CORRUPT);
	assert_int_equal(edited(REPEAT, VRV_A_TAG), 0);
	assert_int_equal(edited(REPEAT, VRV_A_ARG), 0);
	assert_int_equal(edited(REPEAT, VRV_A_ORIGIN), VARVE_CORRUPT);
	/* an odd unknown tag, but before lower ones */
	assert_int_equal(edited(SWAP, VRV_A_COMMENT), VARVE_CORRUPT);
}

static int
appended(uint64_t tag, const char *value)
{
	vrv_auto_buf struct vrv_buf b = {0};
	struct vrv_archive_sealed in = sample();

	vrv_archive_sealed_put(&b, &in);
	vrv_buf_v(&b, tag);
	vrv_buf_str(&b, value);
	return verdict(get_sealed, b.data, b.len);
}

static void
test_archive_unknown_tags(void **state)
{
	(void)state;
	assert_int_equal(appended(41, "later"), 0);
	assert_int_equal(appended(((uint64_t)1 << 40) + 1, ""), 0);
	assert_int_equal(appended(40, "later"), VARVE_FORMAT);
	assert_int_equal(appended(200, ""), VARVE_FORMAT);
	assert_int_equal(appended(VRV_A_NAME, "again"), VARVE_CORRUPT);
}

/* The verdict of a reader on an archive of such a text, and the writer's. */
static int
of_text(struct vrv_archive_sealed a)
{
	vrv_auto_buf struct vrv_buf b = {0};

	vrv_archive_sealed_put(&b, &a);
	int rc = verdict(get_sealed, b.data, b.len);
	assert_int_equal(vrv_archive_texts_check(&a, &err),
	    rc == 0 ? 0 : VARVE_USAGE);
	return rc;
}

/* Each text at its limit, above it, not UTF-8 and with a NUL. */
static void
test_archive_texts(void **state)
{
	static const size_t most[] = {VRV_ARCHIVE_NAME_MAX,
	    VRV_ARCHIVE_LABEL_MAX, VRV_ARCHIVE_COMMENT_MAX,
	    VRV_ARCHIVE_SHORT_MAX, VRV_ARCHIVE_SHORT_MAX, VRV_ARCHIVE_SHORT_MAX,
	    VRV_ARCHIVE_SHORT_MAX, VRV_ARCHIVE_SHORT_MAX};
	struct vrv_archive_sealed a = sample();
	struct vrv_text *texts[] = {&a.name, &a.series, &a.comment, &a.host,
	    &a.user, &a.options, &a.software, &a.tags[0]};
	vrv_auto_free uint8_t *bytes = malloc(VRV_ARCHIVE_COMMENT_MAX + 1);

	(void)state;
	assert_non_null(bytes);
	memset(bytes, 'x', VRV_ARCHIVE_COMMENT_MAX + 1);
	for (size_t i = 0; i < sizeof(most) / sizeof(*most); i++) {
		struct vrv_text was = *texts[i];

		*texts[i] = (struct vrv_text){bytes, most[i]};
		assert_int_equal(of_text(a), 0);
		*texts[i] = (struct vrv_text){bytes, most[i] + 1};
		assert_int_equal(of_text(a), VARVE_CORRUPT);
		*texts[i] = text("a\xc3");
		assert_int_equal(of_text(a), VARVE_CORRUPT);
		*texts[i] = text("a\xff\x62");
		assert_int_equal(of_text(a), VARVE_CORRUPT);
		*texts[i] = (struct vrv_text){(const uint8_t *)"a\0b", 3};
		assert_int_equal(of_text(a), VARVE_CORRUPT);
		*texts[i] = was;
	}
	a.tags[0] = text("");
	assert_int_equal(of_text(a), VARVE_CORRUPT);
	a = sample();
	a.name = text("");
	assert_int_equal(of_text(a), VARVE_CORRUPT);
	a = sample();
	a.host = a.series = text(""); /* there, and empty */
	assert_int_equal(of_text(a), 0);
}

static int
of_words(uint32_t n_tags, uint32_t n_args, size_t bytes)
{
	vrv_auto_buf struct vrv_buf b = {0};
	struct vrv_archive_sealed a = sample();
	vrv_auto_free struct vrv_text *words =
	    vrv_alloc_array((size_t)n_tags + n_args + 1, sizeof(*words));
	vrv_auto_free uint8_t *last = malloc(bytes + 1);

	assert_non_null(words);
	assert_non_null(last);
	memset(last, 'x', bytes + 1);
	for (uint32_t i = 0; i < n_tags + n_args; i++)
		words[i] = text(i < n_tags ? "t" : "\xff"); /* any bytes */
	if (n_args > 0)
		words[n_tags + n_args - 1] = (struct vrv_text){last, bytes};
	a.tags = words;
	a.n_tags = n_tags;
	a.args = words + n_tags;
	a.n_args = n_args;
	vrv_archive_sealed_put(&b, &a);
	return verdict(get_sealed, b.data, b.len);
}

static void
test_archive_words(void **state)
{
	struct vrv_text args[3] = {text("varve"), text("create"), text("x")};

	(void)state;
	assert_int_equal(of_words(VRV_ARCHIVE_TAGS_MAX, 0, 0), 0);
	assert_int_equal(of_words(VRV_ARCHIVE_TAGS_MAX + 1, 0, 0),
	    VARVE_CORRUPT);
	assert_int_equal(of_words(0, VRV_ARCHIVE_ARGS_MAX, 0), 0);
	assert_int_equal(of_words(0, VRV_ARCHIVE_ARGS_MAX + 1, 0),
	    VARVE_CORRUPT);
	assert_int_equal(of_words(0, 2, VRV_ARCHIVE_ARGS_BYTES_MAX - 1), 0);
	assert_int_equal(of_words(0, 2, VRV_ARCHIVE_ARGS_BYTES_MAX),
	    VARVE_CORRUPT);
	assert_int_equal(vrv_archive_args_fit(args, 3), 3);
	args[1].n = VRV_ARCHIVE_ARGS_BYTES_MAX;
	assert_int_equal(vrv_archive_args_fit(args, 3), 1);
}

static void
test_archive_root_entry(void **state)
{
	vrv_auto_buf struct vrv_buf b = {0}, entry = {0};
	struct vrv_archive_sealed in = sample();
	struct vrv_entry dot = {.kind = 2,
	    .name = (const uint8_t *)".",
	    .name_n = 1};

	(void)state;
	vrv_entry_put(&entry, &dot);
	in.root_entry = (struct vrv_text){entry.data, entry.len};
	vrv_archive_sealed_put(&b, &in);
	assert_int_equal(verdict(get_sealed, b.data, b.len), 0);
	vrv_buf_clear(&b);
	in.root_entry.n--;
	vrv_archive_sealed_put(&b, &in);
	assert_int_equal(verdict(get_sealed, b.data, b.len), VARVE_CORRUPT);
}

static void
test_archive_bad_time_and_size(void **state)
{
	vrv_auto_buf struct vrv_buf b = {0};
	struct vrv_archive_sealed in = sample();

	(void)state;
	in.end.ns = 1000000000;
	vrv_archive_sealed_put(&b, &in);
	assert_int_equal(verdict(get_sealed, b.data, b.len), VARVE_CORRUPT);

	vrv_auto_free char *huge = malloc(VRV_MAX_RECORD + 1);
	assert_non_null(huge);
	memset(huge, 'x', VRV_MAX_RECORD);
	huge[VRV_MAX_RECORD] = '\0';
	in = sample();
	in.comment = text(huge);
	vrv_buf_clear(&b);
	vrv_archive_sealed_put(&b, &in);
	assert_int_equal(verdict(get_sealed, b.data, b.len), VARVE_CORRUPT);
}

/* --- intent --- */

static int
get_intent(const uint8_t *bytes, size_t n, struct varve_err *e)
{
	struct vrv_intent_sealed intent;

	return vrv_intent_sealed_get(bytes, n, &intent, e);
}

static void
test_intent(void **state)
{
	vrv_auto_buf struct vrv_buf b = {0}, clear = {0};
	static const uint8_t index[2 * VRV_OBJECT_ID] = {9};
	struct vrv_intent_sealed in = {.has_root = true,
				     .root = {{1}, 4},
				     .n_ids = 2,
				     .ids = index},
				 out;
	struct vrv_intent_clear c = {.logical = {3}, .revision = 8}, got;

	(void)state;
	vrv_intent_sealed_put(&b, &in);
	assert_exact(get_intent, &b);
	assert_int_equal(vrv_intent_sealed_get(b.data, b.len, &out, &err), 0);
	assert_int_equal(out.root.depth, 4);
	assert_int_equal(out.n_ids, 2);
	assert_memory_equal(out.ids, index, sizeof(index));
	b.data[0] = 2;
	assert_int_equal(verdict(get_intent, b.data, b.len), VARVE_CORRUPT);

	vrv_buf_clear(&b);
	vrv_intent_sealed_put(&b, &(struct vrv_intent_sealed){0});
	assert_exact(get_intent, &b);
	assert_int_equal(b.len, 2);

	vrv_intent_clear_put(&clear, &c);
	struct vrv_rd r = vrv_rd_over(clear.data, clear.len);
	assert_int_equal(vrv_intent_clear_get(&r, &got, &err), 0);
	assert_int_equal(got.logical[0], 3);
	assert_int_equal(got.revision, 8);
	r = vrv_rd_over(clear.data, clear.len - 1);
	assert_int_equal(vrv_intent_clear_get(&r, &got, &err), VARVE_CORRUPT);
}

/* --- tombstone, condemn record --- */

static int
get_tombstone(const uint8_t *bytes, size_t n, struct varve_err *e)
{
	struct vrv_rd r = vrv_rd_over(bytes, n);
	struct vrv_arena arena = {0};
	struct vrv_buried *buried;
	int64_t time;
	uint32_t count;

	int rc = vrv_tombstone_get(&r, &arena, &time, &buried, &count, e);
	if (rc == 0) {
		assert_int_equal(time, -9);
		assert_int_equal(count, 2);
		assert_int_equal(buried[1].logical[0], 2);
		assert_int_equal(buried[1].revision, 5);
	}
	vrv_arena_fini(&arena);
	return rc;
}

static void
test_tombstone(void **state)
{
	vrv_auto_buf struct vrv_buf b = {0};
	static const struct vrv_buried buried[] = {{{1}, 4}, {{2}, 5}};

	(void)state;
	vrv_tombstone_put(&b, -9, buried, 2);
	assert_exact(get_tombstone, &b);
}

static int
get_condemn(const uint8_t *bytes, size_t n, struct varve_err *e)
{
	struct vrv_rd r = vrv_rd_over(bytes, n);
	struct vrv_arena arena = {0};
	struct vrv_condemn c;

	int rc = vrv_condemn_get(&r, &arena, &c, e);
	if (rc == 0) {
		assert_int_equal(c.time, 77);
		assert_int_equal(c.place[15], 6);
		assert_int_equal(c.objects[c.n - 1].type, VRV_INDEX);
		assert_int_equal(c.n_successors, 1);
		assert_int_equal(c.successors[0], 8);
	}
	vrv_arena_fini(&arena);
	return rc;
}

static int
condemn_verdict(uint8_t reason, const struct vrv_condemned *objects, uint32_t n)
{
	vrv_auto_buf struct vrv_buf b = {0};
	static const uint8_t successor[VRV_OBJECT_ID] = {8};
	struct vrv_condemn c = {.time = 77,
	    .place = {[15] = 6},
	    .reason = reason,
	    .n = n,
	    .n_successors = 1,
	    .objects = objects,
	    .successors = successor};

	vrv_condemn_put(&b, &c);
	int rc = verdict(get_condemn, b.data, b.len);
	if (rc == 0)
		assert_exact(get_condemn, &b);
	return rc;
}

/* What a later version adds at the end is ignored or refused by its tag. */
static void
assert_grows(decode_fn *decode, const struct vrv_buf *b)
{
	static const uint8_t odd[] = {3, 1, 0xaa, 77, 0}, even[] = {3, 0, 4, 0};
	vrv_auto_buf struct vrv_buf longer = {0};

	vrv_buf_bytes(&longer, b->data, b->len);
	vrv_buf_bytes(&longer, odd, sizeof(odd));
	assert_int_equal(verdict(decode, longer.data, longer.len), 0);
	longer.len = b->len;
	vrv_buf_bytes(&longer, even, sizeof(even));
	assert_int_equal(verdict(decode, longer.data, longer.len),
	    VARVE_FORMAT);
	longer.len = b->len;
	vrv_buf_u8(&longer, 1);
	assert_int_equal(verdict(decode, longer.data, longer.len),
	    VARVE_CORRUPT);
}

static void
test_records_grow(void **state)
{
	static const struct vrv_buried buried[] = {{{1}, 4}, {{2}, 5}};
	static const struct vrv_condemned object = {VRV_INDEX, {1}};
	static const uint8_t successor[VRV_OBJECT_ID] = {8};
	const struct vrv_condemn c = {.time = 77,
	    .place = {[15] = 6},
	    .reason = VRV_REASON_DEAD,
	    .n = 1,
	    .n_successors = 1,
	    .objects = &object,
	    .successors = successor};
	vrv_auto_buf struct vrv_buf b = {0};

	(void)state;
	vrv_intent_sealed_put(&b, &(struct vrv_intent_sealed){0});
	assert_grows(get_intent, &b);
	vrv_buf_clear(&b);
	vrv_tombstone_put(&b, -9, buried, 2);
	assert_grows(get_tombstone, &b);
	vrv_buf_clear(&b);
	vrv_condemn_put(&b, &c);
	assert_grows(get_condemn, &b);
}

static void
test_condemn(void **state)
{
	static const struct vrv_condemned sorted[] = {{VRV_PACK, {1}},
	    {VRV_PACK, {2}}, {VRV_INDEX, {0}}};
	static const struct vrv_condemned twice[] = {{VRV_PACK, {1}},
	    {VRV_PACK, {1}}};
	static const struct vrv_condemned wrong[] = {{VRV_INDEX, {1}},
	    {VRV_PACK, {2}}};
	static const struct vrv_condemned later[] = {{VRV_TYPES, {1}}};

	(void)state;
	assert_int_equal(condemn_verdict(VRV_REASON_DEAD, sorted, 3), 0);
	assert_int_equal(condemn_verdict(VRV_REASON_OLD_ROLL, sorted, 3), 0);
	assert_int_equal(condemn_verdict(0, sorted, 3), VARVE_FORMAT);
	assert_int_equal(condemn_verdict(8, sorted, 3), VARVE_FORMAT);
	assert_int_equal(condemn_verdict(1, twice, 2), VARVE_CORRUPT);
	assert_int_equal(condemn_verdict(1, wrong, 2), VARVE_CORRUPT);
	assert_int_equal(condemn_verdict(1, later, 1), VARVE_FORMAT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_archive_clear),
	    cmocka_unit_test(test_archive_sealed_round_trip),
	    cmocka_unit_test(test_archive_sealed_bare),
	    cmocka_unit_test(test_archive_values_missing_twice_empty),
	    cmocka_unit_test(test_archive_unknown_tags),
	    cmocka_unit_test(test_archive_texts),
	    cmocka_unit_test(test_archive_words),
	    cmocka_unit_test(test_archive_root_entry),
	    cmocka_unit_test(test_archive_bad_time_and_size),
	    cmocka_unit_test(test_intent),
	    cmocka_unit_test(test_tombstone),
	    cmocka_unit_test(test_records_grow),
	    cmocka_unit_test(test_condemn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
