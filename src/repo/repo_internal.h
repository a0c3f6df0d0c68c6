/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_REPO_INTERNAL_H
#define REPO_REPO_INTERNAL_H

#include <pthread.h>

#include "repo/repo.h"
#include "repo/rolls.h"
#include "repo/state.h"
#include "util/arena.h"
#include "util/map.h"

/* Everything that the master gives, in one block of secret memory. */
struct vrv_secrets {
	struct vrv_pack_keys pack;
	struct vrv_key master, tag, chunker, tree;
	struct vrv_signer admin, writer;
	uint8_t cache_id[VRV_CACHE_ID];
};

struct vrv_repo {
	struct vrv_store *store;
	struct vrv_secrets *secrets; /* NULL: opened without a key */
	uint8_t id[VRV_REPO_ID];
	struct vrv_arena arena; /* of the config */
	struct vrv_config config;
	uint8_t config_hash[VRV_CONFIG_HASH];
	unsigned config_copies;
	enum varve_key_mode mode;
	char *key_file;		     /* that the slot came from, or NULL */
	uint8_t slot[VRV_OBJECT_ID]; /* that opened it */
	struct vrv_slot slot_cost;   /* of it; the label may dangle */
	char *keys_dir, *state_dir, *cache;
	varve_event_fn *event;
	void *event_arg;
	pthread_mutex_t event_mutex; /* held while any event is told */
	pthread_mutex_t *event_lock; /* it, also from a const handle */

	bool salvage;		    /* nothing is written, here or there */
	bool without_config;	    /* the roster is what the master gives */
	bool old_allowed;	    /* nothing is written, here or there */
	char *state_path;	    /* of the state file, or NULL */
	pthread_mutex_t state_lock; /* protects state, change */
	struct vrv_state state;
	struct vrv_state_change change;

	pthread_mutex_t index_lock; /* protects what follows */
	struct vrv_index *index;
	bool index_current;
	bool index_healed;	 /* it was rebuilt for a lookup: once */
	struct vrv_map *rescued; /* packs that no index object named: struct
				    vrv_rescued; NULL until there is one */
	bool packs_listed;	 /* for a chunk that was not found: once */
	size_t unusable;	 /* index objects, when packs were rescued */
	size_t vanished;	 /* index objects, when packs were rescued */
	struct vrv_rolls rolls;	 /* read if a retired key signed one of them */
};

/* A pack that was looked at because no index object names it. */
struct vrv_rescued {
	uint64_t size;
	bool bad;   /* it could not be read; told */
	bool named; /* by an index object that this handle stored */
};

/* --- repo_object.c --- */

/* FORMAT (exit status 27) if the config asks writers for more than this
 * version knows, USAGE if it was opened only to look at an older copy. */
int vrv_repo_writable(const struct vrv_repo *, struct varve_err *err) VRV_MUST;

/* --- keyring.c: what a slot object holds --- */

/* A slot object taken apart as far as that goes without a passphrase. */
struct vrv_slot_object {
	struct vrv_name name;
	struct vrv_header header;
	struct vrv_slot slot;
	uint8_t *bytes;		      /* owned; slot.label points into it */
	size_t n, commitment, sealed; /* offsets */
	char *path; /* key file it came from; NULL: the repository */
};
void vrv_slot_object_fini(struct vrv_slot_object *);

/* A slot object as text (slot_text.c). Reading it: FORMAT unless it is whole;
 * what it says is for vrv_slot_object_parse(). */
void vrv_slot_text_put(struct vrv_buf *text,
    const uint8_t repository[VRV_REPO_ID], const uint8_t *object, size_t n);
int vrv_slot_text_get(const char *text, struct vrv_buf *ret,
    struct varve_err *err) VRV_MUST;

/* Consumes `bytes`. One whose sum is wrong is taken apart all the same if the
 * rest can be: then *ret_damage says so (code 0: it is whole). */
int vrv_slot_object_parse(uint8_t *take_bytes, size_t n,
    const struct vrv_name *name, struct vrv_slot_object *ret,
    struct varve_err *ret_damage, struct varve_err *err) VRV_MUST;

/* A slot is stored as two objects in the repository, its twins, which share
 * what a key derivation takes, and so its cost. A key file is one object. */
#define VRV_SLOT_COPIES 2
/* More slots are not tried, and so not made. */
#define VRV_SLOTS_MAX 32
/* More memory takes a slot that is pinned, or the caller's word. */
#define VRV_KDF_MEMORY_FREE ((uint64_t)1 << 30)
/* The same derivation: the objects are twins. */
bool vrv_slot_same(const struct vrv_slot *, const struct vrv_slot *);

