/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/state.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/file.h"
#include "os/place.h"
#include "os/private.h"
#include "util/clock.h"
#include "util/hex.h"
#include "util/mem.h"

#define STATE_MAX ((size_t)64 << 20)
#define LOCK_WAIT_MS 10000
#define ADMIN_DIGITS 16
#define NAME_SIZE (2 * VRV_REPO_ID + 1 + ADMIN_DIGITS + 1)
#define ASIDE_TRIES 100
#define OLD ".old"

/* --- names --- */

static void
state_name(const struct vrv_identity *who, char name[NAME_SIZE])
{
	vrv_hex(name, who->repository, VRV_REPO_ID);
	name[2 * VRV_REPO_ID] = '-';
	vrv_hex(name + 2 * VRV_REPO_ID + 1, who->admin, ADMIN_DIGITS / 2);
}

static void
place_name(const char *location, char name[NAME_SIZE])
{
	uint8_t hash[16];

	vrv_blake2b(hash, sizeof(hash), NULL, location, strlen(location));
	vrv_hex(name, hash, sizeof(hash));
}

char *
vrv_state_path(const char *dir, const struct vrv_identity *who)
{
	char name[NAME_SIZE];

	state_name(who, name);
	return vrv_strf("%s/%s", dir, name);
}

/* --- one file --- */

static int
read_file(int dir, const char *name, struct vrv_state *ret, bool *ret_v1,
    struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf text = {0};

	int rc = vrv_private_load(dir, name, STATE_MAX, &text, err);
	if (rc != 0)
		return rc;
	rc = vrv_state_parse(&text, ret, ret_v1, err);
	return rc != 0 ? vrv_ctx(err, "%s", name) : 0;
}

