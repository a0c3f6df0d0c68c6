/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int
sys_code(int sys)
{
	switch (sys) {
	case ENOENT:
		return VARVE_NOENT;
	case EEXIST:
		return VARVE_EXISTS;
	case ENOMEM:
		return VARVE_NOMEM;
	default:
		return VARVE_IO;
	}
}

static int
sys_exit(int sys)
{
	switch (sys) {
	case ENOSPC:
	case EDQUOT:
		return VARVE_EXIT_NO_SPACE;
	case EACCES:
	case EPERM:
	case EROFS:
		return VARVE_EXIT_PERMISSION;
	default:
		return VARVE_EXIT_ERROR;
	}
}

int(vrv_fail)(struct varve_err *err, int code, const char *fmt, ...)
{
	va_list ap;

	err->code = code;
	err->sys = 0;
	err->exit =
	    code == VARVE_CORRUPT ? VARVE_EXIT_INTEGRITY : VARVE_EXIT_ERROR;
	va_start(ap, fmt);
	vsnprintf(err->message, sizeof(err->message), fmt, ap);
	va_end(ap);
	return code;
}

int(vrv_fail_sys)(struct varve_err *err, int sys, const char *fmt, ...)
{
	char text[VARVE_MESSAGE_MAX], word[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* The GNU strerror_r, which may return a constant of its own. */
	const char *why = strerror_r(sys, word, sizeof(word));

	/* The cause must survive: a long text is what gives way. */
	int room = (int)(sizeof(err->message) - strlen(why) - 3);
	err->code = sys_code(sys);
	err->sys = sys;
	err->exit = sys_exit(sys);
	snprintf(err->message, sizeof(err->message), "%.*s: %s", room, text,
	    why);
	return err->code;
}

int(vrv_ctx)(struct varve_err *err, const char *fmt, ...)
{
	char text[VARVE_MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);

	size_t have = strlen(err->message);
	if (have + 3 >= sizeof(err->message))
		return err->code;
	size_t room = sizeof(err->message) - have - 3;
	size_t add = strlen(text);
	if (add > room)
		add = room;
	memmove(err->message + add + 2, err->message, have + 1);
	memcpy(err->message, text, add);
	memcpy(err->message + add, ": ", 2);
	return err->code;
}

/* Did memory, descriptors or threads run out? */
static bool
is_exhausted(const struct varve_err *err)
{
	return err->code == VARVE_NOMEM || err->sys == ENOMEM ||
	    err->sys == EMFILE || err->sys == ENFILE || err->sys == EAGAIN;
}

bool
vrv_err_is_fatal(const struct varve_err *err)
{
	return err->code == VARVE_CANCELLED || err->code == VARVE_INTERNAL ||
	    is_exhausted(err);
}

int(vrv_exit)(struct varve_err *err, enum varve_exit status)
{
	if (!is_exhausted(err))
		err->exit = (int)status;
	return err->code;
}

bool
vrv_err_is_damage(const struct varve_err *err)
{
	switch (err->code) {
	case VARVE_CORRUPT:
	case VARVE_AUTH:
	case VARVE_FORMAT:
	case VARVE_LIMIT:
		return true;
	default:
		return false;
	}
}

bool
vrv_err_is_unusable(const struct varve_err *err)
{
	return err->code != 0 && err->code != VARVE_NOENT &&
	    !vrv_err_is_fatal(err);
}

enum varve_exit
vrv_err_exit(const struct varve_err *err)
{
	if (err->code == 0)
		return VARVE_EXIT_SUCCESS;
	/* Statuses between them say something else than what is damaged. */
	if (err->exit == VARVE_EXIT_ERROR && vrv_err_is_damage(err))
		return VARVE_EXIT_INTEGRITY;
	return err->exit;
}

static int
badness(enum varve_exit status)
{
	switch (status) {
	case VARVE_EXIT_SUCCESS:
		return 0;
	case VARVE_EXIT_WARNING:
		return 1;
	case VARVE_EXIT_PERMISSION:
		return 3;
	case VARVE_EXIT_NO_SPACE:
		return 4;
	case VARVE_EXIT_INTEGRITY:
		return 5;
	default:
		return 2;
	}
}

enum varve_exit
vrv_exit_worse(enum varve_exit a, enum varve_exit b)
{
	return badness(b) > badness(a) ? b : a;
}

void
vrv_err_clear(struct varve_err *err)
{
	err->code = 0;
	err->sys = 0;
	err->exit = 0;
	err->message[0] = '\0';
}
