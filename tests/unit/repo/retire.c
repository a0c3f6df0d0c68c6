/* SPDX-License-Identifier: BSD-2-Clause */
#include "retire.h"

#include <assert.h>
#include <string.h>

#include "repo/repo_internal.h"

void
retire_writer(struct vrv_repo *repo)
{
	unsigned found = 0;

	for (uint32_t i = 0; i < repo->config.n_members; i++) {
		struct vrv_member *m = &repo->config.members[i];

		if (memcmp(m->key, repo->secrets->writer.public,
			sizeof(m->key)) != 0)
			continue;
		m->rights |= VRV_RIGHT_RETIRED;
		found++;
	}
	assert(found == 1);
	(void)found;
}
