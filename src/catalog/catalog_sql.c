/* SPDX-License-Identifier: BSD-2-Clause */
#include "catalog/catalog_internal.h"

/*
 * Names and entries are BLOBs, which SQLite orders as trees order names. The
 * number of a row of `live` has no end: it is what the newest archive of the
 * series has. Directory 0 holds the root directories, by the tags of their
 * series; the entry of one is that of the source itself, if there is one.
 * `tree` is the Ref of a directory in the newest archive that was catalogued,
 * NULL when that has none. `gone` counts archives that went since what no
 * archive holds was last removed.
 */
static const char *const steps[] = {
    "CREATE TABLE about(repository BLOB NOT NULL, change INTEGER NOT NULL,"
    " s INTEGER NOT NULL, ns INTEGER NOT NULL, gone INTEGER NOT NULL);"
    "CREATE TABLE series(id INTEGER PRIMARY KEY, tag BLOB NOT NULL UNIQUE,"
    " host BLOB NOT NULL, label BLOB NOT NULL, next INTEGER NOT NULL);"
    "CREATE TABLE archive(series INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " logical BLOB NOT NULL, revision INTEGER NOT NULL, root BLOB NOT NULL,"
    " name BLOB NOT NULL, s INTEGER NOT NULL, ns INTEGER NOT NULL,"
    " PRIMARY KEY(series, seq)) WITHOUT ROWID;"
    "CREATE TABLE dir(id INTEGER PRIMARY KEY, series INTEGER NOT NULL,"
    " parent INTEGER NOT NULL, name BLOB NOT NULL, tree BLOB);"
    "CREATE UNIQUE INDEX dir_place ON dir(parent, name);"
    "CREATE TABLE live(dir INTEGER NOT NULL, name BLOB NOT NULL,"
    " first INTEGER NOT NULL, entry BLOB NOT NULL,"
    " PRIMARY KEY(dir, name)) WITHOUT ROWID;"
    "CREATE TABLE past(dir INTEGER NOT NULL, name BLOB NOT NULL,"
    " first INTEGER NOT NULL, last INTEGER NOT NULL, entry BLOB NOT NULL,"
    " PRIMARY KEY(dir, name, first)) WITHOUT ROWID;",
    NULL,
};
const struct vrv_db_schema vrv_catalog_schema = {
    .application = 0x76727663, /* "vrvc" */
    .steps = steps,
};

const char *const vrv_catalog_texts[VRV_SQL_N] = {
    [VRV_SQL_ABOUT] = "SELECT repository, change, s, ns, gone FROM about",
    [VRV_SQL_SERIES] = "SELECT series.id, tag, host, label, dir.id FROM series"
		       " JOIN dir ON parent = 0 AND name = tag"
		       " ORDER BY host, label, tag",
    [VRV_SQL_ARCHIVES] = "SELECT seq, logical, revision, root, name, s, ns"
			 " FROM archive WHERE series = ? ORDER BY seq",
    [VRV_SQL_DIR_BY_ID] = "SELECT series, parent, name FROM dir WHERE id = ?",
    [VRV_SQL_DIR_BY_NAME] = "SELECT id, tree FROM dir"
			    " WHERE parent = ? AND name = ?",
    [VRV_SQL_DIR_BEHIND] = "SELECT id, name FROM dir"
			   " WHERE parent = ? AND name > ?"
			   " ORDER BY name LIMIT 1",
    [VRV_SQL_LIVE_ONE] = "SELECT first, entry FROM live"
			 " WHERE dir = ? AND name = ?",
    [VRV_SQL_PAST_ONE] = "SELECT first, last, entry FROM past"
			 " WHERE dir = ? AND name = ? ORDER BY first",
    [VRV_SQL_LIVE_BEHIND] = "SELECT dir, name, first, 0, entry FROM live"
			    " WHERE dir = ? AND name > ? ORDER BY name",
    [VRV_SQL_PAST_BEHIND] = "SELECT dir, name, first, last, entry FROM past"
			    " WHERE dir = ? AND name > ? ORDER BY name, first",
    [VRV_SQL_LIVE_BATCH] = "SELECT name, entry FROM live"
			   " WHERE dir = ? AND name > ? ORDER BY name LIMIT ?",
    [VRV_SQL_LIVE_ADD] = "INSERT INTO live VALUES(?, ?, ?, ?)",
    /* What fails is rolled back as a whole: no need to be able to undo it. */
    [VRV_SQL_LIVE_FEED] = "INSERT OR FAIL INTO live"
			  " SELECT ?, key, ?, value FROM feed",
    [VRV_SQL_LIVE_SET] = "UPDATE live SET first = ?, entry = ?"
			 " WHERE dir = ? AND name = ?",
    [VRV_SQL_LIVE_DROP] = "DELETE FROM live WHERE dir = ? AND name = ?",
    [VRV_SQL_LIVE_TO_PAST] = "INSERT INTO past"
			     " SELECT dir, name, first, ?, entry FROM live"
			     " WHERE dir = ? AND name = ?",
    [VRV_SQL_DIR_TO_PAST] = "INSERT INTO past"
			    " SELECT dir, name, first, ?, entry FROM live"
			    " WHERE dir = ?",
    [VRV_SQL_DIR_EMPTY] = "DELETE FROM live WHERE dir = ?",
    [VRV_SQL_DIR_ADD] = "INSERT INTO dir(series, parent, name, tree)"
			" VALUES(?, ?, ?, ?)",
    [VRV_SQL_DIR_TREE] = "UPDATE dir SET tree = ? WHERE id = ?",
    [VRV_SQL_DIR_BELOW] = "SELECT id FROM dir"
			  " WHERE parent = ? AND tree IS NOT NULL",
    [VRV_SQL_SERIES_BY_TAG] = "SELECT id, next FROM series WHERE tag = ?",
    [VRV_SQL_SERIES_ADD] = "INSERT INTO series VALUES(NULL, ?, ?, ?, 1)",
    [VRV_SQL_SERIES_NEXT] = "UPDATE series SET next = next + 1 WHERE id = ?",
    [VRV_SQL_ARCHIVE_ADD] = "INSERT INTO archive"
			    " VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
    [VRV_SQL_ARCHIVE_DROP] = "DELETE FROM archive WHERE series = ? AND seq = ?",
    [VRV_SQL_ARCHIVE_NAME] = "UPDATE archive SET revision = ?, name = ?"
			     " WHERE series = ? AND seq = ?",
    [VRV_SQL_CHANGED] = "UPDATE about SET change = change + 1, s = ?, ns = ?,"
			" gone = gone + ?",
    [VRV_SQL_SWEPT] = "UPDATE about SET gone = 0",
    [VRV_SQL_ROWS_LEFT] = "SELECT gone, (SELECT count(*) FROM archive)"
			  " FROM about",
    [VRV_SQL_ALL_ARCHIVES] = "SELECT series, seq, logical, revision, root,"
			     " name, tag FROM archive"
			     " JOIN series ON series.id = series",
};
