/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/record.h"

#include <assert.h>

#include "format/format_internal.h"
#include "util/mem.h"
#include "util/utf8.h"

#define TIME_SIZE 12
#define REF_SIZE (VRV_CHUNK_ID + 1)

/* --- the clear part --- */

void
vrv_archive_clear_put(struct vrv_buf *b, const struct vrv_archive_clear *clear)
{
	assert(clear->n_previous <= VRV_PREVIOUS_MAX);
	vrv_buf_u8(b, clear->flags);
	vrv_buf_bytes(b, clear->logical, VRV_LOGICAL_ID);
	vrv_buf_u32(b, clear->revision);
	vrv_buf_u64(b, (uint64_t)clear->end);
	vrv_buf_u64(b, clear->stored);
	vrv_buf_u8(b, clear->n_previous);
	for (unsigned i = 0; i < clear->n_previous; i++)
		vrv_buf_bytes(b, clear->previous[i], VRV_LOGICAL_ID);
}

int
vrv_archive_clear_get(struct vrv_rd *r, struct vrv_archive_clear *ret,
    struct varve_err *err)
{
	struct vrv_archive_clear clear = {0};

	clear.flags = vrv_rd_u8(r);
	vrv_rd_copy(r, clear.logical, VRV_LOGICAL_ID);
	clear.revision = vrv_rd_u32(r);
	clear.end = (int64_t)vrv_rd_u64(r);
	clear.stored = vrv_rd_u64(r);
	clear.n_previous = vrv_rd_u8(r);
	if ((clear.flags & ~VRV_ARCHIVE_WARNINGS) != 0)
		return VRV_UNKNOWN(err, "archive with unknown flags %#x",
		    clear.flags);
	if (clear.n_previous > VRV_PREVIOUS_MAX)
		return VRV_CORRUPT(err, "archive of %u predecessors",
		    clear.n_previous);
	for (unsigned i = 0; i < clear.n_previous; i++)
		vrv_rd_copy(r, clear.previous[i], VRV_LOGICAL_ID);
	if (!vrv_rd_ok(r))
		return VRV_CORRUPT(err, "archive is cut short");
	*ret = clear;
	return 0;
}

/* --- encoding the sealed part --- */

static void
put_text(struct vrv_buf *b, enum vrv_archive_tag tag, struct vrv_text text)
{
	vrv_tlv_put(b, tag, text.p, text.n);
}

static void
put_optional(struct vrv_buf *b, enum vrv_archive_tag tag, struct vrv_text text)
{
	if (text.n > 0)
		put_text(b, tag, text);
}

static void
put_texts(struct vrv_buf *b, enum vrv_archive_tag tag,
    const struct vrv_text *texts, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		put_text(b, tag, texts[i]);
}

static void
put_time(struct vrv_buf *b, enum vrv_archive_tag tag, struct vrv_time t)
{
	vrv_tlv_put_head(b, tag, TIME_SIZE);
	vrv_buf_u64(b, (uint64_t)t.s);
	vrv_buf_u32(b, t.ns);
}

static void
put_v(struct vrv_buf *b, enum vrv_archive_tag tag, uint64_t x)
{
	vrv_tlv_put_head(b, tag, vrv_v_size(x));
	vrv_buf_v(b, x);
}

static void
put_ref(struct vrv_buf *b, enum vrv_archive_tag tag, const struct vrv_ref *ref)
{
	vrv_tlv_put_head(b, tag, REF_SIZE);
	vrv_ref_put(b, ref);
}

static void
put_chunker(struct vrv_buf *b, const struct vrv_archive_sealed *a)
{
	vrv_tlv_put_head(b, VRV_A_CHUNKER,
	    vrv_v_size(a->chunk_method) + vrv_v_size(a->chunk_min) +
		vrv_v_size(a->chunk_average) + vrv_v_size(a->chunk_max));
	vrv_buf_v(b, a->chunk_method);
	vrv_buf_v(b, a->chunk_min);
	vrv_buf_v(b, a->chunk_average);
	vrv_buf_v(b, a->chunk_max);
}

