/* SPDX-License-Identifier: BSD-2-Clause */
#include "verify/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/dir.h"
#include "os/file.h"
#include "util/clock.h"
#include "util/hash.h"
#include "util/mem.h"
#include "verify/verify_internal.h"

#define READER_CACHE ((size_t)32 << 20)
/* As when an archive is made: a file may change again without a sign so long
 * after it was read. */
#define MARGIN_S 2
#define PATH_AT_ONCE 2000u /* bytes; the kernel takes 4095 */

/* --- telling --- */

void
vrv_differs(struct vrv_compared *c, const char *fmt, ...)
{
	char text[VARVE_MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vrv_fit(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (c->what.len > 0)
		vrv_buf_bytes(&c->what, "; ", 2);
	vrv_buf_bytes(&c->what, text, strlen(text));
}

static void
tell(struct vrv_compared *c, enum varve_event_type type, const char *path,
    const char *message)
{
	const struct varve_event event = {
	    .type = type,
	    .status = 'E',
	    .path = path,
	    .message = message,
	    .progress = &c->progress,
	};

	vrv_repo_tell(c->repo, c->how->event, c->how->event_arg, &event);
}

void
vrv_compared_add(struct vrv_compared *c, uint64_t bytes)
{
	c->progress.current += bytes;
	c->progress.original = c->progress.current;
	if (c->progress.total < c->progress.current)
		c->progress.total = c->progress.current;
	if (vrv_tick_due(&c->next_progress))
		tell(c, VARVE_EVENT_PROGRESS, c->path, NULL);
}

static int
problem(struct vrv_compared *c, const char *path, const char *message)
{
	c->result->problems++;
	tell(c, VARVE_EVENT_PROBLEM, path, message);
	return 0;
}

/* --- is it what was backed up? --- */

static bool
same_time(struct vrv_time a, struct vrv_time b)
{
	return a.s == b.s && a.ns == b.ns;
}

bool
vrv_is_unchanged(const struct vrv_archive *archive, const struct vrv_entry *e,
    const struct vrv_stat *st)
{
	struct vrv_time before = archive->sealed.start;

	before.s -= MARGIN_S;
	return e->kind == (uint8_t)st->kind &&
	    (e->flags & VRV_ENTRY_CHANGED) == 0 && e->inode == st->inode &&
	    (e->kind != VRV_FILE || e->size == st->size) &&
	    same_time(e->mtime, st->mtime) && same_time(e->ctime, st->ctime) &&
	    vrv_time_cmp(st->mtime, before) < 0 &&
	    vrv_time_cmp(st->ctime, before) < 0;
}

/* --- finding it --- */

struct there {
	int dirfd; /* borrowed */
	const char *name;
	int fd; /* of a file or folder, else -1 */
	struct vrv_stat st;
};

static void
there_fini(struct there *there)
{
	vrv_cleanup_fd(&there->fd);
}

/* Open the folder at `path`, however long that is, beneath the root. */
static int
open_folder(const struct vrv_compared *c, char *path, int *ret,
    struct varve_err *err)
{
	vrv_auto_fd at = -1;

	for (char *end; path != NULL; path = end) {
		vrv_auto_fd next = -1;
		end = strlen(path) > PATH_AT_ONCE ?
		    memrchr(path, '/', PATH_AT_ONCE) :
		    NULL;
		if (end != NULL)
			*end++ = '\0';
		int rc = vrv_os_open_beneath(at >= 0 ? at : c->root, path,
		    O_RDONLY | O_DIRECTORY, 0, &next, err);
		if (rc != 0)
			return rc;
		vrv_cleanup_fd(&at);
		at = vrv_steal_fd(&next);
	}
	*ret = vrv_steal_fd(&at);
	return 0;
}

/* Go to the folder of a path; most often the last one's. */
static int
go_to(struct vrv_compared *c, const char *path, struct there *there,
    struct varve_err *err)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - path);

	there->dirfd = c->root;
	there->name = slash == NULL ? path : slash + 1;
	if (n == 0)
		return 0;
	if (c->parent < 0 || c->parent_path.len != n ||
	    memcmp(c->parent_path.data, path, n) != 0) {
		vrv_auto_free char *folder = vrv_dup(path, n);
		vrv_cleanup_fd(&c->parent);
		c->parent = -1;
		vrv_buf_clear(&c->parent_path);
		vrv_buf_bytes(&c->parent_path, path, n);
		int rc = vrv_buf_check(&c->parent_path, err);
		if (rc == 0 && folder == NULL)
			rc = VRV_NOMEM(err, "a path");
		if (rc == 0)
			rc = open_folder(c, folder, &c->parent, err);
		if (rc != 0)
			return rc;
	}
	there->dirfd = c->parent;
	return 0;
}

