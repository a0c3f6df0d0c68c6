/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/item.h"

#include <inttypes.h>
#include <string.h>

#include "cli/text.h"
#include "cli/timetext.h"

const char *const vrv_item_keys[] = {"type", "mode", "uid", "gid", "user",
    "group", "path", "bpath", "source", "linktarget", "flags", "size",
    "num_chunks", "mtime", "ctime", "atime", "isomtime", "isoctime", "isoatime",
    "archiveid", "archivename", "extra", "health", NULL};

const char *const vrv_archive_keys[] = {"archive", "name", "barchive",
    "comment", "bcomment", "id", "start", "time", "end", "command_line",
    "hostname", "username", "series", "complete", "extra", NULL};

static char
type_letter(enum varve_kind kind)
{
	static const char letters[] = {
	    [VARVE_FILE] = '-',
	    [VARVE_DIR] = 'd',
	    [VARVE_SYMLINK] = 'l',
	    [VARVE_FIFO] = 'p',
	    [VARVE_SOCKET] = 's',
	    [VARVE_CHAR] = 'c',
	    [VARVE_BLOCK] = 'b',
	};

	return kind >= VARVE_FILE && kind <= VARVE_BLOCK ? letters[kind] : '?';
}

void
vrv_item_mode(char out[11], const struct varve_item *item)
{
	vrv_text_mode(out,
	    item->hardlink != NULL ? 'h' : type_letter(item->kind), item->mode);
}

/* What a link of either kind leads to. */
static const char *
source(const struct varve_item *item)
{
	return vrv_or_empty(
	    item->kind == VARVE_SYMLINK ? item->target : item->hardlink);
}

/* Content counts with the first name of a hard link only. */
static uint64_t
size(const struct varve_item *item)
{
	return item->hardlink != NULL ? 0 : item->size;
}

static struct varve_time
item_time(const struct varve_item *item, size_t key)
{
	switch (key) {
	case VRV_ITEM_CTIME:
	case VRV_ITEM_ISOCTIME:
		return item->ctime.s != 0 ? item->ctime : item->mtime;
	case VRV_ITEM_ATIME:
	case VRV_ITEM_ISOATIME:
		return item->has_atime ? item->atime : item->mtime;
	default:
		return item->mtime;
	}
}

static void
set_number(struct vrv_value *v, uint64_t n)
{
	v->is_number = true;
	vrv_text_add(&v->text, "%" PRIu64, n);
}

static void
set_time(struct vrv_value *v, struct varve_time t)
{
	v->is_time = true;
	v->time = t;
}

/* The name, or the number where none was stored. */
static void
set_owner(struct vrv_value *v, const char *name, uint32_t id)
{
	if (name != NULL)
		vrv_text_escape(&v->text, name);
	else
		set_number(v, id);
}

static void
set_link(struct vrv_value *v, const struct varve_item *item, size_t key)
{
	const char *to = source(item);

	if (key == VRV_ITEM_EXTRA && to[0] != '\0')
		vrv_text_add(&v->text, "%s",
		    item->kind == VARVE_SYMLINK ? " -> " : " link to ");
	vrv_text_escape(&v->text, to);
}

static void
set_numeric(struct vrv_value *v, const struct varve_item *item, size_t key)
{
	set_number(v,
	    key == VRV_ITEM_UID	      ? item->uid :
		key == VRV_ITEM_GID   ? item->gid :
		key == VRV_ITEM_FLAGS ? item->flags :
		key == VRV_ITEM_SIZE  ? size(item) :
					item->chunks);
}

