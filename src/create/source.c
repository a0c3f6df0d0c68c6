/* SPDX-License-Identifier: BSD-2-Clause */
#include "create/source.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/file.h"
#include "util/mem.h"

static bool
failed(struct vrv_source_err *ret, const struct varve_err *err,
    const char *while_)
{
	ret->sys = err->sys;
	if (ret->sys == 0)
		ret->sys = err->code == VARVE_NOMEM ? ENOMEM : EIO;
	ret->while_ = while_;
	return false;
}

static bool
is_fatal(const struct vrv_source_err *error)
{
	const struct varve_err err = {.code = VARVE_IO, .sys = error->sys};

	return error->sys != EAGAIN && vrv_err_is_fatal(&err);
}

int
vrv_source_fatal(const struct vrv_source_err *error, const char *name,
    struct varve_err *err)
{
	if (!is_fatal(error))
		return 0;
	return vrv_fail_sys(err, error->sys, "'%s': %s", name, error->while_);
}

static int
fd_of(const struct vrv_source_dir *at)
{
	return at == NULL ? AT_FDCWD : at->fd;
}

struct vrv_source_dir *
vrv_source_dir_ref(struct vrv_source_dir *dir)
{
	dir->refs++;
	return dir;
}

void
vrv_source_dir_unref(struct vrv_source_dir *dir)
{
	if (dir == NULL || atomic_fetch_sub(&dir->refs, 1) != 1)
		return;
	vrv_cleanup_fd(&dir->fd);
	free(dir);
}

static bool
new_dir(int fd, struct vrv_source_dir **ret, struct vrv_source_err *err)
{
	struct vrv_source_dir *dir = malloc(sizeof(*dir));

	if (dir == NULL) {
		vrv_cleanup_fd(&fd);
		*err = (struct vrv_source_err){ENOMEM, "open"};
		return false;
	}
	atomic_init(&dir->refs, 1);
	dir->fd = fd;
	*ret = dir;
	return true;
}

bool
vrv_source_open_dir(const struct vrv_source_dir *at, const char *name,
    struct vrv_source_dir **ret, struct vrv_source_err *err)
{
	struct varve_err why;
	int fd;

	if (vrv_os_open_source_dir(fd_of(at), name, &fd, &why) != 0)
		return failed(err, &why, "open");
	return new_dir(fd, ret, err);
}

bool
vrv_source_open_folder(const char *path, struct vrv_source_dir **ret,
    struct vrv_source_err *err)
{
	struct varve_err why;
	int fd;

	if (vrv_os_open(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0, &fd, &why) !=
	    0)
		return failed(err, &why, "open");
	return new_dir(fd, ret, err);
}

bool
vrv_source_open_parent(const struct vrv_source_dir *child,
    const struct vrv_stat *st, struct vrv_source_dir **ret,
    struct vrv_source_err *err)
{
	struct vrv_stat now;
	struct varve_err why;
	int fd;

	if (vrv_os_open(child->fd, "..", O_RDONLY | O_DIRECTORY, 0, &fd,
		&why) != 0)
		return failed(err, &why, "open of the parent");
	if (vrv_os_stat(fd, "", &now, &why) != 0) {
		vrv_cleanup_fd(&fd);
		return failed(err, &why, "return to the parent");
	}
	if (now.dev != st->dev || now.inode != st->inode) {
		vrv_cleanup_fd(&fd);
		*err = (struct vrv_source_err){ESTALE, "return to the parent"};
		return false;
	}
	return new_dir(fd, ret, err);
}

bool
vrv_source_list(const struct vrv_source_dir *dir, struct vrv_arena *arena,
    struct vrv_dirent **ret, size_t *ret_n, struct vrv_source_err *err)
{
	struct varve_err why;

	return vrv_os_list_dir(dir->fd, arena, ret, ret_n, &why) == 0 ||
	    failed(err, &why, "listing");
}

bool
vrv_source_stat(const struct vrv_source_dir *at, const char *name,
    struct vrv_stat *ret, struct vrv_source_err *err)
{
	struct varve_err why;

	return vrv_os_stat(fd_of(at), name, ret, &why) == 0 ||
	    failed(err, &why, "stat");
}

bool
vrv_source_stat_target(const struct vrv_source_dir *at, const char *name,
    struct vrv_stat *ret, struct vrv_source_err *err)
{
	struct varve_err why;

	return vrv_os_stat_target(fd_of(at), name, ret, &why) == 0 ||
	    failed(err, &why, "stat");
}

