/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/tree.h"

#include <assert.h>
#include <string.h>

#include "format/format_internal.h"

/* The stored numbers of enum vrv_kind, which a higher module has. */
enum {
	KIND_FILE = 1,
	KIND_DIR = 2,
	KIND_SYMLINK = 3,
	KIND_FIFO = 4,
	KIND_SOCKET = 5,
	KIND_CHAR = 6,
	KIND_BLOCK = 7
};

#define MODE_MAX 07777
/* More than the numbers of an entry can take: 15 of up to 10 bytes, a Ref. */
#define NUMBERS_MAX 192

int
vrv_name_cmp(const uint8_t *a, size_t a_n, const uint8_t *b, size_t b_n)
{
	size_t n = a_n < b_n ? a_n : b_n;
	int order = n == 0 ? 0 : memcmp(a, b, n);

	if (order != 0)
		return order;
	return (a_n > b_n) - (a_n < b_n);
}

bool
vrv_name_ok(const uint8_t *name, size_t n)
{
	if (n == 0 || n > VRV_ENTRY_NAME_MAX)
		return false;
	if (name[0] == '.' && (n == 1 || (n == 2 && name[1] == '.')))
		return false;
	return memchr(name, '/', n) == NULL && memchr(name, '\0', n) == NULL;
}

void
vrv_ref_put(struct vrv_buf *b, const struct vrv_ref *ref)
{
	vrv_buf_bytes(b, ref->id, VRV_CHUNK_ID);
	vrv_buf_u8(b, ref->depth);
}

void
vrv_ref_get(struct vrv_rd *r, struct vrv_ref *ret)
{
	vrv_rd_copy(r, ret->id, VRV_CHUNK_ID);
	ret->depth = vrv_rd_u8(r);
	if (ret->depth > VRV_TREE_DEPTH_MAX)
		vrv_rd_fail(r);
}

/* --- encoding --- */

/* An entry is written through a bare pointer into room made once: there are
 * millions of them, each of some twenty numbers. */
static uint8_t *
put_v(uint8_t *p, uint64_t x)
{
	while (x >= 0x80) {
		*p++ = (uint8_t)(x | 0x80);
		x >>= 7;
	}
	*p++ = (uint8_t)x;
	return p;
}

static uint8_t *
put_bytes(uint8_t *p, const void *bytes, size_t n)
{
	if (n > 0)
		memcpy(p, bytes, n);
	return p + n;
}

static uint8_t *
put_time(uint8_t *p, struct vrv_time t)
{
	p = put_v(p, ((uint64_t)t.s << 1) ^ (t.s < 0 ? UINT64_MAX : 0));
	return put_v(p, t.ns);
}

static uint8_t *
put_by_kind(uint8_t *p, const struct vrv_entry *e)
{
	switch (e->kind) {
	case KIND_FILE:
		assert(e->content_n > 0);
		p = put_v(p, e->size);
		return put_bytes(p, e->content, e->content_n);
	case KIND_DIR:
		p = put_bytes(p, e->dir.id, VRV_CHUNK_ID);
		*p++ = e->dir.depth;
		return p;
	case KIND_SYMLINK:
		p = put_v(p, e->target_n);
		return put_bytes(p, e->target, e->target_n);
	case KIND_CHAR:
	case KIND_BLOCK:
		p = put_v(p, e->major);
		return put_v(p, e->minor);
	default:
		return p;
	}
}

/* Everything behind the size. */
static uint8_t *
put_rest(uint8_t *p, const struct vrv_entry *e)
{
	*p++ = e->kind;
	p = put_v(p, e->flags);
	p = put_v(p, e->name_n);
	p = put_bytes(p, e->name, e->name_n);
	p = put_v(p, e->mode);
	p = put_v(p, e->uid);
	p = put_v(p, e->gid);
	p = put_v(p, e->inode);
	p = put_time(p, e->mtime);
	p = put_time(p, e->ctime);
	if (e->flags & VRV_ENTRY_BTIME)
		p = put_time(p, e->btime);
	if (e->flags & VRV_ENTRY_ATIME)
		p = put_time(p, e->atime);
	p = put_by_kind(p, e);
	if (e->flags & VRV_ENTRY_XATTRS)
		p = put_bytes(p, e->xattrs, e->xattrs_n);
	if (e->flags & VRV_ENTRY_IFLAGS)
		p = put_v(p, e->iflags);
	if (e->flags & VRV_ENTRY_EXTENSIONS)
		p = put_bytes(p, e->extensions, e->extensions_n);
	return p;
}

