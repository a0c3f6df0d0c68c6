/* SPDX-License-Identifier: BSD-2-Clause */
#include "mount/mount.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "mount/mount_internal.h"
#include "mount/target.h"
#include "mount/merged.h"
#include "os/owner.h"
#include "util/mem.h"

#define CACHE_DEFAULT ((uint64_t)128 << 20)
/* Of the cache, for folders and lists of extents. */
#define META_SHARE 4

static int
check_options(const struct varve_mount_options *o, bool one_archive,
    struct varve_err *err)
{
	if (o->versions &&
	    (one_archive || o->match != NULL || o->strip_components > 0))
		return vrv_fail(err, VARVE_USAGE,
		    "versions are shown of whole repositories: name no "
		    "archive, no paths, and no components to strip");
	if (o->cache_bytes < VARVE_MOUNT_CACHE_MIN)
		return vrv_fail(err, VARVE_USAGE,
		    "a cache of %llu bytes is too small: 8M is the least",
		    (unsigned long long)o->cache_bytes);
	return 0;
}

static int
prepare(struct vrv_mount *m, const struct vrv_archive *archive,
    vrv_mount_select_fn *select, void *select_arg, struct varve_err *err)
{
	uint64_t cache = m->options->cache_bytes;
	uint32_t unused;

	/* The name service sets itself up at the first look-up, and glibc
	 * crashes if memory runs out just then: not while others wait for us.
	 */
	(void)vrv_os_owner_id(false, "root", &unused);
	m->nodes = vrv_nodes_new();
	m->damage = vrv_damage_log_new();
	if (m->nodes == NULL || m->damage == NULL)
		return VRV_NOMEM(err, "a mount");
	int rc = vrv_framecache_new(m->repo, cache - cache / META_SHARE,
	    cache / META_SHARE, &m->cache, err);
	if (rc != 0)
		return rc;
	m->source = vrv_meta_from_cache(m->cache);
	rc = vrv_streams_new(m, &m->streams, err);
	if (rc != 0)
		return rc;
	if (m->options->versions)
		return vrv_versions_new(m, select, select_arg, &m->versions,
		    err);
	if (archive == NULL)
		return vrv_view_new(m, select, select_arg, &m->view, err);
	m->bytes = archive->sealed.bytes;
	m->files = archive->sealed.files;
	return vrv_nodes_archive(m->nodes, archive, m->options->match != NULL,
	    &m->only, err);
}

static void
dispose(struct vrv_mount *m)
{
	vrv_streams_free(m->streams);
	vrv_view_free(m->view);
	vrv_versions_free(m->versions);
	vrv_nodes_free(m->nodes);
	vrv_framecache_free(m->cache);
	vrv_damage_log_free(m->damage);
	(void)pthread_mutex_destroy(&m->match_lock);
}

int
vrv_mount_run(struct vrv_repo *repo, const struct vrv_archive *archive,
    vrv_mount_select_fn *select, void *select_arg,
    const struct varve_mount_options *options, struct varve_err *err)
{
	struct varve_mount_options own = *options;
	vrv_auto_free char *target = NULL;
	struct vrv_mount m = {
	    .repo = repo,
	    .options = &own,
	    .uid = getuid(),
	    .gid = getgid(),
	};

	if (own.cache_bytes == 0)
		own.cache_bytes = CACHE_DEFAULT;
	(void)pthread_mutex_init(&m.match_lock, NULL);
	int rc = check_options(&own, archive != NULL, err);
	if (rc == 0)
		rc = vrv_target_check(own.target, vrv_repo_store(repo), err);
	/* The caller may go to another folder. */
	if (rc == 0)
		own.target = target = realpath(own.target, NULL);
	if (rc == 0 && target == NULL)
		rc = vrv_fail_sys(err, errno, "'%s'", options->target);
	if (rc == 0)
		rc = prepare(&m, archive, select, select_arg, err);
	if (rc == 0)
		rc = vrv_session_run(&m, err);
	dispose(&m);
	return rc;
}
