/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_VERSIONS_H
#define CLI_VERSIONS_H

/* An open catalog, and versions as text and JSON: what find, history and
 * catalog have in common. */

#include <varve/catalog.h>

#include "cli/cli.h"
#include "cli/glob.h"
#include "cli/json.h"

struct vrv_cli_catalog {
	struct vrv_cli *cli;
	struct varve_repo *repo;
	struct varve_archive_list *list;
	struct varve_catalog *catalog;
	struct varve_catalog_options options;
	struct vrv_events events;
	struct vrv_glob *series; /* --series, or NULL */
	char *host;
};

/* Open the repository at `path` and its catalog; `series` (or NULL) is a
 * glob, USAGE if it is bad. `versions` must not move, and is closed
 * by vrv_cli_catalog_close() also after a failure. */
int vrv_cli_catalog_open(struct vrv_cli_catalog *versions, struct vrv_cli *,
    const char *path, const char *series, bool no_update, struct varve_err *err)
    VRV_MUST;
void vrv_cli_catalog_close(struct vrv_cli_catalog *);

/* A function for archives whose `arg` is a struct vrv_cli_catalog: is it of one
 * of the series that --series names? True without that option. */
bool vrv_cli_catalog_of_series(void *versions, const struct varve_archive *);

/* "[one]", "[one .. ten: 10]" */
void vrv_version_span(struct vrv_buf *, const struct varve_version *);
void vrv_version_json(struct vrv_json *, const struct varve_version *);

#endif
