/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/dirs.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/mem.h"

static const char *
variable(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

static const char *
home(void)
{
	const char *path = variable("HOME");

	if (path != NULL)
		return path;
	const struct passwd *pw = getpwuid(getuid());
	return pw != NULL ? pw->pw_dir : "/";
}

/* `own` names the folder itself, `xdg` the one above `in_xdg`. */
static char *
folder(const char *own, const char *xdg, const char *in_xdg,
    const char *in_home)
{
	const char *base = variable("VARVE_BASE_DIR");
	const char *path = variable(own);

	if (path != NULL)
		return vrv_strf("%s", path);
	if (base != NULL)
		return vrv_strf("%s/%s/%s", base, in_home, in_xdg);
	/* By its specification a relative path there is to be ignored. */
	path = variable(xdg);
	if (path != NULL && path[0] == '/')
		return vrv_strf("%s/%s", path, in_xdg);
	return vrv_strf("%s/%s/%s", home(), in_home, in_xdg);
}

/* A number of MiB. What is none allows nothing. */
static uint64_t
memory(const char *name)
{
	const char *text = variable(name);
	uint64_t mib = 0;

	for (; text != NULL && *text >= '0' && *text <= '9' && mib < 1 << 20;
	     text++)
		mib = 10 * mib + (uint64_t)(*text - '0');
	return text == NULL || *text != '\0' ? 0 : mib << 20;
}

int
vrv_dirs_find(struct vrv_dirs *ret, struct varve_err *err)
{
	struct vrv_dirs d = {
	    .state = folder("VARVE_STATE_DIR", "XDG_STATE_HOME", "varve",
		".local/state"),
	    .cache =
		folder("VARVE_CACHE_DIR", "XDG_CACHE_HOME", "varve", ".cache"),
	    .keys = folder("VARVE_KEYS_DIR", "XDG_CONFIG_HOME", "varve/keys",
		".config"),
	    .key_file = variable("VARVE_KEY_FILE"),
	    .kdf_memory_max = memory("VARVE_KDF_MEMORY_MAX"),
	};

	if (d.state == NULL || d.cache == NULL || d.keys == NULL) {
		vrv_dirs_fini(&d);
		return VRV_NOMEM(err, "paths");
	}
	*ret = d;
	return 0;
}

void
vrv_dirs_fini(struct vrv_dirs *d)
{
	free(d->state);
	free(d->cache);
	free(d->keys);
	*d = (struct vrv_dirs){0};
}
