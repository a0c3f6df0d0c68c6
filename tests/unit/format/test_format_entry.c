/* SPDX-License-Identifier: BSD-2-Clause */
#include "format_support.h"

#include "format/frame.h"
#include "format/tree.h"

enum {
	FILE_KIND = 1,
	DIR_KIND,
	LINK_KIND,
	FIFO_KIND,
	SOCKET_KIND,
	CHAR_KIND
};

static struct varve_err err;
static struct vrv_buf content, xattrs, extensions;

static const struct vrv_ref ref = {.id = {1, 2, 3}, .depth = 2};

static void
put_xattr(struct vrv_buf *b, const char *name, uint64_t size)
{
	static const uint8_t zeros[VRV_XATTR_INLINE_MAX];
	struct vrv_entry_xattr xattr = {
	    .name = (const uint8_t *)name,
	    .name_n = strlen(name),
	    .value = size > VRV_XATTR_INLINE_MAX ? NULL : zeros,
	    .size = size,
	    .id = {0x77},
	};

	vrv_xattr_put(b, &xattr);
}

static void
put_extent(struct vrv_buf *b, uint64_t length, bool hole)
{
	struct vrv_extent extent = {.length = length,
	    .hole = hole,
	    .id = {0x55}};

	vrv_extent_put(b, &extent);
}

static int
make_parts(void **state)
{
	vrv_auto_buf struct vrv_buf extents = {0};

	(void)state;
	put_extent(&extents, 100000, false);
	put_extent(&extents, 1ull << 40, true);
	put_extent(&extents, 1, false);
	vrv_content_put_inline(&content, 3, extents.data, extents.len);

	vrv_buf_v(&xattrs, 3);
	put_xattr(&xattrs, "security.x", 0);
	put_xattr(&xattrs, "user.b", VRV_XATTR_INLINE_MAX);
	put_xattr(&xattrs, "user.ba", VRV_XATTR_INLINE_MAX + 1);

	vrv_buf_v(&extensions, 2);
	vrv_extension_put(&extensions, VRV_EXT_PROJECT, "\x05", 1);
	vrv_extension_put(&extensions, 4, "unknown", 7);
	return 0;
}

static int
drop_parts(void **state)
{
	(void)state;
	vrv_buf_fini(&content);
	vrv_buf_fini(&xattrs);
	vrv_buf_fini(&extensions);
	return 0;
}

/* With everything that an entry of its kind can have. */
static struct vrv_entry
full(uint8_t kind)
{
	return (struct vrv_entry){
	    .kind = kind,
	    .flags = VRV_ENTRY_BTIME | VRV_ENTRY_XATTRS | VRV_ENTRY_IFLAGS |
		VRV_ENTRY_CHANGED | VRV_ENTRY_EXTENSIONS | VRV_ENTRY_ATIME |
		(kind == DIR_KIND ? VRV_ENTRY_FSROOT | VRV_ENTRY_WAY :
				    VRV_ENTRY_LINKED),
	    .name = (const uint8_t *)"a name",
	    .name_n = 6,
	    .mode = 07755,
	    .uid = UINT32_MAX,
	    .gid = 1000,
	    .inode = UINT64_MAX,
	    .mtime = {-1, 999999999},
	    .ctime = {INT64_MAX, 0},
	    .btime = {INT64_MIN, 1},
	    .atime = {1700000000, 2},
	    .size = 100001 + (1ull << 40),
	    .content = content.data,
	    .content_n = content.len,
	    .dir = ref,
	    .target = (const uint8_t *)"../there",
	    .target_n = 8,
	    .major = 8,
	    .minor = UINT32_MAX,
	    .xattrs = xattrs.data,
	    .xattrs_n = xattrs.len,
	    .iflags = 0x80000010,
	    .extensions = extensions.data,
	    .extensions_n = extensions.len,
	};
}

