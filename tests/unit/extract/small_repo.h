/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SMALL_REPO_H
#define SMALL_REPO_H

/* A repository in a scratch folder with one archive that a test describes, and
 * an empty folder to restore to. The archive is not committed: who takes
 * archives is given it. */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "archive/archive.h"
#include "archive/trees.h"
#include "os/meta.h"
#include "repo/writer.h"

/* Listed in the order of names. */
struct small_node {
	const char *name;
	enum vrv_kind kind;
	uint16_t mode;
	const char *text; /* content or target */
	unsigned chunks;  /* pieces of `text`; 0: one, unless text is NULL */
	unsigned zeros;	  /* then a piece of that many zero bytes */
	uint64_t hole;	  /* then bytes without data */
	uint64_t inode;	  /* not 0: one of several hard links */
	uint32_t flags;	  /* enum vrv_entry_flag */
	int64_t mtime;
	bool is_invented;  /* a time of zero, to the nanosecond */
	bool is_lost;	   /* a directory whose tree is not stored */
	const char *xattr; /* value of user.test */
	const struct small_node *children;
	size_t n;
};

struct small_repo {
	char path[64]; /* scratch folder: repo/ and target/ in it */
	int target;
	struct vrv_store *inner; /* of `repo`, behind the hooks */
	struct hooks *hooks;	 /* hook_store.h */
	struct vrv_repo *repo;
	struct vrv_archive archive;
	/* What events told. */
	unsigned problems, warnings, listed;
	char last[512]; /* path and message of the last problem */
};

int small_repo_setup(void **state);
int small_repo_teardown(void **state);
/* Close the repository and open it again. */
void small_repo_reopen(struct small_repo *);
#define SMALL_REPO_TEST(f)                                                     \
	cmocka_unit_test_setup_teardown(f, small_repo_setup,                   \
	    small_repo_teardown)

/* Store chunks and trees one by one. */
struct small_stores {
	struct vrv_group *group;
	struct vrv_writer *writer;
	struct vrv_lane *data, *meta;
	struct vrv_meta_sink sink; /* over the lane for metadata */
};
void small_repo_begin(struct small_repo *, struct small_stores *);
void small_repo_end(struct small_stores *);

/* Store these entries as the root of the archive. */
void small_repo_fill(struct small_repo *, const struct small_node *nodes,
    size_t n);
/* Content of a file below the target; free() it. Its length in *ret_n. */
char *small_repo_read(struct small_repo *, const char *path, size_t *ret_n);
/* Count and remember events. */
void small_repo_event(void *arg, const struct varve_event *);
/* Invert the byte at `offset` of the only pack (negative: from its end). */
void small_repo_damage_pack(struct small_repo *, long offset);
/* The path of the only object below a folder of the repository. */
void small_repo_only_object(struct small_repo *, const char *folder,
    char ret[256]);

#endif