bool
vrv_source_is_special(enum vrv_kind kind)
{
	return kind == VRV_FIFO || kind == VRV_BLOCK || kind == VRV_CHAR;
}

bool
vrv_source_is_same(const char *a, const char *b)
{
	struct vrv_source_err unheard;
	struct vrv_stat one, other;

	return vrv_source_stat(NULL, a, &one, &unheard) &&
	    vrv_source_stat(NULL, b, &other, &unheard) &&
	    one.dev == other.dev && one.inode == other.inode;
}

bool
vrv_source_is_within(const char *path, uint64_t dev, uint64_t inode)
{
	struct vrv_stat last = {0}, st;
	struct varve_err unheard;
	vrv_auto_fd fd = -1;

	if (vrv_os_open(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0, &fd,
		&unheard) != 0)
		return false;
	while (vrv_os_stat(fd, "", &st, &unheard) == 0 &&
	    (st.dev != last.dev || st.inode != last.inode)) {
		int above;

		if (st.dev == dev && st.inode == inode)
			return true;
		if (vrv_os_open(fd, "..", O_PATH | O_DIRECTORY, 0, &above,
			&unheard) != 0)
			return false;
		vrv_cleanup_fd(&fd);
		fd = above;
		last = st;
	}
	return false;
}

char *
vrv_source_real_path(const char *path)
{
	return realpath(path, NULL);
}

char *
vrv_source_folder(const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');

	if (ret_name != NULL)
		*ret_name = slash == NULL ? path : slash + 1;
	return slash == NULL ? vrv_dup(".", 1) :
	    slash == path    ? vrv_dup("/", 1) :
			       vrv_dup(path, (size_t)(slash - path));
}

bool
vrv_source_readlink(const struct vrv_source_dir *at, const char *name,
    struct vrv_arena *arena, const char **ret, struct vrv_source_err *err)
{
	struct varve_err why;
	char *target;

	if (vrv_os_readlink(fd_of(at), name, arena, &target, &why) != 0)
		return failed(err, &why, "readlink");
	*ret = target;
	return true;
}

bool
vrv_source_open_file(const struct vrv_source_dir *at, const char *name,
    int *ret_fd, struct vrv_source_err *err)
{
	struct varve_err why;

	return vrv_os_open_source(fd_of(at), name, ret_fd, &why) == 0 ||
	    failed(err, &why, "open");
}

bool
vrv_source_open_special(const struct vrv_source_dir *at, const char *name,
    const struct vrv_stat *st, int *ret_fd, struct vrv_source_err *err)
{
	int flags = O_RDONLY | O_NOCTTY;
	vrv_auto_fd fd = -1;
	struct varve_err why;
	struct vrv_stat now;

	/* Opening a FIFO waits for its writer, without a way to stop. */
	if (st->kind == VRV_FIFO)
		flags |= O_NONBLOCK;
	if (vrv_os_open(fd_of(at), name, flags, 0, &fd, &why) != 0)
		return failed(err, &why, "open");
	if (vrv_os_stat(fd, "", &now, &why) != 0)
		return failed(err, &why, "stat");
	/* The name may lead to another file now. */
	if (now.dev != st->dev || now.inode != st->inode) {
		*err = (struct vrv_source_err){ESTALE, "open"};
		return false;
	}
	*ret_fd = vrv_steal_fd(&fd);
	return true;
}

bool
vrv_source_await(int fd, int ms, bool *ret_ready, struct vrv_source_err *err)
{
	struct varve_err why;
	bool ready = false;

	int rc = vrv_os_await(fd, ms, &ready, &why);
	if (rc == 0 && ready)
		rc = vrv_os_set_blocking(fd, &why);
	*ret_ready = ready;
	return rc == 0 || failed(err, &why, "open");
}

bool
vrv_source_read(int fd, void *to, size_t n, size_t *ret_n,
    struct vrv_source_err *err)
{
	struct varve_err why;

	return vrv_os_read_some(fd, to, n, ret_n, &why) == 0 ||
	    failed(err, &why, "read");
}

bool
vrv_source_pread(int fd, uint64_t at, void *to, size_t n, size_t *ret_n,
    struct vrv_source_err *err)
{
	struct varve_err why;

	return vrv_os_pread(fd, at, to, n, ret_n, &why) == 0 ||
	    failed(err, &why, "read");
}

bool
vrv_source_next_data(int fd, uint64_t from, uint64_t size, uint64_t *ret_from,
    uint64_t *ret_to, struct vrv_source_err *err)
{
	struct varve_err why;

	return vrv_os_next_data(fd, from, size, ret_from, ret_to, &why) == 0 ||
	    failed(err, &why, "seek");
}

