/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LIB_LIB_CATALOG_H
#define LIB_LIB_CATALOG_H

#include "catalog/catalog.h"
#include "lib/lib.h"
#include "util/map.h"

struct varve_catalog {
	struct varve_repo *repo;
	const struct varve_archive_list *list;
	const struct varve_catalog_options *options;
	struct vrv_catalog *catalog;
	struct vrv_reader *reader; /* NULL until a tree is read */
	struct vrv_meta_source trees;
	const struct vrv_archive **archives; /* those of the list */
	struct vrv_map *by_id;		     /* logical id to place in it */
	struct varve_catalog_change change;
};

/* The archive of the list; NULL if it is not there. */
const struct varve_archive *vrv_lib_catalog_archive(const struct varve_catalog
							*,
    const uint8_t logical[VRV_LOGICAL_ID]);

/* Bring the catalog up to date; made anew once if it is bad. */
int vrv_lib_catalog_update(struct varve_catalog *, struct varve_err *err)
    VRV_MUST;
/* After a call that failed with `rc`: 0 if that was because the catalog was
 * bad, and it is a good one now; else the code to be returned. */
int vrv_lib_catalog_again(struct varve_catalog *, int rc, struct varve_err *err)
    VRV_MUST;

#endif
