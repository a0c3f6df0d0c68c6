/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_REPO_H
#define REPO_REPO_H

/*
 * A repository: a store, the keys that open it, and its signed objects.
 *
 * Opening finds a key slot, unlocks the keyring, believes the newest config
 * that the admin key in the keyring has signed, and compares both with what
 * this client saw last time. Everything after that works on objects that are
 * sealed, signed and checked here.
 *
 * A handle is immutable after opening but for its index and its state file,
 * which lock themselves: functions here may be called from any thread unless
 * they say otherwise.
 */

#include <stdbool.h>
#include <stdint.h>

#include <varve/key.h>
#include <varve/repo.h>

#include "format/config.h"
#include "format/object.h"
#include "index/index.h"
#include "pack/pack.h"
#include "store/store.h"

struct vrv_repo;

/* --- making and opening --- */

/* Make a repository in an empty store. The store is consumed, also on
 * failure. Order of objects: key slot, then config: a repository without
 * config does not exist yet and can be made again. The chunk
 * sizes must be possible ones (chunk/chunk.h), not 0. */
int vrv_repo_init(struct vrv_store *take_store,
    const struct varve_init_options *, const struct varve_open_options *,
    struct varve_err *err) VRV_MUST;

/* Open. The store is consumed, also on failure. `options` and what it points
 * to are only used during the call, but for event, which is kept. */
int vrv_repo_open(struct vrv_store *take_store,
    const struct varve_open_options *, struct vrv_repo **ret,
    struct varve_err *err) VRV_MUST;
void vrv_repo_close(struct vrv_repo *);

struct vrv_store *vrv_repo_store(const struct vrv_repo *);
const uint8_t *vrv_repo_id(const struct vrv_repo *); /* VRV_REPO_ID bytes */
const struct vrv_config *vrv_repo_config(const struct vrv_repo *);
/* False if one of the two copies of the config is missing or damaged. */
bool vrv_repo_config_whole(const struct vrv_repo *);
const struct vrv_pack_keys *vrv_repo_keys(const struct vrv_repo *);
enum varve_key_mode vrv_repo_key_mode(const struct vrv_repo *);
const char *vrv_repo_key_file(const struct vrv_repo *);
/* This client's folder for things that can be made anew; NULL: there is none
 * that can be used. */
const char *vrv_repo_cache(const struct vrv_repo *);
/* What names this repository in caches (VRV_CACHE_ID bytes): derived from its
 * master, so that no other repository can have it, whatever id it claims. NULL
 * if it was opened without a key. */
const uint8_t *vrv_repo_cache_id(const struct vrv_repo *);
const char *vrv_repo_state_path(const struct vrv_repo *);
/* The folder of this client for what must not be lost, also without a key;
 * NULL: none. It need not be there. */
const char *vrv_repo_state_dir(const struct vrv_repo *);
/* The key that cut points of contents depend on. */
const struct vrv_key *vrv_repo_chunker_key(const struct vrv_repo *);
/* The key that places the cuts of trees. */
const struct vrv_key *vrv_repo_tree_key(const struct vrv_repo *);
/* Series tag of host and label. */
void vrv_repo_tag(const struct vrv_repo *, const char *host, const char *label,
    uint8_t ret[VRV_TAG_SIZE]);

/* Tell the caller's event function; does nothing if it gave none. */
void vrv_repo_note(const struct vrv_repo *, enum varve_event_type,
    const char *path, const char *fmt, ...) VRV_PRINTF(4, 5);

/* Call an event function (NULL: do nothing) while no note of this repository
 * and no other such call is under way: what is told comes from one thread at a
 * time. `repo` may be NULL. */
void vrv_repo_tell(const struct vrv_repo *repo, varve_event_fn *fn, void *arg,
    const struct varve_event *event);

/* --- key slots --- */

int vrv_repo_slots(struct vrv_repo *, struct varve_slot_list **ret,
    struct varve_err *err) VRV_MUST;
int vrv_repo_slot_add(struct vrv_repo *, const char *label,
    const char *key_file, const struct varve_open_options *, char ret_id[33],
    struct varve_err *err) VRV_MUST;
