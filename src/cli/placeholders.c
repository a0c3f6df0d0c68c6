/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/placeholders.h"

#include <sys/socket.h>

#include <netdb.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include <varve/version.h>

#include "cli/text.h"
#include "cli/timetext.h"
#include "util/buf.h"
#include "util/mem.h"

#define ISO "%Y-%m-%dT%H:%M:%S"

static void
raw_host_name(char *out, size_t size)
{
	if (gethostname(out, size) != 0 || out[0] == '\0')
		strcpy(out, "?");
	out[size - 1] = '\0';
}

char *
vrv_host_name(void)
{
	char name[256];

	raw_host_name(name, sizeof(name));
	return vrv_dup(name, strcspn(name, "."));
}

char *
vrv_user_name(void)
{
	const struct passwd *pw = getpwuid(getuid());

	return pw != NULL ? vrv_dup(pw->pw_name, strlen(pw->pw_name)) :
			    vrv_strf("%lu", (unsigned long)getuid());
}

static void
add_fqdn(struct vrv_buf *buf)
{
	struct addrinfo hints = {.ai_flags = AI_CANONNAME}, *found = NULL;
	char name[256];

	raw_host_name(name, sizeof(name));
	if (getaddrinfo(name, NULL, &hints, &found) == 0 &&
	    found->ai_canonname != NULL)
		vrv_text_add(buf, "%s", found->ai_canonname);
	else
		vrv_text_add(buf, "%s", name);
	if (found != NULL)
		freeaddrinfo(found);
}

static void
add_owned(struct vrv_buf *buf, char *text)
{
	if (text == NULL)
		buf->failed = true;
	else
		vrv_buf_bytes(buf, text, strlen(text));
	free(text);
}

/* Append what stands for `name`; false if nothing does. */
static bool
expand_name(struct vrv_buf *buf, const char *name)
{
	if (strcmp(name, "hostname") == 0)
		add_owned(buf, vrv_host_name());
	else if (strcmp(name, "fqdn") == 0)
		add_fqdn(buf);
	else if (strcmp(name, "user") == 0)
		add_owned(buf, vrv_user_name());
	else if (strcmp(name, "pid") == 0)
		vrv_text_add(buf, "%ld", (long)getpid());
	else if (strcmp(name, "varveversion") == 0)
		vrv_text_add(buf, "%s", varve_version());
	else
		return false;
	return true;
}

/* One placeholder: `n` bytes between braces. */
static int
expand(struct vrv_buf *buf, const char *text, size_t n, struct varve_time now,
    struct varve_err *err)
{
	vrv_auto_free char *name = vrv_dup(text, n);

	if (name == NULL)
		return VRV_NOMEM(err, "placeholders");
	size_t word = strcspn(name, ":");
	bool utc = word == 6 && strncmp(name, "utcnow", 6) == 0;
	if (utc || (word == 3 && strncmp(name, "now", 3) == 0)) {
		bool plain = n <= word + 1;
		vrv_time_format(buf, now, plain ? ISO : name + word + 1, utc);
		return 0;
	}
	if (expand_name(buf, name))
		return 0;
	vrv_fail(err, VARVE_USAGE,
	    "unknown placeholder '{%s}'; see 'varve help placeholders'", name);
	return vrv_exit(err, VARVE_EXIT_PLACEHOLDER);
}

int
vrv_placeholders(const char *text, struct varve_time now, char **ret,
    struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf buf = {0};
	int rc;

	while (*text != '\0') {
		size_t n = strcspn(text, "{}");
		vrv_buf_bytes(&buf, text, n);
		text += n;
		if (*text == '\0')
			break;
		if (text[1] == text[0]) {
			vrv_buf_u8(&buf, (uint8_t)*text);
			text += 2;
			continue;
		}
		n = strcspn(text + 1, "{}");
		if (*text == '}' || text[1 + n] != '}') {
			vrv_fail(err, VARVE_USAGE,
			    "a single '%c' in '%s': "
			    "write '%c%c' for a brace",
			    *text, text, *text, *text);
			return vrv_exit(err, VARVE_EXIT_PLACEHOLDER);
		}
		if ((rc = expand(&buf, text + 1, n, now, err)) != 0)
			return rc;
		text += n + 2;
	}
	vrv_buf_u8(&buf, 0);
	if ((rc = vrv_buf_check(&buf, err)) != 0)
		return rc;
	*ret = (char *)buf.data;
	buf = (struct vrv_buf){0};
	return 0;
}
