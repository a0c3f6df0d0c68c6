/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/change.h"

#include <string.h>

#include "cli/item.h"
#include "cli/text.h"
#include "cli/timetext.h"

/* Borg's word for a kind of item whose content is not bytes; NULL: a file. */
static const char *
kind_word(enum varve_kind kind)
{
	switch (kind) {
	case VARVE_FILE:
		return NULL;
	case VARVE_DIR:
		return "directory";
	case VARVE_SYMLINK:
		return "link";
	case VARVE_FIFO:
		return "fifo";
	case VARVE_SOCKET:
		return "socket";
	case VARVE_CHAR:
		return "chrdev";
	case VARVE_BLOCK:
		return "blkdev";
	}
	return "item";
}

/* "added", "removed" or "" and the item it is about. */
static const char *
presence(const struct varve_difference *d, const struct varve_item **ret)
{
	*ret = d->old == NULL ? d->new : d->new == NULL ? d->old : NULL;
	return d->old == NULL ? "added" : d->new == NULL ? "removed" : "";
}

static bool
has(const struct varve_difference *d, unsigned changes)
{
	return (d->changes & changes) != 0;
}

/* --- text --- */

static void
gap(struct vrv_buf *buf)
{
	if (buf->len > 0)
		vrv_buf_u8(buf, ' ');
}

static void
size_text(struct vrv_buf *buf, int64_t n, bool iec, bool sign, int width)
{
	vrv_auto_buf struct vrv_buf size = {0};

	vrv_text_size(&size, n, iec, sign ? 1 : 2, sign);
	vrv_text_add(buf, "%*s", width, vrv_text_part(buf, &size));
}

static void
presence_text(struct vrv_buf *buf, const char *verb,
    const struct varve_item *item, bool iec)
{
	const char *word = kind_word(item->kind);

	vrv_text_add(buf, "%s ", verb);
	if (word != NULL)
		vrv_text_add(buf, "%s", word);
	else
		size_text(buf, (int64_t)item->size, iec, false,
		    verb[0] == 'a' ? 13 : 11);
}

static void
owner_text(struct vrv_buf *buf, const char *name, uint32_t id)
{
	if (name != NULL)
		vrv_text_escape(buf, name);
	else
		vrv_text_add(buf, "%u", id);
}

static void
times_text(struct vrv_buf *buf, const char *name, struct varve_time old,
    struct varve_time new)
{
	gap(buf);
	vrv_text_add(buf, "[%s: ", name);
	vrv_time_text(buf, old);
	vrv_text_add(buf, " -> ");
	vrv_time_text(buf, new);
	vrv_text_add(buf, "]");
}

/* Both sides there: what of them differs. */
static void
content_text(struct vrv_buf *buf, const struct varve_difference *d, bool iec)
{
	if (has(d, VARVE_CHANGE_CONTENT)) {
		size_text(buf, (int64_t)d->added, iec, true, 9);
		vrv_buf_u8(buf, ' ');
		size_text(buf, -(int64_t)d->removed, iec, true, 9);
	}
	if (has(d, VARVE_CHANGE_TARGET)) {
		gap(buf);
		vrv_text_add(buf, "changed link");
	}
	if (has(d, VARVE_CHANGE_DEVICE)) {
		gap(buf);
		vrv_text_add(buf, "changed device");
	}
}

static void
meta_text(struct vrv_buf *buf, const struct varve_difference *d)
{
	const struct varve_item *a = d->old, *b = d->new;
	char old[11], new[11];

	if (has(d, VARVE_CHANGE_OWNER)) {
		gap(buf);
		vrv_text_add(buf, "[");
		owner_text(buf, a->user, a->uid);
		vrv_text_add(buf, ":");
		owner_text(buf, a->group, a->gid);
		vrv_text_add(buf, " -> ");
		owner_text(buf, b->user, b->uid);
		vrv_text_add(buf, ":");
		owner_text(buf, b->group, b->gid);
		vrv_text_add(buf, "]");
	}
	if (has(d, VARVE_CHANGE_MODE | VARVE_CHANGE_KIND)) {
		vrv_item_mode(old, a);
		vrv_item_mode(new, b);
		gap(buf);
		vrv_text_add(buf, "[%s -> %s]", old, new);
	}
	if (has(d, VARVE_CHANGE_XATTRS)) {
		gap(buf);
		vrv_text_add(buf, "[xattrs]");
	}
	if (has(d, VARVE_CHANGE_FLAGS)) {
		gap(buf);
		vrv_text_add(buf, "[flags: %#x -> %#x]", a->flags, b->flags);
	}
	if (has(d, VARVE_CHANGE_CTIME))
		times_text(buf, "ctime", a->ctime, b->ctime);
	if (has(d, VARVE_CHANGE_MTIME))
		times_text(buf, "mtime", a->mtime, b->mtime);
}

