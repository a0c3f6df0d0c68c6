/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/treepath.h"

#include "archive/trees.h"

int
vrv_treepath_set(struct vrv_buf *path, size_t keep, const uint8_t *name,
    size_t n, struct varve_err *err)
{
	if (keep + n + 2 > VRV_WALK_PATH_MAX)
		return vrv_fail(err, VARVE_LIMIT, "path beyond %zu bytes",
		    VRV_WALK_PATH_MAX);
	path->len = keep;
	if (keep > 0 && n > 0)
		vrv_buf_u8(path, '/');
	vrv_buf_bytes(path, name, n);
	vrv_buf_u8(path, '\0');
	int rc = vrv_buf_check(path, err);
	if (rc == 0)
		path->len--;
	return rc;
}

void
vrv_treepath_cut(struct vrv_buf *path, size_t keep)
{
	path->len = keep;
	path->data[keep] = '\0';
}

const char *
vrv_treepath_text(const struct vrv_buf *path)
{
	return path->len == 0 ? "." : (const char *)path->data;
}
