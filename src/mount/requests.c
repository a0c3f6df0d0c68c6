/* SPDX-License-Identifier: BSD-2-Clause */
#include "mount/requests.h"

#include <sys/statvfs.h>
#include <sys/uio.h>

#include <errno.h>
#include <fuse3/fuse_lowlevel.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mount/mount_internal.h"
#include "mount/merged.h"
#include "os/meta.h"
#include "util/mem.h"

#define FOREVER 1e9 /* what is in an archive cannot change */
#define SOON 1.0
#define STATFS_BLOCK 4096
#define BACKGROUND 64 /* reads that the kernel asks for at once */
#define READAHEAD_MAX ((unsigned)1 << 20)

static struct vrv_mount *
mount_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static bool
is_made(struct vrv_mount *m, fuse_ino_t node)
{
	struct vrv_made_node made = vrv_node_parse(node);

	return made.kind != VRV_MADE_NOT && made.kind != VRV_MADE_ARCHIVE &&
	    !(made.kind == VRV_MADE_ROOT && m->view == NULL);
}

/* May it be another thing, or gone, in a moment? */
static bool
is_fleeting(struct vrv_mount *m, fuse_ino_t node)
{
	if (vrv_versions_has(m, node))
		return !vrv_versions_is_version(m, node);
	return is_made(m, node);
}

static int
errno_of(int rc)
{
	switch (rc) {
	case VARVE_NOENT:
		return ENOENT;
	case VARVE_NOMEM:
		return ENOMEM;
	case VARVE_USAGE:
		return EINVAL;
	default:
		return EIO;
	}
}

/* Answer with an error; what is damaged is told. */
static void
refuse(fuse_req_t req, fuse_ino_t node, const struct varve_err *err)
{
	if (err->code != VARVE_NOENT && err->code != VARVE_USAGE)
		vrv_damage_tell(mount_of(req), node, err);
	(void)fuse_reply_err(req, errno_of(err->code));
}

/* --- beginning --- */

static void
on_init(void *arg, struct fuse_conn_info *conn)
{
	struct vrv_mount *m = arg;
	const unsigned wanted = FUSE_CAP_NO_OPEN_SUPPORT |
	    FUSE_CAP_NO_OPENDIR_SUPPORT | FUSE_CAP_ASYNC_READ |
	    FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_READDIRPLUS |
	    FUSE_CAP_AUTO_INVAL_DATA;

	conn->want |= conn->capable & wanted;
	/* Requests are small, and one that is in a pipe can be lost there. */
	conn->want &= ~(unsigned)FUSE_CAP_SPLICE_READ;
	/* Attributes come with names: whoever lists wants them, or asks for
	 * the content, which needs them as well. */
	conn->want &= ~(unsigned)FUSE_CAP_READDIRPLUS_AUTO;
	/* The mode's group bits of a file with an ACL are only its mask. Where
	 * owners or modes are not those of the archive its ACLs say nothing,
	 * but that the mode must not give more than they did. */
	if (!m->options->ignore_permissions && !m->options->has_uid &&
	    !m->options->has_gid && m->options->umask == 0)
		conn->want |= conn->capable & FUSE_CAP_POSIX_ACL;
	/* The folders around archives are listed again when their time of
	 * change is another; without that they must not be remembered. */
	m->no_open = (conn->want & FUSE_CAP_NO_OPEN_SUPPORT) != 0;
	m->shows_acls = (conn->want & FUSE_CAP_POSIX_ACL) != 0;
	m->no_opendir = (conn->want & FUSE_CAP_NO_OPENDIR_SUPPORT) != 0 &&
	    (conn->want & FUSE_CAP_AUTO_INVAL_DATA) != 0;
	conn->max_background = BACKGROUND;
	conn->time_gran = 1;
}

/* --- names and attributes --- */

static void
fill_entry(const struct vrv_listed *listed, struct fuse_entry_param *e)
{
	*e = (struct fuse_entry_param){
	    .ino = listed->node,
	    .attr = listed->attr,
	    .attr_timeout = listed->changes ? SOON : FOREVER,
	    .entry_timeout = listed->changes ? SOON : FOREVER,
	};
}

static int
find(struct vrv_mount *m, fuse_ino_t parent, const char *name,
    struct vrv_listed *ret, struct varve_err *err)
{
	const struct vrv_dirnode *dir;

	if (vrv_versions_has(m, parent))
		return vrv_versions_find(m, parent, name, ret, err);
	if (is_made(m, parent))
		return vrv_view_find(m, vrv_node_parse(parent), name, ret, err);
	int rc = vrv_folder_get(m, parent, &dir, err);
	return rc != 0 ? rc : vrv_folder_find(m, dir, name, ret, err);
}

