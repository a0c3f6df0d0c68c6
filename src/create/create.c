/* SPDX-License-Identifier: BSD-2-Clause */
#include "create/create.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "archive/lost.h"
#include "create/pipeline.h"
#include "util/hex.h"
#include "util/mem.h"

#define READERS_MAX 4
#define CHECKPOINT_S 300
#define CHECKPOINT_BYTES ((uint64_t)2 << 30)

/* --- stopping --- */

static int
stopped(struct varve_err *err)
{
	vrv_fail(err, VARVE_CANCELLED,
	    "interrupted: no archive was created; the next run finds what was "
	    "stored");
	return vrv_exit(err, VARVE_EXIT_CANCELLED);
}

/* Between two steps of a run: has it been stopped? While the pipeline runs,
 * stop_stage.c asks. */
static int
go_on(const struct varve_backup_options *o, struct varve_err *err)
{
	return o->stop != NULL && !o->dry_run && o->stop(o->stop_arg) ?
	    stopped(err) :
	    0;
}

/* --- sources --- */

static int
read_paths(const struct varve_backup_options *o, struct vrv_roots *roots,
    struct varve_err *err)
{
	const char *path;
	int rc;

	while ((rc = o->next_path(o->next_path_arg, &path, err)) == 0) {
		rc = vrv_roots_add(roots, path, false, err);
		if (rc == 0)
			rc = go_on(o, err);
		if (rc != 0)
			return rc;
	}
	return rc == VARVE_NOENT ? 0 : rc;
}

static int
collect_roots(const struct varve_backup_options *o, struct vrv_roots *roots,
    struct varve_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < o->n_sources; i++)
		rc = vrv_roots_add(roots, o->sources[i], true, err);
	if (rc == 0 && o->next_path != NULL)
		rc = read_paths(o, roots, err);
	if (rc == 0 && o->stdin_name != NULL)
		rc = vrv_roots_add_stdin(roots, o->stdin_name, err);
	if (rc == 0 && roots->n == 0)
		rc = vrv_fail(err, VARVE_USAGE,
		    o->next_path == NULL ? "nothing to back up was named" :
					   "the list of paths is empty: "
					   "there is nothing to back up");
	return rc == 0 ? vrv_roots_sort(roots, err) : rc;
}

/* --- the parent --- */

static struct vrv_text
text_of(const char *s)
{
	return s == NULL ? (struct vrv_text){NULL, 0} :
			   (struct vrv_text){(const uint8_t *)s, strlen(s)};
}

/* Up to VRV_PREVIOUS_MAX archives of the series: that one of them vanishes
 * without a tombstone will be seen. First those that no other names: then each
 * is named by one, whatever their claimed times are. */
static void
set_previous(const struct vrv_archives *all, const uint8_t tag[VRV_TAG_SIZE],
    struct vrv_archive_clear *clear)
{
	for (int named = 0; named < 2; named++) {
		for (size_t i = all->n;
		     i-- > 0 && clear->n_previous < VRV_PREVIOUS_MAX;) {
			const struct vrv_archive *a = all->items[i];
			const uint8_t *id = a->clear.logical;

			if (!a->unvouched &&
			    memcmp(a->object.tag, tag, VRV_TAG_SIZE) == 0 &&
			    vrv_archives_is_named(all, a) == named)
				memcpy(clear->previous[clear->n_previous++], id,
				    VRV_LOGICAL_ID);
		}
	}
}

/* --- the pipeline --- */

/* How metadata were taken; entries are inherited only from an archive that
 * says the same. */
static void
describe_options(const struct varve_backup_options *o, char *out, size_t n)
{
	snprintf(out, n, "meta%s%s%s%s%s", o->no_xattrs ? "" : " xattrs",
	    o->no_acls ? "" : " acls", o->no_flags ? "" : " flags",
	    o->atime ? " atime" : "", o->numeric_ids ? " numeric-ids" : "");
}

static int
make_pieces(struct vrv_pipeline *p, struct varve_err *err)
{
	size_t size = vrv_piece_size(p->repo);

	p->n_pieces = 2 * p->readers + p->hashers + 2;
	p->all_pieces = vrv_alloc_array(p->n_pieces, sizeof(*p->all_pieces));
	if (p->all_pieces == NULL)
		return VRV_NOMEM(err, "the readers");
	for (size_t i = 0; i < p->n_pieces; i++) {
		p->all_pieces[i].bytes = malloc(size);
		p->all_pieces[i].size = size;
		if (p->all_pieces[i].bytes == NULL)
			return VRV_NOMEM(err, "the readers");
		if (vrv_queue_push(p->spare, &p->all_pieces[i], 0) != 0)
			return vrv_fail(err, VARVE_CANCELLED, "cancelled");
	}
	return 0;
}

