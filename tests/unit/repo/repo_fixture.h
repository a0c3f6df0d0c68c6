/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_FIXTURE_H
#define REPO_FIXTURE_H

/* A repository in memory and clients of it, each with folders of its own. Key
 * derivation is paid once: clients open with a key file unless told not to. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hook_store.h"
#include "repo/repo.h"
#include "repo/writer.h"

#define MUST(call)                                                             \
	do {                                                                   \
		int must_ = (call);                                            \
		if (must_ != 0)                                                \
			fail_msg("%s:%d: %d: %s", __FILE__, __LINE__, must_,   \
			    err.message);                                      \
	} while (0)

struct world {
	struct vrv_store *store; /* shared by all clients */
	struct hooks hooks;
	char dir[64];
	char state[96], cache[96], keys[96]; /* of the client; see client() */
	char passphrase[64], fresh[64];
	unsigned asked;	     /* for a passphrase */
	uint32_t seed;	     /* of chunks that must be new */
	char notes[4096];    /* "path: message\n" of PROBLEM and NOTE */
	char warnings[8192]; /* "message\n" of WARNING */
};

void world_init(struct world *);
void world_fini(struct world *);
void template_fini(void);

/* A test whose state is a world of its own. */
#define WORLD_TEST(f)                                                          \
	cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
int world_setup(void **state);
int world_teardown(void **state);

/* From now on act as client number `n`. */
void client(struct world *, unsigned n);
/* What opens it: the key file, and the passphrase if `by_file` is false. */
struct varve_open_options options(struct world *, bool by_file);
const char *key_file(void);
/* The shared store, behind hooks: for functions that consume one. */
struct vrv_store *reach(struct world *);
struct vrv_repo *must_open(struct world *);
/* Open through a store that can be told to fail: a faultstore, borrowed. */
struct vrv_repo *open_faulty(struct world *, struct vrv_store **ret);

/* A run of one writer: begin, put on lanes, end. */
struct storing {
	struct vrv_repo *repo;
	struct vrv_group *group;
	struct vrv_writer *writer;
	struct vrv_lane *lanes[4];
	unsigned n;
};
/* `n` lanes, the last one for meta chunks. */
int storing_begin(struct storing *, struct vrv_repo *, unsigned n,
    uint64_t checkpoint_bytes, struct varve_err *err);
int storing_begin_timed(struct storing *, struct vrv_repo *, unsigned n,
    uint64_t checkpoint_bytes, uint64_t checkpoint_ns, struct varve_err *err);
/* Say that no more comes; the result of the run. */
int storing_join(struct storing *, struct varve_err *err);
void storing_end(struct storing *);

/* `n` bytes that depend on `seed` alone and do not compress. */
void noise(uint32_t seed, uint8_t *to, size_t n);
/* Store one chunk in a run of its own. */
void put_one(struct vrv_repo *, enum vrv_frame_kind, uint32_t seed, size_t n,
    uint8_t ret_id[VRV_ID_SIZE]);
/* Is that chunk there, and what it was? The error's code. */
int get_one(struct vrv_repo *, enum vrv_frame_kind,
    const uint8_t id[VRV_ID_SIZE], uint32_t seed, size_t n,
    struct varve_err *err);

/* A file of exactly these bytes. */
void write_file(const char *path, const void *bytes, size_t n);

/* Names that start with `prefix`: how many; the `which`th by name. */
size_t count(struct world *, const char *prefix);
void name_at(struct world *, const char *prefix, size_t which, char *ret);
void remove_object(struct world *, const char *name);
void remove_first(struct world *, const char *prefix);
/* Invert a bit of the byte at `at`. */
void damage(struct world *, const char *name, size_t at);

int run_writer_tests(void);
int run_open_tests(void);
int run_slot_tests(void);
int run_state_tests(void);
int run_key_file_tests(void);
int run_cache_tests(void);
int run_rescue_tests(void);

#endif
