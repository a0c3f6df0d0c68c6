/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "ledger/ledger_internal.h"
#include "util/buf.h"
#include "util/clock.h"

/* 2^64 */
#define ALL_HASHES 18446744073709551616.0

/* An id is hex digits, which no name of a series is mistaken for: that has the
 * length of the host before it. */
static void
key_of(const struct vrv_sweep_of *of, struct vrv_buf *key)
{
	if (of->archive[0] != '\0') {
		vrv_buf_bytes(key, of->archive, strlen(of->archive));
		return;
	}
	vrv_buf_u8(key, '/');
	vrv_buf_u32(key, (uint32_t)strlen(of->host));
	vrv_buf_bytes(key, of->host, strlen(of->host));
	vrv_buf_bytes(key, of->name, strlen(of->name));
}

static int
get(struct vrv_db *db, const struct vrv_sweep_of *of, struct vrv_sweep *ret,
    struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf key = {0};
	vrv_auto_stmt stmt = NULL;

	key_of(of, &key);
	int rc = vrv_buf_check(&key, err);
	if (rc == 0)
		rc = vrv_stmt_new(db,
		    "SELECT seed, start, since, full_from, full_to"
		    " FROM sweep WHERE key = ?",
		    &stmt, err);
	if (rc != 0)
		return rc;
	vrv_bind_blob(stmt, 1, key.data, key.len);
	rc = vrv_stmt_step(stmt, err);
	if (rc == 0)
		*ret = (struct vrv_sweep){
		    .seed = (uint64_t)vrv_col_i64(stmt, 0),
		    .start = (uint64_t)vrv_col_i64(stmt, 1),
		    .since = vrv_col_i64(stmt, 2),
		    .full_from = vrv_col_i64(stmt, 3),
		    .full_to = vrv_col_i64(stmt, 4),
		};
	return rc;
}

bool
vrv_ledger_sweep(struct vrv_ledger *ledger, const struct vrv_sweep_of *of,
    struct vrv_sweep *ret)
{
	struct varve_err err = {0};

	if (ledger == NULL || ledger->db == NULL)
		return false;
	int rc = get(ledger->db, of, ret, &err);
	if (rc != 0 && rc != VARVE_NOENT)
		vrv_ledger_give_up(ledger, &err);
	return rc == 0;
}

/* --- writing --- */

static int
forget_oldest(struct vrv_db *db, struct varve_err *err)
{
	vrv_auto_stmt stmt = NULL;

	int rc = vrv_stmt_new(db,
	    "DELETE FROM sweep WHERE (SELECT count(*) FROM sweep) > ?1"
	    " AND key IN (SELECT key FROM sweep"
	    " ORDER BY used DESC LIMIT -1 OFFSET ?1)",
	    &stmt, err);
	if (rc != 0)
		return rc;
	vrv_bind_i64(stmt, 1, VRV_SWEEPS_MAX);
	return vrv_stmt_run(stmt, err);
}

