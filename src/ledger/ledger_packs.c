/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "ledger/ledger_internal.h"
#include "util/clock.h"

static int
each_pack(struct vrv_db *db, vrv_ledger_pack_fn *fn, void *arg,
    struct varve_err *err)
{
	vrv_auto_stmt stmt = NULL;

	int rc =
	    vrv_stmt_new(db, "SELECT id, level, checked FROM pack", &stmt, err);
	while (rc == 0 && (rc = vrv_stmt_step(stmt, err)) == 0) {
		size_t n;
		const uint8_t *id = vrv_col_blob(stmt, 0, &n);
		if (n == VRV_OBJECT_ID)
			fn(arg, id, (enum vrv_ledger_level)vrv_col_i64(stmt, 1),
			    vrv_col_i64(stmt, 2));
	}
	return rc == VARVE_NOENT ? 0 : rc;
}

void
vrv_ledger_packs(struct vrv_ledger *ledger, vrv_ledger_pack_fn *fn, void *arg)
{
	struct varve_err err = {0};

	if (ledger == NULL || ledger->db == NULL)
		return;
	if (each_pack(ledger->db, fn, arg, &err) != 0)
		vrv_ledger_give_up(ledger, &err);
}

/* --- writing --- */

static int
write_one(struct vrv_stmt *sound, struct vrv_stmt *gone,
    const struct vrv_ledger_pack *pack, struct varve_err *err)
{
	struct vrv_stmt *stmt = pack->level == 0 ? gone : sound;

	vrv_bind_blob(stmt, 1, pack->pack, VRV_OBJECT_ID);
	if (pack->level != 0) {
		vrv_bind_i64(stmt, 2, pack->level);
		vrv_bind_i64(stmt, 3, pack->time);
	}
	return vrv_stmt_run(stmt, err);
}

static int
write_pending(struct vrv_ledger *ledger, struct varve_err *err)
{
	vrv_auto_stmt sound = NULL;
	vrv_auto_stmt gone = NULL;

	int rc = vrv_stmt_new(ledger->db,
	    "INSERT OR REPLACE INTO pack(id, level, checked) VALUES(?, ?, ?)",
	    &sound, err);
	if (rc == 0)
		rc = vrv_stmt_new(ledger->db, "DELETE FROM pack WHERE id = ?",
		    &gone, err);
	for (unsigned i = 0; rc == 0 && i < ledger->n; i++)
		rc = write_one(sound, gone, &ledger->pending[i], err);
	return rc;
}

void
vrv_ledger_flush(struct vrv_ledger *ledger)
{
	struct varve_err err = {0};

	if (ledger->db == NULL || ledger->n == 0)
		return;
	int rc = vrv_db_begin(ledger->db, &err);
	if (rc == 0)
		rc = write_pending(ledger, &err);
	if (rc == 0)
		rc = vrv_db_commit(ledger->db, &err);
	ledger->n = 0;
	if (rc == 0)
		return;
	vrv_db_rollback(ledger->db);
	vrv_ledger_give_up(ledger, &err);
}

static void
note(struct vrv_ledger *ledger, const uint8_t *pack, uint8_t level,
    int64_t time)
{
	uint64_t now = vrv_ticks();

	if (ledger == NULL || ledger->db == NULL)
		return;
	if (ledger->n == 0)
		ledger->first = now;
	struct vrv_ledger_pack *last = &ledger->pending[ledger->n++];
	memcpy(last->pack, pack, VRV_OBJECT_ID);
	last->level = level;
	last->time = time;
	if (ledger->n == VRV_LEDGER_PENDING ||
	    now - ledger->first >= VRV_LEDGER_WAIT_NS)
		vrv_ledger_flush(ledger);
}

void
vrv_ledger_sound(struct vrv_ledger *ledger, const uint8_t pack[VRV_OBJECT_ID],
    enum vrv_ledger_level level, int64_t checked)
{
	note(ledger, pack, (uint8_t)level, checked);
}

void
vrv_ledger_forget(struct vrv_ledger *ledger, const uint8_t pack[VRV_OBJECT_ID])
{
	note(ledger, pack, 0, 0);
}
