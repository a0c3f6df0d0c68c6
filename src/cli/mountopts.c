/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/mountopts.h"

#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "util/mem.h"

/* From fstab, and of no meaning for what is always so or done by others. */
static const char *const ignored[] = {"ro", "nosuid", "nodev", "suid", "dev",
    "defaults", "auto", "noauto", "user", "nouser", "users", "owner", "group",
    "_netdev", "nofail", "relatime", "default_permissions", NULL};
/* For the kernel. */
static const char *const passed[] = {"exec", "noexec", "atime", "noatime",
    "nodiratime", NULL};

static bool
is_among(const char *const *list, const char *word)
{
	for (; *list != NULL; list++) {
		if (strcmp(*list, word) == 0)
			return true;
	}
	return false;
}

/* The value of "name=value", or NULL. */
static const char *
value_of(const char *word, const char *name)
{
	size_t n = strlen(name);

	return strncmp(word, name, n) == 0 && word[n] == '=' ? word + n + 1 :
							       NULL;
}

static int
parse_number(const char *word, const char *text, int base, uint32_t max,
    uint32_t *ret, struct varve_err *err)
{
	char *end;
	unsigned long long number = strtoull(text, &end, base);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || number > max)
		return vrv_fail(err, VARVE_USAGE, "'%s' is no %s number", word,
		    base == 8 ? "octal" : "such");
	*ret = (uint32_t)number;
	return 0;
}

static int
parse_size(const char *word, const char *text, uint64_t *ret,
    struct varve_err *err)
{
	static const char units[] = "KMG";
	char *end;
	uint64_t size = strtoull(text, &end, 10);
	const char *unit = *end != '\0' ? strchr(units, *end & ~0x20) : NULL;
	unsigned shift = unit != NULL ? 10 * (unsigned)(unit - units + 1) : 0;

	if (text[0] < '0' || text[0] > '9' || (*end != '\0' && unit == NULL) ||
	    (unit != NULL && end[1] != '\0') ||
	    size > (UINT64_C(1) << 40) >> shift)
		return vrv_fail(err, VARVE_USAGE,
		    "'%s' is no size such as 128M or 1G", word);
	*ret = size << shift;
	if (*ret < VARVE_MOUNT_CACHE_MIN)
		return vrv_fail(err, VARVE_USAGE,
		    "'%s' is too small: 8M is the least", word);
	return 0;
}

static int
take_value(const char *word, struct varve_mount_options *o, bool *ret_taken,
    struct varve_err *err)
{
	const char *value;

	*ret_taken = true;
	if ((value = value_of(word, "uid")) != NULL) {
		o->has_uid = true;
		return parse_number(word, value, 10, UINT32_MAX - 1, &o->uid,
		    err);
	}
	if ((value = value_of(word, "gid")) != NULL) {
		o->has_gid = true;
		return parse_number(word, value, 10, UINT32_MAX - 1, &o->gid,
		    err);
	}
	if ((value = value_of(word, "umask")) != NULL)
		return parse_number(word, value, 8, 07777, &o->umask, err);
	if ((value = value_of(word, "cache")) != NULL)
		return parse_size(word, value, &o->cache_bytes, err);
	*ret_taken = value_of(word, "fsname") != NULL ||
	    value_of(word, "subtype") != NULL ||
	    value_of(word, "comment") != NULL || strncmp(word, "x-", 2) == 0;
	return 0;
}

static int
take(const char *word, struct varve_mount_options *o, struct vrv_buf *extra,
    struct varve_err *err)
{
	bool taken;

	if (strcmp(word, "allow_other") == 0) {
		o->allow_other = true;
	} else if (strcmp(word, "ignore_permissions") == 0) {
		o->ignore_permissions = true;
	} else if (strcmp(word, "versions") == 0) {
		o->versions = true;
	} else if (strcmp(word, "rw") == 0) {
		return vrv_fail(err, VARVE_USAGE,
		    "archives cannot be mounted for writing: leave off 'rw'");
	} else if (is_among(passed, word)) {
		if (extra->len > 0)
			vrv_buf_u8(extra, ',');
		vrv_buf_bytes(extra, word, strlen(word));
	} else if (word[0] != '\0' && !is_among(ignored, word)) {
		int rc = take_value(word, o, &taken, err);
		if (rc == 0 && !taken)
			rc = vrv_fail(err, VARVE_USAGE,
			    "mount does not know the option '%s'", word);
		return rc;
	}
	return 0;
}

int
vrv_mountopts_parse(const struct vrv_strings *lists, struct vrv_arena *arena,
    struct varve_mount_options *ret, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf extra = {0};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < lists->n; i++) {
		char *rest = vrv_arena_dup(arena, lists->items[i],
		    strlen(lists->items[i]));
		if (rest == NULL)
			return VRV_NOMEM(err, "options");
		for (char *word;
		     rc == 0 && (word = strsep(&rest, ",")) != NULL;)
			rc = take(word, ret, &extra, err);
	}
	vrv_buf_u8(&extra, '\0');
	if (rc == 0)
		rc = vrv_buf_check(&extra, err);
	if (rc != 0)
		return rc;
	ret->extra = vrv_arena_dup(arena, extra.data, extra.len);
	return ret->extra != NULL ? 0 : VRV_NOMEM(err, "options");
}
