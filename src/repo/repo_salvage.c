/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/repo_internal.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/private.h"
#include "util/hex.h"
#include "util/mem.h"

/* A store may hold any number of objects: enough of each type to pass over
 * some that are damaged or planted. */
#define LOOKED_AT 64

struct claims {
	struct vrv_store *store;
	enum vrv_type type;
	struct vrv_config_ids *ids;
	size_t looked_at;
};

static int
add_claim(void *arg, const struct vrv_store_item *item, struct varve_err *err)
{
	uint8_t bytes[VRV_HEADER_SIZE];
	struct claims *c = arg;
	struct vrv_header header;
	struct vrv_name name;
	struct varve_err why;

	if (!vrv_name_parse(item->name, &name) || name.type != c->type ||
	    c->looked_at >= LOOKED_AT)
		return 0;
	c->looked_at++;
	int rc =
	    vrv_store_get(c->store, item->name, 0, bytes, sizeof(bytes), &why);
	if (rc == 0)
		rc = vrv_header_get(bytes, sizeof(bytes), &header, &why);
	if (rc == 0)
		vrv_config_add_id(c->ids, header.repository);
	if (rc != 0 && vrv_err_is_fatal(&why)) {
		*err = why;
		return rc;
	}
	return 0;
}

int
vrv_salvage_ids(struct vrv_store *store, struct vrv_config_ids *ret,
    struct varve_err *err)
{
	static const enum vrv_type types[] = {VRV_KEY_SLOT, VRV_ARCHIVE,
	    VRV_INDEX};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof(types) / sizeof(*types); i++) {
		struct claims c = {store, types[i], ret, 0};

		rc = vrv_store_list(store, vrv_type_prefix(types[i]), false,
		    add_claim, &c, err);
	}
	return rc;
}

int
vrv_salvage_roster(struct vrv_repo *repo, const uint8_t admin[VRV_SIGN_PUBLIC],
    struct varve_err *err)
{
	const struct vrv_secrets *s = repo->secrets;

	/* The derived keys are all that is proven here. */
	if (memcmp(admin, s->admin.public, VRV_SIGN_PUBLIC) != 0)
		return vrv_fail(err, VARVE_AUTH,
		    "the key slot names another admin key than its master "
		    "gives");
	struct vrv_member *members =
	    vrv_arena_alloc(&repo->arena, 2 * sizeof(*members));
	if (members == NULL)
		return VRV_NOMEM(err, "the roster");
	memset(members, 0, 2 * sizeof(*members));
	memcpy(members[0].key, s->admin.public, VRV_SIGN_PUBLIC);
	members[0].rights = VRV_RIGHT_ADMIN | VRV_RIGHT_WRITE;
	memcpy(members[1].key, s->writer.public, VRV_SIGN_PUBLIC);
	members[1].rights = VRV_RIGHT_WRITE;
	repo->config = (struct vrv_config){.members = members, .n_members = 2};
	repo->without_config = true;
	return 0;
}

void
vrv_salvage_tell(const struct vrv_repo *repo, const struct varve_err *why)
{
	vrv_repo_note(repo, VARVE_EVENT_WARNING, NULL,
	    "'%s' is read without a configuration (%s): what other keys "
	    "signed than the master gives is unvouched",
	    vrv_store_location(repo->store), why->message);
}

/* Has a state been kept of a repository of this id, whatever its admin key? */
static bool
has_state(int dir, const struct vrv_config_ids *ids)
{
	bool found = false;
	struct dirent *e;
	int fd = dup(dir);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (d == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return true;
	}
	while (!found && (e = readdir(d)) != NULL) {
		for (size_t i = 0; i < ids->n; i++) {
			char prefix[2 * VRV_REPO_ID + 2];

			vrv_hex(prefix, ids->ids[i], VRV_REPO_ID);
			strcat(prefix, "-");
			if (strncmp(e->d_name, prefix, strlen(prefix)) == 0)
				found = true;
		}
	}
	(void)closedir(d);
	return found;
}

/* What cannot be read may be a pin. */
static bool
is_pinned(const struct vrv_repo *repo, const struct vrv_config_ids *ids)
{
	struct varve_err damage, why;
	struct vrv_state place = {0};
	vrv_auto_fd dir = -1;
	bool v1;

	if (repo->state_dir == NULL)
		return false;
	int rc = vrv_private_dir(repo->state_dir, false, &dir, &why);
	if (rc != 0)
		return rc != VARVE_NOENT;
	rc = vrv_place_read(dir, vrv_store_location(repo->store), &place, &v1,
	    &damage, &why);
	bool pinned = rc != 0 || damage.code != 0 || place.known;
	vrv_state_fini(&place);
	return pinned || has_state(dir, ids);
}

int
vrv_salvage_advise(const struct vrv_repo *repo, struct varve_err *err)
{
	struct vrv_config_ids ids = {0};
	struct varve_err why;

	/* A newer varve can read it. */
	if (vrv_err_is_fatal(err) || err->code == VARVE_FORMAT ||
	    vrv_salvage_ids(repo->store, &ids, &why) != 0 || ids.n == 0)
		return err->code;
	if (err->exit == VARVE_EXIT_NO_REPO) {
		vrv_fail(err, VARVE_NOENT,
		    "'%s' was a repository, but its configuration is gone",
		    vrv_store_location(repo->store));
		vrv_exit(err, VARVE_EXIT_NO_REPO);
	}
	/* Whoever removed it may want just that: a client that knows the
	 * repository should get it back whole. */
	return is_pinned(repo, &ids) ?
	    err->code :
	    vrv_hint(err,
		"; if it cannot be had from a copy, list, extract, mount, "
		"check and key export read without it: give --salvage");
}
