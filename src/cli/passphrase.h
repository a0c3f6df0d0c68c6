/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_PASSPHRASE_H
#define CLI_PASSPHRASE_H

/*
 * Where passphrases come from, in this order: VARVE_PASSPHRASE, the output of
 * VARVE_PASSCOMMAND, what can be read from the descriptor VARVE_PASSPHRASE_FD,
 * the terminal. A fresh one comes from VARVE_NEW_PASSPHRASE first; unless
 * `new_only`, the sources of the current one follow. The terminal asks for a
 * fresh one twice. One newline at the end of what a command or descriptor
 * gives is not part of it.
 */

#include <stdbool.h>
#include <stddef.h>

#include "util/err.h"

/* Variables that no child process gets to see. */
enum vrv_secret {
	VRV_SECRET_NEW,
	VRV_SECRET_CURRENT,
	VRV_SECRET_FD
};
#define VRV_SECRETS 3

struct vrv_passphrase {
	char *secrets[VRV_SECRETS]; /* values of variables; NULL: not set */
	bool new_only; /* the current passphrase is no source of a fresh one */
	bool typed;    /* the last one came from the terminal */
	char *from_fd; /* a descriptor can be read only once */
	size_t from_fd_len;
};

/* Take the secret variables out of the environment, and overwrite them in the
 * memory that /proc/PID/environ shows. Once, before anything is started. */
int vrv_passphrase_take(struct vrv_passphrase *, struct varve_err *err)
    VRV_MUST;
/* A varve_passphrase_fn; `arg` is a struct vrv_passphrase. Exit status 51
 * when the command fails, 50 when there is no source or it gives an empty
 * passphrase. */
int vrv_passphrase_get(void *arg, bool fresh, const char *location, char *buf,
    size_t size, size_t *ret_n, struct varve_err *err) VRV_MUST;
/* Wipe and free. */
void vrv_passphrase_fini(struct vrv_passphrase *);

#endif
