/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/log.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "cli/json.h"
#include "cli/text.h"
#include "util/clock.h"
#include "util/mem.h"

void
vrv_log_write(struct vrv_log *log, const struct vrv_buf *buf)
{
	static const char lost[] = "varve: a message is lost: out of memory\n";
	size_t at = 0;

	if (buf->failed) {
		struct vrv_buf text = {(uint8_t *)(uintptr_t)lost,
		    sizeof(lost) - 1, sizeof(lost) - 1, false};
		vrv_log_write(log, &text);
		return;
	}
	/* Nothing can be done about a terminal that is gone. A pipe that nobody
	 * reads has ended the process, unless SIGPIPE is blocked here: then it
	 * goes to the thread that waits for it. */
	while (at < buf->len) {
		ssize_t n = write(log->fd, buf->data + at, buf->len - at);
		if (n < 0 && errno == EPIPE)
			(void)kill(getpid(), SIGPIPE);
		if (n < 0 && errno != EINTR)
			return;
		at += n > 0 ? (size_t)n : 0;
	}
}

void
vrv_log_clear(struct vrv_log *log)
{
	static const char erase[] = "\r\x1b[K";
	struct vrv_buf buf = {(uint8_t *)(uintptr_t)erase, 4, 4, false};

	if (log->on_line)
		vrv_log_write(log, &buf);
	log->on_line = false;
}

void
vrv_log_line(struct vrv_log *log, const char *text)
{
	vrv_auto_buf struct vrv_buf buf = {0};

	vrv_text_add(&buf, "\r%s\x1b[K", text);
	vrv_log_write(log, &buf);
	log->on_line = true;
}

/* One line of text, in one write with what clears the progress line. */
static void
write_line(struct vrv_log *log, const char *prefix, const char *text)
{
	vrv_auto_buf struct vrv_buf buf = {0};

	vrv_text_add(&buf, "%s%s", log->on_line ? "\r\x1b[K" : "", prefix);
	vrv_text_escape(&buf, text);
	vrv_buf_u8(&buf, '\n');
	vrv_log_write(log, &buf);
	log->on_line = false;
}

static void
write_json(struct vrv_log *log, struct vrv_json *object)
{
	vrv_auto_buf struct vrv_buf buf = {0};

	if (!vrv_json_line(object, &buf))
		buf.failed = true;
	vrv_log_write(log, &buf);
	vrv_json_free(object);
}

static double
unix_time(void)
{
	struct vrv_time now = vrv_time_now();

	return (double)now.s + (double)(now.ns / 1000) / 1e6;
}

static void
write_message(struct vrv_log *log, enum vrv_level level, const char *name,
    const char *msgid, const char *text)
{
	static const char *const names[] = {"DEBUG", "INFO", "WARNING", "ERROR",
	    "CRITICAL"};
	struct vrv_json *o = vrv_json_object();

	vrv_json_str(o, "type", "log_message");
	vrv_json_real(o, "time", unix_time());
	vrv_json_str(o, "message", text);
	vrv_json_str(o, "levelname", names[level]);
	vrv_json_str(o, "name", name);
	if (msgid != NULL)
		vrv_json_str(o, "msgid", msgid);
	write_json(log, o);
}

static void
write_syslog(enum vrv_level level, const char *text)
{
	static const int priorities[] = {LOG_DEBUG, LOG_INFO, LOG_WARNING,
	    LOG_ERR, LOG_CRIT};
	vrv_auto_buf struct vrv_buf buf = {0};

	vrv_text_escape(&buf, text);
	syslog(LOG_DAEMON | priorities[level], "%s", vrv_text_str(&buf));
}

static bool
is_in_background(const struct vrv_log *log)
{
	return log->to_syslog != NULL && atomic_load(log->to_syslog);
}

