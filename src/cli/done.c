/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/done.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "cli/text.h"
#include "util/mem.h"

static void
count(struct vrv_buf *text, uint64_t n, const char *noun)
{
	vrv_text_add(text, "%" PRIu64 " %s%s", n, noun, vrv_plural(n));
}

static void
counts(struct vrv_buf *text, const struct vrv_done *done, bool iec)
{
	bool items = done->items != VRV_DONE_UNKNOWN;
	bool files = done->files != VRV_DONE_UNKNOWN;

	vrv_text_add(text, ": ");
	if (items)
		count(text, done->items, "item");
	if (items && files)
		vrv_text_add(text, " (");
	if (files)
		count(text, done->files, "file");
	vrv_text_add(text, items && files ? "), " : ", ");
	vrv_text_size(text, (int64_t)done->bytes, iec, 2, false);
	vrv_text_add(text, ", ");
	count(text, done->warnings, "warning");
}

void
vrv_cli_done(struct vrv_cli *cli, const struct vrv_done *done, const char *fmt,
    ...)
{
	vrv_auto_buf struct vrv_buf text = {0};
	vrv_auto_free char *what = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&what, fmt, ap) < 0)
		what = NULL;
	va_end(ap);
	if (what != NULL)
		vrv_text_add(&text, "%s", what);
	text.failed = text.failed || what == NULL;
	if (done != NULL)
		counts(&text, done, cli->common.iec);
	vrv_log(&cli->log, VRV_LOG_INFO, "%s", vrv_text_str(&text));
}
