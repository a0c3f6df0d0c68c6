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

/* Between two lines where there is no terminal, so that a log stays short. */
#define NS_PER_LOG_LINE UINT64_C(10000000000)

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
	*p = (struct vrv_progress){
	    .log = log,
	    .msgid = msgid,
	    .shown = wanted,
	    .tty = !log->json && isatty(log->fd) == 1,
	    .iec = iec,
	    .start = vrv_ticks(),
	};
	if (p->shown && p->tty)
		handle_signals(erase_and_die, SIG_DFL);
}

static void
add_clock(struct vrv_buf *buf, double seconds)
{
	uint64_t s = (uint64_t)seconds;

	vrv_text_add(buf, "%" PRIu64 ":%02u:%02u", s / 3600,
	    (unsigned)(s / 60 % 60), (unsigned)(s % 60));
}

/* Parts of the line, in its order. Where it is too narrow for all of them,
 * those of the highest rank go first. */
enum {
	SIZE,
	COMPRESSED,
	DEDUPLICATED,
	FILES,
	SPEED,
	PERCENT,
	ETA,
	PARTS
};
static const unsigned ranks[PARTS] = {[SPEED] = 1,
    [PERCENT] = 2,
    [ETA] = 3,
    [FILES] = 4,
    [DEDUPLICATED] = 5,
    [COMPRESSED] = 6};

static void
add_counts(struct vrv_buf parts[PARTS], const struct varve_progress *p,
    bool creating, bool iec)
{
	if (!creating && p->original == 0 && p->files > 0) {
		vrv_text_add(&parts[SIZE], "%" PRIu64 " N", p->files);
		return;
	}
	vrv_text_size(&parts[SIZE], (int64_t)p->original, iec, 2, false);
	if (!creating)
		return;
	vrv_text_add(&parts[SIZE], " O");
	vrv_text_size(&parts[COMPRESSED], (int64_t)p->compressed, iec, 2,
	    false);
	vrv_text_add(&parts[COMPRESSED], " C");
	vrv_text_size(&parts[DEDUPLICATED], (int64_t)p->deduplicated, iec, 2,
	    false);
	vrv_text_add(&parts[DEDUPLICATED], " D");
	vrv_text_add(&parts[FILES], "%" PRIu64 " N", p->files);
}

static void
add_speed(struct vrv_buf parts[PARTS], const struct varve_progress *p,
    double seconds, bool iec)
{
	if (seconds > 0 && p->original > 0) {
		vrv_text_size(&parts[SPEED],
		    (int64_t)((double)p->original / seconds), iec, 1, false);
		vrv_text_add(&parts[SPEED], "/s");
	}
	if (p->total == 0)
		return;
	double part = (double)p->current / (double)p->total;
	part = part > 1 ? 1 : part;
	vrv_text_add(&parts[PERCENT], "%.0f%%", part * 100);
	/* What the first moments say of the rest is nonsense. */
	if (part > 0 && part < 1 && seconds >= 1) {
		vrv_text_add(&parts[ETA], "ETA ");
		add_clock(&parts[ETA], seconds * (1 - part) / part);
	}
}

/* Append those parts that fit, with blanks between them. */
static void
add_parts(struct vrv_buf *buf, struct vrv_buf parts[PARTS], size_t columns)
{
	size_t used = 0;
	bool first = true;

	/* Where there is no terminal, columns is SIZE_MAX. */
	columns += columns < SIZE_MAX;
	for (unsigned i = 0; i < PARTS; i++)
		used += parts[i].len > 0 ? parts[i].len + 1 : 0;
	for (unsigned rank = PARTS - 1; rank > 0 && used > columns; rank--)
		for (unsigned i = 0; i < PARTS; i++) {
			if (ranks[i] != rank || parts[i].len == 0)
				continue;
			used -= parts[i].len + 1;
			vrv_buf_clear(&parts[i]);
		}
	for (unsigned i = 0; i < PARTS; i++) {
		if (parts[i].len == 0 && !parts[i].failed)
			continue;
		vrv_text_add(buf, "%s%s", first ? "" : " ",
		    vrv_text_part(buf, &parts[i]));
		first = false;
	}
}

void
vrv_progress_text(struct vrv_buf *buf, const struct varve_progress *p,
    const char *path, double seconds, bool creating, bool iec, size_t columns)
{
	struct vrv_buf parts[PARTS] = {0};
	vrv_auto_buf struct vrv_buf head = {0};

	add_counts(parts, p, creating, iec);
	add_speed(parts, p, seconds, iec);
	/* The path gets a third of the line at least. */
	add_parts(&head, parts, path == NULL ? columns : columns / 3 * 2);
	for (unsigned i = 0; i < PARTS; i++)
		vrv_buf_fini(&parts[i]);
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

/* The last column stays free: some terminals wrap there. */
static size_t
columns_of(const struct vrv_progress *p)
{
	struct winsize size;

	if (!p->tty)
		return SIZE_MAX;
	if (ioctl(p->log->fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return 80 - 1;
	return size.ws_col - 1u;
}

void
vrv_progress_update(struct vrv_progress *p, const struct varve_progress *at,
    const char *path)
{
	vrv_auto_buf struct vrv_buf line = {0};
	uint64_t now = vrv_ticks();

	if (!p->shown)
		return;
	if (p->log->json) {
		show_object(p, at, path);
		return;
	}
	if (!p->tty && !at->finished && p->last != 0 &&
	    now - p->last < NS_PER_LOG_LINE)
		return;
	p->last = now;
	vrv_progress_text(&line, at, path, (double)(now - p->start) / 1e9,
	    p->msgid == NULL, p->iec, columns_of(p));
	if (p->tty) {
		vrv_log_line(p->log, vrv_text_str(&line));
	} else {
		vrv_buf_u8(&line, '\n');
		vrv_log_write(p->log, &line);
	}
}

void
vrv_progress_end(struct vrv_progress *p)
{
	if (!p->shown)
		return;
	if (p->log->json) {
		show_object(p, NULL, NULL);
	} else if (p->tty) {
		vrv_log_clear(p->log);
		handle_signals(SIG_DFL, erase_and_die);
	}
	p->shown = false;
}