void
vrv_entry_put(struct vrv_buf *b, const struct vrv_entry *e)
{
	size_t room = NUMBERS_MAX + e->name_n + e->content_n + e->target_n +
	    e->xattrs_n + e->extensions_n;
	size_t gap = vrv_v_size(room);
	size_t start = b->len;

	uint8_t *p = vrv_buf_extend(b, gap + room);
	if (p == NULL)
		return;
	size_t n = (size_t)(put_rest(p + gap, e) - (p + gap));
	assert(n <= room);
	/* The size is known only now; the gap for it was a guess. */
	uint8_t *rest = put_v(p, n);
	if (rest != p + gap)
		memmove(rest, p + gap, n);
	b->len = start + (size_t)(rest - p) + n;
}

/* --- decoding --- */

static uint32_t
get_u32(struct vrv_rd *r)
{
	uint64_t x = vrv_rd_v(r);

	if (x > UINT32_MAX)
		vrv_rd_fail(r);
	return (uint32_t)x;
}

static struct vrv_time
get_time(struct vrv_rd *r)
{
	struct vrv_time t;

	t.s = vrv_rd_z(r);
	uint64_t ns = vrv_rd_v(r);
	if (ns > VRV_NS_MAX)
		vrv_rd_fail(r);
	t.ns = (uint32_t)ns;
	return t;
}

/* Flags that such an entry must not have. */
static uint32_t
wrong_flags(uint8_t kind)
{
	return kind == KIND_DIR ? VRV_ENTRY_LINKED :
				  VRV_ENTRY_FSROOT | VRV_ENTRY_WAY;
}

static int
get_head(struct vrv_rd *r, bool root, struct vrv_entry *e,
    struct varve_err *err)
{
	e->kind = vrv_rd_u8(r);
	uint64_t flags = vrv_rd_v(r);
	e->name = vrv_rd_vbytes(r, &e->name_n);

	if (!vrv_rd_ok(r))
		return VRV_CORRUPT(err, "tree entry is cut short");
	if (e->kind < KIND_FILE || e->kind > KIND_BLOCK)
		return VRV_UNKNOWN(err, "tree entry of unknown kind %u",
		    e->kind);
	if ((flags & ~(uint64_t)VRV_ENTRY_FLAGS_KNOWN) != 0)
		return VRV_UNKNOWN(err, "tree entry with unknown flags %#llx",
		    (unsigned long long)flags);
	if ((flags & wrong_flags(e->kind)) != 0)
		return VRV_CORRUPT(err, "tree entry of kind %u with flags %#x",
		    e->kind, (unsigned)flags);
	if (root ? e->kind != KIND_DIR || e->name_n != 1 || e->name[0] != '.' :
		   !vrv_name_ok(e->name, e->name_n))
		return VRV_CORRUPT(err, "tree entry with a bad name");
	e->flags = (uint32_t)flags;
	return 0;
}

static int
get_inode(struct vrv_rd *r, struct vrv_entry *e, struct varve_err *err)
{
	uint64_t mode = vrv_rd_v(r);

	e->uid = get_u32(r);
	e->gid = get_u32(r);
	e->inode = vrv_rd_v(r);
	e->mtime = get_time(r);
	e->ctime = get_time(r);
	if (e->flags & VRV_ENTRY_BTIME)
		e->btime = get_time(r);
	if (e->flags & VRV_ENTRY_ATIME)
		e->atime = get_time(r);
	if (!vrv_rd_ok(r) || mode > MODE_MAX)
		return VRV_CORRUPT(err, "tree entry with bad inode data");
	e->mode = (uint16_t)mode;
	return 0;
}

