/* SPDX-License-Identifier: BSD-2-Clause */
#include "scratch.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
scratch_setup(void **state)
{
	struct scratch *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -1;
	strcpy(s->path, "/var/tmp/varve-test-XXXXXX");
	if (mkdtemp(s->path) == NULL)
		return -1;
	s->dir = open(s->path, O_RDONLY | O_DIRECTORY);
	*state = s;
	return s->dir < 0 ? -1 : 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int
scratch_teardown(void **state)
{
	struct scratch *s = *state;

	close(s->dir);
	int bad = nftw(s->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(s);
	return bad;
}

void
scratch_write(int dir, const char *name, const void *bytes, size_t n)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	assert_int_equal(close(fd), 0);
}
