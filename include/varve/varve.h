/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VARVE_VARVE_H
#define VARVE_VARVE_H

/*
 * libvarve: deduplicating, encrypted, authenticated backups.
 *
 * Handles are opaque; every struct of options starts with its size and is
 * made with its _INIT macro, so that fields can be added. Strings are
 * NUL-terminated bytes in no particular encoding unless said otherwise.
 * Functions return 0 or a negative VARVE_* code and fill `err`, which may be
 * NULL. The library never prints and never ends the process.
 *
 * A repository handle may be used by one thread at a time. Events are called
 * one at a time, but from any thread; they must not block for long and must
 * not call back into the library.
 */

#include <varve/archive.h>
#include <varve/backup.h>
#include <varve/catalog.h>
#include <varve/check.h>
#include <varve/du.h>
#include <varve/error.h>
#include <varve/event.h>
#include <varve/key.h>
#include <varve/ledger.h>
#include <varve/mount.h>
#include <varve/repo.h>
#include <varve/restore.h>
#include <varve/verify.h>
#include <varve/version.h>

#endif