static int
rename_aside(int dir, const char *name, struct varve_err *err)
{
	char aside[NAME_SIZE + 64];
	int64_t now = vrv_time_now().s;

	for (int tries = 0; tries < ASIDE_TRIES; tries++) {
		snprintf(aside, sizeof(aside), "%s.damaged-%lld", name,
		    (long long)(now + tries));
		if (renameat2(dir, name, dir, aside, RENAME_NOREPLACE) == 0 ||
		    errno == ENOENT)
			return 0;
		/* NFS cannot say "only if it is free". */
		if (errno == EINVAL && renameat(dir, name, dir, aside) == 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	return vrv_fail_sys(err, errno, "%s: rename to %s", name, aside);
}

/* Rename what cannot be used because of `why`, so that a person can look at
 * it. A file that the system only refused to read may be whole, and all that
 * this client knows: it stays, and nothing is written in its place. */
static int
set_aside(int dir, const char *name, const struct varve_err *why,
    struct varve_err *err)
{
	struct stat st;

	if (!vrv_err_is_damage(why) &&
	    (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		S_ISREG(st.st_mode))) {
		*err = *why;
		return err->code;
	}
	return rename_aside(dir, name, err);
}

/* --- the state of a repository --- */

/* The two versions of a state file: why each cannot be used (code 0: it can,
 * NOENT: there is none). The old one is read only if it is needed. */
struct versions {
	struct varve_err current, old;
};

static bool
is_unread(const struct varve_err *why)
{
	return why->code != 0 && why->code != VARVE_NOENT;
}

static int
read_version(int dir, const char *name, struct vrv_state *ret,
    struct varve_err *ret_why, struct varve_err *err)
{
	bool v1;

	int rc = read_file(dir, name, ret, &v1, ret_why);
	if (rc == 0 || rc == VARVE_NOENT || vrv_err_is_unusable(ret_why))
		return 0;
	*err = *ret_why;
	return rc;
}

static int
read_versions(int dir, const struct vrv_identity *who, struct vrv_state *ret,
    struct versions *v, struct varve_err *err)
{
	char name[NAME_SIZE], old[NAME_SIZE + sizeof(OLD)];

	*v = (struct versions){0};
	state_name(who, name);
	snprintf(old, sizeof(old), "%s" OLD, name);
	int rc = read_version(dir, name, ret, &v->current, err);
	if (rc == 0 && v->current.code != 0)
		rc = read_version(dir, old, ret, &v->old, err);
	/* The name holds a part of the admin key only. */
	if (rc == 0 && ret->known && memcmp(&ret->who, who, sizeof(*who)) != 0)
		vrv_state_fini(ret);
	return rc;
}

int
vrv_state_read(int dir, const struct vrv_identity *who, struct vrv_state *ret,
    struct varve_err *ret_damage, struct varve_err *err)
{
	struct vrv_state state = {0};
	struct versions v;

	int rc = read_versions(dir, who, &state, &v, err);
	if (rc != 0)
		return rc;
	vrv_err_clear(ret_damage);
	/* A machine may have stopped before the first version was written. */
	if (is_unread(&v.current))
		*ret_damage = v.current;
	else if (is_unread(&v.old))
		*ret_damage = v.old;
	*ret = state;
	return 0;
}

static int
replace(int dir, const char *name, const struct vrv_buf *text,
    struct varve_err *err)
{
	int rc =
	    vrv_os_replace_file(dir, name, 0600, text->data, text->len, err);

	return rc != 0 ? vrv_ctx(err, "%s", name) : 0;
}

/* The current version becomes the old one unless it is damaged: at any instant
 * one of the two is whole. */
static int
write_version(int dir, const struct vrv_identity *who,
    const struct vrv_buf *text, const struct versions *v, struct varve_err *err)
{
	char name[NAME_SIZE], old[NAME_SIZE + sizeof(OLD)];
	int rc = 0;

	state_name(who, name);
	snprintf(old, sizeof(old), "%s" OLD, name);
	if (v->current.code == 0) {
		/* Where there are no hard links, there is no old version. */
		(void)unlinkat(dir, old, 0);
		(void)!vrv_os_linkat(dir, name, dir, old, 0);
	}
	if (is_unread(&v->old))
		rc = set_aside(dir, old, &v->old, err);
	if (rc == 0 && is_unread(&v->current))
		rc = set_aside(dir, name, &v->current, err);
	return rc == 0 ? replace(dir, name, text, err) : rc;
}

/* What this process saw and did, applied to what the file says. */
static int
merge(struct vrv_state *file, const struct vrv_state *now,
    const struct vrv_state_change *change, struct varve_err *err)
{
	int rc = 0;

	if (change->forget) {
		file->n_pins = 0;
		file->generation = 0;
	} else if (!file->known) {
		/* Lost while this process ran, which still knows it. */
		rc =
		    vrv_state_apply(file, now->pins, now->n_pins, NULL, 0, err);
	}
	file->who = now->who;
	/* Never lower: another process may have seen a later one meanwhile. */
	if (!file->known || change->forget || vrv_state_order(now, file) > 0) {
		file->generation = now->generation;
		memcpy(file->config, now->config, VRV_CONFIG_HASH);
	}
	file->known = true;
	if (now->has_slot) {
		file->has_slot = true;
		memcpy(file->slot, now->slot, sizeof(file->slot));
		file->slot_kdf = now->slot_kdf;
		file->slot_passes = now->slot_passes;
		file->slot_memory = now->slot_memory;
	}
	if (rc == 0 && change->seen && now->places[0] != NULL)
		rc = vrv_state_add_place(file, now->places[0], err);
	if (rc == 0)
		rc = vrv_state_apply(file, change->add, change->n_add,
		    change->drop, change->n_drop, err);
	return rc;
}

/* Read, change and write, under the lock. */
static int
update(int dir, const struct vrv_state *now,
    const struct vrv_state_change *change, struct vrv_state *file,
    struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf before = {0}, after = {0};
	struct versions v;

	int rc = read_versions(dir, &now->who, file, &v, err);
	if (rc == 0)
		rc = vrv_state_print(file, false, &before, err);
	if (rc == 0)
		rc = merge(file, now, change, err);
	if (rc == 0)
		rc = vrv_state_print(file, false, &after, err);
	if (rc != 0)
		return rc;
	if (after.len > STATE_MAX)
		return vrv_fail(err, VARVE_LIMIT,
		    "the state would take %zu bytes, more than the %zu that "
		    "are read: it stays as it was",
		    after.len, STATE_MAX);
	if (v.current.code == 0 && before.len == after.len &&
	    memcmp(before.data, after.data, after.len) == 0)
		return 0;
	return write_version(dir, &now->who, &after, &v, err);
}

int
vrv_state_write(int dir, struct vrv_state *now,
    const struct vrv_state_change *change, struct varve_err *err)
{
	struct vrv_state file = {0};
	vrv_auto_fd held = -1;

	int rc = vrv_private_lock(dir, "lock", LOCK_WAIT_MS, &held, err);
	if (rc != 0)
		return rc;
	vrv_newfile_sweep(dir);
	rc = update(dir, now, change, &file, err);
	if (rc != 0) {
		vrv_state_fini(&file);
		return rc;
	}
	vrv_state_fini(now);
	*now = file;
	return 0;
}

int
vrv_state_keep(int dir, const struct vrv_state *v1, struct varve_err *err)
{
	const struct vrv_state_change change = {
	    .add = v1->pins,
	    .n_add = v1->n_pins,
	};
	struct vrv_state state = {
	    .who = v1->who,
	    .generation = v1->generation,
	};

	memcpy(state.config, v1->config, VRV_CONFIG_HASH);
	int rc = vrv_state_write(dir, &state, &change, err);
	vrv_state_fini(&state);
	return rc;
}

/* --- which repository lies at a location --- */

int
vrv_place_read(int dir, const char *location, struct vrv_state *ret,
    bool *ret_v1, struct varve_err *ret_damage, struct varve_err *err)
{
	struct vrv_state state = {0};
	char name[NAME_SIZE];
	bool v1 = false;

	place_name(location, name);
	vrv_err_clear(ret_damage);
	int rc = read_file(dir, name, &state, &v1, err);
	if (rc != 0 && rc != VARVE_NOENT) {
		if (!vrv_err_is_unusable(err))
			return rc;
		*ret_damage = *err;
	}
	*ret = state;
	*ret_v1 = v1;
	return 0;
}

int
vrv_place_write(int dir, const char *location, const struct vrv_identity *who,
    struct varve_err *err)
{
	struct vrv_state state = {.known = true, .who = *who}, old = {0};
	vrv_auto_buf struct vrv_buf text = {0};
	struct varve_err damage;
	char name[NAME_SIZE];
	bool v1;

	place_name(location, name);
	int rc = vrv_place_read(dir, location, &old, &v1, &damage, err);
	vrv_state_fini(&old);
	if (rc == 0 && damage.code != 0)
		rc = set_aside(dir, name, &damage, err);
	if (rc == 0)
		rc = vrv_state_add_place(&state, location, err);
	if (rc == 0)
		rc = vrv_state_print(&state, true, &text, err);
	if (rc == 0)
		rc = replace(dir, name, &text, err);
	vrv_state_fini(&state);
	return rc;
}

int
vrv_place_forget(int dir, const char *location, struct varve_err *err)
{
	struct vrv_state was = {0};
	struct varve_err damage;
	char name[NAME_SIZE];
	bool v1;

	place_name(location, name);
	int rc = vrv_place_read(dir, location, &was, &v1, &damage, err);
	if (rc == 0 && v1)
		rc = vrv_state_keep(dir, &was, err);
	vrv_state_fini(&was);
	if (rc != 0)
		return rc;
	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	return vrv_fail_sys(err, errno, "%s: removal", name);
}
