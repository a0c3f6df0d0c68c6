/* SPDX-License-Identifier: BSD-2-Clause */
#include "fakevarve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/err.h"

struct varve_repo {
	char location[256];
};

struct fakevarve fakevarve;

static const char *const args[] = {"varve", "create", "::one two"};

void
fakevarve_reset(void)
{
	struct fakevarve *f = &fakevarve;

	memset(f, 0, sizeof(*f));
	f->n_archives = 2;
	for (size_t i = 0; i < 2; i++) {
		f->archives[i] = (struct varve_archive){
		    .name = i == 0 ? "one" : "two",
		    .comment = i == 0 ? NULL : "a comment",
		    .host = "vm",
		    .user = "root",
		    .args = args,
		    .n_args = 3,
		    .nominal = {1795314245 + (int64_t)i * 60, 500},
		    .start = {1795314245 + (int64_t)i * 60, 500},
		    .end = {1795314247 + (int64_t)i * 60, 500000500},
		    .files = 2,
		    .original = 1000,
		    .deduplicated = 600,
		    .chunk_method = VARVE_CHUNKER_GEAR,
		    .stored = 300,
		    .chunks = 3,
		};
		memset(f->archives[i].id, i == 0 ? 'a' : 'b', 64);
	}
	f->n_items = 3;
	f->items[0] = (struct varve_item){.path = "src",
	    .kind = VARVE_DIR,
	    .mode = 0755,
	    .user = "root",
	    .group = "root",
	    .mtime = {1795314245, 266811000}};
	f->items[1] = (struct varve_item){.path = "src/a\n\xff",
	    .kind = VARVE_FILE,
	    .mode = 04644,
	    .uid = 7,
	    .gid = 8,
	    .size = 12,
	    .mtime = {1795314245, 266811000},
	    .chunks = 1};
	f->items[2] = (struct varve_item){.path = "src/l",
	    .kind = VARVE_SYMLINK,
	    .mode = 0777,
	    .user = "root",
	    .group = "root",
	    .target = "a",
	    .size = 1,
	    .mtime = {1795314245, 266811000}};
}

const char *
varve_version(void)
{
	return "0.0.1";
}

int
varve_archive_name_check(const char *name, struct varve_err *err)
{
	if (name[0] != '\0' && strchr(name, '/') == NULL)
		return 0;
	return vrv_fail(err, VARVE_USAGE, "'%s' cannot name an archive", name);
}

bool
varve_repo_exists(const char *location)
{
	return strncmp(location, "/r", 2) == 0;
}

static int
ask(const struct varve_open_options *options, bool fresh, const char *location,
    struct varve_err *err)
{
	size_t n = 0;

	if (options->without_key)
		return 0;
	int rc = options->passphrase(options->passphrase_arg, fresh, location,
	    fakevarve.passphrase, sizeof(fakevarve.passphrase) - 1, &n, err);
	if (rc != 0)
		return rc;
	fakevarve.passphrase[n] = '\0';
	if (fakevarve.password != NULL &&
	    strcmp(fakevarve.password, fakevarve.passphrase) != 0) {
		vrv_fail(err, VARVE_AUTH, "wrong passphrase");
		return vrv_exit(err, VARVE_EXIT_PASSPHRASE);
	}
	return 0;
}

int
varve_repo_init(const char *location, const struct varve_init_options *init,
    const struct varve_open_options *options, struct varve_err *err)
{
	snprintf(fakevarve.location, sizeof(fakevarve.location), "%s",
	    location);
	fakevarve.init = *init;
	return ask(options, true, location, err);
}

int
varve_repo_open(const char *location, const struct varve_open_options *options,
    struct varve_repo **ret, struct varve_err *err)
{
	fakevarve.opened++;
	fakevarve.open = *options;
	snprintf(fakevarve.location, sizeof(fakevarve.location), "%s",
	    location);
	if (fakevarve.open_error.code != 0) {
		*err = fakevarve.open_error;
		return err->code;
	}
	int rc = ask(options, false, location, err);
	if (rc != 0)
		return rc;
	*ret = calloc(1, sizeof(**ret));
	return *ret == NULL ? vrv_fail(err, VARVE_NOMEM, "no memory") : 0;
}