int vrv_repo_slot_remove(struct vrv_repo *, const char *slot,
    struct varve_err *err) VRV_MUST;
int vrv_repo_slot_change(struct vrv_repo *, const struct varve_open_options *,
    struct varve_err *err) VRV_MUST;
int vrv_repo_slot_export(struct vrv_repo *, char **ret, struct varve_err *err)
    VRV_MUST;
int vrv_repo_slot_import(struct vrv_store *take_store,
    const struct varve_open_options *, const char *text, char ret_id[33],
    struct varve_err *err) VRV_MUST;

/* --- objects --- */

/* A fetched object: whole, of this repository, and signed by a member of the
 * roster with the right for its type, or by one that had it and is retired. */
struct vrv_object {
	struct vrv_name name;
	uint8_t *bytes; /* owned */
	size_t n;
	size_t body, end; /* body = [body, end) of bytes */
	uint8_t signer[VRV_SIGN_PUBLIC];
	bool by_admin;
	bool retired; /* the signer is, or without a config may be: a roll must
			 vouch for the object */
};
/* Must a roll vouch for what this key signed? It is retired, or there is no
 * config that says that it is not. */
bool vrv_repo_is_retired(const struct vrv_repo *,
    const uint8_t key[VRV_SIGN_PUBLIC]);
/* BLAKE2b-256 of the whole object: what rolls name it by. */
void vrv_object_hash(const struct vrv_object *, uint8_t ret[32]);
void vrv_object_fini(struct vrv_object *);
#define vrv_auto_object __attribute__((cleanup(vrv_object_fini)))

/* Fetch and verify an object of a signed type. */
int vrv_repo_fetch(struct vrv_repo *, const char *name, struct vrv_object *ret,
    struct varve_err *err) VRV_MUST;

/* Open the part sealed to the meta key that starts at offset `at`, of which
 * nothing may follow in the body. */
int vrv_object_open_meta(struct vrv_repo *, const struct vrv_object *,
    size_t at, enum vrv_kem_kind kind, struct vrv_buf *ret,
    struct varve_err *err) VRV_MUST;

/* Open the sealed body of an index object. */
int vrv_object_open_index(struct vrv_repo *, const struct vrv_object *,
    struct vrv_buf *ret, struct varve_err *err) VRV_MUST;

/* Make an object: begin (header, with a fresh random id unless name->id is
 * set by `keep_id`), append the clear body, seal what is sealed, finish
 * (signature and trailer), store. */
int vrv_draft_begin(struct vrv_repo *, struct vrv_name *name, bool keep_id,
    struct vrv_buf *object, struct varve_err *err) VRV_MUST;
int vrv_draft_seal_meta(struct vrv_repo *, struct vrv_buf *object,
    enum vrv_kem_kind kind, const struct vrv_buf *plain, struct varve_err *err)
    VRV_MUST;
int vrv_draft_seal_index(struct vrv_repo *, struct vrv_buf *object,
    const struct vrv_buf *plain, struct varve_err *err) VRV_MUST;
int vrv_draft_store(struct vrv_repo *, const struct vrv_name *name,
    struct vrv_buf *object, bool as_admin, struct varve_err *err) VRV_MUST;

/* --- chunk index --- */

/* The index, brought up to date with the store once per handle: the first
 * call lists index/ and fetches what is new. */
int vrv_repo_index(struct vrv_repo *, struct vrv_index **ret,
    struct varve_err *err) VRV_MUST;
/* List index/ again; with `forget`, rebuild the local cache from nothing. */
int vrv_repo_index_reload(struct vrv_repo *, bool forget, struct varve_err *err)
    VRV_MUST;
/* vrv_index_packs() and vrv_index_stats(). Where the local cache turns out to
 * be damaged, it is rebuilt from the store and asked again. */
int vrv_repo_index_packs(struct vrv_repo *, vrv_index_pack_fn *fn, void *arg,
    struct varve_err *err) VRV_MUST;
int vrv_repo_index_stats(struct vrv_repo *, struct vrv_index_stats *ret,
    struct varve_err *err) VRV_MUST;

