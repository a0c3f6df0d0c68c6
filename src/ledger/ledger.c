/* SPDX-License-Identifier: BSD-2-Clause */
#include "ledger/ledger.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/ledger_internal.h"
#include "os/file.h"
#include "os/meta.h"
#include "os/private.h"
#include "util/clock.h"
#include "util/hex.h"
#include "util/mem.h"

#define APPLICATION 0x76726c67u /* "vrlg" */
#define LOCK_MS 60000

/*
 * sweep: how far the samples of a series or an archive have come; times in
 * seconds. seed and start are unsigned, stored bit by bit.
 *
 * run.kind and run.result are enums of varve/ledger.h; times are seconds and
 * nanoseconds, end 0 while a run is not finished. pack.level is an enum
 * vrv_ledger_level, pack.checked seconds.
 */
static const char *const steps[] = {
    "CREATE TABLE run("
    " number INTEGER PRIMARY KEY AUTOINCREMENT,"
    " kind INTEGER NOT NULL, result INTEGER NOT NULL,"
    " start_s INTEGER NOT NULL, start_ns INTEGER NOT NULL,"
    " end_s INTEGER NOT NULL, end_ns INTEGER NOT NULL,"
    " archive TEXT NOT NULL, name BLOB NOT NULL, options TEXT NOT NULL,"
    " items INTEGER NOT NULL, of_items INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL, of_bytes INTEGER NOT NULL,"
    " changed INTEGER NOT NULL, problems INTEGER NOT NULL);"
    "CREATE TABLE pack("
    " id BLOB NOT NULL, level INTEGER NOT NULL, checked INTEGER NOT NULL,"
    " PRIMARY KEY(id, level)) WITHOUT ROWID;",
    "UPDATE run SET kind = 3 WHERE kind = 2 AND"
    " ' ' || options || ' ' LIKE '% --verify-data %';",
    "CREATE TABLE sweep("
    " key BLOB PRIMARY KEY, name BLOB NOT NULL, host BLOB NOT NULL,"
    " archive TEXT NOT NULL, seed INTEGER NOT NULL, start INTEGER NOT NULL,"
    " since INTEGER NOT NULL, full_from INTEGER NOT NULL,"
    " full_to INTEGER NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID;",
    NULL,
};
static const struct vrv_db_schema schema = {APPLICATION, steps};

int
vrv_ledger_path(struct vrv_repo *repo, char **ret, struct varve_err *err)
{
	const char *dir = vrv_repo_state_dir(repo);
	char id[2 * VRV_REPO_ID + 1];

	if (dir == NULL)
		return vrv_fail(err, VARVE_USAGE, "there is no state folder");
	vrv_hex(id, vrv_repo_id(repo), VRV_REPO_ID);
	char *path = vrv_strf("%s/ledger-%s.db", dir, id);
	if (path == NULL)
		return VRV_NOMEM(err, "a path");
	*ret = path;
	return 0;
}

static int
open_sound(const char *path, struct vrv_db **ret, struct varve_err *err)
{
	struct vrv_db *db;

	int rc = vrv_db_open(path, &schema, VRV_DB_KEPT, &db, err);
	if (rc != 0)
		return rc;
	rc = vrv_db_check(db, err);
	if (rc != 0) {
		vrv_db_close(db);
		return rc;
	}
	*ret = db;
	return 0;
}

/* Move a damaged one aside, and begin another. */
static int
begin_anew(struct vrv_repo *repo, const char *path, struct vrv_db **ret,
    struct varve_err *err)
{
	struct varve_err why = *err;
	vrv_auto_free char *aside =
	    vrv_strf("%s.damaged-%lld", path, (long long)vrv_time_now().s);

	if (aside == NULL)
		return VRV_NOMEM(err, "a path");
	vrv_err_clear(err);
	int rc = vrv_db_rename(path, aside, err);
	if (rc == 0)
		rc = open_sound(path, ret, err);
	if (rc == 0)
		vrv_repo_note(repo, VARVE_EVENT_NOTE, NULL,
		    "the ledger of checks was damaged and is begun anew; the "
		    "old one is kept as '%s': %s",
		    aside, why.message);
	return rc;
}

/* Whoever opens holds the lock: of several processes that find it damaged the
 * first moves it aside, and the others find the new one. */
int
vrv_ledger_open_db(struct vrv_repo *repo, const char *path, struct vrv_db **ret,
    struct varve_err *err)
{
	vrv_auto_free char *name = vrv_strf("%s.lock", strrchr(path, '/') + 1);
	vrv_auto_fd dir = -1, lock = -1;

	if (name == NULL)
		return VRV_NOMEM(err, "a path");
	int rc = vrv_private_dir(vrv_repo_state_dir(repo), true, &dir, err);
	if (rc == 0)
		rc = vrv_private_lock(dir, name, LOCK_MS, &lock, err);
	if (rc != 0)
		return rc;
	rc = open_sound(path, ret, err);
	return rc == VARVE_CORRUPT ? begin_anew(repo, path, ret, err) : rc;
}

int
vrv_ledger_read(struct vrv_repo *repo, vrv_ledger_fn *fn, void *arg,
    struct varve_err *err)
{
	vrv_auto_free char *path = NULL;
	struct vrv_stat st;
	struct vrv_db *db;

	if (vrv_repo_state_dir(repo) == NULL)
		return 0;
	int rc = vrv_ledger_path(repo, &path, err);
	if (rc == 0)
		rc = vrv_os_stat(AT_FDCWD, path, &st, err);
	if (rc == VARVE_NOENT) {
		vrv_err_clear(err);
		return 0;
	}
	if (rc == 0)
		rc = vrv_ledger_open_db(repo, path, &db, err);
	if (rc != 0)
		return rc;
	rc = fn(db, arg, err);
	vrv_db_close(db);
	return rc;
}

static void
not_recorded(struct vrv_repo *repo, const struct varve_err *why)
{
	vrv_repo_note(repo, VARVE_EVENT_NOTE, NULL,
	    "this run is not recorded in the ledger: %s", why->message);
}

void
vrv_ledger_give_up(struct vrv_ledger *ledger, const struct varve_err *why)
{
	not_recorded(ledger->repo, why);
	vrv_db_close(ledger->db);
	ledger->db = NULL;
	ledger->n = 0;
}

struct vrv_ledger *
vrv_ledger_open(struct vrv_repo *repo)
{
	struct vrv_ledger *ledger = calloc(1, sizeof(*ledger));
	vrv_auto_free char *path = NULL;
	struct varve_err err = {0};
	int rc = 0;

	if (ledger == NULL)
		rc = VRV_NOMEM(&err, "the ledger");
	if (rc == 0)
		rc = vrv_ledger_path(repo, &path, &err);
	if (rc == 0)
		rc = vrv_ledger_open_db(repo, path, &ledger->db, &err);
	if (rc != 0) {
		not_recorded(repo, &err);
		free(ledger);
		return NULL;
	}
	ledger->repo = repo;
	return ledger;
}

void
vrv_ledger_close(struct vrv_ledger *ledger)
{
	if (ledger == NULL)
		return;
	vrv_ledger_flush(ledger);
	vrv_db_close(ledger->db);
	free(ledger);
}