static int
put(struct vrv_db *db, const struct vrv_sweep_of *of,
    const struct vrv_sweep *sweep, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf key = {0};
	vrv_auto_stmt stmt = NULL;

	key_of(of, &key);
	int rc = vrv_buf_check(&key, err);
	if (rc == 0)
		rc = vrv_stmt_new(db,
		    "INSERT OR REPLACE INTO sweep(key, name, host, archive,"
		    " seed, start, since, full_from, full_to, used)"
		    " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		    &stmt, err);
	if (rc != 0)
		return rc;
	vrv_bind_blob(stmt, 1, key.data, key.len);
	vrv_bind_blob(stmt, 2, of->name, strlen(of->name));
	vrv_bind_blob(stmt, 3, of->host, strlen(of->host));
	vrv_bind_text(stmt, 4, of->archive);
	vrv_bind_i64(stmt, 5, (int64_t)sweep->seed);
	vrv_bind_i64(stmt, 6, (int64_t)sweep->start);
	vrv_bind_i64(stmt, 7, sweep->since);
	vrv_bind_i64(stmt, 8, sweep->full_from);
	vrv_bind_i64(stmt, 9, sweep->full_to);
	vrv_bind_i64(stmt, 10, vrv_time_now().s);
	rc = vrv_stmt_run(stmt, err);
	return rc == 0 ? forget_oldest(db, err) : rc;
}

void
vrv_ledger_sweep_put(struct vrv_ledger *ledger, const struct vrv_sweep_of *of,
    const struct vrv_sweep *sweep)
{
	struct varve_err err = {0};

	if (ledger == NULL || ledger->db == NULL)
		return;
	if (put(ledger->db, of, sweep, &err) != 0)
		vrv_ledger_give_up(ledger, &err);
}

/* --- reading --- */

struct coverage {
	varve_coverage_fn *fn;
	void *arg;
};

/* A blob that holds text and its NUL. */
static const char *
text_of(struct vrv_buf *buf, const struct vrv_stmt *stmt, int column)
{
	size_t n;
	const uint8_t *bytes = vrv_col_blob(stmt, column, &n);

	vrv_buf_clear(buf);
	vrv_buf_bytes(buf, bytes, n);
	vrv_buf_u8(buf, '\0');
	return (const char *)buf->data;
}

static int
packs(struct vrv_db *db, const struct coverage *c, struct varve_err *err)
{
	vrv_auto_stmt stmt = NULL;
	int told = 0;

	int rc = vrv_stmt_new(db,
	    "SELECT level, count(*), min(checked) FROM pack"
	    " GROUP BY level ORDER BY level",
	    &stmt, err);
	while (rc == 0 && told == 0 && (rc = vrv_stmt_step(stmt, err)) == 0) {
		const struct varve_coverage at = {
		    .kind = vrv_col_i64(stmt, 0) == VRV_LEDGER_FRAMES ?
			VARVE_COVERS_DATA :
			VARVE_COVERS_SUMS,
		    .name = "",
		    .host = "",
		    .archive = "",
		    .packs = (uint64_t)vrv_col_i64(stmt, 1),
		    .since = vrv_col_i64(stmt, 2),
		};
		told = c->fn(c->arg, &at, err);
	}
	return told != 0 ? told : rc == VARVE_NOENT ? 0 : rc;
}

static int
sweeps(struct vrv_db *db, const struct coverage *c, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf name = {0}, host = {0};
	vrv_auto_stmt stmt = NULL;
	int told = 0;

	int rc = vrv_stmt_new(db,
	    "SELECT name, host, archive, start, since, full_from, full_to"
	    " FROM sweep ORDER BY used DESC, name",
	    &stmt, err);
	while (rc == 0 && told == 0 && (rc = vrv_stmt_step(stmt, err)) == 0) {
		struct varve_coverage at = {
		    .kind = VARVE_COVERS_SERIES,
		    .name = text_of(&name, stmt, 0),
		    .host = text_of(&host, stmt, 1),
		    .archive = vrv_col_text(stmt, 2),
		    .part = (double)(uint64_t)vrv_col_i64(stmt, 3) / ALL_HASHES,
		    .since = vrv_col_i64(stmt, 4),
		    .complete_from = vrv_col_i64(stmt, 5),
		    .complete_to = vrv_col_i64(stmt, 6),
		};
		if (at.archive[0] != '\0')
			at.kind = VARVE_COVERS_ARCHIVE;
		rc = vrv_buf_check(&name, err);
		if (rc == 0)
			rc = vrv_buf_check(&host, err);
		if (rc == 0)
			told = c->fn(c->arg, &at, err);
	}
	return told != 0 ? told : rc == VARVE_NOENT ? 0 : rc;
}

static int
read_coverage(struct vrv_db *db, void *arg, struct varve_err *err)
{
	int rc = packs(db, arg, err);

	return rc == 0 ? sweeps(db, arg, err) : rc;
}

int
vrv_ledger_coverage(struct vrv_repo *repo, varve_coverage_fn *fn, void *arg,
    struct varve_err *err)
{
	return vrv_ledger_read(repo, read_coverage, &(struct coverage){fn, arg},
	    err);
}
