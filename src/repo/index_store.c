/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/repo_internal.h"

int
vrv_index_store(struct vrv_repo *repo, struct vrv_name *name,
    const struct vrv_buf *entries, uint32_t n, uint64_t *ret_size,
    struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf object = {0}, body = {0};

	name->type = VRV_INDEX;
	vrv_index_head_put(&body, NULL, 0, n);
	vrv_buf_bytes(&body, entries->data, entries->len);
	vrv_index_lost_put(&body, NULL, 0);
	int rc = vrv_draft_begin(repo, name, false, &object, err);
	if (rc == 0)
		rc = vrv_draft_seal_index(repo, &object, &body, err);
	if (rc == 0)
		rc = vrv_draft_store(repo, name, &object, false, err);
	if (rc == 0)
		*ret_size = object.len;
	return rc;
}

int
vrv_repo_index_add(struct vrv_repo *repo, const uint8_t *entry, size_t n,
    struct varve_err *err)
{
	struct vrv_index *index;

	int rc = vrv_repo_index(repo, &index, err);
	if (rc != 0)
		return rc;
	pthread_mutex_lock(&repo->index_lock);
	rc = vrv_index_add(index, entry, n, err);
	pthread_mutex_unlock(&repo->index_lock);
	return rc;
}

int
vrv_repo_index_flush(struct vrv_repo *repo, const uint8_t object[VRV_OBJECT_ID],
    struct varve_err *err)
{
	struct vrv_index *index;

	int rc = vrv_repo_index(repo, &index, err);
	if (rc != 0)
		return rc;
	pthread_mutex_lock(&repo->index_lock);
	rc = vrv_index_flush(index, object, err);
	pthread_mutex_unlock(&repo->index_lock);
	return rc;
}