static bool
is_acl(const char *name)
{
	return strcmp(name, "system.posix_acl_access") == 0 ||
	    strcmp(name, "system.posix_acl_default") == 0 ||
	    strcmp(name, "system.nfs4_acl") == 0;
}

/* What is beyond the limits of the format cannot be kept: it is counted as
 * lost. */
static size_t
keep_wanted(struct vrv_xattr *xattrs, size_t n,
    const struct vrv_source_want *want, size_t *lost)
{
	size_t kept = 0, list = vrv_v_size(n);

	for (size_t i = 0; i < n; i++) {
		const struct vrv_xattr *x = &xattrs[i];
		size_t name_n = strlen(x->name);
		size_t size = vrv_xattr_size(name_n, x->size);

		if (is_acl(x->name) ? !want->acls : !want->xattrs)
			continue;
		if (name_n > VRV_XATTR_NAME_MAX ||
		    x->size > VRV_XATTR_VALUE_MAX ||
		    size > VRV_XATTRS_LIST_MAX - list) {
			++*lost;
			continue;
		}
		list += size;
		xattrs[kept++] = *x;
	}
	return kept;
}

/* Metadata that cannot be read is lost, which does not cost the content. False,
 * with *err, if the error is more than that. */
static bool
lose(struct vrv_source_meta *meta, const struct varve_err *why,
    const char *while_, struct vrv_source_err *err)
{
	struct vrv_source_err error;

	(void)failed(&error, why, while_);
	if (is_fatal(&error) || error.sys == ENOENT) {
		*err = error;
		return false;
	}
	if (meta->lost++ == 0)
		meta->why = error;
	return true;
}

bool
vrv_source_meta(int fd, const char *name, enum vrv_kind kind,
    const struct vrv_source_want *want, struct vrv_arena *arena,
    struct vrv_source_meta *ret, struct vrv_source_err *err)
{
	struct vrv_source_meta meta = {0};
	struct varve_err why;

	if (want->xattrs || want->acls) {
		if (vrv_os_xattrs(fd, name, arena, &meta.xattrs, &meta.n_xattrs,
			&meta.lost, &why) == 0)
			meta.n_xattrs = keep_wanted(meta.xattrs, meta.n_xattrs,
			    want, &meta.lost);
		else if (!lose(&meta, &why, "reading the attributes", err))
			return false;
	}
	if ((want->flags || want->nodump_check) && name[0] == '\0' &&
	    (kind == VRV_FILE || kind == VRV_DIR) &&
	    vrv_os_flags(fd, &meta.iflags, &why) != 0 &&
	    !lose(&meta, &why, "reading the flags", err))
		return false;
	*ret = meta;
	return true;
}

bool
vrv_source_meta_at(const struct vrv_source_dir *at, const char *name,
    const struct vrv_stat *st, const struct vrv_source_want *want,
    struct vrv_arena *arena, struct vrv_source_meta *ret,
    struct vrv_source_err *err)
{
	if (!vrv_source_meta(fd_of(at), name, st->kind, want, arena, ret, err))
		return false;
	if (want->flags)
		ret->iflags = st->iflags;
	return true;
}

bool
vrv_source_is_sizeless(int fd)
{
	return vrv_os_is_sizeless(fd);
}

bool
vrv_source_is_nodump(int fd)
{
	struct varve_err why;
	uint32_t flags;

	return vrv_os_flags(fd, &flags, &why) == 0 && (flags & VRV_NODUMP) != 0;
}

bool
vrv_source_is_cache(const struct vrv_source_dir *dir, bool *ret,
    struct vrv_source_err *err)
{
	static const char signature[] =
	    "Signature: 8a477f597d28d172789f06886806bc55";
	char have[sizeof(signature) - 1];
	struct varve_err why;
	vrv_auto_fd fd = -1;
	size_t n = 0;

	*ret = false;
	if (vrv_os_open_source(dir->fd, "CACHEDIR.TAG", &fd, &why) != 0 ||
	    vrv_os_read(fd, have, sizeof(have), &n, &why) != 0) {
		(void)failed(err, &why, "looking for CACHEDIR.TAG");
		return !is_fatal(err);
	}
	*ret = n == sizeof(have) && memcmp(have, signature, n) == 0;
	return true;
}

bool
vrv_source_holds(const struct vrv_source_dir *dir, const char *name, bool *ret,
    struct vrv_source_err *err)
{
	struct vrv_stat st;

	*ret = vrv_source_stat(dir, name, &st, err);
	return *ret || !is_fatal(err);
}
