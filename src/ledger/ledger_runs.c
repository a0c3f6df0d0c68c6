/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "ledger/ledger_internal.h"
#include "util/mem.h"

/* Numbers are stored as SQLite has them: signed. */
static int64_t
stored(uint64_t n)
{
	return n > INT64_MAX ? INT64_MAX : (int64_t)n;
}

static void
bind_name(struct vrv_stmt *stmt, int n, const char *name)
{
	vrv_bind_blob(stmt, n, name == NULL ? "" : name,
	    name == NULL ? 0 : strlen(name));
}

static int
insert(struct vrv_ledger *ledger, struct varve_run *run, struct varve_err *err)
{
	vrv_auto_stmt stmt = NULL;

	int rc = vrv_stmt_new(ledger->db,
	    "INSERT INTO run(kind, result, start_s, start_ns, end_s, end_ns,"
	    " archive, name, options, items, of_items, bytes, of_bytes,"
	    " changed, problems)"
	    " VALUES(?, 0, ?, ?, 0, 0, ?, ?, ?, 0, ?, 0, ?, 0, 0)",
	    &stmt, err);
	if (rc != 0)
		return rc;
	vrv_bind_i64(stmt, 1, run->kind);
	vrv_bind_i64(stmt, 2, run->start.s);
	vrv_bind_i64(stmt, 3, run->start.ns);
	vrv_bind_text(stmt, 4, run->archive);
	bind_name(stmt, 5, run->name);
	vrv_bind_text(stmt, 6, run->options == NULL ? "" : run->options);
	vrv_bind_i64(stmt, 7, stored(run->of_items));
	vrv_bind_i64(stmt, 8, stored(run->of_bytes));
	rc = vrv_stmt_run(stmt, err);
	if (rc == 0)
		run->number = vrv_db_last_rowid(ledger->db);
	return rc;
}

static int
update(struct vrv_ledger *ledger, const struct varve_run *run,
    struct varve_err *err)
{
	vrv_auto_stmt stmt = NULL;

	int rc = vrv_stmt_new(ledger->db,
	    "UPDATE run SET result = ?, end_s = ?, end_ns = ?, items = ?,"
	    " of_items = ?, bytes = ?, of_bytes = ?, changed = ?, problems = ?"
	    " WHERE number = ?",
	    &stmt, err);
	if (rc != 0)
		return rc;
	vrv_bind_i64(stmt, 1, run->result);
	vrv_bind_i64(stmt, 2, run->end.s);
	vrv_bind_i64(stmt, 3, run->end.ns);
	vrv_bind_i64(stmt, 4, stored(run->items));
	vrv_bind_i64(stmt, 5, stored(run->of_items));
	vrv_bind_i64(stmt, 6, stored(run->bytes));
	vrv_bind_i64(stmt, 7, stored(run->of_bytes));
	vrv_bind_i64(stmt, 8, stored(run->changed));
	vrv_bind_i64(stmt, 9, stored(run->problems));
	vrv_bind_i64(stmt, 10, run->number);
	return vrv_stmt_run(stmt, err);
}

void
vrv_ledger_begin(struct vrv_ledger *ledger, struct varve_run *run)
{
	struct varve_err err = {0};

	if (ledger == NULL || ledger->db == NULL)
		return;
	if (insert(ledger, run, &err) != 0)
		vrv_ledger_give_up(ledger, &err);
}

void
vrv_ledger_end(struct vrv_ledger *ledger, const struct varve_run *run)
{
	struct varve_err err = {0};

	if (ledger == NULL || ledger->db == NULL)
		return;
	vrv_ledger_flush(ledger);
	if (ledger->db != NULL && update(ledger, run, &err) != 0)
		vrv_ledger_give_up(ledger, &err);
}

/* --- reading --- */

static struct varve_run
row(const struct vrv_stmt *stmt, const char *name)
{
	struct varve_run run = {
	    .number = vrv_col_i64(stmt, 0),
	    .kind = (enum varve_run_kind)vrv_col_i64(stmt, 1),
	    .result = (enum varve_run_result)vrv_col_i64(stmt, 2),
	    .start = {vrv_col_i64(stmt, 3), (uint32_t)vrv_col_i64(stmt, 4)},
	    .end = {vrv_col_i64(stmt, 5), (uint32_t)vrv_col_i64(stmt, 6)},
	    .name = name,
	    .options = vrv_col_text(stmt, 9),
	    .items = (uint64_t)vrv_col_i64(stmt, 10),
	    .of_items = (uint64_t)vrv_col_i64(stmt, 11),
	    .bytes = (uint64_t)vrv_col_i64(stmt, 12),
	    .of_bytes = (uint64_t)vrv_col_i64(stmt, 13),
	    .changed = (uint64_t)vrv_col_i64(stmt, 14),
	    .problems = (uint64_t)vrv_col_i64(stmt, 15),
	};
	const char *archive = vrv_col_text(stmt, 7);

	if (strlen(archive) < sizeof(run.archive))
		strcpy(run.archive, archive);
	return run;
}

static int
each_run(struct vrv_db *db, varve_run_fn *fn, void *arg, struct varve_err *err)
{
	vrv_auto_stmt stmt = NULL;
	int told = 0;

	int rc = vrv_stmt_new(db,
	    "SELECT number, kind, result, start_s, start_ns, end_s, end_ns,"
	    " archive, name, options, items, of_items, bytes, of_bytes,"
	    " changed, problems FROM run ORDER BY number DESC",
	    &stmt, err);
	while (rc == 0 && told == 0 && (rc = vrv_stmt_step(stmt, err)) == 0) {
		size_t n;
		const uint8_t *bytes = vrv_col_blob(stmt, 8, &n);
		vrv_auto_free char *name = vrv_dup(bytes, n);
		if (name == NULL)
			return VRV_NOMEM(err, "a name");
		const struct varve_run run = row(stmt, name);
		told = fn(arg, &run, err);
	}
	if (rc != VARVE_NOENT)
		return rc != 0 ? rc : told;
	vrv_err_clear(err);
	return 0;
}

struct runs {
	varve_run_fn *fn;
	void *arg;
};

static int
read_runs(struct vrv_db *db, void *arg, struct varve_err *err)
{
	const struct runs *runs = arg;

	return each_run(db, runs->fn, runs->arg, err);
}

int
vrv_ledger_runs(struct vrv_repo *repo, varve_run_fn *fn, void *arg,
    struct varve_err *err)
{
	return vrv_ledger_read(repo, read_runs, &(struct runs){fn, arg}, err);
}