static void
on_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct vrv_mount *m = mount_of(req);
	struct vrv_listed found = {0};
	struct fuse_entry_param e;
	struct varve_err err;

	int rc = find(m, parent, name, &found, &err);
	if (rc == VARVE_NOENT && !is_fleeting(m, parent)) {
		/* It will not be there later either. */
		e = (struct fuse_entry_param){.entry_timeout = FOREVER};
		(void)fuse_reply_entry(req, &e);
		return;
	}
	if (rc != 0) {
		refuse(req, parent, &err);
		return;
	}
	fill_entry(&found, &e);
	(void)fuse_reply_entry(req, &e);
}

static void
on_getattr(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	struct vrv_mount *m = mount_of(req);
	struct varve_err err;
	struct stat st;

	(void)fi;
	if (vrv_attr_get(m, node, &st, &err) != 0)
		refuse(req, node, &err);
	else
		(void)fuse_reply_attr(req, &st,
		    is_fleeting(m, node) ? SOON : FOREVER);
}

static int
target_of(struct vrv_mount *m, fuse_ino_t node, char **ret,
    struct varve_err *err)
{
	struct vrv_seen seen = {0};

	if (is_made(m, node))
		return vrv_view_link(m, vrv_node_parse(node), ret, err);
	int rc = vrv_seen_get(m, node, &seen, err);
	if (rc != 0)
		return rc;
	char *target = NULL;
	if (seen.entry.kind != VRV_SYMLINK)
		rc = vrv_fail(err, VARVE_USAGE, "not a link");
	else
		target = vrv_dup(seen.entry.target, seen.entry.target_n);
	vrv_seen_release(m, &seen);
	if (rc == 0 && target == NULL)
		rc = VRV_NOMEM(err, "a link");
	if (rc == 0)
		*ret = target;
	return rc;
}

static void
on_readlink(fuse_req_t req, fuse_ino_t node)
{
	vrv_auto_free char *target = NULL;
	struct varve_err err;

	if (target_of(mount_of(req), node, &target, &err) != 0)
		refuse(req, node, &err);
	else
		(void)fuse_reply_readlink(req, target);
}

/* Nothing is kept of what the kernel knows: there is nothing to forget. */
static void
on_forget(fuse_req_t req, fuse_ino_t node, uint64_t lookups)
{
	(void)node, (void)lookups;
	fuse_reply_none(req);
}

static void
on_forget_multi(fuse_req_t req, size_t n, struct fuse_forget_data *forgets)
{
	(void)n, (void)forgets;
	fuse_reply_none(req);
}

static void
on_statfs(fuse_req_t req, fuse_ino_t node)
{
	struct vrv_mount *m = mount_of(req);
	uint64_t bytes = m->bytes, files = m->files;

	(void)node;
	if (m->view != NULL)
		vrv_view_size(m, &bytes, &files);
	const struct statvfs st = {
	    .f_bsize = STATFS_BLOCK,
	    .f_frsize = STATFS_BLOCK,
	    .f_blocks = (bytes + STATFS_BLOCK - 1) / STATFS_BLOCK,
	    .f_files = files,
	    .f_namemax = 255,
	};
	(void)fuse_reply_statfs(req, &st);
}

/* --- folders --- */

static void
on_opendir(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	struct vrv_mount *m = mount_of(req);

	if (m->no_opendir) {
		(void)fuse_reply_err(req, ENOSYS);
		return;
	}
	fi->cache_readdir = fi->keep_cache = !is_fleeting(m, node);
	(void)fuse_reply_open(req, fi);
}

struct page {
	fuse_req_t req;
	char *bytes;
	size_t used, size;
	bool plus;
};

static bool
add_name(void *arg, const struct vrv_listed *listed)
{
	struct page *p = arg;
	struct fuse_entry_param e;
	size_t left = p->size - p->used, n;

	if (p->plus) {
		fill_entry(listed, &e);
		n = fuse_add_direntry_plus(p->req, p->bytes + p->used, left,
		    listed->name, &e, (off_t)listed->next);
	} else {
		n = fuse_add_direntry(p->req, p->bytes + p->used, left,
		    listed->name, &listed->attr, (off_t)listed->next);
	}
	if (n > left)
		return false;
	p->used += n;
	return true;
}

static int
list(struct vrv_mount *m, fuse_ino_t node, uint64_t offset, struct page *page,
    struct varve_err *err)
{
	const struct vrv_dirnode *dir;

	if (vrv_versions_has(m, node))
		return vrv_versions_list(m, node, offset, add_name, page, err);
	if (is_made(m, node))
		return vrv_view_list(m, vrv_node_parse(node), offset, add_name,
		    page, err);
	int rc = vrv_folder_get(m, node, &dir, err);
	return rc != 0 ? rc :
			 vrv_folder_list(m, dir, offset, add_name, page, err);
}

