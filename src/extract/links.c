/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <string.h>

#include "extract/extract_internal.h"
#include "os/dir.h"
#include "os/file.h"
#include "os/place.h"
#include "util/hash.h"
#include "util/mem.h"

struct group_key {
	uint64_t filesystem, inode;
};

struct vrv_links {
	struct vrv_map *map;	/* group_key -> struct vrv_group_first * */
	struct vrv_arena arena; /* the groups and their paths */
	struct vrv_group_first *all;
};

void
vrv_group_there(struct vrv_group_first *group, const struct vrv_stat *st)
{
	group->dev = st->dev;
	group->inode = st->inode;
	atomic_store(&group->there, true);
}

int
vrv_links_new(struct vrv_links **ret, struct varve_err *err)
{
	struct vrv_links *links = calloc(1, sizeof(*links));

	if (links != NULL)
		links->map = vrv_map_new(sizeof(struct group_key),
		    sizeof(struct vrv_group_first *));
	if (links == NULL || links->map == NULL) {
		vrv_links_free(links);
		return VRV_NOMEM(err, "hard links");
	}
	*ret = links;
	return 0;
}

void
vrv_links_free(struct vrv_links *links)
{
	if (links == NULL)
		return;
	vrv_map_free(links->map);
	vrv_arena_fini(&links->arena);
	free(links);
}

/* Names of one file agree in all this. Inode numbers alone do not prove a
 * group: filesystems within the source have their own. */
static uint64_t
content_hash(const struct vrv_entry *entry)
{
	uint64_t parts[] = {
	    entry->kind,
	    entry->size,
	    (uint64_t)entry->mtime.s,
	    entry->mtime.ns,
	    entry->major,
	    entry->minor,
	    vrv_hash64(entry->content, entry->content_n),
	    vrv_hash64(entry->target, entry->target_n),
	};

	return vrv_hash64(parts, sizeof(parts));
}

static struct vrv_group_first *
new_group(struct vrv_links *links, const struct vrv_folder *folder,
    const char *name)
{
	vrv_auto_free char *path = vrv_folder_path(folder, name);
	struct vrv_group_first *group;

	group = vrv_arena_alloc(&links->arena, sizeof(*group));
	if (path == NULL || group == NULL)
		return NULL;
	*group = (struct vrv_group_first){
	    .path = vrv_arena_dup(&links->arena, path, strlen(path)),
	    .next = links->all,
	};
	if (group->path == NULL)
		return NULL;
	links->all = group;
	return group;
}

int
vrv_links_find(struct vrv_restore *run, const struct vrv_entry *entry,
    const struct vrv_folder *folder, const char *name,
    struct vrv_group_first **ret, bool *ret_first, struct varve_err *err)
{
	struct group_key key = {folder->filesystem, entry->inode};
	struct vrv_links *links = run->links;
	bool fresh;

	*ret = NULL;
	*ret_first = true;
	if ((entry->flags & VRV_ENTRY_LINKED) == 0 || entry->inode == 0)
		return 0;
	uint64_t content = content_hash(entry);
	struct vrv_group_first **slot = vrv_map_put(links->map, &key, &fresh);
	if (slot == NULL)
		return VRV_NOMEM(err, "hard links");
	if (fresh || (*slot)->content != content) {
		if (!fresh) {
			struct varve_err why = {0};
			(void)vrv_fail(&why, VARVE_CORRUPT,
			    "differs from the file it was a hard link to: "
			    "restored as a file of its own");
			vrv_restore_warn(run, folder, name,
			    "hard links differ from their files", &why);
		}
		*slot = new_group(links, folder, name);
		if (*slot == NULL)
			return VRV_NOMEM(err, "hard links");
		(*slot)->content = content;
	} else {
		*ret_first = false;
	}
	*ret = *slot;
	return 0;
}