void
varve_repo_close(struct varve_repo *repo)
{
	free(repo);
}

void
varve_repo_info(const struct varve_repo *repo, struct varve_repo_info *ret)
{
	(void)repo;
	*ret = (struct varve_repo_info){.location = "/repo",
	    .cache_path = "/cache",
	    .state_path = "/state/id",
	    .generation = 1};
	memset(ret->id, 'c', 64);
}

int
varve_repo_stats(struct varve_repo *repo, struct varve_repo_stats *ret,
    struct varve_err *err)
{
	(void)repo, (void)err;
	*ret = (struct varve_repo_stats){1, 5, 700};
	return 0;
}

int
varve_archive_list(struct varve_repo *repo, struct varve_archive_list **ret,
    struct varve_err *err)
{
	(void)repo;
	struct varve_archive_list *list = calloc(1, sizeof(*list));
	if (list == NULL)
		return vrv_fail(err, VARVE_NOMEM, "no memory");
	list->items = fakevarve.archives;
	list->n = fakevarve.n_archives;
	*ret = list;
	return 0;
}

void
varve_archive_list_free(struct varve_archive_list *list)
{
	free(list);
}

int
varve_archive_find(const struct varve_archive_list *list, const char *name,
    const struct varve_archive **ret, struct varve_err *err)
{
	for (size_t i = 0; i < list->n; i++) {
		if (strcmp(list->items[i].name, name) == 0 ||
		    (strncmp(name, "aid:", 4) == 0 &&
			strcmp(list->items[i].id, name + 4) == 0)) {
			*ret = &list->items[i];
			return 0;
		}
	}
	vrv_fail(err, VARVE_NOENT, "there is no archive '%s'", name);
	return vrv_exit(err, VARVE_EXIT_NO_ARCHIVE);
}

