/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VARVE_ERROR_H
#define VARVE_ERROR_H

/*
 * Errors of varve: a code, a sentence, and the exit status they stand for.
 *
 * Every function that can fail returns 0 or a negative VARVE_* code and fills
 * the struct varve_err that its caller owns. A code means a decision for the
 * caller; the message is for a person. A struct varve_err is plain data of a
 * fixed size: it may be copied, needs no cleanup and crosses threads by value.
 */

enum varve_code {
	VARVE_OK = 0,
	VARVE_NOMEM = -1,      /* memory ran out */
	VARVE_IO = -2,	       /* the operating system refused; see `sys` */
	VARVE_NOENT = -3,      /* the thing named does not exist */
	VARVE_EXISTS = -4,     /* the thing named exists already */
	VARVE_CORRUPT = -5,    /* stored bytes are not what was written */
	VARVE_AUTH = -6,       /* wrong key, forged, or signed without right */
	VARVE_LOCKED = -7,     /* somebody else holds it */
	VARVE_FORMAT = -8,     /* sound, but of a version not understood */
	VARVE_LIMIT = -9,      /* larger than a stated limit */
	VARVE_NET = -10,       /* the network failed; may be tried again */
	VARVE_CANCELLED = -11, /* stopped because another part failed */
	VARVE_NOTSUP = -12,    /* not supported here */
	VARVE_USAGE = -13,     /* the caller asked for something impossible */
	VARVE_INTERNAL = -14   /* a bug in varve */
};

/* Exit statuses with a meaning of their own: the numbers of Borg's modern
 * scheme. Every other error is VARVE_EXIT_ERROR. */
enum varve_exit {
	VARVE_EXIT_SUCCESS = 0,
	VARVE_EXIT_WARNING = 1,
	VARVE_EXIT_ERROR = 2,
	VARVE_EXIT_CANCELLED = 3,
	VARVE_EXIT_COMMAND = 4,
	VARVE_EXIT_PLACEHOLDER = 5,
	VARVE_EXIT_REPO_EXISTS = 10,
	VARVE_EXIT_NO_REPO = 13,
	VARVE_EXIT_NO_SPACE = 14,
	VARVE_EXIT_NOT_A_REPO = 15,
	VARVE_EXIT_BAD_CONFIG = 16,
	VARVE_EXIT_NO_OBJECT = 17,
	VARVE_EXIT_PERMISSION = 21,
	VARVE_EXIT_FEATURE = 27,
	VARVE_EXIT_ARCHIVE_EXISTS = 30,
	VARVE_EXIT_NO_ARCHIVE = 31,
	VARVE_EXIT_BAD_KEY = 40,
	VARVE_EXIT_KEY_MISMATCH = 41,
	VARVE_EXIT_NO_KEY_FILE = 42,
	VARVE_EXIT_NO_KEY = 44,
	VARVE_EXIT_NO_PASSPHRASE = 50,
	VARVE_EXIT_PASSCOMMAND = 51,
	VARVE_EXIT_PASSPHRASE = 52,
	VARVE_EXIT_REPO_REPLACED = 60,
	VARVE_EXIT_REPLAY = 61,
	VARVE_EXIT_INTEGRITY = 90
};

#include <stdint.h>

#define VARVE_MESSAGE_MAX 1000

struct varve_err {
	int code; /* enum varve_code */
	int sys;  /* errno of the failed call, or 0 */
	int exit; /* enum varve_exit */
	char message[VARVE_MESSAGE_MAX];
	/* Not 0: errors of equal `cause` come from the same stored object, or
	 * part of one, whatever else they concern. */
	uint64_t cause;
};

#endif
