/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/mask.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "cli/text.h"
#include "util/mem.h"

#define MASK "***"

static bool
starts_with(const char *s, size_t n, const char *word)
{
	for (; *word != '\0'; word++, s++, n--) {
		if (n == 0 || tolower((unsigned char)*s) != *word)
			return false;
	}
	return true;
}

static bool
is_secret(const char *name, size_t n)
{
	for (; n > 0; name++, n--) {
		if (starts_with(name, n, "pass") ||
		    starts_with(name, n, "secret") ||
		    starts_with(name, n, "token"))
			return true;
	}
	return false;
}

/* Bytes of the part at `s`: up to a comma or the end. A password in a URL may
 * hold commas. */
static size_t
part_length(const char *s)
{
	size_t n = strcspn(s, ",");

	return memmem(s, n, "://", 3) != NULL ? strlen(s) : n;
}

/* Returns whether the part, and what follows without a name, was a secret. */
static bool
mask_part(struct vrv_buf *to, const char *s, size_t n)
{
	const char *equals = memchr(s, '=', n);
	const char *host = strstr(s, "://");
	const char *at, *colon;

	if (equals != NULL && is_secret(s, (size_t)(equals - s))) {
		vrv_buf_bytes(to, s, (size_t)(equals - s) + 1);
		vrv_buf_bytes(to, MASK, strlen(MASK));
		return true;
	}
	if (host != NULL && host < s + n) {
		host += 3;
		size_t left = n - (size_t)(host - s);
		const char *slash = memchr(host, '/', left);
		at = memrchr(host, '@',
		    slash != NULL ? (size_t)(slash - host) : left);
		colon =
		    at != NULL ? memchr(host, ':', (size_t)(at - host)) : NULL;
		if (colon != NULL) {
			vrv_buf_bytes(to, s, (size_t)(colon - s) + 1);
			vrv_buf_bytes(to, MASK, strlen(MASK));
			vrv_buf_bytes(to, at, n - (size_t)(at - s));
			return false;
		}
	}
	vrv_buf_bytes(to, s, n);
	return false;
}

/* Bytes of the parts at `s` that begin with a comma and no name: what a secret
 * with commas goes on with. */
static size_t
rest_length(const char *s)
{
	size_t n = 0;

	while (s[n] == ',') {
		size_t part = strcspn(s + n + 1, ",");

		if (memchr(s + n + 1, '=', part) != NULL)
			break;
		n += 1 + part;
	}
	return n;
}

static int
add(struct vrv_strings *ret, struct vrv_arena *arena, const char *arg,
    struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf text = {0};

	for (;;) {
		size_t n = part_length(arg);

		bool secret = mask_part(&text, arg, n);
		arg += n;
		if (secret)
			arg += rest_length(arg);
		if (*arg == '\0')
			break;
		vrv_buf_u8(&text, (uint8_t)*arg++);
	}
	const char *copy = vrv_arena_dup(arena, vrv_text_str(&text), text.len);
	if (text.failed || copy == NULL)
		return VRV_NOMEM(err, "a command line");
	return vrv_strings_add(ret, arena, copy, err);
}

/* Is it an option whose value, a secret, is the next argument? One with a value
 * of its own, as -eGLOB, is none. */
static bool
takes_secret(const char *arg)
{
	const char *p = arg;

	while (isalnum((unsigned char)*p) || *p == '-' || *p == '_')
		p++;
	return arg[0] == '-' && *p == '\0' && is_secret(arg, strlen(arg));
}

int
vrv_mask(const char *const *args, size_t n, struct vrv_arena *arena,
    struct vrv_strings *ret, struct varve_err *err)
{
	bool next_is_secret = false;
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		const char *arg = args[i];
		bool option = arg[0] == '-' && arg[1] != '\0';

		if (next_is_secret && !option)
			rc = vrv_strings_add(ret, arena, MASK, err);
		else
			rc = add(ret, arena, arg, err);
		next_is_secret = takes_secret(arg);
	}
	return rc;
}
