/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/tree.h"

#include <string.h>

#include "format/format_internal.h"

/* --- leaves and nodes --- */

/* The least bytes that an element takes: counts are refused beyond what could
 * follow, before anybody allocates for them. */
static size_t
element_min(enum vrv_meta_kind kind)
{
	switch (kind) {
	case VRV_META_TREE_LEAF:
		/* size, kind, flags, name, mode, uid, gid, inode, times */
		return 3 + 2 + 4 + 4;
	case VRV_META_TREE_NODE:
		return 2 + VRV_CHUNK_ID + 1;
	case VRV_META_LIST_NODE:
		return VRV_CHUNK_ID + 1;
	default:
		return 1;
	}
}

static bool
is_known(uint8_t kind)
{
	return kind == VRV_META_TREE_LEAF || kind == VRV_META_TREE_NODE ||
	    kind == VRV_META_LIST_LEAF || kind == VRV_META_LIST_NODE ||
	    kind == VRV_META_PATHS || kind == VRV_META_NAMES ||
	    kind == VRV_META_VALUE;
}

int
vrv_meta_open(const uint8_t *chunk, size_t n, enum vrv_meta_kind kind,
    struct vrv_rd *ret_rd, struct varve_err *err)
{
	struct vrv_rd r = vrv_rd_over(chunk, n);

	if (n == 0 || n > VRV_META_MAX)
		return VRV_CORRUPT(err, "meta chunk of %zu bytes", n);
	uint8_t stated = vrv_rd_u8(&r);
	if (!is_known(stated))
		return VRV_UNKNOWN(err, "meta chunk of unknown kind %#x",
		    stated);
	if (stated != kind)
		return VRV_CORRUPT(err, "meta chunk of kind %#x, not '%c'",
		    stated, (char)kind);
	*ret_rd = r;
	return 0;
}

static int
get_count(struct vrv_rd *r, enum vrv_meta_kind kind, uint64_t *ret,
    struct varve_err *err)
{
	uint64_t count = vrv_rd_v(r);

	if (!vrv_rd_ok(r) || count > vrv_rd_left(r) / element_min(kind))
		return VRV_CORRUPT(err, "meta chunk is cut short");
	*ret = count;
	return 0;
}

int
vrv_leaf_open(const uint8_t *chunk, size_t n, enum vrv_meta_kind kind,
    struct vrv_rd *ret_rd, uint64_t *ret_count, struct varve_err *err)
{
	struct vrv_rd r;

	int rc = vrv_meta_open(chunk, n, kind, &r, err);
	if (rc == 0)
		rc = get_count(&r, kind, ret_count, err);
	if (rc == 0)
		*ret_rd = r;
	return rc;
}

int
vrv_node_open(const uint8_t *chunk, size_t n, enum vrv_meta_kind kind,
    uint8_t depth, struct vrv_rd *ret_rd, uint64_t *ret_count,
    struct varve_err *err)
{
	struct vrv_rd r;
	uint64_t count;

	int rc = vrv_meta_open(chunk, n, kind, &r, err);
	if (rc != 0)
		return rc;
	uint8_t stated = vrv_rd_u8(&r);
	if (stated != depth || depth == 0 || depth > VRV_TREE_DEPTH_MAX)
		return VRV_CORRUPT(err, "node of depth %u, not %u", stated,
		    depth);
	rc = get_count(&r, kind, &count, err);
	if (rc != 0)
		return rc;
	if (count == 0)
		return VRV_CORRUPT(err, "node without children");
	*ret_rd = r;
	*ret_count = count;
	return 0;
}

void
vrv_leaf_put(struct vrv_buf *b, enum vrv_meta_kind kind, uint64_t count)
{
	vrv_buf_u8(b, (uint8_t)kind);
	vrv_buf_v(b, count);
}

void
vrv_node_put(struct vrv_buf *b, enum vrv_meta_kind kind, uint8_t depth,
    uint64_t count)
{
	vrv_buf_u8(b, (uint8_t)kind);
	vrv_buf_u8(b, depth);
	vrv_buf_v(b, count);
}

