/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/repo_internal.h"

#include <stdlib.h>

#include "util/mem.h"

int
vrv_index_draft_add(struct vrv_index_draft *draft,
    const struct vrv_pack_sum *sum, struct varve_err *err)
{
	if (vrv_room_for_one(&draft->sums, draft->n, &draft->cap,
		sizeof(*draft->sums)) != 0)
		return VRV_NOMEM(err, "an index object");
	draft->sums[draft->n++] = *sum;
	return 0;
}

void
vrv_index_draft_clear(struct vrv_index_draft *draft)
{
	vrv_buf_clear(&draft->entries);
	draft->n = 0;
}

void
vrv_index_draft_fini(struct vrv_index_draft *draft)
{
	vrv_buf_fini(&draft->entries);
	free(draft->sums);
	*draft = (struct vrv_index_draft){0};
}

int
vrv_index_store(struct vrv_repo *repo, struct vrv_name *name,
    const struct vrv_index_draft *draft, uint64_t *ret_size,
    struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf object = {0}, body = {0};

	uint32_t n = (uint32_t)draft->n;
	name->type = VRV_INDEX;
	vrv_index_head_put(&body, NULL, 0, n);
	vrv_buf_bytes(&body, draft->entries.data, draft->entries.len);
	vrv_index_lost_put(&body, NULL, 0);
	int rc = vrv_draft_begin(repo, name, false, &object, err);
	vrv_index_clear_put(&object, draft->sums, n);
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
