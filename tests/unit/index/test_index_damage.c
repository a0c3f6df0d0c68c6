/* SPDX-License-Identifier: BSD-2-Clause */
#include "test_index.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define PACKS 3
#define FRAMES 4
#define CHUNKS 60
#define ALL (PACKS * FRAMES * CHUNKS)

/* A folder with one run of PACKS packs, and its bytes. */
struct fixture {
	struct test_folder folder;
	struct test_pack packs[PACKS];
	char run[320], current[320];
	uint8_t *bytes;
	size_t n;
};

static void
read_file(const char *path, uint8_t **ret, size_t *ret_n)
{
	struct stat st;
	int fd = open(path, O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	*ret = malloc((size_t)st.st_size);
	assert_non_null(*ret);
	assert_int_equal(read(fd, *ret, (size_t)st.st_size), st.st_size);
	*ret_n = (size_t)st.st_size;
	close(fd);
}

static void
write_file(const char *path, const uint8_t *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

/* The run in the directory, and its bytes. */
static void
find_run(struct fixture *f)
{
	struct dirent *file;

	DIR *dir = opendir(f->folder.path);
	assert_non_null(dir);
	while ((file = readdir(dir)) != NULL) {
		if (strncmp(file->d_name, "run-", 4) == 0)
			snprintf(f->run, sizeof(f->run), "%s/%.60s",
			    f->folder.path, file->d_name);
	}
	closedir(dir);
	snprintf(f->current, sizeof(f->current), "%s/current", f->folder.path);
	free(f->bytes);
	read_file(f->run, &f->bytes, &f->n);
}

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	test_folder_make(&f->folder);
	for (uint32_t i = 0; i < PACKS; i++)
		f->packs[i] = (struct test_pack){i, FRAMES, CHUNKS,
		    i * FRAMES * CHUNKS, 1u << 30};
	struct vrv_index *index = test_open(&f->folder);
	assert_int_equal(test_list(index, f->packs, PACKS), PACKS);
	vrv_index_free(index);
	assert_int_equal(test_folder_count(&f->folder, "run-"), 1);
	find_run(f);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	test_folder_remove(&f->folder);
	free(f->bytes);
	free(f);
	return 0;
}

/* Look up everything that is there and something that is not. Each answer is
 * right or CORRUPT; returns how many were CORRUPT. */
static unsigned
look_up_all(struct vrv_index *index, const struct fixture *f, uint32_t step)
{
	unsigned corrupt = 0;

	for (uint32_t c = 0; c < ALL + 20; c += step) {
		struct vrv_location got, want;
		struct varve_err err;
		uint8_t id[16], bases[4][16], base[16];
		uint32_t n = 0;

		test_id('C', c, id);
		int rc = vrv_index_find(index, id, &got, 1, &n, &err);
		if (rc == VARVE_CORRUPT) {
			corrupt++;
			continue;
		}
		assert_int_equal(rc, c < ALL ? 0 : VARVE_NOENT);
		if (rc != 0)
			continue;
		want = test_location(&f->packs[c / (FRAMES * CHUNKS)],
		    c / CHUNKS % FRAMES, c % CHUNKS, NULL);
		assert_int_equal(n, 1);
		assert_true(test_same_location(&got, &want));
		rc = vrv_index_bases(index, &got, bases, &err);
		if (rc == VARVE_CORRUPT) {
			corrupt++;
			continue;
		}
		assert_int_equal(rc, 0);
		for (uint32_t i = 0; i < want.m; i++) {
			test_base(&want, i, base);
			assert_memory_equal(bases[i], base, 16);
		}
	}
	return corrupt;
}

static void
test_flipped_bytes(void **state)
{
	struct fixture *f = *state;
	unsigned dropped = 0, corrupt = 0, step = 0;
	uint8_t *current;
	size_t current_n;

	read_file(f->current, &current, &current_n);
	for (size_t i = 0; i < f->n; i += i < 160 ? 7 : 613) {
		f->bytes[i] ^= (uint8_t)(1u << i % 8);
		write_file(f->run, f->bytes, f->n);
		write_file(f->current, current, current_n);
		f->bytes[i] ^= (uint8_t)(1u << i % 8);

		struct vrv_index *index = test_open(&f->folder);
		uint32_t wanted = test_list(index, f->packs, PACKS);
		unsigned failed = look_up_all(index, f, 1 + step++ % 3);
		assert_true(wanted == 0 || wanted == PACKS);
		dropped += wanted == PACKS;
		if (failed > 0) {
			/* A new listing makes it right. */
			assert_int_equal(wanted, 0);
			assert_int_equal(test_list(index, f->packs, PACKS),
			    PACKS);
			assert_int_equal(look_up_all(index, f, 5), 0);
			corrupt++;
		}
		vrv_index_free(index);
	}
	/* Both kinds of damage were met. */
	assert_true(dropped > 20);
	assert_true(corrupt > 20);
	free(current);
}

static void
test_forget(void **state)
{
	struct fixture *f = *state;

	f->bytes[f->n - 100] ^= 1;
	write_file(f->run, f->bytes, f->n);
	struct vrv_index *index = test_open(&f->folder);
	assert_int_equal(test_list(index, f->packs, PACKS), 0);
	assert_true(look_up_all(index, f, 1) > 0);
	vrv_index_forget(index);
	assert_int_equal(test_folder_count(&f->folder, "run-"), 0);
	assert_int_equal(test_list(index, f->packs, PACKS), PACKS);
	assert_int_equal(look_up_all(index, f, 1), 0);
	vrv_index_free(index);
	index = test_open(&f->folder);
	assert_int_equal(test_list(index, f->packs, PACKS), 0);
	vrv_index_free(index);
}

/* A damaged run does not stand in the way of what others know. */
static void
test_found_elsewhere(void **state)
{
	struct fixture *f = *state;
	struct vrv_buf entry = {0};
	struct varve_err err;

	f->bytes[f->n - 100] ^= 1;
	write_file(f->run, f->bytes, f->n);
	struct vrv_index *index = test_open(&f->folder);
	assert_int_equal(test_list(index, f->packs, PACKS), 0);
	assert_true(look_up_all(index, f, 1) > 0);
	for (uint32_t i = 0; i < PACKS; i++) {
		vrv_buf_clear(&entry);
		test_pack_entry(&f->packs[i], &entry);
		assert_int_equal(vrv_index_add(index, entry.data, entry.len,
				     &err),
		    0);
	}
	unsigned failed = 0;
	for (uint32_t c = 0; c < ALL; c++) {
		struct vrv_location got[2];
		uint8_t id[16];
		uint32_t n;
		test_id('C', c, id);
		assert_int_equal(vrv_index_find(index, id, got, 1, &n, &err),
		    0);
		/* There may be a copy that only the damaged run knows. */
		int rc = vrv_index_find(index, id, got, 2, &n, &err);
		assert_true(rc == 0 || rc == VARVE_CORRUPT);
		failed += rc != 0;
	}
	assert_true(failed > 0);
	vrv_buf_fini(&entry);
	vrv_index_free(index);
}

/* A sound block in another's place is damage too. */
static void
test_swapped_blocks(void **state)
{
	struct fixture *f = *state;
	uint8_t *swapped = malloc(f->n), *current;
	unsigned noticed = 0;
	size_t current_n;

	assert_non_null(swapped);
	read_file(f->current, &current, &current_n);
	for (size_t b = 1; b + 1 < f->n / 4096; b++) {
		memcpy(swapped, f->bytes, f->n);
		memcpy(swapped + b * 4096, f->bytes + (b + 1) * 4096, 4096);
		memcpy(swapped + (b + 1) * 4096, f->bytes + b * 4096, 4096);
		write_file(f->run, swapped, f->n);
		write_file(f->current, current, current_n);
		struct vrv_index *index = test_open(&f->folder);
		uint32_t wanted = test_list(index, f->packs, PACKS);
		noticed += look_up_all(index, f, 1) > 0 || wanted > 0;
		vrv_index_free(index);
	}
	assert_int_equal(noticed, f->n / 4096 - 2);
	free(current);
	free(swapped);
}

static void
test_cut_and_missing(void **state)
{
	struct fixture *f = *state;
	uint8_t *current;
	size_t current_n;

	read_file(f->current, &current, &current_n);
	for (size_t n = 0; n < f->n; n += 2048) {
		write_file(f->run, f->bytes, n);
		write_file(f->current, current, current_n);
		struct vrv_index *index = test_open(&f->folder);
		assert_int_equal(test_list(index, f->packs, PACKS), PACKS);
		assert_int_equal(look_up_all(index, f, 7), 0);
		vrv_index_free(index);
	}
	(void)unlink(f->run);
	write_file(f->current, current, current_n);
	struct vrv_index *index = test_open(&f->folder);
	assert_int_equal(test_list(index, f->packs, PACKS), PACKS);
	vrv_index_free(index);

	write_file(f->run, f->bytes, f->n);
	for (size_t i = 0; i < current_n; i += 5) {
		current[i] ^= 2;
		write_file(f->current, current, current_n);
		current[i] ^= 2;
		index = test_open(&f->folder);
		assert_int_equal(test_list(index, f->packs, PACKS), PACKS);
		assert_int_equal(look_up_all(index, f, 17), 0);
		vrv_index_free(index);
	}
	write_file(f->current, current, current_n - 1);
	index = test_open(&f->folder);
	assert_int_equal(test_list(index, f->packs, PACKS), PACKS);
	vrv_index_free(index);
	free(current);
}

/* A run that is truncated while it is in use is a damaged one: the process
 * must not die of it. */
static void
test_cut_in_use(void **state)
{
	struct fixture *f = *state;

	for (off_t n = 0; n < (off_t)f->n; n += 4096 + 1000) {
		write_file(f->run, f->bytes, f->n);
		struct vrv_index *index = test_open(&f->folder);
		assert_int_equal(test_list(index, f->packs, PACKS), 0);
		assert_int_equal(truncate(f->run, n), 0);
		assert_true(look_up_all(index, f, 7) > 0);
		assert_int_equal(test_list(index, f->packs, PACKS), PACKS);
		assert_int_equal(look_up_all(index, f, 7), 0);
		vrv_index_free(index);
		/* The fixture's run again. */
		test_folder_remove(&f->folder);
		assert_int_equal(mkdir(f->folder.path, 0700), 0);
		index = test_open(&f->folder);
		assert_int_equal(test_list(index, f->packs, PACKS), PACKS);
		vrv_index_free(index);
		find_run(f);
	}
}

/* What stands in the place of a file is neither waited for, nor followed, nor
 * written to. */
static void
test_odd_files(void **state)
{
	struct fixture *f = *state;
	char victim[128];
	uint8_t *bytes;
	size_t n;

	snprintf(victim, sizeof(victim), "%s/victim", f->folder.path);
	for (int i = 0; i < 8; i++) {
		const char *path = i < 4 ? f->run : f->current;

		write_file(victim, (const uint8_t *)"mine", 4);
		assert_int_equal(unlink(path), 0);
		switch (i % 4) {
		case 0:
			assert_int_equal(mkfifo(path, 0600), 0);
			break;
		case 1:
			assert_int_equal(symlink("victim", path), 0);
			break;
		case 2:
			assert_int_equal(mkdir(path, 0700), 0);
			break;
		default:
			assert_int_equal(symlink("/dev/zero", path), 0);
		}
		struct vrv_index *index = test_open(&f->folder);
		assert_int_equal(test_list(index, f->packs, PACKS), PACKS);
		assert_int_equal(look_up_all(index, f, 7), 0);
		vrv_index_free(index);
		(void)rmdir(path);
		read_file(victim, &bytes, &n);
		assert_int_equal(n, 4);
		assert_memory_equal(bytes, "mine", 4);
		free(bytes);
		/* Runs that nothing names do not pile up. */
		assert_true(test_folder_count(&f->folder, "run-") <= 1);
		index = test_open(&f->folder);
		(void)test_list(index, f->packs, PACKS);
		vrv_index_free(index);
		find_run(f);
	}
	assert_int_equal(unlink(victim), 0);
}

/* Without descriptors nothing can be said of the files: they stay. */
static void
test_no_descriptors(void **state)
{
	struct fixture *f = *state;
	struct rlimit old, low;
	unsigned failed = 0;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	int free_fd = open("/dev/null", O_RDONLY);
	assert_true(free_fd >= 0);
	close(free_fd);
	for (int more = 0; more < 4; more++) {
		struct vrv_index *index = NULL;
		struct varve_err err;
		char *note = NULL;

		low = old;
		low.rlim_cur = (rlim_t)(free_fd + more);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
		int rc = vrv_index_open(f->folder.path, test_repository, &index,
		    &note, &err);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
		assert_null(note);
		failed += rc != 0;
		if (rc == 0)
			assert_int_equal(test_list(index, f->packs, PACKS), 0);
		else
			assert_true(vrv_err_is_fatal(&err));
		vrv_index_free(index);
		assert_int_equal(access(f->run, F_OK), 0);
	}
	assert_in_range(failed, 1, 3);
}

/* Counts are of all packs, or an error. */
static void
test_stats(void **state)
{
	struct fixture *f = *state;
	struct vrv_index_stats stats;
	struct varve_err err;
	unsigned failed = 0;

	for (size_t at = 4096; at < f->n; at += 4096) {
		f->bytes[at] ^= 1;
		write_file(f->run, f->bytes, f->n);
		f->bytes[at] ^= 1;
		struct vrv_index *index = test_open(&f->folder);
		uint32_t wanted = test_list(index, f->packs, PACKS);
		int rc = vrv_index_stats(index, &stats, &err);
		if (rc != 0) {
			assert_int_equal(rc, VARVE_CORRUPT);
			assert_int_equal(wanted, 0);
			failed++;
			vrv_index_forget(index);
			assert_int_equal(test_list(index, f->packs, PACKS),
			    PACKS);
			assert_int_equal(vrv_index_stats(index, &stats, &err),
			    0);
		}
		assert_int_equal(stats.packs, PACKS);
		assert_int_equal(stats.chunks, ALL);
		vrv_index_free(index);
		find_run(f);
	}
	assert_true(failed > 0);
}

/* What a killed process left behind goes at once; what another one has just
 * made stays. */
static void
test_left_behind(void **state)
{
	struct fixture *f = *state;
	char orphan[128], temporary[128];
	struct test_pack more[PACKS + 1];

	memcpy(more, f->packs, sizeof(f->packs));
	more[PACKS] = (struct test_pack){PACKS, 1, 1, ALL, 1u << 30};
	snprintf(orphan, sizeof(orphan),
	    "%s/run-00112233445566778899aabbccddeeff", f->folder.path);
	snprintf(temporary, sizeof(temporary),
	    "%s/.varve-00112233445566778899aabbccddeeff.tmp", f->folder.path);
	write_file(orphan, f->bytes, f->n);
	write_file(temporary, f->bytes, f->n);
	int fd = open(orphan, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_SH), 0);
	struct vrv_index *index = test_open(&f->folder);
	assert_int_equal(access(temporary, F_OK), -1);
	assert_int_equal(test_list(index, more, PACKS + 1), 1);
	assert_int_equal(access(orphan, F_OK), 0);
	close(fd);
	assert_int_equal(test_list(index, more, PACKS), 0);
	assert_int_equal(access(orphan, F_OK), -1);
	vrv_index_free(index);
}

int
test_index_damage(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(test_flipped_bytes),
	    T(test_forget),
	    T(test_found_elsewhere),
	    T(test_swapped_blocks),
	    T(test_cut_and_missing),
	    T(test_cut_in_use),
	    T(test_odd_files),
	    T(test_no_descriptors),
	    T(test_stats),
	    T(test_left_behind),
	};
#undef T
	return cmocka_run_group_tests_name("damage", tests, NULL, NULL);
}
