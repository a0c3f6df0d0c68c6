/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <varve/repo.h>

#include "cli/child.h"
#include "cli/prompt.h"
#include "util/mem.h"

static const char *const names[VRV_SECRETS] = {
    [VRV_SECRET_NEW] = "VARVE_NEW_PASSPHRASE",
    [VRV_SECRET_CURRENT] = "VARVE_PASSPHRASE",
    [VRV_SECRET_FD] = "VARVE_PASSPHRASE_FD",
};

int
vrv_passphrase_take(struct vrv_passphrase *p, struct varve_err *err)
{
	for (size_t i = 0; i < VRV_SECRETS; i++) {
		char *value = getenv(names[i]);
		if (value == NULL)
			continue;
		p->secrets[i] = vrv_dup(value, strlen(value));
		if (p->secrets[i] == NULL)
			return VRV_NOMEM(err, "a passphrase");
		explicit_bzero(value, strlen(value));
		(void)unsetenv(names[i]);
	}
	return 0;
}

/* `only_new`: there is one already, which must not become the new one. */
static int
no_passphrase(struct varve_err *err, bool fresh, bool only_new)
{
	vrv_fail(err, VARVE_AUTH,
	    "no %spassphrase: set %s, or run varve in a "
	    "terminal",
	    fresh ? "new " : "",
	    only_new ? "VARVE_NEW_PASSPHRASE" :
		       "VARVE_PASSPHRASE, VARVE_PASSCOMMAND or "
		       "VARVE_PASSPHRASE_FD");
	return vrv_exit(err, VARVE_EXIT_NO_PASSPHRASE);
}

static int
from_variable(const char *value, char *buf, size_t size, size_t *ret_n,
    struct varve_err *err)
{
	size_t n = strlen(value);

	if (n > size)
		return vrv_fail(err, VARVE_LIMIT,
		    "a passphrase of more than %zu bytes", size);
	memcpy(buf, value, n);
	*ret_n = n;
	return 0;
}