/* A small file. */
static struct vrv_entry
plain(void)
{
	return (struct vrv_entry){
	    .kind = FILE_KIND,
	    .name = (const uint8_t *)"f",
	    .name_n = 1,
	    .content = (const uint8_t *)"\x01",
	    .content_n = 1,
	};
}

static int
get_entry(const uint8_t *bytes, size_t n, struct varve_err *e)
{
	struct vrv_rd r = vrv_rd_over(bytes, n);
	struct vrv_entry entry;

	int rc = vrv_entry_get(&r, &entry, e);
	if (rc == 0 && !vrv_rd_done(&r))
		return vrv_fail(e, VARVE_CORRUPT, "more");
	return rc;
}

static int
entry_verdict(const struct vrv_entry *e)
{
	vrv_auto_buf struct vrv_buf b = {0};

	vrv_entry_put(&b, e);
	return verdict(get_entry, b.data, b.len);
}

static void
assert_time(struct vrv_time a, struct vrv_time b)
{
	assert_int_equal(a.s, b.s);
	assert_int_equal(a.ns, b.ns);
}

static void
assert_common(const struct vrv_entry *a, const struct vrv_entry *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->name_n, b->name_n);
	assert_memory_equal(a->name, b->name, a->name_n);
	assert_int_equal(a->mode, b->mode);
	assert_int_equal(a->uid, b->uid);
	assert_int_equal(a->gid, b->gid);
	assert_true(a->inode == b->inode);
	assert_time(a->mtime, b->mtime);
	assert_time(a->ctime, b->ctime);
	assert_time(a->btime, b->btime);
	assert_time(a->atime, b->atime);
	assert_int_equal(a->iflags, b->iflags);
	assert_int_equal(a->xattrs_n, b->xattrs_n);
	assert_memory_equal(a->xattrs, b->xattrs, a->xattrs_n);
	assert_int_equal(a->extensions_n, b->extensions_n);
	assert_memory_equal(a->extensions, b->extensions, a->extensions_n);
}

static void
assert_by_kind(const struct vrv_entry *a, const struct vrv_entry *b)
{
	switch (a->kind) {
	case FILE_KIND:
		assert_true(a->size == b->size);
		assert_int_equal(a->content_n, b->content_n);
		assert_memory_equal(a->content, b->content, a->content_n);
		break;
	case DIR_KIND:
		assert_memory_equal(&a->dir, &b->dir, sizeof(ref));
		break;
	case LINK_KIND:
		assert_int_equal(a->target_n, b->target_n);
		assert_memory_equal(a->target, b->target, a->target_n);
		break;
	case CHAR_KIND:
		assert_int_equal(a->major, b->major);
		assert_int_equal(a->minor, b->minor);
		break;
	default:
		assert_null(b->content);
		assert_null(b->target);
	}
}

static void
test_every_kind_round_trips(void **state)
{
	(void)state;
	for (uint8_t kind = FILE_KIND; kind <= 7; kind++) {
		vrv_auto_buf struct vrv_buf b = {0}, again = {0};
		struct vrv_entry in = full(kind), out;

		vrv_entry_put(&b, &in);
		struct vrv_rd r = vrv_rd_over(b.data, b.len);
		assert_int_equal(vrv_entry_get(&r, &out, &err), 0);
		assert_true(vrv_rd_done(&r));
		assert_common(&in, &out);
		assert_by_kind(&in, &out);
		vrv_entry_put(&again, &out);
		assert_same(&b, &again);
		assert_exact(get_entry, &b);
	}
}

/* The size in front takes another number of bytes than was guessed. */
static void
test_entries_of_every_size(void **state)
{
	static uint8_t name[VRV_ENTRY_NAME_MAX];

	(void)state;
	memset(name, 'n', sizeof(name));
	for (size_t n = 1; n <= sizeof(name); n += n < 300 ? 1 : 97) {
		struct vrv_entry e = plain();

		e.name = name;
		e.name_n = n;
		assert_int_equal(entry_verdict(&e), 0);
	}
}

