/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/versions.h"

#include <inttypes.h>
#include <string.h>

#include "cli/item.h"
#include "cli/placeholders.h"
#include "cli/select.h"
#include "cli/text.h"
#include "util/mem.h"

bool
vrv_cli_catalog_of_series(void *versions, const struct varve_archive *a)
{
	const struct vrv_cli_catalog *v = versions;

	if (v->series == NULL || vrv_glob_match(v->series, a->series, false))
		return true;
	vrv_auto_free char *whole = vrv_strf("%s:%s", a->host, a->series);
	return whole != NULL && vrv_glob_match(v->series, whole, false);
}

int
vrv_cli_catalog_open(struct vrv_cli_catalog *v, struct vrv_cli *cli,
    const char *path, const char *series, bool no_update, struct varve_err *err)
{
	int rc = 0;

	*v = (struct vrv_cli_catalog){.cli = cli,
	    .options = VARVE_CATALOG_OPTIONS_INIT,
	    .host = vrv_host_name()};
	if (v->host == NULL)
		return VRV_NOMEM(err, "names");
	if (series != NULL)
		rc = vrv_glob_new(series, VRV_GLOB_FNMATCH, &v->series, err);
	if (rc == 0)
		rc = vrv_cli_open(cli, path, false, &v->repo, err);
	if (rc == 0)
		rc = vrv_archives(cli, v->repo, &v->list, err);
	if (rc != 0)
		return rc;
	v->options.host = v->host;
	if (v->series != NULL)
		v->options.series = vrv_cli_catalog_of_series;
	v->options.series_arg = v;
	v->options.no_update = no_update;
	v->options.event = vrv_events_fn;
	v->options.event_arg = &v->events;
	vrv_events_start(&v->events, cli, "catalog");
	return varve_catalog_open(v->repo, v->list, &v->options, &v->catalog,
	    err);
}

void
vrv_cli_catalog_close(struct vrv_cli_catalog *v)
{
	varve_catalog_close(v->catalog);
	if (v->events.cli != NULL)
		vrv_events_end(&v->events);
	vrv_archives_cleanup(&v->list);
	varve_repo_close(v->repo);
	vrv_glob_free(v->series);
	free(v->host);
}

void
vrv_version_span(struct vrv_buf *text, const struct varve_version *version)
{
	vrv_buf_u8(text, '[');
	vrv_text_escape(text, version->first->name);
	if (version->archives > 1) {
		vrv_text_add(text, " .. ");
		vrv_text_escape(text, version->last->name);
		vrv_text_add(text, ": %" PRIu64, version->archives);
	}
	vrv_buf_u8(text, ']');
}

/* --- JSON --- */

static void
json_archive(struct vrv_json *j, const char *key, const struct varve_archive *a)
{
	vrv_json_begin(j, key);
	vrv_json_str(j, "name", a->name);
	vrv_json_str(j, "id", a->id);
	vrv_json_time(j, "time", (struct varve_time){a->nominal.s, 0});
	vrv_json_end(j);
}

void
vrv_version_json(struct vrv_json *j, const struct varve_version *version)
{
	const struct varve_item *item = version->item;
	const struct vrv_item_at at = {item, version->last};
	vrv_auto_format format = NULL;
	struct varve_err unused;

	if (item != NULL) {
		/* Its keys are what an item has beside those of list. */
		if (vrv_format_new("{size}{mtime}{ctime}", vrv_item_keys,
			&format, &unused) != 0) {
			vrv_json_fail(j);
			return;
		}
		vrv_item_json(j, &at, format);
		vrv_json_str(j, "content", version->content);
	} else {
		vrv_json_str(j, "path", version->path);
	}
	vrv_json_str(j, "hostname", version->last->host);
	vrv_json_str(j, "series", version->last->series);
	json_archive(j, "first", version->first);
	json_archive(j, "last", version->last);
	vrv_json_int(j, "archives", version->archives);
}