/* The group's first file, if its name still stands for it. */
static int
open_first(struct vrv_restore *run, const struct vrv_group_first *group,
    int flags, int *ret_fd, struct varve_err *err)
{
	vrv_auto_fd fd = -1;
	struct vrv_stat st;

	int rc = vrv_os_open_beneath(run->folders.root->held.fd, group->path,
	    flags, 0, &fd, err);
	if (rc == 0)
		rc = vrv_os_stat(fd, "", &st, err);
	if (rc != 0)
		return rc;
	if (st.dev != group->dev || st.inode != group->inode)
		return vrv_fail(err, VARVE_IO, "'%s' was replaced meanwhile",
		    group->path);
	*ret_fd = vrv_steal_fd(&fd);
	return 0;
}

static int
link_over(int fd, int dirfd, const char *name, struct varve_err *err)
{
	char temporary[VRV_NEWFILE_NAME];
	struct varve_err ignored;

	int rc = vrv_newfile_name(temporary, err);
	if (rc == 0)
		rc = vrv_os_link(fd, dirfd, temporary, err);
	if (rc != 0)
		return rc;
	rc = vrv_os_rename(dirfd, temporary, name, err);
	if (rc != 0 && vrv_os_unlink(dirfd, temporary, false, &ignored) != 0)
		(void)vrv_ctx(err, "'%s' is left behind", temporary);
	return rc;
}

static bool
is_first(const struct vrv_group_first *group, int dirfd, const char *name)
{
	struct varve_err ignored;
	struct vrv_stat st;

	return vrv_os_stat(dirfd, name, &st, &ignored) == 0 &&
	    st.dev == group->dev && st.inode == group->inode;
}

bool
vrv_links_is_made(struct vrv_restore *run, const struct vrv_group_first *group,
    struct vrv_folder *folder, const char *name)
{
	struct varve_err ignored;
	int dirfd;

	if (folder->made ||
	    vrv_folder_pin(&run->folders, folder, &dirfd, &ignored) != 0)
		return false;
	bool made = is_first(group, dirfd, name);
	vrv_folder_unpin(&run->folders, folder);
	return made;
}

int
vrv_links_make(struct vrv_restore *run, const struct vrv_group_first *group,
    struct vrv_folder *folder, const char *name, bool replace,
    struct varve_err *err)
{
	vrv_auto_fd fd = -1;
	int dirfd;

	int rc = open_first(run, group, O_PATH, &fd, err);
	if (rc == 0)
		rc = vrv_folder_pin(&run->folders, folder, &dirfd, err);
	if (rc != 0)
		return rc;
	/* Renaming one name of a file over another does nothing at all. */
	if (!replace || !is_first(group, dirfd, name))
		rc = replace ? link_over(fd, dirfd, name, err) :
			       vrv_os_link(fd, dirfd, name, err);
	vrv_folder_unpin(&run->folders, folder);
	return rc;
}

int
vrv_links_lead(struct vrv_restore *run, struct vrv_group_first *group,
    const struct vrv_folder *folder, const char *name, struct varve_err *err)
{
	vrv_auto_free char *path = vrv_folder_path(folder, name);
	char *copy = NULL;

	if (path != NULL)
		copy = vrv_arena_dup(&run->links->arena, path, strlen(path));
	if (copy == NULL)
		return VRV_NOMEM(err, "hard links");
	group->path = copy;
	atomic_store(&group->there, false);
	return 0;
}

void
vrv_links_finish(struct vrv_restore *run)
{
	for (struct vrv_group_first *group = run->links->all; group != NULL;
	     group = group->next) {
		struct vrv_attrs attrs = {.iflags = group->late_flags};
		struct varve_err err = {0};
		vrv_auto_fd fd = -1;
		if (group->late_flags == 0 || !atomic_load(&group->there))
			continue;
		int rc =
		    open_first(run, group, O_RDONLY | O_NONBLOCK, &fd, &err);
		if (rc != 0)
			vrv_restore_warn(run, run->folders.root, group->path,
			    "inode flags are not restored", &err);
		else
			vrv_attrs_apply_flags(run, &attrs, fd, "",
			    run->folders.root, group->path);
	}
}
