/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "mount/mount_internal.h"
#include "mount/merged.h"
#include "util/clock.h"
#include "util/mem.h"

#define NODES 1024
#define AGAIN_NS (UINT64_C(60) * 1000000000)
#define DEPTH_MAX 4096

/* Which nodes were told of lately: a table in which one takes the place of
 * another. */
struct vrv_damage_log {
	pthread_mutex_t lock; /* protects the rest */
	struct {
		uint64_t node, time;
	} told[NODES];
};

struct vrv_damage_log *
vrv_damage_log_new(void)
{
	struct vrv_damage_log *log = calloc(1, sizeof(*log));

	if (log != NULL)
		(void)pthread_mutex_init(&log->lock, NULL);
	return log;
}

void
vrv_damage_log_free(struct vrv_damage_log *log)
{
	if (log == NULL)
		return;
	(void)pthread_mutex_destroy(&log->lock);
	free(log);
}

static bool
is_news(struct vrv_damage_log *log, uint64_t node)
{
	size_t at = (size_t)((node ^ node >> VRV_NODE_ORDINAL_BITS) % NODES);
	uint64_t now = vrv_ticks();

	(void)pthread_mutex_lock(&log->lock);
	bool news =
	    log->told[at].node != node || now - log->told[at].time >= AGAIN_NS;
	if (news) {
		log->told[at].node = node;
		log->told[at].time = now;
	}
	(void)pthread_mutex_unlock(&log->lock);
	return news;
}

/* --- paths, for messages --- */

/* Put "name/" in front, or "name" at the end. */
static void
put_before(struct vrv_buf *path, const uint8_t *name, size_t n)
{
	vrv_auto_buf struct vrv_buf longer = {0};

	vrv_buf_bytes(&longer, name, n);
	if (path->len > 0)
		vrv_buf_u8(&longer, '/');
	vrv_buf_bytes(&longer, path->data, path->len);
	struct vrv_buf old = *path;
	*path = longer;
	longer = old;
}

/* The path of a node within its archive, as far as it can be read; the
 * archive. */
static struct vrv_mounted *
path_of(struct vrv_mount *m, uint64_t node, struct vrv_buf *path)
{
	struct vrv_mounted *a = NULL;
	struct varve_err unused;

	for (unsigned depth = 0; depth < DEPTH_MAX; depth++) {
		struct vrv_made_node made = vrv_node_parse(node);
		struct vrv_leafnode leaf;
		struct vrv_seen seen = {0};
		uint32_t ordinal;

		if (made.kind == VRV_MADE_ARCHIVE)
			return vrv_nodes_archive_at(m->nodes, made.archive);
		if (made.kind != VRV_MADE_NOT ||
		    !vrv_nodes_leaf(m->nodes, node, &leaf, &ordinal))
			return a;
		a = leaf.dir->archive;
		if (vrv_seen_get(m, node, &seen, &unused) == 0) {
			put_before(path, seen.entry.name, seen.entry.name_n);
			vrv_seen_release(m, &seen);
		} else {
			put_before(path, (const uint8_t *)"?", 1);
		}
		node = leaf.dir->node;
	}
	return a;
}

void
vrv_mount_tell(struct vrv_mount *m, enum varve_event_type type,
    const char *path, const char *message)
{
	const struct varve_event event = {
	    .type = type,
	    .path = path,
	    .message = message,
	};

	vrv_repo_tell(m->repo, m->options->event, m->options->event_arg,
	    &event);
}

void
vrv_damage_tell(struct vrv_mount *m, uint64_t node, const struct varve_err *why)
{
	vrv_auto_buf struct vrv_buf path = {0};
	vrv_auto_free char *text = NULL;

	if (!is_news(m->damage, node))
		return;
	struct vrv_mounted *a = NULL;
	if (node != VRV_NODE_ROOT && vrv_versions_has(m, node))
		vrv_versions_path(m, node, &path);
	else
		a = path_of(m, node, &path);
	vrv_buf_u8(&path, '\0');
	if (path.failed)
		return;
	const char *in = path.len > 1	 ? (const char *)path.data :
	    a != NULL || m->only != NULL ? "." :
					   NULL;
	if (a != NULL && m->only == NULL)
		text = vrv_strf("%s::%s", a->name, in);
	vrv_mount_tell(m, VARVE_EVENT_PROBLEM, text != NULL ? text : in,
	    why->message);
}