void
vrv_log(struct vrv_log *log, enum vrv_level level, const char *fmt, ...)
{
	static const char no_memory[] = "a message is lost: out of memory";
	vrv_auto_free char *whole = NULL;
	va_list ap;

	if ((int)level < log->level)
		return;
	va_start(ap, fmt);
	if (vasprintf(&whole, fmt, ap) < 0)
		whole = NULL;
	va_end(ap);
	const char *text = whole != NULL ? whole : no_memory;
	if (is_in_background(log))
		write_syslog(level, text);
	else if (log->json)
		write_message(log, level, "varve", NULL, text);
	else
		write_line(log, "varve: ", text);
}

/* What Borg calls the error with this exit status. */
static const char *
message_id(int status)
{
	static const struct {
		int status;
		const char *id;
	} ids[] = {
	    {VARVE_EXIT_CANCELLED, "CancelledByUser"},
	    {VARVE_EXIT_COMMAND, "CommandError"},
	    {VARVE_EXIT_PLACEHOLDER, "PlaceholderError"},
	    {VARVE_EXIT_REPO_EXISTS, "Repository.AlreadyExists"},
	    {VARVE_EXIT_NO_REPO, "Repository.DoesNotExist"},
	    {VARVE_EXIT_NO_SPACE, "Repository.InsufficientFreeSpaceError"},
	    {VARVE_EXIT_NOT_A_REPO, "Repository.InvalidRepository"},
	    {VARVE_EXIT_BAD_CONFIG, "Repository.InvalidRepositoryConfig"},
	    {VARVE_EXIT_NO_OBJECT, "Repository.ObjectNotFound"},
	    {VARVE_EXIT_PERMISSION, "Repository.PathPermissionDenied"},
	    {VARVE_EXIT_FEATURE, "MandatoryFeatureUnsupported"},
	    {VARVE_EXIT_ARCHIVE_EXISTS, "Archive.AlreadyExists"},
	    {VARVE_EXIT_NO_ARCHIVE, "Archive.DoesNotExist"},
	    {VARVE_EXIT_BAD_KEY, "KeyfileInvalidError"},
	    {VARVE_EXIT_KEY_MISMATCH, "KeyfileMismatchError"},
	    {VARVE_EXIT_NO_KEY_FILE, "KeyfileNotFoundError"},
	    {VARVE_EXIT_NO_KEY, "RepoKeyNotFoundError"},
	    {VARVE_EXIT_NO_PASSPHRASE, "NoPassphraseFailure"},
	    {VARVE_EXIT_PASSCOMMAND, "PasscommandFailure"},
	    {VARVE_EXIT_PASSPHRASE, "PassphraseWrong"},
	    {VARVE_EXIT_REPO_REPLACED, "Cache.CacheInitAbortedError"},
	    {VARVE_EXIT_REPLAY, "Cache.RepositoryReplay"},
	    {VARVE_EXIT_INTEGRITY, "IntegrityError"},
	};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		if (ids[i].status == status)
			return ids[i].id;
	}
	return "Error";
}

void
vrv_log_error(struct vrv_log *log, const struct varve_err *err)
{
	if (is_in_background(log))
		write_syslog(VRV_LOG_ERROR, err->message);
	else if (log->json)
		write_message(log, VRV_LOG_ERROR, "varve",
		    message_id(err->exit), err->message);
	else
		write_line(log, "varve: ", err->message);
}

void
vrv_log_output(struct vrv_log *log, const char *kind, const char *text)
{
	vrv_auto_buf struct vrv_buf name = {0};

	if (!log->json) {
		write_line(log, "", text);
		return;
	}
	vrv_text_add(&name, "varve.output.%s", kind);
	write_message(log, VRV_LOG_INFO, vrv_text_str(&name), NULL, text);
}

void
vrv_log_file(struct vrv_log *log, char status, const char *path)
{
	char prefix[] = {status, ' ', '\0'};

	if (!log->json) {
		write_line(log, prefix, path);
		return;
	}
	struct vrv_json *o = vrv_json_object();
	prefix[1] = '\0';
	vrv_json_str(o, "type", "file_status");
	vrv_json_str(o, "status", prefix);
	vrv_json_str(o, "path", path);
	write_json(log, o);
}