static void
reply_list(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset,
    bool plus)
{
	vrv_auto_free char *bytes = malloc(size);
	struct page page = {
	    .req = req,
	    .bytes = bytes,
	    .size = size,
	    .plus = plus,
	};
	struct varve_err err;

	if (bytes == NULL) {
		(void)fuse_reply_err(req, ENOMEM);
		return;
	}
	/* What could be read comes before the error. */
	if (list(mount_of(req), node, (uint64_t)offset, &page, &err) != 0 &&
	    page.used == 0)
		refuse(req, node, &err);
	else
		(void)fuse_reply_buf(req, bytes, page.used);
}

static void
on_readdir(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset,
    struct fuse_file_info *fi)
{
	(void)fi;
	reply_list(req, node, size, offset, false);
}

static void
on_readdirplus(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset,
    struct fuse_file_info *fi)
{
	(void)fi;
	reply_list(req, node, size, offset, true);
}

/* --- files --- */

static void
on_open(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	(void)node;
	if (mount_of(req)->no_open) {
		(void)fuse_reply_err(req, ENOSYS);
		return;
	}
	fi->keep_cache = 1;
	(void)fuse_reply_open(req, fi);
}

static void
on_read(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset,
    struct fuse_file_info *fi)
{
	struct vrv_mount *m = mount_of(req);
	struct vrv_pieces pieces = {0};
	struct iovec iov[VRV_READ_PIECES];
	struct varve_err err;

	(void)fi;
	if (vrv_read(m, node, (uint64_t)offset, size, &pieces, &err) != 0) {
		refuse(req, node, &err);
		return;
	}
	for (size_t i = 0; i < pieces.n_parts; i++) {
		iov[i].iov_base = (void *)(uintptr_t)pieces.parts[i].bytes;
		iov[i].iov_len = pieces.parts[i].n;
	}
	(void)fuse_reply_iov(req, iov, (int)pieces.n_parts);
	vrv_pieces_release(m, &pieces);
}

static void
on_lseek(fuse_req_t req, fuse_ino_t node, off_t offset, int whence,
    struct fuse_file_info *fi)
{
	struct varve_err err;
	uint64_t at = 0;

	(void)fi;
	if ((whence != SEEK_DATA && whence != SEEK_HOLE) || offset < 0) {
		(void)fuse_reply_err(req, EINVAL);
		return;
	}
	int rc = vrv_seek(mount_of(req), node, (uint64_t)offset,
	    whence == SEEK_HOLE, &at, &err);
	if (rc == VARVE_NOENT)
		(void)fuse_reply_err(req, ENXIO);
	else if (rc != 0)
		refuse(req, node, &err);
	else
		(void)fuse_reply_lseek(req, (off_t)at);
}

/* --- attributes --- */

/* Answer as getxattr(2) and listxattr(2) do. */
static void
reply_value(fuse_req_t req, const struct vrv_buf *value, size_t size)
{
	if (size == 0)
		(void)fuse_reply_xattr(req, value->len);
	else if (value->len > size)
		(void)fuse_reply_err(req, ERANGE);
	else
		(void)fuse_reply_buf(req, (const char *)value->data,
		    value->len);
}

static void
on_getxattr(fuse_req_t req, fuse_ino_t node, const char *name, size_t size)
{
	vrv_auto_buf struct vrv_buf value = {0};
	struct varve_err err;

	int rc = vrv_xattr_read(mount_of(req), node, name, &value, &err);
	if (rc == VARVE_NOENT)
		(void)fuse_reply_err(req, ENODATA);
	else if (rc != 0)
		refuse(req, node, &err);
	else
		reply_value(req, &value, size);
}

static void
on_listxattr(fuse_req_t req, fuse_ino_t node, size_t size)
{
	vrv_auto_buf struct vrv_buf names = {0};
	struct varve_err err;

	if (vrv_xattr_names(mount_of(req), node, &names, &err) != 0)
		refuse(req, node, &err);
	else
		reply_value(req, &names, size);
}

/* What is missing here answers ENOSYS, and the kernel does not ask again:
 * permissions are checked by it, and nothing is to be flushed. */
const struct fuse_lowlevel_ops vrv_requests = {
    .init = on_init,
    .lookup = on_lookup,
    .forget = on_forget,
    .forget_multi = on_forget_multi,
    .getattr = on_getattr,
    .readlink = on_readlink,
    .open = on_open,
    .read = on_read,
    .opendir = on_opendir,
    .readdir = on_readdir,
    .readdirplus = on_readdirplus,
    .statfs = on_statfs,
    .getxattr = on_getxattr,
    .listxattr = on_listxattr,
    .lseek = on_lseek,
};
