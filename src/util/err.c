/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
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

void
vrv_fit(char *to, size_t size, const char *fmt, va_list ap)
{
	static const char gap[] = "...";
	const size_t left_out = sizeof(gap) - 1;
	va_list again;
	char *whole = NULL;

	va_copy(again, ap);
	int n = vsnprintf(to, size, fmt, ap);
	/* Without memory the end is lost. */
	if (n >= 0 && (size_t)n >= size && size > 2 * left_out &&
	    vasprintf(&whole, fmt, again) >= 0) {
		size_t head = (size - 1 - left_out) / 3;
		size_t tail = size - 1 - left_out - head;

		memcpy(to + head, gap, left_out);
		memcpy(to + head + left_out, whole + strlen(whole) - tail,
		    tail + 1);
		free(whole);
	}
	va_end(again);
}

/* The same for the message; what is formatted may be that message. */
static void VRV_PRINTF(2, 3)
    set_message(struct varve_err *err, const char *fmt, ...)
{
	char text[VARVE_MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vrv_fit(text, sizeof(text), fmt, ap);
	va_end(ap);
	memcpy(err->message, text, sizeof(text));
}

int(vrv_fail)(struct varve_err *err, int code, const char *fmt, ...)
{
	va_list ap;

	err->code = code;
	err->sys = 0;
	err->cause = 0;
	err->exit =
	    code == VARVE_CORRUPT ? VARVE_EXIT_INTEGRITY : VARVE_EXIT_ERROR;
	va_start(ap, fmt);
	vrv_fit(err->message, sizeof(err->message), fmt, ap);
	va_end(ap);
	return code;
}

int(vrv_fail_sys)(struct varve_err *err, int sys, const char *fmt, ...)
{
	char text[VARVE_MESSAGE_MAX], word[128];
	va_list ap;

	va_start(ap, fmt);
	vrv_fit(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* The GNU strerror_r, which may return a constant of its own. */
	const char *why = strerror_r(sys, word, sizeof(word));

	err->code = sys_code(sys);
	err->sys = sys;
	err->exit = sys_exit(sys);
	err->cause = 0;
	set_message(err, "%s: %s", text, why);
	return err->code;
}

int(vrv_ctx)(struct varve_err *err, const char *fmt, ...)
{
	char text[VARVE_MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vrv_fit(text, sizeof(text), fmt, ap);
	va_end(ap);
	set_message(err, "%s: %s", text, err->message);
	return err->code;
}

int(vrv_hint)(struct varve_err *err, const char *fmt, ...)
{
	char text[VARVE_MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vrv_fit(text, sizeof(text), fmt, ap);
	va_end(ap);
	set_message(err, "%s%s", err->message, text);
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
	err->cause = 0;
	err->message[0] = '\0';
}