void
vrv_tree_child_put(struct vrv_buf *b, const struct vrv_tree_child *child)
{
	vrv_buf_vbytes(b, child->first, child->first_n);
	vrv_buf_bytes(b, child->id, VRV_CHUNK_ID);
	vrv_buf_v(b, child->entries);
}

int
vrv_tree_child_get(struct vrv_rd *r, struct vrv_tree_child *ret,
    struct varve_err *err)
{
	struct vrv_tree_child child;

	child.first = vrv_rd_vbytes(r, &child.first_n);
	vrv_rd_copy(r, child.id, VRV_CHUNK_ID);
	child.entries = vrv_rd_v(r);
	if (!vrv_rd_ok(r))
		return VRV_CORRUPT(err, "tree node is cut short");
	if (!vrv_name_ok(child.first, child.first_n) || child.entries == 0)
		return VRV_CORRUPT(err, "tree node with a bad child");
	*ret = child;
	return 0;
}

void
vrv_list_child_put(struct vrv_buf *b, const struct vrv_list_child *child)
{
	vrv_buf_bytes(b, child->id, VRV_CHUNK_ID);
	vrv_buf_v(b, child->bytes);
}

int
vrv_list_child_get(struct vrv_rd *r, struct vrv_list_child *ret,
    struct varve_err *err)
{
	struct vrv_list_child child;

	vrv_rd_copy(r, child.id, VRV_CHUNK_ID);
	child.bytes = vrv_rd_v(r);
	if (!vrv_rd_ok(r))
		return VRV_CORRUPT(err, "list node is cut short");
	if (child.bytes == 0 || child.bytes > VRV_ENTRY_SIZE_MAX)
		return VRV_CORRUPT(err, "list node with a bad child");
	*ret = child;
	return 0;
}

/* --- path lists and name tables --- */

/* A text that the system will take as a string: not empty, without a NUL. */
static bool
is_string(const uint8_t *p, size_t n)
{
	return n > 0 && memchr(p, '\0', n) == NULL;
}

void
vrv_path_put(struct vrv_buf *b, enum vrv_skip reason, const void *path,
    size_t n)
{
	vrv_buf_v(b, (uint64_t)reason);
	vrv_buf_vbytes(b, path, n);
}

int
vrv_path_get(struct vrv_rd *r, enum vrv_skip *ret_reason,
    const uint8_t **ret_path, size_t *ret_n, struct varve_err *err)
{
	size_t n;
	uint64_t reason = vrv_rd_v(r);
	const uint8_t *path = vrv_rd_vbytes(r, &n);

	if (!vrv_rd_ok(r) || reason == 0 || !is_string(path, n))
		return VRV_CORRUPT(err, "malformed path list");
	*ret_reason =
	    reason > VRV_SKIP_MISSING ? VRV_SKIP_OTHER : (enum vrv_skip)reason;
	*ret_path = path;
	*ret_n = n;
	return 0;
}

void
vrv_owner_put(struct vrv_buf *b, bool group, uint32_t id, const char *name)
{
	vrv_buf_u8(b, group ? 2 : 1);
	vrv_buf_v(b, id);
	vrv_buf_str(b, name);
}

int
vrv_owner_get(struct vrv_rd *r, bool *ret_group, uint32_t *ret_id,
    const uint8_t **ret_name, size_t *ret_n, struct varve_err *err)
{
	size_t n;
	uint8_t what = vrv_rd_u8(r);
	uint64_t id = vrv_rd_v(r);
	const uint8_t *name = vrv_rd_vbytes(r, &n);

	if (!vrv_rd_ok(r) || what < 1 || what > 2 || id > UINT32_MAX ||
	    !is_string(name, n))
		return VRV_CORRUPT(err, "malformed name table");
	if (n > VRV_OWNER_NAME_MAX)
		return vrv_fail(err, VARVE_LIMIT,
		    "name of an owner of %zu bytes", n);
	*ret_group = what == 2;
	*ret_id = (uint32_t)id;
	*ret_name = name;
	*ret_n = n;
	return 0;
}
