/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "check/check_internal.h"
#include "util/buf.h"
#include "util/causes.h"
#include "util/hex.h"
#include "util/mem.h"

#define CACHE_BYTES ((size_t)16 << 20)
#define PATHS_MAX 1000 /* reported of one archive */
#define NAMES_MAX 10   /* archives that the summary names */
#define NAMES_BYTES 500

/*
 * A finding names an object; this says what it costs. Chunks are only tried
 * that have a copy in a suspect pack or no copy at all, and only those that
 * cannot be read from anywhere count.
 */
struct trace {
	struct vrv_check *check;
	const struct vrv_archive *archive;
	struct vrv_map *met; /* directory's prefix to whether all is sound */
	struct vrv_reader *reader;
	struct vrv_meta_source source;
	struct vrv_causes *causes;
	size_t number; /* of the archive */
	bool more;     /* paths of an archive beyond PATHS_MAX */
	uint64_t paths;
};

static int
try_chunk(void *arg, enum vrv_frame_kind kind, const uint8_t id[VRV_ID_SIZE],
    uint64_t length, struct varve_err *err)
{
	struct trace *trace = arg;
	struct vrv_location at[VRV_COPIES_MAX];
	const uint8_t *bytes;
	uint32_t n = 0;
	size_t is;

	int rc = vrv_repo_locate(trace->check->repo, id, at, VRV_COPIES_MAX, &n,
	    err);
	bool suspect = rc != 0 || vrv_check_length_is_wrong(trace->check, id);
	for (uint32_t i = 0; rc == 0 && i < n; i++)
		if (vrv_map_get(trace->check->suspects, at[i].pack) != NULL)
			suspect = true;
	if (!suspect)
		return 0;
	rc = vrv_reader_get(trace->reader, kind, id, &bytes, &is, err);
	if (rc == 0 && is != length)
		rc = vrv_fail(err, VARVE_CORRUPT,
		    "a chunk is %zu bytes long instead of %llu", is,
		    (unsigned long long)length);
	return rc;
}

static int
on_damaged(void *arg, const char *path, struct varve_err *err)
{
	struct trace *trace = arg;
	const struct vrv_text *name = &trace->archive->sealed.name;

	if (vrv_err_is_fatal(err))
		return err->code;
	trace->check->bad[trace->number] = true;
	if (++trace->paths > PATHS_MAX) {
		trace->more = true;
		return 0;
	}
	if (vrv_causes_add(trace->causes, trace->number, path, err)) {
		(void)vrv_ctx(err, "cannot be restored from archive '%.*s'",
		    (int)vrv_min(name->n, 200), (const char *)name->p);
		vrv_check_tell(trace->check, VARVE_EVENT_INFO, path,
		    err->message);
		return 0;
	}
	(void)vrv_ctx(err, "cannot be restored from archive '%.*s'",
	    (int)vrv_min(name->n, 200), (const char *)name->p);
	vrv_check_consequence(trace->check, path, err);
	return 0;
}

static bool
on_enter(void *arg, const struct vrv_ref *ref)
{
	struct trace *trace = arg;

	const bool *sound = vrv_map_get(trace->met, ref->id);

	/* What is damaged is met again for the paths that lead to it, until
	 * there are enough of them. */
	return sound == NULL || (!*sound && trace->paths <= PATHS_MAX);
}

static int
on_entry(void *arg, const char *path, const struct vrv_entry *entry,
    bool *ret_bad, struct varve_err *err)
{
	struct trace *trace = arg;

	int rc =
	    vrv_entry_sized(&trace->source, entry, NULL, try_chunk, trace, err);
	if (rc == 0)
		return 0;
	*ret_bad = true;
	rc = on_damaged(trace, path, err);
	vrv_err_clear(err);
	return rc;
}

static void
on_left(void *arg, const struct vrv_ref *ref, bool bad)
{
	struct trace *trace = arg;

	/* Without room the directory is read once more, that is all. */
	if (vrv_map_count(trace->met) >= VRV_SEEN_MAX)
		return;
	bool *sound = vrv_map_put(trace->met, ref->id, NULL);
	if (sound != NULL)
		*sound = !bad;
}

static int
trace_archive(struct trace *trace, struct varve_err *err)
{
	const struct vrv_tour tour = {
	    .source = trace->source,
	    .arg = trace,
	    .enter = on_enter,
	    .entry = on_entry,
	    .left = on_left,
	    .damaged = on_damaged,
	};
	struct varve_err more = {0};

	trace->paths = 0;
	int rc = vrv_tour_run(&tour, trace->archive, err);
	if (rc != 0 || trace->paths <= PATHS_MAX)
		return rc;
	const struct vrv_text *name = &trace->archive->sealed.name;
	(void)vrv_fail(&more, VARVE_CORRUPT,
	    "at least %llu more paths cannot be restored from archive '%.*s'",
	    (unsigned long long)(trace->paths - PATHS_MAX),
	    (int)vrv_min(name->n, 200), (const char *)name->p);
	vrv_check_consequence(trace->check, NULL, &more);
	return 0;
}

/* --- results --- */

static void
tell_cause(void *arg, const struct vrv_cause *cause)
{
	struct trace *trace = arg;
	struct varve_err why = *cause->err;

	(void)vrv_ctx(&why,
	    "%s%llu %s cannot be restored from %llu %s, first '%.300s'",
	    trace->more ? "at least " : "", (unsigned long long)cause->paths,
	    cause->paths == 1 ? "path" : "paths",
	    (unsigned long long)cause->groups,
	    cause->groups == 1 ? "archive" : "archives", cause->path);
	vrv_check_consequence(trace->check, NULL, &why);
}