/* Read to the end of `fd`, drop one newline there. */
static int
read_all(int fd, char *buf, size_t size, size_t *ret_n, struct varve_err *err)
{
	size_t n = 0;
	char more;

	for (;;) {
		ssize_t got =
		    n < size ? read(fd, buf + n, size - n) : read(fd, &more, 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return vrv_fail_sys(err, errno,
			    "cannot read the passphrase");
		if (got == 0)
			break;
		/* A newline too many may still come. */
		if (n == size && more != '\n')
			return vrv_fail(err, VARVE_LIMIT,
			    "a passphrase of more than %zu bytes", size);
		if (n < size)
			n += (size_t)got;
	}
	if (n > 0 && buf[n - 1] == '\n')
		n--;
	*ret_n = n;
	return 0;
}

static int
from_command(const char *command, char *buf, size_t size, size_t *ret_n,
    struct varve_err *err)
{
	vrv_auto_child struct vrv_child child = VRV_CHILD_INIT;
	struct vrv_arena arena = {0};
	struct vrv_strings argv = {0};

	int rc = vrv_split_command(command, &arena, &argv, err);
	if (rc == 0)
		rc = vrv_strings_add(&argv, &arena, NULL, err);
	if (rc == 0)
		rc = vrv_child_start(argv.items, &child, err);
	if (rc == 0)
		rc = read_all(child.fd, buf, size, ret_n, err);
	if (rc == 0)
		rc = vrv_child_wait(&child, err);
	vrv_arena_fini(&arena);
	if (rc == 0)
		return 0;
	vrv_ctx(err, "VARVE_PASSCOMMAND");
	return vrv_exit(err, VARVE_EXIT_PASSCOMMAND);
}

static int
from_fd(struct vrv_passphrase *p, const char *number, char *buf, size_t size,
    size_t *ret_n, struct varve_err *err)
{
	char *end;

	if (p->from_fd == NULL) {
		long fd = strtol(number, &end, 10);
		if (end == number || *end != '\0' || fd < 0 || fd > 1 << 20)
			return vrv_fail(err, VARVE_USAGE,
			    "VARVE_PASSPHRASE_FD: '%s' is no descriptor",
			    number);
		p->from_fd = vrv_alloc_array(1, VARVE_PASSPHRASE_MAX);
		if (p->from_fd == NULL)
			return VRV_NOMEM(err, "a passphrase");
		int rc = read_all((int)fd, p->from_fd, VARVE_PASSPHRASE_MAX,
		    &p->from_fd_len, err);
		if (fd > STDERR_FILENO)
			close((int)fd);
		if (rc != 0)
			return vrv_ctx(err, "VARVE_PASSPHRASE_FD");
	}
	if (p->from_fd_len > size)
		return vrv_fail(err, VARVE_LIMIT,
		    "a passphrase of more than %zu bytes", size);
	memcpy(buf, p->from_fd, p->from_fd_len);
	*ret_n = p->from_fd_len;
	return 0;
}

static int
type_twice(int tty, const char *location, char *buf, size_t size, size_t *ret_n,
    struct varve_err *err)
{
	for (int try = 0; try < 3; try++) {
		char *again = vrv_alloc_array(1, size);
		size_t n = 0;
		if (again == NULL)
			return VRV_NOMEM(err, "a passphrase");
		int rc = vrv_prompt_secret(tty, "Enter new passphrase for ",
		    location, buf, size, ret_n, err);
		if (rc == 0)
			rc = vrv_prompt_secret(tty,
			    "Enter the same passphrase again for ", location,
			    again, size, &n, err);
		bool same =
		    rc == 0 && n == *ret_n && memcmp(buf, again, n) == 0;
		explicit_bzero(again, size);
		free(again);
		if (rc != 0 || (same && n > 0))
			return rc;
		vrv_prompt_say(tty,
		    same ? "The passphrase is empty." :
			   "The passphrases differ.");
	}
	vrv_fail(err, VARVE_AUTH, "no passphrase was typed twice alike");
	return vrv_exit(err, VARVE_EXIT_NO_PASSPHRASE);
}

static int
from_terminal(struct vrv_passphrase *p, bool fresh, const char *location,
    char *buf, size_t size, size_t *ret_n, struct varve_err *err)
{
	vrv_auto_fd tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (tty < 0)
		return no_passphrase(err, fresh, fresh && p->new_only);
	p->typed = true;
	if (fresh)
		return type_twice(tty, location, buf, size, ret_n, err);
	return vrv_prompt_secret(tty, "Enter passphrase for ", location, buf,
	    size, ret_n, err);
}

static int
from_source(struct vrv_passphrase *p, bool fresh, const char *location,
    char *buf, size_t size, size_t *ret_n, const char **ret_source,
    struct varve_err *err)
{
	const char *value;

	*ret_source = names[VRV_SECRET_NEW];
	if (fresh && (value = p->secrets[VRV_SECRET_NEW]) != NULL)
		return from_variable(value, buf, size, ret_n, err);
	if (!fresh || !p->new_only) {
		*ret_source = names[VRV_SECRET_CURRENT];
		if ((value = p->secrets[VRV_SECRET_CURRENT]) != NULL)
			return from_variable(value, buf, size, ret_n, err);
		*ret_source = "VARVE_PASSCOMMAND";
		if ((value = getenv(*ret_source)) != NULL)
			return from_command(value, buf, size, ret_n, err);
		*ret_source = names[VRV_SECRET_FD];
		if ((value = p->secrets[VRV_SECRET_FD]) != NULL)
			return from_fd(p, value, buf, size, ret_n, err);
	}
	*ret_source = "the terminal";
	return from_terminal(p, fresh, location, buf, size, ret_n, err);
}

int
vrv_passphrase_get(void *arg, bool fresh, const char *location, char *buf,
    size_t size, size_t *ret_n, struct varve_err *err)
{
	struct vrv_passphrase *p = arg;
	const char *source;
	size_t n = 0;

	p->typed = false;
	int rc = from_source(p, fresh, location, buf, size, &n, &source, err);
	if (rc != 0)
		return rc;
	if (n == 0) {
		(void)vrv_fail(err, VARVE_AUTH,
		    "the passphrase from %s is empty", source);
		return vrv_exit(err, VARVE_EXIT_NO_PASSPHRASE);
	}
	*ret_n = n;
	return 0;
}

void
vrv_passphrase_fini(struct vrv_passphrase *p)
{
	if (p->from_fd != NULL)
		explicit_bzero(p->from_fd, VARVE_PASSPHRASE_MAX);
	free(p->from_fd);
	for (size_t i = 0; i < VRV_SECRETS; i++) {
		if (p->secrets[i] != NULL)
			explicit_bzero(p->secrets[i], strlen(p->secrets[i]));
		free(p->secrets[i]);
	}
	*p = (struct vrv_passphrase){0};
}
