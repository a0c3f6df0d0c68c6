/* SPDX-License-Identifier: BSD-2-Clause */
#include "extract/fdcache.h"

#include <stddef.h>

#include "os/file.h"

static void
unlink_held(struct vrv_fdcache *cache, struct vrv_held *held)
{
	if (held->newer != NULL)
		held->newer->older = held->older;
	else
		cache->newest = held->older;
	if (held->older != NULL)
		held->older->newer = held->newer;
	else
		cache->oldest = held->newer;
	held->newer = held->older = NULL;
}

static void
link_newest(struct vrv_fdcache *cache, struct vrv_held *held)
{
	held->older = cache->newest;
	if (cache->newest != NULL)
		cache->newest->newer = held;
	else
		cache->oldest = held;
	cache->newest = held;
}

void
vrv_fdcache_make_room(struct vrv_fdcache *cache)
{
	struct vrv_held *held = cache->oldest;

	while (held != NULL && cache->n >= cache->max) {
		struct vrv_held *newer = held->newer;
		if (held->pins == 0) {
			struct varve_err err = {0};
			int fd = vrv_fdcache_take(cache, held);
			if (vrv_os_close(fd, &err) != 0)
				held->lost = err.sys;
		}
		held = newer;
	}
}

void
vrv_fdcache_add(struct vrv_fdcache *cache, struct vrv_held *held, int fd)
{
	held->fd = fd;
	link_newest(cache, held);
	cache->n++;
}

void
vrv_fdcache_touch(struct vrv_fdcache *cache, struct vrv_held *held)
{
	if (cache->newest == held)
		return;
	unlink_held(cache, held);
	link_newest(cache, held);
}

int
vrv_fdcache_take(struct vrv_fdcache *cache, struct vrv_held *held)
{
	int fd = held->fd;

	if (fd >= 0) {
		unlink_held(cache, held);
		cache->n--;
		held->fd = -1;
	}
	return fd;
}