/* NOENT: there is nothing. */
static int
find(struct vrv_compared *c, const char *path, struct there *there,
    struct varve_err *err)
{
	if (strcmp(path, ".") == 0) {
		there->dirfd = c->root;
		there->name = "";
	} else {
		int rc = go_to(c, path, there, err);
		/* A folder that is none, or a link, any more. */
		if (rc != 0)
			return err->sys == ENOTDIR || err->sys == ELOOP ||
				err->sys == EXDEV ?
			    vrv_fail(err, VARVE_NOENT, "gone") :
			    rc;
	}
	int rc = vrv_os_stat(there->dirfd, there->name, &there->st, err);
	if (rc != 0)
		return rc;
	const char *name = there->name[0] == '\0' ? "." : there->name;
	if (there->st.kind == VRV_FILE)
		rc = vrv_os_open_source(there->dirfd, name, &there->fd, err);
	else if (there->st.kind == VRV_DIR)
		rc =
		    vrv_os_open_source_dir(there->dirfd, name, &there->fd, err);
	if (rc != 0 || there->fd < 0)
		return rc;
	/* From here on it is the file that is open, whatever the name means. */
	there->dirfd = there->fd;
	there->name = "";
	return vrv_os_stat(there->fd, "", &there->st, err);
}

/* --- one entry --- */

struct same_file {
	uint64_t content; /* what all names of it have in common */
	uint64_t dev, inode;
	bool known;
};

static int
compare_link(struct vrv_compared *c, const struct vrv_entry *e,
    const struct vrv_stat *st, struct varve_err *err)
{
	uint32_t system = 0;
	uint64_t parts[] = {e->size, (uint64_t)e->mtime.s, e->mtime.ns,
	    vrv_hash64(e->content, e->content_n), e->kind};

	if (e->kind == VRV_DIR || (e->flags & VRV_ENTRY_LINKED) == 0)
		return 0;
	if (c->systems.len > 0)
		system = vrv_get_u32(c->systems.data + c->systems.len - 4);
	const uint64_t key[2] = {system, e->inode};
	struct same_file *first = vrv_map_put(c->links, key, NULL);
	if (first == NULL)
		return VRV_NOMEM(err, "hard links");
	uint64_t content = vrv_hash64(parts, sizeof(parts));
	if (!first->known || first->content != content)
		*first = (struct same_file){content, st->dev, st->inode, true};
	else if (first->dev != st->dev || first->inode != st->inode)
		vrv_differs(c, "is no hard link to its other names");
	return 0;
}

static int
compare_target(struct vrv_compared *c, const struct vrv_entry *e,
    const struct there *there, struct varve_err *err)
{
	struct vrv_arena arena = {0};
	char *target;

	int rc =
	    vrv_os_readlink(there->dirfd, there->name, &arena, &target, err);
	if (rc == 0 &&
	    (strlen(target) != e->target_n ||
		memcmp(target, e->target, e->target_n) != 0))
		vrv_differs(c, "target");
	if (rc != 0 && !vrv_err_is_fatal(err)) {
		vrv_differs(c, "cannot be read: %s", err->message);
		vrv_err_clear(err);
		c->unreadable = true;
		rc = 0;
	}
	vrv_arena_fini(&arena);
	return rc;
}

/* A source that is plainly another by now need not be read. */
static bool
is_plain_change(struct vrv_compared *c, const struct vrv_entry *e,
    const struct vrv_stat *st)
{
	if (e->kind != (uint8_t)st->kind)
		vrv_differs(c, "is something else now");
	else if (c->how->live && e->kind == VRV_FILE && e->size != st->size)
		vrv_differs(c, "size");
	else if (c->how->live && vrv_time_cmp(e->mtime, st->mtime) != 0)
		vrv_differs(c, "time of modification");
	return c->what.len > 0;
}