/* vrv_index_has() and vrv_index_find(), for many chunks of which most may be
 * new. Where the local cache turns out to be damaged, it is rebuilt from the
 * store, once per handle, and asked again; other threads that ask here wait for
 * that, or they would store again what the index does not show meanwhile. */
int vrv_repo_index_has(struct vrv_repo *, enum vrv_frame_kind kind,
    const uint8_t prefix[VRV_PREFIX_SIZE], bool *ret, struct varve_err *err)
    VRV_MUST;
int vrv_repo_index_find(struct vrv_repo *,
    const uint8_t prefix[VRV_PREFIX_SIZE], struct vrv_location *ret,
    uint32_t max, uint32_t *ret_n, struct varve_err *err) VRV_MUST;

/* Locations of one chunk that whoever wants a copy of it looks at. */
#define VRV_COPIES_MAX 8
/* Up to `max` locations of a chunk, as vrv_index_find() gives them. Before it
 * says NOENT, it lists index/ again, and once per handle packs/: what the
 * index does not name is then found by its own directory. */
int vrv_repo_locate(struct vrv_repo *, const uint8_t prefix[VRV_PREFIX_SIZE],
    struct vrv_location *ret, uint32_t max, uint32_t *ret_n,
    struct varve_err *err) VRV_MUST;

/* --- packs --- */

/* The name of a pack's object. */
void vrv_pack_name(const uint8_t pack[VRV_OBJECT_ID], char ret[VRV_NAME_SIZE]);
/* Is the pack in the store, with the length that the index states? */
int vrv_pack_there(struct vrv_repo *, const uint8_t pack[VRV_OBJECT_ID],
    uint64_t length, bool *ret, struct varve_err *err) VRV_MUST;
/* The same; *ret_cause says why one that may be there cannot be used, which is
 * told as a PROBLEM too, or holds no error. */
int vrv_pack_look(struct vrv_repo *, const uint8_t pack[VRV_OBJECT_ID],
    uint64_t length, bool *ret, struct varve_err *ret_cause,
    struct varve_err *err) VRV_MUST;

/* What the pack of `size` bytes says of itself, without any index: the entry
 * of its directory, appended to `ret`. It may be that of another pack. */
int vrv_pack_read_entry(struct vrv_repo *, const uint8_t pack[VRV_OBJECT_ID],
    uint64_t size, struct vrv_buf *ret, struct varve_err *err) VRV_MUST;

/* A listing of packs/, sorted by id. */
struct vrv_listed_pack {
	uint8_t id[VRV_OBJECT_ID];
	uint64_t size;
	int64_t time; /* the store's clock */
};
struct vrv_packs {
	struct vrv_listed_pack *items;
	size_t n, cap;
};
int vrv_packs_list(struct vrv_repo *, struct vrv_packs *ret,
    struct varve_err *err) VRV_MUST;
const struct vrv_listed_pack *vrv_packs_find(const struct vrv_packs *,
    const uint8_t id[VRV_OBJECT_ID]);
void vrv_packs_fini(struct vrv_packs *);

/*
 * Unnamed packs: those that no usable index object names, because it was
 * damaged or deleted, or because the run that stored them was killed. Their
 * chunks are found by the packs' own directories. Whoever relies on one must
 * name it before the archive is stored: another client may not look, and a
 * collector does not know that it is in use.
 */

/* Look at the listed packs that are at least as old as `before`. One that
 * cannot be read is told as a PROBLEM. */
int vrv_repo_rescue(struct vrv_repo *, const struct vrv_packs *, int64_t before,
    struct varve_err *err) VRV_MUST;
bool vrv_repo_has_unnamed(struct vrv_repo *);
bool vrv_repo_is_unnamed(struct vrv_repo *, const uint8_t pack[VRV_OBJECT_ID]);
/* Store index objects that name all of them but those that `skip` accepts;
 * their ids are appended to `ret_ids`. An error if one cannot be read.
 * *ret_gone: one has gone, and left the index of this handle; whoever relies on
 * it must look for another place of what it held. */