static struct vrv_compression
compression_of(const struct varve_backup_options *o)
{
	return (struct vrv_compression){
	    .codec =
		o->compression == VARVE_COMPRESS_NONE ? VRV_STORED : VRV_ZSTD,
	    .level = o->level == 0 ? VRV_LEVEL_DEFAULT : o->level,
	    .try_first = o->compression == VARVE_COMPRESS_AUTO,
	};
}

static int
make_lanes(struct vrv_pipeline *p, const uint8_t tag[VRV_TAG_SIZE],
    struct varve_err *err)
{
	const struct varve_backup_options *o = p->options;
	struct vrv_writer_options writer = {.compression = compression_of(o),
	    .lanes = p->hashers + 1,
	    .checkpoint_ns = (uint64_t)1000000000 *
		(o->checkpoint_interval != 0 ? o->checkpoint_interval :
					       CHECKPOINT_S),
	    .checkpoint_bytes = CHECKPOINT_BYTES,
	    .verify_reused_ppm = o->verify_reused_ppm};

	memcpy(writer.tag, tag, VRV_TAG_SIZE);
	p->lanes = vrv_alloc_array(p->hashers, sizeof(struct vrv_lane *));
	if (p->lanes == NULL)
		return VRV_NOMEM(err, "the lanes");
	int rc = vrv_writer_new(p->repo, p->group, &writer, &p->writer, err);
	if (rc == 0)
		rc =
		    vrv_lane_new(p->writer, VRV_FRAME_META, &p->meta_lane, err);
	for (unsigned i = 0; rc == 0 && i < p->hashers; i++)
		rc = vrv_lane_new(p->writer, VRV_FRAME_DATA, &p->lanes[i], err);
	return rc;
}

static int
make_queues(struct vrv_pipeline *p, struct varve_err *err)
{
	p->items = vrv_queue_new(p->group, VRV_GROUPS, SIZE_MAX, 1);
	p->batches = vrv_queue_new(p->group, VRV_BATCHES, SIZE_MAX, 1);
	p->pieces = vrv_queue_new(p->group, 2 * p->readers + p->hashers + 2,
	    SIZE_MAX, p->readers);
	p->spare = vrv_queue_new(p->group, 2 * p->readers + p->hashers + 2,
	    SIZE_MAX, 1);
	return p->items == NULL || p->batches == NULL || p->pieces == NULL ||
		p->spare == NULL ?
	    VRV_NOMEM(err, "the queues") :
	    0;
}

static int
start(struct vrv_pipeline *p, struct varve_err *err)
{
	int rc = vrv_group_start(p->group, "build", vrv_stage_build, p, err);

	for (unsigned i = 0; rc == 0 && i < p->hashers; i++)
		rc = vrv_group_start(p->group, "hash", vrv_stage_hash, p, err);
	for (unsigned i = 0; rc == 0 && i < p->readers; i++)
		rc = vrv_group_start(p->group, "read", vrv_stage_read, p, err);
	if (rc == 0)
		rc = vrv_group_start(p->group, "walk", vrv_stage_walk, p, err);
	if (rc == 0 && p->options->stop != NULL && !p->options->dry_run)
		rc = vrv_group_start(p->group, "stop", vrv_stage_stop, p, err);
	return rc;
}

/* A quarter of what the process may open goes to the walk's way down, half to
 * the directories of batches: those that wait, those being read, and the one
 * being filled. One of each has to do where there is next to nothing. */
static void
share_descriptors(struct vrv_pipeline *p)
{
	size_t max = vrv_os_open_max();
	size_t rest =
	    max > VRV_DESCRIPTORS_KEPT ? max - VRV_DESCRIPTORS_KEPT : 0;
	size_t dirs = rest / 2 / (VRV_BATCHES + p->readers + 1);

	p->open_levels = rest / 4;
	if (p->open_levels > VRV_OPEN_LEVELS)
		p->open_levels = VRV_OPEN_LEVELS;
	if (p->open_levels == 0)
		p->open_levels = 1;
	p->batch_dirs = dirs > VRV_BATCH_DIRS ? VRV_BATCH_DIRS :
	    dirs == 0			      ? 1 :
						(uint32_t)dirs;
}