static int
compare(struct vrv_compared *c, const struct vrv_entry *e,
    const struct there *there, struct varve_err *err)
{
	int rc = vrv_compare_meta(c, e, &there->st, there->dirfd, there->name,
	    there->fd, err);

	if (rc == 0)
		rc = compare_link(c, e, &there->st, err);
	if (rc == 0 && e->kind == VRV_SYMLINK)
		rc = compare_target(c, e, there, err);
	if (rc == 0 && e->kind == VRV_FILE)
		rc = vrv_compare_content(c, e, &there->st, there->fd, err);
	return rc;
}

/* It changed while it was compared. */
static bool
moves(const struct there *there)
{
	struct varve_err ignored;
	struct vrv_stat now;

	return there->fd >= 0 &&
	    vrv_os_stat(there->fd, "", &now, &ignored) == 0 &&
	    (now.size != there->st.size ||
		!same_time(now.mtime, there->st.mtime) ||
		!same_time(now.ctime, there->st.ctime));
}

static int
judge(struct vrv_compared *c, const char *path, bool explained,
    struct varve_err *err)
{
	if (c->what.len == 0) {
		c->result->equal++;
		if (!c->filled || !c->how->live)
			return 0;
		c->result->filled++;
		tell(c, VARVE_EVENT_INFO, path, "a hole takes space by now");
		return 0;
	}
	vrv_buf_u8(&c->what, '\0');
	int rc = vrv_buf_check(&c->what, err);
	if (rc != 0)
		return rc;
	if (c->unreadable || !explained)
		return problem(c, path, (const char *)c->what.data);
	c->result->changed++;
	tell(c, VARVE_EVENT_INFO, path, (const char *)c->what.data);
	return 0;
}

static int
is_gone(struct vrv_compared *c, const char *path)
{
	if (!c->how->live)
		return problem(c, path, "is missing");
	c->result->vanished++;
	tell(c, VARVE_EVENT_INFO, path, "is gone");
	return 0;
}

int
vrv_compare_one(struct vrv_compared *c, const char *path,
    const struct vrv_entry *e, const struct vrv_stat *st, struct varve_err *err)
{
	__attribute__((cleanup(there_fini))) struct there there = {.fd = -1};

	vrv_buf_clear(&c->what);
	c->unreadable = c->filled = false;
	int rc = find(c, path, &there, err);
	if (rc == VARVE_NOENT) {
		vrv_err_clear(err);
		return is_gone(c, path);
	}
	if (rc != 0 && vrv_err_is_fatal(err))
		return rc;
	if (rc != 0) {
		vrv_differs(c, "cannot be read: %s", err->message);
		vrv_err_clear(err);
		c->unreadable = true;
		return judge(c, path, false, err);
	}
	if (st != NULL)
		there.st = *st;
	bool explained =
	    c->how->live && !vrv_is_unchanged(c->archive, e, &there.st);
	if (!is_plain_change(c, e, &there.st))
		rc = compare(c, e, &there, err);
	if (rc != 0 && vrv_err_is_fatal(err))
		return rc;
	if (rc != 0) {
		/* The archive's own side of it. */
		vrv_differs(c, "%s", err->message);
		vrv_err_clear(err);
		explained = false;
	} else if (c->what.len > 0 && st == NULL && c->how->live) {
		explained = explained || moves(&there);
	}
	return judge(c, path, explained, err);
}

/* --- the walk --- */

static void
enter(struct vrv_compared *c, const struct vrv_entry *e)
{
	uint32_t system = 0;

	if (c->systems.len > 0)
		system = vrv_get_u32(c->systems.data + c->systems.len - 4);
	if ((e->flags & VRV_ENTRY_FSROOT) != 0)
		system = ++c->n_systems;
	vrv_buf_u32(&c->systems, system);
}

/* Whoever listens on a socket makes it anew; a device needs root. */
static bool
is_restored(const struct vrv_compared *c, const struct vrv_entry *e)
{
	bool device = e->kind == VRV_CHAR || e->kind == VRV_BLOCK;

	return e->kind != VRV_SOCKET && (c->is_root || !device);
}