static void
tell_causes(struct trace *trace)
{
	struct varve_err more = {0};

	uint64_t n = vrv_causes_each(trace->causes, tell_cause, trace);
	if (n == 0)
		return;
	(void)vrv_fail(&more, VARVE_CORRUPT,
	    "%llu more paths of archives cannot be restored",
	    (unsigned long long)n);
	vrv_check_consequence(trace->check, NULL, &more);
}

/* An archive is damaged too if its own object is, even where this client has
 * it in its cache. `ret_unread` are such objects of no archive of the check. */
static void
count_objects(struct vrv_check *check, size_t *ret_unread)
{
	const struct vrv_listed *item;

	*ret_unread = 0;
	for (size_t i = 0; i < check->n_items; i++)
		*ret_unread += check->items[i].bad &&
		    check->items[i].name.type == VRV_ARCHIVE;
	for (size_t i = 0; i < check->n_archives; i++) {
		item = vrv_check_find(check, VRV_ARCHIVE,
		    check->archives[i]->object.id);
		if (item == NULL || !item->bad)
			continue;
		check->bad[i] = true;
		--*ret_unread;
	}
}

/* What is damaged, as an event for each, and the names of the first few: of
 * 17,520 not all. */
static int
tell_damaged(struct vrv_check *check, struct vrv_buf *names,
    struct varve_err *err)
{
	size_t bad = 0, named = 0;

	for (size_t i = 0; i < check->n_archives; i++) {
		const struct vrv_archive *at = check->archives[i];
		const struct vrv_text *text = &at->sealed.name;
		char id[2 * VRV_LOGICAL_ID + 1];
		if (!check->bad[i])
			continue;
		bad++;
		vrv_auto_free char *name = vrv_dup(text->p, text->n);
		if (name == NULL)
			return VRV_NOMEM(err, "a summary");
		vrv_hex(id, at->clear.logical, VRV_LOGICAL_ID);
		vrv_check_tell(check, VARVE_EVENT_ARCHIVE, name, id);
		if (named >= NAMES_MAX || names->len > NAMES_BYTES)
			continue;
		named++;
		vrv_buf_bytes(names, named == 1 ? ": '" : ", '", 3);
		vrv_buf_bytes(names, text->p, vrv_min(text->n, 200));
		vrv_buf_u8(names, '\'');
	}
	if (bad > named)
		vrv_buf_bytes(names, " and more", 9);
	vrv_buf_u8(names, '\0');
	check->result.archives_damaged = bad;
	return vrv_buf_check(names, err);
}

/* Of `bad` archives of `all`: what is damaged, and what is not. */
static char *
summary(size_t bad, size_t all, const char *names)
{
	size_t sound = all - bad;

	if (bad == 0)
		return vrv_strf("no damage was found in %zu archive%s", all,
		    all == 1 ? "" : "s");
	vrv_auto_free char *others = sound == 0 ?
	    vrv_strf("%s", "") :
	    sound == 1 ?
	    vrv_strf("; no damage was found in the other") :
	    vrv_strf("; no damage was found in the other %zu", sound);
	if (others == NULL)
		return NULL;
	return vrv_strf("%zu of %zu archive%s %s damaged%s%s", bad, all,
	    all == 1 ? "" : "s", bad == 1 ? "is" : "are", names, others);
}

static int
tell_archives(struct vrv_check *check, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf names = {0};
	size_t unread;

	count_objects(check, &unread);
	int rc = tell_damaged(check, &names, err);
	if (rc != 0)
		return rc;
	vrv_auto_free char *archives = summary(check->result.archives_damaged,
	    check->n_archives, (const char *)names.data);
	vrv_auto_free char *message = archives == NULL || unread == 0 ?
	    NULL :
	    vrv_strf("%s; %zu more archive object%s damaged", archives, unread,
		unread == 1 ? " is" : "s are");
	if (archives == NULL || (unread > 0 && message == NULL))
		return VRV_NOMEM(err, "a summary");
	vrv_check_tell(check, VARVE_EVENT_NOTE, NULL,
	    unread > 0 ? message : archives);
	return 0;
}

int
vrv_check_trace(struct vrv_check *check,
    const struct vrv_archive *const *archives, size_t n, struct varve_err *err)
{
	struct trace trace = {.check = check};

	int rc = vrv_reader_new(check->repo, CACHE_BYTES, &trace.reader, err);
	if (rc != 0)
		return rc;
	vrv_reader_remember(trace.reader, check->failures);
	trace.source = vrv_meta_from_reader(trace.reader);
	trace.met = vrv_map_new(VRV_PREFIX_SIZE, sizeof(bool));
	trace.causes = vrv_causes_new();
	if (trace.met == NULL || trace.causes == NULL)
		rc = VRV_NOMEM(err, "a trace");
	for (size_t i = 0; rc == 0 && i < n; i++) {
		trace.archive = archives[i];
		trace.number = i;
		rc = trace_archive(&trace, err);
	}
	if (rc == 0)
		tell_causes(&trace);
	if (rc == 0)
		rc = tell_archives(check, err);
	vrv_causes_free(trace.causes);
	vrv_map_free(trace.met);
	vrv_reader_free(trace.reader);
	return rc;
}
