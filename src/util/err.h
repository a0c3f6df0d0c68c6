/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UTIL_ERR_H
#define UTIL_ERR_H

/*
 * Setting and passing on errors. Within varve `err` is never NULL.
 *
 * The place that detects a failure calls vrv_fail() or vrv_fail_sys(); each
 * level above that knows more puts its context in front with vrv_ctx(). All
 * of them return the code, so that a failing path is one return statement.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <varve/error.h>

#define VRV_MUST __attribute__((warn_unused_result))
#define VRV_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* Set the error to `code` and the formatted message. Returns `code`. */
int vrv_fail(struct varve_err *err, int code, const char *fmt, ...)
    VRV_PRINTF(3, 4);

/* Set the error from an errno value: the message is the formatted text, ": "
 * and the system's word for it. The code is NOENT for ENOENT, EXISTS for
 * EEXIST, NOMEM for ENOMEM and IO for everything else; a full disk and a
 * missing permission get their exit statuses. Returns the code. */
int vrv_fail_sys(struct varve_err *err, int sys, const char *fmt, ...)
    VRV_PRINTF(3, 4);

/* Put the formatted text and ": " before the message. Returns err->code. */
int vrv_ctx(struct varve_err *err, const char *fmt, ...) VRV_PRINTF(2, 3);

/* Put the formatted text behind the message. Returns err->code. */
int vrv_hint(struct varve_err *err, const char *fmt, ...) VRV_PRINTF(2, 3);

/* Format into `to`. Text that is too long loses its middle, which "..." stands
 * for: names stand in front, and the cause at the end must survive. All
 * messages are formatted so. */
void vrv_fit(char *to, size_t size, const char *fmt, va_list) VRV_PRINTF(3, 0);

/* Give the error an exit status of its own, unless memory, descriptors or
 * threads ran out: a key that could not be read for that is not a wrong one.
 * Returns err->code. */
int vrv_exit(struct varve_err *err, enum varve_exit status);

/* For the compiler: what these return is never 0. */
static inline int
vrv_failed(int code)
{
	if (code == 0)
		__builtin_unreachable();
	return code;
}
#define vrv_fail(...) vrv_failed((vrv_fail)(__VA_ARGS__))
#define vrv_fail_sys(...) vrv_failed((vrv_fail_sys)(__VA_ARGS__))
#define vrv_ctx(...) vrv_failed((vrv_ctx)(__VA_ARGS__))
#define vrv_hint(...) vrv_failed((vrv_hint)(__VA_ARGS__))
#define vrv_exit(...) vrv_failed((vrv_exit)(__VA_ARGS__))

/*
 * What an error says about the thing that was examined. These three are the
 * only place that decides it: whoever skips a bad object, counts damage or
 * chooses an exit status asks here.
 *
 * True for errors of the run itself, which say nothing about the data: memory,
 * descriptors or threads ran out, the run was cancelled, or a bug.
 */
bool vrv_err_is_fatal(const struct varve_err *err);
/* True if stored bytes are not what a writer stored, or cannot be understood:
 * CORRUPT, AUTH, FORMAT, LIMIT. Only this is damage (exit status 90 of
 * check): an object that the system refused to read may be whole. */
bool vrv_err_is_damage(const struct varve_err *err);
/* True if one object cannot be used, by damage or because the system refused
 * it (EACCES, EIO, ELOOP, a directory in its place). It is reported and
 * counted, and stops only what needs this object. False for a fatal error and
 * for NOENT, which a reader has to judge itself. */
bool vrv_err_is_unusable(const struct varve_err *err);

/* The exit status that an error stands for: that of damage for all that
 * vrv_err_is_damage() calls so, else its own. Of several errors the worst one
 * decides; from the worst on: damage of the repository, no space, no
 * permission, any other. 0 is no error. */
enum varve_exit vrv_err_exit(const struct varve_err *err);
enum varve_exit vrv_exit_worse(enum varve_exit a, enum varve_exit b);

/* Make `err` hold no error. */
void vrv_err_clear(struct varve_err *err);

#endif