void
vrv_archive_sealed_put(struct vrv_buf *b, const struct vrv_archive_sealed *a)
{
	put_text(b, VRV_A_NAME, a->name);
	put_optional(b, VRV_A_COMMENT, a->comment);
	put_text(b, VRV_A_SERIES, a->series);
	put_texts(b, VRV_A_TAG, a->tags, a->n_tags);
	put_text(b, VRV_A_HOST, a->host);
	put_optional(b, VRV_A_USER, a->user);
	put_time(b, VRV_A_NOMINAL, a->nominal);
	put_texts(b, VRV_A_ARG, a->args, a->n_args);
	put_time(b, VRV_A_START, a->start);
	put_optional(b, VRV_A_CWD, a->cwd);
	put_time(b, VRV_A_END, a->end);
	vrv_tlv_put_head(b, VRV_A_UTC_OFFSET, 4);
	vrv_buf_u32(b, (uint32_t)a->utc_offset);
	put_ref(b, VRV_A_ROOT, &a->root);
	put_optional(b, VRV_A_ROOT_ENTRY, a->root_entry);
	put_v(b, VRV_A_FILES, a->files);
	put_v(b, VRV_A_CHUNKS, a->chunks);
	put_v(b, VRV_A_BYTES, a->bytes);
	put_v(b, VRV_A_NEW_BYTES, a->new_bytes);
	if (a->has_skipped)
		put_ref(b, VRV_A_SKIPPED, &a->skipped);
	if (a->entries > 0)
		put_v(b, VRV_A_ENTRIES, a->entries);
	if (a->has_owners)
		put_ref(b, VRV_A_OWNERS, &a->owners);
	if (a->has_parent)
		vrv_tlv_put(b, VRV_A_PARENT, a->parent, VRV_LOGICAL_ID);
	put_chunker(b, a);
	put_optional(b, VRV_A_OPTIONS, a->options);
	put_optional(b, VRV_A_SOFTWARE, a->software);
	if (a->has_origin) {
		vrv_tlv_put_head(b, VRV_A_ORIGIN, VRV_REPO_ID + VRV_LOGICAL_ID);
		vrv_buf_bytes(b, a->origin_repository, VRV_REPO_ID);
		vrv_buf_bytes(b, a->origin, VRV_LOGICAL_ID);
	}
	if (a->platform != 0)
		put_v(b, VRV_A_PLATFORM, a->platform);
	if (a->counts_xattrs)
		put_v(b, VRV_A_XATTRS, a->xattrs);
	if (a->counts_acls)
		put_v(b, VRV_A_ACLS, a->acls);
	if (a->args_cut > 0)
		put_v(b, VRV_A_ARGS_CUT, a->args_cut);
}

size_t
vrv_archive_texts(const struct vrv_archive_sealed *a)
{
	size_t n =
	    a->name.n + a->comment.n + a->series.n + a->host.n + a->user.n;

	for (uint32_t i = 0; i < a->n_tags; i++)
		n += a->tags[i].n;
	return n;
}

/* --- what texts may be --- */

/* Why a text cannot be stored or believed; NULL if it can. */
static const char *
text_fault(struct vrv_text text, size_t most, bool may_be_empty)
{
	uint32_t c;

	if (text.n == 0)
		return may_be_empty ? NULL : "is empty";
	if (text.n > most)
		return "is too long";
	for (size_t i = 0, n; i < text.n; i += n) {
		n = vrv_utf8_decode((const char *)text.p + i, text.n - i, &c);
		if (n == 0)
			return "is not valid UTF-8";
		if (c == 0)
			return "holds a NUL";
	}
	return NULL;
}

/* The first text at fault, and why; NULL if there is none. */
static const char *
texts_fault(const struct vrv_archive_sealed *a, const char **ret_which,
    size_t *ret_most)
{
	const struct {
		const char *which;
		struct vrv_text text;
		size_t most;
	} texts[] = {
	    {"name", a->name, VRV_ARCHIVE_NAME_MAX},
	    {"series", a->series, VRV_ARCHIVE_LABEL_MAX},
	    {"comment", a->comment, VRV_ARCHIVE_COMMENT_MAX},
	    {"host", a->host, VRV_ARCHIVE_SHORT_MAX},
	    {"user", a->user, VRV_ARCHIVE_SHORT_MAX},
	    {"options", a->options, VRV_ARCHIVE_SHORT_MAX},
	    {"software", a->software, VRV_ARCHIVE_SHORT_MAX},
	};
	const char *why = NULL;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		*ret_which = texts[i].which;
		*ret_most = texts[i].most;
		/* Only the name must say something. */
		why = text_fault(texts[i].text, texts[i].most, i > 0);
		if (why != NULL)
			return why;
	}
	*ret_which = "tag";
	*ret_most = VRV_ARCHIVE_SHORT_MAX;
	for (uint32_t i = 0; i < a->n_tags && why == NULL; i++)
		why = text_fault(a->tags[i], VRV_ARCHIVE_SHORT_MAX, false);
	return why;
}

