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
	struct vrv_repo *repo;
	char dir[64];
	unsigned client;  /* number of its folders */
	char notes[4096]; /* "path: message\n" of PROBLEM, WARNING and NOTE */
};

void fixture_init(struct fixture *);
void fixture_fini(struct fixture *);
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
/* Commit it, with its clear part as given. */
void commit(struct fixture *, struct vrv_archive *);
void must_load(struct fixture *, struct vrv_archives **ret);
void bury(struct fixture *, const struct vrv_archive *);
void delete_object(struct fixture *, const struct vrv_name *);
void flip_byte(struct fixture *, const struct vrv_name *, size_t at);

/* Store a condemn record for one object. */
void condemn(struct fixture *, enum vrv_type, const uint8_t *id);

int run_load_tests(void);
int run_commit_tests(void);
int run_cache_tests(void);
int run_lost_tests(void);
int run_pin_tests(void);

#endif
