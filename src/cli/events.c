/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/cli.h"

#include <inttypes.h>
#include <string.h>

void
vrv_events_start(struct vrv_events *events, struct vrv_cli *cli,
    const char *msgid)
{
	events->cli = cli;
	vrv_progress_start(&events->progress, &cli->log, cli->common.progress,
	    cli->common.iec, msgid);
}

void
vrv_events_end(struct vrv_events *events)
{
	vrv_progress_end(&events->progress);
}

/* "path: message", or what there is of the two. */
static void
say(struct vrv_events *events, enum vrv_level level,
    const struct varve_event *e)
{
	vrv_log(&events->cli->log, level, "%s%s%s",
	    e->path != NULL ? e->path : "",
	    e->path != NULL && e->message != NULL ? ": " : "",
	    e->message != NULL ? e->message : "");
}

static void
file_event(struct vrv_events *events, const struct varve_event *e)
{
	if (!events->list || e->path == NULL)
		return;
	if (events->only_paths)
		vrv_log_output(&events->cli->log, "list", e->path);
	else if (events->filter == NULL ||
	    (e->status != '\0' && strchr(events->filter, e->status) != NULL))
		vrv_log_file(&events->cli->log, e->status, e->path);
}

static void
add_finding(struct vrv_events *events, const struct varve_event *e)
{
	struct vrv_json *j = events->findings;

	if (j == NULL || events->problems >= VRV_FINDINGS_MAX)
		return;
	vrv_json_begin(j, NULL);
	if (e->path != NULL)
		vrv_json_str(j, "path", e->path);
	vrv_json_str(j, "message", e->message != NULL ? e->message : "");
	vrv_json_end(j);
}

static void
add_archive(struct vrv_events *events, const struct varve_event *e)
{
	if (events->findings == NULL ||
	    events->n_archives++ >= VRV_FINDINGS_MAX)
		return;
	vrv_buf_bytes(&events->archives, e->message, strlen(e->message) + 1);
	vrv_buf_bytes(&events->archives, e->path, strlen(e->path) + 1);
}

void
vrv_events_fn(void *arg, const struct varve_event *e)
{
	struct vrv_events *events = arg;

	switch (e->type) {
	case VARVE_EVENT_PROGRESS:
		vrv_progress_update(&events->progress, e->progress, e->path);
		break;
	case VARVE_EVENT_FILE:
		file_event(events, e);
		break;
	case VARVE_EVENT_INFO:
		say(events, VRV_LOG_INFO, e);
		break;
	case VARVE_EVENT_NOTE:
		say(events, VRV_LOG_WARNING, e);
		break;
	case VARVE_EVENT_WARNING:
		say(events, VRV_LOG_WARNING, e);
		events->cli->warned = true;
		break;
	case VARVE_EVENT_PROBLEM:
		say(events, VRV_LOG_ERROR, e);
		add_finding(events, e);
		events->problems++;
		events->damaged = events->damaged || e->sys == 0;
		break;
	case VARVE_EVENT_ARCHIVE:
		add_archive(events, e);
		break;
	}
}

int
vrv_cli_findings(uint64_t problems, uint64_t unread, uint64_t denied,
    const char *rest, struct varve_err *err)
{
	const char *some = problems == 1 ? "problem" : "problems";

	if (problems > unread)
		return vrv_fail(err, VARVE_CORRUPT, "%" PRIu64 " %s found%s",
		    problems, some, rest);
	vrv_fail(err, VARVE_IO,
	    "%" PRIu64 " %s found, no damage: what could not be read may be "
	    "whole%s",
	    problems, some, rest);
	return vrv_exit(err,
	    denied == unread ? VARVE_EXIT_PERMISSION : VARVE_EXIT_ERROR);
}