int
vrv_archive_texts_check(const struct vrv_archive_sealed *a,
    struct varve_err *err)
{
	const char *which;
	size_t most;
	const char *why = texts_fault(a, &which, &most);

	if (why != NULL)
		return vrv_fail(err, VARVE_USAGE,
		    "the %s of an archive %s: give another, of up to %zu bytes",
		    which, why, most);
	if (a->n_tags > VRV_ARCHIVE_TAGS_MAX)
		return vrv_fail(err, VARVE_USAGE,
		    "an archive can have no more than %d tags",
		    VRV_ARCHIVE_TAGS_MAX);
	return 0;
}

uint32_t
vrv_archive_args_fit(const struct vrv_text *args, uint32_t n)
{
	size_t left = VRV_ARCHIVE_ARGS_BYTES_MAX;
	uint32_t fit = 0;

	while (fit < n && fit < VRV_ARCHIVE_ARGS_MAX && args[fit].n <= left)
		left -= args[fit++].n;
	return fit;
}

/* --- decoding the sealed part --- */

#define REPEATED (VRV_TAG_BIT(VRV_A_TAG) | VRV_TAG_BIT(VRV_A_ARG))
#define REQUIRED                                                               \
	(VRV_TAG_BIT(VRV_A_NAME) | VRV_TAG_BIT(VRV_A_SERIES) |                 \
	    VRV_TAG_BIT(VRV_A_HOST) | VRV_TAG_BIT(VRV_A_NOMINAL) |             \
	    VRV_TAG_BIT(VRV_A_START) | VRV_TAG_BIT(VRV_A_END) |                \
	    VRV_TAG_BIT(VRV_A_ROOT))

static struct vrv_time
get_time(struct vrv_rd *v)
{
	struct vrv_time t;

	t.s = (int64_t)vrv_rd_u64(v);
	t.ns = vrv_rd_u32(v);
	if (t.ns > VRV_NS_MAX)
		vrv_rd_fail(v);
	return t;
}

static uint32_t
get_u32(struct vrv_rd *v)
{
	uint64_t x = vrv_rd_v(v);

	if (x > UINT32_MAX)
		vrv_rd_fail(v);
	return (uint32_t)x;
}

/* Where the text of such a tag goes; NULL if its value is no text. */
static struct vrv_text *
text_of(struct vrv_archive_sealed *a, uint64_t tag)
{
	switch (tag) {
	case VRV_A_NAME:
		return &a->name;
	case VRV_A_COMMENT:
		return &a->comment;
	case VRV_A_SERIES:
		return &a->series;
	case VRV_A_TAG:
		return &a->tags[a->n_tags++];
	case VRV_A_HOST:
		return &a->host;
	case VRV_A_USER:
		return &a->user;
	case VRV_A_ARG:
		return &a->args[a->n_args++];
	case VRV_A_CWD:
		return &a->cwd;
	case VRV_A_ROOT_ENTRY:
		return &a->root_entry;
	case VRV_A_OPTIONS:
		return &a->options;
	case VRV_A_SOFTWARE:
		return &a->software;
	default:
		return NULL;
	}
}