static void
test_names(void **state)
{
	static uint8_t longest[VRV_ENTRY_NAME_MAX + 1];
	static const char *const good[] = {"a", "...", ".a", "..a", "a.",
	    "\xff"};
	static const char *const bad[] = {"", ".", "..", "/", "a/b", "a/"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(
		    vrv_name_ok((const uint8_t *)good[i], strlen(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct vrv_entry e = plain();

		e.name = (const uint8_t *)bad[i];
		e.name_n = strlen(bad[i]);
		assert_int_equal(entry_verdict(&e), VARVE_CORRUPT);
	}
	assert_false(vrv_name_ok((const uint8_t *)"a\0b", 3));
	memset(longest, 'x', sizeof(longest));
	assert_true(vrv_name_ok(longest, VRV_ENTRY_NAME_MAX));
	assert_false(vrv_name_ok(longest, VRV_ENTRY_NAME_MAX + 1));
}

static int
cmp(const char *a, const char *b)
{
	return vrv_name_cmp((const uint8_t *)a, strlen(a), (const uint8_t *)b,
	    strlen(b));
}

static void
test_name_order(void **state)
{
	(void)state;
	assert_true(cmp("a", "b") < 0);
	assert_true(cmp("a", "ab") < 0);
	assert_true(cmp("b", "ab") > 0);
	assert_true(cmp("\xff", "a") > 0);
	assert_int_equal(cmp("ab", "ab"), 0);
	assert_true(cmp("", "a") < 0);
}

static void
test_fields_out_of_range(void **state)
{
	struct vrv_entry e;

	(void)state;
#define WITH(field, value) (e = plain(), e.field = (value), entry_verdict(&e))
	assert_int_equal(WITH(mode, 07777), 0);
	assert_int_equal(WITH(mode, 010000), VARVE_CORRUPT);
	/* Not damage: a later version may have more of them. */
	assert_int_equal(WITH(kind, 0), VARVE_FORMAT);
	assert_int_equal(WITH(kind, 8), VARVE_FORMAT);
	assert_int_equal(WITH(kind, 255), VARVE_FORMAT);
	assert_int_equal(WITH(mtime.ns, 1000000000), VARVE_CORRUPT);
	assert_int_equal(WITH(ctime.ns, UINT32_MAX), VARVE_CORRUPT);
	assert_int_equal(WITH(flags, 1u << 9), VARVE_FORMAT);
	assert_int_equal(WITH(flags, 1u << 31), VARVE_FORMAT);
	assert_int_equal(WITH(flags, VRV_ENTRY_WAY), VARVE_CORRUPT);
	assert_int_equal(WITH(flags, VRV_ENTRY_FSROOT), VARVE_CORRUPT);
	assert_int_equal(WITH(size, 1), VARVE_CORRUPT);
#undef WITH
	e = full(DIR_KIND);
	e.flags |= VRV_ENTRY_LINKED;
	assert_int_equal(entry_verdict(&e), VARVE_CORRUPT);
	e = full(DIR_KIND);
	e.dir.depth = VRV_TREE_DEPTH_MAX + 1;
	assert_int_equal(entry_verdict(&e), VARVE_CORRUPT);
	e = full(LINK_KIND);
	e.target = (const uint8_t *)"a\0b";
	e.target_n = 3;
	assert_int_equal(entry_verdict(&e), VARVE_CORRUPT);
}

/* Numbers that are wider than their field, which no struct can hold. */
static void
test_numbers_too_wide(void **state)
{
	(void)state;
	for (int wide = 0; wide < 5; wide++) {
		vrv_auto_buf struct vrv_buf rest = {0}, b = {0};
		uint64_t x = (uint64_t)UINT32_MAX + 1;

		vrv_buf_u8(&rest, FIFO_KIND);
		vrv_buf_v(&rest, wide == 0 ? x << 8 : 0);
		vrv_buf_str(&rest, "n");
		vrv_buf_v(&rest, wide == 1 ? x : 0644);
		vrv_buf_v(&rest, wide == 2 ? x : 5);
		vrv_buf_v(&rest, wide == 3 ? x : 5);
		vrv_buf_v(&rest, 0);
		vrv_buf_zero(&rest, 4);
		vrv_buf_vbytes(&b, rest.data, rest.len);
		int want = wide == 4 ? 0 :
		    wide == 0	     ? VARVE_FORMAT :
				       VARVE_CORRUPT;
		assert_int_equal(verdict(get_entry, b.data, b.len), want);
	}
}

static void
test_long_leb128_is_refused(void **state)
{
	static const uint8_t bytes[] = {13, FIFO_KIND, 0, 1, 'n', 0x80, 0, 0, 0,
	    0, 0, 0, 0, 0};

	(void)state;
	/* mode 0 as two bytes */
	assert_int_equal(verdict(get_entry, bytes, sizeof(bytes)),
	    VARVE_CORRUPT);
}

/* The bytes of a list as an entry's, whatever they are. */
static int
list_verdict(uint32_t flag, const struct vrv_buf *list)
{
	struct vrv_entry e = plain();

	e.flags = flag;
	e.xattrs = e.extensions = list->data;
	e.xattrs_n = flag == VRV_ENTRY_XATTRS ? list->len : 0;
	e.extensions_n = flag == VRV_ENTRY_EXTENSIONS ? list->len : 0;
	return entry_verdict(&e);
}

static int
two_xattrs(const char *a, const char *b, uint64_t size)
{
	vrv_auto_buf struct vrv_buf list = {0};

	vrv_buf_v(&list, 2);
	put_xattr(&list, a, 1);
	put_xattr(&list, b, size);
	return list_verdict(VRV_ENTRY_XATTRS, &list);
}

static void
test_xattr_lists(void **state)
{
	vrv_auto_buf struct vrv_buf empty = {0}, wrong = {0}, nul = {0};
	char longest[VRV_XATTR_NAME_MAX + 2];

	(void)state;
	assert_int_equal(two_xattrs("a", "b", 1), 0);
	assert_int_equal(two_xattrs("a", "a", 1), VARVE_CORRUPT);
	assert_int_equal(two_xattrs("b", "a", 1), VARVE_CORRUPT);
	assert_int_equal(two_xattrs("", "a", 1), VARVE_CORRUPT);
	assert_int_equal(two_xattrs("a", "b", VRV_XATTR_VALUE_MAX), 0);
	assert_int_equal(two_xattrs("a", "b", VRV_XATTR_VALUE_MAX + 1),
	    VARVE_CORRUPT);
	memset(longest, 'x', sizeof(longest));
	longest[VRV_XATTR_NAME_MAX + 1] = '\0';
	assert_int_equal(two_xattrs("a", longest, 1), VARVE_CORRUPT);
	assert_int_equal(two_xattrs("a", longest + 1, 1), 0);

	vrv_buf_v(&empty, 0);
	assert_int_equal(list_verdict(VRV_ENTRY_XATTRS, &empty), VARVE_CORRUPT);
	vrv_buf_v(&wrong, 1);
	vrv_buf_str(&wrong, "a");
	vrv_buf_v(&wrong, 5 << 1 | 1); /* a short value as a chunk */
	vrv_buf_zero(&wrong, VRV_CHUNK_ID);
	assert_int_equal(list_verdict(VRV_ENTRY_XATTRS, &wrong), VARVE_CORRUPT);
	vrv_buf_v(&nul, 1);
	vrv_buf_vbytes(&nul, "a\0b", 3);
	vrv_buf_v(&nul, 0);
	assert_int_equal(list_verdict(VRV_ENTRY_XATTRS, &nul), VARVE_CORRUPT);
}

static void
test_xattr_fields(void **state)
{
	struct vrv_rd r = vrv_rd_over(xattrs.data, xattrs.len);
	struct vrv_entry_xattr x;

	(void)state;
	assert_int_equal(vrv_rd_v(&r), 3);
	assert_int_equal(vrv_xattr_get(&r, &x, &err), 0);
	assert_int_equal(x.name_n, 10);
	assert_memory_equal(x.name, "security.x", 10);
	assert_int_equal(x.size, 0);
	assert_non_null(x.value);
	assert_int_equal(vrv_xattr_get(&r, &x, &err), 0);
	assert_int_equal(x.size, VRV_XATTR_INLINE_MAX);
	assert_int_equal(vrv_xattr_get(&r, &x, &err), 0);
	assert_int_equal(x.size, VRV_XATTR_INLINE_MAX + 1);
	assert_null(x.value);
	assert_int_equal(x.id[0], 0x77);
	assert_true(vrv_rd_done(&r));
}

static void
test_extension_lists(void **state)
{
	vrv_auto_buf struct vrv_buf twice = {0}, empty = {0}, zero = {0};
	struct vrv_rd r = vrv_rd_over(extensions.data, extensions.len);
	uint64_t tag;
	const uint8_t *bytes;
	size_t n;

	(void)state;
	assert_int_equal(vrv_rd_v(&r), 2);
	assert_int_equal(vrv_extension_get(&r, &tag, &bytes, &n, &err), 0);
	assert_int_equal(tag, VRV_EXT_PROJECT);
	assert_int_equal(n, 1);
	assert_int_equal(bytes[0], 5);

	vrv_buf_v(&twice, 2);
	vrv_extension_put(&twice, 3, "", 0);
	vrv_extension_put(&twice, 3, "", 0);
	assert_int_equal(list_verdict(VRV_ENTRY_EXTENSIONS, &twice),
	    VARVE_CORRUPT);
	vrv_buf_v(&empty, 0);
	assert_int_equal(list_verdict(VRV_ENTRY_EXTENSIONS, &empty),
	    VARVE_CORRUPT);
	vrv_buf_v(&zero, 1);
	vrv_extension_put(&zero, 0, "", 0);
	assert_int_equal(list_verdict(VRV_ENTRY_EXTENSIONS, &zero),
	    VARVE_CORRUPT);
}

/* Parts that end before or behind the stated size; an entry that is bad does
 * not hide the next. */
static void
test_size_of_the_rest(void **state)
{
	vrv_auto_buf struct vrv_buf b = {0}, longer = {0};
	struct vrv_entry e = plain(), out = {.uid = 99};

	(void)state;
	vrv_entry_put(&b, &e);
	assert_true(b.data[0] < 0x7f);
	vrv_buf_u8(&longer, (uint8_t)(b.data[0] + 1));
	vrv_buf_bytes(&longer, b.data + 1, b.len - 1);
	vrv_buf_u8(&longer, 0);
	vrv_buf_bytes(&longer, b.data, b.len);

	struct vrv_rd r = vrv_rd_over(longer.data, longer.len);
	assert_int_equal(vrv_entry_get(&r, &out, &err), VARVE_CORRUPT);
	assert_int_equal(out.uid, 99); /* untouched */
	assert_int_equal(vrv_entry_get(&r, &out, &err), 0);
	assert_true(vrv_rd_done(&r));
}

static int
get_root(const uint8_t *bytes, size_t n, struct varve_err *e)
{
	struct vrv_entry entry;

	return vrv_root_entry_get(bytes, n, &entry, e);
}

static void
test_root_entry(void **state)
{
	vrv_auto_buf struct vrv_buf b = {0}, named = {0}, file = {0};
	struct vrv_entry e = full(DIR_KIND), f = plain(), out;

	(void)state;
	vrv_entry_put(&named, &e);
	assert_int_equal(verdict(get_root, named.data, named.len),
	    VARVE_CORRUPT);
	e.name = f.name = (const uint8_t *)".";
	e.name_n = 1;
	vrv_entry_put(&b, &e);
	assert_exact(get_root, &b);
	assert_int_equal(vrv_root_entry_get(b.data, b.len, &out, &err), 0);
	assert_int_equal(out.uid, UINT32_MAX);
	assert_int_equal(verdict(get_entry, b.data, b.len), VARVE_CORRUPT);
	vrv_entry_put(&file, &f);
	assert_int_equal(verdict(get_root, file.data, file.len), VARVE_CORRUPT);
}

/* A name alone: of every kind, cut short anywhere, and none that may not be. */
static void
test_name_alone(void **state)
{
	const uint8_t *name = NULL;
	size_t n = 0;

	(void)state;
	for (uint8_t kind = FILE_KIND; kind <= 7; kind++) {
		vrv_auto_buf struct vrv_buf b = {0};
		struct vrv_entry in = full(kind);

		vrv_entry_put(&b, &in);
		size_t one = b.len;
		vrv_entry_put(&b, &in);
		struct vrv_rd r = vrv_rd_over(b.data, b.len);
		assert_true(vrv_entry_name(&r, &name, &n));
		assert_int_equal(n, in.name_n);
		assert_memory_equal(name, in.name, n);
		assert_ptr_equal(r.p, b.data + one);
		assert_true(vrv_entry_name(&r, &name, &n));
		assert_true(vrv_rd_done(&r));
		assert_false(vrv_entry_name(&r, &name, &n));
		for (size_t cut = 0; cut < one; cut++) {
			r = vrv_rd_over(b.data, cut);
			assert_false(vrv_entry_name(&r, &name, &n));
			assert_true(vrv_rd_ok(&r));
			assert_ptr_equal(r.p, b.data);
		}
	}
	vrv_auto_buf struct vrv_buf bad = {0};
	struct vrv_entry in = full(DIR_KIND);
	in.name = (const uint8_t *)"a/";
	in.name_n = 2;
	vrv_entry_put(&bad, &in);
	struct vrv_rd r = vrv_rd_over(bad.data, bad.len);
	assert_false(vrv_entry_name(&r, &name, &n));
}

/* Values of one entry: at most 1 MiB, whatever chunks they are. */
static void
test_xattrs_limit(void **state)
{
	vrv_auto_buf struct vrv_buf list = {0}, b = {0};
	struct vrv_entry got;

	(void)state;
	for (unsigned n = 16; n <= 17; n++) {
		vrv_buf_clear(&list);
		vrv_buf_clear(&b);
		vrv_buf_v(&list, n);
		for (unsigned i = 0; i < n; i++) {
			char name[] = {(char)('a' + i), '\0'};
			put_xattr(&list, name, VRV_XATTR_VALUE_MAX);
		}
		struct vrv_entry e = {
		    .kind = 4,
		    .flags = VRV_ENTRY_XATTRS,
		    .name = (const uint8_t *)"f",
		    .name_n = 1,
		    .xattrs = list.data,
		    .xattrs_n = list.len,
		};
		vrv_entry_put(&b, &e);
		struct vrv_rd rd = vrv_rd_over(b.data, b.len);
		assert_int_equal(vrv_entry_get(&rd, &got, &err),
		    n == 16 ? 0 : VARVE_LIMIT);
		/* The next entry can be read. */
		assert_true(vrv_rd_done(&rd));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_xattrs_limit),
	    cmocka_unit_test(test_every_kind_round_trips),
	    cmocka_unit_test(test_entries_of_every_size),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_name_order),
	    cmocka_unit_test(test_fields_out_of_range),
	    cmocka_unit_test(test_numbers_too_wide),
	    cmocka_unit_test(test_long_leb128_is_refused),
	    cmocka_unit_test(test_xattr_lists),
	    cmocka_unit_test(test_xattr_fields),
	    cmocka_unit_test(test_extension_lists),
	    cmocka_unit_test(test_size_of_the_rest),
	    cmocka_unit_test(test_root_entry),
	    cmocka_unit_test(test_name_alone),
	};

	return cmocka_run_group_tests(tests, make_parts, drop_parts);
}