void
vrv_item_value(void *arg, size_t key, struct vrv_value *v)
{
	const struct vrv_item_at *at = arg;
	const struct varve_item *item = at->item;
	char mode[11];

	switch ((enum vrv_item_key)key) {
	case VRV_ITEM_TYPE:
		vrv_buf_u8(&v->text, (uint8_t)type_letter(item->kind));
		break;
	case VRV_ITEM_MODE:
		vrv_item_mode(mode, item);
		vrv_text_add(&v->text, "%s", mode);
		break;
	case VRV_ITEM_USER:
		set_owner(v, item->user, item->uid);
		break;
	case VRV_ITEM_GROUP:
		set_owner(v, item->group, item->gid);
		break;
	case VRV_ITEM_UID:
	case VRV_ITEM_GID:
	case VRV_ITEM_FLAGS:
	case VRV_ITEM_SIZE:
	case VRV_ITEM_NUM_CHUNKS:
		set_numeric(v, item, key);
		break;
	case VRV_ITEM_PATH:
		vrv_text_escape(&v->text, item->path);
		break;
	case VRV_ITEM_BPATH:
		vrv_buf_bytes(&v->text, item->path, strlen(item->path));
		break;
	case VRV_ITEM_SOURCE:
	case VRV_ITEM_LINKTARGET:
	case VRV_ITEM_EXTRA:
		set_link(v, item, key);
		break;
	case VRV_ITEM_MTIME:
	case VRV_ITEM_CTIME:
	case VRV_ITEM_ATIME:
		set_time(v, item_time(item, key));
		break;
	case VRV_ITEM_ISOMTIME:
	case VRV_ITEM_ISOCTIME:
	case VRV_ITEM_ISOATIME:
		vrv_time_iso(&v->text, item_time(item, key));
		break;
	case VRV_ITEM_ARCHIVEID:
		vrv_text_add(&v->text, "%s", at->archive->id);
		break;
	case VRV_ITEM_ARCHIVENAME:
		vrv_text_escape(&v->text, at->archive->name);
		break;
	case VRV_ITEM_HEALTH:
		/* Only reading would tell. */
		vrv_text_add(&v->text, "unknown");
		break;
	}
}

static void
set_command_line(struct vrv_value *v, const struct varve_archive *a)
{
	for (size_t i = 0; i < a->n_args; i++) {
		if (i > 0)
			vrv_buf_u8(&v->text, ' ');
		vrv_text_shell(&v->text, a->args[i]);
	}
}

static const char *
archive_text(const struct varve_archive *a, size_t key)
{
	switch ((enum vrv_archive_key)key) {
	case VRV_ARCHIVE_COMMENT:
	case VRV_ARCHIVE_BCOMMENT:
		return vrv_or_empty(a->comment);
	case VRV_ARCHIVE_ID:
		return a->id;
	case VRV_ARCHIVE_HOSTNAME:
		return vrv_or_empty(a->host);
	case VRV_ARCHIVE_USERNAME:
		return vrv_or_empty(a->user);
	case VRV_ARCHIVE_SERIES:
		return vrv_or_empty(a->series);
	case VRV_ARCHIVE_COMPLETE:
		return a->warnings ? "incomplete" : "complete";
	case VRV_ARCHIVE_EXTRA:
		return a->unvouched ?
		    a->warnings ? " incomplete unvouched" : " unvouched" :
		    a->warnings ? " incomplete" :
				  "";
	default:
		return a->name;
	}
}

void
vrv_archive_value(void *arg, size_t key, struct vrv_value *v)
{
	const struct varve_archive *a = arg;
	const char *text = archive_text(a, key);

	switch ((enum vrv_archive_key)key) {
	case VRV_ARCHIVE_START:
	case VRV_ARCHIVE_TIME:
		set_time(v, a->nominal);
		break;
	case VRV_ARCHIVE_END:
		set_time(v, a->end);
		break;
	case VRV_ARCHIVE_COMMAND_LINE:
		set_command_line(v, a);
		break;
	case VRV_ARCHIVE_BARCHIVE:
	case VRV_ARCHIVE_BCOMMENT:
		vrv_buf_bytes(&v->text, text, strlen(text));
		break;
	default:
		vrv_text_escape(&v->text, text);
		break;
	}
}

static void
json_owner(struct vrv_json *j, const char *key, const char *name, uint32_t id)
{
	if (name != NULL)
		vrv_json_str(j, key, name);
	else
		vrv_json_int(j, key, id);
}

/* Keys that are there only when the format names them. */
static void
json_extra(struct vrv_json *j, const struct vrv_item_at *at, size_t key)
{
	const char *name = vrv_item_keys[key];

	switch ((enum vrv_item_key)key) {
	case VRV_ITEM_SIZE:
		vrv_json_int(j, name, size(at->item));
		break;
	case VRV_ITEM_NUM_CHUNKS:
		vrv_json_int(j, name, at->item->chunks);
		break;
	case VRV_ITEM_MTIME:
	case VRV_ITEM_CTIME:
	case VRV_ITEM_ATIME:
	case VRV_ITEM_ISOMTIME:
	case VRV_ITEM_ISOCTIME:
	case VRV_ITEM_ISOATIME:
		vrv_json_time(j, name, item_time(at->item, key));
		break;
	case VRV_ITEM_ARCHIVEID:
		vrv_json_str(j, name, at->archive->id);
		break;
	case VRV_ITEM_ARCHIVENAME:
		vrv_json_str(j, name, at->archive->name);
		break;
	default:
		break;
	}
}