/* What the last derivation gave; zero-initialise. For one secret only. */
#define VRV_STRETCHED 64
struct vrv_stretched {
	bool set;
	struct vrv_slot slot; /* its label may dangle */
	uint8_t out[VRV_STRETCHED];
};
void vrv_stretched_wipe(struct vrv_stretched *);
#define vrv_auto_stretched                                                     \
	__attribute__((cleanup(vrv_stretched_wipe))) struct vrv_stretched

/* Open with a passphrase or the bytes of a key file, as its kdf says. AUTH
 * (exit status 52) if it is not the one. */
int vrv_slot_object_open(const struct vrv_slot_object *, const void *pass,
    size_t pass_n, struct vrv_stretched *kept, struct vrv_key *ret_master,
    uint8_t ret_admin[VRV_SIGN_PUBLIC], struct varve_err *err) VRV_MUST;

/* A new slot object around the master of a repository. `slot` gives everything
 * but the commitment; the id is drawn here. */
int vrv_slot_object_make(const uint8_t repository[VRV_REPO_ID],
    const struct vrv_key *master, struct vrv_slot *slot, const void *pass,
    size_t pass_n, struct vrv_stretched *kept, struct vrv_name *ret_name,
    struct vrv_buf *object, struct varve_err *err) VRV_MUST;

/* All keys of a repository from its master; owned: vrv_secret_free(). */
int vrv_secrets_new(const struct vrv_key *master,
    const uint8_t repository[VRV_REPO_ID], struct vrv_secrets **ret,
    struct varve_err *err) VRV_MUST;

/* --- slots.c --- */

struct vrv_slot_objects {
	struct vrv_slot_object *items;
	size_t n, cap;
};
void vrv_slot_objects_fini(struct vrv_slot_objects *);

/* Objects of slots to try first, in this order: what this client remembers, and
 * what configs name that nothing has proven. */
#define VRV_SLOT_HINTS (2 * VRV_SLOTS_MAX + 1)
struct vrv_slot_hints {
	uint8_t ids[VRV_SLOT_HINTS][VRV_OBJECT_ID];
	size_t n;
};
/* Put an id behind the others, unless it is there or they are enough. */
void vrv_slot_hint(struct vrv_slot_hints *, const uint8_t id[VRV_OBJECT_ID]);

/* The slots that can be read: those in the repository, hints first, and then
 * this client's key files for it. A damaged one is noted. Of what no hint
 * names, 2 * VRV_SLOTS_MAX objects are read. */
int vrv_slots_load(struct vrv_store *, const uint8_t repository[VRV_REPO_ID],
    const struct varve_open_options *, const struct vrv_slot_hints *,
    struct vrv_slot_objects *ret, struct varve_err *err) VRV_MUST;
/* The first of the list that is a twin of item `i`: perhaps itself. */
size_t vrv_slot_first(const struct vrv_slot_objects *, size_t i);
/* How many slots the list holds, twins counted once. */
size_t vrv_slots_count(const struct vrv_slot_objects *);

/* Ask for a passphrase. `pass` has room for VARVE_PASSPHRASE_MAX. */
int vrv_ask(const struct varve_open_options *, bool fresh,
    const struct vrv_store *, char *pass, size_t *ret_n, struct varve_err *err)
    VRV_MUST;

/* The objects of a slot that was stored. */
struct vrv_slot_stored {
	struct vrv_name names[VRV_SLOT_COPIES];
	size_t n;   /* 1: a key file, or only one could be stored */
	char *path; /* of the key file, or NULL */
};
void vrv_slot_stored_fini(struct vrv_slot_stored *);
/* Make and store a slot: its twins in the repository, or (keyfile) a file of
 * `keys_dir`. `slot` gives kdf, passes, memory and label; the salt is drawn. */
int vrv_slot_store(struct vrv_store *, const uint8_t repository[VRV_REPO_ID],
    const struct vrv_key *master, struct vrv_slot *slot, const void *pass,
    size_t pass_n, enum varve_key_mode mode, const char *keys_dir,
    struct vrv_slot_stored *ret, struct varve_err *err) VRV_MUST;

/* --- unlock.c --- */

/* Open the keyring of the repository repo->id: by the slot that this client
 * used last, then those that `hints` name, then the others. */
int vrv_repo_unlock(struct vrv_repo *, const struct varve_open_options *,
    const struct vrv_slot_hints *, uint8_t ret_admin[VRV_SIGN_PUBLIC],
    struct varve_err *err) VRV_MUST;

