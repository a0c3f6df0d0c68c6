/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VARVE_KEY_H
#define VARVE_KEY_H

/* Key slots: each opens the repository with a passphrase of its own. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <varve/error.h>
#include <varve/repo.h>

struct varve_slot {
	char id[33]; /* hex */
	const char *label;
	bool is_file;	 /* opened by a key file, not by a passphrase */
	bool in_use;	 /* it opened this repository now */
	uint32_t passes; /* of Argon2id */
	uint64_t memory;
};
struct varve_slot_list {
	struct varve_slot *items;
	size_t n;
};
VARVE_API int varve_key_list(struct varve_repo *, struct varve_slot_list **ret,
    struct varve_err *err) VARVE_MUST;
VARVE_API void varve_slot_list_free(struct varve_slot_list *);

/* Add a slot for another passphrase (asked for as a fresh one). With
 * `key_file` the new slot is opened by the bytes of that file instead, which
 * is made (0600) with 64 random bytes if it does not exist. */
VARVE_API int varve_key_add(struct varve_repo *, const char *label,
    const char *key_file, char ret_id[33], struct varve_err *err) VARVE_MUST;

/* Remove a slot by id or label. USAGE for the last one, and for the one that
 * opened the repository: of the others nobody knows whether they work. */
VARVE_API int varve_key_remove(struct varve_repo *, const char *slot,
    struct varve_err *err) VARVE_MUST;

/* Replace the slot in use by one for a fresh passphrase: the new one is
 * stored, read back and opened before the old one goes. */
VARVE_API int varve_key_change_passphrase(struct varve_repo *,
    struct varve_err *err) VARVE_MUST;

/* The slot in use as text, to be printed or kept elsewhere: free(*ret). It is
 * still sealed by its passphrase. */
VARVE_API int varve_key_export(struct varve_repo *, char **ret,
    struct varve_err *err) VARVE_MUST;

/* Store an exported slot again. Works on a repository that cannot be opened
 * because its slots are gone; the passphrase is asked for and must open it.
 * `options` as for opening. */
VARVE_API int varve_key_import(const char *location,
    const struct varve_open_options *options, const char *text, char ret_id[33],
    struct varve_err *err) VARVE_MUST;

#endif