void
vrv_item_json(struct vrv_json *j, const struct vrv_item_at *at,
    const struct vrv_format *format)
{
	const struct varve_item *item = at->item;
	char type[2] = {type_letter(item->kind), '\0'}, mode[11];

	vrv_item_mode(mode, item);
	vrv_json_str(j, "type", type);
	vrv_json_str(j, "mode", mode);
	json_owner(j, "user", item->user, item->uid);
	json_owner(j, "group", item->group, item->gid);
	vrv_json_int(j, "uid", item->uid);
	vrv_json_int(j, "gid", item->gid);
	vrv_json_str(j, "path", item->path);
	vrv_json_str(j, "source", source(item));
	vrv_json_str(j, "linktarget", source(item));
	vrv_json_int(j, "flags", item->flags);
	for (size_t key = 0; vrv_item_keys[key] != NULL; key++) {
		if (vrv_format_uses(format, key))
			json_extra(j, at, key);
	}
}

/* Borg keeps whole seconds of archives. */
static struct varve_time
whole(struct varve_time t)
{
	return (struct varve_time){t.s, 0};
}

static void
stats_json(struct vrv_json *j, const struct varve_archive *a)
{
	vrv_json_begin(j, "stats");
	vrv_json_int(j, "compressed_size", a->stored);
	vrv_json_int(j, "deduplicated_size", a->deduplicated);
	vrv_json_int(j, "nfiles", a->files);
	vrv_json_int(j, "original_size", a->original);
	vrv_json_end(j);
}

void
vrv_archive_json(struct vrv_json *j, const struct varve_archive *a)
{
	vrv_json_str(j, "archive", a->name);
	vrv_json_str(j, "barchive", a->name);
	vrv_json_str(j, "name", a->name);
	vrv_json_str(j, "id", a->id);
	vrv_json_str(j, "comment", vrv_or_empty(a->comment));
	vrv_json_str(j, "hostname", vrv_or_empty(a->host));
	vrv_json_str(j, "username", vrv_or_empty(a->user));
	vrv_json_str(j, "series", vrv_or_empty(a->series));
	vrv_json_bool(j, "complete", !a->warnings);
	if (a->unvouched)
		vrv_json_bool(j, "unvouched", true);
	vrv_json_time(j, "start", whole(a->nominal));
	vrv_json_time(j, "time", whole(a->nominal));
	vrv_json_time(j, "end", whole(a->end));
	vrv_json_real(j, "duration", vrv_time_between(a->start, a->end));
	vrv_json_strings(j, "command_line", a->args, a->n_args);
	stats_json(j, a);
	vrv_json_begin_array(j, "chunker_params");
	vrv_json_str(j, NULL,
	    a->chunk_method == VARVE_CHUNKER_GEAR    ? "gear" :
		a->chunk_method == VARVE_CHUNKER_PRF ? "prf" :
						       "unknown");
	vrv_json_int(j, NULL, a->chunk_min);
	vrv_json_int(j, NULL, a->chunk_average);
	vrv_json_int(j, NULL, a->chunk_max);
	vrv_json_end(j);
	vrv_json_begin(j, "limits");
	vrv_json_real(j, "max_archive_size", 0.0);
	vrv_json_end(j);
}

static int
skipped_json(void *arg, const char *path, const char *why,
    struct varve_err *err)
{
	struct vrv_json *j = arg;

	(void)err;
	vrv_json_begin(j, NULL);
	vrv_json_str(j, "path", path);
	vrv_json_str(j, "reason", why);
	vrv_json_end(j);
	return 0;
}

int
vrv_archive_json_skipped(struct vrv_json *j, struct varve_repo *repo,
    const struct varve_archive *a, struct varve_err *err)
{
	int rc = 0;

	vrv_archive_json(j, a);
	vrv_json_begin_array(j, "skipped");
	if (a->warnings)
		rc = varve_archive_skipped(repo, a, skipped_json, j, err);
	vrv_json_end(j);
	return rc;
}