static int
pipeline_init(struct vrv_pipeline *p, const uint8_t tag[VRV_TAG_SIZE],
    struct varve_err *err)
{
	const struct varve_backup_options *o = p->options;
	pthread_condattr_t monotonic;

	pthread_mutex_init(&p->done_lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&p->done, &monotonic);
	pthread_condattr_destroy(&monotonic);
	p->want = (struct vrv_source_want){.xattrs = !o->no_xattrs,
	    .acls = !o->no_acls,
	    .flags = !o->no_flags,
	    .atime = o->atime,
	    .nodump_check = o->exclude_nodump,
	    .read_special = o->read_special};
	p->hashers = o->threads != 0 ? o->threads : vrv_task_cpus();
	p->readers = p->hashers < READERS_MAX ? p->hashers : READERS_MAX;
	share_descriptors(p);
	if (o->dry_run)
		p->readers = p->hashers = 0;
	p->group = vrv_group_new();
	if (p->group == NULL)
		return VRV_NOMEM(err, "the threads");
	int rc = make_queues(p, err);
	if (rc == 0 && !o->dry_run)
		rc = make_lanes(p, tag, err);
	if (rc == 0 && !o->dry_run)
		rc = make_pieces(p, err);
	return rc;
}

static void
pipeline_fini(struct vrv_pipeline *p)
{
	void *item;

	if (p->group != NULL) {
		struct varve_err unused;

		/* After an error some threads may still run. */
		vrv_group_cancel(p->group, NULL);
		(void)!vrv_group_join(p->group, &unused);
	}
	while (p->items != NULL && (item = vrv_queue_drain(p->items)) != NULL)
		vrv_items_free(item);
	while (
	    p->batches != NULL && (item = vrv_queue_drain(p->batches)) != NULL)
		free(item);
	vrv_items_free(p->filling);
	vrv_items_free(p->building);
	free(p->batch);
	vrv_lane_free(p->meta_lane);
	for (unsigned i = 0; p->lanes != NULL && i < p->hashers; i++)
		vrv_lane_free(p->lanes[i]);
	free(p->lanes);
	vrv_writer_free(p->writer);
	for (size_t i = 0; p->all_pieces != NULL && i < p->n_pieces; i++) {
		free(p->all_pieces[i].bytes);
		free(p->all_pieces[i].chunks);
	}
	free(p->all_pieces);
	vrv_buf_fini(&p->root_entry);
	vrv_group_free(p->group);
	pthread_mutex_destroy(&p->done_lock);
	pthread_cond_destroy(&p->done);
}

/* An archive of nothing would say that there is a backup. */
static int
check_taken(const struct vrv_pipeline *p, struct varve_err *err)
{
	if (p->taken > 0)
		return 0;
	return vrv_fail(err, VARVE_NOENT, "no archive was created: %s",
	    p->warnings > 0 ? "none of the sources could be read" :
			      "everything is excluded");
}

static int
run(struct vrv_pipeline *p, struct varve_err *err)
{
	int rc = start(p, err);

	if (rc != 0)
		vrv_group_cancel(p->group, err);
	rc = vrv_group_join(p->group, err);
	if (rc == 0 && p->stopping)
		rc = stopped(err);
	if (rc == 0 && p->options->stdin_wait != NULL && !p->options->dry_run)
		rc = p->options->stdin_wait(p->options->stdin_wait_arg, err);
	return rc == 0 ? check_taken(p, err) : rc;
}

/* --- the archive --- */

/* Everything of a run that outlives its pipeline. */
struct session {
	struct vrv_repo *repo;
	const struct varve_backup_options *options;
	const struct vrv_create_watch *watch;
	struct vrv_roots roots;
	struct vrv_archives *archives;
	const struct vrv_archive *parent;
	struct vrv_treecache *cache;
	const char *label;
	uint8_t tag[VRV_TAG_SIZE];
	char metadata[80];
	struct vrv_time start;
	struct vrv_text *args;
	uint32_t n_args;
	uint64_t args_cut;
};