void
vrv_change_text(struct vrv_buf *buf, const struct varve_difference *d, bool iec)
{
	vrv_auto_buf struct vrv_buf text = {0};
	const struct varve_item *item;
	const char *verb = presence(d, &item);

	if (item != NULL) {
		presence_text(&text, verb, item, iec);
	} else {
		content_text(&text, d, iec);
		meta_text(&text, d);
	}
	vrv_text_add(buf, "%-19s ", vrv_text_part(buf, &text));
	vrv_text_escape(buf, d->path);
	vrv_buf_u8(buf, '\n');
}

/* --- JSON --- */

static void
begin(struct vrv_json *j, const char *type)
{
	vrv_json_begin(j, NULL);
	vrv_json_str(j, "type", type);
}

static void
str_or_null(struct vrv_json *j, const char *key, const char *value)
{
	if (value != NULL)
		vrv_json_str(j, key, value);
	else
		vrv_json_null(j, key);
}

static void
presence_json(struct vrv_json *j, const char *verb,
    const struct varve_item *item)
{
	vrv_auto_buf struct vrv_buf type = {0};
	const char *word = kind_word(item->kind);

	vrv_text_add(&type, "%s%s%s", verb, word != NULL ? " " : "",
	    word != NULL ? word : "");
	vrv_json_begin(j, NULL);
	vrv_json_buf(j, "type", &type);
	if (word == NULL)
		vrv_json_int(j, "size", item->size);
	vrv_json_end(j);
}

static void
content_json(struct vrv_json *j, const struct varve_difference *d)
{
	if (has(d, VARVE_CHANGE_CONTENT)) {
		begin(j, "modified");
		vrv_json_int(j, "added", d->added);
		vrv_json_int(j, "removed", d->removed);
		vrv_json_end(j);
	}
	if (has(d, VARVE_CHANGE_TARGET)) {
		begin(j, "changed link");
		vrv_json_end(j);
	}
	if (has(d, VARVE_CHANGE_DEVICE)) {
		begin(j, "changed device");
		vrv_json_end(j);
	}
}

static void
times_json(struct vrv_json *j, const char *type, struct varve_time old,
    struct varve_time new)
{
	char key[16] = "old_";

	begin(j, type);
	strcat(key, type);
	vrv_json_time(j, key, old);
	memcpy(key, "new", 3);
	vrv_json_time(j, key, new);
	vrv_json_end(j);
}

static void
meta_json(struct vrv_json *j, const struct varve_difference *d)
{
	const struct varve_item *a = d->old, *b = d->new;
	char mode[11];

	if (has(d, VARVE_CHANGE_OWNER)) {
		begin(j, "owner");
		str_or_null(j, "old_user", a->user);
		str_or_null(j, "old_group", a->group);
		str_or_null(j, "new_user", b->user);
		str_or_null(j, "new_group", b->group);
		vrv_json_end(j);
	}
	if (has(d, VARVE_CHANGE_MODE | VARVE_CHANGE_KIND)) {
		begin(j, "mode");
		vrv_item_mode(mode, a);
		vrv_json_str(j, "old_mode", mode);
		vrv_item_mode(mode, b);
		vrv_json_str(j, "new_mode", mode);
		vrv_json_end(j);
	}
	if (has(d, VARVE_CHANGE_XATTRS)) {
		begin(j, "xattrs");
		vrv_json_end(j);
	}
	if (has(d, VARVE_CHANGE_FLAGS)) {
		begin(j, "flags");
		vrv_json_int(j, "old_flags", a->flags);
		vrv_json_int(j, "new_flags", b->flags);
		vrv_json_end(j);
	}
	if (has(d, VARVE_CHANGE_CTIME))
		times_json(j, "ctime", a->ctime, b->ctime);
	if (has(d, VARVE_CHANGE_MTIME))
		times_json(j, "mtime", a->mtime, b->mtime);
}

void
vrv_change_json(struct vrv_json *j, const struct varve_difference *d)
{
	const struct varve_item *item;
	const char *verb = presence(d, &item);

	vrv_json_begin_array(j, "changes");
	if (item != NULL) {
		presence_json(j, verb, item);
	} else {
		content_json(j, d);
		meta_json(j, d);
	}
	vrv_json_end(j);
	vrv_json_str(j, "path", d->path);
}
