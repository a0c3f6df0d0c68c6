/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CREATE_PARENT_H
#define CREATE_PARENT_H

/*
 * The archive that a run continues: what is unchanged since is inherited from
 * it without being looked up. Its trees come from the tree cache, else from
 * the repository.
 *
 * The walk and the builder read it; what was read is known to exist, so that
 * the builder need not store an equal tree chunk again.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <varve/backup.h>

#include "archive/archive.h"
#include "archive/trees.h"
#include "create/treecache.h"
#include "os/meta.h"
#include "util/map.h"

struct vrv_parent {
	struct vrv_repo *repo;
	const struct vrv_archive *archive; /* NULL: there is none */
	struct vrv_treecache *cache;
	bool same_options; /* its metadata were taken as this run's will be */
	struct vrv_time before; /* files changed from here on are read again */
	enum varve_files_cache mode;
	/* Set before the run starts: it relies on nothing that it has not
	 * looked up (vrv_lost_apply()). */
	bool checked;
	bool looked; /* for packs that no index object names; the walk's own */
	pthread_mutex_t read_lock; /* protects reader */
	struct vrv_reader *reader; /* NULL until the cache misses */
	pthread_mutex_t lock;	   /* protects known */
	struct vrv_map *known;	   /* prefixes of tree chunks read, how often */
};

/* Choose the archive that a run continues, NULL if there is none: of the
 * series, else of another one of the same host that shares sources. One that
 * this client made or continued itself comes first, whatever its clock said;
 * then one that no other names as its predecessor; then the latest. Of those
 * that others made none is chosen that claims to have begun after the store
 * got it: one HEAD for each that is considered. (choose.c) */
struct vrv_choice {
	struct vrv_repo *repo;
	const struct vrv_archives *all;
	struct vrv_treecache *cache; /* of the series */
	const uint8_t *tag;
	const char *host, *label;
};
int vrv_parent_choose(const struct vrv_choice *, const struct vrv_archive **ret,
    struct varve_err *err) VRV_MUST;

/* `archive` may be NULL. Borrows everything. */
int vrv_parent_init(struct vrv_parent *, struct vrv_repo *,
    const struct vrv_archive *archive, struct vrv_treecache *,
    const char *options_text, enum varve_files_cache mode,
    struct varve_err *err) VRV_MUST;
void vrv_parent_fini(struct vrv_parent *);

/* Believe what the archive says of its start only as far as the store does: it
 * got the intent later than that. If it did not, files are read again that
 * changed since the store got it, less the margin; all of them if there is no
 * intent any more. One HEAD. */
int vrv_parent_bound(struct vrv_parent *, struct varve_err *err) VRV_MUST;

struct vrv_meta_source vrv_parent_source(struct vrv_parent *);

/* One directory of the parent, read in step with the walk. */
struct vrv_parent_dir {
	struct vrv_tree_iter *iter; /* NULL: the parent has no such directory */
	struct vrv_entry entry;	    /* the next one, with has */
	struct vrv_text raw;
	bool has;
	struct vrv_buf ids; /* prefixes of tree chunks read for it */
	struct vrv_parent *parent;
};
int vrv_parent_dir_open(struct vrv_parent *, const struct vrv_ref *,
    struct vrv_parent_dir *ret, struct varve_err *err) VRV_MUST;
void vrv_parent_dir_close(struct vrv_parent_dir *);
/* Close a directory that cannot be read: what was noted for it is forgotten,
 * so that it is stored again, and *dir is as if the parent had none. */
void vrv_parent_dir_give_up(struct vrv_parent_dir *dir);
/* The parent's entry of that name, or NULL; names must ascend. */
int vrv_parent_dir_find(struct vrv_parent_dir *, const char *name, size_t n,
    const struct vrv_entry **ret, struct vrv_text *ret_raw,
    struct varve_err *err) VRV_MUST;

/* Is the file unchanged since the parent took it? */
bool vrv_parent_same(const struct vrv_parent *, const struct vrv_entry *,
    const struct vrv_stat *);
/* May its metadata be inherited too, that is its whole entry? */
bool vrv_parent_same_entry(const struct vrv_parent *, const struct vrv_entry *,
    const struct vrv_stat *);

/* Is everything stored that the entry names (contents, their extent lists,
 * values of attributes; not a directory's listing)? True without looking unless
 * `checked` is set. One thread. */
int vrv_parent_holds(struct vrv_parent *, const struct vrv_entry *, bool *ret,
    struct varve_err *err) VRV_MUST;

/* Note that this tree chunk was read from the parent. */
int vrv_parent_note(struct vrv_parent *, const uint8_t id[VRV_ID_SIZE],
    struct varve_err *err) VRV_MUST;
/* Was this tree chunk read from the parent (and not yet forgotten)? Never if
 * `checked` is set. */
bool vrv_parent_knows(struct vrv_parent *, const uint8_t id[VRV_ID_SIZE]);
/* The directory of these `n` bytes of prefixes is built: forget them. */
void vrv_parent_forget(struct vrv_parent *, const uint8_t *ids, size_t n);

#endif
