/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FAKEVARVE_H
#define FAKEVARVE_H

/*
 * The public interface of libvarve without a repository behind it: the program
 * is tested over it. fakevarve holds what calls return and what they were
 * given last.
 */

#include <varve/varve.h>

#define FAKE_MAX 8

struct fakevarve {
	/* What there is. */
	struct varve_archive archives[FAKE_MAX];
	size_t n_archives;
	struct varve_item items[FAKE_MAX];
	size_t n_items;
	struct varve_difference differences[FAKE_MAX];
	size_t n_differences;
	struct varve_event events[FAKE_MAX]; /* of every long operation */
	size_t n_events;
	struct varve_backup_result backup_result;
	struct varve_restore_result restore_result;
	struct varve_check_result check_result;
	struct varve_period periods[FAKE_MAX]; /* find tells the versions */
	size_t n_periods;
	struct varve_catalog_status catalog_status;
	struct varve_verify_result verify_result;
	struct varve_run runs[FAKE_MAX];
	size_t n_runs;
	struct varve_err open_error; /* code 0: opening works */
	const char *password;	     /* NULL: any will do */

	/* What was asked for. */
	unsigned opened, deleted;
	char location[256], text[256], passphrase[256];
	struct varve_init_options init;
	struct varve_backup_options backup;
	char stdin_name[64];
	char content[256]; /* read from stdin_fd */
	char paths[256];   /* from next_path, each with a newline */
	char sources[256]; /* the same of sources */
	struct varve_restore_options restore;
	struct varve_check_options check;
	struct varve_verify_options verify;
	char into[64], against[64]; /* of it, "" for NULL */
	struct varve_open_options open;
	struct varve_catalog_options catalog;
	struct varve_find_options find;
	unsigned rebuilt, dropped;
	char restored[64]; /* the archive that was restored from */
	bool repo_was_null;
	struct varve_mount_options mount;
	char extra[64], target[64]; /* of mount; target also of umount */
	bool shown[FAKE_MAX];	    /* what select chose */
};

extern struct fakevarve fakevarve;

/* Empty it, then put in two archives and a few items. */
void fakevarve_reset(void);

#endif