int
varve_archive_walk(struct varve_repo *repo, const struct varve_archive *archive,
    const struct varve_walk_options *options, varve_item_fn *fn, void *arg,
    struct varve_err *err)
{
	(void)repo, (void)archive;
	for (size_t i = 0; i < fakevarve.n_items; i++) {
		const struct varve_item *item = &fakevarve.items[i];
		if (options->match != NULL &&
		    !(options->match(options->match_arg, item->path,
			  item->kind == VARVE_DIR) &
			VARVE_MATCH_INCLUDE))
			continue;
		int rc = fn(arg, item, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

int
varve_archive_skipped(struct varve_repo *repo,
    const struct varve_archive *archive, varve_skipped_fn *fn, void *arg,
    struct varve_err *err)
{
	(void)repo, (void)archive;
	return fn(arg, "src/gone", "vanished", err);
}

int
varve_archive_delete(struct varve_repo *repo,
    const struct varve_archive *const *archives, size_t n,
    struct varve_err *err)
{
	(void)repo, (void)archives, (void)err;
	fakevarve.deleted += (unsigned)n;
	return 0;
}

static void
tell(varve_event_fn *event, void *arg)
{
	for (size_t i = 0; i < fakevarve.n_events && event != NULL; i++)
		event(arg, &fakevarve.events[i]);
}

int
varve_mount(struct varve_repo *repo, const struct varve_mount_options *options,
    struct varve_err *err)
{
	const struct varve_archive_list list = {
	    .items = fakevarve.archives,
	    .n = fakevarve.n_archives,
	};
	int rc = 0;

	(void)repo;
	fakevarve.mount = *options;
	snprintf(fakevarve.target, sizeof(fakevarve.target), "%s",
	    options->target);
	snprintf(fakevarve.extra, sizeof(fakevarve.extra), "%s",
	    options->extra);
	if (options->archive != NULL)
		snprintf(fakevarve.text, sizeof(fakevarve.text), "%s",
		    options->archive->name);
	if (options->select != NULL)
		rc = options->select(options->select_arg, &list,
		    fakevarve.shown, err);
	if (rc == 0 && options->ready != NULL)
		rc = options->ready(options->ready_arg, err);
	tell(options->event, options->event_arg);
	return rc;
}

int
varve_unmount(const char *target, struct varve_err *err)
{
	(void)err;
	snprintf(fakevarve.target, sizeof(fakevarve.target), "%s", target);
	return 0;
}

int
varve_archive_rename(struct varve_repo *repo,
    const struct varve_archive *archive, const char *name,
    struct varve_err *err)
{
	(void)repo, (void)err;
	snprintf(fakevarve.text, sizeof(fakevarve.text), "%s>%s", archive->name,
	    name);
	return 0;
}

int
varve_archive_diff(struct varve_repo *repo, const struct varve_archive *a,
    const struct varve_archive *b, const struct varve_diff_options *options,
    varve_difference_fn *fn, void *arg, struct varve_err *err)
{
	int rc = 0;

	(void)repo, (void)options;
	snprintf(fakevarve.text, sizeof(fakevarve.text), "%s>%s", a->name,
	    b->name);
	for (size_t i = 0; i < fakevarve.n_differences && rc == 0; i++)
		rc = fn(arg, &fakevarve.differences[i], err);
	return rc;
}

static void
add_line(char *to, size_t size, const char *line)
{
	size_t n = strlen(to);

	snprintf(to + n, size - n, "%s\n", line);
}

static int
take_sources(const struct varve_backup_options *o, struct varve_err *err)
{
	struct fakevarve *f = &fakevarve;
	const char *path;
	int rc;

	for (size_t i = 0; i < o->n_sources; i++)
		add_line(f->sources, sizeof(f->sources), o->sources[i]);
	if (o->next_path != NULL) {
		while ((rc = o->next_path(o->next_path_arg, &path, err)) == 0)
			add_line(f->paths, sizeof(f->paths), path);
		if (rc != VARVE_NOENT)
			return rc;
	}
	if (o->stdin_fd >= 0 && o->stdin_name != NULL) {
		snprintf(f->stdin_name, sizeof(f->stdin_name), "%s",
		    o->stdin_name);
		ssize_t n =
		    read(o->stdin_fd, f->content, sizeof(f->content) - 1);
		f->content[n > 0 ? n : 0] = '\0';
		if (o->stdin_wait != NULL)
			return o->stdin_wait(o->stdin_wait_arg, err);
	}
	return 0;
}

int
varve_backup(struct varve_repo *repo, const struct varve_backup_options *o,
    struct varve_backup_result *ret, struct varve_err *err)
{
	fakevarve.backup = *o;
	fakevarve.repo_was_null = repo == NULL;
	snprintf(fakevarve.text, sizeof(fakevarve.text), "%s", o->name);
	int rc = take_sources(o, err);
	if (rc != 0)
		return rc;
	tell(o->event, o->event_arg);
	*ret = fakevarve.backup_result;
	return 0;
}

int
varve_restore(struct varve_repo *repo, const struct varve_archive *archive,
    const struct varve_restore_options *o, struct varve_restore_result *ret,
    struct varve_err *err)
{
	(void)repo, (void)err;
	snprintf(fakevarve.restored, sizeof(fakevarve.restored), "%s",
	    archive->name);
	fakevarve.restore = *o;
	for (size_t i = 0; o->match != NULL && i < fakevarve.n_items; i++)
		(void)o->match(o->match_arg, fakevarve.items[i].path,
		    fakevarve.items[i].kind == VARVE_DIR);
	tell(o->event, o->event_arg);
	*ret = fakevarve.restore_result;
	return 0;
}

int
varve_check(struct varve_repo *repo, const struct varve_check_options *o,
    struct varve_check_result *ret, struct varve_err *err)
{
	(void)repo, (void)err;
	fakevarve.check = *o;
	tell(o->event, o->event_arg);
	*ret = fakevarve.check_result;
	return 0;
}

int
varve_verify(struct varve_repo *repo, const struct varve_archive *archive,
    const struct varve_verify_options *o, struct varve_verify_result *ret,
    struct varve_err *err)
{
	(void)repo, (void)err;
	fakevarve.verify = *o;
	snprintf(fakevarve.into, sizeof(fakevarve.into), "%s",
	    o->into != NULL ? o->into : "");
	snprintf(fakevarve.against, sizeof(fakevarve.against), "%s",
	    o->against != NULL ? o->against : "");
	add_line(fakevarve.text, sizeof(fakevarve.text), archive->name);
	tell(o->event, o->event_arg);
	*ret = fakevarve.verify_result;
	return 0;
}

int
varve_ledger_runs(struct varve_repo *repo, varve_run_fn *fn, void *arg,
    struct varve_err *err)
{
	int rc = 0;

	(void)repo;
	for (size_t i = 0; i < fakevarve.n_runs && rc == 0; i++)
		rc = fn(arg, &fakevarve.runs[i], err);
	return rc;
}

int
varve_ledger_coverage(struct varve_repo *repo, varve_coverage_fn *fn, void *arg,
    struct varve_err *err)
{
	(void)repo, (void)fn, (void)arg, (void)err;
	return 0;
}

int
varve_du(struct varve_repo *repo, const struct varve_archive_list *list,
    const struct varve_du_options *o, varve_du_fn *fn, void *arg,
    struct varve_du_result *ret, struct varve_err *err)
{
	const struct varve_du_line lines[] = {{.path = "src/sub",
						  .depth = 1,
						  .archives = 1,
						  .files = 2,
						  .original = 2000,
						  .all_original = 2000,
						  .deduplicated = 1000,
						  .stored = 500},
	    {.path = o->n_paths > 0 ? o->paths[0] : ".",
		.archives = 2,
		.files = 3,
		.original = 3000,
		.all_original = 5000,
		.deduplicated = 1500,
		.stored = 700},
	    {.path = ".", .together = true, .archives = 2, .original = 4000}};
	int rc = 0;

	(void)repo, (void)list;
	tell(o->event, o->event_arg);
	*ret = (struct varve_du_result){.problems = fakevarve.n_events};
	for (size_t i = 0; i < fakevarve.n_events; i++) {
		ret->unread += fakevarve.events[i].sys != 0;
		ret->denied += fakevarve.events[i].sys == EACCES;
	}
	for (size_t i = o->depth > 0 ? 0 : 1; rc == 0 && i < 3; i++)
		if (!lines[i].together || o->n_paths > 1)
			rc = fn(arg, &lines[i], err);
	return rc;
}

int
varve_key_list(struct varve_repo *repo, struct varve_slot_list **ret,
    struct varve_err *err)
{
	static struct varve_slot slots[] = {
	    {.id = "00112233445566778899aabbccddeeff",
		.label = "laptop",
		.in_use = true,
		.passes = 3,
		.memory = 64 << 20}};

	(void)repo;
	struct varve_slot_list *list = calloc(1, sizeof(*list));
	if (list == NULL)
		return vrv_fail(err, VARVE_NOMEM, "no memory");
	*list = (struct varve_slot_list){slots, 1};
	*ret = list;
	return 0;
}

void
varve_slot_list_free(struct varve_slot_list *list)
{
	free(list);
}

int
varve_key_add(struct varve_repo *repo, const char *label, const char *key_file,
    char ret_id[33], struct varve_err *err)
{
	(void)repo, (void)key_file;
	snprintf(fakevarve.text, sizeof(fakevarve.text), "add %s",
	    label != NULL ? label : "");
	memset(ret_id, '0', 32);
	ret_id[32] = '\0';
	return ask(&fakevarve.open, true, "fresh", err);
}

int
varve_key_remove(struct varve_repo *repo, const char *slot,
    struct varve_err *err)
{
	(void)repo, (void)err;
	snprintf(fakevarve.text, sizeof(fakevarve.text), "remove %s", slot);
	return 0;
}

int
varve_key_change_passphrase(struct varve_repo *repo, struct varve_err *err)
{
	(void)repo;
	return ask(&fakevarve.open, true, "fresh", err);
}

int
varve_key_export(struct varve_repo *repo, char **ret, struct varve_err *err)
{
	(void)repo;
	*ret = strdup("the key\n");
	return *ret == NULL ? vrv_fail(err, VARVE_NOMEM, "no memory") : 0;
}

int
varve_key_import(const char *location, const struct varve_open_options *options,
    const char *text, char ret_id[33], struct varve_err *err)
{
	(void)options, (void)err;
	snprintf(fakevarve.text, sizeof(fakevarve.text), "%s<%s", location,
	    text);
	memset(ret_id, '0', 33);
	ret_id[32] = '\0';
	return 0;
}

/* --- the catalog --- */

struct varve_catalog {
	const struct varve_archive_list *list;
};

int
varve_catalog_open(struct varve_repo *repo,
    const struct varve_archive_list *list,
    const struct varve_catalog_options *options, struct varve_catalog **ret,
    struct varve_err *err)
{
	(void)repo;
	fakevarve.catalog = *options;
	*ret = calloc(1, sizeof(**ret));
	if (*ret == NULL)
		return vrv_fail(err, VARVE_NOMEM, "no memory");
	(*ret)->list = list;
	return 0;
}

void
varve_catalog_close(struct varve_catalog *catalog)
{
	free(catalog);
}

int
varve_catalog_rebuild(struct varve_catalog *catalog,
    struct varve_catalog_change *ret, struct varve_err *err)
{
	(void)catalog, (void)err;
	fakevarve.rebuilt++;
	*ret = (struct varve_catalog_change){2, 1000, 0, 0, 0.5};
	return 0;
}

int
varve_catalog_drop(struct varve_repo *repo, bool *ret_was,
    struct varve_err *err)
{
	(void)repo, (void)err;
	*ret_was = fakevarve.dropped++ == 0;
	return 0;
}

static const char *
last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

int
varve_catalog_find(struct varve_catalog *catalog,
    const struct varve_find_options *o, varve_version_fn *fn, void *arg,
    struct varve_err *err)
{
	int rc = 0;

	(void)catalog;
	fakevarve.find = *o;
	for (size_t i = 0; i < fakevarve.n_periods && rc == 0; i++) {
		const struct varve_version *v = &fakevarve.periods[i].version;

		if (v->item == NULL ||
		    (o->name != NULL && !o->name(o->arg, last_part(v->path))) ||
		    (o->item != NULL && !o->item(o->arg, v->item)) ||
		    (o->path != NULL &&
			!o->path(o->arg, v->path,
			    v->item->kind == VARVE_DIR)) ||
		    (o->archive != NULL &&
			!o->archive(o->archive_arg, v->first) &&
			!o->archive(o->archive_arg, v->last)))
			continue;
		rc = fn(arg, v, err);
	}
	return rc;
}

int
varve_catalog_history(struct varve_catalog *catalog, const char *path,
    bool (*wanted)(void *arg, const struct varve_archive *), void *wanted_arg,
    varve_period_fn *fn, void *arg, struct varve_err *err)
{
	int rc = 0;

	(void)catalog;
	snprintf(fakevarve.text, sizeof(fakevarve.text), "%s", path);
	for (size_t i = 0; i < fakevarve.n_periods && rc == 0; i++) {
		const struct varve_period *p = &fakevarve.periods[i];

		if (wanted(wanted_arg, p->version.first))
			rc = fn(arg, p, err);
	}
	return rc;
}

int
varve_catalog_status(struct varve_repo *repo,
    const struct varve_archive_list *list, struct varve_catalog_status **ret,
    struct varve_err *err)
{
	(void)repo, (void)list, (void)err;
	*ret = &fakevarve.catalog_status;
	return 0;
}

void
varve_catalog_status_free(struct varve_catalog_status *status)
{
	(void)status;
}
