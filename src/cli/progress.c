/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/progress.h"

#include <sys/ioctl.h>

#include <inttypes.h>
#include <signal.h>
#include <unistd.h>

#include "cli/json.h"
#include "cli/text.h"
#include "util/clock.h"
#include "util/mem.h"

#define NS_PER_LINE 100000000u

static size_t
terminal_columns(int fd)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return 80;
	return size.ws_col;
}

/* Leave a clean line, then end as the signal says. */
static void
erase_and_die(int sig)
{
	if (write(STDERR_FILENO, "\r\x1b[K", 4) >= 0)
		(void)raise(sig);
	else
		_exit(128 + sig);
}

static void
handle_signals(void (*handler)(int), void (*instead_of)(int))
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	struct sigaction now,
	    then = {.sa_handler = handler,
		.sa_flags = SA_RESETHAND | SA_NODEFER};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		if (sigaction(signals[i], NULL, &now) == 0 &&
		    now.sa_handler == instead_of)
			(void)sigaction(signals[i], &then, NULL);
	}
}

void
vrv_progress_start(struct vrv_progress *p, struct vrv_log *log, bool wanted,
    bool iec, const char *msgid)
{
	bool tty = isatty(log->fd) == 1;

	*p = (struct vrv_progress){
	    .log = log,
	    .msgid = msgid,
	    .shown = wanted && (log->json || tty),
	    .iec = iec,
	    .start = vrv_ticks(),
	    .columns = tty ? terminal_columns(log->fd) : 80,
	};
	if (p->shown && !log->json)
		handle_signals(erase_and_die, SIG_DFL);
}

static void
add_clock(struct vrv_buf *buf, double seconds)
{
	uint64_t s = (uint64_t)seconds;

	vrv_text_add(buf, "%" PRIu64 ":%02u:%02u", s / 3600,
	    (unsigned)(s / 60 % 60), (unsigned)(s % 60));
}

static void
add_counts(struct vrv_buf *buf, const struct varve_progress *p, bool creating,
    bool iec)
{
	vrv_text_size(buf, (int64_t)p->original, iec, 2, false);
	if (!creating)
		return;
	vrv_text_add(buf, " O ");
	vrv_text_size(buf, (int64_t)p->compressed, iec, 2, false);
	vrv_text_add(buf, " C ");
	vrv_text_size(buf, (int64_t)p->deduplicated, iec, 2, false);
	vrv_text_add(buf, " D %" PRIu64 " N", p->files);
}

void
vrv_progress_text(struct vrv_buf *buf, const struct varve_progress *p,
    const char *path, double seconds, bool creating, bool iec, size_t columns)
{
	vrv_auto_buf struct vrv_buf head = {0};

	add_counts(&head, p, creating, iec);
	if (seconds > 0) {
		vrv_text_add(&head, " ");
		vrv_text_size(&head, (int64_t)((double)p->original / seconds),
		    iec, 1, false);
		vrv_text_add(&head, "/s");
	}
	if (p->total > 0) {
		double part = (double)p->current / (double)p->total;
		part = part > 1 ? 1 : part;
		vrv_text_add(&head, " %.0f%%", part * 100);
		if (part > 0 && part < 1) {
			vrv_text_add(&head, " ETA ");
			add_clock(&head, seconds * (1 - part) / part);
		}
	}
	size_t used =
	    head.failed ? 0 : vrv_text_width((const char *)head.data, head.len);
	vrv_text_fit(buf, vrv_text_part(buf, &head), columns);
	if (path != NULL && used + 1 < columns) {
		vrv_buf_u8(buf, ' ');
		vrv_text_fit(buf, path, columns - used - 1);
	}
}

static void
write_object(struct vrv_progress *p, struct vrv_json *o)
{
	vrv_auto_buf struct vrv_buf buf = {0};

	if (!vrv_json_line(o, &buf))
		buf.failed = true;
	vrv_log_write(p->log, &buf);
	vrv_json_free(o);
}

static double
unix_time(void)
{
	struct vrv_time now = vrv_time_now();

	return (double)now.s + (double)(now.ns / 1000) / 1e6;
}

static void
archive_object(struct vrv_progress *p, const struct varve_progress *at,
    const char *path)
{
	struct vrv_json *o = vrv_json_object();

	if (at != NULL) {
		vrv_json_int(o, "original_size", at->original);
		vrv_json_int(o, "compressed_size", at->compressed);
		vrv_json_int(o, "deduplicated_size", at->deduplicated);
		vrv_json_int(o, "nfiles", at->files);
		vrv_json_str(o, "path", path != NULL ? path : "");
	}
	vrv_json_real(o, "time", unix_time());
	vrv_json_str(o, "type", "archive_progress");
	vrv_json_bool(o, "finished", at == NULL);
	write_object(p, o);
}

static void
percent_object(struct vrv_progress *p, const struct varve_progress *at,
    const char *path)
{
	struct vrv_json *o = vrv_json_object();

	if (at != NULL) {
		vrv_auto_buf struct vrv_buf text = {0};
		double part = at->total > 0 ?
		    100 * (double)at->current / (double)at->total :
		    0;
		vrv_text_add(&text, "%5.1f%%%s%s", part,
		    path != NULL ? " " : "", path != NULL ? path : "");
		vrv_json_buf(o, "message", &text);
		vrv_json_int(o, "current", at->current);
		vrv_json_int(o, "total", at->total);
		vrv_json_strings(o, "info", &path, path != NULL);
	}
	vrv_json_int(o, "operation", 1);
	vrv_json_str(o, "msgid", p->msgid);
	vrv_json_str(o, "type", "progress_percent");
	vrv_json_bool(o, "finished", at == NULL);
	vrv_json_real(o, "time", unix_time());
	write_object(p, o);
}

static void
show_object(struct vrv_progress *p, const struct varve_progress *at,
    const char *path)
{
	if (p->msgid == NULL)
		archive_object(p, at, path);
	else
		percent_object(p, at, path);
}

void
vrv_progress_update(struct vrv_progress *p, const struct varve_progress *at,
    const char *path)
{
	uint64_t now = vrv_ticks();

	if (!p->shown || (p->last != 0 && now - p->last < NS_PER_LINE))
		return;
	p->last = now;
	if (p->log->json) {
		show_object(p, at, path);
		return;
	}
	/* The last column is left free: some terminals wrap there. */
	vrv_auto_buf struct vrv_buf line = {0};
	vrv_progress_text(&line, at, path, (double)(now - p->start) / 1e9,
	    p->msgid == NULL, p->iec, p->columns - 1);
	vrv_log_line(p->log, vrv_text_str(&line));
}

void
vrv_progress_end(struct vrv_progress *p)
{
	if (!p->shown)
		return;
	if (p->log->json) {
		show_object(p, NULL, NULL);
	} else {
		vrv_log_clear(p->log);
		handle_signals(SIG_DFL, erase_and_die);
	}
	p->shown = false;
}
