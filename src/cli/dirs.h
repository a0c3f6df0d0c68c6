/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_DIRS_H
#define CLI_DIRS_H

/*
 * Where the client keeps its own files. Each folder has a variable of its own
 * (VARVE_STATE_DIR, VARVE_CACHE_DIR, VARVE_KEYS_DIR); else they are
 * .local/state/varve, .cache/varve and .config/varve/keys below VARVE_BASE_DIR
 * or, where that is not set, below the home folder, with respect to the XDG
 * variables. Nothing is made here.
 */

#include "util/err.h"

struct vrv_dirs {
	char *state, *cache, *keys;
	const char *key_file;	 /* VARVE_KEY_FILE, or NULL */
	uint64_t kdf_memory_max; /* VARVE_KDF_MEMORY_MAX in bytes, or 0 */
};

int vrv_dirs_find(struct vrv_dirs *ret, struct varve_err *err) VRV_MUST;
void vrv_dirs_fini(struct vrv_dirs *);

#endif