static void
describe(const struct session *s, const struct vrv_pipeline *p,
    const struct vrv_writer_totals *totals, struct vrv_archive *a)
{
	const struct varve_backup_options *o = s->options;
	const struct vrv_config *config = vrv_repo_config(s->repo);
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	a->object = (struct vrv_name){.type = VRV_ARCHIVE};
	memcpy(a->object.tag, s->tag, VRV_TAG_SIZE);
	vrv_random(a->clear.logical, sizeof(a->clear.logical));
	a->clear.flags = p->warnings > 0 ? VRV_ARCHIVE_WARNINGS : 0;
	a->clear.stored = totals->stored;
	set_previous(s->archives, s->tag, &a->clear);

	a->sealed = (struct vrv_archive_sealed){.name = text_of(o->name),
	    .comment = text_of(o->comment),
	    .series = text_of(s->label),
	    .host = text_of(o->host),
	    .user = text_of(o->user),
	    .options = text_of(s->metadata),
	    .software = text_of("varve " VARVE_VERSION),
	    .args = s->args,
	    .n_args = s->n_args,
	    .args_cut = s->args_cut,
	    .platform = VRV_PLATFORM_LINUX,
	    .start = s->start,
	    .end = vrv_time_now(),
	    .utc_offset = (int32_t)tm.tm_gmtoff,
	    .root = p->root,
	    .root_entry = {p->root_entry.data, p->root_entry.len},
	    .files = p->files,
	    .entries = p->entries,
	    .xattrs = p->xattrs,
	    .acls = p->acls,
	    .counts_xattrs = true,
	    .counts_acls = true,
	    .bytes = p->bytes,
	    .chunks = totals->chunks,
	    .new_bytes = totals->plain,
	    .has_skipped = p->has_skipped,
	    .has_owners = p->has_owners,
	    .skipped = p->skipped,
	    .owners = p->owners,
	    .has_parent = s->parent != NULL,
	    .chunk_method = config->chunk_method,
	    .chunk_min = config->chunk_min,
	    .chunk_average = config->chunk_average,
	    .chunk_max = config->chunk_max};
	a->clear.end = a->sealed.end.s;
	a->sealed.nominal = s->start;
	if (o->has_timestamp)
		a->sealed.nominal =
		    (struct vrv_time){o->timestamp.s, o->timestamp.ns};
	if (s->parent != NULL)
		memcpy(a->sealed.parent, s->parent->clear.logical,
		    VRV_LOGICAL_ID);
}

static struct varve_time
public_time(struct vrv_time t)
{
	return (struct varve_time){t.s, t.ns};
}

static void
report(const struct session *s, const struct vrv_pipeline *p,
    struct varve_backup_result *ret)
{
	struct vrv_writer_totals totals = {0};

	if (p->writer != NULL)
		vrv_writer_totals(p->writer, &totals);
	*ret = (struct varve_backup_result){.start = public_time(s->start),
	    .end = public_time(vrv_time_now()),
	    .items = p->taken,
	    .files = p->files,
	    .original = p->bytes,
	    .deduplicated = totals.plain,
	    .compressed = totals.compressed,
	    .stored = totals.stored,
	    .chunks = totals.chunks,
	    .warnings = p->warnings};
}

static int
commit(struct session *s, struct vrv_pipeline *p,
    struct varve_backup_result *ret, struct varve_err *err)
{
	const struct varve_backup_options *o = s->options;
	struct vrv_archive archive = {0};
	struct vrv_writer_totals totals;
	vrv_auto_free char *cwd = getcwd(NULL, 0);

	s->args = vrv_alloc_array(o->n_args, sizeof(*s->args));
	if (s->args == NULL)
		return VRV_NOMEM(err, "the archive");
	/* A long list of paths must not make the archive too large. */
	size_t n = vrv_min(o->n_args, UINT32_MAX);
	for (size_t i = 0; i < n; i++)
		s->args[i] = text_of(o->args[i]);
	s->n_args = vrv_archive_args_fit(s->args, (uint32_t)n);
	s->args_cut = o->n_args - s->n_args;
	vrv_writer_totals(p->writer, &totals);
	describe(s, p, &totals, &archive);
	/* A longer one could not be used, and might not fit in. */
	if (cwd != NULL && strlen(cwd) < PATH_MAX)
		archive.sealed.cwd = text_of(cwd);
	struct vrv_commit c = {.archive = &archive,
	    .parent = s->parent,
	    .writer = p->writer,
	    .known = s->archives};
	int rc = vrv_archive_commit(s->repo, &c, err);
	if (rc != 0)
		return rc;
	vrv_treecache_keep(p->cache);
	if (p->parent->checked)
		vrv_lost_checked(s->repo, s->tag, s->start.s);
	report(s, p, ret);
	vrv_hex(ret->id, archive.clear.logical, VRV_LOGICAL_ID);
	if (s->watch != NULL)
		s->watch->made(s->watch->arg, s->archives, &archive);
	return 0;
}

