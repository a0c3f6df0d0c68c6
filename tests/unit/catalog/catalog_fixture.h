/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CATALOG_FIXTURE_H
#define CATALOG_FIXTURE_H

/* A catalog beside a model of what it should say: trees of a few names, whose
 * states stand in an array. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/catalog.h"
#include "meta_map.h"

#define NAMES 5
#define PATHS (NAMES + NAMES * NAMES + NAMES * NAMES * NAMES)
#define ARCHIVES 200
#define SERIES 2

/* What a path is: 0 nothing, 1 and 2 a folder, above that a file. */
struct tree {
	uint8_t state[PATHS];
	uint8_t root; /* 0: the source has no entry of its own */
};

struct archive {
	struct vrv_archive a;
	struct tree tree;
	struct vrv_buf root_entry;
	char name[32];
	unsigned series;
	bool exists;
};

struct fixture {
	struct meta_map m;
	char dir[64], path[96];
	struct vrv_catalog *c;
	struct archive archives[ARCHIVES];
	size_t n;
	struct tree now[SERIES];
	uint64_t random;
	size_t failed;
	struct vrv_catalog_change change;
	bool covered[SERIES];
	/* Called once while an update looks at what there is. */
	void (*meanwhile)(struct fixture *);
};

extern const uint8_t catalog_repository[VRV_REPO_ID];

struct fixture *setup(void);
void teardown(struct fixture *);

unsigned roll(struct fixture *, unsigned below);
/* The place of a name in the directory at `parent` (SIZE_MAX: the root). */
size_t child_of(size_t parent, size_t i);
void change_tree(struct fixture *, struct tree *, unsigned changes);
struct vrv_ref build(struct fixture *, const struct tree *, size_t at);
/* Of the tree that the series has now. */
void add_archive(struct fixture *, unsigned series, int64_t time);

/* As the library does it: what is bad is made anew, once. */
void update(struct fixture *);
void reopen(struct fixture *);

/* Compare all answers with the model; a walk alone, which may fail. */
void check_all(struct fixture *);
int check_walk(struct fixture *, struct varve_err *err);

#endif
