/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_WRITER_INTERNAL_H
#define REPO_WRITER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "repo/repo_internal.h"
#include "repo/writer.h"
#include "util/map.h"

/* A pack being put together and streamed to the store. */
struct vrv_packing {
	struct vrv_packer *packer; /* NULL: none is open */
	struct vrv_put *put;
	uint8_t (*ids)[VRV_PREFIX_SIZE]; /* chunks in it: their claims end */
	size_t n_ids, cap_ids;
	bool has_data, has_meta;
	bool grew; /* since the last checkpoint was due */
};

struct vrv_found_pack {
	uint64_t length; /* as the index states it */
	bool there;
};

struct vrv_writer {
	struct vrv_repo *repo;
	struct vrv_writer_options options;
	struct vrv_session *session;
	uint32_t seed; /* of the sample of reused chunks */
	struct vrv_queue
	    *queue; /* of struct vrv_sealed, lanes to store thread */

	pthread_mutex_t lock;	/* protects claims and found */
	struct vrv_map *claims; /* chunks on their way into a pack */
	struct vrv_map *found;	/* packs that chunks were found in: struct
				   vrv_found_pack */

	atomic_bool stopping, done;
	atomic_uint_fast64_t chunks, plain, compressed, stored;

	/* The store thread's own. */
	struct vrv_packing data, meta;
	struct vrv_sealed **held; /* meta frames not yet in a pack */
	size_t n_held, cap_held, held_bytes;
	struct vrv_buf scratch;
	struct vrv_index_draft index;
	bool entries_data, entries_meta;
	uint64_t since_ns, since_bytes;	    /* of the last index object */
	struct vrv_buf index_ids, pack_ids; /* of all that it stored */
};

/* store_thread.c: what the writer's thread runs. */
int vrv_store_thread(void *arg, struct varve_err *err);
/* Free what the thread left behind. */
void vrv_store_thread_fini(struct vrv_writer *);

#endif