static int
get_file(struct vrv_rd *r, struct vrv_entry *e, struct varve_err *err)
{
	e->size = vrv_rd_v(r);
	e->content = r->p;
	int rc = vrv_content_scan(r, e->size, err);
	if (rc != 0)
		return rc;
	e->content_n = (size_t)(r->p - e->content);
	return 0;
}

static int
get_by_kind(struct vrv_rd *r, struct vrv_entry *e, struct varve_err *err)
{
	switch (e->kind) {
	case KIND_FILE:
		return get_file(r, e, err);
	case KIND_DIR:
		vrv_ref_get(r, &e->dir);
		break;
	case KIND_SYMLINK:
		e->target = vrv_rd_vbytes(r, &e->target_n);
		if (e->target_n > VRV_ENTRY_TARGET_MAX ||
		    (e->target_n > 0 &&
			memchr(e->target, '\0', e->target_n) != NULL))
			vrv_rd_fail(r);
		break;
	case KIND_CHAR:
	case KIND_BLOCK:
		e->major = get_u32(r);
		e->minor = get_u32(r);
		break;
	default:
		break;
	}
	if (!vrv_rd_ok(r))
		return VRV_CORRUPT(err, "tree entry with bad data of its kind");
	return 0;
}

static int
get_lists(struct vrv_rd *r, struct vrv_entry *e, struct varve_err *err)
{
	int rc;

	if (e->flags & VRV_ENTRY_XATTRS) {
		e->xattrs = r->p;
		rc = vrv_xattrs_scan(r, err);
		if (rc != 0)
			return rc;
		e->xattrs_n = (size_t)(r->p - e->xattrs);
	}
	if (e->flags & VRV_ENTRY_IFLAGS)
		e->iflags = get_u32(r);
	if (e->flags & VRV_ENTRY_EXTENSIONS) {
		e->extensions = r->p;
		rc = vrv_extensions_scan(r, err);
		if (rc != 0)
			return rc;
		e->extensions_n = (size_t)(r->p - e->extensions);
	}
	return 0;
}

static int
get_entry(struct vrv_rd *r, bool root, struct vrv_entry *ret,
    struct varve_err *err)
{
	struct vrv_entry e = {0};
	size_t n;
	const uint8_t *bytes = vrv_rd_vbytes(r, &n);

	if (bytes == NULL)
		return VRV_CORRUPT(err, "tree entry is cut short");
	struct vrv_rd rest = vrv_rd_over(bytes, n);
	int rc = get_head(&rest, root, &e, err);
	if (rc == 0)
		rc = get_inode(&rest, &e, err);
	if (rc == 0)
		rc = get_by_kind(&rest, &e, err);
	if (rc == 0)
		rc = get_lists(&rest, &e, err);
	if (rc != 0)
		return rc;
	if (!vrv_rd_done(&rest))
		return VRV_CORRUPT(err, "tree entry of another size");
	*ret = e;
	return 0;
}

int
vrv_entry_get(struct vrv_rd *r, struct vrv_entry *ret, struct varve_err *err)
{
	return get_entry(r, false, ret, err);
}

bool
vrv_entry_name(struct vrv_rd *r, const uint8_t **ret, size_t *ret_n)
{
	struct vrv_rd after = *r;
	size_t n, name_n;
	const uint8_t *bytes = vrv_rd_vbytes(&after, &n);

	if (bytes == NULL)
		return false;
	struct vrv_rd rest = vrv_rd_over(bytes, n);
	(void)vrv_rd_u8(&rest);
	(void)vrv_rd_v(&rest);
	const uint8_t *name = vrv_rd_vbytes(&rest, &name_n);
	if (!vrv_rd_ok(&rest) || !vrv_name_ok(name, name_n))
		return false;
	*ret = name;
	*ret_n = name_n;
	*r = after;
	return true;
}

int
vrv_root_entry_get(const uint8_t *bytes, size_t n, struct vrv_entry *ret,
    struct varve_err *err)
{
	struct vrv_rd r = vrv_rd_over(bytes, n);
	struct vrv_entry e;

	int rc = get_entry(&r, true, &e, err);
	if (rc != 0)
		return rc;
	if (!vrv_rd_done(&r))
		return VRV_CORRUPT(err, "more than a root entry");
	*ret = e;
	return 0;
}
