/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/repo_internal.h"

#include <stdlib.h>
#include <string.h>

#include "os/file.h"
#include "os/private.h"
#include "util/hex.h"
#include "util/mem.h"

void
vrv_slot_stored_fini(struct vrv_slot_stored *stored)
{
	free(stored->path);
	*stored = (struct vrv_slot_stored){0};
}

/* A slot as a file of the key directory: "<repository id>-<slot id>". */
static int
store_file(const char *keys_dir, const uint8_t repository[VRV_REPO_ID],
    const struct vrv_name *name, const struct vrv_buf *object, char **ret_path,
    struct varve_err *err)
{
	char whose[2 * VRV_REPO_ID + 1], id[2 * VRV_OBJECT_ID + 1];
	struct vrv_newfile file;
	vrv_auto_fd dir = -1;

	if (keys_dir == NULL)
		return vrv_fail(err, VARVE_USAGE, "no folder for key files");
	int rc = vrv_private_dir(keys_dir, true, &dir, err);
	if (rc != 0)
		return vrv_ctx(err, "key directory");
	vrv_newfile_sweep(dir);
	vrv_hex(whose, repository, VRV_REPO_ID);
	vrv_hex(id, name->id, VRV_OBJECT_ID);
	vrv_auto_free char *path = vrv_strf("%s/%s-%s", keys_dir, whose, id);
	if (path == NULL)
		return VRV_NOMEM(err, "a path");
	rc = vrv_newfile_open(dir, 0600, &file, err);
	if (rc != 0)
		return rc;
	rc = vrv_os_write(file.fd, object->data, object->len, err);
	if (rc != 0) {
		vrv_newfile_abort(&file);
		return vrv_ctx(err, "key file '%s'", path);
	}
	rc = vrv_newfile_link(&file, dir, strrchr(path, '/') + 1, err);
	if (rc != 0)
		return vrv_ctx(err, "key file '%s'", path);
	*ret_path = vrv_steal(&path);
	return 0;
}

/* Store one object of the slot; each is enough to open the repository. */
static int
store_copy(struct vrv_store *store, const uint8_t repository[VRV_REPO_ID],
    enum varve_key_mode mode, const char *keys_dir, const struct vrv_name *name,
    const struct vrv_buf *object, char **ret_path, struct varve_err *err)
{
	char text[VRV_NAME_SIZE];

	if (mode == VARVE_KEYFILE)
		return store_file(keys_dir, repository, name, object, ret_path,
		    err);
	vrv_name_print(name, text);
	return vrv_store_put(store, text, object->data, object->len, err);
}

int
vrv_slot_store(struct vrv_store *store, const uint8_t repository[VRV_REPO_ID],
    const struct vrv_key *master, struct vrv_slot *slot, const void *pass,
    size_t pass_n, enum varve_key_mode mode, const char *keys_dir,
    struct vrv_slot_stored *ret, struct varve_err *err)
{
	size_t copies = mode == VARVE_KEYFILE ? 1 : VRV_SLOT_COPIES;
	__attribute__((
	    cleanup(vrv_slot_stored_fini))) struct vrv_slot_stored stored = {0};
	vrv_auto_stretched kept = {0};
	int rc = 0;

	vrv_random(slot->salt, sizeof(slot->salt));
	while (rc == 0 && stored.n < copies) {
		vrv_auto_buf struct vrv_buf object = {0};
		struct vrv_name *name = &stored.names[stored.n];

		rc = vrv_slot_object_make(repository, master, slot, pass,
		    pass_n, &kept, name, &object, err);
		if (rc == 0)
			rc = store_copy(store, repository, mode, keys_dir, name,
			    &object, &stored.path, err);
		stored.n += rc == 0;
	}
	if (rc != 0)
		return rc;
	/* A slot is called by the lower id. */
	if (stored.n == 2 &&
	    memcmp(stored.names[0].id, stored.names[1].id, VRV_OBJECT_ID) > 0) {
		struct vrv_name higher = stored.names[0];

		stored.names[0] = stored.names[1];
		stored.names[1] = higher;
	}
	*ret = stored;
	stored = (struct vrv_slot_stored){0};
	return 0;
}