/* --- key_file.c: key files that the user names --- */

/* Append a regular file, which may be reached through a symbolic link. USAGE if
 * it holds fewer than VRV_KEY_FILE_MIN bytes. */
int vrv_key_file_load(const char *path, struct vrv_buf *, struct varve_err *err)
    VRV_MUST;
/* Make one of mode 0600, whole or not at all; EXISTS if anything is there. */
int vrv_key_file_make(const char *path, const void *bytes, size_t n,
    struct varve_err *err) VRV_MUST;
/* Replace the file that `path` leads to, whole or not at all. */
int vrv_key_file_replace(const char *path, const void *bytes, size_t n,
    struct varve_err *err) VRV_MUST;

/* --- state.c --- */

/* Compare what the store shows with what this client knows, and remember it.
 * A state directory that cannot be used is a warning. */
int vrv_repo_state_open(struct vrv_repo *, const uint8_t admin[VRV_SIGN_PUBLIC],
    const struct varve_open_options *, struct varve_err *err) VRV_MUST;
/* What this client knows of the repository at the location, as far as trying
 * key slots needs it; nothing if that cannot be read. */
struct vrv_slot_pin {
	bool known; /* `admin` is set */
	uint8_t admin[VRV_SIGN_PUBLIC];
	bool has_slot;
	uint8_t slot[VRV_OBJECT_ID]; /* that opened it last */
	uint8_t kdf;
	uint32_t passes;
	uint64_t memory;
};
void vrv_repo_state_pin(const struct vrv_repo *,
    const struct varve_open_options *, struct vrv_slot_pin *ret);
/* Remember the config that counts now: it was changed. */
int vrv_repo_state_seen(struct vrv_repo *, struct varve_err *err) VRV_MUST;
/* Forget which repository was at a location (`dir` NULL: nobody knows). */
int vrv_repo_state_forget(const char *dir, const char *location,
    struct varve_err *err) VRV_MUST;

/* --- index_load.c --- */

/* Rebuild the local cache from the index objects alone; index_lock is held. */
int vrv_index_rebuild(struct vrv_repo *, struct varve_err *err) VRV_MUST;

/* --- index_rescue.c --- */

/* Both with index_lock held. Add what the listed packs that are at least as
 * old as `before` say of themselves where no index object does. */
int vrv_index_rescue_from(struct vrv_repo *, const struct vrv_packs *,
    int64_t before, struct varve_err *err) VRV_MUST;
/* The same with a listing of its own, for packs of any age. */
int vrv_index_rescue(struct vrv_repo *, struct varve_err *err) VRV_MUST;

/* --- index_store.c --- */

/* What the next index object is to name: entries, and a sum of each pack. */
struct vrv_index_draft {
	struct vrv_buf entries;
	struct vrv_pack_sum *sums;
	size_t n, cap;
};
/* The entry has been appended by the caller. */
int vrv_index_draft_add(struct vrv_index_draft *, const struct vrv_pack_sum *,
    struct varve_err *err) VRV_MUST;
/* Names nothing, and keeps the memory. */
void vrv_index_draft_clear(struct vrv_index_draft *);
void vrv_index_draft_fini(struct vrv_index_draft *);
/* Store it. `name` gives tag and suffix, and gets its id; *ret_size is what it
 * takes in the store. */
int vrv_index_store(struct vrv_repo *, struct vrv_name *name,
    const struct vrv_index_draft *, uint64_t *ret_size, struct varve_err *err)
    VRV_MUST;
/* vrv_index_add() and vrv_index_flush() beside threads that load the index
 * again: a listing is taken and applied wholly before a flush or after it, so
 * that none which is older than the object drops the object's run. */
int vrv_repo_index_add(struct vrv_repo *, const uint8_t *entry, size_t n,
    struct varve_err *err) VRV_MUST;
int vrv_repo_index_flush(struct vrv_repo *, const uint8_t object[VRV_OBJECT_ID],
    struct varve_err *err) VRV_MUST;

/* --- copies.c: what all readers of chunks share --- */

/* Find the copies of a chunk and call `fn` with one after another until it
 * returns 0. CORRUPT names the chunk if there is none, or if what `fn` said of
 * the last means damage. *ret_gone: a pack was not there that the index names,
 * so that a newer index may know better. */
typedef int vrv_copy_fn(void *arg, const struct vrv_location *at,
    struct varve_err *err);
int vrv_copies_try(struct vrv_repo *, enum vrv_frame_kind kind,
    const uint8_t id[VRV_ID_SIZE], vrv_copy_fn *fn, void *arg, bool *ret_gone,
    struct varve_err *err) VRV_MUST;