static int
on_item(void *arg, const struct vrv_walk_item *item, struct varve_err *err)
{
	const struct vrv_entry *e = item->entry;
	struct vrv_compared *c = arg;

	if (item->leaving) {
		c->systems.len -= 4;
		return 0;
	}
	if (e->kind == VRV_DIR) {
		enter(c, e);
		int rc = vrv_buf_check(&c->systems, err);
		if (rc != 0 || (e->flags & VRV_ENTRY_WAY) != 0)
			return rc;
	}
	if (!vrv_sampler_has(c->how->sampler, item->path))
		return 0;
	if (!c->how->live && !is_restored(c, e))
		return 0;
	uint64_t hash = vrv_sampler_hash(c->how->sampler, item->path);
	if (c->how->told != NULL && vrv_map_get(c->how->told, &hash) != NULL)
		return 0;
	c->path = item->path;
	if (e->kind != VRV_DIR)
		c->progress.files++;
	vrv_compared_add(c, 0);
	return vrv_compare_one(c, item->path, e, NULL, err);
}

/* Whoever restored it has told this. */
static int
on_damaged(void *arg, const char *path, struct varve_err *err)
{
	(void)arg, (void)path;
	if (vrv_err_is_fatal(err))
		return err->code;
	vrv_err_clear(err);
	return 0;
}

/* Archives say what of metadata they were made with; an older or foreign one
 * is taken to have all of it. */
static bool
has_word(const struct vrv_archive *archive, const char *word)
{
	const struct vrv_text *text = &archive->sealed.options;

	return text->n == 0 || memmem(text->p, text->n, word, strlen(word));
}

int
vrv_compared_init(struct vrv_compared *c, struct vrv_repo *repo,
    const struct vrv_archive *archive, const struct vrv_comparison *how,
    struct vrv_meta_source source, struct varve_verify_result *result,
    struct varve_err *err)
{
	*c = (struct vrv_compared){
	    .repo = repo,
	    .archive = archive,
	    .how = how,
	    .result = result,
	    .source = source,
	    .is_root = geteuid() == 0,
	    .has_xattrs = has_word(archive, " xattrs"),
	    .has_acls = has_word(archive, " acls"),
	    .has_flags = has_word(archive, " flags"),
	    .root = -1,
	    .parent = -1,
	    .progress = {.total = how->total},
	};
	c->links = vrv_map_new(2 * sizeof(uint64_t), sizeof(struct same_file));
	if (c->links == NULL)
		return VRV_NOMEM(err, "a comparison");
	int rc = vrv_os_open(AT_FDCWD, how->dir, O_RDONLY | O_DIRECTORY, 0,
	    &c->root, err);
	if (rc != 0)
		return vrv_ctx(err, "folder '%s'", how->dir);
	rc = vrv_owners_new(&c->source, archive, &c->owners, err);
	if (rc == 0 || vrv_err_is_fatal(err))
		return rc;
	/* As extract does: numbers are left when the names are damaged. */
	vrv_err_clear(err);
	return vrv_owners_new(NULL, archive, &c->owners, err);
}

void
vrv_compared_fini(struct vrv_compared *c)
{
	vrv_owners_free(c->owners);
	vrv_map_free(c->links);
	vrv_cleanup_fd(&c->root);
	vrv_cleanup_fd(&c->parent);
	vrv_buf_fini(&c->parent_path);
	vrv_buf_fini(&c->bytes);
	vrv_buf_fini(&c->systems);
	vrv_buf_fini(&c->what);
}

int
vrv_verify_compare(struct vrv_repo *repo, const struct vrv_archive *archive,
    const struct vrv_comparison *how, struct varve_verify_result *result,
    struct varve_err *err)
{
	struct vrv_failures *failures = NULL;
	struct vrv_reader *reader = NULL;
	struct vrv_compared c = {.root = -1, .parent = -1};

	int rc = vrv_failures_new(&failures, err);
	if (rc == 0)
		rc = vrv_reader_new(repo, READER_CACHE, &reader, err);
	if (rc != 0) {
		vrv_failures_free(failures);
		return rc;
	}
	vrv_reader_remember(reader, failures);
	rc = vrv_compared_init(&c, repo, archive, how,
	    vrv_meta_from_reader(reader), result, err);
	if (rc == 0) {
		const struct vrv_walk walk = {
		    .source = c.source,
		    .fn = on_item,
		    .arg = &c,
		    .want_leaving = true,
		    .damaged = on_damaged,
		};
		rc = vrv_walk_archive(&walk, archive, err);
	}
	if (rc == 0) {
		c.progress.finished = true;
		tell(&c, VARVE_EVENT_PROGRESS, NULL, NULL);
	}
	vrv_compared_fini(&c);
	vrv_reader_free(reader);
	vrv_failures_free(failures);
	return rc;
}