typedef bool vrv_pack_skip_fn(void *arg, const uint8_t pack[VRV_OBJECT_ID]);
int vrv_repo_name_packs(struct vrv_repo *, const uint8_t tag[VRV_TAG_SIZE],
    vrv_pack_skip_fn *skip, void *arg, struct vrv_buf *ret_ids, bool *ret_gone,
    struct varve_err *err) VRV_MUST;

/* --- reading chunks --- */

/* Confined to one thread. Keeps the last few opened frames, up to
 * `cache_bytes` of plaintext. */
struct vrv_reader;
int vrv_reader_new(struct vrv_repo *, size_t cache_bytes,
    struct vrv_reader **ret, struct varve_err *err) VRV_MUST;
void vrv_reader_free(struct vrv_reader *);

/* Frames that could not be fetched or opened, with the first error of each, so
 * that a frame is not read again for each of its chunks: on a dying disk each
 * try takes seconds. Bounded; the oldest is forgotten. Any thread. For one
 * pass through the repository, not longer: what failed may be healed. */
struct vrv_failures;
int vrv_failures_new(struct vrv_failures **ret, struct varve_err *err) VRV_MUST;
void vrv_failures_free(struct vrv_failures *); /* NULL is fine */
/* For what lives longer than a pass: forget a failure after that long. */
void vrv_failures_retry_after(struct vrv_failures *, uint64_t ns);
/* The error of the frame that `at` lies in, or 0. */
int vrv_failures_get(struct vrv_failures *, const struct vrv_location *at,
    struct varve_err *err) VRV_MUST;
/* Note it, unless it is an error of the run. */
void vrv_failures_put(struct vrv_failures *, const struct vrv_location *at,
    const struct varve_err *err);
/* Let a reader fail at once for what is noted, and note what fails. They must
 * outlive the reader; several readers may share them. */
void vrv_reader_remember(struct vrv_reader *, struct vrv_failures *);

/* The plaintext of a chunk, whose full id has been checked; valid until the
 * next call with this reader. Damaged copies are passed over while another
 * exists. CORRUPT names pack and chunk if none can be read. */
int vrv_reader_get(struct vrv_reader *, enum vrv_frame_kind kind,
    const uint8_t id[VRV_ID_SIZE], const uint8_t **ret, size_t *ret_n,
    struct varve_err *err) VRV_MUST;

/* Fetch and open the whole frame that `at` lies in, without its cache and
 * without checking ids; `ret` is the caller's. */
int vrv_reader_frame(struct vrv_reader *, const struct vrv_location *at,
    struct vrv_opened *ret, struct varve_err *err) VRV_MUST;

/* --- what this client remembers of the repository --- */

/* An archive that must be there: in this revision or a later one, or buried;
 * once it was seen buried, buried. Zeros: `object` is not known, `tombstone`
 * was not seen. */
struct vrv_pin {
	uint8_t tag[VRV_TAG_SIZE]; /* of its series */
	uint8_t logical[32];
	uint8_t object[VRV_OBJECT_ID];
	uint8_t tombstone[VRV_OBJECT_ID];
	uint32_t revision;
};
bool vrv_pin_was_buried(const struct vrv_pin *);
/* All pins, sorted by tag. Owned: free(). */
int vrv_repo_state_pins(struct vrv_repo *, struct vrv_pin **ret, size_t *ret_n,
    struct varve_err *err) VRV_MUST;
/* Drop pins, then add others; of one archive the highest revision stays, and
 * of one revision what was seen buried. */
int vrv_repo_state_change(struct vrv_repo *, const struct vrv_pin *add,
    size_t n_add, const struct vrv_pin *drop, size_t n_drop,
    struct varve_err *err) VRV_MUST;
/* Apply the changes to the state file as it is now. */
int vrv_repo_state_save(struct vrv_repo *, struct varve_err *err) VRV_MUST;
/* The repository is older than this client knows: fail with AUTH and exit
 * status 61, or note it and return 0 if it was opened to be looked at. */
int vrv_repo_older(struct vrv_repo *, const char *why, struct varve_err *err)
    VRV_MUST;

#endif