/* Put pack and frame in front of an error. */
int vrv_copy_context(const struct vrv_location *at, struct varve_err *err);
/* CORRUPT if the id of the bytes does not begin with `want`. */
int vrv_chunk_verify(const struct vrv_repo *, enum vrv_frame_kind kind,
    const uint8_t *bytes, size_t n, const uint8_t *want, size_t want_n,
    struct varve_err *err) VRV_MUST;

/* --- repo_config.c --- */

/* Each generation is stored as two objects of one body. */
#define VRV_CONFIG_COPIES 2
/* Sign and store `copies` objects of a config generation. */
int vrv_config_store(struct vrv_store *, const struct vrv_signer *admin,
    const uint8_t repository[VRV_REPO_ID], const struct vrv_config *,
    unsigned copies, uint8_t ret_hash[VRV_CONFIG_HASH], struct varve_err *err)
    VRV_MUST;

/* The names of config/ that are config objects, newest generation first. */
struct vrv_config_names {
	struct vrv_name *items;
	size_t n, cap;
};
int vrv_config_list(struct vrv_store *, struct vrv_config_names *ret,
    struct varve_err *err) VRV_MUST;
/* Ids of repositories in the headers of configs, newest first: claims that
 * nothing has proven yet, so the owner of the right one may follow. */
#define VRV_CONFIG_IDS 8
struct vrv_config_ids {
	uint8_t ids[VRV_CONFIG_IDS][VRV_REPO_ID];
	size_t n;
	size_t next; /* of the names: the first that was not looked at */
	struct vrv_slot_hints slots; /* that they name, not proven either */
};
/* Add an id, unless it is there or they are enough. */
void vrv_config_add_id(struct vrv_config_ids *, const uint8_t id[VRV_REPO_ID]);
/* Add what the configs of one more generation claim, the newest first: one of
 * which an object has a sound checksum. The first error if none has; NOENT if
 * all were looked at. Zero-initialise the ids. */
int vrv_config_peek(struct vrv_store *, const struct vrv_config_names *,
    struct vrv_config_ids *ret, struct varve_err *err) VRV_MUST;

struct vrv_config_read {
	struct vrv_config config; /* in the arena */
	uint8_t hash[VRV_CONFIG_HASH];
	unsigned copies;      /* objects of this body */
	size_t ignored;	      /* objects that cannot be verified, of this and
				 later generations */
	struct varve_err why; /* the first of them */
};
/* Read the newest generation that `admin` signed (NULL: opened without a key,
 * any signer): of several bodies the one of the lowest hash. What cannot be
 * verified is ignored. FORMAT if the newest that the admin signed is of a later
 * version; IO and NET if an object of a later generation could not be read. */
int vrv_config_load(struct vrv_store *, const struct vrv_config_names *,
    const uint8_t repository[VRV_REPO_ID], const uint8_t *admin,
    struct vrv_arena *arena, struct vrv_config_read *ret, struct varve_err *err)
    VRV_MUST;
/* Let a config count for this handle; warn of what was ignored. */
void vrv_repo_config_set(struct vrv_repo *, const struct vrv_config_read *);
/* Store the next generation: `changed` but for generation and predecessor. The
 * handle uses afterwards what counts then. EXISTS if another client changed the
 * config since this handle read it, or meanwhile and its change counts. */
int vrv_repo_config_replace(struct vrv_repo *, const struct vrv_config *changed,
    struct varve_err *err) VRV_MUST;
/* Store the missing copy of the config; the handle must be writable. Tells
 * what it did, or why it could not. */
void vrv_repo_config_mend(struct vrv_repo *);

/* --- repo_salvage.c: reading without a configuration --- */

/* Ids of repositories in the headers of key slots, archives and index objects,
 * added to `ret`: claims, as those of vrv_config_peek(). */
int vrv_salvage_ids(struct vrv_store *, struct vrv_config_ids *ret,
    struct varve_err *err) VRV_MUST;
/* Let the keys that the master gives stand for the roster of the config, which
 * is lacking. */
int vrv_salvage_roster(struct vrv_repo *, const uint8_t admin[VRV_SIGN_PUBLIC],
    struct varve_err *err) VRV_MUST;
/* Warn that it is read so, and why. */
void vrv_salvage_tell(const struct vrv_repo *, const struct varve_err *why);
/* Add to the error of a config that cannot be read how to do without, unless
 * this client has a pin of the repository. Returns err->code. */
int vrv_salvage_advise(const struct vrv_repo *, struct varve_err *err);

#endif
