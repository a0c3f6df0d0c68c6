/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VARVE_REPO_H
#define VARVE_REPO_H

/* Making and opening repositories. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <varve/error.h>
#include <varve/event.h>
#include <varve/version.h>

struct varve_repo;

/* Asks for a passphrase: write at most `size` bytes to `buf` and their number
 * to *ret_n. `fresh` asks for a new one (to be confirmed by typing it twice
 * where a person types). Return 0, or a code with `err` filled. */
typedef int varve_passphrase_fn(void *arg, bool fresh, const char *location,
    char *buf, size_t size, size_t *ret_n, struct varve_err *err);

#define VARVE_PASSPHRASE_MAX 4096

enum varve_key_mode {
	VARVE_REPOKEY, /* slots lie in the repository */
	VARVE_KEYFILE  /* slots lie in the client's key folder */
};

struct varve_open_options {
	size_t size;
	const char *state_dir; /* what this client knows of repositories */
	const char *cache_dir; /* may be lost at any time */
	const char *keys_dir;  /* key files of keyfile repositories */
	const char *key_file;  /* this key file, whatever its name; or NULL */
	varve_passphrase_fn *passphrase;
	void *passphrase_arg;
	varve_event_fn *event; /* notes while opening; may be NULL */
	void *event_arg;
	bool without_key; /* only for varve_check_objects(): no passphrase */
	bool accept_replaced; /* forget what the state folder pinned */
	/* Open a repository that is older than this client knows, to read it:
	 * nothing is written to it, and nothing remembered of it. */
	bool allow_rollback;
	/* Read also without a valid configuration, with the keys that the
	 * master gives. Nothing is written to the repository, and nothing
	 * remembered of it, but what this client knows counts. Archives that
	 * other keys signed are unvouched. */
	bool salvage;
	/* Most bytes that deriving a key may take, for slots that this client
	 * did not use before; 1 GiB if it is less. */
	uint64_t kdf_memory_max;
};
#define VARVE_OPEN_OPTIONS_INIT                                                \
	{                                                                      \
		.size = sizeof(struct varve_open_options)                      \
	}

/* How contents are cut into chunks; the numbers are stored. */
enum varve_chunker {
	VARVE_CHUNKER_GEAR = 1, /* the fastest */
	VARVE_CHUNKER_PRF = 2	/* sizes of chunks tell nothing of its key */
};

struct varve_init_options {
	size_t size;
	enum varve_key_mode mode;
	bool make_parents;
	uint64_t kdf_memory;			      /* bytes; 0: 64 MiB */
	uint32_t kdf_passes;			      /* 0: 3 */
	enum varve_chunker chunker;		      /* 0: gear */
	uint32_t chunk_min, chunk_average, chunk_max; /* 0: the default */
};
#define VARVE_INIT_OPTIONS_INIT                                                \
	{                                                                      \
		.size = sizeof(struct varve_init_options)                      \
	}

/* Make a repository. EXISTS (exit status 10) if there is one. */
VARVE_API int varve_repo_init(const char *location,
    const struct varve_init_options *, const struct varve_open_options *,
    struct varve_err *err) VARVE_MUST;

/* Open one. Exit statuses of the error: 13 none there, 15 something else
 * there, 52 wrong passphrase, 60 another repository than last time, 61 older
 * than last time, 27 needs a newer varve. */
VARVE_API int varve_repo_open(const char *location,
    const struct varve_open_options *, struct varve_repo **ret,
    struct varve_err *err) VARVE_MUST;
/* Does a repository lie at `location`? Judged by its directories, without a
 * key; false also if they cannot be looked at. */
VARVE_API bool varve_repo_exists(const char *location);
VARVE_API void varve_repo_close(struct varve_repo *); /* NULL is fine */

struct varve_repo_info {
	char id[65];	      /* hex */
	const char *location; /* valid while the repository is open */
	enum varve_key_mode mode;
	const char *key_file; /* of keyfile mode, or NULL */
	const char *cache_path, *state_path;
	uint32_t generation;
	enum varve_chunker chunker;
	uint32_t chunk_min, chunk_average, chunk_max;
};
VARVE_API void varve_repo_info(const struct varve_repo *,
    struct varve_repo_info *ret);

struct varve_repo_stats {
	uint64_t packs, chunks; /* copies count */
	uint64_t stored;	/* bytes of all packs */
};
/* Reads the index: not for hourly runs. */
VARVE_API int varve_repo_stats(struct varve_repo *,
    struct varve_repo_stats *ret, struct varve_err *err) VARVE_MUST;

#endif