/* Read a value that is no text; false if the tag is unknown. */
static bool
get_value(struct vrv_rd *v, uint64_t tag, struct vrv_archive_sealed *a)
{
	switch (tag) {
	case VRV_A_NOMINAL:
		a->nominal = get_time(v);
		return true;
	case VRV_A_START:
		a->start = get_time(v);
		return true;
	case VRV_A_END:
		a->end = get_time(v);
		return true;
	case VRV_A_UTC_OFFSET:
		a->utc_offset = (int32_t)vrv_rd_u32(v);
		return true;
	case VRV_A_ROOT:
		vrv_ref_get(v, &a->root);
		return true;
	case VRV_A_FILES:
		a->files = vrv_rd_v(v);
		return true;
	case VRV_A_CHUNKS:
		a->chunks = vrv_rd_v(v);
		return true;
	case VRV_A_BYTES:
		a->bytes = vrv_rd_v(v);
		return true;
	case VRV_A_NEW_BYTES:
		a->new_bytes = vrv_rd_v(v);
		return true;
	case VRV_A_ENTRIES:
		a->entries = vrv_rd_v(v);
		return true;
	case VRV_A_SKIPPED:
		a->has_skipped = true;
		vrv_ref_get(v, &a->skipped);
		return true;
	case VRV_A_OWNERS:
		a->has_owners = true;
		vrv_ref_get(v, &a->owners);
		return true;
	case VRV_A_PARENT:
		a->has_parent = true;
		vrv_rd_copy(v, a->parent, VRV_LOGICAL_ID);
		return true;
	case VRV_A_CHUNKER:
		a->chunk_method = get_u32(v);
		a->chunk_min = get_u32(v);
		a->chunk_average = get_u32(v);
		a->chunk_max = get_u32(v);
		return true;
	case VRV_A_PLATFORM:
		a->platform = vrv_rd_v(v);
		return true;
	case VRV_A_XATTRS:
		a->counts_xattrs = true;
		a->xattrs = vrv_rd_v(v);
		return true;
	case VRV_A_ACLS:
		a->counts_acls = true;
		a->acls = vrv_rd_v(v);
		return true;
	case VRV_A_ARGS_CUT:
		a->args_cut = vrv_rd_v(v);
		return true;
	case VRV_A_ORIGIN:
		a->has_origin = true;
		vrv_rd_copy(v, a->origin_repository, VRV_REPO_ID);
		vrv_rd_copy(v, a->origin, VRV_LOGICAL_ID);
		return true;
	default:
		return false;
	}
}

static int
get_tagged(const struct vrv_tlv *at, struct vrv_archive_sealed *a,
    struct varve_err *err)
{
	struct vrv_rd v = vrv_rd_over(at->p, at->n);
	struct vrv_text *text = text_of(a, at->tag);

	if (text != NULL) {
		*text = (struct vrv_text){at->p, at->n};
		return 0;
	}
	if (!get_value(&v, at->tag, a))
		return vrv_tlv_unknown(at->tag, err);
	if (!vrv_rd_done(&v))
		return VRV_CORRUPT(err, "archive with a malformed value %llu",
		    (unsigned long long)at->tag);
	return 0;
}

/* Memory for the texts that repeat. */
static int
make_room(struct vrv_rd list, struct vrv_arena *arena,
    struct vrv_archive_sealed *a, struct varve_err *err)
{
	size_t n_tags = vrv_tlv_count(list, VRV_A_TAG);
	size_t n_args = vrv_tlv_count(list, VRV_A_ARG);

	if (n_tags > VRV_ARCHIVE_TAGS_MAX || n_args > VRV_ARCHIVE_ARGS_MAX)
		return VRV_CORRUPT(err, "archive of %zu tags and %zu arguments",
		    n_tags, n_args);
	a->tags = vrv_arena_alloc(arena, n_tags * sizeof(*a->tags));
	a->args = vrv_arena_alloc(arena, n_args * sizeof(*a->args));
	if (a->tags == NULL || a->args == NULL)
		return VRV_NOMEM(err, "an archive");
	return 0;
}

int
vrv_archive_sealed_get(const uint8_t *bytes, size_t n, struct vrv_arena *arena,
    struct vrv_archive_sealed *ret, struct varve_err *err)
{
	struct vrv_rd r = vrv_rd_over(bytes, n);
	struct vrv_archive_sealed a = {0};
	struct vrv_tlv at = {0};
	struct vrv_entry root;
	uint64_t seen = 0;

	if (n > VRV_MAX_RECORD)
		return VRV_CORRUPT(err, "archive of %zu bytes", n);
	int rc = make_room(r, arena, &a, err);
	while (rc == 0 && vrv_rd_left(&r) > 0) {
		rc = vrv_tlv_get(&r, &at, REPEATED, err);
		if (rc == 0)
			rc = get_tagged(&at, &a, err);
		if (rc == 0 && at.tag < 64)
			seen |= VRV_TAG_BIT(at.tag);
	}
	if (rc != 0)
		return rc;
	if ((seen & REQUIRED) != REQUIRED)
		return VRV_CORRUPT(err, "archive lacks a value");
	const char *which;
	size_t most;
	const char *why = texts_fault(&a, &which, &most);
	if (why != NULL)
		return VRV_CORRUPT(err, "the %s of an archive %s", which, why);
	if (vrv_archive_args_fit(a.args, a.n_args) < a.n_args)
		return VRV_CORRUPT(err, "archive of too long a command line");
	if (a.root_entry.n > 0) {
		rc = vrv_root_entry_get(a.root_entry.p, a.root_entry.n, &root,
		    err);
		if (rc != 0)
			return vrv_ctx(err, "root of an archive");
	}
	*ret = a;
	return 0;
}