/* What lay in lost packs is stored again, and a run that reads everything
 * relies on nothing that it has not seen in the store. */
static int
look_for_lost(const struct session *s, struct vrv_parent *parent,
    struct varve_err *err)
{
	enum varve_files_cache mode = s->options->files_cache;
	bool reads_all = s->parent == NULL || mode == VARVE_CACHE_DISABLED ||
	    mode == VARVE_CACHE_RECHUNK;
	size_t lost;

	return vrv_lost_apply(s->repo, s->tag, reads_all, &lost,
	    &parent->checked, err);
}

static int
with_parent(struct session *s, struct varve_backup_result *ret,
    struct varve_err *err)
{
	struct vrv_parent parent;
	struct vrv_pipeline p = {.repo = s->repo,
	    .options = s->options,
	    .roots = &s->roots};

	if (s->repo != NULL)
		(void)vrv_store_identity(vrv_repo_store(s->repo), &p.store_dev,
		    &p.store_inode);
	int rc = vrv_parent_init(&parent, s->repo, s->parent, s->cache,
	    s->metadata, s->options->files_cache, err);
	p.parent = &parent;
	p.cache = s->cache;
	if (rc == 0 && s->parent != NULL)
		rc = vrv_parent_bound(&parent, err);
	if (rc == 0 && !s->options->dry_run)
		rc = look_for_lost(s, &parent, err);
	if (rc == 0)
		rc = go_on(s->options, err);
	if (rc == 0)
		rc = pipeline_init(&p, s->tag, err);
	if (rc == 0)
		rc = run(&p, err);
	if (rc == 0)
		rc = go_on(s->options, err);
	if (rc == 0 && s->options->dry_run)
		report(s, &p, ret);
	else if (rc == 0)
		rc = commit(s, &p, ret, err);
	pipeline_fini(&p);
	vrv_parent_fini(&parent);
	return rc;
}

/* Hours later it would be too late. */
static int
check_texts(const struct session *s, struct varve_err *err)
{
	const struct varve_backup_options *o = s->options;
	const struct vrv_archive_sealed texts = {.name = text_of(o->name),
	    .comment = text_of(o->comment),
	    .series = text_of(s->label),
	    .host = text_of(o->host),
	    .user = text_of(o->user)};

	return vrv_archive_check_texts(&texts, err);
}

static int
check_name(const struct session *s, struct varve_err *err)
{
	const char *name = s->options->name;

	int rc = vrv_archive_name_check(name == NULL ? "" : name, err);

	if (rc != 0)
		return rc;
	if (s->archives == NULL || !vrv_archives_has_name(s->archives, name))
		return 0;
	vrv_fail(err, VARVE_EXISTS, "an archive '%s' exists already", name);
	return vrv_exit(err, VARVE_EXIT_ARCHIVE_EXISTS);
}

int
vrv_create(struct vrv_repo *repo, const struct varve_backup_options *options,
    const struct vrv_create_watch *watch, struct varve_backup_result *ret,
    struct varve_err *err)
{
	struct session s = {.repo = repo,
	    .options = options,
	    .watch = watch,
	    .roots = VRV_ROOTS_INIT,
	    .start = vrv_time_now()};
	const char *host = options->host == NULL ? "" : options->host;

	int rc = collect_roots(options, &s.roots, err);
	if (rc == 0 && options->series != NULL)
		s.label = options->series;
	else if (rc == 0 && (s.label = vrv_roots_label(&s.roots)) == NULL)
		rc = VRV_NOMEM(err, "the series");
	describe_options(options, s.metadata, sizeof(s.metadata));
	if (rc == 0)
		rc = check_texts(&s, err);
	if (rc == 0)
		rc = go_on(options, err);
	if (rc == 0 && !options->dry_run)
		rc = vrv_archives_load(repo, &s.archives, err);
	if (rc == 0)
		rc = go_on(options, err);
	if (rc == 0)
		rc = check_name(&s, err);
	if (rc == 0 && s.archives != NULL) {
		vrv_repo_tag(repo, host, s.label, s.tag);
		vrv_treecache_open(repo, s.tag, &s.cache);
		const struct vrv_choice choice = {repo, s.archives, s.cache,
		    s.tag, host, s.label};
		rc = vrv_parent_choose(&choice, &s.parent, err);
	}
	if (rc == 0)
		rc = with_parent(&s, ret, err);
	vrv_treecache_close(s.cache);
	free(s.args);
	vrv_roots_fini(&s.roots);
	vrv_archives_free(s.archives);
	return rc;
}
