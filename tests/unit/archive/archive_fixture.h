/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_FIXTURE_H
#define ARCHIVE_FIXTURE_H

/* A repository in memory, opened through hooks, with its client's folders. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "archive/archive.h"
#include "archive/trees.h"
#include "hook_store.h"
#include "repo/writer.h"

struct fixture {
	struct vrv_store *store; /* shared */
	struct hooks hooks;
	const struct vrv_archive *victim; /* of bury_during_list() */
	struct vrv_repo *repo;
	char dir[64];
	unsigned client;  /* number of its folders */
	char notes[4096]; /* "path: message\n" of PROBLEM, WARNING and NOTE */
};

void fixture_init(struct fixture *);
void fixture_fini(struct fixture *);
/* A test whose state is a fixture of its own. */
#define FIXTURE_TEST(f)                                                        \
	cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
int fixture_setup(void **state);
int fixture_teardown(void **state);
/* After the last test. */
void fixture_template_fini(void);
/* Close and open again, as the next run does; with `fresh`, as a client that
 * knows nothing. */
void fixture_reopen(struct fixture *, bool fresh);
/* As one that may look at an older copy. */
void fixture_look(struct fixture *);

/* An archive of the series "host", "docs" with this byte as its id and its
 * time; the root is nothing that could be read. */
struct vrv_archive some_archive(struct fixture *, uint8_t which);
/* The same, following others, which are given up to a 0. */
struct vrv_archive after(struct fixture *, uint8_t which, ...);
/* Commit it, with its clear part as given. */
void commit(struct fixture *, struct vrv_archive *);
void must_load(struct fixture *, struct vrv_archives **ret);
/* Load and compare the number of archives and of damaged objects. */
void expect(struct fixture *, size_t n, size_t damaged);
void bury(struct fixture *, const struct vrv_archive *);
/* Bury it; *ret is the tombstone. */
void bury_seen(struct fixture *, const struct vrv_archive *,
    struct vrv_name *ret);
/* Bury and delete it once the next listing of archives/ begins. */
void bury_during_list(struct fixture *, const struct vrv_archive *);
void delete_object(struct fixture *, const struct vrv_name *);
void flip_byte(struct fixture *, const struct vrv_name *, size_t at);

/* Store a condemn record for one object. */
void condemn(struct fixture *, enum vrv_type, const uint8_t *id);

int run_load_tests(void);
int run_commit_tests(void);
int run_cache_tests(void);
int run_lost_tests(void);
int run_pin_tests(void);
int run_roll_tests(void);

#endif
